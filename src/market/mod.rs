//! Gap-aware bar series, level-2 books and data health.
//!
//! Judges what a feed reports and keeps the newest of it. It does no I/O, reads no clock and
//! decides nothing about trading: a gap, a repeated bar or a crossed book is an ordinary return
//! value, and the caller resets what depends on it.

mod book;
mod health;
mod series;

#[cfg(test)]
mod book_tests;
#[cfg(test)]
mod series_tests;

pub use book::{Book, BookState, BookVerdict, Walk};
pub use health::{DataHealth, DataState};
pub use series::{BarVerdict, Series, SeriesCounts};
