//! `tradeterm model check` and `model eval`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::args::{Cli, EvalArgs, ModelCommand};
use super::{Exit, Failure, Outcome, load};
use crate::app::load_bundle;
use crate::domain::{Bar, InstrumentId, Timestamp};
use crate::store::files;
use crate::strategy::agent::{Bundle, Evaluator, FirstDecision, check_golden, init};
use crate::venue::feed::FeedError;
use crate::venue::sim::recorded::{BarFile, guess_symbol};

/// Golden vectors that a bundle may carry, by the stem of their two files.
const GOLDENS: [&str; 2] = ["golden_synthetic", "golden"];

pub(super) fn model(cli: &Cli, command: &ModelCommand) -> Outcome {
    let (loaded, _) = load(cli)?;
    let library = loaded.settings.agent.onnxruntime.as_deref();
    let engine = init(library).map_err(|error| Failure::new(Exit::Model, error.to_string()))?;
    match command {
        ModelCommand::Check { bundles } => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "engine {}", engine.name())?;
            let mut worst = Exit::Done;
            for dir in bundles {
                worst = worst.max_of(check(dir, &mut out)?);
            }
            Ok(worst)
        }
        ModelCommand::Eval(args) => eval(args),
    }
}

fn check(dir: &Path, out: &mut impl Write) -> Result<Exit, Failure> {
    let (bundle, _) = match load_bundle(dir) {
        Ok(loaded) => loaded,
        Err(error) => {
            writeln!(out, "REFUSED {error}")?;
            return Ok(Exit::Model);
        }
    };
    let meta = bundle.meta();
    writeln!(
        out,
        "ok      {}: {} for {} {} {}, {} inputs, model {}",
        meta.name,
        meta.algo,
        meta.symbol,
        meta.category,
        meta.interval,
        meta.obs.dim,
        &bundle.hash()[..12]
    )?;
    let mut exit = Exit::Done;
    for stem in GOLDENS {
        exit = exit.max_of(check_one_golden(dir, stem, &bundle, out)?);
    }
    Ok(exit)
}

fn check_one_golden(
    dir: &Path,
    stem: &str,
    bundle: &Bundle,
    out: &mut impl Write,
) -> Result<Exit, Failure> {
    let csv = dir.join(format!("{stem}.csv.gz"));
    let json = dir.join(format!("{stem}.json"));
    if !csv.exists() || !json.exists() {
        return Ok(Exit::Done);
    }
    let report = check_golden(bundle, &csv, &json)?;
    let verdict = if report.passed() {
        "ok     "
    } else {
        "FAILED "
    };
    writeln!(out, "{verdict} {stem}: {report}")?;
    Ok(if report.passed() {
        Exit::Done
    } else {
        Exit::Model
    })
}

fn eval(args: &EvalArgs) -> Outcome {
    let (bundle, _) = load_bundle(&args.bundle)?;
    let sniff = BarFile::sniff(&args.bars)?;
    let meta = bundle.meta();
    let symbol = guess_symbol(&args.bars).unwrap_or_else(|| meta.symbol.clone());
    bundle.check_market(&symbol, meta.category, sniff.interval)?;
    let starts: BTreeSet<Timestamp> = args
        .episode_starts
        .iter()
        .map(|ms| Timestamp::from_millis(*ms))
        .collect();
    let mut evaluator = Evaluator::new(&bundle, starts, FirstDecision::FirstComplete)?;
    let bars = BarFile::open(&args.bars, InstrumentId(0), sniff.interval)?;
    let fail = |error: std::io::Error| {
        let text = format!(
            "cannot write {}: {}; name another --out",
            args.out.display(),
            files::explain(&error)
        );
        Failure::new(Exit::Unexpected, text)
    };
    let mut file = BufWriter::new(File::create(&args.out).map_err(fail)?);
    // The file of bars may be damaged further on: what came before is still evaluated, and the
    // damage is the result.
    let mut damage: Option<FeedError> = None;
    let whole = bars.map_while(|bar| match bar {
        Ok(bar) => Some(bar),
        Err(error) => {
            damage = Some(error);
            None::<Bar>
        }
    });
    let summary = evaluator.write_csv(whole, &mut file)?;
    file.flush().map_err(fail)?;
    if let Some(error) = damage {
        return Err(error.into());
    }
    if let Some(start) = summary.unmet_starts.first() {
        let text = format!(
            "no bar opens at --episode-start {}: name the open time of a bar of {}",
            start.millis(),
            args.bars.display()
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    writeln!(
        std::io::stdout(),
        "{} bars, {} decisions, {} holds -> {}",
        summary.n_bars,
        summary.n_decisions,
        summary.n_holds,
        args.out.display()
    )?;
    Ok(Exit::Done)
}

impl Exit {
    /// The more serious of two: anything but success.
    const fn max_of(self, other: Self) -> Self {
        if matches!(self, Exit::Done) {
            other
        } else {
            self
        }
    }
}
