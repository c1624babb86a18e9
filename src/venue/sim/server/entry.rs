//! The order-entry socket: its envelope, its own codes, faults of its requests.
//!
//! Bybit v5, websocket/trade/guideline. What an order means is the venue's business.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fault::RequestAct;
use super::hub::{Hub, Later};
use super::ops::id_of;
use super::socket::SocketKind;
use crate::domain::Timestamp;
use crate::venue::sim::exchange::SocketUser;

/// Everything that can be asked for, besides `auth` and `ping`.
const OPS: [&str; 6] = [
    "order.create",
    "order.amend",
    "order.cancel",
    "order.create-batch",
    "order.amend-batch",
    "order.cancel-batch",
];
/// Longest request id.
const LONGEST_ID: usize = 36;

#[derive(Deserialize)]
struct Args<'a> {
    #[serde(borrow)]
    args: Vec<&'a RawValue>,
}

impl Hub {
    /// Answers one text frame of an order-entry socket.
    pub(super) fn entry_frame(&mut self, id: u64, now: Timestamp, text: &str, frame: &Value) {
        let op = frame.get("op").and_then(Value::as_str).unwrap_or_default();
        let given = id_of(frame, "reqId");
        let refuse = |hub: &mut Self, code: i64, message: &str| {
            let answer = hub.envelope(id, op, given.as_deref(), code, message);
            hub.say(id, answer.to_string());
        };
        let is_authentic = self.sockets.get(&id).is_some_and(|s| s.user.is_some());
        match op {
            "ping" => {
                let mut pong = self.envelope(id, "pong", given.as_deref(), 0, "OK");
                pong["data"] = json!([now.millis().to_string()]);
                self.say(id, pong.to_string());
            }
            "auth" if is_authentic => refuse(self, 20_001, "Repeat auth"),
            "auth" => match self.check_auth(id, SocketKind::Trade, now, frame) {
                Ok(()) => {
                    refuse(self, 0, "OK");
                    self.end_after_auth(id, SocketKind::Trade);
                }
                Err((code, message)) => refuse(self, code, &message),
            },
            _ if !frame.is_object() => refuse(self, 10_001, "Params Error"),
            _ if !OPS.contains(&op) => refuse(self, 10_404, "op type is not found"),
            // The code of a request before its authentication is not documented.
            _ if !is_authentic => refuse(self, 10_005, "Permission denied"),
            _ if given.as_ref().is_some_and(|given| LONGEST_ID < given.len()) => {
                refuse(self, 10_001, "reqId is longer than 36 characters");
            }
            _ if !self.is_new(id, given.as_deref()) => refuse(self, 20_006, "Duplicate reqId"),
            _ => self.request(id, now, op, text),
        }
    }

    /// Remembers a request id; whether it is new. Requests without one are always new.
    fn is_new(&mut self, id: u64, given: Option<&str>) -> bool {
        match (self.sockets.get_mut(&id), given) {
            (Some(socket), Some(given)) => socket.req_ids.insert(given.to_owned()),
            _ => true,
        }
    }

    fn envelope(&self, id: u64, op: &str, given: Option<&str>, code: i64, message: &str) -> Value {
        let conn_id = self.sockets.get(&id).map(|socket| socket.conn_id.as_str());
        let mut answer = json!({
            "retCode": code, "retMsg": message, "op": op, "connId": conn_id.unwrap_or_default(),
        });
        if let Some(given) = given {
            answer["reqId"] = json!(given);
        }
        answer
    }

    fn request(&mut self, id: u64, now: Timestamp, op: &str, text: &str) {
        let path = format!("trade:{op}");
        self.counters.request(&path);
        if op.starts_with("order.create")
            && let Ok(Args { args }) = serde_json::from_str(text)
        {
            for body in args {
                self.counters.create(body.get());
            }
        }
        let Some(user) = self.sockets.get(&id).and_then(|socket| socket.user.clone()) else {
            return;
        };
        let act = self.faults.request(&path);
        let has_effect = match &act {
            Some(RequestAct::DropRequest {} | RequestAct::Hold { .. }) => false,
            Some(RequestAct::Html { effect, .. } | RequestAct::Status { effect, .. }) => *effect,
            _ => true,
        };
        let answer = has_effect
            .then(|| self.order_entry(id, &user, now, text))
            .flatten();
        let answer = match act {
            None => answer,
            Some(RequestAct::DropRequest {} | RequestAct::DropReply {}) => None,
            Some(RequestAct::Delay { ms }) => {
                if let Some(answer) = answer {
                    self.schedule(now, ms, Later::Say(id, answer));
                }
                None
            }
            Some(RequestAct::Hold { ms }) => {
                self.schedule(now, ms, Later::Op(id, user, text.to_owned()));
                None
            }
            Some(RequestAct::Duplicate { second }) => {
                let again = self.order_entry(id, &user, now, text);
                if second { again } else { answer }
            }
            Some(RequestAct::Truncate { bytes, .. }) => {
                answer.map(|answer| answer.chars().take(bytes).collect())
            }
            Some(RequestAct::Html { .. }) => Some(super::http::HTML.to_owned()),
            Some(RequestAct::Status { .. }) => {
                let frame: Value = serde_json::from_str(text).unwrap_or(Value::Null);
                let given = id_of(&frame, "reqId");
                let answer = self.envelope(id, op, given.as_deref(), 10_016, "Server error");
                Some(answer.to_string())
            }
        };
        if let Some(answer) = answer {
            self.say(id, answer);
        }
        self.dispatch();
    }

    /// Hands an order-entry request to the venue; its answer with the connection's id. What the
    /// venue pushes waits for the next [`Hub::dispatch`].
    pub(super) fn order_entry(
        &mut self,
        id: u64,
        user: &SocketUser,
        now: Timestamp,
        text: &str,
    ) -> Option<String> {
        let answer = self.exchange.trade_op(now, user, text)?;
        let mut answer: Value = serde_json::from_str(&answer).ok()?;
        let conn_id = self.sockets.get(&id).map(|socket| socket.conn_id.as_str());
        answer["connId"] = json!(conn_id.unwrap_or_default());
        Some(answer.to_string())
    }
}
