//! What is wanted of a connection, shared between its handle and its task.
//!
//! Wishes are a state and not a queue: they never wait, never fill up, and a topic that was
//! added and removed again in between is no work at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::topics::{RequestLimits, SubscribeError, Topic};

/// Says what a connection shall do. Calls return at once; clones speak to the same connection.
#[derive(Clone)]
pub struct SocketHandle {
    pub(super) mailbox: Arc<Mailbox>,
}

impl SocketHandle {
    /// Adds topics, or changes what is expected of topics that are there already.
    ///
    /// # Errors
    /// [`SubscribeError`] if they do not all fit on this connection; then none is added.
    pub fn subscribe(&self, topics: impl IntoIterator<Item = Topic>) -> Result<(), SubscribeError> {
        let mut wishes = self.mailbox.lock();
        let mut wanted = wishes.topics.clone();
        wanted.extend(
            topics
                .into_iter()
                .map(|topic| (topic.name().to_owned(), topic)),
        );
        let n_chars: usize = wanted.values().map(Topic::n_chars).sum();
        let limit = self.mailbox.limits.args_chars;
        if n_chars > limit {
            return Err(SubscribeError::ConnectionFull { n_chars, limit });
        }
        wishes.topics = wanted;
        self.mailbox.post(wishes);
        Ok(())
    }

    /// Removes topics. Frames of them may still come until the venue has confirmed.
    pub fn unsubscribe<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) {
        let mut wishes = self.mailbox.lock();
        for name in names {
            wishes.topics.remove(name.as_ref());
        }
        self.mailbox.post(wishes);
    }

    /// Leaves a topic and enters it again, for a new snapshot. Unknown topics are ignored.
    pub fn resubscribe(&self, name: &str) {
        let mut wishes = self.mailbox.lock();
        if wishes.topics.contains_key(name) {
            wishes.resubscribe.insert(name.to_owned());
        }
        self.mailbox.post(wishes);
    }

    /// Gives up the connection, if there is one, and makes a new one after the usual wait.
    pub fn reconnect(&self) {
        let mut wishes = self.mailbox.lock();
        wishes.reconnect = true;
        self.mailbox.post(wishes);
    }

    /// Ends the connection for good. Its events end, too.
    pub fn close(&self) {
        let mut wishes = self.mailbox.lock();
        wishes.close = true;
        self.mailbox.post(wishes);
    }

    /// Names of the topics wanted, sorted.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        self.mailbox.lock().topics.keys().cloned().collect()
    }
}

/// Wishes as they stand.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) resubscribe: BTreeSet<String>,
    pub(super) reconnect: bool,
    close: bool,
}

/// Wishes and the bell that tells of new ones.
pub(super) struct Mailbox {
    limits: RequestLimits,
    /// Never held across an await.
    wishes: Mutex<Wishes>,
    is_new: AtomicBool,
    bell: Notify,
}

impl Mailbox {
    pub(super) fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            wishes: Mutex::default(),
            is_new: AtomicBool::new(false),
            bell: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, wishes: MutexGuard<'_, Wishes>) {
        drop(wishes);
        self.is_new.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// Waits for the bell. It may ring without anything new.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Waits until the connection shall end for good.
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.rung().await;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().close
    }

    /// What is wanted, if that changed since the last look. One-time wishes are taken out.
    pub(super) fn take(&self) -> Option<Wishes> {
        if !self.is_new.swap(false, Ordering::AcqRel) {
            return None;
        }
        let mut wishes = self.lock();
        Some(Wishes {
            topics: wishes.topics.clone(),
            resubscribe: std::mem::take(&mut wishes.resubscribe),
            reconnect: std::mem::take(&mut wishes.reconnect),
            close: wishes.close,
        })
    }

    /// Drops one-time wishes that a new connection fulfils by itself.
    pub(super) fn forget_one_time(&self) {
        let mut wishes = self.lock();
        wishes.reconnect = false;
        wishes.resubscribe.clear();
        self.post(wishes);
    }
}
