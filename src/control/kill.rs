//! The kill latch: tripped from any thread, obeyed right before the wire.
//!
//! Tripping allocates nothing, takes no lock and cannot fail, so that an input thread, a signal
//! task or a panic hook may do it. It only ever moves up the ladder. Moving down needs the
//! [`KillReset`] that exists once a process and stays with the session runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::domain::{KillLevel, Timestamp};

/// Who or what tripped the latch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum KillReason {
    /// A key in the console.
    Operator,
    /// A signal to the process.
    Signal,
    /// The `KILL` file in the runtime folder, or `tradeterm kill`.
    File,
    /// A risk limit.
    Limit,
    /// The terminal went away.
    TerminalLost,
    /// The engine ended or panicked.
    Supervisor,
    /// It was tripped when the last session ended.
    Restored,
}

impl KillReason {
    const ALL: [Self; 7] = [
        Self::Operator,
        Self::Signal,
        Self::File,
        Self::Limit,
        Self::TerminalLost,
        Self::Supervisor,
        Self::Restored,
    ];

    /// The reason in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            KillReason::Operator => "operator key",
            KillReason::Signal => "signal",
            KillReason::File => "kill file",
            KillReason::Limit => "risk limit",
            KillReason::TerminalLost => "terminal lost",
            KillReason::Supervisor => "engine stopped",
            KillReason::Restored => "kept from the last session",
        }
    }
}

/// Most characters of a reason that a person gives.
const MAX_REASON: usize = 200;

/// A reason from outside the program as one line: without control and invisible characters, with
/// single spaces, cut at 200 characters.
#[must_use]
pub fn clean_reason(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{ad}'
                    | '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{feff}'
            )
    };
    let visible: String = text
        .chars()
        .filter(|c| c.is_whitespace() || !is_hidden(*c))
        .collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(MAX_REASON).collect();
    line.trim_end().to_owned()
}

/// How far a kill has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum KillPhase {
    /// Nothing tripped.
    Idle,
    /// The gate is closed; nothing else has been confirmed.
    Tripped,
    /// Cancels are on their way.
    Cancelling,
    /// Positions are being closed.
    Closing,
    /// The broker itself reports no order and no position.
    Flat,
    /// Something could not be closed.
    Stuck,
}

impl KillPhase {
    const ALL: [Self; 6] = [
        Self::Idle,
        Self::Tripped,
        Self::Cancelling,
        Self::Closing,
        Self::Flat,
        Self::Stuck,
    ];
}

/// State of the latch at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tripped {
    /// Step of the ladder.
    pub level: KillLevel,
    /// Why the current step was reached.
    pub reason: KillReason,
    /// Session time at which the runtime noticed, where it has.
    pub since: Option<Timestamp>,
}

/// The latch. Everybody may read and trip it; nobody may reset it through this type.
#[derive(Debug)]
pub struct KillSwitch {
    level: AtomicU8,
    reason: AtomicU8,
    phase: AtomicU8,
    trips: AtomicU64,
    since_ms: AtomicI64,
}

/// The only way down the ladder. Made once, together with its switch.
#[derive(Debug)]
pub struct KillReset(Arc<KillSwitch>);

impl KillSwitch {
    /// A latch at `level`, with the only handle that may lower it.
    #[must_use]
    pub fn new(level: KillLevel) -> (Arc<Self>, KillReset) {
        let switch = Arc::new(Self {
            level: AtomicU8::new(level.rank()),
            reason: AtomicU8::new(KillReason::Restored as u8),
            phase: AtomicU8::new(if level == KillLevel::Active {
                KillPhase::Idle as u8
            } else {
                KillPhase::Tripped as u8
            }),
            trips: AtomicU64::new(0),
            since_ms: AtomicI64::new(i64::MIN),
        });
        (Arc::clone(&switch), KillReset(switch))
    }

    /// Closes the gate up to `level`. Returns whether this call raised it.
    pub fn trip(&self, level: KillLevel, reason: KillReason) -> bool {
        let before = self.level.fetch_max(level.rank(), Ordering::SeqCst);
        let raised = before < level.rank();
        if raised {
            self.reason.store(reason as u8, Ordering::SeqCst);
            if level > KillLevel::Active {
                self.phase.store(KillPhase::Tripped as u8, Ordering::SeqCst);
            }
            self.trips.fetch_add(1, Ordering::SeqCst);
        }
        raised
    }

    /// Current step of the ladder.
    #[must_use]
    pub fn level(&self) -> KillLevel {
        KillLevel::from_rank(self.level.load(Ordering::SeqCst)).unwrap_or(KillLevel::Flatten)
    }

    /// Step, reason and time together.
    #[must_use]
    pub fn state(&self) -> Tripped {
        let reason = usize::from(self.reason.load(Ordering::SeqCst));
        let since = self.since_ms.load(Ordering::SeqCst);
        Tripped {
            level: self.level(),
            reason: KillReason::ALL
                .get(reason)
                .copied()
                .unwrap_or(KillReason::Supervisor),
            since: (since != i64::MIN).then(|| Timestamp::from_millis(since)),
        }
    }

    /// How many times the latch was raised; a change tells a poller to look.
    #[must_use]
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }

    /// How far the current kill has got.
    #[must_use]
    pub fn phase(&self) -> KillPhase {
        let phase = usize::from(self.phase.load(Ordering::SeqCst));
        KillPhase::ALL
            .get(phase)
            .copied()
            .unwrap_or(KillPhase::Stuck)
    }
}

impl KillReset {
    /// Lowers the latch from `from` to `level`; the caller has checked that a person gave a
    /// reason. Returns whether it did: a trip that came in between wins.
    #[must_use = "a trip in between wins, and the latch stays"]
    pub fn lower(&self, from: KillLevel, level: KillLevel) -> bool {
        let lowered = level < from
            && self
                .0
                .level
                .compare_exchange(
                    from.rank(),
                    level.rank(),
                    Ordering::SeqCst,
                    Ordering::SeqCst,
                )
                .is_ok();
        if lowered && level == KillLevel::Active {
            self.0.phase.store(KillPhase::Idle as u8, Ordering::SeqCst);
            self.0.since_ms.store(i64::MIN, Ordering::SeqCst);
        }
        lowered
    }

    /// Reports progress for the front ends.
    pub fn set_phase(&self, phase: KillPhase) {
        self.0.phase.store(phase as u8, Ordering::SeqCst);
    }

    /// Records when the session took notice of the trip.
    pub fn set_since(&self, at: Timestamp) {
        self.0.since_ms.store(at.millis(), Ordering::SeqCst);
    }

    /// The latch this reset belongs to.
    #[must_use]
    pub fn switch(&self) -> &Arc<KillSwitch> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trip_only_moves_up() {
        let (kill, reset) = KillSwitch::new(KillLevel::Active);
        assert!(kill.trip(KillLevel::Halted, KillReason::Operator));
        assert!(!kill.trip(KillLevel::ReduceOnly, KillReason::File));
        assert_eq!(kill.level(), KillLevel::Halted);
        assert_eq!(kill.state().reason, KillReason::Operator);
        assert_eq!(kill.phase(), KillPhase::Tripped);
        // A trip that came after the look wins over the release.
        assert!(!reset.lower(KillLevel::ReduceOnly, KillLevel::Active));
        assert!(reset.lower(KillLevel::Halted, KillLevel::Active));
        assert_eq!(
            (kill.level(), kill.phase()),
            (KillLevel::Active, KillPhase::Idle)
        );
    }

    #[test]
    fn reasons_become_one_line_that_hides_nothing() {
        for (text, line) in [
            ("", ""),
            (" \t\n", ""),
            ("drill", "drill"),
            ("  two\n\twords ", "two words"),
            ("\u{1b}[31mred\u{7}\0", "[31mred"),
            ("a\u{202e}b\u{200b}c\u{2028}d\u{feff}", "abc d"),
            ("Größe 日本", "Größe 日本"),
        ] {
            assert_eq!(clean_reason(text), line, "{text:?}");
        }
        assert_eq!(clean_reason(&"é".repeat(1_000)), "é".repeat(200));
        assert_eq!(clean_reason(&"ab ".repeat(1_000)).chars().count(), 200);
    }

    #[test]
    fn trips_counts_only_raises() {
        let (kill, _reset) = KillSwitch::new(KillLevel::Active);
        for _ in 0..3 {
            kill.trip(KillLevel::ReduceOnly, KillReason::Signal);
        }
        kill.trip(KillLevel::Flatten, KillReason::Limit);
        assert_eq!(kill.trips(), 2);
    }
}
