//! Which topics are asked for, confirmed, leaving or refused on one connection, and how long
//! each has been silent.
//!
//! Pure: it is told what happened and when, and answers with requests to write, topics to report
//! or the reason to give the connection up.

mod answers;
mod liveness;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::backoff::{Backoff, RandomSource};
use super::control::{self, Op};
use super::pace::backoff_of;
use super::timing::Timing;
use super::topics::{RequestLimits, Topic};

/// Requests written in one go; the rest follows at the next look.
const MAX_REQUESTS: usize = 20;

/// A topic that the venue does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) topic: String,
    pub(super) message: String,
}

/// Topics of one connection. They outlive it: [`Subscriptions::begin`] starts over.
pub(super) struct Subscriptions {
    limits: RequestLimits,
    timing: Timing,
    random: RandomSource,
    entries: BTreeMap<String, Entry>,
    /// Topics that were left on this connection.
    leaving: BTreeMap<String, Leaving>,
    /// Requests without an answer, by number.
    requests: BTreeMap<u64, Request>,
    /// Numbers are never used twice, not even on another connection.
    n_requests: u64,
    live_since: Option<Instant>,
    last_data: Option<Instant>,
}

struct Entry {
    topic: Topic,
    state: State,
    /// Whether the venue may know the topic on this connection.
    was_asked: bool,
    last_frame: Option<Instant>,
    is_reported: bool,
    /// Times that the topic was confirmed but sent nothing.
    n_mute: u32,
    /// Whether the connection was given up for it since its last frame.
    cost_connection: bool,
    retry: Backoff,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting { due: Instant, manner: Manner },
    Asked { request: u64 },
    Live { since: Instant },
    Refused,
}

/// How a topic is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Together,
    /// In a request of its own, because a common one failed.
    Alone,
}

enum Leaving {
    Waiting {
        due: Instant,
        manner: Manner,
        retry: Backoff,
    },
    Asked {
        request: u64,
        retry: Backoff,
    },
    Left,
}

struct Request {
    op: Op,
    names: Vec<String>,
    sent: Instant,
}

impl Subscriptions {
    pub(super) fn new(limits: RequestLimits, timing: &Timing, random: RandomSource) -> Self {
        Self {
            limits,
            timing: *timing,
            random,
            entries: BTreeMap::new(),
            leaving: BTreeMap::new(),
            requests: BTreeMap::new(),
            n_requests: 0,
            live_since: None,
            last_data: None,
        }
    }

    /// Starts over on a new connection: everything is to be asked for again.
    pub(super) fn begin(&mut self, now: Instant) {
        self.leaving.clear();
        self.requests.clear();
        self.live_since = None;
        self.last_data = None;
        for entry in self.entries.values_mut() {
            if entry.state != State::Refused {
                entry.state = State::Waiting {
                    due: now,
                    manner: Manner::Together,
                };
            }
            entry.was_asked = false;
            entry.last_frame = None;
            entry.is_reported = false;
            entry.n_mute = 0;
            entry.retry.reset();
        }
    }

    /// Takes over what is wanted from now on.
    pub(super) fn want(&mut self, wanted: BTreeMap<String, Topic>, now: Instant) {
        let timing = self.timing;
        let gone: Vec<String> = self
            .entries
            .keys()
            .filter(|name| !wanted.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            let may_be_known = |e: Entry| e.was_asked && e.state != State::Refused;
            if self.entries.remove(&name).is_some_and(may_be_known) {
                self.leave(name, now);
            }
        }
        for (name, topic) in wanted {
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.topic = topic;
            } else {
                // A topic that failed to be left has to be left first, but not after a wait.
                if let Some(Leaving::Waiting { due, .. }) = self.leaving.get_mut(&name) {
                    *due = now;
                }
                self.entries.insert(name, Entry::new(topic, &timing, now));
            }
        }
    }

    /// Leaves a topic and enters it again.
    pub(super) fn ask_again(&mut self, name: &str, due: Instant) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.state = State::Waiting {
            due,
            manner: Manner::Alone,
        };
        entry.last_frame = None;
        if entry.was_asked {
            self.leave(name.to_owned(), due);
        }
    }

    fn leave(&mut self, name: String, due: Instant) {
        let retry = backoff_of(&self.timing);
        let waiting = Leaving::Waiting {
            due,
            manner: Manner::Together,
            retry,
        };
        self.leaving.insert(name, waiting);
    }

    /// Requests to write now, in this order.
    pub(super) fn due(&mut self, now: Instant) -> Vec<String> {
        let at_once = self.limits.args_per_request.max(1);
        let leaving = self.leaving.iter().filter_map(|(name, state)| match state {
            Leaving::Waiting { due, manner, .. } if *due <= now => Some((name, *manner)),
            _ => None,
        });
        let leaving = chunks(leaving, at_once);
        let mut requests: Vec<String> = Vec::new();
        for names in leaving.iter().take(MAX_REQUESTS) {
            requests.push(self.ask(Op::Unsubscribe, names, now));
        }
        let entering = self
            .entries
            .iter()
            .filter_map(|(name, entry)| match entry.state {
                State::Waiting { due, manner } if due <= now => Some((name, manner)),
                _ => None,
            })
            // A topic is left before it is entered again.
            .filter(|(name, _)| !matches!(self.leaving.get(*name), Some(Leaving::Waiting { .. })));
        for names in chunks(entering, at_once) {
            if requests.len() >= MAX_REQUESTS {
                break;
            }
            requests.push(self.ask(Op::Subscribe, &names, now));
        }
        requests
    }

    fn ask(&mut self, op: Op, names: &[String], now: Instant) -> String {
        self.n_requests += 1;
        let request = self.n_requests;
        for name in names {
            if op == Op::Subscribe {
                let entry = self
                    .entries
                    .get_mut(name)
                    .expect("only wanted topics are asked for");
                entry.state = State::Asked { request };
                entry.was_asked = true;
            } else if let Some(Leaving::Waiting { retry, .. }) = self.leaving.remove(name) {
                let asked = Leaving::Asked { request, retry };
                self.leaving.insert(name.clone(), asked);
            }
        }
        let pending = Request {
            op,
            names: names.to_vec(),
            sent: now,
        };
        self.requests.insert(request, pending);
        control::request(op, &format!("s{request}"), names)
    }

    /// Whether every topic wanted is confirmed or refused for good.
    pub(super) fn is_settled(&self) -> bool {
        self.entries
            .values()
            .all(|entry| matches!(entry.state, State::Live { .. } | State::Refused))
    }

    /// Takes note of a frame of `topic`.
    pub(super) fn on_data(&mut self, topic: &str, now: Instant) {
        self.last_data = Some(now);
        let leaving = self.leaving.get(topic);
        if let Some(entry) = self.entries.get_mut(topic) {
            // While it is being left this is the tail of the old subscription.
            if !matches!(
                leaving,
                Some(Leaving::Waiting { .. } | Leaving::Asked { .. })
            ) {
                entry.on_frame(now);
            }
        } else if matches!(leaving, Some(Leaving::Left)) {
            // It was left and still speaks: leave it again.
            self.leave(topic.to_owned(), now);
        }
    }
}

impl Entry {
    fn new(topic: Topic, timing: &Timing, now: Instant) -> Self {
        Self {
            topic,
            state: State::Waiting {
                due: now,
                manner: Manner::Together,
            },
            was_asked: false,
            last_frame: None,
            is_reported: false,
            n_mute: 0,
            cost_connection: false,
            retry: backoff_of(timing),
        }
    }

    fn on_frame(&mut self, now: Instant) {
        self.last_frame = Some(now);
        self.is_reported = false;
        self.n_mute = 0;
        self.cost_connection = false;
        if self.state == State::Refused {
            self.state = State::Live { since: now };
        }
    }
}

/// Topics in the portions in which they are asked for.
fn chunks<'a>(
    topics: impl Iterator<Item = (&'a String, Manner)>,
    at_once: usize,
) -> Vec<Vec<String>> {
    let (together, alone): (Vec<_>, Vec<_>) =
        topics.partition(|(_, manner)| *manner == Manner::Together);
    together
        .chunks(at_once)
        .chain(alone.chunks(1))
        .map(|topics| topics.iter().map(|(name, _)| (*name).clone()).collect())
        .collect()
}
