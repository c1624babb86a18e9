//! Gets a live session ready: the venue's market, and a paper account or the venue's own.

use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use secrecy::ExposeSecret;
use tokio::runtime::Runtime;

use super::run::{Job, LATCH, LINES, Prepared, header, trading_hash};
use super::{Exit, Failure};
use crate::app::guard::{AccountCheck, ConfirmLive, Decision, Refusal, StartRequest, decide};
use crate::app::permissions::AccountReport;
use crate::app::{
    Built, Connection, LiveError, Series, SessionFolder, TradingParts, build_session,
    check_account, connect, history, keep_time, newest_unfinished, open_account, open_feed,
    series_of,
};
use crate::config::keys::{KeyError, locate};
use crate::config::{Folders, Loaded, Settings};
use crate::control::{KillSwitch, SessionView, Snapshot, channel};
use crate::domain::{KillLevel, LinkEvent, MarketEvent, Timestamp};
use crate::engine::{EffectOf, Event};
use crate::runtime::clock::Clock;
use crate::runtime::{
    Expected, Live, Recorder, RecorderParts, Run, RunOptions, Session, StopFlag, VenueBoard, live,
};
use crate::store::{Journal, LatchFile, Lock, Record, Writer};
use crate::venue::broker::KnownOrder;
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::socket::backoff::RandomSource;

/// How far back of its end an interrupted session reads its executions anew, in milliseconds.
const OVERLAP_MS: i64 = 60_000;
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
pub(super) fn dice(clock: Clock) -> RandomSource {
    let seed = u64::try_from(clock.wall().millis()).unwrap_or_default();
    let dice = Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed));
    Arc::new(move || {
        let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
        f64::from(dice.next_u32()) / f64::from(u32::MAX)
    })
}

/// What the person who starts has said.
pub(super) struct Start<'a> {
    /// The settings, with where each came from.
    pub(super) loaded: &'a Loaded,
    /// Whether `--live` was given.
    pub(super) live: bool,
    /// What `--confirm-live` says.
    pub(super) confirm: Option<&'a ConfirmLive>,
    /// Whether somebody can be asked.
    pub(super) can_ask: bool,
}

/// Gets everything ready; nothing trades yet.
#[expect(
    clippy::too_many_lines,
    reason = "one step after another, each needing what the one before it made"
)]
pub(super) fn prepare(
    settings: &Settings,
    folders: &Folders,
    headless: bool,
    start: &Start<'_>,
) -> Result<Prepared, Failure> {
    let clock = Clock::start();
    let state = folders.state_of(settings.mode);
    let lock = Lock::acquire(&state)?;
    let credentials = read_key(settings)?;
    let network = Network::start()?;
    let io = network.handle();
    let connection = io.block_on(connect(settings, clock, credentials.clone()))?;
    if credentials.is_some() {
        // First only looked at; what the settings want of it is applied with its owner's consent.
        let seen = io.block_on(check_account(settings, &connection, false))?;
        let mut typed = Vec::new();
        confirm(start, &seen, &mut typed)?;
        let applied = io.block_on(check_account(settings, &connection, true))?;
        confirm(start, &applied, &mut typed)?;
    }
    let latch = LatchFile::new(state.join(LATCH));
    let latched = latch
        .load()
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    let level = latched
        .as_ref()
        .map_or(KillLevel::Active, |record| record.level);
    let (kill, reset) = KillSwitch::new(level);
    let intervals = crate::app::FeedIntervals::new();
    let built = build_session(
        settings,
        &connection.instruments,
        &intervals,
        KillLevel::Active,
    )?;
    let config_hash = trading_hash(settings);
    let view = session_view(settings, &connection, &config_hash, &built);
    let now = connection.clock.now();
    let mut series =
        series_of(&built, &connection.instruments, settings, now).map_err(LiveError::from)?;
    let sessions = SessionFolder::new(&state);
    let (mut since, mut known) = (now, Vec::new());
    let (writer, expected) = if let Some(path) = newest_unfinished(&sessions, &config_hash)? {
        (since, known) = go_on_after(&mut series, &path)?;
        let resumed = Writer::resume(&path)?;
        tracing::info!(path = %path.display(), records = resumed.n_records, "going on");
        (resumed.writer, Some(Expected::new(resumed.records)))
    } else {
        let header = header(settings, &view, &config_hash, &built, now)?;
        (Writer::create(&sessions.next(), &header)?, None)
    };
    let board = VenueBoard::default();
    let (mut source, inbox) = live(Arc::clone(&connection.clock), board.clone());
    let (past, next) = io.block_on(history(&connection, &series))?;
    warm_up(&mut source, past, now, credentials.is_none());
    let random = dice(clock);
    let remote = {
        let _inside = io.enter();
        let feed_random = Arc::clone(&random);
        open_feed(
            settings,
            &connection,
            &next,
            inbox.clone(),
            board.clone(),
            feed_random,
        )?;
        keep_time(&connection, inbox.clone(), board.clone());
        credentials
            .map(|credentials| {
                let parts = TradingParts {
                    credentials,
                    inbox,
                    board,
                    kill: Arc::clone(&kill),
                    since,
                    known,
                };
                open_account(settings, &connection, parts, &random)
            })
            .transpose()?
    };
    let (publisher, handle) = channel(kill, Snapshot::blank(view.clone()));
    let (sender, lines) = if headless {
        let (sender, receiver) = sync_channel(LINES);
        (Some(sender), Some(receiver))
    } else {
        (None, None)
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
    let options = RunOptions {
        stay: !headless,
        on_exit: settings.ui.on_exit,
        deadline_us: u64::from(settings.agent.deadline_ms) * 1_000,
        latched,
    };
    let run: Job = if let Some(remote) = remote {
        let session = Session::new(built.engine, remote, built.watch);
        let run = Run::new(session, source, recorder, publisher, view, options, clock);
        Box::new(move |stop| run.run(stop))
    } else {
        let session = Session::new(built.engine, built.broker, built.watch);
        let run = Run::new(session, source, recorder, publisher, view, options, clock);
        Box::new(move |stop| run.run(stop))
    };
    Ok(Prepared {
        run,
        handle,
        stop,
        lines,
        clock,
        network: Some(network),
        lock,
    })
}

/// Key and secret of the mode; `None` for modes that trade a simulated account.
fn read_key(settings: &Settings) -> Result<Option<Arc<Credentials>>, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let refused = |error: KeyError| Failure::from(Refusal::from(error));
    let Some(places) = locate(settings.mode, &settings.venue, &env).map_err(refused)? else {
        return Ok(None);
    };
    let pair = places.read(&env).map_err(refused)?;
    let credentials = Credentials::new(pair.key.expose_secret(), pair.secret.expose_secret())
        .map_err(|error| Failure::new(Exit::Credentials, error.to_string()))?;
    Ok(Some(Arc::new(credentials)))
}

/// Lets the guard decide, and asks for the phrase where it wants one.
fn confirm(
    start: &Start<'_>,
    report: &AccountReport,
    typed: &mut Vec<String>,
) -> Result<(), Failure> {
    loop {
        let decision = decide(&StartRequest {
            loaded: start.loaded,
            live: start.live,
            confirm: start.confirm,
            check: AccountCheck::Done(report),
            can_ask: start.can_ask,
            typed,
        });
        match decision {
            Decision::Go(clearance) if clearance.observes_only() => {
                let text = "this key can only look: make one with the right to trade, or use \
                            mode = \"paper\"";
                return Err(Failure::new(Exit::Credentials, text));
            }
            Decision::Go(clearance) => {
                tracing::info!(mode = %clearance.mode(), max = %clearance.max_exposure(), "cleared");
                return Ok(());
            }
            Decision::Refused(refusal) => return Err(refusal.into()),
            Decision::NeedsPhrase {
                phrase,
                summary,
                attempts_left,
            } => {
                let mut out = std::io::stderr();
                for (name, value) in summary {
                    writeln!(out, "{name:>16}  {value}")?;
                }
                writeln!(
                    out,
                    "type {phrase} to trade with real money ({attempts_left} tries):"
                )?;
                let mut line = String::new();
                std::io::stdin().read_line(&mut line)?;
                typed.push(line);
            }
        }
    }
}

impl Network {
    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("io")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> tokio::runtime::Handle {
        self.0
            .as_ref()
            .expect("the runtime is there until it is dropped")
            .handle()
            .clone()
    }
}

/// Bars of the past warm the strategies up; nothing may be opened on them.
fn warm_up(source: &mut Live, past: Vec<(Timestamp, Event)>, now: Timestamp, is_simulated: bool) {
    let begin = past.first().map_or(now, |(at, _)| *at);
    let account = |lacks: Option<&str>| {
        let lacks = lacks.map(str::to_owned);
        Event::Link(LinkEvent::Account { lacks })
    };
    source.warm_up([(begin, account(Some("bars of the past are being loaded")))]);
    source.warm_up(past);
    // The account of the venue is read by its gateway, which says when it is whole.
    if is_simulated {
        source.warm_up([(now, account(None))]);
    }
}

/// What an interrupted session needs of its journal: only the bars it has not seen are wanted, and
/// executions from a while before its end, because what came last may not have reached the disk.
/// Returns where executions begin, and every order that was sent.
fn go_on_after(
    series: &mut Series,
    journal: &std::path::Path,
) -> Result<(Timestamp, Vec<KnownOrder>), Failure> {
    let journal = Journal::open(journal)?;
    let created = journal.header().created;
    let (mut last, mut known) = (created, Vec::new());
    for record in journal {
        // A torn tail is the writer's business.
        let Ok(record) = record else { break };
        last = record.at();
        let Record::Step { event, effects, .. } = record else {
            continue;
        };
        for effect in effects {
            if let EffectOf::Submit(intent) = effect {
                known.push(KnownOrder {
                    id: intent.id,
                    spec: intent.spec,
                    expected: None,
                });
            }
        }
        if let Event::Market(MarketEvent::Bar(bar)) = event
            && bar.confirmed
            && let Some(from) = series.get_mut(&(bar.instrument, bar.interval))
        {
            let next = bar.bar.open_time.plus_millis(bar.interval.millis());
            *from = (*from).max(next);
        }
    }
    Ok((last.plus_millis(-OVERLAP_MS).max(created), known))
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
