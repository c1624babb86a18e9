//! The layers of settings: merging them, and remembering who set which value last.
//!
//! Figment merges and reads; the origins are kept beside it, because a mistake in a list has to
//! name the element and because an override may reach into one.

use std::collections::BTreeMap;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::error::ConfigError;
use super::nearest;
use super::settings::Settings;

/// Value of an environment variable or an override: TOML where it is TOML, else plain text.
pub(super) fn parse_value(text: &str) -> Value {
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
pub(super) struct Layers {
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
    /// Adds a file's text.
    pub(super) fn add_text(&mut self, text: &str, origin: &str) -> Result<(), ConfigError> {
        let dict = Toml::from_str::<Dict>(text).map_err(|error| ConfigError::Syntax {
            path: origin.to_owned(),
            cause: {
                let upto = error.span().map_or(0, |span| span.start);
                let line = text.bytes().take(upto).filter(|b| *b == b'\n').count() + 1;
                format!("line {line}: {}", error.message().replace('\n', ", "))
            },
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
    pub(super) fn put(&mut self, key: &str, value: Value, origin: &str) -> Result<(), ConfigError> {
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

    /// Who set `key`, if what holds so far is the text `value`.
    pub(super) fn origin_where(&self, key: &str, value: &str) -> Option<String> {
        let found = self.figment.find_value(key).ok()?;
        (found.as_str() == Some(value)).then(|| origin_of(&self.origins, key))
    }

    /// The settings, and the origins by key.
    pub(super) fn extract(self) -> Result<(Settings, BTreeMap<String, String>), ConfigError> {
        match self.figment.extract::<Settings>() {
            Ok(settings) => Ok((settings, self.origins)),
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
                match wanted.strip_prefix("struct ") {
                    Some(_) => format!("found {found}, expected the keys below it"),
                    None => format!("found {found}, expected {wanted}"),
                }
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
pub(super) fn origin_of(origins: &BTreeMap<String, String>, key: &str) -> String {
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
