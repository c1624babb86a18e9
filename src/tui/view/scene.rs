//! What every view is given, the size classes, and how areas are cut.

use ratatui::layout::Rect;

use crate::control::{FeedHealth, KillPhase, LegPhase, LegView, MarketView, Snapshot};
use crate::domain::{KillLevel, Price, Symbol};
use crate::tui::action::Action;
use crate::tui::keymap::Keymap;
use crate::tui::model::{Model, View};
use crate::tui::widget::num;
use crate::tui::widget::table::Follow;

/// Age at which the whole picture counts as stale, in milliseconds.
const PICTURE_STALE_MS: u64 = 3_000;

/// The kill latch as the caller has just read it, so that the banner is true even when the engine
/// no longer publishes pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillView {
    /// Step of the ladder.
    pub level: KillLevel,
    /// How far the kill has got.
    pub phase: KillPhase,
    /// Why, in words.
    pub reason: &'static str,
}

/// Rows of the help and of the palette. The caller has filtered and ordered them, because only it
/// knows what `Enter` on a row does; the selected row of the model counts within them.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverlayData<'a> {
    /// Keys, what they do, and whether that changes trading.
    pub help: &'a [(String, String, bool)],
    /// What can be done, and its keys.
    pub palette: &'a [(String, String)],
}

/// Size class of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Below 60x16: lines of text only.
    Xs,
    /// Two columns; designed at 80x24.
    S,
    /// Tabs and six panes; designed at 120x40.
    M,
    /// Watchlist, session and equity on the first screen; designed at 200x60.
    L,
}

impl Size {
    /// Class of a size: width and height are classed apart, the smaller class wins.
    #[must_use]
    pub fn of(width: u16, height: u16) -> Self {
        let wide = match width {
            0..60 => Self::Xs,
            60..120 => Self::S,
            120..180 => Self::M,
            _ => Self::L,
        };
        let high = match height {
            0..16 => Self::Xs,
            16..30 => Self::S,
            30..50 => Self::M,
            _ => Self::L,
        };
        wide.min(high)
    }
}

/// Everything a view may look at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The session.
    pub snapshot: &'a Snapshot,
    /// The console.
    pub model: &'a Model,
    /// The latch.
    pub kill: KillView,
    /// Keys in force, for the hints.
    pub keymap: &'a Keymap,
    /// Rows of dialogs.
    pub overlay: &'a OverlayData<'a>,
}

impl<'a> Scene<'a> {
    /// Hints such as `x close · c cancel`; what has no key is not mentioned.
    pub(super) fn hints(&self, acts: &[(&[Action], &str)]) -> String {
        let mut hints = String::new();
        for (acts, words) in acts {
            let keys = self.keymap.hint(acts);
            if keys.is_empty() {
                continue;
            }
            let gap = if hints.is_empty() { "" } else { " · " };
            num::push(&mut hints, format_args!("{gap}{keys} {words}"));
        }
        hints
    }

    /// The selected market.
    pub(super) fn market(&self) -> Option<&'a MarketView> {
        let markets = &self.snapshot.markets;
        markets.get(self.model.market.min(markets.len().saturating_sub(1)))
    }

    /// Price grid of a symbol.
    pub(super) fn tick(&self, symbol: &Symbol) -> Price {
        self.market_of(symbol).map_or_else(
            || Price::from_raw(10_i128.pow(Price::DIGITS - 2)).unwrap_or_default(),
            |market| market.tick,
        )
    }

    /// Market of a symbol.
    pub(super) fn market_of(&self, symbol: &Symbol) -> Option<&'a MarketView> {
        self.snapshot.markets.iter().find(|m| m.symbol == *symbol)
    }

    /// The leg on screen: the selected row of the agent view's first pane, else the first leg of
    /// the selected market, else the first of all.
    pub(super) fn leg(&self) -> Option<&'a LegView> {
        let legs = &self.snapshot.legs;
        if self.model.view == View::Agent && self.model.pane == 0 && 1 < legs.len() {
            return legs.get(self.model.row.min(legs.len() - 1));
        }
        let symbol = self.market().map(|market| &market.symbol);
        legs.iter()
            .find(|leg| Some(&leg.symbol) == symbol)
            .or(legs.first())
    }

    /// The highest step of latch and engine.
    pub(super) fn kill_level(&self) -> KillLevel {
        self.kill.level.max(self.snapshot.state.kill)
    }

    /// Whether the picture itself is old although the session runs.
    pub(super) fn is_old(&self) -> bool {
        let held = self.snapshot.session.held || self.snapshot.session.ended || self.model.paused;
        !held && PICTURE_STALE_MS <= self.model.snapshot_age_ms
    }

    /// Whether the numbers of a market may be out of date.
    pub(super) fn is_stale(&self, market: &MarketView) -> bool {
        self.is_old()
            || matches!(
                market.health,
                FeedHealth::Stale | FeedHealth::Waiting | FeedHealth::Resync
            )
    }

    /// The focused pane of a view.
    pub(super) fn focused(&self, view: View) -> usize {
        self.model.pane.min(super::panes(view).saturating_sub(1))
    }

    /// Whether a pane of the view on screen has the focus.
    pub(super) fn is_focused(&self, pane: usize) -> bool {
        self.focused(self.model.view) == pane
    }

    /// Rows of a table: around the selected one in the focused pane, else as `idle` says.
    pub(super) fn follow(&self, pane: usize, n_rows: usize, idle: Follow) -> Follow {
        if self.is_focused(pane) && 0 < n_rows {
            Follow::Selected(self.model.row.min(n_rows - 1))
        } else {
            idle
        }
    }

    /// Bars that the first leg to be ready still needs: have and need.
    pub(super) fn warming(&self) -> Option<(u64, u64)> {
        let mut least = None;
        for leg in &self.snapshot.legs {
            match leg.phase {
                LegPhase::Warming { have, need } => {
                    let missing = need.saturating_sub(have);
                    if least
                        .is_none_or(|(have, need): (u64, u64)| missing < need.saturating_sub(have))
                    {
                        least = Some((have, need));
                    }
                }
                _ => return None,
            }
        }
        least
    }
}

/// Takes rows from the top.
pub(super) fn cut_top(area: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    let cut = Rect::new(area.x, area.y, area.width, rows);
    area.y += rows;
    area.height -= rows;
    cut
}

/// Takes rows from the bottom.
pub(super) fn cut_bottom(area: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    area.height -= rows;
    Rect::new(area.x, area.y + area.height, area.width, rows)
}

/// Takes columns from the right.
pub(super) fn cut_right(area: &mut Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    area.width -= columns;
    Rect::new(area.x + area.width, area.y, columns, area.height)
}

/// Takes columns from the left.
pub(super) fn cut_left(area: &mut Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    let cut = Rect::new(area.x, area.y, columns, area.height);
    area.x += columns;
    area.width -= columns;
    cut
}

/// So many hundredths of a length.
pub(super) fn part(length: u16, hundredths: u16) -> u16 {
    u16::try_from(u32::from(length) * u32::from(hundredths) / 100).unwrap_or(length)
}

/// Rectangle of a size in the middle of `area`, cut where there is no room.
pub(super) fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    Rect::new(x, y, width, height)
}
