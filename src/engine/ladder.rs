//! The kill ladder, commands of a person, and limits that pause or kill.

use super::core::Engine;
use super::event::{CancelReason, Effect, EffectOf};
use crate::account::Order;
use crate::control::{NoticeLevel, TradeCommand};
use crate::domain::{ClientOrderId, InstrumentId, KillLevel, LegId, OrderSpec, Purpose};
use crate::risk::{Breach, LimitAction};

impl Engine {
    pub(super) fn on_command(&mut self, command: &TradeCommand, effects: &mut Vec<Effect>) {
        match command {
            TradeCommand::Kill { level, reason } => self.raise(*level, reason, effects),
            TradeCommand::Resume { level, reason } => self.lower(*level, reason, effects),
            TradeCommand::Cancel(order) => {
                if self.orders.get(order).is_some_and(Order::is_cancellable) {
                    self.cancel(*order, CancelReason::Operator, effects);
                }
            }
            TradeCommand::CancelAll => self.cancel_unprotective(CancelReason::Operator, effects),
            TradeCommand::Close(instrument) => self.close_position(*instrument, effects),
            TradeCommand::CloseAll => {
                for instrument in self.open_instruments() {
                    self.close_position(instrument, effects);
                }
            }
            TradeCommand::StopLeg(leg) => self.set_stopped(*leg, true, effects),
            TradeCommand::StartLeg(leg) => self.set_stopped(*leg, false, effects),
            TradeCommand::Adopt(instrument) => self.adopt(*instrument, effects),
        }
    }

    pub(super) fn set_stopped(&mut self, leg: LegId, stop: bool, effects: &mut Vec<Effect>) {
        let Some(row) = self.legs.get_mut(leg.index()) else {
            return;
        };
        row.stopped = stop;
        let instrument = row.instrument;
        if !stop {
            row.failed = false;
            row.errors_in_row = 0;
            row.calm = None;
        }
        let verb = if stop {
            "stopped: no new signals"
        } else {
            "started"
        };
        let text = format!("{} {verb}", row.strategy.info().name);
        self.notice(NoticeLevel::Warn, "session", text, effects);
        if stop {
            // An entry that rests is a signal that has not ended yet.
            self.cancel_entries(instrument, CancelReason::Operator, effects);
        }
    }

    fn close_position(&mut self, instrument: InstrumentId, effects: &mut Vec<Effect>) {
        let held = self.ledger.size(instrument);
        let route = self.routes.get(instrument.index()).copied().flatten();
        let (Some(side), Some(leg)) = (held.side(), route) else {
            return;
        };
        let qty = held.abs().saturating_sub(self.orders.closing(instrument));
        if !qty.is_zero() {
            self.close_at_market(leg, side.opposite(), qty, Purpose::Exit, effects);
        }
    }

    /// Moves up the ladder; a lower step than the present one changes nothing.
    pub(super) fn raise(&mut self, level: KillLevel, reason: &str, effects: &mut Vec<Effect>) {
        if level <= self.level {
            return;
        }
        self.level = level;
        self.kill_reason = Some(reason.to_owned());
        self.kill_since = Some(self.now);
        effects.push(EffectOf::KillApplied {
            level,
            reason: reason.to_owned(),
        });
        let text = format!("{level}: {reason}");
        self.notice(NoticeLevel::Error, "kill", text, effects);
        match level {
            // L1 only closes the gate: a stray key costs a few seconds without entries, no more.
            KillLevel::Active | KillLevel::ReduceOnly => {}
            KillLevel::Halted => self.cancel_unprotective(CancelReason::Kill, effects),
            KillLevel::Flatten => self.flatten(effects),
        }
    }

    fn lower(&mut self, level: KillLevel, reason: &str, effects: &mut Vec<Effect>) {
        if self.level <= level {
            return;
        }
        self.level = level;
        if level == KillLevel::Active {
            self.kill_reason = None;
            self.kill_since = None;
            self.links.forgive();
            self.breakers.rearm(self.ledger.equity());
            for leg in &mut self.legs {
                leg.calm = None;
            }
        }
        effects.push(EffectOf::KillApplied {
            level,
            reason: reason.to_owned(),
        });
        let text = format!("resumed to {level}: {reason}");
        self.notice(NoticeLevel::Warn, "kill", text, effects);
        // What the flattening has not closed lost its stop to it.
        for leg in 0..self.legs.len() {
            self.guard(self.legs[leg].id, effects);
        }
    }

    /// Cancels every working order that is not protection.
    fn cancel_unprotective(&mut self, reason: CancelReason, effects: &mut Vec<Effect>) {
        let is_protection = |p| matches!(p, Purpose::StopLoss | Purpose::TakeProfit);
        self.cancel_where(|o| !is_protection(o.purpose), reason, effects);
    }

    /// Cancels the working orders that `pick` chooses, and says how many.
    pub(super) fn cancel_where(
        &mut self,
        pick: impl Fn(&OrderSpec) -> bool,
        reason: CancelReason,
        effects: &mut Vec<Effect>,
    ) -> usize {
        let orders: Vec<ClientOrderId> = self
            .orders
            .live()
            .filter(|o| pick(&o.intent.spec) && o.is_cancellable())
            .map(|o| o.intent.id)
            .collect();
        let n = orders.len();
        for order in orders {
            self.cancel(order, reason, effects);
        }
        n
    }

    /// L3: cancels what is not a flattening order, and closes what no such order closes yet.
    /// Called again after every fill, market event and tick until nothing is left; an instrument
    /// whose close was turned away waits a second.
    pub(super) fn flatten(&mut self, effects: &mut Vec<Effect>) {
        self.cancel_where(
            |o| o.purpose != Purpose::Flatten,
            CancelReason::Kill,
            effects,
        );
        for instrument in self.open_instruments() {
            let held = self.ledger.size(instrument);
            let (Some(side), Some(leg)) = (held.side(), self.routes[instrument.index()]) else {
                continue;
            };
            let qty = held.abs().saturating_sub(self.orders.closing(instrument));
            if !qty.is_zero() && self.legs[leg.index()].close_not_before <= self.now {
                self.close_at_market(leg, side.opposite(), qty, Purpose::Flatten, effects);
            }
        }
    }

    pub(super) fn on_breach(&mut self, breach: &Breach, effects: &mut Vec<Effect>) {
        let text = format!(
            "{} {:.2} has reached its limit {:.2}",
            breach.rule, breach.value, breach.limit
        );
        match (breach.action, breach.until) {
            (LimitAction::Pause, Some(until)) => {
                effects.push(EffectOf::Paused {
                    rule: breach.rule.to_owned(),
                    until,
                });
                let text = format!("{text}: entries pause until {until}");
                self.notice(NoticeLevel::Error, "risk", text, effects);
                // A pause lets no entry fill that rested before it began (F82).
                self.cancel_where(|o| !o.reduce_only, CancelReason::Kill, effects);
            }
            (LimitAction::Kill, _) => {
                effects.push(EffectOf::Trip {
                    level: KillLevel::Flatten,
                    reason: text.clone(),
                });
                self.raise(KillLevel::Flatten, &text, effects);
            }
            (LimitAction::Pause | LimitAction::Block, _) => {}
        }
    }
}
