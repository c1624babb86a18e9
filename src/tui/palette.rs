//! Rows of the palette and of the help, found by what a person types.
//!
//! Both come from the action table and the keys in force; the palette adds themes and markets.
//! Nothing here acts: a chosen row is a value that `update` carries out.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::action::{ACTIONS, Action, Danger, Spec};
use super::adopt;
use super::keymap::Keymap;
use super::model::{Model, View};
use crate::control::Snapshot;

/// What a row of the palette stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// An act of the table.
    Act(Action),
    /// Back to ACTIVE, with the reason typed so far.
    Resume(String),
    /// The venue's position in the symbol typed so far becomes ours.
    Adopt(String),
    /// A theme by name.
    Theme(String),
    /// A market by its place in the snapshot.
    Market(usize),
}

/// One row of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaletteEntry {
    /// What it says.
    pub text: String,
    /// Keys of the act, where it has some.
    pub keys: String,
    /// What it stands for.
    pub choice: Choice,
}

/// One row of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpEntry {
    /// Keys of the act; empty when only the palette has it.
    pub keys: String,
    /// What it does.
    pub text: String,
    /// Whether it asks before it happens, or is the kill switch.
    pub danger: bool,
}

/// Rows of the palette that match `input`, best first; all of them while it is empty.
#[must_use]
pub fn palette(
    input: &str,
    model: &Model,
    keymap: &Keymap,
    snapshot: &Snapshot,
) -> Vec<PaletteEntry> {
    if let Some(named) = argument(input, "adopt ") {
        return adoptions(named, snapshot);
    }
    if let Some(reason) = argument(input, "resume ") {
        return vec![PaletteEntry {
            text: format!(
                "resume {}",
                if reason.is_empty() {
                    "<reason>"
                } else {
                    reason
                }
            ),
            keys: String::new(),
            choice: Choice::Resume(reason.to_owned()),
        }];
    }
    let entries = entries(model, keymap, snapshot);
    if input.trim().is_empty() {
        return entries;
    }
    let pattern = Pattern::parse(input, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, PaletteEntry)> = entries
        .into_iter()
        .filter_map(|entry| {
            let text = Utf32Str::new(&entry.text, &mut buffer);
            Some((pattern.score(text, &mut matcher)?, entry))
        })
        .collect();
    // Stable: rows of the same score stay in the order of the table.
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, entry)| entry).collect()
}

/// Rows of the help for `view` that contain `filter`, in the order of the table.
#[must_use]
pub fn help(filter: &str, view: View, keymap: &Keymap) -> Vec<HelpEntry> {
    let wanted = filter.trim().to_lowercase();
    ACTIONS
        .iter()
        .filter(|spec| spec.applies_to(view))
        .map(|spec| HelpEntry {
            keys: keymap.keys(spec.action),
            text: spec.help.to_owned(),
            danger: spec.danger >= Danger::Moderate || spec.action == Action::Kill,
        })
        .filter(|entry| {
            entry.text.to_lowercase().contains(&wanted)
                || entry.keys.to_lowercase().contains(&wanted)
        })
        .collect()
}

/// What follows a command such as `resume `, once the word and a space have been typed.
fn argument<'a>(input: &'a str, command: &str) -> Option<&'a str> {
    input.trim_start().strip_prefix(command).map(str::trim)
}

/// Positions that can be adopted and begin with what was typed; else a row with what was typed,
/// which acts on nothing and says why.
fn adoptions(named: &str, snapshot: &Snapshot) -> Vec<PaletteEntry> {
    let entry = |text, symbol: &str| PaletteEntry {
        text,
        keys: String::new(),
        choice: Choice::Adopt(symbol.to_owned()),
    };
    let wanted = named.to_uppercase();
    let found: Vec<PaletteEntry> = adopt::all(snapshot)
        .filter(|one| one.symbol.as_str().to_uppercase().starts_with(&wanted))
        .map(|one| {
            let (ours, venue) = (&one.difference.ours, &one.difference.venue);
            let text = format!("adopt {}: ours {ours}, venue {venue}", one.symbol);
            entry(text, one.symbol.as_str())
        })
        .collect();
    if !found.is_empty() {
        return found;
    }
    let named = if named.is_empty() { "<symbol>" } else { named };
    vec![entry(
        format!("adopt {named}: no position differs there"),
        named,
    )]
}

fn entries(model: &Model, keymap: &Keymap, snapshot: &Snapshot) -> Vec<PaletteEntry> {
    // Acts on trading come last, so that an Enter too many on an empty palette is harmless.
    let harmless = ACTIONS.iter().filter(|spec| spec.danger == Danger::None);
    let others = ACTIONS.iter().filter(|spec| spec.danger > Danger::None);
    let entry = |spec: &Spec| PaletteEntry {
        text: spec.palette.to_owned(),
        keys: keymap.keys(spec.action),
        choice: match spec.action {
            Action::Resume => Choice::Resume(String::new()),
            Action::Adopt => Choice::Adopt(String::new()),
            action => Choice::Act(action),
        },
    };
    let plain = |text, choice| PaletteEntry {
        text,
        keys: String::new(),
        choice,
    };
    let themes = model
        .themes
        .iter()
        .map(|name| plain(format!("theme {name}"), Choice::Theme(name.clone())));
    let markets =
        snapshot.markets.iter().enumerate().map(|(index, market)| {
            plain(format!("market {}", market.symbol), Choice::Market(index))
        });
    let acts = harmless.map(entry).chain(themes).chain(markets);
    acts.chain(others.map(entry)).collect()
}
