//! The settings as a whole, and the parts that say what is traded: feed, account, legs.
//!
//! Plain data. The defaults here equal `config/default.toml`; a test compares them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::sections::{
    AgentSettings, ExecutionSettings, LogSettings, PaperSettings, RiskSettings, UiSettings,
};
use super::values::{self, Speed};
use super::venue::VenueSettings;
use crate::domain::{Category, Interval, Mode, Money, Rate, Symbol};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What the session trades on.
    pub mode: Mode,
    /// Where the market comes from.
    pub feed: FeedSettings,
    /// How the venue is used.
    pub venue: VenueSettings,
    /// The account's money.
    pub account: AccountSettings,
    /// What trades: one strategy on one instrument each. Empty leaves it to the feed or a flag.
    pub legs: Vec<LegSettings>,
    /// Limits.
    pub risk: RiskSettings,
    /// How targets become orders.
    pub execution: ExecutionSettings,
    /// The simulated broker.
    pub paper: PaperSettings,
    /// Trained agents.
    pub agent: AgentSettings,
    /// The console.
    pub ui: UiSettings,
    /// The log.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Replay,
            feed: FeedSettings::default(),
            venue: VenueSettings::default(),
            account: AccountSettings::default(),
            legs: Vec::new(),
            risk: RiskSettings::default(),
            execution: ExecutionSettings::default(),
            paper: PaperSettings::default(),
            agent: AgentSettings::default(),
            ui: UiSettings::default(),
            log: LogSettings::default(),
        }
    }
}

/// Where the market comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedKind {
    /// A market that is made up, from a fixed seed.
    SyntheticDemo,
    /// Files with bars.
    Bars,
    /// A folder with recorded bars, books and trades.
    Market,
    /// Bybit's public data.
    Bybit,
}

/// The feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedSettings {
    /// Kind of feed.
    pub kind: FeedKind,
    /// Files of the `bars` feed.
    pub bars: Vec<BarsSettings>,
    /// Folder of the `market` feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<PathBuf>,
    /// Market that the symbols belong to.
    pub category: Category,
    /// How fast a recording plays.
    pub speed: Speed,
    /// Bars at the start that play as fast as they can; `None` is what the slowest leg needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_bars: Option<u32>,
    /// Levels of the order books of the `bybit` feed.
    pub depth: u32,
    /// Whether the `bybit` feed takes tickers: last, mark and index price, funding.
    pub quotes: bool,
    /// Whether the `bybit` feed takes public trades.
    pub trades: bool,
    /// Bars of history that the `bybit` feed fetches before the first live one, at least.
    pub history_bars: u32,
    /// Silence after which data of the `bybit` feed is stale, in milliseconds.
    pub stale_ms: u32,
    /// Pause between REST queries while a socket is down, in milliseconds.
    pub fallback_poll_ms: u32,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            kind: FeedKind::SyntheticDemo,
            bars: Vec::new(),
            market: None,
            category: Category::Linear,
            speed: Speed::Times(150.0),
            warmup_bars: None,
            depth: 50,
            quotes: true,
            trades: true,
            history_bars: 500,
            stale_ms: 4_000,
            fallback_poll_ms: 2_000,
        }
    }
}

/// One file with bars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarsSettings {
    /// The file.
    pub path: PathBuf,
    /// Symbol of its bars; `None` when the file's name says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Interval of its bars; `None` when the bars themselves say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// File with the funding payments of the symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<PathBuf>,
}

/// The account's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// Money that the limits are parts of, in `coin`: the cash of a simulated account at its
    /// start, and at the venue the part of the account that is traded with.
    #[serde(serialize_with = "values::number")]
    pub capital: Money,
    /// Coin the account is kept in.
    pub coin: String,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            capital: "25000".parse().expect("a plain number is money"),
            coin: "USDT".to_owned(),
        }
    }
}

/// Family of a strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// A trained agent from a bundle.
    Agent,
    /// Never holds anything.
    Flat,
    /// Two moving averages.
    MaCross,
}

/// One strategy on one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegSettings {
    /// Family of the strategy.
    pub strategy: StrategyKind,
    /// Folder of the bundle; agents only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// Symbol to trade; `None` is the one the bundle was made for, or the only recording's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Interval to decide on; `None` is the one the bundle was made for, or the only recording's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Bars of the fast average; `ma-cross` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast: Option<u32>,
    /// Bars of the slow average; `ma-cross` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<u32>,
    /// Whether it also goes short; `ma-cross` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_short: Option<bool>,
    /// Part of the equity that an exposure of 1 stands for; `None` is the account's limit. The
    /// stricter of the two holds.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "values::optional_number"
    )]
    pub max_position_pct: Option<Rate>,
    /// Loss of a position at which it is closed; `None` is the account's. The stricter holds.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "values::optional_number"
    )]
    pub stop_loss_pct: Option<Rate>,
}

impl LegSettings {
    /// A leg of that family with nothing else said.
    #[must_use]
    pub const fn new(strategy: StrategyKind) -> Self {
        Self {
            strategy,
            model: None,
            symbol: None,
            interval: None,
            fast: None,
            slow: None,
            long_short: None,
            max_position_pct: None,
            stop_loss_pct: None,
        }
    }

    /// Part of the equity that an exposure of 1 stands for, under the account's limit.
    #[must_use]
    pub fn position_cap(&self, risk: &RiskSettings) -> Rate {
        self.max_position_pct
            .map_or(risk.max_position_pct, |own| own.min(risk.max_position_pct))
    }

    /// Loss of a position at which it is closed: the stricter of the leg's and the account's.
    #[must_use]
    pub fn stop_loss(&self, risk: &RiskSettings) -> Rate {
        self.stop_loss_pct
            .map_or(risk.stop_loss_pct, |own| own.min(risk.stop_loss_pct))
    }
}
