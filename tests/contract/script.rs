//! What a case does: market events at their times, and orders between them.

use std::fmt::Debug;
use std::str::FromStr;

use tradeterm::domain::{
    Bar, BarEvent, BookUpdate, Category, ClientOrderId, Instrument, InstrumentId, Instruments,
    Intent, Interval, KillLevel, LegId, Level, MarketEvent, Money, OrderKind, OrderSpec, Price,
    PublicTrade, Purpose, Qty, Quote, Side, Symbol, TimeInForce, Timestamp, TriggerPrice,
};
use tradeterm::risk::{Approved, Breakers, Gate, Limits, Scene};
use tradeterm::venue::sim::{Costs, Settings};

pub(crate) use Side::{Buy, Sell};
pub(crate) use TimeInForce::{Fok, Gtc, Ioc};

/// The one instrument: tick 0.1, step 0.001, minimum 0.001 and 5 in value.
pub(crate) const PERP: InstrumentId = InstrumentId(0);
/// 2026-01-05T00:00:00Z, a Monday.
pub(crate) const START: i64 = 1_767_571_200_000;
const MINUTE: i64 = 60_000;
const SECOND: i64 = 1_000;

/// Parses any of the number types.
pub(crate) fn n<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn instrument(grid: &str, step: &str, most: &str, value: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: n(grid),
        qty_step: n(step),
        min_qty: n(step),
        max_qty: n("1000"),
        max_market_qty: n(most),
        min_notional: n(value),
        funding_hours: 8,
    }
}

pub(crate) fn instruments() -> Instruments {
    Instruments::new(vec![instrument("0.1", "0.001", "500", "5")]).unwrap()
}

/// 10,000 USDT, 2 and 5.5 basis points of fee, 5 of slippage.
pub(crate) fn account() -> Settings {
    let costs = Costs {
        maker: n("0.0002"),
        taker: n("0.00055"),
        slippage: n("0.0005"),
    };
    Settings {
        participation: None,
        ..Settings::new(n("10000"), "USDT", costs)
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// The market moves.
    Market(MarketEvent),
    /// An order is handed over.
    Submit(ClientOrderId, OrderSpec),
    /// An order is handed over under a name that was used before.
    Again(ClientOrderId, OrderSpec),
    /// A cancel is handed over.
    Cancel(ClientOrderId),
}

/// A case: what happens when.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) acts: Vec<(Timestamp, Act)>,
    now: Timestamp,
    update_id: u64,
}

impl Script {
    /// A minute that has opened at `price`, after one that stood there.
    pub(crate) fn at(price: &str) -> Self {
        let script = Self {
            acts: Vec::new(),
            now: Timestamp::from_millis(START),
            update_id: 0,
        };
        script.open(price).bar([price; 4]).open(price)
    }

    fn act(mut self, act: Act) -> Self {
        self.acts.push((self.now, act));
        self
    }

    pub(crate) fn open(self, price: &str) -> Self {
        let price = n(price);
        let instrument = PERP;
        self.act(Act::Market(MarketEvent::BarOpen { instrument, price }))
    }

    /// Ends the minute that runs, with open, high, low and close.
    pub(crate) fn bar(mut self, ohlc: [&str; 4]) -> Self {
        let open_time = Timestamp::from_millis(self.now.millis() / MINUTE * MINUTE);
        let [open, high, low, close] = ohlc.map(n);
        self.now = open_time.plus_millis(MINUTE);
        self.act(Act::Market(MarketEvent::Bar(BarEvent {
            instrument: PERP,
            interval: Interval::from_millis(MINUTE).unwrap(),
            confirmed: true,
            bar: Bar {
                open_time,
                open,
                high,
                low,
                close,
                volume: n("1000"),
            },
        })))
    }

    pub(crate) fn quote(mut self, bid: (&str, &str), ask: (&str, &str)) -> Self {
        self.now = self.now.plus_millis(SECOND);
        self.act(Act::Market(MarketEvent::Quote(Quote {
            instrument: PERP,
            bid: n(bid.0),
            bid_qty: n(bid.1),
            ask: n(ask.0),
            ask_qty: n(ask.1),
        })))
    }

    pub(crate) fn book(mut self, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> Self {
        let level = |(price, qty): &(&str, &str)| Level {
            price: n(price),
            qty: n(qty),
        };
        self.now = self.now.plus_millis(SECOND);
        self.update_id += 1;
        let update = BookUpdate {
            instrument: PERP,
            snapshot: true,
            update_id: self.update_id,
            bids: bids.iter().map(level).collect(),
            asks: asks.iter().map(level).collect(),
        };
        self.act(Act::Market(MarketEvent::Book(update)))
    }

    pub(crate) fn trade(mut self, price: &str, qty: &str, taker: Side) -> Self {
        self.now = self.now.plus_millis(SECOND);
        self.act(Act::Market(MarketEvent::Trade(PublicTrade {
            instrument: PERP,
            price: n(price),
            qty: n(qty),
            taker,
        })))
    }

    pub(crate) fn send(self, id: &str, spec: OrderSpec) -> Self {
        self.act(Act::Submit(n(id), spec))
    }

    pub(crate) fn again(self, id: &str, spec: OrderSpec) -> Self {
        self.act(Act::Again(n(id), spec))
    }

    pub(crate) fn cancel(self, id: &str) -> Self {
        self.act(Act::Cancel(n(id)))
    }

    /// The market alone.
    pub(crate) fn market(&self) -> Vec<(Timestamp, MarketEvent)> {
        let events = self.acts.iter().filter_map(|(at, act)| match act {
            Act::Market(event) => Some((*at, event.clone())),
            _ => None,
        });
        events.collect()
    }
}

fn spec(side: Side, qty: &str, kind: OrderKind) -> OrderSpec {
    OrderSpec {
        instrument: PERP,
        side,
        qty: n(qty),
        kind,
        tif: Gtc,
        reduce_only: false,
        purpose: Purpose::Entry,
    }
}

/// The venue takes every market order as immediate-or-cancel, so it says so itself.
pub(crate) fn market(side: Side, qty: &str) -> OrderSpec {
    spec(side, qty, OrderKind::Market).tif(Ioc)
}

pub(crate) fn limit(side: Side, qty: &str, price: &str) -> OrderSpec {
    let (price, post_only) = (n(price), false);
    spec(side, qty, OrderKind::Limit { price, post_only })
}

pub(crate) fn post_only(side: Side, qty: &str, price: &str) -> OrderSpec {
    let (price, post_only) = (n(price), true);
    spec(side, qty, OrderKind::Limit { price, post_only })
}

pub(crate) fn stop(side: Side, qty: &str, trigger: &str) -> OrderSpec {
    let (trigger, by) = (n(trigger), TriggerPrice::Last);
    let stop = spec(side, qty, OrderKind::Stop { trigger, by }).reduce();
    OrderSpec {
        purpose: Purpose::StopLoss,
        ..stop
    }
}

pub(crate) fn target(side: Side, qty: &str, trigger: &str) -> OrderSpec {
    let (trigger, by) = (n(trigger), TriggerPrice::Last);
    let target = spec(side, qty, OrderKind::TakeProfit { trigger, by }).reduce();
    OrderSpec {
        purpose: Purpose::TakeProfit,
        ..target
    }
}

/// Changes that read well behind the constructors above.
pub(crate) trait With: Sized {
    fn tif(self, tif: TimeInForce) -> Self;
    fn reduce(self) -> Self;
}

impl With for OrderSpec {
    fn tif(self, tif: TimeInForce) -> Self {
        Self { tif, ..self }
    }

    fn reduce(self) -> Self {
        Self {
            reduce_only: true,
            purpose: Purpose::Exit,
            ..self
        }
    }
}

/// Asks risk, as a session does: nothing else can approve an order. Its view of the instrument
/// is more lenient than the venue's, so that the venue's own refusals are reached.
pub(crate) fn approved(id: ClientOrderId, at: Timestamp, spec: &OrderSpec) -> Approved {
    let mut limits = Limits::standard(n("1000000000"));
    limits.max_position = n("1");
    limits.max_exposure = n("1");
    limits.min_trade = Money::ZERO;
    limits.price_band = n("1");
    let lenient = instrument("0.00000001", "0.00000001", "1000", "0.00000001");
    let held: Qty = n("1000");
    let position = if spec.reduce_only {
        held.signed(spec.side.opposite())
    } else {
        Qty::ZERO.signed(Buy)
    };
    let reference: Price = spec.kind.limit_price().unwrap_or(n("60000"));
    let scene = Scene {
        now: at,
        instrument: &lenient,
        level: KillLevel::Active,
        position,
        pending: (Qty::ZERO, Qty::ZERO),
        closing: Qty::ZERO,
        lacks: None,
        unresolved: None,
        reference: Some((reference, at)),
        other_exposure: Money::ZERO,
        equity: limits.capital,
    };
    let intent = Intent {
        id,
        leg: LegId(0),
        trace: 0,
        decided_at: at,
        spec: spec.clone(),
    };
    let breakers = Breakers::new(limits.clone());
    match Gate::new(limits).check(intent, &scene, &breakers) {
        Ok(approved) => approved,
        Err((refusal, _)) => panic!("{refusal}"),
    }
}
