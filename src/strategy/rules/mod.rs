//! Baselines without a model: flat, and the crossing of two moving averages.
//!
//! They are what every agent has to beat, and what proves the rest of the house without a model.
//! No floats decide here: averages are compared as exact integer sums.

mod flat;
mod ma_cross;

pub use flat::Flat;
pub use ma_cross::{MaCross, MaCrossError, MaCrossSettings};
