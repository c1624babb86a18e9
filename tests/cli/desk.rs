//! A home folder, the program in it, and recordings that all tests share.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for anything; only a failing test gets there.
const DEADLINE: Duration = Duration::from_mins(1);

/// What one call said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// Standard output of a call that has to succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out
    }

    /// Checks for one clear line on standard error with all of `parts`.
    #[track_caller]
    pub(crate) fn is_refused(&self, code: i32, parts: &[&str]) {
        let Said { err, .. } = self;
        assert_eq!(self.code, code, "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        let text = err
            .strip_prefix("tradeterm: ")
            .unwrap_or_else(|| panic!("{err}"));
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        for ugly in [
            "panicked",
            "RUST_BACKTRACE",
            "os error",
            "Some(",
            "Error {",
            "struct ",
        ] {
            assert!(!text.contains(ugly), "{text}");
        }
        assert!(text.trim_end().chars().count() <= 260, "{text}");
    }
}

/// A home folder of its own.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Writes a file beside the home; returns its path as an argument.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        arg(&path)
    }

    /// The program, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.env("TRADETERM_HOME", self.home());
        command
    }

    /// The program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.command(args).output().unwrap().into()
    }

    /// A session in the background; its lines go to the file `name`.
    pub(crate) fn start(&self, args: &[&str], name: &str) -> Session {
        let out = std::fs::File::create(self.path(name)).unwrap();
        let err = std::fs::File::create(self.path("session.err")).unwrap();
        let child = self.command(args).stdout(out).stderr(err).spawn().unwrap();
        let session = Session { child };
        // The first line comes after the lock and the signals are in place.
        wait_for("the first line", || {
            std::fs::metadata(self.path(name)).unwrap().len() > 0
        });
        session
    }

    pub(crate) fn journal(&self, number: &str) -> PathBuf {
        self.home()
            .join("state/replay/sessions")
            .join(number)
            .join("journal.ttj")
    }
}

/// A running session; killed if a test fails before its end.
pub(crate) struct Session {
    child: Child,
}

impl Session {
    /// Asks for an orderly end and returns the exit code.
    pub(crate) fn terminate(mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Over already in most tests, which is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program with nothing of this machine's environment.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tradeterm"));
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

#[expect(clippy::disallowed_methods, reason = "a deadline of the test itself")]
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < DEADLINE, "no sign of {what}");
        std::thread::yield_now();
    }
}

pub(crate) fn arg(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Three days of two made-up symbols, and one day of minutes; made once.
pub(crate) fn market(file: &str) -> String {
    static MARKET: OnceLock<Desk> = OnceLock::new();
    let desk = MARKET.get_or_init(|| {
        let desk = Desk::new();
        for (symbols, interval, days, out) in [
            ("BTCUSDT,ETHUSDT", "5m", "3", "five"),
            ("BTCUSDT", "1m", "1", "one"),
        ] {
            let out = arg(&desk.path(out));
            desk.run(&[
                "synth",
                "--seed",
                "5",
                "--symbols",
                symbols,
                "--days",
                days,
                "--interval",
                interval,
                "--out",
                &out,
            ])
            .ok();
        }
        desk
    });
    arg(&desk.path(file))
}

/// The demo to its end, once for all tests: its home, and what it said.
pub(crate) fn demo() -> &'static (Desk, Said) {
    static DEMO: OnceLock<(Desk, Said)> = OnceLock::new();
    DEMO.get_or_init(|| {
        let desk = Desk::new();
        let said = desk.run(&["--demo", "--no-tui"]);
        (desk, said)
    })
}
