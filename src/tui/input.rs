//! The input thread: reads keys, closes the gate on a kill key itself, passes the rest on.
//!
//! It owns crossterm's event reader and shares no lock with drawing: frames go to the terminal
//! through a file descriptor of their own (see `terminal`), never through `std::io::stdout`, and
//! nothing here writes to the terminal. So a terminal that nobody reads cannot delay a kill key.
//!
//! Queue: 256 messages to the run loop. When it is full, a kill key waits here in order (the
//! latch has been tripped before that); everything else is dropped.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{self, Event, KeyEvent, KeyEventKind};

use super::keymap::{Chord, Keymap};
use super::update::{KeyPress, Msg};
use crate::control::{Handle, KillReason, ScreenSwitch};
use crate::domain::KillLevel;

/// Messages that may wait for the run loop.
pub const QUEUE: usize = 256;
/// Kill keys that may wait here while the queue is full.
const WAITING: usize = 32;
/// Longest wait for a key before the flags are looked at.
const POLL: Duration = Duration::from_millis(100);

/// Microseconds of a clock that never runs backwards; the runtime owns the real one.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Everything the input thread may touch.
pub struct Wiring {
    /// The session, for its latch.
    pub handle: Handle,
    /// Which keys kill.
    pub keymap: Arc<Keymap>,
    /// Set by the run loop while a text field has the focus.
    pub typing: Arc<AtomicBool>,
    /// Ends the thread within [`POLL`].
    pub stop: Arc<AtomicBool>,
    /// Set when the terminal is gone; ends the thread as well.
    pub lost: Arc<AtomicBool>,
    /// Tells whether the terminal was given back: what is typed there belongs to nobody here.
    pub screen: Arc<ScreenSwitch>,
    /// Time of the keys.
    pub clock: Clock,
    /// To the run loop, with room for [`QUEUE`] messages.
    pub sender: SyncSender<Msg>,
}

/// What the thread does with an event; apart from the reading so that it can be tested.
pub struct Sorter {
    wiring: Wiring,
    waiting: VecDeque<Msg>,
}

/// Starts the thread.
///
/// # Errors
///
/// When the system has no room for a thread.
pub fn spawn(wiring: Wiring) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("ui-input".to_owned())
        .spawn(move || Sorter::new(wiring).run())
}

impl Sorter {
    /// A sorter with nothing waiting.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self {
            wiring,
            waiting: VecDeque::new(),
        }
    }

    fn run(mut self) {
        while !self.is_over() {
            self.flush();
            if self.wiring.screen.is_away() {
                std::thread::sleep(POLL);
                continue;
            }
            let event = match event::poll(POLL) {
                Ok(true) if self.wiring.screen.is_away() => continue,
                Ok(true) => event::read(),
                Ok(false) => continue,
                Err(error) => Err(error),
            };
            match event {
                Ok(event) => self.take(event),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // A terminal that cannot be read is as good as none.
                    tracing::warn!(%error, "terminal input ended");
                    self.wiring.lost.store(true, Ordering::SeqCst);
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.wiring.stop.load(Ordering::SeqCst) || self.wiring.lost.load(Ordering::SeqCst)
    }

    /// Takes one event. When it returns on a kill key, the gate is closed.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => {}
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.pass(Msg::Paste(text)),
            Event::Resize(..) => self.pass(Msg::Resize),
            Event::Mouse(_) => self.pass(Msg::Mouse),
            Event::FocusGained | Event::FocusLost => {}
        }
    }

    /// Passes on what could not be passed on before.
    pub fn flush(&mut self) {
        while let Some(message) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(message)) = self.wiring.sender.try_send(message) {
                self.waiting.push_front(message);
                return;
            }
        }
    }

    fn key(&mut self, event: KeyEvent) {
        let read_us = (self.wiring.clock)();
        let typing = self.wiring.typing.load(Ordering::SeqCst);
        let is_kill = self.wiring.keymap.is_kill(Chord::of(&event), typing);
        let tripped = is_kill.then(|| self.trip(event.kind, read_us));
        let message = Msg::Key(KeyPress {
            event,
            at_us: read_us,
            tripped,
        });
        if is_kill {
            self.keep(message);
        } else {
            self.pass(message);
        }
    }

    /// Closes the gate and tells the step before. A held key does so once, not with each repeat,
    /// so that it cannot fill the command queue.
    fn trip(&self, kind: KeyEventKind, read_us: u64) -> KillLevel {
        let before = self.wiring.handle.kill().level();
        if before < KillLevel::ReduceOnly && kind == KeyEventKind::Press {
            self.wiring
                .handle
                .trip(KillLevel::ReduceOnly, KillReason::Operator);
            let micros = (self.wiring.clock)().saturating_sub(read_us);
            tracing::info!(micros, "gate closed");
        }
        before
    }

    fn keep(&mut self, message: Msg) {
        if self.waiting.len() == WAITING {
            // The newest press decides whether an older one was lone, so it replaces the last.
            self.waiting.pop_back();
        }
        self.waiting.push_back(message);
        self.flush();
    }

    fn pass(&mut self, message: Msg) {
        self.flush();
        if self.waiting.is_empty() && self.wiring.sender.try_send(message).is_err() {
            tracing::warn!("a key was dropped: {QUEUE} wait for the console");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::mpsc::{Receiver, sync_channel};

    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;
    use crate::control::{Command, KillSwitch, Publisher, TradeCommand, channel};
    use crate::tui::update::tests::snapshot;

    struct Bench {
        sorter: Sorter,
        publisher: Publisher,
        received: Receiver<Msg>,
        typing: Arc<AtomicBool>,
    }

    fn bench(room: usize) -> Bench {
        let (kill, _reset) = KillSwitch::new(KillLevel::Active);
        let (publisher, handle) = channel(kill, snapshot());
        let (sender, received) = sync_channel(room);
        let typing = Arc::new(AtomicBool::new(false));
        let time = AtomicU64::new(0);
        let wiring = Wiring {
            handle,
            keymap: Arc::new(Keymap::builtin()),
            typing: Arc::clone(&typing),
            stop: Arc::new(AtomicBool::new(false)),
            lost: Arc::new(AtomicBool::new(false)),
            screen: Arc::default(),
            clock: Arc::new(move || time.fetch_add(1_000, Ordering::SeqCst)),
            sender,
        };
        Bench {
            sorter: Sorter::new(wiring),
            publisher,
            received,
            typing,
        }
    }

    impl Bench {
        fn press(&mut self, c: char) {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            self.sorter.take(Event::Key(key));
        }

        fn level(&self) -> KillLevel {
            self.sorter.wiring.handle.kill().level()
        }

        fn tripped(&self) -> Vec<Option<KillLevel>> {
            let keys = self.received.try_iter().map(|message| match message {
                Msg::Key(key) => key.tripped,
                other => panic!("{other:?} is not a key"),
            });
            keys.collect()
        }
    }

    #[test]
    fn a_kill_key_closes_the_gate_before_anybody_reads_the_queue() {
        let mut bench = bench(QUEUE);
        bench.press('K');
        assert_eq!(bench.level(), KillLevel::ReduceOnly);
        assert_eq!(bench.tripped(), [Some(KillLevel::Active)]);
        assert!(matches!(
            bench.publisher.commands().try_recv(),
            Ok(Command::Trade(TradeCommand::Kill {
                level: KillLevel::ReduceOnly,
                ..
            }))
        ));
    }

    #[test]
    fn a_full_queue_drops_keys_but_neither_the_trip_nor_the_kill_key() {
        let mut bench = bench(2);
        for c in ['j', 'j', 'j', 'K', 'j', 'K'] {
            bench.press(c);
        }
        assert_eq!(bench.level(), KillLevel::ReduceOnly);
        assert_eq!(bench.tripped(), [None, None]);
        bench.sorter.flush();
        let kept = [Some(KillLevel::Active), Some(KillLevel::ReduceOnly)];
        assert_eq!(bench.tripped(), kept);
    }

    #[test]
    fn a_held_kill_key_sends_one_command() {
        let mut bench = bench(QUEUE);
        for _ in 0..200 {
            bench.press('K');
        }
        assert_eq!(bench.publisher.commands().try_iter().count(), 1);
    }

    #[test]
    fn a_letter_in_a_text_field_is_a_letter_and_f12_is_not() {
        let mut bench = bench(QUEUE);
        bench.typing.store(true, Ordering::SeqCst);
        bench.press('K');
        assert_eq!(bench.level(), KillLevel::Active);
        let f12 = KeyEvent::new(KeyCode::F(12), KeyModifiers::NONE);
        bench.sorter.take(Event::Key(f12));
        assert_eq!(bench.level(), KillLevel::ReduceOnly);
    }

    #[test]
    fn pasted_kill_keys_releases_and_repeats_trip_nothing() {
        let mut bench = bench(QUEUE);
        bench.sorter.take(Event::Paste("KKKK\r".to_owned()));
        let mut key = KeyEvent::new(KeyCode::Char('K'), KeyModifiers::NONE);
        for kind in [KeyEventKind::Release, KeyEventKind::Repeat] {
            key.kind = kind;
            bench.sorter.take(Event::Key(key));
        }
        assert_eq!(bench.level(), KillLevel::Active);
        assert_eq!(
            bench.received.try_recv(),
            Ok(Msg::Paste("KKKK\r".to_owned()))
        );
    }
}
