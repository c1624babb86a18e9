//! Bodies of order requests.

use rstest::rstest;

use super::super::from_json;
use super::super::names::{OrderFilter, PositionIdx, TradeOp};
use super::super::request::{AmendOrder, Batch, CancelAll, CancelOrder, CreateOrder, OrderRef};
use super::super::trade::{RawTradeRequest, TradeRequest};
use super::{at, price, qty, symbol};
use crate::domain::{
    Category, ClientOrderId, Instrument, InstrumentId, Money, OrderKind, OrderSpec, Purpose, Side,
    TimeInForce, TriggerPrice,
};

fn instrument(category: Category) -> Instrument {
    Instrument {
        symbol: symbol("BTCUSDT"),
        category,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: price("0.1"),
        qty_step: qty("0.001"),
        min_qty: qty("0.001"),
        max_qty: qty("100"),
        max_market_qty: qty("50"),
        min_notional: Money::ZERO,
        funding_hours: 0,
    }
}

fn id() -> ClientOrderId {
    "tt-1".parse().unwrap()
}

fn spec(side: Side, kind: OrderKind, reduce_only: bool) -> OrderSpec {
    OrderSpec {
        instrument: InstrumentId(0),
        side,
        qty: qty("0.010"),
        kind,
        tif: TimeInForce::Gtc,
        reduce_only,
        purpose: Purpose::Entry,
    }
}

fn limit(post_only: bool) -> OrderKind {
    OrderKind::Limit {
        price: price("27350.50"),
        post_only,
    }
}

fn stop() -> OrderKind {
    OrderKind::Stop {
        trigger: price("26000"),
        by: TriggerPrice::Mark,
    }
}

fn take_profit() -> OrderKind {
    OrderKind::TakeProfit {
        trigger: price("30000"),
        by: TriggerPrice::Last,
    }
}

#[rstest]
#[case::linear_market(Category::Linear, Side::Buy, OrderKind::Market, false,
    r#""category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.01","timeInForce":"IOC","positionIdx":0,"orderLinkId":"tt-1""#)]
#[case::linear_close(Category::Linear, Side::Sell, OrderKind::Market, true,
    r#""category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.01","timeInForce":"IOC","positionIdx":0,"orderLinkId":"tt-1","reduceOnly":true"#)]
#[case::linear_limit(Category::Linear, Side::Buy, limit(false), false,
    r#""category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"27350.5","timeInForce":"GTC","positionIdx":0,"orderLinkId":"tt-1""#)]
#[case::linear_post_only(Category::Linear, Side::Sell, limit(true), false,
    r#""category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Limit","qty":"0.01","price":"27350.5","timeInForce":"PostOnly","positionIdx":0,"orderLinkId":"tt-1""#)]
#[case::stop_of_a_long(Category::Linear, Side::Sell, stop(), true,
    r#""category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.01","timeInForce":"IOC","positionIdx":0,"orderLinkId":"tt-1","reduceOnly":true,"triggerPrice":"26000","triggerDirection":2,"triggerBy":"MarkPrice""#)]
#[case::stop_of_a_short(Category::Linear, Side::Buy, stop(), true,
    r#""category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.01","timeInForce":"IOC","positionIdx":0,"orderLinkId":"tt-1","reduceOnly":true,"triggerPrice":"26000","triggerDirection":1,"triggerBy":"MarkPrice""#)]
#[case::profit_of_a_long(Category::Linear, Side::Sell, take_profit(), true,
    r#""category":"linear","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.01","timeInForce":"IOC","positionIdx":0,"orderLinkId":"tt-1","reduceOnly":true,"triggerPrice":"30000","triggerDirection":1,"triggerBy":"LastPrice""#)]
#[case::profit_of_a_short(Category::Linear, Side::Buy, take_profit(), true,
    r#""category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.01","timeInForce":"IOC","positionIdx":0,"orderLinkId":"tt-1","reduceOnly":true,"triggerPrice":"30000","triggerDirection":2,"triggerBy":"LastPrice""#)]
#[case::spot_market_buy(Category::Spot, Side::Buy, OrderKind::Market, false,
    r#""category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"0.01","marketUnit":"baseCoin","timeInForce":"IOC","orderLinkId":"tt-1""#)]
#[case::spot_market_sell(Category::Spot, Side::Sell, OrderKind::Market, true,
    r#""category":"spot","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.01","timeInForce":"IOC","orderLinkId":"tt-1""#)]
#[case::spot_limit(Category::Spot, Side::Buy, limit(true), false,
    r#""category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"27350.5","timeInForce":"PostOnly","orderLinkId":"tt-1""#)]
#[case::spot_stop(Category::Spot, Side::Sell, stop(), true,
    r#""category":"spot","symbol":"BTCUSDT","side":"Sell","orderType":"Market","qty":"0.01","timeInForce":"IOC","orderLinkId":"tt-1","triggerPrice":"26000","orderFilter":"StopOrder""#)]
fn creates_hold_what_is_set_and_nothing_else(
    #[case] category: Category,
    #[case] side: Side,
    #[case] kind: OrderKind,
    #[case] reduce_only: bool,
    #[case] fields: &str,
) {
    let spec = spec(side, kind, reduce_only);
    let body = CreateOrder::new(&instrument(category), id(), &spec, PositionIdx::OneWay);
    let text = serde_json::to_string(&body).unwrap();
    assert_eq!(text, format!("{{{fields}}}"));
    assert_eq!(from_json(&text), Ok(body));
}

#[test]
fn orders_can_carry_their_protection() {
    let spec = spec(Side::Buy, limit(false), false);
    let create = |category| {
        let body = CreateOrder::new(&instrument(category), id(), &spec, PositionIdx::Long)
            .with_stop_loss(price("26000"), TriggerPrice::Mark)
            .with_take_profit(price("30000"), TriggerPrice::Last);
        serde_json::to_value(body).unwrap()
    };
    let linear = create(Category::Linear);
    assert_eq!(linear["stopLoss"], "26000");
    assert_eq!(linear["slTriggerBy"], "MarkPrice");
    assert_eq!(linear["takeProfit"], "30000");
    assert_eq!(linear["tpTriggerBy"], "LastPrice");
    assert_eq!(linear["tpslMode"], "Full");
    assert_eq!(linear["positionIdx"], 1);
    let spot = create(Category::Spot);
    assert_eq!(
        (&spot["stopLoss"], &spot["takeProfit"]),
        (&"26000".into(), &"30000".into())
    );
    for absent in ["slTriggerBy", "tpTriggerBy", "tpslMode", "positionIdx"] {
        assert!(spot.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn amends_and_cancels_name_the_order_once() {
    let linear = instrument(Category::Linear);
    let mut amend = AmendOrder::new(&linear, OrderRef::Ours(id()));
    amend.price = Some(price("27300.10"));
    let text = r#"{"category":"linear","symbol":"BTCUSDT","orderLinkId":"tt-1","price":"27300.1"}"#;
    assert_eq!(serde_json::to_string(&amend).unwrap(), text);
    let cancel = CancelOrder::new(&linear, OrderRef::Venue("77".to_owned()), true);
    let text = r#"{"category":"linear","symbol":"BTCUSDT","orderId":"77"}"#;
    assert_eq!(serde_json::to_string(&cancel).unwrap(), text);
    let spot = instrument(Category::Spot);
    let cancel = CancelOrder::new(&spot, OrderRef::Ours(id()), true);
    let text =
        r#"{"category":"spot","symbol":"BTCUSDT","orderLinkId":"tt-1","orderFilter":"StopOrder"}"#;
    assert_eq!(serde_json::to_string(&cancel).unwrap(), text);
    let plain = CancelOrder::new(&spot, OrderRef::Ours(id()), false);
    assert_eq!(plain.order_filter, None);
    let read: CancelOrder =
        from_json(r#"{"category":"linear","symbol":"BTCUSDT","orderLinkId":null,"orderId":""}"#)
            .unwrap();
    assert_eq!((read.order_id, read.order_link_id), (None, None));
}

#[test]
fn cancels_of_all() {
    let text = |body: &CancelAll| serde_json::to_string(body).unwrap();
    let all = text(&CancelAll::of_settle_coin("USDT"));
    assert_eq!(all, r#"{"category":"linear","settleCoin":"USDT"}"#);
    let all = text(&CancelAll::of_spot(OrderFilter::Stop));
    assert_eq!(all, r#"{"category":"spot","orderFilter":"StopOrder"}"#);
    let all = text(&CancelAll::of_symbol(&instrument(Category::Linear), None));
    assert_eq!(all, r#"{"category":"linear","symbol":"BTCUSDT"}"#);
}

#[test]
fn batches_have_one_category_outside() {
    let linear = instrument(Category::Linear);
    let cancels = vec![
        CancelOrder::new(&linear, OrderRef::Ours(id()), false),
        CancelOrder::new(&linear, OrderRef::Venue("9".to_owned()), false),
    ];
    let batch = Batch::new(Category::Linear, cancels);
    let text = r#"{"category":"linear","request":[{"symbol":"BTCUSDT","orderLinkId":"tt-1"},{"symbol":"BTCUSDT","orderId":"9"}]}"#;
    assert_eq!(serde_json::to_string(&batch).unwrap(), text);
    assert_eq!(from_json(text), Ok(batch));
}

#[test]
fn order_entry_wraps_the_body_of_rest() {
    let cancel = CancelOrder::new(&instrument(Category::Linear), OrderRef::Ours(id()), false);
    let request = TradeRequest::new(TradeOp::Cancel, "r-1", at(1_700_000_000_000), 5000, cancel);
    let text = r#"{"reqId":"r-1","header":{"X-BAPI-TIMESTAMP":"1700000000000","X-BAPI-RECV-WINDOW":"5000"},"op":"order.cancel","args":[{"category":"linear","symbol":"BTCUSDT","orderLinkId":"tt-1"}]}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), text);
    assert_eq!(from_json(text), Ok(request));
    // Others send the timestamp as a number, and headers that nobody asked for.
    let other = r#"{"header":{"X-BAPI-TIMESTAMP":1700000000000,"Referer":"x"},"op":"order.fly","args":[{}]}"#;
    let raw: RawTradeRequest = from_json(other).unwrap();
    assert_eq!(raw.header.timestamp, at(1_700_000_000_000));
    assert_eq!(
        (raw.req_id, raw.op),
        (None, TradeOp::Unknown("order.fly".into()))
    );
    assert!(from_json::<RawTradeRequest>(&other.replace("[{}]", "[]")).is_err());
    assert!(from_json::<RawTradeRequest>(&other.replace("[{}]", "[{},{}]")).is_err());
}
