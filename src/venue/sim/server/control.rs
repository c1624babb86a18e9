//! The control plane: what a test or a drill tells the simulator, on the REST address under
//! `/sim/`, which no venue has. No fault touches it.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /sim/clock` | `{"now":ms,"clock":"real"\|"market"\|"manual"}` |
//! | `GET /sim/counters` | what was seen: requests by path, bodies of creates, connects, authentications, faults that hit ([`super::Counters`]) |
//! | `GET /sim/truth` | every order, execution and position, and the money, without lag |
//! | `POST /sim/step` | manual clock only: `{"events":n}`, `{"until_bar":true}` or `{"ms":n}`; answers `{"events":n,"now":ms,"end":bool}` once every push has been written to its socket |
//! | `POST /sim/fault` | one fault, in the words of [`super::fault`] |
//! | `POST /sim/drill` | one drill of the venue, such as `{"drill":"liquidate","symbol":"BTCUSDT"}` |
//!
//! What cannot be done is answered 400 with `{"error":"…"}`.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::fault::Fault;
use super::http::{Answer, json_response, plain, read_body};
use super::walk::Step;
use crate::venue::sim::exchange::{Drill, Truth};

/// Body of `POST /sim/step`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    events: Option<u64>,
    until_bar: Option<bool>,
    ms: Option<u64>,
}

impl StepBody {
    fn step(&self) -> Result<Step, String> {
        match (self.events, self.until_bar, self.ms) {
            (Some(n), None, None) => Ok(Step::Events(n)),
            (None, Some(true), None) => Ok(Step::UntilBar),
            (None, None, Some(ms)) => Ok(Step::Millis(ms)),
            _ => Err("give one of events, until_bar (true) and ms".to_owned()),
        }
    }
}

/// Answers a control call.
pub(super) async fn serve(shared: &Shared, request: Request<Incoming>) -> Response<Answer> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Ok(body) = read_body(request.into_body()).await else {
        return plain(StatusCode::BAD_REQUEST, "the body cannot be read");
    };
    let answer = match (method, path.as_str()) {
        (Method::GET, "/sim/clock") => Ok(clock(shared)),
        (Method::GET, "/sim/counters") => {
            serde_json::to_value(shared.hub().counted()).map_err(|error| error.to_string())
        }
        (Method::GET, "/sim/truth") => Ok(truth_json(&shared.truth())),
        (Method::POST, "/sim/step") => step(shared, &body).await,
        (Method::POST, "/sim/fault") => serde_json::from_slice::<Value>(&body)
            .map_err(|error| error.to_string())
            .and_then(Fault::parse)
            .and_then(|fault| shared.fault(fault))
            .map(|()| json!({ "ok": true })),
        (Method::POST, "/sim/drill") => serde_json::from_slice::<Drill>(&body)
            .map_err(|error| error.to_string())
            .and_then(|drill| shared.drill(&drill))
            .map(|()| json!({ "ok": true })),
        _ => {
            return plain(
                StatusCode::NOT_FOUND,
                "use GET /sim/clock, /sim/counters, /sim/truth or POST /sim/step, /sim/fault, \
                 /sim/drill",
            );
        }
    };
    match answer {
        Ok(value) => json_response(StatusCode::OK, value.to_string()),
        Err(error) => plain(StatusCode::BAD_REQUEST, &error),
    }
}

fn clock(shared: &Shared) -> Value {
    let mut hub = shared.hub();
    json!({ "now": hub.now().millis(), "clock": hub.keeper.name() })
}

async fn step(shared: &Shared, body: &[u8]) -> Result<Value, String> {
    let body: StepBody = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let stepped = shared.step(body.step()?).await?;
    Ok(json!({
        "events": stepped.events, "now": stepped.now.millis(), "end": stepped.at_end,
    }))
}

/// The truth in the words of the venue's interface, numbers as text.
fn truth_json(truth: &Truth) -> Value {
    let orders: Vec<Value> = truth
        .orders
        .iter()
        .map(|order| {
            json!({
                "orderLinkId": order.link_id, "orderId": order.order_id,
                "category": order.category.to_string(), "symbol": order.symbol,
                "side": order.side.to_string(), "qty": order.qty.to_string(),
                "kind": order.kind, "timeInForce": order.tif, "reduceOnly": order.reduce_only,
                "orderStatus": order.status, "cumExecQty": order.filled.to_string(),
                "createdTime": order.created.millis(), "updatedTime": order.updated.millis(),
                "byUser": order.by_user,
            })
        })
        .collect();
    let executions: Vec<Value> = truth
        .executions
        .iter()
        .map(|fill| {
            json!({
                "execId": fill.exec_id, "orderId": fill.order_id, "orderLinkId": fill.link_id,
                "category": fill.category.to_string(), "symbol": fill.symbol,
                "side": fill.side.to_string(), "execPrice": fill.price.to_string(),
                "execQty": fill.qty.to_string(), "execFee": fill.fee.to_string(),
                "liquidity": fill.liquidity, "kind": fill.kind, "execType": fill.exec_type,
                "expected": fill.expected.to_string(), "execTime": fill.at.millis(),
            })
        })
        .collect();
    let positions: Vec<Value> = truth
        .positions
        .iter()
        .map(|position| {
            json!({
                "category": position.category.to_string(), "symbol": position.symbol,
                "qty": position.qty.to_string(), "entry": position.entry.to_string(),
            })
        })
        .collect();
    json!({
        "orders": orders, "executions": executions, "positions": positions,
        "cash": truth.cash.to_string(), "equity": truth.equity.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_exactly_one_thing() {
        let step = |text: &str| serde_json::from_str::<StepBody>(text).unwrap().step();
        assert_eq!(step(r#"{"events":3}"#), Ok(Step::Events(3)));
        assert_eq!(step(r#"{"until_bar":true}"#), Ok(Step::UntilBar));
        assert_eq!(step(r#"{"ms":5}"#), Ok(Step::Millis(5)));
        for text in ["{}", r#"{"until_bar":false}"#, r#"{"ms":5,"events":1}"#] {
            assert!(step(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<StepBody>(r#"{"bars":1}"#).is_err());
    }
}
