//! Requests and replies of the order entry socket.
//!
//! A reply with code zero means that the venue took the request, not that anything traded. Replies
//! come in any order and are matched by `reqId`; a socket that ends with requests in flight leaves
//! the outcome of each of them unknown (Bybit v5, "websocket trade guideline").

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::control::Control;
use super::envelope::{ExtInfo, ItemCode, Page, pair_items};
use super::error::{WireError, from_part};
use super::head::{Head, bare_pong};
use super::names::TradeOp;
use super::number::{need, opt};
use super::order::{BatchAck, OrderAck};
use crate::domain::Timestamp;

/// A request. `B` is the body that REST takes for the same; there is exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "B: Deserialize<'de>", serialize = "B: Serialize"))]
pub struct TradeRequest<B> {
    /// Our name of the request, at most 36 characters, unique on the connection. Not the name of
    /// the order: a request that is sent again has a new one, its order the same.
    #[serde(
        rename = "reqId",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub req_id: Option<String>,
    /// Timestamp and window.
    pub header: TradeHeader,
    /// What is asked for.
    pub op: TradeOp,
    /// The body.
    pub args: [B; 1],
}

/// Header of a request. It has no signature: the connection is authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeHeader {
    /// When the request was made, in the venue's time.
    #[serde(rename = "X-BAPI-TIMESTAMP", with = "need")]
    pub timestamp: Timestamp,
    /// Milliseconds after which the venue must refuse it.
    #[serde(
        rename = "X-BAPI-RECV-WINDOW",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub recv_window_ms: Option<u32>,
}

impl<B> TradeRequest<B> {
    /// A request.
    #[must_use]
    pub fn new(op: TradeOp, req_id: &str, at: Timestamp, recv_window_ms: u32, body: B) -> Self {
        Self {
            req_id: Some(req_id.to_owned()),
            header: TradeHeader {
                timestamp: at,
                recv_window_ms: Some(recv_window_ms),
            },
            op,
            args: [body],
        }
    }
}

/// One frame of the order entry socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TradeFrame {
    /// Answer to an order request.
    Reply(TradeReply),
    /// Something about the connection.
    Control(Control),
}

/// Answer to an order request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeReply {
    /// Our name of the request, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub req_id: Option<String>,
    /// Code of the answer; zero is success. Says nothing about the items of a batch.
    pub ret_code: i64,
    /// Text of the answer.
    pub ret_msg: String,
    /// What was asked for.
    pub op: TradeOp,
    /// The answer itself.
    pub data: TradeData,
    /// Codes of the items of a batch.
    pub ret_ext_info: ExtInfo,
    /// What is left of the budget.
    pub header: LimitHeaders,
    /// The venue's name of the connection.
    pub conn_id: Option<String>,
}

/// What a reply carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TradeData {
    /// Names of one order; none of both when it was refused.
    Order(OrderAck),
    /// Names of the orders of a batch.
    Batch {
        /// In the order of the request.
        list: Vec<BatchAck>,
    },
}

/// Budget of requests, as a reply tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitHeaders {
    /// Requests allowed in a second.
    #[serde(
        rename = "X-Bapi-Limit",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub limit: Option<u32>,
    /// Requests left.
    #[serde(
        rename = "X-Bapi-Limit-Status",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub left: Option<u32>,
    /// When the budget is whole again, if it was exceeded.
    #[serde(
        rename = "X-Bapi-Limit-Reset-Timestamp",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub reset_at: Option<Timestamp>,
    /// The venue's name of the request, for support.
    #[serde(
        rename = "Traceid",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub trace_id: Option<String>,
    /// The venue's time.
    #[serde(
        rename = "Timenow",
        default,
        with = "opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub time: Option<Timestamp>,
}

impl TradeReply {
    /// Whether the code says success. Says nothing about the items of a batch.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.ret_code == 0
    }

    /// Items of a batch, each with its own code.
    ///
    /// # Errors
    ///
    /// When this is no batch, or the two lists differ in length: nothing is known about any item.
    pub fn batch(&self) -> Result<Vec<(BatchAck, ItemCode)>, WireError> {
        match &self.data {
            TradeData::Batch { list } => pair_items(list.clone(), &self.ret_ext_info),
            TradeData::Order(_) => pair_items(Vec::new(), &self.ret_ext_info),
        }
    }
}

/// Reads one frame of the order entry socket.
///
/// # Errors
///
/// When the text is not JSON, neither a reply nor a control frame, or when a field cannot be used.
pub fn parse_trade(text: &str) -> Result<TradeFrame, WireError> {
    if let Some(pong) = bare_pong(text) {
        return Ok(TradeFrame::Control(pong));
    }
    let mut head = Head::parse(text)?;
    if let Some(pong) = head.pong() {
        return Ok(TradeFrame::Control(pong));
    }
    let is_order = head
        .op
        .as_deref()
        .is_some_and(|op| op.starts_with("order."));
    let is_other = matches!(
        head.op.as_deref(),
        Some("auth" | "subscribe" | "unsubscribe" | "ping")
    );
    match head.ret_code {
        Some(code) if is_order || !is_other => reply(code, head).map(TradeFrame::Reply),
        _ => head
            .answer()
            .map(TradeFrame::Control)
            .ok_or_else(|| WireError::unclassified(text)),
    }
}

fn reply(ret_code: i64, mut head: Head<'_>) -> Result<TradeReply, WireError> {
    let op = TradeOp::from(head.op.as_deref().unwrap_or_default());
    let is_batch = op.as_str().ends_with("-batch");
    let data = head.data.map_or("null", RawValue::get);
    let read = if is_batch {
        from_part::<Option<Page<BatchAck>>>("data", data).map(|page| TradeData::Batch {
            list: page.map(|page| page.list).unwrap_or_default(),
        })
    } else {
        from_part::<Option<OrderAck>>("data", data)
            .map(|ack| TradeData::Order(ack.unwrap_or_default()))
    };
    // What a refusal carries besides its code is not worth losing the code for.
    let data = match read {
        Err(_) if ret_code != 0 => TradeData::Order(OrderAck::default()),
        read => read?,
    };
    Ok(TradeReply {
        req_id: head.take_req_id(),
        ret_code,
        ret_msg: head.message().to_owned(),
        op,
        data,
        conn_id: head.take_conn_id(),
        ret_ext_info: head.ext,
        header: head.header,
    })
}

/// A request whose body is not read yet, as a venue receives it.
pub type RawTradeRequest = TradeRequest<Box<RawValue>>;
