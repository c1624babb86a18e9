//! The query of a GET, built once: what is signed is what is sent.

/// Parameters of a request, in the order in which they were given, ready for the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    text: String,
    category: Option<String>,
    /// First parameter that cannot be sent verbatim.
    unfit: Option<String>,
}

impl Query {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter; everything but letters, digits and `-._~` is percent-encoded.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if name == "category" {
            self.category = Some(value.to_owned());
        }
        let encoded = encode(value);
        self.push(name, &encoded);
        self
    }

    /// Adds a parameter whose value is encoded already, such as a cursor of the venue's: it goes
    /// out byte for byte. A value that cannot is refused when the request is made.
    #[must_use]
    pub fn raw(mut self, name: &str, encoded: &str) -> Self {
        if !encoded.bytes().all(goes_verbatim) {
            self.unfit.get_or_insert_with(|| name.to_owned());
        }
        self.push(name, encoded);
        self
    }

    /// The query as it is signed and sent, without a question mark.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    pub(super) fn unfit(&self) -> Option<&str> {
        self.unfit.as_deref()
    }

    fn push(&mut self, name: &str, encoded: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.push_str(name);
        self.text.push('=');
        self.text.push_str(encoded);
    }
}

impl From<&[(&str, &str)]> for Query {
    fn from(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter();
        pairs.fold(Self::new(), |query, (name, value)| query.with(name, value))
    }
}

impl<const N: usize> From<&[(&str, &str); N]> for Query {
    fn from(pairs: &[(&str, &str); N]) -> Self {
        Self::from(&pairs[..])
    }
}

impl From<&Query> for Query {
    fn from(query: &Query) -> Self {
        query.clone()
    }
}

fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex::encode_upper([byte]));
        }
    }
    text
}

/// Whether a byte of a query's value means itself and is left alone on its way out.
fn goes_verbatim(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$()*+,;:@/?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::Url;

    use super::*;

    #[test]
    fn values_are_encoded_and_cursors_are_not() {
        for (query, expected) in [
            (Query::new(), ""),
            (
                Query::from(&[("category", "linear"), ("symbol", "BTCUSDT")]),
                "category=linear&symbol=BTCUSDT",
            ),
            (
                Query::from(&[("coin", "USDT,USDC"), ("x", "a b&c=d%")]),
                "coin=USDT%2CUSDC&x=a%20b%26c%3Dd%25",
            ),
            (
                Query::new()
                    .with("limit", "50")
                    .raw("cursor", "132766%3A2%2C132766%3A2"),
                "limit=50&cursor=132766%3A2%2C132766%3A2",
            ),
            (
                Query::new().raw("cursor", "page_token%3D39380%26"),
                "cursor=page_token%3D39380%26",
            ),
        ] {
            assert_eq!(query.as_str(), expected);
            assert_eq!(query.unfit(), None);
        }
    }

    #[test]
    fn a_cursor_that_would_change_on_its_way_is_unfit() {
        for cursor in ["a b", "a&b", "a#b", "a\"b", "a'b", "a\u{e9}", "a\nb", "a<b"] {
            let query = Query::new().raw("cursor", cursor).raw("other", "#");
            assert_eq!(query.unfit(), Some("cursor"), "{cursor}");
        }
    }

    proptest! {
        /// The address parser of the client leaves every query alone that is not unfit.
        #[test]
        fn the_query_reaches_the_wire_unchanged(value in any::<String>(), raw in "[ -~]{0,20}") {
            let query = Query::new().with("a", &value).raw("b", &raw);
            if query.unfit().is_none() {
                let text = format!("https://api.bybit.com/v5/market/time?{}", query.as_str());
                let url = Url::parse(&text).unwrap();
                prop_assert_eq!(url.query(), Some(query.as_str()));
                let first = url.query_pairs().next().unwrap().1.into_owned();
                prop_assert_eq!(first, value);
            }
        }
    }
}
