//! A server that does to each request what a test says, and keeps the bytes it was sent.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tradeterm::domain::Timestamp;
use tradeterm::venue::bybit::clock::WallClock;
use tradeterm::venue::bybit::credentials::Credentials;
use tradeterm::venue::bybit::hosts::Hosts;
use tradeterm::venue::bybit::rest::{RestClient, RestSettings, Timeouts};

pub const KEY: &str = "CANARYkey0123456789";
pub const SECRET: &str = "CANARYsecretabcdefghijklmnopqrstuvwx";
pub const START: i64 = 1_700_000_000_000;

/// What the server does with a request it has read.
#[derive(Clone)]
pub enum Then {
    /// Answers and waits for the next request on the same connection.
    Answer(Vec<u8>),
    /// Sends these bytes and closes.
    Cut(Vec<u8>),
    /// Sends these bytes and resets the connection.
    Reset(Vec<u8>),
    /// Keeps the connection and says nothing.
    Silence,
}

/// A request as its bytes were.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Number of its connection, from 0.
    pub connection: usize,
    /// Everything up to the empty line.
    pub head: String,
    pub body: String,
}

impl Seen {
    /// Method and target.
    pub fn line(&self) -> (&str, &str) {
        let mut parts = self.head.split(' ');
        (parts.next().unwrap(), parts.next().unwrap())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub struct Server {
    pub port: u16,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<AtomicUsize>,
    /// Tells of each request once it was read, before anything is done with it.
    pub arrived: mpsc::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves until it is dropped.
    pub async fn start(script: impl Fn(&Seen) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let (tell, arrived) = mpsc::channel(10_000);
        let (log, count, script) = (seen.clone(), connections.clone(), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = count.fetch_add(1, Ordering::SeqCst);
                let (log, tell, script) = (log.clone(), tell.clone(), script.clone());
                tokio::spawn(async move { serve(stream, connection, log, tell, &*script).await });
            }
        });
        Self {
            port,
            seen,
            connections,
            arrived,
            task,
        }
    }

    /// A server that answers everything with the same bytes.
    pub async fn answering(answer: Vec<u8>) -> Self {
        Self::start(move |_| Then::Answer(answer.clone())).await
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn n_connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn settings(&self, clock: &Arc<Clock>) -> RestSettings {
        settings_at(&format!("http://127.0.0.1:{}", self.port), clock)
    }

    /// A client with a key and a clock that stands still.
    pub fn client(&self) -> RestClient {
        RestClient::new(self.settings(&Clock::at(START))).unwrap()
    }
}

pub fn settings_at(rest: &str, clock: &Arc<Clock>) -> RestSettings {
    let hosts = Hosts::local(rest, "ws://127.0.0.1:1").unwrap();
    let mut settings = RestSettings::new(hosts, clock.clone());
    // Nothing here may depend on how fast the machine is.
    let patience = Duration::from_mins(2);
    settings.timeouts = Timeouts {
        resolve: patience,
        connect_read: patience,
        read: patience,
        connect_order: patience,
        order: patience,
    };
    settings.credentials = Some(Arc::new(Credentials::new(KEY, SECRET).unwrap()));
    settings
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: Arc<Mutex<Vec<Seen>>>,
    tell: mpsc::Sender<Seen>,
    script: &(impl Fn(&Seen) -> Then + Sync),
) {
    while let Some(seen) = read_request(&mut stream, connection).await {
        let then = script(&seen);
        log.lock().unwrap().push(seen.clone());
        if tell.send(seen).await.is_err() {
            return;
        }
        match then {
            Then::Answer(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Then::Cut(bytes) => {
                stream.write_all(&bytes).await.ok();
                stream.shutdown().await.ok();
                return;
            }
            Then::Reset(bytes) => {
                stream.write_all(&bytes).await.ok();
                stream.set_zero_linger().unwrap();
                return;
            }
            Then::Silence => std::future::pending().await,
        }
    }
}

/// Reads one request; `None` when the other side has nothing more to say.
pub async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
    connection: usize,
) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut seen = Seen {
        connection,
        head: String::from_utf8(head).unwrap(),
        body: String::new(),
    };
    let length = seen.header("content-length").unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// An answer with the given status, extra heads and body.
pub fn http(status: &str, heads: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{heads}\r\n{body}").into_bytes()
}

pub fn ok(body: &str) -> Vec<u8> {
    http("200 OK", "Content-Type: application/json\r\n", body)
}

/// The answer to an order that was accepted.
pub const ACCEPTED: &str = r#"{"retCode":0,"retMsg":"OK","result":{"orderId":"1321003749386327552","orderLinkId":"tt-a-1"},"retExtInfo":{},"time":1700000000040}"#;

/// A clock that a test sets.
pub struct Clock(AtomicI64);

impl Clock {
    pub fn at(ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(ms)))
    }

    pub fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl WallClock for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
