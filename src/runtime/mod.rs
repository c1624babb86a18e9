//! Makes a process of the pure engine: clock, threads, gateway, drivers.

mod backtest;
pub mod clock;
mod expected;
mod lines;
mod pace;
mod paper;
pub mod process;
mod recorder;
mod replay;
mod session;

pub use backtest::{BacktestError, backtest};
pub use expected::{Difference, Expected, MatchError};
pub use lines::LineNames;
pub use paper::{EndReason, PaperOptions, PaperRun, RunEnd, RunError, StopFlag};
pub use recorder::{RecordError, Recorder, RecorderParts};
pub use replay::{Audience, ReplayEnd, ReplayError, replay};
pub use session::{Session, Step, Unwatched, Witness};
