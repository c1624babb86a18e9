//! From settings to a live market: hosts, clock, instruments, history and the public feed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::build::Built;
use super::models::load_bundle;
use crate::config::{FeedKind, Settings, StrategyKind};
use crate::control::{BudgetView, ClockView};
use crate::domain::{
    BarEvent, Category, Instrument, InstrumentError, InstrumentId, Instruments, Interval,
    LinkEvent, MarketEvent, Mode, Symbol, Timestamp,
};
use crate::engine::Event;
use crate::runtime::{Inbox, PublicFeed, PublicParts, VenueBoard, past_bars};
use crate::strategy::agent::BundleError;
use crate::venue::bybit::clock::{SkewVerdict, WallClock};
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::feed::{
    BookDelivery, Depth, FeedSettings, FeedState, Span, Topic as FeedTopic, Wanted, WantedBars,
};
use crate::venue::bybit::hosts::{Environment, HostError, Hosts};
use crate::venue::bybit::rest::{BuildError as RestBuildError, Query, RestClient, RestSettings};
use crate::venue::bybit::socket::backoff::RandomSource;
use crate::venue::bybit::socket::connector::{Connector, ConnectorError};
use crate::venue::bybit::socket::shards::{PublicSockets, ShardLimits};
use crate::venue::bybit::socket::{RequestLimits, SocketOptions, SubscribeError, Topic};
use crate::venue::bybit::wire::envelope::Page;
use crate::venue::bybit::wire::instrument::{ContractRow, PairRow};

/// Time between two measurements of the venue's clock.
const CLOCK_EVERY: Duration = Duration::from_mins(1);
/// Time between two looks at the budgets.
const BOARD_EVERY: Duration = Duration::from_secs(1);

/// Why a live session cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// A host is not one of the venue's.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The client cannot be made.
    #[error(transparent)]
    Rest(#[from] RestBuildError),
    /// The sockets cannot be made.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The topics do not fit.
    #[error(transparent)]
    Topics(#[from] SubscribeError),
    /// A bundle was refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The venue's rules of an instrument cannot be used.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// A file cannot be read.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The venue does not answer.
    #[error("{0}; check the network, or `tradeterm doctor`")]
    Unreachable(String),
    /// The venue does not trade it.
    #[error("{host} does not trade {symbol} ({category}): check symbol and category")]
    NotTraded {
        /// Host that was asked.
        host: String,
        /// Symbol asked for.
        symbol: String,
        /// Category asked for.
        category: Category,
    },
    /// A setting is missing.
    #[error("{0}")]
    Setting(String),
}

/// The venue's time, by our clock and what was measured of its own.
struct VenueTime(Arc<RestClient>);

impl WallClock for VenueTime {
    fn now(&self) -> Timestamp {
        self.0.venue_now()
    }
}

/// A way to the venue, with its clock measured and its instruments known.
pub struct Connection {
    /// Requests over HTTP.
    pub rest: Arc<RestClient>,
    /// The venue's hosts.
    pub hosts: Hosts,
    /// The instruments of the legs, by the venue's own rules.
    pub instruments: Instruments,
    /// The venue's time.
    pub clock: Arc<dyn WallClock>,
    /// PEM of the root of a venue on this machine.
    pub extra_root: Option<String>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("host", &self.rest.host())
            .finish_non_exhaustive()
    }
}

/// Hosts that a mode uses.
///
/// # Errors
///
/// When an address of the settings is not one that may be used.
pub fn hosts_of(settings: &Settings) -> Result<Hosts, HostError> {
    if let (Some(rest), Some(ws)) = (&settings.venue.rest_url, &settings.venue.ws_url) {
        return Hosts::local(rest, ws);
    }
    Ok(Hosts::of(match settings.mode {
        Mode::Testnet => Environment::Testnet,
        Mode::Demo => Environment::Demo,
        Mode::Replay | Mode::Paper | Mode::Live => Environment::Mainnet,
    }))
}

/// Connects: the clock is measured and the legs' instruments are read.
///
/// # Errors
///
/// When the venue does not answer, or does not trade a symbol.
pub async fn connect(
    settings: &Settings,
    clock: impl WallClock + 'static,
    credentials: Option<Arc<Credentials>>,
) -> Result<Connection, LiveError> {
    let hosts = hosts_of(settings)?;
    let extra_root = settings
        .venue
        .tls_root
        .as_ref()
        .map(|path| {
            std::fs::read_to_string(path).map_err(|error| LiveError::File {
                path: path.display().to_string(),
                problem: error.to_string(),
            })
        })
        .transpose()?;
    let rest = RestClient::new(RestSettings {
        credentials,
        extra_root: extra_root.clone(),
        order_window_ms: settings.venue.recv_window_ms,
        ..RestSettings::new(hosts.clone(), Arc::new(clock))
    })?;
    let rest = Arc::new(rest);
    rest.sync_clock()
        .await
        .map_err(|error| LiveError::Unreachable(error.to_string()))?;
    let category = settings.feed.category;
    let mut list: Vec<Instrument> = Vec::new();
    for symbol in symbols_of(settings)? {
        if list.iter().all(|known| known.symbol.as_str() != symbol) {
            list.push(instrument(&rest, category, &symbol).await?);
        }
    }
    Ok(Connection {
        clock: Arc::new(VenueTime(Arc::clone(&rest))),
        instruments: Instruments::new(list)?,
        rest,
        hosts,
        extra_root,
    })
}

/// Symbols of the legs, in their order.
fn symbols_of(settings: &Settings) -> Result<Vec<String>, LiveError> {
    if settings.legs.is_empty() {
        let text = "nothing to trade: add a [[legs]] table, or name a bundle with --model";
        return Err(LiveError::Setting(text.to_owned()));
    }
    let mut symbols = Vec::new();
    for leg in &settings.legs {
        let symbol = match (&leg.symbol, leg.strategy, &leg.model) {
            (Some(symbol), _, _) => symbol.to_string(),
            (None, StrategyKind::Agent, Some(path)) => {
                load_bundle(path)?.0.meta().symbol.to_string()
            }
            _ => {
                let text = "a leg needs a symbol, or a bundle that has one";
                return Err(LiveError::Setting(text.to_owned()));
            }
        };
        symbols.push(symbol);
    }
    Ok(symbols)
}

/// The venue's rules of one instrument.
async fn instrument(
    rest: &RestClient,
    category: Category,
    symbol: &str,
) -> Result<Instrument, LiveError> {
    let query = Query::new()
        .with("category", &category.to_string())
        .with("symbol", symbol);
    let answer = rest
        .get("/v5/market/instruments-info", query)
        .await
        .map_err(|error| LiveError::Unreachable(error.to_string()))?;
    let not_traded = || LiveError::NotTraded {
        host: rest.host().to_owned(),
        symbol: symbol.to_owned(),
        category,
    };
    if !answer.is_ok() {
        return Err(not_traded());
    }
    let unreadable = |error: String| LiveError::Unreachable(format!("{}: {error}", rest.host()));
    match category {
        Category::Linear => {
            let page: Page<ContractRow> = answer.read().map_err(|e| unreadable(e.to_string()))?;
            let row = page.list.iter().find(|row| row.symbol.as_str() == symbol);
            let row = row.filter(|row| row.is_trading()).ok_or_else(not_traded)?;
            row.instrument().map_err(|e| unreadable(e.to_string()))
        }
        Category::Spot => {
            let page: Page<PairRow> = answer.read().map_err(|e| unreadable(e.to_string()))?;
            let row = page.list.iter().find(|row| row.symbol.as_str() == symbol);
            let row = row.filter(|row| row.is_trading()).ok_or_else(not_traded)?;
            row.instrument().map_err(|e| unreadable(e.to_string()))
        }
    }
}

/// Bars of each series that the legs decide on.
pub type Series = BTreeMap<(InstrumentId, Interval), Timestamp>;

/// Series of the legs, with the open time of the first bar that is wanted of each.
///
/// # Errors
///
/// Never for legs that were built over these instruments.
pub fn series_of(
    built: &Built,
    instruments: &Instruments,
    settings: &Settings,
    now: Timestamp,
) -> Result<Series, InstrumentError> {
    let mut series = Series::new();
    for leg in &built.legs {
        let id = instruments.find(leg.symbol.as_str(), leg.category)?;
        let interval = leg.interval.millis();
        let history = i64::from(settings.feed.history_bars) * interval;
        let back = history.max(built.warmup_ms).saturating_add(interval);
        let from = now.plus_millis(-back);
        let from = from.plus_millis(-from.millis().rem_euclid(interval));
        series.insert((id, leg.interval), from);
    }
    Ok(series)
}

/// Closed bars of the past, by the moment they closed, and where each series goes on.
///
/// # Errors
///
/// When the venue does not answer.
pub async fn history(
    connection: &Connection,
    series: &Series,
) -> Result<(Vec<(Timestamp, Event)>, Series), LiveError> {
    let mut events = Vec::new();
    let mut next = Series::new();
    for ((id, interval), from) in series {
        let instrument = connection.instruments.get(*id);
        let now = connection.clock.now();
        let to = now.plus_millis(-now.millis().rem_euclid(interval.millis()));
        let mut goes_on = *from;
        if *from < to {
            let span = Span { from: *from, to };
            let (category, symbol) = (instrument.category, &instrument.symbol);
            let bars = past_bars(&connection.rest, category, symbol, *interval, span)
                .await
                .map_err(LiveError::Unreachable)?;
            for bar in bars {
                let closed = bar.open_time.plus_millis(interval.millis());
                goes_on = goes_on.max(closed);
                let event = BarEvent {
                    instrument: *id,
                    interval: *interval,
                    confirmed: true,
                    bar,
                };
                events.push((closed, Event::Market(MarketEvent::Bar(event))));
            }
        }
        next.insert((*id, *interval), goes_on);
    }
    events.sort_by_key(|(at, _)| *at);
    Ok((events, next))
}

/// Opens the public feed; it runs on the current runtime until its engine has gone.
///
/// # Errors
///
/// When a socket cannot be made.
pub fn open_feed(
    settings: &Settings,
    connection: &Connection,
    next: &Series,
    inbox: Inbox,
    board: VenueBoard,
    random: RandomSource,
) -> Result<(), LiveError> {
    let feed = &settings.feed;
    let category = feed.category;
    let mut state = FeedState::new(FeedSettings {
        stale_after_ms: i64::from(feed.stale_ms),
        books: BookDelivery::Latest,
        ..FeedSettings::default()
    });
    let mut symbols: BTreeMap<InstrumentId, Symbol> = BTreeMap::new();
    let mut topics = Vec::new();
    for (id, instrument) in connection.instruments.iter() {
        let klines = next
            .iter()
            .filter(|((of, _), _)| *of == id)
            .map(|((_, interval), from)| WantedBars {
                interval: *interval,
                next_open: Some(*from),
            })
            .collect();
        let wanted = Wanted {
            instrument: id,
            category,
            symbol: instrument.symbol.clone(),
            best: true,
            depth: depth_of(feed.depth),
            ticker: feed.quotes,
            trades: feed.trades,
            klines,
        };
        symbols.insert(id, instrument.symbol.clone());
        topics.extend(state.watch(wanted).iter().map(socket_topic));
    }
    let url = connection.hosts.public_ws_of(category);
    let root = connection.extra_root.as_deref().map(str::as_bytes);
    let dial = Arc::new(Connector::new(&url, root)?);
    let mut options = SocketOptions::public(dial, RequestLimits::public(category), random);
    options.topics = topics;
    let (sockets, events) = PublicSockets::open(options, ShardLimits::default())?;
    let parts = PublicParts {
        state,
        category,
        symbols,
        rest: Arc::clone(&connection.rest),
        inbox,
        board,
        clock: Arc::clone(&connection.clock),
        poll: Duration::from_millis(u64::from(feed.fallback_poll_ms)),
    };
    tokio::spawn(PublicFeed::new(parts, sockets).run(events));
    Ok(())
}

fn socket_topic(topic: &FeedTopic) -> Topic {
    Topic::public(topic.to_string())
}

/// The shallowest book that has so many levels; `None` for the best level alone.
const fn depth_of(levels: u32) -> Option<Depth> {
    match levels {
        0 | 1 => None,
        2..=50 => Some(Depth::L50),
        51..=200 => Some(Depth::L200),
        _ => Some(Depth::L1000),
    }
}

/// Measures the venue's clock every while and shows clock and budgets, on the current runtime.
pub fn keep_time(connection: &Connection, inbox: Inbox, board: VenueBoard) {
    let rest = Arc::clone(&connection.rest);
    board.update(|view| rest.host().clone_into(&mut view.host));
    tokio::spawn(async move {
        let mut until_sync = CLOCK_EVERY;
        let mut told = None;
        loop {
            show(&rest, &board);
            let differs = match rest.server_clock().verdict() {
                SkewVerdict::Stop => Some(format!(
                    "{} ms from the venue's",
                    rest.server_clock().offset_ms().unwrap_or_default()
                )),
                _ => None,
            };
            if told != differs {
                told.clone_from(&differs);
                let event = Event::Link(LinkEvent::Clock { differs });
                if inbox.market(event).await.is_err() {
                    return;
                }
            }
            tokio::time::sleep(BOARD_EVERY).await;
            until_sync = until_sync.saturating_sub(BOARD_EVERY);
            if until_sync.is_zero() {
                until_sync = CLOCK_EVERY;
                if let Err(error) = rest.sync_clock().await {
                    tracing::warn!(%error, "the venue's clock could not be measured");
                }
            }
        }
    });
}

fn show(rest: &RestClient, board: &VenueBoard) {
    let clock = rest.server_clock();
    let budgets = rest.budgets();
    board.update(|view| {
        view.clock = clock.offset_ms().map(|offset_ms| ClockView {
            offset_ms,
            error_ms: clock.error_bound_ms().unwrap_or_default(),
        });
        view.budgets = budgets
            .into_iter()
            .map(|budget| BudgetView {
                name: budget.name,
                limit: budget.limit,
                left: budget.left,
                reserved: budget.reserved,
            })
            .collect();
    });
}

/// Whether a session's market is the venue itself.
#[must_use]
pub fn is_live(settings: &Settings) -> bool {
    settings.feed.kind == FeedKind::Bybit
}
