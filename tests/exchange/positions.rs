//! Positions, their guards, modes and leverage.

use serde_json::{Value, json};
use tradeterm::domain::Side;
use tradeterm::venue::sim::exchange::VenueRules;

use super::desk::{Desk, PERP, linear, market, n};

const STOP: &str = "/v5/position/trading-stop";

fn stop(more: &Value) -> Value {
    let mut body = json!({"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full",
        "positionIdx": 0});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// Open conditional orders: stop type, quantity, trigger.
fn guards(desk: &mut Desk) -> Vec<(String, String, String)> {
    let query = "category=linear&symbol=BTCUSDT&orderFilter=StopOrder";
    let rows = desk.list("/v5/order/realtime", query);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| {
            (
                text(row, "stopOrderType"),
                text(row, "qty"),
                text(row, "triggerPrice"),
            )
        })
        .collect()
}

fn guard(kind: &str, qty: &str, trigger: &str) -> (String, String, String) {
    (kind.to_owned(), qty.to_owned(), trigger.to_owned())
}

#[test]
fn a_position_is_told_with_its_entry_its_sequence_and_its_value() {
    let mut desk = Desk::new();
    let row = desk.position();
    assert_eq!(
        (&row["side"], &row["size"], &row["seq"]),
        (&json!(""), &json!("0"), &json!(-1))
    );
    desk.create(&market("Sell", "2"));
    desk.mark(PERP, "95");
    let row = desk.position();
    assert_eq!((&row["side"], &row["size"]), (&json!("Sell"), &json!("2")));
    assert_eq!(
        (&row["avgPrice"], &row["unrealisedPnl"]),
        (&json!("100"), &json!("10"))
    );
    assert_eq!(
        (&row["positionValue"], &row["positionIM"]),
        (&json!("190"), &json!("19"))
    );
    assert_eq!(row["curRealisedPnl"], "-0.2");
    assert!(row.get("entryPrice").is_none());
    let pushed = desk.rows("position").pop().unwrap();
    assert_eq!(pushed["entryPrice"], "100");
    assert!(pushed.get("avgPrice").is_none());
    assert_eq!(pushed["seq"], row["seq"]);
    let path = "/v5/position/list";
    assert_eq!(desk.list(path, "category=linear&settleCoin=USDT").len(), 1);
    assert_eq!(desk.get(path, "category=linear")["retCode"], 10001);
    assert_eq!(desk.list(path, "category=linear&settleCoin=USDC").len(), 0);
}

#[test]
fn the_liquidation_price_is_where_the_account_ends() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "500"));
    let price: tradeterm::domain::Price = n(desk.position()["liqPrice"].as_str().unwrap());
    desk.pushes();
    let above = price.ceil_to(n("0.1"));
    desk.trade(PERP, &above.to_string(), "1", Side::Sell);
    assert_eq!(desk.position()["size"], "500");
    let below = above.raw() - 5 * n::<tradeterm::domain::Price>("0.1").raw();
    let below = tradeterm::domain::Price::from_raw(below).unwrap();
    desk.trade(PERP, &below.to_string(), "1", Side::Sell);
    assert_eq!(desk.position()["size"], "0");
    let pushes = desk.pushes();
    assert!(
        pushes
            .iter()
            .any(|line| line.starts_with("execution BustTrade 500")),
        "{pushes:?}"
    );
}

#[test]
fn a_guard_that_is_cancelled_guards_no_more() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "1"));
    let stop = json!({"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full",
        "positionIdx": 0, "takeProfit": "120", "stopLoss": "90", "trailingStop": "5"});
    assert_eq!(desk.code("/v5/position/trading-stop", &stop), 0);
    let all = json!({"category": "linear", "symbol": "BTCUSDT"});
    assert_eq!(desk.code("/v5/order/cancel-all", &all), 0);
    let row = desk.position();
    assert_eq!(
        (&row["takeProfit"], &row["stopLoss"], &row["trailingStop"]),
        (&json!(""), &json!(""), &json!("0"))
    );
    // The same guards again are new ones.
    assert_eq!(desk.later().code("/v5/position/trading-stop", &stop), 0);
    assert_eq!(guards(&mut desk).len(), 3);
}

#[test]
fn entries_bring_guards_that_grow_shrink_and_die_with_the_position() {
    let mut desk = Desk::new();
    desk.create(&linear(
        json!({"orderType": "Market", "takeProfit": "120", "stopLoss": "90"}),
    ));
    let both = |qty: &str| {
        [
            guard("StopLoss", qty, "90"),
            guard("TakeProfit", qty, "120"),
        ]
    };
    assert_eq!(guards(&mut desk), both("1"));
    let row = desk.position();
    assert_eq!(
        (&row["takeProfit"], &row["stopLoss"]),
        (&json!("120"), &json!("90"))
    );
    desk.create(&market("Buy", "2"));
    assert_eq!(guards(&mut desk), both("3"));
    desk.create(&market("Sell", "2.5"));
    assert_eq!(guards(&mut desk), both("0.5"));
    desk.pushes();
    desk.trade(PERP, "89", "1", Side::Sell);
    let pushes = desk.pushes();
    assert_eq!(pushes[0], "order Triggered 0/0.5");
    assert_eq!(pushes[1], "order Filled 0.5/0.5");
    assert!(
        pushes
            .contains(&"order Cancelled 0/0.5 CancelByTpSlTsClear EC_PerCancelRequest".to_owned()),
        "{pushes:?}"
    );
    assert_eq!(guards(&mut desk), []);
    let row = desk.position();
    assert_eq!(
        (&row["size"], &row["takeProfit"], &row["stopLoss"]),
        (&json!("0"), &json!(""), &json!(""))
    );
    let created: Vec<Value> = desk.list("/v5/order/history", "category=linear");
    let made: Vec<&str> = created
        .iter()
        .filter_map(|row| row["createType"].as_str())
        .collect();
    assert!(made.contains(&"CreateByTakeProfit") && made.contains(&"CreateByStopLoss"));
}

#[test]
fn guards_of_a_flipped_position_go() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({"orderType": "Market", "stopLoss": "90"})));
    desk.create(&market("Sell", "3"));
    assert_eq!(guards(&mut desk), []);
    assert_eq!(desk.position()["side"], "Sell");
}

#[test]
fn trading_stop_sets_edits_and_removes() {
    let mut desk = Desk::new();
    assert_eq!(desk.code(STOP, &stop(&json!({"stopLoss": "90"}))), 10001);
    desk.create(&market("Buy", "1"));
    assert_eq!(desk.code(STOP, &stop(&json!({"stopLoss": "90"}))), 0);
    assert_eq!(guards(&mut desk), [guard("StopLoss", "1", "90")]);
    assert_eq!(desk.code(STOP, &stop(&json!({"stopLoss": "90"}))), 34040);
    assert_eq!(desk.code(STOP, &stop(&json!({"takeProfit": "0"}))), 34040);
    assert_eq!(desk.code(STOP, &stop(&json!({}))), 34040);
    assert_eq!(
        desk.code(STOP, &stop(&json!({"stopLoss": "92", "takeProfit": "130"}))),
        0
    );
    // The stop is edited where it is, the take-profit is newer.
    assert_eq!(
        guards(&mut desk),
        [
            guard("TakeProfit", "1", "130"),
            guard("StopLoss", "1", "92")
        ]
    );
    assert_eq!(desk.code(STOP, &stop(&json!({"stopLoss": "0"}))), 0);
    assert_eq!(guards(&mut desk), [guard("TakeProfit", "1", "130")]);
    assert_eq!(
        desk.later().code(STOP, &stop(&json!({"stopLoss": "101"}))),
        10001
    );
    assert_eq!(desk.code(STOP, &stop(&json!({"takeProfit": "99"}))), 10001);
}

#[test]
fn partial_guards_are_pairs_of_which_one_survives() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "2"));
    let body = stop(
        &json!({"tpslMode": "Partial", "takeProfit": "110", "stopLoss": "90",
        "tpSize": "0.5", "slSize": "0.5", "tpOrderType": "Limit", "tpLimitPrice": "109"}),
    );
    assert_eq!(desk.code(STOP, &body), 0);
    assert_eq!(desk.code(STOP, &body), 0);
    assert_eq!(guards(&mut desk).len(), 4);
    desk.trade(PERP, "111", "5", Side::Buy);
    desk.trade(PERP, "112", "5", Side::Buy);
    assert_eq!(desk.position()["size"], "1");
    assert_eq!(guards(&mut desk), []);
    let mut uneven = body.clone();
    uneven["slSize"] = json!("0.4");
    uneven["takeProfit"] = json!("140");
    assert_eq!(desk.later().code(STOP, &uneven), 10001);
}

#[test]
fn a_trailing_stop_follows_and_closes() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "1"));
    assert_eq!(desk.code(STOP, &stop(&json!({"trailingStop": "5"}))), 0);
    assert_eq!(guards(&mut desk), [guard("TrailingStop", "1", "95")]);
    assert_eq!(desk.position()["trailingStop"], "5");
    desk.trade(PERP, "110", "1", Side::Buy);
    assert_eq!(guards(&mut desk), [guard("TrailingStop", "1", "105")]);
    desk.trade(PERP, "105.1", "1", Side::Sell);
    assert_eq!(desk.position()["size"], "1");
    desk.trade(PERP, "105", "1", Side::Sell);
    assert_eq!(desk.position()["size"], "0");
    assert_eq!(
        desk.venue.truth().executions.last().unwrap().price,
        n("105")
    );
}

#[test]
fn a_trailing_stop_may_wait_for_a_price() {
    let mut desk = Desk::new();
    desk.create(&market("Sell", "1"));
    let body = stop(&json!({"trailingStop": "5", "activePrice": "90"}));
    assert_eq!(desk.code(STOP, &body), 0);
    desk.trade(PERP, "120", "1", Side::Buy);
    assert_eq!(desk.position()["size"], "1");
    desk.trade(PERP, "88", "1", Side::Sell);
    assert_eq!(guards(&mut desk), [guard("TrailingStop", "1", "93")]);
    desk.trade(PERP, "93", "1", Side::Buy);
    assert_eq!(desk.position()["size"], "0");
}

#[test]
fn reduce_only_shrinks_with_the_position_and_zero_closes_all() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "2"));
    desk.create(&linear(json!({"side": "Sell", "price": "150", "qty": "2",
        "reduceOnly": true, "orderLinkId": "r"})));
    desk.pushes();
    desk.create(&linear(
        json!({"side": "Sell", "orderType": "Market", "qty": "0",
        "reduceOnly": true, "closeOnTrigger": true}),
    ));
    let pushes = desk.pushes();
    assert_eq!(pushes[0], "order Filled 2/2");
    let gone = "order Cancelled 0/2 CancelByReduceOnly EC_PerCancelRequest";
    assert!(pushes.contains(&gone.to_owned()), "{pushes:?}");
    assert_eq!(desk.position()["size"], "0");
}

#[test]
fn leverage_is_set_once_and_within_the_limit() {
    let mut desk = Desk::new();
    let mut set = |buy: &str, sell: &str| {
        let body = json!({"category": "linear", "symbol": "BTCUSDT", "buyLeverage": buy,
            "sellLeverage": sell});
        desk.code("/v5/position/set-leverage", &body)
    };
    assert_eq!(set("10", "10"), 110_043);
    assert_eq!(set("20", "20"), 0);
    assert_eq!(set("20", "20"), 110_043);
    assert_eq!(set("101", "101"), 110_013);
    assert_eq!(set("0.5", "0.5"), 10001);
    assert_eq!(set("5", "6"), 10001);
    assert_eq!(desk.position()["leverage"], "20");
    let auto = json!({"category": "linear", "symbol": "BTCUSDT", "autoAddMargin": 1,
        "positionIdx": 0});
    assert_eq!(desk.code("/v5/position/set-auto-add-margin", &auto), 0);
    assert_eq!(desk.position()["autoAddMargin"], 1);
}

#[test]
fn the_position_mode_changes_only_when_nothing_is_open() {
    let mut desk = Desk::new();
    let mode = |mode: i32| json!({"category": "linear", "symbol": "BTCUSDT", "mode": mode});
    let path = "/v5/position/switch-mode";
    assert_eq!(desk.code(path, &mode(0)), 110_025);
    assert_eq!(desk.code(path, &mode(1)), 10001);
    desk.create(&linear(json!({"orderLinkId": "a"})));
    assert_eq!(desk.code(path, &mode(3)), 110_028);
    let all = json!({"category": "linear", "symbol": "BTCUSDT"});
    assert_eq!(desk.code("/v5/order/cancel-all", &all), 0);
    desk.create(&market("Buy", "1"));
    assert_eq!(desk.code(path, &mode(3)), 110_024);
    desk.create(&market("Sell", "1"));
    assert_eq!(desk.code(path, &mode(3)), 0);
    assert_eq!(desk.code(path, &mode(3)), 110_025);
    let spot = json!({"category": "spot", "symbol": "BTCUSDT", "mode": 0});
    assert_eq!(desk.code(path, &spot), 110_029);
}

#[test]
fn hedge_mode_has_two_legs() {
    let mut desk = Desk::with(VenueRules {
        hedge_mode: true,
        ..VenueRules::default()
    });
    let order = |side: &str, idx: i32, qty: &str| {
        linear(json!({"orderType": "Market", "side": side, "positionIdx": idx, "qty": qty}))
    };
    let answer = desk.post("/v5/order/create", &order("Buy", 0, "1"));
    assert_eq!(answer["retCode"], 10001);
    assert_eq!(answer["retMsg"], "position idx not match position mode");
    desk.create(&order("Buy", 1, "2"));
    desk.create(&order("Sell", 2, "3"));
    let legs = |desk: &mut Desk| {
        let rows = desk.list("/v5/position/list", "category=linear&symbol=BTCUSDT");
        let leg = |row: &Value| format!("{}{} {}", row["side"], row["size"], row["positionIdx"]);
        rows.iter().map(leg).collect::<Vec<_>>()
    };
    assert_eq!(legs(&mut desk), ["\"Buy\"\"2\" 1", "\"Sell\"\"3\" 2"]);
    // The long leg is closed by a sale and never turned round.
    desk.create(&order("Sell", 1, "5"));
    assert_eq!(legs(&mut desk), ["\"\"\"0\" 1", "\"Sell\"\"3\" 2"]);
    assert_eq!(
        desk.later()
            .code("/v5/order/create", &order("Sell", 1, "1")),
        110_017
    );
    // Both legs are listed even if flat, only open ones by coin.
    let open = desk.list("/v5/position/list", "category=linear&settleCoin=USDT");
    assert_eq!(open.len(), 1);
    // Guards belong to their leg.
    let mut body = stop(&json!({"stopLoss": "110", "positionIdx": 2}));
    assert_eq!(desk.code(STOP, &body), 0);
    body["positionIdx"] = json!(1);
    assert_eq!(desk.code(STOP, &body), 10001);
    desk.trade(PERP, "110", "1", Side::Buy);
    assert_eq!(legs(&mut desk), ["\"\"\"0\" 1", "\"\"\"0\" 2"]);
}
