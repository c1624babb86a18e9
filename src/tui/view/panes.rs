//! How many panes a view has and how many rows can be selected in each.

use crate::control::Snapshot;
use crate::tui::model::View;

/// Panes of a view, in the order of `Tab`.
///
/// Dashboard: chart, book, positions and orders, risk, agent, log, equity. Book: ladder, fills,
/// quote. Blotter: positions, orders, fills, trades. Agent: decision, why, features, history.
/// Risk: limits, state. Performance: equity, drawdown, statistics, trades. Log: the lines.
/// Health: differences, connections, venue, data; without a venue: venue, session, trouble, data.
#[must_use]
pub const fn panes(view: View) -> usize {
    match view {
        View::Dashboard => 7,
        View::Book => 3,
        View::Blotter | View::Agent | View::Performance | View::Health => 4,
        View::Risk => 2,
        View::Log => 1,
    }
}

/// Rows that can be selected in a pane; 0 where it has none.
///
/// The dashboard's positions and orders are one list: positions first. The agent view's first
/// pane selects a leg. Log lines scroll.
#[must_use]
pub fn rows(view: View, pane: usize, snapshot: &Snapshot) -> usize {
    match (view, pane) {
        (View::Dashboard, 2) => snapshot.positions.len() + snapshot.orders.len(),
        (View::Dashboard, 3) | (View::Risk, 0) => snapshot.gauges.len(),
        (View::Book, 1) | (View::Blotter, 2) => snapshot.fills.len(),
        (View::Blotter, 0) => snapshot.positions.len(),
        (View::Blotter, 1) => snapshot.orders.len(),
        (View::Blotter | View::Performance, 3) => snapshot.trades.len(),
        (View::Agent, 0) => snapshot.legs.len(),
        (View::Log, _) | (View::Dashboard, 5) => snapshot.notices.len(),
        (View::Health, 0) => snapshot.differences.len(),
        (View::Agent, 2) => snapshot
            .legs
            .iter()
            .map(|leg| leg.features.len())
            .max()
            .unwrap_or(0),
        _ => 0,
    }
}
