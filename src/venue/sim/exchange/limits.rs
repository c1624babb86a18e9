//! Budgets of requests by kind, over a rolling second (PROTOCOL section 15).

use std::collections::{BTreeMap, VecDeque};

use crate::domain::{Category, Timestamp};

/// What is counted together.
pub(super) type Kind = (&'static str, Option<Category>);

/// Length of the window in milliseconds.
const WINDOW_MS: i64 = 1_000;

/// When requests of each kind were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    made: BTreeMap<Kind, VecDeque<Timestamp>>,
}

/// What the limit headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Requests per second.
    pub(super) limit: u32,
    /// What is left of them.
    pub(super) left: u32,
    /// When there will be some again.
    pub(super) reset: Timestamp,
    /// How many of those asked for may be carried out.
    pub(super) granted: usize,
}

impl Limits {
    /// Takes up to `wanted` requests out of the budget of a kind.
    pub(super) fn take(&mut self, now: Timestamp, kind: Kind, limit: u32, wanted: usize) -> Budget {
        let made = self.made.entry(kind).or_default();
        while made.front().is_some_and(|at| WINDOW_MS <= now.since(*at)) {
            made.pop_front();
        }
        let room = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(made.len());
        let granted = wanted.min(room);
        made.extend(std::iter::repeat_n(now, granted));
        let reset = if granted < wanted {
            made.front().map_or(now, |at| at.plus_millis(WINDOW_MS))
        } else {
            now
        };
        Budget {
            limit,
            left: u32::try_from(room - granted).unwrap_or(u32::MAX),
            reset,
            granted,
        }
    }
}

impl Budget {
    /// The three headers.
    pub(super) fn headers(&self) -> [(String, String); 3] {
        [
            ("X-Bapi-Limit".to_owned(), self.limit.to_string()),
            ("X-Bapi-Limit-Status".to_owned(), self.left.to_string()),
            (
                "X-Bapi-Limit-Reset-Timestamp".to_owned(),
                self.reset.millis().to_string(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_rolls() {
        let at = Timestamp::from_millis;
        let kind = ("create", Some(Category::Linear));
        let mut limits = Limits::default();
        assert_eq!(limits.take(at(0), kind, 3, 1).left, 2);
        assert_eq!(limits.take(at(400), kind, 3, 1).left, 1);
        let over = limits.take(at(500), kind, 3, 3);
        assert_eq!((over.granted, over.left, over.reset), (1, 0, at(1_000)));
        assert_eq!(limits.take(at(999), kind, 3, 1).granted, 0);
        assert_eq!(limits.take(at(1_000), kind, 3, 1).granted, 1);
        assert_eq!(limits.take(at(1_000), ("amend", None), 3, 1).granted, 1);
    }
}
