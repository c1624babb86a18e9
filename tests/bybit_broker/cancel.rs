//! What became of a cancel, for every class of answer.

use serde_json::{Value, json};
use tradeterm::domain::{InstrumentId, OrderSpec, TriggerPrice};
use tradeterm::venue::broker::{CancelSent, RemoteBroker};

use crate::desk::{PERP, SPOT, broker, coded, limit, n, name, remembering, stop, time_at};
use crate::server::{ACCEPTED, START, Server, Then, http, ok};

/// Codes of answers to a cancel by what they mean, one row a code (appendix A).
const CANCELS: &[(&str, &[i64])] = &[
    ("accepted", &[0, 110_025, 110_026, 110_027, 110_043, 34040]),
    (
        "gone",
        &[
            110_001, 110_008, 110_010, 170_139, 170_142, 170_190, 170_213,
        ],
    ),
    (
        "unknown",
        &[
            -1, 10000, 10016, 10019, 10429, 170_001, 170_007, 170_032, 170_035, 170_146, 170_147,
            170_310, 110_079, 500_000, 429, 4242, 10014, 20006, 110_072,
        ],
    ),
    (
        "not sent",
        &[
            10006, 10403, 170_005, 170_222, 20003, 10018, 10001, 110_003, 110_007, 30228, 110_066,
        ],
    ),
    (
        "refused",
        &[10003, 10004, 10005, 10007, 10010, 10027, 33004, -2015],
    ),
];

const fn kind(outcome: &CancelSent) -> &'static str {
    match outcome {
        CancelSent::Accepted => "accepted",
        CancelSent::Gone => "gone",
        CancelSent::NotSent(_) => "not sent",
        CancelSent::Refused(_) => "refused",
        CancelSent::Unknown(_) => "unknown",
    }
}

async fn cancel_once(answer: Vec<u8>) -> CancelSent {
    let server = Server::answering(answer).await;
    let outcome = remembering(&server, limit(PERP)).cancel(name(), PERP).await;
    assert_eq!(server.seen().len(), 1, "{outcome:?}");
    outcome
}

#[tokio::test]
async fn every_code_has_its_outcome_after_one_request() {
    for (expected, codes) in CANCELS {
        for code in *codes {
            let outcome = cancel_once(coded(*code, "so it is")).await;
            assert_eq!(kind(&outcome), *expected, "{code}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn no_answer_and_no_code_prove_nothing() {
    for (answer, expected) in [
        (http("500 Oops", "", ""), "unknown"),
        (http("429 Too Many", "", ""), "unknown"),
        (http("403 Forbidden", "", ""), "refused"),
        (http("403 Forbidden", "", "access too frequent"), "not sent"),
        (http("404 Not Found", "", ""), "not sent"),
        (ok("<html>"), "unknown"),
    ] {
        let outcome = cancel_once(answer.clone()).await;
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(kind(&outcome), expected, "{text}: {outcome:?}");
    }
    let server = Server::start(|_| Then::Cut(Vec::new())).await;
    let outcome = broker(&server).cancel(name(), PERP).await;
    assert_eq!(kind(&outcome), "unknown", "{outcome:?}");
    let outcome = broker(&server).cancel(name(), InstrumentId(7)).await;
    assert_eq!(kind(&outcome), "not sent", "{outcome:?}");
}

#[tokio::test]
async fn a_late_cancel_goes_out_again() {
    let server = Server::start(|seen| match seen.line().1 {
        "/v5/market/time" => Then::Answer(time_at(START)),
        _ => Then::Answer(coded(10002, "late")),
    })
    .await;
    let outcome = broker(&server).cancel(name(), PERP).await;
    assert_eq!(kind(&outcome), "not sent", "{outcome:?}");
    let seen = server.seen();
    let cancels = seen.iter().filter(|s| s.line().1 == "/v5/order/cancel");
    assert_eq!(cancels.count(), 3);
}

/// Bodies of the cancels of one order on a venue that knows it only under `filter`.
async fn cancel_of(spec: OrderSpec, filter: &'static str) -> (CancelSent, Vec<Value>) {
    let instrument = spec.instrument;
    let server = Server::start(move |seen| {
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let asked = body
            .get("orderFilter")
            .map_or("Order", |f| f.as_str().unwrap());
        Then::Answer(if asked == filter {
            ok(ACCEPTED)
        } else {
            coded(170_213, "Order does not exist.")
        })
    })
    .await;
    let outcome = remembering(&server, spec).cancel(name(), instrument).await;
    let bodies = server.seen();
    let bodies = bodies
        .iter()
        .map(|s| serde_json::from_str(&s.body).unwrap());
    (outcome, bodies.collect())
}

#[tokio::test]
async fn a_spot_order_is_looked_for_among_its_kind() {
    let plain = json!({"category": "spot", "symbol": "BTCUSDT", "orderLinkId": name().as_str()});
    let mut sleeping = plain.clone();
    sleeping["orderFilter"] = json!("StopOrder");
    let of_stop = || stop(SPOT, TriggerPrice::Last);
    for (spec, filter, outcome, bodies) in [
        (
            limit(SPOT),
            "Order",
            CancelSent::Accepted,
            vec![plain.clone()],
        ),
        (
            limit(SPOT),
            "nowhere",
            CancelSent::Gone,
            vec![plain.clone()],
        ),
        (
            of_stop(),
            "StopOrder",
            CancelSent::Accepted,
            vec![sleeping.clone()],
        ),
        // It has woken up unheard: gone from its kind is not gone.
        (
            of_stop(),
            "Order",
            CancelSent::Accepted,
            vec![sleeping.clone(), plain.clone()],
        ),
        (
            of_stop(),
            "nowhere",
            CancelSent::Gone,
            vec![sleeping, plain],
        ),
    ] {
        assert_eq!(cancel_of(spec, filter).await, (outcome, bodies), "{filter}");
    }
}

#[tokio::test]
async fn a_contract_is_cancelled_by_name_alone() {
    let (outcome, bodies) = cancel_of(stop(PERP, TriggerPrice::Last), "Order").await;
    assert_eq!(outcome, CancelSent::Accepted);
    let expected = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "tt-a-1"});
    assert_eq!(bodies, [expected]);
}

#[tokio::test]
async fn cancels_have_room_that_nothing_else_takes() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let broker = broker(&server);
    let mut n_accepted = 0;
    while broker.cancel(n("other"), PERP).await == CancelSent::Accepted {
        n_accepted += 1;
    }
    assert_eq!(
        n_accepted, 5,
        "half of the venue's ten a second, all of it for cancels"
    );
}
