//! What two pictures of an account differ in.

use super::*;
use crate::domain::{
    AccountEvent, Fill, FillKind, Instrument, Intent, LegId, Liquidity, Money, OrderKind,
    OrderSpec, Price, Purpose, ReportedPosition, TimeInForce, Timestamp,
};

const BTC: InstrumentId = InstrumentId(0);

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

fn instruments() -> Instruments {
    let all = serde_json::json!([{
        "symbol": "BTCUSDT", "category": "linear", "base": "BTC", "quote": "USDT",
        "tick": "0.1", "qty_step": "0.001", "min_qty": "0.001", "max_qty": "100",
        "max_market_qty": "100", "min_notional": "5", "funding_hours": 8
    }]);
    let list: Vec<Instrument> = serde_json::from_value(all).unwrap();
    Instruments::new(list).unwrap()
}

/// One order of one coin sent at 100, accepted at 110 unless `is_silent`.
fn desk(is_silent: bool) -> (Orders, Ledger, ClientOrderId) {
    let id: ClientOrderId = "tt-a".parse().unwrap();
    let mut orders = Orders::new(1);
    let spec = OrderSpec {
        instrument: BTC,
        side: Side::Buy,
        qty: qty("1"),
        kind: OrderKind::Market,
        tif: TimeInForce::Gtc,
        reduce_only: false,
        purpose: Purpose::Entry,
    };
    let intent = Intent {
        id,
        leg: LegId(0),
        trace: 1,
        decided_at: at(100),
        spec,
    };
    orders.sent(&intent, at(100)).unwrap();
    if !is_silent {
        orders.apply(&AccountEvent::Accepted { order: id }, at(110));
    }
    (orders, Ledger::new(Money::ZERO, 1), id)
}

fn fill(orders: &mut Orders, ledger: &mut Ledger, order: ClientOrderId, amount: &str, ms: i64) {
    let fill = Fill {
        exec_id: format!("e-{ms}"),
        order,
        instrument: BTC,
        side: Side::Buy,
        price: "50000".parse().unwrap(),
        qty: qty(amount),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: at(ms),
        expected: Price::ZERO,
        withheld: Qty::ZERO,
    };
    orders.apply(&AccountEvent::Fill(fill.clone()), at(ms));
    ledger.apply_fill(&fill, None);
}

fn listed(order: Option<ClientOrderId>, filled: &str) -> ReportedOrder {
    ReportedOrder {
        order,
        venue_id: "v-1".to_owned(),
        instrument: Some(BTC),
        symbol: "BTCUSDT".to_owned(),
        side: Side::Buy,
        qty: qty("1"),
        filled: qty(filled),
    }
}

fn position(instrument: Option<InstrumentId>, amount: &str) -> ReportedPosition {
    ReportedPosition {
        instrument,
        symbol: "BTCUSDT".to_owned(),
        size: qty(amount).signed(Side::Buy),
        entry: None,
    }
}

fn report(
    asked: i64,
    orders: Vec<ReportedOrder>,
    positions: Vec<ReportedPosition>,
) -> AccountReport {
    AccountReport {
        asked_at: at(asked),
        orders,
        positions,
        cash: None,
    }
}

fn classes(orders: &Orders, ledger: &Ledger, report: &AccountReport) -> Vec<&'static str> {
    let found = differences(orders, ledger, &instruments(), report);
    found.iter().map(Difference::class).collect()
}

#[test]
fn equal_pictures_have_no_difference() {
    let (mut orders, mut ledger, id) = desk(false);
    let same = report(200, vec![listed(Some(id), "0")], vec![]);
    assert!(classes(&orders, &ledger, &same).is_empty());
    fill(&mut orders, &mut ledger, id, "0.4", 150);
    let same = report(
        200,
        vec![listed(Some(id), "0.4")],
        vec![position(Some(BTC), "0.4")],
    );
    assert!(classes(&orders, &ledger, &same).is_empty());
}

#[test]
fn each_class_is_found() {
    let (mut orders, mut ledger, id) = desk(false);
    let none = report(200, vec![], vec![]);
    assert_eq!(classes(&orders, &ledger, &none), ["order gone"]);
    let more = report(
        200,
        vec![listed(Some(id), "0.3")],
        vec![position(Some(BTC), "0.3")],
    );
    assert_eq!(
        classes(&orders, &ledger, &more),
        ["missing fill", "position"]
    );
    let foreign = report(200, vec![listed(Some(id), "0"), listed(None, "0")], vec![]);
    assert_eq!(classes(&orders, &ledger, &foreign), ["foreign order"]);
    let stranger: ClientOrderId = "web-1".parse().unwrap();
    let foreign = report(
        200,
        vec![listed(Some(id), "0"), listed(Some(stranger), "0")],
        vec![],
    );
    assert_eq!(classes(&orders, &ledger, &foreign), ["foreign order"]);
    let unknown = report(200, vec![listed(Some(id), "0")], vec![position(None, "3")]);
    assert_eq!(classes(&orders, &ledger, &unknown), ["position"]);
    fill(&mut orders, &mut ledger, id, "1", 150);
    let back = report(
        200,
        vec![listed(Some(id), "1")],
        vec![position(Some(BTC), "1")],
    );
    assert_eq!(classes(&orders, &ledger, &back), ["order back"]);
}

#[test]
fn what_changed_after_the_question_is_left_for_the_next_report() {
    let (mut orders, mut ledger, id) = desk(false);
    // Asked before the order was accepted: of course it is not listed.
    assert!(classes(&orders, &ledger, &report(110, vec![], vec![])).is_empty());
    fill(&mut orders, &mut ledger, id, "1", 150);
    let stale = report(150, vec![listed(Some(id), "0")], vec![]);
    assert!(classes(&orders, &ledger, &stale).is_empty());
    assert_eq!(
        classes(&orders, &ledger, &report(151, vec![], vec![])),
        ["position"]
    );
}

#[test]
fn an_order_nobody_has_answered_for_is_not_missed() {
    let (orders, ledger, _) = desk(true);
    assert!(classes(&orders, &ledger, &report(200, vec![], vec![])).is_empty());
}
