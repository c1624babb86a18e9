//! What goes to standard output, and that it is nothing else.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::desk::{Desk, demo, market};

#[test]
fn the_demo_prints_json_lines_and_nothing_else() {
    let (_, said) = demo();
    assert_eq!(said.code, 0, "{}", said.err);
    let mut types = BTreeSet::new();
    let mut before = 0;
    for line in said.out.lines() {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(value["v"], 1, "{line}");
        let ts = value["ts"].as_i64().unwrap();
        assert!(before <= ts && 1_700_000_000_000 < ts, "{line}");
        before = ts;
        types.insert(value["type"].as_str().unwrap().to_owned());
    }
    for wanted in [
        "bar", "decision", "fill", "order", "risk", "status", "trade",
    ] {
        assert!(types.contains(wanted), "{wanted}: {types:?}");
    }
}

#[test]
fn the_demo_ends_with_one_line_for_people() {
    let (_, said) = demo();
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    let last: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["status"], "ended");
    let trades = format!("{} trades", last["trades"]);
    for part in [
        "the recording is over",
        "of 25000.00",
        &trades,
        "level active",
    ] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
}

#[test]
fn quiet_says_nothing_to_people() {
    let desk = Desk::new();
    let bars = market("five/BTCUSDT_5m.csv.gz");
    let said = desk.run(&[
        "run",
        "--no-tui",
        "-q",
        "--bars",
        &bars,
        "--rule",
        "ma-cross:10,30",
    ]);
    assert_eq!(said.err, "");
    assert!(said.ok().lines().count() > 800);
}

#[test]
fn json_is_json() {
    let desk = Desk::new();
    let status: Value = serde_json::from_str(&desk.run(&["status", "--json"]).ok()).unwrap();
    assert_eq!(status["running"], false);
    assert_eq!(status["level"], "active");
    assert!(!desk.home().exists(), "looking makes no folders");
    let bars = market("five/BTCUSDT_5m.csv.gz");
    let said = desk.run(&[
        "backtest",
        "--json",
        "--bars",
        &bars,
        "--rule",
        "ma-cross:10,30",
    ]);
    assert_eq!(said.err, "");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let (demo, _) = demo();
    let home = demo.home();
    let said = desk.run(&["report", "--format", "json", home.to_str().unwrap()]);
    let session: Value = serde_json::from_str(&said.ok()).unwrap();
    assert_eq!(
        report.as_object().unwrap().keys().collect::<Vec<_>>(),
        session.as_object().unwrap().keys().collect::<Vec<_>>()
    );
}

#[test]
fn a_reader_that_has_enough_ends_the_session_in_order() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["--demo", "--no-tui"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.contains("started"), "{first}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let journal = desk.journal("0001");
    let journal = journal.to_str().unwrap();
    let whole = desk.run(&["journal", "verify", journal]).ok();
    assert!(whole.starts_with("whole: "), "{whole}");
    let equal = desk.run(&["replay", "--check", journal]).ok();
    assert!(equal.starts_with("equal: "), "{equal}");
    // Nobody reads any more: the session ended in order, and the next start is a new one.
    assert!(whole.contains("standard output was closed"), "{whole}");
    let said = desk.run(&["--demo", "--no-tui"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(desk.journal("0002").exists());
}

#[test]
fn no_command_minds_a_closed_output() {
    let (demo, _) = demo();
    let home = demo.home();
    let home = home.to_str().unwrap();
    for args in [
        &["--help"][..],
        &["config", "show"],
        &["keys", "list"],
        &["man"],
        &["completions", "zsh"],
        &["report", home],
        &["replay", home],
        &["status"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Desk::new().command(args).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}
