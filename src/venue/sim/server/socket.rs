//! One socket as the hub sees it: its kind, its topics and the bounded queue to its connection.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::chaos::bits;
use super::force::PushFate;
use crate::domain::Category;
use crate::venue::sim::exchange::SocketUser;

/// Frames that may wait for a slow reader. A socket whose queue is full is closed.
pub(super) const QUEUE: usize = 4_096;

/// What a socket is for, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketKind {
    /// `/v5/public/linear`.
    Linear,
    /// `/v5/public/spot`.
    Spot,
    /// `/v5/public/option`, which answers pings and has no topics here.
    Option,
    /// `/v5/public/misc/status`.
    Status,
    /// `/v5/private`.
    Private,
    /// `/v5/trade`.
    Trade,
}

impl SocketKind {
    /// Kind of the socket behind a path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "/v5/public/linear" => Self::Linear,
            "/v5/public/spot" => Self::Spot,
            "/v5/public/option" => Self::Option,
            "/v5/public/misc/status" => Self::Status,
            "/v5/private" => Self::Private,
            "/v5/trade" => Self::Trade,
            _ => return None,
        })
    }

    /// Name for counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Spot => "spot",
            Self::Option => "option",
            Self::Status => "status",
            Self::Private => "private",
            Self::Trade => "trade",
        }
    }

    /// Market whose public topics it has.
    #[must_use]
    pub const fn category(self) -> Option<Category> {
        match self {
            Self::Linear => Some(Category::Linear),
            Self::Spot => Some(Category::Spot),
            Self::Option | Self::Status | Self::Private | Self::Trade => None,
        }
    }

    /// Whether anyone may subscribe.
    #[must_use]
    pub const fn is_public(self) -> bool {
        !matches!(self, Self::Private | Self::Trade)
    }
}

/// Something for a connection to write.
#[derive(Debug)]
pub(super) enum Out {
    /// A frame, so much later.
    Frame(Message, Duration),
    /// Says when everything before it is written.
    Barrier(oneshot::Sender<()>),
    /// The connection ends once everything before it is written.
    End,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is served.
    Served,
    /// It stays open; nothing is read or written.
    HalfOpen,
    /// It ends, with this close code or without a word.
    Ends(Option<u16>),
}

/// Why a frame could not be put into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The reader is too slow.
    Slow,
    /// The connection is gone.
    Gone,
}

/// A socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) kind: SocketKind,
    pub(super) conn_id: String,
    pub(super) topics: BTreeSet<String>,
    pub(super) user: Option<SocketUser>,
    /// Request ids of the order-entry socket, which must not come twice.
    pub(super) req_ids: BTreeSet<String>,
    pub(super) is_half_open: bool,
    out: mpsc::Sender<Out>,
    fate: watch::Sender<Fate>,
    shuffled: Vec<(Utf8Bytes, Duration)>,
    shuffle_seed: u64,
    n_shuffles: u64,
}

/// The connection's end of a socket.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) out: mpsc::Receiver<Out>,
    pub(super) fate: watch::Receiver<Fate>,
}

impl Socket {
    /// A socket with its connection's end.
    pub(super) fn new(kind: SocketKind, conn_id: String) -> (Self, Line) {
        let (out, receiver) = mpsc::channel(QUEUE);
        let (fate, watcher) = watch::channel(Fate::Served);
        let socket = Self {
            kind,
            conn_id,
            topics: BTreeSet::new(),
            user: None,
            req_ids: BTreeSet::new(),
            is_half_open: false,
            out,
            fate,
            shuffled: Vec::new(),
            shuffle_seed: 0,
            n_shuffles: 0,
        };
        let line = Line {
            out: receiver,
            fate: watcher,
        };
        (socket, line)
    }

    /// Puts an answer into the queue; no fault of pushes touches it.
    pub(super) fn say(&self, message: Message) -> Result<(), Lost> {
        self.put(Out::Frame(message, Duration::ZERO))
    }

    /// Puts a push into the queue, as its fate wants it.
    pub(super) fn push(&mut self, text: &Utf8Bytes, fate: PushFate) -> Result<(), Lost> {
        if fate.closes {
            self.end(None);
            return Err(Lost::Gone);
        }
        for _ in 0..fate.copies {
            let Some((window, seed)) = fate.shuffle else {
                self.put(Out::Frame(Message::Text(text.clone()), fate.delay))?;
                continue;
            };
            self.shuffled.push((text.clone(), fate.delay));
            self.shuffle_seed = seed;
            if window <= self.shuffled.len() {
                self.unshuffle()?;
            }
        }
        Ok(())
    }

    /// Sends what was held back, in another order.
    pub(super) fn unshuffle(&mut self) -> Result<(), Lost> {
        let mut list = std::mem::take(&mut self.shuffled);
        for last in (1..list.len()).rev() {
            self.n_shuffles += 1;
            let draw = bits(self.shuffle_seed, "reorder", self.n_shuffles);
            let other = usize::try_from(draw % (last as u64 + 1)).unwrap_or(0);
            list.swap(last, other);
        }
        for (text, delay) in list {
            self.put(Out::Frame(Message::Text(text), delay))?;
        }
        Ok(())
    }

    /// Ends the connection once what waits is written.
    pub(super) fn end_in_order(&self) -> Result<(), Lost> {
        self.put(Out::End)
    }

    /// Ends the connection now.
    pub(super) fn end(&self, code: Option<u16>) {
        self.fate.send_replace(Fate::Ends(code));
    }

    /// Stops reading from the connection and writing to it.
    pub(super) fn half_open(&mut self) {
        self.is_half_open = true;
        self.fate.send_replace(Fate::HalfOpen);
    }

    /// Frames that still fit.
    pub(super) fn room(&self) -> usize {
        self.out.capacity()
    }

    /// A handle to the queue, for barriers.
    pub(super) fn queue(&self) -> mpsc::Sender<Out> {
        self.out.clone()
    }

    fn put(&self, out: Out) -> Result<(), Lost> {
        if self.is_half_open {
            // Like a network that swallows everything.
            return Ok(());
        }
        self.out.try_send(out).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Lost::Slow,
            mpsc::error::TrySendError::Closed(_) => Lost::Gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &mut Line) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Out::Frame(Message::Text(text), _)) = line.out.try_recv() {
            all.push(text.to_string());
        }
        all
    }

    #[test]
    fn a_window_is_shuffled_and_nothing_is_lost() {
        let (mut socket, mut line) = Socket::new(SocketKind::Private, "1".to_owned());
        let fate = PushFate {
            copies: 1,
            closes: false,
            delay: Duration::ZERO,
            shuffle: Some((5, 3)),
        };
        for n in 0..12 {
            socket.push(&n.to_string().into(), fate).unwrap();
        }
        let mut seen = texts(&mut line);
        assert_eq!(seen.len(), 10, "two wait for their window");
        assert_ne!(seen, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
        socket.unshuffle().unwrap();
        seen.extend(texts(&mut line));
        let mut numbers: Vec<u32> = seen.iter().map(|text| text.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_queue_is_told_and_a_half_open_socket_swallows() {
        let (mut socket, _line) = Socket::new(SocketKind::Linear, "1".to_owned());
        for _ in 0..QUEUE {
            socket.say(Message::text("x")).unwrap();
        }
        assert_eq!(socket.say(Message::text("x")), Err(Lost::Slow));
        assert_eq!(socket.room(), 0);
        socket.half_open();
        assert_eq!(socket.say(Message::text("x")), Ok(()));
        let (socket, line) = Socket::new(SocketKind::Linear, "2".to_owned());
        drop(line);
        assert_eq!(socket.say(Message::text("x")), Err(Lost::Gone));
    }
}
