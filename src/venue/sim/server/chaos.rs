//! Faults by chance: rates and a seed. The same seed hits the same requests and pushes.
//!
//! A draw depends on the seed, on what it is about and on how many of that came before; not on
//! what else happens meanwhile, so that other traffic does not move it.

use serde::Deserialize;

use super::fault::{RequestAct, matches};

/// Chances, each 0 to 1. At most one fault hits a request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chaos {
    /// Decides everything.
    pub seed: u64,
    /// Requests it is about; a trailing `*` stands for any rest.
    pub path: String,
    /// The connection ends before the venue sees the request.
    pub drop_request: f64,
    /// The venue carries it out; the connection ends without an answer.
    pub drop_reply: f64,
    /// The answer comes late.
    pub delay: f64,
    /// By how many milliseconds.
    pub delay_ms: u64,
    /// The answer is cut within its first 40 bytes.
    pub truncate: f64,
    /// An HTML page with 502 instead of an answer; without effect.
    pub html: f64,
    /// 503 instead of an answer; without effect.
    pub busy: f64,
    /// The request arrives twice.
    pub duplicate: f64,
    /// The request arrives late.
    pub hold: f64,
    /// By how many milliseconds.
    pub hold_ms: u64,
    /// A push never comes.
    pub drop_push: f64,
    /// A push comes twice.
    pub duplicate_push: f64,
    /// A socket ends instead of sending a push.
    pub close_socket: f64,
}

impl Default for Chaos {
    fn default() -> Self {
        Self {
            seed: 0,
            path: "/v5/*".to_owned(),
            drop_request: 0.0,
            drop_reply: 0.0,
            delay: 0.0,
            delay_ms: 500,
            truncate: 0.0,
            html: 0.0,
            busy: 0.0,
            duplicate: 0.0,
            hold: 0.0,
            hold_ms: 500,
            drop_push: 0.0,
            duplicate_push: 0.0,
            close_socket: 0.0,
        }
    }
}

/// What chance does to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushChance {
    /// Nothing.
    Sent,
    /// It never comes.
    Dropped,
    /// It comes twice.
    Doubled,
    /// Its socket ends.
    Closed,
}

impl Chaos {
    /// Checks every chance.
    pub(super) fn check(&self) -> Result<(), String> {
        for (key, p) in [
            ("drop_request", self.drop_request),
            ("drop_reply", self.drop_reply),
            ("delay", self.delay),
            ("truncate", self.truncate),
            ("html", self.html),
            ("busy", self.busy),
            ("duplicate", self.duplicate),
            ("hold", self.hold),
            ("drop_push", self.drop_push),
            ("duplicate_push", self.duplicate_push),
            ("close_socket", self.close_socket),
        ] {
            if !(0.0..=1.0).contains(&p) {
                return Err(format!("{key} {p} is outside of 0 to 1"));
            }
        }
        Ok(())
    }

    /// What happens to the `n`-th request of a path.
    pub(super) fn request(&self, path: &str, n: u64) -> Option<RequestAct> {
        if !matches(&self.path, path) {
            return None;
        }
        let cut = draw(self.seed, "cut", n) * 40.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 40"
        )]
        let bytes = cut as usize;
        let mut left = draw(self.seed, path, n);
        for (p, act) in [
            (self.drop_request, RequestAct::DropRequest {}),
            (self.drop_reply, RequestAct::DropReply {}),
            (self.delay, RequestAct::Delay { ms: self.delay_ms }),
            (
                self.truncate,
                RequestAct::Truncate {
                    bytes,
                    clean: false,
                },
            ),
            (
                self.html,
                RequestAct::Html {
                    status: 502,
                    effect: false,
                },
            ),
            (
                self.busy,
                RequestAct::Status {
                    status: 503,
                    body: String::new(),
                    effect: false,
                },
            ),
            (self.duplicate, RequestAct::Duplicate { second: false }),
            (self.hold, RequestAct::Hold { ms: self.hold_ms }),
        ] {
            if left < p {
                return Some(act);
            }
            left -= p;
        }
        None
    }

    /// What happens to the `n`-th push of a topic.
    pub(super) fn push(&self, topic: &str, n: u64) -> PushChance {
        let mut left = draw(self.seed, topic, n);
        for (p, fate) in [
            (self.drop_push, PushChance::Dropped),
            (self.duplicate_push, PushChance::Doubled),
            (self.close_socket, PushChance::Closed),
        ] {
            if left < p {
                return fate;
            }
            left -= p;
        }
        PushChance::Sent
    }
}

/// A number in 0 (inclusive) to 1 (exclusive) that only depends on what is given.
pub(super) fn draw(seed: u64, about: &str, n: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let unit = (bits(seed, about, n) >> 11) as f64 / (1_u64 << 53) as f64;
    unit
}

/// Sixty-four bits that only depend on what is given: FNV-1a of the text, mixed as `SplitMix64`
/// does.
pub(super) fn bits(seed: u64, about: &str, n: u64) -> u64 {
    let hash = about.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut x = seed ^ hash;
    x = x.wrapping_add((n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_hold_and_repeat() {
        let chaos = Chaos {
            seed: 5,
            drop_request: 0.1,
            hold: 0.2,
            drop_push: 0.25,
            ..Chaos::default()
        };
        let all: Vec<_> = (0..20_000)
            .map(|n| chaos.request("/v5/order/create", n))
            .collect();
        let count = |wanted: Option<RequestAct>| all.iter().filter(|a| **a == wanted).count();
        let dropped = count(Some(RequestAct::DropRequest {}));
        let held = count(Some(RequestAct::Hold { ms: 500 }));
        assert!((1_800..2_200).contains(&dropped), "{dropped}");
        assert!((3_700..4_300).contains(&held), "{held}");
        assert_eq!(count(None) + dropped + held, all.len());
        let again: Vec<_> = (0..20_000)
            .map(|n| chaos.request("/v5/order/create", n))
            .collect();
        assert_eq!(all, again);
        let lost = (0..20_000)
            .filter(|n| chaos.push("order", *n) == PushChance::Dropped)
            .count();
        assert!((4_700..5_300).contains(&lost), "{lost}");
        assert_ne!(bits(1, "a", 0), bits(2, "a", 0));
        assert_ne!(bits(1, "a", 0), bits(1, "b", 0));
    }

    #[test]
    fn other_paths_are_left_alone() {
        let chaos = Chaos {
            path: "/v5/order/*".to_owned(),
            drop_request: 1.0,
            ..Chaos::default()
        };
        assert_eq!(chaos.request("/v5/market/time", 0), None);
        assert!(chaos.request("/v5/order/create", 0).is_some());
        assert!(
            Chaos { html: 2.0, ..chaos }
                .check()
                .unwrap_err()
                .contains("html 2")
        );
    }
}
