//! Random keys: what hurts never leaves without its answer.

use proptest::prelude::*;

use super::*;

/// Keys that mean something somewhere, and some that do not.
const ALL_KEYS: &[&str] = &[
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "n",
    "o",
    "p",
    "q",
    "r",
    "s",
    "t",
    "u",
    "v",
    "x",
    "y",
    "z",
    "A",
    "C",
    "F",
    "G",
    "K",
    "S",
    "X",
    "?",
    ":",
    "/",
    "[",
    "]",
    "+",
    "-",
    "=",
    "<",
    ">",
    ".",
    ",",
    "!",
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "up",
    "down",
    "left",
    "right",
    "backspace",
    "delete",
    "space",
    "pageup",
    "pagedown",
    "home",
    "end",
    "f1",
    "f12",
    "ctrl-c",
    "ctrl-d",
    "ctrl-l",
    "ctrl-p",
    "ctrl-u",
    "ctrl-w",
    "ctrl-n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is typed, nothing that hurts leaves without the answer that it asks for: an
    /// `Enter` on a dialog whose yes was chosen, a shown kill modal, or a typed reason.
    #[test]
    fn nothing_that_hurts_leaves_without_its_confirmation(
        typed in prop::collection::vec((0..ALL_KEYS.len(), 0_u64..500, any::<bool>()), 1..200),
        mode in prop::sample::select(vec![Mode::Replay, Mode::Paper, Mode::Demo, Mode::Live]),
    ) {
        let mut desk = Desk::new(mode);
        for (index, gap, pasted) in typed {
            let key = ALL_KEYS[index];
            let deciding = desk.ui.is_deciding();
            let before = desk.requests.len();
            desk.wait(gap);
            for request in &desk.requests[before..] {
                prop_assert!(deciding && *request == Request::Trip(KillLevel::Halted));
            }
            let model = desk.ui.model.clone();
            let modal = desk.ui.asks_kill();
            let deciding = desk.ui.is_deciding();
            let yes = matches!(model.overlay, Some(Overlay::Confirm { yes: true, .. }));
            if pasted {
                prop_assert_eq!(desk.take(Msg::Paste(format!("{key}close\r"))), []);
                continue;
            }
            for request in desk.at_once(key) {
                match request {
                    Request::Command(Command::Trade(command)) => match command {
                        TradeCommand::Cancel(_) | TradeCommand::StopLeg(_) => {}
                        TradeCommand::CancelAll | TradeCommand::StartLeg(_) => {
                            prop_assert!(yes && key == "enter");
                        }
                        TradeCommand::Adopt(_) => {
                            return Err(TestCaseError::fail("nobody types that phrase by chance"));
                        }
                        TradeCommand::Close(_) | TradeCommand::CloseAll => {
                            let Some(Overlay::Confirm { question, .. }) = &model.overlay else {
                                return Err(TestCaseError::fail("a close without a question"));
                            };
                            prop_assert!(yes && key == "enter" && question.ends_with(": close_"));
                        }
                        TradeCommand::Resume { reason, .. } => {
                            let esc = modal && key == "esc";
                            let typed = matches!(&model.overlay,
                                Some(Overlay::Palette { input, .. })
                                    if key == "enter" && input.trim_start().starts_with("resume "));
                            prop_assert!((esc || typed) && !reason.is_empty());
                        }
                        TradeCommand::Kill { .. } => {
                            return Err(TestCaseError::fail("a kill goes through the latch"));
                        }
                    },
                    Request::Trip(KillLevel::Halted) => {
                        prop_assert!(modal && (key == "enter" || deciding));
                    }
                    Request::Trip(KillLevel::Flatten) => {
                        let armed = matches!(model.overlay,
                            Some(Overlay::Kill(modal)) if modal.armed_flatten);
                        let play = matches!(mode, Mode::Replay | Mode::Paper) && key == "F";
                        prop_assert!(modal && (play || (armed && key == "enter")));
                    }
                    Request::Exit(_) => {
                        let asked = matches!(model.overlay, Some(Overlay::Quit { .. }));
                        prop_assert!(asked && key == "enter");
                    }
                    _ => {}
                }
            }
            prop_assert!(desk.ui.model.row <= 2 && desk.ui.model.toasts.len() <= 3);
        }
    }
}
