//! `tradeterm sim-exchange`, the program itself.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::desk::http_client;

struct Program {
    home: tempfile::TempDir,
}

impl Program {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradeterm"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TRADETERM_") {
                command.env_remove(name);
            }
        }
        command
            .arg("--home")
            .arg(self.home.path())
            .arg("sim-exchange")
            .args(args);
        command.stdin(Stdio::null());
        command
    }

    fn call(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn start(&self, args: &[&str]) -> Running {
        let mut child = self.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines }
    }
}

/// A program that is ended with its test.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    /// Ends it in order; its exit code.
    fn end(&mut self, signal: Signal) -> i32 {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless its test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn get(url: String) -> Value {
    let answer = http_client().get(url).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_with_a_signal() {
    let program = Program::new();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut running = program.start(&["--json", "--clock", "manual"]);
        let said: Value = serde_json::from_str(&running.line()).unwrap();
        assert!(
            said["market"].as_str().unwrap().contains("SYNTHETIC"),
            "{said}"
        );
        assert_eq!(
            (said["clock"].as_str(), said["key"].as_str()),
            (Some("manual"), Some("testkey"))
        );
        assert!(!said.to_string().contains("testsecret"));
        let rest = said["rest"].as_str().unwrap();
        let clock = get(format!("{rest}/sim/clock")).await;
        // The demonstration begins on Monday 2026-03-02.
        assert_eq!(clock["now"], 1_772_409_600_000_i64);
        assert_eq!(running.end(signal), code);
    }
}

#[tokio::test]
async fn without_a_market_it_goes_on_now() {
    let program = Program::new();
    let mut running = program.start(&[]);
    let rest = running.line();
    let rest = rest.trim().strip_prefix("rest").unwrap().trim().to_owned();
    let said: String = (0..5).map(|_| running.line()).collect();
    assert!(
        said.contains("SYNTHETIC") && said.contains("clock    real"),
        "{said}"
    );
    let machine = machine_now();
    let clock = get(format!("{rest}/sim/clock")).await;
    let ahead = clock["now"].as_i64().unwrap() - machine;
    assert!((0..60_000).contains(&ahead), "{ahead}");
    let path = "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=5&limit=3";
    let klines = get(format!("{rest}{path}")).await;
    let newest = &klines["result"]["list"][0][0];
    let open: i64 = newest.as_str().unwrap().parse().unwrap();
    assert!((0..600_000).contains(&(machine - open)), "{klines}");
    assert_eq!(running.end(Signal::TERM), 143);
}

fn machine_now() -> i64 {
    tradeterm::runtime::clock::Clock::start().wall().millis()
}

#[test]
fn what_cannot_be_is_said_in_one_line() {
    let program = Program::new();
    let script = program.home.path().join("bad.toml");
    std::fs::write(&script, "[[fault]]\nkind = \"close\"\nsocet = \"all\"\n").unwrap();
    let script = script.to_str().unwrap();
    for (args, code, part) in [
        (&["--rest", "0.0.0.0:0"][..], 2, "no loopback address"),
        (&["--ws", "192.0.2.1:0"], 2, "no loopback address"),
        (&["--rest", "nonsense"], 2, "--rest"),
        (&["--clock", "real", "--speed", "2"], 2, "--speed"),
        (&["--tls-dir", "x"], 2, "--tls"),
        (
            &["--script", script],
            3,
            "bad.toml: [[fault]] 1: unknown field `socet`",
        ),
        (
            &["--script", "nowhere.toml"],
            3,
            "nowhere.toml: cannot be read",
        ),
        (
            &["--market", "nowhere.csv", "--symbol", "BTCUSDT"],
            5,
            "nowhere.csv",
        ),
    ] {
        let output = program.call(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
        assert!(output.stdout.is_empty());
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let output = program.call(&["--rest", &addr]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("cannot listen on {addr}")), "{said}");
}
