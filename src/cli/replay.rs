//! `tradeterm replay`, `report` and `journal verify`: what can be done with a journal.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::args::{ReplayArgs, ReportArgs, ReportFormat};
use super::{Exit, Failure, Outcome};
use crate::app::{Built, SessionFolder, build_session};
use crate::config::Settings;
use crate::control::Line;
use crate::domain::KillLevel;
use crate::report::{ReportBuilder, SessionFacts};
use crate::runtime::{Session, Step, replay as repeat};
use crate::store::{Header, Journal, Record, verify as verify_journal};

/// Runs a recorded session again. Without `--check` it prints what happened; either way the first
/// difference stops it.
pub(super) fn replay(args: &ReplayArgs) -> Outcome {
    let journal = Journal::open(&find_journal(&args.journal)?)?;
    let built = rebuild(journal.header())?;
    let names = built.names.clone();
    let mut session = Session::new(built.engine, built.broker, built.watch);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut lines: Vec<Line> = Vec::new();
    let mut broken: Option<std::io::Error> = None;
    let mut print = |step: &Step<'_>| {
        if args.check || broken.is_some() {
            return;
        }
        lines.clear();
        names.of_step(step.at, step.event, step.effects, &mut lines);
        for line in &lines {
            let written = serde_json::to_writer(&mut out, line)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
            if let Err(error) = written {
                broken = Some(error);
            }
        }
    };
    let end = repeat(&mut session, journal, &mut print)?;
    if let Some(error) = broken.filter(|e| e.kind() != std::io::ErrorKind::BrokenPipe) {
        return Err(error.into());
    }
    if args.check {
        let stats = session.engine.stats();
        let closed = end
            .closed
            .unwrap_or_else(|| "not closed: the process was killed".to_owned());
        writeln!(
            out,
            "equal: {} steps, {} trades, equity {:.2}, session {closed}",
            end.n_equal,
            stats.n_trades,
            session.engine.equity()
        )?;
    }
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Done),
    }
}

/// The engine a journal was written by: its settings, its instruments, its bundles.
fn rebuild(header: &Header) -> Result<Built, Failure> {
    let settings: Settings = serde_json::from_value(header.settings.clone()).map_err(|error| {
        let text = format!(
            "the journal's settings are those of another build ({}): {error}; use that build",
            header.build
        );
        Failure::new(Exit::Disagree, text)
    })?;
    let intervals = header
        .legs
        .iter()
        .filter_map(|leg| {
            let id = header
                .instruments
                .find(leg.symbol.as_str(), leg.category)
                .ok()?;
            Some((id, vec![leg.interval]))
        })
        .collect();
    let built = build_session(
        &settings,
        &header.instruments,
        &intervals,
        KillLevel::Active,
    )?;
    for (then, now) in header.legs.iter().zip(&built.legs) {
        if then.bundle_hash != now.bundle_hash {
            let hash = |h: &Option<String>| -> String {
                h.as_deref().unwrap_or("-").chars().take(12).collect()
            };
            let text = format!(
                "bundle {} has hash {} now, the journal was made with {}: restore that bundle",
                then.name,
                hash(&now.bundle_hash),
                hash(&then.bundle_hash)
            );
            return Err(Failure::new(Exit::Model, text));
        }
    }
    Ok(built)
}

/// Prints the report of a journal, or of the newest one in a folder.
pub(super) fn report(args: &ReportArgs) -> Outcome {
    let path = find_journal(&args.source)?;
    let journal = Journal::open(&path)?;
    let mut builder = ReportBuilder::new(facts(journal.header()));
    for record in journal {
        match record {
            Ok(Record::Step {
                at, event, effects, ..
            }) => {
                builder.step(at, &event, &effects);
            }
            Ok(Record::Close { .. }) => {}
            // A session that was killed ends inside a record; everything before it is whole.
            Err(crate::store::JournalError::Torn { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let report = builder.finish();
    let mut out = std::io::stdout().lock();
    match args.format {
        ReportFormat::Md => write!(out, "{}", report.to_markdown())?,
        ReportFormat::Json => writeln!(out, "{}", super::backtest::json(&report)?)?,
    }
    Ok(Exit::Done)
}

fn facts(header: &Header) -> SessionFacts {
    SessionFacts {
        run_id: header.run_id.clone(),
        mode: header.mode,
        synthetic: header.synthetic,
        feed: header.feed.clone(),
        coin: header.coin.clone(),
        build: header.build.clone(),
        config_hash: header.config_hash.chars().take(12).collect(),
        symbols: header
            .instruments
            .iter()
            .map(|(_, i)| i.symbol.clone())
            .collect(),
        legs: header.legs.iter().map(|l| l.name.clone()).collect(),
        start: header.start,
    }
}

/// The journal itself, or the newest one under a session, state or home folder.
fn find_journal(source: &Path) -> Result<PathBuf, Failure> {
    if !source.is_dir() {
        return Ok(source.to_owned());
    }
    let direct = source.join("journal.ttj");
    if direct.is_file() {
        return Ok(direct);
    }
    let mut found = Vec::new();
    for state in [
        source.to_owned(),
        source.join("replay"),
        source.join("state/replay"),
    ] {
        found.extend(SessionFolder::new(&state).journals());
    }
    found.pop().ok_or_else(|| {
        let text = format!("{} holds no journal: name a journal.ttj", source.display());
        Failure::new(Exit::Usage, text)
    })
}

/// Checks a journal's chain from its first byte to its last.
pub(super) fn verify(path: &Path) -> Outcome {
    let summary = verify_journal(&find_journal(path)?)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "whole: {} records, {} bytes, inputs to {}, {}",
        summary.n_records,
        summary.n_bytes,
        summary
            .last_seq
            .map_or_else(|| "-".to_owned(), |seq| seq.to_string()),
        summary.closed.as_deref().unwrap_or("not closed")
    )?;
    Ok(Exit::Done)
}
