//! The account: wallet, margin mode, fees, and the little else that clients ask for.
//!
//! PROTOCOL sections 8 and 13 (Bybit v5, account). One settlement coin holds the cash; base coins
//! of spot pairs are what was bought. Only the settlement coin is collateral.

use serde_json::{Value, json};

use super::params::Params;
use super::refusal::{Answer, Refusal};
use super::{Exchange, MarginMode, Outcome};
use crate::domain::{Category, InstrumentId, Money, Rate, Side, SignedQty, Timestamp};

/// Text of zero, for sums that the account never has.
const NONE: &str = "0";

impl Exchange {
    /// The account's row; `coins` limits it to those that changed.
    pub(super) fn wallet_row(&self, coins: Option<&[&str]>) -> Value {
        let upl = self.unrealised();
        let equity = self.matcher.equity();
        let margin = self.matcher.margin_held();
        let held = self.linear_value();
        let maintenance = held * self.maintenance_rate;
        let collateral = self.cash + upl;
        let part = |sum: Money| sum.fraction_of(collateral).map_or(NONE.into(), text);
        let coins: Vec<Value> = self
            .coins()
            .into_iter()
            .filter(|coin| coins.is_none_or(|wanted| wanted.contains(&coin.as_str())))
            .filter_map(|coin| self.coin_row(&coin, coins.is_some()))
            .collect();
        json!({
            "accountType": "UNIFIED",
            "totalEquity": text(equity), "totalWalletBalance": text(equity - upl),
            "totalMarginBalance": text(collateral),
            "totalAvailableBalance": text(self.matcher.free_collateral()),
            "totalPerpUPL": text(upl), "totalInitialMargin": text(margin),
            "totalInitialMarginByMp": text(margin),
            "totalMaintenanceMargin": text(maintenance),
            "totalMaintenanceMarginByMp": text(maintenance),
            "accountIMRate": part(margin), "accountMMRate": part(maintenance),
            "accountIMRateByMp": part(margin), "accountMMRateByMp": part(maintenance),
            "accountLTV": NONE, "coin": coins,
        })
    }

    /// Coins of the account: the settlement coin, then base coins of spot pairs.
    fn coins(&self) -> Vec<String> {
        let mut coins = vec![self.coin.clone()];
        for (_, rules) in self.table.iter() {
            if rules.category == Category::Spot && !coins.contains(&rules.base) {
                coins.push(rules.base.clone());
            }
        }
        coins
    }

    /// One coin; `None` for one that the account does not hold, unless it was asked for.
    fn coin_row(&self, coin: &str, even_if_none: bool) -> Option<Value> {
        let cumulated: Money = self.legs.iter().map(|leg| leg.total).sum();
        let (balance, equity, value, locked, orders, held, mm, upl, total) = if coin == self.coin {
            let upl = self.unrealised();
            let held = self.position_margin();
            let margin = self.matcher.margin_held();
            (
                text(self.cash),
                text(self.cash + upl),
                text(self.cash + upl),
                text(self.matcher.cash_reserved()),
                text((margin - held).max(Money::ZERO)),
                text(held),
                text(self.linear_value() * self.maintenance_rate),
                text(upl),
                text(cumulated),
            )
        } else {
            let (amount, value) = self.spot_balance(coin);
            if amount.is_zero() && !even_if_none {
                return None;
            }
            let none = || NONE.to_owned();
            (
                text(amount),
                text(amount),
                text(value),
                text(self.spot_locked(coin)),
                none(),
                none(),
                none(),
                none(),
                none(),
            )
        };
        Some(json!({
            "coin": coin, "equity": equity, "usdValue": value, "walletBalance": balance,
            "locked": locked, "borrowAmount": NONE, "accruedInterest": NONE,
            "totalOrderIM": orders, "totalPositionIM": held, "totalPositionMM": mm,
            "unrealisedPnl": upl, "cumRealisedPnl": total, "bonus": NONE,
            "marginCollateral": coin == self.coin, "collateralSwitch": coin == self.coin,
            "availableToWithdraw": "", "availableToBorrow": "", "free": "", "colRes": NONE,
            "spotHedgingQty": NONE, "spotBorrow": NONE,
        }))
    }

    /// Balance of a base coin, and what it is worth.
    fn spot_balance(&self, coin: &str) -> (SignedQty, Money) {
        let mut sum = (SignedQty::ZERO, Money::ZERO);
        for (id, rules) in self.table.iter() {
            if rules.category == Category::Spot && rules.base == coin {
                let qty = self.legs[id.index()].position.qty;
                sum.0 += qty;
                if let Some(price) = self.matcher.valuation(id) {
                    sum.1 += price * qty;
                }
            }
        }
        sum
    }

    /// Amount of a base coin that open sales hold.
    fn spot_locked(&self, coin: &str) -> SignedQty {
        let sells = self.open.iter().map(|n| &self.orders[*n]).filter(|order| {
            let rules = self.table.get(order.wish.instrument);
            order.wish.category == Category::Spot
                && order.wish.side == Side::Sell
                && rules.base == coin
        });
        sells.map(|order| order.rest().signed(Side::Buy)).sum()
    }

    fn linear_slots(&self) -> impl Iterator<Item = InstrumentId> {
        let listed = self.table.iter();
        let listed = listed.filter(|(_, rules)| rules.category == Category::Linear);
        let main = listed.map(|(id, _)| id);
        main.chain(self.short_of.iter().copied().flatten())
    }

    /// Unrealised profit of linear positions.
    fn unrealised(&self) -> Money {
        let open = self.linear_slots().filter_map(|slot| {
            let position = &self.legs[slot.index()].position;
            Some(position.unrealised(self.matcher.valuation(slot)?))
        });
        open.sum()
    }

    /// Value of linear positions.
    fn linear_value(&self) -> Money {
        let open = self.linear_slots().filter_map(|slot| {
            let qty = self.legs[slot.index()].position.qty;
            Some((self.matcher.valuation(slot)? * qty).abs())
        });
        open.sum()
    }

    fn position_margin(&self) -> Money {
        let leverage = Rate::from_raw(i64::from(self.account_leverage) * Rate::ONE.raw());
        super::positions::over(self.linear_value(), leverage)
    }

    /// `GET /v5/account/wallet-balance`.
    pub(super) fn wallet_balance(&self, params: Params<'_>) -> Outcome {
        match params.text("accountType").as_deref() {
            Some("UNIFIED") => {}
            _ => return Err(Refusal::params("accountType only support UNIFIED")),
        }
        let wanted = params.text("coin");
        let wanted: Option<Vec<&str>> = wanted.as_deref().map(|text| text.split(',').collect());
        let row = self.wallet_row(wanted.as_deref());
        Ok(Answer::ok(json!({ "list": [row] })))
    }

    /// `GET /v5/account/info`.
    pub(super) fn account_info(&self) -> Answer {
        Answer::ok(json!({
            "marginMode": self.rules.margin_mode, "updatedTime": self.started.millis().to_string(),
            "unifiedMarginStatus": 6, "dcpStatus": "OFF", "timeWindow": 10, "smpGroup": 0,
            "isMasterTrader": false, "spotHedgingStatus": "OFF",
        }))
    }

    /// `GET /v5/account/fee-rate`.
    pub(super) fn fee_rates(&self, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let symbol = params.text("symbol");
        if symbol.is_some() {
            self.instrument(category, params)?;
        }
        let listed = self.table.iter().filter(|(_, rules)| {
            rules.category == category && symbol.as_ref().is_none_or(|s| s == rules.symbol.as_str())
        });
        let list: Vec<Value> = listed
            .map(|(id, rules)| {
                let costs = self.costs[id.index()];
                json!({
                    "symbol": rules.symbol.as_str(), "baseCoin": rules.base,
                    "takerFeeRate": text(costs.taker), "makerFeeRate": text(costs.maker),
                })
            })
            .collect();
        Ok(Answer::ok(
            json!({ "category": category.to_string(), "list": list }),
        ))
    }

    /// `POST /v5/account/set-margin-mode`.
    pub(super) fn set_margin_mode(&mut self, params: Params<'_>) -> Outcome {
        let mode = match params.text("setMarginMode").as_deref() {
            Some("ISOLATED_MARGIN") => MarginMode::IsolatedMargin,
            Some("REGULAR_MARGIN") => MarginMode::RegularMargin,
            Some("PORTFOLIO_MARGIN") => MarginMode::PortfolioMargin,
            _ => return Err(Refusal::params("setMarginMode invalid")),
        };
        let failed = |code: &str, text: &str| {
            let mut refusal = Refusal::new(3_400_045, "Set margin mode failed");
            refusal.result = json!({"reasons": [{"reasonCode": code, "reasonMsg": text}]});
            refusal
        };
        if mode == self.rules.margin_mode {
            return Err(failed("3400051", "Set margin mode is not modified"));
        }
        if let Err(refusal) = self.check_idle(3_400_006, 3_400_006) {
            return Err(failed("3400006", &refusal.text));
        }
        self.rules.margin_mode = mode;
        Ok(Answer::ok(json!({ "reasons": [] })))
    }

    /// `GET /v5/account/query-dcp-info`: not armed, as for every ordinary account.
    pub(super) fn dcp_info() -> Answer {
        let mut answer = Answer::ok(json!({ "dcpInfos": [] }));
        answer.text = "success";
        answer
    }

    /// `GET /v5/asset/coin/query-info`: the coins that are traded here.
    pub(super) fn coin_info(&self, params: Params<'_>) -> Answer {
        let wanted = params.text("coin");
        let rows: Vec<Value> = self
            .coins()
            .into_iter()
            .filter(|coin| wanted.as_ref().is_none_or(|wanted| wanted == coin))
            .map(|coin| json!({"name": coin, "coin": coin, "remainAmount": "0", "chains": []}))
            .collect();
        Answer::ok(json!({ "rows": rows }))
    }

    /// Turns two legs on or off and tells every linear position.
    pub(super) fn set_hedge(&mut self, now: Timestamp, on: bool) {
        self.rules.hedge_mode = on;
        if on {
            self.feed_short_legs(now);
        }
    }
}

fn text(value: impl std::fmt::Display) -> String {
    value.to_string()
}
