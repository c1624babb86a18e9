//! Bars of one instrument: those that came, the open ones that trades are making, those that are
//! made of finer ones; and what they say of the last day.

use std::collections::{VecDeque, vec_deque};

use super::view::View;
use crate::domain::{Bar, BarEvent, Interval, Money, Price, Qty, Timestamp};

/// Closed bars kept per interval.
const BARS_KEPT: usize = 20_000;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Bars of one interval.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    closed: VecDeque<Bar>,
    open: Option<Bar>,
    /// Whether the feed tells the open bar itself; otherwise trades make it.
    is_told: bool,
    /// How many of the newest closed bars are of the last day, and what they sum up to.
    n_day: usize,
    day: Day,
}

/// Sums of the last day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Day {
    pub(super) first: Option<Price>,
    pub(super) hour: Option<Price>,
    pub(super) high: Price,
    pub(super) low: Price,
    pub(super) volume: Qty,
    pub(super) turnover: Money,
}

impl Day {
    fn add(&mut self, bar: &Bar) {
        self.first = self.first.or(Some(bar.open));
        self.hour = self.hour.or(Some(bar.open));
        self.reach(bar);
        self.volume += bar.volume;
        self.turnover += turnover(bar);
    }

    fn reach(&mut self, bar: &Bar) {
        self.high = self.high.max(bar.high);
        self.low = if self.low.is_zero() {
            bar.low
        } else {
            self.low.min(bar.low)
        };
    }
}

impl Series {
    /// All bars, newest first.
    fn newest_first(&self) -> impl Iterator<Item = &Bar> {
        self.open.iter().chain(self.closed.iter().rev())
    }

    /// Takes a bar that is final at `at`.
    fn close(&mut self, at: Timestamp, bar: Bar) {
        self.open = None;
        self.closed.push_back(bar);
        self.n_day += 1;
        self.day.add(&bar);
        let since = at.plus_millis(-DAY_MS);
        let mut is_reach_known = true;
        while let Some(oldest) = self.of_day().next().copied()
            && oldest.open_time < since
        {
            self.n_day -= 1;
            self.day.volume = self.day.volume.saturating_sub(oldest.volume);
            self.day.turnover -= turnover(&oldest);
            is_reach_known &= oldest.high < self.day.high && self.day.low < oldest.low;
        }
        if !is_reach_known {
            let mut day = Day::default();
            for bar in self.of_day() {
                day.reach(bar);
            }
            (self.day.high, self.day.low) = (day.high, day.low);
        }
        let hour = at.plus_millis(-HOUR_MS);
        let recent = self.closed.partition_point(|bar| bar.open_time < hour);
        self.day.hour = self.closed.get(recent).map(|bar| bar.open);
        self.day.first = self.of_day().next().map(|bar| bar.open);
        while BARS_KEPT < self.closed.len() {
            self.closed.pop_front();
        }
        self.n_day = self.n_day.min(self.closed.len());
    }

    /// Closed bars of the last day, oldest first.
    fn of_day(&self) -> vec_deque::Iter<'_, Bar> {
        self.closed.range(self.closed.len() - self.n_day..)
    }
}

impl View {
    /// Finest interval that bars have come in.
    pub(super) fn finest(&self) -> Option<Interval> {
        self.bars.keys().next().copied()
    }

    /// Whether bars of `interval` count for triggers.
    pub(super) fn is_finest(&self, interval: Interval) -> bool {
        self.finest() == Some(interval)
    }

    /// Adds a trade to the open bars, of intervals that bars have come in.
    pub(super) fn form_bars(&mut self, at: Timestamp, price: Price, qty: Qty) {
        for (interval, series) in &mut self.bars {
            if series.is_told {
                continue;
            }
            let ms = at.millis();
            let open_time = Timestamp::from_millis(ms - ms.rem_euclid(interval.millis()));
            let is_next = series
                .closed
                .back()
                .is_none_or(|bar| bar.open_time < open_time);
            if series.open.is_none() && is_next {
                series.open = Some(flat(open_time, price));
            }
            // A trade of the next bar can come before the end of this one is told.
            if let Some(open) = series.open.as_mut().filter(|b| b.open_time == open_time) {
                open.high = open.high.max(price);
                open.low = open.low.min(price);
                open.close = price;
                open.volume += qty;
            }
        }
    }

    /// The bar of `interval` that trades are making at `at`.
    pub(super) fn forming(&self, at: Timestamp, interval: Interval) -> Option<Bar> {
        let source = match self.bars.get(&interval) {
            Some(series) => series,
            None => self.bars.get(&self.finest()?)?,
        };
        if source.is_told || source.open.is_none() {
            return None;
        }
        let bar = *self.bars_of(interval).first()?;
        (at < bar.open_time.plus_millis(interval.millis())).then_some(bar)
    }

    /// Opens the bars that begin now, of intervals that bars have come in.
    pub(super) fn open_bars(&mut self, at: Timestamp, price: Price) {
        for (interval, series) in &mut self.bars {
            let is_next = series.closed.back().is_none_or(|bar| bar.open_time < at);
            if interval.is_on_grid(at) && is_next && series.open.is_none() {
                series.open = Some(flat(at, price));
            }
        }
    }

    /// Takes a bar of the feed, final or not.
    pub(super) fn take_bar(&mut self, at: Timestamp, event: &BarEvent) {
        if event.bar.check(event.interval).is_err() {
            return;
        }
        let series = self.bars.entry(event.interval).or_default();
        let known = series.closed.back().map(|bar| bar.open_time);
        if known.is_some_and(|known| event.bar.open_time <= known) {
            return;
        }
        series.is_told = !event.confirmed;
        if event.confirmed {
            series.close(at, event.bar);
        } else {
            series.open = Some(event.bar);
        }
        if self.is_finest(event.interval) {
            self.print(event.bar.close);
        }
    }

    /// What the finest bars say of the last day.
    pub(super) fn day(&self) -> Day {
        let finest = self.bars.values().next();
        let mut day = finest.map_or_else(Day::default, |series| series.day);
        if let Some(open) = finest.and_then(|series| series.open.as_ref()) {
            day.add(open);
        }
        day
    }

    /// Bars of an interval, newest first: those that came, else made of finer ones.
    pub(super) fn bars_of(&self, interval: Interval) -> Vec<Bar> {
        if let Some(series) = self.bars.get(&interval) {
            return series.newest_first().copied().collect();
        }
        let finer = self
            .finest()
            .filter(|fine| *fine < interval && interval.millis() % fine.millis() == 0);
        let Some(series) = finer.and_then(|fine| self.bars.get(&fine)) else {
            return Vec::new();
        };
        let mut made: Vec<Bar> = Vec::new();
        for bar in series.newest_first() {
            let ms = bar.open_time.millis();
            let open_time = Timestamp::from_millis(ms - ms.rem_euclid(interval.millis()));
            match made.last_mut().filter(|last| last.open_time == open_time) {
                Some(last) => {
                    last.open = bar.open;
                    last.high = last.high.max(bar.high);
                    last.low = last.low.min(bar.low);
                    last.volume += bar.volume;
                }
                None => made.push(Bar { open_time, ..*bar }),
            }
        }
        made
    }

    /// Whether the bar of `interval` that holds `bar` ends with it.
    pub(super) fn closes(interval: Interval, fine: Interval, bar: &Bar) -> bool {
        interval.is_on_grid(bar.open_time.plus_millis(fine.millis()))
    }
}

/// A bar that has just begun.
const fn flat(open_time: Timestamp, price: Price) -> Bar {
    Bar {
        open_time,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Qty::ZERO,
    }
}

/// Turnover of a bar at its close: recordings do not carry the true one.
pub(super) fn turnover(bar: &Bar) -> Money {
    bar.close * bar.volume
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_the_day_are_those_of_its_bars() {
        let mut series = Series::default();
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        let number = |n: i64| n.to_string();
        let mut draw: i64 = 7;
        for minute in 0..4_000_i64 {
            // A drift with noise, and a hole of some hours.
            draw = (draw * 1_103_515_245 + 12_345) % 2_147_483_648;
            if (2_000..2_300).contains(&minute) {
                continue;
            }
            let base = 5_000 + (minute - 2_000).abs() + draw % 50;
            let price = |n: i64| number(n).parse::<Price>().unwrap();
            series.close(
                at(minute + 1),
                Bar {
                    open_time: at(minute),
                    open: price(base),
                    high: price(base + draw % 7),
                    low: price(base - draw % 5),
                    close: price(base),
                    volume: number(draw % 9).parse().unwrap(),
                },
            );
            if minute % 97 != 0 {
                continue;
            }
            let mut wanted = Day::default();
            let since = at(minute + 1 - 1_440);
            for bar in series.closed.iter().filter(|bar| since <= bar.open_time) {
                wanted.add(bar);
            }
            let hour = at(minute + 1 - 60);
            let recent = series.closed.iter().find(|bar| hour <= bar.open_time);
            wanted.hour = recent.map(|bar| bar.open);
            assert_eq!(
                format!("{:?}", series.day),
                format!("{wanted:?}"),
                "{minute}"
            );
        }
        assert!(series.n_day == 1_440 && 3_000 < series.closed.len());
    }
}
