//! Makes a process of the pure engine: clock, threads, gateway, drivers.

mod backtest;
pub mod clock;
mod expected;
mod lines;
mod pace;
mod paper;
mod recorder;
mod session;

pub use backtest::{BacktestError, backtest};
pub use expected::{Difference, Expected, MatchError};
pub use lines::LineNames;
pub use paper::{EndReason, PaperOptions, PaperRun, RunEnd, RunError, StopFlag};
pub use recorder::{RecordError, Recorder, RecorderParts};
pub use session::{Session, Step, Unwatched, Witness};
