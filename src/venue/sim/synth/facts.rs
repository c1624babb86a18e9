//! Numbers that describe a market, to compare a generated one with a real one.

use crate::domain::Bar;

/// What the bars of one symbol look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarFacts {
    /// Number of returns.
    pub n: usize,
    /// Standard deviation of a day's log-return, scaled from the bars'.
    pub daily_vol: f64,
    /// Kurtosis of the log-returns; 3 for normal ones.
    pub kurtosis: f64,
    /// The same with returns cut at the 99.9th percentile, which a single crash does not move.
    pub kurtosis_cut: f64,
    /// Autocorrelation of the absolute (cut) returns at lags 1, 10 and 50.
    pub clustering: [f64; 3],
    /// Mean absolute return of the liveliest UTC hour over that of the calmest.
    pub hour_ratio: f64,
    /// Correlation of absolute (cut) return and volume.
    pub volume_correlation: f64,
    /// Standard deviation of the volume over its mean.
    pub volume_spread: f64,
    /// Autocorrelation of the volume at lag 1.
    pub volume_clustering: f64,
    /// Mean high-low distance over the mean absolute return.
    pub range_ratio: f64,
}

impl BarFacts {
    /// Facts of bars in order; `None` with fewer than 200 of them or without any movement.
    #[must_use]
    pub fn of(bars: &[Bar]) -> Option<Self> {
        if bars.len() < 200 {
            return None;
        }
        let returns = returns(bars);
        let mut sizes: Vec<f64> = returns.iter().map(|r| r.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let cap = sizes[sizes.len() - 1 - sizes.len() / 1000];
        let cut: Vec<f64> = returns.iter().map(|r| r.clamp(-cap, cap)).collect();
        let absolute: Vec<f64> = cut.iter().map(|r| r.abs()).collect();
        let volumes: Vec<f64> = bars[1..].iter().map(|b| b.volume.to_f64()).collect();
        let ranges: Vec<f64> = bars[1..]
            .iter()
            .map(|b| libm::log(b.high.to_f64() / b.low.to_f64()))
            .collect();
        let step_ms = bars[1].open_time.since(bars[0].open_time) as f64;
        let variance = variance(&returns);
        if variance <= 0.0 || cap <= 0.0 {
            return None;
        }
        Some(Self {
            n: returns.len(),
            daily_vol: (variance * 86_400_000.0 / step_ms).sqrt(),
            kurtosis: kurtosis(&returns),
            kurtosis_cut: kurtosis(&cut),
            clustering: [1, 10, 50].map(|lag| autocorrelation(&absolute, lag)),
            hour_ratio: hour_ratio(&bars[1..], &absolute),
            volume_correlation: correlation(&absolute, &volumes),
            volume_spread: self::variance(&volumes).sqrt() / mean(&volumes),
            volume_clustering: autocorrelation(&volumes, 1),
            range_ratio: mean(&ranges) / mean(&absolute),
        })
    }
}

/// Correlation of the log-returns of two symbols over the bars that both have; `None` below 200.
#[must_use]
pub fn return_correlation(a: &[Bar], b: &[Bar]) -> Option<f64> {
    let (ra, rb) = (returns(a), returns(b));
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (bar, r) in a.iter().skip(1).zip(ra) {
        while at < rb.len() && b[at + 1].open_time < bar.open_time {
            at += 1;
        }
        if at < rb.len() && b[at + 1].open_time == bar.open_time {
            x.push(r);
            y.push(rb[at]);
        }
    }
    (200 <= x.len()).then(|| correlation(&x, &y))
}

/// Log-returns from close to close.
fn returns(bars: &[Bar]) -> Vec<f64> {
    bars.windows(2)
        .map(|pair| libm::log(pair[1].close.to_f64() / pair[0].close.to_f64()))
        .collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / x.len() as f64
}

fn kurtosis(x: &[f64]) -> f64 {
    let (m, v) = (mean(x), variance(x));
    let fourth: f64 = x
        .iter()
        .map(|a| (a - m) * (a - m) * (a - m) * (a - m))
        .sum();
    fourth / x.len() as f64 / (v * v)
}

fn autocorrelation(x: &[f64], lag: usize) -> f64 {
    let m = mean(x);
    let covariance: f64 = x
        .iter()
        .zip(&x[lag..])
        .map(|(a, b)| (a - m) * (b - m))
        .sum();
    covariance / (variance(x) * x.len() as f64)
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let covariance: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
    covariance / (x.len() as f64 * (variance(x) * variance(y)).sqrt())
}

fn hour_ratio(bars: &[Bar], absolute: &[f64]) -> f64 {
    let mut sums = [(0.0, 0.0); 24];
    for (bar, size) in bars.iter().zip(absolute) {
        let hour = (bar.open_time.millis_of_day() / 3_600_000) as usize;
        sums[hour].0 += size;
        sums[hour].1 += 1.0;
    }
    let means = sums.map(|(sum, n): (f64, f64)| sum / n.max(1.0));
    means.iter().copied().fold(0.0, f64::max) / means.iter().copied().fold(f64::MAX, f64::min)
}
