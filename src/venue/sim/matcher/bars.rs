//! What bars do to orders and positions, by the worst case within each bar.

use super::order::{State, is_reached, is_through, worse};
use super::react::Wake;
use super::tape::BarNews;
use super::{Answers, Matcher};
use crate::domain::{Bar, BarEvent, Liquidity, Price, Side, Timestamp, TriggerPrice};

impl Matcher {
    /// A bar has opened: gaps wake stops, waiting orders fill.
    pub(super) fn on_open(&mut self, m: usize, at: Timestamp, price: Price, out: &mut Answers) {
        let market = &mut self.markets[m];
        market.tape.open(at, price);
        if market.is_idle() {
            return;
        }
        self.watch(m, at, TriggerPrice::Last, price, out);
        self.value_at_last(m, at, price, out);
        self.work(m, at, None, None, out);
        self.sweep(m);
    }

    /// A bar, final or not.
    pub(super) fn on_bar(&mut self, m: usize, at: Timestamp, event: &BarEvent, out: &mut Answers) {
        if event.bar.check(event.interval).is_err() {
            return;
        }
        let market = &mut self.markets[m];
        let news = market.tape.begin_bar(event);
        if news == BarNews::Stale {
            return;
        }
        if market.is_idle() {
            market.tape.end_bar(event);
            return;
        }
        let bar = &event.bar;
        if news == BarNews::Unopened {
            self.work(m, at, Some(bar.open), Some(bar.open_time), out);
        }
        self.wake_in_bar(m, at, bar, Wake::Stops, out);
        self.value_at_extreme(m, at, bar, out);
        self.wake_in_bar(m, at, bar, Wake::TakeProfits, out);
        self.fill_resting_in_bar(m, at, bar, out);
        self.markets[m].tape.end_bar(event);
        self.value_at_last(m, at, bar.close, out);
        self.work(m, at, None, None, out);
        self.sweep(m);
    }

    /// Wakes the conditional orders that a bar reaches, nearest to its open first.
    fn wake_in_bar(&mut self, m: usize, at: Timestamp, bar: &Bar, wake: Wake, out: &mut Answers) {
        loop {
            let reached = (0..self.markets[m].orders.len()).filter_map(|k| {
                let base = self.reached_in_bar(m, k, bar, wake)?;
                let trigger = self.markets[m].orders[k].spec.kind.trigger()?;
                let distance = trigger.raw().abs_diff(bar.open.raw());
                Some((distance, k, base))
            });
            let Some((_, k, base)) = reached.min() else {
                return;
            };
            self.wake(m, k, at, Some(base), out);
        }
    }

    /// Price at which a bar wakes a conditional order; `None` when it does not.
    fn reached_in_bar(&self, m: usize, k: usize, bar: &Bar, wake: Wake) -> Option<Price> {
        let order = &self.markets[m].orders[k];
        let spec = &order.spec;
        // Open and close lie between the extremes: what neither of these reaches, nothing does.
        let is_far = !is_reached(spec, bar.low) && !is_reached(spec, bar.high);
        if is_far || !wake.is_for(spec) || !self.is_watched(m, k, TriggerPrice::Last) {
            return None;
        }
        let trigger = spec.kind.trigger()?;
        let was_there = order.arrived <= bar.open_time;
        if was_there && is_reached(spec, bar.open) {
            Some(bar.open)
        } else if was_there && (is_reached(spec, bar.low) || is_reached(spec, bar.high)) {
            Some(trigger)
        } else if is_reached(spec, bar.close) {
            Some(worse(spec.side, trigger, bar.close))
        } else {
            None
        }
    }

    /// Looks for liquidation at the worse end of a bar.
    fn value_at_extreme(&mut self, m: usize, at: Timestamp, bar: &Bar, out: &mut Answers) {
        let position = &self.markets[m].position;
        let worst = match position.qty.side() {
            Some(Side::Buy) => bar.low,
            Some(Side::Sell) => bar.high,
            None => return,
        };
        if position.grown_at <= bar.open_time {
            self.value_at_last(m, at, worst, out);
        }
    }

    /// Fills resting orders that a bar traded through.
    fn fill_resting_in_bar(&mut self, m: usize, at: Timestamp, bar: &Bar, out: &mut Answers) {
        for k in 0..self.markets[m].orders.len() {
            let market = &self.markets[m];
            let order = &market.orders[k];
            let rests = matches!(order.state, State::Resting { .. });
            let extreme = match order.spec.side {
                Side::Buy => bar.low,
                Side::Sell => bar.high,
            };
            let (true, Some(price)) = (rests, order.spec.kind.limit_price()) else {
                continue;
            };
            if bar.open_time < order.arrived || !is_through(&order.spec, extreme) {
                continue;
            }
            let step = self.instruments.get(market.instrument).qty_step;
            let budget = market.tape.maker_budget(self.settings.participation, bar);
            let qty = budget.map_or(order.remaining, |budget| {
                budget.floor_to(step).min(order.remaining)
            });
            if !qty.is_zero() {
                self.fill(m, k, at, (price, qty, Liquidity::Maker), out);
            }
        }
    }
}
