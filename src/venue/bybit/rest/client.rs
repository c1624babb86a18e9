//! The client: what can be asked, and what it keeps between two calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

use crate::domain::Timestamp;
use crate::venue::bybit::clock::{SAMPLES, ServerClock, WallClock};
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::limits::{Budget, Endpoint, Lane, Limiter};

use super::call::{Call, Payload, budget_of, category_of};
use super::transport::Transport;
use super::{Access, Answer, BuildError, Query, RestError, RestSettings};

/// Samples of the venue's clock that a later synchronisation takes; the first of them may pay
/// for a new connection.
const RESYNC_SAMPLES: usize = 3;

/// A client for one environment and one account.
pub struct RestClient {
    pub(super) base: String,
    pub(super) credentials: Option<Arc<Credentials>>,
    pub(super) clock: Arc<dyn WallClock>,
    pub(super) transport: Transport,
    pub(super) order_window_ms: u32,
    /// Held for a few lines at a time and never while waiting.
    server: Mutex<ServerClock>,
    /// Likewise.
    limiter: Mutex<Limiter>,
}

impl RestClient {
    /// A client that has sent nothing yet.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when a certificate is of no use, or is for other hosts than this machine.
    pub fn new(settings: RestSettings) -> Result<Self, BuildError> {
        let base = settings.hosts.rest().to_owned();
        let host = base.split_once("://").map_or(&*base, |(_, host)| host);
        let transport = Transport::new(&settings, host.to_owned())?;
        Ok(Self {
            base,
            credentials: settings.credentials,
            clock: settings.clock,
            transport,
            order_window_ms: settings.order_window_ms,
            server: Mutex::default(),
            limiter: Mutex::new(Limiter::new(settings.shares)),
        })
    }

    /// Host that is asked, with its port where it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.transport.host()
    }

    /// Reads public data, as in `get("/v5/market/kline", &[("category", "linear"), ..])`.
    ///
    /// # Errors
    ///
    /// [`RestError`].
    pub async fn get(&self, path: &str, query: impl Into<Query>) -> Result<Answer, RestError> {
        self.read(Access::Public, Lane::Normal, path, query.into())
            .await
    }

    /// Reads data of the account.
    ///
    /// # Errors
    ///
    /// [`RestError`].
    pub async fn get_signed(
        &self,
        path: &str,
        query: impl Into<Query>,
    ) -> Result<Answer, RestError> {
        self.get_signed_in(Lane::Normal, path, query).await
    }

    /// Reads data of the account, in a lane of the caller's choice.
    ///
    /// # Errors
    ///
    /// [`RestError`].
    pub async fn get_signed_in(
        &self,
        lane: Lane,
        path: &str,
        query: impl Into<Query>,
    ) -> Result<Answer, RestError> {
        self.read(Access::Signed, lane, path, query.into()).await
    }

    /// Sends `body`, byte for byte, signed, exactly once.
    ///
    /// Its `category` and, for a batch, the length of its `request` decide which budget counts.
    ///
    /// # Errors
    ///
    /// [`RestError`]; unless it says that nothing was sent, the outcome has to be asked for.
    pub async fn post(&self, path: &str, body: String, lane: Lane) -> Result<Answer, RestError> {
        let (category, orders) = budget_of(&body);
        let call = Call {
            access: Access::Signed,
            lane,
            path,
            endpoint: Endpoint::new(path, category),
            orders,
            payload: Payload::Body(body),
        };
        self.call(call).await
    }

    /// Asks for the venue's time: the best of eight questions at first, of three later on.
    ///
    /// # Errors
    ///
    /// [`RestError`] when not a single question was answered.
    pub async fn sync_clock(&self) -> Result<ServerClock, RestError> {
        let questions = if self.server().is_empty() {
            SAMPLES
        } else {
            RESYNC_SAMPLES
        };
        let mut answered = Err(None);
        for _ in 0..questions {
            match self.ask_time().await {
                Ok(()) => answered = Ok(()),
                // What stopped one will stop the rest.
                Err(error) => {
                    answered = answered.map_err(|_: Option<RestError>| Some(error));
                    break;
                }
            }
        }
        match answered {
            Err(Some(error)) => Err(error),
            _ => Ok(self.server_clock()),
        }
    }

    /// What is known about the venue's clock.
    #[must_use]
    pub fn server_clock(&self) -> ServerClock {
        self.server().clone()
    }

    /// This moment by the venue's clock, as requests are stamped.
    #[must_use]
    pub fn venue_now(&self) -> Timestamp {
        let now = self.now();
        self.server().now_at_venue(now)
    }

    /// Budgets that were used so far, for display.
    #[must_use]
    pub fn budgets(&self) -> Vec<Budget> {
        let now = self.now();
        self.limiter().budgets(now)
    }

    /// Until when the address is locked out; `None` when it is not.
    #[must_use]
    pub fn banned_until(&self) -> Option<Timestamp> {
        let now = self.now();
        self.limiter().banned_until(now)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn server(&self) -> MutexGuard<'_, ServerClock> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(
        &self,
        access: Access,
        lane: Lane,
        path: &str,
        query: Query,
    ) -> Result<Answer, RestError> {
        let category = query.category().and_then(category_of);
        let call = Call {
            access,
            lane,
            path,
            endpoint: Endpoint::new(path, category),
            orders: 1,
            payload: Payload::Query(query),
        };
        self.call(call).await
    }

    async fn ask_time(&self) -> Result<(), RestError> {
        // Without the time nothing can be cancelled: it goes first.
        let path = "/v5/market/time";
        let query = Query::new();
        let answer = self
            .read(Access::Public, Lane::Protective, path, query)
            .await?;
        let server = venue_time(&answer).ok_or_else(|| RestError::Unparsable {
            host: self.host().to_owned(),
            cause: format!("code {} and no time in it", answer.code),
            body: answer.message.clone(),
        })?;
        self.server()
            .observe(answer.sent_at, answer.received_at, server);
        Ok(())
    }
}

/// The venue's time in the answer to the question about it.
fn venue_time(answer: &Answer) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Time {
        #[serde(rename = "timeNano")]
        nano: String,
    }
    if !answer.is_ok() {
        return None;
    }
    let nano = answer
        .read::<Time>()
        .ok()
        .and_then(|time| time.nano.parse().ok());
    let time = nano.map(|nano: i64| Timestamp::from_millis(nano / 1_000_000));
    time.or(answer.time)
}
