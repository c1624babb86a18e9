//! A server with a client beside it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tradeterm::domain::{
    Bar, Category, InstrumentId, Instruments, Interval, Price, Qty, Timestamp,
};
use tradeterm::venue::sim::instruments::shipped;
use tradeterm::venue::sim::server::{
    Fault, ListFeed, SimClock, SimConfig, SimServer, Step, Stepped, TEST_KEY, TEST_SECRET,
};

/// Longest wait for anything; a test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// 2026-01-05T00:00:00Z, a Monday.
pub(crate) const START_MS: i64 = 1_767_571_200_000;
/// Milliseconds of a bar of the market here.
pub(crate) const BAR_MS: i64 = 60_000;

/// A server with a manual clock, and a client beside it.
pub(crate) struct Desk {
    pub(crate) server: SimServer,
    pub(crate) http: reqwest::Client,
}

/// BTCUSDT, as a perpetual and on spot.
pub(crate) fn instruments() -> Instruments {
    let all = shipped();
    let get = |category| all.get(all.find("BTCUSDT", category).unwrap()).clone();
    Instruments::new(vec![get(Category::Linear), get(Category::Spot)]).unwrap()
}

/// Ten bars of the perpetual, each a bit higher than the one before it.
pub(crate) fn market() -> ListFeed {
    let price = |n: i64| -> Price { format!("{}", 60_000 + 100 * n).parse().unwrap() };
    let bars: Vec<Bar> = (0..10)
        .map(|n| Bar {
            open_time: Timestamp::from_millis(START_MS + n * BAR_MS),
            open: price(n),
            high: price(n + 1),
            low: price(n),
            close: price(n + 1),
            volume: "1000".parse::<Qty>().unwrap(),
        })
        .collect();
    let interval = Interval::from_millis(BAR_MS).unwrap();
    ListFeed::of_bars(InstrumentId(0), interval, &bars)
}

/// What every desk starts with.
pub(crate) fn config() -> SimConfig {
    SimConfig::new(instruments(), Box::new(market()), SimClock::Manual)
}

/// A client that opens a connection for every request and follows no redirect.
pub(crate) fn http_client() -> reqwest::Client {
    provider();
    reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()
        .unwrap()
}

/// Names the crypto library for clients that want one even without TLS.
pub(crate) fn provider() {
    // Another test of the process may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
}

pub(crate) fn hmac_hex(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(TEST_SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: SimConfig) -> Self {
        Self {
            server: SimServer::start(config).await.unwrap(),
            http: http_client(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.rest_url())
    }

    pub(crate) fn fault(&self, value: Value) {
        self.server.fault(Fault::parse(value).unwrap()).unwrap();
    }

    pub(crate) async fn step(&self, step: Step) -> Stepped {
        self.server.step(step).await.unwrap()
    }

    /// An unsigned read.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, String), reqwest::Error> {
        let answer = self.http.get(self.url(path)).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }

    /// A signed request that was not sent yet.
    pub(crate) fn signed(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let body = body.to_string();
        let stamp = self.server.now().millis().to_string();
        let sign = hmac_hex(&format!("{stamp}{TEST_KEY}5000{body}"));
        self.http
            .post(self.url(path))
            .header("X-BAPI-API-KEY", TEST_KEY)
            .header("X-BAPI-TIMESTAMP", stamp)
            .header("X-BAPI-RECV-WINDOW", "5000")
            .header("X-BAPI-SIGN", sign)
            .header("Content-Type", "application/json")
            .body(body)
    }

    /// A signed write and its answer.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        let text = self.signed(path, body).send().await?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// A control call.
    pub(crate) async fn control(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.http.post(self.url(path)).body(body.to_string());
        let answer = answer.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    /// A socket.
    pub(crate) async fn socket(&self, path: &str) -> Client {
        self.try_socket(path).await.unwrap()
    }

    /// A socket, if it is not refused.
    pub(crate) async fn try_socket(&self, path: &str) -> Result<Client, Error> {
        let url = format!("{}{path}", self.server.ws_url());
        let (stream, _) = timeout(PATIENCE, connect_async(url)).await.unwrap()?;
        Ok(Client { stream })
    }

    /// The arguments of an authentication that is valid now.
    pub(crate) fn auth(&self) -> Value {
        let expires = self.server.now().millis() + 10_000;
        let sign = hmac_hex(&format!("GET/realtime{expires}"));
        json!({"op": "auth", "args": [TEST_KEY, expires, sign]})
    }

    /// A private socket that has authenticated and subscribed.
    pub(crate) async fn private(&self, topics: &[&str]) -> Client {
        let mut socket = self.socket("/v5/private").await;
        socket.say(&self.auth()).await;
        socket
            .say(&json!({"op": "subscribe", "args": topics}))
            .await;
        for _ in 0..2 {
            let answer = socket.hear().await;
            assert_eq!(answer["success"], json!(true), "{answer}");
        }
        socket
    }
}

/// A limit order that rests far away from the market.
pub(crate) fn resting(link: &str) -> Value {
    json!({
        "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
        "qty": "0.01", "price": "50000", "orderLinkId": link,
    })
}

/// A client's end of a socket.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub(crate) async fn say(&mut self, frame: &Value) {
        self.stream
            .send(Message::text(frame.to_string()))
            .await
            .unwrap();
    }

    /// The next message of any kind; `None` when the socket has ended.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        timeout(PATIENCE, self.stream.next()).await.unwrap()
    }

    /// The next text frame.
    pub(crate) async fn hear(&mut self) -> Value {
        match self.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// Says something and hears the next frame.
    pub(crate) async fn ask(&mut self, frame: &Value) -> Value {
        self.say(frame).await;
        self.hear().await
    }

    /// Asserts that nothing waits to be heard: the next frame is the answer to a ping.
    pub(crate) async fn is_quiet(&mut self) {
        let pong = self.ask(&json!({"op": "ping"})).await;
        let is_pong = pong["ret_msg"] == json!("pong") || pong["op"] == json!("pong");
        assert!(is_pong, "{pong}");
    }

    /// The rest of what comes until the socket ends.
    pub(crate) async fn rest(mut self) -> Vec<Message> {
        let mut all = Vec::new();
        while let Some(Ok(message)) = self.next().await {
            all.push(message);
        }
        all
    }
}
