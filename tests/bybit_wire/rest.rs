//! Which type reads which answer over REST.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tradeterm::venue::bybit::wire::account::{
    AccountInfo, DcpInfo, FeeRate, KeyInfo, MarginModeAnswer, SetDcp, SetMarginMode, UserSettings,
    Wallet,
};
use tradeterm::venue::bybit::wire::instrument::{ContractRow, PairRow};
use tradeterm::venue::bybit::wire::market::{
    BookRow, FundingRow, KlineRow, OpenInterestRow, PriceKlineRow, PriceLimit, RecentTrade,
    RiskLimitRow, ServerTime, Ticker,
};
use tradeterm::venue::bybit::wire::order::{CancelledAll, Order, OrderAck};
use tradeterm::venue::bybit::wire::position::{
    ClosedPnl, Position, SetLeverage, SwitchMode, TradingStop,
};
use tradeterm::venue::bybit::wire::request::{
    AmendOrder, Batch, CancelAll, CancelOrder, CreateOrder,
};
use tradeterm::venue::bybit::wire::trade::LimitHeaders;
use tradeterm::venue::bybit::wire::{Envelope, Page, from_json};

use crate::{Reader, Table, Unread};

pub(crate) const TABLE: Table = &[
    (result::<ServerTime> as Reader, &["docs_market_time"]),
    (
        rows::<KlineRow>,
        &[
            "docs_market_kline_inverse",
            "nautilus_http_get_klines_linear",
        ],
    ),
    (
        rows::<PriceKlineRow>,
        &[
            "docs_market_index_kline_inverse",
            "docs_market_mark_kline_linear",
        ],
    ),
    (
        rows::<ContractRow>,
        &[
            "bybitnet_get_linear_inverse_symbols",
            "bybitnet_get_linear_inverse_symbols_pre_listing",
            "docs_account_instrument_linear",
            "docs_market_instrument_linear",
            "docs_market_instrument_linear_2",
            "nautilus_http_get_instruments_inverse",
            "nautilus_http_get_instruments_linear",
            "nautilus_http_get_instruments_linear_symbol_type",
        ],
    ),
    (
        rows::<PairRow>,
        &[
            "bybitnet_get_account_spot_symbols",
            "bybitnet_get_spot_symbols",
            "docs_account_instrument_spot",
            "docs_market_instrument_spot",
            "nautilus_http_get_instruments_spot",
            "nautilus_http_get_instruments_spot_xstocks",
        ],
    ),
    (
        result::<BookRow>,
        &[
            "bybitnet_get_orderbook",
            "docs_market_orderbook",
            "nautilus_http_get_orderbook",
        ],
    ),
    (
        rows::<Ticker>,
        &[
            "bybitnet_get_linear_inverse_tickers",
            "docs_market_tickers_inverse",
            "docs_market_tickers_option",
            "docs_market_tickers_spot",
        ],
    ),
    (
        rows::<RecentTrade>,
        &[
            "bybitnet_get_trade_history",
            "docs_market_recent_trade_spot",
            "nautilus_http_get_trades_recent",
        ],
    ),
    (
        rows::<FundingRow>,
        &[
            "docs_market_history_fund_rate_linear",
            "nautilus_http_get_funding_history",
        ],
    ),
    (
        rows::<OpenInterestRow>,
        &[
            "bybitnet_get_open_interest",
            "docs_market_open_interest_inverse",
        ],
    ),
    (rows::<RiskLimitRow>, &["bybitnet_get_risk_limit"]),
    (result::<PriceLimit>, &["docs_market_order_price_limit"]),
    (
        rows::<Order>,
        &[
            "bybitnet_get_order_history",
            "bybitnet_get_orders",
            "docs_order_open_order_linear",
            "docs_order_order_list_linear",
            "nautilus_http_get_order_partially_filled_rejected",
            "nautilus_http_get_orders_history",
            "nautilus_http_get_orders_history_with_duplicate",
            "nautilus_http_get_orders_realtime",
            "nautilus_http_get_orders_realtime_tp_sl",
        ],
    ),
    (
        rows::<tradeterm::venue::bybit::wire::execution::Execution>,
        &[
            "bybitnet_get_user_trades",
            "docs_order_execution_linear",
            "nautilus_http_get_executions",
        ],
    ),
    (
        result::<OrderAck>,
        &[
            "docs_order_amend_order",
            "docs_order_cancel_order",
            "docs_order_create_order",
            "docs_order_pre_check_order",
        ],
    ),
    (result::<CancelledAll>, &["docs_order_cancel_all"]),
    (
        batch,
        &[
            "docs_order_batch_amend",
            "docs_order_batch_cancel",
            "docs_order_batch_place",
        ],
    ),
    (
        rows::<Position>,
        &[
            "bybitnet_get_positions",
            "docs_position_position_inverse",
            "nautilus_http_get_positions",
            "nautilus_http_get_positions_with_open_time",
        ],
    ),
    (
        result::<Position>,
        &["docs_position_manual_add_margin_inverse"],
    ),
    (
        rows::<ClosedPnl>,
        &[
            "bybitnet_get_closed_profit_loss",
            "docs_position_close_pnl_linear",
        ],
    ),
    (
        rows::<Wallet>,
        &[
            "bybitnet_get_balances",
            "docs_account_wallet_balance",
            "nautilus_http_get_wallet_balance",
            "nautilus_http_get_wallet_balance_spot_short",
            "nautilus_http_get_wallet_balance_with_spot_borrow",
        ],
    ),
    (result::<AccountInfo>, &["docs_account_account_info"]),
    (
        rows::<FeeRate>,
        &["docs_account_fee_rate", "nautilus_http_get_fee_rate"],
    ),
    (
        result::<UserSettings>,
        &["docs_account_get_user_setting_config"],
    ),
    (
        result::<KeyInfo>,
        &["docs_user_apikey_info", "nautilus_http_get_user_query_api"],
    ),
    (result::<DcpInfo>, &["docs_account_dcp_info"]),
    (refusal, &["docs_account_set_margin_mode"]),
    (
        done,
        &[
            "docs_abandon_switch_isolated",
            "docs_account_set_price_limit",
            "docs_account_set_spot_hedge",
            "docs_order_dcp",
            "docs_position_auto_add_margin",
            "docs_position_confirm_mmr",
            "docs_position_leverage",
            "docs_position_position_mode",
            "docs_position_trading_stop",
        ],
    ),
    (
        error,
        &[
            "issue_error_10000_server_timeout",
            "issue_error_10001_market_price_band",
            "issue_error_10002_recv_window",
            "issue_error_10006_too_many_visits",
            "issue_error_110001_cancel_too_late",
            "issue_error_110017_reduce_only",
        ],
    ),
    (headers, &["issue_response_headers"]),
    (requests, &["docs_request_examples"]),
];

pub(crate) const UNREAD: Unread = &[
    (
        "market facts that the console does not show",
        &[
            "bybitnet_get_long_short_ratio",
            "docs_market_adl_alert",
            "docs_market_index_components",
            "docs_market_insurance",
            "docs_market_long_short_ratio",
            "docs_market_premium_index_kline_linear",
        ],
    ),
    (
        "a book with amounts of market makers; the plain book is read",
        &["docs_market_rpi_orderbook"],
    ),
    (
        "options",
        &[
            "docs_market_delivery_price_option",
            "docs_market_instrument_option",
        ],
    ),
    (
        "state of the venue's services, on a socket and a path that the console does not ask",
        &["bybitnet_get_system_status"],
    ),
    (
        "the ledger is made from executions, not from the venue's",
        &[
            "bybitnet_get_analysis_trade_info",
            "bybitnet_get_transaction_history",
            "docs_account_transaction_log",
        ],
    ),
    (
        "loans, collateral and withdrawals are not the console's",
        &[
            "bybitnet_get_account_types",
            "bybitnet_get_collateral_info",
            "docs_account_collateral_info",
            "docs_account_smp_group",
            "docs_account_unified_trans_amnt",
            "docs_order_spot_borrow_quota",
        ],
    ),
    (
        "settings of positions that the console does not change or ask for",
        &[
            "bybitnet_set_risk_limit",
            "bybitnet_set_take_profit_stop_loss_mode",
            "docs_position_batch_lvg_linear",
        ],
    ),
];

fn envelope(text: &str) -> Result<Envelope, String> {
    let envelope = Envelope::parse(text).map_err(|error| error.to_string())?;
    if envelope.is_ok() {
        Ok(envelope)
    } else {
        Err(format!("code {}", envelope.ret_code))
    }
}

fn result<T: DeserializeOwned + Debug>(text: &str) -> Result<usize, String> {
    let result: Result<T, _> = envelope(text)?.result();
    result.map(|_| 1).map_err(|error| error.to_string())
}

/// A list; an empty one would prove nothing.
fn rows<T: DeserializeOwned + Debug>(text: &str) -> Result<usize, String> {
    let page: Result<Page<T>, _> = envelope(text)?.result();
    match page {
        Ok(page) if page.list.is_empty() => Err("no rows".to_owned()),
        Ok(page) => Ok(page.list.len()),
        Err(error) => Err(error.to_string()),
    }
}

fn batch(text: &str) -> Result<usize, String> {
    let items = envelope(text)?.batch().map_err(|error| error.to_string())?;
    if items.len() == 2 {
        Ok(2)
    } else {
        Err(format!("{} items", items.len()))
    }
}

/// A success without anything to read.
fn done(text: &str) -> Result<usize, String> {
    result::<Value>(text)
}

fn error(text: &str) -> Result<usize, String> {
    let envelope = Envelope::parse(text).map_err(|error| error.to_string())?;
    if envelope.is_ok() || envelope.ret_msg.is_empty() {
        return Err("not an error".to_owned());
    }
    let ack: Result<OrderAck, _> = envelope.result();
    ack.map(|_| 1).map_err(|error| error.to_string())
}

fn refusal(text: &str) -> Result<usize, String> {
    let envelope = Envelope::parse(text).map_err(|error| error.to_string())?;
    let answer: Result<MarginModeAnswer, _> = envelope.result();
    answer
        .map(|answer| answer.reasons.len())
        .map_err(|error| error.to_string())
}

fn headers(text: &str) -> Result<usize, String> {
    let headers: LimitHeaders = from_json(text).map_err(|error| error.to_string())?;
    let is_whole = headers.limit == Some(10) && headers.left == Some(9) && headers.time.is_some();
    is_whole.then_some(1).ok_or_else(|| format!("{headers:?}"))
}

/// The examples of requests: each body is read, and what is written again says nothing that the
/// example does not say.
fn requests(text: &str) -> Result<usize, String> {
    let examples: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut n_read = 0;
    for example in &examples {
        let Some(body) = example.get("body") else {
            continue;
        };
        let target = example["target"].as_str().unwrap_or_default();
        let read = match target {
            "/v5/order/create" | "/v5/order/pre-check" => again::<CreateOrder>,
            "/v5/order/amend" => again::<AmendOrder>,
            "/v5/order/cancel" => again::<CancelOrder>,
            "/v5/order/cancel-all" => again::<CancelAll>,
            "/v5/order/create-batch" => again::<Batch<CreateOrder>>,
            "/v5/order/amend-batch" => again::<Batch<AmendOrder>>,
            "/v5/order/cancel-batch" => again::<Batch<CancelOrder>>,
            "/v5/order/disconnected-cancel-all" => again::<SetDcp>,
            "/v5/position/set-leverage" => again::<SetLeverage>,
            "/v5/position/switch-mode" => again::<SwitchMode>,
            "/v5/position/trading-stop" => again::<TradingStop>,
            "/v5/account/set-margin-mode" => again::<SetMarginMode>,
            // Isolated margin, price bands and hedging are not the console's to change.
            "/v5/position/set-auto-add-margin"
            | "/v5/position/add-margin"
            | "/v5/position/confirm-pending-mmr"
            | "/v5/account/set-limit-px-action"
            | "/v5/account/set-hedging-mode" => continue,
            other => return Err(format!("unknown target {other}")),
        };
        read(body).map_err(|problem| format!("{target}: {problem}"))?;
        n_read += 1;
    }
    Ok(n_read)
}

fn again<T: DeserializeOwned + Serialize>(body: &Value) -> Result<(), String> {
    let read: T = from_json(&body.to_string()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    contained(&written, body)
}

fn contained(part: &Value, whole: &Value) -> Result<(), String> {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().try_for_each(|(key, value)| {
            let same = whole.get(key).ok_or_else(|| format!("{key} was made up"))?;
            contained(value, same).map_err(|problem| format!("{key}: {problem}"))
        }),
        (Value::Array(part), Value::Array(whole)) if part.len() == whole.len() => part
            .iter()
            .zip(whole)
            .try_for_each(|(part, whole)| contained(part, whole)),
        (part, whole) if part == whole => Ok(()),
        (part, whole) => Err(format!("{whole} became {part}")),
    }
}
