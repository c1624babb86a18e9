//! Flags of the subcommands that ask the venue without trading.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::session::parse_symbol;
use crate::app::download::parse_date;
use crate::app::record::parse_length;
use crate::domain::{Category, Interval, Symbol, Timestamp};
use crate::venue::bybit::feed::Depth;

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

/// Levels of a side of a recorded book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BookDepth {
    /// Best bid and ask only, in the quotes
    #[value(name = "1")]
    Best,
    /// 50 levels, every 20 ms
    #[value(name = "50")]
    L50,
    /// 200 levels, every 100 ms
    #[value(name = "200")]
    L200,
    /// 1000 levels, every 200 ms
    #[value(name = "1000")]
    L1000,
}

impl BookDepth {
    /// Depth of the topic; `None` when no book is recorded.
    #[must_use]
    pub const fn topic(self) -> Option<Depth> {
        match self {
            Self::Best => None,
            Self::L50 => Some(Depth::L50),
            Self::L200 => Some(Depth::L200),
            Self::L1000 => Some(Depth::L1000),
        }
    }
}

/// Flags of `record`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "\
Records bars, quotes, books, trades and funding until --for is over, or until Ctrl-C or SIGTERM
ends it in order. The folder can be played as a market (feed.kind = \"market\", sim-exchange
--market). No key is read.

Examples:
  tradeterm record --symbol BTCUSDT ETHUSDT --interval 1m --out today --for 1h
  tradeterm sim-exchange --market today")]
pub struct RecordArgs {
    /// Symbols, such as BTCUSDT
    #[arg(long = "symbol", value_name = "S", required = true, num_args = 1.., value_parser = parse_symbol)]
    pub symbols: Vec<Symbol>,
    /// Length of the bars, such as 5m
    #[arg(long, value_name = "I")]
    pub interval: Interval,
    /// Market of the symbols
    #[arg(long, value_enum, default_value_t = Market::Linear)]
    pub category: Market,
    /// Levels of a side of the books
    #[arg(long, value_name = "N", value_enum, default_value_t = BookDepth::L50)]
    pub depth: BookDepth,
    /// How long to record, such as 90s, 30m or 1h [default: until a signal]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_length)]
    pub length: Option<Duration>,
    /// Folder to write into; it may not hold a recording
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: PathBuf,
    /// Print one JSON object at the end
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}
