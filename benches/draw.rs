//! Cost of a frame of the dashboard at 200x60: views, difference to the frame before, and the
//! bytes that go to the terminal.
//!
//! The market is the demonstration after five days, seen as a console sees it: ten frames a
//! second at 150 times real time, so that 15 seconds of session lie between two frames.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use divan::Bencher;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tradeterm::app::{build_session, open_market};
use tradeterm::config::Settings;
use tradeterm::control::{KillPhase, SessionView, Snapshot};
use tradeterm::domain::KillLevel;
use tradeterm::engine::Event;
use tradeterm::runtime::{Session, Unwatched};
use tradeterm::tui::keymap::Keymap;
use tradeterm::tui::model::{Model, View};
use tradeterm::tui::terminal::Screen;
use tradeterm::tui::theme::Theme;
use tradeterm::tui::view::{self, KillView, OverlayData};
use tradeterm::venue::feed::Feed;

const AREA: Rect = Rect::new(0, 0, 200, 60);
const PLAYED_MS: i64 = 5 * 86_400_000 + 7 * 3_600_000;
const FRAME_MS: i64 = 15_000;
const FRAMES: usize = 400;

fn main() {
    print_bytes();
    divan::main();
}

/// The demonstration, `FRAMES` pictures of it.
fn snapshots() -> Vec<Snapshot> {
    let settings = Settings::default();
    let mut market = open_market(&settings).expect("the demonstration needs no file");
    let built = build_session(
        &settings,
        &market.instruments,
        &market.intervals,
        KillLevel::Active,
    )
    .expect("the shipped settings fit together");
    let mut session = Session::new(built.engine, built.broker, built.watch);
    let span = market.feed.span().expect("a made-up market knows its span");
    let mut due = span.0.plus_millis(PLAYED_MS);
    let mut found = Vec::new();
    while found.len() < FRAMES
        && let Some(Ok((at, event))) = market.feed.next()
    {
        if due <= at {
            found.push(session.engine.snapshot(SessionView {
                run_id: "demo".to_owned(),
                mode: settings.mode,
                synthetic: true,
                feed: market.feed.label(),
                speed: Some(150.0),
                held: false,
                progress: Some(0.5),
                ended: false,
                config_hash: "0".to_owned(),
                build: "0".to_owned(),
                inference: "-".to_owned(),
                coin: settings.account.coin.clone(),
            }));
            due = due.plus_millis(FRAME_MS);
        }
        let Ok(()) = session.turn(at, &Event::Market(event), &mut Unwatched);
    }
    found
}

/// Counts bytes and keeps none.
#[derive(Clone, Default)]
struct Counter(Rc<Cell<usize>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A console of a fixed size that writes to a counter.
struct Console {
    terminal: Terminal<Screen<Counter>>,
    theme: Theme,
    model: Model,
    keymap: Keymap,
}

impl Console {
    fn new(counter: Counter, view: View) -> Self {
        crossterm::style::force_color_output(true);
        let viewport = Viewport::Fixed(AREA);
        let options = TerminalOptions { viewport };
        let terminal = Terminal::with_options(Screen::new(counter), options)
            .expect("a counter takes everything");
        Self {
            terminal,
            theme: Theme::builtin("dark").expect("it is shipped"),
            model: Model {
                view,
                ..Model::default()
            },
            keymap: Keymap::builtin(),
        }
    }

    fn draw(&mut self, snapshot: &Snapshot) {
        let kill = KillView {
            level: KillLevel::Active,
            phase: KillPhase::Idle,
            reason: "",
        };
        let overlay = OverlayData {
            help: &[],
            palette: &[],
        };
        let scene = view::Scene {
            snapshot,
            model: &self.model,
            kill,
            keymap: &self.keymap,
            overlay: &overlay,
        };
        let theme = &self.theme;
        self.terminal
            .draw(|frame| view::draw(frame, &scene, theme))
            .expect("a counter takes everything");
    }
}

fn print_bytes() {
    let snapshots = snapshots();
    println!(
        "bytes a frame, {} live frames at 200x60",
        snapshots.len() - 1
    );
    for view in View::ALL {
        let counter = Counter::default();
        let mut console = Console::new(counter.clone(), view);
        let mut sizes: Vec<usize> = snapshots
            .iter()
            .map(|snapshot| {
                counter.0.set(0);
                console.draw(snapshot);
                counter.0.get()
            })
            .collect();
        let first = sizes.remove(0);
        sizes.sort_unstable();
        let at = |part: usize| sizes[(sizes.len() - 1) * part / 100];
        println!(
            "{:<8} first {first:>6}  mean {:>5}  median {:>5}  95 % {:>5}  most {:>5}",
            view.title(),
            sizes.iter().sum::<usize>() / sizes.len(),
            at(50),
            at(95),
            at(100),
        );
    }
}

#[divan::bench]
fn live_frame_of_the_dashboard(bencher: Bencher) {
    let snapshots = snapshots();
    let mut console = Console::new(Counter::default(), View::Dashboard);
    let mut next = snapshots.iter().cycle();
    bencher.bench_local(|| console.draw(next.next().expect("a cycle has no end")));
}

#[divan::bench]
fn first_frame_of_the_dashboard(bencher: Bencher) {
    let snapshots = snapshots();
    bencher
        .with_inputs(|| Console::new(Counter::default(), View::Dashboard))
        .bench_local_values(|mut console| console.draw(&snapshots[0]));
}
