//! The engine's own state: one entry a market, one a leg.

use std::collections::VecDeque;

use super::planner::NoOrder;
use crate::control::{FillView, Notice, NoticeLevel};
use crate::domain::{
    Bar, BarEvent, ClientOrderId, Exposure, Funding, InstrumentId, Interval, LegId, Money, Price,
    Qty, Rate, Side, Timestamp,
};
use crate::market::{Book, Series};
use crate::risk::Rule;
use crate::strategy::Strategy;

/// Bars kept for the chart of a market.
pub(super) const CHART_BARS: usize = 320;
/// Past targets kept a leg.
pub(super) const ACTIONS: usize = 256;

/// One line of the log.
#[derive(Debug)]
pub(super) enum Note {
    /// Already in words.
    Said(Notice),
    /// A fill, with the line's number.
    Filled(u64, FillView),
}

impl Note {
    /// The line in words.
    pub(super) fn to_notice(&self) -> Notice {
        match self {
            Note::Said(notice) => notice.clone(),
            Note::Filled(id, fill) => Notice {
                id: *id,
                at: fill.at,
                level: NoticeLevel::Info,
                topic: "exec".into(),
                text: format!(
                    "{} {} {} @ {} {} fee {:.4}",
                    fill.side, fill.qty, fill.symbol, fill.price, fill.liquidity, fill.fee
                ),
            },
        }
    }
}

/// What is known about one market.
#[derive(Debug)]
pub(super) struct Market {
    /// Price of the newest trade or bar: what orders are sized with.
    pub(super) last: Option<Price>,
    /// When that price held: a bar's close is as old as the bar's end, however late it arrives.
    pub(super) last_at: Timestamp,
    /// End of the newest closed bar of any interval.
    bar_end: Timestamp,
    /// Newest price of any kind, the middle of a quote included: what positions are valued at.
    pub(super) newest: Option<Price>,
    pub(super) bid: Option<(Price, Qty)>,
    pub(super) ask: Option<(Price, Qty)>,
    pub(super) mark: Option<Price>,
    pub(super) funding: Option<Rate>,
    pub(super) funded_at: Option<Timestamp>,
    pub(super) updated: Option<Timestamp>,
    pub(super) book: Option<Book>,
    pub(super) chart: Option<Chart>,
    pub(super) n_bad: u64,
    pub(super) has_gap: bool,
}

/// Newest bars of a market at one interval, for people.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) interval: Interval,
    pub(super) bars: VecDeque<Bar>,
}

impl Market {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            last_at: Timestamp::default(),
            bar_end: Timestamp::default(),
            newest: None,
            bid: None,
            ask: None,
            mark: None,
            funding: None,
            funded_at: None,
            updated: None,
            book: None,
            chart: None,
            n_bad: 0,
            has_gap: false,
        }
    }

    /// Price to value a position with: the mark where the feed has one, else the newest price.
    pub(super) fn valuation(&self) -> Option<Price> {
        self.mark.or(self.newest)
    }

    /// Takes the price of a trade or a bar. A price of zero is no price.
    #[inline]
    pub(super) fn traded(&mut self, price: Price, at: Timestamp) {
        if price.is_zero() {
            self.n_bad += 1;
            return;
        }
        self.last = Some(price);
        self.last_at = at;
        self.newest = Some(price);
    }

    /// Takes a bar's close, unless a newer bar has closed already: a bar that comes twice or too
    /// late says nothing about the price of now. The bar must have passed its check.
    #[inline]
    pub(super) fn barred(&mut self, event: &BarEvent, now: Timestamp) {
        let end = event.bar.open_time.plus_millis(event.interval.millis());
        if self.bar_end < end {
            self.traded(event.bar.close, now.min(end));
            if event.confirmed {
                self.bar_end = end;
            }
        }
        if event.confirmed {
            self.draw_bar(event.interval, &event.bar);
        }
    }

    /// Takes a mark price. Zero is no price.
    pub(super) fn marked(&mut self, price: Price) {
        if price.is_zero() {
            self.n_bad += 1;
        } else {
            self.mark = Some(price);
        }
    }

    /// Takes the best prices of a quote; one that is empty or crossed says nothing.
    pub(super) fn quoted(&mut self, bid: (Price, Qty), ask: (Price, Qty)) {
        if bid.0.is_zero() || ask.0 < bid.0 {
            self.n_bad += 1;
            return;
        }
        self.bid = Some(bid);
        self.ask = Some(ask);
        self.newest = Some(bid.0.midpoint(ask.0));
    }

    fn draw_bar(&mut self, interval: Interval, bar: &Bar) {
        let chart = self.chart.get_or_insert_with(|| Chart {
            interval,
            bars: VecDeque::with_capacity(CHART_BARS),
        });
        let is_new = |newest: &Bar| newest.open_time < bar.open_time;
        if chart.interval == interval && chart.bars.back().is_none_or(is_new) {
            if chart.bars.len() == CHART_BARS {
                chart.bars.pop_front();
            }
            chart.bars.push_back(*bar);
        }
    }

    pub(super) fn fund(&mut self, funding: &Funding, at: Timestamp) {
        self.funding = Some(funding.rate);
        self.funded_at = Some(at);
    }
}

/// How far the newest bar of a leg got: the raw material of the why ladder.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reached {
    /// No bar yet.
    Nothing,
    /// The bar was not usable.
    Data(String),
    /// The strategy needs more bars.
    Warming { have: u64, need: u64 },
    /// The leg is stopped.
    Stopped,
    /// The strategy holds because of an error.
    Held(String),
    /// The plan is empty.
    Planned(NoOrder),
    /// Risk refused.
    Refused(String),
    /// Orders left.
    Sent(u32),
}

/// One strategy at work.
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) instrument: InstrumentId,
    pub(super) interval: Interval,
    pub(super) strategy: Box<dyn Strategy>,
    pub(super) series: Series,
    pub(super) full_value: Money,
    pub(super) stop_loss: Rate,
    /// Hash over account, strategy, symbol and interval: the first part of its order ids.
    pub(super) scope: u64,
    pub(super) target: Option<Exposure>,
    /// Open time of the bar of the newest decision.
    pub(super) bar: Timestamp,
    pub(super) stopped: bool,
    pub(super) failed: bool,
    pub(super) errors_in_row: u32,
    pub(super) n_decisions: u64,
    pub(super) n_holds: u64,
    pub(super) actions: VecDeque<(Timestamp, Exposure)>,
    pub(super) reached: Reached,
    /// Rule that refused the newest entry; `None` once one has passed.
    pub(super) refused: Option<Rule>,
    /// Prices between which a position on target needs no second look.
    pub(super) calm: Option<(Price, Price)>,
    /// The stop at the venue, until it is known to be over.
    pub(super) stop: Option<ClientOrderId>,
    /// Stops that died without being asked to, since one last lived through a bar.
    pub(super) stop_faults: u32,
    /// No protective or flattening close before then: the last one was turned away.
    pub(super) close_not_before: Timestamp,
    /// Whether the newest decision waits for the cancel of an older one's entries.
    pub(super) replan: bool,
    /// Price of the bot-side stop, with the side and entry that it was computed for.
    pub(super) net: Option<(Side, Price, Price)>,
    pub(super) attempts: Attempts,
    /// Bar whose entry the balance did not cover, and how often it was made smaller.
    pub(super) shrunk: (Timestamp, u32),
}

/// Counts orders of one role within one bar, so that each gets a name of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    bar: Timestamp,
    stop: u32,
    close: u32,
    open: u32,
    flip: u32,
    flatten: u32,
}

impl Attempts {
    /// Next number for `role` on `bar`.
    pub(super) fn next(&mut self, bar: Timestamp, role: char) -> u32 {
        if self.bar != bar {
            *self = Self {
                bar,
                ..Self::default()
            };
        }
        let counter = match role {
            's' => &mut self.stop,
            'f' => &mut self.flatten,
            'o' => &mut self.open,
            'n' => &mut self.flip,
            _ => &mut self.close,
        };
        *counter += 1;
        *counter - 1
    }
}

impl Leg {
    pub(super) fn remember(&mut self, at: Timestamp, target: Exposure) {
        if self.actions.len() == ACTIONS {
            self.actions.pop_front();
        }
        self.actions.push_back((at, target));
    }
}

impl std::fmt::Debug for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leg")
            .field("id", &self.id)
            .field("instrument", &self.instrument)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
