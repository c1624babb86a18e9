//! The command line as data: subcommands, flags, help. Nothing is carried out here.
//!
//! A flag that stands for a setting has no environment variable of its own: the setting's
//! variable is a lower layer of the settings, and the help names it.

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of flags are help texts, where backticks would be noise"
)]

mod overrides;
mod session;
mod tools;
mod venue;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};

use super::exit::Exit;
use crate::config::LogLevel;

pub use session::{
    BacktestArgs, ConsoleArgs, KillArgs, KillStep, ReplayArgs, ResumeArgs, Rule, RuleError,
    RunArgs, StatusArgs, TradeArgs,
};
pub use tools::{
    ClockKind, CompletionsArgs, ConfigCommand, EvalArgs, JournalCommand, KeysCommand, ManArgs,
    ModelCommand, ReportArgs, ReportFormat, ScreenshotArgs, SimExchangeArgs, SynthArgs,
    ThemeCommand,
};
pub use venue::{DoctorArgs, DownloadArgs, RecordArgs};

const EXAMPLES: &str = "\
Examples:
  tradeterm --demo                                       watch agents trade a made-up market
  tradeterm backtest --bars btc.csv.gz --model models/ppo_btcusdt_5m
  tradeterm run --no-tui --config config/demo.toml       the same session as JSON lines";

fn exit_codes() -> String {
    let rows = Exit::ALL.map(|exit| format!("\n  {:>3}  {}", exit.code(), exit.meaning()));
    format!("Exit codes:{}", rows.concat())
}

/// A terminal trading console with a venue-grade engine in one binary.
///
/// Without a subcommand it opens the console, as `tradeterm run` does.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(
    name = "tradeterm",
    version,
    before_help = EXAMPLES,
    after_long_help = exit_codes(),
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Flags of every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// Flags of the console that opens without a subcommand.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do; the console without one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every subcommand.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Configuration")]
pub struct Global {
    /// Keep settings, data, state, cache and runtime files under this folder
    ///
    /// [default: the platform's folders]
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "TRADETERM_HOME",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
    /// Read this settings file as well; may be repeated, later ones win
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        env = "TRADETERM_CONFIG",
        hide_env_values = true,
        action = ArgAction::Append
    )]
    pub config: Vec<PathBuf>,
    /// Set one key, such as risk.day_loss_pct=0.01; may be repeated
    #[arg(long, value_name = "KEY=VALUE", global = true, action = ArgAction::Append)]
    pub set: Vec<String>,
    /// Answer every question with yes
    #[arg(
        long,
        global = true,
        env = "TRADETERM_YES",
        hide_env_values = true,
        value_parser = FalseyValueParser::new()
    )]
    pub yes: bool,
    /// Never ask: a question that --yes does not answer ends with exit code 2
    #[arg(
        long,
        global = true,
        env = "TRADETERM_NO_INPUT",
        hide_env_values = true,
        value_parser = FalseyValueParser::new()
    )]
    pub no_input: bool,
    /// Flags about what is drawn.
    #[command(flatten)]
    pub display: Display,
    /// Flags about what is logged.
    #[command(flatten)]
    pub output: Output,
}

/// Flags about what is drawn.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Display")]
pub struct Display {
    /// Name or file of a theme [env: TRADETERM_UI__THEME] [default: auto]
    #[arg(long, value_name = "THEME", global = true)]
    pub theme: Option<String>,
    /// Draw without colour [env: NO_COLOR]
    #[arg(long, global = true, conflicts_with = "theme")]
    pub no_color: bool,
    /// Draw with ASCII only [env: TRADETERM_UI__SYMBOLS=ascii]
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Most frames a second, 1 to 60 [env: TRADETERM_UI__FPS] [default: 10]
    #[arg(long, value_name = "N", global = true)]
    pub fps: Option<u32>,
}

/// Flags about what is logged.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Least weight of a log line: error, warn, info, debug or trace
    /// [env: TRADETERM_LOG__LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL", global = true, value_parser = parse_level)]
    pub log_level: Option<LogLevel>,
    /// Log warnings and errors only, and no summary
    #[arg(short, long, global = true, conflicts_with_all = ["verbose", "log_level"])]
    pub quiet: bool,
    /// Log more; twice logs everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "log_level")]
    pub verbose: u8,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Trade: the pipeline with the console, or without it
    Run(RunArgs),
    /// Trade recorded bars as fast as they come, and report
    Backtest(BacktestArgs),
    /// Run a journal through the engine again
    Replay(ReplayArgs),
    /// Report on a session from its journal
    Report(ReportArgs),
    /// Look into trained agents
    #[command(subcommand)]
    Model(ModelCommand),
    /// Make up recordings, always the same ones for a seed
    Synth(SynthArgs),
    /// Run a local exchange that speaks Bybit v5, for drills and tests
    SimExchange(SimExchangeArgs),
    /// Check whether a session would start and could trade
    Doctor(DoctorArgs),
    /// Download history from the venue as recordings
    Download(DownloadArgs),
    /// Record live market data as it comes
    Record(RecordArgs),
    /// Move a running session up the kill ladder
    Kill(KillArgs),
    /// Let a stopped account trade again
    Resume(ResumeArgs),
    /// Show what is running and whether trading is stopped
    Status(StatusArgs),
    /// Look into the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look into themes
    #[command(subcommand)]
    Theme(ThemeCommand),
    /// Look into key maps
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Draw every screen into files, or compare with them
    Screenshots(ScreenshotArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write all of them
    Man(ManArgs),
    /// Look into journals
    #[command(subcommand)]
    Journal(JournalCommand),
}

/// The whole command line, for help, completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    /// Reads a command line, program name first.
    ///
    /// # Errors
    ///
    /// What clap finds, `--help` and `--version` included; and console flags before a subcommand,
    /// which belong behind it.
    pub fn read<I, T>(args: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let cli = Cli::try_parse_from(args)?;
        cli.check()?;
        Ok(cli)
    }

    /// Whether the console stays closed, on whichever side of the subcommand that was said.
    #[must_use]
    pub const fn is_no_tui(&self) -> bool {
        match &self.command {
            Some(Command::Run(args)) => args.console.no_tui || self.console.no_tui,
            _ => self.console.no_tui,
        }
    }

    /// Whether JSON is wanted, on whichever side of the subcommand that was said.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        let own = match &self.command {
            Some(Command::Run(args)) => args.console.json,
            Some(Command::Backtest(args)) => args.json,
            Some(Command::Status(args)) => args.json,
            Some(Command::SimExchange(args)) => args.json,
            Some(Command::Doctor(args)) => args.json,
            Some(Command::Download(args)) => args.json,
            Some(Command::Record(args)) => args.json,
            _ => false,
        };
        own || self.console.json
    }

    fn check(&self) -> Result<(), clap::Error> {
        let refuse = |kind, text: &str| Err(command().error(kind, text));
        match &self.command {
            Some(_) if self.console.is_typed() => refuse(
                ErrorKind::ArgumentConflict,
                "--demo and --speed belong behind the subcommand, if it has them",
            ),
            Some(Command::Backtest(args)) if args.trade.bars.len() < args.funding.len() => refuse(
                ErrorKind::WrongNumberOfValues,
                "more --funding files than --bars files: each belongs to the --bars file in its \
                 place",
            ),
            _ => Ok(()),
        }
    }
}

fn parse_level(text: &str) -> Result<LogLevel, String> {
    [
        LogLevel::Error,
        LogLevel::Warn,
        LogLevel::Info,
        LogLevel::Debug,
        LogLevel::Trace,
    ]
    .into_iter()
    .find(|level| level.name() == text)
    .ok_or_else(|| "use error, warn, info, debug or trace".to_owned())
}

#[cfg(test)]
mod tests;
