//! What the simulated venue charges and allows.
//!
//! Plain data with one check; where the values come from is the caller's business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{InstrumentId, Money, Rate};

/// Trading costs of one instrument. A negative maker fee is a rebate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Fee of a resting fill, as a part of its value.
    pub maker: Rate,
    /// Fee of a taking fill, as a part of its value.
    pub taker: Rate,
    /// How far a taking fill lies from the price it is made at, against us; 0 to below 1.
    pub slippage: Rate,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Slippage that would make prices negative or better.
    #[error("slippage {0} is outside of 0 to below 1: give it as a fraction, 0.001 is 0.1 %")]
    Slippage(Rate),
    /// A fee of everything, or a rebate of everything.
    #[error("fee {0} is outside of -1 to 1: give it as a fraction, 0.00055 is 0.055 %")]
    Fee(Rate),
    /// A share that is none.
    #[error("participation {0} is outside of 0 to 1: use a part of the volume, or none to lift it")]
    Participation(Rate),
    /// Leverage below one.
    #[error("leverage 0 allows no position: use 1 or more")]
    Leverage,
    /// Maintenance margin that is none.
    #[error("maintenance margin {0} is outside of 0 to below 1")]
    Maintenance(Rate),
    /// Costs for an instrument that the table does not have.
    #[error("costs are given for instrument {given}, the table has {known}")]
    UnknownInstrument {
        /// Number given.
        given: u16,
        /// Size of the table.
        known: usize,
    },
}

/// Everything about the account and the venue that is not in the instrument table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Cash at the start, in `coin`.
    pub cash: Money,
    /// The one coin that the account settles in, such as `USDT`.
    pub coin: String,
    /// Costs of every instrument without costs of its own.
    pub costs: Costs,
    /// Costs by instrument.
    pub costs_of: BTreeMap<InstrumentId, Costs>,
    /// Largest part of a bar's volume that we may trade; `None` lifts the cap.
    pub participation: Option<Rate>,
    /// Largest value of all linear positions and orders, in multiples of the equity.
    pub leverage: u16,
    /// Equity below this part of the linear positions' value liquidates them.
    pub maintenance: Rate,
}

impl Settings {
    /// Settings with the shipped rules: 10 % of a bar's volume, leverage 10, maintenance 0.5 %.
    #[must_use]
    pub fn new(cash: Money, coin: impl Into<String>, costs: Costs) -> Self {
        Self {
            cash,
            coin: coin.into(),
            costs,
            costs_of: BTreeMap::new(),
            participation: Some(Rate::from_bps(1000)),
            leverage: 10,
            maintenance: Rate::from_bps(50),
        }
    }

    /// Checks every value.
    pub(super) fn check(&self, n_instruments: usize) -> Result<(), SettingsError> {
        for costs in std::iter::once(&self.costs).chain(self.costs_of.values()) {
            if costs.slippage < Rate::ZERO || Rate::ONE <= costs.slippage {
                return Err(SettingsError::Slippage(costs.slippage));
            }
            for fee in [costs.maker, costs.taker] {
                if Rate::ONE <= fee.abs() {
                    return Err(SettingsError::Fee(fee));
                }
            }
        }
        if let Some(part) = self.participation
            && (part <= Rate::ZERO || Rate::ONE < part)
        {
            return Err(SettingsError::Participation(part));
        }
        if self.leverage == 0 {
            return Err(SettingsError::Leverage);
        }
        if self.maintenance < Rate::ZERO || Rate::ONE <= self.maintenance {
            return Err(SettingsError::Maintenance(self.maintenance));
        }
        match self.costs_of.keys().find(|id| id.index() >= n_instruments) {
            Some(id) => Err(SettingsError::UnknownInstrument {
                given: id.0,
                known: n_instruments,
            }),
            None => Ok(()),
        }
    }
}
