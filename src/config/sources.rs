//! Where settings come from, and the way from many layers to one set of values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::check;
use super::effective::Effective;
use super::error::{ConfigError, Problem};
use super::folders::Folders;
use super::settings::Settings;
use super::{DEFAULT_TOML, nearest};
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
        let mut loaded = layers.extract()?;
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
            cause: error.to_string(),
        }),
    }
}

/// Value of an environment variable or an override: TOML where it is TOML, else plain text.
fn parse_value(text: &str) -> Value {
    let one_line = !text.contains(['\n', '\r']);
    let dict = one_line
        .then(|| toml::from_str::<Dict>(&format!("v = {text}")).ok())
        .flatten();
    match dict {
        Some(mut dict) if dict.len() == 1 => dict.remove("v").unwrap_or_else(|| text.into()),
        _ => text.into(),
    }
}

/// The layers so far, and who set which leaf last.
#[derive(Debug, Default)]
struct Layers {
    figment: Figment,
    origins: BTreeMap<String, String>,
}

/// One layer, as the merger wants it.
struct Layer {
    name: String,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

impl Layers {
    fn add_text(&mut self, text: &str, origin: &str) -> Result<(), ConfigError> {
        let dict = Toml::from_str::<Dict>(text).map_err(|error| ConfigError::Syntax {
            path: origin.to_owned(),
            cause: error.to_string().trim_end().to_owned(),
        })?;
        self.merge(dict, origin);
        Ok(())
    }

    fn merge(&mut self, dict: Dict, origin: &str) {
        for (key, value) in &dict {
            self.note(key, value, origin);
        }
        let layer = Layer {
            name: origin.to_owned(),
            dict,
        };
        self.figment = std::mem::take(&mut self.figment).merge(layer);
    }

    /// Records that `origin` set `key` and everything below it.
    fn note(&mut self, key: &str, value: &Value, origin: &str) {
        match value {
            Value::Dict(_, dict) => {
                for (name, value) in dict {
                    self.note(&format!("{key}.{name}"), value, origin);
                }
            }
            Value::Array(_, list) => {
                // A list replaces the one below it as a whole.
                let below = format!("{key}.");
                self.origins.retain(|known, _| !known.starts_with(&below));
                self.origins.insert(key.to_owned(), origin.to_owned());
                for (n, value) in list.iter().enumerate() {
                    self.note(&format!("{key}.{n}"), value, origin);
                }
            }
            _ => {
                self.origins.insert(key.to_owned(), origin.to_owned());
            }
        }
    }

    /// Sets one key; a number in it means an element of a list.
    fn put(&mut self, key: &str, value: Value, origin: &str) -> Result<(), ConfigError> {
        let parts: Vec<_> = key.split('.').collect();
        let Some(at) = parts.iter().position(|part| part.parse::<usize>().is_ok()) else {
            self.merge(nest(&parts, value), origin);
            return Ok(());
        };
        let list_key = parts[..at].join(".");
        let mut list = match self.figment.find_value(&list_key) {
            Ok(Value::Array(_, list)) => list,
            _ => Vec::new(),
        };
        let index: usize = parts[at].parse().unwrap_or(usize::MAX);
        let len = list.len();
        let element = list
            .get_mut(index)
            .ok_or_else(|| ConfigError::NoSuchElement {
                key: key.to_owned(),
                origin: origin.to_owned(),
                len,
            })?;
        let below = &parts[at + 1..];
        replace(element, below, value.clone());
        let layer = Layer {
            name: origin.to_owned(),
            dict: nest(&parts[..at], list.into()),
        };
        self.figment = std::mem::take(&mut self.figment).merge(layer);
        self.note(key, &value, origin);
        Ok(())
    }

    fn extract(self) -> Result<Loaded, ConfigError> {
        match self.figment.extract::<Settings>() {
            Ok(settings) => Ok(Loaded {
                settings,
                origins: self.origins,
            }),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn explain(&self, error: figment::Error) -> ConfigError {
        use figment::error::Kind;
        let key = error.path.join(".");
        let origin = origin_of(&self.origins, &key);
        let message = match error.kind {
            Kind::UnknownField(field, expected) => {
                let parent = error.path[..error.path.len().saturating_sub(1)].join(".");
                return ConfigError::UnknownKey {
                    nearest: nearest::key(&parent, &field, expected),
                    key,
                    origin,
                };
            }
            Kind::UnknownVariant(value, names) => nearest::value(&value, names),
            Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
                format!("found {found}, expected {wanted}")
            }
            Kind::MissingField(field) => format!("{field} is missing"),
            other => other.to_string(),
        };
        ConfigError::BadValue {
            key,
            origin,
            message,
        }
    }
}

fn nest(parts: &[&str], value: Value) -> Dict {
    let (first, rest) = parts.split_first().expect("a key has at least one part");
    let value = if rest.is_empty() {
        value
    } else {
        nest(rest, value).into()
    };
    Dict::from([((*first).to_owned(), value)])
}

/// Replaces what lies at `below` under `element`.
fn replace(element: &mut Value, below: &[&str], value: Value) {
    match (below.split_first(), element) {
        (None, element) => *element = value,
        (Some((first, rest)), Value::Dict(_, dict)) => {
            let slot = dict
                .entry((*first).to_owned())
                .or_insert_with(|| Dict::new().into());
            replace(slot, rest, value);
        }
        (Some(_), element) => *element = nest(below, value).into(),
    }
}

/// Who set a key: the key itself, something below it, or the nearest one above it.
fn origin_of(origins: &BTreeMap<String, String>, key: &str) -> String {
    let below = format!("{key}.");
    let exact = origins.get(key).or_else(|| {
        origins
            .range(below.clone()..)
            .next()
            .filter(|(known, _)| known.starts_with(&below))
            .map(|(_, origin)| origin)
    });
    let mut key = key;
    let mut found = exact;
    while found.is_none() {
        let Some((above, _)) = key.rsplit_once('.') else {
            break;
        };
        key = above;
        found = origins.get(key);
    }
    // A list element that a key is missing from has no entry of its own.
    found
        .or_else(|| {
            let below = format!("{key}.");
            origins
                .range(below.clone()..)
                .next()
                .filter(|(known, _)| known.starts_with(&below))
                .map(|(_, origin)| origin)
        })
        .cloned()
        .unwrap_or_else(|| "default".to_owned())
}
