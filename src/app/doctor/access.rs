//! The way to the venue that the settings name: hosts, certificate, clock, clients, and what the
//! venue lists about one instrument.

use std::path::PathBuf;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

use crate::config::Settings;
use crate::domain::{Category, Instrument, Mode, Symbol, Timestamp};
use crate::runtime::clock::Clock;
use crate::store::files;
use crate::venue::bybit::clock::WallClock;
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::hosts::{Environment, HostError, Hosts};
use crate::venue::bybit::rest::{Answer, BuildError, RestClient, RestError, RestSettings};
use crate::venue::bybit::wire::instrument::{ContractRow, ListingError, PairRow};
use crate::venue::bybit::wire::names::InstrumentStatus;
use crate::venue::bybit::wire::{Page, WireError, from_json};

/// The machine's wall clock, for stamps.
#[derive(Debug, Clone, Copy)]
pub struct MachineClock(Clock);

impl MachineClock {
    /// The clock of this process.
    #[must_use]
    pub fn new() -> Self {
        Self(Clock::start())
    }
}

impl Default for MachineClock {
    fn default() -> Self {
        Self::new()
    }
}

impl WallClock for MachineClock {
    fn now(&self) -> Timestamp {
        self.0.wall()
    }
}

/// Why there is no way to the venue.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// An address that may not be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A client that cannot be made.
    #[error(transparent)]
    Client(#[from] BuildError),
    /// A root certificate that cannot be read.
    #[error("venue.tls_root {} cannot be read: {cause}", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
}

/// Hosts of the account in `settings`; a venue on this machine where one is named.
///
/// # Errors
///
/// When an address may not be used.
pub fn account_hosts(settings: &Settings) -> Result<Hosts, HostError> {
    hosts(
        settings,
        match settings.mode {
            Mode::Demo => Environment::Demo,
            Mode::Testnet => Environment::Testnet,
            Mode::Live | Mode::Paper | Mode::Replay => Environment::Mainnet,
        },
    )
}

/// Hosts of the market data: the demo account trades on mainnet's.
///
/// # Errors
///
/// As [`account_hosts`].
pub fn market_hosts(settings: &Settings) -> Result<Hosts, HostError> {
    hosts(
        settings,
        match settings.mode {
            Mode::Testnet => Environment::Testnet,
            _ => Environment::Mainnet,
        },
    )
}

fn hosts(settings: &Settings, environment: Environment) -> Result<Hosts, HostError> {
    match (&settings.venue.rest_url, &settings.venue.ws_url) {
        (Some(rest), Some(ws)) => Hosts::local(rest, ws),
        _ => Ok(Hosts::of(environment)),
    }
}

/// The certificate of a local venue, where the settings name one.
///
/// # Errors
///
/// When its file cannot be read.
pub fn extra_root(settings: &Settings) -> Result<Option<String>, AccessError> {
    let Some(path) = &settings.venue.tls_root else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).map_err(|error| AccessError::Root {
        path: path.clone(),
        cause: files::explain(&error),
    })?;
    Ok(Some(text))
}

/// A client for `hosts`, with the certificate that the settings name.
///
/// # Errors
///
/// When the certificate is of no use.
pub fn client(
    settings: &Settings,
    hosts: Hosts,
    credentials: Option<Arc<Credentials>>,
) -> Result<RestClient, AccessError> {
    let mut rest = RestSettings::new(hosts, Arc::new(MachineClock::new()));
    rest.credentials = credentials;
    rest.extra_root = extra_root(settings)?;
    Ok(RestClient::new(rest)?)
}

/// Why a question has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No answer at all.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// An answer with a code.
    #[error("the venue answers {code} ({message})")]
    Refused {
        /// `retCode`.
        code: i64,
        /// `retMsg`.
        message: String,
    },
    /// An answer of another shape.
    #[error("the venue's answer cannot be read: {0}")]
    Shape(#[from] WireError),
    /// A symbol that the venue does not list.
    #[error("the venue lists no {category} {symbol}")]
    Unlisted {
        /// Symbol asked for.
        symbol: Symbol,
        /// Market asked for.
        category: Category,
    },
    /// An instrument that this program cannot trade.
    #[error(transparent)]
    Listing(#[from] ListingError),
}

/// Result of a success; a code is an error here.
///
/// # Errors
///
/// [`Trouble`] for a code, or a result of another shape.
pub fn result_of<T: DeserializeOwned>(answer: &Answer) -> Result<T, Trouble> {
    if !answer.is_ok() {
        return Err(Trouble::Refused {
            code: answer.code,
            message: answer.message.clone(),
        });
    }
    Ok(from_json(answer.result.get())?)
}

/// What the venue lists about one instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its rules.
    pub instrument: Instrument,
    /// Whether it is traded.
    pub status: InstrumentStatus,
    /// Largest leverage; `None` for spot.
    pub max_leverage: Option<Decimal>,
}

/// Path of the list of instruments.
pub const INSTRUMENTS: &str = "/v5/market/instruments-info";

/// Code for a wrong parameter, an unknown symbol among them (Bybit v5, error codes).
const BAD_PARAMETER: i64 = 10_001;

/// Code for an unknown symbol of spot (Bybit v5, error codes).
const BAD_SYMBOL: i64 = 170_121;

/// Reads the answer to the question about one symbol at [`INSTRUMENTS`].
///
/// # Errors
///
/// [`Trouble`]; an unknown symbol is [`Trouble::Unlisted`].
pub fn listed(answer: &Answer, category: Category, symbol: &Symbol) -> Result<Listed, Trouble> {
    let unlisted = || Trouble::Unlisted {
        symbol: symbol.clone(),
        category,
    };
    if [BAD_PARAMETER, BAD_SYMBOL].contains(&answer.code) {
        return Err(unlisted());
    }
    match category {
        Category::Linear => {
            let page: Page<ContractRow> = result_of(answer)?;
            let mut rows = page.list.into_iter();
            let row = rows.find(|row| row.symbol == *symbol);
            let row = row.ok_or_else(unlisted)?;
            let leverage = row.leverage_filter.as_ref();
            Ok(Listed {
                instrument: row.instrument()?,
                max_leverage: leverage.and_then(|filter| filter.max_leverage),
                status: row.status,
            })
        }
        Category::Spot => {
            let page: Page<PairRow> = result_of(answer)?;
            let mut rows = page.list.into_iter();
            let row = rows.find(|row| row.symbol == *symbol);
            let row = row.ok_or_else(unlisted)?;
            Ok(Listed {
                instrument: row.instrument()?,
                max_leverage: None,
                status: row.status,
            })
        }
    }
}
