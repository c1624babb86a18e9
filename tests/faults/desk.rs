//! A whole session against a simulated venue on this machine, and the checker.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tradeterm::app::{
    Connection, FeedIntervals, TradingParts, build_session, check_account, connect, history,
    keep_time, open_account, open_feed, series_of,
};
use tradeterm::config::{FeedKind, LegSettings, OrderEntry, Settings, StrategyKind};
use tradeterm::control::{
    Command, Handle, KillSwitch, SessionView, Snapshot, TradeCommand, channel,
};
use tradeterm::domain::{
    AccountEvent, Bar, BarEvent, Category, InstrumentId, Instruments, Interval, KillLevel,
    LinkEvent, MarketEvent, Mode, Price, PublicTrade, Quote, Rate, Side, SignedQty, Symbol,
    Timestamp,
};
use tradeterm::engine::Event;
use tradeterm::runtime::clock::{Clock, Watch};
use tradeterm::runtime::{
    Recorder, RecorderParts, Run, RunEnd, RunError, RunOptions, Session, StopFlag, VenueBoard, live,
};
use tradeterm::store::{Header, Journal, LatchFile, Record, Writer};
use tradeterm::venue::bybit::clock::WallClock;
use tradeterm::venue::bybit::credentials::Credentials;
use tradeterm::venue::sim::exchange::{Drill, Truth, VenueRules};
use tradeterm::venue::sim::instruments::shipped;
use tradeterm::venue::sim::server::{
    Fault, ListFeed, SimClock, SimConfig, SimServer, TEST_KEY, TEST_SECRET,
};

/// Longest wait for anything; a test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// What everything here trades.
pub(crate) const SYMBOL: &str = "BTCUSDT";
/// Milliseconds of a bar.
const BAR_MS: i64 = 60_000;
/// Bars before the session, and after its start.
const BARS: (i64, i64) = (40, 90);
/// Signal that ends a session.
const SIGTERM: u8 = 15;

/// The machine's clock, which can be moved forwards.
#[derive(Clone)]
pub(crate) struct Leap {
    clock: Clock,
    ahead: Arc<AtomicI64>,
    skew_ms: i64,
}

impl Leap {
    fn new() -> Self {
        Self {
            clock: Clock::start(),
            ahead: Arc::new(AtomicI64::new(0)),
            skew_ms: 0,
        }
    }

    pub(crate) fn by(&self, ms: i64) {
        self.ahead.fetch_add(ms, Ordering::SeqCst);
    }
}

impl WallClock for Leap {
    fn now(&self) -> Timestamp {
        self.clock
            .wall()
            .plus_millis(self.ahead.load(Ordering::SeqCst) + self.skew_ms)
    }
}

/// How a desk is set up.
pub(crate) struct Setup {
    pub(crate) rules: VenueRules,
    pub(crate) settings: Settings,
    /// How far the session's clock is from the venue's.
    pub(crate) skew_ms: i64,
}

impl Default for Setup {
    /// Averages of one and two bars, long and short: an order or two at every close. The deadlines
    /// are short ones, so that absence is proven soon.
    fn default() -> Self {
        let mut leg = LegSettings::new(StrategyKind::MaCross);
        leg.symbol = Some(Symbol::new(SYMBOL).unwrap());
        leg.interval = Interval::from_millis(BAR_MS);
        (leg.fast, leg.slow, leg.long_short) = (Some(1), Some(2), Some(true));
        let mut settings = Settings {
            mode: Mode::Testnet,
            legs: vec![leg],
            ..Settings::default()
        };
        settings.feed.kind = FeedKind::Bybit;
        settings.feed.history_bars = 20;
        settings.feed.fallback_poll_ms = 300;
        settings.account.capital = "100000".parse().unwrap();
        settings.risk.day_loss_pct = Rate::from_bps(5_000);
        settings.risk.week_loss_pct = Rate::from_bps(5_000);
        settings.risk.max_drawdown_pct = Rate::from_bps(5_000);
        settings.venue.recv_window_ms = 1_500;
        settings.venue.ack_deadline_ms = 500;
        settings.venue.visibility_lag_ms = 500;
        settings.venue.reconcile_fast_s = 2;
        settings.venue.reconcile_full_s = 3;
        Self {
            rules: VenueRules::default(),
            settings,
            skew_ms: 0,
        }
    }
}

impl Setup {
    /// The same over REST alone.
    pub(crate) fn rest() -> Self {
        let mut setup = Self::default();
        setup.settings.venue.order_entry = OrderEntry::Rest;
        setup
    }
}

/// A venue and a session that trades on it.
pub(crate) struct Desk {
    pub(crate) server: SimServer,
    pub(crate) leap: Leap,
    pub(crate) handle: Handle,
    stop: StopFlag,
    engine: Option<JoinHandle<Result<RunEnd, RunError>>>,
    journal: PathBuf,
    _home: TempDir,
}

/// Up and down by a tenth of a percent: the averages cross at every close.
const fn whole(n: i64) -> i64 {
    60_000 + 60 * n.rem_euclid(2)
}

fn price(n: i64) -> Price {
    whole(n).to_string().parse().unwrap()
}

fn bar(n: i64) -> Bar {
    let (open, close) = (price(n - 1), price(n));
    Bar {
        open_time: Timestamp::from_millis(n * BAR_MS),
        open,
        high: open.max(close),
        low: open.min(close),
        close,
        volume: "1000".parse().unwrap(),
    }
}

/// Bars before `now`; bars, quotes and trades after it.
fn events(now: Timestamp) -> ListFeed {
    let instrument = InstrumentId(0);
    let interval = Interval::from_millis(BAR_MS).unwrap();
    let this = now.millis().div_euclid(BAR_MS);
    let mut events = Vec::new();
    for n in this - BARS.0..this + BARS.1 {
        let bar = bar(n);
        let opened = bar.open_time;
        let open = MarketEvent::BarOpen {
            instrument,
            price: bar.open,
        };
        events.push((opened, open));
        if this - 1 <= n {
            for ms in (0..BAR_MS).step_by(250) {
                // The new price comes in the middle of the bar.
                let of = if ms < BAR_MS / 2 { n - 1 } else { n };
                let (bid, ask) = (format!("{}.9", whole(of) - 1), price(of));
                // Amounts differ, so that every quote is news.
                let qty = format!("{}", 50 + ms % 7).parse().unwrap();
                let at = opened.plus_millis(ms + 10);
                let quote = Quote {
                    instrument,
                    bid: bid.parse().unwrap(),
                    bid_qty: qty,
                    ask,
                    ask_qty: qty,
                };
                events.push((at, MarketEvent::Quote(quote)));
                let trade = PublicTrade {
                    instrument,
                    price: ask,
                    qty: "0.5".parse().unwrap(),
                    taker: Side::Buy,
                };
                events.push((at, MarketEvent::Trade(trade)));
            }
        }
        let closed = MarketEvent::Bar(BarEvent {
            instrument,
            interval,
            confirmed: true,
            bar,
        });
        events.push((opened.plus_millis(BAR_MS), closed));
    }
    ListFeed::new(events)
}

pub(crate) fn instruments() -> Instruments {
    let all = shipped();
    let bitcoin = all.get(all.find(SYMBOL, Category::Linear).unwrap()).clone();
    Instruments::new(vec![bitcoin]).unwrap()
}

/// A venue, and the settings that lead to it.
pub(crate) async fn venue(setup: &mut Setup) -> (SimServer, Leap) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let leap = Leap::new();
    let wall = leap.clone();
    let clock = SimClock::Real(Arc::new(move || wall.now()));
    let market = Box::new(events(leap.now()));
    let mut config = SimConfig::new(instruments(), market, clock);
    config.exchange.rules = setup.rules.clone();
    let server = SimServer::start(config).await.unwrap();
    setup.settings.venue.rest_url = Some(server.rest_url());
    setup.settings.venue.ws_url = Some(server.ws_url());
    (server, leap)
}

pub(crate) fn credentials() -> Arc<Credentials> {
    Arc::new(Credentials::new(TEST_KEY, TEST_SECRET).unwrap())
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// A session that has read its account and trades.
    pub(crate) async fn with(mut setup: Setup) -> Self {
        let (server, leap) = venue(&mut setup).await;
        let settings = &setup.settings;
        let mut own = leap.clone();
        own.skew_ms = setup.skew_ms;
        let connection = connect(settings, own, Some(credentials())).await.unwrap();
        check_account(settings, &connection, true).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let journal = home.path().join("journal.ttj");
        let stop = StopFlag::default();
        let (run, handle) = wire(settings, &connection, &home, &stop).await;
        let flag = stop.clone();
        let engine = std::thread::spawn(move || run(&flag));
        let desk = Self {
            server,
            leap,
            handle,
            stop,
            engine: Some(engine),
            journal,
            _home: home,
        };
        desk.until("the session is ready", Desk::is_ready).await;
        desk
    }

    pub(crate) fn seen(&self) -> Arc<Snapshot> {
        self.handle.latest()
    }

    pub(crate) fn truth(&self) -> Truth {
        self.server.truth()
    }

    pub(crate) fn fault(&self, fault: Value) {
        let fault = Fault::parse(fault).unwrap();
        self.server.fault(fault).unwrap();
    }

    pub(crate) fn heal(&self) {
        self.fault(json!({"kind": "heal"}));
    }

    pub(crate) fn drill(&self, drill: &Drill) {
        self.server.drill(drill).unwrap();
    }

    pub(crate) fn command(&self, command: TradeCommand) {
        self.handle.send(Command::Trade(command)).unwrap();
    }

    /// How many times a kind of fault has done something.
    pub(crate) fn hits(&self, kind: &str) -> u64 {
        self.server
            .counters()
            .faults
            .get(kind)
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn connection(&self, name: &str) -> Option<String> {
        let venue = self.seen().venue.clone()?;
        let found = venue.connections.into_iter().find(|c| c.name == name)?;
        Some(found.state.name().to_owned())
    }

    /// Whether anything could be opened: every link is whole.
    pub(crate) fn is_ready(&self) -> bool {
        let seen = self.seen();
        let Some(venue) = &seen.venue else {
            return false;
        };
        let names = ["private", "public linear"];
        let is_up = |name: &&str| self.connection(name).as_deref() == Some("up");
        venue.compared_at.is_some()
            && venue.account_lacks.is_none()
            && names.iter().all(is_up)
            && seen.differences.is_empty()
            && !seen.markets.is_empty()
            && seen.markets[0].bid.is_some()
    }

    /// Waits for something that has to come.
    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !done(self) {
                assert!(
                    !self.engine.as_ref().is_some_and(JoinHandle::is_finished),
                    "{what}: the session has ended"
                );
                sleep(LOOK).await;
            }
        };
        let is_done = timeout(PATIENCE, waiting).await.is_ok();
        assert!(is_done, "{what}: never\n{}", self.picture());
    }

    /// What can be said of both sides.
    pub(crate) fn picture(&self) -> String {
        let seen = self.seen();
        let truth = self.truth();
        let notices: Vec<String> = seen
            .notices
            .iter()
            .map(|n| format!("{} {}", n.topic, n.text))
            .collect();
        format!(
            "ours {:?}, orders {:#?}\ntruth {:?}, orders {:#?}, executions {}\nvenue {:#?}\n\
             differences {:?}\ncounters {:?}\nlegs {:?}\nlast refusal {:?}\nrequests {:?}\n\
             faults {:?}\nnotices {notices:#?}",
            self.ours(),
            seen.orders,
            self.theirs(),
            truth
                .orders
                .iter()
                .map(|o| format!(
                    "{} {} {} {}/{}",
                    o.link_id, o.side, o.status, o.filled, o.qty
                ))
                .collect::<Vec<_>>(),
            truth.executions.len(),
            seen.venue,
            seen.differences,
            seen.counters,
            seen.legs
                .iter()
                .map(|l| (&l.phase, &l.why))
                .collect::<Vec<_>>(),
            seen.last_refusal,
            self.server.counters().requests,
            self.server.counters().faults,
        )
    }

    /// Leaps to just before the close of the bar, and waits until the session has decided on it.
    pub(crate) async fn next_bar(&self) {
        let before = self.n_decisions();
        self.leap_to_close();
        self.until("a decision", |d| before < d.n_decisions()).await;
    }

    pub(crate) fn n_decisions(&self) -> u64 {
        self.seen().legs.iter().map(|l| l.n_decisions).sum()
    }

    /// Leaps to just before the close of the bar.
    pub(crate) fn leap_to_close(&self) {
        let left = BAR_MS - self.leap.now().millis().rem_euclid(BAR_MS);
        self.leap.by((left - 300).max(0));
    }

    /// Goes on from bar to bar until something is held on both sides.
    pub(crate) async fn hold_something(&self) {
        for _ in 0..6 {
            self.next_bar().await;
            self.agree().await;
            if !self.theirs().is_zero() {
                return;
            }
        }
        panic!("nothing was ever bought\n{}", self.picture());
    }

    pub(crate) fn ours(&self) -> SignedQty {
        let seen = self.seen();
        let held = seen.positions.iter().find(|p| p.symbol.as_str() == SYMBOL);
        held.map(|p| p.size).unwrap_or_default()
    }

    pub(crate) fn theirs(&self) -> SignedQty {
        let truth = self.truth();
        let held = truth.positions.iter().find(|p| p.symbol == SYMBOL);
        held.map(|p| p.qty).unwrap_or_default()
    }

    /// Links of the orders that work at the venue, and that we believe to.
    fn working(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let truth = self.truth();
        let theirs = truth.orders.into_iter();
        let is_open = |status: &str| {
            matches!(
                status,
                "New" | "PartiallyFilled" | "Untriggered" | "Triggered"
            )
        };
        let theirs = theirs.filter(|o| o.by_user && is_open(&o.status));
        let ours = self.seen();
        (
            theirs.map(|o| o.link_id).collect(),
            ours.orders.iter().map(|o| o.id.to_string()).collect(),
        )
    }

    /// Whether both sides say the same at this moment.
    pub(crate) fn agrees(&self) -> bool {
        let (theirs, ours) = self.working();
        self.ours() == self.theirs() && theirs == ours
    }

    /// Waits until position and working orders are the venue's. Returns how long it took by the
    /// session's own clock, in milliseconds.
    pub(crate) async fn agree(&self) -> i64 {
        let begun = self.leap.now();
        let mut n_same = 0;
        let waiting = async {
            // An answer on its way makes them differ for a moment; so does a flip in two steps.
            while n_same < 15 {
                n_same = if self.agrees() { n_same + 1 } else { 0 };
                sleep(LOOK).await;
            }
        };
        let is_done = timeout(PATIENCE, waiting).await.is_ok();
        assert!(is_done, "the two sides never agree\n{}", self.picture());
        self.leap.now().since(begun)
    }

    /// Waits until the venue's word has been read again and everything is whole.
    pub(crate) async fn recover(&self) {
        let ms = self.agree().await;
        self.until("everything is whole", Self::is_ready).await;
        eprintln!("agreed after {ms} ms of the session");
    }

    /// Ends the session and compares its journal with the truth.
    pub(crate) async fn check(mut self) -> Checked {
        self.agree().await;
        self.end().await
    }

    async fn end(&mut self) -> Checked {
        let checked = self.stop_quietly().await;
        checked.no_order_twice();
        checked.no_fill_lost();
        checked.no_bar_missing();
        checked
    }

    /// Ends the session where both sides may differ.
    pub(crate) async fn stop_quietly(&mut self) -> Checked {
        self.stop.signal(SIGTERM);
        let engine = self.engine.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || engine.join().unwrap());
        timeout(PATIENCE, ended).await.unwrap().unwrap().unwrap();
        Checked::new(self.truth(), &self.journal)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.signal(SIGTERM);
    }
}

/// The journal beside the truth.
pub(crate) struct Checked {
    pub(crate) truth: Truth,
    pub(crate) events: Vec<(Timestamp, Event)>,
    /// Orders that the session has sent.
    pub(crate) sent: BTreeSet<String>,
}

impl Checked {
    fn new(truth: Truth, journal: &std::path::Path) -> Self {
        let (mut events, mut sent) = (Vec::new(), BTreeSet::new());
        for record in Journal::open(journal).unwrap() {
            if let Record::Step {
                at, event, effects, ..
            } = record.unwrap()
            {
                events.push((at, event));
                for effect in effects {
                    if let tradeterm::engine::EffectOf::Submit(intent) = effect {
                        sent.insert(intent.id.to_string());
                    }
                }
            }
        }
        Self {
            truth,
            events,
            sent,
        }
    }

    fn no_order_twice(&self) {
        let mut n: BTreeMap<&str, u32> = BTreeMap::new();
        for order in self.truth.orders.iter().filter(|order| order.by_user) {
            *n.entry(&order.link_id).or_default() += 1;
            assert!(
                self.sent.contains(&order.link_id),
                "{} was never sent by the session",
                order.link_id
            );
        }
        for (link, n) in n {
            assert_eq!(n, 1, "{link} was accepted {n} times");
        }
    }

    fn no_fill_lost(&self) {
        let known: BTreeSet<&str> = self.fills().collect();
        for execution in &self.truth.executions {
            assert!(
                execution.exec_type == "Funding" || known.contains(&*execution.exec_id),
                "lost: {execution:?}"
            );
        }
    }

    /// Each closed bar once, in order, without a hole.
    fn no_bar_missing(&self) {
        let bars = self.events.iter().filter_map(|(_, event)| match event {
            Event::Market(MarketEvent::Bar(bar)) if bar.confirmed => {
                Some(bar.bar.open_time.millis())
            }
            _ => None,
        });
        let bars: Vec<i64> = bars.collect();
        for pair in bars.windows(2) {
            assert_eq!(pair[1], pair[0] + BAR_MS, "bars {bars:?}");
        }
    }

    /// Execution ids that the session has heard of, repetitions too.
    pub(crate) fn fills(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(|(_, event)| match event {
            Event::Account(AccountEvent::Fill(fill)) => Some(&*fill.exec_id),
            _ => None,
        })
    }

    /// Refusals, with the order and the reason. Those of stops are left out: when the venue drops
    /// a stop because its position is closed, and says so before it tells of the fill, the stop
    /// that takes its place is refused, and rightly.
    pub(crate) fn refusals(&self) -> Vec<String> {
        let of_account = self.events.iter().filter_map(|(at, event)| match event {
            Event::Account(AccountEvent::Rejected { order, reason }) => {
                Some(format!("{at} {order}: {reason}"))
            }
            _ => None,
        });
        of_account.filter(|text| !text.contains("-s")).collect()
    }

    /// How many events of the account are of a kind.
    pub(crate) fn n(&self, is_it: impl Fn(&AccountEvent) -> bool) -> usize {
        let of_account = self.events.iter().filter_map(|(_, event)| match event {
            Event::Account(event) => Some(event),
            _ => None,
        });
        of_account.filter(|event| is_it(event)).count()
    }
}

type Job = Box<dyn FnOnce(&StopFlag) -> Result<RunEnd, RunError> + Send>;

/// Puts a session together as the program does.
async fn wire(
    settings: &Settings,
    connection: &Connection,
    home: &TempDir,
    stop: &StopFlag,
) -> (Job, Handle) {
    let table = &connection.instruments;
    let intervals = FeedIntervals::new();
    let mut built = build_session(settings, table, &intervals, KillLevel::Active).unwrap();
    built.watch = Watch::Off;
    let now = connection.clock.now();
    let series = series_of(&built, table, settings, now).unwrap();
    let (kill, reset) = KillSwitch::new(KillLevel::Active);
    let board = VenueBoard::default();
    let (mut source, inbox) = live(Arc::clone(&connection.clock), board.clone());
    let (past, next) = history(connection, &series).await.unwrap();
    let begin = past.first().map_or(now, |(at, _)| *at);
    let lacks = Some("bars of the past are being loaded".to_owned());
    source.warm_up([(begin, Event::Link(LinkEvent::Account { lacks }))]);
    source.warm_up(past);
    // The middle of every range: waits between tries repeat.
    let random: tradeterm::venue::bybit::socket::backoff::RandomSource = Arc::new(|| 0.5);
    open_feed(
        settings,
        connection,
        &next,
        inbox.clone(),
        board.clone(),
        Arc::clone(&random),
    )
    .unwrap();
    keep_time(connection, inbox.clone(), board.clone());
    let parts = TradingParts {
        known: Vec::new(),
        credentials: credentials(),
        inbox,
        board,
        kill: Arc::clone(&kill),
        since: now,
    };
    let remote = open_account(settings, connection, parts, &random).unwrap();
    let view = view(settings);
    let header = Header {
        build: view.build.clone(),
        mode: settings.mode,
        run_id: view.run_id.clone(),
        config_hash: view.config_hash.clone(),
        settings: serde_json::to_value(settings).unwrap(),
        feed: view.feed.clone(),
        synthetic: false,
        inference: None,
        instruments: built.names.instruments.clone(),
        legs: built.legs.clone(),
        start: settings.account.capital,
        coin: settings.account.coin.clone(),
        created: now,
    };
    let writer = Writer::create(&home.path().join("journal.ttj"), &header).unwrap();
    let (publisher, handle) = channel(kill, Snapshot::blank(view.clone()));
    let recorder = Recorder::new(RecorderParts {
        writer,
        expected: None,
        latch: LatchFile::new(home.path().join("kill.json")),
        reset,
        names: built.names,
        lines: None,
        stop: stop.clone(),
    });
    let options = RunOptions {
        stay: false,
        on_exit: settings.ui.on_exit,
        deadline_us: 10_000_000,
        latched: None,
    };
    let session = Session::new(built.engine, remote, built.watch);
    let clock = Clock::start();
    let run = Run::new(session, source, recorder, publisher, view, options, clock);
    (Box::new(move |stop| run.run(stop)), handle)
}

fn view(settings: &Settings) -> SessionView {
    SessionView {
        run_id: "faults".to_owned(),
        mode: settings.mode,
        synthetic: false,
        feed: "simulator".to_owned(),
        speed: None,
        held: false,
        progress: None,
        ended: false,
        config_hash: "faults".to_owned(),
        build: "test".to_owned(),
        inference: "-".to_owned(),
        coin: settings.account.coin.clone(),
    }
}
