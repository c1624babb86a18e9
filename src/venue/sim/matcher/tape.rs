//! What the matcher knows of one instrument's market: prices, quote, book, the bar in progress.
//!
//! It answers "what is there to trade against" and keeps count of how much of a bar is ours.
//! It knows neither orders nor money.

use super::depth::Depth;
use crate::domain::{
    Bar, BarEvent, Interval, Price, Qty, Quote, Rate, Side, Timestamp, TriggerPrice,
};

/// What a taking order trades against, in falling precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A valid book: level by level.
    Book,
    /// Best bid and ask with their sizes.
    Quote,
    /// A last price only.
    Last(Price),
}

/// How a bar relates to what was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BarNews {
    /// Repeated, older, or of a coarser interval: says nothing new.
    Stale,
    /// Its open has been seen.
    Running,
    /// Its open has not been seen.
    Unopened,
}

/// Market state of one instrument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tape {
    /// Newest of bar open, public trade and bar close.
    pub(super) last: Option<Price>,
    /// Newest mark price.
    pub(super) mark: Option<Price>,
    /// Newest quote, with what we took from it taken off.
    pub(super) quote: Option<Quote>,
    /// The book.
    pub(super) depth: Depth,
    /// Amount of ours that has traded in this bar.
    pub(super) used: Qty,
    /// Whether `last` is a price of now: false from a bar's close to the next price.
    in_bar: bool,
    opened_at: Option<Timestamp>,
    interval: Option<Interval>,
    current: Option<Timestamp>,
    closed: Option<Timestamp>,
    previous_volume: Option<Qty>,
}

impl Tape {
    /// A bar has opened.
    pub(super) fn open(&mut self, at: Timestamp, price: Price) {
        // The same open may be told once for each interval that begins now.
        if self.opened_at != Some(at) {
            self.opened_at = Some(at);
            self.current = None;
            self.used = Qty::ZERO;
        }
        self.last = Some(price);
        self.in_bar = true;
    }

    /// A public trade has printed.
    pub(super) fn print(&mut self, price: Price) {
        self.last = Some(price);
        self.in_bar = true;
    }

    /// Looks at a bar before it is used. Only the finest interval counts: bars of several lengths
    /// tell the same trades more than once.
    pub(super) fn begin_bar(&mut self, event: &BarEvent) -> BarNews {
        let open_time = event.bar.open_time;
        match self.interval {
            Some(finest) if finest < event.interval => return BarNews::Stale,
            Some(finest) if finest == event.interval => {}
            _ => {
                self.interval = Some(event.interval);
                self.closed = None;
                self.current = None;
            }
        }
        if self.closed.is_some_and(|closed| open_time <= closed)
            || self.current.is_some_and(|current| open_time < current)
        {
            return BarNews::Stale;
        }
        let skipped = self.current.is_some_and(|current| current < open_time);
        self.current = Some(open_time);
        if skipped {
            self.used = Qty::ZERO;
        }
        if skipped || !self.in_bar {
            BarNews::Unopened
        } else {
            BarNews::Running
        }
    }

    /// Takes over a bar after it was used.
    pub(super) fn end_bar(&mut self, event: &BarEvent) {
        self.last = Some(event.bar.close);
        self.in_bar = !event.confirmed;
        if event.confirmed {
            self.closed = Some(event.bar.open_time);
            self.current = None;
            self.previous_volume = Some(event.bar.volume);
            self.used = Qty::ZERO;
        }
    }

    /// Takes a quote; a crossed one is no quote.
    pub(super) fn set_quote(&mut self, quote: &Quote) {
        let one_sided = quote.bid.is_zero() || quote.ask.is_zero();
        self.quote = (one_sided || quote.bid < quote.ask).then_some(*quote);
    }

    /// What a taking order meets now; `base` stands in for a last price that is not of now.
    pub(super) fn source(&self, base: Option<Price>) -> Option<Source> {
        if self.depth.is_usable() {
            return Some(Source::Book);
        }
        if self.quote.is_some() {
            return Some(Source::Quote);
        }
        let last = if self.in_bar { self.last } else { None };
        base.or(last).map(Source::Last)
    }

    /// Best price and amount that rests on `side` of the book, else of the quote.
    pub(super) fn best(&self, side: Side) -> Option<(Price, Qty)> {
        if self.depth.is_usable() {
            return self.depth.best(side).map(|level| (level.price, level.qty));
        }
        let quote = self.quote?;
        let (price, qty) = match side {
            Side::Buy => (quote.bid, quote.bid_qty),
            Side::Sell => (quote.ask, quote.ask_qty),
        };
        (!price.is_zero()).then_some((price, qty))
    }

    /// Takes `qty` from the best level or the quote, until the feed states it again.
    pub(super) fn consume(&mut self, side: Side, qty: Qty) {
        if self.depth.is_usable() {
            self.depth.consume(side, qty);
        } else if let Some(quote) = &mut self.quote {
            match side {
                Side::Buy => quote.bid_qty = quote.bid_qty.saturating_sub(qty),
                Side::Sell => quote.ask_qty = quote.ask_qty.saturating_sub(qty),
            }
        }
    }

    /// Amount shown at `price`, ahead of an order that arrives now; `None` when unknown.
    pub(super) fn queue_at(&self, side: Side, price: Price) -> Option<Qty> {
        if self.depth.is_usable() {
            return self.depth.shown_at(side, price);
        }
        let (best, qty) = self.best(side)?;
        let improves = match side {
            Side::Buy => best < price,
            Side::Sell => price < best,
        };
        if improves {
            Some(Qty::ZERO)
        } else {
            (best == price).then_some(qty)
        }
    }

    /// Last known price: the last one, else the middle of book or quote.
    pub(super) fn reference(&self) -> Option<Price> {
        self.last.or_else(|| {
            let (bid, _) = self.best(Side::Buy)?;
            let (ask, _) = self.best(Side::Sell)?;
            Some(bid.midpoint(ask))
        })
    }

    /// Price that positions are valued at: mark, else the last known one.
    pub(super) fn valuation(&self) -> Option<Price> {
        self.mark.or_else(|| self.reference())
    }

    /// Price that a conditional order watches; mark falls back to last until a mark is known.
    pub(super) fn watched(&self, by: TriggerPrice) -> Option<Price> {
        match by {
            TriggerPrice::Last => self.last,
            TriggerPrice::Mark => self.mark.or(self.last),
        }
    }

    /// What taking orders may still trade in this bar; `None` is without limit.
    pub(super) fn taker_budget(&self, part: Option<Rate>) -> Option<Qty> {
        let volume = self.previous_volume?;
        Some(volume.scaled(part?).saturating_sub(self.used))
    }

    /// What resting orders may still trade in `bar`; `None` is without limit.
    pub(super) fn maker_budget(&self, part: Option<Rate>, bar: &Bar) -> Option<Qty> {
        Some(bar.volume.scaled(part?).saturating_sub(self.used))
    }
}
