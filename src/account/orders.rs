//! All orders of a session, by name: what each has heard, what may still fill.
//!
//! It folds the broker's events; it never concludes by itself that an order is gone. Only the
//! venue's word does that, passed on as an event or, after its proof, by
//! [`Orders::never_accepted`].

use std::collections::VecDeque;

use super::order::{Order, OrderState};
use crate::domain::{
    AccountEvent, ClientOrderId, Fill, InstrumentId, Intent, LegId, NotSent, Qty, RejectReason,
    Side, SignedQty, Timestamp, UsedNames,
};

/// Terminal orders that stay readable.
const KEPT: usize = 250;

/// An order of this name has been sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("order {0} has been sent before: a new attempt needs a new name")]
pub struct AlreadyKnown(pub ClientOrderId);

/// Something that should not happen, and that somebody must look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// The venue speaks of an order we never sent.
    UnknownOrder,
    /// It traded after it was believed to be over. The fill counts.
    FillAfterEnd {
        /// What it was believed to be; `None` when it ended so long ago that only its name is
        /// kept. Whether the fill is new, only the ledger can say then.
        was: Option<OrderState>,
    },
    /// The venue has an order that was believed never to have arrived. It stays closed here;
    /// it must be cancelled at the venue.
    SightedAfterEnd {
        /// What it was believed to be.
        was: OrderState,
    },
    /// More traded than was asked for.
    Overfilled {
        /// The amount beyond.
        excess: Qty,
    },
}

/// What one event did to the orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderOutcome {
    /// Whether anything is different now.
    pub changed: bool,
    /// Whether this event ended the order; true once in the life of an order.
    pub ended: bool,
    /// What somebody must look at.
    pub incident: Option<Incident>,
}

/// What live orders of one instrument could still do, without those that may only reduce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct WorstCase {
    buys: i128,
    sells: i128,
}

/// Every order of the session.
///
/// Invariants: a terminal order never becomes live; the worst case of an instrument is the sum
/// over its live orders; a name is used once, for ever. Any permutation and repetition of the
/// same events leads to the same states.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// Live orders, oldest first. They are few and nearly every event is about one of them, so
    /// looking at each is cheaper than an index.
    #[expect(
        clippy::vec_box,
        reason = "an order moves between two lists in its life"
    )]
    live: Vec<Box<Order>>,
    /// Terminal orders that are still readable, in the order in which they ended.
    ended: VecDeque<Box<Order>>,
    /// Names of all of them, and of those that are not readable any more.
    used: UsedNames,
    worst: Vec<WorstCase>,
    n_sent: u64,
}

impl Orders {
    /// No orders yet, for `n_instruments` instruments.
    #[must_use]
    pub fn new(n_instruments: usize) -> Self {
        Self {
            worst: vec![WorstCase::default(); n_instruments],
            ..Self::default()
        }
    }

    /// Takes up an order that has been handed to the gateway.
    ///
    /// # Errors
    ///
    /// When an order of that name was sent before; nothing changes then.
    pub fn sent(&mut self, intent: &Intent, at: Timestamp) -> Result<(), AlreadyKnown> {
        if !self.used.insert(intent.id.as_str()) {
            return Err(AlreadyKnown(intent.id));
        }
        let order = Order::new(intent.clone(), at);
        self.n_sent += 1;
        self.reserve(intent.spec.instrument, order.reserve(), 1);
        self.live.push(Box::new(order));
        Ok(())
    }

    /// Notes that a cancel of this order has been handed to the gateway; `false` when the order
    /// is not live, and a cancel would be pointless.
    pub fn cancel_sent(&mut self, id: &ClientOrderId, at: Timestamp) -> bool {
        let live = self.get(id).is_some_and(Order::is_live);
        if live {
            self.change(id, at, |o| turn_on(&mut o.facts.cancel_requested));
        }
        live
    }

    /// Closes an unanswered order after the venue has proven that it never arrived.
    pub fn never_accepted(&mut self, id: &ClientOrderId, at: Timestamp) -> OrderOutcome {
        self.change(id, at, |o| turn_on(&mut o.facts.never_accepted))
    }

    /// Folds one event of the broker.
    pub fn apply(&mut self, event: &AccountEvent, at: Timestamp) -> OrderOutcome {
        match event {
            AccountEvent::Accepted { order } => {
                self.sighted(order, at, |o| turn_on(&mut o.facts.accepted))
            }
            AccountEvent::Triggered { order } => {
                self.sighted(order, at, |o| turn_on(&mut o.facts.triggered))
            }
            AccountEvent::Rejected { order, reason } => self.change(order, at, |o| match reason {
                RejectReason::DuplicateId => turn_on(&mut o.facts.duplicate_id),
                reason => keep_first(&mut o.facts.rejected, reason, RejectReason::to_string),
            }),
            AccountEvent::NotSent { order, cause } => self.change(order, at, |o| {
                keep_first(&mut o.facts.not_sent, cause, NotSent::to_string)
            }),
            AccountEvent::Unknown { order, cause } => self.change(order, at, |o| {
                keep_first(&mut o.facts.unknown, cause, String::clone)
            }),
            AccountEvent::Cancelled { order } => {
                self.change(order, at, |o| turn_on(&mut o.facts.cancelled))
            }
            AccountEvent::CancelRejected { order } => self.change(order, at, |o| {
                std::mem::replace(&mut o.facts.cancel_requested, false)
            }),
            AccountEvent::Fill(fill) => self.fill(fill, at),
            AccountEvent::NeverAccepted { order } => self.never_accepted(order, at),
            AccountEvent::Funding { .. } | AccountEvent::Report(_) => OrderOutcome::default(),
        }
    }

    fn fill(&mut self, fill: &Fill, at: Timestamp) -> OrderOutcome {
        let before = self.get(&fill.order);
        let was_known = before.is_some();
        let was = before.filter(|o| !o.is_live()).map(Order::state);
        let mut excess = Qty::ZERO;
        let mut outcome = self.change(&fill.order, at, |o| {
            let is_new = o.add_fill(fill);
            o.accepted_at.get_or_insert(at);
            excess = o.excess();
            is_new
        });
        if outcome.changed && !excess.is_zero() {
            outcome.incident = Some(Incident::Overfilled { excess });
        } else if outcome.changed && was.is_some() {
            outcome.incident = Some(Incident::FillAfterEnd { was });
        } else if !was_known && self.is_known(&fill.order) {
            outcome.incident = Some(Incident::FillAfterEnd { was: None });
        }
        outcome
    }

    /// A change that also shows that the venue has the order.
    fn sighted(
        &mut self,
        id: &ClientOrderId,
        at: Timestamp,
        change: impl FnOnce(&mut Order) -> bool,
    ) -> OrderOutcome {
        // One that is over and is sighted all the same is rare: only then its state is needed.
        let was = self.get(id).filter(|o| !o.is_live()).map(Order::state);
        let mut outcome = self.change(id, at, change);
        self.seen(id, at);
        if let Some(was @ (OrderState::NotSent(_) | OrderState::NeverAccepted)) = was
            && outcome.changed
        {
            outcome.incident = Some(Incident::SightedAfterEnd { was });
        }
        outcome
    }

    /// Changes one order and keeps every sum and list in step with it. `change` says whether
    /// anything is different after it.
    fn change(
        &mut self,
        id: &ClientOrderId,
        at: Timestamp,
        change: impl FnOnce(&mut Order) -> bool,
    ) -> OrderOutcome {
        let Some(order) = self.get_mut(id) else {
            return OrderOutcome {
                incident: (!self.is_known(id)).then_some(Incident::UnknownOrder),
                ..OrderOutcome::default()
            };
        };
        let (was_live, before) = (order.is_live(), order.reserve());
        if !change(order) {
            return OrderOutcome::default();
        }
        order.updated_at = at;
        let ended = was_live && !order.is_live();
        let instrument = order.intent.spec.instrument;
        let after = order.reserve();
        self.reserve(instrument, before, -1);
        self.reserve(instrument, after, 1);
        if ended {
            self.end(id);
        }
        OrderOutcome {
            changed: true,
            ended,
            incident: None,
        }
    }

    fn end(&mut self, id: &ClientOrderId) {
        if let Some(at) = self.live.iter().position(|o| o.intent.id == *id) {
            if self.ended.len() == KEPT {
                self.ended.pop_front();
            }
            self.ended.push_back(self.live.remove(at));
        }
    }

    /// Notes the first moment at which the venue showed that it has the order.
    fn seen(&mut self, id: &ClientOrderId, at: Timestamp) {
        if let Some(order) = self.get_mut(id) {
            order.accepted_at.get_or_insert(at);
        }
    }

    fn get_mut(&mut self, id: &ClientOrderId) -> Option<&mut Order> {
        let newest_ended = self.ended.iter_mut().rev();
        let mut orders = self.live.iter_mut().chain(newest_ended);
        let found = orders.find(|o| o.intent.id == *id);
        found.map(|order| &mut **order)
    }

    fn reserve(&mut self, instrument: InstrumentId, (side, qty): (Side, Qty), times: i128) {
        let at = instrument.index();
        if self.worst.len() <= at {
            self.worst.resize(at + 1, WorstCase::default());
        }
        let sum = match side {
            Side::Buy => &mut self.worst[at].buys,
            Side::Sell => &mut self.worst[at].sells,
        };
        *sum += times * qty.raw();
    }

    /// Everything that could still fill per side, `(buys, sells)`: in flight, working and
    /// unresolved, without orders that may only reduce.
    ///
    /// # Panics
    ///
    /// Never: a sum of open amounts is not negative.
    #[must_use]
    pub fn worst_case(&self, instrument: InstrumentId) -> (Qty, Qty) {
        let worst = self.worst.get(instrument.index()).copied();
        let worst = worst.unwrap_or_default();
        let qty = |raw| Qty::from_raw(raw).expect("a sum of open amounts is not negative");
        (qty(worst.buys), qty(worst.sells))
    }

    /// Live orders of one leg on one instrument, oldest first, protection included.
    pub fn in_flight_or_working(
        &self,
        instrument: InstrumentId,
        leg: LegId,
    ) -> impl Iterator<Item = &Order> {
        self.live()
            .filter(move |o| o.intent.leg == leg && o.intent.spec.instrument == instrument)
    }

    /// Signed amount that live orders of one leg may still trade on their way to a target, closes
    /// included, protection not.
    #[must_use]
    pub fn pending(&self, instrument: InstrumentId, leg: LegId) -> SignedQty {
        self.in_flight_or_working(instrument, leg)
            .filter(|o| !o.is_protection())
            .map(|o| o.open_qty().signed(o.intent.spec.side))
            .sum()
    }

    /// Amount that live reduce-only orders may still close, sleeping protection not counted.
    #[must_use]
    pub fn closing(&self, instrument: InstrumentId) -> Qty {
        self.live()
            .filter(|o| {
                let spec = &o.intent.spec;
                spec.reduce_only && spec.instrument == instrument && !o.is_protection()
            })
            .map(Order::open_qty)
            .sum()
    }

    /// Whether the cancel of an order that could add to a position is still under way.
    #[must_use]
    pub fn is_cancelling(&self, instrument: InstrumentId) -> bool {
        self.live().any(|o| {
            let spec = &o.intent.spec;
            spec.instrument == instrument && !spec.reduce_only && o.facts.cancel_requested
        })
    }

    /// A live order of this instrument whose outcome nobody knows, oldest first.
    #[must_use]
    pub fn unresolved(&self, instrument: InstrumentId) -> Option<ClientOrderId> {
        self.live()
            .filter(|o| o.intent.spec.instrument == instrument)
            .find(|o| o.is_unresolved())
            .map(|o| o.intent.id)
    }

    /// Live orders, oldest first.
    pub fn live(&self) -> impl Iterator<Item = &Order> {
        self.live.iter().map(|order| &**order)
    }

    /// Number of live orders.
    #[must_use]
    pub fn n_live(&self) -> usize {
        self.live.len()
    }

    /// Newest terminal orders, in the order in which they ended, at most 250.
    pub fn ended(&self) -> impl Iterator<Item = &Order> {
        self.ended.iter().map(|order| &**order)
    }

    /// An order that is live or among the newest terminal ones.
    #[must_use]
    pub fn get(&self, id: &ClientOrderId) -> Option<&Order> {
        let mut orders = self.live.iter().chain(self.ended.iter().rev());
        orders.find(|o| o.intent.id == *id).map(|order| &**order)
    }

    /// Whether an order of this name was ever sent.
    #[must_use]
    pub fn is_known(&self, id: &ClientOrderId) -> bool {
        self.used.contains(id.as_str())
    }

    /// Orders sent so far.
    #[must_use]
    pub const fn n_sent(&self) -> u64 {
        self.n_sent
    }
}

/// Notes a fact; returns whether it is new.
fn turn_on(fact: &mut bool) -> bool {
    !std::mem::replace(fact, true)
}

/// Keeps one of several contradicting reasons, the same one whatever their order: the first in
/// the alphabet. Returns whether that changed it.
fn keep_first<T: Clone>(slot: &mut Option<T>, new: &T, text: impl Fn(&T) -> String) -> bool {
    let is_first = slot.as_ref().is_none_or(|old| text(new) < text(old));
    if is_first {
        *slot = Some(new.clone());
    }
    is_first
}
