//! A simulated venue with a broker in front of it, and orders that risk has approved.

use std::fmt::Debug;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::timeout;
use tradeterm::domain::{
    AccountEvent, Category, ClientOrderId, InstrumentId, Instruments, Intent, KillLevel, LegId,
    MarketEvent, Money, OrderKind, OrderSpec, Price, Purpose, Qty, Quote, Side, TimeInForce,
    Timestamp,
};
use tradeterm::risk::{Approved, Breakers, Gate, Limits, Scene};
use tradeterm::venue::broker::{Found, RemoteBroker, Submitted};
use tradeterm::venue::bybit::broker::{BybitBroker, PrivateStream};
use tradeterm::venue::bybit::clock::WallClock;
use tradeterm::venue::bybit::credentials::Credentials;
use tradeterm::venue::bybit::hosts::Hosts;
use tradeterm::venue::bybit::limits::Lane;
use tradeterm::venue::bybit::rest::{Answer, RestClient, RestSettings, Timeouts};
use tradeterm::venue::bybit::socket::connector::Connector;
use tradeterm::venue::bybit::socket::{
    Socket, SocketAuth, SocketEvent, SocketOptions, Timing, Topic,
};
use tradeterm::venue::sim::exchange::Drill;
use tradeterm::venue::sim::instruments::shipped;
use tradeterm::venue::sim::server::{
    Fault, ListFeed, SimClock, SimConfig, SimServer, Step, TEST_KEY, TEST_SECRET,
};

/// Longest wait for anything; a test that needs it has failed.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// 2026-01-05T00:00:00Z.
pub const START: i64 = 1_767_571_200_000;
/// `BTCUSDT` linear.
pub const PERP: InstrumentId = InstrumentId(0);
/// `BTCUSDT` spot.
pub const SPOT: InstrumentId = InstrumentId(1);
pub const CREATE: &str = "/v5/order/create";
pub const TOPICS: [&str; 4] = ["execution", "order", "position", "wallet"];

pub fn n<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(START + ms)
}

pub fn instruments() -> Instruments {
    let all = shipped();
    let get = |category| all.get(all.find("BTCUSDT", category).unwrap()).clone();
    Instruments::new(vec![get(Category::Linear), get(Category::Spot)]).unwrap()
}

/// A whole price that is the last one and the bid; the ask is 0.1 above it.
pub fn price(ms: i64, instrument: InstrumentId, price: &str) -> Vec<(Timestamp, MarketEvent)> {
    let (last, size) = (n::<Price>(price), n::<Qty>("100"));
    let open = MarketEvent::BarOpen {
        instrument,
        price: last,
    };
    let quote = Quote {
        instrument,
        bid: last,
        bid_qty: size,
        ask: n(&format!("{price}.1")),
        ask_qty: size,
    };
    vec![(at(ms), open), (at(ms), MarketEvent::Quote(quote))]
}

pub fn mark(ms: i64, price: &str) -> (Timestamp, MarketEvent) {
    let (instrument, price) = (PERP, n(price));
    (at(ms), MarketEvent::Mark { instrument, price })
}

/// Both at 60000, and nothing that happens for a day.
pub fn quiet_market() -> Vec<(Timestamp, MarketEvent)> {
    [
        price(0, PERP, "60000"),
        price(0, SPOT, "60000"),
        price(86_400_000, PERP, "60000"),
    ]
    .concat()
}

pub fn config(events: Vec<(Timestamp, MarketEvent)>) -> SimConfig {
    SimConfig::new(
        instruments(),
        Box::new(ListFeed::new(events)),
        SimClock::Manual,
    )
}

/// The simulator's time, as a clock that may be wrong.
pub struct Wall {
    server: Arc<SimServer>,
    pub ahead_ms: AtomicI64,
}

impl WallClock for Wall {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        self.server.now().plus_millis(ahead)
    }
}

pub struct Desk {
    pub server: Arc<SimServer>,
    pub clock: Arc<Wall>,
    pub rest: Arc<RestClient>,
    pub broker: Arc<BybitBroker>,
}

/// A client whose waits are longer than any test's.
pub fn client(server: &SimServer, clock: &Arc<Wall>, key: &str) -> RestClient {
    let hosts = Hosts::local(&server.rest_url(), &server.ws_url()).unwrap();
    let clock: Arc<dyn WallClock> = Arc::clone(clock) as Arc<dyn WallClock>;
    let mut settings = RestSettings::new(hosts, clock);
    settings.timeouts = Timeouts {
        resolve: PATIENCE,
        connect_read: PATIENCE,
        read: PATIENCE,
        connect_order: PATIENCE,
        order: PATIENCE,
    };
    settings.credentials = Some(Arc::new(Credentials::new(key, TEST_SECRET).unwrap()));
    RestClient::new(settings).unwrap()
}

impl Desk {
    /// A quiet venue that has shown its first prices.
    pub async fn new() -> Self {
        Self::with(config(quiet_market())).await
    }

    /// A venue that has shown what it has to show at its start.
    pub async fn with(config: SimConfig) -> Self {
        let server = Arc::new(SimServer::start(config).await.unwrap());
        let clock = Arc::new(Wall {
            server: Arc::clone(&server),
            ahead_ms: AtomicI64::new(0),
        });
        let rest = Arc::new(client(&server, &clock, TEST_KEY));
        let broker = BybitBroker::new(Arc::clone(&rest), None, instruments(), "USDT").unwrap();
        let desk = Self {
            server,
            clock,
            rest,
            broker: Arc::new(broker),
        };
        desk.pass(0).await;
        desk
    }

    pub async fn pass(&self, ms: u64) {
        self.server.step(Step::Millis(ms)).await.unwrap();
    }

    pub fn fault(&self, value: Value) {
        self.server.fault(Fault::parse(value).unwrap()).unwrap();
    }

    pub fn drill(&self, value: Value) {
        let drill: Drill = serde_json::from_value(value).unwrap();
        self.server.drill(&drill).unwrap();
    }

    /// The next requests of `op` are answered with a code.
    pub fn answer(&self, op: &str, code: i64, message: &str, accept: bool) {
        self.drill(
            json!({"drill": "answer-code", "op": op, "code": code, "message": message,
            "accept": accept, "times": 1}),
        );
    }

    pub async fn submit(&self, name: &str, spec: OrderSpec) -> Submitted {
        self.broker.submit(&approved(name, spec), None).await
    }

    /// Sends an order that has to be taken.
    pub async fn place(&self, name: &str, spec: OrderSpec) {
        let outcome = self.submit(name, spec).await;
        assert_eq!(outcome, Submitted::Accepted, "{name}");
        self.pass(0).await;
    }

    pub async fn find(&self, name: &str, instrument: InstrumentId) -> Vec<String> {
        match self.broker.find(n(name), instrument).await.unwrap() {
            Found::Events(events) => short(&events),
            Found::Nowhere => vec!["nowhere".to_owned()],
        }
    }

    /// Something that somebody else with the same key sends.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let answer = self.rest.post(path, body.to_string(), Lane::Protective);
        let answer = answer.await.unwrap();
        self.pass(0).await;
        answer
    }

    /// Creates that were sent, as they were.
    pub fn creates(&self) -> Vec<Value> {
        let creates = self.server.counters().creates;
        let parse = |body: &String| serde_json::from_str(body).unwrap();
        creates.iter().map(parse).collect()
    }

    pub fn n_asked(&self, path: &str) -> u64 {
        let requests = self.server.counters().requests;
        requests.get(path).copied().unwrap_or(0)
    }

    /// Status and traded amount of an order, as the venue really has it.
    pub fn really(&self, name: &str) -> (String, Qty) {
        let truth = self.server.truth();
        let order = truth.orders.iter().find(|order| order.link_id == name);
        let order = order.unwrap_or_else(|| panic!("{name} is not at the venue"));
        (order.status.clone(), order.filled)
    }

    pub fn auth(&self) -> SocketAuth {
        let clock = Arc::clone(&self.clock);
        let now = Arc::new(move || clock.now());
        SocketAuth::new(TEST_KEY, SecretString::from(TEST_SECRET), now)
    }

    pub fn dial(&self, path: &str) -> Arc<Connector> {
        let url = format!("{}{path}", self.server.ws_url());
        Arc::new(Connector::new(&url, None).unwrap())
    }

    /// Options of a private socket that wastes no time between two tries.
    pub fn private_options(&self) -> SocketOptions {
        SocketOptions {
            topics: TOPICS.iter().map(|topic| Topic::quiet(*topic)).collect(),
            timing: quick(),
            ..SocketOptions::private(self.dial("/v5/private"), self.auth(), Arc::new(|| 1.0))
        }
    }

    /// A private socket that is up, and what reads it.
    pub async fn listen(&self) -> (Socket, PrivateStream) {
        let mut socket = Socket::open(self.private_options()).unwrap();
        assert_eq!(up(&mut socket).await, 1);
        let stream = PrivateStream::new(instruments(), self.broker.roster());
        (socket, stream)
    }
}

/// The usual waits, with hardly any between two tries.
pub fn quick() -> Timing {
    let short = Duration::from_millis(1);
    Timing {
        backoff_first: short,
        backoff_max: short,
        backoff_floor: short,
        ..Timing::default()
    }
}

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap()
}

/// Number of the connection that comes up next.
pub async fn up(socket: &mut Socket) -> u64 {
    loop {
        if let SocketEvent::Up { epoch } = soon(socket.events.recv()).await.unwrap() {
            return epoch;
        }
    }
}

/// The next frame of a topic.
pub async fn frame_of(socket: &mut Socket, topic: &str) -> String {
    loop {
        if let SocketEvent::Frame { text, .. } = soon(socket.events.recv()).await.unwrap() {
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["topic"] == topic {
                return text.to_string();
            }
        }
    }
}

pub fn order(instrument: InstrumentId, side: Side, qty: &str, kind: OrderKind) -> OrderSpec {
    let sleeps = kind.trigger().is_some();
    OrderSpec {
        instrument,
        side,
        qty: n(qty),
        kind,
        tif: TimeInForce::Gtc,
        reduce_only: instrument == PERP && side == Side::Sell,
        purpose: if sleeps {
            Purpose::StopLoss
        } else if side == Side::Sell {
            Purpose::Exit
        } else {
            Purpose::Entry
        },
    }
}

pub fn buy(instrument: InstrumentId, qty: &str) -> OrderSpec {
    order(instrument, Side::Buy, qty, OrderKind::Market)
}

pub fn sell(instrument: InstrumentId, qty: &str) -> OrderSpec {
    order(instrument, Side::Sell, qty, OrderKind::Market)
}

pub fn limit(instrument: InstrumentId, side: Side, qty: &str, price: &str) -> OrderSpec {
    let (price, post_only) = (n(price), false);
    order(instrument, side, qty, OrderKind::Limit { price, post_only })
}

pub fn stop(
    instrument: InstrumentId,
    qty: &str,
    trigger: &str,
    by: tradeterm::domain::TriggerPrice,
) -> OrderSpec {
    let trigger = n(trigger);
    order(instrument, Side::Sell, qty, OrderKind::Stop { trigger, by })
}

/// Asks risk, as a session does: nothing else can approve an order. One unit is held.
pub fn approved(name: &str, spec: OrderSpec) -> Approved {
    let limits = Limits::standard(n("100000000"));
    let now = at(0);
    let table = instruments();
    let scene = Scene {
        now,
        instrument: table.get(spec.instrument),
        level: KillLevel::Active,
        position: n::<Qty>("1").signed(Side::Buy),
        pending: (Qty::ZERO, Qty::ZERO),
        closing: Qty::ZERO,
        lacks: None,
        unresolved: None,
        reference: Some((n("60000"), now)),
        other_exposure: Money::ZERO,
        equity: limits.capital,
    };
    let intent = Intent {
        id: n(name),
        leg: LegId(0),
        trace: 1,
        decided_at: now,
        spec,
    };
    let breakers = Breakers::new(limits.clone());
    match Gate::new(limits).check(intent, &scene, &breakers) {
        Ok(approved) => approved,
        Err((refusal, _)) => panic!("{refusal}"),
    }
}

pub fn id(name: &str) -> ClientOrderId {
    n(name)
}

/// Events in short.
pub fn short(events: &[AccountEvent]) -> Vec<String> {
    let one = |event: &AccountEvent| match event {
        AccountEvent::Accepted { order } => format!("accepted {order}"),
        AccountEvent::Triggered { order } => format!("triggered {order}"),
        AccountEvent::Cancelled { order } => format!("cancelled {order}"),
        AccountEvent::Rejected { order, reason } => format!("rejected {order}: {reason}"),
        AccountEvent::NotSent { order, .. } => format!("not sent {order}"),
        AccountEvent::Unknown { order, .. } => format!("unknown {order}"),
        AccountEvent::NeverAccepted { order } => format!("never {order}"),
        AccountEvent::CancelRejected { order } => format!("too late {order}"),
        AccountEvent::Fill(fill) => {
            format!(
                "{} {} {} {}",
                fill.kind.name(),
                fill.order,
                fill.side,
                fill.qty
            )
        }
        AccountEvent::Report(report) => {
            let held = report.positions.iter().map(|p| p.size.to_string());
            format!("report {}", held.collect::<Vec<_>>().join(" "))
        }
        other @ AccountEvent::Funding { .. } => format!("{other:?}"),
    };
    events.iter().map(one).collect()
}
