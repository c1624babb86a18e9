//! What a connection tells, and the channel through which it does.

use tokio::sync::mpsc;
use tokio::time::Duration;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::cause::DownCause;

/// What happened on a connection, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketEvent {
    /// A try begins; counted from 1 since the last connection that held.
    Connecting {
        /// Number of the try.
        attempt: u32,
    },
    /// Logged in where that is needed, and all topics confirmed or refused for good.
    Up {
        /// Number of the connection.
        epoch: u64,
    },
    /// A frame of data. It may come before `Up`, even before its topic is confirmed.
    Frame {
        /// Number of the connection.
        epoch: u64,
        /// The frame as it came.
        text: Utf8Bytes,
    },
    /// A topic has been silent for too long; said once until it speaks again.
    TopicStale {
        /// Name of the topic.
        topic: String,
    },
    /// The venue has no such topic. It is not asked for again until removed and added.
    TopicRefused {
        /// Name of the topic.
        topic: String,
        /// What the venue said.
        message: String,
    },
    /// The login was refused; `Down` follows.
    AuthRefused {
        /// Code of the answer, where it has one.
        code: Option<i64>,
        /// What the venue said.
        message: String,
    },
    /// The connection ended or could not be made.
    Down {
        /// Why.
        cause: DownCause,
        /// Wait before the next try.
        retry_in: Duration,
    },
}

/// Events of one connection.
pub struct SocketEvents {
    pub(super) receiver: mpsc::Receiver<(usize, SocketEvent)>,
}

impl SocketEvents {
    /// The next event; `None` once the connection was closed. May be dropped without loss.
    pub async fn recv(&mut self) -> Option<SocketEvent> {
        self.receiver.recv().await.map(|(_, event)| event)
    }
}

/// Where events go, with the number of the connection among its siblings.
pub(super) struct Sink {
    pub(super) sender: mpsc::Sender<(usize, SocketEvent)>,
    pub(super) shard: usize,
}
