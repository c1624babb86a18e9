//! Tests of the console as a state machine, with made-up times and pictures.

mod acts;
mod kill;
mod props;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::control::{
    FeedHealth, LegPhase, LegView, MarketView, OrderView, PositionView, SessionView,
};
use crate::domain::{
    ClientOrderId, Interval, Money, Price, Purpose, Qty, Side, SignedQty, Symbol, TimeInForce,
    Timestamp,
};

/// An empty recording.
pub(in crate::tui) fn snapshot() -> Snapshot {
    Snapshot {
        version: 1,
        ..Snapshot::blank(SessionView {
            run_id: "test".to_owned(),
            mode: Mode::Replay,
            synthetic: true,
            feed: "demo".to_owned(),
            speed: Some(10.0),
            held: false,
            progress: None,
            ended: false,
            config_hash: String::new(),
            build: String::new(),
            inference: String::new(),
            coin: "USDT".to_owned(),
        })
    }
}

fn market(symbol: &str) -> MarketView {
    MarketView {
        symbol: Symbol::new(symbol).unwrap(),
        tick: Price::from_raw(1).unwrap(),
        qty_step: Qty::from_raw(1).unwrap(),
        last: None,
        change_24h: None,
        bid: None,
        ask: None,
        mark: None,
        funding: None,
        next_funding: None,
        interval: None,
        bars: Arc::from([]),
        next_close: None,
        book: None,
        health: FeedHealth::Waiting,
        updated: None,
        n_bad_bars: 0,
    }
}

fn order(number: u32) -> OrderView {
    OrderView {
        id: ClientOrderId::of_decision(7, Timestamp::from_millis(0), 'o', number),
        symbol: Symbol::new("ETHUSDT").unwrap(),
        side: Side::Buy,
        qty: Qty::from_raw(5).unwrap(),
        filled: Qty::ZERO,
        price: None,
        trigger: None,
        kind: "limit".to_owned(),
        state: "working".to_owned(),
        tif: TimeInForce::Gtc,
        reduce_only: false,
        purpose: Purpose::Entry,
        created: Timestamp::from_millis(0),
    }
}

/// Two markets, a position in the second, three orders, two differences, one leg.
fn busy() -> Snapshot {
    Snapshot {
        markets: vec![market("BTCUSDT"), market("ETHUSDT")],
        positions: vec![PositionView {
            symbol: Symbol::new("ETHUSDT").unwrap(),
            size: SignedQty::from_raw(5),
            entry: Price::from_raw(100).unwrap(),
            mark: None,
            unrealised: None,
            unrealised_rate: None,
            realised: Money::default(),
            stop: None,
            opened: Timestamp::from_millis(0),
            strategy: "ma-cross".to_owned(),
        }],
        orders: vec![order(0), order(1), order(2)],
        differences: vec![
            DifferenceView {
                class: "foreign order".into(),
                ours: "not ours".to_owned(),
                venue: "Sell 1 ETHUSDT (ab)".to_owned(),
                repair: "cancel it at the venue, or leave it".into(),
            },
            DifferenceView {
                class: "position".into(),
                ours: "0.05".to_owned(),
                venue: "0.02 ETHUSDT".to_owned(),
                repair: "adopt it, or close it".into(),
            },
        ],
        legs: vec![LegView {
            name: "ma-cross".to_owned(),
            family: "ma-cross".to_owned(),
            bundle_hash: None,
            symbol: Symbol::new("ETHUSDT").unwrap(),
            interval: Interval::from_millis(3_600_000).unwrap(),
            phase: LegPhase::Running,
            decision: None,
            features: Vec::new(),
            actions: Vec::new(),
            why: Vec::new(),
            n_decisions: 0,
            n_holds: 0,
            latency_us: None,
        }],
        ..snapshot()
    }
}

pub(in crate::tui) fn layout() -> Layout {
    Layout {
        panes: |view| if view == View::Blotter { 4 } else { 2 },
        rows: |view, pane, snapshot| match (view, pane) {
            (View::Blotter, 0) => snapshot.positions.len(),
            (View::Blotter, 1) => snapshot.orders.len(),
            (View::Agent, 0) => snapshot.legs.len(),
            (View::Health, 0) => snapshot.differences.len(),
            (View::Log, _) => 40,
            _ => 0,
        },
    }
}

/// A console in front of a latch that does what it is told.
struct Desk {
    ui: Ui,
    snapshot: Snapshot,
    latch: KillLevel,
    now_ms: u64,
    requests: Vec<Request>,
}

impl Desk {
    fn new(mode: Mode) -> Self {
        let model = Model {
            themes: ["dark", "light", "mono"].map(str::to_owned).to_vec(),
            ..Model::default()
        };
        let mut snapshot = busy();
        snapshot.session.mode = mode;
        Self {
            ui: Ui::new(model, Keymap::builtin(), layout()),
            snapshot,
            latch: KillLevel::Active,
            now_ms: 0,
            requests: Vec::new(),
        }
    }

    fn take(&mut self, msg: Msg) -> Vec<Request> {
        let requests = update(&mut self.ui, msg, &self.snapshot, self.latch);
        for request in &requests {
            match request {
                Request::Trip(level) => self.latch = self.latch.max(*level),
                Request::Command(Command::Trade(TradeCommand::Resume { level, .. })) => {
                    self.latch = *level;
                }
                _ => {}
            }
        }
        self.requests.extend(requests.iter().cloned());
        requests
    }

    fn event(&mut self, event: KeyEvent) -> Vec<Request> {
        let chord = Chord::of(&event);
        let is_kill = self.ui.keymap.is_kill(chord, self.ui.is_typing());
        let tripped = (is_kill && event.kind == KeyEventKind::Press).then(|| {
            // As the input thread does it.
            let before = self.latch;
            self.latch = before.max(KillLevel::ReduceOnly);
            before
        });
        let at_us = self.now_ms * 1_000;
        self.take(Msg::Key(KeyPress {
            event,
            at_us,
            tripped,
        }))
    }

    /// Presses a key, as written in the keymap file, one second after the last thing.
    fn key(&mut self, key: &str) -> Vec<Request> {
        self.wait(1_000);
        self.at_once(key)
    }

    fn at_once(&mut self, key: &str) -> Vec<Request> {
        self.event(event(key))
    }

    fn keys(&mut self, keys: &[&str]) -> Vec<Request> {
        keys.iter().flat_map(|key| self.key(key)).collect()
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            assert_eq!(self.event(key), []);
        }
    }

    /// Lets time pass with a frame and a tick each 20 ms.
    fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.now_ms += 20;
            let now_ms = self.now_ms;
            self.take(Msg::Shown {
                at_us: now_ms * 1_000,
            });
            self.take(Msg::Tick { now_ms });
        }
    }
}

fn event(key: &str) -> KeyEvent {
    let (modifiers, rest) = match key.strip_prefix("ctrl-") {
        Some(rest) => (KeyModifiers::CONTROL, rest),
        None => (KeyModifiers::NONE, key),
    };
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "space" => KeyCode::Char(' '),
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "f1" => KeyCode::F(1),
        "f12" => KeyCode::F(12),
        c => KeyCode::Char(c.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

fn trade(command: TradeCommand) -> Request {
    Request::Command(Command::Trade(command))
}

fn live() -> Desk {
    Desk::new(Mode::Live)
}
