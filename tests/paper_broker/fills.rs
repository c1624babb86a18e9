//! Full and partial fills, time in force, post-only, and every source of liquidity.

use super::desk::*;
use tradeterm::domain::{AccountEvent, Bar, BarEvent, BookUpdate, Interval, MarketEvent};
use tradeterm::venue::sim::Settings;

fn capped() -> Settings {
    Settings {
        participation: Some(n("0.1")),
        ..settings()
    }
}

#[test]
fn s0_47_a_market_order_fills_whole_at_the_last_price_with_slippage() {
    let mut desk = Desk::within_bar(settings(), "2000", "100");
    assert_eq!(
        desk.send("a", market(Buy, "1.5")),
        ["accepted a", "fill a-1 buy 1.5 @ 2001 taker fee 1.650825"]
    );
    assert_eq!(
        desk.send("b", market(Sell, "0.5")),
        ["accepted b", "fill b-1 sell 0.5 @ 1999 taker fee 0.549725"]
    );
    assert_eq!(desk.held(PERP), "1");
    assert_eq!(desk.matcher.orders().count(), 0);
}

#[test]
fn s0_47_participation_splits_a_market_order_over_bars() {
    let mut desk = Desk::within_bar(capped(), "100", "20");
    assert_eq!(
        desk.send("a", market(Buy, "5")),
        ["accepted a", "fill a-1 buy 2 @ 100.1 taker fee 0.11011"]
    );
    let open: Vec<_> = desk.matcher.orders().collect();
    assert_eq!((open[0].filled, open[0].remaining), (n("2"), n("3")));
    assert_eq!(desk.close(["100", "100", "100", "100"], "25"), [""; 0]);
    assert_eq!(
        desk.open("101"),
        ["fill a-2 buy 2.5 @ 101.1 taker fee 0.1390125"]
    );
    // The same open, told for a second interval, is no second chance.
    assert_eq!(desk.open("101"), [""; 0]);
    desk.close(["101", "101", "101", "101"], "30");
    assert_eq!(
        desk.open("101"),
        ["fill a-3 buy 0.5 @ 101.1 taker fee 0.0278025"]
    );
    assert_eq!(desk.held(PERP), "5");
}

#[test]
fn all_orders_share_the_cap_of_a_bar() {
    let mut desk = Desk::within_bar(capped(), "100", "20");
    desk.send("a", market(Buy, "1.5"));
    let lines = desk.send("b", market(Buy, "1.5").tif(Ioc));
    assert_eq!(
        lines,
        [
            "accepted b",
            "fill b-1 buy 0.5 @ 100.1 taker fee 0.0275275",
            "cancelled b"
        ]
    );
}

#[test]
fn nothing_fills_after_a_bar_without_volume_until_there_is_volume() {
    let mut desk = Desk::within_bar(capped(), "100", "0");
    assert_eq!(desk.send("a", market(Buy, "1")), ["accepted a"]);
    assert_eq!(
        desk.send("b", market(Buy, "1").tif(Ioc)),
        ["accepted b", "cancelled b"]
    );
    assert_eq!(desk.close(["100"; 4], "50"), [""; 0]);
    assert_eq!(desk.open("100").len(), 1);
    // With the cap off the halt does not hold anything back.
    let mut desk = Desk::within_bar(settings(), "100", "0");
    assert_eq!(desk.send("a", market(Buy, "1")).len(), 2);
}

#[test]
fn an_order_between_two_bars_waits_for_the_open() {
    let mut desk = Desk::within_bar(settings(), "100", "10");
    desk.close(["100", "100", "100", "100"], "10");
    assert_eq!(desk.send("a", market(Buy, "1")), ["accepted a"]);
    assert_eq!(
        desk.send("b", limit(Buy, "1", "111").tif(Ioc)),
        ["accepted b"]
    );
    assert_eq!(
        desk.open("110"),
        [
            "fill a-1 buy 1 @ 110.1 taker fee 0.060555",
            "fill b-1 buy 1 @ 110.1 taker fee 0.060555"
        ]
    );
}

#[test]
fn a_feed_without_opens_fills_at_the_bars_own_open() {
    let mut desk = Desk::new(settings());
    desk.close(["100"; 4], "10");
    desk.send("a", market(Buy, "1"));
    desk.at = desk.at.plus_millis(1);
    desk.send("late", market(Buy, "1"));
    assert_eq!(
        desk.close(["102", "109", "101", "108"], "10"),
        ["fill a-1 buy 1 @ 102.1 taker fee 0.056155"]
    );
}

#[test]
fn s0_47_a_book_fills_level_by_level() {
    let mut desk = Desk::new(settings());
    desk.book(
        &[("99", "5")],
        &[("100", "1"), ("100.5", "2"), ("103", "9")],
    );
    assert_eq!(
        desk.send("a", market(Buy, "4")),
        [
            "accepted a",
            "fill a-1 buy 1 @ 100 taker fee 0.055",
            "fill a-2 buy 2 @ 100.5 taker fee 0.11055",
            "fill a-3 buy 1 @ 103 taker fee 0.05665"
        ]
    );
    // What was taken is gone until the feed states it again.
    assert_eq!(
        desk.send("b", limit(Buy, "1", "102").tif(Ioc)),
        ["accepted b", "cancelled b"]
    );
    desk.book(&[("99", "5")], &[("100", "1")]);
    assert_eq!(
        desk.send("c", market(Buy, "2")),
        ["accepted c", "fill c-1 buy 1 @ 100 taker fee 0.055"]
    );
    assert_eq!(
        desk.book(&[("99", "5")], &[("101", "7")]),
        ["fill c-2 buy 1 @ 101 taker fee 0.05555"]
    );
}

#[test]
fn a_quote_fills_its_size_and_the_rest_with_slippage() {
    let mut desk = Desk::new(settings());
    desk.quote(("1999", "1"), ("2000", "0.4"));
    assert_eq!(
        desk.send("a", market(Buy, "1")),
        [
            "accepted a",
            "fill a-1 buy 0.4 @ 2000 taker fee 0.44",
            "fill a-2 buy 0.6 @ 2001 taker fee 0.66033"
        ]
    );
    assert_eq!(
        desk.send("b", limit(Sell, "2", "1999")),
        ["accepted b", "fill b-1 sell 1 @ 1999 taker fee 1.09945"]
    );
    assert_eq!(desk.matcher.orders().next().unwrap().remaining, n("1"));
}

#[test]
fn the_book_goes_before_the_quote_and_the_quote_before_the_last_price() {
    let mut desk = Desk::within_bar(settings(), "100", "10");
    let price = |lines: Vec<String>| lines[1].split(' ').nth(5).unwrap().to_owned();
    assert_eq!(price(desk.send("a", market(Buy, "1"))), "100.1");
    desk.quote(("101", "9"), ("102", "9"));
    assert_eq!(price(desk.send("b", market(Buy, "1"))), "102");
    desk.book(&[("103", "9")], &[("104", "9")]);
    assert_eq!(price(desk.send("c", market(Buy, "1"))), "104");
    // A crossed book is no book, a crossed quote no quote.
    desk.book(&[("105", "9")], &[("104", "9")]);
    assert_eq!(price(desk.send("d", market(Buy, "1"))), "102");
    desk.quote(("103", "9"), ("102", "9"));
    assert_eq!(price(desk.send("e", market(Buy, "1"))), "100.1");
}

#[test]
fn s0_21_post_only_never_takes() {
    let mut desk = Desk::new(settings());
    desk.quote(("99", "1"), ("100", "1"));
    let refused = ["rejected a: post-only order would take liquidity"];
    assert_eq!(desk.send("a", post_only(Buy, "1", "100")), refused);
    assert_eq!(desk.send("b", post_only(Buy, "1", "99.9")), ["accepted b"]);
    assert_eq!(
        desk.quote(("99", "1"), ("99.8", "0.3")),
        ["fill b-1 buy 0.3 @ 99.9 maker fee 0.005994"]
    );

    let mut desk = Desk::within_bar(settings(), "100", "10");
    assert_eq!(desk.send("c", post_only(Sell, "1", "100")), ["accepted c"]);
    desk.close(["100"; 4], "10");
    assert_eq!(
        desk.send("d", post_only(Sell, "1", "100.5")),
        ["accepted d"]
    );
    // It arrived before the open and would trade at it.
    assert_eq!(desk.open("101"), ["cancelled d"]);
}

#[test]
fn s0_22_immediate_or_cancel_takes_what_is_there() {
    let mut desk = Desk::new(settings());
    desk.book(&[("99", "5")], &[("100", "1"), ("102", "2")]);
    assert_eq!(
        desk.send("a", limit(Buy, "2", "101").tif(Ioc)),
        [
            "accepted a",
            "fill a-1 buy 1 @ 100 taker fee 0.055",
            "cancelled a"
        ]
    );
    assert_eq!(
        desk.send("b", limit(Buy, "2", "101").tif(Ioc)),
        ["accepted b", "cancelled b"]
    );
}

#[test]
fn s0_22_fill_or_kill_is_whole_or_nothing() {
    let mut desk = Desk::new(settings());
    desk.book(&[("99", "5")], &[("100", "1"), ("102", "2")]);
    let refused = "fill-or-kill order cannot be filled whole";
    assert_eq!(
        desk.send("a", limit(Buy, "2", "101").tif(Fok)),
        [format!("rejected a: {refused}")]
    );
    assert_eq!(
        desk.send("b", market(Buy, "3.001").tif(Fok)),
        [format!("rejected b: {refused}")]
    );
    assert_eq!(desk.send("c", market(Buy, "3").tif(Fok)).len(), 3);

    let mut desk = Desk::within_bar(capped(), "100", "10");
    assert_eq!(
        desk.send("d", market(Buy, "1.1").tif(Fok)),
        [format!("rejected d: {refused}")]
    );
    desk.close(["100"; 4], "10");
    assert_eq!(desk.send("e", market(Buy, "1.1").tif(Fok)), ["accepted e"]);
    assert_eq!(desk.send("f", market(Buy, "1").tif(Fok)), ["accepted f"]);
    assert_eq!(
        desk.open("100"),
        ["cancelled e", "fill f-1 buy 1 @ 100.1 taker fee 0.055055"]
    );
}

#[test]
fn s0_22_good_till_cancelled_rests_with_what_is_left() {
    let mut desk = Desk::new(settings());
    desk.book(&[("99", "5")], &[("100", "1"), ("102", "2")]);
    assert_eq!(
        desk.send("a", limit(Buy, "2", "101")),
        ["accepted a", "fill a-1 buy 1 @ 100 taker fee 0.055"]
    );
    assert_eq!(
        desk.trade("100.9", "0.4", Sell),
        ["fill a-2 buy 0.4 @ 101 maker fee 0.00808"]
    );
    assert_eq!(desk.cancel("a"), ["cancelled a"]);
    assert_eq!(desk.held(PERP), "1.4");
}

#[test]
fn a_limit_needs_a_bar_strictly_through_it() {
    let mut desk = Desk::within_bar(capped(), "100", "10");
    desk.send("buy", limit(Buy, "2", "99"));
    desk.send("sell", limit(Sell, "2", "101"));
    assert_eq!(desk.close(["100", "101", "99", "100"], "10"), [""; 0]);
    assert_eq!(
        desk.close(["100", "101", "98.9", "100"], "10"),
        ["fill buy-1 buy 1 @ 99 maker fee 0.0198"]
    );
    assert_eq!(
        desk.close(["100", "101.1", "98.9", "100"], "15"),
        [
            "fill buy-2 buy 1 @ 99 maker fee 0.0198",
            "fill sell-1 sell 0.5 @ 101 maker fee 0.0101"
        ]
    );
}

#[test]
fn a_bar_counts_only_for_limits_that_were_there_at_its_open() {
    let mut desk = Desk::within_bar(settings(), "100", "10");
    desk.at = desk.at.plus_millis(1);
    desk.send("a", limit(Buy, "1", "99"));
    assert_eq!(desk.close(["100", "100", "90", "95"], "10"), [""; 0]);
    assert_eq!(desk.close(["100", "100", "98", "99"], "10").len(), 1);
}

#[test]
fn a_running_bar_fills_once_and_only_up_to_its_volume() {
    let mut desk = Desk::within_bar(capped(), "100", "10");
    let opened = desk.at;
    desk.send("a", limit(Buy, "1", "99"));
    desk.at = desk.at.plus_millis(5_000);
    assert_eq!(
        desk.bar(opened, ["100", "100", "98", "98"], "4", false),
        ["fill a-1 buy 0.4 @ 99 maker fee 0.00792"]
    );
    assert_eq!(
        desk.bar(opened, ["100", "100", "98", "98"], "4", false),
        [""; 0]
    );
    assert_eq!(
        desk.close(["100", "100", "98", "99"], "6"),
        ["fill a-2 buy 0.2 @ 99 maker fee 0.00396"]
    );
    // The same bar again tells nothing new.
    assert_eq!(
        desk.bar(opened, ["100", "100", "98", "99"], "60", true),
        [""; 0]
    );
}

#[test]
fn a_print_at_the_price_fills_only_past_the_queue() {
    let mut desk = Desk::new(settings());
    desk.book(&[("99", "2"), ("98", "9")], &[("101", "2")]);
    desk.send("a", limit(Buy, "1", "99"));
    assert_eq!(desk.trade("99", "1.5", Sell), [""; 0]);
    assert_eq!(desk.trade("99", "5", Buy), [""; 0]);
    assert_eq!(
        desk.trade("99", "0.75", Sell),
        ["fill a-1 buy 0.25 @ 99 maker fee 0.00495"]
    );
    assert_eq!(
        desk.trade("98.9", "0.5", Sell),
        ["fill a-2 buy 0.5 @ 99 maker fee 0.0099"]
    );
    // Beyond the book nobody knows the queue: equality never fills there.
    desk.send("b", limit(Buy, "1", "97"));
    assert_eq!(desk.trade("97", "100", Sell).len(), 1, "only the rest of a");
    assert_eq!(desk.trade("96.9", "100", Sell).len(), 1);
}

#[test]
fn a_marketable_limit_fills_no_worse_than_its_price() {
    let mut desk = Desk::within_bar(settings(), "2000", "10");
    assert_eq!(
        desk.send("a", limit(Buy, "1", "2000.5")),
        ["accepted a", "fill a-1 buy 1 @ 2000.5 taker fee 1.100275"]
    );
    assert_eq!(
        desk.send("b", limit(Sell, "1", "1990")),
        ["accepted b", "fill b-1 sell 1 @ 1999 taker fee 1.09945"]
    );
    assert_eq!(desk.send("c", limit(Buy, "1", "2000")), ["accepted c"]);
}

#[test]
fn slippage_is_measured_against_what_was_known_at_hand_over() {
    let mut desk = Desk::within_bar(settings(), "100", "10");
    let expected = |desk: &mut Desk, at: Option<&str>, spec| {
        let id = format!("o{}", desk.at.millis());
        desk.at = desk.at.plus_millis(1);
        let mut out = Vec::new();
        desk.matcher
            .submit_expecting(desk.at, &intent(&id, spec), at.map(n), &mut out);
        let fill = out.into_iter().find_map(|(_, event)| match event {
            AccountEvent::Fill(fill) => Some(fill.expected.to_string()),
            _ => None,
        });
        fill.unwrap()
    };
    assert_eq!(expected(&mut desk, Some("98"), market(Buy, "1")), "98");
    assert_eq!(expected(&mut desk, None, market(Buy, "1")), "100");
    assert_eq!(
        expected(&mut desk, Some("98"), limit(Buy, "1", "104")),
        "98"
    );
    assert_eq!(
        expected(&mut desk, Some("105"), limit(Buy, "1", "104")),
        "104"
    );
}

#[test]
fn bars_of_a_coarser_interval_do_not_tell_the_same_trades_again() {
    let mut desk = Desk::within_bar(settings(), "100", "10");
    let coarse = MarketEvent::Bar(BarEvent {
        instrument: PERP,
        interval: Interval::from_millis(5 * MINUTE).unwrap(),
        confirmed: true,
        bar: Bar {
            open_time: desk.at,
            open: n("100"),
            high: n("120"),
            low: n("80"),
            close: n("120"),
            volume: n("50"),
        },
    });
    desk.send("a", limit(Buy, "1", "99"));
    desk.send("b", stop(Buy, "1", "110"));
    assert_eq!(desk.event(&coarse), [""; 0]);
    assert_eq!(desk.matcher.reference(PERP), Some(n("100")));
    // The coarse close did not end the running minute either.
    assert_eq!(desk.send("c", market(Buy, "1")).len(), 2);
}

#[test]
fn a_book_with_a_hole_is_not_traded_against() {
    let mut desk = Desk::within_bar(settings(), "100", "10");
    desk.book(&[("99", "9")], &[("104", "9")]);
    let hole = MarketEvent::Book(BookUpdate {
        instrument: PERP,
        snapshot: false,
        update_id: 99,
        bids: Vec::new(),
        asks: Vec::new(),
    });
    desk.event(&hole);
    assert_eq!(
        desk.send("a", market(Buy, "1"))[1],
        "fill a-1 buy 1 @ 100.1 taker fee 0.055055"
    );
}
