//! The depth ladder: asks above, bids below, the spread between them.

use ratatui::layout::Rect;

use super::bar::depth;
use super::canvas::{Canvas, width_of};
use super::line::Line;
use super::num::{self, cells};
use crate::domain::{Price, Qty};
use crate::tui::theme::Role;

/// A level is a density when it holds this many times the mean of the levels on screen.
const DENSITY: f64 = 2.5;

/// What a ladder shows.
pub struct Ladder<'a> {
    /// Bids, best first.
    pub bids: &'a [(Price, Qty)],
    /// Asks, best first.
    pub asks: &'a [(Price, Qty)],
    /// Price grid.
    pub tick: Price,
    /// Quantity grid.
    pub step: Qty,
    /// Prices of our own working orders.
    pub own: &'a [Price],
    /// Whether the book is stale.
    pub stale: bool,
}

/// Draws the ladder; the spread row is in the middle.
///
/// ```text
/// ◆  67313.7   8.044 █████████▊
///    67313.6   5.469 ██████
///  ── spread 0.1 · 0.01 bp · imb +0.18 ──
/// ▸  67312.4   7.239 ████████
/// ```
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, ladder: &Ladder<'_>) {
    if area.height == 0 || area.width == 0 {
        return;
    }
    let above = usize::from((area.height - 1) / 2);
    let below = usize::from(area.height - 1) - above;
    let asks = &ladder.asks[..above.min(ladder.asks.len())];
    let bids = &ladder.bids[..below.min(ladder.bids.len())];
    let levels = || asks.iter().chain(bids);
    let most = levels().map(|(_, qty)| qty.to_f64()).fold(0.0, f64::max);
    let total: f64 = levels().map(|(_, qty)| qty.to_f64()).sum();
    let mean = total / num::float(levels().count().max(1));
    let widths = (
        levels()
            .map(|(p, _)| width_of(&num::price(*p, ladder.tick)))
            .fold(0, u16::max),
        levels()
            .map(|(_, q)| width_of(&num::qty(*q, ladder.step)))
            .fold(0, u16::max),
    );
    let middle = area.y.saturating_add(cells(above));
    let level = |canvas: &mut Canvas<'_>, y: u16, (price, qty): (Price, Qty), role: Role| {
        let role = if ladder.stale { Role::Dim } else { role };
        let mark = if ladder.own.contains(&price) {
            Some(('▸', Role::Accent))
        } else if DENSITY * mean <= qty.to_f64() {
            Some(('◆', Role::Warn))
        } else {
            None
        };
        if let Some((glyph, role)) = mark {
            let style = canvas.style(role);
            canvas.put(area.x, y, glyph, style);
        }
        let (price, qty_text) = (num::price(price, ladder.tick), num::qty(qty, ladder.step));
        let line = Line::of(
            role,
            format!(" {price:>width$}", width = usize::from(widths.0)),
        )
        .with(
            Role::Text,
            format!(" {qty_text:>width$} ", width = usize::from(widths.1)),
        );
        let room = area.width.saturating_sub(1);
        let end = canvas.line(area.x.saturating_add(1), y, room, &line);
        let part = if 0.0 < most { qty.to_f64() / most } else { 0.0 };
        depth(canvas, end, y, area.right().saturating_sub(end), part, role);
    };
    for (n, entry) in asks.iter().enumerate() {
        let y = middle.saturating_sub(cells(n + 1));
        level(canvas, y, *entry, Role::BookAsk);
    }
    for (n, entry) in bids.iter().enumerate() {
        let y = middle.saturating_add(cells(n + 1));
        level(canvas, y, *entry, Role::BookBid);
    }
    spread_row(canvas, Rect::new(area.x, middle, area.width, 1), ladder);
}

fn spread_row(canvas: &mut Canvas<'_>, row: Rect, ladder: &Ladder<'_>) {
    let best = (ladder.bids.first(), ladder.asks.first());
    let rate = match best {
        (Some((bid, _)), Some((ask, _))) if bid <= ask => ask.distance(*bid),
        _ => None,
    };
    let mut text = match best {
        (Some((bid, _)), Some((ask, _))) if bid <= ask => {
            let gap = Price::from_raw(ask.raw() - bid.raw()).unwrap_or_default();
            format!("spread {}", num::price(gap, ladder.tick))
        }
        (Some(_), Some(_)) => "crossed".to_owned(),
        _ => "one side only".to_owned(),
    };
    if ladder.stale {
        text.push('~');
    }
    let lean = imbalance(ladder.bids, ladder.asks)
        .map(|lean| format!(" · imb {}", num::signed_float(lean, 2, "")));
    let rate = rate.map(|rate| format!(" · {} bp", num::plain_float(Some(rate.to_f64() * 1e4), 2)));
    let all: u16 = [&rate, &lean]
        .into_iter()
        .flatten()
        .map(|part| width_of(part))
        .sum();
    // In a narrow ladder the distance in basis points gives way to the imbalance.
    let room = row.width.saturating_sub(width_of(&text));
    let rate = rate.filter(|_| all <= room);
    for part in [rate, lean].into_iter().flatten() {
        text.push_str(&part);
    }
    let style = canvas.style(Role::Dim);
    let dashes = row.width.saturating_sub(width_of(&text)).saturating_sub(2) / 2;
    for n in 0..dashes.min(6) {
        canvas.put(row.x.saturating_add(n), row.y, '─', style);
        canvas.put(row.right().saturating_sub(n + 1), row.y, '─', style);
    }
    let start = row
        .x
        .saturating_add(row.width.saturating_sub(width_of(&text)) / 2);
    canvas.text(start, row.y, row.width, &text, style);
}

/// Bid amount against ask amount of the five best levels, -1 to 1; `None` for an empty book.
#[must_use]
pub fn imbalance(bids: &[(Price, Qty)], asks: &[(Price, Qty)]) -> Option<f64> {
    let sum = |side: &[(Price, Qty)]| side.iter().take(5).map(|(_, q)| q.to_f64()).sum::<f64>();
    let (bid, ask) = (sum(bids), sum(asks));
    let total = bid + ask;
    (0.0 < total).then(|| (bid - ask) / total)
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::{Buffer, Cell};

    use super::*;
    use crate::tui::theme::Theme;

    #[test]
    fn asks_are_above_and_bids_below_the_spread() {
        let side = |levels: &[(&str, &str)]| -> Vec<(Price, Qty)> {
            levels
                .iter()
                .map(|(p, q)| (p.parse().unwrap(), q.parse().unwrap()))
                .collect()
        };
        let bids = side(&[("99.9", "1.5"), ("99.8", "0.5")]);
        let asks = side(&[("100.1", "0.5"), ("100.2", "9")]);
        let theme = Theme::builtin("dark").unwrap();
        let area = Rect::new(0, 0, 32, 5);
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        let ladder = Ladder {
            bids: &bids,
            asks: &asks,
            tick: "0.1".parse().unwrap(),
            step: "0.1".parse().unwrap(),
            own: &["99.8".parse().unwrap()],
            stale: false,
        };
        draw(&mut canvas, area, &ladder);
        let rows: Vec<String> = buffer
            .content
            .chunks(32)
            .map(|row| row.iter().map(Cell::symbol).collect::<String>())
            .map(|row| row.trim_end().to_owned())
            .collect();
        assert_eq!(
            rows,
            [
                "◆ 100.2 9.0 ████████████████████",
                "  100.1 0.5 █▏",
                "──── spread 0.2 · imb -0.65 ────",
                "   99.9 1.5 ███▍",
                "▸  99.8 0.5 █▏",
            ]
        );
    }
}
