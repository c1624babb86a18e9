//! The shipped agent on the demonstration's market, once with a paper account and once live,
//! through feed, engine, gateway and sockets to the simulated venue: the same decisions, fills
//! and money.
//!
//! Without latency and faults, event by event. A market order says immediate-or-cancel, as the
//! venue takes it, and no bar's volume is a limit.
//!
//! On a market of bars alone one thing differs, and by how much is part of the test: a venue
//! always has a book, which the simulator makes up around the last price. A live session values
//! what it holds at the middle of it, up to half a tick from the last price that paper knows, and
//! so do drawdown and ratios, which are made of that value. With quotes only the length of the drawdown may
//! differ, by one step of the market: live sessions look at their equity at ticks too.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tradeterm::app::{Built, FeedIntervals, Series, build_session, open_feed};
use tradeterm::config::{LegSettings, Settings, StrategyKind};
use tradeterm::control::StatsView;
use tradeterm::domain::{
    ClientOrderId, InstrumentId, Instruments, Intent, Interval, KillLevel, MarketEvent, Mode,
    Money, NotSent, Price, Quote, Rate, SignedQty, Symbol, TimeInForce, Timestamp,
};
use tradeterm::engine::{DecisionRecord, Effect, EffectOf, Event};
use tradeterm::runtime::{Session, Step as EngineStep, Witness, backtest};
use tradeterm::venue::broker::Broker;
use tradeterm::venue::feed::Feed;
use tradeterm::venue::sim::exchange::Truth;
use tradeterm::venue::sim::server::{ListFeed, Step};
use tradeterm::venue::sim::synth::{SynthFeed, SynthSpec, demo_spec};
use tradeterm::venue::sim::{Costs, Settings as Account};

use super::bybit::FINAL;
use super::desk::{State, Told, fill_words};
use super::line::{Line, dice};
use super::script::n;

const CAPITAL: &str = "100000";

/// What a session decided, and what became of it.
#[derive(Default)]
struct Diary {
    decisions: Vec<DecisionRecord>,
    /// Everything that was sent, refused or closed, and every fill, in its order.
    lines: Vec<String>,
    n_bars: usize,
    notices: Vec<String>,
    quote: Option<Quote>,
    told: Told,
    cancelled: Vec<ClientOrderId>,
}

impl Diary {
    fn note(&mut self, effect: &Effect) {
        match effect {
            EffectOf::Submit(order) => {
                let Intent { id, spec, .. } = order.intent();
                self.told.expect(*id, spec.qty);
                let kind = spec.kind;
                self.lines
                    .push(format!("send {id} {} {} {kind:?}", spec.side, spec.qty));
            }
            EffectOf::Cancel { order, .. } => {
                self.cancelled.push(*order);
                self.lines.push(format!("cancel {order}"));
            }
            EffectOf::Decision(record) => self.decisions.push(record.clone()),
            EffectOf::Refused(record) => {
                self.lines.push(format!("refused: {}", record.rule));
            }
            EffectOf::TradeClosed(record) => self.lines.push(format!("{:?}", record.trade)),
            EffectOf::Trip { .. } | EffectOf::KillApplied { .. } | EffectOf::Paused { .. } => {
                self.lines.push(format!("{effect:?}"));
            }
            EffectOf::Notice(notice) => self.notices.push(notice.text.clone()),
        }
    }

    fn fills(&self) -> Vec<String> {
        let orders = self.told.orders.iter();
        orders
            .flat_map(|o| o.fills.iter())
            .map(|fill| {
                format!(
                    "{} {} {} for {}",
                    fill.at,
                    fill.order,
                    fill_words(fill),
                    fill.expected
                )
            })
            .collect()
    }
}

impl Witness for Diary {
    type Error = std::convert::Infallible;

    fn source(&mut self, _: Timestamp, _: &Event) -> Result<(), Self::Error> {
        Ok(())
    }

    fn step(&mut self, step: &EngineStep<'_>) -> Result<(), Self::Error> {
        match step.event {
            Event::Account(event) => self.told.hear(event),
            Event::Market(MarketEvent::Quote(quote)) => self.quote = Some(*quote),
            Event::Market(event) if is_bar(event) => self.n_bars += 1,
            _ => {}
        }
        for effect in step.effects {
            self.note(effect);
        }
        Ok(())
    }

    fn admit(&mut self, _: &Intent) -> Result<(), NotSent> {
        Ok(())
    }
}

/// How a session ended.
struct End {
    diary: Diary,
    /// As the session values it.
    equity: Money,
    stats: StatsView,
    /// The account's own word.
    account: String,
    held: SignedQty,
}

fn settings(legs: Vec<LegSettings>) -> Settings {
    let mut settings = Settings {
        mode: Mode::Testnet,
        legs,
        ..Settings::default()
    };
    settings.account.capital = n(CAPITAL);
    settings.execution.tif = TimeInForce::Ioc;
    settings.paper.maker_bps = Some(2.0);
    settings.paper.taker_bps = Some(5.5);
    settings.paper.slippage_bps = Some(5.0);
    settings.paper.latency_ms = 0;
    settings.paper.participation = Rate::ZERO;
    // The market goes on by whole bars at once: that is no silence.
    settings.feed.stale_ms = u32::MAX;
    settings.feed.quotes = false;
    settings.feed.trades = false;
    settings.feed.depth = 1;
    settings.risk.stale_ms = u32::MAX;
    settings
}

/// The venue's account, with the money and costs of the paper account.
fn account() -> Account {
    let costs = Costs {
        maker: n("0.0002"),
        taker: n("0.00055"),
        slippage: n("0.0005"),
    };
    Account {
        participation: None,
        ..Account::new(n(CAPITAL), "USDT", costs)
    }
}

/// The bars of the demonstration's first symbol, with quotes where they are wanted.
fn spec(days: u32, quotes_every_ms: Option<i64>) -> SynthSpec {
    let mut spec = demo_spec();
    spec.symbols.truncate(1);
    spec.days = days;
    spec.quotes_every_ms = quotes_every_ms;
    spec.books_every_ms = None;
    spec.book_symbols.clear();
    spec
}

const fn is_bar(event: &MarketEvent) -> bool {
    matches!(event, MarketEvent::Bar(_) | MarketEvent::BarOpen { .. })
}

/// The market of both sessions.
struct Market {
    events: Vec<(Timestamp, MarketEvent)>,
    /// The second bar's open, with which the sessions begin: the venue cannot tell of a bar that
    /// forms before it has had one.
    first: usize,
    table: Instruments,
}

fn market(spec: &SynthSpec) -> Market {
    let mut feed = SynthFeed::new(spec).unwrap();
    let mut events = Vec::new();
    while let Some(item) = feed.next() {
        let (at, event) = item.unwrap();
        if is_bar(&event) || matches!(event, MarketEvent::Quote(_)) {
            events.push((at, event));
        }
    }
    let mut opens = (0..).zip(&events);
    let mut opens = opens
        .by_ref()
        .filter(|(_, (_, event))| matches!(event, MarketEvent::BarOpen { .. }));
    let (first, _) = opens.nth(1).unwrap();
    Market {
        events,
        first,
        table: spec.instruments().unwrap(),
    }
}

fn build(settings: &Settings, instruments: &Instruments) -> Built {
    build_session(
        settings,
        instruments,
        &FeedIntervals::new(),
        KillLevel::Active,
    )
    .unwrap()
}

fn word(positions: impl Iterator<Item = (SignedQty, Price)>, cash: Money, equity: Money) -> String {
    let held: Vec<String> = positions
        .map(|(qty, entry)| format!("{qty} @ {entry}"))
        .collect();
    format!("holds {held:?}, cash {cash}, equity {equity}")
}

fn on_paper(settings: &Settings, market: &Market) -> End {
    let built = build(settings, &market.table);
    let mut session = Session::new(built.engine, built.broker, built.watch);
    let mut diary = Diary::default();
    let mut feed = ListFeed::new(market.events[market.first..].to_vec());
    backtest(&mut session, &mut feed, &mut diary, |_, _| {}).unwrap();
    let account = session.broker.account();
    let positions = account.positions.iter().map(|p| (p.qty, p.entry));
    let equity = session.broker.matcher().equity();
    End {
        diary,
        equity: session.engine.equity(),
        stats: session.engine.stats(),
        account: word(positions.clone(), account.cash, equity),
        held: positions.map(|(qty, _)| qty).sum(),
    }
}

fn at_the_venue(settings: &Settings, market: &Market) -> End {
    let built = build(settings, &market.table);
    let feed = Box::new(ListFeed::new(market.events.clone()));
    let mut line = Line::new(market.table.clone(), feed, account(), settings.clone());
    let leg = &built.legs[0];
    let (past, coming) = market.events.split_at(market.first);
    line.step(Step::Events(past.len() as u64));
    let series = Series::from([((InstrumentId(0), leg.interval), coming[0].0)]);
    line.inside(|line| {
        let (inbox, board) = (line.inbox.clone(), line.board.clone());
        open_feed(settings, &line.connection, &series, inbox, board, dice()).unwrap();
    });
    let mut diary = Diary::default();
    let mut early = Vec::new();
    let remote = line.open(|at, event| early.push((at, event)));
    let mut session = Session::new(built.engine, remote, built.watch);
    for (at, event) in early {
        session.turn(at, &event, &mut diary).unwrap();
    }
    line.until_up("public linear", |at, event| {
        session.turn(at, &event, &mut diary).unwrap();
    });
    let (mut n_bars, mut quote) = (0, None);
    for (at, event) in coming {
        let stepped = line.step(Step::Events(1));
        assert_eq!((stepped.events, stepped.now), (1, *at));
        n_bars += usize::from(is_bar(event));
        if let MarketEvent::Quote(shown) = event {
            quote = Some(*shown);
        }
        let server = Arc::clone(&line.server);
        line.until("bar, orders and fills", |at, event| {
            if let Some((at, event)) = at.zip(event) {
                session.turn(at, &event, &mut diary).unwrap();
                return false;
            }
            let has_seen = diary.n_bars == n_bars && (quote.is_none() || diary.quote == quote);
            has_seen && has_heard(&diary, &server.truth())
        });
    }
    let truth = line.server.truth();
    let positions = truth.positions.iter().map(|p| (p.qty, p.entry));
    End {
        diary,
        equity: session.engine.equity(),
        stats: session.engine.stats(),
        account: word(positions.clone(), truth.cash, truth.equity),
        held: positions.map(|(qty, _)| qty).sum(),
    }
}

/// Whether the session has heard all that has happened, and the venue all that was sent.
fn has_heard(diary: &Diary, truth: &Truth) -> bool {
    let mut fills: BTreeMap<&str, usize> = BTreeMap::new();
    for execution in &truth.executions {
        *fills.entry(&execution.link_id).or_default() += 1;
    }
    let at_venue: BTreeMap<&str, bool> = truth
        .orders
        .iter()
        .map(|o| (o.link_id.as_str(), FINAL.contains(&o.status.as_str())))
        .collect();
    diary.told.orders.iter().all(|order| {
        let id = order.id.as_str();
        let is_known = match at_venue.get(id) {
            Some(true) => order.state.is_final(),
            Some(false) => order.state == State::Open && !diary.cancelled.contains(&order.id),
            None => order.state == State::Refused,
        };
        is_known && order.fills.len() == fills.get(id).copied().unwrap_or(0)
    })
}

fn compare(leg: LegSettings, spec: &SynthSpec, least_fills: usize) {
    let settings = settings(vec![leg]);
    let market = market(spec);
    let paper = on_paper(&settings, &market);
    let venue = at_the_venue(&settings, &market);
    assert_eq!(paper.diary.decisions, venue.diary.decisions);
    let (ours, theirs) = (paper.diary.fills(), venue.diary.fills());
    for (n, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "fill {n}");
    }
    assert_eq!(ours.len(), theirs.len(), "{:#?}", venue.diary.notices);
    for (n, (ours, theirs)) in paper.diary.lines.iter().zip(&venue.diary.lines).enumerate() {
        assert_eq!(ours, theirs, "line {n}");
    }
    assert_eq!(paper.diary.lines.len(), venue.diary.lines.len());
    assert_eq!(paper.account, venue.account);
    let mut stats = [paper.stats, venue.stats];
    if let Some(step) = spec.quotes_every_ms {
        // A tick shows the same equity once more, so that its peak is a step younger.
        let [longer, shorter] = stats.each_ref().map(|s| s.max_drawdown_ms.unwrap());
        assert!((0..=step).contains(&(longer - shorter)));
        for stats in &mut stats {
            stats.max_drawdown_ms = None;
        }
        assert_eq!(venue.equity, paper.equity);
    } else {
        for stats in &mut stats {
            (stats.sharpe, stats.sortino) = (None, None);
            (stats.max_drawdown, stats.max_drawdown_ms) = (None, None);
        }
        let half_a_tick: Price = n("0.05");
        let most = half_a_tick * paper.held.abs();
        assert!((venue.equity - paper.equity).abs() <= most);
    }
    assert_eq!(stats[0], stats[1]);
    let (n_decisions, n_fills) = (paper.diary.decisions.len(), ours.len());
    println!(
        "{} bars, {n_decisions} decisions, {n_fills} fills: all equal; {}",
        paper.diary.n_bars / 2,
        paper.account
    );
    assert!(least_fills <= n_fills, "{n_fills} fills prove little");
}

fn agent() -> LegSettings {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/ppo_btcusdt_5m");
    LegSettings {
        model: Some(model),
        ..LegSettings::new(StrategyKind::Agent)
    }
}

fn rule() -> LegSettings {
    LegSettings {
        symbol: Some(Symbol::new("BTCUSDT").unwrap()),
        interval: Interval::from_millis(300_000),
        fast: Some(3),
        slow: Some(8),
        long_short: Some(true),
        ..LegSettings::new(StrategyKind::MaCross)
    }
}

#[test]
fn the_shipped_agent_trades_alike_on_bars() {
    compare(agent(), &spec(4, None), 40);
}

#[test]
fn the_shipped_agent_trades_alike_on_bars_and_quotes() {
    compare(agent(), &spec(4, Some(150_000)), 40);
}

#[test]
fn a_rule_that_turns_around_trades_alike_on_bars() {
    compare(rule(), &spec(3, None), 200);
}

#[test]
fn a_rule_that_turns_around_trades_alike_on_bars_and_quotes() {
    compare(rule(), &spec(3, Some(150_000)), 200);
}
