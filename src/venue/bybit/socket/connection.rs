//! One supervised connection: dial, log in, subscribe, read, and start again when it ends.
//!
//! ```text
//! wait -> Connecting -> handshake -> [auth] -> subscribe -> Up -> frames -> Down -> wait ...
//! ```
//!
//! Events leave through a bounded channel in the order they happened. A reader that is too slow
//! slows the socket down; no frame is ever dropped. Time spent waiting for the reader never
//! counts as silence of the venue.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::backoff::{ConnectBudget, RandomSource};
use super::cause::{DownCause, shown};
use super::connector::Dial;
use super::control::{self, Incoming};
use super::event::{Sink, SocketEvent, SocketEvents};
use super::link::Link;
use super::login::SocketAuth;
use super::mailbox::{Mailbox, SocketHandle};
use super::pace::{Pace, Reached};
use super::subscriptions::Subscriptions;
use super::timing::Timing;
use super::topics::{RequestLimits, SubscribeError, Topic};

/// Events that may wait for their reader.
const CAPACITY: usize = 256;
/// Frames read in a row before deadlines are looked at although more is there to read.
const MAX_IN_A_ROW: u32 = 4_096;

/// Everything a connection needs. Clones share the dialler, the dice and the budget.
#[derive(Clone)]
pub struct SocketOptions {
    /// Opens streams to the address.
    pub dial: Arc<dyn Dial>,
    /// Login, for private sockets.
    pub auth: Option<SocketAuth>,
    /// Topics wanted from the start.
    pub topics: Vec<Topic>,
    /// What fits into a request and a connection.
    pub limits: RequestLimits,
    /// Waits and deadlines.
    pub timing: Timing,
    /// Bound of connects; may be shared among connections.
    pub budget: ConnectBudget,
    /// Dice of the waits.
    pub random: RandomSource,
    /// Events that may wait for their reader.
    pub capacity: usize,
}

impl SocketOptions {
    /// A public socket with the usual timing and a budget of its own.
    #[must_use]
    pub fn public(dial: Arc<dyn Dial>, limits: RequestLimits, random: RandomSource) -> Self {
        Self {
            dial,
            auth: None,
            topics: Vec::new(),
            limits,
            timing: Timing::default(),
            budget: ConnectBudget::default(),
            random,
            capacity: CAPACITY,
        }
    }

    /// A private socket with the usual timing and a budget of its own.
    #[must_use]
    pub fn private(dial: Arc<dyn Dial>, auth: SocketAuth, random: RandomSource) -> Self {
        Self {
            auth: Some(auth),
            ..Self::public(dial, RequestLimits::PRIVATE, random)
        }
    }
}

/// A connection at work: its handle, its events and its task.
pub struct Socket {
    /// Says what the connection shall do.
    pub handle: SocketHandle,
    /// What happens on it. Dropping this ends the connection.
    pub events: SocketEvents,
    /// Ends after [`SocketHandle::close`] or when the events are dropped.
    pub task: JoinHandle<()>,
}

impl Socket {
    /// Starts a connection on the current runtime.
    ///
    /// # Errors
    /// [`SubscribeError`] if the topics do not fit on one connection.
    pub fn open(options: SocketOptions) -> Result<Self, SubscribeError> {
        let (sender, receiver) = mpsc::channel(options.capacity.max(1));
        let (handle, task) = start(options, Sink { sender, shard: 0 })?;
        Ok(Self {
            handle,
            events: SocketEvents { receiver },
            task,
        })
    }
}

/// Starts a connection whose events go to `sink`.
pub(super) fn start(
    options: SocketOptions,
    sink: Sink,
) -> Result<(SocketHandle, JoinHandle<()>), SubscribeError> {
    let mailbox = Arc::new(Mailbox::new(options.limits));
    let handle = SocketHandle {
        mailbox: Arc::clone(&mailbox),
    };
    handle.subscribe(options.topics.iter().cloned())?;
    let (timing, random) = (&options.timing, Arc::clone(&options.random));
    let task = Task {
        mailbox,
        sink,
        subscriptions: Subscriptions::new(options.limits, timing, Arc::clone(&random)),
        pace: Pace::new(timing, options.budget.clone(), random),
        epoch: 0,
        options,
    };
    Ok((handle, tokio::spawn(task.run())))
}

/// Why serving a connection ended.
enum End {
    /// For good.
    Closed,
    /// Until the next try.
    Down(DownCause),
}

impl From<DownCause> for End {
    fn from(cause: DownCause) -> Self {
        Self::Down(cause)
    }
}

/// How far the login and the subscriptions of a connection are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Auth { since: Instant },
    Subscribing,
    Up,
}

/// State of the connection that is open now.
struct Live {
    link: Link,
    phase: Phase,
    /// Next look at what is due.
    next_tick: Instant,
    n_in_a_row: u32,
    /// The reader kept us waiting and what piled up meanwhile has not been read yet.
    is_behind: bool,
    reached: Reached,
}

struct Task {
    options: SocketOptions,
    mailbox: Arc<Mailbox>,
    sink: Sink,
    subscriptions: Subscriptions,
    pace: Pace,
    epoch: u64,
}

impl Task {
    async fn run(mut self) {
        let mut wait = self.pace.first(Instant::now());
        loop {
            let until = Instant::now() + wait;
            if self.unless_closed(sleep_until(until)).await.is_none() {
                return;
            }
            let attempt = self.pace.attempt();
            if self
                .report(SocketEvent::Connecting { attempt })
                .await
                .is_err()
            {
                return;
            }
            let mut reached = Reached::default();
            let End::Down(cause) = self.connection(&mut reached).await else {
                return;
            };
            wait = self.pace.after(&cause, reached, Instant::now());
            tracing::info!(url = self.options.dial.url(), %cause, ?wait, "socket down");
            let down = SocketEvent::Down {
                cause,
                retry_in: wait,
            };
            if self.report(down).await.is_err() {
                return;
            }
        }
    }

    /// Makes one connection and serves it to its end.
    async fn connection(&mut self, reached: &mut Reached) -> End {
        let timing = &self.options.timing;
        let dial = Arc::clone(&self.options.dial);
        let link = match self.unless_closed(Link::open(&*dial, timing)).await {
            None => return End::Closed,
            Some(Err(cause)) => return End::Down(cause),
            Some(Ok(link)) => link,
        };
        let now = Instant::now();
        self.epoch += 1;
        self.subscriptions.begin(now);
        self.mailbox.forget_one_time();
        let mut live = Live {
            link,
            phase: match self.options.auth {
                Some(_) => Phase::Auth { since: now },
                None => Phase::Subscribing,
            },
            next_tick: now,
            n_in_a_row: 0,
            is_behind: false,
            reached: Reached {
                opened: Some(now),
                up: None,
            },
        };
        let end = match self.serve(&mut live).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        *reached = live.reached;
        live.link.close().await;
        end
    }

    async fn serve(&mut self, live: &mut Live) -> Result<std::convert::Infallible, End> {
        // Login first, on every connection: private topics are refused without it.
        if let Some(auth) = &self.options.auth {
            let request = auth.request(self.options.timing.auth_validity);
            live.link.send(request).await?;
        }
        loop {
            self.read_mail(live)?;
            let now = Instant::now();
            if now >= live.next_tick {
                live.next_tick = now + self.options.timing.tick;
                self.write_due(live, now).await?;
            }
            tokio::select! {
                // Wishes are rare and end in bounded work. Reading comes before looking at
                // deadlines, so that what has arrived is never taken for missing.
                biased;
                () = self.sink.sender.closed() => return Err(End::Closed),
                () = self.mailbox.rung() => {}
                received = live.link.next() => {
                    if let Some(text) = received? {
                        self.receive(live, text).await?;
                    }
                    live.n_in_a_row += 1;
                    if live.n_in_a_row >= MAX_IN_A_ROW && !live.is_behind {
                        self.check(live).await?;
                    }
                }
                () = sleep_until(live.next_tick) => self.check(live).await?,
            }
        }
    }

    fn read_mail(&mut self, live: &mut Live) -> Result<(), End> {
        let Some(wishes) = self.mailbox.take() else {
            return Ok(());
        };
        if self.mailbox.is_closed() {
            return Err(End::Closed);
        }
        if wishes.reconnect {
            return Err(End::Down(DownCause::Requested));
        }
        let now = Instant::now();
        self.subscriptions.want(wishes.topics, now);
        for name in &wishes.resubscribe {
            self.subscriptions.ask_again(name, now);
        }
        live.next_tick = now;
        Ok(())
    }

    /// Sends pings and requests that are due, and tells when everything is confirmed.
    async fn write_due(&mut self, live: &mut Live, now: Instant) -> Result<(), End> {
        live.link.ping_if_due(now).await?;
        if matches!(live.phase, Phase::Auth { .. }) {
            return Ok(());
        }
        for request in self.subscriptions.due(now) {
            live.link.send(request).await?;
        }
        if live.phase == Phase::Subscribing && self.subscriptions.is_settled() {
            live.phase = Phase::Up;
            live.reached.up = Some(now);
            let epoch = self.epoch;
            self.emit(live, SocketEvent::Up { epoch }).await?;
        }
        Ok(())
    }

    async fn receive(&mut self, live: &mut Live, text: Utf8Bytes) -> Result<(), End> {
        let now = Instant::now();
        match control::read(&text) {
            Incoming::Pong => {}
            Incoming::Auth {
                is_ok,
                code,
                message,
            } => {
                if !matches!(live.phase, Phase::Auth { .. }) {
                    return Ok(());
                }
                if !is_ok {
                    let message = shown(&message);
                    let refused = SocketEvent::AuthRefused {
                        code,
                        message: message.clone(),
                    };
                    self.emit(live, refused).await?;
                    return Err(End::Down(DownCause::AuthRefused { code, message }));
                }
                live.phase = Phase::Subscribing;
                live.next_tick = now;
            }
            Incoming::Ack {
                req_id,
                is_ok,
                message,
            } => {
                live.next_tick = now;
                let refusals = self
                    .subscriptions
                    .on_ack(req_id.as_deref(), is_ok, &message, now);
                for refusal in refusals {
                    let event = SocketEvent::TopicRefused {
                        topic: refusal.topic,
                        message: refusal.message,
                    };
                    self.emit(live, event).await?;
                }
            }
            Incoming::Data { topic } => {
                if let Some(topic) = topic {
                    self.subscriptions.on_data(&topic, now);
                }
                let epoch = self.epoch;
                self.emit(live, SocketEvent::Frame { epoch, text }).await?;
            }
        }
        Ok(())
    }

    /// Looks at every deadline. There is nothing left to read, or very much.
    async fn check(&mut self, live: &mut Live) -> Result<(), End> {
        live.n_in_a_row = 0;
        live.is_behind = false;
        let now = Instant::now();
        live.link.check_life(now)?;
        if let Phase::Auth { since } = live.phase {
            let limit = self.options.timing.auth;
            if now.saturating_duration_since(since) >= limit {
                return Err(End::Down(DownCause::AuthTimeout(limit)));
            }
            return Ok(());
        }
        for topic in self.subscriptions.check(now)? {
            self.emit(live, SocketEvent::TopicStale { topic }).await?;
        }
        Ok(())
    }

    /// Hands an event out while a connection is open; keeps it alive while the reader is busy.
    async fn emit(&self, live: &mut Live, event: SocketEvent) -> Result<(), End> {
        let tagged = match self.sink.sender.try_send((self.sink.shard, event)) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(End::Closed),
            Err(mpsc::error::TrySendError::Full(tagged)) => tagged,
        };
        live.is_behind = true;
        loop {
            tokio::select! {
                // Room first: waiting for anything else has no use once there is some.
                biased;
                permit = self.sink.sender.reserve() => {
                    permit.map_err(|_| End::Closed)?.send(tagged);
                    return Ok(());
                }
                () = self.mailbox.closed() => return Err(End::Closed),
                () = sleep_until(live.link.next_ping()) => {
                    live.link.ping_if_due(Instant::now()).await?;
                }
            }
        }
    }

    /// Hands an event out while no connection is open.
    async fn report(&self, event: SocketEvent) -> Result<(), End> {
        let sent = self.sink.sender.send((self.sink.shard, event));
        match self.unless_closed(sent).await {
            Some(Ok(())) => Ok(()),
            _ => Err(End::Closed),
        }
    }

    /// Does `work` unless the connection shall end for good.
    async fn unless_closed<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            // The end comes first, or a full channel could hide it.
            biased;
            () = self.mailbox.closed() => None,
            () = self.sink.sender.closed() => None,
            done = work => Some(done),
        }
    }
}
