//! View 5: every limit with its use, what holds trading back, and what `K` would do.

use ratatui::layout::Rect;

use super::header::{short, state};
use super::kill::kill_line;
use super::scene::{Scene, Size, cut_left, cut_top, part};
use super::venue::held;
use crate::control::{Gauge, GaugeAction};
use crate::domain::KillLevel;
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::bar::{gauge, gauge_role};
use crate::tui::widget::canvas::width_of;
use crate::tui::widget::line::Line;
use crate::tui::widget::table::{Follow, window};
use crate::tui::widget::{Canvas, num};

pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>, size: Size) {
    if size == Size::S {
        let rows = num::cells(scene.snapshot.gauges.len()).saturating_add(3);
        let rows = rows.min(part(area.height, 60));
        let upper = cut_top(&mut area, rows);
        pane(canvas, upper, scene, 0);
        pane(canvas, area, scene, 1);
    } else {
        let width = part(area.width, 58);
        let left = cut_left(&mut area, width);
        pane(canvas, left, scene, 0);
        pane(canvas, area, scene, 1);
    }
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    let focused = scene.is_focused(index);
    if index == 0 {
        limits(canvas, area, scene, focused);
    } else {
        held_back(canvas, area, scene, focused);
    }
}

const fn action_word(action: GaugeAction) -> &'static str {
    match action {
        GaugeAction::Block => "block",
        GaugeAction::Pause => "pause",
        GaugeAction::Kill => "KILL",
        GaugeAction::Close => "close",
    }
}

/// Limits in a small frame, for the dashboard: the nearest first where not all fit.
pub(super) fn gauges(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let (words, _, _) = state(scene);
    let remark = match scene.snapshot.counters.n_refused {
        0 => words,
        n => format!("{words} · {n} refused"),
    };
    let inside = canvas.pane(area, "5 Risk", &remark, focused);
    let mut all: Vec<&Gauge> = scene.snapshot.gauges.iter().collect();
    let room = usize::from(inside.height);
    let follow = scene.follow(3, all.len(), Follow::First);
    if room < all.len() && !focused {
        // A limit that is near must not be the one that is cut off.
        all.sort_by(|a, b| use_of(b).total_cmp(&use_of(a)));
    }
    rows(canvas, inside, &all, follow, false);
}

fn use_of(gauge: &Gauge) -> f64 {
    gauge.used.filter(|used| !used.is_nan()).unwrap_or(-1.0)
}

fn limits(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let gauges: Vec<&Gauge> = scene.snapshot.gauges.iter().collect();
    let remark = format!("{} limits", gauges.len());
    let mut inside = canvas.pane(area, "Limits", &remark, focused);
    let head = cut_top(&mut inside, 1);
    canvas.note(head, "LIMIT");
    canvas.line_right(head, &Line::of(Role::Dim, "USED  NOW / MAX  AT LIMIT "));
    rows(
        canvas,
        inside,
        &gauges,
        scene.follow(0, gauges.len(), Follow::First),
        true,
    );
}

/// `day loss  ━━━━────  62%  15.6k / 25.0k  block`
fn rows(canvas: &mut Canvas<'_>, area: Rect, gauges: &[&Gauge], follow: Follow, action: bool) {
    let name_width = gauges
        .iter()
        .map(|g| width_of(&g.name))
        .fold(0, u16::max)
        .min(16);
    let name_width = name_width.min(area.width * 2 / 5);
    let detail_width = gauges.iter().map(|g| width_of(&g.detail)).fold(0, u16::max);
    let least_bar = 6;
    let spare = area.width.saturating_sub(name_width + 8 + least_bar);
    let detail_width = if detail_width < spare {
        detail_width
    } else {
        0
    };
    let spare = spare.saturating_sub(detail_width);
    let action_width = if action && 8 < spare { 8 } else { 0 };
    let used_width = name_width + detail_width + action_width + 8 + u16::from(0 < detail_width);
    let bar = area.width.saturating_sub(used_width).min(40);
    let first = window(gauges.len(), usize::from(area.height), follow);
    for (n, item) in gauges
        .iter()
        .enumerate()
        .skip(first)
        .take(usize::from(area.height))
    {
        let y = area.y.saturating_add(num::cells(n - first));
        let row = Rect::new(area.x, y, area.width, 1);
        let style = canvas.style(Role::Text);
        canvas.text(area.x.saturating_add(1), y, name_width, &item.name, style);
        let x = area.x.saturating_add(name_width).saturating_add(2);
        gauge(canvas, x, y, bar, item.used);
        let percent = match item.used {
            Some(used) if used.is_finite() && used.abs() < 99.0 => {
                format!("{:>4.0}%", used * 100.0)
            }
            Some(used) if 0.0 < used => " >99x".to_owned(),
            _ => "    -".to_owned(),
        };
        let mut line = Line::of(gauge_role(item.used.unwrap_or(0.0)), percent);
        if 0 < detail_width {
            let width = usize::from(detail_width);
            line.push(Role::Dim, format!(" {:<width$}", item.detail));
        }
        if 0 < action_width {
            line.push(Role::Text, format!("  {}", action_word(item.action)));
        }
        let x = x.saturating_add(bar);
        canvas.line(x, y, area.right().saturating_sub(x), &line);
        if follow == Follow::Selected(n) {
            let style = canvas.style(Role::Accent);
            canvas.put(area.x, y, '▸', style);
            canvas.tint(row, Role::Selection);
        }
    }
    if gauges.is_empty() && 0 < area.height {
        canvas.note(area, "no limits yet");
    }
}

/// State, pauses, the last refusal and the ladder of `K`.
fn held_back(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let inside = canvas.pane(area, "State", "what holds trading back", focused);
    for (line, n) in state_lines(scene, inside).iter().zip(0..inside.height) {
        canvas.row(inside, n, line);
    }
}

fn state_lines<'a>(scene: &Scene<'a>, area: Rect) -> Vec<Line<'a>> {
    let snapshot = scene.snapshot;
    let (words, _, role) = state(scene);
    let name = |name: &'static str| Line::of(Role::Dim, format!("{name:<9}"));
    let mut lines = vec![name("trading").with(role, words)];
    if KillLevel::Active < scene.kill_level() {
        lines.push(kill_line(scene));
    } else {
        lines.push(
            name("kill")
                .with(Role::Ok, "latch open")
                .with(Role::Dim, " · ACTIVE > REDUCE-ONLY > HALTED > FLAT"),
        );
    }
    for one in held(scene) {
        lines.push(name("venue").with(Role::Warn, one.text));
    }
    for pause in &snapshot.state.pauses {
        let left = snapshot.at.map_or_else(
            || num::DASH.to_owned(),
            |at| num::span(pause.until.since(at)),
        );
        lines.push(name("pause").with(Role::Warn, format!("{left} left")).with(
            Role::Text,
            format!(
                "  {} until {}",
                short(&pause.rule, 24),
                num::clock(pause.until)
            ),
        ));
    }
    if snapshot.state.pauses.is_empty() {
        lines.push(name("pauses").with(Role::Text, "none"));
    }
    lines.push(
        name("refused")
            .with(
                Role::Text,
                format!("{} orders", snapshot.counters.n_refused),
            )
            .with(
                Role::Dim,
                format!(" · rejected by the venue {}", snapshot.counters.n_rejected),
            ),
    );
    match &snapshot.last_refusal {
        Some(refusal) => {
            let mut line = name("last")
                .with(Role::Warn, short(&refusal.rule, 20))
                .with(
                    Role::Dim,
                    format!(" {} {} ", refusal.symbol, num::clock(refusal.at)),
                );
            if area.width < 70 {
                lines.push(line);
                line = name("");
            }
            lines.push(line.with(Role::Text, refusal.detail.as_str()));
        }
        None => lines.push(name("last").with(Role::Text, "nothing refused")),
    }
    let room = usize::from(area.height).saturating_sub(lines.len());
    lines.extend(ladder_lines(scene, room));
    lines
}

/// What the kill key does, in the rows that are left.
fn ladder_lines<'a>(scene: &Scene<'_>, room: usize) -> Vec<Line<'a>> {
    let first = Line::of(Role::KeyDanger, scene.keymap.hint(&[Action::Kill]))
        .with(Role::Text, "  blocks entries at once, then asks:");
    if room < 5 {
        let keys = [("Enter", "HALT  "), ("F", "FLATTEN  "), ("Esc", "back")];
        let line = keys.into_iter().fold(first, |line, (key, text)| {
            line.with(Role::Key, format!(" {key} "))
                .with(Role::Text, text)
        });
        return vec![line];
    }
    let mut lines = vec![Line::new(), first];
    for (key, text) in [
        ("Enter", "HALT: cancels orders, keeps positions"),
        ("F", "FLATTEN: cancels orders, closes positions"),
        ("Esc", "back to where it was"),
    ] {
        lines.push(Line::of(Role::Key, format!("   {key:<6}")).with(Role::Text, text));
    }
    lines.push(Line::of(
        Role::Dim,
        "   no answer keeps REDUCE-ONLY; the file KILL, signals and limits trip it too",
    ));
    lines
}
