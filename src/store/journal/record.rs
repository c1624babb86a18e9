//! What a journal says: its header and its records.

use serde::{Deserialize, Serialize};

use crate::domain::{Category, Instruments, Interval, Mode, Money, Symbol, Timestamp};
use crate::engine::{Effect, EffectRecord, Event};

/// Everything a replay needs to build the same engine again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version and commit of the build that wrote it.
    pub build: String,
    /// What the session traded on.
    pub mode: Mode,
    /// Name of the session.
    pub run_id: String,
    /// SHA-256 of the effective settings, in hex.
    pub config_hash: String,
    /// The effective settings themselves.
    pub settings: serde_json::Value,
    /// Where the market came from, in words.
    pub feed: String,
    /// Whether the market was made up.
    pub synthetic: bool,
    /// Engine that ran the models, where there were any.
    pub inference: Option<String>,
    /// Instruments in the order of their numbers.
    pub instruments: Instruments,
    /// Legs in the order of their numbers.
    pub legs: Vec<LegHeader>,
    /// Cash at the start.
    pub start: Money,
    /// Coin the account is kept in.
    pub coin: String,
    /// Session time of the start.
    pub created: Timestamp,
}

/// One leg as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegHeader {
    /// Name of the strategy or bundle.
    pub name: String,
    /// Family, such as `PPO`, `RecurrentPPO`, `ma-cross`.
    pub family: String,
    /// SHA-256 of the model file, in hex; `None` for rules.
    pub bundle_hash: Option<String>,
    /// Folder the bundle was read from; `None` for rules.
    pub model: Option<String>,
    /// Venue symbol.
    pub symbol: Symbol,
    /// Market it trades on.
    pub category: Category,
    /// Interval it decides on.
    pub interval: Interval,
}

/// One record as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// One step of the engine.
    Step {
        /// Number of the input, from 1.
        seq: u64,
        /// When the input reached the engine.
        at: Timestamp,
        /// The input.
        event: Event,
        /// Stopwatch laps that passed a deadline, in microseconds; usually empty.
        laps: Vec<u32>,
        /// What the step led to.
        effects: Vec<EffectRecord>,
    },
    /// The session ended in order.
    Close {
        /// Number of the last input.
        seq: u64,
        /// When it ended.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Record {
    /// Number of the input it belongs to.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        match self {
            Record::Step { seq, .. } | Record::Close { seq, .. } => *seq,
        }
    }

    /// Moment of the record.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Record::Step { at, .. } | Record::Close { at, .. } => *at,
        }
    }
}

/// One record as it is written: the same bytes as [`Record`], without copying anything.
///
/// The effects are an engine's own, or [`EffectRecord`]s when what was read is written again;
/// both serialise alike, because an approved order serialises as its intent.
#[derive(Debug, Serialize)]
pub enum RecordRef<'a, E = Effect> {
    /// One step of the engine.
    Step {
        /// Number of the input, from 1.
        seq: u64,
        /// When the input reached the engine.
        at: Timestamp,
        /// The input.
        event: &'a Event,
        /// Stopwatch laps that passed a deadline, in microseconds; usually empty.
        laps: &'a [u32],
        /// What the step led to.
        effects: &'a [E],
    },
    /// The session ended in order.
    Close {
        /// Number of the last input.
        seq: u64,
        /// When it ended.
        at: Timestamp,
        /// Why.
        reason: &'a str,
    },
}

impl<'a> From<&'a Record> for RecordRef<'a, EffectRecord> {
    fn from(record: &'a Record) -> Self {
        match record {
            Record::Step {
                seq,
                at,
                event,
                laps,
                effects,
            } => RecordRef::Step {
                seq: *seq,
                at: *at,
                event,
                laps,
                effects,
            },
            Record::Close { seq, at, reason } => RecordRef::Close {
                seq: *seq,
                at: *at,
                reason,
            },
        }
    }
}
