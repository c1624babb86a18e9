//! Fills, funding and closures since a moment: all markets, all pages, oldest first.

use std::collections::BTreeMap;

use super::BybitBroker;
use super::ask;
use super::fill::{Teller, Told};
use super::strange::StrangeEvent;
use crate::domain::{AccountEvent, Category, Timestamp};
use crate::venue::broker::AskError;
use crate::venue::bybit::rest::Query;
use crate::venue::bybit::wire::execution::Execution;
use crate::venue::bybit::wire::names::WireCategory;

/// Strange executions that may wait to be looked at.
const MOST_STRANGE: usize = 10_000;

impl BybitBroker {
    pub(super) async fn executions_since(
        &self,
        since: Timestamp,
    ) -> Result<Vec<AccountEvent>, AskError> {
        let mut rows: Vec<(Category, Execution)> = Vec::new();
        for category in self.categories() {
            let query = Query::new()
                .with("category", &category.to_string())
                .with("limit", "100");
            let found = self.executions_by(&query, category, Some(since)).await?;
            rows.extend(found.into_iter().map(|row| (category, row)));
        }
        // Told only once everything is there: what is told as strange is told once.
        rows.sort_by(|(_, a), (_, b)| order_of(a).cmp(&order_of(b)));
        let events = rows
            .iter()
            .filter_map(|(category, row)| self.tell(row, *category))
            .collect();
        if MOST_STRANGE < self.strange().len() {
            // Nothing is dropped: nothing is called whole while nobody looks.
            let text = format!("more than {MOST_STRANGE} strange executions wait for a look");
            return Err(AskError::NoAnswer(text));
        }
        Ok(events)
    }

    /// Executions that a query finds, oldest first, each once; without a start those of the last
    /// days.
    pub(super) async fn executions_by(
        &self,
        query: &Query,
        category: Category,
        since: Option<Timestamp>,
    ) -> Result<Vec<Execution>, AskError> {
        let queries: Vec<Query> = match since {
            Some(since) => ask::spans(since, self.rest.venue_now())
                .into_iter()
                .map(|span| ask::within(query, span))
                .collect(),
            None => vec![query.clone()],
        };
        let mut found: BTreeMap<(String, String), Execution> = BTreeMap::new();
        for query in &queries {
            let path = "/v5/execution/list";
            let rows: Vec<Execution> = ask::list(&self.rest, path, Some(category), query).await?;
            for row in rows {
                found.insert((row.symbol.to_string(), row.exec_id.clone()), row);
            }
        }
        let mut rows: Vec<Execution> = found.into_values().collect();
        rows.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
        Ok(rows)
    }

    /// The event of an execution; what is strange about it is put aside.
    pub(super) fn tell(&self, row: &Execution, category: Category) -> Option<AccountEvent> {
        let teller = Teller {
            instruments: &self.instruments,
            roster: &self.roster,
        };
        let category = WireCategory::from(category);
        let Told { event, strange } = teller.tell(row, Some(&category));
        self.strange().extend(strange);
        event
    }

    /// What the venue said in answers and nobody here has a word for, since the last call. The
    /// private stream tells its own.
    #[must_use]
    pub fn take_strange(&self) -> Vec<StrangeEvent> {
        std::mem::take(&mut *self.strange())
    }
}

/// Executions of one moment are ordered by the number of their match.
fn order_of(row: &Execution) -> (Timestamp, Option<i64>, &str) {
    (row.exec_time, row.seq, &row.exec_id)
}
