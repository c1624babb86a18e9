//! A golden file as written by the trainer: summary and rows. Compares nothing.

use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

use crate::domain::{Bar, Price, Qty, Timestamp};

use super::bundle::Bundle;
use super::eval::EvalError;
use super::fault::BundleError;

/// Largest golden file that is read, unpacked.
const MAX_CSV: u64 = 512 << 20;

/// Why a golden file cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// Path of the file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The summary is no JSON of the expected form.
    #[error("{file}: {source}")]
    Summary {
        /// Path of the file.
        file: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The candles are not part of the file.
    #[error("the golden file has no candles of its own (they are in {0}); use one that has")]
    NoCandles(String),
    /// A column is missing.
    #[error("golden file has no column {0:?}; was it made for this bundle?")]
    NoColumn(String),
    /// A field cannot be read.
    #[error("golden row {row}, column {column}: {text:?} is not usable")]
    Field {
        /// Row, from 0.
        row: usize,
        /// Column name.
        column: String,
        /// The text found.
        text: String,
    },
    /// Summary and file contradict each other.
    #[error("golden summary says {what} {expected}, the file has {found}")]
    Contradiction {
        /// What is counted.
        what: &'static str,
        /// Number in the summary.
        expected: usize,
        /// Number in the file.
        found: usize,
    },
    /// The candles have a hole.
    #[error("golden file: {0}")]
    Eval(#[from] EvalError),
    /// The model cannot be opened.
    #[error("{0}")]
    Bundle(#[from] BundleError),
}

/// The parts of `golden.json` that are compared.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) bars: usize,
    pub(super) candles: String,
    pub(super) candles_in_file: bool,
    pub(super) first_decision_row: usize,
    pub(super) decisions: usize,
}

/// One row of a golden file.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) ts: Timestamp,
    pub(super) bar: Bar,
    pub(super) features: Vec<Option<f64>>,
    pub(super) normalised: Vec<Option<f64>>,
    pub(super) episode_start: Option<bool>,
    pub(super) position: Option<f64>,
    pub(super) logits: Vec<Option<f64>>,
    pub(super) value: Option<f64>,
    pub(super) action: Option<usize>,
}

/// A golden file with the places of its columns.
pub(super) struct Table<'a> {
    body: &'a str,
    header: Vec<&'a str>,
    candles: [usize; 6],
    features: Vec<usize>,
    normalised: Vec<usize>,
    logits: Vec<usize>,
    episode_start: usize,
    position: usize,
    value: usize,
    action: usize,
}

impl<'a> Table<'a> {
    pub(super) fn new(bundle: &Bundle, text: &'a str) -> Result<Self, GoldenError> {
        let (header, body) = text.split_once('\n').unwrap_or((text, ""));
        let header: Vec<&str> = header.trim_end().split(',').collect();
        let place = |name: &str| {
            header
                .iter()
                .position(|column| *column == name)
                .ok_or_else(|| GoldenError::NoColumn(name.to_owned()))
        };
        let columns = bundle.normaliser().columns();
        let prefixed = |prefix: &str| {
            columns
                .iter()
                .map(|column| place(&format!("{prefix}_{column}")))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            body,
            candles: [
                place("ts")?,
                place("open")?,
                place("high")?,
                place("low")?,
                place("close")?,
                place("volume")?,
            ],
            features: prefixed("f")?,
            normalised: prefixed("n")?,
            logits: (0..bundle.targets().len())
                .map(|at| place(&format!("sb3_logit_{at}")))
                .collect::<Result<_, _>>()?,
            episode_start: place("episode_start")?,
            position: place("position")?,
            value: place("sb3_value")?,
            action: place("sb3_action")?,
            header,
        })
    }

    pub(super) fn rows(&self) -> Result<Vec<Row>, GoldenError> {
        self.body
            .lines()
            .enumerate()
            .map(|(number, line)| self.row(number, line))
            .collect()
    }

    fn row(&self, number: usize, line: &str) -> Result<Row, GoldenError> {
        let fields: Vec<&str> = line.split(',').collect();
        let bad = |at: usize| GoldenError::Field {
            row: number,
            column: (*self.header.get(at).unwrap_or(&"?")).to_owned(),
            text: fields.get(at).unwrap_or(&"").chars().take(40).collect(),
        };
        if fields.len() != self.header.len() {
            return Err(bad(fields.len().min(self.header.len())));
        }
        let number_at = |at: usize| optional::<f64>(fields[at]).ok_or_else(|| bad(at));
        let numbers = |places: &[usize]| {
            places
                .iter()
                .map(|&at| number_at(at))
                .collect::<Result<Vec<_>, _>>()
        };
        let price = |at: usize| fields[at].parse::<Price>().map_err(|_| bad(at));
        let [ts, open, high, low, close, volume] = self.candles;
        let millis = fields[ts].parse().map_err(|_| bad(ts))?;
        let ts = Timestamp::from_millis(millis);
        let start = optional::<u8>(fields[self.episode_start]);
        let action = optional::<usize>(fields[self.action]);
        Ok(Row {
            number,
            ts,
            bar: Bar {
                open_time: ts,
                open: price(open)?,
                high: price(high)?,
                low: price(low)?,
                close: price(close)?,
                volume: Qty::parse_volume(fields[volume]).map_err(|_| bad(volume))?,
            },
            features: numbers(&self.features)?,
            normalised: numbers(&self.normalised)?,
            logits: numbers(&self.logits)?,
            episode_start: start
                .ok_or_else(|| bad(self.episode_start))?
                .map(|start| start == 1),
            position: number_at(self.position)?,
            value: number_at(self.value)?,
            action: action.ok_or_else(|| bad(self.action))?,
        })
    }
}

/// A field that may be empty: `Some(None)` when it is, `None` when it cannot be read.
#[expect(clippy::option_option, reason = "not there and not readable differ")]
fn optional<T: FromStr>(text: &str) -> Option<Option<T>> {
    if text.is_empty() {
        Some(None)
    } else {
        text.parse().ok().map(Some)
    }
}

fn read_error(path: &Path) -> impl Fn(std::io::Error) -> GoldenError {
    let file = path.display().to_string();
    move |source| GoldenError::Read {
        file: file.clone(),
        source,
    }
}

pub(super) fn read_summary(path: &Path) -> Result<Summary, GoldenError> {
    let bytes = std::fs::read(path).map_err(read_error(path))?;
    serde_json::from_slice(&bytes).map_err(|source| GoldenError::Summary {
        file: path.display().to_string(),
        source,
    })
}

pub(super) fn read_csv(path: &Path) -> Result<String, GoldenError> {
    let fail = read_error(path);
    let file = std::fs::File::open(path).map_err(&fail)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .take(MAX_CSV)
        .read_to_string(&mut text)
        .map_err(&fail)?;
    Ok(text)
}
