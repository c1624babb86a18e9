//! Stops at the venue and the net behind them (S2-29, C-16, B-02, F21, I27).

use rstest::rstest;
use tradeterm::control::TradeCommand;
use tradeterm::domain::{AccountEvent, Intent, KillLevel, NotSent, OrderKind, RejectReason};

use super::desk::*;

fn rejected(intent: &Intent, reason: RejectReason) -> AccountEvent {
    let order = intent.id;
    AccountEvent::Rejected { order, reason }
}

/// A desk that has just bought 25 at 100, with a venue that takes stops or does not.
fn long(reason: Option<RejectReason>) -> Desk<Fake> {
    let mut desk = Setup::default().fake(&["+"]);
    desk.session.broker.reply = reason.map(|reason| -> Box<dyn FnMut(&Intent) -> _ + Send> {
        Box::new(move |intent: &Intent| match intent.spec.kind {
            OrderKind::Stop { .. } => vec![rejected(intent, reason.clone())],
            _ => vec![],
        })
    });
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "25", "100");
    desk.tick();
    desk
}

#[rstest]
#[case::long("+", "s0 sell 25 at 92 r")]
#[case::short("-", "s0 buy 25 at 108 r")]
fn a_position_gets_a_stop_of_its_side_and_size(#[case] script: &str, #[case] expected: &str) {
    let mut desk = Setup::default().paper(&[script]);
    desk.flat("100");
    desk.open_on(FIRST, "100");
    assert_eq!(desk.take(), [expected]);
    let view = desk.snapshot().positions[0].clone();
    assert_eq!(view.stop.map(|p| p.to_string()), {
        Some(if script == "+" { "92" } else { "108" }.to_owned())
    });
}

#[rstest]
#[case::long("+", "100.3", "92.3")]
#[case::short("-", "100.3", "108.3")]
fn triggers_are_rounded_towards_the_entry(
    #[case] script: &str,
    #[case] entry: &str,
    #[case] trigger: &str,
) {
    // 100.3 less 8 % is 92.276, and 8 % more is 108.324.
    let mut desk = Setup::default().paper(&[script]);
    desk.flat(entry);
    desk.open_on(FIRST, entry);
    let line = desk.take().pop().unwrap();
    assert!(line.ends_with(&format!("at {trigger} r")), "{line}");
}

#[test]
fn every_part_that_fills_makes_the_stop_fit_and_flat_takes_it_back() {
    let mut desk = Setup::default().fake(&["+ + + 0"]);
    desk.session.broker.cancels_work = true;
    desk.flat("100");
    desk.take();
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "10", "100");
    assert_eq!(desk.tick(), ["s0 sell 10 at 92 r"]);
    desk.session.broker.fill(&entry, "15", "101");
    assert_eq!(
        desk.tick(),
        ["cancel s0 Superseded", "s1 sell 25 at 92.6 r"],
        "the average is 100.6"
    );
    desk.flat("100");
    desk.flat("100");
    desk.flat("100");
    let exit = desk.session.broker.newest('c').clone();
    desk.take();
    desk.session.broker.fill(&exit, "25", "100");
    let lines = desk.tick();
    assert!(
        lines.contains(&"cancel s1 Orphaned".to_owned()),
        "{lines:?}"
    );
    desk.tick();
    assert!(desk.session.engine.is_flat());
}

#[test]
fn a_stop_that_fills_in_parts_is_left_alone() {
    let mut desk = long(None);
    let stop = desk.session.broker.newest('s').clone();
    desk.take();
    let order = stop.id;
    desk.session.broker.answers = vec![
        AccountEvent::Accepted { order },
        AccountEvent::Triggered { order },
    ];
    desk.session.broker.fill(&stop, "10", "91.9");
    // Neither a second stop nor the net: what is left is being closed.
    assert_eq!(desk.trade("91"), [""; 0]);
    assert_eq!(desk.trade("90"), [""; 0]);
    desk.session.broker.fill(&stop, "15", "90");
    let lines = desk.tick();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("trade -231 stop-loss"), "{lines:?}");
    assert!(desk.session.engine.is_flat());
}

#[test]
fn a_rejected_stop_is_sent_again_once_then_once_a_bar_and_then_the_position_is_closed() {
    let mut desk = long(Some(RejectReason::Rule("no".to_owned())));
    desk.tick();
    desk.tick();
    assert_eq!(desk.session.broker.n_of('s'), 2, "at once, and only once");
    for _ in 0..50 {
        desk.trade("100");
    }
    assert_eq!(desk.session.broker.n_of('s'), 2, "no storm with the market");
    desk.take();
    desk.flat("100");
    desk.tick();
    assert_eq!(desk.session.broker.n_of('s'), 3);
    let close = desk.session.broker.last().clone();
    assert_eq!(close.spec.kind, OrderKind::Market);
    assert!(close.spec.reduce_only);
    assert_eq!(close.spec.qty, n("25"));
    desk.session.broker.fill(&close, "25", "100");
    desk.tick();
    assert_eq!(desk.held(), "0");
}

#[test]
fn a_stop_whose_price_has_passed_is_a_close_at_market() {
    let mut desk = long(Some(RejectReason::TriggerPassed));
    let lines = desk.tick();
    assert!(
        desk.session.broker.last().spec.kind == OrderKind::Market,
        "{lines:?}"
    );
    assert_eq!(desk.session.broker.n_of('s'), 1);
    assert_eq!(desk.session.broker.last().spec.qty, n("25"));
}

#[test]
fn a_latch_that_closes_under_the_engines_feet_cannot_spin() {
    let mut desk = Setup::default().fake(&["+"]);
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    desk.latch(Some(NotSent::Killed));
    desk.session.broker.fill(&entry, "25", "100");
    let lines = desk.tick();
    assert!(lines.len() <= 3, "{lines:?}");
    assert_eq!(desk.held(), "25");
    // The engine hears of it, and the latch lets flattening orders through.
    desk.latch(None);
    let lines = desk.kill(KillLevel::Flatten);
    assert!(lines.contains(&"f0 sell 25 r".to_owned()), "{lines:?}");
}

#[rstest]
#[case::linear(tradeterm::domain::Category::Linear)]
#[case::spot(tradeterm::domain::Category::Spot)]
fn the_net_closes_what_the_stop_did_not_and_only_once(
    #[case] category: tradeterm::domain::Category,
) {
    let setup = Setup {
        category,
        ..Setup::default()
    };
    let mut desk = setup.fake(&["+"]);
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "25", "100");
    desk.tick();
    desk.take();
    assert_eq!(desk.trade("92"), [""; 0], "at the trigger the stop decides");
    assert_eq!(desk.trade("91.9"), ["c0 sell 25 r"]);
    for price in ["91", "90", "89"] {
        assert_eq!(desk.trade(price), [""; 0], "one close is on its way");
    }
}

#[test]
fn a_close_that_was_turned_away_is_tried_again_after_a_second() {
    let mut desk = long(None);
    desk.session.broker.reply = Some(Box::new(|intent| {
        vec![rejected(intent, RejectReason::Rule("busy".to_owned()))]
    }));
    desk.trade("91");
    let n_sent = desk.session.broker.sent.len();
    for _ in 0..20 {
        desk.trade("90");
    }
    assert_eq!(desk.session.broker.sent.len(), n_sent);
    desk.at = desk.at.plus_millis(1_000);
    desk.tick();
    assert_eq!(desk.session.broker.sent.len(), n_sent + 1);
}

#[test]
fn at_halt_the_net_still_works() {
    let setup = Setup {
        category: tradeterm::domain::Category::Spot,
        ..Setup::default()
    };
    let mut desk = setup.paper(&["+"]);
    desk.flat("100");
    desk.flat("100");
    desk.kill(KillLevel::Halted);
    assert_eq!(desk.trade("91"), ["c0 sell 25 r"]);
    desk.flat("91");
    assert_eq!(desk.held(), "0");
}

#[test]
fn an_operator_cannot_cancel_protection_away() {
    let mut desk = long(None);
    desk.session.broker.cancels_work = true;
    let stop = desk.session.broker.newest('s').id;
    desk.command(TradeCommand::CancelAll);
    assert_eq!(desk.session.broker.cancels, []);
    desk.command(TradeCommand::Cancel(stop));
    assert_eq!(desk.tick(), ["s1 sell 25 at 92 r"]);
}

#[test]
fn an_eight_percent_move_closes_at_the_stop() {
    let mut desk = Setup::default().paper(&["+ + + 0"]);
    desk.flat("100");
    desk.flat("100");
    let lines = desk.minute(["100", "100", "91", "93"]);
    assert!(lines[0].starts_with("trade -200 stop-loss"), "{lines:?}");
    assert_eq!(desk.snapshot().trades[0].exit, n("92"));
}

#[test]
fn stop_and_exit_on_one_bar_have_names_of_their_own() {
    let mut desk = Setup::default().fake(&["+ + 0"]);
    desk.flat("100");
    let entry = desk.session.broker.last().clone();
    desk.session.broker.fill(&entry, "25", "100");
    desk.flat("100");
    desk.command(TradeCommand::Close(FIRST));
    let first = desk.session.broker.last().clone();
    let (order, cause) = (first.id, NotSent::QueueFull);
    desk.session
        .broker
        .answers
        .push(AccountEvent::NotSent { order, cause });
    desk.tick();
    desk.command(TradeCommand::Close(FIRST));
    let second = desk.session.broker.last().clone();
    assert_ne!(first.id, second.id);
    // What the person closes already, the plan does not close again.
    desk.take();
    assert_eq!(desk.flat("100"), [""; 0]);
}
