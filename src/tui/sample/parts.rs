//! The pieces that sample pictures are made of.

use std::sync::Arc;

use crate::control::{
    AccountView, ActionMark, BookView, DecisionView, EquityPoint, FeatureView, FeedHealth,
    FillView, Gauge, GaugeAction, LegPhase, LegView, MarketView, Notice, NoticeLevel, OrderView,
    PositionView, Rung, RungState, SessionView, StatsView, TradeView,
};
use crate::domain::{
    Bar, ClientOrderId, Liquidity, Mode, Money, Price, Purpose, Qty, Rate, Side, SignedQty, Symbol,
    TimeInForce, Timestamp,
};

/// 2026-08-24T12:04:31.220Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_787_573_071_220);
pub(super) const MINUTE: i64 = 60_000;

/// Small deterministic generator (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..sides`.
    fn roll(&mut self, sides: u32) -> i64 {
        i64::try_from(self.next() % u64::from(sides)).unwrap_or(0)
    }

    /// A number in `-most..=most`.
    fn around(&mut self, most: u32) -> i64 {
        self.roll(2 * most + 1) - i64::from(most)
    }
}

/// Price of so many tenths.
pub(super) fn tenths(n: i64) -> Price {
    Price::from_raw(i128::from(n.max(1)) * 10_i128.pow(Price::DIGITS - 1)).unwrap_or_default()
}

/// Quantity of so many thousandths.
pub(super) fn milli(n: i64) -> Qty {
    Qty::from_raw(i128::from(n.max(0)) * 10_i128.pow(Qty::DIGITS - 3)).unwrap_or_default()
}

/// Money of so many cents.
pub(super) fn cents(n: i64) -> Money {
    Money::from_raw(i128::from(n) * 10_i128.pow(Money::DIGITS - 2))
}

fn id(text: &str) -> ClientOrderId {
    text.parse().expect("sample ids are plain")
}

pub(super) fn symbol(text: &str) -> Symbol {
    Symbol::new(text).expect("sample symbols are plain")
}

pub(super) fn ago(minutes: i64) -> Timestamp {
    NOW.plus_millis(-minutes * MINUTE)
}

pub(super) fn session() -> SessionView {
    SessionView {
        run_id: "20260824-120000".to_owned(),
        mode: Mode::Paper,
        synthetic: false,
        feed: "demo".to_owned(),
        speed: None,
        held: false,
        progress: None,
        ended: false,
        config_hash: "71ab20c4f8e1".to_owned(),
        build: "0.1.0 (abc1234)".to_owned(),
        inference: "tract 0.23".to_owned(),
        coin: "USDT".to_owned(),
    }
}

pub(super) fn market(dice: &mut Dice, name: &str, start: i64) -> MarketView {
    let interval = "15m".parse().expect("a served interval");
    let first = ago(15 * 240).millis() / (15 * MINUTE) * 15 * MINUTE;
    let noise = u32::try_from(start / 1200).unwrap_or(1).max(2);
    let (mut price, mut drift) = (start, 0);
    let mut bars = Vec::new();
    for n in 0..240 {
        if n % 17 == 0 {
            drift = dice.around(noise / 4 + 1);
        }
        let open = price;
        price = (price + drift + dice.around(noise)).max(5);
        let (high, low) = (open.max(price), open.min(price));
        bars.push(Bar {
            open_time: Timestamp::from_millis(first + n * 15 * MINUTE),
            open: tenths(open),
            high: tenths(high + dice.roll(noise)),
            low: tenths((low - dice.roll(noise)).max(1)),
            close: tenths(price),
            volume: milli(20_000 + dice.roll(300_000) * (drift.abs() + 1)),
        });
    }
    let side = |dice: &mut Dice, step: i64| -> Vec<(Price, Qty)> {
        (1..=50)
            .map(|n| {
                let size = dice.roll(2_500) + if dice.roll(6) == 0 { 6_000 } else { 40 };
                (tenths(price + n * step - i64::from(step > 0)), milli(size))
            })
            .collect()
    };
    let (bids, asks) = (side(dice, -1), side(dice, 1));
    MarketView {
        symbol: symbol(name),
        tick: tenths(1),
        qty_step: milli(1),
        last: Some(tenths(price)),
        change_24h: Some(Rate::from_bps(124)),
        bid: bids.first().copied(),
        ask: asks.first().copied(),
        mark: Some(tenths(price - 2)),
        funding: Some(Rate::from_bps(1)),
        next_funding: Some(NOW.plus_millis(192 * MINUTE + 44_000)),
        interval: Some(interval),
        bars: bars.into(),
        next_close: Some(NOW.plus_millis(137_000)),
        book: Some(Arc::new(BookView {
            bids,
            asks,
            update_id: 918_273,
        })),
        health: FeedHealth::Ok,
        updated: Some(NOW.plus_millis(-38)),
        n_bad_bars: 0,
    }
}

pub(super) fn position(last: Price) -> PositionView {
    let entry = last.moved(Rate::from_bps(-31));
    PositionView {
        symbol: symbol("BTCUSDT"),
        size: SignedQty::from_raw(milli(232).raw()),
        entry,
        mark: Some(last),
        unrealised: Some(cents(4_770)),
        unrealised_rate: Some(Rate::from_bps(31)),
        realised: cents(1_013),
        stop: Some(last.moved(Rate::from_bps(-118))),
        opened: ago(42),
        strategy: "ppo-r3".to_owned(),
    }
}

pub(super) fn orders(last: Price) -> Vec<OrderView> {
    let order = |name: &str, qty, bps, purpose| OrderView {
        id: id(name),
        symbol: symbol("BTCUSDT"),
        side: Side::Sell,
        qty: milli(qty),
        filled: Qty::ZERO,
        price: (purpose == Purpose::TakeProfit).then(|| last.moved(Rate::from_bps(bps))),
        trigger: (purpose == Purpose::StopLoss).then(|| last.moved(Rate::from_bps(bps))),
        kind: if purpose == Purpose::StopLoss {
            "stop"
        } else {
            "limit post-only"
        }
        .to_owned(),
        state: if purpose == Purpose::StopLoss {
            "waiting"
        } else {
            "working"
        }
        .to_owned(),
        tif: TimeInForce::Gtc,
        reduce_only: true,
        purpose,
        created: ago(12),
    };
    vec![
        order("tt-0a1b2c3d4e-0gz8f21k0-t0", 116, 99, Purpose::TakeProfit),
        order("tt-0a1b2c3d4e-0gz8f22k0-s0", 232, -118, Purpose::StopLoss),
    ]
}

pub(super) fn fills(dice: &mut Dice, last: Price) -> Vec<FillView> {
    (0..40_i64)
        .map(|n| FillView {
            at: ago(400 - n * 10),
            order: id(&format!("tt-0a1b2c3d4e-0gz8f{n:03}k-o0")),
            symbol: symbol("BTCUSDT"),
            side: if n % 2 == 0 { Side::Buy } else { Side::Sell },
            qty: milli(100 + dice.roll(300)),
            price: last.moved(Rate::from_bps(dice.around(120))),
            fee: cents(100 + dice.roll(900)),
            liquidity: if n % 3 == 0 {
                Liquidity::Maker
            } else {
                Liquidity::Taker
            },
        })
        .collect()
}

pub(super) fn trades(dice: &mut Dice, last: Price) -> Vec<TradeView> {
    (0..31_i64)
        .map(|n| TradeView {
            symbol: symbol("BTCUSDT"),
            side: if n % 3 == 0 { Side::Sell } else { Side::Buy },
            qty: milli(250 + dice.roll(130)),
            entry: last.moved(Rate::from_bps(dice.around(150))),
            exit: last.moved(Rate::from_bps(dice.around(150))),
            opened: ago(3_200 - n * 100),
            closed: ago(3_200 - n * 100 - 45 - dice.roll(40)),
            net: cents(dice.around(4_500) + 600),
            fees: cents(300 + dice.roll(500)),
            reason: ["take-profit", "agent flip", "stop-loss", "agent flat"]
                [usize::try_from(n % 4).unwrap_or(0)]
            .into(),
        })
        .collect()
}

pub(super) fn account() -> AccountView {
    AccountView {
        equity: Some(cents(2_518_422)),
        cash: cents(2_513_652),
        start: cents(2_500_000),
        unrealised: Some(cents(4_770)),
        day: Some(cents(8_410)),
        week: Some(cents(-11_320)),
        peak: Some(cents(2_564_500)),
        drawdown: Some(Rate::from_bps(180)),
        fees: cents(2_261),
        funding: cents(310),
        exposure: Some(cents(1_561_600)),
    }
}

pub(super) fn equity(dice: &mut Dice) -> Arc<[EquityPoint]> {
    let mut value = 2_490_000;
    (0..500_i64)
        .map(|n| {
            value += dice.around(3_000) + 60;
            EquityPoint {
                at: ago((500 - n) * 15),
                equity: cents(value),
            }
        })
        .collect()
}

pub(super) fn stats() -> StatsView {
    StatsView {
        n_trades: 31,
        n_wins: 18,
        n_losses: 13,
        win_rate: Some(18.0 / 31.0),
        net: cents(18_422),
        profit_factor: Some(1.41),
        expectancy: Some(5.94),
        sharpe: Some(1.32),
        sortino: Some(1.91),
        max_drawdown: Some(Rate::from_bps(340)),
        max_drawdown_ms: Some(5 * 86_400_000),
        mean_holding_ms: Some(192 * MINUTE),
        slippage: cents(412),
        time_in_market: Some(0.61),
    }
}

const FEATURES: [(&str, f64, f64); 15] = [
    ("rsi_14", 64.2, 1.82),
    ("ema_gap_20", 0.0031, 1.33),
    ("obi_5", 0.18, 0.91),
    ("ret_4", 0.0012, 0.42),
    ("vol_20", 0.0048, -0.31),
    ("fund_z", 0.0001, -0.20),
    ("macd_h", 12.4, 0.77),
    ("spread_bp", 0.01, -1.10),
    ("oi_chg", 0.008, 2.61),
    ("cvd_z", 182.4, 1.05),
    ("bb_pos", 0.71, 0.88),
    ("atr_14", 214.0, -0.55),
    ("hour_sin", 0.5, 0.5),
    ("position", 1.0, 0.0),
    ("hour_cos", -0.87, -3.4),
];

pub(super) fn leg(dice: &mut Dice, market: &MarketView) -> LegView {
    let mut target = 0.0;
    let actions = market
        .bars
        .iter()
        .map(|bar| {
            if dice.roll(9) == 0 {
                target = [-1.0, 0.0, 1.0][usize::try_from(dice.roll(3)).unwrap_or(0)];
            }
            ActionMark {
                at: bar.open_time.plus_millis(15 * MINUTE),
                target,
            }
        })
        .collect();
    let rung = |step: &str, state, detail: &str| Rung {
        step: step.to_owned(),
        state,
        detail: detail.to_owned(),
    };
    LegView {
        name: "ppo-r3".to_owned(),
        family: "RecurrentPPO".to_owned(),
        bundle_hash: Some("9c1e04d2aa71".to_owned()),
        symbol: market.symbol.clone(),
        interval: "15m".parse().expect("a served interval"),
        phase: LegPhase::Running,
        decision: Some(DecisionView {
            at: ago(4),
            target: 1.0,
            choices: vec![
                ("SELL".to_owned(), 0.08),
                ("FLAT".to_owned(), 0.21),
                ("BUY".to_owned(), 0.71),
            ],
            chosen: Some(2),
            value: Some(0.0131),
            entropy: Some(0.77),
        }),
        features: FEATURES
            .iter()
            .map(|(name, raw, z)| FeatureView {
                name: (*name).to_owned(),
                raw: Some(*raw),
                z: Some(*z),
            })
            .collect(),
        actions,
        why: vec![
            rung(
                "data",
                RungState::Ok,
                "bar 15m closed, age 38ms, book in sequence",
            ),
            rung("features", RungState::Ok, "15 of 15 known"),
            rung("decision", RungState::Ok, "BUY .71, target +1.00"),
            rung("plan", RungState::Ok, "want +0.412, have +0.232: buy 0.180"),
            rung("risk", RungState::Blocked, "exposure would be 1.04 > 1.00"),
            rung("order", RungState::Skipped, "not reached"),
        ],
        n_decisions: 18_412,
        n_holds: 3,
        latency_us: Some(420),
    }
}

pub(super) fn gauges() -> Vec<Gauge> {
    let gauge = |name: &str, used, detail: &str, action| Gauge {
        name: name.to_owned(),
        used,
        detail: detail.to_owned(),
        action,
    };
    vec![
        gauge(
            "day loss",
            Some(0.0),
            "+84.10 / -500.00",
            GaugeAction::Pause,
        ),
        gauge(
            "week loss",
            Some(0.09),
            "-113.20 / -1250",
            GaugeAction::Pause,
        ),
        gauge("drawdown", Some(0.12), "1.80% / 15.0%", GaugeAction::Kill),
        gauge("exposure", Some(0.62), "15.6k / 25.0k", GaugeAction::Block),
        gauge("position", Some(0.81), "0.405 / 0.500", GaugeAction::Block),
        gauge("orders/min", Some(0.05), "3 / 60", GaugeAction::Block),
        gauge("price band", Some(0.22), "11bp / 50bp", GaugeAction::Block),
        gauge("feed age", Some(0.076), "38ms / 500ms", GaugeAction::Pause),
        gauge("stop distance", None, "- / 2.0%", GaugeAction::Close),
    ]
}

pub(super) fn notices() -> Vec<Notice> {
    use NoticeLevel::{Debug, Error, Info, Warn};
    let lines = [
        (
            120,
            Info,
            "session",
            "started: paper, feed demo, config 71ab20c4f8e1",
        ),
        (60, Info, "day", "new UTC day, loss budget reset to 500.00"),
        (
            33,
            Warn,
            "risk",
            "refused buy 0.180: exposure would be 1.04 > 1.00",
        ),
        (
            20,
            Error,
            "exec",
            "rejected tt-8f09: balance 812.10 does not cover 905.00",
        ),
        (9, Debug, "feed", "ping 41ms"),
        (
            8,
            Warn,
            "feed",
            "gap of 1 -> snapshot, in sequence again after 84ms",
        ),
        (2, Info, "bar", "BTCUSDT 15m closed at 67098.1, 15 features"),
        (1, Info, "agent", "target +1.00, p .08 .21 .71, 0.42ms"),
        (
            0,
            Info,
            "risk",
            "passed: notional 8052, exposure .62, band 3bp",
        ),
        (
            0,
            Info,
            "exec",
            "fill tt-8f1f buy 0.120 @ 67104.2 maker, fee 1.61",
        ),
    ];
    lines
        .iter()
        .enumerate()
        .map(|(n, (minutes, level, topic, text))| Notice {
            // One number is missing, as after a burst.
            id: u64::try_from(n).unwrap_or(0) + 1 + u64::from(n > 3) * 12,
            at: ago(*minutes),
            level: *level,
            topic: (*topic).into(),
            text: (*text).to_owned(),
        })
        .collect()
}
