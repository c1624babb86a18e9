//! What goes into the engine and what comes out. These are the journal's words too.

use serde::{Deserialize, Serialize};

use crate::control::{Notice, TradeCommand, TradeView};
use crate::domain::{
    AccountEvent, ClientOrderId, Exposure, InstrumentId, Intent, KillLevel, LegId, LinkEvent,
    MarketEvent, Timestamp,
};
use crate::risk::Approved;

/// One input of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// From the feed.
    Market(MarketEvent),
    /// From the broker.
    Account(AccountEvent),
    /// From a person, or from the latch.
    Command(TradeCommand),
    /// A second of session time has passed; live sessions only.
    Tick,
    /// The way to the venue has changed; live sessions only.
    Link(LinkEvent),
}

/// What one bar of one leg led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Leg that decided.
    pub leg: LegId,
    /// Open time of the bar it decided on.
    pub bar: Timestamp,
    /// How it came out.
    pub outcome: Outcome,
}

/// How a decision came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A target for the next bar.
    Target(Exposure),
    /// Keeps the position because something is wrong.
    Hold(String),
}

/// An order that risk refused, with the rule and both numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalRecord {
    /// The order that was wanted.
    pub intent: Intent,
    /// Name of the rule.
    pub rule: String,
    /// Value found.
    pub value: String,
    /// Limit it broke.
    pub limit: String,
}

impl RefusalRecord {
    /// Value and limit in words.
    #[must_use]
    pub fn detail(&self) -> String {
        format!("{}, limit {}", self.value, self.limit)
    }
}

/// Why an order is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// A newer decision replaces it.
    Superseded,
    /// The kill ladder.
    Kill,
    /// A person.
    Operator,
    /// Its position is gone.
    Orphaned,
}

/// A closed trade with the leg it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeRecord {
    /// Instrument traded.
    pub instrument: InstrumentId,
    /// The trade.
    pub trade: TradeView,
}

/// One effect, generic over what an order looks like: [`Approved`] when the engine produces it,
/// [`Intent`] when a journal is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EffectOf<O> {
    /// Send this order.
    Submit(O),
    /// Cancel this order.
    Cancel {
        /// Order to cancel.
        order: ClientOrderId,
        /// Why.
        reason: CancelReason,
    },
    /// A leg decided.
    Decision(DecisionRecord),
    /// Risk refused an order.
    Refused(RefusalRecord),
    /// Close the gate.
    Trip {
        /// Step of the ladder.
        level: KillLevel,
        /// Limit that was broken, with both numbers.
        reason: String,
    },
    /// The engine has applied a step of the ladder, up or down.
    KillApplied {
        /// Step that now holds.
        level: KillLevel,
        /// Why.
        reason: String,
    },
    /// Entries pause until then.
    Paused {
        /// Rule that was broken.
        rule: String,
        /// When entries are allowed again.
        until: Timestamp,
    },
    /// A trade is complete.
    TradeClosed(TradeRecord),
    /// A line for people.
    Notice(Notice),
}

impl EffectOf<Approved> {
    /// The same effect as a journal would give it back.
    #[must_use]
    pub fn to_record(&self) -> EffectRecord {
        match self {
            EffectOf::Submit(approved) => EffectOf::Submit(approved.intent().clone()),
            EffectOf::Cancel { order, reason } => EffectOf::Cancel {
                order: *order,
                reason: *reason,
            },
            EffectOf::Decision(record) => EffectOf::Decision(record.clone()),
            EffectOf::Refused(record) => EffectOf::Refused(record.clone()),
            EffectOf::Trip { level, reason } => EffectOf::Trip {
                level: *level,
                reason: reason.clone(),
            },
            EffectOf::KillApplied { level, reason } => EffectOf::KillApplied {
                level: *level,
                reason: reason.clone(),
            },
            EffectOf::Paused { rule, until } => EffectOf::Paused {
                rule: rule.clone(),
                until: *until,
            },
            EffectOf::TradeClosed(record) => EffectOf::TradeClosed(record.clone()),
            EffectOf::Notice(notice) => EffectOf::Notice(notice.clone()),
        }
    }
}

/// Effect as the engine produces it.
pub type Effect = EffectOf<Approved>;

/// Effect as a journal holds it: the same bytes, without the power to send anything.
pub type EffectRecord = EffectOf<Intent>;
