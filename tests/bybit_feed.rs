//! The public feed of Bybit against recorded frames, and its readers against the feed.
//!
//! Recorded frames are read from `TRADETERM_SHARED` or `../shared`; without them those tests say
//! so and pass.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests count as outside of tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use tradeterm::domain::{
    Category, InstrumentId, Interval, Level, MarketEvent, Price, Qty, Symbol, Timestamp,
};
use tradeterm::market::{Book, BookVerdict};
use tradeterm::venue::bybit::feed::{
    BookDelivery, Depth, FeedHealth, FeedOut, FeedSettings, FeedState, Heard, PriceKind, Scope,
    Wanted, WantedBars,
};

const ID: InstrumentId = InstrumentId(0);

fn recorded() -> Option<PathBuf> {
    let shared = std::env::var_os("TRADETERM_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    let folder = shared.join("bybit/fixtures/ws_public");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

fn watching(symbol: &str, depth: Depth, books: BookDelivery) -> FeedState {
    let mut feed = FeedState::new(FeedSettings {
        books,
        ..FeedSettings::default()
    });
    feed.watch(Wanted {
        instrument: ID,
        category: Category::Linear,
        symbol: Symbol::new(symbol).unwrap(),
        best: true,
        depth: Some(depth),
        ticker: true,
        trades: true,
        klines: vec![WantedBars {
            interval: "5m".parse::<Interval>().unwrap(),
            next_open: None,
        }],
    });
    feed.on_up(Timestamp::default(), Scope::All, &mut Vec::new());
    feed
}

/// The reader's own book, fed with nothing but the events.
struct Reader {
    book: Book,
    n_lost: usize,
}

impl Reader {
    fn new() -> Self {
        Self {
            book: Book::new(ID),
            n_lost: 0,
        }
    }

    fn read(&mut self, out: &mut Vec<FeedOut>) {
        for out in out.drain(..) {
            match out {
                FeedOut::Event(_, MarketEvent::Book(update)) => {
                    let verdict = self.book.apply(&update);
                    let is_whole = matches!(verdict, BookVerdict::Snapshot | BookVerdict::Delta);
                    assert!(is_whole, "{verdict:?}");
                }
                FeedOut::Health(FeedHealth::BookLost { .. }) => self.n_lost += 1,
                FeedOut::Refused { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
    }

    /// The reader has the feed's book, or an empty one while the feed has none.
    fn check(&self, feed: &FeedState) {
        let (bids, asks) = feed
            .book(ID)
            .map_or((&[][..], &[][..]), |view| (view.bids, view.asks));
        assert_eq!(self.book.bids(), bids);
        assert_eq!(self.book.asks(), asks);
    }
}

/// The book as a tree of values sees it.
#[derive(Default)]
struct Truth {
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
}

impl Truth {
    fn apply(&mut self, text: &str) {
        let value: Value = serde_json::from_str(text).unwrap();
        if value["type"] == "snapshot" {
            *self = Self::default();
        }
        for (side, name) in [(&mut self.bids, "b"), (&mut self.asks, "a")] {
            for row in value["data"][name].as_array().unwrap() {
                let price = row[0].as_str().unwrap().parse().unwrap();
                let qty: Qty = row[1].as_str().unwrap().parse().unwrap();
                side.insert(price, qty);
            }
            side.retain(|_, qty| !qty.is_zero());
        }
    }

    fn levels(&self) -> (Vec<Level>, Vec<Level>) {
        let level = |(price, qty): (&Price, &Qty)| Level {
            price: *price,
            qty: *qty,
        };
        (
            self.bids.iter().rev().map(level).collect(),
            self.asks.iter().map(level).collect(),
        )
    }
}

/// Recorded messages of a topic that the venue has withdrawn since, under a name that it has.
fn recorded_book() -> Option<Vec<String>> {
    let path = recorded()?.join("nautilus_recorded_orderbook500_XRPUSDT_20241201.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.replace("orderbook.500.", "orderbook.1000."))
        .collect();
    assert!(50 <= lines.len());
    Some(lines)
}

fn hear(feed: &mut FeedState, text: &str, out: &mut Vec<FeedOut>) -> Heard {
    feed.on_frame(Timestamp::default(), Category::Linear, text.as_bytes(), out)
}

#[test]
fn recorded_books_follow_without_a_gap() {
    let Some(lines) = recorded_book() else {
        return;
    };
    for books in [BookDelivery::Every, BookDelivery::Latest] {
        let mut feed = watching("XRPUSDT", Depth::L1000, books);
        let (mut reader, mut truth, mut out) = (Reader::new(), Truth::default(), Vec::new());
        for line in &lines {
            assert_eq!(hear(&mut feed, line, &mut out), Heard::Data);
            feed.drain_books(Timestamp::default(), &mut out);
            reader.read(&mut out);
            truth.apply(line);
            reader.check(&feed);
            let view = feed.book(ID).unwrap();
            let (bids, asks) = truth.levels();
            assert_eq!((view.bids, view.asks), (&bids[..], &asks[..]));
            assert!(view.bids[0].price < view.asks[0].price);
            // The venue removes what falls out of the depth of its topic.
            assert!(bids.len() <= 500 && asks.len() <= 500);
        }
        assert_eq!(reader.n_lost, 0);
        assert_eq!(feed.book(ID).unwrap().update_id, 20_254_918);
    }
}

#[test]
fn a_message_missing_from_the_recording_is_seen() {
    let Some(lines) = recorded_book() else {
        return;
    };
    for missing in [1, 7, 30] {
        let mut feed = watching("XRPUSDT", Depth::L1000, BookDelivery::Every);
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        for (n, line) in lines.iter().enumerate() {
            if n == missing {
                continue;
            }
            assert_eq!(hear(&mut feed, line, &mut out), Heard::Data);
            reader.read(&mut out);
            reader.check(&feed);
            assert_eq!(feed.book(ID).is_some(), n < missing);
        }
        assert_eq!(reader.n_lost, 1);
    }
}

#[test]
fn recorded_tickers_merge() {
    let Some(folder) = recorded() else {
        return;
    };
    let path = folder.join("issue_linear_ticker_NKNUSDT_snapshot_then_delta.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let mut feed = watching("NKNUSDT", Depth::L50, BookDelivery::Every);
    for line in text.lines() {
        assert_eq!(hear(&mut feed, line, &mut Vec::new()), Heard::Data);
    }
    let facts = feed.ticker(ID).unwrap();
    assert_eq!(facts.ask_qty, "3691".parse().ok());
    assert_eq!(facts.bid, "0.13937".parse().ok());
    assert_eq!(facts.funding_rate, "0.00137968".parse().ok());
    let mark = feed.price(ID, PriceKind::Mark).unwrap();
    assert_eq!(mark.price, "0.13946".parse().unwrap());
}

/// Every recorded or documented frame is what it looks like.
#[test]
fn documented_frames_are_understood() {
    let Some(folder) = recorded() else {
        return;
    };
    for (name, heard) in [
        ("barter_trade_4", Heard::Data),
        ("barter_trade_5", Heard::Refused),
        ("barter_trade_6", Heard::Foreign),
        ("barter_subscription_2", Heard::Control),
        ("bybitnet_linear_ticker", Heard::Data),
        ("bybitnet_linear_trades", Heard::Data),
        ("docs_all_liquidation_snapshot_1", Heard::Foreign),
        ("docs_connect_ping_3", Heard::Control),
        ("docs_connect_ping_4", Heard::Control),
        ("docs_connect_pong_5", Heard::Control),
        ("docs_connect_pong_6", Heard::Control),
        ("docs_connect_subscribe_10", Heard::Control),
        ("docs_full_ob_delta_1", Heard::Foreign),
        ("docs_kline_snapshot_1", Heard::Data),
        ("docs_orderbook_delta_2", Heard::Data),
        ("docs_orderbook_rpi_delta_3", Heard::Foreign),
        ("docs_orderbook_snapshot_1", Heard::Data),
        ("docs_ticker_snapshot_1", Heard::Data),
        ("docs_ticker_snapshot_2", Heard::Foreign),
        ("docs_ticker_snapshot_3", Heard::Foreign),
        ("docs_ticker_snapshot_4", Heard::Data),
        ("docs_trade_snapshot_1", Heard::Data),
        ("issue_already_subscribed", Heard::Control),
        ("issue_spot_args_size_gt_10", Heard::Control),
        ("nautilus_ws_orderbook_delta", Heard::Data),
        ("nautilus_ws_orderbook_snapshot", Heard::Data),
        ("nautilus_ws_subscription_failure", Heard::Control),
        ("nautilus_ws_ticker_linear", Heard::Data),
    ] {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let mut feed = watching("BTCUSDT", Depth::L50, BookDelivery::Every);
        let mut out = Vec::new();
        assert_eq!(hear(&mut feed, &text, &mut out), heard, "{name}: {out:?}");
        // And cut off anywhere it is refused.
        for end in 0..text.trim_end().len() {
            let part = &text.as_bytes()[..end];
            let heard = feed.on_frame(Timestamp::default(), Category::Linear, part, &mut out);
            assert_eq!(heard, Heard::Refused, "{name} up to {end}");
            out.clear();
        }
    }
}

/// What becomes of a frame on its way.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    ArrivesTwice,
    ConnectionIsLost,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        20 => Just(Fate::Arrives),
        2 => Just(Fate::IsLost),
        1 => Just(Fate::ArrivesTwice),
        1 => Just(Fate::ConnectionIsLost),
    ]
}

proptest! {
    /// Whatever happens on the way, a reader of the events has the feed's book or an empty one,
    /// and the feed's book is the venue's.
    #[test]
    fn a_reader_never_holds_another_book(
        steps in prop::collection::vec((fate(), 0_u8..2, 1_u32..30, 0_u32..3, any::<bool>()), 1..80),
        books in prop::sample::select(vec![BookDelivery::Every, BookDelivery::Latest]),
    ) {
        let mut feed = watching("AUSDT", Depth::L50, books);
        let (mut reader, mut truth, mut out) = (Reader::new(), Truth::default(), Vec::new());
        let mut wants_snapshot = true;
        let frame = |kind: &str, u: usize, bids: &str, asks: &str| {
            format!(
                r#"{{"topic":"orderbook.50.AUSDT","type":"{kind}","ts":{u},"data":{{"s":"AUSDT","b":[{bids}],"a":[{asks}],"u":{u},"seq":{u}}},"cts":{u}}}"#
            )
        };
        truth.apply(&frame("snapshot", 0, r#"["10","1"]"#, r#"["50","1"]"#));
        for (n, (fate, side, offset, qty, drains)) in steps.into_iter().enumerate() {
            let u = n + 2;
            let price = if side == 0 { offset } else { 30 + offset };
            let row = format!(r#"["{price}.5","{qty}"]"#);
            let (bids, asks) = if side == 0 { (&row[..], "") } else { ("", &row[..]) };
            let change = frame("delta", u, bids, asks);
            truth.apply(&change);
            let text = if wants_snapshot {
                let texts = |levels: &[Level]| {
                    let rows: Vec<_> = levels
                        .iter()
                        .map(|level| format!(r#"["{}","{}"]"#, level.price, level.qty))
                        .collect();
                    rows.join(",")
                };
                let (bids, asks) = truth.levels();
                frame("snapshot", u, &texts(&bids), &texts(&asks))
            } else {
                change
            };
            let n_times = match fate {
                Fate::Arrives => 1,
                Fate::IsLost => 0,
                Fate::ArrivesTwice => 2,
                Fate::ConnectionIsLost => {
                    feed.on_down(Timestamp::default(), Scope::All, &mut out);
                    feed.on_up(Timestamp::default(), Scope::All, &mut out);
                    wants_snapshot = true;
                    0
                }
            };
            for _ in 0..n_times {
                prop_assert_eq!(hear(&mut feed, &text, &mut out), Heard::Data);
                let lost = |out: &FeedOut| matches!(out, FeedOut::Resync { .. });
                wants_snapshot = out.iter().any(lost) || feed.book(ID).is_none();
            }
            if drains || books == BookDelivery::Every {
                feed.drain_books(Timestamp::default(), &mut out);
                reader.read(&mut out);
                reader.check(&feed);
            }
            if let Some(view) = feed.book(ID)
                && n_times != 0
            {
                let (bids, asks) = truth.levels();
                prop_assert_eq!((view.bids, view.asks), (&bids[..], &asks[..]));
            }
        }
    }
}
