//! Orders as the venue reports them, and its short answers to requests about them.
//!
//! One type for `/v5/order/realtime`, `/v5/order/history` and the `order` stream: they differ in
//! which fields are there. A spot order has neither `tpslMode` nor `createType`.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};

use super::names::{
    CancelType, CreateType, MarketUnit, OrderStatus, OrderType, PositionIdx, StopOrderType,
    TpslMode, TriggerBy, TriggerDirection, WireCategory, WireSide, WireTimeInForce,
};
use super::number::{Seen, flag, int_opt, need, opt, or_default, seen_opt};
use crate::domain::{ClientOrderId, Money, Price, Qty, Symbol, Timestamp};

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Category; a REST list has it once for all rows.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol; the same in several categories.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// The venue's name of the order.
    #[serde(with = "need")]
    pub order_id: String,
    /// Our name of the order, or one of another program.
    #[serde(default, with = "opt")]
    pub order_link_id: Option<String>,
    /// Side.
    pub side: WireSide,
    /// Kind.
    #[serde(default, with = "opt")]
    pub order_type: Option<OrderType>,
    /// Limit price; for a market order the venue's own limit, zero or none.
    #[serde(default, with = "opt")]
    pub price: Option<Price>,
    /// Amount ordered; of a spot market buy without `marketUnit` the value, in the quote coin.
    #[serde(default, with = "opt")]
    pub qty: Option<Qty>,
    /// How long it waits.
    #[serde(default, with = "opt")]
    pub time_in_force: Option<WireTimeInForce>,
    /// State.
    pub order_status: OrderStatus,
    /// Which of the symbol's positions it is for.
    #[serde(default, with = "int_opt")]
    pub position_idx: Option<PositionIdx>,
    /// May only shrink a position.
    #[serde(default, with = "flag")]
    pub reduce_only: Option<bool>,
    /// Makes room for itself when triggered.
    #[serde(default, with = "flag")]
    pub close_on_trigger: Option<bool>,
    /// Amount that may still trade; zero in a final state.
    #[serde(default, with = "opt")]
    pub leaves_qty: Option<Qty>,
    /// Amount traded.
    #[serde(default, with = "opt")]
    pub cum_exec_qty: Option<Qty>,
    /// Value traded.
    #[serde(default, with = "seen_opt")]
    pub cum_exec_value: Option<Money>,
    /// Fees paid; a dead field on linear and spot, see [`Self::cum_fee_detail`].
    #[serde(default, with = "seen_opt")]
    pub cum_exec_fee: Option<Decimal>,
    /// Fees paid, by coin.
    #[serde(default, skip_serializing_if = "CoinAmounts::is_empty")]
    pub cum_fee_detail: CoinAmounts,
    /// Average price traded at; none or zero before the first trade.
    #[serde(default, with = "seen_opt")]
    pub avg_price: Option<Price>,
    /// Who made it.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub create_type: Option<CreateType>,
    /// Who ended it; `UNKNOWN` while nobody did.
    #[serde(default, with = "opt")]
    pub cancel_type: Option<CancelType>,
    /// Why it was refused or ended; `EC_NoError` is none, see [`Self::refusal`].
    #[serde(default, with = "opt")]
    pub reject_reason: Option<String>,
    /// What a conditional order is for.
    #[serde(default, with = "opt")]
    pub stop_order_type: Option<StopOrderType>,
    /// Price that wakes it; zero or none for a plain order, see [`Self::trigger`].
    #[serde(default, with = "opt")]
    pub trigger_price: Option<Price>,
    /// Which way the price must go.
    #[serde(default, with = "int_opt")]
    pub trigger_direction: Option<TriggerDirection>,
    /// Price that is watched.
    #[serde(default, with = "opt")]
    pub trigger_by: Option<TriggerBy>,
    /// Attached take-profit price; zero is none.
    #[serde(default, with = "opt")]
    pub take_profit: Option<Price>,
    /// Attached stop-loss price; zero is none.
    #[serde(default, with = "opt")]
    pub stop_loss: Option<Price>,
    /// Whether attached orders close all; on contracts only.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub tpsl_mode: Option<TpslMode>,
    /// Coin of the amount of a spot market order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub market_unit: Option<MarketUnit>,
    /// When it was made.
    #[serde(default, with = "opt")]
    pub created_time: Option<Timestamp>,
    /// When it last changed; of two reports the later counts.
    #[serde(default, with = "opt")]
    pub updated_time: Option<Timestamp>,
}

impl Order {
    /// Our name of the order; `None` for orders of other programs with unusual names.
    #[must_use]
    pub fn client_id(&self) -> Option<ClientOrderId> {
        self.order_link_id.as_deref()?.parse().ok()
    }

    /// Price that wakes a conditional order.
    #[must_use]
    pub fn trigger(&self) -> Option<Price> {
        self.trigger_price.filter(|price| !price.is_zero())
    }

    /// Limit price of a limit order.
    #[must_use]
    pub fn limit_price(&self) -> Option<Price> {
        let is_limit = self.order_type == Some(OrderType::Limit);
        self.price.filter(|price| is_limit && !price.is_zero())
    }

    /// Why it was refused or ended, when the venue gives a reason.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        let reason = self.reject_reason.as_deref()?;
        (!matches!(reason, "EC_NoError" | "UNKNOWN")).then_some(reason)
    }
}

/// Amounts by coin, such as `{"USDT": "0.01"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CoinAmounts(
    /// The amounts.
    pub BTreeMap<String, Decimal>,
);

impl CoinAmounts {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for CoinAmounts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = CoinAmounts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("amounts by coin")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CoinAmounts, A::Error> {
                let mut amounts = BTreeMap::new();
                while let Some((coin, amount)) = map.next_entry::<String, Seen<Decimal>>()? {
                    amounts.insert(coin, amount.0);
                }
                Ok(CoinAmounts(amounts))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<CoinAmounts, E> {
                match text {
                    "" => Ok(CoinAmounts::default()),
                    _ => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
                }
            }
            fn visit_unit<E: de::Error>(self) -> Result<CoinAmounts, E> {
                Ok(CoinAmounts::default())
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// Answer to a create, an amend or a cancel: accepted, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAck {
    /// The venue's name of the order.
    #[serde(default, with = "opt")]
    pub order_id: Option<String>,
    /// Our name of the order, or one the venue made up for a spot order without.
    #[serde(default, with = "opt")]
    pub order_link_id: Option<String>,
}

/// Answer to one item of a batch; its code is elsewhere, see [`super::Envelope::batch`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAck {
    /// Category.
    #[serde(default, with = "opt")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(default, with = "opt")]
    pub symbol: Option<Symbol>,
    /// The venue's name of the order.
    #[serde(default, with = "opt")]
    pub order_id: Option<String>,
    /// Our name of the order.
    #[serde(default, with = "opt")]
    pub order_link_id: Option<String>,
    /// When it was made; only for creates.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub create_at: Option<Timestamp>,
}

/// Answer to `/v5/order/cancel-all`: the orders it picked, on futures at most 500 at random.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CancelledAll {
    /// The orders.
    #[serde(default, deserialize_with = "or_default")]
    pub list: Vec<OrderAck>,
    /// `1` when it worked.
    #[serde(default, with = "opt")]
    pub success: Option<String>,
}
