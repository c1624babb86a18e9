//! Numbers, times and names as the venue writes them: mostly text, sometimes JSON numbers.
//!
//! `""`, `null` and an absent field are "none"; `"0"` is a number. Used through
//! `#[serde(with = "...")]`: [`need`] where a value must be there, [`opt`] where it may be none,
//! [`seen`] and [`seen_opt`] for averages, volumes and other observations, whose digits beyond
//! those of our types say nothing and are dropped.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::{Money, Price, Qty, Rate, Symbol, Timestamp};

/// A value that the venue writes as text.
pub trait WireText: Sized {
    /// Reads the value exactly; the text is never empty.
    ///
    /// # Errors
    ///
    /// What is wrong with the text; names it.
    fn from_text(text: &str) -> Result<Self, String>;

    /// The value as the venue would write it.
    fn to_text(&self) -> String;

    /// Reads an observation: digits that the type cannot hold are dropped.
    ///
    /// # Errors
    ///
    /// What is wrong with the text; names it.
    fn observe(text: &str) -> Result<Self, String> {
        Self::from_text(text)
    }
}

macro_rules! by_parsing {
    ($($name:ty: $problem:literal),* $(,)?) => {$(
        impl WireText for $name {
            fn from_text(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!(concat!("{:?} is not ", $problem), head(text)))
            }
            fn to_text(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

by_parsing!(
    i64: "a whole number",
    u64: "a whole number of zero or more",
    u32: "a whole number of zero or more"
);

macro_rules! by_domain {
    ($($name:ty),*) => {$(
        impl WireText for $name {
            fn from_text(text: &str) -> Result<Self, String> {
                Self::from_str(text).map_err(|error| error.to_string())
            }
            fn to_text(&self) -> String {
                self.to_string()
            }
            fn observe(text: &str) -> Result<Self, String> {
                Self::from_text(without_excess(text, Self::DIGITS))
            }
        }
    )*};
}

by_domain!(Price, Money, Rate);

impl WireText for Qty {
    fn from_text(text: &str) -> Result<Self, String> {
        Self::from_str(text).map_err(|error| error.to_string())
    }
    fn to_text(&self) -> String {
        self.to_string()
    }
    fn observe(text: &str) -> Result<Self, String> {
        Self::parse_volume(text).map_err(|error| error.to_string())
    }
}

impl WireText for Decimal {
    fn from_text(text: &str) -> Result<Self, String> {
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.".contains(&b));
        let value = if plain {
            Decimal::from_str(text)
        } else {
            Decimal::from_scientific(text)
        };
        value.map_err(|_| format!("{:?} is not a decimal number of 28 digits", head(text)))
    }
    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl WireText for Timestamp {
    fn from_text(text: &str) -> Result<Self, String> {
        i64::from_text(text)
            .map(Timestamp::from_millis)
            .map_err(|_| format!("{:?} is not a time in milliseconds", head(text)))
    }
    fn to_text(&self) -> String {
        self.millis().to_string()
    }
}

impl WireText for Symbol {
    fn from_text(text: &str) -> Result<Self, String> {
        Symbol::new(text).map_err(|error| error.to_string())
    }
    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl WireText for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
    fn to_text(&self) -> String {
        self.clone()
    }
}

fn head(text: &str) -> String {
    text.chars().take(48).collect()
}

/// The plain decimal `text` with at most `digits` decimal places.
fn without_excess(text: &str, digits: u32) -> &str {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"-.".contains(&b));
    match text.find('.') {
        Some(point) if plain => {
            let end = (point + 1).saturating_add(digits as usize).min(text.len());
            &text[..end]
        }
        _ => text,
    }
}

/// Hands the text of a string, a number or a flag to `read`; `None` for null and `""`.
///
/// The value is judged while the reader stands behind it, so that an error knows its place.
fn read_with<'de, D, T, F>(deserializer: D, read: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(Option<&str>) -> Result<T, String>,
{
    struct Visitor<F>(F);
    impl<T, F: FnOnce(Option<&str>) -> Result<T, String>> de::Visitor<'_> for Visitor<F> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a number")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            let text = Some(text).filter(|text| !text.is_empty());
            (self.0)(text).map_err(E::custom)
        }
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
            self.visit_str(&value.to_string())
        }
        /// The shortest text of the float is what was written, up to 15 digits.
        fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
            self.visit_str(if value { "true" } else { "false" })
        }
        fn visit_unit<E: de::Error>(self) -> Result<T, E> {
            (self.0)(None).map_err(E::custom)
        }
        fn visit_none<E: de::Error>(self) -> Result<T, E> {
            self.visit_unit()
        }
    }
    deserializer.deserialize_any(Visitor(read))
}

fn needed(text: Option<&str>) -> Result<&str, String> {
    text.ok_or_else(|| "a value is needed here".to_owned())
}

/// A value that must be there, as text.
pub mod need {
    use super::{Deserializer, Serializer, WireText, needed, read_with};

    /// Reads the value exactly.
    ///
    /// # Errors
    ///
    /// When there is none or it cannot be used.
    pub fn deserialize<'de, D: Deserializer<'de>, T: WireText>(from: D) -> Result<T, D::Error> {
        read_with(from, |text| T::from_text(needed(text)?))
    }

    /// Writes the value as text.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn serialize<S: Serializer, T: WireText>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.to_text())
    }
}

/// A value that may be none, as text; none is written as `""`.
pub mod opt {
    use super::{Deserializer, Serializer, WireText, read_with};

    /// Reads the value exactly, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub fn deserialize<'de, D: Deserializer<'de>, T: WireText>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        read_with(from, |text| text.map(T::from_text).transpose())
    }

    /// Writes the value as text.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn serialize<S: Serializer, T: WireText>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.as_ref().map(T::to_text).unwrap_or_default())
    }
}

/// An observation that must be there, as text.
pub mod seen {
    pub use super::need::serialize;
    use super::{Deserializer, WireText, needed, read_with};

    /// Reads the value, dropping digits that the type cannot hold.
    ///
    /// # Errors
    ///
    /// When there is none or it cannot be used.
    pub fn deserialize<'de, D: Deserializer<'de>, T: WireText>(from: D) -> Result<T, D::Error> {
        read_with(from, |text| T::observe(needed(text)?))
    }
}

/// An observation that may be none, as text; none is written as `""`.
pub mod seen_opt {
    pub use super::opt::serialize;
    use super::{Deserializer, WireText, read_with};

    /// Reads the value, dropping digits that the type cannot hold, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub fn deserialize<'de, D: Deserializer<'de>, T: WireText>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        read_with(from, |text| text.map(T::observe).transpose())
    }
}

/// A whole number that may be none and is written as a JSON number; also a time in a frame.
pub mod int_opt {
    pub use super::opt::deserialize;
    use super::{Serialize, Serializer};

    /// Writes the value as a JSON number.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn serialize<S: Serializer, T: Serialize>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(to)
    }
}

/// A whole number that must be there and is written as a JSON number; also a time in a frame.
pub mod int {
    pub use super::need::deserialize;
    use super::{Serialize, Serializer};

    /// Writes the value as a JSON number.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn serialize<S: Serializer, T: Serialize>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        value.serialize(to)
    }
}

/// A flag that may be none: a JSON flag, or `true`, `false`, `1`, `0` as text or number.
pub mod flag {
    pub use super::int_opt::serialize;
    use super::{Deserializer, head, read_with};

    /// Reads the flag, if there is one.
    ///
    /// # Errors
    ///
    /// When it is neither yes nor no.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
        read_with(from, |text| match text {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(text) => Err(format!("{:?} is neither true nor false", head(text))),
        })
    }
}

/// A value of a frame that tells only what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// The field is not there: as before.
    #[default]
    Absent,
    /// The field is there and says "none".
    Empty,
    /// The new value.
    Value(T),
}

impl<T> Field<T> {
    /// Whether the field is not there.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }

    /// The value, if there is one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Field::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Takes over what `newer` says, if it says anything.
    pub fn update(&mut self, newer: Self) {
        if !newer.is_absent() {
            *self = newer;
        }
    }
}

impl<'de, T: WireText> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_with(from, |text| match text {
            None => Ok(Field::Empty),
            Some(text) => T::observe(text).map(Field::Value),
        })
    }
}

impl<T: WireText> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.value().map(T::to_text).unwrap_or_default())
    }
}

/// A value on its own, as in an array of texts: exact.
pub(super) struct Exact<T>(pub(super) T);

impl<'de, T: WireText> Deserialize<'de> for Exact<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        need::deserialize(from).map(Self)
    }
}

/// A value on its own, as in an array of texts: an observation.
pub(super) struct Seen<T>(pub(super) T);

impl<'de, T: WireText> Deserialize<'de> for Seen<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        seen::deserialize(from).map(Self)
    }
}

/// Reads null and `""` as the default of a list or a map.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}
