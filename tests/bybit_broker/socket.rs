//! Orders over the order-entry socket, with REST where nothing has left yet.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tradeterm::domain::Timestamp;
use tradeterm::venue::broker::{CancelSent, RemoteBroker, Submitted};
use tradeterm::venue::bybit::broker::BybitBroker;
use tradeterm::venue::bybit::socket::trade::{TradeOptions, TradeSocket, TradeState};

use crate::create::{CREATES, kind};
use crate::desk::{NAME, PERP, approved, broker_with, limit, name, time_at};
use crate::harness::{Peer, Venue, auth, soon};
use crate::server::{ACCEPTED, Clock, START, Server, Then, ok};

/// A broker with a socket that is up, its peer, and a server behind REST.
async fn desk() -> (Arc<BybitBroker>, Peer, Server, TradeSocket, Venue) {
    let server = Server::start(|seen| match seen.line().1 {
        "/v5/market/time" => Then::Answer(time_at(START + 5_000)),
        _ => Then::Answer(ok(ACCEPTED)),
    })
    .await;
    let (mut venue, dial) = Venue::new();
    let socket = TradeSocket::open(TradeOptions::new(dial, auth(), Arc::new(|| 1.0)));
    let peer = venue.accept_login().await;
    let mut state = socket.handle.state();
    soon(state.wait_for(|state| matches!(state, TradeState::Up { .. })))
        .await
        .unwrap();
    let broker = broker_with(&server, &Clock::at(START), Some(socket.handle.clone()));
    (Arc::new(broker), peer, server, socket, venue)
}

async fn end(socket: TradeSocket) {
    socket.handle.close();
    soon(socket.task).await.unwrap();
}

fn submit(broker: &Arc<BybitBroker>) -> JoinHandle<Submitted> {
    let broker = Arc::clone(broker);
    tokio::spawn(async move { broker.submit(&approved(NAME, limit(PERP)), None).await })
}

fn reply(request: &Value, code: i64) -> Value {
    json!({"reqId": request["reqId"], "retCode": code, "retMsg": "so it is",
        "op": request["op"], "data": {"orderId": "v-1", "orderLinkId": NAME},
        "retExtInfo": {}, "connId": "c", "header": {
            "X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0",
            "X-Bapi-Limit-Reset-Timestamp": (START + 4_000).to_string()}})
}

#[tokio::test]
async fn every_code_means_over_the_socket_what_it_means_over_rest() {
    let (broker, mut peer, server, socket, _venue) = desk().await;
    for (expected, codes) in CREATES {
        // A restart of the venue ends the connection as well.
        for code in codes.iter().filter(|code| **code != 10019) {
            let waiting = submit(&broker);
            let request = peer.request().await;
            assert_eq!(request["op"], "order.create");
            assert_eq!(request["args"][0]["orderLinkId"], NAME);
            assert_eq!(request["header"]["X-BAPI-RECV-WINDOW"], "3000");
            peer.say(reply(&request, *code)).await;
            let outcome = waiting.await.unwrap();
            assert_eq!(kind(&outcome), *expected, "{code}: {outcome:?}");
            if let Submitted::Limited { until } = outcome
                && *code != 10018
            {
                assert_eq!(until, Timestamp::from_millis(START + 4_000));
            }
        }
    }
    assert!(server.seen().is_empty(), "REST is not used");
    end(socket).await;
}

#[tokio::test]
async fn a_late_order_goes_out_again_over_the_socket() {
    let (broker, mut peer, server, socket, _venue) = desk().await;
    let waiting = submit(&broker);
    let mut ids = Vec::new();
    for (code, offset) in [(10002, 0), (10002, 5_000), (0, 5_000)] {
        let request = peer.request().await;
        let stamp = (START + offset).to_string();
        assert_eq!(request["header"]["X-BAPI-TIMESTAMP"], stamp);
        assert_eq!(request["args"][0]["orderLinkId"], NAME);
        ids.push(request["reqId"].clone());
        peer.say(reply(&request, code)).await;
    }
    assert_eq!(waiting.await.unwrap(), Submitted::Accepted);
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    let paths = server.seen();
    assert!(paths.iter().all(|seen| seen.line().1 == "/v5/market/time"));
    end(socket).await;
}

#[tokio::test]
async fn what_may_have_left_is_never_repeated_over_rest() {
    let (broker, mut peer, server, socket, _venue) = desk().await;
    let waiting = submit(&broker);
    peer.request().await;
    drop(peer);
    let outcome = waiting.await.unwrap();
    assert_eq!(kind(&outcome), "unknown", "{outcome:?}");
    assert!(server.seen().is_empty());
    // The socket is down now: the next order goes over REST.
    let mut state = socket.handle.state();
    soon(state.wait_for(|state| !matches!(state, TradeState::Up { .. })))
        .await
        .unwrap();
    assert_eq!(submit(&broker).await.unwrap(), Submitted::Accepted);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].line().1, "/v5/order/create");
    end(socket).await;
}

#[tokio::test]
async fn cancels_go_over_the_socket_too() {
    let (broker, mut peer, server, socket, _venue) = desk().await;
    for (code, expected) in [(0, CancelSent::Accepted), (110_001, CancelSent::Gone)] {
        let waiting = {
            let broker = Arc::clone(&broker);
            tokio::spawn(async move { broker.cancel(name(), PERP).await })
        };
        let request = peer.request().await;
        assert_eq!(request["op"], "order.cancel");
        let body = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": NAME});
        assert_eq!(request["args"], json!([body]));
        peer.say(reply(&request, code)).await;
        assert_eq!(waiting.await.unwrap(), expected);
    }
    assert!(server.seen().is_empty());
    end(socket).await;
}
