//! What the public sees of one instrument: prices, bars, trades, book.
//!
//! It is fed by the same events as the matcher and knows no orders. Bars have a file of their own
//! (`bars`). A market without a recorded
//! book is given a small one around its quote, else its last price: [`LADDER`] levels a side, one
//! tick apart, with amounts that repeat. That book is only shown; the matcher does not trade
//! against it.

use std::collections::{BTreeMap, VecDeque};

use super::bars::Series;
use crate::domain::{
    BookUpdate, Instrument, Interval, Level, MarketEvent, Price, PublicTrade, Qty, Quote, Rate,
    Side, Timestamp,
};

/// Levels a side of a book that is made up.
pub(super) const LADDER: usize = 25;
/// Trades kept.
const TRADES_KEPT: usize = 1_000;
/// Fundings kept.
const FUNDINGS_KEPT: usize = 1_000;

/// A trade of others, with its name.
#[derive(Debug, Clone)]
pub(super) struct Print {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) price: Price,
    pub(super) qty: Qty,
    pub(super) taker: Side,
    pub(super) seq: u64,
    /// `PlusTick`, `MinusTick` and so on.
    pub(super) tick: &'static str,
}

/// A book as it was told.
#[derive(Debug, Clone, Default)]
struct Shown {
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
    last_id: u64,
    valid: bool,
}

/// One instrument's market.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) status: String,
    pub(super) last: Option<Price>,
    pub(super) mark: Option<Price>,
    pub(super) tick: &'static str,
    pub(super) quote: Option<Quote>,
    pub(super) bars: BTreeMap<Interval, Series>,
    pub(super) trades: VecDeque<Print>,
    pub(super) fundings: VecDeque<(Timestamp, Rate)>,
    /// Number and time of the newest event.
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    book: Shown,
}

impl View {
    /// A market that has not said anything.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            status: "Trading".to_owned(),
            last: None,
            mark: None,
            tick: "ZeroPlusTick",
            quote: None,
            bars: BTreeMap::new(),
            trades: VecDeque::new(),
            fundings: VecDeque::new(),
            seq: 0,
            at,
            book: Shown::default(),
        }
    }

    /// Takes an event.
    pub(super) fn apply(&mut self, at: Timestamp, seq: u64, event: &MarketEvent, id: String) {
        self.at = at;
        self.seq = seq;
        match event {
            MarketEvent::BarOpen { price, .. } => {
                self.open_bars(at, *price);
                self.print(*price);
            }
            MarketEvent::Bar(bar) => self.take_bar(at, bar),
            MarketEvent::Quote(quote) => self.quote = Some(*quote),
            MarketEvent::Book(update) => self.book.apply(update),
            MarketEvent::Trade(trade) => self.take_trade(at, seq, trade, id),
            MarketEvent::Mark { price, .. } => self.mark = Some(*price),
            MarketEvent::Funding(funding) => {
                self.fundings.push_back((at, funding.rate));
                while FUNDINGS_KEPT < self.fundings.len() {
                    self.fundings.pop_front();
                }
            }
        }
    }

    /// Notes the newest price.
    pub(super) fn print(&mut self, price: Price) {
        let zero = matches!(self.tick, "PlusTick" | "ZeroPlusTick");
        self.tick = match self.last.map(|last| last.cmp(&price)) {
            Some(std::cmp::Ordering::Less) => "PlusTick",
            Some(std::cmp::Ordering::Greater) => "MinusTick",
            _ if zero => "ZeroPlusTick",
            _ => "ZeroMinusTick",
        };
        self.last = Some(price);
    }

    fn take_trade(&mut self, at: Timestamp, seq: u64, trade: &PublicTrade, id: String) {
        self.print(trade.price);
        self.form_bars(at, trade.price, trade.qty);
        self.trades.push_back(Print {
            id,
            at,
            price: trade.price,
            qty: trade.qty,
            taker: trade.taker,
            seq,
            tick: self.tick,
        });
        while TRADES_KEPT < self.trades.len() {
            self.trades.pop_front();
        }
    }

    /// Up to `depth` levels a side, best first: bids, asks.
    pub(super) fn levels(&self, rules: &Instrument, depth: usize) -> (Vec<Level>, Vec<Level>) {
        if self.book.is_usable() {
            let level = |(price, qty): (&Price, &Qty)| Level {
                price: *price,
                qty: *qty,
            };
            return (
                self.book.bids.iter().rev().take(depth).map(level).collect(),
                self.book.asks.iter().take(depth).map(level).collect(),
            );
        }
        self.made_up(rules, depth.min(LADDER))
    }

    /// A book around the quote, else around the last price.
    fn made_up(&self, rules: &Instrument, depth: usize) -> (Vec<Level>, Vec<Level>) {
        let quote = self
            .quote
            .filter(|q| !q.bid.is_zero() && !q.ask.is_zero() && q.bid < q.ask);
        let (bid, ask) = match (quote, self.last) {
            (Some(quote), _) => (quote.bid, quote.ask),
            (None, Some(last)) => {
                let bid = last.floor_to(rules.tick);
                (bid, moved(bid, rules.tick, 1).unwrap_or(bid))
            }
            (None, None) => return (Vec::new(), Vec::new()),
        };
        let unit = rules.min_qty.max(rules.qty_step);
        let level = |price: Option<Price>, at: usize, top: Option<Qty>| {
            let price = price.filter(|p| !p.is_zero())?;
            // Amounts repeat every seven levels: 10, 13, 16 ... of the smallest order.
            let n = i128::try_from(at % 7).unwrap_or(0) * 3 + 10;
            let qty = Qty::from_raw(unit.raw().saturating_mul(n))?;
            let qty = top.filter(|_| at == 0).unwrap_or(qty);
            Some(Level { price, qty })
        };
        let side = |from: Price, sign: i128, top: Option<Qty>| {
            let at = |k: usize| moved(from, rules.tick, sign * i128::try_from(k).unwrap_or(0));
            (0..depth).filter_map(|k| level(at(k), k, top)).collect()
        };
        (
            side(bid, -1, quote.map(|q| q.bid_qty)),
            side(ask, 1, quote.map(|q| q.ask_qty)),
        )
    }

    /// The whole recorded book as a snapshot; `None` while there is none.
    pub(super) fn snapshot(&self, instrument: crate::domain::InstrumentId) -> Option<BookUpdate> {
        let side = |levels: &BTreeMap<Price, Qty>| {
            let level = |(price, qty): (&Price, &Qty)| Level {
                price: *price,
                qty: *qty,
            };
            levels.iter().map(level).collect()
        };
        self.book.valid.then(|| BookUpdate {
            instrument,
            snapshot: true,
            update_id: self.book.last_id,
            bids: side(&self.book.bids),
            asks: side(&self.book.asks),
        })
    }
}

impl Shown {
    fn apply(&mut self, update: &BookUpdate) {
        if update.snapshot {
            self.bids.clear();
            self.asks.clear();
            self.valid = true;
        } else if self.last_id.checked_add(1) != Some(update.update_id) {
            self.valid = false;
        }
        if !self.valid {
            return;
        }
        self.last_id = update.update_id;
        for (side, levels) in [
            (&mut self.bids, &update.bids),
            (&mut self.asks, &update.asks),
        ] {
            for level in levels {
                if level.qty.is_zero() {
                    side.remove(&level.price);
                } else {
                    side.insert(level.price, level.qty);
                }
            }
        }
    }

    fn is_usable(&self) -> bool {
        match (self.bids.keys().next_back(), self.asks.keys().next()) {
            (Some(bid), Some(ask)) => self.valid && bid < ask,
            _ => false,
        }
    }
}

/// A price some ticks away.
fn moved(price: Price, tick: Price, ticks: i128) -> Option<Price> {
    Price::from_raw(price.raw() + tick.raw() * ticks)
}
