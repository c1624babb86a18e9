//! The start of a run: repeats what an interrupted session did, then settles which step of the
//! kill ladder holds.

use super::{EndReason, Run, RunEnd, RunError};
use crate::account::Order;
use crate::control::{KillReason, TradeCommand};
use crate::domain::KillLevel;
use crate::engine::Event;
use crate::runtime::clock::Watch;
use crate::runtime::recorder::{Cause, RecordError};
use crate::runtime::source::Source;
use crate::venue::broker::{Broker, KnownOrder, Standing};

/// Repeated events between two looks at the clock.
const LOOK: u64 = 256;

impl<S: Source, B: Broker> Run<S, B> {
    /// Repeats what the journal holds, event by event, and checks that it comes out the same.
    /// `Some` is the signal that asked for the end meanwhile.
    pub(super) fn restore(&mut self) -> Result<Option<u8>, RunError> {
        let mut n = 0;
        let is_repeating = self.recorder.expected.is_some();
        let accounts_are_sources = self.session.broker.accounts_are_sources();
        self.recorder.expected = self
            .recorder
            .expected
            .take()
            .map(|expected| expected.with_account_sources(accounts_are_sources));
        self.session.broker.mute(true);
        while let Some(expected) = &mut self.recorder.expected {
            if let Some(signal) = self.stop.get() {
                return Ok(Some(signal));
            }
            let source = expected.next_source().map_err(RecordError::from)?;
            let Some((at, event)) = source else { break };
            self.session.watch = Watch::Recorded(expected.source_laps());
            if !self.source.repeats(&event)? {
                return Err(RunError::OtherRecording { at });
            }
            self.session.turn(at, &event, &mut self.recorder)?;
            n += 1;
            if n % LOOK == 0 {
                self.housekeeping()?;
            }
        }
        self.finish_turn()?;
        self.session.broker.mute(false);
        if is_repeating {
            let orders = self.session.engine.orders();
            let known = orders.ended().chain(orders.live()).map(known_order);
            let known: Vec<_> = known.collect();
            self.session.broker.resume(known);
        }
        self.settle_ladder()?;
        if is_repeating {
            tracing::info!(n, "session restored from its journal");
            self.status("restored", format!("{n} events repeated, all equal"));
        }
        Ok(None)
    }

    /// Ends the turn that the crash cut in two. Its first half is in the journal without the
    /// event that drove it, and nothing else may come in between.
    fn finish_turn(&mut self) -> Result<(), RunError> {
        let Some(expected) = &mut self.recorder.expected else {
            return Ok(());
        };
        let Some(at) = expected
            .peek()
            .map_err(RecordError::from)?
            .map(crate::store::Record::at)
        else {
            return Ok(());
        };
        self.set_watch();
        // Without it, it was a person's command, and it was never obeyed.
        let cut_off = self.source.cut_off()?;
        let (at, event) = cut_off.unwrap_or((at, Event::Tick));
        self.session.turn(at, &event, &mut self.recorder)?;
        Ok(())
    }

    /// The stricter of journal and latch file holds, because a crash can come between the two;
    /// unless a person has released the latch since.
    fn settle_ladder(&mut self) -> Result<(), RunError> {
        let level = self.session.engine.level();
        let latched = self.options.latched.take();
        let released = latched.as_ref().is_some_and(|record| record.released);
        let cause = latched.as_ref().map_or(Cause::Person, Cause::of);
        let (held, reason) = match latched {
            Some(record) => (record.level, record.reason),
            None => (KillLevel::Active, String::new()),
        };
        if level < held {
            let level = held;
            self.recorder.inherited = cause;
            return self.command(TradeCommand::Kill { level, reason });
        }
        // The journal of a session that began stopped does not say what had stopped the one before.
        if level == held && cause == Cause::Limit {
            self.recorder.cause = cause;
        }
        // Whoever tripped the latch since the start does not want the release any more.
        let held = held.max(self.recorder.kill().level());
        if released && held < level {
            let level = held;
            return self.command(TradeCommand::Resume { level, reason });
        }
        self.recorder.kill().trip(level, KillReason::Restored);
        if self.recorder.saved_level() < level || released {
            let picture = self.session.engine.snapshot(self.view.clone());
            let reason = picture.state.kill_reason.unwrap_or(reason);
            self.recorder.save_latch(&reason, self.session.engine.now());
        }
        self.follow_kill();
        Ok(())
    }

    /// A start that was ended before everything was repeated: nothing is decided or closed, and
    /// the next start begins where this one did.
    pub(super) fn interrupted(&self, signal: u8) -> RunEnd {
        let level = self.recorder.kill().level();
        let latched = self.options.latched.as_ref();
        RunEnd {
            reason: EndReason::Signal(signal),
            level,
            by_limit: latched.is_some_and(|record| record.by_limit && record.level == level),
            is_flat: self.session.broker.account().is_flat(),
        }
    }
}

fn known_order(order: &Order) -> (KnownOrder, Standing) {
    let known = KnownOrder {
        id: order.intent.id,
        spec: order.intent.spec.clone(),
        expected: None,
    };
    let standing = match (order.is_live(), order.accepted_at) {
        (false, _) => Standing::Over,
        (true, Some(_)) => Standing::Working,
        (true, None) => Standing::Open,
    };
    (known, standing)
}
