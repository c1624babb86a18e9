//! What the kill latch keeps over the end of a process: its step, its words, and who caused it.

use super::desk::{Desk, Said, market, wait_for};

/// A drawdown that is reached within some trades.
const TIGHT: [&str; 4] = [
    "--set",
    "risk.max_drawdown_pct=0.0002",
    "--set",
    "risk.max_drawdown_action=kill",
];

fn args<'a>(bars: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let rule = ["run", "--no-tui", "--rule", "ma-cross:3,9", "--bars", bars];
    [&rule[..], &TIGHT, more].concat()
}

fn to_the_end(desk: &Desk, bars: &str) -> Said {
    desk.run(&args(bars, &[]))
}

fn latch(desk: &Desk) -> String {
    std::fs::read_to_string(desk.home().join("state/replay/kill.json")).unwrap_or_default()
}

/// Ends a session without any warning once its limit has stopped it.
fn crash_behind_the_limit(desk: &Desk, bars: &str) {
    let session = desk.start(&args(bars, &["--speed", "20000"]), "lines");
    wait_for("the limit", || latch(desk).contains("\"flatten\""));
    drop(session);
}

#[test]
fn a_session_that_a_limit_has_stopped_ends_with_eleven_however_often_it_is_started() {
    let desk = Desk::new();
    let bars = market("five/BTCUSDT_5m.csv.gz");
    for _ in 0..3 {
        let said = to_the_end(&desk, &bars);
        assert_eq!(said.code, 11, "{}", said.err);
        assert!(latch(&desk).contains("drawdown"), "{}", latch(&desk));
    }
    // A person who stops what is stopped already has not caused it.
    desk.run(&["kill", "--level", "halt"]).ok();
    assert_eq!(to_the_end(&desk, &bars).code, 11);
    // What a person releases and stops again is that person's.
    desk.run(&["resume", "--reason", "looked at it"]).ok();
    desk.run(&["kill", "--level", "halt"]).ok();
    assert_eq!(to_the_end(&desk, &bars).code, 10);
}

#[test]
fn a_crash_forgets_neither_half_of_who_stopped_the_session() {
    let bars = market("five/BTCUSDT_5m.csv.gz");
    let path = "state/replay/kill.json";
    for file_is_lost in [false, true] {
        let desk = Desk::new();
        crash_behind_the_limit(&desk, &bars);
        if file_is_lost {
            std::fs::remove_file(desk.home().join(path)).unwrap();
        }
        // Goes on in the journal of the crashed session, then begins a new one.
        assert_eq!(to_the_end(&desk, &bars).code, 11, "lost: {file_is_lost}");
        assert_eq!(to_the_end(&desk, &bars).code, 11, "lost: {file_is_lost}");
        assert!(desk.journal("0002").exists());
    }
}
