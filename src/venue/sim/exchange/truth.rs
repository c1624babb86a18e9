//! What really happened at the simulated venue, for a checker that compares.

use super::Exchange;
use crate::domain::{
    Category, FillKind, Liquidity, Money, OrderKind, Price, Qty, Side, SignedQty, TimeInForce,
    Timestamp,
};

/// Everything the venue knows, without lag and without faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Every order that was ever accepted, oldest first; those of the venue itself too.
    pub orders: Vec<TruthOrder>,
    /// Every execution, oldest first; funding included.
    pub executions: Vec<TruthExecution>,
    /// Positions that are not zero; on spot balances.
    pub positions: Vec<TruthPosition>,
    /// Cash in the settlement coin, without unrealised profit.
    pub cash: Money,
    /// Cash plus unrealised profit plus the value of spot balances.
    pub equity: Money,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthOrder {
    /// `orderLinkId`; empty for the venue's own orders.
    pub link_id: String,
    /// `orderId`.
    pub order_id: String,
    /// Market.
    pub category: Category,
    /// Symbol.
    pub symbol: String,
    /// Side.
    pub side: Side,
    /// Amount in the base coin; after amends, the last one.
    pub qty: Qty,
    /// How it is filled.
    pub kind: OrderKind,
    /// How long it waits.
    pub tif: TimeInForce,
    /// May only shrink a position.
    pub reduce_only: bool,
    /// `orderStatus` now.
    pub status: String,
    /// Amount that has traded.
    pub filled: Qty,
    /// When it was accepted.
    pub created: Timestamp,
    /// When its state last changed.
    pub updated: Timestamp,
    /// Whether a caller of the interface made it, and not the venue or a drill.
    pub by_user: bool,
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthExecution {
    /// `execId`.
    pub exec_id: String,
    /// `orderId`; empty for funding.
    pub order_id: String,
    /// `orderLinkId`.
    pub link_id: String,
    /// Market.
    pub category: Category,
    /// Symbol.
    pub symbol: String,
    /// Side of our order.
    pub side: Side,
    /// Price.
    pub price: Price,
    /// Amount.
    pub qty: Qty,
    /// Fee in the quote coin; for funding what was paid. Negative is income.
    pub fee: Money,
    /// Whether our order rested.
    pub liquidity: Liquidity,
    /// Why it happened; funding counts as a trade of nothing.
    pub kind: FillKind,
    /// `execType`.
    pub exec_type: String,
    /// Price that the matcher measured it against.
    pub expected: Price,
    /// When.
    pub at: Timestamp,
}

/// One position or balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthPosition {
    /// Market.
    pub category: Category,
    /// Symbol.
    pub symbol: String,
    /// Size and direction.
    pub qty: SignedQty,
    /// Average entry price.
    pub entry: Price,
}

impl Exchange {
    /// See [`Exchange::truth`].
    pub(super) fn tell_truth(&self) -> Truth {
        let orders = self.orders.iter().map(|order| {
            let wish = &order.wish;
            let rules = self.table.get(wish.instrument);
            let spec = wish.spec(false);
            TruthOrder {
                link_id: wish.link.clone(),
                order_id: order.order_id.clone(),
                category: wish.category,
                symbol: rules.symbol.to_string(),
                side: wish.side,
                qty: wish.qty,
                kind: spec.kind,
                tif: spec.tif,
                reduce_only: wish.reduce_only,
                status: order.status.name().to_owned(),
                filled: order.filled,
                created: order.created,
                updated: order.updated,
                by_user: order.by_user,
            }
        });
        let executions = self.executions.iter().map(|e| {
            let rules = self.table.get(e.instrument);
            let order = e.n.map(|n| &self.orders[n]);
            TruthExecution {
                exec_id: e.exec_id.clone(),
                order_id: order.map_or(String::new(), |o| o.order_id.clone()),
                link_id: order.map_or(String::new(), |o| o.wish.link.clone()),
                category: rules.category,
                symbol: rules.symbol.to_string(),
                side: e.side,
                price: e.price,
                qty: e.qty,
                fee: e.fee,
                liquidity: e.liquidity,
                kind: e.kind,
                exec_type: e.exec_type.clone(),
                expected: e.expected,
                at: e.at,
            }
        });
        let positions = self.matcher.positions().map(|open| {
            let (instrument, _) = self.leg_name(open.instrument);
            let rules = self.table.get(instrument);
            TruthPosition {
                category: rules.category,
                symbol: rules.symbol.to_string(),
                qty: open.qty,
                entry: open.entry,
            }
        });
        Truth {
            orders: orders.collect(),
            executions: executions.collect(),
            positions: positions.collect(),
            cash: self.matcher.cash(),
            equity: self.matcher.equity(),
        }
    }
}
