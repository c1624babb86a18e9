//! The five folders of an installation: settings, data, state, cache, runtime.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::domain::Mode;

/// Name of our folder inside the platform's.
const NAME: &str = "tradeterm";

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Settings, themes, key maps.
    pub config: PathBuf,
    /// Models, recordings, reports.
    pub data: PathBuf,
    /// Journals, latches, locks, logs.
    pub state: PathBuf,
    /// What can be made again.
    pub cache: PathBuf,
    /// What belongs to a running process: the `KILL` file.
    pub runtime: PathBuf,
}

/// Why there is no place to keep things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    /// The platform does not say where.
    #[error(
        "cannot tell where your files are kept ({cause}): set HOME, or name a folder with --home"
    )]
    NoHome {
        /// What is missing.
        cause: String,
    },
    /// A folder cannot be made.
    #[error("cannot make the folder {path} ({cause}): name another place with --home")]
    Create {
        /// The folder.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// A folder that others can get into.
    #[error("the folder {path} {problem}")]
    NotPrivate {
        /// The folder.
        path: String,
        /// What is wrong and how to repair it.
        problem: String,
    },
}

impl Folders {
    /// The platform's places, or all five under `home`.
    ///
    /// # Errors
    ///
    /// When the platform does not say where the user's files are.
    pub fn locate(home: Option<&Path>) -> Result<Self, FolderError> {
        match home {
            Some(home) => Ok(Self::under(home)),
            None => etcetera::choose_base_strategy()
                .map(|places| Self::in_places(&places))
                .map_err(|error| FolderError::NoHome {
                    cause: error.to_string(),
                }),
        }
    }

    /// All five under one folder: for tests and portable use.
    #[must_use]
    pub fn under(home: &Path) -> Self {
        Self {
            config: home.join("config"),
            data: home.join("data"),
            state: home.join("state"),
            cache: home.join("cache"),
            runtime: home.join("runtime"),
        }
    }

    fn in_places(places: &impl BaseStrategy) -> Self {
        let data = places.data_dir().join(NAME);
        let state = places
            .state_dir()
            .map_or_else(|| data.join("state"), |dir| dir.join(NAME));
        Self {
            config: places.config_dir().join(NAME),
            cache: places.cache_dir().join(NAME),
            runtime: places
                .runtime_dir()
                .map_or_else(|| state.join("runtime"), |dir| dir.join(NAME)),
            data,
            state,
        }
    }

    /// State of one mode: each has its own journal, latch and lock.
    #[must_use]
    pub fn state_of(&self, mode: Mode) -> PathBuf {
        self.state.join(mode.name())
    }

    /// Folder of the log unless a setting names another.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("log")
    }

    /// Makes what is missing, for the owner only, and checks that nobody else gets at the state.
    ///
    /// # Errors
    ///
    /// When a folder cannot be made, or state or runtime is open to other users.
    pub fn create(&self) -> Result<(), FolderError> {
        let all = [
            &self.config,
            &self.data,
            &self.state,
            &self.cache,
            &self.runtime,
        ];
        for path in all {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| create_error(path, &error))?;
        }
        check_private(&self.state)?;
        check_private(&self.runtime)
    }
}

fn create_error(path: &Path, error: &std::io::Error) -> FolderError {
    FolderError::Create {
        path: path.display().to_string(),
        cause: match error.kind() {
            std::io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                "there is a file in the way".to_owned()
            }
            _ => error.to_string(),
        },
    }
}

fn check_private(path: &Path) -> Result<(), FolderError> {
    let meta = std::fs::metadata(path).map_err(|error| create_error(path, &error))?;
    let problem = if meta.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user: use your own, or name another place with --home".to_owned()
    } else if meta.mode() & 0o077 != 0 {
        "is open to other users: run chmod 700 on it".to_owned()
    } else {
        return Ok(());
    };
    Err(FolderError::NotPrivate {
        path: path.display().to_string(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn all_five_lie_under_home_and_are_private() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::locate(Some(&home.path().join("new"))).unwrap();
        folders.create().unwrap();
        folders.create().unwrap();
        for path in [
            &folders.config,
            &folders.data,
            &folders.state,
            &folders.cache,
            &folders.runtime,
        ] {
            assert!(path.starts_with(home.path()));
            assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o700);
        }
        assert!(folders.state_of(Mode::Replay).ends_with("state/replay"));
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        std::fs::write(&folders.data, "a file").unwrap();
        let error = folders.create().unwrap_err().to_string();
        assert!(
            error.contains("data") && error.contains("--home"),
            "{error}"
        );
        std::fs::remove_file(&folders.data).unwrap();
        std::fs::create_dir(&folders.state)
            .or_else(|_| std::fs::metadata(&folders.state).map(drop))
            .unwrap();
        std::fs::set_permissions(&folders.state, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = folders.create().unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");
    }
}
