//! Feeds and brokers.

pub mod feed;
pub mod sim;
