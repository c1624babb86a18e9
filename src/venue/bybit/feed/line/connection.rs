//! Lost and new connections, unreadable frames, and the passing of time.

use super::super::books::{BookStep, LossReason, TopicBook};
use super::super::out::{FeedOut, Scope};
use super::super::tickers::Ticker;
use super::super::topics::{Channel, Depth, Topic};
use super::{Line, Turn};
use crate::domain::Timestamp;

impl Line {
    /// A frame about one of its topics could not be read: what it told is missing.
    pub(in super::super) fn on_refused(&mut self, turn: &mut Turn<'_>, channel: Channel) {
        turn.health(self.live.refused(turn.at, &turn.settings.limits()));
        let Channel::Book(depth) = channel else {
            return;
        };
        let at = turn.at;
        if let Some(book) = self.book_of(depth)
            && let BookStep::Lost(reason) = book.lose(at, LossReason::Unreadable)
        {
            self.on_lost(turn, depth, at, reason);
        }
    }

    /// A connection with some of its topics is gone.
    pub(in super::super) fn on_down(&mut self, turn: &mut Turn<'_>, scope: &Scope<'_>) {
        for topic in self.wanted.topics() {
            if !scope.covers(topic.category, &topic.symbol, topic.channel) {
                continue;
            }
            match topic.channel {
                Channel::Book(depth) => {
                    let had_book = self.book_of(depth).is_some_and(TopicBook::on_down);
                    if depth == Depth::Best {
                        turn.health(self.live.on_down());
                    } else if had_book {
                        self.on_lost(turn, depth, turn.at, LossReason::Down);
                    }
                }
                Channel::Ticker => self.ticker.iter_mut().for_each(Ticker::on_down),
                Channel::Trades => self.tape.iter_mut().for_each(|tape| tape.is_heard = false),
                Channel::Kline(interval) => self
                    .tracks
                    .iter_mut()
                    .filter(|track| track.track.interval() == interval)
                    .for_each(|track| track.is_heard = false),
            }
            if self.best.is_none() {
                turn.health(self.live.on_down());
            }
        }
    }

    /// A connection with some of its topics is there.
    pub(in super::super) fn on_up(&mut self, at: Timestamp, scope: &Scope<'_>) {
        for topic in self.wanted.topics() {
            if let Channel::Book(depth) = topic.channel
                && scope.covers(topic.category, &topic.symbol, topic.channel)
                && let Some(book) = self.book_of(depth)
            {
                book.on_up(at);
            }
        }
    }

    /// Time has passed.
    pub(in super::super) fn on_tick(&mut self, turn: &mut Turn<'_>) {
        if self.best.is_some() {
            turn.health(self.live.on_tick(turn.at, &turn.settings.limits()));
        }
        let (at, retry_ms) = (turn.at, turn.settings.resync_retry_ms);
        for book in [&mut self.best, &mut self.book].into_iter().flatten() {
            if let Some(attempt) = book.on_tick(at, retry_ms) {
                let channel = Channel::Book(book.depth());
                let topic = self.wanted.topic(channel);
                turn.out.push(FeedOut::Resync { topic, attempt });
            }
        }
        let n_tracks = self.tracks.len();
        for n in 0..n_tracks {
            let interval = self.tracks[n].track.interval();
            self.with_track(turn, interval, |track, at, outs| {
                track.track.on_tick(at, outs);
            });
        }
    }

    /// Topics without a message of use since their connection is up.
    pub(in super::super) fn silent(&self) -> impl Iterator<Item = Topic> + '_ {
        let is_whole = |book: &Option<TopicBook>| book.as_ref().is_some_and(TopicBook::is_synced);
        self.wanted
            .topics()
            .into_iter()
            .filter(move |topic| match topic.channel {
                Channel::Book(Depth::Best) => !is_whole(&self.best),
                Channel::Book(_) => !is_whole(&self.book),
                Channel::Ticker => !self.ticker.as_ref().is_some_and(Ticker::is_synced),
                Channel::Trades => !self.tape.as_ref().is_some_and(|tape| tape.is_heard),
                Channel::Kline(interval) => !self
                    .tracks
                    .iter()
                    .any(|track| track.track.interval() == interval && track.is_heard),
            })
    }
}
