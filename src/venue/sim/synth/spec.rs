//! What to generate.

use super::profile::SynthProfile;
use crate::domain::{
    Category, Instrument, InstrumentError, Instruments, Interval, Symbol, Timestamp,
};
use crate::venue::sim::instruments;

/// Milliseconds of one day.
const DAY_MS: i64 = 86_400_000;
/// Parts of a bar that are simulated when nothing but bars is wanted.
const PARTS_OF_BAR: i64 = 4;
/// Longest step when trades are wanted without quotes or books.
const TRADE_STEP_MS: i64 = 15_000;

/// Why a market cannot be generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynthError {
    /// No symbol.
    #[error("no symbols to generate; name at least one")]
    NoSymbols,
    /// No time.
    #[error("0 days to generate; ask for at least 1")]
    NoDays,
    /// Start off the grid.
    #[error("start {start} is not on the {interval} grid")]
    OffGrid {
        /// Start asked for.
        start: Timestamp,
        /// Interval of the bars.
        interval: Interval,
    },
    /// Quotes and books that do not fit into bars or into each other.
    #[error(
        "every {every_ms} ms does not fit: {unit_ms} ms has to be a whole multiple of it, \
         and it at least 20 ms"
    )]
    Cadence {
        /// Cadence asked for.
        every_ms: i64,
        /// Length it has to divide.
        unit_ms: i64,
    },
    /// A price that is no price.
    #[error("first price {price} of {symbol} is not above its tick")]
    StartPrice {
        /// Symbol it is for.
        symbol: Symbol,
        /// Price asked for.
        price: String,
    },
    /// A symbol that is not generated, or is unknown, or has bad rules.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
}

/// A market to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct SynthSpec {
    /// Seed; the same spec with the same seed gives the same market.
    pub seed: u64,
    /// Symbols, in the order of their numbers.
    pub symbols: Vec<(Instrument, SynthProfile)>,
    /// Open time of the first bar.
    pub start: Timestamp,
    /// Length in days.
    pub days: u32,
    /// Interval of the bars.
    pub interval: Interval,
    /// Milliseconds between quotes; `None` for none.
    pub quotes_every_ms: Option<i64>,
    /// Milliseconds between book messages; `None` for none.
    pub books_every_ms: Option<i64>,
    /// Symbols that have books.
    pub book_symbols: Vec<Symbol>,
    /// Whether there are trades.
    pub trades: bool,
}

impl SynthSpec {
    /// Moment after the last bar.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start.plus_millis(i64::from(self.days) * DAY_MS)
    }

    /// The table of the generated instruments.
    ///
    /// # Errors
    ///
    /// When an instrument's rules contradict each other.
    pub fn instruments(&self) -> Result<Instruments, InstrumentError> {
        Instruments::new(self.symbols.iter().map(|(i, _)| i.clone()).collect())
    }

    /// Length of one simulated step in milliseconds: the finest cadence asked for.
    #[must_use]
    pub fn step_ms(&self) -> i64 {
        let quiet = if self.trades {
            TRADE_STEP_MS
        } else {
            self.interval.millis() / PARTS_OF_BAR
        };
        let quotes = self.quotes_every_ms.unwrap_or(i64::MAX);
        let books = self.books_every_ms.unwrap_or(i64::MAX);
        match quotes.min(books) {
            i64::MAX => quiet,
            finest => finest,
        }
    }

    /// Checks the parts against each other.
    ///
    /// # Errors
    ///
    /// The first that does not fit.
    pub fn check(&self) -> Result<(), SynthError> {
        if self.symbols.is_empty() {
            return Err(SynthError::NoSymbols);
        }
        if self.days == 0 {
            return Err(SynthError::NoDays);
        }
        if !self.interval.is_on_grid(self.start) {
            return Err(SynthError::OffGrid {
                start: self.start,
                interval: self.interval,
            });
        }
        let unit_ms = self.interval.millis();
        let step_ms = self.step_ms();
        for every_ms in [Some(step_ms), self.quotes_every_ms, self.books_every_ms]
            .into_iter()
            .flatten()
        {
            if every_ms < 20 || unit_ms % every_ms != 0 || every_ms % step_ms != 0 {
                return Err(SynthError::Cadence { every_ms, unit_ms });
            }
        }
        let table = self.instruments()?;
        for (instrument, profile) in &self.symbols {
            let price = profile.start_price;
            if !price.is_finite() || price <= instrument.tick.to_f64() {
                return Err(SynthError::StartPrice {
                    symbol: instrument.symbol.clone(),
                    price: price.to_string(),
                });
            }
        }
        for symbol in &self.book_symbols {
            let known = [Category::Linear, Category::Spot]
                .map(|category| table.find(symbol.as_str(), category));
            if let [Err(error), Err(_)] = known {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// The market of the demonstration: four perpetuals over seven days in five-minute bars, quotes
/// every 15 s, the book of Bitcoin every minute. The first 640 bars are there for warm-up.
///
/// # Panics
///
/// Never in a released program: a test makes it.
#[must_use]
pub fn demo_spec() -> SynthSpec {
    let table = instruments::shipped();
    let symbols = [
        ("BTCUSDT", SynthProfile::BTC),
        ("ETHUSDT", SynthProfile::ETH),
        ("SOLUSDT", SynthProfile::SOL),
        ("XRPUSDT", SynthProfile::XRP),
    ]
    .map(|(symbol, profile)| {
        let id = table
            .find(symbol, Category::Linear)
            .expect("the shipped table has the symbols of the demonstration");
        (table.get(id).clone(), profile)
    });
    SynthSpec {
        seed: 20_260_302,
        book_symbols: symbols[..1].iter().map(|(i, _)| i.symbol.clone()).collect(),
        symbols: symbols.to_vec(),
        // Monday 2026-03-02T00:00:00Z.
        start: Timestamp::from_millis(1_772_409_600_000),
        days: 7,
        interval: Interval::from_millis(300_000).expect("five minutes are served"),
        quotes_every_ms: Some(15_000),
        books_every_ms: Some(60_000),
        trades: false,
    }
}
