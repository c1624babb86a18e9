//! The instruments that ship with the program, so that it knows the venue's rules offline.
//!
//! A live session asks the venue instead. The facts are those Bybit listed on 2026-08-09.

use crate::domain::{Instrument, InstrumentError, Instruments};

const LINEAR: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/config/symbols/linear.json"
));
const SPOT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/config/symbols/spot.json"
));

/// Why a table of instruments cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Not the JSON expected.
    #[error("not a list of instruments: {0}")]
    Json(#[from] serde_json::Error),
    /// Rules that contradict each other.
    #[error(transparent)]
    Rules(#[from] InstrumentError),
}

/// Reads a JSON list of instruments.
///
/// # Errors
///
/// When the text is not such a list, or when rules contradict each other.
pub fn parse(json: &str) -> Result<Instruments, TableError> {
    Ok(Instruments::new(serde_json::from_str(json)?)?)
}

/// The shipped instruments: perpetuals first, then spot pairs.
///
/// # Panics
///
/// Never in a released program: a test reads the same embedded text.
#[must_use]
pub fn shipped() -> Instruments {
    let mut all: Vec<Instrument> = Vec::new();
    for json in [LINEAR, SPOT] {
        let table = parse(json).expect("the embedded tables are read by a test");
        all.extend(table.iter().map(|(_, i)| i.clone()));
    }
    Instruments::new(all).expect("each table has been validated")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::{Category, Price, Qty};

    #[test]
    fn the_shipped_tables_are_whole() {
        let table = shipped();
        let mut seen = BTreeSet::new();
        for (_, i) in table.iter() {
            assert!(
                seen.insert((i.symbol.clone(), i.category)),
                "{} twice",
                i.symbol
            );
            assert_eq!(i.min_qty.floor_to(i.qty_step), i.min_qty, "{}", i.symbol);
            assert_eq!(
                i.funding_hours == 0,
                i.category == Category::Spot,
                "{}",
                i.symbol
            );
            assert_eq!(i.quote, "USDT");
        }
        let count = |c| table.iter().filter(|(_, i)| i.category == c).count();
        assert!(30 <= count(Category::Linear) && 30 <= count(Category::Spot));
    }

    #[test]
    fn known_facts_are_there() {
        let table = shipped();
        let check = |symbol, category, tick: &str, step: &str| {
            let i = table.get(table.find(symbol, category).unwrap());
            assert_eq!(i.tick, tick.parse::<Price>().unwrap(), "{symbol} tick");
            assert_eq!(i.qty_step, step.parse::<Qty>().unwrap(), "{symbol} step");
        };
        check("BTCUSDT", Category::Linear, "0.1", "0.001");
        check("ETHUSDT", Category::Linear, "0.01", "0.01");
        check("BTCUSDT", Category::Spot, "0.1", "0.000001");
    }

    #[test]
    fn a_bad_table_says_why() {
        let bad = LINEAR.replacen("\"tick\": \"0.1\"", "\"tick\": \"0\"", 1);
        assert_eq!(
            parse(&bad).unwrap_err().to_string(),
            "instrument BTCUSDT: tick is zero"
        );
        assert!(
            parse("{}")
                .unwrap_err()
                .to_string()
                .starts_with("not a list")
        );
    }
}
