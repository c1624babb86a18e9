//! What an engine is built from.

use serde::{Deserialize, Serialize};

use super::planner::PlanRules;
use crate::domain::{Category, InstrumentId, Instruments, Interval, Money, Rate};
use crate::risk::{Limits, LimitsError};
use crate::strategy::Strategy;

/// Settings of the account's engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// Name of the account; part of every client order id.
    pub account: String,
    /// Cash at the start.
    pub capital: Money,
    /// Limits.
    pub limits: Limits,
    /// How targets become orders.
    pub plan: PlanRules,
    /// Model errors in a row after which a leg is stopped.
    pub max_model_errors: u32,
    /// Age of an instrument's data at which it counts as stale, in milliseconds.
    pub stale_after_ms: i64,
    /// Whether positions get a stop order at the venue.
    pub venue_stops: bool,
}

/// One strategy on one instrument.
pub struct LegSetup {
    /// Instrument it trades.
    pub instrument: InstrumentId,
    /// Interval it decides on.
    pub interval: Interval,
    /// Value of an exposure of one.
    pub full_value: Money,
    /// Loss of a position at which it is closed; the account's limit holds where it is stricter.
    pub stop_loss: Rate,
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
}

impl std::fmt::Debug for LegSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LegSetup")
            .field("instrument", &self.instrument)
            .field("interval", &self.interval)
            .field("strategy", &self.strategy.info().name)
            .finish_non_exhaustive()
    }
}

/// Why an engine cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A limit that cannot be meant.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// Two legs on one instrument: one position cannot belong to two strategies.
    #[error("{first} and {second} both trade {symbol}: give each strategy a symbol of its own")]
    SharedInstrument {
        /// Symbol of both.
        symbol: String,
        /// First strategy.
        first: String,
        /// Second strategy.
        second: String,
    },
    /// The strategy was made for another symbol.
    #[error("{strategy} was made for {made_for}, not for {symbol}: choose its own symbol")]
    OtherSymbol {
        /// Name of the strategy.
        strategy: String,
        /// Symbol it was made for.
        made_for: String,
        /// Symbol asked for.
        symbol: String,
    },
    /// The strategy was made for another interval.
    #[error("{strategy} was made for {made_for} bars, not for {interval}: choose its own interval")]
    OtherInterval {
        /// Name of the strategy.
        strategy: String,
        /// Interval it was made for.
        made_for: Interval,
        /// Interval asked for.
        interval: Interval,
    },
    /// The largest position of a leg is below the venue's smallest order.
    #[error(
        "{symbol}: a full position of {value} is below the smallest trade of {min}: raise the \
         capital or the leg's part of it"
    )]
    TooSmall {
        /// Symbol of the leg.
        symbol: String,
        /// Value of a full position.
        value: Money,
        /// Smallest trade that limits and venue allow.
        min: Money,
    },
}

/// Checks that legs, limits and instruments fit together.
pub(super) fn validate(
    settings: &EngineSettings,
    instruments: &Instruments,
    legs: &[LegSetup],
) -> Result<(), SetupError> {
    settings.limits.validate()?;
    for (n, leg) in legs.iter().enumerate() {
        let instrument = instruments.get(leg.instrument);
        let info = leg.strategy.info();
        let symbol = instrument.symbol.to_string();
        if let Some(twin) = legs[..n]
            .iter()
            .find(|other| other.instrument == leg.instrument)
        {
            return Err(SetupError::SharedInstrument {
                symbol,
                first: twin.strategy.info().name.clone(),
                second: info.name.clone(),
            });
        }
        if let Some(made_for) = &info.symbol
            && *made_for != instrument.symbol
        {
            return Err(SetupError::OtherSymbol {
                strategy: info.name.clone(),
                made_for: made_for.to_string(),
                symbol,
            });
        }
        if let Some(made_for) = info.interval
            && made_for != leg.interval
        {
            return Err(SetupError::OtherInterval {
                strategy: info.name.clone(),
                made_for,
                interval: leg.interval,
            });
        }
        let min = settings.limits.min_trade.max(instrument.min_notional);
        if leg.full_value < min {
            return Err(SetupError::TooSmall {
                symbol,
                value: leg.full_value,
                min,
            });
        }
    }
    Ok(())
}

/// Whether stops can rest at the venue for this kind of market.
pub(super) const fn has_venue_stops(category: Category) -> bool {
    matches!(category, Category::Linear)
}
