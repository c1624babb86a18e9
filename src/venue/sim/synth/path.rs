//! The price path: what moves, how much, and how much is traded.
//!
//! Log-volatility is a sum of mean-reverting parts: two shared by the whole market (about a day
//! and an hour and a half) and one of the symbol's own. Returns are Student's t with four degrees
//! of freedom times that volatility times the season, partly shared. Volume follows volatility
//! and the size of the move. Between the ends of a step the extremes are those of a Brownian
//! bridge, so that bars of few steps have the range of bars of many.

use super::profile::SynthProfile;
use super::random::Random;
use super::season;
use crate::domain::{Instrument, Side, Timestamp};

const DAY_MS: f64 = 86_400_000.0;
/// Slow part of the market's log-volatility: standard deviation and decay time.
const SLOW: (f64, f64) = (0.36, 1.5 * DAY_MS);
/// Fast part of the market's log-volatility.
const FAST: (f64, f64) = (0.40, 0.08 * DAY_MS);
/// The symbol's own part.
const OWN: (f64, f64) = (0.24, 0.03 * DAY_MS);
/// Log-noise of the volume.
const VOLUME: (f64, f64) = (0.78, 0.0028 * DAY_MS);
/// Chance of a price change in 100 ms; at a coarser step the path always moves.
const MOVES_PER_MS: f64 = 0.08 / 100.0;
/// At a fine step nothing is traded this often when the price stands still.
const QUIET: f64 = 0.85;
/// Log-noise of the volume of a fine step, on top.
const BURST: f64 = 1.2;
/// Time over which a price forgets how far it has strayed; keeps years on sane prices.
const RETURN_MS: f64 = 300.0 * DAY_MS;
/// Lowest price, in ticks.
const FLOOR: f64 = 50.0;

/// A stationary mean-reverting number, stepped exactly.
#[derive(Debug, Clone, Copy)]
struct Reverting {
    value: f64,
    keep: f64,
    shock: f64,
}

impl Reverting {
    fn new((sigma, decay_ms): (f64, f64), step_ms: f64, random: &mut Random) -> Self {
        let keep = libm::exp(-step_ms / decay_ms);
        Self {
            value: sigma * random.normal(),
            keep,
            shock: sigma * (1.0 - keep * keep).sqrt(),
        }
    }

    fn step(&mut self, random: &mut Random) -> f64 {
        self.value = self.value * self.keep + self.shock * random.normal();
        self.value
    }
}

/// What all symbols share.
#[derive(Debug, Clone)]
pub(super) struct Common {
    random: Random,
    slow: Reverting,
    fast: Reverting,
}

/// The shared part of one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    /// Shared log-volatility.
    log_vol: f64,
    /// Factor of the time of day.
    season: f64,
    /// Shared innovation, unit variance.
    shock: f64,
}

impl Common {
    pub(super) fn new(seed: u64, step_ms: i64) -> Self {
        let mut random = Random::new(seed, 0);
        let step_ms = step_ms as f64;
        Self {
            slow: Reverting::new(SLOW, step_ms, &mut random),
            fast: Reverting::new(FAST, step_ms, &mut random),
            random,
        }
    }

    pub(super) fn step(&mut self, at: Timestamp) -> Weather {
        let random = &mut self.random;
        Weather {
            log_vol: self.slow.step(random) + self.fast.step(random),
            season: season::volatility(at),
            shock: random.student(),
        }
    }
}

/// One step of one symbol. Prices in ticks, volume in steps of quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) volume: i64,
    /// Side of the last taker.
    pub(super) taker: Side,
}

/// Path of one symbol.
#[derive(Debug, Clone)]
pub(super) struct Path {
    random: Random,
    own: Reverting,
    noise: Reverting,
    /// Weight of the shared and of the own innovation.
    weights: (f64, f64),
    /// Standard deviation of a step at average volatility.
    sigma: f64,
    /// Volume of a step at average volatility, in steps of quantity.
    volume: f64,
    tick: f64,
    log_start: f64,
    log_price: f64,
    /// Return that has not shown in the price yet.
    pending: f64,
    move_chance: f64,
    pull: f64,
    last: i64,
    taker: Side,
}

impl Path {
    pub(super) fn new(
        instrument: &Instrument,
        profile: &SynthProfile,
        mut random: Random,
        step_ms: i64,
    ) -> Self {
        let step_ms = step_ms as f64;
        let tick = instrument.tick.to_f64();
        let log_price = libm::log(profile.start_price);
        let common = profile.common.clamp(0.0, 1.0);
        Self {
            own: Reverting::new(OWN, step_ms, &mut random),
            noise: Reverting::new(VOLUME, step_ms, &mut random),
            random,
            weights: (common, (1.0 - common * common).sqrt()),
            sigma: profile.daily_vol * (step_ms / DAY_MS).sqrt() * level_of_vol(),
            volume: profile.daily_volume * step_ms / DAY_MS / instrument.qty_step.to_f64(),
            tick,
            log_start: log_price,
            log_price,
            pending: 0.0,
            move_chance: MOVES_PER_MS * step_ms,
            pull: step_ms / RETURN_MS,
            last: (profile.start_price / tick).round() as i64,
            taker: Side::Buy,
        }
    }

    /// Last price, in ticks.
    pub(super) const fn last(&self) -> i64 {
        self.last
    }

    pub(super) fn step(&mut self, weather: &Weather) -> Step {
        let random = &mut self.random;
        let log_vol = weather.log_vol + self.own.step(random);
        let noise = self.noise.step(random);
        let lively = libm::exp(log_vol) * weather.season;
        let sigma = self.sigma * lively;
        let shock = self.weights.0 * weather.shock + self.weights.1 * random.student();
        self.pending += sigma * shock - self.pull * (self.log_price - self.log_start);
        let is_smooth = 1.0 <= self.move_chance;
        if is_smooth || random.chance(self.move_chance) {
            self.log_price += self.pending;
            self.pending = 0.0;
        }
        let floor = libm::log(FLOOR * self.tick);
        self.log_price = self.log_price.max(floor);
        let from = self.last;
        let to = (libm::exp(self.log_price) / self.tick).round() as i64;
        let (low, high) = if is_smooth {
            // The bridge's own spread: fat tails are in the end points already.
            let width = sigma * 0.8 * to as f64;
            self.extremes(from, to, width)
        } else {
            (from.min(to), from.max(to))
        };
        self.last = to;
        self.taker = match to.cmp(&from) {
            std::cmp::Ordering::Greater => Side::Buy,
            std::cmp::Ordering::Less => Side::Sell,
            // The best prices stand still with the last one.
            std::cmp::Ordering::Equal => self.taker,
        };
        let size = 0.2 + 0.8 * shock.abs();
        let activity = weather.season * libm::exp(1.05 * log_vol + noise) * weather.season.sqrt();
        let has_moved = low < high;
        let mut volume = VOLUME_LEVEL * self.volume * activity * size;
        if !is_smooth {
            volume *= self.burst(has_moved);
        }
        // Each end and extreme of a step that moves is somebody's trade.
        let fewest = if has_moved { 4 } else { i64::from(is_smooth) };
        Step {
            from,
            to,
            low,
            high,
            volume: (volume.round() as i64).max(fewest),
            taker: self.taker,
        }
    }

    /// Factor on the volume of a fine step: mostly nothing, sometimes much; 1 in the mean.
    fn burst(&mut self, has_moved: bool) -> f64 {
        if !has_moved && self.random.chance(QUIET) {
            return 0.0;
        }
        let traded = 1.0 - QUIET * (1.0 - self.move_chance);
        libm::exp(BURST * self.random.normal() - BURST * BURST / 2.0) / traded
    }

    /// Lowest and highest point of a Brownian bridge of that width (exact for each of the two
    /// alone; drawn independently).
    fn extremes(&mut self, from: i64, to: i64, width: f64) -> (i64, i64) {
        let distance = (to - from) as f64;
        let middle = (from + to) as f64 / 2.0;
        let mut reach = || {
            let e = self.random.exponential();
            (distance * distance + 2.0 * width * width * e).sqrt() / 2.0
        };
        let high = (middle + reach()).floor() as i64;
        let low = (middle - reach()).ceil() as i64;
        (
            low.min(from.min(to)).max(FLOOR as i64 / 2),
            high.max(from.max(to)),
        )
    }
}

/// Keeps the mean volume where the profile says, whatever the noise.
const VOLUME_LEVEL: f64 = 0.74;

/// Factor that keeps the variance where the profile says: the mean of `exp(2 v)` of the
/// log-volatility `v` is above 1.
fn level_of_vol() -> f64 {
    let variance = SLOW.0 * SLOW.0 + FAST.0 * FAST.0 + OWN.0 * OWN.0;
    libm::exp(-variance)
}
