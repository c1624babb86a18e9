//! Carries the public sockets into the files, until it is told to stop.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::files::{About, Folder};
use super::gaps::{Gap, GapKind, Gaps};
use super::{RecordRequest, Recorded, RecordingError};
use crate::app::doctor::access::{INSTRUMENTS, Trouble, listed};
use crate::domain::{Bar, Instrument, InstrumentId, Interval, Symbol, Timestamp};
use crate::runtime::past_bars;
use crate::venue::bybit::feed::{
    Backfill, FeedHealth, FeedOut, FeedSettings, FeedState, LossReason, Scope, Span,
    Topic as FeedTopic, Wanted, WantedBars,
};
use crate::venue::bybit::hosts::Hosts;
use crate::venue::bybit::rest::{Query, RestClient};
use crate::venue::bybit::socket::backoff::RandomSource;
use crate::venue::bybit::socket::connector::Connector;
use crate::venue::bybit::socket::shards::{PublicSockets, ShardEvents, ShardLimits};
use crate::venue::bybit::socket::{RequestLimits, SocketEvent, SocketOptions, Topic};

/// Time between two looks at ages, and two writes.
const TICK: Duration = Duration::from_millis(250);
/// Time between two renewals of the description.
const DESCRIBE: Duration = Duration::from_mins(1);

/// The way to the venue.
pub struct Recording<'a> {
    /// Requests over HTTP.
    pub client: Arc<RestClient>,
    /// The venue's hosts.
    pub hosts: &'a Hosts,
    /// PEM of the root of a venue on this machine.
    pub extra_root: Option<String>,
    /// Dice of the waits between tries.
    pub random: RandomSource,
}

/// Time between two measurements of the venue's clock.
const CLOCK: Duration = Duration::from_mins(1);

/// What a request has brought.
enum Done {
    /// Past bars.
    Fetched(Fetched),
    /// The clock was measured, or could not be.
    Measured,
}

/// Past bars that were asked for.
struct Fetched {
    instrument: InstrumentId,
    interval: Interval,
    span: Span,
    bars: Option<Vec<Bar>>,
    now: Timestamp,
}

/// Records until `stop` is done; `tell` hears once that data comes. `None` when it was stopped
/// before there was a folder.
///
/// # Errors
///
/// [`RecordingError`]; what was written before stays and opens.
pub async fn record(
    way: Recording<'_>,
    request: &RecordRequest,
    stop: impl Future<Output = ()>,
    tell: &mut dyn FnMut(usize),
) -> Result<Option<Recorded>, RecordingError> {
    let mut stop = pin!(stop);
    let instruments = tokio::select! {
        biased;
        () = &mut stop => return Ok(None),
        instruments = instruments(&way, request) => instruments?,
    };
    let mut state = FeedState::new(FeedSettings::default());
    let mut topics = Vec::new();
    for (number, instrument) in (0u16..).zip(&instruments) {
        topics.extend(state.watch(wanted(request, InstrumentId(number), instrument)));
    }
    let folder = Folder::create(About {
        dir: &request.out,
        interval: request.interval,
        depth: request.depth,
        synthetic: way.hosts.is_local(),
        start: way.client.venue_now(),
        instruments,
    })?;
    let url = way.hosts.public_ws_of(request.category);
    let root = way.extra_root.as_deref().map(str::as_bytes);
    let dial = Arc::new(Connector::new(&url, root)?);
    let limits = RequestLimits::public(request.category);
    let mut options = SocketOptions::public(dial, limits, way.random);
    options.topics = topics
        .iter()
        .map(|topic| Topic::public(topic.to_string()))
        .collect();
    let (sockets, events) = PublicSockets::open(options, ShardLimits::default())?;
    let mut task = Task {
        request,
        client: way.client,
        n_up: vec![0; sockets.n_shards()],
        sockets,
        topics,
        state,
        folder,
        gaps: Gaps::default(),
        tasks: JoinSet::new(),
        out: Vec::new(),
        next_describe: Instant::now() + DESCRIBE,
        next_clock: Instant::now() + CLOCK,
        n_refused: 0,
    };
    task.drive(events, stop, tell).await?;
    task.finish().await.map(Some)
}

/// The venue's rules of every symbol.
async fn instruments(
    way: &Recording<'_>,
    request: &RecordRequest,
) -> Result<Vec<Instrument>, RecordingError> {
    let client = &way.client;
    client.sync_clock().await.map_err(Trouble::from)?;
    let category = request.category;
    let mut list: Vec<Instrument> = Vec::new();
    for symbol in &request.symbols {
        if list.iter().any(|known| known.symbol == *symbol) {
            continue;
        }
        let query = Query::new()
            .with("category", &category.to_string())
            .with("symbol", symbol.as_str());
        let answer = client
            .get(INSTRUMENTS, query)
            .await
            .map_err(Trouble::from)?;
        let found = listed(&answer, category, symbol).map_err(|trouble| match trouble {
            Trouble::Unlisted { symbol, category } => RecordingError::UnknownSymbol {
                symbol,
                category,
                host: client.host().to_owned(),
            },
            other => RecordingError::Venue(other),
        })?;
        list.push(found.instrument);
    }
    Ok(list)
}

fn wanted(request: &RecordRequest, instrument: InstrumentId, rules: &Instrument) -> Wanted {
    Wanted {
        instrument,
        category: request.category,
        symbol: rules.symbol.clone(),
        best: true,
        depth: request.depth,
        // The ticker tells of funding, and only that of it is written.
        ticker: true,
        trades: true,
        klines: vec![WantedBars {
            interval: request.interval,
            next_open: None,
        }],
    }
}

/// A recording at work.
struct Task<'a> {
    request: &'a RecordRequest,
    client: Arc<RestClient>,
    sockets: PublicSockets,
    topics: Vec<FeedTopic>,
    state: FeedState,
    folder: Folder,
    gaps: Gaps,
    tasks: JoinSet<Done>,
    out: Vec<FeedOut>,
    /// How often each connection was up.
    n_up: Vec<u64>,
    next_describe: Instant,
    next_clock: Instant,
    n_refused: u64,
}

impl Task<'_> {
    async fn drive(
        &mut self,
        mut events: ShardEvents,
        mut stop: Pin<&mut impl Future<Output = ()>>,
        tell: &mut dyn FnMut(usize),
    ) -> Result<(), RecordingError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut has_told = false;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                _ = tick.tick() => {
                    self.state.on_tick(self.client.venue_now(), &mut self.out);
                    self.carry_out()?;
                    self.folder.flush()?;
                    if self.next_describe <= Instant::now() {
                        self.describe()?;
                    }
                    if self.next_clock <= Instant::now() {
                        self.measure();
                    }
                }
                Some(done) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Ok(Done::Fetched(fetched)) = done {
                        self.on_fetched(&fetched);
                    }
                }
                event = events.recv() => {
                    let Some(event) = event else { return Ok(()) };
                    self.on_socket(event.shard, event.event);
                    if !has_told && self.n_up.iter().all(|n| 0 < *n) {
                        has_told = true;
                        tell(self.topics.len());
                    }
                }
            }
            self.carry_out()?;
        }
    }

    fn on_socket(&mut self, shard: usize, event: SocketEvent) {
        let now = self.client.venue_now();
        match event {
            SocketEvent::Frame { text, .. } => {
                let text = text.as_bytes();
                self.state
                    .on_frame(now, self.request.category, text, &mut self.out);
            }
            SocketEvent::Up { .. } => {
                let n_up = &mut self.n_up[shard];
                *n_up += 1;
                if 1 < *n_up {
                    // Whatever took the connection away may have moved our clock as well.
                    self.measure();
                }
                self.gaps.end(GapKind::Connection, shard, now);
                let topics = self.topics_of(shard);
                self.state.on_up(now, Scope::Topics(&topics), &mut self.out);
            }
            SocketEvent::Down { cause, .. } => {
                let topics = self.topics_of(shard);
                let mut symbols: Vec<Symbol> = Vec::new();
                for topic in &topics {
                    if !symbols.contains(&topic.symbol) {
                        symbols.push(topic.symbol.clone());
                    }
                }
                self.gaps.begin(
                    shard,
                    Gap {
                        kind: GapKind::Connection,
                        symbols,
                        from: now,
                        to: None,
                        cause: cause.to_string(),
                    },
                );
                self.state
                    .on_down(now, Scope::Topics(&topics), &mut self.out);
            }
            SocketEvent::TopicRefused { topic, message } => {
                tracing::error!(topic, message, "the venue refuses a topic");
                let mut all = self.topics.iter();
                let place = all.position(|known| known.to_string() == topic);
                let symbol = place.map(|place| self.topics[place].symbol.clone());
                let gap = Gap {
                    kind: GapKind::Topic,
                    symbols: symbol.into_iter().collect(),
                    from: now,
                    to: None,
                    cause: format!("the venue refuses {topic}: {message}"),
                };
                self.gaps.begin(place.unwrap_or(usize::MAX), gap);
            }
            SocketEvent::Connecting { .. }
            | SocketEvent::AuthRefused { .. }
            | SocketEvent::TopicStale { .. } => {}
        }
    }

    fn topics_of(&self, shard: usize) -> Vec<FeedTopic> {
        let is_there =
            |topic: &&FeedTopic| self.sockets.shard_of(&topic.to_string()) == Some(shard);
        self.topics.iter().filter(is_there).cloned().collect()
    }

    /// Writes what the state has to say, and does what it asks for.
    fn carry_out(&mut self) -> Result<(), RecordingError> {
        let mut out = std::mem::take(&mut self.out);
        for said in out.drain(..) {
            match said {
                FeedOut::Event(at, event) => {
                    if self.folder.write(at, &event)? {
                        self.describe()?;
                    }
                }
                FeedOut::Health(health) => self.on_health(health),
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
                    self.n_refused += 1;
                    tracing::warn!(%error, "frame was not understood");
                }
            }
        }
        self.out = out;
        Ok(())
    }

    fn on_health(&mut self, health: FeedHealth) {
        let now = self.client.venue_now();
        match health {
            FeedHealth::BookLost { instrument, reason } if reason != LossReason::Down => {
                let cause = format!("{reason:?}").to_ascii_lowercase();
                self.gap(GapKind::Book, instrument, (now, None), cause);
            }
            FeedHealth::BookWhole { instrument } => {
                self.gaps.end(GapKind::Book, instrument.index(), now);
            }
            FeedHealth::Stale {
                instrument,
                silent_ms: Some(silent_ms),
            } => {
                let from = now.plus_millis(-silent_ms);
                let cause = "nothing came".to_owned();
                self.gap(GapKind::Silence, instrument, (from, None), cause);
            }
            FeedHealth::Fresh { instrument } => {
                self.gaps.end(GapKind::Silence, instrument.index(), now);
            }
            FeedHealth::BarsAbsent {
                instrument, span, ..
            } => {
                let cause = "the venue does not have these bars".to_owned();
                let stretch = (span.from, Some(span.to));
                self.gap(GapKind::Bars, instrument, stretch, cause);
            }
            FeedHealth::BarRevised {
                instrument,
                was,
                now,
                ..
            } => {
                let symbol = self.symbol_of(instrument);
                tracing::warn!(?symbol, ?was, ?now, "a closed bar was revised");
            }
            _ => {}
        }
    }

    fn gap(
        &mut self,
        kind: GapKind,
        instrument: InstrumentId,
        (from, to): (Timestamp, Option<Timestamp>),
        cause: String,
    ) {
        let gap = Gap {
            kind,
            symbols: self.symbol_of(instrument).into_iter().collect(),
            from,
            to,
            cause,
        };
        self.gaps.begin(instrument.index(), gap);
    }

    fn symbol_of(&self, instrument: InstrumentId) -> Option<Symbol> {
        self.folder.symbol(instrument).cloned()
    }

    /// Asks for past bars in a task of its own.
    fn fetch(&mut self, instrument: InstrumentId, interval: Interval, span: Span) {
        let Some(symbol) = self.symbol_of(instrument) else {
            return;
        };
        let (client, category) = (Arc::clone(&self.client), self.request.category);
        self.tasks.spawn(async move {
            let bars = past_bars(&client, category, &symbol, interval, span).await;
            if let Err(error) = &bars {
                tracing::warn!(error, %symbol, %interval, "past bars could not be read");
            }
            Done::Fetched(Fetched {
                instrument,
                interval,
                span,
                bars: bars.ok(),
                now: client.venue_now(),
            })
        });
    }

    /// Measures the venue's clock in a task of its own.
    fn measure(&mut self) {
        self.next_clock = Instant::now() + CLOCK;
        let client = Arc::clone(&self.client);
        self.tasks.spawn(async move {
            if let Err(error) = client.sync_clock().await {
                tracing::warn!(%error, "the venue's clock could not be measured");
            }
            Done::Measured
        });
    }

    fn on_fetched(&mut self, fetched: &Fetched) {
        // Without an answer the state asks again by itself.
        let Some(bars) = &fetched.bars else { return };
        let answer = Backfill {
            span: fetched.span,
            rows: bars,
            now: fetched.now,
        };
        let (instrument, interval) = (fetched.instrument, fetched.interval);
        let at = self.client.venue_now();
        self.state
            .on_backfill(at, instrument, interval, &answer, &mut self.out);
    }

    /// Renews the description, behind the rows that it speaks of.
    fn describe(&mut self) -> Result<(), RecordingError> {
        self.next_describe = Instant::now() + DESCRIBE;
        self.folder.flush()?;
        self.folder.describe()
    }

    async fn finish(mut self) -> Result<Recorded, RecordingError> {
        self.sockets.close().await;
        self.folder.finish()?;
        let (from, to) = self.folder.span();
        let (gaps, n_more_gaps) = self.gaps.finish();
        Ok(Recorded {
            from,
            to,
            rows: self.folder.rows(),
            n_reconnects: self.n_up.iter().map(|n| n.saturating_sub(1)).sum(),
            n_refused: self.n_refused,
            n_crossed: self.folder.n_crossed,
            gaps,
            n_more_gaps,
            files: self.folder.paths(),
        })
    }
}
