//! Topics over several connections.

use tradeterm::venue::bybit::socket::shards::{
    PublicSockets, ShardEvent, ShardEvents, ShardLimits,
};
use tradeterm::venue::bybit::socket::{SocketEvent, SubscribeError, Topic};

use crate::harness::{Peer, Venue, args, options, quiet, seconds, soon};

const LIMITS: ShardLimits = ShardLimits {
    topics_per_shard: 10,
    max_shards: 3,
};

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("orderbook.50.X{n:02}")).collect()
}

fn topics(range: std::ops::Range<usize>) -> Vec<Topic> {
    names(range).iter().map(Topic::quiet).collect()
}

async fn next(events: &mut ShardEvents) -> ShardEvent {
    loop {
        let event = soon(events.recv()).await.unwrap();
        if !matches!(event.event, SocketEvent::Connecting { .. }) {
            return event;
        }
    }
}

/// Connections of the first `n` shards, in order; they dial in the order they were opened.
async fn accept(venue: &mut Venue, n: usize) -> Vec<Peer> {
    let mut peers = Vec::new();
    for _ in 0..n {
        peers.push(venue.accept().await);
    }
    peers
}

#[tokio::test(start_paused = true)]
async fn topics_fill_few_connections_and_a_lost_one_concerns_only_its_own() {
    let (mut venue, dial) = Venue::new();
    let (sockets, mut events) = PublicSockets::open(options(dial, topics(0..25)), LIMITS).unwrap();
    assert_eq!(sockets.n_shards(), 3);
    let mut peers = accept(&mut venue, 3).await;
    for (shard, peer) in peers.iter_mut().enumerate() {
        let expected = names(shard * 10..25.min(shard * 10 + 10));
        assert_eq!(peer.take_subscription().await, expected);
        let up = SocketEvent::Up { epoch: 1 };
        assert_eq!(next(&mut events).await, ShardEvent { shard, event: up });
    }
    assert_eq!(sockets.shard_of("orderbook.50.X13"), Some(1));

    // One connection is lost: only its topics are asked for again.
    tokio::time::sleep(seconds(5)).await;
    drop(peers.remove(1));
    let lost = next(&mut events).await;
    assert_eq!(lost.shard, 1);
    assert!(matches!(lost.event, SocketEvent::Down { .. }));
    let mut peer = venue.accept().await;
    assert_eq!(peer.take_subscription().await, names(10..20));
    let up = SocketEvent::Up { epoch: 2 };
    assert_eq!(
        next(&mut events).await,
        ShardEvent {
            shard: 1,
            event: up
        }
    );

    // A topic of it is asked for again alone.
    sockets.resubscribe("orderbook.50.X13");
    let request = peer.request().await;
    assert_eq!(
        (request["op"].as_str(), args(&request)),
        (Some("unsubscribe"), names(13..14))
    );
    assert_eq!(peer.take_subscription().await, names(13..14));

    sockets.close().await;
    while soon(events.recv()).await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn places_that_become_free_are_used_again() {
    let (mut venue, dial) = Venue::new();
    let (mut sockets, _events) = PublicSockets::open(options(dial, topics(0..20)), LIMITS).unwrap();
    let mut peers = accept(&mut venue, 2).await;
    for peer in &mut peers {
        peer.take_subscription().await;
    }
    sockets.unsubscribe(["orderbook.50.X03", "unknown"]);
    let request = peers[0].request().await;
    assert_eq!(
        (request["op"].as_str(), args(&request)),
        (Some("unsubscribe"), names(3..4))
    );
    sockets.subscribe(quiet(&["kline.5.NEW"])).unwrap();
    assert_eq!(peers[0].take_subscription().await, ["kline.5.NEW"]);
    assert_eq!(sockets.shard_of("kline.5.NEW"), Some(0));
    assert_eq!(sockets.shard_of("orderbook.50.X03"), None);
    assert_eq!(sockets.n_shards(), 2);

    let refused = sockets.subscribe(topics(30..41));
    assert_eq!(
        refused,
        Err(SubscribeError::ShardsFull {
            n_topics: 31,
            n_shards: 3,
            per_shard: 10
        })
    );
    assert_eq!(sockets.n_shards(), 3);
    assert_eq!(sockets.shard_of("orderbook.50.X40"), None);
    sockets.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_length_of_names_bounds_a_connection_too() {
    let (_venue, dial) = Venue::new();
    let mut options = options(dial, Vec::new());
    options.limits.args_chars = 3 * (16 + 3);
    let (mut sockets, _events) = PublicSockets::open(options, LIMITS).unwrap();
    assert_eq!(sockets.n_shards(), 0);
    sockets.subscribe(topics(0..4)).unwrap();
    assert_eq!(sockets.n_shards(), 2);
    let long = Topic::quiet("x".repeat(100));
    assert!(matches!(
        sockets.subscribe([long]),
        Err(SubscribeError::ConnectionFull { .. })
    ));
    sockets.close().await;
}
