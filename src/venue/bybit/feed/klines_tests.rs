//! Bars of a topic: each rule, and any mixture of losses, repeats and answers.

use proptest::prelude::*;

use super::history::Span;
use super::klines::{Backfill, KlineOut, KlineTrack};
use super::rows::KlineRow;
use crate::domain::{Bar, Interval, Timestamp};

const MINUTE: i64 = 60_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn minute() -> Interval {
    Interval::from_millis(MINUTE).unwrap()
}

/// The n-th bar when it has closed: its prices tell it from all others.
fn bar(n: i64) -> Bar {
    let price = |more: i64| format!("{}", 1_000 + n * 10 + more).parse().unwrap();
    Bar {
        open_time: at(n * MINUTE),
        open: price(1),
        high: price(5),
        low: price(0),
        close: price(3),
        volume: "7".parse().unwrap(),
    }
}

/// The n-th bar while it is forming.
fn forming(n: i64) -> KlineRow {
    let mut bar = bar(n);
    bar.close = bar.open;
    bar.high = bar.open;
    KlineRow {
        bar,
        confirmed: false,
    }
}

fn closed(n: i64) -> KlineRow {
    KlineRow {
        bar: bar(n),
        confirmed: true,
    }
}

fn span(from: i64, to: i64) -> Span {
    Span {
        from: at(from * MINUTE),
        to: at(to * MINUTE),
    }
}

/// What came out, short: `o5` opened, `5` closed, `need 5..7`, `revised 5`, `absent 5..7`.
fn words(outs: &[KlineOut]) -> String {
    let n = |at: Timestamp| at.millis() / MINUTE;
    let words: Vec<String> = outs
        .iter()
        .map(|out| match out {
            KlineOut::Opened { at, .. } => format!("o{}", n(*at)),
            KlineOut::Closed(bar) => format!("{}", n(bar.open_time)),
            KlineOut::Revised { now, .. } => format!("revised {}", n(now.open_time)),
            KlineOut::NeedBackfill(span) => format!("need {}..{}", n(span.from), n(span.to)),
            KlineOut::Absent(span) => format!("absent {}..{}", n(span.from), n(span.to)),
        })
        .collect();
    words.join(", ")
}

enum Step<'a> {
    /// A frame at that second.
    Frame(i64, &'a [KlineRow]),
    /// Nothing but time.
    Tick(i64),
    /// An answer at that second with these closed bars.
    Rows(i64, Span, &'a [i64]),
}

fn check(mut track: KlineTrack, steps: &[(Step<'_>, &str)]) {
    for (n, (step, expected)) in steps.iter().enumerate() {
        let mut outs = Vec::new();
        match step {
            Step::Frame(second, rows) => track.on_frame(at(second * 1_000), rows, &mut outs),
            Step::Tick(second) => track.on_tick(at(second * 1_000), &mut outs),
            Step::Rows(second, span, rows) => {
                let now = at(second * 1_000);
                let rows: Vec<Bar> = rows.iter().rev().map(|n| bar(*n)).collect();
                let answer = Backfill {
                    span: *span,
                    rows: &rows,
                    now,
                };
                track.on_backfill(now, &answer, &mut outs);
            }
        }
        assert_eq!(words(&outs), *expected, "step {n}");
    }
}

#[test]
fn only_a_confirmed_bar_closes_and_only_once() {
    use Step::{Frame, Tick};
    check(
        KlineTrack::new(minute()),
        &[
            (Frame(310, &[forming(5)]), "o5"),
            (Frame(320, &[forming(5)]), ""),
            (Frame(359, &[forming(5)]), ""),
            (Frame(360, &[closed(5)]), "5"),
            (Frame(360, &[closed(5)]), ""),
            (Frame(361, &[forming(6)]), "o6"),
            (Frame(362, &[forming(5)]), ""),
            (Tick(400), ""),
            (Frame(420, &[forming(7), closed(6)]), "6, o7"),
            (Frame(480, &[closed(7)]), "7"),
        ],
    );
}

#[test]
fn a_warm_track_begins_where_the_past_ends() {
    use Step::{Frame, Rows, Tick};
    let warm = || KlineTrack::starting_at(minute(), at(4 * MINUTE + 1));
    assert_eq!(warm().next_open(), Some(at(5 * MINUTE)));
    check(
        warm(),
        &[
            (Frame(359, &[closed(4)]), ""),
            (Frame(360, &[closed(5)]), "5"),
        ],
    );
    // It came too late: what lies between is asked for before anything is told.
    check(
        warm(),
        &[
            (Frame(481, &[closed(7)]), "need 5..7"),
            (Rows(482, span(5, 7), &[5, 6, 7, 8]), "5, 6, 7"),
            (Tick(500), ""),
        ],
    );
}

#[test]
fn a_lost_confirmation_is_asked_for() {
    use Step::{Frame, Rows, Tick};
    check(
        KlineTrack::new(minute()),
        &[
            (Frame(310, &[forming(5)]), "o5"),
            // Bar 6 forms although nobody has confirmed bar 5: it gets a second.
            (Frame(360, &[forming(6)]), ""),
            (Tick(360), ""),
            (Tick(361), "need 5..6"),
            (Tick(362), ""),
            // No answer: asked again after a while.
            (Tick(365), ""),
            (Tick(366), "need 5..6"),
            (Tick(370), ""),
            (Tick(376), "need 5..6"),
            (Rows(377, span(5, 6), &[5, 6]), "5, o6"),
            (Frame(420, &[closed(6)]), "6"),
        ],
    );
    // The confirmation was only overtaken.
    check(
        KlineTrack::new(minute()),
        &[
            (Frame(310, &[forming(5)]), "o5"),
            (Frame(360, &[forming(6)]), ""),
            (Frame(360, &[closed(5)]), "5, o6"),
            (Tick(400), ""),
        ],
    );
}

#[test]
fn bars_behind_a_hole_wait_for_it() {
    use Step::{Frame, Rows};
    check(
        KlineTrack::new(minute()),
        &[
            (Frame(360, &[closed(5)]), "5"),
            (Frame(540, &[closed(8)]), "need 6..8"),
            (Frame(541, &[forming(9)]), ""),
            (Frame(600, &[closed(9)]), "need 6..9"),
            // An answer that fills only a part.
            (Rows(601, span(6, 9), &[7]), ""),
            (Rows(602, span(6, 9), &[6, 7, 9, 10]), "6, 7, 8, 9"),
        ],
    );
}

#[test]
fn without_a_stream_every_bar_is_asked_for_when_it_is_due() {
    use Step::{Frame, Rows, Tick};
    check(
        KlineTrack::new(minute()),
        &[
            (Frame(360, &[closed(5)]), "5"),
            (Tick(422), ""),
            (Tick(423), "need 6..7"),
            (Rows(424, span(6, 7), &[6, 7]), "6"),
            (Tick(482), ""),
            (Tick(483), "need 7..8"),
            // The venue's own clock says that bar 7 has not ended.
            (Rows(479, span(7, 8), &[6, 7]), ""),
            (Tick(484), "need 7..8"),
            (Rows(485, span(7, 8), &[7]), "7"),
            // And the stream is back.
            (Frame(500, &[closed(6)]), ""),
            (Frame(500, &[closed(7), forming(8)]), "o8"),
            (Frame(540, &[closed(8)]), "8"),
        ],
    );
}

#[test]
fn a_revised_bar_is_told_but_not_reported_again() {
    let mut track = KlineTrack::new(minute());
    let mut outs = Vec::new();
    track.on_frame(at(360_000), &[closed(5)], &mut outs);
    let mut other = closed(5);
    other.bar.close = other.bar.high;
    outs.clear();
    for _ in 0..2 {
        track.on_frame(at(361_000), &[other], &mut outs);
    }
    let revised = KlineOut::Revised {
        was: bar(5),
        now: other.bar,
    };
    assert_eq!(outs, [revised]);
    assert_eq!(track.next_open(), Some(at(6 * MINUTE)));
}

#[test]
fn bars_that_the_venue_does_not_have_are_given_up_by_name() {
    use Step::{Frame, Rows, Tick};
    check(
        KlineTrack::new(minute()),
        &[
            (Frame(360, &[closed(5)]), "5"),
            (Frame(480, &[closed(7)]), "need 6..7"),
            (Rows(481, span(6, 7), &[7]), ""),
            (Rows(482, span(6, 7), &[7]), ""),
            (Tick(483), "need 6..8"),
            (Rows(484, span(6, 8), &[7]), "absent 6..7, 7"),
            (Frame(540, &[closed(8)]), "8"),
        ],
    );
}

#[test]
fn nothing_grows_without_bound_behind_a_hole() {
    let mut track = KlineTrack::new(minute());
    let mut outs = Vec::new();
    track.on_frame(at(6 * MINUTE), &[closed(5)], &mut outs);
    for n in 7..4_000 {
        track.on_frame(at((n + 1) * MINUTE), &[closed(n)], &mut outs);
    }
    let rows: Vec<Bar> = (6..3_900).map(bar).collect();
    let answer = Backfill {
        span: span(6, 3_999),
        rows: &rows,
        now: at(4_000 * MINUTE),
    };
    outs.clear();
    track.on_backfill(at(4_000 * MINUTE), &answer, &mut outs);
    track.on_tick(at(4_002 * MINUTE), &mut outs);
    let n_closed = outs
        .iter()
        .filter(|out| matches!(out, KlineOut::Closed(_)))
        .count();
    assert_eq!(n_closed, 3_894);
    assert_eq!(words(&outs[3_894..]), "need 3900..4001");
}

/// One thing that happens around the n-th bar.
#[derive(Debug, Clone)]
enum Happening {
    /// A frame of the forming bar and perhaps of the one before, as the stream sends it.
    Forming,
    /// The newest closed bar is confirmed, so many times.
    Confirm(u8),
    /// Bars of the past come again.
    Replay(i64),
    /// Nothing for so many seconds.
    Time(i64),
    /// The oldest question is answered.
    Answer,
    /// The oldest question is lost.
    NoAnswer,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => Just(Happening::Forming),
        4 => (1_u8..3).prop_map(Happening::Confirm),
        1 => (1_i64..6).prop_map(Happening::Replay),
        4 => (1_i64..70).prop_map(Happening::Time),
        3 => Just(Happening::Answer),
        1 => Just(Happening::NoAnswer),
    ]
}

/// A venue, a track, and the questions on their way.
struct World {
    second: i64,
    track: KlineTrack,
    questions: Vec<Span>,
    closed: Vec<Bar>,
    opened: Vec<i64>,
}

impl World {
    fn newest_closed(&self) -> i64 {
        self.second / 60 - 1
    }

    fn frame(&mut self, rows: &[KlineRow]) {
        let mut outs = Vec::new();
        self.track
            .on_frame(at(self.second * 1_000), rows, &mut outs);
        self.note(outs);
    }

    fn time(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.second += 1;
            let mut outs = Vec::new();
            self.track.on_tick(at(self.second * 1_000), &mut outs);
            self.note(outs);
        }
    }

    /// The venue answers as it does: newest first, the forming bar on top.
    fn answer(&mut self) {
        if self.questions.is_empty() {
            return;
        }
        let span = self.questions.remove(0);
        let now = at(self.second * 1_000 + 500);
        let newest = self.newest_closed();
        let first = span.from.millis() / MINUTE;
        let mut rows: Vec<Bar> = (first..=newest).map(bar).collect();
        rows.push(forming(newest + 1).bar);
        rows.reverse();
        let answer = Backfill {
            span,
            rows: &rows,
            now,
        };
        let mut outs = Vec::new();
        self.track.on_backfill(now, &answer, &mut outs);
        self.note(outs);
    }

    fn note(&mut self, outs: Vec<KlineOut>) {
        for out in outs {
            match out {
                KlineOut::Closed(bar) => self.closed.push(bar),
                KlineOut::Opened { at, .. } => {
                    let n = at.millis() / MINUTE;
                    // Its turn: every bar before it has been reported.
                    assert_eq!(self.track.next_open(), Some(at));
                    self.opened.push(n);
                }
                KlineOut::NeedBackfill(span) => self.questions.push(span),
                KlineOut::Revised { .. } | KlineOut::Absent(_) => {
                    panic!("nothing was revised or absent: {out:?}")
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bar_is_missing_or_doubled(
        start in 600_i64..700,
        happenings in prop::collection::vec(happening(), 1..80),
        warm in any::<bool>(),
    ) {
        let first = start / 60;
        let track = if warm {
            KlineTrack::starting_at(minute(), at(first * MINUTE))
        } else {
            KlineTrack::new(minute())
        };
        let mut world = World {
            second: start,
            track,
            questions: Vec::new(),
            closed: Vec::new(),
            opened: Vec::new(),
        };
        world.frame(&[forming(first)]);
        for happening in happenings {
            let newest = world.newest_closed();
            match happening {
                Happening::Forming => world.frame(&[forming(newest + 1)]),
                Happening::Confirm(times) => {
                    for _ in 0..times {
                        world.frame(&[closed(newest)]);
                    }
                }
                Happening::Replay(back) => {
                    world.frame(&[closed(newest - back), forming(newest - back + 1)]);
                }
                Happening::Time(seconds) => world.time(seconds),
                Happening::Answer => world.answer(),
                Happening::NoAnswer => {
                    if !world.questions.is_empty() {
                        world.questions.remove(0);
                    }
                }
            }
            let expected: Vec<Bar> = (first..).take(world.closed.len()).map(bar).collect();
            prop_assert_eq!(&world.closed, &expected);
        }
        // The venue answers again: everything that has closed comes out.
        world.questions.clear();
        for _ in 0..200 {
            world.time(1);
            while !world.questions.is_empty() {
                world.answer();
            }
        }
        let expected: Vec<Bar> = (first..).take(world.closed.len()).map(bar).collect();
        prop_assert_eq!(&world.closed, &expected);
        let newest = world.closed.last().map_or(0, |bar| bar.open_time.millis() / MINUTE);
        prop_assert!((world.second - 5) / 60 - 1 <= newest, "{newest} at {}", world.second);
        prop_assert!(world.opened.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
