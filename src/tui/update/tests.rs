//! Tests of the console as a state machine, with made-up times and pictures.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::control::{AccountView, Counters, SessionCommand, SessionView, StatsView, TradingState};
use crate::domain::{Money, Timestamp};

fn zero() -> Money {
    Money::default()
}

/// An empty recording.
pub(in crate::tui) fn snapshot() -> Snapshot {
    Snapshot {
        version: 1,
        at: None,
        session: SessionView {
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
        },
        state: TradingState {
            kill: KillLevel::Active,
            kill_reason: None,
            kill_since: None,
            pauses: Vec::new(),
            disconnected: false,
        },
        markets: Vec::new(),
        positions: Vec::new(),
        orders: Vec::new(),
        fills: Vec::new(),
        trades: Vec::new(),
        account: AccountView::default(),
        equity: Arc::from([]),
        stats: StatsView::default(),
        legs: Vec::new(),
        gauges: Vec::new(),
        last_refusal: None,
        notices: Vec::new(),
        counters: Counters::default(),
    }
}
