//! The fuzz targets without a fuzzer: sample messages, changed by a seeded generator, into the
//! same entries. `TRADETERM_FUZZ_CASES` is the number of cases of each target.

#![allow(clippy::unwrap_used, reason = "a test and its helpers")]

#[path = "../fuzz/entries.rs"]
mod entries;

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Cases of each target unless the environment says another number.
const CASES: u64 = 20_000;
const SEED: u64 = 0x7261_6e64_6f6d_2121;

const PUBLIC: &[&str] = &[
    r#"{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1700000000466,"data":{"s":"BTCUSDT","b":[["31247.20","31.027"],["31247.10","0.5"]],"a":[["31248.70","2"],["31249.00","1"]],"u":188500507,"seq":77544703342},"cts":1700000000464}"#,
    r#"{"topic":"orderbook.1.BTCUSDT","type":"snapshot","ts":1700000000466,"data":{"s":"BTCUSDT","b":[["31247.20","31.027"]],"a":[["31248.70","2"]],"u":7,"seq":8},"cts":1700000000464}"#,
    r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1700000000486,"data":{"s":"BTCUSDT","b":[["31247.20","0"]],"a":[],"u":188500508,"seq":77544703350},"cts":1700000000480}"#,
    r#"{"topic":"kline.1.BTCUSDT","data":[{"start":1700000040000,"end":1700000099999,"interval":"1","open":"21649.5","close":"21677","high":"21678","low":"21608","volume":"3.081","turnover":"45666.4005","confirm":true,"timestamp":1700000099882}],"ts":1700000099882,"type":"snapshot"}"#,
    r#"{"topic":"kline.5.BTCUSDT","data":[{"start":1700000100000,"end":1700000399999,"interval":"5","open":"21649.5","close":"21677","high":"21678","low":"21608","volume":"3.081","turnover":"45666.4005","confirm":false,"timestamp":1700000399882}],"ts":1700000399882,"type":"snapshot"}"#,
    r#"{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"21109.77","markPrice":"21110","indexPrice":"21109.5","bid1Price":"21109","bid1Size":"1.5","ask1Price":"21110","ask1Size":"2","fundingRate":"0.0001","nextFundingTime":"1700006400000","fundingIntervalHour":"8","openInterest":"5"},"cs":24987956059,"ts":1700000000000}"#,
    r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","lastPrice":"1.5","fundingRate":"","nextFundingTime":"1700000000000"},"cs":35987956060,"ts":1700000000100}"#,
    r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1700000000100,"data":[{"T":1700000000099,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"seq":1783284617}]}"#,
    r#"{"success":true,"ret_msg":"subscribe","conn_id":"2324d924","req_id":"10001","op":"subscribe"}"#,
];

const PRIVATE: &[&str] = &[
    r#"{"id":"m","topic":"order","creationTime":1700000000000,"data":[{"category":"linear","symbol":"BTCUSDT","orderId":"1","orderLinkId":"x","side":"Buy","orderStatus":"New","orderType":"Limit","timeInForce":"GTC","price":"1","qty":"2","leavesQty":"2","cumExecQty":"0","avgPrice":"","cumFeeDetail":{"USDT":"0.1"},"positionIdx":0,"reduceOnly":false,"createdTime":"1700000000000","updatedTime":"1700000000001"}]}"#,
    r#"{"id":"m","topic":"execution","creationTime":1700000000000,"data":[{"category":"linear","symbol":"BTCUSDT","execId":"e","execType":"Trade","orderId":"1","orderLinkId":"x","side":"Sell","execPrice":"60000.5","execQty":"0.1","execValue":"6000.05","execFee":"3.3","feeCurrency":"","isMaker":false,"execTime":"1700000000000","seq":5,"closedSize":"0.1"}]}"#,
    r#"{"id":"m","topic":"position","creationTime":1700000000000,"data":[{"category":"linear","symbol":"BTCUSDT","positionIdx":0,"side":"Buy","size":"0.1","entryPrice":"60000","leverage":"5","positionStatus":"Normal","liqPrice":"","unrealisedPnl":"1","seq":9}]}"#,
    r#"{"id":"m","topic":"wallet","creationTime":1700000000000,"data":[{"accountType":"UNIFIED","totalEquity":"1.5","coin":[{"coin":"USDT","equity":"1.5","walletBalance":"1e2"}]}]}"#,
    r#"{"reqId":"r","retCode":0,"retMsg":"OK","op":"order.create","data":{"orderId":"1","orderLinkId":"x"},"retExtInfo":{},"header":{"X-Bapi-Limit":"10","X-Bapi-Limit-Status":"9","Timenow":"1700000000000"},"connId":"c"}"#,
    r#"{"reqId":"r","retCode":0,"retMsg":"OK","op":"order.create-batch","data":{"list":[{"orderId":"1"}]},"retExtInfo":{"list":[{"code":0,"msg":"OK"}]},"header":{"X-Bapi-Limit":"10"}}"#,
    r#"{"success":false,"ret_msg":"error:already subscribed,topic:t","conn_id":"c","req_id":"\u00fc\"\\","op":"subscribe"}"#,
    r#"{"req_id":"q","op":"pong","args":["1700000000000"],"conn_id":"c"}"#,
];

const REST: &[&str] = &[
    r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","symbol":"BTCUSDT","list":[["1700000040000","60000.5","60005","59999","60001","1.003","90000"]]},"retExtInfo":{},"time":1700000100000}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","settleCoin":"USDT","launchTime":"1584230400000","leverageFilter":{"minLeverage":"1","maxLeverage":"100.00","leverageStep":"0.01"},"priceFilter":{"minPrice":"0.10","maxPrice":"1999999.80","tickSize":"0.10"},"lotSizeFilter":{"maxOrderQty":"1190","minOrderQty":"0.001","qtyStep":"0.001","maxMktOrderQty":"500","minNotionalValue":"5"},"fundingInterval":480}],"nextPageCursor":""},"retExtInfo":{},"time":1700000000000}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT","baseCoin":"BTC","quoteCoin":"USDT","status":"Trading","lotSizeFilter":{"basePrecision":"0.000001","quotePrecision":"0.00000001","minOrderQty":"0.000048","maxOrderQty":"71","minOrderAmt":"1","maxOrderAmt":"4000000"},"priceFilter":{"tickSize":"0.01"}}]},"retExtInfo":{},"time":1700000000000}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[],"nextPageCursor":"a%3D"},"retExtInfo":{},"time":1700000000000}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"orderId":"1","orderLinkId":"x"},"retExtInfo":{},"time":1700000000000}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"list":[{"orderId":"1","orderLinkId":"x","symbol":"BTCUSDT","category":"linear","createAt":"1700000000000"}]},"retExtInfo":{"list":[{"code":0,"msg":"OK"}]},"time":1700000000000}"#,
    r#"{"retCode":110007,"retMsg":"ab not enough for new order","result":{},"retExtInfo":{},"time":1700000000000}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"list":[{"accountType":"UNIFIED","totalEquity":"30000","coin":[{"coin":"USDT","equity":"30000","walletBalance":"30000","locked":""}]}]},"retExtInfo":{},"time":1700000000000}"#,
];

/// A book that lives: a snapshot and the changes behind it.
fn book_lines() -> String {
    let frame = |n: u64, kind: &str, bids: &str, asks: &str| {
        let ts = 1_700_000_000_000 + n * 20;
        let u = 100 + n;
        format!(
            r#"{{"topic":"orderbook.50.BTCUSDT","type":"{kind}","ts":{ts},"data":{{"s":"BTCUSDT","b":[{bids}],"a":[{asks}],"u":{u},"seq":{u}}},"cts":{ts}}}"#
        )
    };
    let lines = [
        frame(
            0,
            "snapshot",
            r#"["99.5","1"],["99","2"]"#,
            r#"["100.5","1"],["101","2"]"#,
        ),
        frame(1, "delta", r#"["99.7","1"]"#, r#"["100.5","0"]"#),
        frame(2, "delta", r#"["99.7","0"],["99.6","3"]"#, ""),
        frame(3, "delta", "", r#"["100.1","3"],["101","0"]"#),
        frame(4, "delta", r#"["99.6","0"]"#, r#"["100.2","3"]"#),
    ];
    lines.join("\n")
}

/// Texts that numbers turn into.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1e999",
    "1e-30",
    "0.0000000000000000001",
    "18446744073709551616",
    "-9223372036854775809",
    "9223372036854775807",
    "79228162514264337593543950336",
    "\"\"",
    "\"NaN\"",
    "null",
    "[]",
    "{}",
];
/// Bytes that mean something in JSON, and some that are no text.
const BYTES: &[u8] = b"{}[]\",:\\.-+eE0123456789tfnu \n\t\0\x7f\x80\xc3\xff";

/// Makes one case out of a sample, and sometimes a second one.
fn mutated(dice: &mut Xoshiro256PlusPlus, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = pick(dice, samples).clone();
    for _ in 0..=below(dice, 4) {
        change(dice, &mut bytes, samples);
    }
    bytes.truncate(1 << 16);
    bytes
}

fn below(dice: &mut Xoshiro256PlusPlus, n: usize) -> usize {
    usize::try_from(dice.next_u64() % n.max(1) as u64).unwrap()
}

fn pick<'a, T>(dice: &mut Xoshiro256PlusPlus, all: &'a [T]) -> &'a T {
    &all[below(dice, all.len())]
}

/// A stretch of the bytes, at most `most` long.
fn stretch(dice: &mut Xoshiro256PlusPlus, len: usize, most: usize) -> std::ops::Range<usize> {
    let start = below(dice, len + 1);
    let length = below(dice, most.min(len - start) + 1);
    start..start + length
}

fn change(dice: &mut Xoshiro256PlusPlus, bytes: &mut Vec<u8>, samples: &[Vec<u8>]) {
    let len = bytes.len();
    match below(dice, 9) {
        0 if 0 < len => {
            let at = below(dice, len);
            bytes[at] ^= 1 << below(dice, 8);
        }
        1 if 0 < len => {
            let at = below(dice, len);
            bytes[at] = *pick(dice, BYTES);
        }
        2 => {
            let at = below(dice, len + 1);
            bytes.insert(at, *pick(dice, BYTES));
        }
        3 => {
            let gone = stretch(dice, len, 40);
            bytes.drain(gone);
        }
        4 => {
            let copied = bytes[stretch(dice, len, 60)].to_vec();
            let at = below(dice, len + 1);
            bytes.splice(at..at, copied);
        }
        5 => bytes.truncate(below(dice, len + 1)),
        6 => {
            let other = pick(dice, samples);
            let part = other[stretch(dice, other.len(), 200)].to_vec();
            let gone = stretch(dice, len, 60);
            bytes.splice(gone, part);
        }
        7 => {
            let nested = vec![*pick(dice, b"[{\""); 1 + below(dice, 600)];
            let at = below(dice, len + 1);
            bytes.splice(at..at, nested);
        }
        _ => another_number(dice, bytes),
    }
}

/// Puts another number in the place of one that is there.
fn another_number(dice: &mut Xoshiro256PlusPlus, bytes: &mut Vec<u8>) {
    let from = below(dice, bytes.len().max(1));
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let Some(start) = bytes.iter().skip(from).position(u8::is_ascii_digit) else {
        return;
    };
    let start = from + start;
    let n_digits = bytes[start..]
        .iter()
        .take_while(|byte| is_part(byte))
        .count();
    let text = *pick(dice, &NUMBERS);
    bytes.splice(start..start + n_digits, text.bytes());
}

fn n_cases() -> u64 {
    let set = std::env::var("TRADETERM_FUZZ_CASES").ok();
    set.map_or(CASES, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("TRADETERM_FUZZ_CASES={text:?} is no whole number"))
    })
}

/// Runs a target; the first case that panics, with its bytes.
fn run(n_cases: u64, samples: &[Vec<u8>], entry: fn(&[u8]) -> usize) -> Result<(u64, u64), String> {
    let (mut n_accepted, mut n_refused) = (0, 0);
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(SEED);
    for case in 0..n_cases {
        let bytes = mutated(&mut dice, samples);
        match catch_unwind(AssertUnwindSafe(|| entry(&bytes))) {
            Ok(0) => n_refused += 1,
            Ok(_) => n_accepted += 1,
            Err(_) => {
                let shown = bytes.escape_ascii();
                return Err(format!("case {case} panics: {shown}"));
            }
        }
    }
    Ok((n_accepted, n_refused))
}

/// Samples are accepted as they are; changed ones are accepted or refused, and both happen.
#[track_caller]
fn check(samples: &[&str], entry: fn(&[u8]) -> usize) {
    let samples: Vec<Vec<u8>> = samples
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    let n_read = samples.iter().filter(|bytes| 0 < entry(bytes)).count();
    assert_eq!(n_read, samples.len(), "every sample is read");
    let n_cases = n_cases();
    match run(n_cases, &samples, entry) {
        Ok((n_accepted, n_refused)) => {
            eprintln!("{n_cases} cases: {n_accepted} accepted, {n_refused} refused, 0 panics");
            assert!(n_cases < 100 || (0 < n_accepted && 0 < n_refused));
        }
        Err(what) => panic!("{what}"),
    }
}

#[test]
fn public_frames() {
    check(PUBLIC, entries::public_frame);
}

#[test]
fn private_frames() {
    check(PRIVATE, entries::private_frame);
}

#[test]
fn rest_envelopes() {
    check(REST, entries::rest_envelope);
}

#[test]
fn book_deltas() {
    check(&[&book_lines()], entries::book_delta);
}

#[test]
fn a_planted_panic_is_found() {
    fn planted(bytes: &[u8]) -> usize {
        assert!(!bytes.windows(5).any(|part| part == b"1e999"), "planted");
        1
    }
    let samples = [PUBLIC[0].as_bytes().to_vec()];
    let found = run(2_000, &samples, planted).unwrap_err();
    assert!(found.contains("1e999"), "{found}");
    assert_eq!(run(2_000, &samples, planted), Err(found), "the same cases");
}
