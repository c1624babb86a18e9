//! The simulator's time: the wall's, the market's at a pace, or one that is moved by hand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Timestamp;

/// Reads the machine's wall clock.
pub type Wall = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Which clock a simulated venue has.
#[derive(Clone)]
pub enum SimClock {
    /// The wall's. A market of another time is moved to now.
    Real(Wall),
    /// The market's, so many times faster than real.
    Market {
        /// Times real speed, above zero.
        speed: f64,
    },
    /// Stands still until it is moved by a control call.
    Manual,
}

impl fmt::Debug for SimClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(_) => f.write_str("Real"),
            Self::Market { speed } => f.debug_struct("Market").field("speed", speed).finish(),
            Self::Manual => f.write_str("Manual"),
        }
    }
}

/// Keeps the time; it never runs backwards.
#[derive(Clone)]
pub(super) enum Keeper {
    Real {
        wall: Wall,
        last: Timestamp,
    },
    Market {
        base: Timestamp,
        since: Instant,
        speed: f64,
    },
    Manual {
        now: Timestamp,
    },
}

impl Keeper {
    /// A keeper whose time is `start` now, unless the wall says it.
    pub(super) fn new(clock: &SimClock, start: Timestamp) -> Self {
        match clock {
            SimClock::Real(wall) => Self::Real {
                wall: Arc::clone(wall),
                last: start,
            },
            SimClock::Market { speed } => Self::Market {
                base: start,
                since: Instant::now(),
                speed: *speed,
            },
            SimClock::Manual => Self::Manual { now: start },
        }
    }

    /// The time.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "milliseconds of a session fit"
    )]
    pub(super) fn now(&mut self) -> Timestamp {
        match self {
            Self::Real { wall, last } => {
                *last = (*last).max(wall());
                *last
            }
            Self::Market { base, since, speed } => {
                let ms = since.elapsed().as_micros() as f64 / 1e3 * *speed;
                base.plus_millis(ms as i64)
            }
            Self::Manual { now } => *now,
        }
    }

    /// Moves a clock that is moved by hand; others have their own will.
    pub(super) fn move_to(&mut self, at: Timestamp) {
        if let Self::Manual { now } = self {
            *now = (*now).max(at);
        }
    }

    /// How long until the clock shows `at`; `None` when nobody knows.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a wait needs no more than milliseconds"
    )]
    pub(super) fn until(&mut self, at: Timestamp) -> Option<Duration> {
        let ahead_ms = at.since(self.now()).max(0);
        match self {
            Self::Real { .. } => Some(Duration::from_millis(u64::try_from(ahead_ms).ok()?)),
            Self::Market { speed, .. } => Some(Duration::from_secs_f64(
                (ahead_ms as f64 / *speed / 1e3).min(1e6),
            )),
            Self::Manual { .. } => None,
        }
    }

    /// Name of the kind of clock.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Real { .. } => "real",
            Self::Market { .. } => "market",
            Self::Manual { .. } => "manual",
        }
    }

    /// Whether it is moved by hand.
    pub(super) const fn is_manual(&self) -> bool {
        matches!(self, Self::Manual { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    #[tokio::test(start_paused = true)]
    async fn the_market_clock_runs_at_its_speed() {
        let mut keeper = Keeper::new(&SimClock::Market { speed: 60.0 }, START);
        assert_eq!(keeper.now(), START);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(keeper.now(), START.plus_millis(120_000));
        let wait = keeper.until(START.plus_millis(180_000)).unwrap();
        assert_eq!(wait, Duration::from_secs(1));
    }

    #[test]
    fn the_wall_may_jump_back_but_the_time_does_not() {
        let ms = Arc::new(AtomicI64::new(2_000_000));
        let wall: Wall = {
            let ms = Arc::clone(&ms);
            Arc::new(move || Timestamp::from_millis(ms.load(Ordering::SeqCst)))
        };
        let mut keeper = Keeper::new(&SimClock::Real(wall), START);
        assert_eq!(keeper.now().millis(), 2_000_000);
        ms.store(1_500_000, Ordering::SeqCst);
        assert_eq!(keeper.now().millis(), 2_000_000);
    }

    #[test]
    fn the_manual_clock_moves_by_hand_and_forwards_only() {
        let mut keeper = Keeper::new(&SimClock::Manual, START);
        keeper.move_to(START.plus_millis(5));
        keeper.move_to(START);
        assert_eq!(keeper.now(), START.plus_millis(5));
        assert_eq!(keeper.until(START.plus_millis(9)), None);
    }
}
