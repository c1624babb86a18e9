//! Instants and bar intervals, in UTC milliseconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds of one day.
const DAY_MS: i64 = 86_400_000;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Instant from milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This instant `ms` milliseconds later (earlier when negative).
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when it is later.
    #[must_use]
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Number of the UTC day.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// Number of the ISO week (weeks begin on Monday, UTC).
    #[must_use]
    pub const fn week(self) -> i64 {
        // 1970-01-01 was a Thursday: day -3 was the Monday before it.
        (self.day() + 3).div_euclid(7)
    }

    /// Milliseconds since the start of the UTC day.
    #[must_use]
    pub const fn millis_of_day(self) -> i64 {
        self.0.rem_euclid(DAY_MS)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) if self.0 % 1_000 == 0 => {
                write!(f, "{}", instant.strftime("%Y-%m-%dT%H:%M:%SZ"))
            }
            Ok(instant) => write!(f, "{}", instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Why a text is not a bar interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown interval {0:?}: use one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d")]
pub struct IntervalError(String);

/// Length of a bar; the set that Bybit serves, without weeks and months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(i64);

impl Interval {
    const NAMES: [(&'static str, i64); 11] = [
        ("1m", 1),
        ("3m", 3),
        ("5m", 5),
        ("15m", 15),
        ("30m", 30),
        ("1h", 60),
        ("2h", 120),
        ("4h", 240),
        ("6h", 360),
        ("12h", 720),
        ("1d", 1440),
    ];

    /// Interval of `ms` milliseconds; `None` when it is not one of the served lengths.
    #[must_use]
    pub fn from_millis(ms: i64) -> Option<Self> {
        Self::NAMES
            .iter()
            .any(|(_, m)| m * 60_000 == ms)
            .then_some(Self(ms))
    }

    /// Length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whether `open` lies on this interval's grid.
    #[must_use]
    pub const fn is_on_grid(self, open: Timestamp) -> bool {
        open.0.rem_euclid(self.0) == 0
    }

    /// Short name, as in `5m`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, m)| m * 60_000 == self.0)
            .map_or("?", |(name, _)| name)
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, minutes)| Self(minutes * 60_000))
            .ok_or_else(|| IntervalError(text.to_owned()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}
