//! Why a journal cannot be used, in one line each.

use std::io;

use crate::store::files;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file begins with something else.
    #[error("{name} is not a journal: name the journal.ttj of a session")]
    NotAJournal {
        /// File it is about.
        name: String,
    },
    /// The file ends before its header does: its session never began.
    #[error("{name} holds no session: it ends after {bytes} bytes, inside its header")]
    Empty {
        /// File it is about.
        name: String,
        /// Length of the file.
        bytes: u64,
    },
    /// Written by a build with another format.
    #[error(
        "{name} has journal format {found}, this build reads format {supported}: use the build \
         that wrote it"
    )]
    OtherVersion {
        /// File it is about.
        name: String,
        /// Format of the file.
        found: u32,
        /// Format of this build.
        supported: u32,
    },
    /// The header is not what was written.
    #[error("{name} has a damaged header: {what}")]
    Header {
        /// File it is about.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// A record is not what was written, and a crash does not explain it.
    #[error(
        "{name} is damaged at byte {offset}, record {record}: {what}; everything before is whole, \
         restore the rest from a copy"
    )]
    Damaged {
        /// File it is about.
        name: String,
        /// Where the bad record begins, in bytes from the start of the file.
        offset: u64,
        /// Number of the bad record, from 1.
        record: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The file ends inside a record, as after a crash.
    #[error(
        "{name} ends inside record {record}, which begins at byte {offset}: the process was killed \
         while it wrote; `tradeterm report` reads up to there"
    )]
    Torn {
        /// File it is about.
        name: String,
        /// Where the cut record begins: everything before is whole.
        offset: u64,
        /// Number of the cut record, from 1.
        record: u64,
    },
    /// A journal is never written over.
    #[error("{name} exists already: a journal is never overwritten")]
    Exists {
        /// File it is about.
        name: String,
    },
    /// The file system refused.
    #[error("cannot {doing} {name}: {}", files::explain(source))]
    Io {
        /// File it is about.
        name: String,
        /// What was tried: "open", "read", "create", "trim".
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl JournalError {
    /// Wraps an error of the file system.
    pub(super) fn io(name: &str, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| JournalError::Io {
            name: name.to_owned(),
            doing,
            source,
        }
    }
}
