//! From settings to an engine with its feed and its paper broker.

use std::collections::BTreeMap;

use super::legs::{demo_legs, make_leg};
use crate::config::{
    FeedKind, FlipStyle as FlipSetting, LimitAction as ActionSetting, OrderStyle, PaperSettings,
    Settings,
};
use crate::domain::{
    Instrument, InstrumentError, InstrumentId, Instruments, Interval, KillLevel, Rate, Symbol,
    Timestamp,
};
use crate::engine::{Engine, EngineSettings, EntryStyle, FlipStyle, PlanRules, SetupError};
use crate::risk::{LimitAction, Limits};
use crate::runtime::LineNames;
use crate::runtime::clock::Watch;
use crate::store::LegHeader;
use crate::strategy::FeeSchedule;
use crate::strategy::agent::{BundleError, RuntimeError};
use crate::strategy::rules::MaCrossError;
use crate::venue::feed::{Feed, FeedError};
use crate::venue::sim::recorded::{BarFeed, BarFile, RecordedFeed, RowFeed, RowKind, guess_symbol};
use crate::venue::sim::synth::{SynthError, SynthFeed, demo_spec};
use crate::venue::sim::{Costs, Matcher, PaperBroker, SettingsError, instruments, recorded};

/// Largest value of all positions of the paper account, in multiples of its equity.
const LEVERAGE: u16 = 10;
/// Equity below this part of the positions' value liquidates the paper account.
const MAINTENANCE_BPS: i64 = 50;

/// Why a session cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A bundle was refused.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The ONNX engine cannot run.
    #[error(transparent)]
    Inference(#[from] RuntimeError),
    /// The feed cannot be opened.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A symbol is not known.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The made-up market cannot be made.
    #[error(transparent)]
    Synth(#[from] SynthError),
    /// A rule cannot be set up.
    #[error(transparent)]
    Rule(#[from] MaCrossError),
    /// Legs, limits and instruments do not fit.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The simulated broker refuses its settings.
    #[error(transparent)]
    Broker(#[from] SettingsError),
    /// A setting is missing or contradicts another.
    #[error("{0}")]
    Setting(String),
    /// A leg would wait for ever for bars that never come.
    #[error(
        "{leg} decides on {interval} bars of {symbol}, and the feed has {} only: give the leg one \
         of these, or the feed bars of {interval}",
        listed(.available)
    )]
    NoSuchBars {
        /// Name of the strategy.
        leg: String,
        /// Symbol it trades.
        symbol: Symbol,
        /// Interval it decides on.
        interval: Interval,
        /// Intervals that the feed has.
        available: Vec<Interval>,
    },
}

fn listed(intervals: &[Interval]) -> String {
    let names: Vec<&str> = intervals.iter().map(|interval| interval.name()).collect();
    names.join(", ")
}

/// Intervals of the bars that a feed has, by instrument; the first one decides where nothing else
/// says. They are not known for an instrument that is missing here.
pub type FeedIntervals = BTreeMap<InstrumentId, Vec<Interval>>;

/// A market to trade on.
pub struct MarketSource {
    /// Where events come from.
    pub feed: Box<dyn Feed>,
    /// Its instruments.
    pub instruments: Instruments,
    /// Bars that it has.
    pub intervals: FeedIntervals,
    /// Whether it is made up.
    pub synthetic: bool,
}

impl std::fmt::Debug for MarketSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MarketSource")
            .field("feed", &self.feed.label())
            .finish_non_exhaustive()
    }
}

/// Opens the feed that the settings name.
///
/// # Errors
///
/// When a file, a symbol or a setting is not usable.
pub fn open_market(settings: &Settings) -> Result<MarketSource, BuildError> {
    match settings.feed.kind {
        FeedKind::SyntheticDemo => {
            let spec = demo_spec();
            let table = spec.instruments()?;
            Ok(MarketSource {
                intervals: table
                    .iter()
                    .map(|(id, _)| (id, vec![spec.interval]))
                    .collect(),
                feed: Box::new(SynthFeed::new(&spec)?),
                instruments: table,
                synthetic: true,
            })
        }
        FeedKind::Market => {
            let dir = settings.feed.market.as_deref().ok_or_else(|| {
                BuildError::Setting("feed.kind is \"market\": set feed.market to a folder".into())
            })?;
            let market = recorded::open_market(dir)?;
            Ok(MarketSource {
                intervals: market
                    .instruments
                    .iter()
                    .map(|(id, _)| (id, vec![market.manifest.interval]))
                    .collect(),
                feed: Box::new(market.feed),
                instruments: market.instruments,
                synthetic: market.manifest.synthetic,
            })
        }
        FeedKind::Bars => open_bars(settings),
        FeedKind::Bybit => Err(BuildError::Setting(format!(
            "mode {} needs the venue connection, which is not wired yet: use mode = \"replay\"",
            settings.mode
        ))),
    }
}

fn open_bars(settings: &Settings) -> Result<MarketSource, BuildError> {
    let feed = &settings.feed;
    if feed.bars.is_empty() {
        return Err(BuildError::Setting(
            "feed.kind is \"bars\" but feed.bars is empty: name a file with --bars".into(),
        ));
    }
    let all = instruments::shipped();
    let mut rows = Vec::new();
    for file in &feed.bars {
        let symbol = file.symbol.clone().or_else(|| guess_symbol(&file.path));
        let Some(symbol) = symbol else {
            // A file that is not there is the greater mistake.
            BarFile::sniff(&file.path)?;
            return Err(BuildError::Setting(format!(
                "{}: the file name says no symbol: name it with --symbol",
                file.path.display()
            )));
        };
        let overview = BarFile::overview(&file.path)?;
        let id = all.find(symbol.as_str(), feed.category)?;
        let interval = file.interval.unwrap_or(overview.interval);
        rows.push((file, all.get(id).clone(), interval, overview));
    }
    // Several files of one symbol need not follow each other.
    let mut list: Vec<Instrument> = Vec::new();
    for (_, instrument, _, _) in &rows {
        if list.iter().all(|known| known.symbol != instrument.symbol) {
            list.push(instrument.clone());
        }
    }
    let table = Instruments::new(list)?;
    let mut feeds: Vec<Box<dyn Feed>> = Vec::new();
    let mut intervals = FeedIntervals::new();
    for (file, instrument, interval, overview) in rows {
        let id = table.find(instrument.symbol.as_str(), feed.category)?;
        let known = intervals.entry(id).or_default();
        if !known.contains(&interval) {
            known.push(interval);
        }
        let bars = BarFile::open(&file.path, id, interval)?;
        let span = overview.last.map(|last| {
            let end = last.plus_millis(interval.millis());
            (overview.first, end)
        });
        feeds.push(Box::new(BarFeed::new(bars, span)));
        if let Some(funding) = &file.funding {
            feeds.push(Box::new(RowFeed::open(funding, RowKind::Funding, id)?));
        }
    }
    let names: Vec<String> = feed
        .bars
        .iter()
        .filter_map(|f| Some(f.path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    // One file needs no merging.
    let feed: Box<dyn Feed> = match feeds.len() {
        1 => feeds.remove(0),
        _ => Box::new(RecordedFeed::new(names.join(" + "), feeds)),
    };
    Ok(MarketSource {
        feed,
        instruments: table,
        intervals,
        synthetic: false,
    })
}

/// An engine with what the session needs around it.
#[derive(Debug)]
pub struct Built {
    /// The engine.
    pub engine: Engine,
    /// The paper broker.
    pub broker: PaperBroker,
    /// How decisions are timed until the driver says otherwise.
    pub watch: Watch,
    /// Legs for the journal's header.
    pub legs: Vec<LegHeader>,
    /// Names for the lines.
    pub names: LineNames,
    /// Engine that runs the models; `None` without agents.
    pub inference: Option<String>,
    /// Session time that the slowest leg needs before it can decide, in milliseconds.
    pub warmup_ms: i64,
    /// Costs by instrument, for people.
    pub costs: Vec<String>,
}

/// Builds engine and broker over `instruments`.
///
/// # Errors
///
/// When a bundle, a limit or a leg is refused; nothing has been started then.
pub fn build_session(
    settings: &Settings,
    instruments: &Instruments,
    intervals: &FeedIntervals,
    level: KillLevel,
) -> Result<Built, BuildError> {
    let legs = if settings.legs.is_empty() {
        demo_legs(settings)?
    } else {
        settings.legs.clone()
    };
    let mut setups = Vec::new();
    let mut headers = Vec::new();
    let mut costs_of = BTreeMap::new();
    let mut names = Vec::new();
    let mut costs_text = Vec::new();
    let mut inference = None;
    let mut warmup_ms = 0;
    for leg in &legs {
        let made = make_leg(settings, leg, instruments, intervals)?;
        let info = made.setup.strategy.info().clone();
        let instrument = instruments.get(made.setup.instrument);
        let costs = costs(&settings.paper, info.fees);
        costs_text.push(format!(
            "{}: maker {}, taker {}, slippage {}",
            instrument.symbol, costs.maker, costs.taker, costs.slippage
        ));
        costs_of.insert(made.setup.instrument, costs);
        names.push((info.name.clone(), made.setup.instrument));
        inference = inference.or(made.inference);
        let needs = i64::try_from(info.warmup_bars).unwrap_or(i64::MAX);
        warmup_ms = warmup_ms.max(needs.saturating_mul(made.setup.interval.millis()));
        headers.push(LegHeader {
            name: info.name,
            family: info.family,
            bundle_hash: info.bundle_hash,
            model: made.model,
            symbol: instrument.symbol.clone(),
            category: instrument.category,
            interval: made.setup.interval,
        });
        setups.push(made.setup);
    }
    let engine = Engine::new(
        engine_settings(settings),
        instruments.clone(),
        setups,
        level,
    )?;
    let matcher = Matcher::new(
        instruments.clone(),
        crate::venue::sim::Settings {
            cash: settings.account.capital,
            coin: settings.account.coin.clone(),
            costs: costs(&settings.paper, None),
            costs_of,
            participation: Some(settings.paper.participation).filter(|p| !p.is_zero()),
            leverage: LEVERAGE,
            maintenance: Rate::from_bps(MAINTENANCE_BPS),
        },
    )?;
    Ok(Built {
        engine,
        broker: PaperBroker::new(matcher, settings.paper.latency_ms),
        watch: Watch::Off,
        legs: headers,
        names: LineNames {
            instruments: instruments.clone(),
            legs: names,
        },
        inference,
        warmup_ms,
        costs: costs_text,
    })
}

/// Costs of an instrument: what the settings say, else what the bundle was trained with, else
/// the profile (C-02).
fn costs(paper: &PaperSettings, bundle: Option<FeeSchedule>) -> Costs {
    let pick = |set: Option<f64>, bundle: Option<Rate>, profile: f64| {
        set.map(PaperSettings::rate_of_bps)
            .or(bundle)
            .unwrap_or_else(|| PaperSettings::rate_of_bps(profile))
    };
    Costs {
        maker: pick(
            paper.maker_bps,
            bundle.map(|f| f.maker),
            PaperSettings::MAKER_BPS,
        ),
        taker: pick(
            paper.taker_bps,
            bundle.map(|f| f.taker),
            PaperSettings::TAKER_BPS,
        ),
        slippage: pick(
            paper.slippage_bps,
            bundle.map(|f| f.slippage),
            PaperSettings::SLIPPAGE_BPS,
        ),
    }
}

fn engine_settings(settings: &Settings) -> EngineSettings {
    let execution = &settings.execution;
    EngineSettings {
        account: settings.mode.name().to_owned(),
        capital: settings.account.capital,
        limits: limits(settings),
        plan: PlanRules {
            entry: match execution.order {
                OrderStyle::Market => EntryStyle::Market,
                OrderStyle::LimitPostOnly => EntryStyle::PostOnly {
                    offset_ticks: execution.limit_offset_ticks,
                },
            },
            flip: match execution.flip {
                FlipSetting::TwoOrders => FlipStyle::TwoOrders,
                FlipSetting::Netted => FlipStyle::Netted,
            },
            tif: execution.tif,
            dead_band: execution.dead_band_pct,
            shrink: execution.shrink_pct,
        },
        max_model_errors: settings.agent.max_model_errors,
        stale_after_ms: i64::from(settings.risk.stale_ms),
        venue_stops: true,
    }
}

fn limits(settings: &Settings) -> Limits {
    let risk = &settings.risk;
    let action = |action: ActionSetting| match action {
        ActionSetting::Block => LimitAction::Block,
        ActionSetting::Pause => LimitAction::Pause,
        ActionSetting::Kill => LimitAction::Kill,
    };
    Limits {
        capital: settings.account.capital,
        max_position: risk.max_position_pct,
        max_exposure: risk.max_exposure_pct,
        stop_loss: risk.stop_loss_pct,
        day_loss: risk.day_loss_pct,
        day_action: action(risk.day_loss_action),
        day_pause_ms: risk.day_loss_pause.millis(),
        week_loss: risk.week_loss_pct,
        week_action: action(risk.week_loss_action),
        week_pause_ms: risk.week_loss_pause.millis(),
        max_drawdown: risk.max_drawdown_pct,
        drawdown_action: action(risk.max_drawdown_action),
        min_trade: risk.min_trade,
        price_band: risk.price_band_pct,
        reference_max_age_ms: i64::from(risk.stale_ms),
        max_orders_per_minute: risk.max_orders_per_minute,
        position_action: action(risk.max_position_action),
        exposure_action: action(risk.max_exposure_action),
        band_action: action(risk.price_band_action),
        frequency_action: action(risk.order_rate_action),
        refusal_pause_ms: risk.pause.millis(),
    }
}

/// First moment that is played at its own pace.
#[must_use]
pub fn unpaced_until(
    feed: &dyn Feed,
    settings: &Settings,
    interval: Option<Interval>,
    warmup_ms: i64,
) -> Option<Timestamp> {
    let (first, _) = feed.span()?;
    let wanted = match (settings.feed.warmup_bars, interval) {
        (Some(bars), Some(interval)) => i64::from(bars) * interval.millis(),
        _ => warmup_ms,
    };
    Some(first.plus_millis(wanted))
}
