//! The venue's picture of the account: all of it, or an error.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tradeterm::domain::{AccountReport, ReportedOrder, ReportedPosition, Side, Timestamp};
use tradeterm::venue::broker::{AskError, RemoteBroker};

use crate::desk::{NAME, PERP, SPOT, answering, asked, coded, limit, list, n, remembering, result};
use crate::server::{START, Server, Then, http, ok};

fn order(id: &str, link: &str, traded: &str) -> Value {
    json!({"symbol": "BTCUSDT", "orderId": id, "orderLinkId": link, "side": "Sell",
        "orderType": "Limit", "price": "64000", "qty": "0.5", "orderStatus": "New",
        "cumExecQty": traded, "createdTime": START.to_string(),
        "updatedTime": START.to_string()})
}

fn position(symbol: &str, amount: &str, side: &str, idx: i64) -> Value {
    json!({"symbol": symbol, "positionIdx": idx, "size": amount, "side": side,
        "avgPrice": "63000", "leverage": "10", "seq": 7, "updatedTime": START.to_string()})
}

fn wallet(coins: &Value) -> Vec<u8> {
    result(&json!({"list": [{"accountType": "UNIFIED", "totalEquity": "1", "coin": coins}]}))
}

fn coins() -> Value {
    json!([{"coin": "USDT", "walletBalance": "1000.5", "equity": "1001"}])
}

type Params = BTreeMap<String, String>;

/// Answers of an account with nothing but cash.
fn quiet(path: &str, params: &Params) -> Option<Vec<u8>> {
    match path {
        "/v5/order/realtime" | "/v5/position/list" => Some(list(&params["category"], &[])),
        "/v5/account/wallet-balance" => {
            assert_eq!(params["accountType"], "UNIFIED");
            Some(wallet(&coins()))
        }
        _ => None,
    }
}

async fn report_of(server: &Server) -> Result<AccountReport, AskError> {
    let asked_at = Timestamp::from_millis(START - 3);
    remembering(server, limit(PERP)).report(asked_at).await
}

#[tokio::test]
async fn an_account_with_nothing_but_cash() {
    let server = answering(quiet).await;
    assert_eq!(
        report_of(&server).await,
        Ok(AccountReport {
            asked_at: Timestamp::from_millis(START - 3),
            orders: Vec::new(),
            positions: Vec::new(),
            cash: Some(n("1000.5")),
        })
    );
    let mut asked_for: Vec<String> = Vec::new();
    for seen in server.seen() {
        let (path, params) = asked(&seen);
        let value = |name: &str| params.get(name).map_or("-", String::as_str);
        let parts = ["category", "settleCoin", "orderFilter", "openOnly"].map(value);
        asked_for.push(format!("{path} {}", parts.join(" ")));
    }
    assert_eq!(
        asked_for,
        [
            "/v5/order/realtime spot - - 0",
            "/v5/order/realtime spot - StopOrder 0",
            "/v5/order/realtime spot - tpslOrder 0",
            "/v5/order/realtime linear USDT - 0",
            "/v5/order/realtime linear USDT StopOrder 0",
            "/v5/position/list linear USDT - -",
            "/v5/account/wallet-balance - - - -",
        ]
    );
}

#[tokio::test]
async fn orders_of_every_kind_and_page_are_listed_once() {
    let server = answering(|path, params| {
        let value = |name: &str| params.get(name).map_or("", String::as_str);
        let page = |rows: &[Value], next: &str| {
            let category = &params["category"];
            Some(result(
                &json!({"category": category, "list": rows, "nextPageCursor": next}),
            ))
        };
        match (
            path,
            value("category"),
            value("orderFilter"),
            value("cursor"),
        ) {
            ("/v5/order/realtime", "linear", "", "") => page(&[order("v-1", NAME, "0.1")], "x"),
            ("/v5/order/realtime", "linear", "", "x") => {
                page(&[order("v-2", "", "0"), order("v-1", NAME, "0.1")], "")
            }
            ("/v5/order/realtime", "linear", "StopOrder", _) => {
                let mut stop = order("v-3", "tt-other-life", "");
                stop["orderStatus"] = json!("Untriggered");
                let mut over = order("v-4", "", "0.5");
                over["orderStatus"] = json!("Filled");
                page(&[stop, over], "")
            }
            ("/v5/order/realtime", "spot", "tpslOrder", _) => {
                let mut foreign = order("v-5", "web-1", "0");
                foreign["symbol"] = json!("ETHUSDT");
                // A state that nobody knows may be open.
                foreign["orderStatus"] = json!("Frozen");
                page(&[foreign], "")
            }
            _ => quiet(path, params),
        }
    })
    .await;
    let report = report_of(&server).await.unwrap();
    let short = |order: &ReportedOrder| {
        let name = order.order.map_or("-".to_owned(), |id| id.to_string());
        let (id, symbol, filled) = (&order.venue_id, &order.symbol, order.filled);
        let known = order
            .instrument
            .map_or("-".to_owned(), |id| id.0.to_string());
        assert_eq!((order.side, order.qty), (Side::Sell, n("0.5")));
        format!("{id} {name} {symbol} {known} {filled}")
    };
    let orders: Vec<String> = report.orders.iter().map(short).collect();
    assert_eq!(
        orders,
        [
            "v-5 - ETHUSDT - 0",
            "v-1 tt-a-1 BTCUSDT 0 0.1",
            "v-2 - BTCUSDT 0 0",
            "v-3 tt-other-life BTCUSDT 0 0",
        ]
    );
}

#[tokio::test]
async fn positions_of_both_markets_are_chosen_by_their_fields() {
    let server = answering(|path, params| match path {
        "/v5/position/list" => Some(list(
            "linear",
            &[
                position("ETHUSDT", "2", "Sell", 0),
                position("XRPUSDT", "1", "Buy", 1),
                position("BTCUSDT", "0.5", "Sell", 0),
                position("SOLUSDT", "0", "", 0),
            ],
        )),
        "/v5/account/wallet-balance" => Some(wallet(&json!([
            {"coin": "BTC", "walletBalance": "0.123456789", "locked": "0.1"},
            {"coin": "ETH", "walletBalance": "7"},
            {"coin": "USDT", "walletBalance": "-3.25"},
        ]))),
        _ => quiet(path, params),
    })
    .await;
    let report = report_of(&server).await.unwrap();
    let of = |instrument, symbol: &str, size: &str, entry: Option<&str>| ReportedPosition {
        instrument,
        symbol: symbol.to_owned(),
        size: n(size),
        entry: entry.map(n),
    };
    assert_eq!(
        report.positions,
        [
            of(Some(PERP), "BTCUSDT", "-0.5", Some("63000")),
            of(None, "ETHUSDT", "-2", Some("63000")),
            of(None, "XRPUSDT", "1", Some("63000")),
            of(Some(SPOT), "BTCUSDT", "0.12345678", None),
        ]
    );
    assert_eq!(report.cash, Some(n("-3.25")));
}

#[tokio::test]
async fn hedge_mode_of_a_traded_symbol_is_an_error() {
    let server = answering(|path, params| match path {
        "/v5/position/list" => Some(list("linear", &[position("BTCUSDT", "1", "Buy", 1)])),
        _ => quiet(path, params),
    })
    .await;
    let Err(AskError::NoAnswer(text)) = report_of(&server).await else {
        panic!("no error");
    };
    assert!(text.contains("BTCUSDT is in hedge mode"), "{text}");
    assert!(text.contains("positionIdx 1"), "{text}");
}

/// Questions of a report, by what tells them apart.
const QUESTIONS: [(&str, &str, &str); 7] = [
    ("/v5/order/realtime", "spot", ""),
    ("/v5/order/realtime", "spot", "StopOrder"),
    ("/v5/order/realtime", "spot", "tpslOrder"),
    ("/v5/order/realtime", "linear", ""),
    ("/v5/order/realtime", "linear", "StopOrder"),
    ("/v5/position/list", "linear", ""),
    ("/v5/account/wallet-balance", "", ""),
];

#[tokio::test]
async fn a_failure_of_any_part_is_one_of_the_whole() {
    for failing in QUESTIONS {
        for answer in [
            http("500 Oops", "", ""),
            coded(10016, "busy"),
            ok("<html>"),
            result(&json!({})),
            result(&json!({"category": "inverse", "list": [{}]})),
        ] {
            let server = Server::start(move |seen| {
                let (path, params) = asked(seen);
                let value = |name: &str| params.get(name).map_or("", String::as_str);
                let question = (path.as_str(), value("category"), value("orderFilter"));
                Then::Answer(if question == failing {
                    answer.clone()
                } else {
                    quiet(&path, &params).unwrap()
                })
            })
            .await;
            let report = report_of(&server).await;
            let is_error = matches!(&report, Err(AskError::NoAnswer(_)));
            assert!(is_error, "{failing:?}: {report:?}");
        }
    }
}

#[tokio::test]
async fn the_second_of_three_pages_failing_is_never_flat() {
    let server = answering(|path, params| match path {
        "/v5/position/list" => match params.get("cursor").map(String::as_str) {
            None => Some(result(
                &json!({"category": "linear", "nextPageCursor": "p2",
                "list": [position("ETHUSDT", "1", "Buy", 0)]}),
            )),
            Some("p2") => Some(coded(10000, "timeout")),
            _ => Some(list("linear", &[position("BTCUSDT", "1", "Buy", 0)])),
        },
        _ => quiet(path, params),
    })
    .await;
    let report = report_of(&server).await;
    assert!(matches!(report, Err(AskError::NoAnswer(_))), "{report:?}");
}

#[tokio::test]
async fn rows_that_lack_what_counts_are_errors() {
    let change = |mut row: Value, field: &str, value: &str| {
        row[field] = json!(value);
        row
    };
    let sound = || order("v-1", NAME, "0.1");
    for row in [
        change(sound(), "side", "None"),
        change(sound(), "qty", ""),
        change(
            change(sound(), "cumExecQty", ""),
            "orderStatus",
            "PartiallyFilled",
        ),
    ] {
        let text = row.to_string();
        let server = answering(move |path, params| match path {
            "/v5/order/realtime" => Some(list(&params["category"], std::slice::from_ref(&row))),
            _ => quiet(path, params),
        })
        .await;
        let report = report_of(&server).await;
        assert!(
            matches!(report, Err(AskError::NoAnswer(_))),
            "{text}: {report:?}"
        );
    }
    for (what, path_of, answer) in [
        (
            "no direction",
            "/v5/position/list",
            list("linear", &[position("BTCUSDT", "1", "", 0)]),
        ),
        (
            "no account",
            "/v5/account/wallet-balance",
            result(&json!({"list": []})),
        ),
        (
            "another account",
            "/v5/account/wallet-balance",
            result(&json!({"list": [{"accountType": "FUND", "coin": []}]})),
        ),
        (
            "no balance",
            "/v5/account/wallet-balance",
            wallet(&json!([{"coin": "BTC", "walletBalance": ""}])),
        ),
    ] {
        let server = answering(move |path, params| {
            if path == path_of {
                Some(answer.clone())
            } else {
                quiet(path, params)
            }
        })
        .await;
        let report = report_of(&server).await;
        assert!(
            matches!(report, Err(AskError::NoAnswer(_))),
            "{what}: {report:?}"
        );
    }
}

#[tokio::test]
async fn cash_that_is_not_told_is_not_zero() {
    let server = answering(|path, params| match path {
        "/v5/account/wallet-balance" => Some(wallet(&json!([]))),
        _ => quiet(path, params),
    })
    .await;
    assert_eq!(report_of(&server).await.unwrap().cash, None);
}
