//! Legs from their settings: the strategy, what it trades, and whether the feed has its bars.

use std::path::PathBuf;

use super::build::{BuildError, FeedIntervals};
use super::models::load_bundle;
use crate::config::{FeedKind, LegSettings, Settings, StrategyKind};
use crate::domain::{InstrumentId, Instruments, Interval, Symbol};
use crate::engine::LegSetup;
use crate::strategy::Strategy;
use crate::strategy::agent::{Agent, AgentOptions, Bundle, FirstDecision};
use crate::strategy::rules::{Flat, MaCross, MaCrossSettings};

/// What the made-up market trades when nothing else is said: a shipped agent of each kind, and
/// the rule on the rest.
pub(super) fn demo_legs(settings: &Settings) -> Result<Vec<LegSettings>, BuildError> {
    if settings.feed.kind != FeedKind::SyntheticDemo {
        return Err(BuildError::Setting(
            "nothing to trade: add a [[legs]] table, or name a bundle with --model".into(),
        ));
    }
    let agent = |name: &str| LegSettings {
        model: Some(PathBuf::from("models").join(name)),
        ..LegSettings::new(StrategyKind::Agent)
    };
    let rule = |symbol: &str, fast, slow| {
        Ok::<_, BuildError>(LegSettings {
            symbol: Some(Symbol::new(symbol)?),
            fast: Some(fast),
            slow: Some(slow),
            long_short: Some(true),
            ..LegSettings::new(StrategyKind::MaCross)
        })
    };
    Ok(vec![
        agent("rppo_btcusdt_5m"),
        agent("ppo_win16_ethusdt_5m"),
        rule("SOLUSDT", 10, 30)?,
        rule("XRPUSDT", 20, 60)?,
    ])
}

/// A leg with what is told about it.
pub(super) struct MadeLeg {
    /// The leg.
    pub(super) setup: LegSetup,
    /// Folder of its bundle, for agents.
    pub(super) model: Option<String>,
    /// Engine that runs its model, for agents.
    pub(super) inference: Option<String>,
}

/// Makes the leg of `leg`.
pub(super) fn make_leg(
    settings: &Settings,
    leg: &LegSettings,
    instruments: &Instruments,
    intervals: &FeedIntervals,
) -> Result<MadeLeg, BuildError> {
    let strategy: Box<dyn Strategy>;
    let mut model = None;
    let mut inference = None;
    match leg.strategy {
        StrategyKind::Flat => strategy = Box::new(Flat::new()),
        StrategyKind::MaCross => {
            let default = MaCrossSettings::default();
            strategy = Box::new(MaCross::new(MaCrossSettings {
                fast: leg.fast.map_or(default.fast, |bars| bars as usize),
                slow: leg.slow.map_or(default.slow, |bars| bars as usize),
                long_short: leg.long_short.unwrap_or(default.long_short),
            })?);
        }
        StrategyKind::Agent => {
            let path = leg.model.as_deref().ok_or_else(|| {
                BuildError::Setting("a leg with strategy \"agent\" needs model = \"DIR\"".into())
            })?;
            let library = settings.agent.onnxruntime.as_deref();
            inference = Some(crate::strategy::agent::init(library)?.name().to_owned());
            let (bundle, _) = load_bundle(path)?;
            check_bundle(settings, leg, &bundle, instruments, intervals)?;
            let options = AgentOptions {
                deadline_us: Some(u64::from(settings.agent.deadline_ms) * 1_000),
                first_decision: FirstDecision::AfterWarmup,
            };
            model = Some(path.display().to_string());
            strategy = Box::new(Agent::new(&bundle, options)?);
        }
    }
    let (instrument, interval) = place(settings, leg, &*strategy, instruments, intervals)?;
    let cap = leg.position_cap(&settings.risk);
    Ok(MadeLeg {
        setup: LegSetup {
            instrument,
            interval,
            full_value: settings.account.capital * cap,
            stop_loss: leg.stop_loss(&settings.risk),
            strategy,
        },
        model,
        inference,
    })
}

/// Refuses a bundle that was not trained for what the leg trades.
fn check_bundle(
    settings: &Settings,
    leg: &LegSettings,
    bundle: &Bundle,
    instruments: &Instruments,
    intervals: &FeedIntervals,
) -> Result<(), BuildError> {
    let category = settings.feed.category;
    let meta = bundle.meta();
    let symbol = leg
        .symbol
        .clone()
        .map_or_else(|| meta.symbol.to_string(), |s| s.to_string());
    let id = match instruments.find(&symbol, category) {
        Err(error) if instruments.len() == 1 => {
            // One recording, and the bundle is for another symbol: say both.
            let (only, instrument) = instruments.iter().next().ok_or(error)?;
            let interval = first(intervals, only).unwrap_or(meta.interval);
            bundle.check_market(&instrument.symbol, category, interval)?;
            only
        }
        found => found?,
    };
    let has_its_own = || {
        let available = intervals.get(&id);
        available.is_some_and(|available| available.contains(&meta.interval))
    };
    let of_feed = || first(intervals, id).filter(|_| !has_its_own());
    if let Some(interval) = leg.interval.or_else(of_feed) {
        bundle.check_market(&instruments.get(id).symbol, category, interval)?;
    }
    Ok(())
}

/// What a leg trades and on which bars. They have to be among those of the feed, where these are
/// known: others never come.
fn place(
    settings: &Settings,
    leg: &LegSettings,
    strategy: &dyn Strategy,
    instruments: &Instruments,
    intervals: &FeedIntervals,
) -> Result<(InstrumentId, Interval), BuildError> {
    let info = strategy.info();
    let only = || (instruments.len() == 1).then(|| instruments.get(InstrumentId(0)).symbol.clone());
    let symbol = leg
        .symbol
        .clone()
        .or_else(|| info.symbol.clone())
        .or_else(only)
        .ok_or_else(|| BuildError::Setting(format!("{}: name the symbol to trade", info.name)))?;
    let instrument = instruments.find(symbol.as_str(), settings.feed.category)?;
    let interval = leg
        .interval
        .or(info.interval)
        .or_else(|| first(intervals, instrument))
        .ok_or_else(|| BuildError::Setting(format!("{symbol}: name the interval of its bars")))?;
    match intervals.get(&instrument) {
        Some(available) if !available.is_empty() && !available.contains(&interval) => {
            Err(BuildError::NoSuchBars {
                leg: info.name.clone(),
                symbol,
                interval,
                available: available.clone(),
            })
        }
        _ => Ok((instrument, interval)),
    }
}

/// Interval of an instrument's bars when nothing else says.
fn first(intervals: &FeedIntervals, id: InstrumentId) -> Option<Interval> {
    intervals.get(&id)?.first().copied()
}
