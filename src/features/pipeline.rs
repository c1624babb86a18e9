//! All columns of `tradeterm.features/1`, one bar at a time.
//!
//! Counts bars, not minutes: whoever feeds it fills holes first. Formulas, seeds and first rows
//! follow the feature definition the models were trained with, not any textbook.

use crate::domain::Bar;

use super::Column;
use super::rolling::{Ewm, Window};

/// Below this a deviation or a mean loss counts as zero.
const EPS: f64 = 1e-12;
const WILDER: f64 = 1.0 / 14.0;
const HOUR_MS: f64 = 3_600_000.0;

/// Features of the newest bar, kept up to date in constant time a bar and without allocation.
///
/// A column is NaN until bar [`Column::first_index`]. The same bars always give the same values,
/// bit for bit: logarithm and trigonometry come from `libm`, not from the platform.
#[derive(Debug, Clone)]
pub struct Pipeline {
    bars: u64,
    values: [f64; Column::COUNT],
    previous_close: f64,
    closes: Window,
    returns: Window,
    volumes: Window,
    gain: Ewm,
    loss: Ewm,
    fast: Ewm,
    slow: Ewm,
    signal: Ewm,
    true_range: Ewm,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Pipeline {
    /// Pipeline that has seen no bar.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bars: 0,
            values: [f64::NAN; Column::COUNT],
            previous_close: f64::NAN,
            closes: Window::new(20),
            returns: Window::new(30),
            volumes: Window::new(30),
            gain: Ewm::new(WILDER, 14),
            loss: Ewm::new(WILDER, 14),
            fast: Ewm::new(2.0 / 13.0, 12),
            slow: Ewm::new(2.0 / 27.0, 26),
            signal: Ewm::new(2.0 / 10.0, 9),
            true_range: Ewm::new(WILDER, 14),
        }
    }

    /// Takes the next closed bar.
    pub fn push(&mut self, bar: &Bar) {
        let close = bar.close.to_f64();
        let previous = (self.bars > 0).then_some(self.previous_close);
        self.closes.push(close);
        self.push_returns(close, previous);
        let macd = self.macd(close);
        self.set(Column::MacdHist, macd);
        let range = true_range(bar.high.to_f64(), bar.low.to_f64(), previous);
        let range = self.true_range.push(range).map(|atr| atr / close);
        self.set(Column::Atr14Rel, range);
        let percent_b = self.percent_b(close);
        self.set(Column::BbPctb20, percent_b);
        let volume = bar.volume.to_f64();
        self.volumes.push(volume);
        let volume_z = self.volume_z(volume);
        self.set(Column::VolumeZ30, volume_z);
        // Milliseconds of one day are exact in a float.
        let hour = bar.open_time.millis_of_day() as f64 / HOUR_MS;
        let angle = 2.0 * std::f64::consts::PI * hour / 24.0;
        self.set(Column::HourSin, Some(libm::sin(angle)));
        self.set(Column::HourCos, Some(libm::cos(angle)));
        self.previous_close = close;
        self.bars += 1;
    }

    /// Value of a column after the newest bar; NaN while it is warming up.
    #[must_use]
    pub fn value(&self, column: Column) -> f64 {
        self.values[column.index()]
    }

    /// Number of bars seen since the start or the last [`Pipeline::reset`].
    #[must_use]
    pub fn bars(&self) -> u64 {
        self.bars
    }

    /// Forgets every bar.
    pub fn reset(&mut self) {
        self.bars = 0;
        self.values = [f64::NAN; Column::COUNT];
        self.previous_close = f64::NAN;
        for window in [&mut self.closes, &mut self.returns, &mut self.volumes] {
            window.clear();
        }
        for average in [
            &mut self.gain,
            &mut self.loss,
            &mut self.fast,
            &mut self.slow,
            &mut self.signal,
            &mut self.true_range,
        ] {
            average.clear();
        }
    }

    fn set(&mut self, column: Column, value: Option<f64>) {
        self.values[column.index()] = value.unwrap_or(f64::NAN);
    }

    /// Everything that needs the close before: returns, their deviation, RSI.
    fn push_returns(&mut self, close: f64, previous: Option<f64>) {
        let Some(previous) = previous else { return };
        let log_ret = |base: f64| libm::log(close / base);
        let log_ret_1 = log_ret(previous);
        self.returns.push(log_ret_1);
        self.set(Column::LogRet1, Some(log_ret_1));
        self.set(Column::LogRet5, self.closes.back(5).map(log_ret));
        self.set(Column::LogRet15, self.closes.back(15).map(log_ret));
        self.set(Column::Vol30, self.returns.mean_std(1).map(|(_, std)| std));
        let change = close - previous;
        let gain = self.gain.push(change.max(0.0));
        let loss = self.loss.push((-change).max(0.0));
        let rsi = gain.zip(loss).map(|(gain, loss)| rsi(gain, loss));
        self.set(Column::Rsi14, rsi);
    }

    fn macd(&mut self, close: f64) -> Option<f64> {
        let fast = self.fast.push(close);
        let slow = self.slow.push(close);
        // The signal line is seeded with the first MACD that is reported, at bar 25.
        let macd = fast? - slow?;
        Some((macd - self.signal.push(macd)?) / close)
    }

    fn percent_b(&self, close: f64) -> Option<f64> {
        let (mean, std) = self.closes.mean_std(0)?;
        Some(if std <= EPS {
            0.5
        } else {
            (close - (mean - 2.0 * std)) / (4.0 * std)
        })
    }

    fn volume_z(&self, volume: f64) -> Option<f64> {
        let (mean, std) = self.volumes.mean_std(1)?;
        Some(if std <= EPS {
            0.0
        } else {
            (volume - mean) / std
        })
    }
}

fn rsi(gain: f64, loss: f64) -> f64 {
    if loss <= EPS {
        if gain > EPS { 100.0 } else { 50.0 }
    } else {
        100.0 - 100.0 / (1.0 + gain / loss)
    }
}

fn true_range(high: f64, low: f64, previous_close: Option<f64>) -> f64 {
    match previous_close {
        None => high - low,
        Some(previous) => (high - low)
            .max((high - previous).abs())
            .max((low - previous).abs()),
    }
}
