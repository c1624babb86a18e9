//! Positions: how they are kept, told, listed and set.
//!
//! PROTOCOL sections 8 and 12 (Bybit v5, position). Leverage that is set here is told and checked
//! for its codes; the margin of orders is the matcher's, by the account's one leverage.

use serde_json::{Value, json};

use super::answers::side_or_none;
use super::params::Params;
use super::refusal::{Answer, Refusal, joined};
use super::{Exchange, Outcome};
use crate::domain::{Category, InstrumentId, Money, Price, Rate, SignedQty, Timestamp};
use crate::venue::sim::matcher::Position;

/// One leg: a position with what the venue tells beside it.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) position: Position,
    /// Of the last trade; -1 before the first.
    pub(super) seq: i64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// When the position was opened that is open now.
    pub(super) opened: Option<Timestamp>,
    /// Realised since it was opened, and since ever; fees and funding included.
    pub(super) current: Money,
    pub(super) total: Money,
    /// Orders that guard it.
    pub(super) take: Option<usize>,
    pub(super) stop: Option<usize>,
    pub(super) trailing: Option<usize>,
    pub(super) auto_margin: bool,
}

impl Leg {
    /// A leg that has never traded.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            position: Position::default(),
            seq: -1,
            created: at,
            updated: at,
            opened: None,
            current: Money::ZERO,
            total: Money::ZERO,
            take: None,
            stop: None,
            trailing: None,
            auto_margin: false,
        }
    }

    /// Notes a trade that the position has just booked.
    pub(super) fn on_trade(&mut self, at: Timestamp, seq: u64, realised: Money, was_flat: bool) {
        self.seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.updated = at;
        if was_flat {
            self.current = Money::ZERO;
            self.opened = Some(at);
        }
        self.realise(realised);
        if self.position.qty.is_zero() {
            self.opened = None;
        }
    }

    /// Adds to what was realised.
    pub(super) fn realise(&mut self, money: Money) {
        self.current += money;
        self.total += money;
    }
}

impl Exchange {
    /// As the list and the push tell it; the entry has another name in each.
    pub(super) fn position_row(&self, slot: InstrumentId, pushed: bool) -> Value {
        let (instrument, idx) = self.leg_name(slot);
        let rules = self.table.get(instrument);
        let leg = &self.legs[slot.index()];
        let size = leg.position.qty;
        let mark = self.matcher.valuation(slot);
        let value = mark.map_or(Money::ZERO, |mark| (mark * size).abs());
        let upl = mark.map_or(Money::ZERO, |mark| leg.position.unrealised(mark));
        let margin = over(value, self.leverage[instrument.index()].0);
        let maintenance = value * self.maintenance_rate;
        let entry = leg.position.entry();
        let entry_text = entry.map_or("0".to_owned(), |p| p.to_string());
        let guard = |n: Option<usize>| {
            let trigger = n.and_then(|n| self.orders[n].wish.trigger);
            trigger.map_or(String::new(), |t| t.price.to_string())
        };
        let trail = leg.trailing.and_then(|n| self.orders[n].trail);
        let liquidation = self.liquidation_price(slot, size, value);
        let first = json!({
            "symbol": rules.symbol.as_str(), "side": side_or_none(size.side()),
            "size": size.abs().to_string(), "positionIdx": idx,
            "positionValue": value.to_string(),
            "markPrice": mark.map_or(String::new(), |p| p.to_string()),
            "leverage": self.leverage_text(instrument),
            "breakEvenPrice": entry.map_or(String::new(), |p| p.to_string()),
            "positionIM": margin.to_string(), "positionMM": maintenance.to_string(),
            "positionIMByMp": margin.to_string(), "positionMMByMp": maintenance.to_string(),
            "liqPrice": liquidation.map_or(String::new(), |p| p.to_string()),
        });
        let second = json!({
            "takeProfit": guard(leg.take), "stopLoss": guard(leg.stop),
            "trailingStop": trail.map_or("0".to_owned(), |(distance, _)| distance.to_string()),
            "unrealisedPnl": upl.to_string(), "curRealisedPnl": leg.current.to_string(),
            "cumRealisedPnl": leg.total.to_string(), "sessionAvgPrice": "",
            "positionStatus": "Normal", "adlRankIndicator": if size.is_zero() { 0 } else { 2 },
            "isReduceOnly": false, "riskId": 1, "riskLimitValue": "2000000",
            "autoAddMargin": i32::from(leg.auto_margin),
            "createdTime": leg.created.millis().to_string(),
            "updatedTime": leg.updated.millis().to_string(),
            "openTime": leg.opened.map_or(0, Timestamp::millis),
            "seq": leg.seq, "tpslMode": "Full", "bustPrice": "", "positionBalance": "0",
            "tradeMode": 0, "leverageSysUpdatedTime": "", "mmrSysUpdatedTime": "",
        });
        let mut row = joined(first, second);
        if pushed {
            row["category"] = json!("linear");
            row["entryPrice"] = json!(entry_text);
        } else {
            row["avgPrice"] = json!(entry_text);
        }
        row
    }

    /// Price at which this position alone would bring the account down (rule 27); an estimate,
    /// and `None` when that is no price.
    fn liquidation_price(
        &self,
        slot: InstrumentId,
        size: SignedQty,
        value: Money,
    ) -> Option<Price> {
        let long_or_short = size.side()?;
        let mark = self.matcher.valuation(slot)?;
        let cushion = self.matcher.free_collateral() + self.matcher.margin_held()
            - value * self.maintenance_rate;
        let distance = cushion.price_of(size.abs())?;
        match long_or_short {
            crate::domain::Side::Buy => {
                Price::from_raw(mark.raw() - distance.raw()).filter(|p| !p.is_zero())
            }
            crate::domain::Side::Sell => Price::from_raw(mark.raw() + distance.raw()),
        }
    }

    /// Legs of a linear instrument that the account sees.
    fn slots_of(&self, instrument: InstrumentId) -> Vec<InstrumentId> {
        let short = self.short_of[instrument.index()].filter(|short| {
            self.rules.hedge_mode || !self.legs[short.index()].position.qty.is_zero()
        });
        std::iter::once(instrument).chain(short).collect()
    }

    /// `GET /v5/position/list`.
    pub(super) fn position_list(&self, params: Params<'_>) -> Outcome {
        if params.category()? != Category::Linear {
            return Err(Refusal::new(10001, "Illegal category"));
        }
        let limit = params.limit(20, 200)?;
        let symbol = params.text("symbol");
        let settle = params.text("settleCoin");
        let slots: Vec<InstrumentId> = match (&symbol, &settle) {
            (Some(_), _) => self.slots_of(self.instrument(Category::Linear, params)?),
            (None, Some(coin)) => {
                let linear = self.table.iter();
                let linear =
                    linear.filter(|(_, i)| i.category == Category::Linear && i.quote == *coin);
                let slots = linear.flat_map(|(id, _)| self.slots_of(id));
                let open = |slot: &InstrumentId| !self.legs[slot.index()].position.qty.is_zero();
                slots.filter(open).collect()
            }
            (None, None) => {
                return Err(Refusal::new(
                    10001,
                    "params error: symbol or settleCoin is required",
                ));
            }
        };
        let from = params.cursor().and_then(|c| {
            let digits = c.trim_start_matches(|c: char| !c.is_ascii_digit());
            digits.trim_end_matches('&').parse::<usize>().ok()
        });
        let from = from.unwrap_or(0);
        let rows: Vec<Value> = slots
            .iter()
            .skip(from)
            .take(limit)
            .map(|slot| self.position_row(*slot, false))
            .collect();
        let cursor = if from + limit < slots.len() {
            super::params::encoded(&format!("page_args={}&", from + limit))
        } else {
            String::new()
        };
        Ok(Answer::list(Category::Linear, rows, &cursor))
    }

    /// `POST /v5/position/set-leverage`.
    pub(super) fn set_leverage(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let instrument = self.linear(params)?;
        let of_buys: Option<Rate> = params.number("buyLeverage")?;
        let of_sells: Option<Rate> = params.number("sellLeverage")?;
        let (Some(of_buys), Some(of_sells)) = (of_buys, of_sells) else {
            return Err(Refusal::params("buyLeverage and sellLeverage are required"));
        };
        let isolated = self.rules.margin_mode == super::MarginMode::IsolatedMargin;
        if of_buys != of_sells && !(self.rules.hedge_mode && isolated) {
            return Err(Refusal::params("buy leverage must equal sell leverage"));
        }
        let most = i64::from(self.rules.max_leverage);
        for leverage in [of_buys, of_sells] {
            if leverage < Rate::ONE {
                return Err(Refusal::params("leverage is below 1"));
            }
            if most < leverage.raw() / Rate::ONE.raw() {
                return Err(Refusal::new(
                    110_013,
                    "cannot set leverage gt maxLeverage by risk limit",
                ));
            }
        }
        if self.leverage[instrument.index()] == (of_buys, of_sells) {
            return Err(Refusal::new(110_043, "leverage not modified"));
        }
        self.leverage[instrument.index()] = (of_buys, of_sells);
        for slot in self.slots_of(instrument) {
            self.legs[slot.index()].updated = now;
            self.tell_position(slot, now);
        }
        Ok(Answer::ok(json!({})))
    }

    /// `POST /v5/position/switch-mode`: one mode for the account, whether by symbol or by coin.
    pub(super) fn switch_mode(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        if params.category()? != Category::Linear {
            return Err(Refusal::new(110_029, "hedge mode is not supported"));
        }
        if params.text("symbol").is_some() {
            self.instrument(Category::Linear, params)?;
        } else if params.text("coin").is_none() {
            return Err(Refusal::params("symbol or coin is required"));
        }
        let hedge = match params.text("mode").as_deref() {
            Some("0") => false,
            Some("3") => true,
            _ => return Err(Refusal::params("mode invalid")),
        };
        if hedge == self.rules.hedge_mode {
            return Err(Refusal::new(110_025, "Position mode is not modified"));
        }
        self.check_idle(110_024, 110_028)?;
        self.set_hedge(now, hedge);
        Ok(Answer::ok(json!({})))
    }

    /// Neither linear positions nor linear orders, or the code for what there is.
    pub(super) fn check_idle(&self, held: i64, ordered: i64) -> Result<(), Refusal> {
        let linear = self.legs.iter().enumerate().filter(|(at, _)| {
            self.table.len() <= *at || self.is_linear(InstrumentId(u16::try_from(*at).unwrap_or(0)))
        });
        if linear
            .into_iter()
            .any(|(_, leg)| !leg.position.qty.is_zero())
        {
            return Err(Refusal::new(held, "You have an existing position"));
        }
        let is_linear = |n: &&usize| self.orders[**n].wish.category == Category::Linear;
        if self.open.iter().any(|n| is_linear(&n)) {
            return Err(Refusal::new(ordered, "You have existing open orders"));
        }
        Ok(())
    }

    /// `POST /v5/position/set-auto-add-margin`: noted, without effect.
    pub(super) fn set_auto_margin(&mut self, now: Timestamp, params: Params<'_>) -> Outcome {
        let instrument = self.linear(params)?;
        let on = match params.text("autoAddMargin").as_deref() {
            Some("0") => false,
            Some("1") => true,
            _ => return Err(Refusal::params("autoAddMargin invalid")),
        };
        let idx = self.idx_of(Category::Linear, params)?;
        let slot = self.slot(instrument, idx);
        self.legs[slot.index()].auto_margin = on;
        self.legs[slot.index()].updated = now;
        Ok(Answer::ok(json!({})))
    }

    /// The linear instrument that a request names.
    fn linear(&self, params: Params<'_>) -> Result<InstrumentId, Refusal> {
        if params.category()? != Category::Linear {
            return Err(Refusal::new(10001, "Illegal category"));
        }
        self.instrument(Category::Linear, params)
    }

    /// Leverage of an instrument as it is told.
    pub(super) fn leverage_text(&self, instrument: InstrumentId) -> String {
        self.leverage[instrument.index()].0.to_string()
    }
}

/// A value divided by a leverage.
pub(super) fn over(value: Money, leverage: Rate) -> Money {
    let leverage = i128::from(leverage.raw()).max(1);
    Money::from_raw(value.raw() / leverage * i128::from(Rate::ONE.raw()))
}
