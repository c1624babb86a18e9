//! A gateway before the simulated venue, and what an engine behind it would hear.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tradeterm::control::KillSwitch;
use tradeterm::domain::{KillLevel, OrderSpec};
use tradeterm::engine::Event;
use tradeterm::runtime::clock::Clock;
use tradeterm::runtime::{
    Due, Gateway, GatewayParts, GatewayTiming, Heard, Live, Remote, Source, VenueBoard, VenueWord,
    live,
};
use tradeterm::venue::broker::Broker;
use tradeterm::venue::bybit::clock::WallClock;

use crate::desk::{Desk, approved, at, id, short, soon};

pub struct Gate {
    remote: Remote,
    source: Live,
    heard: mpsc::Sender<Heard>,
    pub said: Vec<String>,
}

/// Looks at once and reads the account only when something has happened.
fn timing() -> GatewayTiming {
    let (short, long) = (Duration::from_millis(1), Duration::from_hours(1));
    GatewayTiming {
        fence: Duration::ZERO,
        visibility: Duration::ZERO,
        look: short,
        again: short,
        busy: long,
        quiet: long,
        overlap: Duration::from_mins(1),
    }
}

impl Gate {
    /// A gateway whose account stream is not connected yet.
    pub fn open(desk: &Desk) -> Self {
        let clock: Arc<dyn WallClock> = Arc::clone(&desk.clock) as Arc<dyn WallClock>;
        let board = VenueBoard::default();
        let (source, inbox) = live(Arc::clone(&clock), board.clone());
        let word = VenueWord::default();
        let (remote, outbox) = Remote::new(2, word.clone(), 2_000);
        let (heard, words) = mpsc::channel(64);
        let (kill, _reset) = KillSwitch::new(KillLevel::Active);
        let gateway = Gateway::new(GatewayParts {
            broker: Arc::clone(&desk.broker),
            outbox,
            heard: words,
            inbox,
            kill,
            word,
            board,
            since: at(0),
            clock,
            timing: timing(),
        });
        tokio::spawn(gateway.run());
        Self {
            remote,
            source,
            heard,
            said: Vec::new(),
        }
    }

    /// The account's stream is there. The account is read then and twice more, and not again
    /// before something happens.
    pub async fn connect(&mut self) {
        self.heard.send(Heard::Up).await.unwrap();
        for _ in 0..3 {
            self.until("report").await;
        }
    }

    pub fn submit(&mut self, name: &str, spec: OrderSpec) {
        self.remote.submit(at(0), approved(name, spec));
    }

    pub fn cancel(&mut self, name: &str) {
        self.remote.cancel(at(0), id(name));
    }

    /// Waits until the engine hears something that begins so, and gives it.
    pub async fn until(&mut self, start: &str) -> String {
        soon(async {
            loop {
                match self.source.next(&Clock::start()).unwrap() {
                    Due::Event(_, Event::Account(event)) => {
                        let text = short(&[event]).remove(0);
                        self.said.push(text.clone());
                        if text.starts_with(start) {
                            return text;
                        }
                    }
                    Due::Event(..) => {}
                    Due::Nothing(_) => tokio::task::yield_now().await,
                    Due::Ended => panic!("the gateway has ended: {:?}", self.said),
                }
            }
        })
        .await
    }

    pub fn has(&self, start: &str) -> bool {
        self.said.iter().any(|said| said.starts_with(start))
    }
}
