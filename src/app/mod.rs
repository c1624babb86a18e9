//! Wiring: the only place that knows every room. Settings become engines, feeds and sessions.

mod build;
pub mod guard;
mod journals;
mod models;
pub mod permissions;

pub use build::{
    BuildError, Built, FeedIntervals, MarketSource, build_session, open_market, unpaced_until,
};

pub use journals::{SessionFolder, newest_unfinished};
pub use models::{ModelSource, load_bundle, shipped_names};
