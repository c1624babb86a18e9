//! The last row: what can be pressed now, by the keys in force. Hints go by rank; help, kill and
//! quit never do. What has no key has no hint.

use ratatui::layout::Rect;

use super::scene::Scene;
use crate::domain::Mode;
use crate::tui::action::Action;
use crate::tui::model::View;
use crate::tui::theme::Role;
use crate::tui::widget::Canvas;
use crate::tui::widget::line::{Line, Ranked, fit};

/// A hint: its rank, the acts whose keys it names, what they do.
type Hint = (u8, &'static [Action], &'static str);

/// Acts that show a view, in the order of the views.
const VIEWS: [Action; View::ALL.len()] = {
    let mut views = [Action::Show(View::Dashboard); View::ALL.len()];
    let mut n = 0;
    while n < views.len() {
        views[n] = Action::Show(View::ALL[n]);
        n += 1;
    }
    views
};

/// Hints of every view.
const GLOBAL: [Hint; 7] = [
    (3, &[Action::Palette], "palette"),
    (4, &[Action::NextPane], "focus"),
    (5, &[Action::ZoomPane], "zoom"),
    (6, &[Action::PauseView], "hold view"),
    (2, &VIEWS, "views"),
    (8, &[Action::Filter], "filter"),
    (9, &[Action::Themes], "theme"),
];

const ROWS: &[Action] = &[Action::Down, Action::Up];

/// Hints of one view.
const fn local(view: View) -> &'static [Hint] {
    match view {
        View::Dashboard => &[
            (
                7,
                &[Action::ChartZoomIn, Action::ChartZoomOut],
                "zoom chart",
            ),
            (7, &[Action::PanLeft, Action::PanRight], "pan"),
        ],
        View::Book => &[],
        View::Blotter => &[
            (1, ROWS, "row"),
            (2, &[Action::ClosePosition], "close"),
            (2, &[Action::CancelOrder], "cancel"),
        ],
        View::Agent => &[
            (1, ROWS, "row"),
            (2, &[Action::StopLeg], "stop leg"),
            (2, &[Action::StartLeg], "start leg"),
        ],
        View::Risk | View::Performance => &[(1, ROWS, "row")],
        View::Health => &[(1, ROWS, "row"), (2, &[Action::Adopt], "adopt")],
        View::Log => &[(1, ROWS, "scroll"), (1, &[Action::LogLevel], "level")],
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
    let mut pieces = Vec::new();
    let mut push = |(rank, acts, words): Hint, role| {
        let keys = scene.keymap.hint(acts);
        if !keys.is_empty() {
            let line = Line::of(role, keys).with(Role::Dim, " ");
            let line = line.with(Role::Dim, words);
            pieces.push(Ranked { rank, line });
        }
    };
    push((0, &[Action::Help], "help"), Role::Key);
    for hint in local(scene.model.view).iter().chain(&GLOBAL) {
        push(*hint, Role::Key);
    }
    push((0, &[Action::Kill], "KILL"), Role::KeyDanger);
    push((0, &[Action::Quit], "quit"), Role::Key);
    if !scene.model.filter.is_empty() {
        pieces.push(Ranked {
            rank: 1,
            line: Line::of(Role::Warn, format!("filter: {}", scene.model.filter)),
        });
    }
    let line = fit(pieces, room, &Line::of(Role::Text, "  "));
    canvas.line(x, row.y, room, &line);
}
