//! The pure pipeline: one input in, effects out.
//!
//! No I/O, no clock, no randomness, no `await`, no iteration over a hash map.

mod event;

pub use event::{
    CancelReason, DecisionRecord, Effect, EffectOf, EffectRecord, Event, Outcome, RefusalRecord,
    TradeRecord,
};
