//! The port that market data comes through, and why it can end early.
//!
//! A feed says what happened and when. It does not judge whether bars are whole (that is
//! `market`), does not wait for real time to pass, and does not repair what it reads.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::{BarError, MarketEvent, NumberError, Timestamp};

/// One event with the moment it is about, or the reason why there is none.
pub type FeedItem = Result<(Timestamp, MarketEvent), FeedError>;

/// A source of market events in the order of time.
///
/// Times never run backwards. Events of one moment are ordered by [`rank`], then by instrument.
pub trait Feed: Send {
    /// The next event; `None` at the end. After an error the feed is at its end.
    fn next(&mut self) -> Option<FeedItem>;

    /// Name for people, such as a file name.
    fn label(&self) -> String;

    /// First and last moment, where they are known without reading everything.
    fn span(&self) -> Option<(Timestamp, Timestamp)>;
}

impl Feed for Box<dyn Feed> {
    fn next(&mut self) -> Option<FeedItem> {
        (**self).next()
    }

    fn label(&self) -> String {
        (**self).label()
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        (**self).span()
    }
}

/// Place of an event among others of the same moment.
///
/// Closed bars come first, so that every decision of a moment rests on the same closes; funding
/// is paid by what was held until then; then the next bar opens, and only then do prices that
/// new orders can trade at follow.
#[must_use]
pub const fn rank(event: &MarketEvent) -> u8 {
    match event {
        MarketEvent::Bar(_) => 0,
        MarketEvent::Funding(_) => 1,
        MarketEvent::BarOpen { .. } => 2,
        MarketEvent::Mark { .. } => 3,
        MarketEvent::Quote(_) => 4,
        MarketEvent::Book(_) => 5,
        MarketEvent::Trade(_) => 6,
    }
}

/// Why a feed cannot be opened or cannot go on: the file, the line where there is one, and what
/// is wrong there.
#[derive(Debug)]
pub struct FeedError {
    /// File that was read.
    pub file: PathBuf,
    /// Line of it, from 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: Box<FeedProblem>,
}

impl FeedError {
    /// Error about a whole file.
    #[must_use]
    pub fn file(file: &Path, problem: FeedProblem) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            problem: Box::new(problem),
        }
    }

    /// Error about one line of a file.
    #[must_use]
    pub fn line(file: &Path, line: u64, problem: FeedProblem) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            problem: Box::new(problem),
        }
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for FeedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.problem.source()
    }
}

/// What is wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum FeedProblem {
    /// The file cannot be opened or read.
    #[error("cannot be read: {}", in_words(.0))]
    Io(#[from] std::io::Error),
    /// No row.
    #[error("has no rows; expected a header line and at least one row")]
    Empty,
    /// A column is missing.
    #[error("column {column} is missing; {}", of_header(header))]
    MissingColumn {
        /// Column that is needed.
        column: &'static str,
        /// Header found.
        header: String,
    },
    /// A row with fewer fields than its header.
    #[error("has {found} fields where the header has {expected}; is the row cut off?")]
    ShortRow {
        /// Fields found.
        found: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// A field that is no number.
    #[error("column {column}: {source}; correct the row or remove it")]
    BadNumber {
        /// Column of the field.
        column: &'static str,
        /// What is wrong with it, with its text.
        source: NumberError,
    },
    /// A field that is no time.
    #[error("column {column}: {text:?} is not a time in whole milliseconds since 1970 (UTC)")]
    BadTime {
        /// Column of the field.
        column: &'static str,
        /// Text found.
        text: String,
    },
    /// A taker side that is neither.
    #[error("column taker_side: {0:?} is neither Buy nor Sell")]
    BadSide(String),
    /// Times run backwards.
    #[error("time {at} is before {before} of the row above; sort the file by time")]
    Unsorted {
        /// Time of the row above.
        before: Timestamp,
        /// Time of the row.
        at: Timestamp,
    },
    /// The same bar twice.
    #[error("bar {at} occurs twice; remove one of the two rows")]
    Duplicate {
        /// Open time of both.
        at: Timestamp,
    },
    /// A row that is no bar.
    #[error("{0}; correct the row or remove it")]
    BadBar(#[from] BarError),
    /// Best bid at or above best ask.
    #[error("bid {bid} is not below ask {ask}")]
    CrossedQuote {
        /// Bid found.
        bid: crate::domain::Price,
        /// Ask found.
        ask: crate::domain::Price,
    },
    /// A line that is not one of the messages expected.
    #[error("is not a book or trade message: {0}")]
    BadMessage(String),
    /// A message about another symbol.
    #[error("is about {found}, expected {expected}")]
    WrongSymbol {
        /// Symbol found.
        found: String,
        /// Symbol expected.
        expected: String,
    },
    /// A line longer than any row can be.
    #[error("is longer than {limit} bytes; is this a text file?")]
    LineTooLong {
        /// Longest allowed.
        limit: u64,
    },
    /// The spacing of the rows is no served interval.
    #[error(
        "rows are {step_ms} ms apart, which is no bar interval; \
         use one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d{}",
        in_seconds(*step_ms)
    )]
    NoInterval {
        /// Smallest distance found.
        step_ms: i64,
    },
    /// One row has no spacing.
    #[error("has one row only, so its interval cannot be seen; at least two are needed")]
    OneRow,
    /// The description of a market folder cannot be used.
    #[error("{0}")]
    Manifest(String),
}

fn in_words(error: &std::io::Error) -> String {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => "there is no such file: check its path".to_owned(),
        Kind::PermissionDenied => "permission denied: check the mode of the file".to_owned(),
        Kind::IsADirectory => "it is a folder: name a file in it".to_owned(),
        // Not the system but a decoder says this.
        _ if error.raw_os_error().is_none() => format!("{error}; is the file whole?"),
        _ => error.to_string(),
    }
}

/// The header as it can be shown: what is no text is not repeated.
fn of_header(header: &str) -> String {
    const SHOWN: usize = 80;
    if header
        .chars()
        .any(|c| c == char::REPLACEMENT_CHARACTER || (c.is_control() && c != '\t'))
    {
        return "the first line is no text: is this a CSV file?".to_owned();
    }
    let shown: String = header.chars().take(SHOWN).collect();
    let dots = if shown.len() < header.len() {
        "..."
    } else {
        ""
    };
    format!("the header is {shown:?}{dots}")
}

/// A hint for times in seconds, whose distance is a thousandth of an interval.
fn in_seconds(step_ms: i64) -> &'static str {
    let is_likely = crate::domain::Interval::from_millis(step_ms.saturating_mul(1_000)).is_some();
    if is_likely {
        "; are the times in seconds? milliseconds are needed"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_file_line_and_problem() {
        let error = FeedError::line(
            Path::new("bars.csv"),
            7,
            FeedProblem::BadSide("Up".to_owned()),
        );
        assert_eq!(
            error.to_string(),
            "bars.csv, line 7: column taker_side: \"Up\" is neither Buy nor Sell"
        );
        let error = FeedError::file(Path::new("bars.csv"), FeedProblem::Empty);
        assert_eq!(
            error.to_string(),
            "bars.csv: has no rows; expected a header line and at least one row"
        );
    }
}
