//! `order/realtime` and `order/history`.
//!
//! PROTOCOL section 11 (Bybit v5). Both lag behind the matching engine by the venue's visibility
//! lag: an order shows up late, and shows an older state than it has.

use serde_json::Value;

use super::executions::span;
use super::page::{Page, page};
use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Exchange, Outcome};
use crate::domain::{Category, Timestamp};

/// What an order must be to be listed.
struct Filter {
    category: Category,
    symbol: Option<String>,
    base: Option<String>,
    settle: Option<String>,
    order_id: Option<String>,
    link: Option<String>,
    kind: Option<String>,
}

impl Exchange {
    /// `GET /v5/order/realtime`.
    pub(super) fn realtime(&self, now: Timestamp, params: Params<'_>) -> Outcome {
        let filter = Filter::new(params)?;
        let limit = params.limit(20, 50)?;
        let named = filter.order_id.is_some() || filter.link.is_some();
        let scoped = filter.symbol.is_some() || filter.base.is_some() || filter.settle.is_some();
        if filter.category == Category::Linear && !named && !scoped {
            return Err(Refusal::new(
                10001,
                "params error: symbol, baseCoin or settleCoin is required",
            ));
        }
        let closed_only = match params.text("openOnly").as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            _ => return Err(Refusal::params("openOnly invalid")),
        };
        // A name finds open and remembered orders alike.
        let mut numbers: Vec<usize> = Vec::new();
        if named || !closed_only {
            numbers.extend(self.open.iter());
        }
        if named || closed_only || self.rules.visibility_lag_ms != 0 {
            numbers.extend(self.closed.iter());
        }
        numbers.sort_unstable();
        let rows = numbers.into_iter().rev().filter_map(|n| {
            if !self.passes(n, &filter) {
                return None;
            }
            let row = self.seen_row(n, now)?;
            (named || is_closed(&row) == closed_only).then_some((n, row))
        });
        let word = |n: usize| format!("page_args={n}&symbol=6&");
        let Page { rows, cursor } = page(rows, params, limit, word);
        Ok(Answer::list(filter.category, rows, &cursor))
    }

    /// `GET /v5/order/history`.
    pub(super) fn history(&self, now: Timestamp, params: Params<'_>) -> Outcome {
        let filter = Filter::new(params)?;
        let limit = params.limit(20, 50)?;
        let timed = params.text("startTime").is_some() || params.text("endTime").is_some();
        let named = filter.order_id.is_some() || filter.link.is_some();
        let (from, to) = span(now, params)?;
        let status = params.text("orderStatus");
        let rows = (0..self.orders.len()).rev().filter_map(|n| {
            let order = &self.orders[n];
            let in_time = from <= order.created && order.created <= to;
            if !self.passes(n, &filter) || !self.is_history(n, now) || !(in_time || named && !timed)
            {
                return None;
            }
            let row = self.seen_row(n, now)?;
            let wanted = status.as_deref();
            let fits = wanted.is_none_or(|wanted| row["orderStatus"] == wanted);
            (is_closed(&row) && fits).then_some((n, row))
        });
        let word = |n: usize| format!("page_token={n}&");
        let Page { rows, cursor } = page(rows, params, limit, word);
        Ok(Answer::list(filter.category, rows, &cursor))
    }

    fn passes(&self, n: usize, filter: &Filter) -> bool {
        let order = &self.orders[n];
        let rules = self.table.get(order.wish.instrument);
        let is = |wanted: &Option<String>, have: &str| wanted.as_ref().is_none_or(|w| w == have);
        order.wish.category == filter.category
            && is(&filter.symbol, rules.symbol.as_str())
            && is(&filter.base, &rules.base)
            && is(&filter.settle, &rules.quote)
            && is(&filter.order_id, &order.order_id)
            && is(&filter.link, &order.wish.link)
            && is(&filter.kind, order_filter(&order.wish))
    }

    /// An order as queries see it at `now`; `None` while it is not visible yet.
    fn seen_row(&self, n: usize, now: Timestamp) -> Option<Value> {
        let order = &self.orders[n];
        let lag = i64::from(self.rules.visibility_lag_ms);
        if order.place == super::order::Place::Coming {
            return None;
        }
        if lag == 0 || order.told.is_empty() {
            return Some(order.row(self.table.get(order.wish.instrument), false));
        }
        let seen = now.plus_millis(-lag);
        let told = order.told.iter().rev().find(|(at, _)| *at <= seen);
        told.map(|(_, row)| row.clone())
    }
}

impl Filter {
    fn new(params: Params<'_>) -> Result<Self, Refusal> {
        let order_id = params.text("orderId");
        let link = params.text("orderLinkId").filter(|_| order_id.is_none());
        Ok(Self {
            category: params.category()?,
            symbol: params.text("symbol"),
            base: params.text("baseCoin"),
            settle: params.text("settleCoin"),
            kind: params.text("orderFilter"),
            order_id,
            link,
        })
    }
}

/// Kind of an order for `orderFilter`.
fn order_filter(wish: &super::order::Wish) -> &'static str {
    match (wish.category, wish.trigger.is_some()) {
        (Category::Linear, true) => "StopOrder",
        (Category::Linear, false) => "Order",
        (Category::Spot, _) => wish.filter,
    }
}

/// Whether a row tells of a closed order.
fn is_closed(row: &Value) -> bool {
    !matches!(
        row["orderStatus"].as_str(),
        Some("New" | "PartiallyFilled" | "Untriggered" | "Triggered" | "Created")
    )
}
