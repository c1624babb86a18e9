//! Data that no session should bring, and some may.

use proptest::prelude::*;
use ratatui::style::Color;

use super::*;
use crate::domain::{Mode, Price, Qty};
use crate::tui::sample;

/// Characters that would change the terminal if they reached it.
fn harmful(buffer: &Buffer) -> Option<String> {
    buffer
        .content
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .find(|symbol| {
            symbol.chars().any(|c| {
                c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            })
        })
        .map(str::to_owned)
}

#[test]
fn odd_snapshots_draw_everywhere_and_bring_no_control_characters() {
    let (snapshot, theme) = (sample::extreme(3), dark());
    for view in View::ALL {
        for size in [(1, 1), (19, 3), (40, 10), (80, 24), (120, 40), (200, 60)] {
            for overlay in overlays() {
                let model = Model {
                    overlay,
                    filter: "\u{1b}[2J".to_owned(),
                    ..model(view)
                };
                let buffer = buffer_of(size, &snapshot, &model, &theme, TRIPPED);
                assert_eq!(harmful(&buffer), None, "{view:?} {size:?}");
            }
        }
    }
}

#[test]
fn ascii_screens_hold_only_ascii() {
    let (snapshot, theme) = (sample::troubled(3), dark());
    for view in View::ALL {
        for size in [(40, 10), (80, 24), (120, 40), (200, 60)] {
            for overlay in overlays() {
                let model = Model {
                    overlay,
                    ascii: true,
                    ..model(view)
                };
                let buffer = buffer_of(size, &snapshot, &model, &theme, TRIPPED);
                let text = lines(&buffer);
                let other: String = text.chars().filter(|c| !c.is_ascii()).collect();
                assert_eq!(other, "", "{view:?} {size:?}");
            }
        }
    }
}

#[test]
fn nothing_is_drawn_in_the_colour_of_its_ground() {
    let snapshot = sample::troubled(3);
    for name in Theme::builtin_names() {
        let theme = Theme::builtin(name).unwrap();
        for view in View::ALL {
            let buffer = buffer_of((120, 40), &snapshot, &model(view), &theme, TRIPPED);
            for cell in buffer.content.iter().filter(|cell| cell.symbol() != " ") {
                let same = cell.fg == cell.bg && cell.fg != Color::Reset;
                assert!(!same, "{name} {view:?}: {cell:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_and_number_is_drawn(
        seed: u64,
        text in "\\PC{0,60}|[\\x00-\\x1f\\u{300}-\\u{36f}\\u{4e00}-\\u{4e20}]{0,40}",
        raw in 0..i128::MAX / 1_000_000_000_000,
        qty in 0..i64::MAX,
        used in proptest::num::f64::ANY,
        mode in 0..5_usize,
        width in 1..220_u16,
        height in 1..70_u16,
        view in 0..View::ALL.len(),
        zoom: usize,
        pan: usize,
        scroll: usize,
        row: usize,
    ) {
        let mut snapshot = if seed % 5 < 2 {
            sample::troubled(seed)
        } else {
            sample::normal(seed)
        };
        if let Some(venue) = &mut snapshot.venue {
            venue.connections[0].name.clone_from(&text);
            venue.connections[1].detail.clone_from(&text);
            venue.budgets[0].name.clone_from(&text);
            venue.account_lacks = (seed % 2 == 0).then(|| text.clone());
            snapshot.differences[0].ours.clone_from(&text);
            snapshot.differences[0].venue.clone_from(&text);
        }
        snapshot.session.mode =
            [Mode::Replay, Mode::Paper, Mode::Demo, Mode::Testnet, Mode::Live][mode];
        snapshot.session.synthetic = seed % 2 == 0;
        snapshot.session.feed.clone_from(&text);
        snapshot.markets[0].last = Price::from_raw(raw);
        snapshot.markets[0].tick = Price::from_raw(i128::from(seed % 3)).unwrap_or_default();
        snapshot.positions[0].mark = None;
        snapshot.orders[0].qty = Qty::ZERO;
        snapshot.orders[1].filled = Qty::from_raw(i128::from(qty)).unwrap_or_default();
        snapshot.gauges[0].used = Some(used);
        snapshot.gauges[0].detail.clone_from(&text);
        snapshot.legs[0].features[0].z = Some(used);
        snapshot.legs[0].name.clone_from(&text);
        snapshot.notices[0].text.clone_from(&text);
        let model = Model {
            chart_zoom: zoom,
            chart_pan: pan,
            scroll,
            row,
            pane: row % 9,
            filter: if seed % 3 == 0 { text } else { String::new() },
            snapshot_age_ms: seed % 9_000,
            ..model(View::ALL[view])
        };
        let buffer = buffer_of((width, height), &snapshot, &model, &dark(), IDLE);
        prop_assert_eq!(harmful(&buffer), None);
        if 20 <= width {
            let first = self::row(&buffer, 0);
            prop_assert!(first.contains(&snapshot.session.mode.name().to_uppercase()));
            let known = ["ACTIVE", "NO DATA", "NO ENTRIES"].iter().any(|state| first.contains(state));
            prop_assert!(known, "{first:?}");
        }
    }
}
