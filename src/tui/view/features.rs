//! What the model saw, bar by bar: features against their training, and past targets.

use ratatui::layout::Rect;

use super::header::short;
use super::scene::{Scene, cut_top};
use crate::control::LegView;
use crate::tui::theme::Role;
use crate::tui::widget::bar::deviation;
use crate::tui::widget::candles::action_glyph;
use crate::tui::widget::line::Line;
use crate::tui::widget::table::{Follow, window};
use crate::tui::widget::{Canvas, num};

/// The features furthest from their training mean.
pub(super) fn top_features(canvas: &mut Canvas<'_>, area: &mut Rect, leg: &LegView) {
    let mut far: Vec<_> = leg
        .features
        .iter()
        .filter_map(|feature| Some((feature, feature.z.filter(|z| z.is_finite())?)))
        .collect();
    far.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    for (feature, z) in far.iter().take(usize::from(area.height - 1)) {
        let row = cut_top(area, 1);
        feature_row(canvas, row, &feature.name, feature.raw, Some(*z));
    }
}

pub(super) fn features(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    leg: &LegView,
    focused: bool,
) {
    let remark = format!("{} · z from -4 to +4", leg.features.len());
    let mut inside = canvas.pane(area, "Features (z against training)", &remark, focused);
    let head = cut_top(&mut inside, 1);
    let style = canvas.style(Role::Dim);
    let (name, raw) = feature_widths(inside.width);
    let title = format!("{:<name$} {:>raw$} {:>6}", "FEATURE", "RAW", "Z");
    canvas.text(
        head.x.saturating_add(1),
        head.y,
        head.width.saturating_sub(1),
        &title,
        style,
    );
    let filter = scene.model.filter.to_lowercase();
    let rows: Vec<_> = leg
        .features
        .iter()
        .filter(|feature| filter.is_empty() || feature.name.to_lowercase().contains(&filter))
        .collect();
    let follow = scene.follow(2, rows.len(), Follow::First);
    let first = window(rows.len(), usize::from(inside.height), follow);
    for (n, feature) in rows
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(inside.height))
    {
        let row = cut_top(&mut inside, 1);
        feature_row(canvas, row, &feature.name, feature.raw, feature.z);
        if follow == Follow::Selected(n) {
            let style = canvas.style(Role::Accent);
            canvas.put(row.x, row.y, '▸', style);
            canvas.tint(row, Role::Selection);
        }
    }
}

/// Widths of a feature's name and raw value.
const fn feature_widths(width: u16) -> (usize, usize) {
    if width < 44 { (12, 9) } else { (18, 10) }
}

fn feature_row(canvas: &mut Canvas<'_>, row: Rect, name: &str, raw: Option<f64>, z: Option<f64>) {
    let digits = match raw.map(f64::abs) {
        Some(size) if 1000.0 <= size => 1,
        Some(size) if 1.0 <= size => 3,
        _ => 5,
    };
    let raw = num::plain_float(raw, digits);
    let z_text = z.map_or_else(
        || num::DASH.to_owned(),
        |z| {
            if z.abs() < 1e4 {
                num::signed_float(z, 2, "")
            } else {
                num::plain_float(Some(z), 2)
            }
        },
    );
    let (name_width, raw_width) = feature_widths(row.width);
    let line = Line::of(
        Role::Text,
        format!("{:<name_width$} ", short(name, name_width)),
    )
    .with(Role::Text, format!("{raw:>raw_width$} "))
    .with(Role::Accent, format!("{z_text:>6}  "));
    let x = canvas.row(row, 0, &line);
    let room = row.right().saturating_sub(x).saturating_sub(1);
    let odd = if room.is_multiple_of(2) {
        room.saturating_sub(1)
    } else {
        room
    };
    deviation(canvas, x, row.y, odd.min(61), z);
}

pub(super) fn history(canvas: &mut Canvas<'_>, area: Rect, leg: &LegView, focused: bool) {
    let remark = format!("last {} bars", leg.actions.len());
    let mut inside = canvas.pane(area, "Targets  + long  - short  · flat", &remark, focused);
    // Newest at the bottom right; older rows above.
    let width = usize::from(inside.width.saturating_sub(2));
    if width == 0 {
        return;
    }
    let rows: Vec<_> = leg
        .actions
        .rchunks(width)
        .take(usize::from(inside.height))
        .collect();
    for chunk in rows.into_iter().rev() {
        let row = cut_top(&mut inside, 1);
        let first = row
            .right()
            .saturating_sub(1)
            .saturating_sub(num::cells(chunk.len()));
        for (n, mark) in chunk.iter().enumerate() {
            let (glyph, role) = action_glyph(mark.target);
            let style = canvas.style(role);
            canvas.put(first.saturating_add(num::cells(n)), row.y, glyph, style);
        }
    }
    let (mut n_long, mut n_short, mut n_changes) = (0_usize, 0_usize, 0_usize);
    for (n, mark) in leg.actions.iter().enumerate() {
        n_long += usize::from(action_glyph(mark.target).0 == '+');
        n_short += usize::from(action_glyph(mark.target).0 == '-');
        let before = n.checked_sub(1).and_then(|n| leg.actions.get(n));
        let changed =
            before.is_some_and(|b| action_glyph(b.target).0 != action_glyph(mark.target).0);
        n_changes += usize::from(changed);
    }
    if 1 < inside.height {
        cut_top(&mut inside, 1);
        let line = Line::of(Role::Long, format!("long {n_long}"))
            .with(Role::Short, format!("  short {n_short}"))
            .with(
                Role::Flat,
                format!("  flat {}", leg.actions.len() - n_long - n_short),
            )
            .with(Role::Dim, format!("  changes {n_changes}"));
        canvas.row(inside, 0, &line);
    }
}
