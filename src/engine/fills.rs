//! What the broker said: order life cycle, fills, protection.

use super::core::Engine;
use super::event::{CancelReason, Effect, EffectOf, RefusalRecord, TradeRecord};
use super::settings::has_venue_stops;
use super::state::Reached;
use crate::account::{ClosedTrade, Order};
use crate::control::{FillView, HeldBack, NoticeLevel, TradeView};
use crate::domain::{
    AccountEvent, ClientOrderId, Fill, FillKind, InstrumentId, Intent, KillLevel, LegId, Money,
    OrderKind, OrderSpec, Price, Purpose, Qty, Rate, Side, TimeInForce, TriggerPrice,
};
use crate::risk::{LimitAction, Rule, Scene};

impl Engine {
    /// Asks risk and, when it approves, sends. Returns whether the order left.
    pub(super) fn submit(&mut self, intent: Intent, effects: &mut Vec<Effect>) -> bool {
        let id = intent.spec.instrument;
        let scene = Scene {
            now: self.now,
            instrument: self.instruments.get(id),
            level: self.level,
            position: self.ledger.size(id),
            pending: self.orders.worst_case(id),
            closing: self.orders.closing(id),
            reference: self.reference(id),
            other_exposure: self.other_exposure(id),
            equity: self.ledger.equity(),
        };
        match self.gate.check(intent, &scene, &self.breakers) {
            Ok(approved) => {
                // In flight before the effect leaves: a fill can never find it unknown.
                if let Err(known) = self.orders.sent(approved.intent(), self.now) {
                    self.notice(NoticeLevel::Error, "exec", known.to_string(), effects);
                    return false;
                }
                self.counters.n_orders += 1;
                effects.push(EffectOf::Submit(approved));
                true
            }
            Err((refusal, intent)) => {
                self.counters.n_refused += 1;
                let refusal_rule = refusal.rule;
                let symbol = self.instruments.get(id).symbol.clone();
                self.legs[intent.leg.index()].reached = Reached::Refused(refusal.to_string());
                self.last_refusal = Some(HeldBack {
                    at: self.now,
                    symbol: symbol.clone(),
                    rule: refusal.rule.name().to_owned(),
                    detail: format!("{} against {}", refusal.value, refusal.limit),
                });
                let text = format!(
                    "refused {} {} {symbol}: {refusal}",
                    intent.spec.side, intent.spec.qty
                );
                let level = if refusal.rule == Rule::KillSwitch {
                    NoticeLevel::Debug
                } else {
                    NoticeLevel::Warn
                };
                effects.push(EffectOf::Refused(RefusalRecord {
                    intent,
                    rule: refusal.rule.name().to_owned(),
                    value: refusal.value,
                    limit: refusal.limit,
                }));
                self.notice(level, "risk", text, effects);
                self.after_refusal(refusal_rule, effects);
                false
            }
        }
    }

    /// A refusal whose limit says so pauses entries, or kills (C-01).
    fn after_refusal(&mut self, rule: Rule, effects: &mut Vec<Effect>) {
        let limits = self.gate.limits();
        let until = self.now.plus_millis(limits.refusal_pause_ms);
        match rule.action(limits) {
            LimitAction::Block => {}
            LimitAction::Pause => {
                if self.breakers.pause(rule.name(), self.now, until) {
                    effects.push(EffectOf::Paused {
                        rule: rule.name().to_owned(),
                        until,
                    });
                    let text = format!("{}: entries pause until {until}", rule.name());
                    self.notice(NoticeLevel::Error, "risk", text, effects);
                }
            }
            LimitAction::Kill => {
                let reason = format!("limit {} was reached", rule.name());
                effects.push(EffectOf::Trip {
                    level: KillLevel::Flatten,
                    reason: reason.clone(),
                });
                self.raise(KillLevel::Flatten, &reason, effects);
            }
        }
    }

    /// Worst-case value of every instrument but one.
    fn other_exposure(&self, except: InstrumentId) -> Money {
        self.instruments
            .iter()
            .filter(|(id, _)| *id != except)
            .map(|(id, _)| self.worst_value(id))
            .sum()
    }

    /// Value of an instrument's position if everything that could fill did.
    pub(super) fn worst_value(&self, id: InstrumentId) -> Money {
        let held = self.ledger.size(id);
        let (buys, sells) = self.orders.worst_case(id);
        if held.is_zero() && buys.is_zero() && sells.is_zero() {
            return Money::ZERO;
        }
        let Some(price) = self.markets[id.index()].valuation() else {
            return Money::ZERO;
        };
        let long = (held + buys.signed(Side::Buy)).abs();
        let short = (held + sells.signed(Side::Sell)).abs();
        price * if long < short { short } else { long }
    }

    pub(super) fn cancel(
        &mut self,
        order: ClientOrderId,
        reason: CancelReason,
        effects: &mut Vec<Effect>,
    ) {
        self.orders.cancel_sent(&order, self.now);
        effects.push(EffectOf::Cancel { order, reason });
    }

    pub(super) fn apply_account(&mut self, event: &AccountEvent, effects: &mut Vec<Effect>) {
        self.orders.apply(event, self.now);
        match event {
            AccountEvent::Fill(fill) => self.on_fill(fill, effects),
            AccountEvent::Rejected { order, reason } => {
                self.counters.n_rejected += 1;
                let text = format!("rejected {order}: {reason}");
                self.after_dead(order, text, effects);
            }
            AccountEvent::NotSent { order, cause } => {
                let text = format!("not sent {order}: {cause}");
                self.after_dead(order, text, effects);
            }
            AccountEvent::Unknown { order, cause } => {
                let text = format!("outcome of {order} is unknown: {cause}");
                self.notice(NoticeLevel::Error, "exec", text, effects);
            }
            AccountEvent::Cancelled { order } => {
                self.after_cancelled(order, effects);
            }
            AccountEvent::CancelRejected { order } => {
                let text = format!("cancel of {order} came too late");
                self.notice(NoticeLevel::Info, "exec", text, effects);
            }
            AccountEvent::Funding {
                instrument,
                paid,
                rate,
            } => {
                self.ledger.apply_funding(*instrument, *paid);
                let symbol = &self.instruments.get(*instrument).symbol;
                let text = format!("{symbol} funding {paid:+.4} at {rate}");
                self.notice(NoticeLevel::Info, "exec", text, effects);
                self.look_at_losses(effects);
            }
            AccountEvent::Accepted { .. } | AccountEvent::Triggered { .. } => {}
        }
    }

    fn on_fill(&mut self, fill: &Fill, effects: &mut Vec<Effect>) {
        let leg = self.routes[fill.instrument.index()];
        let outcome = self.ledger.apply_fill(fill, leg);
        if !outcome.applied {
            return;
        }
        self.counters.n_fills += 1;
        let symbol = self.instruments.get(fill.instrument).symbol.clone();
        let text = format!(
            "{} {} {symbol} @ {} {} fee {:.4}",
            fill.side, fill.qty, fill.price, fill.liquidity, fill.fee
        );
        let level = if fill.kind == FillKind::Liquidation {
            NoticeLevel::Error
        } else {
            NoticeLevel::Info
        };
        self.notice(level, "exec", text, effects);
        self.keep_fill(FillView {
            at: fill.at,
            order: fill.order,
            symbol,
            side: fill.side,
            qty: fill.qty,
            price: fill.price,
            fee: fill.fee,
            liquidity: fill.liquidity,
        });
        if let Some(closed) = outcome.closed {
            self.on_trade_closed(fill, &closed, effects);
        }
        if let Some(leg) = leg {
            self.legs[leg.index()].calm = None;
            self.protect(leg, effects);
        }
        if let Some(price) = self.markets[fill.instrument.index()].valuation() {
            self.ledger.mark(fill.instrument, price);
        }
        self.look_at_losses(effects);
        if self.level == KillLevel::Flatten {
            self.flatten(effects);
        }
    }

    fn on_trade_closed(&mut self, fill: &Fill, closed: &ClosedTrade, effects: &mut Vec<Effect>) {
        self.trade_stats.record(closed);
        let reason = match self.orders.get(&fill.order).map(|o| o.intent.spec.purpose) {
            _ if fill.kind == FillKind::Liquidation => "liquidation".to_owned(),
            Some(Purpose::Entry) => "turned around".to_owned(),
            Some(purpose) => purpose.to_string(),
            None => "-".to_owned(),
        };
        let trade = TradeView {
            symbol: self.instruments.get(fill.instrument).symbol.clone(),
            side: closed.side,
            qty: closed.qty,
            entry: closed.entry,
            exit: closed.exit,
            opened: closed.opened,
            closed: closed.closed,
            net: closed.net,
            fees: closed.fees,
            reason,
        };
        self.keep_trade(trade.clone());
        effects.push(EffectOf::TradeClosed(TradeRecord {
            instrument: fill.instrument,
            trade,
        }));
    }

    /// An order that never traded and never will.
    fn after_dead(&mut self, order: &ClientOrderId, text: String, effects: &mut Vec<Effect>) {
        self.notice(NoticeLevel::Warn, "exec", text, effects);
        self.after_cancelled(order, effects);
    }

    /// Plans anew where a dead order was part of a plan.
    fn after_cancelled(&mut self, order: &ClientOrderId, effects: &mut Vec<Effect>) {
        let Some(leg) = self.legs.iter_mut().find(|l| l.stop == Some(*order)) else {
            for leg in &mut self.legs {
                leg.calm = None;
            }
            return;
        };
        leg.stop = None;
        let id = leg.id;
        self.protect(id, effects);
    }

    /// Keeps one reduce-only stop at the venue, of the size of the position (never-naked, F21).
    pub(super) fn protect(&mut self, leg: LegId, effects: &mut Vec<Effect>) {
        let instrument = self.legs[leg.index()].instrument;
        let rules = self.instruments.get(instrument);
        if !self.settings.venue_stops || !has_venue_stops(rules.category) {
            return;
        }
        let wanted = self.wanted_stop(instrument);
        let current = self.legs[leg.index()].stop;
        let placed = current
            .and_then(|id| self.orders.get(&id))
            .map(|o| &o.intent.spec);
        if let (Some((side, qty, _)), Some(spec)) = (wanted, placed)
            && spec.side == side
            && spec.qty == qty
        {
            return;
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
        let Some((side, qty, trigger)) = wanted else {
            return;
        };
        let row = &mut self.legs[leg.index()];
        let attempt = row.attempts.next(row.bar, 's');
        let intent = Intent {
            id: ClientOrderId::of_decision(row.scope, row.bar, 's', attempt),
            leg,
            trace: self.seq,
            decided_at: self.now,
            spec: OrderSpec {
                instrument,
                side,
                qty,
                kind: OrderKind::Stop {
                    trigger,
                    by: TriggerPrice::Last,
                },
                tif: TimeInForce::Gtc,
                reduce_only: true,
                purpose: Purpose::StopLoss,
            },
        };
        let id = intent.id;
        if self.submit(intent, effects) {
            self.legs[leg.index()].stop = Some(id);
        }
    }

    /// Side, size and trigger of the stop that the position needs; `None` when flat.
    fn wanted_stop(&self, id: InstrumentId) -> Option<(Side, Qty, Price)> {
        let position = self.ledger.position(id)?;
        let side = position.size.side()?;
        let tick = self.instruments.get(id).tick;
        let trigger = stop_price(position.entry, side, self.stop_loss(id));
        // Rounded towards the entry: a stop may be earlier than asked for, never later.
        let trigger = match side {
            Side::Buy => trigger.ceil_to(tick),
            Side::Sell => trigger.floor_to(tick),
        };
        Some((side.opposite(), position.size.abs(), trigger))
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

    /// The bot-side stop: closes a position whose loss has passed its limit although the stop at
    /// the venue has not closed it (S2-29, C-16).
    pub(super) fn second_net(&mut self, id: InstrumentId, price: Price, effects: &mut Vec<Effect>) {
        let Some(leg) = self.routes[id.index()] else {
            return;
        };
        let Some(position) = self.ledger.position(id) else {
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
        let holds = match side {
            Side::Buy => trigger <= price,
            Side::Sell => price <= trigger,
        };
        if holds {
            return;
        }
        let closing = self.orders.closing(id);
        if position.size.abs() <= closing || self.level >= KillLevel::Halted {
            return;
        }
        let text = format!(
            "{} lost more than its stop at {trigger}: closing at market",
            self.instruments.get(id).symbol
        );
        let qty = position.size.abs().saturating_sub(closing);
        self.notice(NoticeLevel::Error, "risk", text, effects);
        self.close_at_market(leg, side.opposite(), qty, Purpose::StopLoss, effects);
    }

    /// Sends a reduce-only market order for a leg's instrument.
    pub(super) fn close_at_market(
        &mut self,
        leg: LegId,
        side: Side,
        qty: Qty,
        purpose: Purpose,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let role = if purpose == Purpose::Flatten {
            'f'
        } else {
            'c'
        };
        let row = &mut self.legs[leg.index()];
        let attempt = row.attempts.next(row.bar, role);
        let intent = Intent {
            id: ClientOrderId::of_decision(row.scope, row.bar, role, attempt),
            leg,
            trace: self.seq,
            decided_at: self.now,
            spec: OrderSpec {
                instrument: row.instrument,
                side,
                qty,
                kind: OrderKind::Market,
                tif: TimeInForce::Gtc,
                reduce_only: true,
                purpose,
            },
        };
        self.submit(intent, effects)
    }
}

/// Entry price moved against the position by the allowed loss.
fn stop_price(entry: Price, side: Side, loss: Rate) -> Price {
    match side {
        Side::Buy => entry.moved(-loss),
        Side::Sell => entry.moved(loss),
    }
}
