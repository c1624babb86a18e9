//! Trades of one topic, each of them once.
//!
//! The identity of a trade is its id alone. The newest ids are remembered; a trade older than
//! all of them is a replay of the past and is dropped without looking further.

use std::collections::{HashSet, VecDeque};

use super::rows::TradeRow;
use crate::domain::Timestamp;

/// Ids that are remembered: twice the most that one frame holds.
const REMEMBERED: usize = 2_048;
/// Ids that are remembered at most, when that many trades share one millisecond.
const MOST: usize = 32_768;

/// What a trade is called, in little memory. Both forms that the venue uses are kept exactly:
/// a UUID (linear) and a decimal (spot); any other text as a hash of 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum TradeKey {
    Uuid(u128),
    Decimal(u128),
    Other(u128),
}

impl TradeKey {
    fn of(id: &str) -> Self {
        if let Some(value) = uuid(id) {
            return Self::Uuid(value);
        }
        let is_decimal = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
        match id.parse() {
            Ok(value) if is_decimal => Self::Decimal(value),
            _ => Self::Other(hash(id)),
        }
    }
}

/// Value of a UUID in its usual form.
fn uuid(id: &str) -> Option<u128> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    if id.len() != 36 {
        return None;
    }
    let mut value = 0;
    for (at, byte) in id.bytes().enumerate() {
        if DASHES.contains(&at) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        // Upper case would be another text with the same value.
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u128::from(digit);
    }
    Some(value)
}

/// FNV-1a of 128 bits.
fn hash(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(OFFSET, |value, byte| {
        (value ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

/// Which trades of a topic have been seen.
#[derive(Debug, Clone, Default)]
pub struct TradeTape {
    known: HashSet<TradeKey>,
    order: VecDeque<(TradeKey, Timestamp)>,
    /// Newest time among the forgotten: what is older can no longer be told apart.
    forgotten: Option<Timestamp>,
    n_dropped: u64,
}

impl TradeTape {
    /// Whether a trade is new. It counts as seen afterwards.
    pub fn is_new(&mut self, row: &TradeRow<'_>) -> bool {
        let key = TradeKey::of(&row.id);
        let is_past = self.forgotten.is_some_and(|at| row.time <= at);
        if is_past || !self.known.insert(key) {
            self.n_dropped += 1;
            return false;
        }
        // What shares its time with the newest stays: more of it may be coming.
        while let Some((oldest, at)) = self.order.front().copied()
            && REMEMBERED <= self.order.len()
            && (at < row.time || MOST <= self.order.len())
        {
            self.order.pop_front();
            self.known.remove(&oldest);
            self.forgotten = self.forgotten.max(Some(at));
        }
        self.order.push_back((key, row.time));
        true
    }

    /// Trades that were dropped because they came again.
    #[must_use]
    pub const fn n_dropped(&self) -> u64 {
        self.n_dropped
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::domain::{InstrumentId, PublicTrade, Side};

    fn row(time: i64, id: &str) -> TradeRow<'_> {
        TradeRow {
            time: Timestamp::from_millis(time),
            id: Cow::Borrowed(id),
            trade: PublicTrade {
                instrument: InstrumentId(0),
                price: "1".parse().unwrap(),
                qty: "1".parse().unwrap(),
                taker: Side::Buy,
            },
        }
    }

    #[test]
    fn a_trade_counts_once_by_its_id() {
        let mut tape = TradeTape::default();
        for (time, id, is_new) in [
            (5, "20f43950-d8dd-5b31-9112-a178eb6023af", true),
            (5, "20f43950-d8dd-5b31-9112-a178eb6023ae", true),
            (5, "20f43950-d8dd-5b31-9112-a178eb6023af", false),
            (6, "2100000000000000001", true),
            (6, "2100000000000000002", true),
            (7, "2100000000000000001", false),
            (7, "02100000000000000001", true),
            (4, "any other text", true),
            (8, "any other text", false),
            (8, "", true),
            (8, "", false),
        ] {
            assert_eq!(tape.is_new(&row(time, id)), is_new, "{id:?}");
        }
        assert_eq!(tape.n_dropped(), 4);
    }

    #[test]
    fn what_was_forgotten_cannot_come_back() {
        let mut tape = TradeTape::default();
        let n = i64::try_from(REMEMBERED).unwrap() * 3;
        for at in 0..n {
            assert!(tape.is_new(&row(at, &at.to_string())));
        }
        for at in 0..n {
            assert!(!tape.is_new(&row(at, &at.to_string())), "{at}");
        }
        assert_eq!(tape.known.len(), REMEMBERED);
        assert_eq!(tape.order.len(), REMEMBERED);
        assert!(tape.is_new(&row(n, &n.to_string())));
    }

    #[test]
    fn trades_of_one_millisecond_are_all_told() {
        let mut tape = TradeTape::default();
        let n = REMEMBERED * 3;
        for id in 0..n {
            assert!(tape.is_new(&row(7, &format!("a{id}"))));
        }
        for id in 0..n {
            assert!(!tape.is_new(&row(7, &format!("a{id}"))));
        }
        for id in 0..MOST {
            tape.is_new(&row(7, &format!("b{id}")));
        }
        assert!(tape.order.len() <= MOST && tape.known.len() <= MOST);
        assert!(tape.is_new(&row(8, "c")));
        assert_eq!(tape.order.len(), REMEMBERED);
        assert!(!tape.is_new(&row(7, "d")));
    }
}
