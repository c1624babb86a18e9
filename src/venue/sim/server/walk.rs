//! Walks by hand: the manual clock goes on by events, to a bar or by milliseconds, in parts, so
//! that readers can keep up.

use super::hub::Hub;
use super::socket::QUEUE;
use crate::domain::Timestamp;

/// Room that every socket's queue needs before the market may go on by hand.
const ROOM: usize = QUEUE / 4;

/// How far the market goes by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// By so many market events.
    Events(u64),
    /// To the next closed bar, with all others that close at the same moment.
    UntilBar,
    /// By so many milliseconds.
    Millis(u64),
}

/// How far the market has gone by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stepped {
    /// Market events shown to the venue.
    pub events: u64,
    /// Time afterwards.
    pub now: Timestamp,
    /// Whether the market has ended.
    pub at_end: bool,
}

/// A walk by hand that goes on in parts, so that readers can keep up.
#[derive(Debug)]
pub(super) struct Walk {
    left: Left,
    pub(super) events: u64,
}

#[derive(Debug)]
enum Left {
    Events(u64),
    /// Until a closed bar, and then for as long as bars close at its time.
    Bar(Option<Timestamp>),
    Until(Timestamp),
}

impl Hub {
    /// Begins a walk by hand; `None` unless the clock is moved by hand.
    pub(super) fn walk(&mut self, step: Step) -> Option<Walk> {
        if !self.keeper.is_manual() {
            return None;
        }
        let left = match step {
            Step::Events(n) => Left::Events(n),
            Step::UntilBar => Left::Bar(None),
            Step::Millis(ms) => {
                let ms = i64::try_from(ms).unwrap_or(i64::MAX);
                Left::Until(self.now().plus_millis(ms))
            }
        };
        Some(Walk { left, events: 0 })
    }

    /// Goes on with a walk until it is at its end (`true`) or a queue is nearly full.
    pub(super) fn go_on(&mut self, walk: &mut Walk) -> bool {
        loop {
            if self
                .sockets
                .values()
                .any(|s| !s.is_half_open && s.room() < ROOM)
            {
                return false;
            }
            let is_bar_next = self.market.is_bar_next();
            let next = [self.market.peek(), self.next_later()]
                .into_iter()
                .flatten()
                .min();
            let is_done = match walk.left {
                Left::Events(n) => n == 0 || self.market.peek().is_none(),
                Left::Bar(None) => self.market.peek().is_none(),
                Left::Bar(Some(at)) => !is_bar_next || self.market.peek() != Some(at),
                Left::Until(end) => next.is_none_or(|at| end < at),
            };
            if is_done {
                if let Left::Until(end) = walk.left {
                    self.keeper.move_to(end);
                }
                let now = self.now();
                self.settle(now, usize::MAX);
                self.unshuffle();
                return true;
            }
            let (n_events, at) = (self.counters.events, self.market.peek());
            if let Some(next) = next {
                self.keeper.move_to(next);
            }
            self.happen(true);
            let now = self.now();
            self.run_faults(now);
            if self.counters.events == n_events {
                continue;
            }
            walk.events += 1;
            match &mut walk.left {
                Left::Events(n) => *n -= 1,
                Left::Bar(found) if is_bar_next => *found = at,
                Left::Bar(_) | Left::Until(_) => {}
            }
        }
    }

    /// How far a walk has gone.
    pub(super) fn stepped(&mut self, walk: &Walk) -> Stepped {
        Stepped {
            events: walk.events,
            now: self.now(),
            at_end: self.market.peek().is_none(),
        }
    }
}
