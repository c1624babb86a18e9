//! Keys of the dialogs and of the filter line. The kill modal has its own file, `kill_key`.

use crossterm::event::KeyCode;

use super::{MAX_TEXT, Request, Ui};
use crate::control::{Command, ExitPolicy, Snapshot};
use crate::tui::keymap::Chord;
use crate::tui::kill_key::KillSeen;
use crate::tui::model::Overlay;

/// Answers of the quit dialog, in the order of its rows.
const POLICIES: [ExitPolicy; 3] = [ExitPolicy::Keep, ExitPolicy::Cancel, ExitPolicy::Flatten];

impl Ui {
    pub(super) fn overlay_key(
        &mut self,
        chord: Chord,
        is_repeat: bool,
        snapshot: &Snapshot,
        seen: KillSeen,
    ) -> Vec<Request> {
        if chord.plain() == Some(KeyCode::Esc) || chord.ctrl() == Some('c') {
            return self.close_overlay();
        }
        if chord.plain() == Some(KeyCode::Enter) {
            // A held Enter that opened the dialog must not answer it.
            return if is_repeat {
                Vec::new()
            } else {
                self.enter(snapshot, seen)
            };
        }
        if let Some(Overlay::Confirm { .. }) = self.model.overlay {
            self.confirm_key(chord);
            return Vec::new();
        }
        if self.is_typing() && self.edit(chord) {
            return Vec::new();
        }
        self.select(chord, snapshot)
    }

    pub(super) fn filter_key(&mut self, chord: Chord) {
        match chord.plain() {
            Some(KeyCode::Enter) => self.model.typing_filter = false,
            Some(KeyCode::Esc) => {
                self.model.typing_filter = false;
                self.model.filter.clear();
            }
            _ => {
                self.edit(chord);
            }
        }
    }

    /// Pasted or typed text goes into the field with the focus, as one line without control
    /// characters. Without a field it goes nowhere, and it is no answer to any dialog: the word
    /// that confirms a close has to be typed.
    pub(super) fn write(&mut self, text: &str) {
        let Some(field) = self.field() else {
            return;
        };
        for c in text.chars().filter(|c| !c.is_control()) {
            if field.chars().count() == MAX_TEXT {
                break;
            }
            field.push(c);
        }
        self.reselect();
    }

    fn field(&mut self) -> Option<&mut String> {
        match &mut self.model.overlay {
            Some(Overlay::Help { filter, .. }) => Some(filter),
            Some(Overlay::Palette { input, .. }) => Some(input),
            None if self.model.typing_filter => Some(&mut self.model.filter),
            // The banner of a kill leaves the filter line to the person.
            Some(Overlay::Kill(modal)) if modal.banner && self.model.typing_filter => {
                Some(&mut self.model.filter)
            }
            _ => None,
        }
    }

    fn reselect(&mut self) {
        if let Some(Overlay::Help { selected, .. } | Overlay::Palette { selected, .. }) =
            &mut self.model.overlay
        {
            *selected = 0;
        }
    }

    /// Edits the field; tells whether the key was one for editing.
    fn edit(&mut self, chord: Chord) -> bool {
        if let Some(c) = chord.text() {
            self.write(c.encode_utf8(&mut [0; 4]));
            return true;
        }
        let Some(field) = self.field() else {
            return false;
        };
        match (chord.plain(), chord.ctrl()) {
            (Some(KeyCode::Backspace), _) => {
                field.pop();
            }
            (_, Some('u')) => field.clear(),
            (_, Some('w')) => {
                let kept = field.trim_end().rfind(' ').map_or(0, |space| space + 1);
                field.truncate(kept);
            }
            _ => return false,
        }
        self.reselect();
        true
    }

    fn confirm_key(&mut self, chord: Chord) {
        let Some(Overlay::Confirm { question, yes }) = &mut self.model.overlay else {
            return;
        };
        let Some(pending) = &mut self.pending else {
            return;
        };
        let Some(word) = pending.word.as_deref() else {
            let toggles = [
                KeyCode::Tab,
                KeyCode::BackTab,
                KeyCode::Left,
                KeyCode::Right,
            ];
            *yes ^= chord.plain().is_some_and(|code| toggles.contains(&code));
            return;
        };
        match (chord.text(), chord.plain()) {
            (Some(c), _) if pending.typed.chars().count() < word.len() => pending.typed.push(c),
            (None, Some(KeyCode::Backspace)) => {
                pending.typed.pop();
            }
            _ => {}
        }
        *yes = pending.typed == word;
        *question = pending.question();
    }

    fn enter(&mut self, snapshot: &Snapshot, seen: KillSeen) -> Vec<Request> {
        match self.model.overlay.take() {
            Some(Overlay::Confirm { yes, .. }) => self.answer(yes, snapshot),
            Some(Overlay::Quit { selected }) => {
                let policy = POLICIES.get(selected).copied().unwrap_or(ExitPolicy::Keep);
                vec![Request::Exit(policy)]
            }
            Some(Overlay::Themes { .. }) => {
                self.theme_before = None;
                Vec::new()
            }
            Some(Overlay::Palette { input, selected }) => {
                let rows =
                    crate::tui::palette::palette(&input, &self.model, &self.keymap, snapshot);
                if let Some(row) = rows.into_iter().nth(selected) {
                    return self.choose(row.choice, snapshot, seen);
                }
                self.toast(format!("no command is like `{input}`"), true);
                Vec::new()
            }
            Some(Overlay::Help { .. } | Overlay::Kill(_)) | None => Vec::new(),
        }
    }

    /// The answer to a question; what it was about must still be so.
    fn answer(&mut self, yes: bool, snapshot: &Snapshot) -> Vec<Request> {
        let Some(pending) = self.pending.take().filter(|_| yes) else {
            self.toast("nothing was done", false);
            return Vec::new();
        };
        let still = |difference| snapshot.differences.contains(difference);
        if !pending.only_while.as_ref().is_none_or(still) {
            self.toast("nothing was done: it has changed since the question", true);
            return Vec::new();
        }
        vec![Request::Command(Command::Trade(pending.command))]
    }

    /// Moves the selection of a list; the theme picker shows what is selected at once.
    fn select(&mut self, chord: Chord, snapshot: &Snapshot) -> Vec<Request> {
        let n_rows = match self.model.overlay {
            Some(Overlay::Help { .. }) => self.help_rows().len(),
            Some(Overlay::Palette { .. }) => self.palette_rows(snapshot).len(),
            Some(Overlay::Themes { .. }) => self.model.themes.len(),
            Some(Overlay::Quit { .. }) => POLICIES.len(),
            _ => 0,
        };
        let last = n_rows.saturating_sub(1);
        let Some(
            Overlay::Help { selected, .. }
            | Overlay::Palette { selected, .. }
            | Overlay::Themes { selected }
            | Overlay::Quit { selected },
        ) = &mut self.model.overlay
        else {
            return Vec::new();
        };
        let at = *selected;
        *selected = match (chord.plain(), chord.ctrl()) {
            (Some(KeyCode::Up | KeyCode::Char('k')), _) | (_, Some('p')) => at.saturating_sub(1),
            (Some(KeyCode::Down | KeyCode::Char('j')), _) | (_, Some('n')) => (at + 1).min(last),
            (Some(KeyCode::PageUp), _) => at.saturating_sub(10),
            (Some(KeyCode::PageDown), _) => (at + 10).min(last),
            (Some(KeyCode::Home | KeyCode::Char('g')), _) => 0,
            (Some(KeyCode::End | KeyCode::Char('G')), _) => last,
            _ => at,
        };
        let selected = *selected;
        match self.model.overlay {
            Some(Overlay::Themes { .. }) => match self.model.themes.get(selected).cloned() {
                Some(name) => self.set_theme(&name),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}
