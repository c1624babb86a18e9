//! The names of the features. Computes nothing.

use std::fmt;
use std::str::FromStr;

/// One feature of `tradeterm.features/1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// `ln(C_t / C_{t-1})`.
    LogRet1,
    /// `ln(C_t / C_{t-5})`.
    LogRet5,
    /// `ln(C_t / C_{t-15})`.
    LogRet15,
    /// Standard deviation (ddof 1) of the last 30 values of `log_ret_1`.
    Vol30,
    /// Wilder's relative strength index over 14 bars, 0 to 100.
    Rsi14,
    /// MACD (12, 26) minus its signal line (9), as a part of the close.
    MacdHist,
    /// Wilder's average true range over 14 bars, as a part of the close.
    Atr14Rel,
    /// Place of the close within the Bollinger bands (20 bars, 2 deviations): 0 lower, 1 upper.
    BbPctb20,
    /// Volume in standard deviations (ddof 1) from its mean, over the last 30 bars.
    VolumeZ30,
    /// Sine of the bar's opening time of day (UTC), one turn a day.
    HourSin,
    /// Cosine of the bar's opening time of day (UTC), one turn a day.
    HourCos,
}

/// A name that is no column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown feature column {name:?}; known: {}", Column::ALL.map(Column::name).join(", "))]
pub struct UnknownColumn {
    /// The name as given, at most 40 characters of it.
    pub name: String,
}

impl Column {
    /// Number of columns.
    pub const COUNT: usize = 11;

    /// Every column, in the order of the definition.
    pub const ALL: [Column; Column::COUNT] = [
        Column::LogRet1,
        Column::LogRet5,
        Column::LogRet15,
        Column::Vol30,
        Column::Rsi14,
        Column::MacdHist,
        Column::Atr14Rel,
        Column::BbPctb20,
        Column::VolumeZ30,
        Column::HourSin,
        Column::HourCos,
    ];

    /// Name in bundles and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Column::LogRet1 => "log_ret_1",
            Column::LogRet5 => "log_ret_5",
            Column::LogRet15 => "log_ret_15",
            Column::Vol30 => "vol_30",
            Column::Rsi14 => "rsi_14",
            Column::MacdHist => "macd_hist",
            Column::Atr14Rel => "atr_14_rel",
            Column::BbPctb20 => "bb_pctb_20",
            Column::VolumeZ30 => "volume_z_30",
            Column::HourSin => "hour_sin",
            Column::HourCos => "hour_cos",
        }
    }

    /// Index of the first bar that has a value, counted from 0.
    #[must_use]
    pub const fn first_index(self) -> u64 {
        match self {
            Column::LogRet1 => 1,
            Column::LogRet5 => 5,
            Column::LogRet15 => 15,
            Column::Vol30 => 30,
            Column::Rsi14 => 14,
            Column::MacdHist => 33,
            Column::Atr14Rel => 13,
            Column::BbPctb20 => 19,
            Column::VolumeZ30 => 29,
            Column::HourSin | Column::HourCos => 0,
        }
    }

    /// Place in [`Column::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Column {
    type Err = UnknownColumn;

    fn from_str(text: &str) -> Result<Self, UnknownColumn> {
        Column::ALL
            .into_iter()
            .find(|c| c.name() == text)
            .ok_or_else(|| UnknownColumn {
                name: text.chars().take(40).collect(),
            })
    }
}
