//! Table and property tests of the kill keys, with a latch made of one number.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// The machine on a latch that does what it is told, like the session does.
struct Desk {
    keys: KillKeys,
    level: KillLevel,
    flatten_alone: bool,
    steps: Vec<KillStep>,
}

impl Desk {
    fn new(flatten_alone: bool) -> Self {
        Self {
            keys: KillKeys::default(),
            level: KillLevel::Active,
            flatten_alone,
            steps: Vec::new(),
        }
    }

    fn take(&mut self, input: KillInput) -> KillStep {
        let seen = KillSeen {
            level: self.level,
            flatten_alone: self.flatten_alone,
        };
        let step = self.keys.step(input, seen);
        match step {
            KillStep::Raise(level) => self.level = self.level.max(level),
            KillStep::Resume { level, .. } => self.level = level,
            KillStep::Nothing => {}
        }
        if step != KillStep::Nothing {
            self.steps.push(step);
        }
        step
    }

    fn press(&mut self, at_ms: u64) -> KillStep {
        let before = self.level;
        self.take(KillInput::Press { at_ms, before })
    }

    /// Opened at 0 and seen at 20.
    fn opened(flatten_alone: bool) -> Self {
        let mut desk = Self::new(flatten_alone);
        assert_eq!(desk.press(0), KillStep::Raise(KillLevel::ReduceOnly));
        desk.take(KillInput::Shown { at_us: 20_000 });
        desk
    }
}

const HALT: KillStep = KillStep::Raise(KillLevel::Halted);
const FLATTEN: KillStep = KillStep::Raise(KillLevel::Flatten);

/// Presses of `K` after the one at 0, and whether they halt by 2 s.
#[rstest]
#[case::one_press(&[], false)]
#[case::lone_second(&[500], true)]
#[case::exactly_300_ms(&[300], true)]
#[case::too_early(&[299], false)]
#[case::too_early_then_alone(&[200, 500], true)]
#[case::double_at_the_end(&[500, 560], false)]
#[case::double_then_alone(&[500, 560, 900], true)]
#[case::within_120_after(&[500, 620], false)]
#[case::just_outside_120(&[500, 621], true)]
#[case::repeat_with_initial_delay(&[500, 533, 566, 599, 632], false)]
#[case::repeat_without_delay(&[40, 80, 120, 160, 200, 240, 280, 320, 360], false)]
#[case::repeat_with_a_stall(&[500, 540, 580, 780, 820, 860], false)]
fn a_second_press_halts_only_when_it_stands_alone(#[case] presses: &[u64], #[case] halts: bool) {
    let mut desk = Desk::opened(false);
    let mut presses = presses.iter().peekable();
    for now_ms in 0..2_000 {
        while let Some(at_ms) = presses.next_if(|at_ms| **at_ms == now_ms) {
            desk.press(*at_ms);
        }
        desk.take(KillInput::Tick { now_ms });
    }
    let expected = if halts {
        KillLevel::Halted
    } else {
        KillLevel::ReduceOnly
    };
    assert_eq!(desk.level, expected, "{:?}", desk.steps);
}

#[test]
fn the_halt_of_a_lone_press_lands_120_ms_later() {
    let mut desk = Desk::opened(false);
    desk.press(400);
    assert!(desk.keys.is_deciding());
    assert_eq!(
        desk.take(KillInput::Tick { now_ms: 519 }),
        KillStep::Nothing
    );
    assert_eq!(desk.take(KillInput::Tick { now_ms: 520 }), HALT);
    assert!(!desk.keys.is_deciding());
}

#[test]
fn a_lone_press_halts_though_no_frame_was_ever_shown() {
    let mut desk = Desk::new(false);
    desk.press(0);
    desk.press(400);
    assert_eq!(desk.take(KillInput::Tick { now_ms: 520 }), HALT);
}

#[test]
fn enter_halts_once_and_only_after_the_modal_was_shown() {
    let mut desk = Desk::new(false);
    desk.press(0);
    assert_eq!(
        desk.take(KillInput::Enter { at_us: 1_000 }),
        KillStep::Nothing
    );
    desk.take(KillInput::Shown { at_us: 20_000 });
    assert_eq!(
        desk.take(KillInput::Enter { at_us: 20_000 }),
        KillStep::Nothing
    );
    assert_eq!(desk.take(KillInput::Enter { at_us: 21_000 }), HALT);
    assert_eq!(
        desk.take(KillInput::Enter { at_us: 60_000 }),
        KillStep::Nothing
    );
}

#[test]
fn f_needs_enter_where_money_is_not_play() {
    let mut desk = Desk::opened(false);
    assert_eq!(
        desk.take(KillInput::Flatten { at_us: 500_000 }),
        KillStep::Nothing
    );
    assert!(desk.keys.modal().unwrap().armed_flatten);
    assert_eq!(desk.take(KillInput::Enter { at_us: 700_000 }), FLATTEN);
}

#[rstest]
#[case::other_key(KillInput::Other { at_ms: 600 })]
#[case::esc(KillInput::Esc { at_us: 600_000 })]
#[case::press(KillInput::Press { at_ms: 600, before: KillLevel::ReduceOnly })]
fn anything_but_enter_disarms_f(#[case] between: KillInput) {
    let mut desk = Desk::opened(false);
    desk.take(KillInput::Flatten { at_us: 500_000 });
    desk.take(between);
    assert_eq!(desk.take(KillInput::Enter { at_us: 700_000 }), HALT);
}

#[test]
fn f_alone_flattens_on_play_money() {
    let mut desk = Desk::opened(true);
    assert_eq!(desk.take(KillInput::Flatten { at_us: 500_000 }), FLATTEN);
}

#[test]
fn esc_returns_to_where_it_was_and_says_after_how_long() {
    let mut desk = Desk::opened(false);
    assert_eq!(
        desk.take(KillInput::Esc { at_us: 5_000 }),
        KillStep::Nothing
    );
    assert_eq!(
        desk.take(KillInput::Esc { at_us: 1_234_000 }),
        KillStep::Resume {
            level: KillLevel::Active,
            after_ms: 1_234
        }
    );
    assert_eq!(desk.keys.modal(), None);
}

#[rstest]
#[case::was_reduced_before(KillLevel::ReduceOnly, KillLevel::ReduceOnly)]
#[case::was_halted_before(KillLevel::Halted, KillLevel::Halted)]
#[case::raised_by_another_meanwhile(KillLevel::Active, KillLevel::Halted)]
fn esc_lowers_nothing_that_it_did_not_raise(#[case] before: KillLevel, #[case] level: KillLevel) {
    let mut desk = Desk::new(false);
    desk.level = level;
    desk.take(KillInput::Press { at_ms: 0, before });
    desk.take(KillInput::Shown { at_us: 20_000 });
    assert_eq!(
        desk.take(KillInput::Esc { at_us: 500_000 }),
        KillStep::Nothing
    );
    assert_eq!((desk.level, desk.keys.modal()), (level, None));
}

#[test]
fn without_an_answer_the_modal_shrinks_and_reduce_only_stays() {
    let mut desk = Desk::opened(false);
    desk.take(KillInput::Tick { now_ms: 9_999 });
    assert!(desk.keys.has_focus());
    desk.take(KillInput::Tick { now_ms: 10_000 });
    assert!(desk.keys.modal().unwrap().banner && !desk.keys.has_focus());
    for at_ms in [10_001, 10_002] {
        desk.take(KillInput::Enter {
            at_us: at_ms * 1_000,
        });
        desk.take(KillInput::Esc {
            at_us: at_ms * 1_000,
        });
    }
    desk.take(KillInput::Tick {
        now_ms: 999_999_999,
    });
    assert_eq!(desk.steps, [KillStep::Raise(KillLevel::ReduceOnly)]);
    // The next press asks again; it is not itself the answer.
    desk.press(1_000_000_000);
    desk.take(KillInput::Tick {
        now_ms: 1_000_000_500,
    });
    assert!(desk.keys.has_focus());
    assert_eq!(desk.level, KillLevel::ReduceOnly);
}

#[test]
fn the_modal_goes_when_somebody_else_resumes() {
    let mut desk = Desk::opened(false);
    desk.level = KillLevel::Active;
    desk.take(KillInput::Tick { now_ms: 100 });
    assert_eq!(desk.keys.modal(), None);
}

#[test]
fn repeats_that_the_terminal_names_are_never_a_second_press() {
    let mut desk = Desk::opened(false);
    desk.take(KillInput::Repeat { at_ms: 500 });
    desk.press(560);
    assert_eq!(
        desk.take(KillInput::Tick { now_ms: 2_000 }),
        KillStep::Nothing
    );
}

proptest! {
    /// A held key: an initial delay, then repeats every 30 to 50 ms, read with any jitter within.
    #[test]
    fn a_held_key_never_goes_beyond_reduce_only(
        delay in 30_u64..900,
        gaps in prop::collection::vec(30_u64..=50, 1..400),
        tick_every in 1_u64..100,
    ) {
        let mut desk = Desk::opened(true);
        let mut presses: Vec<u64> = Vec::new();
        let mut at_ms = delay;
        presses.push(at_ms);
        for gap in gaps {
            at_ms += gap;
            presses.push(at_ms);
        }
        let mut ticked_ms = 0;
        for press in presses {
            while ticked_ms + tick_every <= press {
                ticked_ms += tick_every;
                desk.take(KillInput::Tick { now_ms: ticked_ms });
            }
            desk.press(press);
        }
        for later in 0..200 {
            desk.take(KillInput::Tick { now_ms: at_ms + later * 10 });
        }
        prop_assert_eq!(desk.level, KillLevel::ReduceOnly);
    }

    /// The latch is lowered by a shown `Esc` only, halted by `Enter` or a lone press only, and
    /// flattened by `F` and `Enter` (or a shown `F` on play money) only.
    #[test]
    fn no_sequence_lowers_or_flattens_without_its_confirmation(
        inputs in prop::collection::vec((0_u8..7, 0_u64..400), 1..200),
        flatten_alone in any::<bool>(),
    ) {
        let mut desk = Desk::new(flatten_alone);
        let mut now_ms = 0;
        let mut last: Option<KillInput> = None;
        for (kind, gap) in inputs {
            now_ms += gap;
            let at_ms = now_ms;
            let input = match kind {
                0 => KillInput::Press { at_ms, before: desk.level },
                1 => KillInput::Enter { at_us: at_ms * 1_000 },
                2 => KillInput::Flatten { at_us: at_ms * 1_000 },
                3 => KillInput::Esc { at_us: at_ms * 1_000 },
                4 => KillInput::Other { at_ms },
                5 => KillInput::Shown { at_us: at_ms * 1_000 },
                _ => KillInput::Tick { now_ms },
            };
            let focus = desk.keys.has_focus();
            let armed = desk.keys.modal().is_some_and(|modal| modal.armed_flatten);
            let deciding = desk.keys.is_deciding();
            match desk.take(input) {
                KillStep::Nothing => {}
                KillStep::Raise(KillLevel::ReduceOnly) => {
                    let press = matches!(input, KillInput::Press { .. });
                    prop_assert!(press);
                }
                KillStep::Raise(KillLevel::Halted) => match input {
                    KillInput::Enter { .. } => prop_assert!(focus && !armed),
                    _ => prop_assert!(deciding),
                },
                KillStep::Raise(_) => match input {
                    KillInput::Enter { .. } => {
                        let after_f = matches!(last, Some(KillInput::Flatten { .. }));
                        prop_assert!(focus && armed && after_f);
                    }
                    KillInput::Flatten { .. } => prop_assert!(focus && flatten_alone),
                    other => prop_assert!(false, "flattened by {:?}", other),
                },
                KillStep::Resume { level, .. } => {
                    let esc = matches!(input, KillInput::Esc { .. });
                    prop_assert!(esc && focus && !armed);
                    prop_assert_eq!(level, KillLevel::Active);
                }
            }
            if !matches!(input, KillInput::Tick { .. } | KillInput::Shown { .. }) {
                last = Some(input);
            }
        }
    }
}
