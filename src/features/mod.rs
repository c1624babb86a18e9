//! Bars to features, incrementally, exactly as in training.
//!
//! [`Pipeline`] turns closed bars into the columns of `tradeterm.features/1`; [`Observation`]
//! normalises them with a model's statistics and stacks them into the model's input. Nothing here
//! knows a model, an order or a clock: the time of day is that of the bar.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "features are floats: counts are small, and the last step casts to f32 on purpose"
)]

mod column;
mod observation;
mod pipeline;
mod rolling;
#[cfg(test)]
mod tests;

pub use column::{Column, UnknownColumn};
pub use observation::{Normaliser, NormaliserError, Observation};
pub use pipeline::Pipeline;

/// Name of the feature definitions that [`Pipeline`] computes.
pub const FEATURE_SPEC: &str = "tradeterm.features/1";
