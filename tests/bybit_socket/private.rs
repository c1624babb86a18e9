//! Login of private sockets.

use std::sync::Arc;

use serde_json::json;
use tradeterm::venue::bybit::auth::sign_socket;
use tradeterm::venue::bybit::socket::{DownCause, Socket, SocketEvent, SocketOptions};

use crate::harness::{
    KEY, NOW_MS, SECRET, Venue, auth, data, down, end, event, frame, quiet, seconds, soon, up,
};

const TOPICS: [&str; 4] = ["execution", "order", "position", "wallet"];

fn open(
    venue_dial: Arc<dyn tradeterm::venue::bybit::socket::connector::Dial>,
    random: f64,
) -> Socket {
    Socket::open(SocketOptions {
        topics: quiet(&TOPICS),
        ..SocketOptions::private(venue_dial, auth(), Arc::new(move || random))
    })
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_connection_logs_in_before_it_subscribes() {
    let (mut venue, dial) = Venue::new();
    let mut socket = open(dial, 1.0);
    for epoch in 1..=3 {
        let mut peer = venue.accept().await;
        let login = peer.request().await;
        let expires = NOW_MS + 10_000;
        assert_eq!(
            login,
            json!({"op": "auth", "args": [KEY, expires, sign_socket(SECRET, expires)]})
        );
        // Nothing more until the venue has agreed: the next thing it hears is a subscription.
        tokio::time::sleep(seconds(3)).await;
        let mut peer = nothing_heard(peer).await;
        peer.answer(&login, true, "").await;
        assert_eq!(peer.take_subscription().await, TOPICS);
        assert_eq!(up(&mut socket).await, epoch);
        peer.push("order", epoch).await;
        assert_eq!(data(&mut socket).await, (epoch, frame("order", epoch)));
        drop(peer);
        down(&mut socket).await;
    }
    end(socket).await;
}

/// Asserts that nothing waits to be heard.
async fn nothing_heard(mut peer: crate::harness::Peer) -> crate::harness::Peer {
    let next = futures_util::StreamExt::next(&mut peer.socket);
    let heard = tokio::time::timeout(std::time::Duration::from_millis(1), next).await;
    assert!(heard.is_err(), "{heard:?}");
    peer
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_is_reported_and_tried_at_most_once_a_minute() {
    let (mut venue, dial) = Venue::new();
    // Dice that always choose the shortest wait.
    let mut socket = open(dial, 0.0);
    let mut before = None;
    for attempt in 1..=4 {
        let mut peer = venue.accept().await;
        let login = peer.request().await;
        peer.answer(&login, false, "Params Error").await;
        assert_eq!(
            event(&mut socket).await,
            SocketEvent::Connecting { attempt }
        );
        let (code, message) = (None, "Params Error".to_owned());
        assert_eq!(
            event(&mut socket).await,
            SocketEvent::AuthRefused {
                code,
                message: message.clone()
            }
        );
        let (cause, retry_in) = down(&mut socket).await;
        assert_eq!(cause, DownCause::AuthRefused { code, message });
        assert!(retry_in >= seconds(60));
        // Wishes do not hurry it.
        socket.handle.reconnect();
        if let Some(before) = before.replace(peer.called_at) {
            assert!(peer.called_at - before >= seconds(60));
        }
    }
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_hangs_up_right_after_the_login_is_not_stormed() {
    let (mut venue, dial) = Venue::new();
    let mut socket = open(dial, 0.0);
    let mut calls = Vec::new();
    for n in 0..150 {
        let mut peer = venue.accept_login().await;
        calls.push(peer.called_at);
        if n % 2 == 0 {
            soon(peer.socket.close(None)).await.unwrap();
        }
        drop(peer);
        down(&mut socket).await;
    }
    for window in calls.windows(61) {
        assert!(window[60] - window[0] >= seconds(300));
    }
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_login_is_given_up() {
    let (mut venue, dial) = Venue::new();
    let mut socket = open(dial, 1.0);
    let mut peer = venue.accept().await;
    peer.request().await;
    let (cause, retry_in) = down(&mut socket).await;
    assert_eq!(cause, DownCause::AuthTimeout(seconds(5)));
    assert_eq!(retry_in, seconds(1));
    end(socket).await;
}

#[test]
fn a_login_shows_no_secret() {
    let shown = format!("{:?}", auth());
    assert!(!shown.contains(SECRET) && !shown.contains(KEY), "{shown}");
}
