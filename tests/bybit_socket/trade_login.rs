//! Login and connection of the order-entry socket.

use std::sync::Arc;

use serde_json::json;
use serde_json::value::RawValue;
use tradeterm::domain::Timestamp;
use tradeterm::venue::bybit::auth::sign_socket;
use tradeterm::venue::bybit::socket::DownCause;
use tradeterm::venue::bybit::socket::trade::{TradeError, TradeOptions, TradeSocket, TradeState};

use crate::harness::{KEY, NOW_MS, SECRET, Venue, auth, seconds, soon};
use crate::trade::{end, open, wait_for};

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_login_is_accepted() {
    let (mut venue, dial) = Venue::new();
    let socket = TradeSocket::open(TradeOptions::new(dial, auth(), Arc::new(|| 1.0)));
    let body = RawValue::from_string("{}".to_owned()).unwrap();
    let send = || {
        let at = Timestamp::from_millis(NOW_MS);
        socket.handle.request("order.cancel", &body, at)
    };
    assert!(matches!(send().await, Err(TradeError::NotSent(_))));
    let mut peer = venue.accept().await;
    let login = peer.request().await;
    let expires = NOW_MS + 10_000;
    assert_eq!(
        login,
        json!({"op": "auth", "args": [KEY, expires, sign_socket(SECRET, expires)]})
    );
    assert!(matches!(send().await, Err(TradeError::NotSent(_))));
    peer.say(json!({"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "c"}))
        .await;
    wait_for(&socket.handle, |s| *s == TradeState::Up { epoch: 1 }).await;
    assert!(socket.handle.is_up());

    socket.handle.close();
    soon(socket.task).await.unwrap();
    assert!(!socket.handle.is_up());
    let refused = socket
        .handle
        .request("order.cancel", &body, Timestamp::from_millis(NOW_MS));
    assert!(matches!(refused.await, Err(TradeError::NotSent(_))));
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_is_tried_at_most_once_a_minute() {
    let (mut venue, dial) = Venue::new();
    let socket = TradeSocket::open(TradeOptions::new(dial, auth(), Arc::new(|| 0.0)));
    let mut before = None;
    for _ in 0..4 {
        let mut peer = venue.accept().await;
        peer.request().await;
        peer.say(json!({"retCode": 10003, "retMsg": "invalid key", "op": "auth"}))
            .await;
        let state = wait_for(&socket.handle, |s| matches!(s, TradeState::Down { .. })).await;
        let TradeState::Down { cause, retry_in } = state else {
            panic!("{state:?}");
        };
        let (code, message) = (Some(10_003), "invalid key".to_owned());
        assert_eq!(cause, DownCause::AuthRefused { code, message });
        assert!(retry_in >= seconds(60));
        if let Some(before) = before.replace(peer.called_at) {
            assert!(peer.called_at - before >= seconds(60));
        }
    }
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_venue_that_hangs_up_right_after_the_login_is_not_stormed() {
    let (mut venue, dial) = Venue::new();
    let socket = TradeSocket::open(TradeOptions::new(dial, auth(), Arc::new(|| 0.0)));
    let mut calls = Vec::new();
    for _ in 0..150 {
        calls.push(venue.accept_login().await.called_at);
    }
    for window in calls.windows(61) {
        assert!(window[60] - window[0] >= seconds(300));
    }
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_noticed_and_an_answered_one_is_kept() {
    let (mut venue, mut peer, socket) = open().await;
    for _ in 0..5 {
        assert_eq!(peer.hear().await, Some(json!({"op": "ping"})));
        peer.say(json!({"retCode": 0, "retMsg": "OK", "op": "pong", "data": ["1"]}))
            .await;
    }
    assert!(socket.handle.is_up());
    let state = wait_for(&socket.handle, |s| matches!(s, TradeState::Down { .. })).await;
    assert!(
        matches!(
            state,
            TradeState::Down {
                cause: DownCause::Silent(_),
                ..
            }
        ),
        "{state:?}"
    );
    venue.accept_login().await;
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_ends_when_nobody_can_use_it() {
    let (_venue, mut peer, socket) = open().await;
    drop(socket.handle);
    soon(socket.task).await.unwrap();
    assert_eq!(peer.hear().await, None);
}
