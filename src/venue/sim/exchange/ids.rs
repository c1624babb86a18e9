//! Names that the venue gives: the same calls give the same names.
//!
//! Linear ids look like UUIDs, spot ids like 19-digit numbers; both come from one counter, mixed
//! so that neighbours look as unlike as the venue's do.

use crate::domain::Category;

/// Where names come from.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    n: u64,
    seq: u64,
}

impl Ids {
    /// Next id of an order or an execution.
    pub(super) fn next(&mut self, category: Category) -> String {
        self.n += 1;
        match category {
            Category::Linear => uuid(self.n),
            Category::Spot => spot(self.n),
        }
    }

    /// Next id shaped like a UUID, for frames and traces.
    pub(super) fn trace(&mut self) -> String {
        self.n += 1;
        uuid(self.n).replace('-', "")
    }

    /// `orderLinkId` that the venue gives to a spot order without one.
    pub(super) fn spot_link(&mut self) -> String {
        self.n += 1;
        spot(self.n)
    }

    /// Next number of the matching engine; it only grows.
    pub(super) fn seq(&mut self) -> u64 {
        self.seq += 1;
        140_612_148_849_382 + self.seq
    }
}

/// Bijective mixing of 64 bits (the finaliser of `SplitMix64`).
const fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn uuid(n: u64) -> String {
    let (a, b) = (mixed(n), mixed(!n));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | ((b >> 48) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

fn spot(n: u64) -> String {
    format!("{}", 1_700_000_000_000_000_000 + n * 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shaped_as_the_venue_shapes_them_and_never_repeat() {
        let (mut ids, mut seen) = (Ids::default(), std::collections::BTreeSet::new());
        for _ in 0..2_000 {
            let linear = ids.next(Category::Linear);
            let groups: Vec<usize> = linear.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12]);
            assert!(seen.insert(linear));
            let spot = ids.next(Category::Spot);
            assert!(spot.len() == 19 && spot.bytes().all(|b| b.is_ascii_digit()));
            assert!(seen.insert(spot));
        }
    }
}
