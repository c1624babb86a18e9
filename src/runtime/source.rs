//! Where the events of a session come from: a recording that is paced, or the world as it is.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::clock::Clock;
use super::pace::Pace;
use crate::control::{Command, VenueView};
use crate::domain::{MarketEvent, Timestamp};
use crate::engine::Event;
use crate::venue::feed::{Feed, FeedError};

/// What a source has to say now.
#[derive(Debug)]
pub enum Due {
    /// This event, at this session time.
    Event(Timestamp, Event),
    /// Nothing for so long, or until something happens.
    Nothing(Duration),
    /// Nothing any more.
    Ended,
}

/// A source of events that somebody drives.
pub trait Source {
    /// Gets ready; called once, after recovery and before the first event.
    ///
    /// # Errors
    ///
    /// When there is nothing to read.
    fn start(&mut self, clock: &Clock) -> Result<(), FeedError>;

    /// What is due now.
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    fn next(&mut self, clock: &Clock) -> Result<Due, FeedError>;

    /// The same without its pace: a session that ends does not wait for a recording.
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    fn hurry(&mut self, clock: &Clock) -> Result<Due, FeedError>;

    /// Session time of something that happens now, such as a person's command; `latest` is the
    /// newest the engine has seen.
    fn time(&self, latest: Timestamp, clock: &Clock) -> Timestamp;

    /// Takes an event that the journal holds; false when a recording says something else there.
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    fn repeats(&mut self, event: &Event) -> Result<bool, FeedError>;

    /// The event whose turn a crash has cut in two; `None` when the source no longer has it.
    ///
    /// # Errors
    ///
    /// When the source cannot be read.
    fn cut_off(&mut self) -> Result<Option<(Timestamp, Event)>, FeedError>;

    /// Waits for a command, at most so long, or until the source has something to say.
    fn rest(&mut self, wait: Duration, commands: &Receiver<Command>) -> Option<Command> {
        match commands.recv_timeout(wait) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            // No front end is left: headless sessions keep none, and time still passes.
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(wait);
                None
            }
        }
    }

    /// First and last moment, where there is an end.
    fn span(&self) -> Option<(Timestamp, Timestamp)>;

    /// Session time of the first event to come, where it is known before it comes.
    fn first(&self) -> Option<Timestamp>;

    /// The pace, for sources that have one.
    fn pace(&mut self) -> Option<&mut Pace>;

    /// The way to the venue, for sources that have one.
    fn venue(&self) -> Option<VenueView> {
        None
    }
}

/// A recording, played at a pace.
#[derive(Debug)]
pub struct Recording<F> {
    feed: F,
    pace: Pace,
    /// Events before this moment are not paced: history that warms the strategies up.
    unpaced_until: Option<Timestamp>,
    next: Option<(Timestamp, MarketEvent)>,
}

impl<F: Feed> Recording<F> {
    /// A recording at `speed` times real time; `None` is as fast as it goes.
    pub fn new(feed: F, speed: Option<f64>, unpaced_until: Option<Timestamp>) -> Self {
        Self {
            feed,
            pace: Pace::new(speed),
            unpaced_until,
            next: None,
        }
    }

    fn take(&mut self) -> Result<Due, FeedError> {
        let Some((at, event)) = self.next.take() else {
            return Ok(Due::Ended);
        };
        self.next = self.feed.next().transpose()?;
        Ok(Due::Event(at, Event::Market(event)))
    }
}

impl<F: Feed> Source for Recording<F> {
    fn start(&mut self, clock: &Clock) -> Result<(), FeedError> {
        self.next = self.feed.next().transpose()?;
        if let Some((first, _)) = &self.next {
            let from = (*first).max(self.unpaced_until.unwrap_or(*first));
            self.pace.start(from, clock);
        }
        Ok(())
    }

    fn next(&mut self, clock: &Clock) -> Result<Due, FeedError> {
        if let Some((at, _)) = &self.next
            && self.unpaced_until.is_none_or(|until| until <= *at)
        {
            let wait = self.pace.wait(*at, clock);
            if !wait.is_zero() {
                return Ok(Due::Nothing(wait));
            }
        }
        self.take()
    }

    fn hurry(&mut self, _: &Clock) -> Result<Due, FeedError> {
        self.take()
    }

    /// A recorded session has one clock, the recording's.
    fn time(&self, latest: Timestamp, _: &Clock) -> Timestamp {
        latest
    }

    fn repeats(&mut self, event: &Event) -> Result<bool, FeedError> {
        let Event::Market(market) = event else {
            return Ok(true);
        };
        let same = self.feed.next().transpose()?;
        Ok(same.is_some_and(|(_, same)| same == *market))
    }

    fn cut_off(&mut self) -> Result<Option<(Timestamp, Event)>, FeedError> {
        let next = self.feed.next().transpose()?;
        Ok(next.map(|(at, market)| (at, Event::Market(market))))
    }

    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.feed.span()
    }

    fn first(&self) -> Option<Timestamp> {
        self.next.as_ref().map(|(at, _)| *at)
    }

    fn pace(&mut self) -> Option<&mut Pace> {
        Some(&mut self.pace)
    }
}
