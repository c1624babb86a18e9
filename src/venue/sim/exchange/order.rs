//! One order of the venue: what was asked for, how it stands, and how it is told.

use serde_json::{Value, json};

use super::refusal::joined;
use crate::domain::{
    Category, ClientOrderId, Instrument, InstrumentId, Money, OrderKind, OrderSpec, Price, Purpose,
    Qty, Side, TimeInForce, Timestamp, TriggerPrice,
};

/// How an order stands (PROTOCOL section 14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Accepted, not at the matching engine yet: nobody is told.
    Accepted,
    New,
    PartiallyFilled,
    Untriggered,
    Triggered,
    Filled,
    Cancelled,
    /// Spot only.
    PartiallyFilledCanceled,
    Rejected,
    /// Spot only.
    Deactivated,
}

impl Status {
    /// The venue's word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Status::Accepted => "Created",
            Status::New => "New",
            Status::PartiallyFilled => "PartiallyFilled",
            Status::Untriggered => "Untriggered",
            Status::Triggered => "Triggered",
            Status::Filled => "Filled",
            Status::Cancelled => "Cancelled",
            Status::PartiallyFilledCanceled => "PartiallyFilledCanceled",
            Status::Rejected => "Rejected",
            Status::Deactivated => "Deactivated",
        }
    }

    /// Whether nothing can happen to it any more.
    pub(super) const fn is_final(self) -> bool {
        matches!(
            self,
            Status::Filled
                | Status::Cancelled
                | Status::PartiallyFilledCanceled
                | Status::Rejected
                | Status::Deactivated
        )
    }
}

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On its way to the matching engine.
    Coming,
    /// With the matcher.
    Matcher,
    /// With the venue, which watches its trigger itself.
    Parked,
    /// Finished.
    Gone,
}

/// `timeInForce` of the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    Gtc,
    Ioc,
    Fok,
    PostOnly,
}

impl Force {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Force::Gtc => "GTC",
            Force::Ioc => "IOC",
            Force::Fok => "FOK",
            Force::PostOnly => "PostOnly",
        }
    }
}

/// A price that wakes an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trigger {
    pub(super) price: Price,
    /// Whether the market has to rise to it; else to fall.
    pub(super) rises: bool,
    pub(super) by: TriggerPrice,
}

impl Trigger {
    /// Whether `market` wakes it.
    pub(super) fn is_reached(&self, market: Price) -> bool {
        if self.rises {
            self.price <= market
        } else {
            market <= self.price
        }
    }
}

/// One half of a protection: a price, what is watched, and a limit if it is no market order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guard {
    pub(super) price: Price,
    pub(super) by: TriggerPrice,
    pub(super) limit: Option<Price>,
}

/// Take-profit and stop-loss of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Guards {
    pub(super) take: Option<Guard>,
    pub(super) stop: Option<Guard>,
    /// For this order's amount only, not for the whole position.
    pub(super) partial: bool,
}

/// What was asked for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the request by its own name"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) category: Category,
    /// As listed.
    pub(super) instrument: InstrumentId,
    /// As the matcher counts: the leg of a hedged position is an instrument of its own there.
    pub(super) slot: InstrumentId,
    pub(super) idx: u8,
    pub(super) side: Side,
    pub(super) qty: Qty,
    /// Spot market purchases by amount of money.
    pub(super) amount: Option<Money>,
    /// `None` is a market order.
    pub(super) limit: Option<Price>,
    pub(super) force: Force,
    pub(super) trigger: Option<Trigger>,
    pub(super) reduce_only: bool,
    /// May only shrink the leg although it was not asked to.
    pub(super) closes_leg: bool,
    pub(super) close_on_trigger: bool,
    pub(super) link: String,
    pub(super) guards: Guards,
    /// `marketUnit` as sent.
    pub(super) unit: String,
    /// `orderFilter` of spot.
    pub(super) filter: &'static str,
    pub(super) stop_type: &'static str,
    pub(super) create_type: &'static str,
    /// Whether a market order's rest waits for more instead of being cancelled.
    pub(super) waits: bool,
}

impl Wish {
    /// Whether the venue watches the trigger itself, because the matcher's conditional orders
    /// are market orders only.
    pub(super) const fn is_parked(&self) -> bool {
        self.trigger.is_some() && (self.limit.is_some() || self.is_trailing())
    }

    /// Whether its trigger follows the market.
    pub(super) const fn is_trailing(&self) -> bool {
        matches!(self.stop_type.as_bytes(), b"TrailingStop")
    }

    /// Whether the venue made it to protect a position.
    pub(super) fn is_guard(&self) -> bool {
        matches!(
            self.stop_type,
            "TakeProfit" | "StopLoss" | "PartialTakeProfit" | "PartialStopLoss" | "TrailingStop"
        )
    }

    /// The order for the matcher; `awake` leaves the trigger out.
    pub(super) fn spec(&self, awake: bool) -> OrderSpec {
        let kind = match (self.limit, self.trigger) {
            (Some(price), _) => OrderKind::Limit {
                price,
                post_only: self.force == Force::PostOnly,
            },
            (None, Some(Trigger { price, rises, by })) if !awake => {
                if rises == (self.side == Side::Buy) {
                    OrderKind::Stop { trigger: price, by }
                } else {
                    OrderKind::TakeProfit { trigger: price, by }
                }
            }
            (None, _) => OrderKind::Market,
        };
        let tif = match (self.limit, self.force) {
            (None, _) if self.waits => TimeInForce::Gtc,
            (_, Force::Fok) => TimeInForce::Fok,
            (None, _) | (Some(_), Force::Ioc) => TimeInForce::Ioc,
            (Some(_), Force::Gtc | Force::PostOnly) => TimeInForce::Gtc,
        };
        let reduce_only = self.reduce_only || self.closes_leg;
        OrderSpec {
            instrument: self.slot,
            side: self.side,
            qty: self.qty,
            kind,
            tif,
            reduce_only,
            purpose: if reduce_only {
                Purpose::Exit
            } else {
                Purpose::Entry
            },
        }
    }
}

/// An order that was accepted.
#[derive(Debug, Clone)]
pub(super) struct VenueOrder {
    /// Place in the list of all orders; names it for the matcher.
    pub(super) n: usize,
    pub(super) wish: Wish,
    pub(super) order_id: String,
    pub(super) by_user: bool,
    pub(super) status: Status,
    pub(super) place: Place,
    pub(super) filled: Qty,
    pub(super) value: Money,
    /// Fee in the quote coin.
    pub(super) fee: Money,
    /// Fee in the base coin, with a sign; spot only.
    pub(super) base_fee: crate::domain::SignedQty,
    pub(super) closed_pnl: Money,
    pub(super) cancel_type: &'static str,
    pub(super) reject: String,
    /// Set before the matcher is asked to cancel, so that its answer is told with the reason.
    pub(super) reason: Option<(&'static str, String)>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) last_on_created: Option<Price>,
    /// The other half of a pair of guards.
    pub(super) sibling: Option<usize>,
    /// Best price since a trailing stop was set.
    pub(super) best: Option<Price>,
    /// Distance of a trailing stop, and the price from which it is live.
    pub(super) trail: Option<(Price, Option<Price>)>,
    /// How it was told, while queries lag.
    pub(super) told: Vec<(Timestamp, Value)>,
}

impl VenueOrder {
    /// Name for the matcher.
    pub(super) fn name(&self) -> ClientOrderId {
        name(self.n)
    }

    /// Amount that has not traded.
    pub(super) fn rest(&self) -> Qty {
        if self.status.is_final() {
            Qty::ZERO
        } else {
            self.wish.qty.saturating_sub(self.filled)
        }
    }

    /// As lists and pushes tell it (PROTOCOL section 8).
    pub(super) fn row(&self, rules: &Instrument, pushed: bool) -> Value {
        let wish = &self.wish;
        let by = |by: TriggerPrice| by_name(by);
        let guard = |guard: Option<Guard>, read: fn(&Guard) -> Option<Price>| {
            guard
                .as_ref()
                .and_then(read)
                .map_or(String::new(), |p| p.to_string())
        };
        let (take, stop) = (wish.guards.take, wish.guards.stop);
        let guarded = |guard: Option<Guard>| guard.map_or("", |g| by_name(g.by));
        let average = self.value.price_of(self.filled);
        let none = if pushed { "" } else { "0" };
        let fee_coins = self.fee_detail(rules);
        let first = json!({
            "symbol": rules.symbol.as_str(), "orderId": self.order_id, "orderLinkId": wish.link,
            "side": side_name(wish.side), "orderType": self.type_name(),
            "price": self.price_text(rules), "qty": self.qty_text(),
            "timeInForce": wish.force.name(), "orderStatus": self.status.name(),
            "positionIdx": wish.idx, "reduceOnly": wish.reduce_only,
            "closeOnTrigger": wish.close_on_trigger,
            "leavesQty": self.leaves_text(), "leavesValue": self.leaves_value().to_string(),
            "cumExecQty": self.filled.to_string(), "cumExecValue": self.value.to_string(),
            "cumExecFee": self.fee.to_string(), "cumFeeDetail": fee_coins,
            "avgPrice": average.map_or(none.to_owned(), |p| p.to_string()),
            "closedPnl": self.closed_pnl.to_string(),
            "cancelType": self.cancel_type, "rejectReason": self.reject,
        });
        let second = json!({
            "stopOrderType": wish.stop_type,
            "triggerPrice": wish.trigger.map_or(String::new(), |t| t.price.to_string()),
            "triggerDirection": wish.trigger.map_or(0, |t| if t.rises { 1 } else { 2 }),
            "triggerBy": wish.trigger.map_or("", |t| by(t.by)),
            "takeProfit": guard(take, |g| Some(g.price)),
            "stopLoss": guard(stop, |g| Some(g.price)),
            "tpTriggerBy": guarded(take), "slTriggerBy": guarded(stop),
            "tpLimitPrice": guard(take, |g| g.limit), "slLimitPrice": guard(stop, |g| g.limit),
            "ocoTriggerBy": "", "marketUnit": wish.unit,
            "slippageToleranceType": "UNKNOWN", "slippageTolerance": "",
            "smpType": "None", "smpGroup": 0, "smpOrderId": "",
            "lastPriceOnCreated": self.last_on_created.map_or(String::new(), |p| p.to_string()),
            "isLeverage": if wish.category == Category::Spot { "0" } else { "" },
            "blockTradeId": "", "orderIv": "", "placeType": "", "feeCurrency": "",
            "createdTime": self.created.millis().to_string(),
            "updatedTime": self.updated.millis().to_string(),
            "rpiTakerAccess": false, "rpiMatchedQty": "0",
        });
        let mut row = joined(first, second);
        if wish.category == Category::Linear {
            let mode = if wish.guards.partial {
                "Partial"
            } else {
                "Full"
            };
            let guarded = take.is_some() || stop.is_some() || wish.is_guard();
            row["tpslMode"] = json!(if guarded { mode } else { "" });
            row["createType"] = json!(wish.create_type);
        }
        if pushed {
            row["category"] = json!(wish.category.to_string());
        }
        row
    }

    /// `orderType`.
    pub(super) const fn type_name(&self) -> &'static str {
        if self.wish.limit.is_some() {
            "Limit"
        } else {
            "Market"
        }
    }

    /// `price`: the limit; for a linear market order the limit that the venue works with itself,
    /// which is no price of any fill.
    pub(super) fn price_text(&self, rules: &Instrument) -> String {
        let inner = || {
            if self.wish.category == Category::Spot || self.wish.trigger.is_some() {
                return None;
            }
            let five = crate::domain::Rate::from_bps(match self.wish.side {
                Side::Buy => 500,
                Side::Sell => -500,
            });
            Some(self.last_on_created?.moved(five).floor_to(rules.tick))
        };
        let price = self.wish.limit.or_else(inner);
        price.map_or("0".to_owned(), |p| p.to_string())
    }

    fn qty_text(&self) -> String {
        match self.wish.amount {
            Some(amount) => amount.to_string(),
            None => self.wish.qty.to_string(),
        }
    }

    fn leaves_text(&self) -> String {
        match self.wish.amount {
            Some(amount) if !self.status.is_final() => (amount - self.value).to_string(),
            _ => self.rest().to_string(),
        }
    }

    fn leaves_value(&self) -> Money {
        let price = self.wish.limit.or(self.last_on_created);
        price.map_or(Money::ZERO, |price| price * self.rest())
    }

    fn fee_detail(&self, rules: &Instrument) -> Value {
        let mut coins = serde_json::Map::new();
        if !self.fee.is_zero() {
            coins.insert(rules.quote.clone(), json!(self.fee.to_string()));
        }
        if !self.base_fee.is_zero() {
            coins.insert(rules.base.clone(), json!(self.base_fee.to_string()));
        }
        Value::Object(coins)
    }
}

/// Name for the matcher of the order at `n`.
pub(super) fn name(n: usize) -> ClientOrderId {
    format!("x-{n}")
        .parse()
        .expect("a number and a dash fit a client order id")
}

/// Place of the order that the matcher knows by `name`.
pub(super) fn place_of(name: &ClientOrderId) -> Option<usize> {
    name.as_str().strip_prefix("x-")?.parse().ok()
}

/// The venue's word for a side.
pub(super) const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "Buy",
        Side::Sell => "Sell",
    }
}

/// The venue's word for what is watched.
pub(super) const fn by_name(by: TriggerPrice) -> &'static str {
    match by {
        TriggerPrice::Last => "LastPrice",
        TriggerPrice::Mark => "MarkPrice",
    }
}
