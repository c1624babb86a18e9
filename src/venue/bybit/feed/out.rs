//! What the feed is told to watch, and what it says.

use super::error::FrameError;
use super::health::{FeedHealth, Limits};
use super::history::Span;
use super::topics::{Channel, Depth, Topic};
use crate::domain::{Category, InstrumentId, Interval, MarketEvent, Symbol, Timestamp};

/// One thing that came out of a frame, a lost connection, or the passing of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedOut {
    /// An event of the market, with the venue's time of it: a trade's own time, a bar's end, else
    /// when the venue made the frame. Times of different topics may run back by some
    /// milliseconds.
    Event(Timestamp, MarketEvent),
    /// Data became better or worse.
    Health(FeedHealth),
    /// Bars are missing: ask REST for them and give the answer to
    /// [`FeedState::on_backfill`](super::FeedState::on_backfill).
    NeedBackfill {
        /// Instrument of the bars.
        instrument: InstrumentId,
        /// Their interval.
        interval: Interval,
        /// The stretch; it may be longer than one page.
        span: Span,
    },
    /// Unsubscribe and subscribe the topic, to get a snapshot of its book.
    Resync {
        /// The topic.
        topic: Topic,
        /// 1 for the first request since the book was lost or subscribed. From 2 on the ones
        /// before it led to nothing: a new connection may help.
        attempt: u32,
    },
    /// A frame was not understood. Nothing of it has been taken over.
    Refused {
        /// Instrument of its topic, where that is one that is watched.
        instrument: Option<InstrumentId>,
        /// What is wrong with it.
        error: FrameError,
    },
}

/// What a frame was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Data of a topic that is watched.
    Data,
    /// About the connection: an answer to a subscription or a ping.
    Control,
    /// Of a topic that is not watched, as after unsubscribing.
    Foreign,
    /// Not understood.
    Refused,
}

/// Number of frames of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedCounts {
    /// Data of topics that are watched.
    pub data: u64,
    /// About the connection.
    pub control: u64,
    /// Of topics that are not watched.
    pub foreign: u64,
    /// Not understood.
    pub refused: u64,
    /// Data of the past that was dropped: books, tickers and trades that came again.
    pub old: u64,
}

/// Topics of one instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its number in the session.
    pub instrument: InstrumentId,
    /// Its market.
    pub category: Category,
    /// Its symbol.
    pub symbol: Symbol,
    /// Whether to follow best bid and ask. Their messages also tell whether the data is alive:
    /// they come at least every 3 s.
    pub best: bool,
    /// How deep a book to follow besides; [`Depth::Best`] means none.
    pub depth: Option<Depth>,
    /// Whether to follow the ticker.
    pub ticker: bool,
    /// Whether to follow trades.
    pub trades: bool,
    /// Bars to follow.
    pub klines: Vec<WantedBars>,
}

/// Bars of one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedBars {
    /// Their interval.
    pub interval: Interval,
    /// Open time of the first bar to report, when all before it are known from a warm-up; else
    /// the first bar that the stream tells of.
    pub next_open: Option<Timestamp>,
}

impl Wanted {
    /// The topics to subscribe.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        let book = self.depth.filter(|depth| *depth != Depth::Best);
        let channels = [
            self.best.then_some(Channel::Book(Depth::Best)),
            book.map(Channel::Book),
            self.ticker.then_some(Channel::Ticker),
            self.trades.then_some(Channel::Trades),
        ];
        let klines = self.klines.iter().map(|bars| Channel::Kline(bars.interval));
        channels
            .into_iter()
            .flatten()
            .chain(klines)
            .map(|channel| self.topic(channel))
            .collect()
    }

    pub(super) fn topic(&self, channel: Channel) -> Topic {
        Topic::new(self.category, self.symbol.clone(), channel)
    }
}

/// What a lost or new connection carries.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// Everything.
    All,
    /// Everything of one market.
    Category(Category),
    /// These topics: one of several connections of a market, or a new subscription.
    Topics(&'a [Topic]),
}

impl Scope<'_> {
    pub(super) fn covers(&self, category: Category, symbol: &Symbol, channel: Channel) -> bool {
        match self {
            Scope::All => true,
            Scope::Category(covered) => *covered == category,
            Scope::Topics(topics) => topics.iter().any(|topic| {
                topic.category == category && topic.channel == channel && topic.symbol == *symbol
            }),
        }
    }

    /// Words about a whole connection; none when only some topics are meant.
    pub(super) fn told(&self, word: fn(Option<Category>) -> FeedHealth) -> Option<FeedOut> {
        let category = match self {
            Scope::All => None,
            Scope::Category(category) => Some(*category),
            Scope::Topics(_) => return None,
        };
        Some(FeedOut::Health(word(category)))
    }
}

/// How books are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BookDelivery {
    /// Every snapshot and change, as it comes.
    #[default]
    Every,
    /// The newest state of each changed book as one snapshot, when
    /// [`FeedState::drain_books`](super::FeedState::drain_books) is called: a reader who is too
    /// slow for every change misses states, never consistency.
    Latest,
}

/// Times and numbers of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedSettings {
    /// Milliseconds without a message of best bid and ask after which data is stale.
    pub stale_after_ms: i64,
    /// Unreadable messages within the window that break an instrument.
    pub broken_after: usize,
    /// Length of that window in milliseconds.
    pub broken_window_ms: i64,
    /// Milliseconds without a snapshot after which it is asked for again.
    pub resync_retry_ms: i64,
    /// How books are reported.
    pub books: BookDelivery,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            stale_after_ms: 4_000,
            broken_after: 3,
            broken_window_ms: 10_000,
            resync_retry_ms: 5_000,
            books: BookDelivery::Every,
        }
    }
}

impl FeedSettings {
    pub(super) const fn limits(&self) -> Limits {
        Limits {
            stale_after_ms: self.stale_after_ms,
            broken_after: self.broken_after,
            broken_window_ms: self.broken_window_ms,
        }
    }
}
