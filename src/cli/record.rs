//! `tradeterm record`: live public data into a market folder, until a signal or the end of a time.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::{Cli, RecordArgs};
use super::live::dice;
use super::{Exit, Failure, Outcome, load, log};
use crate::app::doctor::access::{AccessError, client, extra_root, market_hosts};
use crate::app::record::{Gap, RecordRequest, Recorded, Recording, record as write};
use crate::domain::{Category, Symbol, Timestamp};
use crate::runtime::clock::Clock;
use crate::store::files;
use crate::venue::sim::recorded::FileKind;

/// Gaps that are named one by one for people; JSON has all of them.
const SHOWN: usize = 20;

pub(super) fn record(cli: &Cli, args: &RecordArgs) -> Outcome {
    let (loaded, folders) = load(cli)?;
    let settings = &loaded.settings;
    let request = RecordRequest {
        symbols: args.symbols.clone(),
        category: Category::from(args.category),
        interval: args.interval,
        depth: args.depth.topic(),
        out: args.out.clone(),
    };
    let hosts = market_hosts(settings).map_err(AccessError::from)?;
    let client = client(settings, hosts.clone(), None)?;
    let way = Recording {
        client: Arc::new(client),
        hosts: &hosts,
        extra_root: extra_root(settings)?,
        random: dice(Clock::start()),
    };
    let log_dir = folders.log();
    files::create_folder(&log_dir).map_err(|error| {
        let text = format!(
            "cannot make the folder {}: {}",
            log_dir.display(),
            files::explain(&error)
        );
        Failure::new(Exit::Config, text)
    })?;
    let _log = log::start(&settings.log, &log_dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut exit = Exit::Done;
    let is_quiet = cli.global.output.quiet;
    let mut tell = |n_topics: usize| {
        // Nothing is lost when nobody can read this.
        if !is_quiet {
            let out = request.out.display();
            drop(writeln!(
                std::io::stderr(),
                "recording {n_topics} topics -> {out}"
            ));
        }
    };
    let recorded = runtime.block_on(async {
        let watch =
            |kind| signal(kind).map_err(|error| Failure::new(Exit::Unexpected, error.to_string()));
        let signals = (
            watch(SignalKind::interrupt())?,
            watch(SignalKind::terminate())?,
        );
        let stop = async { exit = over(signals, args.length).await };
        Ok::<_, Failure>(write(way, &request, stop, &mut tell).await?)
    })?;
    let Some(recorded) = recorded else {
        return Ok(exit);
    };
    let mut out = std::io::stdout().lock();
    if cli.is_json() {
        writeln!(out, "{}", recorded.to_json(&request))?;
    } else if !is_quiet {
        say(&mut out, &request, &recorded)?;
    }
    Ok(exit)
}

/// Waits for a signal, or for the time to be over.
async fn over(signals: (Signal, Signal), length: Option<Duration>) -> Exit {
    let (mut interrupt, mut terminate) = signals;
    let time = async {
        match length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // Whoever asks for both gets the stricter word.
        biased;
        _ = terminate.recv() => Exit::Terminated,
        _ = interrupt.recv() => Exit::Interrupted,
        () = time => Exit::Done,
    }
}

fn say(out: &mut impl Write, request: &RecordRequest, done: &Recorded) -> std::io::Result<()> {
    let symbols: Vec<&str> = request.symbols.iter().map(Symbol::as_str).collect();
    writeln!(
        out,
        "{} {} from {} to {} -> {}",
        symbols.join(", "),
        request.category,
        done.from,
        done.to,
        request.out.display()
    )?;
    let n = |kind| done.n_rows(kind);
    writeln!(
        out,
        "{} {} bars, {} quotes, {} book messages, {} trades, {} funding payments",
        n(FileKind::Bars),
        request.interval,
        n(FileKind::Quotes),
        n(FileKind::Book),
        n(FileKind::Trades),
        n(FileKind::Funding)
    )?;
    for gap in done.gaps.iter().take(SHOWN) {
        writeln!(out, "{}", gap_line(gap))?;
    }
    let n_more = done.gaps.len().saturating_sub(SHOWN) as u64 + done.n_more_gaps;
    if 0 < n_more {
        writeln!(out, "... and {n_more} more (--json lists them)")?;
    }
    for (count, what) in [
        (done.n_reconnects, "reconnects"),
        (done.n_refused, "frames were not understood"),
        (done.n_crossed, "quotes were crossed and left out"),
    ] {
        if 0 < count {
            writeln!(out, "{count} {what}")?;
        }
    }
    Ok(())
}

fn gap_line(gap: &Gap) -> String {
    let symbols: Vec<&str> = gap.symbols.iter().map(Symbol::as_str).collect();
    let to = gap
        .to
        .map_or_else(|| "the end".to_owned(), |to: Timestamp| to.to_string());
    format!(
        "gap: {} {} from {} to {to}: {}",
        gap.kind.name(),
        symbols.join(", "),
        gap.from,
        gap.cause
    )
}
