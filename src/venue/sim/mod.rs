//! The simulated venue: matcher, paper broker, recorded and synthetic feeds.

pub mod instruments;
pub mod recorded;
pub mod synth;
pub mod matcher;
pub mod paper;

pub use matcher::{Costs, Matcher, Settings, SettingsError};
pub use paper::PaperBroker;
