//! Names that were ever used, kept for ever in little memory.
//!
//! A name counts once for all time: an order's name because the venue refuses a second one, an
//! execution's because it may be told again after any time. A session of years uses millions.
//! Those of our own decisions differ only in the minute of a bar and in a short tail, so that a
//! bar's names together take about two bytes here. Every other name is kept as it is. The set is
//! exact for all of them.

use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds of one minute, the finest grid of bars.
const MINUTE_MS: u64 = 60_000;
/// Digits of the time in a name, see [`super::ClientOrderId::of_decision`].
const TIME_DIGITS: usize = 9;
/// Different tails of one head that are told apart by a bit.
const TAILS: usize = 8;
/// Bars of a packed block; twice as many are kept open.
const BLOCK: usize = 512;

/// A set of names that only grows.
#[derive(Debug, Clone, Default)]
pub struct UsedNames {
    /// Names of decisions, by everything before the time.
    decisions: BTreeMap<Box<str>, Decisions>,
    others: BTreeSet<Box<str>>,
}

/// Names with one head: a minute, and which of the tails were used with it.
#[derive(Debug, Clone, Default)]
struct Decisions {
    tails: Vec<Box<str>>,
    /// In rising order, behind every block.
    open: Vec<(u32, u8)>,
    /// In rising order, without overlap.
    blocks: Vec<Block>,
    /// What came after its block was packed.
    late: BTreeMap<u32, u8>,
}

/// Minutes with their tails: for each the distance from the one before in groups of seven bits,
/// lowest first, then the bits of its tails.
#[derive(Debug, Clone)]
struct Block {
    first: u32,
    last: u32,
    bytes: Box<[u8]>,
}

/// A name taken apart; the three parts make up the whole name and nothing else does.
struct Parts<'a> {
    head: &'a str,
    minute: u32,
    tail: &'a str,
}

impl UsedNames {
    /// Adds a name; false when it was there already.
    pub fn insert(&mut self, name: &str) -> bool {
        if let Some(parts) = Parts::of(name) {
            let decisions = match self.decisions.get_mut(parts.head) {
                Some(known) => known,
                None => self.decisions.entry(parts.head.into()).or_default(),
            };
            if let Some(bit) = decisions.bit_or_new(parts.tail) {
                return decisions.insert(parts.minute, bit);
            }
        }
        self.others.insert(name.into())
    }

    /// Whether a name was added.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        if let Some(parts) = Parts::of(name)
            && let Some(decisions) = self.decisions.get(parts.head)
            && let Some(bit) = decisions.bit(parts.tail)
        {
            return decisions.bits(parts.minute) & bit != 0;
        }
        self.others.contains(name)
    }
}

/// Equal when they hold the same names, whatever the order in which they were added.
impl PartialEq for UsedNames {
    fn eq(&self, other: &Self) -> bool {
        self.all() == other.all()
    }
}

impl Eq for UsedNames {}

impl UsedNames {
    /// Every name, taken apart where that is possible.
    fn all(&self) -> BTreeSet<(&str, Option<u32>, &str)> {
        let others = self.others.iter().map(|name| match Parts::of(name) {
            Some(parts) => (parts.head, Some(parts.minute), parts.tail),
            None => (&**name, None, ""),
        });
        let decisions = self.decisions.iter().flat_map(|(head, decisions)| {
            decisions
                .minutes()
                .flat_map(move |(minute, bits)| decisions.tails_of(bits).map(move |t| (minute, t)))
                .map(move |(minute, tail)| (&**head, Some(minute), tail))
        });
        others.chain(decisions).collect()
    }
}

impl<'a> Parts<'a> {
    /// Takes a name like `tt-<scope>-<time><tail>` apart; `None` for every other one.
    fn of(name: &'a str) -> Option<Self> {
        let scope = name.strip_prefix("tt-")?.bytes().position(|b| b == b'-')?;
        let (head, rest) = name.split_at("tt-".len() + scope + 1);
        let (time, tail) = rest.split_at_checked(TIME_DIGITS)?;
        let mut millis = 0_u64;
        for digit in time.bytes() {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'z' => digit - b'a' + 10,
                _ => return None,
            };
            millis = millis * 36 + u64::from(value);
        }
        let minute = u32::try_from(millis / MINUTE_MS).ok()?;
        millis
            .is_multiple_of(MINUTE_MS)
            .then_some(Self { head, minute, tail })
    }
}

impl Decisions {
    fn bit(&self, tail: &str) -> Option<u8> {
        let at = self.tails.iter().position(|known| **known == *tail)?;
        Some(1 << at)
    }

    /// The bit of a tail; `None` when there is none left. It is never another one later.
    fn bit_or_new(&mut self, tail: &str) -> Option<u8> {
        let known = self.bit(tail);
        if known.is_none() && self.tails.len() < TAILS {
            self.tails.push(tail.into());
            return self.bit(tail);
        }
        known
    }

    fn insert(&mut self, minute: u32, bit: u8) -> bool {
        match self.place(minute) {
            Ok(at) => {
                let bits = &mut self.open[at].1;
                let is_new = *bits & bit == 0;
                *bits |= bit;
                is_new
            }
            Err(_) if self.blocks.last().is_some_and(|b| minute <= b.last) => {
                if self.bits(minute) & bit != 0 {
                    return false;
                }
                *self.late.entry(minute).or_default() |= bit;
                true
            }
            Err(at) => {
                self.open.insert(at, (minute, bit));
                if self.open.len() == 2 * BLOCK {
                    self.blocks.extend(Block::of(&self.open[..BLOCK]));
                    self.open.drain(..BLOCK);
                }
                true
            }
        }
    }

    /// Place of a minute among the open ones; the newest, which is asked for most, comes first.
    fn place(&self, minute: u32) -> Result<usize, usize> {
        match self.open.last() {
            Some((newest, _)) if *newest == minute => Ok(self.open.len() - 1),
            Some((newest, _)) if *newest < minute => Err(self.open.len()),
            _ => self.open.binary_search_by_key(&minute, |(at, _)| *at),
        }
    }

    fn bits(&self, minute: u32) -> u8 {
        if let Ok(at) = self.place(minute) {
            return self.open[at].1;
        }
        let late = self.late.get(&minute).copied().unwrap_or_default();
        let at = self.blocks.partition_point(|block| block.last < minute);
        let packed = self.blocks.get(at).filter(|b| b.first <= minute);
        late | packed.map_or(0, |block| block.bits(minute))
    }

    /// Every minute with its bits; a late one comes on its own.
    fn minutes(&self) -> impl Iterator<Item = (u32, u8)> {
        let packed = self.blocks.iter().flat_map(Block::minutes);
        let late = self.late.iter().map(|(minute, bits)| (*minute, *bits));
        packed.chain(late).chain(self.open.iter().copied())
    }

    fn tails_of(&self, bits: u8) -> impl Iterator<Item = &str> {
        let used = (0..).zip(&self.tails);
        used.filter(move |(at, _)| bits >> at & 1 == 1)
            .map(|(_, tail)| &**tail)
    }
}

impl Block {
    fn of(minutes: &[(u32, u8)]) -> Option<Self> {
        let (first, _) = minutes.first()?;
        let (last, _) = minutes.last()?;
        let mut bytes = Vec::with_capacity(2 * minutes.len());
        let mut before = *first;
        for (minute, bits) in minutes {
            let mut distance = minute - before;
            before = *minute;
            while let [low, ..] = distance.to_le_bytes()
                && 0x7f < distance
            {
                bytes.push(low | 0x80);
                distance >>= 7;
            }
            bytes.extend([distance.to_le_bytes()[0], *bits]);
        }
        Some(Self {
            first: *first,
            last: *last,
            bytes: bytes.into(),
        })
    }

    fn minutes(&self) -> impl Iterator<Item = (u32, u8)> {
        let mut minute = self.first;
        let mut bytes = self.bytes.iter().copied();
        std::iter::from_fn(move || {
            let (distance, bits) = next_of(&mut bytes)?;
            minute += distance;
            Some((minute, bits))
        })
    }

    fn bits(&self, wanted: u32) -> u8 {
        let mut found = self.minutes().skip_while(|(minute, _)| *minute < wanted);
        match found.next() {
            Some((minute, bits)) if minute == wanted => bits,
            _ => 0,
        }
    }
}

/// The next distance and bits of a block.
fn next_of(bytes: &mut impl Iterator<Item = u8>) -> Option<(u32, u8)> {
    let mut distance = 0;
    let mut shift = 0;
    loop {
        let byte = bytes.next()?;
        distance |= u32::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return Some((distance, bytes.next()?));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ClientOrderId, Timestamp};

    fn decision(scope: u64, minute: i64, role: char, attempt: u32) -> String {
        let bar = Timestamp::from_millis(minute * 60_000);
        ClientOrderId::of_decision(scope, bar, role, attempt).to_string()
    }

    #[test]
    fn names_of_sixteen_years_are_told_apart_in_little_memory() {
        let mut names = UsedNames::default();
        let minutes = || (21_000_000_i64..29_400_000).step_by(27);
        for minute in minutes() {
            for role in ['c', 'o', 's'] {
                assert!(names.insert(&decision(7, minute, role, 0)), "{minute}");
            }
        }
        for minute in minutes().step_by(101) {
            assert!(names.contains(&decision(7, minute, 's', 0)), "{minute}");
            assert!(!names.insert(&decision(7, minute, 'c', 0)), "{minute}");
            assert!(!names.contains(&decision(7, minute + 1, 's', 0)));
            assert!(!names.contains(&decision(8, minute, 's', 0)));
            assert!(!names.contains(&decision(7, minute, 'n', 0)));
        }
        let bytes: usize = names
            .decisions
            .values()
            .flat_map(|d| &d.blocks)
            .map(|b| b.bytes.len() + size_of::<Block>())
            .sum();
        assert!(bytes < 700_000, "{bytes}");
        assert!(names.others.is_empty());
    }

    fn any_name() -> impl Strategy<Value = String> {
        let minute = prop_oneof![0_i64..4_000, 2_000_000_000_i64..2_000_000_400];
        prop_oneof![
            8 => (0_u64..3, minute, "[a-e]", 0_u32..4)
                .prop_map(|(s, m, r, a)| decision(s, m, r.chars().next().unwrap(), a)),
            2 => (0_i64..3_000, 1_u32..4)
                .prop_map(|(m, n)| format!("{}-{n}", decision(1, m, 'c', 0))),
            1 => "tt-[0-9a-z]{1,3}-[0-9a-zA-Z]{6,11}(-c0)?",
            1 => "(tt-)?[a-z0-9-]{0,6}|tt-ä-000000000",
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            names in prop::collection::vec(any_name(), 0..4_000),
            sorted in any::<bool>(),
            strangers in prop::collection::vec(any_name(), 0..100),
        ) {
            let mut names = names;
            if sorted {
                names.sort();
            }
            let mut used = UsedNames::default();
            let mut plain = BTreeSet::new();
            for name in &names {
                prop_assert_eq!(used.insert(name), plain.insert(name.clone()), "{}", name);
            }
            for name in names.iter().chain(&strangers) {
                prop_assert_eq!(used.contains(name), plain.contains(name), "{}", name);
            }
            let mut turned = UsedNames::default();
            for name in names.iter().rev() {
                turned.insert(name);
            }
            prop_assert!(used == turned);
            turned.insert("one more");
            prop_assert!(used != turned);
        }
    }
    proptest! {
        #[test]
        fn order_ids_are_ordered_by_length_and_then_as_text(a in "[a-c]{1,36}", b in "[a-c]{1,36}") {
            let id = |text: &str| text.parse::<ClientOrderId>().unwrap();
            let expected = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
            prop_assert_eq!(id(&a).cmp(&id(&b)), expected);
            let same = format!("{}z", &a[1..]);
            prop_assert_eq!(id(&a).cmp(&id(&same)), a.cmp(&same));
        }
    }
}
