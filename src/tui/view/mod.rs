//! The views: pure functions of a snapshot, the console's model, a theme and the kill latch.
//!
//! Row 0 begins with the mode and ends with the trading state at every size; no dialog, message
//! or zoomed pane ever covers it. Nothing here reads a clock or keeps state between frames.

mod agent;
mod blotter;
mod book;
mod budgets;
mod dashboard;
mod features;
mod footer;
mod header;
mod health;
mod inbox;
mod kill;
mod log;
mod overlay;
mod panes;
mod performance;
mod risk;
mod scene;
mod tables;
#[cfg(test)]
mod tests;
mod venue;
mod xs;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::model::View;
use super::theme::{Role, Theme};
use super::widget::Canvas;
use crate::control::KillPhase;
use crate::domain::{KillLevel, Mode};

pub use panes::{panes, rows};
pub use scene::{KillView, OverlayData, Scene, Size};

use scene::cut_top;

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, theme: &Theme) {
    draw_into(frame.buffer_mut(), scene, theme);
}

/// Draws one picture into a whole buffer; the same as [`draw`] without a terminal.
pub fn draw_into(buffer: &mut Buffer, scene: &Scene<'_>, theme: &Theme) {
    let mut canvas = Canvas::new(buffer, theme, scene.model.ascii);
    let area = canvas.area();
    canvas.clear(area, Role::Surface);
    if scene.snapshot.session.mode == Mode::Live {
        // Real money frames every pane, so that no glance can miss it.
        canvas.border = theme.style(Role::StateHalted);
    }
    if area.is_empty() {
        return;
    }
    let size = Size::of(area.width, area.height);
    let mut body = area;
    let first = cut_top(&mut body, 1);
    if size == Size::Xs {
        xs::draw(&mut canvas, body, scene);
    } else {
        frame_and_body(&mut canvas, body, scene, size);
    }
    let below = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
    overlay::draw(&mut canvas, below, scene, theme);
    header::first_row(&mut canvas, first, scene, size);
    if scene.model.ascii {
        canvas.to_ascii();
    }
}

fn frame_and_body(canvas: &mut Canvas<'_>, mut body: Rect, scene: &Scene<'_>, size: Size) {
    let second = cut_top(&mut body, 1);
    header::second_row(canvas, second, scene);
    if size != Size::S {
        let row = cut_top(&mut body, 1);
        header::tabs(canvas, row, scene);
    }
    if KillLevel::Active < scene.kill_level() || scene.kill.phase == KillPhase::Stuck {
        let row = cut_top(&mut body, 1);
        kill::kill_row(canvas, row, scene);
    }
    held_row(canvas, &mut body, scene);
    let row = scene::cut_bottom(&mut body, 1);
    footer::draw(canvas, row, scene);
    let view = scene.model.view;
    if scene.model.zoomed {
        pane(canvas, body, scene, scene.focused(view));
        return;
    }
    match view {
        View::Dashboard => dashboard::draw(canvas, body, scene, size),
        View::Book => book::draw(canvas, body, scene, size),
        View::Blotter => blotter::draw(canvas, body, scene),
        View::Agent => agent::draw(canvas, body, scene, size),
        View::Risk => risk::draw(canvas, body, scene, size),
        View::Performance => performance::draw(canvas, body, scene, size),
        View::Log => log::pane(canvas, body, scene, true),
        View::Health => health::draw(canvas, body, scene, size),
    }
}

/// Draws one pane of the view on screen.
fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, index: usize) {
    match scene.model.view {
        View::Dashboard => dashboard::pane(canvas, area, scene, index),
        View::Book => book::pane(canvas, area, scene, index),
        View::Blotter => blotter::pane(canvas, area, scene, index),
        View::Agent => agent::pane(canvas, area, scene, index),
        View::Risk => risk::pane(canvas, area, scene, index),
        View::Performance => performance::pane(canvas, area, scene, index),
        View::Log => log::pane(canvas, area, scene, true),
        View::Health => health::pane(canvas, area, scene, index),
    }
}

/// What the venue holds back, in a row of its own on every view; nothing when it holds nothing.
fn held_row(canvas: &mut Canvas<'_>, body: &mut Rect, scene: &Scene<'_>) {
    let held = venue::held(scene);
    if !held.is_empty() {
        let row = cut_top(body, 1);
        if 0 < row.height {
            venue::held_row(canvas, row, scene, &held);
        }
    }
}
