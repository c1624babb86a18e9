//! Exact decimals for prices, quantities and money.
//!
//! Each quantity is a scaled integer in a newtype of its own, so that only arithmetic with a
//! meaning compiles: a price times a quantity is money, a price plus a price is nothing.
//! The scales are chosen so that every grid Bybit lists fits (the finest tick seen is 1e-13, the
//! largest order 2.6e13 pieces) and so that price times quantity is exact: 14 + 8 = 22 digits.
//! `rust_decimal` is the form in which people and files give numbers; the integers are the form
//! in which the engine computes, because one bar must not cost a microsecond of arithmetic.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::order::Side;

#[cfg(test)]
mod tests;
mod text;

pub use text::NumberError;
use text::{Excess, NumberText, parse_scaled, pow10, to_decimal, write_scaled};

const PRICE_DIGITS: u32 = 14;
const QTY_DIGITS: u32 = 8;
const MONEY_DIGITS: u32 = PRICE_DIGITS + QTY_DIGITS;
const RATE_DIGITS: u32 = 10;

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
            Self(self.0 - remainder(self.0, step.0))
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
            Self(self.0 - remainder(self.0, step.0))
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
            Some(Qty(quotient(self.0, price.0)))
        }
    }

    /// Price at which `qty` is worth this money, truncated; `None` for nothing or a debt.
    #[must_use]
    pub fn price_of(self, qty: Qty) -> Option<Price> {
        if qty.0 == 0 || self.0 < 0 {
            None
        } else {
            Some(Price(quotient(self.0, qty.0)))
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
#[inline]
fn mul_rate(raw: i128, rate: Rate) -> i128 {
    let one = i128::from(Rate::ONE.0);
    let rate = i128::from(rate.0);
    match raw.checked_mul(rate) {
        Some(product) => per_one(product),
        None => raw / one * rate + raw % one * rate / one,
    }
}

// Most prices, amounts and steps fit 64 bits although their types are wider, and there the
// processor does in a few cycles what takes the 128-bit routines a hundred. The results are the
// same; only the way there differs.

/// `value / 10^10`, truncated towards zero.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of 128 bits are wanted"
)]
fn per_one(value: i128) -> i128 {
    // Long division by a constant of 24 bits, in digits of 32 bits: each step is a multiplication.
    const TWOS: u32 = RATE_DIGITS;
    const FIVES: u64 = 5_u64.pow(RATE_DIGITS);
    let size = value.unsigned_abs() >> TWOS;
    let (high, low) = ((size >> 64) as u64, size as u64);
    let (q_high, r) = (high / FIVES, high % FIVES);
    let middle = (r << 32) | (low >> 32);
    let (q_middle, r) = (middle / FIVES, middle % FIVES);
    let last = (r << 32) | (low & u64::from(u32::MAX));
    let size = (u128::from(q_high) << 64) | (u128::from(q_middle) << 32) | u128::from(last / FIVES);
    let size = size.cast_signed();
    if value < 0 { -size } else { size }
}

/// `value / by`, truncated, both not negative and `by` not zero.
#[inline]
fn quotient(value: i128, by: i128) -> i128 {
    match (u64::try_from(value), u64::try_from(by)) {
        (Ok(value), Ok(by)) => i128::from(value / by),
        _ => value / by,
    }
}

/// `value % by`, both not negative and `by` not zero.
#[inline]
fn remainder(value: i128, by: i128) -> i128 {
    match (u64::try_from(value), u64::try_from(by)) {
        (Ok(value), Ok(by)) => i128::from(value % by),
        _ => value % by,
    }
}

/// `price * amount`, the price not negative.
#[inline]
fn product(price: i128, amount: i128) -> i128 {
    match (u64::try_from(price), i64::try_from(amount)) {
        // 64 and 63 bits make at most 127.
        (Ok(price), Ok(amount)) => i128::from(price).wrapping_mul(i128::from(amount)),
        _ => price * amount,
    }
}

impl Mul<Qty> for Price {
    type Output = Money;
    #[inline]
    fn mul(self, qty: Qty) -> Money {
        Money(product(self.0, qty.0))
    }
}

impl Mul<SignedQty> for Price {
    type Output = Money;
    #[inline]
    fn mul(self, qty: SignedQty) -> Money {
        Money(product(self.0, qty.0))
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
