//! Flags of the subcommands that ask the venue without trading.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::session::parse_symbol;
use crate::app::download::parse_date;
use crate::domain::{Category, Interval, Symbol, Timestamp};

/// Flags of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "\
Exit codes: 0 all is well, 20 warnings, 21 failures; 3 settings that cannot be read, 4 a key that
is missing, wrong or too powerful, 5 a venue that cannot be reached.

Examples:
  tradeterm doctor
  tradeterm doctor --account --config config/live/bybit_testnet.toml")]
pub struct DoctorArgs {
    /// Check key and account too; without this no key is read
    #[arg(long)]
    pub account: bool,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Market, as a person types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Market {
    /// Perpetuals and futures settled in the quote coin
    Linear,
    /// Coin against coin
    Spot,
}

impl From<Market> for Category {
    fn from(market: Market) -> Self {
        match market {
            Market::Linear => Category::Linear,
            Market::Spot => Category::Spot,
        }
    }
}

/// Flags of `download`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "\
What was interrupted goes on with the same command. The folder can be played as a market
(feed.kind = \"market\") and its files by --bars and --funding.

Examples:
  tradeterm download --symbol BTCUSDT --interval 5m --from 2026-01-01 --to 2026-02-01 --out btc
  tradeterm backtest --bars btc/bybit_linear_BTCUSDT_5m.csv.gz --model models/ppo_btcusdt_5m")]
pub struct DownloadArgs {
    /// Symbol, such as BTCUSDT
    #[arg(long, value_name = "S", value_parser = parse_symbol)]
    pub symbol: Symbol,
    /// Length of the bars, such as 5m
    #[arg(long, value_name = "I")]
    pub interval: Interval,
    /// First day, or day with a time, in UTC: 2026-01-31 or 2026-01-31T14:30
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub from: Timestamp,
    /// Day or time behind the last bar, in UTC
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub to: Timestamp,
    /// Market of the symbol
    #[arg(long, value_enum, default_value_t = Market::Linear)]
    pub category: Market,
    /// Download funding payments as well
    #[arg(long)]
    pub funding: bool,
    /// Folder to write into [default: a folder of its own in the data folder]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}
