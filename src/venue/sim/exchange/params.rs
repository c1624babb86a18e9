//! Parameters of a request, whether they came as a query or as a JSON body.
//!
//! Numbers may come as text or as numbers, an empty text counts as absent, and unknown names are
//! ignored, because real clients send all of that.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::domain::{Category, Timestamp};

/// Parameters by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Params<'a>(&'a Value);

impl<'a> Params<'a> {
    /// Parameters of a JSON object.
    pub(super) const fn new(object: &'a Value) -> Self {
        Self(object)
    }

    /// A text; a number is taken as its text.
    pub(super) fn text(self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A text that must be there.
    pub(super) fn need(self, name: &str) -> Result<String, Refusal> {
        self.text(name)
            .ok_or_else(|| Refusal::params(format_args!("{name} is required")))
    }

    /// A number of any of the number types.
    pub(super) fn number<T: FromStr>(self, name: &str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let bad = |_| Refusal::params(format_args!("{name} invalid"));
        text.parse().map(Some).map_err(bad)
    }

    /// A moment in milliseconds.
    pub(super) fn time(self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let ms: Option<i64> = self.number(name)?;
        Ok(ms.map(Timestamp::from_millis))
    }

    /// Yes or no; absent is no.
    pub(super) fn flag(self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    /// The market that a request is about; the venue has spot and linear.
    pub(super) fn category(self) -> Result<Category, Refusal> {
        match self.text("category").as_deref() {
            Some("linear") => Ok(Category::Linear),
            Some("spot") => Ok(Category::Spot),
            _ => Err(Refusal::new(10001, "Illegal category")),
        }
    }

    /// Rows per page: `default` when absent, refused outside of 1 to `most`.
    pub(super) fn limit(self, default: usize, most: usize) -> Result<usize, Refusal> {
        match self.number::<usize>("limit")? {
            None => Ok(default),
            Some(n) if (1..=most).contains(&n) => Ok(n),
            Some(_) => Err(Refusal::params(format_args!("limit must be 1 to {most}"))),
        }
    }

    /// The cursor, decoded however often a client encoded it.
    pub(super) fn cursor(self) -> Option<String> {
        let mut cursor = self.text("cursor")?;
        while cursor.contains('%') {
            let plain = decoded(&cursor);
            if plain == cursor {
                break;
            }
            cursor = plain;
        }
        Some(cursor)
    }

    /// Items of a batch.
    pub(super) fn items(self) -> Option<&'a Vec<Value>> {
        self.0.get("request")?.as_array()
    }
}

/// Reads a raw query into an object of texts; a repeated name keeps its last value.
pub(super) fn of_query(query: &str) -> Value {
    let mut map = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        map.insert(decoded(name), Value::String(decoded(value)));
    }
    Value::Object(map)
}

/// Undoes percent-encoding; what is no code stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3);
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes what a cursor needs encoded.
pub(super) fn encoded(text: &str) -> String {
    text.replace('%', "%25")
        .replace('=', "%3D")
        .replace('&', "%26")
        .replace(':', "%3A")
        .replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_and_a_body_say_the_same() {
        let query = of_query("symbol=BTCUSDT&limit=5&x=&cursor=page_args%253Da%2526");
        let query = Params::new(&query);
        assert_eq!(query.text("symbol").as_deref(), Some("BTCUSDT"));
        assert_eq!(query.text("x"), None);
        assert_eq!(query.limit(20, 50), Ok(5));
        assert_eq!(query.cursor().as_deref(), Some("page_args=a&"));
        let body = json!({"limit": 51, "reduceOnly": true, "closeOnTrigger": "true", "qty": 1.5});
        let body = Params::new(&body);
        assert_eq!(body.limit(20, 50).unwrap_err().code, 10001);
        assert!(body.flag("reduceOnly") && body.flag("closeOnTrigger") && !body.flag("other"));
        assert_eq!(body.text("qty").as_deref(), Some("1.5"));
        assert_eq!(decoded(&encoded("a=b&c:d,e%")), "a=b&c:d,e%");
        assert_eq!(decoded("100%zz+%"), "100%zz %");
    }
}
