//! View 8: connections, account, clock and budgets, data, and the reconciliation inbox. Without a
//! venue it says so and shows the session and its data.

use ratatui::layout::Rect;

use super::budgets;
use super::header::{health, short};
use super::inbox::{self, paragraph};
use super::scene::{Scene, Size, cut_bottom, cut_left, cut_top, part};
use super::venue::{badness, budget_word, connection, link};
use crate::control::{ConnectionState, ConnectionView, MarketView, VenueView};
use crate::tui::theme::Role;
use crate::tui::widget::canvas::width_of;
use crate::tui::widget::line::Line;
use crate::tui::widget::table::{Column, Follow, TableCell, table};
use crate::tui::widget::{Canvas, num};

const INBOX: usize = 0;
const LINKS: usize = 1;
const VENUE: usize = 2;
const DATA: usize = 3;

/// ```text
/// connections | venue: account, clock, budgets
/// differences | data
/// ```
pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>, size: Size) {
    let width = part(area.width, if size == Size::S { 52 } else { 58 });
    let mut left = cut_left(&mut area, width);
    let Some(venue) = &scene.snapshot.venue else {
        let rows = match scene.snapshot.differences.len() {
            0 => 4,
            _ => part(left.height, 60),
        };
        let upper = cut_top(&mut left, rows);
        pane(canvas, upper, scene, INBOX);
        pane(canvas, left, scene, LINKS);
        let rows = 6.min(part(area.height, 45));
        let lower = cut_bottom(&mut area, rows);
        pane(canvas, area, scene, DATA);
        pane(canvas, lower, scene, VENUE);
        return;
    };
    let n_off = venue.connections.iter().filter(|c| !c.detail.is_empty());
    let rows = num::cells(venue.connections.len() + n_off.count()).saturating_add(3);
    let rows = rows.min(part(left.height, 45)).max(4);
    let upper = cut_top(&mut left, rows);
    pane(canvas, upper, scene, LINKS);
    pane(canvas, left, scene, INBOX);
    let rows = num::cells(scene.snapshot.markets.len()).saturating_add(3);
    let rows = rows.min(part(area.height, 40)).max(4);
    let needed = num::cells(venue.budgets.len()).saturating_add(10);
    let rows = needed.min(area.height.saturating_sub(rows));
    let upper = cut_top(&mut area, rows);
    pane(canvas, upper, scene, VENUE);
    pane(canvas, area, scene, DATA);
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    let focused = scene.is_focused(index);
    match (index, &scene.snapshot.venue) {
        (INBOX, _) => inbox::pane(canvas, area, scene),
        (LINKS, Some(venue)) => connections(canvas, area, venue, focused),
        (LINKS, None) => facts(canvas, area, "Session", &session(scene), focused),
        (VENUE, Some(venue)) => budgets::pane(canvas, area, scene, venue, focused),
        (VENUE, None) => facts(canvas, area, "Trouble so far", &trouble(scene), focused),
        _ => data(canvas, area, scene, focused),
    }
}

/// Name, state and losses of each connection; why it is not up beside it, or below where that
/// does not fit.
fn connections(canvas: &mut Canvas<'_>, area: Rect, venue: &VenueView, focused: bool) {
    let mut all: Vec<&ConnectionView> = venue.connections.iter().collect();
    let n_up = all.iter().filter(|one| badness(one.state) == 0).count();
    let remark = format!("{n_up} of {} up", all.len());
    let mut inside = canvas.pane(area, "Connections", &remark, focused);
    if all.is_empty() {
        canvas.note(inside, "no connection yet");
        return;
    }
    if usize::from(inside.height.saturating_sub(1)) < all.len() {
        // One that is not up must not be the one that is cut off.
        all.sort_by_key(|one| std::cmp::Reverse(badness(one.state)));
    }
    let widest = |text: fn(&ConnectionView) -> &str| {
        let widths = venue.connections.iter().map(|one| width_of(text(one)));
        widths.fold(0, u16::max)
    };
    let (name, why) = (widest(|one| &one.name).min(18), widest(|one| &one.detail));
    let beside = name + 26 < inside.width.saturating_sub(why);
    let columns = [
        Column::left("LINK", 0),
        Column::left("STATE", 0),
        Column::right("LOST", 1),
        Column::left("WHY", 2),
    ];
    let n_columns = if beside { 4 } else { 3 };
    let rows = num::cells(all.len()) + 1;
    let upper = cut_top(&mut inside, rows);
    table(
        canvas,
        upper,
        &columns[..n_columns],
        all.len(),
        Follow::First,
        |n| connection_cells(all[n]),
    );
    if beside {
        return;
    }
    for one in all.iter().filter(|one| !one.detail.is_empty()) {
        let text = format!("{}: {}", one.name, one.detail);
        let (_, _, role) = connection(one.state);
        paragraph(canvas, &mut inside, &text, role);
    }
}

fn connection_cells(one: &ConnectionView) -> Vec<TableCell> {
    let (glyph, word, role) = connection(one.state);
    let lost = if one.n_lost == 0 {
        Role::Text
    } else {
        Role::Warn
    };
    let why = match (one.detail.as_str(), one.state) {
        ("", ConnectionState::Up) => String::new(),
        ("", _) => num::DASH.to_owned(),
        (detail, _) => detail.to_owned(),
    };
    vec![
        (Role::Text, short(&one.name, 18)),
        (role, format!("{glyph} {word}")),
        (lost, num::grouped(one.n_lost)),
        (Role::Dim, why),
    ]
}

/// Age of a market's newest data; a dash where nothing came.
fn data_age(scene: &Scene<'_>, market: &MarketView) -> String {
    match (market.updated, scene.snapshot.at) {
        (Some(then), Some(now)) => num::age(now.since(then)),
        _ => num::DASH.to_owned(),
    }
}

/// Health of each instrument's data.
fn data(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let markets = &scene.snapshot.markets;
    let remark = format!("from {}", short(&scene.snapshot.session.feed, 24));
    let inside = canvas.pane(area, "Data", &remark, focused);
    if markets.is_empty() {
        canvas.note(inside, "no market yet");
        return;
    }
    let columns = [
        Column::left("MARKET", 0),
        Column::left("FEED", 0),
        Column::right("AGE", 0),
        Column::left("BOOK", 2),
        Column::right("BAD BARS", 1),
    ];
    table(
        canvas,
        inside,
        &columns,
        markets.len(),
        Follow::First,
        |n| {
            let market = &markets[n];
            let (word, role) = health(market.health);
            let book = if market.book.is_some() {
                "yes"
            } else {
                num::DASH
            };
            let bad = if market.n_bad_bars == 0 {
                Role::Text
            } else {
                Role::Warn
            };
            vec![
                (Role::Text, market.symbol.to_string()),
                (role, word.to_owned()),
                (role, data_age(scene, market)),
                (Role::Dim, book.to_owned()),
                (bad, num::grouped(market.n_bad_bars)),
            ]
        },
    );
}

/// Names with their values, in a frame.
fn facts(
    canvas: &mut Canvas<'_>,
    area: Rect,
    title: &str,
    facts: &[(&'static str, String, Role)],
    focused: bool,
) {
    let inside = canvas.pane(area, title, "", focused);
    for ((name, value, role), n) in facts.iter().zip(0..inside.height) {
        let line = Line::of(Role::Dim, format!("{name:<13}")).with(*role, value.clone());
        canvas.row(inside, n, &line);
    }
}

/// The session, where no venue is there to tell of.
fn session(scene: &Scene<'_>) -> Vec<(&'static str, String, Role)> {
    let (session, counters) = (&scene.snapshot.session, &scene.snapshot.counters);
    let speed = match session.speed.filter(|speed| speed.is_finite()) {
        Some(speed) => format!("{speed}x"),
        None => num::DASH.to_owned(),
    };
    let progress = session.progress.filter(|part| part.is_finite());
    let state = match (session.ended, session.held) {
        (true, _) => ("ended", Role::Warn),
        (false, true) => ("held", Role::Warn),
        (false, false) => ("running", Role::Ok),
    };
    let text = |name, value| (name, value, Role::Text);
    vec![
        text("feed", session.feed.clone()),
        ("state", state.0.to_owned(), state.1),
        text(
            "progress",
            progress.map_or_else(|| num::DASH.to_owned(), |p| format!("{:.0}%", p * 100.0)),
        ),
        text("speed", speed),
        text("events", num::grouped(counters.n_events)),
        text("bars", num::grouped(counters.n_bars)),
        text("orders", num::grouped(counters.n_orders)),
        text("fills", num::grouped(counters.n_fills)),
        text("turn gap", format!("{} ms", counters.max_turn_gap_ms)),
    ]
}

/// Counters of what went wrong.
fn trouble(scene: &Scene<'_>) -> Vec<(&'static str, String, Role)> {
    let counters = &scene.snapshot.counters;
    [
        ("bad data", counters.n_bad_data),
        ("model errors", counters.n_model_errors),
        ("refused", counters.n_refused),
        ("rejected", counters.n_rejected),
    ]
    .map(|(name, n)| {
        let role = if n == 0 { Role::Text } else { Role::Warn };
        (name, num::grouped(n), role)
    })
    .into()
}

/// The whole view as lines of text, for the smallest screens: what needs a hand first.
pub(super) fn lines(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let mut all = Vec::new();
    if let Some(venue) = &snapshot.venue {
        all.push(link(venue));
        // Without a difference the same words stand in their place below.
        if !snapshot.differences.is_empty()
            && let Some(lacks) = &venue.account_lacks
        {
            all.push(Line::of(Role::Warn, format!("account lacks: {lacks}")));
        }
    }
    let selected = scene.follow(INBOX, snapshot.differences.len(), Follow::First);
    let first = match selected {
        Follow::Selected(row) => row,
        _ => 0,
    };
    for difference in snapshot.differences.iter().skip(first) {
        let class = format!("{} ", difference.class);
        let ours = format!("ours {}", inbox::brief(&difference.ours, 18));
        all.push(Line::of(Role::Bad, class).with(Role::Text, ours));
        let line = Line::of(Role::Dim, "  venue ");
        all.push(line.with(Role::Text, difference.venue.as_str()));
    }
    if snapshot.differences.is_empty() {
        let (text, role) = inbox::nothing(scene);
        all.push(Line::of(role, text));
    }
    if let Some(venue) = &snapshot.venue {
        for one in venue
            .connections
            .iter()
            .filter(|one| 0 < badness(one.state))
        {
            let (glyph, word, role) = connection(one.state);
            let line = Line::of(role, format!("{glyph} {} {word}", one.name));
            all.push(line.with(Role::Dim, format!(" {}", one.detail)));
        }
        all.push(budgets::clock(venue));
        all.extend(venue.budgets.iter().map(|one| {
            let (word, role) = budget_word(one).unwrap_or(("", Role::Text));
            let line = Line::of(Role::Dim, format!("{} ", one.name));
            line.with(role, format!("{}/{} {word}", one.left, one.limit))
        }));
    }
    all.extend(snapshot.markets.iter().map(|market| {
        let (word, role) = health(market.health);
        let line = Line::of(Role::Dim, format!("{} feed ", market.symbol));
        line.with(role, format!("{word} {}", data_age(scene, market)))
    }));
    for line in &all {
        let row = cut_top(&mut area, 1);
        canvas.row(row, 0, line);
    }
}
