//! Tests of the loop's turns with a made-up clock.

use super::*;
use crate::control::{KillReset, KillSwitch, Publisher, SessionCommand, TradeCommand, channel};
use crate::domain::KillLevel;
use crate::tui::keymap::Chord;
use crate::tui::keymap::Keymap;
use crate::tui::model::View;
use crate::tui::update::KeyPress;
use crate::tui::update::Layout;
use crate::tui::update::tests::{layout, snapshot};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Knows one other theme.
struct Blank;

impl Screen for Blank {
    fn layout(&self) -> Layout {
        layout()
    }

    fn draw(&mut self, _frame: &mut Frame<'_>, _scene: &Scene<'_>) {}

    fn set_theme(&mut self, name: &str) -> Result<(), String> {
        if name == "light" {
            Ok(())
        } else {
            Err(format!("no theme {name}"))
        }
    }
}

fn options() -> UiOptions {
    UiOptions {
        fps: 10,
        theme: "dark".to_owned(),
        themes: vec!["dark".to_owned(), "light".to_owned(), "lost".to_owned()],
        keymap: Keymap::builtin(),
        mouse: false,
        ascii: false,
    }
}

struct Bench {
    desk: Desk<'static>,
    publisher: Option<Publisher>,
    reset: KillReset,
    terminal: Terminal<TestBackend>,
}

fn bench() -> Bench {
    let (kill, reset) = KillSwitch::new(KillLevel::Active);
    let (publisher, handle) = channel(kill, snapshot());
    let screen = Box::leak(Box::new(Blank));
    Bench {
        desk: Desk::new(handle, options(), screen, Arc::default(), Arc::default()),
        publisher: Some(publisher),
        reset,
        terminal: Terminal::new(TestBackend::new(40, 10)).unwrap(),
    }
}

impl Bench {
    /// A turn at a time with some keys, and the frame if one is due; tells whether one was.
    fn turn(&mut self, keys: &[&str], at_ms: u64) -> (Option<ExitPolicy>, bool) {
        let messages: Vec<Msg> = keys.iter().map(|key| press(key, at_ms)).collect();
        let end = self.desk.turn(messages.into_iter(), at_ms);
        let due = self.desk.is_due(at_ms);
        if due {
            self.terminal
                .draw(|frame| self.desk.draw(frame, at_ms))
                .unwrap();
        }
        (end, due)
    }

    fn draws(&mut self, keys: &[&str], at_ms: u64) -> bool {
        self.turn(keys, at_ms).1
    }

    fn publish(&self, version: u64) {
        self.publisher.as_ref().unwrap().publish(Snapshot {
            version,
            ..snapshot()
        });
    }

    fn commands(&self) -> Vec<Command> {
        self.publisher
            .as_ref()
            .unwrap()
            .commands()
            .try_iter()
            .collect()
    }
}

fn press(key: &str, at_ms: u64) -> Msg {
    Msg::Key(KeyPress {
        event: Chord::parse(key).unwrap().event(),
        at_us: at_ms * 1_000,
        tripped: None,
    })
}

#[test]
fn a_frame_is_drawn_for_a_new_picture_a_key_or_an_old_age_and_not_otherwise() {
    let mut bench = bench();
    assert!(bench.draws(&[], 0), "the first frame");
    assert!(!bench.draws(&[], 500), "nothing is new");
    assert!(bench.draws(&[], 1_000), "ages grow");
    bench.publish(2);
    assert!(!bench.draws(&[], 1_050), "10 frames a second at most");
    assert!(bench.draws(&[], 1_100));
    assert!(bench.draws(&["2"], 1_140), "a key is shown sooner");
    assert_eq!(bench.desk.ui.model.view, View::Book);
    assert!(!bench.draws(&["3"], 1_150));
    assert!(bench.draws(&[], 1_180));
    assert!(bench.draws(&["ctrl-l"], 1_300), "asked for");
    bench
        .desk
        .handle
        .trip(KillLevel::Halted, KillReason::Signal);
    assert!(bench.draws(&[], 1_400), "the latch moved");
}

#[test]
fn a_quiet_console_waits_and_a_deciding_one_hurries() {
    let mut bench = bench();
    bench.draws(&[], 0);
    assert_eq!(bench.desk.wait_ms(700), 100);
    bench.publish(2);
    bench.desk.turn(std::iter::empty(), 40);
    assert_eq!(bench.desk.wait_ms(40), 60);
    bench.draws(&["K"], 1_000);
    bench.draws(&["K"], 1_400);
    assert_eq!(bench.desk.wait_ms(1_400), BUSY_WAIT_MS);
}

#[test]
fn keys_act_on_the_picture_on_screen() {
    let mut bench = bench();
    bench.draws(&[], 0);
    bench.publish(2);
    bench.desk.turn([press("j", 50)].into_iter(), 50);
    assert_eq!(
        bench.desk.picture.version, 1,
        "version 2 has not been drawn"
    );
    assert!(bench.draws(&[], 100));
    assert_eq!(bench.desk.picture.version, 2);
}

#[test]
fn a_paused_view_keeps_its_picture_while_the_session_goes_on() {
    let mut bench = bench();
    bench.turn(&["p"], 0);
    bench.publish(2);
    bench.turn(&[], 5_000);
    assert_eq!(bench.desk.picture.version, 1);
    assert_eq!(bench.desk.ui.model.snapshot_age_ms, 5_000);
    bench.turn(&["p"], 5_100);
    bench.turn(&[], 5_200);
    assert_eq!(bench.desk.picture.version, 2);
}

#[test]
fn a_lone_press_halts_though_no_frame_is_taken() {
    let mut bench = bench();
    bench.turn(&["K"], 0);
    assert_eq!(bench.desk.handle.kill().level(), KillLevel::ReduceOnly);
    bench.turn(&["K"], 400);
    bench.turn(&[], 519);
    assert_eq!(bench.desk.handle.kill().level(), KillLevel::ReduceOnly);
    bench.turn(&[], 520);
    assert_eq!(bench.desk.handle.kill().level(), KillLevel::Halted);
    assert!(matches!(
        bench.commands()[..],
        [
            Command::Trade(TradeCommand::Kill {
                level: KillLevel::ReduceOnly,
                ..
            }),
            Command::Trade(TradeCommand::Kill {
                level: KillLevel::Halted,
                ..
            })
        ]
    ));
}

#[test]
fn the_modal_is_answered_only_after_its_own_frame_was_taken() {
    let mut bench = bench();
    bench.draws(&[], 0);
    bench.desk.turn([press("K", 10)].into_iter(), 10);
    bench.desk.shown(20_000);
    bench.turn(&["enter"], 30);
    assert_eq!(
        bench.desk.handle.kill().level(),
        KillLevel::ReduceOnly,
        "the frame on screen is the one before the modal"
    );
    assert!(bench.draws(&[], 200));
    bench.desk.shown(210_000);
    bench.turn(&["enter"], 220);
    assert_eq!(bench.desk.handle.kill().level(), KillLevel::Halted);
}

#[test]
fn esc_does_not_lower_a_latch_that_a_signal_has_raised_meanwhile() {
    let mut bench = bench();
    bench.draws(&["K"], 0);
    bench.desk.shown(10_000);
    bench
        .desk
        .handle
        .trip(KillLevel::Halted, KillReason::Signal);
    bench.turn(&["esc"], 500);
    let resumed =
        |command: &Command| matches!(command, Command::Trade(TradeCommand::Resume { .. }));
    assert!(!bench.commands().iter().any(resumed));
}

#[test]
fn the_modal_goes_when_the_session_resumes() {
    let mut bench = bench();
    bench.draws(&["K"], 0);
    let level = bench.reset.switch().level();
    assert!(bench.reset.lower(level, KillLevel::Active));
    bench.turn(&[], 300);
    assert_eq!(bench.desk.ui.model.overlay, None);
}

#[test]
fn a_full_command_queue_is_said_on_screen() {
    let mut bench = bench();
    let hold = || Command::Session(SessionCommand::Hold(true));
    while bench.desk.handle.send(hold()).is_ok() {}
    bench.turn(&["."], 0);
    let toast = bench.desk.ui.model.toasts.last().unwrap();
    assert!(toast.warn && toast.text.contains("busy"), "{}", toast.text);
}

#[test]
fn an_unknown_theme_is_said_on_screen() {
    let mut bench = bench();
    bench.turn(&["t", "down"], 0);
    assert!(bench.desk.ui.model.toasts.is_empty());
    bench.turn(&["down"], 10);
    assert_eq!(bench.desk.ui.model.toasts[0].text, "no theme lost");
}

#[test]
fn the_last_picture_stays_after_the_end_until_a_quit_key() {
    let mut bench = bench();
    bench.publisher = None;
    assert_eq!(bench.turn(&[], 0), (None, true));
    assert_eq!(bench.turn(&["j"], 100).0, None);
    assert_eq!(bench.turn(&["q"], 200).0, Some(ExitPolicy::Keep));
}

#[test]
fn text_fields_are_told_to_the_input_thread() {
    let mut bench = bench();
    bench.turn(&[":"], 0);
    assert!(bench.desk.typing.load(Ordering::SeqCst));
    bench.turn(&["esc"], 100);
    assert!(!bench.desk.typing.load(Ordering::SeqCst));
}
