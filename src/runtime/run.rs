//! The driver of a session with people: a source of events, a broker, a front end.
//!
//! Runs on the engine thread. It waits for nothing but its source and its command queue, and
//! never longer than [`TURN`], so that the latch is looked at at least that often.

mod restore;

use std::time::Duration;

use super::clock::{Clock, Watch};
use super::recorder::{Cause, RecordError, Recorder};
use super::session::Session;
use super::source::{Due, Source};
use super::stop::StopFlag;
use crate::control::{
    Command, ExitPolicy, KillPhase, KillReason, Line, LineKind, Publisher, SessionCommand,
    SessionView, TradeCommand,
};
use crate::domain::{KillLevel, Purpose, Timestamp};
use crate::engine::Event;
use crate::store::LatchRecord;
use crate::venue::broker::Broker;
use crate::venue::feed::FeedError;

/// Longest wait of the loop.
const TURN: Duration = Duration::from_millis(10);
/// Time between two published snapshots.
const PUBLISH: Duration = Duration::from_millis(50);
/// Time between two hand-overs of the journal to the system.
const FLUSH: Duration = Duration::from_millis(100);
/// Events between two looks at the clock when nothing paces the recording.
const BATCH: u32 = 32;
/// Events that a session may take to close its positions on exit.
const EXIT_EVENTS: u32 = 20_000;
/// Time that it may take, with a market that does not hurry.
const EXIT_WAIT: Duration = Duration::from_secs(15);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The recording is over.
    FeedEnded,
    /// A person quit.
    Quit,
    /// A signal asked for it.
    Signal(u8),
    /// Nobody reads the lines any more.
    OutputClosed,
}

/// How a session ended.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// Why.
    pub reason: EndReason,
    /// Step of the kill ladder at the end.
    pub level: KillLevel,
    /// Whether a limit, not a person, caused that step.
    pub by_limit: bool,
    /// Whether nothing was held and nothing worked.
    pub is_flat: bool,
}

/// Why a session failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Journal, latch or output.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The recording is not the one the journal was made of.
    #[error(
        "the recording has changed since the session was interrupted (event at {at}): restore the \
         file, or move the journal away to begin anew"
    )]
    OtherRecording {
        /// Session time of the first difference.
        at: Timestamp,
    },
}

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Whether the session stays when the recording is over, for a person to look at.
    pub stay: bool,
    /// What happens to orders and positions on a signal.
    pub on_exit: ExitPolicy,
    /// Deadline of a decision in microseconds, unless a recording is played as fast as it goes.
    pub deadline_us: u64,
    /// What the latch file said at the start.
    pub latched: Option<LatchRecord>,
}

/// A session that somebody watches.
pub struct Run<S, B> {
    session: Session<B>,
    source: S,
    recorder: Recorder,
    publisher: Publisher,
    view: SessionView,
    clock: Clock,
    options: RunOptions,
    published: Duration,
    flushed: Duration,
    turned: Duration,
    max_gap: Duration,
    stop: StopFlag,
    /// What is wrong with the disk, for as long as the session runs.
    disk: Option<String>,
}

impl<S: Source, B: Broker> Run<S, B> {
    /// A run over its parts.
    pub fn new(
        session: Session<B>,
        source: S,
        recorder: Recorder,
        publisher: Publisher,
        view: SessionView,
        options: RunOptions,
        clock: Clock,
    ) -> Self {
        Self {
            session,
            source,
            recorder,
            publisher,
            view,
            clock,
            options,
            published: Duration::ZERO,
            flushed: Duration::ZERO,
            turned: Duration::ZERO,
            max_gap: Duration::ZERO,
            stop: StopFlag::default(),
            disk: None,
        }
    }

    /// Runs until the recording ends or somebody ends it.
    ///
    /// # Errors
    ///
    /// When feed, journal or output fail; the latch keeps its state.
    pub fn run(mut self, stop: &StopFlag) -> Result<RunEnd, RunError> {
        self.stop = stop.clone();
        let outcome = self.drive();
        if outcome.is_err() {
            // Nothing may leave once the engine has stopped thinking.
            self.recorder.flush();
        }
        outcome
    }

    fn drive(&mut self) -> Result<RunEnd, RunError> {
        if let Some(signal) = self.restore()? {
            return Ok(self.interrupted(signal));
        }
        self.source.start(&self.clock)?;
        self.set_watch();
        self.status("started", self.view.feed.clone());
        self.publish();
        self.turned = self.clock.elapsed();
        loop {
            self.measure_gap();
            if let Some(signal) = self.stop.get() {
                return self.end(EndReason::Signal(signal), self.options.on_exit);
            }
            if self.recorder.is_output_closed() {
                return self.end(EndReason::OutputClosed, self.options.on_exit);
            }
            if let Some(policy) = self.listen()? {
                return self.end(EndReason::Quit, policy);
            }
            let idle = self.play()?;
            self.housekeeping()?;
            match idle {
                Idle::Busy => {}
                Idle::Wait(wait) => {
                    if let Some(policy) = self.wait(wait.min(TURN))? {
                        return self.end(EndReason::Quit, policy);
                    }
                }
                Idle::Ended if self.options.stay => {
                    if !self.view.ended {
                        self.view.ended = true;
                        self.status("ended", "the recording is over".to_owned());
                        self.publish();
                    }
                    if let Some(policy) = self.wait(TURN)? {
                        return self.end(EndReason::Quit, policy);
                    }
                }
                Idle::Ended => return self.end(EndReason::FeedEnded, ExitPolicy::Keep),
            }
        }
    }

    fn set_watch(&mut self) {
        let is_timed = self.source.pace().is_none_or(|p| p.speed().is_some());
        self.session.watch = if is_timed {
            Watch::wall(self.options.deadline_us)
        } else {
            Watch::Off
        };
    }

    /// Obeys what was asked for, then raises the engine to the latch as it was before that: words
    /// of a kill are queued before its trip, so none that belong to this step are still on the way.
    fn listen(&mut self) -> Result<Option<ExitPolicy>, RunError> {
        let seen = self.recorder.kill().level();
        let quit = self.take_commands()?;
        self.follow_latch(seen)?;
        Ok(quit)
    }

    /// Raises the engine to the latch, at most to `seen`: whoever tripped it may have died before
    /// telling.
    fn follow_latch(&mut self, seen: KillLevel) -> Result<(), RunError> {
        let state = self.recorder.kill().state();
        let level = state.level.min(seen);
        if self.session.engine.level() < level {
            self.command(TradeCommand::Kill {
                level,
                reason: state.reason.words().to_owned(),
            })?;
        }
        Ok(())
    }

    fn command(&mut self, command: TradeCommand) -> Result<(), RunError> {
        let at = self.source.time(self.session.engine.now(), &self.clock);
        self.turn(at, &Event::Command(command))
    }

    fn turn(&mut self, at: Timestamp, event: &Event) -> Result<(), RunError> {
        self.session.turn(at, event, &mut self.recorder)?;
        self.follow_kill();
        Ok(())
    }

    fn take_commands(&mut self) -> Result<Option<ExitPolicy>, RunError> {
        while let Ok(command) = self.publisher.commands().try_recv() {
            if let Some(policy) = self.obey(command)? {
                return Ok(Some(policy));
            }
        }
        Ok(None)
    }

    fn wait(&mut self, wait: Duration) -> Result<Option<ExitPolicy>, RunError> {
        match self.source.rest(wait, self.publisher.commands()) {
            Some(command) => self.obey(command),
            None => Ok(None),
        }
    }

    fn obey(&mut self, command: Command) -> Result<Option<ExitPolicy>, RunError> {
        let now = self.session.engine.now();
        match command {
            Command::Session(SessionCommand::Quit(policy)) => return Ok(Some(policy)),
            Command::Session(SessionCommand::Speed(speed)) => {
                if let Some(pace) = self.source.pace() {
                    pace.set_speed(speed, now, &self.clock);
                }
                self.set_watch();
            }
            Command::Session(SessionCommand::Hold(held)) => {
                if let Some(pace) = self.source.pace() {
                    pace.hold(held, now, &self.clock);
                }
            }
            Command::Trade(command) => self.command(command)?,
        }
        self.publish();
        Ok(None)
    }

    /// Plays what is due, at most one batch.
    fn play(&mut self) -> Result<Idle, RunError> {
        for _ in 0..BATCH {
            match self.source.next(&self.clock)? {
                Due::Event(at, event) => self.turn(at, &event)?,
                Due::Nothing(wait) => return Ok(Idle::Wait(wait)),
                Due::Ended => return Ok(Idle::Ended),
            }
        }
        Ok(Idle::Busy)
    }

    /// Reports how far a kill has got, by the broker's own word.
    fn follow_kill(&mut self) {
        let level = self.session.engine.level();
        if level < KillLevel::Halted {
            return;
        }
        let account = self.session.broker.account();
        let is_settled = self.session.broker.next_due().is_none();
        let phase = if account.is_flat() && is_settled {
            KillPhase::Flat
        } else if level == KillLevel::Flatten {
            let cancels = account
                .orders
                .iter()
                .any(|o| o.spec.purpose != Purpose::Flatten);
            if cancels {
                KillPhase::Cancelling
            } else {
                KillPhase::Closing
            }
        } else if account
            .orders
            .iter()
            .any(|o| o.spec.purpose != Purpose::StopLoss)
        {
            KillPhase::Cancelling
        } else {
            KillPhase::Tripped
        };
        self.recorder.set_phase(phase);
    }

    fn measure_gap(&mut self) {
        let now = self.clock.elapsed();
        self.max_gap = self.max_gap.max(now.saturating_sub(self.turned));
        self.turned = now;
    }

    fn housekeeping(&mut self) -> Result<(), RunError> {
        let now = self.clock.elapsed();
        if FLUSH <= now.saturating_sub(self.flushed) {
            self.flushed = now;
            self.recorder.flush();
            self.recorder.retry_latch();
        }
        if let Some(error) = self.recorder.take_journal_error() {
            self.tell_disk_error(&error)?;
        }
        if PUBLISH <= now.saturating_sub(self.published) {
            self.publish();
        }
        Ok(())
    }

    /// Closes the gate for entries and says so: what cannot be written down must not be begun.
    fn tell_disk_error(&mut self, error: &str) -> Result<(), RunError> {
        let reason = format!("disk: {error}");
        self.disk = Some(reason.clone());
        self.status("disk", format!("{error}; no entries until a restart"));
        self.recorder
            .kill()
            .trip(KillLevel::ReduceOnly, KillReason::Supervisor);
        self.command(TradeCommand::Kill {
            level: KillLevel::ReduceOnly,
            reason,
        })
    }

    fn publish(&mut self) {
        self.published = self.clock.elapsed();
        if let Some(pace) = self.source.pace() {
            self.view.speed = pace.speed();
            self.view.held = pace.is_held();
        }
        self.view.progress = self
            .source
            .span()
            .map(|(from, to)| progress(self.session.engine.now(), from, to));
        let gap = u64::try_from(self.max_gap.as_millis()).unwrap_or(u64::MAX);
        let mut snapshot = self.session.engine.snapshot(self.view.clone());
        snapshot.counters.max_turn_gap_ms = gap;
        snapshot.venue = self.source.venue();
        if let Some(disk) = &self.disk {
            let reason = &mut snapshot.state.kill_reason;
            match reason {
                Some(reason) if !reason.contains(disk.as_str()) => {
                    reason.push_str("; ");
                    reason.push_str(disk);
                }
                Some(_) => {}
                None => *reason = Some(disk.clone()),
            }
        }
        self.publisher.publish(snapshot);
    }

    fn status(&mut self, status: &'static str, detail: String) {
        let engine = &self.session.engine;
        let kind = LineKind::Status {
            status,
            detail,
            equity: Some(engine.equity()),
            trades: Some(engine.stats().n_trades),
            level: Some(engine.level().name()),
        };
        // Before the first event the session's time is that of the event to come.
        let now = engine.now();
        let at = match self.source.first() {
            Some(first) if now == Timestamp::default() => first,
            _ => now,
        };
        self.recorder.send(Line::new(at, kind));
    }

    /// The ordered end: exit policy, last snapshot, journal closed.
    fn end(&mut self, reason: EndReason, policy: ExitPolicy) -> Result<RunEnd, RunError> {
        match policy {
            ExitPolicy::Keep => {}
            ExitPolicy::Cancel => self.command(TradeCommand::CancelAll)?,
            ExitPolicy::Flatten => {
                self.command(TradeCommand::CancelAll)?;
                self.command(TradeCommand::CloseAll)?;
                self.settle()?;
            }
        }
        let words = match reason {
            EndReason::FeedEnded => "the recording is over".to_owned(),
            EndReason::Quit => "operator".to_owned(),
            EndReason::Signal(15) => "SIGTERM".to_owned(),
            EndReason::Signal(2) => "SIGINT".to_owned(),
            EndReason::Signal(number) => format!("signal {number}"),
            EndReason::OutputClosed => "standard output was closed".to_owned(),
        };
        let engine = &self.session.engine;
        self.recorder.close(engine.seq(), engine.now(), &words);
        self.view.ended = true;
        self.status("ended", words);
        self.publish();
        let n_dropped = self.recorder.n_dropped();
        if n_dropped > 0 {
            tracing::warn!(n_dropped, "lines were dropped: nobody read them");
        }
        let gap = self.max_gap.as_secs_f64() * 1e3;
        tracing::info!(max_turn_gap_ms = gap, "session ended");
        Ok(RunEnd {
            reason,
            level: self.session.engine.level(),
            by_limit: self.recorder.cause == Cause::Limit,
            is_flat: self.is_flat(),
        })
    }

    /// Whether nothing is left behind, by the venue's word where it is certain and else by ours.
    fn is_flat(&self) -> bool {
        let account = self.session.broker.account();
        account.is_flat()
            || (account.is_uncertain
                && account.positions.is_empty()
                && self.session.engine.is_flat())
    }

    /// Lets the market go on, without entries, until what is held is closed.
    fn settle(&mut self) -> Result<(), RunError> {
        // The gate closes for entries while the positions are closed; a step of the ladder that
        // was in force before stays in force.
        let was_active = self.session.engine.level() == KillLevel::Active;
        self.recorder
            .kill()
            .trip(KillLevel::ReduceOnly, KillReason::Operator);
        self.follow_latch(self.recorder.kill().level())?;
        let deadline = self.clock.elapsed() + EXIT_WAIT;
        for _ in 0..EXIT_EVENTS {
            if self.session.engine.is_flat() || self.stop.is_urgent() {
                break;
            }
            match self.source.hurry(&self.clock)? {
                Due::Event(at, event) => {
                    self.session.turn(at, &event, &mut self.recorder)?;
                }
                Due::Nothing(wait) if self.clock.elapsed() < deadline => {
                    self.wait(wait.min(TURN))?;
                }
                Due::Nothing(_) | Due::Ended => break,
            }
        }
        if was_active {
            self.command(TradeCommand::Resume {
                level: KillLevel::Active,
                reason: "positions were closed on exit".to_owned(),
            })?;
        }
        Ok(())
    }
}

/// What the loop may do next.
enum Idle {
    /// More is due at once.
    Busy,
    /// Nothing is due for this long.
    Wait(Duration),
    /// The recording is over.
    Ended,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a progress bar needs two digits"
)]
fn progress(now: Timestamp, from: Timestamp, to: Timestamp) -> f64 {
    let whole = to.since(from).max(1) as f64;
    (now.since(from) as f64 / whole).clamp(0.0, 1.0)
}
