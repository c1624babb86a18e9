//! A scripted session: one winning long, one losing short with a late acknowledgement, a limit
//! order that is cancelled, a refusal, a pause, a hold, and a kill.

use tradeterm::control::TradeView;
use tradeterm::domain::{
    AccountEvent, Bar, BarEvent, Exposure, Fill, FillKind, Intent, Interval, KillLevel, LegId,
    Liquidity, MarketEvent, Mode, Money, OrderKind, OrderSpec, Purpose, Side, Symbol, TimeInForce,
};
use tradeterm::engine::{
    DecisionRecord, EffectOf, EffectRecord, Event, Outcome, RefusalRecord, TradeRecord,
};
use tradeterm::report::SessionFacts;

use super::{BTC, DAY, HOUR, at, money, price};

pub(super) fn facts() -> SessionFacts {
    SessionFacts {
        run_id: "scripted".to_owned(),
        mode: Mode::Paper,
        synthetic: true,
        feed: "demo".to_owned(),
        coin: "USDT".to_owned(),
        build: "0.1.0".to_owned(),
        config_hash: "0123456789ab".to_owned(),
        symbols: vec![Symbol::new("BTCUSDT").unwrap()],
        legs: vec!["ma-cross".to_owned()],
        start: money("10000"),
    }
}

pub(super) fn bar(open_ms: i64, close: &str) -> Event {
    let close = price(close);
    Event::Market(MarketEvent::Bar(BarEvent {
        instrument: BTC,
        interval: "1h".parse::<Interval>().unwrap(),
        confirmed: true,
        bar: Bar {
            open_time: at(open_ms),
            open: close,
            high: close,
            low: close,
            close,
            volume: "1".parse().unwrap(),
        },
    }))
}

pub(super) fn intent(name: &str, side: Side, kind: OrderKind, ms: i64) -> Intent {
    Intent {
        id: name.parse().unwrap(),
        leg: LegId(0),
        trace: 0,
        decided_at: at(ms),
        spec: OrderSpec {
            instrument: BTC,
            side,
            qty: "0.1".parse().unwrap(),
            kind,
            tif: TimeInForce::Ioc,
            reduce_only: false,
            purpose: Purpose::Entry,
        },
    }
}

fn submit(name: &str, side: Side, ms: i64) -> EffectRecord {
    EffectOf::Submit(intent(name, side, OrderKind::Market, ms))
}

pub(super) fn fill(name: &str, side: Side, traded: &str, expected: &str, ms: i64) -> Event {
    Event::Account(AccountEvent::Fill(Fill {
        exec_id: format!("exec-{name}"),
        order: name.parse().unwrap(),
        instrument: BTC,
        side,
        price: price(traded),
        qty: "0.1".parse().unwrap(),
        fee: money("0.5"),
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: at(ms),
        expected: price(expected),
        withheld: tradeterm::domain::Qty::ZERO,
    }))
}

fn target() -> EffectRecord {
    EffectOf::Decision(DecisionRecord {
        leg: LegId(0),
        bar: at(0),
        outcome: Outcome::Target(Exposure::LONG),
    })
}

fn closed(side: Side, reason: &str) -> EffectRecord {
    EffectOf::TradeClosed(TradeRecord {
        instrument: BTC,
        trade: TradeView {
            symbol: Symbol::new("BTCUSDT").unwrap(),
            side,
            qty: "0.1".parse().unwrap(),
            entry: price("1"),
            exit: price("1"),
            opened: at(0),
            closed: at(0),
            net: Money::ZERO,
            fees: Money::ZERO,
            reason: reason.to_owned().into(),
        },
    })
}

fn refusal() -> EffectRecord {
    EffectOf::Refused(RefusalRecord {
        intent: intent("refused", Side::Buy, OrderKind::Market, DAY),
        rule: "max-position".to_owned(),
        value: "0.2".to_owned(),
        limit: "0.1".to_owned(),
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "a list of steps, read from top to bottom"
)]
pub(super) fn script() -> Vec<(i64, Event, Vec<EffectRecord>)> {
    let order = |name: &str| name.parse().unwrap();
    let limit = OrderKind::Limit {
        price: price("49000"),
        post_only: true,
    };
    let late = DAY + 10 * HOUR;
    vec![
        (
            HOUR,
            bar(0, "50000"),
            vec![target(), submit("a", Side::Buy, HOUR)],
        ),
        (
            HOUR + 20,
            Event::Account(AccountEvent::Accepted { order: order("a") }),
            vec![],
        ),
        (
            HOUR + 30,
            fill("a", Side::Buy, "50010", "50000", HOUR + 30),
            vec![],
        ),
        // The venue repeats itself; nothing may change.
        (
            HOUR + 40,
            fill("a", Side::Buy, "50010", "50000", HOUR + 30),
            vec![],
        ),
        (
            5 * HOUR,
            bar(4 * HOUR, "51000"),
            vec![target(), submit("b", Side::Sell, 5 * HOUR)],
        ),
        (
            5 * HOUR + 50,
            fill("b", Side::Sell, "50990", "51000", 5 * HOUR + 50),
            vec![closed(Side::Buy, "signal turned | flat")],
        ),
        (
            5 * HOUR + 90,
            Event::Account(AccountEvent::Accepted { order: order("b") }),
            vec![],
        ),
        (
            DAY + HOUR,
            bar(DAY, "51000"),
            vec![
                EffectOf::Submit(intent("c", Side::Buy, limit, DAY + HOUR)),
                submit("d", Side::Sell, DAY + HOUR),
                refusal(),
                EffectOf::Decision(DecisionRecord {
                    leg: LegId(0),
                    bar: at(DAY),
                    outcome: Outcome::Hold("feature rsi is not finite".to_owned()),
                }),
            ],
        ),
        (
            DAY + HOUR + 70,
            fill("d", Side::Sell, "51000", "51000", DAY + HOUR + 70),
            vec![],
        ),
        (
            DAY + HOUR + 80,
            Event::Account(AccountEvent::Cancelled { order: order("c") }),
            vec![],
        ),
        (
            late,
            bar(late - HOUR, "51500"),
            vec![target(), submit("e", Side::Buy, late)],
        ),
        (
            late + 60,
            fill("e", Side::Buy, "51500", "51500", late + 60),
            vec![
                closed(Side::Sell, "stop"),
                EffectOf::Paused {
                    rule: "loss-streak".to_owned(),
                    until: at(late + HOUR),
                },
                EffectOf::Trip {
                    level: KillLevel::ReduceOnly,
                    reason: "day loss 51 over 50".to_owned(),
                },
            ],
        ),
        (
            late + 61,
            Event::Tick,
            vec![EffectOf::KillApplied {
                level: KillLevel::ReduceOnly,
                reason: "day loss".to_owned(),
            }],
        ),
    ]
}
