//! View 1: quotes, chart, book, positions, limits, agent, log, equity. The five facts that matter
//! (quotes, positions, profit, limits, kill state) are on it at every size.

use ratatui::layout::Rect;

use super::scene::{Scene, Size, cut_bottom, cut_left, cut_right, cut_top, part};
use super::{agent, book, header, log, performance, risk, tables};
use crate::control::MarketView;
use crate::domain::Price;
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::bar::spark;
use crate::tui::widget::candles::{self, Chart};
use crate::tui::widget::line::Line;
use crate::tui::widget::table::Follow;
use crate::tui::widget::{Canvas, num};

const CHART: usize = 0;
const BOOK: usize = 1;
const POSITIONS: usize = 2;
const RISK: usize = 3;
const AGENT: usize = 4;
const LOG: usize = 5;
const EQUITY: usize = 6;

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, size: Size) {
    match size {
        Size::L => large(canvas, area, scene),
        Size::M => medium(canvas, area, scene),
        _ => small(canvas, area, scene),
    }
}

/// The log's place shows the equity while that has the focus and no place of its own.
fn log_or_equity(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let index = if scene.is_focused(EQUITY) {
        EQUITY
    } else {
        LOG
    };
    pane(canvas, area, scene, index);
}

/// ```text
/// chart      | book
/// positions  | risk
/// log        | agent
/// ```
fn small(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>) {
    let right = part(area.width, 35).clamp(26, 42);
    let mut right = cut_right(&mut area, right);
    let upper = part(area.height, 57).max(5);
    for (area, panes) in [(&mut area, [CHART, POSITIONS]), (&mut right, [BOOK, RISK])] {
        let top = cut_top(area, upper);
        pane(canvas, top, scene, panes[0]);
        let middle = if panes[1] == POSITIONS {
            let n = scene.snapshot.positions.len() + scene.snapshot.orders.len();
            num::cells(n).saturating_add(3).clamp(4, 5)
        } else {
            area.height.saturating_sub(3).max(4)
        };
        let middle = cut_top(area, middle);
        pane(canvas, middle, scene, panes[1]);
    }
    log_or_equity(canvas, area, scene);
    pane(canvas, right, scene, AGENT);
}

/// As small, with a larger agent and whole tables.
fn medium(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>) {
    let wide = part(area.width, 35).clamp(40, 56);
    let mut right = cut_right(&mut area, wide);
    let upper = part(area.height, 54);
    let chart = cut_top(&mut area, upper);
    pane(canvas, chart, scene, CHART);
    let ladder = cut_top(&mut right, upper);
    pane(canvas, ladder, scene, BOOK);
    let n = scene.snapshot.positions.len() + scene.snapshot.orders.len();
    let rows = num::cells(n)
        .saturating_add(4)
        .clamp(5, part(area.height, 55));
    let middle = cut_top(&mut area, rows);
    pane(canvas, middle, scene, POSITIONS);
    log_or_equity(canvas, area, scene);
    let rows = 7.min(right.height / 2);
    let agent = cut_bottom(&mut right, rows);
    pane(canvas, right, scene, RISK);
    pane(canvas, agent, scene, AGENT);
}

/// ```text
/// chart               | book  | watch
/// positions           | risk  | session
/// equity | agent  | log
/// ```
fn large(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>) {
    let bottom = part(area.height, 24).max(9);
    let mut bottom = cut_bottom(&mut area, bottom);
    let rows = num::cells(scene.snapshot.gauges.len()).saturating_add(2);
    let mut middle = cut_bottom(&mut area, rows.clamp(9, 13));
    let book_width = part(area.width, 26);
    let narrow = cut_right(&mut area, 30);
    watch(canvas, narrow, scene);
    let ladder = cut_right(&mut area, book_width);
    pane(canvas, ladder, scene, BOOK);
    pane(canvas, area, scene, CHART);
    let narrow = cut_right(&mut middle, 30);
    session(canvas, narrow, scene);
    let gauges = cut_right(&mut middle, book_width);
    pane(canvas, gauges, scene, RISK);
    pane(canvas, middle, scene, POSITIONS);
    let width = part(bottom.width, 35);
    let equity = cut_left(&mut bottom, width);
    pane(canvas, equity, scene, EQUITY);
    let width = part(bottom.width, 37);
    let agent = cut_left(&mut bottom, width);
    pane(canvas, agent, scene, AGENT);
    pane(canvas, bottom, scene, LOG);
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    match index {
        CHART => chart(canvas, area, scene, scene.is_focused(CHART)),
        BOOK => book::ladder(canvas, area, scene, scene.is_focused(BOOK)),
        POSITIONS => positions(canvas, area, scene),
        RISK => risk::gauges(canvas, area, scene, scene.is_focused(RISK)),
        AGENT => agent::summary(canvas, area, scene, scene.is_focused(AGENT)),
        LOG => log::pane(canvas, area, scene, false),
        _ => performance::equity(canvas, area, scene, scene.is_focused(EQUITY)),
    }
}

/// How the chart is zoomed and panned, and the keys for it.
fn chart_remark(scene: &Scene<'_>) -> String {
    let mut parts = Vec::new();
    if 1 < scene.model.chart_zoom {
        parts.push(format!("{} bars a column", scene.model.chart_zoom));
    }
    if 0 < scene.model.chart_pan {
        parts.push(format!("{} back", scene.model.chart_pan));
    }
    let keys = scene.hints(&[
        (&[Action::ChartZoomIn, Action::ChartZoomOut], "zoom"),
        (&[Action::PanLeft, Action::PanRight], "pan"),
    ]);
    if !keys.is_empty() {
        parts.push(keys);
    }
    parts.join(" · ")
}

fn chart(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let Some(market) = scene.market() else {
        let inside = canvas.pane(area, "1 Chart", "", focused);
        canvas.note(inside, "no market yet");
        return;
    };
    let interval = market.interval.map_or("", |interval| interval.name());
    let title = format!("1 Chart {} {interval}", market.symbol);
    let remark = chart_remark(scene);
    let inside = canvas.pane(area, &title, &remark, focused);
    let position = scene
        .snapshot
        .positions
        .iter()
        .find(|position| position.symbol == market.symbol);
    let mut guides: Vec<(&str, Price, Role)> = Vec::new();
    if let Some(position) = position {
        guides.push(("entry", position.entry, Role::Accent));
        if let Some(stop) = position.stop {
            guides.push(("stop", stop, Role::Bad));
        }
    }
    let leg = scene
        .snapshot
        .legs
        .iter()
        .find(|leg| leg.symbol == market.symbol);
    let chart = Chart {
        bars: &market.bars,
        tick: market.tick,
        interval: market.interval,
        last: market.last,
        stale: scene.is_stale(market),
        zoom: scene.model.chart_zoom,
        pan: scene.model.chart_pan,
        guides: &guides,
        actions: leg.map_or(&[], |leg| leg.actions.as_slice()),
    };
    candles::draw(canvas, inside, &chart);
}

/// Positions and working orders as one list for the cursor: positions first.
fn positions(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let (n_open, n_working) = (snapshot.positions.len(), snapshot.orders.len());
    let upnl = num::signed_or_dash(snapshot.account.unrealised);
    let remark = format!("{n_open} open · {n_working} working · uPnL {upnl}");
    let mut inside = canvas.pane(
        area,
        "3 Positions & orders",
        &remark,
        scene.is_focused(POSITIONS),
    );
    let open: Vec<_> = snapshot.positions.iter().collect();
    let working: Vec<_> = snapshot.orders.iter().collect();
    let selected = match scene.follow(POSITIONS, n_open + n_working, Follow::First) {
        Follow::Selected(row) => Some(row),
        _ => None,
    };
    // Without room for both tables, the one with the cursor is shown.
    let tight = inside.height < 5 && 0 < n_working && 0 < n_open;
    let orders_only = tight && selected.is_some_and(|row| n_open <= row);
    let follow = |row: Option<usize>| row.map_or(Follow::First, Follow::Selected);
    if !orders_only && (0 < n_open || n_working == 0) {
        let rows = if tight {
            inside.height
        } else {
            num::cells(n_open.max(1)) + 1
        };
        let rows = if 0 < n_open { rows } else { 1 };
        let upper = cut_top(&mut inside, rows);
        let row = selected.filter(|row| *row < n_open);
        tables::positions(canvas, upper, scene, &open, follow(row));
    }
    if 0 < n_working && 2 <= inside.height {
        if 0 < n_open && !orders_only && num::cells(n_working) + 1 < inside.height {
            cut_top(&mut inside, 1);
        }
        let row = selected
            .filter(|row| n_open <= *row)
            .map(|row| row - n_open);
        tables::orders(canvas, inside, scene, &working, follow(row));
    }
}

/// Every market with its last bars as a sparkline.
fn watch(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let keys = scene.hints(&[(&[Action::PrevMarket, Action::NextMarket], "market")]);
    let mut inside = canvas.pane(area, "Watch", &keys, false);
    let selected = scene.market().map(|market| &market.symbol);
    for market in &scene.snapshot.markets {
        if inside.height == 0 {
            return;
        }
        let row = cut_top(&mut inside, 1);
        watch_row(canvas, row, scene, market);
        if selected == Some(&market.symbol) {
            let style = canvas.style(Role::Accent);
            canvas.put(row.x, row.y, '▸', style);
            canvas.tint(row, Role::Selection);
        }
        let mut row = cut_top(&mut inside, 1);
        cut_left(&mut row, 2);
        cut_right(&mut row, 2);
        let values: Vec<Option<f64>> = market
            .bars
            .iter()
            .map(|bar| Some(bar.close.to_f64()))
            .collect();
        let shown = &values[values.len().saturating_sub(usize::from(row.width))..];
        let rises = match (shown.first(), shown.last()) {
            (Some(first), Some(last)) => first <= last,
            _ => true,
        };
        spark(
            canvas,
            row,
            shown,
            false,
            if rises { Role::Up } else { Role::Down },
        );
        cut_top(&mut inside, 1);
    }
}

fn watch_row(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>, market: &MarketView) {
    let symbol = header::short(market.symbol.as_str(), 10);
    let room = row.width.saturating_sub(1);
    let line = Line::of(Role::Title, symbol);
    canvas.line(row.x.saturating_add(1), row.y, room, &line);
    let mut line = header::last_price(scene, market);
    let change = market.change_24h;
    let role = change.map_or(Role::Dim, |rate| match rate.raw() {
        0 => Role::Flat,
        raw if raw < 0 => Role::Down,
        _ => Role::Up,
    });
    line.push(role, format!(" {:>7} ", num::percent_or_dash(change, 2)));
    canvas.line_right(row, &line);
}

/// Facts of the session and the account.
fn session(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let inside = canvas.pane(area, "Session", "", false);
    let (snapshot, account) = (scene.snapshot, &scene.snapshot.account);
    let stats = &snapshot.stats;
    let money = |name: &'static str, value| {
        Line::of(Role::Dim, format!("{name:<10}"))
            .with(header::pnl_role(value), num::signed_or_dash(value))
    };
    let text = |name: &'static str, value: String| {
        Line::of(Role::Dim, format!("{name:<10}")).with(Role::Text, value)
    };
    let lines = [
        text("equity", num::plain_or_dash(account.equity)),
        money("day", account.day),
        money("week", account.week),
        text(
            "drawdown",
            num::percent_or_dash(account.drawdown.map(|d| -d), 2),
        ),
        text("exposure", num::plain_or_dash(account.exposure)),
        text(
            "trades",
            format!(
                "{}  win {}%",
                stats.n_trades,
                num::plain_float(stats.win_rate.map(|rate| rate * 100.0), 0)
            ),
        ),
        text(
            "PF",
            format!(
                "{}  Sharpe {}",
                num::plain_float(stats.profit_factor, 2),
                num::plain_float(stats.sharpe, 2)
            ),
        ),
        text(
            "fees",
            format!(
                "{}  fund {}",
                num::plain(account.fees),
                num::plain(account.funding)
            ),
        ),
        text("events", num::grouped(snapshot.counters.n_events)),
        text("config", snapshot.session.config_hash.clone()),
        text(
            "turn gap",
            format!("{} ms", snapshot.counters.max_turn_gap_ms),
        ),
    ];
    for (line, n) in lines.iter().zip(0..inside.height) {
        canvas.row(inside, n, line);
    }
}
