//! What the tests of whole sessions share: a home folder, a small market, the real program.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "helpers of tests, each used by some of them"
)]

pub mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tradeterm::store::{Journal, JournalError, Record};

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A home folder with settings and, where asked for, a made-up market.
pub struct Home {
    folder: tempfile::TempDir,
    /// Flags of `run`, after the ones that every run has.
    pub flags: Vec<String>,
}

impl Home {
    /// An empty home.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            flags: Vec::new(),
        }
    }

    /// A home whose runs trade `legs` on the market in `market`.
    pub fn on_market(market: &Path, legs: &str, sets: &[&str]) -> Self {
        let mut home = Self::new();
        let text = format!(
            "[feed]\nkind = \"market\"\nmarket = {:?}\n{legs}",
            market.display().to_string()
        );
        fs::write(home.path().join("run.toml"), text).unwrap();
        let config = home.path().join("run.toml").display().to_string();
        home.flags = vec!["--config".to_owned(), config];
        for set in sets {
            home.flags.push("--set".to_owned());
            home.flags.push((*set).to_owned());
        }
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this home and nothing of the environment's settings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradeterm"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TRADETERM_") {
                command.env_remove(name);
            }
        }
        command.arg("--home").arg(self.path()).args(args);
        command
    }

    /// The program, to its end.
    pub fn call(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// A headless run that is still to be started.
    pub fn headless(&self, extra: &[&str]) -> Command {
        let mut command = self.command(&["run", "--no-tui"]);
        command.args(&self.flags).args(extra).stdin(Stdio::null());
        command
    }

    /// A headless run to its end: its lines and its exit code.
    pub fn run(&self, extra: &[&str]) -> (Vec<String>, i32) {
        let output = self.headless(extra).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let code = output.status.code().unwrap_or(-1);
        assert!(
            [0, 10, 11, 12, 143].contains(&code),
            "exit {code}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        (lines.lines().map(str::to_owned).collect(), code)
    }

    /// Folder of the state of replays.
    pub fn state(&self) -> PathBuf {
        self.path().join("state/replay")
    }

    /// Journal of the only session.
    pub fn journal(&self) -> PathBuf {
        self.state().join("sessions/0001/journal.ttj")
    }

    /// Bytes of the journal; 0 while there is none.
    pub fn journal_len(&self) -> u64 {
        fs::metadata(self.journal()).map_or(0, |meta| meta.len())
    }

    /// Text of the latch file, without its line ends.
    pub fn latch(&self) -> String {
        fs::read_to_string(self.state().join("kill.json")).unwrap_or_default()
    }

    /// Everything that was logged.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for file in fs::read_dir(self.path().join("state/log"))
            .into_iter()
            .flatten()
        {
            text += &fs::read_to_string(file.unwrap().path()).unwrap();
        }
        text
    }
}

/// A made-up market of `days` days; the same one each time.
pub fn market(symbols: &str, days: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new();
    let days = days.to_string();
    let out = folder.path().display().to_string();
    let output = home.call(&[
        "synth",
        "--seed",
        "7",
        "--symbols",
        symbols,
        "--days",
        &days,
        "--out",
        &out,
    ]);
    assert!(output.status.success(), "{output:?}");
    folder
}

/// A leg of the crossing averages, as settings.
pub fn ma_leg(symbol: &str, fast: u32, slow: u32) -> String {
    format!(
        "[[legs]]\nstrategy = \"ma-cross\"\nsymbol = \"{symbol}\"\ninterval = \"5m\"\nfast = {fast}\nslow = {slow}\n\
         long_short = true\n"
    )
}

/// A leg of a shipped agent, as settings.
pub fn agent_leg(name: &str) -> String {
    format!("[[legs]]\nstrategy = \"agent\"\nmodel = \"models/{name}\"\n")
}

/// Records of a journal up to where a crash cut it.
pub fn records(path: &Path) -> Vec<Record> {
    let mut all = Vec::new();
    for record in Journal::open(path).unwrap() {
        match record {
            Ok(record) => all.push(record),
            Err(JournalError::Torn { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    all
}

/// Waits until `done` says so; `false` after [`PATIENCE`].
pub fn wait_for(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Sends a signal to a child that this test started.
pub fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).unwrap();
}

/// A small generator for choices in tests.
pub struct Dice(pub u64);

impl Dice {
    /// A number from 0 to `below - 1`.
    pub fn roll(&mut self, below: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }
}
