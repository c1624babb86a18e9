//! The REST client against scripted servers on this machine, over real sockets.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test and its helpers"
)]

#[path = "bybit_rest/calls.rs"]
mod calls;
#[path = "bybit_rest/certificates.rs"]
mod certificates;
#[path = "bybit_rest/failures.rs"]
mod failures;
#[path = "bybit_rest/limits.rs"]
mod limits;
#[path = "bybit_rest/once.rs"]
mod once;
#[path = "bybit_rest/paging.rs"]
mod paging;
#[path = "bybit_rest/server.rs"]
mod server;
