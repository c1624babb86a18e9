//! Taking liquidity, and the one place where a fill is made.

use super::order::{State, accepts, crosses, slipped};
use super::tape::Source;
use super::wallet::Trade;
use super::{Answers, Matcher};
use crate::domain::{
    AccountEvent, Category, ClientOrderId, Fill, FillKind, Liquidity, OrderKind, OrderSpec, Price,
    Qty, Rate, Side, TimeInForce, Timestamp,
};

impl Matcher {
    /// Lets an order take what there is for it, then applies its time in force. Without anything
    /// to trade against it goes on waiting. `base` stands in for a last price of now.
    pub(super) fn attempt(
        &mut self,
        m: usize,
        k: usize,
        at: Timestamp,
        base: Option<Price>,
        out: &mut Answers,
    ) {
        let Some(source) = self.markets[m].tape.source(base) else {
            return;
        };
        let order = &self.markets[m].orders[k];
        let post_only = matches!(
            order.spec.kind,
            OrderKind::Limit {
                post_only: true,
                ..
            }
        );
        if post_only {
            if self.would_cross(m, &order.spec, source) {
                return self.end(m, k, at, out);
            }
        } else if order.spec.tif == TimeInForce::Fok
            && self.available(m, &order.spec, order.remaining, source) < order.remaining
        {
            return self.end(m, k, at, out);
        } else {
            match source {
                Source::Book => self.take_book(m, k, at, out),
                Source::Quote => self.take_quote(m, k, at, out),
                Source::Last(last) => self.take_last(m, k, at, last, out),
            }
        }
        self.after_attempt(m, k, at, out);
    }

    /// What becomes of the rest of an order that had its chance.
    fn after_attempt(&mut self, m: usize, k: usize, at: Timestamp, out: &mut Answers) {
        let market = &mut self.markets[m];
        let order = &mut market.orders[k];
        if order.is_done() {
            return;
        }
        match (order.spec.tif, order.spec.kind.limit_price()) {
            (TimeInForce::Gtc, Some(price)) => {
                let queue = market.tape.queue_at(order.spec.side, price);
                order.state = State::Resting { queue };
            }
            (TimeInForce::Gtc, None) => {}
            (TimeInForce::Ioc | TimeInForce::Fok, _) => self.end(m, k, at, out),
        }
    }

    /// Whether an order would trade at once.
    pub(super) fn would_cross(&self, m: usize, spec: &OrderSpec, source: Source) -> bool {
        let best = self.markets[m].tape.best(spec.side.opposite());
        crosses(spec, source, best.map(|(price, _)| price))
    }

    /// How much of `wanted` an order could take now.
    pub(super) fn available(&self, m: usize, spec: &OrderSpec, wanted: Qty, source: Source) -> Qty {
        let market = &self.markets[m];
        let rules = self.instruments.get(spec.instrument);
        let resting = spec.side.opposite();
        match source {
            Source::Book => market
                .tape
                .depth
                .levels(resting)
                .take_while(|level| accepts(spec, level.price))
                .map(|level| level.qty.floor_to(rules.qty_step))
                .sum(),
            Source::Quote => match market.tape.best(resting) {
                Some((price, shown)) if accepts(spec, price) => {
                    let beyond = slipped(price, spec.side, market.costs.slippage, rules.tick);
                    if accepts(spec, beyond) {
                        wanted
                    } else {
                        shown.floor_to(rules.qty_step)
                    }
                }
                _ => Qty::ZERO,
            },
            Source::Last(_) if crosses(spec, source, None) => market
                .tape
                .taker_budget(self.settings.participation)
                .map_or(wanted, |budget| budget.floor_to(rules.qty_step)),
            Source::Last(_) => Qty::ZERO,
        }
    }

    fn take_book(&mut self, m: usize, k: usize, at: Timestamp, out: &mut Answers) {
        loop {
            let market = &mut self.markets[m];
            let order = &market.orders[k];
            let resting = order.spec.side.opposite();
            let Some(level) = market.tape.depth.best(resting) else {
                return;
            };
            if order.is_done() || !accepts(&order.spec, level.price) {
                return;
            }
            let step = self.instruments.get(order.spec.instrument).qty_step;
            let shown = level.qty.floor_to(step);
            if shown.is_zero() {
                market.tape.consume(resting, level.qty);
                continue;
            }
            let qty = shown.min(order.remaining);
            market.tape.consume(resting, qty);
            self.fill(m, k, at, (level.price, qty, Liquidity::Taker), out);
        }
    }

    fn take_quote(&mut self, m: usize, k: usize, at: Timestamp, out: &mut Answers) {
        let market = &mut self.markets[m];
        let order = &market.orders[k];
        let side = order.spec.side;
        let Some((price, shown)) = market.tape.best(side.opposite()) else {
            return;
        };
        if !accepts(&order.spec, price) {
            return;
        }
        let rules = self.instruments.get(order.spec.instrument);
        let beyond = slipped(price, side, market.costs.slippage, rules.tick);
        let qty = shown.floor_to(rules.qty_step).min(order.remaining);
        if !qty.is_zero() {
            market.tape.consume(side.opposite(), qty);
            self.fill(m, k, at, (price, qty, Liquidity::Taker), out);
        }
        let order = &self.markets[m].orders[k];
        if !order.is_done() && accepts(&order.spec, beyond) {
            let rest = order.remaining;
            self.fill(m, k, at, (beyond, rest, Liquidity::Taker), out);
        }
    }

    fn take_last(&mut self, m: usize, k: usize, at: Timestamp, last: Price, out: &mut Answers) {
        let market = &self.markets[m];
        let spec = &market.orders[k].spec;
        let wanted = market.orders[k].remaining;
        let qty = self
            .available(m, spec, wanted, Source::Last(last))
            .min(wanted);
        if qty.is_zero() {
            return;
        }
        let tick = self.instruments.get(spec.instrument).tick;
        let moved = slipped(last, spec.side, market.costs.slippage, tick);
        let price = match (spec.kind.limit_price(), spec.side) {
            (None, _) => moved,
            (Some(limit), Side::Buy) => moved.min(limit),
            (Some(limit), Side::Sell) => moved.max(limit),
        };
        self.fill(m, k, at, (price, qty, Liquidity::Taker), out);
    }

    /// Makes a fill: books it, reports it, and shrinks what must shrink with the position.
    pub(super) fn fill(
        &mut self,
        m: usize,
        k: usize,
        at: Timestamp,
        (price, wanted, liquidity): (Price, Qty, Liquidity),
        out: &mut Answers,
    ) {
        let side = self.markets[m].orders[k].spec.side;
        let qty = self.covered(m, side, price, wanted);
        if !qty.is_zero() {
            let market = &mut self.markets[m];
            let fee = (price * qty) * fee_rate(market.costs, liquidity);
            let order = &mut market.orders[k];
            order.remaining = order.remaining.saturating_sub(qty);
            order.filled += qty;
            order.n_fills += 1;
            let fill = Fill {
                exec_id: exec_id(order.id, order.n_fills),
                order: order.id,
                instrument: market.instrument,
                side,
                price,
                qty,
                fee,
                liquidity,
                kind: FillKind::Trade,
                at,
                expected: order.expected,
                withheld: Qty::ZERO,
            };
            out.push((at, AccountEvent::Fill(fill)));
            let whole = order.filled == order.spec.qty;
            if whole {
                order.state = State::Done;
            }
            let rest_is_gone = order.remaining.is_zero() && !whole;
            market.tape.used += qty;
            let trade = Trade {
                side,
                price,
                qty,
                fee,
            };
            self.wallet
                .trade(at, market.category, &mut market.position, trade);
            if rest_is_gone {
                self.end(m, k, at, out);
            }
        }
        if qty < wanted {
            self.end(m, k, at, out);
        }
        self.trim_reduce_only(m, at, out);
    }

    /// The part of a trade that spot balances cover; all of it on linear.
    fn covered(&self, m: usize, side: Side, price: Price, wanted: Qty) -> Qty {
        let market = &self.markets[m];
        if market.category == Category::Linear {
            return wanted;
        }
        let step = self.instruments.get(market.instrument).qty_step;
        if side == Side::Sell {
            return wanted.min(market.position.reducible(Side::Sell));
        }
        let rate = market.costs.taker.max(market.costs.maker).max(Rate::ZERO);
        let cost = |qty: Qty| price * qty + (price * qty) * rate;
        if cost(wanted) <= self.wallet.cash {
            return wanted;
        }
        let with_fee = price.moved(rate);
        let qty = self.wallet.cash.quantity_at(with_fee).unwrap_or(Qty::ZERO);
        let qty = qty.floor_to(step);
        if cost(qty) <= self.wallet.cash {
            qty
        } else {
            qty.saturating_sub(step)
        }
    }

    /// Shrinks reduce-only orders to the position, and cancels those with nothing to reduce.
    pub(super) fn trim_reduce_only(&mut self, m: usize, at: Timestamp, out: &mut Answers) {
        for k in 0..self.markets[m].orders.len() {
            let market = &mut self.markets[m];
            let order = &mut market.orders[k];
            if order.is_done() || !order.spec.reduce_only {
                continue;
            }
            let most = market.position.reducible(order.spec.side);
            order.remaining = order.remaining.min(most);
            if order.remaining.is_zero() {
                self.end(m, k, at, out);
            }
        }
    }
}

/// Name of an order's n-th execution (rule 28). Put together by hand: every fill needs one.
fn exec_id(order: ClientOrderId, n: u32) -> String {
    let name = order.as_str();
    let mut id = String::with_capacity(name.len() + 3);
    id.push_str(name);
    id.push('-');
    match char::from_digit(n, 10) {
        Some(digit) => id.push(digit),
        None => id.push_str(&n.to_string()),
    }
    id
}

/// Fee rate of a fill.
pub(super) const fn fee_rate(costs: super::Costs, liquidity: Liquidity) -> Rate {
    match liquidity {
        Liquidity::Maker => costs.maker,
        Liquidity::Taker => costs.taker,
    }
}
