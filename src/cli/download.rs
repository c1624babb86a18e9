//! `tradeterm download`: history from the venue, as recordings.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Cli, DownloadArgs};
use super::{Exit, Outcome, load};
use crate::app::doctor::access::{AccessError, MachineClock, client, market_hosts};
use crate::app::download::{DownloadRequest, Downloaded, PAUSES_MS, download as fetch};
use crate::config::Folders;
use crate::domain::{Category, Timestamp};

/// Gaps that are named one by one for people; JSON has all of them.
const SHOWN: usize = 20;

pub(super) fn download(cli: &Cli, args: &DownloadArgs) -> Outcome {
    let (loaded, folders) = load(cli)?;
    let category = Category::from(args.category);
    let request = DownloadRequest {
        symbol: args.symbol.clone(),
        category,
        interval: args.interval,
        from: args.from,
        to: args.to,
        funding: args.funding,
        out: args
            .out
            .clone()
            .unwrap_or_else(|| default_folder(args, category, &folders)),
        pauses_ms: PAUSES_MS.to_vec(),
    };
    let hosts = market_hosts(&loaded.settings).map_err(AccessError::from)?;
    let client = client(&loaded.settings, hosts.clone(), None)?;
    let clock = MachineClock::new();
    let bar = progress_bar(cli);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let fetched = runtime.block_on(fetch(&client, &hosts, &clock, &request, &mut progress));
    bar.finish_and_clear();
    let done = fetched?;
    let mut out = std::io::stdout().lock();
    if cli.is_json() {
        writeln!(out, "{}", done.to_json(&request))?;
    } else {
        tell(&mut out, &request, &done)?;
    }
    Ok(Exit::Done)
}

/// A folder that says what is in it, so that the same command finds it again.
fn default_folder(args: &DownloadArgs, category: Category, folders: &Folders) -> PathBuf {
    // No colon and no dash: the name can be typed and copied anywhere.
    let plain = |at: Timestamp| {
        let text = at.to_string().replace(['-', ':'], "");
        text.strip_suffix("T000000Z")
            .map_or(text.clone(), str::to_owned)
    };
    let name = format!(
        "bybit_{category}_{}_{}_{}_{}",
        args.symbol,
        args.interval,
        plain(args.from),
        plain(args.to)
    );
    folders.data.join("market").join(name)
}

fn tell(out: &mut impl Write, request: &DownloadRequest, done: &Downloaded) -> std::io::Result<()> {
    let DownloadRequest {
        symbol,
        category,
        interval,
        ..
    } = request;
    let folder = request.out.display();
    let (from, to) = (done.range.from, done.range.to);
    match done.n_bars {
        Some(n_bars) => {
            let resumed = match done.n_resumed {
                0 => String::new(),
                n => format!(" ({n} of them from an earlier call)"),
            };
            writeln!(
                out,
                "{n_bars} {interval} bars of {symbol} {category} from {from} to {to}{resumed} -> \
                 {folder}"
            )?;
        }
        None => writeln!(
            out,
            "{interval} bars of {symbol} {category} from {from} to {to} are in {folder} already"
        )?,
    }
    if let Some(n_funding) = done.n_funding {
        writeln!(out, "{n_funding} funding payments")?;
    }
    if done.is_cut {
        writeln!(out, "bars from {to} on had not ended: ask for them later")?;
    }
    for gap in done.gaps.iter().take(SHOWN) {
        let (from, to, n) = (gap.from, gap.to, gap.n_bars);
        writeln!(out, "gap: {} from {from} to {to}, {n} bars", gap.symbol)?;
    }
    if SHOWN < done.gaps.len() {
        writeln!(
            out,
            "... and {} more (--json lists all)",
            done.gaps.len() - SHOWN
        )?;
    }
    if !done.gaps.is_empty() {
        let (n_gaps, n_missing) = (done.gaps.len(), done.n_missing());
        writeln!(out, "{n_gaps} gaps, {n_missing} bars missing at the venue")?;
    }
    Ok(())
}

/// A bar over the range; hidden where nobody looks.
fn progress_bar(cli: &Cli) -> ProgressBar {
    if cli.global.output.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = "{bar:40} {percent}% {human_pos} of {human_len} bars, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
