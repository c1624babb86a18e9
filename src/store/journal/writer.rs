//! Writing a journal: append to a buffer, hand it to the system, put it on the disk.
//!
//! Three steps with three promises. `append` promises nothing yet. After `flush` the record
//! survives the death of the process. After `sync` it survives the death of the machine.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;

use super::error::JournalError;
use super::frame;
use super::reader::{Journal, recover};
use super::record::{Header, RecordRef};
use crate::store::files;

/// Buffered bytes from which `append` flushes by itself.
const AUTO_FLUSH: usize = 256 * 1024;

/// Where a record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the record, from 1; 0 before the first.
    pub record: u64,
    /// Bytes from the start of the file to the end of the record.
    pub offset: u64,
}

/// Appends records to one journal.
///
/// What has not been flushed is flushed when the writer is dropped, as far as the system lets it.
#[derive(Debug)]
pub struct Writer {
    name: String,
    file: File,
    /// Frames that the system does not have yet.
    buffer: Vec<u8>,
    payload: Vec<u8>,
    position: Position,
    chain: u32,
    /// A sync has failed: nothing more may be promised about this file.
    broken: bool,
}

/// A journal that goes on.
#[derive(Debug)]
pub struct Resumed {
    /// What the session is.
    pub header: Header,
    /// The records that are there, from the first.
    pub records: Journal,
    /// Number of those records.
    pub n_records: u64,
    /// Bytes that a crash had left behind the last whole record; they are gone now.
    pub n_trimmed: u64,
    /// Writes behind the last record.
    pub writer: Writer,
}

impl Writer {
    /// Begins a journal. It is on the disk, header and name, when this returns.
    ///
    /// # Errors
    ///
    /// When the file exists, or the file system refuses.
    pub fn create(path: &Path, header: &Header) -> Result<Self, JournalError> {
        let name = path.display().to_string();
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => JournalError::Exists { name: name.clone() },
            _ => JournalError::io(&name, "create")(error),
        };
        let folder = files::folder_of(path);
        files::create_folder(folder).map_err(io)?;
        let json = serde_json::to_vec(header).map_err(|error| io(error.into()))?;
        let len = u32::try_from(json.len())
            .ok()
            .filter(|len| *len <= frame::MAX_HEADER)
            .ok_or_else(|| JournalError::Header {
                name: name.clone(),
                what: format!("its {} bytes are too many", json.len()),
            })?;
        let crc = frame::header_checksum(frame::FORMAT, &json);
        let mut bytes = frame::MAGIC.to_vec();
        for word in [frame::FORMAT, len, crc] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&json);
        let mut file = files::create_new(path).map_err(io)?;
        file.write_all(&bytes).map_err(io)?;
        file.sync_all().map_err(io)?;
        files::sync_folder(folder).map_err(io)?;
        Ok(Self {
            name,
            file,
            buffer: Vec::with_capacity(AUTO_FLUSH),
            payload: Vec::new(),
            position: Position {
                record: 0,
                offset: bytes.len() as u64,
            },
            chain: crc,
            broken: false,
        })
    }

    /// Goes on with a journal, after trimming what a crash left behind its last whole record.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when it is bad in a way that a crash does not explain; the file
    /// is untouched then. Also when it is open to other users, or the file system refuses.
    pub fn resume(path: &Path) -> Result<Resumed, JournalError> {
        let name = path.display().to_string();
        let mut file = files::open_private(path).map_err(JournalError::io(&name, "open"))?;
        let recovered = recover(&name, BufReader::with_capacity(256 * 1024, &file))?;
        if recovered.n_torn > 0 {
            let trim = file.set_len(recovered.end).and_then(|()| file.sync_all());
            trim.map_err(JournalError::io(&name, "trim"))?;
        }
        file.seek(SeekFrom::Start(recovered.end))
            .map_err(JournalError::io(&name, "open"))?;
        let mut records = Journal::open(path)?;
        records.limit(recovered.end);
        let writer = Self {
            name,
            file,
            buffer: Vec::with_capacity(AUTO_FLUSH),
            payload: Vec::new(),
            position: Position {
                record: recovered.n_records,
                offset: recovered.end,
            },
            chain: recovered.chain,
            broken: false,
        };
        Ok(Resumed {
            header: recovered.header,
            records,
            n_records: recovered.n_records,
            n_trimmed: recovered.n_torn,
            writer,
        })
    }

    /// Adds a record to the buffer.
    ///
    /// # Errors
    ///
    /// When an earlier sync has failed, when the system takes nothing and the buffer is full, or
    /// when the record is too large. The record is then not part of the journal.
    pub fn append<E: Serialize>(&mut self, record: &RecordRef<'_, E>) -> io::Result<Position> {
        self.check()?;
        if self.buffer.len() >= AUTO_FLUSH {
            self.flush()?;
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        self.payload = postcard::to_extend(record, payload).map_err(invalid)?;
        let len = u32::try_from(self.payload.len())
            .ok()
            .filter(|len| *len <= frame::MAX_PAYLOAD)
            .ok_or_else(|| {
                invalid(format!(
                    "record of {} bytes, at most {} are kept",
                    self.payload.len(),
                    frame::MAX_PAYLOAD
                ))
            })?;
        let crc = frame::checksum(self.chain, &self.payload);
        self.buffer.extend_from_slice(&len.to_le_bytes());
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        self.buffer.extend_from_slice(&self.payload);
        self.chain = crc;
        self.position.record += 1;
        self.position.offset += frame::HEAD as u64 + u64::from(len);
        Ok(self.position)
    }

    /// Hands everything to the system: it survives the death of this process.
    ///
    /// # Errors
    ///
    /// What the system says. What it did not take stays in the buffer, and a later flush goes on
    /// where this one stopped, so a full disk costs nothing once there is space again.
    pub fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        let mut done = 0;
        let result = loop {
            if done == self.buffer.len() {
                break Ok(());
            }
            match self.file.write(&self.buffer[done..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.buffer.drain(..done);
        result
    }

    /// Puts everything on the disk: it survives the death of the machine.
    ///
    /// # Errors
    ///
    /// What the system says. After a failed sync nobody knows what the disk has, and asking again
    /// may get a wrong "yes": the writer then refuses everything.
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        let result = self.file.sync_data();
        self.broken = result.is_err();
        result
    }

    /// Where the last appended record ends.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Bytes that the system does not have yet.
    #[must_use]
    pub fn n_pending(&self) -> usize {
        self.buffer.len()
    }

    fn check(&self) -> io::Result<()> {
        if self.broken {
            Err(io::Error::other(format!(
                "{}: an earlier sync failed; check the disk and restart",
                self.name
            )))
        } else {
            Ok(())
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.buffer.is_empty() || self.broken {
            return;
        }
        if let Err(error) = self.flush() {
            tracing::error!(journal = %self.name, %error, "last journal records were not written");
        }
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
