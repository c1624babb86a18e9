//! The draw loop on the main thread: messages in, requests out, at most some frames a second.
//!
//! It reads snapshots and sends commands through the [`Handle`] only, so a slow or stuck console
//! costs the session nothing, and neither does a terminal that was given back for a while: the
//! turns go on, only nothing is drawn. A frame is drawn when the picture or the model has changed, or a
//! second has passed (ages on screen grow), and never while the terminal still has to take the
//! one before. No write blocks (see `terminal`), so a stuck terminal neither delays a kill
//! decision nor the shutdown flag; only a `Screen` that hangs could, and the input thread closes
//! the gate even then.

mod desk;
#[cfg(test)]
mod pty_tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::Frame;

use desk::Desk;

use super::input::{self, Clock, Wiring};
use super::keymap::Keymap;
use super::model::Model;
use super::palette::{HelpEntry, PaletteEntry};
use super::terminal::{Term, TermError};
use super::update::{Layout, Msg};
use crate::control::{ExitPolicy, Handle, KillPhase, ScreenSwitch, Snapshot};
use crate::domain::KillLevel;

/// Wait while a key is being decided or the terminal has not taken a frame.
const BUSY_WAIT_MS: u64 = 15;
/// Longest wait for a message; a new snapshot is seen after this at the latest.
const MAX_WAIT_MS: u64 = 100;

/// How the console looks and listens.
#[derive(Debug, Clone)]
pub struct UiOptions {
    /// Frames a second, 1 to 30; 10 by default.
    pub fps: u16,
    /// Name of the first theme.
    pub theme: String,
    /// Names of the themes to choose from.
    pub themes: Vec<String>,
    /// Keys in force.
    pub keymap: Keymap,
    /// Whether the mouse is captured. It never acts on trading.
    pub mouse: bool,
    /// Whether ASCII replaces box and block glyphs.
    pub ascii: bool,
}

/// What ends the console or takes its screen away, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Ends the console.
    pub shutdown: Arc<AtomicBool>,
    /// Gives the terminal back and takes it again.
    pub screen: Arc<ScreenSwitch>,
}

/// The kill latch at the moment of the frame; it can be ahead of the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillNow {
    /// Step of the ladder.
    pub level: KillLevel,
    /// How far it has got.
    pub phase: KillPhase,
    /// Why, in words.
    pub reason: &'static str,
}

/// Everything a frame is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The session.
    pub snapshot: &'a Snapshot,
    /// The console.
    pub model: &'a Model,
    /// The latch.
    pub kill: KillNow,
    /// Keys in force.
    pub keymap: &'a Keymap,
    /// Rows of the help that match its filter, while it is open.
    pub help: &'a [HelpEntry],
    /// Rows of the palette that match its text, while it is open.
    pub palette: &'a [PaletteEntry],
}

/// The views as the loop needs them; the one place where they are plugged in.
pub trait Screen {
    /// Sizes of the views.
    fn layout(&self) -> Layout;
    /// Draws one frame. Pure but for its own theme.
    fn draw(&mut self, frame: &mut Frame<'_>, scene: &Scene<'_>);
    /// Uses another theme from now on.
    ///
    /// # Errors
    ///
    /// Words for the person when there is no such theme; the old one stays.
    fn set_theme(&mut self, name: &str) -> Result<(), String>;
}

/// Why the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UiEnd {
    /// A person quit and said what happens to orders and positions.
    Quit(ExitPolicy),
    /// The terminal has gone; the session may go on without.
    TerminalLost,
    /// The shutdown flag was set.
    Shutdown,
}

/// Why the console could not run.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// There is no terminal, or it refused. The caller maps it to exit code 2.
    #[error(transparent)]
    Terminal(#[from] TermError),
    /// A thread could not be started.
    #[error("console thread: {0}")]
    Thread(io::Error),
    /// Some thread panicked; the terminal has been given back and shows the message.
    #[error("the console ended because a thread panicked; the message is on the terminal")]
    Panicked,
}

/// Runs the console until it ends; the terminal is as before then.
///
/// `clock` gives microseconds. It is shared with the input thread, which stamps keys with it.
/// The input thread ends within 100 ms of the return and touches nothing but the terminal's
/// input; it is not joined on shutdown.
///
/// # Errors
///
/// See [`UiError`].
pub fn run(
    handle: Handle,
    options: UiOptions,
    clock: &Clock,
    screen: &mut dyn Screen,
    switches: &Switches,
) -> Result<UiEnd, UiError> {
    let mut term = Term::enter(options.mouse)?;
    let stop = Arc::new(AtomicBool::new(false));
    let lost = Arc::new(AtomicBool::new(false));
    let typing = Arc::new(AtomicBool::new(false));
    super::hangup::spawn(Arc::clone(&lost), Arc::clone(&stop)).map_err(UiError::Thread)?;
    let (sender, messages) = sync_channel(input::QUEUE);
    let wiring = Wiring {
        handle: handle.clone(),
        keymap: Arc::new(options.keymap.clone()),
        typing: Arc::clone(&typing),
        stop: Arc::clone(&stop),
        lost: Arc::clone(&lost),
        screen: Arc::clone(&switches.screen),
        clock: Arc::clone(clock),
        sender,
    };
    let mut thread = Stopper {
        stop,
        join: Some(input::spawn(wiring).map_err(UiError::Thread)?),
    };
    let switch = Arc::clone(&switches.screen);
    let mut desk = Desk::new(handle, options, screen, switch, typing);
    let end = turns(&mut desk, &mut term, &messages, clock, &lost, switches);
    drop(term);
    if end != Ok(UiEnd::Shutdown) {
        thread.join();
    }
    end.map_err(|Panicked| UiError::Panicked)
}

#[derive(Debug, PartialEq, Eq)]
struct Panicked;

fn turns(
    desk: &mut Desk<'_>,
    term: &mut Term,
    messages: &Receiver<Msg>,
    clock: &Clock,
    lost: &AtomicBool,
    switches: &Switches,
) -> Result<UiEnd, Panicked> {
    let mut first = None;
    loop {
        if switches.shutdown.load(Ordering::SeqCst) {
            return Ok(UiEnd::Shutdown);
        }
        if lost.load(Ordering::SeqCst) {
            return Ok(UiEnd::TerminalLost);
        }
        if term.was_restored() {
            return Err(Panicked);
        }
        // Read before the queue is emptied: no key read before this moment is overlooked when
        // the tick decides whether another one stands alone.
        let now_ms = clock() / 1_000;
        let taken = first.take().into_iter().chain(messages.try_iter());
        if let Some(policy) = desk.turn(taken, now_ms) {
            return Ok(UiEnd::Quit(policy));
        }
        let shown = follow(desk, term, &switches.screen).and_then(|is_away| {
            if !is_away {
                desk.show(term, clock)?;
            }
            Ok(is_away)
        });
        let is_away = match shown {
            Ok(is_away) => is_away,
            Err(error) => {
                tracing::warn!(%error, "terminal refused a frame");
                return Ok(UiEnd::TerminalLost);
            }
        };
        let wait_ms = if is_away {
            MAX_WAIT_MS
        } else if term.is_clear() {
            desk.wait_ms(now_ms)
        } else {
            BUSY_WAIT_MS
        };
        match messages.recv_timeout(Duration::from_millis(wait_ms)) {
            Ok(message) => first = Some(message),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                tracing::warn!("the input thread has ended");
                return Ok(UiEnd::TerminalLost);
            }
        }
    }
}

/// Gives the terminal back or takes it again, as the switch says; tells whether it is away.
fn follow(desk: &mut Desk<'_>, term: &mut Term, switch: &ScreenSwitch) -> io::Result<bool> {
    if !switch.is_away() && (switch.take_again() || term.is_away()) {
        if term.come_back()? {
            tracing::info!("the console is back");
            desk.redraw();
        } else {
            // The next SIGCONT, such as that of the shell's `fg`, asks again.
            switch.leave();
        }
    }
    if switch.is_away() && !term.is_away() {
        tracing::info!("the console has left its screen");
        term.leave(&farewell());
    }
    Ok(term.is_away())
}

/// What the terminal shows while the console is away.
fn farewell() -> String {
    let pid = std::process::id();
    format!(
        "tradeterm: trading goes on without the screen. Ctrl-Z here, or kill -CONT {pid}, brings \
         it back;\r\nCtrl-C ends the session, tradeterm kill stops trading.\r\n"
    )
}

/// Ends the console's threads however the loop ends.
struct Stopper {
    stop: Arc<AtomicBool>,
    join: Option<JoinHandle<()>>,
}

impl Stopper {
    /// Waits a little. A reader in the middle of an escape sequence can hang until the next key;
    /// it is left behind then, with nothing in its hands.
    fn join(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for _ in 0..15 {
            if self.join.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let finished = self.join.take().filter(JoinHandle::is_finished);
        if finished.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the input thread panicked");
        }
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}
