//! Moments as a person types them: a day, or a day with a time, in UTC.

use crate::domain::Timestamp;

/// Length of a day without a time.
const DAY_LEN: usize = 10;

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no date: write a day as 2026-01-31, or with a time in UTC as 2026-01-31T14:30")]
pub struct DateError(String);

/// Reads `2026-01-31`, `2026-01-31T14:30`, `2026-01-31 14:30:15` or the same with a `Z`.
///
/// # Errors
///
/// For anything else, a moment with another offset than UTC among them: nobody should have to
/// guess which hour was meant.
pub fn parse_date(text: &str) -> Result<Timestamp, DateError> {
    let bad = || DateError(text.chars().take(40).collect());
    let (day, time) = text.split_at_checked(DAY_LEN).ok_or_else(bad)?;
    let is_day = day.bytes().enumerate().all(|(n, byte)| match n {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let clock = match time.as_bytes().first() {
        None => "",
        Some(b'T' | b' ') => time[1..].strip_suffix('Z').unwrap_or(&time[1..]),
        Some(_) => return Err(bad()),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let is_clock = (2..=3).contains(&parts.len())
        && parts
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_day || !(time.is_empty() || is_clock) {
        return Err(bad());
    }
    let whole = if clock.is_empty() {
        day.to_owned()
    } else {
        format!("{day}T{clock}")
    };
    let civil: jiff::civil::DateTime = whole.parse().map_err(|_| bad())?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| bad())?;
    Ok(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_in_utc() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T14:30", "2026-01-31T14:30:00Z"),
            ("2026-01-31 14:30:15", "2026-01-31T14:30:15Z"),
            ("2026-01-31T14:30:15Z", "2026-01-31T14:30:15Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(parse_date(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "yesterday",
            "31.01.2026",
            "2026-1-31",
            "2026-02-30",
            "2026-13-01",
            "2026-01-31T",
            "2026-01-31T14",
            "2026-01-31T25:00",
            "2026-01-31T14:30+02:00",
            "2026-01-31T14:30:15.5",
            "2026-01-31x14:30",
            "2026-01-31Z",
            "1767571200000",
            "2026-01-3\u{e9}",
            "+2026-01-31",
        ] {
            let error = parse_date(text).unwrap_err().to_string();
            assert!(error.contains("2026-01-31T14:30"), "{text}: {error}");
        }
    }
}
