//! Whether the data of one instrument can be used, by its age and its errors.
//!
//! Looks at arrivals alone. It pauses nothing; the reader of its words does.

use super::books::LossReason;
use super::history::Span;
use crate::domain::{Bar, Category, InstrumentId, Interval, Timestamp};

/// What became better or worse. Each is told once, when it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedHealth {
    /// A connection is lost; everything that came over it is of the past.
    Down {
        /// Market of the connection; `None` for all.
        category: Option<Category>,
    },
    /// A connection is back. Each topic becomes usable with its own first message.
    Up {
        /// Market of the connection; `None` for all.
        category: Option<Category>,
    },
    /// Nothing has come for too long: no entries on this instrument.
    Stale {
        /// Instrument without news.
        instrument: InstrumentId,
        /// Milliseconds since the newest message; `None` when the connection is lost.
        silent_ms: Option<i64>,
    },
    /// Data is coming, for the first time or again.
    Fresh {
        /// Instrument with news.
        instrument: InstrumentId,
    },
    /// The book is lost until the next snapshot; an empty book has been reported.
    BookLost {
        /// Instrument of the book.
        instrument: InstrumentId,
        /// Why.
        reason: LossReason,
    },
    /// The book is whole, for the first time or again.
    BookWhole {
        /// Instrument of the book.
        instrument: InstrumentId,
    },
    /// Several unreadable messages in a short time.
    Broken {
        /// Instrument that they were about.
        instrument: InstrumentId,
    },
    /// A readable message, and no unreadable one for as long as that time.
    Mended {
        /// Instrument that was broken.
        instrument: InstrumentId,
    },
    /// A closed bar has other numbers than those that were reported.
    BarRevised {
        /// Instrument of the bar.
        instrument: InstrumentId,
        /// Its interval.
        interval: Interval,
        /// As it was reported.
        was: Bar,
        /// As it is now.
        now: Bar,
    },
    /// The venue does not have these bars; the bars behind them have been reported.
    BarsAbsent {
        /// Instrument of the bars.
        instrument: InstrumentId,
        /// Their interval.
        interval: Interval,
        /// The stretch.
        span: Span,
    },
}

/// Times and numbers that decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) stale_after_ms: i64,
    pub(super) broken_after: usize,
    pub(super) broken_window_ms: i64,
}

/// Age and errors of one instrument.
#[derive(Debug, Clone)]
pub(super) struct Liveness {
    instrument: InstrumentId,
    is_fresh: bool,
    is_broken: bool,
    /// Arrival of the newest message that counts for the age.
    newest: Option<Timestamp>,
    /// Arrivals of the newest unreadable messages, oldest first.
    bad: Vec<Timestamp>,
    n_bad: u64,
}

impl Liveness {
    pub(super) const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            is_fresh: false,
            is_broken: false,
            newest: None,
            bad: Vec::new(),
            n_bad: 0,
        }
    }

    /// A message that counts for the age has arrived.
    #[inline]
    pub(super) fn seen(&mut self, at: Timestamp) -> Option<FeedHealth> {
        self.newest = Some(at);
        if self.is_fresh {
            return None;
        }
        self.is_fresh = true;
        Some(FeedHealth::Fresh {
            instrument: self.instrument,
        })
    }

    /// An unreadable message has arrived.
    pub(super) fn refused(&mut self, at: Timestamp, limits: &Limits) -> Option<FeedHealth> {
        self.n_bad += 1;
        self.bad.push(at);
        let n_more = self.bad.len().saturating_sub(limits.broken_after.max(1));
        self.bad.drain(..n_more);
        let is_many = limits.broken_after <= self.bad.len()
            && at.since(*self.bad.first()?) <= limits.broken_window_ms;
        if self.is_broken || !is_many {
            return None;
        }
        self.is_broken = true;
        Some(FeedHealth::Broken {
            instrument: self.instrument,
        })
    }

    /// A readable message of any kind has arrived.
    #[inline]
    pub(super) fn understood(&mut self, at: Timestamp, limits: &Limits) -> Option<FeedHealth> {
        if !self.is_broken {
            return None;
        }
        let newest = *self.bad.last()?;
        if at.since(newest) <= limits.broken_window_ms {
            return None;
        }
        self.is_broken = false;
        self.bad.clear();
        Some(FeedHealth::Mended {
            instrument: self.instrument,
        })
    }

    pub(super) fn on_down(&mut self) -> Option<FeedHealth> {
        if !self.is_fresh {
            return None;
        }
        self.is_fresh = false;
        Some(FeedHealth::Stale {
            instrument: self.instrument,
            silent_ms: None,
        })
    }

    pub(super) fn on_tick(&mut self, at: Timestamp, limits: &Limits) -> Option<FeedHealth> {
        let silent_ms = at.since(self.newest?);
        if !self.is_fresh || silent_ms < limits.stale_after_ms {
            return None;
        }
        self.is_fresh = false;
        Some(FeedHealth::Stale {
            instrument: self.instrument,
            silent_ms: Some(silent_ms),
        })
    }

    pub(super) const fn is_usable(&self) -> bool {
        self.is_fresh && !self.is_broken
    }

    pub(super) const fn n_bad(&self) -> u64 {
        self.n_bad
    }
}
