//! A broker in front of a scripted server, and orders that risk has approved.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value, json};
use tradeterm::domain::{
    AccountEvent, Category, ClientOrderId, Instrument, InstrumentId, Instruments, Intent,
    KillLevel, LegId, Money, OrderKind, OrderSpec, Price, Purpose, Qty, Side, Symbol, TimeInForce,
    Timestamp, TriggerPrice,
};
use tradeterm::risk::{Approved, Breakers, Gate, Limits, Scene};
use tradeterm::venue::broker::{KnownOrder, RemoteBroker};
use tradeterm::venue::bybit::broker::BybitBroker;
use tradeterm::venue::bybit::rest::RestClient;
use tradeterm::venue::bybit::socket::trade::TradeHandle;

use crate::server::{Clock, START, Seen, Server, Then, http, ok};

/// `BTCUSDT` linear.
pub const PERP: InstrumentId = InstrumentId(0);
/// `BTCUSDT` spot.
pub const SPOT: InstrumentId = InstrumentId(1);
/// What was expected of every order.
pub const EXPECTED: &str = "64000";
/// Name of the order that most tests are about.
pub const NAME: &str = "tt-a-1";

pub fn n<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn instrument(symbol: &str, category: Category) -> Instrument {
    Instrument {
        symbol: Symbol::new(symbol).unwrap(),
        category,
        base: symbol.strip_suffix("USDT").unwrap().to_owned(),
        quote: "USDT".to_owned(),
        tick: n("0.1"),
        qty_step: n("0.001"),
        min_qty: n("0.001"),
        max_qty: n("100"),
        max_market_qty: n("100"),
        min_notional: n("5"),
        funding_hours: 8,
    }
}

pub fn instruments() -> Instruments {
    Instruments::new(vec![
        instrument("BTCUSDT", Category::Linear),
        instrument("BTCUSDT", Category::Spot),
    ])
    .unwrap()
}

pub fn order(instrument: InstrumentId, side: Side, kind: OrderKind) -> OrderSpec {
    let is_linear = instrument == PERP;
    let sleeps = kind.trigger().is_some();
    OrderSpec {
        instrument,
        side,
        qty: n("0.5"),
        kind,
        tif: TimeInForce::Gtc,
        reduce_only: is_linear && side == Side::Sell,
        purpose: if sleeps {
            Purpose::StopLoss
        } else if side == Side::Sell {
            Purpose::Exit
        } else {
            Purpose::Entry
        },
    }
}

pub fn limit(instrument: InstrumentId) -> OrderSpec {
    let price = n("63900.5");
    let post_only = false;
    order(instrument, Side::Buy, OrderKind::Limit { price, post_only })
}

/// A sell stop at 60000.
pub fn stop(instrument: InstrumentId, by: TriggerPrice) -> OrderSpec {
    let trigger = n("60000");
    order(instrument, Side::Sell, OrderKind::Stop { trigger, by })
}

/// Asks risk, as a session does: nothing else can approve an order. One unit is held.
pub fn approved(name: &str, spec: OrderSpec) -> Approved {
    let limits = Limits::standard(n("100000000"));
    let now = Timestamp::from_millis(START);
    let table = instruments();
    let (instrument, held) = (table.get(spec.instrument), Qty::from_raw(100_000_000));
    let scene = Scene {
        now,
        instrument,
        level: KillLevel::Active,
        position: held.unwrap().signed(Side::Buy),
        pending: (Qty::ZERO, Qty::ZERO),
        closing: Qty::ZERO,
        lacks: None,
        unresolved: None,
        reference: Some((n("64000"), now)),
        other_exposure: Money::ZERO,
        equity: limits.capital,
    };
    let intent = Intent {
        id: n(name),
        leg: LegId(0),
        trace: 1,
        decided_at: now,
        spec,
    };
    let breakers = Breakers::new(limits.clone());
    match Gate::new(limits).check(intent, &scene, &breakers) {
        Ok(approved) => approved,
        Err((refusal, _)) => panic!("{refusal}"),
    }
}

pub fn broker(server: &Server) -> BybitBroker {
    broker_with(server, &Clock::at(START), None)
}

pub fn broker_with(server: &Server, clock: &Arc<Clock>, trade: Option<TradeHandle>) -> BybitBroker {
    let rest = RestClient::new(server.settings(clock)).unwrap();
    BybitBroker::new(Arc::new(rest), trade, instruments(), "USDT").unwrap()
}

/// A broker that has sent `spec` under [`NAME`] before.
pub fn remembering(server: &Server, spec: OrderSpec) -> BybitBroker {
    let broker = broker(server);
    broker.remember(KnownOrder {
        id: n(NAME),
        spec,
        expected: Some(n::<Price>(EXPECTED)),
    });
    broker
}

pub fn name() -> ClientOrderId {
    n(NAME)
}

/// An answer with a code, in the envelope of every answer.
pub fn coded(code: i64, message: &str) -> Vec<u8> {
    ok(&json!({"retCode": code, "retMsg": message, "result": {}, "time": START}).to_string())
}

pub fn result(result: &Value) -> Vec<u8> {
    ok(&json!({"retCode": 0, "retMsg": "OK", "result": result, "time": START}).to_string())
}

/// A whole list of a market.
pub fn list(category: &str, rows: &[Value]) -> Vec<u8> {
    result(&json!({"category": category, "list": rows, "nextPageCursor": ""}))
}

/// What the venue says about its clock.
pub fn time_at(ms: i64) -> Vec<u8> {
    result(&json!({"timeSecond": (ms / 1_000).to_string(), "timeNano": format!("{ms}000000")}))
}

/// Path and parameters of a GET.
pub fn asked(seen: &Seen) -> (String, BTreeMap<String, String>) {
    let target = seen.line().1;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (path.to_owned(), pairs.collect())
}

/// A server that answers questions by what `answer` finds for path and parameters; a question
/// that nobody expected is a 404.
pub async fn answering(
    answer: impl Fn(&str, &BTreeMap<String, String>) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Server {
    Server::start(move |seen| {
        let (path, params) = asked(seen);
        let unexpected = || http("404 Not Found", "", &path);
        Then::Answer(answer(&path, &params).unwrap_or_else(unexpected))
    })
    .await
}

/// Events in short.
pub fn short(events: &[AccountEvent]) -> Vec<String> {
    let one = |event: &AccountEvent| match event {
        AccountEvent::Accepted { order } => format!("accepted {order}"),
        AccountEvent::Triggered { order } => format!("triggered {order}"),
        AccountEvent::Cancelled { order } => format!("cancelled {order}"),
        AccountEvent::Rejected { order, reason } => format!("rejected {order}: {reason}"),
        AccountEvent::Fill(fill) => format!(
            "{} {} {} {} {}",
            fill.kind.name(),
            fill.order,
            fill.exec_id,
            fill.side,
            fill.qty
        ),
        AccountEvent::Funding { paid, payment, .. } => {
            format!("funding {paid} {}", payment.as_deref().unwrap_or("-"))
        }
        other => format!("{other:?}"),
    };
    events.iter().map(one).collect()
}
