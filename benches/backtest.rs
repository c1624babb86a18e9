//! Bars a second of a backtest: the engine alone, with a CSV file, and the whole process.
//!
//! Run with `cargo bench --bench backtest`; words behind `--` choose parts: `engine`, `csv`,
//! `process`, `long`. Everything is made here, from a fixed seed. The rule is the crossing of two
//! averages of 10 and 30 bars, once long or flat and once turned around at each crossing (long and
//! short: twice the orders), with the shipped fees, slippage, latency, stops and limits. A figure
//! means nothing without the name of its rule: the first is the rule as it is when nothing more is
//! said, the second the harder one. Capital is large against a position, so that no loss limit ends
//! the trading early and the figure holds for a market that is traded to the end.
//!
//! Medians of five runs. Memory is the child's own peak (`VmHWM`), read while it runs.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tradeterm::app::{Built, build_session, open_market};
use tradeterm::config::{Settings, Sources};
use tradeterm::domain::{
    Bar, BarEvent, InstrumentId, Interval, KillLevel, MarketEvent, Price, Qty, Timestamp,
};
use tradeterm::runtime::clock::Clock;
use tradeterm::runtime::{Session, Unwatched, backtest};
use tradeterm::venue::feed::{Feed, FeedItem};
use tradeterm::venue::sim::recorded::BarFile;

/// Minutes of a year.
const YEAR: u64 = 525_600;
const YEARS: u64 = 16;
const RUNS: usize = 5;
/// What the account has and how much of it a position is; everything else is as shipped.
const OVERRIDES: [&str; 2] = ["account.capital=10000000", "risk.max_position_pct=0.0001"];
/// Long or flat, and long or short.
const RULES: [Rule; 2] = [
    Rule {
        name: "ma-cross:10,30",
        long_short: false,
    },
    Rule {
        name: "ma-cross:10,30,long-short",
        long_short: true,
    },
];

/// A rule to trade by.
#[derive(Clone, Copy)]
struct Rule {
    name: &'static str,
    long_short: bool,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // A test run (`cargo test --benches`) does not pass this flag; a day is enough there.
    let is_bench = words.iter().any(|word| word == "--bench");
    let year = if is_bench { YEAR } else { 1_440 };
    let chosen: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wants = |part: &str| chosen.is_empty() || chosen.contains(&part);
    let interval: Interval = "1m".parse().expect("a served interval");
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    println!("averages of 10 and 30 on one-minute bars, medians of {RUNS} runs");
    if wants("engine") {
        let bars: Vec<Bar> = Walk::new(year).collect();
        for rule in RULES {
            println!("{}:", rule.name);
            report("engine, bars in memory", year, || {
                engine_alone(&bars, interval, rule)
            });
        }
    }
    if wants("csv") || wants("process") {
        let file = dir.join("year.csv");
        write_csv(&file, year);
        if wants("csv") {
            let id = InstrumentId(0);
            report("reading the file", year, || {
                let rows = BarFile::open(&file, id, interval).expect("the file was just written");
                rows.map(|bar| bar.expect("the file was just written"))
                    .filter(|bar| !bar.volume.is_zero())
                    .count()
                    .to_string()
            });
            for rule in RULES {
                println!("{}:", rule.name);
                report("engine, bars from the file", year, || {
                    engine_on(&file, rule)
                });
            }
        }
        if wants("process") {
            for rule in RULES {
                println!("{}:", rule.name);
                process("whole process, a year", &file, year, rule);
            }
        }
        remove(&file);
    }
    if wants("long") {
        let n_bars = year * YEARS;
        let file = dir.join("years.csv");
        write_csv(&file, n_bars);
        process("whole process, 16 years", &file, n_bars, RULES[0]);
        remove(&file);
    }
}

fn remove(file: &Path) {
    std::fs::remove_file(file).expect("the file was just written");
}

/// Times a part several times and prints the median. The part says what came out, which has to
/// be the same each time.
fn report(name: &str, n_bars: u64, mut part: impl FnMut() -> String) {
    let mut took = Vec::new();
    let mut outcome = None;
    for _ in 0..RUNS {
        let clock = Clock::start();
        let found = part();
        took.push(clock.elapsed());
        assert_eq!(*outcome.get_or_insert(found.clone()), found, "{name}");
    }
    line(name, n_bars, &mut took, &outcome.unwrap_or_default());
}

#[expect(clippy::cast_precision_loss, reason = "a count of bars, for people")]
fn line(name: &str, n_bars: u64, took: &mut [Duration], rest: &str) {
    took.sort_unstable();
    let median = took[took.len() / 2].as_secs_f64();
    let best = took[0].as_secs_f64();
    println!(
        "{name:<28} {n_bars:>8} bars  {median:>7.3} s (best {best:.3})  {:>6.2} M bars/s  {:>6.0} ns/bar  {rest}",
        n_bars as f64 / median / 1e6,
        median / n_bars as f64 * 1e9,
    );
}

/// Bars of a walk that moves some 0.03 % a minute and is drawn back to its start.
struct Walk {
    state: u64,
    open: i64,
    at: i64,
    left: u64,
}

impl Walk {
    const START: i64 = 600_000;

    const fn new(n_bars: u64) -> Self {
        Self {
            state: 2_025,
            open: Self::START,
            at: 1_262_304_000_000,
            left: n_bars,
        }
    }

    fn draw(&mut self, n: i64) -> i64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.state >> 33).expect("31 bits fit") % n
    }
}

impl Iterator for Walk {
    type Item = Bar;

    fn next(&mut self) -> Option<Bar> {
        self.left = self.left.checked_sub(1)?;
        let pull = (Self::START - self.open) / 4_096;
        let open = self.open;
        let close = open + self.draw(641) - 320 + pull;
        let high = open.max(close) + self.draw(120);
        let low = open.min(close) - self.draw(120);
        let at = self.at;
        self.at += 60_000;
        self.open = close;
        let price = |ticks: i64| {
            Price::from_raw(i128::from(ticks) * 10_i128.pow(13)).expect("the walk stays above zero")
        };
        let volume = i128::from(10_000 + self.draw(400_000)) * 100_000;
        Some(Bar {
            open_time: Timestamp::from_millis(at),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: Qty::from_raw(volume).expect("volume is positive"),
        })
    }
}

fn write_csv(path: &Path, n_bars: u64) {
    let mut file = BufWriter::new(File::create(path).expect("the target folder is writable"));
    let mut text = String::from("ts_ms,open,high,low,close,volume\n");
    for bar in Walk::new(n_bars) {
        writeln!(
            text,
            "{},{},{},{},{},{}",
            bar.open_time.millis(),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume
        )
        .expect("a string takes everything");
        if 1 << 16 < text.len() {
            file.write_all(text.as_bytes())
                .expect("the disk has room for the bars");
            text.clear();
        }
    }
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .expect("the disk has room for the bars");
}

/// Bars in memory, told as a candle file tells them.
struct InMemory<'a> {
    bars: std::slice::Iter<'a, Bar>,
    interval: Interval,
    open_bar: Option<Bar>,
}

impl Feed for InMemory<'_> {
    fn next(&mut self) -> Option<FeedItem> {
        let (instrument, interval) = (InstrumentId(0), self.interval);
        if let Some(bar) = self.open_bar.take() {
            let closed = bar.open_time.plus_millis(interval.millis());
            let event = BarEvent {
                instrument,
                interval,
                confirmed: true,
                bar,
            };
            return Some(Ok((closed, MarketEvent::Bar(event))));
        }
        let bar = *self.bars.next()?;
        self.open_bar = Some(bar);
        let price = bar.open;
        Some(Ok((
            bar.open_time,
            MarketEvent::BarOpen { instrument, price },
        )))
    }

    fn label(&self) -> String {
        "memory".to_owned()
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
}

fn settings(bars: &Path, rule: Rule) -> Settings {
    let mut sources = Sources::new();
    for text in OVERRIDES {
        sources = sources.set(text).expect("the overrides are well formed");
    }
    let file = serde_json::json!([{"path": bars, "symbol": "BTCUSDT", "interval": "1m"}]);
    let legs = serde_json::json!([{
        "strategy": "ma-cross", "symbol": "BTCUSDT", "interval": "1m",
        "fast": 10, "slow": 30, "long_short": rule.long_short,
    }]);
    sources
        .flag("feed.kind", &"bars".into(), "bench")
        .flag("feed.bars", &file, "bench")
        .flag("legs", &legs, "bench")
        .load()
        .expect("the settings fit together")
        .settings
}

fn play(built: Built, feed: &mut impl Feed) -> String {
    let mut session = Session::new(built.engine, built.broker, built.watch);
    let n_events =
        backtest(&mut session, feed, &mut Unwatched, |_, _| {}).expect("the bars are well formed");
    let totals = session.broker.matcher().totals();
    format!(
        "{n_events} events, {} steps, fees {:.0}, equity {:.2}",
        session.engine.seq(),
        totals.fees,
        session.engine.equity(),
    )
}

fn engine_alone(bars: &[Bar], interval: Interval, rule: Rule) -> String {
    let instruments = tradeterm::venue::sim::instruments::shipped();
    let category = tradeterm::domain::Category::Linear;
    let id = instruments
        .find("BTCUSDT", category)
        .expect("it is shipped");
    let only = vec![instruments.get(id).clone()];
    let instruments = tradeterm::domain::Instruments::new(only).expect("one has no double");
    let intervals = std::iter::once((InstrumentId(0), vec![interval])).collect();
    let settings = settings(Path::new("memory.csv"), rule);
    let built = build_session(&settings, &instruments, &intervals, KillLevel::Active)
        .expect("the settings fit together");
    let mut feed = InMemory {
        bars: bars.iter(),
        interval,
        open_bar: None,
    };
    play(built, &mut feed)
}

fn engine_on(file: &Path, rule: Rule) -> String {
    let settings = settings(file, rule);
    let mut market = open_market(&settings).expect("the file was just written");
    let built = build_session(
        &settings,
        &market.instruments,
        &market.intervals,
        KillLevel::Active,
    )
    .expect("the settings fit together");
    play(built, &mut market.feed)
}

/// Runs the program itself and prints its time and its peak memory.
fn process(name: &str, file: &Path, n_bars: u64, rule: Rule) {
    let mut took = Vec::new();
    let mut peak_kib = None;
    for _ in 0..RUNS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradeterm"));
        command.arg("backtest").arg("--bars").arg(file);
        command.args([
            "--rule",
            rule.name,
            "--symbol",
            "BTCUSDT",
            "--interval",
            "1m",
        ]);
        command.arg("--json");
        for text in OVERRIDES {
            command.args(["--set", text]);
        }
        let clock = Clock::start();
        let mut child = command
            .stdout(Stdio::null())
            .spawn()
            .expect("the program was built for this");
        let status = loop {
            match child.try_wait().expect("the child is ours") {
                Some(status) => break status,
                None => peak_kib = peak_kib.max(peak_of(child.id())),
            }
            std::thread::sleep(Duration::from_micros(500));
        };
        took.push(clock.elapsed());
        assert!(status.success(), "{name}: {status}");
    }
    let peak = peak_kib.map_or_else(|| "-".to_owned(), |kib| format!("{} MiB", kib / 1024));
    line(name, n_bars, &mut took, &format!("peak memory {peak}"));
}

/// Peak resident memory of a process, in KiB; `None` where the system does not say.
fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
