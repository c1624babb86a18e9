//! Orders on their way out, and what the broker says about them: life cycle and fills.

use super::core::Engine;
use super::event::{CancelReason, Effect, EffectOf, RefusalRecord, TradeRecord};
use super::state::Reached;
use crate::account::{ClosedTrade, Incident, Order};
use crate::control::{FillView, HeldBack, NoticeLevel, TradeView};
use crate::domain::{
    AccountEvent, ClientOrderId, Fill, FillKind, InstrumentId, Intent, KillLevel, Money, OrderKind,
    OrderSpec, Purpose, RejectReason, Side,
};
use crate::risk::{LimitAction, Rule, Scene};

/// Times that an entry is made smaller because the balance does not cover it.
const MAX_SHRINKS: u32 = 2;

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
            lacks: self.links.lacks(id),
            unresolved: self.orders.unresolved(id),
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
                if !approved.intent().spec.reduce_only {
                    self.legs[approved.intent().leg.index()].refused = None;
                }
                effects.push(EffectOf::Submit(approved));
                true
            }
            Err((refusal, intent)) => {
                self.counters.n_refused += 1;
                let refusal_rule = refusal.rule;
                let symbol = self.instruments.get(id).symbol.clone();
                // The ladder is about the decision, not about what protects its position.
                if matches!(intent.spec.purpose, Purpose::Entry | Purpose::Exit) {
                    let refused = Reached::Refused(refusal.to_string());
                    self.legs[intent.leg.index()].reached = refused;
                }
                self.last_refusal = Some(HeldBack {
                    at: self.now,
                    symbol: symbol.clone(),
                    rule: refusal.rule.name().to_owned(),
                    detail: refusal.detail(),
                });
                let text = format!(
                    "refused {} {} {symbol}: {refusal}",
                    intent.spec.side, intent.spec.qty
                );
                // The first refusal by a rule is news; while it goes on, the counters tell.
                let before = self.legs[intent.leg.index()].refused.replace(refusal_rule);
                let is_news = before != Some(refusal_rule) && refusal_rule != Rule::KillSwitch;
                let level = if is_news {
                    NoticeLevel::Warn
                } else {
                    NoticeLevel::Debug
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
                    self.cancel_where(|o| !o.reduce_only, CancelReason::Kill, effects);
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

    /// Worst-case value of every instrument but one. What has no price counts as all that is
    /// allowed, so that nothing is added to it.
    fn other_exposure(&self, except: InstrumentId) -> Money {
        self.instruments
            .iter()
            .filter(|(id, _)| *id != except)
            .map(|(id, _)| {
                self.worst_value(id)
                    .unwrap_or_else(|| self.settings.limits.max_exposure_value())
            })
            .sum()
    }

    /// Worst-case value of everything; `None` when some of it has no price.
    pub(super) fn exposure(&self) -> Option<Money> {
        let mut sum = Money::ZERO;
        for (id, _) in self.instruments.iter() {
            sum += self.worst_value(id)?;
        }
        Some(sum)
    }

    /// Value of an instrument's position if everything that could fill did; `None` without a
    /// price.
    pub(super) fn worst_value(&self, id: InstrumentId) -> Option<Money> {
        let held = self.ledger.size(id);
        let (buys, sells) = self.orders.worst_case(id);
        if held.is_zero() && buys.is_zero() && sells.is_zero() {
            return Some(Money::ZERO);
        }
        let price = self.markets[id.index()]
            .valuation()
            .or_else(|| self.ledger.mark_of(id))?;
        let long = (held + buys.signed(Side::Buy)).abs();
        let short = (held + sells.signed(Side::Sell)).abs();
        Some(price * if long < short { short } else { long })
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
        let outcome = self.orders.apply(event, self.now);
        if let Some(incident) = outcome.incident {
            self.on_incident(event, &incident, effects);
        }
        match event {
            AccountEvent::Fill(fill) => self.on_fill(fill, effects),
            AccountEvent::Rejected { order, reason } => {
                self.counters.n_rejected += 1;
                let text = format!("rejected {order}: {reason}");
                let passed = *reason == RejectReason::TriggerPassed;
                self.after_dead(order, text, passed, effects);
                let by_funds = matches!(
                    reason,
                    RejectReason::InsufficientBalance { .. } | RejectReason::Funds(_)
                );
                if by_funds && outcome.ended {
                    self.shrink_entry(order, effects);
                }
            }
            AccountEvent::NotSent { order, cause } => {
                let text = format!("not sent {order}: {cause}");
                self.after_dead(order, text, false, effects);
            }
            AccountEvent::Unknown { order, cause } => {
                let text = format!("outcome of {order} is unknown: {cause}");
                self.notice(NoticeLevel::Error, "exec", text, effects);
            }
            AccountEvent::Cancelled { order } => {
                self.after_cancelled(order, false, effects);
            }
            AccountEvent::CancelRejected { order } => {
                // The stop of a closed position is gone before our cancel arrives: no news.
                if self.orders.get(order).is_some_and(Order::is_live) {
                    let text = format!("cancel of {order} came too late");
                    self.notice(NoticeLevel::Info, "exec", text, effects);
                }
            }
            AccountEvent::Funding {
                instrument,
                paid,
                rate,
                payment,
            } => {
                let payment = payment.as_deref();
                if !self.ledger.apply_funding(*instrument, *paid, payment) {
                    return;
                }
                let symbol = &self.instruments.get(*instrument).symbol;
                let text = format!("{symbol} funding {paid:+.4} at {rate}");
                self.notice(NoticeLevel::Info, "exec", text, effects);
                self.look_at_losses(effects);
            }
            AccountEvent::NeverAccepted { order } => {
                let text = format!("{order} never reached the venue: proven");
                self.after_dead(order, text, false, effects);
            }
            AccountEvent::Report(report) => self.on_report(report, effects),
            AccountEvent::Accepted { order } => self.after_accepted(order, effects),
            AccountEvent::Triggered { .. } => {}
        }
    }

    /// Something that should not happen: told, and undone where it can be.
    fn on_incident(
        &mut self,
        event: &AccountEvent,
        incident: &Incident,
        effects: &mut Vec<Effect>,
    ) {
        if matches!(event, AccountEvent::Fill(fill) if fill.kind != FillKind::Trade) {
            return;
        }
        let text = format!("{incident:?}: {event:?}");
        self.notice(NoticeLevel::Error, "exec", text, effects);
        if let (Incident::SightedAfterEnd { .. }, AccountEvent::Accepted { order }) =
            (incident, event)
        {
            let (order, reason) = (*order, CancelReason::Orphaned);
            effects.push(EffectOf::Cancel { order, reason });
        }
    }

    /// An order that the venue has taken although the ladder has moved on is cancelled at once.
    fn after_accepted(&mut self, order: &ClientOrderId, effects: &mut Vec<Effect>) {
        if self.level < KillLevel::Halted {
            return;
        }
        let Some(known) = self.orders.get(order).filter(|o| o.is_cancellable()) else {
            return;
        };
        let stays = match known.intent.spec.purpose {
            Purpose::Flatten => self.level == KillLevel::Flatten,
            Purpose::StopLoss | Purpose::TakeProfit => self.level == KillLevel::Halted,
            Purpose::Entry | Purpose::Exit => false,
        };
        if !stays {
            self.cancel(*order, CancelReason::Kill, effects);
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
        if fill.kind != FillKind::Trade {
            self.on_strange_fill(fill, effects);
        }
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
            self.cancel_astray(leg, false, effects);
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
            _ if fill.kind != FillKind::Trade => fill.kind.name(),
            Some(Purpose::Entry) => "turned around",
            Some(purpose) => purpose.name(),
            None => "-",
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
            reason: reason.into(),
        };
        self.keep_trade(trade.clone());
        effects.push(EffectOf::TradeClosed(TradeRecord {
            instrument: fill.instrument,
            trade,
        }));
    }

    /// Sends an entry that the balance does not cover once more, smaller, under a new name: the
    /// refusal is the proof that the first one is dead (S3-19, F14). Below the smallest trade the
    /// gate refuses it with its reason.
    fn shrink_entry(&mut self, order: &ClientOrderId, effects: &mut Vec<Effect>) {
        let Some(dead) = self.orders.get(order).map(|o| o.intent.clone()) else {
            return;
        };
        let row = &mut self.legs[dead.leg.index()];
        let decided = row.bar.plus_millis(row.interval.millis());
        let is_current = dead.spec.purpose == Purpose::Entry && decided <= dead.decided_at;
        if !is_current || row.stopped || row.failed || self.level != KillLevel::Active {
            return;
        }
        if row.shrunk.0 != row.bar {
            row.shrunk = (row.bar, 0);
        }
        if MAX_SHRINKS <= row.shrunk.1 {
            let symbol = &self.instruments.get(dead.spec.instrument).symbol;
            let text = format!("{symbol}: entry given up, the balance does not cover it");
            return self.notice(NoticeLevel::Warn, "exec", text, effects);
        }
        row.shrunk.1 += 1;
        let attempt = row.attempts.next(row.bar, 'o');
        let id = ClientOrderId::of_decision(row.scope, row.bar, 'o', attempt);
        let step = self.instruments.get(dead.spec.instrument).qty_step;
        let qty = dead.spec.qty;
        let qty = qty.saturating_sub(qty.scaled(self.settings.plan.shrink));
        let intent = Intent {
            id,
            trace: self.seq,
            decided_at: self.now,
            spec: OrderSpec {
                qty: qty.floor_to(step),
                ..dead.spec
            },
            ..dead
        };
        self.submit(intent, effects);
    }

    /// An order that never traded and never will.
    fn after_dead(
        &mut self,
        order: &ClientOrderId,
        text: String,
        passed: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.notice(NoticeLevel::Warn, "exec", text, effects);
        if let Some(known) = self.orders.get(order) {
            let spec = &known.intent.spec;
            let closes = matches!(spec.purpose, Purpose::StopLoss | Purpose::Flatten)
                && spec.kind == OrderKind::Market;
            if closes {
                self.wait_with_closes(known.intent.leg);
            }
        }
        self.after_cancelled(order, passed, effects);
    }

    /// Plans anew where a dead order was part of a plan; replaces a stop.
    fn after_cancelled(&mut self, order: &ClientOrderId, passed: bool, effects: &mut Vec<Effect>) {
        if let Some(leg) = self.legs.iter().find(|l| l.stop == Some(*order)) {
            self.on_stop_died(leg.id, passed, effects);
            return;
        }
        let Some(known) = self.orders.get(order) else {
            return;
        };
        let (leg, spec) = (known.intent.leg, &known.intent.spec);
        let (instrument, was_entry) = (spec.instrument, spec.purpose == Purpose::Entry);
        let row = &mut self.legs[leg.index()];
        row.calm = None;
        // The decision that waited for this cancel can be carried out now, not a bar later.
        let waits = was_entry && row.replan && !row.stopped && !row.failed;
        if waits && self.level == KillLevel::Active && !self.orders.is_cancelling(instrument) {
            self.legs[leg.index()].replan = false;
            self.plan_leg(leg, effects);
        }
    }
}
