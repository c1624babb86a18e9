//! The key and the secret.
//!
//! One type holds them, wipes them when it goes and shows them to the signers of this folder
//! only. It does not know where a session keeps its files, and no error of it repeats a value.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::socket::{SocketAuth, VenueNow};
use rustix::fs::{Mode, OFlags};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

const KEY: &str = "BYBIT_API_KEY";
const SECRET: &str = "BYBIT_API_SECRET";
const KEY_FILE: &str = "BYBIT_API_KEY_FILE";
const SECRET_FILE: &str = "BYBIT_API_SECRET_FILE";

/// Longest key or secret, in bytes; those of the venue have 18 and 36.
const LONGEST: usize = 256;
/// Largest file, in bytes.
const LARGEST_FILE: u64 = 4_096;

/// Why there is no key. Never holds any part of one.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A key or secret that cannot be one.
    #[error("the {what} {problem}: copy it again from the venue's page of keys")]
    Unlikely {
        /// Key or secret.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Only one of the two, or one of them twice.
    #[error("{problem}: give exactly one of {KEY} and {KEY_FILE}, and the same for the secret")]
    Variables {
        /// What is missing or too much.
        problem: String,
    },
    /// A file that cannot be read.
    #[error("{path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file that others could read or change.
    #[error("{path} {problem}")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// A file of another shape.
    #[error("{path} line {line} {problem}: write two lines, key = \"...\" and secret = \"...\"")]
    Shape {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 for the whole.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// An API key with its secret (HMAC kind). Cannot be copied, printed or stored.
pub struct Credentials {
    key: SecretString,
    secret: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credentials {
    /// Both in plain text, as typed or read by the caller.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::Unlikely`] when one is empty, too long or has characters that no key
    /// has.
    pub fn new(
        key: impl Into<SecretString>,
        secret: impl Into<SecretString>,
    ) -> Result<Self, CredentialsError> {
        let (key, secret) = (key.into(), secret.into());
        check("key", key.expose_secret())?;
        check("secret", secret.expose_secret())?;
        Ok(Self { key, secret })
    }

    /// From a file with the lines `key = "..."` and `secret = "..."`; quotes may be left out and
    /// lines that begin with `#` are remarks.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] unless it is a regular file (no link) of this user that nobody else
    /// can read or write, and holds both.
    pub fn from_file(path: &Path) -> Result<Self, CredentialsError> {
        let text = read_private(path)?;
        let shape = |line, problem| CredentialsError::Shape {
            path: path.to_owned(),
            line,
            problem,
        };
        let (mut key, mut secret) = (None, None);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| shape(number, "has no equals sign"))?;
            let slot = match name.trim() {
                "key" | "api_key" => &mut key,
                "secret" | "api_secret" => &mut secret,
                _ => return Err(shape(number, "names neither key nor secret")),
            };
            if slot.is_some() {
                return Err(shape(number, "gives the same thing twice"));
            }
            let value = unquoted(value.trim())
                .ok_or_else(|| shape(number, "has a quote without its partner"))?;
            *slot = Some(SecretString::from(value));
        }
        let key = key.ok_or_else(|| shape(0, "has no key"))?;
        let secret = secret.ok_or_else(|| shape(0, "has no secret"))?;
        Self::new(key, secret)
    }

    /// From variables: `BYBIT_API_KEY` and `BYBIT_API_SECRET`, or the same names with `_FILE`
    /// for private files that hold nothing but the value. `None` when none of the four is set.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] when only one is given, one is given in both ways, or a file is not
    /// private.
    pub fn from_env(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, CredentialsError> {
        let key = variable(&lookup, KEY, KEY_FILE)?;
        let secret = variable(&lookup, SECRET, SECRET_FILE)?;
        match (key, secret) {
            (None, None) => Ok(None),
            (Some(key), Some(secret)) => Self::new(key, secret).map(Some),
            (None, Some(_)) => Err(missing("key")),
            (Some(_), None) => Err(missing("secret")),
        }
    }

    /// Enough of the key for a person to tell it from another one: its first four characters.
    #[must_use]
    pub fn key_hint(&self) -> String {
        let key = self.key.expose_secret();
        // Of a short one, four characters would be too much of it.
        let shown = if key.len() < 12 { "" } else { &key[..4] };
        format!("{shown}…")
    }

    /// The login of a private or order-entry socket; `now` is the venue's time.
    #[must_use]
    pub fn login(&self, now: VenueNow) -> SocketAuth {
        SocketAuth::new(self.key(), SecretString::from(self.secret()), now)
    }

    /// The key, for the head of a request and the frame that opens a private socket.
    pub(in crate::venue::bybit) fn key(&self) -> &str {
        self.key.expose_secret()
    }

    /// The secret, for a signature.
    pub(in crate::venue::bybit) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

fn missing(what: &str) -> CredentialsError {
    CredentialsError::Variables {
        problem: format!("the environment has no {what}"),
    }
}

fn check(what: &'static str, value: &str) -> Result<(), CredentialsError> {
    let problem = if value.is_empty() {
        "is empty"
    } else if value.len() > LONGEST {
        "is too long"
    } else if value.contains(char::is_whitespace) {
        "has a space or line break in it"
    } else if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        "has a character in it that no key has"
    } else {
        return Ok(());
    };
    Err(CredentialsError::Unlikely { what, problem })
}

fn unquoted(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    Some(value)
}

fn variable(
    lookup: &impl Fn(&str) -> Option<String>,
    name: &str,
    file: &str,
) -> Result<Option<SecretString>, CredentialsError> {
    match (lookup(name), lookup(file)) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some(SecretString::from(value))),
        (None, Some(path)) => {
            let text = read_private(Path::new(&path))?;
            Ok(Some(SecretString::from(
                text.trim_end_matches(['\n', '\r']),
            )))
        }
        (Some(_), Some(_)) => Err(CredentialsError::Variables {
            problem: format!("both {name} and {file} are set"),
        }),
    }
}

/// Text of a file that only this user can read. The checks are made on the open file, so that
/// nothing can be put in its place in between.
fn read_private(path: &Path) -> Result<Zeroizing<String>, CredentialsError> {
    let unreadable = |cause| CredentialsError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let not_safe = |problem| CredentialsError::Unsafe {
        path: path.to_owned(),
        problem,
    };
    // Without NONBLOCK, opening a pipe would wait for somebody to write to it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => std::fs::File::from(file),
        Err(rustix::io::Errno::LOOP) => {
            return Err(not_safe("is a link: name the file itself"));
        }
        Err(error) => return Err(unreadable(error.into())),
    };
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(not_safe("is not a regular file"));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(not_safe("belongs to another user: make a copy of your own"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(not_safe("can be reached by other users: chmod 600 it"));
    }
    if meta.len() > LARGEST_FILE {
        return Err(not_safe(
            "is larger than 4096 bytes: it holds a key and a secret only",
        ));
    }
    // Room for all of it at once: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(4_097));
    file.take(LARGEST_FILE)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
