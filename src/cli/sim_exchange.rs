//! `tradeterm sim-exchange`: a local exchange until a signal ends it.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use super::args::{Cli, ClockKind, SimExchangeArgs};
use super::{Exit, Failure, Outcome, load};
use crate::app::{MarketSource, open_market};
use crate::config::{BarsSettings, FeedKind, Folders, PaperSettings, Settings};
use crate::domain::Timestamp;
use crate::runtime::clock::Clock;
use crate::venue::sim::Costs;
use crate::venue::sim::exchange::{ApiKey, ExchangeSetup, VenueRules};
use crate::venue::sim::server::{
    Leaf, Script, ScriptError, SimClock, SimConfig, SimError, SimServer, TlsSetup, Wall,
    endless_market,
};

/// Threads that serve connections; the venue itself is behind one mutex.
const THREADS: usize = 2;
/// Folder of the certificate in the runtime folder.
const TLS_DIR: &str = "sim-exchange";

/// A market with what the line about it says.
struct Shown {
    source: MarketSource,
    label: String,
}

pub(super) fn sim_exchange(cli: &Cli, args: &SimExchangeArgs) -> Outcome {
    let clock_kind = clock_kind(args)?;
    let (loaded, folders) = load(cli)?;
    let mut settings = loaded.settings;
    let clock = Clock::start();
    let skew = args.skew;
    let wall: Wall = Arc::new(move || clock.wall().plus_millis(skew));
    let shown = market(args, &mut settings, clock_kind, wall())?;
    let config = config(args, &settings, &folders, shown.source, clock_kind, wall)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?;
    runtime.block_on(serve(cli, args, config, &shown.label, clock_kind))
}

/// The clock asked for, where the flags allow it.
fn clock_kind(args: &SimExchangeArgs) -> Result<ClockKind, Failure> {
    match (args.clock, args.speed) {
        (None, None) => Ok(ClockKind::Real),
        (None, Some(_)) => Ok(ClockKind::Market),
        (Some(ClockKind::Real | ClockKind::Manual), Some(_)) => Err(Failure::new(
            Exit::Usage,
            "--speed belongs to --clock market: the real clock has its own speed, the manual \
             one none",
        )),
        (Some(kind), _) => Ok(kind),
    }
}

/// Opens the market that is shown.
fn market(
    args: &SimExchangeArgs,
    settings: &mut Settings,
    clock: ClockKind,
    now: Timestamp,
) -> Result<Shown, Failure> {
    if args.market.is_empty() {
        if clock == ClockKind::Real {
            let (feed, instruments) = endless_market(now)?;
            return Ok(Shown {
                label: format!("SYNTHETIC, {}", feed.label()),
                source: MarketSource {
                    feed,
                    instruments,
                    intervals: std::collections::BTreeMap::new(),
                    synthetic: true,
                },
            });
        }
        settings.feed.kind = FeedKind::SyntheticDemo;
    } else {
        name_market(args, settings)?;
    }
    let source = open_market(settings)?;
    let made_up = if source.synthetic { "SYNTHETIC, " } else { "" };
    Ok(Shown {
        label: format!("{made_up}{}", source.feed.label()),
        source,
    })
}

/// Puts the flags about the market into the settings that `run` reads too.
fn name_market(args: &SimExchangeArgs, settings: &mut Settings) -> Result<(), Failure> {
    let is_folder = |path: &Path| path.is_dir();
    if let [dir] = &args.market[..]
        && is_folder(dir)
    {
        settings.feed.kind = FeedKind::Market;
        settings.feed.market = Some(dir.clone());
        return Ok(());
    }
    if let Some(dir) = args.market.iter().find(|path| is_folder(path)) {
        let text = format!(
            "{}: a market folder stands alone: name one folder, or files with bars",
            dir.display()
        );
        return Err(Failure::new(Exit::Usage, text));
    }
    if args.market.len() < args.symbols.len() {
        return Err(Failure::new(
            Exit::Usage,
            "more --symbol than --market files: each belongs to the file in its place",
        ));
    }
    settings.feed.kind = FeedKind::Bars;
    settings.feed.bars = args
        .market
        .iter()
        .enumerate()
        .map(|(n, path)| BarsSettings {
            path: path.clone(),
            symbol: args.symbols.get(n).cloned(),
            interval: None,
            funding: None,
        })
        .collect();
    Ok(())
}

fn config(
    args: &SimExchangeArgs,
    settings: &Settings,
    folders: &Folders,
    source: MarketSource,
    clock: ClockKind,
    wall: Wall,
) -> Result<SimConfig, Failure> {
    let interval_ms = source
        .intervals
        .values()
        .flatten()
        .map(|i| i.millis())
        .max();
    let interval_ms = interval_ms.unwrap_or(0);
    let clock = match clock {
        ClockKind::Real => SimClock::Real(wall),
        ClockKind::Market => SimClock::Market {
            speed: args.speed.unwrap_or(1.0),
        },
        ClockKind::Manual => SimClock::Manual,
    };
    let script = args.script.as_deref().map(Script::read).transpose()?;
    let tls = args.tls.then(|| TlsSetup {
        dir: args
            .tls_dir
            .clone()
            .unwrap_or_else(|| folders.runtime.join(TLS_DIR)),
        leaf: Leaf::Good,
    });
    let paper = &settings.paper;
    let rate = |set: Option<f64>, profile| PaperSettings::rate_of_bps(set.unwrap_or(profile));
    let costs = Costs {
        maker: rate(paper.maker_bps, PaperSettings::MAKER_BPS),
        taker: rate(paper.taker_bps, PaperSettings::TAKER_BPS),
        slippage: rate(paper.slippage_bps, PaperSettings::SLIPPAGE_BPS),
    };
    let cash = args.capital.unwrap_or(settings.account.capital);
    let mut matcher = crate::venue::sim::Settings::new(cash, &settings.account.coin, costs);
    matcher.participation = Some(paper.participation).filter(|part| !part.is_zero());
    Ok(SimConfig {
        rest: args.rest,
        ws: Some(args.ws),
        exchange: ExchangeSetup {
            instruments: source.instruments,
            matcher,
            keys: vec![ApiKey::new(&args.key, &args.secret)],
            start: Timestamp::default(),
            rules: VenueRules::default(),
        },
        market: source.feed,
        clock,
        history_ms: i64::from(args.history) * interval_ms,
        interval_ms,
        script: script.unwrap_or_default(),
        tls,
    })
}

/// Serves until a signal comes.
async fn serve(
    cli: &Cli,
    args: &SimExchangeArgs,
    config: SimConfig,
    label: &str,
    clock: ClockKind,
) -> Outcome {
    let watch =
        |kind| signal(kind).map_err(|error| Failure::new(Exit::Unexpected, error.to_string()));
    let mut interrupt = watch(SignalKind::interrupt())?;
    let mut terminate = watch(SignalKind::terminate())?;
    let server = SimServer::start(config).await?;
    say(cli.is_json(), args, &server, label, clock)?;
    let exit = tokio::select! {
        // Whoever asks for both gets the stricter word.
        biased;
        _ = terminate.recv() => Exit::Terminated,
        _ = interrupt.recv() => Exit::Interrupted,
    };
    server.stop().await;
    Ok(exit)
}

/// Says where the exchange is. Nothing else goes to standard output.
fn say(
    as_json: bool,
    args: &SimExchangeArgs,
    server: &SimServer,
    label: &str,
    clock: ClockKind,
) -> Result<(), Failure> {
    let clock = match clock {
        ClockKind::Real => "real",
        ClockKind::Market => "market",
        ClockKind::Manual => "manual",
    };
    let (rest, ws) = (server.rest_url(), server.ws_url());
    let ca = server.ca_file().map(|file| file.display().to_string());
    let mut out = std::io::stdout().lock();
    if as_json {
        let line = serde_json::json!({
            "v": 1, "rest": rest, "ws": ws, "ca": ca, "key": args.key, "market": label,
            "clock": clock,
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "rest     {rest}")?;
        writeln!(out, "sockets  {ws}")?;
        writeln!(out, "control  {rest}/sim/")?;
        if let Some(ca) = ca {
            writeln!(out, "ca       {ca}")?;
        }
        writeln!(out, "key      {}", args.key)?;
        writeln!(out, "market   {label}")?;
        writeln!(out, "clock    {clock}")?;
    }
    out.flush()?;
    Ok(())
}

impl From<ScriptError> for Failure {
    fn from(error: ScriptError) -> Self {
        Self::new(Exit::Config, error.to_string())
    }
}

impl From<SimError> for Failure {
    fn from(error: SimError) -> Self {
        let exit = match &error {
            SimError::NotLoopback(_) | SimError::Speed(_) => Exit::Usage,
            SimError::Bind { .. } | SimError::Exchange(_) | SimError::Tls(_) => Exit::Config,
        };
        Self::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::Command;
    use super::*;

    fn args(words: &[&str]) -> SimExchangeArgs {
        let words = ["tradeterm", "sim-exchange"].iter().chain(words);
        match Cli::read(words).unwrap().command {
            Some(Command::SimExchange(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_speed_means_the_markets_clock() {
        assert_eq!(clock_kind(&args(&[])), Ok(ClockKind::Real));
        assert_eq!(clock_kind(&args(&["--speed", "60"])), Ok(ClockKind::Market));
        let manual = args(&["--clock", "manual"]);
        assert_eq!(clock_kind(&manual), Ok(ClockKind::Manual));
        for clock in ["real", "manual"] {
            let failure = clock_kind(&args(&["--clock", clock, "--speed", "2"])).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
        }
        for speed in ["0", "-1", "nan", "x"] {
            assert!(Cli::read(["tradeterm", "sim-exchange", "--speed", speed]).is_err());
        }
    }

    #[test]
    fn files_take_their_symbols_in_their_order() {
        let mut settings = Settings::default();
        let given = args(&["--market", "a.csv", "b.csv", "--symbol", "BTCUSDT"]);
        name_market(&given, &mut settings).unwrap();
        assert_eq!(settings.feed.kind, FeedKind::Bars);
        let symbols: Vec<_> = settings
            .feed
            .bars
            .iter()
            .map(|bars| bars.symbol.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(symbols, [Some("BTCUSDT".to_owned()), None]);
        let surplus = args(&["--market", "a.csv", "--symbol", "A", "--symbol", "B"]);
        assert!(name_market(&surplus, &mut settings).is_err());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        name_market(&args(&["--market", path]), &mut settings).unwrap();
        assert_eq!(settings.feed.kind, FeedKind::Market);
        assert!(name_market(&args(&["--market", path, "a.csv"]), &mut settings).is_err());
    }
}
