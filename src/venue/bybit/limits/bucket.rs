//! One budget: a rolling window that is remembered entry by entry, so that no window of its
//! length ever holds more than allowed.

use std::collections::VecDeque;

use super::{FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS, Lane};

/// Whether something fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Yes.
    Now,
    /// From that moment on, if nothing else is taken before.
    At(i64),
    /// Not before the venue's pause ends.
    Paused {
        /// End of the pause.
        until: i64,
    },
    /// Larger than the whole budget.
    Never {
        /// Most that fits at once.
        most: u32,
    },
}

/// What the venue said it has left for us.
#[derive(Debug, Clone, Copy)]
struct View {
    left: u32,
    /// What was taken later than this is not in `left` yet.
    as_of: i64,
    expires: i64,
}

/// A budget. All times are in the limiter's own milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// The venue's limit; `None` for an endpoint that can only be paused.
    limit: Option<u32>,
    share: u32,
    reserved_share: u32,
    window: i64,
    /// What was taken, oldest first: when, and how much.
    taken: VecDeque<(i64, u32)>,
    view: Option<View>,
    paused_until: i64,
    /// Refusals in a row.
    refusals: u32,
}

impl Bucket {
    pub(super) fn new(limit: u32, share: u32, reserved_share: u32, window: i64) -> Self {
        Self {
            limit: Some(limit),
            ..Self::without_limit(share, reserved_share, window)
        }
    }

    pub(super) const fn without_limit(share: u32, reserved_share: u32, window: i64) -> Self {
        Self {
            limit: None,
            share,
            reserved_share,
            window,
            taken: VecDeque::new(),
            view: None,
            paused_until: i64::MIN,
            refusals: 0,
        }
    }

    pub(super) const fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// What we allow ourselves in a window; at least 1.
    pub(super) fn usable(&self) -> u32 {
        self.limit.map_or(u32::MAX, |limit| {
            percent(limit, self.share).clamp(1, limit.max(1))
        })
    }

    /// Part of it that only the protective lane may use: rounded up, but never all of it.
    pub(super) fn reserved(&self) -> u32 {
        let usable = self.usable();
        if self.limit.is_none() {
            return 0;
        }
        percent_up(usable, self.reserved_share).min(usable - 1)
    }

    pub(super) fn forget_before(&mut self, at: i64) {
        while let Some((when, _)) = self.taken.front()
            && at - when >= self.window
        {
            self.taken.pop_front();
        }
        self.view = self.view.filter(|view| at < view.expires);
    }

    /// Whether `amount` fits at `at`.
    pub(super) fn room(&self, amount: u32, lane: Lane, at: i64) -> Room {
        let kept = match lane {
            Lane::Normal => self.reserved(),
            Lane::Protective => 0,
        };
        let most = self.usable() - kept;
        if amount > most {
            return Room::Never { most };
        }
        if at < self.paused_until {
            return Room::Paused {
                until: self.paused_until,
            };
        }
        let mut until = at;
        if let Some(view) = self.view.filter(|view| at < view.expires)
            && self.left_of(view) < amount.saturating_add(kept)
        {
            until = view.expires;
        }
        if self.limit.is_some() {
            // The oldest have to leave until the rest and the new one fit.
            let mut used = self.used(at);
            for (when, taken) in self.in_window(at) {
                if used + amount <= most {
                    break;
                }
                used -= taken;
                until = until.max(when + self.window);
            }
        }
        if until == at {
            Room::Now
        } else {
            Room::At(until)
        }
    }

    pub(super) fn take(&mut self, amount: u32, at: i64) {
        if self.limit.is_some() {
            self.taken.push_back((at, amount));
        }
    }

    pub(super) const fn set_limit(&mut self, limit: u32) {
        self.limit = Some(limit);
    }

    pub(super) const fn on_good_answer(&mut self) {
        self.refusals = 0;
    }

    /// The venue had `left` for us when it answered a request of `sent`.
    pub(super) fn on_left(&mut self, left: u32, sent: i64, at: i64, expires: i64) {
        let new = View {
            left,
            as_of: sent,
            expires,
        };
        // Answers come in any order: until it expires, the lowest one stands.
        let old = self.view.filter(|old| at < old.expires);
        if old.is_none_or(|old| self.left_of(new) < self.left_of(old)) {
            self.view = Some(new);
        }
    }

    /// The venue refused for too many requests. `reset` is a pause in ms.
    pub(super) fn on_refusal(&mut self, at: i64, reset: Option<i64>) -> i64 {
        // Refusals of requests that were under way together count once.
        let is_first = at >= self.paused_until;
        if is_first {
            self.refusals = self.refusals.saturating_add(1);
        }
        let doublings = self.refusals.saturating_sub(1).min(16);
        let growing = (FIRST_BACKOFF_MS << doublings).min(LONGEST_BACKOFF_MS);
        let pause = match reset {
            Some(reset) => reset,
            None if is_first => growing,
            None => 0,
        };
        self.paused_until = self.paused_until.max(at + pause);
        self.paused_until
    }

    /// What is left now, for either lane.
    pub(super) fn left(&self, at: i64) -> u32 {
        if at < self.paused_until {
            return 0;
        }
        let own = self.usable().saturating_sub(self.used(at));
        match self.view.filter(|view| at < view.expires) {
            Some(view) => own.min(self.left_of(view)),
            None => own,
        }
    }

    /// When more is left than now.
    pub(super) fn next_change(&self, at: i64) -> Option<i64> {
        if at < self.paused_until {
            return Some(self.paused_until);
        }
        let oldest = self.in_window(at).next();
        oldest.map(|(when, _)| when + self.window)
    }

    fn in_window(&self, at: i64) -> impl Iterator<Item = (i64, u32)> {
        let window = self.window;
        let taken = self.taken.iter().copied();
        taken.filter(move |(when, _)| at - when < window)
    }

    fn used(&self, at: i64) -> u32 {
        self.in_window(at).map(|(_, amount)| amount).sum()
    }

    fn left_of(&self, view: View) -> u32 {
        let later = self.taken.iter().filter(|(when, _)| *when > view.as_of);
        view.left
            .saturating_sub(later.map(|(_, amount)| amount).sum())
    }
}

fn percent(of: u32, share: u32) -> u32 {
    let part = u64::from(of) * u64::from(share) / 100;
    u32::try_from(part).unwrap_or(u32::MAX)
}

fn percent_up(of: u32, share: u32) -> u32 {
    let part = (u64::from(of) * u64::from(share)).div_ceil(100);
    u32::try_from(part).unwrap_or(u32::MAX)
}
