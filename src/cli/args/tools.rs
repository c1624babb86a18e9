//! Flags of the subcommands that look into files and make some.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::session::parse_symbol;
use crate::domain::{Interval, Symbol};

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
