//! Values that settings are made of and that no other room needs: spans, speeds, actions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, in milliseconds; written as `500ms`, `90s`, `30m`, `24h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time: write it as 500ms, 90s, 30m, 24h or 7d")]
pub struct SpanError(String);

impl Span {
    /// Units, the finest first.
    const UNITS: [(&'static str, i64); 5] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];

    /// Span of whole hours.
    #[must_use]
    pub const fn from_hours(hours: u32) -> Self {
        Self(hours as i64 * 3_600_000)
    }

    /// Length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let bad = || SpanError(text.chars().take(40).collect());
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = text[..digits].parse().map_err(|_| bad())?;
        Self::UNITS
            .iter()
            .find(|(unit, _)| *unit == &text[digits..])
            .and_then(|(_, ms)| number.checked_mul(*ms))
            .map(Self)
            .ok_or_else(bad)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Two days read better as 48h only to a machine, but one day reads better as 24h.
        let (unit, ms) = Self::UNITS
            .iter()
            .rev()
            .find(|(unit, ms)| self.0 % ms == 0 && (*unit != "d" || self.0 / ms > 1))
            .unwrap_or(&Self::UNITS[0]);
        f.pad(&format!("{}{unit}", self.0 / ms))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// How fast a recording plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// This many times real speed; finite and above zero.
    Times(f64),
    /// As fast as it goes.
    Max,
}

/// Why something is not a speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a speed: give a number above 0, such as 150 for 150 times real speed, or max"
)]
pub struct SpeedError(String);

impl Speed {
    /// The speed as a factor; infinite for [`Speed::Max`].
    #[must_use]
    pub const fn factor(self) -> f64 {
        match self {
            Speed::Times(factor) => factor,
            Speed::Max => f64::INFINITY,
        }
    }

    fn times(factor: f64) -> Result<Self, SpeedError> {
        if factor.is_finite() && 0.0 < factor {
            Ok(Speed::Times(factor))
        } else {
            Err(SpeedError(factor.to_string()))
        }
    }
}

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        let number = text.strip_suffix('x').unwrap_or(text);
        number
            .parse()
            .map_err(|_| ())
            .and_then(|factor| Speed::times(factor).map_err(|_| ()))
            .map_err(|()| SpeedError(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speed::Times(factor) => write!(f, "{factor}"),
            Speed::Max => f.pad("max"),
        }
    }
}

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Speed::Times(factor) => serializer.serialize_f64(*factor),
            Speed::Max => serializer.serialize_str("max"),
        }
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Speed;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number above 0 or \"max\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Speed, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, factor: f64) -> Result<Speed, E> {
                Speed::times(factor).map_err(E::custom)
            }
            #[expect(clippy::cast_precision_loss, reason = "no speed has 16 digits")]
            fn visit_i64<E: de::Error>(self, factor: i64) -> Result<Speed, E> {
                self.visit_f64(factor as f64)
            }
            #[expect(clippy::cast_precision_loss, reason = "no speed has 16 digits")]
            fn visit_u64<E: de::Error>(self, factor: u64) -> Result<Speed, E> {
                self.visit_f64(factor as f64)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// What a limit does when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitAction {
    /// Refuses what would break it.
    Block,
    /// Pauses entries for a time.
    Pause,
    /// Trips the kill latch: everything is cancelled and closed.
    Kill,
}

/// Writes a decimal as a plain number wherever that loses nothing, else as text.
pub(super) fn number<T: fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = value.to_string();
    if let Ok(whole) = text.parse::<i64>() {
        return serializer.serialize_i64(whole);
    }
    match text.parse::<f64>() {
        Ok(float) if float.to_string() == text => serializer.serialize_f64(float),
        _ => serializer.serialize_str(&text),
    }
}

/// [`number`] for a value that may be missing.
#[expect(clippy::ref_option, reason = "the shape that serialize_with asks for")]
pub(super) fn optional_number<T: fmt::Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => number(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, ms, written) in [
            ("500ms", 500, "500ms"),
            ("90s", 90_000, "90s"),
            ("60s", 60_000, "1m"),
            ("30m", 1_800_000, "30m"),
            ("24h", 86_400_000, "24h"),
            ("1d", 86_400_000, "24h"),
            ("7d", 604_800_000, "7d"),
            ("0s", 0, "0h"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.millis(), ms, "{text}");
            assert_eq!(span.to_string(), written);
            assert_eq!(written.parse(), Ok(span));
        }
        for text in [
            "",
            "24",
            "h",
            "-1h",
            "1.5h",
            "1 h",
            "9999999999999999999d",
            "1w",
            "é",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn speeds_are_read_and_written() {
        for (text, speed) in [
            ("150", Speed::Times(150.0)),
            ("0.5", Speed::Times(0.5)),
            ("10x", Speed::Times(10.0)),
            ("max", Speed::Max),
        ] {
            assert_eq!(text.parse(), Ok(speed));
            assert_eq!(speed.to_string().parse(), Ok(speed));
        }
        for text in ["", "0", "-1", "inf", "nan", "fast", "MAX", "1e400"] {
            assert!(text.parse::<Speed>().is_err(), "{text:?}");
        }
    }
}
