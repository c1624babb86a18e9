//! Faults that wait and faults in force: which request, push or connection they hit.
//!
//! What has to be done at once (closing sockets, drills) is returned as a [`Deed`]; the hub does
//! it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::chaos::{Chaos, PushChance, draw};
use super::fault::{
    Act, BanReason, Fault, RequestAct, ServerAct, Shape, SocketAct, Sockets, matches,
};
use super::script::Script;
use super::socket::SocketKind;
use crate::domain::Timestamp;
use crate::venue::sim::exchange::Drill;

/// Something to be done at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Deed {
    /// End sockets, with this close code or without a word.
    Close(Sockets, Option<u16>),
    /// Neither read from sockets nor write to them any more.
    HalfOpen(Sockets),
    /// End the sockets that are half-open.
    EndHalfOpen,
    /// Send what was held back for shuffling.
    Unshuffle,
    /// Send a frame that no venue should send.
    Frame(Sockets, Shape, usize, String),
    /// A drill of the venue.
    Drill(Drill),
}

/// What happens to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PushFate {
    /// How often it is sent.
    pub(super) copies: u8,
    /// Whether the socket ends instead.
    pub(super) closes: bool,
    /// How late it is.
    pub(super) delay: Duration,
    /// Pushes that are shuffled at a time, and the seed.
    pub(super) shuffle: Option<(usize, u64)>,
}

impl PushFate {
    const PLAIN: Self = Self {
        copies: 1,
        closes: false,
        delay: Duration::ZERO,
        shuffle: None,
    };
}

/// How a connection is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It just ends.
    Ends,
    /// With this HTTP status.
    Status(u16),
}

/// A fault in force.
#[derive(Debug)]
struct Live {
    act: Act,
    until: Option<Timestamp>,
    seen: u64,
    hits: u64,
}

impl Live {
    /// Counts one more candidate; whether it is hit by a fault that hits `times` from `nth` on.
    fn hit(&mut self, nth: u64, times: u64) -> bool {
        self.seen += 1;
        let is_hit = nth <= self.seen && (times == 0 || self.seen < nth.saturating_add(times));
        self.hits += u64::from(is_hit);
        is_hit
    }
}

/// All faults of a server.
#[derive(Debug, Default)]
pub(super) struct Faults {
    waiting: Vec<Fault>,
    live: Vec<Live>,
    chaos: Option<Chaos>,
    n_of: BTreeMap<String, u64>,
    hits: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Faults of a script; those without a beginning are in force at the first tick.
    pub(super) fn new(script: Script) -> Self {
        Self {
            waiting: script.faults,
            chaos: script.chaos,
            ..Self::default()
        }
    }

    /// How many times each kind has done something.
    pub(super) const fn hits(&self) -> &BTreeMap<&'static str, u64> {
        &self.hits
    }

    /// Adds a fault, which begins now or waits.
    pub(super) fn add(&mut self, fault: Fault, now: Timestamp) -> Vec<Deed> {
        if fault.when.at_ms.is_none() && fault.when.after_requests.is_none() {
            self.begin(fault, now)
        } else {
            self.waiting.push(fault);
            Vec::new()
        }
    }

    /// Begins what is due and ends what is over. `elapsed_ms` counts from the start.
    pub(super) fn tick(&mut self, now: Timestamp, elapsed_ms: i64, n_requests: u64) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if self.waiting.is_empty() && self.live.is_empty() {
            return deeds;
        }
        let elapsed = u64::try_from(elapsed_ms).unwrap_or(0);
        let (due, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|fault| {
                fault.when.at_ms.is_none_or(|at| at <= elapsed)
                    && fault.when.after_requests.is_none_or(|n| n <= n_requests)
            });
        self.waiting = waiting;
        let due: Vec<Fault> = due;
        for fault in due {
            deeds.extend(self.begin(fault, now));
        }
        let is_over = |live: &Live| live.until.is_some_and(|until| until <= now);
        for live in self.live.iter().filter(|live| is_over(live)) {
            deeds.extend(end_of(&live.act));
        }
        self.live.retain(|live| !is_over(live));
        deeds
    }

    fn begin(&mut self, fault: Fault, now: Timestamp) -> Vec<Deed> {
        let until = fault
            .when
            .for_ms
            .map(|ms| now.plus_millis(i64::try_from(ms).unwrap_or(i64::MAX)));
        let act = fault.act;
        let deed = match &act {
            Act::Socket(sockets, SocketAct::Close { code }) => Deed::Close(*sockets, *code),
            Act::Socket(sockets, SocketAct::Frame { shape, bytes, text }) => {
                Deed::Frame(*sockets, *shape, *bytes, text.clone())
            }
            Act::Server(ServerAct::Drill { drill }) => Deed::Drill(drill.clone()),
            Act::Server(ServerAct::Heal {}) => {
                self.waiting.clear();
                self.chaos = None;
                let over = std::mem::take(&mut self.live);
                return over.iter().filter_map(|live| end_of(&live.act)).collect();
            }
            Act::Socket(sockets, SocketAct::HalfOpen {}) => {
                let deed = Deed::HalfOpen(*sockets);
                self.hold(act, until);
                return vec![deed];
            }
            Act::Server(ServerAct::Offline {}) => {
                self.hold(act, until);
                return vec![Deed::Close(Sockets::All, None)];
            }
            _ => {
                self.hold(act, until);
                return Vec::new();
            }
        };
        self.count(act.name());
        vec![deed]
    }

    fn hold(&mut self, act: Act, until: Option<Timestamp>) {
        if let Act::Socket(_, SocketAct::HalfOpen {}) | Act::Server(ServerAct::Offline {}) = act {
            self.count(act.name());
        }
        self.live.push(Live {
            act,
            until,
            seen: 0,
            hits: 0,
        });
    }

    fn count(&mut self, name: &'static str) {
        *self.hits.entry(name).or_default() += 1;
    }

    /// Whether nothing is answered at all.
    pub(super) fn is_offline(&self) -> bool {
        self.live
            .iter()
            .any(|live| matches!(live.act, Act::Server(ServerAct::Offline {})))
    }

    /// Why REST requests are answered 403, if they are.
    pub(super) fn ban(&mut self) -> Option<BanReason> {
        let reason = self.live.iter().find_map(|live| match live.act {
            Act::Server(ServerAct::Ban { reason }) => Some(reason),
            _ => None,
        })?;
        self.count("ban");
        Some(reason)
    }

    /// What happens to the next request of this path. Every fault counts it; the first one whose
    /// turn it is hits.
    pub(super) fn request(&mut self, path: &str) -> Option<RequestAct> {
        let mut found = None;
        for live in &mut self.live {
            let Act::Request(pick, act) = &live.act else {
                continue;
            };
            if !matches(&pick.path, path) {
                continue;
            }
            let (nth, times, act) = (pick.nth, pick.times, act.clone());
            if live.hit(nth, times) && found.is_none() {
                found = Some(act);
            }
        }
        if found.is_none()
            && let Some(chaos) = &self.chaos
        {
            let n = self.n_of.entry(path.to_owned()).or_default();
            found = chaos.request(path, *n);
            *n += 1;
        }
        if let Some(act) = &found {
            self.count(act.name());
        }
        found
    }

    /// What happens to the next push of this topic on a socket of this kind.
    pub(super) fn push(&mut self, kind: SocketKind, topic: &str) -> PushFate {
        let mut fate = PushFate::PLAIN;
        if self.live.is_empty() && self.chaos.is_none() {
            return fate;
        }
        let mut named = Vec::new();
        for live in &mut self.live {
            let Act::Socket(sockets, act) = &live.act else {
                continue;
            };
            if !sockets.has(kind) {
                continue;
            }
            match act.clone() {
                SocketAct::Mute { topic: pattern } if matches(&pattern, topic) => {
                    fate.copies = 0;
                    named.push("mute");
                }
                SocketAct::DropPushes {
                    topic: pattern,
                    nth,
                    times,
                } if matches(&pattern, topic) && live.hit(nth, times) => {
                    fate.copies = 0;
                    named.push("drop-pushes");
                }
                SocketAct::DuplicatePushes { p, seed } => {
                    live.seen += 1;
                    if fate.copies == 1 && draw(seed, topic, live.seen) < p {
                        fate.copies = 2;
                        named.push("duplicate-pushes");
                    }
                }
                SocketAct::DelayPushes { ms } => {
                    fate.delay = fate.delay.max(Duration::from_millis(ms));
                    named.push("delay-pushes");
                }
                SocketAct::ReorderPushes { window, seed } => fate.shuffle = Some((window, seed)),
                _ => {}
            }
        }
        if let Some(chaos) = &self.chaos
            && fate.copies == 1
        {
            let n = self.n_of.entry(topic.to_owned()).or_default();
            match chaos.push(topic, *n) {
                PushChance::Sent => {}
                PushChance::Dropped => {
                    fate.copies = 0;
                    named.push("drop-pushes");
                }
                PushChance::Doubled => {
                    fate.copies = 2;
                    named.push("duplicate-pushes");
                }
                PushChance::Closed => {
                    fate.closes = true;
                    named.push("close");
                }
            }
            *n += 1;
        }
        for name in named {
            self.count(name);
        }
        fate
    }

    /// How a new socket of this kind is refused, if it is.
    pub(super) fn connect(&mut self, kind: SocketKind) -> Option<Refusal> {
        if self.is_offline() {
            return Some(Refusal::Ends);
        }
        let mut found = None;
        for live in &mut self.live {
            let Act::Socket(sockets, SocketAct::RefuseConnects { status, times }) = live.act else {
                continue;
            };
            if found.is_none() && sockets.has(kind) && live.hit(1, times) {
                found = Some(status.map_or(Refusal::Ends, Refusal::Status));
            }
        }
        if found.is_some() {
            self.count("refuse-connects");
        }
        found
    }

    /// Whether a socket of this kind ends right after its authentication.
    pub(super) fn ends_after_auth(&mut self, kind: SocketKind) -> bool {
        let mut ends = false;
        for live in &mut self.live {
            let Act::Socket(sockets, SocketAct::CloseAfterAuth { times }) = live.act else {
                continue;
            };
            ends |= sockets.has(kind) && live.hit(1, times);
        }
        if ends {
            self.count("close-after-auth");
        }
        ends
    }
}

/// What has to be done when a fault is over.
const fn end_of(act: &Act) -> Option<Deed> {
    match act {
        Act::Socket(_, SocketAct::HalfOpen {}) => Some(Deed::EndHalfOpen),
        Act::Socket(_, SocketAct::ReorderPushes { .. }) => Some(Deed::Unshuffle),
        _ => None,
    }
}

#[cfg(test)]
#[path = "force_tests.rs"]
mod tests;
