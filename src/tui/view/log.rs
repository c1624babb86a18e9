//! View 7: the session's notices, filtered by level and text; holes in their numbers are shown.

use ratatui::layout::Rect;

use super::scene::Scene;
use crate::control::{Notice, NoticeLevel};
use crate::tui::theme::Role;
use crate::tui::widget::line::Line;
use crate::tui::widget::{Canvas, num};

/// A line of the log: a notice, or how many are missing.
enum Entry<'a> {
    Notice(&'a Notice),
    Missed(u64),
}

const fn level_number(level: NoticeLevel) -> u8 {
    match level {
        NoticeLevel::Debug => 0,
        NoticeLevel::Info => 1,
        NoticeLevel::Warn => 2,
        NoticeLevel::Error => 3,
    }
}

const fn letter(level: NoticeLevel) -> (&'static str, Role) {
    match level {
        NoticeLevel::Debug => ("D", Role::LogDebug),
        NoticeLevel::Info => ("I", Role::LogInfo),
        NoticeLevel::Warn => ("W", Role::LogWarn),
        NoticeLevel::Error => ("E", Role::LogError),
    }
}

fn entries<'a>(scene: &Scene<'a>) -> Vec<Entry<'a>> {
    let filter = scene.model.filter.to_lowercase();
    let mut all = Vec::with_capacity(scene.snapshot.notices.len());
    let mut last: Option<u64> = None;
    for notice in &scene.snapshot.notices {
        let missed = last.map_or(0, |last| notice.id.saturating_sub(last).saturating_sub(1));
        if 0 < missed {
            all.push(Entry::Missed(missed));
        }
        last = Some(notice.id);
        let wanted = scene.model.log_level <= level_number(notice.level)
            && (filter.is_empty()
                || notice.text.to_lowercase().contains(&filter)
                || notice.topic.to_lowercase().contains(&filter));
        if wanted {
            all.push(Entry::Notice(notice));
        }
    }
    all
}

/// Draws the log in a frame; `full` adds milliseconds and says what is filtered.
pub(super) fn pane(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>, full: bool) {
    let (index, title) = if full { (0, "Log") } else { (5, "7 Log") };
    let entries = entries(scene);
    let level = ["D+", "I+", "W+", "E"][usize::from(scene.model.log_level.min(3))];
    let mut remark = match scene.model.scroll {
        0 => "follow".to_owned(),
        n => format!("{n} below"),
    };
    num::push(&mut remark, format_args!(" · {level}"));
    if full {
        let n_lost = entries
            .iter()
            .map(|entry| if let Entry::Missed(n) = entry { *n } else { 0 })
            .fold(0_u64, u64::saturating_add);
        let n_shown = entries.len();
        num::push(
            &mut remark,
            format_args!(" · {n_shown} lines · {} missed", num::grouped(n_lost)),
        );
    }
    if !scene.model.filter.is_empty() {
        num::push(
            &mut remark,
            format_args!(" · /{}", super::header::short(&scene.model.filter, 24)),
        );
    }
    let inside = canvas.pane(area, title, &remark, scene.is_focused(index));
    lines(canvas, inside, scene, &entries, full);
}

fn lines(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: &Scene<'_>,
    entries: &[Entry<'_>],
    full: bool,
) {
    if area.height == 0 {
        return;
    }
    let room = usize::from(area.height);
    if entries.is_empty() {
        canvas.note(area, "no notices");
        return;
    }
    let scrolls = full || scene.is_focused(5);
    let scroll = if scrolls { scene.model.scroll } else { 0 };
    let end = entries
        .len()
        .saturating_sub(scroll)
        .max(room.min(entries.len()));
    let start = end.saturating_sub(room);
    for (n, entry) in entries[start..end].iter().enumerate() {
        let y = area.y.saturating_add(num::cells(n));
        let line = line(entry, 78 <= area.width);
        canvas.line(
            area.x.saturating_add(1),
            y,
            area.width.saturating_sub(1),
            &line,
        );
    }
}

fn line<'a>(entry: &Entry<'a>, wide: bool) -> Line<'a> {
    match entry {
        Entry::Missed(n) => Line::of(Role::Warn, format!("… missed {}", num::grouped(*n))),
        Entry::Notice(notice) => {
            let (letter, role) = letter(notice.level);
            let time = if wide {
                num::clock_ms(notice.at)
            } else {
                num::clock(notice.at)
            };
            let text = if Role::LogInfo == role {
                Role::Text
            } else {
                role
            };
            Line::of(Role::Dim, time)
                .with(role, format!(" {letter} "))
                .with(
                    Role::Dim,
                    format!("{:<7} ", super::header::short(&notice.topic, 7)),
                )
                .with(text, notice.text.as_str())
        }
    }
}

/// The newest notices as lines, newest last, for the smallest screens.
pub(super) fn tail(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let entries = entries(scene);
    let start = entries.len().saturating_sub(usize::from(area.height));
    for (n, entry) in entries[start..].iter().enumerate() {
        let y = area.y.saturating_add(num::cells(n));
        let line = line(entry, false);
        canvas.line(
            area.x.saturating_add(1),
            y,
            area.width.saturating_sub(1),
            &line,
        );
    }
}
