//! The life of orders as pushes tell it, message by message.

use serde_json::json;
use tradeterm::domain::Side;
use tradeterm::venue::sim::exchange::{Drill, VenueRules};

use super::desk::{Desk, MINUTE, PERP, SPOT, START, linear, market, n, spot};

#[test]
fn a_resting_order_is_new_then_filled() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({"price": "99", "orderLinkId": "a"})));
    assert_eq!(desk.pushes(), ["order New 0/1", "position 0"]);
    desk.trade(PERP, "98", "0.4", Side::Sell);
    desk.trade(PERP, "98", "5", Side::Sell);
    assert_eq!(
        desk.pushes(),
        [
            "order PartiallyFilled 0.4/1",
            "execution Trade 0.4@99",
            "position Buy0.4",
            "wallet 9999.99208",
            "order Filled 1/1",
            "execution Trade 0.6@99",
            "position Buy1",
            "wallet 9999.9802",
        ]
    );
}

#[test]
fn a_fill_is_told_fast_with_few_words() {
    let mut desk = Desk::new();
    let taker = desk.create(&linear(json!({"price": "100.1", "orderLinkId": "taker"})));
    let pushes = desk.venue.take_private();
    let place = |topic: &str| pushes.iter().position(|push| push.topic == topic).unwrap();
    assert!(place("execution.fast") < place("execution"));
    let whole = &pushes[place("execution")].data[0];
    let quick = pushes[place("execution.fast")].data[0].as_object().unwrap();
    assert_eq!(quick["orderId"], taker);
    assert_eq!(quick["orderLinkId"], "taker");
    assert_eq!(quick.len(), 11);
    for (name, value) in quick {
        assert_eq!(value, &whole[name], "{name}");
    }
    // A maker's fill does not carry the name that the client gave.
    desk.create(&linear(json!({"price": "99", "orderLinkId": "maker"})));
    desk.trade(PERP, "98", "5", Side::Sell);
    let quick = desk.rows("execution.fast").pop().unwrap();
    assert_eq!(quick["isMaker"], true);
    assert_eq!(quick["orderLinkId"], "");
}

#[test]
fn a_market_order_goes_straight_to_its_end() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "1"));
    assert_eq!(
        desk.pushes(),
        [
            "order Filled 1/1",
            "execution Trade 1@100",
            "position Buy1",
            "wallet 9999.9",
        ]
    );
}

#[test]
fn between_two_bars_a_market_order_waits_for_the_open() {
    let mut desk = Desk::new();
    desk.bar(PERP, START, ["100", "101", "99", "100"]);
    desk.create(&market("Buy", "1"));
    assert_eq!(desk.pushes(), ["order New 0/1", "position 0"]);
    desk.open(PERP, "103");
    assert_eq!(
        desk.pushes()[..2],
        ["order Filled 1/1", "execution Trade 1@103"]
    );
    let truth = desk.venue.truth();
    assert_eq!(truth.executions[0].expected, n("100"));
}

#[test]
fn what_cannot_fill_at_once_is_cancelled_with_its_reason() {
    for (tif, price, reason) in [
        ("IOC", "99", "EC_NoImmediateQtyToFill"),
        ("FOK", "99", "EC_CancelForNoFullFill"),
        ("PostOnly", "101", "EC_PostOnlyWillTakeLiquidity"),
    ] {
        for category in ["linear", "spot"] {
            let mut desk = Desk::new();
            let body = linear(json!({"timeInForce": tif, "price": price, "category": category}));
            // The call itself succeeds.
            desk.create(&body);
            let pushes = desk.pushes();
            assert_eq!(
                pushes[0],
                format!("order Cancelled 0/1 {reason}"),
                "{category}"
            );
            assert_eq!(pushes.len(), 2);
        }
    }
}

#[test]
fn an_ioc_that_fills_in_part_ends_with_what_it_has() {
    for (category, status) in [("linear", "Cancelled"), ("spot", "PartiallyFilledCanceled")] {
        let mut desk = Desk::new();
        let (bids, asks) = ([("99", "9")], [("100", "0.4")]);
        desk.market(&super::desk::book_event(
            if category == "spot" { SPOT } else { PERP },
            1,
            true,
            &bids,
            &asks,
        ));
        desk.create(&linear(
            json!({"timeInForce": "IOC", "price": "100", "category": category}),
        ));
        let orders: Vec<String> = desk
            .pushes()
            .into_iter()
            .filter(|line| line.starts_with("order"))
            .collect();
        assert_eq!(
            orders,
            [
                "order PartiallyFilled 0.4/1".to_owned(),
                format!("order {status} 0.4/1 EC_NoImmediateQtyToFill"),
            ]
        );
    }
}

#[test]
fn a_spot_purchase_by_money_ends_with_a_residue() {
    let mut desk = Desk::new();
    desk.open(SPOT, "300");
    desk.create(&spot(
        json!({"orderType": "Market", "qty": "100", "price": null,
        "orderLinkId": "m"}),
    ));
    let rows = desk.rows("order");
    let last = rows.last().unwrap();
    assert_eq!(last["orderStatus"], "PartiallyFilledCanceled");
    assert_eq!(last["qty"], "100");
    assert_eq!(last["marketUnit"], "");
    assert_eq!(last["cumExecQty"], "0.333");
    assert_eq!(last["cumExecValue"], "99.9");
    // Spent to the last digit it is simply filled; by the base coin the amount is in coins.
    desk.create(&spot(
        json!({"orderType": "Market", "qty": "30", "price": null}),
    ));
    assert_eq!(desk.pushes()[0], "order Filled 0.1/30");
    desk.create(&spot(
        json!({"orderType": "Market", "qty": "0.5", "price": null,
        "marketUnit": "baseCoin"}),
    ));
    assert_eq!(desk.pushes()[0], "order Filled 0.5/0.5");
}

#[test]
fn spot_fees_are_paid_in_the_coin_that_is_bought() {
    let mut desk = Desk::new();
    desk.create(&spot(
        json!({"orderType": "Market", "qty": "1", "price": null,
        "marketUnit": "baseCoin"}),
    ));
    let row = desk.rows("execution").remove(0);
    assert_eq!(
        (&row["feeCurrency"], &row["execFee"]),
        (&json!("BTC"), &json!("0.001"))
    );
    assert_eq!(row["feeRate"], "0.001");
    let truth = desk.venue.truth();
    assert_eq!(
        (truth.cash, truth.positions[0].qty),
        (n("9900"), n("0.999"))
    );
    // What the fee took cannot be sold.
    let sell =
        |qty: &str| spot(json!({"orderType": "Market", "qty": qty, "price": null, "side": "Sell"}));
    assert_eq!(desk.code("/v5/order/create", &sell("1")), 170_131);
    desk.create(&sell("0.999"));
    let row = desk.rows("execution").remove(0);
    assert_eq!(
        (&row["feeCurrency"], &row["execFee"]),
        (&json!("USDT"), &json!("0.0999"))
    );
    let truth = desk.venue.truth();
    assert_eq!(truth.cash, n("9999.8001"));
    assert_eq!(truth.positions, []);
}

#[test]
fn spot_rebates_of_makers_are_paid_the_other_way_round() {
    let mut settings = super::desk::settings();
    settings.costs.maker = n("-0.001");
    let mut desk = Desk::new();
    let setup = tradeterm::venue::sim::exchange::ExchangeSetup {
        instruments: super::desk::table(),
        matcher: settings,
        keys: super::desk::keys(),
        start: super::desk::at(START),
        rules: VenueRules::default(),
    };
    desk.venue = tradeterm::venue::sim::exchange::Exchange::new(setup).unwrap();
    desk.open(SPOT, "100");
    desk.create(&spot(json!({"price": "90"})));
    desk.trade(SPOT, "89", "5", Side::Sell);
    let row = desk.rows("execution").remove(0);
    assert_eq!(
        (&row["feeCurrency"], &row["execFee"]),
        (&json!("USDT"), &json!("-0.09"))
    );
    desk.create(&spot(json!({"price": "110", "side": "Sell"})));
    desk.trade(SPOT, "111", "5", Side::Buy);
    let row = desk.rows("execution").remove(0);
    assert_eq!(
        (&row["feeCurrency"], &row["execFee"]),
        (&json!("BTC"), &json!("-0.001"))
    );
    let truth = desk.venue.truth();
    assert_eq!(
        (truth.cash, truth.positions[0].qty),
        (n("10020.09"), n("0.001"))
    );
}

#[test]
fn a_conditional_order_sleeps_wakes_and_trades() {
    let mut desk = Desk::new();
    let body = linear(
        json!({"orderType": "Market", "price": null, "timeInForce": "IOC",
        "triggerPrice": "110", "triggerDirection": 1, "triggerBy": "LastPrice"}),
    );
    desk.create(&body);
    let row = desk.rows("order").remove(0);
    assert_eq!(row["orderStatus"], "Untriggered");
    assert_eq!(row["stopOrderType"], "Stop");
    assert_eq!(
        (&row["triggerPrice"], &row["triggerDirection"]),
        (&json!("110"), &json!(1))
    );
    desk.trade(PERP, "111", "1", Side::Buy);
    let orders: Vec<String> = desk
        .pushes()
        .into_iter()
        .filter(|line| line.starts_with("order"))
        .collect();
    assert_eq!(orders, ["order Triggered 0/1", "order Filled 1/1"]);
}

#[test]
fn a_conditional_limit_order_rests_after_it_woke() {
    for (direction, trigger, through, price) in [(1, "110", "111", "90"), (2, "95", "94", "93")] {
        let mut desk = Desk::new();
        desk.create(&linear(json!({"price": price, "triggerPrice": trigger,
            "triggerDirection": direction})));
        assert_eq!(desk.pushes()[0], "order Untriggered 0/1");
        desk.trade(PERP, through, "1", Side::Buy);
        assert_eq!(desk.pushes()[..2], ["order Triggered 0/1", "order New 0/1"]);
        desk.trade(PERP, "80", "5", Side::Sell);
        assert_eq!(desk.pushes()[1], format!("execution Trade 1@{price}"));
    }
}

#[test]
fn a_bar_wakes_parked_orders_by_its_range_if_they_were_there() {
    let mut desk = Desk::new();
    let body = linear(json!({"price": "90", "triggerPrice": "110", "triggerDirection": 1}));
    desk.now = START + 30_000;
    let reply = desk.post("/v5/order/create", &body);
    assert_eq!(reply["retCode"], 0);
    desk.now = START + MINUTE;
    // It arrived within this bar: its range may lie before the order.
    desk.bar(PERP, START, ["100", "120", "99", "100"]);
    assert_eq!(desk.pushes(), ["order Untriggered 0/1", "position 0"]);
    desk.open(PERP, "100");
    desk.now = START + 2 * MINUTE;
    desk.bar(PERP, START + MINUTE, ["100", "110", "99", "100"]);
    assert_eq!(desk.pushes()[..2], ["order Triggered 0/1", "order New 0/1"]);
}

#[test]
fn sleeping_orders_are_cancelled_on_linear_and_deactivated_on_spot() {
    for (category, filter, status) in [
        ("linear", "Order", "Cancelled"),
        ("spot", "StopOrder", "Deactivated"),
        ("spot", "tpslOrder", "Deactivated"),
    ] {
        for price in [json!("120"), json!(null)] {
            let mut desk = Desk::new();
            let kind = if price.is_null() { "Market" } else { "Limit" };
            desk.create(&linear(json!({"category": category, "orderFilter": filter,
                "orderType": kind, "price": price, "triggerPrice": "110",
                "triggerDirection": 1, "orderLinkId": "t", "marketUnit": "baseCoin"})));
            desk.pushes();
            let body = json!({"category": category, "symbol": "BTCUSDT", "orderLinkId": "t",
                "orderFilter": filter});
            assert_eq!(desk.code("/v5/order/cancel", &body), 0);
            assert_eq!(
                desk.pushes()[0],
                format!("order {status} 0/1 CancelByUser EC_PerCancelRequest")
            );
        }
    }
}

#[test]
fn a_cancel_that_loses_the_race_tells_filled_twice() {
    let mut desk = Desk::with(VenueRules {
        ack_delay_ms: 50,
        ..VenueRules::default()
    });
    desk.create(&linear(json!({"price": "99", "orderLinkId": "a"})));
    assert_eq!(desk.pushes(), Vec::<String>::new());
    desk.later();
    assert_eq!(desk.pushes(), ["order New 0/1", "position 0"]);
    let body = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a"});
    assert_eq!(desk.code("/v5/order/cancel", &body), 0);
    desk.now += 49;
    desk.trade(PERP, "98", "5", Side::Sell);
    assert_eq!(desk.pushes()[0], "order Filled 1/1");
    desk.later();
    assert_eq!(
        desk.pushes(),
        ["order Filled 1/1 CancelByUser EC_OrigClOrdIDDoesNotExist"]
    );
    assert_eq!(desk.order("a")["cancelType"], "UNKNOWN");
    assert_eq!(desk.code("/v5/order/cancel", &body), 110_001);
}

#[test]
fn a_delayed_order_is_measured_against_the_price_of_its_request() {
    let mut desk = Desk::with(VenueRules {
        ack_delay_ms: 50,
        ..VenueRules::default()
    });
    desk.create(&market("Buy", "1"));
    desk.now += 20;
    desk.trade(PERP, "104", "1", Side::Buy);
    desk.later();
    let execution = &desk.venue.truth().executions[0];
    assert_eq!((execution.price, execution.expected), (n("104"), n("100")));
}

#[test]
fn an_accepted_order_may_still_be_rejected() {
    let mut desk = Desk::new();
    desk.drill(&Drill::RejectLater {
        reason: "EC_Others".to_owned(),
        times: 1,
    });
    desk.create(&linear(json!({})));
    assert_eq!(desk.pushes()[0], "order Rejected 0/1 EC_Others");
    desk.create(&linear(json!({})));
    assert_eq!(desk.pushes()[0], "order New 0/1");
}

#[test]
fn amends_change_what_rests_and_sleeps() {
    let mut desk = Desk::new();
    let id = desk.create(&linear(json!({"orderLinkId": "a"})));
    desk.pushes();
    let amend = |link: &str, more: serde_json::Value| {
        let mut body = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": link});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let answer = desk.post(
        "/v5/order/amend",
        &amend("a", json!({"qty": "2", "price": "95"})),
    );
    assert_eq!(answer["result"]["orderId"], id.as_str());
    let row = desk.rows("order").remove(0);
    assert_eq!((&row["qty"], &row["price"]), (&json!("2"), &json!("95")));
    assert_eq!(row["orderStatus"], "New");
    // One that crosses trades.
    assert_eq!(
        desk.code("/v5/order/amend", &amend("a", json!({"price": "101"}))),
        0
    );
    assert_eq!(desk.pushes()[2], "order Filled 2/2");
    for price in [json!("90"), json!(null)] {
        let kind = if price.is_null() { "Market" } else { "Limit" };
        let link = format!("t{kind}");
        desk.create(&linear(
            json!({"orderLinkId": link, "price": price, "orderType": kind,
            "triggerPrice": "110", "triggerDirection": 1}),
        ));
        desk.pushes();
        let body = amend(&link, json!({"triggerPrice": "105"}));
        assert_eq!(desk.code("/v5/order/amend", &body), 0);
        assert_eq!(desk.rows("order")[0]["triggerPrice"], "105");
        let passed = amend(&link, json!({"triggerPrice": "99"}));
        assert_eq!(desk.code("/v5/order/amend", &passed), 110_092);
        desk.later();
    }
    desk.trade(PERP, "106", "1", Side::Buy);
    let woken = desk.pushes();
    let n_woken = woken
        .iter()
        .filter(|line| line.contains("Triggered"))
        .count();
    assert_eq!(n_woken, 2, "{woken:?}");
}

#[test]
fn cancel_all_takes_stops_along_on_linear_and_leaves_them_on_spot() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({"orderLinkId": "a"})));
    desk.create(&linear(
        json!({"triggerPrice": "110", "triggerDirection": 1}),
    ));
    desk.create(&linear(json!({"symbol": "ETHUSDT"})));
    desk.create(&spot(json!({})));
    desk.create(&spot(
        json!({"triggerPrice": "110", "orderFilter": "StopOrder"}),
    ));
    let open = |desk: &mut Desk, query: &str| desk.list("/v5/order/realtime", query).len();
    let all = "/v5/order/cancel-all";
    assert_eq!(desk.code(all, &json!({"category": "linear"})), 10001);
    let answer = desk.post(all, &json!({"category": "linear", "symbol": "BTCUSDT"}));
    assert_eq!(answer["result"]["list"].as_array().unwrap().len(), 2);
    assert_eq!(answer["result"]["success"], "1");
    assert_eq!(open(&mut desk, "category=linear&settleCoin=USDT"), 1);
    assert_eq!(
        desk.code(all, &json!({"category": "linear", "settleCoin": "USDT"})),
        0
    );
    assert_eq!(open(&mut desk, "category=linear&settleCoin=USDT"), 0);
    assert_eq!(desk.code(all, &json!({"category": "spot"})), 0);
    assert_eq!(open(&mut desk, "category=spot"), 1);
    let stops = json!({"category": "spot", "orderFilter": "StopOrder"});
    assert_eq!(desk.code(all, &stops), 0);
    assert_eq!(open(&mut desk, "category=spot"), 0);
}

#[test]
fn batches_answer_item_by_item() {
    let mut desk = Desk::new();
    let items = json!([
        linear(json!({"orderLinkId": "a"})),
        linear(json!({"orderLinkId": "b", "qty": "0.0005"})),
    ]);
    let call = |request: &serde_json::Value| json!({"category": "linear", "request": request});
    let codes = |answer: &serde_json::Value| {
        let list = answer["retExtInfo"]["list"].as_array().unwrap();
        let codes: Vec<i64> = list.iter().map(|c| c["code"].as_i64().unwrap()).collect();
        codes
    };
    let answer = desk.post("/v5/order/create-batch", &call(&items));
    assert_eq!(codes(&answer), [0, 10001]);
    assert_eq!(answer["result"]["list"][0]["createAt"], START.to_string());
    let named = |link: &str| json!({"symbol": "BTCUSDT", "orderLinkId": link, "qty": "2"});
    let items = json!([named("a"), named("b")]);
    let answer = desk.post("/v5/order/amend-batch", &call(&items));
    assert_eq!(codes(&answer), [0, 110_001]);
    let answer = desk.post("/v5/order/cancel-batch", &call(&items));
    assert_eq!(codes(&answer), [0, 110_001]);
    assert_eq!(answer["result"]["list"][1]["orderLinkId"], "b");
    desk.create(&linear(json!({"orderLinkId": "t", "triggerPrice": "110",
        "triggerDirection": 1})));
    let answer = desk.post("/v5/order/amend-batch", &call(&json!([named("t")])));
    assert_eq!(codes(&answer), [10001]);
    let many = vec![named("a"); 21];
    assert_eq!(
        desk.code("/v5/order/cancel-batch", &call(&json!(many))),
        10001
    );
}
