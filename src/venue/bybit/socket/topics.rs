//! Topics, what is expected of them, and how many fit into a request.

use std::time::Duration;

use crate::domain::Category;

/// Longest silence of a level-1 book: the venue repeats it every 3 s.
pub const LEVEL_1_STALE: Duration = Duration::from_secs(4);

/// A topic and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    name: String,
    has_snapshot: bool,
    stale_after: Option<Duration>,
}

impl Topic {
    /// A topic that may be silent for ever, such as `order` or `publicTrade.BTCUSDT`.
    #[must_use]
    pub fn quiet(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            has_snapshot: false,
            stale_after: None,
        }
    }

    /// A public topic with the expectations that fit its kind (Bybit v5, websocket/public).
    ///
    /// Books and tickers begin with a snapshot; a level-1 book is repeated every 3 s.
    #[must_use]
    pub fn public(name: impl Into<String>) -> Self {
        let topic = Self::quiet(name);
        if topic.name.starts_with("orderbook.1.") {
            topic.beginning_with_snapshot().stale_after(LEVEL_1_STALE)
        } else if topic.name.starts_with("orderbook.") || topic.name.starts_with("tickers.") {
            topic.beginning_with_snapshot()
        } else {
            topic
        }
    }

    /// The same, expected to send a frame soon after it was confirmed.
    #[must_use]
    pub fn beginning_with_snapshot(mut self) -> Self {
        self.has_snapshot = true;
        self
    }

    /// The same, reported as stale after `silence`.
    #[must_use]
    pub fn stale_after(mut self, silence: Duration) -> Self {
        self.stale_after = Some(silence);
        self
    }

    /// Name as the venue writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a frame is expected soon after the topic was confirmed.
    #[must_use]
    pub const fn has_snapshot(&self) -> bool {
        self.has_snapshot
    }

    /// Silence after which the topic is reported.
    #[must_use]
    pub const fn silence_limit(&self) -> Option<Duration> {
        self.stale_after
    }

    /// Characters that the topic takes of a connection's bound: quotes and comma included.
    #[must_use]
    pub const fn n_chars(&self) -> usize {
        self.name.len() + 3
    }
}

/// How much fits into one request and one connection (Bybit v5, websocket/wss-authentication).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Topics of one request.
    pub args_per_request: usize,
    /// Characters of all topics of one connection.
    pub args_chars: usize,
}

impl RequestLimits {
    /// Limits of a private socket, whose topics are few.
    pub const PRIVATE: Self = Self {
        args_per_request: 10,
        args_chars: 21_000,
    };

    /// Limits of the public socket of a category: 10 topics a request in spot, no stated limit
    /// in linear.
    #[must_use]
    pub const fn public(category: Category) -> Self {
        Self {
            args_per_request: match category {
                Category::Spot => 10,
                Category::Linear => 200,
            },
            args_chars: 21_000,
        }
    }
}

/// Why topics were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// More than fits on one connection.
    #[error("topics of {n_chars} characters exceed the {limit} of one connection: use another")]
    ConnectionFull {
        /// Characters wanted, those of earlier topics included.
        n_chars: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// More than fits on all connections together.
    #[error("{n_topics} topics exceed {n_shards} connections of {per_shard}: allow more")]
    ShardsFull {
        /// Topics wanted, earlier ones included.
        n_topics: usize,
        /// Connections allowed.
        n_shards: usize,
        /// Topics of one connection.
        per_shard: usize,
    },
}
