//! Where the sessions of a mode are kept, and which of them goes on.

use std::path::{Path, PathBuf};

use crate::store::{Journal, JournalError, Record};

/// File name of a session's journal.
const JOURNAL: &str = "journal.ttj";

/// Folder of the sessions of one mode: `sessions/0001`, `sessions/0002`, and so on.
#[derive(Debug, Clone)]
pub struct SessionFolder {
    root: PathBuf,
}

impl SessionFolder {
    /// Sessions under the state folder of a mode.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self {
            root: state.join("sessions"),
        }
    }

    /// Journals, oldest first.
    #[must_use]
    pub fn journals(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join(JOURNAL))
            .filter(|path| path.is_file())
            .collect();
        found.sort();
        found
    }

    /// Path of the next session's journal.
    #[must_use]
    pub fn next(&self) -> PathBuf {
        let newest = std::fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .max()
            .unwrap_or(0);
        self.root.join(format!("{:04}", newest + 1)).join(JOURNAL)
    }
}

/// The newest journal, when it belongs to this configuration and was not closed in order.
///
/// # Errors
///
/// When the newest journal is damaged before its end: going on would guess.
pub fn newest_unfinished(
    sessions: &SessionFolder,
    config_hash: &str,
) -> Result<Option<PathBuf>, JournalError> {
    let Some(path) = sessions.journals().pop() else {
        return Ok(None);
    };
    let mut journal = match Journal::open(&path) {
        Ok(journal) => journal,
        // A crash while the very first bytes were written: nothing has happened yet.
        Err(JournalError::Empty { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    if journal.header().config_hash != config_hash {
        return Ok(None);
    }
    let is_closed = journal
        .by_ref()
        .any(|record| matches!(record, Ok(Record::Close { .. })));
    Ok((!is_closed).then_some(path))
}
