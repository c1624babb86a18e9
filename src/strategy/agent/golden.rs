//! Proof of parity: an agent replays a golden file from its raw candles and must do what the
//! training framework did.
//!
//! Features, logits and actions are compared each for itself: equal actions alone would hide a
//! wrong feature that happened not to matter.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::domain::Timestamp;

use super::agent::{FirstDecision, StepDetail};
use super::bundle::Bundle;
use super::eval::Evaluator;
use super::golden_file::{GoldenError, Row, Table, read_csv, read_summary};

/// First row that differs beyond the tolerances.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// Row, from 0.
    pub row: usize,
    /// Open time of its bar.
    pub ts: Timestamp,
    /// What differs, such as `action` or `f_rsi_14`.
    pub what: String,
    /// Value in the file.
    pub expected: String,
    /// Value found here.
    pub found: String,
}

/// How close a replay came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GoldenReport {
    /// Bars replayed.
    pub n_bars: usize,
    /// Decisions in the file.
    pub n_decisions: usize,
    /// Decisions with another action, or none, or one too many.
    pub n_wrong_actions: usize,
    /// Rows with another position or another start of an episode.
    pub n_wrong_positions: usize,
    /// Largest difference of a logit.
    pub max_logit_diff: f64,
    /// Largest difference of the critic's value.
    pub max_value_diff: f64,
    /// Largest difference of a feature, in standard deviations of the training data.
    pub max_feature_diff_sd: f64,
    /// Column of that difference.
    pub worst_feature: Option<String>,
    /// Largest difference of a normalised feature.
    pub max_normalised_diff: f64,
    /// First row beyond the tolerances.
    pub first_mismatch: Option<Mismatch>,
}

impl GoldenReport {
    /// Largest difference of a logit that passes.
    pub const LOGIT_TOLERANCE: f64 = 1e-4;
    /// Largest difference of a feature that passes, in standard deviations.
    pub const FEATURE_TOLERANCE_SD: f64 = 1e-6;

    /// Whether every action is equal and every number is close enough.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.first_mismatch.is_none() && 0 < self.n_decisions
    }

    fn note(&mut self, row: &Row, what: String, expected: String, found: String) {
        if self.first_mismatch.is_none() {
            self.first_mismatch = Some(Mismatch {
                row: row.number,
                ts: row.ts,
                what,
                expected,
                found,
            });
        }
    }
}

impl fmt::Display for GoldenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} bars, {} of {} actions equal, logits within {:.1e}, value within {:.1e}, \
             features within {:.1e} sd",
            if self.passed() { "passed" } else { "FAILED" },
            self.n_bars,
            self.n_decisions.saturating_sub(self.n_wrong_actions),
            self.n_decisions,
            self.max_logit_diff,
            self.max_value_diff,
            self.max_feature_diff_sd,
        )?;
        if let Some(column) = &self.worst_feature {
            write!(f, " ({column})")?;
        }
        if let Some(first) = &self.first_mismatch {
            write!(
                f,
                "; first difference in row {} ({}): {} is {}, expected {}",
                first.row, first.ts, first.what, first.found, first.expected
            )?;
        }
        Ok(())
    }
}

/// Replays a golden file from its raw candles, own state and own position, and compares.
///
/// # Errors
///
/// When the files cannot be read or do not belong together. A difference is no error; it is in
/// the report.
pub fn check_golden(
    bundle: &Bundle,
    golden_csv_gz: &Path,
    golden_json: &Path,
) -> Result<GoldenReport, GoldenError> {
    let summary = read_summary(golden_json)?;
    if !summary.candles_in_file {
        return Err(GoldenError::NoCandles(summary.candles));
    }
    let text = read_csv(golden_csv_gz)?;
    let table = Table::new(bundle, &text)?;
    let rows = table.rows()?;
    let decisions = rows.iter().filter(|row| row.action.is_some()).count();
    let first = rows.iter().position(|row| row.action.is_some());
    for (what, expected, found) in [
        ("bars", summary.bars, rows.len()),
        ("decisions", summary.decisions, decisions),
        (
            "first decision row",
            summary.first_decision_row,
            first.unwrap_or(rows.len()),
        ),
    ] {
        if expected != found {
            return Err(GoldenError::Contradiction {
                what,
                expected,
                found,
            });
        }
    }
    compare(bundle, &rows)
}

fn compare(bundle: &Bundle, rows: &[Row]) -> Result<GoldenReport, GoldenError> {
    let starts: BTreeSet<Timestamp> = rows
        .iter()
        .filter(|row| row.episode_start == Some(true))
        .map(|row| row.ts)
        .collect();
    let mut evaluator = Evaluator::new(bundle, starts, FirstDecision::FirstComplete)?;
    let mut report = GoldenReport {
        n_bars: rows.len(),
        ..GoldenReport::default()
    };
    for row in rows {
        let step = evaluator.step(&row.bar)?;
        compare_features(&mut report, bundle, row, step.detail);
        compare_decision(&mut report, row, step.detail);
    }
    Ok(report)
}

/// Distance of two numbers; infinite when only one of them is known.
fn distance(expected: Option<f64>, found: f64) -> f64 {
    match expected {
        Some(expected) if found.is_finite() => (expected - found).abs(),
        None if found.is_nan() => 0.0,
        _ => f64::INFINITY,
    }
}

fn compare_features(report: &mut GoldenReport, bundle: &Bundle, row: &Row, detail: &StepDetail) {
    let normaliser = bundle.normaliser();
    for (at, column) in normaliser.columns().iter().enumerate() {
        let found = detail.raw[at];
        let diff = distance(row.features[at], found) / normaliser.sd()[at];
        if report.max_feature_diff_sd < diff {
            report.max_feature_diff_sd = diff;
            report.worst_feature = Some(column.name().to_owned());
        }
        if GoldenReport::FEATURE_TOLERANCE_SD < diff {
            let expected = show(row.features[at]);
            report.note(row, format!("f_{column}"), expected, found.to_string());
        }
        let diff = distance(row.normalised[at], f64::from(detail.normalised[at]));
        report.max_normalised_diff = report.max_normalised_diff.max(diff);
    }
}

fn compare_decision(report: &mut GoldenReport, row: &Row, detail: &StepDetail) {
    if row.action.is_some() {
        report.n_decisions += 1;
    }
    if row.action != detail.action {
        report.n_wrong_actions += 1;
        let (expected, found) = (show(row.action), show(detail.action));
        report.note(row, "action".to_owned(), expected, found);
    }
    let position = detail.position.map(|position| position.rate().to_f64());
    if row.action.is_some()
        && (row.position != position || row.episode_start != detail.episode_start)
    {
        report.n_wrong_positions += 1;
        let (expected, found) = (show(row.position), show(position));
        report.note(row, "position".to_owned(), expected, found);
    }
    if row.action.is_none() || detail.action.is_none() {
        return;
    }
    for (at, (expected, found)) in row.logits.iter().zip(&detail.logits).enumerate() {
        let diff = distance(*expected, f64::from(*found));
        report.max_logit_diff = report.max_logit_diff.max(diff);
        if GoldenReport::LOGIT_TOLERANCE < diff {
            let (expected, found) = (show(*expected), found.to_string());
            report.note(row, format!("logit_{at}"), expected, found);
        }
    }
    let value = detail.value.map_or(f64::NAN, f64::from);
    report.max_value_diff = report.max_value_diff.max(distance(row.value, value));
}

fn show(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
