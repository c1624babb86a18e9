//! A synthetic book: 50 levels a side around the best prices of the path.

use super::profile::SynthProfile;
use super::random::Random;
use crate::domain::{Instrument, Level, Price, Qty};

/// Levels of a side, as in Bybit's `orderbook.50`.
pub(super) const DEPTH: usize = 50;

/// Turns ticks and steps into exact prices and quantities.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    tick: i128,
    step: i128,
}

impl Grid {
    pub(super) const fn new(instrument: &Instrument) -> Self {
        Self {
            tick: instrument.tick.raw(),
            step: instrument.qty_step.raw(),
        }
    }

    pub(super) fn price(self, ticks: i64) -> Price {
        Price::from_raw(i128::from(ticks.max(0)) * self.tick).unwrap_or(Price::ZERO)
    }

    pub(super) fn qty(self, steps: i64) -> Qty {
        Qty::from_raw(i128::from(steps.max(0)) * self.step).unwrap_or(Qty::ZERO)
    }
}

/// Best prices and amounts, in ticks and steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Best {
    pub(super) bid: i64,
    pub(super) bid_qty: i64,
    pub(super) ask: i64,
    pub(super) ask_qty: i64,
}

/// Draws amounts and distances of levels.
#[derive(Debug, Clone)]
pub(super) struct Sizes {
    random: Random,
    best_log: f64,
    level_log: f64,
    sigma: f64,
    per_step: f64,
    gap_chance: f64,
    wide: f64,
    churn: f64,
}

impl Sizes {
    pub(super) fn new(instrument: &Instrument, profile: &SynthProfile, random: Random) -> Self {
        Self {
            random,
            best_log: libm::log(profile.best_qty),
            level_log: libm::log(profile.level_qty),
            sigma: profile.level_sigma,
            per_step: 1.0 / instrument.qty_step.to_f64(),
            gap_chance: 1.0 / profile.level_gap.max(1.0),
            wide: profile.wide_spread,
            churn: profile.churn,
        }
    }

    fn draw(&mut self, log_median: f64, sigma: f64) -> i64 {
        let z = self.random.normal().clamp(-2.6, 2.6);
        let qty = libm::exp(log_median + sigma * z) * self.per_step;
        (qty.round() as i64).max(1)
    }

    /// Best prices around a last price, which the last taker on `is_buy` side has paid.
    pub(super) fn best(&mut self, last: i64, is_buy: bool) -> Best {
        let mut spread = 1;
        if self.random.chance(self.wide) {
            spread += 1 + (self.random.exponential() * 2.0) as i64;
        }
        let (bid, ask) = if is_buy {
            (last - spread, last)
        } else {
            (last, last + spread)
        };
        Best {
            bid,
            bid_qty: self.draw(self.best_log, 0.9),
            ask,
            ask_qty: self.draw(self.best_log, 0.9),
        }
    }

    fn level(&mut self) -> i64 {
        self.draw(self.level_log, self.sigma)
    }

    /// Distance to the next level, in ticks.
    fn gap(&mut self) -> i64 {
        if 1.0 <= self.gap_chance {
            return 1;
        }
        // Geometric with the profile's mean: how many ticks until one holds a level.
        let ticks = self.random.exponential() / -libm::log1p(-self.gap_chance);
        1 + (ticks as i64).min(1_000)
    }
}

/// One side, best first. `sign` times price falls: 1 for bids, -1 for asks.
#[derive(Debug, Clone)]
struct LadderSide {
    sign: i64,
    /// Signed price and amount; the signed price falls strictly.
    levels: Vec<(i64, i64)>,
    old: Vec<(i64, i64)>,
}

impl LadderSide {
    const fn new(sign: i64) -> Self {
        Self {
            sign,
            levels: Vec::new(),
            old: Vec::new(),
        }
    }

    /// Moves the best price and redraws some amounts; gives the changed levels.
    fn advance(&mut self, best: i64, qty: i64, sizes: &mut Sizes, grid: Grid) -> Vec<Level> {
        self.old.clone_from(&self.levels);
        let top = best * self.sign;
        self.levels.retain(|(price, _)| *price < top);
        let below = self.levels.first().map_or(i64::MIN, |(price, _)| *price);
        let mut fresh = vec![(top, qty)];
        let mut price = top;
        while fresh.len() < DEPTH {
            price -= sizes.gap();
            if price <= below {
                break;
            }
            fresh.push((price, sizes.level()));
        }
        fresh.append(&mut self.levels);
        fresh.truncate(DEPTH);
        self.levels = fresh;
        self.churn(sizes);
        while self.levels.len() < DEPTH {
            let deepest = self.levels.last().map_or(top, |(price, _)| *price);
            self.levels.push((deepest - sizes.gap(), sizes.level()));
        }
        // Prices at or below zero do not exist; only asks have negative signed prices.
        let sign = self.sign;
        self.levels.retain(|(price, _)| 0 < price * sign);
        self.changes(grid)
    }

    /// Redraws, removes or inserts levels, mostly near the top.
    fn churn(&mut self, sizes: &mut Sizes) {
        let n_changes = (sizes.churn / 2.0 * sizes.random.exponential()) as usize;
        for _ in 0..n_changes.min(DEPTH) {
            let near = sizes.random.uniform();
            let at = 1 + (near * near * self.levels.len() as f64) as usize;
            if self.levels.len() <= at {
                continue;
            }
            // As many levels leave as come where the mean distance is the profile's.
            let has_room = sizes.random.chance(1.0 - sizes.gap_chance);
            match sizes.random.below(4) {
                0 if has_room => {
                    self.levels.remove(at);
                }
                1 if 1 < self.levels[at - 1].0 - self.levels[at].0 => {
                    let price = self.levels[at].0 + 1;
                    let qty = sizes.level();
                    self.levels.insert(at, (price, qty));
                    self.levels.truncate(DEPTH);
                }
                _ => self.levels[at].1 = sizes.level(),
            }
        }
    }

    /// Difference between the old and the new levels; an amount of zero removes.
    fn changes(&self, grid: Grid) -> Vec<Level> {
        let mut changes = Vec::new();
        let level = |price: i64, steps| Level {
            price: grid.price(price * self.sign),
            qty: grid.qty(steps),
        };
        let (mut old, mut new) = (self.old.iter().peekable(), self.levels.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (None, None) => return changes,
                (Some((gone, _)), next) if next.is_none_or(|(price, _)| price < gone) => {
                    changes.push(level(*gone, 0));
                    old.next();
                }
                (before, Some((price, steps))) => {
                    let same = before.is_some_and(|(p, _)| p == price);
                    if before.is_none_or(|b| b != &&(*price, *steps)) {
                        changes.push(level(*price, *steps));
                    }
                    if same {
                        old.next();
                    }
                    new.next();
                }
                (Some(_), None) => unreachable!("the arm above takes every old level then"),
            }
        }
    }
}

/// The book of one symbol.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    bids: LadderSide,
    asks: LadderSide,
}

impl Ladder {
    pub(super) const fn new() -> Self {
        Self {
            bids: LadderSide::new(1),
            asks: LadderSide::new(-1),
        }
    }

    /// Moves the book to new best prices; gives the changed bids and asks.
    pub(super) fn advance(
        &mut self,
        best: Best,
        sizes: &mut Sizes,
        grid: Grid,
    ) -> (Vec<Level>, Vec<Level>) {
        let bids = self.bids.advance(best.bid, best.bid_qty, sizes, grid);
        let asks = self.asks.advance(best.ask, best.ask_qty, sizes, grid);
        (bids, asks)
    }
}
