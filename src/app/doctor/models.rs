//! Checks of what would trade: the ONNX engine, the bundles of the legs, the recordings.

use std::path::{Path, PathBuf};

use super::check::Check;
use crate::app::{ModelSource, load_bundle, open_market, shipped_names};
use crate::config::{FeedKind, LegSettings, Settings, StrategyKind};
use crate::domain::{Mode, Money, Symbol};
use crate::strategy::agent::init;

/// One leg as the venue's checks need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leg {
    /// Symbol it trades.
    pub(super) symbol: Symbol,
    /// Value of a full position, in the account's coin.
    pub(super) full: Money,
}

/// Engine, bundles and recordings; and the legs whose symbol is known.
pub(super) fn checks(settings: &Settings) -> (Vec<Check>, Vec<Leg>) {
    let mut checks = vec![engine(settings)];
    let mut legs = Vec::new();
    for leg in &settings.legs {
        let (check, symbol) = one_leg(settings, leg);
        checks.push(check);
        let full = settings.account.capital * leg.position_cap(&settings.risk);
        legs.extend(symbol.map(|symbol| Leg { symbol, full }));
    }
    if settings.legs.is_empty() && settings.feed.kind == FeedKind::SyntheticDemo {
        for name in shipped_names() {
            let (check, _) = bundle(
                settings,
                &LegSettings::new(StrategyKind::Agent),
                Path::new(name),
            );
            checks.push(check);
        }
    }
    checks.push(recordings(settings));
    (checks, legs)
}

fn uses_agents(settings: &Settings) -> bool {
    let is_agent = |leg: &LegSettings| leg.strategy == StrategyKind::Agent;
    settings.legs.is_empty() || settings.legs.iter().any(is_agent)
}

fn engine(settings: &Settings) -> Check {
    match init(settings.agent.onnxruntime.as_deref()) {
        Ok(engine) => Check::ok("onnx-engine", engine.name()),
        Err(error) => {
            let remedy = "name a libonnxruntime in agent.onnxruntime, or remove it to use the \
                          built-in engine";
            if uses_agents(settings) {
                Check::failure("onnx-engine", error.to_string(), remedy)
            } else {
                Check::warning("onnx-engine", error.to_string(), remedy)
            }
        }
    }
}

fn one_leg(settings: &Settings, leg: &LegSettings) -> (Check, Option<Symbol>) {
    if let Some(path) = &leg.model {
        return bundle(settings, leg, path);
    }
    let name = match leg.strategy {
        StrategyKind::Agent => "agent",
        StrategyKind::Flat => "flat",
        StrategyKind::MaCross => "ma-cross",
    };
    let on = |what: Option<String>| what.unwrap_or_else(|| "the only recording".to_owned());
    let text = format!(
        "{name} on {} {}",
        on(leg.symbol.as_ref().map(ToString::to_string)),
        leg.interval.map_or("", |interval| interval.name())
    );
    (Check::ok("rule", text.trim_end()), leg.symbol.clone())
}

/// A bundle against its own statistics and the market its leg trades.
fn bundle(settings: &Settings, leg: &LegSettings, path: &Path) -> (Check, Option<Symbol>) {
    let subject = path.display().to_string();
    let refused = |error: String| {
        let remedy = "see tradeterm model check, or name another bundle";
        Check::failure("model", error, remedy).about(subject.clone())
    };
    let (bundle, source) = match load_bundle(path) {
        Ok(loaded) => loaded,
        Err(error) => return (refused(error.to_string()), leg.symbol.clone()),
    };
    let meta = bundle.meta();
    let symbol = leg.symbol.clone().unwrap_or_else(|| meta.symbol.clone());
    let interval = leg.interval.unwrap_or(meta.interval);
    if let Err(error) = bundle.check_market(&symbol, settings.feed.category, interval) {
        return (refused(error.to_string()), Some(symbol));
    }
    let from = match source {
        ModelSource::Folder(_) => "folder",
        ModelSource::Shipped(_) => "shipped",
    };
    let text = format!(
        "{} for {symbol} {} {interval}, {} inputs match their statistics, model {} ({from})",
        meta.algo,
        meta.category,
        meta.obs.dim,
        &bundle.hash()[..12]
    );
    (Check::ok("model", text).about(subject), Some(symbol))
}

/// Whether a replay has something to play.
fn recordings(settings: &Settings) -> Check {
    if settings.mode != Mode::Replay {
        return Check::skipped("recordings", format!("{} trades live data", settings.mode));
    }
    let first: Option<PathBuf> = match settings.feed.kind {
        FeedKind::Bars => settings.feed.bars.first().map(|file| file.path.clone()),
        FeedKind::Market => settings.feed.market.clone(),
        _ => None,
    };
    match open_market(settings) {
        Ok(market) => Check::ok("recordings", market.feed.label()),
        Err(error) => {
            let remedy = first.map_or_else(
                || "see the settings of [feed]".to_owned(),
                |path| format!("look at {}", path.display()),
            );
            Check::failure("recordings", error.to_string(), remedy)
        }
    }
}
