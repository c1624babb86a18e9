//! Runs an agent over recorded bars in a closed loop and shows every number on the way.
//!
//! For comparisons with the training framework; trades nothing and measures no time.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::domain::{Bar, Exposure, Interval, Timestamp};
use crate::strategy::{NoStopwatch, Strategy, Verdict};

use super::agent::{Agent, AgentOptions, FirstDecision, StepDetail};
use super::bundle::Bundle;
use super::fault::BundleError;

/// Why an evaluation ends early.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A bar is missing or out of order: features count bars, so nothing after it would be right.
    #[error("bar {next} does not follow bar {last} at interval {interval}; fill the hole first")]
    Gap {
        /// Bar before.
        last: Timestamp,
        /// Bar that came.
        next: Timestamp,
        /// Interval of the bundle.
        interval: Interval,
    },
    /// The result cannot be written.
    #[error("cannot write the evaluation: {0}")]
    Write(#[from] io::Error),
}

/// What an evaluation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvalSummary {
    /// Bars taken.
    pub n_bars: u64,
    /// Decisions with a target.
    pub n_decisions: u64,
    /// Bars on which the agent held because something was wrong.
    pub n_holds: u64,
    /// First of those, with the reason.
    pub first_hold: Option<(Timestamp, String)>,
    /// Episode starts that were asked for and met no bar.
    pub unmet_starts: Vec<Timestamp>,
}

/// One bar of an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalRow<'a> {
    /// What the agent said.
    pub verdict: Verdict,
    /// What it was made of.
    pub detail: &'a StepDetail,
}

/// An agent in a closed loop: its position is its own last target.
#[derive(Debug)]
pub struct Evaluator {
    agent: Agent,
    columns: Vec<&'static str>,
    n_actions: usize,
    interval: Interval,
    starts: BTreeSet<Timestamp>,
    last: Option<Timestamp>,
}

impl Evaluator {
    /// Evaluator before its first bar. At each of `starts` (open times) a new episode begins:
    /// position flat and state zero, while the features go on.
    ///
    /// # Errors
    ///
    /// When the engine cannot open the model.
    pub fn new(
        bundle: &Bundle,
        starts: BTreeSet<Timestamp>,
        first_decision: FirstDecision,
    ) -> Result<Self, BundleError> {
        let columns = bundle.normaliser().columns();
        Ok(Self {
            agent: Agent::new(
                bundle,
                AgentOptions {
                    deadline_us: None,
                    first_decision,
                },
            )?,
            columns: columns.iter().map(|column| column.name()).collect(),
            n_actions: bundle.targets().len(),
            interval: bundle.meta().interval,
            starts,
            last: None,
        })
    }

    /// Takes the next bar.
    ///
    /// # Errors
    ///
    /// When it does not follow the one before.
    pub fn step(&mut self, bar: &Bar) -> Result<EvalRow<'_>, EvalError> {
        let next = bar.open_time;
        if let Some(last) = self.last
            && next.since(last) != self.interval.millis()
        {
            return Err(EvalError::Gap {
                last,
                next,
                interval: self.interval,
            });
        }
        self.last = Some(next);
        if self.starts.remove(&next) {
            self.agent.start_episode();
        }
        let verdict = self.agent.on_bar(bar, &mut NoStopwatch);
        Ok(EvalRow {
            verdict,
            detail: self.agent.step_detail(),
        })
    }

    /// Header of the CSV, without the line end.
    #[must_use]
    pub fn header(&self) -> String {
        let mut names = vec!["ts".to_owned()];
        for prefix in ["f", "n"] {
            names.extend(self.columns.iter().map(|name| format!("{prefix}_{name}")));
        }
        names.extend(["episode_start", "position"].map(str::to_owned));
        names.extend((0..self.n_actions).map(|at| format!("logit_{at}")));
        names.extend(["value", "action", "target"].map(str::to_owned));
        names.join(",")
    }

    /// Runs all bars and writes one CSV row a bar.
    ///
    /// Numbers are the shortest that read back to the same value; empty is not known.
    ///
    /// # Errors
    ///
    /// When a bar is missing or the result cannot be written.
    pub fn write_csv(
        &mut self,
        bars: impl IntoIterator<Item = Bar>,
        out: &mut dyn Write,
    ) -> Result<EvalSummary, EvalError> {
        let mut summary = EvalSummary::default();
        writeln!(out, "{}", self.header())?;
        let n_actions = self.n_actions;
        for bar in bars {
            let row = self.step(&bar)?;
            summary.n_bars += 1;
            match &row.verdict {
                Verdict::Target(_) => summary.n_decisions += 1,
                Verdict::Hold(reason) => {
                    summary.n_holds += 1;
                    summary
                        .first_hold
                        .get_or_insert_with(|| (bar.open_time, reason.to_string()));
                }
                Verdict::Warming { .. } => {}
            }
            write_row(row.detail, n_actions, out)?;
        }
        summary.unmet_starts = self.starts.iter().copied().collect();
        Ok(summary)
    }
}

fn write_row(detail: &StepDetail, n_actions: usize, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}", detail.ts.millis())?;
    for value in &detail.raw {
        field(out, value.is_finite().then_some(value))?;
    }
    for value in &detail.normalised {
        field(out, value.is_finite().then_some(value))?;
    }
    field(out, detail.episode_start.map(u8::from))?;
    field(out, detail.position.map(Exposure::rate))?;
    for at in 0..n_actions {
        field(out, detail.logits.get(at))?;
    }
    field(out, detail.value)?;
    field(out, detail.action)?;
    field(out, detail.target.map(Exposure::rate))?;
    writeln!(out)
}

fn field(out: &mut dyn Write, value: Option<impl std::fmt::Display>) -> io::Result<()> {
    match value {
        Some(value) => write!(out, ",{value}"),
        None => write!(out, ","),
    }
}
