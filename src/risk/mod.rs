//! The only mint of [`Approved`]: small pure rules with numbers and reasons.

mod approved;

pub use approved::Approved;
