//! Prices by name: what a number is and how old it is.

use crate::domain::{Price, Timestamp};

/// Which price is meant. A use names its kind; none stands in for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriceKind {
    /// Of the last trade, as the ticker tells it.
    Last,
    /// Mark price: what positions are valued and liquidated at. Linear only.
    Mark,
    /// Index price: an average over other venues. Linear only.
    Index,
    /// Halfway between best bid and best ask.
    Mid,
}

/// A price with its kind and age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priced {
    /// What it is.
    pub kind: PriceKind,
    /// The price.
    pub price: Price,
    /// When the frame with it arrived. For what the ticker tells: its newest frame, whether or
    /// not it told this price again.
    pub seen: Timestamp,
}

impl Priced {
    /// Milliseconds since it arrived; never negative.
    #[must_use]
    pub fn age_ms(&self, now: Timestamp) -> i64 {
        now.since(self.seen).max(0)
    }
}
