//! A folder with a whole market: `market.json` names the instruments and the files.

use std::fs;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::bars::{BarFeed, BarFile};
use super::merge::RecordedFeed;
use super::rows::{RowFeed, RowKind};
use super::stream::StreamFile;
use crate::domain::{Category, Instrument, InstrumentId, Instruments, Interval, Symbol, Timestamp};
use crate::venue::feed::{Feed, FeedError, FeedProblem};

/// Name of the description in a market folder.
pub const MANIFEST: &str = "market.json";

/// What a file of a market folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Candles of the manifest's interval.
    Bars,
    /// Funding payments.
    Funding,
    /// Best bids and asks.
    Quotes,
    /// Trades.
    Trades,
    /// Book messages, in the shape of Bybit's v5 stream.
    Book,
}

/// One file of a market folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// What it holds.
    pub kind: FileKind,
    /// Symbol it is about.
    pub symbol: Symbol,
    /// Market of the symbol.
    pub category: Category,
    /// Its name in the folder, without any folder of its own.
    pub name: String,
}

/// Description of a market folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Whether the market was generated. Front ends have to say so.
    pub synthetic: bool,
    /// Seed of a generated market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Interval of all bars.
    pub interval: Interval,
    /// First moment.
    pub start: Timestamp,
    /// Moment after the last bar.
    pub end: Timestamp,
    /// Instruments, in the order of their numbers.
    pub symbols: Vec<Instrument>,
    /// Files.
    pub files: Vec<ManifestFile>,
}

/// An opened market folder.
#[derive(Debug)]
pub struct Market {
    /// Its description.
    pub manifest: Manifest,
    /// The instruments that the feed's numbers refer to.
    pub instruments: Instruments,
    /// All files, merged.
    pub feed: RecordedFeed,
}

impl Manifest {
    /// Reads the description of a market folder.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or names files outside of the folder.
    pub fn read(dir: &Path) -> Result<Self, FeedError> {
        let path = dir.join(MANIFEST);
        let fail = |problem| FeedError::file(&path, problem);
        let text = fs::read_to_string(&path).map_err(|error| fail(FeedProblem::Io(error)))?;
        let manifest: Self = serde_json::from_str(&text).map_err(|e| {
            fail(FeedProblem::Manifest(format!(
                "is no market description: {e}"
            )))
        })?;
        for file in &manifest.files {
            let mut parts = Path::new(&file.name).components();
            let is_plain =
                matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
            if !is_plain {
                let text = format!("file {:?} is not a plain name in the folder", file.name);
                return Err(fail(FeedProblem::Manifest(text)));
            }
        }
        Ok(manifest)
    }

    /// Opens the files as one feed, with the numbers of `instruments`.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened, or is about a symbol that `instruments` does not have.
    pub fn open(&self, dir: &Path, instruments: &Instruments) -> Result<RecordedFeed, FeedError> {
        let mut feeds: Vec<Box<dyn Feed>> = Vec::new();
        for file in &self.files {
            let id = instruments
                .find(file.symbol.as_str(), file.category)
                .map_err(|error| {
                    FeedError::file(
                        &dir.join(MANIFEST),
                        FeedProblem::Manifest(error.to_string()),
                    )
                })?;
            feeds.push(self.open_file(dir, file, id)?);
        }
        Ok(RecordedFeed::new(super::bars::label_of(dir), feeds))
    }

    fn open_file(
        &self,
        dir: &Path,
        file: &ManifestFile,
        id: InstrumentId,
    ) -> Result<Box<dyn Feed>, FeedError> {
        let path = dir.join(&file.name);
        Ok(match file.kind {
            FileKind::Bars => {
                let bars = BarFile::open(&path, id, self.interval)?;
                Box::new(BarFeed::new(bars, Some((self.start, self.end))))
            }
            FileKind::Funding => Box::new(RowFeed::open(&path, RowKind::Funding, id)?),
            FileKind::Quotes => Box::new(RowFeed::open(&path, RowKind::Quotes, id)?),
            FileKind::Trades => Box::new(RowFeed::open(&path, RowKind::Trades, id)?),
            FileKind::Book => Box::new(StreamFile::open(&path, id, file.symbol.clone())?),
        })
    }
}

/// Opens a market folder with its own instruments.
///
/// # Errors
///
/// When its description or one of its files cannot be used.
pub fn open_market(dir: &Path) -> Result<Market, FeedError> {
    let manifest = Manifest::read(dir)?;
    let instruments = Instruments::new(manifest.symbols.clone()).map_err(|error| {
        FeedError::file(
            &dir.join(MANIFEST),
            FeedProblem::Manifest(error.to_string()),
        )
    })?;
    let feed = manifest.open(dir, &instruments)?;
    Ok(Market {
        manifest,
        instruments,
        feed,
    })
}
