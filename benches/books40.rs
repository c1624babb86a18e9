//! Books of 40 symbols with 50 levels a side, from the bytes of their frames.
//!
//! Frames are made from a seed in the shape of recorded ones: 5 to 20 changed levels, most of
//! them near the top. Each message is read and applied by the feed as the live one is. As if a
//! socket had just received them, messages are copied into a buffer in small batches, which is
//! not measured. Prints messages a second of one core (the thread's own time: others use this
//! machine as well) and of the clock on the wall, and the time of single messages, with and
//! without an event for the reader of the books.
#![expect(
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "it measures time and prints ratios"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustix::time::{ClockId, clock_gettime};
use tradeterm::domain::{Category, InstrumentId, Symbol, Timestamp};
use tradeterm::venue::bybit::feed::{
    BookDelivery, Depth, FeedOut, FeedSettings, FeedState, Heard, Levels, Wanted, read_frame,
};

const SYMBOLS: u16 = 40;
const LEVELS: usize = 50;
const DELTAS: usize = 24_000;
const ROUNDS: usize = 40;
/// Messages that are received together: a few dozen kilobytes.
const BATCH: usize = 128;
/// First price in ticks, decimal places of prices and of sizes, largest size in steps.
const MARKETS: [(u64, usize, usize, u64); 8] = [
    (639_827, 1, 3, 20_000),
    (342_515, 2, 2, 60_000),
    (19_531, 4, 0, 80_000),
    (14_783, 3, 1, 30_000),
    (58_211, 2, 1, 20_000),
    (13_946, 5, 0, 90_000),
    (2_517_400, 8, 0, 9_000_000),
    (7_042, 3, 2, 700_000),
];

fn main() {
    let frames = Frames::new();
    let n = frames.deltas.len();
    let bytes: usize = frames.deltas.iter().map(|(text, _)| text.len()).sum();
    println!(
        "{n} deltas of {SYMBOLS} symbols, {:.0} bytes and {:.1} changed levels a message, {ROUNDS} rounds",
        bytes as f64 / n as f64,
        frames.n_changes as f64 / n as f64,
    );
    println!("clock: {} ns a reading", clock_cost());
    parse_only(&frames);
    for (name, books) in [
        ("parse + apply", BookDelivery::Latest),
        ("parse + apply + event", BookDelivery::Every),
    ] {
        parse_and_apply(name, &frames, books);
        latency(name, &frames, books);
    }
}

/// Frames of all symbols: a snapshot each, and deltas in the order of their arrival.
struct Frames {
    snapshots: Vec<String>,
    deltas: Vec<(String, Timestamp)>,
    n_changes: usize,
}

/// The venue's side of a book.
struct Maker {
    name: String,
    places: (usize, usize),
    most: u64,
    bids: BTreeMap<u64, u64>,
    asks: BTreeMap<u64, u64>,
    update_id: u64,
}

impl Frames {
    fn new() -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(40);
        let mut makers: Vec<Maker> = (0..SYMBOLS).map(|n| Maker::new(n, &mut random)).collect();
        let start = 1_733_011_200_000_i64;
        let snapshots = makers.iter().map(|maker| maker.snapshot(start)).collect();
        let mut n_changes = 0;
        let deltas = (0..DELTAS)
            .map(|n| {
                let at = start + n as i64 / 8;
                let which = below(&mut random, u64::from(SYMBOLS)) as usize;
                let (text, n) = makers[which].delta(at, &mut random);
                n_changes += n;
                (text, Timestamp::from_millis(at))
            })
            .collect();
        Self {
            snapshots,
            deltas,
            n_changes,
        }
    }

    /// A feed with every book whole.
    fn feed(&self, books: BookDelivery) -> FeedState {
        let mut feed = FeedState::new(FeedSettings {
            books,
            ..FeedSettings::default()
        });
        for n in 0..SYMBOLS {
            feed.watch(Wanted {
                instrument: InstrumentId(n),
                category: Category::Linear,
                symbol: Symbol::new(&name(n)).expect("a name is a symbol"),
                best: false,
                depth: Some(Depth::L50),
                ticker: false,
                trades: false,
                klines: Vec::new(),
            });
        }
        let mut out = Vec::new();
        for text in &self.snapshots {
            let at = Timestamp::from_millis(1_733_011_200_000);
            let heard = feed.on_frame(at, Category::Linear, text.as_bytes(), &mut out);
            assert_eq!(heard, Heard::Data);
        }
        feed
    }
}

fn name(n: u16) -> String {
    format!("COIN{n}USDT")
}

fn below(random: &mut Xoshiro256PlusPlus, n: u64) -> u64 {
    random.next_u64() % n
}

impl Maker {
    fn new(n: u16, random: &mut Xoshiro256PlusPlus) -> Self {
        let (price, price_places, qty_places, most) = MARKETS[usize::from(n) % MARKETS.len()];
        let price = price + u64::from(n) * 17;
        let mut size = |_| 1 + below(random, most);
        Self {
            name: name(n),
            places: (price_places, qty_places),
            most,
            bids: (0..LEVELS as u64).map(|d| (price - d, size(d))).collect(),
            asks: (0..LEVELS as u64)
                .map(|d| (price + 1 + d, size(d)))
                .collect(),
            update_id: 20_254_870 + u64::from(n) * 1_000_003,
        }
    }

    fn snapshot(&self, at: i64) -> String {
        let bids: Vec<_> = self.bids.iter().rev().map(|(p, q)| (*p, *q)).collect();
        let asks: Vec<_> = self.asks.iter().map(|(p, q)| (*p, *q)).collect();
        self.text("snapshot", at, &bids, &asks)
    }

    /// Changes 5 to 20 levels: mostly sizes, sometimes a level goes and another one comes.
    fn delta(&mut self, at: i64, random: &mut Xoshiro256PlusPlus) -> (String, usize) {
        let n_changes = 5 + below(random, 16);
        let (mut bids, mut asks) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..n_changes {
            let is_bid = below(random, 2) == 0;
            // The smaller of two draws: the top changes more often than the end.
            let depth = below(random, LEVELS as u64).min(below(random, LEVELS as u64)) as usize;
            let (side, changes) = if is_bid {
                (&mut self.bids, &mut bids)
            } else {
                (&mut self.asks, &mut asks)
            };
            let keys = side.keys().copied();
            let price = if is_bid {
                keys.rev().nth(depth)
            } else {
                keys.into_iter().nth(depth)
            };
            let price = price.expect("a side has all its levels");
            if below(random, 6) != 0 {
                let amount = 1 + below(random, self.most);
                side.insert(price, amount);
                changes.insert(price, amount);
                continue;
            }
            // This level goes and one comes at the far end.
            side.remove(&price);
            changes.insert(price, 0);
            let far = if is_bid {
                side.keys().next().map(|p| p - 1)
            } else {
                side.keys().next_back().map(|p| p + 1)
            };
            // Or back in a hole near the top, where there is one.
            let hole = if is_bid {
                side.keys()
                    .rev()
                    .map(|p| p - 1)
                    .find(|p| !side.contains_key(p))
            } else {
                side.keys().map(|p| p + 1).find(|p| !side.contains_key(p))
            };
            let come = if below(random, 2) == 0 { hole } else { far };
            let come = come.expect("a side is not empty");
            let amount = 1 + below(random, self.most);
            side.insert(come, amount);
            changes.insert(come, amount);
        }
        self.update_id += 1;
        let bids: Vec<_> = bids.into_iter().rev().collect();
        let asks: Vec<_> = asks.into_iter().collect();
        let text = self.text("delta", at, &bids, &asks);
        (text, bids.len() + asks.len())
    }

    fn text(&self, kind: &str, at: i64, bids: &[(u64, u64)], asks: &[(u64, u64)]) -> String {
        let Self {
            name, update_id, ..
        } = self;
        let seq = 130_020_239_261 + update_id * 7;
        format!(
            "{{\"topic\":\"orderbook.50.{name}\",\"type\":\"{kind}\",\"ts\":{at},\"data\":{{\
             \"s\":\"{name}\",\"b\":[{}],\"a\":[{}],\"u\":{update_id},\"seq\":{seq}}},\
             \"cts\":{}}}",
            self.levels(bids),
            self.levels(asks),
            at - 2
        )
    }

    fn levels(&self, levels: &[(u64, u64)]) -> String {
        let mut text = String::new();
        for (price, size) in levels {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str("[\"");
            decimal(&mut text, *price, self.places.0);
            text.push_str("\",\"");
            if *size == 0 {
                text.push('0');
            } else {
                decimal(&mut text, *size, self.places.1);
            }
            text.push_str("\"]");
        }
        text
    }
}

fn decimal(text: &mut String, value: u64, places: usize) {
    let digits = format!("{value:0width$}", width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    write!(text, "{whole}").expect("a string takes all text");
    if places > 0 {
        write!(text, ".{part}").expect("a string takes all text");
    }
}

fn clock_cost() -> u128 {
    let start = Instant::now();
    for _ in 0..100_000 {
        black_box(Instant::now());
    }
    start.elapsed().as_nanos() / 100_000
}

/// Messages as they lie in a buffer after having been received.
struct Batch {
    bytes: Vec<u8>,
    parts: Vec<(usize, usize, Timestamp)>,
}

impl Batch {
    fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(1 << 20),
            parts: Vec::with_capacity(BATCH),
        }
    }

    fn receive(&mut self, deltas: &[(String, Timestamp)]) {
        self.bytes.clear();
        self.parts.clear();
        for (text, at) in deltas {
            let from = self.bytes.len();
            self.bytes.extend_from_slice(text.as_bytes());
            self.parts.push((from, self.bytes.len(), *at));
        }
    }

    fn messages(&self) -> impl Iterator<Item = (&[u8], Timestamp)> {
        self.parts
            .iter()
            .map(|(from, to, at)| (&self.bytes[*from..*to], *at))
    }
}

/// Nanoseconds of the thread and of the clock on the wall.
#[derive(Clone, Copy, Default)]
struct Spent {
    thread: u128,
    wall: u128,
}

impl Spent {
    fn on(work: impl FnOnce()) -> Self {
        let thread = thread_nanos();
        let start = Instant::now();
        work();
        Self {
            wall: start.elapsed().as_nanos(),
            thread: thread_nanos() - thread,
        }
    }
}

fn thread_nanos() -> u128 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u128 * 1_000_000_000 + time.tv_nsec as u128
}

/// Runs all rounds of `work` over the batches and prints messages a second.
fn throughput(name: &str, frames: &Frames, mut round: impl FnMut() -> Box<dyn FnMut(&Batch)>) {
    let mut batch = Batch::new();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut work = round();
        let mut spent = Spent::default();
        for deltas in frames.deltas.chunks(BATCH) {
            batch.receive(deltas);
            let more = Spent::on(|| work(&batch));
            spent.thread += more.thread;
            spent.wall += more.wall;
        }
        rounds.push(spent);
    }
    let n = frames.deltas.len();
    let rate = |nanos: u128| n as f64 / (nanos as f64 / 1e9);
    let mut print = |kind: &str, of: fn(&Spent) -> u128| {
        rounds.sort_by_key(of);
        let [best, median, worst] =
            [0, ROUNDS / 2, ROUNDS - 1].map(|which| rate(of(&rounds[which])));
        println!("{name:<24} {kind}: {median:>9.0} msgs/s (best {best:.0}, worst {worst:.0})");
    };
    print("one core", |spent| spent.thread);
    print("wall    ", |spent| spent.wall);
}

fn parse_only(frames: &Frames) {
    throughput("parse", frames, || {
        let mut levels = Levels::default();
        Box::new(move |batch| {
            for (text, _) in batch.messages() {
                black_box(read_frame(black_box(text), &mut levels)).expect("a frame");
            }
        })
    });
}

fn parse_and_apply(name: &str, frames: &Frames, books: BookDelivery) {
    throughput(name, frames, || {
        let mut feed = frames.feed(books);
        let mut out: Vec<FeedOut> = Vec::with_capacity(64);
        let mut n = 0;
        Box::new(move |batch| {
            for (text, at) in batch.messages() {
                let heard = feed.on_frame(at, Category::Linear, black_box(text), &mut out);
                black_box(&out);
                out.clear();
                assert_eq!(heard, Heard::Data);
                n += 1;
            }
            if n == DELTAS {
                check(&feed);
            }
        })
    });
}

fn latency(name: &str, frames: &Frames, books: BookDelivery) {
    const LONGEST: usize = 100_000;
    let mut histogram = vec![0_u64; LONGEST + 1];
    let mut batch = Batch::new();
    for _ in 0..ROUNDS {
        let mut feed = frames.feed(books);
        let mut out: Vec<FeedOut> = Vec::with_capacity(64);
        for deltas in frames.deltas.chunks(BATCH) {
            batch.receive(deltas);
            for (text, at) in batch.messages() {
                let start = Instant::now();
                let heard = feed.on_frame(at, Category::Linear, black_box(text), &mut out);
                black_box(&out);
                out.clear();
                let nanos = start.elapsed().as_nanos() as usize;
                assert_eq!(heard, Heard::Data);
                histogram[nanos.min(LONGEST)] += 1;
            }
        }
        check(&feed);
    }
    let total: u64 = histogram.iter().sum();
    let nanos = |share: f64| {
        let wanted = (total as f64 * share) as u64;
        let mut seen = 0;
        let found = histogram.iter().position(|n| {
            seen += n;
            wanted < seen
        });
        found.unwrap_or(LONGEST)
    };
    println!(
        "{name:<24} p50 {} ns, p99 {} ns, p99.9 {} ns a message, a clock reading included",
        nanos(0.5),
        nanos(0.99),
        nanos(0.999)
    );
}

/// Every book is whole and as deep as it was.
fn check(feed: &FeedState) {
    for n in 0..SYMBOLS {
        let book = feed.book(InstrumentId(n)).expect("a book is whole");
        assert_eq!((book.bids.len(), book.asks.len()), (LEVELS, LEVELS));
    }
    assert_eq!(feed.counts().refused, 0);
}
