//! Horizontal and vertical bars: gauges, probabilities, depth, sparklines, signed deviations.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::num::{cells, float, index};
use crate::tui::theme::Role;

const RIGHTWARDS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const UPWARDS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Role of a gauge's used part: calm below 70 %, near below 100 %.
#[must_use]
pub fn gauge_role(used: f64) -> Role {
    if used < 0.7 {
        Role::GaugeOk
    } else if used < 1.0 {
        Role::GaugeWarn
    } else {
        Role::GaugeBad
    }
}

/// `━━━━────`: how much of a limit is used. Anything above zero shows at least one cell.
pub fn gauge(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, used: Option<f64>) {
    let used = used.filter(|used| !used.is_nan());
    let full = used.map_or(0, |used| {
        let n = index(used * f64::from(width), usize::from(width));
        if 0.0 < used { n.max(1) } else { 0 }
    });
    let style = canvas.style(gauge_role(used.unwrap_or(0.0)));
    let rest = canvas.style(Role::GaugeRest);
    for n in 0..width {
        let (glyph, style) = if n < cells(full) {
            ('━', style)
        } else {
            ('─', rest)
        };
        canvas.put(x.saturating_add(n), y, glyph, style);
    }
}

/// `━━━───══`: a budget of `limit`. Used part at the left; at the right, the part that is kept
/// for what lowers risk, as far as it is not used.
pub fn budget(canvas: &mut Canvas<'_>, area: Rect, limit: u32, left: u32, reserved: u32) {
    let (used, kept) = (limit.saturating_sub(left), reserved.min(limit));
    let (width, whole) = (u64::from(area.width), u64::from(limit));
    // Cells of a part, rounded to the nearest; anything above zero shows at least one.
    let cells = |part: u32| {
        let n = (u64::from(part) * width * 2 + whole).checked_div(whole * 2);
        n.map_or(0, |n| n.max(u64::from(0 < part)).min(width))
    };
    let (n_used, first_kept) = (cells(used), width - cells(kept));
    let role = if used < limit - kept {
        gauge_role(f64::from(used) / f64::from(limit - kept))
    } else {
        Role::GaugeBad
    };
    let looks = [role, Role::Accent, Role::GaugeRest].map(|role| canvas.style(role));
    for (n, x) in (0_u64..).zip(area.left()..area.right()) {
        let (glyph, style) = match n {
            n if n < n_used => ('━', looks[0]),
            n if first_kept <= n => ('═', looks[1]),
            _ => ('─', looks[2]),
        };
        canvas.put(x, area.y, glyph, style);
    }
}

/// `███▋`: a bar of `part` of the width, in eighths of a cell.
pub fn depth(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, part: f64, role: Role) {
    let eighths = index(part * f64::from(width) * 8.0, usize::from(width) * 8);
    let style = canvas.style(role);
    let (full, rest) = (eighths / 8, eighths % 8);
    for n in 0..cells(full) {
        canvas.put(x.saturating_add(n), y, '█', style);
    }
    if 0 < rest {
        canvas.put(
            x.saturating_add(cells(full)),
            y,
            RIGHTWARDS[rest - 1],
            style,
        );
    }
}

/// `███▋░░░░`: a probability.
pub fn probability(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, part: f64, role: Role) {
    let rest = canvas.style(Role::GaugeRest);
    for n in 0..width {
        canvas.put(x.saturating_add(n), y, '░', rest);
    }
    depth(canvas, x, y, width, part, role);
}

/// `▂▃▅█`: one cell a value, scaled between zero or the least value and the greatest.
/// Values that are missing or not finite leave a gap. Draws the newest values that fit, at the
/// right.
pub fn spark(
    canvas: &mut Canvas<'_>,
    area: Rect,
    values: &[Option<f64>],
    from_zero: bool,
    role: Role,
) {
    if area.height == 0 {
        return;
    }
    let shown = &values[values.len().saturating_sub(usize::from(area.width))..];
    let finite = || shown.iter().flatten().copied().filter(|v| v.is_finite());
    let most = finite().fold(f64::NEG_INFINITY, f64::max);
    let least = finite().fold(f64::INFINITY, f64::min);
    let least = if from_zero { least.min(0.0) } else { least };
    let room = most - least;
    let style = canvas.style(role);
    let first = area.right().saturating_sub(cells(shown.len()));
    for (n, value) in shown.iter().enumerate() {
        let Some(value) = value.filter(|v| v.is_finite()) else {
            continue;
        };
        let part = if 0.0 < room && room.is_finite() {
            (value - least) / room
        } else {
            0.0
        };
        let glyph = UPWARDS[index(part * 7.0, 7)];
        canvas.put(first.saturating_add(cells(n)), area.y, glyph, style);
    }
}

/// `····│··●··`: a value between -4 and +4 around a zero mark.
pub fn deviation(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, value: Option<f64>) {
    const SPAN: f64 = 4.0;
    if width < 3 {
        return;
    }
    let last = usize::from(width - 1);
    let rest = canvas.style(Role::GaugeRest);
    for n in 0..width {
        canvas.put(x.saturating_add(n), y, '·', rest);
    }
    let zero = cells(last / 2);
    let axis = canvas.style(Role::ChartAxis);
    canvas.put(x.saturating_add(zero), y, '│', axis);
    if let Some(value) = value.filter(|v| v.is_finite()) {
        let at = index(f64::midpoint(value / SPAN, 1.0) * float(last / 2 * 2), last);
        let role = match value.abs() {
            size if size < 2.0 => Role::Accent,
            size if size < 3.0 => Role::Warn,
            _ => Role::Bad,
        };
        let style = canvas.style(role);
        canvas.put(x.saturating_add(cells(at)), y, '●', style);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::{Buffer, Cell};

    use super::*;
    use crate::tui::theme::Theme;

    fn drawn(width: u16, draw: impl FnOnce(&mut Canvas<'_>)) -> String {
        let theme = Theme::builtin("dark").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        draw(&mut Canvas::new(&mut buffer, &theme, false));
        buffer.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn gauges_show_use_and_survive_odd_numbers() {
        for (used, wanted) in [
            (Some(0.0), "────────"),
            (Some(0.001), "━───────"),
            (Some(0.5), "━━━━────"),
            (Some(7.0), "━━━━━━━━"),
            (Some(-1.0), "────────"),
            (Some(f64::NAN), "────────"),
            (Some(f64::INFINITY), "━━━━━━━━"),
            (None, "────────"),
        ] {
            assert_eq!(drawn(8, |c| gauge(c, 0, 0, 8, used)), wanted, "{used:?}");
        }
    }

    #[test]
    fn budgets_show_what_is_used_and_what_is_kept() {
        for ((limit, left, reserved), wanted) in [
            ((10, 10, 2), "────────══"),
            ((10, 7, 2), "━━━─────══"),
            ((10, 2, 2), "━━━━━━━━══"),
            ((10, 1, 2), "━━━━━━━━━═"),
            ((10, 0, 2), "━━━━━━━━━━"),
            ((600, 599, 1), "━────────═"),
            ((10, 99, 99), "══════════"),
            ((0, 0, 0), "──────────"),
            ((0, 5, 5), "──────────"),
            ((u32::MAX, 0, u32::MAX), "━━━━━━━━━━"),
        ] {
            let area = Rect::new(0, 0, 10, 1);
            let seen = drawn(10, |c| budget(c, area, limit, left, reserved));
            assert_eq!(seen, wanted, "{limit} {left} {reserved}");
        }
    }

    #[test]
    fn bars_have_eighths() {
        assert_eq!(drawn(4, |c| depth(c, 0, 0, 4, 0.53, Role::Up)), "██▏ ");
        assert_eq!(drawn(4, |c| depth(c, 0, 0, 4, f64::NAN, Role::Up)), "    ");
        assert_eq!(drawn(4, |c| probability(c, 0, 0, 4, 0.5, Role::Up)), "██░░");
    }

    #[test]
    fn sparks_leave_gaps_and_scale() {
        let values = [Some(9.0), Some(0.0), None, Some(1.0), Some(2.0)];
        let area = Rect::new(0, 0, 4, 1);
        assert_eq!(
            drawn(4, |c| spark(c, area, &values, true, Role::Up)),
            "▁ ▅█"
        );
        let same = [Some(5.0); 2];
        assert_eq!(drawn(4, |c| spark(c, area, &same, false, Role::Up)), "  ▁▁");
    }

    #[test]
    fn deviations_have_zero_in_the_middle() {
        for (value, wanted) in [
            (Some(0.0), "····●····"),
            (Some(2.0), "····│·●··"),
            (Some(-9.0), "●···│····"),
            (None, "····│····"),
        ] {
            assert_eq!(drawn(9, |c| deviation(c, 0, 0, 9, value)), wanted);
        }
    }
}
