//! The way of an order: accepted, sent to the matching engine, parked, woken, finished.
//!
//! It moves orders between the venue and the matcher; what the matcher says about them is told
//! in `answers`.

use super::order::{Place, Status, Trigger, VenueOrder, Wish, place_of};
use super::{Arrival, Exchange};
use crate::domain::{
    Category, InstrumentId, Intent, LegId, MarketEvent, Money, Price, Qty, SignedQty, Timestamp,
    TriggerPrice,
};
use crate::venue::sim::matcher::Answers;

impl Exchange {
    /// Makes an order of a wish; it is known from now on.
    pub(super) fn accept(&mut self, now: Timestamp, wish: Wish, by_user: bool) -> usize {
        let n = self.orders.len();
        let order_id = self.ids.next(wish.category);
        self.by_id.insert(order_id.clone(), n);
        if !wish.link.is_empty() {
            self.by_link.insert((wish.category, wish.link.clone()), n);
        }
        self.open.insert(n);
        self.orders.push(VenueOrder {
            n,
            order_id,
            by_user,
            status: Status::Accepted,
            place: Place::Coming,
            filled: Qty::ZERO,
            value: Money::ZERO,
            fee: Money::ZERO,
            base_fee: SignedQty::ZERO,
            closed_pnl: Money::ZERO,
            cancel_type: "UNKNOWN",
            reject: "EC_NoError".to_owned(),
            reason: None,
            created: now,
            updated: now,
            last_on_created: self.matcher.reference(wish.slot),
            sibling: None,
            best: None,
            trail: None,
            told: Vec::new(),
            wish,
        });
        n
    }

    /// Sends something to the matching engine, which it reaches after the venue's delay.
    pub(super) fn send(&mut self, now: Timestamp, arrival: Arrival) {
        if self.rules.ack_delay_ms == 0 && self.coming.is_empty() {
            return self.arrive(now, arrival);
        }
        self.n_sent += 1;
        let due = now.plus_millis(i64::from(self.rules.ack_delay_ms));
        self.coming.insert((due, self.n_sent), arrival);
    }

    /// Something has reached the matching engine.
    pub(super) fn arrive(&mut self, at: Timestamp, arrival: Arrival) {
        match arrival {
            Arrival::Submit(n) => self.arrive_order(n, at),
            Arrival::Cancel(n) => self.arrive_cancel(n, at),
            Arrival::Amend(n, amendment) => self.arrive_amend(n, at, &amendment),
        }
    }

    fn arrive_order(&mut self, n: usize, at: Timestamp) {
        if self.orders[n].by_user
            && let Some((reason, times)) = &mut self.reject_later
        {
            let reason = reason.clone();
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.reject_later = None;
            }
            self.orders[n].reject = reason;
            return self.finish(n, at, Status::Rejected);
        }
        if !self.orders[n].wish.is_parked() {
            let expected = self.orders[n].last_on_created;
            return self.submit(n, at, false, expected);
        }
        self.park(n, at);
    }

    /// Keeps an order whose trigger the venue watches itself.
    pub(super) fn park(&mut self, n: usize, at: Timestamp) {
        let order = &mut self.orders[n];
        order.place = Place::Parked;
        order.status = Status::Untriggered;
        order.updated = at;
        self.tell_order(n, at);
        self.tell_standing(n, at);
    }

    /// Hands an order to the matcher.
    fn submit(&mut self, n: usize, at: Timestamp, awake: bool, expected: Option<Price>) {
        let order = &mut self.orders[n];
        order.place = Place::Matcher;
        let intent = Intent {
            id: order.name(),
            leg: LegId(0),
            trace: 0,
            decided_at: at,
            spec: order.wish.spec(awake),
        };
        let mut out = Answers::new();
        self.matcher
            .submit_expecting(at, &intent, expected, &mut out);
        self.settle(&out);
    }

    /// Wakes a parked order.
    pub(super) fn wake(&mut self, n: usize, at: Timestamp) {
        let order = &mut self.orders[n];
        let expected = order.wish.trigger.map(|trigger| trigger.price);
        order.status = Status::Triggered;
        order.updated = at;
        self.tell_order(n, at);
        self.drop_sibling(n, at);
        self.submit(n, at, true, expected);
    }

    /// The other half of a pair goes when one half wakes.
    pub(super) fn drop_sibling(&mut self, n: usize, at: Timestamp) {
        if let Some(other) = self.orders[n].sibling.take() {
            self.orders[other].sibling = None;
            self.cancel_for(other, at, "CancelByTpSlTsClear");
        }
    }

    /// Cancels an order of its own accord, with the venue's word for why.
    pub(super) fn cancel_for(&mut self, n: usize, at: Timestamp, cancel_type: &'static str) {
        if self.orders[n].status.is_final() {
            return;
        }
        self.orders[n].reason = Some((cancel_type, "EC_PerCancelRequest".to_owned()));
        self.withdraw(n, at);
    }

    /// Takes an open order back from wherever it is.
    fn withdraw(&mut self, n: usize, at: Timestamp) {
        match self.orders[n].place {
            Place::Matcher => {
                let mut out = Answers::new();
                self.matcher.cancel(at, &self.orders[n].name(), &mut out);
                self.settle(&out);
            }
            Place::Parked | Place::Coming => self.end(n, at),
            Place::Gone => {}
        }
    }

    /// Parked contracts go with a liquidation, as those that the matcher holds do.
    pub(super) fn cancel_parked(&mut self, at: Timestamp) {
        let parked = self.open.iter().copied().filter(|n| {
            let order = &self.orders[*n];
            order.place == Place::Parked && order.wish.category == Category::Linear
        });
        for n in parked.collect::<Vec<_>>() {
            self.cancel_for(n, at, "CancelAllBeforeLiq");
        }
    }

    fn arrive_cancel(&mut self, n: usize, at: Timestamp) {
        if self.orders[n].status == Status::Filled {
            // The cancel has lost the race: the order is told as filled once more.
            let order = &self.orders[n];
            let rules = self.table.get(order.wish.instrument);
            let mut row = order.row(rules, true);
            row["cancelType"] = "CancelByUser".into();
            row["rejectReason"] = "EC_OrigClOrdIDDoesNotExist".into();
            row["updatedTime"] = at.millis().to_string().into();
            let category = order.wish.category;
            self.push("order", category, at, &row);
            return;
        }
        self.cancel_for(n, at, "CancelByUser");
    }

    /// Ends an order whose rest is gone, with the reason that was left for it.
    pub(super) fn end(&mut self, n: usize, at: Timestamp) {
        let order = &mut self.orders[n];
        if let Some((cancel_type, reject)) = order.reason.take() {
            order.cancel_type = cancel_type;
            order.reject = reject;
        }
        let asleep = order.status == Status::Untriggered;
        let status = match (order.wish.category, order.filled.is_zero()) {
            (Category::Spot, false) => Status::PartiallyFilledCanceled,
            (Category::Spot, true) if asleep => Status::Deactivated,
            _ => Status::Cancelled,
        };
        self.finish(n, at, status);
    }

    /// Puts an order into a final state and tells so.
    pub(super) fn finish(&mut self, n: usize, at: Timestamp, status: Status) {
        let order = &mut self.orders[n];
        order.status = status;
        order.updated = at;
        self.retire(n);
        self.tell_order(n, at);
        self.tell_standing(n, at);
    }

    /// Moves a finished order from the open ones to those that are remembered.
    pub(super) fn retire(&mut self, n: usize) {
        self.orders[n].place = Place::Gone;
        let leg = &mut self.legs[self.orders[n].wish.slot.index()];
        for guard in [&mut leg.take, &mut leg.stop, &mut leg.trailing] {
            if *guard == Some(n) {
                *guard = None;
            }
        }
        if self.open.remove(&n) {
            self.closed.push_back(n);
            while self.rules.closed_kept < self.closed.len() {
                self.closed.pop_front();
            }
        }
    }

    /// Order that the matcher speaks of.
    pub(super) fn spoken_of(&self, name: &crate::domain::ClientOrderId) -> Option<usize> {
        place_of(name).filter(|n| *n < self.orders.len())
    }

    /// Lets a market event wake parked orders and move trailing stops.
    pub(super) fn watch_parked(&mut self, at: Timestamp, event: &MarketEvent) {
        let instrument = event.instrument();
        let parked: Vec<usize> = self
            .open
            .iter()
            .copied()
            .filter(|n| {
                let order = &self.orders[*n];
                order.place == Place::Parked && order.wish.instrument == instrument
            })
            .collect();
        for n in parked {
            for price in self.seen_by(n, event) {
                if self.orders[n].place == Place::Parked && self.is_woken(n, at, price) {
                    self.wake(n, at);
                }
            }
        }
    }

    /// Prices of an event that count for a parked order, in the order of the worst case.
    fn seen_by(&self, n: usize, event: &MarketEvent) -> Vec<Price> {
        let order = &self.orders[n];
        let by = order.wish.trigger.map_or(TriggerPrice::Last, |t| t.by);
        match (event, by) {
            (MarketEvent::BarOpen { price, .. }, TriggerPrice::Last)
            | (MarketEvent::Mark { price, .. }, TriggerPrice::Mark) => vec![*price],
            (MarketEvent::Trade(trade), TriggerPrice::Last) => vec![trade.price],
            (MarketEvent::Bar(event), TriggerPrice::Last)
                if self.views[order.wish.instrument.index()].is_finest(event.interval) =>
            {
                let bar = &event.bar;
                if order.created <= bar.open_time {
                    vec![bar.open, bar.low, bar.high, bar.close]
                } else {
                    vec![bar.close]
                }
            }
            _ => Vec::new(),
        }
    }

    /// Whether a price wakes a parked order; a trailing stop follows it first.
    fn is_woken(&mut self, n: usize, at: Timestamp, price: Price) -> bool {
        let Some((distance, active)) = self.orders[n].trail else {
            let trigger = self.orders[n].wish.trigger;
            return trigger.is_some_and(|trigger| trigger.is_reached(price));
        };
        let tick = self.table.get(self.orders[n].wish.instrument).tick;
        let order = &mut self.orders[n];
        let Some(trigger) = order.wish.trigger else {
            return false;
        };
        // A stop that falls to its trigger protects a long position.
        let for_long = !trigger.rises;
        if let Some(active) = active {
            let live = Trigger {
                price: active,
                rises: for_long,
                by: trigger.by,
            };
            if order.best.is_none() && !live.is_reached(price) {
                return false;
            }
        }
        let best = order.best.unwrap_or(price);
        let best = if for_long {
            best.max(price)
        } else {
            best.min(price)
        };
        let moved = order.best != Some(best);
        order.best = Some(best);
        if moved {
            let raw = if for_long {
                best.raw() - distance.raw()
            } else {
                best.raw() + distance.raw()
            };
            let price = Price::from_raw(raw).unwrap_or(tick).floor_to(tick);
            order.wish.trigger = Some(Trigger { price, ..trigger });
            order.updated = at;
        }
        order.wish.trigger.is_some_and(|t| t.is_reached(price))
    }

    /// Legs of an instrument as the matcher counts them.
    pub(super) fn slot(&self, instrument: InstrumentId, idx: u8) -> InstrumentId {
        match (idx, self.short_of[instrument.index()]) {
            (2, Some(short)) => short,
            _ => instrument,
        }
    }

    /// Instrument and position index of a matcher's instrument.
    pub(super) fn leg_name(&self, slot: InstrumentId) -> (InstrumentId, u8) {
        let n = self.table.len();
        if slot.index() < n {
            return (
                slot,
                u8::from(self.rules.hedge_mode && self.is_linear(slot)),
            );
        }
        let listed = self.short_of.iter().position(|s| *s == Some(slot));
        let listed = listed.and_then(|at| u16::try_from(at).ok()).unwrap_or(0);
        (InstrumentId(listed), 2)
    }

    /// Whether a listed instrument is a contract.
    pub(super) fn is_linear(&self, instrument: InstrumentId) -> bool {
        self.table.get(instrument).category == Category::Linear
    }
}
