//! `tradeterm doctor`: whether a session with these settings would start and could trade.
//!
//! Looks at everything and changes nothing: no folder is made, no order is sent, no setting of
//! the account is touched. Without the wish to see the account no key is read.

pub mod access;
mod account;
mod check;
mod key;
mod machine;
mod models;
mod rules;
mod venue;

use account::Examiner;
pub use check::{Check, Report, Verdict};
use key::read_key;
pub use machine::{TerminalFacts, config_file, terminal};
use venue::Venue;

use crate::cli::Exit;
use crate::config::keys::Lookup;
use crate::config::{FeedKind, Folders, Settings};

/// Checks that need nothing but this machine, and the legs for those that follow.
#[derive(Debug)]
pub struct Local {
    /// The checks.
    pub checks: Vec<Check>,
    legs: Vec<models::Leg>,
}

/// Looks at folders, disk, engine, bundles and recordings.
#[must_use]
pub fn local(settings: &Settings, folders: &Folders) -> Local {
    let mut checks = machine::checks(settings, folders);
    let (found, legs) = models::checks(settings);
    checks.extend(found);
    Local { checks, legs }
}

/// Looks at the venue, and with `env` at key and account as well.
pub async fn remote(settings: &Settings, local: &Local, env: Option<Lookup<'_>>) -> Vec<Check> {
    let mut checks = Vec::new();
    if settings.feed.kind != FeedKind::Bybit {
        let why = format!("mode {} asks no venue", settings.mode);
        checks.push(Check::skipped("host", why));
        if let Some(env) = env {
            checks.push(read_key(settings, env).0);
        }
        return checks;
    }
    let (key, credentials) = match env {
        Some(env) => {
            let (check, credentials) = read_key(settings, env);
            (Some(check), credentials)
        }
        None => (None, None),
    };
    let has_key = credentials.is_some();
    let venue = match Venue::open(settings, credentials) {
        Ok(venue) => venue,
        Err(error) => {
            let remedy = "see the settings of [venue]";
            checks.push(Check::failure("host", error.to_string(), remedy).exits(Exit::Failures));
            checks.extend(key);
            return checks;
        }
    };
    let (reached, is_reached) = venue.reach().await;
    checks.extend(reached);
    if !is_reached {
        for name in ["socket", "instrument", "size", "rate-budget"] {
            checks.push(Check::skipped(name, "the venue cannot be reached"));
        }
        checks.extend(key);
        if has_key {
            checks.push(Check::skipped("account", "the venue cannot be reached"));
        }
        return checks;
    }
    checks.extend(venue.sockets(settings).await);
    checks.extend(venue.instruments(settings, &local.legs).await);
    checks.extend(key);
    let mut budgets = Vec::new();
    if has_key {
        let mut examiner = Examiner::new(&venue, settings);
        checks.extend(examiner.examine(&local.legs).await);
        budgets = examiner.budgets;
    }
    checks.push(venue.budget(&budgets));
    checks
}
