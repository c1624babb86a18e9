//! Values that can work and are probably typing mistakes: bands that live trading stays in.
//!
//! A part that was written as a percentage, a percentage of a percentage, a digit too many. Such
//! a value is refused until its key is named in `venue.accept_values`; then it is meant.

use super::Findings;
use crate::config::settings::Settings;
use crate::domain::{Mode, Money, Rate};

/// Largest single position that needs no word, in the account's coin.
const MAX_POSITION_VALUE: i64 = 5_000;
/// Largest value of all positions that needs no word, in the account's coin.
const MAX_EXPOSURE_VALUE: i64 = 25_000;

/// One value with the band it is usually in.
struct Band {
    key: String,
    /// What is wrong; `None` inside of the band.
    problem: Option<String>,
}

/// Findings about unusual values, and about names in `venue.accept_values` that mean nothing.
pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let bands = bands(settings);
    let accepted = &settings.venue.accept_values;
    for (n, name) in accepted.iter().enumerate() {
        if !bands.iter().any(|band| band.key == *name) {
            let known: Vec<_> = bands.iter().map(|band| band.key.as_str()).collect();
            findings.add(
                format!("venue.accept_values.{n}"),
                format!("no band belongs to it; use one of {}", known.join(", ")),
            );
        }
    }
    if settings.mode != Mode::Live {
        return;
    }
    for Band { key, problem } in bands {
        // What cannot work at all has been said already.
        let is_said = findings.0.iter().any(|(found, _)| *found == key);
        let Some(problem) = problem.filter(|_| !is_said && !accepted.contains(&key)) else {
            continue;
        };
        let remedy = format!("correct it, or name {key} in venue.accept_values if it is meant");
        findings.add(key, format!("{problem}: {remedy}"));
    }
}

fn bands(settings: &Settings) -> Vec<Band> {
    let (risk, venue) = (&settings.risk, &settings.venue);
    let mut bands: Vec<Band> = [
        ("risk.max_position_pct", risk.max_position_pct, 10, 2_500),
        ("risk.max_exposure_pct", risk.max_exposure_pct, 10, 8_000),
        ("risk.stop_loss_pct", risk.stop_loss_pct, 20, 2_000),
        ("risk.day_loss_pct", risk.day_loss_pct, 10, 1_000),
        ("risk.week_loss_pct", risk.week_loss_pct, 20, 2_000),
        ("risk.max_drawdown_pct", risk.max_drawdown_pct, 50, 3_000),
        ("risk.price_band_pct", risk.price_band_pct, 5, 500),
    ]
    .into_iter()
    .map(|(key, value, min, max)| part(key.to_owned(), value, min, max))
    .collect();
    for (n, leg) in settings.legs.iter().enumerate() {
        for (name, value, min, max) in [
            ("max_position_pct", leg.max_position_pct, 10, 2_500),
            ("stop_loss_pct", leg.stop_loss_pct, 20, 2_000),
        ] {
            if let Some(value) = value {
                bands.push(part(format!("legs.{n}.{name}"), value, min, max));
            }
        }
    }
    for (key, value, unit, min, max) in [
        ("venue.leverage", u32::from(venue.leverage), "times", 1, 10),
        (
            "venue.ack_deadline_ms",
            venue.ack_deadline_ms,
            "ms",
            500,
            10_000,
        ),
        (
            "venue.visibility_lag_ms",
            venue.visibility_lag_ms,
            "ms",
            5_000,
            120_000,
        ),
        ("risk.stale_ms", risk.stale_ms, "ms", 1_000, 30_000),
        (
            "risk.max_orders_per_minute",
            risk.max_orders_per_minute,
            "orders",
            1,
            120,
        ),
    ] {
        let problem = (value < min || max < value)
            .then(|| format!("live trading is used to {min} to {max} {unit}"));
        bands.push(Band {
            key: key.to_owned(),
            problem,
        });
    }
    bands.push(capital(settings));
    bands
}

/// A part, with its band in basis points.
fn part(key: String, value: Rate, min: i64, max: i64) -> Band {
    let (min, max) = (Rate::from_bps(min), Rate::from_bps(max));
    let fits = min <= value && value <= max;
    let problem = (!fits).then(|| {
        format!(
            "that is {}, and live trading is used to {} to {} (parts are fractions: 0.05 is five \
             percent)",
            percent(value),
            percent(min),
            percent(max)
        )
    });
    Band { key, problem }
}

/// The sizes that capital and parts come to.
fn capital(settings: &Settings) -> Band {
    let (capital, coin) = (settings.account.capital, &settings.account.coin);
    let risk = &settings.risk;
    let problem = [
        ("one position", risk.max_position_pct, MAX_POSITION_VALUE),
        ("all positions", risk.max_exposure_pct, MAX_EXPOSURE_VALUE),
    ]
    .into_iter()
    .find_map(|(what, part, most)| {
        let value = capital * part;
        let most: Money = most.to_string().parse().ok()?;
        // A part that is none has been refused as such.
        (part <= Rate::ONE && most < value).then(|| {
            format!("with it {what} can be {value} {coin}, above {most}, a digit too many perhaps")
        })
    });
    Band {
        key: "account.capital".to_owned(),
        problem,
    }
}

/// A part as people say it.
fn percent(value: Rate) -> String {
    let hundredfold = value.to_decimal() * rust_decimal::Decimal::ONE_HUNDRED;
    format!("{} percent", hundredfold.normalize())
}
