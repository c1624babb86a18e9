//! Everything a front end may touch: snapshots, commands, the kill latch, notices.
//!
//! A front end cannot name the engine, a broker, or a lock the engine writes through. It reads an
//! immutable [`Snapshot`], sends a [`Command`], and may trip the [`KillSwitch`] from any thread.

mod command;
mod handle;
mod kill;
mod line;
mod screen;
mod snapshot;

pub use command::{Command, ExitPolicy, SessionCommand, TradeCommand};
pub use handle::{Handle, Publisher, SendError, channel};
pub use kill::{KillPhase, KillReason, KillReset, KillSwitch, Tripped, clean_reason};
pub use line::{LINE_VERSION, Line, LineKind, OrderLine};
pub use screen::ScreenSwitch;
pub use snapshot::{
    AccountView, ActionMark, BookView, BudgetView, ClockView, ConnectionState, ConnectionView,
    Counters, DecisionView, DifferenceView, EquityPoint, FeatureView, FeedHealth, FillView, Gauge,
    GaugeAction, HeldBack, LegPhase, LegView, MarketView, Notice, NoticeLevel, OrderView,
    PauseView, PositionView, Rung, RungState, SessionView, Snapshot, StatsView, TradeView,
    TradingState, VenueView,
};
