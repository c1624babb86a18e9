//! The equity curve, thinned so that a year fits where a minute did.

use crate::domain::{Money, Timestamp};

/// Equity at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CurvePoint {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub equity: Money,
}

/// At most [`EquityCurve::MAX_POINTS`] points of equity over time, oldest first.
///
/// Every `stride`-th point given is kept; when the curve is full, every second one goes and the
/// stride doubles. The first and the newest point are always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquityCurve {
    kept: Vec<CurvePoint>,
    /// Newest point, when it is not among the kept ones.
    newest: Option<CurvePoint>,
    /// A power of two.
    stride: u64,
    n_given: u64,
}

impl Default for EquityCurve {
    fn default() -> Self {
        Self {
            kept: Vec::with_capacity(Self::MAX_POINTS),
            newest: None,
            stride: 1,
            n_given: 0,
        }
    }
}

impl EquityCurve {
    /// Most points there ever are.
    pub const MAX_POINTS: usize = 1024;

    /// Adds the next point; `at` does not run backwards.
    pub fn push(&mut self, at: Timestamp, equity: Money) {
        let point = CurvePoint { at, equity };
        // One place is left for the newest point.
        if self.is_due() && self.kept.len() == Self::MAX_POINTS - 1 {
            self.thin();
        }
        if self.is_due() {
            self.kept.push(point);
            self.newest = None;
        } else {
            self.newest = Some(point);
        }
        self.n_given += 1;
    }

    /// Whether the next point is one to keep. The stride is a power of two.
    const fn is_due(&self) -> bool {
        self.n_given & (self.stride - 1) == 0
    }

    #[cold]
    fn thin(&mut self) {
        let mut index = 0_usize;
        self.kept.retain(|_| {
            index += 1;
            index % 2 == 1
        });
        self.stride *= 2;
    }

    /// Points, oldest first.
    pub fn points(&self) -> impl Iterator<Item = CurvePoint> {
        self.kept.iter().copied().chain(self.newest)
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len() + usize::from(self.newest.is_some())
    }

    /// Whether no point was given yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(n: i64) -> EquityCurve {
        let mut curve = EquityCurve::default();
        for i in 0..n {
            curve.push(Timestamp::from_millis(i), Money::from_raw(i.into()));
        }
        curve
    }

    #[test]
    fn first_and_newest_stay_and_the_rest_is_evenly_spaced() {
        for n in [1_i64, 2, 1022, 1023, 1024, 1025, 2046, 2047, 5000, 100_003] {
            let points: Vec<_> = curve(n).points().map(|p| p.at.millis()).collect();
            assert_eq!(points.len(), curve(n).len(), "{n}");
            assert!(points.len() <= EquityCurve::MAX_POINTS, "{n}");
            assert_eq!(points[0], 0, "{n}");
            assert_eq!(points[points.len() - 1], n - 1, "{n}");
            let stride = if n > 1 { points[1] - points[0] } else { 1 };
            let inner = &points[..points.len() - 1];
            assert!(inner.windows(2).all(|w| w[1] - w[0] == stride), "{n}");
            assert!(n < 2000 || points.len() > 500, "{n}: thinned too far");
        }
    }

    #[test]
    fn nothing_is_lost_while_there_is_room() {
        assert_eq!(curve(1023).len(), 1023);
        assert!(EquityCurve::default().is_empty());
    }
}
