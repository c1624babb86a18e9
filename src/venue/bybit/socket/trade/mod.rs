//! The order-entry socket: requests out, answers matched by their id.
//!
//! Every request ends in exactly one of three ways: an answer of the venue, whatever its code;
//! the certainty that it never left; or no answer, which says nothing about the order. The last
//! is for the caller to resolve by asking the venue. Nothing is ever sent twice.
//! Bybit v5, websocket/trade/guideline.

mod reply;
mod task;
mod ticket;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use super::backoff::{ConnectBudget, RandomSource};
use super::cause::DownCause;
use super::connector::Dial;
use super::login::SocketAuth;
use super::timing::Timing;
use crate::domain::Timestamp;

pub use reply::{RequestLimit, TradeReply};
use ticket::Ticket;

/// Requests that may wait to be written.
const QUEUE: usize = 64;

/// Everything the order-entry socket needs.
#[derive(Clone)]
pub struct TradeOptions {
    /// Opens streams to the address.
    pub dial: Arc<dyn Dial>,
    /// Login.
    pub auth: SocketAuth,
    /// Waits and deadlines of the connection.
    pub timing: Timing,
    /// Bound of connects; may be shared among connections.
    pub budget: ConnectBudget,
    /// Dice of the waits.
    pub random: RandomSource,
    /// Longest wait for an answer.
    pub deadline: Duration,
    /// Age at which the venue refuses a request, written into each.
    pub recv_window: Duration,
}

impl TradeOptions {
    /// Options with the usual timing, 2 s to answer and a window of 3 s.
    #[must_use]
    pub fn new(dial: Arc<dyn Dial>, auth: SocketAuth, random: RandomSource) -> Self {
        Self {
            dial,
            auth,
            timing: Timing::default(),
            budget: ConnectBudget::default(),
            random,
            deadline: Duration::from_secs(2),
            recv_window: Duration::from_secs(3),
        }
    }
}

/// Where the order-entry socket stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TradeState {
    /// A try is under way.
    Connecting {
        /// Number of the try since the last connection that held.
        attempt: u32,
    },
    /// Logged in: requests are taken.
    Up {
        /// Number of the connection.
        epoch: u64,
    },
    /// Not connected; a refused login is told by the cause.
    Down {
        /// Why.
        cause: DownCause,
        /// Wait before the next try.
        retry_in: Duration,
    },
    /// Ended for good.
    Closed,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TradeError {
    /// The request did not leave: nothing happened at the venue.
    #[error("request was not sent: {0}")]
    NotSent(&'static str),
    /// The request left, at least in part: its outcome is unknown.
    #[error("request has no answer, its outcome is unknown: {0}")]
    NoAnswer(&'static str),
}

/// The order-entry socket at work: its handle and its task.
pub struct TradeSocket {
    /// Sends requests.
    pub handle: TradeHandle,
    /// Ends after [`TradeHandle::close`] or when all handles are dropped.
    pub task: JoinHandle<()>,
}

impl TradeSocket {
    /// Starts the socket on the current runtime.
    #[must_use]
    pub fn open(options: TradeOptions) -> Self {
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let (state_sender, state) = watch::channel(TradeState::Connecting { attempt: 0 });
        let shared = Arc::new(Shared::default());
        let handle = TradeHandle {
            outgoing,
            state,
            shared: Arc::clone(&shared),
            deadline: options.deadline,
            recv_window_ms: options.recv_window.as_millis().to_string(),
        };
        let task = tokio::spawn(task::run(options, queue, state_sender, shared));
        Self { handle, task }
    }
}

/// What the handles and the task share.
#[derive(Default)]
struct Shared {
    /// Connection that takes requests; 0 is none.
    epoch: AtomicU64,
    n_requests: AtomicU64,
    n_late: AtomicU64,
    is_closed: AtomicBool,
    bell: Notify,
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    async fn closed(&self) {
        while !self.is_closed() {
            self.bell.notified().await;
        }
    }
}

/// A request on its way to the task.
struct Outgoing {
    id: u64,
    epoch: u64,
    text: String,
    ticket: Arc<Ticket>,
    answer: oneshot::Sender<Result<TradeReply, TradeError>>,
}

/// Sends requests to the venue. Clones speak to the same socket.
#[derive(Clone)]
pub struct TradeHandle {
    outgoing: mpsc::Sender<Outgoing>,
    state: watch::Receiver<TradeState>,
    shared: Arc<Shared>,
    deadline: Duration,
    recv_window_ms: String,
}

impl TradeHandle {
    /// Sends one request, such as `order.create` with the body of the REST call, and waits for
    /// its answer. `timestamp` is venue time; the venue refuses what is older than the window.
    ///
    /// May be dropped at any await: a request that has not left then never leaves, an answer
    /// that comes later is counted and ignored.
    ///
    /// # Errors
    /// [`TradeError::NotSent`] while the socket is not up or too busy, and when the request
    /// could not be written in time; [`TradeError::NoAnswer`] when the connection ended or the
    /// deadline passed after it was written.
    pub async fn request(
        &self,
        op: &str,
        body: &RawValue,
        timestamp: Timestamp,
    ) -> Result<TradeReply, TradeError> {
        let epoch = self.shared.epoch.load(Ordering::Acquire);
        if epoch == 0 {
            return Err(TradeError::NotSent("the order-entry socket is not up"));
        }
        let id = self.shared.n_requests.fetch_add(1, Ordering::Relaxed) + 1;
        let ticket = Arc::new(Ticket::default());
        // Withdraws the request when this future is dropped.
        let guard = ticket::Guard::new(Arc::clone(&ticket));
        let (answer, answered) = oneshot::channel();
        let outgoing = Outgoing {
            id,
            epoch,
            text: self.text(id, op, body, timestamp)?,
            ticket,
            answer,
        };
        if self.outgoing.try_send(outgoing).is_err() {
            return Err(TradeError::NotSent("too many requests wait to be written"));
        }
        match timeout(self.deadline, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) if guard.withdraw() => Err(TradeError::NotSent("the socket was closed")),
            Ok(Err(_)) => Err(TradeError::NoAnswer("the socket was closed")),
            Err(_) if guard.withdraw() => Err(TradeError::NotSent("it waited too long")),
            Err(_) => Err(TradeError::NoAnswer("none came in time")),
        }
    }

    /// Where the socket stands; can be waited on for changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<TradeState> {
        self.state.clone()
    }

    /// Whether requests are taken now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.epoch.load(Ordering::Acquire) != 0
    }

    /// Answers that came after nobody waited for them any more, or that matched no request.
    #[must_use]
    pub fn n_late_replies(&self) -> u64 {
        self.shared.n_late.load(Ordering::Relaxed)
    }

    /// Ends the socket for good. Requests in flight end without an answer.
    pub fn close(&self) {
        self.shared.is_closed.store(true, Ordering::Release);
        self.shared.bell.notify_one();
    }

    fn text(
        &self,
        id: u64,
        op: &str,
        body: &RawValue,
        timestamp: Timestamp,
    ) -> Result<String, TradeError> {
        #[derive(Serialize)]
        struct Header<'a> {
            #[serde(rename = "X-BAPI-TIMESTAMP")]
            timestamp: String,
            #[serde(rename = "X-BAPI-RECV-WINDOW")]
            recv_window: &'a str,
        }
        #[derive(Serialize)]
        struct Request<'a> {
            #[serde(rename = "reqId")]
            req_id: String,
            header: Header<'a>,
            op: &'a str,
            args: [&'a RawValue; 1],
        }
        let request = Request {
            req_id: reply::req_id(id),
            header: Header {
                timestamp: timestamp.millis().to_string(),
                recv_window: &self.recv_window_ms,
            },
            op,
            args: [body],
        };
        serde_json::to_string(&request)
            .map_err(|_| TradeError::NotSent("it cannot be written as JSON"))
    }
}
