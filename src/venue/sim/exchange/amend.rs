//! `order/amend`.
//!
//! PROTOCOL section 11 (Bybit v5, order/amend). What the matcher holds is changed there (its rule
//! 30); what the venue parks is changed here.

use serde_json::json;

use super::create::read_guards;
use super::order::{Force, Guard, Guards, Place};
use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Arrival, Exchange, Outcome};
use crate::domain::{Category, Price, Qty, RejectReason, Timestamp, TriggerPrice};
use crate::venue::sim::matcher::{AmendError, Answers, Change};

/// A checked change of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amendment {
    change: Change,
    by: Option<TriggerPrice>,
    guards: Option<Guards>,
}

impl Exchange {
    /// Takes a change or refuses it.
    pub(super) fn amend(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        self.instrument(category, params)?;
        let n = self
            .named(category, params)?
            .filter(|n| !self.orders[*n].status.is_final())
            .ok_or_else(|| Refusal::gone(category))?;
        let amendment = self.amendment(n, params)?;
        if self.orders[n].place == Place::Matcher && amendment.change != Change::default() {
            self.try_amend(n, &amendment.change)?;
        }
        let answer = Answer::ok(json!({
            "orderId": self.orders[n].order_id,
            "orderLinkId": self.orders[n].wish.link,
        }));
        self.send(now, Arrival::Amend(n, Box::new(amendment)));
        Ok(answer)
    }

    /// Reads a change and checks what needs no matcher.
    fn amendment(&self, n: usize, params: Params<'_>) -> Result<Amendment, Refusal> {
        let order = &self.orders[n];
        let category = order.wish.category;
        let rules = self.table.get(order.wish.instrument);
        let above = |price: Option<Price>| price.filter(|p| !p.is_zero());
        let price = above(params.number("price")?).filter(|_| order.wish.limit.is_some());
        let trigger = above(params.number("triggerPrice")?);
        let qty: Option<Qty> = params.number("qty")?;
        let mut wish = order.wish.clone();
        wish.qty = qty.unwrap_or(wish.qty);
        wish.limit = price.or(wish.limit);
        if let (Some(old), Some(price)) = (&mut wish.trigger, trigger) {
            old.price = price;
            let market = self.matcher.watched(wish.slot, old.by);
            if let Some(market) = market.filter(|market| old.is_reached(*market)) {
                return Err(super::create::passed(old.rises, price, market));
            }
        }
        if qty.is_some_and(|qty| qty <= order.filled) {
            return Err(below_filled(category));
        }
        self.check_grid(&mut wish)?;
        debug_assert!(!rules.tick.is_zero());
        let by = match params.text("triggerBy") {
            Some(_) => Some(super::create::watched_by(params, "triggerBy")?),
            None => None,
        };
        let guards = self.amended_guards(n, params)?;
        let change = Change {
            // A price that the band has moved is the one that counts.
            price: price.and(wish.limit),
            qty,
            trigger: trigger.filter(|_| wish.trigger.is_some()),
        };
        if change == Change::default() && by.is_none() && guards.is_none() {
            return Err(match category {
                Category::Linear => Refusal::new(10001, "order not modified"),
                Category::Spot => Refusal::new(170_130, "Data sent for parameter is not valid."),
            });
        }
        Ok(Amendment { change, by, guards })
    }

    /// Guards as they would be: `"0"` removes one.
    fn amended_guards(&self, n: usize, params: Params<'_>) -> Result<Option<Guards>, Refusal> {
        let wish = &self.orders[n].wish;
        let (take, stop) = (params.text("takeProfit"), params.text("stopLoss"));
        if take.is_none() && stop.is_none() {
            return Ok(None);
        }
        if wish.category == Category::Spot {
            return Err(Refusal::params("TP/SL on spot is not simulated"));
        }
        let new = read_guards(params)?;
        let pick = |said: Option<String>, new: Option<Guard>, old: Option<Guard>| match said {
            Some(_) => new,
            None => old,
        };
        let guards = Guards {
            take: pick(take, new.take, wish.guards.take),
            stop: pick(stop, new.stop, wish.guards.stop),
            partial: wish.guards.partial || new.partial,
        };
        let base = wish.limit.or_else(|| self.matcher.reference(wish.slot));
        self.check_guards(wish.instrument, wish.side, base, &guards)?;
        Ok(Some(guards))
    }

    /// Asks a copy of nothing but the order whether the matcher would take the change.
    fn try_amend(&self, n: usize, change: &Change) -> Result<(), Refusal> {
        let order = &self.orders[n];
        let category = order.wish.category;
        let told = self.matcher.would_amend(&order.name(), change);
        told.map_err(|error| match error {
            AmendError::NotOpen(_) => Refusal::gone(category),
            AmendError::BelowFilled { .. } => below_filled(category),
            AmendError::Nothing(what) => {
                Refusal::params(format_args!("the order has no {what} to amend"))
            }
            AmendError::Refused(RejectReason::InsufficientBalance { .. }) => {
                Refusal::funds(category)
            }
            AmendError::Refused(reason) => Refusal::params(reason),
        })
    }

    /// Carries a change out at the matching engine; one that comes too late is lost in silence,
    /// as the venue's is.
    pub(super) fn arrive_amend(&mut self, n: usize, at: Timestamp, amendment: &Amendment) {
        let change = amendment.change;
        match self.orders[n].place {
            Place::Gone => return,
            Place::Matcher if change != Change::default() => {
                let (name, mut out) = (self.orders[n].name(), Answers::new());
                if self.matcher.amend(at, &name, &change, &mut out).is_err() {
                    return;
                }
                self.change_wish(n, at, amendment);
                self.tell_order(n, at);
                self.tell_standing(n, at);
                return self.settle(&out);
            }
            Place::Matcher | Place::Parked | Place::Coming => {}
        }
        self.change_wish(n, at, amendment);
        self.tell_order(n, at);
        self.tell_standing(n, at);
    }

    fn change_wish(&mut self, n: usize, at: Timestamp, amendment: &Amendment) {
        let order = &mut self.orders[n];
        order.updated = at;
        let wish = &mut order.wish;
        wish.qty = amendment.change.qty.unwrap_or(wish.qty);
        wish.limit = amendment.change.price.or(wish.limit);
        if let Some(trigger) = &mut wish.trigger {
            trigger.price = amendment.change.trigger.unwrap_or(trigger.price);
            // The matcher's own triggers keep what they watch.
            if order.place == Place::Parked {
                trigger.by = amendment.by.unwrap_or(trigger.by);
            }
        }
        if let Some(guards) = amendment.guards {
            wish.guards = guards;
        }
        debug_assert!(wish.limit.is_some() || wish.force != Force::PostOnly);
    }

    /// The order that a request names; `orderId` wins over `orderLinkId`.
    pub(super) fn named(
        &self,
        category: Category,
        params: Params<'_>,
    ) -> Result<Option<usize>, Refusal> {
        let n = match (params.text("orderId"), params.text("orderLinkId")) {
            (Some(id), _) => self.by_id.get(&id).copied(),
            (None, Some(link)) => self.by_link.get(&(category, link)).copied(),
            (None, None) => {
                return Err(Refusal::params("orderId or orderLinkId is required"));
            }
        };
        let symbol = params.text("symbol");
        Ok(n.filter(|n| {
            let wish = &self.orders[*n].wish;
            let rules = self.table.get(wish.instrument);
            wish.category == category && symbol.as_deref() == Some(rules.symbol.as_str())
        }))
    }
}

fn below_filled(category: Category) -> Refusal {
    match category {
        Category::Linear => Refusal::new(
            110_064,
            "The quantity to be modified is less than the executed quantity.",
        ),
        Category::Spot => Refusal::new(
            170_313,
            "The quantity to be modified is less than the executed quantity.",
        ),
    }
}
