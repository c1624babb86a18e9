//! Public REST: time, klines, instruments, books, tickers, trades, funding.
//!
//! PROTOCOL section 10 (Bybit v5, market).

use serde_json::{Map, Value, json};

use super::bars::turnover;
use super::order::side_name;
use super::page::{Page, page};
use super::params::Params;
use super::public::{interval_of, rows};
use super::refusal::{Answer, Refusal};
use super::{Exchange, Outcome};
use crate::domain::{Category, Instrument, InstrumentId, Price, Rate, Timestamp};

/// Rate told before the first funding.
const FUNDING_RATE: &str = "0.0001";

impl Exchange {
    /// `GET /v5/market/time`.
    pub(super) fn market_time(now: Timestamp) -> Answer {
        Answer::ok(json!({
            "timeSecond": (now.millis() / 1_000).to_string(),
            "timeNano": format!("{}000000", now.millis()),
        }))
    }

    /// `GET /v5/market/kline` and `mark-price-kline`, which has no volumes.
    pub(super) fn kline(&self, params: Params<'_>, with_volume: bool) -> Outcome {
        let category = match params.text("category") {
            None => Category::Linear,
            Some(_) => params.category()?,
        };
        let id = self.instrument(category, params)?;
        let code = params.need("interval")?;
        let limit = params.limit(200, 1_000)?;
        let (start, end) = (params.time("start")?, params.time("end")?);
        let known = matches!(code.as_str(), "W" | "M");
        let interval = interval_of(&code);
        if interval.is_none() && !known {
            return Err(Refusal::new(10001, "Invalid period!"));
        }
        let bars = interval.map_or_else(Vec::new, |i| self.views[id.index()].bars_of(i));
        let in_span = |bar: &&crate::domain::Bar| {
            start.is_none_or(|start| start <= bar.open_time)
                && end.is_none_or(|end| bar.open_time <= end)
        };
        let mut found: Vec<&crate::domain::Bar> = bars.iter().filter(in_span).collect();
        // With a start but no end the venue serves the oldest bars from there on.
        if start.is_some() && end.is_none() && limit < found.len() {
            found.drain(..found.len() - limit);
        }
        let list: Vec<Value> = found
            .into_iter()
            .take(limit)
            .map(|bar| {
                let mut row = vec![bar.open_time.millis().to_string()];
                row.extend([bar.open, bar.high, bar.low, bar.close].map(|p| p.to_string()));
                if with_volume {
                    row.extend([bar.volume.to_string(), turnover(bar).to_string()]);
                }
                json!(row)
            })
            .collect();
        Ok(Answer::ok(json!({
            "category": category.to_string(),
            "symbol": self.table.get(id).symbol.as_str(), "list": list,
        })))
    }

    /// `GET /v5/market/instruments-info`. Inverse and option have none here.
    pub(super) fn instruments_info(&self, params: Params<'_>) -> Outcome {
        if let Some(other @ ("inverse" | "option")) = params.text("category").as_deref() {
            return Ok(Answer::ok(
                json!({ "category": other, "list": [], "nextPageCursor": "" }),
            ));
        }
        let category = params.category()?;
        let limit = params.limit(500, 1_000)?;
        let symbol = params.text("symbol");
        if symbol.is_some() {
            self.instrument(category, params)?;
        }
        let base = params.text("baseCoin");
        let status = params
            .text("status")
            .unwrap_or_else(|| "Trading".to_owned());
        let listed = self.table.iter().filter(|(id, rules)| {
            rules.category == category
                && self.views[id.index()].status == status
                && base.as_ref().is_none_or(|b| *b == rules.base)
                && symbol.as_ref().is_none_or(|s| s == rules.symbol.as_str())
        });
        let numbered = listed.map(|(id, rules)| (usize::MAX - id.index(), (id, rules)));
        let (limit, is_spot) = match category {
            Category::Spot => (usize::MAX, true),
            Category::Linear => (limit, false),
        };
        let word = |at: usize| format!("first={at}&last={at}");
        let Page { rows, mut cursor } = page(numbered, params, limit, word);
        let end = self
            .table
            .iter()
            .filter(|(_, i)| i.category == category)
            .last();
        if rows.last().map(|(id, _)| *id) == end.map(|(id, _)| id) {
            cursor.clear();
        }
        let list: Vec<Value> = rows
            .into_iter()
            .map(|(id, rules)| {
                if is_spot {
                    self.spot_row(id, rules)
                } else {
                    self.linear_row(id, rules)
                }
            })
            .collect();
        let mut result = json!({ "category": category.to_string(), "list": list });
        if !is_spot {
            result["nextPageCursor"] = json!(cursor);
        }
        Ok(Answer::ok(result))
    }

    fn linear_row(&self, id: InstrumentId, rules: &Instrument) -> Value {
        let tick = rules.tick.to_string();
        let scale = tick.split_once('.').map_or(0, |(_, places)| places.len());
        json!({
            "symbol": rules.symbol.as_str(), "symbolId": id.0 + 1,
            "contractType": "LinearPerpetual", "status": self.views[id.index()].status,
            "baseCoin": rules.base, "quoteCoin": rules.quote, "settleCoin": rules.quote,
            "launchTime": "1585526400000", "deliveryTime": "0", "deliveryFeeRate": "",
            "priceScale": scale.to_string(),
            "leverageFilter": {
                "minLeverage": "1", "maxLeverage": format!("{}.00", self.rules.max_leverage),
                "leverageStep": "0.01",
            },
            "priceFilter": {
                "minPrice": tick, "maxPrice": self.highest(id).to_string(),
                "tickSize": tick,
            },
            "lotSizeFilter": {
                "maxOrderQty": rules.max_qty.to_string(), "minOrderQty": rules.min_qty.to_string(),
                "qtyStep": rules.qty_step.to_string(),
                "postOnlyMaxOrderQty": rules.max_qty.to_string(),
                "maxMktOrderQty": rules.max_market_qty.to_string(),
                "minNotionalValue": rules.min_notional.to_string(),
            },
            "unifiedMarginTrade": true, "fundingInterval": rules.funding_hours * 60,
            "copyTrading": "none", "upperFundingRate": "0.00375",
            "lowerFundingRate": "-0.00375", "isPreListing": false, "preListingInfo": null,
            "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
            "symbolType": "", "displayName": "",
        })
    }

    fn spot_row(&self, id: InstrumentId, rules: &Instrument) -> Value {
        json!({
            "symbol": rules.symbol.as_str(), "symbolId": id.0 + 1, "baseCoin": rules.base,
            "quoteCoin": rules.quote, "innovation": "0",
            "status": self.views[id.index()].status, "marginTrading": "none", "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": rules.qty_step.to_string(), "quotePrecision": "0.00000001",
                "minOrderQty": rules.min_qty.to_string(), "maxOrderQty": rules.max_qty.to_string(),
                "minOrderAmt": rules.min_notional.to_string(), "maxOrderAmt": "8000000",
                "maxLimitOrderQty": rules.max_qty.to_string(),
                "maxMarketOrderQty": rules.max_market_qty.to_string(),
                "postOnlyMaxLimitOrderSize": rules.max_qty.to_string(),
            },
            "priceFilter": {"tickSize": rules.tick.to_string()},
            "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
            "symbolType": "",
        })
    }

    /// `GET /v5/market/orderbook`.
    pub(super) fn orderbook(&self, now: Timestamp, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let id = self.instrument(category, params)?;
        let few = if category == Category::Spot { 1 } else { 25 };
        let limit = params.limit(few, 1_000)?;
        let view = &self.views[id.index()];
        let (bids, asks) = view.levels(self.table.get(id), limit);
        Ok(Answer::ok(json!({
            "s": self.table.get(id).symbol.as_str(), "b": rows(&bids), "a": rows(&asks),
            "ts": now.millis(), "u": view.seq, "seq": view.seq, "cts": view.at.millis(),
        })))
    }

    /// `GET /v5/market/tickers`.
    pub(super) fn tickers(&self, now: Timestamp, params: Params<'_>) -> Outcome {
        if let Some(other @ ("inverse" | "option")) = params.text("category").as_deref() {
            return Ok(Answer::ok(json!({ "category": other, "list": [] })));
        }
        let category = params.category()?;
        let only = match params.text("symbol") {
            Some(_) => Some(self.instrument(category, params)?),
            None => None,
        };
        let listed = self
            .table
            .iter()
            .filter(|(id, i)| i.category == category && only.is_none_or(|only| only == *id));
        let list: Vec<Value> = listed
            .map(|(id, _)| Value::Object(self.ticker(id, now, true)))
            .collect();
        Ok(Answer::ok(
            json!({ "category": category.to_string(), "list": list }),
        ))
    }

    /// All fields of a ticker; on spot only the REST form has bid and ask.
    pub(super) fn ticker(
        &self,
        id: InstrumentId,
        now: Timestamp,
        by_rest: bool,
    ) -> Map<String, Value> {
        let (view, rules) = (&self.views[id.index()], self.table.get(id));
        let price = |price: Option<Price>| price.map_or(String::new(), |p| p.to_string());
        let last = view.last;
        let day = view.day();
        let change = last.zip(day.first).and_then(|(l, f)| l.distance(f));
        let mut row = Map::new();
        let mut set = |name: &str, value: String| row.insert(name.to_owned(), Value::String(value));
        set("symbol", rules.symbol.as_str().to_owned());
        set("lastPrice", price(last));
        set("prevPrice24h", price(day.first.or(last)));
        set("price24hPcnt", change.unwrap_or(Rate::ZERO).to_string());
        let known = |p: Price| (!p.is_zero()).then_some(p).or(last);
        set("highPrice24h", price(known(day.high)));
        set("lowPrice24h", price(known(day.low)));
        set("volume24h", day.volume.to_string());
        set("turnover24h", day.turnover.to_string());
        if rules.category == Category::Spot {
            set("usdIndexPrice", price(last));
        }
        if rules.category == Category::Linear || by_rest {
            let (bids, asks) = view.levels(rules, 1);
            for (side, levels) in [("bid1", &bids), ("ask1", &asks)] {
                let best = levels.first();
                let price = best.map_or(String::new(), |l| l.price.to_string());
                set(&format!("{side}Price"), price);
                let size = best.map_or(String::new(), |l| l.qty.to_string());
                set(&format!("{side}Size"), size);
            }
        }
        if rules.category == Category::Linear {
            let mark = view.mark.or(last);
            let rate = view.fundings.back().map(|(_, rate)| rate.to_string());
            let hours = i64::from(rules.funding_hours.max(1)) * 3_600_000;
            let next = (now.millis() / hours + 1) * hours;
            set("tickDirection", view.tick.to_owned());
            set("prevPrice1h", price(day.hour.or(last)));
            set("markPrice", price(mark));
            set("indexPrice", price(mark));
            set("openInterest", "1000".to_owned());
            set("openInterestValue", "1000".to_owned());
            set(
                "fundingRate",
                rate.unwrap_or_else(|| FUNDING_RATE.to_owned()),
            );
            set("nextFundingTime", next.to_string());
            set("fundingIntervalHour", rules.funding_hours.to_string());
            set("fundingCap", "0.005".to_owned());
            for name in ["preOpenPrice", "preQty", "curPreListingPhase"] {
                set(name, String::new());
            }
        }
        row
    }

    /// `GET /v5/market/recent-trade`: newest first.
    pub(super) fn recent_trades(&self, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        let id = self.instrument(category, params)?;
        let limit = match category {
            Category::Spot => params.limit(60, 60)?,
            Category::Linear => params.limit(500, 1_000)?,
        };
        let symbol = self.table.get(id).symbol.as_str();
        let trades = self.views[id.index()].trades.iter().rev().take(limit);
        let list: Vec<Value> = trades
            .map(|print| {
                json!({
                    "execId": print.id, "symbol": symbol, "price": print.price.to_string(),
                    "size": print.qty.to_string(), "side": side_name(print.taker),
                    "time": print.at.millis().to_string(), "isBlockTrade": false,
                    "isRPITrade": false, "seq": print.seq.to_string(),
                })
            })
            .collect();
        Ok(Answer::ok(
            json!({ "category": category.to_string(), "list": list }),
        ))
    }

    /// `GET /v5/market/funding/history`: newest first.
    pub(super) fn funding_history(&self, params: Params<'_>) -> Outcome {
        let category = params.category()?;
        if category != Category::Linear {
            return Err(Refusal::new(10001, "Illegal category"));
        }
        let id = self.instrument(category, params)?;
        let limit = params.limit(200, 200)?;
        let (from, to) = (params.time("startTime")?, params.time("endTime")?);
        let symbol = self.table.get(id).symbol.as_str();
        let fundings = self.views[id.index()].fundings.iter().rev();
        let in_span = fundings
            .filter(|(at, _)| from.is_none_or(|from| from <= *at) && to.is_none_or(|to| *at <= to));
        let list: Vec<Value> = in_span
            .take(limit)
            .map(|(at, rate)| {
                json!({
                    "symbol": symbol, "fundingRate": rate.to_string(),
                    "fundingRateTimestamp": at.millis().to_string(),
                })
            })
            .collect();
        Ok(Answer::list(category, list, ""))
    }
}
