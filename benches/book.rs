//! Cost of a book message of 50 levels a side and of a bar in the steady state.

use divan::{Bencher, black_box};
use tradeterm::domain::{
    BarEvent, BookUpdate, InstrumentId, Interval, MarketEvent, Qty, Side, Timestamp,
};
use tradeterm::market::{Book, Series};
use tradeterm::venue::feed::Feed;
use tradeterm::venue::sim::synth::{SynthFeed, SynthSpec, demo_spec};

fn main() {
    divan::main();
}

/// An hour of the demonstration's Bitcoin book, a message each 100 ms.
fn updates() -> Vec<BookUpdate> {
    let mut spec = demo_spec();
    spec.symbols.truncate(1);
    spec.book_symbols.truncate(1);
    spec.quotes_every_ms = None;
    spec.books_every_ms = Some(100);
    let mut feed = SynthFeed::new(&spec).expect("the spec fits together");
    let mut all = Vec::new();
    while all.len() < 36_000
        && let Some(Ok((_, event))) = feed.next()
    {
        if let MarketEvent::Book(update) = event {
            all.push(update);
        }
    }
    all
}

#[divan::bench]
fn apply_deltas_of_50_levels(bencher: Bencher) {
    let updates = updates();
    bencher
        .counter(divan::counter::ItemsCount::new(updates.len()))
        .bench_local(|| {
            let mut book = Book::new(InstrumentId(0));
            for update in &updates {
                black_box(book.apply(black_box(update)));
            }
            book
        });
}

#[divan::bench]
fn walk_half_of_the_book(bencher: Bencher) {
    let mut book = Book::new(InstrumentId(0));
    for update in &updates()[..100] {
        book.apply(update);
    }
    let held: Qty = book.asks().iter().take(25).map(|level| level.qty).sum();
    bencher.bench_local(|| black_box(&book).walk(Side::Buy, black_box(held)));
}

fn bars(days: u32) -> Vec<BarEvent> {
    let mut spec: SynthSpec = demo_spec();
    spec.symbols.truncate(1);
    spec.quotes_every_ms = None;
    spec.books_every_ms = None;
    spec.book_symbols.clear();
    spec.days = days;
    let mut feed = SynthFeed::new(&spec).expect("the spec fits together");
    let mut all = Vec::new();
    while let Some(Ok((_, event))) = feed.next() {
        if let MarketEvent::Bar(bar) = event {
            all.push(bar);
        }
    }
    all
}

#[divan::bench]
fn offer_fresh_bars(bencher: Bencher) {
    let bars = bars(30);
    let interval: Interval = bars[0].interval;
    bencher
        .counter(divan::counter::ItemsCount::new(bars.len()))
        .bench_local(|| {
            let mut series = Series::new(InstrumentId(0), interval, 1_024);
            for bar in &bars {
                black_box(series.offer(black_box(bar)));
            }
            series
                .newest()
                .map_or(Timestamp::default(), |bar| bar.open_time)
        });
}

#[divan::bench]
fn generate_a_year_of_bars() -> usize {
    bars(365).len()
}
