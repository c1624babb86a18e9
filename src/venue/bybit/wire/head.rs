//! The outer fields of a socket frame, in both of the venue's spellings.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::control::{Ack, Control, Pong, Refusal};
use super::envelope::ExtInfo;
use super::error::{WireError, from_json};
use super::names::SocketOp;
use super::number::{flag, opt, or_default};
use super::trade::LimitHeaders;
use crate::domain::Timestamp;

#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(default, with = "opt")]
    pub(super) topic: Option<String>,
    #[serde(default, with = "opt", rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default, with = "opt")]
    pub(super) ts: Option<Timestamp>,
    #[serde(default, with = "opt")]
    pub(super) cts: Option<Timestamp>,
    #[serde(default, with = "opt")]
    pub(super) cs: Option<u64>,
    #[serde(default, with = "opt")]
    pub(super) id: Option<String>,
    #[serde(default, with = "opt", rename = "creationTime")]
    pub(super) created: Option<Timestamp>,
    #[serde(default, borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(default, with = "opt")]
    pub(super) op: Option<String>,
    #[serde(default, with = "flag")]
    success: Option<bool>,
    #[serde(default, with = "opt")]
    ret_msg: Option<String>,
    #[serde(default, with = "opt", rename = "retMsg")]
    ret_msg_camel: Option<String>,
    #[serde(default, with = "opt", rename = "retCode")]
    pub(super) ret_code: Option<i64>,
    #[serde(default, with = "opt")]
    req_id: Option<String>,
    #[serde(default, with = "opt", rename = "reqId")]
    req_id_camel: Option<String>,
    #[serde(default, with = "opt")]
    conn_id: Option<String>,
    #[serde(default, with = "opt", rename = "connId")]
    conn_id_camel: Option<String>,
    #[serde(default, borrow)]
    args: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) header: LimitHeaders,
    #[serde(default, rename = "retExtInfo")]
    pub(super) ext: ExtInfo,
}

/// Topics that an answer in the option form calls failed.
#[derive(Deserialize, Default)]
struct CommandResult {
    #[serde(default, rename = "failTopics", deserialize_with = "or_default")]
    failed: Vec<String>,
}

impl<'a> Head<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, WireError> {
        from_json(text)
    }

    pub(super) fn message(&self) -> &str {
        let text = self.ret_msg.as_deref().or(self.ret_msg_camel.as_deref());
        text.unwrap_or_default()
    }

    pub(super) fn take_req_id(&mut self) -> Option<String> {
        self.req_id.take().or_else(|| self.req_id_camel.take())
    }

    pub(super) fn take_conn_id(&mut self) -> Option<String> {
        self.conn_id.take().or_else(|| self.conn_id_camel.take())
    }

    /// The answer to a ping, in each of the forms it has.
    pub(super) fn pong(&mut self) -> Option<Control> {
        let is_pong = self.op.as_deref() == Some("pong") || self.message() == "pong";
        is_pong.then(|| {
            // The time is a courtesy: whatever else stands there is not worth an error.
            let list = self.args.or(self.data).map(RawValue::get);
            let times: Option<Vec<String>> = list.and_then(|list| serde_json::from_str(list).ok());
            let first = times.and_then(|times| times.first()?.parse().ok());
            Control::Pong(Pong {
                req_id: self.take_req_id(),
                venue_time: first.map(Timestamp::from_millis),
            })
        })
    }

    /// The answer to a subscription or an authentication; `None` when the frame answers nothing.
    pub(super) fn answer(&mut self) -> Option<Control> {
        let is_ok = match (self.success, self.ret_code) {
            (None, None) => return None,
            (success, code) => success.unwrap_or(true) && code.unwrap_or(0) == 0,
        };
        let failed = match self.data {
            Some(data) if is_ok => serde_json::from_str(data.get()).unwrap_or_default(),
            _ => CommandResult::default(),
        };
        let op = SocketOp::from(self.op.as_deref().unwrap_or_default());
        let (req_id, conn_id) = (self.take_req_id(), self.take_conn_id());
        Some(if is_ok && failed.failed.is_empty() {
            Control::Ack(Ack {
                op,
                req_id,
                conn_id,
            })
        } else {
            let message = match failed.failed.as_slice() {
                [] => self.message().to_owned(),
                topics => format!("error:handler not found,topic:{}", topics.join(",")),
            };
            Control::Refused(Refusal {
                op,
                req_id,
                conn_id,
                code: self.ret_code,
                message,
            })
        })
    }
}

/// Whether the whole frame is the bare word.
pub(super) fn bare_pong(text: &str) -> Option<Control> {
    let word = text.trim().trim_matches('"');
    let pong = Control::Pong(Pong {
        req_id: None,
        venue_time: None,
    });
    word.eq_ignore_ascii_case("pong").then_some(pong)
}
