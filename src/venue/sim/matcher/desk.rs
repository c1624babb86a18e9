//! What a venue's own interface asks of the matcher beyond a broker: to look without acting, to
//! amend, and to book what no order made.

use super::order::{State, expectation, slipped};
use super::wallet::Trade;
use super::{Answers, Matcher};
use crate::domain::{
    AccountEvent, Category, ClientOrderId, Fill, InstrumentId, Money, OrderKind, OrderSpec, Price,
    Qty, RejectReason, Side, SignedQty, Timestamp, TriggerPrice, UsedNames,
};

/// What an amend changes; `None` leaves it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// New total amount, what has filled included.
    pub qty: Option<Qty>,
    /// New limit of a limit order.
    pub price: Option<Price>,
    /// New trigger of a sleeping conditional order.
    pub trigger: Option<Price>,
}

/// Why an amend was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendError {
    /// The order is finished or was never here.
    #[error("order {0} is not open")]
    NotOpen(ClientOrderId),
    /// The order has no limit, or no sleeping trigger, to be changed.
    #[error("the order has no {0} to amend")]
    Nothing(&'static str),
    /// The new amount has traded already.
    #[error("new quantity {qty} is not above the filled {filled}")]
    BelowFilled {
        /// Amount given.
        qty: Qty,
        /// Amount that has traded.
        filled: Qty,
    },
    /// The order as amended would be refused.
    #[error(transparent)]
    Refused(#[from] RejectReason),
}

impl Matcher {
    /// What would become of an order that arrived now, without taking it.
    ///
    /// # Errors
    ///
    /// The reason for which it would be refused.
    pub fn examine(&self, spec: &OrderSpec) -> Result<(), RejectReason> {
        self.admit(spec).map(|_| ())
    }

    /// Price that conditional orders on `instrument` watch; `None` while there is none.
    #[must_use]
    pub fn watched(&self, instrument: InstrumentId, by: TriggerPrice) -> Option<Price> {
        self.markets.get(instrument.index())?.tape.watched(by)
    }

    /// Price that a position is valued at (rule 25); `None` while there is none.
    #[must_use]
    pub fn valuation(&self, instrument: InstrumentId) -> Option<Price> {
        self.markets.get(instrument.index())?.valuation()
    }

    /// Price that a small taking order may expect: the best opposite level, else the last price
    /// moved by slippage.
    #[must_use]
    pub fn taking_price(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        let market = self.markets.get(instrument.index())?;
        let best = market.tape.best(side.opposite()).map(|(price, _)| price);
        best.or_else(|| {
            let tick = self.instruments.get(instrument).tick;
            let last = market.tape.reference()?;
            Some(slipped(last, side, market.costs.slippage, tick))
        })
    }

    /// Initial margin that linear positions and orders hold.
    #[must_use]
    pub fn margin_held(&self) -> Money {
        self.margin()
    }

    /// Cash that open spot purchases may cost.
    #[must_use]
    pub fn cash_reserved(&self) -> Money {
        self.reserved()
    }

    /// Cash and unrealised profit of linear positions, less margin and reserved purchases.
    #[must_use]
    pub fn free_collateral(&self) -> Money {
        self.collateral() - self.margin() - self.reserved()
    }

    /// Changes an order (rule 30).
    ///
    /// # Errors
    ///
    /// When it is not open, or would be refused as amended; it is then as it was.
    pub fn amend(
        &mut self,
        at: Timestamp,
        order: &ClientOrderId,
        change: &Change,
        out: &mut Answers,
    ) -> Result<(), AmendError> {
        let (m, k) = self.find(order).ok_or(AmendError::NotOpen(*order))?;
        let spec = self.amended(m, k, change)?;
        let remaining = self.admit_amended(m, k, &spec)?;
        let reference = self.markets[m].tape.reference();
        let order = &mut self.markets[m].orders[k];
        let moved = order.spec.kind != spec.kind;
        let anew = moved || order.remaining < remaining;
        if moved && let Some(expected) = expectation(&spec, reference) {
            order.expected = expected;
        }
        order.spec = spec;
        order.remaining = remaining;
        if anew && matches!(order.state, State::Resting { .. } | State::Waiting) {
            order.state = State::Waiting;
            order.arrived = at;
            self.attempt(m, k, at, None, out);
            self.sweep(m);
        }
        Ok(())
    }

    /// What would become of an amend, without carrying it out.
    ///
    /// # Errors
    ///
    /// As [`Matcher::amend`].
    pub fn would_amend(&self, order: &ClientOrderId, change: &Change) -> Result<(), AmendError> {
        let (m, k) = self.find(order).ok_or(AmendError::NotOpen(*order))?;
        let spec = self.amended(m, k, change)?;
        self.admit_amended(m, k, &spec)?;
        Ok(())
    }

    /// Books a trade that no order of the matcher made (rule 31) and reports it as `fill`.
    pub fn book(&mut self, at: Timestamp, fill: Fill, out: &mut Answers) {
        let m = fill.instrument.index();
        let Some(market) = self.markets.get_mut(m) else {
            return;
        };
        let trade = Trade {
            side: fill.side,
            price: fill.price,
            qty: fill.qty,
            fee: fill.fee,
        };
        self.wallet
            .trade(at, market.category, &mut market.position, trade);
        out.push((at, AccountEvent::Fill(fill)));
        self.trim_reduce_only(m, at, out);
        self.sweep(m);
    }

    /// Cancels every order on one linear instrument and closes its position at its valuation,
    /// as rule 27 does.
    pub fn close_out(&mut self, at: Timestamp, instrument: InstrumentId, out: &mut Answers) {
        let m = instrument.index();
        let Some(market) = self.markets.get(m) else {
            return;
        };
        let (Category::Linear, Some(price)) = (market.category, market.valuation()) else {
            return;
        };
        for k in 0..self.markets[m].orders.len() {
            self.end(m, k, at, out);
        }
        self.liquidate(m, at, price, out);
        self.sweep(m);
    }

    /// Moves a spot fee from cash to the base coin (rule 31): cash grows by `cash`, the balance
    /// by `base`.
    pub fn exchange_fee(&mut self, instrument: InstrumentId, cash: Money, base: SignedQty) {
        if let Some(market) = self.markets.get_mut(instrument.index()) {
            self.wallet.cash += cash;
            market.position.adjust(base);
        }
    }

    fn find(&self, order: &ClientOrderId) -> Option<(usize, usize)> {
        self.markets.iter().enumerate().find_map(|(m, market)| {
            let k = market.orders.iter().position(|o| o.id == *order)?;
            Some((m, k))
        })
    }

    /// The order as it would be.
    fn amended(&self, m: usize, k: usize, change: &Change) -> Result<OrderSpec, AmendError> {
        let order = &self.markets[m].orders[k];
        let mut spec = order.spec.clone();
        if let Some(qty) = change.qty {
            if qty <= order.filled {
                let filled = order.filled;
                return Err(AmendError::BelowFilled { qty, filled });
            }
            spec.qty = qty;
        }
        if let Some(new) = change.price {
            match &mut spec.kind {
                OrderKind::Limit { price, .. } => *price = new,
                _ => return Err(AmendError::Nothing("limit")),
            }
        }
        if let Some(new) = change.trigger {
            match &mut spec.kind {
                OrderKind::Stop { trigger, .. } | OrderKind::TakeProfit { trigger, .. }
                    if order.state == State::Conditional =>
                {
                    *trigger = new;
                }
                _ => return Err(AmendError::Nothing("trigger")),
            }
        }
        Ok(spec)
    }

    /// Checks an order as amended, as if the old one were gone; returns what may still trade.
    fn admit_amended(&self, m: usize, k: usize, spec: &OrderSpec) -> Result<Qty, RejectReason> {
        let market = &self.markets[m];
        let order = &market.orders[k];
        let (filled, state) = (order.filled, order.state);
        let moved = order.spec.kind != spec.kind;
        let priced = market.tape.reference().or(spec.kind.limit_price());
        let priced = priced.ok_or(RejectReason::NoPrice)?;
        self.instruments
            .get(spec.instrument)
            .check(spec, priced)
            .map_err(|broken| RejectReason::Rule(broken.to_string()))?;
        let mut remaining = spec.qty.saturating_sub(filled);
        if spec.reduce_only {
            remaining = remaining.min(market.position.reducible(spec.side));
            if remaining.is_zero() {
                return Err(RejectReason::NothingToReduce);
            }
        }
        if moved && state == State::Conditional {
            self.admit_trigger(m, spec)?;
        }
        let same_worst_case = !moved && remaining <= order.remaining;
        if !same_worst_case {
            let mut without = Self {
                seen: UsedNames::default(),
                markets: self.markets.clone(),
                instruments: self.instruments.clone(),
                settings: self.settings.clone(),
                wallet: self.wallet.clone(),
                n_liquidations: 0,
            };
            without.markets[m].orders.remove(k);
            without.admit_funds(m, spec, remaining, priced)?;
        }
        Ok(remaining)
    }
}

#[cfg(test)]
mod tests;
