//! Flags as the topmost layer of the settings.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::session::{BacktestArgs, ConsoleArgs, Rule, RunArgs, TradeArgs};
use super::{Cli, Command, Display, Global, Output};
use crate::config::{ConfigError, Folders, LogLevel, Sources, Speed};

impl Cli {
    /// Everything the settings of this call come from: files, environment, overrides, flags.
    ///
    /// # Errors
    ///
    /// When a `--set` is not `key=value`.
    pub fn sources(&self, folders: &Folders) -> Result<Sources, ConfigError> {
        self.apply(Sources::of_process(folders, &self.global.config))
    }

    /// Adds overrides and flags to `sources`.
    ///
    /// # Errors
    ///
    /// When a `--set` is not `key=value`.
    pub fn apply(&self, sources: Sources) -> Result<Sources, ConfigError> {
        let sources = self.global.apply(sources)?;
        Ok(match &self.command {
            None => self.console.apply(sources),
            Some(Command::Run(args)) => args.apply(sources),
            Some(Command::Backtest(args)) => args.apply(sources),
            Some(_) => sources,
        })
    }
}

impl Global {
    fn apply(&self, mut sources: Sources) -> Result<Sources, ConfigError> {
        for text in &self.set {
            sources = sources.set(text)?;
        }
        Ok(self.output.apply(self.display.apply(sources)))
    }
}

impl Display {
    fn apply(&self, mut sources: Sources) -> Sources {
        if let Some(theme) = &self.theme {
            sources = sources.flag("ui.theme", &json!(theme), "--theme");
        }
        if self.no_color {
            sources = sources.flag("ui.theme", &json!("mono"), "--no-color");
        }
        if self.ascii {
            sources = sources.flag("ui.symbols", &json!("ascii"), "--ascii");
        }
        if let Some(fps) = self.fps {
            sources = sources.flag("ui.fps", &json!(fps), "--fps");
        }
        sources
    }
}

impl Output {
    fn apply(&self, sources: Sources) -> Sources {
        let (level, flag) = match (self.log_level, self.quiet, self.verbose) {
            (Some(level), ..) => (level, "--log-level"),
            (None, true, _) => (LogLevel::Warn, "--quiet"),
            (None, false, 0) => return sources,
            (None, false, 1) => (LogLevel::Debug, "--verbose"),
            (None, false, _) => (LogLevel::Trace, "--verbose"),
        };
        sources.flag("log.level", &json!(level.name()), flag)
    }
}

impl ConsoleArgs {
    fn apply(&self, mut sources: Sources) -> Sources {
        if self.demo {
            sources = sources
                .as_replay("--demo")
                .flag("feed.kind", &json!("synthetic-demo"), "--demo")
                .flag("feed.bars", &json!([]), "--demo")
                .flag("feed.market", &Value::Null, "--demo")
                .flag("legs", &json!([]), "--demo");
        }
        if let Some(speed) = self.speed {
            sources = sources.flag("feed.speed", &json!(speed), "--speed");
        }
        sources
    }
}

impl RunArgs {
    fn apply(&self, sources: Sources) -> Sources {
        let mut sources = self.console.apply(sources);
        if let Some(mode) = self.mode {
            sources = sources.flag("mode", &json!(mode), "--mode");
        }
        self.trade.apply(sources, &[])
    }
}

impl BacktestArgs {
    fn apply(&self, sources: Sources) -> Sources {
        // Whatever the file trades on, a backtest is a replay of recordings.
        let sources =
            sources
                .as_replay("backtest")
                .flag("feed.speed", &json!(Speed::Max), "backtest");
        self.trade.apply(sources, &self.funding)
    }
}

impl TradeArgs {
    fn apply(&self, mut sources: Sources, funding: &[PathBuf]) -> Sources {
        if !self.bars.is_empty() {
            let files: Vec<_> = self
                .bars
                .iter()
                .enumerate()
                .map(|(n, path)| self.bars_entry(n, path, funding.get(n)))
                .collect();
            sources = sources
                .flag("feed.kind", &json!("bars"), "--bars")
                .flag("feed.market", &Value::Null, "--bars")
                .flag("feed.bars", &json!(files), "--bars");
        }
        let (leg, flag) = match (&self.model, self.rule) {
            (Some(model), _) => (json!({"strategy": "agent", "model": model}), "--model"),
            (None, Some(rule)) => (rule_leg(rule), "--rule"),
            (None, None) => return sources,
        };
        let mut legs = Vec::new();
        for symbol in &self.symbols {
            let mut leg = leg.clone();
            leg["symbol"] = json!(symbol);
            legs.push(leg);
        }
        if legs.is_empty() {
            legs.push(leg);
        }
        if let Some(interval) = self.interval {
            for leg in &mut legs {
                leg["interval"] = json!(interval);
            }
        }
        sources.flag("legs", &json!(legs), flag)
    }

    fn bars_entry(&self, n: usize, path: &Path, funding: Option<&PathBuf>) -> Value {
        let mut entry = json!({"path": path});
        if self.symbols.len() == self.bars.len() {
            entry["symbol"] = json!(self.symbols[n]);
        }
        if let Some(interval) = self.interval {
            entry["interval"] = json!(interval);
        }
        if let Some(funding) = funding {
            entry["funding"] = json!(funding);
        }
        entry
    }
}

fn rule_leg(rule: Rule) -> Value {
    match rule {
        Rule::Flat => json!({"strategy": "flat"}),
        Rule::MaCross {
            fast,
            slow,
            long_short,
        } => json!({
            "strategy": "ma-cross",
            "fast": fast,
            "slow": slow,
            "long_short": long_short,
        }),
    }
}
