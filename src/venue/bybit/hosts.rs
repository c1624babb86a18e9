//! Hosts of each environment, and nothing else that can be reached.
//!
//! The lists are compiled in: no setting adds a host to them. A [`Hosts`] can only be made from
//! a list or for this machine, so whoever holds one need not check it again. It opens nothing.
//! Source: Bybit v5, guide and websocket connect.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::domain::Category;

const MAINNET_REST: &str = "api.bybit.com";
const MAINNET_STREAM: &str = "stream.bybit.com";
const TESTNET_REST: &str = "api-testnet.bybit.com";
const TESTNET_STREAM: &str = "stream-testnet.bybit.com";
const DEMO_REST: &str = "api-demo.bybit.com";
const DEMO_STREAM: &str = "stream-demo.bybit.com";

/// Other hosts of mainnet, for accounts of one region; used only when a setting names them.
pub const REGIONAL_HOSTS: [&str; 17] = [
    "api.bytick.com",
    "api.bybit.ae",
    "api.bybit.eu",
    "api.bybit.id",
    "api.bybit.kz",
    "api.bybit.nl",
    "api.bybit.tr",
    "api.bybitgeorgia.ge",
    "api.manepa.jp",
    "stream.bybit.ae",
    "stream.bybit.eu",
    "stream.bybit.id",
    "stream.bybit.kz",
    "stream.bybit.nl",
    "stream.bybit.tr",
    "stream.bybitgeorgia.ge",
    "stream.manepa.jp",
];

/// One of the venue's separate worlds; a key belongs to exactly one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// Real money.
    Mainnet,
    /// The venue's test market with its own prices.
    Testnet,
    /// Play money on mainnet's prices.
    Demo,
}

impl Environment {
    const fn hosts(self) -> &'static [&'static str] {
        match self {
            Environment::Mainnet => &[MAINNET_REST, MAINNET_STREAM],
            Environment::Testnet => &[TESTNET_REST, TESTNET_STREAM],
            Environment::Demo => &[DEMO_REST, DEMO_STREAM, MAINNET_STREAM],
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Environment::Mainnet => "mainnet",
            Environment::Testnet => "testnet",
            Environment::Demo => "demo",
        })
    }
}

/// Why an address is not to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not a URL at all.
    #[error("{what} is not an address: write it like https://host or wss://host")]
    NotAnAddress {
        /// Which address.
        what: String,
    },
    /// A scheme that is not encrypted, or not one of ours.
    #[error("{host} is addressed by {scheme}: use {remedy}")]
    Scheme {
        /// Host of the address.
        host: String,
        /// Its scheme.
        scheme: String,
        /// The schemes that would do.
        remedy: &'static str,
    },
    /// A host outside of the environment's list.
    #[error("{host} is not a host of {environment}: use one of {allowed}")]
    Foreign {
        /// Host of the address.
        host: String,
        /// Environment it was meant for.
        environment: Environment,
        /// The hosts that would do.
        allowed: String,
    },
    /// A host of another machine where only this one may be meant.
    #[error("{host} is not this machine: a local exchange is at 127.0.0.1, [::1] or localhost")]
    NotLocal {
        /// Host of the address.
        host: String,
    },
    /// A user, port, path, query or fragment that does not belong there.
    #[error("the address of {host} has {part}: leave it out")]
    Extra {
        /// Host of the address.
        host: String,
        /// What is too much.
        part: &'static str,
    },
}

/// Where everything of one environment is, as base addresses without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    environment: Option<Environment>,
    rest: String,
    public_ws: String,
    private_ws: String,
    trade_ws: Option<String>,
}

impl Hosts {
    /// The usual hosts of an environment. Demo takes its public data from mainnet and has no
    /// socket for orders.
    #[must_use]
    pub fn of(environment: Environment) -> Self {
        let (rest, public, private) = match environment {
            Environment::Mainnet => (MAINNET_REST, MAINNET_STREAM, MAINNET_STREAM),
            Environment::Testnet => (TESTNET_REST, TESTNET_STREAM, TESTNET_STREAM),
            Environment::Demo => (DEMO_REST, MAINNET_STREAM, DEMO_STREAM),
        };
        Self {
            environment: Some(environment),
            rest: format!("https://{rest}"),
            public_ws: format!("wss://{public}/v5/public"),
            private_ws: format!("wss://{private}/v5/private"),
            trade_ws: (environment != Environment::Demo)
                .then(|| format!("wss://{private}/v5/trade")),
        }
    }

    /// Mainnet at hosts of a region, by bare names of [`REGIONAL_HOSTS`] or the usual ones. The
    /// two are named apart because some regions use the usual stream.
    ///
    /// # Errors
    ///
    /// [`HostError::Foreign`] for any other name.
    pub fn mainnet_at(rest: &str, stream: &str) -> Result<Self, HostError> {
        for (host, start) in [(rest, "api."), (stream, "stream.")] {
            if !(host.starts_with(start) && is_mainnet(host)) {
                return Err(foreign(host, Environment::Mainnet));
            }
        }
        Ok(Self {
            environment: Some(Environment::Mainnet),
            rest: format!("https://{rest}"),
            public_ws: format!("wss://{stream}/v5/public"),
            private_ws: format!("wss://{stream}/v5/private"),
            trade_ws: Some(format!("wss://{stream}/v5/trade")),
        })
    }

    /// An exchange on this machine, such as `http://127.0.0.1:8080` and `ws://127.0.0.1:8081`.
    ///
    /// # Errors
    ///
    /// [`HostError`] unless both are bare addresses of a loopback host.
    pub fn local(rest_url: &str, ws_url: &str) -> Result<Self, HostError> {
        let rest = local_base(rest_url, ["http", "https"], "http or https")?;
        let ws = local_base(ws_url, ["ws", "wss"], "ws or wss")?;
        Ok(Self {
            environment: None,
            rest,
            public_ws: format!("{ws}/v5/public"),
            private_ws: format!("{ws}/v5/private"),
            trade_ws: Some(format!("{ws}/v5/trade")),
        })
    }

    /// Environment; `None` for an exchange on this machine.
    #[must_use]
    pub const fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// Whether everything is on this machine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.environment.is_none()
    }

    /// Base of REST calls, as in `https://api.bybit.com`.
    #[must_use]
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// Base of the public sockets, without the category.
    #[must_use]
    pub fn public_ws(&self) -> &str {
        &self.public_ws
    }

    /// Public socket of one category.
    #[must_use]
    pub fn public_ws_of(&self, category: Category) -> String {
        format!("{}/{category}", self.public_ws)
    }

    /// Socket of the own account.
    #[must_use]
    pub fn private_ws(&self) -> &str {
        &self.private_ws
    }

    /// Socket for orders; demo has none.
    #[must_use]
    pub fn trade_ws(&self) -> Option<&str> {
        self.trade_ws.as_deref()
    }
}

/// Refuses every address that is not the environment's own, over an encrypted scheme.
///
/// # Errors
///
/// [`HostError`] that says what is wrong and what would do.
pub fn check_allowed(environment: Environment, url: &str) -> Result<(), HostError> {
    let (url, host) = parse(url)?;
    if !matches!(url.scheme(), "https" | "wss") {
        return Err(HostError::Scheme {
            host,
            scheme: url.scheme().to_owned(),
            remedy: "https or wss",
        });
    }
    let is_listed = match environment {
        Environment::Mainnet => is_mainnet(&host),
        // Demo shares prices with mainnet and nothing else.
        Environment::Demo if host == MAINNET_STREAM => url.path().starts_with("/v5/public/"),
        Environment::Testnet | Environment::Demo => environment.hosts().contains(&host.as_str()),
    };
    if !is_listed {
        return Err(foreign(&host, environment));
    }
    match url.port() {
        None => Ok(()),
        Some(_) => Err(HostError::Extra {
            host,
            part: "a port",
        }),
    }
}

fn is_mainnet(host: &str) -> bool {
    Environment::Mainnet.hosts().contains(&host) || REGIONAL_HOSTS.contains(&host)
}

fn foreign(host: &str, environment: Environment) -> HostError {
    let mut allowed = environment.hosts().to_vec();
    if environment == Environment::Mainnet {
        allowed.extend(REGIONAL_HOSTS);
    }
    HostError::Foreign {
        host: host.to_owned(),
        environment,
        allowed: allowed.join(", "),
    }
}

/// A URL with its host, without a user: an address with a password in it is never repeated.
fn parse(text: &str) -> Result<(Url, String), HostError> {
    let not_an_address = || HostError::NotAnAddress {
        what: if text.contains('@') {
            "a text with a user in it".to_owned()
        } else {
            format!("{text:?}")
        },
    };
    let url = Url::parse(text).map_err(|_| not_an_address())?;
    let host = url.host_str().ok_or_else(not_an_address)?.to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HostError::Extra {
            host,
            part: "a user",
        });
    }
    Ok((url, host))
}

fn local_base(text: &str, schemes: [&str; 2], remedy: &'static str) -> Result<String, HostError> {
    let (url, host) = parse(text)?;
    if !is_loopback(&host) {
        return Err(HostError::NotLocal { host });
    }
    if !schemes.contains(&url.scheme()) {
        return Err(HostError::Scheme {
            host,
            scheme: url.scheme().to_owned(),
            remedy,
        });
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(HostError::Extra {
            host,
            part: "more than a host and a port",
        });
    }
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    Ok(format!("{}://{host}{port}", url.scheme()))
}

/// Whether a host of a parsed URL is this machine, whatever a resolver says.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
