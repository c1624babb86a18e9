//! The newest bars of one instrument and interval, and a verdict on every bar that arrives.
//!
//! Does not fill holes and does not correct bars: it says what it saw and counts it.

use std::collections::VecDeque;

use crate::domain::{Bar, BarError, BarEvent, InstrumentId, Interval, Timestamp};

/// What a bar is, compared with those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BarVerdict {
    /// The next closed bar; the only verdict, with [`BarVerdict::First`], to act on directly.
    Fresh,
    /// The first closed bar of the series.
    First,
    /// A closed bar again, with the same numbers. Changes nothing.
    Duplicate,
    /// A closed bar again, with other numbers. The series keeps the new numbers; a decision that
    /// was made on the old ones is not made again.
    Revised {
        /// Open time of the bar.
        at: Timestamp,
        /// First field that differs.
        field: &'static str,
    },
    /// Older than the newest bar, and not one that the series still knows. Changes nothing.
    OutOfOrder {
        /// Open time of the bar.
        at: Timestamp,
        /// Open time of the newest bar.
        newest: Timestamp,
    },
    /// Newer than the next bar. The series takes it; whatever needs bars without a hole starts
    /// anew with it.
    Gap {
        /// Bars that are missing.
        missing: u64,
        /// Open time of the last bar before the hole.
        after: Timestamp,
        /// Open time of this bar.
        at: Timestamp,
    },
    /// The bar is still forming. Kept aside, see [`Series::forming`].
    Unconfirmed,
    /// Not a bar at all. Changes nothing.
    Invalid(BarError),
    /// A bar of another instrument or interval. Changes nothing.
    Foreign,
}

/// How many bars of each kind a series has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeriesCounts {
    /// Contiguous bars, the first one included.
    pub fresh: u64,
    /// Bars repeated with the same numbers.
    pub duplicate: u64,
    /// Bars repeated with other numbers.
    pub revised: u64,
    /// Bars that came too late.
    pub out_of_order: u64,
    /// Holes.
    pub gaps: u64,
    /// Bars missing in all holes together.
    pub missing: u64,
    /// Reports of forming bars.
    pub unconfirmed: u64,
    /// Reports that are no bars.
    pub invalid: u64,
    /// Bars of another series.
    pub foreign: u64,
}

/// The newest closed bars of one instrument and interval, oldest first.
///
/// Open times rise strictly and lie on the interval's grid; there are never more than `keep`.
#[derive(Debug, Clone)]
pub struct Series {
    instrument: InstrumentId,
    interval: Interval,
    keep: usize,
    bars: VecDeque<Bar>,
    /// Open time of the next bar; meaningless while there is no bar.
    next_open: Timestamp,
    forming: Option<Bar>,
    run: u64,
    counts: SeriesCounts,
}

impl Series {
    /// Empty series that keeps the newest `keep` bars (at least one).
    #[must_use]
    pub fn new(instrument: InstrumentId, interval: Interval, keep: usize) -> Self {
        let keep = keep.max(1);
        Self {
            instrument,
            interval,
            keep,
            bars: VecDeque::with_capacity(keep),
            next_open: Timestamp::default(),
            forming: None,
            run: 0,
            counts: SeriesCounts::default(),
        }
    }

    /// Judges a bar and takes it when it is fresh, the first, revised or behind a hole.
    pub fn offer(&mut self, event: &BarEvent) -> BarVerdict {
        let bar = &event.bar;
        let is_next = event.confirmed
            && bar.open_time == self.next_open
            && event.instrument == self.instrument
            && event.interval == self.interval
            && !self.bars.is_empty();
        // A bar that follows one on the grid is on the grid: only its prices remain to be seen.
        if is_next && prices_are_ordered(bar) {
            self.take(*bar);
            self.run += 1;
            self.counts.fresh += 1;
            return BarVerdict::Fresh;
        }
        self.judge(event)
    }

    /// Everything but the steady state.
    #[cold]
    fn judge(&mut self, event: &BarEvent) -> BarVerdict {
        let bar = &event.bar;
        if event.instrument != self.instrument || event.interval != self.interval {
            self.counts.foreign += 1;
            return BarVerdict::Foreign;
        }
        if let Err(error) = bar.check(self.interval) {
            self.counts.invalid += 1;
            return BarVerdict::Invalid(error);
        }
        let newest = self.bars.back().map(|b| b.open_time);
        if !event.confirmed {
            if newest.is_none_or(|n| n < bar.open_time) {
                self.forming = Some(*bar);
            }
            self.counts.unconfirmed += 1;
            return BarVerdict::Unconfirmed;
        }
        let Some(newest) = newest else {
            self.take(*bar);
            self.run = 1;
            self.counts.fresh += 1;
            return BarVerdict::First;
        };
        if bar.open_time <= newest {
            return self.judge_old(bar, newest);
        }
        let late_ms = bar.open_time.since(self.next_open);
        let missing = u64::try_from(late_ms / self.interval.millis()).unwrap_or(0);
        self.take(*bar);
        self.run = 1;
        self.counts.gaps += 1;
        self.counts.missing += missing;
        BarVerdict::Gap {
            missing,
            after: newest,
            at: bar.open_time,
        }
    }

    fn judge_old(&mut self, bar: &Bar, newest: Timestamp) -> BarVerdict {
        let known = self
            .bars
            .binary_search_by_key(&bar.open_time, |b| b.open_time)
            .ok()
            .and_then(|at| self.bars.get_mut(at));
        let Some(known) = known else {
            self.counts.out_of_order += 1;
            return BarVerdict::OutOfOrder {
                at: bar.open_time,
                newest,
            };
        };
        match first_difference(known, bar) {
            None => {
                self.counts.duplicate += 1;
                BarVerdict::Duplicate
            }
            Some(field) => {
                *known = *bar;
                self.counts.revised += 1;
                BarVerdict::Revised {
                    at: bar.open_time,
                    field,
                }
            }
        }
    }

    fn take(&mut self, bar: Bar) {
        if self.bars.len() == self.keep {
            self.bars.pop_front();
        }
        self.next_open = bar.open_time.plus_millis(self.interval.millis());
        self.bars.push_back(bar);
        self.forming = None;
    }

    /// Instrument of the series.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    /// Interval of the series.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The newest closed bar.
    #[must_use]
    pub fn newest(&self) -> Option<&Bar> {
        self.bars.back()
    }

    /// The kept bars, oldest first.
    #[must_use]
    pub fn bars(&self) -> impl DoubleEndedIterator<Item = &Bar> + ExactSizeIterator {
        self.bars.iter()
    }

    /// The bar that is forming, where the feed reports one newer than the newest closed bar.
    #[must_use]
    pub const fn forming(&self) -> Option<&Bar> {
        self.forming.as_ref()
    }

    /// Closed bars up to the newest without a hole between them; may exceed [`Series::len`].
    #[must_use]
    pub const fn run(&self) -> u64 {
        self.run
    }

    /// Number of kept bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// Whether no closed bar has arrived.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// What has been seen so far.
    #[must_use]
    pub const fn counts(&self) -> SeriesCounts {
        self.counts
    }
}

/// The part of [`Bar::check`] that is about prices.
fn prices_are_ordered(bar: &Bar) -> bool {
    bar.low <= bar.open
        && bar.open <= bar.high
        && bar.low <= bar.close
        && bar.close <= bar.high
        && !bar.low.is_zero()
}

fn first_difference(a: &Bar, b: &Bar) -> Option<&'static str> {
    [
        ("open", a.open == b.open),
        ("high", a.high == b.high),
        ("low", a.low == b.low),
        ("close", a.close == b.close),
        ("volume", a.volume == b.volume),
    ]
    .into_iter()
    .find_map(|(name, same)| (!same).then_some(name))
}
