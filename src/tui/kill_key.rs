//! Which keys confirm a kill: a pure state machine over times, without a terminal or a latch.
//!
//! The first press has already closed the gate (L1) in the input thread when it arrives here.
//! What remains is to tell a person's answer from a held key, a paste or typed-ahead keys. On a
//! plain terminal an auto-repeat looks exactly like presses, so a second press counts only when
//! it stands alone: 300 ms after the first and with no other press within 120 ms before or
//! after. That makes the decision 120 ms late, and a keyboard that repeats faster than once in
//! 120 ms can never confirm. `Enter`, `F` and `Esc` count only when they were read after the
//! modal had reached the terminal; a lone press needs no picture, so that halting works blind.

use super::model::KillModal;
use crate::domain::KillLevel;

/// Earliest second press that can confirm, after the first.
pub const CONFIRM_AFTER_MS: u64 = 300;
/// Another press this near makes neither of them lone.
pub const LONE_MS: u64 = 120;
/// Time without an answer after which the modal shrinks to a banner row.
pub const BANNER_AFTER_MS: u64 = 10_000;

/// What happened, with the console time at which the key was read: milliseconds where gaps are
/// counted, microseconds where it matters which of two came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillInput {
    /// A kill key. `before` is the step in force before the press closed the gate.
    Press {
        /// When it was read.
        at_ms: u64,
        /// Step in force before it.
        before: KillLevel,
    },
    /// A kill key that the terminal itself calls a repeat.
    Repeat {
        /// When it was read.
        at_ms: u64,
    },
    /// `Enter`.
    Enter {
        /// When it was read, in microseconds.
        at_us: u64,
    },
    /// `F`.
    Flatten {
        /// When it was read, in microseconds.
        at_us: u64,
    },
    /// `Esc`.
    Esc {
        /// When it was read, in microseconds.
        at_us: u64,
    },
    /// Any other key.
    Other {
        /// When it was read.
        at_ms: u64,
    },
    /// A frame with the modal has been taken by the terminal.
    Shown {
        /// When its last byte was about to be written, in microseconds: earlier than anybody
        /// could see it, later than everything typed ahead.
        at_us: u64,
    },
    /// Time passes.
    Tick {
        /// Now.
        now_ms: u64,
    },
}

/// What the machine needs to know of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillSeen {
    /// Step of the latch now.
    pub level: KillLevel,
    /// Whether `F` alone flattens: play money in the same process.
    pub flatten_alone: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillStep {
    /// Nothing.
    Nothing,
    /// Move up to this step.
    Raise(KillLevel),
    /// Move back down to where it was before the first press.
    Resume {
        /// Step to return to.
        level: KillLevel,
        /// Time since the first press.
        after_ms: u64,
    },
}

/// The machine. It holds the modal while there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KillKeys {
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    modal: KillModal,
    /// First press since the modal was opened or unfolded again.
    first_ms: u64,
    last_press_ms: u64,
    /// A press that is lone so far.
    candidate_ms: Option<u64>,
    shown_us: Option<u64>,
    /// Newest thing a person did; the banner counts from here.
    touched_ms: u64,
}

impl KillKeys {
    /// The modal, also while it is a banner row.
    #[must_use]
    pub fn modal(&self) -> Option<KillModal> {
        self.open.map(|open| open.modal)
    }

    /// Whether the modal takes the keys: it is open and not a banner row.
    #[must_use]
    pub fn has_focus(&self) -> bool {
        self.open.is_some_and(|open| !open.modal.banner)
    }

    /// Whether a press waits for its 120 ms; the caller ticks often while it does.
    #[must_use]
    pub fn is_deciding(&self) -> bool {
        self.open.is_some_and(|open| open.candidate_ms.is_some())
    }

    /// Takes one input.
    pub fn step(&mut self, input: KillInput, seen: KillSeen) -> KillStep {
        if let KillInput::Press { at_ms, before } = input {
            return self.press(at_ms, before, seen);
        }
        let Some(open) = self.open.as_mut() else {
            return KillStep::Nothing;
        };
        match input {
            KillInput::Tick { now_ms } => return self.tick(now_ms, seen),
            KillInput::Repeat { at_ms } => {
                open.last_press_ms = at_ms;
                open.candidate_ms = None;
            }
            KillInput::Shown { at_us } => {
                if !open.modal.banner {
                    open.shown_us.get_or_insert(at_us);
                }
            }
            _ if open.modal.banner => {}
            KillInput::Enter { at_us } => return open.enter(at_us, seen),
            KillInput::Flatten { at_us } => return open.flatten(at_us, seen),
            KillInput::Esc { at_us } => return self.esc(at_us, seen),
            KillInput::Press { at_ms, .. } | KillInput::Other { at_ms } => {
                open.modal.armed_flatten = false;
                open.touched_ms = at_ms;
            }
        }
        KillStep::Nothing
    }

    fn press(&mut self, at_ms: u64, before: KillLevel, seen: KillSeen) -> KillStep {
        let Some(open) = self.open.as_mut() else {
            self.open = Some(Open::new(at_ms, before));
            return KillStep::Raise(KillLevel::ReduceOnly);
        };
        open.modal.armed_flatten = false;
        open.touched_ms = at_ms;
        if open.modal.banner {
            // The person has to see the question again before a press can answer it.
            let modal = KillModal {
                banner: false,
                ..open.modal
            };
            *open = Open {
                modal,
                ..Open::new(at_ms, modal.before)
            };
            return KillStep::Nothing;
        }
        let burst = at_ms.saturating_sub(open.last_press_ms) <= LONE_MS;
        let late = at_ms.saturating_sub(open.first_ms) >= CONFIRM_AFTER_MS;
        // A press before this one may have been waiting for a tick that was late.
        let decided = if burst {
            KillStep::Nothing
        } else {
            open.decide(at_ms, seen)
        };
        open.last_press_ms = at_ms;
        open.candidate_ms = (late && !burst).then_some(at_ms);
        decided
    }

    fn esc(&mut self, at_us: u64, seen: KillSeen) -> KillStep {
        let Some(open) = self.open.as_mut() else {
            return KillStep::Nothing;
        };
        open.touched_ms = at_us / 1_000;
        open.candidate_ms = None;
        if !open.counts(at_us) {
            return KillStep::Nothing;
        }
        if open.modal.armed_flatten {
            open.modal.armed_flatten = false;
            return KillStep::Nothing;
        }
        let KillModal {
            before, opened_ms, ..
        } = open.modal;
        self.open = None;
        // Anything above L1, whoever caused it, is left with `:resume <reason>` only.
        if seen.level == KillLevel::ReduceOnly && before < KillLevel::ReduceOnly {
            KillStep::Resume {
                level: before,
                after_ms: (at_us / 1_000).saturating_sub(opened_ms),
            }
        } else {
            KillStep::Nothing
        }
    }

    fn tick(&mut self, now_ms: u64, seen: KillSeen) -> KillStep {
        let Some(open) = self.open.as_mut() else {
            return KillStep::Nothing;
        };
        if seen.level == KillLevel::Active {
            // Somebody else has resumed; there is nothing left to ask.
            self.open = None;
            return KillStep::Nothing;
        }
        let decided = open.decide(now_ms, seen);
        if decided == KillStep::Nothing
            && open.candidate_ms.is_none()
            && now_ms.saturating_sub(open.touched_ms) >= BANNER_AFTER_MS
        {
            open.modal.banner = true;
            open.modal.armed_flatten = false;
        }
        decided
    }
}

impl Open {
    fn new(at_ms: u64, before: KillLevel) -> Self {
        Self {
            modal: KillModal {
                before,
                opened_ms: at_ms,
                armed_flatten: false,
                banner: false,
            },
            first_ms: at_ms,
            last_press_ms: at_ms,
            candidate_ms: None,
            shown_us: None,
            touched_ms: at_ms,
        }
    }

    /// Whether a key read at `at_us` can answer what the person saw.
    fn counts(&self, at_us: u64) -> bool {
        self.shown_us.is_some_and(|shown_us| shown_us < at_us)
    }

    fn decide(&mut self, now_ms: u64, seen: KillSeen) -> KillStep {
        match self.candidate_ms {
            Some(at_ms) if now_ms.saturating_sub(at_ms) >= LONE_MS => {
                self.candidate_ms = None;
                raise(KillLevel::Halted, seen)
            }
            _ => KillStep::Nothing,
        }
    }

    fn enter(&mut self, at_us: u64, seen: KillSeen) -> KillStep {
        self.touched_ms = at_us / 1_000;
        if !self.counts(at_us) {
            return KillStep::Nothing;
        }
        self.candidate_ms = None;
        let armed = std::mem::take(&mut self.modal.armed_flatten);
        raise(
            if armed {
                KillLevel::Flatten
            } else {
                KillLevel::Halted
            },
            seen,
        )
    }

    fn flatten(&mut self, at_us: u64, seen: KillSeen) -> KillStep {
        self.touched_ms = at_us / 1_000;
        if !self.counts(at_us) {
            return KillStep::Nothing;
        }
        if seen.flatten_alone {
            self.candidate_ms = None;
            return raise(KillLevel::Flatten, seen);
        }
        self.modal.armed_flatten = true;
        KillStep::Nothing
    }
}

fn raise(level: KillLevel, seen: KillSeen) -> KillStep {
    if seen.level < level {
        KillStep::Raise(level)
    } else {
        KillStep::Nothing
    }
}

#[cfg(test)]
#[path = "kill_key_tests.rs"]
mod tests;
