//! Ticker, trades and bars of an instrument.

use super::super::error::FrameProblem;
use super::super::frame::Frame;
use super::super::health::FeedHealth;
use super::super::klines::{Backfill, KlineOut};
use super::super::out::FeedOut;
use super::super::rows::{kline_rows, trade_rows};
use super::super::tickers::{Ticker, TickerFrame, TickerNews, TickerStep};
use super::{Line, Track, Turn};
use crate::domain::{BarEvent, Funding, Interval, MarketEvent, Timestamp};

impl Line {
    pub(super) fn on_ticker(
        &mut self,
        turn: &mut Turn<'_>,
        frame: &Frame<'_>,
        data: &[u8],
    ) -> Result<(), FrameProblem> {
        let (Some(ticker), Some(kind)) = (&mut self.ticker, frame.kind) else {
            return Err(FrameProblem::Missing { field: "type" });
        };
        let ticker_frame = TickerFrame {
            kind,
            ts: frame.ts,
            cs: frame.cs,
            data,
        };
        let news = match ticker.take(turn.at, &ticker_frame, self.wanted.symbol.as_str())? {
            TickerStep::Taken(news) => news,
            TickerStep::Old => {
                self.n_old += 1;
                return Ok(());
            }
            TickerStep::Unsynced => return Ok(()),
        };
        self.tell_ticker(turn, frame.ts, news);
        Ok(())
    }

    fn tell_ticker(&self, turn: &mut Turn<'_>, ts: Timestamp, news: TickerNews) {
        let instrument = self.wanted.instrument;
        let Some(facts) = self.ticker.as_ref().and_then(Ticker::facts) else {
            return;
        };
        if let Some(rate) = news.funding {
            turn.event(ts, MarketEvent::Funding(Funding { instrument, rate }));
        }
        if let (true, Some(price)) = (news.mark, facts.mark) {
            turn.event(ts, MarketEvent::Mark { instrument, price });
        }
        // The level-1 book is ten times quicker; two sources would take turns.
        if let (true, true, Some((bid, ask))) = (news.best, self.best.is_none(), facts.best()) {
            turn.event(ts, self.quote(bid, ask));
        }
    }

    pub(super) fn on_trades(
        &mut self,
        turn: &mut Turn<'_>,
        data: &[u8],
    ) -> Result<(), FrameProblem> {
        let Some(tape) = &mut self.tape else {
            return Ok(());
        };
        let rows = trade_rows(data, self.wanted.instrument, self.wanted.symbol.as_str())?;
        tape.is_heard = true;
        let n_before = tape.tape.n_dropped();
        for row in &rows {
            if tape.tape.is_new(row) {
                turn.event(row.time, MarketEvent::Trade(row.trade));
            }
        }
        self.n_old += tape.tape.n_dropped() - n_before;
        Ok(())
    }

    pub(super) fn on_klines(
        &mut self,
        turn: &mut Turn<'_>,
        interval: Interval,
        data: &[u8],
    ) -> Result<(), FrameProblem> {
        let rows = kline_rows(data, interval)?;
        self.with_track(turn, interval, |track, at, outs| {
            track.is_heard = true;
            track.track.on_frame(at, &rows, outs);
        });
        Ok(())
    }

    /// Takes an answer about past bars.
    pub(in super::super) fn on_backfill(
        &mut self,
        turn: &mut Turn<'_>,
        interval: Interval,
        answer: &Backfill<'_>,
    ) {
        self.with_track(turn, interval, |track, at, outs| {
            track.track.on_backfill(at, answer, outs);
        });
    }

    /// Runs one step of an interval's bars and tells what came out of it.
    pub(super) fn with_track(
        &mut self,
        turn: &mut Turn<'_>,
        interval: Interval,
        step: impl FnOnce(&mut Track, Timestamp, &mut Vec<KlineOut>),
    ) {
        let instrument = self.wanted.instrument;
        let mut outs = Vec::new();
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|track| track.track.interval() == interval) {
            step(track, turn.at, &mut outs);
        }
        for out in outs {
            match out {
                KlineOut::Opened { at, price } => {
                    turn.event(at, MarketEvent::BarOpen { instrument, price });
                }
                KlineOut::Closed(bar) => {
                    let event = BarEvent {
                        instrument,
                        interval,
                        confirmed: true,
                        bar,
                    };
                    let end = bar.open_time.plus_millis(interval.millis());
                    turn.event(end, MarketEvent::Bar(event));
                }
                KlineOut::Revised { was, now } => turn.health(Some(FeedHealth::BarRevised {
                    instrument,
                    interval,
                    was,
                    now,
                })),
                KlineOut::NeedBackfill(span) => turn.out.push(FeedOut::NeedBackfill {
                    instrument,
                    interval,
                    span,
                }),
                KlineOut::Absent(span) => turn.health(Some(FeedHealth::BarsAbsent {
                    instrument,
                    interval,
                    span,
                })),
            }
        }
    }
}
