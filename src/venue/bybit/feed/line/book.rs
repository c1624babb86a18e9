//! Books of an instrument: frames in, books and quotes out.

use super::super::books::{BookFrame, BookStep, LossReason, TopicBook};
use super::super::error::FrameProblem;
use super::super::frame::{BookHead, Frame, FrameKind, Levels};
use super::super::health::FeedHealth;
use super::super::out::{BookDelivery, FeedOut};
use super::super::topics::{Channel, Depth};
use super::{Line, Turn};
use crate::domain::{BookUpdate, Level, MarketEvent, Quote, Timestamp};

impl Line {
    #[inline]
    pub(super) fn on_book(
        &mut self,
        turn: &mut Turn<'_>,
        depth: Depth,
        frame: &Frame<'_>,
        (head, levels): (&BookHead<'_>, &Levels),
    ) -> Result<(), FrameProblem> {
        if head.symbol != self.symbol().as_str() {
            let expected = "the symbol of its topic";
            return Err(FrameProblem::value("s", &head.symbol, expected));
        }
        let Some(book) = self.book_of(depth) else {
            return Ok(());
        };
        let was_synced = book.is_synced();
        let step = book.take(
            turn.at,
            &BookFrame {
                kind: frame.kind.unwrap_or(FrameKind::Delta),
                update_id: head.update_id,
                ts: frame.ts,
                levels,
            },
        );
        let made = frame.cts.unwrap_or(frame.ts);
        match step {
            BookStep::Old => self.n_old += 1,
            BookStep::Unsynced => {}
            BookStep::Lost(reason) => self.on_lost(turn, depth, made, reason),
            BookStep::Repeated => turn.health(self.live.seen(turn.at)),
            BookStep::Replaced | BookStep::Changed if depth == Depth::Best => {
                turn.health(self.live.seen(turn.at));
                self.quote_from_book(turn, made);
            }
            BookStep::Replaced | BookStep::Changed => {
                let instrument = self.wanted.instrument;
                turn.health((!was_synced).then_some(FeedHealth::BookWhole { instrument }));
                if turn.settings.books == BookDelivery::Latest {
                    self.is_dirty = true;
                    return Ok(());
                }
                let update = BookUpdate {
                    instrument,
                    snapshot: step == BookStep::Replaced,
                    update_id: head.update_id,
                    bids: levels.bids.clone(),
                    asks: levels.asks.clone(),
                };
                turn.event(made, MarketEvent::Book(update));
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn book_of(&mut self, depth: Depth) -> Option<&mut TopicBook> {
        match depth {
            Depth::Best => self.best.as_mut(),
            _ => self.book.as_mut(),
        }
    }

    /// Tells the best prices of the level-1 book, when both sides have one.
    fn quote_from_book(&self, turn: &mut Turn<'_>, made: Timestamp) {
        let Some(view) = self.best.as_ref().and_then(TopicBook::view) else {
            return;
        };
        if let (Some(bid), Some(ask)) = (view.bids.first(), view.asks.first()) {
            turn.event(made, self.quote(*bid, *ask));
        }
    }

    pub(super) fn quote(&self, bid: Level, ask: Level) -> MarketEvent {
        MarketEvent::Quote(Quote {
            instrument: self.wanted.instrument,
            bid: bid.price,
            bid_qty: bid.qty,
            ask: ask.price,
            ask_qty: ask.qty,
        })
    }

    /// A book is lost: its readers get an empty one, and its topic is asked for again.
    #[cold]
    pub(super) fn on_lost(
        &mut self,
        turn: &mut Turn<'_>,
        depth: Depth,
        made: Timestamp,
        reason: LossReason,
    ) {
        if depth != Depth::Best {
            let instrument = self.wanted.instrument;
            self.is_dirty = false;
            turn.health(Some(FeedHealth::BookLost { instrument, reason }));
            let empty = BookUpdate {
                instrument,
                snapshot: true,
                update_id: self.book.as_ref().map_or(0, TopicBook::update_id),
                bids: Vec::new(),
                asks: Vec::new(),
            };
            turn.event(made, MarketEvent::Book(empty));
        }
        if reason != LossReason::Down {
            let topic = self.wanted.topic(Channel::Book(depth));
            turn.out.push(FeedOut::Resync { topic, attempt: 1 });
        }
    }

    /// Tells the newest state of the book, when it has changed since.
    pub(in super::super) fn drain_book(&mut self, turn: &mut Turn<'_>) {
        if std::mem::take(&mut self.is_dirty)
            && let Some(view) = self.book.as_ref().and_then(TopicBook::view)
        {
            turn.event(view.made, MarketEvent::Book(view.to_update()));
        }
    }
}
