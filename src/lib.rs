//! tradeterm: a terminal trading console with a venue-grade engine in one binary.
//!
//! ARCHITECTURE.md is the map of this library; `tests/tidy.rs` keeps the map true.

pub mod account;
pub mod app;
pub mod cli;
pub mod config;
pub mod control;
pub mod domain;
pub mod engine;
pub mod features;
pub mod headless;
pub mod market;
pub mod report;
pub mod risk;
pub mod runtime;
pub mod store;
pub mod strategy;
pub mod tui;
pub mod venue;
