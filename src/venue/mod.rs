//! Feeds and brokers.

pub mod sim;
