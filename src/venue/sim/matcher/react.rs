//! What market events do to orders and positions; bars have a file of their own.

use super::order::{State, is_reached, is_through, watches};
use super::{Answers, Matcher};
use crate::domain::{
    AccountEvent, BookUpdate, Liquidity, MarketEvent, OrderKind, OrderSpec, Price, PublicTrade,
    Quote, Timestamp, TriggerPrice,
};

/// The two kinds of conditional orders, in the order of the worst case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    Stops,
    TakeProfits,
}

impl Wake {
    /// Whether an order is of this kind.
    pub(super) const fn is_for(self, spec: &OrderSpec) -> bool {
        match spec.kind {
            OrderKind::Stop { .. } => matches!(self, Wake::Stops),
            OrderKind::TakeProfit { .. } => matches!(self, Wake::TakeProfits),
            _ => false,
        }
    }
}

impl Matcher {
    /// Shows the matcher one market event. Events of instruments that the table does not have
    /// say nothing to it.
    pub fn on_market(&mut self, at: Timestamp, event: &MarketEvent, out: &mut Answers) {
        let m = event.instrument().index();
        if m >= self.markets.len() {
            return;
        }
        match event {
            MarketEvent::BarOpen { price, .. } => self.on_open(m, at, *price, out),
            MarketEvent::Bar(bar) => self.on_bar(m, at, bar, out),
            MarketEvent::Quote(quote) => self.on_quote(m, at, quote, out),
            MarketEvent::Book(update) => self.on_book(m, at, update, out),
            MarketEvent::Trade(trade) => self.on_trade(m, at, trade, out),
            MarketEvent::Mark { price, .. } => self.on_mark(m, at, *price, out),
            MarketEvent::Funding(funding) => self.fund(m, at, funding, out),
        }
    }

    fn on_quote(&mut self, m: usize, at: Timestamp, quote: &Quote, out: &mut Answers) {
        self.markets[m].tape.set_quote(quote);
        self.on_shown(m, at, out);
    }

    fn on_book(&mut self, m: usize, at: Timestamp, update: &BookUpdate, out: &mut Answers) {
        self.markets[m].tape.depth.apply(update);
        self.on_shown(m, at, out);
    }

    /// Liquidity is shown anew.
    fn on_shown(&mut self, m: usize, at: Timestamp, out: &mut Answers) {
        if self.markets[m].orders.is_empty() {
            return;
        }
        for k in 0..self.markets[m].orders.len() {
            self.fill_from_shown(m, k, at, out);
        }
        self.work(m, at, None, None, out);
        self.sweep(m);
    }

    /// Fills a resting order from what is shown strictly through its price.
    fn fill_from_shown(&mut self, m: usize, k: usize, at: Timestamp, out: &mut Answers) {
        loop {
            let market = &mut self.markets[m];
            let order = &market.orders[k];
            let resting = order.spec.side.opposite();
            let (State::Resting { .. }, Some(price), Some((best, shown))) = (
                order.state,
                order.spec.kind.limit_price(),
                market.tape.best(resting),
            ) else {
                return;
            };
            if shown.is_zero() || !is_through(&order.spec, best) {
                return;
            }
            let step = self.instruments.get(market.instrument).qty_step;
            let qty = shown.floor_to(step).min(order.remaining);
            if qty.is_zero() {
                market.tape.consume(resting, shown);
                continue;
            }
            market.tape.consume(resting, qty);
            self.fill(m, k, at, (price, qty, Liquidity::Maker), out);
        }
    }

    fn on_trade(&mut self, m: usize, at: Timestamp, trade: &PublicTrade, out: &mut Answers) {
        let market = &mut self.markets[m];
        market.tape.print(trade.price);
        if market.is_idle() {
            return;
        }
        let step = self.instruments.get(market.instrument).qty_step;
        let mut left = trade.qty.floor_to(step);
        for k in 0..self.markets[m].orders.len() {
            let order = &mut self.markets[m].orders[k];
            let (State::Resting { queue }, Some(price)) =
                (&mut order.state, order.spec.kind.limit_price())
            else {
                continue;
            };
            let reach = if is_through(&order.spec, trade.price) {
                left
            } else if price == trade.price && trade.taker == order.spec.side.opposite() {
                let Some(ahead) = queue else {
                    continue;
                };
                let past = trade.qty.saturating_sub(*ahead).floor_to(step);
                *ahead = ahead.saturating_sub(trade.qty);
                past.min(left)
            } else {
                continue;
            };
            let qty = reach.min(order.remaining);
            if !qty.is_zero() {
                left = left.saturating_sub(qty);
                self.fill(m, k, at, (price, qty, Liquidity::Maker), out);
            }
        }
        self.watch(m, at, TriggerPrice::Last, trade.price, out);
        self.work(m, at, None, None, out);
        self.value_at_last(m, at, trade.price, out);
        self.sweep(m);
    }

    fn on_mark(&mut self, m: usize, at: Timestamp, price: Price, out: &mut Answers) {
        let market = &mut self.markets[m];
        market.tape.mark = Some(price);
        if market.is_idle() {
            return;
        }
        self.watch(m, at, TriggerPrice::Mark, price, out);
        self.check_liquidation(m, at, price, out);
        self.sweep(m);
    }

    /// Looks for liquidation at a last price; once a mark is known, only marks count.
    pub(super) fn value_at_last(
        &mut self,
        m: usize,
        at: Timestamp,
        price: Price,
        out: &mut Answers,
    ) {
        if self.markets[m].tape.mark.is_none() {
            self.check_liquidation(m, at, price, out);
        }
    }

    /// Gives every waiting order that arrived by `arrived_by` its chance.
    pub(super) fn work(
        &mut self,
        m: usize,
        at: Timestamp,
        base: Option<Price>,
        arrived_by: Option<Timestamp>,
        out: &mut Answers,
    ) {
        for k in 0..self.markets[m].orders.len() {
            let order = &self.markets[m].orders[k];
            let in_time = arrived_by.is_none_or(|by| order.arrived <= by);
            if order.state == State::Waiting && in_time {
                self.attempt(m, k, at, base, out);
            }
        }
    }

    /// Wakes the conditional orders that watch `by` and are reached by `price`, stops first.
    pub(super) fn watch(
        &mut self,
        m: usize,
        at: Timestamp,
        by: TriggerPrice,
        price: Price,
        out: &mut Answers,
    ) {
        // A mark is no price anyone has traded at.
        let base = (by == TriggerPrice::Last).then_some(price);
        for wake in [Wake::Stops, Wake::TakeProfits] {
            for k in 0..self.markets[m].orders.len() {
                let spec = &self.markets[m].orders[k].spec;
                if wake.is_for(spec) && is_reached(spec, price) && self.is_watched(m, k, by) {
                    self.wake(m, k, at, base, out);
                }
            }
        }
    }

    /// Whether a sleeping order watches `by`: what it asked for, or last while no mark is known.
    pub(super) fn is_watched(&self, m: usize, k: usize, by: TriggerPrice) -> bool {
        let market = &self.markets[m];
        let order = &market.orders[k];
        order.state == State::Conditional
            && watches(&order.spec).is_some_and(|wanted| {
                wanted == by || (by == TriggerPrice::Last && market.tape.mark.is_none())
            })
    }

    /// Wakes a conditional order and gives it its first chance.
    pub(super) fn wake(
        &mut self,
        m: usize,
        k: usize,
        at: Timestamp,
        base: Option<Price>,
        out: &mut Answers,
    ) {
        let order = &mut self.markets[m].orders[k];
        order.state = State::Waiting;
        out.push((at, AccountEvent::Triggered { order: order.id }));
        self.attempt(m, k, at, base, out);
    }
}
