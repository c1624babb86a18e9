//! The engine: its state and the one function that changes it.

use super::event::{Effect, EffectOf, Event};
use super::links::Links;
use super::settings::{EngineSettings, LegSetup, SetupError, validate};
use super::state::{Attempts, Leg, Market, Note, Reached};
use crate::account::stats::{EquityCurve, EquityStats, TradeStats};
use crate::account::{Ledger, Orders};
use crate::control::{Counters, FillView, HeldBack, Notice, NoticeLevel, SessionView, TradeView};
use crate::domain::{
    AccountEvent, InstrumentId, Instruments, KillLevel, LegId, MarketEvent, Money, Price, Timestamp,
};
use crate::market::Series;
use crate::risk::{Breakers, Gate};
use crate::strategy::Stopwatch;

use std::collections::VecDeque;

/// Rows kept for the front ends.
const VIEW_ROWS: usize = 250;
/// Notices kept for the front ends.
const NOTICES: usize = 200;
/// Bars kept by each leg's series.
const SERIES_BARS: usize = 8;

/// The pure pipeline of one account.
///
/// Owns all trading state. The same events in the same order always give the same effects, bit
/// for bit; nothing else can change it.
#[derive(Debug)]
pub struct Engine {
    pub(super) settings: EngineSettings,
    pub(super) instruments: Instruments,
    pub(super) legs: Vec<Leg>,
    /// Legs of each instrument.
    pub(super) routes: Vec<Option<LegId>>,
    pub(super) markets: Vec<Market>,
    pub(super) ledger: Ledger,
    pub(super) orders: Orders,
    pub(super) gate: Gate,
    pub(super) breakers: Breakers,
    pub(super) level: KillLevel,
    pub(super) kill_reason: Option<String>,
    pub(super) kill_since: Option<Timestamp>,
    pub(super) now: Timestamp,
    pub(super) seq: u64,
    pub(super) trade_stats: TradeStats,
    pub(super) equity_stats: EquityStats,
    pub(super) curve: EquityCurve,
    pub(super) fills: VecDeque<FillView>,
    pub(super) trades: VecDeque<TradeView>,
    pub(super) notices: VecDeque<Note>,
    pub(super) n_notices: u64,
    pub(super) last_refusal: Option<HeldBack>,
    pub(super) counters: Counters,
    pub(super) version: u64,
    pub(super) started: bool,
    /// First moment of the next UTC day.
    pub(super) next_day: Timestamp,
    pub(super) week: i64,
    pub(super) links: Links,
}

impl Engine {
    /// An engine over `instruments` with these legs, at `level` of the kill ladder.
    ///
    /// # Errors
    ///
    /// When limits, legs and instruments do not fit together.
    pub fn new(
        settings: EngineSettings,
        instruments: Instruments,
        legs: Vec<LegSetup>,
        level: KillLevel,
    ) -> Result<Self, SetupError> {
        validate(&settings, &instruments, &legs)?;
        let mut routes = vec![None; instruments.len()];
        let legs: Vec<Leg> = (0_u16..)
            .map(LegId)
            .zip(legs)
            .map(|(id, setup)| {
                routes[setup.instrument.index()] = Some(id);
                let symbol = &instruments.get(setup.instrument).symbol;
                let name = &setup.strategy.info().name;
                let scope = scope_of(&[
                    &settings.account,
                    name,
                    symbol.as_str(),
                    setup.interval.name(),
                ]);
                Leg {
                    id,
                    instrument: setup.instrument,
                    interval: setup.interval,
                    strategy: setup.strategy,
                    series: Series::new(setup.instrument, setup.interval, SERIES_BARS),
                    full_value: setup.full_value,
                    stop_loss: setup.stop_loss,
                    scope,
                    target: None,
                    bar: Timestamp::default(),
                    stopped: false,
                    failed: false,
                    errors_in_row: 0,
                    n_decisions: 0,
                    n_holds: 0,
                    actions: VecDeque::new(),
                    reached: Reached::Nothing,
                    refused: None,
                    calm: None,
                    stop: None,
                    stop_faults: 0,
                    close_not_before: Timestamp::default(),
                    replan: false,
                    net: None,
                    attempts: Attempts::default(),
                    shrunk: (Timestamp::default(), 0),
                }
            })
            .collect();
        let capital = settings.capital;
        Ok(Self {
            gate: Gate::new(settings.limits.clone()),
            breakers: Breakers::new(settings.limits.clone()),
            ledger: Ledger::new(capital, instruments.len()),
            markets: instruments.iter().map(|_| Market::new()).collect(),
            orders: Orders::new(instruments.len()),
            level,
            kill_reason: (level != KillLevel::Active)
                .then(|| "kept from the last session".to_owned()),
            kill_since: None,
            now: Timestamp::default(),
            seq: 0,
            trade_stats: TradeStats::default(),
            equity_stats: EquityStats::default(),
            curve: EquityCurve::default(),
            fills: VecDeque::new(),
            trades: VecDeque::new(),
            notices: VecDeque::new(),
            n_notices: 0,
            last_refusal: None,
            counters: Counters::default(),
            version: 0,
            started: false,
            next_day: Timestamp::default(),
            week: 0,
            links: Links::new(instruments.len()),
            settings,
            instruments,
            legs,
            routes,
        })
    }

    /// Takes one input and appends what follows from it to `effects`.
    ///
    /// `at` must not run backwards; an earlier time counts as the latest seen.
    pub fn step(
        &mut self,
        at: Timestamp,
        event: &Event,
        watch: &mut dyn Stopwatch,
        effects: &mut Vec<Effect>,
    ) {
        self.seq += 1;
        self.counters.n_events += 1;
        if self.now < at {
            self.now = at;
        }
        if !self.started {
            self.start();
        }
        // Before anything of the new day is valued or booked.
        if self.next_day <= self.now {
            self.roll(effects);
        }
        match event {
            Event::Market(market) => self.on_market(market, watch, effects),
            Event::Account(account) => self.on_account(account, effects),
            Event::Command(command) => self.on_command(command, effects),
            Event::Tick => self.on_tick(effects),
            Event::Link(link) => self.on_link(link, effects),
        }
    }

    /// Number of inputs taken so far.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Latest time seen.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Step of the kill ladder in force.
    #[must_use]
    pub const fn level(&self) -> KillLevel {
        self.level
    }

    /// Every order of the session.
    #[must_use]
    pub const fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The instruments the engine knows.
    #[must_use]
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// Cash plus unrealised profit.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.ledger.equity()
    }

    /// Whether nothing is held and nothing works.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        !self.is_open() && self.orders.n_live() == 0
    }

    fn start(&mut self) {
        self.started = true;
        let equity = self.ledger.equity();
        self.ledger.roll(self.now);
        self.breakers.start_day(equity);
        self.breakers.start_week(equity);
        self.breakers.set_peak(equity);
        self.next_day = next_day(self.now);
        self.week = self.now.week();
        self.curve.push(self.now, equity);
        self.equity_stats.observe(self.now, equity, false);
    }

    /// Whether any position is open.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        !self.ledger.is_flat()
    }

    /// Instruments with a position, in session order.
    pub(super) fn open_instruments(&self) -> Vec<InstrumentId> {
        self.ledger.positions().map(|(id, _)| id).collect()
    }

    fn on_market(
        &mut self,
        event: &MarketEvent,
        watch: &mut dyn Stopwatch,
        effects: &mut Vec<Effect>,
    ) {
        let id = event.instrument();
        let now = self.now;
        let market = &mut self.markets[id.index()];
        market.updated = Some(now);
        match event {
            MarketEvent::Bar(bar) => self.on_bar(bar, watch, effects),
            MarketEvent::BarOpen { price, .. } => {
                market.traded(*price, now);
                self.revalue(id, effects);
            }
            MarketEvent::Trade(trade) => {
                market.traded(trade.price, now);
                self.revalue(id, effects);
            }
            MarketEvent::Mark { price, .. } => {
                market.marked(*price);
                self.revalue(id, effects);
            }
            MarketEvent::Quote(quote) => {
                market.quoted((quote.bid, quote.bid_qty), (quote.ask, quote.ask_qty));
                self.revalue(id, effects);
            }
            MarketEvent::Book(update) => self.on_book(update, effects),
            MarketEvent::Funding(funding) => market.fund(funding, now),
        }
        if self.level == KillLevel::Flatten && self.is_open() {
            self.flatten(effects);
        }
    }

    /// Values the position at the market's price and looks at what that breaks; returns whether
    /// there was a position to value.
    #[inline]
    pub(super) fn revalue(&mut self, id: InstrumentId, effects: &mut Vec<Effect>) -> bool {
        if self.ledger.position(id).is_none() {
            return false;
        }
        let Some(price) = self.markets[id.index()].valuation() else {
            return false;
        };
        self.ledger.mark(id, price);
        self.look_at_losses(effects);
        self.second_net(id, price, effects);
        true
    }

    /// The second net, once a second of session time (C-16).
    fn on_tick(&mut self, effects: &mut Vec<Effect>) {
        self.look_at_losses(effects);
        for id in self.open_instruments() {
            self.revalue(id, effects);
        }
        if self.level == KillLevel::Flatten && !self.is_flat() {
            self.flatten(effects);
        }
    }

    /// Loss limits and drawdown, after anything that moved the equity.
    pub(super) fn look_at_losses(&mut self, effects: &mut Vec<Effect>) {
        let equity = self.ledger.equity();
        self.ledger.update_peak();
        self.breakers.raise_peak(equity);
        for breach in self.breakers.watch(self.now, equity) {
            self.on_breach(&breach, effects);
        }
        let in_market = self.is_open();
        self.equity_stats.observe(self.now, equity, in_market);
    }

    /// Adds a line for people, cleaned of control characters.
    pub(super) fn notice(
        &mut self,
        level: NoticeLevel,
        topic: &'static str,
        text: String,
        effects: &mut Vec<Effect>,
    ) {
        self.n_notices += 1;
        let text = if text.chars().any(char::is_control) {
            text.chars()
                .map(|c| if c.is_control() { '?' } else { c })
                .collect()
        } else {
            text
        };
        let notice = Notice {
            id: self.n_notices,
            at: self.now,
            level,
            topic: topic.into(),
            text,
        };
        push_bounded(&mut self.notices, Note::Said(notice.clone()), NOTICES);
        effects.push(EffectOf::Notice(notice));
    }

    /// Keeps a fill for the front ends, as a row and as a line. The line is put into words when
    /// somebody looks: a backtest has tens of thousands of fills and no reader.
    pub(super) fn keep_fill(&mut self, fill: FillView) {
        self.n_notices += 1;
        let note = Note::Filled(self.n_notices, fill.clone());
        push_bounded(&mut self.notices, note, NOTICES);
        push_bounded(&mut self.fills, fill, VIEW_ROWS);
    }

    pub(super) fn keep_trade(&mut self, trade: TradeView) {
        push_bounded(&mut self.trades, trade, VIEW_ROWS);
    }

    /// Price to size and check orders with, and when it held.
    pub(super) fn reference(&self, id: InstrumentId) -> Option<(Price, Timestamp)> {
        let market = &self.markets[id.index()];
        match market.last {
            Some(price) => Some((price, market.last_at)),
            None => Some((market.valuation()?, market.updated?)),
        }
    }

    /// Applies what the broker said. Public for the account half in `fills`.
    fn on_account(&mut self, event: &AccountEvent, effects: &mut Vec<Effect>) {
        self.apply_account(event, effects);
    }

    /// An empty session picture, for before the engine exists.
    #[must_use]
    pub fn blank_snapshot(session: SessionView) -> crate::control::Snapshot {
        super::picture::blank(session)
    }
}

/// First moment of the UTC day after the one `at` lies in.
pub(super) fn next_day(at: Timestamp) -> Timestamp {
    at.plus_millis(86_400_000 - at.millis_of_day())
}

fn push_bounded<T>(rows: &mut VecDeque<T>, row: T, bound: usize) {
    if rows.len() == bound {
        rows.pop_front();
    }
    rows.push_back(row);
}

/// 64-bit FNV-1a over the parts, with a separator no part can contain. Not a secret and not a
/// checksum: it only keeps the order ids of different legs apart, and never changes.
fn scope_of(parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.bytes().chain(std::iter::once(0xff)) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
