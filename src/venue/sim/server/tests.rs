//! Connections in memory, with a clock that jumps: what takes time on real ones.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::shared::PATIENCE;
use super::socket::QUEUE;
use super::*;
use crate::domain::{Category, Instruments};

const STATUS: SocketKind = SocketKind::Status;

fn shared() -> Arc<Shared> {
    let all = crate::venue::sim::instruments::shipped();
    let bitcoin = all
        .get(all.find("BTCUSDT", Category::Linear).unwrap())
        .clone();
    let instruments = Instruments::new(vec![bitcoin]).unwrap();
    let market = Box::new(ListFeed::new(Vec::new()));
    let config = SimConfig::new(instruments, market, SimClock::Manual);
    Arc::new(Shared {
        hub: Mutex::new(make_hub(config).unwrap()),
        tasks: Mutex::new(JoinSet::new()),
        stop: watch::Sender::new(false),
        turn: tokio::sync::Mutex::new(()),
    })
}

/// A connection over a pipe that holds so many bytes, with its client.
async fn connect(
    shared: &Arc<Shared>,
    kind: SocketKind,
    pipe: usize,
    idle_after: Option<Duration>,
) -> (u64, WebSocketStream<DuplexStream>) {
    let (here, there) = duplex(pipe);
    let (id, line) = shared.hub().open(kind);
    let owner = Arc::clone(shared);
    shared.spawn(async move {
        let stream = WebSocketStream::from_raw_socket(here, Role::Server, None).await;
        connection::serve(owner, id, stream, line, idle_after).await;
    });
    (
        id,
        WebSocketStream::from_raw_socket(there, Role::Client, None).await,
    )
}

fn fault(shared: &Shared, value: serde_json::Value) {
    shared.fault(Fault::parse(value).unwrap()).unwrap();
}

fn push(shared: &Shared) {
    shared.drill(&Drill::Maintenance { on: true }).unwrap();
}

async fn subscribe(client: &mut WebSocketStream<DuplexStream>) {
    let request = json!({"op": "subscribe", "args": ["system.status"]}).to_string();
    client.send(Message::text(request)).await.unwrap();
    assert!(client.next().await.unwrap().unwrap().is_text());
}

#[tokio::test(start_paused = true)]
async fn a_late_push_comes_exactly_as_late_as_asked_for_and_in_order() {
    let shared = shared();
    let (_, mut client) = connect(&shared, STATUS, 1 << 16, None).await;
    subscribe(&mut client).await;
    let begun = Instant::now();
    fault(&shared, json!({"kind": "delay-pushes", "ms": 5_000}));
    push(&shared);
    // A shorter delay does not overtake a longer one.
    fault(&shared, json!({"kind": "heal"}));
    fault(&shared, json!({"kind": "delay-pushes", "ms": 10}));
    push(&shared);
    for _ in 0..2 {
        assert!(client.next().await.unwrap().unwrap().is_text());
        let late = begun.elapsed();
        let millis = Duration::from_millis;
        assert!((millis(5_000)..millis(5_010)).contains(&late), "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_and_one_that_pings_lives() {
    let shared = shared();
    let limit = Some(Duration::from_mins(1));
    let begun = Instant::now();
    let (_, mut quiet) = connect(&shared, SocketKind::Private, 1 << 16, limit).await;
    let (_, mut lively) = connect(&shared, SocketKind::Trade, 1 << 16, limit).await;
    let pinging = async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(20)).await;
            lively
                .send(Message::text("{\"op\":\"ping\"}"))
                .await
                .unwrap();
            assert!(lively.next().await.unwrap().unwrap().is_text());
        }
    };
    let silence = async {
        let end = quiet.next().await;
        assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
        assert_eq!(begun.elapsed().as_secs(), 60);
    };
    tokio::join!(pinging, silence);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_closed_and_the_others_are_not() {
    let shared = shared();
    let (slow, mut sluggard) = connect(&shared, STATUS, 1 << 10, None).await;
    let (_, mut client) = connect(&shared, STATUS, 1 << 16, None).await;
    subscribe(&mut sluggard).await;
    subscribe(&mut client).await;
    for _ in 0..2 * QUEUE {
        push(&shared);
        assert!(client.next().await.unwrap().unwrap().is_text());
    }
    assert_eq!(shared.hub().counted().slow_readers, 1);
    assert!(!shared.hub().sockets.contains_key(&slow));
    assert_eq!(shared.hub().sockets.len(), 1);
    // What was in the pipe can still be read, then it ends.
    let mut n = 0;
    while let Some(Ok(_)) = sluggard.next().await {
        n += 1;
    }
    assert!(n < QUEUE, "{n}");
}

#[tokio::test(start_paused = true)]
async fn a_walk_waits_for_readers_but_not_for_ever() {
    let shared = shared();
    let (_, mut sluggard) = connect(&shared, STATUS, 1 << 10, None).await;
    subscribe(&mut sluggard).await;
    for _ in 0..100 {
        push(&shared);
    }
    let begun = Instant::now();
    shared.step(Step::Millis(1)).await.unwrap();
    assert_eq!(begun.elapsed(), PATIENCE);
    assert_eq!(shared.hub().counted().slow_readers, 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_returns_when_every_push_is_written() {
    let shared = shared();
    let (_, mut client) = connect(&shared, STATUS, 1 << 20, None).await;
    subscribe(&mut client).await;
    for _ in 0..300 {
        push(&shared);
    }
    let begun = Instant::now();
    shared.step(Step::Millis(1)).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(shared.hub().queues()[0].1.capacity(), QUEUE);
}

#[tokio::test(start_paused = true)]
async fn binary_frames_are_not_heard_and_a_client_may_leave() {
    let shared = shared();
    let (id, mut client) = connect(&shared, STATUS, 1 << 22, None).await;
    let garbage = Message::binary(vec![0_u8; 64]);
    client.send(garbage).await.unwrap();
    client
        .send(Message::text("{\"op\":\"ping\"}"))
        .await
        .unwrap();
    assert!(
        client.next().await.unwrap().unwrap().is_text(),
        "binary is not heard"
    );
    client.close(None).await.unwrap();
    while let Some(Ok(_)) = client.next().await {}
    assert!(!shared.hub().sockets.contains_key(&id));
}
