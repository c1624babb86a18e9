//! Tables whose columns take the width of what they show and go by rank when there is no room.

use ratatui::layout::Rect;

use super::canvas::{Canvas, width_of};
use super::num::cells;
use crate::tui::theme::Role;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Title, in capitals.
    pub title: &'static str,
    /// How soon it goes when there is no room: the largest first, 0 never.
    pub rank: u8,
    /// Whether numbers end at the right.
    pub right: bool,
}

impl Column {
    /// Column of words.
    #[must_use]
    pub const fn left(title: &'static str, rank: u8) -> Self {
        Self {
            title,
            rank,
            right: false,
        }
    }

    /// Column of numbers.
    #[must_use]
    pub const fn right(title: &'static str, rank: u8) -> Self {
        Self {
            title,
            rank,
            right: true,
        }
    }
}

/// A text in its role.
pub type TableCell = (Role, String);

/// Which rows are on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// The first ones.
    First,
    /// The last ones.
    Last,
    /// Those around a selected row, which is marked.
    Selected(usize),
}

/// First row on screen out of `n`, of which `room` fit.
#[must_use]
pub fn window(n: usize, room: usize, follow: Follow) -> usize {
    let most = n.saturating_sub(room);
    match follow {
        Follow::First => 0,
        Follow::Last => most,
        Follow::Selected(row) => row.saturating_sub(room / 2).min(most),
    }
}

/// Draws titles and the rows that fit; `row(n)` makes the cells of row `n`, one a column.
pub fn table(
    canvas: &mut Canvas<'_>,
    area: Rect,
    columns: &[Column],
    n_rows: usize,
    follow: Follow,
    row: impl Fn(usize) -> Vec<TableCell>,
) {
    if area.width < 2 || area.height == 0 {
        return;
    }
    let room = usize::from(area.height - 1);
    let first = window(n_rows, room, follow);
    let shown: Vec<Vec<TableCell>> = (first..n_rows).take(room).map(row).collect();
    let widths = widths(columns, &shown, area.width - 1);
    let title = canvas.style(Role::Dim);
    let draw_cell = |canvas: &mut Canvas<'_>, n: usize, y: u16, text: &str, style| {
        let (x, width) = widths[n];
        if 0 < width {
            let needed = width_of(text).min(width);
            let skip = if columns[n].right { width - needed } else { 0 };
            let x = area.x.saturating_add(x).saturating_add(skip);
            canvas.text(x, y, width - skip, text, style);
        }
    };
    for (n, column) in columns.iter().enumerate() {
        draw_cell(canvas, n, area.y, column.title, title);
    }
    for (line, row) in shown.iter().enumerate() {
        let y = area.y.saturating_add(cells(line + 1));
        for (n, (role, text)) in row.iter().enumerate().take(columns.len()) {
            let style = canvas.style(*role);
            draw_cell(canvas, n, y, text, style);
        }
        if follow == Follow::Selected(first + line) {
            let style = canvas.style(Role::Text);
            canvas.put(area.x, y, '▸', style);
            canvas.tint(Rect::new(area.x, y, area.width, 1), Role::Selection);
        }
    }
}

/// Offset and width of each column; width 0 for those left out. One cell is kept at the left for
/// the mark of the selected row.
fn widths(columns: &[Column], rows: &[Vec<TableCell>], room: u16) -> Vec<(u16, u16)> {
    let mut wanted: Vec<u16> = columns
        .iter()
        .enumerate()
        .map(|(n, column)| {
            rows.iter()
                .filter_map(|row| row.get(n))
                .map(|(_, text)| width_of(text))
                .fold(width_of(column.title), u16::max)
        })
        .collect();
    let gap = |wanted: &[u16]| if room < 70 || wanted.len() < 3 { 1 } else { 2 };
    let needed = |wanted: &[u16], gap: u16| {
        wanted
            .iter()
            .filter(|w| 0 < **w)
            .fold(0_u16, |sum, w| sum.saturating_add(*w).saturating_add(gap))
            .saturating_sub(gap)
    };
    let gap = gap(&wanted);
    while room < needed(&wanted, gap) {
        let last = (0..columns.len())
            .filter(|n| 0 < columns[*n].rank && 0 < wanted[*n])
            .max_by_key(|n| (columns[*n].rank, *n));
        match last {
            Some(n) => wanted[n] = 0,
            None => break,
        }
    }
    let mut x = 1_u16;
    wanted
        .into_iter()
        .map(|width| {
            let width = width.min((room + 1).saturating_sub(x));
            let at = x;
            if 0 < width {
                x = x.saturating_add(width).saturating_add(gap);
            }
            (at, width)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::{Buffer, Cell};

    use super::*;
    use crate::tui::theme::Theme;

    const COLUMNS: [Column; 3] = [
        Column::left("NAME", 0),
        Column::right("SIZE", 1),
        Column::left("REASON", 2),
    ];

    fn drawn(width: u16, height: u16, n: usize, follow: Follow) -> Vec<String> {
        let theme = Theme::builtin("dark").unwrap();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let mut canvas = Canvas::new(&mut buffer, &theme, false);
        table(&mut canvas, area, &COLUMNS, n, follow, |row| {
            vec![
                (Role::Text, format!("row{row}")),
                (Role::Text, format!("{}.5", row * 10)),
                (Role::Text, "because".to_owned()),
            ]
        });
        buffer
            .content
            .chunks(usize::from(width).max(1))
            .map(|row| row.iter().map(Cell::symbol).collect::<String>())
            .map(|row| row.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn columns_go_by_rank() {
        assert_eq!(
            drawn(20, 2, 1, Follow::First),
            [" NAME SIZE REASON", " row0  0.5 because"]
        );
        assert_eq!(drawn(12, 2, 1, Follow::First), [" NAME SIZE", " row0  0.5"]);
        assert_eq!(drawn(4, 2, 1, Follow::First), [" NAM", " row"]);
    }

    #[test]
    fn the_selected_row_is_on_screen_and_marked() {
        assert_eq!(
            drawn(12, 4, 9, Follow::Selected(8)),
            [" NAME SIZE", " row6 60.5", " row7 70.5", "▸row8 80.5"]
        );
        assert_eq!(drawn(12, 3, 9, Follow::Last)[2], " row8 80.5");
        assert_eq!(window(9, 3, Follow::Selected(4)), 3);
        assert_eq!(window(2, 5, Follow::Selected(1)), 0);
    }
}
