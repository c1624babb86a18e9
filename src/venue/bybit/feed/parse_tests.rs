//! The reader of frames against a plain one, case by case.

use serde::Deserialize;

use super::error::FrameProblem;
use super::frame::{Body, FrameKind, Levels};
use super::parse::read_frame;
use crate::domain::{Level, Price, Qty};

const BOOK: &str = r#"{"topic":"orderbook.50.AUSDT","type":"delta","ts":1733011200693,"data":{"s":"AUSDT","b":[["1.9531","6198"],["1.9529","0"]],"a":[["1.9535","84.15"]],"u":20254870,"seq":130020239261},"cts":1733011200691}"#;

/// What a book frame says, in plain values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    topic: String,
    is_delta: bool,
    ts: i64,
    cts: Option<i64>,
    symbol: String,
    update_id: u64,
    levels: Levels,
}

pub(super) fn fast(text: &[u8]) -> Option<Said> {
    let mut levels = Levels::default();
    let frame = read_frame(text, &mut levels).ok()??;
    let Body::Book(head) = frame.body else {
        return None;
    };
    Some(Said {
        topic: frame.topic.into_owned(),
        is_delta: frame.kind == Some(FrameKind::Delta),
        ts: frame.ts.millis(),
        cts: frame.cts.map(crate::domain::Timestamp::millis),
        symbol: head.symbol.into_owned(),
        update_id: head.update_id,
        levels,
    })
}

/// A frame as `serde_json` reads it without any help.
#[derive(Deserialize)]
struct PlainFrame {
    topic: String,
    #[serde(rename = "type")]
    kind: String,
    ts: u64,
    cts: Option<u64>,
    data: PlainBook,
}

#[derive(Deserialize)]
struct PlainBook {
    s: String,
    b: Vec<[String; 2]>,
    a: Vec<[String; 2]>,
    u: u64,
}

/// The same with owned texts and the types' own parsers.
pub(super) fn reference(text: &[u8]) -> Option<Said> {
    let frame: PlainFrame = serde_json::from_slice(text).ok()?;
    let side = |rows: &[[String; 2]]| -> Option<Vec<Level>> {
        rows.iter()
            .map(|[price, qty]| {
                let price: Price = price.parse().ok()?;
                let qty: Qty = qty.parse().ok()?;
                (!price.is_zero()).then_some(Level { price, qty })
            })
            .collect()
    };
    let depth = frame.topic.strip_prefix("orderbook.")?;
    if !depth.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let is_delta = match frame.kind.as_str() {
        "delta" => true,
        "snapshot" => false,
        _ => return None,
    };
    Some(Said {
        is_delta,
        ts: i64::try_from(frame.ts).ok()?,
        cts: frame.cts.map(i64::try_from).transpose().ok()?,
        symbol: frame.data.s,
        update_id: frame.data.u,
        levels: Levels {
            bids: side(&frame.data.b)?,
            asks: side(&frame.data.a)?,
        },
        topic: frame.topic,
    })
}

fn problem(text: &str) -> String {
    match read_frame(text.as_bytes(), &mut Levels::default()) {
        Err(error) => error.to_string(),
        Ok(frame) => panic!("{text} was read: {frame:?}"),
    }
}

#[test]
fn a_recorded_shape_is_read() {
    let said = fast(BOOK.as_bytes()).unwrap();
    assert_eq!(Some(&said), reference(BOOK.as_bytes()).as_ref());
    assert_eq!(said.levels.bids.len(), 2);
    assert!(said.levels.bids[1].qty.is_zero());
    assert_eq!(said.levels.asks[0].qty, "84.15".parse().unwrap());
}

#[test]
fn keys_come_in_any_order_and_unknown_ones_are_skipped() {
    for text in [
        r#"{"cts":7,"data":{"seq":"-1","u":5,"a":[],"b":[["1","2"]],"s":"AUSDT"},"ts":9,"type":"snapshot","topic":"orderbook.50.AUSDT"}"#,
        r#" { "new" : {"a":[1,-2.5e-3,null,true,{}],"b":"\u00e9\"\\"} , "topic" : "orderbook.1.AUSDT" ,
            "type":"snapshot" , "ts":9 , "data" : { "x":[[]], "s":"AUSDT", "b" : [ [ "1" , "2" ] ] , "a" : [ ], "u" : 5 } } "#,
        r#"{"topic":"orderbook.50.A\u0055SDT","type":"sn\u0061pshot","ts":9,"data":{"s":"AUSDT","\u0062":[["1\u002e5","2"]],"a":[],"u":5}}"#,
        r#"{"topic":"orderbook.50.AUSDT","type":"snapshot","ts":9,"data":{"s":"AUSDT","b":[["1e-7","2E3"],[".5","7."],["12345678901234567.125","1"]],"a":[],"u":18446744073709551615}}"#,
    ] {
        let said = fast(text.as_bytes());
        assert!(said.is_some(), "{text}");
        assert_eq!(said, reference(text.as_bytes()), "{text}");
    }
}

#[test]
fn frames_about_the_connection_are_no_data() {
    for text in [
        r#"{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}"#,
        r#"{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"","op":"ping"}"#,
        r#"{"args":["1672916271846"],"op":"pong"}"#,
        r#"{"retCode":0,"retMsg":"OK","op":"pong","data":["1"],"connId":"x"}"#,
        r#"{"success":false,"ret_msg":"error:already subscribed,topic:tickers.A","op":"subscribe"}"#,
        r#"{"success":true,"ret_msg":"\u0070ong","o\u0070":"ping"}"#,
    ] {
        let read = read_frame(text.as_bytes(), &mut Levels::default());
        assert_eq!(read, Ok(None), "{text}");
    }
}

#[test]
fn other_topics_hand_on_their_data() {
    for text in [
        r#"{"topic":"tickers.AUSDT","type":"delta","data": {"symbol":"AUSDT"} ,"cs":24987956059,"ts":9}"#,
        r#"{"data": {"symbol":"AUSDT"},"cs":24987956059,"ts":9,"type":"delta","topic":"tickers.AUSDT"}"#,
    ] {
        let mut levels = Levels::default();
        let frame = read_frame(text.as_bytes(), &mut levels).unwrap().unwrap();
        assert_eq!(frame.topic, "tickers.AUSDT");
        assert_eq!(frame.cs, Some(24_987_956_059));
        assert_eq!(frame.body, Body::Raw(br#"{"symbol":"AUSDT"}"#));
    }
}

#[test]
fn errors_say_what_and_where() {
    let with = |from: &str, to: &str| {
        let text = BOOK.replacen(from, to, 1);
        assert_ne!(text, BOOK);
        problem(&text)
    };
    for (from, to, words) in [
        (
            "1.9531",
            "NaN",
            "field price: \"NaN\" is not a decimal number",
        ),
        ("1.9531", "1e400", "field price: \"1e400\" is too large"),
        ("1.9531", "-1", "field price: \"-1\" is negative"),
        ("1.9531", "", "field price: \"\" is not a decimal number"),
        ("1.9531", "0.00", "field price: a price of zero is no price"),
        ("6198", "-0.1", "field size: \"-0.1\" is negative"),
        ("6198", "inf", "field size: \"inf\" is not a decimal number"),
        (
            "6198",
            "0.000000001",
            "field size: \"0.000000001\" has more than 8 decimal places",
        ),
        (
            "\"delta\"",
            "\"full\"",
            "field type: \"full\" is not snapshot or delta",
        ),
        (
            "20254870",
            "-1",
            "field u: \"-1\" is not a whole number from zero",
        ),
        (
            "20254870",
            "1.5",
            "field u: \"1.5\" is not a whole number from zero",
        ),
        (
            "20254870",
            "\"7\"",
            "field u: \"\\\"7\\\"\" is not a whole number from zero",
        ),
        (
            "20254870",
            "18446744073709551616",
            "field u: \"18446744073709551616\" is not a whole number from zero",
        ),
        ("\"u\":20254870,", "", "field u is missing"),
        ("\"s\":\"AUSDT\",", "", "field s is missing"),
        ("\"b\"", "\"bb\"", "field b is missing"),
        ("\"a\"", "\"aa\"", "field a is missing"),
        ("\"a\":", "\"b\":[],\"a\":", "field b occurs twice"),
        ("\"type\":\"delta\",", "", "field type is missing"),
        ("\"ts\":1733011200693,", "", "field ts is missing"),
        (
            "1733011200693",
            "9223372036854775808",
            "field ts: \"9223372036854775808\" is not a time in milliseconds",
        ),
    ] {
        assert_eq!(
            with(from, to),
            format!("orderbook.50.AUSDT: {words}"),
            "{to}"
        );
    }
}

#[test]
fn errors_of_whole_frames_say_so() {
    let digits = "9".repeat(40);
    let long = BOOK.replacen("1.9531", &digits, 1);
    assert_eq!(
        problem(&long),
        format!("orderbook.50.AUSDT: field price: \"{digits}\" is too large")
    );
    assert_eq!(
        problem("{\"data\":[]}"),
        "frame without a readable topic: field topic is missing"
    );
    assert_eq!(
        problem("{\"topic\":\"orderbook.50.AUSDT\",\"type\":\"delta\",\"ts\":1}"),
        "orderbook.50.AUSDT: field data is missing"
    );
    assert_eq!(
        problem("<html>403</html>"),
        "frame without a readable topic: is not JSON at byte 0"
    );
}

#[test]
fn what_is_not_json_is_refused() {
    for (from, to) in [
        ("691}", "691"),
        ("691}", "691}}"),
        ("691}", "691} x"),
        ("[[", "["),
        ("]]", "],]"),
        ("\"b\":", "\"b\""),
        (",\"seq\"", "\"seq\""),
        ("\"seq\":130020239261", "\"seq\":130020239261,"),
        ("{\"topic\"", "{,\"topic\""),
        ("\"seq\":130020239261", "\"x\":tru"),
        ("\"seq\":130020239261", "\"x\":01"),
        ("\"seq\":130020239261", "\"x\":1."),
        ("\"seq\":130020239261", "\"x\":-"),
        ("\"seq\":130020239261", "\"x\":\"\\q\""),
        ("\"seq\":130020239261", "\"x\":\"\u{1}\""),
        ("\"seq\":130020239261", "\"x\":[1,]"),
        ("\"seq\":130020239261", "\"x\":{\"a\":1,}"),
        ("\"seq\":130020239261", "\"x\":{1:2}"),
        ("\"u\":20254870", "\"u\":020254870"),
        ("[\"1.9531\",\"6198\"]", "[\"1.9531\",\"6198\",\"0\"]"),
        ("[\"1.9531\",\"6198\"]", "[1.9531,6198]"),
        ("[\"1.9531\",\"6198\"]", "[\"1.9531\"]"),
    ] {
        let text = BOOK.replacen(from, to, 1);
        assert_ne!(text, BOOK);
        assert_eq!(reference(text.as_bytes()), None, "{text}");
        problem(&text);
    }
}

#[test]
fn monsters_are_refused_in_little_memory() {
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    problem(&deep);
    let many = BOOK.replacen(
        "[\"1.9531\",\"6198\"]",
        &vec!["[\"1\",\"1\"]"; 2_001].join(","),
        1,
    );
    let mut levels = Levels::default();
    let error = read_frame(many.as_bytes(), &mut levels).unwrap_err();
    assert_eq!(
        *error.problem,
        FrameProblem::TooMany {
            field: "b",
            limit: 2_000
        }
    );
    assert!(levels.bids.capacity() < 5_000);
    let long = format!("{{\"topic\":\"{}\"}}", "x".repeat(100_000));
    assert!(problem(&long).len() < 200);
}

/// The reader of the usual shape alone.
fn usual(text: &[u8]) -> bool {
    super::compact::frame(text, &mut Levels::default()).is_some()
}

#[test]
fn the_shape_of_the_venue_takes_the_short_way() {
    assert!(usual(BOOK.as_bytes()));
    assert!(!usual(BOOK.replace(",\"b\"", ", \"b\"").as_bytes()));
}
