//! Lines of a text file that may be compressed, and the columns of a CSV header.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::venue::feed::{FeedError, FeedProblem};

/// Longest line: a 500-level book snapshot is about 30 kB.
const LONGEST_LINE: u64 = 1 << 20;
const BUFFER: usize = 1 << 17;

/// Reads a file line by line into one buffer that is used again and again.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens a plain file, or a compressed one by its ending `.gz` or `.zst`.
    pub(super) fn open(path: &Path) -> Result<Self, FeedError> {
        let fail = |error: io::Error| FeedError::file(path, FeedProblem::Io(error));
        let file = File::open(path).map_err(fail)?;
        let reader: Box<dyn Read + Send> = match path.extension().and_then(|e| e.to_str()) {
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
            reader: BufReader::with_capacity(BUFFER, reader),
            line: Vec::with_capacity(256),
            number: 0,
        })
    }

    /// Goes to the next line that is not blank; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, FeedError> {
        loop {
            self.line.clear();
            self.number += 1;
            let n_read = (&mut self.reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut self.line)
                .map_err(|error| self.error(FeedProblem::Io(error)))?;
            if n_read == 0 {
                return Ok(false);
            }
            if self.line.last() == Some(&b'\n') {
                self.line.pop();
                if self.line.last() == Some(&b'\r') {
                    self.line.pop();
                }
            } else if u64::try_from(n_read).is_ok_and(|n| n == LONGEST_LINE) {
                return Err(self.error(FeedProblem::LineTooLong {
                    limit: LONGEST_LINE,
                }));
            }
            if !self.line.is_empty() {
                return Ok(true);
            }
        }
    }

    /// The current line without its end.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
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
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<const N: usize> {
    /// Place in the row of each wanted column.
    places: [usize; N],
    n_fields: usize,
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
        let mut places = [0; N];
        for (place, aliases) in places.iter_mut().zip(wanted) {
            *place = aliases
                .iter()
                .find_map(|alias| names.iter().position(|n| n.eq_ignore_ascii_case(alias)))
                .ok_or_else(|| {
                    lines.error(FeedProblem::MissingColumn {
                        column: aliases[0],
                        header: header.chars().take(200).collect(),
                    })
                })?;
        }
        Ok(Self {
            places,
            n_fields: names.len(),
        })
    }

    /// The wanted fields of a row.
    pub(super) fn split<'a>(&self, lines: &'a Lines) -> Result<[&'a [u8]; N], FeedError> {
        let mut fields: [&[u8]; N] = [&[]; N];
        let mut found = 0;
        for (place, field) in lines.line().split(|b| *b == b',').enumerate() {
            for (slot, wanted) in fields.iter_mut().zip(self.places) {
                if wanted == place {
                    *slot = field;
                }
            }
            found = place + 1;
        }
        if found < self.n_fields {
            return Err(lines.error(FeedProblem::ShortRow {
                found,
                expected: self.n_fields,
            }));
        }
        Ok(fields)
    }
}
