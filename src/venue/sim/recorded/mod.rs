//! Recordings as a feed: candles, funding, quotes, trades and books from files.
//!
//! Files are streamed, plain, gzip or zstandard, with the memory of one row, whatever their
//! length. A malformed row is an error that stops; nothing is guessed, skipped or repaired. A
//! hole between bars is not malformed: `market::Series` reports it.

mod bars;
mod folder;
mod lines;
mod merge;
mod number;
mod rows;
mod stream;

pub use bars::{BarFeed, BarFile, Overview, Sniff, guess_symbol};
pub use folder::{FileKind, MANIFEST, Manifest, ManifestFile, Market, open_market};
pub use merge::RecordedFeed;
pub use rows::{RowFeed, RowKind};
pub use stream::StreamFile;
