//! Lines that are about how messages are read.

use rstest::rstest;
use serde_json::{Value, json};
use tradeterm::domain::{Category, Timestamp};
use tradeterm::venue::bybit::broker::{Heard, PrivateStream};
use tradeterm::venue::bybit::feed::{FeedSettings, FeedState, Heard as Fed};
use tradeterm::venue::bybit::wire::instrument::{ContractRow, ListingError, PairRow};
use tradeterm::venue::bybit::wire::position::Position;

use crate::desk::{Desk, PERP, buy, frame_of, instruments, n};

const PONGS: [&str; 6] = [
    r#"{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}"#,
    r#"{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}"#,
    r#"{"args":["1700000000000"],"op":"pong"}"#,
    r#"{"req_id":"r","op":"pong","args":["1700000000000"],"conn_id":"c"}"#,
    r#"{"retCode":0,"retMsg":"OK","op":"pong","data":["1700000000000"],"connId":"c"}"#,
    "pong",
];

#[test]
fn line_03_pongs_are_no_data_and_no_mistake() {
    let mut private = PrivateStream::new(instruments(), std::sync::Arc::default());
    let mut feed = FeedState::new(FeedSettings::default());
    for text in PONGS {
        assert_eq!(private.read(text), Ok(Heard::default()), "{text}");
        let mut out = Vec::new();
        let at = Timestamp::from_millis(1);
        let heard = feed.on_frame(at, Category::Linear, text.as_bytes(), &mut out);
        assert_eq!((heard, out.len()), (Fed::Control, 0), "{text}");
    }
}

/// Between the frames of a real connection they do no harm either.
#[tokio::test]
async fn line_03_pongs_between_frames_are_skipped() {
    let desk = Desk::new().await;
    let (mut socket, mut stream) = desk.listen().await;
    for text in PONGS {
        desk.fault(json!({"kind": "frame", "socket": "private", "shape": "text", "text": text}));
    }
    desk.place("tt-a-1", buy(PERP, "0.1")).await;
    let text = frame_of(&mut socket, "execution").await;
    assert_eq!(stream.read(&text).unwrap().events.len(), 1);
    assert_eq!(desk.server.counters().connects["private"], 1);
}

fn flat() -> Value {
    json!({"positionIdx": 0, "symbol": "BTCUSDT", "side": "", "size": "0", "avgPrice": "",
        "positionValue": "", "leverage": "", "markPrice": "", "liqPrice": "", "positionIM": "",
        "positionMM": "", "takeProfit": "", "stopLoss": "", "trailingStop": "",
        "unrealisedPnl": "", "curRealisedPnl": "", "cumRealisedPnl": "", "sessionAvgPrice": "",
        "createdTime": "", "updatedTime": "", "seq": -1, "positionStatus": "",
        "isReduceOnly": false})
}

#[rstest]
#[case::as_listed(&[])]
#[case::no_flag(&["isReduceOnly"])]
#[case::no_side(&["side", "isReduceOnly"])]
#[case::next_to_nothing(&["side", "size", "avgPrice", "updatedTime", "seq", "isReduceOnly",
    "positionStatus", "leverage"])]
fn line_04_closed_positions_parse_without_what_they_lack(#[case] missing: &[&str]) {
    for size in ["0", "", "0.000"] {
        let mut row = flat();
        row["size"] = json!(size);
        for name in missing {
            row.as_object_mut().unwrap().remove(*name);
        }
        let position: Position = serde_json::from_value(row.clone()).unwrap();
        assert!(position.is_flat(), "{row}");
        assert_eq!(position.signed_size(), Some(n("0")), "{row}");
        assert_eq!(position.entry(), None, "{row}");
        let frame = json!({"id": "1", "topic": "position", "creationTime": 1, "data": [row]});
        let mut stream = PrivateStream::new(instruments(), std::sync::Arc::default());
        let heard = stream.read(&frame.to_string());
        assert_eq!(heard, Ok(Heard::default()), "{frame}");
        assert_eq!(stream.position_of(PERP), Some(n("0")));
    }
}

fn contract(kind: &str, quote: &str, settle: &str, value: Option<&str>) -> ContractRow {
    let mut row = json!({"symbol": "BTCXYZ", "contractType": kind, "status": "Trading",
        "baseCoin": "BTC", "quoteCoin": quote, "settleCoin": settle, "fundingInterval": 480,
        "priceFilter": {"minPrice": "0.1", "maxPrice": "100000", "tickSize": "0.1"},
        "lotSizeFilter": {"minOrderQty": "0.001", "maxOrderQty": "100",
            "maxMktOrderQty": "50", "qtyStep": "0.001"}});
    if let Some(value) = value {
        row["lotSizeFilter"]["minNotionalValue"] = json!(value);
    }
    serde_json::from_value(row).unwrap()
}

#[test]
fn line_05_smallest_values_are_read_for_every_market() {
    let linear = contract("LinearPerpetual", "USDT", "USDT", Some("5"));
    assert_eq!(linear.instrument().unwrap().min_notional, n("5"));
    let inverse = contract("InversePerpetual", "USD", "BTC", Some("1"));
    assert_eq!(inverse.lot_size_filter.min_notional_value, Some(n("1")));
    // Without the rule there is no instrument, and not one without a smallest value.
    for value in [None, Some("")] {
        let error = contract("LinearPerpetual", "USDT", "USDT", value).instrument();
        let is_it = matches!(error, Err(ListingError::Missing { rule, .. })
            if rule == "minNotionalValue");
        assert!(is_it, "{error:?}");
    }
    // A pair's smallest amount is dead: its smallest value counts.
    let pair = json!({"symbol": "BTCUSDT", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "priceFilter": {"tickSize": "0.01"},
        "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.0000001",
            "minOrderQty": "0.011", "maxOrderQty": "83", "minOrderAmt": "7",
            "maxLimitOrderQty": "83", "maxMarketOrderQty": "41.5"}});
    let pair: PairRow = serde_json::from_value(pair).unwrap();
    let pair = pair.instrument().unwrap();
    assert_eq!(pair.min_notional, n("7"));
    assert!(pair.min_qty < n("0.011"));
}
