//! Sockets of the venue against a scripted peer.
//!
//! Where time has to pass the peer sits at the other end of a pipe in memory and tokio's clock
//! is paused, so a test sees exact waits and never waits itself. Where bytes, TCP or TLS matter
//! the peer is a server on loopback and everything is driven by messages.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests count as outside of tests"
)]

#[path = "bybit_socket/harness.rs"]
mod harness;
#[path = "bybit_socket/hostile.rs"]
mod hostile;
#[path = "bybit_socket/liveness.rs"]
mod liveness;
#[path = "bybit_socket/private.rs"]
mod private;
#[path = "bybit_socket/public.rs"]
mod public;
#[path = "bybit_socket/reconnect.rs"]
mod reconnect;
#[path = "bybit_socket/shards.rs"]
mod shards;
#[path = "bybit_socket/trade.rs"]
mod trade;
#[path = "bybit_socket/trade_login.rs"]
mod trade_login;
