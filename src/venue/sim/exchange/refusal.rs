//! Answers before they get an envelope: results, and refusals with the venue's codes.
//!
//! Codes and texts are those of PROTOCOL section 16 (Bybit v5, error codes).

use serde_json::{Value, json};

use crate::domain::Category;

/// A request that was carried out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    /// `retMsg`.
    pub(super) text: &'static str,
    /// `result`, or `data` on a socket.
    pub(super) result: Value,
    /// `retExtInfo`.
    pub(super) ext: Value,
}

impl Answer {
    /// An ordinary success.
    pub(super) fn ok(result: Value) -> Self {
        Self {
            text: "OK",
            result,
            ext: json!({}),
        }
    }

    /// A list of one category.
    pub(super) fn list(category: Category, list: Vec<Value>, cursor: &str) -> Self {
        Self::ok(json!({
            "category": category.to_string(),
            "list": Value::Array(list),
            "nextPageCursor": cursor,
        }))
    }
}

/// A request that was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// HTTP status; 200 for everything that has a code of its own.
    pub(super) status: u16,
    /// `retCode`.
    pub(super) code: i64,
    /// `retMsg`.
    pub(super) text: String,
    /// `result`; an empty object as a rule.
    pub(super) result: Value,
}

/// What a request leads to.
pub(super) type Outcome = Result<Answer, Refusal>;

impl Refusal {
    /// A refusal with a code.
    pub(super) fn new(code: i64, text: impl Into<String>) -> Self {
        Self {
            status: 200,
            code,
            text: text.into(),
            result: json!({}),
        }
    }

    /// 10001: a parameter is wrong.
    pub(super) fn params(text: impl std::fmt::Display) -> Self {
        Self::new(10001, format!("params error: {text}"))
    }

    /// The order is not there, or not open any more.
    pub(super) fn gone(category: Category) -> Self {
        match category {
            Category::Linear => Self::new(110_001, "order not exists or too late to cancel"),
            Category::Spot => Self::new(170_213, "Order does not exist."),
        }
    }

    /// A second order of one name.
    pub(super) fn duplicate(category: Category) -> Self {
        match category {
            Category::Linear => Self::new(110_072, "OrderLinkedID is duplicate"),
            Category::Spot => Self::new(170_141, "Duplicate clientOrderId."),
        }
    }

    /// The account cannot afford it.
    pub(super) fn funds(category: Category) -> Self {
        match category {
            Category::Linear => Self::new(110_007, "ab not enough for new order"),
            Category::Spot => Self::new(170_131, "Insufficient balance."),
        }
    }

    /// Too many requests of one kind.
    pub(super) fn too_many() -> Self {
        Self::new(10006, "Too many visits. Exceeded the API Rate Limit.")
    }
}

/// Both objects in one; what both have is the second's.
pub(super) fn joined(mut first: Value, second: Value) -> Value {
    if let (Value::Object(all), Value::Object(more)) = (&mut first, second) {
        all.extend(more);
    }
    first
}
