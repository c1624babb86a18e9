//! What every broker is asked for, and the words that its answers are put into.

use std::collections::BTreeSet;

use tradeterm::domain::{
    AccountEvent, ClientOrderId, Fill, MarketEvent, OrderSpec, Qty, RejectReason, Timestamp,
};

use super::script::{Act, Script};

/// A broker with a market in front of it. Each call returns when everything that follows from it
/// has been heard.
pub(crate) trait Desk {
    fn market(&mut self, at: Timestamp, event: &MarketEvent);
    fn submit(&mut self, at: Timestamp, id: ClientOrderId, spec: &OrderSpec);
    /// Hands over an order under a used name; returns when that was noticed.
    fn again(&mut self, at: Timestamp, id: ClientOrderId, spec: &OrderSpec);
    fn cancel(&mut self, at: Timestamp, id: ClientOrderId);
    /// What was heard.
    fn heard(&self) -> &Told;
    /// The broker's own word: orders, positions, cash.
    fn account(&mut self) -> Vec<String>;
}

/// Plays a case and says how it ended: the orders in the order of their names' first use, then
/// the account.
pub(crate) fn play(desk: &mut dyn Desk, script: &Script) -> Vec<String> {
    for (at, act) in &script.acts {
        match act {
            Act::Market(event) => desk.market(*at, event),
            Act::Submit(id, spec) => desk.submit(*at, *id, spec),
            Act::Again(id, spec) => desk.again(*at, *id, spec),
            Act::Cancel(id) => desk.cancel(*at, *id),
        }
    }
    let mut words = desk.heard().words();
    words.extend(desk.account());
    words
}

/// How far an order has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Sent,
    Open,
    Filled,
    Cancelled,
    Refused,
}

impl State {
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, State::Filled | State::Cancelled | State::Refused)
    }

    const fn name(self) -> &'static str {
        match self {
            State::Sent => "sent",
            State::Open => "open",
            State::Filled => "filled",
            State::Cancelled => "cancelled",
            State::Refused => "refused",
        }
    }
}

/// What was heard of one order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: ClientOrderId,
    pub(crate) state: State,
    pub(crate) fills: Vec<Fill>,
    pub(crate) n_too_late: usize,
    pub(crate) n_repeats_noticed: usize,
    qty: Qty,
    filled: Qty,
    has_woken: bool,
    reason: Option<RejectReason>,
}

/// Everything that was heard.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) orders: Vec<Order>,
    executions: BTreeSet<String>,
}

impl Told {
    pub(crate) fn expect(&mut self, id: ClientOrderId, qty: Qty) {
        self.orders.push(Order {
            id,
            state: State::Sent,
            fills: Vec::new(),
            n_too_late: 0,
            n_repeats_noticed: 0,
            qty,
            filled: Qty::ZERO,
            has_woken: false,
            reason: None,
        });
    }

    pub(crate) fn get(&mut self, id: ClientOrderId) -> &mut Order {
        let order = self.orders.iter_mut().find(|order| order.id == id);
        order.unwrap_or_else(|| panic!("an event about {id}, which nobody sent"))
    }

    /// Takes one event. Repeats and events out of order lead to the same.
    pub(crate) fn hear(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Accepted { order } => {
                let order = self.get(*order);
                if order.state == State::Sent {
                    order.state = State::Open;
                }
            }
            AccountEvent::Rejected { order, reason } => {
                let order = self.get(*order);
                if *reason == RejectReason::DuplicateId && order.state != State::Sent {
                    order.n_repeats_noticed += 1;
                } else {
                    order.state = State::Refused;
                    order.reason = Some(reason.clone());
                }
            }
            AccountEvent::NotSent { order, cause } => {
                panic!("{order} was not sent: {cause}")
            }
            AccountEvent::Unknown { order, .. } => self.get(*order).n_repeats_noticed += 1,
            AccountEvent::Triggered { order } => self.get(*order).has_woken = true,
            AccountEvent::Fill(fill) => {
                if self.executions.insert(fill.exec_id.clone()) {
                    let order = self.get(fill.order);
                    order.filled += fill.qty;
                    order.fills.push(fill.clone());
                    if order.qty <= order.filled {
                        order.state = State::Filled;
                    }
                }
            }
            AccountEvent::Cancelled { order } => {
                let order = self.get(*order);
                if order.state != State::Filled {
                    order.state = State::Cancelled;
                }
            }
            AccountEvent::CancelRejected { order } => self.get(*order).n_too_late += 1,
            AccountEvent::NeverAccepted { order } => panic!("{order} never arrived"),
            AccountEvent::Funding { .. } | AccountEvent::Report(_) => {}
        }
    }

    fn words(&self) -> Vec<String> {
        let order = |order: &Order| {
            let mut text = format!("{} {}", order.id, order.state.name());
            if order.has_woken {
                text.push_str(", woken");
            }
            if let Some(reason) = order.reason.as_ref().and_then(kind) {
                text = format!("{text}: {reason}");
            }
            if 0 < order.n_too_late {
                text = format!("{text}, {} cancel too late", order.n_too_late);
            }
            for fill in &order.fills {
                text = format!("{text}; {}", fill_words(fill));
            }
            text
        };
        self.orders.iter().map(order).collect()
    }
}

/// Kinds of refusal that both sides name; others come with the venue's own text.
fn kind(reason: &RejectReason) -> Option<&'static str> {
    match reason {
        RejectReason::WouldTake => Some("would take"),
        RejectReason::CannotFillWhole => Some("cannot fill whole"),
        RejectReason::NothingToReduce => Some("nothing to reduce"),
        RejectReason::TriggerPassed => Some("trigger passed"),
        _ => None,
    }
}

pub(crate) fn fill_words(fill: &Fill) -> String {
    format!(
        "{} {} @ {} {} fee {}",
        fill.side, fill.qty, fill.price, fill.liquidity, fill.fee
    )
}
