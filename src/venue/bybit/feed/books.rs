//! One book kept in step with its topic.
//!
//! A snapshot replaces everything, a change must carry the number after its predecessor's, and a
//! book that has lost its place or crosses holds nothing until the next snapshot (Bybit v5,
//! orderbook; contiguity is seen in recordings, not promised, so a hole is taken seriously). It
//! asks for that snapshot once, and again when none comes; it sends nothing itself.

use super::frame::{FrameKind, Levels};
use super::ladder::Ladder;
use super::topics::Depth;
use crate::domain::{BookUpdate, InstrumentId, Level, Price, Timestamp};

/// A snapshot older than the newest frame by more than this is a replay of the past. Less than
/// this may be two servers whose clocks differ.
const REPLAY_MS: i64 = 5_000;

/// A frame of a book's topic.
#[derive(Debug, Clone, Copy)]
pub struct BookFrame<'a> {
    /// Whether it replaces the book.
    pub kind: FrameKind,
    /// Number of the update.
    pub update_id: u64,
    /// When the venue made it.
    pub ts: Timestamp,
    /// Its levels.
    pub levels: &'a Levels,
}

/// What a frame did to a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookStep {
    /// The book was replaced.
    Replaced,
    /// The book was changed.
    Changed,
    /// The same state again; it only shows that the book is alive.
    Repeated,
    /// An update that the book already has, or a snapshot of the past. Changes nothing.
    Old,
    /// A change without a book to change. Changes nothing.
    Unsynced,
    /// The book is lost; a new snapshot has to be asked for.
    Lost(LossReason),
}

/// Why a book is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossReason {
    /// An update is missing.
    Gap {
        /// Number that should have come.
        expected: u64,
        /// Number that came.
        got: u64,
    },
    /// The best prices met or crossed.
    Crossed {
        /// Best bid found.
        bid: Price,
        /// Best ask found.
        ask: Price,
    },
    /// A frame could not be read, so that its change is missing.
    Unreadable,
    /// The connection was lost.
    Down,
}

/// Where a book is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// Nothing has been asked for: the connection is down or was never up.
    Idle,
    /// A snapshot has been asked for at that moment, by that many requests beyond the first
    /// subscription.
    Asked { at: Timestamp, attempt: u32 },
    /// The book is whole.
    Synced,
}

/// The book of one topic.
#[derive(Debug, Clone)]
pub struct TopicBook {
    instrument: InstrumentId,
    depth: Depth,
    ladder: Ladder,
    update_id: u64,
    sync: Sync,
    newest: Option<Timestamp>,
    seen: Timestamp,
}

/// A whole book with its age. Its best bid is below its best ask.
#[derive(Debug, Clone, Copy)]
pub struct BookView<'a> {
    /// Instrument of the book.
    pub instrument: InstrumentId,
    /// Bids, best first.
    pub bids: &'a [Level],
    /// Asks, best first.
    pub asks: &'a [Level],
    /// Number of its newest update.
    pub update_id: u64,
    /// When its newest frame arrived.
    pub seen: Timestamp,
    /// When the venue made its newest frame.
    pub made: Timestamp,
}

impl BookView<'_> {
    /// Milliseconds since its newest frame arrived; never negative.
    #[must_use]
    pub fn age_ms(&self, now: Timestamp) -> i64 {
        now.since(self.seen).max(0)
    }

    /// Halfway between best bid and best ask, where there are both.
    #[must_use]
    pub fn mid(&self) -> Option<Price> {
        Some(self.bids.first()?.price.midpoint(self.asks.first()?.price))
    }

    /// The whole book as an update that replaces an older one.
    #[must_use]
    pub fn to_update(&self) -> BookUpdate {
        BookUpdate {
            instrument: self.instrument,
            snapshot: true,
            update_id: self.update_id,
            bids: self.bids.to_vec(),
            asks: self.asks.to_vec(),
        }
    }
}

impl TopicBook {
    /// A book that waits for its first snapshot.
    #[must_use]
    pub fn new(instrument: InstrumentId, depth: Depth) -> Self {
        Self {
            instrument,
            depth,
            ladder: Ladder::default(),
            update_id: 0,
            sync: Sync::Idle,
            newest: None,
            seen: Timestamp::default(),
        }
    }

    /// Takes a frame that arrived at `at`.
    pub fn take(&mut self, at: Timestamp, frame: &BookFrame<'_>) -> BookStep {
        let follows =
            self.sync == Sync::Synced && self.update_id.checked_add(1) == Some(frame.update_id);
        // Number 1 is a restart of the venue's service, whatever the frame calls itself.
        let replaces = frame.kind == FrameKind::Snapshot || (frame.update_id == 1 && !follows);
        if replaces {
            if self
                .newest
                .is_some_and(|newest| frame.ts.plus_millis(REPLAY_MS) < newest)
            {
                return BookStep::Old;
            }
            return self.replace(at, frame);
        }
        if self.sync != Sync::Synced {
            return BookStep::Unsynced;
        }
        if !follows {
            if frame.update_id <= self.update_id {
                return BookStep::Old;
            }
            return self.lose(
                at,
                LossReason::Gap {
                    expected: self.update_id.saturating_add(1),
                    got: frame.update_id,
                },
            );
        }
        self.apply(at, frame, BookStep::Changed)
    }

    fn replace(&mut self, at: Timestamp, frame: &BookFrame<'_>) -> BookStep {
        let is_repeat = self.sync == Sync::Synced
            && self.depth == Depth::Best
            && self.update_id == frame.update_id
            && self.ladder.bids() == frame.levels.bids
            && self.ladder.asks() == frame.levels.asks;
        if is_repeat {
            self.mark(at, frame);
            return BookStep::Repeated;
        }
        self.ladder.clear();
        self.apply(at, frame, BookStep::Replaced)
    }

    #[inline]
    fn apply(&mut self, at: Timestamp, frame: &BookFrame<'_>, done: BookStep) -> BookStep {
        let Levels { bids, asks } = frame.levels;
        self.ladder.change(bids, asks, self.depth.levels());
        self.update_id = frame.update_id;
        self.mark(at, frame);
        if let Some((bid, ask)) = self.ladder.crossing() {
            return self.lose(at, LossReason::Crossed { bid, ask });
        }
        self.sync = Sync::Synced;
        done
    }

    #[inline]
    fn mark(&mut self, at: Timestamp, frame: &BookFrame<'_>) {
        self.seen = at;
        self.newest = Some(self.newest.map_or(frame.ts, |newest| newest.max(frame.ts)));
    }

    /// Forgets the book and asks for a snapshot, unless one is asked for already.
    pub fn lose(&mut self, at: Timestamp, reason: LossReason) -> BookStep {
        self.ladder.clear();
        if self.sync == Sync::Synced {
            self.sync = Sync::Asked { at, attempt: 1 };
            return BookStep::Lost(reason);
        }
        if let (Sync::Asked { .. } | Sync::Idle, LossReason::Crossed { .. }) = (self.sync, reason) {
            // A snapshot that crosses in itself: the next request is not sent before its time.
            let attempt = self.attempt();
            self.sync = Sync::Asked { at, attempt };
        }
        BookStep::Unsynced
    }

    fn attempt(&self) -> u32 {
        match self.sync {
            Sync::Asked { attempt, .. } => attempt,
            Sync::Idle | Sync::Synced => 0,
        }
    }

    /// The connection is gone. Says whether there was a book.
    pub fn on_down(&mut self) -> bool {
        self.ladder.clear();
        let was_synced = self.sync == Sync::Synced;
        self.sync = Sync::Idle;
        was_synced
    }

    /// The connection is there and the topic is being subscribed.
    pub fn on_up(&mut self, at: Timestamp) {
        if self.sync == Sync::Idle {
            self.sync = Sync::Asked { at, attempt: 0 };
        }
    }

    /// How many requests for a snapshot have been made, when another one is due because none
    /// came for `retry_ms`.
    pub fn on_tick(&mut self, at: Timestamp, retry_ms: i64) -> Option<u32> {
        match self.sync {
            Sync::Asked { at: asked, attempt } if retry_ms <= at.since(asked) => {
                let attempt = attempt.saturating_add(1);
                self.sync = Sync::Asked { at, attempt };
                Some(attempt)
            }
            _ => None,
        }
    }

    /// The book, when it is whole. Its sides may be empty: then there is no market.
    #[must_use]
    pub fn view(&self) -> Option<BookView<'_>> {
        (self.sync == Sync::Synced).then(|| BookView {
            instrument: self.instrument,
            bids: self.ladder.bids(),
            asks: self.ladder.asks(),
            update_id: self.update_id,
            seen: self.seen,
            made: self.newest.unwrap_or_default(),
        })
    }

    /// Whether the book is whole.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.sync == Sync::Synced
    }

    /// Levels of its topic.
    #[must_use]
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// Number of its newest update.
    #[must_use]
    pub const fn update_id(&self) -> u64 {
        self.update_id
    }
}
