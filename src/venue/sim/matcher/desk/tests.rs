//! Amends, examinations and trades that no order made.

use super::*;
use crate::domain::{
    BookUpdate, FillKind, Instrument, Instruments, Intent, LegId, Level, Liquidity, MarketEvent,
    Purpose, Rate, Symbol, TimeInForce,
};
use crate::venue::sim::{Costs, Settings};

const ID: InstrumentId = InstrumentId(0);

fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn matcher(cash: &str) -> Matcher {
    let instrument = Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: n("0.1"),
        qty_step: n("0.001"),
        min_qty: n("0.001"),
        max_qty: n("1000"),
        max_market_qty: n("1000"),
        min_notional: n("5"),
        funding_hours: 8,
    };
    let costs = Costs {
        maker: Rate::ZERO,
        taker: Rate::ZERO,
        slippage: Rate::ZERO,
    };
    let table = Instruments::new(vec![instrument]).unwrap();
    let mut matcher = Matcher::new(table, Settings::new(n(cash), "USDT", costs)).unwrap();
    let level = |price: &str| Level {
        price: n(price),
        qty: n("5"),
    };
    let book = BookUpdate {
        instrument: ID,
        snapshot: true,
        update_id: 1,
        bids: vec![level("99"), level("98")],
        asks: vec![level("101"), level("102")],
    };
    matcher.on_market(at(0), &MarketEvent::Book(book), &mut Vec::new());
    matcher
}

fn intent(id: &str, side: Side, qty: &str, price: Option<&str>) -> Intent {
    let kind = match price {
        Some(price) => OrderKind::Limit {
            price: n(price),
            post_only: false,
        },
        None => OrderKind::Market,
    };
    Intent {
        id: n(id),
        leg: LegId(0),
        trace: 0,
        decided_at: at(0),
        spec: OrderSpec {
            instrument: ID,
            side,
            qty: n(qty),
            kind,
            tif: TimeInForce::Gtc,
            reduce_only: false,
            purpose: Purpose::Entry,
        },
    }
}

fn change(qty: Option<&str>, price: Option<&str>) -> Change {
    Change {
        qty: qty.map(n),
        price: price.map(n),
        trigger: None,
    }
}

/// Trade of others at 99 by a seller.
fn sold(matcher: &mut Matcher, ms: i64, qty: &str) -> usize {
    let trade = MarketEvent::Trade(crate::domain::PublicTrade {
        instrument: ID,
        price: n("99"),
        qty: n(qty),
        taker: Side::Sell,
    });
    let mut out = Vec::new();
    matcher.on_market(at(ms), &trade, &mut out);
    out.len()
}

#[test]
fn a_smaller_amount_keeps_the_place_and_a_larger_one_gives_it_up() {
    for (qty, fills) in [("1", 1), ("3", 0)] {
        let (mut matcher, mut out) = (matcher("1000"), Vec::new());
        matcher.submit(at(1), &intent("a", Side::Buy, "2", Some("99")), &mut out);
        // The five shown ahead of it have traded.
        assert_eq!(sold(&mut matcher, 2, "5"), 0);
        matcher
            .amend(at(3), &n("a"), &change(Some(qty), None), &mut out)
            .unwrap();
        assert_eq!(sold(&mut matcher, 4, "1"), fills, "amended to {qty}");
    }
}

#[test]
fn a_new_price_that_crosses_takes() {
    let (mut matcher, mut out) = (matcher("1000"), Vec::new());
    matcher.submit(at(1), &intent("a", Side::Buy, "2", Some("98")), &mut out);
    out.clear();
    matcher
        .amend(at(2), &n("a"), &change(None, Some("101")), &mut out)
        .unwrap();
    let fills = out.iter().filter_map(|(_, event)| match event {
        AccountEvent::Fill(fill) => Some((fill.price, fill.qty, fill.liquidity)),
        _ => None,
    });
    assert_eq!(
        fills.collect::<Vec<_>>(),
        [(n("101"), n("2"), Liquidity::Taker)]
    );
}

#[test]
fn a_refused_amend_changes_nothing() {
    let (mut matcher, mut out) = (matcher("100"), Vec::new());
    matcher.submit(at(1), &intent("a", Side::Buy, "5", Some("99")), &mut out);
    let before = matcher.clone();
    for (change, words) in [
        (change(Some("50"), None), "does not cover"),
        (change(None, Some("98.05")), "not a multiple of the tick"),
        (change(Some("0.01"), None), "below the minimum"),
        (
            Change {
                trigger: Some(n("90")),
                ..Change::default()
            },
            "no trigger",
        ),
    ] {
        let told = matcher.would_amend(&n("a"), &change).unwrap_err();
        let error = matcher
            .amend(at(2), &n("a"), &change, &mut out)
            .unwrap_err();
        assert_eq!(told, error);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(matcher, before);
    }
    let gone = matcher.amend(at(2), &n("b"), &Change::default(), &mut out);
    assert_eq!(gone, Err(AmendError::NotOpen(n("b"))));
    // What its own margin holds is free for the order as amended.
    matcher
        .amend(at(3), &n("a"), &change(Some("9"), None), &mut out)
        .unwrap();
}

#[test]
fn an_examination_says_what_a_submit_would() {
    let (mut matcher, mut out) = (matcher("100"), Vec::new());
    let (good, bad) = (
        intent("a", Side::Buy, "2", Some("98")),
        intent("b", Side::Buy, "200", Some("98")),
    );
    let before = matcher.clone();
    assert_eq!(matcher.examine(&good.spec), Ok(()));
    let reason = matcher.examine(&bad.spec).unwrap_err();
    assert_eq!(matcher, before);
    matcher.submit(at(1), &bad, &mut out);
    let order = n("b");
    assert_eq!(out, [(at(1), AccountEvent::Rejected { order, reason })]);
}

#[test]
fn a_trade_without_an_order_moves_the_position_and_shrinks_what_reduces_it() {
    let (mut matcher, mut out) = (matcher("1000"), Vec::new());
    matcher.submit(at(1), &intent("a", Side::Buy, "2", None), &mut out);
    let mut close = intent("b", Side::Sell, "2", Some("110"));
    close.spec.reduce_only = true;
    matcher.submit(at(2), &close, &mut out);
    out.clear();
    let fill = Fill {
        exec_id: "adl".to_owned(),
        order: n("adl"),
        instrument: ID,
        side: Side::Sell,
        price: n("105"),
        qty: n("2"),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: at(3),
        expected: n("105"),
        withheld: crate::domain::Qty::ZERO,
    };
    matcher.book(at(3), fill.clone(), &mut out);
    let order = n("b");
    assert_eq!(
        out,
        [
            (at(3), AccountEvent::Fill(fill)),
            (at(3), AccountEvent::Cancelled { order })
        ]
    );
    assert!(matcher.account().is_flat());
    assert_eq!(matcher.cash(), n("1008"));
}

#[test]
fn a_closed_out_position_is_gone_with_its_orders() {
    let (mut matcher, mut out) = (matcher("1000"), Vec::new());
    matcher.submit(at(1), &intent("a", Side::Buy, "2", None), &mut out);
    matcher.submit(at(2), &intent("b", Side::Buy, "1", Some("90")), &mut out);
    out.clear();
    matcher.close_out(at(3), ID, &mut out);
    assert!(matches!(out[0].1, AccountEvent::Cancelled { .. }));
    assert!(matches!(&out[1].1, AccountEvent::Fill(fill) if fill.kind == FillKind::Liquidation));
    assert!(matcher.account().is_flat());
}
