//! Trained agents: PPO and `RecurrentPPO` bundles run through an ONNX engine.
//!
//! [`Bundle`] is a model that was checked whole; [`Agent`] is the strategy that runs it;
//! [`Evaluator`] and [`check_golden`] prove that it does so as the training framework would.
#![expect(
    clippy::cast_possible_truncation,
    reason = "a model computes in f32; what is cast was an f64 of the same meaning"
)]

#[expect(
    clippy::module_inception,
    reason = "the agent is what this folder is about"
)]
mod agent;
mod bundle;
mod eval;
mod fault;
mod golden;
mod golden_file;
mod meta;
mod native;
mod onnx;
mod policy;
mod runtime;
#[cfg(test)]
mod tests;
mod wiring;

pub use agent::{Agent, AgentOptions, FirstDecision, StepDetail};
pub use bundle::Bundle;
pub use eval::{EvalError, EvalRow, EvalSummary, Evaluator};
pub use fault::{BundleError, Fault};
pub use golden::{GoldenReport, Mismatch, check_golden};
pub use golden_file::GoldenError;
pub use meta::{
    ActionSpec, DecisionSpec, Dim, FeatureStats, FeesBps, IoSpec, LayoutEntry, Meta, ModelFile,
    ObsSpec, StateSpec, TensorSpec,
};
pub use policy::{Policy, PolicyError};
pub use runtime::{Engine, RuntimeError, engine, init};
