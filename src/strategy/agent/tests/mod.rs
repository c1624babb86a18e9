//! An agent's duties around its model: warm-up, episodes, deadlines, numbers that are none.

mod tiny;

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use crate::domain::{Bar, Exposure, Price, Qty, Rate, Symbol, Timestamp};
use crate::strategy::{HoldReason, NoStopwatch, Stopwatch, Strategy, Verdict};

use super::{Agent, AgentOptions, Bundle, EvalError, Evaluator, FirstDecision};

const SIX_HOURS: i64 = 21_600_000;
const DOWN_FLAT_UP: [f64; 3] = [-1.0, 0.0, 1.0];

/// Bar at that hour of the first day.
fn bar_at(hour: i64) -> Bar {
    bar(Timestamp::from_millis(hour * 3_600_000), 100)
}

fn bar(open_time: Timestamp, price: i128) -> Bar {
    let price = Price::from_raw(price * 10_i128.pow(14)).unwrap();
    Bar {
        open_time,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Qty::from_raw(1 << 30).unwrap(),
    }
}

fn agent(bundle: &Bundle, deadline_us: Option<u64>) -> Agent {
    Agent::new(
        bundle,
        AgentOptions {
            deadline_us,
            first_decision: FirstDecision::FirstComplete,
        },
    )
    .unwrap()
}

/// The tiny agent with its window filled by midnights: the state is zero, one decision was made.
fn started(sd: f64, deadline_us: Option<u64>) -> Agent {
    let mut agent = agent(&tiny::bundle(sd, 0, DOWN_FLAT_UP), deadline_us);
    let verdicts = [0; 3].map(|hour| agent.on_bar(&bar_at(hour), &mut NoStopwatch));
    let warming = |have| Verdict::Warming { have, need: 3 };
    assert_eq!(verdicts[..2], [warming(1), warming(2)]);
    assert_eq!(
        verdicts[2],
        Verdict::Target(Exposure::SHORT),
        "a tie takes the lowest index"
    );
    agent
}

/// The recurrent state, from the logits of the newest decision.
fn state(agent: &Agent) -> Vec<i32> {
    let logits = &agent.step_detail().logits;
    logits.iter().map(|x| x.ln().round() as i32).collect()
}

/// A stopwatch that always shows the same.
struct Fixed(u64);

impl Stopwatch for Fixed {
    fn start(&mut self) {}

    fn stop(&mut self) -> Option<u64> {
        Some(self.0)
    }
}

#[test]
fn the_state_advances_once_a_bar_and_the_window_is_oldest_first() {
    let mut agent = started(1.0, None);
    assert_eq!(state(&agent), [0, 0, 0]);
    agent.on_bar(&bar_at(6), &mut NoStopwatch);
    assert_eq!(state(&agent), [0, 0, 1]);
    assert_eq!(agent.position(), Exposure::LONG);
    agent.on_bar(&bar_at(0), &mut NoStopwatch);
    assert_eq!(state(&agent), [0, 1, 1]);
    agent.on_bar(&bar_at(0), &mut NoStopwatch);
    assert_eq!(state(&agent), [1, 1, 1]);
    agent.on_bar(&bar_at(0), &mut NoStopwatch);
    assert_eq!(state(&agent), [1, 1, 1]);
}

#[test]
fn a_late_decision_is_held_and_its_bar_still_counts() {
    let mut agent = started(1.0, Some(500));
    let verdict = agent.on_bar(&bar_at(6), &mut Fixed(501));
    let (took_us, deadline_us) = (501, 500);
    let late = HoldReason::Deadline {
        took_us,
        deadline_us,
    };
    assert_eq!(verdict, Verdict::Hold(late));
    assert_eq!(agent.position(), Exposure::SHORT, "the old target stays");
    assert_eq!(agent.step_detail().action, Some(2));
    assert_eq!(agent.step_detail().target, None);
    // The next decision is that of an agent that was never late.
    let verdict = agent.on_bar(&bar_at(0), &mut Fixed(500));
    assert_eq!(state(&agent), [0, 1, 1]);
    assert_eq!(agent.step_detail().position, Some(Exposure::SHORT));
    assert_eq!(verdict, Verdict::Target(Exposure::FLAT));
}

#[test]
fn an_output_that_is_not_finite_is_held_and_does_not_poison_the_state() {
    // A bar at 06:00 adds 100 to the state, and exp(100) is no f32.
    let mut agent = started(0.01, None);
    for _ in 0..3 {
        let verdict = agent.on_bar(&bar_at(6), &mut NoStopwatch);
        let output = "logits".to_owned();
        assert_eq!(
            verdict,
            Verdict::Hold(HoldReason::NonFiniteOutput { output })
        );
        assert_eq!(agent.position(), Exposure::SHORT);
        assert!(agent.step_detail().logits.is_empty());
        assert!(agent.insight().choices.is_empty());
    }
    // Once the window is clean again, the state is as before the trouble.
    let verdicts = [0; 3].map(|hour| agent.on_bar(&bar_at(hour), &mut NoStopwatch));
    assert!(matches!(verdicts[1], Verdict::Hold(_)));
    assert_eq!(verdicts[2], Verdict::Target(Exposure::SHORT));
    assert_eq!(state(&agent), [0, 0, 0]);
}

#[test]
fn an_episode_that_could_not_begin_begins_with_the_next_decision() {
    let mut agent = started(0.01, None);
    agent.start_episode();
    agent.on_bar(&bar_at(6), &mut NoStopwatch);
    assert_eq!(agent.step_detail().episode_start, Some(true));
    for _ in 0..3 {
        agent.on_bar(&bar_at(0), &mut NoStopwatch);
    }
    assert_eq!(agent.step_detail().episode_start, Some(true));
    agent.on_bar(&bar_at(0), &mut NoStopwatch);
    assert_eq!(agent.step_detail().episode_start, Some(false));
}

#[test]
fn a_new_episode_forgets_state_and_position_but_not_the_features() {
    let mut agent = started(1.0, None);
    agent.on_bar(&bar_at(6), &mut NoStopwatch);
    agent.start_episode();
    assert_eq!(agent.position(), Exposure::FLAT);
    agent.on_bar(&bar_at(0), &mut NoStopwatch);
    assert_eq!(
        state(&agent),
        [0, 1, 0],
        "the window still has the bar of 06:00"
    );
    let detail = agent.step_detail();
    assert_eq!(detail.episode_start, Some(true));
    assert_eq!(detail.position, Some(Exposure::FLAT));
}

#[test]
fn warm_up_counts_bars_and_starts_again_after_a_reset() {
    let bundle = tiny::bundle(1.0, 5, DOWN_FLAT_UP);
    let mut agent = Agent::new(&bundle, AgentOptions::default()).unwrap();
    assert_eq!(agent.info().warmup_bars, 5);
    for _ in 0..2 {
        for have in 1..5 {
            let verdict = agent.on_bar(&bar_at(6), &mut NoStopwatch);
            assert_eq!(verdict, Verdict::Warming { have, need: 5 });
        }
        let verdict = agent.on_bar(&bar_at(6), &mut NoStopwatch);
        assert!(matches!(verdict, Verdict::Target(_)), "{verdict:?}");
        assert_eq!(state(&agent), [1, 1, 1]);
        agent.reset();
        assert_eq!(agent.bars(), 0);
    }
}

#[test]
fn insight_names_the_choices_by_their_targets() {
    let mut agent = agent(&tiny::bundle(1.0, 0, [-0.5, 0.0, 1.0]), None);
    for hour in [0, 0, 6] {
        agent.on_bar(&bar_at(hour), &mut Fixed(42));
    }
    let insight = agent.insight();
    let names: Vec<&str> = insight
        .choices
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["SHORT 0.5", "FLAT", "LONG"]);
    let sum: f64 = insight.choices.iter().map(|(_, p)| p).sum();
    assert!((sum - 1.0).abs() < 1e-12);
    assert!(insight.choices[2].1 > insight.choices[0].1);
    assert_eq!(insight.chosen, Some(2));
    assert_eq!(insight.latency_us, Some(42));
    assert_eq!(insight.features[0].0, "hour_sin");
    assert!((insight.features[0].1 - 1.0).abs() < 1e-12);
    assert!(insight.value.is_some());
}

#[test]
fn info_carries_what_the_bundle_says() {
    let bundle = tiny::bundle(1.0, 0, DOWN_FLAT_UP);
    let agent = agent(&bundle, None);
    let info = agent.info();
    assert_eq!(
        (info.name.as_str(), info.family.as_str()),
        ("tiny", "RecurrentPPO")
    );
    assert_eq!(info.bundle_hash.as_deref(), Some(bundle.hash()));
    assert_eq!(info.symbol.as_ref().map(Symbol::as_str), Some("BTCUSDT"));
    let fees = info.fees.unwrap();
    assert_eq!(fees.maker, Rate::from_bps(-1));
    assert_eq!(fees.taker.to_string(), "0.00055");
}

fn shipped(name: &str) -> Bundle {
    let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models"));
    Bundle::load(&models.join(name)).unwrap()
}

#[test]
fn a_feature_that_is_not_finite_is_held_for_as_long_as_it_is_seen() {
    let five_minutes = |i: i64| Timestamp::from_millis(i * 300_000);
    let mut agent = agent(&shipped("ppo_btcusdt_5m"), None);
    for i in 0..40 {
        agent.on_bar(
            &bar(five_minutes(i), 100 + i128::from(i % 7)),
            &mut NoStopwatch,
        );
    }
    let before = agent.position();
    // A price of zero never passes the checks of a bar; this is the net below them.
    for i in 40..45 {
        let price = if i == 40 { 0 } else { 100 };
        let verdict = agent.on_bar(&bar(five_minutes(i), price), &mut NoStopwatch);
        let Verdict::Hold(HoldReason::NonFiniteFeature { column }) = verdict else {
            panic!("{verdict:?}")
        };
        assert!(
            column.parse::<crate::features::Column>().is_ok(),
            "{column}"
        );
        assert_eq!(agent.position(), before);
        assert_eq!(agent.step_detail().action, None);
    }
}

#[test]
fn the_same_bars_give_the_same_decisions_after_a_reset() {
    for name in ["rppo_btcusdt_5m", "ppo_win16_ethusdt_5m"] {
        let bundle = shipped(name);
        let bars: Vec<Bar> = (0..90_i64)
            .map(|i| {
                bar(
                    Timestamp::from_millis(i * 300_000),
                    i128::from(900 + i * i % 37),
                )
            })
            .collect();
        let run = |agent: &mut Agent| -> Vec<(Verdict, Vec<f32>)> {
            bars.iter()
                .map(|bar| {
                    let verdict = agent.on_bar(bar, &mut NoStopwatch);
                    (verdict, agent.step_detail().logits.clone())
                })
                .collect()
        };
        let mut used = agent(&bundle, None);
        let first = run(&mut used);
        assert!(
            first
                .iter()
                .any(|(verdict, _)| matches!(verdict, Verdict::Target(_)))
        );
        used.reset();
        assert_eq!(run(&mut used), first, "{name}");
        assert_eq!(run(&mut agent(&bundle, None)), first, "{name}");
    }
}

#[test]
fn an_evaluation_is_a_table_with_empty_fields_where_nothing_is_known() {
    let bundle = tiny::bundle(1.0, 0, DOWN_FLAT_UP);
    let at = |i: i64| Timestamp::from_millis(i * SIX_HOURS);
    let starts = BTreeSet::from([at(4), at(99)]);
    let mut evaluator = Evaluator::new(&bundle, starts, FirstDecision::FirstComplete).unwrap();
    let mut out = Vec::new();
    let bars = (0..6).map(|i| bar(at(i), 100));
    let summary = evaluator.write_csv(bars, &mut out).unwrap();
    assert_eq!(
        (summary.n_bars, summary.n_decisions, summary.n_holds),
        (6, 4, 0)
    );
    assert_eq!(summary.unmet_starts, [at(99)]);
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "ts,f_hour_sin,n_hour_sin,episode_start,position,logit_0,logit_1,logit_2,value,action,target"
    );
    assert_eq!(lines[1], "0,0,0,,,,,,,,");
    assert_eq!(lines[2], "21600000,1,1,,,,,,,,");
    let fields = |line: usize| lines[line].split(',').collect::<Vec<_>>();
    let (first, second, restart) = (fields(3), fields(4), fields(5));
    assert_eq!(first[3..5], ["1", "0"]);
    assert_eq!(second[3..5], ["0", first[10]]);
    assert_eq!(restart[3..5], ["1", "0"], "a new episode starts flat");
    // Every number reads back to the same value.
    let sine: f64 = first[1].parse().unwrap();
    assert_eq!(sine.to_bits(), libm::sin(std::f64::consts::PI).to_bits());
    assert!(lines.iter().all(|line| line.split(',').count() == 11));
}

#[test]
fn an_evaluation_stops_at_a_hole() {
    let bundle = tiny::bundle(1.0, 0, DOWN_FLAT_UP);
    let mut evaluator =
        Evaluator::new(&bundle, BTreeSet::new(), FirstDecision::FirstComplete).unwrap();
    let bars = [0, 1, 3].map(|i| bar(Timestamp::from_millis(i * SIX_HOURS), 100));
    let error = evaluator.write_csv(bars, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, EvalError::Gap { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_state_is_the_sum_over_the_bars_of_the_episode(
        hours in prop::collection::vec(0_i32..24, 3..30),
        restart in 3_usize..30,
    ) {
        // A window of three bars a step, scaled so that no logit overflows.
        let sine = |hour: i32| (f64::from(hour) * std::f64::consts::PI / 12.0).sin() / 4.0;
        let mut agent = agent(&tiny::bundle(4.0, 0, DOWN_FLAT_UP), None);
        let mut sums = [0.0; 3];
        for (t, hour) in hours.iter().enumerate() {
            if t == restart {
                agent.start_episode();
                sums = [0.0; 3];
            }
            agent.on_bar(&bar_at(i64::from(*hour)), &mut NoStopwatch);
            if t < 2 {
                continue;
            }
            for (lag, sum) in sums.iter_mut().rev().enumerate() {
                *sum += sine(hours[t - lag]);
            }
            for (logit, sum) in agent.step_detail().logits.iter().zip(sums) {
                prop_assert!((f64::from(logit.ln()) - sum).abs() < 1e-4, "{logit} {sum}");
            }
        }
    }
}
