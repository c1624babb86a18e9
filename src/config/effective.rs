//! The settings as a flat list of keys and values, with their origins and one hash.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::settings::Settings;

/// One effective value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Key, such as `risk.day_loss_pct`; elements of lists are numbered from 0.
    pub key: String,
    /// Value as it would be written in a file.
    pub value: String,
    /// Where it came from.
    pub origin: String,
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}   # {}", self.key, self.value, self.origin)
    }
}

impl Settings {
    /// All keys with their values, as TOML writes them, sorted by key. Keys that are not set are
    /// not in it.
    ///
    /// # Panics
    ///
    /// Never: settings are plain data, which JSON can always hold.
    #[must_use]
    pub fn flat(&self) -> BTreeMap<String, String> {
        let value = serde_json::to_value(self).expect("settings are plain data");
        let mut out = BTreeMap::new();
        flatten(&value, &mut String::new(), &mut out);
        out
    }

    /// SHA-256 over [`Settings::flat`], in hex: equal exactly for settings that act alike.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for (key, value) in self.flat() {
            hasher.update(format!("{key} = {value}\n"));
        }
        hasher
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                write!(hex, "{byte:02x}").expect("a string takes everything");
                hex
            })
    }
}

/// Appends the leaves of `value` to `out`; empty lists are leaves too.
fn flatten(value: &Value, key: &mut String, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                descend(value, name, key, out);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (n, value) in list.iter().enumerate() {
                descend(value, &n.to_string(), key, out);
            }
        }
        // JSON and TOML write plain values alike, but for the null that no setting has.
        leaf => {
            out.insert(key.clone(), leaf.to_string());
        }
    }
}

fn descend(value: &Value, name: &str, key: &mut String, out: &mut BTreeMap<String, String>) {
    let len = key.len();
    if len > 0 {
        key.push('.');
    }
    key.push_str(name);
    flatten(value, key, out);
    key.truncate(len);
}
