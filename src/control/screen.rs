//! Whether the console has its terminal: asked for by keys and signals, followed by the console.

use std::sync::atomic::{AtomicBool, Ordering};

/// Switch between a console on its screen and a terminal that was given back while trading goes
/// on. Anybody may flip it, from any thread; only the console touches the terminal.
#[derive(Debug, Default)]
pub struct ScreenSwitch {
    away: AtomicBool,
    again: AtomicBool,
}

impl ScreenSwitch {
    /// Asks for the terminal to be given back.
    pub fn leave(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// Asks for the screen, also when it should be there: somebody else may have drawn on it.
    pub fn come_back(&self) {
        self.again.store(true, Ordering::SeqCst);
        self.away.store(false, Ordering::SeqCst);
    }

    /// Leaves, or comes back when it has left.
    pub fn toggle(&self) {
        if self.is_away() {
            self.come_back();
        } else {
            self.leave();
        }
    }

    /// Whether the terminal is to be left alone.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::SeqCst)
    }

    /// Whether the screen was asked for since the last call.
    #[must_use]
    pub fn take_again(&self) -> bool {
        self.again.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_toggles_and_a_wish_for_the_screen_is_kept_once() {
        let switch = ScreenSwitch::default();
        assert!(!switch.is_away() && !switch.take_again());
        switch.toggle();
        assert!(switch.is_away() && !switch.take_again());
        switch.toggle();
        assert!(!switch.is_away() && switch.take_again() && !switch.take_again());
        switch.come_back();
        assert!(switch.take_again());
    }
}
