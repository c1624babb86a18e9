//! The screen as tests see it: geometry, looks, pictures, odd data.

mod geometry;
mod hints;
mod looks;
mod odd;
mod pictures;
mod venue;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::control::{KillPhase, Snapshot};
use crate::domain::KillLevel;
use crate::tui::keymap::Keymap;
use crate::tui::model::{KillModal, Model, Overlay, View};
use crate::tui::theme::Theme;
use crate::tui::view::{KillView, OverlayData, Scene, draw_into};

const IDLE: KillView = KillView {
    level: KillLevel::Active,
    phase: KillPhase::Idle,
    reason: "",
};

const TRIPPED: KillView = KillView {
    level: KillLevel::ReduceOnly,
    phase: KillPhase::Tripped,
    reason: "operator key",
};

/// Rows that a caller could give to the dialogs.
struct Rows {
    help: Vec<(String, String, bool)>,
    palette: Vec<(String, String)>,
}

impl Rows {
    fn new() -> Self {
        let help = [
            (
                "K  f12",
                "kill switch: blocks entries at once, then asks",
                true,
            ),
            ("?  f1", "this help", false),
            (":  ctrl-p", "command palette", false),
            ("/", "filter tables and the log", false),
            ("tab", "next pane", false),
            ("z", "zoom the pane", false),
            ("p", "pause the view (trading goes on)", false),
            ("C", "cancel all orders (asks; protection stays)", true),
            (
                "q  ctrl-c",
                "quit; asks what happens to orders and positions",
                false,
            ),
        ];
        Self {
            help: help.map(|(k, t, d)| (k.to_owned(), t.to_owned(), d)).into(),
            palette: [
                ("View 1: dashboard", "1"),
                ("Kill switch", "K"),
                ("theme nord", ""),
            ]
            .map(|(t, k)| (t.to_owned(), k.to_owned()))
            .into(),
        }
    }

    fn data(&self) -> OverlayData<'_> {
        OverlayData {
            help: &self.help,
            palette: &self.palette,
        }
    }
}

fn model(view: View) -> Model {
    Model {
        view,
        themes: Theme::builtin_names().map(str::to_owned).collect(),
        ..Model::default()
    }
}

fn modal(armed_flatten: bool, banner: bool) -> Overlay {
    Overlay::Kill(KillModal {
        before: KillLevel::Active,
        opened_ms: 0,
        armed_flatten,
        banner,
    })
}

fn overlays() -> Vec<Option<Overlay>> {
    vec![
        None,
        Some(Overlay::Help {
            filter: "k".to_owned(),
            selected: 1,
        }),
        Some(Overlay::Palette {
            input: "view".to_owned(),
            selected: 9,
        }),
        Some(Overlay::Themes { selected: 3 }),
        Some(modal(false, false)),
        Some(modal(true, false)),
        Some(modal(false, true)),
        Some(Overlay::Quit { selected: 1 }),
        Some(Overlay::Confirm {
            question: "close BTCUSDT LONG 0.232 at market?".to_owned(),
            yes: false,
        }),
    ]
}

fn buffer_of(
    size: (u16, u16),
    snapshot: &Snapshot,
    model: &Model,
    theme: &Theme,
    kill: KillView,
) -> Buffer {
    buffer_with(size, snapshot, model, theme, kill, &Keymap::builtin())
}

fn buffer_with(
    size: (u16, u16),
    snapshot: &Snapshot,
    model: &Model,
    theme: &Theme,
    kill: KillView,
    keymap: &Keymap,
) -> Buffer {
    let rows = Rows::new();
    let overlay = rows.data();
    let scene = Scene {
        snapshot,
        model,
        kill,
        keymap,
        overlay: &overlay,
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw_into(&mut buffer, &scene, theme);
    buffer
}

fn row(buffer: &Buffer, y: u16) -> String {
    (0..buffer.area.width)
        .map(|x| buffer[(x, y)].symbol())
        .collect()
}

fn lines(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        text.push_str(row(buffer, y).trim_end());
        text.push('\n');
    }
    text
}

fn dark() -> Theme {
    Theme::builtin("dark").unwrap()
}
