//! The simulated venue: matcher, paper broker, recorded and synthetic feeds.

pub mod instruments;
pub mod recorded;
pub mod synth;
