//! Private frames: which object is told, and in which order.
//!
//! PROTOCOL section 8 (Bybit v5, private topics).

use serde_json::{Value, json};

use super::{Exchange, PrivatePush};
use crate::domain::{Category, Instrument, InstrumentId, Timestamp};

impl Exchange {
    /// Tells how an order stands.
    pub(super) fn tell_order(&mut self, n: usize, at: Timestamp) {
        let order = &self.orders[n];
        let rules = self.table.get(order.wish.instrument);
        let row = order.row(rules, true);
        let category = order.wish.category;
        if self.rules.visibility_lag_ms == 0 {
            self.orders[n].told.clear();
        } else {
            let row = self.orders[n].row(rules, false);
            self.orders[n].told.push((at, row));
        }
        self.push("order", category, at, &row);
    }

    /// Tells what goes with a change of an order that is no fill: the position on linear, the
    /// locked coins on spot.
    pub(super) fn tell_standing(&mut self, n: usize, at: Timestamp) {
        let (slot, category) = (self.orders[n].wish.slot, self.orders[n].wish.category);
        match category {
            Category::Linear => self.tell_position(slot, at),
            Category::Spot => {
                let rules = self.table.get(self.orders[n].wish.instrument).clone();
                self.tell_wallet(&rules, at);
            }
        }
    }

    /// Tells a linear position.
    pub(super) fn tell_position(&mut self, slot: InstrumentId, at: Timestamp) {
        let (instrument, _) = self.leg_name(slot);
        if self.is_linear(instrument) {
            let row = self.position_row(slot, true);
            self.push("position", Category::Linear, at, &row);
        }
    }

    pub(super) fn tell_wallet(&mut self, rules: &Instrument, at: Timestamp) {
        let coins: &[&str] = match rules.category {
            Category::Linear => &[&rules.quote],
            Category::Spot => &[&rules.quote, &rules.base],
        };
        let row = self.wallet_row(Some(coins));
        self.push("wallet", rules.category, at, &row);
    }

    /// Queues one private frame with one object.
    pub(super) fn push(
        &mut self,
        topic: &'static str,
        category: Category,
        at: Timestamp,
        row: &Value,
    ) {
        self.private.push(PrivatePush {
            topic,
            category,
            at,
            data: json!([row]),
        });
    }
}
