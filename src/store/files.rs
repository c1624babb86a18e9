//! Private files and folders: who may read them, and when they are really on the disk.
//!
//! Files are 0600 and folders 0700, opened without following a link at the last step, so that
//! nobody else can read an account's history or point a writer somewhere else. A file that was
//! created or renamed is only there after its folder has been synced as well.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Permission bits of every file that is written here.
const FILE_MODE: u32 = 0o600;
/// Permission bits of every folder that is made here.
const FOLDER_MODE: u32 = 0o700;
/// Bits that let other users in.
const OTHERS: u32 = 0o077;

/// Makes a folder and what is missing above it, for the owner only. An existing one stays as it
/// is.
///
/// # Errors
///
/// What the file system says.
pub fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
}

/// Folder a file lies in; `.` for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes names in a folder durable: needed after creating or renaming a file in it.
///
/// # Errors
///
/// What the file system says.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn no_follow() -> i32 {
    // The flag has a different value on every platform, but always fits the type.
    i32::try_from(OFlags::NOFOLLOW.bits()).expect("open flags fit an int")
}

/// Creates a file that must not exist yet.
///
/// # Errors
///
/// What the file system says; `AlreadyExists` when there is one.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .custom_flags(no_follow())
        .open(path)
}

/// Opens a file for reading, not through a link.
///
/// # Errors
///
/// What the file system says.
pub fn open_read(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
}

/// Opens an existing private file for reading and writing.
///
/// # Errors
///
/// What the file system says, or `PermissionDenied` when it belongs to, or is open to, others.
pub fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(no_follow())
        .open(path)?;
    check_private(&file)?;
    Ok(file)
}

/// Opens a private file for reading and writing, creating it when missing.
///
/// # Errors
///
/// As [`open_private`].
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .custom_flags(no_follow())
        .open(path)?;
    check_private(&file)?;
    Ok(file)
}

fn check_private(file: &File) -> io::Result<()> {
    let meta = file.metadata()?;
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !meta.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user");
    }
    if meta.mode() & OTHERS != 0 {
        return refuse("other users can open it: run chmod 600 on it");
    }
    Ok(())
}

/// Replaces a file as a whole: readers see the old content or the new, after a crash too.
///
/// # Errors
///
/// What the file system says; the old content is then untouched.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let temporary = temporary_name(path);
    let written = write_new(&temporary, content).and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        // What is left over is only in the way; the error that matters is the first one.
        std::fs::remove_file(&temporary).ok();
        return Err(error);
    }
    sync_folder(folder)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    folder_of(path).join(name)
}

/// Whether a file was not opened because it is a symbolic link.
#[must_use]
pub fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// An error of the file system in words that say what to do.
#[must_use]
pub fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::NotADirectory => "there is a file in its path".to_owned(),
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_some() => {
            "permission denied: check the owner and the mode of the file and its folder".to_owned()
        }
        io::ErrorKind::StorageFull => "the disk is full: free some space".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up: free some space".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ if is_link(error) => "it is a symbolic link, which is not followed".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replace_keeps_the_file_private_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::fs::write(&target, b"x").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(open_read(&link).is_err());
        assert!(open_or_create(&link).is_err());
        assert!(create_new(&link).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"x");
    }

    #[test]
    fn a_file_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open");
        std::fs::write(&path, b"x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = open_private(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
