//! Which frame each message of the sockets is.

use serde::Deserialize;
use tradeterm::venue::bybit::wire::control::RefusalReason;
use tradeterm::venue::bybit::wire::names::{SocketOp, WireSide};
use tradeterm::venue::bybit::wire::position::Position;
use tradeterm::venue::bybit::wire::public::TradeRow;
use tradeterm::venue::bybit::wire::request::{Batch, CreateOrder};
use tradeterm::venue::bybit::wire::{
    Control, PrivateFrame, PublicFrame, SocketRequest, TradeFrame, TradeRequest, WireError,
    from_json, parse_private, parse_public, parse_trade,
};

use crate::{Reader, Table, Unread};

pub(crate) const PUBLIC: Table = &[
    (
        book as Reader,
        &[
            "docs_orderbook_delta_2",
            "docs_orderbook_snapshot_1",
            "nautilus_recorded_orderbook500_XRPUSDT_20241201",
            "nautilus_ws_orderbook_delta",
            "nautilus_ws_orderbook_snapshot",
        ],
    ),
    (klines, &["docs_kline_snapshot_1"]),
    (
        ticker,
        &[
            "bybitnet_linear_ticker",
            "docs_ticker_snapshot_1",
            "docs_ticker_snapshot_2",
            "docs_ticker_snapshot_3",
            "docs_ticker_snapshot_4",
            "issue_linear_ticker_NKNUSDT_snapshot_then_delta",
            "nautilus_ws_ticker_linear",
        ],
    ),
    (
        trades,
        &[
            "barter_trade_4",
            "bybitnet_linear_trades",
            "docs_trade_snapshot_1",
        ],
    ),
    (trade_row, &["barter_trade_1", "barter_trade_2"]),
    (strange_trade_row, &["barter_trade_3"]),
    (
        liquidations,
        &[
            "bybitnet_linear_liquidations",
            "docs_all_liquidation_snapshot_1",
        ],
    ),
    (price_limit, &["docs_order_price_limit_push_2"]),
    // Topics that do not exist, or that the console does not read.
    (
        other_topic,
        &[
            "barter_trade_6",
            "docs_adl_alert_snapshot_1",
            "docs_full_ob_delta_1",
            "docs_orderbook_rpi_delta_3",
            "docs_system_status_push_2",
            "nautilus_ws_public_trade",
        ],
    ),
    // Data without a topic.
    (nothing, &["barter_trade_5"]),
    (
        pong,
        &[
            "docs_connect_ping_3",
            "docs_connect_ping_4",
            "docs_connect_pong_5",
            "docs_connect_pong_6",
        ],
    ),
    (
        ack,
        &[
            "docs_connect_auth_2",
            "docs_connect_frame_13",
            "docs_connect_subscribe_10",
            "docs_connect_subscribe_11",
            "docs_connect_subscribe_12",
            "docs_orderbook_rpi_subscribe_2",
            "nautilus_ws_subscription_ack",
        ],
    ),
    (
        refused,
        &[
            "barter_subscription_2",
            "issue_already_subscribed",
            "issue_spot_args_size_gt_10",
            "nautilus_ws_subscription_failure",
        ],
    ),
    (
        request,
        &[
            "docs_connect_auth_1",
            "docs_connect_subscribe_7",
            "docs_connect_subscribe_8",
            "docs_connect_unsubscribe_9",
            "docs_order_price_limit_subscribe_1",
            "docs_orderbook_rpi_subscribe_1",
            "docs_system_status_subscribe_1",
        ],
    ),
];

pub(crate) const PUBLIC_UNREAD: Unread = &[];

pub(crate) const PRIVATE: Table = &[
    (
        orders as Reader,
        &[
            "bybitnet_private_order",
            "docs_order_push_2",
            "gct_order_linear_5",
            "nautilus_ws_account_order",
            "nautilus_ws_account_order_buy_stop_market",
            "nautilus_ws_account_order_filled",
            "nautilus_ws_account_order_limit_if_touched",
            "nautilus_ws_account_order_market_if_touched",
            "nautilus_ws_account_order_partially_filled_rejected",
            "nautilus_ws_account_order_sell_market_if_touched",
            "nautilus_ws_account_order_stop_limit",
            "nautilus_ws_account_order_stop_loss",
            "nautilus_ws_account_order_stop_market",
            "nautilus_ws_account_order_take_profit",
        ],
    ),
    (
        executions,
        &[
            "docs_execution_push_2",
            "gct_execution_linear_4",
            "nautilus_ws_account_execution",
            "nautilus_ws_account_execution_adl",
        ],
    ),
    (
        fast_executions,
        &[
            "bybitnet_private_minimalusertrades",
            "docs_fast_execution_push_2",
            "nautilus_ws_account_execution_fast",
        ],
    ),
    (
        no_fast_executions,
        &["nautilus_ws_account_execution_fast_envelope_id"],
    ),
    (
        positions,
        &[
            "bybitnet_private_position",
            "docs_position_push_2",
            "gct_position_linear_1",
            "nautilus_ws_account_position",
            "nautilus_ws_account_position_short",
        ],
    ),
    (
        position_row,
        &["nautilus_ws_account_position_with_open_time"],
    ),
    (
        wallet,
        &[
            "bybitnet_private_balance",
            "docs_wallet_push_2",
            "gct_wallet_2",
            "gct_wallet_6",
            "nautilus_ws_account_wallet",
            "nautilus_ws_account_wallet_locked_exceeds_total",
            "nautilus_ws_account_wallet_small_order",
        ],
    ),
    // A topic that the console does not read: options.
    (private_other, &["docs_greek_push_2"]),
    (
        reply,
        &[
            "bybitnet_private_cancelorder",
            "bybitnet_private_editorder",
            "bybitnet_private_placeorder",
            "docs_trade_api_order_create_4",
            "nautilus_ws_order_response",
        ],
    ),
    (batch_reply, &["docs_trade_api_order_create_batch_6"]),
    (trade_pong, &["docs_trade_api_pong_8"]),
    (
        trade_ack,
        &["docs_trade_api_auth_2", "nautilus_ws_auth_success"],
    ),
    (
        auth_refused,
        &["issue_auth_params_error", "nautilus_ws_auth_failure"],
    ),
    (
        trade_request::<CreateOrder>,
        &["docs_trade_api_order_create_3"],
    ),
    (
        trade_request::<Batch<CreateOrder>>,
        &["docs_trade_api_order_create_batch_5"],
    ),
    (
        request,
        &[
            "docs_dcp_subscribe_1",
            "docs_execution_subscribe_1",
            "docs_fast_execution_subscribe_1",
            "docs_greek_subscribe_1",
            "docs_order_subscribe_1",
            "docs_position_subscribe_1",
            "docs_trade_api_auth_1",
            "docs_trade_api_ping_7",
            "docs_wallet_subscribe_1",
        ],
    ),
];

pub(crate) const PRIVATE_UNREAD: Unread = &[];

fn public(text: &str, rows: impl FnOnce(&PublicFrame) -> Option<usize>) -> Result<usize, String> {
    let frame = parse_public(text).map_err(|error| error.to_string())?;
    rows(&frame)
        .filter(|n_rows| 0 < *n_rows)
        .ok_or_else(|| format!("read as {frame:?}"))
}

fn book(text: &str) -> Result<usize, String> {
    public(text, |frame| match frame {
        PublicFrame::Book(frame) if frame.book.update_id != 0 => {
            Some(frame.book.bids.len() + frame.book.asks.len())
        }
        _ => None,
    })
}

fn klines(text: &str) -> Result<usize, String> {
    public(text, |frame| match frame {
        PublicFrame::Klines(frame) => {
            let interval = frame.interval?;
            let are_bars = frame
                .candles
                .iter()
                .all(|candle| candle.bar().check(interval).is_ok());
            are_bars.then_some(frame.candles.len())
        }
        _ => None,
    })
}

fn ticker(text: &str) -> Result<usize, String> {
    public(text, |frame| {
        matches!(frame, PublicFrame::Ticker(_)).then_some(1)
    })
}

fn trades(text: &str) -> Result<usize, String> {
    public(text, |frame| match frame {
        PublicFrame::Trades(frame) => Some(frame.trades.len()),
        _ => None,
    })
}

fn trade_row(text: &str) -> Result<usize, String> {
    let row: TradeRow = from_json(text).map_err(|error| error.to_string())?;
    row.side
        .to_domain()
        .map(|_| 1)
        .ok_or_else(|| "no side".to_owned())
}

fn strange_trade_row(text: &str) -> Result<usize, String> {
    let row: TradeRow = from_json(text).map_err(|error| error.to_string())?;
    let is_kept = row.side == WireSide::Unknown("Unknown".to_owned());
    is_kept
        .then_some(1)
        .ok_or_else(|| format!("{:?}", row.side))
}

fn liquidations(text: &str) -> Result<usize, String> {
    public(text, |frame| match frame {
        PublicFrame::Liquidations(frame) => Some(frame.rows.len()),
        _ => None,
    })
}

fn price_limit(text: &str) -> Result<usize, String> {
    public(text, |frame| {
        matches!(frame, PublicFrame::PriceLimit(_)).then_some(1)
    })
}

fn other_topic(text: &str) -> Result<usize, String> {
    public(text, |frame| {
        matches!(frame, PublicFrame::Other { .. }).then_some(1)
    })
}

fn nothing(text: &str) -> Result<usize, String> {
    match parse_public(text) {
        Err(WireError::Unclassified { .. }) => Ok(0),
        other => Err(format!("read as {other:?}")),
    }
}

fn pong(text: &str) -> Result<usize, String> {
    public(text, |frame| {
        matches!(frame, PublicFrame::Control(Control::Pong(_))).then_some(1)
    })
}

fn ack(text: &str) -> Result<usize, String> {
    public(text, |frame| {
        matches!(frame, PublicFrame::Control(Control::Ack(_))).then_some(1)
    })
}

fn refused(text: &str) -> Result<usize, String> {
    public(text, |frame| {
        matches!(frame, PublicFrame::Control(Control::Refused(_))).then_some(1)
    })
}

/// What a client sends; nobody may take it for an answer.
fn request(text: &str) -> Result<usize, String> {
    let request: SocketRequest = from_json(text).map_err(|error| error.to_string())?;
    let is_known = !matches!(request.op, SocketOp::Unknown(_));
    let is_whole = request.op == SocketOp::Ping || request.topics().next().is_some();
    let is_no_answer = parse_private(text).is_err();
    let is_fine = is_known && is_whole && is_no_answer;
    is_fine.then_some(1).ok_or_else(|| format!("{request:?}"))
}

fn private(text: &str, rows: impl FnOnce(&PrivateFrame) -> Option<usize>) -> Result<usize, String> {
    let frame = parse_private(text).map_err(|error| error.to_string())?;
    rows(&frame).ok_or_else(|| format!("read as {frame:?}"))
}

fn orders(text: &str) -> Result<usize, String> {
    private(text, |frame| match frame {
        PrivateFrame::Orders(push) if push.created.is_some() => Some(push.rows.len()),
        _ => None,
    })
}

fn executions(text: &str) -> Result<usize, String> {
    private(text, |frame| match frame {
        PrivateFrame::Executions(push) => Some(push.rows.len()),
        _ => None,
    })
}

fn fast_executions(text: &str) -> Result<usize, String> {
    private(text, |frame| match frame {
        PrivateFrame::FastExecutions(push) if !push.rows.is_empty() => Some(push.rows.len()),
        _ => None,
    })
}

fn no_fast_executions(text: &str) -> Result<usize, String> {
    private(text, |frame| match frame {
        PrivateFrame::FastExecutions(push) if push.rows.is_empty() => Some(0),
        _ => None,
    })
}

fn positions(text: &str) -> Result<usize, String> {
    private(text, |frame| match frame {
        PrivateFrame::Positions(push) => {
            let are_whole = push.rows.iter().all(|row| row.signed_size().is_some());
            are_whole.then_some(push.rows.len())
        }
        _ => None,
    })
}

fn position_row(text: &str) -> Result<usize, String> {
    let row: Position = from_json(text).map_err(|error| error.to_string())?;
    row.entry()
        .and(row.open_time)
        .map(|_| 1)
        .ok_or_else(|| format!("{row:?}"))
}

fn wallet(text: &str) -> Result<usize, String> {
    private(text, |frame| match frame {
        PrivateFrame::Wallet(push) => Some(push.rows.iter().map(|row| row.coin.len()).sum()),
        _ => None,
    })
}

fn private_other(text: &str) -> Result<usize, String> {
    private(text, |frame| {
        matches!(frame, PrivateFrame::Other { data: Some(_), .. }).then_some(1)
    })
}

fn trade(text: &str) -> Result<TradeFrame, String> {
    parse_trade(text).map_err(|error| error.to_string())
}

fn reply(text: &str) -> Result<usize, String> {
    match trade(text)? {
        TradeFrame::Reply(reply) if reply.is_ok() && reply.req_id.is_some() => Ok(1),
        other => Err(format!("read as {other:?}")),
    }
}

fn batch_reply(text: &str) -> Result<usize, String> {
    match trade(text)? {
        TradeFrame::Reply(reply) => {
            let items = reply.batch().map_err(|error| error.to_string())?;
            let are_refused = items.iter().all(|(_, code)| code.code == 10001);
            are_refused
                .then_some(items.len())
                .ok_or_else(|| format!("{items:?}"))
        }
        other @ TradeFrame::Control(_) => Err(format!("read as {other:?}")),
    }
}

fn trade_pong(text: &str) -> Result<usize, String> {
    match trade(text)? {
        TradeFrame::Control(Control::Pong(pong)) if pong.venue_time.is_some() => Ok(1),
        other => Err(format!("read as {other:?}")),
    }
}

fn trade_ack(text: &str) -> Result<usize, String> {
    match trade(text)? {
        TradeFrame::Control(Control::Ack(ack)) if ack.op == SocketOp::Auth => Ok(1),
        other => Err(format!("read as {other:?}")),
    }
}

fn auth_refused(text: &str) -> Result<usize, String> {
    match (trade(text)?, parse_private(text)) {
        (
            TradeFrame::Control(Control::Refused(first)),
            Ok(PrivateFrame::Control(Control::Refused(second))),
        ) if first == second && first.reason() == RefusalReason::BadAuth => Ok(1),
        other => Err(format!("read as {other:?}")),
    }
}

fn trade_request<B: for<'de> Deserialize<'de>>(text: &str) -> Result<usize, String> {
    let request: TradeRequest<B> = from_json(text).map_err(|error| error.to_string())?;
    Ok(request.args.len())
}
