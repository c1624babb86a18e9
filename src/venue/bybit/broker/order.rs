//! Orders of the venue in our words.
//!
//! Pure. Fills are not told here: executions are the truth about them.

use super::words::{plain, reason};
use crate::domain::{AccountEvent, ClientOrderId, Qty, RejectReason};
use crate::venue::bybit::wire::names::OrderStatus;
use crate::venue::bybit::wire::order::Order;

/// How an order ended, other than by filling whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The rest is gone.
    Cancelled,
    /// It was refused, and nothing of it traded.
    Rejected(RejectReason),
}

impl End {
    pub(super) fn event(self, order: ClientOrderId) -> AccountEvent {
        match self {
            End::Cancelled => AccountEvent::Cancelled { order },
            End::Rejected(reason) => AccountEvent::Rejected { order, reason },
        }
    }
}

/// How an order ended; `None` while it has not, and when it filled whole.
///
/// The venue accepts an order before it looks at it, so that refusals for the state of the book
/// come as cancels with a reason (Bybit v5, rejectReason).
pub(super) fn end_of(row: &Order) -> Option<End> {
    let has_traded = row.cum_exec_qty.is_some_and(|qty| !qty.is_zero());
    let refusal = row.refusal();
    match row.order_status {
        OrderStatus::Cancelled
        | OrderStatus::Deactivated
        | OrderStatus::PartiallyFilledCanceled => Some(match refusal.map(reason) {
            Some(reason @ (RejectReason::WouldTake | RejectReason::CannotFillWhole))
                if !has_traded =>
            {
                End::Rejected(reason)
            }
            _ => End::Cancelled,
        }),
        OrderStatus::Rejected if has_traded => Some(End::Cancelled),
        OrderStatus::Rejected => {
            let unnamed = || RejectReason::Rule("rejected without a reason".to_owned());
            Some(End::Rejected(refusal.map_or_else(unnamed, reason)))
        }
        _ => None,
    }
}

/// Whether a conditional order has certainly woken up. One that was cancelled looks the same
/// before and after.
pub(super) fn is_awake(row: &Order, is_conditional: bool) -> bool {
    let is_conditional = is_conditional || row.trigger().is_some();
    match row.order_status {
        OrderStatus::Triggered => true,
        OrderStatus::New
        | OrderStatus::PartiallyFilled
        | OrderStatus::Filled
        | OrderStatus::PartiallyFilledCanceled => is_conditional,
        OrderStatus::Cancelled | OrderStatus::Rejected => {
            is_conditional && row.cum_exec_qty.is_some_and(|qty| !qty.is_zero())
        }
        OrderStatus::Untriggered | OrderStatus::Deactivated | OrderStatus::Unknown(_) => false,
    }
}

/// Everything that a row tells, around the fills of its order.
///
/// # Errors
///
/// What is missing, when the row is no whole answer.
pub(super) fn history(
    row: &Order,
    order: ClientOrderId,
    is_conditional: bool,
    fills: Vec<AccountEvent>,
    traded: Qty,
) -> Result<Vec<AccountEvent>, String> {
    if let OrderStatus::Unknown(status) = &row.order_status {
        return Err(format!("{order} is in the unknown state {}", plain(status)));
    }
    let told = row.cum_exec_qty.unwrap_or_default();
    if traded < told {
        return Err(format!(
            "{order} has traded {told} and the executions make up {traded} so far"
        ));
    }
    if row.order_status == OrderStatus::Filled && traded.is_zero() {
        return Err(format!("{order} is filled and has no executions yet"));
    }
    let end = end_of(row);
    let mut events = Vec::new();
    if !matches!(end, Some(End::Rejected(_))) {
        events.push(AccountEvent::Accepted { order });
    }
    if is_awake(row, is_conditional) {
        events.push(AccountEvent::Triggered { order });
    }
    events.extend(fills);
    events.extend(end.map(|end| end.event(order)));
    Ok(events)
}
