//! All instruments of a feed: frames in, market events out.
//!
//! Pure and synchronous. It opens no sockets, reads no clock, sends nothing: what has to be asked
//! for comes out as [`FeedOut`], and time comes in as `at`, the arrival in our own clock.

use super::books::BookView;
use super::error::{FrameError, FrameProblem};
use super::frame::Levels;
use super::health::FeedHealth;
use super::klines::Backfill;
use super::line::{Line, Turn};
use super::out::{FeedCounts, FeedOut, FeedSettings, Heard, Scope, Wanted};
use super::parse::read_frame;
use super::prices::{PriceKind, Priced};
use super::routes::Routes;
use super::tickers::{Ticker, TickerFacts};
use super::topics::Topic;
use crate::domain::{Category, InstrumentId, Interval, Timestamp};

/// The state of the feed: books, tickers, bars and trades of a set of instruments.
#[derive(Debug, Default)]
pub struct FeedState {
    settings: FeedSettings,
    /// By instrument.
    lines: Vec<Option<Box<Line>>>,
    routes: Routes,
    levels: Levels,
    counts: FeedCounts,
}

impl FeedState {
    /// Feed that watches nothing yet.
    #[must_use]
    pub fn new(settings: FeedSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Begins to follow an instrument, or follows it anew with other topics. Gives the topics to
    /// subscribe; tell [`FeedState::on_up`] when that is done.
    pub fn watch(&mut self, wanted: Wanted) -> Vec<Topic> {
        self.unwatch(wanted.instrument);
        let topics = wanted.topics();
        let instrument = wanted.instrument;
        for topic in &topics {
            self.routes.insert(topic, instrument);
        }
        if self.lines.len() <= instrument.index() {
            self.lines.resize_with(instrument.index() + 1, || None);
        }
        self.lines[instrument.index()] = Some(Box::new(Line::new(wanted)));
        topics
    }

    /// Forgets an instrument. Gives the topics to unsubscribe; frames of them that are still on
    /// their way are ignored.
    pub fn unwatch(&mut self, instrument: InstrumentId) -> Vec<Topic> {
        let line = self
            .lines
            .get_mut(instrument.index())
            .and_then(Option::take);
        let topics = line.map_or_else(Vec::new, |line| line.wanted().topics());
        for topic in &topics {
            self.routes.remove(topic);
        }
        topics
    }

    /// Every topic of one market, in the order of the instruments: what to subscribe after a
    /// connection is up.
    #[must_use]
    pub fn topics(&self, category: Category) -> Vec<Topic> {
        self.lines()
            .filter(|line| line.category() == category)
            .flat_map(|line| line.wanted().topics())
            .collect()
    }

    /// Topics without a message of use since their connection is up. One that stays here although
    /// it was acknowledged deserves a look; trades of a quiet market may take their time.
    #[must_use]
    pub fn silent_topics(&self) -> Vec<Topic> {
        self.lines().flat_map(Line::silent).collect()
    }

    /// Takes one text frame of the socket of `category`, which arrived at `at`.
    pub fn on_frame(
        &mut self,
        at: Timestamp,
        category: Category,
        text: &[u8],
        out: &mut Vec<FeedOut>,
    ) -> Heard {
        let frame = match read_frame(text, &mut self.levels) {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                self.counts.control += 1;
                return Heard::Control;
            }
            Err(error) => return self.refuse(at, category, error, out),
        };
        let Some(route) = self.routes.find(category, &frame.topic) else {
            self.counts.foreign += 1;
            return Heard::Foreign;
        };
        let slot = self.lines.get_mut(route.instrument.index());
        let Some(line) = slot.and_then(Option::as_mut) else {
            self.counts.foreign += 1;
            return Heard::Foreign;
        };
        let mut turn = Turn {
            at,
            settings: &self.settings,
            out,
        };
        if let Err(problem) = line.on_frame(&mut turn, route.channel, &frame, &self.levels) {
            let error = FrameError::new(Some(&frame.topic), problem);
            return self.refuse(at, category, error, out);
        }
        self.counts.data += 1;
        Heard::Data
    }

    /// Counts a frame that was not understood and tells whom it was about.
    #[cold]
    fn refuse(
        &mut self,
        at: Timestamp,
        category: Category,
        error: FrameError,
        out: &mut Vec<FeedOut>,
    ) -> Heard {
        self.counts.refused += 1;
        let topic = error.topic.as_deref();
        let route = topic.and_then(|topic| self.routes.find(category, topic));
        out.push(FeedOut::Refused {
            instrument: route.map(|route| route.instrument),
            error,
        });
        if let Some(route) = route
            && let Some(Some(line)) = self.lines.get_mut(route.instrument.index())
        {
            let settings = &self.settings;
            line.on_refused(&mut Turn { at, settings, out }, route.channel);
        }
        Heard::Refused
    }

    /// Counts a message that is not even text, such as a binary one.
    pub fn on_unreadable(&mut self, out: &mut Vec<FeedOut>) {
        self.counts.refused += 1;
        let problem = FrameProblem::BadData("is no text".to_owned());
        let error = FrameError::new(None, problem);
        let instrument = None;
        out.push(FeedOut::Refused { instrument, error });
    }

    /// A connection is lost: everything that came over it is of the past.
    pub fn on_down(&mut self, at: Timestamp, scope: Scope<'_>, out: &mut Vec<FeedOut>) {
        out.extend(scope.told(|category| FeedHealth::Down { category }));
        let settings = &self.settings;
        let mut turn = Turn { at, settings, out };
        for line in self.lines.iter_mut().flatten() {
            line.on_down(&mut turn, &scope);
        }
    }

    /// A connection is there and its topics are being subscribed.
    pub fn on_up(&mut self, at: Timestamp, scope: Scope<'_>, out: &mut Vec<FeedOut>) {
        out.extend(scope.told(|category| FeedHealth::Up { category }));
        for line in self.lines.iter_mut().flatten() {
            line.on_up(at, &scope);
        }
    }

    /// Time has passed. To be called at least every 250 ms, so that silence is told in time.
    pub fn on_tick(&mut self, at: Timestamp, out: &mut Vec<FeedOut>) {
        let settings = &self.settings;
        let mut turn = Turn { at, settings, out };
        for line in self.lines.iter_mut().flatten() {
            line.on_tick(&mut turn);
        }
    }

    /// Takes an answer about past bars, which arrived at `at`.
    pub fn on_backfill(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        interval: Interval,
        answer: &Backfill<'_>,
        out: &mut Vec<FeedOut>,
    ) {
        let settings = &self.settings;
        let mut turn = Turn { at, settings, out };
        if let Some(Some(line)) = self.lines.get_mut(instrument.index()) {
            line.on_backfill(&mut turn, interval, answer);
        }
    }

    /// Tells the newest state of every book that has changed since the last call; only with
    /// [`BookDelivery::Latest`](super::BookDelivery::Latest).
    pub fn drain_books(&mut self, at: Timestamp, out: &mut Vec<FeedOut>) {
        let settings = &self.settings;
        let mut turn = Turn { at, settings, out };
        for line in self.lines.iter_mut().flatten() {
            line.drain_book(&mut turn);
        }
    }

    /// The current book of an instrument, as deep as it is followed; `None` while it is not
    /// whole. Never crossed; carries its age.
    #[must_use]
    pub fn book(&self, instrument: InstrumentId) -> Option<BookView<'_>> {
        self.line(instrument)?.book()
    }

    /// What the ticker of an instrument says; `None` before its first message.
    #[must_use]
    pub fn ticker(&self, instrument: InstrumentId) -> Option<&TickerFacts> {
        self.line(instrument)?.ticker().and_then(Ticker::facts)
    }

    /// A price by its name; `None` when it is not known. Look at its age before using it.
    #[must_use]
    pub fn price(&self, instrument: InstrumentId, kind: PriceKind) -> Option<Priced> {
        let line = self.line(instrument)?;
        let facts = line.ticker().and_then(Ticker::facts);
        if kind == PriceKind::Mid
            && let Some(view) = line.best()
        {
            let (price, seen) = (view.mid()?, view.seen);
            return Some(Priced { kind, price, seen });
        }
        let facts = facts?;
        let price = match kind {
            PriceKind::Last => facts.last,
            PriceKind::Mark => facts.mark,
            PriceKind::Index => facts.index,
            PriceKind::Mid => facts.best().map(|(bid, ask)| bid.price.midpoint(ask.price)),
        }?;
        let seen = facts.seen;
        Some(Priced { kind, price, seen })
    }

    /// Whether an instrument's data is neither stale nor broken.
    #[must_use]
    pub fn is_usable(&self, instrument: InstrumentId) -> bool {
        self.line(instrument)
            .is_some_and(|line| line.live.is_usable())
    }

    /// Unreadable frames about an instrument.
    #[must_use]
    pub fn n_bad(&self, instrument: InstrumentId) -> u64 {
        self.line(instrument).map_or(0, |line| line.live.n_bad())
    }

    /// Frames of each kind so far.
    #[must_use]
    pub fn counts(&self) -> FeedCounts {
        FeedCounts {
            old: self.lines().map(|line| line.n_old).sum(),
            ..self.counts
        }
    }

    fn line(&self, instrument: InstrumentId) -> Option<&Line> {
        self.lines.get(instrument.index())?.as_deref()
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().flatten().map(|line| &**line)
    }
}
