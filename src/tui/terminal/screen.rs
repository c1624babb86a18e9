//! The backend that ratatui draws to.

use std::io::{self, Write};

use crossterm::terminal::{Clear, ClearType as Part};
use crossterm::{cursor, queue};
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

use super::cells::queue_cells;

/// Largest size that is drawn; a terminal that claims more gets this much.
const MAX_SIZE: Size = Size {
    width: 1_000,
    height: 400,
};

/// A terminal as bytes. It asks the terminal nothing: the answer to where the cursor is would go to
/// the input thread's reader, and asking a shell tool for the size takes too long. Flushing does
/// nothing, because a frame leaves in one go.
#[derive(Debug)]
pub struct Screen<W> {
    writer: W,
    cursor: Position,
}

impl<W: Write> Screen<W> {
    /// A screen that writes to `writer`.
    pub const fn new(writer: W) -> Self {
        Self {
            writer,
            cursor: Position::ORIGIN,
        }
    }
}

impl<W: Write> Backend for Screen<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        queue_cells(&mut self.writer, content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        queue!(self.writer, cursor::Hide)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        queue!(self.writer, cursor::Show)
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        queue!(self.writer, cursor::MoveTo(self.cursor.x, self.cursor.y))
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        let part = match clear_type {
            ClearType::All => Part::All,
            ClearType::AfterCursor => Part::FromCursorDown,
            ClearType::BeforeCursor => Part::FromCursorUp,
            ClearType::CurrentLine => Part::CurrentLine,
            ClearType::UntilNewLine => Part::UntilNewLine,
        };
        queue!(self.writer, Clear(part))
    }

    fn size(&self) -> io::Result<Size> {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout())?;
        Ok(Size::new(
            size.ws_col.clamp(1, MAX_SIZE.width),
            size.ws_row.clamp(1, MAX_SIZE.height),
        ))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
