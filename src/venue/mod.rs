//! Feeds and brokers.

pub mod broker;
pub mod bybit;
pub mod feed;
pub mod sim;
