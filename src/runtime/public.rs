//! The public feed of a live session: sockets in, events for the engine out.
//!
//! It carries frames to [`FeedState`], carries out what that asks for (snapshots, past bars), and
//! tells the engine how far the data of each instrument can be trusted. While the socket is away
//! it asks over HTTP instead; such data is second class and opens nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::live::{Ended, Inbox, VenueBoard};
use crate::control::ConnectionState;
use crate::domain::{
    Bar, BookUpdate, Category, FeedLink, InstrumentId, Interval, LinkEvent, MarketEvent, Quote,
    Symbol, Timestamp,
};
use crate::engine::Event;
use crate::venue::bybit::clock::WallClock;
use crate::venue::bybit::feed::{
    Backfill, FeedHealth, FeedOut, FeedState, HistoryPlan, Scope, Span, bar_of_row, interval_code,
};
use crate::venue::bybit::rest::{Query, RestClient};
use crate::venue::bybit::socket::SocketEvent;
use crate::venue::bybit::socket::shards::{PublicSockets, ShardEvents};

/// Time between two looks at ages.
const TICK: Duration = Duration::from_millis(250);
/// Time between two states of a book that people look at.
const BOOKS: Duration = Duration::from_millis(500);

/// What a public feed is made of.
pub struct PublicParts {
    /// State of every instrument that is followed.
    pub state: FeedState,
    /// Market of the sockets.
    pub category: Category,
    /// The instruments, with their symbols.
    pub symbols: BTreeMap<InstrumentId, Symbol>,
    /// Requests over HTTP.
    pub rest: Arc<RestClient>,
    /// The way to the engine.
    pub inbox: Inbox,
    /// What front ends see of it.
    pub board: VenueBoard,
    /// The venue's time.
    pub clock: Arc<dyn WallClock>,
    /// Time between two requests while the socket is away.
    pub poll: Duration,
}

/// Rows that a request for past bars has brought.
struct Fetched {
    instrument: InstrumentId,
    interval: Interval,
    span: Span,
    bars: Option<Vec<Bar>>,
    now: Timestamp,
}

/// What a request for the newest prices has brought.
struct Polled(Option<Vec<(InstrumentId, Vec<MarketEvent>)>>);

enum Done {
    Fetched(Fetched),
    Polled(Polled),
}

/// The task's own state.
pub struct PublicFeed {
    parts: PublicParts,
    sockets: PublicSockets,
    links: BTreeMap<InstrumentId, FeedLink>,
    tasks: JoinSet<Done>,
    out: Vec<FeedOut>,
    is_up: bool,
    is_polling: bool,
    n_lost: u64,
}

impl PublicFeed {
    /// A feed over its parts and sockets that have been told its topics.
    #[must_use]
    pub fn new(parts: PublicParts, sockets: PublicSockets) -> Self {
        Self {
            parts,
            sockets,
            links: BTreeMap::new(),
            tasks: JoinSet::new(),
            out: Vec::new(),
            is_up: false,
            is_polling: false,
            n_lost: 0,
        }
    }

    /// Runs until the engine has gone.
    pub async fn run(mut self, mut events: ShardEvents) {
        let outcome = self.drive(&mut events).await;
        tracing::debug!(?outcome, "public feed ends");
        self.sockets.close().await;
    }

    async fn drive(&mut self, events: &mut ShardEvents) -> Result<(), Ended> {
        let instruments: Vec<InstrumentId> = self.parts.symbols.keys().copied().collect();
        for instrument in instruments {
            self.set_link(instrument, FeedLink::Down).await?;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_books = Instant::now() + BOOKS;
        let mut next_poll = Instant::now() + self.parts.poll;
        loop {
            tokio::select! {
                event = events.recv() => {
                    let Some(event) = event else { return Ok(()) };
                    self.on_socket(event.event);
                }
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Ok(done) = done {
                        self.on_done(done).await?;
                    }
                }
                _ = tick.tick() => {
                    let now = self.parts.clock.now();
                    self.parts.state.on_tick(now, &mut self.out);
                    if next_books <= Instant::now() {
                        next_books = Instant::now() + BOOKS;
                        self.parts.state.drain_books(now, &mut self.out);
                    }
                    if !self.is_up && !self.is_polling && next_poll <= Instant::now() {
                        next_poll = Instant::now() + self.parts.poll;
                        self.poll();
                    }
                }
            }
            self.carry_out().await?;
        }
    }

    fn on_socket(&mut self, event: SocketEvent) {
        let now = self.parts.clock.now();
        let scope = Scope::Category(self.parts.category);
        match event {
            SocketEvent::Frame { text, .. } => {
                self.parts
                    .state
                    .on_frame(now, self.parts.category, text.as_bytes(), &mut self.out);
            }
            SocketEvent::Connecting { attempt } => {
                self.show(ConnectionState::Connecting, format!("try {attempt}"));
            }
            SocketEvent::Up { .. } => {
                self.is_up = true;
                self.parts.state.on_up(now, scope, &mut self.out);
                self.show(ConnectionState::Up, String::new());
            }
            SocketEvent::Down { cause, retry_in } => {
                self.n_lost += u64::from(self.is_up);
                self.is_up = false;
                self.parts.state.on_down(now, scope, &mut self.out);
                let detail = format!("{cause}; again in {:.1} s", retry_in.as_secs_f64());
                self.show(ConnectionState::Down, detail);
            }
            SocketEvent::TopicRefused { topic, message } => {
                tracing::error!(topic, message, "the venue refuses a topic");
                self.show(ConnectionState::Refused, format!("{topic}: {message}"));
            }
            SocketEvent::AuthRefused { message, .. } => {
                self.show(ConnectionState::Refused, message);
            }
            // Ages are judged by the state itself, an instrument at a time.
            SocketEvent::TopicStale { .. } => {}
        }
    }

    /// Hands on what the state has to say, in its order.
    async fn carry_out(&mut self) -> Result<(), Ended> {
        let mut out = std::mem::take(&mut self.out);
        for said in out.drain(..) {
            match said {
                FeedOut::Event(_, event) => {
                    self.parts.inbox.market(Event::Market(event)).await?;
                }
                FeedOut::Health(health) => self.on_health(health).await?,
                FeedOut::NeedBackfill {
                    instrument,
                    interval,
                    span,
                } => self.fetch(instrument, interval, span),
                FeedOut::Resync { topic, attempt } => {
                    let name = topic.to_string();
                    if let Some(shard) = self.sockets.shard_of(&name).filter(|_| attempt > 1) {
                        self.sockets.reconnect(shard);
                    } else {
                        self.sockets.resubscribe(&name);
                    }
                }
                FeedOut::Refused { error, .. } => {
                    tracing::warn!(%error, "frame was not understood");
                }
            }
        }
        self.out = out;
        Ok(())
    }

    async fn on_health(&mut self, health: FeedHealth) -> Result<(), Ended> {
        match health {
            FeedHealth::Fresh { instrument } | FeedHealth::Mended { instrument } => {
                self.set_link(instrument, FeedLink::Live).await
            }
            FeedHealth::Stale {
                instrument,
                silent_ms,
            } => {
                let link = match silent_ms {
                    Some(_) => FeedLink::Stale,
                    None => FeedLink::Down,
                };
                self.set_link(instrument, link).await
            }
            FeedHealth::Broken { instrument } => self.set_link(instrument, FeedLink::Broken).await,
            FeedHealth::BarsAbsent {
                instrument,
                interval,
                span,
            } => {
                let symbol = self.parts.symbols.get(&instrument);
                tracing::warn!(?symbol, %interval, ?span, "the venue does not have these bars");
                Ok(())
            }
            FeedHealth::BarRevised {
                instrument,
                interval,
                was,
                now,
            } => {
                let symbol = self.parts.symbols.get(&instrument);
                tracing::warn!(?symbol, %interval, ?was, ?now, "a closed bar was revised");
                Ok(())
            }
            FeedHealth::Down { .. }
            | FeedHealth::Up { .. }
            | FeedHealth::BookLost { .. }
            | FeedHealth::BookWhole { .. } => Ok(()),
        }
    }

    async fn set_link(&mut self, instrument: InstrumentId, state: FeedLink) -> Result<(), Ended> {
        if self.links.insert(instrument, state) == Some(state) {
            return Ok(());
        }
        let event = LinkEvent::Feed { instrument, state };
        self.parts.inbox.market(Event::Link(event)).await
    }

    /// Asks for past bars in a task of its own.
    fn fetch(&mut self, instrument: InstrumentId, interval: Interval, span: Span) {
        let Some(symbol) = self.parts.symbols.get(&instrument).cloned() else {
            return;
        };
        let rest = Arc::clone(&self.parts.rest);
        let category = self.parts.category;
        self.tasks.spawn(async move {
            let bars = past_bars(&rest, category, &symbol, interval, span).await;
            if let Err(error) = &bars {
                tracing::warn!(error, %symbol, %interval, "past bars could not be read");
            }
            Done::Fetched(Fetched {
                instrument,
                interval,
                span,
                bars: bars.ok(),
                now: rest.venue_now(),
            })
        });
    }

    /// Asks for the newest prices while the socket is away.
    fn poll(&mut self) {
        self.is_polling = true;
        let rest = Arc::clone(&self.parts.rest);
        let (category, symbols) = (self.parts.category, self.parts.symbols.clone());
        self.tasks.spawn(async move {
            let mut news = Vec::new();
            for (instrument, symbol) in symbols {
                match newest_prices(&rest, category, instrument, &symbol).await {
                    Ok(events) => news.push((instrument, events)),
                    Err(error) => {
                        tracing::warn!(error, %symbol, "prices could not be read");
                        return Done::Polled(Polled(None));
                    }
                }
            }
            Done::Polled(Polled(Some(news)))
        });
    }

    async fn on_done(&mut self, done: Done) -> Result<(), Ended> {
        match done {
            Done::Fetched(fetched) => {
                let Some(bars) = fetched.bars else {
                    return Ok(());
                };
                let answer = Backfill {
                    span: fetched.span,
                    rows: &bars,
                    now: fetched.now,
                };
                let (instrument, interval) = (fetched.instrument, fetched.interval);
                let at = self.parts.clock.now();
                self.parts
                    .state
                    .on_backfill(at, instrument, interval, &answer, &mut self.out);
            }
            Done::Polled(Polled(news)) => {
                self.is_polling = false;
                if self.is_up {
                    return Ok(());
                }
                let Some(news) = news else {
                    let instruments: Vec<_> = self.parts.symbols.keys().copied().collect();
                    for instrument in instruments {
                        self.set_link(instrument, FeedLink::Down).await?;
                    }
                    return Ok(());
                };
                for (instrument, events) in news {
                    self.set_link(instrument, FeedLink::Fallback).await?;
                    for event in events {
                        self.parts.inbox.market(Event::Market(event)).await?;
                    }
                }
            }
        }
        Ok(())
    }

    fn show(&self, state: ConnectionState, detail: String) {
        let (name, n_lost) = (format!("public {}", self.parts.category), self.n_lost);
        self.parts
            .board
            .set_connection(&name, state, detail, n_lost);
    }
}

/// Closed bars of a stretch, in order; the venue may lack some.
///
/// # Errors
///
/// What went wrong, in words.
pub async fn past_bars(
    rest: &RestClient,
    category: Category,
    symbol: &Symbol,
    interval: Interval,
    span: Span,
) -> Result<Vec<Bar>, String> {
    let code = interval_code(interval);
    let mut plan =
        HistoryPlan::new(interval, span.from, span.to).map_err(|error| error.to_string())?;
    while let Some(page) = plan.next() {
        let query = Query::new()
            .with("category", &category.to_string())
            .with("symbol", symbol.as_str())
            .with("interval", code)
            .with("start", &page.start.millis().to_string())
            .with("end", &page.end.millis().to_string())
            .with("limit", &page.limit.to_string());
        let answer = rest
            .get("/v5/market/kline", query)
            .await
            .map_err(|error| error.to_string())?;
        if !answer.is_ok() {
            return Err(format!("{} ({})", answer.message, answer.code));
        }
        let rows: KlineList = answer.read().map_err(|error| error.to_string())?;
        let bars: Result<Vec<Bar>, _> = rows
            .list
            .iter()
            .map(|row| bar_of_row(row, interval))
            .collect();
        let bars = bars.map_err(|error| error.to_string())?;
        plan.take(&bars, rest.venue_now())
            .map_err(|error| error.to_string())?;
    }
    Ok(plan.finish().bars)
}

#[derive(serde::Deserialize)]
struct KlineList {
    list: Vec<Vec<String>>,
}

/// Quote and mark of an instrument, by request.
async fn newest_prices(
    rest: &RestClient,
    category: Category,
    instrument: InstrumentId,
    symbol: &Symbol,
) -> Result<Vec<MarketEvent>, String> {
    use crate::venue::bybit::wire::envelope::Page;
    use crate::venue::bybit::wire::market::Ticker;
    let query = Query::new()
        .with("category", &category.to_string())
        .with("symbol", symbol.as_str());
    let answer = rest
        .get("/v5/market/tickers", query)
        .await
        .map_err(|error| error.to_string())?;
    if !answer.is_ok() {
        return Err(format!("{} ({})", answer.message, answer.code));
    }
    let page: Page<Ticker> = answer.read().map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    if let Some(row) = page.list.into_iter().find(|row| row.symbol == *symbol) {
        if let (Some(bid), Some(bid_qty), Some(ask), Some(ask_qty)) = (
            row.bid1_price.value(),
            row.bid1_size.value(),
            row.ask1_price.value(),
            row.ask1_size.value(),
        ) && bid < ask
        {
            events.push(MarketEvent::Quote(Quote {
                instrument,
                bid: *bid,
                bid_qty: *bid_qty,
                ask: *ask,
                ask_qty: *ask_qty,
            }));
        }
        if let Some(price) = row.mark_price.value() {
            let price = *price;
            events.push(MarketEvent::Mark { instrument, price });
        }
    }
    // Whatever the book was, it is of the past.
    events.push(MarketEvent::Book(BookUpdate {
        instrument,
        snapshot: true,
        update_id: 0,
        bids: Vec::new(),
        asks: Vec::new(),
    }));
    Ok(events)
}
