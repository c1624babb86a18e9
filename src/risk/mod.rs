//! The only mint of [`Approved`]: small pure rules with numbers and reasons.
//!
//! Risk owns no clock, no latch and no order. The engine hands it the numbers; risk answers with
//! an approval, or with the rule that refused and both numbers. Missing or stale numbers refuse
//! entries: risk fails closed.

mod approved;
mod breakers;
mod gate;
mod limits;
#[cfg(test)]
mod tests;

pub use approved::Approved;
pub use breakers::{Breach, Breakers, Pause};
pub use gate::{Gate, Refusal, Rule, Scene};
pub use limits::{LimitAction, Limits, LimitsError};
