//! Stretches of past bars against a made-up venue.

use proptest::prelude::*;

use super::history::{HistoryError, HistoryPlan, PageRequest, Span};
use crate::domain::{Bar, Interval, Timestamp};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn interval(name: &str) -> Interval {
    name.parse().unwrap()
}

fn bar(open_ms: i64) -> Bar {
    let price = "10".parse().unwrap();
    Bar {
        open_time: at(open_ms),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: format!("{}", open_ms.rem_euclid(1_000_000_007))
            .parse()
            .unwrap(),
    }
}

/// A venue with bars from `listed` until now, without some of them; newest first, the bar that
/// is forming included.
struct Venue {
    interval: Interval,
    listed: i64,
    now: i64,
    absent: Vec<i64>,
    /// Whether it leaves out a bar that opens at the very end of a request.
    ends_before: bool,
}

impl Venue {
    fn answer(&self, request: PageRequest) -> Vec<Bar> {
        let step = self.interval.millis();
        let first = request.start.millis().max(self.listed);
        let end = request.end.millis() - i64::from(self.ends_before);
        let last = end.min(self.now);
        let first = first + (step - first.rem_euclid(step)) % step;
        let n_rows = (last - first).div_euclid(step) + 1;
        let mut rows: Vec<Bar> = (0..n_rows)
            .map(|n| first + n * step)
            .filter(|open| !self.absent.contains(open))
            .map(bar)
            .collect();
        rows.reverse();
        rows.truncate(usize::from(request.limit));
        rows
    }

    fn fetch(&self, mut plan: HistoryPlan) -> (super::History, usize) {
        let mut n_requests = 0;
        while let Some(request) = plan.next() {
            assert!(request.limit <= super::MAX_PAGE);
            assert_eq!(plan.next(), Some(request), "the same until it is answered");
            plan.take(&self.answer(request), at(self.now)).unwrap();
            n_requests += 1;
        }
        (plan.finish(), n_requests)
    }
}

#[test]
fn a_stretch_is_aligned_counted_and_half_open() {
    const HOUR: i64 = 3_600_000;
    for (name, since, limit, first) in [
        ("1m", 60_001, 2_500, 120_000),
        ("15m", 900_000, 1_000, 900_000),
        ("1h", 5 * HOUR - 1, 1_001, 5 * HOUR),
        ("4h", 1, 7, 4 * HOUR),
    ] {
        let step = interval(name).millis();
        let venue = Venue {
            interval: interval(name),
            listed: 0,
            now: 100_000 * step,
            absent: Vec::new(),
            ends_before: false,
        };
        let plan = HistoryPlan::since(interval(name), at(since), limit).unwrap();
        let (history, n_requests) = venue.fetch(plan);
        assert_eq!(history.bars.len(), limit as usize, "{name}");
        assert_eq!(n_requests, limit.div_ceil(1_000) as usize, "{name}");
        assert_eq!(history.gaps, [], "{name}");
        let opens: Vec<i64> = history.bars.iter().map(|b| b.open_time.millis()).collect();
        let expected: Vec<i64> = (0..i64::from(limit)).map(|n| first + n * step).collect();
        assert_eq!(opens, expected, "{name}");
        assert_eq!(history.span.to, at(first + i64::from(limit) * step));
        assert_eq!(history.span.n_bars(interval(name)), u64::from(limit));
    }
}

#[test]
fn nothing_to_ask_for_is_an_error() {
    let minute = interval("1m");
    for (from, to) in [(60_000, 60_000), (120_000, 60_000), (60_001, 119_999)] {
        assert!(matches!(
            HistoryPlan::new(minute, at(from), at(to)),
            Err(HistoryError::Empty { .. })
        ));
    }
    assert!(HistoryPlan::since(minute, at(0), 0).is_err());
    assert!(HistoryPlan::since(interval("1d"), at(i64::MAX - 5), u32::MAX).is_err());
    let error = HistoryPlan::new(minute, at(60_000), at(60_000)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no 1m bar opens from 1970-01-01T00:01:00Z to before 1970-01-01T00:01:00Z: give a later end"
    );
}

#[test]
fn what_has_not_closed_or_does_not_exist_is_a_gap_by_name() {
    let minute = interval("1m");
    let venue = Venue {
        interval: minute,
        listed: 600_000,
        now: 1_230_000,
        absent: vec![780_000, 840_000],
        ends_before: true,
    };
    let plan = HistoryPlan::new(minute, at(0), at(1_500_000)).unwrap();
    let (history, _) = venue.fetch(plan);
    let span = |from, to| Span {
        from: at(from),
        to: at(to),
    };
    assert_eq!(
        history.gaps,
        [
            span(0, 600_000),
            span(780_000, 900_000),
            span(1_200_000, 1_500_000),
        ]
    );
    assert_eq!(history.bars.len(), 8);
}

#[test]
fn years_before_the_listing_cost_two_empty_pages() {
    let minute = interval("1m");
    let venue = Venue {
        interval: minute,
        listed: 60_000 * 3_000_000,
        now: 60_000 * 3_001_500,
        absent: Vec::new(),
        ends_before: true,
    };
    let plan = HistoryPlan::new(minute, at(0), at(venue.now)).unwrap();
    let (history, n_requests) = venue.fetch(plan);
    assert_eq!(history.bars.len(), 1_500);
    assert_eq!(n_requests, 4);
}

#[test]
fn a_wrong_row_leaves_the_request_due() {
    let mut plan = HistoryPlan::since(interval("1m"), at(0), 3).unwrap();
    let request = plan.next();
    assert!(plan.take(&[bar(0), bar(60_001)], at(900_000)).is_err());
    assert_eq!(plan.next(), request);
    plan.take(
        &[bar(60_000), bar(0), bar(-60_000), bar(180_000)],
        at(900_000),
    )
    .unwrap();
    assert!(plan.is_done());
    assert_eq!(plan.finish().bars, [bar(0), bar(60_000)]);
}

proptest! {
    #[test]
    fn bars_and_gaps_make_up_the_stretch(
        from in -500_000_i64..500_000_000,
        n_bars in 1_u32..5_000,
        listed in 0_i64..300_000_000,
        now in 0_i64..800_000_000,
        absent in prop::collection::vec(0_i64..6_000, 0..20),
        ends_before in any::<bool>(),
    ) {
        let minute = interval("1m");
        let plan = HistoryPlan::since(minute, at(from), n_bars).unwrap();
        let span = plan.span();
        let absent: Vec<i64> = absent.iter().map(|n| span.from.millis() + n * 60_000).collect();
        let venue = Venue { interval: minute, listed, now, absent, ends_before };
        let (history, _) = venue.fetch(plan);
        let mut next = span.from;
        let mut bars = history.bars.iter().peekable();
        let mut gaps = history.gaps.iter().peekable();
        while next < span.to {
            if let Some(gap) = gaps.next_if(|gap| gap.from == next) {
                prop_assert!(gap.from < gap.to);
                next = gap.to;
                prop_assert!(gaps.peek().is_none_or(|later| next < later.from));
            } else {
                let found = bars.next().unwrap();
                prop_assert_eq!(found, &bar(next.millis()));
                prop_assert!(next.millis() + 60_000 <= now && listed <= next.millis());
                next = next.plus_millis(60_000);
            }
        }
        prop_assert_eq!(next, span.to);
        prop_assert!(bars.next().is_none() && gaps.next().is_none());
        let mut exist = 0_usize;
        for n in 0..i64::from(n_bars) {
            let open = span.from.millis() + n * 60_000;
            let is_there = listed <= open && open + 60_000 <= now && !venue.absent.contains(&open);
            exist += usize::from(is_there);
        }
        prop_assert_eq!(history.bars.len(), exist);
    }
}
