//! The simulated venue on real sockets: REST, public, private and order-entry sockets, a control
//! plane, faults by script or seed, TLS.
//!
//! The venue itself is [`super::exchange`], which knows no socket and no clock. This room gives
//! it both. It binds loopback addresses only.
//!
//! Threads: tasks of the runtime it is started on. One task moves the market with the clock
//! (none when it is moved by hand), one accepts per listener, one serves each connection. All of
//! them end with [`SimServer`].
//!
//! | queue | bound | when full |
//! | --- | --- | --- |
//! | frames to a socket | 4,096 | the socket is closed: a slow reader; a walk by hand waits before |
//! | late frames of a socket | 4,096 | the socket is closed |

mod chaos;
mod clock;
mod connection;
mod control;
mod counters;
mod deeds;
mod entry;
pub mod fault;
mod force;
mod http;
mod hub;
mod listen;
mod market;
mod ops;
mod script;
mod shared;
mod socket;
#[cfg(test)]
mod tests;
mod tls;
mod walk;
mod words;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

pub use chaos::Chaos;
pub use clock::{SimClock, Wall};
pub use counters::{Auths, Counters};
pub use fault::Fault;
pub use market::{ListFeed, endless_market};
pub use script::{Script, ScriptError};
pub use socket::SocketKind;
pub use tls::{CA_FILE, Leaf, TlsError, TlsSetup};
pub use walk::{Step, Stepped};

use self::clock::Keeper;
use self::force::Faults;
use self::hub::Hub;
use self::market::Market;
use self::shared::Shared;
use self::tls::Tls;
use crate::domain::{Instruments, Money, Rate, Timestamp};
use crate::venue::feed::Feed;
use crate::venue::sim::exchange::{
    ApiKey, Drill, Exchange, ExchangeError, ExchangeSetup, Truth, VenueRules,
};
use crate::venue::sim::{Costs, Settings};

/// Key of a server that is not given another.
pub const TEST_KEY: &str = "testkey";
/// Secret of a server that is not given another.
pub const TEST_SECRET: &str = "testsecret";

/// How long sockets may take to say goodbye at the end.
const GOODBYE: Duration = Duration::from_secs(1);

/// Everything a server starts with.
pub struct SimConfig {
    /// Address of REST and the control plane; loopback, port 0 is any.
    pub rest: SocketAddr,
    /// Address of the sockets; `None`, or the same address, is that of REST.
    pub ws: Option<SocketAddr>,
    /// The venue. Its start is set to that of the market.
    pub exchange: ExchangeSetup,
    /// The market it shows, with the numbers of the venue's instruments.
    pub market: Box<dyn Feed>,
    /// Its clock.
    pub clock: SimClock,
    /// Market time that has passed before it starts, in milliseconds.
    pub history_ms: i64,
    /// Interval of its bars in milliseconds, 0 without any: a market of another time is moved to
    /// the wall's in such steps.
    pub interval_ms: i64,
    /// Faults to come.
    pub script: Script,
    /// TLS; `None` is plain.
    pub tls: Option<TlsSetup>,
}

impl SimConfig {
    /// A server on any port with the test key, 100,000 USDT, Bybit's standard fees and no fault.
    #[must_use]
    pub fn new(instruments: Instruments, market: Box<dyn Feed>, clock: SimClock) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let costs = Costs {
            maker: Rate::from_bps(2),
            taker: Rate::from_f64(0.000_55).unwrap_or_default(),
            slippage: Rate::from_bps(0),
        };
        Self {
            rest: any,
            ws: Some(any),
            exchange: ExchangeSetup {
                instruments,
                matcher: Settings::new(default_capital(), "USDT", costs),
                keys: vec![ApiKey::new(TEST_KEY, TEST_SECRET)],
                start: Timestamp::default(),
                rules: VenueRules::default(),
            },
            market,
            clock,
            history_ms: 0,
            interval_ms: 0,
            script: Script::default(),
            tls: None,
        }
    }
}

fn default_capital() -> Money {
    "100000".parse().unwrap_or_default()
}

impl std::fmt::Debug for SimConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimConfig")
            .field("rest", &self.rest)
            .field("ws", &self.ws)
            .field("market", &self.market.label())
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// An address that others can reach.
    #[error("{0} is no loopback address: the simulator listens on 127.0.0.1 or [::1] only")]
    NotLoopback(SocketAddr),
    /// An address that is taken, or not there.
    #[error("cannot listen on {addr}: {source}; name another port, 0 is any")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A pace that is none.
    #[error("speed {0} is not above zero")]
    Speed(f64),
    /// The venue refuses its setup.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// There are no certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running simulated venue. It ends when it is dropped.
pub struct SimServer {
    shared: Arc<Shared>,
    rest: SocketAddr,
    ws: SocketAddr,
    ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for SimServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimServer")
            .field("rest", &self.rest)
            .field("ws", &self.ws)
            .field("ca_file", &self.ca_file)
            .finish_non_exhaustive()
    }
}

impl SimServer {
    /// Starts a server on the current runtime.
    ///
    /// # Errors
    ///
    /// When an address is no loopback address or taken, or the venue or TLS cannot be set up.
    pub async fn start(config: SimConfig) -> Result<Self, SimError> {
        let ws = config.ws.unwrap_or(config.rest);
        for addr in [config.rest, ws] {
            if !addr.ip().is_loopback() {
                return Err(SimError::NotLoopback(addr));
            }
        }
        if let SimClock::Market { speed } = config.clock
            && !(speed.is_finite() && 0.0 < speed)
        {
            return Err(SimError::Speed(speed));
        }
        let tls = config.tls.as_ref().map(Tls::make).transpose()?;
        // Two any-ports are two ports; one named port is one listener.
        let is_one = config.ws.is_none() || (ws == config.rest && ws.port() != 0);
        let listeners = listen::bind(config.rest, ws, is_one).await?;
        let is_manual = matches!(config.clock, SimClock::Manual);
        let shared = Arc::new(Shared {
            hub: Mutex::new(make_hub(config)?),
            tasks: Mutex::new(JoinSet::new()),
            stop: watch::Sender::new(false),
            turn: tokio::sync::Mutex::new(()),
        });
        let addresses = (listeners.rest, listeners.ws);
        let ca_file = tls.as_ref().map(|tls| tls.ca_file.clone());
        listen::serve(&shared, listeners, tls.as_ref().map(|tls| &tls.config));
        if !is_manual {
            let pump = Arc::clone(&shared);
            shared.spawn(async move { pump.pump().await });
        }
        Ok(Self {
            shared,
            rest: addresses.0,
            ws: addresses.1,
            ca_file,
        })
    }

    /// Address of REST.
    #[must_use]
    pub const fn rest(&self) -> SocketAddr {
        self.rest
    }

    /// Address of the sockets.
    #[must_use]
    pub const fn ws(&self) -> SocketAddr {
        self.ws
    }

    /// Base of REST paths, such as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn rest_url(&self) -> String {
        let scheme = if self.ca_file.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.rest)
    }

    /// Base of socket paths, such as `ws://127.0.0.1:4712`.
    #[must_use]
    pub fn ws_url(&self) -> String {
        let scheme = if self.ca_file.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.ws)
    }

    /// Certificate of the authority that signed the server's, with TLS.
    #[must_use]
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The simulator's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.hub().now()
    }

    /// Moves a manual clock; returns when every push is written to its socket.
    ///
    /// # Errors
    ///
    /// When the clock is not moved by hand.
    pub async fn step(&self, step: Step) -> Result<Stepped, String> {
        self.shared.step(step).await
    }

    /// What really happened.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.shared.truth()
    }

    /// What was seen.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.hub().counted()
    }

    /// Adds a fault, which begins at once unless it says when.
    ///
    /// # Errors
    ///
    /// When it is a drill that names what the venue does not have.
    pub fn fault(&self, fault: Fault) -> Result<(), String> {
        self.shared.fault(fault)
    }

    /// Carries out a drill of the venue.
    ///
    /// # Errors
    ///
    /// When it names what the venue does not have.
    pub fn drill(&self, drill: &Drill) -> Result<(), String> {
        self.shared.drill(drill)
    }

    /// Ends the server in order: sockets are told, then everything is closed.
    pub async fn stop(self) {
        self.shared.stop.send_replace(true);
        let sockets: Vec<_> = std::mem::take(&mut self.shared.hub().sockets)
            .into_values()
            .collect();
        for socket in &sockets {
            // Going away.
            socket.end(Some(1_001));
        }
        let mut tasks = std::mem::take(
            &mut *self
                .shared
                .tasks
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let deadline = Instant::now() + GOODBYE;
        while let Ok(Some(_)) = timeout_at(deadline, tasks.join_next()).await {}
        tasks.shutdown().await;
    }
}

impl Drop for SimServer {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        let mut tasks = self
            .shared
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        tasks.abort_all();
    }
}

/// The hub at its start: the market's past has been shown to the venue.
fn make_hub(config: SimConfig) -> Result<Hub, SimError> {
    let SimConfig {
        exchange: mut setup,
        market,
        clock,
        history_ms,
        interval_ms,
        script,
        ..
    } = config;
    let mut market = Market::new(market);
    let from;
    let until;
    if let SimClock::Real(wall) = &clock {
        until = wall();
        market.move_to(until, history_ms, interval_ms);
        from = market.peek().map_or(until, |first| first.min(until));
    } else {
        from = market.peek().unwrap_or_default();
        until = from.plus_millis(history_ms);
    }
    setup.start = from;
    let exchange = Exchange::new(setup)?;
    let keeper = Keeper::new(&clock, until);
    let mut hub = Hub::new(exchange, market, keeper, Faults::new(script));
    if from < until {
        hub.play_history(until);
    }
    Ok(hub)
}
