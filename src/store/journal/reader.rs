//! Reading a journal, record by record and with constant memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::JournalError;
use super::frame::{self, Behind, Head};
use super::record::{Header, Record};
use crate::domain::Timestamp;
use crate::store::files;

/// A journal in a file.
pub type Journal = Reader<BufReader<File>>;

/// Reads records in order; yields the first error and then nothing more.
///
/// Strict: every byte has to be the one that was written. What was appended after the reader was
/// made is not seen.
#[derive(Debug)]
pub struct Reader<R> {
    name: String,
    input: R,
    header: Header,
    /// Start of the next record.
    offset: u64,
    /// End of what is read.
    end: u64,
    /// Whole records so far.
    n_records: u64,
    chain: u32,
    payload: Vec<u8>,
    failed: bool,
}

/// One record's bytes, judged.
enum Frame {
    /// In `payload`, checked.
    Whole,
    /// There is nothing more.
    End,
    /// The file ends too early for it.
    Cut,
    /// It is not what was written.
    Bad(String),
}

impl Journal {
    /// Opens the journal at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no journal, has another format, or its header is damaged.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let name = path.display().to_string();
        let file = files::open_read(path).map_err(JournalError::io(&name, "open"))?;
        let meta = file.metadata().map_err(JournalError::io(&name, "open"))?;
        if !meta.is_file() {
            return Err(JournalError::NotAJournal { name });
        }
        Reader::new(&name, BufReader::with_capacity(256 * 1024, file))
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Journal in any seekable input; `name` is for messages.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub fn new(name: &str, mut input: R) -> Result<Self, JournalError> {
        let io = |error| JournalError::io(name, "read")(error);
        let end = input.seek(SeekFrom::End(0)).map_err(io)?;
        input.seek(SeekFrom::Start(0)).map_err(io)?;
        let (header, chain, offset) = read_header(name, &mut input, end)?;
        Ok(Self {
            name: name.to_owned(),
            input,
            header,
            offset,
            end,
            n_records: 0,
            chain,
            payload: Vec::new(),
            failed: false,
        })
    }

    /// What the session was.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes read so far, header included.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Records read so far.
    #[must_use]
    pub const fn n_records(&self) -> u64 {
        self.n_records
    }

    /// Stops at `end` instead of the file's end.
    pub(super) fn limit(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    /// Reads the next frame into `payload` and checks it, without moving on.
    fn frame(&mut self) -> io::Result<Frame> {
        let left = self.end - self.offset;
        if left == 0 {
            return Ok(Frame::End);
        }
        if left < frame::HEAD as u64 {
            return Ok(Frame::Cut);
        }
        let mut bytes = [0; frame::HEAD];
        self.input.read_exact(&mut bytes)?;
        let head = Head::read(&bytes).expect("a head has as many bytes as were read");
        if !head.is_plausible() {
            return Ok(Frame::Bad(format!("its length {} is impossible", head.len)));
        }
        if left - (frame::HEAD as u64) < u64::from(head.len) {
            return Ok(Frame::Cut);
        }
        self.payload.resize(head.len as usize, 0);
        self.input.read_exact(&mut self.payload)?;
        let found = frame::checksum(self.chain, &self.payload);
        if found != head.crc {
            return Ok(Frame::Bad(format!(
                "its checksum is {found:08x} instead of {:08x}",
                head.crc
            )));
        }
        self.offset += frame::HEAD as u64 + u64::from(head.len);
        self.chain = head.crc;
        self.n_records += 1;
        Ok(Frame::Whole)
    }

    /// What lies behind the bad record at `offset`.
    fn behind(&mut self) -> io::Result<Behind> {
        let left = self.end - self.offset;
        let window = left.min(frame::SEARCH_WINDOW as u64);
        self.input.seek(SeekFrom::Start(self.offset))?;
        let mut tail = Vec::new();
        (&mut self.input).take(window).read_to_end(&mut tail)?;
        let found = frame::search(&tail, self.chain, self.n_records);
        let is_all = window == left;
        Ok(match found {
            Behind::Nothing if !is_all => Behind::TooMuch,
            found => found,
        })
    }

    fn damaged(&self, what: String) -> JournalError {
        JournalError::Damaged {
            name: self.name.clone(),
            offset: self.offset,
            record: self.n_records + 1,
            what,
        }
    }

    fn next_record(&mut self) -> Result<Option<Record>, JournalError> {
        let start = self.offset;
        match self.frame().map_err(JournalError::io(&self.name, "read"))? {
            Frame::End => Ok(None),
            Frame::Whole => {
                frame::decode(&self.payload)
                    .map(Some)
                    .map_err(|why| JournalError::Damaged {
                        name: self.name.clone(),
                        offset: start,
                        record: self.n_records,
                        what: format!("it cannot be decoded: {why}"),
                    })
            }
            Frame::Cut => match self
                .behind()
                .map_err(JournalError::io(&self.name, "read"))?
            {
                Behind::Nothing => Err(JournalError::Torn {
                    name: self.name.clone(),
                    offset: self.offset,
                    record: self.n_records + 1,
                }),
                Behind::Record | Behind::TooMuch => {
                    Err(self.damaged("its length reaches beyond the end of the file".to_owned()))
                }
            },
            Frame::Bad(what) => Err(self.damaged(what)),
        }
    }
}

impl<R: Read + Seek> Iterator for Reader<R> {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_record().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

/// Reads the header; returns it with the start of the chain and of the records.
fn read_header<R: Read>(
    name: &str,
    input: &mut R,
    end: u64,
) -> Result<(Header, u32, u64), JournalError> {
    const FIXED: u64 = 20;
    let io = |error| JournalError::io(name, "read")(error);
    let empty = || JournalError::Empty {
        name: name.to_owned(),
        bytes: end,
    };
    let damaged = |what: String| JournalError::Header {
        name: name.to_owned(),
        what,
    };
    let mut magic = Vec::new();
    input.take(8).read_to_end(&mut magic).map_err(io)?;
    if !frame::MAGIC.starts_with(&magic) {
        return Err(JournalError::NotAJournal {
            name: name.to_owned(),
        });
    }
    if end < FIXED {
        return Err(empty());
    }
    let [format, len, crc] = read_words(input).map_err(io)?;
    if format != frame::FORMAT {
        return Err(JournalError::OtherVersion {
            name: name.to_owned(),
            found: format,
            supported: frame::FORMAT,
        });
    }
    if len > frame::MAX_HEADER {
        return Err(damaged(format!("its length {len} is impossible")));
    }
    if end - FIXED < u64::from(len) {
        return Err(empty());
    }
    let mut json = vec![0; len as usize];
    input.read_exact(&mut json).map_err(io)?;
    if frame::header_checksum(format, &json) != crc {
        return Err(damaged("its checksum does not match".to_owned()));
    }
    let header = serde_json::from_slice(&json).map_err(|e| damaged(e.to_string()))?;
    Ok((header, crc, FIXED + u64::from(len)))
}

fn read_words<R: Read>(input: &mut R) -> io::Result<[u32; 3]> {
    let mut words = [0; 3];
    for word in &mut words {
        let mut bytes = [0; 4];
        input.read_exact(&mut bytes)?;
        *word = u32::from_le_bytes(bytes);
    }
    Ok(words)
}

/// How far a journal is whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    /// What the session was.
    pub header: Header,
    /// End of the last whole record, in bytes from the start.
    pub end: u64,
    /// Bytes behind it that a crash left there.
    pub n_torn: u64,
    /// Whole records.
    pub n_records: u64,
    /// Checksum that the next record continues.
    pub(super) chain: u32,
}

/// Finds the end of the last whole record.
///
/// A last record that is cut or bad, with nothing whole behind it, is what a crash leaves.
///
/// # Errors
///
/// [`JournalError::Damaged`] for a bad record that a crash does not explain, and as [`Journal`].
pub fn recover<R: Read + Seek>(name: &str, input: R) -> Result<Recovered, JournalError> {
    let mut reader = Reader::new(name, input)?;
    loop {
        let io = |error| JournalError::io(name, "read")(error);
        let what = match reader.frame().map_err(io)? {
            Frame::Whole => continue,
            Frame::End => break,
            Frame::Cut => "its length reaches beyond the end of the file".to_owned(),
            Frame::Bad(what) => what,
        };
        match reader.behind().map_err(io)? {
            Behind::Nothing => break,
            Behind::Record => return Err(reader.damaged(format!("{what}, and records follow it"))),
            Behind::TooMuch => {
                return Err(reader.damaged(format!("{what}, and more follows than a crash leaves")));
            }
        }
    }
    Ok(Recovered {
        end: reader.offset,
        n_torn: reader.end - reader.offset,
        n_records: reader.n_records,
        chain: reader.chain,
        header: reader.header,
    })
}

/// What a journal holds, after every byte of it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// What the session was.
    pub header: Header,
    /// Length of the file, in bytes.
    pub n_bytes: u64,
    /// Records.
    pub n_records: u64,
    /// Number of the last input; `None` without any record.
    pub last_seq: Option<u64>,
    /// Moments of the first and the last record.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Why the session ended; `None` when it did not end in order.
    pub closed: Option<String>,
}

/// Reads a whole journal and checks everything in it, the numbering of the inputs included.
///
/// # Errors
///
/// The first thing that is not as it was written.
pub fn verify(path: &Path) -> Result<Summary, JournalError> {
    let mut journal = Journal::open(path)?;
    let mut summary = Summary {
        header: journal.header().clone(),
        n_bytes: journal.end,
        n_records: 0,
        last_seq: None,
        span: None,
        closed: None,
    };
    loop {
        let start = journal.offset;
        let Some(record) = journal.next().transpose()? else {
            break;
        };
        let expected = match &record {
            Record::Step { .. } => summary.last_seq.map_or(record.seq(), |last| last + 1),
            Record::Close { .. } => summary.last_seq.unwrap_or(record.seq()),
        };
        if record.seq() != expected {
            return Err(JournalError::Damaged {
                name: journal.name,
                offset: start,
                record: journal.n_records,
                what: format!("it is input {}, expected {expected}", record.seq()),
            });
        }
        let first = summary.span.map_or(record.at(), |(first, _)| first);
        summary.span = Some((first, record.at()));
        summary.last_seq = Some(record.seq());
        summary.closed = match record {
            Record::Close { reason, .. } => Some(reason),
            Record::Step { .. } => None,
        };
    }
    summary.n_records = journal.n_records;
    Ok(summary)
}
