//! One key with its modifiers: how it is written and how a terminal reports it.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers, in one form however the terminal reported it.
///
/// A letter carries its case itself and never the shift modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Chord {
    /// A key as written in the keymap file: `K`, `f12`, `ctrl-p`, `alt-1`, `shift-tab`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            if let Some(code) = code_of(rest) {
                return Some(Self::new(code, modifiers));
            }
            let (prefix, tail) = rest.split_once('-')?;
            modifiers |= match prefix {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => return None,
            };
            rest = tail;
        }
    }

    /// The chord of an event.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Self {
        Self::new(event.code, event.modifiers)
    }

    /// The event that a terminal sends for this chord.
    #[cfg(test)]
    pub(in crate::tui) fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        let mut modifiers = modifiers & kept;
        let code = match code {
            KeyCode::Char(c) => {
                let upper = modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase();
                modifiers.remove(KeyModifiers::SHIFT);
                KeyCode::Char(if upper { c.to_ascii_uppercase() } else { c })
            }
            KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        if code == KeyCode::BackTab {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        Self { code, modifiers }
    }

    /// Key whatever its modifiers.
    #[must_use]
    pub fn code(self) -> KeyCode {
        self.code
    }

    /// Key without modifiers, where there are none.
    #[must_use]
    pub fn plain(self) -> Option<KeyCode> {
        self.modifiers.is_empty().then_some(self.code)
    }

    /// Character of a key held with Ctrl alone.
    #[must_use]
    pub fn ctrl(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers == KeyModifiers::CONTROL => Some(c),
            _ => None,
        }
    }

    /// Character that this key writes into a text field.
    #[must_use]
    pub fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() && !c.is_control() => Some(c),
            _ => None,
        }
    }

    /// Whether this is the key behind `other`, such as `2` behind `1` or `f2` behind `f1`.
    #[must_use]
    pub fn follows(self, other: Self) -> bool {
        let is_next = match (other.code, self.code) {
            (KeyCode::Char(a), KeyCode::Char(b)) => u32::from(a) + 1 == u32::from(b),
            (KeyCode::F(a), KeyCode::F(b)) => a.checked_add(1) == Some(b),
            _ => false,
        };
        is_next && self.modifiers == other.modifiers
    }

    /// Whether the key is one of those that fingers rest on or hit while tidying up.
    #[must_use]
    pub fn is_slippery(self) -> bool {
        matches!(
            self.code,
            KeyCode::Backspace | KeyCode::Delete | KeyCode::Char(' ')
        )
    }
}

fn code_of(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control() && c != ' ').then_some(KeyCode::Char(c));
    }
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*code);
    }
    let number: u8 = text.strip_prefix('f')?.parse().ok()?;
    (1..=24).contains(&number).then_some(KeyCode::F(number))
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "f{n}"),
            other => write!(f, "{other}"),
        }
    }
}
