//! Whether a request has left: decided once, by its task or by its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const WITHDRAWN: u8 = 2;

/// State of a request between its caller and the task that writes it.
#[derive(Debug, Default)]
pub(super) struct Ticket(AtomicU8);

impl Ticket {
    /// Claims the request for writing. After `false` it must not be written.
    pub(super) fn take(&self) -> bool {
        self.decide(TAKEN)
    }

    /// Claims that the request shall not be written. After `false` it may have been.
    fn withdraw(&self) -> bool {
        self.decide(WITHDRAWN)
    }

    fn decide(&self, to: u8) -> bool {
        self.0
            .compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Withdraws a request when its caller goes away.
pub(super) struct Guard(Arc<Ticket>);

impl Guard {
    pub(super) const fn new(ticket: Arc<Ticket>) -> Self {
        Self(ticket)
    }

    /// Withdraws the request; `false` if it may have been written.
    pub(super) fn withdraw(&self) -> bool {
        self.0.withdraw()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_either_written_or_withdrawn() {
        let ticket = Arc::new(Ticket::default());
        assert!(ticket.take());
        let guard = Guard::new(Arc::clone(&ticket));
        assert!(!guard.withdraw());

        let ticket = Arc::new(Ticket::default());
        drop(Guard::new(Arc::clone(&ticket)));
        assert!(!ticket.take());
    }
}
