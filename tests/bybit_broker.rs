//! Orders and the account at Bybit against scripted servers on this machine.
//!
//! The server answers each request as the test says and keeps what it was sent, so that a test
//! sees both what became of an order and what went over the wire for it.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test and its helpers"
)]

#[path = "bybit_broker/account.rs"]
mod account;
#[path = "bybit_broker/cancel.rs"]
mod cancel;
#[path = "bybit_broker/create.rs"]
mod create;
#[path = "bybit_broker/desk.rs"]
mod desk;
#[path = "bybit_broker/executions.rs"]
mod executions;
#[path = "bybit_broker/find.rs"]
mod find;
#[path = "bybit_socket/harness.rs"]
#[allow(dead_code, reason = "shared with the tests of sockets")]
mod harness;
#[path = "bybit_broker/recorded.rs"]
mod recorded;
#[path = "bybit_broker/report.rs"]
mod report;
#[path = "bybit_rest/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the REST client")]
mod server;
#[path = "bybit_broker/socket.rs"]
mod socket;
