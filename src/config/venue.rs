//! The parts of the settings that say how the venue is used: whose account, which addresses,
//! which deadlines, what is done about differences.
//!
//! Keys and secrets are no settings: [`super::keys`] finds them, and nothing here can hold one.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::Mode;

/// How margin is shared between positions. Account-wide on a unified account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarginMode {
    /// Each position has its own margin and can lose no more than that.
    Isolated,
    /// All positions share the account's balance.
    Cross,
}

impl MarginMode {
    /// Name as written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MarginMode::Isolated => "isolated",
            MarginMode::Cross => "cross",
        }
    }
}

/// How many positions a symbol can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionMode {
    /// One position, long or short.
    OneWay,
    /// A long and a short position beside each other. Known so that it can be refused by name.
    Hedge,
}

impl PositionMode {
    /// Name as written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            PositionMode::OneWay => "one-way",
            PositionMode::Hedge => "hedge",
        }
    }
}

/// The way orders take to the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderEntry {
    /// The order-entry socket, with REST as the fallback.
    Socket,
    /// REST only.
    Rest,
}

/// What is done about a difference from the venue while nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unattended {
    /// The venue is right: its order or position becomes ours.
    Adopt,
    /// Entries of the symbol stop until a person decides.
    Hold,
    /// What is not ours is cancelled or closed.
    Close,
}

/// How the venue is used. No key and no secret is in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VenueSettings {
    /// Name of the account or sub-account, for people.
    pub account: String,
    /// File with key and secret, mode 0600; `None` takes them from the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// REST address of a local venue; `None` is Bybit's own host. Loopback only, never in live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest_url: Option<String>,
    /// Socket address of a local venue; `None` is Bybit's own host. Loopback only, never in live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ws_url: Option<String>,
    /// PEM file with the root certificate of a local venue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_root: Option<PathBuf>,
    /// The way orders take; see [`VenueSettings::order_entry_in`].
    pub order_entry: OrderEntry,
    /// How late a signed request may arrive, in milliseconds (`X-BAPI-RECV-WINDOW`).
    pub recv_window_ms: u32,
    /// After this an unanswered order is unresolved, in milliseconds.
    pub ack_deadline_ms: u32,
    /// How long the venue's queries may not show an order that it has, in milliseconds.
    pub visibility_lag_ms: u32,
    /// Leverage of linear symbols, buy and sell side alike.
    pub leverage: u16,
    /// How margin is shared.
    pub margin_mode: MarginMode,
    /// Positions of a symbol.
    pub position_mode: PositionMode,
    /// Seconds between comparisons with the venue while orders are open or unresolved.
    pub reconcile_fast_s: u32,
    /// Seconds between comparisons with the venue at any time.
    pub reconcile_full_s: u32,
    /// What is done about a difference while nobody looks.
    pub unattended: Unattended,
    /// Whether live takes a key that works from every address.
    pub accept_unbound_ip: bool,
    /// Rights that a key may have beyond the needed ones, such as `Wallet.AccountTransfer`.
    pub allow_permissions: Vec<String>,
    /// Keys of settings whose unusual values are meant; live only.
    pub accept_values: Vec<String>,
}

impl Default for VenueSettings {
    fn default() -> Self {
        Self {
            account: "main".to_owned(),
            key_file: None,
            rest_url: None,
            ws_url: None,
            tls_root: None,
            order_entry: OrderEntry::Socket,
            recv_window_ms: 3_000,
            ack_deadline_ms: 2_000,
            visibility_lag_ms: 10_000,
            leverage: 10,
            margin_mode: MarginMode::Isolated,
            position_mode: PositionMode::OneWay,
            reconcile_fast_s: 10,
            reconcile_full_s: 60,
            unattended: Unattended::Hold,
            accept_unbound_ip: false,
            allow_permissions: Vec::new(),
            accept_values: Vec::new(),
        }
    }
}

impl VenueSettings {
    /// The way orders take in `mode`: the demo account has no order-entry socket (Bybit v5,
    /// demo trading), so there it is REST whatever the default says.
    #[must_use]
    pub const fn order_entry_in(&self, mode: Mode) -> OrderEntry {
        match mode {
            Mode::Demo => OrderEntry::Rest,
            _ => self.order_entry,
        }
    }
}

/// Says what is wrong with the address of a local venue; `None` when it can be used.
///
/// An address is one of `schemes`, `://`, a loopback host and a port where it is not the usual
/// one. Anything behind that, and a user before it, is refused: both could lead elsewhere.
pub(super) fn loopback_problem(text: &str, schemes: [&str; 2]) -> Option<String> {
    let [plain, secure] = schemes;
    let example = format!("write it as {plain}://127.0.0.1:8080");
    let Some((_, rest)) = text
        .split_once("://")
        .filter(|(scheme, _)| schemes.contains(scheme))
    else {
        return Some(format!(
            "it has to start with {plain}:// or {secure}://: {example}"
        ));
    };
    let host_and_port = rest.strip_suffix('/').unwrap_or(rest);
    if host_and_port.contains(['/', '?', '#', '@', '\\', ' ']) {
        return Some(format!("it has to be host and port only: {example}"));
    }
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or(("", "")),
        None => host_and_port
            .find(':')
            .map_or((host_and_port, ""), |at| host_and_port.split_at(at)),
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u16>().ok())
            .is_some_and(|port| port != 0);
    if !is_port {
        return Some(format!("its port is no port: {example}"));
    }
    let is_loopback =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    (!is_loopback).then(|| {
        "only a venue on this machine can be named (127.0.0.1, [::1] or localhost): remove it \
         to use Bybit's own hosts"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_taken() {
        for good in [
            "http://127.0.0.1:8080",
            "http://127.0.0.1",
            "http://127.8.8.8:1/",
            "https://localhost:8443",
            "http://[::1]:9000",
        ] {
            assert_eq!(loopback_problem(good, ["http", "https"]), None, "{good}");
        }
        for (bad, part) in [
            ("", "start with http://"),
            ("127.0.0.1:80", "start with http://"),
            ("ws://127.0.0.1:80", "start with http://"),
            ("HTTP://127.0.0.1", "start with http://"),
            ("http://api.bybit.com", "on this machine"),
            ("http://api.bybit.com:8080", "on this machine"),
            ("http://10.0.0.1:80", "on this machine"),
            ("http://0.0.0.0:80", "on this machine"),
            ("http://127.0.0.1.invalid", "on this machine"),
            ("http://localhost.invalid", "on this machine"),
            ("http://127.0.0.1@bybit.com", "host and port only"),
            ("http://bybit.com#127.0.0.1", "host and port only"),
            ("http://127.0.0.1/v5", "host and port only"),
            ("http://127.0.0.1:80?x", "host and port only"),
            ("http://127.0.0.1:http", "no port"),
            ("http://127.0.0.1:70000", "no port"),
            ("http://127.0.0.1:0", "no port"),
            ("http://127.0.0.1:80:80", "no port"),
            ("http://127.0.0.1:+80", "no port"),
            ("http://[::1", "on this machine"),
            ("http://[::1]80", "no port"),
            ("http://", "on this machine"),
        ] {
            let problem = loopback_problem(bad, ["http", "https"]);
            let found = problem.as_deref().is_some_and(|text| text.contains(part));
            assert!(found, "{bad}: {problem:?}");
        }
    }

    #[test]
    fn the_demo_account_gets_its_orders_by_rest() {
        let venue = VenueSettings::default();
        assert_eq!(venue.order_entry_in(Mode::Demo), OrderEntry::Rest);
        assert_eq!(venue.order_entry_in(Mode::Testnet), OrderEntry::Socket);
        assert_eq!(venue.order_entry_in(Mode::Live), OrderEntry::Socket);
    }
}
