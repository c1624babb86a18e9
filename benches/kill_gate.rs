//! From the kill key's byte to the closed gate, with a terminal that nobody reads.
//!
//! Bars: 99 of 100 presses within 5 ms, and less than 50 ms between two turns of the engine.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../tests/common/mod.rs"]
mod common;

/// Presses that are measured.
const PRESSES: usize = 100;

fn main() {
    let figures = common::terminal::measure(PRESSES);
    println!("{}", figures.print());
    let gate_ok = figures.gate_us_at(0.99) <= 5_000;
    let gap_ok = figures.max_turn_gap_ms < 50.0;
    let word = |ok| if ok { "kept" } else { "BROKEN" };
    println!("bar: p99 at most 5 ms: {}", word(gate_ok));
    println!("bar: turn gap below 50 ms: {}", word(gap_ok));
}
