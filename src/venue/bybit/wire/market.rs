//! Market data over REST: time, klines, books, tickers, trades, funding, price limits.
//!
//! Rows only; lists of them come as [`Page`](super::Page). The instruments have a file of their
//! own. The rows of the streams that have the same shape use the same types.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, SeqAccess};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::levels;
use super::names::WireSide;
use super::number::{Exact, Field, Seen, WireText, flag, int, int_opt, need, opt, seen, seen_opt};
use crate::domain::{Bar, Level, Money, Price, Qty, Rate, Symbol, Timestamp};

/// The venue's clock (`/v5/market/time`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTime {
    /// Seconds since the epoch.
    #[serde(rename = "timeSecond", with = "need")]
    pub second: i64,
    /// Nanoseconds since the epoch.
    #[serde(rename = "timeNano", with = "need")]
    pub nano: i64,
}

impl ServerTime {
    /// The moment, cut to milliseconds.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.nano.div_euclid(1_000_000))
    }
}

/// One row of `/v5/market/kline`; rows come newest first and the first may still be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KlineRow {
    /// The bar; its volume is in the base coin.
    pub bar: Bar,
    /// Traded value, in the quote coin.
    pub turnover: Decimal,
}

/// One row of the mark and index price klines: prices without amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceKlineRow {
    /// Open time.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
}

/// Cells of a row that is an array.
struct Cells<A> {
    row: A,
    n_read: usize,
}

impl<'de, A: SeqAccess<'de>> Cells<A> {
    fn next<T: Deserialize<'de>>(&mut self) -> Result<T, A::Error> {
        let cell = self.row.next_element()?;
        let n_read = self.n_read;
        self.n_read += 1;
        cell.ok_or_else(|| de::Error::invalid_length(n_read, &"a kline row"))
    }

    fn prices(&mut self) -> Result<PriceKlineRow, A::Error> {
        Ok(PriceKlineRow {
            open_time: self.next::<Exact<_>>()?.0,
            open: self.next::<Exact<_>>()?.0,
            high: self.next::<Exact<_>>()?.0,
            low: self.next::<Exact<_>>()?.0,
            close: self.next::<Exact<_>>()?.0,
        })
    }

    fn finish(mut self) -> Result<(), A::Error> {
        while self.row.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl<'de> Deserialize<'de> for KlineRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = KlineRow;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kline row")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, row: A) -> Result<KlineRow, A::Error> {
                let mut cells = Cells { row, n_read: 0 };
                let prices = cells.prices()?;
                let volume = cells.next::<Seen<_>>()?.0;
                let turnover = cells.next::<Seen<_>>()?.0;
                cells.finish()?;
                let bar = Bar {
                    open_time: prices.open_time,
                    open: prices.open,
                    high: prices.high,
                    low: prices.low,
                    close: prices.close,
                    volume,
                };
                Ok(KlineRow { bar, turnover })
            }
        }
        from.deserialize_seq(Visitor)
    }
}

impl<'de> Deserialize<'de> for PriceKlineRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = PriceKlineRow;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kline row")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, row: A) -> Result<PriceKlineRow, A::Error> {
                let mut cells = Cells { row, n_read: 0 };
                let prices = cells.prices()?;
                cells.finish()?;
                Ok(prices)
            }
        }
        from.deserialize_seq(Visitor)
    }
}

impl Serialize for KlineRow {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let bar = &self.bar;
        let mut row = to.serialize_tuple(7)?;
        row.serialize_element(&bar.open_time.to_text())?;
        for price in [bar.open, bar.high, bar.low, bar.close] {
            row.serialize_element(&price.to_text())?;
        }
        row.serialize_element(&bar.volume.to_text())?;
        row.serialize_element(&self.turnover.to_text())?;
        row.end()
    }
}

/// A book, from `/v5/market/orderbook` or as the data of a stream's frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRow {
    /// Symbol.
    #[serde(rename = "s", with = "need")]
    pub symbol: Symbol,
    /// Bids, best first; in a delta the changed ones, a size of zero removes.
    #[serde(rename = "b", default, with = "levels")]
    pub bids: Vec<Level>,
    /// Asks, best first; in a delta the changed ones, a size of zero removes.
    #[serde(rename = "a", default, with = "levels")]
    pub asks: Vec<Level>,
    /// Number of the update, of this topic only. Over REST it is that of the 1000-level stream.
    #[serde(rename = "u", with = "int")]
    pub update_id: u64,
    /// Number across books and trades: the smaller is the earlier.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The venue's time; only over REST, a stream has it in the frame.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub ts: Option<Timestamp>,
    /// Time of the matching engine; only over REST, a stream has it in the frame.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub cts: Option<Timestamp>,
}

/// A ticker, whole from `/v5/market/tickers` and in a stream's snapshots, else what changed.
///
/// On spot only REST has the best bid and ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticker {
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Last traded price.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub last_price: Field<Price>,
    /// Mark price.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub mark_price: Field<Price>,
    /// Index price.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub index_price: Field<Price>,
    /// Spot: price in USD.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub usd_index_price: Field<Price>,
    /// Best bid.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub bid1_price: Field<Price>,
    /// Amount at the best bid.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub bid1_size: Field<Qty>,
    /// Best ask.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub ask1_price: Field<Price>,
    /// Amount at the best ask.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub ask1_size: Field<Qty>,
    /// Price of 24 hours ago.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prev_price24h: Field<Price>,
    /// Price of one hour ago.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prev_price1h: Field<Price>,
    /// Highest price of 24 hours.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub high_price24h: Field<Price>,
    /// Lowest price of 24 hours.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub low_price24h: Field<Price>,
    /// Change within 24 hours, as a fraction.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub price24h_pcnt: Field<Rate>,
    /// Amount traded in 24 hours, in the base coin.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub volume24h: Field<Qty>,
    /// Value traded in 24 hours, in the quote coin.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub turnover24h: Field<Decimal>,
    /// Open interest, in the base coin.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub open_interest: Field<Qty>,
    /// Value of the open interest.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub open_interest_value: Field<Decimal>,
    /// Rate of the next funding; none for dated futures.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub funding_rate: Field<Rate>,
    /// Time of the next funding; none for dated futures.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub next_funding_time: Field<Timestamp>,
    /// Hours between fundings.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub funding_interval_hour: Field<u32>,
    /// Largest funding rate.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub funding_cap: Field<Rate>,
    /// Phase of an instrument before its launch.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub cur_pre_listing_phase: Field<String>,
}

impl Ticker {
    /// A ticker that says nothing yet.
    #[must_use]
    pub fn new(symbol: Symbol) -> Self {
        Self {
            symbol,
            last_price: Field::Absent,
            mark_price: Field::Absent,
            index_price: Field::Absent,
            usd_index_price: Field::Absent,
            bid1_price: Field::Absent,
            bid1_size: Field::Absent,
            ask1_price: Field::Absent,
            ask1_size: Field::Absent,
            prev_price24h: Field::Absent,
            prev_price1h: Field::Absent,
            high_price24h: Field::Absent,
            low_price24h: Field::Absent,
            price24h_pcnt: Field::Absent,
            volume24h: Field::Absent,
            turnover24h: Field::Absent,
            open_interest: Field::Absent,
            open_interest_value: Field::Absent,
            funding_rate: Field::Absent,
            next_funding_time: Field::Absent,
            funding_interval_hour: Field::Absent,
            funding_cap: Field::Absent,
            cur_pre_listing_phase: Field::Absent,
        }
    }

    /// Takes over what a delta says; what it does not say stays.
    pub fn update(&mut self, delta: Ticker) {
        self.last_price.update(delta.last_price);
        self.mark_price.update(delta.mark_price);
        self.index_price.update(delta.index_price);
        self.usd_index_price.update(delta.usd_index_price);
        self.bid1_price.update(delta.bid1_price);
        self.bid1_size.update(delta.bid1_size);
        self.ask1_price.update(delta.ask1_price);
        self.ask1_size.update(delta.ask1_size);
        self.prev_price24h.update(delta.prev_price24h);
        self.prev_price1h.update(delta.prev_price1h);
        self.high_price24h.update(delta.high_price24h);
        self.low_price24h.update(delta.low_price24h);
        self.price24h_pcnt.update(delta.price24h_pcnt);
        self.volume24h.update(delta.volume24h);
        self.turnover24h.update(delta.turnover24h);
        self.open_interest.update(delta.open_interest);
        self.open_interest_value.update(delta.open_interest_value);
        self.funding_rate.update(delta.funding_rate);
        self.next_funding_time.update(delta.next_funding_time);
        self.funding_interval_hour
            .update(delta.funding_interval_hour);
        self.funding_cap.update(delta.funding_cap);
        self.cur_pre_listing_phase
            .update(delta.cur_pre_listing_phase);
    }
}

/// One row of `/v5/market/recent-trade`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentTrade {
    /// Identity of the trade.
    #[serde(with = "need")]
    pub exec_id: String,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Price.
    #[serde(with = "need")]
    pub price: Price,
    /// Amount.
    #[serde(with = "need")]
    pub size: Qty,
    /// Side of the taker.
    pub side: WireSide,
    /// When.
    #[serde(with = "need")]
    pub time: Timestamp,
    /// Whether it was agreed on elsewhere.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_block_trade: Option<bool>,
    /// Number across books and trades.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// One row of `/v5/market/funding/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingRow {
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Rate that was paid by longs to shorts.
    #[serde(with = "seen")]
    pub funding_rate: Rate,
    /// When it was paid.
    #[serde(with = "need")]
    pub funding_rate_timestamp: Timestamp,
}

/// Highest price for buying and lowest for selling, from REST or a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceLimit {
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Highest price of a buy order.
    #[serde(default, with = "opt")]
    pub buy_lmt: Option<Price>,
    /// Lowest price of a sell order.
    #[serde(default, with = "opt")]
    pub sell_lmt: Option<Price>,
    /// The venue's time; only over REST.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub ts: Option<Timestamp>,
}

/// One row of `/v5/market/open-interest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenInterestRow {
    /// Open interest, in the base coin.
    #[serde(with = "seen")]
    pub open_interest: Qty,
    /// When.
    #[serde(with = "need")]
    pub timestamp: Timestamp,
}

/// One tier of `/v5/market/risk-limit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RiskLimitRow {
    /// Number of the tier.
    #[serde(with = "int")]
    pub id: i64,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Largest position of the tier.
    #[serde(with = "seen")]
    pub risk_limit_value: Money,
    /// Maintenance margin, in percent or as a fraction as the venue gives it.
    #[serde(default, with = "seen_opt")]
    pub maintenance_margin: Option<Decimal>,
    /// Initial margin, in percent or as a fraction as the venue gives it.
    #[serde(default, with = "seen_opt")]
    pub initial_margin: Option<Decimal>,
    /// Largest leverage of the tier.
    #[serde(default, with = "seen_opt")]
    pub max_leverage: Option<Decimal>,
}
