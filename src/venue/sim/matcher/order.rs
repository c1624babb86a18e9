//! An order while the matcher holds it.

use super::tape::Source;
use crate::domain::{
    ClientOrderId, OrderKind, OrderSpec, Price, Qty, Rate, Side, Timestamp, TriggerPrice,
};
use crate::venue::broker::OpenOrder;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Waits for its trigger.
    Conditional,
    /// Wants to take liquidity as soon as there is any.
    Waiting,
    /// Rests in the book behind `queue`; `None` when nobody knows how much is ahead.
    Resting {
        /// Amount ahead of it at its own price.
        queue: Option<Qty>,
    },
    /// Is finished, and swept away at the end of the call.
    Done,
}

/// An order that the matcher works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Working {
    pub(super) id: ClientOrderId,
    pub(super) spec: OrderSpec,
    /// When it reached the matcher.
    pub(super) arrived: Timestamp,
    /// Price that its fills are measured against.
    pub(super) expected: Price,
    pub(super) remaining: Qty,
    pub(super) filled: Qty,
    pub(super) n_fills: u32,
    pub(super) state: State,
}

impl Working {
    /// Whether it is finished.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The venue's report on it.
    pub(super) fn report(&self) -> OpenOrder {
        OpenOrder {
            id: self.id,
            spec: self.spec.clone(),
            filled: self.filled,
            remaining: self.remaining,
            triggered: self.spec.kind.trigger().is_some() && self.state != State::Conditional,
        }
    }
}

/// Whether a taking fill at `price` respects the limit; without a limit every price does.
pub(super) fn accepts(spec: &OrderSpec, price: Price) -> bool {
    match (spec.kind.limit_price(), spec.side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => price <= limit,
        (Some(limit), Side::Sell) => limit <= price,
    }
}

/// Whether a market price lies strictly beyond the limit, in the order's favour.
pub(super) fn is_through(spec: &OrderSpec, price: Price) -> bool {
    match (spec.kind.limit_price(), spec.side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => price < limit,
        (Some(limit), Side::Sell) => limit < price,
    }
}

/// Whether an order would trade at once against `source`, whose opposite side begins at `best`.
pub(super) fn crosses(spec: &OrderSpec, source: Source, best: Option<Price>) -> bool {
    match source {
        Source::Book | Source::Quote => best.is_some_and(|price| accepts(spec, price)),
        Source::Last(last) => is_through(spec, last),
    }
}

/// Whether the watched price `price` wakes a conditional order.
pub(super) fn is_reached(spec: &OrderSpec, price: Price) -> bool {
    match (spec.kind, spec.side) {
        (OrderKind::Stop { trigger, .. }, Side::Sell)
        | (OrderKind::TakeProfit { trigger, .. }, Side::Buy) => price <= trigger,
        (OrderKind::Stop { trigger, .. }, Side::Buy)
        | (OrderKind::TakeProfit { trigger, .. }, Side::Sell) => trigger <= price,
        _ => false,
    }
}

/// Price that a conditional order watches; `None` for every other kind.
pub(super) const fn watches(spec: &OrderSpec) -> Option<TriggerPrice> {
    match spec.kind {
        OrderKind::Stop { by, .. } | OrderKind::TakeProfit { by, .. } => Some(by),
        _ => None,
    }
}

/// The worse of two prices for an order on `side`.
pub(super) fn worse(side: Side, a: Price, b: Price) -> Price {
    match side {
        Side::Buy => a.max(b),
        Side::Sell => a.min(b),
    }
}

/// `price` moved by `slippage` against an order on `side`, rounded to the tick against it; never
/// below one tick.
pub(super) fn slipped(price: Price, side: Side, slippage: Rate, tick: Price) -> Price {
    match side {
        Side::Buy => price.moved(slippage).ceil_to(tick),
        Side::Sell => price
            .moved(Rate::from_raw(-slippage.raw()))
            .floor_to(tick)
            .max(tick),
    }
}

/// Last known price, bounded by the order's own limit; the trigger of a conditional order. That
/// is what a fill is measured against.
pub(super) fn expectation(spec: &OrderSpec, reference: Option<Price>) -> Option<Price> {
    if let Some(trigger) = spec.kind.trigger() {
        return Some(trigger);
    }
    match (spec.kind.limit_price(), reference) {
        (Some(limit), Some(last)) => Some(match spec.side {
            Side::Buy => last.min(limit),
            Side::Sell => last.max(limit),
        }),
        (limit, last) => last.or(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::buy_up(Side::Buy, "100", "0.001", "0.1", "100.1")]
    #[case::sell_down(Side::Sell, "100", "0.001", "0.1", "99.9")]
    #[case::buy_rounds_up(Side::Buy, "100", "0.0011", "0.1", "100.2")]
    #[case::sell_rounds_down(Side::Sell, "100", "0.0011", "0.1", "99.8")]
    #[case::off_tick_without_slippage(Side::Buy, "100.03", "0", "0.1", "100.1")]
    #[case::none(Side::Sell, "100", "0", "0.1", "100")]
    #[case::never_zero(Side::Sell, "0.1", "0.9", "0.1", "0.1")]
    fn slippage_is_against_us_and_on_the_tick(
        #[case] side: Side,
        #[case] price: &str,
        #[case] slippage: &str,
        #[case] tick: &str,
        #[case] expected: &str,
    ) {
        let got = slipped(
            price.parse().unwrap(),
            side,
            slippage.parse().unwrap(),
            tick.parse().unwrap(),
        );
        assert_eq!(got, expected.parse().unwrap());
    }
}
