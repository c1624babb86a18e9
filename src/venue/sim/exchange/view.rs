//! What the public sees of one instrument: prices, bars, trades, book.
//!
//! It is fed by the same events as the matcher and knows no orders. A market without a recorded
//! book is given a small one around its quote, else its last price: [`LADDER`] levels a side, one
//! tick apart, with amounts that repeat. That book is only shown; the matcher does not trade
//! against it.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::{
    Bar, BarEvent, BookUpdate, Instrument, Interval, Level, MarketEvent, Money, Price, PublicTrade,
    Qty, Quote, Rate, Side, Timestamp,
};

/// Levels a side of a book that is made up.
pub(super) const LADDER: usize = 25;
/// Closed bars kept per interval.
const BARS_KEPT: usize = 20_000;
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

/// Bars of one interval.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    pub(super) closed: VecDeque<Bar>,
    pub(super) open: Option<Bar>,
}

impl Series {
    /// All bars, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Bar> {
        self.open.iter().chain(self.closed.iter().rev())
    }
}

/// Sums of the last day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Day {
    pub(super) first: Option<Price>,
    pub(super) hour: Option<Price>,
    pub(super) high: Price,
    pub(super) low: Price,
    pub(super) volume: Qty,
    pub(super) turnover: Money,
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
    pub(super) day: Day,
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
            day: Day::default(),
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

    /// Finest interval that bars have come in.
    pub(super) fn finest(&self) -> Option<Interval> {
        self.bars.keys().next().copied()
    }

    /// Whether bars of `interval` count for triggers.
    pub(super) fn is_finest(&self, interval: Interval) -> bool {
        self.finest() == Some(interval)
    }

    fn print(&mut self, price: Price) {
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

    /// Opens the bars that begin now, of intervals that bars have come in.
    fn open_bars(&mut self, at: Timestamp, price: Price) {
        for (interval, series) in &mut self.bars {
            let is_next = series.closed.back().is_none_or(|bar| bar.open_time < at);
            if interval.is_on_grid(at) && is_next && series.open.is_none() {
                series.open = Some(Bar {
                    open_time: at,
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: Qty::ZERO,
                });
            }
        }
    }

    fn take_bar(&mut self, at: Timestamp, event: &BarEvent) {
        if event.bar.check(event.interval).is_err() {
            return;
        }
        let series = self.bars.entry(event.interval).or_default();
        let known = series.closed.back().map(|bar| bar.open_time);
        if known.is_some_and(|known| event.bar.open_time <= known) {
            return;
        }
        if event.confirmed {
            series.open = None;
            series.closed.push_back(event.bar);
            while BARS_KEPT < series.closed.len() {
                series.closed.pop_front();
            }
        } else {
            series.open = Some(event.bar);
        }
        if self.is_finest(event.interval) {
            self.print(event.bar.close);
            self.day = self.sums(at, event.interval);
        }
    }

    fn sums(&self, at: Timestamp, interval: Interval) -> Day {
        let mut day = Day::default();
        let Some(series) = self.bars.get(&interval) else {
            return day;
        };
        let since = at.plus_millis(-86_400_000);
        let hour = at.plus_millis(-3_600_000);
        for bar in series.newest_first() {
            if bar.open_time < since {
                break;
            }
            if hour <= bar.open_time {
                day.hour = Some(bar.open);
            }
            day.first = Some(bar.open);
            day.high = day.high.max(bar.high);
            day.low = if day.low.is_zero() {
                bar.low
            } else {
                day.low.min(bar.low)
            };
            day.volume += bar.volume;
            day.turnover += turnover(bar);
        }
        day
    }

    /// Bars of an interval, newest first: those that came, else made of finer ones.
    pub(super) fn bars_of(&self, interval: Interval) -> Vec<Bar> {
        if let Some(series) = self.bars.get(&interval) {
            return series.newest_first().copied().collect();
        }
        let finer = self
            .finest()
            .filter(|fine| *fine < interval && interval.millis() % fine.millis() == 0);
        let Some(series) = finer.and_then(|fine| self.bars.get(&fine)) else {
            return Vec::new();
        };
        let mut made: Vec<Bar> = Vec::new();
        for bar in series.newest_first() {
            let ms = bar.open_time.millis();
            let open_time = Timestamp::from_millis(ms - ms.rem_euclid(interval.millis()));
            match made.last_mut().filter(|last| last.open_time == open_time) {
                Some(last) => {
                    last.open = bar.open;
                    last.high = last.high.max(bar.high);
                    last.low = last.low.min(bar.low);
                    last.volume += bar.volume;
                }
                None => made.push(Bar { open_time, ..*bar }),
            }
        }
        made
    }

    /// Whether the bar of `interval` that holds `bar` ends with it.
    pub(super) fn closes(interval: Interval, fine: Interval, bar: &Bar) -> bool {
        interval.is_on_grid(bar.open_time.plus_millis(fine.millis()))
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

/// Turnover of a bar at its close: recordings do not carry the true one.
pub(super) fn turnover(bar: &Bar) -> Money {
    bar.close * bar.volume
}
