//! The kill banner row and the kill modal: what is stopped, what exists, what can be pressed.

use ratatui::layout::Rect;

use super::header::short;
use super::scene::{Scene, cut_top, middle};
use super::tables::position_side;
use crate::control::{BookView, KillPhase, PositionView};
use crate::domain::{KillLevel, Liquidity, Mode, Purpose, Side};
use crate::tui::action::Action;
use crate::tui::model::{KillModal, Overlay};
use crate::tui::theme::Role;
use crate::tui::widget::canvas::inside;
use crate::tui::widget::line::Line;
use crate::tui::widget::{Canvas, num};

/// What the kill ladder has done; with the key that asks again
/// while the kill modal is shrunk to this row.
pub(super) fn kill_row(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>) {
    canvas.clear(row, Role::Kill);
    let line = kill_line(scene);
    canvas.line(row.x, row.y, row.width, &line);
    if let Some(Overlay::Kill(modal)) = &scene.model.overlay
        && modal.banner
    {
        let keys = scene.keymap.hint(&[Action::Kill]);
        let hint = Line::of(Role::KillKey, format!("  {keys}: what now? "));
        if hint.width() < row.width {
            canvas.line_right(row, &hint);
        }
    }
}

/// ` KILL  REDUCE-ONLY since 12:04:31 (operator key): entries blocked, exits still work`
pub(super) fn kill_line<'a>(scene: &Scene<'_>) -> Line<'a> {
    let state = &scene.snapshot.state;
    let level = scene.kill_level();
    let (name, means) = match level {
        KillLevel::Active => ("ACTIVE", "trading normally"),
        KillLevel::ReduceOnly => ("REDUCE-ONLY", "entries blocked, exits work"),
        KillLevel::Halted => ("HALTED", "only cancels leave"),
        KillLevel::Flatten => ("FLATTEN", "cancel all, close all"),
    };
    let mut text = format!(" KILL  {name}");
    if let Some(since) = state.kill_since {
        num::push(&mut text, format_args!(" since {}", num::clock(since)));
    }
    // Once the engine has taken the step it knows why in the words of whoever asked.
    let reason = match &state.kill_reason {
        Some(reason) if scene.kill.level <= state.kill => reason.as_str(),
        _ => scene.kill.reason,
    };
    if !reason.is_empty() {
        num::push(&mut text, format_args!(" ({})", short(reason, 40)));
    }
    if let Some(phase) = phase_words(scene.kill.phase) {
        num::push(&mut text, format_args!(" · {phase}"));
    }
    num::push(&mut text, format_args!(" · {means}"));
    Line::of(Role::Kill, text)
}

/// Progress of a kill in words; `None` when there is nothing to say.
pub(super) const fn phase_words(phase: KillPhase) -> Option<&'static str> {
    match phase {
        KillPhase::Idle => None,
        KillPhase::Tripped => Some("gate closed"),
        KillPhase::Cancelling => Some("cancelling"),
        KillPhase::Closing => Some("closing"),
        KillPhase::Flat => Some("broker reports flat"),
        KillPhase::Stuck => Some("STUCK: could not close, act by hand"),
    }
}
/// Where `Esc` leads.
const fn back_to(modal: &KillModal) -> &'static str {
    match modal.before {
        KillLevel::Active => "back to ACTIVE",
        KillLevel::ReduceOnly => "stay REDUCE-ONLY",
        KillLevel::Halted => "stay HALTED",
        KillLevel::Flatten => "stay FLATTEN",
    }
}

/// The kill modal; returns where it is.
pub(super) fn modal(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    modal: &KillModal,
) -> Rect {
    let mut lines = kill_lines(scene, modal);
    let needed = num::cells(lines.len()) + 2;
    if area.height < needed {
        // What can be pressed is worth more than what exists.
        lines.retain(|(essential, _)| *essential);
    }
    let spot = middle(area, 66, num::cells(lines.len()).saturating_add(2));
    canvas.clear(spot, Role::Kill);
    let mut inner = spot;
    if 4 <= spot.height && 20 <= spot.width {
        let style = canvas.style(Role::Kill);
        canvas.outline(spot, style, ['┏', '━', '┓', '┃', '┗', '┛']);
        let end = canvas.text(spot.x + 2, spot.y, spot.width - 4, " KILL SWITCH ", style);
        let level = scene.kill_level();
        let word = match level {
            KillLevel::Active => "ACTIVE".to_owned(),
            KillLevel::ReduceOnly => "L1 REDUCE-ONLY".to_owned(),
            KillLevel::Halted => "L2 HALTED".to_owned(),
            KillLevel::Flatten => "L3 FLATTEN".to_owned(),
        };
        let remark = Line::of(Role::Kill, format!(" {word} "));
        if end + remark.width() + 2 < spot.right() {
            let room = Rect::new(end, spot.y, spot.right() - 2 - end, 1);
            canvas.line_right(room, &remark);
        }
        inner = inside(spot);
    }
    for (_, line) in &lines {
        let row = cut_top(&mut inner, 1);
        if 0 < row.height {
            canvas.line(
                row.x.saturating_add(1),
                row.y,
                row.width.saturating_sub(2),
                line,
            );
        }
    }
    spot
}

/// Lines of the kill modal, each with whether it must stay on the smallest screens.
fn kill_lines<'a>(scene: &Scene<'_>, modal: &KillModal) -> Vec<(bool, Line<'a>)> {
    let snapshot = scene.snapshot;
    let text = |text: String| Line::of(Role::Kill, text);
    let since = snapshot
        .state
        .kill_since
        .map_or_else(String::new, |at| format!(" since {}", num::clock_ms(at)));
    let mut lines = vec![
        (
            true,
            text(match scene.kill_level() {
                KillLevel::Active => "Trading normally.".to_owned(),
                KillLevel::ReduceOnly => format!("Entries blocked{since}, exits still work."),
                KillLevel::Halted => format!("Halted{since}: only cancels leave."),
                KillLevel::Flatten => format!("Flattening{since}: cancel all, close all."),
            }),
        ),
        (false, Line::new()),
    ];
    lines.extend(
        holdings(scene)
            .into_iter()
            .map(|text| (false, Line::of(Role::Kill, text))),
    );
    if let Some(phase) = phase_words(scene.kill.phase) {
        lines.push((false, text(format!("        {phase}"))));
    }
    lines.push((false, Line::new()));
    lines.extend(choices(scene, modal));
    lines.push((false, Line::new()));
    let level = scene.kill_level();
    let stays = match level {
        KillLevel::Active | KillLevel::ReduceOnly => "REDUCE-ONLY",
        KillLevel::Halted => "HALTED",
        KillLevel::Flatten => "FLATTEN",
    };
    lines.push((
        false,
        text(format!(
            "No answer keeps {stays}; shrinks to a banner after 10 s."
        )),
    ));
    lines.push((false, text("Paste and key repeat are ignored.".to_owned())));
    lines
}

/// The keys that still lead somewhere at the step that holds.
fn choices<'a>(scene: &Scene<'_>, modal: &KillModal) -> Vec<(bool, Line<'a>)> {
    let snapshot = scene.snapshot;
    let key = |key: &str| Line::of(Role::KillKey, format!("  {key:<9} "));
    let choice = |name: &str, text: String| (true, key(name).with(Role::Kill, text));
    let n_orders = snapshot.orders.len();
    // Halting leaves stops and targets where they are: they protect what is held.
    let is_protection = |p| matches!(p, Purpose::StopLoss | Purpose::TakeProfit);
    let n_halted = snapshot
        .orders
        .iter()
        .filter(|o| !is_protection(o.purpose))
        .count();
    let n_open = snapshot.positions.len();
    let needs_enter = !matches!(snapshot.session.mode, Mode::Replay | Mode::Paper);
    let level = scene.kill_level();
    let mut lines = Vec::new();
    if modal.armed_flatten {
        let text = format!("FLATTEN now: cancel {n_orders}, close {n_open} at market");
        lines.push(choice("[Enter]", text));
    } else {
        if level < KillLevel::Halted {
            let text = format!("HALT     cancel {n_halted} orders, keep positions and stops");
            let keys = scene.keymap.hint(&[Action::Kill]);
            lines.push(choice(&format!("[Enter {keys}]"), text));
        }
        if level < KillLevel::Flatten {
            let how = if needs_enter { ", then Enter" } else { "" };
            let text = format!("FLATTEN  cancel {n_orders}, close {n_open} at market{how}");
            lines.push(choice("[F]", text));
        }
    }
    if level < KillLevel::Flatten {
        let (slip, fee) = (estimate(scene, slippage), estimate(scene, taker_fee));
        let coin = short(&snapshot.session.coin, 8);
        let text = format!("{:21}est. slippage {slip}, fee {fee} {coin}", "");
        lines.push((false, Line::of(Role::Kill, text)));
    }
    let esc = if level < KillLevel::Halted {
        format!("{} (logged)", back_to(modal))
    } else {
        release(scene)
    };
    lines.push(choice("[Esc]", esc));
    lines
}

/// The way out of a step that `Esc` does not undo, by the keys in force.
fn release(scene: &Scene<'_>) -> String {
    let key = |action| scene.keymap.key(action).map(|key| key.to_string());
    match (key(Action::Palette), key(Action::Resume)) {
        (Some(palette), _) if palette == ":" => {
            "close this; `:resume <reason>` releases".to_owned()
        }
        (_, Some(resume)) => format!("close this; {resume} and a reason release"),
        (Some(palette), None) => format!("close this; {palette}, `resume <reason>` releases"),
        (None, None) => "close this; a restart can release".to_owned(),
    }
}

/// What there is to cancel and to close.
fn holdings(scene: &Scene<'_>) -> Vec<String> {
    let snapshot = scene.snapshot;
    let mut lines = Vec::new();
    if snapshot.positions.is_empty() {
        lines.push("  now   no position".to_owned());
    }
    for (n, position) in snapshot.positions.iter().take(3).enumerate() {
        let label = if n == 0 { "now" } else { "   " };
        let (side, _) = position_side(position.size.side());
        lines.push(format!(
            "  {label}   {} {side} {}  uPnL {}",
            position.symbol,
            position.size.abs(),
            num::signed_or_dash(position.unrealised)
        ));
    }
    if 3 < snapshot.positions.len() {
        lines.push(format!("        and {} more", snapshot.positions.len() - 3));
    }
    lines.push(format!("        working orders {}", snapshot.orders.len()));
    lines
}

/// Sum of an estimate over all positions; a dash when one of them cannot be known.
fn estimate(scene: &Scene<'_>, of: impl Fn(&Scene<'_>, &PositionView) -> Option<f64>) -> String {
    let sum = scene
        .snapshot
        .positions
        .iter()
        .map(|position| of(scene, position))
        .sum::<Option<f64>>();
    num::plain_float(sum, 2)
}

/// What closing at market costs against the middle of the book: the book is walked where there is
/// one, else half of the spread is taken. Unknown when the book is too thin.
fn slippage(scene: &Scene<'_>, position: &PositionView) -> Option<f64> {
    let market = scene.market_of(&position.symbol)?;
    let (bid, ask) = (market.bid?.0.to_f64(), market.ask?.0.to_f64());
    let size = position.size.abs().to_f64();
    let middle = f64::midpoint(bid, ask);
    match &market.book {
        Some(book) => walked(book, position.size.side()?, size, middle),
        None => Some((ask - bid) / 2.0 * size),
    }
}

fn walked(book: &BookView, side: Side, amount: f64, middle: f64) -> Option<f64> {
    let levels = match side {
        Side::Buy => &book.bids,
        Side::Sell => &book.asks,
    };
    let (mut left, mut cost) = (amount, 0.0);
    for (price, qty) in levels {
        let taken = left.min(qty.to_f64());
        cost += (price.to_f64() - middle).abs() * taken;
        left -= taken;
        if left <= 1e-12 {
            return Some(cost);
        }
    }
    None
}

/// Fee of closing at market, at the rate of the newest taker fill of that symbol.
fn taker_fee(scene: &Scene<'_>, position: &PositionView) -> Option<f64> {
    let fill = scene
        .snapshot
        .fills
        .iter()
        .rev()
        .find(|fill| fill.symbol == position.symbol && fill.liquidity == Liquidity::Taker)?;
    let rate = fill.fee.to_f64() / (fill.price * fill.qty).to_f64();
    let value = (position.mark? * position.size.abs()).to_f64();
    (rate.is_finite()).then_some(rate * value)
}
