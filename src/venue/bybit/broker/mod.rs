//! Orders and the account at Bybit: [`BybitBroker`] sends and asks, [`PrivateStream`] listens.
//!
//! Every request goes out once and its outcome is told as what it is: taken, refused, known
//! already, never left, or unknown. Questions end in a whole answer or an error. Both sides
//! share a [`Roster`] of what we sent, so that an execution of ours is told from one of somebody
//! else. Nothing here decides, retries, or opens a socket of its own.

pub mod account;
mod ask;
mod executions;
mod fill;
mod find;
mod order;
mod outcome;
mod report;
mod roster;
#[cfg(test)]
mod samples;
mod send;
mod strange;
mod stream;
mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{
    AccountEvent, AccountReport, Category, ClientOrderId, Instrument, InstrumentId, Instruments,
    Price, Timestamp,
};
use crate::risk::Approved;
use crate::venue::broker::{AskError, CancelSent, Found, KnownOrder, RemoteBroker, Submitted};
use crate::venue::bybit::rest::RestClient;
use crate::venue::bybit::socket::trade::TradeHandle;

pub use roster::Roster;
pub use strange::{StrangeEvent, StrangeKind};
pub use stream::{Heard, PrivateStream};

/// Why there is no broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// One balance cannot be the position of two instruments.
    #[error("{coin} is the base coin of {first} and {second} on spot: trade one of them")]
    SharedBase {
        /// The coin.
        coin: String,
        /// One of the symbols.
        first: String,
        /// The other.
        second: String,
    },
    /// Fees and profits would be in several coins.
    #[error("{symbol} is priced in {quote} and the account in {coin}: trade symbols of one coin")]
    OtherCoin {
        /// The symbol.
        symbol: String,
        /// The coin of its prices.
        quote: String,
        /// The coin of the account.
        coin: String,
    },
}

/// Orders and the account of one key at Bybit.
pub struct BybitBroker {
    rest: Arc<RestClient>,
    /// `None` where the venue has no socket for orders (demo).
    trade: Option<TradeHandle>,
    instruments: Instruments,
    /// Settlement coin.
    coin: String,
    roster: Arc<Roster>,
    /// What nobody here has a word for; held for a few lines at a time.
    strange: Mutex<Vec<StrangeEvent>>,
}

impl BybitBroker {
    /// A broker for `instruments`, whose money is in `coin`.
    ///
    /// # Errors
    ///
    /// [`BrokerError`] when the account of such a session would be ambiguous.
    pub fn new(
        rest: Arc<RestClient>,
        trade: Option<TradeHandle>,
        instruments: Instruments,
        coin: &str,
    ) -> Result<Self, BrokerError> {
        check(&instruments, coin)?;
        Ok(Self {
            rest,
            trade,
            instruments,
            coin: coin.to_owned(),
            roster: Arc::default(),
            strange: Mutex::default(),
        })
    }

    /// What was sent, to be shared with a [`PrivateStream`].
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.roster)
    }

    fn rules(&self, id: InstrumentId) -> Option<&Instrument> {
        (id.index() < self.instruments.len()).then(|| self.instruments.get(id))
    }

    /// Markets that are traded.
    fn categories(&self) -> BTreeSet<Category> {
        self.instruments.iter().map(|(_, i)| i.category).collect()
    }

    /// Coins that the traded contracts settle in.
    fn settle_coins(&self) -> impl Iterator<Item = &str> {
        let contracts = self.instruments.iter().map(|(_, i)| i);
        let contracts = contracts.filter(|i| i.category == Category::Linear);
        let coins: BTreeSet<&str> = contracts.map(|i| i.quote.as_str()).collect();
        coins.into_iter()
    }

    /// This moment by the local clock.
    fn now(&self) -> Timestamp {
        ask::now(&self.rest)
    }

    fn strange(&self) -> MutexGuard<'_, Vec<StrangeEvent>> {
        self.strange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(instruments: &Instruments, coin: &str) -> Result<(), BrokerError> {
    let mut bases: Vec<&Instrument> = Vec::new();
    for (_, known) in instruments.iter() {
        if known.quote != coin {
            return Err(BrokerError::OtherCoin {
                symbol: known.symbol.to_string(),
                quote: known.quote.clone(),
                coin: coin.to_owned(),
            });
        }
        if known.category != Category::Spot {
            continue;
        }
        if let Some(other) = bases.iter().find(|other| other.base == known.base) {
            return Err(BrokerError::SharedBase {
                coin: known.base.clone(),
                first: other.symbol.to_string(),
                second: known.symbol.to_string(),
            });
        }
        bases.push(known);
    }
    Ok(())
}

impl RemoteBroker for BybitBroker {
    fn remember(&self, order: KnownOrder) {
        self.roster.remember(order);
    }

    async fn submit(&self, order: &Approved, expected: Option<Price>) -> Submitted {
        self.send_order(order, expected).await
    }

    async fn cancel(&self, order: ClientOrderId, instrument: InstrumentId) -> CancelSent {
        self.send_cancel(order, instrument).await
    }

    async fn find(
        &self,
        order: ClientOrderId,
        instrument: InstrumentId,
    ) -> Result<Found, AskError> {
        self.find_order(order, instrument).await
    }

    async fn executions(&self, since: Timestamp) -> Result<Vec<AccountEvent>, AskError> {
        self.executions_since(since).await
    }

    async fn report(&self, asked_at: Timestamp) -> Result<AccountReport, AskError> {
        self.whole_report(asked_at).await
    }
}
