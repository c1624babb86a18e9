//! The screens as text, for eyes. A change here needs a sentence in the commit.

use super::*;
use crate::tui::sample;

fn picture(name: &str, size: (u16, u16), snapshot: &Snapshot, model: &Model, kill: KillView) {
    let buffer = buffer_of(size, snapshot, model, &dark(), kill);
    insta::with_settings!({
        snapshot_path => "../../snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), lines(&buffer));
    });
}

#[test]
fn views() {
    let snapshot = sample::normal(42);
    for view in View::ALL {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let name = view.title().to_lowercase();
            picture(&name, size, &snapshot, &model(view), IDLE);
        }
    }
    picture("dash", (40, 10), &snapshot, &model(View::Dashboard), IDLE);
    let ascii = Model {
        ascii: true,
        ..model(View::Dashboard)
    };
    picture("ascii", (80, 24), &snapshot, &ascii, IDLE);
}

#[test]
fn states() {
    let dash = model(View::Dashboard);
    picture("empty", (80, 24), &sample::empty(), &dash, IDLE);
    picture("paused", (80, 24), &sample::paused(42), &dash, IDLE);
    let halted = KillView {
        level: KillLevel::Halted,
        phase: KillPhase::Cancelling,
        reason: "operator key",
    };
    picture("killed", (80, 24), &sample::killed(42), &dash, halted);
    picture("killed", (40, 10), &sample::killed(42), &dash, halted);
    let risk = model(View::Risk);
    picture("killed_risk", (120, 40), &sample::killed(42), &risk, halted);
    let zoomed = Model {
        zoomed: true,
        ..model(View::Dashboard)
    };
    picture("zoomed_chart", (80, 24), &sample::normal(42), &zoomed, IDLE);
}

#[test]
fn sessions_with_a_venue() {
    let (connected, troubled) = (sample::connected(42), sample::troubled(42));
    for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
        for view in [View::Health, View::Dashboard] {
            let name = view.title().to_lowercase();
            let troubled_name = format!("{name}_troubled");
            picture(&troubled_name, size, &troubled, &model(view), IDLE);
            let connected_name = format!("{name}_connected");
            picture(&connected_name, size, &connected, &model(view), IDLE);
        }
    }
    let ascii = Model {
        ascii: true,
        ..model(View::Health)
    };
    picture("health_ascii", (80, 24), &troubled, &ascii, IDLE);
}

#[test]
fn dialogs() {
    let snapshot = sample::normal(42);
    let names = [
        "none",
        "help",
        "palette",
        "themes",
        "kill",
        "kill_flatten",
        "kill_banner",
        "quit",
        "confirm",
    ];
    for (name, overlay) in names.into_iter().zip(overlays()).skip(1) {
        let model = Model {
            overlay,
            ..model(View::Dashboard)
        };
        let kill = if name.starts_with("kill") {
            TRIPPED
        } else {
            IDLE
        };
        picture(&format!("dialog_{name}"), (80, 24), &snapshot, &model, kill);
    }
    let model = Model {
        overlay: Some(modal(false, false)),
        ..model(View::Dashboard)
    };
    picture("dialog_kill", (40, 10), &snapshot, &model, TRIPPED);
}

/// Writes SVG files for eyes into the folder named by `TRADETERM_SHOTS`.
#[test]
fn svg_of_the_dashboard_is_stable() {
    let snapshot = sample::normal(42);
    let troubled = sample::troubled(42);
    for view in View::ALL {
        for size in [(120, 40), (200, 60)] {
            let snapshot = if view == View::Health {
                &troubled
            } else {
                &snapshot
            };
            let buffer = buffer_of(size, snapshot, &model(view), &dark(), IDLE);
            let svg = crate::tui::svg::render(&buffer, &dark());
            assert_eq!(svg, crate::tui::svg::render(&buffer, &dark()));
            if let Some(folder) = std::env::var_os("TRADETERM_SHOTS") {
                let name = format!("{}_{}.svg", view.title(), size.0);
                std::fs::write(std::path::Path::new(&folder).join(name), svg).unwrap();
            }
        }
    }
}
