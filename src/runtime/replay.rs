//! The replay driver: a journal's own inputs through a fresh engine, compared step by step.

use super::clock::Watch;
use super::expected::{Expected, MatchError, Verdict};
use super::session::{Session, Step, Witness};
use crate::domain::{Intent, NotSent, Timestamp};
use crate::engine::Event;
use crate::store::{Journal, JournalError};
use crate::venue::sim::PaperBroker;

/// Why a replay stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal is damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine does something else now.
    #[error(transparent)]
    Differs(#[from] MatchError),
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayEnd {
    /// Steps that were compared, all equal.
    pub n_equal: u64,
    /// Why the session ended; `None` when the journal stops without saying.
    pub closed: Option<String>,
}

/// Sees every step of a replay.
pub trait Audience {
    /// One step, as it happened.
    fn see(&mut self, step: &Step<'_>);
}

impl<F: FnMut(&Step<'_>)> Audience for F {
    fn see(&mut self, step: &Step<'_>) {
        self(step);
    }
}

struct Checker<'a, A> {
    expected: Expected,
    audience: &'a mut A,
    /// Steps beyond the journal's end: the last turn was cut short by a crash.
    n_beyond: u64,
    failed: Option<JournalError>,
}

impl<A: Audience> Witness for Checker<'_, A> {
    type Error = ReplayError;

    fn source(&mut self, _: Timestamp, _: &Event) -> Result<(), ReplayError> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<(), ReplayError> {
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        if self.expected.matches(step)? {
            self.audience.see(step);
        } else {
            self.n_beyond += 1;
        }
        Ok(())
    }

    fn admit(&mut self, intent: &Intent) -> Result<(), NotSent> {
        match self.expected.verdict(intent.id) {
            Ok(Verdict::HeldBack(cause)) => Err(cause),
            Ok(Verdict::Admitted | Verdict::Unknown) => Ok(()),
            Err(error) => {
                self.failed = Some(error);
                Err(NotSent::NotDurable)
            }
        }
    }
}

/// Runs a recorded session again and compares every effect with the journalled one.
///
/// # Errors
///
/// The first difference, or the position of the damage.
pub fn replay<A: Audience>(
    session: &mut Session<PaperBroker>,
    journal: Journal,
    audience: &mut A,
) -> Result<ReplayEnd, ReplayError> {
    let expected = Expected::new(journal);
    let mut checker = Checker {
        expected,
        audience,
        n_beyond: 0,
        failed: None,
    };
    while let Some((at, event)) = checker.expected.next_source()? {
        session.watch = Watch::Recorded(checker.expected.source_laps());
        session.turn(at, &event, &mut checker)?;
    }
    Ok(ReplayEnd {
        n_equal: checker.expected.n_matched(),
        closed: checker.expected.closed().map(str::to_owned),
    })
}
