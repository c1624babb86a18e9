//! Dialogs and passing messages, all of them below row 0.

use ratatui::layout::Rect;

use super::header::short;
use super::kill;
use super::scene::{Scene, cut_top, middle};
use crate::tui::model::Overlay;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::canvas::width_of;
use crate::tui::widget::line::Line;
use crate::tui::widget::table::{Follow, window};
use crate::tui::widget::{Canvas, num};

/// Most messages on screen.
const MAX_TOASTS: usize = 3;

/// Draws the dialog and the messages into `area`, which begins below row 0.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, theme: &Theme) {
    let mut kept = None;
    match &scene.model.overlay {
        None => {}
        // Shrunk to a banner, it is the kill row at the top of the body.
        Some(Overlay::Kill(modal)) if modal.banner => {}
        Some(Overlay::Kill(modal)) => kept = Some(kill::modal(canvas, area, scene, modal)),
        Some(Overlay::Help { filter, selected }) => help(canvas, area, scene, filter, *selected),
        Some(Overlay::Palette { input, selected }) => {
            palette(canvas, area, scene, input, *selected);
        }
        Some(Overlay::Themes { selected }) => themes(canvas, area, scene, *selected, theme),
        Some(Overlay::Quit { selected }) => quit(canvas, area, scene, *selected),
        Some(Overlay::Confirm { question, yes }) => confirm(canvas, area, question, *yes),
    }
    toasts(canvas, area, scene, kept);
}

fn boxed(canvas: &mut Canvas<'_>, area: Rect, title: &str, remark: &str) -> Rect {
    canvas.clear(area, Role::Surface);
    if area.height < 4 || area.width < 12 {
        return area;
    }
    canvas.pane(area, title, remark, true)
}

fn select(canvas: &mut Canvas<'_>, row: Rect) {
    let style = canvas.style(Role::Accent);
    canvas.put(row.x, row.y, '▸', style);
    canvas.tint(row, Role::Selection);
}

fn input_line(canvas: &mut Canvas<'_>, row: Rect, prompt: &'static str, text: &str) {
    let line = Line::of(Role::Key, prompt)
        .with(Role::Text, text.to_owned())
        .with(Role::Accent, "▏");
    canvas.row(row, 0, &line);
}

fn help(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, filter: &str, selected: usize) {
    let rows = scene.overlay.help;
    let height = num::cells(rows.len())
        .saturating_add(3)
        .clamp(8, area.height.saturating_sub(1).max(8));
    let area = middle(area, 92.min(area.width.saturating_sub(4).max(30)), height);
    let title = format!("Help: {}", scene.model.view.title());
    let mut inside = boxed(
        canvas,
        area,
        &title,
        "type to search · Enter does it · Esc close",
    );
    let top = cut_top(&mut inside, 1);
    input_line(canvas, top, "search ", filter);
    let keys_width = rows
        .iter()
        .map(|(keys, ..)| width_of(keys))
        .fold(4, u16::max)
        .min(inside.width / 3);
    let follow = Follow::Selected(selected.min(rows.len().saturating_sub(1)));
    let first = window(rows.len(), usize::from(inside.height), follow);
    for (n, (keys, text, danger)) in rows
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(inside.height))
    {
        let row = cut_top(&mut inside, 1);
        let role = if *danger { Role::KeyDanger } else { Role::Key };
        let style = canvas.style(role);
        canvas.text(row.x.saturating_add(1), row.y, keys_width, keys, style);
        let x = row.x.saturating_add(keys_width).saturating_add(3);
        let style = canvas.style(Role::Text);
        canvas.text(x, row.y, row.right().saturating_sub(x), text, style);
        if follow == Follow::Selected(n) {
            select(canvas, row);
        }
    }
    if rows.is_empty() {
        canvas.note(inside, "nothing like that");
    }
}

fn palette(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, input: &str, selected: usize) {
    let rows = scene.overlay.palette;
    let height = num::cells(rows.len()).saturating_add(3).clamp(6, 18);
    let mut spot = middle(area, 68, height);
    spot.y = area.y.saturating_add(2).min(spot.y);
    let mut inside = boxed(canvas, spot, "Palette", "Enter does it · Esc close");
    let top = cut_top(&mut inside, 1);
    input_line(canvas, top, ": ", input);
    let follow = Follow::Selected(selected.min(rows.len().saturating_sub(1)));
    let first = window(rows.len(), usize::from(inside.height), follow);
    for (n, (text, keys)) in rows
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(inside.height))
    {
        let row = cut_top(&mut inside, 1);
        let keys = Line::of(Role::Key, format!("{} ", short(keys, 20)));
        let room = row.width.saturating_sub(2).saturating_sub(keys.width());
        let style = canvas.style(Role::Text);
        canvas.text(row.x.saturating_add(1), row.y, room, text, style);
        canvas.line_right(row, &keys);
        if follow == Follow::Selected(n) {
            select(canvas, row);
        }
    }
    if rows.is_empty() {
        canvas.note(inside, "nothing like that");
    }
}

fn themes(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, selected: usize, theme: &Theme) {
    let names = &scene.model.themes;
    let height = num::cells(names.len()).saturating_add(3).clamp(6, 20);
    let area = middle(area, 44, height);
    let mut inside = boxed(canvas, area, "Themes", "Enter keeps · Esc back");
    let follow = Follow::Selected(selected.min(names.len().saturating_sub(1)));
    let room = inside.height.saturating_sub(1);
    let first = window(names.len(), usize::from(room), follow);
    for (n, name) in names.iter().enumerate().skip(first).take(usize::from(room)) {
        let row = cut_top(&mut inside, 1);
        let in_use = if *name == scene.model.theme {
            " ●"
        } else {
            ""
        };
        let style = canvas.style(Role::Text);
        canvas.text(
            row.x.saturating_add(1),
            row.y,
            row.width.saturating_sub(1),
            &format!("{name}{in_use}"),
            style,
        );
        if follow == Follow::Selected(n) {
            select(canvas, row);
        }
    }
    let line = Line::of(Role::Up, "▲ up ")
        .with(Role::Down, "▼ down ")
        .with(Role::Warn, "warn ")
        .with(Role::Bad, "bad ")
        .with(Role::Dim, format!("· {}", theme.name()));
    canvas.row(inside, 0, &line);
}

fn quit(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, selected: usize) {
    let snapshot = scene.snapshot;
    let (n_open, n_orders) = (snapshot.positions.len(), snapshot.orders.len());
    let area = middle(area, 62, 8);
    let remark = format!("positions {n_open} · orders {n_orders}");
    let mut inside = boxed(canvas, area, "Quit", &remark);
    let top = cut_top(&mut inside, 1);
    let style = canvas.style(Role::Text);
    canvas.text(
        top.x.saturating_add(1),
        top.y,
        top.width.saturating_sub(1),
        "What happens to orders and positions?",
        style,
    );
    for (n, (name, text)) in [
        ("keep", "everything stays as it is"),
        ("cancel", "orders that are not protection are cancelled"),
        ("flatten", "orders are cancelled, positions closed"),
    ]
    .into_iter()
    .enumerate()
    {
        let row = cut_top(&mut inside, 1);
        let role = if n == 2 { Role::KeyDanger } else { Role::Key };
        let line = Line::of(role, format!("{name:<8} ")).with(Role::Text, text);
        canvas.line(
            row.x.saturating_add(2),
            row.y,
            row.width.saturating_sub(2),
            &line,
        );
        if n == selected && 0 < row.height {
            select(canvas, row);
        }
    }
    let style = canvas.style(Role::Dim);
    let last = inside.bottom().saturating_sub(1);
    if 0 < inside.height {
        canvas.text(
            inside.x.saturating_add(1),
            last,
            inside.width.saturating_sub(1),
            "Enter quit · Esc stay",
            style,
        );
    }
}

fn confirm(canvas: &mut Canvas<'_>, area: Rect, question: &str, yes: bool) {
    let width = width_of(question)
        .saturating_add(6)
        .clamp(40, 76)
        .min(area.width);
    let lines = wrapped(question, usize::from(width.saturating_sub(4)).max(8));
    let area = middle(area, width, num::cells(lines.len()).saturating_add(4));
    let mut inside = boxed(canvas, area, "Confirm", "Esc no");
    for line in &lines {
        let row = cut_top(&mut inside, 1);
        if 0 < row.height {
            let style = canvas.style(Role::Text);
            canvas.text(
                row.x.saturating_add(1),
                row.y,
                row.width.saturating_sub(1),
                line,
                style,
            );
        }
    }
    if 1 < inside.height {
        cut_top(&mut inside, 1);
    }
    let (no_role, yes_role) = if yes {
        (Role::Dim, Role::Selection)
    } else {
        (Role::Selection, Role::KeyDanger)
    };
    let line = Line::of(no_role, if yes { "  No  " } else { "▸ No  " })
        .with(Role::Text, "   ")
        .with(yes_role, if yes { "▸ Yes " } else { "  Yes " });
    if 0 < inside.height {
        canvas.row(inside, 0, &line);
    }
}

/// Words of a text in lines of at most `width` characters.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.truncate(8);
    lines
}

/// Messages at the bottom right, above the footer, never over the kill modal.
fn toasts(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, keep_free: Option<Rect>) {
    let mut bottom = area.bottom().saturating_sub(1);
    let alive = scene
        .model
        .toasts
        .iter()
        .rev()
        .filter(|toast| scene.model.now_ms < toast.until_ms)
        .take(MAX_TOASTS);
    for toast in alive {
        if bottom <= area.y {
            return;
        }
        bottom -= 1;
        let (mark, role) = if toast.warn {
            (" ! ", Role::ToastWarn)
        } else {
            (" ", Role::Toast)
        };
        let line = Line::of(role, mark)
            .with(role, toast.text.clone())
            .with(role, " ");
        let width = line.width().min(60).min(area.width);
        let spot = Rect::new(area.right() - width, bottom, width, 1);
        if keep_free.is_some_and(|kept| kept.intersects(spot)) {
            return;
        }
        canvas.clear(spot, role);
        canvas.line(spot.x, spot.y, spot.width, &line);
    }
}
