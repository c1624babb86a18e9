//! Composes the settings, validates them, names the origin of each value.
//!
//! Layers, each above the one before: the committed `config/default.toml`, the user's
//! `config.toml`, `./tradeterm.toml`, the files given with `--config`, the environment, `--set`
//! and flags. Nothing here opens a feed, a model or a terminal, and nothing guesses: a key that
//! does not exist and a limit that cannot work are errors that name where they came from.
//!
//! API keys are no settings. [`keys`] finds and reads them; no layer, listing or hash has them.

mod check;
mod effective;
mod error;
mod folders;
pub mod keys;
mod layers;
mod nearest;
mod sections;
mod settings;
mod sources;
mod values;
mod venue;

pub use effective::Effective;
pub use error::{ConfigError, Problem};
pub use folders::{FolderError, Folders};
pub use sections::{
    AgentSettings, ExecutionSettings, FlipStyle, LogFormat, LogLevel, LogSettings, OrderStyle,
    PaperSettings, Reaction, RiskSettings, SymbolSet, TerminalLost, UiSettings,
};
pub use settings::{
    AccountSettings, BarsSettings, FeedKind, FeedSettings, LegSettings, Settings, StrategyKind,
};
pub use sources::{FLAG_VARIABLES, Loaded, Sources};
pub use values::{LimitAction, Span, SpanError, Speed, SpeedError};
pub use venue::{MarginMode, OrderEntry, PositionMode, Unattended, VenueSettings};

/// The committed defaults, with a comment for every key.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");
