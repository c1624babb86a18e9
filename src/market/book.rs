//! A level-2 order book, rebuilt from snapshots and changes.
//!
//! A book that has lost an update, or whose best prices cross, holds nothing until the next
//! snapshot: no caller can trade on levels that may be gone. It does not ask for that snapshot.

use std::cmp::Ordering;

use crate::domain::{BookUpdate, InstrumentId, Level, Money, Price, Qty, Side};

/// What an update did to the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookVerdict {
    /// The book was replaced.
    Snapshot,
    /// The book was changed.
    Delta,
    /// At least one update is missing; the book is empty until the next snapshot.
    Gap {
        /// Number that should have come.
        expected: u64,
        /// Number that came.
        got: u64,
    },
    /// The best prices met or crossed; the book is empty until the next snapshot.
    Crossed {
        /// Best bid found.
        bid: Price,
        /// Best ask found.
        ask: Price,
    },
    /// A change without a book to change; ignored.
    NoSnapshot,
    /// An update of another instrument; ignored.
    Foreign,
}

/// Whether a book can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookState {
    /// No snapshot has arrived.
    Waiting,
    /// The book is whole.
    Valid,
    /// An update is missing or the best prices crossed.
    Invalid,
}

/// What taking an amount from the book would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Average price, truncated to the grid of prices.
    pub average: Price,
    /// Amount that the book has, at most what was asked for.
    pub filled: Qty,
    /// Price of the last level touched.
    pub worst: Price,
    /// Value of the amount, exact.
    pub notional: Money,
}

/// The book of one instrument.
///
/// Bids fall, asks rise, no level is empty, no price occurs twice on a side, and the best bid is
/// below the best ask. Both sides are flat arrays with the best level first: changes come mostly
/// near the top, and 50 levels move faster than a tree is walked.
#[derive(Debug, Clone)]
pub struct Book {
    instrument: InstrumentId,
    state: BookState,
    update_id: u64,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Book {
    /// Empty book.
    #[must_use]
    pub const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            state: BookState::Waiting,
            update_id: 0,
            bids: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// Applies an update.
    ///
    /// A change must carry the number after its predecessor's. Number 1 is a restart of the
    /// venue's service and replaces the book even when it is not marked as a snapshot (Bybit v5,
    /// orderbook stream).
    pub fn apply(&mut self, update: &BookUpdate) -> BookVerdict {
        if update.instrument != self.instrument {
            return BookVerdict::Foreign;
        }
        let follows = self.state == BookState::Valid
            && self.update_id.checked_add(1) == Some(update.update_id);
        let replaces = update.snapshot || (update.update_id == 1 && !follows);
        if replaces {
            self.bids.clear();
            self.asks.clear();
        } else if self.state != BookState::Valid {
            return BookVerdict::NoSnapshot;
        } else if !follows {
            let expected = self.update_id.saturating_add(1);
            self.invalidate();
            return BookVerdict::Gap {
                expected,
                got: update.update_id,
            };
        }
        for level in &update.bids {
            set(&mut self.bids, *level, |a, b| b.cmp(&a));
        }
        for level in &update.asks {
            set(&mut self.asks, *level, |a, b| a.cmp(&b));
        }
        self.update_id = update.update_id;
        if let (Some(bid), Some(ask)) = (self.bids.first(), self.asks.first())
            && ask.price <= bid.price
        {
            let (bid, ask) = (bid.price, ask.price);
            self.invalidate();
            return BookVerdict::Crossed { bid, ask };
        }
        self.state = BookState::Valid;
        if replaces {
            BookVerdict::Snapshot
        } else {
            BookVerdict::Delta
        }
    }

    /// Forgets all levels until the next snapshot, as after a lost connection.
    pub fn invalidate(&mut self) {
        self.state = BookState::Invalid;
        self.bids.clear();
        self.asks.clear();
    }

    /// Whether the book can be used.
    #[must_use]
    pub const fn state(&self) -> BookState {
        self.state
    }

    /// Instrument of the book.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    /// Number of the newest update.
    #[must_use]
    pub const fn update_id(&self) -> u64 {
        self.update_id
    }

    /// Best bid.
    #[must_use]
    pub fn best_bid(&self) -> Option<Level> {
        self.bids.first().copied()
    }

    /// Best ask.
    #[must_use]
    pub fn best_ask(&self) -> Option<Level> {
        self.asks.first().copied()
    }

    /// Bids, best first.
    #[must_use]
    pub fn bids(&self) -> &[Level] {
        &self.bids
    }

    /// Asks, best first.
    #[must_use]
    pub fn asks(&self) -> &[Level] {
        &self.asks
    }

    /// Rows of a ladder: the n-th best bid beside the n-th best ask, as deep as the deeper side.
    pub fn depth(&self) -> impl Iterator<Item = (Option<Level>, Option<Level>)> + '_ {
        (0..self.bids.len().max(self.asks.len()))
            .map(|row| (self.bids.get(row).copied(), self.asks.get(row).copied()))
    }

    /// What a taker on `side` would get for `qty`; `None` when there is nothing to take or
    /// nothing asked for.
    #[must_use]
    pub fn walk(&self, side: Side, qty: Qty) -> Option<Walk> {
        let levels = match side {
            Side::Buy => &self.asks,
            Side::Sell => &self.bids,
        };
        let mut left = qty;
        let mut filled = Qty::ZERO;
        let mut notional = Money::ZERO;
        let mut worst = Price::ZERO;
        for level in levels {
            if left.is_zero() {
                break;
            }
            let part = level.qty.min(left);
            notional += level.price * part;
            filled += part;
            worst = level.price;
            left = left.saturating_sub(part);
        }
        Some(Walk {
            average: notional.price_of(filled)?,
            filled,
            worst,
            notional,
        })
    }

    /// Bid minus ask quantity over their sum, for the best `levels` of each side: -1 (only asks)
    /// to 1 (only bids); `None` when there is nothing.
    #[must_use]
    pub fn imbalance(&self, levels: usize) -> Option<f64> {
        let sum = |side: &[Level]| {
            side.iter()
                .take(levels)
                .map(|l| l.qty)
                .sum::<Qty>()
                .to_f64()
        };
        let (bids, asks) = (sum(&self.bids), sum(&self.asks));
        (0.0 < bids + asks).then(|| (bids - asks) / (bids + asks))
    }
}

/// Sets, inserts or removes one level of a side sorted by `order`, best first.
fn set(side: &mut Vec<Level>, level: Level, order: impl Fn(Price, Price) -> Ordering) {
    match side.binary_search_by(|known| order(known.price, level.price)) {
        Ok(at) if level.qty.is_zero() => {
            side.remove(at);
        }
        Ok(at) => side[at].qty = level.qty,
        Err(_) if level.qty.is_zero() => {}
        Err(at) => side.insert(at, level),
    }
}
