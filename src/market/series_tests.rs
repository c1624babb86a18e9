//! A verdict for every class of bar, and what each leaves behind.

use super::{BarVerdict, Series, SeriesCounts};
use crate::domain::{Bar, BarEvent, InstrumentId, Interval, Timestamp};

const MIN: i64 = 300_000;

fn interval() -> Interval {
    "5m".parse().unwrap()
}

fn event(n: i64) -> BarEvent {
    BarEvent {
        instrument: InstrumentId(3),
        interval: interval(),
        confirmed: true,
        bar: Bar {
            open_time: Timestamp::from_millis(n * MIN),
            open: "10".parse().unwrap(),
            high: "12".parse().unwrap(),
            low: "9".parse().unwrap(),
            close: "11".parse().unwrap(),
            volume: "5".parse().unwrap(),
        },
    }
}

fn with_close(n: i64, close: &str) -> BarEvent {
    let mut event = event(n);
    event.bar.close = close.parse().unwrap();
    event
}

fn series_of(bars: &[i64], keep: usize) -> Series {
    let mut series = Series::new(InstrumentId(3), interval(), keep);
    for n in bars {
        series.offer(&event(*n));
    }
    series
}

fn at(n: i64) -> Timestamp {
    Timestamp::from_millis(n * MIN)
}

/// Offers one bar to a series over `before`; checks verdict, newest bar and run.
fn check(before: &[i64], offered: &BarEvent, verdict: &BarVerdict, newest: i64, run: u64) {
    let mut series = series_of(before, 4);
    assert_eq!(series.offer(offered), *verdict, "after {before:?}");
    assert_eq!(series.newest().map(|b| b.open_time), Some(at(newest)));
    assert_eq!(series.run(), run, "run after {before:?}");
}

#[test]
fn every_class_of_bar_gets_its_verdict() {
    let gap = |missing, after, now| BarVerdict::Gap {
        missing,
        after: at(after),
        at: at(now),
    };
    let late = |old, newest| BarVerdict::OutOfOrder {
        at: at(old),
        newest: at(newest),
    };
    let revised = |n| BarVerdict::Revised {
        at: at(n),
        field: "close",
    };
    check(&[], &event(7), &BarVerdict::First, 7, 1);
    check(&[7], &event(8), &BarVerdict::Fresh, 8, 2);
    check(&[7, 8], &event(8), &BarVerdict::Duplicate, 8, 2);
    check(&[7, 8], &event(7), &BarVerdict::Duplicate, 8, 2);
    check(&[7, 8], &with_close(8, "9.5"), &revised(8), 8, 2);
    check(&[7, 8], &with_close(7, "9.5"), &revised(7), 8, 2);
    check(&[7, 8], &event(6), &late(6, 8), 8, 2);
    // Inside of a hole, and beyond what is kept.
    check(&[7, 10], &event(8), &late(8, 10), 10, 1);
    check(&[1, 2, 3, 4, 5], &event(1), &late(1, 5), 5, 5);
    check(&[7, 8], &event(10), &gap(1, 8, 10), 10, 1);
    check(&[7, 8], &event(12_957), &gap(12_948, 8, 12_957), 12_957, 1);
}

#[test]
fn bad_bars_change_nothing() {
    let mut off_grid = event(8);
    off_grid.bar.open_time = Timestamp::from_millis(8 * MIN + 1);
    let mut crossed = event(8);
    crossed.bar.high = "8".parse().unwrap();
    let mut zero = event(8);
    zero.bar.low = crate::domain::Price::ZERO;
    for bad in [off_grid, crossed, zero, with_close(8, "13")] {
        let mut series = series_of(&[7], 4);
        let expected = BarVerdict::Invalid(bad.bar.check(interval()).unwrap_err());
        assert_eq!(series.offer(&bad), expected);
        assert_eq!(series.newest().map(|b| b.open_time), Some(at(7)));
        assert_eq!(series.counts().invalid, 1);
        assert_eq!(series.offer(&event(8)), BarVerdict::Fresh);
    }
}

#[test]
fn bars_of_another_series_are_foreign() {
    let mut series = series_of(&[7], 4);
    let mut other = event(8);
    other.instrument = InstrumentId(4);
    assert_eq!(series.offer(&other), BarVerdict::Foreign);
    let mut other = event(8);
    other.interval = "1m".parse().unwrap();
    assert_eq!(series.offer(&other), BarVerdict::Foreign);
    assert_eq!(series.counts().foreign, 2);
    assert_eq!(series.len(), 1);
}

#[test]
fn a_forming_bar_is_kept_aside_until_a_bar_closes() {
    let mut series = series_of(&[7], 4);
    let mut forming = with_close(8, "10.5");
    forming.confirmed = false;
    assert_eq!(series.offer(&forming), BarVerdict::Unconfirmed);
    assert_eq!(series.forming(), Some(&forming.bar));
    assert_eq!(series.newest().map(|b| b.open_time), Some(at(7)));
    assert_eq!(series.offer(&event(8)), BarVerdict::Fresh);
    assert_eq!(series.forming(), None);
    // A late report about a bar that has closed does not come back as forming.
    assert_eq!(series.offer(&forming), BarVerdict::Unconfirmed);
    assert_eq!(series.forming(), None);
}

#[test]
fn a_revised_bar_replaces_the_known_numbers() {
    let mut series = series_of(&[7, 8], 4);
    series.offer(&with_close(7, "9.5"));
    let closes: Vec<_> = series.bars().map(|b| b.close.to_string()).collect();
    assert_eq!(closes, ["9.5", "11"]);
}

#[test]
fn only_the_newest_bars_are_kept() {
    let series = series_of(&[1, 2, 3, 4, 5, 6], 4);
    let opens: Vec<_> = series.bars().map(|b| b.open_time).collect();
    assert_eq!(opens, [at(3), at(4), at(5), at(6)]);
    assert_eq!(series.run(), 6);
}

#[test]
fn counts_add_up_to_what_was_offered() {
    let mut series = series_of(&[1, 2, 2, 5, 4, 9], 3);
    series.offer(&with_close(9, "9.5"));
    let counts = series.counts();
    assert_eq!(
        counts,
        SeriesCounts {
            fresh: 2,
            duplicate: 1,
            revised: 1,
            out_of_order: 1,
            gaps: 2,
            missing: 2 + 3,
            ..SeriesCounts::default()
        }
    );
}
