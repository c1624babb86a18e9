//! Prints what real recordings and the synthetic market look like, side by side.
//!
//! Run with `cargo bench --bench market_facts`; real columns appear where `../shared/data` (or
//! the folder in `TRADETERM_SHARED`) is present.

#![expect(clippy::cast_precision_loss, reason = "statistics for people")]

use std::path::PathBuf;

use tradeterm::domain::{Bar, InstrumentId, Interval, MarketEvent, Price, Qty, Symbol, Timestamp};
use tradeterm::market::Book;
use tradeterm::venue::feed::Feed;
use tradeterm::venue::sim::recorded::{BarFile, StreamFile};
use tradeterm::venue::sim::synth::facts::{BarFacts, return_correlation};
use tradeterm::venue::sim::synth::{SynthFeed, SynthSpec, demo_spec};

const COINS: [&str; 3] = ["BTC", "ETH", "SOL"];

fn main() {
    // A test run (`cargo test --benches`) passes this flag; half a year is enough there.
    let is_test = std::env::args().any(|arg| arg == "--test");
    bar_facts(
        "5m",
        480,
        [
            "bybit_linear_BTCUSDT_5m.csv.gz",
            "bybit_linear_ETHUSDT_5m.csv.gz",
            "bybit_linear_SOLUSDT_5m.csv.gz",
        ],
    );
    bar_facts(
        "1m",
        60,
        [
            "bybit_linear_BTCUSDT_1m_2025-05-29_2025-06-29.csv.gz",
            "bybit_linear_ETHUSDT_1m_2025-05-29_2025-06-29.csv.gz",
            "bybit_linear_SOLUSDT_1m_2025-05-29_2025-06-29.csv.gz",
        ],
    );
    book_facts(if is_test { 600 } else { 6_000 });
}

fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRADETERM_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let path = root.join("data").join(name);
    path.exists().then_some(path)
}

fn real_bars(name: &str, interval: Interval) -> Option<Vec<Bar>> {
    let path = shared(&format!("klines/{name}"))?;
    BarFile::open(&path, InstrumentId(0), interval)
        .ok()?
        .collect::<Result<_, _>>()
        .ok()
}

fn synthetic_bars(interval: Interval, days: u32) -> Vec<Vec<Bar>> {
    let mut spec = SynthSpec {
        days,
        interval,
        quotes_every_ms: None,
        books_every_ms: None,
        book_symbols: Vec::new(),
        ..demo_spec()
    };
    spec.symbols.truncate(3);
    let mut feed = SynthFeed::new(&spec).expect("the spec fits together");
    let mut all = vec![Vec::new(); 3];
    while let Some(Ok((_, event))) = feed.next() {
        if let MarketEvent::Bar(bar) = event {
            all[bar.instrument.index()].push(bar.bar);
        }
    }
    all
}

fn bar_facts(interval: &str, days: u32, names: [&str; 3]) {
    let interval: Interval = interval.parse().expect("a served interval");
    println!(
        "\n{interval} bars        n  dvol%   kurt  k.cut | |r| acf 1    10    50 | hours |r|~vol | vol sd acf1 | range"
    );
    let synthetic = synthetic_bars(interval, days);
    let real: Vec<_> = names.iter().map(|name| real_bars(name, interval)).collect();
    for (n, coin) in COINS.iter().enumerate() {
        for (kind, bars) in [("real", real[n].as_ref()), ("made", Some(&synthetic[n]))] {
            let Some(f) = bars.and_then(|bars| BarFacts::of(bars)) else {
                continue;
            };
            let [a, b, c] = f.clustering;
            println!(
                "{coin} {kind} {:>9}  {:>5.2} {:>6.1} {:>6.1} |   {a:>5.3} {b:>5.3} {c:>5.3} | {:>5.2}   {:>5.3} | {:>5.2} {:>5.2} | {:>5.2}",
                f.n,
                f.daily_vol * 100.0,
                f.kurtosis,
                f.kurtosis_cut,
                f.hour_ratio,
                f.volume_correlation,
                f.volume_spread,
                f.volume_clustering,
                f.range_ratio,
            );
        }
    }
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let of_real = real[a].as_ref().zip(real[b].as_ref());
        let real = of_real.and_then(|(x, y)| return_correlation(x, y));
        let made = return_correlation(&synthetic[a], &synthetic[b]);
        println!(
            "{}~{}: real {} made {}",
            COINS[a],
            COINS[b],
            dash(real),
            dash(made)
        );
    }
}

fn dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"))
}

/// Sums over the messages of one book.
#[derive(Default)]
struct BookSums {
    first: Option<Timestamp>,
    last: Timestamp,
    n_messages: usize,
    changed: Vec<usize>,
    spread_ticks: f64,
    spread_bps: f64,
    best: f64,
    depth_10: f64,
    depth_50: f64,
    gap_ticks: f64,
    n_moves: usize,
    mid: Option<Price>,
    trades: Vec<f64>,
}

impl BookSums {
    fn of(feed: &mut dyn Feed, tick: f64, most: usize) -> Self {
        let mut sums = Self::default();
        let mut book = Book::new(InstrumentId(0));
        while sums.n_messages < most
            && let Some(Ok((at, event))) = feed.next()
        {
            match event {
                MarketEvent::Book(update) => {
                    book.apply(&update);
                    if !update.snapshot {
                        sums.changed.push(update.bids.len() + update.asks.len());
                    }
                    sums.first.get_or_insert(at);
                    sums.last = at;
                    sums.add(&book, tick);
                }
                MarketEvent::Trade(trade) => sums.trades.push(trade.qty.to_f64()),
                _ => {}
            }
        }
        sums
    }

    fn add(&mut self, book: &Book, tick: f64) {
        let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) else {
            return;
        };
        self.n_messages += 1;
        let spread = ask.price.to_f64() - bid.price.to_f64();
        self.spread_ticks += spread / tick;
        self.spread_bps += spread / bid.price.to_f64() * 1e4;
        self.best += bid.qty.to_f64();
        let sum = |n: usize| {
            book.bids()
                .iter()
                .take(n)
                .map(|l| l.qty)
                .sum::<Qty>()
                .to_f64()
        };
        self.depth_10 += sum(10);
        self.depth_50 += sum(50);
        if let Some(worst) = book.bids().last() {
            let width = bid.price.to_f64() - worst.price.to_f64();
            self.gap_ticks += width / tick / (book.bids().len() as f64 - 1.0).max(1.0);
        }
        let mid = bid.price.midpoint(ask.price);
        self.n_moves += usize::from(self.mid.is_some_and(|before| before != mid));
        self.mid = Some(mid);
    }

    fn print(mut self, name: &str) {
        let n = self.n_messages as f64;
        let seconds = self
            .first
            .map_or(0.0, |first| self.last.since(first) as f64 / 1_000.0);
        self.changed.sort_unstable();
        self.trades.sort_by(f64::total_cmp);
        let at = |part: usize| self.trades.get(self.trades.len() * part / 100).copied();
        println!(
            "{name} {:>5.1}/s changed {:>3} mean {:>5.1} | spread {:>4.2} ticks {:>6.3} bps | best {:>8.2} 10: {:>9.2} 50: {:>10.2} gap {:>4.2} | moved {:>4.2} | trades {:>4.1}/s median {} 99 % {}",
            n / seconds,
            self.changed
                .get(self.changed.len() / 2)
                .copied()
                .unwrap_or(0),
            self.changed.iter().sum::<usize>() as f64 / self.changed.len().max(1) as f64,
            self.spread_ticks / n,
            self.spread_bps / n,
            self.best / n,
            self.depth_10 / n,
            self.depth_50 / n,
            self.gap_ticks / n,
            self.n_moves as f64 / n,
            self.trades.len() as f64 / seconds,
            dash(at(50)),
            dash(at(99)),
        );
    }
}

fn book_facts(most: usize) {
    println!("\nbooks of 50 levels");
    for (n, (coin, tick)) in [("BTC", 0.1), ("ETH", 0.01), ("SOL", 0.01)]
        .into_iter()
        .enumerate()
    {
        for venue in ["bybit_linear", "binance_um"] {
            let day = if venue == "bybit_linear" {
                "2026-08-09"
            } else {
                "2024-08-08"
            };
            let path = shared(&format!("l2/ob50/{venue}_{coin}USDT_{day}.jsonl.gz"));
            let symbol = Symbol::new(&format!("{coin}USDT")).expect("a plain symbol");
            let feed = path.and_then(|p| StreamFile::open(&p, InstrumentId(0), symbol).ok());
            if let Some(mut feed) = feed {
                BookSums::of(&mut feed, tick, usize::MAX).print(&format!("{coin} {venue:<12}"));
            }
        }
        let mut spec = demo_spec();
        spec.symbols = vec![spec.symbols[n].clone()];
        spec.book_symbols = vec![spec.symbols[0].0.symbol.clone()];
        spec.quotes_every_ms = None;
        spec.books_every_ms = Some(100);
        spec.trades = true;
        let mut feed = SynthFeed::new(&spec).expect("the spec fits together");
        BookSums::of(&mut feed, tick, most).print(&format!("{coin} {:<12}", "made"));
    }
}
