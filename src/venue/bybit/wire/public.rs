//! Frames of the public sockets.
//!
//! A frame is a control frame or data of one topic. Which books are in step and which tickers
//! are whole is for the reader of the frames to keep (Bybit v5, "websocket stream, public").

use serde::{Deserialize, Serialize};

use super::control::Control;
use super::error::{WireError, from_part};
use super::head::{Head, bare_pong};
use super::market::{BookRow, PriceLimit, Ticker};
use super::names::{WireSide, interval_of};
use super::number::{flag, int, int_opt, need, opt, seen};
use crate::domain::{Bar, Interval, Price, Qty, Symbol, Timestamp};
use rust_decimal::Decimal;

/// One frame of a public socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicFrame {
    /// Order book.
    Book(BookFrame),
    /// Candles.
    Klines(KlineFrame),
    /// Ticker.
    Ticker(Box<TickerFrame>),
    /// Trades.
    Trades(TradesFrame),
    /// Liquidations.
    Liquidations(LiquidationsFrame),
    /// Price limits.
    PriceLimit(PriceLimit),
    /// Something about the connection.
    Control(Control),
    /// Data of a topic that this program does not read.
    Other {
        /// The topic.
        topic: String,
    },
}

/// Snapshot or change of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookFrame {
    /// Levels of the topic; update numbers of different depths have nothing to do with another.
    pub depth: u32,
    /// Whether it replaces the book, whatever its number.
    pub is_snapshot: bool,
    /// The venue's time.
    pub ts: Option<Timestamp>,
    /// Time of the matching engine; comparable with the times of trades.
    pub cts: Option<Timestamp>,
    /// Levels and numbers.
    pub book: BookRow,
}

/// Candles of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KlineFrame {
    /// Symbol.
    pub symbol: Symbol,
    /// Interval; `None` for weeks and months.
    pub interval: Option<Interval>,
    /// The venue's time.
    pub ts: Option<Timestamp>,
    /// Candles; a later one replaces an earlier one with the same start.
    pub candles: Vec<Candle>,
}

/// One candle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    /// Open time.
    #[serde(with = "int")]
    pub start: Timestamp,
    /// Last millisecond of the interval.
    #[serde(with = "int")]
    pub end: Timestamp,
    /// Name of the interval.
    #[serde(with = "need")]
    pub interval: String,
    /// First price.
    #[serde(with = "need")]
    pub open: Price,
    /// Last price.
    #[serde(with = "need")]
    pub close: Price,
    /// Highest price.
    #[serde(with = "need")]
    pub high: Price,
    /// Lowest price.
    #[serde(with = "need")]
    pub low: Price,
    /// Amount traded, in the base coin.
    #[serde(with = "seen")]
    pub volume: Qty,
    /// Value traded, in the quote coin.
    #[serde(with = "seen")]
    pub turnover: Decimal,
    /// Whether the candle is closed; may come twice.
    pub confirm: bool,
    /// Time of the last trade in it.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

impl Candle {
    /// The candle as a bar.
    #[must_use]
    pub const fn bar(&self) -> Bar {
        Bar {
            open_time: self.start,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
        }
    }
}

/// A ticker, whole or what changed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickerFrame {
    /// Whether it is whole. Spot sends nothing else.
    pub is_snapshot: bool,
    /// The venue's time.
    pub ts: Option<Timestamp>,
    /// Order of the frames of this symbol.
    pub cs: Option<u64>,
    /// The values.
    pub ticker: Ticker,
}

/// Trades of one symbol, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradesFrame {
    /// Symbol.
    pub symbol: Symbol,
    /// The venue's time.
    pub ts: Option<Timestamp>,
    /// The trades; one match may span several frames.
    pub trades: Vec<TradeRow>,
}

/// One trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// When.
    #[serde(rename = "T", with = "int")]
    pub at: Timestamp,
    /// Symbol.
    #[serde(rename = "s", with = "need")]
    pub symbol: Symbol,
    /// Side of the taker.
    #[serde(rename = "S")]
    pub side: WireSide,
    /// Amount.
    #[serde(rename = "v", with = "need")]
    pub qty: Qty,
    /// Price.
    #[serde(rename = "p", with = "need")]
    pub price: Price,
    /// Direction of the price; linear only.
    #[serde(
        rename = "L",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub tick_direction: Option<String>,
    /// Identity of the trade: time, price and `seq` are shared by several.
    #[serde(rename = "i", with = "need")]
    pub id: String,
    /// Whether it was agreed on elsewhere.
    #[serde(
        rename = "BT",
        default,
        with = "flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_block_trade: Option<bool>,
    /// Whether a retail price improvement order took part.
    #[serde(
        rename = "RPI",
        default,
        with = "flag",
        skip_serializing_if = "Option::is_none"
    )]
    pub is_rpi: Option<bool>,
    /// Number across books and trades.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Liquidations of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiquidationsFrame {
    /// The venue's time.
    pub ts: Option<Timestamp>,
    /// The liquidations.
    pub rows: Vec<Liquidation>,
}

/// One liquidation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Liquidation {
    /// When.
    #[serde(rename = "T", with = "int")]
    pub at: Timestamp,
    /// Symbol.
    #[serde(rename = "s", with = "need")]
    pub symbol: Symbol,
    /// Side of the position that was liquidated: `Buy` is a long.
    #[serde(rename = "S")]
    pub side: WireSide,
    /// Amount.
    #[serde(rename = "v", with = "need")]
    pub qty: Qty,
    /// Price of bankruptcy.
    #[serde(rename = "p", with = "need")]
    pub price: Price,
}

/// A frame of a public socket as a venue writes it.
#[derive(Debug, Clone, Serialize)]
pub struct PublicPush<'a, T> {
    /// Topic.
    pub topic: &'a str,
    /// `snapshot` or `delta`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The venue's time.
    pub ts: Timestamp,
    /// Rows.
    pub data: T,
    /// Books: time of the matching engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cts: Option<Timestamp>,
    /// Tickers: order of the frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cs: Option<u64>,
}

/// Reads one frame of a public socket.
///
/// # Errors
///
/// When the text is not JSON, neither data nor a control frame, or when a field of a topic that
/// is read cannot be used.
pub fn parse_public(text: &str) -> Result<PublicFrame, WireError> {
    if let Some(pong) = bare_pong(text) {
        return Ok(PublicFrame::Control(pong));
    }
    let mut head = Head::parse(text)?;
    if let Some(pong) = head.pong() {
        return Ok(PublicFrame::Control(pong));
    }
    match head.topic.take() {
        Some(topic) => data_of(topic, &head),
        None => head
            .answer()
            .map(PublicFrame::Control)
            .ok_or_else(|| WireError::unclassified(text)),
    }
}

fn data_of(topic: String, head: &Head<'_>) -> Result<PublicFrame, WireError> {
    let parts: Vec<&str> = topic.split('.').collect();
    let data = head.data.map_or("null", |data| data.get());
    let ts = head.ts;
    Ok(match *parts.as_slice() {
        ["orderbook", depth, _] if let Ok(depth) = depth.parse() => PublicFrame::Book(BookFrame {
            depth,
            is_snapshot: is_snapshot(head)?,
            ts,
            cts: head.cts,
            book: from_part("data", data)?,
        }),
        ["kline", interval, symbol] => PublicFrame::Klines(KlineFrame {
            symbol: symbol_of(symbol)?,
            interval: interval_of(interval),
            ts,
            candles: from_part("data", data)?,
        }),
        ["tickers", _] => PublicFrame::Ticker(Box::new(TickerFrame {
            is_snapshot: is_snapshot(head)?,
            ts,
            cs: head.cs,
            ticker: from_part("data", data)?,
        })),
        ["publicTrade", symbol] => PublicFrame::Trades(TradesFrame {
            symbol: symbol_of(symbol)?,
            ts,
            trades: from_part("data", data)?,
        }),
        ["allLiquidation", _] => PublicFrame::Liquidations(LiquidationsFrame {
            ts,
            rows: from_part("data", data)?,
        }),
        ["priceLimit", _] => {
            let mut limit: PriceLimit = from_part("data", data)?;
            limit.ts = limit.ts.or(ts);
            PublicFrame::PriceLimit(limit)
        }
        _ => PublicFrame::Other { topic },
    })
}

/// A frame that says neither must not be guessed about: a change would be taken for the whole.
fn is_snapshot(head: &Head<'_>) -> Result<bool, WireError> {
    match head.kind.as_deref() {
        Some("snapshot") => Ok(true),
        Some("delta") => Ok(false),
        other => Err(WireError::field(
            "type",
            other.unwrap_or_default(),
            &format!(
                "{:?} is neither snapshot nor delta",
                other.unwrap_or_default()
            ),
        )),
    }
}

fn symbol_of(text: &str) -> Result<Symbol, WireError> {
    Symbol::new(text).map_err(|error| WireError::field("topic", text, &error.to_string()))
}
