//! A simulated venue on real sockets whose clock is moved by hand, and the session's way to it,
//! wired as a live session is.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use tokio::runtime::Runtime;
use tradeterm::app::{Connection, TradingParts, open_account_timed};
use tradeterm::config::{OrderEntry, Settings};
use tradeterm::control::{Command, ConnectionState, KillSwitch};
use tradeterm::domain::{Instruments, KillLevel, LinkEvent, Mode, Timestamp};
use tradeterm::engine::Event;
use tradeterm::runtime::clock::Clock;
use tradeterm::runtime::{Due, GatewayTiming, Inbox, Live, Remote, Source, VenueBoard, live};
use tradeterm::venue::bybit::clock::WallClock;
use tradeterm::venue::bybit::credentials::Credentials;
use tradeterm::venue::bybit::hosts::Hosts;
use tradeterm::venue::bybit::rest::{RestClient, RestSettings};
use tradeterm::venue::bybit::socket::backoff::RandomSource;
use tradeterm::venue::feed::Feed;
use tradeterm::venue::sim::Settings as Account;
use tradeterm::venue::sim::server::{
    SimClock, SimConfig, SimServer, Step, Stepped, TEST_KEY, TEST_SECRET,
};

/// Longest wait for anything; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longest rest between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The simulator's clock, as the wall's.
struct SimTime(Arc<SimServer>);

impl WallClock for SimTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A venue and the way to it.
pub(crate) struct Line {
    // Ends last: its tasks belong to what is above it.
    pub(crate) server: Arc<SimServer>,
    pub(crate) connection: Connection,
    pub(crate) settings: Settings,
    pub(crate) inbox: Inbox,
    pub(crate) board: VenueBoard,
    source: Live,
    machine: Clock,
    commands: Receiver<Command>,
    io: Runtime,
}

/// Dice that always say the same: nothing is tried again here.
pub(crate) fn dice() -> RandomSource {
    Arc::new(|| 0.5)
}

/// The account is read once, at the start: a question that is on its way while the clock is
/// moved would arrive too late for its receive window.
fn calm() -> GatewayTiming {
    let never = Duration::from_hours(24);
    GatewayTiming {
        again: never,
        busy: never,
        quiet: never,
        ..GatewayTiming::default()
    }
}

impl Line {
    pub(crate) fn new(
        instruments: Instruments,
        market: Box<dyn Feed>,
        account: Account,
        settings: Settings,
    ) -> Self {
        let io = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut config = SimConfig::new(instruments.clone(), market, SimClock::Manual);
        config.exchange.matcher = account;
        let server = Arc::new(io.block_on(SimServer::start(config)).unwrap());
        let clock: Arc<dyn WallClock> = Arc::new(SimTime(Arc::clone(&server)));
        let hosts = Hosts::local(&server.rest_url(), &server.ws_url()).unwrap();
        let credentials = Arc::new(Credentials::new(TEST_KEY, TEST_SECRET).unwrap());
        let rest = RestClient::new(RestSettings {
            credentials: Some(credentials),
            ..RestSettings::new(hosts.clone(), Arc::clone(&clock))
        });
        let rest = Arc::new(rest.unwrap());
        io.block_on(rest.sync_clock()).unwrap();
        let board = VenueBoard::default();
        let (source, inbox) = live(Arc::clone(&clock), board.clone());
        let (_, commands) = sync_channel(1);
        Self {
            server,
            connection: Connection {
                rest,
                hosts,
                instruments,
                clock,
                extra_root: None,
            },
            settings: Settings {
                mode: Mode::Testnet,
                ..settings
            },
            inbox,
            board,
            source,
            machine: Clock::start(),
            commands,
            io,
        }
    }

    /// Opens the account, and hands what is heard to `hear` until it is whole.
    pub(crate) fn open(&mut self, mut hear: impl FnMut(Timestamp, Event)) -> Remote {
        let (kill, _reset) = KillSwitch::new(KillLevel::Active);
        let parts = TradingParts {
            known: Vec::new(),
            credentials: Arc::new(Credentials::new(TEST_KEY, TEST_SECRET).unwrap()),
            inbox: self.inbox.clone(),
            board: self.board.clone(),
            kill,
            since: self.server.now(),
        };
        let remote = {
            let _inside = self.io.enter();
            open_account_timed(&self.settings, &self.connection, parts, &dice(), calm()).unwrap()
        };
        let by_socket = self.settings.venue.order_entry == OrderEntry::Socket;
        let board = self.board.clone();
        let mut is_whole = false;
        self.until("the account is open", |at, event| {
            if let Some((at, event)) = at.zip(event) {
                is_whole |= event == Event::Link(LinkEvent::Account { lacks: None });
                hear(at, event);
            }
            is_whole && (!by_socket || is_up(&board, "orders"))
        });
        remote
    }

    /// Hands what is heard to `hear` until the connection of that name is up.
    pub(crate) fn until_up(&mut self, name: &str, mut hear: impl FnMut(Timestamp, Event)) {
        let board = self.board.clone();
        self.until(name, |at, event| {
            if let Some((at, event)) = at.zip(event) {
                hear(at, event);
                return false;
            }
            is_up(&board, name)
        });
    }

    /// Hands every event to `look`, and nothing when there is none, until it says so.
    ///
    /// # Panics
    ///
    /// When that takes too long.
    pub(crate) fn until(
        &mut self,
        what: &str,
        mut look: impl FnMut(Option<Timestamp>, Option<Event>) -> bool,
    ) {
        let begun = self.machine.elapsed();
        loop {
            let is_done = match self.source.next(&self.machine).unwrap() {
                Due::Event(at, event) => look(Some(at), Some(event)),
                Due::Nothing(_) if look(None, None) => true,
                Due::Nothing(_) => {
                    assert_eq!(self.source.rest(LOOK, &self.commands), None);
                    false
                }
                Due::Ended => panic!("the line has ended"),
            };
            if is_done {
                return;
            }
            let waited = self.machine.elapsed().saturating_sub(begun);
            assert!(
                waited < PATIENCE,
                "{what}: waited in vain; {:?}",
                self.server.truth()
            );
        }
    }

    pub(crate) fn step(&self, step: Step) -> Stepped {
        self.io.block_on(self.server.step(step)).unwrap()
    }

    pub(crate) fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.io.block_on(task)
    }

    /// Runs `open` where tasks can be started.
    pub(crate) fn inside<T>(&self, open: impl FnOnce(&Self) -> T) -> T {
        let _inside = self.io.enter();
        open(self)
    }
}

fn is_up(board: &VenueBoard, name: &str) -> bool {
    let view = board.read();
    let mut connections = view.connections.iter();
    connections.any(|c| c.name == name && c.state == ConnectionState::Up)
}
