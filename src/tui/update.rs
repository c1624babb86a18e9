//! What a key does: a pure function from the console's state and a message to requests.
//!
//! Nothing here draws, waits, reads a clock or reaches the session. The run loop carries the
//! requests out, so every path can be tested with made-up times. Acts towards less risk happen
//! at once; acts that hurt ask first, with the focus on Cancel; a close and an adoption ask for
//! typed words.

mod acts;
mod adopt;
mod overlay;
#[cfg(test)]
pub(super) mod tests;

use std::borrow::Cow;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use super::action::Danger;
use super::keymap::{Chord, Keymap};
use super::kill_key::{KillInput, KillKeys, KillSeen, KillStep};
use super::model::{Model, Overlay, Toast, View};
use super::palette::{self, HelpEntry, PaletteEntry};
use crate::control::{Command, DifferenceView, ExitPolicy, Snapshot, TradeCommand};
use crate::domain::{KillLevel, Mode};

/// How long a short message stays.
const TOAST_MS: u64 = 4_000;
/// Longest text in a filter or the palette.
const MAX_TEXT: usize = 200;

/// A key as the input thread read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPress {
    /// The key; releases never arrive here.
    pub event: KeyEvent,
    /// Console time at which it was read, in microseconds.
    pub at_us: u64,
    /// Step of the latch before the input thread closed the gate for this key; `None` when the
    /// input thread did not take it for a kill key.
    pub tripped: Option<KillLevel>,
}

/// Something that happened to the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Msg {
    /// A key.
    Key(KeyPress),
    /// Text pasted in one piece; it can fill a text field and nothing else.
    Paste(String),
    /// The terminal has another size.
    Resize,
    /// A mouse event. It never acts.
    Mouse,
    /// Time passes.
    Tick {
        /// Console time.
        now_ms: u64,
    },
    /// A frame with the kill modal has been taken by the terminal.
    Shown {
        /// Console time just before, in microseconds.
        at_us: u64,
    },
    /// The session is over; the last picture stays.
    Ended,
}

/// Something the run loop has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Ask the session.
    Command(Command),
    /// Trip the latch.
    Trip(KillLevel),
    /// Draw with another theme from now on.
    SetTheme(String),
    /// Draw every cell anew.
    Redraw,
    /// Give the terminal back until somebody asks for the screen.
    LeaveScreen,
    /// End the console.
    Exit(ExitPolicy),
}

/// Sizes that only the views know.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Panes of a view.
    pub panes: fn(View) -> usize,
    /// Rows of a pane.
    pub rows: fn(View, usize, &Snapshot) -> usize,
}

/// The whole state of the console.
#[derive(Debug, Clone)]
pub struct Ui {
    /// What the views draw.
    pub model: Model,
    keymap: Keymap,
    layout: Layout,
    kill: KillKeys,
    /// What a yes in the open confirm dialog does.
    pending: Option<Pending>,
    /// Theme to return to when the picker is left with `Esc`.
    theme_before: Option<String>,
    ended: bool,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq)]
struct Pending {
    command: TradeCommand,
    effect: String,
    /// Words that have to be typed, where a yes is not enough.
    word: Option<Cow<'static, str>>,
    typed: String,
    /// The answer counts only while the picture still shows this.
    only_while: Option<DifferenceView>,
}

impl Ui {
    /// A console before its first key.
    #[must_use]
    pub fn new(model: Model, keymap: Keymap, layout: Layout) -> Self {
        Self {
            model,
            keymap,
            layout,
            kill: KillKeys::default(),
            pending: None,
            theme_before: None,
            ended: false,
        }
    }

    /// Whether a text field has the focus, so that characters belong to it.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        match self.model.overlay {
            Some(Overlay::Help { .. } | Overlay::Palette { .. }) => true,
            Some(Overlay::Kill(modal)) => modal.banner && self.model.typing_filter,
            // The word of a confirm dialog is no text field: `K` goes on killing there.
            Some(_) => false,
            None => self.model.typing_filter,
        }
    }

    /// Whether a key waits for its 120 ms, so that ticks have to come often.
    #[must_use]
    pub fn is_deciding(&self) -> bool {
        self.kill.is_deciding()
    }

    /// Whether the kill modal is open and has the keys.
    #[must_use]
    pub fn asks_kill(&self) -> bool {
        self.kill.has_focus()
    }

    /// Keys in force.
    #[must_use]
    pub const fn keymap(&self) -> &Keymap {
        &self.keymap
    }

    /// Rows of the help, while it is open.
    #[must_use]
    pub fn help_rows(&self) -> Vec<HelpEntry> {
        match &self.model.overlay {
            Some(Overlay::Help { filter, .. }) => {
                palette::help(filter, self.model.view, &self.keymap)
            }
            _ => Vec::new(),
        }
    }

    /// Rows of the palette, while it is open.
    #[must_use]
    pub fn palette_rows(&self, snapshot: &Snapshot) -> Vec<PaletteEntry> {
        match &self.model.overlay {
            Some(Overlay::Palette { input, .. }) => {
                palette::palette(input, &self.model, &self.keymap, snapshot)
            }
            _ => Vec::new(),
        }
    }

    /// Shows a short message; three at most stay on screen.
    pub fn toast(&mut self, text: impl Into<String>, warn: bool) {
        self.model.toasts.push(Toast {
            text: text.into(),
            warn,
            until_ms: self.model.now_ms.saturating_add(TOAST_MS),
        });
        let extra = self.model.toasts.len().saturating_sub(3);
        self.model.toasts.drain(..extra);
    }
}

/// Takes one message. `latch` is the step of the kill latch at this moment, which can be ahead
/// of the one in the snapshot.
#[must_use]
pub fn update(ui: &mut Ui, msg: Msg, snapshot: &Snapshot, latch: KillLevel) -> Vec<Request> {
    let seen = KillSeen {
        level: latch,
        flatten_alone: matches!(snapshot.session.mode, Mode::Replay | Mode::Paper),
    };
    let requests = match msg {
        Msg::Key(key) => ui.key(key, snapshot, seen),
        Msg::Paste(text) => {
            ui.write(&text);
            Vec::new()
        }
        Msg::Tick { now_ms } => {
            ui.model.now_ms = now_ms;
            ui.model.toasts.retain(|toast| now_ms < toast.until_ms);
            ui.kill_step(KillInput::Tick { now_ms }, seen)
        }
        Msg::Shown { at_us } => ui.kill_step(KillInput::Shown { at_us }, seen),
        Msg::Resize => vec![Request::Redraw],
        Msg::Mouse => Vec::new(),
        Msg::Ended => {
            ui.ended = true;
            Vec::new()
        }
    };
    ui.settle(snapshot);
    requests
}

impl Ui {
    fn key(&mut self, key: KeyPress, snapshot: &Snapshot, seen: KillSeen) -> Vec<Request> {
        if key.event.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let at_us = key.at_us;
        let read_ms = at_us / 1_000;
        self.model.now_ms = self.model.now_ms.max(read_ms);
        let chord = Chord::of(&key.event);
        let is_repeat = key.event.kind == KeyEventKind::Repeat;
        if key.tripped.is_some() || self.keymap.is_kill(chord, self.is_typing()) {
            if is_repeat {
                return self.kill_step(KillInput::Repeat { at_ms: read_ms }, seen);
            }
            return self.kill_press(read_ms, key.tripped, seen);
        }
        if self.kill.has_focus() {
            if is_repeat {
                return Vec::new();
            }
            let input = match chord.plain() {
                Some(KeyCode::Enter) => KillInput::Enter { at_us },
                Some(KeyCode::Char('F')) => KillInput::Flatten { at_us },
                Some(KeyCode::Esc) => KillInput::Esc { at_us },
                _ => KillInput::Other { at_ms: read_ms },
            };
            return self.kill_step(input, seen);
        }
        match self.model.overlay {
            None | Some(Overlay::Kill(_)) => {}
            Some(_) => return self.overlay_key(chord, is_repeat, snapshot, seen),
        }
        if self.model.typing_filter {
            self.filter_key(chord);
            return Vec::new();
        }
        match self.keymap.action(chord, self.model.view) {
            Some(action) if is_repeat && action.spec().danger > Danger::None => Vec::new(),
            Some(action) => self.act(action, snapshot, seen),
            None => Vec::new(),
        }
    }

    /// A kill key or the palette's row: the gate closes before anything else happens.
    fn kill_press(
        &mut self,
        at_ms: u64,
        tripped: Option<KillLevel>,
        seen: KillSeen,
    ) -> Vec<Request> {
        let closed = self.close_overlay();
        let before = tripped.unwrap_or(seen.level);
        let mut requests = self.kill_step(KillInput::Press { at_ms, before }, seen);
        requests.extend(closed);
        requests
    }

    fn kill_step(&mut self, input: KillInput, seen: KillSeen) -> Vec<Request> {
        match self.kill.step(input, seen) {
            KillStep::Nothing => Vec::new(),
            KillStep::Raise(level) => vec![Request::Trip(level)],
            KillStep::Resume { level, after_ms } => {
                let reason = format!("operator: esc after {after_ms} ms");
                self.toast(
                    format!("resume to {level} asked for after {after_ms} ms"),
                    false,
                );
                vec![Request::Command(Command::Trade(TradeCommand::Resume {
                    level,
                    reason,
                }))]
            }
        }
    }

    /// Closes a dialog as `Esc` would: nothing of it happens.
    fn close_overlay(&mut self) -> Vec<Request> {
        self.pending = None;
        self.model.typing_filter = false;
        let closed = self.model.overlay.take();
        match (closed, self.theme_before.take()) {
            (Some(Overlay::Themes { .. }), Some(name)) => self.set_theme(&name),
            _ => Vec::new(),
        }
    }

    fn set_theme(&mut self, name: &str) -> Vec<Request> {
        if self.model.theme == name {
            return Vec::new();
        }
        name.clone_into(&mut self.model.theme);
        vec![Request::SetTheme(name.to_owned())]
    }

    /// Brings the model back into the bounds of the picture and shows the kill modal or banner
    /// wherever no other dialog is.
    fn settle(&mut self, snapshot: &Snapshot) {
        if matches!(self.model.overlay, None | Some(Overlay::Kill(_))) {
            self.model.overlay = self.kill.modal().map(Overlay::Kill);
        }
        let model = &mut self.model;
        model.market = model.market.min(snapshot.markets.len().saturating_sub(1));
        model.pane = model
            .pane
            .min((self.layout.panes)(model.view).saturating_sub(1));
        let n_rows = (self.layout.rows)(model.view, model.pane, snapshot);
        model.row = model.row.min(n_rows.saturating_sub(1));
        model.scroll = model.scroll.min(n_rows.saturating_sub(1));
        let n_bars = snapshot
            .markets
            .get(model.market)
            .map_or(0, |market| market.bars.len());
        model.chart_pan = model.chart_pan.min(n_bars / model.chart_zoom.max(1));
    }
}
