//! One order, one body: the HTTP library must never send an order again by itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use tradeterm::venue::bybit::limits::Lane;
use tradeterm::venue::bybit::rest::{RestClient, RestError};

use super::server::{ACCEPTED, Clock, START, Server, Then, ok};

const ORDERS: usize = 300;

/// Sends orders one second apart; how many had an answer.
async fn send_orders(server: &Server) -> usize {
    let clock = Clock::at(START);
    let client = RestClient::new(server.settings(&clock)).unwrap();
    let mut answered = 0;
    for (number, now) in (0..ORDERS).zip((START..).step_by(1_000)) {
        clock.set(now);
        let body = format!(r#"{{"category":"linear","orderLinkId":"tt-{number}"}}"#);
        match client.post("/v5/order/create", body, Lane::Normal).await {
            Ok(_) => answered += 1,
            Err(error) => assert!(matches!(error, RestError::NoAnswer { .. }), "{error}"),
        }
    }
    // A last one, to know that nothing older is still on its way into the log.
    clock.set(START + 10_000_000);
    client.get("/v5/market/time", &[]).await.ok();
    answered
}

fn assert_each_once(server: &Server) {
    let mut bodies: BTreeMap<String, usize> = BTreeMap::new();
    for seen in server
        .seen()
        .into_iter()
        .filter(|seen| seen.line().0 == "POST")
    {
        *bodies.entry(seen.body).or_default() += 1;
    }
    assert_eq!(bodies.len(), ORDERS);
    assert!(bodies.values().all(|n| *n == 1), "{bodies:?}");
}

#[tokio::test]
async fn an_order_is_sent_once_when_the_server_keeps_connections() {
    let server = Server::answering(ok(ACCEPTED)).await;
    assert_eq!(send_orders(&server).await, ORDERS);
    assert_each_once(&server);
    // Each had its own connection, and the read another one.
    assert_eq!(server.n_connections(), ORDERS + 1);
    let mut used: Vec<usize> = server.seen().iter().map(|seen| seen.connection).collect();
    used.dedup();
    assert_eq!(used.len(), ORDERS + 1);
}

#[tokio::test]
async fn an_order_is_sent_once_when_the_server_promises_to_keep_and_closes() {
    // The answer says keep-alive; the connection is gone right behind it.
    let server = Server::start(|_| Then::Cut(ok(ACCEPTED))).await;
    assert_eq!(send_orders(&server).await, ORDERS);
    assert_each_once(&server);
}

#[tokio::test]
async fn an_order_is_sent_once_when_every_other_connection_dies() {
    let turn = AtomicUsize::new(0);
    let server = Server::start(move |_| match turn.fetch_add(1, Ordering::SeqCst) % 4 {
        0 => Then::Answer(ok(ACCEPTED)),
        1 => Then::Cut(Vec::new()),
        2 => Then::Reset(Vec::new()),
        _ => Then::Cut(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
    })
    .await;
    assert_eq!(send_orders(&server).await, ORDERS / 4);
    assert_each_once(&server);
}

#[tokio::test]
async fn an_order_is_sent_once_when_the_server_asks_to_try_again() {
    let retry = |status: &str| super::server::http(status, "Retry-After: 0\r\n", "");
    let turn = AtomicUsize::new(0);
    let statuses = [
        "408 Request Timeout",
        "421 Misdirected Request",
        "503 Busy",
        "425 Too Early",
    ];
    let server = Server::start(move |_| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        Then::Answer(retry(statuses[turn % statuses.len()]))
    })
    .await;
    let clock = Clock::at(START);
    let client = RestClient::new(server.settings(&clock)).unwrap();
    for n in 0..statuses.len() {
        let call = client.post("/v5/order/create", format!("{n}"), Lane::Protective);
        let error = call.await.unwrap_err();
        assert!(matches!(error, RestError::Http { .. }), "{error}");
    }
    assert_eq!(server.seen().len(), statuses.len());
}
