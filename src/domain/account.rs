//! What the venue says about our account: orders, fills, funding.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::instrument::InstrumentId;
use super::money::{Money, Price, Qty, Rate, SignedQty};
use super::order::{ClientOrderId, Side};
use super::time::Timestamp;

/// Which side of a fill was resting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Liquidity {
    /// Our order rested.
    Maker,
    /// Our order took.
    Taker,
}

impl fmt::Display for Liquidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Liquidity::Maker => "maker",
            Liquidity::Taker => "taker",
        })
    }
}

/// Why a fill happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FillKind {
    /// An order of ours traded.
    Trade,
    /// The venue closed us.
    Liquidation,
    /// The venue closed us against somebody else's liquidation.
    Adl,
    /// The contract was settled or delivered.
    Settlement,
    /// It is not ours: a person or another program traded this account.
    Foreign,
}

impl FillKind {
    /// Name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FillKind::Trade => "trade",
            FillKind::Liquidation => "liquidation",
            FillKind::Adl => "auto-deleverage",
            FillKind::Settlement => "settlement",
            FillKind::Foreign => "foreign",
        }
    }
}

/// Part of an order that has traded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The venue's name of this execution; unique per instrument, for ever.
    pub exec_id: String,
    /// Order it belongs to.
    pub order: ClientOrderId,
    /// Instrument traded.
    pub instrument: InstrumentId,
    /// Side of our order.
    pub side: Side,
    /// Price of the trade.
    pub price: Price,
    /// Amount traded.
    pub qty: Qty,
    /// Fee paid, in the quote coin; negative is a rebate.
    pub fee: Money,
    /// Part of `qty` that the venue kept as its fee in the base coin (spot purchases); the
    /// position grows by the rest, and `fee` does not count it again.
    pub withheld: Qty,
    /// Whether our order rested.
    pub liquidity: Liquidity,
    /// Why it happened.
    pub kind: FillKind,
    /// The venue's time of the trade.
    pub at: Timestamp,
    /// Price that was expected when the order was sent: slippage is measured against it.
    pub expected: Price,
}

/// The venue's reasons for refusing an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RejectReason {
    /// A post-only order would have traded at once.
    #[error("post-only order would take liquidity")]
    WouldTake,
    /// A fill-or-kill order cannot fill whole.
    #[error("fill-or-kill order cannot be filled whole")]
    CannotFillWhole,
    /// A reduce-only order has nothing to reduce.
    #[error("reduce-only order has no position to reduce")]
    NothingToReduce,
    /// The order's name is known already.
    #[error("client order id is already known")]
    DuplicateId,
    /// There is no price to trade at.
    #[error("no price is known for the instrument")]
    NoPrice,
    /// The margin or balance does not cover it.
    #[error("balance {available} does not cover {needed}")]
    InsufficientBalance {
        /// What the order needs.
        needed: Money,
        /// What is free.
        available: Money,
    },
    /// The trigger of a stop lies on the wrong side of the price.
    #[error("trigger price is already passed")]
    TriggerPassed,
    /// Another rule of the venue.
    #[error("{0}")]
    Rule(String),
    /// The margin or balance does not cover it, by an answer without amounts.
    #[error("balance is insufficient: {0}")]
    Funds(String),
}

/// Why an order never reached the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum NotSent {
    /// The kill latch was closed when the order arrived at the gate.
    #[error("kill latch is closed")]
    Killed,
    /// The journal could not promise that the intent survives a crash.
    #[error("journal is not writable")]
    NotDurable,
    /// The queue to the broker was full.
    #[error("gateway queue is full")]
    QueueFull,
    /// The gateway could not, or may not, put it on the wire.
    #[error("{0}")]
    Gateway(String),
}

/// Everything a broker can say. All are idempotent for the ledger: repeated or reordered events
/// lead to the same state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// The venue has the order.
    Accepted {
        /// Order it is about.
        order: ClientOrderId,
    },
    /// The venue refused the order.
    Rejected {
        /// Order it is about.
        order: ClientOrderId,
        /// Its reason.
        reason: RejectReason,
    },
    /// The order never left this process.
    NotSent {
        /// Order it is about.
        order: ClientOrderId,
        /// What held it back.
        cause: NotSent,
    },
    /// Nobody knows whether the venue has the order; only the venue's own report changes this.
    Unknown {
        /// Order it is about.
        order: ClientOrderId,
        /// What went wrong.
        cause: String,
    },
    /// A conditional order woke up.
    Triggered {
        /// Order it is about.
        order: ClientOrderId,
    },
    /// Something traded.
    Fill(Fill),
    /// The rest of the order is gone; fills may have happened before.
    Cancelled {
        /// Order it is about.
        order: ClientOrderId,
    },
    /// A cancel came too late.
    CancelRejected {
        /// Order it is about.
        order: ClientOrderId,
    },
    /// Funding was paid (positive) or received (negative).
    Funding {
        /// Instrument it is about.
        instrument: InstrumentId,
        /// Amount paid.
        paid: Money,
        /// Rate behind it.
        rate: Rate,
        /// The venue's name of the payment, where it has one: the same payment counts once.
        payment: Option<String>,
    },
    /// The venue has proven that the order never arrived and never will.
    NeverAccepted {
        /// Order it is about.
        order: ClientOrderId,
    },
    /// The venue's whole picture of the account, to be compared with ours.
    Report(AccountReport),
}

/// What the venue says we have, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountReport {
    /// Session time at which the questions were asked: what has happened since may be missing.
    pub asked_at: Timestamp,
    /// Every open order, ours or not.
    pub orders: Vec<ReportedOrder>,
    /// Every position that is not flat.
    pub positions: Vec<ReportedPosition>,
    /// Wallet balance of the settlement coin, without unrealised profit.
    pub cash: Option<Money>,
}

/// An order that the venue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedOrder {
    /// Our name for it; `None` when it is not one of ours.
    pub order: Option<ClientOrderId>,
    /// The venue's name for it.
    pub venue_id: String,
    /// Instrument; `None` when the session does not know it.
    pub instrument: Option<InstrumentId>,
    /// The venue's symbol.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Amount asked for.
    pub qty: Qty,
    /// Amount that has traded.
    pub filled: Qty,
}

/// A position that the venue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedPosition {
    /// Instrument; `None` when the session does not know it.
    pub instrument: Option<InstrumentId>,
    /// The venue's symbol.
    pub symbol: String,
    /// Size and direction.
    pub size: SignedQty,
    /// Average entry price, where the venue gives one.
    pub entry: Option<Price>,
}
