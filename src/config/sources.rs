//! Where settings come from, and the way from many layers to one set of values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::value::Value;

use super::DEFAULT_TOML;
use super::check;
use super::effective::Effective;
use super::error::{ConfigError, Problem};
use super::folders::Folders;
use super::layers::{Layers, origin_of, parse_value};
use super::settings::Settings;
use crate::domain::Mode;

/// Prefix of the environment variables that are settings.
const PREFIX: &str = "TRADETERM_";

/// Variables with the prefix that are flags or test equipment, not settings.
pub const FLAG_VARIABLES: [&str; 8] = [
    "TRADETERM_HOME",
    "TRADETERM_CONFIG",
    "TRADETERM_NO_TUI",
    "TRADETERM_JSON",
    "TRADETERM_YES",
    "TRADETERM_NO_INPUT",
    FORCE_PAPER,
    // Folder with recorded material that the project's own tests read.
    "TRADETERM_SHARED",
];

/// Sends every order to a simulated account, whatever the files say.
const FORCE_PAPER: &str = "TRADETERM_FORCE_PAPER";
/// The older name for it; its `false` selects nothing.
const PAPER_MODE: &str = "TRADING_PAPER_MODE";

/// Older names of settings, kept for those who have them in their environment.
const ALIASES: [(&str, &str); 3] = [
    ("TRADING_INITIAL_CAPITAL", "account.capital"),
    ("TRADING_MAX_POSITION_PCT", "risk.max_position_pct"),
    ("TRADING_MAX_DRAWDOWN_PCT", "risk.max_drawdown_pct"),
];

/// Where settings come from; built up in any order, applied in the documented one.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    optional: Vec<PathBuf>,
    files: Vec<PathBuf>,
    env: Vec<(String, String)>,
    sets: Vec<(String, Value, String)>,
    flags: Vec<(String, Value, String)>,
}

/// Checked settings with the origin of each value.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    origins: BTreeMap<String, String>,
}

impl Sources {
    /// Nothing but the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a process has: the user's file, `./tradeterm.toml`, `files` and the environment.
    #[must_use]
    pub fn of_process(folders: &Folders, files: &[PathBuf]) -> Self {
        let mut sources = Self::new()
            .optional_file(folders.config.join("config.toml"))
            .optional_file("tradeterm.toml");
        for file in files {
            sources = sources.file(file);
        }
        // A variable that is not text cannot be one of ours.
        sources.env(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Adds a file that may be missing.
    #[must_use]
    pub fn optional_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.optional.push(path.into());
        self
    }

    /// Adds a file that has to be there; later ones win.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Adds environment variables; those that are not ours are left alone.
    #[must_use]
    pub fn env(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env.extend(variables);
        self.env.sort();
        self
    }

    /// Adds a `--set key=value`; later ones win.
    ///
    /// # Errors
    ///
    /// When the text has no key or no `=`.
    pub fn set(mut self, text: &str) -> Result<Self, ConfigError> {
        let (key, value) = text
            .split_once('=')
            .filter(|(key, _)| !key.trim().is_empty())
            .ok_or_else(|| ConfigError::BadOverride {
                text: text.chars().take(80).collect(),
            })?;
        let key = key.trim().to_owned();
        let origin = format!("--set {key}");
        self.sets.push((key, parse_value(value.trim()), origin));
        Ok(self)
    }

    /// Adds a value that a flag stands for; `flag` is its name, such as `--speed`.
    ///
    /// # Panics
    ///
    /// Never: JSON is plain data.
    #[must_use]
    pub fn flag(mut self, key: &str, value: &serde_json::Value, flag: &str) -> Self {
        let value = Value::serialize(value).expect("JSON is plain data");
        self.flags.push((key.to_owned(), value, flag.to_owned()));
        self
    }

    /// Puts the layers together and checks the result.
    ///
    /// # Errors
    ///
    /// The first file that cannot be read, the first key that does not exist, the first value of
    /// a wrong kind, or all values that cannot work; always with their origin.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let mut layers = Layers::default();
        layers.add_text(DEFAULT_TOML, "default")?;
        for path in &self.optional {
            if let Some(text) = read(path, Missing::Ignored)? {
                layers.add_text(&text, &path.display().to_string())?;
            }
        }
        for path in &self.files {
            if let Some(text) = read(path, Missing::Refused)? {
                layers.add_text(&text, &path.display().to_string())?;
            }
        }
        self.add_env(&mut layers)?;
        for (key, value, origin) in self.sets.iter().chain(&self.flags) {
            layers.put(key, value.clone(), origin)?;
        }
        let (settings, origins) = layers.extract()?;
        let mut loaded = Loaded { settings, origins };
        self.force_paper(&mut loaded)?;
        loaded.check()?;
        Ok(loaded)
    }

    fn add_env(&self, layers: &mut Layers) -> Result<(), ConfigError> {
        // Older names first: a variable under its own name wins over its alias.
        for (alias, key) in ALIASES {
            for (name, value) in self.env.iter().filter(|(name, _)| name == alias) {
                layers.put(key, parse_value(value), &format!("env {name}"))?;
            }
        }
        for (name, value) in &self.env {
            let Some(path) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if FLAG_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let key = path.to_ascii_lowercase().replace("__", ".");
            layers.put(&key, parse_value(value), &format!("env {name}"))?;
        }
        Ok(())
    }

    /// Applies the two variables that can only ever make a session safer.
    fn force_paper(&self, loaded: &mut Loaded) -> Result<(), ConfigError> {
        for (name, value) in &self.env {
            if name != FORCE_PAPER && name != PAPER_MODE {
                continue;
            }
            let origin = format!("env {name}");
            let bad = |message: &str| ConfigError::BadValue {
                key: "mode".to_owned(),
                origin: origin.clone(),
                message: format!("{name}={value}: {message}"),
            };
            match value.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => {
                    if !matches!(loaded.settings.mode, Mode::Replay | Mode::Paper) {
                        loaded.settings.mode = Mode::Paper;
                        loaded.origins.insert("mode".to_owned(), origin);
                    }
                }
                "" => {}
                "0" | "false" | "no" | "off" if name == FORCE_PAPER => {}
                "0" | "false" | "no" | "off" => {
                    return Err(bad(
                        "an environment variable cannot leave paper trading: set mode in a file",
                    ));
                }
                _ => return Err(bad("use true or false")),
            }
        }
        Ok(())
    }
}

impl Loaded {
    /// The effective values with their origins, sorted by key.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        self.settings
            .flat()
            .into_iter()
            .map(|(key, value)| Effective {
                origin: origin_of(&self.origins, &key),
                key,
                value,
            })
            .collect()
    }

    /// Where a value came from; `default` for what nobody set.
    #[must_use]
    pub fn origin(&self, key: &str) -> String {
        origin_of(&self.origins, key)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let flat = self.settings.flat();
        let problems: Vec<_> = check::check(&self.settings)
            .into_iter()
            .map(|(key, message)| Problem {
                value: flat.get(&key).cloned(),
                origin: origin_of(&self.origins, &key),
                key,
                message,
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Invalid(problems))
        }
    }
}

/// What a missing file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Ignored,
    Refused,
}

fn read(path: &Path, missing: Missing) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && missing == Missing::Ignored => {
            Ok(None)
        }
        Err(error) => Err(ConfigError::Unreadable {
            path: path.display().to_string(),
            cause: match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                std::io::ErrorKind::NotADirectory => {
                    "there is a file in its path: name another --home or --config".to_owned()
                }
                std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
                std::io::ErrorKind::InvalidData => "it is no text".to_owned(),
                _ => error.to_string(),
            },
        }),
    }
}
