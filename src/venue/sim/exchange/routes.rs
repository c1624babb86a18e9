//! Which request does what: paths, order-entry ops, rights, limits, envelopes.
//!
//! PROTOCOL sections 2, 9, 15 (Bybit v5). Orders take the same way from REST and from a socket.

use serde_json::{Value, json};

use super::api::{Call, Method, Reply, SocketUser};
use super::cancel::Batch;
use super::keys::{Right, check_clock};
use super::limits::Budget;
use super::params::{Params, of_query};
use super::refusal::{Answer, Refusal};
use super::{Exchange, Outcome};
use crate::domain::{Category, Timestamp};

/// Everything that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Time,
    Kline,
    MarkKline,
    Instruments,
    Orderbook,
    Tickers,
    Trades,
    Fundings,
    Create,
    Amend,
    Cancel,
    CancelAll,
    Batch(Batch),
    Realtime,
    History,
    Executions,
    Positions,
    SetLeverage,
    SwitchMode,
    TradingStop,
    ClosedPnl,
    SetAutoMargin,
    Wallet,
    AccountInfo,
    FeeRate,
    SetMarginMode,
    DcpInfo,
    QueryApi,
    CoinInfo,
}

/// Paths of reads.
const READS: [(&str, Op); 20] = [
    ("/v5/market/time", Op::Time),
    ("/v5/market/kline", Op::Kline),
    ("/v5/market/mark-price-kline", Op::MarkKline),
    ("/v5/market/index-price-kline", Op::MarkKline),
    ("/v5/market/instruments-info", Op::Instruments),
    ("/v5/market/orderbook", Op::Orderbook),
    ("/v5/market/tickers", Op::Tickers),
    ("/v5/market/recent-trade", Op::Trades),
    ("/v5/market/funding/history", Op::Fundings),
    ("/v5/order/realtime", Op::Realtime),
    ("/v5/order/history", Op::History),
    ("/v5/execution/list", Op::Executions),
    ("/v5/position/list", Op::Positions),
    ("/v5/position/closed-pnl", Op::ClosedPnl),
    ("/v5/account/wallet-balance", Op::Wallet),
    ("/v5/account/info", Op::AccountInfo),
    ("/v5/account/fee-rate", Op::FeeRate),
    ("/v5/account/query-dcp-info", Op::DcpInfo),
    ("/v5/user/query-api", Op::QueryApi),
    ("/v5/asset/coin/query-info", Op::CoinInfo),
];

/// Paths of writes.
const WRITES: [(&str, Op); 12] = [
    ("/v5/order/create", Op::Create),
    ("/v5/order/amend", Op::Amend),
    ("/v5/order/cancel", Op::Cancel),
    ("/v5/order/cancel-all", Op::CancelAll),
    ("/v5/order/create-batch", Op::Batch(Batch::Create)),
    ("/v5/order/amend-batch", Op::Batch(Batch::Amend)),
    ("/v5/order/cancel-batch", Op::Batch(Batch::Cancel)),
    ("/v5/position/set-leverage", Op::SetLeverage),
    ("/v5/position/switch-mode", Op::SwitchMode),
    ("/v5/position/trading-stop", Op::TradingStop),
    ("/v5/position/set-auto-add-margin", Op::SetAutoMargin),
    ("/v5/account/set-margin-mode", Op::SetMarginMode),
];

/// Ops of order entry over a socket.
const ENTRIES: [(&str, Op); 6] = [
    ("order.create", Op::Create),
    ("order.amend", Op::Amend),
    ("order.cancel", Op::Cancel),
    ("order.create-batch", Op::Batch(Batch::Create)),
    ("order.amend-batch", Op::Batch(Batch::Amend)),
    ("order.cancel-batch", Op::Batch(Batch::Cancel)),
];

impl Op {
    /// Whether anybody may ask.
    const fn is_public(self) -> bool {
        matches!(
            self,
            Op::Time
                | Op::Kline
                | Op::MarkKline
                | Op::Instruments
                | Op::Orderbook
                | Op::Tickers
                | Op::Trades
                | Op::Fundings
        )
    }

    /// Whether it trades, so that the key must be allowed to in the category.
    const fn trades(self) -> bool {
        matches!(
            self,
            Op::Create
                | Op::Amend
                | Op::Cancel
                | Op::CancelAll
                | Op::Batch(_)
                | Op::SetLeverage
                | Op::SwitchMode
                | Op::TradingStop
                | Op::SetAutoMargin
        )
    }

    /// Whether it lists what the account has in one market.
    const fn lists_holdings(self) -> bool {
        matches!(
            self,
            Op::Realtime
                | Op::History
                | Op::Executions
                | Op::Positions
                | Op::ClosedPnl
                | Op::FeeRate
        )
    }

    /// Name for drills: the op of order entry, else the path.
    fn drill_name(self, path: &str) -> String {
        let entry = ENTRIES.iter().find(|(_, op)| *op == self);
        match (entry, self) {
            (Some((name, _)), _) => (*name).to_owned(),
            (None, Op::CancelAll) => "order.cancel-all".to_owned(),
            (None, _) => path.to_owned(),
        }
    }
}

impl Exchange {
    /// See [`Exchange::rest`].
    pub(super) fn answer_rest(&mut self, now: Timestamp, call: &Call<'_>) -> Reply {
        let routes: &[(&str, Op)] = match call.method {
            Method::Get => &READS,
            Method::Post => &WRITES,
        };
        let Some((path, op)) = routes.iter().find(|(path, _)| *path == call.path) else {
            let refusal = Refusal {
                status: 404,
                ..Refusal::new(10017, "Route not found.")
            };
            return self.reply(now, Err(refusal), None);
        };
        if call.method == Method::Get && !call.body.is_empty() {
            return Reply {
                status: 403,
                headers: Vec::new(),
                body: "<html><head><title>403 Forbidden</title></head></html>".to_owned(),
            };
        }
        let body = match call.method {
            Method::Get => Some(of_query(call.query)),
            Method::Post => serde_json::from_slice(call.body).ok(),
        };
        let key = if op.is_public() {
            None
        } else {
            let right = match call.method {
                Method::Get => Right::Read,
                Method::Post => Right::Write,
            };
            match self.authorise(now, call, right) {
                Ok(key) => Some(key),
                Err(refusal) => return self.reply(now, Err(refusal), None),
            }
        };
        let Some(body) = body.filter(Value::is_object) else {
            let refusal = Refusal::new(10001, "Request parameter error.");
            return self.reply(now, Err(refusal), None);
        };
        let (outcome, budget) = match key {
            None => (self.perform_read(now, *op, Params::new(&body)), None),
            Some(key) => self.perform_signed(now, *op, path, &key, &body),
        };
        self.reply(now, outcome, budget)
    }

    /// Limits, drills and rights of a signed request, then the request.
    fn perform_signed(
        &mut self,
        now: Timestamp,
        op: Op,
        path: &str,
        key: &str,
        body: &Value,
    ) -> (Outcome, Option<Budget>) {
        let params = Params::new(body);
        let category = params.category().ok();
        let wanted = match op {
            Op::Batch(_) => params.items().map_or(1, Vec::len).max(1),
            _ => 1,
        };
        let name = op.drill_name(path);
        let (kind, limit) = self.limit_of(op, path, category);
        let kind = (kind, category);
        let budget = self.limits.take(now, kind, limit, wanted);
        if budget.granted == 0 {
            return (Err(Refusal::too_many()), Some(budget));
        }
        if op.trades()
            && let Some(category) = category
            && let Err(refusal) = self.check_trade(key, category)
        {
            return (Err(refusal), Some(budget));
        }
        let drilled = self.drilled_answer(&name);
        if let Some((refusal, false)) = drilled {
            return (Err(refusal), Some(budget));
        }
        let outcome = self.perform(now, op, params, key, budget.granted);
        match drilled {
            Some((refusal, true)) => (Err(refusal), Some(budget)),
            _ => (outcome, Some(budget)),
        }
    }

    /// Answer that a drill has ordered for the next request of a kind, and whether the request
    /// takes effect all the same.
    fn drilled_answer(&mut self, name: &str) -> Option<(Refusal, bool)> {
        let at = self
            .answer_codes
            .iter()
            .position(|code| code.op == name || code.op == "*")?;
        let code = &mut self.answer_codes[at];
        code.times -= 1;
        let told = (Refusal::new(code.code, code.message.clone()), code.accept);
        if code.times == 0 {
            self.answer_codes.remove(at);
        }
        Some(told)
    }

    /// Budget of a request: its name and the requests per second.
    fn limit_of(&self, op: Op, path: &str, category: Option<Category>) -> (&'static str, u32) {
        let rules = &self.rules;
        let by_category = match category {
            Some(Category::Spot) => rules.spot_per_second,
            _ => rules.linear_per_second,
        };
        match op {
            Op::Create => ("create", by_category),
            Op::Cancel => ("cancel", by_category),
            Op::CancelAll => ("cancel-all", by_category),
            Op::Amend => ("amend", rules.amend_per_second),
            Op::Batch(Batch::Create) => ("create-batch", by_category),
            Op::Batch(Batch::Amend) => ("amend-batch", by_category),
            Op::Batch(Batch::Cancel) => ("cancel-batch", by_category),
            Op::SetLeverage => ("set-leverage", 10),
            Op::SwitchMode => ("switch-mode", 10),
            Op::TradingStop => ("trading-stop", 10),
            Op::SetAutoMargin => ("set-auto-add-margin", 10),
            Op::FeeRate => ("fee-rate", 5),
            Op::SetMarginMode => ("set-margin-mode", 5),
            Op::DcpInfo => ("dcp", 5),
            _ => {
                let known = READS.iter().find(|(known, _)| *known == path);
                (
                    known.map_or("read", |(known, _)| known),
                    rules.read_per_second,
                )
            }
        }
    }

    fn perform(
        &mut self,
        now: Timestamp,
        op: Op,
        params: Params<'_>,
        key: &str,
        granted: usize,
    ) -> Outcome {
        match op {
            Op::Create => self.create(now, params),
            Op::Amend => self.amend(now, params),
            Op::Cancel => self.cancel(now, params),
            Op::CancelAll => self.cancel_all(now, params),
            Op::Batch(batch) => self.batch(now, batch, params, granted),
            Op::SetLeverage => self.set_leverage(now, params),
            Op::SwitchMode => self.switch_mode(now, params),
            Op::TradingStop => self.trading_stop(now, params),
            Op::SetAutoMargin => self.set_auto_margin(now, params),
            Op::SetMarginMode => self.set_margin_mode(params),
            Op::QueryApi => self.query_api(key),
            _ => self.perform_read(now, op, params),
        }
    }

    fn perform_read(&self, now: Timestamp, op: Op, params: Params<'_>) -> Outcome {
        // Clients ask for everything an account can have; it has nothing in these markets.
        if op.lists_holdings()
            && let Some(other @ ("inverse" | "option")) = params.text("category").as_deref()
        {
            return Ok(Answer::ok(
                json!({ "category": other, "list": [], "nextPageCursor": "" }),
            ));
        }
        match op {
            Op::Time => Ok(Self::market_time(now)),
            Op::Kline => self.kline(params, true),
            Op::MarkKline => self.kline(params, false),
            Op::Instruments => self.instruments_info(params),
            Op::Orderbook => self.orderbook(now, params),
            Op::Tickers => self.tickers(now, params),
            Op::Trades => self.recent_trades(params),
            Op::Fundings => self.funding_history(params),
            Op::Realtime => self.realtime(now, params),
            Op::History => self.history(now, params),
            Op::Executions => self.execution_list(now, params),
            Op::Positions => self.position_list(params),
            Op::ClosedPnl => self.closed_pnl_list(now, params),
            Op::Wallet => self.wallet_balance(params),
            Op::AccountInfo => Ok(self.account_info()),
            Op::FeeRate => self.fee_rates(params),
            Op::DcpInfo => Ok(Self::dcp_info()),
            Op::CoinInfo => Ok(self.coin_info(params)),
            _ => Err(Refusal::new(10017, "Route not found.")),
        }
    }

    /// Puts an outcome into the REST envelope.
    fn reply(&mut self, now: Timestamp, outcome: Outcome, budget: Option<Budget>) -> Reply {
        let (status, code, text, result, ext) = parts(outcome);
        let mut headers: Vec<(String, String)> = Vec::new();
        if let Some(budget) = budget {
            headers.extend(budget.headers());
        }
        headers.push(("Ret_code".to_owned(), code.to_string()));
        headers.push(("Traceid".to_owned(), self.ids.trace()));
        headers.push(("Timenow".to_owned(), now.millis().to_string()));
        let body = json!({
            "retCode": code, "retMsg": text, "result": result, "retExtInfo": ext,
            "time": now.millis(),
        });
        Reply {
            status,
            headers,
            body: body.to_string(),
        }
    }

    /// See [`Exchange::trade_op`].
    pub(super) fn answer_entry(
        &mut self,
        now: Timestamp,
        user: &SocketUser,
        frame: &str,
    ) -> Option<String> {
        let frame: Value = serde_json::from_str(frame).ok()?;
        let params = Params::new(&frame);
        let op = params.text("op")?;
        if matches!(op.as_str(), "ping" | "auth") {
            return None;
        }
        let (outcome, budget) = self.entry(now, user, &op, &frame);
        let (_, code, text, result, ext) = parts(outcome);
        let mut header = json!({
            "Traceid": self.ids.trace(), "Timenow": now.millis().to_string(),
        });
        for (name, value) in budget.iter().flat_map(Budget::headers) {
            header[name] = json!(value);
        }
        let mut reply = json!({
            "retCode": code, "retMsg": text, "op": op, "data": result, "retExtInfo": ext,
            "header": header,
        });
        if let Some(req_id) = params.text("reqId") {
            reply["reqId"] = json!(req_id);
        }
        Some(reply.to_string())
    }

    fn entry(
        &mut self,
        now: Timestamp,
        user: &SocketUser,
        op: &str,
        frame: &Value,
    ) -> (Outcome, Option<Budget>) {
        let Some((name, op)) = ENTRIES.iter().find(|(name, _)| *name == op) else {
            let refusal = Refusal::new(10404, "op type is not found");
            return (Err(refusal), None);
        };
        let none = json!({});
        let header = Params::new(frame.get("header").unwrap_or(&none));
        let window = header.text("X-BAPI-RECV-WINDOW");
        let stamp = header.text("X-BAPI-TIMESTAMP").unwrap_or_default();
        let checked = check_clock(now, &stamp, window.as_deref())
            .and_then(|()| self.check_user(now, &user.key, Right::Write));
        if let Err(refusal) = checked {
            return (Err(refusal), None);
        }
        match frame
            .get("args")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        {
            Some([body]) if body.is_object() => {
                if Params::new(body).category().is_err() {
                    let refusal = Refusal::new(10404, "category is not correct");
                    return (Err(refusal), None);
                }
                self.perform_signed(now, *op, name, &user.key, body)
            }
            _ => (Err(Refusal::params("args must hold one request")), None),
        }
    }
}

fn parts(outcome: Outcome) -> (u16, i64, String, Value, Value) {
    match outcome {
        Ok(Answer { text, result, ext }) => (200, 0, text.to_owned(), result, ext),
        Err(refusal) => (
            refusal.status,
            refusal.code,
            refusal.text,
            refusal.result,
            json!({}),
        ),
    }
}
