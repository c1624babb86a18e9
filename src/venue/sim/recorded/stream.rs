//! Book and trade messages in the shape of Bybit's v5 public stream, one JSON object a line.
//!
//! Messages stay in the order in which they were received. Their times are the venue's, which
//! may run back by some milliseconds from one topic to the other; such a message gets the time
//! of the one before it, so that time never runs backwards. Update numbers are passed on
//! unjudged: `market::Book` judges them.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::Path;

use serde::Deserialize;

use super::bars::label_of;
use super::lines::Lines;
use super::number;
use crate::domain::{
    BookUpdate, InstrumentId, Level, MarketEvent, NumberError, PublicTrade, Side, Symbol, Timestamp,
};
use crate::venue::feed::{Feed, FeedError, FeedItem, FeedProblem};

/// How far back a message may lie before the file counts as unsorted. Recordings of two topics
/// were seen to run back by 31 ms.
const SLACK_MS: i64 = 5_000;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    ts: i64,
}

#[derive(Deserialize)]
struct BookMessage<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    data: BookData<'a>,
}

#[derive(Deserialize)]
struct BookData<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(borrow)]
    b: Vec<[Cow<'a, str>; 2]>,
    #[serde(borrow)]
    a: Vec<[Cow<'a, str>; 2]>,
    u: u64,
}

#[derive(Deserialize)]
struct TradeMessage<'a> {
    #[serde(borrow)]
    data: Vec<TradeData<'a>>,
}

#[derive(Deserialize)]
struct TradeData<'a> {
    #[serde(borrow, rename = "s")]
    symbol: Cow<'a, str>,
    #[serde(borrow, rename = "S")]
    side: Cow<'a, str>,
    #[serde(borrow, rename = "p")]
    price: Cow<'a, str>,
    #[serde(borrow, rename = "v")]
    size: Cow<'a, str>,
}

/// A file of book and trade messages as a feed.
#[derive(Debug)]
pub struct StreamFile {
    lines: Lines,
    instrument: InstrumentId,
    symbol: Symbol,
    now: Option<Timestamp>,
    waiting: VecDeque<MarketEvent>,
    has_ended: bool,
}

impl StreamFile {
    /// Opens a file whose messages are about `symbol`.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn open(path: &Path, instrument: InstrumentId, symbol: Symbol) -> Result<Self, FeedError> {
        Ok(Self {
            lines: Lines::open(path)?,
            instrument,
            symbol,
            now: None,
            waiting: VecDeque::new(),
            has_ended: false,
        })
    }

    fn read(&mut self) -> Result<Option<(Timestamp, MarketEvent)>, FeedError> {
        loop {
            if let (Some(at), Some(event)) = (self.now, self.waiting.pop_front()) {
                return Ok(Some((at, event)));
            }
            if !self.lines.advance()? {
                return Ok(None);
            }
            let ts = self.parse().map_err(|problem| self.lines.error(problem))?;
            let before = self.now.unwrap_or(ts);
            if ts.plus_millis(SLACK_MS) < before {
                return Err(self.lines.error(FeedProblem::Unsorted { before, at: ts }));
            }
            self.now = Some(ts.max(before));
        }
    }

    /// Puts the events of the current line into `waiting`; gives the time of its message.
    fn parse(&mut self) -> Result<Timestamp, FeedProblem> {
        let line = self.lines.line();
        let head: Head<'_> = json(line)?;
        if head.topic.starts_with("orderbook.") {
            let message: BookMessage<'_> = json(line)?;
            same_symbol(&message.data.s, &self.symbol)?;
            let snapshot = match message.kind.as_ref() {
                "snapshot" => true,
                "delta" => false,
                other => {
                    let text = format!("type {other:?} is neither snapshot nor delta");
                    return Err(FeedProblem::BadMessage(text));
                }
            };
            let update = BookUpdate {
                instrument: self.instrument,
                snapshot,
                update_id: message.data.u,
                bids: levels(&message.data.b)?,
                asks: levels(&message.data.a)?,
            };
            self.waiting.push_back(MarketEvent::Book(update));
        } else if head.topic.starts_with("publicTrade.") {
            let message: TradeMessage<'_> = json(line)?;
            for trade in &message.data {
                same_symbol(&trade.symbol, &self.symbol)?;
                self.waiting
                    .push_back(public_trade(self.instrument, trade)?);
            }
        } else {
            let text = format!("topic {:?} is not known", head.topic);
            return Err(FeedProblem::BadMessage(text));
        }
        Ok(Timestamp::from_millis(head.ts))
    }
}

impl Feed for StreamFile {
    fn next(&mut self) -> Option<FeedItem> {
        if self.has_ended {
            return None;
        }
        let item = self.read().transpose();
        self.has_ended = !matches!(item, Some(Ok(_)));
        item
    }

    fn label(&self) -> String {
        label_of(self.lines.path())
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
}

fn json<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, FeedProblem> {
    serde_json::from_slice(line).map_err(|error| FeedProblem::BadMessage(error.to_string()))
}

fn same_symbol(found: &str, expected: &Symbol) -> Result<(), FeedProblem> {
    if found == expected.as_str() {
        return Ok(());
    }
    Err(FeedProblem::WrongSymbol {
        found: found.chars().take(40).collect(),
        expected: expected.to_string(),
    })
}

fn levels(rows: &[[Cow<'_, str>; 2]]) -> Result<Vec<Level>, FeedProblem> {
    let bad = |column| move |source: NumberError| FeedProblem::BadNumber { column, source };
    rows.iter()
        .map(|[price, qty]| {
            Ok(Level {
                price: number::price(price.as_bytes()).map_err(bad("price"))?,
                qty: number::qty(qty.as_bytes()).map_err(bad("size"))?,
            })
        })
        .collect()
}

fn public_trade(
    instrument: InstrumentId,
    trade: &TradeData<'_>,
) -> Result<MarketEvent, FeedProblem> {
    let bad = |column| move |source: NumberError| FeedProblem::BadNumber { column, source };
    let taker = match trade.side.as_ref() {
        "Buy" => Side::Buy,
        "Sell" => Side::Sell,
        other => return Err(FeedProblem::BadSide(other.to_owned())),
    };
    Ok(MarketEvent::Trade(PublicTrade {
        instrument,
        price: number::price(trade.price.as_bytes()).map_err(bad("price"))?,
        qty: number::qty(trade.size.as_bytes()).map_err(bad("size"))?,
        taker,
    }))
}
