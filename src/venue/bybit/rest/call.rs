//! The way of one call: written down, admitted, signed, sent, opened.

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::domain::Category;
use crate::venue::bybit::auth::sign_rest;
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::limits::{Denied, Endpoint, Lane};

use super::answer::{Answer, Envelope};
use super::error::excerpt;
use super::transport::Reply;
use super::{Access, Query, READ_WINDOW_MS, RestClient, RestError, Step};

/// Codes for asking too often (Bybit v5, error codes).
const TOO_OFTEN: [i64; 7] = [429, 10_006, 10_403, 10_429, 20_003, 170_005, 170_222];
/// The old code of a lock-out of the address.
const LOCKED_OUT: i64 = 10_018;

/// One call, before it is written down.
pub(super) struct Call<'a> {
    pub(super) access: Access,
    pub(super) lane: Lane,
    pub(super) path: &'a str,
    pub(super) endpoint: Endpoint,
    /// Orders in it.
    pub(super) orders: u32,
    pub(super) payload: Payload,
}

/// What is signed.
pub(super) enum Payload {
    Query(Query),
    Body(String),
}

impl RestClient {
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Answer, RestError> {
        // Written down first, so that a mistake uses nothing up; signed last, so that the stamp
        // is fresh.
        let credentials = self.credentials_for(call.access)?;
        let mut request = self.write(&call)?;
        self.admit(&call)?;
        if let Some(credentials) = credentials {
            self.sign(credentials, &call, &mut request)?;
        }
        let clock = &*self.clock;
        let reply = match call.payload {
            Payload::Query(_) => self.transport.read(request, clock).await?,
            Payload::Body(_) => self.transport.order(request, clock).await?,
        };
        self.open(&call.endpoint, &reply)
    }

    fn write(&self, call: &Call<'_>) -> Result<Request, RestError> {
        let mut text = format!("{}{}", self.base, call.path);
        let mut query = None;
        if let Payload::Query(given) = &call.payload {
            if let Some(name) = given.unfit() {
                return Err(self.unwritten(format!("the value of {name} cannot go out verbatim")));
            }
            if !given.as_str().is_empty() {
                text.push('?');
                text.push_str(given.as_str());
                query = Some(given.as_str());
            }
        }
        let url = Url::parse(&text).map_err(|error| self.unwritten(error.to_string()))?;
        // The parser repairs what it is given; what is signed must go out as it is.
        if url.path() != call.path || url.query() != query || url.fragment().is_some() {
            return Err(self.unwritten(format!("{} would be changed on its way", call.path)));
        }
        Ok(match &call.payload {
            Payload::Query(_) => Request::new(Method::GET, url),
            Payload::Body(body) => {
                let mut request = Request::new(Method::POST, url);
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(CONTENT_TYPE, json);
                *request.body_mut() = Some(body.clone().into());
                request
            }
        })
    }

    fn admit(&self, call: &Call<'_>) -> Result<(), RestError> {
        let now = self.now();
        let taken = self
            .limiter()
            .take_many(&call.endpoint, call.orders, call.lane, now);
        let host = || self.host().to_owned();
        match taken {
            Ok(()) => Ok(()),
            Err(Denied::Banned { until }) => Err(RestError::Banned {
                host: host(),
                until,
            }),
            Err(Denied::Budget { until } | Denied::Paused { until }) => Err(RestError::Limited {
                host: host(),
                endpoint: call.endpoint.to_string(),
                until,
            }),
            Err(Denied::TooMuch { most }) => Err(self.unwritten(format!(
                "{} orders at once are more than the {most} that fit: split them",
                call.orders
            ))),
        }
    }

    fn credentials_for(&self, access: Access) -> Result<Option<&Credentials>, RestError> {
        match (access, &self.credentials) {
            (Access::Public, _) => Ok(None),
            (Access::Signed, Some(credentials)) => Ok(Some(credentials)),
            (Access::Signed, None) => {
                let cause = "the call needs an API key and there is none";
                Err(self.unwritten(cause.to_owned()))
            }
        }
    }

    fn sign(
        &self,
        credentials: &Credentials,
        call: &Call<'_>,
        request: &mut Request,
    ) -> Result<(), RestError> {
        let (payload, window) = match &call.payload {
            Payload::Query(query) => (query.as_str(), READ_WINDOW_MS),
            Payload::Body(body) => (body.as_str(), self.order_window_ms),
        };
        let stamp = self.venue_now().millis();
        let key = credentials.key();
        let signature = sign_rest(credentials.secret(), stamp, key, window, payload);
        for (name, value) in [
            ("x-bapi-api-key", key),
            ("x-bapi-timestamp", &stamp.to_string()),
            ("x-bapi-recv-window", &window.to_string()),
            ("x-bapi-sign", &signature),
        ] {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| self.unwritten(format!("{name} cannot be written")))?;
            value.set_sensitive(true);
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }

    /// Reads the envelope and lets the budgets know.
    fn open(&self, endpoint: &Endpoint, reply: &Reply) -> Result<Answer, RestError> {
        let now = reply.received_at;
        let mut local = reply.limit;
        local.reset = local.reset.map(|reset| self.server().local_of(reset));
        let credentials = self.credentials.as_deref();
        if !(200..300).contains(&reply.status) {
            match reply.status {
                403 => {
                    self.limiter().on_banned(now);
                }
                429 => {
                    self.limiter().on_limited(endpoint, local.reset, now);
                }
                _ => {}
            }
            return Err(RestError::Http {
                host: self.host().to_owned(),
                status: reply.status,
                body: excerpt(&reply.body, credentials),
            });
        }
        let envelope: Envelope =
            serde_json::from_slice(&reply.body).map_err(|error| RestError::Unparsable {
                host: self.host().to_owned(),
                cause: error.to_string(),
                body: excerpt(&reply.body, credentials),
            })?;
        match envelope.code {
            LOCKED_OUT => {
                self.limiter().on_banned(now);
            }
            code if TOO_OFTEN.contains(&code) => {
                self.limiter().on_limited(endpoint, local.reset, now);
            }
            _ => {
                let mut limiter = self.limiter();
                limiter.on_headers(endpoint, &local, reply.sent_at, now);
            }
        }
        Ok(Answer {
            code: envelope.code,
            message: envelope.message(credentials),
            time: envelope.time(),
            result: envelope.result.unwrap_or_else(|| RawValue::NULL.to_owned()),
            ext: envelope.ext,
            limit: reply.limit,
            sent_at: reply.sent_at,
            received_at: reply.received_at,
        })
    }

    fn unwritten(&self, cause: String) -> RestError {
        RestError::NotSent {
            host: self.host().to_owned(),
            step: Step::Prepare,
            cause,
        }
    }
}

pub(super) fn category_of(name: &str) -> Option<Category> {
    match name {
        "spot" => Some(Category::Spot),
        "linear" => Some(Category::Linear),
        _ => None,
    }
}

/// Category and number of orders of a body; of one that is not understood, the strictest.
pub(super) fn budget_of(body: &str) -> (Option<Category>, u32) {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        category: Option<String>,
        #[serde(default)]
        request: Option<Vec<IgnoredAny>>,
    }
    let Ok(head) = serde_json::from_str::<Head>(body) else {
        return (None, 1);
    };
    let orders = head.request.map_or(1, |orders| orders.len().max(1));
    (
        head.category.as_deref().and_then(category_of),
        u32::try_from(orders).unwrap_or(u32::MAX),
    )
}
