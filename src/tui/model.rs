//! What the console itself remembers: view, cursor, dialog. Nothing of it reaches trading.

use crate::domain::KillLevel;

/// The numbered views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// 1: the first screen.
    Dashboard,
    /// 2: depth of the selected market.
    Book,
    /// 3: positions, orders, fills, trades.
    Blotter,
    /// 4: the models and why they decided as they did.
    Agent,
    /// 5: limits, pauses, kill state.
    Risk,
    /// 6: equity, drawdown, statistics.
    Performance,
    /// 7: notices.
    Log,
    /// 8: connections, account, budgets, data, and what the venue says otherwise.
    Health,
}

impl View {
    /// All views in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Dashboard,
        Self::Book,
        Self::Blotter,
        Self::Agent,
        Self::Risk,
        Self::Performance,
        Self::Log,
        Self::Health,
    ];

    /// Title of the tab.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            View::Dashboard => "Dash",
            View::Book => "Book",
            View::Blotter => "Blotter",
            View::Agent => "Agent",
            View::Risk => "Risk",
            View::Performance => "Perf",
            View::Log => "Log",
            View::Health => "Health",
        }
    }
}

/// A dialog over the view. Row 0 with mode and state is never covered.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// Help, with the text that filters it and the selected row.
    Help {
        /// Filter text.
        filter: String,
        /// Selected row.
        selected: usize,
    },
    /// Command palette.
    Palette {
        /// Typed text.
        input: String,
        /// Selected row.
        selected: usize,
    },
    /// Theme picker.
    Themes {
        /// Selected row.
        selected: usize,
    },
    /// The kill modal of UX 3.4.
    Kill(KillModal),
    /// What to do with orders and positions on quitting.
    Quit {
        /// Selected row: keep, cancel, flatten.
        selected: usize,
    },
    /// A question with a yes that is never the default.
    Confirm {
        /// What would happen.
        question: String,
        /// Whether the yes is selected.
        yes: bool,
    },
}

/// State of the kill modal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillModal {
    /// Step that was in force before the first press; `Esc` returns to it.
    pub before: KillLevel,
    /// Milliseconds (of the console's own monotonic clock) at the first press.
    pub opened_ms: u64,
    /// Whether `F` has been pressed and `Enter` would flatten.
    pub armed_flatten: bool,
    /// Whether the modal has shrunk to a banner row.
    pub banner: bool,
}

/// A short message that goes away by itself; it stays in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The text.
    pub text: String,
    /// Whether it is a warning.
    pub warn: bool,
    /// Console time at which it disappears.
    pub until_ms: u64,
}

/// Everything the console remembers.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches of the screen, each with a key of its own"
)]
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// View on screen.
    pub view: View,
    /// Selected market, an index into the snapshot's markets.
    pub market: usize,
    /// Focused pane of the view.
    pub pane: usize,
    /// Selected row of the focused pane.
    pub row: usize,
    /// Rows scrolled away in the log; 0 follows the newest.
    pub scroll: usize,
    /// Whether the focused pane fills the screen.
    pub zoomed: bool,
    /// Whether the view is held; trading goes on.
    pub paused: bool,
    /// Bars per column of the chart: 1, 2, 4, 8.
    pub chart_zoom: usize,
    /// Columns the chart is panned back.
    pub chart_pan: usize,
    /// Filter of the log and of tables.
    pub filter: String,
    /// Whether the filter is being typed.
    pub typing_filter: bool,
    /// Lowest notice level shown in the log: 0 debug to 3 error.
    pub log_level: u8,
    /// Dialog over the view, if any.
    pub overlay: Option<Overlay>,
    /// Messages, newest last, at most three.
    pub toasts: Vec<Toast>,
    /// Whether ASCII replaces box and block glyphs.
    pub ascii: bool,
    /// The console's own monotonic time, for toasts and key timing.
    pub now_ms: u64,
    /// Age of the snapshot on screen, in milliseconds.
    pub snapshot_age_ms: u64,
    /// Names of the themes that can be chosen.
    pub themes: Vec<String>,
    /// Name of the theme in use.
    pub theme: String,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            view: View::Dashboard,
            market: 0,
            pane: 0,
            row: 0,
            scroll: 0,
            zoomed: false,
            paused: false,
            chart_zoom: 1,
            chart_pan: 0,
            filter: String::new(),
            typing_filter: false,
            log_level: 1,
            overlay: None,
            toasts: Vec::new(),
            ascii: false,
            now_ms: 0,
            snapshot_age_ms: 0,
            themes: Vec::new(),
            theme: "dark".to_owned(),
        }
    }
}
