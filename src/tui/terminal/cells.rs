//! Changed cells as bytes, as few as it takes.
//!
//! A slow line carries what is said here ten times a second. So a sequence says only what differs
//! from the cell before: one foreground colour and not the pair, the column and not the row, no
//! colour at all for what shows none. Positions are absolute, so that a glyph that the terminal
//! measures otherwise moves nothing behind it. Colours of underlines are not written: no view has
//! any.

use std::io::{self, Write};

use crossterm::cursor::{MoveTo, MoveToColumn};
use crossterm::queue;
use crossterm::style::Colored;
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// Modifiers with the number that sets and the number that unsets them. Bold and dim share the
/// latter.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// Modifiers that show on a blank cell, in the colour of the text.
const ON_BLANKS: Modifier = Modifier::UNDERLINED
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);

/// What the terminal writes with at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const AT_REST: Pen = Pen {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

impl Pen {
    /// The pen for a cell; what does not show stays as it is.
    fn of(cell: &Cell, before: Self) -> Self {
        let mut pen = Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        };
        if cell.symbol() == " " && !(cell.modifier | before.modifier).intersects(ON_BLANKS) {
            pen.fg = before.fg;
            pen.modifier = before.modifier;
        }
        pen
    }
}

/// Writes cells at their places, the terminal's pen being at rest before and after.
///
/// # Errors
///
/// What `out` refuses with.
pub(super) fn queue_cells<'a, W, I>(out: &mut W, cells: I) -> io::Result<()>
where
    W: Write,
    I: Iterator<Item = (u16, u16, &'a Cell)>,
{
    let mut pen = AT_REST;
    let mut next = None;
    for (x, y, cell) in cells {
        match next {
            Some(at) if at == (x, y) => {}
            Some((_, row)) if row == y => queue!(out, MoveToColumn(x))?,
            _ => queue!(out, MoveTo(x, y))?,
        }
        next = Some((x.saturating_add(1), y));
        let wanted = Pen::of(cell, pen);
        if wanted != pen {
            change(out, pen, wanted)?;
            pen = wanted;
        }
        out.write_all(cell.symbol().as_bytes())?;
    }
    if pen != AT_REST {
        out.write_all(b"\x1b[0m")?;
    }
    Ok(())
}

/// One sequence with all that differs.
fn change(out: &mut impl Write, from: Pen, to: Pen) -> io::Result<()> {
    let mut lead = "\x1b[";
    let mut item = |out: &mut dyn Write, text: &dyn std::fmt::Display| {
        write!(out, "{lead}{text}")?;
        lead = ";";
        io::Result::Ok(())
    };
    let removed = from.modifier - to.modifier;
    let mut unset = 0;
    for (_, _, off) in MODIFIERS.iter().filter(|(m, ..)| removed.contains(*m)) {
        if *off != unset {
            unset = *off;
            item(out, off)?;
        }
    }
    for (modifier, on, off) in MODIFIERS {
        let was_unset = MODIFIERS
            .iter()
            .any(|(other, _, number)| *number == off && removed.contains(*other));
        let is_new = was_unset || !from.modifier.contains(modifier);
        if to.modifier.contains(modifier) && is_new {
            item(out, &on)?;
        }
    }
    if from.fg != to.fg {
        item(out, &Colored::ForegroundColor(to.fg.into_crossterm()))?;
    }
    if from.bg != to.bg {
        item(out, &Colored::BackgroundColor(to.bg.into_crossterm()))?;
    }
    out.write_all(b"m")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::backend::{Backend, CrosstermBackend};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;

    const AREA: Rect = Rect::new(0, 0, 12, 4);

    /// What shows of a cell of the terminal.
    fn looks(screen: &vt100::Screen) -> Vec<String> {
        let mut all = Vec::new();
        for y in 0..AREA.height {
            for x in 0..AREA.width {
                let cell = screen.cell(y, x).unwrap();
                let blank = cell.contents().trim().is_empty();
                let fg_shows = !blank || cell.underline() || cell.inverse();
                let fg = fg_shows.then(|| (cell.fgcolor(), cell.bold(), cell.dim(), cell.italic()));
                all.push(format!(
                    "{:?} {fg:?} {:?} {} {}",
                    cell.contents().trim(),
                    cell.bgcolor(),
                    cell.underline(),
                    cell.inverse()
                ));
            }
        }
        all
    }

    fn terminal() -> vt100::Parser {
        vt100::Parser::new(
            AREA.height.try_into().unwrap(),
            AREA.width.try_into().unwrap(),
            0,
        )
    }

    fn colour() -> impl Strategy<Value = Color> {
        prop_oneof![
            Just(Color::Reset),
            Just(Color::Red),
            Just(Color::Indexed(200)),
            Just(Color::Rgb(1, 2, 3)),
            Just(Color::Rgb(250, 128, 7)),
        ]
    }

    fn cell() -> impl Strategy<Value = Cell> {
        let symbol = prop_oneof![Just(" "), Just("x"), Just("█"), Just("é"), Just("日")];
        (symbol, colour(), colour(), 0..128_u16).prop_map(|(symbol, fg, bg, bits)| {
            let mut cell = Cell::default();
            cell.set_symbol(symbol);
            cell.fg = fg;
            cell.bg = bg;
            // Those that the terminal of this test knows.
            let known = Modifier::BOLD
                | Modifier::DIM
                | Modifier::ITALIC
                | Modifier::UNDERLINED
                | Modifier::REVERSED;
            cell.modifier = Modifier::from_bits_truncate(bits) & known;
            // And it takes the later of these two for both.
            if cell.modifier.contains(Modifier::BOLD) {
                cell.modifier.remove(Modifier::DIM);
            }
            cell
        })
    }

    fn frame() -> impl Strategy<Value = Buffer> {
        prop::collection::vec(prop::option::of(cell()), 48).prop_map(|cells| {
            let mut buffer = Buffer::empty(AREA);
            for (n, cell) in cells.into_iter().enumerate() {
                // Two columns wide: not in the last one, and nothing right behind it.
                let is_wide = |c: &Cell| c.symbol() == "日";
                let in_the_way = n % 12 == 11 || (0 < n % 12 && is_wide(&buffer.content[n - 1]));
                match cell {
                    Some(cell) if is_wide(&cell) && in_the_way => {}
                    Some(cell) => buffer.content[n] = cell,
                    None => {}
                }
            }
            buffer
        })
    }

    proptest! {
        #[test]
        fn a_terminal_shows_the_same_as_from_the_plain_way(
            frames in prop::collection::vec(frame(), 1..5)
        ) {
            let (mut plain, mut thin) = (terminal(), terminal());
            let mut before = Buffer::empty(AREA);
            for frame in frames {
                let mut bytes = Vec::new();
                CrosstermBackend::new(&mut bytes)
                    .draw(before.diff(&frame).into_iter())
                    .unwrap();
                plain.process(&bytes);
                let plain_len = bytes.len();
                bytes.clear();
                queue_cells(&mut bytes, before.diff(&frame).into_iter()).unwrap();
                thin.process(&bytes);
                prop_assert!(bytes.len() <= plain_len);
                prop_assert_eq!(looks(plain.screen()), looks(thin.screen()));
                before = frame;
            }
        }
    }

    fn bytes_of(cells: &[(u16, u16, Cell)]) -> String {
        let mut bytes = Vec::new();
        queue_cells(&mut bytes, cells.iter().map(|(x, y, c)| (*x, *y, c))).unwrap();
        String::from_utf8(bytes).unwrap().replace('\u{1b}', "^")
    }

    #[test]
    fn a_sequence_says_only_what_differs() {
        crossterm::style::force_color_output(true);
        let cell = |symbol: &str, fg, modifier| {
            let mut cell = Cell::default();
            cell.set_symbol(symbol).set_fg(fg).set_bg(Color::Indexed(1));
            cell.modifier = modifier;
            cell
        };
        let (red, green) = (Color::Indexed(2), Color::Indexed(3));
        let none = Modifier::empty();
        assert_eq!(
            bytes_of(&[
                (2, 1, cell("a", red, none)),
                (3, 1, cell("b", green, none)),
                (9, 1, cell(" ", red, none)),
                (0, 2, cell("c", green, Modifier::BOLD)),
                (1, 2, cell("d", green, Modifier::DIM)),
            ]),
            "^[2;3H^[38;5;2;48;5;1ma^[38;5;3mb^[10G ^[3;1H^[1mc^[22;2md^[0m"
        );
        assert_eq!(bytes_of(&[]), "");
        assert_eq!(bytes_of(&[(0, 0, Cell::default())]), "^[1;1H ");
    }
}
