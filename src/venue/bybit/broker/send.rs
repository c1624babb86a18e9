//! Orders and cancels on their way out: one request each, over one of two ways.
//!
//! The order-entry socket is used while it is up. REST takes over only before a request has
//! left; what may have left is never repeated. The one exception is a code that proves that the
//! request was not taken for its timestamp: the same name goes out again after a look at the
//! clock, at most twice.

use serde::Serialize;
use serde_json::value::RawValue;

use super::BybitBroker;
use super::ask::at_host;
use super::outcome::{Reply, Verdict, cancelled, of_error, submitted};
use super::words::plain;
use crate::domain::{Category, ClientOrderId, InstrumentId, Price, Purpose, Timestamp};
use crate::risk::Approved;
use crate::venue::broker::{CancelSent, KnownOrder, Submitted};
use crate::venue::bybit::codes::{AnswerClass, class_of_write};
use crate::venue::bybit::limits::{BAN_MS, Lane};
use crate::venue::bybit::socket::trade::TradeError;
use crate::venue::bybit::wire::from_json;
use crate::venue::bybit::wire::names::PositionIdx;
use crate::venue::bybit::wire::order::OrderAck;
use crate::venue::bybit::wire::request::{CancelOrder, CreateOrder, OrderRef};

/// Times that a request goes out again when only its timestamp was wrong.
const CLOCK_TRIES: u32 = 2;
/// Wait after a refusal by a limiter that names no time, in ms.
const SHORT_WAIT_MS: i64 = 1_000;
/// Code of a lock-out of the address.
const LOCKED_OUT: i64 = 10_018;

/// One request, in the words of both ways.
struct Call {
    op: &'static str,
    path: &'static str,
    body: Box<RawValue>,
    lane: Lane,
}

impl Call {
    fn new(
        op: &'static str,
        path: &'static str,
        body: &impl Serialize,
        lane: Lane,
    ) -> Result<Self, String> {
        let body = serde_json::value::to_raw_value(body).map_err(|error| error.to_string())?;
        Ok(Self {
            op,
            path,
            body,
            lane,
        })
    }
}

impl BybitBroker {
    pub(super) async fn send_order(&self, order: &Approved, expected: Option<Price>) -> Submitted {
        let intent = order.intent();
        let spec = &intent.spec;
        let Some(instrument) = self.rules(spec.instrument) else {
            let text = format!("instrument {} is not in this session", spec.instrument.0);
            return Submitted::NotSent(text);
        };
        self.roster.remember(KnownOrder {
            id: intent.id,
            spec: spec.clone(),
            expected,
        });
        let is_safer = spec.reduce_only || spec.purpose != Purpose::Entry;
        let lane = if is_safer {
            Lane::Protective
        } else {
            Lane::Normal
        };
        let body = CreateOrder::new(instrument, intent.id, spec, PositionIdx::OneWay);
        let reply = match Call::new("order.create", "/v5/order/create", &body, lane) {
            Ok(call) => self.send_in_time(&call).await,
            Err(text) => Reply::NotSent(text),
        };
        if let Reply::Answer(verdict) = &reply
            && let Some(venue_id) = &verdict.order_id
        {
            self.roster.met(&intent.id, venue_id);
        }
        submitted(&reply, spec)
    }

    pub(super) async fn send_cancel(
        &self,
        order: ClientOrderId,
        instrument: InstrumentId,
    ) -> CancelSent {
        let Some(rules) = self.rules(instrument) else {
            let text = format!("instrument {} is not in this session", instrument.0);
            return CancelSent::NotSent(text);
        };
        let sleeps = self.roster.sleeps(&order);
        let first = self
            .cancel_as(order, rules, sleeps.unwrap_or_default())
            .await;
        // The venue looks for a spot order among those of one kind only, and a conditional one
        // may have woken up unheard: only both answers together mean that it is gone.
        let may_be_other = rules.category == Category::Spot && self.may_be_conditional(&order);
        if first == CancelSent::Gone && may_be_other {
            let other = !sleeps.unwrap_or_default();
            return self.cancel_as(order, rules, other).await;
        }
        first
    }

    fn may_be_conditional(&self, order: &ClientOrderId) -> bool {
        let spec = self.roster.spec(order);
        spec.is_none_or(|spec| spec.kind.trigger().is_some())
    }

    async fn cancel_as(
        &self,
        order: ClientOrderId,
        rules: &crate::domain::Instrument,
        is_conditional: bool,
    ) -> CancelSent {
        let body = CancelOrder::new(rules, OrderRef::Ours(order), is_conditional);
        let lane = Lane::Protective;
        let reply = match Call::new("order.cancel", "/v5/order/cancel", &body, lane) {
            Ok(call) => self.send_in_time(&call).await,
            Err(text) => Reply::NotSent(text),
        };
        cancelled(&reply)
    }

    /// Sends, and sends again only what was refused for its timestamp.
    async fn send_in_time(&self, call: &Call) -> Reply {
        let mut reply = self.send(call).await;
        for _ in 0..CLOCK_TRIES {
            let is_late = matches!(&reply, Reply::Answer(verdict)
                if verdict.class() == AnswerClass::Clock);
            if !is_late {
                break;
            }
            if let Err(error) = self.rest.sync_clock().await {
                tracing::warn!(%error, "the venue's clock cannot be measured");
                break;
            }
            reply = self.send(call).await;
        }
        reply
    }

    /// Sends once.
    async fn send(&self, call: &Call) -> Reply {
        if let Some(trade) = self.trade.as_ref().filter(|trade| trade.is_up()) {
            let at = self.rest.venue_now();
            match trade.request(call.op, &call.body, at).await {
                Ok(reply) => {
                    let data = reply.data.as_deref();
                    let reset = reply.limit.reset_at;
                    let verdict = self.verdict(reply.code, &reply.message, data, reset);
                    return Reply::Answer(verdict);
                }
                Err(error @ TradeError::NoAnswer(_)) => return Reply::Unknown(error.to_string()),
                Err(TradeError::NotSent(why)) => {
                    tracing::info!(why, op = call.op, "the order goes over REST");
                }
            }
        }
        let body = call.body.get().to_owned();
        match self.rest.post(call.path, body, call.lane).await {
            Ok(answer) => {
                let (data, reset) = (Some(&*answer.result), answer.limit.reset);
                let message = match class_of_write(answer.code) {
                    AnswerClass::Authority => at_host(&self.rest, &answer.message),
                    _ => answer.message,
                };
                Reply::Answer(self.verdict(answer.code, &message, data, reset))
            }
            Err(error) => of_error(&error, self.ban_end()),
        }
    }

    fn verdict(
        &self,
        code: i64,
        message: &str,
        data: Option<&RawValue>,
        reset: Option<Timestamp>,
    ) -> Verdict {
        let ack = data.and_then(|data| from_json::<OrderAck>(data.get()).ok());
        let now = self.now();
        let reset = reset.map(|reset| self.rest.server_clock().local_of(reset));
        let until = match code {
            LOCKED_OUT => self.ban_end(),
            _ => reset
                .filter(|reset| now < *reset)
                .unwrap_or_else(|| now.plus_millis(SHORT_WAIT_MS)),
        };
        Verdict {
            code,
            message: plain(message),
            order_id: ack.and_then(|ack| ack.order_id).filter(|_| code == 0),
            until,
        }
    }

    fn ban_end(&self) -> Timestamp {
        let until = self.rest.banned_until();
        until.unwrap_or_else(|| self.now().plus_millis(BAN_MS))
    }
}
