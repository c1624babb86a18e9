//! Every wait of a socket in one place, so that tests can choose their own.

use std::time::Duration;

/// Waits and deadlines of a connection. [`Timing::default`] is what the venue asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Longest time from dialling to the end of the handshake.
    pub connect: Duration,
    /// Longest wait for the answer to `auth`.
    pub auth: Duration,
    /// How far ahead of venue time a signature expires.
    pub auth_validity: Duration,
    /// Wait after a refused `auth`: at most one try a minute.
    pub auth_retry: Duration,
    /// Wait after HTTP 403, which is an address that asked too often.
    pub forbidden: Duration,
    /// Longest time that a write may take.
    pub write: Duration,
    /// Longest time given to saying goodbye.
    pub close: Duration,
    /// Longest wait for the answer to a subscription.
    pub ack: Duration,
    /// Longest wait from that answer to the first frame of a topic that begins with a snapshot.
    pub first_message: Duration,
    /// Silence of all topics that ends a connection, where one of them has a limit of its own.
    pub all_silent: Duration,
    /// Distance of text pings.
    pub ping_every: Duration,
    /// Silence of everything, answers to pings included, that ends a connection.
    pub silence: Duration,
    /// How long a connection has to be up before the next loss starts at the shortest wait.
    pub settled: Duration,
    /// Distance of looks at the deadlines above.
    pub tick: Duration,
    /// Longest wait before the second try.
    pub backoff_first: Duration,
    /// Longest wait before any try.
    pub backoff_max: Duration,
    /// Shortest wait before any try, whatever the dice say.
    pub backoff_floor: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            auth: Duration::from_secs(5),
            auth_validity: Duration::from_secs(10),
            auth_retry: Duration::from_mins(1),
            forbidden: Duration::from_mins(10),
            write: Duration::from_secs(5),
            close: Duration::from_secs(1),
            ack: Duration::from_secs(5),
            first_message: Duration::from_secs(5),
            all_silent: Duration::from_secs(10),
            ping_every: Duration::from_secs(20),
            silence: Duration::from_secs(30),
            settled: Duration::from_secs(5),
            tick: Duration::from_millis(100),
            backoff_first: Duration::from_secs(1),
            backoff_max: Duration::from_secs(30),
            backoff_floor: Duration::from_millis(500),
        }
    }
}
