//! What every REST answer is wrapped in.
//!
//! A code of zero is the only success. `result`, `retExtInfo` and `time` may be missing
//! (Bybit v5, "common response parameters").

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::error::{WireError, from_json, from_part};
use super::names::WireCategory;
use super::number::{int, int_opt, opt, or_default};
use super::order::BatchAck;
use crate::domain::Timestamp;

/// A REST answer whose result is not read yet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// Code of the answer; zero is success.
    #[serde(with = "int")]
    pub ret_code: i64,
    /// Text of the answer; says nothing reliable about a success.
    #[serde(default, deserialize_with = "or_default")]
    pub ret_msg: String,
    /// The result as it was written, if there is one.
    #[serde(default)]
    pub result: Option<Box<RawValue>>,
    /// Codes of the items of a batch; empty for everything else.
    #[serde(default, rename = "retExtInfo")]
    pub ext: ExtInfo,
    /// The venue's time of the answer.
    #[serde(default, with = "int_opt")]
    pub time: Option<Timestamp>,
}

/// Code of one item of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCode {
    /// Code; zero is success.
    #[serde(with = "int")]
    pub code: i64,
    /// Text.
    #[serde(default, deserialize_with = "or_default")]
    pub msg: String,
}

/// The second half of a batch answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ExtInfo {
    /// Codes, in the order of the request's items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<ItemCode>,
}

impl<'de> Deserialize<'de> for ExtInfo {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ExtInfo;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("codes of a batch")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExtInfo, A::Error> {
                let mut ext = ExtInfo::default();
                while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                    if key == "list" {
                        ext.list = map.next_value::<Option<_>>()?.unwrap_or_default();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(ext)
            }
            fn visit_unit<E>(self) -> Result<ExtInfo, E> {
                Ok(ExtInfo::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<ExtInfo, E> {
                Ok(ExtInfo::default())
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl Envelope {
    /// Reads the envelope of an answer.
    ///
    /// # Errors
    ///
    /// When the body is not JSON or has no code.
    pub fn parse(body: &str) -> Result<Self, WireError> {
        from_json(body)
    }

    /// Whether the code says success. Says nothing about the items of a batch.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.ret_code == 0
    }

    /// Reads the result; a missing one is read as an empty object.
    ///
    /// # Errors
    ///
    /// When the result is not of that shape; the error names field and value.
    pub fn result<'a, T: Deserialize<'a>>(&'a self) -> Result<T, WireError> {
        from_part("result", self.result.as_deref().map_or("{}", RawValue::get))
    }

    /// Reads the result of a batch: each item with its own code.
    ///
    /// # Errors
    ///
    /// When the two lists differ in length or cannot be read: nothing is known about any item.
    pub fn batch(&self) -> Result<Vec<(BatchAck, ItemCode)>, WireError> {
        let page: Page<BatchAck> = self.result()?;
        pair_items(page.list, &self.ext)
    }
}

/// Puts the two halves of a batch answer together.
pub(super) fn pair_items(
    acks: Vec<BatchAck>,
    ext: &ExtInfo,
) -> Result<Vec<(BatchAck, ItemCode)>, WireError> {
    if acks.len() == ext.list.len() {
        Ok(acks.into_iter().zip(ext.list.iter().cloned()).collect())
    } else {
        let (n_acks, n_codes) = (acks.len(), ext.list.len());
        Err(WireError::field(
            "retExtInfo.list",
            &n_codes.to_string(),
            &format!("{n_codes} codes for {n_acks} items"),
        ))
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "T: Deserialize<'de>", serialize = "T: Serialize")
)]
pub struct Page<T> {
    /// Category of every row, where the list has one.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol of every row, where the list has one.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The rows.
    #[serde(default = "Vec::new", deserialize_with = "rows")]
    pub list: Vec<T>,
    /// Where the next page begins, percent-encoded as it must be sent back. Not a promise that
    /// there is a next page: stop at `None`, at an empty list and at a repeated cursor.
    #[serde(default, with = "opt")]
    pub next_page_cursor: Option<String>,
}

fn rows<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(from).map(Option::unwrap_or_default)
}

/// A REST answer as a venue writes it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<T> {
    /// Code of the answer; zero is success.
    pub ret_code: i64,
    /// Text of the answer.
    pub ret_msg: String,
    /// The result.
    pub result: T,
    /// Codes of the items of a batch.
    pub ret_ext_info: ExtInfo,
    /// The venue's time of the answer.
    pub time: Timestamp,
}
