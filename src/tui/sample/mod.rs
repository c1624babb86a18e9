//! Made-up pictures of a session, always the same for a seed, for tests of the screen.
//!
//! Nothing here trades and nothing here is market data.

mod parts;
mod venue;

use crate::control::{
    ClockView, Counters, FeedHealth, HeldBack, MarketView, PauseView, Snapshot, TradingState,
};
use crate::domain::{Bar, KillLevel, Money, Timestamp};

use parts::{
    Dice, MINUTE, NOW, account, ago, equity, fills, gauges, leg, market, milli, notices, orders,
    position, session, stats, symbol, tenths, trades,
};

pub use venue::{connected, troubled};

/// A session in the middle of a good day, in paper mode.
#[must_use]
pub fn normal(seed: u64) -> Snapshot {
    let mut dice = Dice(seed);
    let btc = market(&mut dice, "BTCUSDT", 672_860);
    let last = btc.last.unwrap_or_default();
    let eth = market(&mut dice, "ETHUSDT", 34_180);
    let sol = MarketView {
        book: None,
        health: FeedHealth::Stale,
        updated: Some(ago(3)),
        n_bad_bars: 2,
        ..market(&mut dice, "SOLUSDT", 1_483)
    };
    Snapshot {
        version: 4_812,
        at: Some(NOW),
        session: session(),
        state: TradingState::default(),
        positions: vec![position(last)],
        orders: orders(last),
        fills: fills(&mut dice, last),
        trades: trades(&mut dice, last),
        account: account(),
        equity: equity(&mut dice),
        stats: stats(),
        legs: vec![leg(&mut dice, &btc)],
        markets: vec![btc, eth, sol],
        gauges: gauges(),
        last_refusal: Some(HeldBack {
            at: ago(33),
            symbol: symbol("BTCUSDT"),
            rule: "exposure".to_owned(),
            detail: "exposure would be 1.04 > 1.00: buy 0.180 refused".to_owned(),
        }),
        notices: notices(),
        counters: Counters {
            n_events: 184_120,
            n_bars: 18_412,
            n_orders: 61,
            n_fills: 58,
            n_refused: 9,
            n_rejected: 1,
            n_bad_data: 3,
            n_model_errors: 0,
            max_turn_gap_ms: 12,
        },
        differences: Vec::new(),
        venue: None,
    }
}

/// A session before its first event.
#[must_use]
pub fn empty() -> Snapshot {
    Snapshot::blank(session())
}

/// The normal session after an operator's halt.
#[must_use]
pub fn killed(seed: u64) -> Snapshot {
    let mut snapshot = normal(seed);
    snapshot.state.kill = KillLevel::Halted;
    snapshot.state.kill_reason = Some("operator key".to_owned());
    snapshot.state.kill_since = Some(ago(2));
    snapshot.orders.clear();
    snapshot
}

/// The normal session in a pause after losses.
#[must_use]
pub fn paused(seed: u64) -> Snapshot {
    let mut snapshot = normal(seed);
    snapshot.state.pauses = vec![
        PauseView {
            rule: "loss streak".to_owned(),
            until: NOW.plus_millis(4 * MINUTE + 32_000),
        },
        PauseView {
            rule: "day loss".to_owned(),
            until: NOW.plus_millis(72 * MINUTE + 9_000),
        },
    ];
    snapshot
}

/// A session whose texts and numbers are as odd as the types allow.
#[must_use]
pub fn extreme(seed: u64) -> Snapshot {
    let mut snapshot = troubled(seed);
    let odd = "a\u{1b}[31m\u{7}日本語e\u{301}\u{202e}\u{200b}🦀 and very long ".repeat(9);
    let huge = Money::from_raw(i128::MAX / 4);
    snapshot.session.feed.clone_from(&odd);
    snapshot.session.run_id.clone_from(&odd);
    snapshot.session.speed = Some(f64::NAN);
    snapshot.session.progress = Some(f64::INFINITY);
    snapshot.account.equity = Some(huge);
    snapshot.account.day = Some(-huge);
    for market in &mut snapshot.markets {
        let price = tenths(i64::MAX / 1000);
        market.last = Some(price);
        market.bars = market
            .bars
            .iter()
            .map(|bar| Bar {
                high: price,
                volume: milli(i64::MAX),
                ..*bar
            })
            .collect();
        market.updated = None;
    }
    for position in &mut snapshot.positions {
        position.unrealised = None;
        position.strategy.clone_from(&odd);
    }
    for leg in &mut snapshot.legs {
        leg.name.clone_from(&odd);
        for (n, feature) in leg.features.iter_mut().enumerate() {
            feature.name.clone_from(&odd);
            feature.raw = [Some(f64::NAN), Some(1e300), None][n % 3];
            feature.z = [Some(f64::NEG_INFINITY), None, Some(-1e9)][n % 3];
        }
        if let Some(decision) = &mut leg.decision {
            decision.target = f64::NAN;
            decision.chosen = Some(usize::MAX);
            decision.choices = vec![(odd.clone(), f64::NAN), (String::new(), 7.0)];
        }
    }
    for (n, gauge) in snapshot.gauges.iter_mut().enumerate() {
        gauge.used = [Some(f64::NAN), Some(1e9), None, Some(-3.0)][n % 4];
        gauge.name.clone_from(&odd);
    }
    for notice in &mut snapshot.notices {
        notice.text.clone_from(&odd);
        notice.id = notice.id.saturating_mul(7);
    }
    snapshot
        .orders
        .iter_mut()
        .for_each(|order| order.kind.clone_from(&odd));
    extreme_venue(&mut snapshot, &odd);
    snapshot
}

fn extreme_venue(snapshot: &mut Snapshot, odd: &str) {
    for difference in &mut snapshot.differences {
        difference.class = odd.to_owned().into();
        difference.repair = odd.to_owned().into();
        odd.clone_into(&mut difference.ours);
        odd.clone_into(&mut difference.venue);
    }
    if let Some(venue) = &mut snapshot.venue {
        odd.clone_into(&mut venue.host);
        venue.account_lacks = Some(odd.to_owned());
        venue.clock = Some(ClockView {
            offset_ms: i64::MIN,
            error_ms: i64::MAX,
        });
        venue.compared_at = Some(Timestamp::from_millis(i64::MAX));
        for one in &mut venue.connections {
            odd.clone_into(&mut one.name);
            odd.clone_into(&mut one.detail);
            one.n_lost = u64::MAX;
        }
        for (n, one) in (0..).zip(&mut venue.budgets) {
            odd.clone_into(&mut one.name);
            one.limit = [0, 1, u32::MAX][n % 3];
            one.left = [u32::MAX, 0, 7][n % 3];
            one.reserved = u32::MAX;
        }
    }
}
