//! The little of a level-2 book that matching needs: two sorted sides, valid or not.
//!
//! It repairs nothing. After a hole in the update numbers it is invalid until the next snapshot,
//! and a crossed or empty book is not usable.

use crate::domain::{BookUpdate, Level, Price, Qty, Side};

/// Both sides of a book, best level last, without levels of zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Depth {
    bids: Vec<Level>,
    asks: Vec<Level>,
    last_id: u64,
    valid: bool,
}

impl Depth {
    /// Takes a snapshot or the next change.
    pub(super) fn apply(&mut self, update: &BookUpdate) {
        if update.snapshot {
            self.bids.clear();
            self.asks.clear();
            self.valid = true;
        } else if self.last_id.checked_add(1) != Some(update.update_id) {
            self.valid = false;
        }
        if !self.valid {
            return;
        }
        self.last_id = update.update_id;
        for level in &update.bids {
            set(&mut self.bids, level, |at| at < level.price);
        }
        for level in &update.asks {
            set(&mut self.asks, level, |at| level.price < at);
        }
    }

    /// Whether orders can be matched against it: no hole, not empty, not crossed.
    pub(super) fn is_usable(&self) -> bool {
        self.valid
            && match (self.bids.last(), self.asks.last()) {
                (Some(bid), Some(ask)) => bid.price < ask.price,
                (None, None) => false,
                _ => true,
            }
    }

    /// Best level of a side; buyers are on [`Side::Buy`].
    pub(super) fn best(&self, side: Side) -> Option<Level> {
        self.side(side).last().copied()
    }

    /// Levels of a side, best first.
    pub(super) fn levels(&self, side: Side) -> impl Iterator<Item = Level> {
        self.side(side).iter().rev().copied()
    }

    /// Takes `qty` from the best level, until the feed states that level again.
    pub(super) fn consume(&mut self, side: Side, qty: Qty) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        if let Some(best) = levels.last_mut() {
            best.qty = best.qty.saturating_sub(qty);
            if best.qty.is_zero() {
                levels.pop();
            }
        }
    }

    /// Amount shown at `price`; `None` when that is further out than the book reaches.
    pub(super) fn shown_at(&self, side: Side, price: Price) -> Option<Qty> {
        let levels = self.side(side);
        let worst = levels.first()?.price;
        let beyond = match side {
            Side::Buy => price < worst,
            Side::Sell => worst < price,
        };
        if beyond {
            return None;
        }
        Some(
            levels
                .iter()
                .find(|l| l.price == price)
                .map_or(Qty::ZERO, |l| l.qty),
        )
    }

    fn side(&self, side: Side) -> &[Level] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}

/// Writes one level into a side; `is_worse` says which prices belong before it.
fn set(levels: &mut Vec<Level>, level: &Level, is_worse: impl Fn(Price) -> bool) {
    let at = levels.partition_point(|l| is_worse(l.price));
    let there = levels.get(at).is_some_and(|l| l.price == level.price);
    match (there, level.qty.is_zero()) {
        (true, true) => {
            levels.remove(at);
        }
        (true, false) => levels[at].qty = level.qty,
        (false, true) => {}
        (false, false) => levels.insert(at, *level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::InstrumentId;

    fn level((price, qty): &(&str, &str)) -> Level {
        Level {
            price: price.parse().unwrap(),
            qty: qty.parse().unwrap(),
        }
    }

    fn update(id: u64, snapshot: bool, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> BookUpdate {
        BookUpdate {
            instrument: InstrumentId(0),
            snapshot,
            update_id: id,
            bids: bids.iter().map(level).collect(),
            asks: asks.iter().map(level).collect(),
        }
    }

    #[test]
    fn deltas_replace_add_and_remove_levels() {
        let mut depth = Depth::default();
        depth.apply(&update(
            7,
            true,
            &[("99", "1"), ("98", "2")],
            &[("102", "2"), ("101", "1")],
        ));
        depth.apply(&update(
            8,
            false,
            &[("99", "0"), ("98.5", "3")],
            &[("101", "4")],
        ));
        let bids: Vec<_> = depth.levels(Side::Buy).collect();
        let asks: Vec<_> = depth.levels(Side::Sell).collect();
        assert_eq!(bids, [level(&("98.5", "3")), level(&("98", "2"))]);
        assert_eq!(asks, [level(&("101", "4")), level(&("102", "2"))]);
        assert!(depth.is_usable());
    }

    #[test]
    fn a_hole_makes_it_unusable_until_a_snapshot() {
        let mut depth = Depth::default();
        depth.apply(&update(1, true, &[("99", "1")], &[("101", "1")]));
        depth.apply(&update(3, false, &[("98", "1")], &[]));
        assert!(!depth.is_usable());
        depth.apply(&update(4, false, &[("98", "1")], &[]));
        assert!(!depth.is_usable());
        depth.apply(&update(1, true, &[("99", "1")], &[("101", "1")]));
        assert!(depth.is_usable());
    }

    #[test]
    fn a_crossed_or_empty_book_is_not_usable() {
        let mut depth = Depth::default();
        assert!(!depth.is_usable());
        depth.apply(&update(1, true, &[("101", "1")], &[("101", "1")]));
        assert!(!depth.is_usable());
        depth.apply(&update(2, true, &[], &[]));
        assert!(!depth.is_usable());
    }

    #[test]
    fn what_is_taken_stays_taken_until_restated() {
        let mut depth = Depth::default();
        depth.apply(&update(
            1,
            true,
            &[("99", "1")],
            &[("101", "2"), ("102", "1")],
        ));
        depth.consume(Side::Sell, "2".parse().unwrap());
        assert_eq!(depth.best(Side::Sell), Some(level(&("102", "1"))));
        depth.apply(&update(2, false, &[], &[("101", "5")]));
        assert_eq!(depth.best(Side::Sell), Some(level(&("101", "5"))));
    }

    #[test]
    fn the_queue_beyond_the_book_is_unknown() {
        let mut depth = Depth::default();
        depth.apply(&update(
            1,
            true,
            &[("99", "1"), ("97", "2")],
            &[("101", "2")],
        ));
        let at = |price: &str| depth.shown_at(Side::Buy, price.parse().unwrap());
        assert_eq!(at("97"), Some("2".parse().unwrap()));
        assert_eq!(at("98"), Some(Qty::ZERO));
        assert_eq!(at("96"), None);
    }
}
