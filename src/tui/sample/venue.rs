//! Sessions with a venue: one where everything is well, and one that needs a hand.

use super::normal;
use super::parts::NOW;
use crate::control::{
    BudgetView, ClockView, ConnectionState, ConnectionView, DifferenceView, FeedHealth, Snapshot,
    VenueView,
};
use crate::domain::Mode;

fn connections() -> Vec<ConnectionView> {
    [
        ("public linear", 1),
        ("private", 0),
        ("orders", 0),
        ("requests", 0),
    ]
    .map(|(name, n_lost)| ConnectionView {
        name: name.to_owned(),
        state: ConnectionState::Up,
        detail: String::new(),
        n_lost,
    })
    .into()
}

fn budgets() -> Vec<BudgetView> {
    [
        ("order create", 10, 8, 2),
        ("order cancel", 10, 10, 2),
        ("order amend", 10, 10, 2),
        ("positions", 50, 41, 10),
        ("all requests", 600, 574, 120),
    ]
    .map(|(name, limit, left, reserved)| BudgetView {
        name: name.to_owned(),
        limit,
        left,
        reserved,
    })
    .into()
}

/// The normal session on the demo account, with every connection up and the account equal.
#[must_use]
pub fn connected(seed: u64) -> Snapshot {
    let mut snapshot = normal(seed);
    snapshot.session.mode = Mode::Demo;
    "stream.bybit.com".clone_into(&mut snapshot.session.feed);
    for market in &mut snapshot.markets {
        market.health = FeedHealth::Ok;
        market.updated = Some(NOW.plus_millis(-38));
    }
    snapshot.venue = Some(VenueView {
        host: "api-demo.bybit.com".to_owned(),
        connections: connections(),
        budgets: budgets(),
        clock: Some(ClockView {
            offset_ms: 3,
            error_ms: 12,
        }),
        account_lacks: None,
        compared_at: Some(NOW.plus_millis(-12_300)),
    });
    snapshot
}

/// The same with a lost connection, an account that is not whole, a clock that is off, a budget
/// near its end, and four differences.
#[must_use]
pub fn troubled(seed: u64) -> Snapshot {
    let mut snapshot = connected(seed);
    let mut venue = snapshot.venue.take().unwrap_or_default();
    venue.connections[1].state = ConnectionState::Down;
    venue.connections[1].n_lost = 3;
    "closed by the venue (1006), tries again in 8 s".clone_into(&mut venue.connections[1].detail);
    venue.connections[2].state = ConnectionState::Connecting;
    venue.connections[2].n_lost = 1;
    "waits for the answer to its login".clone_into(&mut venue.connections[2].detail);
    venue.budgets[0].left = 2;
    venue.budgets[3].left = 0;
    venue.clock = Some(ClockView {
        offset_ms: -312,
        error_ms: 41,
    });
    venue.account_lacks = Some("the private stream is down since 12:03:44".to_owned());
    venue.compared_at = Some(NOW.plus_millis(-47_100));
    snapshot.venue = Some(venue);
    let difference =
        |class: &'static str, ours: &str, venue: &str, repair: &'static str| DifferenceView {
            class: class.into(),
            ours: ours.to_owned(),
            venue: venue.to_owned(),
            repair: repair.into(),
        };
    let adopt = "adopt it, or close it";
    let [filled, foreign] = [
        "load the executions again",
        "cancel it at the venue, or leave it",
    ];
    let order = "tt-0a1b2c3d4e-0gz8f21k0-t0 filled 0";
    let theirs = "Sell 0.5 ETHUSDT (5f2c1e9a)";
    snapshot.differences = vec![
        difference("position", "0.232", "0.116 BTCUSDT", adopt),
        difference("missing fill", order, "filled 0.116", filled),
        difference("foreign order", "not ours", theirs, foreign),
        difference("position", "0", "40 SUIUSDT", adopt),
    ];
    if let Some(sol) = snapshot.markets.last_mut() {
        sol.health = FeedHealth::Stale;
        sol.updated = Some(NOW.plus_millis(-4_210));
    }
    snapshot
}
