//! Stops, take-profits, and reduce-only orders around a position.

use tradeterm::domain::{OrderKind, OrderSpec, TriggerPrice};
use tradeterm::venue::sim::Settings;

use super::desk::*;

/// A desk that is long one piece from 100.1, within a bar.
fn long() -> Desk {
    let mut desk = Desk::within_bar(settings(), "100", "100");
    desk.send("entry", market(Buy, "1"));
    desk
}

fn by_mark(mut spec: OrderSpec) -> OrderSpec {
    let by = TriggerPrice::Mark;
    spec.kind = match spec.kind {
        OrderKind::Stop { trigger, .. } => OrderKind::Stop { trigger, by },
        OrderKind::TakeProfit { trigger, .. } => OrderKind::TakeProfit { trigger, by },
        other => other,
    };
    spec
}

#[test]
fn a_stop_within_the_bar_fills_at_its_trigger_with_slippage() {
    let mut desk = long();
    assert_eq!(
        desk.send("sl", stop(Sell, "1", "95").reduce()),
        ["accepted sl"]
    );
    assert_eq!(desk.close(["100", "101", "95.1", "96"], "100"), [""; 0]);
    desk.open("96");
    assert_eq!(
        desk.close(["96", "97", "95", "97"], "100"),
        ["triggered sl", "fill sl-1 sell 1 @ 94.9 taker fee 0.052195"]
    );
    assert_eq!(desk.held(PERP), "0");
}

#[test]
fn a_stop_that_the_open_jumps_over_fills_at_the_open() {
    let mut desk = long();
    desk.send("sl", stop(Sell, "1", "95").reduce());
    desk.close(["100"; 4], "100");
    assert_eq!(
        desk.open("90"),
        ["triggered sl", "fill sl-1 sell 1 @ 89.9 taker fee 0.049445"]
    );
}

#[test]
fn a_stop_that_only_the_bar_shows_to_be_jumped_fills_at_the_bars_open() {
    let mut desk = long();
    desk.send("sl", stop(Sell, "1", "95").reduce());
    desk.close(["100"; 4], "100");
    assert_eq!(
        desk.close(["90", "99", "80", "99"], "100")[1],
        "fill sl-1 sell 1 @ 89.9 taker fee 0.049445"
    );
}

#[test]
fn stop_and_target_in_one_bar_take_the_stop() {
    let mut desk = long();
    desk.send("tp", target(Sell, "1", "105").reduce());
    desk.send("limit", limit(Sell, "1", "104").reduce());
    desk.send("sl", stop(Sell, "1", "95").reduce());
    assert_eq!(
        desk.close(["100", "110", "90", "105"], "100"),
        [
            "triggered sl",
            "fill sl-1 sell 1 @ 94.9 taker fee 0.052195",
            "cancelled tp",
            "cancelled limit"
        ]
    );
    assert!(desk.matcher.account().is_flat());
}

#[test]
fn the_stop_nearest_to_the_open_goes_first() {
    let mut desk = long();
    desk.send("far", stop(Sell, "1", "90").reduce());
    desk.send("near", stop(Sell, "1", "95").reduce());
    assert_eq!(
        desk.close(["100", "100", "80", "85"], "100"),
        [
            "triggered near",
            "fill near-1 sell 1 @ 94.9 taker fee 0.052195",
            "cancelled far"
        ]
    );
}

#[test]
fn a_target_fills_at_its_trigger_or_at_a_better_open() {
    let mut desk = long();
    desk.send("tp", target(Sell, "0.5", "105").reduce());
    desk.send("tp2", target(Sell, "0.5", "110").reduce());
    assert_eq!(
        desk.close(["100", "106", "99", "101"], "100"),
        [
            "triggered tp",
            "fill tp-1 sell 0.5 @ 104.9 taker fee 0.0288475"
        ]
    );
    assert_eq!(
        desk.open("112"),
        [
            "triggered tp2",
            "fill tp2-1 sell 0.5 @ 111.9 taker fee 0.0307725"
        ]
    );
}

#[test]
fn within_the_bar_of_its_arrival_only_the_close_wakes_a_stop() {
    let mut desk = long();
    desk.at = desk.at.plus_millis(10);
    desk.send("sl", stop(Sell, "0.5", "95").reduce());
    desk.send("deep", stop(Sell, "0.5", "91").reduce());
    assert_eq!(
        desk.close(["100", "100", "80", "94"], "100"),
        [
            "triggered sl",
            "fill sl-1 sell 0.5 @ 93.9 taker fee 0.0258225"
        ]
    );
    assert_eq!(desk.matcher.orders().next().unwrap().id, n("deep"));
}

#[test]
fn a_print_wakes_a_stop_at_its_own_price() {
    let mut desk = long();
    desk.send("sl", stop(Sell, "1", "95").reduce());
    assert_eq!(desk.trade("95.1", "1", Sell), [""; 0]);
    assert_eq!(
        desk.trade("94", "1", Sell),
        ["triggered sl", "fill sl-1 sell 1 @ 93.9 taker fee 0.051645"]
    );
}

#[test]
fn a_stop_by_mark_follows_the_mark_once_there_is_one() {
    let mut desk = long();
    desk.mark("100");
    desk.send("sl", by_mark(stop(Sell, "1", "95").reduce()));
    assert_eq!(desk.trade("90", "1", Sell), [""; 0]);
    assert_eq!(
        desk.mark("95"),
        ["triggered sl", "fill sl-1 sell 1 @ 89.9 taker fee 0.049445"]
    );
    // Without any mark it watches the last price.
    let mut desk = long();
    desk.send("sl", by_mark(stop(Sell, "1", "95").reduce()));
    assert_eq!(desk.trade("95", "1", Sell).len(), 2);
}

#[test]
fn a_woken_stop_trades_against_the_book_when_there_is_one() {
    let mut desk = long();
    desk.send("sl", stop(Sell, "1", "95").reduce());
    desk.book(&[("94", "0.4"), ("93", "5")], &[("96", "1")]);
    assert_eq!(
        desk.trade("95", "1", Sell),
        [
            "triggered sl",
            "fill sl-1 sell 0.4 @ 94 taker fee 0.02068",
            "fill sl-2 sell 0.6 @ 93 taker fee 0.03069"
        ]
    );
}

#[test]
fn the_rest_of_a_woken_stop_goes_on_at_the_next_open() {
    let mut desk = Desk::within_bar(
        Settings {
            participation: Some(n("0.1")),
            ..settings()
        },
        "100",
        "10",
    );
    desk.send("entry", market(Buy, "1"));
    desk.send("sl", stop(Sell, "1", "95").reduce());
    desk.close(["100"; 4], "4");
    desk.open("100");
    assert_eq!(
        desk.close(["100", "100", "90", "91"], "3"),
        [
            "triggered sl",
            "fill sl-1 sell 0.4 @ 94.9 taker fee 0.020878"
        ]
    );
    assert!(desk.matcher.orders().next().unwrap().triggered);
    assert_eq!(
        desk.open("92"),
        ["fill sl-2 sell 0.3 @ 91.9 taker fee 0.0151635"]
    );
}

#[test]
fn a_reduce_only_order_is_shrunk_to_the_position() {
    let mut desk = long();
    assert_eq!(
        desk.send("x", market(Sell, "3").reduce()),
        [
            "accepted x",
            "fill x-1 sell 1 @ 99.9 taker fee 0.054945",
            "cancelled x"
        ]
    );
    assert_eq!(desk.held(PERP), "0");
}

#[test]
fn resting_reduce_only_orders_shrink_with_the_position() {
    let mut desk = long();
    desk.send("tp", limit(Sell, "1", "110").reduce());
    desk.send("part", market(Sell, "0.4"));
    assert_eq!(desk.matcher.orders().next().unwrap().remaining, n("0.6"));
    assert_eq!(
        desk.close(["100", "111", "100", "111"], "100"),
        ["fill tp-1 sell 0.6 @ 110 maker fee 0.0132", "cancelled tp"]
    );
    // A flip leaves nothing that a sale could reduce.
    let mut desk = long();
    desk.send("tp", limit(Sell, "1", "110").reduce());
    assert_eq!(desk.send("flip", market(Sell, "2"))[2], "cancelled tp");
    assert_eq!(desk.held(PERP), "-1");
}
