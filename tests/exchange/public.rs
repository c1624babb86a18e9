//! Public topics.

use serde_json::{Value, json};
use tradeterm::domain::{Category, Side};
use tradeterm::venue::sim::exchange::{Drill, VenueRules};

use super::desk::{Desk, MINUTE, PERP, SPOT, START, at, bar_event, book_event};

fn subscribe(desk: &mut Desk, category: Category, topic: &str) -> Option<Value> {
    let first = desk
        .venue
        .public_topic(at(desk.now), category, topic)
        .unwrap();
    first.map(|frame| serde_json::from_str(&frame).unwrap())
}

fn frames(desk: &mut Desk) -> Vec<Value> {
    let pushes = desk.venue.take_public().into_iter();
    pushes
        .map(|push| {
            let frame: Value = serde_json::from_str(&push.frame).unwrap();
            assert_eq!(frame["topic"], push.topic);
            frame
        })
        .collect()
}

#[test]
fn only_known_topics_exist() {
    let mut desk = Desk::new();
    let now = at(desk.now);
    for topic in [
        "orderbook.500.BTCUSDT",
        "orderbook.50.XXXUSDT",
        "kline.7.BTCUSDT",
        "kline.BTCUSDT",
        "nothing",
        "",
    ] {
        let refused = desk.venue.public_topic(now, Category::Linear, topic);
        assert_eq!(
            refused,
            Err(format!("error:handler not found,topic:{topic}"))
        );
    }
    let eth = desk
        .venue
        .public_topic(now, Category::Spot, "tickers.ETHUSDT");
    assert!(eth.is_err());
    for topic in [
        "orderbook.200.BTCUSDT",
        "kline.D.BTCUSDT",
        "allLiquidation.BTCUSDT",
    ] {
        assert!(
            desk.venue
                .public_topic(now, Category::Linear, topic)
                .is_ok()
        );
    }
}

#[test]
fn nothing_is_made_for_topics_that_nobody_asked_for() {
    let mut desk = Desk::new();
    desk.trade(PERP, "101", "1", Side::Buy);
    assert_eq!(frames(&mut desk), Vec::<Value>::new());
}

#[test]
fn books_are_a_snapshot_and_then_changes_without_a_hole() {
    let mut desk = Desk::new();
    desk.book(7, &[("99", "1"), ("98", "2")], &[("101", "1")]);
    let first = subscribe(&mut desk, Category::Linear, "orderbook.50.BTCUSDT").unwrap();
    assert_eq!(first["type"], "snapshot");
    assert_eq!(first["data"]["b"], json!([["99", "1"], ["98", "2"]]));
    let u = first["data"]["u"].as_u64().unwrap();
    for (id, bid) in [(8, ("99", "0")), (9, ("97", "3")), (10, ("97", "3"))] {
        desk.market(&book_event(PERP, id, false, &[bid], &[]));
    }
    let frames = frames(&mut desk);
    // The third changes nothing.
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0]["data"]["b"], json!([["99", "0"]]));
    assert_eq!(frames[1]["data"]["b"], json!([["97", "3"]]));
    assert_eq!(frames[1]["data"]["a"], json!([]));
    for (k, frame) in frames.iter().enumerate() {
        assert_eq!(frame["type"], "delta");
        assert_eq!(frame["data"]["u"], u + 1 + k as u64);
    }
    // A later subscriber is sent the book as it is now, under the number it has now.
    let second = subscribe(&mut desk, Category::Linear, "orderbook.50.BTCUSDT").unwrap();
    assert_eq!(second["data"]["u"], u + 2);
    assert_eq!(second["data"]["b"], json!([["98", "2"], ["97", "3"]]));
}

#[test]
fn a_book_of_one_level_comes_whole_and_again_after_a_while() {
    let mut desk = Desk::new();
    let first = subscribe(&mut desk, Category::Spot, "orderbook.1.BTCUSDT").unwrap();
    desk.trade(SPOT, "101", "1", Side::Buy);
    let told = frames(&mut desk);
    assert_eq!((told.len(), &told[0]["type"]), (1, &json!("snapshot")));
    assert_eq!(told[0]["data"]["b"], json!([["101", "0.01"]]));
    desk.now += 2_999;
    desk.venue.advance(at(desk.now));
    assert_eq!(frames(&mut desk).len(), 0);
    desk.now += 1;
    desk.venue.advance(at(desk.now));
    let again = frames(&mut desk);
    assert_eq!(again[0]["data"], told[0]["data"]);
    assert_ne!(again[0]["data"]["u"], first["data"]["u"]);
}

#[test]
fn a_torn_book_has_a_hole_and_a_restart_begins_with_one() {
    let mut desk = Desk::new();
    let first = subscribe(&mut desk, Category::Linear, "orderbook.50.BTCUSDT").unwrap();
    let u = first["data"]["u"].as_u64().unwrap();
    desk.drill(&Drill::BookGap {
        symbol: "BTCUSDT".to_owned(),
    });
    desk.trade(PERP, "101", "1", Side::Buy);
    desk.trade(PERP, "102", "1", Side::Buy);
    let told = frames(&mut desk);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"]["u"], u + 2);
    desk.drill(&Drill::Restart);
    let told = frames(&mut desk);
    assert_eq!(
        (&told[0]["type"], &told[0]["data"]["u"]),
        (&json!("snapshot"), &json!(1))
    );
}

#[test]
fn a_kline_runs_and_is_confirmed_once() {
    let mut desk = Desk::empty(VenueRules::default());
    assert_eq!(
        subscribe(&mut desk, Category::Linear, "kline.1.BTCUSDT"),
        None
    );
    assert_eq!(
        subscribe(&mut desk, Category::Linear, "kline.3.BTCUSDT"),
        None
    );
    let grid = START - START.rem_euclid(3 * MINUTE);
    let mut told = Vec::new();
    for k in 0..3 {
        desk.now = grid + k * MINUTE;
        desk.open(PERP, "100");
        desk.now += 30_000;
        let open_ms = grid + k * MINUTE;
        desk.market(&bar_event(
            PERP,
            open_ms,
            ["100", "101", "100", "101"],
            false,
        ));
        desk.now = open_ms + MINUTE;
        desk.bar(PERP, open_ms, ["100", "102", "99", "100"]);
        told.extend(frames(&mut desk));
    }
    let of = |code: &str| {
        let rows = told.iter().filter(|f| f["data"][0]["interval"] == code);
        rows.map(|f| f["data"][0].clone()).collect::<Vec<_>>()
    };
    let one = of("1");
    let confirmed: Vec<&Value> = one.iter().filter(|row| row["confirm"] == true).collect();
    assert_eq!(confirmed.len(), 3);
    assert_eq!(confirmed[0]["start"], grid);
    assert_eq!(confirmed[0]["end"], grid + MINUTE - 1);
    assert_eq!(
        (&confirmed[0]["high"], &confirmed[0]["close"]),
        (&json!("102"), &json!("100"))
    );
    // The first open comes before any bar has said how long bars are.
    assert_eq!(one.len(), 3 + 3 + 2);
    let three = of("3");
    let confirmed: Vec<&Value> = three.iter().filter(|row| row["confirm"] == true).collect();
    assert_eq!(confirmed.len(), 1);
    assert_eq!(
        (&confirmed[0]["start"], &confirmed[0]["volume"]),
        (&json!(grid), &json!("3000"))
    );
    assert_eq!(three.last(), confirmed.last().copied());
}

#[test]
fn trades_make_the_open_bar() {
    let mut desk = Desk::empty(VenueRules::default());
    let grid = START - START.rem_euclid(3 * MINUTE);
    desk.now = grid;
    desk.bar(PERP, grid - MINUTE, ["100", "101", "99", "100"]);
    desk.open(PERP, "100");
    for code in ["1", "3"] {
        subscribe(
            &mut desk,
            Category::Linear,
            &format!("kline.{code}.BTCUSDT"),
        );
    }
    let mut told = Vec::new();
    // The second comes within a second of the first, and is told with the third.
    for (ms, price) in [(1_000, "102"), (1_500, "98"), (2_000, "101")] {
        desk.now = grid + ms;
        desk.trade(PERP, price, "0.5", Side::Buy);
        told.extend(frames(&mut desk));
    }
    let rows: Vec<&Value> = told.iter().map(|frame| &frame["data"][0]).collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    for row in &rows[2..] {
        let prices = ["open", "high", "low", "close", "volume"].map(|name| row[name].clone());
        assert_eq!(prices, ["100", "102", "98", "101", "1.5"].map(|v| json!(v)));
        assert_eq!(
            (&row["confirm"], &row["start"]),
            (&json!(false), &json!(grid))
        );
    }
    let query = "category=linear&symbol=BTCUSDT&interval=1&limit=1";
    let listed = desk.list("/v5/market/kline", query);
    assert_eq!(listed[0][5], "1.5");
    let ticker = desk.list("/v5/market/tickers", "category=linear&symbol=BTCUSDT");
    assert_eq!(
        (&ticker[0]["highPrice24h"], &ticker[0]["lowPrice24h"]),
        (&json!("102"), &json!("98"))
    );
    // What the feed says of a bar counts, and a trade adds nothing to it.
    desk.market(&bar_event(PERP, grid, ["100", "103", "98", "102"], false));
    let told = frames(&mut desk);
    assert_eq!(told[0]["data"][0]["high"], "103");
    desk.now = grid + 30_000;
    desk.trade(PERP, "104", "1", Side::Buy);
    assert_eq!(frames(&mut desk), Vec::<Value>::new());
    desk.now = grid + MINUTE;
    desk.bar(PERP, grid, ["100", "104", "98", "104"]);
    let told = frames(&mut desk);
    assert_eq!(told[0]["data"][0]["confirm"], true);
    // A feed that tells no opens: the first trade is one.
    desk.now = grid + MINUTE + 1_000;
    desk.trade(PERP, "105", "2", Side::Sell);
    let told = frames(&mut desk);
    let row = &told[0]["data"][0];
    assert_eq!(
        (&row["open"], &row["start"]),
        (&json!("105"), &json!(grid + MINUTE))
    );
}

#[test]
fn linear_tickers_tell_changes_and_spot_tickers_everything() {
    let mut desk = Desk::new();
    let first = subscribe(&mut desk, Category::Linear, "tickers.BTCUSDT").unwrap();
    assert_eq!(first["type"], "snapshot");
    assert_eq!(first["data"]["lastPrice"], "100");
    let spot = subscribe(&mut desk, Category::Spot, "tickers.BTCUSDT").unwrap();
    assert!(spot["data"].get("bid1Price").is_none());
    desk.mark(PERP, "100.5");
    let told = frames(&mut desk);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["type"], "delta");
    assert_eq!(
        told[0]["data"],
        json!({"symbol": "BTCUSDT", "markPrice": "100.5", "indexPrice": "100.5"})
    );
    desk.mark(PERP, "100.5");
    assert_eq!(frames(&mut desk).len(), 0);
    desk.trade(SPOT, "101", "1", Side::Buy);
    let told = frames(&mut desk);
    assert_eq!((told.len(), &told[0]["type"]), (1, &json!("snapshot")));
    assert!(told[0]["data"].get("volume24h").is_some());
}

#[test]
fn trades_carry_their_own_names() {
    let mut desk = Desk::new();
    for category in [Category::Linear, Category::Spot] {
        assert_eq!(subscribe(&mut desk, category, "publicTrade.BTCUSDT"), None);
    }
    desk.trade(PERP, "101", "1", Side::Buy);
    desk.trade(PERP, "101", "1", Side::Buy);
    desk.trade(SPOT, "99", "2", Side::Sell);
    let rows: Vec<Value> = frames(&mut desk)
        .iter()
        .map(|f| f["data"][0].clone())
        .collect();
    assert_ne!(rows[0]["i"], rows[1]["i"]);
    assert_eq!(
        (&rows[0]["L"], &rows[1]["L"]),
        (&json!("PlusTick"), &json!("ZeroPlusTick"))
    );
    assert!(rows[2].get("L").is_none());
    assert_eq!(
        (&rows[2]["S"], &rows[2]["p"], &rows[2]["v"]),
        (&json!("Sell"), &json!("99"), &json!("2"))
    );
}
