//! Market data over REST.

use rstest::rstest;

use super::super::instrument::{ContractRow, ListingError, PairRow};
use super::super::market::{
    BookRow, FundingRow, KlineRow, PriceKlineRow, PriceLimit, RecentTrade, ServerTime, Ticker,
};
use super::super::names::{WireCategory, WireSide};
use super::super::{Envelope, Field, Page, WireError, from_json};
use super::{at, decimal, money, price, qty, rate, symbol};
use crate::domain::{Bar, Category, Level};

const KLINES: &str = r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","symbol":"BTCUSDT",
    "list":[["1700000300000","64010.1","64020","63999.5","64000.0","12.500","800125.1234567890123"],
            ["1700000000000","64000","64011","63990","64010.1","7","448000"]]},
    "retExtInfo":{},"time":1700000301000}"#;

#[test]
fn klines() {
    let envelope = Envelope::parse(KLINES).unwrap();
    assert!(envelope.is_ok());
    assert_eq!(envelope.time, Some(at(1_700_000_301_000)));
    let page: Page<KlineRow> = envelope.result().unwrap();
    assert_eq!(page.category, Some(WireCategory::Linear));
    assert_eq!(page.symbol.as_deref(), Some("BTCUSDT"));
    assert_eq!(page.next_page_cursor, None);
    let expected = Bar {
        open_time: at(1_700_000_300_000),
        open: price("64010.1"),
        high: price("64020"),
        low: price("63999.5"),
        close: price("64000"),
        volume: qty("12.5"),
    };
    assert_eq!(page.list[0].bar, expected);
    assert_eq!(page.list[0].turnover, decimal("800125.1234567890123"));
    assert_eq!(page.list[1].bar.open_time, at(1_700_000_000_000));
    let text = serde_json::to_string(&page.list[1]).unwrap();
    let row = r#"["1700000000000","64000","64011","63990","64010.1","7","448000"]"#;
    assert_eq!(text, row);
}

#[rstest]
#[case(r#"["1700000000000","1","1","1","1","1"]"#, "result.list[0]")]
#[case(r#"["1700000000000","1","1","1","x","1","1"]"#, "result.list[0][4]")]
#[case(r#"["1700000000000","1","1","-1","1","1","1"]"#, "result.list[0][3]")]
#[case("{}", "result.list[0]")]
fn bad_kline_rows_are_located(#[case] row: &str, #[case] field: &str) {
    let text = format!(r#"{{"retCode":0,"result":{{"list":[{row}]}}}}"#);
    let envelope = Envelope::parse(&text).unwrap();
    let error = envelope.result::<Page<KlineRow>>().unwrap_err();
    assert!(
        matches!(&error, WireError::Field { field: found, .. } if found == field),
        "{error}"
    );
}

#[test]
fn mark_klines_have_no_amounts() {
    let row: PriceKlineRow = from_json(r#"["1700000000000","2","4","1","3"]"#).unwrap();
    assert_eq!((row.open, row.high), (price("2"), price("4")));
    assert_eq!((row.low, row.close), (price("1"), price("3")));
    assert!(from_json::<KlineRow>(r#"["1700000000000","2","4","1","3"]"#).is_err());
}

#[test]
fn server_time() {
    let text = r#"{"timeSecond":"1700000000","timeNano":"1700000000123456789"}"#;
    let time: ServerTime = from_json(text).unwrap();
    assert_eq!(time.timestamp(), at(1_700_000_000_123));
}

#[test]
fn books() {
    let text = r#"{"s":"ETHUSDT","a":[["2000.5","1.5","0"],["2001","3"]],"b":[["2000.4","0"]],
        "ts":1700000000001,"u":19521288,"seq":79616387240001,"cts":1700000000000}"#;
    let book: BookRow = from_json(text).unwrap();
    let level = |p, q| Level {
        price: price(p),
        qty: qty(q),
    };
    assert_eq!(book.asks, [level("2000.5", "1.5"), level("2001", "3")]);
    assert_eq!(book.bids, [level("2000.4", "0")]);
    assert_eq!(
        (book.update_id, book.seq),
        (19_521_288, Some(79_616_387_240_001))
    );
    assert_eq!(book.cts, Some(at(1_700_000_000_000)));
    let back: BookRow = from_json(&serde_json::to_string(&book).unwrap()).unwrap();
    assert_eq!(back, book);
    let empty: BookRow = from_json(r#"{"s":"ETHUSDT","b":null,"u":1}"#).unwrap();
    assert!(empty.bids.is_empty() && empty.asks.is_empty());
    for bad in [
        r#"[["1"]]"#,
        r#"[["1","x"]]"#,
        r#"[["1","1"],["-2","1"]]"#,
        r#"["1","1"]"#,
    ] {
        let text = format!(r#"{{"s":"ETHUSDT","u":1,"b":{bad}}}"#);
        let error = from_json::<BookRow>(&text).unwrap_err().to_string();
        assert!(error.starts_with("b["), "{bad}: {error}");
    }
}

#[test]
fn tickers() {
    let text = r#"{"category":"linear","list":[{"symbol":"BTCUSDT","lastPrice":"64000.50",
        "markPrice":"64001.11","indexPrice":"63999.99","bid1Price":"64000.4","bid1Size":"2",
        "ask1Price":"64000.5","ask1Size":"0.001","fundingRate":"-0.000317","openInterest":"51234.567",
        "nextFundingTime":"1700006400000","fundingIntervalHour":"8","price24hPcnt":"-0.043127",
        "deliveryTime":"0","basis":"","preOpenPrice":"","curPreListingPhase":"",
        "turnover24h":"3936790811.1234","volume24h":"83191.1230"}]}"#;
    let page: Page<Ticker> = from_json(text).unwrap();
    let ticker = &page.list[0];
    assert_eq!(ticker.last_price.value(), Some(&price("64000.5")));
    assert_eq!(ticker.bid1_size.value(), Some(&qty("2")));
    assert_eq!(ticker.funding_rate.value(), Some(&rate("-0.000317")));
    assert_eq!(
        ticker.next_funding_time.value(),
        Some(&at(1_700_006_400_000))
    );
    assert_eq!(ticker.funding_interval_hour.value(), Some(&8));
    assert_eq!(ticker.price24h_pcnt.value(), Some(&rate("-0.043127")));
    assert_eq!(ticker.cur_pre_listing_phase, Field::Empty);
    assert_eq!(ticker.usd_index_price, Field::Absent);
}

#[test]
fn trades_funding_and_limits() {
    let text = r#"{"execId":"2200000000001234567","symbol":"BTCUSDT","price":"64000","size":"0.0001",
        "side":"Sell","time":"1700000000000","isBlockTrade":false,"seq":"123456"}"#;
    let trade: RecentTrade = from_json(text).unwrap();
    assert_eq!((trade.side, trade.seq), (WireSide::Sell, Some(123_456)));
    assert_eq!(trade.exec_id, "2200000000001234567");
    let text =
        r#"{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingRateTimestamp":"1700000000000"}"#;
    let funding: FundingRow = from_json(text).unwrap();
    assert_eq!(funding.funding_rate, rate("0.0001"));
    let text = r#"{"symbol":"BTCUSDT","buyLmt":"64878.10","sellLmt":"","ts":"1700000000000"}"#;
    let limit: PriceLimit = from_json(text).unwrap();
    assert_eq!(
        (limit.buy_lmt, limit.sell_lmt),
        (Some(price("64878.1")), None)
    );
}

fn contract(changes: &[(&str, &str)]) -> ContractRow {
    let mut text = r#"{"symbol":"BTCUSDT","symbolId":5,"contractType":"LinearPerpetual",
        "status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","launchTime":"1590000000000",
        "deliveryTime":"0","deliveryFeeRate":"","priceScale":"2","leverageFilter":{"minLeverage":"1",
        "maxLeverage":"100.00","leverageStep":"0.01"},"priceFilter":{"minPrice":"0.10",
        "maxPrice":"1500000.00","tickSize":"0.10"},"lotSizeFilter":{"maxOrderQty":"1200.000",
        "minOrderQty":"0.001","qtyStep":"0.001","maxMktOrderQty":"500.000","minNotionalValue":"5"},
        "fundingInterval":480,"settleCoin":"USDT","preListingInfo":null,"isPreListing":false}"#
        .to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    from_json(&text).unwrap()
}

#[test]
fn contracts_become_instruments() {
    let row = contract(&[]);
    assert!(row.is_trading());
    let instrument = row.instrument().unwrap();
    assert_eq!(instrument.symbol, symbol("BTCUSDT"));
    assert_eq!(instrument.category, Category::Linear);
    assert_eq!((&*instrument.base, &*instrument.quote), ("BTC", "USDT"));
    assert_eq!(instrument.tick, price("0.1"));
    assert_eq!(
        (instrument.qty_step, instrument.min_qty),
        (qty("0.001"), qty("0.001"))
    );
    assert_eq!(
        (instrument.max_qty, instrument.max_market_qty),
        (qty("1200"), qty("500"))
    );
    assert_eq!(instrument.min_notional, money("5"));
    assert_eq!(instrument.funding_hours, 8);
    let older = contract(&[(r#""maxMktOrderQty":"500.000","#, "")]);
    assert_eq!(older.instrument().unwrap().max_market_qty, qty("1200"));
}

#[test]
fn contracts_that_cannot_be_traded_here() {
    let no_minimum = contract(&[(r#","minNotionalValue":"5""#, "")]);
    let missing = ListingError::Missing {
        symbol: symbol("BTCUSDT"),
        rule: "minNotionalValue",
    };
    assert_eq!(no_minimum.instrument(), Err(missing));
    let inverse = contract(&[
        ("LinearPerpetual", "InversePerpetual"),
        (r#""settleCoin":"USDT""#, r#""settleCoin":"BTC""#),
    ]);
    assert!(matches!(
        inverse.instrument(),
        Err(ListingError::NotLinear { .. })
    ));
    // The smallest value is read for inverse contracts as well.
    assert_eq!(inverse.lot_size_filter.min_notional_value, Some(money("5")));
    let odd = contract(&[("480", "8")]);
    assert!(matches!(
        odd.instrument(),
        Err(ListingError::FundingInterval { minutes: 8, .. })
    ));
    let contradiction = contract(&[("1200.000", "0.0001")]);
    assert!(matches!(
        contradiction.instrument(),
        Err(ListingError::Rules(_))
    ));
    assert!(!contract(&[("Trading", "PreLaunch")]).is_trading());
    assert!(!contract(&[("Trading", "Paused")]).is_trading());
}

const PAIR: &str = r#"{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","status":"Trading",
    "marginTrading":"utaOnly","stTag":"0","lotSizeFilter":{"basePrecision":"0.000001",
    "quotePrecision":"0.0000001","minOrderQty":"0.000021","maxOrderQty":"83","minOrderAmt":"5",
    "maxOrderAmt":"7000000","maxLimitOrderQty":"84","maxMarketOrderQty":"41.5"},
    "priceFilter":{"tickSize":"0.1"},"riskParameters":{"priceLimitRatioX":"0.005"}}"#;

#[test]
fn pairs_use_precision_and_smallest_amount() {
    let row: PairRow = from_json(PAIR).unwrap();
    let instrument = row.instrument().unwrap();
    assert_eq!(instrument.category, Category::Spot);
    assert_eq!(
        (instrument.qty_step, instrument.min_qty),
        (qty("0.000001"), qty("0.000001"))
    );
    assert_eq!(
        (instrument.max_qty, instrument.max_market_qty),
        (qty("84"), qty("41.5"))
    );
    assert_eq!(instrument.min_notional, money("5"));
    assert_eq!(instrument.funding_hours, 0);
    let older = PAIR.replace(r#","maxLimitOrderQty":"84","maxMarketOrderQty":"41.5""#, "");
    let instrument = from_json::<PairRow>(&older).unwrap().instrument().unwrap();
    assert_eq!(
        (instrument.max_qty, instrument.max_market_qty),
        (qty("83"), qty("83"))
    );
    let no_amount = PAIR.replace(r#""minOrderAmt":"5","#, "");
    let error = from_json::<PairRow>(&no_amount)
        .unwrap()
        .instrument()
        .unwrap_err();
    assert!(error.to_string().contains("minOrderAmt"), "{error}");
}
