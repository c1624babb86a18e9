//! How fast a recording is played.

use std::time::Duration;

use super::clock::Clock;
use crate::domain::Timestamp;

/// Maps session time to the machine's time.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Times real speed; `None` is as fast as it goes.
    speed: Option<f64>,
    held: bool,
    from_event: Timestamp,
    from_wall: Duration,
}

impl Pace {
    /// A pace that begins at the first event it is asked about.
    #[must_use]
    pub fn new(speed: Option<f64>) -> Self {
        Self {
            speed: speed.filter(|s| s.is_finite()),
            held: false,
            from_event: Timestamp::default(),
            from_wall: Duration::ZERO,
        }
    }

    /// Begins to count at `event`.
    pub fn start(&mut self, event: Timestamp, clock: &Clock) {
        self.from_event = event;
        self.from_wall = clock.elapsed();
    }

    /// How long to wait before an event is due; zero when it is due.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a wait needs no more than milliseconds"
    )]
    pub fn wait(&self, event: Timestamp, clock: &Clock) -> Duration {
        if self.held {
            return Duration::MAX;
        }
        let Some(speed) = self.speed else {
            return Duration::ZERO;
        };
        let ahead_ms = event.since(self.from_event).max(0) as f64 / speed;
        let due = self.from_wall + Duration::from_secs_f64((ahead_ms / 1e3).min(1e9));
        due.saturating_sub(clock.elapsed())
    }

    /// Changes the speed from here on.
    pub fn set_speed(&mut self, speed: f64, now: Timestamp, clock: &Clock) {
        self.speed = (speed.is_finite() && speed > 0.0).then_some(speed);
        self.start(now, clock);
    }

    /// Holds the recording, or lets it go on.
    pub fn hold(&mut self, held: bool, now: Timestamp, clock: &Clock) {
        self.held = held;
        self.start(now, clock);
    }

    /// Times real speed; `None` is as fast as it goes.
    #[must_use]
    pub const fn speed(&self) -> Option<f64> {
        self.speed
    }

    /// Whether the recording is held.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }
}
