//! The order-entry socket.

use serde_json::{Value, json};
use tradeterm::venue::sim::server::Step;

use super::desk::{Client, Desk, resting};

fn create(desk: &Desk, id: &str, link: &str) -> Value {
    json!({
        "reqId": id, "op": "order.create", "args": [resting(link)],
        "header": {
            "X-BAPI-TIMESTAMP": desk.server.now().millis().to_string(),
            "X-BAPI-RECV-WINDOW": "5000",
        },
    })
}

async fn trader(desk: &Desk) -> Client {
    let mut socket = desk.socket("/v5/trade").await;
    let answer = socket.ask(&desk.auth()).await;
    assert_eq!(answer["retCode"], json!(0), "{answer}");
    assert_eq!(
        (&answer["op"], &answer["retMsg"]),
        (&json!("auth"), &json!("OK"))
    );
    assert!(answer["connId"].is_string());
    socket
}

async fn desk() -> Desk {
    let desk = Desk::new().await;
    desk.step(Step::UntilBar).await;
    desk
}

fn links(desk: &Desk) -> Vec<String> {
    desk.server
        .truth()
        .orders
        .into_iter()
        .map(|order| order.link_id)
        .collect()
}

#[tokio::test]
async fn its_own_codes_come_from_the_transport() {
    let desk = desk().await;
    let mut stranger = desk.socket("/v5/trade").await;
    let answer = stranger.ask(&create(&desk, "1", "a")).await;
    assert_eq!(
        (&answer["reqId"], &answer["retCode"]),
        (&json!("1"), &json!(10_005))
    );
    let mut wrong = desk.auth();
    wrong["args"][2] = json!("00");
    let answer = stranger.ask(&wrong).await;
    assert_ne!(answer["retCode"], json!(0), "{answer}");

    let mut socket = trader(&desk).await;
    let answer = socket.ask(&desk.auth()).await;
    assert_eq!(answer["retCode"], json!(20_001));
    let answer = socket
        .ask(&json!({"reqId": "x", "op": "order.dance", "args": [{}]}))
        .await;
    assert_eq!(
        (&answer["reqId"], &answer["retCode"]),
        (&json!("x"), &json!(10_404))
    );
    let answer = socket
        .ask(&json!({"op": "subscribe", "args": ["order"]}))
        .await;
    assert_eq!(answer["retCode"], json!(10_404));
    let long = "x".repeat(37);
    assert_eq!(
        socket.ask(&create(&desk, &long, "a")).await["retCode"],
        json!(10_001)
    );
    assert_eq!(links(&desk), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_id_is_used_once_and_answers_carry_it() {
    let desk = desk().await;
    let mut socket = trader(&desk).await;
    let answer = socket.ask(&create(&desk, "1", "a")).await;
    assert_eq!(answer["retCode"], json!(0), "{answer}");
    assert_eq!(
        (&answer["reqId"], &answer["op"]),
        (&json!("1"), &json!("order.create"))
    );
    assert_eq!(answer["data"]["orderLinkId"], json!("a"));
    assert!(answer["connId"].is_string());
    let answer = socket.ask(&create(&desk, "1", "b")).await;
    assert_eq!(
        (&answer["reqId"], &answer["retCode"]),
        (&json!("1"), &json!(20_006))
    );
    // Another connection has its own ids.
    let mut other = trader(&desk).await;
    assert_eq!(
        other.ask(&create(&desk, "1", "b")).await["retCode"],
        json!(0)
    );
    assert_eq!(links(&desk), ["a", "b"]);
    let counters = desk.server.counters();
    assert_eq!(counters.requests["trade:order.create"], 2);
    assert_eq!(
        counters.creates,
        [resting("a").to_string(), resting("b").to_string()]
    );
}

#[tokio::test]
async fn faults_of_requests_hit_here_too() {
    let desk = desk().await;
    let mut socket = trader(&desk).await;
    let path = "trade:order.create";
    // Lost on the way there, and on the way back.
    desk.fault(json!({"kind": "drop-request", "path": path}));
    socket.say(&create(&desk, "1", "lost")).await;
    socket.is_quiet().await;
    desk.fault(json!({"kind": "drop-reply", "path": path}));
    socket.say(&create(&desk, "2", "done")).await;
    socket.is_quiet().await;
    assert_eq!(links(&desk), ["done"]);
    // Late there, and late back: the clock stands still until it is moved.
    desk.fault(json!({"kind": "hold", "path": path, "ms": 1_000}));
    socket.say(&create(&desk, "3", "held")).await;
    // Heard before the next fault begins, which would count it too.
    socket.is_quiet().await;
    desk.fault(json!({"kind": "delay", "path": path, "ms": 2_000}));
    socket.say(&create(&desk, "4", "late")).await;
    socket.is_quiet().await;
    assert_eq!(links(&desk), ["done", "late"]);
    desk.step(Step::Millis(1_000)).await;
    assert_eq!(socket.hear().await["reqId"], json!("3"));
    socket.is_quiet().await;
    desk.step(Step::Millis(1_000)).await;
    assert_eq!(socket.hear().await["reqId"], json!("4"));
    // Twice, cut, and garbled.
    desk.fault(json!({"kind": "duplicate", "path": path, "second": true}));
    assert_eq!(
        socket.ask(&create(&desk, "5", "twice")).await["retCode"],
        json!(110_072)
    );
    desk.fault(json!({"kind": "status", "path": path, "status": 503}));
    assert_eq!(
        socket.ask(&create(&desk, "6", "busy")).await["retCode"],
        json!(10_016)
    );
    desk.fault(json!({"kind": "truncate", "path": path, "bytes": 5}));
    socket.say(&create(&desk, "7", "cut")).await;
    assert_eq!(
        socket
            .next()
            .await
            .unwrap()
            .unwrap()
            .into_text()
            .unwrap()
            .len(),
        5
    );
    desk.fault(json!({"kind": "html", "path": path}));
    socket.say(&create(&desk, "8", "page")).await;
    let page = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(page.starts_with("<html>"), "{page}");
    assert_eq!(links(&desk), ["done", "late", "held", "twice", "cut"]);
}
