//! View 2: the depth of the selected market, our own fills in it, and the quote in words.

use ratatui::layout::Rect;

use super::header;
use super::scene::{Scene, Size, cut_left, cut_top, part};
use super::tables::{self, filtered};
use crate::control::MarketView;
use crate::domain::{Price, Qty};
use crate::tui::theme::Role;
use crate::tui::widget::ladder::{self, Ladder, imbalance};
use crate::tui::widget::line::Line;
use crate::tui::widget::table::Follow;
use crate::tui::widget::{Canvas, num};

pub(super) fn draw(canvas: &mut Canvas<'_>, mut area: Rect, scene: &Scene<'_>, size: Size) {
    let width = part(area.width, if size == Size::S { 52 } else { 55 });
    let left = cut_left(&mut area, width);
    pane(canvas, left, scene, 0);
    let upper = cut_top(&mut area, 13);
    pane(canvas, upper, scene, 2);
    pane(canvas, area, scene, 1);
}

pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    let focused = scene.is_focused(index);
    match index {
        0 => ladder(canvas, area, scene, focused),
        1 => {
            let symbol = scene.market().map(|market| &market.symbol);
            let filter = scene.model.filter.as_str();
            let rows: Vec<_> = filtered(&scene.snapshot.fills, filter, |fill| {
                format!("{} {}", fill.order, fill.side)
            })
            .into_iter()
            .filter(|fill| Some(&fill.symbol) == symbol)
            .collect();
            let inside = canvas.pane(area, "Our fills", "newest last", focused);
            let follow = scene.follow(index, rows.len(), Follow::Last);
            tables::fills(canvas, inside, scene, &rows, follow);
        }
        _ => {
            let inside = canvas.pane(area, "Quote", "", focused);
            if let Some(market) = scene.market() {
                quote(canvas, inside, scene, market);
            }
        }
    }
}

/// The ladder in its frame; the quote in words where the feed has no book.
pub(super) fn ladder(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, focused: bool) {
    let Some(market) = scene.market() else {
        let inside = canvas.pane(area, "2 Book", "", focused);
        canvas.note(inside, "no market yet");
        return;
    };
    let Some(book) = &market.book else {
        let inside = canvas.pane(area, "2 Quote", "no book in this feed", focused);
        quote(canvas, inside, scene, market);
        return;
    };
    let remark = format!(
        "◆ density · ▸ ours · tick {}",
        num::price(market.tick, market.tick)
    );
    let inside = canvas.pane(area, "2 Book", &remark, focused);
    let own: Vec<Price> = scene
        .snapshot
        .orders
        .iter()
        .filter(|order| order.symbol == market.symbol)
        .filter_map(|order| order.price)
        .collect();
    let ladder = Ladder {
        bids: &book.bids,
        asks: &book.asks,
        tick: market.tick,
        step: market.qty_step,
        own: &own,
        stale: scene.is_stale(market),
    };
    ladder::draw(canvas, inside, &ladder);
}

fn quote(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, market: &MarketView) {
    let stale = scene.is_stale(market);
    let role = |fresh| if stale { Role::Dim } else { fresh };
    let mark = if stale { "~" } else { "" };
    let side = |level: Option<(Price, Qty)>| {
        level.map_or_else(
            || num::DASH.to_owned(),
            |(price, qty)| {
                let (price, qty) = (
                    num::price(price, market.tick),
                    num::qty(qty, market.qty_step),
                );
                format!("{price}{mark}  x {qty}")
            },
        )
    };
    let name = |name: &'static str| Line::of(Role::Dim, format!("{name:<9}"));
    let spread = match (market.bid, market.ask) {
        (Some((bid, _)), Some((ask, _))) => Price::from_raw(ask.raw() - bid.raw()),
        _ => None,
    };
    let lean = market
        .book
        .as_ref()
        .and_then(|book| imbalance(&book.bids, &book.asks));
    let (word, health_role) = header::health(market.health);
    let until = |at: Option<crate::domain::Timestamp>| {
        at.zip(scene.snapshot.at).map_or_else(
            || num::DASH.to_owned(),
            |(at, now)| num::span(at.since(now)),
        )
    };
    let mut last = name("last");
    last.append(header::last_price(scene, market));
    last.push(
        Role::Dim,
        format!("  {}", num::percent_or_dash(market.change_24h, 2)),
    );
    let lines = [
        last,
        name("ask").with(role(Role::BookAsk), side(market.ask)),
        name("bid").with(role(Role::BookBid), side(market.bid)),
        name("spread").with(Role::Text, num::price_or_dash(spread, market.tick)),
        name("lean").with(
            Role::Text,
            lean.map_or_else(
                || num::DASH.to_owned(),
                |lean| num::signed_float(lean, 2, ""),
            ),
        ),
        name("mark").with(Role::Text, num::price_or_dash(market.mark, market.tick)),
        name("funding")
            .with(Role::Text, num::percent_or_dash(market.funding, 4))
            .with(Role::Dim, format!("  in {}", until(market.next_funding))),
        name("bar").with(Role::Text, until(market.next_close)),
        name("feed").with(health_role, word),
        name("bad bars").with(
            if market.n_bad_bars == 0 {
                Role::Text
            } else {
                Role::Warn
            },
            market.n_bad_bars.to_string(),
        ),
        name("update").with(
            Role::Dim,
            market
                .book
                .as_ref()
                .map_or_else(|| num::DASH.to_owned(), |book| num::grouped(book.update_id)),
        ),
    ];
    for (line, n) in lines.iter().zip(0..area.height) {
        canvas.row(area, n, line);
    }
}
