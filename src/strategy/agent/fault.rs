//! Why a bundle is refused. Text that came from a file is quoted and shortened.

use crate::domain::{Category, Interval, Symbol};
use crate::features::{NormaliserError, UnknownColumn};

use super::onnx::OnnxError;
use super::policy::PolicyError;
use super::runtime::RuntimeError;

/// A bundle that cannot be used, with the reason.
#[derive(Debug, thiserror::Error)]
#[error("bundle {bundle}: {fault}")]
pub struct BundleError {
    /// Folder or label of the bundle.
    pub bundle: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file cannot be read.
    #[error("cannot read {file}: {}", in_words(source))]
    Read {
        /// File name within the bundle.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// `meta.json` is no JSON.
    #[error("meta.json is not valid JSON: {0} (NaN and Infinity are no JSON either)")]
    Json(serde_json::Error),
    /// A key is missing.
    #[error("meta.json has no {0}; export the agent again")]
    MissingKey(&'static str),
    /// A value of the wrong kind.
    #[error("meta.json {section}: {error}")]
    BadValue {
        /// Part of the file.
        section: &'static str,
        /// What is wrong.
        error: String,
    },
    /// A version or a way of working that this build does not know.
    #[error("{key} is {found:?}, this build knows {known:?} only")]
    Unknown {
        /// Key in `meta.json`.
        key: &'static str,
        /// Its value.
        found: String,
        /// The value that works.
        known: &'static str,
    },
    /// The model file has another size.
    #[error("model file has {found} bytes, model.bytes says {expected}; copy it again")]
    Size {
        /// Bytes it has.
        found: u64,
        /// Bytes it should have.
        expected: u64,
    },
    /// The model file has another content.
    #[error("model file has sha256 {found:.12}, model.sha256 says {expected:.12}; copy it again")]
    Hash {
        /// Hash of the file.
        found: String,
        /// Hash in `meta.json`.
        expected: String,
    },
    /// A column that the pipeline cannot compute.
    #[error("feature_stats.columns: {0}")]
    Column(#[from] UnknownColumn),
    /// Statistics that cannot normalise.
    #[error("feature_stats: {0}")]
    Stats(#[from] NormaliserError),
    /// `obs.dim` does not follow from the rest.
    #[error("obs.dim is {found}, window {window} x {columns} columns + position gives {expected}")]
    ObsDim {
        /// Value in `meta.json`.
        found: u64,
        /// Window in bars.
        window: u64,
        /// Number of columns.
        columns: usize,
        /// Value that follows.
        expected: u64,
    },
    /// The layout names another column than the statistics at the same place.
    #[error(
        "layout column {at} is {layout}, feature_stats.columns has {columns}; export the agent again"
    )]
    Layout {
        /// Place in `obs.layout`, from 0.
        at: usize,
        /// What the layout has there.
        layout: String,
        /// What window, columns and position give there.
        columns: String,
    },
    /// The number of targets does not fit the network.
    #[error("actions.targets has {targets} values, the logits are {logits} wide")]
    Targets {
        /// Number of targets.
        targets: usize,
        /// Width of the logits.
        logits: i64,
    },
    /// A target that is no exposure.
    #[error("actions.targets has {0}, use -1 to 1")]
    Target(f64),
    /// Interval name and length contradict each other.
    #[error("interval is {interval} ({}), interval_ms says {millis}", interval.millis())]
    IntervalLength {
        /// Interval by name.
        interval: Interval,
        /// Length in `meta.json`.
        millis: i64,
    },
    /// A tensor described in a way that cannot be run.
    #[error("io: {0}")]
    Io(String),
    /// The ONNX file itself.
    #[error("{0}")]
    Onnx(#[from] OnnxError),
    /// The operator set of the file is not the described one.
    #[error("model file has opset {found}, model.opset says {expected}")]
    Opset {
        /// Opset of the file.
        found: i64,
        /// Opset in `meta.json`.
        expected: i64,
    },
    /// The engine refuses the graph, or the graph is not the described one.
    #[error("{0}")]
    Policy(#[from] PolicyError),
    /// There is no engine.
    #[error("{0}")]
    Runtime(#[from] RuntimeError),
    /// The market is another one.
    #[error(
        "it was trained for {symbol} {category} {interval}, this is {wanted_symbol} \
         {wanted_category} {wanted_interval}: use bars of its market, or another bundle"
    )]
    Market {
        /// Symbol of the bundle.
        symbol: Symbol,
        /// Category of the bundle.
        category: Category,
        /// Interval of the bundle.
        interval: Interval,
        /// Symbol of the stream.
        wanted_symbol: Symbol,
        /// Category of the stream.
        wanted_category: Category,
        /// Interval of the stream.
        wanted_interval: Interval,
    },
}

/// Text from a file, short enough for a message.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

fn in_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            "there is no such file: name a folder with meta.json and a model".to_owned()
        }
        _ => error.to_string(),
    }
}
