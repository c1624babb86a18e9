//! Values that parse and still cannot work. Every finding says what would be right.
//!
//! A limit that can never be reached, or that refuses every order, is refused here rather than
//! found out while trading.

mod bands;
mod venue;

use super::sections::{ExecutionSettings, OrderStyle, PaperSettings, RiskSettings};
use super::settings::{FeedKind, FeedSettings, LegSettings, Settings, StrategyKind};
use super::values::Span;
use crate::domain::{Category, Money, Rate, TimeInForce};

/// Longest average, in bars.
const MAX_AVERAGE: u32 = 10_000;
/// Most legs of one session.
const MAX_LEGS: usize = 256;
/// Longest pause of a limit: a year.
const MAX_PAUSE_HOURS: u32 = 366 * 24;

/// What was found so far: keys with messages.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<(String, String)>);

impl Findings {
    fn add(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.0.push((key.into(), message.into()));
    }

    /// A part that has to lie above 0 and at most at 1.
    fn part(&mut self, key: &str, value: Rate) {
        if value <= Rate::ZERO {
            self.add(key, "it has to be above 0");
        } else if Rate::ONE < value {
            self.add(
                key,
                "it is a part and may not be above 1: 0.10 means ten percent",
            );
        }
    }

    fn range<T>(&mut self, key: &str, value: T, min: T, max: T)
    where
        T: PartialOrd + std::fmt::Display + Copy,
    {
        // Written so that a value that is no number at all is refused too.
        let fits = min <= value && value <= max;
        if !fits {
            self.add(key, format!("it has to be from {min} to {max}"));
        }
    }
}

/// Everything that cannot work, in the order of the sections. `is_set` says whether anybody set
/// a key.
pub(super) fn check(settings: &Settings, is_set: &dyn Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut findings = Findings::default();
    venue::check(settings, is_set, &mut findings);
    feed(&settings.feed, &mut findings);
    account(settings, &mut findings);
    legs(settings, &mut findings);
    risk(&settings.risk, &mut findings);
    execution(&settings.execution, &mut findings);
    paper(&settings.paper, &mut findings);
    bands::check(settings, &mut findings);
    findings.range("agent.deadline_ms", settings.agent.deadline_ms, 1, 60_000);
    findings.range(
        "agent.max_model_errors",
        settings.agent.max_model_errors,
        1,
        1_000,
    );
    findings.range("ui.fps", settings.ui.fps, 1, 60);
    if settings.ui.theme.trim().is_empty() {
        findings.add("ui.theme", "name a theme, or auto");
    }
    findings.0
}

fn feed(feed: &FeedSettings, findings: &mut Findings) {
    let given = |is: bool| if is { "is given" } else { "is missing" };
    if (feed.kind == FeedKind::Bars) == feed.bars.is_empty() {
        findings.add(
            "feed.bars",
            format!(
                "{}, but feed.kind decides: list files for the kind \"bars\" and only for it",
                given(!feed.bars.is_empty())
            ),
        );
    }
    if (feed.kind == FeedKind::Market) == feed.market.is_none() {
        findings.add(
            "feed.market",
            format!(
                "{}, but feed.kind decides: name a folder for the kind \"market\" and only for it",
                given(feed.market.is_some())
            ),
        );
    }
    if let Some(bars) = feed.warmup_bars {
        findings.range("feed.warmup_bars", bars, 0, 1_000_000);
    }
    if 1e6 < feed.speed.factor() && feed.speed.factor().is_finite() {
        findings.add("feed.speed", "it has to be at most 1000000; or use \"max\"");
    }
}

fn account(settings: &Settings, findings: &mut Findings) {
    let (account, risk) = (&settings.account, &settings.risk);
    let coin = account.coin.as_str();
    let is_coin = (1..=16).contains(&coin.len())
        && coin
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !is_coin {
        findings.add("account.coin", "write a coin as USDT");
    }
    if account.capital <= Money::ZERO {
        findings.add("account.capital", "it has to be above 0");
        return;
    }
    if Rate::ONE < risk.max_position_pct || risk.max_position_pct <= Rate::ZERO {
        return;
    }
    let largest = account.capital * risk.max_position_pct;
    if largest < risk.min_trade {
        findings.add(
            "risk.min_trade",
            format!(
                "every order would be refused: risk.max_position_pct {} of account.capital {} is \
                 {largest}; lower it to at most that",
                risk.max_position_pct, account.capital
            ),
        );
    }
}

fn legs(settings: &Settings, findings: &mut Findings) {
    if MAX_LEGS < settings.legs.len() {
        findings.add("legs", format!("there can be at most {MAX_LEGS}"));
    }
    if settings.legs.is_empty() && settings.feed.kind != FeedKind::SyntheticDemo {
        findings.add(
            "legs",
            "nothing would trade: add a [[legs]] table, name a bundle with --model, or a rule with --rule",
        );
    }
    for (n, leg) in settings.legs.iter().enumerate() {
        let key = format!("legs.{n}");
        one_leg(&key, leg, &settings.feed, findings);
        if let Some(first) = settings.legs[..n].iter().position(|other| other == leg) {
            findings.add(key, format!("it is the same as legs.{first}"));
        }
    }
}

fn one_leg(key: &str, leg: &LegSettings, feed: &FeedSettings, findings: &mut Findings) {
    let is_agent = leg.strategy == StrategyKind::Agent;
    // With a single recording there is nothing to choose from.
    let is_clear = is_agent || (feed.kind == FeedKind::Bars && feed.bars.len() == 1);
    if is_agent && leg.model.is_none() {
        findings.add(
            format!("{key}.model"),
            "an agent needs the folder of its bundle",
        );
    }
    if !is_agent && leg.model.is_some() {
        findings.add(
            format!("{key}.model"),
            "only the strategy \"agent\" has a model",
        );
    }
    if !is_clear && leg.symbol.is_none() {
        findings.add(format!("{key}.symbol"), "a rule has to be told its symbol");
    }
    if !is_clear && leg.interval.is_none() {
        findings.add(
            format!("{key}.interval"),
            "a rule has to be told its interval, such as 5m",
        );
    }
    averages(key, leg, feed.category, findings);
    for (name, part) in [
        ("max_position_pct", leg.max_position_pct),
        ("stop_loss_pct", leg.stop_loss_pct),
    ] {
        if let Some(part) = part {
            findings.part(&format!("{key}.{name}"), part);
        }
    }
}

fn averages(key: &str, leg: &LegSettings, category: Category, findings: &mut Findings) {
    let is_cross = leg.strategy == StrategyKind::MaCross;
    for (name, is_given) in [
        ("fast", leg.fast.is_some()),
        ("slow", leg.slow.is_some()),
        ("long_short", leg.long_short.is_some()),
    ] {
        if is_given && !is_cross {
            findings.add(
                format!("{key}.{name}"),
                "only the strategy \"ma-cross\" has it",
            );
        }
    }
    if !is_cross {
        return;
    }
    match (leg.fast, leg.slow) {
        (Some(fast), Some(slow)) => {
            findings.range(&format!("{key}.fast"), fast, 1, MAX_AVERAGE);
            findings.range(&format!("{key}.slow"), slow, 2, MAX_AVERAGE);
            if slow <= fast {
                findings.add(
                    format!("{key}.slow"),
                    format!("it has to be above fast = {fast}"),
                );
            }
        }
        (None, _) => findings.add(
            format!("{key}.fast"),
            "ma-cross needs fast and slow, in bars",
        ),
        (_, None) => findings.add(
            format!("{key}.slow"),
            "ma-cross needs fast and slow, in bars",
        ),
    }
    if leg.long_short == Some(true) && category == Category::Spot {
        findings.add(
            format!("{key}.long_short"),
            "spot cannot be short: set it to false, or feed.category to linear",
        );
    }
}

fn risk(risk: &RiskSettings, findings: &mut Findings) {
    findings.part("risk.max_position_pct", risk.max_position_pct);
    findings.part("risk.max_exposure_pct", risk.max_exposure_pct);
    findings.part("risk.stop_loss_pct", risk.stop_loss_pct);
    findings.part("risk.day_loss_pct", risk.day_loss_pct);
    findings.part("risk.week_loss_pct", risk.week_loss_pct);
    findings.part("risk.max_drawdown_pct", risk.max_drawdown_pct);
    findings.part("risk.price_band_pct", risk.price_band_pct);
    if risk.max_exposure_pct < risk.max_position_pct && risk.max_position_pct <= Rate::ONE {
        findings.add(
            "risk.max_position_pct",
            format!(
                "one position may not be larger than all together: \
                 risk.max_exposure_pct is {}",
                risk.max_exposure_pct
            ),
        );
    }
    if risk.week_loss_pct < risk.day_loss_pct && risk.day_loss_pct <= Rate::ONE {
        findings.add(
            "risk.day_loss_pct",
            format!(
                "it would never be reached: risk.week_loss_pct is {}",
                risk.week_loss_pct
            ),
        );
    }
    if risk.min_trade < Money::ZERO {
        findings.add("risk.min_trade", "it may not be negative");
    }
    findings.range("risk.stale_ms", risk.stale_ms, 100, 600_000);
    findings.range(
        "risk.max_orders_per_minute",
        risk.max_orders_per_minute,
        1,
        6_000,
    );
    for (key, pause) in [
        ("risk.day_loss_pause", risk.day_loss_pause),
        ("risk.week_loss_pause", risk.week_loss_pause),
        ("risk.pause", risk.pause),
    ] {
        if pause.millis() < 1_000 || Span::from_hours(MAX_PAUSE_HOURS) < pause {
            findings.add(key, "it has to be from 1s to 366d");
        }
    }
}

fn execution(execution: &ExecutionSettings, findings: &mut Findings) {
    let band = execution.dead_band_pct;
    if band < Rate::ZERO || Rate::ONE <= band {
        findings.add(
            "execution.dead_band_pct",
            "it is a part from 0 to below 1: 0.10 means ten percent",
        );
    }
    if execution.shrink_pct <= Rate::ZERO || Rate::ONE <= execution.shrink_pct {
        findings.add(
            "execution.shrink_pct",
            "it is a part above 0 and below 1: 0.10 means ten percent",
        );
    }
    if execution.order == OrderStyle::LimitPostOnly && execution.tif != TimeInForce::Gtc {
        findings.add(
            "execution.tif",
            "a post-only order has to rest: use GTC, or execution.order = \"market\"",
        );
    }
    findings.range(
        "execution.limit_offset_ticks",
        execution.limit_offset_ticks,
        0,
        10_000,
    );
}

fn paper(paper: &PaperSettings, findings: &mut Findings) {
    for (key, bps, min, max) in [
        ("paper.maker_bps", paper.maker_bps, -50.0, 200.0),
        ("paper.taker_bps", paper.taker_bps, 0.0, 200.0),
        ("paper.slippage_bps", paper.slippage_bps, 0.0, 1_000.0),
    ] {
        if let Some(bps) = bps {
            findings.range(key, bps, min, max);
        }
    }
    findings.range("paper.latency_ms", paper.latency_ms, 0, 60_000);
    findings.part("paper.participation", paper.participation);
}
