//! Keys: how they are written, which act each one means, and the file that changes them.
//!
//! The shipped `config/keymap.toml` holds the defaults of the action table; a person's own file
//! replaces the keys of the acts it names. A file that is wrong anywhere changes nothing.

mod chord;

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use serde::Deserialize;
use toml::Spanned;

use super::action::{ACTIONS, Action, Danger};
use super::model::View;

pub use chord::Chord;

/// The shipped file.
pub const SHIPPED: &str = include_str!("../../config/keymap.toml");

/// Why a keymap file was refused. The keys in force stay as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// Not TOML, or not of the right shape.
    #[error("keymap {0}")]
    Syntax(String),
    /// No such act.
    #[error("keymap line {line}: unknown action `{name}`; did you mean `{nearest}`?")]
    UnknownAction {
        /// Line in the file, from 1.
        line: usize,
        /// What was written.
        name: String,
        /// The closest known name.
        nearest: &'static str,
    },
    /// No such key.
    #[error(
        "keymap line {line}: unknown key `{key}` for `{action}`; write a character, `f12`, \
         `ctrl-p`, `alt-1`, `shift-tab`, `up`, `pagedown` or the like"
    )]
    UnknownKey {
        /// Line in the file, from 1.
        line: usize,
        /// What was written.
        key: String,
        /// The act it was for.
        action: &'static str,
    },
    /// A key that is hit by accident or that answers dialogs cannot act on trading.
    #[error(
        "keymap line {line}: `{key}` cannot be `{action}`; choose a key other than enter, esc, \
         tab, space, backspace and delete"
    )]
    Forbidden {
        /// Line in the file, from 1.
        line: usize,
        /// The key.
        key: Chord,
        /// The act it was for.
        action: &'static str,
    },
    /// One key with two meanings in one view.
    #[error("keymap{}: `{key}` is both `{first}` and `{second}`; give one of them another key",
        .line.map(|line| format!(" line {line}")).unwrap_or_default())]
    Conflict {
        /// Line of the file that caused it, where one did.
        line: Option<usize>,
        /// The key.
        key: Chord,
        /// One act.
        first: &'static str,
        /// The other act.
        second: &'static str,
    },
    /// Nothing would trip the kill switch.
    #[error("keymap{}: no key is left on `kill`; give it at least one, such as \"K\"",
        .line.map(|line| format!(" line {line}")).unwrap_or_default())]
    NoKill {
        /// Line of the file that took the keys away.
        line: Option<usize>,
    },
}

/// Which key means which act in which view. No key is ambiguous and `kill` has at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<(Chord, Action)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
}

impl Keymap {
    /// The keys of the action table.
    #[must_use]
    pub fn builtin() -> Self {
        // Every default key parses, which a test checks; there is nobody to tell here.
        let chords = |key: &&str| Chord::parse(key);
        Self {
            bindings: ACTIONS
                .iter()
                .flat_map(|spec| {
                    let keys = spec.keys.iter().filter_map(chords);
                    keys.map(move |chord| (chord, spec.action))
                })
                .collect(),
        }
    }

    /// The keys of the action table with those of `text` in place of theirs.
    ///
    /// # Errors
    ///
    /// When the file cannot be read as a whole: see [`KeymapError`].
    pub fn from_toml(text: &str) -> Result<Self, KeymapError> {
        let file: File = toml::from_str(text).map_err(|e| {
            let line = line_of(text, e.span().map_or(0, |span| span.start));
            KeymapError::Syntax(format!("line {line}: {}", e.message().replace('\n', ", ")))
        })?;
        let mut keymap = Self::builtin();
        let mut lines = BTreeMap::new();
        for (name, keys) in &file.keys {
            let line = line_of(text, name.span().start);
            let action = known_action(name.get_ref(), line)?;
            lines.insert(action, line);
            keymap.bindings.retain(|(_, bound)| *bound != action);
            for key in keys {
                let line = line_of(text, key.span().start);
                let chord = allowed_chord(key.get_ref(), action, line)?;
                if !keymap.bindings.contains(&(chord, action)) {
                    keymap.bindings.push((chord, action));
                }
            }
        }
        if !lines.contains_key(&Action::LeaveScreen) {
            keymap.yield_leave_screen();
        }
        keymap.check(&lines)?;
        Ok(keymap)
    }

    /// Takes from leaving the screen what a person has given to another act: nobody chose
    /// `ctrl-z` for it.
    fn yield_leave_screen(&mut self) {
        let (own, others): (Vec<_>, Vec<_>) = self
            .bindings
            .drain(..)
            .partition(|(_, action)| *action == Action::LeaveScreen);
        let is_free = |(chord, _): &(Chord, Action)| others.iter().all(|(other, _)| other != chord);
        let kept: Vec<_> = own.into_iter().filter(is_free).collect();
        self.bindings = others;
        self.bindings.extend(kept);
    }

    /// The act of a key in a view.
    #[must_use]
    pub fn action(&self, chord: Chord, view: View) -> Option<Action> {
        self.bindings
            .iter()
            .find(|(bound, action)| *bound == chord && action.spec().applies_to(view))
            .map(|(_, action)| *action)
    }

    /// Whether this key trips the kill switch. `typing` tells that a text field has the focus:
    /// keys that write a character belong to the text then.
    #[must_use]
    pub fn is_kill(&self, chord: Chord, typing: bool) -> bool {
        !(typing && chord.text().is_some()) && self.bindings.contains(&(chord, Action::Kill))
    }

    /// The keys of an act, for people, with two spaces between them.
    #[must_use]
    pub fn keys(&self, action: Action) -> String {
        let keys: Vec<String> = self
            .bindings
            .iter()
            .filter(|(_, bound)| *bound == action)
            .map(|(chord, _)| chord.to_string())
            .collect();
        keys.join("  ")
    }

    /// The key of an act that a hint names: its first one, where it has any.
    #[must_use]
    pub fn key(&self, action: Action) -> Option<Chord> {
        let mut bound = self.bindings.iter();
        bound
            .find(|(_, other)| *other == action)
            .map(|(chord, _)| *chord)
    }

    /// One key each of `actions`, for a hint such as `j k`; three or more that follow each other
    /// become `1-8`. Acts without a key are left out, and without any the hint is empty.
    #[must_use]
    pub fn hint(&self, actions: &[Action]) -> String {
        let keys: Vec<Chord> = actions.iter().filter_map(|act| self.key(*act)).collect();
        if let [first, _, .., last] = keys[..]
            && keys.windows(2).all(|pair| pair[1].follows(pair[0]))
        {
            let (first, last) = (first.to_string(), last.to_string());
            let dash = if first.len() == 1 { "-" } else { ".." };
            return format!("{first}{dash}{last}");
        }
        let words: Vec<String> = keys.iter().map(ToString::to_string).collect();
        words.join(" ")
    }

    /// Checks what holds for the whole map; `lines` are those of the acts that a file named.
    fn check(&self, lines: &BTreeMap<Action, usize>) -> Result<(), KeymapError> {
        for (index, (chord, first)) in self.bindings.iter().enumerate() {
            for (other, second) in &self.bindings[index + 1..] {
                if chord == other && first.spec().meets(second.spec()) {
                    return Err(KeymapError::Conflict {
                        line: lines.get(second).or(lines.get(first)).copied(),
                        key: *chord,
                        first: first.spec().id,
                        second: second.spec().id,
                    });
                }
            }
        }
        if self
            .bindings
            .iter()
            .all(|(_, action)| *action != Action::Kill)
        {
            return Err(KeymapError::NoKill {
                line: lines.get(&Action::Kill).copied(),
            });
        }
        Ok(())
    }
}

fn known_action(name: &str, line: usize) -> Result<Action, KeymapError> {
    Action::from_id(name).ok_or_else(|| KeymapError::UnknownAction {
        line,
        name: name.to_owned(),
        nearest: ACTIONS
            .iter()
            .map(|spec| spec.id)
            .min_by_key(|id| strsim::damerau_levenshtein(id, name))
            .unwrap_or("kill"),
    })
}

fn allowed_chord(key: &str, action: Action, line: usize) -> Result<Chord, KeymapError> {
    let id = action.spec().id;
    let chord = Chord::parse(key).ok_or_else(|| KeymapError::UnknownKey {
        line,
        key: key.to_owned(),
        action: id,
    })?;
    let answers = matches!(
        chord.code(),
        KeyCode::Enter | KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab
    );
    if action.spec().danger > Danger::None && (chord.is_slippery() || answers) {
        return Err(KeymapError::Forbidden {
            line,
            key: chord,
            action: id,
        });
    }
    Ok(chord)
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyEvent, KeyModifiers};
    use rstest::rstest;

    use super::*;

    fn chord(text: &str) -> Chord {
        Chord::parse(text).unwrap_or_else(|| panic!("{text} parses"))
    }

    #[test]
    fn the_shipped_file_equals_the_table() {
        let file: File = toml::from_str(SHIPPED).unwrap();
        for spec in ACTIONS {
            let named = file.keys.iter().find(|(name, _)| name.get_ref() == spec.id);
            let (_, keys) = named.unwrap_or_else(|| panic!("{} is missing", spec.id));
            let keys: Vec<&str> = keys.iter().map(|key| key.get_ref().as_str()).collect();
            assert_eq!(keys, spec.keys, "{}", spec.id);
        }
        assert_eq!(file.keys.len(), ACTIONS.len());
        assert!(Keymap::from_toml(SHIPPED).is_ok());
    }

    #[test]
    fn every_default_key_is_written_as_it_is_read() {
        for key in ACTIONS.iter().flat_map(|spec| spec.keys) {
            assert_eq!(chord(key).to_string(), *key);
        }
    }

    #[test]
    fn an_own_file_replaces_only_what_it_names() {
        let keymap = Keymap::from_toml("[keys]\nkill = [\"ctrl-k\", \"f9\"]\n").unwrap();
        assert!(keymap.is_kill(chord("f9"), true));
        assert!(!keymap.is_kill(chord("K"), false));
        assert_eq!(keymap.keys(Action::Kill), "ctrl-k  f9");
        assert_eq!(keymap.action(chord("q"), View::Log), Some(Action::Quit));
        let same = Keymap::from_toml("").unwrap();
        for spec in ACTIONS {
            let builtin = Keymap::builtin().keys(spec.action);
            assert_eq!(same.keys(spec.action), builtin, "{}", spec.id);
        }
    }

    #[rstest]
    #[case::shipped("", "j k", "1-8")]
    #[case::one_is_unbound("down = []\nview-4 = []", "k", "1 2 3 5 6 7 8")]
    #[case::none_is_bound("up = []\ndown = []", "", "1-8")]
    #[case::the_first_of_several(
        "up = [\"up\", \"k\"]\nview-7 = [\"9\"]",
        "j up",
        "1 2 3 4 5 6 9 8"
    )]
    #[case::long_names(
        "view-1 = [\"f1\"]\nview-2 = [\"f2\"]\nview-3 = [\"f3\"]\nview-4 = [\"f4\"]\n\
         view-5 = [\"f5\"]\nview-6 = [\"f6\"]\nview-7 = [\"f7\"]\nview-8 = [\"f8\"]\nhelp = []",
        "j k",
        "f1..f8"
    )]
    fn hints_name_the_keys_in_force(#[case] keys: &str, #[case] rows: &str, #[case] views: &str) {
        let keymap = Keymap::from_toml(&format!("[keys]\n{keys}\n")).unwrap();
        assert_eq!(keymap.hint(&[Action::Down, Action::Up]), rows);
        assert_eq!(keymap.hint(&View::ALL.map(Action::Show)), views);
    }

    #[test]
    fn keys_of_a_view_work_there_only() {
        let keymap = Keymap::builtin();
        let x = chord("x");
        assert_eq!(keymap.action(x, View::Blotter), Some(Action::ClosePosition));
        assert_eq!(keymap.action(x, View::Dashboard), None);
    }

    #[test]
    fn leaving_the_screen_yields_its_key_and_no_other_act_does() {
        let z = chord("ctrl-z");
        let act = |text: &str| Keymap::from_toml(text).unwrap().action(z, View::Log);
        assert_eq!(act(""), Some(Action::LeaveScreen));
        assert_eq!(act("[keys]\nredraw = [\"ctrl-z\"]"), Some(Action::Redraw));
        assert_eq!(act("[keys]\nleave-screen = []"), None);
        let both = "[keys]\nredraw = [\"ctrl-z\"]\nleave-screen = [\"ctrl-z\"]";
        assert!(Keymap::from_toml(both).is_err());
    }

    #[test]
    fn a_character_belongs_to_the_text_field_but_f12_does_not() {
        let keymap = Keymap::builtin();
        assert!(keymap.is_kill(chord("K"), false) && !keymap.is_kill(chord("K"), true));
        assert!(keymap.is_kill(chord("f12"), true));
    }

    #[test]
    fn shift_is_the_case_of_a_letter() {
        let event = KeyEvent::new(KeyCode::Char('k'), KeyModifiers::SHIFT);
        assert_eq!(Chord::of(&event), chord("K"));
        let event = KeyEvent::new(KeyCode::Tab, KeyModifiers::SHIFT);
        assert_eq!(Chord::of(&event), chord("shift-tab"));
    }

    #[rstest]
    #[case::unknown_action(
        "[keys]\n\nkil = [\"K\"]",
        "keymap line 3: unknown action `kil`; did you mean `kill`?"
    )]
    #[case::no_kill(
        "[keys]\nkill = []",
        "keymap line 2: no key is left on `kill`; give it at least one, such as \"K\""
    )]
    #[case::conflict(
        "[keys]\nhelp = [\"?\"]\nfilter = [\"q\"]",
        "keymap line 3: `q` is both `quit` and `filter`; give one of them another key"
    )]
    #[case::slippery(
        "[keys]\nclose-all = [\"delete\"]",
        "keymap line 2: `delete` cannot be `close-all`; choose a key other than enter, esc, \
         tab, space, backspace and delete"
    )]
    #[case::kill_on_enter(
        "[keys]\nkill = [\n\"f12\",\n\"enter\"]",
        "keymap line 4: `enter` cannot be `kill`; choose a key other than enter, esc, tab, \
         space, backspace and delete"
    )]
    fn a_wrong_file_says_where_and_what(#[case] text: &str, #[case] message: &str) {
        assert_eq!(Keymap::from_toml(text).unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case(
        "[keys]\nhelp = [\"hyper-x\"]",
        "line 2: unknown key `hyper-x` for `help`"
    )]
    #[case("[keys]\nhelp = [\"f25\"]", "line 2: unknown key `f25`")]
    #[case("[keys]\nhelp = [\"\"]", "line 2: unknown key ``")]
    #[case("[keys]\nhelp = \"?\"", "line 2")]
    #[case("[kees]\n", "unknown field `kees`")]
    fn other_mistakes_are_named_too(#[case] text: &str, #[case] part: &str) {
        let message = Keymap::from_toml(text).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
