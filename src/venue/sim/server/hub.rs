//! Everything of a simulated venue that is shared: the venue itself, its market, its time, its
//! sockets, its faults. One mutex guards it, for short sections and never across a wait.
//!
//! Whoever comes in first lets everything happen that is due by now ([`Hub::settle`]): market
//! events, held requests, faults, in the order of their times. Then the venue answers, and what
//! it pushes is put into the sockets' queues before the mutex is released. So every socket sees
//! the venue's order, and no answer depends on which task ran first.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::clock::Keeper;
use super::counters::Counters;
use super::force::Faults;
use super::market::Market;
use super::socket::{Line, Lost, Out, Socket, SocketKind};
use crate::domain::Timestamp;
use crate::venue::sim::exchange::{Call, Exchange, Method, PrivatePush, Reply, SocketUser};

/// A REST request, kept for as long as it takes.
#[derive(Debug, Clone)]
pub(super) struct OwnedCall {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
}

/// Something that happens later, in the simulator's time.
#[derive(Debug)]
pub(super) enum Later {
    /// A held request reaches the venue.
    Call(Box<OwnedCall>, oneshot::Sender<Reply>),
    /// A late answer is let go.
    Release(oneshot::Sender<()>),
    /// A held order-entry request reaches the venue.
    Op(u64, SocketUser, String),
    /// A late order-entry answer is given.
    Say(u64, String),
}

/// See the module.
pub(super) struct Hub {
    pub(super) exchange: Exchange,
    pub(super) keeper: Keeper,
    pub(super) sockets: BTreeMap<u64, Socket>,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    pub(super) market: Market,
    pub(super) started: Timestamp,
    later: BTreeMap<(Timestamp, u64), Later>,
    n_later: u64,
    n_sockets: u64,
    n_frames: u64,
}

impl Hub {
    /// A hub whose market has not begun.
    pub(super) fn new(exchange: Exchange, market: Market, keeper: Keeper, faults: Faults) -> Self {
        let mut hub = Self {
            exchange,
            keeper,
            sockets: BTreeMap::new(),
            faults,
            counters: Counters::default(),
            market,
            started: Timestamp::default(),
            later: BTreeMap::new(),
            n_later: 0,
            n_sockets: 0,
            n_frames: 0,
        };
        hub.started = hub.now();
        hub
    }

    /// The simulator's time.
    pub(super) fn now(&mut self) -> Timestamp {
        self.keeper.now()
    }

    /// Counters, with what is counted elsewhere.
    pub(super) fn counted(&self) -> Counters {
        let mut counters = self.counters.clone();
        counters.faults = self.faults.hits().clone();
        for socket in self.sockets.values() {
            *counters.open.entry(socket.kind.name()).or_default() += 1;
        }
        counters
    }

    /// Shows the venue what lies before its start; nobody listens yet and no fault begins.
    pub(super) fn play_history(&mut self, until: Timestamp) {
        while self.market.peek().is_some_and(|at| at <= until) {
            self.market_event();
            drop(self.exchange.take_public());
            drop(self.exchange.take_private());
        }
        self.note_trouble();
        self.exchange.advance(until);
        self.run_faults(until);
    }

    /// Lets happen what is due by `now`, at most `budget` things; whether more is due.
    pub(super) fn settle(&mut self, now: Timestamp, budget: usize) -> bool {
        for _ in 0..budget {
            match self.next_due() {
                Some(at) if at <= now => self.happen(!self.keeper.is_manual()),
                _ => {
                    self.exchange.advance(now);
                    self.dispatch();
                    self.run_faults(now);
                    return false;
                }
            }
        }
        true
    }

    /// Time of the next thing that happens by itself. By hand the market only moves in a walk:
    /// events of a moment that has begun wait there for the next one.
    fn next_due(&self) -> Option<Timestamp> {
        let market = self.market.peek().filter(|_| !self.keeper.is_manual());
        [market, self.next_later()].into_iter().flatten().min()
    }

    pub(super) fn next_later(&self) -> Option<Timestamp> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    /// How long until something is due; `None` when nobody knows.
    pub(super) fn until_next(&mut self) -> Option<Duration> {
        let at = self.next_due()?;
        self.keeper.until(at)
    }

    /// Lets the next thing happen: what is held before the market event of the same moment.
    pub(super) fn happen(&mut self, with_market: bool) {
        let market = self.market.peek().filter(|_| with_market);
        match (self.next_later(), market) {
            (Some(held), Some(market)) if market < held => self.market_event(),
            (Some(_), _) => {
                if let Some(((at, _), later)) = self.later.pop_first() {
                    self.do_later(at, later);
                }
            }
            (None, _) => self.market_event(),
        }
        self.dispatch();
    }

    fn market_event(&mut self) {
        if let Some((at, event)) = self.market.take() {
            self.counters.events += 1;
            self.exchange.advance(at);
            self.exchange.on_market(at, &event);
            self.keeper.move_to(at);
        }
        self.note_trouble();
    }

    fn note_trouble(&mut self) {
        if let Some(error) = self.market.take_trouble() {
            self.counters
                .trouble(format!("the market has ended: {error}"));
        }
    }

    fn do_later(&mut self, at: Timestamp, later: Later) {
        // Whoever waited may have gone; the venue carries requests out all the same.
        match later {
            Later::Call(call, reply) => drop(reply.send(self.rest(at, &call))),
            Later::Release(release) => {
                let _gave_up = release.send(()).is_err();
            }
            Later::Op(id, user, frame) => {
                if let Some(text) = self.order_entry(id, &user, at, &frame) {
                    self.say(id, text);
                }
            }
            Later::Say(id, text) => self.say(id, text),
        }
    }

    /// Lets something happen `ms` from `now` on.
    pub(super) fn schedule(&mut self, now: Timestamp, ms: u64, later: Later) {
        self.n_later += 1;
        let at = now.plus_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        self.later.insert((at, self.n_later), later);
    }

    /// Hands a request to the venue and its pushes to the sockets.
    pub(super) fn rest(&mut self, now: Timestamp, call: &OwnedCall) -> Reply {
        let headers = |name: &str| {
            let value = call.headers.get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let reply = self.exchange.rest(
            now,
            &Call {
                method: call.method,
                path: &call.path,
                query: &call.query,
                body: &call.body,
                headers: &headers,
            },
        );
        self.dispatch();
        reply
    }

    // Sockets.

    /// A new socket.
    pub(super) fn open(&mut self, kind: SocketKind) -> (u64, Line) {
        self.n_sockets += 1;
        let id = self.n_sockets;
        let (socket, line) = Socket::new(kind, format!("sim-{id:06}"));
        self.sockets.insert(id, socket);
        *self.counters.connects.entry(kind.name()).or_default() += 1;
        (id, line)
    }

    /// A connection has ended.
    pub(super) fn closed(&mut self, id: u64) {
        self.sockets.remove(&id);
    }

    /// Answers a socket; its reader is closed when it is too slow.
    pub(super) fn say(&mut self, id: u64, text: String) {
        if let Some(socket) = self.sockets.get(&id)
            && let Err(why) = socket.say(Message::text(text))
        {
            self.lose(id, why);
        }
    }

    /// Sends one push to one socket, if no fault is against it.
    pub(super) fn push(&mut self, id: u64, topic: &str, text: &Utf8Bytes) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            let fate = self.faults.push(socket.kind, topic);
            self.counters.pushes += u64::from(fate.copies);
            if let Err(why) = socket.push(text, fate) {
                self.lose(id, why);
            }
        }
    }

    /// A socket whose queue takes nothing more.
    pub(super) fn lose(&mut self, id: u64, why: Lost) {
        if let Some(socket) = self.sockets.remove(&id)
            && why == Lost::Slow
        {
            tracing::warn!(
                kind = socket.kind.name(),
                "closed a socket with a slow reader"
            );
            self.counters.slow_readers += 1;
            socket.end(None);
        }
    }

    /// Puts what the venue pushes into the queues of those who subscribed to it.
    pub(super) fn dispatch(&mut self) {
        for push in self.exchange.take_public() {
            let text = Utf8Bytes::from(push.frame);
            let wanted = self.ids(|socket| {
                socket.kind.category() == Some(push.category) && socket.topics.contains(&push.topic)
            });
            for id in wanted {
                self.push(id, &push.topic, &text);
            }
        }
        for push in self.exchange.take_private() {
            self.dispatch_private(push);
        }
    }

    fn dispatch_private(&mut self, push: PrivatePush) {
        self.n_frames += 1;
        let categorised = format!("{}.{}", push.topic, push.category);
        let data = match push.data {
            Value::Array(list) => Value::Array(list),
            one => Value::Array(vec![one]),
        };
        for topic in [push.topic, categorised.as_str()] {
            let wanted = self
                .ids(|socket| socket.kind == SocketKind::Private && socket.topics.contains(topic));
            if wanted.is_empty() {
                continue;
            }
            let frame = json!({
                "id": format!("sim-{:09}", self.n_frames),
                "topic": topic,
                "creationTime": push.at.millis(),
                "data": &data,
            });
            let text = Utf8Bytes::from(frame.to_string());
            for id in wanted {
                self.push(id, topic, &text);
            }
        }
    }

    pub(super) fn ids(&self, wanted: impl Fn(&Socket) -> bool) -> Vec<u64> {
        self.sockets
            .iter()
            .filter(|(_, socket)| wanted(socket))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Queues of the sockets that are written to.
    pub(super) fn queues(&self) -> Vec<(u64, mpsc::Sender<Out>)> {
        self.sockets
            .iter()
            .filter(|(_, socket)| !socket.is_half_open)
            .map(|(id, socket)| (*id, socket.queue()))
            .collect()
    }
}
