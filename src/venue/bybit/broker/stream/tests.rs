//! Frames of the private socket, as the venue writes them.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::domain::{Fill, FillKind};
use crate::venue::bybit::broker::samples::{PERP, SPOT, instruments, n, roster};

fn stream() -> PrivateStream {
    PrivateStream::new(instruments(), roster(&[("a", "limit"), ("s", "stop")]))
}

fn frame(topic: &str, rows: &[Value]) -> String {
    json!({"id": "m", "topic": topic, "creationTime": 1_700_000_000_900_i64, "data": rows})
        .to_string()
}

/// A row of an order, changed at millisecond `at`, of which `traded` has filled.
fn order(link: &str, status: &str, at: i64, traded: &str) -> Value {
    json!({
        "category": "linear", "symbol": "BTCUSDT", "orderId": format!("v-{link}"),
        "orderLinkId": link, "side": "Buy", "orderType": "Limit", "price": "60000", "qty": "1",
        "timeInForce": "GTC", "orderStatus": status, "positionIdx": 0, "reduceOnly": false,
        "leavesQty": "", "cumExecQty": traded, "avgPrice": "", "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError", "stopOrderType": "", "triggerPrice": "",
        "triggerDirection": 0, "createdTime": "1700000000000",
        "updatedTime": (1_700_000_000_000 + at).to_string(),
    })
}

fn with(mut row: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("not an object")
    };
    for (name, value) in fields {
        row[name] = value;
    }
    row
}

/// Events of one frame of orders, in short.
fn hear(stream: &mut PrivateStream, rows: &[Value]) -> Vec<String> {
    let heard = stream.read(&frame("order", rows)).unwrap();
    assert!(heard.strange.is_empty(), "{:?}", heard.strange);
    heard.events.iter().map(short).collect()
}

fn short(event: &AccountEvent) -> String {
    match event {
        AccountEvent::Accepted { order } => format!("accepted {order}"),
        AccountEvent::Triggered { order } => format!("triggered {order}"),
        AccountEvent::Cancelled { order } => format!("cancelled {order}"),
        AccountEvent::CancelRejected { order } => format!("too late {order}"),
        AccountEvent::Rejected { order, reason } => format!("rejected {order}: {reason}"),
        AccountEvent::Fill(Fill { order, qty, .. }) => format!("filled {order} {qty}"),
        other => format!("{other:?}"),
    }
}

const NONE: [&str; 0] = [];

#[rstest]
#[case("New", json!({}), &["accepted a"])]
#[case("Untriggered", json!({}), &["accepted a"])]
#[case("Triggered", json!({}), &["accepted a", "triggered a"])]
#[case("PartiallyFilled", json!({"cumExecQty": "0.4"}), &["accepted a"])]
#[case("Filled", json!({"cumExecQty": "1"}), &[])]
#[case("Cancelled", json!({}), &["cancelled a"])]
#[case("Cancelled", json!({"cumExecQty": "0.4"}), &["cancelled a"])]
#[case("Cancelled", json!({"rejectReason": "EC_PerCancelRequest"}), &["cancelled a"])]
#[case("Cancelled", json!({"rejectReason": "EC_NoImmediateQtyToFill"}), &["cancelled a"])]
#[case("Deactivated", json!({}), &["cancelled a"])]
#[case("PartiallyFilledCanceled", json!({"cumExecQty": "0.4"}), &["cancelled a"])]
#[case(
    "Cancelled",
    json!({"rejectReason": "EC_PostOnlyWillTakeLiquidity"}),
    &["rejected a: post-only order would take liquidity"]
)]
#[case(
    "Cancelled",
    json!({"rejectReason": "EC_CancelForNoFullFill"}),
    &["rejected a: fill-or-kill order cannot be filled whole"]
)]
#[case("Rejected", json!({"rejectReason": "EC_ReachRiskPriceLimit"}),
    &["rejected a: EC_ReachRiskPriceLimit"])]
#[case("Rejected", json!({}), &["rejected a: rejected without a reason"])]
// A refusal with fills is the end of the rest.
#[case("Rejected", json!({"cumExecQty": "0.4", "rejectReason": "EC_Others"}), &["cancelled a"])]
fn states(#[case] status: &str, #[case] fields: Value, #[case] expected: &[&str]) {
    let row = with(order("a", status, 1, "0"), fields);
    let mut stream = stream();
    assert_eq!(hear(&mut stream, std::slice::from_ref(&row)), expected);
    assert_eq!(hear(&mut stream, &[row]), NONE, "told twice");
}

#[test]
fn a_life_is_told_once_whatever_is_repeated_or_late() {
    let mut stream = stream();
    let new = order("a", "New", 1, "0");
    let part = order("a", "PartiallyFilled", 2, "0.4");
    let more = order("a", "PartiallyFilled", 2, "0.6");
    let over = order("a", "Cancelled", 3, "0.6");
    assert_eq!(hear(&mut stream, &[part, new.clone()]), ["accepted a"]);
    assert_eq!(hear(&mut stream, &[more, new.clone()]), NONE);
    assert_eq!(hear(&mut stream, &[over.clone(), over]), ["cancelled a"]);
    // Even a later message does not wake the dead.
    let risen = order("a", "New", 9, "0.6");
    assert_eq!(hear(&mut stream, &[new, risen]), NONE);
}

#[test]
fn a_conditional_order_wakes_once() {
    let mut stream = stream();
    let fields = json!({"triggerPrice": "60000", "stopOrderType": "Stop", "side": "Sell"});
    let row = |status, at, traded| with(order("s", status, at, traded), fields.clone());
    assert_eq!(
        hear(&mut stream, &[row("Untriggered", 1, "0")]),
        ["accepted s"]
    );
    assert_eq!(stream.roster.sleeps(&n("s")), Some(true));
    // All within one millisecond.
    let rows = [
        row("Triggered", 5, "0"),
        row("New", 5, "0"),
        row("Filled", 5, "1"),
    ];
    assert_eq!(hear(&mut stream, &rows), ["triggered s"]);
    assert_eq!(stream.roster.sleeps(&n("s")), Some(false));
}

#[test]
fn a_conditional_order_that_was_seen_working_has_woken_up() {
    let mut stream = stream();
    // The message of the trigger itself was lost.
    let rows = [order("s", "New", 5, "0")];
    assert_eq!(hear(&mut stream, &rows), ["accepted s", "triggered s"]);
}

#[test]
fn a_cancel_that_lost_is_told_once() {
    let mut stream = stream();
    let filled = order("a", "Filled", 4, "1");
    let lost = json!({"cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"});
    let again = with(order("a", "Filled", 4, "1"), lost);
    assert_eq!(hear(&mut stream, &[filled]), NONE);
    assert_eq!(hear(&mut stream, &[again.clone(), again]), ["too late a"]);
}

#[test]
fn orders_of_others_tell_nothing() {
    let mut stream = stream();
    let rows = [
        order("web-1", "New", 1, "0"),
        order("tt-other-one", "Cancelled", 1, "0"),
        order("", "Rejected", 1, "0"),
        with(
            order("", "UnheardOf", 1, "0"),
            json!({"category": "option"}),
        ),
    ];
    assert_eq!(hear(&mut stream, &rows), NONE);
}

#[test]
fn an_unknown_state_is_told_as_it_came_and_once() {
    let mut stream = stream();
    let text = frame("order", &[order("a", "Frozen\u{7}", 1, "0")]);
    let heard = stream.read(&text).unwrap();
    assert!(heard.events.is_empty());
    assert_eq!(heard.strange.len(), 1);
    assert_eq!(heard.strange[0].kind, StrangeKind::OrderStatus);
    assert_eq!(heard.strange[0].instrument, Some(PERP));
    assert_eq!(
        heard.strange[0].text,
        "order a is in the unknown state Frozen"
    );
    assert_eq!(stream.read(&text).unwrap(), Heard::default());
    assert_eq!(
        hear(&mut stream, &[order("a", "New", 2, "0")]),
        ["accepted a"]
    );
}

fn execution(link: &str, id: &str) -> Value {
    json!({"symbol": "BTCUSDT", "orderId": format!("v-{link}"), "orderLinkId": link,
        "side": "Buy", "execId": id, "execType": "Trade", "execPrice": "64000",
        "execQty": "0.5", "execFee": "17", "execTime": "1700000000500", "isMaker": false,
        "feeCurrency": "", "closedSize": "", "seq": 1})
}

#[test]
fn executions_are_told_with_the_market_of_row_or_topic() {
    let mut stream = stream();
    let rows = [
        with(execution("a", "e-1"), json!({"category": "linear"})),
        with(
            execution("web-1", "e-2"),
            json!({"category": "spot", "execFee": "0.0005"}),
        ),
    ];
    let heard = stream.read(&frame("execution", &rows)).unwrap();
    let fills: Vec<(FillKind, InstrumentId)> = heard
        .events
        .iter()
        .filter_map(|event| match event {
            AccountEvent::Fill(fill) => Some((fill.kind, fill.instrument)),
            _ => None,
        })
        .collect();
    assert_eq!(fills, [(FillKind::Trade, PERP), (FillKind::Foreign, SPOT)]);
    assert_eq!(heard.strange, []);
    let heard = stream.read(&frame("execution.linear", &[execution("a", "e-1")]));
    assert_eq!(short(&heard.unwrap().events[0]), "filled a 0.5");
    // Without any market nobody can say what was traded.
    let heard = stream
        .read(&frame("execution", &[execution("a", "e-3")]))
        .unwrap();
    assert_eq!((heard.events.len(), heard.strange.len()), (0, 1));
    // The fast stream only says that there is news.
    let fast = json!({"category": "linear", "symbol": "BTCUSDT", "execId": "e-4", "side": "Buy",
        "execPrice": "64000", "execQty": "1", "orderId": "v-a", "isMaker": true,
        "orderLinkId": "", "execTime": "1700000000500", "seq": 1});
    let heard = stream.read(&frame("execution.fast", &[fast])).unwrap();
    assert!(heard.has_traded && heard.events.is_empty() && heard.strange.is_empty());
}

fn position(amount: &str, side: &str, seq: i64, at: i64) -> Value {
    json!({"category": "linear", "symbol": "BTCUSDT", "positionIdx": 0, "side": side,
        "size": amount, "entryPrice": "64000", "leverage": "10", "seq": seq,
        "updatedTime": at.to_string()})
}

#[test]
fn the_newest_position_is_kept() {
    let mut stream = stream();
    assert_eq!(stream.position_of(PERP), None);
    let mut push = |rows: &[Value]| {
        let heard = stream.read(&frame("position", rows)).unwrap();
        assert_eq!(heard, Heard::default());
        stream.position_of(PERP).map(|size| size.to_string())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(push(&[position("0.5", "Buy", 10, 100)]), some("0.5"));
    assert_eq!(
        push(&[position("0.4", "Buy", 9, 900)]),
        some("0.5"),
        "older by number"
    );
    assert_eq!(
        push(&[position("0.6", "Buy", 10, 99)]),
        some("0.5"),
        "older by time"
    );
    assert_eq!(push(&[position("0.6", "Sell", 10, 101)]), some("-0.6"));
    assert_eq!(push(&[position("0", "", 11, 50)]), some("0"));
    // A size without a direction is nothing to compare with.
    assert_eq!(push(&[position("1", "", 12, 60)]), None);
    // Of other markets, and of symbols that are not traded.
    let others = [
        with(position("9", "Buy", 99, 1), json!({"category": "inverse"})),
        with(position("9", "Buy", 99, 1), json!({"symbol": "ETHUSDT"})),
    ];
    assert_eq!(push(&others), None);
    assert_eq!(stream.positions().count(), 2);
    assert_eq!(stream.position_of(SPOT), None);
    assert_eq!(stream.position_of(InstrumentId(9)), None);
    stream.disconnected();
    assert_eq!(stream.positions().count(), 0);
}

#[test]
fn hedge_mode_is_told_once() {
    let mut stream = stream();
    let row = with(position("0", "", 1, 1), json!({"positionIdx": 2}));
    let heard = stream
        .read(&frame("position", std::slice::from_ref(&row)))
        .unwrap();
    assert_eq!(heard.strange.len(), 1);
    assert_eq!(heard.strange[0].kind, StrangeKind::HedgeMode);
    assert!(heard.strange[0].text.contains("positionIdx 2"));
    assert_eq!(
        stream.read(&frame("position", &[row])).unwrap(),
        Heard::default()
    );
    // The row of another place says nothing about the one-way position.
    assert_eq!(stream.position_of(PERP), None);
}

#[test]
fn balances_are_merged_and_absence_is_not_zero() {
    let mut stream = stream();
    let mut push = |at: i64, coins: Value| {
        let text = json!({"topic": "wallet", "creationTime": at, "data": [
            {"accountType": "UNIFIED", "totalEquity": "1000", "coin": coins}]});
        assert_eq!(stream.read(&text.to_string()).unwrap(), Heard::default());
        ["USDT", "BTC"].map(|coin| stream.balance_of(coin).map(|b| b.to_string()))
    };
    let texts = |usdt: Option<&str>, btc: Option<&str>| [usdt, btc].map(|t| t.map(str::to_owned));
    let usdt = |balance: &str| json!({"coin": "USDT", "walletBalance": balance, "equity": "7"});
    let btc = json!({"coin": "BTC", "walletBalance": "0.5"});
    assert_eq!(push(10, json!([usdt("100")])), texts(Some("100"), None));
    assert_eq!(push(11, json!([btc])), texts(Some("100"), Some("0.5")));
    assert_eq!(push(12, json!([usdt("")])), texts(Some("100"), Some("0.5")));
    assert_eq!(push(12, json!([usdt("0")])), texts(Some("0"), Some("0.5")));
    assert_eq!(
        push(9, json!([usdt("55")])),
        texts(Some("0"), Some("0.5")),
        "older"
    );
    assert_eq!(stream.wallet().total_equity, Some(n("1000")));
}

#[test]
fn what_cannot_be_read_is_an_error_and_changes_nothing() {
    let mut stream = stream();
    let bad = with(order("a", "New", 1, "0"), json!({"qty": "NaN"}));
    for text in [
        frame("order", &[order("a", "New", 1, "0"), bad]),
        "{}".to_owned(),
        "half".to_owned(),
    ] {
        assert!(stream.read(&text).is_err(), "{text}");
    }
    assert_eq!(
        hear(&mut stream, &[order("a", "New", 1, "0")]),
        ["accepted a"]
    );
    for text in [
        r#"{"success":true,"ret_msg":"","conn_id":"c","op":"subscribe"}"#,
        r#"{"op":"pong","args":["1"],"conn_id":"c"}"#,
        r#"{"topic":"greeks","data":[]}"#,
    ] {
        assert_eq!(stream.read(text).unwrap(), Heard::default());
    }
}

/// Places in the life of one order that may be told, and told again, in any order.
const LIFE: [(&str, i64, &str); 6] = [
    ("Untriggered", 1, "0"),
    ("Triggered", 2, "0"),
    ("New", 2, "0"),
    ("PartiallyFilled", 3, "0.4"),
    ("PartiallyFilled", 4, "0.6"),
    ("Cancelled", 5, "0.6"),
];

proptest! {
    /// However messages are shuffled and repeated, each thing is told at most once, nothing is
    /// told after the end, and the end is told.
    #[test]
    fn shuffled_messages_tell_each_thing_once(
        picks in prop::collection::vec(0..LIFE.len(), 0..20),
    ) {
        let mut stream = stream();
        let mut told = Vec::new();
        for pick in picks.into_iter().chain([LIFE.len() - 1]) {
            let (status, at, traded) = LIFE[pick];
            told.extend(hear(&mut stream, &[order("s", status, at, traded)]));
        }
        prop_assert_eq!(told.last().map(String::as_str), Some("cancelled s"));
        let n_told = told.len();
        told.sort();
        told.dedup();
        prop_assert_eq!(told.len(), n_told);
    }
}
