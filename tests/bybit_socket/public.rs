//! Subscriptions of a public socket.

use serde_json::{Value, json};
use tradeterm::domain::Category;
use tradeterm::venue::bybit::socket::{
    RequestLimits, Socket, SocketEvent, SocketOptions, SubscribeError, Topic,
};

use crate::harness::{
    LIMITS, Venue, args, data, end, event, frame, options, quiet, seconds, soon, up,
};

#[tokio::test(start_paused = true)]
async fn answers_are_matched_by_id_and_data_may_overtake_them() {
    let (mut venue, dial) = Venue::new();
    let limits = RequestLimits {
        args_per_request: 2,
        ..LIMITS
    };
    let mut socket = Socket::open(SocketOptions {
        limits,
        ..options(dial, quiet(&["a", "b", "c"]))
    })
    .unwrap();
    let mut peer = venue.accept().await;
    let (first, second) = (peer.request().await, peer.request().await);
    assert_eq!(args(&first), ["a", "b"]);
    assert_eq!(args(&second), ["c"]);
    assert_ne!(first["req_id"], second["req_id"]);

    // An answer to somebody else's request confirms nothing, nor does one without an id.
    peer.answer(&json!({"req_id": "other", "op": "subscribe"}), true, "")
        .await;
    peer.say(json!({"success": true, "ret_msg": "", "op": "subscribe"}))
        .await;
    peer.push("a", 1).await;
    peer.answer(&second, true, "").await;
    peer.push("c", 2).await;
    peer.answer(&first, true, "subscribe").await;

    assert_eq!(
        event(&mut socket).await,
        SocketEvent::Connecting { attempt: 1 }
    );
    assert_eq!(data(&mut socket).await, (1, frame("a", 1)));
    let SocketEvent::Frame { epoch: 1, text } = event(&mut socket).await else {
        panic!("not up before both are confirmed");
    };
    assert_eq!(text.as_str(), frame("c", 2).to_string());
    assert_eq!(event(&mut socket).await, SocketEvent::Up { epoch: 1 });
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn spot_asks_for_ten_topics_at_a_time() {
    let (mut venue, dial) = Venue::new();
    let names: Vec<String> = (10..35).map(|n| format!("orderbook.50.X{n}")).collect();
    let mut socket = Socket::open(SocketOptions {
        limits: RequestLimits::public(Category::Spot),
        ..options(dial, names.iter().map(Topic::quiet).collect())
    })
    .unwrap();
    let mut peer = venue.accept().await;
    let mut asked = Vec::new();
    for n in [10, 10, 5] {
        let topics = peer.take_subscription().await;
        assert_eq!(topics.len(), n);
        asked.extend(topics);
    }
    assert_eq!(asked, names);
    assert_eq!(up(&mut socket).await, 1);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_long_is_split_even_if_the_refusal_names_nothing() {
    let (mut venue, dial) = Venue::new();
    let names: Vec<String> = (10..32).map(|n| format!("t{n}")).collect();
    let mut socket = Socket::open(options(dial, names.iter().map(Topic::quiet).collect())).unwrap();
    let mut peer = venue.accept().await;
    assert_eq!(args(&peer.request().await).len(), 22);
    peer.say(json!({"success": false, "ret_msg": "args size >10"}))
        .await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.extend(peer.take_subscription().await);
    }
    assert_eq!(asked, names);
    assert_eq!(up(&mut socket).await, 1);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_subscription_is_retried_until_it_is_confirmed() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a", "b"]))).unwrap();
    let mut peer = venue.accept().await;
    let request = peer.request().await;
    let failed_at = tokio::time::Instant::now();
    peer.answer(&request, false, "error:busy").await;
    let again = peer.request().await;
    let waited = failed_at.elapsed();
    assert!(waited >= seconds(1) && waited < seconds(2), "{waited:?}");
    assert_eq!(args(&again), ["a"]);
    peer.answer(&again, true, "").await;
    assert_eq!(peer.take_subscription().await, ["b"]);
    assert_eq!(
        event(&mut socket).await,
        SocketEvent::Connecting { attempt: 1 }
    );
    assert_eq!(event(&mut socket).await, SocketEvent::Up { epoch: 1 });
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn unknown_topics_are_reported_and_known_ones_go_on() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a", "bad", "there"]))).unwrap();
    let mut peer = venue.accept().await;
    let request = peer.request().await;
    let message = "error:handler not found,topic:bad";
    peer.answer(&request, false, message).await;
    let request = peer.request().await;
    assert_eq!(args(&request), ["a", "there"]);
    let known = "error:already subscribed,topic:there";
    peer.answer(&request, false, known).await;
    assert_eq!(peer.take_subscription().await, ["a"]);

    assert_eq!(
        event(&mut socket).await,
        SocketEvent::Connecting { attempt: 1 }
    );
    let refused = SocketEvent::TopicRefused {
        topic: "bad".to_owned(),
        message: message.to_owned(),
    };
    assert_eq!(event(&mut socket).await, refused);
    assert_eq!(event(&mut socket).await, SocketEvent::Up { epoch: 1 });
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn every_form_of_pong_is_kept_from_the_reader() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a"]))).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    assert_eq!(peer.hear().await, Some(json!({"op": "ping"})));
    for pong in [
        json!({"success": true, "ret_msg": "pong", "conn_id": "c", "op": "ping"}),
        json!({"success": true, "ret_msg": "pong", "conn_id": "c", "req_id": "", "op": "ping"}),
        json!({"args": ["1700000000000"], "op": "pong"}),
        json!({"req_id": "r", "op": "pong", "args": ["1700000000000"], "conn_id": "c"}),
        json!({"retCode": 0, "retMsg": "OK", "op": "pong", "data": ["1"], "connId": "c"}),
    ] {
        peer.say(pong).await;
    }
    // What is no control frame goes through as it is.
    peer.say_text("not json").await;
    up(&mut socket).await;
    let SocketEvent::Frame { text, .. } = event(&mut socket).await else {
        panic!("a pong was handed out");
    };
    assert_eq!(text.as_str(), "not json");
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn topics_come_and_go_one_by_one() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, quiet(&["a", "b"]))).unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    up(&mut socket).await;

    socket.handle.unsubscribe(["a"]);
    let request = peer.request().await;
    assert_eq!(
        (&request["op"], args(&request)),
        (&Value::from("unsubscribe"), vec!["a".to_owned()])
    );
    peer.answer(&request, true, "").await;
    socket.handle.subscribe(quiet(&["c"])).unwrap();
    assert_eq!(peer.take_subscription().await, ["c"]);

    // For a new snapshot a topic is left and entered again, in this order.
    socket.handle.resubscribe("b");
    socket.handle.resubscribe("unknown");
    let request = peer.request().await;
    assert_eq!(
        (&request["op"], args(&request)),
        (&Value::from("unsubscribe"), vec!["b".to_owned()])
    );
    peer.answer(&request, true, "").await;
    assert_eq!(peer.take_subscription().await, ["b"]);

    // A topic that was left but still speaks is left again.
    peer.push("a", 1).await;
    let request = peer.request().await;
    assert_eq!(
        (&request["op"], args(&request)),
        (&Value::from("unsubscribe"), vec!["a".to_owned()])
    );
    drop(peer);
    let mut peer = venue.accept().await;
    assert_eq!(peer.take_subscription().await, ["b", "c"]);
    assert_eq!(socket.handle.topics(), ["b", "c"]);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn topics_beyond_one_connection_are_refused_as_a_whole() {
    let (_venue, dial) = Venue::new();
    let limits = RequestLimits {
        args_chars: 20,
        ..LIMITS
    };
    let socket = Socket::open(SocketOptions {
        limits,
        ..options(dial, quiet(&["1234567"]))
    })
    .unwrap();
    let refused = socket.handle.subscribe(quiet(&["a", "1234567x"]));
    assert_eq!(
        refused,
        Err(SubscribeError::ConnectionFull {
            n_chars: 25,
            limit: 20
        })
    );
    assert_eq!(socket.handle.topics(), ["1234567"]);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_loses_no_frame_and_keeps_its_connection() {
    const N: u64 = 300;
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(SocketOptions {
        capacity: 1,
        ..options(dial, vec![Topic::public("orderbook.1.X")])
    })
    .unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    let (mut sink, mut heard) = futures_util::StreamExt::split(peer.socket);
    let talk = tokio::spawn(async move {
        for n in 0..N {
            let text = frame("orderbook.1.X", n).to_string();
            futures_util::SinkExt::send(&mut sink, text.into())
                .await
                .unwrap();
        }
        sink
    });
    let count = tokio::spawn(async move {
        let mut n_pings = 0_u32;
        while let Some(Ok(message)) = futures_util::StreamExt::next(&mut heard).await {
            n_pings += u32::from(message.to_text().is_ok_and(|text| text.contains("ping")));
        }
        n_pings
    });
    for expected in 0..N {
        // The reader is busy for much longer than any silence that is allowed.
        tokio::time::sleep(seconds(40)).await;
        let event = loop {
            match event(&mut socket).await {
                SocketEvent::Connecting { .. } | SocketEvent::Up { .. } => {}
                event => break event,
            }
        };
        let SocketEvent::Frame { epoch: 1, text } = event else {
            panic!("{event:?}");
        };
        assert_eq!(text.as_str(), frame("orderbook.1.X", expected).to_string());
    }
    let sink = soon(talk).await.unwrap();
    end(socket).await;
    drop(sink);
    // Every 20 s a ping, although nobody read.
    assert!(soon(count).await.unwrap() > 500);
}

#[tokio::test(start_paused = true)]
async fn a_socket_ends_with_its_events_and_never_waits_for_a_reader() {
    let (mut venue, dial) = Venue::new();
    let mut socket = Socket::open(options(dial, Vec::new())).unwrap();
    let mut peer = venue.accept().await;
    up(&mut socket).await;
    drop(socket.events);
    soon(socket.task).await.unwrap();
    assert_eq!(peer.hear().await, None);

    let (mut venue, dial) = Venue::new();
    let socket = Socket::open(SocketOptions {
        capacity: 1,
        ..options(dial, quiet(&["a"]))
    })
    .unwrap();
    let mut peer = venue.accept().await;
    peer.take_subscription().await;
    for n in 0..10 {
        peer.push("a", n).await;
    }
    socket.handle.close();
    soon(socket.task).await.unwrap();
}
