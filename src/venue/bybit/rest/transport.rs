//! One request out, one answer in: two HTTP clients that differ in what they may do twice.
//!
//! It knows bytes, statuses and times, and neither keys nor codes.

use std::time::Duration;

use reqwest::{Client, Request};

use crate::domain::Timestamp;
use crate::venue::bybit::clock::WallClock;
use crate::venue::bybit::limits::LimitHeaders;

use super::answer::limits_of;
use super::error::{BuildError, RestError, of_failure};
use super::resolver::Resolver;
use super::{RestSettings, tls};

/// How long an idle connection for reads is kept.
const IDLE: Duration = Duration::from_secs(20);

/// The two clients.
pub(super) struct Transport {
    /// For GETs. Keeps connections; one that went stale is replaced without asking.
    reads: Client,
    /// For POSTs. Every request has a connection of its own, so that the library, which sends a
    /// request again when a kept connection turns out to be dead, never has a reason to.
    orders: Client,
    host: String,
    largest_body: usize,
}

/// A whole answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) limit: LimitHeaders,
    pub(super) body: Vec<u8>,
    pub(super) sent_at: Timestamp,
    pub(super) received_at: Timestamp,
}

impl Transport {
    pub(super) fn new(settings: &RestSettings, host: String) -> Result<Self, BuildError> {
        let tls = tls::client_config(&settings.hosts, settings.extra_root.as_deref())?;
        let resolver = Resolver::system(settings.timeouts.resolve);
        let must_be_secure = settings.hosts.rest().starts_with("https://");
        let common = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .https_only(must_be_secure)
                .http1_only()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .dns_resolver(resolver.clone())
                .user_agent(concat!("tradeterm/", env!("CARGO_PKG_VERSION")))
        };
        let reads = common()
            .pool_idle_timeout(IDLE)
            .connect_timeout(settings.timeouts.connect_read)
            .timeout(settings.timeouts.read);
        let orders = common()
            .pool_max_idle_per_host(0)
            .connect_timeout(settings.timeouts.connect_order)
            .timeout(settings.timeouts.order);
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .build()
                .map_err(|error| BuildError::Client(error.to_string()))
        };
        Ok(Self {
            reads: build(reads)?,
            orders: build(orders)?,
            host,
            largest_body: settings.largest_body,
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) async fn read(
        &self,
        request: Request,
        clock: &dyn WallClock,
    ) -> Result<Reply, RestError> {
        self.send(&self.reads, request, clock).await
    }

    pub(super) async fn order(
        &self,
        request: Request,
        clock: &dyn WallClock,
    ) -> Result<Reply, RestError> {
        self.send(&self.orders, request, clock).await
    }

    async fn send(
        &self,
        client: &Client,
        request: Request,
        clock: &dyn WallClock,
    ) -> Result<Reply, RestError> {
        let failed = |error| of_failure(&self.host, error);
        let sent_at = clock.now();
        let mut response = client.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let limit = limits_of(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.largest_body {
                return Err(RestError::Unparsable {
                    host: self.host.clone(),
                    cause: format!("it is larger than {} bytes", self.largest_body),
                    body: super::error::excerpt(&body, None),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status,
            limit,
            body,
            sent_at,
            received_at: clock.now(),
        })
    }
}
