//! Numbers for people and for cells: formats with a dash for what is missing, and the few casts
//! between floats and columns, all of them clamped.

use std::fmt;

use crate::domain::{Money, Price, Qty, Rate, Timestamp};

/// Appends formatted text.
pub fn push(text: &mut String, args: fmt::Arguments<'_>) {
    text.push_str(&fmt::format(args));
}

/// What stands for a missing number.
pub const DASH: &str = "-";

/// Index of `value` within `0..=last`; NaN is 0.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the value is clamped to the range of the index before the cast"
)]
pub fn index(value: f64, last: usize) -> usize {
    if value.is_nan() {
        return 0;
    }
    value.round().clamp(0.0, last as f64) as usize
}

/// A count as a float.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts on a screen are far below 2^52"
)]
pub fn float(count: usize) -> f64 {
    count as f64
}

/// A count of cells, cut at the largest one.
#[must_use]
pub fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Decimal places that a grid of this step needs.
#[must_use]
pub fn places(mut raw: i128, digits: u32) -> usize {
    if raw == 0 {
        return 2;
    }
    let mut left = digits;
    while 0 < left && raw % 10 == 0 {
        raw /= 10;
        left -= 1;
    }
    left as usize
}

/// Price with the decimals of its tick.
#[must_use]
pub fn price(price: Price, tick: Price) -> String {
    format!("{price:.*}", places(tick.raw(), Price::DIGITS).min(10))
}

/// Price or dash.
#[must_use]
pub fn price_or_dash(value: Option<Price>, tick: Price) -> String {
    value.map_or_else(|| DASH.to_owned(), |value| price(value, tick))
}

/// Quantity with the decimals of its step.
#[must_use]
pub fn qty(qty: Qty, step: Qty) -> String {
    format!("{qty:.*}", places(step.raw(), Qty::DIGITS).min(8))
}

/// Money with its sign, in full cents.
#[must_use]
pub fn signed(money: Money) -> String {
    no_minus_zero(format!("{money:+.2}"))
}

/// Signed money or dash.
#[must_use]
pub fn signed_or_dash(money: Option<Money>) -> String {
    money.map_or_else(|| DASH.to_owned(), signed)
}

/// Money without a plus sign, in full cents.
#[must_use]
pub fn plain(money: Money) -> String {
    no_minus_zero(format!("{money:.2}"))
}

/// Money or dash.
#[must_use]
pub fn plain_or_dash(money: Option<Money>) -> String {
    money.map_or_else(|| DASH.to_owned(), plain)
}

/// Rate as a signed percentage with `digits` decimals.
#[must_use]
pub fn percent(rate: Rate, digits: usize) -> String {
    signed_float(rate.to_f64() * 100.0, digits, "%")
}

/// Signed percentage or dash.
#[must_use]
pub fn percent_or_dash(rate: Option<Rate>, digits: usize) -> String {
    rate.map_or_else(|| DASH.to_owned(), |rate| percent(rate, digits))
}

/// Float with a sign and a unit; a dash where it is not finite.
#[must_use]
pub fn signed_float(value: f64, digits: usize, unit: &str) -> String {
    if !value.is_finite() {
        return DASH.to_owned();
    }
    let text = format!("{value:+.digits$}");
    let zero = text.bytes().all(|b| matches!(b, b'+' | b'-' | b'0' | b'.'));
    let text = if zero { &text[1..] } else { &text };
    format!("{text}{unit}")
}

/// Float without a plus sign; a dash where it is missing or not finite. Very large and very small
/// ones take the scientific form.
#[must_use]
pub fn plain_float(value: Option<f64>, digits: usize) -> String {
    match value {
        Some(value) if value.is_finite() => {
            let size = value.abs();
            if 1e9 <= size
                || (0.0 < size && size < 0.5 * 0.1_f64.powi(i32::try_from(digits).unwrap_or(9)))
            {
                format!("{value:.2e}")
            } else {
                no_minus_zero(format!("{value:.digits$}"))
            }
        }
        _ => DASH.to_owned(),
    }
}

/// Probability in three characters: `.71`, `1.0`.
#[must_use]
pub fn probability(value: f64) -> String {
    if !value.is_finite() {
        return "  -".to_owned();
    }
    let text = format!("{value:.2}");
    match text.strip_prefix('0') {
        Some(short) => short.to_owned(),
        None => format!("{value:.1}"),
    }
}

/// Length of time in the two largest units: `04:32`, `2:04:32`, `3d 04h`.
#[must_use]
pub fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days}d {hours:02}h"),
    }
}

/// Age in its largest unit: `38ms`, `4.2s`, `4m12s`, `3h07m`, `2d`.
#[must_use]
pub fn age(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..1000 => format!("{ms}ms"),
        ms @ 1000..60_000 => format!("{}.{}s", ms / 1000, ms / 100 % 10),
        ms @ 60_000..3_600_000 => format!("{}m{:02}s", ms / 60_000, ms / 1000 % 60),
        ms @ 3_600_000..172_800_000 => format!("{}h{:02}m", ms / 3_600_000, ms / 60_000 % 60),
        ms => format!("{}d", ms / 86_400_000),
    }
}

/// Time of day to the second, UTC.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    let seconds = at.millis_of_day() / 1000;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Time of day to the millisecond, UTC.
#[must_use]
pub fn clock_ms(at: Timestamp) -> String {
    format!("{}.{:03}", clock(at), at.millis_of_day() % 1000)
}

/// Month, day and minute, UTC: `08-24 12:04`.
#[must_use]
pub fn day_clock(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(5..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => clock(at),
    }
}

/// Month, day and second, UTC: `08-24 12:04:31`.
#[must_use]
pub fn day_clock_s(at: Timestamp) -> String {
    format!(
        "{}{:02}",
        day_clock(at) + ":",
        at.millis_of_day() / 1000 % 60
    )
}

/// Whole number with thin groups: `18 412`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if 0 < n && (digits.len() - n).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn no_minus_zero(text: String) -> String {
    let zero = text.bytes().all(|b| matches!(b, b'+' | b'-' | b'0' | b'.'));
    match text.strip_prefix(['-', '+']) {
        Some(rest) if zero => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_signs_and_missing_ones_are_dashes() {
        let money = |text: &str| text.parse::<Money>().unwrap();
        assert_eq!(signed(money("84.1")), "+84.10");
        assert_eq!(signed(money("-0.001")), "0.00");
        assert_eq!(signed(money("-113.205")), "-113.21");
        assert_eq!(signed_or_dash(None), "-");
        assert_eq!(signed_float(f64::NAN, 2, "%"), "-");
        assert_eq!(signed_float(-0.001, 2, "%"), "0.00%");
        assert_eq!(percent(Rate::from_bps(124), 2), "+1.24%");
        assert_eq!(plain_float(Some(1.5e12), 2), "1.50e12");
        assert_eq!(plain_float(Some(0.000_001), 3), "1.00e-6");
        assert_eq!(plain_float(Some(f64::INFINITY), 2), "-");
        assert_eq!(probability(0.714), ".71");
        assert_eq!(probability(1.0), "1.0");
        assert_eq!(grouped(1_218_412), "1 218 412");
    }

    #[test]
    fn prices_have_the_decimals_of_their_tick() {
        let p = |text: &str| text.parse::<Price>().unwrap();
        assert_eq!(price(p("67312.4"), p("0.1")), "67312.4");
        assert_eq!(price(p("67312"), p("0.01")), "67312.00");
        assert_eq!(price(p("0.00001234"), p("0.00000001")), "0.00001234");
        assert_eq!(price(p("67312.4"), p("5")), "67312");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(span(-5), "00:00");
        assert_eq!(span(272_000), "04:32");
        assert_eq!(span(7_472_000), "2:04:32");
        assert_eq!(span(273_600_000), "3d 04h");
        assert_eq!(age(38), "38ms");
        assert_eq!(age(4_250), "4.2s");
        assert_eq!(age(252_000), "4m12s");
        assert_eq!(age(11_220_000), "3h07m");
        assert_eq!(day_clock(Timestamp::from_millis(0)), "01-01 00:00");
        assert_eq!(index(f64::NAN, 9), 0);
        assert_eq!(index(1e300, 9), 9);
    }
}
