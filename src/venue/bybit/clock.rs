//! Distance between our clock and the venue's.
//!
//! Pure: it is told when a question left, when the answer came and what the venue's clock said
//! in between. Bybit v5 accepts a request only when `server - recv_window <= timestamp <
//! server + 1000` (guide), so requests are stamped with the venue's time and not with ours.

use std::collections::VecDeque;

use crate::domain::Timestamp;

/// Samples that are kept; the one with the shortest round trip counts.
pub const SAMPLES: usize = 8;
/// Distance of the clocks, in ms, from which the operator is told.
pub const SKEW_WARN_MS: i64 = 250;
/// Distance of the clocks, in ms, from which nothing new is entered.
pub const SKEW_STOP_MS: i64 = 750;

/// The local wall clock, for stamps.
pub trait WallClock: Send + Sync {
    /// This moment by the local clock.
    fn now(&self) -> Timestamp;
}

/// One question about the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    /// Venue minus local, in ms.
    offset: i64,
    /// Largest possible error of `offset`, in ms: half of the round trip.
    bound: i64,
    /// When the answer came, by the local clock.
    at: Timestamp,
}

/// How far apart the clocks are, as a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkewVerdict {
    /// Nothing is known: the venue was not asked yet.
    Unknown,
    /// Close enough.
    Fine,
    /// From [`SKEW_WARN_MS`]: tell the operator to set the clock.
    Warn,
    /// From [`SKEW_STOP_MS`]: enter nothing new.
    Stop,
}

/// What is known about the venue's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerClock {
    /// Oldest first.
    samples: VecDeque<Sample>,
}

impl ServerClock {
    /// Takes one answer: sent and received by the local clock, `server` by the venue's.
    ///
    /// Older samples that this one contradicts (a local clock that was set, or has drifted) are
    /// forgotten. An answer from before its question counts for nothing.
    pub fn observe(&mut self, sent: Timestamp, received: Timestamp, server: Timestamp) {
        let round_trip = received.since(sent);
        if round_trip < 0 {
            return;
        }
        let sample = Sample {
            offset: server.since(sent.plus_millis(round_trip / 2)),
            // One more for the fractions that three times in whole milliseconds leave out.
            bound: round_trip / 2 + 1,
            at: received,
        };
        self.samples
            .retain(|old| (old.offset - sample.offset).abs() <= old.bound + sample.bound);
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// Forgets everything, as after a 10002 that the samples do not explain.
    pub fn forget(&mut self) {
        self.samples.clear();
    }

    /// Whether nothing is known yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The newest of the samples with the shortest round trip.
    fn best(&self) -> Option<&Sample> {
        self.samples.iter().rev().min_by_key(|sample| sample.bound)
    }

    /// Venue minus local, in ms.
    #[must_use]
    pub fn offset_ms(&self) -> Option<i64> {
        self.best().map(|best| best.offset)
    }

    /// Largest possible error of [`ServerClock::offset_ms`], in ms.
    #[must_use]
    pub fn error_bound_ms(&self) -> Option<i64> {
        self.best().map(|best| best.bound)
    }

    /// Milliseconds since the sample that counts was taken; zero when the local clock was set
    /// back since.
    #[must_use]
    pub fn age_ms(&self, now: Timestamp) -> Option<i64> {
        self.best().map(|best| now.since(best.at).max(0))
    }

    /// The venue's time at a local moment; the same moment while nothing is known.
    #[must_use]
    pub fn now_at_venue(&self, local: Timestamp) -> Timestamp {
        local.plus_millis(self.offset_ms().unwrap_or(0))
    }

    /// The local time of a moment by the venue's clock; the same while nothing is known.
    #[must_use]
    pub fn local_of(&self, venue: Timestamp) -> Timestamp {
        venue.plus_millis(self.offset_ms().map_or(0, |offset| -offset))
    }

    /// What the worst distance that the samples allow means.
    #[must_use]
    pub fn verdict(&self) -> SkewVerdict {
        let Some(best) = self.best() else {
            return SkewVerdict::Unknown;
        };
        let worst = best.offset.abs().saturating_add(best.bound);
        if worst >= SKEW_STOP_MS {
            SkewVerdict::Stop
        } else if worst >= SKEW_WARN_MS {
            SkewVerdict::Warn
        } else {
            SkewVerdict::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// One question with the given ways there and back at local time `sent`.
    fn ask(clock: &mut ServerClock, sent: i64, there: i64, back: i64, offset: i64) {
        clock.observe(at(sent), at(sent + there + back), at(sent + there + offset));
    }

    #[test]
    fn nothing_known_changes_nothing() {
        let clock = ServerClock::default();
        assert_eq!(clock.now_at_venue(at(7)), at(7));
        assert_eq!(clock.offset_ms(), None);
        assert_eq!(clock.age_ms(at(7)), None);
        assert_eq!(clock.verdict(), SkewVerdict::Unknown);
    }

    #[test]
    fn the_shortest_round_trip_of_the_last_eight_counts() {
        let mut clock = ServerClock::default();
        ask(&mut clock, 1_000, 10, 10, 500);
        for n in 1..8 {
            ask(&mut clock, 1_000 + n * 1_000, 40, 0, 500);
        }
        assert_eq!(clock.offset_ms(), Some(500));
        assert_eq!(clock.error_bound_ms(), Some(11));
        assert_eq!(clock.age_ms(at(1_520)), Some(500));
        assert_eq!(clock.now_at_venue(at(0)), at(500));
        assert_eq!(clock.local_of(at(500)), at(0));
        // One more, and the good one is the ninth.
        ask(&mut clock, 9_000, 40, 0, 500);
        assert_eq!(clock.offset_ms(), Some(520));
        assert_eq!(clock.error_bound_ms(), Some(21));
    }

    #[test]
    fn a_clock_that_was_set_forgets_what_was_before() {
        let mut clock = ServerClock::default();
        ask(&mut clock, 1_000, 1, 1, 0);
        ask(&mut clock, 50_000, 100, 100, -3_600_000);
        assert_eq!(clock.offset_ms(), Some(-3_600_000));
        assert_eq!(clock.verdict(), SkewVerdict::Stop);
    }

    #[test]
    fn an_answer_before_its_question_counts_for_nothing() {
        let mut clock = ServerClock::default();
        clock.observe(at(1_000), at(999), at(5_000));
        assert!(clock.is_empty());
    }

    #[test]
    fn thresholds_hold_for_the_worst_case() {
        for (offset, way, verdict) in [
            (0, 10, SkewVerdict::Fine),
            (238, 10, SkewVerdict::Fine),
            (239, 10, SkewVerdict::Warn),
            (-239, 10, SkewVerdict::Warn),
            (738, 10, SkewVerdict::Warn),
            (739, 10, SkewVerdict::Stop),
            (-1_500, 10, SkewVerdict::Stop),
            (0, 249, SkewVerdict::Warn),
            (0, 749, SkewVerdict::Stop),
        ] {
            let mut clock = ServerClock::default();
            ask(&mut clock, 10_000, way, way, offset);
            assert_eq!(clock.verdict(), verdict, "{offset} {way}");
        }
    }

    proptest! {
        /// Whatever the ways there and back, the truth is within the bound.
        #[test]
        fn the_true_offset_is_within_the_bound(
            offset in -100_000_i64..100_000,
            ways in prop::collection::vec((0_i64..3_000, 0_i64..3_000), 1..20),
        ) {
            let mut clock = ServerClock::default();
            for (n, (there, back)) in (0..).zip(ways) {
                ask(&mut clock, n * 10_000, there, back, offset);
                let error = clock.offset_ms().unwrap() - offset;
                prop_assert!(error.abs() <= clock.error_bound_ms().unwrap());
            }
        }
    }
}
