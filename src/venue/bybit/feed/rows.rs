//! Bars and trades out of the data of their frames, and bars out of REST rows.

use std::borrow::Cow;

use serde::Deserialize;

use super::error::FrameProblem;
use super::number;
use super::topics::interval_of_code;
use crate::domain::{Bar, InstrumentId, Interval, PublicTrade, Side, Timestamp};

#[derive(Deserialize)]
struct KlineData<'a> {
    start: i64,
    #[serde(borrow)]
    interval: Cow<'a, str>,
    #[serde(borrow)]
    open: Cow<'a, str>,
    #[serde(borrow)]
    high: Cow<'a, str>,
    #[serde(borrow)]
    low: Cow<'a, str>,
    #[serde(borrow)]
    close: Cow<'a, str>,
    #[serde(borrow)]
    volume: Cow<'a, str>,
    confirm: bool,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(rename = "T")]
    time: i64,
    #[serde(borrow, rename = "s")]
    symbol: Cow<'a, str>,
    #[serde(borrow, rename = "S")]
    side: Cow<'a, str>,
    #[serde(borrow, rename = "p")]
    price: Cow<'a, str>,
    #[serde(borrow, rename = "v")]
    size: Cow<'a, str>,
    #[serde(borrow, rename = "i")]
    id: Cow<'a, str>,
}

/// A bar of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KlineRow {
    /// The bar as it is so far.
    pub bar: Bar,
    /// Whether it has closed.
    pub confirmed: bool,
}

/// A trade of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRow<'a> {
    /// When it was made.
    pub time: Timestamp,
    /// Its identity; many trades share time, price and sequence number.
    pub id: Cow<'a, str>,
    /// The trade.
    pub trade: PublicTrade,
}

/// Reads the data of a kline frame, in its order.
///
/// # Errors
///
/// When a row is no bar of `interval`.
pub fn kline_rows(data: &[u8], interval: Interval) -> Result<Vec<KlineRow>, FrameProblem> {
    let rows: Vec<KlineData<'_>> =
        serde_json::from_slice(data).map_err(|error| FrameProblem::data(&error))?;
    rows.iter()
        .map(|row| {
            if interval_of_code(&row.interval) != Some(interval) {
                let expected = "the interval of its topic";
                return Err(FrameProblem::value("interval", &row.interval, expected));
            }
            let texts = [&row.open, &row.high, &row.low, &row.close, &row.volume];
            let bar = bar(row.start, texts.map(Cow::as_ref), interval)?;
            Ok(KlineRow {
                bar,
                confirmed: row.confirm,
            })
        })
        .collect()
}

/// Reads one row of `GET /v5/market/kline`: start, open, high, low, close, volume, and turnover,
/// which is not used.
///
/// # Errors
///
/// When it is no bar of `interval`.
pub fn bar_of_row<T: AsRef<str>>(row: &[T], interval: Interval) -> Result<Bar, FrameProblem> {
    let [start, open, high, low, close, volume, ..] = row else {
        let text = format!("row has {} of at least 6 fields", row.len());
        return Err(FrameProblem::BadData(text));
    };
    let time = start.as_ref().parse().map_err(|_| {
        FrameProblem::value("start", start.as_ref(), "a time in whole milliseconds")
    })?;
    let texts = [open, high, low, close, volume].map(AsRef::as_ref);
    bar(time, texts, interval)
}

/// A bar of its texts: open, high, low, close, volume.
fn bar(start: i64, texts: [&str; 5], interval: Interval) -> Result<Bar, FrameProblem> {
    let [open, high, low, close, volume] = texts;
    let bar = Bar {
        open_time: Timestamp::from_millis(start),
        open: number::price("open", open)?,
        high: number::price("high", high)?,
        low: number::price("low", low)?,
        close: number::price("close", close)?,
        volume: number::volume("volume", volume)?,
    };
    bar.check(interval)?;
    Ok(bar)
}

/// Reads the data of a trade frame, in its order.
///
/// # Errors
///
/// When a row is no trade of `symbol`.
pub fn trade_rows<'a>(
    data: &'a [u8],
    instrument: InstrumentId,
    symbol: &str,
) -> Result<Vec<TradeRow<'a>>, FrameProblem> {
    let rows: Vec<TradeData<'a>> =
        serde_json::from_slice(data).map_err(|error| FrameProblem::data(&error))?;
    rows.into_iter()
        .map(|row| {
            if row.symbol != symbol {
                let expected = "the symbol of its topic";
                return Err(FrameProblem::value("s", &row.symbol, expected));
            }
            let taker = match row.side.as_ref() {
                "Buy" => Side::Buy,
                "Sell" => Side::Sell,
                other => return Err(FrameProblem::value("S", other, "Buy or Sell")),
            };
            Ok(TradeRow {
                time: Timestamp::from_millis(row.time),
                id: row.id,
                trade: PublicTrade {
                    instrument,
                    price: number::price("p", &row.price)?,
                    qty: number::qty("v", &row.size)?,
                    taker,
                },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute() -> Interval {
        "1m".parse().unwrap()
    }

    #[test]
    fn rows_of_rest_are_bars() {
        let row = ["60000", "10", "12.5", "9", "11", "3.000000001", "33"];
        let bar = bar_of_row(&row, minute()).unwrap();
        assert_eq!(bar.open_time, Timestamp::from_millis(60_000));
        assert_eq!(bar.high, "12.5".parse().unwrap());
        assert_eq!(bar.volume, "3".parse().unwrap());
        for (row, words) in [
            (&row[..5], "data: row has 5 of at least 6 fields"),
            (
                &["60001", "10", "12", "9", "11", "3"],
                "bar 1970-01-01T00:01:00.001Z: open time is not on the 1m grid",
            ),
            (
                &["60000", "10", "12", "9", "13", "3"],
                "bar 1970-01-01T00:01:00Z: close 13 is outside of low 9 to high 12",
            ),
            (
                &["60000", "", "12", "9", "13", "3"],
                "field open: \"\" is not a decimal number",
            ),
            (
                &["60000", "10", "12", "0", "11", "3"],
                "field low: a price of zero is no price",
            ),
            (
                &["6e4", "10", "12", "9", "11", "3"],
                "field start: \"6e4\" is not a time in whole milliseconds",
            ),
        ] {
            assert_eq!(bar_of_row(row, minute()).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn trades_keep_their_order_and_name_what_is_wrong() {
        let data = br#"[
            {"T":5,"s":"AUSDT","S":"Buy","v":"0.1","p":"7","i":"x","BT":false,"seq":1},
            {"i":"y","p":"8","v":"2","S":"Sell","s":"AUSDT","T":5}]"#;
        let rows = trade_rows(data, InstrumentId(3), "AUSDT").unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_ref()).collect();
        assert_eq!(ids, ["x", "y"]);
        assert_eq!(rows[1].trade.taker, Side::Sell);
        for (data, words) in [
            (
                r#"[{"T":5,"s":"AUSDT","S":"Unknown","v":"1","p":"7","i":"x"}]"#,
                "field S: \"Unknown\" is not Buy or Sell",
            ),
            (
                r#"[{"T":5,"s":"BUSDT","S":"Buy","v":"1","p":"7","i":"x"}]"#,
                "field s: \"BUSDT\" is not the symbol of its topic",
            ),
            (
                r#"[{"T":5,"s":"AUSDT","S":"Buy","v":"1","p":"0","i":"x"}]"#,
                "field p: a price of zero is no price",
            ),
        ] {
            let error = trade_rows(data.as_bytes(), InstrumentId(3), "AUSDT").unwrap_err();
            assert_eq!(error.to_string(), words);
        }
    }
}
