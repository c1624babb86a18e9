//! From a wanted exposure to orders: target minus held minus in flight.
//!
//! The planner only ever closes with reduce-only orders, and never closes more than is held, so
//! that nothing it plans can open by closing. Quantities are rounded down to the instrument's
//! step: rounding never makes a position larger than asked for.

use serde::{Deserialize, Serialize};

use crate::domain::{
    Exposure, Instrument, InstrumentId, Money, OrderKind, OrderSpec, Price, Purpose, Qty, Rate,
    Side, SignedQty, TimeInForce,
};

/// How entries are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryStyle {
    /// At market.
    Market,
    /// Resting, refused rather than taking (S0-21).
    PostOnly {
        /// Ticks away from the last price, on the passive side.
        offset_ticks: u32,
    },
    /// A limit that may take, up to this many ticks through the last price.
    Limit {
        /// Ticks through the last price.
        offset_ticks: u32,
    },
}

/// How a position is turned around (S0-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlipStyle {
    /// A reduce-only close and a separate entry.
    TwoOrders,
    /// One order for both. Where entries rest there are two all the same: an exit that rests may
    /// never happen, and would open too much once the stop has closed its half.
    Netted,
}

/// Settings of the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRules {
    /// How entries are sent.
    pub entry: EntryStyle,
    /// How a position is turned around.
    pub flip: FlipStyle,
    /// How long orders that are not post-only wait (S0-22).
    pub tif: TimeInForce,
    /// A position is left alone while it differs from its target by less than this part of it.
    pub dead_band: Rate,
    /// An entry that the balance does not cover is tried again smaller by this part (S3-19).
    pub shrink: Rate,
}

impl Default for PlanRules {
    fn default() -> Self {
        Self {
            entry: EntryStyle::Market,
            flip: FlipStyle::TwoOrders,
            tif: TimeInForce::Gtc,
            dead_band: Rate::from_bps(2_000),
            shrink: Rate::from_bps(1_000),
        }
    }
}

/// What the planner knows about one leg.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// Number of the instrument.
    pub id: InstrumentId,
    /// Its rules.
    pub instrument: &'a Instrument,
    /// What the strategy wants.
    pub target: Exposure,
    /// Value of an exposure of one.
    pub full_value: Money,
    /// Price to size with.
    pub price: Price,
    /// Position held.
    pub held: SignedQty,
    /// Entries that could still fill, by side.
    pub pending: (Qty, Qty),
    /// Closes that could still fill.
    pub closing: Qty,
}

/// Why a target leads to no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoOrder {
    /// The position is already as wanted.
    OnTarget,
    /// The difference is inside the dead band.
    DeadBand,
    /// The target or the difference is below the venue's smallest order (S0-24).
    BelowMinimum,
    /// What is in flight will get there.
    InFlight,
}

impl NoOrder {
    /// The reason in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            NoOrder::OnTarget => "on target",
            NoOrder::DeadBand => "inside the dead band",
            NoOrder::BelowMinimum => "below the venue's smallest order",
            NoOrder::InFlight => "already in flight",
        }
    }
}

/// One planned order with the letter that tells it apart within its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// `c` closes, `o` opens, `n` does both.
    pub role: char,
    /// The order.
    pub spec: OrderSpec,
}

/// Orders of one decision, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Nothing to do.
    Nothing(NoOrder),
    /// Orders in the order they are to be sent.
    Orders(Vec<Planned>),
}

/// Signed size of a target: rounded down, and zero when it is below the venue's smallest order.
#[must_use]
pub fn target_size(input: &PlanInput<'_>, rules: &PlanRules) -> SignedQty {
    let Some(side) = input.target.side() else {
        return SignedQty::ZERO;
    };
    let value = input.full_value * input.target.rate().abs();
    let instrument = input.instrument;
    // A buying limit through the price is sized at its own price, or it could cost more than asked.
    let limit = entry_kind(input, rules.entry, side)
        .limit_price()
        .unwrap_or(input.price);
    let price = if side == Side::Buy {
        limit.max(input.price)
    } else {
        input.price
    };
    match value
        .quantity_at(price)
        .map(|qty| qty.floor_to(instrument.qty_step))
    {
        Some(qty) if is_orderable(instrument, qty, input.price) => qty.signed(side),
        _ => SignedQty::ZERO,
    }
}

fn is_orderable(instrument: &Instrument, qty: Qty, price: Price) -> bool {
    instrument.min_qty <= qty && instrument.min_notional <= price * qty
}

/// Plans the orders that lead from what is held and in flight to the target.
#[must_use]
pub fn plan(input: &PlanInput<'_>, rules: &PlanRules) -> Plan {
    let target = target_size(input, rules);
    if input.target.side().is_some() && target.is_zero() && input.held.is_zero() {
        return Plan::Nothing(NoOrder::BelowMinimum);
    }
    let held_side = input.held.side();
    let open = input.held.abs().saturating_sub(input.closing);
    match (held_side, target.side()) {
        (None, None) => Plan::Nothing(NoOrder::OnTarget),
        (None, Some(side)) => grow(input, rules, side, Qty::ZERO, target.abs()),
        (Some(_), None) => close(input, rules, open),
        (Some(held), Some(side)) if held == side => {
            if input.held.abs() <= target.abs() {
                // A close on its way may still fail: until it fills, what is held is held.
                grow(input, rules, side, input.held.abs(), target.abs())
            } else {
                shrink(input, rules, open, target.abs())
            }
        }
        (Some(_), Some(side)) => flip(input, rules, side, open, target.abs()),
    }
}

/// The order that closes whatever no order closes already; `None` when there is no such part.
#[must_use]
pub(super) fn exit_of(input: &PlanInput<'_>, rules: &PlanRules) -> Option<Planned> {
    let open = input.held.abs().saturating_sub(input.closing);
    if open.is_zero() {
        return None;
    }
    close_spec(input, rules, open).map(|spec| Planned { role: 'c', spec })
}

/// Whether entries that are on their way on `side` lead to the target, and by no more than the
/// dead band beyond it.
#[must_use]
pub(super) fn leads_to_target(input: &PlanInput<'_>, rules: &PlanRules, side: Side) -> bool {
    let target = target_size(input, rules);
    if target.side() != Some(side) {
        return false;
    }
    let pending = match side {
        Side::Buy => input.pending.0,
        Side::Sell => input.pending.1,
    };
    let end = input.held + pending.signed(side);
    let most = target.abs() + target.abs().scaled(rules.dead_band);
    end.side() != Some(side) || end.abs() <= most
}

/// Prices strictly between which the plan for this position and target stays empty; `None` when
/// that cannot be said: with orders on their way, entries through the price, or near the venue's
/// smallest order.
///
/// With `H` held, a full value `V`, a dead band `b` and a step `s` the target at price `p` lies in
/// `(V/p - s, V/p]`. It stays within the band while `p > V(1-b)/H` and `p <= V/(H/(1+b) + s)`.
#[must_use]
pub(super) fn calm_band(input: &PlanInput<'_>, rules: &PlanRules) -> Option<(Price, Price)> {
    let (buys, sells) = input.pending;
    let is_quiet = buys.is_zero() && sells.is_zero() && input.closing.is_zero();
    if !is_quiet || matches!(rules.entry, EntryStyle::Limit { .. }) {
        return None;
    }
    let held = input.held.side();
    if held != input.target.side() {
        return None;
    }
    if held.is_none() {
        return Some((Price::ZERO, Price::from_raw(i128::MAX)?));
    }
    // A hundredth less than the band pays for every truncation below.
    let band = i128::from(rules.dead_band.raw()) * 99 / 100;
    let one = i128::from(Rate::ONE.raw());
    let value = input.full_value * input.target.rate().abs();
    let rules = input.instrument;
    let qty = input.held.abs();
    let least = Qty::from_raw(qty.raw().checked_mul(one)? / (one + band))?;
    let low = Rate::from_raw(i64::try_from((one - band).max(0)).ok()?);
    let low = (value * low).price_of(qty)?;
    let high = value.price_of(least + rules.qty_step)?;
    let smallest = value - high * rules.qty_step;
    (rules.min_qty <= least && rules.min_notional <= smallest).then_some((low, high))
}

/// Adds to a position (or opens one) up to `wanted`.
fn grow(input: &PlanInput<'_>, rules: &PlanRules, side: Side, open: Qty, wanted: Qty) -> Plan {
    let pending = match side {
        Side::Buy => input.pending.0,
        Side::Sell => input.pending.1,
    };
    let missing = wanted.saturating_sub(open + pending);
    if missing.is_zero() {
        let reason = if pending.is_zero() {
            NoOrder::OnTarget
        } else {
            NoOrder::InFlight
        };
        return Plan::Nothing(reason);
    }
    if !open.is_zero() && missing < wanted.scaled(rules.dead_band) {
        return Plan::Nothing(NoOrder::DeadBand);
    }
    if !is_orderable(input.instrument, missing, input.price) {
        return Plan::Nothing(NoOrder::BelowMinimum);
    }
    Plan::Orders(vec![Planned {
        role: 'o',
        spec: entry_spec(input, rules, side, missing),
    }])
}

/// Takes from a position down to `wanted`.
fn shrink(input: &PlanInput<'_>, rules: &PlanRules, open: Qty, wanted: Qty) -> Plan {
    let surplus = open
        .saturating_sub(wanted)
        .floor_to(input.instrument.qty_step);
    if surplus.is_zero() {
        return Plan::Nothing(NoOrder::InFlight);
    }
    if surplus < wanted.scaled(rules.dead_band) {
        return Plan::Nothing(NoOrder::DeadBand);
    }
    if surplus < input.instrument.min_qty {
        return Plan::Nothing(NoOrder::BelowMinimum);
    }
    match close_spec(input, rules, surplus) {
        Some(spec) => Plan::Orders(vec![Planned { role: 'c', spec }]),
        None => Plan::Nothing(NoOrder::OnTarget),
    }
}

/// Closes everything that no order closes already.
fn close(input: &PlanInput<'_>, rules: &PlanRules, open: Qty) -> Plan {
    if open.is_zero() {
        return Plan::Nothing(NoOrder::InFlight);
    }
    match close_spec(input, rules, open) {
        Some(spec) => Plan::Orders(vec![Planned { role: 'c', spec }]),
        None => Plan::Nothing(NoOrder::OnTarget),
    }
}

/// Turns a position around.
fn flip(input: &PlanInput<'_>, rules: &PlanRules, side: Side, open: Qty, wanted: Qty) -> Plan {
    let pending = match side {
        Side::Buy => input.pending.0,
        Side::Sell => input.pending.1,
    };
    let mut orders = Vec::with_capacity(2);
    let rests = matches!(rules.entry, EntryStyle::PostOnly { .. });
    if rules.flip == FlipStyle::Netted && !rests && !open.is_zero() {
        // What is on the way closes first: only the rest of both halves is still to be sent.
        let missing = (open + wanted).saturating_sub(pending);
        if is_orderable(input.instrument, missing, input.price) {
            let spec = entry_spec(input, rules, side, missing);
            orders.push(Planned { role: 'n', spec });
        }
    } else {
        orders.extend(exit_of(input, rules));
        let missing = wanted.saturating_sub(pending);
        if is_orderable(input.instrument, missing, input.price) {
            let spec = entry_spec(input, rules, side, missing);
            orders.push(Planned { role: 'o', spec });
        }
    }
    if orders.is_empty() {
        Plan::Nothing(NoOrder::InFlight)
    } else {
        Plan::Orders(orders)
    }
}

fn entry_spec(input: &PlanInput<'_>, rules: &PlanRules, side: Side, qty: Qty) -> OrderSpec {
    let kind = entry_kind(input, rules.entry, side);
    let tif = match rules.entry {
        EntryStyle::PostOnly { .. } => TimeInForce::Gtc,
        EntryStyle::Market | EntryStyle::Limit { .. } => rules.tif,
    };
    let rules = input.instrument;
    let most = match kind {
        OrderKind::Limit { .. } => rules.max_qty,
        _ => rules.max_market_qty,
    };
    OrderSpec {
        instrument: input.id,
        side,
        qty: qty.min(most.floor_to(rules.qty_step)),
        kind,
        tif,
        reduce_only: false,
        purpose: Purpose::Entry,
    }
}

fn entry_kind(input: &PlanInput<'_>, style: EntryStyle, side: Side) -> OrderKind {
    let tick = input.instrument.tick;
    let away = |n: u32, down: bool| {
        let base = if down {
            input.price.floor_to(tick)
        } else {
            input.price.ceil_to(tick)
        };
        let step = i128::from(n) * tick.raw();
        let raw = if down {
            base.raw() - step
        } else {
            base.raw() + step
        };
        Price::from_raw(raw.max(tick.raw())).unwrap_or(tick)
    };
    match style {
        EntryStyle::Market => OrderKind::Market,
        EntryStyle::PostOnly { offset_ticks } => OrderKind::Limit {
            price: away(offset_ticks, side == Side::Buy),
            post_only: true,
        },
        EntryStyle::Limit { offset_ticks } => OrderKind::Limit {
            price: away(offset_ticks, side == Side::Sell),
            post_only: false,
        },
    }
}

/// A reduce-only market order against the position; `None` when nothing is held.
fn close_spec(input: &PlanInput<'_>, rules: &PlanRules, qty: Qty) -> Option<OrderSpec> {
    // A fill-or-kill close could leave the whole position standing; an exit takes what it gets.
    let tif = if rules.tif == TimeInForce::Fok {
        TimeInForce::Gtc
    } else {
        rules.tif
    };
    input.held.side().map(|side| OrderSpec {
        instrument: input.id,
        side: side.opposite(),
        qty: qty
            .min(input.held.abs())
            .min(largest_close(input.instrument)),
        kind: OrderKind::Market,
        tif,
        reduce_only: true,
        purpose: Purpose::Exit,
    })
}

/// Largest market order on the grid: what is more is closed in several.
pub(super) fn largest_close(instrument: &Instrument) -> Qty {
    instrument.max_market_qty.floor_to(instrument.qty_step)
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
