//! One suite for every broker: the same orders on the same market end in the same words, whether
//! the account is on paper or at a venue behind real sockets.
//!
//! Each case is written once and is three tests: on paper, and at the simulated venue with
//! orders over the order-entry socket and over HTTP. No test waits for time to pass: the venue's
//! clock is moved by hand, and what is waited for is the venue's own word.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests count as outside of tests"
)]

#[path = "contract/bybit.rs"]
mod bybit;
#[path = "contract/cases.rs"]
mod cases;
#[path = "contract/desk.rs"]
mod desk;
#[path = "contract/line.rs"]
mod line;
#[path = "contract/paper.rs"]
mod paper;
#[path = "contract/parity.rs"]
mod parity;
#[path = "contract/script.rs"]
mod script;
