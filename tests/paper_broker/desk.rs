//! A desk to trade at: short words in, one line of text for each answer out.

use tradeterm::domain::{
    AccountEvent, Bar, BarEvent, BookUpdate, Category, ClientOrderId, Funding, Instrument,
    InstrumentId, Instruments, Intent, Interval, LegId, Level, MarketEvent, OrderKind, OrderSpec,
    PublicTrade, Purpose, Quote, Side, Symbol, TimeInForce, Timestamp, TriggerPrice,
};
use tradeterm::venue::sim::matcher::Answers;
use tradeterm::venue::sim::{Costs, Matcher, Settings};

pub(crate) use Side::{Buy, Sell};
pub(crate) use TimeInForce::{Fok, Gtc, Ioc};

/// Linear instrument of every desk: tick 0.1, step 0.001, minimum 0.001 and 5 in value.
pub(crate) const PERP: InstrumentId = InstrumentId(0);
/// Spot instrument of every desk, with the same grids.
pub(crate) const SPOT: InstrumentId = InstrumentId(1);
/// A second linear instrument.
pub(crate) const OTHER: InstrumentId = InstrumentId(2);
/// Settles in a coin that the account does not hold.
pub(crate) const FOREIGN: InstrumentId = InstrumentId(3);
/// Milliseconds of a bar.
pub(crate) const MINUTE: i64 = 60_000;

/// Parses any of the number types.
pub(crate) fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn instrument(symbol: &str, category: Category, quote: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(symbol).unwrap(),
        category,
        base: "BTC".to_owned(),
        quote: quote.to_owned(),
        tick: n("0.1"),
        qty_step: n("0.001"),
        min_qty: n("0.001"),
        max_qty: n("1000"),
        max_market_qty: n("500"),
        min_notional: n("5"),
        funding_hours: 8,
    }
}

pub(crate) fn settings() -> Settings {
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

pub(crate) fn matcher(settings: Settings) -> Matcher {
    let table = vec![
        instrument("BTCUSDT", Category::Linear, "USDT"),
        instrument("BTCUSDT", Category::Spot, "USDT"),
        instrument("ETHUSDT", Category::Linear, "USDT"),
        instrument("BTCUSDC", Category::Linear, "USDC"),
    ];
    Matcher::new(Instruments::new(table).unwrap(), settings).unwrap()
}

pub(crate) fn spec(side: Side, qty: &str, kind: OrderKind) -> OrderSpec {
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

pub(crate) fn market(side: Side, qty: &str) -> OrderSpec {
    spec(side, qty, OrderKind::Market)
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
    spec(side, qty, OrderKind::Stop { trigger, by })
}

pub(crate) fn target(side: Side, qty: &str, trigger: &str) -> OrderSpec {
    let (trigger, by) = (n(trigger), TriggerPrice::Last);
    spec(side, qty, OrderKind::TakeProfit { trigger, by })
}

/// Changes that read well behind the constructors above.
pub(crate) trait With: Sized {
    fn tif(self, tif: TimeInForce) -> Self;
    fn reduce(self) -> Self;
    fn on(self, instrument: InstrumentId) -> Self;
}

impl With for OrderSpec {
    fn tif(self, tif: TimeInForce) -> Self {
        Self { tif, ..self }
    }

    fn reduce(self) -> Self {
        Self {
            reduce_only: true,
            ..self
        }
    }

    fn on(self, instrument: InstrumentId) -> Self {
        Self { instrument, ..self }
    }
}

pub(crate) fn intent(id: &str, spec: OrderSpec) -> Intent {
    Intent {
        id: id.parse().unwrap(),
        leg: LegId(0),
        trace: 0,
        decided_at: Timestamp::default(),
        spec,
    }
}

/// One answer as a line, without its time.
pub(crate) fn line(event: &AccountEvent) -> String {
    match event {
        AccountEvent::Accepted { order } => format!("accepted {order}"),
        AccountEvent::Rejected { order, reason } => format!("rejected {order}: {reason}"),
        AccountEvent::Triggered { order } => format!("triggered {order}"),
        AccountEvent::Cancelled { order } => format!("cancelled {order}"),
        AccountEvent::CancelRejected { order } => format!("not cancelled {order}"),
        AccountEvent::NotSent { order, cause } => format!("not sent {order}: {cause}"),
        AccountEvent::Unknown { order, cause } => format!("unknown {order}: {cause}"),
        AccountEvent::Funding { paid, .. } => format!("funding {paid}"),
        AccountEvent::NeverAccepted { .. } | AccountEvent::Report(_) => {
            unreachable!("a simulated venue leaves nothing open")
        }
        AccountEvent::Fill(fill) => format!(
            "fill {} {} {} @ {} {} fee {}",
            fill.exec_id, fill.side, fill.qty, fill.price, fill.liquidity, fill.fee
        ),
    }
}

pub(crate) struct Desk {
    pub(crate) matcher: Matcher,
    pub(crate) at: Timestamp,
    out: Answers,
    update_id: u64,
}

impl Desk {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            matcher: matcher(settings),
            at: Timestamp::default(),
            out: Vec::new(),
            update_id: 0,
        }
    }

    /// A desk within a bar that opened at `price`, after a bar of that `volume`.
    pub(crate) fn within_bar(settings: Settings, price: &str, volume: &str) -> Self {
        let mut desk = Self::new(settings);
        desk.close([price; 4], volume);
        desk.open(price);
        desk.take();
        desk
    }

    /// Answers since the last call.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let lines = self.out.iter().map(|(_, event)| line(event)).collect();
        self.out.clear();
        lines
    }

    /// Submits now, and returns the answers.
    pub(crate) fn send(&mut self, id: &str, spec: OrderSpec) -> Vec<String> {
        self.matcher
            .submit(self.at, &intent(id, spec), &mut self.out);
        self.take()
    }

    pub(crate) fn cancel(&mut self, id: &str) -> Vec<String> {
        let id: ClientOrderId = id.parse().unwrap();
        self.matcher.cancel(self.at, &id, &mut self.out);
        self.take()
    }

    pub(crate) fn cancel_all(&mut self, instrument: Option<InstrumentId>) -> Vec<String> {
        self.matcher.cancel_all(self.at, instrument, &mut self.out);
        self.take()
    }

    pub(crate) fn event(&mut self, event: &MarketEvent) -> Vec<String> {
        self.matcher.on_market(self.at, event, &mut self.out);
        self.take()
    }

    pub(crate) fn open(&mut self, price: &str) -> Vec<String> {
        self.open_on(PERP, price)
    }

    pub(crate) fn open_on(&mut self, instrument: InstrumentId, price: &str) -> Vec<String> {
        let price = n(price);
        self.event(&MarketEvent::BarOpen { instrument, price })
    }

    /// Ends the minute that is running with a bar of open, high, low, close.
    pub(crate) fn close(&mut self, ohlc: [&str; 4], volume: &str) -> Vec<String> {
        let open_time = Timestamp::from_millis(self.at.millis() / MINUTE * MINUTE);
        self.at = open_time.plus_millis(MINUTE);
        self.bar(open_time, ohlc, volume, true)
    }

    pub(crate) fn bar(
        &mut self,
        open_time: Timestamp,
        ohlc: [&str; 4],
        volume: &str,
        confirmed: bool,
    ) -> Vec<String> {
        let [open, high, low, close] = ohlc.map(n);
        self.event(&MarketEvent::Bar(BarEvent {
            instrument: PERP,
            interval: Interval::from_millis(MINUTE).unwrap(),
            confirmed,
            bar: Bar {
                open_time,
                open,
                high,
                low,
                close,
                volume: n(volume),
            },
        }))
    }

    pub(crate) fn quote(&mut self, bid: (&str, &str), ask: (&str, &str)) -> Vec<String> {
        self.event(&MarketEvent::Quote(Quote {
            instrument: PERP,
            bid: n(bid.0),
            bid_qty: n(bid.1),
            ask: n(ask.0),
            ask_qty: n(ask.1),
        }))
    }

    pub(crate) fn book(&mut self, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> Vec<String> {
        let level = |(price, qty): &(&str, &str)| Level {
            price: n(price),
            qty: n(qty),
        };
        self.update_id += 1;
        self.event(&MarketEvent::Book(BookUpdate {
            instrument: PERP,
            snapshot: true,
            update_id: self.update_id,
            bids: bids.iter().map(level).collect(),
            asks: asks.iter().map(level).collect(),
        }))
    }

    pub(crate) fn trade(&mut self, price: &str, qty: &str, taker: Side) -> Vec<String> {
        self.event(&MarketEvent::Trade(PublicTrade {
            instrument: PERP,
            price: n(price),
            qty: n(qty),
            taker,
        }))
    }

    pub(crate) fn mark(&mut self, price: &str) -> Vec<String> {
        let (instrument, price) = (PERP, n(price));
        self.event(&MarketEvent::Mark { instrument, price })
    }

    pub(crate) fn funding(&mut self, rate: &str) -> Vec<String> {
        let (instrument, rate) = (PERP, n(rate));
        self.event(&MarketEvent::Funding(Funding { instrument, rate }))
    }

    pub(crate) fn held(&self, instrument: InstrumentId) -> String {
        self.matcher.position(instrument).to_string()
    }

    pub(crate) fn cash(&self) -> String {
        self.matcher.cash().to_string()
    }
}
