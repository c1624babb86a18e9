//! Frames of the private socket.
//!
//! No topic sends a snapshot: the state is read over REST after every connect, and these frames
//! are changes to it. A frame that cannot be read is a reason to do so again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::account::Wallet;
use super::control::Control;
use super::error::{WireError, from_part};
use super::execution::{Execution, FastExecution};
use super::head::{Head, bare_pong};
use super::order::Order;
use super::position::Position;
use crate::domain::Timestamp;

/// One frame of the private socket.
#[derive(Debug)]
pub enum PrivateFrame {
    /// Orders that changed.
    Orders(Push<Order>),
    /// Executions.
    Executions(Push<Execution>),
    /// Executions of the fast stream.
    FastExecutions(Push<FastExecution>),
    /// Positions that something happened to, changed or not.
    Positions(Push<Position>),
    /// Balances that changed.
    Wallet(Push<Wallet>),
    /// Data of a topic of cancel on disconnect; none is known to be sent.
    Dcp {
        /// The topic.
        topic: String,
    },
    /// Something about the connection.
    Control(Control),
    /// Data of a topic that this program does not read.
    Other {
        /// The topic.
        topic: String,
        /// The data as it was written.
        data: Option<Box<RawValue>>,
    },
}

/// Rows of one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Push<T> {
    /// The venue's name of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Topic, with the category where one was subscribed.
    pub topic: String,
    /// When the venue made the message.
    #[serde(rename = "creationTime")]
    pub created: Option<Timestamp>,
    /// Rows; of different symbols and categories.
    #[serde(rename = "data")]
    pub rows: Vec<T>,
}

/// Reads one frame of the private socket.
///
/// # Errors
///
/// When the text is not JSON, neither data nor a control frame, or when a field of a topic that
/// is read cannot be used; then nothing of the frame may be used.
pub fn parse_private(text: &str) -> Result<PrivateFrame, WireError> {
    if let Some(pong) = bare_pong(text) {
        return Ok(PrivateFrame::Control(pong));
    }
    let mut head = Head::parse(text)?;
    if let Some(pong) = head.pong() {
        return Ok(PrivateFrame::Control(pong));
    }
    let Some(topic) = head.topic.take() else {
        return head
            .answer()
            .map(PrivateFrame::Control)
            .ok_or_else(|| WireError::unclassified(text));
    };
    let parts: Vec<&str> = topic.split('.').collect();
    Ok(match *parts.as_slice() {
        ["order"] | ["order", _] => PrivateFrame::Orders(push(topic, head)?),
        ["execution", "fast"] | ["execution", "fast", _] => {
            PrivateFrame::FastExecutions(push(topic, head)?)
        }
        ["execution"] | ["execution", _] => PrivateFrame::Executions(push(topic, head)?),
        ["position"] | ["position", _] => PrivateFrame::Positions(push(topic, head)?),
        ["wallet"] => PrivateFrame::Wallet(push(topic, head)?),
        ["dcp", ..] => PrivateFrame::Dcp { topic },
        _ => PrivateFrame::Other {
            topic,
            data: head.data.map(ToOwned::to_owned),
        },
    })
}

fn push<'a, T: Deserialize<'a>>(topic: String, head: Head<'a>) -> Result<Push<T>, WireError> {
    Ok(Push {
        rows: from_part("data", head.data.map_or("null", RawValue::get))?,
        id: head.id,
        topic,
        created: head.created,
    })
}
