//! Themes: a look for every role, read from `themes/*.toml` or from a user's file.
//!
//! This module knows colours and nothing of what is drawn. It reads no file itself: texts come
//! in from the caller, the shipped ones are compiled in.

pub mod color;
pub mod measure;
mod parse;
mod role;
#[cfg(test)]
mod tests;

pub use color::Depth;
pub use parse::ThemeError;
pub use role::Role;

use ratatui::style::{Color, Modifier, Style};

use measure::contrast;

/// The shipped themes, the default first.
const BUILTIN: [(&str, &str); 11] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("okabe", include_str!("../../../themes/okabe.toml")),
    (
        "high-contrast",
        include_str!("../../../themes/high-contrast.toml"),
    ),
    ("mono", include_str!("../../../themes/mono.toml")),
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("nord", include_str!("../../../themes/nord.toml")),
    (
        "gruvbox-dark",
        include_str!("../../../themes/gruvbox-dark.toml"),
    ),
    (
        "catppuccin-mocha",
        include_str!("../../../themes/catppuccin-mocha.toml"),
    ),
    ("dracula", include_str!("../../../themes/dracula.toml")),
    (
        "solarized-dark",
        include_str!("../../../themes/solarized-dark.toml"),
    ),
];

/// Whether a theme is light on dark or dark on light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// A complete look: every role has a style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    variant: Variant,
    cvd: bool,
    styles: [Style; Role::COUNT],
}

impl Theme {
    /// Names of the shipped themes, the default first.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// Text of a shipped theme; user files may inherit from it.
    #[must_use]
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILTIN
            .iter()
            .find(|(builtin, _)| *builtin == name)
            .map(|(_, text)| *text)
    }

    /// A shipped theme; `None` for a name that is not shipped.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let text = Self::builtin_text(name)?;
        let parents = |parent: &str| Self::builtin_text(parent).map(str::to_owned);
        Self::parse(name, text, &parents).ok()
    }

    /// Theme of a text. `file` is what messages call it; `parents` gives the text of an inherited
    /// theme by its name.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with file, key and value.
    pub fn parse(
        file: &str,
        text: &str,
        parents: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ThemeError> {
        parse::theme(file, text, parents)
    }

    /// Name of the theme.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Light or dark.
    #[must_use]
    pub const fn variant(&self) -> Variant {
        self.variant
    }

    /// Whether up and down stay apart for all common kinds of colour vision.
    #[must_use]
    pub const fn is_cvd_safe(&self) -> bool {
        self.cvd
    }

    /// Look of a role.
    #[must_use]
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Ground that a role is painted on: its own, or the surface's.
    #[must_use]
    pub fn ground(&self, role: Role) -> Color {
        self.style(role)
            .bg
            .or(self.style(Role::Surface).bg)
            .unwrap_or(Color::Reset)
    }

    /// The same theme with the colours a terminal has.
    ///
    /// No text falls on the colour of its own ground. Without any colour, roles with a ground of
    /// their own are reversed, so that banners and the selected row stay visible.
    #[must_use]
    pub fn quantised(&self, depth: Depth) -> Self {
        let mut theme = self.clone();
        match depth {
            Depth::True => {}
            Depth::Mono => {
                for (role, style) in Role::ALL.iter().zip(&mut theme.styles) {
                    let own_ground = *role != Role::Surface && style.bg.is_some();
                    style.fg = None;
                    style.bg = None;
                    if own_ground {
                        *style = style.add_modifier(Modifier::REVERSED);
                    }
                }
            }
            Depth::C256 | Depth::C16 => {
                let surface = self
                    .style(Role::Surface)
                    .bg
                    .map(|bg| color::nearest(bg, depth, None));
                for style in &mut theme.styles {
                    let ground = style.bg.map(|bg| color::nearest(bg, depth, None));
                    let under = ground.or(surface);
                    style.fg = style.fg.map(|fg| readable(fg, depth, under));
                    style.bg = ground;
                }
            }
        }
        theme
    }

    fn new(name: String, variant: Variant, cvd: bool, styles: &[Style; Role::COUNT]) -> Self {
        Self {
            name,
            variant,
            cvd,
            styles: *styles,
        }
    }
}

/// Entry for a text: the nearest one, or black or white where that could not be read.
fn readable(fg: Color, depth: Depth, ground: Option<Color>) -> Color {
    let nearest = color::nearest(fg, depth, ground);
    let (Some(text), Some(under)) = (color::rgb(nearest), ground.and_then(color::rgb)) else {
        return nearest;
    };
    if depth == Depth::C256 || 2.0 <= contrast(text, under) {
        return nearest;
    }
    if contrast([0; 3], under) < contrast([255; 3], under) {
        Color::White
    } else {
        Color::Black
    }
}
