//! One closed bar: data, decision, plan.

use super::core::Engine;
use super::event::{CancelReason, DecisionRecord, Effect, EffectOf, Outcome};
use super::planner::{self, NoOrder, Plan, PlanInput};
use super::state::Reached;
use crate::control::NoticeLevel;
use crate::domain::{
    BarEvent, BookUpdate, ClientOrderId, Exposure, Intent, LegId, Price, Purpose, Rate,
};
use crate::market::{BarVerdict, Book, BookVerdict};
use crate::strategy::{Stopwatch, Verdict};

impl Engine {
    pub(super) fn on_bar(
        &mut self,
        event: &BarEvent,
        watch: &mut dyn Stopwatch,
        effects: &mut Vec<Effect>,
    ) {
        let id = event.instrument;
        self.markets[id.index()].traded(event.bar.close);
        if event.confirmed {
            self.markets[id.index()].draw_bar(event.interval, &event.bar);
        }
        self.roll(effects);
        self.revalue(id, effects);
        let Some(leg_id) = self.routes[id.index()] else {
            return;
        };
        if self.legs[leg_id.index()].interval != event.interval {
            return;
        }
        if self.accept_bar(leg_id, event, effects) {
            self.counters.n_bars += 1;
            self.decide(leg_id, event, watch, effects);
        }
        let (equity, in_market) = (self.ledger.equity(), self.is_open());
        self.equity_stats.observe(self.now, equity, in_market);
        self.curve.push(self.now, equity);
    }

    /// Takes over a new UTC day or week.
    fn roll(&mut self, effects: &mut Vec<Effect>) {
        let (day, week) = (self.now.day(), self.now.week());
        if day == self.day {
            return;
        }
        let equity = self.ledger.equity();
        self.ledger.roll(self.now);
        self.day = day;
        {
            self.breakers.start_day(equity);
            let text = format!("new UTC day, equity {equity:.2}");
            self.notice(NoticeLevel::Info, "day", text, effects);
        }
        if week != self.week {
            self.week = week;
            self.breakers.start_week(equity);
        }
    }

    /// Whether the bar is the next closed one. Anything else is counted and told.
    fn accept_bar(&mut self, leg: LegId, event: &BarEvent, effects: &mut Vec<Effect>) -> bool {
        let verdict = self.legs[leg.index()].series.offer(event);
        let (fresh, problem) = match verdict {
            BarVerdict::First | BarVerdict::Fresh => (true, None),
            BarVerdict::Unconfirmed | BarVerdict::Foreign => (false, None),
            BarVerdict::Gap { missing, .. } => {
                self.legs[leg.index()].strategy.reset();
                self.markets[event.instrument.index()].has_gap = true;
                (
                    true,
                    Some(format!(
                        "{missing} bars are missing before this one: warming up anew"
                    )),
                )
            }
            BarVerdict::Duplicate => (false, Some("bar came twice".to_owned())),
            BarVerdict::Revised { .. } => (
                false,
                Some("closed bar was revised: recorded, not traded again".to_owned()),
            ),
            BarVerdict::OutOfOrder { .. } => {
                (false, Some("bar is older than the newest".to_owned()))
            }
            BarVerdict::Invalid(error) => (false, Some(error.to_string())),
        };
        if fresh && problem.is_none() {
            self.markets[event.instrument.index()].has_gap = false;
        }
        if let Some(problem) = problem {
            self.counters.n_bad_data += 1;
            self.markets[event.instrument.index()].n_bad += 1;
            let symbol = &self.instruments.get(event.instrument).symbol;
            let text = format!(
                "{symbol} {} bar {}: {problem}",
                event.interval, event.bar.open_time
            );
            if !fresh {
                self.legs[leg.index()].reached = Reached::Data(problem);
            }
            self.notice(NoticeLevel::Warn, "feed", text, effects);
        }
        fresh
    }

    fn decide(
        &mut self,
        id: LegId,
        event: &BarEvent,
        watch: &mut dyn Stopwatch,
        effects: &mut Vec<Effect>,
    ) {
        let leg = &mut self.legs[id.index()];
        leg.bar = event.bar.open_time;
        let verdict = leg.strategy.on_bar(&event.bar, watch);
        if leg.stopped || leg.failed {
            leg.reached = Reached::Stopped;
            return;
        }
        match verdict {
            Verdict::Warming { have, need } => leg.reached = Reached::Warming { have, need },
            Verdict::Hold(reason) => self.on_hold(id, &reason.to_string(), effects),
            Verdict::Target(target) => {
                leg.errors_in_row = 0;
                leg.n_decisions += 1;
                leg.remember(self.now, target);
                let record = DecisionRecord {
                    leg: id,
                    bar: event.bar.open_time,
                    outcome: Outcome::Target(target),
                };
                effects.push(EffectOf::Decision(record));
                self.pursue(id, target, effects);
            }
        }
    }

    /// A model error keeps the position; too many in a row stop the leg.
    fn on_hold(&mut self, id: LegId, reason: &str, effects: &mut Vec<Effect>) {
        let max = self.settings.max_model_errors;
        self.counters.n_model_errors += 1;
        let leg = &mut self.legs[id.index()];
        leg.n_holds += 1;
        leg.errors_in_row += 1;
        leg.reached = Reached::Held(reason.to_owned());
        let record = DecisionRecord {
            leg: id,
            bar: leg.bar,
            outcome: Outcome::Hold(reason.to_owned()),
        };
        let fails = max <= leg.errors_in_row;
        leg.failed |= fails;
        let name = leg.strategy.info().name.clone();
        effects.push(EffectOf::Decision(record));
        let text = if fails {
            format!("{name} is stopped after {max} errors in a row: {reason}")
        } else {
            format!("{name} holds its position: {reason}")
        };
        self.notice(NoticeLevel::Warn, "agent", text, effects);
    }

    /// Leads a leg's position towards its target.
    fn pursue(&mut self, id: LegId, target: Exposure, effects: &mut Vec<Effect>) {
        let leg = &mut self.legs[id.index()];
        let changed = leg.target != Some(target);
        leg.target = Some(target);
        let price = self.markets[leg.instrument.index()].last;
        if !changed
            && let (Some((low, high)), Some(price)) = (leg.calm, price)
            && low < price
            && price < high
        {
            leg.reached = Reached::Planned(NoOrder::OnTarget);
            return;
        }
        leg.calm = None;
        self.cancel_superseded(id, effects);
        self.plan_leg(id, effects);
    }

    /// Resting entries of an older bar make way for this decision.
    fn cancel_superseded(&mut self, id: LegId, effects: &mut Vec<Effect>) {
        let instrument = self.legs[id.index()].instrument;
        self.cancel_where(
            |o| {
                o.instrument == instrument
                    && o.purpose == Purpose::Entry
                    && o.kind.limit_price().is_some()
            },
            CancelReason::Superseded,
            effects,
        );
    }

    fn plan_leg(&mut self, id: LegId, effects: &mut Vec<Effect>) {
        let leg = &self.legs[id.index()];
        let (instrument, target) = (leg.instrument, leg.target.unwrap_or_default());
        let Some((price, _)) = self.reference(instrument) else {
            self.legs[id.index()].reached = Reached::Data("no price yet".to_owned());
            return;
        };
        let held = self.ledger.size(instrument);
        let input = PlanInput {
            id: instrument,
            instrument: self.instruments.get(instrument),
            target,
            full_value: leg.full_value,
            price,
            held,
            pending: self.orders.worst_case(instrument),
            closing: self.orders.closing(instrument),
        };
        match planner::plan(&input, &self.settings.plan) {
            Plan::Nothing(reason) => {
                let leg = &mut self.legs[id.index()];
                leg.reached = Reached::Planned(reason);
                // On target with nothing in flight: until the price has moved by half of the
                // dead band, no plan can differ, so the next bars need none.
                if matches!(reason, NoOrder::OnTarget | NoOrder::DeadBand) {
                    leg.calm = Some(calm_band(price, self.settings.plan.dead_band));
                }
            }
            Plan::Orders(orders) => {
                let mut n_sent = 0;
                for planned in orders {
                    let attempt = self.attempt(id, planned.role);
                    let leg = &self.legs[id.index()];
                    let intent = Intent {
                        id: ClientOrderId::of_decision(leg.scope, leg.bar, planned.role, attempt),
                        leg: id,
                        trace: self.seq,
                        decided_at: self.now,
                        spec: planned.spec,
                    };
                    if self.submit(intent, effects) {
                        n_sent += 1;
                    }
                }
                if n_sent > 0 {
                    self.legs[id.index()].reached = Reached::Sent(n_sent);
                }
            }
        }
    }

    fn attempt(&mut self, id: LegId, role: char) -> u32 {
        let leg = &mut self.legs[id.index()];
        if role == 'c' {
            leg.attempts.next(leg.bar, role)
        } else {
            0
        }
    }

    pub(super) fn on_book(&mut self, update: &BookUpdate, effects: &mut Vec<Effect>) {
        let id = update.instrument;
        let market = &mut self.markets[id.index()];
        let book = market.book.get_or_insert_with(|| Book::new(id));
        let verdict = book.apply(update);
        if let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) {
            market.bid = Some((bid.price, bid.qty));
            market.ask = Some((ask.price, ask.qty));
        }
        if !matches!(verdict, BookVerdict::Snapshot | BookVerdict::Delta) {
            self.counters.n_bad_data += 1;
            market.n_bad += 1;
            let symbol = &self.instruments.get(id).symbol;
            let text = format!("{symbol} book update {}: {verdict:?}", update.update_id);
            self.notice(NoticeLevel::Warn, "feed", text, effects);
        }
    }
}

/// Prices between which a position cannot leave its dead band: half of the band to either side.
fn calm_band(price: Price, dead_band: Rate) -> (Price, Price) {
    let half = Rate::from_raw(dead_band.raw() / 2);
    (price.moved(-half), price.moved(half))
}
