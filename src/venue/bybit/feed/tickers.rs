//! Prices and funding of one instrument, merged from its ticker frames.
//!
//! Linear sends one snapshot and then only what changed: absent means unchanged, `""` means
//! there is none. Spot sends snapshots only, without bid and ask (Bybit v5, tickers). Frames
//! that are older than what is known are dropped.

use std::borrow::Cow;
use std::str::FromStr;

use serde::Deserialize;

use super::error::FrameProblem;
use super::frame::FrameKind;
use super::number;
use super::slow::Text;
use crate::domain::{Level, Money, NumberError, Price, Qty, Rate, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TickerData<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    last_price: Patch<'a>,
    #[serde(borrow, default)]
    mark_price: Patch<'a>,
    #[serde(borrow, default)]
    index_price: Patch<'a>,
    #[serde(borrow, default)]
    bid1_price: Patch<'a>,
    #[serde(borrow, default)]
    bid1_size: Patch<'a>,
    #[serde(borrow, default)]
    ask1_price: Patch<'a>,
    #[serde(borrow, default)]
    ask1_size: Patch<'a>,
    #[serde(borrow, default)]
    funding_rate: Patch<'a>,
    #[serde(borrow, default)]
    next_funding_time: Patch<'a>,
    #[serde(borrow, default)]
    funding_interval_hour: Patch<'a>,
    #[serde(borrow, default)]
    open_interest: Patch<'a>,
    #[serde(borrow, default)]
    price24h_pcnt: Patch<'a>,
    #[serde(borrow, default)]
    high_price24h: Patch<'a>,
    #[serde(borrow, default)]
    low_price24h: Patch<'a>,
    #[serde(borrow, default)]
    volume24h: Patch<'a>,
    #[serde(borrow, default)]
    turnover24h: Patch<'a>,
}

/// A field of a ticker: `None` is unchanged, an empty text is "there is none".
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Patch<'a>(#[serde(borrow)] Option<Text<'a>>);

impl Patch<'_> {
    /// Sets `slot` where the field is there.
    fn set<T>(
        &self,
        slot: &mut Option<T>,
        read: impl FnOnce(&str) -> Result<T, FrameProblem>,
    ) -> Result<bool, FrameProblem> {
        match self.0.as_ref().map(|text| text.0.as_ref()) {
            None => return Ok(false),
            Some("") => *slot = None,
            Some(text) => *slot = Some(read(text)?),
        }
        Ok(true)
    }
}

/// What the newest ticker says. Missing is `None`, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickerFacts {
    /// Price of the last trade.
    pub last: Option<Price>,
    /// Mark price: what positions are valued and liquidated at. Linear only.
    pub mark: Option<Price>,
    /// Index price: an average over other venues. Linear only.
    pub index: Option<Price>,
    /// Best bid, with or without its amount. Linear only.
    pub bid: Option<Price>,
    /// Amount at the bid.
    pub bid_qty: Option<Qty>,
    /// Best ask. Linear only.
    pub ask: Option<Price>,
    /// Amount at the ask.
    pub ask_qty: Option<Qty>,
    /// Rate of the next funding payment; longs pay when it is positive. Perpetuals only.
    pub funding_rate: Option<Rate>,
    /// When the next funding payment is due.
    pub next_funding: Option<Timestamp>,
    /// Hours between funding payments.
    pub funding_hours: Option<u32>,
    /// Contracts that are open, in the base coin.
    pub open_interest: Option<Qty>,
    /// Change over 24 hours: 0.0123 is 1.23 %.
    pub change_24h: Option<Rate>,
    /// Highest price of 24 hours.
    pub high_24h: Option<Price>,
    /// Lowest price of 24 hours.
    pub low_24h: Option<Price>,
    /// Amount traded in 24 hours, in the base coin.
    pub volume_24h: Option<Qty>,
    /// Value traded in 24 hours, in the quote coin.
    pub turnover_24h: Option<Money>,
    /// When the newest frame arrived.
    pub seen: Timestamp,
    /// When the venue made it.
    pub made: Timestamp,
}

impl TickerFacts {
    /// Best bid and ask with their amounts, when all are known and the bid is below the ask.
    #[must_use]
    pub fn best(&self) -> Option<(Level, Level)> {
        let bid = Level {
            price: self.bid?,
            qty: self.bid_qty?,
        };
        let ask = Level {
            price: self.ask?,
            qty: self.ask_qty?,
        };
        (bid.price < ask.price).then_some((bid, ask))
    }
}

/// A frame of a ticker's topic.
#[derive(Debug, Clone, Copy)]
pub struct TickerFrame<'a> {
    /// Whether it replaces what is known.
    pub kind: FrameKind,
    /// When the venue made it.
    pub ts: Timestamp,
    /// Its place among the frames of the topic.
    pub cs: Option<u64>,
    /// Its data.
    pub data: &'a [u8],
}

/// What a ticker frame did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickerStep {
    /// The facts are new.
    Taken(TickerNews),
    /// Older than what is known. Changes nothing.
    Old,
    /// A change before the first snapshot. Changes nothing.
    Unsynced,
}

/// What is new in the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickerNews {
    /// The frame told a mark price.
    pub mark: bool,
    /// The frame told something about bid or ask.
    pub best: bool,
    /// A funding payment has become due since the frame before: the rate that held until then.
    pub funding: Option<Rate>,
}

/// Ticker of one instrument.
#[derive(Debug, Clone, Default)]
pub struct Ticker {
    facts: TickerFacts,
    newest_cs: Option<u64>,
    newest_ts: Option<Timestamp>,
    is_synced: bool,
}

impl Ticker {
    /// Takes a frame that arrived at `at`.
    ///
    /// # Errors
    ///
    /// When a field is not what it should be; the facts stay as they were.
    pub fn take(
        &mut self,
        at: Timestamp,
        frame: &TickerFrame<'_>,
        symbol: &str,
    ) -> Result<TickerStep, FrameProblem> {
        let data: TickerData<'_> =
            serde_json::from_slice(frame.data).map_err(|error| FrameProblem::data(&error))?;
        if data.symbol != symbol {
            let expected = "the symbol of its topic";
            return Err(FrameProblem::value("symbol", &data.symbol, expected));
        }
        let is_snapshot = frame.kind == FrameKind::Snapshot;
        if self.is_old(frame) {
            return Ok(TickerStep::Old);
        }
        if !is_snapshot && !self.is_synced {
            return Ok(TickerStep::Unsynced);
        }
        let mut facts = if is_snapshot {
            TickerFacts::default()
        } else {
            self.facts
        };
        let mut news = merge(&mut facts, &data)?;
        (facts.seen, facts.made) = (at, frame.ts);
        if self.is_synced {
            news.funding = due_funding(&self.facts, &facts);
        }
        self.facts = facts;
        self.newest_ts = Some(frame.ts);
        self.newest_cs = frame.cs.or(self.newest_cs);
        self.is_synced = true;
        Ok(TickerStep::Taken(news))
    }

    /// A snapshot may start the numbers anew, but not go back in time.
    fn is_old(&self, frame: &TickerFrame<'_>) -> bool {
        let goes_back = self.newest_ts.is_some_and(|newest| frame.ts < newest);
        match (self.newest_cs, frame.cs) {
            (Some(newest), Some(cs)) if frame.kind == FrameKind::Delta => {
                cs < newest || (cs == newest && goes_back)
            }
            _ => goes_back,
        }
    }

    /// The connection is gone: changes are of no use until the next snapshot. What is known stays
    /// known, with its age.
    pub fn on_down(&mut self) {
        self.is_synced = false;
    }

    /// What is known; `None` before the first snapshot.
    #[must_use]
    pub fn facts(&self) -> Option<&TickerFacts> {
        self.newest_ts.map(|_| &self.facts)
    }

    /// Whether changes can be applied.
    #[must_use]
    pub const fn is_synced(&self) -> bool {
        self.is_synced
    }
}

/// The rate of a payment that fell due between two frames: the next one has moved on in time.
fn due_funding(before: &TickerFacts, after: &TickerFacts) -> Option<Rate> {
    let (due, next) = (before.next_funding?, after.next_funding?);
    (due < next && due <= after.made)
        .then_some(before.funding_rate)
        .flatten()
}

fn merge(facts: &mut TickerFacts, data: &TickerData<'_>) -> Result<TickerNews, FrameProblem> {
    let mark = data
        .mark_price
        .set(&mut facts.mark, |text| number::price("markPrice", text))?;
    data.last_price
        .set(&mut facts.last, |text| number::price("lastPrice", text))?;
    data.index_price
        .set(&mut facts.index, |text| number::price("indexPrice", text))?;
    let best = [
        side("bid1Price", &data.bid1_price, &mut facts.bid)?,
        side("ask1Price", &data.ask1_price, &mut facts.ask)?,
        data.bid1_size
            .set(&mut facts.bid_qty, |text| number::qty("bid1Size", text))?,
        data.ask1_size
            .set(&mut facts.ask_qty, |text| number::qty("ask1Size", text))?,
    ];
    data.funding_rate
        .set(&mut facts.funding_rate, |text| plain("fundingRate", text))?;
    data.next_funding_time
        .set(&mut facts.next_funding, |text| {
            whole("nextFundingTime", text).map(Timestamp::from_millis)
        })?;
    data.funding_interval_hour
        .set(&mut facts.funding_hours, |text| {
            whole("fundingIntervalHour", text)
        })?;
    data.open_interest.set(&mut facts.open_interest, |text| {
        number::volume("openInterest", text)
    })?;
    data.price24h_pcnt
        .set(&mut facts.change_24h, |text| plain("price24hPcnt", text))?;
    let price = |field| move |text: &str| number::price(field, text);
    data.high_price24h
        .set(&mut facts.high_24h, price("highPrice24h"))?;
    data.low_price24h
        .set(&mut facts.low_24h, price("lowPrice24h"))?;
    data.volume24h.set(&mut facts.volume_24h, |text| {
        number::volume("volume24h", text)
    })?;
    data.turnover24h
        .set(&mut facts.turnover_24h, |text| plain("turnover24h", text))?;
    Ok(TickerNews {
        mark: mark && facts.mark.is_some(),
        best: best.contains(&true),
        funding: None,
    })
}

/// A best price. A side without orders may be told as `"0"`: then there is none.
fn side(
    field: &'static str,
    patch: &Patch<'_>,
    slot: &mut Option<Price>,
) -> Result<bool, FrameProblem> {
    let is_told = patch.set(slot, |text| plain(field, text))?;
    *slot = slot.filter(|price| !price.is_zero());
    Ok(is_told)
}

fn plain<T: FromStr<Err = NumberError>>(
    field: &'static str,
    text: &str,
) -> Result<T, FrameProblem> {
    text.parse()
        .map_err(|error| FrameProblem::number(field, error))
}

fn whole<T: FromStr>(field: &'static str, text: &str) -> Result<T, FrameProblem> {
    text.parse()
        .map_err(|_| FrameProblem::value(field, text, "a whole number"))
}
