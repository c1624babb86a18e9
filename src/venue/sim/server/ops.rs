//! What clients say on sockets and what they are told: pings, subscriptions, authentication.
//!
//! Bybit v5, websocket/connect and websocket/trade/guideline. A socket's frames are answered in
//! their order, so `auth` and `subscribe` may be sent without waiting. The order-entry socket is
//! in [`super::entry`].

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::hub::Hub;
use super::socket::{Socket, SocketKind};
use crate::domain::Timestamp;

/// Most topics of one request on the spot socket.
const SPOT_ARGS: usize = 10;
/// Longest list of topics of one public connection, in characters.
const MOST_CHARACTERS: usize = 21_000;

/// Private topics with and without a category.
const PRIVATE: [&str; 4] = ["order", "execution", "execution.fast", "position"];
/// Private topics that stand for themselves.
const PRIVATE_WHOLE: [&str; 5] = ["wallet", "greeks", "dcp.future", "dcp.spot", "dcp.option"];
const CATEGORIES: [&str; 4] = ["spot", "linear", "inverse", "option"];

/// An id that the client gave a request, as text; numbers are echoed as text too.
pub(super) fn id_of(frame: &Value, key: &str) -> Option<String> {
    match frame.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Hub {
    /// Answers one text frame of a socket.
    pub(super) fn frame(&mut self, id: u64, now: Timestamp, text: &str) {
        let Some(kind) = self.sockets.get(&id).map(|socket| socket.kind) else {
            return;
        };
        let frame: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        if kind == SocketKind::Trade {
            self.entry_frame(id, now, text, &frame);
            return;
        }
        let op = frame.get("op").and_then(Value::as_str).unwrap_or_default();
        match op {
            "ping" => self.pong(id, kind, now, &frame),
            "subscribe" => self.subscribe(id, kind, now, &frame),
            "unsubscribe" => self.unsubscribe(id, kind, &frame),
            "auth" if kind == SocketKind::Private => self.auth(id, now, &frame),
            _ => self.acknowledge(id, kind, &frame, Err("Params Error".to_owned())),
        }
    }

    fn pong(&mut self, id: u64, kind: SocketKind, now: Timestamp, frame: &Value) {
        let given = id_of(frame, "req_id");
        let conn_id = self.conn_id(id);
        let ms = now.millis().to_string();
        let mut pong = match kind {
            SocketKind::Option => json!({"args": [ms], "op": "pong"}),
            SocketKind::Private => json!({
                "req_id": given.clone().unwrap_or_default(), "op": "pong", "args": [ms],
                "conn_id": conn_id,
            }),
            _ => json!({"success": true, "ret_msg": "pong", "conn_id": conn_id, "op": "ping"}),
        };
        match kind {
            SocketKind::Linear | SocketKind::Status => {
                pong["req_id"] = json!(given.unwrap_or_default());
            }
            SocketKind::Spot if given.is_some() => pong["req_id"] = json!(given),
            _ => {}
        }
        self.say(id, pong.to_string());
    }

    /// Accepts or refuses a request, in the form of its socket.
    fn acknowledge(
        &mut self,
        id: u64,
        kind: SocketKind,
        frame: &Value,
        outcome: Result<&str, String>,
    ) {
        let op = frame.get("op").and_then(Value::as_str).unwrap_or_default();
        let is_accepted = outcome.is_ok();
        let said = outcome.map_or_else(|error| error, str::to_owned);
        let mut answer = json!({
            "success": is_accepted, "ret_msg": said, "conn_id": self.conn_id(id), "op": op,
        });
        let given = id_of(frame, "req_id");
        // The refusal of too many arguments has no id; authentication has one if it was given.
        let is_too_many = kind == SocketKind::Spot && !is_accepted && said.starts_with("args size");
        if !is_too_many && (op != "auth" || given.is_some()) {
            answer["req_id"] = json!(given.unwrap_or_default());
        }
        self.say(id, answer.to_string());
    }

    fn conn_id(&self, id: u64) -> String {
        self.sockets
            .get(&id)
            .map(|socket| socket.conn_id.clone())
            .unwrap_or_default()
    }

    fn auth(&mut self, id: u64, now: Timestamp, frame: &Value) {
        let kind = SocketKind::Private;
        match self.check_auth(id, kind, now, frame) {
            Ok(()) => {
                self.acknowledge(id, kind, frame, Ok(""));
                self.end_after_auth(id, kind);
            }
            // A bad signature and a bad expiry have one text here.
            Err((10_001 | 10_004, _)) => {
                self.acknowledge(id, kind, frame, Err("Params Error".to_owned()));
            }
            Err((_, text)) => self.acknowledge(id, kind, frame, Err(text)),
        }
    }

    /// Checks an authentication and remembers whose socket it is.
    pub(super) fn check_auth(
        &mut self,
        id: u64,
        kind: SocketKind,
        now: Timestamp,
        frame: &Value,
    ) -> Result<(), (i64, String)> {
        let args = frame.get("args").unwrap_or(&Value::Null);
        let checked = self.exchange.check_socket_auth(now, args);
        let counted = self.counters.auths.entry(kind.name()).or_default();
        match checked {
            Ok(user) => {
                counted.accepted += 1;
                if let Some(socket) = self.sockets.get_mut(&id) {
                    socket.user = Some(user);
                }
                Ok(())
            }
            Err(refusal) => {
                counted.refused += 1;
                Err(refusal)
            }
        }
    }

    /// Ends a socket that has just authenticated, where a fault wants it.
    pub(super) fn end_after_auth(&mut self, id: u64, kind: SocketKind) {
        if self.faults.ends_after_auth(kind)
            && let Some(Err(why)) = self.sockets.get(&id).map(Socket::end_in_order)
        {
            self.lose(id, why);
        }
    }

    fn subscribe(&mut self, id: u64, kind: SocketKind, now: Timestamp, frame: &Value) {
        let topics = match self.wanted(id, kind, frame) {
            Ok(topics) => topics,
            Err(why) => return self.acknowledge(id, kind, frame, Err(why)),
        };
        // All or nothing: one bad topic refuses the others of its request too.
        let mut snapshots = Vec::new();
        for topic in &topics {
            let checked = match kind.category() {
                Some(category) => self.exchange.public_topic(now, category, topic),
                None => known_topic(kind, topic).map(|()| None),
            };
            match checked {
                Ok(snapshot) => snapshots.extend(snapshot.map(|text| (topic.clone(), text))),
                Err(why) => return self.acknowledge(id, kind, frame, Err(why)),
            }
        }
        // What was pushed until here is part of the snapshots.
        self.dispatch();
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.topics.extend(topics);
        }
        let said = if kind == SocketKind::Spot {
            "subscribe"
        } else {
            ""
        };
        self.acknowledge(id, kind, frame, Ok(said));
        for (topic, text) in snapshots {
            self.push(id, &topic, &Utf8Bytes::from(text));
        }
    }

    /// The topics of a subscription, checked against the rules of requests.
    fn wanted(&self, id: u64, kind: SocketKind, frame: &Value) -> Result<Vec<String>, String> {
        let topics = args_of(frame).ok_or("Params Error")?;
        let Some(socket) = self.sockets.get(&id) else {
            return Err("Params Error".to_owned());
        };
        if kind == SocketKind::Private && socket.user.is_none() {
            return Err("Request not authorized".to_owned());
        }
        if kind == SocketKind::Spot && SPOT_ARGS < topics.len() {
            return Err("args size >10".to_owned());
        }
        let length = |list: &mut dyn Iterator<Item = &String>| list.map(String::len).sum::<usize>();
        let n_characters = length(&mut topics.iter()) + length(&mut socket.topics.iter());
        if kind.is_public() && MOST_CHARACTERS < n_characters {
            return Err(format!("args length >{MOST_CHARACTERS}"));
        }
        for (n, topic) in topics.iter().enumerate() {
            if socket.topics.contains(topic) || topics[..n].contains(topic) {
                return Err(format!("error:already subscribed,topic:{topic}"));
            }
            let is_mixed = PRIVATE.contains(&topic.as_str())
                && CATEGORIES
                    .iter()
                    .any(|category| topics.contains(&format!("{topic}.{category}")));
            if kind == SocketKind::Private && is_mixed {
                return Err("Params Error".to_owned());
            }
        }
        Ok(topics)
    }

    fn unsubscribe(&mut self, id: u64, kind: SocketKind, frame: &Value) {
        let Some(topics) = args_of(frame) else {
            return self.acknowledge(id, kind, frame, Err("Params Error".to_owned()));
        };
        if let Some(socket) = self.sockets.get_mut(&id) {
            for topic in &topics {
                socket.topics.remove(topic);
            }
        }
        self.acknowledge(id, kind, frame, Ok(""));
    }
}

/// The arguments of a request as topics; `None` when they are none.
fn args_of(frame: &Value) -> Option<Vec<String>> {
    let args = frame.get("args")?.as_array()?;
    if args.is_empty() {
        return None;
    }
    args.iter()
        .map(|arg| arg.as_str().map(str::to_owned))
        .collect()
}

/// Whether a socket without a market has this topic.
fn known_topic(kind: SocketKind, topic: &str) -> Result<(), String> {
    let is_known = match kind {
        SocketKind::Private => {
            PRIVATE.contains(&topic)
                || PRIVATE_WHOLE.contains(&topic)
                || topic.rsplit_once('.').is_some_and(|(start, category)| {
                    PRIVATE.contains(&start) && CATEGORIES.contains(&category)
                })
        }
        SocketKind::Status => topic == "system.status",
        _ => false,
    };
    if is_known {
        Ok(())
    } else {
        Err(format!("error:handler not found,topic:{topic}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_topics_come_whole_and_by_category() {
        for topic in [
            "order",
            "execution.fast",
            "execution.fast.linear",
            "wallet",
            "dcp.future",
        ] {
            assert_eq!(known_topic(SocketKind::Private, topic), Ok(()), "{topic}");
        }
        for topic in ["orders", "order.futures", "wallet.linear", "", "order."] {
            assert_eq!(
                known_topic(SocketKind::Private, topic).unwrap_err(),
                format!("error:handler not found,topic:{topic}")
            );
        }
        assert_eq!(known_topic(SocketKind::Status, "system.status"), Ok(()));
        assert!(known_topic(SocketKind::Option, "tickers.BTC").is_err());
    }

    #[test]
    fn ids_are_text_whatever_they_were() {
        let id = |text: &str| id_of(&serde_json::from_str(text).unwrap(), "req_id");
        assert_eq!(id(r#"{"req_id":"a"}"#).as_deref(), Some("a"));
        assert_eq!(id(r#"{"req_id":12}"#).as_deref(), Some("12"));
        assert_eq!(id(r#"{"req_id":null}"#), None);
        assert_eq!(id("{}"), None);
    }
}
