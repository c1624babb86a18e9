//! Lines of a text file that may be compressed, and the columns of a CSV header.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::venue::feed::{FeedError, FeedProblem};

/// Longest line: a 500-level book snapshot is about 30 kB.
const LONGEST_LINE: usize = 1 << 20;
const BUFFER: usize = 1 << 17;

/// Reads a file line by line out of one buffer that is used again and again; no line is copied.
pub(super) struct Lines {
    path: PathBuf,
    source: Box<dyn Read + Send>,
    /// What was read last; the bytes of `ahead` are still to be split into lines.
    buffer: Vec<u8>,
    ahead: Range<usize>,
    line: Range<usize>,
    number: u64,
}

impl Lines {
    /// Opens a plain file, or a compressed one by its ending `.gz` or `.zst`.
    pub(super) fn open(path: &Path) -> Result<Self, FeedError> {
        let fail = |error: io::Error| FeedError::file(path, FeedProblem::Io(error));
        let file = File::open(path).map_err(fail)?;
        let source: Box<dyn Read + Send> = match path.extension().and_then(|e| e.to_str()) {
            Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(
                BufReader::with_capacity(BUFFER, file),
            )),
            Some("zst") => {
                Box::new(ZstdFrames::new(BufReader::with_capacity(BUFFER, file)).map_err(fail)?)
            }
            _ => Box::new(file),
        };
        Ok(Self {
            path: path.to_owned(),
            source,
            buffer: vec![0; BUFFER],
            ahead: 0..0,
            line: 0..0,
            number: 0,
        })
    }

    /// Goes to the next line that is not blank; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, FeedError> {
        loop {
            self.number += 1;
            if !self.take_line()? {
                self.line = 0..0;
                return Ok(false);
            }
            if !self.line.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Takes the next line, without its end; false when there is none.
    fn take_line(&mut self) -> Result<bool, FeedError> {
        let mut n_searched = 0;
        loop {
            let unsearched = &self.buffer[self.ahead.start + n_searched..self.ahead.end];
            if let Some(at) = find(unsearched, b'\n') {
                let end = self.ahead.start + n_searched + at;
                self.line = self.ahead.start..end;
                if self.buffer[self.line.clone()].last() == Some(&b'\r') {
                    self.line.end -= 1;
                }
                self.ahead.start = end + 1;
                return Ok(true);
            }
            n_searched = self.ahead.len();
            if LONGEST_LINE <= n_searched {
                let limit = LONGEST_LINE as u64;
                return Err(self.error(FeedProblem::LineTooLong { limit }));
            }
            if !self.read_on()? {
                self.line = self.ahead.clone();
                self.ahead.start = self.ahead.end;
                return Ok(!self.line.is_empty());
            }
        }
    }

    /// Reads more behind what is ahead, which moves to the front; false at the end of the file.
    #[cold]
    fn read_on(&mut self) -> Result<bool, FeedError> {
        self.buffer.copy_within(self.ahead.clone(), 0);
        self.ahead = 0..self.ahead.len();
        if self.ahead.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.ahead.end..]) {
                Ok(n_read) => {
                    self.ahead.end += n_read;
                    return Ok(0 < n_read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(FeedProblem::Io(error))),
            }
        }
    }

    /// Goes to the last line of a plain file that is not blank. Lines have no numbers from then
    /// on. Only the last [`BUFFER`] bytes are looked at.
    pub(super) fn skip_to_last(&mut self) -> Result<(), FeedError> {
        let fail = |error: io::Error| FeedError::file(&self.path, FeedProblem::Io(error));
        let mut file = File::open(&self.path).map_err(fail)?;
        let length = file.seek(SeekFrom::End(0)).map_err(fail)?;
        let from = length.saturating_sub(BUFFER as u64);
        file.seek(SeekFrom::Start(from)).map_err(fail)?;
        let mut end = Vec::with_capacity(BUFFER);
        file.take(BUFFER as u64)
            .read_to_end(&mut end)
            .map_err(fail)?;
        let text = end.trim_ascii_end();
        let start = text
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        self.line = start..text.len();
        self.buffer = end;
        self.ahead = 0..0;
        self.source = Box::new(io::empty());
        Ok(())
    }

    /// The current line without its end.
    pub(super) fn line(&self) -> &[u8] {
        &self.buffer[self.line.clone()]
    }

    /// File that is read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An error at the current line.
    #[cold]
    pub(super) fn error(&self, problem: FeedProblem) -> FeedError {
        FeedError::line(&self.path, self.number, problem)
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("path", &self.path)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// All frames of a zstandard file, one after the other; the decoder itself stops after the first.
struct ZstdFrames {
    /// `None` after the last frame, and after an error.
    frame: Option<Frame>,
}

type Frame = StreamingDecoder<BufReader<File>, FrameDecoder>;

impl ZstdFrames {
    fn new(file: BufReader<File>) -> io::Result<Self> {
        let frame = StreamingDecoder::new(file)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no zstandard file"))?;
        Ok(Self { frame: Some(frame) })
    }
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let n_read = frame.read(buffer)?;
            if 0 < n_read || buffer.is_empty() {
                return Ok(n_read);
            }
            let rest = self.frame.take().map(StreamingDecoder::into_inner);
            if let Some(mut file) = rest
                && !file.fill_buf()?.is_empty()
            {
                *self = Self::new(file)?;
            }
        }
        Ok(0)
    }
}

/// Where the wanted columns stand in a header.
#[derive(Debug, Clone)]
pub(super) struct Columns<const N: usize> {
    /// For each column of the header, which of the wanted ones it is; `N` for none of them.
    slots: Box<[usize]>,
}

impl<const N: usize> Columns<N> {
    /// Reads the header line. Each wanted column may go by several names, the first of which
    /// names it in errors.
    pub(super) fn read(
        lines: &mut Lines,
        wanted: &[&[&'static str]; N],
    ) -> Result<Self, FeedError> {
        if !lines.advance()? {
            return Err(FeedError::file(lines.path(), FeedProblem::Empty));
        }
        let header = String::from_utf8_lossy(lines.line()).into_owned();
        let bare = header.strip_prefix('\u{feff}').unwrap_or(&header);
        let names: Vec<&str> = bare
            .split(',')
            .map(|n| n.trim().trim_matches('"'))
            .collect();
        let mut slots = vec![N; names.len()].into_boxed_slice();
        for (slot, aliases) in wanted.iter().enumerate() {
            let place = aliases
                .iter()
                .find_map(|alias| names.iter().position(|n| n.eq_ignore_ascii_case(alias)))
                .ok_or_else(|| {
                    lines.error(FeedProblem::MissingColumn {
                        column: aliases[0],
                        header: header.chars().take(200).collect(),
                    })
                })?;
            slots[place] = slot;
        }
        Ok(Self { slots })
    }

    /// The wanted fields of a row. Fields beyond the header are not looked at.
    #[inline]
    pub(super) fn split<'a>(&self, lines: &'a Lines) -> Result<[&'a [u8]; N], FeedError> {
        let line = lines.line();
        let mut fields: [&[u8]; N] = [&[]; N];
        let mut rest = line;
        for (found, slot) in self.slots.iter().enumerate() {
            let is_last = found + 1 == self.slots.len();
            let (field, behind) = match find(rest, b',') {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None if is_last => (rest, &[][..]),
                None => {
                    return Err(lines.error(FeedProblem::ShortRow {
                        found: found + 1,
                        expected: self.slots.len(),
                    }));
                }
            };
            if let Some(wanted) = fields.get_mut(*slot) {
                *wanted = field;
            }
            rest = behind;
        }
        Ok(fields)
    }
}

/// Place of the first `wanted` byte. Eight bytes are looked at together: a byte of `differs` is
/// zero where it was found, and the lowest zero byte is the lowest whose top bit is set below.
#[inline]
fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    let pattern = LOW * u64::from(wanted);
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (n, chunk) in chunks.iter().enumerate() {
        let differs = u64::from_le_bytes(*chunk) ^ pattern;
        let found = differs.wrapping_sub(LOW) & !differs & (LOW << 7);
        if found != 0 {
            return Some(n * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|b| *b == wanted)?;
    Some(chunks.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::find;

    proptest! {
        #[test]
        fn bytes_are_found_where_they_are(
            bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'-'), Just(0xac), any::<u8>()], 0..40),
            wanted in prop_oneof![Just(b','), any::<u8>()],
        ) {
            prop_assert_eq!(find(&bytes, wanted), bytes.iter().position(|b| *b == wanted));
        }
    }
}
