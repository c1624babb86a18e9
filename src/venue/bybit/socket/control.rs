//! Frames that are about the connection: pongs, answers to `auth` and to subscriptions.
//!
//! Everything else is data. A text that cannot be read is data, too: whoever reads the data says
//! what is wrong with it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a text frame is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    /// Answer to a ping, in one of its five forms or as the bare word.
    Pong,
    /// Answer to `auth`.
    Auth {
        is_ok: bool,
        code: Option<i64>,
        message: Cow<'a, str>,
    },
    /// Answer to `subscribe` or `unsubscribe`.
    Ack {
        req_id: Option<Cow<'a, str>>,
        is_ok: bool,
        message: Cow<'a, str>,
    },
    /// Anything else.
    Data { topic: Option<Cow<'a, str>> },
}

/// The fields that tell frames apart. Raw, so that an unexpected type harms nothing.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    topic: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<&'a RawValue>,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    ret_msg: Option<&'a RawValue>,
    #[serde(borrow)]
    req_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "retCode")]
    code: Option<&'a RawValue>,
    #[serde(borrow, rename = "retMsg")]
    message: Option<&'a RawValue>,
}

/// Tells what a text frame is.
pub(super) fn read(text: &str) -> Incoming<'_> {
    let Ok(head) = serde_json::from_str::<Head<'_>>(text) else {
        if text.trim().trim_matches('"').eq_ignore_ascii_case("pong") {
            return Incoming::Pong;
        }
        return Incoming::Data { topic: None };
    };
    if let Some(topic) = head.topic.and_then(string) {
        return Incoming::Data { topic: Some(topic) };
    }
    let op = head.op.and_then(string).unwrap_or_default();
    let message = head.ret_msg.or(head.message).and_then(string);
    if op == "pong" || op == "ping" || message.as_deref() == Some("pong") {
        return Incoming::Pong;
    }
    let success = head.success.map(RawValue::get);
    let code = head.code.and_then(integer);
    let is_ok = success == Some("true") || (success.is_none() && code == Some(0));
    match op.as_ref() {
        "auth" => Incoming::Auth {
            // 20001: this connection is logged in already.
            is_ok: is_ok || code == Some(20_001),
            code,
            message: message.unwrap_or_default(),
        },
        "subscribe" | "unsubscribe" => Incoming::Ack {
            req_id: head.req_id.and_then(string),
            is_ok,
            message: message.unwrap_or_default(),
        },
        // Some refusals do not say what they refuse.
        "" if success == Some("false") => Incoming::Ack {
            req_id: head.req_id.and_then(string),
            is_ok: false,
            message: message.unwrap_or_default(),
        },
        _ => Incoming::Data { topic: None },
    }
}

/// Text of a JSON string; of a number its digits.
pub(super) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    if !text.starts_with('"') {
        let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        return is_number.then_some(Cow::Borrowed(text));
    }
    if text.contains('\\') {
        return serde_json::from_str::<String>(text).ok().map(Cow::Owned);
    }
    text.get(1..text.len() - 1).map(Cow::Borrowed)
}

/// Whole number of a JSON number or of a string that holds one.
pub(super) fn integer(raw: &RawValue) -> Option<i64> {
    string(raw)?.parse().ok()
}

/// What is asked of the venue about topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Subscribe,
    Unsubscribe,
}

/// Text of a request about topics.
pub(super) fn request(op: Op, req_id: &str, args: &[String]) -> String {
    #[derive(Serialize)]
    struct Request<'a> {
        req_id: &'a str,
        op: &'a str,
        args: &'a [String],
    }
    let op = match op {
        Op::Subscribe => "subscribe",
        Op::Unsubscribe => "unsubscribe",
    };
    serde_json::to_string(&Request { req_id, op, args }).expect("strings can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_pong_is_told() {
        for text in [
            r#"{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}"#,
            r#"{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}"#,
            r#"{"args":["1700000000000"],"op":"pong"}"#,
            r#"{"req_id":"r","op":"pong","args":["1700000000000"],"conn_id":"c"}"#,
            r#"{"retCode":0,"retMsg":"OK","op":"pong","data":["1700000000000"],"connId":"c"}"#,
            "pong",
            "\"Pong\"\n",
        ] {
            assert_eq!(read(text), Incoming::Pong, "{text}");
        }
    }

    #[test]
    fn answers_are_told_from_data() {
        let auth = |is_ok, code, message: &'static str| Incoming::Auth {
            is_ok,
            code,
            message: Cow::Borrowed(message),
        };
        let ack = |req_id: Option<&'static str>, is_ok, message: &'static str| Incoming::Ack {
            req_id: req_id.map(Cow::Borrowed),
            is_ok,
            message: Cow::Borrowed(message),
        };
        let data = |topic: Option<&'static str>| Incoming::Data {
            topic: topic.map(Cow::Borrowed),
        };
        for (text, expected) in [
            (
                r#"{"success":true,"ret_msg":"","op":"auth","conn_id":"c"}"#,
                auth(true, None, ""),
            ),
            (
                r#"{"success":false,"ret_msg":"Params Error","op":"auth"}"#,
                auth(false, None, "Params Error"),
            ),
            (
                r#"{"retCode":0,"retMsg":"OK","op":"auth","connId":"c"}"#,
                auth(true, Some(0), "OK"),
            ),
            (
                r#"{"retCode":10004,"retMsg":"bad sign","op":"auth"}"#,
                auth(false, Some(10_004), "bad sign"),
            ),
            (
                r#"{"retCode":20001,"retMsg":"again","op":"auth"}"#,
                auth(true, Some(20_001), "again"),
            ),
            (
                r#"{"success":true,"ret_msg":"subscribe","req_id":"7","op":"subscribe"}"#,
                ack(Some("7"), true, "subscribe"),
            ),
            (
                r#"{"success":true,"ret_msg":"","req_id":7,"op":"unsubscribe"}"#,
                ack(Some("7"), true, ""),
            ),
            (
                r#"{"success":false,"ret_msg":"args size >10"}"#,
                ack(None, false, "args size >10"),
            ),
            (
                r#"{"data":[],"ts":1,"topic":"orderbook.1.BTCUSDT"}"#,
                data(Some("orderbook.1.BTCUSDT")),
            ),
            (r#"{"topic":"or\u0064er","data":[]}"#, data(Some("order"))),
            (
                r#"{"reqId":"1","retCode":0,"op":"order.create"}"#,
                data(None),
            ),
            (r#"{"reqId":"1","retCode""#, data(None)),
            ("", data(None)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
