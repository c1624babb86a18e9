//! Pages of lists and the cursors between them.
//!
//! A cursor names the number of the last row given. As at the venue it is percent-encoded, and a
//! page that is just full has one although nothing may follow.

use super::params::{Params, encoded};

/// One page.
pub(super) struct Page<T> {
    pub(super) rows: Vec<T>,
    /// Empty at the end.
    pub(super) cursor: String,
}

/// Cuts a page out of numbered rows, newest first; `word` writes a cursor for a row's number,
/// which stands first in it.
pub(super) fn page<T>(
    rows: impl Iterator<Item = (usize, T)>,
    params: Params<'_>,
    limit: usize,
    word: impl Fn(usize) -> String,
) -> Page<T> {
    let before = params.cursor().and_then(|cursor| number_in(&cursor));
    let rows = rows.filter(|(at, _)| before.is_none_or(|before| *at < before));
    let (numbers, rows): (Vec<usize>, Vec<T>) = rows.take(limit).unzip();
    let cursor = match numbers.last() {
        Some(last) if rows.len() == limit => encoded(&word(*last)),
        _ => String::new(),
    };
    Page { rows, cursor }
}

/// First number in a cursor.
fn number_in(cursor: &str) -> Option<usize> {
    let digits = cursor.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}
