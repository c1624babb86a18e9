//! The event stream of a session: what the headless front end prints, one JSON object a line.
//!
//! Unlike a snapshot a line is an event: each is printed once, in order. The layout is versioned
//! by the `v` field; fields are only ever added.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::{
    ClientOrderId, Interval, Liquidity, Money, Price, Purpose, Qty, Side, Symbol, TimeInForce,
    Timestamp,
};

/// Version of the layout.
pub const LINE_VERSION: u32 = 1;

/// One event with its version and time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Version of the layout: 1.
    pub v: u32,
    /// Session time, in UTC milliseconds.
    pub ts: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: LineKind,
}

impl Line {
    /// A line of the present version.
    #[must_use]
    pub const fn new(ts: Timestamp, kind: LineKind) -> Self {
        Self {
            v: LINE_VERSION,
            ts,
            kind,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum LineKind {
    /// A bar closed.
    Bar {
        /// Venue symbol.
        symbol: Symbol,
        /// Its interval.
        interval: Interval,
        /// Open time.
        open_time: Timestamp,
        /// First price.
        open: Price,
        /// Highest price.
        high: Price,
        /// Lowest price.
        low: Price,
        /// Last price.
        close: Price,
        /// Traded amount of the base coin.
        volume: Qty,
    },
    /// A strategy decided.
    Decision {
        /// Name of the strategy.
        strategy: String,
        /// Venue symbol.
        symbol: Symbol,
        /// Open time of the bar.
        bar: Timestamp,
        /// Wanted exposure, -1 to 1; absent when it holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<f64>,
        /// Why it holds.
        #[serde(skip_serializing_if = "Option::is_none")]
        hold: Option<String>,
    },
    /// An order changed its state.
    Order {
        /// Its name.
        id: ClientOrderId,
        /// What happened to it: sent, accepted, rejected, not-sent, unknown, triggered,
        /// cancelling, cancelled.
        state: &'static str,
        /// Engine input that caused it; joins bar, decision and order.
        #[serde(skip_serializing_if = "Option::is_none")]
        trace: Option<u64>,
        /// The order, when it is sent.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        order: Option<OrderLine>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something traded.
    Fill {
        /// The venue's name of the execution.
        exec: String,
        /// Order it belongs to.
        order: ClientOrderId,
        /// Venue symbol.
        symbol: Symbol,
        /// Side.
        side: Side,
        /// Amount.
        qty: Qty,
        /// Price.
        price: Price,
        /// Fee paid.
        fee: Money,
        /// Whether our order rested.
        liquidity: Liquidity,
        /// The venue's time of the trade.
        at: Timestamp,
    },
    /// A trade is complete.
    Trade {
        /// Venue symbol.
        symbol: Symbol,
        /// Side of the position.
        side: Side,
        /// Largest size.
        qty: Qty,
        /// Average entry price.
        entry: Price,
        /// Average exit price.
        exit: Price,
        /// When it was opened.
        opened: Timestamp,
        /// Profit after fees and funding.
        net: Money,
        /// Fees paid.
        fees: Money,
        /// Why it was closed.
        reason: Cow<'static, str>,
    },
    /// A limit refused, paused or killed.
    Risk {
        /// What it did: refused, paused, tripped.
        action: &'static str,
        /// Name of the rule.
        rule: String,
        /// Value found and limit.
        detail: String,
        /// Order it refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<ClientOrderId>,
        /// End of the pause.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// The session itself: started, restored, level, running, ended.
    Status {
        /// What it is about.
        status: &'static str,
        /// The rest, in words.
        detail: String,
        /// Cash plus unrealised profit.
        #[serde(skip_serializing_if = "Option::is_none")]
        equity: Option<Money>,
        /// Closed trades.
        #[serde(skip_serializing_if = "Option::is_none")]
        trades: Option<u64>,
        /// Step of the kill ladder.
        #[serde(skip_serializing_if = "Option::is_none")]
        level: Option<&'static str>,
    },
    /// A line of the log that is more than a debug line.
    Notice {
        /// Weight.
        level: crate::control::NoticeLevel,
        /// Part of the system.
        topic: Cow<'static, str>,
        /// The text.
        text: String,
    },
}

/// An order as it was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrderLine {
    /// Venue symbol.
    pub symbol: Symbol,
    /// Side.
    pub side: Side,
    /// Amount.
    pub qty: Qty,
    /// Kind.
    pub kind: &'static str,
    /// Limit price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Trigger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Price>,
    /// Time in force.
    pub tif: TimeInForce,
    /// May only shrink a position.
    pub reduce_only: bool,
    /// What it is for.
    pub purpose: Purpose,
}
