//! When the next try to connect may be made.

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Backoff, ConnectBudget, RandomSource};
use super::cause::DownCause;
use super::timing::Timing;

/// A connection that lasted so long was a good one, even if a topic of it never worked.
const LASTED: Duration = Duration::from_mins(1);

/// Waits between tries of one connection.
pub(super) struct Pace {
    backoff: Backoff,
    budget: ConnectBudget,
    random: RandomSource,
    timing: Timing,
    /// Tries since the last connection that held.
    n_attempts: u32,
}

/// How far a connection came before it ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reached {
    /// When the handshake ended.
    pub(super) opened: Option<Instant>,
    /// When everything was confirmed.
    pub(super) up: Option<Instant>,
}

impl Pace {
    pub(super) fn new(timing: &Timing, budget: ConnectBudget, random: RandomSource) -> Self {
        Self {
            backoff: backoff_of(timing),
            budget,
            random,
            timing: *timing,
            n_attempts: 0,
        }
    }

    /// Wait before the very first try.
    pub(super) fn first(&mut self, now: Instant) -> Duration {
        self.budget.reserve(now).saturating_duration_since(now)
    }

    /// Counts a try and returns its number since the last connection that held, from 1.
    pub(super) fn attempt(&mut self) -> u32 {
        self.n_attempts = self.n_attempts.saturating_add(1);
        self.n_attempts
    }

    /// Wait after a connection that ended with `cause`.
    pub(super) fn after(&mut self, cause: &DownCause, reached: Reached, now: Instant) -> Duration {
        let lasted = |since: Option<Instant>, enough: Duration| {
            since.is_some_and(|since| now.saturating_duration_since(since) >= enough)
        };
        // Being up is not enough: a venue that hangs up at once would be called every second.
        if lasted(reached.up, self.timing.settled) || lasted(reached.opened, LASTED) {
            self.backoff.reset();
            self.n_attempts = 0;
        }
        let least = match cause {
            DownCause::AuthRefused { .. } => self.timing.auth_retry,
            DownCause::Refused { status: 403 } => self.timing.forbidden,
            _ => Duration::ZERO,
        };
        let wait = self.backoff.delay((self.random)()).max(least);
        self.budget
            .reserve(now + wait)
            .saturating_duration_since(now)
    }
}

/// Growing waits with the bounds of `timing`.
pub(super) fn backoff_of(timing: &Timing) -> Backoff {
    Backoff::new(
        timing.backoff_first,
        timing.backoff_max,
        timing.backoff_floor,
    )
}
