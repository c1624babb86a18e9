//! Lines about orders: open outcomes, conditional orders, positions by index, quantities, queries.

use rstest::rstest;
use serde_json::{Value, json};
use tradeterm::domain::{Side, TriggerPrice};
use tradeterm::venue::broker::{AskError, CancelSent, RemoteBroker, Submitted};
use tradeterm::venue::bybit::broker::PrivateStream;
use tradeterm::venue::bybit::wire::names::PositionIdx;
use tradeterm::venue::bybit::wire::request::CreateOrder;

use crate::desk::{
    CREATE, Desk, PERP, SPOT, approved, at, buy, config, frame_of, id, instruments, limit, mark, n,
    price, quiet_market, sell, stop,
};
use crate::gate::Gate;

#[rstest]
#[case::answer_lost(json!({"kind": "drop-reply"}), true)]
#[case::never_arrived(json!({"kind": "drop-request"}), false)]
#[case::page_after_effect(json!({"kind": "html", "effect": true}), true)]
#[case::page_instead(json!({"kind": "html"}), false)]
#[case::cut(json!({"kind": "truncate", "bytes": 20}), true)]
#[case::half_an_answer(json!({"kind": "truncate", "bytes": 20, "clean": true}), true)]
#[case::status(json!({"kind": "status", "status": 503}), false)]
#[tokio::test]
async fn line_06_an_open_outcome_waits_for_a_look(#[case] fault: Value, #[case] is_there: bool) {
    let desk = Desk::new().await;
    let mut gate = Gate::open(&desk);
    gate.connect().await;
    let mut fault = fault;
    fault["path"] = json!(CREATE);
    desk.fault(fault);
    gate.submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"));
    gate.until("unknown tt-a-1").await;
    let end = if is_there { "accepted" } else { "never" };
    gate.until(end).await;
    assert!(!gate.has("rejected"), "{:?}", gate.said);
    assert_eq!(desk.creates().len(), 1, "never sent twice");
    let listed = desk.broker.report(at(0)).await.unwrap().orders.len();
    assert_eq!(listed, usize::from(is_there));
}

#[rstest]
#[case(10_000, true)]
#[case(10_016, true)]
#[case(10_016, false)]
#[case(987_654, true)]
#[tokio::test]
async fn line_06_codes_that_prove_nothing_wait_too(#[case] code: i64, #[case] accept: bool) {
    let desk = Desk::new().await;
    desk.answer("order.create", code, "server error", accept);
    let outcome = desk
        .submit("tt-a-1", limit(PERP, Side::Buy, "0.1", "59000"))
        .await;
    assert!(matches!(outcome, Submitted::Unknown(_)), "{outcome:?}");
    let expected = if accept { "accepted tt-a-1" } else { "nowhere" };
    assert_eq!(desk.find("tt-a-1", PERP).await, [expected]);
}

#[tokio::test]
async fn line_07_conditional_orders_are_listed_and_told_apart() {
    let desk = Desk::new().await;
    let guarded = json!({"category": "linear", "symbol": "BTCUSDT", "side": "Buy",
        "orderType": "Market", "qty": "0.5", "takeProfit": "70000", "stopLoss": "50000"});
    assert_eq!(desk.post(CREATE, guarded).await.code, 0);
    desk.place("tt-p-1", limit(PERP, Side::Buy, "0.1", "59500"))
        .await;
    desk.place("tt-s-1", stop(PERP, "0.5", "55000", TriggerPrice::Last))
        .await;
    desk.place("tt-a-1", buy(SPOT, "0.5")).await;
    desk.place("tt-s-2", stop(SPOT, "0.1", "55000", TriggerPrice::Last))
        .await;
    let report = desk.broker.report(at(0)).await.unwrap();
    let mut listed: Vec<String> = report
        .orders
        .iter()
        .map(|order| {
            let name = order
                .order
                .map_or("of the venue".to_owned(), |id| id.to_string());
            format!(
                "{name} {:?} {}",
                order.instrument.map(|id| id.0),
                order.filled
            )
        })
        .collect();
    listed.sort();
    // Those that the position brought along are somebody's, but none of ours.
    assert_eq!(
        listed,
        [
            "of the venue Some(0) 0",
            "of the venue Some(0) 0",
            "tt-p-1 Some(0) 0",
            "tt-s-1 Some(0) 0",
            "tt-s-2 Some(1) 0",
        ]
    );
    for (name, instrument) in [("tt-s-1", PERP), ("tt-s-2", SPOT)] {
        // It sleeps: neither awake nor filled.
        assert_eq!(
            desk.find(name, instrument).await,
            [format!("accepted {name}")]
        );
        let cancelled = desk.broker.cancel(id(name), instrument).await;
        assert_eq!(cancelled, CancelSent::Accepted, "{name}");
        desk.pass(0).await;
        let status = desk.really(name).0;
        assert!(
            ["Cancelled", "Deactivated"].contains(&&*status),
            "{name}: {status}"
        );
    }
    assert_eq!(desk.really("tt-p-1").0, "New");
}

#[tokio::test]
async fn line_08_a_stop_watches_the_price_it_names() {
    let events = [
        price(0, PERP, "60000"),
        price(0, SPOT, "60000"),
        vec![mark(0, "60000")],
        // A spike that the mark does not follow, then a fall of the mark.
        price(1_000, PERP, "54000"),
        price(2_000, PERP, "60000"),
        vec![mark(3_000, "54000")],
        price(86_400_000, PERP, "60000"),
    ]
    .concat();
    let desk = Desk::with(config(events)).await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    desk.place("tt-m-1", stop(PERP, "0.2", "55000", TriggerPrice::Mark))
        .await;
    desk.place("tt-l-1", stop(PERP, "0.2", "55000", TriggerPrice::Last))
        .await;
    let sent: Vec<Value> = desk
        .creates()
        .iter()
        .map(|c| c["triggerBy"].clone())
        .collect();
    assert_eq!(sent, [Value::Null, json!("MarkPrice"), json!("LastPrice")]);
    let states = || [desk.really("tt-m-1").0, desk.really("tt-l-1").0];
    assert_eq!(states(), ["Untriggered", "Untriggered"]);
    desk.pass(2_500).await;
    assert_eq!(states(), ["Untriggered", "Filled"]);
    desk.pass(1_000).await;
    assert_eq!(states(), ["Filled", "Filled"]);
}

#[tokio::test]
async fn line_10_one_way_orders_name_the_only_position() {
    let desk = Desk::new().await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    desk.place("tt-a-2", sell(PERP, "0.2")).await;
    let sent: Vec<Value> = desk
        .creates()
        .iter()
        .map(|c| c["positionIdx"].clone())
        .collect();
    assert_eq!(sent, [json!(0), json!(0)]);
    let report = desk.broker.report(at(0)).await.unwrap();
    assert_eq!(report.positions[0].size, n("0.3"));
}

#[tokio::test]
async fn line_10_hedged_positions_are_kept_by_index_and_never_by_order() {
    let mut setup = config(quiet_market());
    setup.exchange.rules.hedge_mode = true;
    let desk = Desk::with(setup).await;
    let (mut socket, mut stream) = desk.listen().await;
    // An order for the only position is refused for certain, and no number stands for both legs.
    let outcome = desk.submit("tt-a-1", buy(PERP, "0.5")).await;
    assert!(matches!(outcome, Submitted::Rejected(_)), "{outcome:?}");
    let table = instruments();
    for (name, side, idx) in [
        ("tt-a-2", Side::Buy, PositionIdx::Long),
        ("tt-a-3", Side::Sell, PositionIdx::Short),
    ] {
        let mut spec = buy(PERP, "0.5");
        spec.side = side;
        let body = CreateOrder::new(table.get(PERP), id(name), &spec, idx);
        let answer = desk
            .post(CREATE, serde_json::to_value(&body).unwrap())
            .await;
        assert_eq!(answer.code, 0, "{}", answer.message);
        let text = frame_of(&mut socket, "position").await;
        let heard = stream.read(&text).unwrap();
        assert_eq!(
            heard.strange.len(),
            usize::from(side == Side::Buy),
            "told once"
        );
    }
    let error = desk.broker.report(at(0)).await.unwrap_err();
    let is_told = matches!(&error, AskError::NoAnswer(text) if text.contains("hedge mode"));
    assert!(is_told, "{error}");
    let legs = |stream: &PrivateStream| -> Vec<String> {
        let one = |p: &tradeterm::venue::bybit::wire::position::Position| {
            format!("{} {}", p.position_idx.number(), p.signed_size().unwrap())
        };
        stream.positions().map(one).collect()
    };
    assert_eq!(legs(&stream), ["1 0.5", "2 -0.5"]);
    // The same rows in any order.
    let path = "/v5/position/list";
    let query = [("category", "linear"), ("symbol", "BTCUSDT")];
    let answer = desk.rest.get_signed(path, &query).await.unwrap();
    let list: Value = serde_json::from_str(answer.result.get()).unwrap();
    let mut rows = list["list"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 2);
    for _ in 0..2 {
        rows.reverse();
        let frame = json!({"id": "1", "topic": "position.linear", "creationTime": 1,
            "data": rows.clone()});
        let mut fresh = PrivateStream::new(instruments(), desk.broker.roster());
        fresh.read(&frame.to_string()).unwrap();
        assert_eq!(legs(&fresh), ["1 0.5", "2 -0.5"]);
    }
}

#[tokio::test]
async fn line_11_a_spot_purchase_is_in_base_coins() {
    let desk = Desk::new().await;
    desk.place("tt-a-1", buy(SPOT, "0.5")).await;
    assert_eq!(desk.creates()[0]["marketUnit"], "baseCoin");
    assert_eq!(desk.really("tt-a-1"), ("Filled".to_owned(), n("0.5")));
    // Without the unit the same number is money.
    let bare = json!({"category": "spot", "symbol": "BTCUSDT", "side": "Buy",
        "orderType": "Market", "qty": "600", "orderLinkId": "web-1"});
    assert_eq!(desk.post(CREATE, bare).await.code, 0);
    let bought = desk.really("web-1").1;
    assert!(
        n::<tradeterm::domain::Qty>("0.0099") < bought && bought <= n("0.01"),
        "{bought}"
    );
    // A sale is in base coins anyhow.
    desk.place("tt-a-2", sell(SPOT, "0.2")).await;
    assert_eq!(desk.really("tt-a-2").1, n("0.2"));
}

#[tokio::test]
async fn line_22_history_and_executions_know_what_the_open_list_forgot() {
    let mut setup = config(quiet_market());
    setup.exchange.rules.closed_kept = 0;
    let desk = Desk::with(setup).await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    desk.place("tt-a-2", limit(PERP, Side::Buy, "0.1", "59000"))
        .await;
    assert_eq!(
        desk.broker.cancel(id("tt-a-2"), PERP).await,
        CancelSent::Accepted
    );
    desk.drill(json!({"drill": "restart"}));
    desk.pass(0).await;
    let query = [("category", "linear"), ("orderLinkId", "tt-a-1")];
    let open = desk.rest.get_signed("/v5/order/realtime", &query).await;
    let open: Value = serde_json::from_str(open.unwrap().result.get()).unwrap();
    assert_eq!(open["list"], json!([]), "the open list has forgotten it");
    assert_eq!(
        desk.find("tt-a-1", PERP).await,
        ["accepted tt-a-1", "trade tt-a-1 buy 0.5"]
    );
    assert_eq!(
        desk.find("tt-a-2", PERP).await,
        ["accepted tt-a-2", "cancelled tt-a-2"]
    );
    for path in [
        "/v5/order/realtime",
        "/v5/order/history",
        "/v5/execution/list",
    ] {
        assert!(0 < desk.n_asked(path), "{path}");
    }
}

/// A place that does not answer is not one that has nothing.
#[rstest]
#[case("/v5/order/realtime")]
#[case("/v5/order/history")]
#[tokio::test]
async fn line_22_a_place_without_an_answer_proves_nothing(#[case] path: &str) {
    let desk = Desk::new().await;
    desk.broker.remember(tradeterm::venue::broker::KnownOrder {
        id: id("tt-a-1"),
        spec: approved("tt-a-1", buy(PERP, "0.5")).intent().spec.clone(),
        expected: None,
    });
    assert_eq!(desk.find("tt-a-1", PERP).await, ["nowhere"]);
    desk.fault(json!({"kind": "drop-reply", "path": path}));
    let found = desk.broker.find(id("tt-a-1"), PERP).await;
    assert!(matches!(found, Err(AskError::NoAnswer(_))), "{found:?}");
}
