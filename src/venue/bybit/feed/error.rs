//! Why a public frame cannot be used: the topic, the field and the value.

use crate::domain::{BarError, NumberError};

/// Longest piece of a foreign text that an error repeats.
const SHOWN: usize = 40;

/// A frame that was not understood. Nothing of it has been taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", self.topic.as_deref().unwrap_or("frame without a readable topic"))]
pub struct FrameError {
    /// Topic of the frame, where it could be read.
    pub topic: Option<Box<str>>,
    /// What is wrong with it.
    pub problem: Box<FrameProblem>,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameProblem {
    /// The text is not JSON.
    #[error("is not JSON at byte {at}")]
    NotJson {
        /// Where reading stopped.
        at: usize,
    },
    /// A field that every such frame has.
    #[error("field {field} is missing")]
    Missing {
        /// Name of the field.
        field: &'static str,
    },
    /// A field that says two things.
    #[error("field {field} occurs twice")]
    Twice {
        /// Name of the field.
        field: &'static str,
    },
    /// A decimal that is none, is too fine, too large or negative.
    #[error("field {field}: {source}")]
    BadNumber {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it, with its text.
        source: NumberError,
    },
    /// A price of zero: nothing can trade there.
    #[error("field {field}: a price of zero is no price")]
    ZeroPrice {
        /// Name of the field.
        field: &'static str,
    },
    /// A value that does not belong there.
    #[error("field {field}: {value:?} is not {expected}")]
    BadValue {
        /// Name of the field.
        field: &'static str,
        /// Its value, shortened.
        value: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// More entries than the topic can have.
    #[error("field {field} has more than {limit} entries")]
    TooMany {
        /// Name of the field.
        field: &'static str,
        /// Largest number that is read.
        limit: usize,
    },
    /// The data part has another shape.
    #[error("data: {0}")]
    BadData(String),
    /// A bar that contradicts itself.
    #[error(transparent)]
    BadBar(#[from] BarError),
}

impl FrameError {
    /// Error of a frame about `topic`.
    #[must_use]
    pub fn new(topic: Option<&str>, problem: FrameProblem) -> Self {
        Self {
            topic: topic.map(|topic| shortened(topic).into()),
            problem: Box::new(problem),
        }
    }
}

impl FrameProblem {
    /// A decimal that cannot be used; its text is shortened.
    #[must_use]
    pub fn number(field: &'static str, error: NumberError) -> Self {
        let source = match error {
            NumberError::NotANumber(text) => NumberError::NotANumber(shortened(&text)),
            NumberError::TooFine { text, digits } => NumberError::TooFine {
                text: shortened(&text),
                digits,
            },
            NumberError::TooLarge(text) => NumberError::TooLarge(shortened(&text)),
            NumberError::Negative(text) => NumberError::Negative(shortened(&text)),
        };
        Self::BadNumber { field, source }
    }

    /// A value that does not belong there; it is shortened.
    #[must_use]
    pub fn value(field: &'static str, value: &str, expected: &'static str) -> Self {
        Self::BadValue {
            field,
            value: shortened(value),
            expected,
        }
    }

    /// The words of a JSON error, shortened.
    pub(super) fn data(error: &serde_json::Error) -> Self {
        let text: String = error.to_string().chars().take(160).collect();
        Self::BadData(text)
    }
}

/// Enough of a foreign text to recognise it.
fn shortened(text: &str) -> String {
    if text.chars().nth(SHOWN).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(SHOWN).collect();
    short.push_str("...");
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_topic_field_and_value() {
        let long = "9".repeat(500);
        for (problem, words) in [
            (
                FrameProblem::number("price", NumberError::Negative("-1".to_owned())),
                "orderbook.50.BTCUSDT: field price: \"-1\" is negative",
            ),
            (
                FrameProblem::number("size", NumberError::TooLarge(long)),
                "orderbook.50.BTCUSDT: field size: \"9999999999999999999999999999999999999999...\" is too large",
            ),
            (
                FrameProblem::value("type", "snap", "snapshot or delta"),
                "orderbook.50.BTCUSDT: field type: \"snap\" is not snapshot or delta",
            ),
            (
                FrameProblem::Missing { field: "u" },
                "orderbook.50.BTCUSDT: field u is missing",
            ),
        ] {
            let error = FrameError::new(Some("orderbook.50.BTCUSDT"), problem);
            assert_eq!(error.to_string(), words);
        }
        let error = FrameError::new(None, FrameProblem::NotJson { at: 7 });
        assert_eq!(
            error.to_string(),
            "frame without a readable topic: is not JSON at byte 7"
        );
    }
}
