//! `meta.json`: what a bundle says about itself, and whether that agrees with itself.
//!
//! Reads and compares; opens no model.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{Category, Interval, Rate, Symbol};
use crate::features::{Column, FEATURE_SPEC, Normaliser};
use crate::strategy::FeeSchedule;

use super::fault::{Fault, shorten};

/// Name of the bundle format this build reads.
const FORMAT: &str = "tradeterm.artifact/1";

/// Every key without which an agent cannot be run as it was trained.
const REQUIRED: [&str; 35] = [
    "name",
    "algo",
    "category",
    "symbol",
    "interval",
    "interval_ms",
    "model.file",
    "model.sha256",
    "model.bytes",
    "model.opset",
    "io.inputs",
    "io.outputs",
    "io.obs",
    "io.logits",
    "io.value",
    "io.episode_starts",
    "io.state",
    "obs.dim",
    "obs.window",
    "obs.window_order",
    "obs.position_in_obs",
    "obs.layout",
    "feature_stats.columns",
    "feature_stats.mu",
    "feature_stats.sd",
    "feature_stats.clip",
    "warmup_bars",
    "actions.targets",
    "actions.select",
    "actions.tie",
    "decision.at",
    "decision.applies_to",
    "fees.maker_bps",
    "fees.taker_bps",
    "fees.slippage_bps",
];

/// Description of a bundle; each part agrees with the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Name of the agent: 1 to 64 letters, digits, dashes, underscores or dots.
    pub name: String,
    /// Algorithm, `PPO` or `RecurrentPPO`.
    pub algo: String,
    /// Market it was trained on.
    pub category: Category,
    /// Symbol it was trained on.
    pub symbol: Symbol,
    /// Interval it was trained on.
    pub interval: Interval,
    /// The model file.
    pub model: ModelFile,
    /// Inputs and outputs of the graph.
    pub io: IoSpec,
    /// Shape of the observation.
    pub obs: ObsSpec,
    /// Columns and their statistics.
    pub feature_stats: FeatureStats,
    /// Bars of history to load before the first decision.
    pub warmup_bars: u64,
    /// What the actions mean.
    pub actions: ActionSpec,
    /// When decisions are taken.
    pub decision: DecisionSpec,
    /// Costs it was trained for.
    pub fees: FeesBps,
}

/// The model file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ModelFile {
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// ONNX operator set.
    pub opset: i64,
}

/// One dimension of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// A fixed size.
    Fixed(i64),
    /// The batch; always 1 here.
    Batch(String),
}

/// One input or output of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TensorSpec {
    /// Its name in the graph.
    pub name: String,
    /// Element type; `f32` only.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<Dim>,
}

/// One recurrent state: fed as `input`, replaced by `output`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StateSpec {
    /// Name of the input.
    pub input: String,
    /// Name of the output.
    pub output: String,
    /// Shape of both.
    pub shape: Vec<Dim>,
}

/// Inputs and outputs of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IoSpec {
    /// All inputs.
    pub inputs: Vec<TensorSpec>,
    /// All outputs.
    pub outputs: Vec<TensorSpec>,
    /// Name of the observation.
    pub obs: String,
    /// Name of the logits.
    pub logits: String,
    /// Name of the critic's value.
    pub value: String,
    /// Name of the flag that starts an episode; recurrent agents only.
    pub episode_starts: Option<String>,
    /// Recurrent states; none for PPO.
    pub state: Vec<StateSpec>,
}

/// One number of the observation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LayoutEntry {
    /// A feature, `lag` bars before the newest.
    Feature {
        /// Column name.
        name: String,
        /// Bars back.
        lag: u64,
    },
    /// The agent's own last target.
    Position,
}

/// Shape of the observation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObsSpec {
    /// Number of values.
    pub dim: u64,
    /// Bars in the observation.
    pub window: u64,
    /// Order of the bars; `oldest_first` only.
    pub window_order: String,
    /// Whether the position is the last value.
    pub position_in_obs: bool,
    /// Every value, in order.
    pub layout: Vec<LayoutEntry>,
}

/// Columns with the statistics of the training data, all in the same order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FeatureStats {
    /// Column names.
    pub columns: Vec<String>,
    /// Means.
    pub mu: Vec<f64>,
    /// Standard deviations.
    pub sd: Vec<f64>,
    /// Bound of the normalised values.
    pub clip: f64,
}

/// What the actions mean.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ActionSpec {
    /// Target of each action, -1 to 1.
    pub targets: Vec<f64>,
    /// How an action is chosen; `argmax` only.
    pub select: String,
    /// Which one of equals; `lowest_index` only.
    pub tie: String,
}

/// When decisions are taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DecisionSpec {
    /// Moment; `bar_close` only.
    pub at: String,
    /// Bar the target is for; `next_bar` only.
    pub applies_to: String,
}

/// Costs of the training, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct FeesBps {
    /// Fee of a resting fill.
    pub maker_bps: f64,
    /// Fee of a taking fill.
    pub taker_bps: f64,
    /// Expected slippage of a taking fill.
    pub slippage_bps: f64,
}

fn at<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.')
        .try_fold(value, |value, part| value.get(part))
}

fn read<T: DeserializeOwned>(value: &Value, section: &'static str) -> Result<T, Fault> {
    let part = at(value, section).ok_or(Fault::MissingKey(section))?;
    T::deserialize(part).map_err(|e| Fault::BadValue {
        section,
        error: shorten(&e.to_string()),
    })
}

fn known(key: &'static str, found: &str, known: &'static str) -> Result<(), Fault> {
    if found == known {
        Ok(())
    } else {
        Err(Fault::Unknown {
            key,
            found: shorten(found),
            known,
        })
    }
}

impl Meta {
    /// Reads a description and compares its parts with each other.
    ///
    /// # Errors
    ///
    /// The first thing that is unknown, missing or contradictory.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Fault> {
        let value: Value = serde_json::from_slice(json).map_err(Fault::Json)?;
        // The versions first: whatever else is missing may be called differently there.
        known("format", &read::<String>(&value, "format")?, FORMAT)?;
        let spec = read::<String>(&value, "feature_spec")?;
        known("feature_spec", &spec, FEATURE_SPEC)?;
        for key in REQUIRED {
            at(&value, key).ok_or(Fault::MissingKey(key))?;
        }
        let symbol = read::<String>(&value, "symbol")?;
        let meta = Self {
            name: read(&value, "name")?,
            algo: read(&value, "algo")?,
            category: read(&value, "category")?,
            symbol: Symbol::new(&symbol).map_err(|e| Fault::BadValue {
                section: "symbol",
                error: e.to_string(),
            })?,
            interval: read(&value, "interval")?,
            model: read(&value, "model")?,
            io: read(&value, "io")?,
            obs: read(&value, "obs")?,
            feature_stats: read(&value, "feature_stats")?,
            warmup_bars: read(&value, "warmup_bars")?,
            actions: read(&value, "actions")?,
            decision: read(&value, "decision")?,
            fees: read(&value, "fees")?,
        };
        let millis = read(&value, "interval_ms")?;
        if millis != meta.interval.millis() {
            return Err(Fault::IntervalLength {
                interval: meta.interval,
                millis,
            });
        }
        meta.check_words()?;
        meta.check_layout()?;
        Ok(meta)
    }

    /// Names and ways of working.
    fn check_words(&self) -> Result<(), Fault> {
        let bad = |section, error: &str| {
            Err(Fault::BadValue {
                section,
                error: error.to_owned(),
            })
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || 64 < self.name.len() || !self.name.chars().all(plain) {
            return bad(
                "name",
                "use 1 to 64 letters, digits, dashes, underscores, dots",
            );
        }
        let file = &self.model.file;
        if file.is_empty() || file.starts_with('.') || !file.chars().all(plain) {
            return bad(
                "model.file",
                "use a file name of this folder, such as model.onnx",
            );
        }
        if !matches!(self.algo.as_str(), "PPO" | "RecurrentPPO") {
            return Err(Fault::Unknown {
                key: "algo",
                found: shorten(&self.algo),
                known: "PPO or RecurrentPPO",
            });
        }
        known("obs.window_order", &self.obs.window_order, "oldest_first")?;
        known("actions.select", &self.actions.select, "argmax")?;
        known("actions.tie", &self.actions.tie, "lowest_index")?;
        known("decision.at", &self.decision.at, "bar_close")?;
        known("decision.applies_to", &self.decision.applies_to, "next_bar")?;
        for tensor in self.io.inputs.iter().chain(&self.io.outputs) {
            known("io dtype", &tensor.dtype, "f32")?;
        }
        Ok(())
    }

    /// Dimension and layout against what window, columns and position give.
    fn check_layout(&self) -> Result<(), Fault> {
        let (obs, columns) = (&self.obs, &self.feature_stats.columns);
        let expected = obs
            .window
            .checked_mul(columns.len() as u64)
            .and_then(|n| n.checked_add(u64::from(obs.position_in_obs)));
        if obs.window == 0 || expected != Some(obs.dim) {
            return Err(Fault::ObsDim {
                found: obs.dim,
                window: obs.window,
                columns: columns.len(),
                expected: expected.unwrap_or(u64::MAX),
            });
        }
        let mut built = (0..obs.window)
            .rev()
            .flat_map(|lag| {
                columns.iter().map(move |name| LayoutEntry::Feature {
                    name: name.clone(),
                    lag,
                })
            })
            .chain(obs.position_in_obs.then_some(LayoutEntry::Position));
        let mut layout = obs.layout.iter();
        for at in 0.. {
            let (found, wanted) = (layout.next(), built.next());
            if found != wanted.as_ref() {
                let name = |entry| self.entry_name(entry);
                return Err(Fault::Layout {
                    at,
                    layout: name(found),
                    columns: name(wanted.as_ref()),
                });
            }
            if found.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn entry_name(&self, entry: Option<&LayoutEntry>) -> String {
        match entry {
            None => "nothing".to_owned(),
            Some(LayoutEntry::Position) => "the position".to_owned(),
            Some(LayoutEntry::Feature { name, lag }) if self.obs.window > 1 || *lag > 0 => {
                format!("{} (lag {lag})", shorten(name))
            }
            Some(LayoutEntry::Feature { name, .. }) => shorten(name),
        }
    }

    /// The statistics, with columns that the pipeline knows.
    ///
    /// # Errors
    ///
    /// An unknown column, lists of different lengths, or a number that cannot normalise.
    pub(super) fn normaliser(&self) -> Result<Normaliser, Fault> {
        let stats = &self.feature_stats;
        let columns = stats
            .columns
            .iter()
            .map(|name| name.parse::<Column>())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Normaliser::new(
            columns,
            stats.mu.clone(),
            stats.sd.clone(),
            stats.clip,
        )?)
    }

    /// The costs of the training as rates.
    ///
    /// # Errors
    ///
    /// When a cost is no number or beyond 100 percent.
    pub(super) fn fee_schedule(&self) -> Result<FeeSchedule, Fault> {
        let rate = |bps: f64| {
            Rate::from_f64(bps / 1e4)
                .filter(|rate| rate.abs() <= Rate::ONE)
                .ok_or_else(|| Fault::BadValue {
                    section: "fees",
                    error: format!("{bps} basis points are no cost"),
                })
        };
        Ok(FeeSchedule {
            maker: rate(self.fees.maker_bps)?,
            taker: rate(self.fees.taker_bps)?,
            slippage: rate(self.fees.slippage_bps)?,
        })
    }
}
