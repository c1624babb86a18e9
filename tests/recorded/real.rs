//! The real recordings, where they are present.

use std::path::PathBuf;

use tradeterm::domain::{BarEvent, Interval, MarketEvent, Symbol};
use tradeterm::market::{BarVerdict, Book, BookVerdict, Series};
use tradeterm::venue::sim::recorded::{BarFile, RowFeed, RowKind, StreamFile, guess_symbol};

use super::{ID, collect};

/// File of the shared recordings, where it is present.
fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRADETERM_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let path = root.join("data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} is not here");
    None
}

/// Reads a real candle file whole: its number of rows, and exactly these holes.
fn check_candles(name: &str, interval: &str, rows: usize, holes: &[u64]) {
    let Some(path) = shared(&format!("klines/{name}")) else {
        return;
    };
    let interval: Interval = interval.parse().unwrap();
    let sniff = BarFile::sniff(&path).unwrap();
    assert_eq!((sniff.interval, sniff.rows), (interval, rows), "{name}");
    assert!(name.contains(guess_symbol(&path).unwrap().as_str()));
    let mut series = Series::new(ID, interval, 16);
    let mut found = Vec::new();
    for bar in BarFile::open(&path, ID, interval).unwrap() {
        let event = BarEvent {
            instrument: ID,
            interval,
            confirmed: true,
            bar: bar.unwrap(),
        };
        match series.offer(&event) {
            BarVerdict::First | BarVerdict::Fresh => {}
            BarVerdict::Gap { missing, .. } => found.push(missing),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(found, holes, "{name}");
    let counts = series.counts();
    assert_eq!(counts.fresh + counts.gaps, rows as u64, "{name}");
}

#[test]
fn real_candles_are_read_whole() {
    check_candles("bybit_linear_BTCUSDT_5m.csv.gz", "5m", 139_680, &[]);
    check_candles("bybit_linear_SOLUSDT_5m.csv.gz", "5m", 97_932, &[12_948]);
    check_candles(
        "bybit_linear_ETHUSDT_1m_2025-05-29_2025-06-29.csv.gz",
        "1m",
        44_612,
        &[],
    );
    check_candles("binance_spot_BTCUSDT_1h.csv.gz", "1h", 43_073, &[4, 2, 1]);
    check_candles(
        "binance_spot_BTCUSDT_1m_2026-03-01_2026-04-30.csv.gz",
        "1m",
        87_840,
        &[],
    );
}

#[test]
fn real_funding_and_trades_are_read_whole() {
    for (name, kind, rows) in [
        (
            "klines/bybit_linear_BTCUSDT_funding.csv",
            RowKind::Funding,
            1454,
        ),
        (
            "trades/bybit_spot_1INCHUSDT_2025-05-19_trades.csv.gz",
            RowKind::Trades,
            6682,
        ),
        (
            "trades/binance_um_BTCUSDT_2024-08-08_trades.csv.gz",
            RowKind::Trades,
            21_308,
        ),
    ] {
        if let Some(path) = shared(name) {
            let events = collect(RowFeed::open(&path, kind, ID).unwrap()).unwrap();
            assert_eq!(events.len(), rows, "{name}");
        }
    }
}

#[test]
fn real_books_never_cross_and_have_no_hole() {
    for (name, symbol, books, trades) in [
        (
            "bybit_linear_BTCUSDT_2026-08-09.jsonl.gz",
            "BTCUSDT",
            348,
            56,
        ),
        (
            "bybit_linear_SOLUSDT_2026-08-09.jsonl.gz",
            "SOLUSDT",
            377,
            165,
        ),
        (
            "bitstamp_BTCUSD_2015-05-01_00h-16h.jsonl.gz",
            "BTCUSD",
            18_303,
            2_771,
        ),
    ] {
        let Some(path) = shared(&format!("l2/ob50/{name}")) else {
            continue;
        };
        let feed = StreamFile::open(&path, ID, Symbol::new(symbol).unwrap()).unwrap();
        let mut book = Book::new(ID);
        let (mut n_books, mut n_trades) = (0, 0);
        for (at, event) in collect(feed).unwrap() {
            match event {
                MarketEvent::Book(update) => {
                    n_books += 1;
                    let verdict = book.apply(&update);
                    let is_whole = matches!(verdict, BookVerdict::Snapshot | BookVerdict::Delta);
                    assert!(is_whole, "{name} at {at}: {verdict:?}");
                    assert!(book.bids().len() <= 50 && book.asks().len() <= 50);
                }
                MarketEvent::Trade(_) => n_trades += 1,
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!((n_books, n_trades), (books, trades), "{name}");
    }
}
