//! Closed bars of one instrument and interval, each exactly once and in order.
//!
//! A bar counts as closed when the venue confirms it, on the stream or as a row of the past whose
//! end lies behind the venue's own clock. When a bar is missing, later ones are held back and the
//! missing ones are asked for; nothing is invented. The same way serves a lost confirmation, a
//! reconnect, and a stream that is down altogether: then every bar is asked for when it is due.

use std::collections::{BTreeMap, VecDeque};

use super::history::Span;
use super::rows::KlineRow;
use crate::domain::{Bar, Interval, Price, Timestamp};

/// A newer bar that is only forming may overtake the confirmation of the one before it: the
/// confirmation gets this long before the bar is asked for.
const OVERTAKE_MS: i64 = 1_000;
/// A bar is asked for when nothing has confirmed it this long after its end.
const LATE_MS: i64 = 3_000;
/// Wait before a question that got no answer is asked again; doubles up to the longest.
const RETRY_MS: i64 = 5_000;
const LONGEST_RETRY_MS: i64 = 60_000;
/// Wait after an answer that did not fill the hole; doubles as well.
const UNFILLED_MS: i64 = 1_000;
/// Answers without a bar, long after its end, before it counts as not existing at the venue.
const ABSENCES: u32 = 3;
const ABSENT_AFTER_MS: i64 = 60_000;
/// Closed bars that wait behind a hole, at most. What is beyond is asked for again.
const MAX_HELD: usize = 1_024;
/// Bars that are remembered to see when one is revised.
const REMEMBERED: usize = 256;

/// What a bar's topic leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KlineOut {
    /// First price of a new bar; every bar before it has been reported.
    Opened {
        /// Open time of the bar.
        at: Timestamp,
        /// Its first price.
        price: Price,
    },
    /// The next closed bar.
    Closed(Bar),
    /// A bar that was reported has other numbers now. It is not reported again.
    Revised {
        /// As it was reported.
        was: Bar,
        /// As it is now.
        now: Bar,
    },
    /// Bars are missing: ask the venue for the closed ones of this stretch.
    NeedBackfill(Span),
    /// The venue does not have these bars. What comes behind them goes on.
    Absent(Span),
}

/// An answer about past bars.
#[derive(Debug, Clone, Copy)]
pub struct Backfill<'a> {
    /// Stretch that was asked for.
    pub span: Span,
    /// All rows of the answer, in any order; the bar that is still forming may be among them.
    pub rows: &'a [Bar],
    /// The venue's time of the answer.
    pub now: Timestamp,
}

/// The bars of one topic.
#[derive(Debug, Clone)]
pub struct KlineTrack {
    interval: Interval,
    /// Open time of the bar that comes next; `None` until something tells where to begin.
    next: Option<Timestamp>,
    /// Closed bars behind a hole.
    held: BTreeMap<Timestamp, Bar>,
    reported: VecDeque<Bar>,
    /// The newest bar that is not closed, and its first price.
    forming: Option<(Timestamp, Price)>,
    /// Newest bar whose opening has been reported.
    opened: Option<Timestamp>,
    /// Since when a forming bar has been ahead of the next one.
    overtaken: Option<Timestamp>,
    not_before: Timestamp,
    n_asked: u32,
    n_absent: u32,
}

impl KlineTrack {
    /// Empty track, which begins with the first bar it is told of.
    #[must_use]
    pub const fn new(interval: Interval) -> Self {
        Self {
            interval,
            next: None,
            held: BTreeMap::new(),
            reported: VecDeque::new(),
            forming: None,
            opened: None,
            overtaken: None,
            not_before: Timestamp::from_millis(i64::MIN),
            n_asked: 0,
            n_absent: 0,
        }
    }

    /// Track whose first bar opens at `next`, because all bars before it are known from
    /// elsewhere, such as a warm-up. Off the grid means the next bar on it.
    #[must_use]
    pub fn starting_at(interval: Interval, next: Timestamp) -> Self {
        let over = next.millis().rem_euclid(interval.millis());
        let missing = if over == 0 {
            0
        } else {
            interval.millis() - over
        };
        Self {
            next: Some(next.plus_millis(missing)),
            ..Self::new(interval)
        }
    }

    /// Interval of the bars.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// Open time of the bar that is reported next.
    #[must_use]
    pub const fn next_open(&self) -> Option<Timestamp> {
        self.next
    }

    /// Takes the bars of a frame that arrived at `at`.
    pub fn on_frame(&mut self, at: Timestamp, rows: &[KlineRow], out: &mut Vec<KlineOut>) {
        let mut rows: Vec<&KlineRow> = rows.iter().collect();
        rows.sort_by_key(|row| (row.bar.open_time, row.confirmed));
        for row in rows {
            self.take(row, out);
        }
        self.report(out);
        while MAX_HELD < self.held.len() {
            self.held.pop_last();
        }
        self.ask(at, out);
    }

    fn take(&mut self, row: &KlineRow, out: &mut Vec<KlineOut>) {
        let bar = row.bar;
        let next = *self.next.get_or_insert(bar.open_time);
        if bar.open_time < next {
            if row.confirmed {
                self.judge_old(bar, out);
            }
        } else if row.confirmed {
            self.held.insert(bar.open_time, bar);
        } else if self.forming.is_none_or(|(at, _)| at < bar.open_time) {
            self.forming = Some((bar.open_time, bar.open));
        }
    }

    /// Takes an answer about past bars, which arrived at `at`.
    pub fn on_backfill(&mut self, at: Timestamp, answer: &Backfill<'_>, out: &mut Vec<KlineOut>) {
        let next = *self.next.get_or_insert(answer.span.from);
        for row in answer.rows {
            let has_closed = self.end_of(row.open_time) <= answer.now;
            if !has_closed || row.check(self.interval).is_err() {
                continue;
            }
            if row.open_time < next {
                self.judge_old(*row, out);
            } else {
                // What the stream has confirmed is not older than the answer.
                self.held.entry(row.open_time).or_insert(*row);
            }
        }
        self.report(out);
        self.judge_absent(answer, out);
        while MAX_HELD < self.held.len() {
            self.held.pop_last();
        }
        let wait = UNFILLED_MS << self.n_asked.saturating_sub(1).min(8);
        self.not_before = at.plus_millis(wait.min(LONGEST_RETRY_MS));
        self.ask(at, out);
    }

    /// Looks at the time: a bar that is overdue is asked for.
    pub fn on_tick(&mut self, at: Timestamp, out: &mut Vec<KlineOut>) {
        self.ask(at, out);
    }

    /// Reports every bar that has its turn, then the opening of the one behind them.
    fn report(&mut self, out: &mut Vec<KlineOut>) {
        while let Some(next) = self.next
            && let Some(bar) = self.held.remove(&next)
        {
            if self.reported.len() == REMEMBERED {
                self.reported.pop_front();
            }
            self.reported.push_back(bar);
            self.next = Some(self.end_of(next));
            (self.n_asked, self.n_absent) = (0, 0);
            out.push(KlineOut::Closed(bar));
        }
        if let Some((at, price)) = self.forming
            && self.next == Some(at)
            && self.opened < Some(at)
        {
            self.opened = Some(at);
            out.push(KlineOut::Opened { at, price });
        }
    }

    /// A closed bar from before the next one: the same again, a revision, or too old to tell.
    fn judge_old(&mut self, bar: Bar, out: &mut Vec<KlineOut>) {
        let known = self
            .reported
            .binary_search_by_key(&bar.open_time, |known| known.open_time)
            .ok()
            .and_then(|at| self.reported.get_mut(at));
        if let Some(known) = known
            && *known != bar
        {
            let was = std::mem::replace(known, bar);
            out.push(KlineOut::Revised { was, now: bar });
        }
    }

    /// Gives up bars that the venue has left out of several answers, long after their end.
    fn judge_absent(&mut self, answer: &Backfill<'_>, out: &mut Vec<KlineOut>) {
        let (Some(next), Some(first)) = (self.next, self.held.keys().next().copied()) else {
            return;
        };
        let was_asked = answer.span.from <= next && next < answer.span.to;
        if !was_asked || answer.now < self.end_of(next).plus_millis(ABSENT_AFTER_MS) {
            return;
        }
        self.n_absent += 1;
        if ABSENCES <= self.n_absent {
            out.push(KlineOut::Absent(Span {
                from: next,
                to: first,
            }));
            self.next = Some(first);
            self.report(out);
        }
    }

    /// Asks for what is missing, unless it has been asked for just now.
    fn ask(&mut self, at: Timestamp, out: &mut Vec<KlineOut>) {
        let Some(missing) = self.missing(at) else {
            self.not_before = Timestamp::from_millis(i64::MIN);
            return;
        };
        if at < self.not_before {
            return;
        }
        let wait = RETRY_MS << self.n_asked.min(8);
        self.not_before = at.plus_millis(wait.min(LONGEST_RETRY_MS));
        self.n_asked = self.n_asked.saturating_add(1);
        out.push(KlineOut::NeedBackfill(missing));
    }

    /// The stretch that must have closed and has not been reported.
    fn missing(&mut self, at: Timestamp) -> Option<Span> {
        let from = self.next?;
        let ahead = self.forming.map(|(at, _)| at).filter(|at| from < *at);
        self.overtaken = ahead.map(|_| self.overtaken.unwrap_or(at));
        let ahead = ahead.filter(|_| {
            self.overtaken
                .is_some_and(|since| OVERTAKE_MS <= at.since(since))
        });
        let held = self.held.keys().next_back().copied();
        let over = at.plus_millis(-LATE_MS);
        let due = over.plus_millis(-over.millis().rem_euclid(self.interval.millis()));
        let to = [ahead, held, Some(due)].into_iter().flatten().max()?;
        (from < to).then_some(Span { from, to })
    }

    const fn end_of(&self, open_time: Timestamp) -> Timestamp {
        open_time.plus_millis(self.interval.millis())
    }
}
