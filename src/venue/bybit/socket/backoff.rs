//! Growing waits between tries and a cap on connects.
//!
//! Pure: time and dice are passed in, nothing sleeps.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Source of dice: values of 0 to 1.
pub type RandomSource = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Waits of 1, 2, 4, 8, 16, 30, 30 ... seconds as upper bounds, until reset.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    floor: Duration,
    n_waits: u32,
}

impl Backoff {
    /// Waits that double from `first` up to `max` and are never below `floor`.
    #[must_use]
    pub const fn new(first: Duration, max: Duration, floor: Duration) -> Self {
        Self {
            first,
            max,
            floor,
            n_waits: 0,
        }
    }

    /// The next wait: evenly anywhere between the floor and the bound of this try.
    ///
    /// `random` is 0 to 1; at 1 the wait is the bound itself.
    #[must_use]
    pub fn delay(&mut self, random: f64) -> Duration {
        // Doubling 20 times is beyond every sensible maximum.
        let ceiling = self
            .first
            .saturating_mul(1 << self.n_waits.min(20))
            .min(self.max);
        self.n_waits = self.n_waits.saturating_add(1);
        let floor = self.floor.min(ceiling);
        let share = if random.is_nan() {
            1.0
        } else {
            random.clamp(0.0, 1.0)
        };
        floor + ceiling.saturating_sub(floor).mul_f64(share)
    }

    /// Starts again at the first wait.
    pub const fn reset(&mut self) {
        self.n_waits = 0;
    }
}

/// At most so many connects in any window of time. Clones share one count.
///
/// Bybit allows 500 new connections per 5 minutes and domain; the default of 60 stays far below.
#[derive(Debug, Clone)]
pub struct ConnectBudget {
    max: usize,
    window: Duration,
    /// Moments granted, oldest first, at most `max`. The lock is never held across an await.
    granted: Arc<Mutex<VecDeque<Instant>>>,
}

impl ConnectBudget {
    /// At most `max` connects (at least one) in any `window`.
    #[must_use]
    pub fn new(max: usize, window: Duration) -> Self {
        Self {
            max: max.max(1),
            window,
            granted: Arc::default(),
        }
    }

    /// Takes the next free moment at or after `wished` and returns it.
    #[must_use]
    pub fn reserve(&self, wished: Instant) -> Instant {
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = match granted.front() {
            Some(oldest) if granted.len() >= self.max => wished.max(*oldest + self.window),
            _ => wished,
        };
        // Connections that share a budget wish for moments in any order.
        let place = granted.partition_point(|other| *other <= moment);
        granted.insert(place, moment);
        if granted.len() > self.max {
            granted.pop_front();
        }
        moment
    }
}

impl Default for ConnectBudget {
    fn default() -> Self {
        Self::new(60, Duration::from_mins(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(
            Duration::from_secs(1),
            Duration::from_secs(30),
            Duration::from_millis(500),
        )
    }

    #[test]
    fn waits_double_up_to_the_maximum_and_start_again_after_a_reset() {
        let mut backoff = backoff();
        let mut series = |n: usize| -> Vec<u64> {
            let waits = (0..n).map(|_| backoff.delay(1.0).as_secs()).collect();
            backoff.reset();
            waits
        };
        assert_eq!(series(8), [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(series(2), [1, 2]);
    }

    #[test]
    fn dice_choose_between_floor_and_bound() {
        for (random, expected_ms) in [(0.0, 500), (0.5, 750), (1.0, 1_000), (7.0, 1_000)] {
            assert_eq!(
                backoff().delay(random),
                Duration::from_millis(expected_ms),
                "{random}"
            );
        }
        assert_eq!(backoff().delay(f64::NAN), Duration::from_secs(1));
    }

    #[test]
    fn waits_never_overflow() {
        let mut backoff = backoff();
        for _ in 0..100 {
            assert!(backoff.delay(1.0) <= Duration::from_secs(30));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_window_holds_more_connects_than_the_budget(
            steps in proptest::collection::vec(0_u64..20_000, 1..300),
        ) {
            let budget = ConnectBudget::new(5, Duration::from_secs(30));
            let start = Instant::now();
            let mut now = start;
            let mut granted = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                let moment = budget.reserve(now);
                proptest::prop_assert!(moment >= now);
                granted.push(moment);
            }
            granted.sort();
            for six in granted.windows(6) {
                proptest::prop_assert!(six[5] - six[0] >= Duration::from_secs(30));
            }
        }
    }
}
