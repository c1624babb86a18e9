//! Which orders the venue refuses, and in which words.

use rstest::rstest;
use tradeterm::domain::{OrderSpec, Price};
use tradeterm::venue::sim::{Settings, SettingsError};

use super::desk::*;

#[rstest]
#[case::price_grid(
    limit(Buy, "1", "99.95"),
    "price 99.95 is not a multiple of the tick 0.1"
)]
#[case::trigger_grid(
    stop(Buy, "1", "101.01"),
    "price 101.01 is not a multiple of the tick 0.1"
)]
#[case::qty_grid(
    market(Buy, "1.0005"),
    "quantity 1.0005 is not a multiple of the step 0.001"
)]
#[case::no_quantity(market(Buy, "0"), "price and quantity must be above zero")]
#[case::no_price(limit(Buy, "1", "0"), "price and quantity must be above zero")]
#[case::min_notional(market(Buy, "0.049"), "value 4.9 is below the minimum 5")]
#[case::max_market(market(Buy, "501"), "quantity 501 is above the maximum 500")]
#[case::max_limit(limit(Buy, "1001", "99"), "quantity 1001 is above the maximum 1000")]
#[case::nothing_to_reduce(market(Sell, "1").reduce(), "reduce-only order has no position to reduce")]
#[case::stop_below(stop(Buy, "1", "99"), "trigger price is already passed")]
#[case::stop_at(stop(Sell, "1", "100"), "trigger price is already passed")]
#[case::target_above(target(Buy, "1", "101"), "trigger price is already passed")]
#[case::post_only(post_only(Buy, "1", "100.1"), "post-only order would take liquidity")]
#[case::foreign(market(Buy, "1").on(FOREIGN), "BTCUSDC settles in USDC, the account holds USDT")]
#[case::unpriced(market(Buy, "1").on(OTHER), "no price is known for the instrument")]
#[case::unpriced_stop(stop(Buy, "1", "101").on(OTHER), "no price is known for the instrument")]
#[case::short_on_spot(market(Sell, "1").on(SPOT), "balance 0 does not cover 100")]
#[case::spot_cash(market(Buy, "101").on(SPOT), "balance 10000 does not cover 10115.660555")]
fn s0_24_a_refusal_names_the_rule(#[case] spec: OrderSpec, #[case] reason: &str) {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    desk.open_on(SPOT, "100");
    assert_eq!(desk.send("a", spec), [format!("rejected a: {reason}")]);
    assert_eq!(desk.matcher.orders().count(), 0);
    assert_eq!(desk.cash(), "10000");
}

#[test]
fn margin_covers_the_worst_case_of_all_orders() {
    let mut desk = Desk::within_bar(settings(), "1000", "1000");
    // Ten times 10000 buys 100 pieces at 1000, and not one step more.
    let lines = desk.send("a", limit(Buy, "100.001", "999"));
    assert_eq!(lines, ["rejected a: balance 10000 does not cover 10000.1"]);
    assert_eq!(desk.send("b", limit(Buy, "100", "999")), ["accepted b"]);
    // Open orders hold margin; the other side of the same instrument needs none.
    let lines = desk.send("c", limit(Buy, "0.1", "999"));
    assert_eq!(lines, ["rejected c: balance 0 does not cover 10"]);
    assert_eq!(desk.send("d", limit(Sell, "100", "1001")), ["accepted d"]);
}

#[test]
fn a_name_is_good_for_one_order_only() {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    let twice = "rejected a: client order id is already known";
    desk.send("a", limit(Buy, "1", "99"));
    assert_eq!(desk.send("a", limit(Buy, "1", "99")), [twice]);
    assert_eq!(desk.cancel("a"), ["cancelled a"]);
    assert_eq!(desk.send("a", limit(Buy, "1", "99")), [twice]);
    desk.send("b", market(Sell, "1").reduce());
    assert_eq!(
        desk.send("b", market(Sell, "1")),
        ["rejected b: client order id is already known"]
    );
    assert_eq!(desk.matcher.orders().count(), 0);
}

#[test]
fn the_venue_keeps_its_own_names() {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    assert_eq!(
        desk.send("liq-0-1", market(Buy, "1")),
        ["rejected liq-0-1: order id liq-0-1 begins with liq-, which the venue keeps for itself"]
    );
}

#[test]
fn an_instrument_of_another_table_is_refused() {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    let spec = market(Buy, "1").on(tradeterm::domain::InstrumentId(9));
    assert_eq!(
        desk.send("a", spec),
        ["rejected a: instrument 9 is unknown, the venue has 4"]
    );
    assert_eq!(
        desk.open_on(tradeterm::domain::InstrumentId(9), "5"),
        [""; 0]
    );
}

#[test]
fn a_cancel_finds_what_is_open_and_nothing_else() {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    desk.open_on(SPOT, "100");
    desk.send("a", limit(Buy, "1", "99"));
    desk.send("b", stop(Buy, "1", "101"));
    desk.send("c", limit(Buy, "1", "99").on(SPOT));
    assert_eq!(desk.cancel("a"), ["cancelled a"]);
    assert_eq!(desk.cancel("a"), ["not cancelled a"]);
    assert_eq!(desk.cancel("never-sent"), ["not cancelled never-sent"]);
    assert_eq!(desk.cancel_all(Some(SPOT)), ["cancelled c"]);
    assert_eq!(desk.cancel_all(None), ["cancelled b"]);
    assert!(desk.matcher.account().is_flat());
}

#[test]
fn open_spot_orders_hold_what_they_may_need() {
    let mut desk = Desk::new(settings());
    desk.open_on(SPOT, "100");
    assert_eq!(
        desk.send("a", limit(Buy, "99", "99").on(SPOT)),
        ["accepted a"]
    );
    let lines = desk.send("b", limit(Buy, "10", "99").on(SPOT));
    assert_eq!(
        lines,
        ["rejected b: balance 193.60945 does not cover 990.5445"]
    );
    desk.cancel("a");
    desk.send("c", market(Buy, "2").on(SPOT));
    assert_eq!(
        desk.send("d", limit(Sell, "1.5", "110").on(SPOT)),
        ["accepted d"]
    );
    let lines = desk.send("e", market(Sell, "0.501").on(SPOT));
    assert_eq!(lines, ["rejected e: balance 50 does not cover 50.1"]);
    assert_eq!(desk.held(SPOT), "2");
}

#[rstest]
#[case::participation("participation 1.1 is outside of 0 to 1: use a part of the volume, or none to lift it", |s: &mut Settings| s.participation = Some(n("1.1")))]
#[case::slippage("slippage -0.1 is outside of 0 to below 1: give it as a fraction, 0.001 is 0.1 %", |s: &mut Settings| s.costs.slippage = n("-0.1"))]
#[case::fee("fee 1 is outside of -1 to 1: give it as a fraction, 0.00055 is 0.055 %", |s: &mut Settings| s.costs.taker = n("1"))]
#[case::leverage("leverage 0 allows no position: use 1 or more", |s: &mut Settings| s.leverage = 0)]
#[case::maintenance("maintenance margin 1 is outside of 0 to below 1", |s: &mut Settings| s.maintenance = n("1"))]
fn a_bad_setting_is_named(#[case] message: &str, #[case] spoil: fn(&mut Settings)) {
    let mut bad = settings();
    spoil(&mut bad);
    let error: SettingsError =
        tradeterm::venue::sim::Matcher::new(tradeterm::domain::Instruments::default(), bad)
            .unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn the_reference_is_the_last_price_else_the_middle_of_the_quote() {
    let mut desk = Desk::new(settings());
    assert_eq!(desk.matcher.reference(PERP), None);
    desk.quote(("99", "1"), ("102", "1"));
    assert_eq!(desk.matcher.reference(PERP), Some(n::<Price>("100.5")));
    desk.trade("101", "1", Buy);
    assert_eq!(desk.matcher.reference(PERP), Some(n::<Price>("101")));
}

#[test]
fn spot_cash_is_less_what_linear_holds_and_has_lost() {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    desk.open_on(SPOT, "100");
    desk.send("long", market(Buy, "200"));
    desk.open("90");
    // 10000 - 11.011 fee - 2020 lost - a tenth of 18000 as margin.
    assert_eq!(
        desk.send("a", limit(Buy, "70", "99").on(SPOT)),
        ["rejected a: balance 6168.989 does not cover 6933.8115"]
    );
    assert_eq!(
        desk.send("b", limit(Buy, "62", "99").on(SPOT)),
        ["accepted b"]
    );
}

#[test]
fn linear_margin_is_less_what_spot_purchases_reserve() {
    let mut desk = Desk::within_bar(settings(), "100", "1000");
    desk.open_on(SPOT, "100");
    desk.send("spot", limit(Buy, "90", "99").on(SPOT));
    // 10000 - 90 x 99 x 1.00055.
    assert_eq!(
        desk.send("a", limit(Buy, "109", "99")),
        ["rejected a: balance 1085.0995 does not cover 1090"]
    );
    assert_eq!(desk.send("b", limit(Buy, "108", "99")), ["accepted b"]);
}
