//! A curve in braille dots: two columns and four rows of dots a cell.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::num::{cells, float, index};
use crate::tui::theme::Role;

/// Bits of a braille cell, by column and row of the dot.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Least and greatest finite value, widened where they are equal; `None` without any.
#[must_use]
pub fn range(values: &[f64]) -> Option<(f64, f64)> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let least = finite().reduce(f64::min)?;
    let most = finite().reduce(f64::max)?;
    if least < most {
        Some((least, most))
    } else {
        let room = (least.abs() * 1e-6).max(1e-9);
        Some((least - room, most + room))
    }
}

/// Draws `values`, oldest at the left, over the whole width, scaled to `(least, most)`.
pub fn curve(
    canvas: &mut Canvas<'_>,
    area: Rect,
    values: &[f64],
    (least, most): (f64, f64),
    role: Role,
) {
    let (columns, rows) = (usize::from(area.width) * 2, usize::from(area.height) * 4);
    if columns == 0 || rows == 0 || values.is_empty() {
        return;
    }
    let mut bits = vec![0_u8; usize::from(area.width) * usize::from(area.height)];
    let mut before: Option<usize> = None;
    for column in 0..columns {
        let Some(value) = sample(values, column, columns) else {
            before = None;
            continue;
        };
        let part = (most - value) / (most - least);
        let row = index(part * float(rows - 1), rows - 1);
        // A line has no holes: the step from the last column is drawn in this one.
        let from = match before {
            Some(before) if before < row => before + 1,
            Some(before) if row < before => before - 1,
            _ => row,
        };
        for dot in from.min(row)..=from.max(row) {
            let cell = dot / 4 * usize::from(area.width) + column / 2;
            bits[cell] |= DOTS[column % 2][dot % 4];
        }
        before = Some(row);
    }
    let style = canvas.style(role);
    for (n, bits) in bits.into_iter().enumerate().filter(|(_, bits)| *bits != 0) {
        let glyph = char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ');
        let (x, y) = (n % usize::from(area.width), n / usize::from(area.width));
        let (x, y) = (
            area.x.saturating_add(cells(x)),
            area.y.saturating_add(cells(y)),
        );
        canvas.put(x, y, glyph, style);
    }
}

/// Value at a column: interpolated between the points around it; `None` next to a hole.
fn sample(values: &[f64], column: usize, columns: usize) -> Option<f64> {
    let last = values.len() - 1;
    let at = float(column) / float(columns.max(2) - 1) * float(last);
    let left = index(at.floor(), last);
    let right = (left + 1).min(last);
    let (a, b) = (values[left], values[right]);
    let value = a + (b - a) * (at - float(left));
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::{Buffer, Cell};

    use super::*;
    use crate::tui::theme::Theme;

    fn drawn(width: u16, height: u16, values: &[f64]) -> Vec<String> {
        let theme = Theme::builtin("dark").unwrap();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        if let Some(range) = range(values) {
            curve(&mut canvas, area, values, range, Role::ChartLine);
        }
        buffer
            .content
            .chunks(usize::from(width).max(1))
            .map(|row| row.iter().map(Cell::symbol).collect())
            .collect()
    }

    #[test]
    fn a_ramp_climbs_from_corner_to_corner() {
        assert_eq!(drawn(4, 2, &[0.0, 7.0]), ["  ⡠⠊", "⡠⠊  "]);
    }

    #[test]
    fn steps_have_no_holes_and_odd_values_leave_gaps() {
        assert_eq!(drawn(2, 1, &[0.0, 0.0, 1.0, 1.0]), ["⣀⠏"]);
        assert_eq!(drawn(2, 1, &[f64::NAN; 3]), ["  "]);
        assert_eq!(drawn(2, 1, &[]), ["  "]);
        assert_eq!(drawn(2, 1, &[5.0]), ["⠤⠤"]);
    }
}
