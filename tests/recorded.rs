//! Recordings as a feed: every way in which a file can be wrong, every form in which it can be
//! right, and the real recordings where they are present.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "recorded/real.rs"]
mod real;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tradeterm::domain::{Bar, InstrumentId, Interval, MarketEvent, Symbol, Timestamp};
use tradeterm::venue::feed::{Feed, FeedError};
use tradeterm::venue::sim::recorded::{
    BarFeed, BarFile, Overview, RecordedFeed, RowFeed, RowKind, Sniff, StreamFile, open_market,
};

const ID: InstrumentId = InstrumentId(0);
const HEADER: &str = "ts_ms,open,high,low,close,volume\n";
const GOOD: &str = "ts_ms,open,high,low,close,volume\n\
    1735689600000,93530.0,93672.8,93501.3,93630.1,147.13\n\
    1735689900000,93630.1,93650.0,93552.4,93574.1,76.928\n\
    1735690500000,93574.1,93632.4,93451.0,93623.1,355.126\n";

fn five_minutes() -> Interval {
    "5m".parse().unwrap()
}

fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    let bytes = match path.extension().unwrap().to_str().unwrap() {
        "gz" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        "zst" => ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        ),
        _ => text.as_bytes().to_vec(),
    };
    fs::write(&path, bytes).unwrap();
    path
}

/// All bars of a file, or its first error without the folder it is in.
fn read_all(path: &Path) -> Result<Vec<Bar>, String> {
    let dir = format!("{}/", path.parent().unwrap().display());
    let text = |error: FeedError| error.to_string().replace(&dir, "");
    BarFile::open(path, ID, five_minutes())
        .map_err(text)?
        .collect::<Result<_, _>>()
        .map_err(text)
}

#[test]
fn plain_gzip_and_zstandard_give_the_same_bars() {
    let dir = TempDir::new().unwrap();
    let plain = read_all(&write(&dir, "bars.csv", GOOD)).unwrap();
    assert_eq!(plain.len(), 3);
    assert_eq!(plain[1].open_time.millis(), 1_735_689_900_000);
    assert_eq!(plain[2].low.to_string(), "93451");
    assert_eq!(plain[2].volume.to_string(), "355.126");
    for name in ["bars.csv.gz", "bars.csv.zst"] {
        let packed = read_all(&write(&dir, name, GOOD));
        assert_eq!(packed.as_ref(), Ok(&plain), "{name}");
    }
}

#[test]
fn packed_files_may_have_several_parts() {
    let dir = TempDir::new().unwrap();
    let plain = read_all(&write(&dir, "bars.csv", GOOD)).unwrap();
    let (head, tail) = GOOD.split_at(100);
    for ending in ["csv.gz", "csv.zst"] {
        let mut bytes = fs::read(write(&dir, &format!("a.{ending}"), head)).unwrap();
        bytes.extend(fs::read(write(&dir, &format!("b.{ending}"), tail)).unwrap());
        let path = dir.path().join(format!("joined.{ending}"));
        fs::write(&path, bytes).unwrap();
        assert_eq!(read_all(&path).as_ref(), Ok(&plain), "{ending}");
    }
}

#[test]
fn headers_may_be_in_any_order_and_have_more_columns() {
    let dir = TempDir::new().unwrap();
    let expected = read_all(&write(&dir, "a.csv", GOOD)).unwrap();
    let other = "\u{feff}Close,trades,ts,\"open\",high,low, volume\r\n\
        93630.1,7,1735689600000,93530.0,93672.8,93501.3,147.13\r\n\
        \r\n93574.1,8,1735689900000,93630.1,93650.0,93552.4,76.928";
    let found = read_all(&write(&dir, "b.csv", other)).unwrap();
    assert_eq!(found, expected[..2]);
}

#[test]
fn float_noise_in_volumes_is_rounded() {
    let dir = TempDir::new().unwrap();
    let text = format!("{HEADER}1735689600000,1,2,1,2,147.13000000000002\n");
    let bars = read_all(&write(&dir, "a.csv", &text)).unwrap();
    assert_eq!(bars[0].volume.to_string(), "147.13");
}

#[test]
fn files_without_rows_or_columns_are_named() {
    let dir = TempDir::new().unwrap();
    let check = |text: &str, expected: &str| {
        let found = read_all(&write(&dir, "x.csv", text));
        assert_eq!(found, Err(format!("x.csv{expected}")), "{text:?}");
    };
    let empty = ": has no rows; expected a header line and at least one row";
    check("", empty);
    check("\n\n", empty);
    check(HEADER, empty);
    check(
        "ts_ms,open,high,low,volume\n1,2,3,4,5\n",
        ", line 1: column close is missing; the header is \"ts_ms,open,high,low,volume\"",
    );
    check(
        "time,open,high,low,close,volume\n",
        ", line 1: column ts_ms is missing; the header is \"time,open,high,low,close,volume\"",
    );
}

#[test]
fn rows_that_are_no_bars_are_named_with_their_line() {
    let dir = TempDir::new().unwrap();
    for (row, expected) in [
        (
            "1735689300000,10,12,9,11,1",
            "time 2024-12-31T23:55:00Z is before 2025-01-01T00:00:00Z of the row above; \
             sort the file by time",
        ),
        (
            "1735689600000,10,12,9,11,1",
            "bar 2025-01-01T00:00:00Z occurs twice; remove one of the two rows",
        ),
        (
            "1735689900000,10,9,12,11,1",
            "bar 2025-01-01T00:05:00Z: high 9 is below low 12; correct the row or remove it",
        ),
        (
            "1735689900000,10,12,9,13,1",
            "bar 2025-01-01T00:05:00Z: close 13 is outside of low 9 to high 12; correct the row or remove it",
        ),
        (
            "1735689900001,10,12,9,11,1",
            "bar 2025-01-01T00:05:00.001Z: open time is not on the 5m grid; correct the row or remove it",
        ),
        (
            "1735689900000,0,12,0,11,1",
            "bar 2025-01-01T00:05:00Z: low is zero; correct the row or remove it",
        ),
        (
            "1735689900000,10,1x2,9,11,1",
            "column high: \"1x2\" is not a decimal number; correct the row or remove it",
        ),
        (
            "1735689900000,10,12,,11,1",
            "column low: \"\" is not a decimal number; correct the row or remove it",
        ),
        (
            "1735689900000,10,12,NaN,11,1",
            "column low: \"NaN\" is not a decimal number; correct the row or remove it",
        ),
        (
            "1735689900000,10,12,9,11,-1",
            "column volume: \"-1\" is negative; correct the row or remove it",
        ),
        (
            "2025-01-01,10,12,9,11,1",
            "column ts_ms: \"2025-01-01\" is not a time in whole milliseconds since 1970 (UTC)",
        ),
        (
            "1735689900000,10,12,9",
            "has 4 fields where the header has 6; is the row cut off?",
        ),
    ] {
        let text = format!("{HEADER}1735689600000,10,12,9,11,1\n{row}\n");
        let found = read_all(&write(&dir, "x.csv", &text));
        assert_eq!(found, Err(format!("x.csv, line 3: {expected}")));
    }
}

#[test]
fn a_fault_ends_the_file_after_the_bars_before_it() {
    let dir = TempDir::new().unwrap();
    let text = format!("{GOOD}1735690500000,1,1,1,1,1\n1735690800000,1,1,1,1,1\n");
    let mut file = BarFile::open(&write(&dir, "x.csv", &text), ID, five_minutes()).unwrap();
    let oks: Vec<bool> = file.by_ref().map(|bar| bar.is_ok()).collect();
    assert_eq!(oks, [true, true, true, false]);
    assert!(file.next().is_none());
}

#[test]
fn missing_cut_and_binary_files_are_errors() {
    let dir = TempDir::new().unwrap();
    let missing = read_all(&dir.path().join("no.csv")).unwrap_err();
    assert!(missing.starts_with("no.csv: cannot be read: "), "{missing}");
    let rows: Vec<String> = (0..2000)
        .map(|n| format!("{},{n}.5,{n}.75,{n}.25,{n}.5,3\n", n * 300_000))
        .collect();
    let rows = rows.concat();
    for name in ["cut.csv.gz", "cut.csv.zst"] {
        let path = write(&dir, name, &format!("{HEADER}{rows}"));
        assert_eq!(read_all(&path).map(|b| b.len()), Ok(2000), "{name}");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = read_all(&path).unwrap_err();
        assert!(error.contains("cannot be read"), "{name}: {error}");
    }
    let path = dir.path().join("letters.csv");
    fs::write(&path, vec![b'a'; 3 << 20]).unwrap();
    let error = read_all(&path).unwrap_err();
    assert!(error.contains("is longer than 1048576 bytes"), "{error}");
}

#[test]
fn intervals_are_seen_in_the_spacing() {
    let dir = TempDir::new().unwrap();
    let expected = Sniff {
        interval: five_minutes(),
        first: Timestamp::from_millis(1_735_689_600_000),
        last: Timestamp::from_millis(1_735_690_500_000),
        rows: 3,
    };
    let found = BarFile::sniff(&write(&dir, "x.csv", GOOD)).unwrap();
    assert_eq!(found, expected);
    for (rows, fault) in [
        (
            "0,1,1,1,1,1\n420000,1,1,1,1,1\n",
            "rows are 420000 ms apart",
        ),
        ("0,1,1,1,1,1\n", "has one row only"),
        ("", "has no rows"),
    ] {
        let path = write(&dir, "x.csv", &format!("{HEADER}{rows}"));
        let error = BarFile::sniff(&path).unwrap_err().to_string();
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn both_ends_are_seen_without_reading_the_middle() {
    let dir = TempDir::new().unwrap();
    let row = |n: i64| format!("{},1,1,1,1,1\n", n * 300_000);
    for n_rows in [2, 101, 102, 9_000] {
        let rows: String = (0..n_rows).map(row).collect();
        for (name, end) in [("x.csv", ""), ("x.csv", "\n\r\n"), ("x.csv.gz", "")] {
            let path = write(&dir, name, &format!("{HEADER}{rows}{end}"));
            let found = BarFile::overview(&path);
            let expected = Overview {
                interval: five_minutes(),
                first: Timestamp::from_millis(0),
                last: Some(Timestamp::from_millis((n_rows - 1) * 300_000)),
            };
            assert_eq!(found.unwrap(), expected, "{name} {n_rows} {end:?}");
        }
    }
    let rows: String = (0..200).map(row).collect();
    let path = write(&dir, "x.csv", &format!("{HEADER}{rows}torn"));
    assert_eq!(BarFile::overview(&path).unwrap().last, None);
}

fn collect(mut feed: impl Feed) -> Result<Vec<(Timestamp, MarketEvent)>, String> {
    let mut events = Vec::new();
    while let Some(item) = feed.next() {
        events.push(item.map_err(|e| e.to_string())?);
    }
    assert!(feed.next().is_none(), "an ended feed stays at its end");
    Ok(events)
}

fn tell((at, event): &(Timestamp, MarketEvent)) -> String {
    let what = match event {
        MarketEvent::Bar(b) => format!("bar {}", b.bar.close),
        MarketEvent::BarOpen { price, .. } => format!("open {price}"),
        MarketEvent::Funding(f) => format!("funding {}", f.rate),
        MarketEvent::Quote(q) => format!("quote {} {}", q.bid, q.ask),
        MarketEvent::Trade(t) => format!("trade {} {} x {}", t.taker, t.price, t.qty),
        MarketEvent::Book(b) => format!(
            "book {} {} b{} a{}",
            if b.snapshot { "snapshot" } else { "delta" },
            b.update_id,
            b.bids.len(),
            b.asks.len()
        ),
        MarketEvent::Mark { price, .. } => format!("mark {price}"),
    };
    format!("{} #{} {what}", at.millis(), event.instrument().0)
}

#[test]
fn feeds_are_merged_by_time_then_kind_then_instrument() {
    let dir = TempDir::new().unwrap();
    let bars = |name: &str, id: u16, p: &str| -> Box<dyn Feed> {
        let rows = format!("{HEADER}0,{p},{p},{p},{p},1\n300000,{p},{p},{p},{p},1\n");
        let path = write(&dir, name, &rows);
        let file = BarFile::open(&path, InstrumentId(id), five_minutes()).unwrap();
        Box::new(BarFeed::new(file, None))
    };
    let rows = |name: &str, kind, text: &str| -> Box<dyn Feed> {
        Box::new(RowFeed::open(&write(&dir, name, text), kind, InstrumentId(1)).unwrap())
    };
    let trades = "ts_ms,price,size,taker_side,trade_id\n300000,7,1,Sell,1\n300000,8,1,Buy,2\n";
    let quotes = "ts_ms,bid,bid_qty,ask,ask_qty\n0,6,1,7,1\n300000,7,1,8,1\n";
    let feeds = vec![
        rows("t.csv", RowKind::Trades, trades),
        bars("b.csv", 1, "20"),
        bars("a.csv", 0, "10"),
        rows("q.csv", RowKind::Quotes, quotes),
        rows(
            "f.csv",
            RowKind::Funding,
            "ts_ms,funding_rate\n300000,7.085e-05\n",
        ),
    ];
    let events = collect(RecordedFeed::new("test", feeds)).unwrap();
    let told: Vec<_> = events.iter().map(tell).collect();
    assert_eq!(
        told,
        [
            "0 #0 open 10",
            "0 #1 open 20",
            "0 #1 quote 6 7",
            "300000 #0 bar 10",
            "300000 #1 bar 20",
            "300000 #1 funding 0.00007085",
            "300000 #0 open 10",
            "300000 #1 open 20",
            "300000 #1 quote 7 8",
            "300000 #1 trade sell 7 x 1",
            "300000 #1 trade buy 8 x 1",
            "600000 #0 bar 10",
            "600000 #1 bar 20",
        ]
    );
}

#[test]
fn a_fault_in_one_file_ends_the_merge_after_what_came_before_it() {
    let dir = TempDir::new().unwrap();
    let quotes = "ts_ms,bid,bid_qty,ask,ask_qty\n0,6,1,7,1\n1000,7,1,7,1\n2000,7,1,8,1\n";
    let path = write(&dir, "q.csv", quotes);
    let quotes = RowFeed::open(&path, RowKind::Quotes, ID).unwrap();
    let mut feed = RecordedFeed::new("test", vec![Box::new(quotes)]);
    assert!(feed.next().unwrap().is_ok());
    let error = feed.next().unwrap().unwrap_err().to_string();
    let expected = "q.csv, line 3: bid 7 is not below ask 7";
    assert!(error.ends_with(expected), "{error}");
    assert!(feed.next().is_none());
}

#[test]
fn faults_of_row_files_are_named() {
    let dir = TempDir::new().unwrap();
    let check = |kind, text: &str, expected: &str| {
        let path = write(&dir, "r.csv", text);
        let opened = RowFeed::open(&path, kind, ID).map_err(|e| e.to_string());
        let error = opened.and_then(collect).unwrap_err();
        assert!(error.contains(expected), "{text:?}: {error}");
    };
    check(RowKind::Trades, "", "r.csv: has no rows");
    check(
        RowKind::Trades,
        "ts_ms,price,size\n",
        "line 1: column taker_side is missing; the header is \"ts_ms,price,size\"",
    );
    check(
        RowKind::Trades,
        "ts_ms,price,size,taker_side\n1,2,3,Up\n",
        "line 2: column taker_side: \"Up\" is neither Buy nor Sell",
    );
    check(
        RowKind::Trades,
        "ts_ms,price,size,taker_side\n1000,2,3,Buy\n999,2,3,Buy\n",
        "line 3: time 1970-01-01T00:00:00.999Z is before 1970-01-01T00:00:01Z",
    );
    check(
        RowKind::Funding,
        "ts_ms,funding_rate\n1,x\n",
        "line 2: column funding_rate: \"x\" is not a decimal number",
    );
    let nothing = write(&dir, "n.csv", "ts_ms,funding_rate\n");
    let feed = RowFeed::open(&nothing, RowKind::Funding, ID).unwrap();
    assert_eq!(collect(feed), Ok(Vec::new()));
}

const SNAPSHOT: &str = r#"{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1000,"data":{"s":"BTCUSDT","b":[["10","1"],["9","2"]],"a":[["11","3"]],"u":1,"seq":7},"cts":999}"#;
const TRADES: &str = r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":980,"data":[{"T":979,"s":"BTCUSDT","S":"Sell","v":"0.004","p":"10","L":"PlusTick","i":"a","BT":false},{"T":979,"s":"BTCUSDT","S":"Buy","v":"1","p":"11","L":"PlusTick","i":"b","BT":false}]}"#;
const DELTA: &str = r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1100,"data":{"s":"BTCUSDT","b":[["10","0"]],"a":[],"u":2,"seq":8},"cts":1}"#;

fn stream(dir: &TempDir, text: &str) -> StreamFile {
    let path = write(dir, "s.jsonl", text);
    StreamFile::open(&path, ID, Symbol::new("BTCUSDT").unwrap()).unwrap()
}

#[test]
fn messages_keep_their_order_and_time_never_runs_back() {
    let dir = TempDir::new().unwrap();
    let events = collect(stream(&dir, &format!("{SNAPSHOT}\n{TRADES}\n{DELTA}\n"))).unwrap();
    let told: Vec<_> = events.iter().map(tell).collect();
    assert_eq!(
        told,
        [
            "1000 #0 book snapshot 1 b2 a1",
            "1000 #0 trade sell 10 x 0.004",
            "1000 #0 trade buy 11 x 1",
            "1100 #0 book delta 2 b1 a0",
        ]
    );
    let MarketEvent::Book(last) = &events[3].1 else {
        panic!("{events:?}")
    };
    assert!(last.bids[0].qty.is_zero());
}

#[test]
fn faults_of_message_files_are_named() {
    let dir = TempDir::new().unwrap();
    let check = |line: &str, expected: &str| {
        let error = collect(stream(&dir, &format!("{SNAPSHOT}\n{line}\n"))).unwrap_err();
        let expected = format!("s.jsonl, line 2: {expected}");
        assert!(error.contains(&expected), "{error}");
    };
    check("{", "is not a book or trade message: ");
    check(
        r#"{"topic":"tickers.BTCUSDT","ts":1}"#,
        "is not a book or trade message: topic \"tickers.BTCUSDT\" is not known",
    );
    check(
        &SNAPSHOT.replace("\"s\":\"BTCUSDT\"", "\"s\":\"ETHUSDT\""),
        "is about ETHUSDT, expected BTCUSDT",
    );
    check(
        &SNAPSHOT.replace("snapshot", "patch"),
        "is not a book or trade message: type \"patch\" is neither snapshot nor delta",
    );
    check(
        &SNAPSHOT.replace("[\"9\",\"2\"]", "[\"9\",\"x\"]"),
        "column size: \"x\" is not a decimal number",
    );
    check(
        &SNAPSHOT.replace("\"ts\":1000", "\"ts\":-9000"),
        "time 1969-12-31T23:59:51Z is before 1970-01-01T00:00:01Z",
    );
}

#[test]
fn a_market_folder_cannot_name_files_outside() {
    let dir = TempDir::new().unwrap();
    for name in ["../x.csv", "/etc/hosts", "a/b.csv", ""] {
        let text = format!(
            r#"{{"synthetic":true,"interval":"5m","start":0,"end":1,"symbols":[],
               "files":[{{"kind":"bars","symbol":"BTCUSDT","category":"linear","name":"{name}"}}]}}"#
        );
        write(&dir, "market.json", &text);
        let error = open_market(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("is not a plain name in the folder"),
            "{error}"
        );
    }
}
