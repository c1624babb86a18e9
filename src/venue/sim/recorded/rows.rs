//! Funding, quote and trade files: one row an event.

use std::path::Path;

use super::bars::label_of;
use super::lines::{Columns, Lines};
use super::number;
use crate::domain::{
    Funding, InstrumentId, MarketEvent, NumberError, PublicTrade, Quote, Side, Timestamp,
};
use crate::venue::feed::{Feed, FeedError, FeedItem, FeedProblem};

/// What the rows of a file are, and by that which columns it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// `ts_ms,funding_rate`: a payment due at that moment.
    Funding,
    /// `ts_ms,bid,bid_qty,ask,ask_qty`.
    Quotes,
    /// `ts_ms,price,size,taker_side`; the side is `Buy` or `Sell`.
    Trades,
}

/// The place of each kind's columns.
#[derive(Debug)]
enum Layout {
    Funding(Columns<2>),
    Quotes(Columns<5>),
    Trades(Columns<4>),
}

const TIME: &[&str] = &["ts_ms", "ts"];

/// A file of funding payments, quotes or trades as a feed. Times never run backwards.
#[derive(Debug)]
pub struct RowFeed {
    lines: Lines,
    layout: Layout,
    instrument: InstrumentId,
    before: Option<Timestamp>,
    has_ended: bool,
}

impl RowFeed {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is empty, or lacks a column. A file with a header and no
    /// row is a feed without events: nothing may have happened.
    pub fn open(path: &Path, kind: RowKind, instrument: InstrumentId) -> Result<Self, FeedError> {
        let mut lines = Lines::open(path)?;
        let layout = match kind {
            RowKind::Funding => {
                Layout::Funding(Columns::read(&mut lines, &[TIME, &["funding_rate"]])?)
            }
            RowKind::Quotes => Layout::Quotes(Columns::read(
                &mut lines,
                &[TIME, &["bid"], &["bid_qty"], &["ask"], &["ask_qty"]],
            )?),
            RowKind::Trades => Layout::Trades(Columns::read(
                &mut lines,
                &[TIME, &["price"], &["size"], &["taker_side"]],
            )?),
        };
        Ok(Self {
            lines,
            layout,
            instrument,
            before: None,
            has_ended: false,
        })
    }

    fn read(&mut self) -> Result<Option<(Timestamp, MarketEvent)>, FeedError> {
        if !self.lines.advance()? {
            return Ok(None);
        }
        let lines = &self.lines;
        let (time, event) = match &self.layout {
            Layout::Funding(columns) => {
                let fields = columns.split(lines)?;
                (fields[0], funding(self.instrument, &fields))
            }
            Layout::Quotes(columns) => {
                let fields = columns.split(lines)?;
                (fields[0], quote(self.instrument, &fields))
            }
            Layout::Trades(columns) => {
                let fields = columns.split(lines)?;
                (fields[0], trade(self.instrument, &fields))
            }
        };
        let at = number::time(time).ok_or_else(|| {
            lines.error(FeedProblem::BadTime {
                column: TIME[0],
                text: String::from_utf8_lossy(time).into_owned(),
            })
        })?;
        let event = event.map_err(|problem| lines.error(problem))?;
        if let Some(before) = self.before
            && at < before
        {
            return Err(lines.error(FeedProblem::Unsorted { before, at }));
        }
        self.before = Some(at);
        Ok(Some((at, event)))
    }
}

impl Feed for RowFeed {
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

/// Names the column of a number that cannot be read.
fn named<T>(column: &'static str, read: Result<T, NumberError>) -> Result<T, FeedProblem> {
    read.map_err(|source| FeedProblem::BadNumber { column, source })
}

fn funding(instrument: InstrumentId, fields: &[&[u8]; 2]) -> Result<MarketEvent, FeedProblem> {
    let rate = named("funding_rate", number::rate(fields[1]))?;
    Ok(MarketEvent::Funding(Funding { instrument, rate }))
}

fn quote(instrument: InstrumentId, fields: &[&[u8]; 5]) -> Result<MarketEvent, FeedProblem> {
    let quote = Quote {
        instrument,
        bid: named("bid", number::price(fields[1]))?,
        bid_qty: named("bid_qty", number::qty(fields[2]))?,
        ask: named("ask", number::price(fields[3]))?,
        ask_qty: named("ask_qty", number::qty(fields[4]))?,
    };
    if quote.ask <= quote.bid {
        return Err(FeedProblem::CrossedQuote {
            bid: quote.bid,
            ask: quote.ask,
        });
    }
    Ok(MarketEvent::Quote(quote))
}

fn trade(instrument: InstrumentId, fields: &[&[u8]; 4]) -> Result<MarketEvent, FeedProblem> {
    let taker = match fields[3] {
        b"Buy" | b"buy" => Side::Buy,
        b"Sell" | b"sell" => Side::Sell,
        other => {
            let text = String::from_utf8_lossy(other).into_owned();
            return Err(FeedProblem::BadSide(text));
        }
    };
    Ok(MarketEvent::Trade(PublicTrade {
        instrument,
        price: named("price", number::price(fields[1]))?,
        qty: named("size", number::volume(fields[2]))?,
        taker,
    }))
}
