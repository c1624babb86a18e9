//! The whole console in a real terminal: this test program starts itself again inside a pty.
//!
//! The console reports what the session was asked for, and how it ended, over a socket, so that
//! it can be watched even while nobody reads its terminal. Every wait has an end.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use ratatui::widgets::Paragraph;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;
use crate::control::{Command, KillSwitch, TradeCommand, channel};
use crate::tui::model::{Overlay, View};
use crate::tui::update::tests::{layout, snapshot};

const SOCKET: &str = "TRADETERM_TEST_SOCKET";
const FLOOD: &str = "TRADETERM_TEST_FLOOD";
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes what a test looks for; floods the terminal with other cells each time if told so.
struct Page {
    flood: bool,
    n_draws: Arc<AtomicU64>,
}

impl Screen for Page {
    fn layout(&self) -> Layout {
        layout()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, scene: &Scene<'_>) {
        assert!(scene.model.view != View::Log, "the log view is broken");
        let n = self.n_draws.fetch_add(1, Ordering::SeqCst);
        let modal = match scene.model.overlay {
            Some(Overlay::Kill(_)) => "MODAL",
            Some(_) => "DIALOG",
            None => "VIEW",
        };
        let title = scene.model.view.title();
        let mut text = format!("{title}/{}/{modal}", scene.kill.level);
        if self.flood {
            text = ["ab", "cd"][usize::from(n.is_multiple_of(2))].repeat(8_000);
        }
        let wrap = ratatui::widgets::Wrap { trim: false };
        frame.render_widget(Paragraph::new(text).wrap(wrap), frame.area());
    }

    fn set_theme(&mut self, _name: &str) -> Result<(), String> {
        Ok(())
    }
}

/// Not a test by itself: the console that the tests below start in a pty.
#[test]
fn console() {
    let Some(socket) = std::env::var_os(SOCKET) else {
        return;
    };
    let flood = std::env::var_os(FLOOD).is_some();
    let socket = UnixStream::connect(socket).unwrap();
    let mut report = socket.try_clone().unwrap();
    let (kill, _reset) = KillSwitch::new(KillLevel::Active);
    let (publisher, handle) = channel(kill, snapshot());
    let (switches, done) = (Switches::default(), Arc::default());
    let n_draws = Arc::new(AtomicU64::new(0));
    let mut page = Page {
        flood,
        n_draws: Arc::clone(&n_draws),
    };
    let session = {
        let shutdown = Arc::clone(&switches.shutdown);
        let done = Arc::<AtomicBool>::clone(&done);
        std::thread::spawn(move || session(&publisher, &n_draws, &shutdown, &done, flood, &socket))
    };
    let clock: Clock = Arc::new(|| {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        u64::try_from(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000).unwrap()
    });
    let options = UiOptions {
        fps: 30,
        theme: "dark".to_owned(),
        themes: Vec::new(),
        keymap: Keymap::builtin(),
        mouse: false,
        ascii: false,
    };
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(handle, options, &clock, &mut page, &switches)
    }));
    done.store(true, Ordering::SeqCst);
    session.join().unwrap();
    match end {
        Ok(end) => writeln!(report, "end {end:?}").unwrap(),
        Err(_) => writeln!(report, "end panic").unwrap(),
    }
}

/// A session of 30 s: publishes, and reports commands and a console that has stopped drawing.
fn session(
    publisher: &crate::control::Publisher,
    n_draws: &AtomicU64,
    shutdown: &AtomicBool,
    done: &AtomicBool,
    flood: bool,
    mut report: &UnixStream,
) {
    let (mut draws, mut idle) = (0, 0);
    for version in 2..6_000 {
        if done.load(Ordering::SeqCst) {
            return;
        }
        let step = Duration::from_millis(5);
        if let Ok(command) = publisher.commands().recv_timeout(step) {
            let halted = matches!(
                command,
                Command::Trade(TradeCommand::Kill {
                    level: KillLevel::Halted,
                    ..
                })
            );
            // The signal to end comes while the terminal is stuck.
            shutdown.store(flood && halted, Ordering::SeqCst);
            let line = match command {
                Command::Trade(TradeCommand::Kill { level, .. }) => format!("kill {level}"),
                Command::Trade(TradeCommand::Resume { level, .. }) => format!("resume {level}"),
                other => format!("{other:?}"),
            };
            writeln!(report, "{line}").unwrap();
        }
        if flood {
            publisher.publish(Snapshot {
                version,
                ..snapshot()
            });
        }
        let now = n_draws.load(Ordering::SeqCst);
        idle = if now == draws { idle + 1 } else { 0 };
        draws = now;
        if flood && idle == 60 {
            writeln!(report, "stuck").unwrap();
        }
    }
    shutdown.store(true, Ordering::SeqCst);
}

/// The other end of the pty.
struct Terminal {
    slave: Option<Box<dyn SlavePty + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    report: BufReader<UnixStream>,
    /// Modes of the terminal before the console took it.
    before: String,
    chunks: Option<Receiver<Vec<u8>>>,
    screen: vt100::Parser,
    _folder: tempfile::TempDir,
}

impl Terminal {
    fn start(flood: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let size = PtySize {
            rows: 24,
            cols: 80,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        // A terminal that goes away must not end the process here, as in the real runtime.
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
        command.arg(std::env::current_exe().unwrap());
        command.args(["tui::run::pty_tests::console", "--exact", "--nocapture"]);
        command.env(SOCKET, &path);
        command.env("TERM", "xterm-256color");
        if flood {
            command.env(FLOOD, "1");
        }
        let before = modes(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        assert!(ready(&listener), "the console did not start");
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            keys: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            slave: Some(pair.slave),
            child,
            report: BufReader::new(socket),
            before,
            chunks: None,
            screen: vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0),
            _folder: folder,
        }
    }

    fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Reads the terminal until it shows `text`. From the first call on it is read all the time.
    fn see(&mut self, text: &str) {
        let master = self.master.as_ref().unwrap();
        let chunks = self
            .chunks
            .get_or_insert_with(|| read_on(master.try_clone_reader().unwrap()));
        while !self.screen.screen().contents().contains(text) {
            let Ok(chunk) = chunks.recv_timeout(PATIENCE) else {
                panic!("no `{text}` on:\n{}", self.screen.screen().contents());
            };
            self.screen.process(&chunk);
        }
    }

    /// The next line of the report.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.report.read_line(&mut line).expect("a report in time");
        line.trim_end().to_owned()
    }

    fn modes(&self) -> String {
        modes(self.master.as_ref().unwrap().as_ref())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Only the child that this value started.
        let killed = self.child.kill();
        let waited = self.child.wait();
        assert!(killed.is_ok() || waited.is_ok());
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

fn ready(listener: &UnixListener) -> bool {
    let patience = Timespec {
        tv_sec: 30,
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    matches!(poll(&mut fds, Some(&patience)), Ok(n) if n > 0)
}

#[test]
fn a_person_can_kill_answer_and_quit_and_gets_the_terminal_back() {
    let mut terminal = Terminal::start(false);
    terminal.see("Dash/active/VIEW");
    assert_ne!(terminal.modes(), terminal.before);
    assert!(terminal.screen.screen().alternate_screen());
    assert!(terminal.screen.screen().bracketed_paste());
    terminal.press("3");
    terminal.see("Blotter/active/VIEW");
    // Typed ahead in one piece: the Enter is no answer.
    terminal.press("K\r");
    assert_eq!(terminal.hear(), "kill reduce-only");
    terminal.see("Blotter/reduce-only/MODAL");
    terminal.press("\x1b[200~K\r\x1b[201~");
    terminal.press("F");
    terminal.see("Blotter/flatten/MODAL");
    assert_eq!(
        terminal.hear(),
        "kill flatten",
        "on play money, and no halt before"
    );
    terminal.press("\x1b");
    terminal.see("Blotter/flatten/VIEW");
    terminal.press("q");
    terminal.see("Blotter/flatten/DIALOG");
    terminal.press("\x1b[B\r");
    assert_eq!(terminal.hear(), "end Ok(Quit(Cancel))");
    terminal.see("test result: ok");
    assert!(!terminal.screen.screen().alternate_screen());
    assert!(!terminal.screen.screen().bracketed_paste());
    assert!(!terminal.screen.screen().hide_cursor());
    assert_eq!(terminal.modes(), terminal.before);
}

#[test]
fn a_terminal_that_nobody_reads_delays_neither_the_gate_nor_a_halt_nor_the_end() {
    let mut terminal = Terminal::start(true);
    assert_eq!(terminal.hear(), "stuck");
    terminal.press("K");
    assert_eq!(terminal.hear(), "kill reduce-only");
    terminal.press("\r");
    let quiet = Duration::from_millis(400);
    terminal
        .report
        .get_ref()
        .set_read_timeout(Some(quiet))
        .unwrap();
    let mut line = String::new();
    let nothing = terminal.report.read_line(&mut line);
    assert!(
        nothing.is_err(),
        "answered a question that nobody saw: {line}"
    );
    terminal
        .report
        .get_ref()
        .set_read_timeout(Some(PATIENCE))
        .unwrap();
    terminal.press("K");
    assert_eq!(terminal.hear(), "kill halt");
    // Nothing has been read until here.
    assert_eq!(terminal.hear(), "end Ok(Shutdown)");
}

#[test]
fn a_terminal_that_goes_away_ends_the_console_and_not_the_process() {
    let mut terminal = Terminal::start(false);
    terminal.press("K");
    assert_eq!(terminal.hear(), "kill reduce-only");
    drop((
        terminal.keys.take(),
        terminal.slave.take(),
        terminal.master.take(),
    ));
    assert_eq!(terminal.hear(), "end Ok(TerminalLost)");
}

#[test]
fn a_panic_gives_the_terminal_back_before_its_message() {
    let mut terminal = Terminal::start(false);
    terminal.see("Dash/active/VIEW");
    terminal.press("7");
    assert_eq!(terminal.hear(), "end panic");
    terminal.see("the log view is broken");
    assert!(!terminal.screen.screen().alternate_screen());
    assert_eq!(terminal.modes(), terminal.before);
}
