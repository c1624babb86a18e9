//! `tradeterm backtest`: the same engine as fast as it goes, with a result.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{BacktestArgs, Cli};
use super::{Exit, Failure, Outcome, load};
use crate::app::{build_session, open_market};
use crate::config::Settings;
use crate::domain::{Intent, KillLevel, NotSent, Timestamp};
use crate::engine::Event;
use crate::report::{EquityCsv, Report, ReportBuilder, SessionFacts, TradesCsv};
use crate::runtime::clock::Clock;
use crate::runtime::{Session, Step, Witness, backtest as play};
use crate::store::files;

/// Milliseconds between two rows of the equity file.
const EQUITY_EVERY_MS: i64 = 3_600_000;

/// Folds a backtest into a report while it runs; memory does not grow with the bars.
struct Reporter {
    builder: ReportBuilder,
    trades: Option<TradesCsv<BufWriter<File>>>,
    equity: Option<EquityCsv<BufWriter<File>>>,
    next_equity: Timestamp,
}

impl Witness for Reporter {
    type Error = std::io::Error;

    fn source(&mut self, _: Timestamp, _: &Event) -> std::io::Result<()> {
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> std::io::Result<()> {
        let closed = self.builder.step(step.at, step.event, step.effects);
        if let Some(file) = &mut self.trades {
            for trade in closed {
                file.row(trade)?;
            }
        }
        if let Some(file) = &mut self.equity
            && self.next_equity <= step.at
        {
            self.next_equity = step.at.plus_millis(EQUITY_EVERY_MS);
            file.row(step.at, self.builder.equity())?;
        }
        Ok(())
    }

    fn admit(&mut self, _: &Intent) -> Result<(), NotSent> {
        Ok(())
    }
}

pub(super) fn backtest(cli: &Cli, args: &BacktestArgs) -> Outcome {
    let (loaded, _) = load(cli)?;
    let settings = loaded.settings;
    let mut market = open_market(&settings)?;
    let built = build_session(
        &settings,
        &market.instruments,
        &market.intervals,
        KillLevel::Active,
    )?;
    let facts = SessionFacts {
        run_id: settings.hash().chars().take(8).collect(),
        mode: settings.mode,
        synthetic: market.synthetic,
        feed: market.feed.label(),
        coin: settings.account.coin.clone(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        config_hash: settings.hash().chars().take(12).collect(),
        symbols: market
            .instruments
            .iter()
            .map(|(_, i)| i.symbol.clone())
            .collect(),
        legs: built.legs.iter().map(|l| l.name.clone()).collect(),
        start: settings.account.capital,
    };
    let mut reporter = reporter(facts, args.out.as_deref())?;
    let span = market.feed.span();
    let bar = progress_bar(span);
    let clock = Clock::start();
    let mut session = Session::new(built.engine, built.broker, built.watch);
    let n_events = play(&mut session, &mut market.feed, &mut reporter, |_, at| {
        if let Some((first, _)) = span {
            bar.set_position(u64::try_from(at.since(first)).unwrap_or(0));
        }
    })?;
    bar.finish_and_clear();
    if n_events == 0 {
        return Err(Failure::new(Exit::Feed, "the recording holds no bar"));
    }
    tracing::info!(
        n_events,
        seconds = clock.elapsed().as_secs_f64(),
        "backtest ended"
    );
    let report = finish(reporter)?;
    if let Some(dir) = &args.out {
        write_out(dir, &report, &settings)?;
    }
    let mut out = std::io::stdout().lock();
    if cli.is_json() {
        writeln!(out, "{}", json(&report)?)?;
    } else {
        write!(out, "{}", report.to_markdown())?;
        for costs in &built.costs {
            writeln!(out, "Costs of {costs}")?;
        }
    }
    Ok(Exit::Done)
}

fn reporter(facts: SessionFacts, out: Option<&Path>) -> Result<Reporter, Failure> {
    let create = |name: &str| -> Result<Option<BufWriter<File>>, Failure> {
        let Some(dir) = out else { return Ok(None) };
        let fail = |error: std::io::Error| {
            let text = format!(
                "cannot write to {}: {}; name another --out",
                dir.display(),
                files::explain(&error)
            );
            Failure::new(Exit::Unexpected, text)
        };
        std::fs::create_dir_all(dir).map_err(fail)?;
        Ok(Some(BufWriter::new(
            File::create(dir.join(name)).map_err(fail)?,
        )))
    };
    Ok(Reporter {
        builder: ReportBuilder::new(facts),
        trades: create("trades.csv")?.map(TradesCsv::new).transpose()?,
        equity: create("equity.csv")?.map(EquityCsv::new).transpose()?,
        next_equity: Timestamp::from_millis(i64::MIN),
    })
}

fn finish(reporter: Reporter) -> Result<Report, Failure> {
    if let Some(file) = reporter.trades {
        file.finish()?.flush()?;
    }
    if let Some(file) = reporter.equity {
        file.finish()?.flush()?;
    }
    Ok(reporter.builder.finish())
}

fn write_out(dir: &Path, report: &Report, settings: &Settings) -> Result<(), Failure> {
    std::fs::write(dir.join("report.json"), json(report)?)?;
    std::fs::write(dir.join("report.md"), report.to_markdown())?;
    let settings = serde_json::to_string_pretty(settings)
        .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?;
    std::fs::write(dir.join("settings.json"), settings)?;
    Ok(())
}

/// A bar over session time; hidden where nobody looks.
fn progress_bar(span: Option<(Timestamp, Timestamp)>) -> ProgressBar {
    let Some((first, last)) = span.filter(|_| std::io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let bar = ProgressBar::new(u64::try_from(last.since(first)).unwrap_or(1));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// A report as JSON.
pub(super) fn json(report: &Report) -> Result<String, Failure> {
    report
        .to_json()
        .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))
}
