//! Random numbers that are the same on every machine.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Largest innovation, in standard deviations.
const LARGEST: f64 = 12.0;

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub(super) struct Random {
    rng: Xoshiro256PlusPlus,
    spare: Option<f64>,
}

impl Random {
    /// Stream number `stream` of a seed; streams do not depend on how many there are.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        // Weyl step of SplitMix64: neighbouring streams start far apart.
        let mixed = seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(mixed),
            spare: None,
        }
    }

    /// Uniform in 0 (inclusive) to 1 (exclusive).
    pub(super) fn uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0 to `n - 1`; 0 for an `n` of 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * n as u128) >> 64) as usize
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A point inside of the unit disc other than its centre, with its squared distance.
    fn disc(&mut self) -> (f64, f64, f64) {
        loop {
            let u = 2.0 * self.uniform() - 1.0;
            let v = 2.0 * self.uniform() - 1.0;
            let w = u * u + v * v;
            if 0.0 < w && w < 1.0 {
                return (u, v, w);
            }
        }
    }

    /// Standard normal (polar method of Marsaglia).
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (u, v, w) = self.disc();
        let scale = (-2.0 * libm::log(w) / w).sqrt();
        self.spare = Some(v * scale);
        u * scale
    }

    /// Student's t with four degrees of freedom, scaled to unit variance and cut off.
    ///
    /// Polar method of Bailey (1994), which needs no power for four degrees.
    pub(super) fn student(&mut self) -> f64 {
        let (u, _, w) = self.disc();
        let t = u * (4.0 * (1.0 / w.sqrt() - 1.0) / w).sqrt();
        (t / std::f64::consts::SQRT_2).clamp(-LARGEST, LARGEST)
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(7, 0);
        let mut check = |name: &str, draw: fn(&mut Random) -> f64, mean: f64, variance: f64| {
            let n = 200_000;
            let all: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect();
            let m = all.iter().sum::<f64>() / f64::from(n);
            let v = all.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / f64::from(n);
            assert!((m - mean).abs() < 0.02, "{name} mean {m}");
            assert!((v / variance - 1.0).abs() < 0.1, "{name} variance {v}");
        };
        check("uniform", Random::uniform, 0.5, 1.0 / 12.0);
        check("normal", Random::normal, 0.0, 1.0);
        check("student", Random::student, 0.0, 1.0);
        check("exponential", Random::exponential, 1.0, 1.0);
        check("below", |r| r.below(3) as f64, 1.0, 2.0 / 3.0);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, stream| Random::new(seed, stream).uniform();
        assert_eq!(first(1, 2).to_bits(), first(1, 2).to_bits());
        assert_ne!(first(1, 2).to_bits(), first(1, 3).to_bits());
        assert_ne!(first(1, 2).to_bits(), first(2, 2).to_bits());
    }
}
