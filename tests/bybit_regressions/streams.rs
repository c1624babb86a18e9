//! Lines about sockets: logins, acknowledgements, books, late positions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};
use tradeterm::domain::{AccountEvent, Category, Symbol};
use tradeterm::venue::broker::RemoteBroker;
use tradeterm::venue::bybit::feed::{Depth, FeedSettings, FeedState, Scope, Wanted};
use tradeterm::venue::bybit::socket::connector::Connector;
use tradeterm::venue::bybit::socket::{RequestLimits, Socket, SocketEvent, SocketOptions, Topic};

use crate::desk::{Desk, PERP, TOPICS, at, buy, config, frame_of, price, quick, short, soon, up};

#[tokio::test]
async fn line_01_each_connection_logs_in_before_it_subscribes() {
    let desk = Desk::new().await;
    let (mut socket, mut stream) = desk.listen().await;
    for epoch in 2..=4 {
        desk.fault(json!({"kind": "close", "socket": "private"}));
        assert_eq!(up(&mut socket).await, epoch);
        let auths = desk.server.counters().auths["private"];
        // Without a login the venue refuses every subscription: nothing would come up.
        assert_eq!((auths.accepted, auths.refused), (epoch, 0));
    }
    // Ended between login and subscription: the next connection logs in again all the same.
    desk.fault(json!({"kind": "close-after-auth", "socket": "private", "times": 1}));
    desk.fault(json!({"kind": "close", "socket": "private"}));
    up(&mut socket).await;
    assert_eq!(desk.server.counters().auths["private"].accepted, 6);
    desk.place("tt-a-1", buy(PERP, "0.1")).await;
    let heard = stream.read(&frame_of(&mut socket, "execution").await);
    assert_eq!(short(&heard.unwrap().events), ["trade tt-a-1 buy 0.1"]);
}

/// Stands before the venue and refuses the first subscriptions in its name.
async fn refusing(desk: &Desk, n_refusals: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v5/private", listener.local_addr().unwrap());
    let venue = format!("{}/v5/private", desk.server.ws_url());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut client = accept_async(stream).await.unwrap();
            let (mut venue, _) = connect_async(&venue).await.unwrap();
            loop {
                tokio::select! {
                    Some(Ok(said)) = client.next() => {
                        let frame = said.to_text().map(serde_json::from_str::<Value>);
                        let frame = frame.ok().and_then(Result::ok).unwrap_or_default();
                        let is_subscription = frame["op"] == "subscribe";
                        let n = if is_subscription { count.fetch_add(1, Ordering::SeqCst) } else { 0 };
                        if is_subscription && n < n_refusals {
                            // Somebody else's success first: it is not about this request.
                            for (is_ok, req_id) in [(true, json!("other")), (false, frame["req_id"].clone())] {
                                let answer = json!({"success": is_ok, "ret_msg": "system busy",
                                    "conn_id": "c", "req_id": req_id, "op": "subscribe"});
                                client.send(Message::text(answer.to_string())).await.unwrap();
                            }
                        } else if venue.send(said).await.is_err() {
                            break;
                        }
                    }
                    Some(Ok(said)) = venue.next() => {
                        if client.send(said).await.is_err() {
                            break;
                        }
                    }
                    else => break,
                }
            }
        }
    });
    (url, asked)
}

#[tokio::test]
async fn line_02_a_failed_subscription_is_asked_for_again() {
    let desk = Desk::new().await;
    let (url, asked) = refusing(&desk, 1).await;
    let mut options = desk.private_options();
    options.dial = Arc::new(Connector::new(&url, None).unwrap());
    let mut socket = Socket::open(options).unwrap();
    assert_eq!(up(&mut socket).await, 1);
    // Each topic alone after the request that failed, and no other connection.
    assert_eq!(asked.load(Ordering::SeqCst), 1 + TOPICS.len());
    assert_eq!(desk.server.counters().connects["private"], 1);
    desk.place("tt-a-1", buy(PERP, "0.1")).await;
    for topic in ["order", "execution", "position", "wallet"] {
        // In the order in which the venue tells them.
        let text = frame_of(&mut socket, topic).await;
        assert!(text.contains(topic));
    }
}

/// A topic that the venue does not have is said aloud.
#[tokio::test]
async fn line_02_a_topic_that_is_not_there_is_told() {
    let desk = Desk::new().await;
    let mut options = desk.private_options();
    options.topics.push(Topic::quiet("nonsense"));
    let mut socket = Socket::open(options).unwrap();
    let refused = loop {
        match soon(socket.events.recv()).await.unwrap() {
            SocketEvent::TopicRefused { topic, .. } => break topic,
            SocketEvent::Down { cause, .. } => panic!("{cause}"),
            _ => {}
        }
    };
    assert_eq!(refused, "nonsense");
    up(&mut socket).await;
}

/// A feed of both books of the perpetual behind a real socket.
struct Books {
    socket: Socket,
    feed: FeedState,
    seen: Vec<Value>,
}

impl Books {
    async fn open(desk: &Desk) -> Self {
        let mut feed = FeedState::new(FeedSettings::default());
        let topics = feed.watch(wanted());
        let mut options = SocketOptions::public(
            desk.dial("/v5/public/linear"),
            RequestLimits::public(Category::Linear),
            Arc::new(|| 1.0),
        );
        options.timing = quick();
        // The venue's clock stands still between two steps: silence says nothing here.
        options.timing.all_silent = Duration::from_hours(1);
        options.topics = topics
            .iter()
            .map(|topic| Topic::public(topic.to_string()).stale_after(Duration::from_hours(1)))
            .collect();
        feed.on_up(at(0), Scope::All, &mut Vec::new());
        let socket = Socket::open(options).unwrap();
        let seen = Vec::new();
        let mut books = Self { socket, feed, seen };
        books.until("50", |_| true).await;
        books
    }

    /// Hears frames until one of that depth is as wanted.
    async fn until(&mut self, depth: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let topic = format!("orderbook.{depth}.BTCUSDT");
        loop {
            let event = soon(self.socket.events.recv()).await.unwrap();
            let SocketEvent::Frame { text, .. } = event else {
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            let mut out = Vec::new();
            self.feed
                .on_frame(at(0), Category::Linear, text.as_bytes(), &mut out);
            self.seen.push(frame.clone());
            if frame["topic"] == topic.as_str() && is_it(&frame) {
                return frame;
            }
        }
    }

    fn update_id(&self) -> u64 {
        self.feed.book(PERP).unwrap().update_id
    }
}

fn wanted() -> Wanted {
    Wanted {
        instrument: PERP,
        category: Category::Linear,
        symbol: Symbol::new("BTCUSDT").unwrap(),
        best: true,
        depth: Some(Depth::L50),
        ticker: false,
        trades: false,
        klines: Vec::new(),
    }
}

#[tokio::test]
async fn line_20_books_follow_the_venue() {
    let events = [
        price(0, PERP, "60000"),
        price(1_000, PERP, "60001"),
        price(86_400_000, PERP, "60000"),
    ]
    .concat();
    let desk = Desk::with(config(events)).await;
    let mut books = Books::open(&desk).await;
    let first = books.update_id();
    desk.pass(1_000).await;
    let delta = books.until("50", |frame| frame["type"] == "delta").await;
    assert_eq!(delta["data"]["u"].as_u64(), Some(first + 1));
    assert_eq!(books.update_id(), first + 1);
    // Best levels come as snapshots only, and again after three seconds under the same number.
    let newest = books.seen.iter().rev();
    let best = newest.clone().find(|f| f["topic"] == "orderbook.1.BTCUSDT");
    let number = match best {
        Some(frame) if frame["ts"].as_i64() == Some(at(1_000).millis()) => {
            frame["data"]["u"].clone()
        }
        _ => books
            .until("1", |f| f["ts"].as_i64() == Some(at(1_000).millis()))
            .await["data"]["u"]
            .clone(),
    };
    desk.pass(3_000).await;
    let again = books
        .until("1", |f| f["ts"].as_i64() == Some(at(4_000).millis()))
        .await;
    assert_eq!(again["data"]["u"], number);
    let one = books
        .seen
        .iter()
        .filter(|f| f["topic"] == "orderbook.1.BTCUSDT");
    assert!(one.clone().count() >= 3 && one.clone().all(|f| f["type"] == "snapshot"));
    assert!(books.feed.is_usable(PERP));
    // A new snapshot replaces the book, whatever its number.
    desk.drill(json!({"drill": "restart"}));
    desk.pass(0).await;
    let snapshot = books.until("50", |f| f["data"]["u"] == 1).await;
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!(books.update_id(), 1);
}

#[test]
fn line_20_changes_insert_delete_and_ignore() {
    let mut feed = FeedState::new(FeedSettings::default());
    feed.watch(wanted());
    feed.on_up(at(0), Scope::All, &mut Vec::new());
    let mut hear = |kind: &str, u: u64, bids: Value, asks: Value| -> Vec<String> {
        let frame = json!({"topic": "orderbook.50.BTCUSDT", "type": kind,
            "ts": at(0).millis() + i64::try_from(u).unwrap(), "cts": at(0).millis(),
            "data": {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u}});
        let text = frame.to_string();
        feed.on_frame(at(0), Category::Linear, text.as_bytes(), &mut Vec::new());
        let book = feed.book(PERP).unwrap();
        let levels = book.bids.iter().chain(book.asks);
        levels.map(|l| format!("{}x{}", l.price, l.qty)).collect()
    };
    let none = || json!([]);
    let told = hear("snapshot", 7, json!([["99", "1"]]), json!([["101", "1"]]));
    assert_eq!(told, ["99x1", "101x1"]);
    let told = hear("delta", 8, json!([["98", "2"]]), none());
    assert_eq!(
        told,
        ["99x1", "98x2", "101x1"],
        "an unknown level is inserted"
    );
    let told = hear("delta", 9, json!([["99", "0"]]), none());
    assert_eq!(told, ["98x2", "101x1"], "zero deletes");
    let told = hear("delta", 10, json!([["97", "0"]]), json!([["103", "0"]]));
    assert_eq!(
        told,
        ["98x2", "101x1"],
        "what is not there cannot be deleted"
    );
    let told = hear("snapshot", 3, json!([["50", "1"]]), json!([["51", "1"]]));
    assert_eq!(told, ["50x1", "51x1"], "a snapshot replaces everything");
}

#[tokio::test]
async fn line_21_a_position_may_be_later_than_its_fill() {
    let desk = Desk::new().await;
    let (mut socket, mut stream) = desk.listen().await;
    desk.place("tt-a-1", buy(PERP, "0.1")).await;
    let execution = frame_of(&mut socket, "execution").await;
    let position = frame_of(&mut socket, "position").await;
    let mut later: Value = serde_json::from_str(&position).unwrap();
    let updated = at(7).millis();
    later["data"][0]["updatedTime"] = json!(updated.to_string());
    later["creationTime"] = json!(updated);
    // The position first: its time hides no fill of before.
    let heard = stream.read(&later.to_string()).unwrap();
    assert!(heard.strange.is_empty() && heard.events.is_empty());
    assert_eq!(stream.position_of(PERP), Some("0.1".parse().unwrap()));
    let heard = stream.read(&execution).unwrap();
    assert_eq!(short(&heard.events), ["trade tt-a-1 buy 0.1"]);
    let AccountEvent::Fill(fill) = &heard.events[0] else {
        panic!("{heard:?}");
    };
    assert!(fill.at.millis() < updated);
    // What a session asks for after that time reaches back far enough to have the fill again.
    let overlap = tradeterm::runtime::GatewayTiming::default().overlap;
    let overlap = i64::try_from(overlap.as_millis()).unwrap();
    assert!(7 < overlap);
    let since = at(7).plus_millis(-overlap);
    let told = desk.broker.executions(since).await.unwrap();
    assert_eq!(short(&told), ["trade tt-a-1 buy 0.1"]);
}
