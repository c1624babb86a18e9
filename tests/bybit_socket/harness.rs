//! The scripted peer and what all tests share.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};
use tradeterm::domain::Timestamp;
use tradeterm::venue::bybit::socket::connector::{Connector, Dial, Dialled, Io};
use tradeterm::venue::bybit::socket::{
    DownCause, RequestLimits, Socket, SocketAuth, SocketEvent, SocketOptions, Topic,
};

pub(crate) const KEY: &str = "test-key";
pub(crate) const SECRET: &str = "test-secret";
/// Venue time of every login.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
/// Bytes that a pipe holds.
pub(crate) const PIPE: usize = 64 << 10;

pub(crate) const LIMITS: RequestLimits = RequestLimits {
    args_per_request: 200,
    args_chars: 21_000,
};

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Waits for what has to come; a test that waits in vain fails instead of hanging.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(seconds(1_000), work)
        .await
        .expect("what the test waits for comes")
}

/// Dials the test itself through pipes in memory.
struct PipeDial {
    calls: mpsc::Sender<(Instant, DuplexStream)>,
}

impl Dial for PipeDial {
    fn url(&self) -> &'static str {
        "ws://localhost/v5"
    }

    fn dial(&self) -> Dialled<'_> {
        Box::pin(async {
            let (ours, theirs) = tokio::io::duplex(PIPE);
            self.calls
                .send((Instant::now(), theirs))
                .await
                .map_err(io::Error::other)?;
            Ok(Box::new(ours) as Box<dyn Io>)
        })
    }
}

/// The venue at the other end of pipes.
pub(crate) struct Venue {
    calls: mpsc::Receiver<(Instant, DuplexStream)>,
}

impl Venue {
    pub(crate) fn new() -> (Self, Arc<dyn Dial>) {
        let (sender, calls) = mpsc::channel(64);
        (Self { calls }, Arc::new(PipeDial { calls: sender }))
    }

    /// The next call, with its moment.
    pub(crate) async fn call(&mut self) -> (Instant, DuplexStream) {
        soon(self.calls.recv()).await.unwrap()
    }

    /// Hangs up on the next call.
    pub(crate) async fn refuse(&mut self) -> Instant {
        self.call().await.0
    }

    /// Takes the next call.
    pub(crate) async fn accept(&mut self) -> Peer {
        let (at, stream) = self.call().await;
        Peer::accept(at, Box::new(stream)).await
    }

    /// Takes the next call and lets it log in.
    pub(crate) async fn accept_login(&mut self) -> Peer {
        let mut peer = self.accept().await;
        peer.take_login().await;
        peer
    }
}

/// The venue on a TCP port of loopback.
pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(crate) async fn start() -> (Self, Arc<dyn Dial>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("ws://127.0.0.1:{port}/v5");
        let dial = Connector::new(&url, None).unwrap();
        (Self { listener }, Arc::new(dial))
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        Peer::accept(Instant::now(), Box::new(stream)).await
    }
}

/// One connection as the venue sees it.
pub(crate) struct Peer {
    pub(crate) called_at: Instant,
    pub(crate) socket: WebSocketStream<Box<dyn Io>>,
}

impl Peer {
    pub(crate) async fn accept(called_at: Instant, stream: Box<dyn Io>) -> Self {
        let socket = soon(accept_async(stream)).await.unwrap();
        Self { called_at, socket }
    }

    /// The next text frame; `None` at the end of the connection.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            match soon(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next request that is no ping.
    pub(crate) async fn request(&mut self) -> Value {
        loop {
            let request = self.hear().await.expect("the connection lives");
            if request["op"] != "ping" {
                return request;
            }
        }
    }

    pub(crate) async fn say(&mut self, frame: Value) {
        self.say_text(frame.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: impl Into<String>) {
        let message = Message::text(text.into());
        soon(self.socket.send(message)).await.unwrap();
    }

    /// A frame of data.
    pub(crate) async fn push(&mut self, topic: &str, n: u64) {
        self.say(frame(topic, n)).await;
    }

    pub(crate) async fn answer(&mut self, request: &Value, success: bool, ret_msg: &str) {
        let answer = json!({"success": success, "ret_msg": ret_msg, "conn_id": "c",
            "req_id": request["req_id"], "op": request["op"]});
        self.say(answer).await;
    }

    pub(crate) async fn take_login(&mut self) -> Value {
        let login = self.request().await;
        assert_eq!(login["op"], "auth");
        self.answer(&login, true, "").await;
        login
    }

    /// Takes one subscription and confirms it.
    pub(crate) async fn take_subscription(&mut self) -> Vec<String> {
        let request = self.request().await;
        assert_eq!(request["op"], "subscribe", "{request}");
        self.answer(&request, true, "").await;
        args(&request)
    }
}

pub(crate) fn frame(topic: &str, n: u64) -> Value {
    json!({"topic": topic, "data": [], "ts": n})
}

pub(crate) fn args(request: &Value) -> Vec<String> {
    serde_json::from_value(request["args"].clone()).unwrap()
}

pub(crate) fn quiet(names: &[&str]) -> Vec<Topic> {
    names.iter().map(|name| Topic::quiet(*name)).collect()
}

/// Options of a public socket whose waits are their bounds.
pub(crate) fn options(dial: Arc<dyn Dial>, topics: Vec<Topic>) -> SocketOptions {
    SocketOptions {
        topics,
        ..SocketOptions::public(dial, LIMITS, Arc::new(|| 1.0))
    }
}

pub(crate) fn auth() -> SocketAuth {
    SocketAuth::new(
        KEY,
        SecretString::from(SECRET),
        Arc::new(|| Timestamp::from_millis(NOW_MS)),
    )
}

/// The next event.
pub(crate) async fn event(socket: &mut Socket) -> SocketEvent {
    soon(socket.events.recv()).await.expect("the socket lives")
}

/// Events up to the first that `is_it`, which is returned.
pub(crate) async fn event_that(
    socket: &mut Socket,
    is_it: impl Fn(&SocketEvent) -> bool,
) -> SocketEvent {
    loop {
        let event = event(socket).await;
        if is_it(&event) {
            return event;
        }
    }
}

pub(crate) async fn up(socket: &mut Socket) -> u64 {
    match event_that(socket, |e| matches!(e, SocketEvent::Up { .. })).await {
        SocketEvent::Up { epoch } => epoch,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn down(socket: &mut Socket) -> (DownCause, Duration) {
    match event_that(socket, |e| matches!(e, SocketEvent::Down { .. })).await {
        SocketEvent::Down { cause, retry_in } => (cause, retry_in),
        other => panic!("{other:?}"),
    }
}

/// The next frame as JSON, with its epoch.
pub(crate) async fn data(socket: &mut Socket) -> (u64, Value) {
    match event_that(socket, |e| matches!(e, SocketEvent::Frame { .. })).await {
        SocketEvent::Frame { epoch, text } => (epoch, serde_json::from_str(&text).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Ends a socket in order.
pub(crate) async fn end(mut socket: Socket) {
    socket.handle.close();
    while soon(socket.events.recv()).await.is_some() {}
    soon(socket.task).await.unwrap();
}
