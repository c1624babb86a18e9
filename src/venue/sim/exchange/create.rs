//! `order/create`: every check of the venue, in its order, and the acceptance.
//!
//! PROTOCOL section 11 (Bybit v5, order/create). Acceptance says nothing about the fate: that
//! comes with the pushes. Not simulated, and refused with 10001: take-profit and stop-loss on
//! spot, prices taken from the book (`bboSideType`).

use serde_json::json;

use super::checks::nothing_to_reduce;
use super::order::{Force, Guard, Guards, Trigger, Wish};
use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Exchange, Outcome};
use crate::domain::{Category, InstrumentId, Money, Price, Qty, Side, Timestamp, TriggerPrice};

impl Exchange {
    /// Takes an order or refuses it.
    pub(super) fn create(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let wish = self.wish(category, params)?;
        self.check_caps(&wish)?;
        self.examine(&wish)?;
        let n = self.accept(now, wish, true);
        self.send(now, super::Arrival::Submit(n));
        let order = &self.orders[n];
        Ok(Answer::ok(json!({
            "orderId": order.order_id,
            "orderLinkId": order.wish.link,
        })))
    }

    /// Reads what is wanted and checks it against everything but the account.
    fn wish(&mut self, category: Category, params: Params<'_>) -> Result<Wish, Refusal> {
        let instrument = self.instrument(category, params)?;
        let link = self.link_of(category, params)?;
        self.check_listed(category, instrument)?;
        let side = side_of(category, params)?;
        let is_market = is_market(category, params)?;
        let force = force_of(category, params, is_market)?;
        let is_spot = category == Category::Spot;
        let idx = self.idx_of(category, params)?;
        let reduce_only = !is_spot && params.flag("reduceOnly");
        let slot = self.slot(instrument, idx);
        let trigger = self.trigger_of(category, slot, params)?;
        let limit = if is_market {
            None
        } else {
            let price: Option<Price> = params.number("price")?;
            let price = price.filter(|p| !p.is_zero());
            Some(price.ok_or_else(|| Refusal::params("price is required for limit orders"))?)
        };
        let opens = match idx {
            1 => Some(Side::Buy),
            2 => Some(Side::Sell),
            _ => None,
        };
        let (filter, stop_type) = filter_of(category, params, trigger.is_some())?;
        let mut wish = Wish {
            category,
            instrument,
            slot,
            idx,
            side,
            qty: Qty::ZERO,
            amount: None,
            limit,
            force,
            trigger,
            reduce_only,
            closes_leg: opens.is_some_and(|opens| opens != side),
            close_on_trigger: !is_spot && params.flag("closeOnTrigger"),
            link,
            guards: self.guards_of(category, params, side, limit)?,
            unit: String::new(),
            filter,
            stop_type,
            create_type: "CreateByUser",
            waits: is_market && self.rules.market_rest_waits && !says_now(params),
        };
        self.read_qty(&mut wish, params)?;
        self.check_grid(&mut wish)?;
        Ok(wish)
    }

    /// The instrument that a request names.
    pub(super) fn instrument(
        &self,
        category: Category,
        params: Params<'_>,
    ) -> Result<InstrumentId, Refusal> {
        let symbol = params.need("symbol")?;
        self.table
            .find(&symbol, category)
            .map_err(|_| match category {
                Category::Linear => {
                    Refusal::params(format_args!("symbol invalid {}", short(&symbol)))
                }
                Category::Spot => Refusal::new(170_121, "Invalid symbol."),
            })
    }

    fn link_of(&mut self, category: Category, params: Params<'_>) -> Result<String, Refusal> {
        let Some(link) = params.text("orderLinkId") else {
            // Only spot gets a name made by the venue.
            return Ok(match category {
                Category::Linear => String::new(),
                Category::Spot => self.ids.spot_link(),
            });
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if 36 < link.len() || !link.bytes().all(plain) {
            return Err(Refusal::params("OrderLinkedID is invalid"));
        }
        if self.by_link.contains_key(&(category, link.clone())) {
            return Err(Refusal::duplicate(category));
        }
        Ok(link)
    }

    /// `positionIdx`, which must fit the position mode.
    pub(super) fn idx_of(&self, category: Category, params: Params<'_>) -> Result<u8, Refusal> {
        if category == Category::Spot {
            return Ok(0);
        }
        let idx = params.number::<u8>("positionIdx")?.unwrap_or(0);
        let fits = if self.rules.hedge_mode {
            idx == 1 || idx == 2
        } else {
            idx == 0
        };
        if fits {
            Ok(idx)
        } else {
            Err(Refusal::new(10001, "position idx not match position mode"))
        }
    }

    fn trigger_of(
        &self,
        category: Category,
        slot: InstrumentId,
        params: Params<'_>,
    ) -> Result<Option<Trigger>, Refusal> {
        let price: Option<Price> = params.number("triggerPrice")?;
        let Some(price) = price.filter(|p| !p.is_zero()) else {
            return Ok(None);
        };
        let by = watched_by(params, "triggerBy")?;
        let market = self.matcher.watched(slot, by);
        let no_price = || Refusal::new(10001, "no price is known for the instrument");
        let market = market.ok_or_else(no_price)?;
        let rises = match (category, params.number::<u8>("triggerDirection")?) {
            (Category::Spot, _) => market < price,
            (Category::Linear, Some(1)) => true,
            (Category::Linear, Some(2)) => false,
            _ => return Err(Refusal::params("triggerDirection invalid")),
        };
        let trigger = Trigger { price, rises, by };
        if trigger.is_reached(market) {
            return Err(passed(rises, price, market));
        }
        Ok(Some(trigger))
    }

    fn guards_of(
        &self,
        category: Category,
        params: Params<'_>,
        side: Side,
        limit: Option<Price>,
    ) -> Result<Guards, Refusal> {
        let guards = read_guards(params)?;
        if guards.take.is_none() && guards.stop.is_none() {
            return Ok(Guards::default());
        }
        if category == Category::Spot {
            return Err(Refusal::params("TP/SL on spot is not simulated"));
        }
        if params.flag("reduceOnly") {
            return Err(Refusal::params("reduceOnly orders take no TP/SL"));
        }
        let id = self.instrument(category, params)?;
        let base = limit.or_else(|| self.matcher.reference(id));
        self.check_guards(id, side, base, &guards)?;
        Ok(guards)
    }

    fn read_qty(&self, wish: &mut Wish, params: Params<'_>) -> Result<(), Refusal> {
        let rules = self.table.get(wish.instrument);
        let by_amount = wish.category == Category::Spot
            && wish.limit.is_none()
            && wish.side == Side::Buy
            && params.text("marketUnit").as_deref() != Some("baseCoin");
        if wish.category == Category::Spot && wish.limit.is_none() {
            wish.unit = params.text("marketUnit").unwrap_or_default();
        }
        if by_amount {
            let amount: Money = params.number("qty")?.unwrap_or_default();
            if amount <= Money::ZERO {
                return Err(Refusal::params("qty is required"));
            }
            if amount < rules.min_notional {
                return Err(Refusal::new(170_140, "Order value exceeded lower limit."));
            }
            let no_price = || Refusal::new(10001, "no price is known for the instrument");
            let price = self.matcher.taking_price(wish.slot, wish.side);
            let qty = amount
                .quantity_at(price.ok_or_else(no_price)?)
                .unwrap_or_default();
            wish.amount = Some(amount);
            wish.qty = qty.floor_to(rules.qty_step);
            return Ok(());
        }
        let text = params.need("qty")?;
        wish.qty = text.parse().map_err(|_| match wish.category {
            Category::Spot => Refusal::new(170_137, "Order quantity has too many decimals."),
            Category::Linear => Refusal::params("qty invalid"),
        })?;
        let closes_all = wish.qty.is_zero() && wish.reduce_only && wish.close_on_trigger;
        if closes_all {
            let held = self.legs[wish.slot.index()].position.reducible(wish.side);
            wish.qty = held.min(rules.max_market_qty);
            if wish.qty.is_zero() {
                return Err(nothing_to_reduce(true));
            }
        }
        Ok(())
    }
}

/// `takeProfit` and `stopLoss` of a request; `"0"` counts as none.
pub(super) fn read_guards(params: Params<'_>) -> Result<Guards, Refusal> {
    let partial = match params.text("tpslMode").as_deref() {
        Some("Partial") => true,
        None | Some("Full") => false,
        Some(_) => return Err(Refusal::params("tpslMode invalid")),
    };
    let half = |name: &str, by: &str, kind: &str, limit: &str| {
        let price: Option<Price> = params.number(name)?;
        let is_limit = params.text(kind).as_deref() == Some("Limit");
        if is_limit && !partial {
            return Err(Refusal::params("limit TP/SL needs tpslMode Partial"));
        }
        let limit: Option<Price> = params.number(limit)?;
        let limit = limit.filter(|p| is_limit && !p.is_zero());
        if is_limit && limit.is_none() && price.is_some() {
            return Err(Refusal::params("limit TP/SL needs a limit price"));
        }
        let by = watched_by(params, by)?;
        let guard = price.filter(|p| !p.is_zero());
        Ok(guard.map(|price| Guard { price, by, limit }))
    };
    Ok(Guards {
        take: half("takeProfit", "tpTriggerBy", "tpOrderType", "tpLimitPrice")?,
        stop: half("stopLoss", "slTriggerBy", "slOrderType", "slLimitPrice")?,
        partial,
    })
}

/// What a trigger watches; the index price stands on the last price here.
pub(super) fn watched_by(params: Params<'_>, name: &str) -> Result<TriggerPrice, Refusal> {
    match params.text(name).as_deref() {
        None | Some("LastPrice" | "IndexPrice") => Ok(TriggerPrice::Last),
        Some("MarkPrice") => Ok(TriggerPrice::Mark),
        Some(_) => Err(Refusal::params(format_args!("{name} invalid"))),
    }
}

/// A trigger on the wrong side of the market.
pub(super) fn passed(rises: bool, trigger: Price, market: Price) -> Refusal {
    if rises {
        let text =
            format!("expect Rising, but trigger_price[{trigger}] <= current[{market}]??LastPrice");
        Refusal::new(110_092, text)
    } else {
        let text =
            format!("expect Falling, but trigger_price[{trigger}] >= current[{market}]??LastPrice");
        Refusal::new(110_093, text)
    }
}

fn side_of(category: Category, params: Params<'_>) -> Result<Side, Refusal> {
    match params.text("side").as_deref() {
        Some("Buy") => Ok(Side::Buy),
        Some("Sell") => Ok(Side::Sell),
        _ => Err(match category {
            Category::Linear => Refusal::new(10001, "Side invalid"),
            Category::Spot => Refusal::new(170_117, "Invalid side."),
        }),
    }
}

fn is_market(category: Category, params: Params<'_>) -> Result<bool, Refusal> {
    if params.text("bboSideType").is_some() {
        return Err(Refusal::params("bboSideType is not simulated"));
    }
    match params.text("orderType").as_deref() {
        Some("Market") => Ok(true),
        Some("Limit") => Ok(false),
        _ => Err(match category {
            Category::Linear => Refusal::new(10001, "orderType invalid"),
            Category::Spot => Refusal::new(170_116, "Invalid orderType."),
        }),
    }
}

fn force_of(category: Category, params: Params<'_>, is_market: bool) -> Result<Force, Refusal> {
    let force = match params.text("timeInForce").as_deref() {
        None | Some("GTC") => Force::Gtc,
        Some("IOC") => Force::Ioc,
        Some("FOK") => Force::Fok,
        Some("PostOnly") => Force::PostOnly,
        Some(_) => {
            return Err(match category {
                Category::Linear => Refusal::new(10001, "timeInForce invalid"),
                Category::Spot => Refusal::new(170_115, "Invalid timeInForce."),
            });
        }
    };
    Ok(if is_market { Force::Ioc } else { force })
}

/// Whether a market order asks in so many words that its rest be cancelled.
fn says_now(params: Params<'_>) -> bool {
    matches!(params.text("timeInForce").as_deref(), Some("IOC" | "FOK"))
}

/// `orderFilter`, and the `stopOrderType` that goes with it.
fn filter_of(
    category: Category,
    params: Params<'_>,
    conditional: bool,
) -> Result<(&'static str, &'static str), Refusal> {
    if category == Category::Linear {
        return Ok(("Order", if conditional { "Stop" } else { "" }));
    }
    match (params.text("orderFilter").as_deref(), conditional) {
        (None | Some("Order"), false) => Ok(("Order", "")),
        (Some("tpslOrder"), true) => Ok(("tpslOrder", "tpslOrder")),
        (Some("StopOrder"), true) => Ok(("StopOrder", "Stop")),
        _ => Err(Refusal::new(170_201, "Your order filter is invalid.")),
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
