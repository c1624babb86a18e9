//! What happens to an order at the door.

use super::order::{State, Working, expectation, is_reached, watches};
use super::tape::Source;
use super::{Answers, Matcher};
use crate::domain::{
    AccountEvent, Intent, OrderKind, OrderSpec, Price, Qty, RejectReason, TimeInForce, Timestamp,
};

/// How names of the venue's own orders begin.
pub(super) const RESERVED: &str = "liq-";

impl Matcher {
    /// Takes an order that arrives at `at`, measured against the price known now.
    pub fn submit(&mut self, at: Timestamp, intent: &Intent, out: &mut Answers) {
        let expected = self.reference(intent.spec.instrument);
        self.submit_expecting(at, intent, expected, out);
    }

    /// Takes an order that arrives at `at`, measured against `expected`: the last known price
    /// when it was handed over, which latency has made older than the arrival.
    pub fn submit_expecting(
        &mut self,
        at: Timestamp,
        intent: &Intent,
        expected: Option<Price>,
        out: &mut Answers,
    ) {
        let order = intent.id;
        if !self.seen.insert(order.as_str()) {
            let reason = RejectReason::DuplicateId;
            out.push((at, AccountEvent::Rejected { order, reason }));
            return;
        }
        let admitted = if order.as_str().starts_with(RESERVED) {
            Err(RejectReason::Rule(format!(
                "order id {order} begins with {RESERVED}, which the venue keeps for itself"
            )))
        } else {
            self.admit(&intent.spec)
        };
        let (remaining, priced) = match admitted {
            Ok(admitted) => admitted,
            Err(reason) => {
                out.push((at, AccountEvent::Rejected { order, reason }));
                return;
            }
        };
        let m = intent.spec.instrument.index();
        let conditional = intent.spec.kind.trigger().is_some();
        let expected = expected.or_else(|| self.reference(intent.spec.instrument));
        let k = self.markets[m].orders.len();
        self.markets[m].orders.push(Working {
            id: order,
            spec: intent.spec.clone(),
            arrived: at,
            expected: expectation(&intent.spec, expected).unwrap_or(priced),
            remaining,
            filled: Qty::ZERO,
            n_fills: 0,
            state: if conditional {
                State::Conditional
            } else {
                State::Waiting
            },
        });
        out.push((at, AccountEvent::Accepted { order }));
        if !conditional {
            self.attempt(m, k, at, None, out);
            self.sweep(m);
        }
    }

    /// Checks an order against every rule; returns the amount that may trade, and the price that
    /// it was valued at.
    pub(super) fn admit(&self, spec: &OrderSpec) -> Result<(Qty, Price), RejectReason> {
        let m = spec.instrument.index();
        let Some(market) = self.markets.get(m) else {
            return Err(RejectReason::Rule(format!(
                "instrument {} is unknown, the venue has {}",
                spec.instrument.0,
                self.markets.len()
            )));
        };
        let rules = self.instruments.get(spec.instrument);
        if rules.quote != self.settings.coin {
            return Err(RejectReason::Rule(format!(
                "{} settles in {}, the account holds {}",
                rules.symbol, rules.quote, self.settings.coin
            )));
        }
        let own = spec.kind.limit_price().or(spec.kind.trigger());
        if spec.qty.is_zero() || own.is_some_and(Price::is_zero) {
            return Err(RejectReason::Rule(
                "price and quantity must be above zero".to_owned(),
            ));
        }
        let reference = market.tape.reference();
        let priced = reference.or(spec.kind.limit_price());
        let priced = priced.ok_or(RejectReason::NoPrice)?;
        rules
            .check(spec, priced)
            .map_err(|broken| RejectReason::Rule(broken.to_string()))?;
        let qty = if spec.reduce_only {
            let most = market.position.reducible(spec.side);
            if most.is_zero() {
                return Err(RejectReason::NothingToReduce);
            }
            spec.qty.min(most)
        } else {
            spec.qty
        };
        self.admit_trigger(m, spec)?;
        self.admit_now(m, spec, qty)?;
        self.admit_funds(m, spec, qty, priced)?;
        Ok((qty, priced))
    }

    /// Conditional orders must lie on the far side of the price they watch.
    pub(super) fn admit_trigger(&self, m: usize, spec: &OrderSpec) -> Result<(), RejectReason> {
        let Some(by) = watches(spec) else {
            return Ok(());
        };
        let watched = self.markets[m].tape.watched(by);
        if is_reached(spec, watched.ok_or(RejectReason::NoPrice)?) {
            Err(RejectReason::TriggerPassed)
        } else {
            Ok(())
        }
    }

    /// Post-only must not trade now, fill-or-kill must trade whole now.
    fn admit_now(&self, m: usize, spec: &OrderSpec, qty: Qty) -> Result<(), RejectReason> {
        let tape = &self.markets[m].tape;
        if matches!(
            spec.kind,
            OrderKind::Limit {
                post_only: true,
                ..
            }
        ) {
            // Between two bars the close is the best guess at what the order would meet.
            let meets = tape.source(tape.last);
            if meets.is_some_and(|source| self.would_cross(m, spec, source)) {
                return Err(RejectReason::WouldTake);
            }
        } else if spec.tif == TimeInForce::Fok && spec.kind.trigger().is_none() {
            let short = |source: Source| self.available(m, spec, qty, source) < qty;
            if tape.source(None).is_some_and(short) {
                return Err(RejectReason::CannotFillWhole);
            }
        }
        Ok(())
    }
}
