//! Compares what we believe with what the venue says.
//!
//! It finds and names differences; it repairs none and asks nobody. A report is a little older
//! than the moment it is read, so whatever changed on our side since it was asked for is left
//! out of the comparison: the next report will tell.

use std::fmt;

use super::{Ledger, Orders};
use crate::domain::{
    AccountReport, ClientOrderId, InstrumentId, Instruments, Qty, ReportedOrder, Side, SignedQty,
};

/// One thing about which the venue and we disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// We believe an order to be working, and the venue does not list it.
    OrderGone {
        /// Our name for it.
        order: ClientOrderId,
        /// Its instrument.
        instrument: InstrumentId,
    },
    /// The venue works an order of ours that we believe to be over.
    OrderBack {
        /// Our name for it.
        order: ClientOrderId,
        /// Its instrument.
        instrument: InstrumentId,
    },
    /// The venue works an order that is not ours.
    OrderForeign {
        /// The venue's name for it.
        venue_id: String,
        /// The venue's symbol.
        symbol: String,
        /// Its side.
        side: Side,
        /// Amount that may still trade.
        open: Qty,
    },
    /// An order has traded more at the venue than we have heard of.
    Filled {
        /// Our name for it.
        order: ClientOrderId,
        /// Its instrument.
        instrument: InstrumentId,
        /// Amount we know of.
        ours: Qty,
        /// Amount the venue knows of.
        venue: Qty,
    },
    /// The positions differ.
    Position {
        /// The instrument; `None` when this session does not trade it.
        instrument: Option<InstrumentId>,
        /// The venue's symbol.
        symbol: String,
        /// What we believe.
        ours: SignedQty,
        /// What the venue says.
        venue: SignedQty,
    },
}

impl Difference {
    /// Name of its class.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Difference::OrderGone { .. } => "order gone",
            Difference::OrderBack { .. } => "order back",
            Difference::OrderForeign { .. } => "foreign order",
            Difference::Filled { .. } => "missing fill",
            Difference::Position { .. } => "position",
        }
    }

    /// What would make both sides equal.
    #[must_use]
    pub const fn repair(&self) -> &'static str {
        match self {
            Difference::OrderGone { .. } => "ask the venue for its end",
            Difference::OrderBack { .. } => "cancel it",
            Difference::OrderForeign { .. } => "cancel it at the venue, or leave it",
            Difference::Filled { .. } => "load the executions again",
            Difference::Position { .. } => "adopt it, or close it",
        }
    }

    /// Instrument it is about, where this session trades it.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Difference::OrderGone { instrument, .. }
            | Difference::OrderBack { instrument, .. }
            | Difference::Filled { instrument, .. } => Some(*instrument),
            Difference::Position { instrument, .. } => *instrument,
            Difference::OrderForeign { .. } => None,
        }
    }

    /// What we believe, in words.
    #[must_use]
    pub fn ours(&self) -> String {
        match self {
            Difference::OrderGone { order, .. } => format!("{order} works"),
            Difference::OrderBack { order, .. } => format!("{order} is over"),
            Difference::OrderForeign { .. } => "not ours".to_owned(),
            Difference::Filled { order, ours, .. } => format!("{order} filled {ours}"),
            Difference::Position { ours, .. } => ours.to_string(),
        }
    }

    /// What the venue says, in words.
    #[must_use]
    pub fn venue(&self) -> String {
        match self {
            Difference::OrderGone { .. } => "not listed".to_owned(),
            Difference::OrderBack { .. } => "works".to_owned(),
            Difference::OrderForeign {
                venue_id,
                symbol,
                side,
                open,
            } => format!("{side} {open} {symbol} ({venue_id})"),
            Difference::Filled { venue, .. } => format!("filled {venue}"),
            Difference::Position { symbol, venue, .. } => format!("{venue} {symbol}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, ours, venue) = (self.class(), self.ours(), self.venue());
        write!(f, "{class}: we have {ours}, the venue has {venue}")
    }
}

/// Every difference, orders first, in the order of the report and of the instruments.
#[must_use]
pub fn differences(
    orders: &Orders,
    ledger: &Ledger,
    instruments: &Instruments,
    report: &AccountReport,
) -> Vec<Difference> {
    let mut found = Vec::new();
    for reported in &report.orders {
        found.extend(of_reported(orders, report, reported));
    }
    for order in orders.live() {
        let is_listed = report
            .orders
            .iter()
            .any(|o| o.order == Some(order.intent.id));
        // One whose outcome is open is looked for by its name, not by its absence.
        let is_settled = order.updated_at < report.asked_at && order.accepted_at.is_some();
        if !is_listed && is_settled {
            found.push(Difference::OrderGone {
                order: order.intent.id,
                instrument: order.intent.spec.instrument,
            });
        }
    }
    for (id, instrument) in instruments.iter() {
        let ours = ledger.size(id);
        let venue = report
            .positions
            .iter()
            .filter(|p| p.instrument == Some(id))
            .map(|p| p.size)
            .sum();
        let has_moved = ledger.filled_at(id).is_some_and(|at| report.asked_at <= at);
        if ours != venue && !has_moved {
            found.push(Difference::Position {
                instrument: Some(id),
                symbol: instrument.symbol.to_string(),
                ours,
                venue,
            });
        }
    }
    let strangers = report.positions.iter().filter(|p| p.instrument.is_none());
    found.extend(strangers.map(|p| Difference::Position {
        instrument: None,
        symbol: p.symbol.clone(),
        ours: SignedQty::ZERO,
        venue: p.size,
    }));
    found
}

fn of_reported(
    orders: &Orders,
    report: &AccountReport,
    reported: &ReportedOrder,
) -> Option<Difference> {
    let known = reported.order.and_then(|id| orders.get(&id));
    let Some(order) = known else {
        // A name of ours that ended too long ago to be readable is still ours.
        return match (reported.order, reported.instrument) {
            (Some(order), Some(instrument)) if orders.is_known(&order) => {
                Some(Difference::OrderBack { order, instrument })
            }
            _ => Some(Difference::OrderForeign {
                venue_id: reported.venue_id.clone(),
                symbol: reported.symbol.clone(),
                side: reported.side,
                open: reported.qty.saturating_sub(reported.filled),
            }),
        };
    };
    if report.asked_at <= order.updated_at {
        return None;
    }
    let (id, instrument) = (order.intent.id, order.intent.spec.instrument);
    if !order.is_live() {
        return Some(Difference::OrderBack {
            order: id,
            instrument,
        });
    }
    (order.filled() < reported.filled).then(|| Difference::Filled {
        order: id,
        instrument,
        ours: order.filled(),
        venue: reported.filled,
    })
}

#[cfg(test)]
mod tests;
