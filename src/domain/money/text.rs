//! Numbers as text: reading, writing, and the decimal form people use.

use std::fmt::{self, Write as _};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

/// Why a text or a decimal is not a usable number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a decimal number at all.
    #[error("{0:?} is not a decimal number")]
    NotANumber(String),
    /// Has more decimal places than the type can hold without rounding.
    #[error("{text:?} has more than {digits} decimal places")]
    TooFine {
        /// The text as given.
        text: String,
        /// Decimal places the type holds.
        digits: u32,
    },
    /// Does not fit.
    #[error("{0:?} is too large")]
    TooLarge(String),
    /// Negative where only zero and above mean something.
    #[error("{0:?} is negative")]
    Negative(String),
}

/// What [`parse_scaled`] does with digits beyond the scale.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Refuse,
    Round,
}

pub(super) fn pow10(n: u32) -> i128 {
    10_i128.pow(n)
}

/// Reads a plain or scientific decimal into an integer scaled by `10^digits`.
pub(super) fn parse_scaled(text: &str, digits: u32, excess: Excess) -> Result<i128, NumberError> {
    let not_a_number = || NumberError::NotANumber(text.to_owned());
    let too_large = || NumberError::TooLarge(text.to_owned());
    let bytes = text.trim().as_bytes();
    let (negative, body) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        Some(b'+') => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    let (mantissa, exponent) = match body.iter().position(|b| matches!(b, b'e' | b'E')) {
        Some(at) => {
            let text = std::str::from_utf8(&body[at + 1..]).map_err(|_| not_a_number())?;
            (
                &body[..at],
                text.parse::<i32>().map_err(|_| not_a_number())?,
            )
        }
        None => (body, 0),
    };
    let mut value: i128 = 0;
    let mut places: i32 = 0;
    let mut after_point = false;
    let mut n_digits = 0;
    for &b in mantissa {
        match b {
            b'0'..=b'9' => {
                value = value
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(i128::from(b - b'0')))
                    .ok_or_else(too_large)?;
                n_digits += 1;
                if after_point {
                    places += 1;
                }
            }
            b'.' if !after_point => after_point = true,
            _ => return Err(not_a_number()),
        }
    }
    if n_digits == 0 {
        return Err(not_a_number());
    }
    let shift = i64::from(digits) + i64::from(exponent) - i64::from(places);
    let scaled = if shift >= 0 {
        let shift = u32::try_from(shift).ok().filter(|s| *s <= 38);
        match shift {
            Some(s) => value.checked_mul(pow10(s)).ok_or_else(too_large)?,
            None if value == 0 => 0,
            None => return Err(too_large()),
        }
    } else {
        let drop = u32::try_from(-shift).ok().filter(|s| *s <= 38);
        match (drop, excess) {
            (Some(s), _) if value % pow10(s) == 0 => value / pow10(s),
            (Some(s), Excess::Round) => (value + pow10(s) / 2) / pow10(s),
            (None, _) if value == 0 => 0,
            (None, Excess::Round) => 0,
            (_, Excess::Refuse) => {
                return Err(NumberError::TooFine {
                    text: text.to_owned(),
                    digits,
                });
            }
        }
    };
    Ok(if negative { -scaled } else { scaled })
}

/// Writes `raw / 10^digits` with at least `min_places` decimal places and no further zeros.
pub(super) fn write_scaled(
    f: &mut fmt::Formatter<'_>,
    raw: i128,
    digits: u32,
    places: Option<u32>,
) -> fmt::Result {
    let (raw, digits) = match places {
        Some(places) if places < digits => {
            let unit = pow10(digits - places);
            let half = unit / 2;
            let rounded = if raw < 0 {
                (raw - half) / unit
            } else {
                (raw + half) / unit
            };
            (rounded, places)
        }
        _ => (raw, digits),
    };
    let digits = digits as usize;
    let mut text = String::with_capacity(48);
    if raw < 0 {
        text.push('-');
    } else if f.sign_plus() && raw > 0 {
        text.push('+');
    }
    // The digits of the whole number, with the point put between them.
    write!(text, "{:0width$}", raw.unsigned_abs(), width = digits + 1)?;
    if digits > 0 {
        text.insert(text.len() - digits, '.');
        match places {
            Some(places) => {
                let more = (places as usize).saturating_sub(digits);
                text.extend(std::iter::repeat_n('0', more));
            }
            None => text.truncate(text.trim_end_matches('0').trim_end_matches('.').len()),
        }
    }
    match f.width() {
        Some(width) if f.align() == Some(fmt::Alignment::Left) => write!(f, "{text:<width$}"),
        Some(width) => write!(f, "{text:>width$}"),
        None => f.write_str(&text),
    }
}

/// Exact decimal where the value fits 96 bits, else the nearest one with fewer places.
pub(super) fn to_decimal(mut raw: i128, mut digits: u32) -> Decimal {
    while digits > 0 && raw % 10 == 0 {
        raw /= 10;
        digits -= 1;
    }
    loop {
        if let Ok(decimal) = Decimal::try_from_i128_with_scale(raw, digits) {
            return decimal;
        }
        raw /= 10;
        digits = digits.saturating_sub(1);
    }
}

/// A number as a file gives it: text, integer or float, read by its shortest decimal form.
pub(super) struct NumberText(pub(super) String);

impl<'de> Deserialize<'de> for NumberText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = NumberText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<NumberText, E> {
                Ok(NumberText(v.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<NumberText, E> {
                Ok(NumberText(v.to_string()))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<NumberText, E> {
                Ok(NumberText(v.to_string()))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<NumberText, E> {
                Ok(NumberText(v.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
