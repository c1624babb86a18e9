//! Executions: everything that moved a position or money.
//!
//! One type for `/v5/execution/list` and the `execution` stream, one for the leaner
//! `execution.fast`. The identity is `execId`; not every execution is a fill of an order of ours.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::names::{
    CreateType, ExecType, MarketUnit, OrderType, StopOrderType, WireCategory, WireSide,
};
use super::number::{flag, int_opt, need, opt, seen_opt};
use crate::domain::{ClientOrderId, Liquidity, Money, Price, Qty, Rate, Symbol, Timestamp};

/// One execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Category; a REST list has it once for all rows.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// The venue's name of the order; a funding has one of its own kind.
    #[serde(default, with = "opt")]
    pub order_id: Option<String>,
    /// Our name of the order.
    #[serde(default, with = "opt")]
    pub order_link_id: Option<String>,
    /// Side of the order; of a funding, that of the position.
    #[serde(default, with = "opt")]
    pub side: Option<WireSide>,
    /// Kind of order; `UNKNOWN` for a funding.
    #[serde(default, with = "opt")]
    pub order_type: Option<OrderType>,
    /// What a conditional order was for.
    #[serde(default, with = "opt")]
    pub stop_order_type: Option<StopOrderType>,
    /// Price of the order.
    #[serde(default, with = "opt")]
    pub order_price: Option<Price>,
    /// Amount of the order.
    #[serde(default, with = "opt")]
    pub order_qty: Option<Qty>,
    /// Amount of the order that may still trade.
    #[serde(default, with = "opt")]
    pub leaves_qty: Option<Qty>,
    /// Who made the order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub create_type: Option<CreateType>,
    /// Identity of the execution.
    #[serde(with = "need")]
    pub exec_id: String,
    /// What it is.
    pub exec_type: ExecType,
    /// Price; of a funding, the mark price.
    #[serde(with = "need")]
    pub exec_price: Price,
    /// Amount; of a funding, the size of the position.
    #[serde(with = "need")]
    pub exec_qty: Qty,
    /// Value.
    #[serde(default, with = "seen_opt")]
    pub exec_value: Option<Money>,
    /// Fee paid, in the coin [`Self::fee_coin`]; negative is income. Of a funding, the payment.
    #[serde(default, with = "opt")]
    pub exec_fee: Option<Decimal>,
    /// Rate of the fee; of a funding, the funding rate.
    #[serde(default, with = "seen_opt")]
    pub fee_rate: Option<Rate>,
    /// Coin of the fee; often none on linear.
    #[serde(default, with = "opt")]
    pub fee_currency: Option<String>,
    /// When.
    #[serde(with = "need")]
    pub exec_time: Timestamp,
    /// Whether the order rested.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_maker: Option<bool>,
    /// Amount by which a position shrank.
    #[serde(default, with = "opt")]
    pub closed_size: Option<Qty>,
    /// Profit of the part that was closed, without fees.
    #[serde(default, with = "seen_opt", skip_serializing_if = "Option::is_none")]
    pub exec_pnl: Option<Money>,
    /// Mark price at that moment.
    #[serde(default, with = "seen_opt")]
    pub mark_price: Option<Price>,
    /// Coin of the order's amount, for spot market orders.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub market_unit: Option<MarketUnit>,
    /// Shared by the executions of one match and the position's update; unique per symbol only.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
}

impl Execution {
    /// Our name of the order; `None` for orders of other programs with unusual names.
    #[must_use]
    pub fn client_id(&self) -> Option<ClientOrderId> {
        self.order_link_id.as_deref()?.parse().ok()
    }

    /// Whether the order rested, if the venue says so.
    #[must_use]
    pub fn liquidity(&self) -> Option<Liquidity> {
        liquidity(self.is_maker)
    }

    /// Coin of the fee on an instrument of `base` and `quote`.
    ///
    /// Linear fees are in the quote coin. Spot fees are in what the order received, except that a
    /// maker with a negative rate is paid in the other one (Bybit v5, "spot fee currency").
    #[must_use]
    pub fn fee_coin<'a>(
        &'a self,
        category: &WireCategory,
        base: &'a str,
        quote: &'a str,
    ) -> &'a str {
        if let Some(coin) = self.fee_currency.as_deref() {
            return coin;
        }
        if *category != WireCategory::Spot {
            return quote;
        }
        let is_rebate =
            self.is_maker == Some(true) && self.fee_rate.is_some_and(|rate| rate.raw() < 0);
        let is_buy = self.side == Some(WireSide::Buy);
        if is_buy == is_rebate { quote } else { base }
    }

    /// The fee's value in the quote coin, at the price of this execution; `None` without a fee,
    /// and when the fee is in a third coin, whose price nobody here knows.
    #[must_use]
    pub fn fee_in_quote(&self, category: &WireCategory, base: &str, quote: &str) -> Option<Money> {
        let fee = self.exec_fee?;
        let coin = self.fee_coin(category, base, quote);
        let value = if coin == quote {
            fee
        } else if coin == base {
            fee.checked_mul(self.exec_price.to_decimal())?
        } else {
            return None;
        };
        Money::from_decimal(value.round_dp(Money::DIGITS)).ok()
    }
}

/// One execution of the fast stream: trades only, without fees and details of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FastExecution {
    /// Category.
    #[serde(default, with = "opt")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Identity of the execution.
    #[serde(with = "need")]
    pub exec_id: String,
    /// Price.
    #[serde(with = "need")]
    pub exec_price: Price,
    /// Amount.
    #[serde(with = "need")]
    pub exec_qty: Qty,
    /// The venue's name of the order: what to join by.
    #[serde(with = "need")]
    pub order_id: String,
    /// Our name of the order; none for makers.
    #[serde(default, with = "opt")]
    pub order_link_id: Option<String>,
    /// Whether the order rested.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_maker: Option<bool>,
    /// Side of the order.
    pub side: WireSide,
    /// When.
    #[serde(with = "need")]
    pub exec_time: Timestamp,
    /// Shared by the executions of one match.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
}

impl FastExecution {
    /// Whether the order rested, if the venue says so.
    #[must_use]
    pub fn liquidity(&self) -> Option<Liquidity> {
        liquidity(self.is_maker)
    }
}

fn liquidity(is_maker: Option<bool>) -> Option<Liquidity> {
    is_maker.map(|is_maker| {
        if is_maker {
            Liquidity::Maker
        } else {
            Liquidity::Taker
        }
    })
}
