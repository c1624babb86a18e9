//! Market data of the venue as market events.
//!
//! Frames of the public sockets go in as text, with the moment of their arrival; events of the
//! market, words about their health, and requests that somebody has to send come out. Everything
//! here is pure and synchronous: sockets, REST and clocks are elsewhere.
//!
//! A book that may have missed an update is no book until its next snapshot; a bar is reported
//! once, when it has closed and all bars before it have been reported; what is older than what is
//! known is dropped. Nothing is guessed and nothing is filled in.

mod assemble;
mod books;
mod compact;
mod error;
mod frame;
mod health;
mod history;
mod klines;
mod ladder;
mod line;
mod number;
mod out;
mod parse;
mod prices;
mod routes;
mod rows;
mod scan;
mod slow;
mod tickers;
mod topics;
mod trades;

#[cfg(test)]
mod assemble_tests;
#[cfg(test)]
mod books_tests;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod klines_tests;
#[cfg(test)]
mod parse_properties;
#[cfg(test)]
mod parse_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tickers_tests;

pub use assemble::FeedState;
pub use books::{BookFrame, BookStep, BookView, LossReason, TopicBook};
pub use error::{FrameError, FrameProblem};
pub use frame::{Body, BookHead, Frame, FrameKind, Levels};
pub use health::FeedHealth;
pub use history::{History, HistoryError, HistoryPlan, MAX_PAGE, PageRequest, Span};
pub use klines::{Backfill, KlineOut, KlineTrack};
pub use out::{BookDelivery, FeedCounts, FeedOut, FeedSettings, Heard, Scope, Wanted, WantedBars};
pub use parse::read_frame;
pub use prices::{PriceKind, Priced};
pub use rows::{KlineRow, TradeRow, bar_of_row, kline_rows, trade_rows};
pub use tickers::{Ticker, TickerFacts, TickerFrame, TickerNews, TickerStep};
pub use topics::{Channel, Depth, Topic, TopicError, interval_code, interval_of_code};
pub use trades::TradeTape;
