//! Bybit v5: wire types, signatures, REST, sockets, feed and broker.
//!
//! The only folder of the live side that knows hosts, JSON and signatures.

pub mod auth;
pub mod broker;
pub mod clock;
pub mod codes;
pub mod credentials;
pub mod feed;
pub mod hosts;
pub mod limits;
pub mod rest;
pub mod socket;
pub mod wire;
