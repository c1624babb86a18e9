//! The way to the venue on the screen: what is lost, what differs, what holds entries back.

use super::looks::{assert_role, look, y_of};
use super::*;
use crate::control::{
    BudgetView, ClockView, ConnectionState, DifferenceView, FeedHealth, VenueView,
};
use crate::domain::Mode;
use crate::tui::sample;
use crate::tui::theme::Role;

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn drawn(size: (u16, u16), snapshot: &Snapshot, view: View) -> Buffer {
    buffer_of(size, snapshot, &model(view), &dark(), IDLE)
}

/// A well connected session after one change to its venue.
fn with(change: impl FnOnce(&mut VenueView)) -> Snapshot {
    let mut snapshot = sample::connected(1);
    change(snapshot.venue.as_mut().unwrap());
    snapshot
}

#[test]
fn the_header_names_the_worst_connection() {
    use ConnectionState::{Connecting, Down, Refused, Up};
    for (states, words, role) in [
        ([Up, Up, Up, Up], "link ● up", Role::Ok),
        (
            [Up, Up, Connecting, Up],
            "link ◌ orders connecting",
            Role::Warn,
        ),
        (
            [Up, Down, Connecting, Up],
            "link ✗ private down +1",
            Role::Bad,
        ),
        (
            [Down, Down, Up, Up],
            "link ✗ public linear down +1",
            Role::Bad,
        ),
        (
            [Down, Up, Up, Refused],
            "link ■ requests refused +1",
            Role::Bad,
        ),
    ] {
        let snapshot = with(|venue| {
            for (one, state) in venue.connections.iter_mut().zip(states) {
                one.state = state;
            }
        });
        for size in [(80, 24), (120, 40), (200, 60)] {
            let buffer = drawn(size, &snapshot, View::Log);
            let second = row(&buffer, 1);
            assert!(second.contains(words), "{size:?} {words}: {second:?}");
            assert_role(look(&buffer, 1, &words[5..]), role);
        }
        let text = lines(&drawn((40, 10), &snapshot, View::Dashboard));
        assert!(text.contains(words), "{words}:\n{text}");
    }
    let none = with(|venue| venue.connections.clear());
    assert!(row(&drawn((80, 24), &none, View::Log), 1).contains("link -"));
}

#[test]
fn the_header_says_whether_the_account_agrees() {
    let lacking = with(|venue| venue.account_lacks = Some("open orders".to_owned()));
    let never = with(|venue| venue.compared_at = None);
    let equal = with(|_| {});
    let mut one = sample::troubled(1);
    one.differences.truncate(1);
    for (snapshot, words, role) in [
        (&equal, "account equal", Role::Ok),
        (&lacking, "reading account", Role::Warn),
        (&never, "not compared", Role::Warn),
        (&one, "1 difference", Role::Bad),
        (&sample::troubled(1), "4 differences", Role::Bad),
    ] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let buffer = drawn(size, snapshot, View::Log);
            assert_role(look(&buffer, 1, words), role);
        }
        let text = lines(&drawn((40, 10), snapshot, View::Dashboard));
        assert!(text.contains(words), "{words}:\n{text}");
    }
    // Nothing of a simulated account can differ from a venue.
    let mut paper = with(|venue| venue.compared_at = None);
    paper.session.mode = Mode::Paper;
    let buffer = drawn((120, 40), &paper, View::Log);
    assert!(!row(&buffer, 1).contains("compared"));
}

#[test]
fn clocks_warn_and_stop_by_the_worst_that_was_measured() {
    for (offset_ms, error_ms, word, role) in [
        (0, 0, "ok", Role::Ok),
        (-200, 49, "ok", Role::Ok),
        (200, 50, "WARN", Role::Warn),
        (-700, 49, "WARN", Role::Warn),
        (700, 50, "STOP", Role::Bad),
        (i64::MIN, i64::MAX, "STOP", Role::Bad),
    ] {
        let clock = ClockView {
            offset_ms,
            error_ms,
        };
        let snapshot = with(|venue| venue.clock = Some(clock));
        let buffer = drawn((120, 40), &snapshot, View::Health);
        let y = y_of(&buffer, "clock    ");
        assert_role(look(&buffer, y, word), role);
        let stops = word == "STOP";
        assert_eq!(row(&buffer, 0).contains("NO ENTRIES"), stops, "{offset_ms}");
        assert_eq!(lines(&buffer).contains("ms off"), stops, "{offset_ms}");
    }
}

#[test]
fn whatever_holds_entries_back_is_on_the_dashboard_of_every_size() {
    let refused = with(|venue| {
        venue.connections[1].state = ConnectionState::Refused;
        venue.connections[1].detail = "10003 key is invalid".to_owned();
    });
    let lacking = with(|venue| venue.account_lacks = Some("open orders".to_owned()));
    let clock = with(|venue| {
        venue.clock = Some(ClockView {
            offset_ms: 900,
            error_ms: 4,
        });
    });
    let mut differs = with(|_| {});
    differs.differences = sample::troubled(1).differences;
    for (snapshot, words) in [
        (refused, "the venue refuses"),
        (lacking, "account: open orders"),
        (clock, "clock +900"),
        (differs, "4 differences: position"),
    ] {
        for size in [(40, 3), (40, 10), (60, 16), (80, 24), (120, 40), (200, 60)] {
            let buffer = drawn(size, &snapshot, View::Dashboard);
            let y = y_of(&buffer, words);
            let held = row(&buffer, y);
            assert!(held.starts_with(" ‖ NO ENTRIES "), "{size:?}: {held:?}");
            assert_role(look(&buffer, y, words), Role::Held);
            assert_role(look(&buffer, 0, "‖ NO ENTRIES"), Role::StateReduce);
        }
        for view in View::ALL {
            y_of(&drawn((80, 24), &snapshot, view), words);
        }
        // The kill switch stays above everything.
        let model = model(View::Dashboard);
        let buffer = buffer_of((80, 24), &snapshot, &model, &dark(), TRIPPED);
        assert!(y_of(&buffer, "KILL  REDUCE-ONLY") < y_of(&buffer, words));
        assert!(row(&buffer, 0).trim_end().ends_with("‖ REDUCE-ONLY"));
    }
}

#[test]
fn several_reasons_share_the_row_in_short() {
    let snapshot = sample::troubled(1);
    for (size, words) in [
        ((40, 10), "‖ NO ENTRIES · account not whole"),
        (
            (80, 24),
            "account not whole · 4 differences · SOLUSDT feed stale",
        ),
        (
            (200, 60),
            "since 12:03:44 · 4 differences: position, ours 0.232",
        ),
    ] {
        y_of(&drawn(size, &snapshot, View::Dashboard), words);
    }
}

#[test]
fn a_feed_that_is_not_fresh_holds_back_its_own_entries_only() {
    let mut snapshot = with(|_| {});
    let calm = lines(&drawn((80, 24), &snapshot, View::Dashboard));
    assert!(!calm.contains("ENTRIES"), "{calm}");
    snapshot.markets[2].health = FeedHealth::Stale;
    for size in SIZES {
        let buffer = drawn(size, &snapshot, View::Dashboard);
        let y = y_of(&buffer, "SOLUSDT feed stale");
        assert!(row(&buffer, y).starts_with(" ‖ ENTRIES HELD · "));
        assert!(row(&buffer, 0).contains("● ACTIVE"), "{size:?}");
    }
    // A recording has holes of its own; no venue holds anything back there.
    let text = lines(&drawn((80, 24), &sample::normal(1), View::Dashboard));
    assert!(!text.contains("ENTRIES"), "{text}");
}

#[test]
fn every_difference_has_its_card() {
    let snapshot = sample::troubled(1);
    for size in [(120, 40), (200, 60)] {
        let text = lines(&drawn(size, &snapshot, View::Health));
        for DifferenceView {
            class,
            ours,
            venue,
            repair,
        } in &snapshot.differences
        {
            for part in [&**class, ours, venue, &**repair] {
                assert!(text.contains(part), "{size:?} {part}:\n{text}");
            }
        }
    }
    // On small screens the selected one is there, with the key where it can be adopted.
    for (row, difference) in snapshot.differences.iter().enumerate() {
        for size in [(40, 10), (60, 16), (80, 24)] {
            let model = Model {
                row,
                ..model(View::Health)
            };
            let buffer = buffer_of(size, &snapshot, &model, &dark(), IDLE);
            let text = lines(&buffer);
            for part in [&difference.class, &difference.venue[..8]] {
                assert!(text.contains(part), "{size:?} {row}:\n{text}");
            }
            if 60 < size.0 {
                let y = y_of(&buffer, "▸");
                let (title, last) = (super::row(&buffer, y), super::row(&buffer, y + 2));
                assert!(title.contains(&*difference.class), "{title:?}");
                assert_eq!(last.contains("A adopt"), row == 0, "{last:?}");
                assert_role(look(&buffer, y_of(&buffer, "▸"), "▸"), Role::Selection);
            }
        }
    }
}

#[test]
fn budgets_say_what_is_kept_and_when_only_exits_are_left() {
    let budget = |limit, left, reserved| BudgetView {
        name: "create".to_owned(),
        limit,
        left,
        reserved,
    };
    for (budget, count, words, role) in [
        (budget(10, 9, 2), "9/10", "2 kept", Role::Dim),
        (budget(10, 2, 2), "2/10", "exits only", Role::Warn),
        (budget(10, 0, 2), "0/10", "empty", Role::Bad),
        (budget(0, 0, 0), "-", "0 kept", Role::Dim),
    ] {
        let left = budget.left;
        let snapshot = with(|venue| venue.budgets = vec![budget]);
        for size in [(80, 24), (120, 40), (200, 60)] {
            let buffer = drawn(size, &snapshot, View::Health);
            // The header names the tightest budget too.
            let mut ys = 3..size.1;
            let y = ys.find(|y| row(&buffer, *y).contains("│ create")).unwrap();
            let line = row(&buffer, y);
            assert!(line.contains(count), "{size:?}: {line:?}");
            // Small screens have the first word, and nothing while all is well.
            let words = if size.0 == 80 {
                words.split(' ').next().unwrap()
            } else {
                words
            };
            if role != Role::Dim || size.0 != 80 {
                assert_role(look(&buffer, y, words), role);
            }
            if 0 < left {
                assert_role(look(&buffer, y, "═"), Role::Accent);
            }
        }
        let text = lines(&drawn((40, 30), &snapshot, View::Health));
        assert!(text.contains("create"), "{text}");
    }
}

#[test]
fn what_is_not_known_is_a_dash() {
    let mut snapshot = with(|venue| {
        *venue = VenueView::default();
    });
    snapshot.markets[0].updated = None;
    snapshot.markets[0].health = FeedHealth::Waiting;
    for size in [(80, 24), (120, 40), (200, 60)] {
        let text = lines(&drawn(size, &snapshot, View::Health));
        for words in ["host     -", "compared -", "clock    -  not measured"] {
            assert!(text.contains(words), "{size:?} {words}:\n{text}");
        }
        let mut parts = text.lines().filter_map(|line| line.split_once("waiting "));
        let (_, after) = parts
            .find(|(before, _)| before.contains("BTCUSDT"))
            .unwrap();
        assert!(after.trim_start().starts_with("- "), "{text}");
        for words in [
            "no connection yet",
            "no budget known yet",
            "not compared with",
        ] {
            assert!(text.contains(words), "{size:?} {words}:\n{text}");
        }
    }
}

#[test]
fn a_session_without_a_venue_says_so_and_shows_its_data() {
    let mut snapshot = sample::normal(1);
    for (mode, words) in [
        (Mode::Replay, "no venue: orders"),
        (Mode::Paper, "no venue: orders"),
        (Mode::Demo, "the venue has not been reached"),
        (Mode::Live, "the venue has not been reached"),
    ] {
        snapshot.session.mode = mode;
        for size in SIZES {
            let text = lines(&drawn(size, &snapshot, View::Health));
            for words in [words, "SOLUSDT", "stale"] {
                assert!(text.contains(words), "{size:?} {words}:\n{text}");
            }
        }
        let text = lines(&drawn((80, 24), &snapshot, View::Health));
        for words in ["bad data", "model errors", "demo", "18 412"] {
            assert!(text.contains(words), "{words}:\n{text}");
        }
    }
}

#[test]
fn the_risk_view_names_what_the_venue_holds_back() {
    let buffer = drawn((120, 40), &sample::troubled(1), View::Risk);
    let y = y_of(&buffer, "venue    account: the private");
    assert_role(look(&buffer, y, "account:"), Role::Warn);
}
