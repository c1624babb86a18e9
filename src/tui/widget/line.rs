//! One line of text in roles, and how to fit several into too little room.

use std::borrow::Cow;

use super::canvas::width_of;
use crate::tui::theme::Role;

/// Pieces of text, each in its role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line<'a>(Vec<(Role, Cow<'a, str>)>);

impl<'a> Line<'a> {
    /// Empty line.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Line of one piece.
    pub fn of(role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        Self::new().with(role, text)
    }

    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        self.push(role, text);
        self
    }

    /// Adds a piece.
    pub fn push(&mut self, role: Role, text: impl Into<Cow<'a, str>>) {
        self.0.push((role, text.into()));
    }

    /// Adds another line.
    pub fn append(&mut self, other: Line<'a>) {
        self.0.extend(other.0);
    }

    /// The pieces.
    #[must_use]
    pub fn parts(&self) -> &[(Role, Cow<'a, str>)] {
        &self.0
    }

    /// Cells it needs.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.0
            .iter()
            .fold(0, |sum, (_, text)| sum.saturating_add(width_of(text)))
    }
}

/// A piece that may be left out. Smaller ranks stay longer; rank 0 always stays.
pub struct Ranked<'a> {
    /// How soon it goes: the largest first.
    pub rank: u8,
    /// The piece.
    pub line: Line<'a>,
}

/// Joins the pieces that fit into `width`, in their order, with `gap` between them.
#[must_use]
pub fn fit<'a>(mut pieces: Vec<Ranked<'a>>, width: u16, gap: &Line<'a>) -> Line<'a> {
    let gap_width = gap.width();
    loop {
        let needed = pieces.iter().enumerate().fold(0_u16, |sum, (n, piece)| {
            let before = if n == 0 { 0 } else { gap_width };
            sum.saturating_add(before)
                .saturating_add(piece.line.width())
        });
        let last = pieces
            .iter()
            .enumerate()
            .filter(|(_, piece)| 0 < piece.rank)
            .max_by_key(|(n, piece)| (piece.rank, *n))
            .map(|(n, _)| n);
        match last {
            Some(n) if width < needed => {
                pieces.remove(n);
            }
            _ => break,
        }
    }
    let mut all = Line::new();
    for (n, piece) in pieces.into_iter().enumerate() {
        if 0 < n {
            all.append(gap.clone());
        }
        all.append(piece.line);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(width: u16) -> String {
        let piece = |rank, text: &'static str| Ranked {
            rank,
            line: Line::of(Role::Text, text),
        };
        let pieces = vec![
            piece(0, "? help"),
            piece(2, "z zoom"),
            piece(1, "p hold"),
            piece(0, "q"),
        ];
        let line = fit(pieces, width, &Line::of(Role::Text, "  "));
        line.parts().iter().map(|(_, text)| text.as_ref()).collect()
    }

    #[test]
    fn less_important_pieces_go_first_and_rank_zero_never() {
        assert_eq!(fitted(40), "? help  z zoom  p hold  q");
        assert_eq!(fitted(25), "? help  z zoom  p hold  q");
        assert_eq!(fitted(24), "? help  p hold  q");
        assert_eq!(fitted(3), "? help  q");
    }
}
