//! Long while the fast average of the closes is above the slow one, short or flat below.
//!
//! The averages are sums of the prices' own integers, so nothing drifts and equal means equal.

use serde::{Deserialize, Serialize};

use crate::domain::{Bar, Exposure, Price};
use crate::strategy::{Insight, Stopwatch, Strategy, StrategyInfo, Verdict};

/// Largest price that is told apart, as a raw integer: 10,000 of them times 10,000 still fit.
const LARGEST: i128 = i128::MAX >> 28;

/// Settings of [`MaCross`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaCrossSettings {
    /// Bars of the fast average; at least 1.
    pub fast: usize,
    /// Bars of the slow average; above `fast`, at most 10,000.
    pub slow: usize,
    /// Whether it goes short when the fast average is below; flat otherwise.
    pub long_short: bool,
}

/// Long or flat over 10 and 30 bars, as everywhere that names the rule without more words.
impl Default for MaCrossSettings {
    fn default() -> Self {
        Self {
            fast: 10,
            slow: 30,
            long_short: false,
        }
    }
}

/// Why two averages cannot cross.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaCrossError {
    /// The fast average has no bars.
    #[error("fast is 0, use at least 1 bar")]
    NoFast,
    /// The slow average is not slower.
    #[error("slow {slow} is not above fast {fast}")]
    Order {
        /// Bars of the fast average.
        fast: usize,
        /// Bars of the slow average.
        slow: usize,
    },
    /// The slow average is too long.
    #[error("slow {slow} is above the limit of {limit} bars")]
    TooSlow {
        /// Bars of the slow average.
        slow: usize,
        /// Most that are allowed.
        limit: usize,
    },
}

/// Crossing of two simple moving averages of the close.
///
/// `fast_sum` and `slow_sum` are the exact sums of the last `fast` and `slow` closes in `closes`.
#[derive(Debug, Clone)]
pub struct MaCross {
    info: StrategyInfo,
    settings: MaCrossSettings,
    closes: Box<[i128]>,
    /// Where the next close goes: the place of the oldest one.
    next: usize,
    n_seen: usize,
    fast_sum: i128,
    slow_sum: i128,
    target: Exposure,
}

impl MaCross {
    /// Most bars of an average.
    pub const MAX_SLOW: usize = 10_000;

    /// Crossing with these settings.
    ///
    /// # Errors
    ///
    /// When the averages have no bars, are in the wrong order, or are too long.
    pub fn new(settings: MaCrossSettings) -> Result<Self, MaCrossError> {
        let MaCrossSettings { fast, slow, .. } = settings;
        if fast == 0 {
            return Err(MaCrossError::NoFast);
        }
        if slow <= fast {
            return Err(MaCrossError::Order { fast, slow });
        }
        if Self::MAX_SLOW < slow {
            return Err(MaCrossError::TooSlow {
                slow,
                limit: Self::MAX_SLOW,
            });
        }
        Ok(Self {
            info: StrategyInfo {
                name: format!("ma-cross-{fast}-{slow}"),
                family: "ma-cross".to_owned(),
                bundle_hash: None,
                symbol: None,
                interval: None,
                warmup_bars: slow as u64,
                fees: None,
            },
            settings,
            closes: vec![0; slow].into_boxed_slice(),
            next: 0,
            n_seen: 0,
            fast_sum: 0,
            slow_sum: 0,
            target: Exposure::FLAT,
        })
    }

    fn push(&mut self, close: Price) {
        let raw = close.raw().min(LARGEST);
        let MaCrossSettings { fast, slow, .. } = self.settings;
        // Places that were never filled hold zero, so the sums need no case for the warm-up.
        let left_fast = match self.next.checked_sub(fast) {
            Some(at) => at,
            None => self.next + slow - fast,
        };
        self.fast_sum += raw - self.closes[left_fast];
        self.slow_sum += raw - self.closes[self.next];
        self.closes[self.next] = raw;
        self.next = if self.next + 1 == slow {
            0
        } else {
            self.next + 1
        };
        self.n_seen = (self.n_seen + 1).min(slow);
    }
}

impl Strategy for MaCross {
    fn info(&self) -> &StrategyInfo {
        &self.info
    }

    fn on_bar(&mut self, bar: &Bar, _watch: &mut dyn Stopwatch) -> Verdict {
        self.push(bar.close);
        let MaCrossSettings {
            fast,
            slow,
            long_short,
        } = self.settings;
        if self.n_seen < slow {
            return Verdict::Warming {
                have: self.n_seen as u64,
                need: slow as u64,
            };
        }
        // fast_sum / fast against slow_sum / slow, without dividing.
        match (self.fast_sum * slow as i128).cmp(&(self.slow_sum * fast as i128)) {
            std::cmp::Ordering::Greater => self.target = Exposure::LONG,
            std::cmp::Ordering::Less if long_short => self.target = Exposure::SHORT,
            std::cmp::Ordering::Less => self.target = Exposure::FLAT,
            std::cmp::Ordering::Equal => {}
        }
        Verdict::Target(self.target)
    }

    fn reset(&mut self) {
        self.closes.fill(0);
        self.next = 0;
        self.n_seen = 0;
        self.fast_sum = 0;
        self.slow_sum = 0;
        self.target = Exposure::FLAT;
    }

    fn insight(&self) -> Insight {
        let average =
            |sum: i128, n: usize| Price::from_raw(sum / n as i128).map_or(f64::NAN, Price::to_f64);
        let MaCrossSettings { fast, slow, .. } = self.settings;
        let known = |n: usize, sum: i128| {
            if n <= self.n_seen {
                average(sum, n)
            } else {
                f64::NAN
            }
        };
        Insight {
            features: vec![
                (format!("sma_{fast}"), known(fast, self.fast_sum), f64::NAN),
                (format!("sma_{slow}"), known(slow, self.slow_sum), f64::NAN),
            ],
            ..Insight::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::domain::{Qty, Timestamp};
    use crate::strategy::{NoStopwatch, Strategy};

    use super::*;

    fn bar(close: i128) -> Bar {
        let close = Price::from_raw(close).unwrap();
        Bar {
            open_time: Timestamp::default(),
            open: close,
            high: close,
            low: close,
            close,
            volume: Qty::ZERO,
        }
    }

    fn cross(fast: usize, slow: usize, long_short: bool) -> MaCross {
        MaCross::new(MaCrossSettings {
            fast,
            slow,
            long_short,
        })
        .unwrap()
    }

    fn run(strategy: &mut MaCross, closes: &[i128]) -> Vec<Verdict> {
        closes
            .iter()
            .map(|&close| strategy.on_bar(&bar(close), &mut NoStopwatch))
            .collect()
    }

    #[test]
    fn long_above_short_below_and_equal_keeps() {
        let warming = |have| Verdict::Warming { have, need: 3 };
        let closes = [10, 10, 10, 13, 10, 10, 10, 7, 8, 9, 10];
        let mut both = cross(1, 3, true);
        let mut long_only = cross(1, 3, false);
        let (l, s, f) = (Exposure::LONG, Exposure::SHORT, Exposure::FLAT);
        let after_warmup = |below| [f, l, below, below, below, below, below, l, l];
        for (strategy, below) in [(&mut both, s), (&mut long_only, f)] {
            let verdicts = run(strategy, &closes);
            assert_eq!(verdicts[..2], [warming(1), warming(2)]);
            let targets = after_warmup(below).map(Verdict::Target);
            assert_eq!(verdicts[2..], targets);
        }
    }

    #[test]
    fn it_never_goes_short_unless_it_is_told_to() {
        let mut strategy = MaCross::new(MaCrossSettings {
            fast: 1,
            slow: 3,
            ..MaCrossSettings::default()
        })
        .unwrap();
        let verdicts = run(&mut strategy, &[10, 11, 12, 5, 4, 3]);
        assert_eq!(verdicts[2], Verdict::Target(Exposure::LONG));
        assert_eq!(
            verdicts[3..],
            [(); 3].map(|()| Verdict::Target(Exposure::FLAT))
        );
        let named: MaCrossSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(named, MaCrossSettings::default());
    }

    #[test]
    fn reset_starts_again() {
        let mut used = cross(2, 5, true);
        run(&mut used, &[9, 8, 7, 6, 5, 4, 3, 2]);
        used.reset();
        let closes = [1, 2, 3, 4, 5, 6, 5, 4, 3];
        assert_eq!(
            run(&mut used, &closes),
            run(&mut cross(2, 5, true), &closes)
        );
    }

    #[test]
    fn settings_that_cannot_cross_are_refused() {
        let new = |fast, slow| {
            MaCross::new(MaCrossSettings {
                fast,
                slow,
                long_short: true,
            })
            .map(|_| ())
        };
        assert_eq!(new(0, 3), Err(MaCrossError::NoFast));
        assert_eq!(new(3, 3), Err(MaCrossError::Order { fast: 3, slow: 3 }));
        assert!(new(3, MaCross::MAX_SLOW).is_ok());
        assert!(new(3, MaCross::MAX_SLOW + 1).is_err());
    }

    #[test]
    fn absurd_prices_do_not_overflow() {
        let mut strategy = cross(9_999, MaCross::MAX_SLOW, true);
        for _ in 0..10_010 {
            strategy.on_bar(&bar(i128::MAX), &mut NoStopwatch);
        }
        assert_eq!(
            strategy.on_bar(&bar(i128::MAX), &mut NoStopwatch),
            Verdict::Target(Exposure::FLAT)
        );
    }

    #[test]
    fn insight_has_averages_only_once_they_are_known() {
        let mut strategy = cross(1, 2, true);
        run(&mut strategy, &[3 * 10_i128.pow(14)]);
        let features = strategy.insight().features;
        assert!((features[0].1 - 3.0).abs() < 1e-9 && features[1].1.is_nan());
    }

    proptest! {
        #[test]
        fn equals_the_averages_computed_anew(
            fast in 1_usize..8,
            more in 1_usize..8,
            closes in prop::collection::vec(1_i128..60, 1..80),
        ) {
            let slow = fast + more;
            let verdicts = run(&mut cross(fast, slow, true), &closes);
            let mut target = Exposure::FLAT;
            for (t, verdict) in verdicts.into_iter().enumerate() {
                if t + 1 < slow {
                    let (have, need) = (t as u64 + 1, slow as u64);
                    prop_assert_eq!(verdict, Verdict::Warming { have, need });
                    continue;
                }
                let sum = |n: usize| closes[t + 1 - n..=t].iter().sum::<i128>();
                let left = sum(fast) * i128::try_from(slow).unwrap();
                let right = sum(slow) * i128::try_from(fast).unwrap();
                if left > right {
                    target = Exposure::LONG;
                } else if left < right {
                    target = Exposure::SHORT;
                }
                prop_assert_eq!(verdict, Verdict::Target(target));
            }
        }
    }
}
