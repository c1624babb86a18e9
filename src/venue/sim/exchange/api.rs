//! What goes in and out of the simulated venue: calls, replies, pushes.
//!
//! Plain values; the transports turn them into bytes on a wire.

use serde_json::Value;

use crate::domain::{Category, Timestamp};

/// Method of a REST call; the v5 interface knows no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes.
    Post,
}

/// One REST call as it came over the wire.
pub struct Call<'a> {
    /// Method.
    pub method: Method,
    /// Path without query, such as `/v5/order/create`.
    pub path: &'a str,
    /// Raw query without `?`; empty when there is none. It is what a GET signs.
    pub query: &'a str,
    /// Raw body; it is what a POST signs.
    pub body: &'a [u8],
    /// Looks a header up by its lower-case name.
    pub headers: &'a dyn Fn(&str) -> Option<String>,
}

/// Answer to a REST call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status; 200 for business errors too.
    pub status: u16,
    /// Header names and values beyond what the transport adds itself.
    pub headers: Vec<(String, String)>,
    /// JSON text.
    pub body: String,
}

/// Who is behind an authenticated socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketUser {
    /// The API key it showed.
    pub key: String,
}

/// One frame for private sockets, before it gets its id and envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct PrivatePush {
    /// `order`, `execution.fast`, `execution`, `position` or `wallet`.
    pub topic: &'static str,
    /// Category of every object in `data`, for sockets subscribed to `order.linear` and the like.
    pub category: Category,
    /// `creationTime` of the frame.
    pub at: Timestamp,
    /// Array of objects.
    pub data: Value,
}

/// One frame for public sockets, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPush {
    /// Market type, which is a socket address of its own.
    pub category: Category,
    /// Topic, such as `kline.5.BTCUSDT`.
    pub topic: String,
    /// `ts` of the frame.
    pub at: Timestamp,
    /// The whole JSON text.
    pub frame: String,
}
