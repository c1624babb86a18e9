//! What a public frame says, borrowed from its text.

use std::borrow::Cow;

use crate::domain::{Level, Timestamp};

/// Whether a frame replaces what is known or changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Replaces.
    Snapshot,
    /// Changes.
    Delta,
}

/// A frame of a public topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its topic, such as `orderbook.50.BTCUSDT`.
    pub topic: Cow<'a, str>,
    /// Whether it replaces or changes; absent from topics that are not read here.
    pub kind: Option<FrameKind>,
    /// When the venue made it.
    pub ts: Timestamp,
    /// When the matching engine made what it tells; only in books.
    pub cts: Option<Timestamp>,
    /// Its place among the frames of its topic; only in tickers.
    pub cs: Option<u64>,
    /// Its data.
    pub body: Body<'a>,
}

/// Data of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// A book, whose levels are in the [`Levels`] that were given along.
    Book(BookHead<'a>),
    /// The JSON of everything else.
    Raw(&'a [u8]),
}

/// A book's data besides its levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookHead<'a> {
    /// Symbol of the book.
    pub symbol: Cow<'a, str>,
    /// Number of the update, of its topic alone.
    pub update_id: u64,
    /// Number that relates books of other depths, and trades.
    pub seq: Option<u64>,
}

/// Levels of a book frame. Kept and filled again, so that the steady state allocates nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// Bids, in the order of the frame.
    pub bids: Vec<Level>,
    /// Asks, in the order of the frame.
    pub asks: Vec<Level>,
}

impl Levels {
    /// Forgets all levels and keeps their memory.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }
}
