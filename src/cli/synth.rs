//! `tradeterm synth`: writes a made-up market.

use std::io::Write;

use super::args::SynthArgs;
use super::{Exit, Failure, Outcome};
use crate::domain::{Category, Timestamp};
use crate::venue::sim::instruments;
use crate::venue::sim::synth::{SynthProfile, SynthSpec, write_market};

/// First bar of every market: 2026-01-05T00:00:00Z, a Monday.
const START_MS: i64 = 1_767_571_200_000;
/// Price of coins without a profile of their own.
const START_PRICE: f64 = 10.0;
/// Milliseconds between quotes.
const QUOTES_MS: i64 = 1_000;
/// Milliseconds between book messages: Bybit pushes 50 levels every 20 ms at most; the
/// recordings have about ten a second.
const BOOKS_MS: i64 = 100;

pub(super) fn synth(args: &SynthArgs) -> Outcome {
    let table = instruments::shipped();
    let mut symbols = Vec::new();
    for symbol in &args.symbols {
        let id = table
            .find(symbol.as_str(), Category::Linear)
            .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
        let instrument = table.get(id).clone();
        let profile = SynthProfile::of_coin(&instrument.base, START_PRICE);
        symbols.push((instrument, profile));
    }
    let spec = SynthSpec {
        seed: args.seed,
        book_symbols: if args.books {
            args.symbols.clone()
        } else {
            Vec::new()
        },
        symbols,
        start: Timestamp::from_millis(START_MS),
        days: args.days,
        interval: args.interval,
        quotes_every_ms: args.books.then_some(QUOTES_MS),
        books_every_ms: args.books.then_some(BOOKS_MS),
        trades: args.books,
    };
    let manifest = write_market(&spec, &args.out)
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
    writeln!(
        std::io::stdout(),
        "SYNTHETIC market of {} symbols, {} files -> {}",
        manifest.symbols.len(),
        manifest.files.len(),
        args.out.display()
    )?;
    Ok(Exit::Done)
}
