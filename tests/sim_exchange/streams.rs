//! Faults of sockets and pushes, each as a client sees it.
//!
//! The status socket is the subject: a drill makes it push, one frame at a time.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tradeterm::venue::sim::server::Step;

use super::desk::{Client, Desk};

const STATUS: &str = "/v5/public/misc/status";

async fn status(desk: &Desk) -> Client {
    let mut socket = desk.socket(STATUS).await;
    let request = json!({"op": "subscribe", "args": ["system.status"]});
    assert_eq!(socket.ask(&request).await["success"], json!(true));
    socket
}

/// Makes the status socket push once; `on` tells pushes apart.
async fn push(desk: &Desk, on: bool) {
    let drill = json!({"drill": "maintenance", "on": on});
    assert_eq!(desk.control("/sim/drill", &drill).await.0, 200);
}

fn state(frame: &Value) -> &str {
    frame["data"][0]["state"].as_str().unwrap()
}

#[tokio::test]
async fn sockets_close_with_a_code_or_without_a_word() {
    let desk = Desk::new().await;
    let mut public = desk.socket("/v5/public/linear").await;
    let mut private = desk.socket("/v5/private").await;
    desk.fault(json!({"kind": "close", "socket": "private", "code": 1012}));
    let Some(Ok(Message::Close(Some(frame)))) = private.next().await else {
        panic!("no close frame");
    };
    assert_eq!(frame.code, CloseCode::Restart);
    public.is_quiet().await;
    desk.fault(json!({"kind": "close", "socket": "public"}));
    let end = public.next().await;
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
}

#[tokio::test]
async fn a_muted_topic_is_silent_and_pings_are_answered() {
    let desk = Desk::new().await;
    let mut socket = status(&desk).await;
    desk.fault(json!({"kind": "mute", "socket": "public", "topic": "system.*", "for_ms": 10}));
    push(&desk, true).await;
    socket.is_quiet().await;
    desk.step(Step::Millis(10)).await;
    push(&desk, false).await;
    assert_eq!(state(&socket.hear().await), "completed");
}

#[tokio::test]
async fn a_half_open_socket_says_nothing_until_it_ends() {
    let desk = Desk::new().await;
    let mut socket = status(&desk).await;
    let mut other = desk.socket("/v5/private").await;
    desk.fault(json!({"kind": "half-open", "socket": "public", "for_ms": 60_000}));
    socket.say(&json!({"op": "ping"})).await;
    push(&desk, true).await;
    // By hand, too, the market goes on without it.
    let stepped = desk.step(Step::UntilBar).await;
    assert!(0 < stepped.events);
    other.is_quiet().await;
    desk.step(Step::Millis(60_000)).await;
    assert_eq!(socket.rest().await, [], "neither pong nor push");
}

#[tokio::test]
async fn late_pushes_are_overtaken_by_answers() {
    let desk = Desk::new().await;
    let mut socket = status(&desk).await;
    desk.fault(json!({"kind": "delay-pushes", "socket": "public", "ms": 3_600_000}));
    push(&desk, true).await;
    socket.is_quiet().await;
}

#[tokio::test]
async fn pushes_are_doubled_dropped_and_shuffled() {
    let desk = Desk::new().await;
    let mut socket = status(&desk).await;
    desk.fault(json!({"kind": "duplicate-pushes", "p": 1.0}));
    push(&desk, true).await;
    assert_eq!(state(&socket.hear().await), "ongoing");
    assert_eq!(state(&socket.hear().await), "ongoing");
    desk.fault(json!({"kind": "heal"}));

    desk.fault(json!({"kind": "drop-pushes", "topic": "system.status", "nth": 2}));
    for on in [true, false, true] {
        push(&desk, on).await;
    }
    assert_eq!(state(&socket.hear().await), "ongoing");
    assert_eq!(state(&socket.hear().await), "ongoing");
    desk.fault(json!({"kind": "heal"}));

    // Six pushes, each with its own time, come in another order.
    desk.fault(json!({"kind": "reorder-pushes", "window": 6, "seed": 1}));
    let mut told = Vec::new();
    for n in 0..6 {
        push(&desk, n % 2 == 0).await;
        told.push(desk.server.now().millis());
        if n < 5 {
            socket.is_quiet().await;
        }
    }
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(state(&socket.hear().await).to_owned());
    }
    let in_order: Vec<_> = (0..6)
        .map(|n| if n % 2 == 0 { "ongoing" } else { "completed" })
        .collect();
    assert_ne!(heard, in_order);
    assert_eq!(heard.iter().filter(|state| *state == "ongoing").count(), 3);
    socket.is_quiet().await;
}

#[tokio::test]
async fn a_step_sends_what_waits_for_its_shuffle() {
    let desk = Desk::new().await;
    let mut socket = status(&desk).await;
    desk.fault(json!({"kind": "reorder-pushes", "window": 6}));
    push(&desk, true).await;
    socket.is_quiet().await;
    desk.step(Step::Millis(0)).await;
    assert_eq!(state(&socket.hear().await), "ongoing");
}

#[tokio::test]
async fn odd_frames_come_as_ordered() {
    let desk = Desk::new().await;
    let mut socket = status(&desk).await;
    desk.fault(json!({"kind": "frame", "shape": "giant", "bytes": 3_000_000}));
    let giant = socket.next().await.unwrap().unwrap();
    assert_eq!(giant.len(), 3_000_000);
    desk.fault(json!({"kind": "frame", "shape": "binary"}));
    assert!(socket.next().await.unwrap().unwrap().is_binary());
    desk.fault(json!({"kind": "frame", "shape": "text", "text": "{\"topic\":1}"}));
    assert_eq!(socket.hear().await, json!({"topic": 1}));
    desk.fault(json!({"kind": "frame", "shape": "invalid-utf8"}));
    let end = socket.next().await.unwrap().unwrap_err();
    assert!(matches!(end, Error::Utf8(_)), "{end:?}");
}

#[tokio::test]
async fn sockets_are_refused_with_a_status_or_without_a_word() {
    let desk = Desk::new().await;
    let fault = json!({
        "kind": "refuse-connects", "socket": "trade", "status": 503, "times": 1,
    });
    desk.fault(fault);
    desk.fault(json!({"kind": "refuse-connects", "socket": "private", "times": 2}));
    match desk.try_socket("/v5/trade").await.err().unwrap() {
        Error::Http(answer) => assert_eq!(answer.status().as_u16(), 503),
        other => panic!("{other:?}"),
    }
    for _ in 0..2 {
        let error = desk.try_socket("/v5/private").await.err().unwrap();
        assert!(!matches!(error, Error::Http(_)), "{error:?}");
    }
    for path in ["/v5/trade", "/v5/private", STATUS] {
        desk.socket(path).await.is_quiet().await;
    }
    let counters = desk.server.counters();
    assert_eq!(
        (counters.refused["trade"], counters.refused["private"]),
        (1, 2)
    );
    assert_eq!(counters.connects["private"], 1);
}

#[tokio::test]
async fn a_socket_closes_right_after_its_login() {
    let desk = Desk::new().await;
    desk.fault(json!({"kind": "close-after-auth", "socket": "private", "times": 1}));
    let mut socket = desk.socket("/v5/private").await;
    assert_eq!(socket.ask(&desk.auth()).await["success"], json!(true));
    let rest = socket.rest().await;
    assert!(rest.iter().all(Message::is_close), "{rest:?}");
    let mut socket = desk.private(&["order"]).await;
    socket.is_quiet().await;
    assert_eq!(desk.server.counters().auths["private"].accepted, 2);
}
