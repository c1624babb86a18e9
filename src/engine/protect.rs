//! Protection: one stop at the venue for every position, and the net behind it.
//!
//! Never naked (B-02). The rules for a stop that dies although its position lives:
//!
//! 1. It is sent again at once, but only once; after that the next bar tries.
//! 2. A stop whose trigger is passed already, or the third that dies in a row, is not sent again:
//!    the position is closed at market.
//! 3. A close that was turned away is not repeated within a second of session time.
//! 4. At L3 there are no stops: everything is being closed.
//!
//! So a venue that refuses everything sees at most two orders a bar and one a second, not a storm,
//! and a session in which the latch closes under the engine's feet cannot spin.

use super::core::Engine;
use super::event::{CancelReason, Effect};
use super::planner::largest_close;
use super::settings::has_venue_stops;
use crate::account::Order;
use crate::control::NoticeLevel;
use crate::domain::{
    ClientOrderId, InstrumentId, Intent, KillLevel, LegId, OrderKind, OrderSpec, Price, Purpose,
    Qty, Rate, Side, TimeInForce, TriggerPrice,
};

/// Stops that may die in a row before the position is closed.
const MAX_STOP_FAULTS: u32 = 3;
/// Wait after a protective or flattening close that was turned away, in milliseconds.
const CLOSE_WAIT_MS: i64 = 1_000;

impl Engine {
    /// Keeps one reduce-only stop at the venue, of the size of the position (F21).
    pub(super) fn protect(&mut self, leg: LegId, effects: &mut Vec<Effect>) {
        let instrument = self.legs[leg.index()].instrument;
        if !self.has_stops(instrument) || self.level == KillLevel::Flatten {
            return;
        }
        let wanted = self.wanted_stop(instrument);
        let current = self.legs[leg.index()].stop;
        if let (Some((side, qty, _)), Some(order)) =
            (wanted, current.and_then(|id| self.orders.get(&id)))
        {
            let (open, is_awake) = (order.open_qty(), !order.is_protection());
            let covers = open == qty || (is_awake && qty < open);
            if order.is_live() && order.intent.spec.side == side && covers {
                return;
            }
        }
        if let Some(order) = current {
            self.legs[leg.index()].stop = None;
            if self.orders.get(&order).is_some_and(Order::is_cancellable) {
                let reason = if wanted.is_some() {
                    CancelReason::Superseded
                } else {
                    CancelReason::Orphaned
                };
                self.cancel(order, reason, effects);
            }
        }
        match wanted {
            Some(wanted) => self.place_stop(leg, wanted, effects),
            None => self.legs[leg.index()].stop_faults = 0,
        }
    }

    fn place_stop(
        &mut self,
        leg: LegId,
        (side, qty, trigger): (Side, Qty, Price),
        effects: &mut Vec<Effect>,
    ) {
        let by = TriggerPrice::Last;
        let kind = OrderKind::Stop { trigger, by };
        let intent = self.reducing(leg, 's', (side, qty, kind), Purpose::StopLoss);
        let id = intent.id;
        if self.submit(intent, effects) {
            self.legs[leg.index()].stop = Some(id);
        } else {
            self.legs[leg.index()].stop_faults += 1;
        }
    }

    /// The leg's stop is gone, and nobody here wanted that.
    pub(super) fn on_stop_died(&mut self, leg: LegId, passed: bool, effects: &mut Vec<Effect>) {
        let row = &mut self.legs[leg.index()];
        row.stop = None;
        let instrument = row.instrument;
        // Without a position it has done its work, or has nothing left to do.
        if self.level == KillLevel::Flatten || self.wanted_stop(instrument).is_none() {
            return;
        }
        let row = &mut self.legs[leg.index()];
        row.stop_faults += 1;
        if passed || MAX_STOP_FAULTS <= row.stop_faults {
            self.close_naked(leg, effects);
        } else if row.stop_faults == 1 {
            self.protect(leg, effects);
        }
    }

    /// Looks after a position that has no stop at the venue, once a bar.
    pub(super) fn guard(&mut self, leg: LegId, effects: &mut Vec<Effect>) {
        let row = &self.legs[leg.index()];
        let instrument = row.instrument;
        if self.ledger.position(instrument).is_none()
            || self.level == KillLevel::Flatten
            || !self.has_stops(instrument)
        {
            return;
        }
        let is_live = |id: ClientOrderId| self.orders.get(&id).is_some_and(Order::is_live);
        if row.stop.is_some_and(is_live) {
            self.legs[leg.index()].stop_faults = 0;
        } else if MAX_STOP_FAULTS <= row.stop_faults {
            self.close_naked(leg, effects);
        } else {
            self.protect(leg, effects);
        }
    }

    fn close_naked(&mut self, leg: LegId, effects: &mut Vec<Effect>) {
        let instrument = self.legs[leg.index()].instrument;
        let symbol = &self.instruments.get(instrument).symbol;
        let text = format!("{symbol} has no stop at the venue: closing at market");
        self.close_for_loss(leg, text, effects);
    }

    /// The bot-side stop: closes a position whose loss has passed its limit although the stop at
    /// the venue has not closed it (S2-29, C-16).
    pub(super) fn second_net(&mut self, id: InstrumentId, price: Price, effects: &mut Vec<Effect>) {
        let (Some(leg), Some(position)) = (self.routes[id.index()], self.ledger.position(id))
        else {
            return;
        };
        let Some(side) = position.size.side() else {
            return;
        };
        let entry = position.entry;
        let trigger = match self.legs[leg.index()].net {
            Some((of_side, of_entry, trigger)) if of_side == side && of_entry == entry => trigger,
            _ => stop_price(entry, side, self.stop_loss(id)),
        };
        self.legs[leg.index()].net = Some((side, entry, trigger));
        let broken = match side {
            Side::Buy => price < trigger,
            Side::Sell => trigger < price,
        };
        if broken {
            let symbol = &self.instruments.get(id).symbol;
            let text = format!("{symbol} lost more than its stop at {trigger}: closing at market");
            self.close_for_loss(leg, text, effects);
        }
    }

    /// Closes what no order closes yet, unless the last attempt has only just been turned away.
    fn close_for_loss(&mut self, leg: LegId, text: String, effects: &mut Vec<Effect>) {
        let row = &self.legs[leg.index()];
        let held = self.ledger.size(row.instrument);
        let qty = held
            .abs()
            .saturating_sub(self.orders.closing(row.instrument));
        let Some(side) = held.side().filter(|_| !qty.is_zero()) else {
            return;
        };
        if self.level == KillLevel::Flatten || self.now < row.close_not_before {
            return;
        }
        self.notice(NoticeLevel::Error, "risk", text, effects);
        self.close_at_market(leg, side.opposite(), qty, Purpose::StopLoss, effects);
    }

    /// Sends a reduce-only market order for a leg's instrument, no larger than the venue takes.
    pub(super) fn close_at_market(
        &mut self,
        leg: LegId,
        side: Side,
        qty: Qty,
        purpose: Purpose,
        effects: &mut Vec<Effect>,
    ) {
        let role = if purpose == Purpose::Flatten {
            'f'
        } else {
            'c'
        };
        let instrument = self.legs[leg.index()].instrument;
        let qty = qty.min(largest_close(self.instruments.get(instrument)));
        let intent = self.reducing(leg, role, (side, qty, OrderKind::Market), purpose);
        if !self.submit(intent, effects) {
            self.wait_with_closes(leg);
        }
    }

    /// No protective or flattening close of this leg for a moment.
    pub(super) fn wait_with_closes(&mut self, leg: LegId) {
        self.legs[leg.index()].close_not_before = self.now.plus_millis(CLOSE_WAIT_MS);
    }

    fn reducing(
        &mut self,
        leg: LegId,
        role: char,
        (side, qty, kind): (Side, Qty, OrderKind),
        purpose: Purpose,
    ) -> Intent {
        let row = &mut self.legs[leg.index()];
        let attempt = row.attempts.next(row.bar, role);
        Intent {
            id: ClientOrderId::of_decision(row.scope, row.bar, role, attempt),
            leg,
            trace: self.seq,
            decided_at: self.now,
            spec: OrderSpec {
                instrument: row.instrument,
                side,
                qty,
                kind,
                tif: TimeInForce::Gtc,
                reduce_only: true,
                purpose,
            },
        }
    }

    fn has_stops(&self, id: InstrumentId) -> bool {
        self.settings.venue_stops && has_venue_stops(self.instruments.get(id).category)
    }

    /// Side, size and trigger of the stop that the position needs; `None` when flat.
    fn wanted_stop(&self, id: InstrumentId) -> Option<(Side, Qty, Price)> {
        let position = self.ledger.position(id)?;
        let side = position.size.side()?;
        let instrument = self.instruments.get(id);
        let trigger = stop_price(position.entry, side, self.stop_loss(id));
        // Rounded towards the entry: a stop may be earlier than asked for, never later.
        let trigger = match side {
            Side::Buy => trigger.ceil_to(instrument.tick),
            Side::Sell => trigger.floor_to(instrument.tick),
        };
        let qty = position.size.abs().min(largest_close(instrument));
        Some((side.opposite(), qty, trigger))
    }

    /// Allowed loss of a position: its leg's, which is never laxer than the account's.
    fn stop_loss(&self, id: InstrumentId) -> Rate {
        let account = self.settings.limits.stop_loss;
        match self.routes[id.index()] {
            Some(leg) => self.legs[leg.index()].stop_loss.min(account),
            None => account,
        }
    }

    /// Price at which a position is closed for its loss, where one is held.
    pub(super) fn stop_of(&self, id: InstrumentId) -> Option<Price> {
        self.wanted_stop(id).map(|(_, _, trigger)| trigger)
    }
}

/// Entry price moved against the position by the allowed loss.
fn stop_price(entry: Price, side: Side, loss: Rate) -> Price {
    match side {
        Side::Buy => entry.moved(-loss),
        Side::Sell => entry.moved(loss),
    }
}
