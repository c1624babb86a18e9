//! The task of the order-entry socket.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::super::cause::{DownCause, shown};
use super::super::control::{self, Incoming};
use super::super::link::Link;
use super::super::pace::{Pace, Reached};
use super::reply::{self, Answer};
use super::{Outgoing, Shared, TradeError, TradeOptions, TradeReply, TradeState};

/// Service restarting: this request was not taken, and no later one will be.
const RESTARTING: i64 = 10_019;

type Waiting = oneshot::Sender<Result<TradeReply, TradeError>>;

struct Task {
    options: TradeOptions,
    queue: mpsc::Receiver<Outgoing>,
    state: watch::Sender<TradeState>,
    shared: Arc<Shared>,
    /// Requests that were written and not answered, by number.
    in_flight: BTreeMap<u64, Waiting>,
    epoch: u64,
}

/// State of the connection that is open now.
struct Live {
    link: Link,
    is_logged_in: bool,
    opened: Instant,
    next_tick: Instant,
    /// Set when the venue restarts: end at this moment, or once nothing is in flight.
    ends_at: Option<Instant>,
}

/// Why serving a connection ended.
enum End {
    Closed,
    Down(DownCause),
}

impl From<DownCause> for End {
    fn from(cause: DownCause) -> Self {
        Self::Down(cause)
    }
}

/// Runs the socket until it is closed or no handle is left.
pub(super) async fn run(
    options: TradeOptions,
    queue: mpsc::Receiver<Outgoing>,
    state: watch::Sender<TradeState>,
    shared: Arc<Shared>,
) {
    let budget = options.budget.clone();
    let mut pace = Pace::new(&options.timing, budget, Arc::clone(&options.random));
    let mut task = Task {
        options,
        queue,
        state,
        shared,
        in_flight: BTreeMap::new(),
        epoch: 0,
    };
    let mut wait = pace.first(Instant::now());
    while task.idle_until(Instant::now() + wait).await {
        let attempt = pace.attempt();
        task.state.send_replace(TradeState::Connecting { attempt });
        let mut reached = Reached::default();
        let end = task.connection(&mut reached).await;
        task.settle_all();
        let End::Down(cause) = end else { break };
        wait = pace.after(&cause, reached, Instant::now());
        tracing::info!(%cause, ?wait, "order-entry socket down");
        let retry_in = wait;
        task.state
            .send_replace(TradeState::Down { cause, retry_in });
    }
    task.settle_all();
    task.state.send_replace(TradeState::Closed);
}

impl Task {
    /// Waits between connections, refusing what slipped in. `false` once it shall end for good.
    async fn idle_until(&mut self, moment: Instant) -> bool {
        loop {
            tokio::select! {
                // The end comes first; requests are refused before a new connection begins.
                biased;
                () = self.shared.closed() => return false,
                outgoing = self.queue.recv() => match outgoing {
                    Some(outgoing) => refuse(outgoing),
                    None => return false,
                },
                () = sleep_until(moment) => return true,
            }
        }
    }

    async fn connection(&mut self, reached: &mut Reached) -> End {
        let dial = Arc::clone(&self.options.dial);
        let opened = tokio::select! {
            // The end comes first.
            biased;
            () = self.shared.closed() => return End::Closed,
            opened = Link::open(&*dial, &self.options.timing) => opened,
        };
        let link = match opened {
            Ok(link) => link,
            Err(cause) => return End::Down(cause),
        };
        let now = Instant::now();
        reached.opened = Some(now);
        let mut live = Live {
            link,
            is_logged_in: false,
            opened: now,
            next_tick: now + self.options.timing.tick,
            ends_at: None,
        };
        let end = match self.serve(&mut live, reached).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        // Nothing is accepted and everybody is told before time goes into a goodbye.
        self.settle_all();
        live.link.close().await;
        end
    }

    async fn serve(&mut self, live: &mut Live, reached: &mut Reached) -> Result<Infallible, End> {
        let login = self.options.auth.request(self.options.timing.auth_validity);
        live.link.send(login).await?;
        loop {
            tokio::select! {
                // Orders leave before anything else is done: waiting ones are few, as the queue
                // is short. Answers are read before deadlines are looked at.
                biased;
                () = self.shared.closed() => return Err(End::Closed),
                outgoing = self.queue.recv(), if live.is_logged_in => match outgoing {
                    Some(outgoing) => self.write(live, outgoing).await?,
                    None => return Err(End::Closed),
                },
                received = live.link.next() => {
                    if let Some(text) = received? {
                        self.receive(live, reached, &text)?;
                    }
                }
                () = sleep_until(live.next_tick) => self.tick(live).await?,
            }
        }
    }

    /// Writes a request, if it is still wanted and meant for this connection.
    async fn write(&mut self, live: &mut Live, outgoing: Outgoing) -> Result<(), End> {
        if outgoing.epoch != self.epoch || live.ends_at.is_some() {
            refuse(outgoing);
            return Ok(());
        }
        if outgoing.ticket.take() {
            self.in_flight.insert(outgoing.id, outgoing.answer);
            live.link.send(outgoing.text).await?;
        }
        Ok(())
    }

    fn receive(
        &mut self,
        live: &mut Live,
        reached: &mut Reached,
        text: &Utf8Bytes,
    ) -> Result<(), End> {
        match control::read(text) {
            Incoming::Pong => Ok(()),
            Incoming::Auth { .. } if live.is_logged_in => Ok(()),
            Incoming::Auth { is_ok: true, .. } => {
                self.epoch += 1;
                live.is_logged_in = true;
                reached.up = Some(Instant::now());
                let epoch = self.epoch;
                self.shared.epoch.store(epoch, Ordering::Release);
                self.state.send_replace(TradeState::Up { epoch });
                Ok(())
            }
            Incoming::Auth { code, message, .. } => {
                let message = shown(&message);
                Err(End::Down(DownCause::AuthRefused { code, message }))
            }
            Incoming::Ack { .. } | Incoming::Data { .. } => {
                self.answer(live, text);
                Ok(())
            }
        }
    }

    fn answer(&mut self, live: &mut Live, text: &str) {
        let Answer::To(id, reply) = reply::read(text) else {
            self.count_late();
            tracing::warn!("frame of the order-entry socket answers no request");
            return;
        };
        if reply.as_ref().is_some_and(|reply| reply.code == RESTARTING) && live.ends_at.is_none() {
            // What else is in flight may still be answered.
            live.ends_at = Some(Instant::now() + self.options.deadline);
            self.shared.epoch.store(0, Ordering::Release);
        }
        let outcome = reply.ok_or(TradeError::NoAnswer("the answer cannot be read"));
        let is_heard = self
            .in_flight
            .remove(&id)
            .is_some_and(|waiting| waiting.send(outcome).is_ok());
        if !is_heard {
            self.count_late();
        }
        if live.ends_at.is_some() {
            // The end is near: do not wait for the next regular look.
            live.next_tick = Instant::now();
        }
    }

    fn count_late(&self) {
        self.shared.n_late.fetch_add(1, Ordering::Relaxed);
    }

    async fn tick(&mut self, live: &mut Live) -> Result<(), End> {
        let now = Instant::now();
        live.next_tick = now + self.options.timing.tick;
        let limit = self.options.timing.auth;
        if !live.is_logged_in && now.saturating_duration_since(live.opened) >= limit {
            return Err(End::Down(DownCause::AuthTimeout(limit)));
        }
        // Whoever gave up waiting is not kept.
        self.in_flight.retain(|_, waiting| !waiting.is_closed());
        if let Some(ends_at) = live.ends_at
            && (self.in_flight.is_empty() || now >= ends_at)
        {
            return Err(End::Down(DownCause::Restarting));
        }
        live.link.check_life(now)?;
        live.link.ping_if_due(now).await?;
        Ok(())
    }

    /// Tells every caller: what was written has no answer, what was not is refused.
    fn settle_all(&mut self) {
        self.shared.epoch.store(0, Ordering::Release);
        for (_, waiting) in std::mem::take(&mut self.in_flight) {
            let lost = TradeError::NoAnswer("the connection ended");
            if waiting.send(Err(lost)).is_err() {
                tracing::debug!("nobody waits for a lost request any more");
            }
        }
        while let Ok(outgoing) = self.queue.try_recv() {
            refuse(outgoing);
        }
    }
}

/// Tells the caller that a request was not written.
fn refuse(outgoing: Outgoing) {
    if outgoing.ticket.take() {
        let refused = TradeError::NotSent("the order-entry socket is not up");
        if outgoing.answer.send(Err(refused)).is_err() {
            tracing::debug!("nobody waits for a refused request any more");
        }
    }
}
