//! Books against a model of two ordered maps, and every rule about update numbers.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Book, BookState, BookVerdict};
use crate::domain::{BookUpdate, InstrumentId, Level, Price, Qty, Side};

const ID: InstrumentId = InstrumentId(0);

fn level(price: &str, qty: &str) -> Level {
    Level {
        price: price.parse().unwrap(),
        qty: qty.parse().unwrap(),
    }
}

fn update(snapshot: bool, id: u64, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> BookUpdate {
    let levels = |side: &[(&str, &str)]| side.iter().map(|(p, q)| level(p, q)).collect();
    BookUpdate {
        instrument: ID,
        snapshot,
        update_id: id,
        bids: levels(bids),
        asks: levels(asks),
    }
}

fn book() -> Book {
    let mut book = Book::new(ID);
    let first = update(
        true,
        5,
        &[("99", "1"), ("100", "2"), ("98", "0")],
        &[("102", "3"), ("101", "1")],
    );
    assert_eq!(book.apply(&first), BookVerdict::Snapshot);
    book
}

fn ladder(book: &Book) -> String {
    let side = |levels: &[Level]| {
        let texts: Vec<_> = levels
            .iter()
            .map(|l| format!("{}x{}", l.price, l.qty))
            .collect();
        texts.join(" ")
    };
    format!("{} | {}", side(book.bids()), side(book.asks()))
}

#[test]
fn a_snapshot_is_sorted_and_drops_empty_levels() {
    assert_eq!(ladder(&book()), "100x2 99x1 | 101x1 102x3");
    assert_eq!(book().best_bid(), Some(level("100", "2")));
    assert_eq!(book().best_ask(), Some(level("101", "1")));
}

#[test]
fn changes_set_insert_and_remove() {
    let mut book = book();
    let change = update(
        false,
        6,
        &[("100", "0"), ("99.5", "4"), ("99", "7"), ("90", "0")],
        &[("101.5", "2")],
    );
    assert_eq!(book.apply(&change), BookVerdict::Delta);
    assert_eq!(ladder(&book), "99.5x4 99x7 | 101x1 101.5x2 102x3");
    assert_eq!(book.update_id(), 6);
}

#[test]
fn a_missing_number_empties_the_book_until_a_snapshot() {
    for (got, expected) in [(7, 6), (5, 6), (4, 6)] {
        let mut book = book();
        let verdict = book.apply(&update(false, got, &[("99", "9")], &[]));
        assert_eq!(verdict, BookVerdict::Gap { expected, got });
        assert_eq!(book.state(), BookState::Invalid);
        assert_eq!(book.best_bid(), None);
        assert_eq!(book.walk(Side::Buy, "1".parse().unwrap()), None);
        let next = book.apply(&update(false, got + 1, &[("99", "9")], &[]));
        assert_eq!(next, BookVerdict::NoSnapshot);
        let fresh = book.apply(&update(true, 40, &[("9", "9")], &[("10", "1")]));
        assert_eq!(fresh, BookVerdict::Snapshot);
        assert_eq!(ladder(&book), "9x9 | 10x1");
        let follows = book.apply(&update(false, 41, &[], &[("10", "0")]));
        assert_eq!(follows, BookVerdict::Delta);
    }
}

#[test]
fn number_one_restarts_the_book() {
    let mut book = book();
    let restart = update(false, 1, &[("50", "1")], &[("51", "1")]);
    assert_eq!(book.apply(&restart), BookVerdict::Snapshot);
    assert_eq!(ladder(&book), "50x1 | 51x1");
    let follows = update(false, 2, &[], &[("51", "4")]);
    assert_eq!(book.apply(&follows), BookVerdict::Delta);
}

#[test]
fn number_one_after_number_zero_is_an_ordinary_change() {
    let mut book = Book::new(ID);
    book.apply(&update(true, 0, &[("50", "1")], &[("51", "1")]));
    let change = update(false, 1, &[("49", "1")], &[]);
    assert_eq!(book.apply(&change), BookVerdict::Delta);
    assert_eq!(ladder(&book), "50x1 49x1 | 51x1");
}

#[test]
fn a_crossed_book_is_no_book() {
    for bid in ["101", "105"] {
        let mut book = book();
        let verdict = book.apply(&update(false, 6, &[(bid, "1")], &[]));
        let (bid, ask) = (bid.parse().unwrap(), "101".parse().unwrap());
        assert_eq!(verdict, BookVerdict::Crossed { bid, ask });
        assert_eq!(book.state(), BookState::Invalid);
        assert!(book.bids().is_empty() && book.asks().is_empty());
    }
}

#[test]
fn updates_without_a_book_or_for_another_are_ignored() {
    let mut empty = Book::new(ID);
    let change = update(false, 9, &[("1", "1")], &[]);
    assert_eq!(empty.apply(&change), BookVerdict::NoSnapshot);
    assert_eq!(empty.state(), BookState::Waiting);
    let mut foreign = update(true, 9, &[("1", "1")], &[]);
    foreign.instrument = InstrumentId(1);
    let mut book = book();
    assert_eq!(book.apply(&foreign), BookVerdict::Foreign);
    assert_eq!(ladder(&book), "100x2 99x1 | 101x1 102x3");
}

#[test]
fn walking_takes_the_best_levels_first() {
    let book = book();
    let check = |side, qty: &str, expected: Option<(&str, &str, &str)>| {
        let walk = book.walk(side, qty.parse().unwrap());
        let texts = walk.map(|w| {
            (
                w.average.to_string(),
                w.filled.to_string(),
                w.worst.to_string(),
            )
        });
        let expected = expected.map(|(a, f, w)| (a.to_owned(), f.to_owned(), w.to_owned()));
        assert_eq!(texts, expected, "{side} {qty}");
    };
    check(Side::Buy, "0.5", Some(("101", "0.5", "101")));
    check(Side::Buy, "2", Some(("101.5", "2", "102")));
    check(Side::Buy, "9", Some(("101.75", "4", "102")));
    check(Side::Sell, "2.5", Some(("99.8", "2.5", "99")));
    check(Side::Sell, "0", None);
}

#[test]
fn imbalance_counts_the_asked_levels() {
    assert_eq!(book().imbalance(1), Some(1.0 / 3.0));
    assert_eq!(book().imbalance(9), Some(-1.0 / 7.0));
    assert_eq!(book().imbalance(0), None);
    assert_eq!(Book::new(ID).imbalance(5), None);
}

#[test]
fn the_ladder_is_as_deep_as_the_deeper_side() {
    let mut book = book();
    book.apply(&update(false, 6, &[("99", "0")], &[]));
    let rows: Vec<_> = book.depth().collect();
    assert_eq!(
        rows,
        [
            (Some(level("100", "2")), Some(level("101", "1"))),
            (None, Some(level("102", "3")))
        ]
    );
}

/// Bids in 1..=50, asks in 51..=100: never crossed, often hitting the same level.
fn changes() -> impl Strategy<Value = Vec<(bool, i128, i128)>> {
    prop::collection::vec((any::<bool>(), 1..=50_i128, 0..4_i128), 0..12)
}

type Model = (BTreeMap<Price, Qty>, BTreeMap<Price, Qty>);

fn apply_to_model(model: &mut Model, update: &BookUpdate) {
    for (side, levels) in [(&mut model.0, &update.bids), (&mut model.1, &update.asks)] {
        for level in levels {
            if level.qty.is_zero() {
                side.remove(&level.price);
            } else {
                side.insert(level.price, level.qty);
            }
        }
    }
}

proptest! {
    #[test]
    fn books_equal_ordered_maps(steps in prop::collection::vec(changes(), 1..30)) {
        let mut book = Book::new(ID);
        let mut model = Model::default();
        for (n, step) in steps.iter().enumerate() {
            let of = |wanted: bool| -> Vec<Level> {
                step.iter()
                    .filter(|(is_bid, _, _)| *is_bid == wanted)
                    .map(|(is_bid, price, qty)| Level {
                        price: Price::from_raw(if *is_bid { *price } else { *price + 50 }).unwrap(),
                        qty: Qty::from_raw(*qty).unwrap(),
                    })
                    .collect()
            };
            let update = BookUpdate {
                instrument: ID,
                snapshot: n == 0,
                update_id: 10 + n as u64,
                bids: of(true),
                asks: of(false),
            };
            book.apply(&update);
            apply_to_model(&mut model, &update);
            let flat = |levels: &[Level]| -> Vec<_> { levels.iter().map(|l| (l.price, l.qty)).collect() };
            prop_assert_eq!(flat(book.bids()), model.0.iter().rev().map(|(p, q)| (*p, *q)).collect::<Vec<_>>());
            prop_assert_eq!(flat(book.asks()), model.1.iter().map(|(p, q)| (*p, *q)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_walk_never_gives_more_than_asked_or_held(qty in 0..200_i128) {
        let book = book();
        let qty = Qty::from_raw(qty * 5_000_000).unwrap();
        for side in [Side::Buy, Side::Sell] {
            let levels = if side == Side::Buy { book.asks() } else { book.bids() };
            let held: Qty = levels.iter().map(|l| l.qty).sum();
            let walk = book.walk(side, qty);
            prop_assert_eq!(walk.map_or(Qty::ZERO, |w| w.filled), qty.min(held));
            if let Some(walk) = walk {
                let best = levels[0].price;
                prop_assert!(walk.average >= best.min(walk.worst) && walk.average <= best.max(walk.worst));
            }
        }
    }
}
