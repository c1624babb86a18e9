//! A picture of a screen as SVG: the same bytes for the same buffer, without any dependency.
//!
//! Letters are text at fixed cells; lines, blocks, shades and braille are drawn as geometry, so
//! that boxes join without seams whatever the font.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::theme::{Role, Theme, Variant, color};
use super::widget::num;

/// Width and height of a cell, in pixels.
const CELL: (u32, u32) = (9, 18);

/// Arms of a box glyph: up, right, down, left; 0 none, 1 light, 2 heavy, 3 double.
const ARMS: [(char, [u8; 4]); 26] = [
    ('─', [0, 1, 0, 1]),
    ('━', [0, 2, 0, 2]),
    ('═', [0, 3, 0, 3]),
    ('│', [1, 0, 1, 0]),
    ('┃', [2, 0, 2, 0]),
    ('║', [3, 0, 3, 0]),
    ('‖', [3, 0, 3, 0]),
    ('┌', [0, 1, 1, 0]),
    ('┐', [0, 0, 1, 1]),
    ('└', [1, 1, 0, 0]),
    ('┘', [1, 0, 0, 1]),
    ('├', [1, 1, 1, 0]),
    ('┤', [1, 0, 1, 1]),
    ('┬', [0, 1, 1, 1]),
    ('┴', [1, 1, 0, 1]),
    ('┼', [1, 1, 1, 1]),
    ('┏', [0, 2, 2, 0]),
    ('┓', [0, 0, 2, 2]),
    ('┗', [2, 2, 0, 0]),
    ('┛', [2, 0, 0, 2]),
    ('╷', [0, 0, 1, 0]),
    ('╵', [1, 0, 0, 0]),
    ('╻', [0, 0, 2, 0]),
    ('╹', [2, 0, 0, 0]),
    ('╽', [1, 0, 2, 0]),
    ('╿', [2, 0, 1, 0]),
];

/// Quadrants of U+2596 to U+259F: upper left 1, upper right 2, lower left 4, lower right 8.
const QUADRANTS: [u8; 10] = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];

/// The picture.
#[must_use]
pub fn render(buffer: &Buffer, theme: &Theme) -> String {
    let (columns, rows) = (u32::from(buffer.area.width), u32::from(buffer.area.height));
    let (width, height) = (columns * CELL.0, rows * CELL.1);
    let paint = Paint::new(theme);
    let mut out = String::new();
    num::push(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"'DejaVu Sans Mono','Menlo','Consolas',monospace\" \
         font-size=\"15\" shape-rendering=\"crispEdges\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
            hex(paint.ground)
        ),
    );
    for (y, row) in (0..rows).zip(buffer.content.chunks(usize::from(buffer.area.width).max(1))) {
        grounds(&mut out, row, y, &paint);
    }
    for (y, row) in (0..rows).zip(buffer.content.chunks(usize::from(buffer.area.width).max(1))) {
        glyphs(&mut out, row, y, &paint);
    }
    out.push_str("</svg>\n");
    out
}

type Rgb = [u8; 3];

/// Colours of cells that name none, and the picture's ground.
struct Paint {
    ink: Rgb,
    ground: Rgb,
}

impl Paint {
    fn new(theme: &Theme) -> Self {
        let dark = theme.variant() == Variant::Dark;
        let (ink, ground) = if dark {
            ([0xD8; 3], [0x12, 0x14, 0x18])
        } else {
            ([0x1F; 3], [0xFF; 3])
        };
        let surface = theme.style(Role::Surface);
        Self {
            ink: surface.fg.and_then(color::rgb).unwrap_or(ink),
            ground: surface.bg.and_then(color::rgb).unwrap_or(ground),
        }
    }

    /// Ink and ground of a cell.
    fn of(&self, cell: &Cell) -> (Rgb, Rgb) {
        let known = |color: Color, other| color::rgb(color).unwrap_or(other);
        let (ink, ground) = (known(cell.fg, self.ink), known(cell.bg, self.ground));
        if cell.modifier.contains(Modifier::REVERSED) {
            (ground, ink)
        } else {
            (ink, ground)
        }
    }
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// One rectangle for each run of cells with the same ground.
fn grounds(out: &mut String, row: &[Cell], y: u32, paint: &Paint) {
    let mut x = 0_u32;
    for run in row.chunk_by(|a, b| paint.of(a).1 == paint.of(b).1) {
        let n = u32::try_from(run.len()).unwrap_or(0);
        let ground = paint.of(&run[0]).1;
        if ground != paint.ground {
            rect(
                out,
                [x * CELL.0, y * CELL.1, n * CELL.0, CELL.1],
                ground,
                "",
            );
        }
        x += n;
    }
}

fn rect(out: &mut String, [x, y, width, height]: [u32; 4], fill: Rgb, more: &str) {
    num::push(
        out,
        format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"{more}/>\n",
            hex(fill)
        ),
    );
}

/// Geometry for drawn glyphs, one text a word for the rest.
fn glyphs(out: &mut String, row: &[Cell], y: u32, paint: &Paint) {
    let mut word = String::new();
    let mut start = 0_u32;
    let mut look: Option<(Rgb, Modifier)> = None;
    let mut covered = 0_usize;
    for (x, cell) in (0_u32..).zip(row) {
        if 0 < covered {
            covered -= 1;
            continue;
        }
        let symbol = cell.symbol();
        covered = symbol.width().saturating_sub(1);
        let ink = paint.of(cell).0;
        let mods = cell.modifier - Modifier::REVERSED;
        let drawn = draw(out, symbol, x * CELL.0, y * CELL.1, ink);
        let blank = symbol.trim().is_empty();
        if drawn || blank || look != Some((ink, mods)) {
            text(out, &word, start, y, look);
            word.clear();
            look = None;
        }
        if !drawn && !blank {
            if word.is_empty() {
                start = x;
                look = Some((ink, mods));
            }
            word.push_str(symbol);
            if !symbol.is_ascii() {
                // Other glyphs may come from another font with another width.
                text(out, &word, start, y, look);
                word.clear();
                look = None;
            }
        }
    }
    text(out, &word, start, y, look);
}

fn text(out: &mut String, word: &str, x: u32, y: u32, look: Option<(Rgb, Modifier)>) {
    let Some((ink, mods)) = look.filter(|_| !word.is_empty()) else {
        return;
    };
    let mut more = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::DIM, " opacity=\"0.7\""),
    ] {
        if mods.contains(modifier) {
            more.push_str(attribute);
        }
    }
    let (x, y) = (x * CELL.0, y * CELL.1 + 14);
    num::push(
        out,
        format_args!("<text x=\"{x}\" y=\"{y}\" fill=\"{}\"{more}>", hex(ink)),
    );
    for glyph in word.chars() {
        match glyph {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out.push_str("</text>\n");
}

/// Draws a glyph as geometry; returns whether it did.
fn draw(out: &mut String, symbol: &str, x: u32, y: u32, ink: Rgb) -> bool {
    let (w, h) = CELL;
    let mut glyphs = symbol.chars();
    let (Some(glyph), None) = (glyphs.next(), glyphs.next()) else {
        return false;
    };
    let code = u32::from(glyph);
    match glyph {
        '█' => rect(out, [x, y, w, h], ink, ""),
        '▀' => rect(out, [x, y, w, h / 2], ink, ""),
        '▐' => rect(out, [x + w / 2, y, w - w / 2, h], ink, ""),
        '▁'..='▇' => {
            let height = (h * (code - 0x2580)).div_ceil(8);
            rect(out, [x, y + h - height, w, height], ink, "");
        }
        '▉'..='▏' => rect(out, [x, y, (w * (0x2590 - code)).div_ceil(8), h], ink, ""),
        '░' | '▒' | '▓' => {
            let more = format!(
                " fill-opacity=\"0.{}\"",
                [25, 50, 75][(code - 0x2591) as usize]
            );
            rect(out, [x, y, w, h], ink, &more);
        }
        '▖'..='▟' => quadrants(out, QUADRANTS[(code - 0x2596) as usize], x, y, ink),
        '\u{2800}'..='\u{28ff}' => braille(out, code - 0x2800, x, y, ink),
        '┄' => {
            for n in 0..3 {
                rect(out, [x + n * 3, y + h / 2, 2, 1], ink, "");
            }
        }
        _ => match ARMS.iter().find(|(arms, _)| *arms == glyph) {
            Some((_, arms)) => lines(out, *arms, x, y, ink),
            None => return false,
        },
    }
    true
}

fn quadrants(out: &mut String, bits: u8, x: u32, y: u32, ink: Rgb) {
    let (half_w, half_h) = (CELL.0 / 2, CELL.1 / 2);
    for (bit, dx, dy) in [
        (1, 0, 0),
        (2, half_w, 0),
        (4, 0, half_h),
        (8, half_w, half_h),
    ] {
        if bits & bit != 0 {
            let width = if dx == 0 { half_w } else { CELL.0 - half_w };
            rect(out, [x + dx, y + dy, width, half_h], ink, "");
        }
    }
}

fn braille(out: &mut String, bits: u32, x: u32, y: u32, ink: Rgb) {
    const PLACES: [(u32, u32); 8] = [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
        (1, 2),
        (0, 3),
        (1, 3),
    ];
    for (n, (column, row)) in PLACES.iter().enumerate() {
        if bits >> n & 1 == 1 {
            let (cx, cy) = (x + 2 + column * 4, y + 1 + row * 9 / 2);
            rect(out, [cx, cy, 2, 2], ink, " rx=\"1\"");
        }
    }
}

/// Arms from the middle of the cell to its edges.
fn lines(out: &mut String, [up, right, down, left]: [u8; 4], x: u32, y: u32, ink: Rgb) {
    let (w, h) = CELL;
    let (cx, cy) = (w / 2, h / 2);
    // Thickness, and how far the second line of a double one is away.
    let shape = |arm: u8| match arm {
        1 => (1, 0),
        2 => (3, 0),
        _ => (1, 3),
    };
    let reach = [up, right, down, left]
        .into_iter()
        .max()
        .map_or(0, |arm| shape(arm).0 / 2);
    for (arm, top, bottom) in [(up, 0, cy + reach + 1), (down, cy.saturating_sub(reach), h)] {
        let (thick, apart) = shape(arm);
        if 0 < arm {
            let first = cx - thick / 2 - apart / 2;
            rect(out, [x + first, y + top, thick, bottom - top], ink, "");
            if 0 < apart {
                rect(
                    out,
                    [x + first + apart, y + top, thick, bottom - top],
                    ink,
                    "",
                );
            }
        }
    }
    for (arm, start, end) in [
        (left, 0, cx + reach + 1),
        (right, cx.saturating_sub(reach), w),
    ] {
        let (thick, apart) = shape(arm);
        if 0 < arm {
            let first = y + cy - thick / 2 - apart / 2;
            rect(out, [x + start, first, end - start, thick], ink, "");
            if 0 < apart {
                rect(out, [x + start, first + apart, end - start, thick], ink, "");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_is_escaped_runs_are_merged_and_bytes_are_stable() {
        let theme = Theme::builtin("dark").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b>&\"c", Style::new());
        buffer.set_string(0, 1, "│█⠿ 日x", Style::new());
        buffer.set_style(Rect::new(0, 0, 5, 1), Style::new().bg(Color::Rgb(1, 2, 3)));
        let svg = render(&buffer, &theme);
        assert_eq!(svg, render(&buffer, &theme));
        assert!(svg.contains(">a&lt;b&gt;&amp;&quot;c</text>"), "{svg}");
        assert!(
            svg.contains(r##"<rect x="0" y="0" width="45" height="18" fill="#010203"/>"##),
            "{svg}"
        );
        assert!(
            svg.contains(">日</text>") && svg.contains(r#"<text x="54""#),
            "{svg}"
        );
        assert!(!svg.contains('│') && !svg.contains('█') && !svg.contains('⠿'));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn reversed_cells_swap_their_colours() {
        let theme = Theme::builtin("mono").unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        let style = Style::new()
            .fg(Color::White)
            .bg(Color::Black)
            .add_modifier(Modifier::REVERSED);
        buffer.set_string(0, 0, "x", style);
        let svg = render(&buffer, &theme);
        assert!(svg.contains(r##"height="18" fill="#ffffff"/>"##), "{svg}");
        assert!(svg.contains(r##"fill="#000000">x<"##), "{svg}");
    }
}
