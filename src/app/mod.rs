//! Wiring: the only place that knows every room. Settings become engines, feeds and sessions.

mod build;
pub mod doctor;
pub mod download;
pub mod guard;
mod journals;
mod legs;
mod live;
mod models;
pub mod permissions;
pub mod record;
mod trading;

pub use build::{
    BuildError, Built, FeedIntervals, MarketSource, build_session, open_market, unpaced_until,
};

pub use journals::{SessionFolder, newest_unfinished};
pub use live::{
    Connection, LiveError, Series, connect, history, hosts_of, is_live, keep_time, open_feed,
    series_of,
};
pub use models::{ModelSource, load_bundle, shipped_names};
pub use trading::{TradingError, TradingParts, check_account, open_account, open_account_timed};
