//! A key and a secret that exist for one run: neither may be found in anything a run leaves.
//!
//! The real program runs against a simulated venue that knows the pair. Everything is searched:
//! what it says, its log at the finest level, its journal and state, its command line, and the
//! command lines and environments of processes that it starts.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test and its helpers"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Home, signal, wait_for};
use rustix::process::Signal;
use tradeterm::runtime::clock::Clock;
use tradeterm::venue::bybit::credentials::Credentials;
use tradeterm::venue::sim::exchange::ApiKey;
use tradeterm::venue::sim::server::{SimClock, SimConfig, SimServer, endless_market};

/// Characters of a key that may be shown.
const HINT: usize = 4;
/// Shortest part of a secret that counts as found: chance does not make it.
const PART: usize = 8;
/// Hexadecimal digits of a signature.
const SIGNATURE: usize = 64;

/// `n` characters that nothing else on this machine has.
fn unique(n: usize) -> String {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let state = RandomState::new();
    (0..n)
        .map(|at| {
            let mut hasher = state.build_hasher();
            hasher.write_usize(at);
            char::from(LETTERS[usize::try_from(hasher.finish() % 62).unwrap()])
        })
        .collect()
}

/// A pair, as the venue gives them out: 18 and 36 characters.
struct Pair {
    key: String,
    secret: String,
}

impl Pair {
    fn new() -> Self {
        Self {
            key: unique(18),
            secret: unique(36),
        }
    }

    /// Every text that may not be anywhere: parts of both, as they are and in hexadecimal.
    fn needles(&self) -> Vec<Vec<u8>> {
        let mut needles = BTreeSet::new();
        // The hint is the beginning; whatever goes on behind it is too much.
        needles.insert(self.key.as_bytes()[..HINT + 2].to_vec());
        for text in [&self.key, &self.secret] {
            for part in text.as_bytes().windows(PART) {
                needles.insert(part.to_vec());
            }
            needles.insert(hex::encode(text).into_bytes());
        }
        needles.into_iter().collect()
    }

    fn hint(&self) -> &str {
        &self.key[..HINT]
    }
}

fn has(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|part| part == needle)
}

/// Whether a text has as many hexadecimal digits in a row as a signature.
fn has_signature(text: &[u8]) -> bool {
    text.split(|byte| !byte.is_ascii_hexdigit())
        .any(|run| run.len() == SIGNATURE)
}

/// Things that were left behind, by name.
#[derive(Default)]
struct Left(Vec<(String, Vec<u8>)>);

impl Left {
    fn add(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.0.push((name.into(), bytes));
    }

    /// Every file below a folder, names included.
    fn add_folder(&mut self, folder: &Path, except: &[PathBuf]) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_folder(&path, except);
            } else if path.is_file() && !except.contains(&path) {
                self.add(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }

    fn named(&self, part: &str) -> Vec<u8> {
        let found = self.0.iter().filter(|(name, _)| name.contains(part));
        found.flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Names of everything that has a part of the pair, or a signature where people read.
    fn leaks(&self, pair: &Pair) -> Vec<String> {
        let needles = pair.needles();
        let mut found = Vec::new();
        for (name, bytes) in &self.0 {
            if needles
                .iter()
                .any(|needle| has(bytes, needle) || has(name.as_bytes(), needle))
            {
                found.push(format!("{name}: key or secret"));
            }
            let is_read = ["log", "stdout", "stderr"]
                .iter()
                .any(|part| name.contains(part));
            let lower = bytes.to_ascii_lowercase();
            if is_read && (has_signature(bytes) || has(&lower, b"x-bapi-sign")) {
                found.push(format!("{name}: signature"));
            }
        }
        found
    }

    #[track_caller]
    fn is_clean(&self, pair: &Pair) {
        assert_eq!(self.leaks(pair), Vec::<String>::new());
    }
}

/// How the program gets the pair.
#[derive(Clone, Copy)]
enum Way {
    Variables,
    Files,
}

/// A home with the pair, and a venue that may know it.
struct Desk {
    home: Home,
    /// Private files of the pair, which have it of course.
    own: Vec<PathBuf>,
    rest: String,
    ws: String,
}

impl Desk {
    fn new(rest: String, ws: String) -> Self {
        let home = Home::new();
        let text = "mode = \"testnet\"\n[feed]\nkind = \"bybit\"\ncategory = \"linear\"\n\
             [venue]\naccount = \"testnet\"\nleverage = 5\nmargin_mode = \"isolated\"\n\
             [account]\ncapital = 10000\n\
             [[legs]]\nstrategy = \"ma-cross\"\nsymbol = \"BTCUSDT\"\ninterval = \"1m\"\nfast = 2\n\
             slow = 3\nlong_short = true\n";
        fs::write(home.path().join("run.toml"), text).unwrap();
        Self {
            own: ["key", "secret"]
                .map(|name| home.path().join(name))
                .to_vec(),
            home,
            rest,
            ws,
        }
    }

    fn at(server: &SimServer) -> Self {
        Self::new(server.rest_url(), server.ws_url())
    }

    fn command(&self, way: Way, pair: &Pair, words: &[&str]) -> Command {
        let config = self.home.path().join("run.toml").display().to_string();
        let mut command = self.home.command(words);
        command
            .args(["--log-level", "trace", "--config", &config])
            .arg("--set")
            .arg(format!("venue.rest_url={}", self.rest))
            .arg("--set")
            .arg(format!("venue.ws_url={}", self.ws))
            .stdin(Stdio::null());
        let texts = [&pair.key, &pair.secret];
        for ((name, text), path) in ["KEY", "SECRET"].into_iter().zip(texts).zip(&self.own) {
            match way {
                Way::Variables => command.env(format!("BYBIT_TESTNET_API_{name}"), text),
                Way::Files => {
                    fs::write(path, text).unwrap();
                    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
                    command.env(format!("BYBIT_TESTNET_API_{name}_FILE"), path)
                }
            };
        }
        command
    }

    /// Runs a command to its end: its exit code and everything that is left.
    fn call(&self, way: Way, pair: &Pair, words: &[&str]) -> (i32, Left) {
        let output = self.command(way, pair, words).output().unwrap();
        let mut left = self.left();
        left.add("stdout", output.stdout);
        left.add("stderr", output.stderr);
        (output.status.code().unwrap_or(-1), left)
    }

    fn left(&self) -> Left {
        let mut left = Left::default();
        left.add_folder(self.home.path(), &self.own);
        left
    }

    /// A session at work: it has logged in and read its account.
    fn session(&self, way: Way, pair: &Pair, server: &SimServer) -> Session {
        let out = |name: &str| fs::File::create(self.home.path().join(name)).unwrap();
        let child = self
            .command(way, pair, &["run", "--no-tui"])
            .stdout(out("stdout"))
            .stderr(out("stderr"))
            .spawn()
            .unwrap();
        let mut session = Session(child);
        let stdout = self.home.path().join("stdout");
        let is_ready = wait_for(|| {
            let is_over = session.0.try_wait().unwrap().is_some();
            let counters = server.counters();
            let is_in = counters.auths.values().any(|auths| 0 < auths.accepted);
            let has_said = fs::metadata(&stdout).unwrap().len() > 0;
            is_over || (is_in && has_said && 3 < counters.signed)
        });
        let said = String::from_utf8_lossy(&fs::read(&stdout).unwrap()).into_owned();
        let erred = fs::read_to_string(self.home.path().join("stderr")).unwrap();
        assert!(is_ready, "{:?}\n{said}\n{erred}", server.counters());
        assert!(session.0.try_wait().unwrap().is_none(), "{said}\n{erred}");
        session
    }
}

/// A running session; ended with its test.
struct Session(Child);

impl Session {
    /// What the system shows of it, and of every process below it.
    fn seen(&self) -> Left {
        let mut left = Left::default();
        let own = self.0.id();
        left.add(
            format!("cmdline of {own}"),
            fs::read(format!("/proc/{own}/cmdline")).unwrap_or_default(),
        );
        let mut todo = children(own);
        while let Some(pid) = todo.pop() {
            for part in ["cmdline", "environ"] {
                let text = fs::read(format!("/proc/{pid}/{part}")).unwrap_or_default();
                left.add(format!("{part} of child {pid}"), text);
            }
            todo.extend(children(pid));
        }
        left
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It has ended already, unless its test failed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Processes that a process has started; none where the system does not tell.
fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|text| {
            let pids: Vec<u32> = text.split_whitespace().flat_map(str::parse).collect();
            pids
        })
        .collect()
}

/// A venue with a market that goes on now, which knows the pair.
async fn venue(pair: &Pair) -> SimServer {
    let clock = Clock::start();
    let (feed, instruments) = endless_market(clock.wall()).unwrap();
    let wall = SimClock::Real(std::sync::Arc::new(move || clock.wall()));
    let mut config = SimConfig::new(instruments, feed, wall);
    config.exchange.keys = vec![ApiKey::new(&pair.key, &pair.secret)];
    SimServer::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_in_order_leaves_nothing_of_its_key() {
    for way in [Way::Variables, Way::Files] {
        let pair = Pair::new();
        let server = venue(&pair).await;
        let desk = Desk::at(&server);
        let mut session = desk.session(way, &pair, &server);
        session.seen().is_clean(&pair);
        signal(&session.0, Signal::TERM);
        let code = session.0.wait().unwrap().code();
        assert!(matches!(code, Some(143 | 12)), "{code:?}");
        let left = desk.left();
        // What is searched is there: a log, lines, a journal.
        let log = left.named("/log/");
        assert!(has(&log, b"cleared"), "no log of the session");
        assert!(!left.named("journal.ttj").is_empty());
        assert!(!left.named("stdout").is_empty());
        left.is_clean(&pair);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_session_leaves_nothing_of_its_key() {
    let pair = Pair::new();
    let server = venue(&pair).await;
    let desk = Desk::at(&server);
    let mut session = desk.session(Way::Variables, &pair, &server);
    signal(&session.0, Signal::KILL);
    session.0.wait().unwrap();
    let left = desk.left();
    assert!(!left.named("journal.ttj").is_empty());
    left.is_clean(&pair);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_key_is_not_repeated() {
    let pair = Pair::new();
    let server = venue(&pair).await;
    let wrong_secret = Pair {
        key: pair.key.clone(),
        secret: unique(36),
    };
    for tried in [wrong_secret, Pair::new()] {
        for words in [&["run", "--no-tui"][..], &["doctor", "--account", "--json"]] {
            let desk = Desk::at(&server);
            let (code, left) = desk.call(Way::Variables, &tried, words);
            let said = left.named("std");
            let said = String::from_utf8_lossy(&said);
            assert_eq!(code, 4, "{words:?}: {said}");
            left.is_clean(&tried);
            left.is_clean(&pair);
        }
    }
    server.stop().await;
}

#[test]
fn a_venue_that_is_not_there_is_told_nothing() {
    let pair = Pair::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = port.local_addr().unwrap();
    drop(port);
    for words in [&["run", "--no-tui"][..], &["doctor", "--account", "--json"]] {
        let desk = Desk::new(format!("http://{addr}"), format!("ws://{addr}"));
        let (code, left) = desk.call(Way::Files, &pair, words);
        let said = left.named("std");
        assert_eq!(code, 5, "{words:?}: {}", String::from_utf8_lossy(&said));
        left.is_clean(&pair);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_account_and_settings_shows_the_hint_alone() {
    let pair = Pair::new();
    let server = venue(&pair).await;
    for way in [Way::Variables, Way::Files] {
        let desk = Desk::at(&server);
        let (_, left) = desk.call(way, &pair, &["doctor", "--account", "--json"]);
        let said = left.named("stdout");
        // The search sees what is there: the hint is.
        assert!(has(&said, pair.hint().as_bytes()), "no hint");
        left.is_clean(&pair);
        let (code, left) = desk.call(way, &pair, &["config", "show", "--origin"]);
        assert_eq!(code, 0);
        left.is_clean(&pair);
    }
    assert!(0 < server.counters().signed);
    server.stop().await;
}

#[test]
fn a_panic_over_credentials_says_nothing_of_them() {
    let pair = Pair::new();
    let credentials = Credentials::new(pair.key.clone(), pair.secret.clone()).unwrap();
    let caught = std::panic::catch_unwind(move || {
        let refused = |held| -> Result<(), Credentials> { Err(held) };
        refused(credentials).unwrap();
    });
    let payload = caught.unwrap_err();
    let text = payload.downcast_ref::<String>().unwrap();
    assert!(text.contains("Credentials"), "{text}");
    let mut left = Left::default();
    left.add("panic on stderr", text.clone().into_bytes());
    left.is_clean(&pair);
}

#[test]
fn what_is_planted_is_found() {
    let pair = Pair::new();
    let signature = hex::encode(unique(32));
    let hint = &pair.key[..HINT];
    for (line, n_found) in [
        (format!("key {hint}…"), 0),
        (format!("key {}", &pair.key[..HINT + 2]), 1),
        (format!("key {}", pair.key), 1),
        (format!("part {}", &pair.key[9..]), 1),
        (format!("secret={}", pair.secret), 1),
        (format!("part {}", &pair.secret[20..28]), 1),
        (format!("hex {}", hex::encode(&pair.secret)), 1),
        (format!("X-BAPI-SIGN: {signature}"), 1),
        (format!("sign {signature}"), 1),
        ("header x-bapi-sign".to_owned(), 1),
        (format!("id {}", &signature[..32]), 0),
    ] {
        let home = Home::new();
        let log = home.path().join("state/log");
        fs::create_dir_all(&log).unwrap();
        fs::write(log.join("tradeterm.log"), format!("before\n{line}\nbehind")).unwrap();
        let mut left = Left::default();
        left.add_folder(home.path(), &[]);
        assert_eq!(left.leaks(&pair).len(), n_found, "{line}");
    }
}
