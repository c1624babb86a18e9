//! The limits, with the action of each.

use serde::{Deserialize, Serialize};

use crate::domain::{Money, Rate};

/// Milliseconds of one hour.
const HOUR_MS: i64 = 3_600_000;

/// What happens when a loss limit is reached (C-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitAction {
    /// Entries are refused for as long as the loss stands.
    Block,
    /// Entries are refused for a time, whatever happens to the loss.
    Pause,
    /// Everything is closed and the latch holds.
    Kill,
}

/// Every limit of the account. Rates are parts of `capital`; 0.02 is two percent.
///
/// Defaults are the table S2-23 and S2-27 to S2-32.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Money the rates refer to.
    pub capital: Money,
    /// Largest value of one position (S2-27).
    pub max_position: Rate,
    /// Largest value of all positions and all entries that could still fill (S2-28).
    pub max_exposure: Rate,
    /// Loss of one position, as a part of its entry value, at which it is closed (S2-29).
    pub stop_loss: Rate,
    /// Loss since the start of the UTC day (S2-30).
    pub day_loss: Rate,
    /// What the daily limit does.
    pub day_action: LimitAction,
    /// How long its pause lasts, in milliseconds.
    pub day_pause_ms: i64,
    /// Loss since the start of the ISO week (S2-31).
    pub week_loss: Rate,
    /// What the weekly limit does.
    pub week_action: LimitAction,
    /// How long its pause lasts, in milliseconds.
    pub week_pause_ms: i64,
    /// Distance from the highest equity, as a part of it (S2-32).
    pub max_drawdown: Rate,
    /// What the drawdown limit does.
    pub drawdown_action: LimitAction,
    /// Smallest value of an entry (S2-23).
    pub min_trade: Money,
    /// Largest distance of an order's price from the reference price (S0-28).
    pub price_band: Rate,
    /// Oldest reference price that counts as fresh, in milliseconds.
    pub reference_max_age_ms: i64,
    /// Orders allowed within any 60 seconds of session time (S0-29).
    pub max_orders_per_minute: u32,
    /// What a refusal by the position limit does beyond refusing.
    pub position_action: LimitAction,
    /// What a refusal by the exposure limit does beyond refusing.
    pub exposure_action: LimitAction,
    /// What a refusal by the price band does beyond refusing.
    pub band_action: LimitAction,
    /// What a refusal by the frequency limit does beyond refusing.
    pub frequency_action: LimitAction,
    /// How long the pause of one of these four lasts, in milliseconds.
    pub refusal_pause_ms: i64,
}

/// Why a set of limits is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit {name} = {value} is impossible: {remedy}")]
pub struct LimitsError {
    /// Name of the limit.
    pub name: &'static str,
    /// Value given.
    pub value: String,
    /// What is allowed.
    pub remedy: &'static str,
}

impl Limits {
    /// The S2 table for an account of `capital`.
    ///
    /// # Panics
    ///
    /// Never: its constants are numbers.
    #[must_use]
    pub fn standard(capital: Money) -> Self {
        Self {
            capital,
            max_position: Rate::from_bps(1_000),
            max_exposure: Rate::from_bps(7_000),
            stop_loss: Rate::from_bps(800),
            day_loss: Rate::from_bps(200),
            day_action: LimitAction::Pause,
            day_pause_ms: 24 * HOUR_MS,
            week_loss: Rate::from_bps(500),
            week_action: LimitAction::Pause,
            week_pause_ms: 168 * HOUR_MS,
            max_drawdown: Rate::from_bps(1_500),
            drawdown_action: LimitAction::Kill,
            min_trade: "500".parse().expect("500 is a number"),
            price_band: Rate::from_bps(200),
            reference_max_age_ms: 10 * 60_000,
            max_orders_per_minute: 60,
            position_action: LimitAction::Block,
            exposure_action: LimitAction::Block,
            band_action: LimitAction::Block,
            frequency_action: LimitAction::Block,
            refusal_pause_ms: HOUR_MS,
        }
    }

    /// Checks the limits against each other.
    ///
    /// # Errors
    ///
    /// The first limit that cannot be meant, with its value and the remedy.
    pub fn validate(&self) -> Result<(), LimitsError> {
        let fail = |name, value: String, remedy| {
            Err(LimitsError {
                name,
                value,
                remedy,
            })
        };
        if self.capital <= Money::ZERO {
            return fail(
                "capital",
                self.capital.to_string(),
                "use an amount above zero",
            );
        }
        for (name, rate) in [
            ("max_position", self.max_position),
            ("max_exposure", self.max_exposure),
            ("stop_loss", self.stop_loss),
            ("day_loss", self.day_loss),
            ("week_loss", self.week_loss),
            ("max_drawdown", self.max_drawdown),
            ("price_band", self.price_band),
        ] {
            if rate <= Rate::ZERO || Rate::ONE < rate {
                return fail(
                    name,
                    rate.to_string(),
                    "use a part above 0 and up to 1; 0.02 is 2 %",
                );
            }
        }
        if self.max_exposure < self.max_position {
            return fail(
                "max_exposure",
                self.max_exposure.to_string(),
                "one position at max_position must fit into it",
            );
        }
        if self.week_loss < self.day_loss {
            return fail(
                "week_loss",
                self.week_loss.to_string(),
                "a week may not lose less than one of its days",
            );
        }
        if self.min_trade < Money::ZERO {
            return fail("min_trade", self.min_trade.to_string(), "use zero or more");
        }
        if self.max_orders_per_minute == 0 {
            return fail("max_orders_per_minute", "0".to_owned(), "use at least 1");
        }
        if self.reference_max_age_ms <= 0 {
            return fail(
                "reference_max_age_ms",
                self.reference_max_age_ms.to_string(),
                "use an age above zero",
            );
        }
        Ok(())
    }

    /// Largest value of one position.
    #[must_use]
    pub fn max_position_value(&self) -> Money {
        self.capital * self.max_position
    }

    /// Largest value of everything together.
    #[must_use]
    pub fn max_exposure_value(&self) -> Money {
        self.capital * self.max_exposure
    }

    /// Loss of a day that breaks the limit.
    #[must_use]
    pub fn day_loss_value(&self) -> Money {
        self.capital * self.day_loss
    }

    /// Loss of a week that breaks the limit.
    #[must_use]
    pub fn week_loss_value(&self) -> Money {
        self.capital * self.week_loss
    }
}
