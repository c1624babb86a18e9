//! Several recordings as one feed, in the order of time.

use crate::domain::{InstrumentId, MarketEvent, Timestamp};
use crate::venue::feed::{Feed, FeedError, FeedItem, rank};

/// Order of an event among all: time, then kind, then instrument.
type Key = (Timestamp, u8, InstrumentId);

/// Feeds merged by time; those of one moment by [`rank`], then by instrument, then in the order
/// in which the feeds were given. Events within one feed keep their order. Ends after the first
/// error of any feed.
pub struct RecordedFeed {
    label: String,
    sources: Vec<Source>,
    /// Sources whose next event has to be fetched before one can be chosen.
    due: std::ops::Range<usize>,
    has_ended: bool,
}

struct Source {
    feed: Box<dyn Feed>,
    /// Next event of the feed; `None` at its end.
    head: Option<(Key, MarketEvent)>,
}

impl RecordedFeed {
    /// Merge of `feeds` under a name for people.
    #[must_use]
    pub fn new(label: impl Into<String>, feeds: Vec<Box<dyn Feed>>) -> Self {
        let sources: Vec<Source> = feeds
            .into_iter()
            .map(|feed| Source { feed, head: None })
            .collect();
        Self {
            label: label.into(),
            due: 0..sources.len(),
            sources,
            has_ended: false,
        }
    }

    fn advance(&mut self) -> Result<Option<(Timestamp, MarketEvent)>, FeedError> {
        for source in &mut self.sources[self.due.clone()] {
            source.refill()?;
        }
        self.due = 0..0;
        let first = self
            .sources
            .iter()
            .enumerate()
            .filter_map(|(n, source)| source.head.as_ref().map(|(key, _)| (*key, n)))
            .min();
        let Some((_, n)) = first else {
            return Ok(None);
        };
        self.due = n..n + 1;
        let head = self.sources[n].head.take();
        Ok(head.map(|((at, _, _), event)| (at, event)))
    }
}

impl Source {
    fn refill(&mut self) -> Result<(), FeedError> {
        self.head = match self.feed.next() {
            None => None,
            Some(item) => {
                let (at, event) = item?;
                Some(((at, rank(&event), event.instrument()), event))
            }
        };
        Ok(())
    }
}

impl Feed for RecordedFeed {
    fn next(&mut self) -> Option<FeedItem> {
        if self.has_ended {
            return None;
        }
        let item = self.advance().transpose();
        self.has_ended = !matches!(item, Some(Ok(_)));
        item
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    /// From the first of all starts to the last of all ends that are known.
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = || self.sources.iter().filter_map(|s| s.feed.span());
        let first = spans().map(|(first, _)| first).min()?;
        let last = spans().map(|(_, last)| last).max()?;
        Some((first, last))
    }
}

impl std::fmt::Debug for RecordedFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedFeed")
            .field("label", &self.label)
            .field("sources", &self.sources.len())
            .finish_non_exhaustive()
    }
}
