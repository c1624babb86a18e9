//! Where the API key and its secret are, and reading them from there.
//!
//! Each mode has names of its own, so that a key of one environment cannot get to the hosts of
//! another by a forgotten variable (S1-69, S2-45). [`locate`] is a pure decision that looks at
//! no value but that of `BYBIT_TESTNET`; [`KeyPlaces::read`] then reads. Replay and paper locate
//! nothing: there the key is not even read. No key is ever part of [`super::Settings`], and no
//! error here has a value in it.
//!
//! | mode | variables, each also with `_FILE` for a file that has the value |
//! | --- | --- |
//! | live | `BYBIT_API_KEY`, `BYBIT_API_SECRET` |
//! | testnet | `BYBIT_TESTNET_API_KEY`, `BYBIT_TESTNET_API_SECRET`; with `BYBIT_TESTNET=true` also the plain names |
//! | demo | `BYBIT_DEMO_API_KEY`, `BYBIT_DEMO_API_SECRET` |

use std::fmt;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::sources::{TESTNET, switch};
use super::venue::VenueSettings;
use crate::domain::Mode;

/// Longest file with keys; anything longer is something else.
const MAX_FILE: u64 = 4_096;
/// Longest key or secret.
const MAX_VALUE: usize = 256;

/// Names of the variables of key and secret.
type Names = (&'static str, &'static str);

const LIVE: Names = ("BYBIT_API_KEY", "BYBIT_API_SECRET");
const TESTNET_ONLY: Names = ("BYBIT_TESTNET_API_KEY", "BYBIT_TESTNET_API_SECRET");
const DEMO: Names = ("BYBIT_DEMO_API_KEY", "BYBIT_DEMO_API_SECRET");

/// What the environment says: a name to its value; `None` when it is not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why there is no usable key. Ends a process with exit code 4; says names and paths, no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {remedy}")]
pub struct KeyError {
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl KeyError {
    fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

/// Where one value is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In that variable.
    Variable(String),
    /// In the file that the variable names.
    NamedFile { variable: String, path: PathBuf },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Variable(name) => write!(f, "env {name}"),
            Place::NamedFile { variable, path } => {
                write!(f, "{} (env {variable})", path.display())
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {
    /// One file with mode, key and secret.
    File(PathBuf),
    /// Key and secret from the environment.
    Pair { key: Place, secret: Place },
}

/// Where key and secret of a mode are. Names and paths only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlaces {
    mode: Mode,
    places: Places,
}

/// Key and secret; neither is shown by `Debug`, and both are wiped when dropped.
#[derive(Debug)]
pub struct KeyPair {
    /// API key.
    pub key: SecretString,
    /// Its secret.
    pub secret: SecretString,
}

/// Whether sessions of `mode` need a key at all.
#[must_use]
pub const fn needs_key(mode: Mode) -> bool {
    matches!(mode, Mode::Demo | Mode::Testnet | Mode::Live)
}

/// Finds key and secret of `mode`; `None` for the modes that need none.
///
/// # Errors
///
/// When one is missing, given twice, or only there under the name of another mode.
pub fn locate(
    mode: Mode,
    venue: &VenueSettings,
    env: Lookup<'_>,
) -> Result<Option<KeyPlaces>, KeyError> {
    if !needs_key(mode) {
        return Ok(None);
    }
    let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let plain_is_testnet = env(TESTNET).and_then(|value| switch(&value)) == Some(true);
    let names = match mode {
        Mode::Demo => DEMO,
        Mode::Testnet if !plain_is_testnet || is_given(TESTNET_ONLY, &env) => TESTNET_ONLY,
        // Live, and the testnet where it was said that the plain names are its own.
        _ => LIVE,
    };
    if mode == Mode::Live && plain_is_testnet {
        return Err(KeyError::new(
            format!(
                "env {TESTNET} says that {} is a key of the testnet, and the mode is live",
                LIVE.0
            ),
            format!(
                "unset {TESTNET} and give the key of the live account, or use mode = \"testnet\""
            ),
        ));
    }
    if let Some(path) = &venue.key_file {
        if is_given(names, &env) {
            return Err(KeyError::new(
                format!(
                    "there are two keys: in {} and in env {}",
                    path.display(),
                    names.0
                ),
                format!(
                    "unset {} and {}, or remove venue.key_file",
                    names.0, names.1
                ),
            ));
        }
        return Ok(Some(KeyPlaces {
            mode,
            places: Places::File(path.clone()),
        }));
    }
    let pair = (place(names.0, &env)?, place(names.1, &env)?);
    match pair {
        (Some(key), Some(secret)) => Ok(Some(KeyPlaces {
            mode,
            places: Places::Pair { key, secret },
        })),
        (Some(_), None) => Err(missing(names.1)),
        (None, Some(_)) => Err(missing(names.0)),
        (None, None) => Err(none_at_all(mode, names, &env)),
    }
}

fn is_given(names: Names, env: Lookup<'_>) -> bool {
    [names.0, names.1]
        .iter()
        .any(|name| env(name).is_some() || env(&format!("{name}_FILE")).is_some())
}

fn place(name: &str, env: Lookup<'_>) -> Result<Option<Place>, KeyError> {
    let variable = format!("{name}_FILE");
    match (env(name).is_some(), env(&variable)) {
        (true, Some(_)) => Err(KeyError::new(
            format!("{name} and {variable} are both set"),
            format!("unset one of them; {variable} is the safer one"),
        )),
        (true, None) => Ok(Some(Place::Variable(name.to_owned()))),
        (false, Some(path)) => Ok(Some(Place::NamedFile {
            variable,
            path: PathBuf::from(path),
        })),
        (false, None) => Ok(None),
    }
}

fn missing(name: &str) -> KeyError {
    KeyError::new(
        format!("{name} is missing, though the other half is there"),
        format!("set {name}, or {name}_FILE with the path of a file of mode 0600"),
    )
}

/// The error without any key of the mode; tells a key of another mode from none.
fn none_at_all(mode: Mode, names: Names, env: Lookup<'_>) -> KeyError {
    let owner = |names: Names| {
        [
            (TESTNET_ONLY, "the testnet"),
            (DEMO, "the demo account"),
            (LIVE, "the live account"),
        ]
        .into_iter()
        .find(|(known, _)| *known == names)
        .map_or("", |(_, owner)| owner)
    };
    let other = [LIVE, TESTNET_ONLY, DEMO]
        .into_iter()
        .find(|other| *other != names && is_given(*other, env));
    let reason = match other {
        Some(other) => format!(
            "{} names a key of {}, and the mode is {mode}",
            other.0,
            owner(other)
        ),
        None => format!("there is no API key of {}", owner(names)),
    };
    let mut remedy = format!(
        "set {0}_FILE and {1}_FILE (or {0} and {1}), or venue.key_file",
        names.0, names.1
    );
    if mode == Mode::Testnet && other == Some(LIVE) {
        remedy.push_str("; ");
        remedy.push_str(TESTNET);
        remedy.push_str("=true says that the key is the testnet's");
    }
    KeyError::new(reason, remedy)
}

impl KeyPlaces {
    /// Mode that the key is for.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the secret lies in a plain variable, which every process of the user can read.
    #[must_use]
    pub fn is_plain_variable(&self) -> bool {
        matches!(
            &self.places,
            Places::Pair {
                secret: Place::Variable(_),
                ..
            }
        )
    }

    /// Reads key and secret.
    ///
    /// # Errors
    ///
    /// When a file is not there, not ours alone, or not what it should be, and when a value
    /// cannot be a key.
    pub fn read(&self, env: Lookup<'_>) -> Result<KeyPair, KeyError> {
        let pair = match &self.places {
            Places::File(path) => self.read_file(path)?,
            Places::Pair { key, secret } => KeyPair {
                key: read_place(key, env)?,
                secret: read_place(secret, env)?,
            },
        };
        if pair.key.expose_secret() == pair.secret.expose_secret() {
            return Err(KeyError::new(
                format!("key and secret in {self} are the same"),
                "give each its own value",
            ));
        }
        Ok(pair)
    }

    fn read_file(&self, path: &Path) -> Result<KeyPair, KeyError> {
        let text = read_private(path)?;
        let shown = path.display().to_string();
        // The parser's own message could quote the file: it is not passed on.
        let file: KeyFile = toml::from_str(text.expose_secret()).map_err(|_| {
            KeyError::new(
                format!("{shown} is not a key file"),
                "write three lines: mode = \"...\", key = \"...\" and secret = \"...\"",
            )
        })?;
        if file.mode != self.mode {
            return Err(KeyError::new(
                format!(
                    "{shown} has a key of mode {}, and the mode is {}",
                    file.mode, self.mode
                ),
                format!("name the key file of {} in venue.key_file", self.mode),
            ));
        }
        Ok(KeyPair {
            key: usable(&file.key.into(), &format!("key in {shown}"))?,
            secret: usable(&file.secret.into(), &format!("secret in {shown}"))?,
        })
    }
}

impl fmt::Display for KeyPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.places {
            Places::File(path) => write!(f, "{}", path.display()),
            Places::Pair { key, secret } => write!(f, "{key}, {secret}"),
        }
    }
}

/// A file with everything about one key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    mode: Mode,
    key: String,
    secret: String,
}

fn read_place(place: &Place, env: Lookup<'_>) -> Result<SecretString, KeyError> {
    let value = match place {
        Place::Variable(name) => SecretString::from(env(name).ok_or_else(|| missing(name))?),
        Place::NamedFile { path, .. } => read_private(path)?,
    };
    usable(&value, &place.to_string())
}

/// A value without the space around it, if it can be a key at all.
fn usable(value: &SecretString, shown: &str) -> Result<SecretString, KeyError> {
    let text = value.expose_secret().trim();
    let is_value = (1..=MAX_VALUE).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
    if is_value {
        return Ok(SecretString::from(text));
    }
    let remedy = "copy it again from the venue's page: one line of letters and digits";
    Err(KeyError::new(format!("{shown} is no API key"), remedy))
}

/// Text of a file that belongs to us and that nobody else can read.
fn read_private(path: &Path) -> Result<SecretString, KeyError> {
    let shown = path.display();
    let refuse = |what: &str, remedy: &str| KeyError::new(format!("{shown}: {what}"), remedy);
    // No link is followed, and a pipe does not keep us waiting.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let open = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(path);
    let file = open.map_err(|error| match error.kind() {
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            refuse("it is a link", "name the file itself")
        }
        std::io::ErrorKind::NotFound => refuse("there is no such file", "check its path"),
        std::io::ErrorKind::PermissionDenied => {
            refuse("it cannot be read", "make it your own, with mode 0600")
        }
        kind => refuse(&kind.to_string(), "name a plain file of mode 0600"),
    })?;
    let meta = file
        .metadata()
        .map_err(|error| refuse(&error.kind().to_string(), "check its path"))?;
    if !meta.is_file() {
        return Err(refuse("it is no plain file", "name a file of mode 0600"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse("it belongs to another user", "make it your own"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(refuse("other users can get at it", "run chmod 600 on it"));
    }
    let mut text = String::new();
    let read = file.take(MAX_FILE + 1).read_to_string(&mut text);
    let text = SecretString::from(text);
    match read {
        Ok(len) if u64::try_from(len).is_ok_and(|len| len <= MAX_FILE) => Ok(text),
        Ok(_) => Err(refuse("it is too long for a key", "check its path")),
        Err(error) => Err(refuse(&error.kind().to_string(), "check what is in it")),
    }
}

#[cfg(test)]
mod tests;
