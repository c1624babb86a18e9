//! Positions of the venue that a person can take over: what `adopt` may name.
//!
//! Only a difference of positions in a market of this session can be adopted. Nothing here acts:
//! `update` asks for the typed phrase, and the engine looks at the venue's newest report.

use crate::control::{DifferenceView, MarketView, Snapshot};
use crate::domain::{InstrumentId, Symbol};

/// Class of the differences that can be adopted.
pub const POSITION: &str = "position";

/// A difference whose venue side can become ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adoptable<'a> {
    /// What differs.
    pub difference: &'a DifferenceView,
    /// Symbol of the market.
    pub symbol: &'a Symbol,
    /// Its number in the session.
    pub instrument: InstrumentId,
}

impl Adoptable<'_> {
    /// What has to be typed. Lower case, so that no capital of a symbol meets the kill key.
    #[must_use]
    pub fn phrase(&self) -> String {
        format!("adopt {}", self.symbol.as_str().to_lowercase())
    }
}

/// What adopting a difference would act on.
///
/// # Errors
///
/// Why it cannot be adopted, in words: it is no position, or not in a market of this session.
pub fn adoptable<'a>(
    difference: &'a DifferenceView,
    markets: &'a [MarketView],
) -> Result<Adoptable<'a>, String> {
    if difference.class != POSITION {
        let (class, repair) = (&difference.class, &difference.repair);
        return Err(format!(
            "only a position can be adopted; for {class}: {repair}"
        ));
    }
    // The venue's side is the size and the symbol; no other field names the symbol.
    let named = difference.venue.split_whitespace().next_back();
    let named = named.unwrap_or_default();
    let mut numbered = (0_u16..).zip(markets);
    let found = numbered.find(|(_, market)| market.symbol.as_str() == named);
    let (number, market) = found.ok_or_else(|| {
        format!("`{named}` is not a market of this session: close it at the venue")
    })?;
    Ok(Adoptable {
        difference,
        symbol: &market.symbol,
        instrument: InstrumentId(number),
    })
}

/// Everything that can be adopted now, in the order of the differences.
pub fn all(snapshot: &Snapshot) -> impl Iterator<Item = Adoptable<'_>> {
    snapshot
        .differences
        .iter()
        .filter_map(|difference| adoptable(difference, &snapshot.markets).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample;

    #[test]
    fn only_positions_in_markets_of_the_session_can_be_adopted() {
        let snapshot = sample::troubled(1);
        let names: Vec<_> = all(&snapshot)
            .map(|one| (one.symbol.to_string(), one.instrument, one.phrase()))
            .collect();
        let btc = ("BTCUSDT".to_owned(), InstrumentId(0), "adopt btcusdt");
        assert_eq!(names, [(btc.0, btc.1, btc.2.to_owned())]);
        let refused: Vec<String> = snapshot
            .differences
            .iter()
            .filter_map(|difference| adoptable(difference, &snapshot.markets).err())
            .collect();
        let words = [
            "only a position can be adopted; for missing fill",
            "only a position can be adopted; for foreign order",
            "`SUIUSDT` is not a market of this session",
        ];
        assert_eq!(refused.len(), words.len(), "{refused:?}");
        for (refusal, words) in refused.iter().zip(words) {
            assert!(refusal.contains(words), "{refusal}");
        }
    }

    #[test]
    fn a_position_without_a_symbol_is_nobodys() {
        let mut snapshot = sample::troubled(1);
        for venue in ["", "   ", "0.116"] {
            snapshot.differences[0].venue = venue.to_owned();
            assert_eq!(all(&snapshot).count(), 0, "{venue:?}");
        }
        snapshot.markets.clear();
        assert_eq!(all(&snapshot).count(), 0);
    }
}
