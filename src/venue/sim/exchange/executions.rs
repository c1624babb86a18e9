//! Executions and closed profits: how they are kept, told and listed.
//!
//! PROTOCOL sections 8 and 11 (Bybit v5, execution/list and position/closed-pnl).

use serde_json::{Value, json};

use super::order::{Status, side_name};
use super::page::{Page, page};
use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Exchange, Outcome};
use crate::domain::{
    Category, FillKind, InstrumentId, Liquidity, Money, Price, Qty, Rate, Side, SignedQty,
    Timestamp,
};

/// Longest span of one query, in milliseconds.
pub(super) const WEEK_MS: i64 = 7 * 86_400_000;

/// One execution.
#[derive(Debug, Clone)]
pub(super) struct Execution {
    /// Its order; funding has none.
    pub(super) n: Option<usize>,
    pub(super) exec_id: String,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) qty: Qty,
    pub(super) value: Money,
    /// In the quote coin, also where the venue took it in the base coin.
    pub(super) fee: Money,
    /// In the base coin; zero unless it was taken there.
    pub(super) base_fee: SignedQty,
    pub(super) liquidity: Liquidity,
    pub(super) kind: FillKind,
    pub(super) exec_type: String,
    pub(super) closed: Qty,
    pub(super) pnl: Money,
    pub(super) leaves: Qty,
    pub(super) mark: Option<Price>,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) expected: Price,
    pub(super) rate: Rate,
}

/// What an order has closed.
#[derive(Debug, Clone)]
pub(super) struct ClosedPnl {
    pub(super) n: usize,
    pub(super) closed: Qty,
    pub(super) entry_value: Money,
    pub(super) exit_value: Money,
    pub(super) pnl: Money,
    pub(super) n_fills: u32,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Exchange {
    /// As the list and the push tell it.
    pub(super) fn execution_row(&self, execution: &Execution, pushed: bool) -> Value {
        let e = execution;
        let rules = self.table.get(e.instrument);
        let order = e.n.map(|n| &self.orders[n]);
        let in_base = !e.base_fee.is_zero();
        let fee_coin = match (rules.category, in_base) {
            (Category::Spot, true) => rules.base.as_str(),
            (Category::Spot, false) => rules.quote.as_str(),
            (Category::Linear, _) => "",
        };
        let fee = if in_base {
            e.base_fee.to_string()
        } else {
            e.fee.to_string()
        };
        let mut row = json!({
            "symbol": rules.symbol.as_str(),
            "orderId": order.map_or("", |o| &o.order_id),
            "orderLinkId": order.map_or("", |o| &o.wish.link),
            "side": side_name(e.side),
            "orderPrice": order.map_or("0".to_owned(), |o| o.price_text(rules)),
            "orderQty": order.map_or("0".to_owned(), |o| o.wish.qty.to_string()),
            "leavesQty": e.leaves.to_string(),
            "orderType": order.map_or("UNKNOWN", |o| o.type_name()),
            "stopOrderType": order.map_or("UNKNOWN", |o| match o.wish.stop_type {
                "" => "UNKNOWN",
                word => word,
            }),
            "createType": order.map_or("", |o| o.wish.create_type),
            "execId": e.exec_id, "execPrice": e.price.to_string(),
            "execQty": e.qty.to_string(), "execValue": e.value.to_string(),
            "execType": e.exec_type, "execFee": fee,
            "feeRate": e.rate.to_string(), "feeCurrency": fee_coin,
            "execTime": e.at.millis().to_string(),
            "isMaker": e.liquidity == Liquidity::Maker,
            "closedSize": e.closed.to_string(), "execPnl": e.pnl.to_string(),
            "markPrice": e.mark.map_or(String::new(), |p| p.to_string()),
            "indexPrice": "", "underlyingPrice": "", "tradeIv": "", "markIv": "",
            "blockTradeId": "", "isLeverage": "0",
            "marketUnit": order.map_or("", |o| &o.wish.unit),
            "extraFees": "", "seq": e.seq,
        });
        if pushed {
            row["category"] = json!(rules.category.to_string());
        }
        row
    }

    /// The few fields of `execution.fast`; a maker's own name of the order is not among them.
    pub(super) fn fast_row(&self, execution: &Execution) -> Value {
        let e = execution;
        let rules = self.table.get(e.instrument);
        let order = e.n.map(|n| &self.orders[n]);
        let is_maker = e.liquidity == Liquidity::Maker;
        let link = order
            .filter(|_| !is_maker)
            .map_or("", |order| &order.wish.link);
        json!({
            "category": rules.category.to_string(), "symbol": rules.symbol.as_str(),
            "execId": e.exec_id, "execPrice": e.price.to_string(),
            "execQty": e.qty.to_string(), "orderId": order.map_or("", |o| &o.order_id),
            "isMaker": is_maker, "orderLinkId": link, "side": side_name(e.side),
            "execTime": e.at.millis().to_string(), "seq": e.seq,
        })
    }

    /// `GET /v5/execution/list`: newest first.
    pub(super) fn execution_list(&self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let limit = params.limit(50, 100)?;
        let (from, to) = span(now, params)?;
        let symbol = params.text("symbol");
        let order_id = params.text("orderId");
        let link = params.text("orderLinkId").filter(|_| order_id.is_none());
        let exec_type = params.text("execType");
        let base = params.text("baseCoin");
        let seen = now.plus_millis(-i64::from(self.rules.visibility_lag_ms));
        let rows = self.executions.iter().enumerate().rev();
        let rows = rows.filter(|(_, e)| {
            let rules = self.table.get(e.instrument);
            let order = e.n.map(|n| &self.orders[n]);
            rules.category == category
                && e.at <= seen
                && from <= e.at
                && e.at <= to
                && symbol.as_ref().is_none_or(|s| s == rules.symbol.as_str())
                && base.as_ref().is_none_or(|b| *b == rules.base)
                && exec_type.as_ref().is_none_or(|t| *t == e.exec_type)
                && order_id
                    .as_ref()
                    .is_none_or(|id| order.is_some_and(|o| o.order_id == *id))
                && link
                    .as_ref()
                    .is_none_or(|id| order.is_some_and(|o| o.wish.link == *id))
        });
        let Page { rows, cursor } = page(rows, params, limit, |at| format!("{at}:2,{at}:2"));
        let list = rows.iter().map(|e| self.execution_row(e, false)).collect();
        Ok(Answer::list(category, list, &cursor))
    }

    /// `GET /v5/position/closed-pnl`: newest first.
    pub(super) fn closed_pnl_list(&self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let limit = params.limit(50, 100)?;
        let (from, to) = span(now, params)?;
        let symbol = params.text("symbol");
        let seen = now.plus_millis(-i64::from(self.rules.visibility_lag_ms));
        let rows = self.closed_pnl.iter().enumerate().rev().filter(|(_, row)| {
            let rules = self.table.get(self.orders[row.n].wish.instrument);
            rules.category == category
                && row.updated <= seen
                && from <= row.updated
                && row.updated <= to
                && symbol.as_ref().is_none_or(|s| s == rules.symbol.as_str())
        });
        let Page { rows, cursor } = page(rows, params, limit, |at| format!("{at}:1,{at}:1"));
        let list = rows.iter().map(|row| self.closed_row(row)).collect();
        Ok(Answer::list(category, list, &cursor))
    }

    fn closed_row(&self, row: &ClosedPnl) -> Value {
        let order = &self.orders[row.n];
        let rules = self.table.get(order.wish.instrument);
        let price = |value: Money| {
            let price = value.price_of(row.closed);
            price.map_or(String::new(), |p| p.to_string())
        };
        let exec_type = match order.wish.create_type {
            "CreateByLiq" => "BustTrade",
            "CreateByAdl_PassThrough" => "AdlTrade",
            _ => "Trade",
        };
        json!({
            "symbol": rules.symbol.as_str(), "orderId": order.order_id,
            "side": side_name(order.wish.side), "orderType": order.type_name(),
            "qty": order.wish.qty.to_string(), "orderPrice": order.price_text(rules),
            "leverage": self.leverage_text(order.wish.instrument),
            "closedSize": row.closed.to_string(), "closedPnl": row.pnl.to_string(),
            "cumEntryValue": row.entry_value.to_string(),
            "cumExitValue": row.exit_value.to_string(),
            "avgEntryPrice": price(row.entry_value), "avgExitPrice": price(row.exit_value),
            "fillCount": row.n_fills.to_string(), "execType": exec_type,
            "createdTime": row.created.millis().to_string(),
            "updatedTime": row.updated.millis().to_string(),
        })
    }

    /// Whether an order counts for the history at `now`: it is closed, and if nothing of it has
    /// traded not for more than a day.
    pub(super) fn is_history(&self, n: usize, now: Timestamp) -> bool {
        let order = &self.orders[n];
        order.status.is_final()
            && (!order.filled.is_zero()
                || order.status == Status::Filled
                || now.since(order.updated) <= 86_400_000)
    }
}

/// Span of a query: the last week unless it says otherwise; never longer than a week.
pub(super) fn span(now: Timestamp, params: Params<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
    let (from, to) = match (params.time("startTime")?, params.time("endTime")?) {
        (None, None) => (now.plus_millis(-WEEK_MS), now),
        (Some(from), None) => (from, from.plus_millis(WEEK_MS)),
        (None, Some(to)) => (to.plus_millis(-WEEK_MS), to),
        (Some(from), Some(to)) => (from, to),
    };
    if to < from {
        return Err(Refusal::params("startTime is after endTime"));
    }
    if WEEK_MS < to.since(from) {
        return Err(Refusal::params(
            "the interval between startTime and endTime must not exceed 7 days",
        ));
    }
    Ok((from, to))
}
