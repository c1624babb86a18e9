//! What kind of market a symbol has.

/// The character of one symbol. Amounts are in the base coin.
///
/// The shipped values are those of Bybit perpetuals in 2025 and 2026: volatility and volume from
/// five-minute bars, books and trades from recordings of some minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthProfile {
    /// First price.
    pub start_price: f64,
    /// Typical standard deviation of a day's return: 0.025 is 2.5 %.
    pub daily_vol: f64,
    /// Part of the returns that the whole market shares, 0 to 1: the correlation of two symbols
    /// is about the product of theirs.
    pub common: f64,
    /// Typical traded amount of a day.
    pub daily_volume: f64,
    /// Mean number of trades a second, when trades are wanted.
    pub trades_per_s: f64,
    /// Mean distance of neighbouring book levels, in ticks; at least 1.
    pub level_gap: f64,
    /// Typical (median) amount of a book level.
    pub level_qty: f64,
    /// Standard deviation of the logarithm of a level's amount.
    pub level_sigma: f64,
    /// Typical amount at the best price.
    pub best_qty: f64,
    /// Levels that change their amount between two book messages.
    pub churn: f64,
    /// Chance that the spread is wider than one tick.
    pub wide_spread: f64,
}

impl SynthProfile {
    /// Bitcoin.
    pub const BTC: Self = Self {
        start_price: 60_000.0,
        daily_vol: 0.024,
        common: 0.935,
        daily_volume: 85_000.0,
        trades_per_s: 6.0,
        level_gap: 1.5,
        level_qty: 0.02,
        level_sigma: 2.3,
        best_qty: 4.0,
        churn: 6.0,
        wide_spread: 0.01,
    };

    /// Ether.
    pub const ETH: Self = Self {
        start_price: 2_500.0,
        daily_vol: 0.036,
        common: 0.935,
        daily_volume: 1_800_000.0,
        trades_per_s: 4.0,
        level_gap: 1.15,
        level_qty: 0.75,
        level_sigma: 2.2,
        best_qty: 30.0,
        churn: 5.0,
        wide_spread: 0.01,
    };

    /// Solana.
    pub const SOL: Self = Self {
        start_price: 150.0,
        daily_vol: 0.042,
        common: 0.905,
        daily_volume: 11_800_000.0,
        trades_per_s: 4.0,
        level_gap: 1.0,
        level_qty: 1_000.0,
        level_sigma: 1.35,
        best_qty: 700.0,
        churn: 6.0,
        wide_spread: 0.005,
    };

    /// XRP. No recording was at hand: between Ether and Solana.
    pub const XRP: Self = Self {
        start_price: 0.6,
        daily_vol: 0.040,
        common: 0.885,
        daily_volume: 600_000_000.0,
        trades_per_s: 4.0,
        level_gap: 1.0,
        level_qty: 30_000.0,
        level_sigma: 1.4,
        best_qty: 25_000.0,
        churn: 6.0,
        wide_spread: 0.005,
    };

    /// Profile of a base coin; any but the four known ones behaves like Solana with the same
    /// turnover, from a first price of `start_price`.
    #[must_use]
    pub fn of_coin(base: &str, start_price: f64) -> Self {
        match base {
            "BTC" => Self::BTC,
            "ETH" => Self::ETH,
            "SOL" => Self::SOL,
            "XRP" => Self::XRP,
            _ => {
                let scale = Self::SOL.start_price / start_price;
                Self {
                    start_price,
                    daily_volume: Self::SOL.daily_volume * scale,
                    level_qty: Self::SOL.level_qty * scale,
                    best_qty: Self::SOL.best_qty * scale,
                    ..Self::SOL
                }
            }
        }
    }
}
