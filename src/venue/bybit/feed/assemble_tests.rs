//! The feed as a whole: frames and silence in, words out.

use super::desk::{
    A, Desk, at, best, book, change, kline, minute, snapshot, ticker, trades, wanted,
};
use super::klines::Backfill;
use super::out::{FeedSettings, Heard};
use crate::domain::{Bar, Category};

#[test]
fn a_book_lives_dies_and_comes_back() {
    let mut desk = Desk::new(FeedSettings::default());
    assert_eq!(desk.told(5, &change(5, 9)), "");
    assert_eq!(desk.told(10, &snapshot(10, 5)), "whole 0; 8:book 5 1+1");
    assert_eq!(desk.told(20, &change(20, 6)), "18:change 6 1+0");
    assert_eq!(desk.told(21, &change(20, 6)), "");
    let view = desk.feed.book(A).unwrap();
    assert_eq!((view.bids.len(), view.asks.len()), (2, 1));
    assert_eq!(view.age_ms(at(50)), 30);
    // Its readers get an empty book at once, and the topic is asked for once.
    assert_eq!(
        desk.told(40, &change(40, 8)),
        "lost 0; 38:book 6 0+0; resync orderbook.50.AUSDT 1"
    );
    assert!(desk.feed.book(A).is_none());
    assert_eq!(desk.told(60, &change(60, 9)), "");
    assert_eq!(desk.told(80, &change(80, 7)), "");
    assert_eq!(desk.told(100, &snapshot(100, 3)), "whole 0; 98:book 3 1+1");
    assert_eq!(desk.told(120, &change(120, 4)), "118:change 4 1+0");
    assert_eq!(desk.feed.counts().old, 1);
}

#[test]
fn a_snapshot_that_does_not_come_is_asked_for_again() {
    let mut desk = Desk::new(FeedSettings::default());
    assert_eq!(desk.tick(4_999), "");
    assert_eq!(
        desk.tick(5_000),
        "resync orderbook.1.AUSDT 1; resync orderbook.50.AUSDT 1"
    );
    desk.told(6_000, &best(6_000, 1, "99", "101"));
    desk.told(6_000, &snapshot(6_000, 5));
    assert!(
        desk.told(6_100, &change(6_100, 9))
            .ends_with("resync orderbook.50.AUSDT 1")
    );
    assert_eq!(desk.tick(9_000), "");
    assert_eq!(desk.told(9_500, &best(9_500, 1, "99", "101")), "");
    assert_eq!(desk.tick(11_099), "");
    assert_eq!(desk.tick(11_100), "resync orderbook.50.AUSDT 2");
}

#[test]
fn best_prices_come_from_the_quickest_source_alone() {
    let mut desk = Desk::new(FeedSettings::default());
    let fields = r#""bid1Price":"98","bid1Size":"1","ask1Price":"102","ask1Size":"1""#;
    assert_eq!(desk.told(10, &ticker("snapshot", 1, 10, fields)), "");
    assert_eq!(
        desk.told(20, &best(20, 5, "99", "101")),
        "fresh 0; 18:quote 99/101"
    );
    // The same again after 3 s is a sign of life and no news.
    assert_eq!(desk.told(3_020, &best(3_020, 5, "99", "101")), "");
    assert_eq!(
        desk.told(3_040, &best(3_040, 6, "99", "100")),
        "3038:quote 99/100"
    );
    assert_eq!(desk.told(3_060, &book(1, "snapshot", 3_060, 1, "", "")), "");
    let mut quiet = wanted(A, Category::Linear, "AUSDT");
    quiet.best = false;
    desk.feed.watch(quiet);
    assert_eq!(
        desk.told(4_000, &ticker("snapshot", 2, 4_000, fields)),
        "4000:quote 98/102; fresh 0"
    );
    let crossed = r#""ask1Price":"98""#;
    assert_eq!(desk.told(4_100, &ticker("delta", 3, 4_100, crossed)), "");
    assert!(!desk.tick(60_000).contains("stale"));
}

#[test]
fn silence_is_stale_and_a_message_is_fresh() {
    let mut desk = Desk::new(FeedSettings::default());
    desk.told(1_000, &best(1_000, 5, "99", "101"));
    assert!(desk.feed.is_usable(A));
    desk.told(1_001, &snapshot(1_001, 5));
    assert_eq!(desk.tick(4_999), "");
    assert_eq!(desk.tick(5_000), "stale 0 Some(4000)");
    assert_eq!(desk.tick(5_250), "");
    assert!(!desk.feed.is_usable(A));
    // Other topics do not make up for it.
    assert_eq!(desk.told(5_300, &change(5_300, 6)), "5298:change 6 1+0");
    assert!(!desk.feed.is_usable(A));
    assert_eq!(desk.told(5_400, &best(5_400, 5, "99", "101")), "fresh 0");
    assert_eq!(desk.tick(9_399), "");
    assert_eq!(desk.tick(9_400), "stale 0 Some(4000)");
}

#[test]
fn three_unreadable_messages_break_an_instrument() {
    let mut desk = Desk::new(FeedSettings::default());
    desk.told(10, &best(10, 5, "99", "101"));
    let bad = trades(1, &[("x", "NaN")]);
    let words = "refused Some(0) publicTrade.AUSDT: field p: \"NaN\" is not a decimal number";
    for (ms, more) in [
        (1_000, ""),
        (6_000, ""),
        (11_001, ""),
        (11_002, "; broken 0"),
        (11_003, ""),
    ] {
        assert_eq!(desk.hear(ms, &bad), Heard::Refused);
        assert_eq!(desk.said(), format!("{words}{more}"), "{ms}");
    }
    assert!(!desk.feed.is_usable(A));
    assert_eq!(desk.feed.n_bad(A), 5);
    assert_eq!(desk.told(21_003, &best(21_003, 5, "99", "101")), "");
    assert_eq!(desk.told(21_004, &best(21_004, 5, "99", "101")), "mended 0");
    assert!(desk.feed.is_usable(A));
    // Nobody is to blame for a frame that says nothing about its topic.
    for text in ["<html>", "{}", "", "\u{0}", r#"{"topic":"tickers.XUSDT"}"#] {
        assert_eq!(desk.hear(30_000, text), Heard::Refused, "{text}");
    }
    assert!(desk.feed.is_usable(A));
    assert_eq!(desk.feed.counts().refused, 10);
}

#[test]
fn an_unreadable_change_loses_the_book_at_once() {
    let mut desk = Desk::new(FeedSettings::default());
    desk.told(10, &snapshot(10, 5));
    let bad = book(50, "delta", 20, 6, r#"["1e400","1"]"#, "");
    assert_eq!(desk.hear(20, &bad), Heard::Refused);
    assert_eq!(
        desk.said(),
        "refused Some(0) orderbook.50.AUSDT: field price: \"1e400\" is too large; \
         lost 0; 20:book 5 0+0; resync orderbook.50.AUSDT 1"
    );
    assert!(desk.feed.book(A).is_none());
    assert_eq!(desk.told(40, &change(40, 7)), "");
}

#[test]
fn trades_come_once_and_in_order() {
    let mut desk = Desk::new(FeedSettings::default());
    let first = trades(10, &[("1", "7"), ("2", "8"), ("3", "7")]);
    let words = "10:trade 7x2; 10:trade 8x2; 10:trade 7x2";
    assert_eq!(desk.told(12, &first), words);
    assert_eq!(desk.told(13, &first), "");
    assert_eq!(
        desk.told(14, &trades(11, &[("3", "7"), ("4", "9")])),
        "11:trade 9x2"
    );
    assert_eq!(desk.feed.counts().old, 4);
}

#[test]
fn bars_close_once_and_holes_are_filled() {
    let mut desk = Desk::new(FeedSettings::default());
    assert_eq!(desk.told(300_100, &kline(5, "11", false)), "300000:open 10");
    assert_eq!(desk.told(330_000, &kline(5, "12", false)), "");
    assert_eq!(desk.told(360_000, &kline(5, "13", true)), "360000:bar 13");
    assert_eq!(desk.told(360_001, &kline(5, "13", true)), "");
    assert_eq!(desk.told(360_002, &kline(5, "14", true)), "revised to 14");
    assert_eq!(
        desk.told(480_000, &kline(7, "15", true)),
        "need 360000..420000"
    );
    let price = |text: &str| text.parse().unwrap();
    let bar = Bar {
        open_time: at(360_000),
        open: price("10"),
        high: price("20"),
        low: price("5"),
        close: price("16"),
        volume: "1".parse().unwrap(),
    };
    let answer = Backfill {
        span: super::Span {
            from: at(360_000),
            to: at(420_000),
        },
        rows: &[bar],
        now: at(480_500),
    };
    let out = &mut desk.out;
    desk.feed
        .on_backfill(at(480_600), A, minute(), &answer, out);
    assert_eq!(desk.said(), "420000:bar 16; 480000:bar 15");
    let wrong = kline(8, "12", true).replace("\"interval\":\"1\"", "\"interval\":\"5\"");
    assert_eq!(desk.hear(540_000, &wrong), Heard::Refused);
}
