//! The market that a simulated venue shows: a feed with a look at its next event, moved in time
//! where the clock wants it, and the made-up market that never ends.

use crate::domain::{
    Bar, BarEvent, Category, InstrumentId, Instruments, Interval, MarketEvent, Timestamp,
};
use crate::venue::feed::{Feed, FeedError, FeedItem};
use crate::venue::sim::instruments;
use crate::venue::sim::synth::{SynthError, SynthFeed, SynthProfile, SynthSpec};

/// Days of bars that the endless market has behind it.
const HISTORY_DAYS: u32 = 4;
/// Days that the endless market has ahead of it.
const AHEAD_DAYS: u32 = 3_660;
/// Seed of the endless market.
const SEED: u64 = 20_260_302;
const BARS_MS: i64 = 60_000;
const QUOTES_MS: i64 = 1_000;
const BOOKS_MS: i64 = 200;
/// Bars that had trades before it is first looked at.
const TRADED_BARS: i64 = 2;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// A feed with a look at its next event.
pub(super) struct Market {
    feed: Box<dyn Feed>,
    ahead: Option<(Timestamp, MarketEvent)>,
    shift_ms: i64,
    trouble: Option<FeedError>,
}

impl Market {
    /// A market that has not begun.
    pub(super) fn new(feed: Box<dyn Feed>) -> Self {
        let mut market = Self {
            feed,
            ahead: None,
            shift_ms: 0,
            trouble: None,
        };
        market.fill();
        market
    }

    /// Time of the next event; `None` at the end.
    pub(super) fn peek(&self) -> Option<Timestamp> {
        self.ahead.as_ref().map(|(at, _)| *at)
    }

    /// Whether the next event is a closed bar.
    pub(super) fn is_bar_next(&self) -> bool {
        matches!(&self.ahead, Some((_, event)) if is_closed_bar(event))
    }

    /// The next event.
    pub(super) fn take(&mut self) -> Option<(Timestamp, MarketEvent)> {
        let taken = self.ahead.take();
        self.fill();
        taken
    }

    /// Why the feed ended early, once.
    pub(super) fn take_trouble(&mut self) -> Option<FeedError> {
        self.trouble.take()
    }

    /// Moves the whole market so that `history_ms` of it lie before `now`, in steps that keep
    /// bars of `interval_ms` on their places: days, where it is long enough. A market that goes
    /// on now stays where it is.
    pub(super) fn move_to(&mut self, now: Timestamp, history_ms: i64, interval_ms: i64) {
        let Some(first) = self.peek() else { return };
        let span = self.feed.span();
        if span.is_some_and(|(from, to)| from <= now && now < to) {
            return;
        }
        let length = span.map_or(0, |(from, to)| to.since(from));
        let interval_ms = interval_ms.max(MINUTE_MS);
        let grid_ms = [DAY_MS, 12 * interval_ms]
            .into_iter()
            .find(|grid| 4 * grid <= length)
            .unwrap_or(interval_ms);
        let wanted = now.since(first.plus_millis(history_ms));
        self.shift_ms = wanted.div_euclid(grid_ms) * grid_ms;
        if let Some((at, event)) = self.ahead.take() {
            self.ahead = Some(moved(at, event, self.shift_ms));
        }
    }

    fn fill(&mut self) {
        self.ahead = match self.feed.next() {
            Some(Ok((at, event))) => Some(moved(at, event, self.shift_ms)),
            Some(Err(error)) => {
                self.trouble = Some(error);
                None
            }
            None => None,
        };
    }
}

/// Whether an event is a bar that the venue calls final.
pub(super) const fn is_closed_bar(event: &MarketEvent) -> bool {
    matches!(event, MarketEvent::Bar(bar) if bar.confirmed)
}

fn moved(at: Timestamp, mut event: MarketEvent, shift_ms: i64) -> (Timestamp, MarketEvent) {
    if let MarketEvent::Bar(bar) = &mut event {
        bar.bar.open_time = bar.bar.open_time.plus_millis(shift_ms);
    }
    (at.plus_millis(shift_ms), event)
}

/// The made-up market that goes on while the wall's clock does: some days of bars before `now`,
/// then quotes, books and trades without end. Four perpetuals and two spot pairs.
///
/// # Errors
///
/// When the shipped table lacks one of its symbols.
pub fn endless_market(now: Timestamp) -> Result<(Box<dyn Feed>, Instruments), SynthError> {
    let interval = Interval::from_millis(BARS_MS).ok_or(SynthError::NoDays)?;
    let begun = (now.millis().div_euclid(BARS_MS) - TRADED_BARS) * BARS_MS;
    let begun = Timestamp::from_millis(begun);
    let all = instruments::shipped();
    let mut symbols = Vec::new();
    for (symbol, category) in [
        ("BTCUSDT", Category::Linear),
        ("ETHUSDT", Category::Linear),
        ("SOLUSDT", Category::Linear),
        ("XRPUSDT", Category::Linear),
        ("BTCUSDT", Category::Spot),
        ("ETHUSDT", Category::Spot),
    ] {
        let instrument = all.get(all.find(symbol, category)?).clone();
        let profile = SynthProfile::of_coin(&instrument.base, 10.0);
        symbols.push((instrument, profile));
    }
    let past = SynthSpec {
        seed: SEED,
        symbols,
        start: begun.plus_millis(-i64::from(HISTORY_DAYS) * DAY_MS),
        days: HISTORY_DAYS,
        interval,
        quotes_every_ms: None,
        books_every_ms: None,
        book_symbols: Vec::new(),
        trades: false,
    };
    let table = past.instruments()?;
    let mut history = SynthFeed::new(&past)?;
    let mut events = Vec::new();
    let mut ahead = past.clone();
    while let Some(Ok((at, event))) = history.next() {
        if let MarketEvent::Bar(bar) = &event {
            ahead.symbols[bar.instrument.index()].1.start_price = bar.bar.close.to_f64();
        }
        events.push((at, event));
    }
    ahead.start = begun;
    ahead.days = AHEAD_DAYS;
    ahead.quotes_every_ms = Some(QUOTES_MS);
    ahead.books_every_ms = Some(BOOKS_MS);
    ahead.book_symbols = table.iter().map(|(_, i)| i.symbol.clone()).collect();
    ahead.book_symbols.dedup();
    ahead.trades = true;
    let feed = Endless {
        history: events.into_iter(),
        start: past.start,
        ahead: SynthFeed::new(&ahead)?,
    };
    Ok((Box::new(feed), table))
}

/// Bars of the past, then the market that goes on.
struct Endless {
    history: std::vec::IntoIter<(Timestamp, MarketEvent)>,
    start: Timestamp,
    ahead: SynthFeed,
}

impl Feed for Endless {
    fn next(&mut self) -> Option<FeedItem> {
        match self.history.next() {
            Some(item) => Some(Ok(item)),
            None => self.ahead.next(),
        }
    }

    fn label(&self) -> String {
        self.ahead.label()
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.ahead.span().map(|(_, end)| (self.start, end))
    }
}

/// A list of events as a feed, for tests and drills of one's own.
#[derive(Debug)]
pub struct ListFeed {
    events: std::vec::IntoIter<(Timestamp, MarketEvent)>,
    span: Option<(Timestamp, Timestamp)>,
}

impl ListFeed {
    /// A feed of events that are in the order of time.
    #[must_use]
    pub fn new(events: Vec<(Timestamp, MarketEvent)>) -> Self {
        let span = events
            .first()
            .zip(events.last())
            .map(|(first, last)| (first.0, last.0));
        Self {
            events: events.into_iter(),
            span,
        }
    }

    /// Bars of one instrument as a feed: the open of each at its open time, the whole at its end.
    #[must_use]
    pub fn of_bars(instrument: InstrumentId, interval: Interval, bars: &[Bar]) -> Self {
        let mut events = Vec::new();
        for bar in bars {
            let open = MarketEvent::BarOpen {
                instrument,
                price: bar.open,
            };
            let closed = MarketEvent::Bar(BarEvent {
                instrument,
                interval,
                confirmed: true,
                bar: *bar,
            });
            events.push((bar.open_time, open));
            events.push((bar.open_time.plus_millis(interval.millis()), closed));
        }
        Self::new(events)
    }
}

impl Feed for ListFeed {
    fn next(&mut self) -> Option<FeedItem> {
        self.events.next().map(Ok)
    }

    fn label(&self) -> String {
        "list".to_owned()
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARS_MS: i64 = 300_000;

    fn bars(start: i64, n: i64) -> ListFeed {
        let interval = Interval::from_millis(BARS_MS).unwrap();
        let price = "100".parse().unwrap();
        let bars: Vec<Bar> = (0..n)
            .map(|i| Bar {
                open_time: Timestamp::from_millis(start + i * BARS_MS),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: "1".parse().unwrap(),
            })
            .collect();
        ListFeed::of_bars(InstrumentId(0), interval, &bars)
    }

    #[test]
    fn an_old_market_is_moved_to_now_and_its_bars_stay_on_their_grid() {
        let now = Timestamp::from_millis(1_800_000_123_456);
        for (n, grid_ms) in [(2_000, DAY_MS), (100, 60 * MINUTE_MS), (10, BARS_MS)] {
            let mut market = Market::new(Box::new(bars(1_700_000_100_000, n)));
            let history_ms = 3 * BARS_MS;
            market.move_to(now, history_ms, BARS_MS);
            let first = market.peek().unwrap();
            let behind = now.since(first) - history_ms;
            assert!((0..grid_ms).contains(&behind), "{n}: {behind}");
            market.take();
            let (at, event) = market.take().unwrap();
            let MarketEvent::Bar(bar) = event else {
                panic!("{event:?}")
            };
            assert_eq!(at.since(bar.bar.open_time), BARS_MS);
            assert_eq!(bar.bar.open_time, first);
            assert_eq!(
                first.millis().rem_euclid(grid_ms),
                1_700_000_100_000 % grid_ms
            );
        }
    }

    #[test]
    fn a_market_that_goes_on_now_stays_where_it_is() {
        let mut market = Market::new(Box::new(bars(1_700_000_100_000, 100)));
        market.move_to(Timestamp::from_millis(1_700_001_000_000), 0, BARS_MS);
        assert_eq!(
            market.peek(),
            Some(Timestamp::from_millis(1_700_000_100_000))
        );
    }

    #[test]
    fn the_endless_market_has_a_past_and_goes_on_without_a_jump() {
        let now = Timestamp::from_millis(1_800_000_123_456);
        let (feed, instruments) = endless_market(now).unwrap();
        assert_eq!(instruments.len(), 6);
        let mut market = Market::new(feed);
        let mut closes = [None; 6];
        let mut n_bars = 0;
        while market.peek().is_some_and(|at| at <= now) {
            let (at, event) = market.take().unwrap();
            assert!(at <= now);
            if let MarketEvent::Bar(bar) = &event {
                closes[bar.instrument.index()] = Some(bar.bar.close.to_f64());
                n_bars += 1;
            } else if let MarketEvent::Quote(quote) = &event {
                let close = closes[quote.instrument.index()].unwrap();
                let moved = quote.bid.to_f64() / close - 1.0;
                assert!(moved.abs() < 0.05, "{quote:?} after {close}");
            }
        }
        assert_eq!(n_bars, 6 * (4 * 1_440 + 2));
        assert!(now.since(market.peek().unwrap()) > -1_000, "it goes on");
    }
}
