//! Sessions, backtests and files from their start to their end.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tradeterm::control::TradeCommand;
use tradeterm::engine::Event;
use tradeterm::store::{Journal, Record};

use super::desk::{Desk, arg, demo, market, wait_for};

fn status(desk: &Desk) -> Value {
    serde_json::from_str(&desk.run(&["status", "--json"]).ok()).unwrap()
}

/// Lines of one status among the lines of a session.
fn statuses(out: &str, name: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "status" && line["status"] == name)
        .collect()
}

#[test]
fn shipped_files_are_all_valid() {
    let desk = Desk::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |dir: &str| -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(root.join(dir))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "toml"))
            .filter(|path| !path.ends_with("keymap.toml"))
            .collect();
        found.sort();
        found
    };
    for (command, dirs, at_least) in [
        (
            "config",
            &["config", "config/risk", "config/strategy"][..],
            6,
        ),
        ("theme", &["themes"], 11),
    ] {
        let files: Vec<String> = dirs
            .iter()
            .flat_map(|d| files(d))
            .map(|p| arg(&p))
            .collect();
        assert!(at_least <= files.len(), "{files:?}");
        let mut args = vec![command, "validate"];
        args.extend(files.iter().map(String::as_str));
        assert_eq!(desk.run(&args).ok().lines().count(), files.len());
    }
    assert!(desk.run(&["theme", "validate"]).ok().lines().count() >= 11);
    desk.run(&["keys", "check", "config/keymap.toml"]).ok();
    desk.run(&["keys", "check"]).ok();
    assert!(desk.run(&["keys", "list"]).ok().starts_with("kill "));
    desk.run(&["config", "validate"]).ok();
}

#[test]
fn shipped_bundles_pass_their_golden_vectors() {
    let models = ["ppo_btcusdt_5m", "rppo_btcusdt_5m", "ppo_win16_ethusdt_5m"];
    let paths = models.map(|name| format!("models/{name}"));
    let [a, b, c] = &paths;
    let out = Desk::new().run(&["model", "check", a, b, c]).ok();
    for name in models {
        assert!(out.contains(&format!("ok      {name}: ")), "{out}");
    }
    assert_eq!(out.matches("golden_synthetic: passed").count(), 3, "{out}");
}

#[test]
fn origins_of_settings_are_named() {
    let desk = Desk::new();
    let file = desk.file("my.toml", "[ui]\nfps = 7\n");
    let args = [
        "config",
        "show",
        "--origin",
        "-c",
        &file,
        "--set",
        "risk.day_loss_pct=0.01",
    ];
    let output = desk
        .command(&args)
        .env("TRADETERM_UI__THEME", "nord")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for row in [
        format!("ui.fps = 7   # {file}"),
        "risk.day_loss_pct = 0.01   # --set risk.day_loss_pct".to_owned(),
        "ui.theme = \"nord\"   # env TRADETERM_UI__THEME".to_owned(),
        "account.capital = 25000   # default".to_owned(),
    ] {
        assert!(text.lines().any(|line| line == row), "{row}\n{text}");
    }
}

#[test]
fn sessions_by_file_and_by_flags_end_well() {
    let desk = Desk::new();
    let bars = market("five/BTCUSDT_5m.csv.gz");
    for args in [
        &["run", "--no-tui", "--config", "config/demo.toml"][..],
        &[
            "run",
            "--no-tui",
            "--bars",
            &bars,
            "--model",
            "models/ppo_btcusdt_5m",
        ],
    ] {
        let out = desk.run(args).ok();
        assert_eq!(statuses(&out, "started").len(), 1);
        assert_eq!(
            statuses(&out, "ended")[0]["detail"],
            "the recording is over"
        );
        assert!(out.contains("\"type\":\"decision\""));
    }
    desk.run(&["journal", "verify", &arg(&desk.journal("0001"))])
        .ok();
    desk.run(&["replay", "--check", &arg(&desk.journal("0002"))])
        .ok();
}

#[test]
fn the_journal_of_the_demo_repeats_itself() {
    let (desk, said) = demo();
    let equal = desk.run(&["replay", "--check", &arg(&desk.home())]).ok();
    let ended = statuses(&said.out, "ended");
    let trades = format!(" {} trades", ended[0]["trades"]);
    assert!(
        equal.starts_with("equal: ") && equal.contains(&trades),
        "{equal}"
    );
    let report = desk.run(&["report", &arg(&desk.home())]).ok();
    assert!(
        report.contains("SYNTHETIC") || report.contains("synthetic"),
        "{report}"
    );
}

#[test]
fn a_backtest_writes_its_files() {
    let desk = Desk::new();
    let (bars, out) = (market("five/BTCUSDT_5m.csv.gz"), arg(&desk.path("out")));
    let args = [
        "backtest",
        "--rule",
        "ma-cross:10,30",
        "--bars",
        &bars,
        "--out",
        &out,
    ];
    let said = desk.run(&args).ok();
    let read = |name: &str| std::fs::read_to_string(desk.path("out").join(name)).unwrap();
    assert!(said.starts_with(&read("report.md")));
    for name in ["report.json", "settings.json"] {
        serde_json::from_str::<Value>(&read(name)).unwrap();
    }
    for name in ["trades.csv", "equity.csv"] {
        assert!(read(name).lines().count() > 2, "{name}");
    }
    let before = read("trades.csv");
    desk.run(&args).ok();
    assert_eq!(
        read("trades.csv"),
        before,
        "the same call gives the same trades"
    );
    let blocked = desk.file("file", "") + "/out";
    desk.run(&[
        "backtest", "--rule", "flat", "--bars", &bars, "--out", &blocked,
    ])
    .is_refused(1, &["cannot write to", "name another --out"]);
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let desk = Desk::new();
    let make = |name: &str, seed: &str| {
        let out = arg(&desk.path(name));
        let args = [
            "synth",
            "--seed",
            seed,
            "--symbols",
            "BTCUSDT,SOLUSDT",
            "--days",
            "1",
            "--out",
            &out,
        ];
        desk.run(&args).ok();
        let mut files: Vec<_> = std::fs::read_dir(desk.path(name))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    let first = make("a", "9");
    assert_eq!(first.len(), 5);
    assert!(first == make("b", "9"));
    assert!(first != make("c", "10"));
    let out = arg(&desk.path("a"));
    desk.run(&[
        "synth",
        "--seed",
        "9",
        "--symbols",
        "BTCUSDT",
        "--days",
        "1",
        "--out",
        &out,
    ])
    .is_refused(3, &["exists already", "another folder"]);
}

#[test]
fn kill_and_resume_without_a_session() {
    let desk = Desk::new();
    assert_eq!(status(&desk)["level"], "active");
    let said = desk.run(&["kill", "--reason", "drill"]).ok();
    assert_eq!(said, "no session runs; the next one starts at halt\n");
    assert_eq!(status(&desk)["level"], "halt");
    assert_eq!(status(&desk)["reason"], "drill");
    // Nothing but a resume moves down.
    desk.run(&["kill", "--level", "reduce"]).ok();
    assert_eq!(status(&desk)["level"], "halt");
    let said = desk.run(&["resume", "--reason", "drill over"]).ok();
    assert_eq!(said, "released from halt: drill over\n");
    assert_eq!(status(&desk)["level"], "active");
}

#[test]
fn one_session_at_a_time() {
    let desk = Desk::new();
    let session = desk.start(&["--demo", "--no-tui", "--speed", "1"], "lines");
    assert_eq!(status(&desk)["running"], true);
    desk.run(&["--demo", "--no-tui"])
        .is_refused(14, &["in use by process", "--home"]);
    desk.run(&["resume", "--reason", "ok"])
        .is_refused(14, &["is trading", ":resume"]);
    assert_eq!(session.terminate(), 143);
    assert_eq!(status(&desk)["running"], false);
    let said = std::fs::read_to_string(desk.path("session.err")).unwrap();
    assert!(said.contains("ended (SIGTERM)"), "{said}");
}

#[test]
fn a_killed_session_ends_with_ten_and_stays_killed() {
    let desk = Desk::new();
    let bars = market("five/BTCUSDT_5m.csv.gz");
    let slow = [
        "run",
        "--no-tui",
        "--bars",
        &bars,
        "--rule",
        "ma-cross:10,30",
        "--speed",
        "1",
    ];
    let session = desk.start(&slow, "lines");
    let reason = "drill  of May";
    let said = desk
        .run(&["kill", "--level", "halt", "--reason", reason])
        .ok();
    assert!(said.starts_with("halt asked of process"), "{said}");
    wait_for("the halt", || status(&desk)["level"] == "halt");
    assert_eq!(status(&desk)["reason"], "drill of May");
    assert_eq!(session.terminate(), 10);
    let lines = std::fs::read_to_string(desk.path("lines")).unwrap();
    assert_eq!(statuses(&lines, "level")[0]["detail"], "drill of May");
    let commands: Vec<String> = Journal::open(&desk.journal("0001"))
        .unwrap()
        .filter_map(|record| match record.unwrap() {
            Record::Step {
                event: Event::Command(TradeCommand::Kill { reason, .. }),
                ..
            } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(commands, ["drill of May"]);
    let restart = [
        "run",
        "--no-tui",
        "--bars",
        &bars,
        "--rule",
        "ma-cross:10,30",
    ];
    let said = desk.run(&restart);
    assert_eq!(said.code, 10, "{}", said.err);
    let level = &statuses(&said.out, "level")[0];
    assert_eq!(level["level"], "halt");
    assert_eq!(level["detail"], "drill of May");
    assert!(!said.out.contains("\"type\":\"fill\""), "nothing is traded");
    assert!(said.err.contains("level halt"), "{}", said.err);
    desk.run(&["resume", "--reason", "drill over"]).ok();
    let said = desk.run(&restart);
    assert!(said.out.contains("\"type\":\"fill\""));
    assert_eq!(said.code, 0, "{}", said.err);
}
