//! What reaches the process from outside: signals and the kill file. Runs on the `io` thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::stop::StopFlag;
use crate::control::{Handle, KillReason};
use crate::domain::KillLevel;

/// Time between two looks for the kill file (UX 3.4).
const KILL_FILE_POLL: Duration = Duration::from_millis(250);

/// Name of the kill file in the runtime folder. Its text may name the level; else it halts.
pub const KILL_FILE: &str = "KILL";

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
                    match Signals::new() {
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
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            halt: signal(SignalKind::user_defined1())?,
            flatten: signal(SignalKind::user_defined2())?,
        })
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
            }
        }
    }

    fn end(&self, number: u8) {
        tracing::info!(number, "signal: ending in order");
        self.stop.signal(number);
        self.shutdown.store(true, Ordering::SeqCst);
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
        let Some(level) = read_kill_file(&self.runtime_dir) else {
            return;
        };
        if self.handle.kill().level() < level {
            self.handle.trip(level, KillReason::File);
        } else if level <= self.handle.latest().state.kill
            && let Err(error) = std::fs::remove_file(self.runtime_dir.join(KILL_FILE))
        {
            tracing::warn!(%error, "the kill file could not be removed");
        }
    }
}

/// Reads the kill file. A file whose text is not a level halts: whoever made it wanted trading
/// to stop.
fn read_kill_file(dir: &Path) -> Option<KillLevel> {
    let path = dir.join(KILL_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(_) => String::new(),
    };
    let word = text.split_whitespace().next().unwrap_or_default();
    let named = KillLevel::ALL
        .into_iter()
        .find(|level| level.name() == word);
    Some(
        named
            .filter(|level| *level > KillLevel::Active)
            .unwrap_or(KillLevel::Halted),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kill_file_halts_unless_it_names_a_level() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_kill_file(dir.path()), None);
        for (text, level) in [
            ("", KillLevel::Halted),
            ("flatten because I say so", KillLevel::Flatten),
            ("reduce-only", KillLevel::ReduceOnly),
            ("active", KillLevel::Halted),
            ("\u{1}nonsense", KillLevel::Halted),
        ] {
            std::fs::write(dir.path().join(KILL_FILE), text).unwrap();
            assert_eq!(read_kill_file(dir.path()), Some(level), "{text:?}");
        }
    }
}
