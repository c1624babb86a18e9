//! The draw loop on the main thread: messages in, requests out, at most some frames a second.
//!
//! It reads snapshots and sends commands through the [`Handle`] only, so a slow or stuck console
//! costs the session nothing. A frame is drawn when the picture or the model has changed, or a
//! second has passed (ages on screen grow), and never while the terminal still has to take the
//! one before. No write blocks (see `terminal`), so a stuck terminal neither delays a kill
//! decision nor the shutdown flag; only a `Screen` that hangs could, and the input thread closes
//! the gate even then.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::Frame;

use super::input::{self, Clock, Wiring};
use super::keymap::Keymap;
use super::model::{KillModal, Model, Overlay};
use super::palette::{HelpEntry, PaletteEntry};
use super::terminal::{Term, TermError};
use super::update::{Layout, Msg, Request, Ui, update};
use crate::control::{Command, ExitPolicy, Handle, KillPhase, KillReason, Snapshot};
use crate::domain::KillLevel;

/// Frames a second that a key may cause even when the session asks for fewer.
const KEY_FPS: u64 = 30;
/// Longest time without a frame: ages on screen are in seconds.
const AGE_MS: u64 = 1_000;
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
    shutdown: &AtomicBool,
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
        clock: Arc::clone(clock),
        sender,
    };
    let mut thread = Stopper {
        stop,
        join: Some(input::spawn(wiring).map_err(UiError::Thread)?),
    };
    let mut desk = Desk::new(handle, options, screen, typing);
    let end = turns(&mut desk, &mut term, &messages, clock, &lost, shutdown);
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
    shutdown: &AtomicBool,
) -> Result<UiEnd, Panicked> {
    let mut first = None;
    loop {
        if shutdown.load(Ordering::SeqCst) {
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
        if let Err(error) = desk.show(term, clock) {
            tracing::warn!(%error, "terminal refused a frame");
            return Ok(UiEnd::TerminalLost);
        }
        let wait_ms = if term.is_clear() {
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

/// The loop without the terminal: what it knows and decides in a turn.
struct Desk<'a> {
    handle: Handle,
    ui: Ui,
    screen: &'a mut dyn Screen,
    typing: Arc<AtomicBool>,
    /// The picture on screen; an old one while the view is paused.
    picture: Arc<Snapshot>,
    /// When the picture changed last.
    picture_ms: u64,
    frame_ms: u64,
    /// Set by a key, a size or a redraw.
    wants_all: bool,
    touched: bool,
    drawn: Option<Drawn>,
}

/// What the last frame was drawn from.
struct Drawn {
    at_ms: u64,
    version: u64,
    kill: KillNow,
    model: Model,
    modal: Option<KillModal>,
}

impl<'a> Desk<'a> {
    fn new(
        handle: Handle,
        options: UiOptions,
        screen: &'a mut dyn Screen,
        typing: Arc<AtomicBool>,
    ) -> Self {
        let model = Model {
            ascii: options.ascii,
            themes: options.themes,
            theme: options.theme,
            ..Model::default()
        };
        let ui = Ui::new(model, options.keymap, screen.layout());
        Self {
            picture: handle.latest(),
            handle,
            ui,
            screen,
            typing,
            picture_ms: 0,
            frame_ms: 1_000 / u64::from(options.fps.clamp(1, 30)),
            wants_all: false,
            touched: false,
            drawn: None,
        }
    }

    /// One turn: the newest picture, the messages, then the time. Returns the end, if any.
    fn turn(&mut self, messages: impl Iterator<Item = Msg>, now_ms: u64) -> Option<ExitPolicy> {
        self.look(now_ms);
        for message in messages {
            self.touched |= !matches!(message, Msg::Mouse);
            if let Some(policy) = self.take(message) {
                return Some(policy);
            }
        }
        if self.handle.has_ended() {
            self.take(Msg::Ended);
        }
        let end = self.take(Msg::Tick { now_ms });
        self.ui.model.snapshot_age_ms = now_ms.saturating_sub(self.picture_ms);
        end
    }

    fn look(&mut self, now_ms: u64) {
        if self.ui.model.paused {
            return;
        }
        let latest = self.handle.latest();
        if latest.version != self.picture.version {
            self.picture = latest;
            self.picture_ms = now_ms;
        }
    }

    fn take(&mut self, message: Msg) -> Option<ExitPolicy> {
        // Read anew for each message: an `Esc` must not lower a latch that has just gone up.
        let latch = self.handle.kill().level();
        let requests = update(&mut self.ui, message, &self.picture, latch);
        self.typing.store(self.ui.is_typing(), Ordering::SeqCst);
        let mut end = None;
        for request in requests {
            match request {
                Request::Command(command) => self.send(command),
                Request::Trip(level) => {
                    // The input thread has usually been here before.
                    if self.handle.kill().level() < level {
                        self.handle.trip(level, KillReason::Operator);
                    }
                }
                Request::SetTheme(name) => {
                    if let Err(error) = self.screen.set_theme(&name) {
                        self.ui.toast(error, true);
                    }
                }
                Request::Redraw => self.wants_all = true,
                Request::Exit(policy) => end = Some(policy),
            }
        }
        end
    }

    fn send(&mut self, command: Command) {
        tracing::info!(?command, "asked by the operator");
        if let Err(error) = self.handle.send(command) {
            self.ui.toast(format!("not done: {error}"), true);
        }
    }

    fn kill_now(&self) -> KillNow {
        let kill = self.handle.kill();
        KillNow {
            level: kill.level(),
            phase: kill.phase(),
            reason: kill.state().reason.words(),
        }
    }

    /// Whether the screen shows something else than it should, or for too long.
    fn has_changed(&self, now_ms: u64) -> bool {
        self.drawn.as_ref().is_none_or(|drawn| {
            self.wants_all
                || drawn.version != self.picture.version
                || drawn.kill != self.kill_now()
                || !same_but_time(&drawn.model, &self.ui.model)
                || AGE_MS <= now_ms.saturating_sub(drawn.at_ms)
        })
    }

    /// Time until the next frame may be drawn; shorter when a person has pressed a key.
    fn pause_ms(&self, now_ms: u64) -> u64 {
        let least = if self.touched {
            self.frame_ms.min(1_000 / KEY_FPS)
        } else {
            self.frame_ms
        };
        self.drawn.as_ref().map_or(0, |drawn| {
            least.saturating_sub(now_ms.saturating_sub(drawn.at_ms))
        })
    }

    /// Whether a frame is to be drawn now.
    fn is_due(&self, now_ms: u64) -> bool {
        self.has_changed(now_ms) && self.pause_ms(now_ms) == 0
    }

    /// How long to wait for a message before the next turn.
    fn wait_ms(&self, now_ms: u64) -> u64 {
        if self.ui.is_deciding() {
            BUSY_WAIT_MS
        } else if self.has_changed(now_ms) {
            self.pause_ms(now_ms).clamp(1, MAX_WAIT_MS)
        } else {
            self.frame_ms.min(MAX_WAIT_MS)
        }
    }

    /// Draws when a frame is due and the terminal has taken the last one.
    fn show(&mut self, term: &mut Term, clock: &Clock) -> io::Result<()> {
        let mut sent_us = clock();
        let now_ms = sent_us / 1_000;
        term.pump()?;
        if term.is_clear() && self.is_due(now_ms) {
            if std::mem::take(&mut self.wants_all) {
                term.redraw()?;
            }
            term.draw(|frame| self.draw(frame, now_ms))?;
            sent_us = clock();
            term.pump()?;
        }
        if !self.has_changed(now_ms) {
            self.touched = false;
        }
        if term.is_clear() {
            self.shown(sent_us);
        }
        Ok(())
    }

    fn draw(&mut self, frame: &mut Frame<'_>, now_ms: u64) {
        let kill = self.kill_now();
        let help = self.ui.help_rows();
        let palette = self.ui.palette_rows(&self.picture);
        let scene = Scene {
            snapshot: &self.picture,
            model: &self.ui.model,
            kill,
            help: &help,
            palette: &palette,
        };
        self.screen.draw(frame, &scene);
        self.touched = false;
        self.drawn = Some(Drawn {
            at_ms: now_ms,
            version: self.picture.version,
            kill,
            model: self.ui.model.clone(),
            modal: self.open_modal(),
        });
    }

    /// Tells the kill modal that the person can see it, once its frame has been taken.
    fn shown(&mut self, at_us: u64) {
        let Some(modal) = self.open_modal() else {
            return;
        };
        let drawn = self.drawn.as_ref().and_then(|drawn| drawn.modal);
        if drawn.is_some_and(|drawn| drawn.opened_ms == modal.opened_ms) {
            self.take(Msg::Shown { at_us });
        }
    }

    fn open_modal(&self) -> Option<KillModal> {
        match self.ui.model.overlay {
            Some(Overlay::Kill(modal)) if !modal.banner => Some(modal),
            _ => None,
        }
    }
}

fn same_but_time(drawn: &Model, now: &Model) -> bool {
    let timeless = |model: &Model| Model {
        now_ms: 0,
        snapshot_age_ms: 0,
        ..model.clone()
    };
    timeless(drawn) == timeless(now)
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

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "run_pty_tests.rs"]
mod pty_tests;
