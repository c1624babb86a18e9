//! Dialogs, acts and selections.

use rstest::rstest;

use super::*;
use crate::control::SessionCommand;
use crate::domain::{InstrumentId, LegId};

#[test]
fn the_palette_finds_by_a_few_letters_and_runs_on_enter() {
    let mut desk = live();
    desk.keys(&[":"]);
    desk.text("blott");
    assert_eq!(
        desk.ui.palette_rows(&desk.snapshot)[0].text,
        "View 3: blotter"
    );
    desk.keys(&["enter"]);
    assert_eq!(
        (desk.ui.model.view, &desk.ui.model.overlay),
        (View::Blotter, &None)
    );
    desk.keys(&["ctrl-p"]);
    desk.text("market eth");
    desk.keys(&["enter"]);
    assert_eq!(desk.ui.model.market, 1);
    desk.keys(&[":"]);
    desk.text("qqqzzz");
    assert_eq!(desk.keys(&["enter"]), []);
    assert!(desk.ui.model.toasts.last().unwrap().warn);
}

#[test]
fn resume_needs_a_reason() {
    let mut desk = live();
    desk.keys(&["K", "enter", "esc", ":"]);
    desk.text("resume ");
    assert_eq!(desk.keys(&["enter"]), []);
    desk.text("venue is back");
    assert_eq!(
        desk.keys(&["enter"]),
        [trade(TradeCommand::Resume {
            level: KillLevel::Active,
            reason: "venue is back".to_owned(),
        })]
    );
    desk.keys(&[":"]);
    desk.text("resume again");
    assert_eq!(desk.keys(&["enter"]), [], "nothing to resume");
}

#[test]
fn help_shows_what_matches_and_what_is_dangerous() {
    let mut desk = live();
    desk.keys(&["?"]);
    let all = desk.ui.help_rows().len();
    desk.text("kill");
    let rows = desk.ui.help_rows();
    assert!(rows.len() < all);
    assert_eq!((rows[0].keys.as_str(), rows[0].danger), ("K  f12", true));
    desk.keys(&["backspace", "ctrl-u"]);
    assert_eq!(desk.ui.help_rows().len(), all);
    desk.keys(&["3"]);
    assert_eq!(desk.ui.model.view, View::Dashboard, "digits are text here");
}

#[test]
fn a_theme_is_previewed_kept_by_enter_and_undone_by_esc() {
    let mut desk = live();
    assert_eq!(
        desk.keys(&["t", "down"]),
        [Request::SetTheme("light".to_owned())]
    );
    assert_eq!(desk.keys(&["esc"]), [Request::SetTheme("dark".to_owned())]);
    desk.keys(&["t", "down", "down", "enter"]);
    assert_eq!(
        (desk.ui.model.theme.as_str(), &desk.ui.model.overlay),
        ("mono", &None)
    );
    assert_eq!(desk.keys(&["t", "esc"]), [], "nothing to undo");
}

#[rstest]
#[case(&["enter"], Some(ExitPolicy::Keep))]
#[case(&["down", "enter"], Some(ExitPolicy::Cancel))]
#[case(&["down", "down", "down", "enter"], Some(ExitPolicy::Flatten))]
#[case(&["esc", "enter"], None)]
fn quitting_asks_what_happens_to_orders(#[case] keys: &[&str], #[case] end: Option<ExitPolicy>) {
    for quit in ["q", "ctrl-c"] {
        let mut desk = live();
        assert_eq!(desk.keys(&[quit]), []);
        let requests = desk.keys(keys);
        assert_eq!(
            requests,
            end.map(Request::Exit).into_iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn quitting_asks_nothing_after_the_end() {
    let mut desk = live();
    desk.take(Msg::Ended);
    assert_eq!(desk.keys(&["q"]), [Request::Exit(ExitPolicy::Keep)]);
}

#[test]
fn a_confirm_dialog_starts_on_cancel() {
    let mut desk = live();
    desk.keys(&["C"]);
    assert!(
        matches!(&desk.ui.model.overlay, Some(Overlay::Confirm { question, yes: false })
        if question.contains("3 working orders"))
    );
    assert_eq!(desk.keys(&["enter"]), []);
    assert_eq!(desk.keys(&["C", "tab", "tab", "enter"]), []);
    assert_eq!(desk.keys(&["C", "tab", "esc", "enter"]), []);
    assert_eq!(
        desk.keys(&["C", "right", "enter"]),
        [trade(TradeCommand::CancelAll)]
    );
}

#[test]
fn a_close_needs_its_word() {
    let close = trade(TradeCommand::Close(InstrumentId(1)));
    let mut desk = live();
    assert_eq!(desk.keys(&["3", "x", "tab", "enter"]), []);
    assert_eq!(desk.keys(&["x", "c", "l", "o", "s", "x", "enter"]), []);
    desk.keys(&["x"]);
    desk.take(Msg::Paste("close".to_owned()));
    assert_eq!(desk.keys(&["enter"]), [], "a paste is no answer");
    assert_eq!(
        desk.keys(&["x", "c", "l", "o", "s", "x", "backspace", "e", "enter"]),
        [close]
    );
    let all = trade(TradeCommand::CloseAll);
    assert_eq!(desk.keys(&["X", "c", "l", "o", "s", "e", "enter"]), [all]);
}

/// The keys of a phrase.
fn phrase(text: &str) -> Vec<String> {
    let key = |c: char| {
        if c == ' ' {
            "space".to_owned()
        } else {
            c.into()
        }
    };
    text.chars().map(key).collect()
}

fn types(desk: &mut Desk, text: &str) {
    for key in phrase(text) {
        assert_eq!(desk.key(&key), [], "{text}");
    }
}

#[test]
fn an_adoption_needs_a_position_that_differs_and_its_phrase() {
    let adopt = trade(TradeCommand::Adopt(InstrumentId(1)));
    let mut desk = live();
    desk.keys(&["8", "A"]);
    assert_eq!(desk.ui.model.overlay, None, "an order cannot be adopted");
    assert!(
        desk.ui
            .model
            .toasts
            .last()
            .unwrap()
            .text
            .contains("cancel it at the venue")
    );
    for answer in ["", "adopt", "adopt ethusdx", "adopt ETHUSDT", "close"] {
        desk.keys(&["j", "A"]);
        types(&mut desk, answer);
        assert_eq!(desk.keys(&["tab", "enter"]), [], "{answer}");
    }
    desk.keys(&["A"]);
    desk.take(Msg::Paste("adopt ethusdt".to_owned()));
    assert_eq!(desk.keys(&["enter"]), [], "a paste is no answer");
    desk.keys(&["A"]);
    assert!(
        matches!(&desk.ui.model.overlay, Some(Overlay::Confirm { question, yes: false })
        if question.contains("0.02 ETHUSDT as ours, in place of 0.05"))
    );
    types(&mut desk, "adopt ethusdt");
    assert_eq!(desk.keys(&["enter"]), [adopt]);
    desk.keys(&["tab", "A"]);
    assert_eq!(desk.ui.model.overlay, None, "another pane has the focus");
    desk.keys(&["1", "A"]);
    assert_eq!(desk.ui.model.overlay, None, "another view has the keys");
}

#[test]
fn the_palette_adopts_by_symbol() {
    let adopt = trade(TradeCommand::Adopt(InstrumentId(1)));
    let mut desk = live();
    desk.keys(&[":"]);
    desk.text("adopt e");
    let rows = desk.ui.palette_rows(&desk.snapshot);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].text, "adopt ETHUSDT: ours 0.05, venue 0.02 ETHUSDT");
    assert_eq!(desk.keys(&["enter"]), [], "it asks");
    types(&mut desk, "adopt ethusdt");
    assert_eq!(desk.keys(&["enter"]), [adopt]);
    // No difference of positions: nothing to adopt.
    for symbol in ["BTCUSDT", "XRPUSDT", "ETH"] {
        desk.snapshot
            .differences
            .truncate(if symbol == "ETH" { 1 } else { 2 });
        desk.keys(&[":"]);
        desk.text(&format!("adopt {symbol}"));
        assert_eq!(desk.keys(&["enter"]), []);
        assert_eq!(desk.ui.model.overlay, None, "{symbol}");
        let said = &desk.ui.model.toasts.last().unwrap().text;
        assert!(said.contains(symbol), "{said}");
    }
    // Without a symbol the palette asks for one.
    desk.keys(&[":"]);
    desk.text("adopt <sym");
    desk.keys(&["ctrl-u"]);
    desk.text("adopt");
    desk.keys(&["enter"]);
    assert!(matches!(&desk.ui.model.overlay,
        Some(Overlay::Palette { input, .. }) if input == "adopt "));
}

#[test]
fn a_difference_that_changes_under_the_question_is_not_adopted() {
    let mut desk = live();
    desk.keys(&["8", "j", "A"]);
    types(&mut desk, "adopt ethusdt");
    desk.snapshot.differences[1].venue = "9000 ETHUSDT".to_owned();
    assert_eq!(desk.keys(&["enter"]), []);
    let said = &desk.ui.model.toasts.last().unwrap().text;
    assert!(said.contains("it has changed since the question"), "{said}");
    // A picture that is held may be older than what the venue says by now.
    desk.keys(&["p", "A"]);
    assert_eq!(desk.ui.model.overlay, None);
    assert!(desk.ui.model.toasts.last().unwrap().text.contains("held"));
}

#[test]
fn an_order_is_cancelled_at_once_where_one_is_selected() {
    let mut desk = live();
    assert_eq!(desk.keys(&["3", "c"]), [], "positions have the focus");
    let second = desk.snapshot.orders[1].id;
    assert_eq!(
        desk.keys(&["tab", "j", "c"]),
        [trade(TradeCommand::Cancel(second))]
    );
    desk.keys(&["/"]);
    desk.text("eth");
    assert_eq!(
        desk.keys(&["enter", "c"]),
        [],
        "filtered rows are not the picture's rows"
    );
}

#[test]
fn a_leg_stops_at_once_and_starts_after_a_question() {
    let mut desk = live();
    assert_eq!(
        desk.keys(&["4", "s"]),
        [trade(TradeCommand::StopLeg(LegId(0)))]
    );
    assert_eq!(desk.keys(&["S", "enter"]), []);
    assert_eq!(
        desk.keys(&["S", "tab", "enter"]),
        [trade(TradeCommand::StartLeg(LegId(0)))]
    );
}

#[test]
fn a_recording_changes_speed_and_a_live_session_does_not() {
    let session = |command| Request::Command(Command::Session(command));
    let mut desk = Desk::new(Mode::Replay);
    assert_eq!(desk.keys(&[">"]), [session(SessionCommand::Speed(50.0))]);
    assert_eq!(desk.keys(&["<"]), [session(SessionCommand::Speed(5.0))]);
    assert_eq!(desk.keys(&["."]), [session(SessionCommand::Hold(true))]);
    assert_eq!(desk.keys(&["space"]), []);
    desk.snapshot.session.speed = None;
    assert_eq!(desk.keys(&[">"]), []);
    assert_eq!(
        desk.keys(&["<"]),
        [session(SessionCommand::Speed(10_000.0))]
    );
    let mut desk = live();
    assert_eq!(desk.keys(&[">", "<", "."]), []);
}

#[test]
fn selections_stay_inside_the_picture() {
    let mut desk = live();
    desk.keys(&["3", "tab", "G"]);
    assert_eq!((desk.ui.model.pane, desk.ui.model.row), (1, 2));
    desk.snapshot.orders.truncate(1);
    desk.take(Msg::Tick { now_ms: 0 });
    assert_eq!(desk.ui.model.row, 0);
    desk.keys(&["shift-tab", "shift-tab"]);
    assert_eq!(desk.ui.model.pane, 3);
    desk.keys(&["1"]);
    assert_eq!(desk.ui.model.pane, 0);
    desk.keys(&["]", "]", "]"]);
    assert_eq!(desk.ui.model.market, 1);
    desk.keys(&["[", "["]);
    assert_eq!(desk.ui.model.market, 1);
    desk.snapshot.markets.clear();
    desk.keys(&["]"]);
    assert_eq!(desk.ui.model.market, 0);
}

#[test]
fn the_log_scrolls_back_from_its_end_and_follows_again() {
    let mut desk = live();
    desk.keys(&["7", "k", "k"]);
    assert_eq!(desk.ui.model.scroll, 2);
    desk.keys(&["g"]);
    assert_eq!(desk.ui.model.scroll, 39);
    desk.keys(&["G"]);
    assert_eq!(desk.ui.model.scroll, 0);
}

#[test]
fn toasts_are_few_and_go_by_themselves() {
    let mut desk = live();
    for n in 0..5 {
        desk.ui.toast(n.to_string(), false);
    }
    let texts: Vec<&str> = desk
        .ui
        .model
        .toasts
        .iter()
        .map(|t| t.text.as_str())
        .collect();
    assert_eq!(texts, ["2", "3", "4"]);
    desk.wait(4_000);
    assert!(desk.ui.model.toasts.is_empty());
}
