//! Bytes on their way to the terminal, without ever waiting for it.

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

/// The way to the terminal.
pub(super) enum TermFd {
    /// Our own description, which does not block.
    Own(OwnedFd),
    /// Descriptor 1, shared with whoever started us; its flags are not ours to change.
    Stdout,
}

impl TermFd {
    pub(super) fn open() -> Self {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        rustix::termios::ttyname(rustix::stdio::stdout(), Vec::new())
            .and_then(|name| rustix::fs::open(name, flags, Mode::empty()))
            .map_or(Self::Stdout, Self::Own)
    }

    fn borrow(&self) -> BorrowedFd<'_> {
        match self {
            Self::Own(fd) => fd.as_fd(),
            Self::Stdout => rustix::stdio::stdout(),
        }
    }

    fn is_ready(&self, wait_ms: u64) -> bool {
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: i64::try_from(wait_ms.min(900) * 1_000_000).unwrap_or(0),
        };
        let fd = self.borrow();
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
        matches!(poll(&mut fds, Some(&wait)), Ok(n) if 0 < n)
    }

    /// Writes what fits now; 0 when nothing does.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = match self {
            Self::Own(_) => bytes,
            // As much as a terminal that polls as ready is sure to take, more or less.
            Self::Stdout if self.is_ready(0) => &bytes[..bytes.len().min(256)],
            Self::Stdout => return Ok(0),
        };
        match rustix::io::write(self.borrow(), chunk) {
            Ok(n) => Ok(n),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all of it, or gives up after `wait_ms` without progress.
    pub(super) fn write_within(&self, mut bytes: &[u8], wait_ms: u64) {
        while !bytes.is_empty() && self.is_ready(wait_ms) {
            match self.write(bytes) {
                Ok(0) | Err(_) => return,
                Ok(n) => bytes = &bytes[n..],
            }
        }
    }
}

/// Bytes on their way to the terminal.
pub(super) struct Output {
    pub(super) fd: Arc<TermFd>,
    pub(super) pending: Vec<u8>,
}

impl Output {
    pub(super) fn new(fd: Arc<TermFd>) -> Self {
        Self {
            fd,
            pending: Vec::new(),
        }
    }

    pub(super) fn pump(&mut self) -> io::Result<()> {
        let mut written = 0;
        let mut result = Ok(());
        while written < self.pending.len() {
            match self.fd.write(&self.pending[written..]) {
                Ok(0) => break,
                Ok(n) => written += n,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.pending.drain(..written);
        result
    }
}

/// Collects bytes; a flush writes nothing, because the frame goes out in one go.
pub(super) struct Writer(pub(super) Rc<RefCell<Output>>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
