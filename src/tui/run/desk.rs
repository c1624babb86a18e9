//! One turn of the console without its terminal: what it takes, asks for and wants drawn.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Frame;

use super::{BUSY_WAIT_MS, KillNow, MAX_WAIT_MS, Scene, Screen, UiOptions};
use crate::control::{Command, ExitPolicy, Handle, KillReason, ScreenSwitch, Snapshot};
use crate::tui::input::Clock;
use crate::tui::model::{KillModal, Model, Overlay};
use crate::tui::terminal::Term;
use crate::tui::update::{Msg, Request, Ui, update};

/// Frames a second that a key may cause even when the session asks for fewer.
const KEY_FPS: u64 = 30;
/// Longest time without a frame: ages on screen are in seconds.
const AGE_MS: u64 = 1_000;

/// The loop without the terminal: what it knows and decides in a turn.
pub(super) struct Desk<'a> {
    handle: Handle,
    ui: Ui,
    screen: &'a mut dyn Screen,
    switch: Arc<ScreenSwitch>,
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
    pub(super) fn new(
        handle: Handle,
        options: UiOptions,
        screen: &'a mut dyn Screen,
        switch: Arc<ScreenSwitch>,
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
            switch,
            typing,
            picture_ms: 0,
            frame_ms: 1_000 / u64::from(options.fps.clamp(1, 30)),
            wants_all: false,
            touched: false,
            drawn: None,
        }
    }

    /// One turn: the messages, then the time. Returns the end, if any. Keys act on the picture
    /// that is on screen, not on a newer one whose rows nobody has seen.
    pub(super) fn turn(
        &mut self,
        messages: impl Iterator<Item = Msg>,
        now_ms: u64,
    ) -> Option<ExitPolicy> {
        for message in messages {
            self.touched |= !matches!(message, Msg::Mouse);
            if let Some(policy) = self.take(message) {
                return Some(policy);
            }
        }
        if self.handle.has_ended() {
            self.take(Msg::Ended);
        }
        self.take(Msg::Tick { now_ms })
    }

    /// Makes the next frame draw every cell.
    pub(super) fn redraw(&mut self) {
        self.wants_all = true;
    }

    /// Takes the newest picture, unless the view is paused, and keeps the selection inside it.
    fn look(&mut self, now_ms: u64) {
        if self.newest() != self.picture.version {
            self.picture = self.handle.latest();
            self.picture_ms = now_ms;
            self.take(Msg::Tick { now_ms });
        }
        self.ui.model.snapshot_age_ms = now_ms.saturating_sub(self.picture_ms);
    }

    /// Version of the picture that the next frame shows.
    fn newest(&self) -> u64 {
        if self.ui.model.paused {
            self.picture.version
        } else {
            self.handle.latest().version
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
                Request::Redraw => self.redraw(),
                Request::LeaveScreen => self.switch.leave(),
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
                || drawn.version != self.newest()
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
    pub(super) fn wait_ms(&self, now_ms: u64) -> u64 {
        if self.ui.is_deciding() {
            BUSY_WAIT_MS
        } else if self.has_changed(now_ms) {
            self.pause_ms(now_ms).clamp(1, MAX_WAIT_MS)
        } else {
            self.frame_ms.min(MAX_WAIT_MS)
        }
    }

    /// Draws when a frame is due and the terminal has taken the last one.
    pub(super) fn show(&mut self, term: &mut Term, clock: &Clock) -> io::Result<()> {
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
        self.look(now_ms);
        let kill = self.kill_now();
        let help = self.ui.help_rows();
        let palette = self.ui.palette_rows(&self.picture);
        let scene = Scene {
            snapshot: &self.picture,
            model: &self.ui.model,
            kill,
            keymap: self.ui.keymap(),
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
