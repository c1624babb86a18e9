//! Decimals and whole numbers of the wire, as scaled integers.
//!
//! Nearly every number on the wire is at most 15 characters of digits with at most one point.
//! Those are read without a loop, eight digits to a multiplication. Everything else goes through
//! the types' own parsers, which also word the errors: the fast way accepts nothing that they
//! refuse, and gives the same value.

use super::error::FrameProblem;
use super::scan::Fault;
use crate::domain::{NumberError, Price, Qty};

/// Powers of ten that fit 64 bits.
const POW10: [u64; 20] = {
    let mut table = [1; 20];
    let mut n = 1;
    while n < 20 {
        table[n] = table[n - 1] * 10;
        n += 1;
    }
    table
};

/// The same byte sixteen times.
const fn sixteen(byte: u8) -> u128 {
    u128::from_ne_bytes([byte; 16])
}

/// The same byte eight times.
pub(super) const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Highest bit of the first zero byte, counted from the lowest; bits of others are not reliable.
#[inline]
const fn zero_byte(bytes: u128) -> u128 {
    bytes.wrapping_sub(sixteen(0x01)) & !bytes & sixteen(0x80)
}

/// [`zero_byte`] of eight bytes.
#[inline]
pub(super) const fn zero_byte_of_8(bytes: u64) -> u64 {
    bytes.wrapping_sub(eight(0x01)) & !bytes & eight(0x80)
}

/// Highest bit of every byte that is above 9, reliable up to the first one from the lowest.
#[inline]
const fn above_nine(bytes: u128) -> u128 {
    (bytes.wrapping_add(sixteen(0x76)) | bytes) & sixteen(0x80)
}

/// [`above_nine`] of eight bytes.
#[inline]
const fn above_nine_of_8(bytes: u64) -> u64 {
    (bytes.wrapping_add(eight(0x76)) | bytes) & eight(0x80)
}

/// The lowest `n` bytes, at most 15.
#[inline]
const fn low_bytes(n: u32) -> u128 {
    (1_u128 << (8 * n)) - 1
}

/// Value of eight digits, each a byte from 0 to 9, the first one lowest.
#[inline]
const fn value_of_8(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & PAIRS).wrapping_mul(0x000f_4240_0000_0064);
    let low = ((pairs >> 16) & PAIRS).wrapping_mul(0x0000_2710_0000_0001);
    high.wrapping_add(low) >> 32
}

/// Value of sixteen digits, each a byte from 0 to 9, the first one lowest.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves of 128 bits are meant"
)]
const fn value_of_16(digits: u128) -> u64 {
    value_of_8(digits as u64) * 100_000_000 + value_of_8((digits >> 64) as u64)
}

/// A decimal in short plain form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain {
    /// All its digits, without the point.
    mantissa: u64,
    /// Digits behind the point.
    places: u32,
    /// Bytes up to the quote behind it.
    pub(super) len: usize,
}

impl Plain {
    /// Reads digits with at most one point up to a closing quote; `None` for anything else.
    #[inline]
    pub(super) fn read(window: &[u8; 16]) -> Option<Self> {
        let bytes = u64::from_le_bytes(*window.first_chunk()?);
        let quote = zero_byte_of_8(bytes ^ eight(b'"'));
        if quote == 0 {
            return Self::read_long(window);
        }
        let len = quote.trailing_zeros() / 8;
        let point = zero_byte_of_8(bytes ^ eight(b'.')).trailing_zeros() / 8;
        let before = if point < len { point } else { len };
        let has_point = u32::from(point < len);
        let n_digits = len - has_point;
        if n_digits == 0 {
            return None;
        }
        // The length is at most 7 here, so that no shift reaches the width.
        let kept = (1_u64 << (8 * before)) - 1;
        let joined = (bytes & kept) | ((bytes >> 8) & !kept);
        // The digits move to the high end; what is below them counts as leading zeros.
        let shift = 8 * (8 - n_digits);
        let digits = (joined << shift) ^ (eight(b'0') << shift);
        if above_nine_of_8(digits) != 0 {
            return None;
        }
        Some(Self {
            mantissa: value_of_8(digits),
            places: len - before - has_point,
            len: len as usize,
        })
    }

    /// [`Plain::read`] of more than seven characters.
    #[inline]
    fn read_long(window: &[u8; 16]) -> Option<Self> {
        let bytes = u128::from_le_bytes(*window);
        let quote = zero_byte(bytes ^ sixteen(b'"'));
        if quote == 0 {
            return None;
        }
        let len = quote.trailing_zeros() / 8;
        let point = zero_byte(bytes ^ sixteen(b'.')).trailing_zeros() / 8;
        let before = if point < len { point } else { len };
        let has_point = u32::from(point < len);
        let n_digits = len - has_point;
        if n_digits == 0 {
            return None;
        }
        let kept = low_bytes(before);
        let joined = (bytes & kept) | ((bytes >> 8) & !kept);
        let shift = 8 * (16 - n_digits);
        let digits = (joined << shift) ^ (sixteen(b'0') << shift);
        if above_nine(digits) != 0 {
            return None;
        }
        Some(Self {
            mantissa: value_of_16(digits),
            places: len - before - has_point,
            len: len as usize,
        })
    }

    /// Value times `10^digits`; `None` when there are more decimal places than that.
    #[inline]
    fn scaled(self, digits: u32) -> Option<i128> {
        let power = *POW10.get(digits.checked_sub(self.places)? as usize)?;
        // At most fifteen digits times 10^14: far below 2^127.
        i128::try_from(u128::from(self.mantissa) * u128::from(power)).ok()
    }

    /// As a price above zero.
    #[inline]
    pub(super) fn price(self) -> Option<Price> {
        let raw = self.scaled(Price::DIGITS)?;
        if raw == 0 {
            return None;
        }
        Price::from_raw(raw)
    }

    /// As a quantity.
    #[inline]
    pub(super) fn qty(self) -> Option<Qty> {
        Qty::from_raw(self.scaled(Qty::DIGITS)?)
    }
}

/// Value and number of the digits at the front; `None` when there are none or no end is seen.
#[inline]
pub(super) fn digits_16(window: &[u8; 16]) -> Option<(u64, usize)> {
    let bytes = u128::from_le_bytes(*window) ^ sixteen(b'0');
    let n = above_nine(bytes).trailing_zeros() / 8;
    if n == 0 || 15 < n {
        return None;
    }
    let digits = bytes << (8 * (16 - n));
    Some((value_of_16(digits), n as usize))
}

/// Price above zero of a text.
///
/// # Errors
///
/// When it is no decimal, negative, zero, too fine or too large.
pub(super) fn price(field: &'static str, text: &str) -> Result<Price, FrameProblem> {
    let price: Price = text
        .parse()
        .map_err(|error| FrameProblem::number(field, error))?;
    if price.is_zero() {
        return Err(FrameProblem::ZeroPrice { field });
    }
    Ok(price)
}

/// Quantity of a text.
///
/// # Errors
///
/// When it is no decimal, negative, too fine or too large.
pub(super) fn qty(field: &'static str, text: &str) -> Result<Qty, FrameProblem> {
    text.parse()
        .map_err(|error| FrameProblem::number(field, error))
}

/// Traded volume of a text; digits beyond the grid of quantities are rounded.
///
/// # Errors
///
/// When it is no decimal, negative or too large.
pub(super) fn volume(field: &'static str, text: &str) -> Result<Qty, FrameProblem> {
    Qty::parse_volume(text).map_err(|error| FrameProblem::number(field, error))
}

/// The text of a number that the fast way left alone.
#[cold]
pub(super) fn text<'a>(field: &'static str, bytes: &'a [u8]) -> Result<&'a str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        FrameProblem::number(field, NumberError::NotANumber(text)).into()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(text: &str) -> [u8; 16] {
        let mut window = [b'7'; 16];
        let bytes = text.as_bytes();
        let n = bytes.len().min(16);
        window[..n].copy_from_slice(&bytes[..n]);
        window
    }

    /// The fast way says what the type's own parser says, or nothing.
    fn check(text: &str) {
        let Some(plain) = Plain::read(&window(&format!("{text}\""))) else {
            return;
        };
        assert_eq!(plain.len, text.len(), "{text:?}");
        if let Some(price) = plain.price() {
            assert_eq!(text.parse(), Ok(price), "{text:?}");
        }
        if let Some(qty) = plain.qty() {
            assert_eq!(text.parse(), Ok(qty), "{text:?}");
        }
    }

    #[test]
    fn usual_numbers_take_the_fast_way() {
        for text in [
            "0",
            "1",
            "63982.70",
            "0.13946",
            "1.9531",
            "6198",
            "0.001",
            "123456789012.34",
            "999999999999999",
        ] {
            let plain = Plain::read(&window(&format!("{text}\""))).unwrap();
            assert_eq!(Some(plain.qty().unwrap()), text.parse().ok(), "{text}");
            let price: Price = text.parse().unwrap();
            assert_eq!(plain.price(), (!price.is_zero()).then_some(price), "{text}");
        }
    }

    #[test]
    fn unusual_numbers_do_not() {
        for text in [
            "", ".", "..", "1.2.3", "-1", "+1", "1e5", "NaN", " 1", "1 ", "1,5", "0x1", "\u{e9}",
        ] {
            assert_eq!(Plain::read(&window(&format!("{text}\""))), None, "{text:?}");
        }
        assert_eq!(Plain::read(&window("9999999999999999")), None);
        let fine = Plain::read(&window("0.000000001\"")).unwrap();
        assert_eq!(fine.qty(), None);
        assert!(fine.price().is_some());
    }

    #[test]
    fn whole_numbers_end_where_their_digits_end() {
        for (text, expected) in [
            ("1733011200693,\"d", Some((1_733_011_200_693, 13))),
            ("7}", Some((7, 1))),
            ("0,", Some((0, 1))),
            ("123456789012345,", Some((123_456_789_012_345, 15))),
            ("1234567890123456", None),
            ("-1,", None),
            ("\"1\"", None),
            ("\u{ff}", None),
        ] {
            let mut bytes = [b' '; 16];
            let n = text.len().min(16);
            bytes[..n].copy_from_slice(&text.as_bytes()[..n]);
            assert_eq!(digits_16(&bytes), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_way_never_disagrees(
            text in "[0-9.]{0,15}|[0-9]{1,9}\\.[0-9]{1,6}|[-+0-9.eE NaN]{0,15}|[\\x00-\\x7f]{0,15}",
        ) {
            check(&text.replace('"', "'"));
        }

        #[test]
        fn any_window_is_read_or_left_alone(window in any::<[u8; 16]>()) {
            let text = |n: usize| std::str::from_utf8(&window[..n]).unwrap();
            if let Some(plain) = Plain::read(&window) {
                prop_assert_eq!(window[plain.len], b'"');
                check(text(plain.len));
            }
            if let Some((value, n)) = digits_16(&window) {
                prop_assert_eq!(text(n).parse::<u64>(), Ok(value));
                prop_assert!(!window[n].is_ascii_digit());
            }
        }
    }
}
