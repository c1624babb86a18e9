//! Numbers of recordings, from bytes to exact decimals.
//!
//! The short plain decimals that nearly all fields hold are read without a detour through text;
//! everything else goes the way of the types' own parsers, which also word the errors.

use crate::domain::{NumberError, Price, Qty, Rate, Timestamp};

/// Powers of ten that fit an `i64`.
const POW10: [i64; 19] = {
    let mut table = [1; 19];
    let mut n = 1;
    while n < 19 {
        table[n] = table[n - 1] * 10;
        n += 1;
    }
    table
};

/// Reads digits with at most one point and at most 18 digits; `None` for anything else, and when
/// there are more than `digits` decimal places.
#[inline]
fn plain(bytes: &[u8], digits: usize) -> Option<i128> {
    if 19 < bytes.len() {
        return None;
    }
    let (value, behind) = digits_of(0, bytes);
    let (value, places) = match behind {
        [] => (value, 0),
        [b'.', part @ ..] => match digits_of(value, part) {
            (value, []) => (value, part.len()),
            _ => return None,
        },
        _ => return None,
    };
    let n_digits = bytes.len() - usize::from(!behind.is_empty());
    if n_digits == 0 || 18 < n_digits {
        return None;
    }
    // Eighteen digits stay below 2^63, and times 10^18 below 2^127: nothing has wrapped.
    let scale = *POW10.get(digits.checked_sub(places)?)?;
    Some(i128::from(value).wrapping_mul(i128::from(scale)))
}

/// Appends the digits at the front of `bytes` to `value`, and what is behind them.
#[inline]
fn digits_of(mut value: i64, mut bytes: &[u8]) -> (i64, &[u8]) {
    while let [first, rest @ ..] = bytes
        && let digit @ 0..10 = first.wrapping_sub(b'0')
    {
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        bytes = rest;
    }
    (value, bytes)
}

fn text(bytes: &[u8]) -> Result<&str, NumberError> {
    std::str::from_utf8(bytes)
        .map_err(|_| NumberError::NotANumber(String::from_utf8_lossy(bytes).into_owned()))
}

/// Price of a field.
pub(super) fn price(bytes: &[u8]) -> Result<Price, NumberError> {
    match plain(bytes, Price::DIGITS as usize).and_then(Price::from_raw) {
        Some(price) => Ok(price),
        None => text(bytes)?.parse(),
    }
}

/// Quantity of a field, exact.
pub(super) fn qty(bytes: &[u8]) -> Result<Qty, NumberError> {
    match plain(bytes, Qty::DIGITS as usize).and_then(Qty::from_raw) {
        Some(qty) => Ok(qty),
        None => text(bytes)?.parse(),
    }
}

/// Traded volume of a field, rounded to the type's grid.
pub(super) fn volume(bytes: &[u8]) -> Result<Qty, NumberError> {
    match plain(bytes, Qty::DIGITS as usize).and_then(Qty::from_raw) {
        Some(qty) => Ok(qty),
        None => Qty::parse_volume(text(bytes)?),
    }
}

/// Funding rate of a field.
pub(super) fn rate(bytes: &[u8]) -> Result<Rate, NumberError> {
    text(bytes)?.parse()
}

/// Time of a field, in whole milliseconds; `None` when it is none.
pub(super) fn time(bytes: &[u8]) -> Option<Timestamp> {
    if bytes.contains(&b'.') {
        return None;
    }
    let millis = plain(bytes, 0)?;
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_read_as_their_types_read_them() {
        for field in [
            "0",
            "1",
            "93530.0",
            "0.00000001",
            ".5",
            "5.",
            "1e-7",
            "-1",
            "",
            ".",
            "1.2.3",
            "abc",
            " 7",
            "+7",
            "123456789012345678",
            "1234567890123456789",
            "12345678901234567890",
            "0.123456789",
            "0.000000000000001",
            "999999999.999999999",
            "1,5",
        ] {
            assert_eq!(price(field.as_bytes()), field.parse(), "price {field:?}");
            assert_eq!(qty(field.as_bytes()), field.parse(), "qty {field:?}");
            assert_eq!(
                volume(field.as_bytes()),
                Qty::parse_volume(field),
                "volume {field:?}"
            );
        }
        assert!(price(&[0xff, b'1']).is_err());
    }

    #[test]
    fn times_are_whole_milliseconds() {
        let ms = |n| Some(Timestamp::from_millis(n));
        for (field, expected) in [
            ("1735689600000", ms(1_735_689_600_000)),
            ("0", ms(0)),
            ("1735689600000.0", None),
            ("2025-01-01", None),
            ("", None),
            ("-5", None),
        ] {
            assert_eq!(time(field.as_bytes()), expected, "{field:?}");
        }
    }

    proptest! {
        #[test]
        fn any_field_is_read_as_its_type_reads_it(field in "[0-9.]{0,24}|[-+0-9.eE ]{0,12}") {
            prop_assert_eq!(price(field.as_bytes()), field.parse());
            prop_assert_eq!(qty(field.as_bytes()), field.parse());
            prop_assert_eq!(volume(field.as_bytes()), Qty::parse_volume(&field));
        }
    }
}
