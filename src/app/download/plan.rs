//! How a stretch of bars is asked for, page by page, and which of them are missing. Pure.
//!
//! The oldest page comes first, so that a file grows at its end and an interrupted download goes
//! on there. Within a page the venue sends the newest bar first.

use std::collections::BTreeMap;

use crate::domain::{Bar, BarError, Interval, Symbol, Timestamp};

/// Most bars of one answer (Bybit v5, market/kline).
pub(super) const MAX_PAGE: i64 = 1_000;

/// Open times from `from` to right before `to`, both on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First open time.
    pub from: Timestamp,
    /// First open time behind.
    pub to: Timestamp,
}

impl Range {
    /// All bars that open at `from` or later and before `to`; `None` when there is none.
    #[must_use]
    pub fn new(from: Timestamp, to: Timestamp, interval: Interval) -> Option<Self> {
        let range = Self {
            from: ceil(from, interval),
            to: ceil(to, interval),
        };
        (range.from < range.to).then_some(range)
    }

    /// The part of it whose bars have ended at `now`; `None` when there is none.
    #[must_use]
    pub fn closed_at(self, now: Timestamp, interval: Interval) -> Option<Self> {
        let over = now.millis().rem_euclid(interval.millis());
        let to = self.to.min(now.plus_millis(-over));
        (self.from < to).then_some(Self { to, ..self })
    }

    /// Number of bars.
    #[must_use]
    pub fn n_bars(self, interval: Interval) -> u64 {
        u64::try_from(self.to.since(self.from) / interval.millis()).unwrap_or(0)
    }
}

/// First moment of the grid that is not before `at`.
fn ceil(at: Timestamp, interval: Interval) -> Timestamp {
    match at.millis().rem_euclid(interval.millis()) {
        0 => at,
        over => at.plus_millis(interval.millis() - over),
    }
}

/// Bars that the venue does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Symbol.
    pub symbol: Symbol,
    /// Open time of the first missing bar.
    pub from: Timestamp,
    /// Open time of the first bar behind.
    pub to: Timestamp,
    /// Missing bars.
    pub n_bars: u64,
}

/// Finds gaps in open times that are shown in order.
#[derive(Debug)]
pub(super) struct GapFinder {
    symbol: Symbol,
    interval: Interval,
    next: Timestamp,
    gaps: Vec<Gap>,
}

impl GapFinder {
    pub(super) fn new(symbol: &Symbol, interval: Interval, from: Timestamp) -> Self {
        Self {
            symbol: symbol.clone(),
            interval,
            next: from,
            gaps: Vec::new(),
        }
    }

    pub(super) fn see(&mut self, open_time: Timestamp) {
        self.up_to(open_time);
        self.next = open_time.plus_millis(self.interval.millis());
    }

    /// The gaps, the one up to `to` included.
    pub(super) fn finish(mut self, to: Timestamp) -> Vec<Gap> {
        self.up_to(to);
        self.gaps
    }

    fn up_to(&mut self, end: Timestamp) {
        let missing = end.since(self.next) / self.interval.millis();
        if let Some(n_bars) = u64::try_from(missing).ok().filter(|n| 0 < *n) {
            self.gaps.push(Gap {
                symbol: self.symbol.clone(),
                from: self.next,
                to: end,
                n_bars,
            });
        }
    }
}

/// One request; both ends inclusive, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageRequest {
    pub(super) start: Timestamp,
    /// Last millisecond of the last bar: right whichever way the venue reads the end.
    pub(super) end: Timestamp,
    pub(super) limit: i64,
}

/// A range that is being fetched, oldest page first.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    interval: Interval,
    cursor: Timestamp,
    to: Timestamp,
}

impl Plan {
    pub(super) const fn new(interval: Interval, range: Range) -> Self {
        Self {
            interval,
            cursor: range.from,
            to: range.to,
        }
    }

    /// Open time of the first bar that was not asked for yet.
    pub(super) const fn cursor(&self) -> Timestamp {
        self.cursor
    }

    /// The next request; the same one until its answer was taken, `None` at the end.
    pub(super) fn next(&self) -> Option<PageRequest> {
        if self.to <= self.cursor {
            return None;
        }
        let page_ms = MAX_PAGE * self.interval.millis();
        let behind = self.cursor.plus_millis(page_ms).min(self.to);
        Some(PageRequest {
            start: self.cursor,
            end: behind.plus_millis(-1),
            limit: behind.since(self.cursor) / self.interval.millis(),
        })
    }

    /// Takes the rows of the current request, in any order; gives the wanted ones, oldest first.
    /// A row that ends after `now` is of a bar that is still open.
    ///
    /// # Errors
    ///
    /// When a row is no bar; the request stays due.
    pub(super) fn take(&mut self, rows: &[Bar], now: Timestamp) -> Result<Vec<Bar>, BarError> {
        let Some(request) = self.next() else {
            return Ok(Vec::new());
        };
        let mut wanted = BTreeMap::new();
        for row in rows {
            row.check(self.interval)?;
            let is_asked = request.start <= row.open_time && row.open_time <= request.end;
            let is_closed = row.open_time.plus_millis(self.interval.millis()) <= now;
            if is_asked && is_closed {
                wanted.insert(row.open_time, *row);
            }
        }
        self.cursor = request.end.plus_millis(1);
        Ok(wanted.into_values().collect())
    }

    /// Leaves out everything before `at`, where the venue is known to have nothing.
    pub(super) fn skip_to(&mut self, at: Timestamp) {
        self.cursor = self.cursor.max(ceil(at, self.interval)).min(self.to);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const M: i64 = 60_000;

    fn minute() -> Interval {
        "1m".parse().unwrap()
    }

    const fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * M)
    }

    fn bar(minutes: i64) -> Bar {
        let price = "100".parse().unwrap();
        Bar {
            open_time: at(minutes),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: "1".parse().unwrap(),
        }
    }

    fn symbol() -> Symbol {
        Symbol::new("BTCUSDT").unwrap()
    }

    #[test]
    fn a_range_is_half_open_and_on_the_grid() {
        let ms = Timestamp::from_millis;
        let range = |from, to| Range::new(ms(from), ms(to), minute()).map(|r| (r.from, r.to));
        assert_eq!(range(0, 2 * M), Some((at(0), at(2))));
        assert_eq!(range(1, 2 * M), Some((at(1), at(2))));
        assert_eq!(range(0, 2 * M + 1), Some((at(0), at(3))));
        assert_eq!(range(0, 0), None);
        assert_eq!(range(1, M), None);
        assert_eq!(range(2 * M, M), None);
        let whole = Range::new(at(0), at(10), minute()).unwrap();
        for (now, n_bars) in [
            (5 * M, 5),
            (6 * M - 1, 5),
            (10 * M, 10),
            (99 * M, 10),
            (M, 1),
        ] {
            let closed = whole.closed_at(ms(now), minute()).unwrap();
            assert_eq!(closed.n_bars(minute()), n_bars, "{now}");
        }
        assert_eq!(whole.closed_at(ms(M - 1), minute()), None);
    }

    #[test]
    fn an_open_bar_and_one_that_was_not_asked_for_are_left_out() {
        let range = Range::new(at(10), at(20), minute()).unwrap();
        let mut plan = Plan::new(minute(), range);
        let request = plan.next().unwrap();
        assert_eq!(
            (request.start, request.end, request.limit),
            (at(10), at(20).plus_millis(-1), 10)
        );
        let rows = [bar(20), bar(12), bar(11), bar(11), bar(9)];
        let now = at(13).plus_millis(-1);
        let taken = plan.clone().take(&rows, now).unwrap();
        assert_eq!(taken, [bar(11)]);
        let mut broken = bar(11);
        broken.high = "1".parse().unwrap();
        assert!(plan.take(&[broken], now).is_err());
        assert_eq!(plan.next(), Some(request));
    }

    #[test]
    fn gaps_are_found_at_the_front_in_between_and_at_the_end() {
        let mut finder = GapFinder::new(&symbol(), minute(), at(0));
        for minutes in [2, 3, 7] {
            finder.see(at(minutes));
        }
        let gaps: Vec<_> = finder
            .finish(at(10))
            .into_iter()
            .map(|gap| (gap.from, gap.to, gap.n_bars))
            .collect();
        assert_eq!(
            gaps,
            [(at(0), at(2), 2), (at(4), at(7), 3), (at(8), at(10), 2)]
        );
        let mut whole = GapFinder::new(&symbol(), minute(), at(0));
        whole.see(at(0));
        assert_eq!(whole.finish(at(1)), []);
    }

    proptest! {
        /// Whatever the venue has, the pages give each bar once and in order, and together with
        /// the gaps they are the whole range.
        #[test]
        fn pages_and_gaps_are_the_whole_range(
            from in 0_i64..3_000,
            length in 1_i64..3_500,
            missing in prop::collection::btree_set(0_i64..7_000, 0..400),
            hole in (0_i64..6_000, 0_i64..2_500),
        ) {
            let hole = hole.0..hole.0 + hole.1;
            let has = |m: i64| !missing.contains(&m) && !hole.contains(&m);
            let range = Range::new(at(from), at(from + length), minute()).unwrap();
            let mut plan = Plan::new(minute(), range);
            let mut finder = GapFinder::new(&symbol(), minute(), range.from);
            let mut found = Vec::new();
            while let Some(request) = plan.next() {
                prop_assert!(1 <= request.limit && request.limit <= MAX_PAGE);
                let span = request.start.millis() / M..=request.end.millis() / M;
                let rows: Vec<Bar> = span.rev().filter(|m| has(*m)).map(bar).collect();
                for bar in plan.take(&rows, at(100_000)).unwrap() {
                    finder.see(bar.open_time);
                    found.push(bar.open_time.millis() / M);
                }
            }
            let expected: Vec<i64> = (from..from + length).filter(|m| has(*m)).collect();
            prop_assert_eq!(&found, &expected);
            let gaps = finder.finish(range.to);
            let n_missing: u64 = gaps.iter().map(|gap| gap.n_bars).sum();
            prop_assert_eq!(n_missing + found.len() as u64, range.n_bars(minute()));
            for gap in gaps {
                let span = gap.from.millis() / M..gap.to.millis() / M;
                prop_assert!(span.into_iter().all(|m| !has(m)));
            }
        }
    }
}
