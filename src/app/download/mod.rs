//! `tradeterm download`: history from the venue's public data, as recordings.
//!
//! Bars are collected page by page in a file whose name ends in `.part`; only a whole range
//! becomes a recording with its description (`market.json`, written last). What was interrupted
//! goes on where it stopped. A bar that is still open is never written, and a missing one is
//! never made up: gaps are named. No key is read.

mod dates;
mod fetch;
mod part;
mod plan;
mod store;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use dates::{DateError, parse_date};
pub use fetch::PAUSES_MS;
use fetch::Source;
use part::Part;
use plan::Plan;
pub use plan::{Gap, Range};
use store::Folder;

use crate::app::doctor::access::Trouble;
use crate::domain::{BarError, Category, Interval, Symbol, Timestamp};
use crate::store::files;
use crate::venue::bybit::clock::WallClock;
use crate::venue::bybit::hosts::{Environment, Hosts};
use crate::venue::bybit::rest::RestClient;
use crate::venue::feed::FeedError;
use crate::venue::sim::recorded::FileKind;

/// What is to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadRequest {
    /// Symbol.
    pub symbol: Symbol,
    /// Market of the symbol.
    pub category: Category,
    /// Length of the bars.
    pub interval: Interval,
    /// First moment.
    pub from: Timestamp,
    /// Moment behind the last one.
    pub to: Timestamp,
    /// Whether funding payments are wanted as well.
    pub funding: bool,
    /// Folder of the recordings.
    pub out: PathBuf,
    /// Pauses before asking again after no answer, in ms; usually [`PAUSES_MS`].
    pub pauses_ms: Vec<u64>,
}

/// What became of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The range whose bars had ended, on the grid.
    pub range: Range,
    /// Whether some of it was asked for before it had ended.
    pub is_cut: bool,
    /// Bars in the file; `None` when they were there already.
    pub n_bars: Option<u64>,
    /// Bars that an interrupted download had left.
    pub n_resumed: u64,
    /// Funding payments that were written.
    pub n_funding: Option<u64>,
    /// What the venue does not have.
    pub gaps: Vec<Gap>,
    /// Files that were written.
    pub files: Vec<PathBuf>,
}

/// Why there is no download.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Nothing lies between the two ends.
    #[error("no {interval} bar opens from {from} to before {to}: give a later --to")]
    Empty {
        /// First moment.
        from: Timestamp,
        /// Moment behind the last one.
        to: Timestamp,
        /// Length of the bars.
        interval: Interval,
    },
    /// Nothing has ended yet.
    #[error("no {interval} bar from {from} on has ended at {now}: give an earlier --from")]
    Future {
        /// First moment.
        from: Timestamp,
        /// The venue's time.
        now: Timestamp,
        /// Length of the bars.
        interval: Interval,
    },
    /// Funding of a market without.
    #[error("spot pays no funding: leave --funding out, or use --category linear")]
    NoFunding,
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
    /// A row that is no bar.
    #[error("the venue's answer cannot be used: {0}")]
    BadBar(#[from] BarError),
    /// The venue fell silent in the middle.
    #[error(
        "{cause}; {n_kept} bars are kept in {}: the same command goes on from there",
        path.display()
    )]
    Interrupted {
        /// What happened.
        cause: Box<DownloadError>,
        /// Bars so far.
        n_kept: u64,
        /// Where they are.
        path: PathBuf,
    },
    /// The venue has nothing in the whole range.
    #[error("{host} has no {interval} bar of {symbol} from {from} to {to}: try a later range")]
    NoBars {
        /// Host that was asked.
        host: String,
        /// Symbol.
        symbol: Symbol,
        /// Length of the bars.
        interval: Interval,
        /// First moment.
        from: Timestamp,
        /// Moment behind the last one.
        to: Timestamp,
    },
    /// Another process downloads the same.
    #[error("{} is being written by another download: wait for it", path.display())]
    Busy {
        /// Its file.
        path: PathBuf,
    },
    /// An unfinished download of something else lies in the way.
    #[error(
        "{} is a part of another download than {wanted}: remove it, or name another --out",
        path.display()
    )]
    OtherPart {
        /// Its file.
        path: PathBuf,
        /// What this one is.
        wanted: String,
    },
    /// The folder holds another market.
    #[error("{} describes {holds}: name another --out", path.display())]
    OtherMarket {
        /// Its description.
        path: PathBuf,
        /// What it says.
        holds: String,
    },
    /// The folder's description cannot be read.
    #[error(transparent)]
    Manifest(FeedError),
    /// A file cannot be written.
    #[error("cannot write {}: {}", path.display(), files::explain(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DownloadError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// What is told while a download runs: bars whose turn has passed, of all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Downloads what `request` says from `client`, whose hosts are `hosts`.
///
/// # Errors
///
/// [`DownloadError`]; what was fetched before is kept for the next call.
pub async fn download(
    client: &RestClient,
    hosts: &Hosts,
    clock: &dyn WallClock,
    request: &DownloadRequest,
    progress: Progress<'_>,
) -> Result<Downloaded, DownloadError> {
    let interval = request.interval;
    let (from, to) = (request.from, request.to);
    let whole =
        Range::new(from, to, interval).ok_or(DownloadError::Empty { from, to, interval })?;
    if request.funding && request.category == Category::Spot {
        return Err(DownloadError::NoFunding);
    }
    client.sync_clock().await.map_err(Trouble::from)?;
    let source = Source {
        client,
        clock,
        request,
    };
    let now = client.venue_now();
    let listed = source.listed().await?;
    let range = whole
        .closed_at(now, interval)
        .ok_or(DownloadError::Future {
            from,
            now,
            interval,
        })?;
    let folder = Folder::open(request)?;
    folder.check(range)?;
    let mut done = Downloaded {
        range,
        is_cut: range != whole,
        n_bars: None,
        n_resumed: 0,
        n_funding: None,
        gaps: Vec::new(),
        files: Vec::new(),
    };
    let mut kinds = Vec::new();
    let mut part = None;
    if folder.has(FileKind::Bars) {
        folder.clear_part()?;
    } else {
        let opened = Part::open(&folder.part_path(), &label(hosts, request, range), interval)?;
        done.n_resumed = opened.n_rows();
        let collected = collect(&source, opened, range, progress).await?;
        kinds.push(FileKind::Bars);
        part = Some(collected);
    }
    // The bars stay a part until all is there: what is fetched last may fail as well.
    if request.funding && !folder.has(FileKind::Funding) {
        let payments = match (source.funding(range).await, &part) {
            (Err(cause), Some(part)) => return Err(interrupted(cause, part)),
            (payments, _) => payments?,
        };
        folder.write_funding(&payments)?;
        kinds.push(FileKind::Funding);
        done.n_funding = Some(payments.len() as u64);
        done.files.push(folder.funding_path());
    }
    if let Some(part) = &mut part {
        let (n_bars, gaps) = folder.write_bars(part, range)?;
        done.n_bars = Some(n_bars);
        done.gaps = gaps;
        done.files.insert(0, folder.bars_path());
    }
    if !kinds.is_empty() {
        folder.describe(listed.instrument, range, &kinds)?;
    }
    if let Some(part) = part {
        let path = part.path().to_owned();
        std::fs::remove_file(&path).map_err(|source| DownloadError::io(&path, source))?;
    }
    Ok(done)
}

/// What a part is a part of. The end of the range is left out: it may move.
fn label(hosts: &Hosts, request: &DownloadRequest, range: Range) -> String {
    let venue = match hosts.environment() {
        Some(Environment::Mainnet) => "mainnet",
        Some(Environment::Testnet) => "testnet",
        Some(Environment::Demo) => "demo",
        None => "local",
    };
    format!(
        "tradeterm download, {venue} {} {} {} from {}",
        request.category, request.symbol, request.interval, range.from
    )
}

/// Fetches every page that is missing in the part.
async fn collect(
    source: &Source<'_>,
    mut part: Part,
    range: Range,
    progress: Progress<'_>,
) -> Result<Part, DownloadError> {
    let interval = source.request.interval;
    let mut plan = Plan::new(interval, range);
    if let Some(last) = part.last() {
        plan.skip_to(last.plus_millis(interval.millis()));
    }
    let total = range.n_bars(interval);
    while let Some(page) = plan.next() {
        let fetched = match source.bars(interval, page).await {
            Ok((rows, now)) => plan.take(&rows, now).map_err(DownloadError::from),
            Err(error) => Err(error),
        };
        let bars = match fetched {
            Ok(bars) => bars,
            Err(cause) => return Err(interrupted(cause, &part)),
        };
        part.append(&bars)?;
        if bars.is_empty() && plan.next().is_some() {
            match source.first_day(plan.cursor(), range.to).await {
                Ok(day) => plan.skip_to(day.unwrap_or(range.to)),
                Err(cause) => return Err(interrupted(cause, &part)),
            }
        }
        let passed = plan.cursor().since(range.from) / interval.millis();
        progress(u64::try_from(passed).unwrap_or(0), total);
    }
    if part.is_empty_before(range.to, interval)? {
        return Err(DownloadError::NoBars {
            host: source.client.host().to_owned(),
            symbol: source.request.symbol.clone(),
            interval,
            from: range.from,
            to: range.to,
        });
    }
    Ok(part)
}

/// An error in the middle; what is kept is only worth a word when there is something.
fn interrupted(cause: DownloadError, part: &Part) -> DownloadError {
    if part.n_rows() == 0 {
        return cause;
    }
    DownloadError::Interrupted {
        cause: Box::new(cause),
        n_kept: part.n_rows(),
        path: part.path().to_owned(),
    }
}

impl Downloaded {
    /// Missing bars of all gaps.
    #[must_use]
    pub fn n_missing(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.n_bars).sum()
    }

    /// What became of `request`, as one JSON object.
    #[must_use]
    pub fn to_json(&self, request: &DownloadRequest) -> Value {
        let gap = |gap: &Gap| {
            json!({
                "symbol": gap.symbol, "from": gap.from.to_string(), "to": gap.to.to_string(),
                "bars": gap.n_bars,
            })
        };
        json!({
            "v": 1,
            "symbol": request.symbol,
            "category": request.category,
            "interval": request.interval,
            "from": self.range.from.to_string(),
            "to": self.range.to.to_string(),
            "cut": self.is_cut,
            "bars": self.n_bars,
            "resumed": self.n_resumed,
            "funding": self.n_funding,
            "missing": self.n_missing(),
            "gaps": self.gaps.iter().map(gap).collect::<Vec<_>>(),
            "folder": request.out,
            "files": self.files,
        })
    }
}
