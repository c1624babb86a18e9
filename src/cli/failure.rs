//! Why a command failed: one line for a person, one number for a script.

use std::io::ErrorKind;

use super::exit::Exit;
use crate::app::doctor::access::AccessError;
use crate::app::download::DownloadError;
use crate::app::guard::Refusal;
use crate::app::record::RecordingError;
use crate::app::{BuildError, LiveError, TradingError};
use crate::config::{ConfigError, FolderError};
use crate::engine::SetupError;
use crate::runtime::{BacktestError, RecordError, ReplayError, RunError};
use crate::store::{JournalError, LockError, files};
use crate::strategy::agent::{BundleError, EvalError, GoldenError};
use crate::venue::broker::AskError;
use crate::venue::bybit::broker::account::SetupError as AccountError;
use crate::venue::feed::FeedError;
use crate::venue::sim::synth::SynthError;

/// A failed command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Exit code.
    pub exit: Exit,
    /// One line, or a few for a list; empty when there is nothing to say.
    pub text: String,
}

/// Result of a command.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure with its exit code.
    #[must_use]
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
        }
    }
}

macro_rules! maps {
    ($($error:ty => $exit:ident),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(Exit::$exit, error.to_string())
            }
        }
    )*};
}

maps! {
    ConfigError => Config,
    FolderError => Config,
    AccessError => Config,
    FeedError => Feed,
    SynthError => Config,
    BundleError => Model,
    EvalError => Model,
    GoldenError => Model,
    ReplayError => Disagree,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.exit, refusal.to_string())
    }
}

impl From<TradingError> for Failure {
    fn from(error: TradingError) -> Self {
        match error {
            TradingError::Live(error) => error.into(),
            TradingError::Setup(AccountError::Ask(AskError::Refused(reason))) => Self::new(
                Exit::Credentials,
                format!("the venue refuses the key: {reason}"),
            ),
            TradingError::Setup(AccountError::Ask(error)) => {
                Self::new(Exit::Feed, format!("the account cannot be read: {error}"))
            }
            TradingError::Setup(_) | TradingError::Broker(_) => {
                Self::new(Exit::Config, error.to_string())
            }
        }
    }
}

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        let exit = match &error {
            LiveError::Unreachable(_) => Exit::Feed,
            LiveError::Bundle(_) => Exit::Model,
            _ => Exit::Config,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let exit = match &error {
            JournalError::Io { source, .. } if source.kind() == ErrorKind::NotFound => Exit::Usage,
            _ => Exit::Disagree,
        };
        Self::new(exit, error.to_string())
    }
}

/// What is written without a file's name goes to standard output. A reader that has enough, as
/// `head`, is no failure: nothing is said and nothing is wrong.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::new(
                Exit::Unexpected,
                format!("cannot write the output: {}", files::explain(&error)),
            ),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let exit = match error {
            LockError::Held { .. } => Exit::Locked,
            LockError::Io { .. } => Exit::Config,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let exit = match &error {
            BuildError::Bundle(_)
            | BuildError::Inference(_)
            | BuildError::Setup(
                SetupError::OtherSymbol { .. } | SetupError::OtherInterval { .. },
            ) => Exit::Model,
            BuildError::Feed(_) => Exit::Feed,
            BuildError::Instrument(_)
            | BuildError::Synth(_)
            | BuildError::Rule(_)
            | BuildError::Setup(_)
            | BuildError::Broker(_)
            | BuildError::Setting(_)
            | BuildError::NoSuchBars { .. } => Exit::Config,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        let exit = match &error {
            DownloadError::Empty { .. }
            | DownloadError::Future { .. }
            | DownloadError::NoFunding => Exit::Usage,
            DownloadError::UnknownSymbol { .. }
            | DownloadError::OtherPart { .. }
            | DownloadError::OtherMarket { .. }
            | DownloadError::Manifest(_) => Exit::Config,
            DownloadError::Venue(_)
            | DownloadError::BadBar(_)
            | DownloadError::Interrupted { .. }
            | DownloadError::NoBars { .. } => Exit::Feed,
            DownloadError::Busy { .. } => Exit::Locked,
            DownloadError::Io { .. } => Exit::Unexpected,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<RecordingError> for Failure {
    fn from(error: RecordingError) -> Self {
        let exit = match &error {
            RecordingError::Exists(_)
            | RecordingError::UnknownSymbol { .. }
            | RecordingError::Connector(_)
            | RecordingError::Topics(_) => Exit::Config,
            RecordingError::Venue(_) => Exit::Feed,
            RecordingError::Io { .. } => Exit::Unexpected,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = match &error {
            RunError::Feed(_) => Exit::Feed,
            RunError::OtherRecording { .. }
            | RunError::Record(RecordError::Diverged(_) | RecordError::Journal(_)) => {
                Exit::Disagree
            }
        };
        Self::new(exit, error.to_string())
    }
}

impl<E: std::fmt::Display> From<BacktestError<E>> for Failure {
    fn from(error: BacktestError<E>) -> Self {
        let exit = match &error {
            BacktestError::Feed(_) => Exit::Feed,
            BacktestError::Witness(_) => Exit::Unexpected,
        };
        Self::new(exit, error.to_string())
    }
}
