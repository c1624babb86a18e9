//! View 4: what the model saw, what it decided, and what became of it.

use ratatui::layout::Rect;

use super::features::{features, history, top_features};
use super::header::{phase, short};
use super::scene::{Scene, Size, cut_left, cut_top, part};
use crate::control::{DecisionView, LegView, RungState};
use crate::tui::theme::Role;
use crate::tui::widget::bar::probability;
use crate::tui::widget::candles::action_glyph;
use crate::tui::widget::line::Line;
use crate::tui::widget::table::{Follow, window};
use crate::tui::widget::{Canvas, num};

pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>, size: Size) {
    let width = part(area.width, if size == Size::S { 58 } else { 50 });
    let mut left = cut_left(&mut area, width);
    let n_choices = scene
        .leg()
        .and_then(|leg| leg.decision.as_ref())
        .map_or(0, |decision| decision.choices.len());
    let n_legs = if 1 < scene.snapshot.legs.len() {
        scene.snapshot.legs.len().min(6)
    } else {
        0
    };
    let rows = num::cells(n_choices + n_legs).saturating_add(9);
    let history = if size == Size::S { 3 } else { 8 };
    let rungs = scene.leg().map_or(1, |leg| leg.why.len().clamp(1, 12));
    let rungs = num::cells(rungs) + 2;
    // The ladder that says why is worth more than the last facts of the decision.
    let room = left.height.saturating_sub(history + rungs).max(5);
    let decision = cut_top(&mut left, rows.min(room));
    pane(canvas, decision, scene, 0);
    let why = cut_top(&mut left, rungs);
    pane(canvas, why, scene, 1);
    pane(canvas, left, scene, 3);
    pane(canvas, area, scene, 2);
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    let focused = scene.is_focused(index);
    let Some(leg) = scene.leg() else {
        let titles = ["Decision", "Why", "Features", "History"];
        let inside = canvas.pane(area, titles[index.min(3)], "", focused);
        canvas.note(inside, "no strategy runs in this session");
        return;
    };
    match index {
        0 => decision(canvas, area, scene, leg, focused),
        1 => why(canvas, area, leg, focused),
        2 => features(canvas, area, scene, leg, focused),
        _ => history(canvas, area, leg, focused),
    }
}

/// Name, phase, choices: the agent's pane of the dashboard.
pub(super) fn summary(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let Some(leg) = scene.leg() else {
        let inside = canvas.pane(area, "4 Agent", "", focused);
        canvas.note(inside, "no strategy");
        return;
    };
    let hash = leg.bundle_hash.as_deref().map_or_else(String::new, |hash| {
        format!(" {}", hash.chars().take(4).collect::<String>())
    });
    let remark = format!("{}{hash}", short(&leg.name, 20));
    let mut inside = canvas.pane(area, "4 Agent", &remark, focused);
    let Some(decision) = &leg.decision else {
        let row = cut_top(&mut inside, 1);
        let line = phase_line(leg);
        canvas.row(row, 0, &line);
        return;
    };
    if inside.height < 3 {
        let row = cut_top(&mut inside, 1);
        let line = one_line(decision);
        canvas.row(row, 0, &line);
        return;
    }
    choices(canvas, &mut inside, decision);
    let lines = [
        verdict(leg, decision),
        target_line(leg, decision),
        phase_line(leg),
    ];
    let n_spare = inside.height.saturating_sub(1);
    for line in lines.iter().take(usize::from(n_spare.max(1))) {
        let row = cut_top(&mut inside, 1);
        if 0 < row.height {
            canvas.row(row, 0, line);
        }
    }
    if 12 <= inside.height {
        let row = cut_top(&mut inside, 1);
        let style = canvas.style(Role::Dim);
        canvas.text(row.x, row.y + 1, row.width, " ", style);
    }
    if 4 <= inside.height {
        top_features(canvas, &mut inside, leg);
    }
    let row = cut_top(&mut inside, 1);
    if 0 < row.height {
        strip(canvas, row, leg);
    }
}

fn phase_line<'a>(leg: &LegView) -> Line<'a> {
    let (word, role) = phase(&leg.phase);
    Line::of(role, word).with(
        Role::Dim,
        format!(
            " · {} · {} {}",
            short(&leg.family, 18),
            leg.symbol,
            leg.interval
        ),
    )
}

/// `+1.00 LONG`
fn target_words<'a>(decision: &DecisionView) -> Line<'a> {
    let (glyph, role) = action_glyph(decision.target);
    let word = match glyph {
        '+' => "LONG",
        '-' => "SHORT",
        _ => "FLAT",
    };
    Line::of(
        role,
        format!("{} {word}", num::signed_float(decision.target, 2, "")),
    )
}

fn one_line<'a>(decision: &DecisionView) -> Line<'a> {
    let mut line = target_words(decision);
    for (n, (_, p)) in decision.choices.iter().enumerate().take(6) {
        if decision.chosen == Some(n) {
            line.push(Role::Accent, format!(" [{}]", num::probability(*p)));
        } else {
            line.push(Role::Dim, format!(" {}", num::probability(*p)));
        }
    }
    line
}

/// One bar a choice; takes the rows it draws from `area`.
fn choices(canvas: &mut Canvas<'_>, area: &mut Rect, decision: &DecisionView) {
    let name_width = decision
        .choices
        .iter()
        .map(|(name, _)| name.chars().count())
        .fold(4, usize::max)
        .min(10);
    let room = usize::from(area.height.saturating_sub(2));
    for (n, (name, p)) in decision.choices.iter().enumerate().take(room) {
        let row = cut_top(area, 1);
        let chosen = decision.chosen == Some(n);
        let role = if chosen { Role::Accent } else { Role::Text };
        let name = format!("{:<name_width$} ", short(name, name_width));
        let x = canvas.text(
            row.x.saturating_add(1),
            row.y,
            row.width,
            &name,
            canvas.style(role),
        );
        let tail = if chosen { "  ◄ chosen" } else { "" };
        let bar = row.right().saturating_sub(x).saturating_sub(16);
        probability(
            canvas,
            x,
            row.y,
            bar,
            *p,
            if chosen {
                Role::Accent
            } else {
                Role::ChartLine
            },
        );
        let text = format!(" {}{tail}", num::probability(*p));
        let x = x.saturating_add(bar);
        canvas.text(
            x,
            row.y,
            row.right().saturating_sub(x),
            &text,
            canvas.style(role),
        );
    }
}

fn target_line<'a>(leg: &LegView, decision: &DecisionView) -> Line<'a> {
    let mut line = Line::of(Role::Dim, "target ");
    line.append(target_words(decision));
    line = line
        .with(Role::Dim, " value ")
        .with(
            Role::Text,
            decision
                .value
                .map_or_else(|| num::DASH.to_owned(), |v| num::signed_float(v, 4, "")),
        )
        .with(Role::Dim, " entropy ")
        .with(Role::Text, num::plain_float(decision.entropy, 2));
    if let Some(us) = leg.latency_us {
        line.push(Role::Dim, format!(" {us} µs"));
    }
    line
}

/// The rung that stopped the newest decision, in words.
fn verdict<'a>(leg: &LegView, decision: &DecisionView) -> Line<'a> {
    let stopped = leg
        .why
        .iter()
        .find(|rung| matches!(rung.state, RungState::Blocked | RungState::Waiting));
    match stopped {
        Some(rung) => {
            let (glyph, role) = rung_glyph(rung.state);
            Line::of(role, format!("{glyph} {}: {}", rung.step, rung.detail))
        }
        None => Line::of(Role::Dim, format!("decided {}", num::clock(decision.at))),
    }
}

/// The newest targets, as many as fit.
fn strip(canvas: &mut Canvas<'_>, row: Rect, leg: &LegView) {
    let style = canvas.style(Role::Dim);
    let x = canvas.text(
        row.x.saturating_add(1),
        row.y,
        row.width.saturating_sub(1),
        "last ",
        style,
    );
    let room = usize::from(row.right().saturating_sub(x));
    let shown = &leg.actions[leg.actions.len().saturating_sub(room)..];
    for (n, mark) in shown.iter().enumerate() {
        let (glyph, role) = action_glyph(mark.target);
        let style = canvas.style(role);
        canvas.put(x.saturating_add(num::cells(n)), row.y, glyph, style);
    }
}

fn decision(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, leg: &LegView, focused: bool) {
    let remark = format!(
        "{} {} · #{}",
        leg.symbol,
        leg.interval,
        num::grouped(leg.n_decisions)
    );
    let mut inside = canvas.pane(area, "Decision", &remark, focused);
    let legs = &scene.snapshot.legs;
    if 1 < legs.len() {
        let room = legs.len().min(6);
        let selected = legs
            .iter()
            .position(|other| std::ptr::eq(other, leg))
            .unwrap_or(0);
        let first = window(legs.len(), room, Follow::Selected(selected));
        for (n, other) in legs.iter().enumerate().skip(first).take(room) {
            let row = cut_top(&mut inside, 1);
            let (word, role) = phase(&other.phase);
            let line = Line::of(Role::Accent, format!("{:<16} ", short(&other.name, 16)))
                .with(Role::Text, format!("{} {} ", other.symbol, other.interval))
                .with(role, word);
            canvas.row(row, 0, &line);
            if n == selected && 0 < row.height {
                let style = canvas.style(Role::Accent);
                canvas.put(row.x, row.y, '▸', style);
                canvas.tint(row, Role::Selection);
            }
        }
    }
    if let Some(decision) = &leg.decision {
        choices(canvas, &mut inside, decision);
    }
    let lines = facts(scene, leg);
    for line in &lines {
        let row = cut_top(&mut inside, 1);
        if 0 < row.height {
            canvas.row(row, 0, line);
        }
    }
}

/// The decision in words, the model, and how often it failed.
fn facts<'a>(scene: &Scene<'_>, leg: &LegView) -> Vec<Line<'a>> {
    let mut lines = vec![
        Line::of(Role::Accent, short(&leg.name, 28))
            .with(Role::Dim, " · bundle ")
            .with(
                Role::Text,
                leg.bundle_hash
                    .clone()
                    .unwrap_or_else(|| num::DASH.to_owned()),
            ),
        phase_line(leg),
    ];
    match &leg.decision {
        Some(decision) => {
            lines.insert(0, verdict(leg, decision));
            lines.insert(1, target_line(leg, decision));
            let age = scene.snapshot.at.map_or_else(
                || num::DASH.to_owned(),
                |now| num::age(now.since(decision.at)),
            );
            lines.push(Line::of(
                Role::Dim,
                format!("bar {} closed {age} ago", num::day_clock(decision.at)),
            ));
        }
        None => lines.insert(0, Line::of(Role::Dim, "no decision yet")),
    }
    lines.push(
        Line::of(Role::Dim, "held by errors ")
            .with(
                if leg.n_holds == 0 {
                    Role::Text
                } else {
                    Role::Warn
                },
                leg.n_holds.to_string(),
            )
            .with(Role::Dim, " · model errors ")
            .with(
                Role::Text,
                scene.snapshot.counters.n_model_errors.to_string(),
            )
            .with(
                Role::Dim,
                format!(" · {}", short(&scene.snapshot.session.inference, 20)),
            ),
    );
    lines
}

/// Glyph and role of a rung.
const fn rung_glyph(state: RungState) -> (char, Role) {
    match state {
        RungState::Ok => ('✓', Role::Ok),
        RungState::Waiting => ('●', Role::Warn),
        RungState::Blocked => ('✗', Role::Bad),
        RungState::Skipped => ('·', Role::Dim),
    }
}

const fn rung_word(state: RungState) -> &'static str {
    match state {
        RungState::Ok => "passed",
        RungState::Waiting => "waits",
        RungState::Blocked => "stopped",
        RungState::Skipped => "skipped",
    }
}

fn why(canvas: &mut Canvas<'_>, area: Rect, leg: &LegView, focused: bool) {
    let inside = canvas.pane(area, "Why", "from data to order, newest bar", focused);
    for (rung, n) in leg.why.iter().zip(0..inside.height) {
        let (glyph, role) = rung_glyph(rung.state);
        let quiet = rung.state == RungState::Skipped;
        let line = Line::of(role, format!("{glyph} {:<9}", short(&rung.step, 9)))
            .with(role, format!("{:<8}", rung_word(rung.state)))
            .with(
                if quiet { Role::Dim } else { Role::Text },
                rung.detail.clone(),
            );
        canvas.row(inside, n, &line);
    }
    if leg.why.is_empty() && 0 < inside.height {
        canvas.note(inside, "no bar yet");
    }
}
