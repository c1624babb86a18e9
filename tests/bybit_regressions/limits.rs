//! Lines about limits of the venue and about its clock.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use tradeterm::domain::Side;
use tradeterm::venue::broker::{AskError, RemoteBroker, Submitted};
use tradeterm::venue::bybit::codes::{AnswerClass, ReadClass, class_of_read, class_of_write};
use tradeterm::venue::bybit::limits::BAN_MS;
use tradeterm::venue::bybit::socket::{DownCause, Socket, SocketEvent};

use crate::desk::{CREATE, Desk, PERP, at, limit, soon};

fn entry() -> tradeterm::domain::OrderSpec {
    limit(PERP, Side::Buy, "0.1", "59000")
}

#[tokio::test]
async fn line_13_a_code_of_the_limiter_backs_off() {
    let desk = Desk::new().await;
    desk.answer("order.create", 10_006, "Too many visits!", false);
    let outcome = desk.submit("tt-a-1", entry()).await;
    let Submitted::Limited { until } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(at(0) < until, "{until}");
    // Nothing leaves before that.
    let outcome = desk.submit("tt-a-2", entry()).await;
    assert!(matches!(outcome, Submitted::NotSent(_)), "{outcome:?}");
    assert_eq!(desk.n_asked(CREATE), 1);
    let ms = u64::try_from(until.since(at(0))).unwrap();
    desk.pass(ms.max(1_000)).await;
    assert_eq!(desk.submit("tt-a-3", entry()).await, Submitted::Accepted);
}

#[tokio::test]
async fn line_13_status_429_backs_off_and_proves_nothing() {
    let desk = Desk::new().await;
    desk.fault(json!({"kind": "status", "status": 429, "path": CREATE, "effect": true}));
    let outcome = desk.submit("tt-a-1", entry()).await;
    assert!(matches!(outcome, Submitted::Unknown(_)), "{outcome:?}");
    let outcome = desk.submit("tt-a-2", entry()).await;
    assert!(matches!(outcome, Submitted::NotSent(_)), "{outcome:?}");
    assert_eq!(desk.n_asked(CREATE), 1);
    assert_eq!(desk.find("tt-a-1", PERP).await, ["accepted tt-a-1"]);
    desk.fault(json!({"kind": "status", "status": 429, "path": "/v5/position/list"}));
    let report = desk.broker.report(at(0)).await;
    assert!(
        matches!(report, Err(AskError::Limited { .. })),
        "{report:?}"
    );
    desk.pass(60_000).await;
    assert_eq!(desk.submit("tt-a-3", entry()).await, Submitted::Accepted);
}

#[test]
fn line_13_the_code_for_server_errors_is_no_limit() {
    assert_eq!(class_of_write(10_016), AnswerClass::Ambiguous);
    assert_eq!(class_of_read(10_016), ReadClass::Retry);
    assert_eq!(class_of_write(10_006), AnswerClass::Limited);
}

#[tokio::test]
async fn line_13_a_lock_out_silences_everything_for_ten_minutes() {
    let desk = Desk::new().await;
    desk.fault(json!({"kind": "ban"}));
    let report = desk.broker.report(at(0)).await;
    let Err(AskError::Limited { until }) = report else {
        panic!("{report:?}");
    };
    assert!(BAN_MS <= until.since(at(0)), "{until}");
    assert_eq!(BAN_MS, 600_000);
    let n_sent = desk.server.counters().n_requests();
    desk.fault(json!({"kind": "heal"}));
    desk.pass(599_000).await;
    // Entries, closes, questions, the clock: nothing leaves, although the venue would answer.
    for spec in [entry(), crate::desk::sell(PERP, "0.1")] {
        let outcome = desk.submit("tt-a-1", spec).await;
        assert!(matches!(outcome, Submitted::NotSent(_)), "{outcome:?}");
    }
    let cancel = desk.broker.cancel(crate::desk::id("tt-a-1"), PERP).await;
    assert!(matches!(
        cancel,
        tradeterm::venue::broker::CancelSent::NotSent(_)
    ));
    assert!(desk.broker.report(at(0)).await.is_err());
    assert!(desk.rest.sync_clock().await.is_err());
    assert_eq!(desk.server.counters().n_requests(), n_sent);
    desk.pass(2_000).await;
    assert_eq!(desk.submit("tt-a-2", entry()).await, Submitted::Accepted);
}

#[tokio::test]
async fn line_13_a_socket_that_is_locked_out_waits_as_long() {
    let desk = Desk::new().await;
    desk.fault(json!({"kind": "refuse-connects", "socket": "private", "status": 403}));
    let mut socket = Socket::open(desk.private_options()).unwrap();
    let (cause, wait) = loop {
        if let SocketEvent::Down { cause, retry_in } = soon(socket.events.recv()).await.unwrap() {
            break (cause, retry_in);
        }
    };
    assert_eq!(cause, DownCause::Refused { status: 403 });
    assert!(Duration::from_mins(10) <= wait, "{wait:?}");
    assert_eq!(desk.server.counters().refused["private"], 1);
}

#[rstest]
#[case::behind(-4_000)]
#[case::ahead(4_000)]
#[tokio::test]
async fn line_14_a_wrong_clock_is_measured_before_the_one_retry(#[case] ahead_ms: i64) {
    let desk = Desk::new().await;
    desk.clock.ahead_ms.store(ahead_ms, Ordering::SeqCst);
    assert_eq!(desk.submit("tt-a-1", entry()).await, Submitted::Accepted);
    assert!(0 < desk.n_asked("/v5/market/time"));
    let creates = desk.creates();
    assert_eq!(creates.len(), 2);
    assert_eq!(
        creates[0], creates[1],
        "the same name, and nothing else changed"
    );
    assert_eq!(desk.server.truth().orders.len(), 1);
    assert_eq!(desk.rest.server_clock().offset_ms(), Some(-ahead_ms));
    // Questions are right from now on.
    assert!(desk.broker.report(at(0)).await.is_ok());
    assert_eq!(desk.submit("tt-a-2", entry()).await, Submitted::Accepted);
    assert_eq!(desk.creates().len(), 3);
}

/// It has an end: a venue that goes on refusing is believed.
#[tokio::test]
async fn line_14_it_ends() {
    let desk = Desk::new().await;
    desk.drill(
        json!({"drill": "answer-code", "op": "order.create", "code": 10_002,
        "message": "invalid request", "accept": false, "times": 50}),
    );
    let outcome = desk.submit("tt-a-1", entry()).await;
    assert!(matches!(outcome, Submitted::Rejected(_)), "{outcome:?}");
    assert!(desk.creates().len() <= 3, "{}", desk.creates().len());
}
