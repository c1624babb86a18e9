//! The feed as a whole: lost connections, other instruments, slow readers.

use super::desk::{A, B, Desk, at, best, change, kline, snapshot, ticker, trades, wanted};
use super::out::{BookDelivery, FeedSettings, Heard, Scope};
use super::prices::PriceKind;
use super::topics::Topic;
use crate::domain::Category;

#[test]
fn a_lost_connection_ends_everything_that_came_over_it() {
    let mut desk = Desk::new(FeedSettings::default());
    desk.told(10, &best(10, 5, "99", "101"));
    desk.told(10, &snapshot(10, 5));
    desk.told(10, &ticker("snapshot", 1, 10, r#""markPrice":"100""#));
    desk.told(10, &kline(5, "13", true));
    desk.told(10, &trades(10, &[("1", "7")]));
    assert_eq!(desk.feed.silent_topics(), []);
    desk.feed
        .on_down(at(1_000), Scope::Category(Category::Spot), &mut desk.out);
    assert_eq!(desk.said(), "down");
    assert!(desk.feed.book(A).is_some());
    desk.feed.on_down(at(1_000), Scope::All, &mut desk.out);
    assert_eq!(desk.said(), "down; stale 0 None; lost 0; 1000:book 5 0+0");
    assert!(desk.feed.book(A).is_none() && !desk.feed.is_usable(A));
    assert_eq!(desk.feed.silent_topics().len(), 5);
    // What the mark was is still known, with its age.
    let mark = desk.feed.price(A, PriceKind::Mark).unwrap();
    assert_eq!(mark.age_ms(at(1_010)), 1_000);
    assert_eq!(desk.tick(20_000), "");
    desk.feed.on_up(at(30_000), Scope::All, &mut desk.out);
    assert_eq!(desk.said(), "up");
    assert_eq!(desk.told(30_010, &change(30_010, 6)), "");
    assert_eq!(
        desk.told(30_010, &ticker("delta", 2, 30_010, r#""markPrice":"101""#)),
        ""
    );
    assert_eq!(
        desk.told(30_020, &snapshot(30_020, 2)),
        "whole 0; 30018:book 2 1+1"
    );
    assert_eq!(
        desk.told(
            30_030,
            &ticker("snapshot", 3, 30_030, r#""markPrice":"102""#)
        ),
        "30030:mark 102"
    );
    // Old data that is replayed feeds nothing.
    assert_eq!(desk.told(30_040, &kline(5, "13", true)), "");
    assert_eq!(desk.told(30_040, &trades(10, &[("1", "7")])), "");
    assert_eq!(
        desk.told(30_040, &ticker("snapshot", 2, 20, r#""markPrice":"100""#)),
        ""
    );
    assert_eq!(desk.told(30_040, &snapshot(10, 5)), "");
    assert_eq!(
        desk.told(30_050, &best(30_050, 5, "99", "101")),
        "fresh 0; 30048:quote 99/101"
    );
}

#[test]
fn a_connection_may_carry_some_topics_only() {
    let mut desk = Desk::new(FeedSettings::default());
    desk.told(10, &best(10, 5, "99", "101"));
    desk.told(10, &snapshot(10, 5));
    let topic = Topic::parse(Category::Linear, "orderbook.50.AUSDT").unwrap();
    let scope = Scope::Topics(std::slice::from_ref(&topic));
    desk.feed.on_down(at(1_000), scope, &mut desk.out);
    assert_eq!(desk.said(), "lost 0; 1000:book 5 0+0");
    assert!(desk.feed.is_usable(A));
    desk.feed.on_up(at(1_100), scope, &mut desk.out);
    assert_eq!(desk.said(), "");
    assert_eq!(desk.tick(6_099), "stale 0 Some(6089)");
    assert_eq!(desk.tick(6_100), "resync orderbook.50.AUSDT 1");
}

#[test]
fn instruments_come_and_go_without_orphans() {
    let mut desk = Desk::new(FeedSettings::default());
    let names = |topics: &[Topic]| {
        let names: Vec<String> = topics.iter().map(Topic::to_string).collect();
        names.join(" ")
    };
    let spot = desk.feed.watch(wanted(B, Category::Spot, "AUSDT"));
    assert_eq!(
        names(&spot),
        "orderbook.1.AUSDT orderbook.50.AUSDT tickers.AUSDT publicTrade.AUSDT kline.1.AUSDT"
    );
    assert_eq!(desk.feed.topics(Category::Spot), spot);
    // One symbol, two markets: the socket tells which.
    desk.told(10, &snapshot(10, 5));
    assert!(desk.feed.book(A).is_some() && desk.feed.book(B).is_none());
    let text = snapshot(10, 8);
    let out = &mut desk.out;
    let heard = desk
        .feed
        .on_frame(at(10), Category::Spot, text.as_bytes(), out);
    assert_eq!(heard, Heard::Data);
    assert_eq!(desk.said(), "whole 3; 8:book 8 1+1");
    let gone = desk.feed.unwatch(A);
    assert_eq!(gone, desk_topics());
    assert_eq!(desk.feed.unwatch(A), []);
    assert_eq!(desk.hear(20, &change(20, 6)), Heard::Foreign);
    assert_eq!(desk.said(), "");
    assert!(desk.feed.book(A).is_none());
    assert!(desk.feed.book(B).is_some());
    // Back again: nothing is left of before.
    desk.feed.watch(wanted(A, Category::Linear, "AUSDT"));
    assert_eq!(desk.told(30, &change(30, 6)), "");
    assert_eq!(desk.told(40, &snapshot(40, 7)), "whole 0; 38:book 7 1+1");
}

fn desk_topics() -> Vec<Topic> {
    wanted(A, Category::Linear, "AUSDT").topics()
}

#[test]
fn a_slow_reader_gets_the_newest_book_whole() {
    let mut desk = Desk::new(FeedSettings {
        books: BookDelivery::Latest,
        ..FeedSettings::default()
    });
    assert_eq!(desk.told(10, &snapshot(10, 5)), "whole 0");
    for n in 6..50 {
        let ts = i64::try_from(n).unwrap() * 20;
        assert_eq!(desk.told(ts, &change(ts, n)), "");
    }
    desk.feed.drain_books(at(1_000), &mut desk.out);
    assert_eq!(desk.said(), "980:book 49 2+1");
    desk.feed.drain_books(at(1_000), &mut desk.out);
    assert_eq!(desk.said(), "");
    desk.told(1_020, &change(1_020, 50));
    assert_eq!(
        desk.told(1_040, &change(1_040, 60)),
        "lost 0; 1038:book 50 0+0; resync orderbook.50.AUSDT 1"
    );
    desk.feed.drain_books(at(1_050), &mut desk.out);
    assert_eq!(desk.said(), "");
}

#[test]
fn prices_have_names_and_ages() {
    let mut desk = Desk::new(FeedSettings::default());
    let price = |desk: &Desk, kind| {
        desk.feed
            .price(A, kind)
            .map(|priced| format!("{} {}", priced.price, priced.age_ms(at(100))))
    };
    for kind in [
        PriceKind::Last,
        PriceKind::Mark,
        PriceKind::Index,
        PriceKind::Mid,
    ] {
        assert_eq!(price(&desk, kind), None);
    }
    let fields = r#""lastPrice":"100.5","markPrice":"100.25","indexPrice":"","bid1Price":"90","bid1Size":"1","ask1Price":"92","ask1Size":"1""#;
    desk.told(10, &ticker("snapshot", 1, 10, fields));
    assert_eq!(price(&desk, PriceKind::Last), Some("100.5 90".to_owned()));
    assert_eq!(price(&desk, PriceKind::Mark), Some("100.25 90".to_owned()));
    assert_eq!(price(&desk, PriceKind::Index), None);
    assert_eq!(price(&desk, PriceKind::Mid), Some("91 90".to_owned()));
    desk.told(20, &snapshot(20, 5));
    assert_eq!(price(&desk, PriceKind::Mid), Some("100 80".to_owned()));
    desk.told(30, &best(30, 5, "99", "100"));
    assert_eq!(price(&desk, PriceKind::Mid), Some("99.5 70".to_owned()));
    assert_eq!(desk.feed.ticker(A).unwrap().mark, "100.25".parse().ok());
    assert_eq!(desk.feed.price(B, PriceKind::Mid), None);
}

#[test]
fn control_frames_and_foreign_topics_change_nothing() {
    let mut desk = Desk::new(FeedSettings::default());
    for (text, heard) in [
        (
            r#"{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}"#,
            Heard::Control,
        ),
        (
            r#"{"topic":"allLiquidation.AUSDT","type":"snapshot","ts":1,"data":[]}"#,
            Heard::Foreign,
        ),
        (
            r#"{"topic":"orderbook.rpi.AUSDT","type":"delta","ts":1,"data":{"b":[["1","2","3"]]}}"#,
            Heard::Foreign,
        ),
        (
            r#"{"topic":"tickers.BUSDT","ts":1,"data":{}}"#,
            Heard::Foreign,
        ),
    ] {
        assert_eq!(desk.hear(10, text), heard, "{text}");
        assert_eq!(desk.said(), "");
    }
    let another = snapshot(10, 5).replace("\"s\":\"AUSDT\"", "\"s\":\"BUSDT\"");
    assert_eq!(desk.hear(10, &another), Heard::Refused);
    desk.feed.on_unreadable(&mut desk.out);
    assert_eq!(desk.feed.counts().refused, 2);
}
