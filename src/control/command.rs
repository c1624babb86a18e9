//! What a person can ask of a running session.

use serde::{Deserialize, Serialize};

use crate::domain::{ClientOrderId, InstrumentId, KillLevel, LegId};

/// A wish that changes trading. It is journalled and replayed like any other input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TradeCommand {
    /// Moves up the kill ladder. The latch itself is tripped by whoever sends this, not by it.
    Kill {
        /// Step asked for.
        level: KillLevel,
        /// Who or what asked, in words.
        reason: String,
    },
    /// Moves back down to `level`, for a reason that is kept.
    Resume {
        /// Step to return to.
        level: KillLevel,
        /// Why it is safe.
        reason: String,
    },
    /// Cancels one order.
    Cancel(ClientOrderId),
    /// Cancels every order that is not protection.
    CancelAll,
    /// Closes one position, reduce-only at market.
    Close(InstrumentId),
    /// Closes every position.
    CloseAll,
    /// Stops a leg: no new signals, its position ends naturally.
    StopLeg(LegId),
    /// Starts a stopped leg again.
    StartLeg(LegId),
    /// Takes over the venue's position in an instrument as ours.
    Adopt(InstrumentId),
}

/// What happens to orders and positions when a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitPolicy {
    /// Everything stays as it is.
    Keep,
    /// Orders that are not protection are cancelled.
    Cancel,
    /// Orders are cancelled and positions closed.
    Flatten,
}

/// A wish about the session itself; it does not reach the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionCommand {
    /// Plays a recording at this many times real speed; infinite is as fast as it goes.
    Speed(f64),
    /// Holds a recording, or lets it go on. Live sessions refuse it.
    Hold(bool),
    /// Ends the session.
    Quit(ExitPolicy),
}

/// Anything a front end can ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Changes trading.
    Trade(TradeCommand),
    /// Changes the session.
    Session(SessionCommand),
}
