//! `order/cancel`, `order/cancel-all` and the three batches.
//!
//! PROTOCOL section 11 (Bybit v5).

use serde_json::{Value, json};

use super::order::Place;
use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Arrival, Exchange, Outcome};
use crate::domain::{Category, Timestamp};

/// Orders that one cancel-all takes on linear.
const MOST_AT_ONCE: usize = 500;

/// What a batch does with each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    Create,
    Amend,
    Cancel,
}

impl Batch {
    /// Most items of one request.
    pub(super) const fn most(category: Category) -> usize {
        match category {
            Category::Linear => 20,
            Category::Spot => 10,
        }
    }
}

impl Exchange {
    /// Takes a cancel or refuses it.
    pub(super) fn cancel(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        self.instrument(category, params)?;
        let filter = params.text("orderFilter");
        let n = self
            .named(category, params)?
            .filter(|n| {
                let order = &self.orders[*n];
                let wanted = filter.as_deref().unwrap_or("Order");
                !order.status.is_final()
                    && (category == Category::Linear || order.wish.filter == wanted)
            })
            .ok_or_else(|| Refusal::gone(category))?;
        let answer = self.names_of(n);
        self.send(now, Arrival::Cancel(n));
        Ok(Answer::ok(answer))
    }

    fn names_of(&self, n: usize) -> Value {
        let order = &self.orders[n];
        json!({ "orderId": order.order_id, "orderLinkId": order.wish.link })
    }

    /// Takes every order of a scope back.
    pub(super) fn cancel_all(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let symbol = params.text("symbol");
        if symbol.is_some() {
            self.instrument(category, params)?;
        }
        let base = params.text("baseCoin").filter(|_| symbol.is_none());
        let settle = params.text("settleCoin");
        let settle = settle.filter(|_| symbol.is_none() && base.is_none());
        if category == Category::Linear && symbol.is_none() && base.is_none() && settle.is_none() {
            return Err(Refusal::params(
                "symbol, baseCoin or settleCoin is required",
            ));
        }
        let filter = params.text("orderFilter");
        let stop_type = params.text("stopOrderType");
        let found = self.open.iter().copied().filter(|n| {
            let wish = &self.orders[*n].wish;
            let rules = self.table.get(wish.instrument);
            let kind = match (category, filter.as_deref()) {
                // Without a filter linear means everything, spot the plain orders only.
                (Category::Linear, None) => true,
                (Category::Linear, Some("StopOrder")) => wish.trigger.is_some(),
                (Category::Linear, Some(_)) => wish.trigger.is_none(),
                (Category::Spot, wanted) => wish.filter == wanted.unwrap_or("Order"),
            };
            wish.category == category
                && kind
                && stop_type.as_ref().is_none_or(|t| t == wish.stop_type)
                && symbol.as_ref().is_none_or(|s| s == rules.symbol.as_str())
                && base.as_ref().is_none_or(|b| *b == rules.base)
                && settle.as_ref().is_none_or(|s| *s == rules.quote)
        });
        let found: Vec<usize> = found.take(MOST_AT_ONCE).collect();
        let list: Vec<Value> = found.iter().map(|n| self.names_of(*n)).collect();
        for n in found {
            if self.orders[n].place != Place::Gone {
                self.send(now, Arrival::Cancel(n));
            }
        }
        Ok(Answer::ok(json!({ "list": list, "success": "1" })))
    }

    /// Carries out up to `granted` items of a batch; the rest is over the limit.
    pub(super) fn batch(
        &mut self,
        now: Timestamp,
        batch: Batch,
        params: Params<'_>,
        granted: usize,
    ) -> Outcome {
        let category = params.category()?;
        let items = params
            .items()
            .ok_or_else(|| Refusal::params("request is required"))?;
        let most = Batch::most(category);
        if items.is_empty() || most < items.len() {
            return Err(Refusal::params(format_args!(
                "request must hold 1 to {most} orders"
            )));
        }
        let (mut list, mut codes) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            let told = |name: &str| item.get(name).cloned().unwrap_or_else(|| json!(""));
            let mut row = json!({
                "category": category.to_string(), "symbol": told("symbol"),
                "orderId": told("orderId"), "orderLinkId": told("orderLinkId"),
            });
            let outcome = if at < granted {
                self.item(now, batch, category, item)
            } else {
                Err(Refusal::too_many())
            };
            match outcome {
                Ok(answer) => {
                    row["orderId"] = answer.result["orderId"].clone();
                    row["orderLinkId"] = answer.result["orderLinkId"].clone();
                    codes.push(json!({ "code": 0, "msg": "OK" }));
                    if batch == Batch::Create {
                        row["createAt"] = json!(now.millis().to_string());
                    }
                }
                Err(refusal) => {
                    codes.push(json!({ "code": refusal.code, "msg": refusal.text }));
                    if batch == Batch::Create {
                        row["createAt"] = json!("");
                    }
                }
            }
            list.push(row);
        }
        let mut answer = Answer::ok(json!({ "list": list }));
        answer.ext = json!({ "list": codes });
        Ok(answer)
    }

    fn item(&mut self, now: Timestamp, batch: Batch, category: Category, item: &Value) -> Outcome {
        let mut item = item.clone();
        if !item.is_object() {
            return Err(Refusal::params("request holds what is no order"));
        }
        item["category"] = json!(category.to_string());
        let params = Params::new(&item);
        match batch {
            Batch::Create => self.create(now, params),
            Batch::Cancel => self.cancel(now, params),
            Batch::Amend => {
                let conditional = self
                    .named(category, params)?
                    .is_some_and(|n| self.orders[n].wish.trigger.is_some());
                if conditional {
                    return Err(Refusal::params("conditional orders are no part of a batch"));
                }
                self.amend(now, params)
            }
        }
    }
}
