//! The way to the venue in a few words: for the header, for the row that says what holds entries
//! back, and for the health view. Every colour comes with a word.

use ratatui::layout::Rect;

use super::header::{health, short};
use super::scene::Scene;
use crate::control::{
    BudgetView, ClockView, ConnectionState, ConnectionView, FeedHealth, VenueView,
};
use crate::domain::Mode;
use crate::tui::action::Action;
use crate::tui::model::View;
use crate::tui::theme::Role;
use crate::tui::widget::line::{Line, Ranked, fit};
use crate::tui::widget::{Canvas, num};

/// Distance of the clocks, in ms, from which a person should set the clock.
const CLOCK_WARN_MS: i64 = 250;
/// Distance of the clocks, in ms, from which nothing is entered.
const CLOCK_STOP_MS: i64 = 750;

/// State of a connection: glyph, word and role.
pub(super) const fn connection(state: ConnectionState) -> (char, &'static str, Role) {
    let (glyph, role) = match state {
        ConnectionState::Up => ('●', Role::Ok),
        ConnectionState::Connecting => ('◌', Role::Warn),
        ConnectionState::Down => ('✗', Role::Bad),
        ConnectionState::Refused => ('■', Role::Bad),
    };
    (glyph, state.name(), role)
}

/// How bad a state is, for the worst of several.
pub(super) const fn badness(state: ConnectionState) -> u8 {
    match state {
        ConnectionState::Up => 0,
        ConnectionState::Connecting => 1,
        ConnectionState::Down => 2,
        ConnectionState::Refused => 3,
    }
}

/// `link up`, or the worst connection with how many more are not up: `link private down +1`.
pub(super) fn link<'a>(venue: &VenueView) -> Line<'a> {
    let line = Line::of(Role::Dim, "link ");
    let all = &venue.connections;
    // The first of the worst: `max_by_key` alone would take the last one.
    let worst = all.iter().rev().max_by_key(|one| badness(one.state));
    let Some(worst) = worst else {
        return line.with(Role::Dim, num::DASH);
    };
    let (glyph, word, role) = connection(worst.state);
    if worst.state == ConnectionState::Up {
        return line.with(role, format!("{glyph} {word}"));
    }
    let n_off = all.iter().filter(|one| 0 < badness(one.state)).count();
    let line = line.with(role, format!("{glyph} {} {word}", short(&worst.name, 14)));
    if n_off < 2 {
        return line;
    }
    line.with(role, format!(" +{}", n_off - 1))
}

/// Whether the venue and we agree, in words; `None` where nothing can be compared.
pub(super) fn agreement(scene: &Scene<'_>) -> Option<(String, Role)> {
    let snapshot = scene.snapshot;
    match snapshot.differences.len() {
        0 => {}
        1 => return Some(("1 difference".to_owned(), Role::Bad)),
        n => return Some((format!("{n} differences"), Role::Bad)),
    }
    let venue = snapshot.venue.as_ref()?;
    if is_simulated(snapshot.session.mode) {
        return None;
    }
    let (words, role) = match (&venue.account_lacks, venue.compared_at) {
        (Some(_), _) => ("reading account", Role::Warn),
        (None, None) => ("not compared", Role::Warn),
        (None, Some(_)) => ("account equal", Role::Ok),
    };
    Some((words.to_owned(), role))
}

/// Whether the orders of a mode stay in this program.
pub(super) const fn is_simulated(mode: Mode) -> bool {
    matches!(mode, Mode::Replay | Mode::Paper)
}

/// How long ago the venue's picture of the account was compared with ours.
pub(super) fn compared(scene: &Scene<'_>) -> String {
    let compared_at = scene.snapshot.venue.as_ref().and_then(|v| v.compared_at);
    match (compared_at, scene.snapshot.at) {
        (Some(then), Some(now)) => format!("{} ago", num::age(now.since(then))),
        _ => num::DASH.to_owned(),
    }
}

/// What the worst distance that was measured means: word and role.
pub(super) fn clock_word(clock: Option<ClockView>) -> (&'static str, Role) {
    let worst = clock.map(|clock| {
        let error = clock.error_ms.saturating_abs();
        clock.offset_ms.saturating_abs().saturating_add(error)
    });
    match worst {
        None => ("not measured", Role::Dim),
        Some(CLOCK_STOP_MS..) => ("STOP", Role::Bad),
        Some(CLOCK_WARN_MS..) => ("WARN", Role::Warn),
        Some(_) => ("ok", Role::Ok),
    }
}

/// Word and role of a budget that is near its end; `None` while there is enough for everything.
pub(super) fn budget_word(budget: &BudgetView) -> Option<(&'static str, Role)> {
    match budget.left {
        _ if budget.limit == 0 => None,
        0 => Some(("empty", Role::Bad)),
        left if left <= budget.reserved => Some(("exits only", Role::Warn)),
        _ => None,
    }
}

/// Pieces for the second row of the header.
pub(super) fn pieces<'a>(scene: &Scene<'_>) -> Vec<Ranked<'a>> {
    let mut all = Vec::new();
    let mut add = |rank, line| all.push(Ranked { rank, line });
    if let Some(venue) = &scene.snapshot.venue {
        add(1, link(venue));
    }
    if let Some((words, role)) = agreement(scene) {
        add(1, Line::of(role, words));
    }
    let Some(venue) = &scene.snapshot.venue else {
        return all;
    };
    if let Some(clock) = venue.clock {
        let (word, role) = clock_word(venue.clock);
        let text = format!("{:+}ms {word}", clock.offset_ms);
        let rank = if role == Role::Ok { 6 } else { 2 };
        add(rank, Line::of(Role::Dim, "clk ").with(role, text));
    }
    if let Some(budget) = tightest(&venue.budgets) {
        let (rank, role) = match budget_word(budget) {
            Some((_, role)) => (2, role),
            None => (8, Role::Text),
        };
        let line = Line::of(Role::Dim, format!("{} ", short(&budget.name, 14)));
        let mut line = line.with(role, format!("{}/{}", budget.left, budget.limit));
        if let Some((word, role)) = budget_word(budget) {
            line.push(role, format!(" {word}"));
        }
        add(rank, line);
    }
    add(9, Line::of(Role::Dim, short(&venue.host, 24)));
    all
}

/// The budget of which the smallest part is left; the first of several.
fn tightest(budgets: &[BudgetView]) -> Option<&BudgetView> {
    let part = |b: &BudgetView| u64::from(b.left) * 1_000_000 / u64::from(b.limit.max(1));
    let known = budgets.iter().filter(|budget| 0 < budget.limit);
    known.min_by_key(|budget| part(budget))
}

/// Something that holds entries back.
pub(super) struct Held {
    /// Whether it holds them back everywhere, not in one instrument only.
    pub(super) everywhere: bool,
    /// In words.
    pub(super) text: String,
    /// In few words, where several share a row.
    short: String,
}

/// What holds entries back on the side of the venue, the first reason first. The engine decides;
/// this is what its picture shows of it.
pub(super) fn held(scene: &Scene<'_>) -> Vec<Held> {
    let snapshot = scene.snapshot;
    let mut all = Vec::new();
    let mut add = |everywhere, text, short| {
        all.push(Held {
            everywhere,
            text,
            short,
        });
    };
    if let Some(venue) = &snapshot.venue {
        let refused = |one: &&ConnectionView| one.state == ConnectionState::Refused;
        if let Some(one) = venue.connections.iter().find(refused) {
            let detail = short(&one.detail, 48);
            let brief = format!("the venue refuses {}", short(&one.name, 14));
            add(true, format!("{brief}: {detail}"), brief);
        }
        if let Some(lacks) = &venue.account_lacks {
            let text = format!("account: {}", short(lacks, 48));
            add(true, text, "account not whole".to_owned());
        }
        if let (Some(clock), ("STOP", _)) = (venue.clock, clock_word(venue.clock)) {
            let (offset, error) = (clock.offset_ms, clock.error_ms);
            let text = format!("clock {offset:+} ± {error} ms off");
            add(true, text, "clock off".to_owned());
        }
    }
    if let Some(first) = snapshot.differences.first() {
        let words = agreement(scene).map_or_else(String::new, |(words, _)| words);
        let (ours, venue) = (short(&first.ours, 40), short(&first.venue, 40));
        let class = short(&first.class, 16);
        let text = format!("{words}: {class}, ours {ours}, venue {venue}");
        add(true, text, words);
    }
    if snapshot.venue.is_some() {
        for market in &snapshot.markets {
            if market.health != FeedHealth::Ok {
                let (word, _) = health(market.health);
                let text = format!("{} feed {word}", market.symbol);
                add(false, text.clone(), text);
            }
        }
    }
    all
}

/// Whether nothing can be entered anywhere because of the venue.
pub(super) fn holds_everything(scene: &Scene<'_>) -> bool {
    held(scene).iter().any(|one| one.everywhere)
}

/// ` ‖ NO ENTRIES · 2 differences: position, ours 0.232, venue 0.116 BTCUSDT`. One reason is
/// cut where there is no room; several are told in few words.
pub(super) fn held_row(canvas: &mut Canvas<'_>, row: Rect, scene: &Scene<'_>, all: &[Held]) {
    canvas.clear(row, Role::Held);
    let word = if all.iter().any(|one| one.everywhere) {
        " ‖ NO ENTRIES · "
    } else {
        " ‖ ENTRIES HELD · "
    };
    let start = canvas.line(row.x, row.y, row.width, &Line::of(Role::Held, word));
    let mut room = row.right().saturating_sub(start);
    let keys = scene.keymap.hint(&[Action::Show(View::Health)]);
    let hint = Line::of(Role::Held, format!(" {keys} health "));
    let is_there = scene.model.view == View::Health;
    if !keys.is_empty() && !is_there && 60 <= room {
        canvas.line_right(row, &hint);
        room = room.saturating_sub(hint.width());
    }
    let gap = Line::of(Role::Held, " · ");
    // In full where that fits, else the first in full, else all in few words.
    let told = |n_full: usize| -> Vec<Ranked<'_>> {
        let ranked = all.iter().zip(0..=u8::MAX).map(|(one, rank)| {
            let full = usize::from(rank) < n_full;
            let text = if full { &one.text } else { &one.short };
            let line = Line::of(Role::Held, text.as_str());
            Ranked { rank, line }
        });
        ranked.collect()
    };
    let fits = |n_full: &usize| fit(told(*n_full), u16::MAX, &gap).width() <= room;
    let n_full = match all.len() {
        1 => 1,
        n => [n, 1].into_iter().find(fits).unwrap_or(0),
    };
    let reasons = fit(told(n_full), room, &gap);
    canvas.line(start, row.y, room, &reasons);
}
