//! Targets become positions: flips, resting entries, time in force, part-filled orders.

use rstest::rstest;
use tradeterm::control::TradeCommand;
use tradeterm::domain::{AccountEvent, Category, MarketEvent, TimeInForce};
use tradeterm::engine::{EntryStyle, FlipStyle};

use super::desk::*;

fn setup(flip: FlipStyle) -> Setup {
    let mut setup = Setup::default();
    setup.plan.flip = flip;
    setup
}

#[rstest]
#[case::two_orders(FlipStyle::TwoOrders)]
#[case::netted(FlipStyle::Netted)]
fn every_path_ends_at_its_target(
    #[case] flip: FlipStyle,
    #[values("+", "-", "0")] from: &str,
    #[values("+", "-", "0")] to: &str,
    #[values(None, Some("0.01"))] participation: Option<&str>,
) {
    let mut setup = setup(flip);
    // With a part of each bar's volume only, ten pieces fill in a bar.
    setup.participation = participation.map(n);
    let script = format!("{from} {from} {from} {from} {from} {to}");
    let mut desk = setup.paper(&[&script]);
    for _ in 0..20 {
        desk.flat("100");
    }
    let expected = match to {
        "+" => "25",
        "-" => "-25",
        _ => "0",
    };
    assert_eq!(desk.held(), expected);
    let held = desk.session.broker.matcher().position(FIRST);
    assert_eq!(held, n(expected));
    assert!(desk.session.engine.equity() == n("25000"));
}

#[rstest]
#[case::two_orders(FlipStyle::TwoOrders, &["c0 sell 25 r", "o0 sell 25"])]
#[case::netted(FlipStyle::Netted, &["n0 sell 50"])]
fn a_flip_is_one_order_or_two(#[case] flip: FlipStyle, #[case] expected: &[&str]) {
    let mut desk = setup(flip).paper(&["+ + -"]);
    desk.flat("100");
    desk.flat("100");
    let lines = desk.flat("100");
    assert_eq!(lines, expected);
}

#[test]
fn a_netted_flip_that_fills_in_parts_does_not_go_too_far() {
    let mut setup = setup(FlipStyle::Netted);
    setup.participation = Some(n("0.01"));
    let mut desk = setup.paper(&["+ + + + -"]);
    let mut most = 0.0_f64;
    for _ in 0..16 {
        desk.flat("100");
        let held = desk.session.broker.matcher().position(FIRST).to_f64();
        most = most.max(held.abs());
    }
    assert!(most <= 25.0, "{most}");
    assert_eq!(desk.held(), "-25");
    assert_eq!(desk.snapshot().orders.len(), 1, "only the stop is left");
}

#[test]
fn a_netted_flip_that_may_not_enter_still_leaves() {
    let mut desk = setup(FlipStyle::Netted).paper(&["+ + -"]);
    desk.flat("100");
    desk.flat("100");
    desk.kill(tradeterm::domain::KillLevel::ReduceOnly);
    let lines = desk.flat("100");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("refused kill switch"), "{lines:?}");
    assert_eq!(lines[1], "c0 sell 25 r");
    desk.flat("100");
    assert_eq!(desk.held(), "0");
}

#[rstest]
#[case::to_flat("+ 0", "0")]
#[case::to_short("+ -", "-25")]
#[case::to_less("+ 0.4", "10")]
fn what_is_left_of_an_old_entry_makes_way(#[case] script: &str, #[case] expected: &str) {
    let setup = Setup {
        participation: Some(n("0.002")),
        ..Setup::default()
    };
    let mut desk = setup.paper(&[script]);
    desk.flat("100");
    // Two of twenty-five pieces fill in this bar, and the target changes at its end.
    let lines = desk.flat("100");
    assert!(
        lines.contains(&"cancel o0 Superseded".to_owned()),
        "{lines:?}"
    );
    for _ in 0..30 {
        desk.flat("100");
    }
    assert_eq!(desk.held(), expected);
}

#[test]
fn resting_entries_are_replaced_at_the_next_decision_without_a_lost_bar() {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 10 };
    let mut desk = setup.paper(&["+"]);
    assert_eq!(desk.flat("100"), ["o0 buy 25 @ 99"]);
    let lines = desk.flat("102");
    assert_eq!(lines, ["cancel o0 Superseded"]);
    // The cancel is answered before the next bar opens, and the new order rests within it.
    desk.open_on(FIRST, "102");
    assert_eq!(desk.take(), ["o0 buy 24.509 @ 101"]);
    let orders = desk.snapshot().orders;
    let n_resting = orders.iter().filter(|o| !o.reduce_only);
    assert_eq!(n_resting.count(), 1);
    // Traded through within that very bar: a maker fill, at its price.
    desk.minute(["102", "102", "100", "101"]);
    assert_eq!(desk.held(), "24.509");
    let fill = desk.snapshot().fills[0].clone();
    assert_eq!(fill.liquidity, tradeterm::domain::Liquidity::Maker);
}

#[test]
fn an_operator_who_cancels_an_entry_does_not_get_it_back_within_the_bar() {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 10 };
    let mut desk = setup.paper(&["+"]);
    desk.flat("100");
    let lines = desk.command(TradeCommand::CancelAll);
    assert_eq!(lines, ["cancel o0 Operator"]);
    assert_eq!(desk.tick(), [""; 0]);
    assert!(desk.snapshot().orders.is_empty());
}

#[test]
fn a_crossing_post_only_entry_is_refused_by_the_venue_and_tried_at_the_next_bar() {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 0 };
    let mut desk = setup.paper(&["-"]);
    desk.flat("100");
    // The next price is above the ask's limit: the order would take, so it is gone.
    desk.open_on(FIRST, "101");
    assert_eq!(desk.take(), [""; 0]);
    assert_eq!(desk.held(), "0");
    assert!(desk.snapshot().orders.is_empty());
}

#[rstest]
#[case(TimeInForce::Gtc)]
#[case(TimeInForce::Ioc)]
#[case(TimeInForce::Fok)]
fn time_in_force_reaches_the_broker(#[case] tif: TimeInForce) {
    let mut setup = Setup::default();
    setup.plan.tif = tif;
    let mut desk = setup.fake(&["+ 0"]);
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    assert_eq!(entry.spec.tif, tif);
    desk.session.broker.fill(&entry, "25", "100");
    desk.flat("100");
    let exit = desk.session.broker.newest('c').clone();
    assert!(exit.spec.reduce_only);
    // A fill-or-kill exit could leave the whole position standing.
    let expected = match tif {
        TimeInForce::Fok => TimeInForce::Gtc,
        tif => tif,
    };
    assert_eq!(exit.spec.tif, expected);
}

#[test]
fn an_order_of_unknown_outcome_keeps_counting_and_blocks_entries_on_its_symbol() {
    let mut desk = Setup::default().fake(&["+ - - -", "+"]);
    desk.minutes(&[(FIRST, ["100"; 4])]);
    let first = desk.session.broker.last().id;
    let cause = "timed out".to_owned();
    let unknown = AccountEvent::Unknown {
        order: first,
        cause,
    };
    desk.session.broker.answers.push(unknown);
    desk.take();
    desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    let lines = desk.take();
    assert_eq!(lines[0], "cancel o0 Superseded");
    assert!(
        lines[1].starts_with("refused unresolved order: tt-"),
        "{lines:?}"
    );
    // The other symbol goes on, with the worst case of this one in its exposure.
    assert_eq!(lines[2], "o0 buy 25");
    assert_eq!(desk.snapshot().account.exposure, Some(n("5000")));
    // Evidence ends it.
    desk.session
        .broker
        .answers
        .push(AccountEvent::Cancelled { order: first });
    let lines = desk.flat("100");
    assert!(lines.iter().any(|l| l.ends_with("sell 25")), "{lines:?}");
}

#[test]
fn a_refused_target_is_planned_anew_at_every_bar() {
    let mut desk = Setup::default().fake(&["+"]);
    desk.session.broker.reply = Some(Box::new(|intent| {
        vec![AccountEvent::Rejected {
            order: intent.id,
            reason: tradeterm::domain::RejectReason::NoPrice,
        }]
    }));
    for n in 1..=3 {
        assert_eq!(desk.flat("100"), ["o0 buy 25"]);
        assert_eq!(desk.session.broker.sent.len(), n);
    }
}

/// S3-19: smaller by a tenth, twice, each under a new name; then it is given up until the next bar.
#[test]
fn an_entry_that_the_balance_does_not_cover_is_made_smaller_twice() {
    let mut desk = Setup::default().fake(&["+"]);
    desk.session.broker.reply = Some(Box::new(|intent| {
        vec![AccountEvent::Rejected {
            order: intent.id,
            reason: tradeterm::domain::RejectReason::Funds("110007".to_owned()),
        }]
    }));
    assert_eq!(desk.flat("100"), ["o0 buy 25"]);
    // The answer comes before the next bar, and so do both smaller ones; then it begins anew.
    let lines = desk.flat("100");
    assert_eq!(lines, ["o1 buy 22.5", "o2 buy 20.25", "o0 buy 25"]);
    let mut ids: Vec<_> = desk.session.broker.sent.iter().map(|i| i.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn an_entry_that_fits_after_it_was_made_smaller_is_the_last_one() {
    let mut desk = Setup::default().fake(&["+"]);
    let limit: tradeterm::domain::Qty = n("23");
    desk.session.broker.reply = Some(Box::new(move |intent| {
        let order = intent.id;
        vec![if intent.spec.qty <= limit {
            AccountEvent::Accepted { order }
        } else {
            let reason = tradeterm::domain::RejectReason::Funds("110007".to_owned());
            AccountEvent::Rejected { order, reason }
        }]
    }));
    assert_eq!(desk.flat("100"), ["o0 buy 25"]);
    let lines = desk.flat("100");
    assert_eq!(lines[0], "o1 buy 22.5");
    assert!(!lines.iter().any(|l| l.starts_with("o2")), "{lines:?}");
    assert_eq!(desk.session.broker.sent.len(), 2);
}

#[test]
fn a_position_that_drifts_out_of_its_band_is_corrected() {
    // The dead band is a fifth: at 119 the target is 21.008, at 121 it is 20.661.
    let mut desk = Setup::default().paper(&["+"]);
    desk.flat("100");
    desk.flat("100");
    for price in ["108", "112", "116", "119"] {
        assert_eq!(desk.flat(price), [""; 0], "{price}");
    }
    assert_eq!(desk.flat("121"), ["c0 sell 4.339 r"]);
}

#[test]
fn a_drift_that_began_inside_the_band_is_measured_from_the_target() {
    // Part of the entry is gone: 21 of 25 lie within the band, and less than 20 of 25 do not.
    let mut desk = Setup::default().fake(&["+"]);
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "21", "100");
    desk.session
        .broker
        .answers
        .push(AccountEvent::Cancelled { order: entry.id });
    desk.flat("100");
    desk.take();
    assert_eq!(desk.flat("97"), [""; 0]);
    // At 94 the target is 26.595; 21 is a fifth and more below it.
    assert_eq!(desk.flat("94"), ["o0 buy 5.595"]);
}

#[test]
fn spot_has_no_shorts_and_no_stops_at_the_venue_but_a_net() {
    let setup = Setup {
        category: Category::Spot,
        ..Setup::default()
    };
    let mut desk = setup.paper(&["+ + + + -"]);
    assert_eq!(desk.flat("100"), ["o0 buy 25"]);
    assert_eq!(desk.flat("100"), [""; 0]);
    assert_eq!(desk.held(), "25");
    assert_eq!(desk.snapshot().positions[0].stop, None);
    assert_eq!(desk.trade("92"), [""; 0]);
    assert_eq!(desk.trade("91.9"), ["c0 sell 25 r"]);
    desk.flat("91.9");
    assert_eq!(desk.held(), "0");
    desk.flat("91.9");
    assert_eq!(desk.held(), "27.203", "the script still wants to be long");
    let lines = desk.flat("91.9");
    assert_eq!(lines[0], "c0 sell 27.203 r");
    assert!(lines[1].starts_with("refused spot short"), "{lines:?}");
}

#[test]
fn what_is_larger_than_one_order_may_be_is_closed_in_several() {
    let mut desk = Setup::default().fake(&["+"]);
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    // A venue that gave far more than was asked for.
    desk.session.broker.fill(&entry, "1200", "100");
    desk.tick();
    let stop = desk.session.broker.newest('s').clone();
    assert_eq!(stop.spec.qty, n("500"));
    desk.take();
    let lines = desk.kill(tradeterm::domain::KillLevel::Flatten);
    assert!(lines.contains(&"f0 sell 500 r".to_owned()), "{lines:?}");
    desk.open_on(FIRST, "100");
    desk.open_on(FIRST, "100");
    assert_eq!(
        desk.take(),
        ["f1 sell 500 r", "f2 sell 200 r"],
        "the rest follows with the next events"
    );
}

#[test]
fn funding_on_the_boundary_belongs_to_the_new_day() {
    let mut desk = Setup::default().paper(&["+"]);
    desk.at = desk.at.plus_millis(11 * 60 * MINUTE);
    for _ in 0..59 {
        desk.flat("100");
    }
    desk.flat("100");
    assert_eq!(desk.at.millis_of_day(), 0);
    let rate = n("0.001");
    let funding = tradeterm::domain::Funding {
        instrument: FIRST,
        rate,
    };
    desk.market(MarketEvent::Funding(funding));
    let account = desk.snapshot().account;
    assert_eq!(account.funding, n("2.5"));
    assert_eq!(account.day, Some(n("-2.5")));
    assert_eq!(account.week, Some(n("-2.5")));
}
