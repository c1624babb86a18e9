//! How old the data of each instrument is, and whether it can be trusted.
//!
//! Works on the stamps of events alone; it does not ask for data and does not stop trading.

use crate::domain::{InstrumentId, Timestamp};

/// Whether an instrument's data can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataState {
    /// Nothing has arrived.
    Waiting,
    /// Data is whole and young enough.
    Ok,
    /// Data is whole, but the newest is older than the limit.
    Stale,
    /// Something is missing and nobody has asked for it.
    Gap,
    /// Something is missing and a fresh start is under way.
    Resync,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wholeness {
    #[default]
    Whole,
    Gap,
    Resync,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    newest: Option<Timestamp>,
    wholeness: Wholeness,
    n_gaps: u64,
}

/// Data age and state of every instrument of a session.
#[derive(Debug, Clone)]
pub struct DataHealth {
    stale_after_ms: i64,
    entries: Vec<Entry>,
}

impl DataHealth {
    /// Health of `instruments` instruments; data older than `stale_after_ms` milliseconds is
    /// stale.
    #[must_use]
    pub fn new(instruments: usize, stale_after_ms: i64) -> Self {
        Self {
            stale_after_ms,
            entries: vec![Entry::default(); instruments],
        }
    }

    fn entry(&mut self, instrument: InstrumentId) -> &mut Entry {
        if self.entries.len() <= instrument.index() {
            self.entries
                .resize(instrument.index() + 1, Entry::default());
        }
        &mut self.entries[instrument.index()]
    }

    /// Data has arrived. An older stamp than before does not make the data older.
    pub fn seen(&mut self, instrument: InstrumentId, at: Timestamp) {
        let entry = self.entry(instrument);
        entry.newest = Some(entry.newest.map_or(at, |newest| newest.max(at)));
    }

    /// Something is missing: a hole in the bars, a lost or crossed book.
    pub fn gap(&mut self, instrument: InstrumentId) {
        let entry = self.entry(instrument);
        entry.wholeness = Wholeness::Gap;
        entry.n_gaps += 1;
    }

    /// A fresh start has been asked for.
    pub fn resync(&mut self, instrument: InstrumentId) {
        self.entry(instrument).wholeness = Wholeness::Resync;
    }

    /// Data is whole again.
    pub fn synced(&mut self, instrument: InstrumentId) {
        self.entry(instrument).wholeness = Wholeness::Whole;
    }

    /// Milliseconds since the newest data; `None` when there is none. Never negative.
    #[must_use]
    pub fn age_ms(&self, instrument: InstrumentId, now: Timestamp) -> Option<i64> {
        let newest = self.entries.get(instrument.index())?.newest?;
        Some(now.since(newest).max(0))
    }

    /// State at `now`. A hole weighs more than age: age heals by itself, a hole does not.
    #[must_use]
    pub fn state(&self, instrument: InstrumentId, now: Timestamp) -> DataState {
        let entry = self.entries.get(instrument.index()).copied();
        let age = self.age_ms(instrument, now);
        match (entry.unwrap_or_default().wholeness, age) {
            (Wholeness::Gap, _) => DataState::Gap,
            (Wholeness::Resync, _) => DataState::Resync,
            (Wholeness::Whole, None) => DataState::Waiting,
            (Wholeness::Whole, Some(age)) if self.stale_after_ms < age => DataState::Stale,
            (Wholeness::Whole, Some(_)) => DataState::Ok,
        }
    }

    /// Holes seen so far.
    #[must_use]
    pub fn n_gaps(&self, instrument: InstrumentId) -> u64 {
        self.entries.get(instrument.index()).map_or(0, |e| e.n_gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: InstrumentId = InstrumentId(1);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn age_decides_between_ok_and_stale() {
        let mut health = DataHealth::new(2, 100);
        assert_eq!(health.state(ID, at(0)), DataState::Waiting);
        assert_eq!(health.age_ms(ID, at(0)), None);
        health.seen(ID, at(1000));
        for (now, state) in [
            (1000, DataState::Ok),
            (1100, DataState::Ok),
            (1101, DataState::Stale),
        ] {
            assert_eq!(health.state(ID, at(now)), state, "at {now}");
        }
        health.seen(ID, at(900));
        assert_eq!(health.age_ms(ID, at(1050)), Some(50));
        assert_eq!(health.age_ms(ID, at(950)), Some(0));
        assert_eq!(health.state(InstrumentId(0), at(1050)), DataState::Waiting);
    }

    #[test]
    fn a_hole_stays_until_the_data_is_whole_again() {
        let mut health = DataHealth::new(2, 100);
        health.seen(ID, at(1000));
        health.gap(ID);
        health.seen(ID, at(1001));
        assert_eq!(health.state(ID, at(1001)), DataState::Gap);
        health.resync(ID);
        assert_eq!(health.state(ID, at(5000)), DataState::Resync);
        health.synced(ID);
        assert_eq!(health.state(ID, at(1001)), DataState::Ok);
        assert_eq!(health.state(ID, at(5000)), DataState::Stale);
        assert_eq!(health.n_gaps(ID), 1);
    }
}
