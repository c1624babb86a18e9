//! The last row: what can be pressed now. Hints go by rank; help, kill and quit never do.

use ratatui::layout::Rect;

use super::scene::Scene;
use crate::domain::Mode;
use crate::tui::model::View;
use crate::tui::theme::Role;
use crate::tui::widget::Canvas;
use crate::tui::widget::line::{Line, Ranked, fit};

/// Hints of every view: rank, key, words.
const GLOBAL: [(u8, &str, &str); 7] = [
    (3, ":", "palette"),
    (4, "Tab", "focus"),
    (5, "z", "zoom"),
    (6, "p", "hold view"),
    (2, "1-7", "views"),
    (8, "/", "filter"),
    (9, "t", "theme"),
];

/// Hints of one view.
const fn local(view: View) -> &'static [(u8, &'static str, &'static str)] {
    match view {
        View::Dashboard => &[(7, "+ -", "zoom chart"), (7, "h l", "pan")],
        View::Book => &[],
        View::Blotter => &[(1, "j k", "row"), (2, "x", "close"), (2, "c", "cancel")],
        View::Agent => &[
            (1, "j k", "row"),
            (2, "s", "stop leg"),
            (2, "S", "start leg"),
        ],
        View::Risk | View::Performance => &[(1, "j k", "row")],
        View::Log => &[(1, "j k", "scroll"), (1, "v", "level")],
    }
}

pub(super) fn draw(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>) {
    let mut room = row.width.saturating_sub(1);
    if scene.snapshot.session.mode == Mode::Live {
        let badge = Line::of(Role::ModeLive, " LIVE ");
        canvas.line_right(row, &badge);
        room = room.saturating_sub(badge.width() + 1);
    }
    let x = row.x.saturating_add(1);
    if scene.model.typing_filter {
        let line = Line::of(Role::Key, "/ ")
            .with(Role::Text, scene.model.filter.clone())
            .with(Role::Accent, "▏")
            .with(Role::Dim, "  Enter keep  Esc clear");
        canvas.line(x, row.y, room, &line);
        return;
    }
    let hint = |rank, key: &'static str, words: &'static str, role| Ranked {
        rank,
        line: Line::of(role, key)
            .with(Role::Dim, " ")
            .with(Role::Dim, words),
    };
    let mut pieces = vec![hint(0, "?", "help", Role::Key)];
    pieces.extend(
        local(scene.model.view)
            .iter()
            .map(|(rank, key, words)| hint(*rank, key, words, Role::Key)),
    );
    pieces.extend(
        GLOBAL
            .iter()
            .map(|(rank, key, words)| hint(*rank, key, words, Role::Key)),
    );
    pieces.push(hint(0, "K", "KILL", Role::KeyDanger));
    pieces.push(hint(0, "q", "quit", Role::Key));
    if !scene.model.filter.is_empty() {
        pieces.push(Ranked {
            rank: 1,
            line: Line::of(Role::Warn, format!("filter: {}", scene.model.filter)),
        });
    }
    let line = fit(pieces, room, &Line::of(Role::Text, "  "));
    canvas.line(x, row.y, room, &line);
}
