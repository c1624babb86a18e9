//! Orders on their way out: F01 to F05, F14, F20.

use serde_json::json;
use tradeterm::control::TradeCommand;
use tradeterm::domain::{AccountEvent, RejectReason, SignedQty};
use tradeterm::venue::sim::exchange::Drill;

use super::desk::{Desk, Setup};

/// Every code of an answer that proves nothing (F04).
const AMBIGUOUS: [i64; 11] = [
    429, 10_000, 10_016, 10_019, 10_429, 170_001, 170_007, 170_032, 170_035, 170_146, 110_079,
];

fn answer(code: i64, accept: bool) -> Drill {
    Drill::AnswerCode {
        op: "order.create".to_owned(),
        code,
        message: "a drill".to_owned(),
        accept,
        times: 1,
    }
}

const fn is_unknown(event: &AccountEvent) -> bool {
    matches!(event, AccountEvent::Unknown { .. })
}

const fn is_never_accepted(event: &AccountEvent) -> bool {
    matches!(event, AccountEvent::NeverAccepted { .. })
}

async fn lost_on_the_way(setup: Setup, path: &str, kind: &str) -> super::desk::Checked {
    let desk = Desk::with(setup).await;
    desk.fault(json!({"kind": kind, "path": path}));
    desk.next_bar().await;
    desk.until("the fault has hit", |d| d.hits(kind) == 1).await;
    desk.recover().await;
    desk.next_bar().await;
    desk.check().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_a_create_that_never_arrives_is_proven_dead() {
    for (setup, path) in [
        (Setup::rest(), "/v5/order/create"),
        (Setup::default(), "trade:order.create"),
    ] {
        let checked = lost_on_the_way(setup, path, "drop-request").await;
        assert_eq!(checked.n(is_unknown), 1, "{path}");
        assert_eq!(checked.n(is_never_accepted), 1, "{path}");
        assert_eq!(checked.refusals(), [""; 0], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_an_order_whose_answer_is_lost_is_adopted() {
    for (setup, path) in [
        (Setup::rest(), "/v5/order/create"),
        (Setup::default(), "trade:order.create"),
    ] {
        let checked = lost_on_the_way(setup, path, "drop-reply").await;
        assert_eq!(checked.n(is_never_accepted), 0, "{path}");
        assert_eq!(checked.refusals(), [""; 0], "{path}");
        assert!(!checked.truth.executions.is_empty(), "{path}");
    }
}

/// One ambiguous answer a bar: each is resolved by evidence and never read as a refusal.
async fn ambiguous(accept: bool) {
    let desk = Desk::new().await;
    for code in AMBIGUOUS {
        desk.drill(&answer(code, accept));
        let before = desk.server.counters().creates.len();
        desk.next_bar().await;
        desk.until("a create", |d| before < d.server.counters().creates.len())
            .await;
        desk.recover().await;
    }
    let checked = desk.check().await;
    assert_eq!(checked.refusals(), [""; 0]);
    let n_never = checked.n(is_never_accepted);
    if accept {
        assert_eq!(n_never, 0);
    } else {
        assert_eq!(n_never, AMBIGUOUS.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_ambiguous_codes_of_accepted_orders_are_resolved() {
    ambiguous(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_ambiguous_codes_of_orders_not_accepted_are_resolved() {
    ambiguous(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_pages_and_server_errors_are_resolved() {
    let desk = Desk::with(Setup::rest()).await;
    let path = "/v5/order/create";
    let faults = [
        json!({"kind": "html", "status": 502, "effect": true, "path": path}),
        json!({"kind": "status", "status": 503, "body": "{}", "effect": true, "path": path}),
        json!({"kind": "html", "status": 200, "effect": true, "path": path}),
        json!({"kind": "html", "status": 502, "path": path}),
    ];
    for fault in faults {
        let kind = fault["kind"].as_str().unwrap().to_owned();
        let before = desk.hits(&kind);
        desk.fault(fault);
        desk.next_bar().await;
        desk.until("the fault has hit", |d| before < d.hits(&kind))
            .await;
        desk.recover().await;
    }
    let checked = desk.check().await;
    assert_eq!(checked.refusals(), [""; 0]);
    assert_eq!(checked.n(is_never_accepted), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f05_a_duplicate_reply_is_evidence_of_acceptance() {
    let desk = Desk::new().await;
    for code in [110_072, 170_141, 10_014, 20_006] {
        desk.drill(&answer(code, true));
        let before = desk.server.counters().creates.len();
        desk.next_bar().await;
        desk.until("a create", |d| before < d.server.counters().creates.len())
            .await;
        desk.recover().await;
    }
    // The request that the network delivers twice: the second is refused, and that is heard.
    desk.fault(json!({"kind": "duplicate", "second": true, "path": "trade:order.create"}));
    desk.next_bar().await;
    desk.until("the fault has hit", |d| d.hits("duplicate") == 1)
        .await;
    desk.recover().await;
    let checked = desk.check().await;
    assert_eq!(checked.refusals(), [""; 0]);
    assert_eq!(checked.n(is_never_accepted), 0);
}

/// A close and the entry after it reach the venue in the order in which they were decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_what_turns_a_position_around_does_not_overtake_its_close() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    for _ in 0..10 {
        let before = desk.theirs();
        desk.next_bar().await;
        desk.until("it turns", |d| {
            let is_short = |size: SignedQty| size.to_string().starts_with('-');
            !d.theirs().is_zero() && is_short(d.theirs()) != is_short(before)
        })
        .await;
        desk.agree().await;
    }
    let checked = desk.check().await;
    assert_eq!(checked.refusals(), [""; 0]);
}

/// The venue says twice that the balance does not cover the entry: a tenth less each time, under a
/// new name, and the third one fits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_want_of_funds_makes_the_entry_smaller_at_most_twice() {
    let desk = Desk::new().await;
    desk.drill(&Drill::AnswerCode {
        op: "order.create".to_owned(),
        code: 110_007,
        message: "ab not enough for new order".to_owned(),
        accept: false,
        times: 2,
    });
    desk.next_bar().await;
    desk.recover().await;
    let checked = desk.check().await;
    let is_funds = |event: &AccountEvent| match event {
        AccountEvent::Rejected { reason, .. } => matches!(reason, RejectReason::Funds(_)),
        _ => false,
    };
    assert_eq!(checked.n(is_funds), 2);
    assert!(!checked.truth.executions.is_empty(), "the third one fits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_a_cancel_that_comes_too_late_is_not_repeated_for_ever() {
    let n_cancels = |d: &Desk| {
        let counters = d.server.counters();
        counters
            .requests
            .get("trade:order.cancel")
            .copied()
            .unwrap_or(0)
    };
    let desk = Desk::new().await;
    desk.hold_something().await;
    for code in [110_001, 110_008, 110_010] {
        desk.drill(&Drill::AnswerCode {
            op: "order.cancel".to_owned(),
            code,
            message: "a drill".to_owned(),
            accept: true,
            times: 1,
        });
        // A person cancels the stop of what is held: one cancel leaves for certain, whatever the
        // turn of a bar takes away by itself.
        let (before, orders) = (n_cancels(&desk), desk.seen().orders.clone());
        let stop = orders.first().expect("a position has its stop").id;
        desk.command(TradeCommand::Cancel(stop));
        desk.until("the cancel has left", |d| before < n_cancels(d))
            .await;
        desk.next_bar().await;
        desk.recover().await;
    }
    let (n, orders) = (n_cancels(&desk), desk.truth().orders.len() as u64);
    assert!(n <= 3 * orders, "{n} cancels of {orders} orders");
    desk.check().await;
}
