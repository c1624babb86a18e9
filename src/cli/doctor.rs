//! `tradeterm doctor`: every check there is, as a table or as JSON.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use super::args::{Cli, DoctorArgs};
use super::run::LATCH;
use super::{Exit, Failure, Outcome, screen};
use crate::app::doctor::{Check, Report, TerminalFacts, config_file, local, remote, terminal};
use crate::config::{Folders, Loaded, Settings};
use crate::domain::KillLevel;
use crate::store::LatchFile;
use crate::tui::terminal::wants_no_color;

pub(super) fn doctor(cli: &Cli, args: &DoctorArgs) -> Outcome {
    let folders = Folders::locate(cli.global.home.as_deref())?;
    let loaded = cli.sources(&folders).and_then(|sources| sources.load());
    let report = match loaded {
        Ok(loaded) => examine(cli, args, &loaded, &folders)?,
        Err(error) => Report {
            mode: None,
            account: args.account,
            checks: vec![
                Check::failure("config", error.to_string(), "see tradeterm config validate")
                    .exits(Exit::Config),
                Check::skipped("everything-else", "there are no settings to check against"),
            ],
        },
    };
    let mut out = std::io::stdout().lock();
    if cli.is_json() {
        writeln!(out, "{}", report.to_json())?;
    } else {
        out.write_all(report.to_text().as_bytes())?;
    }
    Ok(report.exit())
}

fn examine(
    cli: &Cli,
    args: &DoctorArgs,
    loaded: &Loaded,
    folders: &Folders,
) -> Result<Report, Failure> {
    let settings = &loaded.settings;
    let mode = settings.mode;
    let valid = format!("valid ({}), mode {mode}", &settings.hash()[..12]);
    let mut checks = vec![Check::ok("config", valid)];
    checks.extend(config_files(cli, folders));
    checks.extend(terminal(&terminal_facts(), settings));
    checks.push(match screen::first_theme(&settings.ui, folders) {
        Ok(theme) => Check::ok("theme", theme.name()),
        Err(error) => Check::failure("theme", error, "see tradeterm theme list"),
    });
    checks.push(match screen::keymap(folders) {
        Ok(_) => Check::ok("keymap", "every action has a key"),
        Err(failure) => Check::failure("keymap", failure.text, "see tradeterm keys check"),
    });
    let here = local(settings, folders);
    checks.extend(here.checks.iter().cloned());
    checks.push(latch(settings, folders));
    let lookup = |name: &str| std::env::var(name).ok();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let env = args.account.then_some(&lookup as _);
    checks.extend(runtime.block_on(remote(settings, &here, env)));
    Ok(Report {
        mode: Some(mode),
        account: args.account,
        checks,
    })
}

/// The files that settings came from.
fn config_files(cli: &Cli, folders: &Folders) -> Vec<Check> {
    let optional = [
        folders.config.join("config.toml"),
        PathBuf::from("tradeterm.toml"),
    ];
    let present = optional.into_iter().filter(|path| path.exists());
    let files = present.chain(cli.global.config.iter().cloned());
    files.map(|path| config_file(&path)).collect()
}

/// Whether an earlier stop still holds.
fn latch(settings: &Settings, folders: &Folders) -> Check {
    let file = LatchFile::new(folders.state_of(settings.mode).join(LATCH));
    match file.load() {
        Ok(None) => Check::ok("kill-latch", "never set"),
        Ok(Some(record)) if record.level == KillLevel::Active => {
            Check::ok("kill-latch", format!("released ({})", record.reason))
        }
        Ok(Some(record)) => Check::warning(
            "kill-latch",
            format!("trading is stopped: {} ({})", record.level, record.reason),
            "release it with tradeterm resume --reason ...",
        ),
        Err(error) => Check::failure(
            "kill-latch",
            format!("{} cannot be read: {error}", file.path().display()),
            "look at the file and its mode",
        ),
    }
}

fn terminal_facts() -> TerminalFacts {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let size = std::io::stdout()
        .is_terminal()
        .then(|| crossterm::terminal::size().ok())
        .flatten();
    // The first of these that is set decides (POSIX, locale).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .map(variable)
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_ascii_lowercase();
    TerminalFacts {
        size,
        depth: screen::depth_of_terminal(),
        wants_no_color: wants_no_color(),
        is_utf8: locale.contains("utf-8") || locale.contains("utf8"),
        term: variable("TERM"),
        in_tmux: !variable("TMUX").is_empty(),
    }
}
