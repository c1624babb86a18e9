//! A venue on this machine that answers each request as a test says, and keeps what it was sent.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A request, head only: nothing here sends a body.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub query: String,
    pub head: String,
}

impl Seen {
    /// Value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Value of a parameter that is a number.
    pub fn number(&self, name: &str) -> i64 {
        self.param(name).unwrap().parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// What is done with a request.
#[derive(Debug, Clone)]
pub enum Then {
    /// Status, extra heads and body.
    Answer(u16, String, String),
    /// The connection is cut without an answer.
    Cut,
    /// The connection stays and nothing comes.
    Silence,
}

impl Then {
    /// A result with code 0.
    pub fn ok(result: &str) -> Self {
        Self::code(0, "OK", result)
    }

    /// A result with that code.
    pub fn code(code: i64, message: &str, result: &str) -> Self {
        let time = now_ms();
        let body = format!(
            "{{\"retCode\":{code},\"retMsg\":\"{message}\",\"result\":{result},\
             \"retExtInfo\":{{}},\"time\":{time}}}"
        );
        Self::Answer(200, String::new(), body)
    }

    /// The same answer with more heads.
    pub fn with_heads(self, heads: &str) -> Self {
        match self {
            Self::Answer(status, _, body) => Self::Answer(status, heads.to_owned(), body),
            other => other,
        }
    }
}

type Script = dyn Fn(&Seen) -> Then + Send + Sync;

/// The venue. Serves as long as the test's process lives.
pub struct Venue {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Told of each request before anything is done with it.
    pub arrived: Receiver<Seen>,
}

impl Venue {
    pub fn start(script: impl Fn(&Seen) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (tell, arrived) = sync_channel(100_000);
        let (log, script): (_, Arc<Script>) = (seen.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, tell, script) = (log.clone(), tell.clone(), script.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &log, &tell, &*script));
            }
        });
        Self {
            port,
            seen,
            arrived,
        }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Settings that lead here.
    pub fn sets(&self) -> Vec<String> {
        addresses("http", "ws", self.port)
    }
}

/// Settings that lead to a port of this machine.
pub fn addresses(rest: &str, socket: &str, port: u16) -> Vec<String> {
    [
        "--set".to_owned(),
        format!("venue.rest_url={rest}://127.0.0.1:{port}"),
        "--set".to_owned(),
        format!("venue.ws_url={socket}://127.0.0.1:{port}"),
    ]
    .to_vec()
}

/// A port where nobody listens.
pub fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Seen>>, tell: &SyncSender<Seen>, script: &Script) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(seen) = read_head(&mut reader) {
        log.lock().unwrap().push(seen.clone());
        drop(tell.send(seen.clone()));
        let then = script(&seen);
        if let Some(key) = seen.header("sec-websocket-key")
            && matches!(&then, Then::Answer(200, ..))
        {
            let accept = derive_accept_key(key.as_bytes());
            let text = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            drop(writer.write_all(text.as_bytes()));
            continue;
        }
        match then {
            Then::Answer(status, heads, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n\
                     Content-Length: {length}\r\n{heads}\r\n{body}"
                );
                if writer.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Then::Cut => {
                drop(writer.shutdown(std::net::Shutdown::Both));
                return;
            }
            Then::Silence => {
                // Until the other side goes away.
                while read_head(&mut reader).is_some() {}
                return;
            }
        }
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    loop {
        let before = head.len();
        let n_read = reader.read_line(&mut head).ok()?;
        if n_read == 0 {
            return None;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let target = head.split(' ').nth(1)?.to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Seen {
        path: path.to_owned(),
        query: query.to_owned(),
        head: head.clone(),
    })
}

/// The machine's clock, which the program compares with the venue's.
#[expect(clippy::disallowed_methods, reason = "a venue has a clock")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// The answer to the question about the time, `ahead` milliseconds before ours.
pub fn time(ahead: i64) -> Then {
    let now = now_ms() + ahead;
    let result = format!(
        "{{\"timeSecond\":\"{}\",\"timeNano\":\"{}\"}}",
        now / 1_000,
        now * 1_000_000
    );
    Then::ok(&result)
}

/// A row of a linear instrument, as the venue lists it.
pub fn contract(symbol: &str, status: &str, tick: &str) -> String {
    format!(
        "{{\"symbol\":\"{symbol}\",\"contractType\":\"LinearPerpetual\",\"status\":\"{status}\",\
         \"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\",\"settleCoin\":\"USDT\",\
         \"launchTime\":\"1585526400000\",\"deliveryTime\":\"0\",\
         \"leverageFilter\":{{\"minLeverage\":\"1\",\"maxLeverage\":\"100.00\",\
         \"leverageStep\":\"0.01\"}},\
         \"priceFilter\":{{\"minPrice\":\"{tick}\",\"maxPrice\":\"1999999.80\",\
         \"tickSize\":\"{tick}\"}},\
         \"lotSizeFilter\":{{\"maxOrderQty\":\"1500\",\"minOrderQty\":\"0.001\",\
         \"qtyStep\":\"0.001\",\"maxMktOrderQty\":\"150\",\"minNotionalValue\":\"5\"}},\
         \"fundingInterval\":480}}"
    )
}

/// A list as the venue sends it.
pub fn list(rows: &str) -> String {
    format!("{{\"category\":\"linear\",\"list\":[{rows}],\"nextPageCursor\":\"\"}}")
}
