//! Every path of the kill switch.

use rstest::rstest;

use super::*;

#[rstest]
#[case::press(&["K"], KillLevel::ReduceOnly)]
#[case::f12(&["f12"], KillLevel::ReduceOnly)]
#[case::palette(&[":", "k", "i", "l", "l", "enter"], KillLevel::ReduceOnly)]
#[case::f12_in_a_text_field(&[":", "x", "f12"], KillLevel::ReduceOnly)]
#[case::over_help(&["?", "f12"], KillLevel::ReduceOnly)]
#[case::in_the_confirm_dialog(&["3", "x", "K"], KillLevel::ReduceOnly)]
#[case::enter(&["K", "enter"], KillLevel::Halted)]
#[case::lone_press(&["K", "K", "z"], KillLevel::Halted)]
#[case::f_unanswered(&["K", "F"], KillLevel::ReduceOnly)]
#[case::f_and_enter(&["K", "F", "enter"], KillLevel::Flatten)]
#[case::f_let_go(&["K", "F", "j", "enter"], KillLevel::Halted)]
#[case::halt_then_flatten(&["K", "enter", "F", "enter"], KillLevel::Flatten)]
#[case::esc(&["K", "esc"], KillLevel::Active)]
#[case::esc_after_halt(&["K", "enter", "esc"], KillLevel::Halted)]
#[case::letter_in_a_text_field(&["/", "K", "enter"], KillLevel::Active)]
fn every_path_of_the_kill_switch_ends_where_it_should(
    #[case] keys: &[&str],
    #[case] level: KillLevel,
) {
    let mut desk = live();
    desk.keys(keys);
    assert_eq!(desk.latch, level, "{:?}", desk.requests);
}

#[test]
fn f_alone_flattens_on_paper() {
    for mode in [Mode::Replay, Mode::Paper] {
        let mut desk = Desk::new(mode);
        assert_eq!(
            desk.keys(&["K", "F"]).last(),
            Some(&Request::Trip(KillLevel::Flatten))
        );
    }
    for mode in [Mode::Demo, Mode::Testnet] {
        let mut desk = Desk::new(mode);
        desk.keys(&["K", "F"]);
        assert_eq!(desk.latch, KillLevel::ReduceOnly);
    }
}

#[test]
fn esc_in_the_modal_asks_to_resume_with_the_time_it_lasted() {
    let mut desk = live();
    desk.keys(&["K"]);
    assert_eq!(
        desk.keys(&["esc"]),
        [trade(TradeCommand::Resume {
            level: KillLevel::Active,
            reason: "operator: esc after 1000 ms".to_owned(),
        })]
    );
    assert_eq!(desk.ui.model.overlay, None);
}

#[test]
fn a_paste_and_keys_typed_ahead_answer_nothing() {
    let mut desk = live();
    desk.at_once("K");
    desk.take(Msg::Paste("K\rF\r\u{1b}K".to_owned()));
    for key in ["enter", "F", "enter", "esc"] {
        desk.at_once(key);
    }
    desk.wait(2_000);
    assert_eq!(desk.latch, KillLevel::ReduceOnly);
    assert!(desk.ui.asks_kill());
    desk.take(Msg::Paste("K\rF\r".to_owned()));
    desk.wait(2_000);
    assert_eq!(desk.latch, KillLevel::ReduceOnly);
}

#[test]
fn a_held_kill_key_stays_at_reduce_only_and_named_repeats_confirm_nothing() {
    let mut desk = live();
    desk.at_once("K");
    desk.wait(500);
    for _ in 0..100 {
        desk.wait(40);
        desk.at_once("K");
    }
    for key in ["enter", "F", "esc", "K"] {
        let mut repeat = event(key);
        repeat.kind = KeyEventKind::Repeat;
        desk.wait(500);
        desk.event(repeat);
    }
    desk.wait(2_000);
    assert_eq!(desk.latch, KillLevel::ReduceOnly);
}

#[test]
fn without_an_answer_the_view_comes_back_under_a_banner() {
    let mut desk = live();
    desk.keys(&["K"]);
    desk.wait(10_000);
    assert!(matches!(desk.ui.model.overlay, Some(Overlay::Kill(modal)) if modal.banner));
    desk.keys(&["3"]);
    assert_eq!(desk.ui.model.view, View::Blotter);
    // Another dialog covers the banner and gives it back.
    desk.keys(&["?"]);
    assert!(matches!(desk.ui.model.overlay, Some(Overlay::Help { .. })));
    desk.keys(&["esc"]);
    assert!(matches!(desk.ui.model.overlay, Some(Overlay::Kill(modal)) if modal.banner));
    // The filter line works under it, letters and all.
    desk.keys(&["/", "K"]);
    assert_eq!(
        (desk.ui.model.filter.as_str(), desk.latch),
        ("K", KillLevel::ReduceOnly)
    );
}

#[test]
fn the_kill_key_undoes_a_theme_preview_and_forgets_an_open_question() {
    let mut desk = live();
    desk.keys(&["t", "down"]);
    assert_eq!(desk.ui.model.theme, "light");
    desk.keys(&["K"]);
    assert_eq!(desk.ui.model.theme, "dark");
    assert_eq!(
        desk.requests.last(),
        Some(&Request::SetTheme("dark".to_owned()))
    );
    let mut desk = live();
    desk.keys(&["C", "tab", "K", "enter"]);
    assert!(!desk.requests.contains(&trade(TradeCommand::CancelAll)));
}
