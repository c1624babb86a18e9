//! The terminal: taken, given back exactly once at the end, and never waited for. In between it can
//! be given back for a while.
//!
//! A frame is built in memory and written in one go inside a synchronized update (mode 2026).
//! It goes through a file description of our own that does not block: what a slow or stuck
//! terminal does not take stays here, and no new frame is drawn until it has been taken. So the
//! run loop never blocks in a write, key decisions and shutdown go on, and `std::io::stdout`
//! with its lock is not used at all.
//!
//! Where the terminal cannot be opened a second time by its name, writes go to descriptor 1
//! after a poll; such a write can block. The process can still end: the runtime calls
//! `process::exit` after its ordered shutdown, and giving the terminal back from another thread
//! waits for at most [`RESTORE_MS`] before the modes are reset without the escape sequences.

mod cells;
mod output;
mod screen;

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, queue, style};
use ratatui::{Frame, Terminal};
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};

use output::{Output, TermFd, Writer};

pub use screen::Screen;

/// Longest wait for a terminal that does not take the restoring sequences.
pub const RESTORE_MS: u64 = 200;
/// Why there is no terminal to draw on.
#[derive(Debug, thiserror::Error)]
pub enum TermError {
    /// Standard input or output is a file, a pipe or nothing.
    #[error("no terminal: use --no-tui")]
    NoTerminal,
    /// The terminal refused.
    #[error("terminal: {0}; use --no-tui")]
    Io(#[from] io::Error),
}

/// Whether colours have to stay off: `NO_COLOR` is set and not empty. The caller chooses the
/// `mono` theme then.
#[must_use]
pub fn wants_no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The terminal while it is ours. Dropping it gives it back; so does a panic in any thread.
pub struct Term {
    terminal: Terminal<Screen<Writer>>,
    output: Rc<RefCell<Output>>,
    restore: Arc<Restore>,
    mouse: bool,
}

impl Term {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, and the mouse if wanted.
    ///
    /// # Errors
    ///
    /// When there is no terminal, or it refuses; it is as before then.
    pub fn enter(mouse: bool) -> Result<Self, TermError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(TermError::NoTerminal);
        }
        // crossterm 0.29 answers NO_COLOR with resets that also wipe bold and reverse
        // (crossterm 1069); the `mono` theme does it properly instead.
        style::force_color_output(true);
        let fd = Arc::new(TermFd::open());
        let restore = Arc::new(Restore {
            done: AtomicBool::new(false),
            away: AtomicBool::new(false),
            fd: Arc::clone(&fd),
        });
        install_hook(Arc::downgrade(&restore));
        let guard = RestoreOnDrop(Arc::clone(&restore));
        crossterm::terminal::enable_raw_mode()?;
        let output = Rc::new(RefCell::new(Output::new(fd)));
        let mut writer = Writer(Rc::clone(&output));
        queue_entry(&mut writer, mouse)?;
        let terminal = Terminal::new(Screen::new(writer))?;
        std::mem::forget(guard);
        Ok(Self {
            terminal,
            output,
            restore,
            mouse,
        })
    }

    /// Gives the terminal back while the console lives on, with `words` on it. Where another
    /// process group has the terminal it is left as it is: touching it would stop this process.
    pub fn leave(&mut self, words: &str) {
        // Half a frame helps nobody; the first restoring byte ends one that was half written.
        self.output.borrow_mut().pending.clear();
        self.restore.away.store(true, Ordering::SeqCst);
        if has_terminal() {
            self.restore.give_back(words);
        }
    }

    /// Takes the terminal again; every cell has to be drawn then. What was typed meanwhile is
    /// thrown away. `false` when another process group has the terminal: it stays away.
    ///
    /// # Errors
    ///
    /// When the terminal refuses, for example because it has gone.
    pub fn come_back(&mut self) -> io::Result<bool> {
        self.restore.away.store(true, Ordering::SeqCst);
        if !has_terminal() {
            return Ok(false);
        }
        tcflush(rustix::stdio::stdin(), QueueSelector::IFlush)?;
        // A shell may have had it in between: begin from the modes of a terminal at rest.
        crossterm::terminal::disable_raw_mode()?;
        crossterm::terminal::enable_raw_mode()?;
        queue_entry(&mut Writer(Rc::clone(&self.output)), self.mouse)?;
        self.restore.away.store(false, Ordering::SeqCst);
        Ok(true)
    }

    /// Whether the terminal was given back for a while.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.restore.away.load(Ordering::SeqCst)
    }

    /// Builds one frame in memory; [`Term::pump`] writes it. Only to be called when
    /// [`Term::is_clear`].
    ///
    /// # Errors
    ///
    /// When the terminal refuses, for example because it has gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let mut writer = Writer(Rc::clone(&self.output));
        queue!(writer, BeginSynchronizedUpdate)?;
        self.terminal.draw(view)?;
        queue!(writer, EndSynchronizedUpdate)
    }

    /// Makes the next frame draw every cell.
    ///
    /// # Errors
    ///
    /// When the terminal refuses.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Writes what is still waiting, as far as the terminal takes it.
    ///
    /// # Errors
    ///
    /// When the terminal refuses.
    pub fn pump(&mut self) -> io::Result<()> {
        if self.was_restored() {
            return Ok(());
        }
        self.output.borrow_mut().pump()
    }

    /// Whether everything drawn has been taken by the terminal.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.output.borrow().pending.is_empty()
    }

    /// Whether the terminal was given back behind our back: a thread has panicked.
    #[must_use]
    pub fn was_restored(&self) -> bool {
        self.restore.done.load(Ordering::SeqCst)
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        self.restore.run();
    }
}

struct RestoreOnDrop(Arc<Restore>);

impl Drop for RestoreOnDrop {
    fn drop(&mut self) {
        self.0.run();
    }
}

fn queue_entry(writer: &mut Writer, mouse: bool) -> io::Result<()> {
    queue!(
        writer,
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )?;
    if mouse {
        queue!(writer, EnableMouseCapture)?;
    }
    Ok(())
}

/// Whether this process may change the terminal. One in the background would be stopped for it.
fn has_terminal() -> bool {
    // Without job control there is no foreground to be out of.
    tcgetpgrp(rustix::stdio::stdin()).map_or(true, |group| group == rustix::process::getpgrp())
}

/// Gives the terminal back, once at the end, from whichever thread comes first.
struct Restore {
    done: AtomicBool,
    /// Whether the terminal is not ours at the moment.
    away: AtomicBool,
    fd: Arc<TermFd>,
}

impl Restore {
    fn run(&self) {
        if !self.done.swap(true, Ordering::SeqCst) && !self.away.load(Ordering::SeqCst) {
            self.give_back("");
        }
    }

    fn give_back(&self, words: &str) {
        let mut bytes = Vec::new();
        // The first byte (cancel) ends a sequence that a stuck frame may have left half written.
        bytes.push(0x18);
        let built = queue!(
            bytes,
            EndSynchronizedUpdate,
            style::SetAttribute(style::Attribute::Reset),
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        if built.is_ok() {
            bytes.extend_from_slice(words.as_bytes());
            self.fd.write_within(&bytes, RESTORE_MS);
        }
        if let Err(error) = crossterm::terminal::disable_raw_mode() {
            tracing::warn!(%error, "terminal modes were not reset");
        }
    }
}

/// Restores first and then lets the former hook print, so that the message is seen.
fn install_hook(restore: Weak<Restore>) {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Some(restore) = restore.upgrade() {
            restore.run();
        }
        former(info);
    }));
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    /// A terminal that nobody reads: a pipe that does not block.
    fn stuck() -> (OwnedFd, Output) {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).unwrap();
        (reader, Output::new(Arc::new(TermFd::Own(writer))))
    }

    #[test]
    fn what_a_stuck_terminal_does_not_take_is_kept_in_order() {
        let (reader, mut output) = stuck();
        let sent: Vec<u8> = (0..=250).cycle().take(300_000).collect();
        output.pending.extend_from_slice(&sent);
        output.pump().unwrap();
        assert!(!output.pending.is_empty(), "a pipe holds less than that");
        let mut received = Vec::new();
        let mut buffer = [0; 4_096];
        while !output.pending.is_empty() || received.len() < sent.len() {
            let n = rustix::io::read(&reader, &mut buffer[..]).unwrap();
            received.extend_from_slice(&buffer[..n]);
            output.pump().unwrap();
        }
        assert!(received == sent, "bytes were lost, doubled or reordered");
    }

    #[test]
    fn a_terminal_that_has_gone_is_an_error_and_not_a_loop() {
        let (reader, mut output) = stuck();
        drop(reader);
        output.pending.push(b'x');
        assert_eq!(output.pump().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn giving_back_a_stuck_terminal_ends() {
        let (_reader, output) = stuck();
        while output.fd.write(&[b'x'; 4_096]).unwrap() != 0 {}
        output.fd.write_within(b"restore", 1);
    }

    #[test]
    fn restoring_happens_once() {
        let (reader, output) = stuck();
        let restore = Restore {
            done: AtomicBool::new(false),
            away: AtomicBool::new(false),
            fd: Arc::clone(&output.fd),
        };
        restore.run();
        restore.run();
        let mut buffer = [0; 1_024];
        let n = rustix::io::read(&reader, &mut buffer[..]).unwrap();
        let text = String::from_utf8_lossy(&buffer[..n]);
        assert_eq!(text.matches("\x1b[?1049l").count(), 1, "{text:?}");
        assert!(text.contains("\x1b[?25h") && text.contains("\x1b[?2004l"));
    }
}
