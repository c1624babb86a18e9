//! The kill ladder (S0-30, S2-36, C-15, UX 3.4) and stopping a leg.

use tradeterm::control::{LegPhase, TradeCommand};
use tradeterm::domain::{AccountEvent, KillLevel, RejectReason};
use tradeterm::engine::EntryStyle;
use tradeterm::venue::broker::Broker;

use super::desk::*;

/// One leg holds 25 with a stop, the other one rests at its price.
fn mixed() -> Desk<Fake> {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 10 };
    let mut desk = setup.fake(&["+", "-"]);
    desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    let entry = desk.session.broker.sent[0].clone();
    desk.session.broker.fill(&entry, "25", "99");
    desk.tick();
    desk.take();
    assert_eq!(desk.session.broker.sent.len(), 3);
    desk.take();
    desk
}

#[test]
fn reduce_only_keeps_what_rests_and_refuses_what_enters() {
    let mut desk = mixed();
    assert_eq!(desk.kill(KillLevel::ReduceOnly), ["level ReduceOnly"]);
    assert_eq!(desk.session.broker.cancels, []);
    desk.command(TradeCommand::Close(FIRST));
    assert_eq!(desk.session.broker.last().spec.qty, n("25"));
    desk.take();
    desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["90"; 4])]);
    assert_eq!(
        desk.session.broker.sent.len(),
        4,
        "no entry after the latch"
    );
}

#[test]
fn halt_cancels_what_is_not_protection() {
    let mut desk = mixed();
    assert_eq!(
        desk.kill(KillLevel::Halted),
        ["level Halted", "cancel o0 Kill"]
    );
    // Neither strategy nor person closes anything at this step.
    assert!(desk.command(TradeCommand::Close(FIRST))[0].starts_with("refused kill switch"));
    // A fill that raced the cancel is protected.
    let resting = desk.session.broker.sent[1].clone();
    desk.session.broker.fill(&resting, "5", "101");
    assert_eq!(desk.tick(), ["s0 buy 5 at 109 r"]);
}

#[test]
fn flatten_cancels_all_and_closes_until_flat() {
    let mut desk = mixed();
    let lines = desk.kill(KillLevel::Flatten);
    assert_eq!(
        lines,
        [
            "level Flatten",
            "cancel o0 Kill",
            "cancel s0 Kill",
            "f0 sell 25 r"
        ]
    );
    let close = desk.session.broker.last().clone();
    let order = close.id;
    // A part fills, the rest is cancelled by the venue.
    desk.session.broker.fill(&close, "10", "100");
    desk.session
        .broker
        .answers
        .push(AccountEvent::Cancelled { order });
    desk.tick();
    assert_eq!(desk.session.broker.last().spec.qty, n("15"));
    // The next one is rejected: not again within the second, but again.
    let order = desk.session.broker.last().id;
    let reason = RejectReason::NoPrice;
    desk.session
        .broker
        .answers
        .push(AccountEvent::Rejected { order, reason });
    let n_sent = desk.session.broker.sent.len();
    for _ in 0..30 {
        desk.trade("100");
    }
    assert_eq!(desk.session.broker.sent.len(), n_sent);
    desk.at = desk.at.plus_millis(1_000);
    desk.tick();
    let close = desk.session.broker.last().clone();
    assert_eq!(close.spec.qty, n("15"));
    // A fill of the cancelled entry comes late: it is closed too.
    let resting = desk.session.broker.sent[1].clone();
    desk.session.broker.fill(&close, "15", "100");
    desk.session.broker.fill(&resting, "3", "101");
    desk.tick();
    let late = desk.session.broker.last().clone();
    assert_eq!((late.spec.instrument, late.spec.qty), (SECOND, n("3")));
    desk.session.broker.fill(&late, "3", "101");
    desk.tick();
    assert!(desk.snapshot().positions.is_empty());
}

#[test]
fn flatten_on_paper_ends_flat_whatever_the_volume() {
    let setup = Setup {
        participation: Some(n("0.004")),
        ..Setup::default()
    };
    let mut desk = setup.paper(&["+", "-"]);
    for _ in 0..12 {
        desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    }
    assert_eq!(desk.snapshot().positions.len(), 2);
    desk.kill(KillLevel::Flatten);
    for _ in 0..12 {
        desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    }
    assert!(desk.session.engine.is_flat());
    assert!(desk.session.broker.account().is_flat());
}

#[test]
fn the_ladder_goes_up_by_anyone_and_down_only_by_a_person() {
    let mut desk = Setup::default().paper(&["+"]);
    assert_eq!(desk.kill(KillLevel::Halted), ["level Halted"]);
    assert_eq!(desk.kill(KillLevel::ReduceOnly), [""; 0]);
    assert_eq!(desk.kill(KillLevel::Halted), [""; 0]);
    assert_eq!(desk.resume(KillLevel::Flatten), [""; 0]);
    assert_eq!(desk.resume(KillLevel::ReduceOnly), ["level ReduceOnly"]);
    let state = desk.snapshot().state;
    assert_eq!(state.kill, KillLevel::ReduceOnly);
    assert!(state.kill_reason.is_some());
    assert_eq!(desk.resume(KillLevel::Active), ["level Active"]);
    assert_eq!(desk.snapshot().state.kill_reason, None);
    assert_eq!(desk.flat("100"), ["o0 buy 25"]);
}

#[test]
fn a_session_starts_where_the_ladder_was_left() {
    let setup = Setup {
        level: KillLevel::Halted,
        ..Setup::default()
    };
    let mut desk = setup.paper(&["+"]);
    let lines = desk.flat("100");
    assert!(lines[0].starts_with("refused kill switch"), "{lines:?}");
    assert_eq!(
        desk.snapshot().state.kill_reason.as_deref(),
        Some("kept from the last session")
    );
}

#[test]
fn what_flattening_left_is_protected_again_after_the_resume() {
    let mut desk = mixed();
    desk.kill(KillLevel::Flatten);
    let close = desk.session.broker.last().id;
    let stop = desk.session.broker.newest('s').id;
    let reason = RejectReason::NoPrice;
    desk.session.broker.answers = vec![
        AccountEvent::Cancelled { order: stop },
        AccountEvent::Rejected {
            order: close,
            reason,
        },
    ];
    desk.tick();
    assert_eq!(
        desk.resume(KillLevel::ReduceOnly),
        ["level ReduceOnly", "s1 sell 25 at 91.1 r"]
    );
}

#[test]
fn an_entry_that_the_venue_takes_after_the_halt_is_cancelled() {
    let mut desk = mixed();
    desk.kill(KillLevel::Halted);
    let resting = desk.session.broker.sent[1].id;
    // The cancel came before the order, and found nothing.
    desk.session.broker.answers = vec![
        AccountEvent::CancelRejected { order: resting },
        AccountEvent::Accepted { order: resting },
    ];
    assert_eq!(desk.tick(), ["cancel o0 Kill"]);
}

#[test]
fn a_stopped_leg_makes_no_signals_and_its_position_ends_by_its_stop() {
    let mut desk = Setup::default().paper(&["+ + -"]);
    desk.flat("100");
    desk.flat("100");
    desk.command(TradeCommand::StopLeg(LEG));
    assert_eq!(desk.snapshot().legs[0].phase, LegPhase::Stopped);
    assert_eq!(desk.flat("100"), [""; 0]);
    assert_eq!(desk.held(), "25");
    let lines = desk.minute(["100", "100", "91", "93"]);
    assert!(lines[0].starts_with("trade -200 stop-loss"), "{lines:?}");
    desk.command(TradeCommand::StartLeg(LEG));
    assert_eq!(desk.flat("100"), ["o0 sell 25"]);
}

#[test]
fn stopping_a_leg_takes_back_its_entries_and_no_others() {
    let mut setup = Setup::default();
    setup.plan.entry = EntryStyle::PostOnly { offset_ticks: 10 };
    let mut desk = setup.fake(&["+", "-"]);
    desk.minutes(&[(FIRST, ["100"; 4]), (SECOND, ["100"; 4])]);
    desk.take();
    let first = desk.session.broker.sent[0].id;
    desk.command(TradeCommand::StopLeg(LEG));
    assert_eq!(desk.session.broker.cancels, [first]);
}

#[test]
fn commands_about_nothing_do_nothing() {
    let mut desk = Setup::default().paper(&["+"]);
    let nowhere = tradeterm::domain::InstrumentId(77);
    assert_eq!(desk.command(TradeCommand::Close(nowhere)), [""; 0]);
    let nobody = tradeterm::domain::LegId(77);
    assert_eq!(desk.command(TradeCommand::StopLeg(nobody)), [""; 0]);
    assert_eq!(desk.command(TradeCommand::CloseAll), [""; 0]);
}
