//! Gets a live session ready: the venue's market, and a paper account or the venue's own.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tokio::runtime::Runtime;

use super::run::{LATCH, LINES, Prepared, header, trading_hash};
use super::{Exit, Failure};
use crate::app::{
    Built, Connection, LiveError, Series, SessionFolder, build_session, connect, history,
    keep_time, newest_unfinished, open_feed, series_of,
};
use crate::config::{Folders, Settings};
use crate::control::{KillSwitch, SessionView, channel};
use crate::domain::{KillLevel, LinkEvent, MarketEvent, Mode, Timestamp};
use crate::engine::{Engine, Event};
use crate::runtime::clock::Clock;
use crate::runtime::{
    Expected, Live, Recorder, RecorderParts, Run, RunOptions, Session, StopFlag, VenueBoard, live,
};
use crate::store::{Journal, LatchFile, Lock, Record, Writer};
use crate::venue::bybit::socket::backoff::RandomSource;

/// How long tasks may take to end once the engine has.
const GOODBYE: Duration = Duration::from_secs(2);

/// The threads of the network; ended with a deadline, so that a hung lookup keeps nobody.
pub(super) struct Network(Option<Runtime>);

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(GOODBYE);
        }
    }
}

/// Dice for waits between tries; they decide nothing else.
fn dice(clock: Clock) -> RandomSource {
    let seed = u64::try_from(clock.wall().millis()).unwrap_or_default();
    let dice = Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed));
    Arc::new(move || {
        let mut dice = dice
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        f64::from(dice.next_u32()) / f64::from(u32::MAX)
    })
}

/// Gets everything ready; nothing trades yet.
pub(super) fn prepare(
    settings: &Settings,
    folders: &Folders,
    headless: bool,
) -> Result<Prepared, Failure> {
    if settings.mode != Mode::Paper {
        let text = format!(
            "mode {} is not wired yet: use mode paper on the same market",
            settings.mode
        );
        return Err(Failure::new(Exit::Config, text));
    }
    let clock = Clock::start();
    let state = folders.state_of(settings.mode);
    let lock = Lock::acquire(&state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("io")
        .enable_all()
        .build()?;
    let network = Network(Some(runtime));
    let handle = network.handle();
    let connection = handle.block_on(connect(settings, clock, None))?;
    let latch = LatchFile::new(state.join(LATCH));
    let latched = latch
        .load()
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    let level = latched
        .as_ref()
        .map_or(KillLevel::Active, |record| record.level);
    let intervals = crate::app::FeedIntervals::new();
    let built = build_session(
        settings,
        &connection.instruments,
        &intervals,
        KillLevel::Active,
    )?;
    let config_hash = trading_hash(settings);
    let view = session_view(settings, &connection, &config_hash, &built);
    let sessions = SessionFolder::new(&state);
    let now = connection.clock.now();
    let mut series =
        series_of(&built, &connection.instruments, settings, now).map_err(LiveError::from)?;
    let (writer, expected) = if let Some(path) = newest_unfinished(&sessions, &config_hash)? {
        go_on_after(&mut series, &path)?;
        let resumed = Writer::resume(&path)?;
        tracing::info!(path = %path.display(), records = resumed.n_records, "going on");
        (resumed.writer, Some(Expected::new(resumed.records)))
    } else {
        let header = header(settings, &view, &config_hash, &built, now)?;
        (Writer::create(&sessions.next(), &header)?, None)
    };
    let board = VenueBoard::default();
    let (mut source, inbox) = live(Arc::clone(&connection.clock), board.clone());
    let (past, next) = handle.block_on(history(&connection, &series))?;
    warm_up(&mut source, past, now);
    {
        let _inside = handle.enter();
        open_feed(
            settings,
            &connection,
            &next,
            inbox.clone(),
            board.clone(),
            dice(clock),
        )?;
        keep_time(&connection, inbox, board);
    }
    let (kill, reset) = KillSwitch::new(level);
    let (publisher, handle) = channel(kill, Engine::blank_snapshot(view.clone()));
    let (sender, lines) = if headless {
        let (sender, receiver) = sync_channel(LINES);
        (Some(sender), Some(receiver))
    } else {
        (None, None)
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
    let run = Run::new(session, source, recorder, publisher, view, options, clock);
    Ok(Prepared {
        run: Box::new(move |stop| run.run(stop)),
        handle,
        stop,
        lines,
        clock,
        network: Some(network),
        lock,
    })
}

impl Network {
    fn handle(&self) -> tokio::runtime::Handle {
        self.0
            .as_ref()
            .expect("the runtime is there until it is dropped")
            .handle()
            .clone()
    }
}

/// Bars of the past warm the strategies up; nothing may be opened on them.
fn warm_up(source: &mut Live, past: Vec<(Timestamp, Event)>, now: Timestamp) {
    let begin = past.first().map_or(now, |(at, _)| *at);
    let account = |lacks: Option<&str>| {
        let lacks = lacks.map(str::to_owned);
        Event::Link(LinkEvent::Account { lacks })
    };
    source.warm_up([(begin, account(Some("bars of the past are being loaded")))]);
    source.warm_up(past);
    source.warm_up([(now, account(None))]);
}

/// A session that goes on needs only the bars it has not seen.
fn go_on_after(series: &mut Series, journal: &std::path::Path) -> Result<(), Failure> {
    for record in Journal::open(journal)? {
        // A torn tail is the writer's business.
        let Ok(record) = record else { break };
        if let Record::Step {
            event: Event::Market(MarketEvent::Bar(bar)),
            ..
        } = record
            && bar.confirmed
            && let Some(from) = series.get_mut(&(bar.instrument, bar.interval))
        {
            let next = bar.bar.open_time.plus_millis(bar.interval.millis());
            *from = (*from).max(next);
        }
    }
    Ok(())
}

fn session_view(
    settings: &Settings,
    connection: &Connection,
    config_hash: &str,
    built: &Built,
) -> SessionView {
    SessionView {
        run_id: config_hash.chars().take(8).collect(),
        mode: settings.mode,
        synthetic: false,
        feed: connection.rest.host().to_owned(),
        speed: None,
        held: false,
        progress: None,
        ended: false,
        config_hash: config_hash.chars().take(12).collect(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        inference: built.inference.clone().unwrap_or_else(|| "-".to_owned()),
        coin: settings.account.coin.clone(),
    }
}
