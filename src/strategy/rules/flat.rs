//! The strategy that never holds anything.

use crate::domain::{Bar, Exposure};
use crate::strategy::{Insight, Stopwatch, Strategy, StrategyInfo, Verdict};

/// Wants no position, from the first bar on.
#[derive(Debug, Clone)]
pub struct Flat {
    info: StrategyInfo,
}

impl Flat {
    /// The strategy.
    #[must_use]
    pub fn new() -> Self {
        Self {
            info: StrategyInfo {
                name: "flat".to_owned(),
                family: "flat".to_owned(),
                bundle_hash: None,
                symbol: None,
                interval: None,
                warmup_bars: 0,
                fees: None,
            },
        }
    }
}

impl Default for Flat {
    fn default() -> Self {
        Self::new()
    }
}

impl Strategy for Flat {
    fn info(&self) -> &StrategyInfo {
        &self.info
    }

    fn on_bar(&mut self, _bar: &Bar, _watch: &mut dyn Stopwatch) -> Verdict {
        Verdict::Target(Exposure::FLAT)
    }

    fn reset(&mut self) {}

    fn insight(&self) -> Insight {
        Insight::default()
    }
}
