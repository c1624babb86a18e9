//! How lively the market is by the time of day and week.

use crate::domain::Timestamp;

/// Mean absolute 5-minute return by UTC hour, over its mean: Bybit BTC, ETH and SOL perpetuals,
/// 2025-01 to 2026-04, averaged.
const HOURS: [f64; 24] = [
    1.08, 1.05, 0.97, 0.83, 0.79, 0.78, 0.80, 0.84, 0.87, 0.85, 0.77, 0.80, 0.92, 1.19, 1.48, 1.41,
    1.26, 1.21, 1.11, 1.05, 1.02, 0.99, 1.01, 0.89,
];
/// Saturdays and Sundays (UTC) against working days.
const WEEKEND: f64 = 0.7;
const HOUR_MS: i64 = 3_600_000;

/// Factor on volatility, about 1 in the mean.
pub(super) fn volatility(at: Timestamp) -> f64 {
    // The table holds means of whole hours: its values stand at half past.
    let shifted = at.plus_millis(-HOUR_MS / 2).millis_of_day();
    let hour = (shifted / HOUR_MS) as usize;
    let part = (shifted % HOUR_MS) as f64 / HOUR_MS as f64;
    let here = HOURS[hour % 24];
    let next = HOURS[(hour + 1) % 24];
    let day = (at.day() + 3).rem_euclid(7);
    let week = if day < 5 { 1.08 } else { 1.08 * WEEKEND };
    (here + (next - here) * part) * week
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn afternoons_are_lively_and_weekends_calm() {
        // 2026-03-02 was a Monday.
        let monday = 1_772_409_600_000;
        let at = |day: i64, hour: i64| {
            volatility(Timestamp::from_millis(monday + (day * 24 + hour) * HOUR_MS))
        };
        assert!(1.5 < at(0, 15) / at(0, 5));
        assert!((at(5, 15) / at(4, 15) - WEEKEND).abs() < 1e-9);
        assert!((at(6, 15) - at(5, 15)).abs() < 1e-9);
        assert!((at(7, 0) - at(0, 0)).abs() < 1e-9);
    }
}
