//! A console that leaves its screen: the terminal is as it was, trading goes on, keys act on
//! nothing, and the screen comes back.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod common;

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use common::{Home, PATIENCE, wait_for};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

const CTRL_Z: &str = "\x1a";

/// The program in a pty whose picture is kept.
struct Console {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    chunks: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Modes of the terminal before the program took it.
    before: String,
    _slave: Box<dyn SlavePty + Send>,
}

impl Console {
    fn start(home: &Home) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 100,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tradeterm"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TRADETERM_") {
                command.env_remove(name);
            }
        }
        command.env("TERM", "xterm-256color");
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.arg("--home");
        command.arg(home.path());
        command.args(["--demo", "--speed", "150"]);
        let before = modes(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        Self {
            chunks: read_on(pair.master.try_clone_reader().unwrap()),
            keys: pair.master.take_writer().unwrap(),
            child,
            screen: vt100::Parser::new(24.try_into().unwrap(), 100.try_into().unwrap(), 0),
            before,
            master: pair.master,
            _slave: pair.slave,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.process_id().unwrap();
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    fn modes(&self) -> String {
        modes(self.master.as_ref())
    }

    /// Reads the terminal until `done` holds.
    #[track_caller]
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !done(self) {
            let text = self.screen.screen().contents();
            assert!(started.elapsed() < PATIENCE, "not {what}:\n{text}");
            match self.chunks.recv_timeout(Duration::from_millis(20)) {
                Ok(chunk) => self.screen.process(&chunk),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("it ended, not {what}:\n{text}"),
            }
        }
    }

    #[track_caller]
    fn is_away(&mut self) {
        self.until("away", |console| {
            let screen = console.screen.screen();
            !screen.alternate_screen()
                && screen.contents().contains("trading goes on")
                && console.modes() == console.before
        });
        let screen = self.screen.screen();
        assert!(!screen.hide_cursor() && !screen.bracketed_paste());
        let pid = self.child.process_id().unwrap();
        assert!(screen.contents().contains(&format!("kill -CONT {pid}")));
    }

    #[track_caller]
    fn is_back(&mut self) {
        self.until("back", |console| {
            let screen = console.screen.screen();
            screen.alternate_screen()
                && screen.contents().contains("K KILL")
                && console.modes() != console.before
        });
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Only the child that this value started, and only while its number is still its own.
        if matches!(self.child.try_wait(), Ok(None)) {
            let killed = self.child.kill();
            let waited = self.child.wait();
            assert!(killed.is_ok() || waited.is_ok());
        }
    }
}

fn modes(master: &(dyn MasterPty + Send)) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn read_on(mut reader: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (sender, chunks) = sync_channel::<Vec<u8>>(64);
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                return;
            }
        }
    });
    chunks
}

#[test]
fn the_screen_is_left_and_comes_back_while_trading_goes_on() {
    let home = Home::new();
    let mut console = Console::start(&home);
    console.is_back();
    console.press(CTRL_Z);
    console.is_away();
    let before = home.journal_len();
    assert!(
        wait_for(|| home.journal_len() > before + 2_000),
        "the engine stands still"
    );
    // A kill, a question and an answer for nobody.
    console.press("K\rq\r");
    // In a terminal at rest the same key is the signal.
    console.press(CTRL_Z);
    console.is_back();
    let text = console.screen.screen().contents();
    assert!(!text.contains("REDUCE") && !text.contains("Quit"), "{text}");
    assert_eq!(home.latch(), "", "a key was taken for a kill");

    console.signal(Signal::TSTP);
    console.is_away();
    console.signal(Signal::CONT);
    console.is_back();
    // Keys are heard again.
    console.press("K");
    assert!(wait_for(|| home.latch().contains("reduce-only")));
    console.signal(Signal::TERM);
    console.until("given back", |console| {
        console.modes() == console.before && !console.screen.screen().alternate_screen()
    });
    assert_eq!(console.child.wait().unwrap().exit_code(), 143);
}

#[test]
fn a_console_that_is_away_ends_in_order() {
    let home = Home::new();
    let mut console = Console::start(&home);
    console.is_back();
    console.signal(Signal::TSTP);
    console.is_away();
    console.signal(Signal::TERM);
    assert_eq!(console.child.wait().unwrap().exit_code(), 143);
    assert_eq!(console.modes(), console.before);
}
