//! Feeds and brokers.

pub mod broker;
pub mod sim;
