//! View 3: positions, orders, fills and trades, one under the other.

use ratatui::layout::Rect;

use super::scene::{Scene, cut_left, cut_top, part};
use super::tables::{self, filtered};
use crate::domain::Money;
use crate::tui::action::Action;
use crate::tui::widget::table::Follow;
use crate::tui::widget::{Canvas, num};

/// Positions and orders take what they need, fills and trades share the rest side by side when
/// there is room.
pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>) {
    let third = part(area.height, 30).max(4);
    let rows = |n: usize| num::cells(n).saturating_add(3).clamp(4, third);
    let first = cut_top(&mut area, rows(scene.snapshot.positions.len()));
    pane(canvas, first, scene, 0);
    let second = cut_top(&mut area, rows(scene.snapshot.orders.len()));
    pane(canvas, second, scene, 1);
    if 160 <= area.width {
        let width = part(area.width, 45);
        let left = cut_left(&mut area, width);
        pane(canvas, left, scene, 2);
        pane(canvas, area, scene, 3);
    } else {
        let height = area.height / 2;
        let upper = cut_top(&mut area, height);
        pane(canvas, upper, scene, 2);
        pane(canvas, area, scene, 3);
    }
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    let snapshot = scene.snapshot;
    let filter = scene.model.filter.as_str();
    let focused = scene.is_focused(index);
    let count = |shown: usize, all: usize| {
        if shown == all {
            format!("({all})")
        } else {
            format!("({shown} of {all})")
        }
    };
    match index {
        0 => {
            let rows = filtered(&snapshot.positions, filter, |p| {
                format!("{} {}", p.symbol, p.strategy)
            });
            let sum = snapshot
                .positions
                .iter()
                .try_fold(Money::ZERO, |sum, p| p.unrealised.map(|u| sum + u));
            let mut remark = format!("Σ uPnL {}", num::signed_or_dash(sum));
            let keys = scene.hints(&[(&[Action::ClosePosition], "close")]);
            if !keys.is_empty() {
                num::push(&mut remark, format_args!(" · {keys}"));
            }
            let title = format!("Positions {}", count(rows.len(), snapshot.positions.len()));
            let inside = canvas.pane(area, &title, &remark, focused);
            let follow = scene.follow(index, rows.len(), Follow::First);
            tables::positions(canvas, inside, scene, &rows, follow);
        }
        1 => {
            let rows = filtered(&snapshot.orders, filter, |o| {
                format!("{} {} {} {} {}", o.id, o.symbol, o.side, o.kind, o.purpose)
            });
            let title = format!(
                "Working orders {}",
                count(rows.len(), snapshot.orders.len())
            );
            let keys = scene.hints(&[
                (&[Action::CancelOrder], "cancel"),
                (&[Action::CancelAll], "cancel all"),
            ]);
            let inside = canvas.pane(area, &title, &keys, focused);
            let follow = scene.follow(index, rows.len(), Follow::First);
            tables::orders(canvas, inside, scene, &rows, follow);
        }
        2 => {
            let rows = filtered(&snapshot.fills, filter, |f| {
                format!("{} {} {} {}", f.order, f.symbol, f.side, f.liquidity)
            });
            let title = format!("Fills {}", count(rows.len(), snapshot.fills.len()));
            let inside = canvas.pane(area, &title, "newest last", focused);
            let follow = scene.follow(index, rows.len(), Follow::Last);
            tables::fills(canvas, inside, scene, &rows, follow);
        }
        _ => {
            let rows = filtered(&snapshot.trades, filter, |t| {
                format!("{} {} {}", t.symbol, t.side, t.reason)
            });
            let title = format!("Trades {}", count(rows.len(), snapshot.trades.len()));
            let inside = canvas.pane(area, &title, "newest last · net of fees", focused);
            let follow = scene.follow(index, rows.len(), Follow::Last);
            tables::trades(canvas, inside, scene, &rows, follow);
        }
    }
}
