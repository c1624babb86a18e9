//! What each act of the table does to the model, and what it asks of the session.

use super::{Pending, Request, Ui};
use crate::control::{Command, SessionCommand, Snapshot, TradeCommand};
use crate::domain::{InstrumentId, KillLevel, LegId, Mode};
use crate::tui::action::Action;
use crate::tui::kill_key::KillSeen;
use crate::tui::model::{Overlay, View};
use crate::tui::palette::Choice;

/// Rows that half a page moves; views differ in height, a fixed step keeps it predictable.
const HALF_PAGE: usize = 10;
/// Columns that one step pans the chart.
const PAN: usize = 4;
/// Deepest zoom, in bars per column.
const MAX_ZOOM: usize = 8;
/// Speeds of a recording; infinite is as fast as it goes.
const SPEEDS: [f64; 10] = [
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    50.0,
    100.0,
    1_000.0,
    10_000.0,
    f64::INFINITY,
];
/// Panes of the blotter, in the order that [`View::Blotter`] names them.
const POSITIONS: usize = 0;
const ORDERS: usize = 1;

impl Ui {
    pub(super) fn act(
        &mut self,
        action: Action,
        snapshot: &Snapshot,
        seen: KillSeen,
    ) -> Vec<Request> {
        match action {
            Action::Kill => return self.kill_press(self.model.now_ms, None, seen),
            Action::Resume => self.open_palette("resume "),
            Action::Redraw => return vec![Request::Redraw],
            Action::LeaveScreen => return vec![Request::LeaveScreen],
            Action::Themes => self.open_themes(),
            Action::Help => {
                self.model.overlay = Some(Overlay::Help {
                    filter: String::new(),
                    selected: 0,
                });
            }
            Action::Palette => self.open_palette(""),
            Action::Quit => return self.ask_quit(),
            Action::Slower | Action::Faster | Action::Hold => {
                return self.playback(action, snapshot);
            }
            Action::CancelOrder
            | Action::CancelAll
            | Action::ClosePosition
            | Action::CloseAll
            | Action::StopLeg
            | Action::StartLeg
            | Action::Adopt => return self.trade(action, snapshot),
            other => self.look(other, snapshot),
        }
        Vec::new()
    }

    pub(super) fn choose(
        &mut self,
        choice: Choice,
        snapshot: &Snapshot,
        seen: KillSeen,
    ) -> Vec<Request> {
        match choice {
            Choice::Act(action) => self.act(action, snapshot, seen),
            Choice::Theme(name) => self.set_theme(&name),
            Choice::Market(index) => {
                self.model.market = index;
                Vec::new()
            }
            Choice::Resume(reason) => self.resume(&reason, seen),
            Choice::Adopt(symbol) => self.adopt_named(&symbol, snapshot),
        }
    }

    /// Acts that change nothing but the picture.
    fn look(&mut self, action: Action, snapshot: &Snapshot) {
        let n_panes = (self.layout.panes)(self.model.view).max(1);
        let model = &mut self.model;
        match action {
            Action::Show(view) => {
                if model.view != view {
                    model.view = view;
                    model.pane = 0;
                    model.row = 0;
                    model.scroll = 0;
                    model.zoomed = false;
                }
            }
            Action::NextPane => {
                model.pane = (model.pane + 1) % n_panes;
                model.row = 0;
            }
            Action::PrevPane => {
                model.pane = (model.pane + n_panes - 1) % n_panes;
                model.row = 0;
            }
            Action::NextMarket | Action::PrevMarket => {
                let n = snapshot.markets.len();
                let by = if action == Action::NextMarket {
                    1
                } else {
                    n.saturating_sub(1)
                };
                model.market = (model.market + by).checked_rem(n).unwrap_or(0);
                model.chart_pan = 0;
            }
            Action::ChartZoomIn => model.chart_zoom = (model.chart_zoom / 2).max(1),
            Action::ChartZoomOut => model.chart_zoom = (model.chart_zoom * 2).min(MAX_ZOOM),
            Action::PanLeft => model.chart_pan = model.chart_pan.saturating_add(PAN),
            Action::PanRight => model.chart_pan = model.chart_pan.saturating_sub(PAN),
            Action::ZoomPane => model.zoomed = !model.zoomed,
            Action::PauseView => model.paused = !model.paused,
            Action::Filter => model.typing_filter = true,
            Action::LogLevel => model.log_level = (model.log_level + 1) % 4,
            Action::Ascii => model.ascii = !model.ascii,
            Action::Back => self.back(),
            other => self.move_by(other, snapshot),
        }
    }

    fn move_by(&mut self, action: Action, snapshot: &Snapshot) {
        let model = &mut self.model;
        let last = (self.layout.rows)(model.view, model.pane, snapshot).saturating_sub(1);
        // The log counts from its end, so that 0 follows the newest line.
        let log = model.view == View::Log;
        let at = if log {
            last.saturating_sub(model.scroll)
        } else {
            model.row
        };
        let to = match action {
            Action::Up => at.saturating_sub(1),
            Action::Down => (at + 1).min(last),
            Action::HalfPageUp => at.saturating_sub(HALF_PAGE),
            Action::HalfPageDown => (at + HALF_PAGE).min(last),
            Action::Top => 0,
            Action::Bottom => last,
            _ => at,
        };
        if log {
            model.scroll = last - to;
        } else {
            model.row = to;
        }
    }

    fn back(&mut self) {
        let model = &mut self.model;
        if !model.filter.is_empty() {
            model.filter.clear();
        } else if model.zoomed {
            model.zoomed = false;
        } else {
            model.paused = false;
        }
    }

    pub(super) fn open_palette(&mut self, input: &str) {
        self.model.overlay = Some(Overlay::Palette {
            input: input.to_owned(),
            selected: 0,
        });
    }

    fn open_themes(&mut self) {
        let current = &self.model.theme;
        let selected = self.model.themes.iter().position(|name| name == current);
        self.theme_before = Some(current.clone());
        self.model.overlay = Some(Overlay::Themes {
            selected: selected.unwrap_or(0),
        });
    }

    fn ask_quit(&mut self) -> Vec<Request> {
        if self.ended {
            return vec![Request::Exit(crate::control::ExitPolicy::Keep)];
        }
        self.model.overlay = Some(Overlay::Quit { selected: 0 });
        Vec::new()
    }

    fn playback(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Request> {
        let session = &snapshot.session;
        if session.mode != Mode::Replay {
            self.toast("only a recording has a speed", true);
            return Vec::new();
        }
        let speed = session.speed.unwrap_or(f64::INFINITY);
        let command = match action {
            Action::Slower => SPEEDS
                .into_iter()
                .rfind(|other| *other < speed)
                .map(SessionCommand::Speed),
            Action::Faster => SPEEDS
                .into_iter()
                .find(|other| speed < *other)
                .map(SessionCommand::Speed),
            _ => Some(SessionCommand::Hold(!session.held)),
        };
        command
            .map(|command| Request::Command(Command::Session(command)))
            .into_iter()
            .collect()
    }

    /// Acts that change trading. Those towards less risk and small go at once.
    fn trade(&mut self, action: Action, snapshot: &Snapshot) -> Vec<Request> {
        let wish = match action {
            Action::CancelOrder => self.cancel_order(snapshot),
            Action::CancelAll => Ok(cancel_all(snapshot)),
            Action::ClosePosition => self.close_position(snapshot),
            Action::CloseAll => Ok(close_all(snapshot)),
            Action::Adopt => self.adopt_selected(snapshot),
            _ => self.leg(action, snapshot),
        };
        self.carry(wish)
    }

    /// Sends what may go at once, asks for the rest, says why where nothing can be done.
    pub(super) fn carry(&mut self, wish: Result<Wish, String>) -> Vec<Request> {
        match wish {
            Err(reason) => {
                self.toast(reason, true);
                Vec::new()
            }
            Ok(Wish::Now(command, text)) => {
                self.toast(text, false);
                vec![Request::Command(Command::Trade(command))]
            }
            Ok(Wish::Ask(pending)) => {
                self.model.overlay = Some(Overlay::Confirm {
                    question: pending.question(),
                    yes: false,
                });
                self.pending = Some(pending);
                Vec::new()
            }
        }
    }

    /// The selected row of a pane.
    pub(super) fn row_of(&self, view: View, pane: usize, what: &str) -> Result<usize, String> {
        if self.model.view != view || self.model.pane != pane {
            return Err(format!("select {what} in the {} view first", view.title()));
        }
        Ok(self.model.row)
    }

    /// The selected row of a table; refused where the rows on screen may be others than those of
    /// the picture.
    fn selected(&self, view: View, pane: usize, what: &str) -> Result<usize, String> {
        let row = self.row_of(view, pane, what)?;
        if self.model.filter.is_empty() {
            Ok(row)
        } else {
            let how = match self.keymap.key(Action::Back) {
                Some(key) => format!("clear it with {key} first"),
                None => "clear it first".to_owned(),
            };
            Err(format!("rows are hidden by the filter; {how}"))
        }
    }

    fn cancel_order(&self, snapshot: &Snapshot) -> Result<Wish, String> {
        let row = self.selected(View::Blotter, ORDERS, "an order")?;
        let order = snapshot
            .orders
            .get(row)
            .ok_or("there is no order to cancel")?;
        let text = format!("cancel asked for {} {}", order.symbol, order.id);
        Ok(Wish::Now(TradeCommand::Cancel(order.id), text))
    }

    fn close_position(&self, snapshot: &Snapshot) -> Result<Wish, String> {
        let row = self.selected(View::Blotter, POSITIONS, "a position")?;
        let position = snapshot
            .positions
            .get(row)
            .ok_or("there is no position to close")?;
        let symbol = &position.symbol;
        let market = snapshot
            .markets
            .iter()
            .position(|market| market.symbol == *symbol);
        let id = market
            .and_then(|index| u16::try_from(index).ok())
            .ok_or_else(|| format!("{symbol} is not a market of this session"))?;
        Ok(Wish::Ask(Pending {
            command: TradeCommand::Close(InstrumentId(id)),
            effect: format!("close {symbol} {} at market, reduce-only", position.size),
            word: Some("close".into()),
            typed: String::new(),
            only_while: None,
        }))
    }

    fn leg(&self, action: Action, snapshot: &Snapshot) -> Result<Wish, String> {
        let row = self.selected(View::Agent, 0, "a leg")?;
        // The view shows the last leg when the row lies beyond it.
        let row = row.min(snapshot.legs.len().saturating_sub(1));
        let leg = snapshot.legs.get(row).ok_or("there is no leg")?;
        let id = LegId(u16::try_from(row).map_err(|_| "there is no such leg")?);
        let name = format!("{} on {}", leg.name, leg.symbol);
        Ok(if action == Action::StopLeg {
            Wish::Now(TradeCommand::StopLeg(id), format!("stop asked for {name}"))
        } else {
            Wish::Ask(Pending::yes_no(
                TradeCommand::StartLeg(id),
                format!("start {name}: it may open positions"),
            ))
        })
    }

    fn resume(&mut self, reason: &str, seen: KillSeen) -> Vec<Request> {
        if seen.level == KillLevel::Active {
            self.toast("nothing to resume: trading is ACTIVE", true);
            return Vec::new();
        }
        if reason.is_empty() {
            self.toast(
                "a resume needs a reason: type `resume <why it is safe>`",
                true,
            );
            self.open_palette("resume ");
            return Vec::new();
        }
        self.toast("resume asked for", false);
        vec![Request::Command(Command::Trade(TradeCommand::Resume {
            level: KillLevel::Active,
            reason: reason.to_owned(),
        }))]
    }
}

/// What an act comes to.
pub(super) enum Wish {
    /// It goes at once, with a message.
    Now(TradeCommand, String),
    /// A person has to agree.
    Ask(Pending),
}

impl Pending {
    fn yes_no(command: TradeCommand, effect: String) -> Self {
        Self {
            command,
            effect,
            word: None,
            typed: String::new(),
            only_while: None,
        }
    }

    /// The question with its effect, and with what has been typed where a word is needed.
    pub(super) fn question(&self) -> String {
        match &self.word {
            None => format!("{}?", self.effect),
            Some(word) => format!("{}? type {word} and Enter: {}_", self.effect, self.typed),
        }
    }
}

fn cancel_all(snapshot: &Snapshot) -> Wish {
    let n_orders = snapshot.orders.len();
    Wish::Ask(Pending::yes_no(
        TradeCommand::CancelAll,
        format!("cancel all of {n_orders} working orders that are not protection"),
    ))
}

fn close_all(snapshot: &Snapshot) -> Wish {
    let n_positions = snapshot.positions.len();
    Wish::Ask(Pending {
        command: TradeCommand::CloseAll,
        effect: format!("close all {n_positions} positions at market, reduce-only"),
        word: Some("close".into()),
        typed: String::new(),
        only_while: None,
    })
}
