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
/// Says that the keys under Bybit's plain names are keys of the testnet.
pub(super) const TESTNET: &str = "BYBIT_TESTNET";

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
    replay: Option<String>,
}

/// Checked settings with the origin of each value.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    origins: BTreeMap<String, String>,
    live_file: Option<String>,
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

    /// Adds environment variables; those that are no settings are left alone. API keys are none,
    /// so they never get in here.
    #[must_use]
    pub fn env(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_ours = |name: &str| {
            name.starts_with(PREFIX)
                || name == PAPER_MODE
                || name == TESTNET
                || ALIASES.iter().any(|(alias, _)| *alias == name)
        };
        self.env
            .extend(variables.into_iter().filter(|(name, _)| is_ours(name)));
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

    /// Makes it a replay, whatever mode the layers say; `flag` is what asked for it. The mode
    /// that they say is still read, so that a mistake in it is told.
    #[must_use]
    pub fn as_replay(mut self, flag: &str) -> Self {
        self.replay = Some(flag.to_owned());
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
        let live_file = layers.origin_where("mode", Mode::Live.name());
        self.add_env(&mut layers)?;
        for (key, value, origin) in self.sets.iter().chain(&self.flags) {
            layers.put(key, value.clone(), origin)?;
        }
        let (settings, origins) = layers.extract()?;
        let mut loaded = Loaded {
            settings,
            origins,
            live_file,
        };
        if let Some(flag) = &self.replay {
            loaded.settings.mode = Mode::Replay;
            loaded.origins.insert("mode".to_owned(), flag.clone());
        }
        self.force_paper(&mut loaded)?;
        self.check_testnet()?;
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
            match switch(value) {
                Some(true) => {
                    if !matches!(loaded.settings.mode, Mode::Replay | Mode::Paper) {
                        loaded.settings.mode = Mode::Paper;
                        loaded.origins.insert("mode".to_owned(), origin);
                    }
                }
                Some(false) if name == FORCE_PAPER || value.is_empty() => {}
                Some(false) => {
                    return Err(bad(
                        "an environment variable cannot leave paper trading: set mode in a file",
                    ));
                }
                None => return Err(bad("use true or false")),
            }
        }
        Ok(())
    }

    /// The variable says whose keys the plain names hold; a value that says neither is refused.
    fn check_testnet(&self) -> Result<(), ConfigError> {
        match self.env.iter().find(|(name, _)| name == TESTNET) {
            Some((_, value)) if switch(value).is_none() => Err(ConfigError::BadValue {
                key: "mode".to_owned(),
                origin: format!("env {TESTNET}"),
                message: format!("{TESTNET}={value}: use true or false"),
            }),
            _ => Ok(()),
        }
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

    /// The file that says `mode = "live"`, where the uppermost file with a mode says so.
    ///
    /// Live trading needs it: neither a variable nor a flag stands for it.
    #[must_use]
    pub fn live_file(&self) -> Option<&str> {
        self.live_file.as_deref()
    }

    /// Whether an environment variable decided the value of `key`.
    #[must_use]
    pub fn is_from_env(&self, key: &str) -> bool {
        self.origin(key).starts_with("env ")
    }

    fn check(&self) -> Result<(), ConfigError> {
        let flat = self.settings.flat();
        let is_set = |key: &str| self.origin(key) != "default";
        let mut found = check::check(&self.settings, &is_set);
        if self.settings.mode == Mode::Live && self.is_from_env("mode") && self.live_file.is_none()
        {
            found.insert(
                0,
                (
                    "mode".to_owned(),
                    "an environment variable cannot select live trading: write mode = \"live\" \
                     in a file and name it with --config"
                        .to_owned(),
                ),
            );
        }
        let problems: Vec<_> = found
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

/// What a variable that is on or off says; empty is off, anything else is `None`.
pub(super) fn switch(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "" | "0" | "false" | "no" | "off" => Some(false),
        _ => None,
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
