//! The envelope of an answer, opened; what is inside stays as it came.
//!
//! Source: Bybit v5, guide (common response) and rate limit rules.

use std::fmt;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::domain::Timestamp;
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::limits::LimitHeaders;

use super::error::{clean, redact};

/// Characters of a message that are kept.
const LONGEST_MESSAGE: usize = 500;

/// An answer of the venue: success is code 0 and nothing else.
pub struct Answer {
    /// `retCode`.
    pub code: i64,
    /// `retMsg`, without control characters and without our key; empty when there is none.
    pub message: String,
    /// `result`, as it came; `null` when there is none.
    pub result: Box<RawValue>,
    /// `retExtInfo`, as it came; holds the items' codes of a batch.
    pub ext: Option<Box<RawValue>>,
    /// `time` of the venue's clock; some answers have none.
    pub time: Option<Timestamp>,
    /// What the heads say about the endpoint's budget, by the venue's clock.
    pub limit: LimitHeaders,
    /// When the request left, by the local clock.
    pub sent_at: Timestamp,
    /// When the whole answer was here, by the local clock.
    pub received_at: Timestamp,
}

impl Answer {
    /// Whether the venue says that it went well.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.code == 0
    }

    /// Reads the result as `T`.
    ///
    /// # Errors
    ///
    /// What is wrong with its shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.result.get())
    }
}

/// Without the contents: they hold names, amounts and, of one path, the key.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("result_bytes", &self.result.get().len())
            .field("time", &self.time)
            .field("limit", &self.limit)
            .field("sent_at", &self.sent_at)
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// The envelope by the names of the wire.
#[derive(Deserialize)]
pub(super) struct Envelope {
    #[serde(rename = "retCode")]
    pub(super) code: i64,
    #[serde(rename = "retMsg", default)]
    message: Option<String>,
    #[serde(default)]
    pub(super) result: Option<Box<RawValue>>,
    #[serde(rename = "retExtInfo", default)]
    pub(super) ext: Option<Box<RawValue>>,
    #[serde(default)]
    time: Option<Box<RawValue>>,
}

impl Envelope {
    /// The message as it may be shown: it repeats what was signed when a signature is wrong.
    pub(super) fn message(&self, credentials: Option<&Credentials>) -> String {
        let text = self.message.as_deref().unwrap_or("");
        clean(&redact(text, credentials), LONGEST_MESSAGE)
    }

    /// A whole number of milliseconds, with or without quotes; anything else is no time.
    pub(super) fn time(&self) -> Option<Timestamp> {
        let text = self.time.as_ref()?.get().trim_matches('"');
        text.parse().ok().map(Timestamp::from_millis)
    }
}

/// What the heads say; a head that is no number is not there.
pub(super) fn limits_of(headers: &HeaderMap) -> LimitHeaders {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let reset = text("x-bapi-limit-reset-timestamp").and_then(|ms| ms.parse().ok());
    LimitHeaders {
        limit: text("x-bapi-limit").and_then(|n| n.parse().ok()),
        left: text("x-bapi-limit-status").and_then(|n| n.parse().ok()),
        reset: reset.map(Timestamp::from_millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Option<(i64, String, Option<String>, Option<i64>)> {
        let envelope: Envelope = serde_json::from_str(text).ok()?;
        let result = envelope.result.as_ref().map(|raw| raw.get().to_owned());
        let time = envelope.time().map(Timestamp::millis);
        Some((envelope.code, envelope.message(None), result, time))
    }

    #[test]
    fn envelopes_come_with_and_without_their_parts() {
        let some = |text: &str| Some(text.to_owned());
        for (text, expected) in [
            (
                r#"{"retCode":0,"retMsg":"OK","result":{"a":"1.50"},"retExtInfo":{},"time":5}"#,
                Some((0, "OK".to_owned(), some(r#"{"a":"1.50"}"#), Some(5))),
            ),
            (r#"{"retCode":0}"#, Some((0, String::new(), None, None))),
            (
                r#"{"retCode":-2015,"retMsg":null,"result":null,"time":"7","new":1}"#,
                Some((-2015, String::new(), None, Some(7))),
            ),
            (
                "{\"retCode\":1,\"retMsg\":\"a\\u001b[2Jb\\nc\",\"time\":\"soon\"}",
                Some((1, "a[2Jb c".to_owned(), None, None)),
            ),
            (r#"{"retMsg":"OK","result":{}}"#, None),
            (r#"{"retCode":"0"}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(open(text), expected, "{text}");
        }
    }

    #[test]
    fn heads_are_read_one_by_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(limits_of(&headers), LimitHeaders::default());
        headers.insert("X-Bapi-Limit", "10".parse().unwrap());
        headers.insert("X-Bapi-Limit-Status", "nine".parse().unwrap());
        let reset = "1700000000123".parse().unwrap();
        headers.insert("X-Bapi-Limit-Reset-Timestamp", reset);
        let expected = LimitHeaders {
            limit: Some(10),
            left: None,
            reset: Some(Timestamp::from_millis(1_700_000_000_123)),
        };
        assert_eq!(limits_of(&headers), expected);
    }
}
