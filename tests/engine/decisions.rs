//! One decision per closed bar, at its close (S0-08, S0-16, S0-25, F38, I38), and its names.

use std::collections::BTreeSet;

use tradeterm::control::{FeedHealth, LegPhase};
use tradeterm::domain::MarketEvent;
use tradeterm::engine::EffectOf;

use super::desk::*;

/// How many decisions follow one more bar event at the desk's time.
fn decisions_after<B: tradeterm::venue::broker::Broker>(
    desk: &mut Desk<B>,
    event: tradeterm::domain::BarEvent,
) -> usize {
    desk.all();
    desk.market(MarketEvent::Bar(event));
    desk.all()
        .iter()
        .filter(|l| l.starts_with("target"))
        .count()
}

#[test]
fn only_a_new_closed_bar_leads_to_a_decision() {
    let mut desk = Setup::default().fake(&["+"]);
    let start = desk.at;
    desk.flat("100");
    assert_eq!(desk.session.broker.sent.len(), 1);
    let same = bar(FIRST, start, ["100"; 4], "1000", true);
    let revised = bar(FIRST, start, ["100", "101", "99", "101"], "1000", true);
    let older = bar(FIRST, start.plus_millis(-MINUTE), ["90"; 4], "1000", true);
    let forming = bar(FIRST, desk.at, ["100", "103", "99", "101"], "5", false);
    let broken = bar(FIRST, desk.at, ["100", "99", "101", "100"], "5", true);
    for (name, event) in [
        ("duplicate", same),
        ("revised", revised),
        ("older", older),
        ("forming", forming),
        ("forming again", forming),
        ("broken", broken),
    ] {
        assert_eq!(decisions_after(&mut desk, event), 0, "{name}");
    }
    assert_eq!(desk.session.broker.sent.len(), 1);
    assert_eq!(desk.snapshot().markets[0].n_bad_bars, 4);
    let next = bar(FIRST, desk.at, ["100"; 4], "1000", true);
    desk.at = desk.at.plus_millis(MINUTE);
    assert_eq!(decisions_after(&mut desk, next), 1);
}

#[test]
fn bars_that_came_too_late_or_broken_move_no_price() {
    let mut desk = Setup::default().paper(&["+"]);
    let start = desk.at;
    desk.flat("100");
    desk.flat("100");
    assert_eq!(desk.held(), "25");
    // Each of these closes far below the stop and the day's limit.
    for event in [
        bar(FIRST, start, ["100", "100", "50", "50"], "1", true),
        bar(FIRST, start.plus_millis(-MINUTE), ["50"; 4], "1", true),
        bar(FIRST, desk.at, ["50", "49", "51", "50"], "1", true),
    ] {
        desk.take();
        desk.market(MarketEvent::Bar(event));
        assert_eq!(desk.take(), [""; 0]);
        assert_eq!(desk.session.engine.equity(), n("25000"));
    }
    assert_eq!(desk.snapshot().markets[0].last, Some(n("100")));
    assert_eq!(desk.snapshot().markets[0].bars.len(), 2);
}

#[test]
fn a_hole_in_the_bars_warms_up_anew_and_holds_the_position() {
    let setup = Setup {
        warmup: 2,
        ..Setup::default()
    };
    let mut desk = setup.paper(&["+"]);
    for _ in 0..4 {
        desk.flat("100");
    }
    assert_eq!(desk.held(), "25");
    desk.at = desk.at.plus_millis(3 * MINUTE);
    assert_eq!(desk.flat("100"), [""; 0]);
    let snapshot = desk.snapshot();
    assert_eq!(snapshot.markets[0].health, FeedHealth::Gap);
    assert_eq!(
        snapshot.legs[0].phase,
        LegPhase::Warming { have: 1, need: 2 }
    );
    let n_before = snapshot.legs[0].n_decisions;
    desk.flat("100");
    assert_eq!(desk.snapshot().markets[0].health, FeedHealth::Ok);
    assert_eq!(desk.snapshot().legs[0].n_decisions, n_before);
    desk.flat("100");
    assert_eq!(desk.snapshot().legs[0].n_decisions, n_before + 1);
    assert_eq!(desk.held(), "25");
}

#[test]
fn a_hole_takes_back_entries_that_still_rest() {
    let mut setup = Setup::default();
    setup.plan.entry = tradeterm::engine::EntryStyle::PostOnly { offset_ticks: 10 };
    let mut desk = setup.paper(&["+"]);
    desk.flat("100");
    desk.take();
    desk.at = desk.at.plus_millis(5 * MINUTE);
    let lines = desk.flat("100");
    assert!(
        lines.contains(&"cancel o0 Superseded".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn a_model_error_holds_the_position_and_three_in_a_row_stop_the_leg() {
    let mut desk = Setup::default().paper(&["+ ? ? + ? ? ? 0"]);
    for _ in 0..6 {
        desk.flat("100");
    }
    assert_eq!(desk.snapshot().legs[0].phase, LegPhase::Running);
    desk.take();
    assert_eq!(desk.flat("100"), ["hold"]);
    assert_eq!(desk.snapshot().legs[0].phase, LegPhase::Failed);
    // The script says flat from here on; nobody listens.
    assert_eq!(desk.flat("100"), [""; 0]);
    assert_eq!(desk.held(), "25");
    desk.command(tradeterm::control::TradeCommand::StartLeg(LEG));
    desk.flat("100");
    desk.flat("100");
    assert_eq!(desk.held(), "0");
}

#[test]
fn no_order_is_dated_before_the_close_of_its_bar() {
    let mut desk = Setup::default().fake(&["+ - + -"]);
    // A feed whose clock runs ahead reports the close a second early.
    for _ in 0..4 {
        let start = desk.at;
        let close = start.plus_millis(MINUTE);
        desk.at = close.plus_millis(-1_000);
        desk.market(MarketEvent::Bar(bar(FIRST, start, ["100"; 4], "1", true)));
        desk.at = close;
        for (_, effect) in desk.effects() {
            if let EffectOf::Submit(order) = effect {
                assert!(close <= order.intent().decided_at);
            }
        }
    }
    assert!(!desk.session.broker.sent.is_empty());
}

#[test]
fn the_last_bar_changes_nothing_before_it() {
    let run = |last: &str| {
        let mut desk = Setup::default().paper(&["+ - 0.5 - + 0 +"]);
        for close in ["100", "101", "99", "100", "104", "103"] {
            desk.minutes(&[(FIRST, [close; 4])]);
        }
        desk.open_on(FIRST, "103");
        let before = desk.effects();
        let start = desk.at;
        desk.at = start.plus_millis(MINUTE);
        let high = if last < "103" { "103" } else { last };
        let edited = bar(FIRST, start, ["103", high, "103", last], "1000", true);
        desk.market(MarketEvent::Bar(edited));
        (before, desk.effects())
    };
    let (before, after) = run("103");
    let (edited_before, edited_after) = run("109");
    assert_eq!(before, edited_before);
    assert_ne!(after, edited_after);
}

#[test]
fn the_same_decision_has_the_same_name_and_no_name_is_used_twice() {
    let run = || {
        let setup = Setup {
            participation: Some(n("0.005")),
            ..Setup::default()
        };
        let mut desk = setup.paper(&["+ - 0.3 - + 0 + + - 0 0.7 -", "- + - 0"]);
        let mut ids = Vec::new();
        let mut price = 1_000;
        for step in 0..400 {
            price = 900 + (price * 7 + step * 13) % 200;
            let text = format!("{}.{}", price / 10, price % 10);
            let ohlc = [text.as_str(); 4];
            desk.minutes(&[(FIRST, ohlc), (SECOND, ohlc)]);
            for (_, effect) in desk.effects() {
                if let EffectOf::Submit(order) = effect {
                    ids.push(order.intent().id);
                }
            }
        }
        ids
    };
    let ids = run();
    assert!(ids.len() > 50, "{}", ids.len());
    assert!(ids.iter().all(|id| id.as_str().len() <= 36));
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(ids, run());
}

#[test]
fn one_trace_joins_decision_and_order() {
    let mut desk = Setup::default().fake(&["+"]);
    desk.flat("100");
    assert_eq!(desk.session.broker.last().trace, desk.session.engine.seq());
}

#[test]
fn before_the_first_event_nothing_is_known() {
    let mut desk = Setup::default().paper(&["+"]);
    let snapshot = desk.snapshot();
    assert_eq!(snapshot.at, None);
    let market = &snapshot.markets[0];
    assert_eq!((market.last, market.mark, market.bid), (None, None, None));
    assert_eq!(market.change_24h, None);
    assert_eq!(market.health, FeedHealth::Waiting);
    assert_eq!(snapshot.account.day, None);
    assert_eq!(snapshot.account.week, None);
    assert_eq!(snapshot.stats.sharpe, None);
    assert_eq!(snapshot.stats.win_rate, None);
    assert_eq!(snapshot.stats.profit_factor, None);
    assert_eq!(snapshot.legs[0].decision, None);
    assert_eq!(desk.why(), "data Waiting");
}

#[test]
fn the_ladder_has_one_answer_for_each_outcome() {
    let setup = Setup {
        warmup: 1,
        ..Setup::default()
    };
    let mut desk = setup.paper(&["+ + ? 0.1 0"]);
    desk.flat("100");
    assert_eq!(desk.why(), "features Waiting");
    desk.flat("100");
    assert_eq!(desk.why(), "order Ok");
    desk.flat("100");
    assert_eq!(desk.why(), "plan Ok");
    desk.flat("100");
    assert_eq!(desk.why(), "decision Blocked");
    let start = desk.at.plus_millis(-MINUTE);
    desk.market(MarketEvent::Bar(bar(
        FIRST, start, ["100"; 4], "1000", true,
    )));
    assert_eq!(desk.why(), "data Blocked");
    desk.command(tradeterm::control::TradeCommand::StopLeg(LEG));
    desk.flat("100");
    assert_eq!(desk.why(), "decision Blocked");
}

#[test]
fn quotes_without_sense_and_prices_of_zero_change_nothing() {
    let mut desk = Setup::default().paper(&["+"]);
    desk.flat("100");
    desk.flat("100");
    desk.take();
    let quote = |bid: &str, ask: &str| {
        MarketEvent::Quote(tradeterm::domain::Quote {
            instrument: FIRST,
            bid: n(bid),
            bid_qty: n("1"),
            ask: n(ask),
            ask_qty: n("1"),
        })
    };
    let (instrument, price) = (FIRST, n("0"));
    for event in [
        quote("0", "0"),
        quote("0", "100"),
        quote("101", "99"),
        MarketEvent::Mark { instrument, price },
    ] {
        desk.market(event);
        assert_eq!(desk.session.engine.equity(), n("25000"));
        assert_eq!(desk.take(), [""; 0]);
    }
}
