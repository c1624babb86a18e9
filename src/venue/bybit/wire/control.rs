//! Frames about the connection itself: pings, subscriptions, authentication, and their answers.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::names::SocketOp;
use super::number::{opt, or_default};
use crate::domain::Timestamp;

/// What a socket says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Answer to a ping.
    Pong(Pong),
    /// A request was taken. Data of a topic may come before this.
    Ack(Ack),
    /// A request was refused, with everything in it.
    Refused(Refusal),
}

/// Answer to a ping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pong {
    /// Id of the ping, where the socket gives it back.
    pub req_id: Option<String>,
    /// The venue's time, where the socket tells it.
    pub venue_time: Option<Timestamp>,
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// What it asked for; unknown and empty where the socket does not say.
    pub op: SocketOp,
    /// Its id, if it had one.
    pub req_id: Option<String>,
    /// The venue's name of the connection.
    pub conn_id: Option<String>,
}

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it asked for; unknown and empty where the socket does not say.
    pub op: SocketOp,
    /// Its id; too long a list of spot topics is refused without one.
    pub req_id: Option<String>,
    /// The venue's name of the connection.
    pub conn_id: Option<String>,
    /// Code, on sockets that have codes.
    pub code: Option<i64>,
    /// The venue's text.
    pub message: String,
}

/// What a refusal asks its reader to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// No such topic or symbol: for ever, a person must change it.
    NoSuchTopic(String),
    /// The topic is live already. The whole request was refused: send the others again.
    AlreadySubscribed(String),
    /// Too many topics in one request: split it.
    TooManyTopics,
    /// The signature or the time of an authentication is wrong.
    BadAuth,
    /// Anything else.
    Other,
}

impl Refusal {
    /// What the text means.
    #[must_use]
    pub fn reason(&self) -> RefusalReason {
        let text = self.message.as_str();
        let topic = || {
            let topic = text.split_once("topic:").map_or("", |(_, topic)| topic);
            topic.trim().to_owned()
        };
        if self.op == SocketOp::Auth {
            RefusalReason::BadAuth
        } else if text.contains("already subscribed") {
            RefusalReason::AlreadySubscribed(topic())
        } else if text.contains("args size") {
            RefusalReason::TooManyTopics
        } else if text.contains("handler not found") || text.starts_with("Invalid topic") {
            RefusalReason::NoSuchTopic(topic())
        } else {
            RefusalReason::Other
        }
    }
}

/// A request to a socket, other than an order.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SocketRequest {
    /// Id that the answer gives back.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub req_id: Option<String>,
    /// What is asked for.
    pub op: SocketOp,
    /// Topics, or key, expiry and signature.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub args: Vec<Value>,
}

impl SocketRequest {
    /// A ping; due every 20 s on every socket.
    #[must_use]
    pub fn ping(req_id: &str) -> Self {
        Self::of(req_id, SocketOp::Ping, Vec::new())
    }

    /// A subscription. Spot takes at most ten topics in one request.
    #[must_use]
    pub fn subscribe(req_id: &str, topics: &[String]) -> Self {
        Self::of(req_id, SocketOp::Subscribe, texts(topics))
    }

    /// The end of a subscription.
    #[must_use]
    pub fn unsubscribe(req_id: &str, topics: &[String]) -> Self {
        Self::of(req_id, SocketOp::Unsubscribe, texts(topics))
    }

    /// An authentication; `signature` is that of [`crate::venue::bybit::auth::sign_socket`].
    #[must_use]
    pub fn auth(req_id: &str, key: &str, expires_ms: i64, signature: &str) -> Self {
        let args = vec![key.into(), expires_ms.into(), signature.into()];
        Self::of(req_id, SocketOp::Auth, args)
    }

    /// The arguments that are texts: the topics of a subscription.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.args.iter().filter_map(Value::as_str)
    }

    fn of(req_id: &str, op: SocketOp, args: Vec<Value>) -> Self {
        Self {
            req_id: Some(req_id.to_owned()).filter(|id| !id.is_empty()),
            op,
            args,
        }
    }
}

/// Without the arguments of an authentication: they are a key and a signature.
impl fmt::Debug for SocketRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("SocketRequest");
        fields.field("req_id", &self.req_id).field("op", &self.op);
        match self.op {
            SocketOp::Subscribe | SocketOp::Unsubscribe => fields.field("args", &self.args),
            _ => fields.field("n_args", &self.args.len()),
        };
        fields.finish()
    }
}

fn texts(topics: &[String]) -> Vec<Value> {
    topics.iter().map(|topic| topic.as_str().into()).collect()
}
