//! Everything that is followed about one instrument.

mod book;
mod connection;
mod other;

use super::books::{BookView, TopicBook};
use super::error::FrameProblem;
use super::frame::{Body, Frame, Levels};
use super::health::{FeedHealth, Liveness};
use super::klines::KlineTrack;
use super::out::{FeedOut, FeedSettings, Wanted, WantedBars};
use super::tickers::Ticker;
use super::topics::{Channel, Depth};
use super::trades::TradeTape;
use crate::domain::{Category, MarketEvent, Symbol, Timestamp};

/// One step of the feed: its moment, its rules, and where its words go.
pub(super) struct Turn<'a> {
    pub(super) at: Timestamp,
    pub(super) settings: &'a FeedSettings,
    pub(super) out: &'a mut Vec<FeedOut>,
}

impl Turn<'_> {
    fn event(&mut self, made: Timestamp, event: MarketEvent) {
        self.out.push(FeedOut::Event(made, event));
    }

    #[inline]
    fn health(&mut self, health: Option<FeedHealth>) {
        if let Some(health) = health {
            self.out.push(FeedOut::Health(health));
        }
    }
}

/// Trades, and whether any have come since the connection is up.
#[derive(Debug, Default)]
struct Tape {
    tape: TradeTape,
    is_heard: bool,
}

/// Bars, and whether any have come since the connection is up.
#[derive(Debug)]
struct Track {
    track: KlineTrack,
    is_heard: bool,
}

/// The topics of one instrument.
#[derive(Debug)]
pub(super) struct Line {
    wanted: Wanted,
    best: Option<TopicBook>,
    book: Option<TopicBook>,
    ticker: Option<Ticker>,
    tape: Option<Tape>,
    tracks: Vec<Track>,
    pub(super) live: Liveness,
    /// The book has changed and is reported later.
    pub(super) is_dirty: bool,
    pub(super) n_old: u64,
}

impl Line {
    pub(super) fn new(wanted: Wanted) -> Self {
        let id = wanted.instrument;
        let depth = wanted.depth.filter(|depth| *depth != Depth::Best);
        let track = |bars: &WantedBars| Track {
            track: bars.next_open.map_or_else(
                || KlineTrack::new(bars.interval),
                |next| KlineTrack::starting_at(bars.interval, next),
            ),
            is_heard: false,
        };
        Self {
            best: wanted.best.then(|| TopicBook::new(id, Depth::Best)),
            book: depth.map(|depth| TopicBook::new(id, depth)),
            ticker: wanted.ticker.then(Ticker::default),
            tape: wanted.trades.then(Tape::default),
            tracks: wanted.klines.iter().map(track).collect(),
            live: Liveness::new(id),
            is_dirty: false,
            n_old: 0,
            wanted,
        }
    }

    pub(super) const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(super) const fn category(&self) -> Category {
        self.wanted.category
    }

    pub(super) const fn symbol(&self) -> &Symbol {
        &self.wanted.symbol
    }

    pub(super) fn ticker(&self) -> Option<&Ticker> {
        self.ticker.as_ref()
    }

    /// The deepest book that is followed, when it is whole and not empty.
    pub(super) fn book(&self) -> Option<BookView<'_>> {
        full(self.book.as_ref().or(self.best.as_ref())?.view()?)
    }

    /// Best bid and ask from the quickest book that is whole.
    pub(super) fn best(&self) -> Option<BookView<'_>> {
        let quick = self.best.as_ref().and_then(TopicBook::view).and_then(full);
        quick.or_else(|| self.book.as_ref()?.view().and_then(full))
    }

    /// Takes a frame of one of its topics.
    #[inline]
    pub(super) fn on_frame(
        &mut self,
        turn: &mut Turn<'_>,
        channel: Channel,
        frame: &Frame<'_>,
        levels: &Levels,
    ) -> Result<(), FrameProblem> {
        match (channel, &frame.body) {
            (Channel::Book(depth), Body::Book(head)) => {
                self.on_book(turn, depth, frame, (head, levels))?;
            }
            (Channel::Ticker, Body::Raw(data)) => self.on_ticker(turn, frame, data)?,
            (Channel::Trades, Body::Raw(data)) => self.on_trades(turn, data)?,
            (Channel::Kline(interval), Body::Raw(data)) => {
                self.on_klines(turn, interval, data)?;
            }
            _ => return Err(FrameProblem::BadData("of another topic".to_owned())),
        }
        turn.health(self.live.understood(turn.at, &turn.settings.limits()));
        if self.best.is_none() {
            turn.health(self.live.seen(turn.at));
        }
        Ok(())
    }
}

/// A book with at least one level: an empty one is no market.
fn full(view: BookView<'_>) -> Option<BookView<'_>> {
    (!view.bids.is_empty() || !view.asks.is_empty()).then_some(view)
}
