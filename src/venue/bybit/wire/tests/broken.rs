//! Broken messages: cut, changed and made up. They may be refused; they may not panic.

use proptest::prelude::*;

use super::super::{Envelope, WireError, parse_private, parse_public, parse_trade};

const MESSAGES: &[&str] = &[
    r#"{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1700000000466,"data":{"s":"BTCUSDT","b":[["31247.20","31.027"]],"a":[["31248.70","0"]],"u":188500507,"seq":77544703342},"cts":1700000000464}"#,
    r#"{"topic":"kline.5.BTCUSDT","data":[{"start":1700000100000,"end":1700000399999,"interval":"5","open":"21649.5","close":"21677","high":"21678","low":"21608","volume":"3.081","turnover":"45666.4005","confirm":false,"timestamp":1700000399882}],"ts":1,"type":"snapshot"}"#,
    r#"{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","lastPrice":"1.5","fundingRate":"","nextFundingTime":"1700000000000"},"cs":35987956060,"ts":2}"#,
    r#"{"id":"m","topic":"order","creationTime":1700000000000,"data":[{"symbol":"BTCUSDT","orderId":"1","side":"Buy","orderStatus":"New","price":"1","qty":"2","avgPrice":"","cumFeeDetail":{"USDT":"0.1"},"positionIdx":0,"reduceOnly":false}]}"#,
    r#"{"topic":"wallet","creationTime":1,"data":[{"totalEquity":"1.5","coin":[{"coin":"USDT","walletBalance":"1e2"}]}]}"#,
    r#"{"reqId":"r","retCode":0,"retMsg":"OK","op":"order.create-batch","data":{"list":[{"orderId":"1"}]},"retExtInfo":{"list":[{"code":0,"msg":"OK"}]},"header":{"X-Bapi-Limit":"10"}}"#,
    r#"{"success":false,"ret_msg":"error:already subscribed,topic:t","conn_id":"c","req_id":"ü\"\\","op":"subscribe"}"#,
    r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[],"nextPageCursor":"a%3D"},"retExtInfo":{},"time":1700000000000}"#,
];

/// Reads `text` in every way; returns how many accept it.
fn read_all(text: &str) -> usize {
    let results: [Result<(), WireError>; 4] = [
        parse_public(text).map(drop),
        parse_private(text).map(drop),
        parse_trade(text).map(drop),
        Envelope::parse(text).and_then(|envelope| envelope.batch().map(drop)),
    ];
    let mut n_read = 0;
    for result in results {
        match result {
            Ok(()) => n_read += 1,
            Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
        }
    }
    n_read
}

#[test]
fn the_messages_themselves_are_read() {
    for message in MESSAGES {
        assert!(0 < read_all(message), "{message}");
    }
}

#[test]
fn a_message_that_ends_early_is_refused() {
    for message in MESSAGES {
        for end in (0..message.len()).filter(|end| message.is_char_boundary(*end)) {
            assert_eq!(read_all(&message[..end]), 0, "{}", &message[..end]);
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!(
        r#"{{"topic":"order","data":{}1{}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert!(parse_private(&deep).is_err());
    assert!(parse_public(&"[".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn changed_messages_do_not_panic(
        which in 0..MESSAGES.len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[\"\\\\{}\\[\\],:0-9eE.\u{0}é-]{0,3}"), 1..4),
    ) {
        let mut text = MESSAGES[which].to_owned();
        for (place, put) in cuts {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            if let Some(&at) = starts.get(place.index(starts.len().max(1))) {
                let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
                text.replace_range(at..end, &put);
            }
        }
        read_all(&text);
    }

    #[test]
    fn made_up_texts_do_not_panic(text in ".{0,200}|[\\[\\]{}\",:0-9a-z\\\\ \n]{0,200}") {
        read_all(&text);
    }
}
