//! A live session's events: what the account says, what the market pushes, and time itself.
//!
//! Lanes are looked at in a fixed order: account, time, market. Each is bounded; a full lane
//! makes its sender wait, and nothing in it is ever dropped.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::clock::Clock;
use super::pace::Pace;
use super::source::{Due, Source};
use crate::control::{Command, ConnectionState, ConnectionView, VenueView};
use crate::domain::Timestamp;
use crate::engine::Event;
use crate::venue::bybit::clock::WallClock;
use crate::venue::feed::FeedError;

/// Events that may wait in a lane.
const LANE: usize = 1_024;
/// Session time between two ticks, in milliseconds.
const TICK_MS: i64 = 1_000;

/// Where tasks hand in what they have heard. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    account: mpsc::Sender<Event>,
    market: mpsc::Sender<Event>,
    wake: SyncSender<()>,
}

/// The session is over, and nobody listens any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Ended;

impl Inbox {
    /// Hands in something about the account; waits while the lane is full.
    ///
    /// # Errors
    ///
    /// When the session is over.
    pub async fn account(&self, event: Event) -> Result<(), Ended> {
        self.account.send(event).await.map_err(|_| Ended)?;
        self.poke();
        Ok(())
    }

    /// Hands in something about the market; waits while the lane is full.
    ///
    /// # Errors
    ///
    /// When the session is over.
    pub async fn market(&self, event: Event) -> Result<(), Ended> {
        self.market.send(event).await.map_err(|_| Ended)?;
        self.poke();
        Ok(())
    }

    /// Wakes the engine where it rests. One token is enough: it looks at every lane then.
    fn poke(&self) {
        let _is_awake_already = self.wake.try_send(()).is_err();
    }
}

/// What the tasks tell the front ends about the way to the venue.
#[derive(Debug, Clone, Default)]
pub struct VenueBoard(Arc<Mutex<VenueView>>);

impl VenueBoard {
    /// Changes the board.
    pub fn update(&self, change: impl FnOnce(&mut VenueView)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes the state of one connection.
    pub fn set_connection(&self, name: &str, state: ConnectionState, detail: String, n_lost: u64) {
        self.update(|board| {
            let view = ConnectionView {
                name: name.to_owned(),
                state,
                detail,
                n_lost,
            };
            match board.connections.iter_mut().find(|c| c.name == name) {
                Some(known) => *known = view,
                None => board.connections.push(view),
            }
        });
    }

    /// The board as it is now.
    #[must_use]
    pub fn read(&self) -> VenueView {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The venue as a source of events.
pub struct Live {
    account: mpsc::Receiver<Event>,
    market: mpsc::Receiver<Event>,
    wake: Receiver<()>,
    clock: Arc<dyn WallClock>,
    board: VenueBoard,
    /// Closed bars of the past that warm the strategies up, each at its own close.
    history: VecDeque<(Timestamp, Event)>,
    next_tick: Timestamp,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("history", &self.history.len())
            .field("next_tick", &self.next_tick)
            .finish_non_exhaustive()
    }
}

/// Makes a live source and the way into it. `clock` is the venue's time.
#[must_use]
pub fn live(clock: Arc<dyn WallClock>, board: VenueBoard) -> (Live, Inbox) {
    let (account, account_lane) = mpsc::channel(LANE);
    let (market, market_lane) = mpsc::channel(LANE);
    let (wake, woken) = sync_channel(1);
    let source = Live {
        account: account_lane,
        market: market_lane,
        wake: woken,
        next_tick: clock.now().plus_millis(TICK_MS),
        clock,
        board,
        history: VecDeque::new(),
    };
    let inbox = Inbox {
        account,
        market,
        wake,
    };
    (source, inbox)
}

impl Live {
    /// Bars of the past that come before anything else, oldest first.
    pub fn warm_up(&mut self, history: impl IntoIterator<Item = (Timestamp, Event)>) {
        self.history.extend(history);
    }
}

impl Source for Live {
    fn start(&mut self, _: &Clock) -> Result<(), FeedError> {
        Ok(())
    }

    fn next(&mut self, _: &Clock) -> Result<Due, FeedError> {
        if let Some((at, event)) = self.history.pop_front() {
            return Ok(Due::Event(at, event));
        }
        let now = self.clock.now();
        if let Ok(event) = self.account.try_recv() {
            return Ok(Due::Event(now, event));
        }
        if self.next_tick <= now {
            // A process that was stopped or slept does not make up for the ticks it missed.
            self.next_tick = now.plus_millis(TICK_MS);
            return Ok(Due::Event(now, Event::Tick));
        }
        match self.market.try_recv() {
            Ok(event) => Ok(Due::Event(now, event)),
            Err(mpsc::error::TryRecvError::Empty) => {
                let ms = u64::try_from(self.next_tick.since(now)).unwrap_or(1);
                Ok(Due::Nothing(Duration::from_millis(ms.max(1))))
            }
            Err(mpsc::error::TryRecvError::Disconnected) => Ok(Due::Ended),
        }
    }

    fn hurry(&mut self, clock: &Clock) -> Result<Due, FeedError> {
        self.next(clock)
    }

    fn time(&self, latest: Timestamp, _: &Clock) -> Timestamp {
        latest.max(self.clock.now())
    }

    /// The world does not repeat itself: what the journal says is what was heard.
    fn repeats(&mut self, _: &Event) -> Result<bool, FeedError> {
        Ok(true)
    }

    fn cut_off(&mut self) -> Result<Option<(Timestamp, Event)>, FeedError> {
        Ok(None)
    }

    fn rest(&mut self, wait: Duration, commands: &Receiver<Command>) -> Option<Command> {
        if let Ok(command) = commands.try_recv() {
            return Some(command);
        }
        match self.wake.recv_timeout(wait) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
        }
        commands.try_recv().ok()
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }

    fn first(&self) -> Option<Timestamp> {
        Some(self.clock.now())
    }

    fn pace(&mut self) -> Option<&mut Pace> {
        None
    }

    fn venue(&self) -> Option<VenueView> {
        Some(self.board.read())
    }
}
