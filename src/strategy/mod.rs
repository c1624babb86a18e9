//! The strategy port and the families behind it.
//!
//! A strategy sees closed bars and says how much it wants to hold. It never sees an order, an
//! account or a clock; the same bars always give the same answers.

pub mod agent;
pub mod rules;

use crate::domain::{Bar, Exposure, Interval, Rate, Symbol};

/// Maps closed bars to a wanted exposure. Deterministic given its model and its input.
pub trait Strategy: Send {
    /// Facts that do not change while it runs.
    fn info(&self) -> &StrategyInfo;

    /// Takes one closed bar, in order and without a hole, and decides for the next one.
    ///
    /// `watch` times the slow part. A decision that takes longer than the strategy's deadline is
    /// a [`HoldReason::Deadline`]; in a replay the watch repeats what was measured then.
    fn on_bar(&mut self, bar: &Bar, watch: &mut dyn Stopwatch) -> Verdict;

    /// Forgets everything that came before, as after a start or a hole in the bars.
    fn reset(&mut self);

    /// What the newest decision was made of, for people. May allocate.
    fn insight(&self) -> Insight;
}

/// Times work without giving its user a clock.
pub trait Stopwatch {
    /// Starts to measure.
    fn start(&mut self);

    /// Microseconds since the start; `None` when nothing is measured.
    fn stop(&mut self) -> Option<u64>;
}

/// A stopwatch that measures nothing: backtests and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStopwatch;

impl Stopwatch for NoStopwatch {
    fn start(&mut self) {}

    fn stop(&mut self) -> Option<u64> {
        None
    }
}

/// Facts about a strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyInfo {
    /// Name of the strategy or bundle; part of every client order id it causes.
    pub name: String,
    /// Family, such as `PPO`, `RecurrentPPO`, `ma-cross`.
    pub family: String,
    /// SHA-256 of the model file, in hex.
    pub bundle_hash: Option<String>,
    /// Symbol it was made for; `None` fits any.
    pub symbol: Option<Symbol>,
    /// Interval it was made for; `None` fits any.
    pub interval: Option<Interval>,
    /// Bars it takes before the first decision.
    pub warmup_bars: u64,
    /// Fees it was trained with.
    pub fees: Option<FeeSchedule>,
}

/// Trading costs. Negative maker is a rebate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeSchedule {
    /// Fee of a resting fill, as a part of its value.
    pub maker: Rate,
    /// Fee of a taking fill.
    pub taker: Rate,
    /// Expected distance between the last price and a taking fill.
    pub slippage: Rate,
}

/// What a strategy says about one bar.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Needs more bars.
    Warming {
        /// Bars it has.
        have: u64,
        /// Bars it needs.
        need: u64,
    },
    /// Keeps what it wanted before, because something is wrong. Never turned into "flat".
    Hold(HoldReason),
    /// Wants this much of the leg's largest position.
    Target(Exposure),
}

/// Why a strategy holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldReason {
    /// A feature is not finite.
    #[error("feature {column} is not finite")]
    NonFiniteFeature {
        /// Column name.
        column: String,
    },
    /// The model's output is not finite.
    #[error("model output {output} is not finite")]
    NonFiniteOutput {
        /// Output name.
        output: String,
    },
    /// The decision came too late.
    #[error("decision took {took_us} us, deadline is {deadline_us} us")]
    Deadline {
        /// Time it took.
        took_us: u64,
        /// Time it had.
        deadline_us: u64,
    },
    /// The model could not be run.
    #[error("model failed: {0}")]
    Model(String),
}

/// What a decision was made of, for people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Insight {
    /// Column name, raw value, normalised value; not finite where not known.
    pub features: Vec<(String, f64, f64)>,
    /// Choices with probabilities, in the model's order; empty for rules.
    pub choices: Vec<(String, f64)>,
    /// Which of the choices was taken.
    pub chosen: Option<usize>,
    /// The critic's value.
    pub value: Option<f64>,
    /// Time the last decision took, in microseconds.
    pub latency_us: Option<u64>,
}
