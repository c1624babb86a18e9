//! Statistics and reports from the steps of a session: Markdown, JSON, CSV.
//!
//! A report is a fold over the same inputs and effects that a journal holds, with a ledger of
//! its own, so that it checks the engine's arithmetic instead of repeating it. It opens no file.

mod builder;
mod csv;
mod execution;
mod markdown;
mod model;

pub use builder::ReportBuilder;
pub use csv::{EquityCsv, TradesCsv, write_equity_csv, write_trades_csv};
pub use model::{
    AccountSection, Count, DecisionSection, KillRow, LatencySection, OrderKindRow, Percentiles,
    Report, RuleRow, SessionFacts, StatsSection, SymbolRow, TradeRow,
};
