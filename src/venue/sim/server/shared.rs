//! What all tasks of a server share: the hub behind its mutex, the pump that moves the market
//! with the clock, walks by hand.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::fault::Fault;
use super::hub::Hub;
use super::socket::{Lost, Out};
use super::walk::{Step, Stepped};
use crate::venue::sim::exchange::{Drill, Truth};

/// Things that happen before the hub is released to others.
const BUDGET: usize = 512;
/// Longest time between two looks at the clock.
const TICK: Duration = Duration::from_millis(50);
/// How long a walk by hand waits for readers.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// What all tasks of a server share.
pub(super) struct Shared {
    pub(super) hub: Mutex<Hub>,
    /// Tasks of connections; aborted with the server.
    pub(super) tasks: Mutex<JoinSet<()>>,
    /// Whether the server ends.
    pub(super) stop: watch::Sender<bool>,
    /// One walk by hand at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Shared {
    /// The hub, for a short section without a wait.
    pub(super) fn hub(&self) -> MutexGuard<'_, Hub> {
        // A task that panicked has answered nothing; the others go on.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task until the server ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// A text frame has come in.
    pub(super) fn hear(&self, id: u64, text: &str) {
        let mut hub = self.hub();
        let now = hub.now();
        hub.settle(now, usize::MAX);
        hub.frame(id, now, text);
    }

    pub(super) fn truth(&self) -> Truth {
        self.hub().exchange.truth()
    }

    pub(super) fn fault(&self, fault: Fault) -> Result<(), String> {
        let mut hub = self.hub();
        let now = hub.now();
        hub.settle(now, usize::MAX);
        hub.add_fault(now, fault)
    }

    pub(super) fn drill(&self, drill: &Drill) -> Result<(), String> {
        let mut hub = self.hub();
        let now = hub.now();
        hub.settle(now, usize::MAX);
        hub.drill(now, drill)
    }

    /// Moves a manual clock; returns when every push is written.
    pub(super) async fn step(&self, step: Step) -> Result<Stepped, String> {
        let _turn = self.turn.lock().await;
        let mut walk = self
            .hub()
            .walk(step)
            .ok_or("the clock is not moved by hand: start with the manual clock")?;
        loop {
            let is_done = self.hub().go_on(&mut walk);
            self.drain().await;
            if is_done {
                return Ok(self.hub().stepped(&walk));
            }
        }
    }

    /// Waits until every socket has written what it was given; closes those that do not.
    async fn drain(&self) {
        let queues = self.hub().queues();
        let deadline = Instant::now() + PATIENCE;
        let mut waits = Vec::new();
        for (id, queue) in queues {
            let (done, written) = oneshot::channel();
            match timeout_at(deadline, queue.send(Out::Barrier(done))).await {
                Ok(Ok(())) => waits.push((id, written)),
                // The connection is gone.
                Ok(Err(_)) => {}
                Err(_) => self.hub().lose(id, Lost::Slow),
            }
        }
        for (id, written) in waits {
            // A connection that ends drops its barrier, which is an answer too.
            if timeout_at(deadline, written).await.is_err() {
                self.hub().lose(id, Lost::Slow);
            }
        }
    }

    /// Moves the market with the clock until the server ends.
    pub(super) async fn pump(&self) {
        let mut stop = self.stop.subscribe();
        loop {
            let wait = {
                let mut hub = self.hub();
                let now = hub.now();
                if hub.settle(now, BUDGET) {
                    None
                } else {
                    hub.unshuffle();
                    Some(hub.until_next().unwrap_or(TICK))
                }
            };
            let pause = async {
                match wait {
                    None => tokio::task::yield_now().await,
                    Some(wait) => {
                        tokio::time::sleep(wait.clamp(Duration::from_millis(1), TICK)).await;
                    }
                }
            };
            tokio::select! {
                // The end comes first.
                biased;
                _ = stop.changed() => return,
                () = pause => {}
            }
        }
    }
}
