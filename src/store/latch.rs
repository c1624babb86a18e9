//! The kill latch on disk: what keeps a stopped account stopped over a restart.
//!
//! It does not decide anything; the kill switch in memory is the latch that trading obeys.
//! Whatever cannot be read counts as stopped: nobody may guess that trading is allowed.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files;
use crate::domain::KillLevel;

/// Reason given for a latch file that cannot be understood.
pub const UNREADABLE: &str = "kill state unreadable";

/// Largest file that is read; a real one has a few hundred bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// State of the latch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatchRecord {
    /// Step of the ladder.
    pub level: KillLevel,
    /// Why, in words.
    pub reason: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Whether a person lowered it while no session ran. Only then may the next session go below
    /// the step that its journal ends with; it takes the mark away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// Whether a risk limit, not a person, caused the step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_limit: bool,
}

/// Where the latch is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatchFile {
    path: PathBuf,
}

impl LatchFile {
    /// Latch file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the latch; `None` when nothing was ever written.
    ///
    /// A damaged file, a link or a folder reads as [`KillLevel::Halted`] with the reason
    /// [`UNREADABLE`].
    ///
    /// # Errors
    ///
    /// When the file system refuses to say whether there is a latch: do not start then.
    pub fn load(&self) -> io::Result<Option<LatchRecord>> {
        let mut bytes = Vec::new();
        let read = files::open_read(&self.path)
            .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(Some(parse(&bytes))),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Ok(None),
                io::ErrorKind::IsADirectory => Ok(Some(parse(&[]))),
                _ if files::is_link(&error) => Ok(Some(parse(&[]))),
                _ => Err(io::Error::new(
                    error.kind(),
                    format!("{}: {}", self.path.display(), files::explain(&error)),
                )),
            },
        }
    }

    /// Writes the latch; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// What the file system says; what was written before still holds then.
    pub fn save(&self, record: &LatchRecord) -> io::Result<()> {
        files::create_folder(files::folder_of(&self.path))?;
        let mut text = serde_json::to_vec_pretty(record)?;
        text.push(b'\n');
        files::replace(&self.path, &text)
    }
}

fn parse(bytes: &[u8]) -> LatchRecord {
    serde_json::from_slice(bytes).unwrap_or_else(|_| LatchRecord {
        level: KillLevel::Halted,
        reason: UNREADABLE.to_owned(),
        at_ms: 0,
        released: false,
        by_limit: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(level: KillLevel) -> LatchRecord {
        LatchRecord {
            level,
            reason: "operator key".to_owned(),
            at_ms: 1_700_000_000_000,
            released: false,
            by_limit: level == KillLevel::Flatten,
        }
    }

    #[test]
    fn every_level_survives_and_missing_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let latch = LatchFile::new(folder.path().join("new/kill.json"));
        assert_eq!(latch.load().unwrap(), None);
        for level in KillLevel::ALL {
            latch.save(&record(level)).unwrap();
            assert_eq!(latch.load().unwrap(), Some(record(level)));
        }
    }

    #[test]
    fn a_file_that_does_not_say_who_caused_it_was_not_a_limit() {
        let old = br#"{"level":"flatten","reason":"operator key","at_ms":1}"#;
        let found = parse(old);
        assert_eq!(
            (found.level, found.released, found.by_limit),
            (KillLevel::Flatten, false, false)
        );
    }

    #[test]
    fn damage_never_reads_as_open() {
        let folder = tempfile::tempdir().unwrap();
        let latch = LatchFile::new(folder.path().join("kill.json"));
        latch.save(&record(KillLevel::Active)).unwrap();
        let good = std::fs::read(latch.path()).unwrap();
        let body = good.len() - 1; // The line end may go missing without a loss.
        for cut in 0..body - 1 {
            std::fs::write(latch.path(), &good[..cut]).unwrap();
            let found = latch.load().unwrap().unwrap();
            assert_eq!(
                (found.level, found.reason.as_str()),
                (KillLevel::Halted, UNREADABLE)
            );
        }
        for text in [
            "{}",
            "null",
            "\0\0\0\0",
            r#"{"level":"open","reason":"","at_ms":0}"#,
        ] {
            std::fs::write(latch.path(), text).unwrap();
            assert_eq!(
                latch.load().unwrap().unwrap().level,
                KillLevel::Halted,
                "{text}"
            );
        }
        std::fs::remove_file(latch.path()).unwrap();
        std::fs::create_dir(latch.path()).unwrap();
        assert_eq!(latch.load().unwrap().unwrap().level, KillLevel::Halted);
    }
}
