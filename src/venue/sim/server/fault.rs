//! Faults of the wire as data: what goes wrong, when, and for which requests or sockets.
//!
//! A fault comes from a script or from the control plane, in the same words. Nothing is carried
//! out here; [`super::force`] keeps those that are in force.
//!
//! # Words
//!
//! | key | of | meaning |
//! | --- | --- | --- |
//! | `kind` | every fault | one of the kinds below |
//! | `at_ms` | every fault | begins this long after the start, in the simulator's time |
//! | `after_requests` | every fault | begins once this many REST requests were seen |
//! | `for_ms` | lasting faults | ends this long after it began; without it, `heal` ends it |
//! | `path` | request kinds | `/v5/order/create`, `/v5/order/*`, `trade:order.create`; default `/v5/*` |
//! | `nth` | request kinds | the first request hit, counted from when the fault began; default 1 |
//! | `times` | request kinds | how many are hit from there on; default 1, 0 is all |
//! | `socket` | socket kinds | `linear`, `spot`, `public`, `private`, `trade`, `all`; default `all` |
//!
//! Request kinds: `drop-request`, `drop-reply`, `delay {ms}`, `truncate {bytes, clean}`,
//! `html {status, effect}`, `status {status, body, effect}`, `duplicate {second}`, `hold {ms}`.
//!
//! Socket kinds: `close {code}`, `mute {topic}`, `half-open`, `delay-pushes {ms}`,
//! `duplicate-pushes {p, seed}`, `reorder-pushes {window, seed}`, `drop-pushes {topic, nth,
//! times}`, `frame {shape, bytes, text}`, `close-after-auth {times}`,
//! `refuse-connects {status, times}`.
//!
//! Kinds of the whole server: `offline`, `ban {reason}`, `drill {drill}`, `heal`.

use serde::Deserialize;

use super::socket::SocketKind;
use crate::venue::sim::exchange::Drill;

/// One fault: when it begins and what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// When it begins and ends.
    pub when: When,
    /// What it does.
    pub act: Act,
}

/// When a fault begins and ends. Without a beginning it begins at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Begins this long after the start, in milliseconds of the simulator's time.
    pub at_ms: Option<u64>,
    /// Begins once this many REST requests were seen.
    pub after_requests: Option<u64>,
    /// Ends this long after it began, in milliseconds of the simulator's time.
    pub for_ms: Option<u64>,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Something with a request.
    Request(Pick, RequestAct),
    /// Something with sockets.
    Socket(Sockets, SocketAct),
    /// Something with the whole server.
    Server(ServerAct),
}

/// Which requests a fault hits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pick {
    /// Path; a trailing `*` stands for any rest. Order-entry requests have the path `trade:` and
    /// their `op`.
    pub path: String,
    /// First request hit, from 1.
    pub nth: u64,
    /// How many are hit from there on; 0 is all.
    pub times: u64,
}

impl Default for Pick {
    fn default() -> Self {
        Self {
            path: "/v5/*".to_owned(),
            nth: 1,
            times: 1,
        }
    }
}

/// What happens to a request. On the order-entry socket nothing is closed: the answer is
/// missing, late or wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RequestAct {
    /// The connection ends before the venue sees the request.
    DropRequest {},
    /// The venue carries it out; the connection ends without an answer.
    DropReply {},
    /// The venue carries it out; the answer comes late.
    Delay {
        /// By how many milliseconds.
        ms: u64,
    },
    /// The answer ends after some bytes of its body.
    Truncate {
        /// Bytes that arrive.
        bytes: usize,
        /// Whether the cut answer looks whole to HTTP; else the connection breaks there.
        #[serde(default)]
        clean: bool,
    },
    /// An HTML page is the answer.
    Html {
        /// HTTP status.
        #[serde(default = "bad_gateway")]
        status: u16,
        /// Whether the venue carries the request out all the same.
        #[serde(default)]
        effect: bool,
    },
    /// A status with a short JSON body is the answer.
    Status {
        /// HTTP status.
        status: u16,
        /// Body.
        #[serde(default)]
        body: String,
        /// Whether the venue carries the request out all the same.
        #[serde(default)]
        effect: bool,
    },
    /// The request arrives twice.
    Duplicate {
        /// Whether the second answer is given, and not the first.
        #[serde(default)]
        second: bool,
    },
    /// The request arrives late; the caller waits for its answer, if it still does.
    Hold {
        /// By how many milliseconds.
        ms: u64,
    },
}

const fn bad_gateway() -> u16 {
    502
}

/// Which sockets a fault hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sockets {
    /// `/v5/public/linear`.
    Linear,
    /// `/v5/public/spot`.
    Spot,
    /// Every public one.
    Public,
    /// `/v5/private`.
    Private,
    /// `/v5/trade`.
    Trade,
    /// All.
    #[default]
    All,
}

impl Sockets {
    /// Whether a socket of this kind is meant.
    #[must_use]
    pub const fn has(self, kind: SocketKind) -> bool {
        match self {
            Self::Linear => matches!(kind, SocketKind::Linear),
            Self::Spot => matches!(kind, SocketKind::Spot),
            Self::Public => kind.is_public(),
            Self::Private => matches!(kind, SocketKind::Private),
            Self::Trade => matches!(kind, SocketKind::Trade),
            Self::All => true,
        }
    }
}

/// What happens to sockets.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SocketAct {
    /// They end now.
    Close {
        /// Close code that is said first; without one the connection just ends.
        #[serde(default)]
        code: Option<u16>,
    },
    /// Pushes of a topic stop; everything is answered.
    Mute {
        /// Topic; a trailing `*` stands for any rest.
        #[serde(default = "any")]
        topic: String,
    },
    /// They stay open, are not read and say nothing. Afterwards they end.
    HalfOpen {},
    /// Pushes come late.
    DelayPushes {
        /// By how many milliseconds of real time.
        ms: u64,
    },
    /// Some pushes come twice.
    DuplicatePushes {
        /// Part of them, 0 to 1.
        p: f64,
        /// Decides which.
        #[serde(default)]
        seed: u64,
    },
    /// Pushes change places with their neighbours.
    ReorderPushes {
        /// How many are shuffled at a time.
        window: usize,
        /// Decides how.
        #[serde(default)]
        seed: u64,
    },
    /// Some pushes never come.
    DropPushes {
        /// Topic; a trailing `*` stands for any rest.
        #[serde(default = "any")]
        topic: String,
        /// First push dropped, from 1.
        #[serde(default = "one")]
        nth: u64,
        /// How many are dropped from there on; 0 is all.
        #[serde(default = "one")]
        times: u64,
    },
    /// A frame that no venue should send.
    Frame {
        /// Its shape.
        shape: Shape,
        /// Its size where the shape has none of its own.
        #[serde(default = "giant")]
        bytes: usize,
        /// Its text where the shape is `text`.
        #[serde(default)]
        text: String,
    },
    /// They end right after their authentication succeeded.
    CloseAfterAuth {
        /// How many times; 0 is without end.
        #[serde(default)]
        times: u64,
    },
    /// New ones are refused.
    RefuseConnects {
        /// HTTP status of the refusal; without one the connection just ends.
        #[serde(default)]
        status: Option<u16>,
        /// How many times; 0 is without end.
        #[serde(default)]
        times: u64,
    },
}

fn any() -> String {
    "*".to_owned()
}

const fn one() -> u64 {
    1
}

const fn giant() -> usize {
    2 << 20
}

/// Shape of a frame that no venue should send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A text of many bytes.
    Giant,
    /// Binary data.
    Binary,
    /// A text frame that is no UTF-8.
    InvalidUtf8,
    /// The text given.
    Text,
}

/// What happens to the whole server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ServerAct {
    /// Nothing is answered, sockets end, new ones are refused.
    Offline {},
    /// Every REST request is answered 403.
    Ban {
        /// What the body says.
        #[serde(default)]
        reason: BanReason,
    },
    /// A drill of the venue behind it.
    Drill {
        /// The drill.
        drill: Drill,
    },
    /// Every fault ends, those that wait too.
    Heal {},
}

/// Why REST requests are answered 403.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BanReason {
    /// Too many requests from the address.
    #[default]
    Ip,
    /// The country of the address.
    Region,
}

impl Act {
    /// Name of the kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Act::Request(_, act) => act.name(),
            Act::Socket(_, act) => match act {
                SocketAct::Close { .. } => "close",
                SocketAct::Mute { .. } => "mute",
                SocketAct::HalfOpen {} => "half-open",
                SocketAct::DelayPushes { .. } => "delay-pushes",
                SocketAct::DuplicatePushes { .. } => "duplicate-pushes",
                SocketAct::ReorderPushes { .. } => "reorder-pushes",
                SocketAct::DropPushes { .. } => "drop-pushes",
                SocketAct::Frame { .. } => "frame",
                SocketAct::CloseAfterAuth { .. } => "close-after-auth",
                SocketAct::RefuseConnects { .. } => "refuse-connects",
            },
            Act::Server(act) => match act {
                ServerAct::Offline {} => "offline",
                ServerAct::Ban { .. } => "ban",
                ServerAct::Drill { .. } => "drill",
                ServerAct::Heal {} => "heal",
            },
        }
    }
}

impl RequestAct {
    /// Name of the kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            RequestAct::DropRequest {} => "drop-request",
            RequestAct::DropReply {} => "drop-reply",
            RequestAct::Delay { .. } => "delay",
            RequestAct::Truncate { .. } => "truncate",
            RequestAct::Html { .. } => "html",
            RequestAct::Status { .. } => "status",
            RequestAct::Duplicate { .. } => "duplicate",
            RequestAct::Hold { .. } => "hold",
        }
    }
}

impl Fault {
    /// A fault that begins at once.
    #[must_use]
    pub const fn now(act: Act) -> Self {
        let when = When {
            at_ms: None,
            after_requests: None,
            for_ms: None,
        };
        Self { when, act }
    }
}

/// Whether a pattern, perhaps with a trailing `*`, is about this text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == text, |start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_end_with_a_star_or_are_exact() {
        assert!(matches("*", "/v5/order/create"));
        assert!(matches("/v5/order/*", "/v5/order/create"));
        assert!(!matches("/v5/order", "/v5/order/create"));
        assert!(matches("order", "order"));
    }
}
