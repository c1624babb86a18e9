//! The only writer of cells: clips by display width, keeps control characters out, never panics.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthChar;

use super::line::Line;
use crate::tui::theme::{Role, Theme};

/// A buffer with the theme that gives roles their look. Writes outside of the buffer are ignored.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    /// Whether candles use ASCII; everything else is mapped by [`Canvas::to_ascii`] at the end.
    pub ascii: bool,
    /// Look of the frames of panes without focus.
    pub border: Style,
}

impl<'a> Canvas<'a> {
    /// Canvas over a whole buffer.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, ascii: bool) -> Self {
        Self {
            border: theme.style(Role::Border),
            buffer,
            theme,
            ascii,
        }
    }

    /// Everything there is.
    #[must_use]
    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// Look of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Empties a part of the screen and paints its ground.
    pub fn clear(&mut self, area: Rect, role: Role) {
        let style = self.style(Role::Surface).patch(self.style(role));
        let area = area.intersection(self.area());
        for y in area.top()..area.bottom() {
            self.mend(area.left(), y);
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Changes the look of cells and leaves their text.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        self.buffer.set_style(area.intersection(self.area()), style);
    }

    /// Writes one glyph of one cell's width.
    pub fn put(&mut self, x: u16, y: u16, glyph: char, style: Style) {
        if !self.area().contains((x, y).into()) {
            return;
        }
        self.mend(x, y);
        self.set(x, y, glyph, style);
    }

    /// Whether the cell holds nothing visible.
    #[must_use]
    pub fn is_blank(&self, x: u16, y: u16) -> bool {
        self.buffer
            .cell((x, y))
            .is_some_and(|cell| cell.symbol() == " ")
    }

    /// Writes a text into at most `width` cells; returns the column after it.
    ///
    /// Control and invisible characters become `·`; combining ones are left out, because
    /// terminals disagree on them; a wide character that does not fit whole is left out.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.area();
        if y < area.top() || area.bottom() <= y || x < area.left() {
            return x;
        }
        let end = x.saturating_add(width).min(area.right());
        let mut at = x;
        if at < end {
            self.mend(at, y);
        }
        for glyph in text.chars() {
            if end <= at {
                break;
            }
            let Some((glyph, cells)) = shown(glyph) else {
                continue;
            };
            if end - at < cells {
                break;
            }
            self.set(at, y, glyph, style);
            for covered in at + 1..at + cells {
                self.set(covered, y, ' ', style);
            }
            at += cells;
        }
        at
    }

    /// Writes a line from the left; returns the column after it.
    pub fn line(&mut self, x: u16, y: u16, width: u16, line: &Line<'_>) -> u16 {
        let end = x.saturating_add(width);
        let mut at = x;
        for (role, text) in line.parts() {
            let style = self.style(*role);
            at = self.text(at, y, end.saturating_sub(at), text, style);
        }
        at
    }

    /// Writes a line that ends at the right edge of `area`'s first row.
    pub fn line_right(&mut self, area: Rect, line: &Line<'_>) {
        let width = line.width().min(area.width);
        self.line(area.right().saturating_sub(width), area.y, width, line);
    }

    /// Writes a line into a row of `area`, counted from its top, one cell from the left; returns
    /// the column after it.
    pub fn row(&mut self, area: Rect, row: u16, line: &Line<'_>) -> u16 {
        let (x, y) = (area.x.saturating_add(1), area.y.saturating_add(row));
        if area.height <= row {
            return x;
        }
        self.line(x, y, area.width.saturating_sub(1), line)
    }

    /// Says in the first row of `area` why there is nothing to show.
    pub fn note(&mut self, area: Rect, text: &str) {
        self.row(area, 0, &Line::new().with(Role::Dim, text.to_owned()));
    }

    /// Draws a frame with a title at the left and a remark at the right; returns its inside.
    ///
    /// ```text
    /// ┌─ Title ─────────── remark ┐
    /// └───────────────────────────┘
    /// ```
    pub fn pane(&mut self, area: Rect, title: &str, remark: &str, focused: bool) -> Rect {
        let area = area.intersection(self.area());
        let style = if focused {
            self.style(Role::BorderFocus)
        } else {
            self.border
        };
        self.outline(area, style, ['┌', '─', '┐', '│', '└', '┘']);
        let room = area.width.saturating_sub(4);
        let x = area.x.saturating_add(2);
        if 3 <= room && 0 < area.height {
            let title_role = if focused {
                Role::BorderFocus
            } else {
                Role::Title
            };
            let title = format!(" {title} ");
            let end = self.text(x, area.y, room, &title, self.style(title_role));
            let left = (area.right().saturating_sub(1)).saturating_sub(end);
            // Parts of the remark go from its end until it fits.
            let parts: Vec<&str> = remark
                .split(" · ")
                .filter(|part| !part.is_empty())
                .collect();
            for n in (1..=parts.len()).rev() {
                let remark = Line::of(Role::Dim, format!(" {} ", parts[..n].join(" · ")));
                if remark.width() < left {
                    self.line_right(Rect::new(end, area.y, left - 1, 1), &remark);
                    break;
                }
            }
        }
        inside(area)
    }

    /// Draws a box: corners and sides as `[top left, horizontal, top right, vertical, bottom
    /// left, bottom right]`.
    pub fn outline(&mut self, area: Rect, style: Style, glyphs: [char; 6]) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let [
            top_left,
            horizontal,
            top_right,
            vertical,
            bottom_left,
            bottom_right,
        ] = glyphs;
        let (left, right) = (area.left(), area.right() - 1);
        let (top, bottom) = (area.top(), area.bottom() - 1);
        for x in left + 1..right {
            self.put(x, top, horizontal, style);
            self.put(x, bottom, horizontal, style);
        }
        for y in top + 1..bottom {
            self.put(left, y, vertical, style);
            self.put(right, y, vertical, style);
        }
        self.put(left, top, top_left, style);
        self.put(right, top, top_right, style);
        self.put(left, bottom, bottom_left, style);
        self.put(right, bottom, bottom_right, style);
    }

    /// Replaces every glyph of ours by an ASCII one. Letters of other scripts, which only data
    /// can bring, stay.
    pub fn to_ascii(&mut self) {
        for cell in &mut self.buffer.content {
            let mut glyphs = cell.symbol().chars();
            if let (Some(glyph), None) = (glyphs.next(), glyphs.next())
                && !glyph.is_ascii()
            {
                cell.set_char(ascii_of(glyph));
            }
        }
    }

    /// Writes a cell of the buffer; nothing but the ground is left of what was there.
    fn set(&mut self, x: u16, y: u16, glyph: char, style: Style) {
        let cell = &mut self.buffer[(x, y)];
        cell.modifier = Modifier::empty();
        cell.set_char(glyph).set_style(style);
    }

    /// Removes a wide character whose second half is about to be overwritten at `x`.
    fn mend(&mut self, x: u16, y: u16) {
        if x <= self.area().left() {
            return;
        }
        if let Some(cell) = self.buffer.cell_mut((x - 1, y)) {
            let wide = cell.symbol().len() > 2
                && cell.symbol().chars().any(|c| c.width().unwrap_or(0) > 1);
            if wide {
                cell.set_char(' ');
            }
        }
    }
}

/// What is left inside of a frame.
#[must_use]
pub fn inside(area: Rect) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}

/// Cells a text needs.
#[must_use]
pub fn width_of(text: &str) -> u16 {
    let cells: usize = text
        .chars()
        .filter_map(shown)
        .map(|(_, cells)| usize::from(cells))
        .sum();
    u16::try_from(cells).unwrap_or(u16::MAX)
}

/// The glyph that stands for a character, with its cells; `None` where it takes no cell.
fn shown(glyph: char) -> Option<(char, u16)> {
    if glyph.is_ascii_graphic() || glyph == ' ' {
        return Some((glyph, 1));
    }
    match glyph {
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{ad}'
        | '\u{feff}' => Some(('·', 1)),
        _ if glyph.is_control() => Some(('·', 1)),
        _ => match glyph.width() {
            Some(1) => Some((glyph, 1)),
            Some(2) => Some((glyph, 2)),
            _ => None,
        },
    }
}

/// ASCII stand-in for a glyph of ours.
fn ascii_of(glyph: char) -> char {
    match glyph {
        '│' | '┃' | '║' | '╷' | '╵' | '╽' | '╿' | '╻' | '╹' | '‖' | '▏' => {
            '|'
        }
        '─' | '┄' | '░' | '–' | '—' => '-',
        '━' => '=',
        '┌' | '┐' | '└' | '┘' | '┏' | '┓' | '┗' | '┛' | '├' | '┤' | '✓' => {
            '+'
        }
        '·' | '▁' | '⠀' => '.',
        '▂' | '▃' => ':',
        '▄' | '▅' | '▎' | '▍' | '▌' | '○' | '◌' | '◷' | '□' => 'o',
        '▆' | '▇' | '█' | '═' | '▒' | '▓' | '■' | '▋' | '▊' | '▉' => '#',
        '▲' => '^',
        '▼' => 'v',
        '✗' => 'x',
        '◄' => '<',
        '▸' | '≥' | '→' => '>',
        '…' | '±' => '~',
        'µ' => 'u',
        'Σ' => 'S',
        '●' | '◆' | '\u{2801}'..='\u{28ff}' => '*',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Cell;

    use super::*;

    fn drawn(width: u16, text: &str) -> String {
        let theme = Theme::builtin("dark").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        let style = canvas.style(Role::Text);
        canvas.text(0, 0, width, text, style);
        buffer.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn text_is_clipped_by_display_width_and_cleaned() {
        for (text, wanted) in [
            ("plain", "plain  "),
            ("longer than seven", "longer "),
            ("日本語です", "日 本 語  "),
            ("a\u{301}b", "ab     "),
            ("\u{1b}[31m\n\t", "·[31m··"),
            ("\u{202e}x\u{200b}", "·x·    "),
        ] {
            assert_eq!(drawn(7, text), wanted, "{text:?}");
        }
        assert_eq!(width_of("日本x"), 5);
    }

    #[test]
    fn half_of_a_wide_character_never_survives() {
        let theme = Theme::builtin("dark").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        let style = canvas.style(Role::Text);
        canvas.text(0, 0, 4, "日本", style);
        canvas.put(1, 0, '│', style);
        let row: String = buffer.content.iter().map(Cell::symbol).collect();
        assert_eq!(row, " │本 ");
    }

    #[test]
    fn ascii_pass_leaves_only_ascii_of_ours() {
        let theme = Theme::builtin("dark").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        let mut canvas = Canvas::new(&mut buffer, &theme, true);
        let style = canvas.style(Role::Text);
        canvas.text(0, 0, 12, "│─━┌▲▼●✓⠿█é", style);
        canvas.to_ascii();
        let row: String = buffer.content.iter().map(Cell::symbol).collect();
        assert_eq!(row, "|-=+^v*+*#é ");
    }
}
