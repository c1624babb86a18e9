//! What a recording lacks: connections that were lost, books that lost their place, bars that the
//! venue does not have, and silence.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::{Symbol, Timestamp};

/// Gaps that are kept one by one; more are counted.
const MOST: usize = 1_000;

/// What is missing in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapKind {
    /// Everything of a connection.
    Connection,
    /// A topic that the venue refuses.
    Topic,
    /// The book: it had lost its place until a new snapshot came.
    Book,
    /// Bars that the venue does not have.
    Bars,
    /// Nothing came although the connection was there.
    Silence,
}

impl GapKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Topic => "topic",
            Self::Book => "book",
            Self::Bars => "bars",
            Self::Silence => "silence",
        }
    }
}

/// One stretch without data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What is missing.
    pub kind: GapKind,
    /// Symbols that it is missing of.
    pub symbols: Vec<Symbol>,
    /// First moment.
    pub from: Timestamp,
    /// When data came again; `None` when it had not by the end.
    pub to: Option<Timestamp>,
    /// Why, where that is known.
    pub cause: String,
}

impl Gap {
    /// As a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "symbols": self.symbols,
            "from": self.from.to_string(),
            "to": self.to.map(|to| to.to_string()),
            "cause": self.cause,
        })
    }
}

/// Gaps as they open and close.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    list: Vec<Gap>,
    /// Place of each gap that is open, by its kind and the number of what it is about.
    open: BTreeMap<(GapKind, usize), usize>,
    n_more: u64,
}

impl Gaps {
    /// A gap begins, unless it has already. `about` numbers what it is about.
    pub(super) fn begin(&mut self, about: usize, gap: Gap) {
        if self.open.contains_key(&(gap.kind, about)) {
            return;
        }
        if MOST <= self.list.len() {
            self.n_more += 1;
            return;
        }
        if gap.to.is_none() {
            self.open.insert((gap.kind, about), self.list.len());
        }
        self.list.push(gap);
    }

    /// Data is there again.
    pub(super) fn end(&mut self, kind: GapKind, about: usize, at: Timestamp) {
        if let Some(place) = self.open.remove(&(kind, about)) {
            self.list[place].to = Some(at);
        }
    }

    /// All gaps, and the number of those that were not kept.
    pub(super) fn finish(mut self) -> (Vec<Gap>, u64) {
        self.list.sort_by_key(|gap| gap.from);
        (self.list, self.n_more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(kind: GapKind, from: i64) -> Gap {
        Gap {
            kind,
            symbols: Vec::new(),
            from: Timestamp::from_millis(from),
            to: None,
            cause: String::new(),
        }
    }

    #[test]
    fn a_gap_is_told_once_and_ends_once() {
        let mut gaps = Gaps::default();
        gaps.begin(0, gap(GapKind::Book, 5));
        gaps.begin(0, gap(GapKind::Book, 6));
        gaps.begin(1, gap(GapKind::Book, 1));
        gaps.begin(0, gap(GapKind::Silence, 9));
        gaps.end(GapKind::Book, 0, Timestamp::from_millis(7));
        gaps.end(GapKind::Book, 0, Timestamp::from_millis(8));
        let (list, n_more) = gaps.finish();
        let told: Vec<_> = list
            .iter()
            .map(|gap| (gap.from.millis(), gap.to.map(Timestamp::millis)))
            .collect();
        assert_eq!(told, [(1, None), (5, Some(7)), (9, None)]);
        assert_eq!(n_more, 0);
    }

    #[test]
    fn the_list_does_not_grow_without_end() {
        let mut gaps = Gaps::default();
        for at in 0..2 * MOST {
            gaps.begin(at, gap(GapKind::Silence, 0));
        }
        let (list, n_more) = gaps.finish();
        assert_eq!((list.len(), n_more), (MOST, MOST as u64));
    }
}
