//! Baselines without a model: flat, and the crossing of two moving averages.
