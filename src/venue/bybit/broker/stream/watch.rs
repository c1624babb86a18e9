//! What was told of each order, so that repeated and late messages tell nothing.
//!
//! Of two messages the later counts, then the one with more traded, then the one further on in
//! life; a final state never reopens (Bybit v5, order: two `Filled` for a cancel that lost).

use std::collections::{BTreeMap, VecDeque};

use crate::domain::{AccountEvent, ClientOrderId, Qty, Timestamp};
use crate::venue::bybit::broker::order::{end_of, is_awake};
use crate::venue::bybit::broker::words::is_lost_cancel;
use crate::venue::bybit::wire::names::OrderStatus;
use crate::venue::bybit::wire::order::Order;

/// Orders that are over and still guarded.
const KEPT: usize = 20_000;

/// One message about one order of ours.
pub(super) struct Seen<'a> {
    pub(super) order: ClientOrderId,
    pub(super) row: &'a Order,
    /// When the order changed; `None` when the venue does not say.
    pub(super) at: Option<Timestamp>,
    pub(super) is_conditional: bool,
}

/// Place of a message in the life of its order.
type Place = (Option<Timestamp>, Qty, u8);

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each true from the moment it was told"
)]
#[derive(Debug, Default)]
struct Known {
    newest: Option<Place>,
    was_accepted: bool,
    was_triggered: bool,
    lost_cancel: bool,
    is_final: bool,
}

#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By the venue's name of the order.
    orders: BTreeMap<String, Known>,
    /// Those that are over, in the order in which they ended.
    over: VecDeque<String>,
}

impl Watch {
    pub(super) fn fold(&mut self, seen: &Seen<'_>) -> Vec<AccountEvent> {
        let Seen { order, row, .. } = *seen;
        if !self.orders.contains_key(&row.order_id) {
            self.orders.insert(row.order_id.clone(), Known::default());
        }
        let Some(known) = self.orders.get_mut(&row.order_id) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        if row.refusal().is_some_and(is_lost_cancel) && !known.lost_cancel {
            known.lost_cancel = true;
            events.push(AccountEvent::CancelRejected { order });
        }
        let place = (seen.at, row.cum_exec_qty.unwrap_or_default(), rank(row));
        let is_old = known.newest.is_some_and(|newest| place <= newest);
        if known.is_final || is_old {
            return events;
        }
        known.newest = Some(place);
        known.advance(seen, &mut events);
        if known.is_final {
            self.over.push_back(row.order_id.clone());
            if KEPT < self.over.len()
                && let Some(oldest) = self.over.pop_front()
            {
                self.orders.remove(&oldest);
            }
        }
        events
    }
}

impl Known {
    fn advance(&mut self, seen: &Seen<'_>, events: &mut Vec<AccountEvent>) {
        let Seen { order, row, .. } = *seen;
        if row.order_status.is_open() {
            if !self.was_accepted {
                self.was_accepted = true;
                events.push(AccountEvent::Accepted { order });
            }
            if is_awake(row, seen.is_conditional) && !self.was_triggered {
                self.was_triggered = true;
                events.push(AccountEvent::Triggered { order });
            }
        }
        self.is_final = row.order_status.is_final();
        events.extend(end_of(row).map(|end| end.event(order)));
    }
}

/// How far on in its life an order is, where two messages are of one moment.
fn rank(row: &Order) -> u8 {
    match row.order_status {
        OrderStatus::Untriggered | OrderStatus::Unknown(_) => 0,
        OrderStatus::Triggered => 1,
        OrderStatus::New => 2,
        OrderStatus::PartiallyFilled => 3,
        _ => 4,
    }
}
