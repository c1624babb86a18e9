//! Reading the key, for the checks that need it. It is never shown: a person sees its beginning.

use std::sync::Arc;

use super::check::Check;
use crate::cli::Exit;
use crate::config::Settings;
use crate::config::keys::{Lookup, locate, needs_key};
use crate::venue::bybit::credentials::Credentials;

/// Reads the key of the mode. Gives its check, and the key where there is one.
pub(super) fn read_key(settings: &Settings, env: Lookup<'_>) -> (Check, Option<Arc<Credentials>>) {
    let mode = settings.mode;
    if !needs_key(mode) {
        let why = format!("mode {mode} reads no key");
        return (Check::skipped("key", why), None);
    }
    let refuse = |reason: &str, remedy: &str| {
        let check = Check::failure("key", reason, remedy).exits(Exit::Credentials);
        (check, None)
    };
    let places = match locate(mode, &settings.venue, env) {
        Ok(Some(places)) => places,
        Ok(None) => return (Check::skipped("key", "this mode reads no key"), None),
        Err(error) => return refuse(&error.reason, &error.remedy),
    };
    let pair = match places.read(env) {
        Ok(pair) => pair,
        Err(error) => return refuse(&error.reason, &error.remedy),
    };
    let credentials = match Credentials::new(pair.key, pair.secret) {
        Ok(credentials) => credentials,
        Err(error) => return refuse(&error.to_string(), "copy it again"),
    };
    let text = format!("{} from {places}", credentials.key_hint());
    let check = if places.is_plain_variable() {
        let remedy = "put it into a file of mode 0600 and name that by a variable ending in _FILE";
        let text = format!("{text}: every process of this user can read it there");
        Check::warning("key", text, remedy)
    } else {
        Check::ok("key", text)
    };
    (check, Some(Arc::new(credentials)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict::{Failure, Skipped, Warning};
    use crate::domain::Mode;

    fn with_mode(mode: Mode) -> Settings {
        Settings {
            mode,
            ..Settings::default()
        }
    }

    #[test]
    fn a_mode_without_a_key_looks_at_no_variable() {
        let env = |name: &str| -> Option<String> { panic!("looked at {name}") };
        for mode in [Mode::Replay, Mode::Paper] {
            let (check, key) = read_key(&with_mode(mode), &env);
            assert_eq!(check.verdict, Skipped);
            assert!(key.is_none());
        }
    }

    #[test]
    fn a_key_is_shown_by_its_beginning_only() {
        let env = |name: &str| match name {
            "BYBIT_TESTNET_API_KEY" => Some("CANARYkey0123456789".to_owned()),
            "BYBIT_TESTNET_API_SECRET" => Some("CANARYsecretabcdef".to_owned()),
            _ => None,
        };
        let (check, key) = read_key(&with_mode(Mode::Testnet), &env);
        assert!(key.is_some());
        assert_eq!(check.verdict, Warning, "{check:?}");
        assert!(
            check.detail.starts_with("CANA\u{2026} from env"),
            "{check:?}"
        );
        assert!(!format!("{check:?}").contains("CANARY"), "{check:?}");
        assert!(check.remedy.contains("_FILE"), "{check:?}");
        let (check, key) = read_key(&with_mode(Mode::Live), &env);
        assert!(key.is_none());
        assert_eq!(check.verdict, Failure, "{check:?}");
    }
}
