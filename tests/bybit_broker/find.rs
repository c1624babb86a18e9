//! One order, in each place that may know it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rstest::rstest;
use serde_json::{Value, json};
use tradeterm::domain::{
    AccountEvent, ClientOrderId, FillKind, InstrumentId, OrderSpec, Timestamp, TriggerPrice,
};
use tradeterm::venue::broker::{AskError, Found, KnownOrder, RemoteBroker};

use crate::desk::{
    EXPECTED, NAME, PERP, SPOT, answering, approved, asked, broker, coded, limit, list, n, name,
    remembering, result, short, stop,
};
use crate::server::{START, Server, Then, http, ok};

/// A row of [`NAME`] in a state, of which `traded` has filled.
fn row(status: &str, traded: &str) -> Value {
    json!({"symbol": "BTCUSDT", "orderId": "v-1", "orderLinkId": NAME, "side": "Buy",
        "orderType": "Limit", "price": "63900.5", "qty": "0.5", "orderStatus": status,
        "cumExecQty": traded, "leavesQty": "", "avgPrice": "", "rejectReason": "EC_NoError",
        "createdTime": (START - 60_000).to_string(), "updatedTime": START.to_string()})
}

fn execution(id: &str, qty: &str, at: i64) -> Value {
    json!({"symbol": "BTCUSDT", "orderId": "v-1", "orderLinkId": NAME, "side": "Buy",
        "execId": id, "execType": "Trade", "execPrice": "63900.5", "execQty": qty,
        "execFee": "1.5", "feeCurrency": "", "isMaker": true, "closedSize": "",
        "execTime": (START + at).to_string(), "seq": 5})
}

/// A venue with these open orders, history and executions of contracts.
async fn venue(open: Vec<Value>, closed: Vec<Value>, executions: Vec<Value>) -> Server {
    answering(move |path, _| {
        let rows = match path {
            "/v5/order/realtime" => &open,
            "/v5/order/history" => &closed,
            "/v5/execution/list" => &executions,
            _ => return None,
        };
        Some(list("linear", rows))
    })
    .await
}

async fn find_at(server: &Server, spec: OrderSpec) -> Result<Found, AskError> {
    let instrument = spec.instrument;
    remembering(server, spec).find(name(), instrument).await
}

fn told(found: Result<Found, AskError>) -> Vec<String> {
    match found {
        Ok(Found::Events(events)) => short(&events),
        other => panic!("{other:?}"),
    }
}

fn paths(server: &Server) -> Vec<String> {
    server.seen().iter().map(|seen| asked(seen).0).collect()
}

#[rstest]
#[case::new(row("New", "0"), &["accepted tt-a-1"])]
#[case::sleeping(row("Untriggered", "0"), &["accepted tt-a-1"])]
#[case::waking(row("Triggered", "0"), &["accepted tt-a-1", "triggered tt-a-1"])]
#[case::gone(row("Cancelled", "0"), &["accepted tt-a-1", "cancelled tt-a-1"])]
#[case::asleep_gone(row("Deactivated", "0"), &["accepted tt-a-1", "cancelled tt-a-1"])]
#[tokio::test]
async fn an_order_that_did_not_trade(#[case] row: Value, #[case] expected: &[&str]) {
    for in_history in [false, true] {
        let rows = vec![row.clone()];
        let server = if in_history {
            venue(Vec::new(), rows, Vec::new()).await
        } else {
            venue(rows, Vec::new(), Vec::new()).await
        };
        assert_eq!(told(find_at(&server, limit(PERP)).await), expected);
        let mut places = vec!["/v5/order/realtime"];
        places.extend(in_history.then_some("/v5/order/history"));
        assert_eq!(paths(&server), places);
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_reason() {
    for (status, reason, expected) in [
        (
            "Cancelled",
            "EC_PostOnlyWillTakeLiquidity",
            "rejected tt-a-1: post-only order would take liquidity",
        ),
        ("Rejected", "EC_Others", "rejected tt-a-1: EC_Others"),
    ] {
        let mut row = row(status, "0");
        row["rejectReason"] = json!(reason);
        let server = venue(Vec::new(), vec![row], Vec::new()).await;
        assert_eq!(told(find_at(&server, limit(PERP)).await), [expected]);
    }
}

#[rstest]
#[case("PartiallyFilled", "0.3", &[])]
#[case("Filled", "0.3", &[])]
#[case("Cancelled", "0.3", &["cancelled tt-a-1"])]
#[case("PartiallyFilledCanceled", "0.3", &["cancelled tt-a-1"])]
#[case("Rejected", "0.3", &["cancelled tt-a-1"])]
#[tokio::test]
async fn fills_come_between_beginning_and_end(
    #[case] status: &str,
    #[case] traded: &str,
    #[case] end: &[&str],
) {
    // Newest first, one of them twice, one of another order.
    let mut other = execution("e-9", "9", 3);
    other["orderId"] = json!("v-9");
    let executions = vec![
        execution("e-2", "0.2", 9),
        other,
        execution("e-1", "0.1", 4),
        execution("e-2", "0.2", 9),
    ];
    let server = venue(vec![row(status, traded)], Vec::new(), executions).await;
    let mut expected = vec![
        "accepted tt-a-1",
        "trade tt-a-1 e-1 buy 0.1",
        "trade tt-a-1 e-2 buy 0.2",
    ];
    expected.extend(end);
    assert_eq!(told(find_at(&server, limit(PERP)).await), expected);
}

#[tokio::test]
async fn fills_are_measured_against_what_was_expected() {
    let executions = vec![execution("e-1", "0.5", 4)];
    let server = venue(vec![row("Filled", "0.5")], Vec::new(), executions).await;
    let Ok(Found::Events(events)) = find_at(&server, limit(PERP)).await else {
        panic!("nothing found");
    };
    let AccountEvent::Fill(fill) = &events[1] else {
        panic!("{events:?}");
    };
    assert_eq!((fill.expected, fill.kind), (n(EXPECTED), FillKind::Trade));
    assert_eq!(fill.fee, n("1.5"));
}

#[tokio::test]
async fn the_newest_of_several_rows_counts() {
    let mut old = row("New", "0");
    old["updatedTime"] = json!((START - 5).to_string());
    let rows = vec![old.clone(), row("Cancelled", "0"), old];
    let server = venue(rows, Vec::new(), Vec::new()).await;
    let events = told(find_at(&server, limit(PERP)).await);
    assert_eq!(events, ["accepted tt-a-1", "cancelled tt-a-1"]);
}

#[tokio::test]
async fn nowhere_needs_an_answer_of_every_place() {
    let server = venue(Vec::new(), Vec::new(), Vec::new()).await;
    assert_eq!(find_at(&server, limit(PERP)).await, Ok(Found::Nowhere));
    assert_eq!(paths(&server), ["/v5/order/realtime", "/v5/order/history"]);
    for seen in server.seen() {
        let (_, params) = asked(&seen);
        assert_eq!(params["category"], "linear");
        assert_eq!(params["orderLinkId"], NAME);
        assert_eq!(params["symbol"], "BTCUSDT");
        assert!(!params.contains_key("orderId"));
    }
}

#[tokio::test]
async fn executions_are_asked_for_where_the_venues_name_is_known() {
    let accepted = json!({"orderId": "v-1", "orderLinkId": NAME});
    let executions = Mutex::new(vec![execution("e-1", "0.1", 4)]);
    let server = answering(move |path, params| match path {
        "/v5/order/create" => Some(result(&accepted)),
        "/v5/execution/list" => {
            assert_eq!(params["orderId"], "v-1");
            let rows = std::mem::take(&mut *executions.lock().unwrap());
            Some(list("linear", &rows))
        }
        _ => Some(list("linear", &[])),
    })
    .await;
    let broker = broker(&server);
    broker.submit(&approved(NAME, limit(PERP)), None).await;
    // Orders are forgotten before executions are: it was there, its end is not known.
    let events = told(broker.find(name(), PERP).await);
    assert_eq!(events, ["accepted tt-a-1", "trade tt-a-1 e-1 buy 0.1"]);
    assert_eq!(broker.find(name(), PERP).await, Ok(Found::Nowhere));
}

#[tokio::test]
async fn spot_keeps_its_conditional_orders_apart() {
    let server = answering(|path, params| match path {
        "/v5/order/realtime" if params.get("orderFilter").is_some_and(|f| f == "StopOrder") => {
            Some(list("spot", &[row("Untriggered", "0")]))
        }
        _ => Some(list("spot", &[])),
    })
    .await;
    let found = find_at(&server, stop(SPOT, TriggerPrice::Last)).await;
    assert_eq!(told(found), ["accepted tt-a-1"]);
    // A plain order is in one place only.
    assert_eq!(find_at(&server, limit(SPOT)).await, Ok(Found::Nowhere));
}

#[tokio::test]
async fn an_order_of_long_ago_is_looked_for_in_its_own_days() {
    let decided = Timestamp::from_millis(START / 60_000 * 60_000 - 30 * 86_400_000);
    let id = ClientOrderId::of_decision(7, decided, 'o', 0);
    let server = answering(move |path, params: &BTreeMap<String, String>| match path {
        "/v5/order/history" if params.contains_key("startTime") => {
            assert_eq!(params["startTime"], decided.millis().to_string());
            let end = decided.plus_millis(7 * 86_400_000);
            assert_eq!(params["endTime"], end.millis().to_string());
            let mut row = row("Cancelled", "0");
            row["orderLinkId"] = json!(id.as_str());
            Some(list("linear", &[row]))
        }
        _ => Some(list("linear", &[])),
    })
    .await;
    let broker = broker(&server);
    broker.remember(KnownOrder {
        id,
        spec: limit(PERP),
        expected: None,
    });
    let events = told(broker.find(id, PERP).await);
    assert_eq!(
        events,
        [format!("accepted {id}"), format!("cancelled {id}")]
    );
}

/// Each way for a place to give no whole answer.
fn no_answers() -> Vec<(&'static str, Then)> {
    let answer = |bytes| Then::Answer(bytes);
    vec![
        ("500", answer(http("500 Oops", "", ""))),
        ("404", answer(http("404 Not Found", "", ""))),
        (
            "half",
            Then::Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{".to_vec()),
        ),
        ("nothing", Then::Cut(Vec::new())),
        ("10016", answer(coded(10016, "busy"))),
        ("10001", answer(coded(10001, "params error"))),
        ("4242", answer(coded(4242, ""))),
        ("no json", answer(ok("<html>"))),
        ("no result", answer(ok(r#"{"retCode":0,"retMsg":"OK"}"#))),
        ("no list", answer(result(&json!({})))),
        ("null list", answer(result(&json!({"list": null})))),
        ("other market", answer(list("inverse", &[]))),
        (
            "other order",
            answer(list(
                "linear",
                &[{
                    let mut other = row("New", "0");
                    other["orderLinkId"] = json!("web-1");
                    other
                }],
            )),
        ),
        (
            "bad number",
            answer(list(
                "linear",
                &[{
                    let mut bad = row("New", "0");
                    bad["qty"] = json!("NaN");
                    bad
                }],
            )),
        ),
        (
            "unknown state",
            answer(list("linear", &[row("Frozen", "0")])),
        ),
    ]
}

#[tokio::test]
async fn whatever_is_no_whole_answer_is_an_error() {
    for place in ["/v5/order/realtime", "/v5/order/history"] {
        for (what, then) in no_answers() {
            let server = Server::start(move |seen| match asked(seen).0 {
                path if path == place => then.clone(),
                _ => Then::Answer(list("linear", &[])),
            })
            .await;
            let found = find_at(&server, limit(PERP)).await;
            let is_error = matches!(&found, Err(AskError::NoAnswer(text)) if !text.is_empty());
            assert!(is_error, "{place} {what}: {found:?}");
        }
    }
}

#[tokio::test]
async fn refusals_of_questions_are_told_apart() {
    let until = Timestamp::from_millis(START + 1_000);
    let banned = Timestamp::from_millis(START + 600_000);
    for (answer, expected) in [
        (coded(10006, ""), AskError::Limited { until }),
        (http("429 Too Many", "", ""), AskError::Limited { until }),
        (
            http("403 Forbidden", "", "access too frequent"),
            AskError::Limited { until: banned },
        ),
    ] {
        let server = Server::answering(answer).await;
        assert_eq!(find_at(&server, limit(PERP)).await, Err(expected));
    }
    for answer in [coded(10003, ""), coded(10005, ""), http("401 No", "", "")] {
        let server = Server::answering(answer).await;
        let found = find_at(&server, limit(PERP)).await;
        assert!(matches!(found, Err(AskError::Refused(_))), "{found:?}");
    }
    let server = Server::answering(list("linear", &[])).await;
    let found = broker(&server).find(name(), InstrumentId(9)).await;
    assert!(matches!(found, Err(AskError::NoAnswer(_))), "{found:?}");
}

#[tokio::test]
async fn executions_that_are_not_all_there_yet_are_no_answer() {
    for (row, executions) in [
        (row("Filled", "0.5"), vec![execution("e-1", "0.4", 1)]),
        (row("Filled", "0.5"), vec![]),
        (row("Filled", ""), vec![]),
        (
            row("PartiallyFilled", "0.5"),
            vec![execution("e-1", "0.4", 1)],
        ),
        (row("Cancelled", "0.1"), vec![]),
    ] {
        let server = venue(vec![row.clone()], Vec::new(), executions).await;
        let found = find_at(&server, limit(PERP)).await;
        assert!(
            matches!(found, Err(AskError::NoAnswer(_))),
            "{row}: {found:?}"
        );
    }
    // A failure of that place is one of the whole.
    let server = answering(|path, _| match path {
        "/v5/order/realtime" => Some(list("linear", &[row("Filled", "0.5")])),
        _ => None,
    })
    .await;
    let found = find_at(&server, limit(PERP)).await;
    assert!(matches!(found, Err(AskError::NoAnswer(_))), "{found:?}");
}
