//! The generated market as a feed: one step of all symbols after the other, made on demand.

use std::collections::VecDeque;

use super::ladder::{Best, Grid, Ladder, Sizes};
use super::path::{Common, Path, Step};
use super::random::Random;
use super::spec::{SynthError, SynthSpec};
use super::tape;
use crate::domain::{
    Bar, BarEvent, BookUpdate, Funding, Instrument, InstrumentId, Instruments, Interval,
    MarketEvent, PublicTrade, Quote, Rate, Side, Timestamp,
};
use crate::venue::feed::{Feed, FeedItem, rank};

const HOUR_MS: i64 = 3_600_000;
/// Typical funding rate and its spread: 0.005 % (Bybit BTC, 2025 to 2026: mean 0.0053 %).
const FUNDING: (f64, f64) = (0.000_05, 0.000_04);
/// Part of the funding rate's deviation that lasts until the next payment.
const FUNDING_KEEPS: f64 = 0.8;

/// A generated market. Holds one step of events, whatever its length.
#[derive(Debug)]
pub struct SynthFeed {
    label: String,
    interval: Interval,
    span: (Timestamp, Timestamp),
    clock: Clock,
    common: Common,
    symbols: Vec<SymbolState>,
    ready: VecDeque<(Timestamp, MarketEvent)>,
}

/// Times of everything that is periodic, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: Timestamp,
    step_ms: i64,
    quotes_ms: Option<i64>,
    books_ms: Option<i64>,
}

impl Clock {
    /// How long before the end of a step its last trade, its quote and its book stand: what is
    /// known when a bar closes is its close, not the first price of the next bar.
    const fn leads(self) -> (i64, i64, i64) {
        let unit = if self.step_ms < 1_000 {
            self.step_ms / 20
        } else {
            50
        };
        (unit * 3, unit * 2, unit)
    }
}

#[derive(Debug)]
struct SymbolState {
    id: InstrumentId,
    grid: Grid,
    path: Path,
    bar: Forming,
    sizes: Sizes,
    ladder: Option<(Ladder, u64)>,
    tape: Option<(Random, f64)>,
    funding: Option<(Random, i64, f64)>,
}

/// The bar that is forming, in ticks and steps.
#[derive(Debug, Clone, Copy, Default)]
struct Forming {
    open: i64,
    high: i64,
    low: i64,
    volume: i64,
}

impl SynthFeed {
    /// Feed whose instruments are numbered in the order of the spec.
    ///
    /// # Errors
    ///
    /// When the parts of the spec do not fit together.
    pub fn new(spec: &SynthSpec) -> Result<Self, SynthError> {
        Self::with_instruments(spec, &spec.instruments()?)
    }

    /// Feed with the numbers of another table, which must have every symbol of the spec.
    ///
    /// # Errors
    ///
    /// When the parts of the spec do not fit together, or the table lacks a symbol.
    pub fn with_instruments(spec: &SynthSpec, table: &Instruments) -> Result<Self, SynthError> {
        spec.check()?;
        let mut symbols = Vec::new();
        for (n, (instrument, _)) in spec.symbols.iter().enumerate() {
            let id = table.find(instrument.symbol.as_str(), instrument.category)?;
            symbols.push(SymbolState::new(spec, n, id));
        }
        Ok(Self {
            label: format!("synthetic market, seed {}", spec.seed),
            interval: spec.interval,
            span: (spec.start, spec.end()),
            clock: Clock {
                now: spec.start,
                step_ms: spec.step_ms(),
                quotes_ms: spec.quotes_every_ms,
                books_ms: spec.books_every_ms,
            },
            common: Common::new(spec.seed, spec.step_ms()),
            symbols,
            ready: VecDeque::new(),
        })
    }

    /// Simulates one step and puts its events in order into `ready`.
    fn advance(&mut self) {
        let start = self.clock.now;
        let end = start.plus_millis(self.clock.step_ms);
        if self.interval.is_on_grid(start) {
            for symbol in &mut self.symbols {
                let event = symbol.open_bar();
                self.ready.push_back((start, event));
            }
        }
        let weather = self.common.step(start);
        let n_before = self.ready.len();
        for symbol in &mut self.symbols {
            let step = symbol.path.step(&weather);
            symbol.bar.add(&step);
            symbol.tell(&step, self.clock, &mut self.ready);
        }
        self.clock.now = end;
        self.ready.make_contiguous()[n_before..]
            .sort_by_key(|(at, event)| (*at, rank(event), event.instrument()));
        if self.interval.is_on_grid(end) {
            let opened = end.plus_millis(-self.interval.millis());
            let interval = self.interval;
            for symbol in &self.symbols {
                let event = symbol.close_bar(opened, interval);
                self.ready.push_back((end, event));
            }
            for symbol in &mut self.symbols {
                if let Some(event) = symbol.pay(end) {
                    self.ready.push_back((end, event));
                }
            }
        }
    }
}

impl Feed for SynthFeed {
    fn next(&mut self) -> Option<FeedItem> {
        while self.ready.is_empty() && self.clock.now < self.span.1 {
            self.advance();
        }
        self.ready.pop_front().map(Ok)
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some(self.span)
    }
}

impl SymbolState {
    fn new(spec: &SynthSpec, n: usize, id: InstrumentId) -> Self {
        let (instrument, profile) = &spec.symbols[n];
        let step_ms = spec.step_ms();
        // Each purpose has a stream of its own: asking for books does not change the prices.
        let stream = |purpose: u64| Random::new(spec.seed, 1 + 8 * n as u64 + purpose);
        let has_book =
            spec.books_every_ms.is_some() && spec.book_symbols.contains(&instrument.symbol);
        Self {
            id,
            grid: Grid::new(instrument),
            path: Path::new(instrument, profile, stream(0), step_ms),
            bar: Forming::default(),
            sizes: Sizes::new(instrument, profile, stream(1)),
            ladder: has_book.then(|| (Ladder::new(), 0)),
            tape: spec.trades.then(|| {
                let mean = profile.trades_per_s * step_ms as f64 / 1_000.0;
                (stream(2), mean)
            }),
            funding: funding_every(instrument).map(|every_ms| (stream(3), every_ms, 0.0)),
        }
    }

    fn open_bar(&mut self) -> MarketEvent {
        let open = self.path.last();
        self.bar = Forming {
            open,
            high: open,
            low: open,
            volume: 0,
        };
        MarketEvent::BarOpen {
            instrument: self.id,
            price: self.grid.price(open),
        }
    }

    fn close_bar(&self, opened: Timestamp, interval: Interval) -> MarketEvent {
        let grid = self.grid;
        MarketEvent::Bar(BarEvent {
            instrument: self.id,
            interval,
            confirmed: true,
            bar: Bar {
                open_time: opened,
                open: grid.price(self.bar.open),
                high: grid.price(self.bar.high),
                low: grid.price(self.bar.low),
                close: grid.price(self.path.last()),
                volume: grid.qty(self.bar.volume),
            },
        })
    }

    fn pay(&mut self, at: Timestamp) -> Option<MarketEvent> {
        let (random, every_ms, deviation) = self.funding.as_mut()?;
        if at.millis().rem_euclid(*every_ms) != 0 {
            return None;
        }
        let fresh = (1.0 - FUNDING_KEEPS * FUNDING_KEEPS).sqrt();
        *deviation = FUNDING_KEEPS * *deviation + fresh * random.normal();
        // Eight decimal places, as the venue gives them.
        let rate = ((FUNDING.0 + FUNDING.1 * *deviation) * 1e8).round() as i64;
        Some(MarketEvent::Funding(Funding {
            instrument: self.id,
            rate: Rate::from_raw(rate * 100),
        }))
    }

    /// Trades, quote and book of a step that begins at `clock.now`.
    fn tell(&mut self, step: &Step, clock: Clock, out: &mut VecDeque<(Timestamp, MarketEvent)>) {
        let instrument = self.id;
        let grid = self.grid;
        let end = clock.now.plus_millis(clock.step_ms);
        let (trade_lead, quote_lead, book_lead) = clock.leads();
        if let Some((random, mean)) = &mut self.tape {
            let span = (clock.now, end.plus_millis(-trade_lead));
            for print in tape::prints(step, span, *mean, random) {
                let trade = PublicTrade {
                    instrument,
                    price: grid.price(print.price),
                    qty: grid.qty(print.qty),
                    taker: print.taker,
                };
                out.push_back((print.at, MarketEvent::Trade(trade)));
            }
        }
        let is_due = |every: Option<i64>| every.is_some_and(|ms| end.millis().rem_euclid(ms) == 0);
        let (quote_due, book_due) = (is_due(clock.quotes_ms), is_due(clock.books_ms));
        let book_due = book_due && self.ladder.is_some();
        if !quote_due && !book_due {
            return;
        }
        let best = self.sizes.best(step.to, step.taker == Side::Buy);
        if quote_due {
            let at = end.plus_millis(-quote_lead);
            out.push_back((at, MarketEvent::Quote(self.quote(best))));
        }
        if book_due && let Some((ladder, update_id)) = &mut self.ladder {
            let (bids, asks) = ladder.advance(best, &mut self.sizes, grid);
            *update_id += 1;
            let update = BookUpdate {
                instrument,
                snapshot: *update_id == 1,
                update_id: *update_id,
                bids,
                asks,
            };
            out.push_back((end.plus_millis(-book_lead), MarketEvent::Book(update)));
        }
    }

    fn quote(&self, best: Best) -> Quote {
        Quote {
            instrument: self.id,
            bid: self.grid.price(best.bid),
            bid_qty: self.grid.qty(best.bid_qty),
            ask: self.grid.price(best.ask),
            ask_qty: self.grid.qty(best.ask_qty),
        }
    }
}

fn funding_every(instrument: &Instrument) -> Option<i64> {
    match i64::from(instrument.funding_hours) {
        0 => None,
        hours => Some(hours * HOUR_MS),
    }
}

impl Forming {
    fn add(&mut self, step: &Step) {
        self.high = self.high.max(step.high);
        self.low = self.low.min(step.low);
        self.volume += step.volume;
    }
}
