//! Faults of venue state that can be ordered: liquidation, foreign fills, lost answers and more.
//!
//! Faults of the wire (cut, delayed, garbled frames) are the transport's.

use serde::{Deserialize, Serialize};

use crate::domain::{Price, Qty, Rate, Side};

/// One fault or event that is no request of ours.
///
/// `symbol` names a linear instrument, else a spot one; `spot:BTCUSDT` names the spot one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "drill", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Drill {
    /// The next requests of one kind are answered with a code.
    AnswerCode {
        /// `order.create`, `order.amend`, `order.cancel`, …; a path such as `/v5/order/realtime`;
        /// or `*` for every signed request.
        op: String,
        /// `retCode` of the answer.
        code: i64,
        /// `retMsg` of the answer.
        message: String,
        /// Whether the request takes effect although the answer is this code.
        accept: bool,
        /// How many requests it hits.
        times: u32,
    },
    /// The venue cancels every order on one contract and takes its position over.
    Liquidate {
        /// Instrument; it must have a position.
        symbol: String,
    },
    /// Auto-deleveraging takes a part of a position.
    Adl {
        /// Instrument.
        symbol: String,
        /// Amount taken, at the last price.
        qty: Qty,
    },
    /// A funding payment is due.
    Funding {
        /// Instrument.
        symbol: String,
        /// Rate of the payment.
        rate: Rate,
    },
    /// Somebody else with the account (a web page, another program) has traded.
    ForeignFill {
        /// Instrument.
        symbol: String,
        /// Side.
        side: Side,
        /// Amount.
        qty: Qty,
        /// Price.
        price: Price,
    },
    /// Somebody else with the account has placed an order.
    ForeignOrder {
        /// Instrument.
        symbol: String,
        /// Side.
        side: Side,
        /// Amount.
        qty: Qty,
        /// Limit; `None` is a market order.
        price: Option<Price>,
        /// Its `orderLinkId`; empty is none.
        #[serde(default)]
        link: String,
    },
    /// The venue restarts: `order/realtime` forgets closed orders, books start anew with `u=1`.
    Restart,
    /// Every signed request is answered 10016 and takes no effect.
    Maintenance {
        /// Whether it begins or ends.
        on: bool,
    },
    /// The account's position mode is changed from elsewhere; positions are not looked at.
    HedgeMode {
        /// Two legs or one.
        on: bool,
    },
    /// Queries lag behind the matching engine from now on.
    VisibilityLag {
        /// By how much, in milliseconds.
        ms: u32,
    },
    /// The next accepted creates end `Rejected` instead of reaching the book.
    RejectLater {
        /// `rejectReason`, such as `EC_PostOnlyWillTakeLiquidity`.
        reason: String,
        /// How many creates it hits.
        times: u32,
    },
    /// An instrument changes its status: `Trading`, `PreLaunch`, `Delivering`, `Closed`.
    InstrumentStatus {
        /// Instrument.
        symbol: String,
        /// New status; other than `Trading` refuses new orders.
        status: String,
    },
    /// A key ends now: 33004 from here on.
    KeyExpired {
        /// The key.
        key: String,
    },
    /// One update of the public book is swallowed, so that the numbers have a hole.
    BookGap {
        /// Instrument.
        symbol: String,
    },
    /// The next execution carries an `execType` that nobody has heard of.
    UnknownExecType {
        /// Instrument.
        symbol: String,
        /// The text.
        text: String,
    },
    /// Executions are told in pieces of at most this size from now on.
    PartialFills {
        /// Largest piece; zero ends it.
        max_qty: Qty,
    },
}
