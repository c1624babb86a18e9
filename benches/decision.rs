//! Cost of one bar: features, baselines, and a decision beside the bare engine call.
//!
//! A decision through the agent should stay within 1.2 times of the bare call.

use std::path::Path;

use divan::Bencher;
use tradeterm::domain::{Bar, Price, Qty, Timestamp};
use tradeterm::features::{Column, Pipeline};
use tradeterm::strategy::agent::{Agent, AgentOptions, Bundle};
use tradeterm::strategy::rules::{MaCross, MaCrossSettings};
use tradeterm::strategy::{NoStopwatch, Strategy};

const BUNDLES: [&str; 3] = ["ppo_btcusdt_5m", "rppo_btcusdt_5m", "ppo_win16_ethusdt_5m"];

fn main() {
    divan::main();
}

/// 2048 bars of 5 minutes that move without a pattern worth the name.
fn bars() -> Vec<Bar> {
    let mut state = 12_345_u64;
    let mut draw = |n: i64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from(state >> 33).expect("31 bits fit") % n
    };
    let price = |ticks: i64| {
        Price::from_raw(i128::from(ticks) * 10_i128.pow(13)).expect("ticks are positive")
    };
    let mut open = 600_000;
    (0..2048)
        .map(|i| {
            let close = (open + draw(401) - 200).max(1000);
            let bar = Bar {
                open_time: Timestamp::from_millis(1_735_689_600_000 + i * 300_000),
                open: price(open),
                high: price(open.max(close) + draw(90)),
                low: price(open.min(close) - draw(90)),
                close: price(close),
                volume: Qty::from_raw(i128::from(draw(1_000_000)) * 100_000)
                    .expect("volume is positive"),
            };
            open = close;
            bar
        })
        .collect()
}

fn bundle(name: &str) -> Bundle {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    Bundle::load(&models.join(name)).expect("shipped bundles load")
}

#[divan::bench]
fn features_of_one_bar(bencher: Bencher) {
    let bars = bars();
    let mut pipeline = Pipeline::new();
    let mut next = bars.iter().cycle();
    bencher.bench_local(|| {
        pipeline.push(next.next().expect("a cycle has no end"));
        pipeline.value(Column::MacdHist)
    });
}

#[divan::bench]
fn ma_cross_of_one_bar(bencher: Bencher) {
    let bars = bars();
    let mut cross = MaCross::new(MaCrossSettings::default()).expect("the defaults cross");
    let mut next = bars.iter().cycle();
    bencher
        .bench_local(|| cross.on_bar(next.next().expect("a cycle has no end"), &mut NoStopwatch));
}

#[divan::bench(args = BUNDLES)]
fn decision_of_the_agent(bencher: Bencher, name: &str) {
    let bars = bars();
    let mut agent =
        Agent::new(&bundle(name), AgentOptions::default()).expect("shipped bundles open");
    for bar in &bars {
        agent.on_bar(bar, &mut NoStopwatch);
    }
    let mut next = bars.iter().cycle();
    bencher
        .bench_local(|| agent.on_bar(next.next().expect("a cycle has no end"), &mut NoStopwatch));
}

#[divan::bench(args = BUNDLES)]
fn decision_of_the_bare_engine(bencher: Bencher, name: &str) {
    let mut policy = bundle(name).open().expect("shipped bundles open");
    policy.observation().fill(0.5);
    bencher.bench_local(|| policy.run_bare().expect("ready inputs run"));
}
