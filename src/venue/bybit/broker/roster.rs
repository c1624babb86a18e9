//! The orders that we sent: which names are ours, and what was meant by them.
//!
//! It is told of every order before the order is sent, and by the session of those from before
//! its start. Names are kept for ever, what was meant for the newest orders only. It decides
//! nothing and forgets nothing about money.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{ClientOrderId, InstrumentId, OrderSpec, Price, Side, UsedNames};
use crate::venue::broker::KnownOrder;

/// Orders whose contents are kept.
const KEPT: usize = 20_000;
/// How names that this program makes up begin.
const PREFIX: &str = "tt-";

/// Orders of one account, shared by what sends and what listens.
#[derive(Default)]
pub struct Roster {
    /// Held for a few lines at a time and never while waiting.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    names: UsedNames,
    orders: BTreeMap<ClientOrderId, Entry>,
    /// Oldest first; the keys of `orders`.
    age: VecDeque<ClientOrderId>,
    /// Our names by those of the venue.
    by_venue: BTreeMap<String, ClientOrderId>,
    /// What was told once and is no news any more.
    told: UsedNames,
}

struct Entry {
    spec: OrderSpec,
    expected: Option<Price>,
    venue_id: Option<String>,
    has_triggered: bool,
    has_ended: bool,
}

impl Roster {
    /// Takes note of an order; what is known already stays.
    pub fn remember(&self, order: KnownOrder) {
        let mut inner = self.inner();
        inner.names.insert(order.id.as_str());
        if let Some(known) = inner.orders.get_mut(&order.id) {
            known.expected = known.expected.or(order.expected);
            return;
        }
        let entry = Entry {
            spec: order.spec,
            expected: order.expected,
            venue_id: None,
            has_triggered: false,
            has_ended: false,
        };
        inner.orders.insert(order.id, entry);
        inner.age.push_back(order.id);
        if KEPT < inner.age.len()
            && let Some(oldest) = inner.age.pop_front()
            && let Some(entry) = inner.orders.remove(&oldest)
            && let Some(venue_id) = entry.venue_id
        {
            inner.by_venue.remove(&venue_id);
        }
    }

    /// Notes the venue's name of an order.
    pub(super) fn met(&self, id: &ClientOrderId, venue_id: &str) {
        let mut inner = self.inner();
        if venue_id.is_empty() {
            return;
        }
        if let Some(entry) = inner.orders.get_mut(id) {
            entry.venue_id.get_or_insert_with(|| venue_id.to_owned());
            inner.by_venue.insert(venue_id.to_owned(), *id);
        }
    }

    /// Our name of an order, by what the venue calls it; `None` when it is not ours.
    pub(super) fn name_of(
        &self,
        link: Option<&str>,
        venue_id: Option<&str>,
    ) -> Option<ClientOrderId> {
        let inner = self.inner();
        match link {
            Some(link) => link.parse().ok().filter(|_| inner.names.contains(link)),
            None => inner.by_venue.get(venue_id?).copied(),
        }
    }

    /// The name of an open order as a report should give it: ours, or one that this program has
    /// made up in another life. Whoever compares the report knows which.
    pub(super) fn reported_name(
        &self,
        link: Option<&str>,
        venue_id: &str,
    ) -> Option<ClientOrderId> {
        let made_up = link.filter(|link| link.starts_with(PREFIX));
        self.name_of(link, Some(venue_id))
            .or_else(|| made_up?.parse().ok())
    }

    pub(super) fn expected(&self, id: &ClientOrderId) -> Option<Price> {
        self.inner().orders.get(id)?.expected
    }

    pub(super) fn spec(&self, id: &ClientOrderId) -> Option<OrderSpec> {
        self.inner().orders.get(id).map(|entry| entry.spec.clone())
    }

    pub(super) fn venue_id(&self, id: &ClientOrderId) -> Option<String> {
        self.inner().orders.get(id)?.venue_id.clone()
    }

    pub(super) fn triggered(&self, id: &ClientOrderId) {
        if let Some(entry) = self.inner().orders.get_mut(id) {
            entry.has_triggered = true;
        }
    }

    pub(super) fn ended(&self, id: &ClientOrderId) {
        if let Some(entry) = self.inner().orders.get_mut(id) {
            entry.has_ended = true;
        }
    }

    /// Whether an order is a conditional one that still sleeps, as far as is known; `None` for
    /// one whose contents are not known.
    pub(super) fn sleeps(&self, id: &ClientOrderId) -> Option<bool> {
        let inner = self.inner();
        let entry = inner.orders.get(id)?;
        Some(entry.spec.kind.trigger().is_some() && !entry.has_triggered)
    }

    /// The newest of our orders on that side that may only reduce and is not over: what the
    /// venue makes out of one of ours is told under its name (F24).
    pub(super) fn parent(&self, instrument: InstrumentId, side: Side) -> Option<ClientOrderId> {
        let inner = self.inner();
        inner.age.iter().rev().copied().find(|id| {
            inner.orders.get(id).is_some_and(|entry| {
                let spec = &entry.spec;
                spec.reduce_only
                    && !entry.has_ended
                    && spec.instrument == instrument
                    && spec.side == side
            })
        })
    }

    /// Whether something of that name is told for the first time.
    pub(super) fn is_news(&self, name: &str) -> bool {
        self.inner().told.insert(name)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_orders = self.inner().orders.len();
        f.debug_struct("Roster")
            .field("n_orders", &n_orders)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::bybit::broker::samples;

    fn id(n: usize) -> ClientOrderId {
        format!("o-{n}").parse().unwrap()
    }

    fn known(n: usize, kind: &str) -> KnownOrder {
        KnownOrder {
            id: id(n),
            spec: samples::spec(kind),
            expected: None,
        }
    }

    #[test]
    fn names_outlive_contents() {
        let roster = Roster::default();
        for n in 0..=KEPT {
            roster.remember(known(n, "limit"));
            roster.met(&id(n), &format!("v{n}"));
        }
        assert_eq!(roster.spec(&id(0)), None);
        assert_eq!(roster.name_of(Some("o-0"), None), Some(id(0)));
        assert_eq!(roster.name_of(None, Some("v0")), None);
        assert_eq!(roster.name_of(None, Some("v1")), Some(id(1)));
        assert!(roster.spec(&id(1)).is_some());
        // A name of another program is not ours, whatever the venue calls the order.
        assert_eq!(roster.name_of(Some("other"), Some("v1")), None);
        assert_eq!(roster.name_of(Some("not a name"), None), None);
    }

    #[test]
    fn a_report_names_what_another_life_of_this_program_sent() {
        let roster = Roster::default();
        roster.remember(known(1, "limit"));
        let name = |link| roster.reported_name(link, "v").map(|id| id.to_string());
        assert_eq!(name(Some("o-1")), Some("o-1".to_owned()));
        assert_eq!(name(Some("tt-x-y")), Some("tt-x-y".to_owned()));
        assert_eq!(name(Some("web-1")), None);
        assert_eq!(name(None), None);
    }

    #[test]
    fn the_parent_is_the_newest_that_is_not_over() {
        let roster = Roster::default();
        let spec = samples::spec("stop");
        let parent = || roster.parent(spec.instrument, spec.side);
        assert_eq!(parent(), None);
        roster.remember(known(1, "stop"));
        roster.remember(known(2, "stop"));
        roster.remember(known(3, "limit"));
        assert_eq!(parent(), Some(id(2)));
        roster.ended(&id(2));
        assert_eq!(parent(), Some(id(1)));
        assert_eq!(roster.parent(spec.instrument, spec.side.opposite()), None);
    }

    #[test]
    fn what_sleeps_wakes_once() {
        let roster = Roster::default();
        roster.remember(known(1, "stop"));
        roster.remember(known(2, "limit"));
        assert_eq!(roster.sleeps(&id(1)), Some(true));
        roster.triggered(&id(1));
        assert_eq!(roster.sleeps(&id(1)), Some(false));
        assert_eq!(roster.sleeps(&id(2)), Some(false));
        assert_eq!(roster.sleeps(&id(3)), None);
        assert!(roster.is_news("a") && !roster.is_news("a"));
    }
}
