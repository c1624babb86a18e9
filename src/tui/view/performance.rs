//! View 6: equity, drawdown, statistics and closed trades.

use ratatui::layout::Rect;

use super::header::pnl_role;
use super::scene::{Scene, Size, cut_bottom, cut_left, cut_right, part};
use super::tables::{self, filtered};
use crate::control::EquityPoint;
use crate::domain::Rate;
use crate::tui::theme::Role;
use crate::tui::widget::braille::{curve, range};
use crate::tui::widget::line::Line;
use crate::tui::widget::table::Follow;
use crate::tui::widget::{Canvas, num};

pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>, size: Size) {
    let rows = part(area.height, if size == Size::S { 26 } else { 32 });
    let lower = cut_bottom(&mut area, rows);
    pane(canvas, lower, scene, 3);
    let width = part(area.width, 30).clamp(28, 44);
    let right = cut_right(&mut area, width);
    pane(canvas, right, scene, 2);
    let rows = part(area.height, 28).max(4);
    let drawdown = cut_bottom(&mut area, rows);
    pane(canvas, area, scene, 0);
    pane(canvas, drawdown, scene, 1);
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    let focused = scene.is_focused(index);
    match index {
        0 => equity(canvas, area, scene, focused),
        1 => drawdown(canvas, area, scene, focused),
        2 => statistics(canvas, area, scene, focused),
        _ => {
            let rows = filtered(&scene.snapshot.trades, &scene.model.filter, |t| {
                format!("{} {} {}", t.symbol, t.side, t.reason)
            });
            let title = format!("Trades ({})", scene.snapshot.stats.n_trades);
            let inside = canvas.pane(area, &title, "newest last · net of fees", focused);
            let follow = scene.follow(index, rows.len(), Follow::Last);
            tables::trades(canvas, inside, scene, &rows, follow);
        }
    }
}

/// The equity curve with its range at the left and its dates below.
pub(super) fn equity(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let points = &scene.snapshot.equity;
    let title = match scene.model.view {
        crate::tui::model::View::Dashboard => "6 Equity",
        _ => "Equity",
    };
    let account = &scene.snapshot.account;
    let remark = format!(
        "{} {}",
        num::plain_or_dash(account.equity),
        scene.snapshot.session.coin
    );
    let inside = canvas.pane(area, title, &remark, focused);
    let values: Vec<f64> = points.iter().map(|point| point.equity.to_f64()).collect();
    plot(
        canvas,
        inside,
        points,
        &values,
        |value| num::plain_float(Some(value), 0),
        Role::ChartLine,
    );
}

fn drawdown(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let below = |rate: Option<Rate>| num::percent_or_dash(rate.map(|rate| -rate), 2);
    let remark = format!(
        "max {} · now {}",
        below(scene.snapshot.stats.max_drawdown),
        below(scene.snapshot.account.drawdown)
    );
    let inside = canvas.pane(area, "Drawdown", &remark, focused);
    let mut peak = f64::NEG_INFINITY;
    let values: Vec<f64> = scene
        .snapshot
        .equity
        .iter()
        .map(|point| {
            let value = point.equity.to_f64();
            peak = peak.max(value);
            if 0.0 < peak {
                (value / peak - 1.0) * 100.0
            } else {
                0.0
            }
        })
        .collect();
    let label = |value: f64| num::signed_float(value, 1, "%");
    plot(
        canvas,
        inside,
        &scene.snapshot.equity,
        &values,
        label,
        Role::Down,
    );
}

fn plot(
    canvas: &mut Canvas<'_>,
    mut area: Rect,
    points: &[EquityPoint],
    values: &[f64],
    label: impl Fn(f64) -> String,
    role: Role,
) {
    let Some((least, most)) = range(values).filter(|_| 1 < values.len()) else {
        canvas.note(area, "no curve yet");
        return;
    };
    if 6 <= area.height {
        let dates = cut_bottom(&mut area, 1);
        let style = canvas.style(Role::ChartAxis);
        if let (Some(first), Some(last)) = (points.first(), points.last()) {
            let x = dates.x.saturating_add(1);
            let end = canvas.text(
                x,
                dates.y,
                dates.width.saturating_sub(1),
                &num::day_clock(first.at),
                style,
            );
            let newest = Line::of(Role::ChartAxis, num::day_clock(last.at));
            if end + newest.width() < dates.right() {
                canvas.line_right(dates, &newest);
            }
        }
    }
    let labels = [label(most), label(least)];
    let width = labels
        .iter()
        .map(|text| num::cells(text.chars().count()))
        .fold(0, u16::max);
    let axis = cut_left(&mut area, width + 2);
    let style = canvas.style(Role::ChartAxis);
    let rows = [area.y, area.bottom().saturating_sub(1)];
    for (text, y) in labels.iter().zip(rows).take(usize::from(area.height)) {
        canvas.text(axis.x.saturating_add(1), y, axis.width, text, style);
    }
    curve(canvas, area, values, (least, most), role);
}

fn statistics(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let inside = canvas.pane(area, "Statistics", "net of fees", focused);
    let (stats, account) = (&scene.snapshot.stats, &scene.snapshot.account);
    let name = |name: &'static str| Line::of(Role::Dim, format!("{name:<15}"));
    let text = |label, value: String| name(label).with(Role::Text, value);
    let percent = |value: Option<f64>| {
        value.map_or_else(
            || num::DASH.to_owned(),
            |v| format!("{}%", num::plain_float(Some(v * 100.0), 1)),
        )
    };
    let span = |ms: Option<i64>| ms.map_or_else(|| num::DASH.to_owned(), num::span);
    let expectancy = stats.expectancy.map_or_else(
        || num::DASH.to_owned(),
        |value| num::signed_float(value, 2, " a trade"),
    );
    let of = |value: u64| format!(" ({value}/{})", stats.n_trades);
    let lines = [
        name("net").with(pnl_role(Some(stats.net)), num::signed(stats.net)),
        name("day").with(pnl_role(account.day), num::signed_or_dash(account.day)),
        name("week").with(pnl_role(account.week), num::signed_or_dash(account.week)),
        text("trades", stats.n_trades.to_string()),
        text("win rate", percent(stats.win_rate) + &of(stats.n_wins)),
        text("profit factor", num::plain_float(stats.profit_factor, 2)),
        text("expectancy", expectancy),
        text("Sharpe (year)", num::plain_float(stats.sharpe, 2)),
        text("Sortino (year)", num::plain_float(stats.sortino, 2)),
        text(
            "max drawdown",
            num::percent_or_dash(stats.max_drawdown.map(|rate| -rate), 2),
        ),
        text("longest", span(stats.max_drawdown_ms)),
        text("mean holding", span(stats.mean_holding_ms)),
        text("in market", percent(stats.time_in_market)),
        text("fees", num::plain(account.fees)),
        text("funding", num::plain(account.funding)),
        text("slippage", num::plain(stats.slippage)),
        text("start", num::plain(account.start)),
        text("peak", num::plain_or_dash(account.peak)),
    ];
    for (line, n) in lines.iter().zip(0..inside.height) {
        canvas.row(inside, n, line);
    }
}
