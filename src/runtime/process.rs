//! What reaches the process from outside: signals and the kill file. Runs on the `io` thread.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::stop::StopFlag;
use crate::control::{Handle, KillReason, ScreenSwitch, clean_reason};
use crate::domain::KillLevel;

/// Time between two looks for the kill file (UX 3.4).
const KILL_FILE_POLL: Duration = Duration::from_millis(250);

/// Name of the kill file in the runtime folder. Its first word may name the level, else it halts;
/// the rest of it is the reason.
pub const KILL_FILE: &str = "KILL";

/// Bytes of the kill file that are read.
const MAX_KILL_FILE: u64 = 4_096;

/// What a lost terminal does to trading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHangUp {
    /// Nothing.
    Continue,
    /// Trips the latch to this level.
    Trip(KillLevel),
    /// Ends the session, as a headless one without a terminal to lose.
    Stop,
}

/// Everything the watcher acts on.
#[derive(Debug, Clone)]
pub struct Watcher {
    /// The session.
    pub handle: Handle,
    /// Asks the session to end.
    pub stop: StopFlag,
    /// Tells the console to end.
    pub shutdown: Arc<AtomicBool>,
    /// Folder of the kill file.
    pub runtime_dir: PathBuf,
    /// What a hang-up does.
    pub on_hang_up: OnHangUp,
    /// The console's screen, which SIGTSTP leaves and SIGCONT brings back, while the process goes
    /// on. Without a console SIGTSTP stops the process, as any other.
    pub screen: Option<Arc<ScreenSwitch>>,
}

/// Starts the watcher on a thread of its own. It ends with the process.
///
/// # Errors
///
/// When signals cannot be watched.
pub fn watch(watcher: Watcher) -> std::io::Result<()> {
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("io".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(async {
                    match Signals::of(&watcher) {
                        Ok(signals) => {
                            // Before anything trades: the file may lie there already.
                            watcher.look_for_kill_file();
                            drop(ready.send(Ok(())));
                            watcher.run(signals).await;
                        }
                        Err(error) => drop(ready.send(Err(error))),
                    }
                }),
                Err(error) => drop(ready.send(Err(error))),
            }
        })?;
    started
        .recv()
        .unwrap_or_else(|_| Err(std::io::Error::other("the io thread did not start")))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    halt: Signal,
    flatten: Signal,
    /// SIGTSTP, where there is a screen to leave.
    suspend: Option<Signal>,
    /// SIGCONT, where there is a screen to come back to.
    go_on: Option<Signal>,
}

impl Signals {
    fn of(watcher: &Watcher) -> std::io::Result<Self> {
        let of_screen = |number: rustix::process::Signal| {
            let kind = SignalKind::from_raw(number.as_raw());
            watcher.screen.as_ref().map(|_| signal(kind)).transpose()
        };
        Ok(Self {
            suspend: of_screen(rustix::process::Signal::TSTP)?,
            go_on: of_screen(rustix::process::Signal::CONT)?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            halt: signal(SignalKind::user_defined1())?,
            flatten: signal(SignalKind::user_defined2())?,
        })
    }
}

/// The next one of a signal that may not be watched.
async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

impl Watcher {
    async fn run(self, mut signals: Signals) {
        let mut poll = tokio::time::interval(KILL_FILE_POLL);
        loop {
            // Kills come before ends: whoever asks for both wants the kill.
            tokio::select! {
                biased;
                _ = signals.flatten.recv() => self.handle.trip(KillLevel::Flatten, KillReason::Signal),
                _ = signals.halt.recv() => self.handle.trip(KillLevel::Halted, KillReason::Signal),
                _ = signals.terminate.recv() => self.end(15),
                _ = signals.interrupt.recv() => self.end(2),
                _ = signals.hang_up.recv() => self.hang_up(),
                _ = poll.tick() => self.look_for_kill_file(),
                () = next(&mut signals.suspend) => self.on_screen(ScreenSwitch::toggle),
                () = next(&mut signals.go_on) => self.on_screen(ScreenSwitch::come_back),
            }
        }
    }

    fn end(&self, number: u8) {
        tracing::info!(number, "signal: ending in order");
        self.stop.signal(number);
        self.shutdown.store(true, Ordering::SeqCst);
    }

    fn on_screen(&self, act: fn(&ScreenSwitch)) {
        if let Some(screen) = &self.screen {
            act(screen);
        }
    }

    fn hang_up(&self) {
        tracing::warn!("the terminal is gone");
        match self.on_hang_up {
            OnHangUp::Continue => {}
            OnHangUp::Trip(level) => self.handle.trip(level, KillReason::TerminalLost),
            OnHangUp::Stop => self.end(1),
        }
    }

    /// Obeys the kill file, and removes it once the step is on the disk: a crash in between must
    /// not lose it. The picture shows a step only after it was written.
    fn look_for_kill_file(&self) {
        let Some((level, reason)) = read_kill_file(&self.runtime_dir) else {
            return;
        };
        if self.handle.kill().level() < level {
            self.handle.trip_with(level, KillReason::File, &reason);
        } else if level <= self.handle.latest().state.kill
            && let Err(error) = std::fs::remove_file(self.runtime_dir.join(KILL_FILE))
        {
            tracing::warn!(%error, "the kill file could not be removed");
        }
    }
}

/// Reads the kill file: the step and why. A file whose text begins with no level halts: whoever
/// made it wanted trading to stop.
fn read_kill_file(dir: &Path) -> Option<(KillLevel, String)> {
    let mut bytes = Vec::new();
    let read = File::open(dir.join(KILL_FILE))
        .and_then(|file| file.take(MAX_KILL_FILE).read_to_end(&mut bytes));
    if read.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return None;
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let named = KillLevel::ALL
        .into_iter()
        .find(|level| level.name() == word);
    let reason = match clean_reason(if named.is_some() { rest } else { text }) {
        empty if empty.is_empty() => KillReason::File.words().to_owned(),
        reason => reason,
    };
    let level = named.filter(|level| *level > KillLevel::Active);
    Some((level.unwrap_or(KillLevel::Halted), reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Command, KillSwitch, SessionView, Snapshot, TradeCommand, channel};
    use crate::domain::Mode;

    #[test]
    fn the_kill_file_halts_unless_it_names_a_level_and_says_why() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_kill_file(dir.path()), None);
        let long = "x".repeat(1_000_000);
        for (text, level, reason) in [
            ("", KillLevel::Halted, "kill file"),
            ("halt\n", KillLevel::Halted, "kill file"),
            (
                "flatten because I say so",
                KillLevel::Flatten,
                "because I say so",
            ),
            (
                "reduce-only\ttwo\nlines\u{1b}[2J",
                KillLevel::ReduceOnly,
                "two lines[2J",
            ),
            ("active", KillLevel::Halted, "kill file"),
            ("it burns", KillLevel::Halted, "it burns"),
            ("\u{1}nonsense", KillLevel::Halted, "nonsense"),
            (&long, KillLevel::Halted, &long[..200]),
        ] {
            std::fs::write(dir.path().join(KILL_FILE), text).unwrap();
            let found = read_kill_file(dir.path());
            assert_eq!(found, Some((level, reason.to_owned())), "{text:.40?}");
        }
        std::fs::write(dir.path().join(KILL_FILE), b"flatten \xff\xfe").unwrap();
        assert_eq!(read_kill_file(dir.path()).unwrap().0, KillLevel::Flatten);
    }

    #[test]
    fn the_words_of_the_kill_file_wait_for_the_engine_when_the_gate_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(KILL_FILE), "halt it burns").unwrap();
        let (kill, _reset) = KillSwitch::new(KillLevel::Active);
        let view = SessionView {
            run_id: String::new(),
            mode: Mode::Replay,
            synthetic: true,
            feed: String::new(),
            speed: None,
            held: false,
            progress: None,
            ended: false,
            config_hash: String::new(),
            build: String::new(),
            inference: String::new(),
            coin: String::new(),
        };
        let (publisher, handle) = channel(kill, Snapshot::blank(view));
        let watcher = Watcher {
            handle,
            stop: StopFlag::default(),
            shutdown: Arc::default(),
            runtime_dir: dir.path().to_owned(),
            on_hang_up: OnHangUp::Continue,
            screen: None,
        };
        watcher.look_for_kill_file();
        assert_eq!(watcher.handle.kill().level(), KillLevel::Halted);
        assert_eq!(watcher.handle.kill().state().reason, KillReason::File);
        let command = Command::Trade(TradeCommand::Kill {
            level: KillLevel::Halted,
            reason: "it burns".to_owned(),
        });
        assert_eq!(publisher.commands().try_recv(), Ok(command));
        // Kept until the step is on the disk, and told once.
        watcher.look_for_kill_file();
        assert!(publisher.commands().try_recv().is_err());
        assert!(dir.path().join(KILL_FILE).exists());
    }
}
