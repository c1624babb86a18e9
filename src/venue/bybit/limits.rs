//! Budgets of requests, so that the venue never has to refuse one.
//!
//! Two levels: all calls of this address together (600 in 5 s; a breach locks it out for ten
//! minutes), and each endpoint of the account by itself in a rolling second. Of both only a
//! share is used, and of that share a part is kept for the protective lane. Answers correct the
//! table by what they say about the limits. Pure: time is passed in, nothing waits here, and no
//! answer's meaning is decided.
//! Source: Bybit v5, rate limit rules.

mod bucket;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::{Category, Timestamp};

use bucket::{Bucket, Room};

/// Requests of one address in [`IP_WINDOW_MS`].
pub const IP_LIMIT: u32 = 600;
/// Rolling window of the address, in ms.
pub const IP_WINDOW_MS: i64 = 5_000;
/// Rolling window of an endpoint, in ms.
pub const ENDPOINT_WINDOW_MS: i64 = 1_000;
/// How long a locked-out address stays silent, in ms.
pub const BAN_MS: i64 = 600_000;
/// Longest back-off of one endpoint, in ms; also what a reset time further away counts as.
pub const LONGEST_BACKOFF_MS: i64 = 60_000;
/// First back-off without a reset time, in ms; each further one is twice as long.
const FIRST_BACKOFF_MS: i64 = 1_000;

/// Who asks for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Everything that can wait: entries, reads.
    Normal,
    /// What makes an account safer: cancels, reduce-only orders, stops.
    Protective,
}

/// Parts of the venue's limits, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Of the address's limit.
    pub ip: u32,
    /// Of an endpoint's limit.
    pub endpoint: u32,
    /// Of what those leave, for the protective lane alone.
    pub reserved: u32,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            ip: 50,
            endpoint: 50,
            reserved: 20,
        }
    }
}

/// What one budget is for: a path and the market it is used on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Path without `/v5/`.
    path: Box<str>,
    category: Option<Category>,
}

impl Endpoint {
    /// Endpoint of a path such as `/v5/order/create`.
    #[must_use]
    pub fn new(path: &str, category: Option<Category>) -> Self {
        Self {
            path: path.strip_prefix("/v5/").unwrap_or(path).into(),
            category,
        }
    }

    /// Requests per second that an account without a rank has; `None` for public data, which
    /// only counts for the address. An endpoint that is not in the table gets the lowest.
    fn default_limit(&self) -> Option<u32> {
        let is_spot = self.category == Some(Category::Spot);
        match &*self.path {
            path if path.starts_with("market/") => None,
            "order/create" | "order/cancel" | "order/cancel-all" | "order/create-batch"
            | "order/amend-batch" | "order/cancel-batch"
                if is_spot =>
            {
                Some(20)
            }
            "order/create"
            | "order/cancel"
            | "order/cancel-all"
            | "order/create-batch"
            | "order/amend-batch"
            | "order/cancel-batch"
            | "order/amend"
            | "position/set-leverage"
            | "position/switch-mode"
            | "position/trading-stop" => Some(10),
            "order/realtime"
            | "order/history"
            | "execution/list"
            | "position/list"
            | "position/closed-pnl"
            | "account/wallet-balance"
            | "account/info" => Some(50),
            _ => Some(5),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.category {
            Some(category) => write!(f, "{} {category}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// What an answer says about the budget of its endpoint (`X-Bapi-Limit*`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitHeaders {
    /// Requests per second, `X-Bapi-Limit`.
    pub limit: Option<u32>,
    /// Requests left, `X-Bapi-Limit-Status`.
    pub left: Option<u32>,
    /// When there is room again, `X-Bapi-Limit-Reset-Timestamp`.
    pub reset: Option<Timestamp>,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The budget is used up until then.
    Budget {
        /// When there will be room, if nothing else is taken before.
        until: Timestamp,
    },
    /// The venue has asked for a pause on this endpoint until then.
    Paused {
        /// End of the pause.
        until: Timestamp,
    },
    /// The address is locked out: nothing at all until then.
    Banned {
        /// End of the silence.
        until: Timestamp,
    },
    /// More at once than there ever is room for: split it.
    TooMuch {
        /// Most that fits at once in this lane.
        most: u32,
    },
}

/// One budget, for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// `address`, or an endpoint as in `order/create linear`.
    pub name: String,
    /// Requests that we allow ourselves in a window.
    pub limit: u32,
    /// Requests that are left of it now; 0 during a pause.
    pub left: u32,
    /// Part of the limit that only the protective lane may use.
    pub reserved: u32,
    /// When more is left than now; `None` when it is full.
    pub reset: Option<Timestamp>,
}

/// Keeps the budgets of one account behind one address.
#[derive(Debug, Clone)]
pub struct Limiter {
    shares: Shares,
    ip: Bucket,
    endpoints: BTreeMap<Endpoint, Bucket>,
    /// End of the silence, in the limiter's own time.
    banned_until: i64,
    /// Own time in ms: the sum of all steps forward of the clock that is passed in. A clock
    /// that is set back must not lock anybody out, least of all a cancel.
    elapsed: i64,
    seen: Option<Timestamp>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(Shares::default())
    }
}

impl Limiter {
    /// A limiter with nothing used.
    #[must_use]
    pub fn new(shares: Shares) -> Self {
        Self {
            shares,
            ip: Bucket::new(IP_LIMIT, shares.ip, shares.reserved, IP_WINDOW_MS),
            endpoints: BTreeMap::new(),
            banned_until: i64::MIN,
            elapsed: 0,
            seen: None,
        }
    }

    /// Takes room for one request.
    ///
    /// # Errors
    ///
    /// [`Denied`], with nothing taken.
    pub fn take(&mut self, endpoint: &Endpoint, lane: Lane, now: Timestamp) -> Result<(), Denied> {
        self.take_many(endpoint, 1, lane, now)
    }

    /// Takes room for one request that counts as `orders` of its endpoint, as a batch does.
    ///
    /// # Errors
    ///
    /// [`Denied`], with nothing taken.
    pub fn take_many(
        &mut self,
        endpoint: &Endpoint,
        orders: u32,
        lane: Lane,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let at = self.advance(now);
        let later = |until: i64| now.plus_millis(until - at);
        if at < self.banned_until {
            return Err(Denied::Banned {
                until: later(self.banned_until),
            });
        }
        let orders = orders.max(1);
        self.ip.forget_before(at);
        let own = Self::bucket(&mut self.endpoints, self.shares, endpoint);
        own.forget_before(at);
        let until = match (own.room(orders, lane, at), self.ip.room(1, lane, at)) {
            (Room::Never { most }, _) | (_, Room::Never { most }) => {
                return Err(Denied::TooMuch { most });
            }
            (Room::Paused { until }, _) | (_, Room::Paused { until }) => {
                return Err(Denied::Paused {
                    until: later(until),
                });
            }
            (Room::Now, Room::Now) => {
                own.take(orders, at);
                self.ip.take(1, at);
                return Ok(());
            }
            (Room::At(own), Room::At(ip)) => own.max(ip),
            (Room::At(until), Room::Now) | (Room::Now, Room::At(until)) => until,
        };
        Err(Denied::Budget {
            until: later(until),
        })
    }

    /// Takes note of an answer that was not refused. `sent_at` is when its request left and
    /// `reset` of the headers is by the same clock as `now`.
    pub fn on_headers(
        &mut self,
        endpoint: &Endpoint,
        headers: &LimitHeaders,
        sent_at: Timestamp,
        now: Timestamp,
    ) {
        let at = self.advance(now);
        let own = Self::bucket(&mut self.endpoints, self.shares, endpoint);
        own.on_good_answer();
        if let Some(limit) = headers.limit.filter(|limit| *limit > 0) {
            own.set_limit(limit);
        }
        if let Some(left) = headers.left {
            let sent = at - now.since(sent_at).max(0);
            let expires = match headers.reset {
                Some(reset) if left == 0 => pause(reset.since(now)).max(ENDPOINT_WINDOW_MS),
                _ => ENDPOINT_WINDOW_MS,
            };
            own.on_left(left, sent, at, at + expires);
        }
    }

    /// Takes note of a refusal for asking too often (10006, 429): the endpoint pauses until
    /// `reset`, or for a time that doubles from 1 s. Returns the end of the pause.
    pub fn on_limited(
        &mut self,
        endpoint: &Endpoint,
        reset: Option<Timestamp>,
        now: Timestamp,
    ) -> Timestamp {
        let at = self.advance(now);
        let own = Self::bucket(&mut self.endpoints, self.shares, endpoint);
        let reset = reset
            .map(|reset| pause(reset.since(now)))
            .filter(|ms| *ms > 0);
        let until = own.on_refusal(at, reset);
        now.plus_millis(until - at)
    }

    /// Takes note of a lock-out of the address (403): everything is silent for ten minutes.
    /// Returns the end of it.
    pub fn on_banned(&mut self, now: Timestamp) -> Timestamp {
        let at = self.advance(now);
        self.banned_until = at + BAN_MS;
        now.plus_millis(BAN_MS)
    }

    /// Until when the address is silent; `None` when it is not.
    #[must_use]
    pub fn banned_until(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.at(now);
        (at < self.banned_until).then(|| now.plus_millis(self.banned_until - at))
    }

    /// All budgets that were used so far, the address's first.
    #[must_use]
    pub fn budgets(&self, now: Timestamp) -> Vec<Budget> {
        let at = self.at(now);
        let ban = (at < self.banned_until).then_some(self.banned_until);
        let ip = std::iter::once(("address".to_owned(), &self.ip));
        let own = self
            .endpoints
            .iter()
            .filter(|(_, bucket)| bucket.has_limit())
            .map(|(endpoint, bucket)| (endpoint.to_string(), bucket));
        ip.chain(own)
            .map(|(name, bucket)| Budget {
                name,
                limit: bucket.usable(),
                left: if ban.is_some() { 0 } else { bucket.left(at) },
                reserved: bucket.reserved(),
                reset: ban
                    .or_else(|| bucket.next_change(at))
                    .map(|until| now.plus_millis(until - at)),
            })
            .collect()
    }

    fn bucket<'a>(
        endpoints: &'a mut BTreeMap<Endpoint, Bucket>,
        shares: Shares,
        endpoint: &Endpoint,
    ) -> &'a mut Bucket {
        endpoints.entry(endpoint.clone()).or_insert_with(|| {
            let window = ENDPOINT_WINDOW_MS;
            match endpoint.default_limit() {
                Some(limit) => Bucket::new(limit, shares.endpoint, shares.reserved, window),
                None => Bucket::without_limit(shares.endpoint, shares.reserved, window),
            }
        })
    }

    /// Own time at `now`.
    fn at(&self, now: Timestamp) -> i64 {
        let step = self.seen.map_or(0, |seen| now.since(seen).max(0));
        self.elapsed.saturating_add(step)
    }

    fn advance(&mut self, now: Timestamp) -> i64 {
        self.elapsed = self.at(now);
        self.seen = Some(now);
        self.elapsed
    }
}

/// A pause of the venue's choice, within reason.
fn pause(ms: i64) -> i64 {
    ms.clamp(0, LONGEST_BACKOFF_MS)
}
