//! `tradeterm record`: the venue's live public data, as a market folder.
//!
//! Bars, quotes, book messages, trades and funding payments are written as they come, in the
//! formats that `recorded` reads. Lines reach the disk whole and four times a second; the
//! description (`market.json`) is renewed as it grows, so that a folder opens after a crash too.
//! What is missing is named, never made up. No key is read.

mod drive;
mod files;
mod gaps;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

pub use drive::{Recording, record};
pub use gaps::{Gap, GapKind};

use crate::app::doctor::access::Trouble;
use crate::domain::{Category, Interval, Symbol, Timestamp};
use crate::store::files as disk;
use crate::venue::bybit::feed::Depth;
use crate::venue::bybit::socket::SubscribeError;
use crate::venue::bybit::socket::connector::ConnectorError;
use crate::venue::sim::recorded::FileKind;

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRequest {
    /// Symbols, in the order of their numbers.
    pub symbols: Vec<Symbol>,
    /// Market of all of them.
    pub category: Category,
    /// Length of the bars.
    pub interval: Interval,
    /// Depth of the books; `None` records best bid and ask alone.
    pub depth: Option<Depth>,
    /// Folder to write into.
    pub out: PathBuf,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub to: Timestamp,
    /// Rows by what they hold, of all symbols.
    pub rows: Vec<(FileKind, u64)>,
    /// Connections that were made again.
    pub n_reconnects: u64,
    /// Frames that could not be understood.
    pub n_refused: u64,
    /// Quotes whose bid was not below their ask, which are not written.
    pub n_crossed: u64,
    /// What is missing, oldest first.
    pub gaps: Vec<Gap>,
    /// Gaps beyond those that are kept.
    pub n_more_gaps: u64,
    /// Files of the folder.
    pub files: Vec<PathBuf>,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The folder has a recording, or a file of one.
    #[error("{} exists already: name another --out", .0.display())]
    Exists(PathBuf),
    /// A symbol that the venue does not list.
    #[error("{host} lists no {category} {symbol}: check --symbol and --category")]
    UnknownSymbol {
        /// Symbol.
        symbol: Symbol,
        /// Market.
        category: Category,
        /// Host that was asked.
        host: String,
    },
    /// No answer that can be used.
    #[error(transparent)]
    Venue(#[from] Trouble),
    /// The sockets cannot be made.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The topics do not fit.
    #[error(transparent)]
    Topics(#[from] SubscribeError),
    /// A file cannot be written.
    #[error("cannot write {}: {}", path.display(), disk::explain(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RecordingError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of time: use a whole number with s, m, h or d, such as 90m")]
pub struct LengthError(String);

/// Reads a length of time above zero, such as `90s`, `30m`, `1h` or `2d`.
///
/// # Errors
///
/// When it is none, or longer than a year.
pub fn parse_length(text: &str) -> Result<Duration, LengthError> {
    const LONGEST_S: u64 = 366 * 86_400;
    let refuse = || LengthError(text.chars().take(40).collect());
    let unit = text.chars().next_back().ok_or_else(refuse)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(refuse()),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(seconds))
        .filter(|length| (1..=LONGEST_S).contains(length))
        .map(Duration::from_secs)
        .ok_or_else(refuse)
}

impl Recorded {
    /// Rows of one kind.
    #[must_use]
    pub fn n_rows(&self, kind: FileKind) -> u64 {
        let rows = self.rows.iter().filter(|(of, _)| *of == kind);
        rows.map(|(_, n)| n).sum()
    }

    /// What became of `request`, as one JSON object.
    #[must_use]
    pub fn to_json(&self, request: &RecordRequest) -> Value {
        json!({
            "v": 1,
            "symbols": request.symbols,
            "category": request.category,
            "interval": request.interval,
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "bars": self.n_rows(FileKind::Bars),
            "quotes": self.n_rows(FileKind::Quotes),
            "books": self.n_rows(FileKind::Book),
            "trades": self.n_rows(FileKind::Trades),
            "funding": self.n_rows(FileKind::Funding),
            "reconnects": self.n_reconnects,
            "refused": self.n_refused,
            "crossed": self.n_crossed,
            "gaps": self.gaps.iter().map(Gap::to_json).collect::<Vec<_>>(),
            "more_gaps": self.n_more_gaps,
            "folder": request.out,
            "files": self.files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_whole_numbers_of_a_unit() {
        for (text, seconds) in [("1s", 1), ("90m", 5_400), ("1h", 3_600), ("2d", 172_800)] {
            assert_eq!(
                parse_length(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "h",
            "1",
            "1x",
            "0s",
            "-1h",
            "1.5h",
            "+1h",
            "1 h",
            "9999999999999999999d",
            "400d",
            "1µ",
        ] {
            assert!(parse_length(text).is_err(), "{text}");
        }
    }
}
