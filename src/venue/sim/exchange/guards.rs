//! Take-profits, stop-losses and trailing stops that belong to a position.
//!
//! PROTOCOL sections 11 and 12 (Bybit v5, position/trading-stop). The venue makes them
//! conditional orders of its own, which grow and shrink with the position (`Full`) or stand for
//! one amount (`Partial`), and die with it.

use serde_json::json;

use super::create::{read_guards, watched_by};
use super::order::{Force, Guard, Guards, Place, Trigger, Wish};
use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Exchange, Outcome};
use crate::domain::{Category, InstrumentId, Price, Qty, Side, Timestamp, TriggerPrice};
use crate::venue::sim::matcher::{Answers, Change};

/// Pairs of partial guards that a position may have.
const MAX_PARTIAL: usize = 20;

/// A guard to be made: where, on which side, and for how much.
#[derive(Debug, Clone, Copy)]
struct Make {
    slot: InstrumentId,
    side: Side,
    qty: Qty,
    partial: bool,
}

impl Exchange {
    /// Makes the guards that an entry brought along, now that it has filled.
    pub(super) fn guard_fill(&mut self, n: usize, qty: Qty, at: Timestamp) {
        let wish = &self.orders[n].wish;
        let (slot, guards) = (wish.slot, wish.guards);
        let opened = wish.side;
        let held = self.legs[slot.index()].position.qty;
        if wish.is_guard()
            || (guards.take.is_none() && guards.stop.is_none())
            || held.side() != Some(opened)
        {
            return;
        }
        let make = Make {
            slot,
            side: opened.opposite(),
            qty: if guards.partial { qty } else { held.abs() },
            partial: guards.partial,
        };
        if guards.partial {
            self.make_pair(&make, &guards, at);
        } else {
            self.replace_full(&make, &guards, at);
        }
    }

    /// Lets guards follow a position that has changed.
    pub(super) fn follow_position(&mut self, slot: InstrumentId, at: Timestamp) {
        let held = self.legs[slot.index()].position.qty;
        let closes = held.side().map(Side::opposite);
        for n in self.guards_on(slot) {
            let order = &self.orders[n];
            if Some(order.wish.side) != closes {
                self.cancel_for(n, at, "CancelByTpSlTsClear");
                continue;
            }
            let size = held.abs();
            let total = order.filled + size;
            if order.wish.guards.partial || order.wish.qty == total {
                continue;
            }
            match order.place {
                Place::Parked => self.orders[n].wish.qty = total,
                Place::Matcher => {
                    let change = Change {
                        qty: Some(total),
                        ..Change::default()
                    };
                    let (name, mut out) = (order.name(), Answers::new());
                    // A size beyond the largest order leaves the guard as large as it is.
                    if self.matcher.amend(at, &name, &change, &mut out).is_ok() {
                        self.orders[n].wish.qty = total;
                    }
                    self.settle(&out);
                }
                Place::Coming | Place::Gone => {}
            }
        }
    }

    /// An order that has not ended.
    fn alive(&self, n: usize) -> Option<usize> {
        Some(n).filter(|n| !self.orders[*n].status.is_final())
    }

    /// Open guards of a leg.
    fn guards_on(&self, slot: InstrumentId) -> Vec<usize> {
        let is_one = |n: &usize| {
            let wish = &self.orders[*n].wish;
            wish.slot == slot && wish.is_guard()
        };
        self.open.iter().copied().filter(is_one).collect()
    }

    /// Replaces the guards of a whole position; a half that is `None` stays.
    fn replace_full(&mut self, make: &Make, guards: &Guards, at: Timestamp) {
        let old = &self.legs[make.slot.index()];
        let (old_take, old_stop) = (old.take, old.stop);
        if let Some(guard) = guards.take
            && !self.edit_guard(old_take, guard, at)
        {
            self.drop_guard(old_take, at);
            let n = self.make_guard(make, guard, "TakeProfit", at);
            self.legs[make.slot.index()].take = self.alive(n);
        }
        if let Some(guard) = guards.stop
            && !self.edit_guard(old_stop, guard, at)
        {
            self.drop_guard(old_stop, at);
            let n = self.make_guard(make, guard, "StopLoss", at);
            self.legs[make.slot.index()].stop = self.alive(n);
        }
        self.tell_position(make.slot, at);
    }

    /// Makes guards for one amount; each goes when the other wakes.
    fn make_pair(&mut self, make: &Make, guards: &Guards, at: Timestamp) {
        let take = guards
            .take
            .map(|guard| self.make_guard(make, guard, "PartialTakeProfit", at));
        let stop = guards
            .stop
            .map(|guard| self.make_guard(make, guard, "PartialStopLoss", at));
        if let (Some(take), Some(stop)) = (take, stop)
            && self.alive(take).and(self.alive(stop)).is_some()
        {
            self.orders[take].sibling = Some(stop);
            self.orders[stop].sibling = Some(take);
        }
        self.tell_position(make.slot, at);
    }

    /// Moves the trigger of a guard that is there; false when it has to be made anew.
    fn edit_guard(&mut self, old: Option<usize>, guard: Guard, at: Timestamp) -> bool {
        let Some((n, trigger)) = old.and_then(|n| Some((n, self.orders[n].wish.trigger?))) else {
            return false;
        };
        let change = Change {
            trigger: Some(guard.price),
            ..Change::default()
        };
        let (name, mut out) = (self.orders[n].name(), Answers::new());
        if trigger.by != guard.by || self.matcher.amend(at, &name, &change, &mut out).is_err() {
            return false;
        }
        let order = &mut self.orders[n];
        order.wish.trigger = Some(Trigger {
            price: guard.price,
            ..trigger
        });
        order.updated = at;
        self.tell_order(n, at);
        true
    }

    fn drop_guard(&mut self, guard: Option<usize>, at: Timestamp) {
        if let Some(n) = guard {
            self.cancel_for(n, at, "CancelByTpSlTsClear");
        }
    }

    fn make_guard(
        &mut self,
        make: &Make,
        guard: Guard,
        stop_type: &'static str,
        at: Timestamp,
    ) -> usize {
        let takes = stop_type.ends_with("TakeProfit");
        let create_type = match stop_type {
            "TakeProfit" => "CreateByTakeProfit",
            "PartialTakeProfit" => "CreateByPartialTakeProfit",
            "StopLoss" => "CreateByStopLoss",
            "PartialStopLoss" => "CreateByPartialStopLoss",
            _ => "CreateByTrailingStop",
        };
        let mut wish = self.plain_wish(make.slot, make.side, make.qty, create_type);
        wish.stop_type = stop_type;
        wish.guards.partial = make.partial;
        wish.reduce_only = true;
        wish.close_on_trigger = true;
        wish.limit = guard.limit;
        wish.force = if guard.limit.is_some() {
            Force::Gtc
        } else {
            Force::Ioc
        };
        wish.waits = guard.limit.is_none() && self.rules.market_rest_waits;
        // A sale that takes a profit waits for a rise, one that stops a loss for a fall.
        wish.trigger = Some(Trigger {
            price: guard.price,
            rises: takes == (make.side == Side::Sell),
            by: guard.by,
        });
        self.start_guard(wish, at)
    }

    /// Starts a guard; one whose trigger is passed already wakes at once.
    fn start_guard(&mut self, wish: Wish, at: Timestamp) -> usize {
        let passed = wish.trigger.is_some_and(|trigger| {
            let market = self.matcher.watched(wish.slot, trigger.by);
            market.is_some_and(|market| trigger.is_reached(market))
        });
        let parked = wish.is_parked();
        let n = self.accept(at, wish, false);
        if passed && !parked {
            self.park(n, at);
            self.wake(n, at);
        } else {
            self.arrive(at, super::Arrival::Submit(n));
        }
        n
    }

    /// `POST /v5/position/trading-stop`.
    pub(super) fn trading_stop(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        if category != Category::Linear {
            return Err(Refusal::new(10001, "Illegal category"));
        }
        let instrument = self.instrument(category, params)?;
        let idx = self.idx_of(category, params)?;
        let slot = self.slot(instrument, idx);
        let held = self.legs[slot.index()].position.qty;
        let Some(side) = held.side() else {
            return Err(Refusal::new(
                10001,
                "can not set tp/sl/ts for zero position",
            ));
        };
        let guards = read_guards(params)?;
        let base = self.matcher.valuation(slot);
        self.check_guards(instrument, side, base, &guards)?;
        let make = Make {
            slot,
            side: side.opposite(),
            qty: held.abs(),
            partial: guards.partial,
        };
        let mut changed = self.set_trailing(&make, params, now)?;
        if guards.partial {
            changed |= self.add_partial(make, &guards, params, now)?;
        } else {
            changed |= self.edit_full(&make, &guards, params, now);
        }
        if !changed {
            return Err(Refusal::new(34040, "not modified"));
        }
        Ok(Answer::ok(json!({})))
    }

    fn add_partial(
        &mut self,
        make: Make,
        guards: &Guards,
        params: Params<'_>,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        if guards.take.is_none() && guards.stop.is_none() {
            return Ok(false);
        }
        let (take, stop) = (params.number::<Qty>("tpSize")?, params.number("slSize")?);
        if take.is_some() && stop.is_some() && take != stop {
            return Err(Refusal::params("tpSize must equal slSize"));
        }
        let n_partial = self.guards_on(make.slot).into_iter();
        let n_partial = n_partial.filter(|n| self.orders[*n].wish.guards.partial);
        if 2 * MAX_PARTIAL <= n_partial.count() {
            return Err(Refusal::new(110_061, "Over the limit of partial TP/SL"));
        }
        let qty = take.or(stop).unwrap_or(make.qty).min(make.qty);
        self.make_pair(&Make { qty, ..make }, guards, now);
        Ok(true)
    }

    /// Edits the guards of the whole position: a price sets, `"0"` removes, absent leaves.
    fn edit_full(
        &mut self,
        make: &Make,
        guards: &Guards,
        params: Params<'_>,
        now: Timestamp,
    ) -> bool {
        let leg = &self.legs[make.slot.index()];
        let (old_take, old_stop) = (leg.take, leg.stop);
        let is_new = |old: Option<usize>, guard: &Guard| {
            let trigger = old.and_then(|n| self.orders[n].wish.trigger);
            trigger.is_none_or(|t| t.price != guard.price || t.by != guard.by)
        };
        let new = Guards {
            take: guards.take.filter(|guard| is_new(old_take, guard)),
            stop: guards.stop.filter(|guard| is_new(old_stop, guard)),
            partial: false,
        };
        let removes = |name: &str| params.text(name).is_some_and(|t| is_zero(&t));
        let mut changed = new.take.is_some() || new.stop.is_some();
        if removes("takeProfit") && old_take.is_some() {
            self.drop_guard(old_take, now);
            changed = true;
        }
        if removes("stopLoss") && old_stop.is_some() {
            self.drop_guard(old_stop, now);
            changed = true;
        }
        if changed {
            self.legs[make.slot.index()].updated = now;
            self.replace_full(make, &new, now);
        }
        changed
    }

    fn set_trailing(
        &mut self,
        make: &Make,
        params: Params<'_>,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let Some(distance) = params.number::<Price>("trailingStop")? else {
            return Ok(false);
        };
        let active: Option<Price> = params.number("activePrice")?;
        let old = self.legs[make.slot.index()].trailing;
        if distance.is_zero() {
            self.drop_guard(old, now);
            return Ok(old.is_some());
        }
        let market = self.matcher.watched(make.slot, TriggerPrice::Last);
        let Some(market) = market.filter(|market| distance < *market) else {
            return Err(Refusal::params("trailingStop invalid"));
        };
        self.drop_guard(old, now);
        watched_by(params, "slTriggerBy")?;
        let for_long = make.side == Side::Sell;
        let raw = if for_long {
            market.raw() - distance.raw()
        } else {
            market.raw() + distance.raw()
        };
        let guard = Guard {
            price: Price::from_raw(raw).unwrap_or(market),
            by: TriggerPrice::Last,
            limit: None,
        };
        let active = active.filter(|p| !p.is_zero());
        let n = self.make_guard(make, guard, "TrailingStop", now);
        let order = &mut self.orders[n];
        order.trail = Some((distance, active));
        order.best = active.is_none().then_some(market);
        self.legs[make.slot.index()].trailing = self.alive(n);
        self.tell_position(make.slot, now);
        Ok(true)
    }
}

fn is_zero(text: &str) -> bool {
    text.parse::<Price>().is_ok_and(Price::is_zero)
}
