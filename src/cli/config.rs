//! `tradeterm config`, `theme` and `keys`: what is set, and whether a file is right.

use std::io::Write;
use std::path::Path;

use super::args::{Cli, ConfigCommand, KeysCommand, ThemeCommand};
use super::{Exit, Failure, Outcome, load, screen};
use crate::config::{Folders, Sources};
use crate::store::files;
use crate::tui::action::ACTIONS;
use crate::tui::keymap::{Keymap, SHIPPED};

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
            let (loaded, folders) = load(cli)?;
            screen::check(&loaded.settings.ui, &folders)?;
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

pub(super) fn theme(cli: &Cli, command: &ThemeCommand) -> Outcome {
    let folder = Folders::locate(cli.global.home.as_deref())?
        .config
        .join("themes");
    let mut out = std::io::stdout().lock();
    let fail = |error: String| Failure::new(Exit::Config, error);
    match command {
        ThemeCommand::List => {
            for name in screen::theme_names(&folder) {
                let theme = screen::find_theme(&folder, &name).map_err(fail)?;
                let variant = format!("{:?}", theme.variant()).to_lowercase();
                writeln!(out, "{name:<18} {variant}")?;
            }
        }
        ThemeCommand::Validate { files } if files.is_empty() => {
            for name in screen::theme_names(&folder) {
                screen::find_theme(&folder, &name).map_err(fail)?;
                writeln!(out, "valid: {name}")?;
            }
        }
        ThemeCommand::Validate { files } => {
            for file in files {
                screen::read_theme(file).map_err(fail)?;
                writeln!(out, "valid: {}", file.display())?;
            }
        }
    }
    Ok(Exit::Done)
}

pub(super) fn keys(cli: &Cli, command: &KeysCommand) -> Outcome {
    let folders = Folders::locate(cli.global.home.as_deref())?;
    let mut out = std::io::stdout().lock();
    match command {
        KeysCommand::List => {
            let keymap = screen::keymap(&folders)?;
            for spec in ACTIONS {
                let keys = keymap.keys(spec.action);
                let keys = if keys.is_empty() { "-" } else { &keys };
                writeln!(out, "{:<18} {keys:<16} {}", spec.id, spec.help)?;
            }
        }
        KeysCommand::Check { file } => {
            let own = folders.config.join("keymap.toml");
            let path = match file {
                Some(file) => file.clone(),
                None if own.exists() => own,
                None => {
                    Keymap::from_toml(SHIPPED)
                        .map_err(|error| Failure::new(Exit::Config, error.to_string()))?;
                    writeln!(
                        out,
                        "valid: the shipped keys; {} is not there",
                        own.display()
                    )?;
                    return Ok(Exit::Done);
                }
            };
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
            format!("cannot read {}: {}", path.display(), files::explain(&error)),
        )
    })
}
