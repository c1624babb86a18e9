//! Where orders go, and how far trading is stopped.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a session trades on. Each mode has its own state folder, journal and banner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Recorded market, simulated account.
    Replay,
    /// Live public market, simulated account.
    Paper,
    /// Bybit's demo account.
    Demo,
    /// Bybit's testnet.
    Testnet,
    /// Real money.
    Live,
}

impl Mode {
    /// Name as written in files and folders.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Replay => "replay",
            Mode::Paper => "paper",
            Mode::Demo => "demo",
            Mode::Testnet => "testnet",
            Mode::Live => "live",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Step of the kill ladder, in growing safety. Only an operator with a reason moves down.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum KillLevel {
    /// Trading normally.
    #[default]
    Active,
    /// L1: nothing that opens or adds exposure leaves; protection goes on.
    ReduceOnly,
    /// L2: working orders that are not protection are cancelled; nothing but cancels leaves.
    Halted,
    /// L3: everything is cancelled and closed until the venue says flat.
    Flatten,
}

impl KillLevel {
    /// All levels, in order.
    pub const ALL: [Self; 4] = [Self::Active, Self::ReduceOnly, Self::Halted, Self::Flatten];

    /// Number of the step, 0 to 3.
    #[must_use]
    pub const fn rank(self) -> u8 {
        self as u8
    }

    /// Level of a step number; `None` above 3.
    #[must_use]
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.get(usize::from(rank)).copied()
    }

    /// Name as written in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KillLevel::Active => "active",
            KillLevel::ReduceOnly => "reduce-only",
            KillLevel::Halted => "halt",
            KillLevel::Flatten => "flatten",
        }
    }
}

impl fmt::Display for KillLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
