//! Closed trades and equity as CSV (RFC 4180 quoting, `\n` line ends, times in UTC).
//!
//! Cells are written in full precision; a cell without a value is empty. Text that a
//! spreadsheet would run as a formula is quoted with a leading apostrophe.

use std::io::{self, Write};

use super::model::TradeRow;
use crate::account::stats::CurvePoint;
use crate::domain::{Money, Timestamp};

const TRADE_COLUMNS: &str = "opened,closed,symbol,leg,side,qty,entry,exit,held_ms,gross,fees,\
                             funding,slippage,net,n_fills,reason";

/// Writes closed trades one by one, as they happen.
#[derive(Debug)]
pub struct TradesCsv<W> {
    out: W,
}

impl<W: Write> TradesCsv<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{TRADE_COLUMNS}")?;
        Ok(Self { out })
    }

    /// Writes one trade.
    ///
    /// # Errors
    ///
    /// When the output cannot be written.
    pub fn row(&mut self, t: &TradeRow) -> io::Result<()> {
        writeln!(
            self.out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            t.opened,
            t.closed,
            cell(&t.symbol),
            cell(t.leg.as_deref().unwrap_or_default()),
            t.side,
            t.qty,
            t.entry,
            t.exit,
            t.held_ms,
            t.gross,
            t.fees,
            t.funding,
            t.slippage,
            t.net,
            t.n_fills,
            cell(t.reason.as_deref().unwrap_or_default()),
        )
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    ///
    /// When the output cannot be flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Writes equity moment by moment.
#[derive(Debug)]
pub struct EquityCsv<W> {
    out: W,
}

impl<W: Write> EquityCsv<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "at,equity")?;
        Ok(Self { out })
    }

    /// Writes one moment.
    ///
    /// # Errors
    ///
    /// When the output cannot be written.
    pub fn row(&mut self, at: Timestamp, equity: Money) -> io::Result<()> {
        writeln!(self.out, "{at},{equity}")
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    ///
    /// When the output cannot be flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Writes all of `trades` with a header.
///
/// # Errors
///
/// When `out` cannot be written.
pub fn write_trades_csv<'a>(
    out: &mut impl Write,
    trades: impl IntoIterator<Item = &'a TradeRow>,
) -> io::Result<()> {
    let mut csv = TradesCsv::new(out)?;
    for trade in trades {
        csv.row(trade)?;
    }
    csv.finish().map(|_| ())
}

/// Writes all of `points` with a header.
///
/// # Errors
///
/// When `out` cannot be written.
pub fn write_equity_csv(
    out: &mut impl Write,
    points: impl IntoIterator<Item = CurvePoint>,
) -> io::Result<()> {
    let mut csv = EquityCsv::new(out)?;
    for point in points {
        csv.row(point.at, point.equity)?;
    }
    csv.finish().map(|_| ())
}

/// A text as a cell.
fn cell(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if runs {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_survive_a_spreadsheet() {
        for (text, expected) in [
            ("stop", "stop"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
