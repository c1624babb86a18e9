//! Waits between connections, and what comes back after one was lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tradeterm::venue::bybit::socket::{
    DownCause, Socket, SocketEvent, SocketOptions, Timing, Topic,
};

use crate::harness::{Server, Venue, data, down, end, event, frame, options, quiet, seconds, up};

#[tokio::test(start_paused = true)]
async fn waits_double_up_to_30_s_and_start_again_after_a_connection_that_held() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let mut before = venue.refuse().await;
    for (attempt, wait) in [1, 2, 4, 8, 16, 30, 30, 30].into_iter().enumerate() {
        let attempt = u32::try_from(attempt).unwrap() + 1;
        assert_eq!(
            event(&mut socket).await,
            SocketEvent::Connecting { attempt }
        );
        let (cause, retry_in) = down(&mut socket).await;
        assert!(
            matches!(cause, DownCause::Lost(_) | DownCause::BadFrame(_)),
            "{cause:?}"
        );
        assert_eq!(retry_in, seconds(wait));
        if attempt == 8 {
            break;
        }
        let call = venue.refuse().await;
        let waited = (call - before).as_secs_f64();
        assert!((waited - retry_in.as_secs_f64()).abs() < 0.01, "{waited}");
        before = call;
    }
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    up(&mut socket).await;
    tokio::time::sleep(seconds(5)).await;
    drop(peer);
    assert_eq!(down(&mut socket).await.1, seconds(1));
    assert_eq!(
        event(&mut socket).await,
        SocketEvent::Connecting { attempt: 1 }
    );
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_did_not_hold_does_not_shorten_the_wait() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    for wait in [1, 2, 4] {
        let mut peer = venue.accept().await;
        peer.take_subscription().await;
        up(&mut socket).await;
        drop(peer);
        assert_eq!(down(&mut socket).await.1, seconds(wait));
    }
    end(socket).await;
}

#[tokio::test]
async fn ten_forced_disconnects_end_with_all_subscriptions_restored() {
    let (server, dial) = Server::start().await;
    let names: Vec<String> = (0..40).map(|n| format!("orderbook.50.X{n:02}")).collect();
    let timing = Timing {
        backoff_first: Duration::from_millis(1),
        backoff_max: Duration::from_millis(4),
        ..Timing::default()
    };
    let mut socket = Socket::open(SocketOptions {
        timing,
        ..options(dial, names.iter().map(Topic::quiet).collect())
    })
    .unwrap();
    for round in 1..=11 {
        let mut peer = server.accept().await;
        assert_eq!(peer.take_subscription().await, names);
        assert_eq!(up(&mut socket).await, round);
        peer.push(&names[0], round).await;
        assert_eq!(data(&mut socket).await, (round, frame(&names[0], round)));
        if round <= 10 {
            // Half of them say goodbye, half just vanish.
            if round % 2 == 0 {
                peer.socket.close(None).await.unwrap();
            }
            drop(peer);
            down(&mut socket).await;
        }
    }
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_ends_is_given_up() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, Vec::new())).unwrap();
    let (called_at, _stream) = venue.call().await;
    let (cause, _) = down(&mut socket).await;
    assert_eq!(cause, DownCause::ConnectTimeout(seconds(10)));
    assert_eq!(called_at.elapsed(), seconds(10));
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_that_asked_too_often_is_left_alone_for_ten_minutes() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, Vec::new())).unwrap();
    let (_, mut stream) = venue.call().await;
    let mut request = [0; 2_048];
    let n = stream.read(&mut request).await.unwrap();
    assert!(request[..n].starts_with(b"GET /v5 HTTP/1.1\r\n"));
    let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(answer).await.unwrap();
    let (cause, retry_in) = down(&mut socket).await;
    assert_eq!(cause, DownCause::Refused { status: 403 });
    assert_eq!(retry_in, seconds(600));
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_requested_reconnect_makes_a_new_connection() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    up(&mut socket).await;
    socket.handle.reconnect();
    assert_eq!(down(&mut socket).await.0, DownCause::Requested);
    assert_eq!(peer.hear().await, None);
    // Asked for while there is no connection: nothing to give up.
    socket.handle.reconnect();
    let mut peer = venue.accept().await;
    assert_eq!(peer.take_subscription().await, ["a"]);
    assert_eq!(
        event(&mut socket).await,
        SocketEvent::Connecting { attempt: 2 }
    );
    assert_eq!(event(&mut socket).await, SocketEvent::Up { epoch: 2 });
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn no_window_of_five_minutes_sees_more_than_sixty_connects() {
    let (mut venue, dial) = Venue::new();
    // Dice that always choose the shortest wait.
    let socket = Socket::open(SocketOptions {
        random: Arc::new(|| 0.0),
        ..options(dial, quiet(&["a"]))
    })
    .unwrap();
    let mut reader = socket;
    let mut calls = Vec::new();
    for _ in 0..200 {
        calls.push(venue.refuse().await);
        down(&mut reader).await;
    }
    for window in calls.windows(61) {
        assert!(window[60] - window[0] >= seconds(300));
    }
    end(reader).await;
}
