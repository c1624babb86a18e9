//! The journal: every input of the engine and what it led to, append-only and checksummed.
//!
//! ```text
//! 8 bytes   magic
//! u32       format version            all integers little-endian
//! u32       length of the header
//! u32       CRC-32 of (version, length, header)
//! header    JSON, see [`Header`]
//! then, for each record:
//! u32       length of the payload, 1 to 4 MiB
//! u32       CRC-32 of (checksum of what came before, payload)
//! payload   postcard form of [`Record`]
//! ```
//!
//! Each checksum takes in its predecessor, so a record cannot be changed, moved or left out in
//! the middle without breaking the chain. That is evidence of damage, not of malice: CRC-32 is no
//! signature. A file that was cut at a record's end is whole; only [`Summary::closed`] tells it
//! from a session that ended in order.
//!
//! Two ways to read: a [`Reader`] takes nothing that is not perfect, for replays and reports; a
//! [`Writer::resume`] first trims what a crash may have left behind the last whole record, and
//! refuses everything a crash cannot explain.

mod error;
mod frame;
mod reader;
mod record;
mod writer;

pub use error::JournalError;
pub use frame::FORMAT;
pub use reader::{Journal, Reader, Recovered, Summary, recover, verify};
pub use record::{Header, LegHeader, Record, RecordRef};
pub use writer::{Position, Resumed, Writer};
