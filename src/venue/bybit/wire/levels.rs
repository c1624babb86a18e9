//! Levels of a book: `[[price, size], ...]`; further columns are ignored.

use std::fmt;

use serde::de::{self, Error as _, IgnoredAny, SeqAccess};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::number::Exact;
use crate::domain::{Level, Price, Qty};

struct Row(Level);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a price and a size")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Row, A::Error> {
                let short = |n| A::Error::invalid_length(n, &"a price and a size");
                let price: Exact<Price> = row.next_element()?.ok_or_else(|| short(0))?;
                let qty: Exact<Qty> = row.next_element()?.ok_or_else(|| short(1))?;
                while row.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Row(Level {
                    price: price.0,
                    qty: qty.0,
                }))
            }
        }
        from.deserialize_seq(Visitor)
    }
}

/// Reads levels; null is none.
///
/// # Errors
///
/// When a row has no price and size, or a number cannot be used.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Level>, D::Error> {
    let rows = Option::<Vec<Row>>::deserialize(from)?.unwrap_or_default();
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Writes levels.
///
/// # Errors
///
/// Those of the writer.
pub fn serialize<S: Serializer>(levels: &[Level], to: S) -> Result<S::Ok, S::Error> {
    let mut rows = to.serialize_seq(Some(levels.len()))?;
    for level in levels {
        rows.serialize_element(&[level.price.to_string(), level.qty.to_string()])?;
    }
    rows.end()
}
