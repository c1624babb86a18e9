//! The smallest screens: lines of text, the most important first. Trading never stops for size.

use ratatui::layout::Rect;

use super::header::{self, pnl_role};
use super::scene::{Scene, cut_bottom, cut_top};
use super::tables::position_side;
use super::{health, kill, log, venue};
use crate::domain::KillLevel;
use crate::tui::action::Action;
use crate::tui::model::View;
use crate::tui::theme::Role;
use crate::tui::widget::bar::gauge_role;
use crate::tui::widget::line::{Line, Ranked, fit};
use crate::tui::widget::{Canvas, num};

pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>) {
    let keys = cut_bottom(&mut area, 1);
    let mut line = Line::new();
    for (action, words, role) in [
        (Action::Help, " help  ", Role::Key),
        (Action::Kill, " KILL  ", Role::KeyDanger),
        (Action::Quit, " quit", Role::Key),
    ] {
        if let Some(key) = scene.keymap.key(action) {
            line = line.with(role, key.to_string()).with(Role::Dim, words);
        }
    }
    canvas.row(keys, 0, &line);
    if KillLevel::Active < scene.kill_level() {
        let row = cut_top(&mut area, 1);
        kill::kill_row(canvas, row, scene);
    }
    super::held_row(canvas, &mut area, scene);
    if scene.model.view == View::Health {
        health::lines(canvas, area, scene);
        return;
    }
    if scene.model.view == View::Log {
        log::tail(canvas, area, scene);
        return;
    }
    for line in lines(scene) {
        if area.height == 0 {
            return;
        }
        let row = cut_top(&mut area, 1);
        let room = row.width.saturating_sub(1);
        let line = fit(line, room, &Line::of(Role::Text, " "));
        canvas.line(row.x.saturating_add(1), row.y, room, &line);
    }
    if 1 < area.height {
        cut_top(&mut area, 1);
    }
    log::tail(canvas, area, scene);
}

/// Symbol, money, position, worst limit, feed: in the order in which they matter.
fn lines<'a>(scene: &Scene<'_>) -> Vec<Vec<Ranked<'a>>> {
    let piece = |rank, line| Ranked { rank, line };
    let account = &scene.snapshot.account;
    let mut all = Vec::new();
    if let Some(market) = scene.market() {
        let mut line = Line::of(Role::Title, format!("{} ", market.symbol));
        line.append(header::last_price(scene, market));
        let change = num::percent_or_dash(market.change_24h, 2);
        let role = market
            .change_24h
            .map_or(Role::Dim, |rate| match rate.raw() {
                0 => Role::Flat,
                raw if raw < 0 => Role::Down,
                _ => Role::Up,
            });
        all.push(vec![piece(0, line), piece(1, Line::of(role, change))]);
    } else {
        all.push(vec![piece(0, Line::of(Role::Dim, "no market yet"))]);
    }
    all.push(vec![
        piece(
            0,
            Line::of(Role::Dim, "eq ").with(Role::Text, num::plain_or_dash(account.equity)),
        ),
        piece(
            1,
            Line::of(Role::Dim, "day ")
                .with(pnl_role(account.day), num::signed_or_dash(account.day)),
        ),
    ]);
    all.extend(positions(scene));
    all.push(limits(scene));
    if let Some(venue) = &scene.snapshot.venue {
        let mut pieces = vec![piece(0, venue::link(venue))];
        if let Some((words, role)) = venue::agreement(scene) {
            pieces.push(piece(1, Line::of(role, words)));
        }
        all.push(pieces);
    }
    if let Some(market) = scene.market() {
        let (word, role) = header::health(market.health);
        let mut line = Line::of(Role::Dim, "feed ").with(role, word);
        if let (Some(updated), Some(at)) = (market.updated, scene.snapshot.at) {
            line.push(role, format!(" {}", num::age(at.since(updated))));
        }
        let mut pieces = vec![piece(0, line)];
        if let Some(leg) = scene.leg() {
            let (word, role) = header::phase(&leg.phase);
            let name = header::short(&leg.name, 14);
            pieces.push(piece(
                1,
                Line::of(Role::Accent, name).with(role, format!(" {word}")),
            ));
        }
        all.push(pieces);
    }
    all
}

fn positions<'a>(scene: &Scene<'_>) -> Vec<Vec<Ranked<'a>>> {
    let snapshot = scene.snapshot;
    if snapshot.positions.is_empty() {
        let text = format!("no position · orders {}", snapshot.orders.len());
        return vec![vec![Ranked {
            rank: 0,
            line: Line::of(Role::Flat, text),
        }]];
    }
    snapshot
        .positions
        .iter()
        .take(3)
        .map(|position| {
            let (side, role) = position_side(position.size.side());
            let entry = num::price(position.entry, scene.tick(&position.symbol));
            let line =
                Line::of(role, side).with(Role::Text, format!(" {} @{entry}", position.size.abs()));
            let upnl = num::signed_or_dash(position.unrealised);
            vec![
                Ranked {
                    rank: 0,
                    line: Line::of(pnl_role(position.unrealised), upnl),
                },
                Ranked { rank: 1, line },
                Ranked {
                    rank: 2,
                    line: Line::of(Role::Dim, position.symbol.to_string()),
                },
            ]
        })
        .collect()
}

/// The two limits that are nearest.
fn limits<'a>(scene: &Scene<'_>) -> Vec<Ranked<'a>> {
    let mut used: Vec<(&str, f64)> = scene
        .snapshot
        .gauges
        .iter()
        .filter_map(|gauge| Some((gauge.name.as_str(), gauge.used.filter(|u| !u.is_nan())?)))
        .collect();
    used.sort_by(|a, b| b.1.total_cmp(&a.1));
    used.iter()
        .take(2)
        .zip(0_u8..)
        .map(|((name, used), rank)| Ranked {
            rank,
            line: Line::of(Role::Dim, format!("{} ", header::short(name, 14)))
                .with(gauge_role(*used), format!("{:.0}%", used * 100.0)),
        })
        .collect()
}
