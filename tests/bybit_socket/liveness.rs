//! Silence: of a connection, of all topics, of one topic.

use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tradeterm::venue::bybit::socket::{DownCause, Socket, SocketEvent, Topic};

use crate::harness::{Venue, args, down, end, event, event_that, options, quiet, seconds, up};

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_noticed_by_unanswered_pings() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    let last = Instant::now();
    let (cause, _) = down(&mut socket).await;
    assert!(matches!(cause, DownCause::Silent(_)), "{cause:?}");
    let noticed = last.elapsed();
    assert!(
        noticed >= seconds(30) && noticed < seconds(31),
        "{noticed:?}"
    );
    assert_eq!(peer.hear().await, Some(json!({"op": "ping"})));
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn any_frame_is_a_sign_of_life_and_pings_of_the_protocol_are_answered() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    up(&mut socket).await;
    for _ in 0..10 {
        tokio::time::sleep(seconds(29)).await;
        let ping = Message::Ping(Bytes::from_static(b"x"));
        peer.socket.send(ping).await.unwrap();
        let answer = loop {
            let message = futures_util::StreamExt::next(&mut peer.socket).await;
            match message.unwrap().unwrap() {
                Message::Text(_) => {}
                other => break other,
            }
        };
        assert_eq!(answer, Message::Pong(Bytes::from_static(b"x")));
    }
    socket.handle.reconnect();
    let SocketEvent::Down { cause, .. } = event(&mut socket).await else {
        panic!("it stayed up until then");
    };
    assert_eq!(cause, DownCause::Requested);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn topics_that_say_nothing_are_noticed_although_pings_are_answered() {
    let (mut venue, dial) = Venue::new();
    let topics = vec![
        Topic::public("orderbook.1.X"),
        Topic::public("publicTrade.X"),
    ];
    let mut socket = Socket::open(options(dial, topics)).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    peer.push("orderbook.1.X", 1).await;
    let last = Instant::now();
    let answering = tokio::spawn(async move {
        while let Some(ping) = peer.hear().await {
            assert_eq!(ping["op"], "ping");
            peer.say(json!({"success": true, "ret_msg": "pong", "op": "ping"}))
                .await;
        }
    });
    let stale = event_that(&mut socket, |e| {
        !matches!(
            e,
            SocketEvent::Connecting { .. } | SocketEvent::Up { .. } | SocketEvent::Frame { .. }
        )
    })
    .await;
    let topic = "orderbook.1.X".to_owned();
    assert_eq!(stale, SocketEvent::TopicStale { topic });
    assert!(last.elapsed() >= seconds(4));
    assert!(last.elapsed().as_millis() <= 4_250, "{:?}", last.elapsed());
    let SocketEvent::Down { cause, .. } = event(&mut socket).await else {
        panic!("said once only");
    };
    assert!(matches!(cause, DownCause::TopicsSilent(_)), "{cause:?}");
    assert!(last.elapsed() < seconds(15));
    end(socket).await;
    answering.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_its_first_frame_is_asked_for_again_then_the_connection_is_new() {
    let (mut venue, dial) = Venue::new();
    let topics = vec![Topic::public("tickers.X"), Topic::public("tickers.Y")];
    let mut socket = Socket::open(options(dial, topics)).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    peer.push("tickers.X", 1).await;
    let confirmed = Instant::now();
    let request = peer.request().await;
    assert_eq!(
        (request["op"].as_str(), args(&request)),
        (Some("unsubscribe"), vec!["tickers.Y".to_owned()])
    );
    assert!(confirmed.elapsed() >= seconds(5));
    // The tail of the old subscription is no first frame of the new one.
    peer.push("tickers.Y", 2).await;
    peer.answer(&request, true, "").await;
    assert_eq!(peer.take_subscription().await, ["tickers.Y"]);
    let (cause, _) = down(&mut socket).await;
    assert_eq!(cause, DownCause::NoFirstMessage("tickers.Y".to_owned()));
    let mut peer = venue.accept().await;
    assert_eq!(peer.take_subscription().await, ["tickers.X", "tickers.Y"]);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_subscription_ends_the_connection() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let mut peer = venue.accept().await;
    let request = peer.request().await;
    peer.push("a", 1).await;
    let (cause, _) = down(&mut socket).await;
    assert_eq!(cause, DownCause::AckTimeout(seconds(5)));
    let mut peer = venue.accept().await;
    let again = peer.request().await;
    assert_ne!(
        again["req_id"], request["req_id"],
        "ids are never used twice"
    );
    end(socket).await;
}
