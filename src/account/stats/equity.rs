//! Statistics over equity as time passes: daily returns, drawdown, time in the market.

use crate::domain::{Money, Rate, Timestamp};

/// Trading days of a year: this market never closes.
const DAYS_A_YEAR: f64 = 365.0;

/// Count, mean and squares of daily returns, by Welford's recurrence (Technometrics 4, 1962).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Returns {
    n: f64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
    /// Sum of squared returns below zero.
    down_squares: f64,
}

impl Returns {
    fn push(&mut self, value: f64) {
        self.n += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.n;
        self.squares += delta * (value - self.mean);
        let down = value.min(0.0);
        self.down_squares += down * down;
    }
}

/// A fall of equity below its peak that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Water {
    peak: Money,
    /// Last moment at the peak.
    peak_at: Timestamp,
    /// Lowest equity since.
    trough: Money,
}

/// Statistics over equity, given moment by moment in order of time.
///
/// A day's return is its last equity over the last equity of the day before it, less one; the
/// first day is measured from the first equity given. The running day counts with what it has so
/// far. A UTC day without any observation has no return of its own: its change is part of the
/// next one. A day that begins without positive equity has none either.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EquityStats {
    returns: Returns,
    /// Equity at the end of the last finished day, or the first equity.
    day_start: Option<Money>,
    /// First millisecond of the day after the running one.
    next_day: Timestamp,
    last: Option<(Timestamp, Money, bool)>,
    first_at: Timestamp,
    in_market_ms: i64,
    water: Option<Water>,
    /// Deepest and longest finished fall.
    max_depth: Rate,
    max_amount: Money,
    max_length_ms: i64,
}

impl EquityStats {
    /// Takes the equity at `at`, and whether a position is open from then on.
    ///
    /// No division and no allocation but at the end of a day or a drawdown.
    #[inline]
    pub fn observe(&mut self, at: Timestamp, equity: Money, in_market: bool) {
        if let Some((before, last, was_in_market)) = self.last {
            if was_in_market {
                self.in_market_ms += at.since(before).max(0);
            }
            if self.next_day <= at {
                self.end_day(last);
                self.next_day = day_after(at);
            }
        } else {
            self.first_at = at;
            self.day_start = Some(equity);
            self.next_day = day_after(at);
        }
        self.last = Some((at, equity, in_market));
        match &mut self.water {
            Some(water) if equity < water.peak => water.trough = water.trough.min(equity),
            Some(water) if water.trough < water.peak => self.end_fall(at, equity),
            Some(water) => {
                water.peak = equity;
                water.peak_at = at;
                water.trough = equity;
            }
            None => self.water = Some(Water::at_peak(at, equity)),
        }
    }

    #[cold]
    fn end_day(&mut self, last: Money) {
        if let Some(value) = self.running_return(last) {
            self.returns.push(value);
        }
        self.day_start = Some(last);
    }

    #[cold]
    fn end_fall(&mut self, at: Timestamp, equity: Money) {
        if let Some(water) = self.water {
            self.max_depth = self.max_depth.max(water.depth());
            self.max_amount = self.max_amount.max(water.amount());
            self.max_length_ms = self.max_length_ms.max(at.since(water.peak_at));
        }
        self.water = Some(Water::at_peak(at, equity));
    }

    fn running_return(&self, equity: Money) -> Option<f64> {
        let start = self.day_start.filter(|s| *s > Money::ZERO)?;
        Some((equity - start).to_f64() / start.to_f64())
    }

    /// Daily returns with the running day.
    fn returns(&self) -> Returns {
        let mut returns = self.returns;
        if let Some(value) = self.last.and_then(|(_, e, _)| self.running_return(e)) {
            returns.push(value);
        }
        returns
    }

    /// Number of daily returns, the running day included.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of days"
    )]
    pub fn n_days(&self) -> u64 {
        self.returns().n as u64
    }

    /// Mean of the daily returns; `None` before the first.
    #[must_use]
    pub fn mean_return(&self) -> Option<f64> {
        let returns = self.returns();
        (returns.n >= 1.0).then_some(returns.mean)
    }

    /// Standard deviation of the daily returns, with `n - 1`; `None` with fewer than two days.
    #[must_use]
    pub fn std_return(&self) -> Option<f64> {
        let returns = self.returns();
        (returns.n >= 2.0).then(|| (returns.squares / (returns.n - 1.0)).sqrt())
    }

    /// Yearly Sharpe ratio without a riskless rate: `mean / std * sqrt(365)` of the daily
    /// returns, `std` with `n - 1`. `None` with fewer than two days, or when nothing varies.
    #[must_use]
    pub fn sharpe(&self) -> Option<f64> {
        let std = self.std_return().filter(|s| *s > 0.0)?;
        Some(self.returns().mean / std * DAYS_A_YEAR.sqrt())
    }

    /// Yearly Sortino ratio about zero: `mean / down * sqrt(365)` of the daily returns, where
    /// `down` is the root of the mean over *all* days of `min(return, 0)` squared. `None` with
    /// fewer than two days, or without a losing day.
    #[must_use]
    pub fn sortino(&self) -> Option<f64> {
        let returns = self.returns();
        let down = (returns.down_squares / returns.n).sqrt();
        (returns.n >= 2.0 && down > 0.0).then(|| returns.mean / down * DAYS_A_YEAR.sqrt())
    }

    /// Deepest drawdown as a part of its peak, the present one included; `None` before the
    /// first observation.
    #[must_use]
    pub fn max_drawdown(&self) -> Option<Rate> {
        self.water.map(|w| self.max_depth.max(w.depth()))
    }

    /// Deepest drawdown as an amount; it need not be the same one as the deepest part.
    #[must_use]
    pub fn max_drawdown_amount(&self) -> Option<Money> {
        self.water.map(|w| self.max_amount.max(w.amount()))
    }

    /// Longest drawdown, in milliseconds from the last moment at the peak until the peak is
    /// reached again, or until now.
    #[must_use]
    pub fn max_drawdown_ms(&self) -> Option<i64> {
        let (at, ..) = self.last?;
        let water = self.water?;
        let running = if water.trough < water.peak {
            at.since(water.peak_at)
        } else {
            0
        };
        Some(self.max_length_ms.max(running))
    }

    /// Part of the observed time with a position, 0 to 1; `None` before any time has passed.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a session stay below 2^53"
    )]
    pub fn time_in_market(&self) -> Option<f64> {
        let total = self.observed_ms()?;
        (total > 0).then(|| self.in_market_ms as f64 / total as f64)
    }

    /// Milliseconds from the first to the newest observation.
    #[must_use]
    pub fn observed_ms(&self) -> Option<i64> {
        self.last.map(|(at, ..)| at.since(self.first_at))
    }
}

impl Water {
    const fn at_peak(at: Timestamp, equity: Money) -> Self {
        Self {
            peak: equity,
            peak_at: at,
            trough: equity,
        }
    }

    /// Depth of the fall as a part of the peak; zero where the peak is not positive.
    fn depth(&self) -> Rate {
        self.amount().fraction_of(self.peak).unwrap_or_default()
    }

    fn amount(&self) -> Money {
        self.peak - self.trough
    }
}

const fn day_after(at: Timestamp) -> Timestamp {
    at.plus_millis(86_400_000 - at.millis_of_day())
}
