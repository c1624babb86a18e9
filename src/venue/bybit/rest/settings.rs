//! What a client is made of.

use std::sync::Arc;
use std::time::Duration;

use super::ORDER_WINDOW_MS;
use crate::venue::bybit::clock::WallClock;
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::hosts::Hosts;
use crate::venue::bybit::limits::Shares;

/// Deadlines of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the host's address.
    pub resolve: Duration,
    /// For a connection of a read, with everything that secures it.
    pub connect_read: Duration,
    /// For a whole read.
    pub read: Duration,
    /// For a connection of an order; counts against the time it stays valid.
    pub connect_order: Duration,
    /// For a whole order.
    pub order: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(1),
            connect_read: Duration::from_secs(5),
            read: Duration::from_secs(10),
            connect_order: Duration::from_secs(2),
            order: Duration::from_secs(5),
        }
    }
}

/// What a client is made of.
pub struct RestSettings {
    /// Where the venue is.
    pub hosts: Hosts,
    /// For signed calls.
    pub credentials: Option<Arc<Credentials>>,
    /// For stamps.
    pub clock: Arc<dyn WallClock>,
    /// PEM of the root that an exchange on this machine is secured with.
    pub extra_root: Option<String>,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Age in ms at which the venue refuses an order of ours, written into each.
    pub order_window_ms: u32,
    /// Largest body that is read, in bytes.
    pub largest_body: usize,
    /// Parts of the venue's limits.
    pub shares: Shares,
}

impl RestSettings {
    /// The usual settings, without a key.
    #[must_use]
    pub fn new(hosts: Hosts, clock: Arc<dyn WallClock>) -> Self {
        Self {
            hosts,
            credentials: None,
            clock,
            extra_root: None,
            timeouts: Timeouts::default(),
            order_window_ms: ORDER_WINDOW_MS,
            largest_body: 8 * 1_024 * 1_024,
            shares: Shares::default(),
        }
    }
}
