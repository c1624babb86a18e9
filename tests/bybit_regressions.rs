//! The venue's regression list, line by line, against the exchange simulator over real sockets.
//!
//! The list is in the requirements: what connectors to this venue have got wrong before. A test's
//! name begins with the number of its line. A line that is not built is an ignored test that says
//! so. Time is the simulator's and moved by hand.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test and its helpers"
)]

#[path = "bybit_regressions/account.rs"]
mod account;
#[path = "bybit_regressions/desk.rs"]
mod desk;
#[path = "engine/desk.rs"]
#[allow(dead_code, reason = "shared with the tests of the engine")]
mod engine_desk;
#[path = "bybit_regressions/fees.rs"]
mod fees;
#[path = "bybit_regressions/gate.rs"]
mod gate;
#[path = "bybit_regressions/limits.rs"]
mod limits;
#[path = "bybit_regressions/messages.rs"]
mod messages;
#[path = "bybit_regressions/orders.rs"]
mod orders;
#[path = "bybit_regressions/refusals.rs"]
mod refusals;
#[path = "bybit_regressions/streams.rs"]
mod streams;

/// Lines of the list.
const LINES: usize = 26;

/// Everything that holds a test of a line.
const SOURCES: [&str; 7] = [
    include_str!("bybit_regressions/account.rs"),
    include_str!("bybit_regressions/fees.rs"),
    include_str!("bybit_regressions/limits.rs"),
    include_str!("bybit_regressions/messages.rs"),
    include_str!("bybit_regressions/orders.rs"),
    include_str!("bybit_regressions/refusals.rs"),
    include_str!("bybit_regressions/streams.rs"),
];

/// Whether each test of a line runs; `None` when the line has none.
fn is_tested(line: usize) -> Option<bool> {
    let name = format!("fn line_{line:02}_");
    let mut found = None;
    for source in SOURCES {
        for (at, _) in source.match_indices(&name) {
            let before = &source[..at];
            let attributes = before.rsplit("\n}\n").next().unwrap_or(before);
            let runs = !attributes.contains("#[ignore");
            found = Some(found.unwrap_or(true) && runs);
        }
    }
    found
}

#[test]
fn every_line_has_a_test() {
    let tested: Vec<Option<bool>> = (1..=LINES).map(is_tested).collect();
    let missing: Vec<usize> = (1..=LINES).filter(|n| tested[n - 1].is_none()).collect();
    assert_eq!(missing, [0; 0], "lines without a test");
    let n_run = tested.iter().filter(|runs| **runs == Some(true)).count();
    println!("regressions: {n_run} of {LINES}");
}
