//! Everything that traded since a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tradeterm::domain::Timestamp;
use tradeterm::venue::broker::{AskError, RemoteBroker};
use tradeterm::venue::bybit::broker::StrangeKind;

use crate::desk::{NAME, PERP, answering, asked, coded, limit, list, remembering, result, short};
use crate::server::{START, Server, Then};

const DAY: i64 = 86_400_000;

fn execution(id: &str, at: i64, kind: &str) -> Value {
    json!({"symbol": "BTCUSDT", "orderId": "v-1", "orderLinkId": NAME, "side": "Buy",
        "execId": id, "execType": kind, "execPrice": "64000", "execQty": "0.5",
        "execFee": "1", "feeRate": "0.0001", "feeCurrency": "USDT", "isMaker": false,
        "closedSize": "", "execTime": (START + at).to_string(), "seq": 5})
}

fn since(ms_ago: i64) -> Timestamp {
    Timestamp::from_millis(START - ms_ago)
}

#[tokio::test]
async fn all_markets_and_pages_come_oldest_first() {
    let server = answering(|_, params| {
        let cursor = params.get("cursor").map_or("", String::as_str);
        let (rows, next) = match (params["category"].as_str(), cursor) {
            ("linear", "") => (vec![execution("e-5", 50, "Trade")], "a%3Ab"),
            ("linear", "a%3Ab") => (
                vec![
                    execution("e-4", 40, "Funding"),
                    execution("e-5", 50, "Trade"),
                ],
                "last",
            ),
            ("linear", "last") => (vec![execution("e-1", 10, "BustTrade")], ""),
            ("spot", "") => (vec![execution("e-3", 30, "Trade")], ""),
            _ => return None,
        };
        let category = &params["category"];
        let result = json!({"category": category, "list": rows, "nextPageCursor": next});
        Some(crate::desk::result(&result))
    })
    .await;
    let broker = remembering(&server, limit(PERP));
    let events = broker.executions(since(1_000)).await.unwrap();
    assert_eq!(
        short(&events),
        [
            "liquidation tt-a-1 e-1 buy 0.5",
            "trade tt-a-1 e-3 buy 0.5",
            "funding 1 e-4",
            "trade tt-a-1 e-5 buy 0.5",
        ]
    );
    assert_eq!(broker.take_strange(), []);
}

#[tokio::test]
async fn long_spans_are_asked_for_in_parts() {
    let server = answering(|_, params| Some(list(&params["category"], &[]))).await;
    let broker = remembering(&server, limit(PERP));
    assert_eq!(broker.executions(since(16 * DAY)).await, Ok(Vec::new()));
    let mut asked_for: BTreeMap<String, Vec<(i64, Option<i64>)>> = BTreeMap::new();
    for seen in server.seen() {
        let (path, params) = asked(&seen);
        assert_eq!(path, "/v5/execution/list");
        let time = |name: &str| params.get(name).map(|ms| ms.parse::<i64>().unwrap());
        let span = (
            time("startTime").unwrap() - START,
            time("endTime").map(|ms| ms - START),
        );
        asked_for
            .entry(params["category"].clone())
            .or_default()
            .push(span);
    }
    let spans = vec![
        (-16 * DAY, Some(-9 * DAY)),
        (-9 * DAY, Some(-2 * DAY)),
        (-2 * DAY, None),
    ];
    let markets = ["linear", "spot"].map(|market| (market.to_owned(), spans.clone()));
    assert_eq!(asked_for, BTreeMap::from(markets));
}

#[tokio::test]
async fn strange_executions_are_put_aside_once_and_never_lost() {
    let server = answering(|_, params| {
        let mut elsewhere = execution("e-2", 20, "Trade");
        elsewhere["symbol"] = json!("ETHUSDT");
        let rows = match params["category"].as_str() {
            "linear" => vec![execution("e-1", 10, "LunarEclipse"), elsewhere],
            _ => vec![],
        };
        Some(list(&params["category"], &rows))
    })
    .await;
    let broker = remembering(&server, limit(PERP));
    for _ in 0..2 {
        assert_eq!(broker.executions(since(0)).await, Ok(Vec::new()));
    }
    let strange = broker.take_strange();
    let kinds: Vec<_> = strange
        .iter()
        .map(|s| (s.kind, s.symbol.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            (StrangeKind::Execution, "BTCUSDT"),
            (StrangeKind::Elsewhere, "ETHUSDT"),
        ]
    );
    assert!(
        strange[0].text.contains("LunarEclipse"),
        "{}",
        strange[0].text
    );
    assert_eq!(broker.take_strange(), []);
}

#[tokio::test]
async fn a_part_is_no_answer() {
    // The first page, the second page, the second market: whatever fails, nothing is told.
    for failing in [("linear", ""), ("linear", "next"), ("spot", "")] {
        let server = answering(move |_, params| {
            let cursor = params.get("cursor").map_or("", String::as_str);
            let category = params["category"].as_str();
            if (category, cursor) == failing {
                return Some(coded(10016, "busy"));
            }
            let next = if (category, cursor) == ("linear", "") {
                "next"
            } else {
                ""
            };
            let rows = [execution(
                &format!("e-{category}-{cursor}"),
                1,
                "LunarEclipse",
            )];
            let page = json!({"category": category, "list": rows, "nextPageCursor": next});
            Some(result(&page))
        })
        .await;
        let broker = remembering(&server, limit(PERP));
        let found = broker.executions(since(0)).await;
        assert!(
            matches!(found, Err(AskError::NoAnswer(_))),
            "{failing:?}: {found:?}"
        );
        // What was not told has not been told: it comes with the next whole answer.
        assert_eq!(broker.take_strange(), []);
    }
}

#[tokio::test]
async fn a_late_question_has_the_clock_measured() {
    let asked_times: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let paths = Arc::clone(&asked_times);
    let server = Server::start(move |seen| {
        let (path, _) = asked(seen);
        paths.lock().unwrap().insert(path.clone());
        Then::Answer(match path.as_str() {
            "/v5/market/time" => crate::desk::time_at(START),
            _ => coded(10002, "late"),
        })
    })
    .await;
    let found = remembering(&server, limit(PERP)).executions(since(0)).await;
    assert!(matches!(found, Err(AskError::NoAnswer(_))), "{found:?}");
    let n_lists = server
        .seen()
        .iter()
        .filter(|s| asked(s).0.contains("list"))
        .count();
    assert_eq!(n_lists, 1, "a question is not repeated");
    assert!(asked_times.lock().unwrap().contains("/v5/market/time"));
}
