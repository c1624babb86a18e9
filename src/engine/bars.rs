//! One closed bar: data, decision, plan.

use super::core::{Engine, next_day};
use super::event::{CancelReason, DecisionRecord, Effect, EffectOf, Outcome};
use super::planner::{self, NoOrder, Plan, PlanInput, Planned};
use super::state::Reached;
use crate::control::NoticeLevel;
use crate::domain::{
    BarEvent, BookUpdate, ClientOrderId, Exposure, InstrumentId, Intent, LegId, Level, Purpose,
    Side,
};
use crate::market::{BarVerdict, Book, BookState, BookVerdict};
use crate::strategy::{Stopwatch, Verdict};

impl Engine {
    pub(super) fn on_bar(
        &mut self,
        event: &BarEvent,
        watch: &mut dyn Stopwatch,
        effects: &mut Vec<Effect>,
    ) {
        let id = event.instrument;
        let was_valued = event.bar.check(event.interval).is_ok() && {
            self.markets[id.index()].barred(event, self.now);
            self.revalue(id, effects)
        };
        let Some(leg_id) = self.routes[id.index()] else {
            return;
        };
        if self.legs[leg_id.index()].interval != event.interval {
            return;
        }
        if self.accept_bar(leg_id, event, effects) {
            self.counters.n_bars += 1;
            self.decide(leg_id, event, watch, effects);
            self.guard(leg_id, effects);
        }
        // Deciding moves no money: what was looked at above still holds.
        let equity = self.ledger.equity();
        if !was_valued {
            let in_market = self.is_open();
            self.equity_stats.observe(self.now, equity, in_market);
        }
        self.curve.push(self.now, equity);
    }

    /// Takes over a new UTC day or week.
    #[cold]
    pub(super) fn roll(&mut self, effects: &mut Vec<Effect>) {
        let week = self.now.week();
        let equity = self.ledger.equity();
        self.ledger.roll(self.now);
        self.next_day = next_day(self.now);
        self.breakers.start_day(equity);
        let text = format!("new UTC day, equity {equity:.2}");
        self.notice(NoticeLevel::Info, "day", text, effects);
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
                // What it wanted before the hole it may not want now.
                self.cancel_entries(event.instrument, CancelReason::Superseded, effects);
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
        leg.replan = false;
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
        let instrument = self.legs[id.index()].instrument;
        if fails {
            self.cancel_entries(instrument, CancelReason::Superseded, effects);
        }
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

    /// Entries of an older decision make way for this one: those that rest at a price, and those
    /// that would lead away from the target or beyond it.
    fn cancel_superseded(&mut self, id: LegId, effects: &mut Vec<Effect>) {
        self.cancel_astray(id, true, effects);
    }

    /// Entries on their way that no longer lead to the target, because something else has
    /// closed the position meanwhile; with `resting`, those that rest as well.
    pub(super) fn cancel_astray(&mut self, id: LegId, resting: bool, effects: &mut Vec<Effect>) {
        let (entering_buys, entering_sells) =
            self.orders.worst_case(self.legs[id.index()].instrument);
        if entering_buys.is_zero() && entering_sells.is_zero() {
            return;
        }
        let Some(input) = self.plan_input(id) else {
            return;
        };
        let rules = &self.settings.plan;
        let leads_on = |side| planner::leads_to_target(&input, rules, side);
        let (buys, sells) = (leads_on(Side::Buy), leads_on(Side::Sell));
        let instrument = input.id;
        let n_cancelled = self.cancel_where(
            |o| {
                let leads = match o.side {
                    Side::Buy => buys,
                    Side::Sell => sells,
                };
                o.instrument == instrument
                    && o.purpose == Purpose::Entry
                    && ((resting && o.kind.limit_price().is_some()) || !leads)
            },
            CancelReason::Superseded,
            effects,
        );
        self.legs[id.index()].replan |= n_cancelled > 0;
    }

    /// Cancels every entry of an instrument that could still fill.
    pub(super) fn cancel_entries(
        &mut self,
        instrument: InstrumentId,
        reason: CancelReason,
        effects: &mut Vec<Effect>,
    ) {
        self.cancel_where(
            |o| o.instrument == instrument && o.purpose == Purpose::Entry,
            reason,
            effects,
        );
    }

    fn plan_input(&self, id: LegId) -> Option<PlanInput<'_>> {
        let leg = &self.legs[id.index()];
        let (price, _) = self.reference(leg.instrument)?;
        Some(PlanInput {
            id: leg.instrument,
            instrument: self.instruments.get(leg.instrument),
            target: leg.target.unwrap_or_default(),
            full_value: leg.full_value,
            price,
            held: self.ledger.size(leg.instrument),
            pending: self.orders.worst_case(leg.instrument),
            closing: self.orders.closing(leg.instrument),
        })
    }

    pub(super) fn plan_leg(&mut self, id: LegId, effects: &mut Vec<Effect>) {
        let Some(input) = self.plan_input(id) else {
            self.legs[id.index()].reached = Reached::Data("no price yet".to_owned());
            return;
        };
        match planner::plan(&input, &self.settings.plan) {
            Plan::Nothing(reason) => {
                // Inside these prices no plan can differ, so the next bars need none.
                let calm = matches!(reason, NoOrder::OnTarget | NoOrder::DeadBand)
                    .then(|| planner::calm_band(&input, &self.settings.plan))
                    .flatten();
                let leg = &mut self.legs[id.index()];
                leg.reached = Reached::Planned(reason);
                leg.calm = calm;
            }
            Plan::Orders(orders) => {
                // One order for both ways may be refused as an entry; its closing half may not.
                let exit = planner::exit_of(&input, &self.settings.plan);
                let mut n_sent = 0;
                for planned in orders {
                    let is_netted = planned.role == 'n';
                    if self.send(id, planned, effects) {
                        n_sent += 1;
                    } else if is_netted
                        && let Some(exit) = exit.clone()
                        && self.send(id, exit, effects)
                    {
                        n_sent += 1;
                    }
                }
                if n_sent > 0 {
                    self.legs[id.index()].reached = Reached::Sent(n_sent);
                }
            }
        }
    }

    fn send(&mut self, id: LegId, planned: Planned, effects: &mut Vec<Effect>) -> bool {
        let now = self.now;
        let leg = &mut self.legs[id.index()];
        let attempt = leg.attempts.next(leg.bar, planned.role);
        let intent = Intent {
            id: ClientOrderId::of_decision(leg.scope, leg.bar, planned.role, attempt),
            leg: id,
            trace: self.seq,
            // A feed whose clock is ahead of ours must not date a decision into its own bar.
            decided_at: now.max(leg.bar.plus_millis(leg.interval.millis())),
            spec: planned.spec,
        };
        self.submit(intent, effects)
    }

    pub(super) fn on_book(&mut self, update: &BookUpdate, effects: &mut Vec<Effect>) {
        let id = update.instrument;
        let market = &mut self.markets[id.index()];
        let book = market.book.get_or_insert_with(|| Book::new(id));
        let verdict = book.apply(update);
        // A book that has lost its place shows no price.
        let best = |level: Option<Level>| {
            level
                .filter(|_| book.state() == BookState::Valid)
                .map(|level| (level.price, level.qty))
        };
        (market.bid, market.ask) = (best(book.best_bid()), best(book.best_ask()));
        if !matches!(verdict, BookVerdict::Snapshot | BookVerdict::Delta) {
            self.counters.n_bad_data += 1;
            market.n_bad += 1;
            let symbol = &self.instruments.get(id).symbol;
            let text = format!("{symbol} book update {}: {verdict:?}", update.update_id);
            self.notice(NoticeLevel::Warn, "feed", text, effects);
        }
    }
}
