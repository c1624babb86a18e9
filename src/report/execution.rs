//! How orders fared: by type, and how long they took.

use std::collections::BTreeMap;

use super::model::{Count, LatencySection, OrderKindRow, Percentiles};
use crate::account::{Incident, Order, OrderState, Orders, slippage};
use crate::domain::{AccountEvent, Fill, Intent, LegId, Liquidity, Money, OrderKind, Timestamp};

/// Counts by text, bounded: texts that differ without end become one row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    const MAX: usize = 64;

    pub(super) fn add(&mut self, what: &str) {
        let full = self.0.len() >= Self::MAX && !self.0.contains_key(what);
        let what = if full { "others" } else { what };
        match self.0.get_mut(what) {
            Some(n) => *n += 1,
            None => {
                self.0.insert(what.to_owned(), 1);
            }
        }
    }

    pub(super) fn rows(&self) -> Vec<Count> {
        let row = |(what, n): (&String, &u64)| Count {
            what: what.clone(),
            n: *n,
        };
        self.0.iter().map(row).collect()
    }
}

#[derive(Debug, Clone, Default)]
struct KindTally {
    n_sent: u64,
    n_filled: u64,
    n_cancelled: u64,
    n_rejected: u64,
    n_not_sent: u64,
    /// Sum over orders of the filled part of each.
    filled_parts: f64,
    slippage: Money,
    expected: Money,
    fees: Money,
    n_fills: u64,
    n_maker: u64,
}

/// Folds orders and fills into figures by order type.
#[derive(Debug, Default)]
pub(super) struct Execution {
    orders: Orders,
    kinds: BTreeMap<&'static str, KindTally>,
    to_ack: Durations,
    to_fill: Durations,
    pub(super) incidents: Tally,
}

/// Row for fills of orders whose type is not known any more.
const UNKNOWN: &str = "unknown";

impl Execution {
    pub(super) fn sent(&mut self, intent: &Intent, at: Timestamp) {
        if self.orders.sent(intent, at).is_ok() {
            self.kind(intent.spec.kind.name()).n_sent += 1;
        } else {
            self.incidents.add("order name used twice");
        }
    }

    fn kind(&mut self, name: &'static str) -> &mut KindTally {
        self.kinds.entry(name).or_default()
    }

    /// Leg of the order behind a fill.
    pub(super) fn leg(&self, fill: &Fill) -> Option<LegId> {
        self.orders.get(&fill.order).map(|o| o.intent.leg)
    }

    /// Folds one event; `fill_is_new` is the ledger's word on a fill.
    pub(super) fn apply(&mut self, event: &AccountEvent, at: Timestamp, fill_is_new: bool) {
        let Some(id) = order_of(event) else { return };
        let before = self.orders.get(&id).map(Progress::of);
        let outcome = self.orders.apply(event, at);
        let after = self.orders.get(&id).map(Progress::of);
        if let Some(incident) = &outcome.incident
            && (fill_is_new || !matches!(event, AccountEvent::Fill(_)))
        {
            self.incidents.add(incident_name(incident));
        }
        if let (Some(before), Some(after)) = (before, after) {
            self.progress(&before, &after, at);
        }
        if outcome.ended
            && let Some(order) = self.orders.get(&id)
        {
            let (name, state) = (order.intent.spec.kind.name(), order.state());
            let tally = self.kind(name);
            match state {
                OrderState::Cancelled => tally.n_cancelled += 1,
                OrderState::Rejected(_) => tally.n_rejected += 1,
                OrderState::NotSent(_) | OrderState::NeverAccepted => tally.n_not_sent += 1,
                _ => {}
            }
        }
        if let AccountEvent::Fill(fill) = event
            && fill_is_new
        {
            let order = self.orders.get(&id);
            let name = order.map_or(UNKNOWN, |o| o.intent.spec.kind.name());
            self.kind(name).add_fill(fill);
        }
    }

    fn progress(&mut self, before: &Progress, after: &Progress, at: Timestamp) {
        if !before.acked && after.acked {
            self.to_ack.add(at.since(after.decided_at));
        }
        if before.n_fills == 0 && after.n_fills == 1 && after.kind == OrderKind::Market {
            self.to_fill.add(at.since(after.decided_at));
        }
        let tally = self.kind(after.kind.name());
        tally.filled_parts += after.part - before.part;
        if !before.whole && after.whole {
            tally.n_filled += 1;
        }
    }

    pub(super) fn rows(&self) -> Vec<OrderKindRow> {
        self.kinds.iter().map(|(kind, t)| t.row(kind)).collect()
    }

    pub(super) fn latency(self) -> LatencySection {
        LatencySection {
            to_ack: self.to_ack.percentiles(),
            to_fill: self.to_fill.percentiles(),
        }
    }
}

/// How far one order is.
struct Progress {
    kind: OrderKind,
    decided_at: Timestamp,
    acked: bool,
    n_fills: usize,
    part: f64,
    whole: bool,
}

impl Progress {
    fn of(order: &Order) -> Self {
        let spec = &order.intent.spec;
        Self {
            kind: spec.kind,
            decided_at: order.intent.decided_at,
            acked: order.accepted_at.is_some(),
            n_fills: order.n_fills(),
            part: order.filled().to_f64() / spec.qty.to_f64().max(f64::MIN_POSITIVE),
            whole: order.filled() == spec.qty,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of orders stay far below 2^53"
)]
impl KindTally {
    fn add_fill(&mut self, fill: &Fill) {
        self.n_fills += 1;
        self.n_maker += u64::from(fill.liquidity == Liquidity::Maker);
        self.fees += fill.fee;
        self.slippage += slippage(fill, fill.qty);
        self.expected += fill.expected * fill.qty;
    }

    fn row(&self, kind: &str) -> OrderKindRow {
        let ratio = |part: f64, n: u64| (n > 0).then(|| part / n as f64);
        OrderKindRow {
            kind: kind.to_owned(),
            n_sent: self.n_sent,
            n_filled: self.n_filled,
            n_cancelled: self.n_cancelled,
            n_rejected: self.n_rejected,
            n_not_sent: self.n_not_sent,
            fill_rate: ratio(self.filled_parts, self.n_sent),
            slippage: self.slippage,
            slippage_bps: (!self.expected.is_zero())
                .then(|| self.slippage.to_f64() / self.expected.to_f64() * 1e4),
            fees: self.fees,
            maker_rate: ratio(self.n_maker as f64, self.n_fills),
        }
    }
}

fn order_of(event: &AccountEvent) -> Option<crate::domain::ClientOrderId> {
    match event {
        AccountEvent::Accepted { order }
        | AccountEvent::Rejected { order, .. }
        | AccountEvent::NotSent { order, .. }
        | AccountEvent::Unknown { order, .. }
        | AccountEvent::Triggered { order }
        | AccountEvent::Cancelled { order }
        | AccountEvent::CancelRejected { order }
        | AccountEvent::NeverAccepted { order } => Some(*order),
        AccountEvent::Fill(fill) => Some(fill.order),
        AccountEvent::Funding { .. } | AccountEvent::Report(_) => None,
    }
}

const fn incident_name(incident: &Incident) -> &'static str {
    match incident {
        Incident::UnknownOrder => "event about an order never sent",
        Incident::FillAfterEnd { .. } => "fill after the order had ended",
        Incident::SightedAfterEnd { .. } => "order sighted that never arrived",
        Incident::Overfilled { .. } => "more filled than asked for",
    }
}

/// Durations in milliseconds with how often each occurred: memory grows with the number of
/// different ones, not of orders.
#[derive(Debug, Clone, Default)]
struct Durations(BTreeMap<i64, usize>);

impl Durations {
    fn add(&mut self, value_ms: i64) {
        *self.0.entry(value_ms).or_default() += 1;
    }

    /// Nearest-rank percentiles: the value at place `ceil(p * n / 100)` of the sorted ones.
    fn percentiles(&self) -> Option<Percentiles> {
        let (max, _) = self.0.last_key_value()?;
        let n: usize = self.0.values().sum();
        let at = |p: usize| {
            let place = (p * n).div_ceil(100).max(1);
            let mut n_up_to = 0;
            let found = self.0.iter().find(|(_, n)| {
                n_up_to += *n;
                place <= n_up_to
            });
            found.map_or(*max, |(value, _)| *value)
        };
        Some(Percentiles {
            n,
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: *max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let percentiles = |values: &mut dyn Iterator<Item = i64>| {
            let mut durations = Durations::default();
            values.for_each(|value| durations.add(value));
            durations.percentiles()
        };
        assert_eq!(percentiles(&mut std::iter::empty()), None);
        let one = percentiles(&mut std::iter::once(7)).unwrap();
        assert_eq!((one.p50, one.p95, one.p99, one.max), (7, 7, 7, 7));
        let hundred = percentiles(&mut (1..=100).rev()).unwrap();
        assert_eq!((hundred.p50, hundred.p95, hundred.p99), (50, 95, 99));
        let three = percentiles(&mut [30, 10, 20].into_iter()).unwrap();
        assert_eq!((three.p50, three.p95, three.max), (20, 30, 30));
    }

    #[test]
    fn a_tally_does_not_grow_without_end() {
        let mut tally = Tally::default();
        for n in 0..1000 {
            tally.add(&format!("reason {n}"));
            tally.add("reason 1");
        }
        let rows = tally.rows();
        assert_eq!(rows.len(), Tally::MAX + 1);
        assert_eq!(rows.iter().map(|r| r.n).sum::<u64>(), 2000);
        assert_eq!(rows.iter().find(|r| r.what == "reason 1").unwrap().n, 1001);
    }
}
