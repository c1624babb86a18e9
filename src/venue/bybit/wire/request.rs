//! Bodies of order requests, over REST and over the order entry socket alike.
//!
//! A body holds the fields that are set and nothing else. It is built from an order that was
//! already checked: nothing here looks at grids, limits or rights (Bybit v5, "order/create",
//! "order/amend", "order/cancel", "order/cancel-all" and the batches).

use serde::{Deserialize, Serialize};

use super::names::{
    MarketUnit, OrderFilter, OrderType, PositionIdx, TpslMode, TriggerBy, TriggerDirection,
    WireCategory, WireSide, WireTimeInForce,
};
use super::number::{flag, int_opt, need, opt};
use crate::domain::{
    Category, ClientOrderId, Instrument, OrderKind, OrderSpec, Price, Qty, Side, Symbol,
    TriggerPrice,
};

/// Body of `/v5/order/create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateOrder {
    /// Category; of a batch it stands outside.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// Side.
    pub side: WireSide,
    /// Kind; a conditional order has the kind that it becomes.
    pub order_type: OrderType,
    /// Amount, in the base coin unless `market_unit` says otherwise.
    #[serde(with = "need")]
    pub qty: Qty,
    /// Coin of the amount, for spot market orders; without it a buy is in the quote coin.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub market_unit: Option<MarketUnit>,
    /// Limit price.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// How long it waits; market orders never do.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<WireTimeInForce>,
    /// Which position it is for; needed in hedge mode.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub position_idx: Option<PositionIdx>,
    /// Our name of the order: a second order of that name is refused.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_link_id: Option<String>,
    /// May only shrink a position.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub reduce_only: Option<bool>,
    /// Makes room for itself when triggered.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub close_on_trigger: Option<bool>,
    /// Price that wakes it.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub trigger_price: Option<Price>,
    /// Which way the price must go; linear only.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub trigger_direction: Option<TriggerDirection>,
    /// Price that is watched; linear only.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub trigger_by: Option<TriggerBy>,
    /// What kind of order it is to the venue; spot only.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_filter: Option<OrderFilter>,
    /// Attached take-profit price.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<Price>,
    /// Attached stop-loss price.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Price>,
    /// Price that wakes the take-profit.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub tp_trigger_by: Option<TriggerBy>,
    /// Price that wakes the stop-loss.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub sl_trigger_by: Option<TriggerBy>,
    /// Whether attached orders close all.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub tpsl_mode: Option<TpslMode>,
}

impl CreateOrder {
    /// Body for an order of ours. `position` matters on linear only.
    ///
    /// A spot conditional order is a `StopOrder`, which locks no funds before it wakes: the same
    /// balance can be sold by another order meanwhile. Spot has no reduce-only: a sale of the
    /// balance is all it can do.
    #[must_use]
    pub fn new(
        instrument: &Instrument,
        id: ClientOrderId,
        spec: &OrderSpec,
        position: PositionIdx,
    ) -> Self {
        let is_linear = instrument.category == Category::Linear;
        let is_limit = matches!(spec.kind, OrderKind::Limit { .. });
        let trigger = spec.kind.trigger();
        let by_amount = !is_linear && !is_limit && spec.side == Side::Buy;
        let (direction, by) = conditions(spec).unzip();
        Self {
            category: Some(instrument.category.into()),
            symbol: instrument.symbol.clone(),
            side: spec.side.into(),
            order_type: if is_limit {
                OrderType::Limit
            } else {
                OrderType::Market
            },
            qty: spec.qty,
            market_unit: by_amount.then_some(MarketUnit::BaseCoin),
            price: spec.kind.limit_price(),
            time_in_force: Some(time_in_force(spec)),
            position_idx: is_linear.then_some(position),
            order_link_id: Some(id.to_string()),
            reduce_only: (is_linear && spec.reduce_only).then_some(true),
            close_on_trigger: None,
            trigger_price: trigger,
            trigger_direction: direction.filter(|_| is_linear),
            trigger_by: by.filter(|_| is_linear),
            order_filter: trigger.filter(|_| !is_linear).map(|_| OrderFilter::Stop),
            take_profit: None,
            stop_loss: None,
            tp_trigger_by: None,
            sl_trigger_by: None,
            tpsl_mode: None,
        }
    }

    /// With a stop-loss for the whole position, which the venue makes together with the fill.
    /// On spot only limit orders can have one, and it watches the last price. Excludes reduce-only.
    #[must_use]
    pub fn with_stop_loss(mut self, price: Price, by: TriggerPrice) -> Self {
        self.stop_loss = Some(price);
        if self.category != Some(WireCategory::Spot) {
            self.sl_trigger_by = Some(by.into());
            self.tpsl_mode = Some(TpslMode::Full);
        }
        self
    }

    /// With a take-profit for the whole position; limits as for [`Self::with_stop_loss`].
    #[must_use]
    pub fn with_take_profit(mut self, price: Price, by: TriggerPrice) -> Self {
        self.take_profit = Some(price);
        if self.category != Some(WireCategory::Spot) {
            self.tp_trigger_by = Some(by.into());
            self.tpsl_mode = Some(TpslMode::Full);
        }
        self
    }
}

fn time_in_force(spec: &OrderSpec) -> WireTimeInForce {
    match spec.kind {
        OrderKind::Limit {
            post_only: true, ..
        } => WireTimeInForce::PostOnly,
        OrderKind::Limit { .. } => spec.tif.into(),
        // The venue treats every market order so, whatever is sent.
        OrderKind::Market | OrderKind::Stop { .. } | OrderKind::TakeProfit { .. } => {
            WireTimeInForce::Ioc
        }
    }
}

/// Way and price of a conditional order: a stop wakes when the price moves against the position
/// that the order closes, a take-profit when it moves in its favour.
fn conditions(spec: &OrderSpec) -> Option<(TriggerDirection, TriggerBy)> {
    let (rises, by) = match spec.kind {
        OrderKind::Stop { by, .. } => (spec.side == Side::Buy, by),
        OrderKind::TakeProfit { by, .. } => (spec.side == Side::Sell, by),
        OrderKind::Market | OrderKind::Limit { .. } => return None,
    };
    let direction = if rises {
        TriggerDirection::Rise
    } else {
        TriggerDirection::Fall
    };
    Some((direction, by.into()))
}

/// Names an order in a request. Only one name is ever sent: of two the venue's own would win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRef {
    /// By our name.
    Ours(ClientOrderId),
    /// By the venue's name.
    Venue(String),
}

impl OrderRef {
    /// The venue's name and ours; exactly one is there.
    fn ids(self) -> (Option<String>, Option<String>) {
        match self {
            OrderRef::Ours(id) => (None, Some(id.to_string())),
            OrderRef::Venue(id) => (Some(id), None),
        }
    }
}

/// Body of `/v5/order/amend`: only what changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AmendOrder {
    /// Category; of a batch it stands outside.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// The venue's name of the order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Our name of the order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_link_id: Option<String>,
    /// New amount, including what has traded.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub qty: Option<Qty>,
    /// New limit price.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// New trigger.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub trigger_price: Option<Price>,
    /// New attached take-profit price; zero removes it.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<Price>,
    /// New attached stop-loss price; zero removes it.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Price>,
}

impl AmendOrder {
    /// A change of nothing yet.
    #[must_use]
    pub fn new(instrument: &Instrument, order: OrderRef) -> Self {
        let (order_id, order_link_id) = order.ids();
        Self {
            category: Some(instrument.category.into()),
            symbol: instrument.symbol.clone(),
            order_id,
            order_link_id,
            qty: None,
            price: None,
            trigger_price: None,
            take_profit: None,
            stop_loss: None,
        }
    }
}

/// Body of `/v5/order/cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelOrder {
    /// Category; of a batch it stands outside.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub category: Option<WireCategory>,
    /// Symbol.
    #[serde(with = "need")]
    pub symbol: Symbol,
    /// The venue's name of the order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Our name of the order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_link_id: Option<String>,
    /// Spot: must be what the order was made with; none is a plain order.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_filter: Option<OrderFilter>,
}

impl CancelOrder {
    /// A cancel. `is_conditional` tells a spot order that still waits for its trigger from a
    /// plain one: the venue looks for the order only among those of its kind.
    #[must_use]
    pub fn new(instrument: &Instrument, order: OrderRef, is_conditional: bool) -> Self {
        let (order_id, order_link_id) = order.ids();
        let is_spot = instrument.category == Category::Spot;
        Self {
            category: Some(instrument.category.into()),
            symbol: instrument.symbol.clone(),
            order_id,
            order_link_id,
            order_filter: (is_spot && is_conditional).then_some(OrderFilter::Stop),
        }
    }
}

/// Body of `/v5/order/cancel-all`.
///
/// Linear without a filter takes conditional orders along; spot without one takes plain orders
/// only and must be asked again for each other kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelAll {
    /// Category.
    pub category: WireCategory,
    /// Of one symbol.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Linear: of all contracts that settle in one coin.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub settle_coin: Option<String>,
    /// Of one kind.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub order_filter: Option<OrderFilter>,
}

impl CancelAll {
    /// All orders of one symbol; on spot those of the kind `filter`.
    #[must_use]
    pub fn of_symbol(instrument: &Instrument, filter: Option<OrderFilter>) -> Self {
        Self {
            category: instrument.category.into(),
            symbol: Some(instrument.symbol.clone()),
            settle_coin: None,
            order_filter: filter,
        }
    }

    /// All orders of all linear contracts that settle in `coin`, conditional ones included.
    #[must_use]
    pub fn of_settle_coin(coin: &str) -> Self {
        Self {
            category: WireCategory::Linear,
            symbol: None,
            settle_coin: Some(coin.to_owned()),
            order_filter: None,
        }
    }

    /// All spot orders of one kind.
    #[must_use]
    pub fn of_spot(filter: OrderFilter) -> Self {
        Self {
            category: WireCategory::Spot,
            symbol: None,
            settle_coin: None,
            order_filter: Some(filter),
        }
    }
}

/// Items of a batch.
pub trait BatchItem {
    /// Takes the category out of the item.
    fn take_category(&mut self) -> Option<WireCategory>;
}

macro_rules! batch_items {
    ($($name:ty),*) => {$(
        impl BatchItem for $name {
            fn take_category(&mut self) -> Option<WireCategory> {
                self.category.take()
            }
        }
    )*};
}

batch_items!(CreateOrder, AmendOrder, CancelOrder);

/// Body of a batch: at most 20 items on linear, 10 on spot. Items succeed and fail singly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch<T> {
    /// Category of all items.
    pub category: WireCategory,
    /// The items.
    pub request: Vec<T>,
}

impl<T: BatchItem> Batch<T> {
    /// A batch of items of one category.
    #[must_use]
    pub fn new(category: Category, mut items: Vec<T>) -> Self {
        for item in &mut items {
            item.take_category();
        }
        Self {
            category: category.into(),
            request: items,
        }
    }
}
