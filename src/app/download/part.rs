//! The unfinished file of a download: bars as text, appended page by page.
//!
//! Its first line says what it is a part of, so that it never goes on as something else, and it
//! has no name that a reader takes for a recording. What a cut left of its last line is removed
//! when it is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::DownloadError;
use crate::domain::{Bar, Interval, Timestamp};

/// Fields of a row.
const FIELDS: usize = 6;
/// Longest line that is read.
const LONGEST_LINE: u64 = 4_096;

/// An open, locked part.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: File,
    /// Open time of the last bar in it.
    last: Option<Timestamp>,
    n_rows: u64,
}

impl Part {
    /// Opens the part at `path`, or makes it. `label` says what it is a part of, in one line.
    ///
    /// # Errors
    ///
    /// When another process writes to it, or it is a part of something else.
    pub(super) fn open(
        path: &Path,
        label: &str,
        interval: Interval,
    ) -> Result<Self, DownloadError> {
        let fail = |source| DownloadError::io(path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fail)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(DownloadError::Busy {
                path: path.to_owned(),
            });
        }
        let label = format!("# {label}\n");
        let found = Rows::open(&file, &label, interval).map_err(fail)?;
        let Some(mut rows) = found else {
            return Err(DownloadError::OtherPart {
                path: path.to_owned(),
                wanted: label.trim_start_matches("# ").trim_end().to_owned(),
            });
        };
        let (mut last, mut n_rows) = (None, 0);
        while let Some(row) = rows.next().map_err(fail)? {
            last = Some(row.open_time);
            n_rows += 1;
        }
        let good = rows.good_bytes;
        file.set_len(good).map_err(fail)?;
        file.seek(SeekFrom::Start(good)).map_err(fail)?;
        if good == 0 {
            file.write_all(label.as_bytes()).map_err(fail)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            last,
            n_rows,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    pub(super) const fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Appends bars, which have to be later than what is there.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub(super) fn append(&mut self, bars: &[Bar]) -> Result<(), DownloadError> {
        let row = |b: &Bar| {
            let at = b.open_time.millis();
            format!(
                "{at},{},{},{},{},{}\n",
                b.open, b.high, b.low, b.close, b.volume
            )
        };
        let rows: Vec<String> = bars.iter().map(row).collect();
        // All at once: a page is there or it is not, unless the process dies in the middle.
        let written = self.file.write_all(rows.concat().as_bytes());
        written.map_err(|source| DownloadError::io(&self.path, source))?;
        self.last = bars.last().map(|bar| bar.open_time).or(self.last);
        self.n_rows += bars.len() as u64;
        Ok(())
    }

    /// Whether no bar opens before `end`. A part without any bar is removed.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub(super) fn is_empty_before(
        &mut self,
        end: Timestamp,
        interval: Interval,
    ) -> Result<bool, DownloadError> {
        let mut is_empty = true;
        let read = self.read(interval, |at, _| {
            is_empty &= end <= at;
            Ok(())
        });
        let cleared = read.and_then(|()| match self.n_rows {
            0 => std::fs::remove_file(&self.path),
            _ => Ok(()),
        });
        cleared.map_err(|source| DownloadError::io(&self.path, source))?;
        Ok(is_empty)
    }

    /// Shows every row to `each`: its open time, and the line with its end.
    ///
    /// # Errors
    ///
    /// What the file system or `each` says.
    pub(super) fn read(
        &mut self,
        interval: Interval,
        mut each: impl FnMut(Timestamp, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(mut rows) = Rows::open(&self.file, "", interval)? else {
            return Ok(());
        };
        while let Some(row) = rows.next()? {
            each(row.open_time, row.line)?;
        }
        Ok(())
    }
}

/// One good row.
struct Row<'a> {
    open_time: Timestamp,
    line: &'a [u8],
}

/// The rows of a part, up to the first that is not whole.
struct Rows<'a> {
    reader: BufReader<&'a File>,
    interval: Interval,
    line: Vec<u8>,
    last: Option<Timestamp>,
    good_bytes: u64,
}

impl<'a> Rows<'a> {
    /// Reads from the start; `None` when the first line is not `label`. An empty label takes any.
    /// A file that was cut inside of its first line counts as empty.
    fn open(file: &'a File, label: &str, interval: Interval) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(0))?;
        let mut rows = Self {
            reader,
            interval,
            line: Vec::new(),
            last: None,
            good_bytes: 0,
        };
        if !rows.read_line()? {
            let is_start = label.as_bytes().starts_with(&rows.line);
            rows.line.clear();
            return Ok(is_start.then_some(rows));
        }
        if !label.is_empty() && rows.line != label.as_bytes() {
            return Ok(None);
        }
        rows.good_bytes = rows.line.len() as u64;
        Ok(Some(rows))
    }

    /// Reads one line into `self.line`; false when it has no end.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut self.line)?;
        Ok(self.line.ends_with(b"\n"))
    }

    fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        if !self.read_line()? {
            return Ok(None);
        }
        let Some(open_time) = self.open_time() else {
            return Ok(None);
        };
        self.last = Some(open_time);
        self.good_bytes += self.line.len() as u64;
        Ok(Some(Row {
            open_time,
            line: &self.line,
        }))
    }

    /// Open time of a line that is a row behind the one before it.
    fn open_time(&self) -> Option<Timestamp> {
        let text = std::str::from_utf8(&self.line).ok()?.trim_end_matches('\n');
        let fields: Vec<&str> = text.split(',').collect();
        let is_number = |field: &&str| {
            !field.is_empty() && field.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        };
        if fields.len() != FIELDS || !fields.iter().all(is_number) {
            return None;
        }
        let at = Timestamp::from_millis(fields[0].parse().ok()?);
        let is_next = self.last.is_none_or(|last| last < at) && self.interval.is_on_grid(at);
        is_next.then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const M: i64 = 60_000;

    fn minute() -> Interval {
        "1m".parse().unwrap()
    }

    fn bar(n: i64) -> Bar {
        let price = "100.5".parse().unwrap();
        Bar {
            open_time: Timestamp::from_millis(n * M),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: "0.25".parse().unwrap(),
        }
    }

    fn open(path: &Path) -> Result<Part, DownloadError> {
        Part::open(path, "mainnet linear BTCUSDT 1m from 0", minute())
    }

    fn times(part: &mut Part) -> Vec<i64> {
        let mut times = Vec::new();
        let read = part.read(minute(), |at, _| {
            times.push(at.millis() / M);
            Ok(())
        });
        read.unwrap();
        times
    }

    #[test]
    fn a_part_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.part");
        open(&path).unwrap().append(&[bar(1)]).unwrap();
        let before = std::fs::read(&path).unwrap();
        let other = Part::open(&path, "testnet linear BTCUSDT 1m from 0", minute());
        assert!(
            matches!(other, Err(DownloadError::OtherPart { .. })),
            "{other:?}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn two_downloads_do_not_write_to_one_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.part");
        let first = open(&path).unwrap();
        assert!(matches!(open(&path), Err(DownloadError::Busy { .. })));
        drop(first);
        assert!(open(&path).is_ok());
    }

    proptest! {
        /// Wherever a cut falls, what is left are whole rows from the start, and the rest can be
        /// appended again.
        #[test]
        fn a_cut_loses_whole_rows_at_the_end_only(n_rows in 1_i64..30, cut in 0.0_f64..1.0) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.part");
            let bars: Vec<Bar> = (0..n_rows).map(bar).collect();
            open(&path).unwrap().append(&bars).unwrap();
            let whole = std::fs::read(&path).unwrap();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a place in a small file"
            )]
            let length = (whole.len() as f64 * cut) as usize;
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut part = open(&path).unwrap();
            let kept = times(&mut part);
            let n_kept = i64::try_from(kept.len()).unwrap();
            prop_assert_eq!(&kept, &(0..n_kept).collect::<Vec<_>>());
            prop_assert_eq!(part.last(), kept.last().map(|n| Timestamp::from_millis(n * M)));
            prop_assert_eq!(part.n_rows(), kept.len() as u64);
            let rest: Vec<Bar> = (n_kept..n_rows).map(bar).collect();
            part.append(&rest).unwrap();
            drop(part);
            prop_assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }
}
