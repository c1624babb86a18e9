//! Orders, executions and answers to order requests.

use rstest::rstest;

use super::super::execution::{Execution, FastExecution};
use super::super::names::{
    CancelType, CreateType, ExecType, OrderStatus, OrderType, PositionIdx, StopOrderType,
    TriggerBy, TriggerDirection, WireCategory, WireSide, WireTimeInForce,
};
use super::super::order::{BatchAck, CancelledAll, Order, OrderAck};
use super::super::{Envelope, Page, from_json};
use super::{at, decimal, money, price, qty};
use crate::domain::Liquidity;

const STOP: &str = r#"{"category":"linear","symbol":"BTCUSDT","orderId":"0fa11bce-77aa",
    "orderLinkId":"tt-0000000abc-000000001-s0","blockTradeId":"","side":"Sell","positionIdx":0,
    "orderStatus":"Untriggered","cancelType":"UNKNOWN","rejectReason":"EC_NoError",
    "timeInForce":"IOC","price":"","qty":"0.100","avgPrice":"","leavesQty":"0.100",
    "cumExecQty":"0","cumExecValue":"0","cumExecFee":"0","orderType":"Market",
    "stopOrderType":"Stop","triggerPrice":"48000.00","triggerBy":"MarkPrice","triggerDirection":2,
    "takeProfit":"","stopLoss":"","closeOnTrigger":false,"reduceOnly":true,"tpslMode":"UNKNOWN",
    "createType":"CreateByUser","marketUnit":"","createdTime":"1700000000001",
    "updatedTime":"1700000000002","cumFeeDetail":{"USDT":"0.0024","MNT":"1e-5"}}"#;

#[test]
fn a_conditional_order_of_the_stream() {
    let order: Order = from_json(STOP).unwrap();
    assert_eq!(order.category, Some(WireCategory::Linear));
    assert_eq!(order.order_status, OrderStatus::Untriggered);
    assert_eq!(order.order_type, Some(OrderType::Market));
    assert_eq!(order.time_in_force, Some(WireTimeInForce::Ioc));
    assert_eq!(order.stop_order_type, Some(StopOrderType::Stop));
    assert_eq!(order.trigger(), Some(price("48000")));
    assert_eq!(order.trigger_direction, Some(TriggerDirection::Fall));
    assert_eq!(order.trigger_by, Some(TriggerBy::MarkPrice));
    assert_eq!(order.position_idx, Some(PositionIdx::OneWay));
    assert_eq!(order.create_type, Some(CreateType::User));
    assert_eq!(
        (order.price, order.avg_price, order.market_unit.clone()),
        (None, None, None)
    );
    assert_eq!((order.limit_price(), order.refusal()), (None, None));
    assert_eq!(order.reduce_only, Some(true));
    assert_eq!(order.updated_time, Some(at(1_700_000_000_002)));
    assert_eq!(order.cum_fee_detail.0["USDT"], decimal("0.0024"));
    assert_eq!(
        order.client_id().unwrap().as_str(),
        "tt-0000000abc-000000001-s0"
    );
    let back: Order = from_json(&serde_json::to_string(&order).unwrap()).unwrap();
    assert_eq!(back, order);
}

#[test]
fn a_plain_order_of_a_list_has_zeros_for_what_it_lacks() {
    let text = r#"{"orderId":"1777911594330512999","orderLinkId":"","symbol":"BTCUSDT","side":"Buy",
        "price":"27964.40","qty":"0.003","orderStatus":"Cancelled","orderType":"Limit",
        "timeInForce":"PostOnly","cancelType":"CancelByUser","triggerPrice":"0.00",
        "rejectReason":"EC_PostOnlyWillTakeLiquidity","avgPrice":"0","cumExecQty":"0.001",
        "leavesQty":"0.000","triggerDirection":0,"isLeverage":"0","smpOrderId":null,
        "orderIv":null,"blockTradeId":null,"cumFeeDetail":null}"#;
    let order: Order = from_json(text).unwrap();
    assert_eq!(order.order_link_id, None);
    assert_eq!(order.trigger(), None);
    assert_eq!(order.limit_price(), Some(price("27964.4")));
    assert_eq!(order.time_in_force, Some(WireTimeInForce::PostOnly));
    assert_eq!(order.cancel_type, Some(CancelType::User));
    assert_eq!(order.refusal(), Some("EC_PostOnlyWillTakeLiquidity"));
    // Zero is a number: this order has an average price of zero, not none.
    assert_eq!(order.avg_price, Some(price("0")));
    assert_eq!(order.cum_exec_qty, Some(qty("0.001")));
    // Spot orders have neither; nor do they when written.
    let text = serde_json::to_string(&order).unwrap();
    assert!(
        !text.contains("tpslMode") && !text.contains("createType"),
        "{text}"
    );
}

#[rstest]
#[case(r#""price":"NaN""#, "list[1].price: \"NaN\" is not a decimal number")]
#[case(r#""qty":"-1""#, "list[1].qty: \"-1\" is negative")]
#[case(
    r#""updatedTime":"now""#,
    "list[1].updatedTime: \"now\" is not a time in milliseconds"
)]
#[case(
    r#""cumFeeDetail":{"USDT":"x"}"#,
    "list[1].cumFeeDetail.USDT: \"x\" is not a decimal"
)]
#[case(
    r#""symbol":"BTC USDT""#,
    "list[1].symbol: \"BTC USDT\" is not a symbol"
)]
fn a_bad_row_of_a_page_is_named(#[case] bad: &str, #[case] message: &str) {
    let good = r#""orderId":"1","side":"Buy","orderStatus":"New""#;
    let symbol = if bad.contains("symbol") {
        ""
    } else {
        r#","symbol":"BTCUSDT""#
    };
    let text = format!(
        r#"{{"list":[{{{good},"symbol":"ETHUSDT"}},{{{good}{symbol},{bad}}}],"nextPageCursor":"a%3D1"}}"#
    );
    let error = from_json::<Page<Order>>(&text).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
}

#[test]
fn an_order_without_its_essentials_is_none() {
    for missing in ["symbol", "orderId", "side", "orderStatus"] {
        let fields = [
            ("symbol", "BTCUSDT"),
            ("orderId", "1"),
            ("side", "Buy"),
            ("orderStatus", "New"),
        ];
        let kept: Vec<String> = fields
            .iter()
            .filter(|(name, _)| *name != missing)
            .map(|(name, value)| format!("{name:?}:{value:?}"))
            .collect();
        let error = from_json::<Order>(&format!("{{{}}}", kept.join(","))).unwrap_err();
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn executions() {
    let text = r#"{"category":"linear","symbol":"BTCUSDT","closedSize":"0.5","execFee":"27.4825275",
        "execId":"1bc2cef8","execPrice":"97000.1","execQty":"0.5","execType":"Trade",
        "execValue":"48500.05","feeRate":"0.00055","leavesQty":"0","orderId":"0bbd272c",
        "orderLinkId":"tt-1","orderPrice":"96042.5","orderQty":"0.5","orderType":"Market",
        "stopOrderType":"UNKNOWN","side":"Sell","execTime":"1756270400353","isLeverage":"0",
        "isMaker":false,"seq":150712148849382,"execPnl":"-0.05","createType":"CreateByUser",
        "extraFees":[{"feeCoin":"USDT","fee":"0.0064"}],"feeCurrency":""}"#;
    let fill: Execution = from_json(text).unwrap();
    assert_eq!(
        (fill.exec_price, fill.exec_qty),
        (price("97000.1"), qty("0.5"))
    );
    assert_eq!(fill.exec_type, ExecType::Trade);
    assert_eq!(fill.liquidity(), Some(Liquidity::Taker));
    assert_eq!(fill.seq, Some(150_712_148_849_382));
    assert_eq!(fill.exec_pnl, Some(money("-0.05")));
    assert_eq!(fill.fee_coin(&WireCategory::Linear, "BTC", "USDT"), "USDT");
    let fee = fill.fee_in_quote(&WireCategory::Linear, "BTC", "USDT");
    assert_eq!(fee, Some(money("27.4825275")));
    let back: Execution = from_json(&serde_json::to_string(&fill).unwrap()).unwrap();
    assert_eq!(back, fill);
}

#[test]
fn a_funding_is_an_execution_without_an_order() {
    let text = r#"{"symbol":"ETHUSDT","orderType":"UNKNOWN","orderLinkId":"","side":"Buy",
        "orderId":"1702128000-8-1-1","execTime":"1702128000000","feeCurrency":"",
        "execFee":"-0.004787","feeRate":"0.0001","execId":"f1","execPrice":"1291.26",
        "orderQty":"0","orderPrice":"0","execValue":"129.126","execType":"Funding","execQty":"0.1"}"#;
    let funding: Execution = from_json(text).unwrap();
    assert_eq!(funding.exec_type.fill_kind(), None);
    assert_eq!(funding.exec_fee, Some(decimal("-0.004787")));
    assert_eq!(funding.liquidity(), None);
}

#[rstest]
#[case::buy("Buy", false, "0.001", "", Some("10"))]
#[case::sell("Sell", false, "0.001", "", Some("0.001"))]
#[case::maker_buy("Buy", true, "0.001", "", Some("10"))]
#[case::rebate_buy("Buy", true, "-0.001", "", Some("0.001"))]
#[case::rebate_sell("Sell", true, "-0.001", "", Some("10"))]
#[case::said("Buy", false, "0.001", "USDT", Some("0.001"))]
#[case::third_coin("Buy", false, "0.001", "MNT", None)]
fn spot_fees_are_valued_in_the_quote_coin(
    #[case] side: &str,
    #[case] is_maker: bool,
    #[case] rate: &str,
    #[case] coin: &str,
    #[case] value: Option<&str>,
) {
    let text = format!(
        r#"{{"symbol":"BTCUSDT","side":"{side}","execId":"1","execType":"Trade","execPrice":"10000",
        "execQty":"1","execFee":"0.001","feeRate":"{rate}","feeCurrency":"{coin}",
        "execTime":"1","isMaker":{is_maker}}}"#
    );
    let fill: Execution = from_json(&text).unwrap();
    let found = fill.fee_in_quote(&WireCategory::Spot, "BTC", "USDT");
    assert_eq!(found, value.map(money));
}

#[test]
fn fast_executions() {
    let text = r#"{"category":"linear","symbol":"ICPUSDT","execId":"4621a472","execPrice":"13.126",
        "execQty":"3000","orderId":"554e74fb","orderLinkId":"","side":"Sell",
        "execTime":"1726800399334","seq":45771365464}"#;
    let fill: FastExecution = from_json(text).unwrap();
    assert_eq!(
        (fill.side.clone(), fill.order_link_id.clone()),
        (WireSide::Sell, None)
    );
    assert_eq!(fill.liquidity(), None);
    let maker = text.replace(r#""side""#, r#""isMaker":true,"side""#);
    let fill: FastExecution = from_json(&maker).unwrap();
    assert_eq!(fill.liquidity(), Some(Liquidity::Maker));
}

#[test]
fn acknowledgements() {
    let text = r#"{"retCode":0,"retMsg":"","result":{"orderId":"13210","orderLinkId":"tt-1"}}"#;
    let ack: OrderAck = Envelope::parse(text).unwrap().result().unwrap();
    assert_eq!(ack.order_id.as_deref(), Some("13210"));
    let bare = Envelope::parse(r#"{"retCode":110001,"retMsg":"gone"}"#).unwrap();
    assert!(!bare.is_ok());
    assert_eq!(bare.result::<OrderAck>(), Ok(OrderAck::default()));
    let text = r#"{"list":[{"orderId":"1","orderLinkId":"a"},{"orderId":"2"}],"success":"1"}"#;
    let all: CancelledAll = from_json(text).unwrap();
    assert_eq!((all.list.len(), all.success.as_deref()), (2, Some("1")));
}

#[test]
fn batches_pair_each_item_with_its_own_code() {
    let text = r#"{"retCode":0,"retMsg":"OK","result":{"list":[
        {"category":"spot","symbol":"BTCUSDT","orderId":"1","orderLinkId":"a","createAt":"1700000000000"},
        {"category":"spot","symbol":"ATOMUSDT","orderId":"","orderLinkId":"b","createAt":""}]},
        "retExtInfo":{"list":[{"code":0,"msg":"OK"},{"code":170213,"msg":"Order does not exist."}]}}"#;
    let items = Envelope::parse(text).unwrap().batch().unwrap();
    let seen: Vec<(Option<&str>, i64)> = items
        .iter()
        .map(|(ack, code)| (ack.order_link_id.as_deref(), code.code))
        .collect();
    assert_eq!(seen, [(Some("a"), 0), (Some("b"), 170_213)]);
    let expected = BatchAck {
        order_link_id: Some("b".to_owned()),
        category: Some(WireCategory::Spot),
        symbol: Some(super::symbol("ATOMUSDT")),
        ..BatchAck::default()
    };
    assert_eq!(items[1].0, expected);
    let short = text.replace(r#"{"code":0,"msg":"OK"},"#, "");
    let error = Envelope::parse(&short).unwrap().batch().unwrap_err();
    assert_eq!(error.to_string(), "retExtInfo.list: 1 codes for 2 items");
    for ext in ["{}", "null", "\"\"", r#"{"list":null}"#] {
        let text = format!(r#"{{"retCode":0,"result":{{"list":[]}},"retExtInfo":{ext}}}"#);
        assert_eq!(
            Envelope::parse(&text).unwrap().batch(),
            Ok(Vec::new()),
            "{ext}"
        );
    }
}

#[test]
fn an_envelope_needs_a_code() {
    assert!(Envelope::parse(r#"{"retMsg":"OK","result":{}}"#).is_err());
    let html = "<html><body>403 Forbidden</body></html>";
    let error = Envelope::parse(html).unwrap_err().to_string();
    assert!(
        error.starts_with("not json") && error.contains("403"),
        "{error}"
    );
    assert_eq!(
        Envelope::parse(r#"{"retCode":"10006"}"#).unwrap().ret_code,
        10006
    );
}
