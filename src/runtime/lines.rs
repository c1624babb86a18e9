//! Steps of the engine as lines for the headless front end.

use crate::control::{Line, LineKind, NoticeLevel, OrderLine};
use crate::domain::{AccountEvent, Instruments, Intent, LegId, MarketEvent, Timestamp};
use crate::engine::{CancelReason, Effect, EffectOf, Event, Outcome};

/// Names that lines need and steps do not carry.
#[derive(Debug, Clone)]
pub struct LineNames {
    /// Instruments of the session.
    pub instruments: Instruments,
    /// Strategy and instrument number of each leg.
    pub legs: Vec<(String, crate::domain::InstrumentId)>,
}

impl LineNames {
    /// Lines of one step, in the order in which things happened.
    pub fn of_step(&self, at: Timestamp, event: &Event, effects: &[Effect], out: &mut Vec<Line>) {
        match event {
            Event::Market(market) => self.market(at, market, out),
            Event::Account(account) => self.account(at, account, out),
            Event::Command(_) | Event::Tick | Event::Link(_) => {}
        }
        for effect in effects {
            self.effect(at, effect, out);
        }
    }

    fn market(&self, at: Timestamp, event: &MarketEvent, out: &mut Vec<Line>) {
        let MarketEvent::Bar(event) = event else {
            return;
        };
        if !event.confirmed {
            return;
        }
        let bar = &event.bar;
        out.push(Line::new(
            at,
            LineKind::Bar {
                symbol: self.instruments.get(event.instrument).symbol.clone(),
                interval: event.interval,
                open_time: bar.open_time,
                open: bar.open,
                high: bar.high,
                low: bar.low,
                close: bar.close,
                volume: bar.volume,
            },
        ));
    }

    fn account(&self, at: Timestamp, event: &AccountEvent, out: &mut Vec<Line>) {
        let order = |id, state, reason| {
            Line::new(
                at,
                LineKind::Order {
                    id,
                    state,
                    trace: None,
                    order: None,
                    reason,
                },
            )
        };
        let line = match event {
            AccountEvent::Accepted { order: id } => order(*id, "accepted", None),
            AccountEvent::Rejected { order: id, reason } => {
                order(*id, "rejected", Some(reason.to_string()))
            }
            AccountEvent::NotSent { order: id, cause } => {
                order(*id, "not-sent", Some(cause.to_string()))
            }
            AccountEvent::Unknown { order: id, cause } => {
                order(*id, "unknown", Some(cause.clone()))
            }
            AccountEvent::Triggered { order: id } => order(*id, "triggered", None),
            AccountEvent::Cancelled { order: id } => order(*id, "cancelled", None),
            AccountEvent::CancelRejected { order: id } => order(*id, "cancel-rejected", None),
            AccountEvent::Fill(fill) => Line::new(
                at,
                LineKind::Fill {
                    exec: fill.exec_id.clone(),
                    order: fill.order,
                    symbol: self.instruments.get(fill.instrument).symbol.clone(),
                    side: fill.side,
                    qty: fill.qty,
                    price: fill.price,
                    fee: fill.fee,
                    liquidity: fill.liquidity,
                    at: fill.at,
                },
            ),
            // The engine's own notice about it becomes a line.
            AccountEvent::Funding { .. } | AccountEvent::Report(_) => return,
            AccountEvent::NeverAccepted { order: id } => order(*id, "never-accepted", None),
        };
        out.push(line);
    }

    fn effect(&self, at: Timestamp, effect: &Effect, out: &mut Vec<Line>) {
        let kind = match effect {
            EffectOf::Submit(approved) => self.sent(approved.intent()),
            EffectOf::Cancel { order, reason } => LineKind::Order {
                id: *order,
                state: "cancelling",
                trace: None,
                order: None,
                reason: Some(cancel_words(*reason).to_owned()),
            },
            EffectOf::Decision(record) => {
                let (strategy, symbol) = self.leg(record.leg);
                let (target, hold) = match &record.outcome {
                    Outcome::Target(target) => (Some(target.rate().to_f64()), None),
                    Outcome::Hold(reason) => (None, Some(reason.clone())),
                };
                LineKind::Decision {
                    strategy,
                    symbol,
                    bar: record.bar,
                    target,
                    hold,
                }
            }
            EffectOf::Refused(refusal) => LineKind::Risk {
                action: "refused",
                rule: refusal.rule.clone(),
                detail: refusal.detail(),
                order: Some(refusal.intent.id),
                until: None,
            },
            EffectOf::Trip { level, reason } => LineKind::Risk {
                action: "tripped",
                rule: level.name().to_owned(),
                detail: reason.clone(),
                order: None,
                until: None,
            },
            EffectOf::Paused { rule, until } => LineKind::Risk {
                action: "paused",
                rule: rule.clone(),
                detail: "entries pause".to_owned(),
                order: None,
                until: Some(*until),
            },
            EffectOf::KillApplied { level, reason } => LineKind::Status {
                status: "level",
                detail: reason.clone(),
                equity: None,
                trades: None,
                level: Some(level.name()),
            },
            EffectOf::TradeClosed(record) => {
                let trade = &record.trade;
                LineKind::Trade {
                    symbol: trade.symbol.clone(),
                    side: trade.side,
                    qty: trade.qty,
                    entry: trade.entry,
                    exit: trade.exit,
                    opened: trade.opened,
                    net: trade.net,
                    fees: trade.fees,
                    reason: trade.reason.clone(),
                }
            }
            EffectOf::Notice(notice) => {
                // Refusals and the ladder have lines of their own.
                let has_line = matches!(&*notice.topic, "risk" | "kill");
                if notice.level < NoticeLevel::Info || has_line {
                    return;
                }
                LineKind::Notice {
                    level: notice.level,
                    topic: notice.topic.clone(),
                    text: notice.text.clone(),
                }
            }
        };
        out.push(Line::new(at, kind));
    }

    fn leg(&self, leg: LegId) -> (String, crate::domain::Symbol) {
        let (name, instrument) = &self.legs[leg.index()];
        (
            name.clone(),
            self.instruments.get(*instrument).symbol.clone(),
        )
    }

    fn sent(&self, intent: &Intent) -> LineKind {
        let spec = &intent.spec;
        LineKind::Order {
            id: intent.id,
            state: "sent",
            trace: Some(intent.trace),
            order: Some(OrderLine {
                symbol: self.instruments.get(spec.instrument).symbol.clone(),
                side: spec.side,
                qty: spec.qty,
                kind: spec.kind.name(),
                price: spec.kind.limit_price(),
                trigger: spec.kind.trigger(),
                tif: spec.tif,
                reduce_only: spec.reduce_only,
                purpose: spec.purpose,
            }),
            reason: None,
        }
    }
}

const fn cancel_words(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Superseded => "a newer decision replaces it",
        CancelReason::Kill => "kill ladder or pause",
        CancelReason::Operator => "operator",
        CancelReason::Orphaned => "its position is gone",
    }
}
