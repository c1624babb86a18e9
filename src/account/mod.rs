//! What we believe we hold: positions, cash, profit, equity, order life cycle, statistics.
//!
//! Pure folds over what the venue and the engine say: no I/O, no clock, no randomness. Nothing
//! here decides anything and nothing here asks the venue; a difference between this belief and
//! the venue's word is found here and repaired elsewhere.

mod ledger;
#[cfg(test)]
mod ledger_tests;
mod order;
mod orders;
#[cfg(test)]
mod orders_tests;
mod position;
mod reconcile;
pub mod stats;

pub use ledger::{FillOutcome, Ledger};
pub use order::{Order, OrderState};
pub use orders::{AlreadyKnown, Incident, OrderOutcome, Orders};
pub use position::{ClosedTrade, Position, slippage};
pub use reconcile::{Difference, differences};
