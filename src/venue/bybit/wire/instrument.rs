//! Instruments as the venue lists them, and as the rest of the program knows them.
//!
//! Contracts and spot pairs name the same rules differently (Bybit v5, "get instruments info"):
//! a contract has `qtyStep` and `minNotionalValue`; a pair has `basePrecision` and `minOrderAmt`,
//! and its `minOrderQty` and `maxOrderQty` are dead fields.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::names::{ContractType, InstrumentStatus};
use super::number::{flag, int_opt, need, opt, seen_opt};
use crate::domain::{
    Category, Instrument, InstrumentError, Money, Price, Qty, Rate, Symbol, Timestamp,
};

/// Why a listed instrument cannot be traded by this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A rule that every order is checked against is missing.
    #[error("instrument {symbol} is listed without {rule}")]
    Missing {
        /// Symbol.
        symbol: Symbol,
        /// Field of the rule.
        rule: &'static str,
    },
    /// Profits are settled in another coin than prices are in.
    #[error("instrument {symbol} settles in {settle} and is priced in {quote}: not linear")]
    NotLinear {
        /// Symbol.
        symbol: Symbol,
        /// Coin of prices.
        quote: String,
        /// Coin of profits.
        settle: String,
    },
    /// Funding is not paid at whole hours.
    #[error("instrument {symbol} pays funding every {minutes} minutes: not whole hours")]
    FundingInterval {
        /// Symbol.
        symbol: Symbol,
        /// Minutes between fundings.
        minutes: u32,
    },
    /// Rules that contradict each other.
    #[error(transparent)]
    Rules(#[from] InstrumentError),
}

/// One row of `/v5/market/instruments-info`, linear or inverse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractRow {
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Kind of contract.
    #[serde(default, with = "opt")]
    pub contract_type: Option<ContractType>,
    /// Whether it is traded.
    pub status: InstrumentStatus,
    /// Coin that is bought and sold.
    #[serde(with = "need")]
    pub base_coin: String,
    /// Coin that prices are in.
    #[serde(with = "need")]
    pub quote_coin: String,
    /// Coin that profits are in.
    #[serde(default, with = "opt")]
    pub settle_coin: Option<String>,
    /// When trading began.
    #[serde(default, with = "opt")]
    pub launch_time: Option<Timestamp>,
    /// When it ends; zero for a perpetual.
    #[serde(default, with = "opt")]
    pub delivery_time: Option<Timestamp>,
    /// Prices.
    pub price_filter: ContractPrices,
    /// Amounts.
    pub lot_size_filter: ContractLots,
    /// Leverage.
    #[serde(default)]
    pub leverage_filter: Option<LeverageFilter>,
    /// Minutes between fundings.
    #[serde(default, with = "int_opt")]
    pub funding_interval: Option<u32>,
    /// Highest funding rate.
    #[serde(default, with = "seen_opt")]
    pub upper_funding_rate: Option<Rate>,
    /// Lowest funding rate.
    #[serde(default, with = "seen_opt")]
    pub lower_funding_rate: Option<Rate>,
    /// Whether it is traded before its launch.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_pre_listing: Option<bool>,
    /// Region or kind of the base, such as `innovation` or `stock`.
    #[serde(default, with = "opt")]
    pub symbol_type: Option<String>,
}

/// Grid and range of a contract's prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractPrices {
    /// Lowest price.
    #[serde(default, with = "opt")]
    pub min_price: Option<Price>,
    /// Highest price.
    #[serde(default, with = "opt")]
    pub max_price: Option<Price>,
    /// Grid.
    #[serde(with = "need")]
    pub tick_size: Price,
}

/// Grid and range of a contract's amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractLots {
    /// Smallest order.
    #[serde(with = "need")]
    pub min_order_qty: Qty,
    /// Largest limit order.
    #[serde(with = "need")]
    pub max_order_qty: Qty,
    /// Largest market order.
    #[serde(default, with = "opt")]
    pub max_mkt_order_qty: Option<Qty>,
    /// Grid.
    #[serde(with = "need")]
    pub qty_step: Qty,
    /// Smallest order value, in the quote coin.
    #[serde(default, with = "opt")]
    pub min_notional_value: Option<Money>,
}

/// Range of leverage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeverageFilter {
    /// Smallest.
    #[serde(default, with = "seen_opt")]
    pub min_leverage: Option<Decimal>,
    /// Largest.
    #[serde(default, with = "seen_opt")]
    pub max_leverage: Option<Decimal>,
    /// Grid.
    #[serde(default, with = "seen_opt")]
    pub leverage_step: Option<Decimal>,
}

impl ContractRow {
    /// Whether it can be traded now.
    #[must_use]
    pub fn is_trading(&self) -> bool {
        self.status == InstrumentStatus::Trading
    }

    /// The instrument. Without a largest market order, that of limit orders holds for both.
    ///
    /// # Errors
    ///
    /// When it is not linear, lacks its smallest value, or its rules contradict each other.
    pub fn instrument(&self) -> Result<Instrument, ListingError> {
        let settle = self.settle_coin.as_ref().unwrap_or(&self.quote_coin);
        let is_inverse = matches!(
            self.contract_type,
            Some(ContractType::InversePerpetual | ContractType::InverseFutures)
        );
        if is_inverse || *settle != self.quote_coin {
            return Err(ListingError::NotLinear {
                symbol: self.symbol.clone(),
                quote: self.quote_coin.clone(),
                settle: settle.clone(),
            });
        }
        let minutes = self.funding_interval.unwrap_or(0);
        if !minutes.is_multiple_of(60) {
            return Err(ListingError::FundingInterval {
                symbol: self.symbol.clone(),
                minutes,
            });
        }
        let lots = &self.lot_size_filter;
        let min_notional = lots
            .min_notional_value
            .ok_or_else(|| ListingError::Missing {
                symbol: self.symbol.clone(),
                rule: "minNotionalValue",
            })?;
        let instrument = Instrument {
            symbol: self.symbol.clone(),
            category: Category::Linear,
            base: self.base_coin.clone(),
            quote: self.quote_coin.clone(),
            tick: self.price_filter.tick_size,
            qty_step: lots.qty_step,
            min_qty: lots.min_order_qty,
            max_qty: lots.max_order_qty,
            max_market_qty: lots.max_mkt_order_qty.unwrap_or(lots.max_order_qty),
            min_notional,
            funding_hours: minutes / 60,
        };
        instrument.validate()?;
        Ok(instrument)
    }
}

/// One row of `/v5/market/instruments-info`, spot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairRow {
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Whether it is traded.
    pub status: InstrumentStatus,
    /// Coin that is bought and sold.
    #[serde(with = "need")]
    pub base_coin: String,
    /// Coin that prices are in.
    #[serde(with = "need")]
    pub quote_coin: String,
    /// Prices.
    pub price_filter: PairPrices,
    /// Amounts.
    pub lot_size_filter: PairLots,
    /// Region or kind of the base, such as `xstocks`.
    #[serde(default, with = "opt")]
    pub symbol_type: Option<String>,
}

/// Grid of a pair's prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairPrices {
    /// Grid.
    #[serde(with = "need")]
    pub tick_size: Price,
}

/// Grid and range of a pair's amounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairLots {
    /// Grid of amounts of the base coin.
    #[serde(with = "need")]
    pub base_precision: Qty,
    /// Grid of amounts of the quote coin.
    #[serde(default, with = "opt")]
    pub quote_precision: Option<Decimal>,
    /// Smallest order value, in the quote coin: the check that counts.
    #[serde(default, with = "opt")]
    pub min_order_amt: Option<Money>,
    /// Largest limit order.
    #[serde(default, with = "opt")]
    pub max_limit_order_qty: Option<Qty>,
    /// Largest market order.
    #[serde(default, with = "opt")]
    pub max_market_order_qty: Option<Qty>,
    /// Largest order of before the two above; dead where those are given.
    #[serde(default, with = "opt")]
    pub max_order_qty: Option<Qty>,
}

impl PairRow {
    /// Whether it can be traded now.
    #[must_use]
    pub fn is_trading(&self) -> bool {
        self.status == InstrumentStatus::Trading
    }

    /// The instrument. The smallest amount is one step, since the venue checks the value alone.
    ///
    /// # Errors
    ///
    /// When a limit is missing or the rules contradict each other.
    pub fn instrument(&self) -> Result<Instrument, ListingError> {
        let missing = |rule| ListingError::Missing {
            symbol: self.symbol.clone(),
            rule,
        };
        let lots = &self.lot_size_filter;
        let max_qty = lots
            .max_limit_order_qty
            .or(lots.max_order_qty)
            .ok_or_else(|| missing("maxLimitOrderQty"))?;
        let instrument = Instrument {
            symbol: self.symbol.clone(),
            category: Category::Spot,
            base: self.base_coin.clone(),
            quote: self.quote_coin.clone(),
            tick: self.price_filter.tick_size,
            qty_step: lots.base_precision,
            min_qty: lots.base_precision,
            max_qty,
            max_market_qty: lots.max_market_order_qty.unwrap_or(max_qty),
            min_notional: lots.min_order_amt.ok_or_else(|| missing("minOrderAmt"))?,
            funding_hours: 0,
        };
        instrument.validate()?;
        Ok(instrument)
    }
}
