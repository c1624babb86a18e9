//! From a key to a broker: the account checked, the private and order-entry sockets, the gateway.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::live::{Connection, LiveError};
use super::permissions::{
    self, AccountMargin, AccountPolicy, AccountReport, KeyPolicy, SymbolFacts,
};
use crate::config::{MarginMode, OrderEntry, PositionMode, Settings};
use crate::control::{ConnectionState, KillSwitch};
use crate::domain::{Category, Mode, Symbol, Timestamp};
use crate::runtime::{
    Gateway, GatewayParts, GatewayTiming, Heard, Inbox, Remote, VenueBoard, VenueWord,
};
use crate::venue::broker::{KnownOrder, RemoteBroker};
use crate::venue::bybit::broker::account::{self, SetupError};
use crate::venue::bybit::broker::{BrokerError, BybitBroker, PrivateStream};
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::socket::backoff::RandomSource;
use crate::venue::bybit::socket::connector::Connector;
use crate::venue::bybit::socket::trade::{TradeHandle, TradeOptions, TradeSocket, TradeState};
use crate::venue::bybit::socket::{
    Socket, SocketEvent, SocketEvents, SocketOptions, Topic, VenueNow,
};
use crate::venue::bybit::wire::names::MarginMode as WireMargin;

/// Private topics; both markets of an account speak on them.
const TOPICS: [&str; 4] = ["order", "execution", "position", "wallet"];
/// What the account's stream may have said before the gateway has read it.
const HEARD: usize = 1_024;
/// How long the venue must say flat before it is certain, in milliseconds.
const FLAT_FOR_MS: i64 = 5_000;

/// Why the venue's account cannot be traded.
#[derive(Debug, thiserror::Error)]
pub enum TradingError {
    /// The account is not as it has to be, or cannot be read.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Instruments and account do not fit.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A socket cannot be made.
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// What the tasks of an account are made of.
#[derive(Debug, Clone)]
pub struct TradingParts {
    /// The key.
    pub credentials: Arc<Credentials>,
    /// The way to the engine.
    pub inbox: Inbox,
    /// What front ends see.
    pub board: VenueBoard,
    /// The latch.
    pub kill: Arc<KillSwitch>,
    /// Venue time from which executions belong to this session.
    pub since: Timestamp,
    /// Orders that an interrupted session has sent: known before anything is heard, or their
    /// fills would be taken for somebody else's.
    pub known: Vec<KnownOrder>,
}

/// Judges key and account. With `applies` leverage and margin mode are set first where they
/// differ; without, nothing is changed, and they are judged as they would be after that: an
/// account is not touched before its owner has agreed.
///
/// # Errors
///
/// When the venue does not answer, or the account cannot be set up.
pub async fn check_account(
    settings: &Settings,
    connection: &Connection,
    applies: bool,
) -> Result<AccountReport, TradingError> {
    let rest = &connection.rest;
    let key = account::key_facts(rest).await.map_err(SetupError::from)?;
    let coin = &settings.account.coin;
    let is_linear = settings.feed.category == Category::Linear;
    let wanted = account::Wanted {
        margin_mode: is_linear.then_some(match settings.venue.margin_mode {
            MarginMode::Isolated => WireMargin::Isolated,
            MarginMode::Cross => WireMargin::Cross,
        }),
        leverage: is_linear.then(|| settings.venue.leverage.into()),
        fee_rates: settings.mode != Mode::Demo,
    };
    // A key that may only look cannot set anything, and one that may not trade is refused below.
    let facts = if key.read_only || !applies {
        let mut facts =
            account::account_facts(rest, &connection.instruments, coin, wanted.fee_rates)
                .await
                .map_err(SetupError::from)?;
        if !key.read_only {
            as_wanted(&mut facts, &wanted);
        }
        facts
    } else {
        account::set_up(rest, &connection.instruments, coin, &wanted).await?
    };
    for change in &facts.changes {
        tracing::info!(change, "account set up");
    }
    let key = permissions::KeyFacts {
        read_only: key.read_only,
        permissions: key.permissions,
        ips: key.ips,
        expires: key.expires,
        deadline_day: key.deadline_day,
        unified: key.unified || facts.is_unified,
        is_master: key.is_master,
        user_id: key.user_id,
    };
    let symbols: Vec<Symbol> = connection
        .instruments
        .iter()
        .map(|(_, instrument)| instrument.symbol.clone())
        .collect();
    let account = permissions::AccountFacts {
        margin_mode: match &facts.margin_mode {
            Some(mode) => AccountMargin::from_venue(&mode.to_string()),
            None => AccountMargin::Other("not told".to_owned()),
        },
        symbols: facts
            .symbols
            .into_iter()
            .map(|symbol| SymbolFacts {
                symbol: symbol.symbol,
                position_mode: if symbol.is_hedged {
                    PositionMode::Hedge
                } else {
                    PositionMode::OneWay
                },
                leverage: symbol.leverage,
            })
            .collect(),
        equity: facts.equity,
    };
    let now = connection.clock.now();
    Ok(AccountReport::new(
        (&key, &KeyPolicy::new(settings, None, now)),
        (&account, &AccountPolicy::new(settings, &symbols)),
    ))
}

/// The account as it would be after it was set up.
fn as_wanted(facts: &mut account::AccountFacts, wanted: &account::Wanted) {
    if let Some(mode) = &wanted.margin_mode {
        facts.margin_mode = Some(mode.clone());
    }
    let leverage = wanted.leverage.map(crate::domain::Rate::from_decimal);
    if let Some(Ok(leverage)) = leverage {
        for symbol in &mut facts.symbols {
            symbol.leverage.fill(leverage);
        }
    }
}

/// Opens the way to the venue's account; its tasks run on the current runtime until the engine
/// has gone.
///
/// # Errors
///
/// When a socket cannot be made, or instruments and account do not fit.
pub fn open_account(
    settings: &Settings,
    connection: &Connection,
    parts: TradingParts,
    random: &RandomSource,
) -> Result<Remote, TradingError> {
    open_account_timed(settings, connection, parts, random, timing(settings))
}

/// The same with times of the gateway that are not the settings': for a venue whose clock is
/// moved by hand, where no question may be on its way while it moves.
///
/// # Errors
///
/// As [`open_account`].
pub fn open_account_timed(
    settings: &Settings,
    connection: &Connection,
    parts: TradingParts,
    random: &RandomSource,
    timing: GatewayTiming,
) -> Result<Remote, TradingError> {
    let root = connection.extra_root.as_deref().map(str::as_bytes);
    let dial = |url: &str| Connector::new(url, root).map_err(LiveError::from);
    let clock = Arc::clone(&connection.clock);
    let venue_now: VenueNow = Arc::new(move || clock.now());
    let login = || parts.credentials.login(Arc::clone(&venue_now));
    let by_socket = settings.venue.order_entry_in(settings.mode) == OrderEntry::Socket;
    let trade = match connection.hosts.trade_ws().filter(|_| by_socket) {
        Some(url) => {
            let venue = &settings.venue;
            let mut options = TradeOptions::new(Arc::new(dial(url)?), login(), Arc::clone(random));
            options.deadline = Duration::from_millis(u64::from(venue.ack_deadline_ms));
            options.recv_window = Duration::from_millis(u64::from(venue.recv_window_ms));
            let TradeSocket { handle, .. } = TradeSocket::open(options);
            tokio::spawn(watch_orders(handle.clone(), parts.board.clone()));
            Some(handle)
        }
        None => None,
    };
    let broker = BybitBroker::new(
        Arc::clone(&connection.rest),
        trade,
        connection.instruments.clone(),
        &settings.account.coin,
    )?;
    for order in parts.known {
        broker.remember(order);
    }
    let stream = PrivateStream::new(connection.instruments.clone(), broker.roster());
    let dial = Arc::new(dial(connection.hosts.private_ws())?);
    let mut options = SocketOptions::private(dial, login(), Arc::clone(random));
    options.topics = TOPICS.iter().copied().map(Topic::quiet).collect();
    let Socket { handle, events, .. } = Socket::open(options).map_err(LiveError::from)?;
    let (teller, heard) = mpsc::channel(HEARD);
    tokio::spawn(listen(stream, events, teller, parts.board.clone()));
    let word = VenueWord::default();
    let n = connection.instruments.len();
    let (remote, outbox) = Remote::new(n, word.clone(), FLAT_FOR_MS);
    let gateway = Gateway::new(GatewayParts {
        broker: Arc::new(broker),
        outbox,
        heard,
        inbox: parts.inbox,
        kill: parts.kill,
        word,
        board: parts.board,
        clock: Arc::clone(&connection.clock),
        timing,
        since: parts.since,
    });
    let gateway = gateway.with_restart(Box::new(move || handle.reconnect()));
    tokio::spawn(gateway.run());
    Ok(remote)
}

fn timing(settings: &Settings) -> GatewayTiming {
    let venue = &settings.venue;
    let window = Duration::from_millis(u64::from(venue.recv_window_ms));
    GatewayTiming {
        // The window, the second by which the venue takes early requests, and our clock's error.
        fence: window + Duration::from_millis(1_500),
        visibility: Duration::from_millis(u64::from(venue.visibility_lag_ms)),
        busy: Duration::from_secs(u64::from(venue.reconcile_fast_s)),
        quiet: Duration::from_secs(u64::from(venue.reconcile_full_s)),
        ..GatewayTiming::default()
    }
}

/// Hands what the private socket says to the gateway, in our words.
async fn listen(
    mut stream: PrivateStream,
    mut events: SocketEvents,
    heard: mpsc::Sender<Heard>,
    board: VenueBoard,
) {
    let (mut n_lost, mut is_up) = (0_u64, false);
    while let Some(event) = events.recv().await {
        let show = |state, detail| board.set_connection("private", state, detail, n_lost);
        let mut words = Vec::new();
        match event {
            SocketEvent::Connecting { attempt } => {
                show(ConnectionState::Connecting, format!("try {attempt}"));
            }
            SocketEvent::Up { .. } => {
                is_up = true;
                show(ConnectionState::Up, String::new());
                words.push(Heard::Up);
            }
            SocketEvent::Frame { text, .. } => match stream.read(&text) {
                Ok(said) => {
                    words.extend(said.events.into_iter().map(Heard::Event));
                    let strange = said.strange.into_iter();
                    words.extend(
                        strange.map(|s| Heard::Strange(format!("{} {}", s.symbol, s.text))),
                    );
                }
                // Nothing of it was used: only the account itself can tell what it was.
                Err(error) => words.push(Heard::Strange(error.to_string())),
            },
            SocketEvent::Down { cause, retry_in } => {
                n_lost += u64::from(is_up);
                is_up = false;
                stream.disconnected();
                let detail = format!("{cause}; again in {:.1} s", retry_in.as_secs_f64());
                board.set_connection("private", ConnectionState::Down, detail, n_lost);
                words.push(Heard::Down(cause.to_string()));
            }
            SocketEvent::AuthRefused { message, .. } => {
                show(ConnectionState::Refused, message);
            }
            SocketEvent::TopicRefused { topic, message } => {
                show(ConnectionState::Refused, format!("{topic}: {message}"));
            }
            SocketEvent::TopicStale { .. } => {}
        }
        for word in words {
            if heard.send(word).await.is_err() {
                return;
            }
        }
    }
}

/// Shows the state of the order-entry socket.
async fn watch_orders(handle: TradeHandle, board: VenueBoard) {
    let mut state = handle.state();
    let mut n_lost = 0;
    let mut was_up = false;
    loop {
        let (word, detail, is_up) = match &*state.borrow_and_update() {
            TradeState::Up { .. } => (ConnectionState::Up, String::new(), true),
            other => (ConnectionState::Down, format!("{other:?}"), false),
        };
        n_lost += u64::from(was_up && !is_up);
        was_up = is_up;
        board.set_connection("orders", word, detail, n_lost);
        if state.changed().await.is_err() {
            return;
        }
    }
}
