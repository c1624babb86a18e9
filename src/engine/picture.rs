//! The snapshot: what front ends read of the engine's state.

use std::sync::Arc;

use super::core::Engine;
use super::state::Note;
use super::state::{Leg, Market, Reached};
use crate::account::{Difference, Order};
use crate::control::{
    AccountView, ActionMark, BookView, DecisionView, DifferenceView, EquityPoint, FeatureView,
    FeedHealth, Gauge, GaugeAction, LegPhase, LegView, MarketView, OrderView, PauseView,
    PositionView, Rung, RungState, SessionView, Snapshot, StatsView, TradingState,
};
use crate::domain::{Category, Exposure, FeedLink, InstrumentId, Money, Rate, Timestamp};
use crate::market::BookState;
use crate::risk::LimitAction;

/// Levels of a book that are shown.
const BOOK_LEVELS: usize = 50;
/// Milliseconds of one day.
const DAY_MS: i64 = 86_400_000;

/// A picture with nothing in it.
pub(super) fn blank(session: SessionView) -> Snapshot {
    Snapshot::blank(session)
}

impl Engine {
    /// A picture of everything, for the front ends. Allocates; call it at frame rate, not at
    /// event rate.
    #[must_use]
    pub fn snapshot(&mut self, session: SessionView) -> Snapshot {
        self.version += 1;
        Snapshot {
            version: self.version,
            at: self.started.then_some(self.now),
            session,
            state: TradingState {
                kill: self.level,
                kill_reason: self.kill_reason.clone(),
                kill_since: self.kill_since,
                pauses: self
                    .breakers
                    .pauses(self.now)
                    .map(|p| PauseView {
                        rule: p.rule.to_owned(),
                        until: p.until,
                    })
                    .collect(),
                disconnected: false,
            },
            markets: self
                .instruments
                .iter()
                .map(|(id, _)| self.market_view(id))
                .collect(),
            positions: self
                .ledger
                .positions()
                .filter_map(|(id, _)| self.position_view(id))
                .collect(),
            orders: self.orders.live().map(|o| self.order_view(o)).collect(),
            fills: self.fills.iter().cloned().collect(),
            trades: self.trades.iter().cloned().collect(),
            account: self.account_view(),
            equity: self
                .curve
                .points()
                .map(|p| EquityPoint {
                    at: p.at,
                    equity: p.equity,
                })
                .collect(),
            stats: self.stats(),
            legs: self.legs.iter().map(|leg| self.leg_view(leg)).collect(),
            gauges: self.gauges(),
            last_refusal: self.last_refusal.clone(),
            notices: self.notices.iter().map(Note::to_notice).collect(),
            counters: self.counters.clone(),
            differences: self.links.differences.iter().map(difference_view).collect(),
            venue: None,
        }
    }

    fn market_view(&self, id: InstrumentId) -> MarketView {
        let instrument = self.instruments.get(id);
        let market = &self.markets[id.index()];
        let bars: Arc<[_]> = match &market.chart {
            Some(chart) => chart.bars.iter().copied().collect(),
            None => Arc::from([]),
        };
        let interval = market.chart.as_ref().map(|c| c.interval);
        let change_24h = market.last.and_then(|last| {
            let since = self.now.plus_millis(-DAY_MS);
            let then = bars.iter().find(|b| since <= b.open_time)?;
            // A day's change needs a day of bars.
            let first = bars.first()?;
            (first.open_time <= since).then(|| last.distance(then.open))?
        });
        let next_close = interval.map(|interval| {
            let into = self.now.millis().rem_euclid(interval.millis());
            self.now.plus_millis(interval.millis() - into)
        });
        let funding_ms = i64::from(instrument.funding_hours) * 3_600_000;
        let next_funding = (instrument.category == Category::Linear && funding_ms > 0).then(|| {
            let into = self.now.millis().rem_euclid(funding_ms);
            self.now.plus_millis(funding_ms - into)
        });
        MarketView {
            symbol: instrument.symbol.clone(),
            tick: instrument.tick,
            qty_step: instrument.qty_step,
            last: market.newest,
            change_24h,
            bid: market.bid,
            ask: market.ask,
            mark: market.mark,
            funding: market.funding,
            next_funding: next_funding.filter(|_| self.started),
            interval,
            bars,
            next_close: next_close.filter(|_| self.started),
            book: market
                .book
                .as_ref()
                .filter(|b| b.state() == BookState::Valid)
                .map(|book| {
                    Arc::new(BookView {
                        bids: book
                            .bids()
                            .iter()
                            .take(BOOK_LEVELS)
                            .map(|l| (l.price, l.qty))
                            .collect(),
                        asks: book
                            .asks()
                            .iter()
                            .take(BOOK_LEVELS)
                            .map(|l| (l.price, l.qty))
                            .collect(),
                        update_id: book.update_id(),
                    })
                }),
            health: self.health(id, market),
            updated: market.updated,
            n_bad_bars: market.n_bad,
        }
    }

    fn health(&self, id: InstrumentId, market: &Market) -> FeedHealth {
        let stale = |at: Timestamp| self.settings.stale_after_ms < self.now.since(at);
        let link = self.links.feed(id);
        match market.updated {
            None => FeedHealth::Waiting,
            Some(_) if matches!(link, FeedLink::Stale | FeedLink::Down) => FeedHealth::Stale,
            Some(_) if link == FeedLink::Broken => FeedHealth::Resync,
            Some(at) if stale(at) => FeedHealth::Stale,
            Some(_) if market.has_gap => FeedHealth::Gap,
            Some(_)
                if market
                    .book
                    .as_ref()
                    .is_some_and(|b| b.state() != BookState::Valid) =>
            {
                FeedHealth::Resync
            }
            Some(_) => FeedHealth::Ok,
        }
    }

    fn position_view(&self, id: InstrumentId) -> Option<PositionView> {
        let position = self.ledger.position(id)?;
        let market = &self.markets[id.index()];
        let mark = market.valuation();
        let unrealised = self.ledger.unrealised_of(id);
        let value = position.entry * position.size.abs();
        let leg = self.routes[id.index()];
        Some(PositionView {
            symbol: self.instruments.get(id).symbol.clone(),
            size: position.size,
            entry: position.entry,
            mark,
            unrealised,
            unrealised_rate: unrealised.and_then(|u| u.fraction_of(value)),
            realised: position.realised,
            stop: leg
                .and_then(|leg| self.legs[leg.index()].stop)
                .and_then(|_| self.stop_of(id)),
            opened: position.opened,
            strategy: leg.map_or_else(
                || "-".to_owned(),
                |leg| self.legs[leg.index()].strategy.info().name.clone(),
            ),
        })
    }

    fn order_view(&self, order: &Order) -> OrderView {
        let spec = &order.intent.spec;
        OrderView {
            id: order.intent.id,
            symbol: self.instruments.get(spec.instrument).symbol.clone(),
            side: spec.side,
            qty: spec.qty,
            filled: order.filled(),
            price: spec.kind.limit_price(),
            trigger: spec.kind.trigger(),
            kind: spec.kind.name().to_owned(),
            state: order.state().to_string(),
            tif: spec.tif,
            reduce_only: spec.reduce_only,
            purpose: spec.purpose,
            created: order.intent.decided_at,
        }
    }

    fn account_view(&self) -> AccountView {
        let ledger = &self.ledger;
        let equity = ledger.equity();
        let peak = ledger.peak();
        AccountView {
            equity: Some(equity),
            cash: ledger.cash(),
            start: self.settings.capital,
            unrealised: Some(ledger.unrealised()),
            day: ledger.day_pnl(),
            week: ledger.week_pnl(),
            peak: Some(peak),
            drawdown: (peak - equity).fraction_of(peak),
            fees: ledger.fees(),
            funding: ledger.funding(),
            exposure: self.exposure(),
        }
    }

    /// Statistics so far.
    #[must_use]
    pub fn stats(&self) -> StatsView {
        let trades = &self.trade_stats;
        let equity = &self.equity_stats;
        StatsView {
            n_trades: trades.n_trades(),
            n_wins: trades.n_wins(),
            n_losses: trades.n_losses(),
            win_rate: trades.win_rate(),
            net: trades.net(),
            profit_factor: trades.profit_factor(),
            expectancy: trades.expectancy(),
            sharpe: equity.sharpe(),
            sortino: equity.sortino(),
            max_drawdown: equity.max_drawdown(),
            max_drawdown_ms: equity.max_drawdown_ms(),
            mean_holding_ms: trades.mean_holding_ms(),
            slippage: trades.slippage(),
            time_in_market: equity.time_in_market(),
        }
    }

    fn leg_view(&self, leg: &Leg) -> LegView {
        let info = leg.strategy.info();
        let insight = leg.strategy.insight();
        let finite = |v: f64| v.is_finite().then_some(v);
        let mark = |&(at, target): &(Timestamp, Exposure)| ActionMark {
            at,
            target: target.rate().to_f64(),
        };
        let decision = leg.actions.back().map(mark).map(|action| DecisionView {
            at: action.at,
            target: action.target,
            entropy: entropy(&insight.choices),
            choices: insight.choices,
            chosen: insight.chosen,
            value: insight.value,
        });
        LegView {
            name: info.name.clone(),
            family: info.family.clone(),
            bundle_hash: info
                .bundle_hash
                .as_ref()
                .map(|h| h.chars().take(12).collect()),
            symbol: self.instruments.get(leg.instrument).symbol.clone(),
            interval: leg.interval,
            phase: phase(leg),
            decision,
            features: insight
                .features
                .into_iter()
                .map(|(name, raw, z)| FeatureView {
                    name,
                    raw: finite(raw),
                    z: finite(z),
                })
                .collect(),
            actions: leg.actions.iter().map(mark).collect(),
            why: self.why(leg),
            n_decisions: leg.n_decisions,
            n_holds: leg.n_holds,
            latency_us: insight.latency_us,
        }
    }

    /// The ladder from data to order for the newest bar: the first rung that is not passed is the
    /// answer to "why".
    fn why(&self, leg: &Leg) -> Vec<Rung> {
        let symbol = &self.instruments.get(leg.instrument).symbol;
        let target = leg
            .target
            .map_or_else(|| "-".to_owned(), |t| format!("target {t}"));
        let stop = match &leg.reached {
            Reached::Nothing => (0, RungState::Waiting, "no bar yet".to_owned()),
            Reached::Data(problem) => (0, RungState::Blocked, problem.clone()),
            Reached::Warming { have, need } => {
                (1, RungState::Waiting, format!("{have} of {need} bars"))
            }
            Reached::Stopped => (2, RungState::Blocked, "strategy is stopped".to_owned()),
            Reached::Held(reason) => (2, RungState::Blocked, format!("holds: {reason}")),
            Reached::Planned(reason) => (3, RungState::Ok, reason.words().to_owned()),
            Reached::Refused(refusal) => (4, RungState::Blocked, refusal.clone()),
            Reached::Sent(n) => (5, RungState::Ok, format!("{n} sent")),
        };
        let passed = [
            format!("{symbol} {} bar {}", leg.interval, leg.bar),
            "complete".to_owned(),
            target,
            "orders planned".to_owned(),
            "approved".to_owned(),
            String::new(),
        ];
        ["data", "features", "decision", "plan", "risk", "order"]
            .into_iter()
            .zip(passed)
            .enumerate()
            .map(|(n, (step, detail))| {
                let (state, detail) = match n.cmp(&stop.0) {
                    std::cmp::Ordering::Less => (RungState::Ok, detail),
                    std::cmp::Ordering::Equal => (stop.1, stop.2.clone()),
                    std::cmp::Ordering::Greater => (RungState::Skipped, String::new()),
                };
                Rung {
                    step: step.to_owned(),
                    state,
                    detail,
                }
            })
            .collect()
    }

    fn gauges(&self) -> Vec<Gauge> {
        let limits = self.gate.limits();
        let equity = self.ledger.equity();
        let [day, week, drawdown] = self.breakers.used(equity);
        let mut largest = Some(Money::ZERO);
        for (id, _) in self.instruments.iter() {
            largest = largest.zip(self.worst_value(id)).map(|(a, b)| a.max(b));
        }
        let n_orders = self.gate.orders_last_minute(self.now);
        let money = |name: &str, (used, limit): (Option<Money>, Money), action| Gauge {
            name: name.to_owned(),
            used: used
                .and_then(|used| used.fraction_of(limit))
                .map(|r| r.to_f64().max(0.0)),
            detail: match used {
                Some(used) => format!("{:.2} / {limit:.2}", used.max(Money::ZERO)),
                None => format!("- / {limit:.2}"),
            },
            action,
        };
        let known = |(used, limit): (Money, Money)| (Some(used), limit);
        vec![
            money("day loss", known(day), gauge_action(limits.day_action)),
            money("week loss", known(week), gauge_action(limits.week_action)),
            money(
                "drawdown",
                known(drawdown),
                gauge_action(limits.drawdown_action),
            ),
            money(
                "exposure",
                (self.exposure(), limits.max_exposure_value()),
                GaugeAction::Block,
            ),
            money(
                "position",
                (largest, limits.max_position_value()),
                GaugeAction::Block,
            ),
            self.worst_stop_gauge(),
            Gauge {
                name: "orders/min".to_owned(),
                used: Some(
                    f64::from(u32::try_from(n_orders).unwrap_or(u32::MAX))
                        / f64::from(limits.max_orders_per_minute),
                ),
                detail: format!("{n_orders} / {}", limits.max_orders_per_minute),
                action: GaugeAction::Block,
            },
        ]
    }

    /// How near the worst position is to its stop.
    fn worst_stop_gauge(&self) -> Gauge {
        let limit = self.gate.limits().stop_loss;
        let worst = self
            .ledger
            .positions()
            .filter_map(|(id, position)| {
                let value = position.entry * position.size.abs();
                (-self.ledger.unrealised_of(id)?).fraction_of(value)
            })
            .max()
            .unwrap_or(Rate::ZERO)
            .max(Rate::ZERO);
        Gauge {
            name: "stop loss".to_owned(),
            used: Some(worst.to_f64() / limit.to_f64()),
            detail: format!(
                "{:.2}% / {:.2}%",
                worst.to_f64() * 100.0,
                limit.to_f64() * 100.0
            ),
            action: GaugeAction::Close,
        }
    }
}

fn gauge_action(action: LimitAction) -> GaugeAction {
    match action {
        LimitAction::Block => GaugeAction::Block,
        LimitAction::Pause => GaugeAction::Pause,
        LimitAction::Kill => GaugeAction::Kill,
    }
}

fn phase(leg: &Leg) -> LegPhase {
    if leg.failed {
        LegPhase::Failed
    } else if leg.stopped {
        LegPhase::Stopped
    } else if let Reached::Warming { have, need } = leg.reached {
        LegPhase::Warming { have, need }
    } else if leg.reached == Reached::Nothing {
        LegPhase::Warming {
            have: 0,
            need: leg.strategy.info().warmup_bars,
        }
    } else {
        LegPhase::Running
    }
}

/// Shannon entropy of the probabilities, in nats.
fn entropy(choices: &[(String, f64)]) -> Option<f64> {
    (!choices.is_empty()).then(|| {
        choices
            .iter()
            .map(|(_, p)| *p)
            .filter(|p| *p > 0.0)
            .map(|p| -p * p.ln())
            .sum()
    })
}

fn difference_view(difference: &Difference) -> DifferenceView {
    DifferenceView {
        class: difference.class().into(),
        ours: difference.ours(),
        venue: difference.venue(),
        repair: difference.repair().into(),
    }
}
