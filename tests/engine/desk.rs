//! A session at a desk: a strategy that reads from a list, a broker that does as it is told.
//!
//! Capital is 25,000 and the price about 100, so that a full position is 2,500 or 25 pieces.
//! Costs are zero unless a case sets them. Bars are minutes that follow each other.

use std::collections::VecDeque;

use tradeterm::control::{Snapshot, TradeCommand};
use tradeterm::domain::{
    AccountEvent, Bar, BarEvent, Category, ClientOrderId, Exposure, Fill, FillKind, Instrument,
    InstrumentId, Instruments, Intent, Interval, KillLevel, LegId, Liquidity, MarketEvent, Mode,
    Money, NotSent, OrderKind, Rate, Side, Symbol, Timestamp,
};
use tradeterm::engine::{Effect, EffectOf, Engine, EngineSettings, Event, LegSetup, Outcome};
use tradeterm::engine::{PlanRules, RefusalRecord};
use tradeterm::risk::{Approved, Limits};
use tradeterm::runtime::clock::Watch;
use tradeterm::runtime::{Session, Step, Witness};
use tradeterm::strategy::{HoldReason, Insight, Stopwatch, Strategy, StrategyInfo, Verdict};
use tradeterm::venue::broker::{AccountSnapshot, Broker};
use tradeterm::venue::sim::{Costs, Matcher, PaperBroker, Settings};

/// The instrument of the first leg.
pub(crate) const FIRST: InstrumentId = InstrumentId(0);
/// The instrument of the second leg, where there is one.
pub(crate) const SECOND: InstrumentId = InstrumentId(1);
/// Milliseconds of a bar.
pub(crate) const MINUTE: i64 = 60_000;
/// A Thursday at noon, UTC.
pub(crate) const NOON: i64 = 1_700_136_000_000;

/// Parses any of the number types.
pub(crate) fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn instrument(symbol: &str, category: Category) -> Instrument {
    Instrument {
        symbol: Symbol::new(symbol).unwrap(),
        category,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: n("0.1"),
        qty_step: n("0.001"),
        min_qty: n("0.001"),
        max_qty: n("1000"),
        max_market_qty: n("500"),
        min_notional: n("5"),
        funding_hours: 8,
    }
}

/// Says what is on its list, then repeats the last word.
#[derive(Debug)]
pub(crate) struct Script {
    info: StrategyInfo,
    words: VecDeque<Verdict>,
    /// Bars it must see after a start or a hole.
    need: u64,
    have: u64,
}

impl Strategy for Script {
    fn info(&self) -> &StrategyInfo {
        &self.info
    }

    fn on_bar(&mut self, _: &Bar, _: &mut dyn Stopwatch) -> Verdict {
        self.have += 1;
        if self.have <= self.need {
            return Verdict::Warming {
                have: self.have,
                need: self.need,
            };
        }
        match self.words.len() {
            0 | 1 => self.words[0].clone(),
            _ => self.words.pop_front().unwrap(),
        }
    }

    fn reset(&mut self) {
        self.have = 0;
    }

    fn insight(&self) -> Insight {
        Insight::default()
    }
}

/// Words of a script: `+` long, `-` short, `0` flat, `?` a model error, or a number.
pub(crate) fn words(text: &str) -> VecDeque<Verdict> {
    text.split_whitespace()
        .map(|word| match word {
            "+" => Verdict::Target(Exposure::LONG),
            "-" => Verdict::Target(Exposure::SHORT),
            "?" => Verdict::Hold(HoldReason::Model("scripted".to_owned())),
            number => Verdict::Target(Exposure::new(n(number)).unwrap()),
        })
        .collect()
}

/// What a desk is made of.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) plan: PlanRules,
    pub(crate) warmup: u64,
    pub(crate) level: KillLevel,
    pub(crate) category: Category,
    pub(crate) costs: Costs,
    pub(crate) participation: Option<Rate>,
    pub(crate) latency_ms: u32,
    pub(crate) full: Money,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::standard(n("25000")),
            plan: PlanRules::default(),
            warmup: 0,
            level: KillLevel::Active,
            category: Category::Linear,
            costs: Costs {
                maker: Rate::ZERO,
                taker: Rate::ZERO,
                slippage: Rate::ZERO,
            },
            participation: None,
            latency_ms: 0,
            full: n("2500"),
        }
    }
}

impl Setup {
    fn instruments(&self) -> Instruments {
        Instruments::new(vec![
            instrument("BTCUSDT", self.category),
            instrument("ETHUSDT", self.category),
        ])
        .unwrap()
    }

    pub(crate) fn engine(&self, scripts: &[&str]) -> Engine {
        let legs = (0_u16..)
            .zip(scripts)
            .map(|(n, text)| LegSetup {
                instrument: InstrumentId(n),
                interval: minute(),
                full_value: self.full,
                stop_loss: self.limits.stop_loss,
                strategy: Box::new(Script {
                    info: StrategyInfo {
                        name: format!("script-{n}"),
                        family: "script".to_owned(),
                        bundle_hash: None,
                        symbol: None,
                        interval: None,
                        warmup_bars: self.warmup,
                        fees: None,
                    },
                    words: words(text),
                    need: self.warmup,
                    have: 0,
                }),
            })
            .collect();
        let settings = EngineSettings {
            account: "test".to_owned(),
            capital: self.limits.capital,
            limits: self.limits.clone(),
            plan: self.plan,
            max_model_errors: 3,
            stale_after_ms: 600_000,
            venue_stops: true,
        };
        Engine::new(settings, self.instruments(), legs, self.level).unwrap()
    }

    /// A desk with the simulated venue.
    pub(crate) fn paper(&self, scripts: &[&str]) -> Desk<PaperBroker> {
        let settings = Settings {
            participation: self.participation,
            ..Settings::new(self.limits.capital, "USDT", self.costs)
        };
        let matcher = Matcher::new(self.instruments(), settings).unwrap();
        let broker = PaperBroker::new(matcher, self.latency_ms);
        Desk::new(self.engine(scripts), broker)
    }

    /// A desk with a venue that does as it is told.
    pub(crate) fn fake(&self, scripts: &[&str]) -> Desk<Fake> {
        Desk::new(self.engine(scripts), Fake::default())
    }
}

pub(crate) fn minute() -> Interval {
    Interval::from_millis(MINUTE).unwrap()
}

type Reply = Box<dyn FnMut(&Intent) -> Vec<AccountEvent> + Send>;

/// A venue that records what it gets and answers what it is told to.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) sent: Vec<Intent>,
    pub(crate) cancels: Vec<ClientOrderId>,
    /// Answers at the next chance.
    pub(crate) answers: Vec<AccountEvent>,
    /// Answers every order.
    pub(crate) reply: Option<Reply>,
    /// Takes every cancel.
    pub(crate) cancels_work: bool,
    at: Timestamp,
    n_fills: u32,
}

impl Fake {
    /// The newest order.
    pub(crate) fn last(&self) -> &Intent {
        self.sent.last().expect("an order was sent")
    }

    /// The newest order of that role, such as `s` for a stop.
    pub(crate) fn newest(&self, role: char) -> &Intent {
        let of_role = |intent: &&Intent| role_of(&intent.id).starts_with(role);
        self.sent.iter().rev().find(of_role).expect("one was sent")
    }

    pub(crate) fn n_of(&self, role: char) -> usize {
        let of_role = |intent: &&Intent| role_of(&intent.id).starts_with(role);
        self.sent.iter().filter(of_role).count()
    }

    /// Answers with a fill of `qty` of an order.
    pub(crate) fn fill(&mut self, intent: &Intent, qty: &str, price: &str) {
        self.n_fills += 1;
        let mut fill = fill(intent, qty, price);
        fill.exec_id = format!("{}-{}", fill.exec_id, self.n_fills);
        self.answers.push(AccountEvent::Fill(fill));
    }
}

pub(crate) fn fill(intent: &Intent, qty: &str, price: &str) -> Fill {
    Fill {
        exec_id: format!("{}-{qty}", intent.id),
        order: intent.id,
        instrument: intent.spec.instrument,
        side: intent.spec.side,
        price: n(price),
        qty: n(qty),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: intent.decided_at,
        expected: n(price),
        withheld: tradeterm::domain::Qty::ZERO,
    }
}

impl Broker for Fake {
    fn submit(&mut self, at: Timestamp, order: Approved) {
        self.at = at;
        if let Some(reply) = &mut self.reply {
            let answers = reply(order.intent());
            self.answers.extend(answers);
        }
        self.sent.push(order.intent().clone());
    }

    fn cancel(&mut self, at: Timestamp, order: ClientOrderId) {
        self.at = at;
        self.cancels.push(order);
        if self.cancels_work {
            self.answers.push(AccountEvent::Cancelled { order });
        }
    }

    fn on_market(
        &mut self,
        at: Timestamp,
        _: &MarketEvent,
        out: &mut Vec<(Timestamp, AccountEvent)>,
    ) {
        self.advance(at, out);
    }

    fn advance(&mut self, to: Timestamp, out: &mut Vec<(Timestamp, AccountEvent)>) {
        out.extend(self.answers.drain(..).map(|answer| (to, answer)));
    }

    fn next_due(&self) -> Option<Timestamp> {
        (!self.answers.is_empty()).then_some(self.at)
    }

    fn account(&self) -> AccountSnapshot {
        AccountSnapshot::default()
    }
}

/// Keeps the effects, and plays the latch.
#[derive(Default)]
struct Book {
    effects: Vec<(Timestamp, Effect)>,
    latch: Option<NotSent>,
}

impl Witness for Book {
    type Error = std::convert::Infallible;

    fn source(&mut self, _: Timestamp, _: &Event) -> Result<(), Self::Error> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<(), Self::Error> {
        let at = step.at;
        self.effects
            .extend(step.effects.iter().map(|e| (at, e.clone())));
        Ok(())
    }

    fn admit(&mut self, _: &Intent) -> Result<(), NotSent> {
        self.latch.clone().map_or(Ok(()), Err)
    }
}

/// Role and attempt of an order, such as `o0`.
pub(crate) fn role_of(id: &ClientOrderId) -> String {
    let text = id.as_str();
    text[text.rfind('-').unwrap() + 1..].to_owned()
}

/// One effect as a line; `None` for notices.
pub(crate) fn line(effect: &Effect) -> Option<String> {
    Some(match effect {
        EffectOf::Submit(order) => {
            let intent = order.intent();
            let spec = &intent.spec;
            let price = match spec.kind {
                OrderKind::Market => String::new(),
                OrderKind::Limit { price, .. } => format!(" @ {price}"),
                OrderKind::Stop { trigger, .. } | OrderKind::TakeProfit { trigger, .. } => {
                    format!(" at {trigger}")
                }
            };
            let reduce = if spec.reduce_only { " r" } else { "" };
            let role = role_of(&intent.id);
            format!("{role} {} {}{price}{reduce}", spec.side, spec.qty)
        }
        EffectOf::Cancel { order, reason } => format!("cancel {} {reason:?}", role_of(order)),
        EffectOf::Decision(record) => match &record.outcome {
            Outcome::Target(target) => format!("target {target}"),
            Outcome::Hold(_) => "hold".to_owned(),
        },
        EffectOf::Refused(RefusalRecord {
            rule, value, limit, ..
        }) => format!("refused {rule}: {value} against {limit}"),
        EffectOf::Trip { level, .. } => format!("trip {level:?}"),
        EffectOf::KillApplied { level, .. } => format!("level {level:?}"),
        EffectOf::Paused { rule, .. } => format!("paused {rule}"),
        EffectOf::TradeClosed(record) => {
            format!("trade {} {}", record.trade.net, { &record.trade.reason })
        }
        EffectOf::Notice(_) => return None,
    })
}

pub(crate) struct Desk<B> {
    pub(crate) session: Session<B>,
    pub(crate) at: Timestamp,
    book: Book,
}

impl<B: Broker> Desk<B> {
    fn new(engine: Engine, broker: B) -> Self {
        Self {
            session: Session::new(engine, broker, Watch::Off),
            at: Timestamp::from_millis(NOON),
            book: Book::default(),
        }
    }

    /// Everything but decisions since the last call, as lines.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let lines = self.all().into_iter();
        lines.filter(|l| !l.starts_with("target")).collect()
    }

    /// Everything since the last call, as lines.
    pub(crate) fn all(&mut self) -> Vec<String> {
        let effects = std::mem::take(&mut self.book.effects);
        effects.iter().filter_map(|(_, e)| line(e)).collect()
    }

    /// The same as it is.
    pub(crate) fn effects(&mut self) -> Vec<(Timestamp, Effect)> {
        std::mem::take(&mut self.book.effects)
    }

    pub(crate) fn turn(&mut self, event: &Event) {
        let Ok(()) = self.session.turn(self.at, event, &mut self.book);
    }

    pub(crate) fn market(&mut self, event: MarketEvent) {
        self.turn(&Event::Market(event));
    }

    pub(crate) fn command(&mut self, command: TradeCommand) -> Vec<String> {
        self.turn(&Event::Command(command));
        self.take()
    }

    pub(crate) fn kill(&mut self, level: KillLevel) -> Vec<String> {
        let reason = "test".to_owned();
        self.command(TradeCommand::Kill { level, reason })
    }

    pub(crate) fn resume(&mut self, level: KillLevel) -> Vec<String> {
        let reason = "test".to_owned();
        self.command(TradeCommand::Resume { level, reason })
    }

    /// Closes the latch under the engine's feet, or opens it.
    pub(crate) fn latch(&mut self, cause: Option<NotSent>) {
        self.book.latch = cause;
    }

    pub(crate) fn tick(&mut self) -> Vec<String> {
        self.turn(&Event::Tick);
        self.take()
    }

    pub(crate) fn trade(&mut self, price: &str) -> Vec<String> {
        self.market(MarketEvent::Trade(tradeterm::domain::PublicTrade {
            instrument: FIRST,
            price: n(price),
            qty: n("1"),
            taker: Side::Buy,
        }));
        self.take()
    }

    /// The open of the minute that begins now.
    pub(crate) fn open_on(&mut self, instrument: InstrumentId, price: &str) {
        let price = n(price);
        self.market(MarketEvent::BarOpen { instrument, price });
    }

    /// A whole minute at one price on the first instrument.
    pub(crate) fn flat(&mut self, price: &str) -> Vec<String> {
        self.minute([price; 4])
    }

    /// A whole minute of open, high, low, close on the first instrument.
    pub(crate) fn minute(&mut self, ohlc: [&str; 4]) -> Vec<String> {
        self.minutes(&[(FIRST, ohlc)]);
        self.take()
    }

    /// A whole minute on several instruments.
    pub(crate) fn minutes(&mut self, bars: &[(InstrumentId, [&str; 4])]) {
        let start = self.at;
        for (id, ohlc) in bars {
            self.open_on(*id, ohlc[0]);
        }
        self.at = start.plus_millis(MINUTE);
        for (id, ohlc) in bars {
            self.market(MarketEvent::Bar(bar(*id, start, *ohlc, "1000", true)));
        }
    }

    pub(crate) fn held(&mut self) -> String {
        let snapshot = self.snapshot();
        let position = snapshot.positions.first();
        position.map_or_else(|| "0".to_owned(), |p| p.size.to_string())
    }

    pub(crate) fn snapshot(&mut self) -> Snapshot {
        let session = tradeterm::control::SessionView {
            run_id: String::new(),
            mode: Mode::Paper,
            synthetic: false,
            feed: String::new(),
            speed: None,
            held: false,
            progress: None,
            ended: false,
            config_hash: String::new(),
            build: String::new(),
            inference: String::new(),
            coin: String::new(),
        };
        self.session.engine.snapshot(session)
    }

    /// The why ladder of the first leg: the rung that answers, with its text.
    pub(crate) fn why(&mut self) -> String {
        use tradeterm::control::RungState;
        let rungs = self.snapshot().legs[0].why.clone();
        let last = rungs
            .iter()
            .rposition(|r| r.state != RungState::Skipped)
            .expect("a ladder has a rung");
        assert!(
            rungs[..last].iter().all(|r| r.state == RungState::Ok),
            "only the last rung that counts may be anything but passed: {rungs:?}"
        );
        format!("{} {:?}", rungs[last].step, rungs[last].state)
    }
}

pub(crate) fn bar(
    instrument: InstrumentId,
    open_time: Timestamp,
    ohlc: [&str; 4],
    volume: &str,
    confirmed: bool,
) -> BarEvent {
    let [open, high, low, close] = ohlc.map(n);
    BarEvent {
        instrument,
        interval: minute(),
        confirmed,
        bar: Bar {
            open_time,
            open,
            high,
            low,
            close,
            volume: n(volume),
        },
    }
}

/// The first leg.
pub(crate) const LEG: LegId = LegId(0);
