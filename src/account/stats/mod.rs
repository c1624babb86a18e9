//! Statistics that grow with every trade and every moment, in memory that does not.
//!
//! Sums of money are exact; ratios are floats, because they are opinions. A figure that cannot
//! be known yet is `None`. What a figure means is said once, at its getter.

mod curve;
mod equity;
mod trades;

pub use curve::{CurvePoint, EquityCurve};
pub use equity::EquityStats;
pub use trades::TradeStats;
