//! The gate: one intent in, an approval or a refusal out.
//!
//! Rules run in the order of S2-33: kill switch, drawdown, daily and weekly loss, data (a whole
//! picture of account and feed, no order of unknown outcome, a fresh price), position and exposure, minimum size; then price band, frequency and the venue's own grid. The first
//! rule that refuses names itself.

use std::collections::VecDeque;
use std::fmt;

use super::approved::Approved;
use super::breakers::{Breakers, PAUSED};
use super::limits::{LimitAction, Limits};
use crate::domain::{
    Category, ClientOrderId, Instrument, Intent, KillLevel, Money, Price, Purpose, Qty, Side,
    SignedQty, Timestamp,
};

/// Window of the frequency limit.
const MINUTE_MS: i64 = 60_000;

/// A rule of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The kill ladder.
    KillSwitch,
    /// Distance from the highest equity.
    Drawdown,
    /// Loss of the UTC day.
    DayLoss,
    /// Loss of the ISO week.
    WeekLoss,
    /// A pause that another rule of the gate has started.
    Paused,
    /// A reduce-only order that would add or flip.
    ReduceOnly,
    /// A short position on a spot market.
    SpotShort,
    /// The way to the venue, or our picture of the account, is not whole.
    NotReady,
    /// An order on the instrument whose outcome nobody knows.
    Unresolved,
    /// No price, or one that is too old.
    FreshPrice,
    /// Largest position.
    MaxPosition,
    /// Largest exposure of the account.
    MaxExposure,
    /// Smallest entry.
    MinTrade,
    /// Distance of the order's price from the reference.
    PriceBand,
    /// Orders in a minute.
    Frequency,
    /// The venue's own rules.
    VenueRule,
}

impl Rule {
    /// Name for people and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::KillSwitch => "kill switch",
            Rule::Drawdown => "drawdown",
            Rule::DayLoss => "day loss",
            Rule::WeekLoss => "week loss",
            Rule::Paused => "paused",
            Rule::ReduceOnly => "reduce-only",
            Rule::SpotShort => "spot short",
            Rule::NotReady => "not ready",
            Rule::Unresolved => "unresolved order",
            Rule::FreshPrice => "fresh price",
            Rule::MaxPosition => "max position",
            Rule::MaxExposure => "max exposure",
            Rule::MinTrade => "min trade",
            Rule::PriceBand => "price band",
            Rule::Frequency => "order frequency",
            Rule::VenueRule => "venue rule",
        }
    }

    fn of_breaker(name: &str) -> Self {
        match name {
            "drawdown" => Rule::Drawdown,
            "day loss" => Rule::DayLoss,
            "week loss" => Rule::WeekLoss,
            _ => Rule::Paused,
        }
    }

    /// What a refusal by this rule does beyond refusing.
    #[must_use]
    pub const fn action(self, limits: &Limits) -> LimitAction {
        match self {
            Rule::MaxPosition => limits.position_action,
            Rule::MaxExposure => limits.exposure_action,
            Rule::PriceBand => limits.band_action,
            Rule::Frequency => limits.frequency_action,
            _ => LimitAction::Block,
        }
    }
}

/// Why an order may not leave: the rule, the value found and the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Rule that refused.
    pub rule: Rule,
    /// Value found.
    pub value: String,
    /// Limit it broke.
    pub limit: String,
}

impl Refusal {
    /// Value and limit in words.
    #[must_use]
    pub fn detail(&self) -> String {
        let (value, limit) = (&self.value, &self.limit);
        if value == PAUSED {
            format!("{value} {limit}")
        } else {
            format!("{value} against {limit}")
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.detail())
    }
}

/// The numbers around one intent, at one moment.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// Session time.
    pub now: Timestamp,
    /// Instrument of the intent.
    pub instrument: &'a Instrument,
    /// Step of the kill ladder.
    pub level: KillLevel,
    /// Position held.
    pub position: SignedQty,
    /// Amounts of entries that could still fill, by side: in flight, working and unresolved.
    pub pending: (Qty, Qty),
    /// Amount of reduce-only closes that could still fill, sleeping protection not counted.
    pub closing: Qty,
    /// What is missing before anything may be opened: a fresh feed, an account that agrees with
    /// the venue's, a clock.
    pub lacks: Option<String>,
    /// An order on this instrument whose outcome nobody knows.
    pub unresolved: Option<ClientOrderId>,
    /// Price to value the order with, and when it was seen.
    pub reference: Option<(Price, Timestamp)>,
    /// Worst-case value of every other instrument.
    pub other_exposure: Money,
    /// Equity of the account.
    pub equity: Money,
}

/// Runs the rules and counts orders. Pure but for its own window of order times.
#[derive(Debug, Clone)]
pub struct Gate {
    limits: Limits,
    sent: VecDeque<Timestamp>,
}

type Checked = Result<(), Refusal>;

fn refuse(rule: Rule, value: impl fmt::Display, limit: impl fmt::Display) -> Checked {
    Err(Refusal {
        rule,
        value: value.to_string(),
        limit: limit.to_string(),
    })
}

impl Gate {
    /// A gate over `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let room = limits.max_orders_per_minute as usize + 1;
        Self {
            limits,
            sent: VecDeque::with_capacity(room),
        }
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Orders approved within the last minute.
    #[must_use]
    pub fn orders_last_minute(&self, now: Timestamp) -> usize {
        self.sent
            .iter()
            .filter(|at| now.since(**at) < MINUTE_MS)
            .count()
    }

    /// Approves an intent or says why not.
    ///
    /// # Errors
    ///
    /// The first rule that refuses, with the value and the limit.
    #[expect(
        clippy::result_large_err,
        reason = "the refused intent goes on into a record; refusals are rare"
    )]
    pub fn check(
        &mut self,
        intent: Intent,
        scene: &Scene<'_>,
        breakers: &Breakers,
    ) -> Result<Approved, (Refusal, Intent)> {
        let verdict = if intent.spec.reduce_only {
            Self::check_reducing(&intent, scene)
        } else {
            self.check_entry(&intent, scene, breakers)
        };
        match verdict {
            Ok(()) => {
                while self
                    .sent
                    .front()
                    .is_some_and(|at| scene.now.since(*at) >= MINUTE_MS)
                {
                    self.sent.pop_front();
                }
                self.sent.push_back(scene.now);
                Ok(Approved::stamp(intent))
            }
            Err(refusal) => Err((refusal, intent)),
        }
    }

    /// Orders that shrink a position: the ladder, the resulting position, the grid. Neither loss
    /// limits nor frequency nor band may hold back an exit.
    fn check_reducing(intent: &Intent, scene: &Scene<'_>) -> Checked {
        let spec = &intent.spec;
        let allowed = match scene.level {
            KillLevel::Active | KillLevel::ReduceOnly => true,
            KillLevel::Halted => spec.purpose == Purpose::StopLoss,
            KillLevel::Flatten => spec.purpose == Purpose::Flatten,
        };
        if !allowed {
            return refuse(Rule::KillSwitch, spec.purpose, scene.level);
        }
        let against = scene.position.side().is_some_and(|side| side != spec.side);
        if !against {
            return refuse(
                Rule::ReduceOnly,
                format!("{} {}", spec.side, spec.qty),
                format!("position {}", scene.position),
            );
        }
        let sleeps = matches!(spec.purpose, Purpose::StopLoss | Purpose::TakeProfit)
            && spec.kind.trigger().is_some();
        let closing = if sleeps { Qty::ZERO } else { scene.closing };
        if scene.position.abs() < spec.qty + closing {
            return refuse(
                Rule::ReduceOnly,
                format!("closes {} with {closing} on the way", spec.qty),
                format!("position {}", scene.position),
            );
        }
        Self::check_venue(intent, scene)
    }

    fn check_entry(&self, intent: &Intent, scene: &Scene<'_>, breakers: &Breakers) -> Checked {
        if scene.level != KillLevel::Active {
            return refuse(Rule::KillSwitch, intent.spec.purpose, scene.level);
        }
        if let Some((rule, value, limit)) = breakers.holding(scene.now, scene.equity) {
            return refuse(Rule::of_breaker(rule), value, limit);
        }
        if let Some(lacks) = &scene.lacks {
            return refuse(Rule::NotReady, lacks, "a whole picture");
        }
        if let Some(order) = scene.unresolved {
            return refuse(Rule::Unresolved, order, "a known outcome");
        }
        let reference = self.fresh_reference(scene)?;
        self.check_size(intent, scene, reference)?;
        self.check_band(intent, reference)?;
        let n_sent = self.orders_last_minute(scene.now);
        if self.limits.max_orders_per_minute as usize <= n_sent {
            return refuse(
                Rule::Frequency,
                format!("{n_sent} orders in 60 s"),
                self.limits.max_orders_per_minute,
            );
        }
        Self::check_venue(intent, scene)
    }

    fn fresh_reference(&self, scene: &Scene<'_>) -> Result<Price, Refusal> {
        let refusal = |value: String| Refusal {
            rule: Rule::FreshPrice,
            value,
            limit: format!("{} ms", self.limits.reference_max_age_ms),
        };
        let (price, at) = scene
            .reference
            .ok_or_else(|| refusal("no price".to_owned()))?;
        let age = scene.now.since(at);
        if age <= self.limits.reference_max_age_ms {
            Ok(price)
        } else {
            Err(refusal(format!("price is {age} ms old")))
        }
    }

    /// Position and exposure as they would be if everything that could fill did (I17).
    fn check_size(&self, intent: &Intent, scene: &Scene<'_>, reference: Price) -> Checked {
        let spec = &intent.spec;
        let (buys, sells) = scene.pending;
        let added = match spec.side {
            Side::Buy => (buys + spec.qty).signed(Side::Buy),
            Side::Sell => (sells + spec.qty).signed(Side::Sell),
        };
        // A close on its way may fill before or after this order: the larger result counts.
        let closed = match scene.position.side() {
            Some(side) => scene.position + scene.closing.signed(side.opposite()),
            None => scene.position,
        };
        let outcomes = [scene.position + added, closed + added];
        let worst = if outcomes[0].abs() < outcomes[1].abs() {
            outcomes[1]
        } else {
            outcomes[0]
        };
        if scene.instrument.category == Category::Spot
            && outcomes.iter().any(|o| o.side() == Some(Side::Sell))
        {
            return refuse(Rule::SpotShort, worst, 0);
        }
        let price = match (spec.side, spec.kind.limit_price()) {
            (Side::Buy, Some(limit)) => limit.max(reference),
            _ => reference,
        };
        let value = price * worst.abs();
        let max = self.limits.max_position_value();
        if max < value {
            return refuse(
                Rule::MaxPosition,
                format!("{value:.2}"),
                format!("{max:.2}"),
            );
        }
        let exposure = scene.other_exposure + value;
        let max = self.limits.max_exposure_value();
        if max < exposure {
            return refuse(
                Rule::MaxExposure,
                format!("{exposure:.2}"),
                format!("{max:.2}"),
            );
        }
        let order = price * spec.qty;
        if order < self.limits.min_trade {
            return refuse(
                Rule::MinTrade,
                format!("{order:.2}"),
                format!("{:.2}", self.limits.min_trade),
            );
        }
        Ok(())
    }

    fn check_band(&self, intent: &Intent, reference: Price) -> Checked {
        let Some(price) = intent.spec.kind.limit_price() else {
            return Ok(());
        };
        match price.distance(reference) {
            Some(distance) if distance.abs() <= self.limits.price_band => Ok(()),
            distance => refuse(
                Rule::PriceBand,
                distance.map_or_else(|| "unknown".to_owned(), |d| format!("{d:+.5}")),
                self.limits.price_band,
            ),
        }
    }

    fn check_venue(intent: &Intent, scene: &Scene<'_>) -> Checked {
        let reference = scene.reference.map_or(Price::ZERO, |(price, _)| price);
        match scene.instrument.check(&intent.spec, reference) {
            Ok(()) => Ok(()),
            Err(violation) => refuse(Rule::VenueRule, violation, scene.instrument.symbol.clone()),
        }
    }
}
