//! The program from its command line: help, every bad input, what goes to which stream, and the
//! round trips of a session. Each test has a home of its own.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

#[path = "cli/desk.rs"]
mod desk;

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/latch.rs"]
mod latch;
#[path = "cli/sessions.rs"]
mod sessions;
#[path = "cli/streams.rs"]
mod streams;
