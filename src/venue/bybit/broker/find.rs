//! One order, in every place that may know it.
//!
//! Open and fresh orders, then history, then executions. "Nowhere" needs an answer of each; any
//! failure on the way is an error and no answer (F31).

use super::ask::{self, SPAN_MS};
use super::order::history;
use super::{BybitBroker, Roster};
use crate::domain::{
    AccountEvent, Category, ClientOrderId, Instrument, InstrumentId, Qty, Timestamp,
};
use crate::venue::broker::{AskError, Found};
use crate::venue::bybit::rest::Query;
use crate::venue::bybit::wire::names::OrderFilter;
use crate::venue::bybit::wire::order::Order;

/// Digits of the time in a name of ours.
const TIME_DIGITS: usize = 9;
/// Age from which a query without times may not reach an order, in ms: a day less than a span.
const OLD_MS: i64 = SPAN_MS - 86_400_000;

impl BybitBroker {
    pub(super) async fn find_order(
        &self,
        order: ClientOrderId,
        instrument: InstrumentId,
    ) -> Result<Found, AskError> {
        let rules = self.rules(instrument).ok_or_else(|| {
            AskError::NoAnswer(format!(
                "instrument {} is not in this session",
                instrument.0
            ))
        })?;
        let row = self.find_row(order, rules).await?;
        let venue_id = row.as_ref().map(|row| row.order_id.clone());
        let venue_id = venue_id.or_else(|| self.roster.venue_id(&order));
        let Some(venue_id) = venue_id else {
            return Ok(Found::Nowhere);
        };
        self.roster.met(&order, &venue_id);
        let since = row.as_ref().and_then(|row| row.created_time);
        let is_untouched = row
            .as_ref()
            .is_some_and(|row| row.cum_exec_qty == Some(Qty::ZERO));
        let (fills, traded) = if is_untouched {
            Default::default()
        } else {
            let since = since.or_else(|| decided_at(order));
            self.fills_of(&venue_id, rules, since).await?
        };
        let Some(row) = row else {
            if fills.is_empty() {
                return Ok(Found::Nowhere);
            }
            // It traded, so it was there; how it ended is not known.
            let accepted = AccountEvent::Accepted { order };
            return Ok(Found::Events(
                std::iter::once(accepted).chain(fills).collect(),
            ));
        };
        note(&self.roster, &order, &row);
        let is_conditional = self.is_conditional(&order);
        history(&row, order, is_conditional, fills, traded)
            .map(Found::Events)
            .map_err(AskError::NoAnswer)
    }

    fn is_conditional(&self, order: &ClientOrderId) -> bool {
        let spec = self.roster.spec(order);
        spec.is_some_and(|spec| spec.kind.trigger().is_some())
    }

    /// The newest row of an order, wherever it is.
    async fn find_row(
        &self,
        order: ClientOrderId,
        rules: &Instrument,
    ) -> Result<Option<Order>, AskError> {
        let category = rules.category.to_string();
        let named = Query::new()
            .with("category", &category)
            .with("symbol", rules.symbol.as_str())
            .with("orderLinkId", order.as_str());
        let mut queries = vec![named.clone()];
        let spec = self.roster.spec(&order);
        let may_sleep = spec.is_none_or(|spec| spec.kind.trigger().is_some());
        if rules.category == Category::Spot && may_sleep {
            // Spot keeps its conditional orders apart.
            queries.push(named.with("orderFilter", OrderFilter::Stop.as_str()));
        }
        for query in &queries {
            if let Some(row) = self.row("/v5/order/realtime", query, order, rules).await? {
                return Ok(Some(row));
            }
        }
        let now = self.rest.venue_now();
        let old = decided_at(order).filter(|at| OLD_MS <= now.since(*at));
        for query in &queries {
            // Without times the venue may look at the last days only.
            let span = old.map(|at| (at, Some(at.plus_millis(SPAN_MS).min(now))));
            let spanned = span.map(|span| ask::within(query, span));
            for query in std::iter::once(query).chain(spanned.as_ref()) {
                if let Some(row) = self.row("/v5/order/history", query, order, rules).await? {
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }

    async fn row(
        &self,
        path: &str,
        query: &Query,
        order: ClientOrderId,
        rules: &Instrument,
    ) -> Result<Option<Order>, AskError> {
        let rows: Vec<Order> = ask::list(&self.rest, path, Some(rules.category), query).await?;
        let is_it = |row: &Order| {
            row.order_link_id.as_deref() == Some(order.as_str()) && row.symbol == rules.symbol
        };
        if !rows.is_empty() && !rows.iter().any(is_it) {
            let text = format!("{path}: the answer is about other orders than {order}");
            return Err(AskError::NoAnswer(text));
        }
        let mine = rows.into_iter().filter(is_it);
        Ok(mine.max_by_key(|row| (row.updated_time, row.cum_exec_qty)))
    }

    /// Fills of one order of ours, oldest first, and the amount that it traded.
    async fn fills_of(
        &self,
        venue_id: &str,
        rules: &Instrument,
        since: Option<Timestamp>,
    ) -> Result<(Vec<AccountEvent>, Qty), AskError> {
        let query = Query::new()
            .with("category", &rules.category.to_string())
            .with("symbol", rules.symbol.as_str())
            .with("orderId", venue_id)
            .with("limit", "100");
        let rows = self.executions_by(&query, rules.category, since).await?;
        let mine = |row: &&_| is_of(row, venue_id);
        let traded = rows.iter().filter(mine).map(|row| row.exec_qty).sum();
        let fills = rows.iter().filter(mine).filter_map(|row| {
            let told = self.tell(row, rules.category);
            told.filter(|event| matches!(event, AccountEvent::Fill(_)))
        });
        Ok((fills.collect(), traded))
    }
}

fn is_of(row: &crate::venue::bybit::wire::execution::Execution, venue_id: &str) -> bool {
    row.order_id.as_deref() == Some(venue_id)
}

/// Keeps what a row tells about the state of an order of ours.
fn note(roster: &Roster, order: &ClientOrderId, row: &Order) {
    if super::order::is_awake(row, false) {
        roster.triggered(order);
    }
    if row.order_status.is_final() {
        roster.ended(order);
    }
}

/// When the decision behind a name of ours was made, see [`ClientOrderId::of_decision`].
fn decided_at(order: ClientOrderId) -> Option<Timestamp> {
    let (_, rest) = order.as_str().strip_prefix("tt-")?.split_once('-')?;
    let (time, _) = rest.split_once('-')?;
    let ms = (time.len() == TIME_DIGITS).then(|| i64::from_str_radix(time, 36).ok())??;
    Some(Timestamp::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_decision_is_in_its_name() {
        let at = Timestamp::from_millis(1_700_000_040_000);
        for scope in [0, 7, u64::MAX] {
            let order = ClientOrderId::of_decision(scope, at, 'o', 3);
            assert_eq!(decided_at(order), Some(at), "{order}");
        }
        for name in ["a", "tt-a-b-c", "tt-0-00000000-o0", "web-1-lp2v0x0a0-o0"] {
            assert_eq!(decided_at(name.parse().unwrap()), None, "{name}");
        }
    }
}
