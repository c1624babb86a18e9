//! The pure pipeline: one input in, effects out.
//!
//! No I/O, no clock, no randomness, no `await`, no iteration over a hash map.
//! `core` holds the state and the step; `bars`, `fills`, `protect` and `ladder` are its arms; `planner` turns
//! a target into orders; `picture` makes the snapshot that front ends read.

mod bars;
mod core;
mod event;
mod fills;
mod ladder;
mod links;
mod picture;
mod planner;
mod protect;
mod settings;
mod state;

pub use self::core::Engine;
pub use event::{
    CancelReason, DecisionRecord, Effect, EffectOf, EffectRecord, Event, Outcome, RefusalRecord,
    TradeRecord,
};
pub use planner::{
    EntryStyle, FlipStyle, NoOrder, Plan, PlanInput, PlanRules, Planned, plan, target_size,
};
pub use settings::{EngineSettings, LegSetup, SetupError};
