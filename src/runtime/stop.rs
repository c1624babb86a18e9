//! How a process asks a session to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Asks for the end of a session, from any thread. Cheap to clone; never taken back.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    /// Signal that asked first; 0 while nobody has.
    signal: AtomicU8,
    again: AtomicBool,
}

impl StopFlag {
    /// Asks for an ordered end because of a signal; the second call asks for an end at once.
    pub fn signal(&self, number: u8) {
        let first = self
            .0
            .signal
            .compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
        if first.is_err() {
            self.0.again.store(true, Ordering::SeqCst);
        }
    }

    /// Signal that asked first, if any.
    #[must_use]
    pub fn get(&self) -> Option<u8> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            number => Some(number),
        }
    }

    /// Whether it was asked for more than once: nothing more is waited for.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.0.again.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_is_kept_and_the_second_is_urgent() {
        let stop = StopFlag::default();
        assert_eq!((stop.get(), stop.is_urgent()), (None, false));
        stop.signal(15);
        assert_eq!((stop.get(), stop.is_urgent()), (Some(15), false));
        stop.clone().signal(2);
        assert_eq!((stop.get(), stop.is_urgent()), (Some(15), true));
    }
}
