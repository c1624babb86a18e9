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
mod stop;

pub use backtest::{BacktestError, backtest};
pub use expected::{Difference, Expected, MatchError, Verdict};
pub use lines::LineNames;
pub use paper::{EndReason, PaperOptions, PaperRun, RunEnd, RunError};
pub use recorder::{RecordError, Recorder, RecorderParts};
pub use replay::{Audience, ReplayEnd, ReplayError, replay};
pub use session::{Session, Step, Unwatched, Witness};
pub use stop::StopFlag;
