//! Pings, subscriptions and authentication of public and private sockets.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tradeterm::venue::sim::server::Step;

use super::desk::{Desk, START_MS, hmac_hex, resting};

/// Takes the connection's id out of a frame; it must be there and not empty.
fn without_id(mut frame: Value, key: &str) -> Value {
    let id = frame.as_object_mut().unwrap().remove(key);
    assert!(id.is_some_and(|id| id.as_str().is_some_and(|id| !id.is_empty())));
    frame
}

#[tokio::test]
async fn every_socket_has_its_own_pong() {
    let desk = Desk::new().await;
    let ms = START_MS.to_string();
    let public = json!({"success": true, "ret_msg": "pong", "op": "ping"});
    let mut linear = public.clone();
    linear["req_id"] = json!("");
    for (path, id, expected) in [
        ("/v5/public/spot", "conn_id", public),
        ("/v5/public/linear", "conn_id", linear),
        (
            "/v5/private",
            "conn_id",
            json!({"req_id": "", "op": "pong", "args": [ms]}),
        ),
        (
            "/v5/trade",
            "connId",
            json!({"retCode": 0, "retMsg": "OK", "op": "pong", "data": [ms]}),
        ),
    ] {
        let mut socket = desk.socket(path).await;
        let pong = socket.ask(&json!({"op": "ping"})).await;
        assert_eq!(without_id(pong, id), expected, "{path}");
    }
    let mut option = desk.socket("/v5/public/option").await;
    let pong = option.ask(&json!({"op": "ping", "req_id": "x"})).await;
    assert_eq!(pong, json!({"args": [ms], "op": "pong"}));
}

#[tokio::test]
async fn ids_of_pings_are_echoed_as_text() {
    let desk = Desk::new().await;
    for (path, key) in [
        ("/v5/public/spot", "req_id"),
        ("/v5/public/linear", "req_id"),
        ("/v5/private", "req_id"),
        ("/v5/trade", "reqId"),
    ] {
        let mut socket = desk.socket(path).await;
        for (given, echoed) in [(json!("abc"), "abc"), (json!(17), "17")] {
            let mut ping = json!({"op": "ping"});
            ping[key] = given;
            assert_eq!(socket.ask(&ping).await[key], json!(echoed), "{path}");
        }
    }
}

#[tokio::test]
async fn protocol_pings_are_answered_too() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/public/linear").await;
    let question = Message::Ping(b"you there"[..].into());
    socket.stream.send(question).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong(b"you there"[..].into()));
}

#[tokio::test]
async fn subscriptions_are_acknowledged_in_the_form_of_their_socket() {
    let desk = Desk::new().await;
    for (path, said) in [("/v5/public/linear", ""), ("/v5/public/spot", "subscribe")] {
        let mut socket = desk.socket(path).await;
        for (given, echoed) in [(Some(json!("a")), "a"), (Some(json!(5)), "5"), (None, "")] {
            let topic = format!("publicTrade.{}", "BTCUSDT");
            let mut request = json!({"op": "subscribe", "args": [topic]});
            if let Some(given) = given {
                request["req_id"] = given;
            }
            let ack = without_id(socket.ask(&request).await, "conn_id");
            let expected = json!({
                "success": true, "ret_msg": said, "req_id": echoed, "op": "subscribe",
            });
            assert_eq!(ack, expected, "{path}");
            request["op"] = json!("unsubscribe");
            let ack = socket.ask(&request).await;
            assert_eq!(
                (&ack["success"], &ack["op"]),
                (&json!(true), &json!("unsubscribe"))
            );
        }
    }
}

#[tokio::test]
async fn one_bad_topic_refuses_its_whole_request() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/public/linear").await;
    let trades = "publicTrade.BTCUSDT";
    for bad in ["orderbook.500.BTCUSDT", "kline.1.NOSUCHUSDT", "nonsense"] {
        let request = json!({"op": "subscribe", "req_id": "r", "args": [trades, bad]});
        let ack = without_id(socket.ask(&request).await, "conn_id");
        let text = format!("error:handler not found,topic:{bad}");
        let expected = json!({"success": false, "ret_msg": text, "req_id": "r", "op": "subscribe"});
        assert_eq!(ack, expected);
    }
    // The good one of those requests is not there, so it can be had.
    let request = json!({"op": "subscribe", "args": [trades]});
    assert_eq!(socket.ask(&request).await["success"], json!(true));
    let request = json!({"op": "subscribe", "args": ["kline.1.BTCUSDT", trades]});
    let ack = socket.ask(&request).await;
    let text = format!("error:already subscribed,topic:{trades}");
    assert_eq!(
        (&ack["success"], &ack["ret_msg"]),
        (&json!(false), &json!(text))
    );
    // Nor is the new one of that request: the closed bar is not told.
    desk.step(Step::UntilBar).await;
    socket.is_quiet().await;
}

#[tokio::test]
async fn spot_takes_ten_topics_at_a_time_and_says_so_without_an_id() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/public/spot").await;
    let topics: Vec<String> = (0..11).map(|n| format!("tickers.A{n}USDT")).collect();
    let request = json!({"op": "subscribe", "req_id": "r", "args": topics});
    let ack = without_id(socket.ask(&request).await, "conn_id");
    let expected = json!({"success": false, "ret_msg": "args size >10", "op": "subscribe"});
    assert_eq!(ack, expected);
}

#[tokio::test]
async fn a_public_connection_has_room_for_21000_characters_of_topics() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/public/linear").await;
    let topics: Vec<String> = (0..2_000).map(|n| format!("tickers.X{n}USDT")).collect();
    let ack = socket
        .ask(&json!({"op": "subscribe", "args": topics}))
        .await;
    assert_eq!(ack["ret_msg"], json!("args length >21000"));
}

#[tokio::test]
async fn nonsense_is_refused_and_the_socket_lives() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/public/linear").await;
    for frame in [
        json!([]),
        json!({"op": "dance"}),
        json!({"op": "subscribe"}),
        json!({"op": "subscribe", "args": []}),
        json!({"op": "subscribe", "args": [1]}),
    ] {
        assert_eq!(socket.ask(&frame).await["success"], json!(false), "{frame}");
    }
    socket
        .stream
        .send(Message::text("{nonsense"))
        .await
        .unwrap();
    assert_eq!(socket.hear().await["success"], json!(false));
    socket.is_quiet().await;
}

#[tokio::test]
async fn private_topics_need_an_authentication() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/private").await;
    let request = json!({"op": "subscribe", "args": ["order"]});
    let ack = socket.ask(&request).await;
    assert_eq!(
        (&ack["success"], &ack["ret_msg"]),
        (&json!(false), &json!("Request not authorized"))
    );
    let expires = START_MS + 10_000;
    for args in [
        json!(["testkey", expires, hmac_hex("GET/realtime1")]),
        json!([
            "testkey",
            START_MS - 1,
            hmac_hex(&format!("GET/realtime{}", START_MS - 1))
        ]),
    ] {
        let answer = socket.ask(&json!({"op": "auth", "args": args})).await;
        let expected = json!({"success": false, "ret_msg": "Params Error", "op": "auth"});
        assert_eq!(without_id(answer, "conn_id"), expected);
    }
    let answer = socket.ask(&desk.auth()).await;
    let expected = json!({"success": true, "ret_msg": "", "op": "auth"});
    assert_eq!(without_id(answer, "conn_id"), expected);
    assert_eq!(socket.ask(&request).await["success"], json!(true));
    let auths = desk.server.counters().auths["private"];
    assert_eq!((auths.accepted, auths.refused), (1, 2));
}

#[tokio::test]
async fn a_pipelined_subscription_waits_for_its_authentication() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/private").await;
    let mut auth = desk.auth();
    auth["req_id"] = json!("first");
    // The expiry may be text too.
    auth["args"][1] = json!(auth["args"][1].to_string());
    let subscribe = json!({"op": "subscribe", "req_id": "second", "args": ["order", "wallet"]});
    for frame in [&auth, &subscribe] {
        let text = Message::text(frame.to_string());
        socket.stream.feed(text).await.unwrap();
    }
    socket.stream.flush().await.unwrap();
    for (id, op) in [("first", "auth"), ("second", "subscribe")] {
        let ack = socket.hear().await;
        assert_eq!((&ack["req_id"], &ack["op"]), (&json!(id), &json!(op)));
        assert_eq!(ack["success"], json!(true), "{ack}");
    }
}

#[tokio::test]
async fn whole_and_categorised_topics_do_not_share_a_request() {
    let desk = Desk::new().await;
    let mut socket = desk.private(&["wallet"]).await;
    let request = json!({"op": "subscribe", "args": ["order", "order.linear"]});
    assert_eq!(socket.ask(&request).await["success"], json!(false));
    let request = json!({"op": "subscribe", "args": ["order.linear", "position"]});
    assert_eq!(socket.ask(&request).await["success"], json!(true));
    let request = json!({"op": "subscribe", "args": ["orders"]});
    let ack = socket.ask(&request).await;
    assert_eq!(
        ack["ret_msg"],
        json!("error:handler not found,topic:orders")
    );
}

#[tokio::test]
async fn private_pushes_carry_the_topic_that_was_asked_for() {
    let desk = Desk::new().await;
    desk.step(Step::UntilBar).await;
    let mut whole = desk.private(&["order"]).await;
    let mut linear = desk.private(&["order.linear"]).await;
    let mut spot = desk.private(&["order.spot"]).await;
    let mut other = desk.socket("/v5/private").await;
    let answer = desk.post("/v5/order/create", &resting("a")).await.unwrap();
    assert_eq!(answer["retCode"], json!(0), "{answer}");
    desk.step(Step::Millis(1)).await;
    for (socket, topic) in [(&mut whole, "order"), (&mut linear, "order.linear")] {
        let push = socket.hear().await;
        assert_eq!(push["topic"], json!(topic));
        assert!(
            push["id"].is_string() && push["creationTime"].is_i64(),
            "{push}"
        );
        assert_eq!(push["data"][0]["orderLinkId"], json!("a"), "{push}");
    }
    spot.is_quiet().await;
    other.is_quiet().await;
}

#[tokio::test]
async fn a_snapshot_follows_its_acknowledgement_and_unsubscribing_ends_it() {
    let desk = Desk::new().await;
    desk.step(Step::UntilBar).await;
    let mut socket = desk.socket("/v5/public/linear").await;
    let mut request = json!({"op": "subscribe", "args": ["tickers.BTCUSDT"]});
    assert_eq!(socket.ask(&request).await["success"], json!(true));
    let snapshot = socket.hear().await;
    assert_eq!(snapshot["topic"], json!("tickers.BTCUSDT"));
    assert_eq!(snapshot["type"], json!("snapshot"));
    request["op"] = json!("unsubscribe");
    // Pushes of before may still be on their way.
    let mut answer = socket.ask(&request).await;
    while answer["op"] != json!("unsubscribe") {
        answer = socket.hear().await;
    }
    desk.step(Step::UntilBar).await;
    socket.is_quiet().await;
}

#[tokio::test]
async fn paths_that_no_venue_has_are_no_sockets() {
    let desk = Desk::new().await;
    for path in ["/v5/public/other", "/v5/order/create", "/sim/clock"] {
        assert!(desk.try_socket(path).await.is_err(), "{path}");
    }
    assert_eq!(desk.server.counters().open.len(), 0);
}
