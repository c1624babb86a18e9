//! Every (position, target) pair, and what no plan may ever do (S0-18 to S0-24, S0-44, C-04).

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::{Category, Symbol};

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: "0.1".parse().unwrap(),
        qty_step: "0.001".parse().unwrap(),
        min_qty: "0.001".parse().unwrap(),
        max_qty: "1500".parse().unwrap(),
        max_market_qty: "150".parse().unwrap(),
        min_notional: "5".parse().unwrap(),
        funding_hours: 8,
    }
}

fn input(instrument: &Instrument, held: &str, target: Exposure) -> PlanInput<'static> {
    PlanInput {
        id: InstrumentId(0),
        instrument: Box::leak(Box::new(instrument.clone())),
        target,
        full_value: "2500".parse().unwrap(),
        price: "50000".parse().unwrap(),
        held: held.parse().unwrap(),
        pending: (Qty::ZERO, Qty::ZERO),
        closing: Qty::ZERO,
    }
}

/// Orders as text: role, side, quantity, and `r` when reduce-only.
fn orders(plan: &Plan) -> String {
    match plan {
        Plan::Nothing(reason) => reason.words().to_owned(),
        Plan::Orders(orders) => orders
            .iter()
            .map(|o| {
                let reduce = if o.spec.reduce_only { " r" } else { "" };
                format!("{} {} {}{reduce}", o.role, o.spec.side, o.spec.qty)
            })
            .collect::<Vec<_>>()
            .join(", "),
    }
}

// A full position is 2,500 / 50,000 = 0.05.
#[rstest]
#[case::flat_flat("0", Exposure::FLAT, "on target")]
#[case::flat_long("0", Exposure::LONG, "o buy 0.05")]
#[case::flat_short("0", Exposure::SHORT, "o sell 0.05")]
#[case::long_long("0.05", Exposure::LONG, "on target")]
#[case::long_flat("0.05", Exposure::FLAT, "c sell 0.05 r")]
#[case::long_short("0.05", Exposure::SHORT, "c sell 0.05 r, o sell 0.05")]
#[case::short_short("-0.05", Exposure::SHORT, "on target")]
#[case::short_flat("-0.05", Exposure::FLAT, "c buy 0.05 r")]
#[case::short_long("-0.05", Exposure::LONG, "c buy 0.05 r, o buy 0.05")]
#[case::drifted_up("0.058", Exposure::LONG, "inside the dead band")]
#[case::far_too_large("0.08", Exposure::LONG, "c sell 0.03 r")]
#[case::drifted_down("0.045", Exposure::LONG, "inside the dead band")]
#[case::far_too_small("0.03", Exposure::LONG, "o buy 0.02")]
fn every_pair(#[case] held: &str, #[case] target: Exposure, #[case] expected: &str) {
    let plan = plan(&input(&instrument(), held, target), &PlanRules::default());
    assert_eq!(orders(&plan), expected);
}

#[test]
fn a_flip_can_be_one_netted_order() {
    let rules = PlanRules {
        flip: FlipStyle::Netted,
        ..PlanRules::default()
    };
    let plan = plan(&input(&instrument(), "-0.04", Exposure::LONG), &rules);
    assert_eq!(orders(&plan), "n buy 0.09");
}

#[test]
fn what_is_in_flight_is_not_sent_again() {
    let btc = instrument();
    let mut entering = input(&btc, "0", Exposure::LONG);
    entering.pending = ("0.05".parse().unwrap(), Qty::ZERO);
    assert_eq!(
        orders(&plan(&entering, &PlanRules::default())),
        "already in flight"
    );
    let mut leaving = input(&btc, "0.05", Exposure::FLAT);
    leaving.closing = "0.05".parse().unwrap();
    assert_eq!(
        orders(&plan(&leaving, &PlanRules::default())),
        "already in flight"
    );
    let mut half = input(&btc, "0.05", Exposure::FLAT);
    half.closing = "0.02".parse().unwrap();
    assert_eq!(orders(&plan(&half, &PlanRules::default())), "c sell 0.03 r");
}

#[test]
fn below_the_venues_minimum_there_is_no_order() {
    let btc = instrument();
    let mut small = input(&btc, "0", Exposure::LONG);
    small.full_value = "49".parse().unwrap();
    assert_eq!(
        orders(&plan(&small, &PlanRules::default())),
        "below the venue's smallest order"
    );
    let mut strict = instrument();
    strict.min_notional = "2501".parse().unwrap();
    let strict = input(&strict, "0", Exposure::LONG);
    assert_eq!(
        orders(&plan(&strict, &PlanRules::default())),
        "below the venue's smallest order"
    );
}

#[rstest]
#[case::buy_rests_below(EntryStyle::PostOnly { offset_ticks: 3 }, Exposure::LONG, "49999.7")]
#[case::sell_rests_above(EntryStyle::PostOnly { offset_ticks: 3 }, Exposure::SHORT, "50000.3")]
#[case::buy_reaches_up(EntryStyle::Limit { offset_ticks: 5 }, Exposure::LONG, "50000.5")]
#[case::sell_reaches_down(EntryStyle::Limit { offset_ticks: 5 }, Exposure::SHORT, "49999.5")]
fn limit_entries(#[case] entry: EntryStyle, #[case] target: Exposure, #[case] expected: &str) {
    let rules = PlanRules {
        entry,
        tif: TimeInForce::Ioc,
        ..PlanRules::default()
    };
    let Plan::Orders(orders) = plan(&input(&instrument(), "0", target), &rules) else {
        panic!("an entry is due");
    };
    let post_only = matches!(entry, EntryStyle::PostOnly { .. });
    let price = expected.parse().unwrap();
    assert_eq!(orders[0].spec.kind, OrderKind::Limit { price, post_only });
    // Post-only rests; anything else keeps the time in force that was asked for (S0-22).
    let tif = if post_only {
        TimeInForce::Gtc
    } else {
        TimeInForce::Ioc
    };
    assert_eq!(orders[0].spec.tif, tif);
}

proptest! {
    /// S0-20, S0-23: reduce-only never more than held, every quantity on the grid, and when all
    /// orders fill the position is never beyond the target.
    #[test]
    fn no_plan_opens_by_closing(
        held in -200_000_i128..200_000,
        target in -100_i64..=100,
        value in 1_i64..1_000_000,
        price_ticks in 1_i128..10_000_000,
        pending in (0_i128..200, 0_i128..200),
        closing in 0_i128..200,
        netted: bool,
    ) {
        let step = 100_000; // 0.001 in units of 1e-8
        let btc = instrument();
        let held = SignedQty::from_raw(held / 10 * step);
        let rate = Rate::from_raw(target * Rate::ONE.raw() / 100);
        let input = PlanInput {
            id: InstrumentId(0),
            instrument: &btc,
            target: Exposure::new(rate).unwrap(),
            full_value: value.to_string().parse().unwrap(),
            price: Price::from_raw(price_ticks * btc.tick.raw()).unwrap(),
            held,
            pending: (
                Qty::from_raw(pending.0 * step).unwrap(),
                Qty::from_raw(pending.1 * step).unwrap(),
            ),
            closing: Qty::from_raw((closing * step).min(held.abs().raw())).unwrap(),
        };
        let flip = if netted { FlipStyle::Netted } else { FlipStyle::TwoOrders };
        let rules = PlanRules { flip, ..PlanRules::default() };
        let Plan::Orders(orders) = plan(&input, &rules) else { return Ok(()) };
        let mut after = held;
        for order in &orders {
            let spec = &order.spec;
            prop_assert!(!spec.qty.is_zero());
            prop_assert_eq!(spec.qty.floor_to(btc.qty_step), spec.qty);
            if spec.reduce_only {
                prop_assert!(held.side().is_some_and(|s| s != spec.side));
                prop_assert!(spec.qty + input.closing <= held.abs());
            }
            after += spec.qty.signed(spec.side);
        }
        // Whatever the closes on their way do, the orders alone never pass the target.
        let bound = target_size(&input, &rules).abs().max(held.abs());
        prop_assert!(after.abs() <= bound, "{held} -> {after}, bound {bound}");
    }
}

#[test]
fn a_netted_order_that_is_on_its_way_counts_for_both_halves() {
    let rules = PlanRules {
        flip: FlipStyle::Netted,
        ..PlanRules::default()
    };
    let btc = instrument();
    let mut half = input(&btc, "0.02", Exposure::SHORT);
    half.pending = (Qty::ZERO, "0.07".parse().unwrap());
    assert_eq!(orders(&plan(&half, &rules)), "already in flight");
    half.pending = (Qty::ZERO, "0.03".parse().unwrap());
    assert_eq!(orders(&plan(&half, &rules)), "n sell 0.04");
}

#[rstest]
#[case::on_the_way("0.03", "0.02", Exposure::LONG, Side::Buy, true)]
#[case::a_little_beyond("0.03", "0.025", Exposure::LONG, Side::Buy, true)]
#[case::too_far("0.03", "0.04", Exposure::LONG, Side::Buy, false)]
#[case::the_wrong_side("0.03", "0.02", Exposure::LONG, Side::Sell, false)]
#[case::nowhere_to_go("0.03", "0.02", Exposure::FLAT, Side::Buy, false)]
#[case::through_zero("0.05", "0.1", Exposure::SHORT, Side::Sell, true)]
#[case::half_of_it_gone("0", "0.1", Exposure::SHORT, Side::Sell, false)]
fn entries_on_their_way_lead_to_the_target_or_not(
    #[case] held: &str,
    #[case] pending: &str,
    #[case] target: Exposure,
    #[case] side: Side,
    #[case] expected: bool,
) {
    let btc = instrument();
    let mut input = input(&btc, held, target);
    let amount = pending.parse().unwrap();
    input.pending = match side {
        Side::Buy => (amount, Qty::ZERO),
        Side::Sell => (Qty::ZERO, amount),
    };
    let leads = leads_to_target(&input, &PlanRules::default(), side);
    assert_eq!(leads, expected);
}

proptest! {
    /// Between the prices of the calm band no plan has an order, so skipping it changes nothing.
    #[test]
    fn inside_the_calm_band_every_plan_is_empty(
        steps in 1..200_i128,
        is_long in any::<bool>(),
        value in 100..20_000_i64,
        tenths in 1..=10_i64,
        band_bps in 0..6_000_i64,
        at in 0..1_000_i128,
    ) {
        let btc = instrument();
        let step = btc.qty_step.raw();
        let rules = PlanRules { dead_band: Rate::from_bps(band_bps), ..PlanRules::default() };
        let (side, sign) = if is_long { (Side::Buy, 1) } else { (Side::Sell, -1) };
        let target = Exposure::new(Rate::from_bps(sign * tenths * 1_000)).unwrap();
        let mut input = input(&btc, "0", target);
        input.held = Qty::from_raw(steps * step).unwrap().signed(side);
        input.full_value = value.to_string().parse().unwrap();
        if let Some((low, high)) = calm_band(&input, &rules) {
            let span = high.raw() - low.raw();
            for raw in [low.raw() + 1, low.raw() + span * at / 1_000, high.raw() - 1] {
                if raw <= low.raw() || high.raw() <= raw {
                    continue;
                }
                input.price = Price::from_raw(raw).unwrap();
                let plan = plan(&input, &rules);
                prop_assert!(matches!(plan, Plan::Nothing(_)), "{plan:?} at {}", input.price);
            }
        }
    }
}

#[test]
fn the_calm_band_reaches_as_far_as_the_dead_band() {
    let btc = instrument();
    let band = calm_band(&input(&btc, "0.05", Exposure::LONG), &PlanRules::default());
    let (low, high) = band.expect("on target there is one");
    // 2,500 over 0.05 less and plus a fifth, less a hundredth of it and a step.
    assert!(
        low < "40200".parse().unwrap() && "40000".parse::<Price>().unwrap() < low,
        "{low}"
    );
    assert!(
        "58000".parse::<Price>().unwrap() < high && high < "60000".parse().unwrap(),
        "{high}"
    );
}
