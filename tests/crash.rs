//! A process that dies goes on as if nothing had happened; what was stopped stays stopped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod common;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Dice, Home, agent_leg, ma_leg, records, wait_for};
use rustix::process::Signal;
use tradeterm::app::{Built, build_session, open_market};
use tradeterm::config::{FeedKind, LegSettings, Settings, StrategyKind};
use tradeterm::control::TradeCommand;
use tradeterm::domain::{Intent, KillLevel, NotSent, Purpose, Symbol, Timestamp};
use tradeterm::engine::{EffectOf, Event};
use tradeterm::runtime::{Session, Step, Witness, replay};
use tradeterm::store::{Header, Journal, Record, RecordRef, Writer};

/// Days of the market: the recurrent agent looks at 600 bars before it decides.
const DAYS: u32 = 4;
/// A day loss that is reached soon, with the pause it leads to.
const TIGHT: [&str; 2] = ["risk.day_loss_pct=0.0005", "risk.day_loss_action=pause"];

fn legs() -> String {
    agent_leg("rppo_btcusdt_5m") + &ma_leg("ETHUSDT", 3, 9) + &ma_leg("SOLUSDT", 5, 20)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the filter of an iterator over references"
)]
fn is_step(record: &&Record) -> bool {
    matches!(record, Record::Step { .. })
}

/// Steps of both journals one by one.
#[track_caller]
fn assert_same_steps(a: &[Record], b: &[Record]) {
    for (a, b) in a.iter().filter(is_step).zip(b.iter().filter(is_step)) {
        assert_eq!(a, b);
    }
    let count = |all: &[Record]| all.iter().filter(is_step).count();
    assert_eq!(count(a), count(b));
}

fn of_effects<'a, T>(
    all: &'a [Record],
    pick: impl Fn(&'a tradeterm::engine::EffectRecord) -> Option<T>,
) -> Vec<T> {
    all.iter()
        .filter_map(|record| match record {
            Record::Step { effects, .. } => Some(effects),
            Record::Close { .. } => None,
        })
        .flatten()
        .filter_map(pick)
        .collect()
}

fn intents(all: &[Record]) -> Vec<&Intent> {
    of_effects(all, |effect| match effect {
        EffectOf::Submit(intent) => Some(intent),
        _ => None,
    })
}

fn last_equity(lines: &[String]) -> String {
    let last = lines.last().expect("a session that ends says so");
    let value: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(value["status"], "ended", "{last}");
    value["equity"].as_str().unwrap().to_owned()
}

/// Starts the session and kills it, without any warning, once its journal has that many bytes,
/// or after that time. `false` when it came to its end before.
fn kill_at(home: &Home, bytes: u64, after: Duration) -> bool {
    let mut child = home
        .headless(&[])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let killed = wait_for(|| {
        home.journal_len() >= bytes
            || after < start.elapsed()
            || child.try_wait().unwrap().is_some()
    });
    assert!(killed);
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

/// Takes bytes off the end of the journal, as a machine that loses power does.
fn cut(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}

/// Bytes of the journal's header.
fn header_len(path: &Path) -> u64 {
    Journal::open(path).unwrap().offset()
}

#[test]
fn fifty_kills_leave_no_trace() {
    let market = common::market("BTCUSDT,ETHUSDT,SOLUSDT", DAYS);
    let mut dice = Dice(20_260_105);
    let (mut n_kills, mut n_recovering, mut n_cut, mut n_runs) = (0, 0, 0, 0);
    let mut seen = (0, 0, 0);
    for sets in [&[][..], &TIGHT[..]] {
        let undisturbed = Home::on_market(market.path(), &legs(), sets);
        let (lines, _) = undisturbed.run(&[]);
        let expected = records(&undisturbed.journal());
        let equity = last_equity(&lines);
        let full = undisturbed.journal_len();
        let n_wanted = n_kills + 25;
        while n_kills < n_wanted {
            let home = Home::on_market(market.path(), &legs(), sets);
            n_runs += 1;
            let mut points: Vec<u64> = (0..6).map(|_| dice.roll(full)).collect();
            points.sort_unstable();
            for point in points {
                // One in three dies early, which is during the recovery of what went before.
                let early = dice.roll(3) == 0;
                let after = if early {
                    Duration::from_millis(20 + dice.roll(300))
                } else {
                    common::PATIENCE
                };
                if !kill_at(&home, point.max(1), after) {
                    break;
                }
                n_kills += 1;
                n_recovering += u32::from(early);
                let len = home.journal_len();
                if len > 0 && dice.roll(2) == 0 {
                    let lost = dice.roll(3_000);
                    cut(
                        &home.journal(),
                        len.saturating_sub(lost).max(header_len(&home.journal())),
                    );
                    n_cut += 1;
                }
            }
            let (lines, _) = home.run(&[]);
            let found = records(&home.journal());
            assert_same_steps(&expected, &found);
            assert_eq!(last_equity(&lines), equity);
            let ids: BTreeSet<_> = intents(&found).iter().map(|intent| intent.id).collect();
            assert_eq!(ids.len(), intents(&found).len(), "client ids repeat");
            assert!(matches!(found.last(), Some(Record::Close { .. })));
        }
        let decisions = of_effects(&expected, |effect| match effect {
            EffectOf::Decision(record) => Some(record),
            _ => None,
        });
        let pauses = of_effects(&expected, |effect| match effect {
            EffectOf::Paused { until, .. } => Some(until),
            _ => None,
        });
        assert!(sets.is_empty() || !pauses.is_empty(), "no pause to survive");
        seen.0 += decisions.len();
        seen.1 += intents(&expected).len();
        seen.2 += pauses.len();
    }
    let (n_decisions, n_orders, n_pauses) = seen;
    assert!(n_decisions > 2_000 && n_orders > 100);
    eprintln!(
        "{n_kills} kills in {n_runs} sessions, {n_recovering} of them early, {n_cut} with a lost \
         tail: every step equal ({n_decisions} decisions, {n_orders} orders, {n_pauses} pauses)"
    );
}

/// Starts a session that takes its time, waits until it trades, and lets `act` do something.
/// Then the session is killed without warning.
fn crash_after(home: &Home, act: impl FnOnce(&Home)) {
    let mut child = home
        .headless(&["--speed", "6000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(wait_for(|| home.journal_len() > 120_000));
    act(home);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn rules_home(market: &Path) -> Home {
    let legs = ma_leg("ETHUSDT", 3, 9) + &ma_leg("SOLUSDT", 5, 20);
    Home::on_market(market, &legs, &["feed.warmup_bars=300"])
}

fn halt_and_wait(home: &Home) {
    let output = home.call(&["kill", "--level", "halt", "--reason", "a test"]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        wait_for(|| home.latch().contains("\"halt")),
        "{}",
        home.latch()
    );
}

fn level_at_end(home: &Home) -> KillLevel {
    let all = records(&home.journal());
    let levels = of_effects(&all, |effect| match effect {
        EffectOf::KillApplied { level, .. } => Some(*level),
        _ => None,
    });
    levels.last().copied().unwrap_or(KillLevel::Active)
}

/// Entries that were sent after the last step of the ladder that the journal has.
fn entries_after_the_kill(home: &Home) -> usize {
    let all = records(&home.journal());
    let is_kill = |record: &Record| match record {
        Record::Step { effects, .. } => effects
            .iter()
            .any(|effect| matches!(effect, EffectOf::KillApplied { .. })),
        Record::Close { .. } => false,
    };
    let last = all.iter().rposition(is_kill).expect("a kill");
    let sent = intents(&all[last..]);
    sent.iter()
        .filter(|intent| intent.spec.purpose == Purpose::Entry)
        .count()
}

#[test]
fn a_halt_survives_a_crash_even_when_only_one_of_its_two_records_does() {
    let market = common::market("ETHUSDT,SOLUSDT", 2);
    for lost in ["nothing", "the latch file", "the journal's end"] {
        let home = rules_home(market.path());
        let mut before = 0;
        crash_after(&home, |home| {
            before = home.journal_len();
            halt_and_wait(home);
        });
        match lost {
            "the latch file" => std::fs::remove_file(home.state().join("kill.json")).unwrap(),
            "the journal's end" => cut(&home.journal(), before),
            _ => {}
        }
        let (lines, code) = home.run(&[]);
        assert_eq!(code, 10, "without {lost}");
        assert_eq!(level_at_end(&home), KillLevel::Halted, "without {lost}");
        assert!(home.latch().contains("\"halt"), "{}", home.latch());
        assert!(lines.last().unwrap().contains("\"level\":\"halt\""));
        assert_eq!(entries_after_the_kill(&home), 0);
    }
}

#[test]
fn a_release_after_a_crash_holds_and_is_used_up() {
    let market = common::market("ETHUSDT,SOLUSDT", 2);
    let home = rules_home(market.path());
    crash_after(&home, halt_and_wait);
    let output = home.call(&["resume", "--reason", "looked at it"]);
    assert!(output.status.success(), "{output:?}");
    // The release is journalled; a second crash behind it changes nothing.
    crash_after(&home, |home| {
        assert!(wait_for(|| !home.latch().contains("released")));
    });
    assert!(home.latch().contains("looked at it"), "{}", home.latch());
    let (_, code) = home.run(&[]);
    assert_eq!(code, 0);
    assert_eq!(level_at_end(&home), KillLevel::Active);
    assert!(entries_after_the_kill(&home) > 0, "it trades again");
    // Used up: the journal of a later halt wins over what the file said then.
    let released = home.latch();
    let again = rules_home(market.path());
    crash_after(&again, halt_and_wait);
    std::fs::write(again.state().join("kill.json"), released).unwrap();
    assert_eq!(again.run(&[]).1, 10);
}

/// A release is not lost by a lesser kill after it, and a kill after it holds.
#[test]
fn a_kill_after_a_release_holds_at_its_own_step() {
    let market = common::market("ETHUSDT,SOLUSDT", 2);
    let home = rules_home(market.path());
    crash_after(&home, halt_and_wait);
    for args in [
        &["resume", "--reason", "looked at it"][..],
        &["kill", "--level", "reduce", "--reason", "not yet"],
    ] {
        let output = home.call(args);
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(home.run(&[]).1, 0);
    assert_eq!(level_at_end(&home), KillLevel::ReduceOnly);
    assert_eq!(entries_after_the_kill(&home), 0);
}

/// Ends of all records of a journal, in bytes.
fn ends(path: &Path) -> Vec<(u64, Record)> {
    let mut journal = Journal::open(path).unwrap();
    let mut all = Vec::new();
    while let Some(record) = journal.next() {
        all.push((journal.offset(), record.unwrap()));
    }
    all
}

#[test]
fn a_turn_cut_in_two_is_ended_before_a_kill_or_a_release_comes_in() {
    let market = common::market("ETHUSDT,SOLUSDT", 2);
    let whole = rules_home(market.path());
    whole.run(&[]);
    let all = ends(&whole.journal());
    let is_answer = |record: &Record| {
        matches!(
            record,
            Record::Step {
                event: Event::Account(_),
                ..
            }
        )
    };
    // Places where the last whole record is an answer of the broker whose turn goes on.
    let places: Vec<u64> = all
        .windows(2)
        .filter(|pair| is_answer(&pair[0].1))
        .map(|pair| pair[0].0)
        .collect();
    assert!(places.len() > 20);
    let mut dice = Dice(3);
    for n in 0..8_usize {
        let place = places[usize::try_from(dice.roll(places.len() as u64)).unwrap()];
        let home = rules_home(market.path());
        // The hash of the settings has the home's folder in none of its parts.
        let folder = home.journal().parent().unwrap().to_owned();
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(folder).unwrap();
        std::fs::copy(whole.journal(), home.journal()).unwrap();
        cut(&home.journal(), place);
        if n.is_multiple_of(2) {
            let output = home.call(&["kill", "--level", "halt"]);
            assert!(output.status.success(), "{output:?}");
            assert_eq!(home.run(&[]).1, 10);
            assert_eq!(level_at_end(&home), KillLevel::Halted);
            assert_eq!(entries_after_the_kill(&home), 0);
        } else {
            assert_eq!(home.run(&[]).1, 0);
            assert_same_steps(&records(&whole.journal()), &records(&home.journal()));
        }
        let journal = home.journal().display().to_string();
        let replayed = home.call(&["replay", "--check", &journal]);
        assert!(replayed.status.success(), "{replayed:?}");
    }
}

/// Journals a session whose gate holds back every `nth` order, as a latch does that is tripped
/// between the engine and the wire.
struct Gate {
    writer: Writer,
    nth: u64,
    n_orders: u64,
    n_between: u64,
    n_waiting: usize,
}

impl Witness for Gate {
    type Error = std::io::Error;

    fn source(&mut self, _: Timestamp, _: &Event) -> std::io::Result<()> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> std::io::Result<()> {
        self.n_waiting = step.n_waiting;
        self.writer.append(&RecordRef::Step {
            seq: step.seq,
            at: step.at,
            event: step.event,
            laps: step.late_laps,
            effects: step.effects,
        })?;
        Ok(())
    }

    fn admit(&mut self, _: &Intent) -> Result<(), NotSent> {
        self.n_orders += 1;
        if self.n_orders.is_multiple_of(self.nth) {
            self.n_between += u64::from(self.n_waiting > 0);
            Err(NotSent::Killed)
        } else {
            Ok(())
        }
    }
}

fn rules(market: &Path) -> (Settings, Built) {
    let mut settings = Settings::default();
    settings.feed.kind = FeedKind::Market;
    settings.feed.market = Some(market.to_owned());
    // Exits and entries that arrive together make answers wait for each other.
    settings.legs = [("ETHUSDT", 3, 9), ("SOLUSDT", 5, 20)]
        .map(|(symbol, fast, slow)| LegSettings {
            symbol: Some(Symbol::new(symbol).unwrap()),
            fast: Some(fast),
            slow: Some(slow),
            long_short: Some(true),
            ..LegSettings::new(StrategyKind::MaCross)
        })
        .to_vec();
    let built = build(&settings);
    (settings, built)
}

fn build(settings: &Settings) -> Built {
    let market = open_market(settings).unwrap();
    build_session(
        settings,
        &market.instruments,
        &market.intervals,
        KillLevel::Active,
    )
    .unwrap()
}

#[test]
fn whatever_the_gate_held_back_a_replay_holds_back_the_same() {
    let market = common::market("ETHUSDT,SOLUSDT", 2);
    let folder = tempfile::tempdir().unwrap();
    let mut n_between = 0;
    for nth in [1, 2, 3, 5, 7] {
        let (settings, built) = rules(market.path());
        let path = folder.path().join(format!("{nth}.ttj"));
        let header = Header {
            build: String::new(),
            mode: settings.mode,
            run_id: String::new(),
            config_hash: String::new(),
            settings: serde_json::Value::Null,
            feed: String::new(),
            synthetic: true,
            inference: None,
            instruments: built.names.instruments.clone(),
            legs: Vec::new(),
            start: settings.account.capital,
            coin: String::new(),
            created: Timestamp::default(),
        };
        let mut gate = Gate {
            writer: Writer::create(&path, &header).unwrap(),
            nth,
            n_orders: 0,
            n_between: 0,
            n_waiting: 0,
        };
        let mut session = Session::new(built.engine, built.broker, built.watch);
        let mut feed = open_market(&settings).unwrap().feed;
        let mut n = 0;
        while let Some(item) = feed.next() {
            let (at, event) = item.unwrap();
            session.turn(at, &Event::Market(event), &mut gate).unwrap();
            n += 1;
            if n % 97 == 0 {
                let close = Event::Command(TradeCommand::CloseAll);
                session.turn(at, &close, &mut gate).unwrap();
            }
        }
        gate.writer.sync().unwrap();
        n_between += gate.n_between;
        let built = build(&settings);
        let mut again = Session::new(built.engine, built.broker, built.watch);
        let end = replay(
            &mut again,
            Journal::open(&path).unwrap(),
            &mut |_: &Step<'_>| {},
        );
        let end = end.unwrap_or_else(|error| panic!("every {nth}: {error}"));
        assert_eq!(end.n_equal, session.engine.seq());
        assert_eq!(again.engine.equity(), session.engine.equity());
    }
    assert!(
        n_between > 0,
        "no answer waited while an order was held back"
    );
}

#[test]
fn a_second_instance_is_turned_away_and_a_signal_ends_in_order() {
    let market = common::market("ETHUSDT,SOLUSDT", 2);
    let home = rules_home(market.path());
    let mut child = home
        .headless(&["--speed", "6000"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(wait_for(|| home.journal_len() > 100_000));
    let second = home.headless(&[]).output().unwrap();
    assert_eq!(second.status.code(), Some(14));
    common::signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(matches!(
        records(&home.journal()).last(),
        Some(Record::Close { reason, .. }) if reason == "SIGTERM"
    ));
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    use std::io::BufRead;
    let market = common::market("ETHUSDT,SOLUSDT", 8);
    let home = rules_home(market.path());
    let mut child = home
        .headless(&[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    assert!(matches!(
        records(&home.journal()).last(),
        Some(Record::Close { reason, .. }) if reason == "standard output was closed"
    ));
}

#[test]
fn a_reader_that_has_stopped_reading_cannot_keep_a_session_from_ending() {
    let market = common::market("ETHUSDT,SOLUSDT", 8);
    let home = rules_home(market.path());
    let mut child = home.headless(&[]).stdout(Stdio::piped()).spawn().unwrap();
    // Pipe and queue are full once the journal has stopped growing.
    let mut last = (0, Instant::now());
    assert!(wait_for(|| {
        let len = home.journal_len();
        if len != last.0 {
            last = (len, Instant::now());
        }
        len > 0 && last.1.elapsed() > Duration::from_millis(700)
    }));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for its reader"
    );
    common::signal(&child, Signal::USR1);
    assert!(
        wait_for(|| home.latch().contains("\"halt")),
        "a halt does not wait"
    );
    common::signal(&child, Signal::TERM);
    let start = Instant::now();
    assert!(wait_for(|| child.try_wait().unwrap().is_some()));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(child.wait().unwrap().code(), Some(10));
}
