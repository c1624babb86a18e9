//! The only place that reads the machine's clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;
use crate::strategy::Stopwatch;
use crate::venue::bybit::clock::WallClock;

/// Wall clock and monotonic clock of the process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that counts from now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is where time enters")]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Time since the clock was started; never runs backwards.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Milliseconds since the clock was started.
    #[must_use]
    pub fn millis(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Microseconds since the clock was started.
    #[must_use]
    pub fn micros(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The machine's wall clock, in UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this file is where time enters")]
    pub fn wall(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl WallClock for Clock {
    fn now(&self) -> Timestamp {
        self.wall()
    }
}

/// How decisions are timed.
#[derive(Debug)]
pub enum Watch {
    /// Not at all: backtests, and replays of steps that met their deadline.
    Off,
    /// By the machine; laps longer than the deadline are kept for the journal.
    Wall {
        /// Deadline in microseconds.
        deadline_us: u64,
        /// Start of the lap that runs.
        started: Option<Instant>,
        /// Laps of this step that passed the deadline.
        late: Vec<u32>,
    },
    /// By what the journal says was measured then.
    Recorded(std::collections::VecDeque<u32>),
}

impl Watch {
    /// A watch that measures against a deadline.
    #[must_use]
    pub const fn wall(deadline_us: u64) -> Self {
        Self::Wall {
            deadline_us,
            started: None,
            late: Vec::new(),
        }
    }

    /// Laps of the last step that passed the deadline; empties them.
    pub fn take_late(&mut self) -> Vec<u32> {
        match self {
            Watch::Wall { late, .. } => std::mem::take(late),
            Watch::Off | Watch::Recorded(_) => Vec::new(),
        }
    }
}

impl Stopwatch for Watch {
    #[expect(clippy::disallowed_methods, reason = "this file is where time enters")]
    fn start(&mut self) {
        if let Watch::Wall { started, .. } = self {
            *started = Some(Instant::now());
        }
    }

    fn stop(&mut self) -> Option<u64> {
        match self {
            Watch::Off => None,
            Watch::Wall {
                deadline_us,
                started,
                late,
            } => {
                let took = u64::try_from(started.take()?.elapsed().as_micros()).ok()?;
                if *deadline_us < took {
                    late.push(u32::try_from(took).unwrap_or(u32::MAX));
                }
                Some(took)
            }
            Watch::Recorded(laps) => laps.pop_front().map(u64::from),
        }
    }
}
