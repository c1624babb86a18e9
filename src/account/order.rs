//! One order as a set of facts, and the state that follows from them.
//!
//! Facts are only ever added, so the state does not depend on the order in which they arrive,
//! with one exception: a cancel that was refused may be asked for again.

use std::fmt;

use crate::domain::{
    Fill, Intent, Money, NotSent, Price, Purpose, Qty, RejectReason, Side, Timestamp,
};

/// Where an order is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// Handed to the gateway; nobody has answered.
    InFlight,
    /// The venue has it.
    Working,
    /// The venue has it, and its trigger has not been reached.
    Untriggered,
    /// Part of it has traded.
    PartiallyFilled,
    /// A cancel is under way.
    CancelPending,
    /// Nobody knows whether the venue has it; its worst case counts until the venue has said.
    Unresolved(String),
    /// All of it has traded.
    Filled,
    /// The rest is gone.
    Cancelled,
    /// The venue refused it.
    Rejected(RejectReason),
    /// It never left this process.
    NotSent(NotSent),
    /// It left, and the venue has proven that it never arrived.
    NeverAccepted,
}

impl OrderState {
    /// Whether nothing more is expected of it. A terminal order never becomes live again.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(
            self,
            OrderState::Filled
                | OrderState::Cancelled
                | OrderState::Rejected(_)
                | OrderState::NotSent(_)
                | OrderState::NeverAccepted
        )
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, cause): (_, Option<&dyn fmt::Display>) = match self {
            OrderState::InFlight => ("in flight", None),
            OrderState::Working => ("working", None),
            OrderState::Untriggered => ("untriggered", None),
            OrderState::PartiallyFilled => ("partly filled", None),
            OrderState::CancelPending => ("cancel pending", None),
            OrderState::Unresolved(cause) => ("unresolved", Some(cause)),
            OrderState::Filled => ("filled", None),
            OrderState::Cancelled => ("cancelled", None),
            OrderState::Rejected(reason) => ("rejected", Some(reason)),
            OrderState::NotSent(cause) => ("not sent", Some(cause)),
            OrderState::NeverAccepted => ("never accepted", None),
        };
        match cause {
            Some(cause) => write!(f, "{name}: {cause}"),
            None => f.pad(name),
        }
    }
}

/// What has been heard about an order.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each true from the moment it is heard"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    pub(super) accepted: bool,
    pub(super) triggered: bool,
    pub(super) cancelled: bool,
    pub(super) cancel_requested: bool,
    pub(super) never_accepted: bool,
    /// The venue refused the name because it knows it: evidence that the order arrived, but not
    /// of what became of it.
    pub(super) duplicate_id: bool,
    pub(super) unknown: Option<String>,
    pub(super) rejected: Option<RejectReason>,
    pub(super) not_sent: Option<NotSent>,
}

/// An order we have handed to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The order as it was decided.
    pub intent: Intent,
    /// When it was handed over, in session time.
    pub sent_at: Timestamp,
    /// When the venue first showed that it has it, in session time.
    pub accepted_at: Option<Timestamp>,
    /// When it last changed, in session time.
    pub updated_at: Timestamp,
    pub(super) facts: Facts,
    /// Everything that traded, even beyond the amount asked for.
    traded: (Qty, Money),
    /// Names of its executions, sorted. Most orders have one.
    execs: Vec<Box<str>>,
}

impl Order {
    pub(super) fn new(intent: Intent, at: Timestamp) -> Self {
        Self {
            intent,
            sent_at: at,
            accepted_at: None,
            updated_at: at,
            facts: Facts::default(),
            traded: (Qty::ZERO, Money::ZERO),
            execs: Vec::new(),
        }
    }

    /// Counts a fill once; returns whether it is new.
    pub(super) fn add_fill(&mut self, fill: &Fill) -> bool {
        let Err(at) = self.execs.binary_search_by(|e| (**e).cmp(&fill.exec_id)) else {
            return false;
        };
        self.execs.insert(at, fill.exec_id.as_str().into());
        self.traded.0 += fill.qty;
        self.traded.1 += fill.price * fill.qty;
        true
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> OrderState {
        let facts = &self.facts;
        if self.intent.spec.qty <= self.traded.0 {
            return OrderState::Filled;
        }
        if facts.cancelled {
            return OrderState::Cancelled;
        }
        if let Some(reason) = &facts.rejected {
            return OrderState::Rejected(reason.clone());
        }
        if let Some(cause) = &facts.not_sent {
            return OrderState::NotSent(cause.clone());
        }
        if facts.never_accepted {
            return OrderState::NeverAccepted;
        }
        self.live_state()
    }

    fn live_state(&self) -> OrderState {
        let facts = &self.facts;
        let traded = !self.traded.0.is_zero();
        let arrived = facts.accepted || facts.triggered || traded;
        if !arrived {
            if let Some(cause) = &facts.unknown {
                return OrderState::Unresolved(cause.clone());
            }
            if facts.duplicate_id {
                return OrderState::Unresolved(RejectReason::DuplicateId.to_string());
            }
        }
        if facts.cancel_requested {
            OrderState::CancelPending
        } else if !arrived {
            OrderState::InFlight
        } else if traded {
            OrderState::PartiallyFilled
        } else if self.intent.spec.kind.trigger().is_some() && !facts.triggered {
            OrderState::Untriggered
        } else {
            OrderState::Working
        }
    }

    /// Whether more may trade.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let facts = &self.facts;
        let ended = facts.cancelled
            || facts.rejected.is_some()
            || facts.not_sent.is_some()
            || facts.never_accepted;
        !ended && self.traded.0 < self.intent.spec.qty
    }

    /// Whether nobody knows if the venue has it.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        let facts = &self.facts;
        let arrived = facts.accepted || facts.triggered || !self.traded.0.is_zero();
        self.is_live() && !arrived && (facts.unknown.is_some() || facts.duplicate_id)
    }

    /// Whether a cancel makes sense: more may trade, and none is on its way yet.
    #[must_use]
    pub fn is_cancellable(&self) -> bool {
        self.is_live() && !self.facts.cancel_requested
    }

    /// Amount filled, never more than asked for.
    #[must_use]
    pub fn filled(&self) -> Qty {
        self.traded.0.min(self.intent.spec.qty)
    }

    /// Amount that traded beyond what was asked for; zero unless something is very wrong.
    #[must_use]
    pub fn excess(&self) -> Qty {
        self.traded.0.saturating_sub(self.intent.spec.qty)
    }

    /// Average price of what traded, truncated; `None` before the first fill.
    #[must_use]
    pub fn average(&self) -> Option<Price> {
        self.traded.1.price_of(self.traded.0)
    }

    /// Fills counted.
    #[must_use]
    pub fn n_fills(&self) -> usize {
        self.execs.len()
    }

    /// Amount that may still trade; zero for a terminal order.
    #[must_use]
    pub fn open_qty(&self) -> Qty {
        if self.is_live() {
            self.intent.spec.qty.saturating_sub(self.traded.0)
        } else {
            Qty::ZERO
        }
    }

    /// Whether it sleeps at the venue until its trigger is reached. One that has woken, or that
    /// never slept, closes the position now and counts like any other close.
    #[must_use]
    pub fn is_protection(&self) -> bool {
        let spec = &self.intent.spec;
        matches!(spec.purpose, Purpose::StopLoss | Purpose::TakeProfit)
            && spec.kind.trigger().is_some()
            && !self.facts.triggered
            && self.traded.0.is_zero()
    }

    /// What it could still add to each side's worst case: nothing when it may only reduce.
    pub(super) fn reserve(&self) -> (Side, Qty) {
        let spec = &self.intent.spec;
        let qty = if spec.reduce_only {
            Qty::ZERO
        } else {
            self.open_qty()
        };
        (spec.side, qty)
    }
}
