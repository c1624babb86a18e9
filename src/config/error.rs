//! Why the settings cannot be used, with the place each mistake came from.

use std::fmt;

/// One value that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key, such as `risk.day_loss_pct`.
    pub key: String,
    /// Value found, as it would be written in a file; `None` when it is missing.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file that was asked for cannot be read.
    #[error("{path}: cannot read this configuration file: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// A file is not TOML.
    #[error("{path}: {cause}")]
    Syntax {
        /// The file.
        path: String,
        /// Where and what, from the parser.
        cause: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key {key}{}", hint(.nearest.as_ref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it came from.
        origin: String,
        /// Key that was probably meant.
        nearest: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("{origin}: {key}: {message}")]
    BadValue {
        /// Key it was given for.
        key: String,
        /// Where it came from.
        origin: String,
        /// What was found and what was expected.
        message: String,
    },
    /// An override that is not `key=value`.
    #[error("--set {text:?}: write it as key=value, such as risk.day_loss_pct=0.01")]
    BadOverride {
        /// The text as given.
        text: String,
    },
    /// An element of a list that is not there.
    #[error("{origin}: {key}: the list has {len} elements, so the last is number {last}",
        last = .len.saturating_sub(1))]
    NoSuchElement {
        /// Key that was given.
        key: String,
        /// Where it came from.
        origin: String,
        /// Elements there are.
        len: usize,
    },
    /// Values that cannot work.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

fn hint(nearest: Option<&String>) -> String {
    nearest.map_or_else(
        || "; `tradeterm config show` lists all keys".to_owned(),
        |key| format!(": did you mean {key}?"),
    )
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
