//! What an order must be to be taken: listed, on the grids, within the limits, affordable.
//!
//! PROTOCOL sections 10, 11 and 16 (Bybit v5): each refusal has the code of its category.

use super::Exchange;
use super::order::{Guards, Status, Wish};
use super::refusal::Refusal;
use crate::domain::{Category, InstrumentId, Price, Rate, RejectReason, Side};

impl Exchange {
    /// Refuses new orders on what is not trading.
    pub(super) fn check_listed(
        &self,
        category: Category,
        instrument: InstrumentId,
    ) -> Result<(), Refusal> {
        if self.views[instrument.index()].status == "Trading" {
            return Ok(());
        }
        Err(match category {
            Category::Linear => Refusal::new(110_074, "This contract is not live"),
            Category::Spot => Refusal::new(170_151, "This trading pair is not available."),
        })
    }

    /// Guards must lie on the right sides of the price they start from.
    pub(super) fn check_guards(
        &self,
        id: InstrumentId,
        side: Side,
        base: Option<Price>,
        guards: &Guards,
    ) -> Result<(), Refusal> {
        let tick = self.table.get(id).tick;
        for (guard, up) in [
            (guards.take, side == Side::Buy),
            (guards.stop, side == Side::Sell),
        ] {
            let Some(guard) = guard else { continue };
            let highest = self.highest(id);
            if highest < guard.price || guard.limit.is_some_and(|limit| highest < limit) {
                return Err(Refusal::params("takeProfit or stopLoss is out of range"));
            }
            if guard.price.floor_to(tick) != guard.price {
                return Err(Refusal::params("takeProfit or stopLoss is off the tick"));
            }
            let lies_right = |base: Price| {
                if up {
                    base < guard.price
                } else {
                    guard.price < base
                }
            };
            if !base.is_none_or(lies_right) {
                let word = if up { "higher" } else { "lower" };
                return Err(Refusal::new(
                    10001,
                    format!(
                        "{} must be set {word} than the base price",
                        if up == (side == Side::Buy) {
                            "TakeProfit"
                        } else {
                            "StopLoss"
                        }
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Grids and limits of the instrument, with the codes of each category.
    pub(super) fn check_grid(&self, wish: &mut Wish) -> Result<(), Refusal> {
        let rules = self.table.get(wish.instrument);
        let is_spot = wish.category == Category::Spot;
        let pick = |spot: i64, linear: i64, text: &str| {
            Refusal::new(if is_spot { spot } else { linear }, text)
        };
        let triggers = wish.trigger.map(|t| t.price);
        let highest = self.highest(wish.instrument);
        for price in wish.limit.into_iter().chain(triggers) {
            if highest < price {
                let text = "Order price is out of permissible range";
                return Err(pick(170_132, 110_003, text));
            }
            if price.floor_to(rules.tick) != price {
                let text = "Order price has too many decimals.";
                return Err(pick(170_134, 10001, text));
            }
        }
        if wish.qty.floor_to(rules.qty_step) != wish.qty {
            let text = "Order quantity has too many decimals.";
            return Err(pick(170_137, 10001, text));
        }
        let max = if wish.limit.is_some() {
            rules.max_qty
        } else {
            rules.max_market_qty
        };
        if max < wish.qty {
            let text = "The number of contracts exceeds maximum limit allowed: too large";
            return Err(pick(170_124, 10001, text));
        }
        let may_be_small = wish.reduce_only || wish.closes_leg;
        if wish.qty.is_zero() || (!may_be_small && wish.qty < rules.min_qty) {
            let text = "The number of contracts exceeds minimum limit allowed";
            return Err(pick(170_136, 10001, text));
        }
        let priced = wish.limit.or_else(|| self.matcher.reference(wish.slot));
        let value = priced.map(|price| price * wish.qty);
        if !may_be_small
            && wish.amount.is_none()
            && value.is_some_and(|value| value < rules.min_notional)
        {
            let text = format!(
                "Order does not meet minimum order value {}{}",
                rules.min_notional, rules.quote
            );
            return Err(pick(170_140, 110_094, &text));
        }
        self.check_band(wish)
    }

    /// Highest price of an instrument; nothing above it is computed with.
    pub(super) fn highest(&self, instrument: InstrumentId) -> Price {
        let tick = self.table.get(instrument).tick;
        let raw = tick.raw().saturating_mul(19_999_998);
        Price::from_raw(raw).unwrap_or(tick)
    }

    /// The price band: futures prices are moved to it, spot prices refused (PROTOCOL section 10).
    fn check_band(&self, wish: &mut Wish) -> Result<(), Refusal> {
        let (Some(limit), Some(ratio)) = (wish.limit, self.rules.price_band) else {
            return Ok(());
        };
        let Some(middle) = self.matcher.valuation(wish.slot) else {
            return Ok(());
        };
        let tick = self.table.get(wish.instrument).tick;
        let highest = middle.moved(ratio).floor_to(tick);
        let lowest = middle.moved(Rate::from_raw(-ratio.raw())).ceil_to(tick);
        match (wish.category, wish.side) {
            (Category::Linear, Side::Buy) => wish.limit = Some(limit.min(highest)),
            (Category::Linear, Side::Sell) => wish.limit = Some(limit.max(lowest)),
            (Category::Spot, Side::Buy) if highest < limit => {
                let text = format!("Order price cannot be higher than {highest}.");
                return Err(Refusal::new(170_132, text));
            }
            (Category::Spot, Side::Sell) if limit < lowest => {
                let text = format!("Order price cannot be lower than {lowest}.");
                return Err(Refusal::new(170_133, text));
            }
            _ => {}
        }
        Ok(())
    }

    /// How many orders may be open.
    pub(super) fn check_caps(&self, wish: &Wish) -> Result<(), Refusal> {
        let conditional = wish.trigger.is_some();
        let same = self.open.iter().filter(|n| {
            let other = &self.orders[**n];
            other.wish.category == wish.category
                && !other.wish.is_guard()
                && (wish.category == Category::Spot
                    || (other.wish.instrument == wish.instrument
                        && (other.status == Status::Untriggered) == conditional))
        });
        let n_open = same.count();
        match wish.category {
            Category::Linear if conditional && self.rules.max_conditional <= n_open => {
                Err(Refusal::new(
                    110_009,
                    "the number of stop orders exceeds the maximum allowable limit",
                ))
            }
            Category::Linear if !conditional && self.rules.max_active <= n_open => Err(
                Refusal::new(110_020, "not allowed to have more than 500 active orders"),
            ),
            Category::Spot if self.rules.max_active <= n_open => Err(Refusal::new(
                170_810,
                "Cannot exceed maximum of 500 spot orders.",
            )),
            _ => Ok(()),
        }
    }

    /// Asks the matcher whether the account may; what only shows later is no refusal here.
    pub(super) fn examine(&self, wish: &Wish) -> Result<(), Refusal> {
        let category = wish.category;
        let parked = wish.is_parked();
        let Err(reason) = self.matcher.examine(&wish.spec(parked)) else {
            return Ok(());
        };
        Err(match reason {
            RejectReason::WouldTake | RejectReason::CannotFillWhole => return Ok(()),
            // A parked order takes no margin and reduces what there is when it wakes.
            RejectReason::InsufficientBalance { .. } if parked => return Ok(()),
            RejectReason::InsufficientBalance { .. } | RejectReason::Funds(_) => {
                Refusal::funds(category)
            }
            RejectReason::NothingToReduce => {
                let leg = &self.legs[wish.slot.index()].position;
                nothing_to_reduce(leg.qty.is_zero())
            }
            RejectReason::TriggerPassed => {
                let rises = wish.trigger.is_some_and(|t| t.rises);
                Refusal::new(if rises { 110_092 } else { 110_093 }, "trigger is passed")
            }
            RejectReason::DuplicateId => Refusal::duplicate(category),
            RejectReason::NoPrice => Refusal::new(10001, "no price is known for the instrument"),
            RejectReason::Rule(text) => Refusal::params(text),
        })
    }
}

/// 110017 in its two forms.
pub(super) fn nothing_to_reduce(is_flat: bool) -> Refusal {
    let text = if is_flat {
        "current position is zero, cannot fix reduce-only order qty"
    } else {
        "Reduce-only rule not satisfied"
    };
    Refusal::new(110_017, text)
}
