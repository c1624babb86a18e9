//! Candle files: one row a bar, checked and in order.

use std::path::{Path, PathBuf};

use super::lines::{Columns, Lines};
use super::number;
use crate::domain::{
    Bar, BarEvent, InstrumentId, Interval, MarketEvent, NumberError, Symbol, Timestamp,
};
use crate::venue::feed::{Feed, FeedError, FeedItem, FeedProblem};

const WANTED: [&[&str]; 6] = [
    &["ts_ms", "ts"],
    &["open"],
    &["high"],
    &["low"],
    &["close"],
    &["volume"],
];
/// Rows whose spacing tells the interval.
const SNIFF_ROWS: usize = 101;

/// A candle file, read as it is iterated. Open times rise strictly; every bar passes
/// [`Bar::check`]. Ends after its first error.
#[derive(Debug)]
pub struct BarFile {
    rows: Rows,
    instrument: InstrumentId,
    interval: Interval,
    ahead: Option<Bar>,
    has_ended: bool,
}

impl BarFile {
    /// Opens a candle file and reads its first row.
    ///
    /// The header must name `ts_ms` (or `ts`), `open`, `high`, `low`, `close` and `volume`;
    /// other columns are ignored. Times are open times in milliseconds UTC.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has no rows, lacks a column, or its first row is no bar of
    /// this interval.
    pub fn open(
        path: &Path,
        instrument: InstrumentId,
        interval: Interval,
    ) -> Result<Self, FeedError> {
        let mut rows = Rows::open(path)?;
        let first = rows.next_bar(interval)?;
        if first.is_none() {
            return Err(FeedError::file(path, FeedProblem::Empty));
        }
        Ok(Self {
            rows,
            instrument,
            interval,
            ahead: first,
            has_ended: false,
        })
    }

    /// Finds the interval of a candle file (the smallest distance between its first 101 rows)
    /// and its first and last bar. Reads the whole file.
    ///
    /// # Errors
    ///
    /// When a row cannot be read, when there are fewer than two, or when their distance is not
    /// an interval that the venue serves.
    pub fn sniff(path: &Path) -> Result<Sniff, FeedError> {
        sniff_rows(path, usize::MAX)
    }

    /// Finds the interval, and the first and last bar, without reading the whole file where that
    /// is possible: the last row of a plain file is read from its end. A compressed file is read
    /// whole. Rows in between are judged when they are read.
    ///
    /// # Errors
    ///
    /// As [`BarFile::sniff`], for the rows that were read.
    pub fn overview(path: &Path) -> Result<Overview, FeedError> {
        let is_packed = matches!(
            path.extension().and_then(|e| e.to_str()),
            Some("gz" | "zst")
        );
        let most = if is_packed { usize::MAX } else { SNIFF_ROWS };
        let Sniff {
            interval,
            first,
            last,
            rows,
        } = sniff_rows(path, most)?;
        let last = if rows < SNIFF_ROWS || is_packed {
            Some(last)
        } else {
            Rows::open(path)?.last_time()?
        };
        Ok(Overview {
            interval,
            first,
            last: last.filter(|last| first < *last),
        })
    }

    /// Open time of the next bar; `None` at the end.
    #[must_use]
    pub fn peek(&self) -> Option<Timestamp> {
        self.ahead.map(|bar| bar.open_time)
    }
}

impl Iterator for BarFile {
    type Item = Result<Bar, FeedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(bar) = self.ahead.take() {
            return Some(Ok(bar));
        }
        if self.has_ended {
            return None;
        }
        match self.rows.next_bar(self.interval) {
            Ok(Some(bar)) => Some(Ok(bar)),
            Ok(None) => {
                self.has_ended = true;
                None
            }
            Err(error) => {
                self.has_ended = true;
                Some(Err(error))
            }
        }
    }
}

/// Reads the times of at most `most` rows.
fn sniff_rows(path: &Path, most: usize) -> Result<Sniff, FeedError> {
    let mut rows = Rows::open(path)?;
    let mut first = None;
    let mut step_ms = i64::MAX;
    let mut last = Timestamp::default();
    let mut n_rows = 0;
    while n_rows < most
        && let Some(at) = rows.next_time()?
    {
        first = first.or(Some(at));
        if 0 < n_rows && n_rows < SNIFF_ROWS {
            step_ms = step_ms.min(at.since(last));
        }
        last = at;
        n_rows += 1;
    }
    let fail = |problem| Err(FeedError::file(path, problem));
    let Some(first) = first else {
        return fail(FeedProblem::Empty);
    };
    if n_rows == 1 {
        return fail(FeedProblem::OneRow);
    }
    match Interval::from_millis(step_ms) {
        Some(interval) => Ok(Sniff {
            interval,
            first,
            last,
            rows: n_rows,
        }),
        None => fail(FeedProblem::NoInterval { step_ms }),
    }
}

/// What both ends of a candle file show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overview {
    /// Interval of its first bars.
    pub interval: Interval,
    /// Open time of the first bar.
    pub first: Timestamp,
    /// Open time of the last bar; `None` where the end of the file does not say.
    pub last: Option<Timestamp>,
}

/// What a look at a candle file shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniff {
    /// Interval of its bars.
    pub interval: Interval,
    /// Open time of the first bar.
    pub first: Timestamp,
    /// Open time of the last bar.
    pub last: Timestamp,
    /// Number of bars.
    pub rows: usize,
}

/// Open time and fields of a row.
type TimedFields<'a> = (Timestamp, [&'a [u8]; 6]);

/// Rows in strictly rising order of time.
#[derive(Debug)]
struct Rows {
    lines: Lines,
    columns: Columns<6>,
    before: Option<Timestamp>,
}

impl Rows {
    fn open(path: &Path) -> Result<Self, FeedError> {
        let mut lines = Lines::open(path)?;
        let columns = Columns::read(&mut lines, &WANTED)?;
        Ok(Self {
            lines,
            columns,
            before: None,
        })
    }

    fn next_fields(&mut self) -> Result<Option<TimedFields<'_>>, FeedError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let fields = self.columns.split(&self.lines)?;
        let at = number::time(fields[0]).ok_or_else(|| {
            self.lines.error(FeedProblem::BadTime {
                column: WANTED[0][0],
                text: String::from_utf8_lossy(fields[0]).into_owned(),
            })
        })?;
        if let Some(before) = self.before
            && at <= before
        {
            return Err(self.lines.error(if at == before {
                FeedProblem::Duplicate { at }
            } else {
                FeedProblem::Unsorted { before, at }
            }));
        }
        self.before = Some(at);
        Ok(Some((at, fields)))
    }

    fn next_time(&mut self) -> Result<Option<Timestamp>, FeedError> {
        Ok(self.next_fields()?.map(|(at, _)| at))
    }

    /// Time of the last row, read from the end of a plain file; `None` when it is no time.
    fn last_time(mut self) -> Result<Option<Timestamp>, FeedError> {
        self.lines.skip_to_last()?;
        let fields = self.columns.split(&self.lines);
        Ok(fields.ok().and_then(|fields| number::time(fields[0])))
    }

    fn next_bar(&mut self, interval: Interval) -> Result<Option<Bar>, FeedError> {
        let Some((open_time, fields)) = self.next_fields()? else {
            return Ok(None);
        };
        let bar = read_bar(open_time, &fields).map_err(|(column, source)| {
            let column = WANTED[column][0];
            FeedProblem::BadNumber { column, source }
        });
        match bar.and_then(|bar| Ok(bar.check(interval).map(|()| bar)?)) {
            Ok(bar) => Ok(Some(bar)),
            Err(problem) => Err(self.lines.error(problem)),
        }
    }
}

fn read_bar(open_time: Timestamp, fields: &[&[u8]; 6]) -> Result<Bar, (usize, NumberError)> {
    let price = |at: usize| number::price(fields[at]).map_err(|e| (at, e));
    Ok(Bar {
        open_time,
        open: price(1)?,
        high: price(2)?,
        low: price(3)?,
        close: price(4)?,
        volume: number::volume(fields[5]).map_err(|e| (5, e))?,
    })
}

/// A candle file as events: the open price when a bar opens, the bar when it has closed.
#[derive(Debug)]
pub struct BarFeed {
    file: BarFile,
    path: PathBuf,
    open_bar: Option<Bar>,
    span: Option<(Timestamp, Timestamp)>,
}

impl BarFeed {
    /// Feed over an open file, with its first and last moment where they are known.
    #[must_use]
    pub fn new(file: BarFile, span: Option<(Timestamp, Timestamp)>) -> Self {
        Self {
            path: file.rows.lines.path().to_owned(),
            file,
            open_bar: None,
            span,
        }
    }
}

impl Feed for BarFeed {
    fn next(&mut self) -> Option<FeedItem> {
        let (instrument, interval) = (self.file.instrument, self.file.interval);
        if let Some(bar) = self.open_bar.take() {
            let event = BarEvent {
                instrument,
                interval,
                confirmed: true,
                bar,
            };
            let closed = bar.open_time.plus_millis(interval.millis());
            return Some(Ok((closed, MarketEvent::Bar(event))));
        }
        let bar = match self.file.next()? {
            Ok(bar) => bar,
            Err(error) => return Some(Err(error)),
        };
        self.open_bar = Some(bar);
        let price = bar.open;
        Some(Ok((
            bar.open_time,
            MarketEvent::BarOpen { instrument, price },
        )))
    }

    fn label(&self) -> String {
        label_of(&self.path)
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }
}

/// Name of a file without its folders.
pub(super) fn label_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Symbol that a file name speaks of: `bybit_linear_BTCUSDT_5m.csv.gz` is about `BTCUSDT`.
///
/// Takes the first part of at least five capitals and digits, three of them letters, that
/// stands between underscores.
#[must_use]
pub fn guess_symbol(path: &Path) -> Option<Symbol> {
    let name = label_of(path);
    let stem = name.split('.').next()?;
    let looks_right = |part: &&str| {
        5 <= part.len()
            && part
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && 3 <= part.bytes().filter(u8::is_ascii_uppercase).count()
    };
    Symbol::new(stem.split('_').find(looks_right)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_seen_in_file_names() {
        for (name, symbol) in [
            ("bybit_linear_BTCUSDT_5m.csv.gz", Some("BTCUSDT")),
            (
                "a/b/binance_spot_ETHUSDT_1m_2021-08-09_2021-09-13.csv.gz",
                Some("ETHUSDT"),
            ),
            (
                "bybit_spot_1INCHUSDT_2025-05-19_trades.csv.gz",
                Some("1INCHUSDT"),
            ),
            ("SOLUSDT_5m.csv", Some("SOLUSDT")),
            ("1000PEPEUSDT.csv", Some("1000PEPEUSDT")),
            ("prices.csv", None),
            ("my_20250101_data.csv", None),
            ("", None),
        ] {
            let found = guess_symbol(Path::new(name));
            assert_eq!(found.as_ref().map(Symbol::as_str), symbol, "{name}");
        }
    }
}
