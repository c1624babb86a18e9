//! The simulated venue: matcher, paper broker, recorded and synthetic feeds.

pub mod exchange;
pub mod instruments;
pub mod matcher;
pub mod paper;
pub mod recorded;
pub mod server;
pub mod synth;

pub use matcher::{Costs, Matcher, Settings, SettingsError};
pub use paper::PaperBroker;
