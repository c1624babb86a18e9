//! `tradeterm config`, `theme` and `keys`: what is set, and whether a file is right.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::args::{Cli, ConfigCommand, KeysCommand, ThemeCommand};
use super::{Exit, Failure, Outcome, load};
use crate::config::{Folders, Sources};
use crate::tui::action::ACTIONS;
use crate::tui::keymap::Keymap;
use crate::tui::theme::Theme;

pub(super) fn config(cli: &Cli, command: &ConfigCommand) -> Outcome {
    let mut out = std::io::stdout().lock();
    match command {
        ConfigCommand::Show { origin } => {
            let (loaded, _) = load(cli)?;
            for row in loaded.effective() {
                if *origin {
                    writeln!(out, "{row}")?;
                } else {
                    writeln!(out, "{} = {}", row.key, row.value)?;
                }
            }
        }
        ConfigCommand::Validate { files } if files.is_empty() => {
            let (loaded, _) = load(cli)?;
            writeln!(out, "valid: {}", &loaded.settings.hash()[..12])?;
        }
        ConfigCommand::Validate { files } => {
            for file in files {
                let loaded = Sources::new().file(file).load()?;
                writeln!(
                    out,
                    "valid: {} {}",
                    file.display(),
                    &loaded.settings.hash()[..12]
                )?;
            }
        }
        ConfigCommand::Path => {
            let folders = Folders::locate(cli.global.home.as_deref())?;
            for (name, path) in [
                ("config", &folders.config),
                ("data", &folders.data),
                ("state", &folders.state),
                ("cache", &folders.cache),
                ("runtime", &folders.runtime),
            ] {
                writeln!(out, "{name:<8} {}", path.display())?;
            }
        }
    }
    Ok(Exit::Done)
}

pub(super) fn theme(command: &ThemeCommand) -> Outcome {
    let mut out = std::io::stdout().lock();
    let fail = |error: String| Failure::new(Exit::Config, error);
    match command {
        ThemeCommand::List => {
            for name in Theme::builtin_names() {
                let theme = Theme::builtin(name).ok_or_else(|| fail(format!("no theme {name}")))?;
                writeln!(out, "{name:<18} {:?}", theme.variant())?;
            }
        }
        ThemeCommand::Validate { files } => {
            for file in files {
                let text = read(file)?;
                let parents = |parent: &str| Theme::builtin_text(parent).map(str::to_owned);
                Theme::parse(&file.display().to_string(), &text, &parents)
                    .map_err(|error| fail(error.to_string()))?;
                writeln!(out, "valid: {}", file.display())?;
            }
        }
    }
    Ok(Exit::Done)
}

pub(super) fn keys(command: &KeysCommand) -> Outcome {
    let mut out = std::io::stdout().lock();
    match command {
        KeysCommand::List => {
            let keymap = Keymap::builtin();
            for spec in ACTIONS {
                let keys = keymap.keys(spec.action);
                writeln!(out, "{:<18} {keys:<16} {}", spec.id, spec.help)?;
            }
        }
        KeysCommand::Check { file } => {
            let path = file
                .clone()
                .unwrap_or_else(|| PathBuf::from("config/keymap.toml"));
            Keymap::from_toml(&read(&path)?).map_err(|error| {
                Failure::new(Exit::Config, format!("{}: {error}", path.display()))
            })?;
            writeln!(out, "valid: {}", path.display())?;
        }
    }
    Ok(Exit::Done)
}

/// Reads a small text file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Exit::Config,
            format!("cannot read {}: {error}", path.display()),
        )
    })
}
