//! Bars to features, incrementally, exactly as in training.
