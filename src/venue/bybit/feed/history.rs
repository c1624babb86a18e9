//! How a stretch of past bars is asked for, page by page, and what is missing in the end.
//!
//! A pure plan: it says the next request, takes the answer, and ends with the bars of a half-open
//! range in order and every hole by name. Sending is the caller's; a request that failed is
//! simply asked for again. Used for downloads, warm-up and holes in the stream.

use std::collections::BTreeMap;

use crate::domain::{Bar, BarError, Interval, Timestamp};

/// Most bars of one answer (Bybit v5, market/kline).
pub const MAX_PAGE: u16 = 1_000;
/// Empty pages in a row after which everything before them counts as not existing: the
/// instrument was listed later.
const EMPTY_PAGES: u32 = 2;

/// Bars with an open time from `from` to right before `to`, both on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Open time of the first bar.
    pub from: Timestamp,
    /// Open time of the first bar behind.
    pub to: Timestamp,
}

impl Span {
    /// Number of bars of `interval`.
    #[must_use]
    pub fn n_bars(&self, interval: Interval) -> u64 {
        u64::try_from(self.to.since(self.from) / interval.millis()).unwrap_or(0)
    }
}

/// Why a stretch cannot be asked for or an answer not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Nothing lies between the two ends.
    #[error("no {interval} bar opens from {from} to before {to}: give a later end")]
    Empty {
        /// First moment.
        from: Timestamp,
        /// Moment behind the last one.
        to: Timestamp,
        /// Interval asked for.
        interval: Interval,
    },
    /// The number of bars does not fit the calendar.
    #[error("{limit} bars of {interval} are more than time has room for")]
    TooMany {
        /// Bars asked for.
        limit: u32,
        /// Interval asked for.
        interval: Interval,
    },
    /// An answer with a row that is no bar.
    #[error("answer of the venue: {0}")]
    BadBar(#[from] BarError),
}

/// One request: `start` and `end` are both inclusive in milliseconds, as the venue reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Open time of the oldest bar wanted.
    pub start: Timestamp,
    /// Last millisecond of the newest bar wanted: right whether the venue takes the end as part
    /// of the range or not.
    pub end: Timestamp,
    /// Number of bars between them.
    pub limit: u16,
}

/// The bars of a stretch and what is missing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Interval of the bars.
    pub interval: Interval,
    /// The stretch that was asked for, on the grid.
    pub span: Span,
    /// Closed bars, oldest first.
    pub bars: Vec<Bar>,
    /// What is missing, oldest first. Without overlap and not touching each other.
    pub gaps: Vec<Span>,
}

/// A stretch being fetched, newest page first.
#[derive(Debug, Clone)]
pub struct HistoryPlan {
    interval: Interval,
    span: Span,
    /// Open time behind the newest bar that is still to be asked for.
    cursor: Timestamp,
    n_empty: u32,
    bars: BTreeMap<Timestamp, Bar>,
}

impl HistoryPlan {
    /// Plan for all bars that open at `from` or later and before `to`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn new(interval: Interval, from: Timestamp, to: Timestamp) -> Result<Self, HistoryError> {
        let span = Span {
            from: ceil(from, interval),
            to: ceil(to, interval),
        };
        if span.to <= span.from {
            return Err(HistoryError::Empty { from, to, interval });
        }
        Ok(Self {
            interval,
            span,
            cursor: span.to,
            n_empty: 0,
            bars: BTreeMap::new(),
        })
    }

    /// Plan for the first `limit` bars that open at `since` or later.
    ///
    /// # Errors
    ///
    /// When `limit` is zero or beyond the calendar.
    pub fn since(interval: Interval, since: Timestamp, limit: u32) -> Result<Self, HistoryError> {
        let from = ceil(since, interval);
        let to = i64::from(limit)
            .checked_mul(interval.millis())
            .and_then(|ms| from.millis().checked_add(ms))
            .ok_or(HistoryError::TooMany { limit, interval })?;
        Self::new(interval, from, Timestamp::from_millis(to))
    }

    /// Interval of the bars.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The stretch, on the grid.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The next request; `None` when there is nothing left to ask for. The same one until its
    /// answer has been taken.
    #[must_use]
    pub fn next(&self) -> Option<PageRequest> {
        if self.cursor <= self.span.from {
            return None;
        }
        let page_ms = i64::from(MAX_PAGE) * self.interval.millis();
        let start = self.cursor.plus_millis(-page_ms).max(self.span.from);
        let n_bars = self.cursor.since(start) / self.interval.millis();
        Some(PageRequest {
            start,
            end: self.cursor.plus_millis(-1),
            limit: u16::try_from(n_bars).unwrap_or(MAX_PAGE),
        })
    }

    /// Takes the rows that answer the current request, in any order. `now` is the venue's time
    /// of the answer: a bar that ends later is not closed yet and is left out. Rows outside of
    /// the request are left out as well.
    ///
    /// # Errors
    ///
    /// When a row is no bar of the interval; the request stays due then.
    pub fn take(&mut self, rows: &[Bar], now: Timestamp) -> Result<(), HistoryError> {
        let Some(request) = self.next() else {
            return Ok(());
        };
        for row in rows {
            row.check(self.interval)?;
        }
        let mut is_empty = true;
        for row in rows {
            let is_wanted = request.start <= row.open_time && row.open_time <= request.end;
            is_empty &= !is_wanted;
            if is_wanted && row.open_time.plus_millis(self.interval.millis()) <= now {
                self.bars.insert(row.open_time, *row);
            }
        }
        // A page that lies in the future altogether says nothing about the past.
        if request.start.plus_millis(self.interval.millis()) <= now {
            self.n_empty = if is_empty { self.n_empty + 1 } else { 0 };
        }
        self.cursor = if self.n_empty < EMPTY_PAGES {
            request.start
        } else {
            self.span.from
        };
        Ok(())
    }

    /// Whether everything has been asked for.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.next().is_none()
    }

    /// The bars so far and what is missing.
    #[must_use]
    pub fn finish(self) -> History {
        let mut gaps = Vec::new();
        let mut next = self.span.from;
        for open_time in self.bars.keys().copied() {
            if next < open_time {
                gaps.push(Span {
                    from: next,
                    to: open_time,
                });
            }
            next = open_time.plus_millis(self.interval.millis());
        }
        if next < self.span.to {
            gaps.push(Span {
                from: next,
                to: self.span.to,
            });
        }
        History {
            interval: self.interval,
            span: self.span,
            bars: self.bars.into_values().collect(),
            gaps,
        }
    }
}

/// First moment of the grid that is not before `at`.
fn ceil(at: Timestamp, interval: Interval) -> Timestamp {
    let over = at.millis().rem_euclid(interval.millis());
    if over == 0 {
        at
    } else {
        at.plus_millis(interval.millis() - over)
    }
}
