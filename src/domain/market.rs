//! What the market says: bars, quotes, books, trades, funding.

use serde::{Deserialize, Serialize};

use super::instrument::InstrumentId;
use super::money::{Price, Qty, Rate};
use super::order::Side;
use super::time::{Interval, Timestamp};

/// One bar of trading. `low <= open, close <= high`; the open time is on the interval's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Open time.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded amount, in the base coin.
    pub volume: Qty,
}

/// Why a bar is not a bar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarError {
    /// High below low.
    #[error("bar {at}: high {high} is below low {low}")]
    HighBelowLow {
        /// Open time of the bar.
        at: Timestamp,
        /// Its high.
        high: Price,
        /// Its low.
        low: Price,
    },
    /// Open or close outside of high and low.
    #[error("bar {at}: {what} {price} is outside of low {low} to high {high}")]
    Outside {
        /// Open time of the bar.
        at: Timestamp,
        /// Which price.
        what: &'static str,
        /// The price.
        price: Price,
        /// Its low.
        low: Price,
        /// Its high.
        high: Price,
    },
    /// A price of zero.
    #[error("bar {at}: low is zero")]
    Zero {
        /// Open time of the bar.
        at: Timestamp,
    },
    /// Open time off the grid.
    #[error("bar {at}: open time is not on the {interval} grid")]
    OffGrid {
        /// Open time of the bar.
        at: Timestamp,
        /// Interval of the series.
        interval: Interval,
    },
}

impl Bar {
    /// Checks a bar's inner order and its place on the grid.
    ///
    /// # Errors
    ///
    /// The first rule it breaks, with the numbers.
    pub fn check(&self, interval: Interval) -> Result<(), BarError> {
        let at = self.open_time;
        let (low, high) = (self.low, self.high);
        if high < low {
            return Err(BarError::HighBelowLow { at, high, low });
        }
        for (what, price) in [("open", self.open), ("close", self.close)] {
            if price < low || high < price {
                return Err(BarError::Outside {
                    at,
                    what,
                    price,
                    low,
                    high,
                });
            }
        }
        if low.is_zero() {
            return Err(BarError::Zero { at });
        }
        if !interval.is_on_grid(at) {
            return Err(BarError::OffGrid { at, interval });
        }
        Ok(())
    }
}

/// A bar of one instrument and interval, as a feed reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarEvent {
    /// Instrument it belongs to.
    pub instrument: InstrumentId,
    /// Its interval.
    pub interval: Interval,
    /// Whether the venue calls it final.
    pub confirmed: bool,
    /// The bar.
    pub bar: Bar,
}

/// Best bid and ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Instrument it belongs to.
    pub instrument: InstrumentId,
    /// Best price that buyers offer.
    pub bid: Price,
    /// Amount at the bid.
    pub bid_qty: Qty,
    /// Best price that sellers ask.
    pub ask: Price,
    /// Amount at the ask.
    pub ask_qty: Qty,
}

/// One price level of a book; a quantity of zero removes the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Price of the level.
    pub price: Price,
    /// Amount resting there.
    pub qty: Qty,
}

/// Snapshot or change of an order book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookUpdate {
    /// Instrument it belongs to.
    pub instrument: InstrumentId,
    /// Whether it replaces the whole book.
    pub snapshot: bool,
    /// Number of the update; each delta is one above its predecessor. A snapshot may start anew.
    pub update_id: u64,
    /// Changed bids.
    pub bids: Vec<Level>,
    /// Changed asks.
    pub asks: Vec<Level>,
}

/// A trade between others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicTrade {
    /// Instrument it belongs to.
    pub instrument: InstrumentId,
    /// Price of the trade.
    pub price: Price,
    /// Amount traded.
    pub qty: Qty,
    /// Side of the aggressor.
    pub taker: Side,
}

/// A funding payment that is due now: longs pay `rate` times their value to shorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    /// Instrument it belongs to.
    pub instrument: InstrumentId,
    /// Rate of this payment.
    pub rate: Rate,
}

/// Everything a feed can say. The moment of the message is the stamp around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarketEvent {
    /// First price of a new bar: the only price that a bar recording knows before the bar ends.
    BarOpen {
        /// Instrument it belongs to.
        instrument: InstrumentId,
        /// Open price.
        price: Price,
    },
    /// A bar, final or not.
    Bar(BarEvent),
    /// Best bid and ask.
    Quote(Quote),
    /// Order book.
    Book(BookUpdate),
    /// Trade between others.
    Trade(PublicTrade),
    /// Mark price.
    Mark {
        /// Instrument it belongs to.
        instrument: InstrumentId,
        /// Mark price.
        price: Price,
    },
    /// Funding payment.
    Funding(Funding),
}

impl MarketEvent {
    /// Instrument the event is about.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        match self {
            MarketEvent::BarOpen { instrument, .. } | MarketEvent::Mark { instrument, .. } => {
                *instrument
            }
            MarketEvent::Bar(event) => event.instrument,
            MarketEvent::Quote(quote) => quote.instrument,
            MarketEvent::Book(update) => update.instrument,
            MarketEvent::Trade(trade) => trade.instrument,
            MarketEvent::Funding(funding) => funding.instrument,
        }
    }
}
