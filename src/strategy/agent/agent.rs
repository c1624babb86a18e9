//! The strategy that runs a bundle, bar by bar, in a closed loop with its own targets.
//!
//! The position a model sees is the agent's own last target, as in training, and not what the
//! account holds. Warm-up counts bars: after a hole the agent is [`reset`](Strategy::reset).

use crate::domain::{Bar, Exposure, Timestamp};
use crate::features::{Observation, Pipeline};
use crate::strategy::{HoldReason, Insight, Stopwatch, Strategy, StrategyInfo, Verdict};

use super::bundle::Bundle;
use super::fault::BundleError;
use super::policy::{Policy, PolicyError};

/// When an agent decides for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstDecision {
    /// On the bar that completes the bundle's `warmup_bars`: averages have forgotten their seed.
    #[default]
    AfterWarmup,
    /// On the first bar with a complete observation, as the golden files do.
    FirstComplete,
}

/// How an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentOptions {
    /// Microseconds a decision may take; `None` for no limit.
    pub deadline_us: Option<u64>,
    /// When it decides for the first time.
    pub first_decision: FirstDecision,
}

/// Everything about the newest bar: what the model saw and what it said.
///
/// `raw` and `normalised` have one value a column, in the model's order; NaN where not known.
/// The rest is empty when the model was not run on this bar or gave nothing usable.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDetail {
    /// Open time of the bar.
    pub ts: Timestamp,
    /// Features as computed.
    pub raw: Vec<f64>,
    /// Features as the model sees them.
    pub normalised: Vec<f32>,
    /// Whether an episode began with this decision.
    pub episode_start: Option<bool>,
    /// Target of the decision before; flat at the start of an episode.
    pub position: Option<Exposure>,
    /// Outputs of the action head, one an action.
    pub logits: Vec<f32>,
    /// The critic's value.
    pub value: Option<f32>,
    /// Action with the largest logit, the lowest of equals.
    pub action: Option<usize>,
    /// Target of that action; `None` when the decision came too late.
    pub target: Option<Exposure>,
    /// Microseconds the model took.
    pub latency_us: Option<u64>,
}

/// A bundle at work.
///
/// `position` is the target of the last decision that was in time; `starting` is set until the
/// first decision of an episode has advanced the recurrent state.
#[derive(Debug)]
pub struct Agent {
    info: StrategyInfo,
    pipeline: Pipeline,
    observation: Observation,
    policy: Policy,
    targets: Vec<Exposure>,
    position_in_obs: bool,
    deadline_us: Option<u64>,
    /// Bars until the first decision.
    need: u64,
    position: Exposure,
    starting: bool,
    detail: StepDetail,
}

impl Agent {
    /// Agent over a checked bundle, with no bar seen.
    ///
    /// # Errors
    ///
    /// When the engine cannot open the model.
    pub fn new(bundle: &Bundle, options: AgentOptions) -> Result<Self, BundleError> {
        let meta = bundle.meta();
        let observation = Observation::new(bundle.normaliser().clone(), bundle.window());
        let complete = observation.first_complete_bars();
        let need = match options.first_decision {
            FirstDecision::AfterWarmup => complete.max(meta.warmup_bars),
            FirstDecision::FirstComplete => complete,
        };
        Ok(Self {
            info: StrategyInfo {
                name: meta.name.clone(),
                family: meta.algo.clone(),
                bundle_hash: Some(bundle.hash().to_owned()),
                symbol: Some(meta.symbol.clone()),
                interval: Some(meta.interval),
                warmup_bars: need,
                fees: Some(bundle.fees()),
            },
            pipeline: Pipeline::new(),
            policy: bundle.open()?,
            targets: bundle.targets().to_vec(),
            position_in_obs: meta.obs.position_in_obs,
            deadline_us: options.deadline_us,
            need,
            position: Exposure::FLAT,
            starting: true,
            detail: StepDetail {
                ts: Timestamp::default(),
                raw: observation.raw().to_vec(),
                normalised: observation.newest().to_vec(),
                episode_start: None,
                position: None,
                logits: Vec::with_capacity(bundle.targets().len()),
                value: None,
                action: None,
                target: None,
                latency_us: None,
            },
            observation,
        })
    }

    /// Begins a new episode at the next bar: position flat, recurrent state zero.
    ///
    /// The features go on; [`Strategy::reset`] restarts them as well.
    pub fn start_episode(&mut self) {
        self.position = Exposure::FLAT;
        self.starting = true;
        self.policy.forget();
    }

    /// What the newest bar was made of.
    #[must_use]
    pub fn step_detail(&self) -> &StepDetail {
        &self.detail
    }

    /// The agent's own position: its last target.
    #[must_use]
    pub fn position(&self) -> Exposure {
        self.position
    }

    /// Bars seen since the start or the last reset.
    #[must_use]
    pub fn bars(&self) -> u64 {
        self.pipeline.bars()
    }

    fn take_features(&mut self, bar: &Bar) {
        self.pipeline.push(bar);
        self.observation.push(&self.pipeline);
        let detail = &mut self.detail;
        detail.ts = bar.open_time;
        detail.raw.copy_from_slice(self.observation.raw());
        detail.normalised.copy_from_slice(self.observation.newest());
        detail.episode_start = None;
        detail.position = None;
        detail.logits.clear();
        detail.value = None;
        detail.action = None;
        detail.target = None;
        detail.latency_us = None;
    }

    fn write_observation(&mut self) {
        let rows = self.observation.rows();
        let input = self.policy.observation();
        input[..rows.len()].copy_from_slice(rows);
        if self.position_in_obs {
            input[rows.len()] = self.position.rate().to_f64() as f32;
        }
    }

    /// Runs the model on the newest observation.
    ///
    /// On success the recurrent state has advanced by this bar, also when the decision then
    /// turns out to be too late: the bar has been lived through either way, and leaving it out
    /// would make every later decision another trajectory. An output that is not finite leaves
    /// the state as it was.
    fn decide(&mut self, watch: &mut dyn Stopwatch) -> Result<Exposure, HoldReason> {
        if let Some(column) = self.observation.first_not_finite() {
            return Err(HoldReason::NonFiniteFeature {
                column: column.name().to_owned(),
            });
        }
        self.write_observation();
        self.detail.episode_start = Some(self.starting);
        self.detail.position = Some(self.position);
        watch.start();
        let ran = self.policy.run(self.starting);
        self.detail.latency_us = watch.stop();
        ran.map_err(|error| match error {
            PolicyError::NonFinite(output) => HoldReason::NonFiniteOutput { output },
            other => HoldReason::Model(other.to_string()),
        })?;
        self.starting = false;
        let logits = self.policy.logits();
        let action = argmax(logits);
        self.detail.logits.extend_from_slice(logits);
        self.detail.value = Some(self.policy.value());
        self.detail.action = Some(action);
        if let (Some(took_us), Some(deadline_us)) = (self.detail.latency_us, self.deadline_us)
            && deadline_us < took_us
        {
            return Err(HoldReason::Deadline {
                took_us,
                deadline_us,
            });
        }
        Ok(self.targets[action])
    }
}

impl Strategy for Agent {
    fn info(&self) -> &StrategyInfo {
        &self.info
    }

    fn on_bar(&mut self, bar: &Bar, watch: &mut dyn Stopwatch) -> Verdict {
        self.take_features(bar);
        let have = self.pipeline.bars();
        if have < self.need {
            return Verdict::Warming {
                have,
                need: self.need,
            };
        }
        match self.decide(watch) {
            Ok(target) => {
                self.position = target;
                self.detail.target = Some(target);
                Verdict::Target(target)
            }
            Err(reason) => Verdict::Hold(reason),
        }
    }

    fn reset(&mut self) {
        self.pipeline.reset();
        self.observation.reset();
        self.start_episode();
    }

    fn insight(&self) -> Insight {
        let detail = &self.detail;
        let columns = self.observation.normaliser().columns();
        let features = columns
            .iter()
            .zip(detail.raw.iter().zip(&detail.normalised))
            .map(|(column, (raw, z))| (column.name().to_owned(), *raw, f64::from(*z)))
            .collect();
        let probabilities = softmax(&detail.logits);
        Insight {
            features,
            choices: self
                .targets
                .iter()
                .map(|target| choice_name(*target))
                .zip(probabilities)
                .collect(),
            chosen: detail.action,
            value: detail.value.map(f64::from),
            latency_us: detail.latency_us,
        }
    }
}

/// Index of the largest value, the lowest of equals.
fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if values[best] < *value {
            best = at;
        }
    }
    best
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|x| f64::from(x - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Name of an action by its target; a part of a position carries its size.
fn choice_name(target: Exposure) -> String {
    let side = match target.rate().raw() {
        0 => return "FLAT".to_owned(),
        raw if raw < 0 => "SHORT",
        _ => "LONG",
    };
    if target == Exposure::LONG || target == Exposure::SHORT {
        side.to_owned()
    } else {
        format!("{side} {}", target.rate().abs())
    }
}
