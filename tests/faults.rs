//! Faults of the venue and of the way to it, against a whole session: its own sockets, gateway,
//! engine and journal, with the simulated venue at the other end.
//!
//! After each fault a checker compares the simulator's truth with the session: no order accepted
//! twice, no fill missing from the journal, the same position. Time runs as it does, and leaps to
//! the end of a bar where a scenario wants a decision; nothing is asserted about speed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "faults/account.rs"]
mod account;
#[path = "faults/desk.rs"]
mod desk;
#[path = "faults/market.rs"]
mod market;
#[path = "faults/orders.rs"]
mod orders;
#[path = "faults/venue.rs"]
mod venue;
