//! The simulated venue over real sockets: what clients are told, every fault, stepping by hand.
//!
//! No test waits for time to pass: the clock is moved by hand, and what must not come is shown by
//! what comes instead.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests count as outside of tests"
)]

#[path = "sim_exchange/desk.rs"]
mod desk;
#[path = "sim_exchange/entry.rs"]
mod entry;
#[path = "sim_exchange/program.rs"]
mod program;
#[path = "sim_exchange/requests.rs"]
mod requests;
#[path = "sim_exchange/sockets.rs"]
mod sockets;
#[path = "sim_exchange/stepping.rs"]
mod stepping;
#[path = "sim_exchange/streams.rs"]
mod streams;
#[path = "sim_exchange/tls.rs"]
mod tls;
