//! Frames of the three sockets.

use rstest::rstest;

use super::super::control::{Ack, Pong, RefusalReason};
use super::super::market::Ticker;
use super::super::names::{SocketOp, TradeOp, WireSide};
use super::super::public::{PublicPush, TradeRow};
use super::super::trade::TradeData;
use super::super::{
    Control, Field, PrivateFrame, PublicFrame, SocketRequest, TradeFrame, WireError, parse_private,
    parse_public, parse_trade,
};
use super::{at, price, qty, rate, symbol};
use crate::domain::Interval;

fn public_control(text: &str) -> Control {
    match parse_public(text) {
        Ok(PublicFrame::Control(control)) => control,
        other => panic!("{text}: {other:?}"),
    }
}

#[rstest]
#[case::spot(
    r#"{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}"#,
    None,
    None
)]
#[case::linear(
    r#"{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}"#,
    None,
    None
)]
#[case::option(
    r#"{"args":["1700000000000"],"op":"pong"}"#,
    None,
    Some(1_700_000_000_000)
)]
#[case::private(
    r#"{"req_id":"p1","op":"pong","args":["1700000000000"],"conn_id":"c"}"#,
    Some("p1"),
    Some(1_700_000_000_000)
)]
#[case::trade(
    r#"{"retCode":0,"retMsg":"OK","op":"pong","data":["1700000000000"],"connId":"c"}"#,
    None,
    Some(1_700_000_000_000)
)]
#[case::odd_time(r#"{"op":"pong","args":[1,{}]}"#, None, None)]
#[case::with_a_topic(r#"{"op":"pong","topic":"orderbook.1.BTCUSDT"}"#, None, None)]
#[case::bare("pong", None, None)]
#[case::quoted("\"pong\"", None, None)]
fn pongs(#[case] text: &str, #[case] req_id: Option<&str>, #[case] time: Option<i64>) {
    let expected = Control::Pong(Pong {
        req_id: req_id.map(ToOwned::to_owned),
        venue_time: time.map(at),
    });
    assert_eq!(public_control(text), expected);
    assert!(matches!(parse_private(text), Ok(PrivateFrame::Control(c)) if c == expected));
    assert_eq!(parse_trade(text), Ok(TradeFrame::Control(expected)));
}

#[rstest]
#[case::public(
    r#"{"success":true,"ret_msg":"subscribe","conn_id":"c1","req_id":"7","op":"subscribe"}"#,
    SocketOp::Subscribe,
    Some("7")
)]
#[case::no_id(
    r#"{"success":true,"ret_msg":"","conn_id":"c1","op":"unsubscribe"}"#,
    SocketOp::Unsubscribe,
    None
)]
#[case::auth(
    r#"{"success":true,"ret_msg":"","op":"auth","conn_id":"c1"}"#,
    SocketOp::Auth,
    None
)]
#[case::trade_auth(
    r#"{"retCode":0,"retMsg":"OK","op":"auth","connId":"c1"}"#,
    SocketOp::Auth,
    None
)]
#[case::command(
    r#"{"success":true,"conn_id":"c1","data":{"failTopics":[],"successTopics":["t"]},"type":"COMMAND_RESP"}"#,
    SocketOp::Unknown(String::new()), None)]
fn acknowledgements(#[case] text: &str, #[case] op: SocketOp, #[case] req_id: Option<&str>) {
    let expected = Control::Ack(Ack {
        op,
        req_id: req_id.map(ToOwned::to_owned),
        conn_id: Some("c1".to_owned()),
    });
    assert_eq!(public_control(text), expected);
}

#[rstest]
#[case(r#"{"success":false,"ret_msg":"error:handler not found,topic:orderbook.500.BTCUSDT","op":"subscribe"}"#,
    RefusalReason::NoSuchTopic("orderbook.500.BTCUSDT".into()), None)]
#[case(r#"{"success":false,"ret_msg":"error:already subscribed,topic:tickers.BTCUSDT","op":"subscribe"}"#,
    RefusalReason::AlreadySubscribed("tickers.BTCUSDT".into()), None)]
#[case(
    r#"{"success":false,"ret_msg":"args size >10","conn_id":"c","op":"subscribe"}"#,
    RefusalReason::TooManyTopics,
    None
)]
#[case(
    r#"{"success":false,"ret_msg":"Params Error","op":"auth","conn_id":"c"}"#,
    RefusalReason::BadAuth,
    None
)]
#[case(
    r#"{"op":"auth","retCode":10003,"retMsg":"Invalid apikey","connId":"c"}"#,
    RefusalReason::BadAuth,
    Some(10003)
)]
#[case(
    r#"{"success":false,"conn_id":"","op":""}"#,
    RefusalReason::Other,
    None
)]
#[case(r#"{"success":true,"data":{"failTopics":["a","b"],"successTopics":[]},"type":"COMMAND_RESP"}"#,
    RefusalReason::NoSuchTopic("a,b".into()), None)]
fn refusals(#[case] text: &str, #[case] reason: RefusalReason, #[case] code: Option<i64>) {
    let Control::Refused(refusal) = public_control(text) else {
        panic!("{text}");
    };
    assert_eq!((refusal.reason(), refusal.code), (reason, code));
    assert!(matches!(
        parse_trade(text),
        Ok(TradeFrame::Control(Control::Refused(_)))
    ));
}

#[test]
fn books_know_their_depth_and_kind() {
    let text = r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1700000000466,"data":
        {"s":"BTCUSDT","b":[["31247.20","31.027"],["31240.00","0"]],"a":[],"u":188500507,
        "seq":77544703342},"cts":1700000000464}"#;
    let Ok(PublicFrame::Book(frame)) = parse_public(text) else {
        panic!();
    };
    assert_eq!((frame.depth, frame.is_snapshot), (50, false));
    assert_eq!(
        (frame.ts, frame.cts),
        (Some(at(1_700_000_000_466)), Some(at(1_700_000_000_464)))
    );
    assert_eq!(frame.book.update_id, 188_500_507);
    assert_eq!(frame.book.bids[1].qty, qty("0"));
    // The kind decides between replacing and changing: it is never guessed.
    for kind in ["", r#""type":"","#, r#""type":"full","#] {
        let text = text.replace(r#""type":"delta","#, kind);
        let error = parse_public(&text).unwrap_err().to_string();
        assert!(error.starts_with("type: "), "{error}");
    }
    let error = parse_public(&text.replace("31.027", "NaN")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data.b[0][1]: \"NaN\" is not a decimal number"
    );
}

#[test]
fn candles() {
    let text = r#"{"topic":"kline.5.BTCUSDT","data":[{"start":1700000100000,"end":1700000399999,
        "interval":"5","open":"21649.5","close":"21677","high":"21678","low":"21608",
        "volume":"3.081","turnover":"45666.4005","confirm":true,"timestamp":1700000399882}],
        "ts":1700000399900,"type":"snapshot"}"#;
    let Ok(PublicFrame::Klines(frame)) = parse_public(text) else {
        panic!();
    };
    let interval: Interval = "5m".parse().unwrap();
    assert_eq!(
        (frame.symbol, frame.interval),
        (symbol("BTCUSDT"), Some(interval))
    );
    let candle = &frame.candles[0];
    assert!(candle.confirm && candle.bar().check(interval).is_ok());
    assert_eq!(
        (candle.bar().close, candle.bar().volume),
        (price("21677"), qty("3.081"))
    );
}

#[test]
fn a_ticker_delta_changes_only_what_it_says() {
    let snapshot = r#"{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT",
        "lastPrice":"18342.00","markPrice":"18343.33","bid1Price":"18341.50","bid1Size":"91.125",
        "fundingRate":"-0.000317","nextFundingTime":"1700000000000"},"cs":35987956059,"ts":1}"#;
    let delta = r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT",
        "bid1Price":"18342.00","nextFundingTime":"","fundingRate":""},"cs":35987956060,"ts":2}"#;
    let read = |text: &str| match parse_public(text) {
        Ok(PublicFrame::Ticker(frame)) => frame,
        other => panic!("{other:?}"),
    };
    let (whole, change) = (read(snapshot), read(delta));
    assert!(whole.is_snapshot && !change.is_snapshot);
    assert_eq!(change.cs, Some(35_987_956_060));
    assert_eq!(change.ticker.last_price, Field::Absent);
    assert_eq!(change.ticker.funding_rate, Field::Empty);
    let mut ticker: Ticker = whole.ticker;
    assert_eq!(ticker.funding_rate, Field::Value(rate("-0.000317")));
    ticker.update(change.ticker);
    assert_eq!(ticker.last_price.value(), Some(&price("18342")));
    assert_eq!(ticker.bid1_price.value(), Some(&price("18342")));
    assert_eq!(ticker.bid1_size.value(), Some(&qty("91.125")));
    assert_eq!(
        (ticker.funding_rate, ticker.next_funding_time),
        (Field::Empty, Field::Empty)
    );
    let mut fresh = Ticker::new(symbol("BTCUSDT"));
    fresh.update(read(snapshot).ticker);
    assert_eq!(fresh, read(snapshot).ticker);
}

#[test]
fn trades_liquidations_and_limits() {
    let text = r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[{"T":1700000000000,
        "s":"BTCUSDT","S":"Buy","v":"0.001","p":"21578.50","L":"PlusTick","i":"31a54a61","BT":false,
        "RPI":true,"seq":1883284617},{"T":1700000000000,"s":"BTCUSDT","S":"Unknown","v":"1","p":"2",
        "i":"2290000000012345678","BT":false}]}"#;
    let Ok(PublicFrame::Trades(frame)) = parse_public(text) else {
        panic!();
    };
    assert_eq!(
        (frame.trades[0].price, frame.trades[0].qty),
        (price("21578.5"), qty("0.001"))
    );
    assert_eq!(frame.trades[0].is_rpi, Some(true));
    assert_eq!(frame.trades[1].side, WireSide::Unknown("Unknown".into()));
    assert_eq!(frame.trades[1].tick_direction, None);
    let text = r#"{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1,
        "data":[{"T":2,"s":"ROSEUSDT","S":"Buy","v":"20000","p":"0.05123"}]}"#;
    let Ok(PublicFrame::Liquidations(frame)) = parse_public(text) else {
        panic!();
    };
    assert_eq!(
        (frame.rows[0].at, frame.rows[0].price),
        (at(2), price("0.05123"))
    );
    let text = r#"{"topic":"priceLimit.BTCUSDT","ts":3,
        "data":{"symbol":"BTCUSDT","buyLmt":"64450.00","sellLmt":"63550.00"}}"#;
    let Ok(PublicFrame::PriceLimit(limit)) = parse_public(text) else {
        panic!();
    };
    assert_eq!(
        (limit.sell_lmt, limit.ts),
        (Some(price("63550")), Some(at(3)))
    );
}

#[rstest]
#[case("orderbook.rpi.BTCUSDT")]
#[case("orderbook.full.BTCUSDT")]
#[case("publicTrade.BTCUSDT.more")]
#[case("trade.linear.BTCUSDT")]
#[case("system.status")]
#[case("tickers")]
fn unknown_topics_are_kept(#[case] topic: &str) {
    let text = format!(r#"{{"topic":"{topic}","type":"delta","data":[{{"any":"thing"}}]}}"#);
    let expected = PublicFrame::Other {
        topic: topic.to_owned(),
    };
    assert_eq!(parse_public(&text), Ok(expected));
    let Ok(PrivateFrame::Other { topic: kept, data }) = parse_private(&text) else {
        panic!();
    };
    assert_eq!(
        (&*kept, data.unwrap().get()),
        (topic, r#"[{"any":"thing"}]"#)
    );
}

#[test]
fn private_topics() {
    let order = r#"{"orderId":"1","symbol":"BTCUSDT","side":"Buy","orderStatus":"Filled"}"#;
    let frame = |topic: &str, row: &str| {
        format!(r#"{{"id":"m1","topic":"{topic}","creationTime":1700000000000,"data":[{row}]}}"#)
    };
    for topic in ["order", "order.linear", "order.spot"] {
        let Ok(PrivateFrame::Orders(push)) = parse_private(&frame(topic, order)) else {
            panic!("{topic}");
        };
        assert_eq!(
            (push.id.as_deref(), &*push.topic, push.rows.len()),
            (Some("m1"), topic, 1)
        );
        assert_eq!(push.created, Some(at(1_700_000_000_000)));
    }
    let execution = r#"{"symbol":"BTCUSDT","execId":"e","execType":"Trade","execPrice":"1","execQty":"1",
        "execTime":"1","orderId":"1","side":"Buy"}"#;
    let read = |topic: &str| parse_private(&frame(topic, execution)).unwrap();
    assert!(matches!(read("execution"), PrivateFrame::Executions(p) if p.rows.len() == 1));
    assert!(matches!(
        read("execution.linear"),
        PrivateFrame::Executions(_)
    ));
    assert!(matches!(read("execution.fast"), PrivateFrame::FastExecutions(p) if p.rows.len() == 1));
    assert!(matches!(
        read("execution.fast.linear"),
        PrivateFrame::FastExecutions(_)
    ));
    let empty = parse_private(&frame("execution.fast", "")).unwrap();
    assert!(matches!(empty, PrivateFrame::FastExecutions(p) if p.rows.is_empty()));
    let position = parse_private(&frame(
        "position",
        r#"{"symbol":"BTCUSDT","positionIdx":0}"#,
    ));
    assert!(matches!(position, Ok(PrivateFrame::Positions(_))));
    let wallet = parse_private(&frame("wallet", r#"{"coin":[{"coin":"USDT"}]}"#));
    assert!(matches!(wallet, Ok(PrivateFrame::Wallet(p)) if p.rows[0].coin("USDT").is_some()));
    assert!(matches!(
        parse_private(&frame("dcp.future", "")),
        Ok(PrivateFrame::Dcp { .. })
    ));
    assert!(matches!(
        parse_private(&frame("greeks", "")),
        Ok(PrivateFrame::Other { .. })
    ));
    let bad = frame(
        "order.spot",
        &order.replace("Buy\"", "Buy\",\"price\":\"-1\""),
    );
    let error = parse_private(&bad).unwrap_err().to_string();
    assert_eq!(error, "data[0].price: \"-1\" is negative");
    assert!(parse_private(r#"{"topic":"order"}"#).is_err());
}

const REPLY: &str = r#"{"reqId":"r-1","retCode":0,"retMsg":"OK","op":"order.create",
    "data":{"orderId":"b5d2829f","orderLinkId":"tt-1"},"retExtInfo":{},"header":{"X-Bapi-Limit":"10",
    "X-Bapi-Limit-Status":"9","X-Bapi-Limit-Reset-Timestamp":"1700000000208","Traceid":"38b7",
    "Timenow":"1700000000209"},"connId":"c1"}"#;

#[test]
fn replies_of_order_entry() {
    let read = |text: &str| match parse_trade(text) {
        Ok(TradeFrame::Reply(reply)) => reply,
        other => panic!("{other:?}"),
    };
    let reply = read(REPLY);
    assert!(reply.is_ok());
    assert_eq!(
        (reply.req_id.as_deref(), &reply.op),
        (Some("r-1"), &TradeOp::Create)
    );
    assert_eq!((reply.header.limit, reply.header.left), (Some(10), Some(9)));
    assert_eq!(reply.header.reset_at, Some(at(1_700_000_000_208)));
    let TradeData::Order(ack) = &reply.data else {
        panic!();
    };
    assert_eq!(ack.order_link_id.as_deref(), Some("tt-1"));
    assert_eq!(read(&serde_json::to_string(&reply).unwrap()), reply);
    // A refusal keeps its code, whatever else it carries.
    for data in ["{}", "null", "[]", "\"\"", r#"{"orderId":{}}"#] {
        let text = format!(
            r#"{{"reqId":"r-2","retCode":110007,"retMsg":"ab not enough","op":"order.create","data":{data},"connId":"c"}}"#
        );
        let reply = read(&text);
        assert_eq!(
            (reply.ret_code, reply.req_id.as_deref()),
            (110_007, Some("r-2")),
            "{data}"
        );
    }
    let unknown =
        read(r#"{"reqId":"r-3","retCode":10404,"retMsg":"op not found","op":"order.fly"}"#);
    assert_eq!(
        (unknown.ret_code, unknown.op.as_str()),
        (10404, "order.fly")
    );
    let nameless = read(r#"{"reqId":"r-4","retCode":20006,"retMsg":"reqId duplicated"}"#);
    assert_eq!(nameless.op.as_str(), "");
}

#[test]
fn batch_replies_pair_items_with_codes() {
    let text = r#"{"retCode":0,"retMsg":"OK","op":"order.create-batch","data":{"list":[
        {"category":"linear","symbol":"SOLUSDT","orderId":"","orderLinkId":"b-0","createAt":""},
        {"category":"linear","symbol":"SOLUSDT","orderId":"5","orderLinkId":"b-1","createAt":"1700000000000"}]},
        "retExtInfo":{"list":[{"code":10001,"msg":"position idx not match position mode"},
        {"code":0,"msg":"OK"}]},"header":{},"connId":"c"}"#;
    let Ok(TradeFrame::Reply(reply)) = parse_trade(text) else {
        panic!();
    };
    assert_eq!(reply.req_id, None);
    let items = reply.batch().unwrap();
    assert_eq!((items[0].1.code, items[1].1.code), (10001, 0));
    assert_eq!(items[1].0.order_id.as_deref(), Some("5"));
    let Ok(TradeFrame::Reply(reply)) = parse_trade(&text.replace("retExtInfo", "other")) else {
        panic!();
    };
    assert!(reply.batch().is_err());
}

#[test]
fn requests_to_sockets() {
    let text = |request: &SocketRequest| serde_json::to_string(request).unwrap();
    assert_eq!(text(&SocketRequest::ping("")), r#"{"op":"ping"}"#);
    let topics = ["orderbook.50.BTCUSDT".to_owned(), "order".to_owned()];
    let subscribe = SocketRequest::subscribe("7", &topics);
    let expected = r#"{"req_id":"7","op":"subscribe","args":["orderbook.50.BTCUSDT","order"]}"#;
    assert_eq!(text(&subscribe), expected);
    assert!(subscribe.topics().eq(["orderbook.50.BTCUSDT", "order"]));
    assert!(text(&SocketRequest::unsubscribe("8", &topics)).contains("unsubscribe"));
    let auth = SocketRequest::auth("1", "KEYKEY", 1_700_000_010_000, "5161");
    let expected = r#"{"req_id":"1","op":"auth","args":["KEYKEY",1700000010000,"5161"]}"#;
    assert_eq!(text(&auth), expected);
    let shown = format!("{auth:?}");
    assert!(
        !shown.contains("KEYKEY") && !shown.contains("5161"),
        "{shown}"
    );
    // What a client asks is not what a venue says.
    for request in [&subscribe, &auth, &SocketRequest::ping("")] {
        let unclassified = parse_public(&text(request));
        assert!(matches!(unclassified, Err(WireError::Unclassified { .. })));
    }
}

#[test]
fn frames_are_written_as_they_are_read() {
    let row = TradeRow {
        at: at(1_700_000_000_000),
        symbol: symbol("BTCUSDT"),
        side: WireSide::Sell,
        qty: qty("0.5"),
        price: price("64000"),
        tick_direction: None,
        id: "t1".to_owned(),
        is_block_trade: Some(false),
        is_rpi: None,
        seq: Some(9),
    };
    let push = PublicPush {
        topic: "publicTrade.BTCUSDT",
        kind: "snapshot",
        ts: at(1_700_000_000_001),
        data: vec![row.clone()],
        cts: None,
        cs: None,
    };
    let Ok(PublicFrame::Trades(frame)) = parse_public(&serde_json::to_string(&push).unwrap())
    else {
        panic!();
    };
    assert_eq!(frame.trades, [row]);
}
