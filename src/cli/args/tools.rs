//! Flags of the subcommands that look into files and make some.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::session::parse_symbol;
use crate::domain::{Interval, Money, Symbol};

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Markdown
    Md,
    /// JSON
    Json,
}

/// Flags of `report`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReportArgs {
    /// Journal, or folder that holds one
    #[arg(value_name = "JOURNAL|DIR")]
    pub source: PathBuf,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Md, help_heading = "Output")]
    pub format: ReportFormat,
}

/// Subcommands of `model`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ModelCommand {
    /// Load bundles and say what they are, or why they are refused
    Check {
        /// Folders of bundles
        #[arg(value_name = "DIR", required = true)]
        bundles: Vec<PathBuf>,
    },
    /// Decide on every bar of a file and write the decisions down
    Eval(EvalArgs),
}

/// Flags of `model eval`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EvalArgs {
    /// Folder of the bundle
    #[arg(value_name = "DIR")]
    pub bundle: PathBuf,
    /// File with bars
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub bars: PathBuf,
    /// File to write: one line a bar
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub out: PathBuf,
    /// Open time of a bar at which the agent forgets everything; may be repeated
    #[arg(long = "episode-start", value_name = "TS_MS", help_heading = "Data")]
    pub episode_starts: Vec<i64>,
}

/// Flags of `synth`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SynthArgs {
    /// The same seed always makes the same files
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// Symbols, separated by commas
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        required = true,
        value_parser = parse_symbol
    )]
    pub symbols: Vec<Symbol>,
    /// Days to make
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub days: u32,
    /// Interval of the bars
    #[arg(long, value_name = "I", default_value = "5m")]
    pub interval: Interval,
    /// Make order books and trades too
    #[arg(long)]
    pub books: bool,
    /// Folder to write into
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: PathBuf,
}

/// Clock of `sim-exchange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClockKind {
    /// The wall's; a recording of another time is moved to now
    Real,
    /// The market's, at --speed
    Market,
    /// Moved by POST /sim/step only
    Manual,
}

/// Flags of `sim-exchange`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = "\
Examples:
  tradeterm sim-exchange --rest 127.0.0.1:9000 --ws 127.0.0.1:9001
  tradeterm sim-exchange --market btc_5m.csv.gz --clock manual --json
  tradeterm sim-exchange --script config/drills/lost_answers.toml")]
pub struct SimExchangeArgs {
    /// Address of REST (/v5/...) and of the control plane (/sim/...); port 0 is any
    #[arg(
        long,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:0",
        help_heading = "Network"
    )]
    pub rest: SocketAddr,
    /// Address of the sockets; the same address as --rest makes it one port
    #[arg(
        long,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:0",
        help_heading = "Network"
    )]
    pub ws: SocketAddr,
    /// Speak TLS, with a certificate made at start
    #[arg(long, help_heading = "Network")]
    pub tls: bool,
    /// Folder for the certificate that clients have to trust [default: in the runtime folder]
    #[arg(long, value_name = "DIR", help_heading = "Network", requires = "tls")]
    pub tls_dir: Option<PathBuf>,
    /// A market folder, or files with bars [default: a made-up market without end]
    #[arg(long, value_name = "FILE|DIR", num_args = 1.., help_heading = "Data")]
    pub market: Vec<PathBuf>,
    /// Symbol of the --market file in its place, where its name does not say it
    #[arg(
        long = "symbol",
        value_name = "S",
        help_heading = "Data",
        value_parser = parse_symbol,
        requires = "market"
    )]
    pub symbols: Vec<Symbol>,
    /// Bars of the market that have passed when it starts
    #[arg(long, value_name = "BARS", default_value_t = 0, help_heading = "Data")]
    pub history: u32,
    /// Which clock the exchange has [default: real; market with --speed]
    #[arg(long, value_name = "CLOCK", value_enum, help_heading = "Data")]
    pub clock: Option<ClockKind>,
    /// Play the market this many times faster than real
    #[arg(long, value_name = "N", help_heading = "Data", value_parser = parse_factor)]
    pub speed: Option<f64>,
    /// Let the exchange's clock differ from the machine's by so many milliseconds
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 0,
        help_heading = "Data",
        allow_negative_numbers = true
    )]
    pub skew: i64,
    /// API key of the account
    #[arg(
        long,
        value_name = "KEY",
        default_value = "testkey",
        help_heading = "Account"
    )]
    pub key: String,
    /// Secret of the key; it is no secret: it can be seen in the list of processes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "testsecret",
        help_heading = "Account"
    )]
    pub secret: String,
    /// Cash of the account [default: account.capital of the settings]
    #[arg(long, value_name = "AMOUNT", help_heading = "Account")]
    pub capital: Option<Money>,
    /// Faults to come
    #[arg(long, value_name = "FILE", help_heading = "Faults")]
    pub script: Option<PathBuf>,
    /// Print the addresses as one JSON line
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

fn parse_factor(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|factor: &f64| factor.is_finite() && 0.0 < *factor)
        .ok_or_else(|| "use a number above zero".to_owned())
}

/// Subcommands of `config`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective settings
    Show {
        /// Name the origin of each value
        #[arg(long)]
        origin: bool,
    },
    /// Check the effective settings, or files one by one
    Validate {
        /// Files to check instead
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print where files are kept
    Path,
}

/// Subcommands of `theme`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ThemeCommand {
    /// List the themes there are
    List,
    /// Check all themes, or files
    Validate {
        /// Files to check instead
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Subcommands of `keys`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum KeysCommand {
    /// List all keys with what they do
    List,
    /// Check the key map, or a file
    Check {
        /// File to check instead
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Flags of `screenshots`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ScreenshotArgs {
    /// Folder of the files
    #[arg(
        long,
        value_name = "DIR",
        default_value = "screenshots",
        help_heading = "Output"
    )]
    pub out: PathBuf,
    /// Compare with the files instead of writing them; a difference is exit code 21
    #[arg(long)]
    pub check: bool,
}

/// Flags of `completions`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Flags of `man`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ManArgs {
    /// Write the pages of all subcommands into this folder
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
}

/// Subcommands of `journal`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum JournalCommand {
    /// Check every byte of a journal
    Verify {
        /// Journal, or folder that holds one
        #[arg(value_name = "JOURNAL|DIR")]
        file: PathBuf,
    },
}
