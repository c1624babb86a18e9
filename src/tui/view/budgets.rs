//! The venue in a pane of the health view: host, account, clock, and the budgets of requests with
//! the part of each that is kept for exits.

use ratatui::layout::Rect;

use super::overlay::wrapped;
use super::scene::{Scene, cut_top};
use super::venue::{budget_word, clock_word, compared, is_simulated};
use crate::control::{BudgetView, VenueView};
use crate::tui::theme::Role;
use crate::tui::widget::bar::budget;
use crate::tui::widget::canvas::width_of;
use crate::tui::widget::line::Line;
use crate::tui::widget::{Canvas, num};

fn named<'a>(name: &'static str) -> Line<'a> {
    Line::of(Role::Dim, format!("{name:<9}"))
}

/// Host, account, clock and budgets.
pub(super) fn pane(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    venue: &VenueView,
    focused: bool,
) {
    let mode = scene.snapshot.session.mode;
    let mut inside = canvas.pane(area, "Venue", &mode.name().to_uppercase(), focused);
    let host = if venue.host.is_empty() {
        num::DASH
    } else {
        &venue.host
    };
    let mut lines = vec![named("host").with(Role::Text, host.to_owned())];
    lines.extend(account_lines(scene, venue, usize::from(inside.width)));
    lines.push(clock(venue));
    for line in &lines {
        let row = cut_top(&mut inside, 1);
        canvas.row(row, 0, line);
    }
    if num::cells(venue.budgets.len()) + 1 < inside.height {
        cut_top(&mut inside, 1);
    }
    budgets(canvas, inside, &venue.budgets);
}

/// What the picture of the account lacks, and when it was compared.
fn account_lines<'a>(scene: &Scene<'_>, venue: &VenueView, width: usize) -> Vec<Line<'a>> {
    if is_simulated(scene.snapshot.session.mode) {
        return vec![named("account").with(Role::Dim, "simulated here")];
    }
    let mut lines = Vec::new();
    match &venue.account_lacks {
        None => lines.push(named("account").with(Role::Ok, "whole")),
        Some(lacks) => {
            let text = format!("lacks: {lacks}");
            let texts = wrapped(&text, width.saturating_sub(12).max(12));
            for (n, text) in texts.into_iter().take(3).enumerate() {
                let name = if n == 0 { "account" } else { "" };
                lines.push(named(name).with(Role::Warn, text));
            }
        }
    }
    lines.push(named("compared").with(Role::Text, compared(scene)));
    lines
}

/// `clock    ok  +3 ± 12 ms`
pub(super) fn clock<'a>(venue: &VenueView) -> Line<'a> {
    let (word, role) = clock_word(venue.clock);
    let Some(measured) = venue.clock else {
        let line = named("clock").with(Role::Text, num::DASH);
        return line.with(role, format!("  {word}"));
    };
    let text = format!("  {:+} ± {} ms", measured.offset_ms, measured.error_ms);
    named("clock").with(role, word).with(Role::Text, text)
}

/// `create   ━━━───══   7/10   2 kept`: the part that is kept for exits is marked.
fn budgets(canvas: &mut Canvas<'_>, mut area: Rect, all: &[BudgetView]) {
    if area.height == 0 {
        return;
    }
    let head = cut_top(&mut area, 1);
    canvas.note(head, "BUDGET");
    let line = Line::of(Role::Accent, "═").with(Role::Dim, " kept for exits · LEFT ");
    canvas.line_right(head, &line);
    if all.is_empty() {
        canvas.note(area, "no budget known yet");
        return;
    }
    let name_width = all.iter().map(|one| width_of(&one.name)).fold(0, u16::max);
    let name_width = name_width.clamp(6, 16).min(area.width / 3);
    let count = |one: &BudgetView| match one.limit {
        0 => num::DASH.to_owned(),
        limit => format!("{}/{limit}", one.left),
    };
    let count_width = all
        .iter()
        .map(|one| width_of(&count(one)))
        .fold(3, u16::max);
    // Narrow panes leave the mark in the bar to say what is kept, and shorten the warnings.
    let word_width = if area.width < 44 { 5 } else { 10 };
    let used = name_width
        .saturating_add(count_width)
        .saturating_add(5 + word_width);
    let bar = area.width.saturating_sub(used).min(40);
    for one in all {
        let row = cut_top(&mut area, 1);
        if row.height == 0 {
            return;
        }
        let style = canvas.style(Role::Text);
        canvas.text(row.x.saturating_add(1), row.y, name_width, &one.name, style);
        let x = row.x.saturating_add(name_width).saturating_add(2);
        let spot = Rect::new(x, row.y, bar.min(row.right().saturating_sub(x)), 1);
        budget(canvas, spot, one.limit, one.left, one.reserved);
        let (word, role) = match budget_word(one) {
            Some((word, role)) => (word.to_owned(), role),
            None if word_width < 10 => (String::new(), Role::Dim),
            None => (format!("{} kept", one.reserved), Role::Dim),
        };
        let word: String = word.chars().take(usize::from(word_width)).collect();
        let width = usize::from(count_width);
        let line = Line::of(Role::Text, format!(" {:>width$} ", count(one)));
        let line = line.with(role, format!(" {word}"));
        let x = spot.right();
        canvas.line(x, row.y, row.right().saturating_sub(x), &line);
    }
}
