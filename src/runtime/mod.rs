//! Makes a process of the pure engine: clock, threads, gateway, drivers.

mod backtest;
pub mod clock;
mod expected;
mod gateway;
mod lines;
mod live;
mod pace;
pub mod process;
mod public;
mod recorder;
mod remote;
mod replay;
mod run;
mod session;
mod source;
mod stop;

pub use backtest::{BacktestError, backtest};
pub use expected::{Difference, Expected, MatchError, Verdict};
pub use gateway::{Gateway, GatewayParts, GatewayTiming, Heard, Restart};
pub use lines::LineNames;
pub use live::{Ended, Inbox, Live, VenueBoard, live};
pub use pace::Pace;
pub use public::{PublicFeed, PublicParts, past_bars};
pub use recorder::{RecordError, Recorder, RecorderParts};
pub use remote::{Outbox, Outgoing, Remote, VenueWord};
pub use replay::{Audience, ReplayEnd, ReplayError, replay};
pub use run::{EndReason, Run, RunEnd, RunError, RunOptions};
pub use session::{Session, Step, Unwatched, Witness};
pub use source::{Due, Recording, Source};
pub use stop::StopFlag;
