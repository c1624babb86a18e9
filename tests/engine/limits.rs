//! Limits: what each refuses, pauses or kills (S0-26 to S0-29, S2-27 to S2-35, C-01).

use rstest::rstest;
use tradeterm::domain::{KillLevel, Money};
use tradeterm::engine::EntryStyle;
use tradeterm::risk::{LimitAction, Limits};

use super::desk::*;

const HOUR: i64 = 60 * MINUTE;

/// Lets the whole account stand behind one leg, so that prices move the equity as they move.
fn whole() -> Setup {
    let mut setup = Setup::default();
    setup.limits.max_position = n("1");
    setup.limits.max_exposure = n("1");
    setup.limits.stop_loss = n("0.5");
    setup.full = n("25000");
    setup
}

#[test]
fn the_days_loss_pauses_entries_for_a_day_and_lets_exits_go() {
    let mut desk = whole().paper(&["+ + + + 0 + + +"]);
    desk.flat("100");
    desk.flat("100");
    assert_eq!(desk.flat("98.1"), [""; 0]);
    // The open of the next bar is enough.
    let until = desk.at.plus_millis(24 * HOUR);
    assert_eq!(desk.flat("98"), ["paused day loss"]);
    let pauses = desk.snapshot().state.pauses;
    assert_eq!(pauses.len(), 1);
    assert_eq!(
        (pauses[0].rule.as_str(), pauses[0].until),
        ("day loss", until)
    );
    // The exit goes, the entry after it does not.
    assert_eq!(desk.flat("98"), ["c0 sell 250 r"]);
    let lines = desk.flat("98");
    assert!(
        lines.last().unwrap().starts_with("refused day loss"),
        "{lines:?}"
    );
    assert_eq!(desk.held(), "0");
    let held_back = desk.snapshot().last_refusal.unwrap();
    assert_eq!(held_back.rule, "day loss");
    // It holds across midnight, and ends.
    desk.at = until.plus_millis(-2 * MINUTE);
    assert_eq!(desk.snapshot().state.pauses.len(), 1);
    let lines = desk.flat("98");
    assert!(lines[0].starts_with("refused day loss"), "{lines:?}");
    assert_eq!(desk.flat("98"), ["o0 buy 255.102"]);
    assert_eq!(desk.snapshot().state.pauses, []);
}

#[test]
fn the_weeks_loss_pauses_for_a_week() {
    let mut setup = whole();
    setup.limits.day_loss = n("0.05");
    setup.limits.day_action = LimitAction::Block;
    let mut desk = setup.paper(&["+"]);
    desk.flat("100");
    desk.flat("100");
    assert_eq!(desk.trade("95"), ["paused week loss"]);
    let pause = desk.snapshot().state.pauses[0].clone();
    assert_eq!(pause.until, desk.at.plus_millis(168 * HOUR));
}

#[test]
fn a_pause_takes_back_entries_that_rest() {
    let mut setup = whole();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 10 };
    setup.full = n("12500");
    let mut desk = setup.paper(&["+", "+"]);
    desk.flat("100");
    desk.flat("100");
    // The first leg fills at 99 and falls; the second one rests.
    desk.minutes(&[(FIRST, ["100", "100", "98", "100"]), (SECOND, ["100"; 4])]);
    assert!(!desk.session.engine.is_flat());
    desk.take();
    let lines = desk.trade("94");
    assert_eq!(lines, ["paused day loss", "cancel o0 Kill"]);
}

#[test]
fn the_drawdown_kills_closes_all_and_stays_until_a_person_resumes() {
    let mut setup = whole();
    for action in [&mut setup.limits.day_action, &mut setup.limits.week_action] {
        *action = LimitAction::Block;
    }
    let mut desk = setup.paper(&["+"]);
    desk.flat("100");
    desk.flat("100");
    let lines = desk.trade("85");
    assert_eq!(
        lines,
        [
            "trip Flatten",
            "level Flatten",
            "cancel s0 Kill",
            "f0 sell 250 r"
        ]
    );
    desk.flat("85");
    assert_eq!(desk.held(), "0");
    for _ in 0..3 {
        let lines = desk.flat("85");
        assert!(lines[0].starts_with("refused kill switch"), "{lines:?}");
    }
    let state = desk.snapshot().state;
    assert_eq!(state.kill, KillLevel::Flatten);
    assert!(state.kill_reason.unwrap().contains("drawdown"));
    assert_eq!(desk.resume(KillLevel::Active), ["level Active"]);
    // The week's loss still stands and still holds entries back; the kill does not fire again.
    let lines = desk.flat("85");
    assert!(lines[0].starts_with("refused day loss"), "{lines:?}");
}

#[rstest]
#[case::block(LimitAction::Block, &["refused"])]
#[case::pause(LimitAction::Pause, &["refused", "paused max position"])]
#[case::kill(LimitAction::Kill, &["refused", "trip Flatten", "level Flatten"])]
fn a_limit_of_the_gate_does_what_it_is_told(
    #[case] action: LimitAction,
    #[case] expected: &[&str],
) {
    let mut setup = Setup::default();
    setup.limits.position_action = action;
    setup.full = n("2502.5");
    let mut desk = setup.paper(&["+"]);
    let lines = desk.flat("100");
    assert_eq!(lines[0], "refused max position: 2502.50 against 2500.00");
    assert_eq!(lines.len(), expected.len());
    for (line, start) in lines.iter().zip(expected) {
        assert!(line.starts_with(start), "{lines:?}");
    }
    assert_eq!(desk.why(), "risk Blocked");
}

#[test]
fn exposure_counts_every_instrument_and_what_is_on_its_way() {
    let mut setup = Setup::default();
    setup.limits.max_exposure = n("0.15");
    let mut desk = setup.fake(&["+", "+"]);
    desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    assert_eq!(
        desk.take(),
        ["o0 buy 25", "refused max exposure: 5000.00 against 3750.00"]
    );
}

#[test]
fn a_price_that_is_old_enters_nothing() {
    let mut desk = Setup::default().fake(&["+"]);
    let start = desk.at;
    // The bar's close was eleven minutes ago when it arrives.
    desk.at = start.plus_millis(12 * MINUTE);
    desk.market(tradeterm::domain::MarketEvent::Bar(bar(
        FIRST, start, ["100"; 4], "1", true,
    )));
    assert_eq!(
        desk.take(),
        ["refused fresh price: price is 660000 ms old against 600000 ms"]
    );
}

#[test]
fn funding_does_not_make_an_old_price_fresh() {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 10 };
    let mut desk = setup.fake(&["+"]);
    desk.flat("100");
    desk.flat("100");
    let order = desk.session.broker.last().id;
    // The cancel of the older entry is answered late, after a word that is no price.
    desk.at = desk.at.plus_millis(20 * MINUTE);
    desk.take();
    desk.market(tradeterm::domain::MarketEvent::Funding(
        tradeterm::domain::Funding {
            instrument: FIRST,
            rate: n("0"),
        },
    ));
    desk.session
        .broker
        .answers
        .push(tradeterm::domain::AccountEvent::Cancelled { order });
    let lines = desk.tick();
    assert!(lines[0].starts_with("refused fresh price"), "{lines:?}");
}

#[test]
fn a_price_outside_of_the_band_is_refused() {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 21 };
    let mut desk = setup.fake(&["+"]);
    let lines = desk.flat("100");
    assert!(
        lines[0].starts_with("refused price band: -0.02100 against 0.02"),
        "{lines:?}"
    );
}

#[test]
fn the_next_order_of_a_minute_is_refused_and_exits_are_not() {
    let mut setup = Setup::default();
    setup.limits.max_orders_per_minute = 1;
    let mut desk = setup.fake(&["+", "+"]);
    desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    assert_eq!(
        desk.take(),
        [
            "o0 buy 25",
            "refused order frequency: 1 orders in 60 s against 1"
        ]
    );
    assert_eq!(desk.snapshot().counters.n_refused, 1);
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "25", "100");
    assert_eq!(desk.tick(), ["s0 sell 25 at 92 r"]);
    let close = tradeterm::control::TradeCommand::Close(FIRST);
    assert_eq!(desk.command(close), ["c0 sell 25 r"]);
    // A minute later the window is open again.
    desk.minutes(&[(SECOND, ["100"; 4])]);
    assert_eq!(desk.take(), ["o0 buy 25"]);
}

#[test]
fn a_new_day_begins_before_its_first_price_is_valued() {
    let mut desk = whole().paper(&["+"]);
    desk.at = desk.at.plus_millis(12 * HOUR - 3 * MINUTE);
    desk.flat("100");
    desk.flat("100");
    desk.minute(["100", "100", "99", "99"]);
    // Midnight: the bar that ends now is the first word of the new day.
    assert_eq!(desk.at.millis_of_day(), 0);
    assert_eq!(desk.snapshot().account.day, Some(n("-250")));
    // A trade of the next day alone rolls it over.
    desk.at = desk.at.plus_millis(24 * HOUR);
    assert_eq!(desk.trade("98"), [""; 0]);
    assert_eq!(desk.snapshot().account.day, Some(n("-250")));
    assert_eq!(desk.snapshot().account.week, Some(n("-500")));
}

#[test]
fn the_week_rolls_on_monday() {
    let mut desk = whole().paper(&["+"]);
    desk.flat("100");
    desk.flat("100");
    desk.trade("99");
    desk.at = desk.at.plus_millis(72 * HOUR);
    desk.trade("98.5");
    assert_eq!(desk.snapshot().account.week, Some(n("-375")));
    desk.at = desk.at.plus_millis(12 * HOUR);
    desk.trade("98");
    assert_eq!(desk.snapshot().account.week, Some(n("-125")));
}

#[test]
fn two_instruments_have_one_equity() {
    let mut desk = Setup::default().paper(&["+", "-"]);
    let both = |desk: &mut Desk<_>, a: &str, b: &str| {
        desk.minutes(&[(FIRST, [a; 4]), (SECOND, [b; 4])]);
    };
    both(&mut desk, "100", "200");
    both(&mut desk, "100", "200");
    both(&mut desk, "104", "190");
    let account = desk.snapshot().account;
    // 25 pieces times 4, and 12.5 pieces times 10.
    assert_eq!(account.unrealised, Some(n("225")));
    assert_eq!(account.equity, Some(n("25225")));
    assert_eq!(account.exposure, Some(n("4975")));
    assert_eq!(desk.snapshot().positions.len(), 2);
}

#[test]
fn limits_are_checked_before_anything_starts() {
    let mut limits = Limits::standard(n("25000"));
    limits.capital = Money::ZERO;
    assert!(limits.validate().is_err());
}
