//! Two sorted sides of price levels, changed in place.
//!
//! Knows nothing of update numbers and does not judge whether the sides cross.

use crate::domain::{Level, Price};

/// Both sides of a book, best level first, without levels of zero and without a price twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ladder {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Ladder {
    /// Bids, best first.
    pub(super) fn bids(&self) -> &[Level] {
        &self.bids
    }

    /// Asks, best first.
    pub(super) fn asks(&self) -> &[Level] {
        &self.asks
    }

    /// Forgets all levels.
    pub(super) fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Sets, inserts and removes (size zero) levels, then keeps the best `depth` of each side.
    pub(super) fn change(&mut self, bids: &[Level], asks: &[Level], depth: usize) {
        merge(&mut self.bids, bids, |a, b| b < a);
        merge(&mut self.asks, asks, |a, b| a < b);
        self.bids.truncate(depth);
        self.asks.truncate(depth);
    }

    /// Best bid and best ask when the one is not below the other.
    #[inline]
    pub(super) fn crossing(&self) -> Option<(Price, Price)> {
        let (bid, ask) = (self.bids.first()?.price, self.asks.first()?.price);
        (ask <= bid).then_some((bid, ask))
    }
}

/// Applies changes to one side.
///
/// The venue sends the changes of a side in the order of the side, so that one walk along it
/// meets them all; a change that is out of order is looked for from the start.
#[inline]
fn merge(side: &mut Vec<Level>, changes: &[Level], is_better: impl Fn(Price, Price) -> bool) {
    let mut at = 0_usize;
    for change in changes {
        let is_in_order = at
            .checked_sub(1)
            .and_then(|before| side.get(before))
            .is_none_or(|before| is_better(before.price, change.price));
        if is_in_order {
            let ahead = side.get(at..).unwrap_or_default();
            at += ahead
                .iter()
                .take_while(|level| is_better(level.price, change.price))
                .count();
        } else {
            at = side.partition_point(|level| is_better(level.price, change.price));
        }
        match side.get_mut(at) {
            Some(level) if level.price == change.price => {
                if change.qty.is_zero() {
                    side.remove(at);
                } else {
                    level.qty = change.qty;
                    at += 1;
                }
            }
            _ if change.qty.is_zero() => {}
            _ => {
                side.insert(at, *change);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::Qty;

    fn level((price, qty): (i128, i128)) -> Level {
        Level {
            price: Price::from_raw(price).unwrap(),
            qty: Qty::from_raw(qty).unwrap(),
        }
    }

    fn changes() -> impl Strategy<Value = Vec<(i128, i128)>> {
        (prop::collection::vec((1_i128..60, 0_i128..4), 0..25), 0..3).prop_map(
            |(mut list, order)| {
                match order {
                    0 => list.sort_unstable(),
                    1 => list.sort_unstable_by(|a, b| b.cmp(a)),
                    _ => {}
                }
                list
            },
        )
    }

    proptest! {
        #[test]
        fn a_ladder_is_two_sorted_maps(frames in prop::collection::vec((changes(), changes()), 1..30)) {
            let mut ladder = Ladder::default();
            let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
            for (new_bids, new_asks) in frames {
                for (map, list) in [(&mut bids, &new_bids), (&mut asks, &new_asks)] {
                    for (price, qty) in list {
                        map.insert(*price, *qty);
                    }
                    map.retain(|_, qty| *qty != 0);
                }
                while 40 < bids.len() {
                    bids.pop_first();
                }
                while 40 < asks.len() {
                    asks.pop_last();
                }
                let levels = |list: Vec<(i128, i128)>| list.into_iter().map(level).collect::<Vec<_>>();
                ladder.change(&levels(new_bids), &levels(new_asks), 40);
                prop_assert_eq!(ladder.bids(), levels(bids.iter().rev().map(|(p, q)| (*p, *q)).collect()));
                prop_assert_eq!(ladder.asks(), levels(asks.iter().map(|(p, q)| (*p, *q)).collect()));
                let crossed = match (bids.last_key_value(), asks.first_key_value()) {
                    (Some((bid, _)), Some((ask, _))) => ask <= bid,
                    _ => false,
                };
                prop_assert_eq!(ladder.crossing().is_some(), crossed);
            }
        }
    }
}
