//! What goes out, byte for byte, and what comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tradeterm::domain::Timestamp;
use tradeterm::venue::bybit::clock::WallClock;
use tradeterm::venue::bybit::limits::Lane;
use tradeterm::venue::bybit::rest::{Query, RestClient, RestError, Step};

use super::server::{ACCEPTED, Clock, KEY, SECRET, START, Seen, Server, Then, http, ok};

/// The signature over what the server has read.
fn signature_of(seen: &Seen) -> String {
    let payload = match seen.line() {
        ("GET", target) => target.split_once('?').map_or("", |(_, query)| query),
        _ => &seen.body,
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    for part in ["x-bapi-timestamp", "x-bapi-api-key", "x-bapi-recv-window"] {
        mac.update(seen.header(part).unwrap().as_bytes());
    }
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_signed_read_is_signed_over_the_query_on_the_wire() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let client = server.client();
    for (query, expected) in [
        (Query::new(), "/v5/account/info"),
        (
            Query::from(&[
                ("category", "linear"),
                ("coin", "USDT,USDC"),
                ("x", "a b&'\""),
            ]),
            "/v5/account/info?category=linear&coin=USDT%2CUSDC&x=a%20b%26%27%22",
        ),
        (
            Query::new()
                .with("limit", "50")
                .raw("cursor", "page_token%3D39380%26"),
            "/v5/account/info?limit=50&cursor=page_token%3D39380%26",
        ),
    ] {
        client.get_signed("/v5/account/info", query).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line(), ("GET", expected));
        assert_eq!(seen.header("x-bapi-sign"), Some(&*signature_of(&seen)));
        assert_eq!(seen.header("x-bapi-api-key"), Some(KEY));
        assert_eq!(seen.header("x-bapi-timestamp"), Some("1700000000000"));
        assert_eq!(seen.header("x-bapi-recv-window"), Some("5000"));
        for head in [
            "content-length",
            "content-type",
            "transfer-encoding",
            "cookie",
        ] {
            assert_eq!(seen.header(head), None, "{head}");
        }
    }
    // Reads share a connection.
    assert_eq!(server.n_connections(), 1);
}

#[tokio::test]
async fn an_order_is_signed_over_the_body_on_the_wire() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let client = server.client();
    for body in [
        r#"{"category":"linear","symbol":"BTCUSDT"}"#,
        "{ \"category\": \"spot\",\n \"note\": \"\u{e9} % & + /\" }",
        "{}",
        "",
    ] {
        let call = client.post("/v5/order/create", body.to_owned(), Lane::Normal);
        call.await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.line(), ("POST", "/v5/order/create"));
        assert_eq!(seen.body, body);
        assert_eq!(seen.header("x-bapi-sign"), Some(&*signature_of(&seen)));
        assert_eq!(seen.header("x-bapi-recv-window"), Some("3000"));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let agent = format!("tradeterm/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(seen.header("user-agent"), Some(&*agent));
    }
}

#[tokio::test]
async fn a_public_read_shows_no_key() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let client = server.client();
    let query = [("category", "linear"), ("symbol", "BTCUSDT")];
    client.get("/v5/market/tickers", &query).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(
        seen.line().1,
        "/v5/market/tickers?category=linear&symbol=BTCUSDT"
    );
    assert!(
        !seen.head.to_lowercase().contains("x-bapi"),
        "{}",
        seen.head
    );
    assert!(!seen.head.contains("CANARY"), "{}", seen.head);
}

#[tokio::test]
async fn an_answer_comes_back_as_it_was() {
    let heads = "X-Bapi-Limit: 10\r\nX-Bapi-Limit-Status: 9\r\n\
                 X-Bapi-Limit-Reset-Timestamp: 1700000000040\r\n";
    let refused = r#"{"retCode":110007,"retMsg":"ab not enough","result":{"a":"1.50"}}"#;
    let server = Server::start(move |seen| {
        Then::Answer(match seen.line().1 {
            "/v5/order/create" => http("200 OK", heads, ACCEPTED),
            _ => ok(refused),
        })
    })
    .await;
    let clock = Clock::at(START);
    let client = RestClient::new(server.settings(&clock)).unwrap();
    let call = client.post("/v5/order/create", "{}".to_owned(), Lane::Normal);
    let answer = call.await.unwrap();
    assert!(answer.is_ok());
    assert_eq!(answer.message, "OK");
    let result = r#"{"orderId":"1321003749386327552","orderLinkId":"tt-a-1"}"#;
    assert_eq!(answer.result.get(), result);
    assert_eq!(answer.ext.unwrap().get(), "{}");
    assert_eq!(answer.time, Some(Timestamp::from_millis(1_700_000_000_040)));
    assert_eq!((answer.limit.limit, answer.limit.left), (Some(10), Some(9)));
    assert_eq!(answer.limit.reset, answer.time);
    assert_eq!(answer.sent_at, Timestamp::from_millis(START));
    assert_eq!(answer.received_at, Timestamp::from_millis(START));
    let answer = client.get_signed("/v5/account/info", &[]).await.unwrap();
    assert_eq!((answer.code, &*answer.message), (110_007, "ab not enough"));
    assert_eq!(answer.result.get(), r#"{"a":"1.50"}"#);
    assert!(answer.ext.is_none() && answer.time.is_none());
}

#[tokio::test]
async fn no_debug_and_no_message_shows_a_key() {
    let echo = format!(
        r#"{{"retCode":10004,"retMsg":"error sign! origin_string[1700000000000{KEY}5000]",
           "result":{{"apiKey":"{KEY}"}}}}"#
    );
    let bad = format!("<html>{KEY} {SECRET}</html>");
    let server = Server::start(move |seen| {
        Then::Answer(match seen.line().1 {
            "/v5/user/query-api" => ok(&echo),
            "/v5/account/info" => http("500 Oops", "", &bad),
            _ => ok(&bad),
        })
    })
    .await;
    let client = server.client();
    let answer = client.get_signed("/v5/user/query-api", &[]).await.unwrap();
    let shown = format!("{answer:?} {}", answer.message);
    assert!(
        shown.contains("origin_string[1700000000000CANA…5000]"),
        "{shown}"
    );
    assert!(!shown.contains("CANARY"), "{shown}");
    for path in ["/v5/account/info", "/v5/position/list"] {
        let error = client.get_signed(path, &[]).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("<html>CANA… [secret]"), "{shown}");
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}

#[tokio::test]
async fn what_cannot_go_out_as_it_is_is_not_sent() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let client = server.client();
    let cursor = Query::new().raw("cursor", "a b");
    for (path, query) in [
        ("/v5/order/realtime", cursor),
        ("/v5/../order", Query::new()),
        ("/v5/order?x=1", Query::new()),
        ("/v5/order#x", Query::new()),
        ("/v5/\u{e9}", Query::new()),
        ("@example.com/v5", Query::new()),
    ] {
        let error = client.get_signed(path, query).await.unwrap_err();
        let is_mistake = matches!(
            &error,
            RestError::NotSent {
                step: Step::Prepare,
                ..
            }
        );
        assert!(is_mistake, "{path}: {error}");
    }
    assert_eq!(server.n_connections(), 0);
}

#[tokio::test]
async fn without_a_key_nothing_signed_is_sent() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let mut settings = server.settings(&Clock::at(START));
    settings.credentials = None;
    let client = RestClient::new(settings).unwrap();
    let call = client.post("/v5/order/create", "{}".to_owned(), Lane::Normal);
    let error = call.await.unwrap_err();
    assert!(error.to_string().contains("needs an API key"), "{error}");
    assert_eq!(server.n_connections(), 0);
    assert!(client.get("/v5/market/time", &[]).await.is_ok());
}

/// A venue whose clock is `ahead` of ours; each of its answers takes `ms` of our time.
async fn venue_ahead(clock: &Arc<Clock>, ahead: i64, ms: &'static [i64]) -> Server {
    let (clock, turn) = (clock.clone(), AtomicUsize::new(0));
    Server::start(move |seen| {
        if seen.line().1 != "/v5/market/time" {
            return Then::Answer(ok(ACCEPTED));
        }
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        let way = ms[turn % ms.len()];
        let now = clock.now().millis();
        clock.set(now + 2 * way);
        let nano = (now + way + ahead) * 1_000_000;
        let second = nano / 1_000_000_000;
        Then::Answer(ok(&format!(
            r#"{{"retCode":0,"retMsg":"OK","result":{{"timeSecond":"{second}","timeNano":"{nano}"}}}}"#
        )))
    })
    .await
}

#[tokio::test]
async fn requests_are_stamped_with_the_venues_time() {
    let clock = Clock::at(START);
    let server = venue_ahead(&clock, 5_000, &[300, 40, 20, 60, 80]).await;
    let client = RestClient::new(server.settings(&clock)).unwrap();
    let found = client.sync_clock().await.unwrap();
    assert_eq!(found.offset_ms(), Some(5_000));
    assert_eq!(found.error_bound_ms(), Some(21));
    assert_eq!(server.seen().len(), 8);
    client.sync_clock().await.unwrap();
    assert_eq!(server.seen().len(), 11);
    clock.set(START + 10_000);
    assert_eq!(client.venue_now(), Timestamp::from_millis(START + 15_000));
    client.get_signed("/v5/account/info", &[]).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("x-bapi-timestamp"), Some("1700000015000"));
    assert_eq!(seen.header("x-bapi-sign"), Some(&*signature_of(&seen)));
}

#[tokio::test]
async fn a_refused_time_is_no_time() {
    let server = Server::answering(ok(r#"{"retCode":10016,"retMsg":"busy","time":5}"#)).await;
    let client = server.client();
    let error = client.sync_clock().await.unwrap_err();
    assert!(matches!(error, RestError::Unparsable { .. }), "{error}");
    assert!(client.server_clock().is_empty());
    assert_eq!(server.seen().len(), 1);
}
