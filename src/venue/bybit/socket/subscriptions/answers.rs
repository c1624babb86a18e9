//! Answers to requests about topics.

use tokio::time::Instant;

use super::super::cause::shown;
use super::super::control::Op;
use super::{Leaving, Manner, Refusal, Request, State, Subscriptions};

impl Subscriptions {
    /// Takes an answer. Returns the topics that the venue does not have.
    pub(in super::super) fn on_ack(
        &mut self,
        req_id: Option<&str>,
        is_ok: bool,
        message: &str,
        now: Instant,
    ) -> Vec<Refusal> {
        let number = req_id
            .and_then(|id| id.strip_prefix('s'))
            .and_then(|digits| digits.parse().ok());
        let request = match number {
            Some(number) => self.requests.remove_entry(&number),
            None if is_ok => None,
            // Some refusals do not say which request they are about.
            None => self.unnamed(message),
        };
        let Some((number, request)) = request else {
            tracing::debug!(
                ?req_id,
                is_ok,
                message = shown(message),
                "answer to nothing"
            );
            return Vec::new();
        };
        match (request.op, is_ok) {
            (Op::Subscribe, true) => self.confirm(number, &request.names, now),
            (Op::Subscribe, false) => return self.refuse(number, &request.names, message, now),
            (Op::Unsubscribe, _) => self.left(number, &request.names, is_ok, message, now),
        }
        Vec::new()
    }

    /// The request that a refusal without an id is most likely about.
    fn unnamed(&mut self, message: &str) -> Option<(u64, Request)> {
        let number = if let Some(limit) = args_limit(message) {
            self.requests
                .iter()
                .find(|(_, request)| request.names.len() > limit)
                .map(|(number, _)| *number)
        } else if let Some(topic) = topic_of(message) {
            self.requests
                .iter()
                .find(|(_, request)| request.names.iter().any(|name| name == topic))
                .map(|(number, _)| *number)
        } else if self.requests.len() == 1 {
            self.requests.keys().next().copied()
        } else {
            None
        };
        self.requests.remove_entry(&number?)
    }

    fn confirm(&mut self, request: u64, names: &[String], now: Instant) {
        for name in names {
            if let Some(entry) = self.entries.get_mut(name)
                && entry.state == (State::Asked { request })
            {
                entry.state = State::Live { since: now };
                self.live_since.get_or_insert(now);
            }
        }
    }

    fn refuse(
        &mut self,
        request: u64,
        names: &[String],
        message: &str,
        now: Instant,
    ) -> Vec<Refusal> {
        let mentioned = topic_of(message).map(str::to_owned);
        let (is_there, is_unknown) = (
            message.contains("already subscribed"),
            message.contains("handler not found"),
        );
        if let Some(limit) = args_limit(message)
            && names.len() > limit
        {
            self.limits.args_per_request = self.limits.args_per_request.min(limit.max(1));
            self.requeue(request, names, now, Manner::Together);
            return Vec::new();
        }
        // One bad topic fails the whole request: which one is only sure if it is named or alone.
        let guilty = match mentioned {
            Some(topic) if names.contains(&topic) => Some(topic),
            _ if names.len() == 1 => names.first().cloned(),
            _ => None,
        };
        if !is_there && !is_unknown {
            tracing::warn!(topics = ?names, message = shown(message), "subscription failed");
            self.retry_later(request, names, now);
            return Vec::new();
        }
        let refusals = match guilty.as_deref() {
            Some(topic) if is_there => {
                self.confirm(request, &[topic.to_owned()], now);
                Vec::new()
            }
            Some(topic) => self.refuse_for_good(request, topic, message),
            None => Vec::new(),
        };
        // With the bad topic out the others may go together again.
        let manner = if is_unknown && guilty.is_some() {
            Manner::Together
        } else {
            Manner::Alone
        };
        self.requeue(request, names, now, manner);
        refusals
    }

    fn refuse_for_good(&mut self, request: u64, topic: &str, message: &str) -> Vec<Refusal> {
        match self.entries.get_mut(topic) {
            Some(entry) if entry.state == (State::Asked { request }) => {
                entry.state = State::Refused;
                vec![Refusal {
                    topic: topic.to_owned(),
                    message: shown(message),
                }]
            }
            _ => Vec::new(),
        }
    }

    /// Asks at once for the topics of a failed request.
    fn requeue(&mut self, request: u64, names: &[String], now: Instant, manner: Manner) {
        for name in names {
            if let Some(entry) = self.entries.get_mut(name)
                && entry.state == (State::Asked { request })
            {
                entry.state = State::Waiting { due: now, manner };
            }
        }
    }

    /// Asks one by one, after a growing wait, for the topics of a failed request.
    fn retry_later(&mut self, request: u64, names: &[String], now: Instant) {
        for name in names {
            if let Some(entry) = self.entries.get_mut(name)
                && entry.state == (State::Asked { request })
            {
                let due = now + entry.retry.delay((self.random)());
                entry.state = State::Waiting {
                    due,
                    manner: Manner::Alone,
                };
            }
        }
    }

    fn left(&mut self, request: u64, names: &[String], is_ok: bool, message: &str, now: Instant) {
        // Not being subscribed is what was asked for, but a refusal is about the whole request.
        let was_not_there = message.contains("not subscribed") || message.contains("not found");
        let is_left = is_ok || (was_not_there && names.len() == 1);
        if let Some(limit) = args_limit(message) {
            self.limits.args_per_request = self.limits.args_per_request.min(limit.max(1));
        }
        for name in names {
            let Some(Leaving::Asked { request: of, retry }) = self.leaving.get_mut(name) else {
                continue;
            };
            if *of != request {
                continue;
            }
            if is_left {
                self.leaving.insert(name.clone(), Leaving::Left);
            } else if self.entries.contains_key(name) {
                // A topic that is wanted again needs no leaving.
                self.leaving.remove(name);
            } else {
                let waiting = Leaving::Waiting {
                    due: now + retry.delay((self.random)()),
                    manner: Manner::Alone,
                    retry: retry.clone(),
                };
                self.leaving.insert(name.clone(), waiting);
            }
        }
    }
}

/// Topic that a refusal names, as in `error:handler not found,topic:orderbook.9.X`.
fn topic_of(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("topic:")?;
    let end = rest
        .find(|c: char| c == ',' || c.is_whitespace())
        .unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Bound that a refusal names, as in `args size >10`.
fn args_limit(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("args size >")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}
