//! No size, view or dialog panics, and row 0 always says where orders go and whether they go.

use super::*;
use crate::tui::sample;
use crate::tui::view::{Size, panes, rows};

const SHORT_STATES: [&str; 8] = [
    "ACTIVE",
    "REDUCE",
    "HALT",
    "FLAT",
    "PAUSED",
    "NO DATA",
    "WARMING",
    "NO ENTRIES",
];

fn check(size: (u16, u16), snapshot: &Snapshot, model: &Model, theme: &Theme, kill: KillView) {
    let buffer = buffer_of(size, snapshot, model, theme, kill);
    if 20 <= size.0 && 0 < size.1 {
        let first = row(&buffer, 0);
        let mode = snapshot.session.mode.name().to_uppercase();
        let at = first
            .find(&mode)
            .unwrap_or_else(|| panic!("{size:?}: {first:?}"));
        assert!(at <= 1, "{size:?}: mode is not first: {first:?}");
        let tail: String = first.trim_end().chars().rev().take(20).collect();
        let tail: String = tail.chars().rev().collect();
        assert!(
            SHORT_STATES.iter().any(|state| tail.contains(state)),
            "{size:?}: state is not last: {first:?}"
        );
    }
}

fn sizes() -> Vec<(u16, u16)> {
    let heights = [0, 1, 2, 3, 7, 10, 15, 16, 24, 29, 30, 40, 49, 50, 70];
    let widths = [0, 1, 2, 5, 19, 20, 40, 59, 60, 80, 119, 120, 179, 180, 220];
    let mut all: Vec<(u16, u16)> = (1..=220)
        .step_by(7)
        .flat_map(|w| heights.map(|h| (w, h)))
        .collect();
    all.extend((1..=70).step_by(3).flat_map(|h| widths.map(|w| (w, h))));
    all
}

#[test]
fn every_view_draws_at_every_size() {
    let (snapshots, theme) = ([sample::normal(7), sample::troubled(7)], dark());
    for (n, size) in sizes().into_iter().enumerate() {
        // Each size meets two views; over all sizes each view meets hundreds, with and without
        // a venue.
        let snapshot = &snapshots[n / 3 % 2];
        for view in [View::ALL[n % 8], View::ALL[(n + 3) % 8]] {
            let model = Model {
                pane: n % 8,
                row: n,
                zoomed: n % 5 == 0,
                ascii: n % 4 == 0,
                ..model(view)
            };
            check(size, snapshot, &model, &theme, IDLE);
        }
    }
}

#[test]
fn the_health_view_draws_on_a_dense_grid() {
    let theme = dark();
    for snapshot in [sample::troubled(7), sample::connected(7), sample::empty()] {
        for w in (1..=220).step_by(9) {
            for h in (1..=70).step_by(5) {
                check((w, h), &snapshot, &model(View::Health), &theme, IDLE);
            }
        }
    }
}

#[test]
fn the_dashboard_draws_on_a_dense_grid() {
    let (snapshot, theme) = (sample::paused(7), dark());
    for w in (1..=220).step_by(9) {
        for h in (1..=70).step_by(5) {
            check((w, h), &snapshot, &model(View::Dashboard), &theme, TRIPPED);
        }
    }
}

#[test]
fn every_dialog_draws_at_every_size_and_leaves_row_zero() {
    let (snapshot, theme) = (sample::killed(7), dark());
    let overlays = overlays();
    for (n, size) in sizes().into_iter().enumerate() {
        let mut model = model(View::ALL[n % 8]);
        model.overlay.clone_from(&overlays[n % overlays.len()]);
        model.toasts = vec![
            crate::tui::model::Toast {
                text: "a message that is far too long for most of the screens ".repeat(3),
                warn: n % 2 == 0,
                until_ms: 10,
            };
            3
        ];
        check(size, &snapshot, &model, &theme, TRIPPED);
    }
}

#[test]
fn the_whole_grid_draws_when_it_is_asked_for() {
    if std::env::var_os("TRADETERM_FULL_GRID").is_none() {
        println!("skipped: set TRADETERM_FULL_GRID=1 for every size of every view");
        return;
    }
    let theme = dark();
    for snapshot in [sample::normal(7), sample::troubled(7)] {
        for view in View::ALL {
            for w in 1..=220 {
                for h in 1..=70 {
                    check((w, h), &snapshot, &model(view), &theme, IDLE);
                }
            }
        }
    }
}

#[test]
fn the_smaller_class_wins() {
    for ((w, h), wanted) in [
        ((59, 70), Size::Xs),
        ((220, 15), Size::Xs),
        ((60, 16), Size::S),
        ((119, 70), Size::S),
        ((220, 29), Size::S),
        ((120, 30), Size::M),
        ((179, 70), Size::M),
        ((180, 50), Size::L),
    ] {
        assert_eq!(Size::of(w, h), wanted, "{w}x{h}");
    }
}

#[test]
fn every_pane_can_be_zoomed_and_says_how_many_rows_it_has() {
    let (snapshot, theme) = (sample::troubled(7), dark());
    for view in View::ALL {
        for pane in 0..panes(view) {
            let model = Model {
                pane,
                zoomed: true,
                row: usize::MAX,
                ..model(view)
            };
            check((80, 24), &snapshot, &model, &theme, IDLE);
            let n = rows(view, pane, &snapshot);
            assert_eq!(rows(view, pane, &sample::empty()), 0, "{view:?} {pane}");
            assert!(n < 1000);
        }
    }
    assert_eq!(rows(View::Dashboard, 2, &snapshot), 3);
    assert_eq!(rows(View::Blotter, 1, &snapshot), 2);
    assert_eq!(rows(View::Agent, 9, &snapshot), 0);
    assert_eq!(rows(View::Health, 0, &snapshot), 4);
}
