//! The program in a pty that is read only when a test wants it to be.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::{Home, wait_for};

/// Time without a byte to the terminal after which it counts as stuck.
const QUIET: Duration = Duration::from_millis(500);
/// Keys that change the view, so that much is drawn.
const VIEWS: [&str; 4] = ["1", "2", "3", "4"];

/// A console in a terminal of 120 by 40.
pub struct Terminal {
    slave: Option<Box<dyn SlavePty + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    reading: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program with `args`; its output is read until [`Terminal::stick`].
    pub fn start(home: &Home, args: &[&str]) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
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
        command.env("COLORTERM", "truecolor");
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.arg("--home");
        command.arg(home.path());
        command.args(args);
        let child = pair.slave.spawn_command(command).unwrap();
        let reading = Arc::new(AtomicBool::new(true));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let may_read = Arc::clone(&reading);
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while !is_over.load(Ordering::SeqCst) {
                if !may_read.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                } else if !matches!(reader.read(&mut buffer), Ok(1..)) {
                    return;
                }
            }
        });
        Self {
            keys: Some(pair.master.take_writer().unwrap()),
            slave: Some(pair.slave),
            master: Some(pair.master),
            child,
            reading,
            over,
            reader: Some(thread),
        }
    }

    /// Number of the process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn press(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Bytes that the drawing thread has written so far.
    pub fn drawn(&self) -> u64 {
        let pid = self.pid();
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/io"));
        text.unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
            .unwrap_or(0)
    }

    /// Stops reading, and waits until the terminal takes nothing more.
    pub fn stick(&mut self) {
        self.reading.store(false, Ordering::SeqCst);
        let (mut drawn, mut since, mut n) = (self.drawn(), Instant::now(), 0);
        let stuck = wait_for(|| {
            // Something new to draw, until drawing has no effect any more.
            if since.elapsed() < QUIET {
                self.press(VIEWS[n % VIEWS.len()]);
                n += 1;
            }
            std::thread::sleep(Duration::from_millis(25));
            let now = self.drawn();
            if now != drawn {
                (drawn, since) = (now, Instant::now());
            }
            since.elapsed() > QUIET
        });
        assert!(stuck, "the terminal still takes frames");
    }

    /// Reads again.
    pub fn free(&self) {
        self.reading.store(true, Ordering::SeqCst);
    }

    /// Closes the terminal, as a window manager does.
    pub fn close(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Its end of the terminal has to go as well; the next frame wakes it.
        self.reader
            .take()
            .map(JoinHandle::join)
            .transpose()
            .unwrap();
        drop((self.keys.take(), self.slave.take(), self.master.take()));
    }

    /// Exit code, within `patience`.
    pub fn ended(&mut self, patience: Duration) -> Option<u32> {
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.exit_code());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.free();
        // Only the child that this value started, and only while its number is still its own.
        if matches!(self.child.try_wait(), Ok(None)) {
            let killed = self.child.kill();
            let waited = self.child.wait();
            assert!(killed.is_ok() || waited.is_ok());
        }
    }
}

/// What was measured at a terminal that nobody reads.
#[derive(Debug)]
pub struct Figures {
    /// From the key's byte to the closed gate, in microseconds, sorted.
    pub gate_us: Vec<u64>,
    /// Longest time between two turns of the engine, in milliseconds.
    pub max_turn_gap_ms: f64,
    /// Bytes that the journal grew by while the terminal was stuck.
    pub progress: u64,
    /// From the signal to the end of the process, with the terminal stuck.
    pub end_ms: u128,
    /// Exit code of that end.
    pub exit: Option<u32>,
}

impl Figures {
    /// Time that this part of the presses kept.
    pub fn gate_us_at(&self, part: f64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among few"
        )]
        let rank = (self.gate_us.len() as f64 * part).ceil() as usize;
        self.gate_us[rank.clamp(1, self.gate_us.len()) - 1]
    }

    /// The figures in one line.
    pub fn print(&self) -> String {
        format!(
            "{} presses at a stuck terminal: key byte to closed gate p50 {} us, p99 {} us, max {} \
             us; longest turn gap {:.1} ms; journal grew {} bytes; SIGTERM to end {} ms",
            self.gate_us.len(),
            self.gate_us_at(0.5),
            self.gate_us_at(0.99),
            self.gate_us_at(1.0),
            self.max_turn_gap_ms,
            self.progress,
            self.end_ms
        )
    }
}

fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}

/// Moments at which the log says that the gate was closed by a key, in microseconds.
fn closings(home: &Home) -> Vec<u64> {
    home.log()
        .lines()
        .filter(|line| line.contains("gate closed"))
        .map(|line| {
            let at: jiff::Timestamp = line.split(' ').next().unwrap().parse().unwrap();
            u64::try_from(at.as_microsecond()).unwrap()
        })
        .collect()
}

fn has_level(home: &Home, level: &str) -> bool {
    home.latch().contains(&format!("\"level\": \"{level}\""))
}

/// Presses the kill key `n` times at a terminal that takes nothing, each time from an open gate.
pub fn measure(n: usize) -> Figures {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &["--demo", "--speed", "150"]);
    assert!(wait_for(
        || terminal.drawn() > 10_000 && home.journal_len() > 0
    ));
    let mut gate_us = Vec::new();
    let mut progress = 0;
    for n in 0..n {
        terminal.stick();
        let before = home.journal_len();
        let pressed = wall_us();
        terminal.press("K");
        assert!(wait_for(|| closings(&home).len() > n), "no gate closed");
        gate_us.push(closings(&home)[n].saturating_sub(pressed));
        assert!(
            wait_for(|| home.journal_len() > before),
            "the engine stands still"
        );
        progress += home.journal_len() - before;
        assert!(wait_for(|| has_level(&home, "reduce-only")), "not on disk");
        terminal.free();
        // Back to where it was; an answer counts once its question was on the screen.
        let mut asked = Instant::now();
        let resumed = wait_for(|| {
            if asked.elapsed() > Duration::from_millis(150) {
                terminal.press("\x1b");
                asked = Instant::now();
            }
            has_level(&home, "active")
        });
        assert!(resumed, "{}", home.latch());
    }
    terminal.stick();
    let asked = Instant::now();
    terminal.signal(Signal::TERM);
    let exit = terminal.ended(Duration::from_secs(20));
    let end_ms = asked.elapsed().as_millis();
    gate_us.sort_unstable();
    Figures {
        gate_us,
        max_turn_gap_ms: turn_gap(&home),
        progress,
        end_ms,
        exit,
    }
}

fn turn_gap(home: &Home) -> f64 {
    let log = home.log();
    let (_, rest) = log.rsplit_once("max_turn_gap_ms=").expect("the last line");
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// Time that a process has used so far, in clock ticks.
pub fn ticks(pid: u32) -> u64 {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(Path::new(&path)).unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
