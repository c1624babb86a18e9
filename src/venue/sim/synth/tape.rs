//! Trades of one step: they start and end where the step does, touch its extremes and add up to
//! its volume, so that they make exactly its part of the bar.

use super::path::Step;
use super::random::Random;
use crate::domain::{Side, Timestamp};

/// Most trades of one step.
const MOST: i64 = 400;
/// Standard deviation of the logarithm of a trade's share: a heavy tail.
const SHARE_SIGMA: f64 = 1.9;

/// One trade. Price in ticks, amount in steps of quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) at: Timestamp,
    pub(super) price: i64,
    pub(super) qty: i64,
    pub(super) taker: Side,
}

/// Trades of a step between `start` and `end`, about `mean` of them.
pub(super) fn prints(
    step: &Step,
    (start, end): (Timestamp, Timestamp),
    mean: f64,
    random: &mut Random,
) -> Vec<Print> {
    if step.volume == 0 {
        return Vec::new();
    }
    let is_flat = step.low == step.high;
    let fewest = if is_flat { 1 } else { 4 };
    let wanted = (mean * random.exponential()) as i64;
    let n = wanted.clamp(fewest, MOST).min(step.volume);
    let mut prices = waypoints(step, random);
    // A volume of fewer pieces than way points cannot touch them all: the end matters most.
    while (n as usize) < prices.len() {
        prices.remove(0);
    }
    while prices.len() < n as usize {
        let at = random.below(prices.len() - 1 + usize::from(prices.len() == 1));
        let price = match prices.get(at + 1) {
            Some(next) => between(prices[at], *next, random),
            None => prices[at],
        };
        prices.insert(at + 1, price);
    }
    let amounts = shares(step.volume, prices.len(), random);
    let mut times: Vec<i64> = (0..prices.len())
        .map(|_| (random.uniform() * end.since(start) as f64) as i64)
        .collect();
    times.sort_unstable();
    let mut before = step.from;
    let mut taker = step.taker;
    let mut all = Vec::with_capacity(prices.len());
    for ((price, qty), late) in prices.into_iter().zip(amounts).zip(times) {
        taker = match price.cmp(&before) {
            std::cmp::Ordering::Greater => Side::Buy,
            std::cmp::Ordering::Less => Side::Sell,
            std::cmp::Ordering::Equal => taker,
        };
        before = price;
        all.push(Print {
            at: start.plus_millis(late + 1),
            price,
            qty,
            taker,
        });
    }
    if let Some(last) = all.last_mut() {
        last.taker = step.taker;
    }
    all
}

/// Start, both extremes in either order, end.
fn waypoints(step: &Step, random: &mut Random) -> Vec<i64> {
    if step.low == step.high {
        return vec![step.to];
    }
    if random.chance(0.5) {
        vec![step.from, step.low, step.high, step.to]
    } else {
        vec![step.from, step.high, step.low, step.to]
    }
}

fn between(a: i64, b: i64, random: &mut Random) -> i64 {
    let width = usize::try_from(a.abs_diff(b)).unwrap_or(0);
    a.min(b) + random.below(width + 1) as i64
}

/// Splits `volume` into `n` parts of at least 1.
fn shares(volume: i64, n: usize, random: &mut Random) -> Vec<i64> {
    let weights: Vec<f64> = (0..n)
        .map(|_| libm::exp(SHARE_SIGMA * random.normal()))
        .collect();
    let total: f64 = weights.iter().sum();
    let spare = (volume - n as i64).max(0);
    let mut parts: Vec<i64> = weights
        .iter()
        .map(|w| 1 + (w / total * spare as f64) as i64)
        .collect();
    let rest = volume - parts.iter().sum::<i64>();
    if let Some(largest) = parts.iter_mut().max() {
        *largest += rest;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trades_make_up_their_step() {
        let mut random = Random::new(3, 0);
        for (from, to, low, high, volume) in [
            (100, 105, 98, 107, 5_000),
            (100, 100, 100, 100, 1),
            (100, 101, 100, 101, 4),
            (100, 101, 100, 101, 40),
            (100, 90, 80, 120, 1_000_000_000),
        ] {
            let step = Step {
                from,
                to,
                low,
                high,
                volume,
                taker: Side::Sell,
            };
            let span = (
                Timestamp::from_millis(1_000),
                Timestamp::from_millis(16_000),
            );
            let all = prints(&step, span, 20.0, &mut random);
            assert_eq!(all.iter().map(|p| p.qty).sum::<i64>(), volume);
            assert_eq!(all.iter().map(|p| p.price).min(), Some(low));
            assert_eq!(all.iter().map(|p| p.price).max(), Some(high));
            assert_eq!((all[0].price, all[all.len() - 1].price), (from, to));
            assert!(
                all.iter()
                    .all(|p| 0 < p.qty && span.0 < p.at && p.at <= span.1)
            );
            assert!(all.is_sorted_by_key(|p| p.at));
            assert_eq!(all[all.len() - 1].taker, Side::Sell);
        }
    }
}
