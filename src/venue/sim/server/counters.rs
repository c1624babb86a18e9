//! What a server has seen, for tests and drills.

use std::collections::BTreeMap;

use serde::Serialize;

/// Bodies of creates that are kept; older ones are forgotten and counted.
const MOST_CREATES: usize = 10_000;
/// Troubles that are kept.
const MOST_TROUBLES: usize = 100;

/// What a server has seen since it started. Holds no header and no signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// REST requests by path, refused and dropped ones too; order-entry requests as
    /// `trade:` and their `op`.
    pub requests: BTreeMap<String, u64>,
    /// REST requests that carried a key or a signature.
    pub signed: u64,
    /// Bodies of creates and batch creates, oldest first, as they came; those that were dropped
    /// before they had an effect too.
    pub creates: Vec<String>,
    /// Creates whose bodies are forgotten.
    pub creates_forgotten: u64,
    /// Sockets opened, by kind.
    pub connects: BTreeMap<&'static str, u64>,
    /// Sockets refused, by kind.
    pub refused: BTreeMap<&'static str, u64>,
    /// Sockets open now, by kind.
    pub open: BTreeMap<&'static str, u64>,
    /// Authentications by kind of socket.
    pub auths: BTreeMap<&'static str, Auths>,
    /// Pushes sent.
    pub pushes: u64,
    /// Sockets closed because their reader was too slow.
    pub slow_readers: u64,
    /// TLS handshakes that failed.
    pub tls_failures: u64,
    /// How many times each kind of fault has done something.
    pub faults: BTreeMap<&'static str, u64>,
    /// Market events shown to the venue.
    pub events: u64,
    /// What went wrong inside: a recording that cannot be read, a drill that names nothing.
    pub troubles: Vec<String>,
}

/// Authentications.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Auths {
    /// Accepted.
    pub accepted: u64,
    /// Refused.
    pub refused: u64,
}

impl Counters {
    /// REST requests of all paths, those of the order-entry socket left out.
    #[must_use]
    pub fn n_requests(&self) -> u64 {
        self.requests
            .iter()
            .filter(|(path, _)| path.starts_with('/'))
            .map(|(_, n)| n)
            .sum()
    }

    pub(super) fn request(&mut self, path: &str) {
        // Paths come from outside; what nobody serves is counted together.
        let name = if path.len() <= 64 { path } else { "other" };
        if let Some(n) = self.requests.get_mut(name) {
            *n += 1;
        } else if self.requests.len() < 1_000 {
            self.requests.insert(name.to_owned(), 1);
        }
    }

    pub(super) fn create(&mut self, body: &str) {
        if MOST_CREATES <= self.creates.len() {
            self.creates.remove(0);
            self.creates_forgotten += 1;
        }
        self.creates.push(body.to_owned());
    }

    pub(super) fn trouble(&mut self, text: String) {
        tracing::warn!(text, "trouble in the simulated venue");
        if self.troubles.len() < MOST_TROUBLES {
            self.troubles.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_bounded_and_paths_too() {
        let mut counters = Counters::default();
        for n in 0..=MOST_CREATES {
            counters.create(&n.to_string());
        }
        assert_eq!(counters.creates.len(), MOST_CREATES);
        assert_eq!(
            (counters.creates[0].as_str(), counters.creates_forgotten),
            ("1", 1)
        );
        counters.request(&"/x".repeat(40));
        counters.request("/v5/market/time");
        counters.request("/v5/market/time");
        counters.request("trade:order.create");
        assert_eq!(counters.requests["other"], 1);
        assert_eq!(counters.requests["/v5/market/time"], 2);
        assert_eq!(counters.n_requests(), 2);
    }
}
