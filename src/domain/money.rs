//! Exact decimals for prices, quantities and money.
//!
//! Each quantity is a scaled integer in a newtype of its own, so that only arithmetic with a
//! meaning compiles: a price times a quantity is money, a price plus a price is nothing.
//! The scales are chosen so that every grid Bybit lists fits (the finest tick seen is 1e-13, the
//! largest order 2.6e13 pieces) and so that price times quantity is exact: 14 + 8 = 22 digits.
//! `rust_decimal` is the form in which people and files give numbers; the integers are the form
//! in which the engine computes, because one bar must not cost a microsecond of arithmetic.

use std::fmt::{self, Write as _};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::order::Side;

const PRICE_DIGITS: u32 = 14;
const QTY_DIGITS: u32 = 8;
const MONEY_DIGITS: u32 = PRICE_DIGITS + QTY_DIGITS;
const RATE_DIGITS: u32 = 10;

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

/// Price of one unit of the base coin, in the quote coin. Never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(i128);

/// Amount of the base coin (or contracts of it). Never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Qty(i128);

/// Amount of the base coin with a direction: positive is long, negative is short.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SignedQty(i128);

/// Amount of the quote (settlement) coin: cash, notional, profit, fee. May be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// A plain ratio: 0.00055 is 5.5 basis points. May be negative (a maker rebate, a short funding).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Rate(i64);

/// What [`parse_scaled`] does with digits beyond the scale.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Excess {
    Refuse,
    Round,
}

fn pow10(n: u32) -> i128 {
    10_i128.pow(n)
}

/// Reads a plain or scientific decimal into an integer scaled by `10^digits`.
fn parse_scaled(text: &str, digits: u32, excess: Excess) -> Result<i128, NumberError> {
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
fn write_scaled(
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
fn to_decimal(mut raw: i128, mut digits: u32) -> Decimal {
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

macro_rules! scaled {
    ($name:ident, $int:ty, $digits:expr, $signed:expr) => {
        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);
            /// Decimal places the type holds exactly.
            pub const DIGITS: u32 = $digits;

            /// Value as an integer scaled by `10^DIGITS`.
            #[must_use]
            pub const fn raw(self) -> $int {
                self.0
            }

            /// Nearest decimal; exact whenever it has at most 28 significant digits.
            #[must_use]
            pub fn to_decimal(self) -> Decimal {
                #[allow(clippy::useless_conversion, reason = "one of the four is not i128")]
                to_decimal(i128::from(self.0), $digits)
            }

            /// Exact conversion from a decimal.
            ///
            /// # Errors
            ///
            /// When the value is finer or larger than the type holds, or negative where it may
            /// not be.
            pub fn from_decimal(value: Decimal) -> Result<Self, NumberError> {
                Self::from_str(&value.normalize().to_string())
            }

            fn read(text: &str, excess: Excess) -> Result<Self, NumberError> {
                let raw = parse_scaled(text, $digits, excess)?;
                let raw =
                    <$int>::try_from(raw).map_err(|_| NumberError::TooLarge(text.to_owned()))?;
                if !$signed && raw < 0 {
                    return Err(NumberError::Negative(text.to_owned()));
                }
                Ok(Self(raw))
            }

            /// Whether this is exactly zero.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl FromStr for $name {
            type Err = NumberError;

            fn from_str(text: &str) -> Result<Self, NumberError> {
                Self::read(text, Excess::Refuse)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let places = f.precision().and_then(|p| u32::try_from(p).ok());
                #[allow(clippy::useless_conversion, reason = "one of the four is not i128")]
                write_scaled(f, i128::from(self.0), $digits, places)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = NumberText::deserialize(deserializer)?;
                    Self::from_str(&text.0).map_err(de::Error::custom)
                } else {
                    <$int>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

scaled!(Price, i128, PRICE_DIGITS, false);
scaled!(Qty, i128, QTY_DIGITS, false);
scaled!(SignedQty, i128, QTY_DIGITS, true);
scaled!(Money, i128, MONEY_DIGITS, true);
scaled!(Rate, i64, RATE_DIGITS, true);

/// A number as a file gives it: text, integer or float, read by its shortest decimal form.
struct NumberText(String);

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

impl Price {
    /// Price from an integer scaled by `10^14`; `None` below zero.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Option<Self> {
        if raw < 0 { None } else { Some(Self(raw)) }
    }

    /// Nearest float, correctly rounded for prices with at most 8 decimal places.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "floats are opinions; money stays exact"
    )]
    pub fn to_f64(self) -> f64 {
        // 14 scaled digits of a five-digit price exceed 53 bits, 8 do not: dropping the zeros
        // first keeps the division the only rounding, as a decimal parser would do it.
        const FINE: i64 = 1_000_000;
        match i64::try_from(self.0) {
            Ok(raw) if raw % FINE == 0 => (raw / FINE) as f64 / 1e8,
            Ok(raw) => raw as f64 / 1e14,
            Err(_) if self.0 % i128::from(FINE) == 0 => (self.0 / i128::from(FINE)) as f64 / 1e8,
            Err(_) => self.0 as f64 / 1e14,
        }
    }

    /// This price moved by `rate` of itself, truncated to the type's grid; never below zero.
    #[must_use]
    pub fn moved(self, rate: Rate) -> Self {
        let delta = mul_rate(self.0, rate);
        Self((self.0 + delta).max(0))
    }

    /// How far this price is from `reference`, as a fraction of `reference`; `None` when that is
    /// zero or the distance does not fit.
    #[must_use]
    pub fn distance(self, reference: Price) -> Option<Rate> {
        if reference.0 == 0 {
            return None;
        }
        let scaled = (self.0 - reference.0).checked_mul(pow10(RATE_DIGITS))?;
        i64::try_from(scaled / reference.0).ok().map(Rate)
    }

    /// Largest multiple of `step` that is not above this price.
    #[must_use]
    pub fn floor_to(self, step: Price) -> Self {
        if step.0 == 0 {
            self
        } else {
            Self(self.0 - self.0 % step.0)
        }
    }

    /// Smallest multiple of `step` that is not below this price.
    #[must_use]
    pub fn ceil_to(self, step: Price) -> Self {
        let floor = self.floor_to(step);
        if floor == self {
            self
        } else {
            Self(floor.0 + step.0)
        }
    }

    /// Halfway between two prices, truncated to the type's grid.
    #[must_use]
    pub fn midpoint(self, other: Price) -> Self {
        Self(i128::midpoint(self.0, other.0))
    }
}

impl Qty {
    /// Quantity from an integer scaled by `10^8`; `None` below zero.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Option<Self> {
        if raw < 0 { None } else { Some(Self(raw)) }
    }

    /// Reads a quantity, rounding digits beyond the eighth place.
    ///
    /// For traded volumes only: recorded files carry float noise there, and a volume is an
    /// observation, not an amount anyone owns.
    ///
    /// # Errors
    ///
    /// When the text is not a number, negative, or too large.
    pub fn parse_volume(text: &str) -> Result<Self, NumberError> {
        Self::read(text, Excess::Round)
    }

    /// Nearest float.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "floats are opinions; money stays exact"
    )]
    pub fn to_f64(self) -> f64 {
        match i64::try_from(self.0) {
            Ok(raw) => raw as f64 / 1e8,
            Err(_) => self.0 as f64 / 1e8,
        }
    }

    /// Largest multiple of `step` that is not above this quantity.
    #[must_use]
    pub fn floor_to(self, step: Qty) -> Self {
        if step.0 == 0 {
            self
        } else {
            Self(self.0 - self.0 % step.0)
        }
    }

    /// Smallest multiple of `step` that is not below this quantity.
    #[must_use]
    pub fn ceil_to(self, step: Qty) -> Self {
        let floor = self.floor_to(step);
        if floor == self {
            self
        } else {
            Self(floor.0 + step.0)
        }
    }

    /// This quantity with the direction of a fill on `side`.
    #[must_use]
    pub const fn signed(self, side: Side) -> SignedQty {
        match side {
            Side::Buy => SignedQty(self.0),
            Side::Sell => SignedQty(-self.0),
        }
    }

    /// Difference, zero when `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Qty) -> Self {
        Self((self.0 - other.0).max(0))
    }

    /// Quantity scaled by a non-negative rate, truncated.
    #[must_use]
    pub fn scaled(self, rate: Rate) -> Self {
        Self(mul_rate(self.0, rate).max(0))
    }
}

impl SignedQty {
    /// Signed quantity from an integer scaled by `10^8`.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Self {
        Self(raw)
    }

    /// Size without the direction.
    #[must_use]
    pub const fn abs(self) -> Qty {
        Qty(self.0.abs())
    }

    /// Side of an order that would *open* this position; `None` when flat.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self.0 {
            0 => None,
            raw if raw > 0 => Some(Side::Buy),
            _ => Some(Side::Sell),
        }
    }

    /// Nearest float.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let size = self.abs().to_f64();
        if self.0 < 0 { -size } else { size }
    }
}

impl Money {
    /// Money from an integer scaled by `10^22`.
    #[must_use]
    pub const fn from_raw(raw: i128) -> Self {
        Self(raw)
    }

    /// Nearest float.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "floats are opinions; money stays exact"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e22
    }

    /// Size without the sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// This part of `whole`, as a fraction; `None` when `whole` is not positive or the result
    /// does not fit.
    #[must_use]
    pub fn fraction_of(self, whole: Money) -> Option<Rate> {
        if whole.0 <= 0 {
            return None;
        }
        // Drop digits that cannot reach the tenth place of the result, so that the product fits.
        let (mut part, mut whole) = (self.0, whole.0);
        while part.unsigned_abs() > 1 << 92 {
            part >>= 8;
            whole >>= 8;
            if whole == 0 {
                return None;
            }
        }
        i64::try_from(part * pow10(RATE_DIGITS) / whole)
            .ok()
            .map(Rate)
    }

    /// Quantity this money buys at `price`, truncated; `None` at a zero price or for a debt.
    #[must_use]
    pub fn quantity_at(self, price: Price) -> Option<Qty> {
        if price.0 == 0 || self.0 < 0 {
            None
        } else {
            Some(Qty(self.0 / price.0))
        }
    }

    /// Price at which `qty` is worth this money, truncated; `None` for nothing or a debt.
    #[must_use]
    pub fn price_of(self, qty: Qty) -> Option<Price> {
        if qty.0 == 0 || self.0 < 0 {
            None
        } else {
            Some(Price(self.0 / qty.0))
        }
    }
}

impl Rate {
    /// One: all of it.
    pub const ONE: Self = Self(10_i64.pow(RATE_DIGITS));

    /// Rate from an integer scaled by `10^10`.
    #[must_use]
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// Rate of whole basis points (1 bp is 0.0001).
    #[must_use]
    pub const fn from_bps(bps: i64) -> Self {
        Self(bps * 10_i64.pow(RATE_DIGITS - 4))
    }

    /// Nearest rate to a float; `None` when it is not finite or does not fit.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked before the cast"
    )]
    pub fn from_f64(value: f64) -> Option<Self> {
        let scaled = (value * 1e10).round();
        (scaled.abs() < 9e18).then_some(Self(scaled as i64))
    }

    /// Nearest float.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "floats are opinions; money stays exact"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e10
    }

    /// Size without the sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }
}

/// `raw * rate`, truncated towards zero, without overflow for any amount the types hold.
fn mul_rate(raw: i128, rate: Rate) -> i128 {
    let one = i128::from(Rate::ONE.0);
    let rate = i128::from(rate.0);
    match raw.checked_mul(rate) {
        Some(product) => product / one,
        None => raw / one * rate + raw % one * rate / one,
    }
}

impl Mul<Qty> for Price {
    type Output = Money;
    fn mul(self, qty: Qty) -> Money {
        Money(self.0 * qty.0)
    }
}

impl Mul<SignedQty> for Price {
    type Output = Money;
    fn mul(self, qty: SignedQty) -> Money {
        Money(self.0 * qty.0)
    }
}

impl Mul<Rate> for Money {
    type Output = Money;
    fn mul(self, rate: Rate) -> Money {
        Money(mul_rate(self.0, rate))
    }
}

macro_rules! additive {
    ($($name:ident),*) => {$(
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                iter.fold(Self(0), Add::add)
            }
        }
    )*};
}

macro_rules! signed {
    ($($name:ident),*) => {$(
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
    )*};
}

additive!(Qty, SignedQty, Money, Rate);
signed!(SignedQty, Money, Rate);
