//! Candles at half-row precision, with a price axis, guide lines, volume and the agent's targets.
//!
//! A column holds the bars of one group of `zoom` intervals; groups lie on a grid of time, so that
//! a new bar never reshapes the old columns.

use ratatui::layout::Rect;

use super::bar::spark;
use super::canvas::{Canvas, width_of};
use super::num::{self, cells, float, index};
use crate::control::ActionMark;
use crate::domain::{Bar, Interval, Price};
use crate::tui::theme::Role;

/// What a chart shows.
pub struct Chart<'a> {
    /// Bars, oldest first.
    pub bars: &'a [Bar],
    /// Price grid.
    pub tick: Price,
    /// Interval of the bars.
    pub interval: Option<Interval>,
    /// Last price.
    pub last: Option<Price>,
    /// Whether the last price is stale.
    pub stale: bool,
    /// Bars a column.
    pub zoom: usize,
    /// Columns panned back.
    pub pan: usize,
    /// Guide lines: label, price, role.
    pub guides: &'a [(&'a str, Price, Role)],
    /// The agent's targets, oldest first.
    pub actions: &'a [ActionMark],
}

/// Several bars as one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Column {
    key: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    from: i64,
    to: i64,
}

/// What a half of a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Nothing,
    Wick,
    Body,
}

/// The scale of the plot: prices and half rows.
#[derive(Clone, Copy)]
struct Scale {
    least: f64,
    most: f64,
    halves: usize,
}

impl Scale {
    fn row(self, price: f64) -> usize {
        let part = (self.most - price) / (self.most - self.least);
        index(part * float(self.halves - 1), self.halves - 1)
    }
}

/// Draws the chart into `area`.
///
/// ```text
/// │  ╷╽┃║│                 67481.0
/// │ ╽┃╿ ╿║              ◄67286.11
/// │ vol ▃▅▃▄▃
/// │ act ··+++
/// ```
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, chart: &Chart<'_>) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    let all = columns(chart);
    let axis = axis_width(chart, &all).min(area.width);
    let plot_width = usize::from(area.width - axis);
    let pan = chart.pan.min(all.len().saturating_sub(1));
    let upto = all.len() - pan.min(all.len());
    let shown = &all[upto.saturating_sub(plot_width)..upto];
    if shown.is_empty() || plot_width == 0 {
        canvas.note(area, "no bars yet");
        return;
    }
    let strips = match area.height {
        0..=5 => 0,
        6..=8 => 1,
        _ => 1 + u16::from(!chart.actions.is_empty()),
    };
    let plot = Rect::new(area.x, area.y, area.width - axis, area.height - strips);
    let scale = scale(shown, chart, pan == 0, usize::from(plot.height) * 2);
    candles(canvas, plot, shown, scale);
    guides(canvas, plot, chart, scale);
    axis_labels(canvas, area, plot, chart, scale);
    if 0 < strips {
        let row = Rect::new(plot.x, plot.bottom(), plot.width, 1);
        volume(canvas, row, shown);
    }
    if 1 < strips {
        let row = Rect::new(plot.x, plot.bottom() + 1, plot.width, 1);
        targets(canvas, row, shown, chart.actions);
    }
}

/// Groups bars into columns.
fn columns(chart: &Chart<'_>) -> Vec<Column> {
    let zoom = i64::try_from(chart.zoom.clamp(1, 64)).unwrap_or(1);
    let step = chart.interval.map_or(60_000, Interval::millis);
    let mut all: Vec<Column> = Vec::with_capacity(chart.bars.len());
    for bar in chart.bars {
        let from = bar.open_time.millis();
        let key = from.div_euclid(step.saturating_mul(zoom));
        let (open, close) = (bar.open.to_f64(), bar.close.to_f64());
        let (high, low) = (bar.high.to_f64(), bar.low.to_f64());
        let volume = bar.volume.to_f64();
        let to = from.saturating_add(step);
        match all.last_mut().filter(|column| column.key == key) {
            Some(column) => {
                column.high = column.high.max(high);
                column.low = column.low.min(low);
                column.close = close;
                column.volume += volume;
                column.to = to;
            }
            None => all.push(Column {
                key,
                open,
                high,
                low,
                close,
                volume,
                from,
                to,
            }),
        }
    }
    all
}

fn axis_width(chart: &Chart<'_>, all: &[Column]) -> u16 {
    let last = chart
        .last
        .map_or(0, |last| width_of(&num::price(last, chart.tick)));
    let most = all.iter().map(|column| column.high).fold(0.0, f64::max);
    let label = width_of(&label(most, chart.tick));
    last.max(label) + 2
}

fn label(price: f64, tick: Price) -> String {
    let digits = num::places(tick.raw(), Price::DIGITS).min(8);
    format!("{price:.digits$}")
}

fn scale(shown: &[Column], chart: &Chart<'_>, newest: bool, halves: usize) -> Scale {
    let mut least = shown.iter().map(|c| c.low).fold(f64::INFINITY, f64::min);
    let mut most = shown
        .iter()
        .map(|c| c.high)
        .fold(f64::NEG_INFINITY, f64::max);
    if let Some(last) = chart.last.filter(|_| newest).map(Price::to_f64) {
        least = least.min(last);
        most = most.max(last);
    }
    // Guide lines near the bars widen the scale; far ones may not flatten the candles.
    let room = most - least;
    for (_, price, _) in chart.guides {
        let price = price.to_f64();
        if least - room < price && price < most + room {
            least = least.min(price);
            most = most.max(price);
        }
    }
    if most <= least {
        let room = (most.abs() * 1e-4).max(1e-9);
        least -= room;
        most += room;
    }
    Scale {
        least,
        most,
        halves: halves.max(1),
    }
}

fn candles(canvas: &mut Canvas<'_>, plot: Rect, shown: &[Column], scale: Scale) {
    let first = plot.right().saturating_sub(cells(shown.len()));
    let (up, down) = (canvas.style(Role::Up), canvas.style(Role::Down));
    for (n, column) in shown.iter().enumerate() {
        let is_up = column.open <= column.close;
        let style = if is_up { up } else { down };
        let wick = scale.row(column.high)..=scale.row(column.low);
        let body =
            scale.row(column.open.max(column.close))..=scale.row(column.open.min(column.close));
        let half = |n: usize| {
            if body.contains(&n) {
                Half::Body
            } else if wick.contains(&n) {
                Half::Wick
            } else {
                Half::Nothing
            }
        };
        let x = first.saturating_add(cells(n));
        for row in wick.start() / 2..=wick.end() / 2 {
            let glyph = glyph(half(row * 2), half(row * 2 + 1), is_up, canvas.ascii);
            canvas.put(x, plot.y.saturating_add(cells(row)), glyph, style);
        }
    }
}

fn glyph(top: Half, bottom: Half, is_up: bool, ascii: bool) -> char {
    use Half::{Body, Nothing, Wick};
    if ascii {
        return match (top, bottom) {
            (Nothing, Nothing) => ' ',
            (Body, _) | (_, Body) if is_up => 'O',
            (Body, _) | (_, Body) => '#',
            _ => '|',
        };
    }
    match (top, bottom) {
        (Nothing, Nothing) => ' ',
        (Wick, Wick) => '│',
        (Body, Body) if is_up => '┃',
        (Body, Body) => '║',
        (Nothing, Wick) => '╷',
        (Wick, Nothing) => '╵',
        (Nothing, Body) => '╻',
        (Body, Nothing) => '╹',
        (Wick, Body) => '╽',
        (Body, Wick) => '╿',
    }
}

fn guides(canvas: &mut Canvas<'_>, plot: Rect, chart: &Chart<'_>, scale: Scale) {
    for (name, price, role) in chart.guides {
        let price = price.to_f64();
        if price < scale.least || scale.most < price {
            continue;
        }
        let y = plot.y.saturating_add(cells(scale.row(price) / 2));
        let style = canvas.style(*role);
        for x in plot.left()..plot.right() {
            if canvas.is_blank(x, y) {
                canvas.put(x, y, '┄', style);
            }
        }
        let name = format!(" {name} ");
        canvas.text(
            plot.x.saturating_add(3),
            y,
            plot.width.saturating_sub(3),
            &name,
            style,
        );
    }
}

fn axis_labels(canvas: &mut Canvas<'_>, area: Rect, plot: Rect, chart: &Chart<'_>, scale: Scale) {
    let style = canvas.style(Role::ChartAxis);
    let right = |canvas: &mut Canvas<'_>, y: u16, text: &str, style| {
        let x = area
            .right()
            .saturating_sub(width_of(text))
            .max(plot.right());
        canvas.text(x, y, area.right().saturating_sub(x), text, style);
    };
    let last_row = chart.last.map(|last| cells(scale.row(last.to_f64()) / 2));
    let step = if plot.height < 14 { 4 } else { 6 };
    for row in (0..plot.height).step_by(step) {
        if Some(row) != last_row {
            let part = (f64::from(row) + 0.5) / f64::from(plot.height);
            let price = scale.most - part * (scale.most - scale.least);
            right(canvas, plot.y + row, &label(price, chart.tick), style);
        }
    }
    if let (Some(row), Some(last)) = (last_row, chart.last) {
        let mark = if chart.stale { "~" } else { "" };
        let text = format!("◄{}{mark}", num::price(last, chart.tick));
        let role = if chart.stale {
            Role::Dim
        } else {
            Role::ChartLast
        };
        let style = canvas.style(role);
        right(canvas, plot.y.saturating_add(row), &text, style);
    }
}

/// Room for the name of a strip; its bars stay under their candles.
const NAME: u16 = 5;

fn volume(canvas: &mut Canvas<'_>, row: Rect, shown: &[Column]) {
    let values: Vec<Option<f64>> = shown.iter().map(|column| Some(column.volume)).collect();
    let room = Rect::new(
        row.x.saturating_add(NAME),
        row.y,
        row.width.saturating_sub(NAME),
        1,
    );
    spark(canvas, room, &values, true, Role::ChartVolume);
    let style = canvas.style(Role::Dim);
    canvas.text(row.x, row.y, row.width, " vol", style);
}

fn targets(canvas: &mut Canvas<'_>, row: Rect, shown: &[Column], actions: &[ActionMark]) {
    let style = canvas.style(Role::Dim);
    canvas.text(row.x, row.y, row.width, " act", style);
    let first = row.right().saturating_sub(cells(shown.len()));
    let mut rest = actions.iter().peekable();
    for (n, column) in shown.iter().enumerate() {
        let mut newest = None;
        while let Some(mark) = rest.next_if(|mark| mark.at.millis() <= column.to) {
            if column.from < mark.at.millis() {
                newest = Some(mark.target);
            }
        }
        let x = first.saturating_add(cells(n));
        if let Some(target) = newest.filter(|_| row.x.saturating_add(NAME) <= x) {
            let (glyph, role) = action_glyph(target);
            let style = canvas.style(role);
            canvas.put(x, row.y, glyph, style);
        }
    }
}

/// `+` long, `-` short, `·` flat.
#[must_use]
pub fn action_glyph(target: f64) -> (char, Role) {
    if 0.05 < target {
        ('+', Role::Long)
    } else if target < -0.05 {
        ('-', Role::Short)
    } else {
        ('·', Role::Flat)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::{Buffer, Cell};

    use super::*;
    use crate::domain::Timestamp;
    use crate::tui::theme::Theme;

    fn bar(minute: i64, [open, high, low, close]: [&str; 4]) -> Bar {
        Bar {
            open_time: Timestamp::from_millis(minute * 60_000),
            open: open.parse().unwrap(),
            high: high.parse().unwrap(),
            low: low.parse().unwrap(),
            close: close.parse().unwrap(),
            volume: format!("{}", minute + 1).parse().unwrap(),
        }
    }

    fn drawn(size: (u16, u16), bars: &[Bar], zoom: usize, pan: usize) -> Vec<String> {
        let theme = Theme::builtin("dark").unwrap();
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        let chart = Chart {
            bars,
            tick: "1".parse().unwrap(),
            interval: "1m".parse().ok(),
            last: bars.last().map(|bar| bar.close),
            stale: false,
            zoom,
            pan,
            guides: &[],
            actions: &[],
        };
        draw(&mut canvas, area, &chart);
        buffer
            .content
            .chunks(usize::from(size.0))
            .map(|row| row.iter().map(Cell::symbol).collect())
            .collect()
    }

    #[test]
    fn wicks_and_bodies_take_half_rows() {
        // Eight half rows over the prices 8 (top) to 1 (bottom).
        let bars = [
            bar(0, ["4", "8", "1", "6"]),
            bar(1, ["6", "7", "2", "3"]),
            bar(2, ["5", "5", "5", "5"]),
        ];
        let rows = drawn((6, 4), &bars, 1, 0);
        let plot: Vec<String> = rows
            .iter()
            .map(|row| row.chars().take(3).collect())
            .collect();
        assert_eq!(plot, ["│╷ ", "┃║╻", "╿║ ", "│╵ "]);
        assert!(rows[1].ends_with("◄5"), "{rows:?}");
    }

    #[test]
    fn zoom_joins_bars_of_one_group() {
        let bars: Vec<Bar> = (0..5).map(|n| bar(n, ["2", "3", "1", "2"])).collect();
        let chart = |zoom| Chart {
            bars: &bars,
            tick: "1".parse().unwrap(),
            interval: "1m".parse().ok(),
            last: None,
            stale: false,
            zoom,
            pan: 0,
            guides: &[],
            actions: &[],
        };
        let volumes = |zoom| {
            columns(&chart(zoom))
                .iter()
                .map(|c| c.volume)
                .collect::<Vec<_>>()
        };
        assert_eq!(volumes(1), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(volumes(2), [3.0, 7.0, 5.0]);
        assert_eq!(volumes(0), volumes(1));
        assert_eq!(volumes(usize::MAX), [15.0]);
    }

    #[test]
    fn pan_stops_at_the_oldest_bar() {
        let bars: Vec<Bar> = (0..5).map(|n| bar(n, ["2", "3", "1", "2"])).collect();
        let columns = |pan| {
            let rows = drawn((8, 4), &bars, 1, pan);
            (0..5)
                .filter(|x| rows.iter().any(|row| row.chars().nth(*x) != Some(' ')))
                .count()
        };
        assert_eq!((columns(0), columns(3), columns(usize::MAX)), (5, 2, 1));
        assert!(drawn((8, 4), &[], 1, 9)[0].contains("no bar"));
    }
}
