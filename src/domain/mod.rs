//! The vocabulary of trading: money, time, instruments, market events, orders, account events.
//!
//! Nothing here does I/O, reads a clock or draws a random number.
//! Every other room of the house speaks in these types.

mod account;
mod instrument;
mod link;
mod market;
mod mode;
mod money;
mod names;
mod order;
#[cfg(test)]
mod tests;
mod time;

pub use account::{
    AccountEvent, AccountReport, Fill, FillKind, Liquidity, NotSent, RejectReason, ReportedOrder,
    ReportedPosition,
};
pub use instrument::{
    Category, Instrument, InstrumentError, InstrumentId, Instruments, RuleViolation, Symbol,
};
pub use link::{FeedLink, LinkEvent};
pub use market::{
    Bar, BarError, BarEvent, BookUpdate, Funding, Level, MarketEvent, PublicTrade, Quote,
};
pub use mode::{KillLevel, Mode};
pub use money::{Money, NumberError, Price, Qty, Rate, SignedQty};
pub use names::UsedNames;
pub use order::{
    ClientOrderId, Exposure, ExposureError, Intent, LegId, OrderIdError, OrderKind, OrderSpec,
    Purpose, Side, TimeInForce, TriggerPrice,
};
pub use time::{Interval, IntervalError, Timestamp};

/// A value with the moment at which it reached the engine.
///
/// `at` never runs backwards within one session; `seq` counts the engine's inputs from 1 without
/// a hole, so the pair names one input for ever.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamped<T> {
    /// Number of this input in its session, from 1.
    pub seq: u64,
    /// When the input reached the engine, in the session's own clock.
    pub at: Timestamp,
    /// The input.
    pub value: T,
}
