//! The paper broker: the matcher behind a queue that stands for the way to the venue.
//!
//! It adds latency and nothing else; every rule of matching is the matcher's.
//!
//! 1. What is handed over at `t` reaches the matcher at `t + latency`; arrivals are worked off
//!    in the order (time, hand-over). Answers are visible at the moment they happen.
//! 2. Arrivals due at or before a market event's time come before that event. An order decided on
//!    an event of that very moment therefore sees the market as that event left it.
//! 3. So with latency 0 an order decided at a bar's close, at `T`, arrives after that close and
//!    before the open of the next bar, at `T` too. The close is no price it could trade at: with
//!    bars only it waits and fills at the open (rule 16 of [`super::matcher`]).
//! 4. At most [`PaperBroker::MAX_ON_THE_WAY`] orders are on their way; a further one is answered
//!    as not sent. Cancels are always taken.

use std::collections::BTreeMap;

use super::matcher::{Answers, Matcher};
use crate::domain::{AccountEvent, ClientOrderId, MarketEvent, NotSent, Price, Timestamp};
use crate::risk::Approved;
use crate::venue::broker::{AccountSnapshot, Broker};

/// Something on its way to the matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Arrival {
    Submit {
        order: Approved,
        /// Last known price when it was handed over.
        expected: Option<Price>,
    },
    Cancel(ClientOrderId),
    /// An order that was not taken; it only waits to be answered.
    Turned(ClientOrderId),
}

/// A simulated account on whatever market it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperBroker {
    matcher: Matcher,
    latency_ms: u32,
    queue: BTreeMap<(Timestamp, u64), Arrival>,
    n_handed_over: u64,
    n_orders_on_the_way: usize,
}

impl PaperBroker {
    /// Orders that may be on their way at once; far above what a session sends in one latency.
    pub const MAX_ON_THE_WAY: usize = 1024;

    /// A broker over `matcher`; orders and cancels take `latency_ms` milliseconds to arrive.
    #[must_use]
    pub const fn new(matcher: Matcher, latency_ms: u32) -> Self {
        Self {
            matcher,
            latency_ms,
            queue: BTreeMap::new(),
            n_handed_over: 0,
            n_orders_on_the_way: 0,
        }
    }

    /// The venue behind it, for reports.
    #[must_use]
    pub const fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    fn hand_over(&mut self, at: Timestamp, arrival: Arrival) {
        self.n_handed_over += 1;
        self.queue.insert((at, self.n_handed_over), arrival);
    }

    fn arrive(&mut self, at: Timestamp, arrival: Arrival, out: &mut Answers) {
        match arrival {
            Arrival::Submit { order, expected } => {
                self.n_orders_on_the_way -= 1;
                self.matcher
                    .submit_expecting(at, order.intent(), expected, out);
            }
            Arrival::Cancel(order) => self.matcher.cancel(at, &order, out),
            Arrival::Turned(order) => {
                let cause = NotSent::QueueFull;
                out.push((at, AccountEvent::NotSent { order, cause }));
            }
        }
    }
}

impl Broker for PaperBroker {
    fn submit(&mut self, at: Timestamp, order: Approved) {
        if self.n_orders_on_the_way >= Self::MAX_ON_THE_WAY {
            let turned = Arrival::Turned(order.intent().id);
            return self.hand_over(at, turned);
        }
        self.n_orders_on_the_way += 1;
        let expected = self.matcher.reference(order.intent().spec.instrument);
        let arrives = at.plus_millis(i64::from(self.latency_ms));
        self.hand_over(arrives, Arrival::Submit { order, expected });
    }

    fn cancel(&mut self, at: Timestamp, order: ClientOrderId) {
        let arrives = at.plus_millis(i64::from(self.latency_ms));
        self.hand_over(arrives, Arrival::Cancel(order));
    }

    fn on_market(&mut self, at: Timestamp, event: &MarketEvent, out: &mut Answers) {
        self.advance(at, out);
        self.matcher.on_market(at, event, out);
    }

    fn advance(&mut self, to: Timestamp, out: &mut Answers) {
        while let Some(first) = self.queue.first_entry()
            && first.key().0 <= to
        {
            let ((at, _), arrival) = first.remove_entry();
            self.arrive(at, arrival, out);
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn account(&self) -> AccountSnapshot {
        self.matcher.account()
    }
}

#[cfg(test)]
mod tests;
