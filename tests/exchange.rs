//! The simulated venue by its own interface: signed calls in, answers and pushes out.
//!
//! Codes, shapes and the order of messages are those that Bybit documents for v5.

#[cfg(test)]
#[path = "exchange/account.rs"]
mod account;
#[cfg(test)]
#[path = "exchange/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "exchange/drills.rs"]
mod drills;
#[cfg(test)]
#[path = "exchange/keys.rs"]
mod keys;
#[cfg(test)]
#[path = "exchange/life.rs"]
mod life;
#[cfg(test)]
#[path = "exchange/lists.rs"]
mod lists;
#[cfg(test)]
#[path = "exchange/parity.rs"]
mod parity;
#[cfg(test)]
#[path = "exchange/positions.rs"]
mod positions;
#[cfg(test)]
#[path = "exchange/public.rs"]
mod public;
#[cfg(test)]
#[path = "exchange/refusals.rs"]
mod refusals;
