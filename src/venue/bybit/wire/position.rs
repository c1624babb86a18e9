//! Positions as the venue reports them, and the requests about them.
//!
//! One type for `/v5/position/list` and the `position` stream. The key is the symbol with
//! `positionIdx`. A flat position has a side of `""` and a size of zero or `""`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::names::{PositionIdx, PositionStatus, TpslMode, TriggerBy, WireCategory, WireSide};
use super::number::{flag, int, int_opt, need, opt, seen_opt};
use crate::domain::{Category, Money, Price, Qty, SignedQty, Symbol, Timestamp};

/// One position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// Category; a REST list has it once for all rows.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Which of the symbol's positions.
    #[serde(with = "int")]
    pub position_idx: PositionIdx,
    /// Direction; none when flat.
    #[serde(default, with = "opt")]
    pub side: Option<WireSide>,
    /// Size without direction; see [`Self::signed_size`].
    #[serde(default, with = "opt")]
    pub size: Option<Qty>,
    /// Average entry price, over REST; see [`Self::entry`].
    #[serde(default, with = "seen_opt", skip_serializing_if = "Option::is_none")]
    pub avg_price: Option<Price>,
    /// Average entry price, in the stream; see [`Self::entry`].
    #[serde(default, with = "seen_opt", skip_serializing_if = "Option::is_none")]
    pub entry_price: Option<Price>,
    /// Average entry price since the last settlement of a USDC contract.
    #[serde(default, with = "seen_opt")]
    pub session_avg_price: Option<Price>,
    /// Price without profit or loss, fees included.
    #[serde(default, with = "seen_opt")]
    pub break_even_price: Option<Price>,
    /// Mark price at that moment.
    #[serde(default, with = "seen_opt")]
    pub mark_price: Option<Price>,
    /// Price of liquidation; none when it is outside of the price range. An estimate.
    #[serde(default, with = "seen_opt")]
    pub liq_price: Option<Price>,
    /// Leverage; none under portfolio margin.
    #[serde(default, with = "seen_opt")]
    pub leverage: Option<Decimal>,
    /// Value.
    #[serde(default, with = "seen_opt")]
    pub position_value: Option<Money>,
    /// Initial margin; none under portfolio margin.
    #[serde(default, with = "seen_opt", rename = "positionIM")]
    pub position_im: Option<Money>,
    /// Maintenance margin; none under portfolio margin.
    #[serde(default, with = "seen_opt", rename = "positionMM")]
    pub position_mm: Option<Money>,
    /// Take-profit price; zero is none.
    #[serde(default, with = "opt")]
    pub take_profit: Option<Price>,
    /// Stop-loss price; zero is none.
    #[serde(default, with = "opt")]
    pub stop_loss: Option<Price>,
    /// Distance of a trailing stop; zero is none.
    #[serde(default, with = "opt")]
    pub trailing_stop: Option<Price>,
    /// Profit at the mark price; does not push by itself.
    #[serde(default, with = "seen_opt")]
    pub unrealised_pnl: Option<Money>,
    /// Profit realised by this position.
    #[serde(default, with = "seen_opt")]
    pub cur_realised_pnl: Option<Money>,
    /// Profit realised by all positions of the symbol.
    #[serde(default, with = "seen_opt")]
    pub cum_realised_pnl: Option<Money>,
    /// State.
    #[serde(default, with = "opt")]
    pub position_status: Option<PositionStatus>,
    /// Place in the queue of auto-deleveraging.
    #[serde(default, with = "int_opt")]
    pub adl_rank_indicator: Option<i64>,
    /// Whether the venue lets it only shrink.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_reduce_only: Option<bool>,
    /// Order of updates within the key; `-1` before the first trade.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// When the first position of the symbol was made.
    #[serde(default, with = "opt")]
    pub created_time: Option<Timestamp>,
    /// When it last changed; of two reports with one `seq` the later counts.
    #[serde(default, with = "opt")]
    pub updated_time: Option<Timestamp>,
    /// When this position was opened.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub open_time: Option<Timestamp>,
}

impl Position {
    /// Average entry price, from whichever field has it; `None` when flat.
    #[must_use]
    pub fn entry(&self) -> Option<Price> {
        let price = self.avg_price.or(self.entry_price)?;
        (!self.is_flat() && !price.is_zero()).then_some(price)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.size.is_none_or(Qty::is_zero)
    }

    /// Size with direction; `None` when there is a size without a direction, which is no report
    /// to act on.
    #[must_use]
    pub fn signed_size(&self) -> Option<SignedQty> {
        match (self.size, &self.side) {
            (Some(size), _) if size.is_zero() => Some(SignedQty::ZERO),
            (None, _) => Some(SignedQty::ZERO),
            (Some(size), Some(direction)) => Some(size.signed(direction.to_domain()?)),
            (Some(_), None) => None,
        }
    }
}

/// One row of `/v5/position/closed-pnl`; its prices include fees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedPnl {
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// The venue's name of the closing order.
    #[serde(with = "need")]
    pub order_id: String,
    /// Side of the closing order.
    pub side: WireSide,
    /// Amount of the order.
    #[serde(default, with = "opt")]
    pub qty: Option<Qty>,
    /// Amount closed.
    #[serde(with = "need")]
    pub closed_size: Qty,
    /// Average entry price.
    #[serde(default, with = "seen_opt")]
    pub avg_entry_price: Option<Price>,
    /// Average exit price.
    #[serde(default, with = "seen_opt")]
    pub avg_exit_price: Option<Price>,
    /// Profit, after fees.
    #[serde(with = "need")]
    pub closed_pnl: Money,
    /// When the order last changed.
    #[serde(default, with = "opt")]
    pub updated_time: Option<Timestamp>,
}

/// Body of `/v5/position/set-leverage`; equal for both sides unless hedged and isolated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetLeverage {
    /// Category.
    pub category: WireCategory,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Leverage of long positions.
    #[serde(with = "need")]
    pub buy_leverage: Decimal,
    /// Leverage of short positions.
    #[serde(with = "need")]
    pub sell_leverage: Decimal,
}

impl SetLeverage {
    /// The same leverage for both sides of a linear symbol.
    #[must_use]
    pub fn both(symbol: Symbol, leverage: Decimal) -> Self {
        Self {
            category: Category::Linear.into(),
            symbol,
            buy_leverage: leverage.normalize(),
            sell_leverage: leverage.normalize(),
        }
    }
}

/// Body of `/v5/position/switch-mode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchMode {
    /// Category.
    pub category: WireCategory,
    /// Of one symbol.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Of all symbols of a coin, except those in use.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub coin: Option<String>,
    /// 0 is one-way, 3 is hedge.
    #[serde(with = "int")]
    pub mode: i64,
}

impl SwitchMode {
    /// One position per linear symbol.
    #[must_use]
    pub fn one_way(symbol: Symbol) -> Self {
        Self {
            category: Category::Linear.into(),
            symbol: Some(symbol),
            coin: None,
            mode: 0,
        }
    }
}

/// Body of `/v5/position/trading-stop`. `Full` edits the pair of the position; zero removes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TradingStop {
    /// Category.
    pub category: WireCategory,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Whether it is for the whole position.
    pub tpsl_mode: TpslMode,
    /// Which of the symbol's positions.
    #[serde(with = "int")]
    pub position_idx: PositionIdx,
    /// Take-profit price.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<Price>,
    /// Stop-loss price.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Price>,
    /// Price that wakes the take-profit.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub tp_trigger_by: Option<TriggerBy>,
    /// Price that wakes the stop-loss.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub sl_trigger_by: Option<TriggerBy>,
}
