//! Whatever the bars and the targets: limits hold, books agree (I15, I17, I18, I21, I22).

use proptest::prelude::*;
use tradeterm::domain::{KillLevel, Money, Side, SignedQty, Timestamp};
use tradeterm::engine::{EffectOf, EntryStyle, FlipStyle};
use tradeterm::venue::broker::Broker;

use super::desk::*;

#[derive(Debug, Clone)]
struct Case {
    netted: bool,
    post_only: bool,
    capped: bool,
    latency_ms: u32,
    /// Target in tenths, and open, high, low, close as steps of a tenth.
    bars: Vec<(i8, [i8; 4])>,
    killed_at: Option<usize>,
}

fn cases() -> impl Strategy<Value = Case> {
    let bar = (-10..=10_i8, prop::array::uniform4(-40..40_i8));
    (
        any::<(bool, bool, bool)>(),
        prop_oneof![Just(0_u32), Just(250), Just(90_000)],
        prop::collection::vec(bar, 5..60),
        prop::option::of(0..60_usize),
    )
        .prop_map(
            |((netted, post_only, capped), latency_ms, bars, killed_at)| Case {
                netted,
                post_only,
                capped,
                latency_ms,
                bars,
                killed_at,
            },
        )
}

fn text(tenths: i64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[expect(
    clippy::too_many_lines,
    reason = "one session with every check after each turn"
)]
fn run(case: &Case) -> Result<(), TestCaseError> {
    let mut setup = Setup {
        participation: case.capped.then(|| n("0.005")),
        latency_ms: case.latency_ms,
        ..Setup::default()
    };
    setup.costs.maker = n("-0.0001");
    setup.costs.taker = n("0.0006");
    setup.costs.slippage = n("0.0005");
    setup.plan.flip = if case.netted {
        FlipStyle::Netted
    } else {
        FlipStyle::TwoOrders
    };
    if case.post_only {
        setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 2 };
    }
    let script: Vec<String> = case
        .bars
        .iter()
        .map(|(t, _)| format!("{}", f64::from(*t) / 10.0))
        .collect();
    let mut desk = setup.paper(&[&script.join(" ")]);
    let mut last = 1_000_i64;
    let mut sent: Vec<Timestamp> = Vec::new();
    let mut lowest = i64::MAX;
    let most = n::<Money>("2500");
    for (step, (_, moves)) in case.bars.iter().enumerate() {
        let open = last + i64::from(moves[0]) / 4;
        let close = open + i64::from(moves[3]);
        let high = open.max(close) + i64::from(moves[1]).abs();
        let low = open.min(close) - i64::from(moves[2]).abs();
        last = close;
        let [o, h, l, c] = [open, high, low, close].map(text);
        if case.killed_at == Some(step) {
            desk.kill(KillLevel::Flatten);
        }
        let before = desk.session.engine.level();
        desk.minutes(&[(FIRST, [&o, &h, &l, &c])]);
        for (at, effect) in desk.effects() {
            let EffectOf::Submit(order) = effect else {
                continue;
            };
            let intent = order.intent();
            sent.push(at);
            prop_assert!(!intent.spec.qty.is_zero());
            if !intent.spec.reduce_only {
                prop_assert_eq!(before, KillLevel::Active);
            }
        }
        // What was bought for 2,500 may be worth more by now: nothing is worth more than it was
        // at the lowest price so far, held and on its way together, on either side.
        lowest = lowest.min(low);
        let held: SignedQty = desk.session.broker.matcher().position(FIRST);
        let orders = desk.snapshot().orders;
        for side in [Side::Buy, Side::Sell] {
            let enters = |o: &&tradeterm::control::OrderView| {
                o.side == side && !o.reduce_only && o.state != "cancel pending"
            };
            let on_the_way = orders.iter().filter(enters);
            let end: SignedQty = on_the_way
                .map(|o| o.qty.saturating_sub(o.filled).signed(side))
                .fold(held, |sum, qty| sum + qty);
            let worst = if end.side() == Some(side) { end } else { held };
            let value = n::<tradeterm::domain::Price>(&text(lowest)) * worst.abs();
            // A netted order in flight while the stop closes its half is told only afterwards.
            let races = case.netted && case.latency_ms > 0;
            let bound = if races { most + most } else { most };
            prop_assert!(value <= bound, "{value} of {worst}");
        }
        check_books(&mut desk)?;
    }
    for (n, at) in sent.iter().enumerate() {
        let window = sent[n..].iter().take_while(|t| t.since(*at) < MINUTE);
        prop_assert!(window.count() <= 60);
    }
    // Closing ends flat on both sides.
    desk.kill(KillLevel::Flatten);
    let quiet = text(last);
    for _ in 0..20 {
        desk.flat(&quiet);
        check_books(&mut desk)?;
    }
    prop_assert!(desk.session.engine.is_flat());
    prop_assert!(desk.session.broker.account().is_flat());
    prop_assert_eq!(
        desk.session.engine.equity(),
        desk.session.broker.account().cash
    );
    Ok(())
}

/// What the engine believes is what the venue says, as soon as every answer has arrived.
fn check_books(desk: &mut Desk<tradeterm::venue::sim::PaperBroker>) -> Result<(), TestCaseError> {
    let snapshot = desk.snapshot();
    let account = desk.session.broker.account();
    let held = snapshot.positions.first().map(|p| p.size);
    prop_assert_eq!(held, account.positions.first().map(|p| p.qty));
    // How profit splits between cash and what is open may differ by the truncated average entry.
    let off = snapshot.account.cash - account.cash;
    prop_assert!(off.abs() <= n("0.000000001"), "{off}");
    prop_assert!(held.is_some() || off.is_zero(), "{off}");
    prop_assert_eq!(
        snapshot.account.equity,
        snapshot
            .account
            .unrealised
            .map(|u| u + snapshot.account.cash)
    );
    // Protection and closes never exceed what is held, by the venue's own book.
    for order in account.orders.iter().filter(|o| o.spec.reduce_only) {
        let held = held.unwrap_or_default();
        prop_assert!(order.remaining <= held.abs());
        prop_assert_ne!(held.side(), Some(order.spec.side));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn limits_hold_and_the_books_agree(case in cases()) {
        run(&case)?;
    }
}
