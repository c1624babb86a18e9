//! What is known about the way to the venue: facts about connections, not about money.

use serde::{Deserialize, Serialize};

use super::instrument::InstrumentId;

/// How far the data of one instrument can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedLink {
    /// Pushed by the venue and fresh.
    Live,
    /// Polled: second class, good enough to close, not to open.
    Fallback,
    /// Silent for longer than its limit.
    Stale,
    /// What arrives cannot be read.
    Broken,
    /// No connection.
    Down,
}

impl FeedLink {
    /// Name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FeedLink::Live => "live",
            FeedLink::Fallback => "fallback",
            FeedLink::Stale => "stale",
            FeedLink::Broken => "broken",
            FeedLink::Down => "down",
        }
    }
}

/// A change of the way to the venue. Each holds until the next of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkEvent {
    /// Data of one instrument.
    Feed {
        /// Instrument it is about.
        instrument: InstrumentId,
        /// How far its data can be trusted.
        state: FeedLink,
    },
    /// Our view of orders, fills and positions: `None` when it is whole, else what it lacks.
    Account {
        /// What it lacks, in words.
        lacks: Option<String>,
    },
    /// Our clock against the venue's: `None` when they agree well enough, else how they differ.
    Clock {
        /// The difference, in words.
        differs: Option<String>,
    },
    /// The venue refuses us: no entries until a person resumes.
    Refused {
        /// Its reason.
        reason: String,
    },
}
