//! The cases. Expected words are written once, for every broker.

use tradeterm::config::OrderEntry;

use super::bybit::Bybit;
use super::desk::play;
use super::paper::Paper;
use super::script::{
    Buy, Fok, Gtc, Ioc, Script, Sell, With, limit, market, post_only, stop, target,
};

/// Each case on paper, and at the venue with both ways that orders take.
macro_rules! contract {
    ($($name:ident: $script:expr => $words:expr;)*) => {$(
        mod $name {
            #[allow(clippy::wildcard_imports, reason = "a case is written in words of the suite")]
            use super::*;

            #[test]
            fn on_paper() {
                let script = $script;
                assert_eq!(play(&mut Paper::new(), &script), $words);
            }

            #[test]
            fn at_the_venue_by_socket() {
                let script = $script;
                let mut desk = Bybit::new(&script, OrderEntry::Socket);
                assert_eq!(play(&mut desk, &script), $words);
            }

            #[test]
            fn at_the_venue_by_rest() {
                let script = $script;
                let mut desk = Bybit::new(&script, OrderEntry::Rest);
                assert_eq!(play(&mut desk, &script), $words);
            }
        }
    )*};
}

/// A minute around 60,000 with one whole coin on either side.
fn with_book() -> Script {
    Script::at("60000").book(
        &[("59999.9", "0.4"), ("59990", "1")],
        &[("60000.1", "0.3"), ("60010", "0.7")],
    )
}

/// The same, with half a coin bought.
fn long() -> Script {
    with_book().send("in", market(Buy, "0.5"))
}

contract! {
    a_market_order_fills_along_the_book: long() => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "holds 0.5 @ 60004.06",
        "cash 9983.4988835",
    ];
    a_market_order_after_a_bar_fills_at_the_next_open:
        Script::at("60000").bar(["60000", "60100", "59900", "60050"])
            .send("in", market(Buy, "0.1")).open("60060") => [
        "in filled; buy 0.1 @ 60090.1 taker fee 3.3049555",
        "holds 0.1 @ 60090.1",
        "cash 9996.6950445",
    ];
    a_limit_rests_and_then_fills: with_book()
        .send("rest", limit(Buy, "0.2", "59980"))
        .trade("59970", "0.05", Sell).trade("59979.9", "1", Sell) => [
        "rest filled; buy 0.05 @ 59980 maker fee 0.5998; buy 0.15 @ 59980 maker fee 1.7994",
        "holds 0.2 @ 59980",
        "cash 9997.6008",
    ];
    a_limit_rests_and_fills_within_a_bar: Script::at("60000")
        .bar(["60000", "60010", "59990", "60000"])
        .send("rest", limit(Sell, "0.2", "60100")).open("60000")
        .bar(["60000", "60200", "59990", "60150"]) => [
        "rest filled; sell 0.2 @ 60100 maker fee 2.404",
        "holds -0.2 @ 60100",
        "cash 9997.596",
    ];
    a_limit_that_takes_pays_what_is_shown: with_book()
        .send("in", limit(Buy, "0.2", "60005")) => [
        "in filled; buy 0.2 @ 60000.1 taker fee 6.600011",
        "holds 0.2 @ 60000.1",
        "cash 9993.399989",
    ];
    a_resting_limit_is_cancelled: with_book()
        .send("rest", limit(Buy, "0.2", "59980")).cancel("rest") => [
        "rest cancelled",
        "cash 10000",
    ];
    a_half_filled_limit_is_cancelled: with_book()
        .send("rest", limit(Buy, "0.2", "59980"))
        .trade("59970", "0.05", Sell).cancel("rest") => [
        "rest cancelled; buy 0.05 @ 59980 maker fee 0.5998",
        "holds 0.05 @ 59980",
        "cash 9999.4002",
    ];
    a_cancel_of_a_filled_order_is_too_late: long().cancel("in") => [
        "in filled, 1 cancel too late; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "holds 0.5 @ 60004.06",
        "cash 9983.4988835",
    ];
    a_cancel_of_a_cancelled_order_is_too_late: with_book()
        .send("rest", limit(Buy, "0.2", "59980")).cancel("rest").cancel("rest") => [
        "rest cancelled, 1 cancel too late",
        "cash 10000",
    ];
    a_post_only_order_that_would_take_is_refused: with_book()
        .send("maker", post_only(Buy, "0.2", "60000.1")) => [
        "maker refused: would take",
        "cash 10000",
    ];
    a_post_only_order_rests: with_book()
        .send("maker", post_only(Buy, "0.2", "60000")) => [
        "maker open",
        "works maker 0/0.2",
        "cash 10000",
    ];
    immediate_or_cancel_fills_what_there_is: with_book()
        .send("ioc", limit(Buy, "0.5", "60000.1").tif(Ioc)) => [
        "ioc cancelled; buy 0.3 @ 60000.1 taker fee 9.9000165",
        "holds 0.3 @ 60000.1",
        "cash 9990.0999835",
    ];
    fill_or_kill_without_enough_is_refused: with_book()
        .send("fok", limit(Buy, "0.5", "60000.1").tif(Fok)) => [
        "fok refused: cannot fill whole",
        "cash 10000",
    ];
    fill_or_kill_with_enough_fills: with_book()
        .send("fok", limit(Buy, "0.5", "60010").tif(Fok)) => [
        "fok filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "holds 0.5 @ 60004.06",
        "cash 9983.4988835",
    ];
    a_reduce_only_order_closes: long()
        .send("out", market(Sell, "0.5").reduce()) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "out filled; sell 0.4 @ 59999.9 taker fee 13.199978; sell 0.1 @ 59990 taker fee 3.29945",
        "cash 9963.9294555",
    ];
    a_reduce_only_order_never_flips: long()
        .send("out", market(Sell, "0.9").reduce()) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "out cancelled; sell 0.4 @ 59999.9 taker fee 13.199978; sell 0.1 @ 59990 taker fee 3.29945",
        "cash 9963.9294555",
    ];
    reduce_only_with_nothing_to_reduce_is_refused: with_book()
        .send("out", market(Sell, "0.5").reduce()) => [
        "out refused: nothing to reduce",
        "cash 10000",
    ];
    a_resting_reduce_only_order_goes_with_its_position: long()
        .send("rest", limit(Sell, "0.5", "60500").reduce())
        .send("out", market(Sell, "0.5").reduce()) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "rest cancelled",
        "out filled; sell 0.4 @ 59999.9 taker fee 13.199978; sell 0.1 @ 59990 taker fee 3.29945",
        "cash 9963.9294555",
    ];
    a_stop_wakes_and_closes: long()
        .send("stop", stop(Sell, "0.5", "59500"))
        .book(&[("59480", "1")], &[("59500", "1")])
        .trade("59490", "0.1", Sell) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "stop filled, woken; sell 0.5 @ 59480 taker fee 16.357",
        "cash 9705.1118835",
    ];
    a_stop_wakes_within_a_bar: Script::at("60000")
        .send("in", market(Buy, "0.1"))
        .bar(["60000", "60010", "59990", "60000"]).open("60000")
        .send("stop", stop(Sell, "0.1", "59500"))
        .bar(["60000", "60010", "59900", "60000"]).open("60000")
        .bar(["60000", "60010", "59400", "59600"]) => [
        "in filled; buy 0.1 @ 60030 taker fee 3.30165",
        "stop filled, woken; sell 0.1 @ 59470.2 taker fee 3.270861",
        "cash 9937.447489",
    ];
    a_target_wakes_and_closes: long()
        .send("target", target(Sell, "0.5", "60500"))
        .book(&[("60510", "1")], &[("60520", "1")])
        .trade("60510", "0.1", Buy) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "target filled, woken; sell 0.5 @ 60510 taker fee 16.64025",
        "cash 10219.8286335",
    ];
    a_sleeping_stop_is_cancelled: long()
        .send("stop", stop(Sell, "0.5", "59500")).cancel("stop") => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "stop cancelled",
        "holds 0.5 @ 60004.06",
        "cash 9983.4988835",
    ];
    a_name_opens_one_order: with_book()
        .send("rest", limit(Buy, "0.2", "59980"))
        .again("rest", limit(Buy, "0.2", "59980")) => [
        "rest open",
        "works rest 0/0.2",
        "cash 10000",
    ];
    a_name_of_a_filled_order_opens_nothing: long().again("in", market(Buy, "0.5")) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "holds 0.5 @ 60004.06",
        "cash 9983.4988835",
    ];
    below_the_minimum_is_refused: with_book()
        .send("small", limit(Buy, "0.0005", "59980")) => [
        "small refused",
        "cash 10000",
    ];
    off_the_price_grid_is_refused: with_book()
        .send("odd", limit(Buy, "0.2", "59980.05")) => [
        "odd refused",
        "cash 10000",
    ];
    off_the_quantity_grid_is_refused: with_book()
        .send("odd", limit(Buy, "0.2005", "59980")) => [
        "odd refused",
        "cash 10000",
    ];
    beyond_the_markets_maximum_is_refused: with_book()
        .send("big", market(Buy, "501")) => [
        "big refused",
        "cash 10000",
    ];
    insufficient_funds_are_refused: with_book()
        .send("rich", limit(Buy, "5", "59980")) => [
        "rich refused",
        "cash 10000",
    ];
    fees_are_exact_to_the_last_digit: Script::at("60000")
        .book(&[("59999.9", "1")], &[("60123.7", "0.137"), ("60123.9", "9")])
        .send("in", market(Buy, "0.241"))
        .send("rest", limit(Sell, "0.077", "60200.3"))
        .trade("60300", "5", Buy) => [
        "in filled; buy 0.137 @ 60123.7 taker fee 4.530320795; buy 0.104 @ 60123.9 taker fee 3.43908708",
        "rest filled; sell 0.077 @ 60200.3 maker fee 0.92708462",
        "holds 0.164 @ 60123.78630705394191",
        "cash 9996.9950618618464737",
    ];
    a_quote_is_taken_and_its_rest_slips: Script::at("60000")
        .quote(("59999.9", "1"), ("60000.1", "0.2"))
        .send("in", market(Buy, "0.3")) => [
        "in filled; buy 0.2 @ 60000.1 taker fee 6.600011; buy 0.1 @ 60030.2 taker fee 3.301661",
        "holds 0.3 @ 60010.13333333333333",
        "cash 9990.098328",
    ];
    two_orders_flip: long()
        .send("out", market(Sell, "0.5").reduce())
        .book(&[("59999.9", "2")], &[("60000.1", "2")])
        .send("in2", market(Sell, "0.5")) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "out filled; sell 0.4 @ 59999.9 taker fee 13.199978; sell 0.1 @ 59990 taker fee 3.29945",
        "in2 filled; sell 0.5 @ 59999.9 taker fee 16.4999725",
        "holds -0.5 @ 59999.9",
        "cash 9947.429483",
    ];
    one_order_flips: long()
        .book(&[("59999.9", "2")], &[("60000.1", "2")])
        .send("flip", market(Sell, "0.8")) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "flip filled; sell 0.8 @ 59999.9 taker fee 26.399956",
        "holds -0.3 @ 59999.9",
        "cash 9955.0189275",
    ];
    a_busy_account_ends_the_same: long()
        .send("stop", stop(Sell, "0.5", "59500"))
        .send("rest", limit(Buy, "0.2", "59980").tif(Gtc))
        .send("rest2", limit(Buy, "0.1", "59970"))
        .trade("59975", "0.1", Sell)
        .cancel("rest2")
        .send("part", market(Sell, "0.3").reduce())
        .trade("59985", "1", Buy) => [
        "in filled; buy 0.3 @ 60000.1 taker fee 9.9000165; buy 0.2 @ 60010 taker fee 6.6011",
        "stop open",
        "rest open; buy 0.1 @ 59980 maker fee 1.1996",
        "rest2 cancelled",
        "part filled; sell 0.3 @ 59999.9 taker fee 9.8999835",
        "works stop 0/0.5",
        "works rest 0.1/0.2",
        "holds 0.3 @ 60000.05",
        "cash 9972.3543",
    ];
}
