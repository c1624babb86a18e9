//! Names that the venue gives to sides, states and kinds.
//!
//! Every list is open: the venue adds names without notice, and an unknown one is kept as it was
//! written. `""` is read as "none" by the fields that use these types (Bybit v5, "enums").

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{WireText, need};
use crate::domain::{Category, FillKind, Interval, Side, TimeInForce, TriggerPrice};

macro_rules! wire_names {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
            /// A name this program does not know, as it was written.
            Unknown(String),
        }

        impl $name {
            /// The name as the venue writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl WireText for $name {
            fn from_text(text: &str) -> Result<Self, String> {
                Ok(text.into())
            }
            fn to_text(&self) -> String {
                self.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                need::deserialize(from)
            }
        }
    )*};
}

macro_rules! wire_numbers {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A number this program does not know.
            Unknown(i64),
        }

        impl $name {
            /// The number as the venue writes it.
            #[must_use]
            pub const fn number(self) -> i64 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Unknown(number) => number,
                }
            }
        }

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    other => Self::Unknown(other),
                }
            }
        }

        impl WireText for $name {
            fn from_text(text: &str) -> Result<Self, String> {
                i64::from_text(text).map(Self::from)
            }
            fn to_text(&self) -> String {
                self.number().to_string()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_i64(self.number())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                need::deserialize(from)
            }
        }
    )*};
}

wire_names! {
    /// Kind of market.
    WireCategory { Spot = "spot", Linear = "linear", Inverse = "inverse", Option = "option" }

    /// Side of an order, a trade or a position.
    WireSide { Buy = "Buy", Sell = "Sell" }

    /// Kind of order; a conditional order has the kind that it becomes.
    OrderType { Limit = "Limit", Market = "Market" }

    /// How long an order waits.
    WireTimeInForce {
        Gtc = "GTC", Ioc = "IOC", Fok = "FOK", PostOnly = "PostOnly", Rpi = "RPI",
    }

    /// State of an order.
    OrderStatus {
        New = "New",
        PartiallyFilled = "PartiallyFilled",
        Untriggered = "Untriggered",
        Triggered = "Triggered",
        Filled = "Filled",
        Cancelled = "Cancelled",
        PartiallyFilledCanceled = "PartiallyFilledCanceled",
        Rejected = "Rejected",
        Deactivated = "Deactivated",
    }

    /// What an execution is.
    ExecType {
        Trade = "Trade",
        AdlTrade = "AdlTrade",
        BustTrade = "BustTrade",
        Funding = "Funding",
        Settle = "Settle",
        Delivery = "Delivery",
        BlockTrade = "BlockTrade",
        MovePosition = "MovePosition",
        FutureSpread = "FutureSpread",
        CorporateAction = "CorporateAction",
    }

    /// Who made an order.
    CreateType {
        User = "CreateByUser",
        Closing = "CreateByClosing",
        AdminClosing = "CreateByAdminClosing",
        StopOrder = "CreateByStopOrder",
        TakeProfit = "CreateByTakeProfit",
        PartialTakeProfit = "CreateByPartialTakeProfit",
        StopLoss = "CreateByStopLoss",
        PartialStopLoss = "CreateByPartialStopLoss",
        TrailingStop = "CreateByTrailingStop",
        Settle = "CreateBySettle",
        Liquidation = "CreateByLiq",
        TakeOver = "CreateByTakeOver_PassThrough",
        Adl = "CreateByAdl_PassThrough",
    }

    /// Who ended an order.
    CancelType {
        User = "CancelByUser",
        ReduceOnly = "CancelByReduceOnly",
        PrepareLiquidation = "CancelByPrepareLiq",
        AllBeforeLiquidation = "CancelAllBeforeLiq",
        PrepareAdl = "CancelByPrepareAdl",
        AllBeforeAdl = "CancelAllBeforeAdl",
        Admin = "CancelByAdmin",
        Settle = "CancelBySettle",
        TpSlClear = "CancelByTpSlTsClear",
        SelfMatch = "CancelBySmp",
        Disconnect = "CancelByDCP",
    }

    /// What a conditional order is for.
    StopOrderType {
        TakeProfit = "TakeProfit",
        StopLoss = "StopLoss",
        TrailingStop = "TrailingStop",
        Stop = "Stop",
        PartialTakeProfit = "PartialTakeProfit",
        PartialStopLoss = "PartialStopLoss",
        Tpsl = "tpslOrder",
        Oco = "OcoOrder",
        BidirectionalTpsl = "BidirectionalTpslOrder",
    }

    /// Which of a spot symbol's order books of orders a request is about.
    OrderFilter {
        Order = "Order",
        Tpsl = "tpslOrder",
        Stop = "StopOrder",
        Oco = "OcoOrder",
        BidirectionalTpsl = "BidirectionalTpslOrder",
    }

    /// Price that a conditional order watches.
    TriggerBy { LastPrice = "LastPrice", MarkPrice = "MarkPrice", IndexPrice = "IndexPrice" }

    /// Whether attached orders close the whole position or a part.
    TpslMode { Full = "Full", Partial = "Partial" }

    /// Coin that the amount of a spot market order is in.
    MarketUnit { BaseCoin = "baseCoin", QuoteCoin = "quoteCoin" }

    /// How margin is shared; holds for the whole account.
    MarginMode {
        Isolated = "ISOLATED_MARGIN",
        Cross = "REGULAR_MARGIN",
        Portfolio = "PORTFOLIO_MARGIN",
    }

    /// State of a position.
    PositionStatus { Normal = "Normal", Liquidation = "Liq", Adl = "Adl" }

    /// Kind of contract.
    ContractType {
        LinearPerpetual = "LinearPerpetual",
        LinearFutures = "LinearFutures",
        InversePerpetual = "InversePerpetual",
        InverseFutures = "InverseFutures",
    }

    /// State of an instrument.
    InstrumentStatus {
        PreLaunch = "PreLaunch",
        Trading = "Trading",
        Delivering = "Delivering",
        Closed = "Closed",
    }

    /// What a control frame is about.
    SocketOp {
        Auth = "auth",
        Subscribe = "subscribe",
        Unsubscribe = "unsubscribe",
        Ping = "ping",
        Pong = "pong",
    }

    /// What an order entry frame asks for or answers.
    TradeOp {
        Create = "order.create",
        Amend = "order.amend",
        Cancel = "order.cancel",
        CreateBatch = "order.create-batch",
        AmendBatch = "order.amend-batch",
        CancelBatch = "order.cancel-batch",
    }
}

wire_numbers! {
    /// Which of a symbol's positions; the symbol with it is the key of a position.
    PositionIdx {
        /// The only one, in one-way mode.
        OneWay = 0,
        /// The long one, in hedge mode.
        Long = 1,
        /// The short one, in hedge mode.
        Short = 2,
    }

    /// Which way the price must go to wake a conditional order.
    TriggerDirection {
        /// Not a conditional order.
        None = 0,
        /// Up to the trigger.
        Rise = 1,
        /// Down to the trigger.
        Fall = 2,
    }
}

impl OrderStatus {
    /// Whether the order may still trade. `false` for an unknown state, see [`Self::is_final`].
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::New | Self::PartiallyFilled | Self::Untriggered | Self::Triggered
        )
    }

    /// Whether nothing can happen to the order any more. An unknown state is neither open nor
    /// final: the order must be looked up again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Filled
                | Self::Cancelled
                | Self::PartiallyFilledCanceled
                | Self::Rejected
                | Self::Deactivated
        )
    }
}

impl ExecType {
    /// What the execution is to our books; `None` for everything that neither an order of ours
    /// nor a liquidation made, such as funding and settlement.
    #[must_use]
    pub const fn fill_kind(&self) -> Option<FillKind> {
        match self {
            Self::Trade => Some(FillKind::Trade),
            Self::AdlTrade | Self::BustTrade => Some(FillKind::Liquidation),
            _ => None,
        }
    }
}

impl WireCategory {
    /// The category, if it is one this program trades.
    #[must_use]
    pub const fn to_domain(&self) -> Option<Category> {
        match self {
            Self::Spot => Some(Category::Spot),
            Self::Linear => Some(Category::Linear),
            _ => None,
        }
    }
}

impl WireSide {
    /// The side, if it is one.
    #[must_use]
    pub const fn to_domain(&self) -> Option<Side> {
        match self {
            Self::Buy => Some(Side::Buy),
            Self::Sell => Some(Side::Sell),
            Self::Unknown(_) => None,
        }
    }
}

impl From<Category> for WireCategory {
    fn from(category: Category) -> Self {
        match category {
            Category::Spot => Self::Spot,
            Category::Linear => Self::Linear,
        }
    }
}

impl From<Side> for WireSide {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}

impl From<TimeInForce> for WireTimeInForce {
    fn from(tif: TimeInForce) -> Self {
        match tif {
            TimeInForce::Gtc => Self::Gtc,
            TimeInForce::Ioc => Self::Ioc,
            TimeInForce::Fok => Self::Fok,
        }
    }
}

impl From<TriggerPrice> for TriggerBy {
    fn from(by: TriggerPrice) -> Self {
        match by {
            TriggerPrice::Last => Self::LastPrice,
            TriggerPrice::Mark => Self::MarkPrice,
        }
    }
}

/// Intervals with their names in topics and queries.
const INTERVALS: [(&str, i64); 11] = [
    ("1", 1),
    ("3", 3),
    ("5", 5),
    ("15", 15),
    ("30", 30),
    ("60", 60),
    ("120", 120),
    ("240", 240),
    ("360", 360),
    ("720", 720),
    ("D", 1440),
];

/// Name of an interval in topics and queries, such as `5` or `D`.
///
/// # Panics
///
/// Never: the list has every interval that exists.
#[must_use]
pub fn interval_name(interval: Interval) -> &'static str {
    INTERVALS
        .iter()
        .find(|(_, minutes)| minutes * 60_000 == interval.millis())
        .map(|(name, _)| *name)
        .expect("the list has every interval")
}

/// Interval of a name; `None` for weeks, months and everything unknown.
#[must_use]
pub fn interval_of(name: &str) -> Option<Interval> {
    let (_, minutes) = INTERVALS.iter().find(|(known, _)| *known == name)?;
    Interval::from_millis(minutes * 60_000)
}
