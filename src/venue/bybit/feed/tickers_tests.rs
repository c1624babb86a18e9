//! Tickers of both markets: merging, emptiness, order.

use super::error::FrameProblem;
use super::frame::FrameKind;
use super::tickers::{Ticker, TickerFacts, TickerFrame, TickerNews, TickerStep};
use crate::domain::Timestamp;

const SNAPSHOT: FrameKind = FrameKind::Snapshot;
const DELTA: FrameKind = FrameKind::Delta;
const FULL: &str = r#"{"symbol":"AUSDT","tickDirection":"PlusTick","price24hPcnt":"-0.014972",
    "lastPrice":"10.5","highPrice24h":"12","lowPrice24h":"9","prevPrice24h":"10.7",
    "markPrice":"10.4","indexPrice":"10.3","openInterest":"500","turnover24h":"99.5",
    "volume24h":"42.0000","nextFundingTime":"28800000","fundingRate":"-0.00025",
    "fundingIntervalHour":"8","bid1Price":"10.4","bid1Size":"3","ask1Price":"10.6",
    "ask1Size":"4","newField":{"a":[1]}}"#;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn take(
    ticker: &mut Ticker,
    kind: FrameKind,
    (cs, ts): (u64, i64),
    data: &str,
) -> Result<TickerStep, FrameProblem> {
    let frame = TickerFrame {
        kind,
        ts: at(ts),
        cs: Some(cs),
        data: data.as_bytes(),
    };
    ticker.take(at(ts + 5), &frame, "AUSDT")
}

fn news(step: Result<TickerStep, FrameProblem>) -> TickerNews {
    match step {
        Ok(TickerStep::Taken(news)) => news,
        other => panic!("expected news, got {other:?}"),
    }
}

fn synced() -> Ticker {
    let mut ticker = Ticker::default();
    let first = news(take(&mut ticker, SNAPSHOT, (10, 1_000), FULL));
    assert!(first.mark && first.best && first.funding.is_none());
    ticker
}

fn facts(ticker: &Ticker) -> TickerFacts {
    *ticker.facts().unwrap()
}

#[test]
fn a_snapshot_tells_everything() {
    let facts = facts(&synced());
    assert_eq!(facts.last, "10.5".parse().ok());
    assert_eq!(facts.mark, "10.4".parse().ok());
    assert_eq!(facts.index, "10.3".parse().ok());
    assert_eq!(facts.funding_rate, "-0.00025".parse().ok());
    assert_eq!(facts.next_funding, Some(at(28_800_000)));
    assert_eq!(facts.funding_hours, Some(8));
    assert_eq!(facts.change_24h, "-0.014972".parse().ok());
    assert_eq!(facts.turnover_24h, "99.5".parse().ok());
    assert_eq!((facts.made, facts.seen), (at(1_000), at(1_005)));
    let (bid, ask) = facts.best().unwrap();
    assert_eq!(
        (bid.price, bid.qty),
        ("10.4".parse().unwrap(), "3".parse().unwrap())
    );
    assert_eq!(
        (ask.price, ask.qty),
        ("10.6".parse().unwrap(), "4".parse().unwrap())
    );
}

#[test]
fn absent_is_unchanged_and_empty_is_none() {
    let mut ticker = synced();
    let change = r#"{"symbol":"AUSDT","markPrice":"10.45","indexPrice":"","bid1Size":"9"}"#;
    let told = news(take(&mut ticker, DELTA, (11, 1_100), change));
    assert!(told.mark && told.best);
    let mut expected = facts(&synced());
    expected.mark = "10.45".parse().ok();
    expected.index = None;
    expected.bid_qty = "9".parse().ok();
    (expected.made, expected.seen) = (at(1_100), at(1_105));
    assert_eq!(facts(&ticker), expected);
    let last = r#"{"symbol":"AUSDT","lastPrice":"11"}"#;
    let told = news(take(&mut ticker, DELTA, (12, 1_200), last));
    assert!(!told.mark && !told.best);
}

#[test]
fn a_side_without_orders_is_no_price() {
    for empty in ["", "0", "0.00"] {
        let mut ticker = synced();
        let change = format!(r#"{{"symbol":"AUSDT","ask1Price":"{empty}","ask1Size":"{empty}"}}"#);
        assert!(news(take(&mut ticker, DELTA, (11, 1_100), &change)).best);
        assert_eq!(facts(&ticker).ask, None, "{empty:?}");
        assert_eq!(facts(&ticker).best(), None);
    }
    let mut ticker = synced();
    let crossed = r#"{"symbol":"AUSDT","ask1Price":"10.4"}"#;
    assert!(news(take(&mut ticker, DELTA, (11, 1_100), crossed)).best);
    assert_eq!(facts(&ticker).best(), None);
}

#[test]
fn frames_of_the_past_are_dropped() {
    let last = r#"{"symbol":"AUSDT","lastPrice":"11"}"#;
    for (kind, order, step) in [
        (DELTA, (9, 1_100), TickerStep::Old),
        (DELTA, (10, 999), TickerStep::Old),
        (SNAPSHOT, (10, 999), TickerStep::Old),
        (SNAPSHOT, (11, 999), TickerStep::Old),
    ] {
        let mut ticker = synced();
        assert_eq!(take(&mut ticker, kind, order, last), Ok(step), "{order:?}");
        assert_eq!(facts(&ticker), facts(&synced()));
    }
    // A later snapshot counts whatever its number: the venue may begin to count anew.
    let mut ticker = synced();
    news(take(&mut ticker, SNAPSHOT, (2, 1_001), last));
    assert_eq!(facts(&ticker).mark, None);
    news(take(&mut ticker, DELTA, (3, 1_002), last));
}

#[test]
fn changes_wait_for_a_snapshot() {
    let last = r#"{"symbol":"AUSDT","lastPrice":"11"}"#;
    let mut ticker = Ticker::default();
    assert_eq!(
        take(&mut ticker, DELTA, (1, 1_000), last),
        Ok(TickerStep::Unsynced)
    );
    assert!(ticker.facts().is_none());
    let mut ticker = synced();
    ticker.on_down();
    assert_eq!(
        take(&mut ticker, DELTA, (11, 1_100), last),
        Ok(TickerStep::Unsynced)
    );
    assert_eq!(facts(&ticker), facts(&synced()));
    news(take(&mut ticker, SNAPSHOT, (12, 1_200), FULL));
    assert!(ticker.is_synced());
}

#[test]
fn a_bad_field_changes_nothing() {
    for (data, words) in [
        (
            r#"{"symbol":"AUSDT","lastPrice":"11","markPrice":"0"}"#,
            "field markPrice: a price of zero is no price",
        ),
        (
            r#"{"symbol":"AUSDT","lastPrice":"-11"}"#,
            "field lastPrice: \"-11\" is negative",
        ),
        (
            r#"{"symbol":"AUSDT","lastPrice":"11","fundingRate":"NaN"}"#,
            "field fundingRate: \"NaN\" is not a decimal number",
        ),
        (
            r#"{"symbol":"AUSDT","nextFundingTime":"soon"}"#,
            "field nextFundingTime: \"soon\" is not a whole number",
        ),
        (
            r#"{"symbol":"BUSDT","lastPrice":"11"}"#,
            "field symbol: \"BUSDT\" is not the symbol of its topic",
        ),
    ] {
        let mut ticker = synced();
        let error = take(&mut ticker, DELTA, (11, 1_100), data).unwrap_err();
        assert_eq!(error.to_string(), words);
        assert_eq!(facts(&ticker), facts(&synced()));
    }
    let mut ticker = synced();
    for data in ["[]", "{}", r#"{"symbol":"AUSDT","lastPrice":11}"#] {
        assert!(matches!(
            take(&mut ticker, DELTA, (11, 1_100), data),
            Err(FrameProblem::BadData(_))
        ));
    }
}

#[test]
fn funding_is_due_when_the_next_time_moves_on() {
    let due = 28_800_000;
    let rate = r#"{"symbol":"AUSDT","fundingRate":"0.0001"}"#;
    let moved = r#"{"symbol":"AUSDT","fundingRate":"0.0003","nextFundingTime":"57600000"}"#;
    let mut ticker = synced();
    assert_eq!(
        news(take(&mut ticker, DELTA, (11, due - 50), rate)).funding,
        None
    );
    let told = news(take(&mut ticker, DELTA, (12, due + 50), moved));
    assert_eq!(told.funding, "0.0001".parse().ok());
    assert_eq!(facts(&ticker).funding_rate, "0.0003".parse().ok());
    // A schedule that is moved before the payment is due pays nothing.
    let mut ticker = synced();
    assert_eq!(
        news(take(&mut ticker, DELTA, (11, due - 50), moved)).funding,
        None
    );
    // Nobody was listening when it fell due: the rate that held then is not known.
    let mut ticker = synced();
    ticker.on_down();
    let all = FULL.replace("28800000", "57600000");
    assert_eq!(
        news(take(&mut ticker, SNAPSHOT, (12, due + 50), &all)).funding,
        None
    );
}

#[test]
fn spot_has_only_a_last_price() {
    let spot = r#"{"symbol":"AUSDT","lastPrice":"21109.77","highPrice24h":"21426.99",
        "lowPrice24h":"20575","prevPrice24h":"20704.93","volume24h":"6780.866843",
        "turnover24h":"141946527.22907118","price24hPcnt":"0.0196",
        "usdIndexPrice":"21120.2400136"}"#;
    let mut ticker = Ticker::default();
    let told = news(take(&mut ticker, SNAPSHOT, (1, 1_000), spot));
    assert!(!told.mark && !told.best);
    let facts = facts(&ticker);
    assert_eq!(facts.last, "21109.77".parse().ok());
    assert_eq!(facts.turnover_24h, "141946527.22907118".parse().ok());
    assert_eq!((facts.mark, facts.index, facts.best()), (None, None, None));
}
