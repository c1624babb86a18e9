//! `tradeterm record` against a simulated venue whose clock is moved by hand: what is recorded is
//! what was played, whatever ends the recording.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test and its helpers"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use common::{Home, signal, wait_for};
use rustix::process::Signal;
use serde_json::{Value, json};
use tradeterm::domain::{
    Bar, BarEvent, BookUpdate, Category, Funding, InstrumentId, Instruments, Interval, Level,
    MarketEvent, Price, PublicTrade, Qty, Quote, Side, Timestamp,
};
use tradeterm::venue::feed::Feed;
use tradeterm::venue::sim::instruments::shipped;
use tradeterm::venue::sim::recorded::{Manifest, open_market};
use tradeterm::venue::sim::server::{Fault, ListFeed, SimClock, SimConfig, SimServer, Step};

/// 2026-01-05T07:56:00Z: funding is due after four minutes.
const START: i64 = 1_767_571_200_000 + 476 * MINUTE;
const MINUTE: i64 = 60_000;
const MINUTES: i64 = 10;
const ID: InstrumentId = InstrumentId(0);

fn instruments() -> Instruments {
    let all = shipped();
    let id = all.find("BTCUSDT", Category::Linear).unwrap();
    Instruments::new(vec![all.get(id).clone()]).unwrap()
}

fn price(number: i64) -> Price {
    number.to_string().parse().unwrap()
}

fn qty(number: i64) -> Qty {
    number.to_string().parse().unwrap()
}

fn level(at: i64, size: i64) -> Level {
    Level {
        price: price(at),
        qty: qty(size),
    }
}

/// Ten minutes with all that a market has: the book's best prices are those of the quotes.
fn played() -> Vec<(Timestamp, MarketEvent)> {
    let interval: Interval = "1m".parse().unwrap();
    let mut events = Vec::new();
    let mut update_id = 100;
    for minute in 0..MINUTES {
        let open_time = START + minute * MINUTE;
        let base = 60_000 + 10 * minute;
        let mut add = |ms: i64, event| events.push((Timestamp::from_millis(open_time + ms), event));
        add(
            0,
            MarketEvent::BarOpen {
                instrument: ID,
                price: price(base),
            },
        );
        for n in 1..6 {
            let (bid, ask) = (base + n - 1, base + n + 1);
            add(
                n * 10_000,
                MarketEvent::Quote(Quote {
                    instrument: ID,
                    bid: price(bid),
                    bid_qty: qty(n),
                    ask: price(ask),
                    ask_qty: qty(n + 1),
                }),
            );
            update_id += 1;
            add(
                n * 10_000,
                MarketEvent::Book(BookUpdate {
                    instrument: ID,
                    snapshot: true,
                    update_id,
                    bids: vec![level(bid, n), level(bid - 3, 7)],
                    asks: vec![level(ask, n + 1), level(ask + 3, 8)],
                }),
            );
            add(
                n * 10_000 + 5,
                MarketEvent::Trade(PublicTrade {
                    instrument: ID,
                    price: price(if n % 2 == 0 { bid } else { ask }),
                    qty: qty(n),
                    taker: if n % 2 == 0 { Side::Sell } else { Side::Buy },
                }),
            );
        }
        let bar = Bar {
            open_time: Timestamp::from_millis(open_time),
            open: price(base),
            high: price(base + 12),
            low: price(base - 3),
            close: price(base + 10),
            volume: qty(100 + minute),
        };
        add(
            MINUTE,
            MarketEvent::Bar(BarEvent {
                instrument: ID,
                interval,
                confirmed: true,
                bar,
            }),
        );
        if (open_time + MINUTE) % (8 * 60 * MINUTE) == 0 {
            let rate = "0.0001".parse().unwrap();
            add(
                MINUTE,
                MarketEvent::Funding(Funding {
                    instrument: ID,
                    rate,
                }),
            );
        }
    }
    events
}

async fn venue() -> SimServer {
    let feed = ListFeed::new(played());
    let config = SimConfig::new(instruments(), Box::new(feed), SimClock::Manual);
    SimServer::start(config).await.unwrap()
}

/// A recording into a folder of its own.
struct Desk {
    home: Home,
}

impl Desk {
    fn new() -> Self {
        Self { home: Home::new() }
    }

    fn out(&self) -> PathBuf {
        self.home.path().join("tape")
    }

    fn command(&self, rest: &str, ws: &str, symbol: &str, extra: &[&str]) -> Command {
        let out = self.out().display().to_string();
        let mut command = self.home.command(&["record", "--json"]);
        command
            .args(["--symbol", symbol, "--interval", "1m", "--out", &out])
            .args(["--set", &format!("venue.rest_url={rest}")])
            .args(["--set", &format!("venue.ws_url={ws}")])
            .args(extra)
            .stdin(Stdio::null());
        command
    }

    /// A recording whose topics have all been confirmed.
    fn start(&self, server: &SimServer, extra: &[&str]) -> Running {
        let said = self.home.path().join("stderr");
        let child = self
            .command(&server.rest_url(), &server.ws_url(), "BTCUSDT", extra)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let running = Running(Some(child));
        let has_begun = wait_for(|| fs::read_to_string(&said).unwrap().contains("recording"));
        assert!(has_begun, "{}", fs::read_to_string(&said).unwrap());
        running
    }

    /// Waits until so many lines of a file are on the disk.
    #[track_caller]
    fn wait_for_lines(&self, name: &str, n_lines: usize) {
        let path = self.out().join(format!("bybit_linear_BTCUSDT_{name}"));
        let is_there = wait_for(|| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(text.is_empty() || text.ends_with('\n'), "a torn line");
            n_lines <= text.lines().count()
        });
        let text = fs::read_to_string(&path).unwrap();
        assert!(is_there, "{n_lines} lines of {name}:\n{text}");
    }
}

/// A recording at work; ended with its test.
struct Running(Option<Child>);

impl Running {
    fn end(mut self, by: Signal) -> Output {
        let child = self.0.take().unwrap();
        signal(&child, by);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It has ended already, unless its test failed.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn recorded(dir: &Path) -> Vec<(Timestamp, MarketEvent)> {
    let mut market = open_market(dir).unwrap();
    std::iter::from_fn(|| market.feed.next())
        .map(Result::unwrap)
        .collect()
}

/// Those events of which `pick` makes something.
fn picked<T>(
    events: &[(Timestamp, MarketEvent)],
    pick: impl Fn(Timestamp, &MarketEvent) -> Option<T>,
) -> Vec<T> {
    events
        .iter()
        .filter_map(|(at, event)| pick(*at, event))
        .collect()
}

fn bar(at: Timestamp, event: &MarketEvent) -> Option<(Timestamp, Bar)> {
    match event {
        MarketEvent::Bar(event) => Some((at, event.bar)),
        _ => None,
    }
}

fn trade(at: Timestamp, event: &MarketEvent) -> Option<(Timestamp, PublicTrade)> {
    match event {
        MarketEvent::Trade(trade) => Some((at, *trade)),
        _ => None,
    }
}

fn quote(at: Timestamp, event: &MarketEvent) -> Option<(Timestamp, Quote)> {
    match event {
        MarketEvent::Quote(quote) => Some((at, *quote)),
        _ => None,
    }
}

fn funding(_: Timestamp, event: &MarketEvent) -> Option<Funding> {
    match event {
        MarketEvent::Funding(funding) => Some(*funding),
        _ => None,
    }
}

/// Both sides of the book after all events: sizes by price.
fn last_book(events: &[(Timestamp, MarketEvent)]) -> [BTreeMap<Price, Qty>; 2] {
    let mut sides = [BTreeMap::new(), BTreeMap::new()];
    for (_, event) in events {
        let MarketEvent::Book(update) = event else {
            continue;
        };
        for (side, levels) in sides.iter_mut().zip([&update.bids, &update.asks]) {
            if update.snapshot {
                side.clear();
            }
            for level in levels {
                if level.qty == Qty::ZERO {
                    side.remove(&level.price);
                } else {
                    side.insert(level.price, level.qty);
                }
            }
        }
    }
    sides
}

/// A session and a backtest take the folder as their market.
#[track_caller]
fn plays(out: &Path) {
    let leg = "[[legs]]\nstrategy = \"ma-cross\"\nsymbol = \"BTCUSDT\"\ninterval = \"1m\"\n\
        fast = 2\nslow = 3\nlong_short = true\n";
    let (lines, code) = Home::on_market(out, leg, &[]).run(&[]);
    assert!(matches!(code, 0 | 12), "{code}");
    assert!(!lines.is_empty());
    let bars = out
        .join("bybit_linear_BTCUSDT_1m.csv")
        .display()
        .to_string();
    let output = Home::new().call(&["backtest", "--bars", &bars, "--rule", "ma-cross:2,3"]);
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_recorded_is_what_was_played() {
    for (by, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let server = venue().await;
        let desk = Desk::new();
        let running = desk.start(&server, &[]);
        for _ in 0..MINUTES {
            server.step(Step::UntilBar).await.unwrap();
        }
        server.step(Step::Events(100)).await.unwrap();
        let bars = usize::try_from(MINUTES).unwrap();
        desk.wait_for_lines("1m.csv", 1 + bars);
        desk.wait_for_lines("trades.csv", 1 + 5 * bars);
        let output = running.end(by);
        assert_eq!(output.status.code(), Some(code));
        let report = report(&output);
        let (played, recorded) = (played(), recorded(&desk.out()));
        assert_eq!(picked(&recorded, bar), picked(&played, bar));
        assert_eq!(picked(&recorded, trade), picked(&played, trade));
        assert_eq!(picked(&recorded, funding), picked(&played, funding));
        // The venue repeats a quiet quote, and tells an empty one before the first.
        let mut quotes = picked(&recorded, quote);
        quotes.dedup_by_key(|(_, quote)| *quote);
        let wanted = picked(&played, quote);
        let tail = quotes.len().checked_sub(wanted.len()).unwrap();
        assert!(tail <= 1, "{quotes:?}");
        assert_eq!(quotes[tail..], wanted);
        assert_eq!(last_book(&recorded), last_book(&played));
        assert!(!last_book(&recorded)[0].is_empty());
        assert_eq!(report["bars"], MINUTES);
        assert_eq!(report["trades"], 5 * MINUTES);
        assert_eq!(
            (&report["refused"], &report["reconnects"]),
            (&json!(0), &json!(0))
        );
        let gaps = report["gaps"].as_array().unwrap();
        assert!(gaps.iter().all(|gap| gap["kind"] == "silence"), "{gaps:?}");
        let manifest = Manifest::read(&desk.out()).unwrap();
        // A venue on this machine has no real market.
        assert!(manifest.synthetic);
        assert_eq!(manifest.start.millis(), START);
        assert!(START + MINUTES * MINUTE <= manifest.end.millis());
        plays(&desk.out());
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_a_gap_with_a_name() {
    let server = venue().await;
    let desk = Desk::new();
    let running = desk.start(&server, &["--depth", "1"]);
    for _ in 0..2 {
        server.step(Step::UntilBar).await.unwrap();
    }
    desk.wait_for_lines("1m.csv", 3);
    server
        .fault(Fault::parse(json!({"kind": "close", "socket": "public"})).unwrap())
        .unwrap();
    // Two minutes pass while nobody listens; the bar that forms afterwards shows the hole, and
    // the bars in it are read.
    assert!(wait_for(|| server
        .counters()
        .open
        .values()
        .all(|n| *n == 0)));
    for _ in 0..2 {
        server.step(Step::UntilBar).await.unwrap();
    }
    server.step(Step::Millis(20_000)).await.unwrap();
    desk.wait_for_lines("1m.csv", 5);
    server.step(Step::UntilBar).await.unwrap();
    desk.wait_for_lines("1m.csv", 6);
    let output = running.end(Signal::TERM);
    let report = report(&output);
    assert_eq!(report["reconnects"], 1, "{report:#}");
    let gaps = report["gaps"].as_array().unwrap();
    let gap = gaps.iter().find(|gap| gap["kind"] == "connection").unwrap();
    assert_eq!(gap["symbols"], json!(["BTCUSDT"]));
    assert!(gap["to"].is_string() && gap["cause"] != "", "{gap}");
    let recorded = recorded(&desk.out());
    let bars = picked(&recorded, bar);
    let wanted = picked(&played(), bar);
    assert_eq!(bars[..], wanted[..bars.len()], "no bar is missing");
    assert!(
        picked(&recorded, |_, event| matches!(event, MarketEvent::Book(_))
            .then_some(()))
        .is_empty()
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_was_killed_opens() {
    let server = venue().await;
    let desk = Desk::new();
    let running = desk.start(&server, &[]);
    for _ in 0..3 {
        server.step(Step::UntilBar).await.unwrap();
    }
    desk.wait_for_lines("1m.csv", 4);
    let output = running.end(Signal::KILL);
    assert_eq!(output.status.code(), None);
    let recorded = recorded(&desk.out());
    assert_eq!(picked(&recorded, bar), picked(&played(), bar)[..3]);
    // It is not written over.
    let again = desk
        .command(&server.rest_url(), &server.ws_url(), "BTCUSDT", &[])
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(3));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("market.json exists already"), "{said}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_is_over_ends_it_with_an_empty_folder_that_opens() {
    let server = venue().await;
    let desk = Desk::new();
    let output = desk
        .command(
            &server.rest_url(),
            &server.ws_url(),
            "BTCUSDT",
            &["--for", "1s"],
        )
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(report(&output)["bars"], 0);
    assert!(picked(&recorded(&desk.out()), bar).is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_recorded_is_said_in_one_line() {
    let server = venue().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = port.local_addr().unwrap();
    drop(port);
    let (rest, ws) = (server.rest_url(), server.ws_url());
    let (no_rest, no_ws) = (format!("http://{dead}"), format!("ws://{dead}"));
    for (rest, ws, symbol, extra, code, part) in [
        (
            &rest,
            &ws,
            "NOSUCHUSDT",
            &[][..],
            3,
            "lists no linear NOSUCHUSDT",
        ),
        (
            &rest,
            &ws,
            "BTCUSDT",
            &["--category", "spot"],
            3,
            "lists no spot BTCUSDT",
        ),
        (&no_rest, &no_ws, "BTCUSDT", &[], 5, "127.0.0.1"),
        (
            &rest,
            &ws,
            "BTCUSDT",
            &["--for", "soon"],
            2,
            "no length of time",
        ),
        (&rest, &ws, "BTCUSDT", &["--depth", "7"], 2, "--depth"),
    ] {
        let desk = Desk::new();
        let output = desk.command(rest, ws, symbol, extra).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{extra:?}: {said}");
        assert!(said.contains(part), "{extra:?}: {said}");
        assert!(output.stdout.is_empty());
        assert!(!desk.out().exists(), "nothing is made");
    }
    server.stop().await;
}
