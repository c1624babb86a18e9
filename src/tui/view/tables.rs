//! Tables of positions, orders, fills and trades: the same on every view that shows them.

use ratatui::layout::Rect;

use super::header::{pnl_role, short};
use super::scene::Scene;
use crate::control::{FillView, OrderView, PositionView, TradeView};
use crate::domain::{Money, Qty, Side, Symbol};
use crate::tui::theme::Role;
use crate::tui::widget::table::{Column, Follow, TableCell, table};
use crate::tui::widget::{Canvas, num};

/// Word and role of a side, as a position.
pub(super) const fn position_side(side: Option<Side>) -> (&'static str, Role) {
    match side {
        Some(Side::Buy) => ("LONG", Role::Long),
        Some(Side::Sell) => ("SHORT", Role::Short),
        None => ("FLAT", Role::Flat),
    }
}

const fn order_side(side: Side) -> (&'static str, Role) {
    match side {
        Side::Buy => ("BUY", Role::Long),
        Side::Sell => ("SELL", Role::Short),
    }
}

/// The end of an order's name: its start is the same for all of a session.
pub(super) fn short_id(id: &str) -> String {
    let n = id.chars().count();
    if n <= 12 {
        return id.to_owned();
    }
    let tail: String = id.chars().skip(n - 11).collect();
    format!("…{tail}")
}

fn qty(scene: &Scene<'_>, symbol: &Symbol, qty: Qty) -> String {
    scene
        .market_of(symbol)
        .map_or_else(|| qty.to_string(), |market| num::qty(qty, market.qty_step))
}

fn cell(role: Role, text: impl Into<String>) -> TableCell {
    (role, text.into())
}

fn money_cell(money: Option<Money>) -> TableCell {
    (pnl_role(money), num::signed_or_dash(money))
}

/// Age of a moment, or a dash before the first event.
fn age(scene: &Scene<'_>, at: crate::domain::Timestamp) -> String {
    scene
        .snapshot
        .at
        .map_or_else(|| num::DASH.to_owned(), |now| num::span(now.since(at)))
}

/// Rows whose text holds the filter; all of them without one.
pub(super) fn filtered<'a, T>(
    rows: &'a [T],
    filter: &str,
    text: impl Fn(&T) -> String,
) -> Vec<&'a T> {
    let filter = filter.to_lowercase();
    rows.iter()
        .filter(|row| filter.is_empty() || text(row).to_lowercase().contains(&filter))
        .collect()
}

fn nothing(canvas: &mut Canvas<'_>, area: Rect, text: &str) {
    canvas.note(area, text);
}

const POSITIONS: [Column; 12] = [
    Column::left("SYMBOL", 0),
    Column::left("SIDE", 0),
    Column::right("SIZE", 0),
    Column::right("ENTRY", 2),
    Column::right("MARK", 3),
    Column::right("uPnL", 0),
    Column::right("%", 1),
    Column::right("rPnL", 4),
    Column::right("STOP", 2),
    Column::right("VALUE", 5),
    Column::right("AGE", 6),
    Column::left("STRATEGY", 7),
];

pub(super) fn positions(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    rows: &[&PositionView],
    follow: Follow,
) {
    if rows.is_empty() {
        return nothing(canvas, area, "no open position");
    }
    table(canvas, area, &POSITIONS, rows.len(), follow, |n| {
        let position = rows[n];
        let tick = scene.tick(&position.symbol);
        let (side, role) = position_side(position.size.side());
        let stale = scene
            .market_of(&position.symbol)
            .is_some_and(|market| scene.is_stale(market));
        let mut mark = num::price_or_dash(position.mark, tick);
        let mut upnl = money_cell(position.unrealised);
        if stale {
            mark.push('~');
            upnl = (Role::Dim, format!("{}~", upnl.1));
        }
        let value = position.mark.map(|mark| mark * position.size.abs());
        vec![
            cell(Role::Text, position.symbol.as_str()),
            cell(role, side),
            cell(
                Role::Text,
                qty(scene, &position.symbol, position.size.abs()),
            ),
            cell(Role::Text, num::price(position.entry, tick)),
            cell(if stale { Role::Dim } else { Role::Text }, mark),
            upnl,
            cell(
                if stale {
                    Role::Dim
                } else {
                    pnl_role(position.unrealised)
                },
                num::percent_or_dash(position.unrealised_rate, 2),
            ),
            money_cell(Some(position.realised)),
            cell(Role::Text, num::price_or_dash(position.stop, tick)),
            cell(Role::Text, num::plain_or_dash(value)),
            cell(Role::Dim, age(scene, position.opened)),
            cell(Role::Accent, short(&position.strategy, 24)),
        ]
    });
}

const ORDERS: [Column; 12] = [
    Column::left("ORDER", 3),
    Column::left("SYMBOL", 2),
    Column::left("SIDE", 0),
    Column::right("QTY", 0),
    Column::right("PRICE", 0),
    Column::right("TRIGGER", 1),
    Column::left("TYPE", 1),
    Column::left("STATE", 1),
    Column::right("FILLED", 4),
    Column::left("FLAGS", 6),
    Column::left("FOR", 5),
    Column::right("AGE", 7),
];

pub(super) fn orders(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    rows: &[&OrderView],
    follow: Follow,
) {
    if rows.is_empty() {
        return nothing(canvas, area, "no working order");
    }
    table(canvas, area, &ORDERS, rows.len(), follow, |n| {
        let order = rows[n];
        let tick = scene.tick(&order.symbol);
        let (side, role) = order_side(order.side);
        let filled = order.filled.to_f64() / order.qty.to_f64() * 100.0;
        let flags = if order.reduce_only { " RO" } else { "" };
        vec![
            cell(Role::Dim, short_id(order.id.as_str())),
            cell(Role::Text, order.symbol.as_str()),
            cell(role, side),
            cell(Role::Text, qty(scene, &order.symbol, order.qty)),
            cell(Role::Text, num::price_or_dash(order.price, tick)),
            cell(Role::Text, num::price_or_dash(order.trigger, tick)),
            cell(Role::Text, short(&order.kind, 16)),
            cell(Role::Accent, short(&order.state, 14)),
            cell(
                Role::Text,
                format!("{}%", num::plain_float(Some(filled), 0)),
            ),
            cell(Role::Dim, format!("{}{flags}", order.tif)),
            cell(Role::Text, order.purpose.to_string()),
            cell(Role::Dim, age(scene, order.created)),
        ]
    });
}

const FILLS: [Column; 9] = [
    Column::left("TIME", 0),
    Column::left("SYMBOL", 2),
    Column::left("SIDE", 0),
    Column::right("QTY", 0),
    Column::right("PRICE", 0),
    Column::right("VALUE", 4),
    Column::right("FEE", 1),
    Column::left("LIQ", 3),
    Column::left("ORDER", 5),
];

pub(super) fn fills(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    rows: &[&FillView],
    follow: Follow,
) {
    if rows.is_empty() {
        return nothing(canvas, area, "no fill yet");
    }
    table(canvas, area, &FILLS, rows.len(), follow, |n| {
        let fill = rows[n];
        let (side, role) = order_side(fill.side);
        vec![
            cell(Role::Dim, num::day_clock_s(fill.at)),
            cell(Role::Text, fill.symbol.as_str()),
            cell(role, side),
            cell(Role::Text, qty(scene, &fill.symbol, fill.qty)),
            cell(Role::Text, num::price(fill.price, scene.tick(&fill.symbol))),
            cell(Role::Text, num::plain(fill.price * fill.qty)),
            cell(Role::Text, num::plain(fill.fee)),
            cell(Role::Dim, fill.liquidity.to_string()),
            cell(Role::Dim, short_id(fill.order.as_str())),
        ]
    });
}

const TRADES: [Column; 11] = [
    Column::left("CLOSED", 0),
    Column::left("OPENED", 6),
    Column::left("SYMBOL", 2),
    Column::left("SIDE", 1),
    Column::right("QTY", 3),
    Column::right("ENTRY", 4),
    Column::right("EXIT", 4),
    Column::right("NET", 0),
    Column::right("FEES", 6),
    Column::right("HELD", 5),
    Column::left("REASON", 1),
];

pub(super) fn trades(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    rows: &[&TradeView],
    follow: Follow,
) {
    if rows.is_empty() {
        return nothing(canvas, area, "no closed trade yet");
    }
    table(canvas, area, &TRADES, rows.len(), follow, |n| {
        let trade = rows[n];
        let tick = scene.tick(&trade.symbol);
        let (side, role) = position_side(Some(trade.side));
        vec![
            cell(Role::Dim, num::day_clock(trade.closed)),
            cell(Role::Dim, num::day_clock(trade.opened)),
            cell(Role::Text, trade.symbol.as_str()),
            cell(role, side),
            cell(Role::Text, qty(scene, &trade.symbol, trade.qty)),
            cell(Role::Text, num::price(trade.entry, tick)),
            cell(Role::Text, num::price(trade.exit, tick)),
            money_cell(Some(trade.net)),
            cell(Role::Text, num::plain(trade.fees)),
            cell(Role::Dim, num::span(trade.closed.since(trade.opened))),
            cell(Role::Text, short(&trade.reason, 24)),
        ]
    });
}
