//! A generated market as a folder of files, in the formats that `recorded` reads.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::feed::SynthFeed;
use super::spec::{SynthError, SynthSpec};
use crate::domain::{BookUpdate, Instrument, Level, MarketEvent, Side, Timestamp};
use crate::venue::feed::{Feed, FeedError};
use crate::venue::sim::recorded::{FileKind, MANIFEST, Manifest, ManifestFile};

/// Why a market cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The spec does not fit together.
    #[error(transparent)]
    Spec(#[from] SynthError),
    /// The market came to an end too early.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The folder holds a market already.
    #[error("{0} exists already; name another folder or remove it")]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("{file}: {source}")]
    Io {
        /// File that was written.
        file: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// Writes the market of a spec into a folder, which is made when it does not exist: per symbol
/// bars, and quotes, books, trades and funding where the spec has them; `market.json` last, so
/// that a folder that has it is whole. The same spec gives the same bytes.
///
/// # Errors
///
/// When the spec does not fit together, the folder holds a market already, or a file cannot be
/// written.
pub fn write_market(spec: &SynthSpec, dir: &Path) -> Result<Manifest, WriteError> {
    let mut feed = SynthFeed::new(spec)?;
    let at = |file: &Path| {
        let file = file.to_owned();
        move |source| WriteError::Io { file, source }
    };
    fs::create_dir_all(dir).map_err(at(dir))?;
    let manifest_path = dir.join(MANIFEST);
    if manifest_path.exists() {
        return Err(WriteError::Exists(manifest_path));
    }
    let mut outputs = Vec::new();
    for (instrument, _) in &spec.symbols {
        outputs.push(SymbolFiles::create(spec, instrument, dir)?);
    }
    while let Some(item) = feed.next() {
        let (time, event) = item?;
        outputs[event.instrument().index()].write(time, &event)?;
    }
    let mut files = Vec::new();
    for output in outputs {
        files.extend(output.finish()?);
    }
    let manifest = Manifest {
        synthetic: true,
        seed: Some(spec.seed),
        interval: spec.interval,
        start: spec.start,
        end: spec.end(),
        symbols: spec.symbols.iter().map(|(i, _)| i.clone()).collect(),
        files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| at(&manifest_path)(io::Error::other(error)))?;
    text.push(b'\n');
    fs::write(&manifest_path, text).map_err(at(&manifest_path))?;
    Ok(manifest)
}

/// The files of one symbol.
struct SymbolFiles {
    symbol: String,
    outputs: Vec<Output>,
    n_trades: u64,
}

struct Output {
    entry: ManifestFile,
    path: PathBuf,
    sink: Sink,
}

enum Sink {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Sink {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Sink::Plain(file) => file,
            Sink::Gzip(encoder) => encoder,
        }
    }
}

impl SymbolFiles {
    fn create(spec: &SynthSpec, instrument: &Instrument, dir: &Path) -> Result<Self, WriteError> {
        let symbol = instrument.symbol.to_string();
        // Spot and perpetual of one symbol may stand side by side.
        let is_twin = |other: &Instrument| {
            other.symbol == instrument.symbol && other.category != instrument.category
        };
        let prefix = if spec.symbols.iter().any(|(other, _)| is_twin(other)) {
            format!("{}_{symbol}", instrument.category)
        } else {
            symbol.clone()
        };
        let has_book =
            spec.books_every_ms.is_some() && spec.book_symbols.contains(&instrument.symbol);
        let interval = spec.interval;
        let wanted = [
            (true, FileKind::Bars, format!("{interval}.csv.gz")),
            (
                0 < instrument.funding_hours,
                FileKind::Funding,
                "funding.csv".to_owned(),
            ),
            (
                spec.quotes_every_ms.is_some(),
                FileKind::Quotes,
                "quotes.csv.gz".to_owned(),
            ),
            (has_book, FileKind::Book, "book.jsonl.gz".to_owned()),
            (spec.trades, FileKind::Trades, "trades.csv.gz".to_owned()),
        ];
        let mut outputs = Vec::new();
        for (_, kind, ending) in wanted.into_iter().filter(|(is_wanted, _, _)| *is_wanted) {
            let entry = ManifestFile {
                kind,
                symbol: instrument.symbol.clone(),
                category: instrument.category,
                name: format!("{prefix}_{ending}"),
            };
            outputs.push(Output::create(entry, dir)?);
        }
        Ok(Self {
            symbol,
            outputs,
            n_trades: 0,
        })
    }

    fn write(&mut self, at: Timestamp, event: &MarketEvent) -> Result<(), WriteError> {
        let kind = match event {
            MarketEvent::Bar(_) => FileKind::Bars,
            MarketEvent::Funding(_) => FileKind::Funding,
            MarketEvent::Quote(_) => FileKind::Quotes,
            MarketEvent::Book(_) => FileKind::Book,
            MarketEvent::Trade(_) => FileKind::Trades,
            // The open price is in the bar's row; mark prices are not generated.
            MarketEvent::BarOpen { .. } | MarketEvent::Mark { .. } => return Ok(()),
        };
        let Some(output) = self.outputs.iter_mut().find(|o| o.entry.kind == kind) else {
            return Ok(());
        };
        if kind == FileKind::Trades {
            self.n_trades += 1;
        }
        let row = row(&self.symbol, at, event, self.n_trades);
        let written = output.sink.writer().write_all(row.as_bytes());
        written.map_err(|source| output.error(source))
    }

    fn finish(self) -> Result<Vec<ManifestFile>, WriteError> {
        self.outputs.into_iter().map(Output::finish).collect()
    }
}

impl Output {
    fn create(entry: ManifestFile, dir: &Path) -> Result<Self, WriteError> {
        let path = dir.join(&entry.name);
        let file = File::create(&path).map_err(|source| WriteError::Io {
            file: path.clone(),
            source,
        })?;
        let file = BufWriter::with_capacity(1 << 16, file);
        let mut output = Self {
            sink: if path.extension().is_some_and(|e| e == "gz") {
                Sink::Gzip(GzEncoder::new(file, Compression::new(4)))
            } else {
                Sink::Plain(file)
            },
            entry,
            path,
        };
        let header = match output.entry.kind {
            FileKind::Bars => "ts_ms,open,high,low,close,volume\n",
            FileKind::Funding => "ts_ms,funding_rate\n",
            FileKind::Quotes => "ts_ms,bid,bid_qty,ask,ask_qty\n",
            FileKind::Trades => "ts_ms,price,size,taker_side,trade_id\n",
            FileKind::Book => "",
        };
        let written = output.sink.writer().write_all(header.as_bytes());
        written.map_err(|source| output.error(source))?;
        Ok(output)
    }

    fn error(&self, source: io::Error) -> WriteError {
        WriteError::Io {
            file: self.path.clone(),
            source,
        }
    }

    fn finish(self) -> Result<ManifestFile, WriteError> {
        let file = self.path;
        let flushed = match self.sink {
            Sink::Plain(mut writer) => writer.flush(),
            Sink::Gzip(encoder) => encoder.finish().and_then(|mut writer| writer.flush()),
        };
        flushed.map_err(|source| WriteError::Io { file, source })?;
        Ok(self.entry)
    }
}

/// One event as a line.
fn row(symbol: &str, at: Timestamp, event: &MarketEvent, n_trades: u64) -> String {
    let ms = at.millis();
    match event {
        MarketEvent::Bar(event) => {
            let b = &event.bar;
            let ms = b.open_time.millis();
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
            format!("{ms},{},{},{side},{n_trades}\n", t.price, t.qty)
        }
        MarketEvent::Book(update) => book_line(symbol, ms, update),
        MarketEvent::BarOpen { .. } | MarketEvent::Mark { .. } => String::new(),
    }
}

/// A book message in the shape of Bybit's `orderbook.50` topic.
fn book_line(symbol: &str, ms: i64, update: &BookUpdate) -> String {
    let kind = if update.snapshot { "snapshot" } else { "delta" };
    let u = update.update_id;
    let bids = side_text(&update.bids);
    let asks = side_text(&update.asks);
    format!(
        "{{\"topic\":\"orderbook.50.{symbol}\",\"type\":\"{kind}\",\"ts\":{ms},\
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
