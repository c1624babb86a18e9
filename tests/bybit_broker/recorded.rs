//! Frames of the documentation and of recordings: whatever they hold, none is dropped.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tradeterm::domain::AccountEvent;
use tradeterm::venue::bybit::broker::{PrivateStream, Roster};

use crate::desk::instruments;

fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("TRADETERM_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let folder = shared.join("bybit/fixtures/ws_private");
    folder.is_dir().then_some(folder)
}

#[test]
fn every_recorded_execution_is_an_event_or_strange() {
    let Some(folder) = folder() else {
        println!("skipped: no recorded frames of the private socket");
        return;
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut n_executions = 0;
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let Ok(frame) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        let topic = frame["topic"].as_str().unwrap_or_default();
        if !["order", "execution", "position", "wallet"].contains(&topic) {
            continue;
        }
        let mut stream = PrivateStream::new(instruments(), Arc::new(Roster::default()));
        let heard = stream.read(&text).unwrap();
        let n_rows = frame["data"].as_array().unwrap().len();
        let name = path.display();
        match topic {
            "execution" => {
                assert!(n_rows <= heard.events.len() + heard.strange.len(), "{name}");
                n_executions += n_rows;
            }
            // Nobody here has sent any of these orders.
            _ => assert!(heard.events.is_empty(), "{name}: {heard:?}"),
        }
        let is_foreign = |event: &AccountEvent| match event {
            AccountEvent::Fill(fill) => fill.order.as_str().starts_with("ext-"),
            _ => true,
        };
        assert!(heard.events.iter().all(is_foreign), "{name}: {heard:?}");
    }
    assert!(3 <= n_executions, "{n_executions}");
}
