//! Flags of the subcommands that trade, stop trading or repeat it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use crate::app::guard::ConfirmLive;
use crate::config::Speed;
use crate::domain::{Interval, KillLevel, Mode, Symbol};

/// Flags of the console.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ConsoleArgs {
    /// Trade a made-up market, with strategies of its own
    #[arg(long, help_heading = "Mode")]
    pub demo: bool,
    /// Play a recording this many times faster than real, or max
    /// [env: TRADETERM_FEED__SPEED] [default: 150]
    #[arg(long, value_name = "N|max", help_heading = "Data")]
    pub speed: Option<Speed>,
    /// Run without the console: JSON lines on stdout, a summary on stderr
    #[arg(
        long,
        help_heading = "Display",
        env = "TRADETERM_NO_TUI",
        hide_env_values = true,
        value_parser = FalseyValueParser::new()
    )]
    pub no_tui: bool,
    /// Print JSON, one object a line
    #[arg(
        long,
        help_heading = "Output",
        env = "TRADETERM_JSON",
        hide_env_values = true,
        value_parser = FalseyValueParser::new()
    )]
    pub json: bool,
}

impl ConsoleArgs {
    /// Whether a flag was given that cannot come from the environment.
    pub(super) const fn is_typed(&self) -> bool {
        self.demo || self.speed.is_some()
    }
}

/// What trades on which recordings.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct TradeArgs {
    /// Folder of a trained agent's bundle; replaces the legs of the settings
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Data",
        conflicts_with = "rule"
    )]
    pub model: Option<PathBuf>,
    /// A rule instead of an agent: flat, ma-cross:FAST,SLOW or ma-cross:FAST,SLOW,long-short
    #[arg(long, value_name = "RULE", help_heading = "Data")]
    pub rule: Option<Rule>,
    /// Symbol to trade with --model or --rule; may be repeated
    ///
    /// With as many symbols as --bars files, each names the file in its place.
    #[arg(long = "symbol", value_name = "S", help_heading = "Data", value_parser = parse_symbol)]
    pub symbols: Vec<Symbol>,
    /// File with bars (ts_ms,open,high,low,close,volume; .gz and .zst too); may be repeated
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub bars: Vec<PathBuf>,
    /// Interval of the bars and of the rule [default: what the bars say]
    #[arg(long, value_name = "I", help_heading = "Data")]
    pub interval: Option<Interval>,
}

/// Flags of `run`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = "\
Examples:
  tradeterm run --config config/demo.toml --speed 600
  tradeterm run --bars btc.csv.gz --model models/ppo_btcusdt_5m --set account.capital=50000
  tradeterm run --config config/live/bybit_paper.toml    live data, simulated account")]
pub struct RunArgs {
    /// Flags of the console.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to trade on: replay, paper, demo or testnet; live has to be written in a file
    /// [env: TRADETERM_MODE] [default: replay]
    ///
    /// replay is a recorded or made-up market. paper is live public data with a simulated
    /// account, for which no key is read. demo and testnet are Bybit's own accounts without real
    /// money. TRADETERM_FORCE_PAPER=1 turns all but replay into paper.
    #[arg(long, value_name = "MODE", help_heading = "Mode", value_parser = parse_mode)]
    pub mode: Option<Mode>,
    /// Trade with real money; needs mode = "live" in a file and a confirmation as well
    #[arg(long, help_heading = "Mode", conflicts_with = "demo")]
    pub live: bool,
    /// Confirm --live without being asked: the account's last four digits and the largest
    /// exposure, such as 4821:25000
    #[arg(
        long,
        value_name = "UID4:CAP",
        help_heading = "Mode",
        conflicts_with = "demo"
    )]
    pub confirm_live: Option<ConfirmLive>,
    /// What trades on which recordings.
    #[command(flatten)]
    pub trade: TradeArgs,
}

/// Flags of `backtest`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = "\
Examples:
  tradeterm backtest --bars btc.csv.gz --model models/ppo_btcusdt_5m --funding btc_funding.csv
  tradeterm backtest --bars btc.csv.gz --rule ma-cross:10,30 --symbol BTCUSDT --out out --json")]
pub struct BacktestArgs {
    /// What trades on which recordings.
    #[command(flatten)]
    pub trade: TradeArgs,
    /// File with funding payments (ts_ms,funding_rate) of the --bars file in its place
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub funding: Vec<PathBuf>,
    /// Write trades, equity, settings and the report into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Flags of `replay`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReplayArgs {
    /// Journal to run again, or folder that holds one
    #[arg(value_name = "JOURNAL|DIR")]
    pub journal: PathBuf,
    /// Compare every effect with what was recorded; a difference is exit code 6
    #[arg(long)]
    pub check: bool,
}

/// Step of the kill ladder, as a person types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KillStep {
    /// No new entries; protection goes on
    Reduce,
    /// And cancel every order that is not protection
    Halt,
    /// And close every position
    Flatten,
}

impl From<KillStep> for KillLevel {
    fn from(step: KillStep) -> Self {
        match step {
            KillStep::Reduce => KillLevel::ReduceOnly,
            KillStep::Halt => KillLevel::Halted,
            KillStep::Flatten => KillLevel::Flatten,
        }
    }
}

/// Flags of `kill`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct KillArgs {
    /// How far up the ladder
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = KillStep::Halt)]
    pub level: KillStep,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: Option<String>,
}

/// Flags of `resume`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ResumeArgs {
    /// Why it is safe to trade again, for the journal
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    pub reason: String,
}

/// Flags of `status`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StatusArgs {
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// A strategy that needs no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Never holds anything.
    Flat,
    /// Two moving averages, in bars.
    MaCross {
        /// Bars of the fast average.
        fast: u32,
        /// Bars of the slow average.
        slow: u32,
        /// Whether it also goes short.
        long_short: bool,
    },
}

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a rule: use flat, ma-cross:10,30 or ma-cross:10,30,long-short")]
pub struct RuleError(String);

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let bad = || RuleError(text.chars().take(60).collect());
        if text == "flat" {
            return Ok(Rule::Flat);
        }
        let numbers = text.strip_prefix("ma-cross:").ok_or_else(bad)?;
        let parts: Vec<_> = numbers.split(',').map(str::trim).collect();
        let (fast, slow, long_short) = match parts[..] {
            [fast, slow] => (fast, slow, false),
            [fast, slow, "long-short"] => (fast, slow, true),
            _ => return Err(bad()),
        };
        Ok(Rule::MaCross {
            fast: fast.parse().map_err(|_| bad())?,
            slow: slow.parse().map_err(|_| bad())?,
            long_short,
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Flat => f.write_str("flat"),
            Rule::MaCross {
                fast,
                slow,
                long_short,
            } => {
                let tail = if *long_short { ",long-short" } else { "" };
                write!(f, "ma-cross:{fast},{slow}{tail}")
            }
        }
    }
}

pub(super) fn parse_symbol(text: &str) -> Result<Symbol, String> {
    Symbol::new(text).map_err(|error| error.to_string())
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    [
        Mode::Replay,
        Mode::Paper,
        Mode::Demo,
        Mode::Testnet,
        Mode::Live,
    ]
    .into_iter()
    .find(|mode| mode.name() == text)
    .ok_or_else(|| "use replay, paper, demo, testnet or live".to_owned())
}

/// A reason is one line that says something: it goes to the journal and to the screen.
fn parse_reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say why".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("use one line without control characters".to_owned());
    }
    if 200 < text.chars().count() {
        return Err("use at most 200 characters".to_owned());
    }
    Ok(text.to_owned())
}
