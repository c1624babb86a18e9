//! Public topics of one category over few connections.
//!
//! Topics fill one connection after the other, bounded by their number and the length of their
//! names. Connections are not given back when they run empty: the venue asks not to cycle them.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::connection::{self, SocketOptions};
use super::event::{Sink, SocketEvent};
use super::mailbox::SocketHandle;
use super::topics::{SubscribeError, Topic};

/// An event and the connection that it happened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardEvent {
    /// Number of the connection, from 0.
    pub shard: usize,
    /// What happened on it.
    pub event: SocketEvent,
}

/// How topics are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardLimits {
    /// Topics of one connection.
    pub topics_per_shard: usize,
    /// Connections at most.
    pub max_shards: usize,
}

impl Default for ShardLimits {
    fn default() -> Self {
        Self {
            topics_per_shard: 100,
            max_shards: 10,
        }
    }
}

/// Public topics of one category and the connections that carry them.
pub struct PublicSockets {
    options: SocketOptions,
    limits: ShardLimits,
    sender: mpsc::Sender<(usize, SocketEvent)>,
    shards: Vec<Shard>,
    /// Connection of each topic.
    places: BTreeMap<String, usize>,
}

struct Shard {
    handle: SocketHandle,
    task: JoinHandle<()>,
    n_topics: usize,
    n_chars: usize,
}

/// Events of all connections, merged. Those of one connection keep their order.
pub struct ShardEvents {
    receiver: mpsc::Receiver<(usize, SocketEvent)>,
}

impl ShardEvents {
    /// The next event; `None` once all connections were closed. May be dropped without loss.
    pub async fn recv(&mut self) -> Option<ShardEvent> {
        let (shard, event) = self.receiver.recv().await?;
        Some(ShardEvent { shard, event })
    }
}

impl PublicSockets {
    /// Prepares connections like `options`, whose own topics are added first. They are opened on
    /// the current runtime as topics need them.
    ///
    /// # Errors
    /// As [`PublicSockets::subscribe`].
    pub fn open(
        mut options: SocketOptions,
        limits: ShardLimits,
    ) -> Result<(Self, ShardEvents), SubscribeError> {
        let (sender, receiver) = mpsc::channel(options.capacity.max(1));
        let topics = std::mem::take(&mut options.topics);
        let mut sockets = Self {
            options,
            limits,
            sender,
            shards: Vec::new(),
            places: BTreeMap::new(),
        };
        sockets.subscribe(topics)?;
        Ok((sockets, ShardEvents { receiver }))
    }

    /// Adds topics, or changes what is expected of topics that are there already.
    ///
    /// # Errors
    /// [`SubscribeError`] at the first topic that fits nowhere; those before it are added.
    pub fn subscribe(
        &mut self,
        topics: impl IntoIterator<Item = Topic>,
    ) -> Result<(), SubscribeError> {
        let mut added: BTreeMap<usize, Vec<Topic>> = BTreeMap::new();
        let mut outcome = Ok(());
        for topic in topics {
            match self.place(&topic) {
                Ok(shard) => added.entry(shard).or_default().push(topic),
                Err(e) => {
                    outcome = Err(e);
                    break;
                }
            }
        }
        for (shard, topics) in added {
            self.shards[shard].handle.subscribe(topics)?;
        }
        outcome
    }

    /// Removes topics; unknown ones are ignored.
    pub fn unsubscribe<S: AsRef<str>>(&mut self, names: impl IntoIterator<Item = S>) {
        let mut removed: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for name in names {
            let name = name.as_ref();
            if let Some(shard) = self.places.remove(name) {
                let load = &mut self.shards[shard];
                load.n_topics -= 1;
                load.n_chars -= Topic::quiet(name).n_chars();
                removed.entry(shard).or_default().push(name.to_owned());
            }
        }
        for (shard, names) in removed {
            self.shards[shard].handle.unsubscribe(names);
        }
    }

    /// Leaves a topic and enters it again, for a new snapshot. Unknown topics are ignored.
    pub fn resubscribe(&self, name: &str) {
        if let Some(shard) = self.shard_of(name) {
            self.shards[shard].handle.resubscribe(name);
        }
    }

    /// Gives up one connection and makes a new one after the usual wait.
    pub fn reconnect(&self, shard: usize) {
        if let Some(shard) = self.shards.get(shard) {
            shard.handle.reconnect();
        }
    }

    /// Connection that carries a topic.
    #[must_use]
    pub fn shard_of(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Connections there are.
    #[must_use]
    pub const fn n_shards(&self) -> usize {
        self.shards.len()
    }

    /// Closes all connections and waits for their tasks.
    pub async fn close(self) {
        for shard in &self.shards {
            shard.handle.close();
        }
        for shard in self.shards {
            if let Err(error) = shard.task.await {
                tracing::error!(%error, "socket task failed");
            }
        }
    }

    /// Finds the connection for a topic, opening one if none has room.
    fn place(&mut self, topic: &Topic) -> Result<usize, SubscribeError> {
        if let Some(shard) = self.shard_of(topic.name()) {
            return Ok(shard);
        }
        let limit = self.options.limits.args_chars;
        let n_chars = topic.n_chars();
        if n_chars > limit {
            return Err(SubscribeError::ConnectionFull { n_chars, limit });
        }
        let per_shard = self.limits.topics_per_shard.max(1);
        let has_room =
            |shard: &Shard| shard.n_topics < per_shard && shard.n_chars + n_chars <= limit;
        let place = match self.shards.iter().position(has_room) {
            Some(place) => place,
            None if self.shards.len() < self.limits.max_shards => self.add_shard()?,
            None => {
                return Err(SubscribeError::ShardsFull {
                    n_topics: self.places.len() + 1,
                    n_shards: self.limits.max_shards,
                    per_shard,
                });
            }
        };
        let shard = &mut self.shards[place];
        shard.n_topics += 1;
        shard.n_chars += n_chars;
        self.places.insert(topic.name().to_owned(), place);
        Ok(place)
    }

    fn add_shard(&mut self) -> Result<usize, SubscribeError> {
        let place = self.shards.len();
        let sink = Sink {
            sender: self.sender.clone(),
            shard: place,
        };
        let (handle, task) = connection::start(self.options.clone(), sink)?;
        self.shards.push(Shard {
            handle,
            task,
            n_topics: 0,
            n_chars: 0,
        });
        Ok(place)
    }
}
