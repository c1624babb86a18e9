//! The rules, case by case (S0-45, S2-23, S2-27 to S2-34, S0-26 to S0-29).

use rstest::rstest;

use super::*;
use crate::domain::{
    Category, ClientOrderId, Instrument, InstrumentId, Intent, KillLevel, LegId, Money, OrderKind,
    OrderSpec, Price, Purpose, Qty, Rate, Side, SignedQty, Symbol, TimeInForce, Timestamp,
    TriggerPrice,
};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

fn held(text: &str) -> SignedQty {
    text.parse().unwrap()
}

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: price("0.1"),
        qty_step: qty("0.001"),
        min_qty: qty("0.001"),
        max_qty: qty("1500"),
        max_market_qty: qty("150"),
        min_notional: money("5"),
        funding_hours: 8,
    }
}

fn intent(side: Side, amount: &str) -> Intent {
    Intent {
        id: ClientOrderId::of_decision(1, Timestamp::from_millis(0), 'o', 0),
        leg: LegId(0),
        trace: 1,
        decided_at: Timestamp::from_millis(0),
        spec: OrderSpec {
            instrument: InstrumentId(0),
            side,
            qty: qty(amount),
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            reduce_only: false,
            purpose: Purpose::Entry,
        },
    }
}

fn closing(side: Side, amount: &str, purpose: Purpose) -> Intent {
    let mut intent = intent(side, amount);
    intent.spec.reduce_only = true;
    intent.spec.purpose = purpose;
    intent
}

/// A quiet account of 25,000 at a price of 50,000: full positions of 0.05, exposure of 0.35.
fn scene(instrument: &Instrument) -> Scene<'_> {
    Scene {
        now: Timestamp::from_millis(1_000_000),
        instrument,
        level: KillLevel::Active,
        position: SignedQty::ZERO,
        pending: (Qty::ZERO, Qty::ZERO),
        closing: Qty::ZERO,
        lacks: None,
        unresolved: None,
        reference: Some((price("50000"), Timestamp::from_millis(999_000))),
        other_exposure: Money::ZERO,
        equity: money("25000"),
    }
}

fn limits() -> Limits {
    Limits::standard(money("25000"))
}

fn rule(intent: Intent, scene: &Scene<'_>) -> Option<Rule> {
    let mut gate = Gate::new(limits());
    gate.check(intent, scene, &Breakers::new(limits()))
        .err()
        .map(|(refusal, _)| refusal.rule)
}

#[test]
fn a_normal_entry_passes() {
    let btc = instrument();
    assert_eq!(rule(intent(Side::Buy, "0.05"), &scene(&btc)), None);
}

#[rstest]
#[case::ten_percent("0.05", None)]
#[case::one_step_more("0.051", Some(Rule::MaxPosition))]
#[case::exactly_the_smallest("0.01", None)]
#[case::below_the_smallest("0.009", Some(Rule::MinTrade))]
fn size_of_an_entry(#[case] amount: &str, #[case] expected: Option<Rule>) {
    let btc = instrument();
    assert_eq!(rule(intent(Side::Buy, amount), &scene(&btc)), expected);
    assert_eq!(rule(intent(Side::Sell, amount), &scene(&btc)), expected);
}

#[test]
fn position_counts_what_could_fill() {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.pending = (qty("0.03"), Qty::ZERO);
    assert_eq!(rule(intent(Side::Buy, "0.02"), &scene), None);
    assert_eq!(
        rule(intent(Side::Buy, "0.021"), &scene),
        Some(Rule::MaxPosition)
    );
    // The other side is bounded on its own (F83).
    assert_eq!(rule(intent(Side::Sell, "0.05"), &scene), None);
}

#[test]
fn a_close_on_its_way_counts_both_ways() {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.position = held("0.05");
    scene.closing = qty("0.05");
    // Long 0.05 being closed: a short of 0.05 fits, one of 0.06 would be too large once closed.
    assert_eq!(rule(intent(Side::Sell, "0.05"), &scene), None);
    assert_eq!(
        rule(intent(Side::Sell, "0.06"), &scene),
        Some(Rule::MaxPosition)
    );
    // Buying more while the close has not filled would be too large now.
    assert_eq!(
        rule(intent(Side::Buy, "0.02"), &scene),
        Some(Rule::MaxPosition)
    );
}

#[test]
fn exposure_counts_the_other_instruments() {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.other_exposure = money("15000");
    assert_eq!(rule(intent(Side::Buy, "0.05"), &scene), None);
    scene.other_exposure = money("15000.01");
    assert_eq!(
        rule(intent(Side::Buy, "0.05"), &scene),
        Some(Rule::MaxExposure)
    );
}

#[test]
fn spot_cannot_be_short() {
    let mut spot = instrument();
    spot.category = Category::Spot;
    let mut scene = scene(&spot);
    assert_eq!(
        rule(intent(Side::Sell, "0.02"), &scene),
        Some(Rule::SpotShort)
    );
    scene.position = held("0.02");
    assert_eq!(
        rule(closing(Side::Sell, "0.02", Purpose::Exit), &scene),
        None
    );
}

#[rstest]
#[case::fresh(Some(600_000), None)]
#[case::one_ms_too_old(Some(600_001), Some(Rule::FreshPrice))]
#[case::none(None, Some(Rule::FreshPrice))]
fn the_reference_must_be_fresh(#[case] age_ms: Option<i64>, #[case] expected: Option<Rule>) {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.reference = age_ms.map(|age| (price("50000"), scene.now.plus_millis(-age)));
    assert_eq!(rule(intent(Side::Buy, "0.05"), &scene), expected);
}

#[rstest]
#[case::at_the_band("51000", Some(Rule::MaxPosition))]
#[case::inside_below("49000", None)]
#[case::outside_below("48999.9", Some(Rule::PriceBand))]
fn price_band(#[case] limit: &str, #[case] expected: Option<Rule>) {
    let btc = instrument();
    let mut order = intent(Side::Buy, "0.05");
    order.spec.kind = OrderKind::Limit {
        price: price(limit),
        post_only: true,
    };
    assert_eq!(rule(order, &scene(&btc)), expected);
}

#[test]
fn frequency_blocks_the_next_order_and_frees_after_a_minute() {
    let btc = instrument();
    let mut scene = scene(&btc);
    let breakers = Breakers::new(limits());
    let mut gate = Gate::new(limits());
    for _ in 0..60 {
        assert!(
            gate.check(intent(Side::Buy, "0.01"), &scene, &breakers)
                .is_ok()
        );
    }
    let (refusal, _) = gate
        .check(intent(Side::Buy, "0.01"), &scene, &breakers)
        .unwrap_err();
    assert_eq!(refusal.rule, Rule::Frequency);
    assert_eq!(
        refusal.to_string(),
        "order frequency: 60 orders in 60 s against 60"
    );
    // An exit is never held back by frequency.
    scene.position = held("0.05");
    assert!(
        gate.check(
            closing(Side::Sell, "0.05", Purpose::Exit),
            &scene,
            &breakers
        )
        .is_ok()
    );
    scene.position = SignedQty::ZERO;
    scene.now = scene.now.plus_millis(60_000);
    scene.reference = Some((price("50000"), scene.now));
    assert!(
        gate.check(intent(Side::Buy, "0.01"), &scene, &breakers)
            .is_ok()
    );
}

#[rstest]
#[case(KillLevel::Active, [true, true, true, true])]
#[case(KillLevel::ReduceOnly, [false, true, true, true])]
#[case(KillLevel::Halted, [false, false, true, false])]
#[case(KillLevel::Flatten, [false, false, false, true])]
fn the_ladder_decides_first(#[case] level: KillLevel, #[case] passes: [bool; 4]) {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.position = held("0.02");
    scene.level = level;
    let orders = [
        intent(Side::Buy, "0.01"),
        closing(Side::Sell, "0.02", Purpose::Exit),
        closing(Side::Sell, "0.02", Purpose::StopLoss),
        closing(Side::Sell, "0.02", Purpose::Flatten),
    ];
    for (order, passes) in orders.into_iter().zip(passes) {
        let purpose = order.spec.purpose;
        assert_eq!(
            rule(order, &scene).is_none(),
            passes,
            "{purpose} at {level}"
        );
    }
}

#[rstest]
#[case::flat("0", Side::Sell, "0.01")]
#[case::adds("0.02", Side::Buy, "0.01")]
#[case::flips("0.02", Side::Sell, "0.021")]
#[case::short_flips("-0.02", Side::Buy, "0.021")]
fn reduce_only_never_opens(#[case] position: &str, #[case] side: Side, #[case] amount: &str) {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.position = held(position);
    assert_eq!(
        rule(closing(side, amount, Purpose::Exit), &scene),
        Some(Rule::ReduceOnly)
    );
}

#[test]
fn two_closes_cannot_close_twice() {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.position = held("0.02");
    scene.closing = qty("0.015");
    assert_eq!(
        rule(closing(Side::Sell, "0.005", Purpose::Exit), &scene),
        None
    );
    assert_eq!(
        rule(closing(Side::Sell, "0.006", Purpose::Exit), &scene),
        Some(Rule::ReduceOnly)
    );
    assert_eq!(
        rule(closing(Side::Sell, "0.006", Purpose::StopLoss), &scene),
        Some(Rule::ReduceOnly)
    );
    // A stop that sleeps protects the whole position whatever else is on its way.
    let mut stop = closing(Side::Sell, "0.02", Purpose::StopLoss);
    stop.spec.kind = OrderKind::Stop {
        trigger: price("46000"),
        by: TriggerPrice::Last,
    };
    assert_eq!(rule(stop, &scene), None);
}

#[test]
fn an_order_of_unknown_outcome_holds_back_entries_and_nothing_else() {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.position = held("0.02");
    scene.unresolved = Some(ClientOrderId::of_decision(1, scene.now, 'o', 0));
    assert_eq!(
        rule(intent(Side::Buy, "0.02"), &scene),
        Some(Rule::Unresolved)
    );
    assert_eq!(
        rule(closing(Side::Sell, "0.02", Purpose::Exit), &scene),
        None
    );
}

#[test]
fn a_kill_by_the_days_loss_fires_once_a_day_and_still_holds_back_entries() {
    let mut limits = limits();
    limits.day_action = LimitAction::Kill;
    let mut breakers = Breakers::new(limits);
    breakers.start_day(money("25000"));
    assert_eq!(breakers.watch(at(1), money("24000")).len(), 1);
    breakers.rearm(money("24000"));
    assert_eq!(breakers.watch(at(2), money("24000")), []);
    assert!(breakers.holding(at(2), money("24000")).is_some());
    breakers.start_day(money("24000"));
    assert!(breakers.holding(at(25), money("24000")).is_none());
    assert_eq!(breakers.watch(at(25), money("23500")).len(), 1);
}

#[test]
fn after_rearming_the_drawdown_follows_the_new_peak() {
    let mut breakers = breakers();
    breakers.start_day(money("10000"));
    breakers.start_week(money("10000"));
    breakers.set_peak(money("30000"));
    assert_eq!(breakers.watch(at(1), money("25000")).len(), 1);
    breakers.rearm(money("20000"));
    breakers.raise_peak(money("24000"));
    assert_eq!(breakers.watch(at(2), money("20401")), []);
    assert_eq!(breakers.watch(at(2), money("20400")).len(), 1);
}

#[test]
fn off_grid_orders_never_leave() {
    let btc = instrument();
    assert_eq!(
        rule(intent(Side::Buy, "0.0105"), &scene(&btc)),
        Some(Rule::VenueRule)
    );
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_millis(hours * 3_600_000)
}

fn breakers() -> Breakers {
    let mut breakers = Breakers::new(limits());
    breakers.start_day(money("25000"));
    breakers.start_week(money("25000"));
    breakers.set_peak(money("25000"));
    breakers
}

#[test]
fn day_loss_pauses_for_a_day() {
    let mut breakers = breakers();
    assert_eq!(breakers.watch(at(1), money("24500.01")), []);
    let found = breakers.watch(at(1), money("24500"));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule, found[0].until), ("day loss", Some(at(25))));
    assert_eq!(
        (found[0].value, found[0].limit),
        (money("500"), money("500"))
    );
    // It does not start again while it runs, and holds even when the loss is won back.
    assert_eq!(breakers.watch(at(2), money("24400")), []);
    let held = breakers.holding(at(24), money("26000")).unwrap();
    assert_eq!(held.0, "day loss");
    assert_eq!(breakers.holding(at(25), money("26000")), None);
}

#[test]
fn week_loss_pauses_for_a_week() {
    let mut breakers = breakers();
    breakers.start_day(money("23800"));
    let found = breakers.watch(at(1), money("23750"));
    assert_eq!(
        found.iter().map(|b| b.rule).collect::<Vec<_>>(),
        ["week loss"]
    );
    assert_eq!(found[0].until, Some(at(169)));
    assert_eq!(breakers.pauses(at(168)).count(), 1);
    assert_eq!(breakers.pauses(at(169)).count(), 0);
}

#[test]
fn drawdown_kills_once_and_again_after_rearming() {
    let mut breakers = breakers();
    breakers.start_day(money("22000"));
    breakers.start_week(money("22000"));
    breakers.set_peak(money("30000"));
    let found = breakers.watch(at(1), money("25500"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].rule, found[0].action),
        ("drawdown", LimitAction::Kill)
    );
    assert_eq!(breakers.watch(at(2), money("25000")), []);
    breakers.rearm(money("25000"));
    assert_eq!(breakers.watch(at(3), money("24000")), []);
    assert_eq!(breakers.watch(at(3), money("21250")).len(), 2);
}

#[test]
fn block_holds_only_while_the_loss_stands() {
    let mut limits = limits();
    limits.day_action = LimitAction::Block;
    let mut breakers = Breakers::new(limits);
    breakers.start_day(money("25000"));
    assert_eq!(breakers.watch(at(1), money("24000")), []);
    assert!(breakers.holding(at(1), money("24000")).is_some());
    assert!(breakers.holding(at(1), money("24900")).is_none());
}

#[test]
fn the_first_failing_rule_names_itself_in_the_stated_order() {
    let btc = instrument();
    let mut scene = scene(&btc);
    scene.equity = money("20000");
    scene.reference = None;
    scene.level = KillLevel::ReduceOnly;
    let mut breakers = breakers();
    breakers.set_peak(money("25000"));
    breakers.watch(scene.now, scene.equity);
    let mut gate = Gate::new(limits());
    let mut first = |scene: &Scene<'_>, breakers: &Breakers| {
        gate.check(intent(Side::Buy, "9"), scene, breakers)
            .unwrap_err()
            .0
            .rule
    };
    assert_eq!(first(&scene, &breakers), Rule::KillSwitch);
    scene.level = KillLevel::Active;
    assert_eq!(first(&scene, &breakers), Rule::Drawdown);
    breakers.rearm(scene.equity);
    assert_eq!(first(&scene, &breakers), Rule::DayLoss);
    assert_eq!(breakers.pauses(scene.now).count(), 2);
    let calm = Breakers::new(limits());
    assert_eq!(first(&scene, &calm), Rule::FreshPrice);
    scene.reference = Some((price("50000"), scene.now));
    assert_eq!(first(&scene, &calm), Rule::MaxPosition);
}

#[rstest]
#[case::zero_capital(|l: &mut Limits| l.capital = Money::ZERO, "capital")]
#[case::ten_instead_of_ten_percent(|l: &mut Limits| l.max_position = Rate::from_bps(100_000), "max_position")]
#[case::negative(|l: &mut Limits| l.stop_loss = Rate::from_bps(-1), "stop_loss")]
#[case::zero(|l: &mut Limits| l.day_loss = Rate::ZERO, "day_loss")]
#[case::exposure_below_position(|l: &mut Limits| l.max_exposure = Rate::from_bps(500), "max_exposure")]
#[case::week_below_day(|l: &mut Limits| l.week_loss = Rate::from_bps(100), "week_loss")]
#[case::no_orders(|l: &mut Limits| l.max_orders_per_minute = 0, "max_orders_per_minute")]
#[case::no_age(|l: &mut Limits| l.reference_max_age_ms = 0, "reference_max_age_ms")]
fn impossible_limits_are_refused(#[case] change: fn(&mut Limits), #[case] name: &str) {
    let mut limits = limits();
    assert_eq!(limits.validate(), Ok(()));
    change(&mut limits);
    assert_eq!(limits.validate().unwrap_err().name, name);
}
