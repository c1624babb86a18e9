//! Answers of the order-entry socket.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::cause::shown;
use super::super::control::{integer, string};
use crate::domain::Timestamp;

/// An answer to a request: the venue took it or refused it, as `code` tells.
///
/// Taken is not executed: what becomes of the order is told by the private stream.
#[derive(Debug, Clone)]
pub struct TradeReply {
    /// 0 for taken; else a code of the REST calls, or one of this socket such as 20003 (too
    /// frequent), 20006 (id used twice) and 10019 (restarting, not taken).
    pub code: i64,
    /// Text of the venue.
    pub message: String,
    /// `data`, verbatim.
    pub data: Option<Box<RawValue>>,
    /// `retExtInfo`, verbatim: the outcome of each item of a batch.
    pub ext_info: Option<Box<RawValue>>,
    /// Budget of requests after this one.
    pub limit: RequestLimit,
    /// Id of the answer for support cases.
    pub trace_id: Option<String>,
}

/// Budget of requests, as far as the answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestLimit {
    /// `X-Bapi-Limit`: requests a second.
    pub limit: Option<i64>,
    /// `X-Bapi-Limit-Status`: of these left.
    pub left: Option<i64>,
    /// `X-Bapi-Limit-Reset-Timestamp`: when they are there again.
    pub reset_at: Option<Timestamp>,
}

/// What a frame of this socket answers.
pub(super) enum Answer {
    /// The request of this number, with a reply unless it cannot be read.
    To(u64, Option<TradeReply>),
    /// No request of ours.
    Unmatched,
}

/// Id of a request as it is sent.
pub(super) fn req_id(id: u64) -> String {
    format!("t{id}")
}

/// Reads a frame that is no pong and no answer to a login.
pub(super) fn read(text: &str) -> Answer {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow, rename = "reqId")]
        req_id: Option<&'a RawValue>,
        #[serde(borrow, rename = "retCode")]
        code: Option<&'a RawValue>,
        #[serde(borrow, rename = "retMsg")]
        message: Option<&'a RawValue>,
        data: Option<Box<RawValue>>,
        #[serde(rename = "retExtInfo")]
        ext_info: Option<Box<RawValue>>,
        #[serde(borrow)]
        header: Option<&'a RawValue>,
    }
    let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
        return Answer::Unmatched;
    };
    let id = frame
        .req_id
        .and_then(string)
        .and_then(|id| id.strip_prefix('t')?.parse().ok());
    let Some(id) = id else {
        return Answer::Unmatched;
    };
    let Some(code) = frame.code.and_then(integer) else {
        return Answer::To(id, None);
    };
    let (limit, trace_id) = frame.header.map(read_header).unwrap_or_default();
    let reply = TradeReply {
        code,
        message: frame
            .message
            .and_then(string)
            .map(|message| shown(&message))
            .unwrap_or_default(),
        data: frame.data,
        ext_info: frame.ext_info,
        limit,
        trace_id,
    };
    Answer::To(id, Some(reply))
}

fn read_header(raw: &RawValue) -> (RequestLimit, Option<String>) {
    let Ok(fields) = serde_json::from_str::<BTreeMap<String, Value>>(raw.get()) else {
        return Default::default();
    };
    let field = |name: &str| -> Option<String> {
        let (_, value) = fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let number = |name: &str| -> Option<i64> { field(name)?.parse().ok() };
    let limit = RequestLimit {
        limit: number("X-Bapi-Limit"),
        left: number("X-Bapi-Limit-Status"),
        reset_at: number("X-Bapi-Limit-Reset-Timestamp").map(Timestamp::from_millis),
    };
    (limit, field("Traceid").map(|id| shown(&id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &str = r#"{"reqId":"t7","retCode":0,"retMsg":"OK","op":"order.create",
        "data":{"orderId":"1","orderLinkId":"a"},"retExtInfo":{},"connId":"c",
        "header":{"X-Bapi-Limit":"10","X-Bapi-Limit-Status":"9",
        "X-Bapi-Limit-Reset-Timestamp":"1700000000000","Traceid":"x","Timenow":"1"}}"#;

    #[test]
    fn an_answer_is_read_with_its_budget() {
        let Answer::To(7, Some(reply)) = read(TAKEN) else {
            panic!("not the answer to t7");
        };
        assert_eq!((reply.code, reply.message.as_str()), (0, "OK"));
        assert_eq!(
            reply.data.unwrap().get(),
            r#"{"orderId":"1","orderLinkId":"a"}"#
        );
        assert_eq!(
            reply.limit,
            RequestLimit {
                limit: Some(10),
                left: Some(9),
                reset_at: Some(Timestamp::from_millis(1_700_000_000_000)),
            }
        );
        assert_eq!(reply.trace_id.as_deref(), Some("x"));
    }

    #[test]
    fn no_cut_of_an_answer_is_an_answer() {
        for end in 0..TAKEN.len() {
            assert!(
                matches!(read(&TAKEN[..end]), Answer::Unmatched),
                "{}",
                &TAKEN[..end]
            );
        }
    }

    #[test]
    fn what_is_missing_stays_missing() {
        for (text, expected) in [
            (r#"{"reqId":"t7","retMsg":"OK"}"#, Some(7)),
            (r#"{"reqId":"t7","retCode":null}"#, Some(7)),
            (r#"{"reqId":"t7","retCode":"OK"}"#, Some(7)),
            (r#"{"retCode":10404,"retMsg":"op not found"}"#, None),
            (r#"{"reqId":"somebody else","retCode":0}"#, None),
            (r#"{"reqId":{},"retCode":0}"#, None),
            ("[]", None),
        ] {
            let found = match read(text) {
                Answer::To(id, None) => Some(id),
                Answer::To(_, Some(reply)) => panic!("{text}: {reply:?}"),
                Answer::Unmatched => None,
            };
            assert_eq!(found, expected, "{text}");
        }
        let Answer::To(7, Some(reply)) = read(r#"{"reqId":"t7","retCode":0,"header":[]}"#) else {
            panic!("not the answer to t7");
        };
        assert_eq!(reply.limit, RequestLimit::default());
        assert!(reply.data.is_none() && reply.ext_info.is_none());
    }
}
