//! Carries drills out.

use super::drills::Drill;
use super::order::{Force, Place};
use super::{Arrival, Exchange};
use crate::domain::{
    Category, Fill, FillKind, Funding, InstrumentId, Liquidity, MarketEvent, Money, Price, Qty,
    Side, Timestamp,
};
use crate::venue::sim::matcher::Answers;

/// A drill that answers requests with a code.
#[derive(Debug, Clone)]
pub(super) struct AnswerCode {
    pub(super) op: String,
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) accept: bool,
    pub(super) times: u32,
}

impl Exchange {
    /// See [`Exchange::drill`].
    pub(super) fn carry_out(&mut self, now: Timestamp, drill: &Drill) -> Result<(), String> {
        match drill {
            Drill::AnswerCode {
                op,
                code,
                message,
                accept,
                times,
            } => {
                if 0 < *times {
                    self.answer_codes.push(AnswerCode {
                        op: op.clone(),
                        code: *code,
                        message: message.clone(),
                        accept: *accept,
                        times: *times,
                    });
                }
            }
            Drill::Liquidate { symbol } => return self.drill_liquidation(now, symbol),
            Drill::Adl { symbol, qty } => return self.drill_adl(now, symbol, *qty),
            Drill::Funding { symbol, rate } => {
                let instrument = self.named_linear(symbol)?;
                let funding = Funding {
                    instrument,
                    rate: *rate,
                };
                self.on_market(now, &MarketEvent::Funding(funding));
            }
            Drill::ForeignFill {
                symbol,
                side,
                qty,
                price,
            } => return self.drill_fill(now, symbol, *side, *qty, *price),
            Drill::ForeignOrder {
                symbol,
                side,
                qty,
                price,
                link,
            } => return self.drill_order(now, symbol, *side, (*qty, *price), link),
            Drill::Restart => {
                self.closed.clear();
                self.restart_books(now);
            }
            Drill::Maintenance { on } => self.maintenance = *on,
            Drill::HedgeMode { on } => self.set_hedge(now, *on),
            Drill::VisibilityLag { ms } => self.set_lag(now, *ms),
            Drill::RejectLater { reason, times } => {
                self.reject_later = (0 < *times).then(|| (reason.clone(), *times));
            }
            Drill::InstrumentStatus { symbol, status } => {
                let id = self.symbol_of(symbol)?;
                self.views[id.index()].status.clone_from(status);
            }
            Drill::KeyExpired { key } => {
                let known = self.keys.iter_mut().find(|known| known.key == *key);
                known
                    .ok_or_else(|| format!("api key {key:?} is unknown"))?
                    .expires = Some(now);
            }
            Drill::BookGap { symbol } => {
                let id = self.symbol_of(symbol)?;
                self.tear_books(id);
            }
            Drill::UnknownExecType { symbol, text } => {
                self.odd_exec_type = Some((self.symbol_of(symbol)?, text.clone()));
            }
            Drill::PartialFills { max_qty } => self.partial_fills = *max_qty,
        }
        Ok(())
    }

    /// `BTCUSDT` is the linear one, or the spot one where there is no other; `spot:BTCUSDT` and
    /// `linear:BTCUSDT` say which.
    fn symbol_of(&self, symbol: &str) -> Result<InstrumentId, String> {
        let find = |name, category| self.table.find(name, category);
        match symbol.split_once(':') {
            Some(("spot", name)) => find(name, Category::Spot),
            Some(("linear", name)) => find(name, Category::Linear),
            _ => find(symbol, Category::Linear).or_else(|_| find(symbol, Category::Spot)),
        }
        .map_err(|error| error.to_string())
    }

    fn named_linear(&self, symbol: &str) -> Result<InstrumentId, String> {
        let id = self.symbol_of(symbol)?;
        if self.is_linear(id) {
            Ok(id)
        } else {
            Err(format!("{symbol} is spot: the drill needs a contract"))
        }
    }

    /// Leg of a contract that holds a position.
    fn held_leg(&self, symbol: &str) -> Result<InstrumentId, String> {
        let id = self.named_linear(symbol)?;
        let legs = std::iter::once(id).chain(self.short_of[id.index()]);
        let mut held = legs.filter(|slot| !self.legs[slot.index()].position.qty.is_zero());
        held.next()
            .ok_or_else(|| format!("{symbol} has no position"))
    }

    fn drill_liquidation(&mut self, now: Timestamp, symbol: &str) -> Result<(), String> {
        let slot = self.held_leg(symbol)?;
        let mut out = Answers::new();
        self.matcher.close_out(now, slot, &mut out);
        self.settle(&out);
        Ok(())
    }

    fn drill_adl(&mut self, now: Timestamp, symbol: &str, qty: Qty) -> Result<(), String> {
        let slot = self.held_leg(symbol)?;
        let held = self.legs[slot.index()].position.qty;
        let side = held.side().map_or(Side::Sell, Side::opposite);
        if qty.is_zero() || held.abs() < qty {
            return Err(format!("position is {held}: adl cannot take {qty}"));
        }
        let price = self.matcher.valuation(slot);
        let price = price.ok_or_else(|| format!("{symbol} has no price"))?;
        self.book_without_order(now, slot, "CreateByAdl_PassThrough", (side, qty, price));
        Ok(())
    }

    fn drill_fill(
        &mut self,
        now: Timestamp,
        symbol: &str,
        side: Side,
        qty: Qty,
        price: Price,
    ) -> Result<(), String> {
        let slot = self.foreign_slot(symbol, side)?;
        if qty.is_zero() || price.is_zero() {
            return Err("price and quantity must be above zero".to_owned());
        }
        let (instrument, _) = self.leg_name(slot);
        let held = self.legs[slot.index()].position.reducible(side);
        if !self.is_linear(instrument) && side == Side::Sell && held < qty {
            return Err(format!("balance is {held}: {qty} cannot be sold"));
        }
        self.book_without_order(now, slot, "CreateByUser", (side, qty, price));
        Ok(())
    }

    fn foreign_slot(&self, symbol: &str, side: Side) -> Result<InstrumentId, String> {
        let id = self.symbol_of(symbol)?;
        let idx = match (self.rules.hedge_mode, side) {
            (false, _) => 0,
            (true, Side::Buy) => 1,
            (true, Side::Sell) => 2,
        };
        Ok(self.slot(id, idx))
    }

    /// Books a trade behind an order that nobody here has sent.
    fn book_without_order(
        &mut self,
        now: Timestamp,
        slot: InstrumentId,
        create_type: &'static str,
        (side, qty, price): (Side, Qty, Price),
    ) {
        let mut wish = self.plain_wish(slot, side, qty, create_type);
        if wish.category == Category::Spot {
            wish.link = self.ids.spot_link();
        }
        let n = self.accept(now, wish, false);
        self.orders[n].place = Place::Matcher;
        let fee = if create_type == "CreateByUser" {
            (price * qty) * self.costs[slot.index()].taker
        } else {
            Money::ZERO
        };
        let order = self.orders[n].name();
        let fill = Fill {
            exec_id: format!("{order}-1"),
            order,
            instrument: slot,
            side,
            price,
            qty,
            fee,
            liquidity: Liquidity::Taker,
            kind: FillKind::Trade,
            at: now,
            expected: price,
            withheld: crate::domain::Qty::ZERO,
        };
        let mut out = Answers::new();
        self.matcher.book(now, fill, &mut out);
        self.settle(&out);
    }

    fn drill_order(
        &mut self,
        now: Timestamp,
        symbol: &str,
        side: Side,
        (qty, price): (Qty, Option<Price>),
        link: &str,
    ) -> Result<(), String> {
        let slot = self.foreign_slot(symbol, side)?;
        let mut wish = self.plain_wish(slot, side, qty, "CreateByUser");
        wish.limit = price;
        wish.force = if price.is_some() {
            Force::Gtc
        } else {
            Force::Ioc
        };
        link.clone_into(&mut wish.link);
        if self
            .by_link
            .contains_key(&(wish.category, wish.link.clone()))
        {
            return Err(format!("orderLinkId {link:?} is known already"));
        }
        let told = |refusal: super::refusal::Refusal| refusal.text;
        self.check_grid(&mut wish).map_err(told)?;
        self.examine(&wish).map_err(told)?;
        let n = self.accept(now, wish, false);
        self.arrive(now, Arrival::Submit(n));
        Ok(())
    }

    fn set_lag(&mut self, now: Timestamp, ms: u32) {
        self.rules.visibility_lag_ms = ms;
        let since = now.plus_millis(-i64::from(ms));
        // What is known so far stays visible.
        for n in self.open.iter().copied().collect::<Vec<_>>() {
            let order = &self.orders[n];
            let row = order.row(self.table.get(order.wish.instrument), false);
            self.orders[n].told = if ms == 0 {
                Vec::new()
            } else {
                vec![(since, row)]
            };
        }
    }
}
