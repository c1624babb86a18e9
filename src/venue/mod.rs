//! Feeds and brokers.

pub mod feed;
pub mod broker;
pub mod sim;
