//! Arrival times and answers of the paper broker.

use super::*;
use crate::domain::{
    Bar, BarEvent, Category, Fill, Instrument, InstrumentId, Instruments, Intent, Interval, LegId,
    OrderKind, OrderSpec, Purpose, Qty, Quote, Rate, Side, Symbol, TimeInForce,
};
use crate::venue::sim::{Costs, Settings};

const ID: InstrumentId = InstrumentId(0);
const MINUTE: i64 = 60_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn broker(latency_ms: u32) -> PaperBroker {
    let instrument = Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: "0.1".parse().unwrap(),
        qty_step: "0.001".parse().unwrap(),
        min_qty: "0.001".parse().unwrap(),
        max_qty: "1000".parse().unwrap(),
        max_market_qty: "1000".parse().unwrap(),
        min_notional: "5".parse().unwrap(),
        funding_hours: 8,
    };
    let costs = Costs {
        maker: Rate::ZERO,
        taker: Rate::ZERO,
        slippage: Rate::ZERO,
    };
    let table = Instruments::new(vec![instrument]).unwrap();
    let settings = Settings::new("10000".parse().unwrap(), "USDT", costs);
    PaperBroker::new(Matcher::new(table, settings).unwrap(), latency_ms)
}

fn order(id: &str, side: Side, qty: &str) -> Approved {
    Approved::for_test(Intent {
        id: id.parse().unwrap(),
        leg: LegId(0),
        trace: 0,
        decided_at: at(0),
        spec: OrderSpec {
            instrument: ID,
            side,
            qty: qty.parse().unwrap(),
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            reduce_only: false,
            purpose: Purpose::Entry,
        },
    })
}

fn open(price: &str) -> MarketEvent {
    MarketEvent::BarOpen {
        instrument: ID,
        price: price.parse().unwrap(),
    }
}

fn bar(open_ms: i64, price: &str) -> MarketEvent {
    let price = price.parse().unwrap();
    MarketEvent::Bar(BarEvent {
        instrument: ID,
        interval: Interval::from_millis(MINUTE).unwrap(),
        confirmed: true,
        bar: Bar {
            open_time: at(open_ms),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: "100".parse().unwrap(),
        },
    })
}

fn quote(bid: &str, ask: &str) -> MarketEvent {
    let size: Qty = "50".parse().unwrap();
    MarketEvent::Quote(Quote {
        instrument: ID,
        bid: bid.parse().unwrap(),
        bid_qty: size,
        ask: ask.parse().unwrap(),
        ask_qty: size,
    })
}

fn fills(out: &Answers) -> Vec<&Fill> {
    out.iter()
        .filter_map(|(_, event)| match event {
            AccountEvent::Fill(fill) => Some(fill),
            _ => None,
        })
        .collect()
}

#[test]
fn without_latency_a_decision_at_the_close_fills_at_the_next_open() {
    let (mut broker, mut out) = (broker(0), Vec::new());
    broker.on_market(at(0), &open("100"), &mut out);
    broker.on_market(at(MINUTE), &bar(0, "100"), &mut out);
    broker.submit(at(MINUTE), order("a", Side::Buy, "1"));
    assert_eq!(broker.next_due(), Some(at(MINUTE)));
    broker.on_market(at(MINUTE), &open("103"), &mut out);
    let fills = fills(&out);
    assert_eq!(fills.len(), 1);
    assert_eq!(fills[0].price, "103".parse().unwrap());
    assert_eq!(fills[0].expected, "100".parse().unwrap());
    assert_eq!(fills[0].at, at(MINUTE));
    assert_eq!(broker.next_due(), None);
}

#[test]
fn with_latency_it_meets_the_price_of_its_arrival() {
    let (mut broker, mut out) = (broker(50), Vec::new());
    broker.on_market(at(0), &quote("99", "100"), &mut out);
    broker.submit(at(0), order("a", Side::Buy, "1"));
    broker.on_market(at(49), &quote("100", "101"), &mut out);
    assert!(out.is_empty());
    // Due at 50, so the quote of 60 comes too late for it.
    broker.on_market(at(60), &quote("109", "110"), &mut out);
    assert_eq!(fills(&out)[0].price, "101".parse().unwrap());
    assert_eq!(fills(&out)[0].at, at(50));
    assert!(out.iter().all(|(when, _)| *when == at(50)));
}

#[test]
fn an_arrival_comes_before_the_event_of_its_own_moment() {
    let (mut broker, mut out) = (broker(50), Vec::new());
    broker.on_market(at(0), &quote("99", "100"), &mut out);
    broker.submit(at(0), order("a", Side::Buy, "1"));
    broker.on_market(at(50), &quote("109", "110"), &mut out);
    assert_eq!(fills(&out)[0].price, "100".parse().unwrap());
}

#[test]
fn arrivals_keep_the_order_of_hand_over() {
    let (mut broker, mut out) = (broker(10), Vec::new());
    broker.on_market(at(0), &open("100"), &mut out);
    broker.submit(at(5), order("later", Side::Buy, "1"));
    broker.submit(at(3), order("b", Side::Buy, "1"));
    broker.submit(at(3), order("a", Side::Sell, "1"));
    broker.advance(at(12), &mut out);
    assert!(out.is_empty());
    broker.advance(at(15), &mut out);
    let order_of: Vec<_> = fills(&out).iter().map(|f| f.exec_id.clone()).collect();
    assert_eq!(order_of, ["b-1", "a-1", "later-1"]);
    assert_eq!(broker.account().positions[0].qty, "1".parse().unwrap());
}

#[test]
fn a_cancel_travels_as_long_as_its_order() {
    let (mut broker, mut out) = (broker(10), Vec::new());
    broker.on_market(at(0), &bar(-MINUTE, "100"), &mut out);
    broker.submit(at(0), order("a", Side::Buy, "1"));
    broker.cancel(at(1), "a".parse().unwrap());
    broker.advance(at(10), &mut out);
    assert_eq!(broker.account().orders.len(), 1);
    assert!(!broker.account().is_flat());
    broker.advance(at(11), &mut out);
    let order = "a".parse().unwrap();
    assert_eq!(
        out,
        [
            (at(10), AccountEvent::Accepted { order }),
            (at(11), AccountEvent::Cancelled { order })
        ]
    );
    assert!(broker.account().is_flat());
}

#[test]
fn a_full_way_turns_orders_back_but_never_cancels() {
    let (mut broker, mut out) = (broker(10), Vec::new());
    broker.on_market(at(0), &open("100"), &mut out);
    for i in 0..PaperBroker::MAX_ON_THE_WAY {
        broker.submit(at(0), order(&format!("o{i}"), Side::Buy, "0.05"));
    }
    broker.submit(at(0), order("over", Side::Buy, "1"));
    broker.cancel(at(0), "over".parse().unwrap());
    broker.advance(at(0), &mut out);
    let order = "over".parse().unwrap();
    let cause = NotSent::QueueFull;
    assert_eq!(out, [(at(0), AccountEvent::NotSent { order, cause })]);
    out.clear();
    broker.advance(at(10), &mut out);
    assert_eq!(
        out.last(),
        Some(&(at(10), AccountEvent::CancelRejected { order }))
    );
    broker.submit(at(20), order_again());
    broker.advance(at(30), &mut out);
    assert!(broker.matcher().knows(&"again".parse().unwrap()));
}

fn order_again() -> Approved {
    order("again", Side::Buy, "1")
}
