//! Lines about refusals: what a code means, and what is done about it.

use rstest::rstest;
use serde_json::json;
use tradeterm::domain::{InstrumentId, OrderKind, RejectReason, Side, TriggerPrice};
use tradeterm::venue::broker::{CancelSent, RemoteBroker, Submitted};

use crate::desk::{Desk, PERP, SPOT, at, buy, id, limit, n, sell, stop};
use crate::engine_desk;
use crate::gate::Gate;

/// What is built of it: the whole family is a refusal for certain, so that a smaller order under
/// another name may follow.
#[rstest]
#[case(PERP, 110_004)]
#[case(PERP, 110_006)]
#[case(PERP, 110_007)]
#[case(PERP, 110_012)]
#[case(PERP, 110_044)]
#[case(PERP, 110_045)]
#[case(SPOT, 170_131)]
#[tokio::test]
async fn line_15_want_of_funds_is_a_refusal_for_certain(
    #[case] instrument: InstrumentId,
    #[case] code: i64,
) {
    let desk = Desk::new().await;
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    desk.answer("order.create", code, "not enough", false);
    gate.submit("tt-a-1", limit(instrument, Side::Buy, "0.1", "59000"));
    let text = gate.until("rejected tt-a-1").await;
    assert!(text.contains(&code.to_string()), "{text}");
    assert!(!gate.has("unknown"), "{:?}", gate.said);
    assert_eq!(desk.creates().len(), 1);
}

/// The refusal is typed, and that is what makes the engine send a smaller entry under a new name:
/// `f14_want_of_funds_makes_the_entry_smaller_at_most_twice` follows a whole session through it.
#[tokio::test]
async fn line_15_want_of_funds_is_told_as_such() {
    let desk = Desk::new().await;
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    desk.answer("order.create", 110_007, "not enough", false);
    gate.submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"));
    let text = gate.until("rejected tt-a-1").await;
    assert!(text.contains("balance is insufficient"), "{text}");
    assert_eq!(desk.creates().len(), 1);
}

#[tokio::test]
async fn line_16_a_known_name_is_looked_up_and_not_sent_again() {
    let desk = Desk::new().await;
    // An earlier attempt has arrived.
    desk.place("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"))
        .await;
    let outcome = desk
        .submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"))
        .await;
    assert_eq!(outcome, Submitted::Exists);
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    gate.submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"));
    gate.until("unknown tt-a-1").await;
    gate.until("accepted tt-a-1").await;
    assert!(!gate.has("rejected"), "{:?}", gate.said);
    let creates = desk.creates();
    assert_eq!(creates.len(), 3);
    assert!(creates.iter().all(|c| c["orderLinkId"] == "tt-a-1"));
    assert_eq!(desk.server.truth().orders.len(), 1);
}

#[rstest]
#[case(PERP, 110_094, "Order does not meet minimum order value 5USDT")]
#[case(SPOT, 170_140, "Order value exceeded lower limit.")]
#[tokio::test]
async fn line_17_too_small_is_not_tried_again(
    #[case] instrument: InstrumentId,
    #[case] code: i64,
    #[case] message: &str,
) {
    let desk = Desk::new().await;
    // Risk knows the venue's smallest value: only one that was raised meanwhile is met here.
    desk.answer("order.create", code, message, false);
    let outcome = desk
        .submit("tt-a-1", limit(instrument, Side::Buy, "0.1", "59000"))
        .await;
    let Submitted::Rejected(RejectReason::Rule(text)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(text.starts_with(&code.to_string()), "{text}");
    assert!(text.contains("below the venue's smallest"), "{text}");
    assert_eq!(desk.creates().len(), 1);
    assert!(desk.server.truth().orders.is_empty());
}

#[rstest]
#[case::gone("current position is zero, cannot fix reduce-only order qty")]
#[case::rule("Reduce-only rule not satisfied")]
#[tokio::test]
async fn line_17_a_refused_close_reads_the_position_anew(#[case] message: &str) {
    let desk = Desk::new().await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    assert!(gate.has("report 0.5"), "{:?}", gate.said);
    let n_read = desk.n_asked("/v5/position/list");
    desk.answer("order.create", 110_017, message, false);
    gate.submit("tt-a-2", sell(PERP, "0.5"));
    gate.until("rejected tt-a-2").await;
    // The code is not taken for a flat position: the venue is asked, and it is still there.
    assert_eq!(gate.until("report").await, "report 0.5");
    assert!(n_read < desk.n_asked("/v5/position/list"));
    assert_eq!(desk.creates().len(), 2, "nothing is repeated by itself");
}

/// What is built of it: such an order is over for certain, whatever its policy.
#[tokio::test]
async fn line_18_a_price_out_of_range_is_a_refusal_for_certain() {
    let desk = Desk::new().await;
    desk.answer(
        "order.create",
        110_003,
        "Order price exceeds the allowable range.",
        false,
    );
    let outcome = desk
        .submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"))
        .await;
    let Submitted::Rejected(RejectReason::Rule(text)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(text.starts_with("110003"), "{text}");
    assert_eq!(desk.creates().len(), 1);
    assert_eq!(desk.find("tt-a-1", PERP).await, ["nowhere"]);
}

#[tokio::test]
#[ignore = "not built: no policy prices a refused order anew"]
async fn line_18_a_price_out_of_range_is_priced_anew() {
    let desk = Desk::new().await;
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    desk.answer(
        "order.create",
        110_003,
        "Order price exceeds the allowable range.",
        false,
    );
    gate.submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"));
    gate.until("accepted").await;
    let creates = desk.creates();
    assert_eq!(creates.len(), 2);
    assert_ne!(creates[0]["price"], creates[1]["price"]);
    assert_ne!(creates[0]["orderLinkId"], creates[1]["orderLinkId"]);
}

#[tokio::test]
async fn line_19_a_cancel_that_finds_nothing_fetches_the_end() {
    let desk = Desk::new().await;
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    gate.submit("tt-a-1", buy(PERP, "0.5"));
    gate.until("accepted tt-a-1").await;
    desk.pass(0).await;
    assert_eq!(
        desk.broker.cancel(id("tt-a-1"), PERP).await,
        CancelSent::Gone
    );
    assert_eq!(
        desk.find("tt-a-1", PERP).await,
        ["accepted tt-a-1", "trade tt-a-1 buy 0.5"]
    );
    // The same through the gateway: an order that somebody else has cancelled.
    gate.submit("tt-a-2", limit(PERP, Side::Buy, "0.1", "59000"));
    gate.until("accepted tt-a-2").await;
    let body = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "tt-a-2"});
    assert_eq!(desk.post("/v5/order/cancel", body).await.code, 0);
    gate.cancel("tt-a-2");
    gate.until("cancelled tt-a-2").await;
    gate.until("too late tt-a-2").await;
}

#[tokio::test]
async fn line_26_a_stop_on_the_wrong_side_has_failed() {
    let desk = Desk::new().await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    // The market has fallen through it already.
    let spec = stop(PERP, "0.5", "60500", TriggerPrice::Last);
    let passed = Submitted::Rejected(RejectReason::TriggerPassed);
    assert_eq!(desk.submit("tt-s-1", spec.clone()).await, passed);
    for message in [
        "expect Falling, but trigger_price[605000000] >= current[600000000]??LastPrice",
        "TriggerPrice invalid",
        "StopLoss for Buy position should be lower than base_price",
    ] {
        desk.answer("order.create", 10_001, message, false);
        assert_eq!(
            desk.submit("tt-s-2", spec.clone()).await,
            passed,
            "{message}"
        );
        desk.pass(1_000).await;
    }
    let report = desk.broker.report(at(0)).await.unwrap();
    assert_eq!((report.orders.len(), report.positions.len()), (0, 1));
}

/// The engine closes at the market then.
#[test]
fn line_26_a_failed_stop_closes_the_position() {
    use engine_desk::{Setup, n as number};
    let mut desk = Setup::default().fake(&["+"]);
    desk.session.broker.reply = Some(Box::new(|intent| match intent.spec.kind {
        OrderKind::Stop { .. } => vec![tradeterm::domain::AccountEvent::Rejected {
            order: intent.id,
            reason: RejectReason::TriggerPassed,
        }],
        _ => vec![],
    }));
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "25", "100");
    desk.tick();
    desk.tick();
    let close = desk.session.broker.last();
    assert_eq!(close.spec.kind, OrderKind::Market);
    assert!(close.spec.reduce_only);
    assert_eq!(close.spec.qty, number("25"));
    assert_eq!(close.spec.qty, n("25"));
    assert_eq!(desk.session.broker.n_of('s'), 1, "no second stop");
}
