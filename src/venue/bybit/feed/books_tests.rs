//! The rules of a book's topic, one table row each, and books against the venue's own.

use proptest::prelude::*;

use super::books::{BookFrame, BookStep, LossReason, TopicBook};
use super::frame::{FrameKind, Levels};
use super::topics::Depth;
use crate::domain::{InstrumentId, Level, Timestamp};

type Rows<'a> = &'a [(&'a str, &'a str)];

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn levels(bids: Rows<'_>, asks: Rows<'_>) -> Levels {
    let side = |rows: Rows<'_>| {
        rows.iter()
            .map(|(price, qty)| Level {
                price: price.parse().unwrap(),
                qty: qty.parse().unwrap(),
            })
            .collect()
    };
    Levels {
        bids: side(bids),
        asks: side(asks),
    }
}

fn take(book: &mut TopicBook, ts: i64, kind: FrameKind, u: u64, levels: &Levels) -> BookStep {
    book.take(
        at(ts + 3),
        &BookFrame {
            kind,
            update_id: u,
            ts: at(ts),
            levels,
        },
    )
}

fn shown(book: &TopicBook) -> String {
    let Some(view) = book.view() else {
        return "none".to_owned();
    };
    let side = |levels: &[Level]| {
        let texts: Vec<_> = levels
            .iter()
            .map(|level| format!("{}x{}", level.price, level.qty))
            .collect();
        texts.join(" ")
    };
    format!("{} | {}", side(view.bids), side(view.asks))
}

/// A book of 99x1 98x2 | 101x1 102x2 at update 5, made at 1000 ms.
fn synced(depth: Depth) -> TopicBook {
    let mut book = TopicBook::new(InstrumentId(0), depth);
    book.on_up(at(0));
    let first = levels(&[("99", "1"), ("98", "2")], &[("101", "1"), ("102", "2")]);
    assert_eq!(
        take(&mut book, 1_000, FrameKind::Snapshot, 5, &first),
        BookStep::Replaced
    );
    book
}

#[test]
fn each_frame_is_judged_by_its_number() {
    const DELTA: FrameKind = FrameKind::Delta;
    const SNAPSHOT: FrameKind = FrameKind::Snapshot;
    const WAS: &str = "99x1 98x2 | 101x1 102x2";
    let gap = |got| BookStep::Lost(LossReason::Gap { expected: 6, got });
    for (kind, u, bids, asks, step, after) in [
        // The next one: sets, inserts, removes; an unknown one is removed without harm.
        (
            DELTA,
            6,
            &[("99", "3"), ("98.5", "7"), ("98", "0"), ("97", "0")][..],
            &[("103", "1")][..],
            BookStep::Changed,
            "99x3 98.5x7 | 101x1 102x2 103x1",
        ),
        (DELTA, 5, &[("99", "3")], &[], BookStep::Old, WAS),
        (DELTA, 4, &[("99", "3")], &[], BookStep::Old, WAS),
        (DELTA, 7, &[("99", "3")], &[], gap(7), "none"),
        (DELTA, u64::MAX, &[("99", "3")], &[], gap(u64::MAX), "none"),
        // A snapshot replaces whatever its number.
        (
            SNAPSHOT,
            2,
            &[("50", "1")],
            &[("51", "1")],
            BookStep::Replaced,
            "50x1 | 51x1",
        ),
        (
            SNAPSHOT,
            9,
            &[("50", "1")],
            &[("51", "1")],
            BookStep::Replaced,
            "50x1 | 51x1",
        ),
        (
            SNAPSHOT,
            5,
            &[("50", "1")],
            &[("51", "1")],
            BookStep::Replaced,
            "50x1 | 51x1",
        ),
        // Number 1 is a restart, whatever the frame calls itself.
        (
            DELTA,
            1,
            &[("50", "1")],
            &[("51", "1")],
            BookStep::Replaced,
            "50x1 | 51x1",
        ),
        (SNAPSHOT, 1, &[], &[], BookStep::Replaced, " | "),
        // Crossed and locked books are no books.
        (
            DELTA,
            6,
            &[("101", "1")],
            &[],
            BookStep::Lost(LossReason::Crossed {
                bid: "101".parse().unwrap(),
                ask: "101".parse().unwrap(),
            }),
            "none",
        ),
        (
            SNAPSHOT,
            7,
            &[("9", "1")],
            &[("8", "1")],
            BookStep::Lost(LossReason::Crossed {
                bid: "9".parse().unwrap(),
                ask: "8".parse().unwrap(),
            }),
            "none",
        ),
    ] {
        let mut book = synced(Depth::L50);
        let got = take(&mut book, 1_020, kind, u, &levels(bids, asks));
        assert_eq!(got, step, "{kind:?} {u}");
        assert_eq!(shown(&book), after, "{kind:?} {u}");
    }
}

#[test]
fn a_lost_book_waits_for_a_snapshot_and_asks_once() {
    let mut book = synced(Depth::L50);
    let some = levels(&[("99", "3")], &[]);
    assert!(matches!(
        take(&mut book, 1_100, FrameKind::Delta, 9, &some),
        BookStep::Lost(_)
    ));
    for u in [10, 11, 6, 9] {
        assert_eq!(
            take(&mut book, 1_200, FrameKind::Delta, u, &some),
            BookStep::Unsynced
        );
    }
    assert_eq!(book.on_tick(at(6_102), 5_000), None);
    assert_eq!(book.on_tick(at(6_103), 5_000), Some(2));
    assert_eq!(book.on_tick(at(6_104), 5_000), None);
    assert_eq!(book.on_tick(at(11_103), 5_000), Some(3));
    let fresh = levels(&[("99", "3")], &[("100", "1")]);
    assert_eq!(
        take(&mut book, 11_200, FrameKind::Snapshot, 3, &fresh),
        BookStep::Replaced
    );
    assert_eq!(book.on_tick(at(99_999), 5_000), None);
    assert_eq!(
        take(
            &mut book,
            11_220,
            FrameKind::Delta,
            4,
            &levels(&[], &[("100", "2")])
        ),
        BookStep::Changed
    );
    assert_eq!(shown(&book), "99x3 | 100x2");
}

#[test]
fn a_snapshot_that_crosses_in_itself_does_not_ask_in_a_loop() {
    let mut book = TopicBook::new(InstrumentId(0), Depth::L50);
    book.on_up(at(0));
    let crossed = levels(&[("99", "1")], &[("98", "1")]);
    for n in 0..5 {
        assert_eq!(
            take(&mut book, 10 * n, FrameKind::Snapshot, 5, &crossed),
            BookStep::Unsynced
        );
        assert_eq!(shown(&book), "none");
    }
    assert_eq!(book.on_tick(at(5_042), 5_000), None);
    assert_eq!(book.on_tick(at(5_043), 5_000), Some(1));
}

#[test]
fn the_best_prices_come_again_without_news() {
    let mut book = synced(Depth::Best);
    assert_eq!(shown(&book), "99x1 | 101x1");
    let same = levels(&[("99", "1")], &[("101", "1")]);
    for n in 1..4 {
        assert_eq!(
            take(&mut book, 1_000 + 3_000 * n, FrameKind::Snapshot, 5, &same),
            BookStep::Repeated
        );
        assert_eq!(book.view().unwrap().age_ms(at(1_003 + 3_000 * n)), 0);
    }
    assert_eq!(
        take(
            &mut book,
            12_000,
            FrameKind::Snapshot,
            8,
            &levels(&[("98", "1")], &[])
        ),
        BookStep::Replaced
    );
    assert_eq!(shown(&book), "98x1 | ");
    assert_eq!(book.view().unwrap().mid(), None);
}

#[test]
fn a_lost_connection_ends_every_book() {
    let mut book = synced(Depth::L50);
    assert!(book.on_down());
    assert!(!book.on_down());
    assert_eq!(shown(&book), "none");
    let next = levels(&[("99", "3")], &[]);
    assert_eq!(
        take(&mut book, 1_020, FrameKind::Delta, 6, &next),
        BookStep::Unsynced
    );
    assert_eq!(book.on_tick(at(99_999), 5_000), None);
    book.on_up(at(100_000));
    assert_eq!(book.on_tick(at(105_000), 5_000), Some(1));
}

#[test]
fn a_snapshot_of_the_past_is_a_replay() {
    let mut book = synced(Depth::L50);
    let old = levels(&[("50", "1")], &[("51", "1")]);
    assert_eq!(
        take(&mut book, -5_000, FrameKind::Snapshot, 5, &old),
        BookStep::Old
    );
    assert_eq!(shown(&book), "99x1 98x2 | 101x1 102x2");
    assert_eq!(
        take(&mut book, 900, FrameKind::Snapshot, 5, &old),
        BookStep::Replaced
    );
}

/// What happens to one frame on its way.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    ArrivesTwice,
    ComesLate,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Arrives),
        1 => Just(Fate::IsLost),
        1 => Just(Fate::ArrivesTwice),
        1 => Just(Fate::ComesLate),
    ]
}

proptest! {
    /// Whatever is lost, doubled or late: a book that is shown is the venue's book of that
    /// number, never crossed, and a lost one comes back with the next snapshot.
    #[test]
    fn a_book_is_the_venues_book_or_none(
        steps in prop::collection::vec((fate(), 0_u8..2, 1_i128..20, 0_i128..3), 1..120),
    ) {
        use std::collections::BTreeMap;
        let level = |price: i128, qty: i128| Level {
            price: crate::domain::Price::from_raw(price).unwrap(),
            qty: crate::domain::Qty::from_raw(qty).unwrap(),
        };
        let mut book = TopicBook::new(InstrumentId(0), Depth::L50);
        let mut truth = BTreeMap::from([(10, 1), (30, 1)]);
        let mut states = BTreeMap::new();
        let mut u = 100;
        let mut late: Option<(u64, Levels)> = None;
        let mut wants_snapshot = true;
        for (n, (fate, side, offset, qty)) in (0_i64..).zip(steps) {
            let price = if side == 0 { offset } else { 20 + offset };
            truth.insert(price, qty);
            truth.retain(|_, qty| *qty != 0);
            u += 1;
            states.insert(u, truth.clone());
            let mut change = Levels::default();
            if side == 0 { &mut change.bids } else { &mut change.asks }.push(level(price, qty));
            let mut arrivals = Vec::new();
            if wants_snapshot {
                let mut all = Levels::default();
                for (price, qty) in &truth {
                    if *price < 20 { &mut all.bids } else { &mut all.asks }.push(level(*price, *qty));
                }
                arrivals.push((FrameKind::Snapshot, u, all));
            } else {
                match fate {
                    Fate::Arrives => arrivals.push((FrameKind::Delta, u, change)),
                    Fate::IsLost => {}
                    Fate::ArrivesTwice => {
                        arrivals.push((FrameKind::Delta, u, change.clone()));
                        arrivals.push((FrameKind::Delta, u, change));
                    }
                    Fate::ComesLate => late = Some((u, change)),
                }
            }
            if let Some((u, change)) = late.take_if(|(late_u, _)| *late_u != u) {
                arrivals.push((FrameKind::Delta, u, change));
            }
            for (kind, u, levels) in arrivals {
                let step = take(&mut book, n * 20, kind, u, &levels);
                match step {
                    BookStep::Lost(_) => {
                        prop_assert!(!wants_snapshot);
                        wants_snapshot = true;
                    }
                    BookStep::Replaced => wants_snapshot = false,
                    _ => {}
                }
                if let Some(view) = book.view() {
                    let shown: BTreeMap<i128, i128> = view
                        .bids
                        .iter()
                        .chain(view.asks)
                        .map(|level| (level.price.raw(), level.qty.raw()))
                        .collect();
                    prop_assert_eq!(&shown, &states[&view.update_id]);
                    if let (Some(bid), Some(ask)) = (view.bids.first(), view.asks.first()) {
                        prop_assert!(bid.price < ask.price);
                    }
                } else {
                    prop_assert!(wants_snapshot);
                }
            }
        }
    }
}
