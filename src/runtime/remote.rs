//! The engine's end of a broker that is elsewhere: a queue out, and the venue's newest word.
//!
//! It never waits. What cannot be queued is answered as not sent, except cancels, whose queue is
//! long enough for every order a session may have.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::domain::{
    AccountEvent, AccountReport, ClientOrderId, MarketEvent, Money, NotSent, Price, Timestamp,
};
use crate::risk::Approved;
use crate::venue::broker::{AccountSnapshot, Broker, KnownOrder, OpenPosition, Standing};

/// Entries that may wait for the gateway.
const ENTRIES: usize = 64;
/// Cancels and closes that may wait for it.
const URGENT: usize = 1_024;

/// Something for the gateway to send.
#[derive(Debug)]
pub enum Outgoing {
    /// An order, with the last known price when it was handed over.
    Submit(Approved, Option<Price>),
    /// A cancel.
    Cancel(ClientOrderId),
    /// An order of an interrupted session.
    Known(KnownOrder, Standing),
}

/// What the venue itself said last, for the flat certificate.
#[derive(Debug, Clone, Default)]
pub struct VenueWord(Arc<Mutex<Word>>);

#[derive(Debug, Default)]
struct Word {
    report: Option<AccountReport>,
    /// Since when every report has been flat with nothing on its way.
    flat_since: Option<Timestamp>,
}

impl VenueWord {
    /// Takes a report over; `is_quiet` is whether nothing was on its way when it was asked for.
    pub fn report(&self, report: AccountReport, is_quiet: bool) {
        let mut word = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_flat = report.orders.is_empty() && report.positions.is_empty();
        word.flat_since = match word.flat_since {
            Some(since) if is_flat && is_quiet => Some(since),
            _ => (is_flat && is_quiet).then_some(report.asked_at),
        };
        word.report = Some(report);
    }

    /// Something has happened since the last report.
    pub fn disturb(&self) {
        let mut word = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        word.flat_since = None;
    }
}

/// The queue to the gateway, and what waits in it.
#[derive(Debug)]
pub struct Outbox {
    /// Entries.
    pub entries: mpsc::Receiver<Outgoing>,
    /// Cancels and whatever may only reduce.
    pub urgent: mpsc::Receiver<Outgoing>,
}

/// A broker elsewhere, as the session sees it.
#[derive(Debug)]
pub struct Remote {
    entries: mpsc::Sender<Outgoing>,
    urgent: mpsc::Sender<Outgoing>,
    word: VenueWord,
    /// Last trade or bar price of each instrument.
    last: Vec<Option<Price>>,
    answers: VecDeque<(Timestamp, AccountEvent)>,
    is_muted: bool,
    /// How long the venue must have said flat, in milliseconds.
    certain_after_ms: i64,
}

impl Remote {
    /// A remote broker for `n_instruments`, and the queue that a gateway empties. Flat is certain
    /// once the venue has said so for `certain_after_ms`.
    #[must_use]
    pub fn new(n_instruments: usize, word: VenueWord, certain_after_ms: i64) -> (Self, Outbox) {
        let (entries, entry_lane) = mpsc::channel(ENTRIES);
        let (urgent, urgent_lane) = mpsc::channel(URGENT);
        let remote = Self {
            entries,
            urgent,
            word,
            last: vec![None; n_instruments],
            answers: VecDeque::new(),
            is_muted: false,
            certain_after_ms,
        };
        let outbox = Outbox {
            entries: entry_lane,
            urgent: urgent_lane,
        };
        (remote, outbox)
    }
}

impl Broker for Remote {
    fn submit(&mut self, at: Timestamp, order: Approved) {
        if self.is_muted {
            return;
        }
        self.word.disturb();
        let spec = &order.intent().spec;
        let expected = self.last.get(spec.instrument.index()).copied().flatten();
        let id = order.intent().id;
        let queue = if spec.reduce_only {
            &self.urgent
        } else {
            &self.entries
        };
        if queue.try_send(Outgoing::Submit(order, expected)).is_err() {
            let cause = NotSent::QueueFull;
            self.answers
                .push_back((at, AccountEvent::NotSent { order: id, cause }));
        }
    }

    fn cancel(&mut self, at: Timestamp, order: ClientOrderId) {
        if self.is_muted {
            return;
        }
        self.word.disturb();
        if self.urgent.try_send(Outgoing::Cancel(order)).is_err() {
            self.answers
                .push_back((at, AccountEvent::CancelRejected { order }));
        }
    }

    fn on_market(
        &mut self,
        _: Timestamp,
        event: &MarketEvent,
        _: &mut Vec<(Timestamp, AccountEvent)>,
    ) {
        let price = match event {
            MarketEvent::BarOpen { price, .. } => *price,
            MarketEvent::Bar(bar) => bar.bar.close,
            MarketEvent::Trade(trade) => trade.price,
            _ => return,
        };
        if let Some(last) = self.last.get_mut(event.instrument().index()) {
            *last = Some(price);
        }
    }

    fn advance(&mut self, to: Timestamp, out: &mut Vec<(Timestamp, AccountEvent)>) {
        while self.answers.front().is_some_and(|(at, _)| *at <= to) {
            out.extend(self.answers.pop_front());
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.answers.front().map(|(at, _)| *at)
    }

    fn account(&self) -> AccountSnapshot {
        let word = self.word.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(report) = &word.report else {
            return AccountSnapshot {
                is_uncertain: true,
                ..AccountSnapshot::default()
            };
        };
        let is_certain = word
            .flat_since
            .is_some_and(|since| self.certain_after_ms <= report.asked_at.since(since));
        AccountSnapshot {
            orders: Vec::new(),
            positions: report
                .positions
                .iter()
                .filter_map(|p| {
                    Some(OpenPosition {
                        instrument: p.instrument?,
                        qty: p.size,
                        entry: p.entry.unwrap_or_default(),
                    })
                })
                .collect(),
            cash: report.cash.unwrap_or(Money::ZERO),
            is_uncertain: !is_certain,
        }
    }

    fn mute(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
    }

    fn resume(&mut self, orders: Vec<(KnownOrder, Standing)>) {
        for (order, standing) in orders {
            if self
                .urgent
                .try_send(Outgoing::Known(order, standing))
                .is_err()
            {
                tracing::error!("too many orders of the last session: some are not looked for");
            }
        }
    }

    fn accounts_are_sources(&self) -> bool {
        true
    }
}
