//! One instance per state folder.
//!
//! The kernel holds the lock and drops it with the process, so nothing is ever stale. The text in
//! the file only tells a person who holds it.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::files;

/// Name of the file in the state folder.
pub const FILE_NAME: &str = "lock";

/// A held lock; dropping it lets the next instance in.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    // Holds the kernel's lock for as long as it is open.
    _file: File,
}

/// Why a folder could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another instance is at work there.
    #[error(
        "{folder} is in use by {}: stop that instance, or name another folder with --home",
        holder(.pid.as_ref())
    )]
    Held {
        /// Folder that is taken.
        folder: String,
        /// Process that holds it, where it could be read.
        pid: Option<u32>,
        /// Boot in which that process started, where it could be read.
        boot_id: Option<String>,
    },
    /// The file system refused.
    #[error("cannot lock {path}: {}", files::explain(source))]
    Io {
        /// File of the lock.
        path: String,
        /// What it said.
        source: io::Error,
    },
}

fn holder(pid: Option<&u32>) -> String {
    pid.map_or_else(
        || "another instance".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl Lock {
    /// Takes the lock of a folder, making the folder when it is missing.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] when another instance has it.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(FILE_NAME);
        let io_error = |source| LockError::Io {
            path: path.display().to_string(),
            source,
        };
        files::create_folder(folder).map_err(io_error)?;
        let mut file = files::open_or_create(&path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (pid, boot_id) = read_owner(&mut file);
                return Err(LockError::Held {
                    folder: folder.display().to_string(),
                    pid,
                    boot_id,
                });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        write_owner(&mut file).map_err(io_error)?;
        Ok(Self { path, _file: file })
    }

    /// File of the lock.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn write_owner(file: &mut File) -> io::Result<()> {
    let text = format!(
        "pid {}\nboot {}\n",
        std::process::id(),
        boot_id().as_deref().unwrap_or("unknown")
    );
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

fn read_owner(file: &mut File) -> (Option<u32>, Option<String>) {
    let mut text = String::new();
    // Only a help for the message: half a text gives half an answer.
    if file.take(256).read_to_string(&mut text).is_err() {
        return (None, None);
    }
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    (
        value("pid ").and_then(|pid| pid.parse().ok()),
        value("boot ")
            .filter(|boot| boot.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
            .map(str::to_owned),
    )
}

/// Name of this boot of the machine, where the system has one.
#[must_use]
pub fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_instance_learns_who_holds_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let first = Lock::acquire(&state).unwrap();
        let error = Lock::acquire(&state).unwrap_err();
        let LockError::Held { pid, boot_id, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*pid, Some(std::process::id()));
        assert_eq!(*boot_id, super::boot_id());
        assert!(error.to_string().contains("--home"), "{error}");
        drop(first);
        Lock::acquire(&state).unwrap();
    }

    #[test]
    fn a_left_over_file_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        files::replace(&path, b"pid 1\nboot 00\n").unwrap();
        let lock = Lock::acquire(folder.path()).unwrap();
        let text = std::fs::read_to_string(lock.path()).unwrap();
        assert!(text.starts_with(&format!("pid {}\n", std::process::id())));
    }
}
