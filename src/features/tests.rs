//! The incremental pipeline against a batch computation of the same definition, on any bars.

use proptest::prelude::*;

use crate::domain::{Bar, Price, Qty, Timestamp};

use super::{Column, Normaliser, NormaliserError, Observation, Pipeline};

fn price(ticks: i64) -> Price {
    Price::from_raw(i128::from(ticks) * 10_i128.pow(12)).expect("ticks are positive")
}

/// Bars of 5 minutes from cent moves; every bar is in order.
fn bars_of(start: i64, steps: &[(i64, i64, i64, i64)]) -> Vec<Bar> {
    let mut open = 1_000_000_i64;
    let mut bars = Vec::new();
    for (i, &(step, up, down, volume)) in (0_i64..).zip(steps) {
        let close = (open + step).max(100);
        bars.push(Bar {
            open_time: Timestamp::from_millis((start + i) * 300_000),
            open: price(open),
            high: price(open.max(close) + up),
            low: price((open.min(close) - down).max(1)),
            close: price(close),
            volume: Qty::from_raw(i128::from(volume) * 100_000).expect("volume is positive"),
        });
        open = close;
    }
    bars
}

/// `ewm(x, a, m)` of the definition over a whole column.
fn ewm(x: &[f64], a: f64, m: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; x.len()];
    let Some(start) = x.iter().position(|v| !v.is_nan()) else {
        return out;
    };
    let mut y = x[start];
    for t in start..x.len() {
        if t > start {
            y = (1.0 - a) * y + a * x[t];
        }
        if t >= start + m - 1 {
            out[t] = y;
        }
    }
    out
}

fn std(x: &[f64], ddof: usize) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let squares: f64 = x.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (x.len() - ddof) as f64).sqrt()
}

/// Value of `f` for every row `t >= first`, NaN before.
fn column(n: usize, first: usize, f: impl Fn(usize) -> f64) -> Vec<f64> {
    (0..n)
        .map(|t| if t < first { f64::NAN } else { f(t) })
        .collect()
}

/// Every column over all bars at once, straight from the definition.
#[expect(
    clippy::many_single_char_names,
    reason = "the letters of the definition"
)]
fn batch(bars: &[Bar]) -> Vec<Vec<f64>> {
    let n = bars.len();
    let of = |f: fn(&Bar) -> f64| bars.iter().map(f).collect::<Vec<f64>>();
    let c = of(|b| b.close.to_f64());
    let h = of(|b| b.high.to_f64());
    let l = of(|b| b.low.to_f64());
    let v = of(|b| b.volume.to_f64());
    let lag = |k: usize| column(n, k, |t| (c[t] / c[t - k]).ln());
    let lr = lag(1);
    let up = ewm(
        &column(n, 1, |t| (c[t] - c[t - 1]).max(0.0)),
        1.0 / 14.0,
        14,
    );
    let dn = ewm(
        &column(n, 1, |t| (c[t - 1] - c[t]).max(0.0)),
        1.0 / 14.0,
        14,
    );
    let rsi = column(n, 14, |t| match (up[t] > 1e-12, dn[t] > 1e-12) {
        (_, true) => 100.0 - 100.0 / (1.0 + up[t] / dn[t]),
        (true, false) => 100.0,
        (false, false) => 50.0,
    });
    let (e12, e26) = (ewm(&c, 2.0 / 13.0, 12), ewm(&c, 2.0 / 27.0, 26));
    let macd = column(n, 0, |t| e12[t] - e26[t]);
    let signal = ewm(&macd, 0.2, 9);
    let tr = column(n, 0, |t| match t {
        0 => h[0] - l[0],
        _ => (h[t] - l[t])
            .max((h[t] - c[t - 1]).abs())
            .max((l[t] - c[t - 1]).abs()),
    });
    let atr = ewm(&tr, 1.0 / 14.0, 14);
    let hour = of(|b| (b.open_time.millis() % 86_400_000) as f64 / 3_600_000.0);
    let angle = |t: usize| 2.0 * std::f64::consts::PI * hour[t] / 24.0;
    vec![
        lr.clone(),
        lag(5),
        lag(15),
        column(n, 30, |t| std(&lr[t - 29..=t], 1)),
        rsi,
        column(n, 0, |t| (macd[t] - signal[t]) / c[t]),
        column(n, 0, |t| atr[t] / c[t]),
        column(n, 19, |t| {
            let (w, s) = (&c[t - 19..=t], std(&c[t - 19..=t], 0));
            let m = w.iter().sum::<f64>() / 20.0;
            if s <= 1e-12 {
                0.5
            } else {
                (c[t] - (m - 2.0 * s)) / (4.0 * s)
            }
        }),
        column(n, 29, |t| {
            let (w, s) = (&v[t - 29..=t], std(&v[t - 29..=t], 1));
            let m = w.iter().sum::<f64>() / 30.0;
            if s <= 1e-12 { 0.0 } else { (v[t] - m) / s }
        }),
        column(n, 0, |t| angle(t).sin()),
        column(n, 0, |t| angle(t).cos()),
    ]
}

fn compare(bars: &[Bar]) {
    let expected = batch(bars);
    let mut pipeline = Pipeline::new();
    for (t, bar) in bars.iter().enumerate() {
        pipeline.push(bar);
        for (column, values) in Column::ALL.into_iter().zip(&expected) {
            let (got, want) = (pipeline.value(column), values[t]);
            assert_eq!(
                got.is_nan(),
                want.is_nan(),
                "{column} row {t}: {got} {want}"
            );
            assert_eq!(
                got.is_nan(),
                (t as u64) < column.first_index(),
                "{column} row {t}"
            );
            assert!(
                got.is_nan() || (got - want).abs() <= 1e-9 * want.abs().max(1.0),
                "{column} row {t}: {got} {want}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn incremental_equals_batch(
        start in 0_i64..10_000_000,
        steps in prop::collection::vec(
            (-3_000_i64..3_000, 0_i64..500, 0_i64..500, 0_i64..1_000_000), 1..160),
    ) {
        compare(&bars_of(start, &steps));
    }

    #[test]
    fn incremental_equals_batch_through_a_halt(
        before in 0_usize..50,
        halt in 1_usize..60,
        after in 0_usize..40,
    ) {
        let mut steps = [(700, 20, 30, 5_000), (-650, 10, 0, 7_000)].repeat(before);
        steps.extend(vec![(0, 0, 0, 0); halt]);
        steps.extend(vec![(-40, 3, 9, 123); after]);
        compare(&bars_of(77, &steps));
    }

    #[test]
    fn reset_forgets_everything(cut in 1_usize..60) {
        let steps: Vec<_> = (0..80).map(|i| ((i * 37) % 101 - 50, i % 7, i % 5, i * 11 % 97)).collect();
        let bars = bars_of(3, &steps);
        let (mut used, mut fresh) = (Pipeline::new(), Pipeline::new());
        bars[..cut].iter().for_each(|bar| used.push(bar));
        used.reset();
        for bar in &bars[..50] {
            used.push(bar);
            fresh.push(bar);
            for column in Column::ALL {
                prop_assert_eq!(used.value(column).to_bits(), fresh.value(column).to_bits());
            }
        }
    }
}

#[test]
fn flat_prices_take_the_defined_values() {
    let mut pipeline = Pipeline::new();
    for bar in bars_of(0, &[(0, 0, 0, 0); 40]) {
        pipeline.push(&bar);
    }
    for (column, want) in [
        (Column::Rsi14, 50.0),
        (Column::BbPctb20, 0.5),
        (Column::VolumeZ30, 0.0),
        (Column::Vol30, 0.0),
    ] {
        assert!((pipeline.value(column) - want).abs() < 1e-12, "{column}");
    }
}

#[test]
fn names_and_columns_are_one_to_one() {
    for (at, column) in Column::ALL.into_iter().enumerate() {
        assert_eq!(column.index(), at);
        assert_eq!(column.name().parse(), Ok(column));
    }
    let error = "rsi_15".parse::<Column>().unwrap_err().to_string();
    assert!(
        error.contains("rsi_15") && error.contains("rsi_14"),
        "{error}"
    );
}

fn two_columns(mu: [f64; 2], sd: [f64; 2], clip: f64) -> Result<Normaliser, NormaliserError> {
    Normaliser::new(
        vec![Column::HourSin, Column::LogRet1],
        mu.into(),
        sd.into(),
        clip,
    )
}

#[test]
fn unusable_statistics_are_refused() {
    let ok = [1.0, 1.0];
    for (mu, sd, clip, part) in [
        ([f64::NAN, 0.0], ok, 5.0, "mu of hour_sin is NaN"),
        (ok, [1.0, 0.0], 5.0, "sd of log_ret_1 is 0"),
        (ok, [1.0, -2.0], 5.0, "sd of log_ret_1 is -2"),
        (ok, [f64::INFINITY, 1.0], 5.0, "sd of hour_sin is inf"),
        (ok, ok, 0.0, "clip is 0"),
    ] {
        let error = two_columns(mu, sd, clip).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let short = Normaliser::new(vec![Column::HourSin], vec![], vec![1.0], 1.0);
    assert!(matches!(short, Err(NormaliserError::Lengths { mu: 0, .. })));
}

#[test]
fn normalising_clips_and_never_hides_what_is_not_finite() {
    let normaliser = two_columns([1.0, 0.0], [2.0, 0.5], 3.0).unwrap();
    let close = |at, value: f64, want: f32| (normaliser.normalise(at, value) - want).abs() < 1e-6;
    assert!(close(0, 2.0, 0.5));
    assert!(close(0, 1e9, 3.0));
    assert!(close(1, -1e9, -3.0));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(normaliser.normalise(1, value).is_nan());
    }
}

#[test]
fn windows_are_oldest_first_and_know_when_they_are_complete() {
    let normaliser = two_columns([0.0, 0.0], [1.0, 1.0], 10.0).unwrap();
    let mut observation = Observation::new(normaliser, 3);
    let mut pipeline = Pipeline::new();
    assert_eq!(observation.first_complete_bars(), 4);
    let mut seen = Vec::new();
    for (n, bar) in (1..).zip(bars_of(0, &[(10, 1, 1, 5); 6])) {
        pipeline.push(&bar);
        observation.push(&pipeline);
        seen.extend([Column::HourSin, Column::LogRet1].map(|c| pipeline.value(c) as f32));
        let complete = observation.first_not_finite().is_none();
        assert_eq!(complete, n >= observation.first_complete_bars(), "bar {n}");
    }
    assert_eq!(observation.rows(), &seen[6..]);
    assert_eq!(observation.newest(), &seen[10..]);
    observation.reset();
    assert_eq!(observation.first_not_finite(), Some(Column::HourSin));
}
