//! Notices that the terminal has gone, and frees the input thread from it.
//!
//! crossterm never returns from a read on a terminal that has hung up: it reads "end of file"
//! for ever, at full CPU, and cannot be cancelled. A tiny thread therefore watches descriptor 0
//! and, on hang-up, puts the reading end of an empty non-blocking pipe in its place. The stuck
//! read then gets "would block", leaves its loop and times out like on a quiet terminal. What
//! becomes of the session is the runtime's decision.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

/// Longest time between two looks at the stop flag.
const SLICE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 250_000_000,
};

/// Starts the watch over descriptor 0. Sets `lost` on hang-up; ends then or when `stop` is set.
///
/// # Errors
///
/// When the pipe or the thread cannot be made.
pub fn spawn(lost: Arc<AtomicBool>, stop: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    let (quiet, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
    std::thread::Builder::new()
        .name("ui-hangup".to_owned())
        .spawn(move || {
            if !wait_for_hangup(rustix::stdio::stdin(), &stop) {
                return;
            }
            if let Err(error) = rustix::stdio::dup2_stdin(quiet.as_fd()) {
                tracing::warn!(%error, "the lost terminal could not be replaced");
            }
            // Closed, it would make the pipe read "end of file" and bring the busy loop back.
            std::mem::forget(writer);
            lost.store(true, Ordering::SeqCst);
            tracing::warn!("terminal lost");
        })
}

/// Waits until the other side of `fd` has gone; `false` when `stop` was set first.
fn wait_for_hangup(fd: BorrowedFd<'_>, stop: &AtomicBool) -> bool {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    while !stop.load(Ordering::SeqCst) {
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
        match poll(&mut fds, Some(&SLICE)) {
            Ok(_) if fds[0].revents().intersects(gone) => return true,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::warn!(%error, "the terminal cannot be watched");
                return false;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_other_side_is_a_hangup() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        drop(writer);
        assert!(wait_for_hangup(reader.as_fd(), &AtomicBool::new(false)));
    }

    #[test]
    fn waiting_input_is_no_hangup_and_stop_ends_the_watch() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        rustix::io::write(&writer, b"K").unwrap();
        assert!(!wait_for_hangup(reader.as_fd(), &AtomicBool::new(true)));
        let stop = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&stop);
        let watch = std::thread::spawn(move || wait_for_hangup(reader.as_fd(), &watched));
        stop.store(true, Ordering::SeqCst);
        assert!(!watch.join().unwrap());
    }
}
