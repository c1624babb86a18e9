//! The files of a recording: whole lines, and a description that grows with them.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::RecordingError;
use crate::domain::{
    BookUpdate, Category, Instrument, InstrumentId, Interval, Level, MarketEvent, Side, Symbol,
    Timestamp,
};
use crate::store::files;
use crate::venue::bybit::feed::Depth;
use crate::venue::sim::recorded::{FileKind, MANIFEST, Manifest, ManifestFile};

/// Bytes that may wait in memory for their file.
const MOST_PENDING: usize = 1 << 18;

/// What a folder is about.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub(super) dir: &'a Path,
    /// In the order of their numbers.
    pub(super) instruments: Vec<Instrument>,
    pub(super) interval: Interval,
    pub(super) depth: Option<Depth>,
    /// Whether the venue is one on this machine, whose market is not a real one.
    pub(super) synthetic: bool,
    pub(super) start: Timestamp,
}

/// The open files of a recording.
#[derive(Debug)]
pub(super) struct Folder {
    manifest: Manifest,
    dir: PathBuf,
    levels: usize,
    /// By the number of the instrument.
    outputs: Vec<Vec<Output>>,
    pub(super) n_crossed: u64,
}

/// One file.
#[derive(Debug)]
struct Output {
    entry: ManifestFile,
    path: PathBuf,
    file: File,
    /// Whole lines that are not in the file yet.
    pending: Vec<u8>,
    /// Time of the last row; rows never run back.
    last: Timestamp,
    n_rows: u64,
}

impl Folder {
    /// Makes the folder and its files; none of them may be there.
    pub(super) fn create(about: About<'_>) -> Result<Self, RecordingError> {
        let dir = about.dir;
        std::fs::create_dir_all(dir).map_err(|source| RecordingError::io(dir, source))?;
        let manifest = dir.join(MANIFEST);
        if manifest.exists() {
            return Err(RecordingError::Exists(manifest));
        }
        let mut outputs = Vec::new();
        for instrument in &about.instruments {
            let kinds = kinds(instrument, about.depth);
            let made = kinds
                .into_iter()
                .map(|kind| Output::create(dir, instrument, kind, about.interval));
            outputs.push(made.collect::<Result<Vec<_>, _>>()?);
        }
        let mut folder = Self {
            manifest: Manifest {
                synthetic: about.synthetic,
                seed: None,
                interval: about.interval,
                start: about.start,
                end: about.start,
                symbols: about.instruments,
                files: Vec::new(),
            },
            dir: dir.to_owned(),
            levels: about.depth.map_or(1, Depth::levels),
            outputs,
            n_crossed: 0,
        };
        folder.flush()?;
        folder.describe()?;
        Ok(folder)
    }

    /// Takes an event with its time. Rows of a file never run back: one that would gets the time
    /// of the row before it. Says whether it was the first bar of its file.
    pub(super) fn write(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
    ) -> Result<bool, RecordingError> {
        let kind = match event {
            MarketEvent::Bar(bar) if bar.confirmed => FileKind::Bars,
            MarketEvent::Funding(_) => FileKind::Funding,
            MarketEvent::Quote(quote) if quote.ask <= quote.bid => {
                self.n_crossed += 1;
                return Ok(false);
            }
            MarketEvent::Quote(_) => FileKind::Quotes,
            MarketEvent::Trade(_) => FileKind::Trades,
            MarketEvent::Book(_) => FileKind::Book,
            // The open price is in the bar's row; mark prices have no file.
            MarketEvent::Bar(_) | MarketEvent::BarOpen { .. } | MarketEvent::Mark { .. } => {
                return Ok(false);
            }
        };
        let outputs = self.outputs.get_mut(event.instrument().index());
        let found = outputs.and_then(|all| all.iter_mut().find(|output| output.entry.kind == kind));
        let Some(output) = found else {
            return Ok(false);
        };
        if let MarketEvent::Bar(bar) = event {
            // A bar is written once.
            if 0 < output.n_rows && bar.bar.open_time <= output.last {
                return Ok(false);
            }
            output.last = bar.bar.open_time;
            self.manifest.start = self.manifest.start.min(bar.bar.open_time);
        } else {
            output.last = output.last.max(at);
        }
        self.manifest.end = self.manifest.end.max(at);
        output.n_rows += 1;
        output.line(event, self.levels);
        if MOST_PENDING <= output.pending.len() {
            output.flush()?;
        }
        Ok(kind == FileKind::Bars && output.n_rows == 1)
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<(), RecordingError> {
        self.outputs
            .iter_mut()
            .flatten()
            .try_for_each(Output::flush)
    }

    /// Renews the description. A file of bars without a bar is left out: it could not be read.
    pub(super) fn describe(&mut self) -> Result<(), RecordingError> {
        self.manifest.files = self
            .outputs
            .iter()
            .flatten()
            .filter(|output| output.entry.kind != FileKind::Bars || 0 < output.n_rows)
            .map(|output| output.entry.clone())
            .collect();
        let path = self.dir.join(MANIFEST);
        let fail = |source| RecordingError::io(&path, source);
        let mut text =
            serde_json::to_vec_pretty(&self.manifest).map_err(|e| fail(io::Error::other(e)))?;
        text.push(b'\n');
        files::replace(&path, &text).map_err(fail)
    }

    /// Writes everything through to the disk; the description last.
    pub(super) fn finish(&mut self) -> Result<(), RecordingError> {
        self.flush()?;
        for output in self.outputs.iter().flatten() {
            let synced = output.file.sync_all();
            synced.map_err(|source| RecordingError::io(&output.path, source))?;
        }
        self.describe()
    }

    /// Symbol of an instrument.
    pub(super) fn symbol(&self, instrument: InstrumentId) -> Option<&Symbol> {
        let rules = self.manifest.symbols.get(instrument.index())?;
        Some(&rules.symbol)
    }

    /// First and last moment.
    pub(super) const fn span(&self) -> (Timestamp, Timestamp) {
        (self.manifest.start, self.manifest.end)
    }

    /// Rows of each file.
    pub(super) fn rows(&self) -> Vec<(FileKind, u64)> {
        let outputs = self.outputs.iter().flatten();
        outputs
            .map(|output| (output.entry.kind, output.n_rows))
            .collect()
    }

    /// Files that the description names.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let names = self.manifest.files.iter();
        names.map(|file| self.dir.join(&file.name)).collect()
    }
}

/// What is recorded of an instrument.
fn kinds(instrument: &Instrument, depth: Option<Depth>) -> Vec<FileKind> {
    let mut kinds = vec![FileKind::Bars, FileKind::Quotes, FileKind::Trades];
    if depth.is_some() {
        kinds.push(FileKind::Book);
    }
    if instrument.category == Category::Linear {
        kinds.push(FileKind::Funding);
    }
    kinds
}

impl Output {
    fn create(
        dir: &Path,
        instrument: &Instrument,
        kind: FileKind,
        interval: Interval,
    ) -> Result<Self, RecordingError> {
        let (category, symbol) = (instrument.category, &instrument.symbol);
        let (ending, header) = match kind {
            FileKind::Bars => (
                format!("{interval}.csv"),
                "ts_ms,open,high,low,close,volume\n",
            ),
            FileKind::Funding => ("funding.csv".to_owned(), "ts_ms,funding_rate\n"),
            FileKind::Quotes => ("quotes.csv".to_owned(), "ts_ms,bid,bid_qty,ask,ask_qty\n"),
            FileKind::Trades => (
                "trades.csv".to_owned(),
                "ts_ms,price,size,taker_side,trade_id\n",
            ),
            FileKind::Book => ("book.jsonl".to_owned(), ""),
        };
        let name = format!("bybit_{category}_{symbol}_{ending}");
        let path = dir.join(&name);
        let file = files::create_new(&path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => RecordingError::Exists(path.clone()),
            _ => RecordingError::io(&path, source),
        })?;
        Ok(Self {
            entry: ManifestFile {
                kind,
                symbol: symbol.clone(),
                category,
                name,
            },
            path,
            file,
            pending: header.as_bytes().to_vec(),
            last: Timestamp::default(),
            n_rows: 0,
        })
    }

    /// One event as a line behind the others.
    fn line(&mut self, event: &MarketEvent, levels: usize) {
        let ms = self.last.millis();
        let text = match event {
            MarketEvent::Bar(event) => {
                let b = &event.bar;
                format!(
                    "{ms},{},{},{},{},{}\n",
                    b.open, b.high, b.low, b.close, b.volume
                )
            }
            MarketEvent::Funding(f) => format!("{ms},{}\n", f.rate),
            MarketEvent::Quote(q) => {
                format!("{ms},{},{},{},{}\n", q.bid, q.bid_qty, q.ask, q.ask_qty)
            }
            MarketEvent::Trade(t) => {
                let side = match t.taker {
                    Side::Buy => "Buy",
                    Side::Sell => "Sell",
                };
                format!("{ms},{},{},{side},{}\n", t.price, t.qty, self.n_rows)
            }
            MarketEvent::Book(update) => book_line(self.entry.symbol.as_str(), levels, ms, update),
            MarketEvent::BarOpen { .. } | MarketEvent::Mark { .. } => return,
        };
        self.pending.extend_from_slice(text.as_bytes());
    }

    /// Hands whole lines to the system, so that what ends the process cuts none of them.
    fn flush(&mut self) -> Result<(), RecordingError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&self.pending);
        written.map_err(|source| RecordingError::io(&self.path, source))?;
        self.pending.clear();
        Ok(())
    }
}

/// A book message in the shape of Bybit's `orderbook` topics.
fn book_line(symbol: &str, levels: usize, ms: i64, update: &BookUpdate) -> String {
    let kind = if update.snapshot { "snapshot" } else { "delta" };
    let u = update.update_id;
    let bids = side_text(&update.bids);
    let asks = side_text(&update.asks);
    format!(
        "{{\"topic\":\"orderbook.{levels}.{symbol}\",\"type\":\"{kind}\",\"ts\":{ms},\
         \"data\":{{\"s\":\"{symbol}\",\"b\":[{bids}],\"a\":[{asks}],\"u\":{u},\"seq\":{u}}},\
         \"cts\":{ms}}}\n"
    )
}

fn side_text(levels: &[Level]) -> String {
    let rows: Vec<String> = levels
        .iter()
        .map(|level| format!("[\"{}\",\"{}\"]", level.price, level.qty))
        .collect();
    rows.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PublicTrade, Quote};
    use crate::venue::feed::Feed;
    use crate::venue::sim::instruments::shipped;
    use crate::venue::sim::recorded::open_market;

    const START: i64 = 1_767_571_200_000;

    fn about(dir: &Path) -> About<'_> {
        let all = shipped();
        let id = all.find("BTCUSDT", Category::Linear).unwrap();
        About {
            dir,
            instruments: vec![all.get(id).clone()],
            interval: "1m".parse().unwrap(),
            depth: Some(Depth::L50),
            synthetic: false,
            start: Timestamp::from_millis(START),
        }
    }

    fn trade(price: &str) -> MarketEvent {
        MarketEvent::Trade(PublicTrade {
            instrument: InstrumentId(0),
            price: price.parse().unwrap(),
            qty: "1".parse().unwrap(),
            taker: Side::Buy,
        })
    }

    fn times(dir: &Path) -> Vec<i64> {
        let mut feed = open_market(dir).unwrap().feed;
        std::iter::from_fn(|| feed.next())
            .map(|item| item.unwrap().0.millis() - START)
            .collect()
    }

    #[test]
    fn a_folder_opens_from_its_first_moment_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(about(dir.path())).unwrap();
        assert_eq!(times(dir.path()), Vec::<i64>::new());
        let at = |ms: i64| Timestamp::from_millis(START + ms);
        folder.write(at(7), &trade("60000")).unwrap();
        // Nothing of a line is in the file before all of it is.
        assert_eq!(times(dir.path()), Vec::<i64>::new());
        folder.flush().unwrap();
        assert_eq!(times(dir.path()), [7]);
    }

    #[test]
    fn times_never_run_back_and_crossed_quotes_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::create(about(dir.path())).unwrap();
        let at = |ms: i64| Timestamp::from_millis(START + ms);
        for ms in [5, 3, 9] {
            folder.write(at(ms), &trade("60000")).unwrap();
        }
        let crossed = MarketEvent::Quote(Quote {
            instrument: InstrumentId(0),
            bid: "60001".parse().unwrap(),
            bid_qty: "1".parse().unwrap(),
            ask: "60001".parse().unwrap(),
            ask_qty: "1".parse().unwrap(),
        });
        folder.write(at(9), &crossed).unwrap();
        folder.finish().unwrap();
        assert_eq!(times(dir.path()), [5, 5, 9]);
        assert_eq!(folder.n_crossed, 1);
        assert_eq!(folder.span(), (at(0), at(9)));
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        drop(Folder::create(about(dir.path())).unwrap());
        let error = Folder::create(about(dir.path())).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
        std::fs::remove_file(dir.path().join(MANIFEST)).unwrap();
        let error = Folder::create(about(dir.path())).unwrap_err();
        assert!(error.to_string().contains("exists already"), "{error}");
    }
}
