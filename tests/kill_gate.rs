//! The kill switch of the real program: whatever is stuck, the gate closes and stays closed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod common;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use common::terminal::{Terminal, measure, ticks};
use common::{Dice, Home, ma_leg, records, signal, wait_for};
use rustix::process::Signal;
use tradeterm::app::{build_session, open_market};
use tradeterm::config::{LegSettings, Settings, StrategyKind};
use tradeterm::control::{KillReason, KillSwitch};
use tradeterm::domain::{AccountEvent, KillLevel, NotSent, Purpose, Symbol, Timestamp};
use tradeterm::engine::{EffectOf, Event};
use tradeterm::runtime::{Recorder, RecorderParts, Session, Step, StopFlag, replay};
use tradeterm::store::{Header, Journal, LatchFile, Record, Writer};
use tradeterm::venue::broker::Broker;
use tradeterm::venue::sim::PaperBroker;

#[test]
fn a_stuck_terminal_delays_neither_gate_nor_engine_nor_the_end() {
    let figures = measure(20);
    eprintln!("{}", figures.print());
    // The bars are shown by `cargo bench --bench kill_gate` on a quiet machine. Here the terminal is
    // never read: a gate that waited for it would never close.
    assert!(figures.gate_us_at(0.99) < 5_000_000, "{figures:?}");
    assert!(figures.progress > 0);
    assert_eq!(figures.exit, Some(143));
    assert!(figures.end_ms < 5_000);
}

fn home(market: &Path) -> Home {
    let legs = ma_leg("ETHUSDT", 2, 5) + &ma_leg("SOLUSDT", 3, 7);
    // Losses must not stop what the kill is to stop.
    let sets = [
        "feed.warmup_bars=100",
        "risk.day_loss_pct=0.5",
        "risk.week_loss_pct=0.5",
        "risk.max_drawdown_pct=0.5",
    ];
    Home::on_market(market, &legs, &sets)
}

fn start(home: &Home) -> Child {
    home.headless(&["--speed", "6000"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Entries that were sent after the first step up the ladder, and entries that were wanted then.
fn entries_after_the_kill(home: &Home) -> (usize, usize) {
    let mut killed = false;
    let (mut n_entries, mut n_refused) = (0, 0);
    for record in records(&home.journal()) {
        let Record::Step { effects, .. } = record else {
            continue;
        };
        for effect in effects {
            match effect {
                EffectOf::KillApplied { .. } => killed = true,
                EffectOf::Submit(intent) => {
                    n_entries += usize::from(killed && intent.spec.purpose == Purpose::Entry);
                }
                EffectOf::Refused(refusal) if killed => {
                    n_refused += usize::from(refusal.rule == "kill switch");
                }
                _ => {}
            }
        }
    }
    assert!(killed, "the kill never came to the engine");
    (n_entries, n_refused)
}

/// Lets the session play on for a while, then ends it in order.
fn play_on_and_end(home: &Home, child: &mut Child) -> Option<i32> {
    let before = home.journal_len();
    assert!(wait_for(
        || home.journal_len() > before + 5_000 || child.try_wait().unwrap().is_some()
    ));
    if child.try_wait().unwrap().is_none() {
        signal(child, Signal::TERM);
    }
    child.wait().unwrap().code()
}

/// The broker at the end of a journal.
fn broker_at_end(path: &Path) -> PaperBroker {
    let journal = Journal::open(path).unwrap();
    let header = journal.header().clone();
    let settings: Settings = serde_json::from_value(header.settings).unwrap();
    let intervals = header
        .legs
        .iter()
        .map(|leg| {
            let id = header.instruments.find(leg.symbol.as_str(), leg.category);
            (id.unwrap(), vec![leg.interval])
        })
        .collect();
    let built = build_session(
        &settings,
        &header.instruments,
        &intervals,
        KillLevel::Active,
    )
    .unwrap();
    let mut session = Session::new(built.engine, built.broker, built.watch);
    replay(&mut session, journal, &mut |_: &Step<'_>| {}).unwrap();
    session.broker
}

#[test]
fn no_entry_leaves_after_the_gate_has_closed() {
    let market = common::market("ETHUSDT,SOLUSDT", 4);
    let mut dice = Dice(84);
    let (mut n_flat, mut n_refused) = (0, 0);
    for run in 0..20 {
        let home = home(market.path());
        let point = 60_000 + dice.roll(60_000);
        let (level, word) = [
            (KillLevel::Halted, "halted"),
            (KillLevel::Flatten, "flatten"),
            (KillLevel::ReduceOnly, "reduce-only"),
            (KillLevel::ReduceOnly, "reduce-only"),
        ][run % 4];
        if run % 4 == 3 {
            kill_by_key(&home, point);
        } else {
            let mut child = start(&home);
            assert!(wait_for(|| home.journal_len() > point));
            match level {
                KillLevel::Halted => signal(&child, Signal::USR1),
                KillLevel::Flatten => signal(&child, Signal::USR2),
                _ => std::fs::write(home.path().join("runtime/KILL"), "reduce-only").unwrap(),
            }
            let obeyed =
                wait_for(|| home.latch().contains(word) || child.try_wait().unwrap().is_some());
            let state = (child.try_wait().unwrap(), home.latch());
            assert!(
                obeyed && state.1.contains(word),
                "run {run}: {state:?}\n{}",
                home.log()
            );
            let code = play_on_and_end(&home, &mut child);
            let expected = if level < KillLevel::Halted { 143 } else { 10 };
            assert_eq!(code, Some(expected), "run {run}");
        }
        let (n_sent, n_held) = entries_after_the_kill(&home);
        assert_eq!(n_sent, 0, "run {run}");
        n_refused += n_held;
        assert!(home.latch().contains(word), "{}", home.latch());
        if level == KillLevel::Flatten {
            let account = broker_at_end(&home.journal()).account();
            assert!(account.is_flat(), "run {run}: {account:?}");
            n_flat += 1;
        }
    }
    assert!(n_refused > 20, "entries were hardly wanted: {n_refused}");
    eprintln!(
        "20 kills by signal, file and key: 0 entries after the gate ({n_refused} wanted), {n_flat} \
         of {n_flat} flat"
    );
}

/// The latch may be tripped while a turn runs, long before the engine looks at it.
#[test]
fn a_latch_that_closes_within_a_turn_neither_stops_the_engine_nor_lets_an_entry_out() {
    let market = common::market("ETHUSDT,SOLUSDT", 1);
    for level in [KillLevel::ReduceOnly, KillLevel::Halted, KillLevel::Flatten] {
        let mut settings = Settings::default();
        settings.feed.kind = tradeterm::config::FeedKind::Market;
        settings.feed.market = Some(market.path().to_owned());
        settings.legs = vec![LegSettings {
            symbol: Some(Symbol::new("ETHUSDT").unwrap()),
            fast: Some(2),
            slow: Some(5),
            long_short: Some(true),
            ..LegSettings::new(StrategyKind::MaCross)
        }];
        let mut source = open_market(&settings).unwrap();
        let built = build_session(
            &settings,
            &source.instruments,
            &source.intervals,
            KillLevel::Active,
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let header = Header {
            build: String::new(),
            mode: settings.mode,
            run_id: String::new(),
            config_hash: String::new(),
            settings: serde_json::Value::Null,
            feed: String::new(),
            synthetic: true,
            inference: None,
            instruments: source.instruments.clone(),
            legs: Vec::new(),
            start: settings.account.capital,
            coin: String::new(),
            created: Timestamp::default(),
        };
        let path = folder.path().join("journal.ttj");
        let (kill, reset) = KillSwitch::new(KillLevel::Active);
        let mut recorder = Recorder::new(RecorderParts {
            writer: Writer::create(&path, &header).unwrap(),
            expected: None,
            latch: LatchFile::new(folder.path().join("kill.json")),
            reset,
            names: built.names,
            lines: None,
            stop: StopFlag::default(),
        });
        let mut session = Session::new(built.engine, built.broker, built.watch);
        let mut tripped_at = None;
        while let Some(item) = source.feed.next() {
            let (at, event) = item.unwrap();
            session
                .turn(at, &Event::Market(event), &mut recorder)
                .unwrap();
            // An order is on its way: its fill comes to an engine that knows of nothing.
            if tripped_at.is_none() && session.broker.next_due().is_some() {
                kill.trip(level, KillReason::Signal);
                tripped_at = Some(session.engine.seq());
            }
        }
        recorder.flush();
        let tripped_at = tripped_at.expect("something was ordered");
        let mut held = 0;
        for record in records(&path) {
            let Record::Step { seq, event, .. } = record else {
                continue;
            };
            if let Event::Account(AccountEvent::NotSent { cause, .. }) = event {
                assert_eq!(cause, NotSent::Killed);
                assert!(tripped_at < seq);
                held += 1;
            }
        }
        assert!(held > 0, "{level}: nothing was held back");
        assert!(held < 1_000, "{level}: {held} orders in one day");
    }
}

fn kill_by_key(home: &Home, point: u64) {
    let flags: Vec<&str> = home.flags.iter().map(String::as_str).collect();
    let args = [&["run", "--speed", "60000"][..], &flags].concat();
    let mut terminal = Terminal::start(home, &args);
    assert!(wait_for(|| home.journal_len() > point));
    terminal.press("K");
    assert!(wait_for(|| home.latch().contains("reduce-only")));
    let before = home.journal_len();
    assert!(wait_for(|| home.journal_len() > before + 5_000));
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.ended(Duration::from_secs(20)), Some(143));
}

#[test]
fn a_kill_file_from_before_the_start_stops_the_session_before_it_trades() {
    let market = common::market("ETHUSDT,SOLUSDT", 1);
    let home = home(market.path());
    assert!(home.call(&["status"]).status.success());
    std::fs::create_dir_all(home.path().join("runtime")).unwrap();
    for folder in ["", "runtime"] {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(home.path().join(folder), private).unwrap();
    }
    std::fs::write(home.path().join("runtime/KILL"), "").unwrap();
    assert_eq!(home.run(&[]).1, 10);
    let sent = records(&home.journal())
        .into_iter()
        .any(|record| match record {
            Record::Step { effects, .. } => {
                effects.iter().any(|e| matches!(e, EffectOf::Submit(_)))
            }
            Record::Close { .. } => false,
        });
    assert!(!sent, "an order left although the file was there");
}

#[test]
fn a_terminal_that_goes_away_burns_no_time() {
    for (lost, level, code) in [("continue", "", 0), ("halt", "halted", 10)] {
        let home = Home::new();
        let lost = format!("ui.on_terminal_lost={lost}");
        let args = ["run", "--demo", "--speed", "150", "--set", &lost];
        let mut terminal = Terminal::start(&home, &args);
        assert!(wait_for(
            || terminal.drawn() > 10_000 && home.journal_len() > 0
        ));
        let pid = terminal.pid();
        let before = ticks(pid);
        terminal.close();
        let mut used = before;
        let mut ended = None;
        for _ in 0..40 {
            ended = terminal.ended(Duration::from_millis(50));
            if ended.is_some() {
                break;
            }
            used = ticks(pid);
        }
        // A hundred ticks a second: half of two seconds.
        assert!(used - before < 100, "{} ticks", used - before);
        // A recording has nothing to go on for without a person.
        let ended = ended.or_else(|| terminal.ended(Duration::from_secs(20)));
        assert_eq!(ended, Some(code), "{lost}");
        assert!(home.latch().contains(level), "{}", home.latch());
        let closed = records(&home.journal());
        assert!(matches!(closed.last(), Some(Record::Close { .. })));
    }
}

#[test]
fn a_full_disk_stops_entries_and_not_closes_and_is_told() {
    let market = common::market("ETHUSDT,SOLUSDT", 4);
    let home = home(market.path());
    let run = home.headless(&[]);
    // No file may grow beyond this; the journal does.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 300; exec \"$0\" \"$@\""]);
    limited.arg(run.get_program()).args(run.get_args());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = limited.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_told = |line: &&str| line.contains("\"status\":\"disk\"");
    let told = lines.iter().position(is_told).expect("it says so");
    assert!(lines[told].contains("File too large"), "{}", lines[told]);
    let sent = |from: usize, purpose: &str| -> Vec<String> {
        let word = format!("\"purpose\":\"{purpose}\"");
        lines[from..]
            .iter()
            .filter(|l| l.contains("\"state\":\"sent\"") && l.contains(&word))
            .map(|l| {
                let value: serde_json::Value = serde_json::from_str(l).unwrap();
                value["id"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    assert!(sent(told, "entry").is_empty());
    let held = |line: &&str| line.contains("journal is not writable");
    // The error is met by an entry that is held back, or between two of them.
    let failed = lines.iter().position(held).unwrap_or(told).min(told);
    let filled = |id: &String| {
        let of_order = format!("\"order\":\"{id}\"");
        let mut all = lines[failed..].iter();
        all.any(|l| l.contains("\"type\":\"fill\"") && l.contains(&of_order))
    };
    assert!(!sent(failed, "entry").iter().any(filled), "an entry left");
    assert!(
        sent(failed, "exit").iter().any(filled),
        "what is held is still closed"
    );
    assert!(home.latch().contains("reduce-only"), "{}", home.latch());
    // With room again the session goes on from what the journal has, and stays stopped.
    let (lines, code) = home.run(&[]);
    assert_eq!(code, 0);
    assert!(lines.last().unwrap().contains("\"level\":\"reduce-only\""));
    let journal = home.journal().display().to_string();
    let check = home.call(&["replay", "--check", &journal]);
    assert!(check.status.success(), "{check:?}");
}
