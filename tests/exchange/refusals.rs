//! Every refusal of the order calls, by its code.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tradeterm::domain::{Qty, Side};
use tradeterm::venue::sim::exchange::{Drill, VenueRules};

use super::desk::{Desk, PERP, linear, market, spot};

#[rstest]
#[case::no_category(json!({"category": null}), 10001)]
#[case::other_category(json!({"category": "inverse"}), 10001)]
#[case::symbol(json!({"symbol": "XXXUSDT"}), 10001)]
#[case::side(json!({"side": "buy"}), 10001)]
#[case::order_type(json!({"orderType": "Stop"}), 10001)]
#[case::tif(json!({"timeInForce": "GTD"}), 10001)]
#[case::no_price(json!({"price": null}), 10001)]
#[case::empty_price(json!({"price": ""}), 10001)]
#[case::no_qty(json!({"qty": null}), 10001)]
#[case::word_as_qty(json!({"qty": "many"}), 10001)]
#[case::negative_qty(json!({"qty": "-1"}), 10001)]
#[case::off_tick(json!({"price": "90.05"}), 10001)]
#[case::price_out_of_range(json!({"price": "99999999999999999999"}), 110_003)]
#[case::off_step(json!({"qty": "0.0005"}), 10001)]
#[case::zero(json!({"qty": "0"}), 10001)]
#[case::too_large(json!({"qty": "1001"}), 10001)]
#[case::too_little_value(json!({"qty": "0.001"}), 110_094)]
#[case::idx_in_one_way_mode(json!({"positionIdx": 1}), 10001)]
#[case::long_link(json!({"orderLinkId": "x".repeat(37)}), 10001)]
#[case::odd_link(json!({"orderLinkId": "a b"}), 10001)]
#[case::flat_reduce_only(json!({"reduceOnly": true, "side": "Sell"}), 110_017)]
#[case::trigger_without_direction(json!({"triggerPrice": "110"}), 10001)]
#[case::rising_below(json!({"triggerPrice": "99", "triggerDirection": 1}), 110_092)]
#[case::falling_above(json!({"triggerPrice": "101", "triggerDirection": 2}), 110_093)]
#[case::take_below(json!({"takeProfit": "80"}), 10001)]
#[case::stop_above(json!({"stopLoss": "95"}), 10001)]
#[case::reduce_only_with_stop(json!({"reduceOnly": true, "stopLoss": "80"}), 10001)]
#[case::limit_tp_in_full_mode(
    json!({"takeProfit": "120", "tpOrderType": "Limit", "tpLimitPrice": "121"}), 10001)]
#[case::close_all_of_nothing(
    json!({"qty": "0", "reduceOnly": true, "closeOnTrigger": true, "orderType": "Market"}),
    110_017)]
fn linear_creates(#[case] changes: Value, #[case] code: i64) {
    let mut desk = Desk::new();
    let answer = desk.post("/v5/order/create", &linear(changes));
    assert_eq!(answer["retCode"], code, "{answer}");
    assert_eq!(answer["result"], json!({}));
    assert_eq!(desk.pushes(), Vec::<String>::new());
    assert_eq!(desk.venue.truth().orders, []);
}

#[rstest]
#[case::symbol(json!({"symbol": "ETHUSDT"}), 170_121)]
#[case::side(json!({"side": "Hold"}), 170_117)]
#[case::order_type(json!({"orderType": "Stop"}), 170_116)]
#[case::tif(json!({"timeInForce": "GTD"}), 170_115)]
#[case::off_tick(json!({"price": "90.05"}), 170_134)]
#[case::price_out_of_range(json!({"price": "99999999999999999999"}), 170_132)]
#[case::off_step(json!({"qty": "0.0005"}), 170_137)]
#[case::below_minimum(json!({"qty": "0"}), 170_136)]
#[case::too_little_value(json!({"qty": "0.001"}), 170_140)]
#[case::too_little_money(
    json!({"orderType": "Market", "qty": "4", "price": null}), 170_140)]
#[case::too_large(json!({"qty": "1001"}), 170_124)]
#[case::funds(json!({"qty": "200"}), 170_131)]
#[case::nothing_to_sell(json!({"side": "Sell", "price": "110"}), 170_131)]
#[case::filter_without_trigger(json!({"orderFilter": "tpslOrder"}), 170_201)]
#[case::odd_filter(json!({"orderFilter": "Other"}), 170_201)]
#[case::guards(json!({"takeProfit": "120"}), 10001)]
fn spot_creates(#[case] changes: Value, #[case] code: i64) {
    let mut desk = Desk::new();
    let answer = desk.post("/v5/order/create", &spot(changes));
    assert_eq!(answer["retCode"], code, "{answer}");
    assert_eq!(desk.venue.truth().orders, []);
}

#[test]
fn margin_of_open_orders_is_not_free_for_more() {
    let mut desk = Desk::new();
    let body = linear(json!({"qty": "600"}));
    desk.create(&body);
    let answer = desk.post("/v5/order/create", &body);
    assert_eq!(answer["retCode"], 110_007);
    assert_eq!(answer["retMsg"], "ab not enough for new order");
    // The other side needs no more than the side that is there.
    desk.create(&linear(
        json!({"qty": "600", "side": "Sell", "price": "110"}),
    ));
}

#[test]
fn a_link_is_used_once_for_ever_and_per_category() {
    let mut desk = Desk::new();
    let body = linear(json!({"orderLinkId": "once"}));
    desk.create(&body);
    assert_eq!(desk.code("/v5/order/create", &body), 110_072);
    let cancel = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "once"});
    assert_eq!(desk.code("/v5/order/cancel", &cancel), 0);
    // A duplicate is told as one whatever else is wrong with it.
    let worse = linear(json!({"orderLinkId": "once", "price": "1.05"}));
    assert_eq!(desk.code("/v5/order/create", &worse), 110_072);
    let same = spot(json!({"orderLinkId": "once"}));
    assert_eq!(desk.code("/v5/order/create", &same), 0);
    assert_eq!(desk.code("/v5/order/create", &same), 170_141);
    assert_eq!(desk.venue.truth().orders.len(), 2);
}

#[test]
fn a_refused_create_does_not_use_its_link_up() {
    let mut desk = Desk::new();
    let bad = linear(json!({"orderLinkId": "again", "qty": "0.001"}));
    assert_eq!(desk.code("/v5/order/create", &bad), 110_094);
    desk.create(&linear(json!({"orderLinkId": "again"})));
}

#[test]
fn orders_that_are_gone_cannot_be_cancelled_or_amended() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({"orderLinkId": "p", "price": "100.5"})));
    desk.create(&spot(json!({"orderLinkId": "s", "price": "100.5"})));
    for (category, link, code) in [
        ("linear", "p", 110_001),
        ("linear", "never", 110_001),
        ("spot", "s", 170_213),
        ("spot", "never", 170_213),
    ] {
        for path in ["/v5/order/cancel", "/v5/order/amend"] {
            let body = json!({"category": category, "symbol": "BTCUSDT", "orderLinkId": link,
                "qty": "2"});
            assert_eq!(desk.code(path, &body), code, "{path} {link}");
        }
    }
    let nameless = json!({"category": "linear", "symbol": "BTCUSDT"});
    assert_eq!(desk.code("/v5/order/cancel", &nameless), 10001);
}

#[test]
fn an_order_of_another_symbol_or_filter_is_not_found() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({"orderLinkId": "p"})));
    let body = json!({"category": "linear", "symbol": "ETHUSDT", "orderLinkId": "p"});
    assert_eq!(desk.code("/v5/order/cancel", &body), 110_001);
    desk.create(&spot(
        json!({"orderLinkId": "t", "orderFilter": "StopOrder", "triggerPrice": "80"}),
    ));
    let mut body = json!({"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "t"});
    assert_eq!(desk.code("/v5/order/cancel", &body), 170_213);
    body["orderFilter"] = json!("StopOrder");
    assert_eq!(desk.code("/v5/order/cancel", &body), 0);
}

#[rstest]
#[case::below_filled(json!({"qty": "0.4"}), 110_064)]
#[case::off_tick(json!({"price": "99.95"}), 10001)]
#[case::nothing(json!({}), 10001)]
#[case::funds(json!({"qty": "1000"}), 110_007)]
#[case::ok(json!({"qty": "2"}), 0)]
fn amends_of_a_part_filled_order(#[case] changes: Value, #[case] code: i64) {
    let mut desk = Desk::new();
    desk.book(1, &[("99", "1")], &[("100", "0.5"), ("101", "9")]);
    desk.create(&linear(
        json!({"orderLinkId": "a", "price": "100", "qty": "2"}),
    ));
    assert_eq!(desk.order("a")["orderStatus"], "PartiallyFilled");
    let mut body = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a"});
    body.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let answer = desk.post("/v5/order/amend", &body);
    // An amount that is as it was changes nothing and is taken.
    assert_eq!(answer["retCode"], code, "{answer}");
}

#[test]
fn reduce_only_on_the_wrong_side_says_so() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "1"));
    let answer = desk.post("/v5/order/create", &linear(json!({"reduceOnly": true})));
    assert_eq!(answer["retCode"], 110_017);
    assert_eq!(answer["retMsg"], "Reduce-only rule not satisfied");
}

#[test]
fn without_a_price_nothing_can_be_ordered_at_market() {
    let mut desk = Desk::empty(VenueRules::default());
    assert_eq!(desk.code("/v5/order/create", &market("Buy", "1")), 10001);
    assert_eq!(desk.code("/v5/order/create", &linear(json!({}))), 0);
}

#[test]
fn what_is_not_trading_takes_no_orders() {
    let mut desk = Desk::new();
    for (symbol, body, code) in [
        ("BTCUSDT", linear(json!({})), 110_074),
        ("spot:BTCUSDT", spot(json!({})), 170_151),
    ] {
        desk.drill(&Drill::InstrumentStatus {
            symbol: symbol.to_owned(),
            status: "Closed".to_owned(),
        });
        assert_eq!(desk.code("/v5/order/create", &body), code);
    }
}

#[test]
fn only_so_many_orders_may_be_open() {
    let mut desk = Desk::with(VenueRules {
        max_active: 2,
        max_conditional: 1,
        ..VenueRules::default()
    });
    let stop = linear(json!({"triggerPrice": "110", "triggerDirection": 1}));
    for (body, n, code) in [
        (linear(json!({"qty": "0.1"})), 2, 110_020),
        (stop, 1, 110_009),
        (spot(json!({"qty": "0.1"})), 2, 170_810),
    ] {
        for _ in 0..n {
            desk.create(&body);
        }
        assert_eq!(desk.code("/v5/order/create", &body), code);
    }
}

#[test]
fn prices_beyond_the_band_are_moved_on_linear_and_refused_on_spot() {
    let mut desk = Desk::with(VenueRules {
        price_band: Some("0.01".parse().unwrap()),
        ..VenueRules::default()
    });
    desk.mark(PERP, "90");
    desk.create(&linear(json!({"orderLinkId": "far", "price": "95"})));
    assert_eq!(desk.order("far")["price"], "90.9");
    for (body, code) in [
        (spot(json!({"price": "102"})), 170_132),
        (spot(json!({"price": "98", "side": "Sell"})), 170_133),
    ] {
        assert_eq!(desk.code("/v5/order/create", &body), code);
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    let words = [
        "",
        "0",
        "1",
        "-1",
        "2",
        "0.1",
        "90",
        "110",
        "1e20",
        "1e-9",
        "99999999999999999999999",
        "Buy",
        "Sell",
        "Limit",
        "Market",
        "GTC",
        "IOC",
        "FOK",
        "PostOnly",
        "linear",
        "spot",
        "BTCUSDT",
        "Full",
        "Partial",
        "LastPrice",
        "MarkPrice",
        "a",
        "\u{e9}",
        "true",
        "baseCoin",
        "StopOrder",
        "tpslOrder",
        "USDT",
    ];
    prop_oneof![
        8 => prop::sample::select(words.to_vec()).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([1, {"a": 2}])),
    ]
}

proptest! {
    /// Whatever is asked, there is an answer with a code, and the account stays whole.
    #[test]
    fn no_request_breaks_the_venue(
        requests in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "/v5/order/create", "/v5/order/create", "/v5/order/create",
                    "/v5/order/amend", "/v5/order/cancel", "/v5/order/cancel-all",
                    "/v5/order/create-batch", "/v5/position/trading-stop",
                    "/v5/position/set-leverage", "/v5/position/switch-mode",
                ]),
                prop::collection::vec(
                    (
                        prop::sample::select(vec![
                            "category", "symbol", "side", "orderType", "qty", "price",
                            "timeInForce", "positionIdx", "reduceOnly", "closeOnTrigger",
                            "triggerPrice", "triggerDirection", "triggerBy", "orderLinkId",
                            "takeProfit", "stopLoss", "tpslMode", "tpLimitPrice", "tpOrderType",
                            "slOrderType", "slLimitPrice", "orderFilter", "marketUnit",
                            "trailingStop", "activePrice", "tpSize", "request", "settleCoin",
                            "buyLeverage", "sellLeverage", "mode",
                        ]),
                        odd_value(),
                    ),
                    0..6,
                ),
                80_i32..125,
            ),
            1..25,
        ),
        hedge_mode in any::<bool>(),
    ) {
        let mut desk = Desk::with(VenueRules { hedge_mode, ..VenueRules::default() });
        for (path, fields, price) in requests {
            let mut body = market("Buy", "1");
            for (name, value) in fields {
                body[name] = value;
            }
            let answer = desk.later().post(path, &body);
            prop_assert!(answer["retCode"].is_i64(), "{}", answer);
            desk.trade(PERP, &price.to_string(), "1", Side::Buy);
        }
        let truth = desk.venue.truth();
        for order in &truth.orders {
            let told = truth.executions.iter().filter(|e| e.order_id == order.order_id);
            let filled: Qty = told.map(|e| e.qty).sum();
            prop_assert_eq!(filled, order.filled, "{:?}", order);
            prop_assert!(order.filled <= order.qty, "{:?}", order);
        }
        let row = desk.list("/v5/account/wallet-balance", "accountType=UNIFIED").remove(0);
        let cash = row["coin"][0]["walletBalance"].as_str().unwrap();
        prop_assert_eq!(cash, truth.cash.to_string());
    }
}
