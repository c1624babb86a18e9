//! Hints name the keys in force, and nothing that has no key.

use std::fmt::Write as _;

use super::*;
use crate::domain::Mode;
use crate::tui::action::{ACTIONS, Action};
use crate::tui::sample;

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

/// All pages of the console with those keys, as text.
fn pages(keymap: &Keymap) -> Vec<String> {
    let snapshot = sample::troubled(5);
    let mut pages = Vec::new();
    for view in View::ALL {
        for overlay in [None, Some(modal(false, false)), Some(modal(false, true))] {
            for (size, level) in SIZES.into_iter().zip([
                KillLevel::Halted,
                KillLevel::ReduceOnly,
                KillLevel::Halted,
                KillLevel::ReduceOnly,
            ]) {
                let kill = KillView { level, ..TRIPPED };
                let model = Model {
                    overlay: overlay.clone(),
                    ..model(view)
                };
                let buffer = buffer_with(size, &snapshot, &model, &dark(), kill, keymap);
                pages.push(lines(&buffer));
            }
        }
    }
    pages
}

fn with_keys(keys: &[(&str, &str)]) -> Keymap {
    let mut text = "[keys]\n".to_owned();
    for (id, key) in keys {
        writeln!(text, "{id} = [{key:?}]").unwrap();
    }
    Keymap::from_toml(&text).unwrap()
}

#[test]
fn keys_that_were_replaced_are_named_and_the_former_ones_are_not() {
    let keymap = with_keys(&[
        ("kill", "f9"),
        ("help", "f3"),
        ("quit", "Q"),
        ("palette", "ctrl-e"),
        ("next-pane", "w"),
        ("down", "down"),
        ("up", "up"),
        ("close-position", "f5"),
        ("cancel-order", "f6"),
        ("cancel-all", "f7"),
        ("chart-zoom-in", "I"),
        ("chart-zoom-out", "O"),
        ("prev-market", "b"),
        ("next-market", "n"),
        ("stop-leg", "f8"),
        ("log-level", "L"),
        ("adopt", "f4"),
        ("view-8", "9"),
    ]);
    let pages = pages(&keymap).join("\n");
    for hint in [
        "f9 KILL",
        "f3 help",
        "Q quit",
        "ctrl-e palette",
        "w focus",
        "down up row",
        "down up scroll",
        "f5 close",
        "f6 cancel · f7 cancel all",
        "I O zoom",
        "b n market",
        "f8 stop leg",
        "L level",
        "f4 adopt",
        "9 health",
        "f9: what now?",
        "[Enter f9]",
        "f9  blocks entries",
        "ctrl-e, `resume <reason>` releases",
    ] {
        assert!(pages.contains(hint), "{hint}");
    }
    for former in [
        " K KILL",
        "? help",
        " q quit",
        ": palette",
        "tab focus",
        "j k row",
        "x close",
        "c cancel",
        "+ - zoom",
        "[ ] market",
        "s stop leg",
        "v level",
        "A adopt",
        "8 health",
        "K: what now?",
        "Enter K]",
        "K  blocks",
        ":resume",
    ] {
        assert!(!pages.contains(former), "{former}");
    }
}

#[test]
fn acts_without_a_key_have_no_hint() {
    let mut text = "[keys]\n".to_owned();
    for spec in ACTIONS {
        let keys = if spec.action == Action::Kill {
            "[\"K\"]"
        } else {
            "[]"
        };
        writeln!(text, "{} = {keys}", spec.id).unwrap();
    }
    let keymap = Keymap::from_toml(&text).unwrap();
    let mut snapshot = sample::troubled(5);
    snapshot.session.mode = Mode::Paper;
    for view in View::ALL {
        for size in SIZES {
            let model = model(view);
            let buffer = buffer_with(size, &snapshot, &model, &dark(), IDLE, &keymap);
            assert_eq!(
                row(&buffer, size.1 - 1).trim(),
                "K KILL",
                "{view:?} {size:?}"
            );
            let page = lines(&buffer);
            for words in [
                "zoom",
                " pan ",
                " close ─",
                " adopt │",
                " health ",
                "cancel all",
                " market ─",
            ] {
                assert!(!page.contains(words), "{words:?}:\n{page}");
            }
        }
    }
    let dialogs = pages(&keymap).join("\n");
    assert!(dialogs.contains("close this; a restart can release"));
}
