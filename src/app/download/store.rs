//! Finished files of a download: bars and funding as recordings, and the folder's description.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::part::Part;
use super::plan::{Gap, GapFinder, Range};
use super::{DownloadError, DownloadRequest};
use crate::domain::{Instrument, Rate, Timestamp};
use crate::store::files;
use crate::venue::sim::recorded::{FileKind, MANIFEST, Manifest, ManifestFile};

/// Ending of everything that is not finished.
const PART: &str = ".part";

/// The folder of a download.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    request: &'a DownloadRequest,
    /// What is there already.
    manifest: Option<Manifest>,
}

impl<'a> Folder<'a> {
    /// Makes the folder where it is missing, and reads what is in it.
    pub(super) fn open(request: &'a DownloadRequest) -> Result<Self, DownloadError> {
        let dir = &request.out;
        fs::create_dir_all(dir).map_err(|source| DownloadError::io(dir, source))?;
        let manifest = if dir.join(MANIFEST).exists() {
            Some(Manifest::read(dir).map_err(DownloadError::Manifest)?)
        } else {
            None
        };
        Ok(Self { request, manifest })
    }

    /// Whether the folder can take this download: a market has one interval and one range.
    pub(super) fn check(&self, range: Range) -> Result<(), DownloadError> {
        let Some(manifest) = &self.manifest else {
            return Ok(());
        };
        let is_same = !manifest.synthetic
            && manifest.interval == self.request.interval
            && (manifest.start, manifest.end) == (range.from, range.to);
        if is_same {
            return Ok(());
        }
        let kind = if manifest.synthetic {
            "a made-up market"
        } else {
            "bars"
        };
        Err(DownloadError::OtherMarket {
            path: self.request.out.join(MANIFEST),
            holds: format!(
                "{kind} of {} from {} to {}",
                manifest.interval, manifest.start, manifest.end
            ),
        })
    }

    /// Whether the folder has such a file of the symbol.
    pub(super) fn has(&self, kind: FileKind) -> bool {
        let request = self.request;
        self.manifest.as_ref().is_some_and(|manifest| {
            manifest.files.iter().any(|file| {
                file.kind == kind
                    && file.symbol == request.symbol
                    && file.category == request.category
            })
        })
    }

    fn stem(&self) -> String {
        format!("bybit_{}_{}", self.request.category, self.request.symbol)
    }

    fn bars_name(&self) -> String {
        format!("{}_{}.csv.gz", self.stem(), self.request.interval)
    }

    fn funding_name(&self) -> String {
        format!("{}_funding.csv", self.stem())
    }

    /// Where bars are collected.
    pub(super) fn part_path(&self) -> PathBuf {
        let name = format!("{}_{}.csv{PART}", self.stem(), self.request.interval);
        self.request.out.join(name)
    }

    /// Removes what a process that ended right before its last step has left.
    pub(super) fn clear_part(&self) -> Result<(), DownloadError> {
        let path = self.part_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DownloadError::io(&path, error))
            }
            _ => Ok(()),
        }
    }

    /// Path of the finished bars.
    pub(super) fn bars_path(&self) -> PathBuf {
        self.request.out.join(self.bars_name())
    }

    /// Path of the finished funding payments.
    pub(super) fn funding_path(&self) -> PathBuf {
        self.request.out.join(self.funding_name())
    }

    /// Writes the bars of `range` as a recording; gives their number and the gaps.
    pub(super) fn write_bars(
        &self,
        part: &mut Part,
        range: Range,
    ) -> Result<(u64, Vec<Gap>), DownloadError> {
        let interval = self.request.interval;
        let mut finder = GapFinder::new(&self.request.symbol, interval, range.from);
        let mut n_bars = 0;
        write_whole(&self.bars_path(), |file| {
            let mut packed = GzEncoder::new(file, Compression::default());
            packed.write_all(b"ts_ms,open,high,low,close,volume\n")?;
            part.read(interval, |at, line| {
                // An earlier call may have asked for more.
                if at < range.to {
                    finder.see(at);
                    n_bars += 1;
                    packed.write_all(line)?;
                }
                Ok(())
            })?;
            packed.finish().map(drop)
        })?;
        Ok((n_bars, finder.finish(range.to)))
    }

    /// Writes funding payments as a recording.
    pub(super) fn write_funding(
        &self,
        payments: &[(Timestamp, Rate)],
    ) -> Result<(), DownloadError> {
        write_whole(&self.funding_path(), |file| {
            file.write_all(b"ts_ms,funding_rate\n")?;
            for (at, rate) in payments {
                writeln!(file, "{},{rate}", at.millis())?;
            }
            Ok(())
        })
    }

    /// Writes the description, last of all: a folder that has it is whole.
    pub(super) fn describe(
        &self,
        instrument: Instrument,
        range: Range,
        kinds: &[FileKind],
    ) -> Result<(), DownloadError> {
        let request = self.request;
        let mut manifest = self.manifest.clone().unwrap_or(Manifest {
            synthetic: false,
            seed: None,
            interval: request.interval,
            start: range.from,
            end: range.to,
            symbols: Vec::new(),
            files: Vec::new(),
        });
        let is_known = manifest.symbols.iter().any(|known| {
            known.symbol == instrument.symbol && known.category == instrument.category
        });
        if !is_known {
            manifest.symbols.push(instrument);
        }
        for kind in kinds {
            manifest.files.push(ManifestFile {
                kind: *kind,
                symbol: request.symbol.clone(),
                category: request.category,
                name: match kind {
                    FileKind::Funding => self.funding_name(),
                    _ => self.bars_name(),
                },
            });
        }
        let path = request.out.join(MANIFEST);
        let fail = |source| DownloadError::io(&path, source);
        let mut text =
            serde_json::to_vec_pretty(&manifest).map_err(|e| fail(io::Error::other(e)))?;
        text.push(b'\n');
        files::replace(&path, &text).map_err(fail)
    }
}

/// Writes a file under another name and renames it once it is whole and on the disk.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DownloadError> {
    let mut name = path.as_os_str().to_owned();
    name.push(PART);
    let part = PathBuf::from(name);
    let written = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&part)?);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&part, path)?;
        files::sync_folder(files::folder_of(path))
    };
    written().map_err(|source| DownloadError::io(path, source))
}
