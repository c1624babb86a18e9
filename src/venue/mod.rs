//! Feeds and brokers.

pub mod broker;
pub mod feed;
pub mod sim;
