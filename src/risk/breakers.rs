//! Limits on losses: they watch equity and pause entries, block them, or kill.

use serde::{Deserialize, Serialize};

use super::limits::{LimitAction, Limits};
use crate::domain::{Money, Rate, Timestamp};

/// Value of a refusal by a pause; its limit says until when.
pub(super) const PAUSED: &str = "paused";

/// A pause of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Limit that started it.
    pub rule: &'static str,
    /// When entries are allowed again.
    pub until: Timestamp,
}

/// A limit that has just been broken, with both numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Name of the limit.
    pub rule: &'static str,
    /// What it does.
    pub action: LimitAction,
    /// End of the pause, where it pauses.
    pub until: Option<Timestamp>,
    /// Loss found.
    pub value: Money,
    /// Loss allowed.
    pub limit: Money,
}

/// Watches day loss, week loss and drawdown.
///
/// Thresholds are kept as amounts of equity, so that watching costs three comparisons; they are
/// computed anew only when a day, a week or the peak changes.
#[derive(Debug, Clone)]
pub struct Breakers {
    limits: Limits,
    day_floor: Option<Money>,
    week_floor: Option<Money>,
    drawdown_floor: Option<Money>,
    day_start: Money,
    week_start: Money,
    peak: Money,
    pauses: Vec<Pause>,
    killed: Killed,
}

/// Kills that have fired and may not fire again yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Killed {
    drawdown: bool,
    day: bool,
    week: bool,
}

impl Breakers {
    /// Breakers over `limits`, before the first equity is known.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            day_floor: None,
            week_floor: None,
            drawdown_floor: None,
            day_start: Money::ZERO,
            week_start: Money::ZERO,
            peak: Money::ZERO,
            pauses: Vec::new(),
            killed: Killed::default(),
        }
    }

    /// Takes over the equity at which the UTC day began.
    pub fn start_day(&mut self, equity: Money) {
        self.day_start = equity;
        self.day_floor = Some(equity - self.limits.day_loss_value());
        self.killed.day = false;
    }

    /// Takes over the equity at which the ISO week began.
    pub fn start_week(&mut self, equity: Money) {
        self.week_start = equity;
        self.week_floor = Some(equity - self.limits.week_loss_value());
        self.killed.week = false;
    }

    /// Takes over the equity where it is the highest since the start, or since the last
    /// [`Breakers::rearm`].
    #[inline]
    pub fn raise_peak(&mut self, equity: Money) {
        if self.peak < equity {
            self.set_peak(equity);
        }
    }

    /// Measures the drawdown from this equity on.
    pub fn set_peak(&mut self, peak: Money) {
        self.peak = peak;
        self.drawdown_floor = Some(peak - peak * self.limits.max_drawdown);
    }

    /// Looks at the equity; returns the limits that break now and did not before.
    ///
    /// A pause that runs is not started again, and a kill fires once: for the drawdown until it is
    /// re-armed, for a loss until its day or week is over.
    #[inline]
    pub fn watch(&mut self, now: Timestamp, equity: Money) -> Vec<Breach> {
        let below = |floor: Option<Money>| floor.is_some_and(|floor| equity <= floor);
        if below(self.day_floor) || below(self.week_floor) || below(self.drawdown_floor) {
            self.breaches(now, equity)
        } else {
            Vec::new()
        }
    }

    fn breaches(&mut self, now: Timestamp, equity: Money) -> Vec<Breach> {
        let mut found = Vec::new();
        let checks = [
            (
                "drawdown",
                self.drawdown_floor,
                self.peak,
                self.limits.drawdown_action,
                self.limits.week_pause_ms,
            ),
            (
                "day loss",
                self.day_floor,
                self.day_start,
                self.limits.day_action,
                self.limits.day_pause_ms,
            ),
            (
                "week loss",
                self.week_floor,
                self.week_start,
                self.limits.week_action,
                self.limits.week_pause_ms,
            ),
        ];
        for (rule, floor, from, action, pause_ms) in checks {
            let Some(floor) = floor.filter(|floor| equity <= *floor) else {
                continue;
            };
            let breach = |until| Breach {
                rule,
                action,
                until,
                value: from - equity,
                limit: from - floor,
            };
            match action {
                LimitAction::Block => {}
                LimitAction::Pause => {
                    if !self.pauses.iter().any(|p| p.rule == rule && now < p.until) {
                        let until = now.plus_millis(pause_ms);
                        self.pauses.retain(|p| p.rule != rule);
                        self.pauses.push(Pause { rule, until });
                        found.push(breach(Some(until)));
                    }
                }
                LimitAction::Kill => {
                    let killed = match rule {
                        "drawdown" => &mut self.killed.drawdown,
                        "day loss" => &mut self.killed.day,
                        _ => &mut self.killed.week,
                    };
                    if !std::mem::replace(killed, true) {
                        found.push(breach(None));
                    }
                }
            }
        }
        found
    }

    /// Lets a drawdown kill fire again, after an operator has resumed: it is measured from the
    /// equity of that moment on, or the next bar would kill again. A kill by the loss of a day or
    /// week fires once in its day or week, and entries stay refused until that is over (I26).
    pub fn rearm(&mut self, equity: Money) {
        if self.killed.drawdown {
            self.killed.drawdown = false;
            self.set_peak(equity);
        }
    }

    /// First reason why entries are held back now: the rule, and what it says. Drawdown, day,
    /// week (S2-33), each with its pause or its standing loss, then pauses by rules of the gate.
    #[must_use]
    pub fn holding(&self, now: Timestamp, equity: Money) -> Option<(&'static str, String, String)> {
        let limits = &self.limits;
        let paused = |p: &Pause| (p.rule, PAUSED.to_owned(), format!("until {}", p.until));
        let floors = [
            (
                "drawdown",
                limits.drawdown_action,
                self.drawdown_floor,
                self.peak,
            ),
            (
                "day loss",
                limits.day_action,
                self.day_floor,
                self.day_start,
            ),
            (
                "week loss",
                limits.week_action,
                self.week_floor,
                self.week_start,
            ),
        ];
        for (rule, action, floor, from) in floors {
            if let Some(pause) = self.pauses(now).find(|p| p.rule == rule) {
                return Some(paused(pause));
            }
            if let Some(floor) = floor
                && action != LimitAction::Pause
                && equity <= floor
            {
                let (value, limit) = (from - equity, from - floor);
                return Some((rule, format!("{value:.2}"), format!("{limit:.2}")));
            }
        }
        // A pause by a rule of the gate.
        self.pauses(now).next().map(paused)
    }

    /// Pauses entries because of a rule of the gate; returns whether the pause is new.
    pub fn pause(&mut self, rule: &'static str, now: Timestamp, until: Timestamp) -> bool {
        let is_new = !self.pauses(now).any(|p| p.rule == rule);
        if is_new {
            self.pauses.retain(|p| p.rule != rule);
            self.pauses.push(Pause { rule, until });
        }
        is_new
    }

    /// Pauses that run at `now`.
    pub fn pauses(&self, now: Timestamp) -> impl Iterator<Item = &Pause> {
        self.pauses.iter().filter(move |p| now < p.until)
    }

    /// Used parts of the three limits at `equity`: day, week, drawdown.
    #[must_use]
    pub fn used(&self, equity: Money) -> [(Money, Money); 3] {
        let part = |floor: Option<Money>, from: Money| match floor {
            Some(floor) => (from - equity, from - floor),
            None => (Money::ZERO, Money::ZERO),
        };
        [
            part(self.day_floor, self.day_start),
            part(self.week_floor, self.week_start),
            part(self.drawdown_floor, self.peak),
        ]
    }

    /// Largest allowed drawdown.
    #[must_use]
    pub const fn max_drawdown(&self) -> Rate {
        self.limits.max_drawdown
    }
}
