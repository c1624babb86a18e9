//! Why a connection ended.

use std::time::Duration;

use tokio_tungstenite::tungstenite;

/// Longest text of the other side that is kept.
const MAX_TEXT: usize = 200;

/// Why a connection was lost, refused or given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownCause {
    /// Name lookup, TCP or TLS failed.
    #[error("no connection to {host}: {message}")]
    Unreachable {
        /// Host that was dialled.
        host: String,
        /// What the system said.
        message: String,
    },
    /// No handshake in time.
    #[error("no handshake within {} ms", .0.as_millis())]
    ConnectTimeout(Duration),
    /// The host answered, but not with a socket.
    #[error("handshake refused with HTTP {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// The key was refused.
    #[error("login refused{}: {message}", of_code(*.code))]
    AuthRefused {
        /// Code of the answer, where it has one.
        code: Option<i64>,
        /// Text of the answer.
        message: String,
    },
    /// The login was not answered in time.
    #[error("login not answered within {} ms", .0.as_millis())]
    AuthTimeout(Duration),
    /// A subscription was not answered in time.
    #[error("subscription not answered within {} ms", .0.as_millis())]
    AckTimeout(Duration),
    /// The other side said goodbye or hung up.
    #[error("closed by the venue{}: {reason}", of_code(.code.map(i64::from)))]
    Closed {
        /// Code of its close frame, where there was one.
        code: Option<u16>,
        /// Reason of that frame.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("connection lost: {0}")]
    Lost(String),
    /// What came is no text frame within the size limits.
    #[error("frame refused: {0}")]
    BadFrame(String),
    /// A write was not taken in time.
    #[error("nothing could be written for {} ms", .0.as_millis())]
    WriteTimeout(Duration),
    /// Nothing came, not even answers to pings.
    #[error("no frame for {} ms although pings went out", .0.as_millis())]
    Silent(Duration),
    /// Pings are answered, but no topic says anything.
    #[error("no topic said anything for {} ms", .0.as_millis())]
    TopicsSilent(Duration),
    /// A topic stayed without its first frame, twice.
    #[error("topic {0} was confirmed twice but sent nothing")]
    NoFirstMessage(String),
    /// The venue restarts its service and takes no more requests here.
    #[error("the venue restarts this service")]
    Restarting,
    /// Somebody here asked for a new connection.
    #[error("reconnect requested")]
    Requested,
}

fn of_code(code: Option<i64>) -> String {
    code.map(|code| format!(" with code {code}"))
        .unwrap_or_default()
}

/// Text of the other side, cut to a length and freed of control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_TEXT)
        .collect()
}

impl From<tungstenite::Error> for DownCause {
    fn from(error: tungstenite::Error) -> Self {
        use tungstenite::Error as E;
        match error {
            E::ConnectionClosed | E::AlreadyClosed => Self::Closed {
                code: None,
                reason: "connection ended".to_owned(),
            },
            E::Http(response) => Self::Refused {
                status: response.status().as_u16(),
            },
            E::Capacity(e) => Self::BadFrame(shown(&e.to_string())),
            E::Utf8(_) => Self::BadFrame("text is not UTF-8".to_owned()),
            E::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Lost("reset without goodbye".to_owned())
            }
            E::Protocol(e) => Self::BadFrame(shown(&e.to_string())),
            other => Self::Lost(shown(&other.to_string())),
        }
    }
}
