//! Colours that carry meaning: text pictures cannot see them.

use ratatui::style::{Color, Modifier, Style};

use super::*;
use crate::control::{FeedHealth, LegPhase};
use crate::domain::Mode;
use crate::tui::sample;
use crate::tui::theme::{Depth, Role};

/// Look of the first cell of `text` on a row.
pub(super) fn look(buffer: &Buffer, y: u16, text: &str) -> Style {
    let line = row(buffer, y);
    let at = line
        .find(text)
        .unwrap_or_else(|| panic!("{text:?} is not in {line:?}"));
    let x = u16::try_from(line[..at].chars().count()).unwrap();
    buffer[(x, y)].style()
}

pub(super) fn y_of(buffer: &Buffer, text: &str) -> u16 {
    (0..buffer.area.height)
        .find(|y| row(buffer, *y).contains(text))
        .unwrap_or_else(|| panic!("{text:?} is not on the screen:\n{}", lines(buffer)))
}

pub(super) fn assert_role(style: Style, role: Role) {
    let theme = dark();
    assert_eq!(style.fg, theme.style(role).fg, "{}", role.name());
    assert_eq!(style.bg, Some(theme.ground(role)), "{}", role.name());
}

#[test]
fn each_mode_has_its_banner_and_live_takes_the_whole_row() {
    let mut snapshot = sample::normal(1);
    for (mode, role) in [
        (Mode::Replay, Role::ModeReplay),
        (Mode::Paper, Role::ModePaper),
        (Mode::Demo, Role::ModeDemo),
        (Mode::Testnet, Role::ModeTestnet),
        (Mode::Live, Role::ModeLive),
    ] {
        snapshot.session.mode = mode;
        let buffer = buffer_of((80, 24), &snapshot, &model(View::Dashboard), &dark(), IDLE);
        let name = mode.name().to_uppercase();
        assert_role(look(&buffer, 0, &name), role);
        let last = row(&buffer, 23);
        if mode == Mode::Live {
            for x in 0..80 {
                assert_eq!(
                    buffer[(x, 0)].bg,
                    dark().ground(Role::ModeLive),
                    "column {x}"
                );
            }
            assert!(last.ends_with(" LIVE "), "{last:?}");
        } else {
            assert_eq!(buffer[(79, 0)].bg, dark().ground(Role::Surface));
            assert!(!last.contains("LIVE"));
        }
    }
}

#[test]
fn a_made_up_market_is_called_synthetic() {
    let mut snapshot = sample::normal(1);
    snapshot.session.synthetic = true;
    for size in [(40, 10), (80, 24), (200, 60)] {
        let buffer = buffer_of(size, &snapshot, &model(View::Log), &dark(), IDLE);
        assert_role(look(&buffer, 0, "SYNTHETIC"), Role::Synthetic);
    }
}

#[test]
fn the_state_is_the_worst_of_latch_engine_and_data() {
    let normal = sample::normal(1);
    let mut off = normal.clone();
    off.state.disconnected = true;
    let mut warming = normal.clone();
    warming.legs[0].phase = LegPhase::Warming {
        have: 12,
        need: 200,
    };
    let kill = |level, phase| KillView {
        level,
        phase,
        reason: "operator key",
    };
    let flatten = |phase| kill(KillLevel::Flatten, phase);
    for (snapshot, kill, words, role) in [
        (&normal, IDLE, "● ACTIVE", Role::StateActive),
        (&off, IDLE, "✗ NO DATA", Role::StateHalted),
        (&warming, IDLE, "◌ WARMING 12/200", Role::StateReduce),
        (
            &sample::paused(1),
            IDLE,
            "◷ PAUSED 1:12:09",
            Role::StateReduce,
        ),
        (&sample::killed(1), IDLE, "■ HALTED", Role::StateHalted),
        (&normal, TRIPPED, "‖ REDUCE-ONLY", Role::StateReduce),
        (&off, TRIPPED, "‖ REDUCE-ONLY", Role::StateReduce),
        (
            &normal,
            flatten(KillPhase::Closing),
            "■ FLATTENING",
            Role::StateHalted,
        ),
        (
            &normal,
            flatten(KillPhase::Flat),
            "■ FLAT",
            Role::StateHalted,
        ),
        (
            &normal,
            flatten(KillPhase::Stuck),
            "■ FLATTENING STUCK",
            Role::StateHalted,
        ),
    ] {
        let buffer = buffer_of((80, 24), snapshot, &model(View::Risk), &dark(), kill);
        let first = row(&buffer, 0);
        assert!(first.trim_end().ends_with(words), "{words}: {first:?}");
        assert_role(look(&buffer, 0, words), role);
    }
}

#[test]
fn the_kill_row_shows_on_every_view_even_when_the_engine_is_silent() {
    for view in View::ALL {
        let mut model = model(view);
        model.snapshot_age_ms = 60_000;
        let buffer = buffer_of((80, 24), &sample::empty(), &model, &dark(), TRIPPED);
        let y = y_of(&buffer, "KILL  REDUCE-ONLY (operator key)");
        assert_role(look(&buffer, y, "KILL  REDUCE-ONLY"), Role::Kill);
    }
}

#[test]
fn the_kill_row_has_the_words_of_whoever_asked_once_the_engine_knows_them() {
    let mut snapshot = sample::killed(1);
    snapshot.state.kill_reason = Some("the desk caught fire".to_owned());
    let kill = |level| KillView {
        level,
        phase: KillPhase::Tripped,
        reason: "kill file",
    };
    for (level, words) in [
        (KillLevel::Halted, "(the desk caught fire)"),
        // The latch is ahead: why is not known yet.
        (KillLevel::Flatten, "(kill file)"),
    ] {
        let model = model(View::Dashboard);
        let buffer = buffer_of((80, 24), &snapshot, &model, &dark(), kill(level));
        y_of(&buffer, words);
    }
}

#[test]
fn profit_and_loss_have_signs_and_colours() {
    let mut snapshot = sample::normal(1);
    let buffer = buffer_of((80, 24), &snapshot, &model(View::Dashboard), &dark(), IDLE);
    assert_role(look(&buffer, 0, "+84.10"), Role::Up);
    snapshot.account.day = snapshot.account.day.map(|day| -day);
    let buffer = buffer_of((80, 24), &snapshot, &model(View::Dashboard), &dark(), IDLE);
    assert_role(look(&buffer, 0, "-84.10"), Role::Down);
}

#[test]
fn stale_numbers_are_dim_and_marked() {
    let mut snapshot = sample::normal(1);
    let price = format!("{:.1}", snapshot.markets[0].last.unwrap());
    let buffer = buffer_of((80, 24), &snapshot, &model(View::Dashboard), &dark(), IDLE);
    assert_role(look(&buffer, 0, &price), Role::Text);
    snapshot.markets[0].health = FeedHealth::Stale;
    let buffer = buffer_of((80, 24), &snapshot, &model(View::Dashboard), &dark(), IDLE);
    assert_role(look(&buffer, 0, &format!("{price}~")), Role::Dim);
    // A picture that no longer changes is stale too, and says how old it is.
    let mut model = model(View::Dashboard);
    model.snapshot_age_ms = 4_200;
    let buffer = buffer_of((80, 24), &sample::normal(1), &model, &dark(), IDLE);
    assert_role(look(&buffer, 0, &format!("{price}~")), Role::Dim);
    assert!(row(&buffer, 1).contains("picture is 4.2s old"));
}

#[test]
fn focus_and_selection_are_visible_with_and_without_colours() {
    let mut model = model(View::Blotter);
    model.pane = 1;
    model.row = 1;
    let buffer = buffer_of((120, 40), &sample::normal(1), &model, &dark(), IDLE);
    let title = y_of(&buffer, "Working orders");
    assert_role(look(&buffer, title, "Working orders"), Role::BorderFocus);
    let y = y_of(&buffer, "▸");
    assert_eq!(
        look(&buffer, y, "▸").bg,
        Some(dark().ground(Role::Selection))
    );
    assert!(row(&buffer, y).contains("stop"));
    let mono = dark().quantised(Depth::Mono);
    let buffer = buffer_of((120, 40), &sample::normal(1), &model, &mono, IDLE);
    assert!(
        look(&buffer, y, "▸")
            .add_modifier
            .contains(Modifier::REVERSED)
    );
    let coloured = buffer
        .content
        .iter()
        .any(|c| c.fg != Color::Reset || c.bg != Color::Reset);
    assert!(!coloured, "a screen without colours names none");
}

#[test]
fn five_facts_are_on_the_first_screen_of_every_size() {
    for size in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let buffer = buffer_of(
            size,
            &sample::normal(1),
            &model(View::Dashboard),
            &dark(),
            IDLE,
        );
        let text = lines(&buffer);
        for fact in [
            "BTCUSDT", "LONG", "+84.10", "exposure", "ACTIVE", "K KILL", "? help", "q quit",
        ] {
            assert!(text.contains(fact), "{size:?}: {fact} is missing\n{text}");
        }
    }
}

#[test]
fn messages_go_away_by_time_and_stay_off_the_kill_modal() {
    let mut model = model(View::Dashboard);
    for n in 0..5 {
        model.toasts.push(crate::tui::model::Toast {
            text: format!("message {n}"),
            warn: n == 4,
            until_ms: 100 * n,
        });
    }
    model.now_ms = 150;
    let text = |model: &Model| {
        lines(&buffer_of(
            (80, 24),
            &sample::normal(1),
            model,
            &dark(),
            TRIPPED,
        ))
    };
    let seen = text(&model);
    assert!(!seen.contains("message 1") && seen.contains("message 2"));
    assert!(seen.contains("! message 4"));
    model.overlay = Some(modal(false, false));
    assert!(text(&model).contains("Paste and key repeat are ignored."));
}

#[test]
fn the_kill_modal_says_what_is_true_at_each_step() {
    let model = Model {
        overlay: Some(modal(false, false)),
        ..model(View::Dashboard)
    };
    for (level, words) in [
        (KillLevel::ReduceOnly, "Entries blocked, exits still work."),
        (KillLevel::Halted, "Halted: only cancels leave."),
        (KillLevel::Flatten, "Flattening: cancel all, close all."),
    ] {
        let kill = KillView { level, ..TRIPPED };
        let buffer = buffer_of((80, 24), &sample::normal(1), &model, &dark(), kill);
        assert_role(look(&buffer, y_of(&buffer, words), words), Role::Kill);
    }
    // Where real orders leave, flattening takes one key more.
    let mut snapshot = sample::normal(1);
    for (mode, needs_enter) in [
        (Mode::Paper, false),
        (Mode::Replay, false),
        (Mode::Demo, true),
        (Mode::Live, true),
    ] {
        snapshot.session.mode = mode;
        let text = lines(&buffer_of((80, 24), &snapshot, &model, &dark(), TRIPPED));
        assert_eq!(
            text.contains("at market, then Enter"),
            needs_enter,
            "{mode}"
        );
    }
}
