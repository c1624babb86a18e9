//! Features to a model's input: normalised, stacked, the position last. Runs no model.

use super::{Column, Pipeline};

/// Why statistics cannot normalise.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NormaliserError {
    /// Lists of different lengths.
    #[error("{columns} columns, {mu} values of mu and {sd} values of sd: all three must be equal")]
    Lengths {
        /// Number of columns.
        columns: usize,
        /// Number of means.
        mu: usize,
        /// Number of deviations.
        sd: usize,
    },
    /// No column at all.
    #[error("there is no feature column")]
    Empty,
    /// A mean that is no number.
    #[error("mu of {column} is {value}, not finite")]
    Mu {
        /// Its column.
        column: Column,
        /// The value.
        value: f64,
    },
    /// A deviation that cannot divide.
    #[error("sd of {column} is {value}, not finite and positive")]
    Sd {
        /// Its column.
        column: Column,
        /// The value.
        value: f64,
    },
    /// A clip that does not bound.
    #[error("clip is {0}, not finite and positive")]
    Clip(f64),
}

/// The statistics of a model's training data.
///
/// `columns`, `mu` and `sd` have the same length; every `mu` is finite, every `sd` and the clip
/// are finite and positive.
#[derive(Debug, Clone, PartialEq)]
pub struct Normaliser {
    columns: Vec<Column>,
    mu: Vec<f64>,
    sd: Vec<f64>,
    clip: f64,
}

impl Normaliser {
    /// Normaliser over columns in the model's order.
    ///
    /// # Errors
    ///
    /// When the lists differ in length or a number is not usable; names the column.
    pub fn new(
        columns: Vec<Column>,
        mu: Vec<f64>,
        sd: Vec<f64>,
        clip: f64,
    ) -> Result<Self, NormaliserError> {
        if columns.len() != mu.len() || columns.len() != sd.len() {
            return Err(NormaliserError::Lengths {
                columns: columns.len(),
                mu: mu.len(),
                sd: sd.len(),
            });
        }
        if columns.is_empty() {
            return Err(NormaliserError::Empty);
        }
        for ((&column, &mu), &sd) in columns.iter().zip(&mu).zip(&sd) {
            if !mu.is_finite() {
                return Err(NormaliserError::Mu { column, value: mu });
            }
            if !(sd.is_finite() && 0.0 < sd) {
                return Err(NormaliserError::Sd { column, value: sd });
            }
        }
        if !(clip.is_finite() && 0.0 < clip) {
            return Err(NormaliserError::Clip(clip));
        }
        Ok(Self {
            columns,
            mu,
            sd,
            clip,
        })
    }

    /// The columns, in the model's order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Deviations of the columns, in the model's order.
    #[must_use]
    pub fn sd(&self) -> &[f64] {
        &self.sd
    }

    /// Bars until every column has a value.
    #[must_use]
    pub fn first_complete_bars(&self) -> u64 {
        let last = self.columns.iter().map(|c| c.first_index()).max();
        last.map_or(1, |index| index + 1)
    }

    /// `clip((value - mu) / sd)` in f64, then cast to f32.
    ///
    /// NaN for a value that is not finite: the clip would turn an infinity into a plausible
    /// number, and nothing may be decided on it.
    #[must_use]
    pub fn normalise(&self, at: usize, value: f64) -> f32 {
        if value.is_finite() {
            ((value - self.mu[at]) / self.sd[at]).clamp(-self.clip, self.clip) as f32
        } else {
            f32::NAN
        }
    }
}

/// The last rows of normalised features, as a model wants them.
///
/// Shape `[window * columns]`, row-major, oldest bar first; columns in the normaliser's order.
/// Unit: z-scores (dimensionless), clipped. NaN where a feature is not known or not finite.
#[derive(Debug, Clone)]
pub struct Observation {
    normaliser: Normaliser,
    window: usize,
    raw: Vec<f64>,
    rows: Vec<f32>,
}

impl Observation {
    /// Empty observation over `window` bars (at least one).
    #[must_use]
    pub fn new(normaliser: Normaliser, window: usize) -> Self {
        let (window, width) = (window.max(1), normaliser.columns().len());
        Self {
            raw: vec![f64::NAN; width],
            rows: vec![f32::NAN; window * width],
            normaliser,
            window,
        }
    }

    /// Takes the pipeline's newest values as the newest row.
    pub fn push(&mut self, pipeline: &Pipeline) {
        let width = self.raw.len();
        self.rows.copy_within(width.., 0);
        let newest = (self.window - 1) * width;
        for (at, &column) in self.normaliser.columns().iter().enumerate() {
            let value = pipeline.value(column);
            self.raw[at] = value;
            self.rows[newest + at] = self.normaliser.normalise(at, value);
        }
    }

    /// Forgets every row.
    pub fn reset(&mut self) {
        self.raw.fill(f64::NAN);
        self.rows.fill(f32::NAN);
    }

    /// Newest features as the pipeline gave them, in the normaliser's order.
    #[must_use]
    pub fn raw(&self) -> &[f64] {
        &self.raw
    }

    /// Newest normalised row.
    #[must_use]
    pub fn newest(&self) -> &[f32] {
        &self.rows[(self.window - 1) * self.raw.len()..]
    }

    /// All rows, flattened; see the type for the shape.
    #[must_use]
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// First column with a number that is not finite, oldest row first.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<Column> {
        let at = self.rows.iter().position(|z| !z.is_finite())?;
        Some(self.normaliser.columns()[at % self.raw.len()])
    }

    /// Bars until every row of the window is complete.
    #[must_use]
    pub fn first_complete_bars(&self) -> u64 {
        self.normaliser.first_complete_bars() + self.window as u64 - 1
    }

    /// The statistics it normalises with.
    #[must_use]
    pub fn normaliser(&self) -> &Normaliser {
        &self.normaliser
    }
}
