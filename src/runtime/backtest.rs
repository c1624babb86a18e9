//! The backtest driver: the same session as fast as it goes, without a clock or a journal.

use super::session::{Session, Witness};
use crate::domain::Timestamp;
use crate::engine::Event;
use crate::venue::feed::{Feed, FeedError};
use crate::venue::sim::PaperBroker;

/// Events between two reports of progress.
const PROGRESS: u64 = 16_384;

/// Why a backtest stopped early.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError<E> {
    /// The feed.
    #[error(transparent)]
    Feed(FeedError),
    /// The witness.
    #[error("{0}")]
    Witness(E),
}

/// Plays a feed through a session to its end and returns the number of events.
///
/// `progress` is called now and then with the number of events so far and the session time.
///
/// # Errors
///
/// When the feed is damaged, or the witness stops.
pub fn backtest<F: Feed, W: Witness>(
    session: &mut Session<PaperBroker>,
    feed: &mut F,
    witness: &mut W,
    mut progress: impl FnMut(u64, Timestamp),
) -> Result<u64, BacktestError<W::Error>> {
    let mut n_events = 0;
    while let Some(item) = feed.next() {
        let (at, event) = item.map_err(BacktestError::Feed)?;
        session
            .turn(at, &Event::Market(event), witness)
            .map_err(BacktestError::Witness)?;
        n_events += 1;
        if n_events % PROGRESS == 0 {
            progress(n_events, at);
        }
    }
    Ok(n_events)
}
