//! Sample messages of every kind, written after the documented shapes.
//!
//! They prove on their own what `tests/bybit_wire.rs` proves with the shared fixtures, and beyond
//! that: what is wrong is refused with its name, and nothing panics.

mod accounts;
mod broken;
mod frames;
mod markets;
mod numbers;
mod orders;
mod requests;

use crate::domain::{Money, Price, Qty, Rate, Symbol, Timestamp};

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}
