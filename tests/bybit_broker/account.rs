//! How key and account are set up, and what is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tradeterm::domain::Timestamp;
use tradeterm::venue::broker::AskError;
use tradeterm::venue::bybit::broker::account::{
    KeyFacts, SetupError, Wanted, account_facts, key_facts, set_up,
};
use tradeterm::venue::bybit::wire::names::MarginMode;

use crate::desk::{answering, asked, coded, instruments, list, n, result, time_at};
use crate::server::{START, Server, ok};

fn wanted() -> Wanted {
    Wanted {
        margin_mode: Some(MarginMode::Isolated),
        leverage: Some(Decimal::from(10)),
        fee_rates: true,
    }
}

fn row(idx: i64, leverage: &str) -> Value {
    json!({"symbol": "BTCUSDT", "positionIdx": idx, "size": "0", "side": "",
        "leverage": leverage, "seq": -1})
}

/// A venue whose account has this margin mode and these positions; what is sent to it changes
/// nothing unless it is accepted with `codes` of (margin, leverage).
async fn venue(rows: Vec<Value>, codes: (i64, i64)) -> Server {
    let (is_isolated, is_ten) = (AtomicBool::new(false), AtomicBool::new(false));
    answering(move |path, params| {
        let flag = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        Some(match path {
            "/v5/account/info" => result(&json!({
                "marginMode": if flag(&is_isolated) { "ISOLATED_MARGIN" } else { "REGULAR_MARGIN" },
                "unifiedMarginStatus": 5})),
            "/v5/account/set-margin-mode" if codes.0 == 0 => {
                is_isolated.store(true, Ordering::SeqCst);
                result(&json!({"reasons": []}))
            }
            "/v5/account/set-margin-mode" => ok(&json!({"retCode": codes.0, "retMsg": "no",
                "result": {"reasons": [
                    {"reasonCode": "3400000", "reasonMsg": "Equity needs to be more"},
                    {"reasonCode": "3400001", "reasonMsg": "Open orders\u{7}"}]}})
            .to_string()),
            "/v5/position/list" => {
                assert_eq!(params["symbol"], "BTCUSDT");
                let mut rows = rows.clone();
                if flag(&is_ten) {
                    rows[0]["leverage"] = json!("10");
                }
                list("linear", &rows)
            }
            "/v5/position/set-leverage" => {
                is_ten.store(codes.1 == 0, Ordering::SeqCst);
                coded(codes.1, "leverage not modified")
            }
            "/v5/account/fee-rate" => result(&json!({"list": [{"symbol": "BTCUSDT",
                "takerFeeRate": "0.00055", "makerFeeRate": "-0.0001"}]})),
            "/v5/account/wallet-balance" => result(&json!({"list": [{"accountType": "UNIFIED",
                "coin": [{"coin": "USDT", "equity": "1234.5", "walletBalance": "1"}]}]})),
            _ => return None,
        })
    })
    .await
}

fn writes(server: &Server) -> Vec<(String, Value)> {
    let seen = server.seen();
    let writes = seen.iter().filter(|seen| seen.line().0 == "POST");
    writes
        .map(|seen| (asked(seen).0, serde_json::from_str(&seen.body).unwrap()))
        .collect()
}

#[tokio::test]
async fn what_differs_is_set_and_told_as_the_venue_says_it() {
    let server = venue(vec![row(0, "3")], (0, 0)).await;
    let facts = set_up(&server.client(), &instruments(), "USDT", &wanted()).await;
    let facts = facts.unwrap();
    assert_eq!(facts.margin_mode, Some(MarginMode::Isolated));
    assert!(facts.is_unified);
    assert_eq!(facts.symbols.len(), 1);
    assert_eq!(facts.symbols[0].leverage, [n("10")]);
    assert_eq!(facts.equity, Some(n("1234.5")));
    let fees: Vec<_> = facts
        .fees
        .iter()
        .map(|f| (f.category, f.taker, f.maker))
        .collect();
    assert_eq!(fees.len(), 2);
    assert!(
        fees.iter()
            .all(|f| (f.1, f.2) == (n("0.00055"), n("-0.0001")))
    );
    assert_eq!(
        facts.changes,
        [
            "margin was REGULAR_MARGIN and is ISOLATED_MARGIN",
            "leverage of BTCUSDT is 10 now",
        ]
    );
    assert_eq!(
        writes(&server),
        [
            (
                "/v5/account/set-margin-mode".to_owned(),
                json!({"setMarginMode": "ISOLATED_MARGIN"}),
            ),
            (
                "/v5/position/set-leverage".to_owned(),
                json!({"category": "linear", "symbol": "BTCUSDT", "buyLeverage": "10",
                    "sellLeverage": "10"}),
            ),
        ]
    );
}

#[tokio::test]
async fn what_is_as_it_should_be_is_left_alone() {
    let server = venue(vec![row(0, "10.00")], (0, 0)).await;
    let wanted = Wanted {
        margin_mode: Some(MarginMode::Cross),
        fee_rates: false,
        ..wanted()
    };
    let facts = set_up(&server.client(), &instruments(), "USDT", &wanted).await;
    let facts = facts.unwrap();
    assert!(facts.changes.is_empty() && facts.fees.is_empty());
    assert_eq!(writes(&server), []);
}

#[tokio::test]
async fn leverage_that_is_there_already_is_fine() {
    // The venue's list lags: it says that nothing changes.
    let server = venue(vec![row(0, "")], (0, 110_043)).await;
    let facts = set_up(&server.client(), &instruments(), "USDT", &wanted()).await;
    assert_eq!(facts.unwrap().symbols[0].leverage, []);
}

#[tokio::test]
async fn refusals_name_what_is_and_what_should_be() {
    let server = venue(vec![row(0, "3")], (3_400_045, 0)).await;
    let error = set_up(&server.client(), &instruments(), "USDT", &wanted()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "margin is REGULAR_MARGIN and cannot be set to ISOLATED_MARGIN: \
         3400000: Equity needs to be more; 3400001: Open orders"
    );
    let server = venue(vec![row(0, "3")], (0, 110_013)).await;
    let error = set_up(&server.client(), &instruments(), "USDT", &wanted()).await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.starts_with("leverage of BTCUSDT cannot be set to 10: 110013"),
        "{text}"
    );
}

#[tokio::test]
async fn hedge_mode_is_a_fact_to_look_at_and_no_way_to_begin() {
    for rows in [vec![row(1, "10"), row(2, "10")], vec![row(2, "10")]] {
        let server = venue(rows, (0, 0)).await;
        let client = server.client();
        let facts = account_facts(&client, &instruments(), "USDT", false).await;
        assert!(facts.unwrap().symbols[0].is_hedged);
        let error = set_up(&client, &instruments(), "USDT", &wanted()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, SetupError::HedgeMode { .. }), "{error}");
        assert!(
            error.to_string().contains("BTCUSDT is in hedge mode"),
            "{error}"
        );
        let leverage = writes(&server);
        assert!(leverage.iter().all(|(path, _)| !path.contains("leverage")));
    }
}

#[tokio::test]
async fn a_setting_that_came_late_is_sent_once_more() {
    let is_late = Arc::new(AtomicBool::new(true));
    let late = Arc::clone(&is_late);
    let server = answering(move |path, _| {
        Some(match path {
            "/v5/market/time" => time_at(START),
            "/v5/position/set-leverage" if late.swap(false, Ordering::SeqCst) => {
                coded(10002, "late")
            }
            "/v5/position/set-leverage" => coded(110_043, ""),
            "/v5/position/list" => list("linear", &[row(0, "3")]),
            "/v5/account/info" => {
                result(&json!({"marginMode": "ISOLATED_MARGIN", "unifiedMarginStatus": 5}))
            }
            "/v5/account/wallet-balance" => result(&json!({"list": []})),
            _ => return None,
        })
    })
    .await;
    let wanted = Wanted {
        fee_rates: false,
        ..wanted()
    };
    let facts = set_up(&server.client(), &instruments(), "USDT", &wanted).await;
    assert_eq!(facts.unwrap().equity, None);
    assert_eq!(writes(&server).len(), 2);
}

#[tokio::test]
async fn a_question_without_an_answer_is_an_error() {
    for failing in [
        "/v5/account/info",
        "/v5/position/list",
        "/v5/account/wallet-balance",
        "/v5/account/fee-rate",
    ] {
        let server = answering(move |path, _| {
            Some(match path {
                path if path == failing => coded(10016, "busy"),
                "/v5/account/info" => result(&json!({"unifiedMarginStatus": 5})),
                "/v5/position/list" => list("linear", &[row(0, "10")]),
                _ => result(&json!({"list": [{"symbol": "BTCUSDT", "takerFeeRate": "0",
                    "makerFeeRate": "0"}]})),
            })
        })
        .await;
        let facts = account_facts(&server.client(), &instruments(), "USDT", true).await;
        assert!(
            matches!(facts, Err(AskError::NoAnswer(_))),
            "{failing}: {facts:?}"
        );
    }
    let server = Server::answering(list("linear", &[])).await;
    let facts = set_up(&server.client(), &instruments(), "USDT", &Wanted::default()).await;
    assert!(
        facts.is_err(),
        "a symbol without rows is nothing to trade on"
    );
}

#[tokio::test]
async fn a_key_says_what_it_may_do() {
    let server = Server::answering(result(&json!({"readOnly": 0, "note": "n", "apiKey": "k",
        "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []},
        "ips": ["10.0.0.7"], "expiredAt": "2027-01-02T03:04:05Z", "deadlineDay": 88,
        "uta": 1, "userID": 12345, "isMaster": true})))
    .await;
    let facts = key_facts(&server.client()).await.unwrap();
    let permissions = [
        (
            "ContractTrade".to_owned(),
            vec!["Order".to_owned(), "Position".to_owned()],
        ),
        ("Wallet".to_owned(), Vec::new()),
    ];
    assert_eq!(
        facts,
        KeyFacts {
            read_only: false,
            permissions: permissions.into(),
            ips: vec!["10.0.0.7".to_owned()],
            expires: Some(Timestamp::from_millis(1_798_859_045_000)),
            deadline_day: Some(88),
            unified: true,
            is_master: true,
            user_id: "12345".to_owned(),
        }
    );
    assert_eq!(asked(&server.seen()[0]).0, "/v5/user/query-api");
    let server = Server::answering(coded(10003, "invalid")).await;
    let facts = key_facts(&server.client()).await;
    assert!(matches!(facts, Err(AskError::Refused(_))), "{facts:?}");
}
