//! `tradeterm` and `tradeterm run`: a session with the console, or headless.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::args::{Cli, ConsoleArgs};
use super::live::{self, Network};
use super::{Exit, Failure, Outcome, has_terminal, load, log, screen};
use crate::app::guard::preflight;
use crate::app::{
    Built, MarketSource, SessionFolder, build_session, is_live, newest_unfinished, open_market,
    unpaced_until,
};
use crate::config::{Folders, Settings, Speed, TerminalLost};
use crate::control::{
    Command, Handle, KillReason, KillSwitch, Line, SessionCommand, SessionView, channel,
};
use crate::domain::{KillLevel, Mode, Timestamp};
use crate::engine::Engine;
use crate::headless;
use crate::runtime::clock::Clock;
use crate::runtime::process::{OnHangUp, Watcher, watch};
use crate::runtime::{
    EndReason, Expected, Recorder, RecorderParts, Recording, Run, RunEnd, RunError, RunOptions,
    Session, StopFlag,
};
use crate::store::{Header, LatchFile, Lock, Writer, files};
use crate::tui::run::Switches;
use crate::venue::feed::Feed;

/// Lines that may wait for a slow reader; then the recording waits too.
pub(super) const LINES: usize = 4_096;
/// How long the last lines may take when a signal has ended the session.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Name of the kill state in a mode's state folder.
pub(super) const LATCH: &str = "kill.json";

/// A session that is ready to run to its end.
pub(super) type Job = Box<dyn FnOnce(&StopFlag) -> Result<RunEnd, RunError> + Send>;

/// Everything a session needs, checked and open; nothing runs yet.
pub(super) struct Prepared {
    pub(super) run: Job,
    pub(super) handle: Handle,
    pub(super) stop: StopFlag,
    pub(super) lines: Option<Receiver<Line>>,
    pub(super) clock: Clock,
    /// The network of a live session; ends after the engine.
    pub(super) network: Option<Network>,
    // Dropped last: the next instance may start then.
    pub(super) lock: Lock,
}

/// Runs a session to its end.
pub(super) fn run(cli: &Cli, console: &ConsoleArgs) -> Outcome {
    let no_tui = cli.is_no_tui();
    if !no_tui && !has_terminal() {
        return Err(Failure::new(Exit::Usage, "no terminal: use --no-tui"));
    }
    let (loaded, folders) = load(cli)?;
    let (is_live_asked, confirm) = match &cli.command {
        Some(super::args::Command::Run(args)) => (args.live, args.confirm_live.as_ref()),
        _ => (false, None),
    };
    preflight(&loaded, is_live_asked, confirm)?;
    let mut settings = loaded.settings.clone();
    if no_tui && console.speed.is_none() && loaded_speed_is_default(&settings) {
        // Nobody watches: a recording is played as fast as it goes unless a speed was asked for.
        settings.feed.speed = Speed::Max;
    }
    screen::check(&settings.ui, &folders)?;
    folders.create()?;
    let log_dir = folders.log();
    files::create_folder(&log_dir).map_err(|error| {
        let text = format!(
            "cannot make the folder {}: {}",
            log_dir.display(),
            files::explain(&error)
        );
        Failure::new(Exit::Config, text)
    })?;
    let _log = log::start(&settings.log, &log_dir)?;
    let prepared = if is_live(&settings) {
        let start = live::Start {
            loaded: &loaded,
            live: is_live_asked,
            confirm,
            can_ask: has_terminal() && !cli.is_no_tui(),
        };
        live::prepare(&settings, &folders, no_tui, &start)?
    } else {
        prepare(&settings, &folders, no_tui)?
    };
    let mode = settings.mode;
    let end = if no_tui {
        headless_session(prepared, &folders, cli.global.output.quiet)?
    } else {
        console_session(prepared, &settings, &folders)?
    };
    Ok(exit_of(&end, mode))
}

fn loaded_speed_is_default(settings: &Settings) -> bool {
    settings.feed.speed == Settings::default().feed.speed
}

/// Hash over what decides the trading; how it looks, how fast it plays and where it logs is left
/// out, so that a session goes on under another theme.
pub(super) fn trading_hash(settings: &Settings) -> String {
    let defaults = Settings::default();
    let mut settings = settings.clone();
    settings.ui = defaults.ui;
    settings.log = defaults.log;
    settings.feed.speed = defaults.feed.speed;
    settings.hash()
}

fn prepare(settings: &Settings, folders: &Folders, headless: bool) -> Result<Prepared, Failure> {
    let clock = Clock::start();
    let state = folders.state_of(settings.mode);
    let lock = Lock::acquire(&state)?;
    let MarketSource {
        feed,
        instruments,
        intervals,
        synthetic,
    } = open_market(settings)?;
    let latch = LatchFile::new(state.join(LATCH));
    let latched = latch
        .load()
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    let level = latched
        .as_ref()
        .map_or(KillLevel::Active, |record| record.level);
    let built = build_session(settings, &instruments, &intervals, KillLevel::Active)?;
    let config_hash = trading_hash(settings);
    let view = session_view(settings, &*feed, synthetic, &config_hash, &built);
    let sessions = SessionFolder::new(&state);
    let (writer, expected) = if let Some(path) = newest_unfinished(&sessions, &config_hash)? {
        let resumed = Writer::resume(&path)?;
        tracing::info!(path = %path.display(), records = resumed.n_records, "going on");
        (resumed.writer, Some(Expected::new(resumed.records)))
    } else {
        let created = feed.span().map_or(Timestamp::default(), |(first, _)| first);
        let header = header(settings, &view, &config_hash, &built, created)?;
        (Writer::create(&sessions.next(), &header)?, None)
    };
    for costs in &built.costs {
        tracing::info!(costs, "costs of the paper account");
    }
    let (kill, reset) = KillSwitch::new(level);
    let (publisher, handle) = channel(kill, Engine::blank_snapshot(view.clone()));
    let (sender, lines) = if headless {
        let (sender, receiver) = sync_channel(LINES);
        (Some(sender), Some(receiver))
    } else {
        (None, None)
    };
    let interval = intervals.values().flatten().next().copied();
    let until = unpaced_until(&*feed, settings, interval, built.warmup_ms);
    let speed = match settings.feed.speed {
        Speed::Max => None,
        Speed::Times(speed) => Some(speed),
    };
    let options = RunOptions {
        stay: !headless,
        on_exit: settings.ui.on_exit,
        deadline_us: u64::from(settings.agent.deadline_ms) * 1_000,
        latched,
    };
    let stop = StopFlag::default();
    let recorder = Recorder::new(RecorderParts {
        writer,
        expected,
        latch,
        reset,
        names: built.names,
        lines: sender,
        stop: stop.clone(),
    });
    let session = Session::new(built.engine, built.broker, built.watch);
    let source = Recording::new(feed, speed, until);
    let run = Run::new(session, source, recorder, publisher, view, options, clock);
    Ok(Prepared {
        run: Box::new(move |stop| run.run(stop)),
        handle,
        stop,
        lines,
        clock,
        network: None,
        lock,
    })
}

fn session_view(
    settings: &Settings,
    feed: &dyn Feed,
    synthetic: bool,
    config_hash: &str,
    built: &Built,
) -> SessionView {
    SessionView {
        run_id: config_hash.chars().take(8).collect(),
        mode: settings.mode,
        synthetic,
        feed: feed.label(),
        speed: Some(settings.feed.speed.factor()).filter(|s| s.is_finite()),
        held: false,
        progress: None,
        ended: false,
        config_hash: config_hash.chars().take(12).collect(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        inference: built.inference.clone().unwrap_or_else(|| "-".to_owned()),
        coin: settings.account.coin.clone(),
    }
}

pub(super) fn header(
    settings: &Settings,
    view: &SessionView,
    config_hash: &str,
    built: &Built,
    created: Timestamp,
) -> Result<Header, Failure> {
    let value = serde_json::to_value(settings)
        .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?;
    Ok(Header {
        build: view.build.clone(),
        mode: settings.mode,
        run_id: view.run_id.clone(),
        config_hash: config_hash.to_owned(),
        settings: value,
        feed: view.feed.clone(),
        synthetic: view.synthetic,
        inference: built.inference.clone(),
        instruments: built.names.instruments.clone(),
        legs: built.legs.clone(),
        start: settings.account.capital,
        coin: settings.account.coin.clone(),
        created,
    })
}

type EngineThread = JoinHandle<Result<RunEnd, RunError>>;

/// Starts the engine's thread. However it ends, the gate is closed behind it: nothing may leave
/// once nobody thinks.
fn start_engine(
    run: Job,
    handle: &Handle,
    stop: &StopFlag,
    done: &Arc<AtomicBool>,
) -> Result<EngineThread, Failure> {
    let (kill, stop, done) = (Arc::clone(handle.kill()), stop.clone(), Arc::clone(done));
    let guard = CloseGate { kill, done };
    Ok(std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let _guard = guard;
            run(&stop)
        })?)
}

/// Closes the gate when the engine's thread ends, also by a panic.
struct CloseGate {
    kill: Arc<KillSwitch>,
    done: Arc<AtomicBool>,
}

impl Drop for CloseGate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.kill
                .trip(KillLevel::ReduceOnly, KillReason::Supervisor);
        }
        self.done.store(true, Ordering::SeqCst);
    }
}

fn join(thread: EngineThread) -> Result<RunEnd, Failure> {
    match thread.join() {
        Ok(end) => Ok(end?),
        Err(_) => Err(Failure::new(
            Exit::Unexpected,
            "the engine panicked; the gate is closed, the log and the journal tell the rest",
        )),
    }
}

fn headless_session(prepared: Prepared, folders: &Folders, quiet: bool) -> Result<RunEnd, Failure> {
    let Prepared {
        run,
        handle,
        stop,
        lines,
        network: _network,
        lock: _lock,
        ..
    } = prepared;
    let done = Arc::new(AtomicBool::new(false));
    watch(Watcher {
        handle: handle.clone(),
        stop: stop.clone(),
        shutdown: Arc::clone(&done),
        runtime_dir: folders.runtime.clone(),
        on_hang_up: OnHangUp::Stop,
        screen: None,
    })?;
    let printer = lines.map(print_lines).transpose()?;
    let thread = start_engine(run, &handle, &stop, &done)?;
    let end = join(thread);
    let outcome = match printer {
        None => Ok(()),
        // With its session over the printer ends as soon as its reader lets it. A reader that
        // has stopped reading cannot keep a process that was told to end.
        Some(printer) if stop.get().is_some() => printer.recv_timeout(LAST_LINES).unwrap_or(Ok(())),
        Some(printer) => printer.recv().unwrap_or(Ok(())),
    };
    // The session ends because its output does, so that comes first. A reader that has enough is
    // no error: `tradeterm ... | head` ends like this.
    if let Err(error) = outcome {
        return Err(error.into());
    }
    let end = end?;
    if !quiet {
        summary(&end, &handle)?;
    }
    Ok(end)
}

/// One line about the session for whoever started it; the lines on standard output are for
/// programs.
fn summary(end: &RunEnd, handle: &Handle) -> std::io::Result<()> {
    let snapshot = handle.latest();
    let reason = match end.reason {
        EndReason::FeedEnded => "the recording is over",
        EndReason::Quit => "operator",
        EndReason::OutputClosed => "standard output was closed",
        EndReason::Signal(15) => "SIGTERM",
        EndReason::Signal(_) => "SIGINT",
    };
    let account = &snapshot.account;
    writeln!(
        std::io::stderr(),
        "tradeterm: ended ({reason}): equity {} {} of {:.2}, {} trades, {}, level {}",
        account
            .equity
            .map_or_else(|| "-".to_owned(), |equity| format!("{equity:.2}")),
        snapshot.session.coin,
        account.start,
        snapshot.stats.n_trades,
        if end.is_flat {
            "flat"
        } else {
            "positions or orders open"
        },
        end.level,
    )
}

/// Prints lines on a thread of its own; the receiver says how it ended.
fn print_lines(lines: Receiver<Line>) -> std::io::Result<Receiver<std::io::Result<()>>> {
    let (ended, printed) = sync_channel(1);
    std::thread::Builder::new()
        .name("printer".to_owned())
        .spawn(move || {
            let mut out = std::io::BufWriter::new(std::io::stdout());
            let result = headless::print(&lines, &mut out).map(|_| ());
            // First the end of the lines, so that the session learns it from its next one.
            drop(lines);
            drop(ended.send(result));
        })?;
    Ok(printed)
}

fn console_session(
    prepared: Prepared,
    settings: &Settings,
    folders: &Folders,
) -> Result<RunEnd, Failure> {
    let Prepared {
        run,
        handle,
        stop,
        clock,
        network: _network,
        lock: _lock,
        ..
    } = prepared;
    let keymap = screen::keymap(folders)?;
    let mut view = screen::Console::open(&settings.ui, folders)?;
    let switches = Switches::default();
    let shutdown = &switches.shutdown;
    watch(Watcher {
        handle: handle.clone(),
        stop: stop.clone(),
        shutdown: Arc::clone(shutdown),
        runtime_dir: folders.runtime.clone(),
        screen: Some(Arc::clone(&switches.screen)),
        on_hang_up: match settings.ui.on_terminal_lost {
            TerminalLost::Continue => OnHangUp::Continue,
            TerminalLost::Reduce => OnHangUp::Trip(KillLevel::ReduceOnly),
            TerminalLost::Halt => OnHangUp::Trip(KillLevel::Halted),
        },
    })?;
    let thread = start_engine(run, &handle, &stop, shutdown)?;
    let ended = view.run(handle.clone(), keymap, &settings.ui, clock, &switches);
    match ended {
        Ok(crate::tui::run::UiEnd::Quit(policy)) => {
            // The queue may be full of a person's keys; the flag ends the session as well.
            if handle
                .send(Command::Session(SessionCommand::Quit(policy)))
                .is_err()
            {
                stop.signal(2);
            }
        }
        Ok(crate::tui::run::UiEnd::TerminalLost) => {
            // Trading goes on without a screen until the recording ends or a signal comes.
            tracing::warn!("the console is gone, the session goes on");
            if settings.mode == Mode::Replay {
                stop.signal(1);
            }
        }
        Ok(crate::tui::run::UiEnd::Shutdown) => {}
        Err(error) => {
            stop.signal(2);
            let exit = match &error {
                crate::tui::run::UiError::Terminal(_) => Exit::Usage,
                _ => Exit::Unexpected,
            };
            join(thread)?;
            return Err(Failure::new(exit, error.to_string()));
        }
    }
    join(thread)
}

/// How far `now` is between two moments, 0 to 1.
#[expect(
    clippy::cast_precision_loss,
    reason = "a progress bar needs two digits"
)]
pub(super) fn part(now: Timestamp, from: Timestamp, to: Timestamp) -> f64 {
    (now.since(from) as f64 / to.since(from).max(1) as f64).clamp(0.0, 1.0)
}

fn exit_of(end: &RunEnd, mode: Mode) -> Exit {
    let exit = match (end.level, end.by_limit, end.reason) {
        (KillLevel::Halted | KillLevel::Flatten, true, _) => Exit::Limit,
        (KillLevel::Halted | KillLevel::Flatten, false, _) => Exit::Killed,
        (_, _, EndReason::Signal(15)) => Exit::Terminated,
        (_, _, EndReason::Signal(2)) => Exit::Interrupted,
        _ => Exit::Done,
    };
    // A simulated account leaves no risk behind.
    let is_simulated = matches!(mode, Mode::Replay | Mode::Paper);
    exit.with_open_risk(!end.is_flat && !is_simulated)
}
