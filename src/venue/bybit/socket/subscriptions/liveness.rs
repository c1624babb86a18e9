//! How long topics have been silent, and what follows from it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::super::cause::DownCause;
use super::{Request, State, Subscriptions};

impl Subscriptions {
    /// Looks at every deadline. Returns topics that are silent and were not reported yet.
    ///
    /// Only to be asked when there is nothing left to read.
    pub(in super::super) fn check(&mut self, now: Instant) -> Result<Vec<String>, DownCause> {
        let age = |since: Instant| now.saturating_duration_since(since);
        let is_late = |request: &Request| age(request.sent) >= self.timing.ack;
        if self.requests.values().any(is_late) {
            return Err(DownCause::AckTimeout(self.timing.ack));
        }
        self.check_all(now)?;
        let mut silent = Vec::new();
        let mut mute = BTreeSet::new();
        for (name, entry) in &mut self.entries {
            let State::Live { since } = entry.state else {
                continue;
            };
            let is_mute = entry.topic.has_snapshot()
                && entry.last_frame.is_none()
                && age(since) >= self.timing.first_message;
            let is_stale = entry
                .topic
                .silence_limit()
                .is_some_and(|limit| age(entry.last_frame.unwrap_or(since)) >= limit);
            if (is_mute || is_stale) && !entry.is_reported {
                entry.is_reported = true;
                silent.push(name.clone());
            }
            if is_mute {
                mute.insert(name.clone());
            }
        }
        for name in mute {
            self.wake(&name, now)?;
        }
        Ok(silent)
    }

    /// Ends a connection whose topics are all silent, if one of them is known to speak.
    fn check_all(&self, now: Instant) -> Result<(), DownCause> {
        let Some(base) = self.last_data.max(self.live_since) else {
            return Ok(());
        };
        let silence: Duration = now.saturating_duration_since(base);
        let has_speaker = self.entries.values().any(|entry| {
            entry.topic.silence_limit().is_some() && matches!(entry.state, State::Live { .. })
        });
        if has_speaker && silence >= self.timing.all_silent {
            return Err(DownCause::TopicsSilent(silence));
        }
        Ok(())
    }

    /// Does what there is to do about a topic that was confirmed but sent nothing.
    ///
    /// It is asked for again; if that does not help, the connection is given up, but only once:
    /// one topic without life must not cost all others their connection again and again.
    fn wake(&mut self, name: &str, now: Instant) -> Result<(), DownCause> {
        let Some(entry) = self.entries.get_mut(name) else {
            return Ok(());
        };
        entry.n_mute += 1;
        let due = if entry.n_mute == 1 {
            now
        } else if entry.cost_connection {
            now + entry.retry.delay((self.random)())
        } else {
            entry.cost_connection = true;
            return Err(DownCause::NoFirstMessage(name.to_owned()));
        };
        self.ask_again(name, due);
        Ok(())
    }
}
