//! The two building blocks of the features: a window with mean and deviation, and the
//! exponential average. Knows nothing of bars.

/// The last `len` numbers, oldest first and in one piece.
///
/// Every number is kept twice, `len` apart, so that the newest `len` are always a plain slice.
#[derive(Debug, Clone)]
pub(super) struct Window {
    twice: Box<[f64]>,
    len: usize,
    /// Where the oldest number lies, and where the next one goes.
    head: usize,
    n_seen: usize,
}

impl Window {
    /// Empty window over `len` numbers; `len` is at least 1.
    pub(super) fn new(len: usize) -> Self {
        Self {
            twice: vec![0.0; 2 * len].into_boxed_slice(),
            len,
            head: 0,
            n_seen: 0,
        }
    }

    pub(super) fn push(&mut self, x: f64) {
        self.twice[self.head] = x;
        self.twice[self.head + self.len] = x;
        self.head = if self.head + 1 == self.len {
            0
        } else {
            self.head + 1
        };
        self.n_seen = (self.n_seen + 1).min(self.len);
    }

    /// The numbers, oldest first; `None` until the window is full.
    pub(super) fn full(&self) -> Option<&[f64]> {
        (self.n_seen == self.len).then(|| &self.twice[self.head..self.head + self.len])
    }

    /// The number pushed `back` pushes before the newest one.
    pub(super) fn back(&self, back: usize) -> Option<f64> {
        (back < self.n_seen).then(|| self.twice[self.head + self.len - 1 - back])
    }

    /// Mean and standard deviation `sqrt(sum((x - mean)^2) / (len - ddof))` in two passes;
    /// `None` until the window is full.
    pub(super) fn mean_std(&self, ddof: usize) -> Option<(f64, f64)> {
        let values = self.full()?;
        let mean = values.iter().sum::<f64>() / self.len as f64;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        Some((mean, (squares / (self.len - ddof) as f64).sqrt()))
    }

    pub(super) fn clear(&mut self) {
        self.head = 0;
        self.n_seen = 0;
    }
}

/// Exponential average seeded with its first number: `y_t = (1 - a) y_{t-1} + a x_t`.
#[derive(Debug, Clone)]
pub(super) struct Ewm {
    alpha: f64,
    min_periods: u32,
    n_seen: u32,
    average: f64,
}

impl Ewm {
    pub(super) const fn new(alpha: f64, min_periods: u32) -> Self {
        Self {
            alpha,
            min_periods,
            n_seen: 0,
            average: 0.0,
        }
    }

    /// Takes one number; `None` until `min_periods` of them were seen.
    pub(super) fn push(&mut self, x: f64) -> Option<f64> {
        self.average = if self.n_seen == 0 {
            x
        } else {
            (1.0 - self.alpha) * self.average + self.alpha * x
        };
        self.n_seen = (self.n_seen + 1).min(self.min_periods);
        (self.n_seen == self.min_periods).then_some(self.average)
    }

    pub(super) fn clear(&mut self) {
        self.n_seen = 0;
        self.average = 0.0;
    }
}
