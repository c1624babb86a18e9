//! One engine and one simulated broker, joined turn by turn.
//!
//! A *turn* is one source event (market, command, tick) and everything that follows from it: what
//! the broker had due before it, what the broker does because of it, and the engine's own step.
//! Paper runs, backtests, replays and crash recovery all drive this one type, so they cannot
//! disagree. Nothing here reads a clock.

use super::clock::Watch;
use crate::domain::{AccountEvent, Intent, NotSent, Timestamp};
use crate::engine::{Effect, EffectOf, Engine, Event};
use crate::venue::broker::Broker;

/// One step of the engine, before its effects leave.
#[derive(Debug)]
pub struct Step<'a> {
    /// Number of the step.
    pub seq: u64,
    /// Session time.
    pub at: Timestamp,
    /// Whether the event is the source of its turn; else the broker caused it.
    pub is_source: bool,
    /// The event.
    pub event: &'a Event,
    /// Broker answers that already wait behind this step: what the gate refuses of it is told
    /// after them.
    pub n_waiting: usize,
    /// Decisions that passed their deadline, in microseconds.
    pub late_laps: &'a [u32],
    /// What followed.
    pub effects: &'a [Effect],
}

/// Watches a session and stands between the engine and the broker.
pub trait Witness {
    /// Why the session must stop.
    type Error;

    /// Sees the source of a turn before anything is done with it.
    ///
    /// # Errors
    ///
    /// When the session cannot go on.
    fn source(&mut self, at: Timestamp, event: &Event) -> Result<(), Self::Error>;

    /// Sees a step before its effects leave: what must be on disk first is written here.
    ///
    /// # Errors
    ///
    /// When the session cannot go on.
    fn step(&mut self, step: &Step<'_>) -> Result<(), Self::Error>;

    /// The last look before the wire.
    ///
    /// # Errors
    ///
    /// What holds the order back; the engine is told.
    fn admit(&mut self, intent: &Intent) -> Result<(), NotSent>;
}

/// A witness that sees nothing and admits everything: backtests without output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Witness for Unwatched {
    type Error = std::convert::Infallible;

    fn source(&mut self, _: Timestamp, _: &Event) -> Result<(), Self::Error> {
        Ok(())
    }

    fn step(&mut self, _: &Step<'_>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn admit(&mut self, _: &Intent) -> Result<(), NotSent> {
        Ok(())
    }
}

/// An engine, its broker, and what is on the way between them.
#[derive(Debug)]
pub struct Session<B> {
    /// The engine.
    pub engine: Engine,
    /// The broker.
    pub broker: B,
    /// How decisions are timed.
    pub watch: Watch,
    answers: Vec<(Timestamp, AccountEvent)>,
    /// Room of the last batch of answers, for the next one.
    spare: Vec<(Timestamp, AccountEvent)>,
    /// Answers of this batch that the engine has not seen yet.
    n_waiting: usize,
    effects: Vec<Effect>,
}

impl<B: Broker> Session<B> {
    /// A session over an engine and a broker.
    #[must_use]
    pub fn new(engine: Engine, broker: B, watch: Watch) -> Self {
        Self {
            engine,
            broker,
            watch,
            answers: Vec::new(),
            spare: Vec::new(),
            n_waiting: 0,
            effects: Vec::new(),
        }
    }

    /// Takes one source event through broker and engine.
    ///
    /// # Errors
    ///
    /// Whatever the witness stops for.
    pub fn turn<W: Witness>(
        &mut self,
        at: Timestamp,
        event: &Event,
        witness: &mut W,
    ) -> Result<(), W::Error> {
        let at = at.max(self.engine.now());
        witness.source(at, event)?;
        // What the broker owes from before comes first, in its own time, because an answer may
        // lead to another order that is due before this event as well.
        while let Some(due) = self.broker.next_due().filter(|due| *due <= at) {
            self.broker.advance(due, &mut self.answers);
            self.deliver(witness)?;
            if self.broker.next_due() == Some(due) && self.answers.is_empty() {
                break;
            }
        }
        if let Event::Market(market) = event {
            self.broker.on_market(at, market, &mut self.answers);
            self.deliver(witness)?;
        }
        self.step(at, event, true, witness)?;
        self.deliver(witness)
    }

    /// Hands the broker's answers to the engine, oldest first.
    fn deliver<W: Witness>(&mut self, witness: &mut W) -> Result<(), W::Error> {
        // Answers to what a step causes queue up behind those that are here already.
        while !self.answers.is_empty() {
            let mut batch = std::mem::replace(&mut self.answers, std::mem::take(&mut self.spare));
            self.n_waiting = batch.len();
            for (at, answer) in batch.drain(..) {
                self.n_waiting -= 1;
                self.step(at, &Event::Account(answer), false, witness)?;
            }
            self.spare = batch;
        }
        Ok(())
    }

    #[inline]
    fn step<W: Witness>(
        &mut self,
        at: Timestamp,
        event: &Event,
        is_source: bool,
        witness: &mut W,
    ) -> Result<(), W::Error> {
        self.effects.clear();
        self.engine
            .step(at, event, &mut self.watch, &mut self.effects);
        let late_laps = self.watch.take_late();
        let now = self.engine.now();
        witness.step(&Step {
            seq: self.engine.seq(),
            at: now,
            is_source,
            event,
            n_waiting: self.n_waiting + self.answers.len(),
            late_laps: &late_laps,
            effects: &self.effects,
        })?;
        let is_order = |e: &Effect| matches!(e, EffectOf::Submit(_) | EffectOf::Cancel { .. });
        if !self.effects.iter().any(is_order) {
            return Ok(());
        }
        for effect in self.effects.drain(..) {
            match effect {
                EffectOf::Submit(approved) => match witness.admit(approved.intent()) {
                    Ok(()) => self.broker.submit(now, approved),
                    Err(cause) => {
                        let order = approved.intent().id;
                        self.answers
                            .push((now, AccountEvent::NotSent { order, cause }));
                    }
                },
                EffectOf::Cancel { order, .. } => self.broker.cancel(now, order),
                _ => {}
            }
        }
        Ok(())
    }
}
