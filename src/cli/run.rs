//! `tradeterm` and `tradeterm run`: a session with the console, or headless.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::args::{Cli, ConsoleArgs};
use super::{Exit, Failure, Outcome, has_terminal, load, log, screen};
use crate::app::{
    Built, MarketSource, SessionFolder, build_session, newest_unfinished, open_market,
    unpaced_until,
};
use crate::config::{Folders, Settings, Speed, TerminalLost};
use crate::control::{
    Command, Handle, KillReason, KillSwitch, Line, Publisher, SessionCommand, SessionView, channel,
};
use crate::domain::{KillLevel, Mode, Timestamp};
use crate::engine::Engine;
use crate::headless;
use crate::runtime::clock::Clock;
use crate::runtime::process::{OnHangUp, Watcher, watch};
use crate::runtime::{
    EndReason, Expected, PaperOptions, PaperRun, Recorder, RecorderParts, RunEnd, RunError,
    Session, StopFlag,
};
use crate::store::{Header, JournalError, LatchFile, Lock, Writer};
use crate::venue::feed::Feed;

/// Lines that may wait for a slow reader; then the recording waits too.
const LINES: usize = 4_096;
/// Name of the kill state in a mode's state folder.
pub(super) const LATCH: &str = "kill.json";

/// Everything a session needs, checked and open; nothing runs yet.
struct Prepared {
    run: PaperRun<Box<dyn Feed>>,
    handle: Handle,
    stop: StopFlag,
    lines: Option<Receiver<Line>>,
    clock: Clock,
    // Dropped last: the next instance may start then.
    _lock: Lock,
}

/// Runs a session to its end.
pub(super) fn run(cli: &Cli, console: &ConsoleArgs) -> Outcome {
    if !console.no_tui && !has_terminal() {
        return Err(Failure::new(Exit::Usage, "no terminal: use --no-tui"));
    }
    let (loaded, folders) = load(cli)?;
    let mut settings = loaded.settings;
    if console.no_tui && console.speed.is_none() && loaded_speed_is_default(&settings) {
        // Nobody watches: a recording is played as fast as it goes unless a speed was asked for.
        settings.feed.speed = Speed::Max;
    }
    folders.create()?;
    let log_dir = folders.log();
    crate::store::files::create_folder(&log_dir)?;
    let _log = log::start(&settings.log, &log_dir)?;
    let prepared = prepare(&settings, &folders, console.no_tui)?;
    let mode = settings.mode;
    let end = if console.no_tui {
        headless_session(prepared, &folders)?
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
fn trading_hash(settings: &Settings) -> String {
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
    let MarketSource { feed, instruments, intervals, synthetic } = open_market(settings)?;
    let latch = LatchFile::new(state.join(LATCH));
    let latched = latch.load().map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    let level = latched.as_ref().map_or(KillLevel::Active, |record| record.level);
    let built = build_session(settings, &instruments, &intervals, KillLevel::Active)?;
    let config_hash = trading_hash(settings);
    let view = session_view(settings, &*feed, synthetic, &config_hash, &built);
    let sessions = SessionFolder::new(&state);
    let (writer, expected) = match newest_unfinished(&sessions, &config_hash)? {
        Some(path) => {
            let resumed = Writer::resume(&path)?;
            tracing::info!(path = %path.display(), records = resumed.n_records, "going on");
            (resumed.writer, Some(Expected::new(resumed.records)))
        }
        None => {
            let created = feed.span().map_or(Timestamp::default(), |(first, _)| first);
            let header = header(settings, &view, &config_hash, &built, created)?;
            (Writer::create(&sessions.next(), &header)?, None)
        }
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
    let interval = intervals.values().next().copied();
    let until = unpaced_until(&*feed, settings, interval, built.warmup_ms);
    let options = PaperOptions {
        speed: match settings.feed.speed {
            Speed::Max => None,
            Speed::Times(speed) => Some(speed),
        },
        unpaced_until: until,
        stay: !headless,
        on_exit: settings.ui.on_exit,
        deadline_us: u64::from(settings.agent.deadline_ms) * 1_000,
    };
    let run = assemble(built, feed, writer, expected, latch, reset, sender, publisher, view, options, clock);
    Ok(Prepared { run, handle, stop: StopFlag::default(), lines, clock, _lock: lock })
}
