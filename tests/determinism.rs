//! The same inputs give the same decisions, orders, fills and money, whoever drives the engine.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use common::{Home, agent_leg, ma_leg};
use tradeterm::app::{build_session, open_market};
use tradeterm::config::{BarsSettings, FeedKind, LegSettings, Settings, StrategyKind};
use tradeterm::control::{Line, LineKind};
use tradeterm::domain::{Intent, KillLevel, Money, NotSent, Symbol, Timestamp};
use tradeterm::engine::{Effect, EffectRecord, Event};
use tradeterm::runtime::{LineNames, Session, Step, Witness, backtest};

/// Keeps the lines and, where asked for, the steps of a backtest.
struct Collector {
    names: LineNames,
    keeps_steps: bool,
    lines: Vec<String>,
    steps: Vec<(u64, Timestamp, Event, Vec<EffectRecord>)>,
    buffer: Vec<Line>,
}

impl Witness for Collector {
    type Error = std::convert::Infallible;

    fn source(&mut self, _: Timestamp, _: &Event) -> Result<(), Self::Error> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<(), Self::Error> {
        self.names
            .of_step(step.at, step.event, step.effects, &mut self.buffer);
        for line in self.buffer.drain(..) {
            if !is_about_the_session(&line) {
                self.lines.push(serde_json::to_string(&line).unwrap());
            }
        }
        if self.keeps_steps {
            let effects = step.effects.iter().map(Effect::to_record).collect();
            self.steps
                .push((step.seq, step.at, step.event.clone(), effects));
        }
        Ok(())
    }

    fn admit(&mut self, _: &Intent) -> Result<(), NotSent> {
        Ok(())
    }
}

fn is_about_the_session(line: &Line) -> bool {
    match &line.kind {
        LineKind::Status { .. } => true,
        LineKind::Notice { topic, .. } => topic == "session",
        _ => false,
    }
}

fn play(settings: &Settings, keeps_steps: bool) -> (Collector, Money) {
    let mut market = open_market(settings).unwrap();
    let built = build_session(
        settings,
        &market.instruments,
        &market.intervals,
        KillLevel::Active,
    )
    .unwrap();
    let mut collector = Collector {
        names: built.names,
        keeps_steps,
        lines: Vec::new(),
        steps: Vec::new(),
        buffer: Vec::new(),
    };
    let mut session = Session::new(built.engine, built.broker, built.watch);
    backtest(&mut session, &mut market.feed, &mut collector, |_, _| {}).unwrap();
    (collector, session.engine.equity())
}

/// Lines of a headless run without those about the session, and the equity it ended with.
fn of_program(home: &Home, extra: &[&str]) -> (Vec<String>, String) {
    let (lines, code) = home.run(extra);
    assert_eq!(code, 0);
    let mut kept = Vec::new();
    let mut equity = String::new();
    for line in lines {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        match value["type"].as_str().unwrap() {
            "status" => {
                if let Some(text) = value["equity"].as_str() {
                    text.clone_into(&mut equity);
                }
            }
            "notice" if value["topic"] == "session" => {}
            _ => kept.push(line),
        }
    }
    (kept, equity)
}

fn count(lines: &[String], kind: &str) -> usize {
    let word = format!("\"type\":\"{kind}\"");
    lines.iter().filter(|line| line.contains(&word)).count()
}

#[track_caller]
fn assert_same(a: &[String], b: &[String]) {
    for (n, (a, b)) in a.iter().zip(b).enumerate() {
        assert_eq!(a, b, "line {n}");
    }
    assert_eq!(a.len(), b.len());
}

#[test]
fn the_demo_is_the_same_twice_in_the_library_and_in_the_program() {
    let (first, equity) = play(&Settings::default(), false);
    let (second, again) = play(&Settings::default(), false);
    assert_same(&first.lines, &second.lines);
    assert_eq!(equity, again);
    let (program, shown) = of_program(&Home::new(), &["--demo"]);
    assert_same(&first.lines, &program);
    assert_eq!(shown, equity.to_string());
    let (program, shown_again) = of_program(&Home::new(), &["--demo"]);
    assert_same(&first.lines, &program);
    assert_eq!(shown_again, shown);
    let (n_orders, n_fills) = (count(&program, "order"), count(&program, "fill"));
    assert!(n_orders > 100 && n_fills > 100, "{n_orders} {n_fills}");
    eprintln!(
        "demo: 4 runs equal, {} lines, {n_orders} order lines, {n_fills} fills, equity {equity}",
        program.len()
    );
}

#[test]
fn a_recorded_market_gives_backtest_and_paper_run_the_same_lines() {
    let market = common::market("BTCUSDT,SOLUSDT", 4);
    let legs = agent_leg("rppo_btcusdt_5m") + &ma_leg("SOLUSDT", 5, 20);
    let home = Home::on_market(market.path(), &legs, &[]);
    let mut settings = Settings::default();
    settings.feed.kind = FeedKind::Market;
    settings.feed.market = Some(market.path().to_owned());
    settings.legs = vec![
        LegSettings {
            model: Some(PathBuf::from("models/rppo_btcusdt_5m")),
            ..LegSettings::new(StrategyKind::Agent)
        },
        LegSettings {
            symbol: Some(Symbol::new("SOLUSDT").unwrap()),
            fast: Some(5),
            slow: Some(20),
            long_short: Some(true),
            ..LegSettings::new(StrategyKind::MaCross)
        },
    ];
    let (backtest, equity) = play(&settings, false);
    let (program, shown) = of_program(&home, &[]);
    assert_same(&backtest.lines, &program);
    assert_eq!(shown, equity.to_string());
    assert!(count(&program, "fill") > 10);
    assert!(count(&program, "decision") > 1_000);
}

/// The first rows of a recording of the shared data, where it is present.
fn slice(folder: &Path, rows: usize) -> Option<PathBuf> {
    let shared = std::env::var_os("TRADETERM_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let name = "bybit_linear_BTCUSDT_5m.csv";
    let file = std::fs::File::open(shared.join("data/klines").join(format!("{name}.gz"))).ok()?;
    let reader = BufReader::new(flate2::read::MultiGzDecoder::new(file));
    let text: Vec<String> = reader.lines().take(rows + 1).map(Result::unwrap).collect();
    let path = folder.join(name);
    std::fs::write(&path, text.join("\n") + "\n").unwrap();
    Some(path)
}

fn on_bars(path: &Path, bundle: &str) -> Settings {
    let mut settings = Settings::default();
    settings.feed.kind = FeedKind::Bars;
    settings.feed.bars = vec![BarsSettings {
        path: path.to_owned(),
        symbol: None,
        interval: None,
        funding: None,
    }];
    settings.legs = vec![LegSettings {
        model: Some(PathBuf::from("models").join(bundle)),
        ..LegSettings::new(StrategyKind::Agent)
    }];
    settings
}

#[test]
fn real_bars_give_backtest_and_paper_run_the_same_lines() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = slice(folder.path(), 3_000) else {
        eprintln!("skipped: no recordings in ../shared");
        return;
    };
    for bundle in ["ppo_btcusdt_5m", "rppo_btcusdt_5m"] {
        let (backtest, equity) = play(&on_bars(&path, bundle), false);
        let mut home = Home::new();
        for flag in [
            "--bars",
            &path.display().to_string(),
            "--model",
            &format!("models/{bundle}"),
        ] {
            home.flags.push(flag.to_owned());
        }
        let (program, shown) = of_program(&home, &[]);
        assert_same(&backtest.lines, &program);
        assert_eq!(shown, equity.to_string());
        let n_fills = count(&program, "fill");
        let n_decisions = count(&program, "decision");
        assert!(
            n_fills > 0 && n_decisions > 2_000,
            "{n_fills} {n_decisions}"
        );
        eprintln!("{bundle}: {n_decisions} decisions, {n_fills} fills, equity {equity}, all equal");
    }
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("BTCUSDT_5m.csv");
    let market = common::market("BTCUSDT", 3);
    let file = std::fs::File::open(market.path().join("BTCUSDT_5m.csv.gz")).unwrap();
    let reader = BufReader::new(flate2::read::MultiGzDecoder::new(file));
    let mut rows: Vec<String> = reader.lines().map(Result::unwrap).collect();
    let write = |rows: &[String]| std::fs::write(&path, rows.join("\n") + "\n").unwrap();
    write(&rows);
    let (before, _) = play(&on_bars(&path, "rppo_btcusdt_5m"), true);
    // The last bar ends a tenth higher than it did.
    let last = rows.pop().unwrap();
    let mut cells: Vec<String> = last.split(',').map(str::to_owned).collect();
    let open_ms: i64 = cells[0].parse().unwrap();
    let close: f64 = cells[4].parse().unwrap();
    cells[2] = format!("{:.1}", close * 1.1);
    cells[4] = cells[2].clone();
    rows.push(cells.join(","));
    write(&rows);
    let (after, _) = play(&on_bars(&path, "rppo_btcusdt_5m"), true);
    let edit = Timestamp::from_millis(open_ms);
    let n_before = before.steps.iter().filter(|s| s.1 < edit).count();
    assert!(n_before > 800, "{n_before}");
    assert_eq!(before.steps[..n_before], after.steps[..n_before]);
    let first = before
        .steps
        .iter()
        .zip(&after.steps)
        .find(|(a, b)| a != b)
        .expect("the edit is seen");
    assert_ne!(
        first.0.2, first.1.2,
        "nothing differs before the edited input"
    );
    assert!(edit <= first.0.1);
}
