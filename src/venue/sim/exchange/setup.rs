//! What a simulated venue is made of: instruments, account, keys, rules.

use std::fmt;

use crate::domain::{Category, InstrumentError, Instruments, Rate, Timestamp};
use crate::venue::sim::matcher::{Settings, SettingsError};

/// Everything that a simulated venue starts with.
#[derive(Debug, Clone)]
pub struct ExchangeSetup {
    /// Instruments listed.
    pub instruments: Instruments,
    /// Account and trading costs.
    pub matcher: Settings,
    /// API keys of the one account.
    pub keys: Vec<ApiKey>,
    /// Time of the start, in milliseconds since the epoch.
    pub start: Timestamp,
    /// Rules that are neither the matcher's nor an instrument's.
    pub rules: VenueRules,
}

impl ExchangeSetup {
    /// Looks for what is given twice or is empty.
    pub(super) fn check(&self) -> Result<(), ExchangeError> {
        for (at, key) in self.keys.iter().enumerate() {
            if key.key.is_empty() || key.secret.is_empty() {
                return Err(ExchangeError::EmptyKey(key.key.clone()));
            }
            if self.keys[..at].iter().any(|other| other.key == key.key) {
                return Err(ExchangeError::DuplicateKey(key.key.clone()));
            }
        }
        for (id, rules) in self.instruments.iter() {
            let first = self.instruments.find(rules.symbol.as_str(), rules.category);
            if first != Ok(id) {
                return Err(ExchangeError::DuplicateSymbol {
                    symbol: rules.symbol.to_string(),
                    category: rules.category,
                });
            }
        }
        Ok(())
    }
}

/// One API key of the account.
#[expect(
    clippy::struct_excessive_bools,
    reason = "rights are switches that go together in any way"
)]
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Public part.
    pub key: String,
    /// Secret that signs.
    pub secret: String,
    /// Whether every write is refused with 10005.
    pub read_only: bool,
    /// Whether it carries the permission to withdraw.
    pub can_withdraw: bool,
    /// Addresses it is bound to; empty or `*` binds it to none.
    pub ips: Vec<String>,
    /// When it ends; `None` is never.
    pub expires: Option<Timestamp>,
    /// Whether it may trade contracts (`ContractTrade`: `Order`, `Position`).
    pub contract_trade: bool,
    /// Whether it may trade spot (`Spot`: `SpotTrade`).
    pub spot_trade: bool,
}

impl ApiKey {
    /// A key that may trade and not withdraw, bound to no address, without end.
    #[must_use]
    pub fn new(key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            secret: secret.into(),
            read_only: false,
            can_withdraw: false,
            ips: Vec::new(),
            expires: None,
            contract_trade: true,
            spot_trade: true,
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("key", &self.key)
            .field("secret", &"hidden")
            .field("read_only", &self.read_only)
            .field("can_withdraw", &self.can_withdraw)
            .field("ips", &self.ips)
            .field("expires", &self.expires)
            .field("contract_trade", &self.contract_trade)
            .field("spot_trade", &self.spot_trade)
            .finish()
    }
}

/// Margin mode of the account (`GET /v5/account/info`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MarginMode {
    /// Each position by itself.
    IsolatedMargin,
    /// Cross.
    RegularMargin,
    /// Portfolio.
    PortfolioMargin,
}

/// Rules of the venue that are neither the matcher's nor an instrument's.
///
/// The default is what PROTOCOL sections 11 to 15 state for an ordinary account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueRules {
    /// Whether linear positions have two legs.
    pub hedge_mode: bool,
    /// Margin mode of the account.
    pub margin_mode: MarginMode,
    /// Leverage of every linear instrument until it is set.
    pub leverage: u32,
    /// Highest leverage that can be set.
    pub max_leverage: u32,
    /// Creates, and as many cancels, per second on linear.
    pub linear_per_second: u32,
    /// Creates, and as many cancels, per second on spot.
    pub spot_per_second: u32,
    /// Amends per second.
    pub amend_per_second: u32,
    /// Reads per second and endpoint.
    pub read_per_second: u32,
    /// How long queries lag behind the matching engine, in milliseconds.
    pub visibility_lag_ms: u32,
    /// How long after its acceptance an order reaches the matching engine, in milliseconds.
    pub ack_delay_ms: u32,
    /// Closed orders that `order/realtime` remembers.
    pub closed_kept: usize,
    /// Open plain orders per linear symbol (110020), and of all spot symbols (170810).
    pub max_active: usize,
    /// Open conditional orders per linear symbol (110009).
    pub max_conditional: usize,
    /// How far beyond the valuation a limit may reach: linear prices are moved to the band, spot
    /// prices refused. `None`, the default, lifts it: recordings carry no index price.
    pub price_band: Option<Rate>,
    /// Whether spot fees are taken in the coin that is bought, as the venue does. Otherwise every
    /// fee is taken in the quote coin, which makes balances those of the paper broker.
    pub spot_fee_in_base: bool,
    /// Whether what a market order could not fill waits for more, as with the paper broker, when
    /// the order does not say `IOC` itself. The venue always cancels it, but there a bar's
    /// volume is no limit either.
    pub market_rest_waits: bool,
}

impl Default for VenueRules {
    fn default() -> Self {
        Self {
            hedge_mode: false,
            margin_mode: MarginMode::RegularMargin,
            leverage: 10,
            max_leverage: 100,
            linear_per_second: 10,
            spot_per_second: 20,
            amend_per_second: 10,
            read_per_second: 50,
            visibility_lag_ms: 0,
            ack_delay_ms: 0,
            closed_kept: 500,
            max_active: 500,
            max_conditional: 10,
            price_band: None,
            spot_fee_in_base: true,
            market_rest_waits: true,
        }
    }
}

/// Why a simulated venue cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Two keys of one name.
    #[error("api key {0:?} is given twice: give each key once")]
    DuplicateKey(String),
    /// A key without a name or a secret.
    #[error("api key {0:?} has an empty name or secret: give both")]
    EmptyKey(String),
    /// The same symbol twice in one category.
    #[error("{symbol} is listed twice in {category}: list each symbol once")]
    DuplicateSymbol {
        /// The symbol.
        symbol: String,
        /// The category.
        category: Category,
    },
    /// More instruments than can be numbered.
    #[error("too many instruments: every contract counts twice, up to 65536 in all")]
    TooMany,
    /// Instruments whose rules contradict each other.
    #[error(transparent)]
    Instruments(InstrumentError),
    /// The account cannot be made.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}
