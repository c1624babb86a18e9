//! Every act of the console: one closed list that feeds dispatch, keys, help and palette.
//!
//! An act is described once, in [`ACTIONS`]. Nothing here knows what an act does (that is
//! `update`) or which keys a person chose instead (that is `keymap`).

use super::model::View;

/// Something a person can ask for with a key or through the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Shows a view.
    Show(View),
    /// Focuses the next pane.
    NextPane,
    /// Focuses the pane before.
    PrevPane,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// First row.
    Top,
    /// Last row.
    Bottom,
    /// Half a page up.
    HalfPageUp,
    /// Half a page down.
    HalfPageDown,
    /// Selects the next market.
    NextMarket,
    /// Selects the market before.
    PrevMarket,
    /// Fewer bars per column.
    ChartZoomIn,
    /// More bars per column.
    ChartZoomOut,
    /// Towards older bars.
    PanLeft,
    /// Towards newer bars.
    PanRight,
    /// The focused pane fills the screen, or no longer.
    ZoomPane,
    /// Holds the picture; trading goes on.
    PauseView,
    /// Opens the theme picker.
    Themes,
    /// Opens the help.
    Help,
    /// Opens the palette.
    Palette,
    /// Starts typing the filter.
    Filter,
    /// Next lowest level shown in the log.
    LogLevel,
    /// Cancels the selected order.
    CancelOrder,
    /// Cancels every order that is not protection.
    CancelAll,
    /// Closes the selected position.
    ClosePosition,
    /// Closes every position.
    CloseAll,
    /// Stops the selected leg.
    StopLeg,
    /// Starts the selected leg again.
    StartLeg,
    /// Takes over the venue's position, for a typed phrase.
    Adopt,
    /// Plays the recording slower.
    Slower,
    /// Plays the recording faster.
    Faster,
    /// Holds the recording, or lets it go on.
    Hold,
    /// The kill switch.
    Kill,
    /// Back down the kill ladder, for a typed reason.
    Resume,
    /// Draws everything anew.
    Redraw,
    /// Gives the terminal back; trading goes on.
    LeaveScreen,
    /// ASCII instead of box glyphs, or back.
    Ascii,
    /// Closes what is on top: filter, zoom, pause.
    Back,
    /// Asks how to quit.
    Quit,
}

/// How much an act can hurt; decides what it asks before it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Touches the screen or the playback only.
    None,
    /// Towards less risk and small: at once, with a message.
    Safe,
    /// Asks in a dialog whose focus is on Cancel.
    Moderate,
    /// Needs words to be typed.
    Severe,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The act.
    pub action: Action,
    /// Its name in `keymap.toml`, in kebab case.
    pub id: &'static str,
    /// Keys it has when nobody chose others, in the words of the keymap file.
    pub keys: &'static [&'static str],
    /// Views in which its keys work; `None` is all of them.
    pub views: Option<&'static [View]>,
    /// What it can do to trading.
    pub danger: Danger,
    /// Line in the help.
    pub help: &'static str,
    /// Line in the palette.
    pub palette: &'static str,
}

impl Spec {
    /// Whether the keys of this act work in `view`.
    #[must_use]
    pub fn applies_to(&self, view: View) -> bool {
        self.views.is_none_or(|views| views.contains(&view))
    }

    /// Whether there is a view in which the keys of both acts work.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        View::ALL
            .into_iter()
            .any(|view| self.applies_to(view) && other.applies_to(view))
    }
}

impl Action {
    /// The row of this act.
    ///
    /// # Panics
    ///
    /// Never: a test walks through the closed list.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        ACTIONS
            .iter()
            .find(|spec| spec.action == self)
            .expect("every action has a row: checked by a test over the closed list")
    }

    /// The act of a name in the keymap file.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        ACTIONS
            .iter()
            .find(|spec| spec.id == id)
            .map(|spec| spec.action)
    }
}

const BLOTTER: Option<&[View]> = Some(&[View::Blotter]);
const AGENT: Option<&[View]> = Some(&[View::Agent]);
const LOG: Option<&[View]> = Some(&[View::Log]);
const HEALTH: Option<&[View]> = Some(&[View::Health]);

type Texts = (&'static str, &'static str);

const fn look(action: Action, id: &'static str, keys: &'static [&'static str], t: Texts) -> Spec {
    act(action, id, keys, None, Danger::None, t)
}

const fn act(
    action: Action,
    id: &'static str,
    keys: &'static [&'static str],
    views: Option<&'static [View]>,
    danger: Danger,
    (help, palette): Texts,
) -> Spec {
    Spec {
        action,
        id,
        keys,
        views,
        danger,
        help,
        palette,
    }
}

/// Every act, in the order of the help: the kill switch first.
#[rustfmt::skip]
pub const ACTIONS: &[Spec] = &[
    act(Action::Kill, "kill", &["K", "f12"], None, Danger::Safe,
        ("kill switch: blocks entries at once, then asks", "Kill switch")),
    act(Action::Resume, "resume", &[], None, Danger::Severe,
        ("back to ACTIVE, from the palette with a typed reason", "resume <reason>")),
    look(Action::Help, "help", &["?", "f1"], ("this help", "Help")),
    look(Action::Palette, "palette", &[":", "ctrl-p"], ("command palette", "Command palette")),
    look(Action::Filter, "filter", &["/"], ("filter tables and the log", "Filter")),
    look(Action::Back, "back", &["esc"], ("leave filter, zoom or pause", "Back")),
    look(Action::Quit, "quit", &["q", "ctrl-c"], ("quit; asks what happens to orders and positions", "Quit")),

    look(Action::Show(View::Dashboard), "view-1", &["1", "alt-1"], ("dashboard", "View 1: dashboard")),
    look(Action::Show(View::Book), "view-2", &["2", "alt-2"], ("order book", "View 2: order book")),
    look(Action::Show(View::Blotter), "view-3", &["3", "alt-3"], ("positions, orders, fills, trades", "View 3: blotter")),
    look(Action::Show(View::Agent), "view-4", &["4", "alt-4"], ("models and their reasons", "View 4: agent")),
    look(Action::Show(View::Risk), "view-5", &["5", "alt-5"], ("limits and pauses", "View 5: risk")),
    look(Action::Show(View::Performance), "view-6", &["6", "alt-6"], ("equity and statistics", "View 6: performance")),
    look(Action::Show(View::Log), "view-7", &["7", "alt-7"], ("log", "View 7: log")),
    look(Action::Show(View::Health), "view-8", &["8", "alt-8"], ("connections and what the venue says otherwise", "View 8: health")),

    look(Action::NextPane, "next-pane", &["tab"], ("next pane", "Next pane")),
    look(Action::PrevPane, "prev-pane", &["shift-tab"], ("previous pane", "Previous pane")),
    look(Action::Up, "up", &["k", "up"], ("one row up", "Row up")),
    look(Action::Down, "down", &["j", "down"], ("one row down", "Row down")),
    look(Action::Top, "top", &["g", "home"], ("first row", "First row")),
    look(Action::Bottom, "bottom", &["G", "end"], ("last row; the log follows again", "Last row")),
    look(Action::HalfPageUp, "half-page-up", &["ctrl-u", "pageup"], ("half a page up", "Half a page up")),
    look(Action::HalfPageDown, "half-page-down", &["ctrl-d", "pagedown"], ("half a page down", "Half a page down")),
    look(Action::NextMarket, "next-market", &["]"], ("next market", "Next market")),
    look(Action::PrevMarket, "prev-market", &["["], ("previous market", "Previous market")),
    look(Action::ChartZoomIn, "chart-zoom-in", &["+", "="], ("fewer bars per column", "Chart: zoom in")),
    look(Action::ChartZoomOut, "chart-zoom-out", &["-"], ("more bars per column", "Chart: zoom out")),
    look(Action::PanLeft, "pan-left", &["h", "left"], ("older bars", "Chart: older")),
    look(Action::PanRight, "pan-right", &["l", "right"], ("newer bars", "Chart: newer")),
    look(Action::ZoomPane, "zoom-pane", &["z"], ("zoom the pane", "Zoom pane")),
    look(Action::PauseView, "pause-view", &["p"], ("pause the view (trading goes on)", "Pause the view")),
    look(Action::Themes, "themes", &["t"], ("theme picker, live preview", "Choose a theme")),
    look(Action::Ascii, "ascii", &["a"], ("ASCII or box glyphs", "Toggle ASCII glyphs")),
    look(Action::Redraw, "redraw", &["ctrl-l"], ("draw the screen anew", "Redraw")),
    look(Action::LeaveScreen, "leave-screen", &["ctrl-z"], ("leave the screen (trading goes on); again to come back", "Leave the screen")),
    act(Action::LogLevel, "log-level", &["v"], LOG, Danger::None,
        ("lowest level shown", "Log level")),

    look(Action::Slower, "slower", &["<"], ("recording: slower", "Recording: slower")),
    look(Action::Faster, "faster", &[">"], ("recording: faster", "Recording: faster")),
    look(Action::Hold, "hold", &["."], ("recording: hold, go on", "Recording: hold or go on")),

    act(Action::CancelOrder, "cancel-order", &["c"], BLOTTER, Danger::Safe,
        ("cancel the selected order", "Cancel the selected order")),
    act(Action::CancelAll, "cancel-all", &["C"], None, Danger::Moderate,
        ("cancel all orders (asks; protection stays)", "Cancel all orders")),
    act(Action::ClosePosition, "close-position", &["x"], BLOTTER, Danger::Moderate,
        ("close the selected position (asks)", "Close the selected position")),
    act(Action::CloseAll, "close-all", &["X"], BLOTTER, Danger::Moderate,
        ("close all positions (asks)", "Close all positions")),
    act(Action::StopLeg, "stop-leg", &["s"], AGENT, Danger::Safe,
        ("stop the selected leg: no new signals", "Stop the selected leg")),
    act(Action::StartLeg, "start-leg", &["S"], AGENT, Danger::Moderate,
        ("start the selected leg (asks)", "Start the selected leg")),
    act(Action::Adopt, "adopt", &["A"], HEALTH, Danger::Severe,
        ("take over the venue's position (typed phrase)", "adopt <symbol>")),
];

#[cfg(test)]
mod tests {
    use super::super::keymap::Chord;
    use super::*;

    #[test]
    fn every_view_is_an_action_and_every_row_can_be_found_by_itself() {
        for view in View::ALL {
            assert_eq!(Action::Show(view).spec().action, Action::Show(view));
        }
        for (index, spec) in ACTIONS.iter().enumerate() {
            assert_eq!(Action::from_id(spec.id), Some(spec.action), "{}", spec.id);
            assert!(
                ACTIONS[..index]
                    .iter()
                    .all(|earlier| earlier.action != spec.action),
                "{} is listed twice",
                spec.id
            );
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(spec.id.chars().all(kebab), "{}", spec.id);
        }
    }

    /// Fails to compile when an act is added, until it is given a row and counted here.
    #[test]
    fn no_action_is_without_a_row() {
        let rows_of = |action| match action {
            Action::Show(_) => View::ALL.len(),
            Action::NextPane
            | Action::PrevPane
            | Action::Up
            | Action::Down
            | Action::Top
            | Action::Bottom
            | Action::HalfPageUp
            | Action::HalfPageDown
            | Action::NextMarket
            | Action::PrevMarket
            | Action::ChartZoomIn
            | Action::ChartZoomOut
            | Action::PanLeft
            | Action::PanRight
            | Action::ZoomPane
            | Action::PauseView
            | Action::Themes
            | Action::Help
            | Action::Palette
            | Action::Filter
            | Action::LogLevel
            | Action::CancelOrder
            | Action::CancelAll
            | Action::ClosePosition
            | Action::CloseAll
            | Action::StopLeg
            | Action::StartLeg
            | Action::Adopt
            | Action::Slower
            | Action::Faster
            | Action::Hold
            | Action::Kill
            | Action::Resume
            | Action::Redraw
            | Action::LeaveScreen
            | Action::Ascii
            | Action::Back
            | Action::Quit => 1,
        };
        assert_eq!(rows_of(Action::Kill), 1);
        assert_eq!(ACTIONS.len(), 38 + View::ALL.len(), "38 acts and the views");
    }

    #[test]
    fn every_action_explains_itself() {
        for spec in ACTIONS {
            assert!(!spec.help.is_empty(), "{} has no help", spec.id);
            assert!(!spec.palette.is_empty(), "{} has no palette text", spec.id);
        }
    }

    #[test]
    fn no_default_key_means_two_things_in_one_view() {
        for (index, one) in ACTIONS.iter().enumerate() {
            for other in &ACTIONS[index + 1..] {
                let shared = one.keys.iter().find(|key| other.keys.contains(key));
                assert!(
                    shared.is_none() || !one.meets(other),
                    "{shared:?} is {} and {}",
                    one.id,
                    other.id
                );
            }
        }
    }

    #[test]
    fn kill_has_keys_in_every_view() {
        let kill = Action::Kill.spec();
        assert!(View::ALL.into_iter().all(|view| kill.applies_to(view)));
        assert_eq!(kill.keys, ["K", "f12"]);
    }

    #[test]
    fn nothing_sits_on_backspace_delete_or_space() {
        for spec in ACTIONS {
            for key in spec.keys {
                let chord = Chord::parse(key).unwrap();
                assert!(!chord.is_slippery(), "{} on {key}", spec.id);
            }
        }
    }
}
