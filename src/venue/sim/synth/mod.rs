//! A seeded market that behaves like a real one, for demonstrations, tests and load.
//!
//! One path per symbol makes its bars, quotes, books and trades, so that they agree with each
//! other. The same seed gives the same market to the bit on any machine: every transcendental
//! function comes from `libm`, and all that leaves is on the venue's grids. Nothing here is a
//! forecast, and no strategy result on it says anything about real markets.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "floats make up the market; what leaves is rounded to the venue's grids"
)]

pub mod facts;

mod feed;
mod ladder;
mod path;
mod profile;
mod random;
mod season;
mod spec;
mod tape;
mod write;

#[cfg(test)]
mod tests;

pub use feed::SynthFeed;
pub use profile::SynthProfile;
pub use spec::{SynthError, SynthSpec, demo_spec};
pub use write::{WriteError, write_market};
