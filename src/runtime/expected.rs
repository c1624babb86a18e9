//! What a journal says a session did, read ahead as far as a turn needs.

use std::collections::VecDeque;

use crate::domain::{AccountEvent, ClientOrderId, NotSent, Timestamp};
use crate::engine::Event;
use crate::store::{Journal, JournalError, Record};

use super::session::Step;

/// The first difference between a journal and what the engine does now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("input {seq} at {at} ({what}): journal has {expected}, the engine now gives {found}")]
pub struct Difference {
    /// Number of the input.
    pub seq: u64,
    /// Session time of the input.
    pub at: Timestamp,
    /// What differs.
    pub what: String,
    /// What the journal holds.
    pub expected: String,
    /// What happened now.
    pub found: String,
}

/// What the gate did with an order, as far as a journal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It left.
    Admitted,
    /// It was held back.
    HeldBack(NotSent),
    /// The journal ends before it could say.
    Unknown,
}

/// Records that are still to be matched.
#[derive(Debug)]
pub struct Expected {
    journal: Option<Journal>,
    ahead: VecDeque<Record>,
    /// Records between the step matched last and what the gate said about its next order.
    n_before_verdict: usize,
    n_matched: u64,
    closed: Option<String>,
    /// Whether what the broker says drives turns of its own.
    accounts_are_sources: bool,
}

impl Expected {
    /// Everything in `journal`.
    #[must_use]
    pub const fn new(journal: Journal) -> Self {
        Self {
            journal: Some(journal),
            ahead: VecDeque::new(),
            n_before_verdict: 0,
            n_matched: 0,
            closed: None,
            accounts_are_sources: false,
        }
    }

    /// The same for a session whose broker was elsewhere: what it said drove turns of its own,
    /// unless the gate said it.
    #[must_use]
    pub fn with_account_sources(mut self, accounts_are_sources: bool) -> Self {
        self.accounts_are_sources = accounts_are_sources;
        self
    }

    fn is_source(&self, event: &Event) -> bool {
        match event {
            // Said by the gate within the turn of the order; everything else comes from the gateway.
            Event::Account(AccountEvent::NotSent {
                cause: NotSent::Killed | NotSent::NotDurable,
                ..
            }) => false,
            Event::Account(_) => self.accounts_are_sources,
            _ => true,
        }
    }

    /// Steps matched so far.
    #[must_use]
    pub const fn n_matched(&self) -> u64 {
        self.n_matched
    }

    /// Why the session ended, where the journal says that it did.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.closed.as_deref()
    }

    fn read(&mut self) -> Result<bool, JournalError> {
        let Some(journal) = &mut self.journal else {
            return Ok(false);
        };
        match journal.next() {
            Some(Ok(Record::Close { reason, .. })) => {
                self.closed = Some(reason);
                self.journal = None;
                Ok(false)
            }
            Some(Ok(record)) => {
                self.ahead.push_back(record);
                Ok(true)
            }
            Some(Err(error)) => Err(error),
            None => {
                self.journal = None;
                Ok(false)
            }
        }
    }

    /// Next record, without taking it.
    ///
    /// # Errors
    ///
    /// When the journal is damaged there.
    pub fn peek(&mut self) -> Result<Option<&Record>, JournalError> {
        if self.ahead.is_empty() {
            self.read()?;
        }
        Ok(self.ahead.front())
    }

    /// Next source event: what drove the turn whose steps come next. `None` at the end, also when
    /// the last turn's own source is missing there.
    ///
    /// # Errors
    ///
    /// When the journal is damaged.
    pub fn next_source(&mut self) -> Result<Option<(Timestamp, Event)>, JournalError> {
        let mut n = 0;
        loop {
            if let Some(record) = self.ahead.get(n) {
                if let Record::Step { at, event, .. } = record
                    && self.is_source(event)
                {
                    return Ok(Some((*at, event.clone())));
                }
                n += 1;
            } else if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// Late laps of the next source step: what the stopwatch showed then.
    #[must_use]
    pub fn source_laps(&self) -> VecDeque<u32> {
        self.ahead
            .iter()
            .find_map(|record| match record {
                Record::Step { event, laps, .. } if self.is_source(event) => {
                    Some(laps.iter().copied().collect())
                }
                _ => None,
            })
            .unwrap_or_default()
    }

    /// What the gate said then about an order of the step matched last; to be asked once for
    /// each of its orders, in their sequence.
    ///
    /// A refusal is told to the engine behind the broker answers that already waited, so exactly
    /// one record can hold it. Looking anywhere else would take an order that was held back for
    /// one that left, or the other way round.
    ///
    /// # Errors
    ///
    /// When the journal is damaged there.
    pub fn verdict(&mut self, order: ClientOrderId) -> Result<Verdict, JournalError> {
        while self.ahead.len() <= self.n_before_verdict {
            if !self.read()? {
                return Ok(Verdict::Unknown);
            }
        }
        match &self.ahead[self.n_before_verdict] {
            Record::Step {
                event: Event::Account(AccountEvent::NotSent { order: id, cause }),
                ..
            } if *id == order => {
                self.n_before_verdict += 1;
                Ok(Verdict::HeldBack(cause.clone()))
            }
            _ => Ok(Verdict::Admitted),
        }
    }

    /// Compares a step with the journal's next one. `Ok(false)` when there is none left.
    ///
    /// # Errors
    ///
    /// The first difference, or damage.
    pub fn matches(&mut self, step: &Step<'_>) -> Result<bool, MatchError> {
        if self.peek()?.is_none() {
            return Ok(false);
        }
        let Some(Record::Step {
            seq,
            at,
            event,
            effects,
            ..
        }) = self.ahead.pop_front()
        else {
            return Ok(false);
        };
        let differs = |what: &str, expected: String, found: String| {
            Err(MatchError::Differs(Box::new(Difference {
                seq: step.seq,
                at: step.at,
                what: what.to_owned(),
                expected,
                found,
            })))
        };
        if seq != step.seq {
            return differs("input number", seq.to_string(), step.seq.to_string());
        }
        if at != step.at {
            return differs("time", at.to_string(), step.at.to_string());
        }
        if event != *step.event {
            return differs("input", format!("{event:?}"), format!("{:?}", step.event));
        }
        for (n, pair) in effects.iter().zip(step.effects).enumerate() {
            let (expected, found) = pair;
            if *expected != found.to_record() {
                let what = format!("effect {} of {}", n + 1, name(step.event));
                return differs(&what, format!("{expected:?}"), format!("{found:?}"));
            }
        }
        if effects.len() != step.effects.len() {
            return differs(
                &format!("number of effects of {}", name(step.event)),
                effects.len().to_string(),
                step.effects.len().to_string(),
            );
        }
        self.n_matched += 1;
        self.n_before_verdict = step.n_waiting;
        Ok(true)
    }
}

/// Why a step does not match.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// The journal cannot be read there.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It differs.
    #[error(transparent)]
    Differs(Box<Difference>),
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Market(_) => "a market event",
        Event::Account(_) => "an account event",
        Event::Command(_) => "a command",
        Event::Tick => "a tick",
        Event::Link(_) => "a change of the link",
    }
}
