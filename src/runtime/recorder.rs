//! The witness of a recorded paper session: journal before wire, latch before wire, lines after.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::expected::{Expected, MatchError, Verdict};
use super::lines::LineNames;
use super::session::{Step, Witness};
use super::stop::StopFlag;
use crate::control::{KillPhase, KillReason, KillReset, KillSwitch, Line};
use crate::domain::{Intent, KillLevel, NotSent, Purpose, Timestamp};
use crate::engine::{EffectOf, Event};
use crate::store::{JournalError, LatchFile, LatchRecord, RecordRef, Writer};

/// Bytes that may wait in this process before they are handed to the system.
const FLUSH_BYTES: usize = 64 * 1024;
/// Wait between two tries while the reader of the lines is behind.
const FULL: Duration = Duration::from_millis(1);

/// Why a recorded session stops.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Recovery found that the engine does not do what it did before.
    #[error("cannot go on with the recorded session: {0}; move the journal away to begin anew")]
    Diverged(#[from] MatchError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Who caused a step of the ladder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Cause {
    /// A person, or what acts for one: a key, a signal, a file, a command.
    #[default]
    Person,
    /// A risk limit.
    Limit,
}

impl Cause {
    /// Cause of a step in the latch file.
    pub(super) const fn of(record: &LatchRecord) -> Self {
        if record.by_limit {
            Cause::Limit
        } else {
            Cause::Person
        }
    }
}

/// Writes, checks and forwards what a session does.
#[derive(Debug)]
pub struct Recorder {
    writer: Option<Writer>,
    /// What an earlier run of this session did and this one repeats.
    pub(super) expected: Option<Expected>,
    latch: LatchFile,
    kill: Arc<KillSwitch>,
    reset: KillReset,
    names: LineNames,
    lines: Option<SyncSender<Line>>,
    buffer: Vec<Line>,
    is_durable: bool,
    journal_error: Option<String>,
    saved_level: KillLevel,
    /// The engine's step of the ladder.
    applied: KillLevel,
    /// Who caused that step.
    pub(super) cause: Cause,
    /// Who caused the step that is taken over from the latch file next.
    pub(super) inherited: Cause,
    unsaved: Option<LatchRecord>,
    /// Asks the session to end: a reader that has stopped reading must not keep it then.
    stop: StopFlag,
    n_dropped: u64,
    is_output_closed: bool,
}

/// What a recorder is made of.
#[derive(Debug)]
pub struct RecorderParts {
    /// Journal to append to.
    pub writer: Writer,
    /// Records to repeat first.
    pub expected: Option<Expected>,
    /// Where the latch is kept.
    pub latch: LatchFile,
    /// The latch's own reset.
    pub reset: KillReset,
    /// Names for the lines.
    pub names: LineNames,
    /// Where lines go.
    pub lines: Option<SyncSender<Line>>,
    /// Asks the session to end.
    pub stop: StopFlag,
}

impl Recorder {
    /// A recorder over its parts.
    #[must_use]
    pub fn new(parts: RecorderParts) -> Self {
        let kill = Arc::clone(parts.reset.switch());
        Self {
            writer: Some(parts.writer),
            expected: parts.expected,
            latch: parts.latch,
            saved_level: kill.level(),
            kill,
            reset: parts.reset,
            names: parts.names,
            lines: parts.lines,
            buffer: Vec::new(),
            is_durable: true,
            journal_error: None,
            applied: KillLevel::Active,
            cause: Cause::Person,
            inherited: Cause::Person,
            unsaved: None,
            stop: parts.stop,
            n_dropped: 0,
            is_output_closed: false,
        }
    }

    /// Whether steps are compared with an earlier run rather than written.
    #[must_use]
    pub const fn is_repeating(&self) -> bool {
        self.expected.is_some()
    }

    /// The kill latch.
    #[must_use]
    pub const fn kill(&self) -> &Arc<KillSwitch> {
        &self.kill
    }

    /// What the journal said when it failed.
    pub fn take_journal_error(&mut self) -> Option<String> {
        self.journal_error.take()
    }

    /// Sends a line. Whether anybody still reads is told by [`Recorder::is_output_closed`], so
    /// that no turn is cut in two for it.
    pub fn send(&mut self, line: Line) {
        let Some(lines) = &self.lines else {
            return;
        };
        let mut line = line;
        loop {
            line = match lines.try_send(line) {
                Ok(()) => return,
                Err(TrySendError::Disconnected(_)) => {
                    self.lines = None;
                    self.is_output_closed = true;
                    return;
                }
                Err(TrySendError::Full(line)) => line,
            };
            // A recording waits for its reader, but neither a kill nor the end of the session
            // does: the engine has to turn for them.
            if self.stop.get().is_some() || self.saved_level < self.kill.level() {
                self.n_dropped += 1;
                return;
            }
            std::thread::sleep(FULL);
        }
    }

    /// Whether the reader of the lines has gone.
    #[must_use]
    pub const fn is_output_closed(&self) -> bool {
        self.is_output_closed
    }

    /// Lines that were dropped because nobody read them when the session had to go on.
    #[must_use]
    pub const fn n_dropped(&self) -> u64 {
        self.n_dropped
    }

    /// Hands everything written to the system: a killed process loses nothing of it.
    pub fn flush(&mut self) {
        let result = match &mut self.writer {
            Some(writer) => writer.flush(),
            None => Ok(()),
        };
        self.note(result);
    }

    /// Ends the journal in order.
    pub fn close(&mut self, seq: u64, at: Timestamp, reason: &str) {
        // A journal that lacks steps must not look complete.
        if let Some(writer) = self.writer.as_mut().filter(|_| self.is_durable) {
            let record: RecordRef<'_> = RecordRef::Close { seq, at, reason };
            let result = writer.append(&record).and_then(|_| writer.sync());
            self.note(result);
        }
    }

    /// Sets the progress of a kill.
    pub fn set_phase(&self, phase: KillPhase) {
        self.reset.set_phase(phase);
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && self.is_durable
        {
            // Never retried on this file: what a failed sync left behind is not known (F65).
            self.is_durable = false;
            self.journal_error = Some(error.to_string());
            tracing::error!(%error, "journal failed: no entries from now on");
        }
    }

    fn write(&mut self, step: &Step<'_>) {
        let Some(writer) = self.writer.as_mut().filter(|_| self.is_durable) else {
            return;
        };
        let record = RecordRef::Step {
            seq: step.seq,
            at: step.at,
            event: step.event,
            laps: step.late_laps,
            effects: step.effects,
        };
        // What must be there before anything that follows from it leaves.
        let must_last = matches!(step.event, Event::Command(_))
            || step.effects.iter().any(|e| {
                matches!(
                    e,
                    EffectOf::Submit(_) | EffectOf::KillApplied { .. } | EffectOf::Paused { .. }
                )
            });
        let result = writer.append(&record).map(|_| ()).and_then(|()| {
            if must_last {
                writer.sync()
            } else if FLUSH_BYTES < writer.n_pending() {
                writer.flush()
            } else {
                Ok(())
            }
        });
        self.note(result);
    }

    /// Follows the engine's step of the ladder with latch and file. The file is on disk before
    /// anything reports the step.
    fn follow_ladder(&mut self, step: &Step<'_>) {
        let mut cause = Cause::Person;
        for effect in step.effects {
            match effect {
                EffectOf::Trip { level, .. } => {
                    cause = Cause::Limit;
                    self.kill.trip(*level, KillReason::Limit);
                }
                EffectOf::KillApplied { level, reason } => {
                    if *level < self.applied {
                        // From the engine's step, not the latch's: a trip that came meanwhile wins.
                        if !self.reset.lower(self.applied, *level) {
                            tracing::warn!("the latch was tripped again while it was released");
                        }
                    } else {
                        // Words of a kill are queued right before its trip.
                        self.kill.trip(*level, KillReason::Operator);
                    }
                    self.take_step(*level, cause);
                    self.reset.set_since(step.at);
                    self.save_latch(reason, step.at);
                }
                _ => {}
            }
        }
    }

    /// Follows the engine's step alone: latch and file are settled when everything is repeated.
    fn repeat_ladder(&mut self, step: &Step<'_>) {
        let mut cause = Cause::Person;
        for effect in step.effects {
            match effect {
                EffectOf::Trip { .. } => cause = Cause::Limit,
                EffectOf::KillApplied { level, .. } => self.take_step(*level, cause),
                _ => {}
            }
        }
    }

    /// Keeps the engine's step and who caused it. Only a person moves down, and the step that
    /// holds then is that person's.
    fn take_step(&mut self, level: KillLevel, cause: Cause) {
        let causes = [cause, std::mem::take(&mut self.inherited)];
        self.cause = if self.applied < level && causes.contains(&Cause::Limit) {
            Cause::Limit
        } else {
            Cause::Person
        };
        self.applied = level;
    }

    /// Puts the latch's step on the disk. What cannot be written is tried again with
    /// [`Recorder::retry_latch`].
    pub(super) fn save_latch(&mut self, reason: &str, at: Timestamp) {
        let record = LatchRecord {
            level: self.kill.level(),
            reason: reason.to_owned(),
            at_ms: at.millis(),
            released: false,
            by_limit: self.cause == Cause::Limit,
        };
        match self.latch.save(&record) {
            Ok(()) => {
                self.saved_level = record.level;
                self.unsaved = None;
            }
            Err(error) => {
                tracing::error!(%error, "kill state could not be written");
                self.journal_error = Some(format!("kill state is not on disk: {error}"));
                self.unsaved = Some(record);
            }
        }
    }

    /// Tries again what could not be written before.
    pub(super) fn retry_latch(&mut self) {
        if let Some(record) = &self.unsaved
            && self.latch.save(record).is_ok()
        {
            tracing::info!("kill state is on disk again");
            self.saved_level = record.level;
            self.unsaved = None;
        }
    }

    /// Step of the ladder that is known to be on disk.
    #[must_use]
    pub const fn saved_level(&self) -> KillLevel {
        self.saved_level
    }
}

impl Witness for Recorder {
    type Error = RecordError;

    fn source(&mut self, _: Timestamp, _: &Event) -> Result<(), RecordError> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<(), RecordError> {
        if let Some(expected) = &mut self.expected {
            if expected.matches(step)? {
                self.repeat_ladder(step);
                return Ok(());
            }
            self.expected = None;
        }
        self.write(step);
        self.follow_ladder(step);
        if self.lines.is_some() {
            let mut lines = std::mem::take(&mut self.buffer);
            self.names
                .of_step(step.at, step.event, step.effects, &mut lines);
            for line in lines.drain(..) {
                self.send(line);
            }
            self.buffer = lines;
        }
        Ok(())
    }

    fn admit(&mut self, intent: &Intent) -> Result<(), NotSent> {
        if let Some(expected) = &mut self.expected {
            match expected.verdict(intent.id) {
                Ok(Verdict::HeldBack(cause)) => return Err(cause),
                Ok(Verdict::Admitted) => return Ok(()),
                // At the end of what is known the gate decides anew; a damaged record stops the
                // session at its next step, and nothing leaves before that.
                Ok(Verdict::Unknown) => {}
                Err(_) => return Err(NotSent::NotDurable),
            }
        }
        let spec = &intent.spec;
        let is_protection = matches!(spec.purpose, Purpose::StopLoss | Purpose::TakeProfit);
        let may_pass = match self.kill.level() {
            KillLevel::Active => true,
            KillLevel::ReduceOnly => spec.reduce_only,
            KillLevel::Halted => spec.reduce_only && is_protection,
            // An engine that has not learnt of it yet still protects what it holds; refused, it
            // would ask again and again. Once it knows, it takes the protection away itself.
            KillLevel::Flatten => {
                let may_protect = is_protection && self.applied < KillLevel::Flatten;
                spec.reduce_only && (spec.purpose == Purpose::Flatten || may_protect)
            }
        };
        if !may_pass {
            return Err(NotSent::Killed);
        }
        // Cancels and closes leave even when the disk does not answer; entries never do.
        if !self.is_durable && !spec.reduce_only {
            return Err(NotSent::NotDurable);
        }
        Ok(())
    }
}
