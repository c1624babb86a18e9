//! Colours as theme files name them, and what is left of them on poorer terminals.

use ratatui::style::Color;

use super::measure::{Rgb, lab, lab_distance};

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// The 256 colours of xterm.
    C256,
    /// The 16 colours of the user's own scheme.
    C16,
    /// None at all; only modifiers are left.
    Mono,
}

/// The 16 names, with xterm's default values.
const NAMED: [(&str, Color, Rgb); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("white", Color::Gray, [229, 229, 229]),
    ("bright-black", Color::DarkGray, [127, 127, 127]),
    ("bright-red", Color::LightRed, [255, 0, 0]),
    ("bright-green", Color::LightGreen, [0, 255, 0]),
    ("bright-yellow", Color::LightYellow, [255, 255, 0]),
    ("bright-blue", Color::LightBlue, [92, 92, 255]),
    ("bright-magenta", Color::LightMagenta, [255, 0, 255]),
    ("bright-cyan", Color::LightCyan, [0, 255, 255]),
    ("bright-white", Color::White, [255, 255, 255]),
];

/// Steps of the 6x6x6 cube in xterm's palette.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Colour of `#RRGGBB`, a terminal name, or `default` (the terminal's own); `None` for the rest.
#[must_use]
pub fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        let all_hex = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u32::from_str_radix(hex, 16).ok().filter(|_| all_hex)?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if text == "default" {
        return Some(Color::Reset);
    }
    NAMED
        .iter()
        .find(|(name, ..)| *name == text)
        .map(|(_, color, _)| *color)
}

/// Names that [`parse`] takes, for messages.
pub fn names<'a>() -> impl Iterator<Item = &'a str> {
    NAMED.iter().map(|(name, ..)| *name).chain(["default"])
}

/// Red, green and blue of a colour; `None` for the terminal's own default.
#[must_use]
pub fn rgb(color: Color) -> Option<Rgb> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(index) => Some(indexed(index)),
        named => NAMED
            .iter()
            .find(|(_, color, _)| *color == named)
            .map(|(.., rgb)| *rgb),
    }
}

/// Value of an entry in xterm's palette.
fn indexed(index: u8) -> Rgb {
    match index {
        0..=15 => NAMED[usize::from(index)].2,
        16..=231 => {
            let cube = usize::from(index - 16);
            [CUBE[cube / 36], CUBE[cube / 6 % 6], CUBE[cube % 6]]
        }
        232..=255 => [8 + (index - 232) * 10; 3],
    }
}

/// The colour nearest to `color` that the terminal has and that is not `taken`.
///
/// The exception keeps a text readable whose ground fell on the same entry.
#[must_use]
pub fn nearest(color: Color, depth: Depth, taken: Option<Color>) -> Color {
    let Some(wanted) = rgb(color) else {
        return color;
    };
    let choose = |candidates: &mut dyn Iterator<Item = Color>| {
        let wanted = lab(wanted);
        candidates
            .filter(|candidate| Some(*candidate) != taken)
            .filter_map(|candidate| Some((candidate, lab_distance(wanted, lab(rgb(candidate)?)))))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(color, |(candidate, _)| candidate)
    };
    match depth {
        Depth::True => color,
        Depth::Mono => Color::Reset,
        Depth::C256 => match color {
            Color::Rgb(..) => choose(&mut (16..=255).map(Color::Indexed)),
            kept => kept,
        },
        Depth::C16 => match color {
            Color::Rgb(..) | Color::Indexed(_) => {
                choose(&mut NAMED.iter().map(|(_, color, _)| *color))
            }
            kept => kept,
        },
    }
}
