//! What became of an order, for every class of answer, and what went over the wire for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tradeterm::domain::{OrderKind, RejectReason, Side, Timestamp, TriggerPrice};
use tradeterm::venue::broker::{RemoteBroker, Submitted};
use tradeterm::venue::bybit::broker::BybitBroker;
use tradeterm::venue::bybit::rest::RestClient;

use crate::desk::{
    EXPECTED, NAME, PERP, SPOT, approved, broker, broker_with, coded, instruments, limit, n, order,
    stop, time_at,
};
use crate::server::{ACCEPTED, Clock, START, Server, Then, http, ok, settings_at};

/// Codes of answers to a create by what they mean, one row a code (appendix A).
pub const CREATES: &[(&str, &[i64])] = &[
    ("accepted", &[0]),
    ("exists", &[110_072, 170_141, 10014, 20006]),
    (
        "unknown",
        &[
            -1, 10000, 10016, 10019, 10429, 170_001, 170_007, 170_032, 170_035, 170_146, 170_147,
            170_310, 110_079, 500_000, 429, 4242,
            // Answers to something else than a create.
            110_001, 110_043,
        ],
    ),
    ("limited", &[10006, 10403, 170_005, 170_222, 20003, 10018]),
    (
        "refused",
        &[10003, 10004, 10005, 10007, 10010, 10027, 33004, -2015],
    ),
    (
        "rejected",
        &[
            110_004, 110_006, 110_007, 110_012, 110_044, 110_045, 110_052, 170_131, 10001, 110_003,
            110_017, 110_094, 170_130, 170_132, 170_133, 170_134, 170_135, 170_136, 170_137,
            170_138, 170_140, 170_148, 110_023, 110_042, 110_063, 110_066, 110_074, 110_137, 30228,
            10009, 10024, 110_132,
        ],
    ),
];

pub const fn kind(outcome: &Submitted) -> &'static str {
    match outcome {
        Submitted::Accepted => "accepted",
        Submitted::Rejected(_) => "rejected",
        Submitted::Exists => "exists",
        Submitted::NotSent(_) => "not sent",
        Submitted::Limited { .. } => "limited",
        Submitted::Refused(_) => "refused",
        Submitted::Unknown(_) => "unknown",
    }
}

async fn submit(broker: &BybitBroker) -> Submitted {
    let order = approved(NAME, limit(PERP));
    broker.submit(&order, Some(n(EXPECTED))).await
}

/// What became of one order that was answered so, after exactly one request.
async fn submit_once(answer: Vec<u8>) -> Submitted {
    let server = Server::answering(answer).await;
    let outcome = submit(&broker(&server)).await;
    assert_eq!(server.seen().len(), 1, "{outcome:?}");
    outcome
}

#[tokio::test]
async fn every_code_has_its_outcome_after_one_request() {
    for (expected, codes) in CREATES {
        for code in *codes {
            let outcome = submit_once(coded(*code, "what the venue says")).await;
            assert_eq!(kind(&outcome), *expected, "{code}: {outcome:?}");
            if let Submitted::Rejected(RejectReason::Rule(text))
            | Submitted::Refused(text)
            | Submitted::Unknown(text) = outcome
            {
                let start = format!("{code}: what the venue says");
                assert!(text.starts_with(&start), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn no_answer_and_no_code_prove_nothing() {
    for (answer, expected) in [
        (http("500 Oops", "", ""), "unknown"),
        (http("502 Bad Gateway", "", "<html>"), "unknown"),
        (http("429 Too Many", "", ""), "unknown"),
        (http("302 Found", "", ""), "unknown"),
        (http("401 Unauthorized", "", ""), "refused"),
        (http("403 Forbidden", "", "<html>country</html>"), "refused"),
        (http("403 Forbidden", "", "access too frequent"), "limited"),
        (http("404 Not Found", "", ""), "rejected"),
        (ok("<html>"), "unknown"),
        (ok("{}"), "unknown"),
        (ok(r#"{"retMsg":"OK"}"#), "unknown"),
    ] {
        let outcome = submit_once(answer.clone()).await;
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(kind(&outcome), expected, "{text}: {outcome:?}");
    }
}

#[tokio::test]
async fn every_cut_of_an_answer_is_unknown() {
    let whole = ok(ACCEPTED);
    for cut in (1..whole.len()).step_by(7) {
        for reset in [false, true] {
            let part = whole[..cut].to_vec();
            let server = Server::start(move |_| {
                let part = part.clone();
                if reset {
                    Then::Reset(part)
                } else {
                    Then::Cut(part)
                }
            })
            .await;
            let outcome = submit(&broker(&server)).await;
            assert_eq!(kind(&outcome), "unknown", "{cut}: {outcome:?}");
            assert_eq!(server.seen().len(), 1, "{cut}");
        }
    }
}

#[tokio::test]
async fn what_never_left_is_told_as_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = settings_at(&format!("http://{address}"), &Clock::at(START));
    let rest = Arc::new(RestClient::new(settings).unwrap());
    let broker = BybitBroker::new(rest, None, instruments(), "USDT").unwrap();
    let outcome = submit(&broker).await;
    assert_eq!(kind(&outcome), "not sent", "{outcome:?}");
}

#[tokio::test]
async fn our_own_budget_sends_nothing() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let broker = broker(&server);
    let mut kinds = Vec::new();
    for n_sent in 0..20 {
        let name = format!("o-{n_sent}");
        let outcome = broker.submit(&approved(&name, limit(PERP)), None).await;
        kinds.push(kind(&outcome));
    }
    let n_accepted = kinds.iter().filter(|k| **k == "accepted").count();
    assert_eq!(server.seen().len(), n_accepted);
    assert!((1..20).contains(&n_accepted), "{n_accepted}");
    assert!(kinds[n_accepted..].iter().all(|k| *k == "not sent"));
    // What makes the account safer has room of its own.
    let close = order(PERP, Side::Sell, OrderKind::Market);
    let outcome = broker.submit(&approved("o-close", close), None).await;
    assert_eq!(kind(&outcome), "accepted");
}

#[tokio::test]
async fn a_limiter_says_until_when() {
    let reset = START + 30_000;
    for (heads, body, expected) in [
        (
            format!("X-Bapi-Limit-Reset-Timestamp: {reset}\r\n"),
            r#"{"retCode":10006,"retMsg":"later"}"#,
            reset,
        ),
        (
            String::new(),
            r#"{"retCode":10006,"retMsg":"later"}"#,
            START + 1_000,
        ),
        (
            String::new(),
            r#"{"retCode":10018,"retMsg":"later"}"#,
            START + 600_000,
        ),
    ] {
        let outcome = submit_once(http("200 OK", &heads, body)).await;
        let until = Timestamp::from_millis(expected);
        assert_eq!(outcome, Submitted::Limited { until }, "{body}");
    }
}

/// A venue that refuses the first `late` orders for their time and does `then` to the next, and
/// whose clock is 5 s ahead.
async fn late_venue(late: usize, then: Then) -> (Server, Arc<Clock>) {
    let turn = AtomicUsize::new(0);
    let server = Server::start(move |seen| match seen.line().1 {
        "/v5/market/time" => Then::Answer(time_at(START + 5_000)),
        _ if turn.fetch_add(1, Ordering::SeqCst) < late => Then::Answer(coded(10002, "late")),
        _ => then.clone(),
    })
    .await;
    (server, Clock::at(START))
}

fn creates(server: &Server) -> Vec<(String, String, String)> {
    let seen = server.seen();
    let creates = seen.iter().filter(|s| s.line().1 == "/v5/order/create");
    creates
        .map(|s| {
            let header = |name| s.header(name).unwrap().to_owned();
            (
                s.body.clone(),
                header("x-bapi-timestamp"),
                header("x-bapi-recv-window"),
            )
        })
        .collect()
}

#[tokio::test]
async fn what_came_late_goes_out_again_under_the_same_name() {
    for (late, then, expected, n_sent) in [
        (0, Then::Answer(ok(ACCEPTED)), "accepted", 1),
        (1, Then::Answer(ok(ACCEPTED)), "accepted", 2),
        (2, Then::Answer(ok(ACCEPTED)), "accepted", 3),
        (3, Then::Answer(ok(ACCEPTED)), "rejected", 3),
        (1, Then::Answer(coded(110_072, "")), "exists", 2),
        (1, Then::Answer(coded(10016, "")), "unknown", 2),
        (1, Then::Cut(Vec::new()), "unknown", 2),
    ] {
        let (server, clock) = late_venue(late, then).await;
        let outcome = submit(&broker_with(&server, &clock, None)).await;
        assert_eq!(kind(&outcome), expected, "{late}: {outcome:?}");
        let creates = creates(&server);
        assert_eq!(creates.len(), n_sent, "{late}");
        for (at, (body, stamp, window)) in creates.iter().enumerate() {
            assert_eq!(*body, creates[0].0);
            assert_eq!(window, "3000");
            // Stamped with the venue's time as soon as it is known.
            let offset = if at == 0 { 0 } else { 5_000 };
            assert_eq!(*stamp, (START + offset).to_string());
        }
        // Each further try follows a look at the clock.
        let n_looks = server.seen().len() - n_sent;
        assert_eq!(n_looks > 0, 1 < n_sent, "{late}");
    }
}

#[tokio::test]
async fn without_a_clock_a_late_order_is_not_repeated() {
    let server = Server::start(|seen| match seen.line().1 {
        "/v5/market/time" => Then::Answer(http("500 Oops", "", "")),
        _ => Then::Answer(coded(10002, "late")),
    })
    .await;
    let outcome = submit(&broker(&server)).await;
    assert_eq!(kind(&outcome), "rejected", "{outcome:?}");
    assert_eq!(creates(&server).len(), 1);
}

#[tokio::test]
async fn passed_triggers_and_empty_positions_are_told_apart() {
    let close = || order(PERP, Side::Sell, OrderKind::Market);
    let sleeping = || stop(PERP, TriggerPrice::Last);
    for (spec, code, message, expected) in [
        (
            close(),
            110_017,
            "current position is zero",
            RejectReason::NothingToReduce,
        ),
        (sleeping(), 110_093, "", RejectReason::TriggerPassed),
        (
            sleeping(),
            10001,
            "expect Falling, but trigger_price[1] >= current[1]",
            RejectReason::TriggerPassed,
        ),
    ] {
        let server = Server::answering(coded(code, message)).await;
        let outcome = broker(&server).submit(&approved(NAME, spec), None).await;
        assert_eq!(outcome, Submitted::Rejected(expected));
    }
}

#[tokio::test]
async fn texts_of_the_venue_are_harmless() {
    let message = "bad\u{1b}[2J\r\nthing\u{202e}".to_owned() + &"x".repeat(5_000);
    let outcome = submit_once(coded(110_003, &message)).await;
    let Submitted::Rejected(RejectReason::Rule(text)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(text.starts_with("110003: bad[2J  thingxx"), "{text}");
    assert!(
        text.len() < 400 && !text.chars().any(char::is_control),
        "{text}"
    );
}

#[tokio::test]
async fn bodies_are_what_the_venue_asks_for() {
    let post_only = OrderKind::Limit {
        price: n("63900.5"),
        post_only: true,
    };
    let (trigger, by) = (n("66000"), TriggerPrice::Mark);
    let rise = OrderKind::TakeProfit { trigger, by };
    let spot_sell = order(SPOT, Side::Sell, OrderKind::Market);
    for (spec, expected) in [
        (
            limit(PERP),
            json!({"category": "linear", "symbol": "BTCUSDT", "side": "Buy",
                "orderType": "Limit", "qty": "0.5", "price": "63900.5", "timeInForce": "GTC",
                "positionIdx": 0, "orderLinkId": NAME}),
        ),
        (
            order(PERP, Side::Buy, post_only),
            json!({"category": "linear", "symbol": "BTCUSDT", "side": "Buy",
                "orderType": "Limit", "qty": "0.5", "price": "63900.5",
                "timeInForce": "PostOnly", "positionIdx": 0, "orderLinkId": NAME}),
        ),
        (
            order(PERP, Side::Sell, OrderKind::Market),
            json!({"category": "linear", "symbol": "BTCUSDT", "side": "Sell",
                "orderType": "Market", "qty": "0.5", "timeInForce": "IOC", "positionIdx": 0,
                "orderLinkId": NAME, "reduceOnly": true}),
        ),
        (
            stop(PERP, TriggerPrice::Last),
            json!({"category": "linear", "symbol": "BTCUSDT", "side": "Sell",
                "orderType": "Market", "qty": "0.5", "timeInForce": "IOC", "positionIdx": 0,
                "orderLinkId": NAME, "reduceOnly": true, "triggerPrice": "60000",
                "triggerDirection": 2, "triggerBy": "LastPrice"}),
        ),
        (
            order(PERP, Side::Sell, rise),
            json!({"category": "linear", "symbol": "BTCUSDT", "side": "Sell",
                "orderType": "Market", "qty": "0.5", "timeInForce": "IOC", "positionIdx": 0,
                "orderLinkId": NAME, "reduceOnly": true, "triggerPrice": "66000",
                "triggerDirection": 1, "triggerBy": "MarkPrice"}),
        ),
        (
            order(SPOT, Side::Buy, OrderKind::Market),
            json!({"category": "spot", "symbol": "BTCUSDT", "side": "Buy",
                "orderType": "Market", "qty": "0.5", "marketUnit": "baseCoin",
                "timeInForce": "IOC", "orderLinkId": NAME}),
        ),
        (
            spot_sell,
            json!({"category": "spot", "symbol": "BTCUSDT", "side": "Sell",
                "orderType": "Market", "qty": "0.5", "timeInForce": "IOC",
                "orderLinkId": NAME}),
        ),
        (
            stop(SPOT, TriggerPrice::Last),
            json!({"category": "spot", "symbol": "BTCUSDT", "side": "Sell",
                "orderType": "Market", "qty": "0.5", "timeInForce": "IOC",
                "orderLinkId": NAME, "triggerPrice": "60000", "orderFilter": "StopOrder"}),
        ),
    ] {
        let server = Server::answering(ok(ACCEPTED)).await;
        let outcome = broker(&server).submit(&approved(NAME, spec), None).await;
        assert_eq!(outcome, Submitted::Accepted);
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line(), ("POST", "/v5/order/create"));
        let sent: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!(sent, expected);
    }
}
