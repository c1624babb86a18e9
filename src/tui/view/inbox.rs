//! The reconciliation inbox: one card for each thing about which the venue and we disagree, with
//! its class, both sides and what would make them equal. Nothing is repaired from here in silence.

use ratatui::layout::Rect;

use super::overlay::wrapped;
use super::scene::{Scene, cut_top};
use super::tables::short_id;
use super::venue::{compared, is_simulated};
use crate::control::DifferenceView;
use crate::tui::action::Action;
use crate::tui::adopt::adoptable;
use crate::tui::theme::Role;
use crate::tui::widget::canvas::width_of;
use crate::tui::widget::line::Line;
use crate::tui::widget::table::{Follow, window};
use crate::tui::widget::{Canvas, num};

/// Pane of the inbox in the health view.
const INBOX: usize = 0;
/// Rows of a card: class and repair, ours, the venue's.
const CARD: u16 = 3;

/// Draws the inbox in a frame.
pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let all = &scene.snapshot.differences;
    let mut remark = format!("compared {}", compared(scene));
    let keys = scene.hints(&[(&[Action::Down, Action::Up], "row")]);
    if 1 < all.len() && !keys.is_empty() {
        num::push(&mut remark, format_args!(" · {keys}"));
    }
    if scene.snapshot.venue.is_none() {
        remark.clear();
    }
    let title = match all.len() {
        0 if scene.snapshot.venue.is_none() => "Venue".to_owned(),
        0 => "Differences".to_owned(),
        n => format!("Differences ({n})"),
    };
    let focused = scene.is_focused(INBOX);
    let mut inside = canvas.pane(area, &title, &remark, focused);
    if all.is_empty() {
        let (text, role) = nothing(scene);
        paragraph(canvas, &mut inside, &text, role);
        return;
    }
    cards(canvas, &mut inside, scene);
    if CARD < inside.height {
        cut_top(&mut inside, 1);
        let text = "Nothing is entered until both sides are equal. Adopting makes the venue's \
                    position ours.";
        paragraph(canvas, &mut inside, text, Role::Dim);
    }
}

/// Why there is no card.
pub(super) fn nothing(scene: &Scene<'_>) -> (String, Role) {
    let mode = scene.snapshot.session.mode;
    let Some(venue) = &scene.snapshot.venue else {
        let text = if is_simulated(mode) {
            "no venue: orders are simulated here, there is nothing to compare"
        } else {
            "the venue has not been reached yet"
        };
        return (text.to_owned(), Role::Dim);
    };
    if is_simulated(mode) {
        let text = "the account is simulated here: there is nothing to compare";
        return (text.to_owned(), Role::Dim);
    }
    match (&venue.account_lacks, venue.compared_at) {
        (Some(lacks), _) => (format!("◌ reading account: {lacks}"), Role::Warn),
        (None, None) => ("◌ not compared with the venue yet".to_owned(), Role::Warn),
        (None, Some(_)) => {
            let text = "● equal: the venue's orders and positions are ours";
            (text.to_owned(), Role::Ok)
        }
    }
}

/// A text in as many rows as it needs and there are.
pub(super) fn paragraph(canvas: &mut Canvas<'_>, area: &mut Rect, text: &str, role: Role) {
    let width = usize::from(area.width.saturating_sub(2)).max(8);
    for line in wrapped(text, width) {
        let row = cut_top(area, 1);
        canvas.row(row, 0, &Line::of(role, line));
    }
}

/// ```text
/// ▸position · adopt it, or close it
///    ours   0.232
///    venue  0.116 BTCUSDT                                            A adopt
/// ```
fn cards(canvas: &mut Canvas<'_>, area: &mut Rect, scene: &Scene<'_>) {
    let all = &scene.snapshot.differences;
    let needed = num::cells(all.len()).saturating_mul(CARD + 1) - 1;
    let gap = u16::from(needed <= area.height);
    let room = usize::from((area.height + gap) / (CARD + gap)).max(1);
    let follow = scene.follow(INBOX, all.len(), Follow::First);
    let first = window(all.len(), room, follow);
    for (n, difference) in all.iter().enumerate().skip(first).take(room) {
        if first < n {
            cut_top(area, gap);
        }
        let spot = cut_top(area, CARD);
        let is_selected = follow == Follow::Selected(n);
        card(canvas, spot, scene, difference, is_selected);
    }
}

/// A text with the names of orders cut to their ends, where it needs more than `width` cells.
pub(super) fn brief(text: &str, width: u16) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let words: Vec<String> = text.split(' ').map(short_id).collect();
    words.join(" ")
}

fn card(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    difference: &DifferenceView,
    is_selected: bool,
) {
    let title = Line::of(Role::Bad, difference.class.to_string())
        .with(Role::Dim, " · ")
        .with(Role::Text, difference.repair.to_string());
    canvas.row(area, 0, &title);
    let mut end = area.x;
    for (n, (name, text)) in [("ours", &difference.ours), ("venue", &difference.venue)]
        .into_iter()
        .enumerate()
    {
        let text = if text.is_empty() { num::DASH } else { text };
        let text = brief(text, area.width.saturating_sub(10));
        let line = Line::of(Role::Dim, format!("  {name:<7}")).with(Role::Text, text);
        end = canvas.row(area, num::cells(n + 1), &line);
    }
    if !is_selected || area.height == 0 {
        return;
    }
    let style = canvas.style(Role::Accent);
    canvas.put(area.x, area.y, '▸', style);
    let row = Rect::new(area.x, area.y, area.width, 1);
    canvas.tint(row, Role::Selection);
    let keys = scene.keymap.hint(&[Action::Adopt]);
    if adoptable(difference, &scene.snapshot.markets).is_ok() && !keys.is_empty() {
        let hint = Line::of(Role::KeyDanger, keys).with(Role::Text, " adopt ");
        let fits = end.saturating_add(hint.width()) < area.right();
        if fits && CARD <= area.height {
            let last = Rect::new(area.x, area.y + CARD - 1, area.width, 1);
            canvas.line_right(last, &hint);
        }
    }
}
