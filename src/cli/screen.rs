//! Joins the console's two halves: its loop and its views, keys and themes of the user.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::Frame;

use super::config::read;
use super::{Exit, Failure};
use crate::config::{Folders, UiSettings};
use crate::control::Handle;
use crate::runtime::clock::Clock;
use crate::tui::keymap::Keymap;
use crate::tui::run::{Scene, Screen, Switches, UiEnd, UiError, UiOptions, run};
use crate::tui::terminal::wants_no_color;
use crate::tui::theme::{Depth, Theme};
use crate::tui::update::Layout;
use crate::tui::view::{self, KillView, OverlayData};

/// Theme without colours, for `NO_COLOR`.
const MONO: &str = "mono";
/// Theme when nothing else is said.
const DEFAULT: &str = "dark";

/// The keys of the user, or the shipped ones.
pub(super) fn keymap(folders: &Folders) -> Result<Keymap, Failure> {
    let path = folders.config.join("keymap.toml");
    if !path.exists() {
        return Ok(Keymap::builtin());
    }
    Keymap::from_toml(&read(&path)?)
        .map_err(|error| Failure::new(Exit::Config, format!("{}: {error}", path.display())))
}

/// The views with the theme in use.
pub(super) struct Console {
    theme: Theme,
    depth: Depth,
    folder: PathBuf,
}

impl Console {
    /// Loads the first theme.
    pub(super) fn open(settings: &UiSettings, folders: &Folders) -> Result<Self, Failure> {
        let folder = folders.config.join("themes");
        let name = theme_name(settings);
        let theme = find_theme(&folder, name).map_err(|text| Failure::new(Exit::Config, text))?;
        let depth = depth_of_terminal();
        Ok(Self {
            theme: theme.quantised(depth),
            depth,
            folder,
        })
    }

    /// Runs the console on this terminal until it ends.
    pub(super) fn run(
        &mut self,
        handle: Handle,
        keymap: Keymap,
        settings: &UiSettings,
        clock: Clock,
        switches: &Switches,
    ) -> Result<UiEnd, UiError> {
        let themes = theme_names(&self.folder);
        let options = UiOptions {
            fps: u16::try_from(settings.fps).unwrap_or(10),
            theme: self.theme.name().to_owned(),
            themes,
            keymap,
            mouse: settings.mouse,
            ascii: settings.is_ascii(),
        };
        let micros: crate::tui::input::Clock = Arc::new(move || clock.micros());
        run(handle, options, &micros, self, switches)
    }
}

impl Screen for Console {
    fn layout(&self) -> Layout {
        Layout {
            panes: view::panes,
            rows: view::rows,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, scene: &Scene<'_>) {
        let help: Vec<_> = scene
            .help
            .iter()
            .map(|h| (h.keys.clone(), h.text.clone(), h.danger))
            .collect();
        let palette: Vec<_> = scene
            .palette
            .iter()
            .map(|p| (p.text.clone(), p.keys.clone()))
            .collect();
        let kill = KillView {
            level: scene.kill.level,
            phase: scene.kill.phase,
            reason: scene.kill.reason,
        };
        let overlay = OverlayData {
            help: &help,
            palette: &palette,
        };
        let scene = view::Scene {
            snapshot: scene.snapshot,
            model: scene.model,
            kill,
            keymap: scene.keymap,
            overlay: &overlay,
        };
        view::draw(frame, &scene, &self.theme);
    }

    fn set_theme(&mut self, name: &str) -> Result<(), String> {
        self.theme = find_theme(&self.folder, name)?.quantised(self.depth);
        Ok(())
    }
}

/// Name of the first theme: what is set, else none at all for `NO_COLOR`, else dark.
fn theme_name(settings: &UiSettings) -> &str {
    match settings.theme.as_str() {
        "auto" if wants_no_color() => MONO,
        "auto" => DEFAULT,
        name => name,
    }
}

/// The first theme of the console.
pub(super) fn first_theme(settings: &UiSettings, folders: &Folders) -> Result<Theme, String> {
    find_theme(&folders.config.join("themes"), theme_name(settings))
}

/// Whether the console could open with this theme and the user's keys; said also where no console
/// opens, so that a mistake is found by whoever makes it.
pub(super) fn check(settings: &UiSettings, folders: &Folders) -> Result<(), Failure> {
    keymap(folders)?;
    find_theme(&folders.config.join("themes"), theme_name(settings))
        .map_err(|text| Failure::new(Exit::Config, text))?;
    Ok(())
}

/// Names of all themes: the shipped ones, then the user's own.
pub(super) fn theme_names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = Theme::builtin_names().map(str::to_owned).collect();
    for own in own_themes(folder) {
        if !names.contains(&own) {
            names.push(own);
        }
    }
    names
}

/// A theme of any file.
pub(super) fn read_theme(path: &Path) -> Result<Theme, String> {
    let text = read(path).map_err(|failure| failure.text)?;
    let parents = |parent: &str| Theme::builtin_text(parent).map(str::to_owned);
    Theme::parse(&path.display().to_string(), &text, &parents).map_err(|error| error.to_string())
}

/// A theme by the path of its file, else of the user's own folder, else a shipped one.
pub(super) fn find_theme(folder: &Path, name: &str) -> Result<Theme, String> {
    if name.contains('/') || Path::new(name).extension().is_some_and(|e| e == "toml") {
        return read_theme(Path::new(name));
    }
    let is_plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let own = folder.join(format!("{name}.toml"));
    if is_plain && own.is_file() {
        return read_theme(&own);
    }
    Theme::builtin(name).ok_or_else(|| {
        let known: Vec<&str> = Theme::builtin_names().collect();
        format!("unknown theme {name:?}; known: {}", known.join(", "))
    })
}

fn own_themes(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let is_theme = path.extension().is_some_and(|e| e == "toml");
            is_theme
                .then(|| path.file_stem()?.to_str().map(str::to_owned))
                .flatten()
        })
        .collect();
    names.sort();
    names
}

/// How many colours the terminal has, by the variables that terminals set.
pub(super) fn depth_of_terminal() -> Depth {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (colors, term) = (variable("COLORTERM"), variable("TERM"));
    if wants_no_color() || term == "dumb" {
        Depth::Mono
    } else if colors == "truecolor" || colors == "24bit" || term.contains("direct") {
        Depth::True
    } else if term.contains("256color") {
        Depth::C256
    } else {
        Depth::C16
    }
}
