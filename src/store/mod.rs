//! What outlives the process: the journal, the kill latch on disk, the lock of a state folder.
//!
//! Everything here is plain blocking file work. Nothing decides about trading, and nothing reads
//! a clock: the moments that are written come with what is written.

pub mod files;
pub mod journal;
pub mod latch;
pub mod lock;

pub use journal::{
    FORMAT, Header, Journal, JournalError, LegHeader, Position, Reader, Record, RecordRef, Resumed,
    Summary, Writer, verify,
};
pub use latch::{LatchFile, LatchRecord};
pub use lock::{Lock, LockError};
