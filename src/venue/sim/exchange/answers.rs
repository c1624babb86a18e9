//! What the matcher says, told as the venue tells it; fills have a file of their own.
//!
//! PROTOCOL sections 8 and 14 (Bybit v5, private topics). For each fill the order of messages is
//! `order`, `execution.fast`, `execution`, `position`, `wallet`.

use std::collections::BTreeSet;

use super::Exchange;
use super::order::{Force, Status, side_name};
use crate::domain::{AccountEvent, ClientOrderId, FillKind, RejectReason, Side, Timestamp};
use crate::venue::sim::matcher::Answers;

impl Exchange {
    /// Tells a batch of answers, then does what follows from it.
    pub(super) fn settle(&mut self, out: &Answers) {
        let Some((until, _)) = out.last() else {
            return;
        };
        let until = *until;
        let n_before_liquidation = out.iter().position(liquidates).unwrap_or(0);
        let mut touched = BTreeSet::new();
        for (i, (at, event)) in out.iter().enumerate() {
            match event {
                AccountEvent::Accepted { order } => self.on_accepted(*at, order, &out[i + 1..]),
                AccountEvent::Rejected { order, reason } => self.on_rejected(*at, order, reason),
                AccountEvent::Triggered { order } => self.on_triggered(*at, order, &out[i + 1..]),
                AccountEvent::Fill(fill) => {
                    touched.insert(fill.instrument);
                    self.on_fill(*at, fill);
                }
                AccountEvent::Cancelled { order } => {
                    self.on_cancelled(*at, order, i < n_before_liquidation);
                }
                AccountEvent::Funding {
                    instrument,
                    paid,
                    rate,
                    ..
                } => self.on_funding(*at, *instrument, *paid, *rate),
                AccountEvent::CancelRejected { .. }
                | AccountEvent::NotSent { .. }
                | AccountEvent::Unknown { .. }
                | AccountEvent::NeverAccepted { .. }
                | AccountEvent::Report(_) => {}
            }
        }
        for n in std::mem::take(&mut self.to_drop) {
            self.drop_sibling(n, until);
        }
        for (n, qty) in std::mem::take(&mut self.filled_now) {
            self.guard_fill(n, qty, until);
        }
        if out.iter().any(liquidates) {
            self.cancel_parked(until);
        }
        for slot in touched {
            self.follow_position(slot, until);
        }
    }

    fn on_accepted(
        &mut self,
        at: Timestamp,
        order: &ClientOrderId,
        later: &[(Timestamp, AccountEvent)],
    ) {
        let Some(n) = self.spoken_of(order) else {
            return;
        };
        let order = &mut self.orders[n];
        let was_asleep = order.status == Status::Triggered;
        let asleep = order.wish.trigger.is_some() && !order.wish.is_parked() && !was_asleep;
        order.status = if asleep {
            Status::Untriggered
        } else {
            Status::New
        };
        order.updated = at;
        let takes = order.wish.limit.is_none()
            || matches!(order.wish.force, Force::Ioc | Force::Fok | Force::PostOnly);
        if takes && !asleep && has_more(order.name(), later) {
            return;
        }
        self.tell_order(n, at);
        self.tell_standing(n, at);
    }

    /// The matching engine has refused what was accepted: it ends without ever being there.
    fn on_rejected(&mut self, at: Timestamp, order: &ClientOrderId, reason: &RejectReason) {
        let Some(n) = self.spoken_of(order) else {
            return;
        };
        let word = match reason {
            RejectReason::WouldTake => "EC_PostOnlyWillTakeLiquidity",
            RejectReason::CannotFillWhole => "EC_CancelForNoFullFill",
            RejectReason::NoPrice => "EC_NoImmediateQtyToFill",
            RejectReason::NothingToReduce => "EC_ReduceOnly",
            RejectReason::InsufficientBalance { .. } | RejectReason::Funds(_) => {
                "EC_InsufficientBalance"
            }
            RejectReason::DuplicateId | RejectReason::TriggerPassed | RejectReason::Rule(_) => {
                "EC_Others"
            }
        };
        let order = &mut self.orders[n];
        word.clone_into(&mut order.reject);
        let was_asleep = order.status == Status::Triggered;
        let cancelled = was_asleep
            || matches!(
                reason,
                RejectReason::WouldTake | RejectReason::CannotFillWhole
            );
        let status = if cancelled {
            Status::Cancelled
        } else {
            Status::Rejected
        };
        self.finish(n, at, status);
    }

    fn on_triggered(
        &mut self,
        at: Timestamp,
        order: &ClientOrderId,
        later: &[(Timestamp, AccountEvent)],
    ) {
        let Some(n) = self.spoken_of(order) else {
            return;
        };
        self.orders[n].status = Status::Triggered;
        self.orders[n].updated = at;
        self.tell_order(n, at);
        if !has_more(*order, later) {
            self.orders[n].status = Status::New;
            self.tell_order(n, at);
        }
        self.to_drop.push(n);
    }

    fn on_cancelled(&mut self, at: Timestamp, order: &ClientOrderId, for_liquidation: bool) {
        let Some(n) = self.spoken_of(order) else {
            return;
        };
        let order = &mut self.orders[n];
        if order.reason.is_none() {
            let wish = &order.wish;
            let held = self.legs[wish.slot.index()].position.reducible(wish.side);
            let reduces = wish.reduce_only || wish.closes_leg;
            let (cancel_type, reject) = if for_liquidation {
                ("CancelAllBeforeLiq", "EC_PerCancelRequest")
            } else if wish.is_guard() && held.is_zero() {
                ("CancelByTpSlTsClear", "EC_PerCancelRequest")
            } else if reduces && held.is_zero() {
                ("CancelByReduceOnly", "EC_PerCancelRequest")
            } else {
                match (wish.force, wish.limit) {
                    (Force::PostOnly, Some(_)) => ("UNKNOWN", "EC_PostOnlyWillTakeLiquidity"),
                    (Force::Fok, Some(_)) => ("UNKNOWN", "EC_CancelForNoFullFill"),
                    _ => ("UNKNOWN", "EC_NoImmediateQtyToFill"),
                }
            };
            order.reason = Some((cancel_type, reject.to_owned()));
        }
        self.end(n, at);
    }
}

/// Whether an answer is the fill of a liquidation.
fn liquidates((_, event): &(Timestamp, AccountEvent)) -> bool {
    matches!(event, AccountEvent::Fill(fill) if fill.kind == FillKind::Liquidation)
}

/// Whether a batch says more about an order: that it filled or ended.
fn has_more(name: ClientOrderId, later: &[(Timestamp, AccountEvent)]) -> bool {
    later.iter().any(|(_, event)| match event {
        AccountEvent::Fill(fill) => fill.order == name,
        AccountEvent::Cancelled { order } => *order == name,
        _ => false,
    })
}

/// The venue's word for a side; empty for none.
pub(super) fn side_or_none(side: Option<Side>) -> &'static str {
    side.map_or("", side_name)
}
