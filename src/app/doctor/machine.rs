//! Checks of this machine: folders and their modes, disk, terminal.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::check::Check;
use crate::config::{Folders, Settings, SymbolSet};
use crate::store::files;
use crate::tui::theme::Depth;

/// Free space below which a session is likely to lose its journal.
const DISK_FAIL: u64 = 64 << 20;
/// Free space below which a person should know.
const DISK_WARN: u64 = 1 << 30;
/// Smallest terminal that shows a whole dashboard (UX, breakpoint S).
const WHOLE: (u16, u16) = (80, 24);
/// Smallest terminal that shows anything of use (UX, breakpoint XS).
const LEAST: (u16, u16) = (40, 10);
/// Bits that let other users in.
const OTHERS: u32 = 0o077;
/// Bit that lets every user write.
const ALL_WRITE: u32 = 0o002;

/// Folders and disk.
pub(super) fn checks(settings: &Settings, folders: &Folders) -> Vec<Check> {
    let log = settings.log.dir.clone().unwrap_or_else(|| folders.log());
    vec![
        folder("state-folder", &folders.state, Privacy::Needed),
        folder("runtime-folder", &folders.runtime, Privacy::Needed),
        folder("log-folder", &log, Privacy::Wanted),
        disk(&folders.state),
    ]
}

/// A settings file that was read.
#[must_use]
pub fn config_file(path: &Path) -> Check {
    let shown = path.display().to_string();
    let check = match std::fs::metadata(path) {
        Ok(meta) if meta.mode() & ALL_WRITE != 0 => Check::warning(
            "config-file",
            "every user can change it, and with it the limits",
            format!("run chmod o-w {shown}"),
        ),
        Ok(_) => Check::ok("config-file", "read"),
        Err(error) => Check::failure(
            "config-file",
            files::explain(&error),
            "name another with --config",
        ),
    };
    check.about(shown)
}

/// What becomes of a folder that other users can get into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Privacy {
    /// A session refuses it.
    Needed,
    /// A person should know.
    Wanted,
}

/// The path itself, or what there is of it.
fn existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|part| part.exists())
        .unwrap_or_else(|| Path::new("."))
}

fn folder(name: &'static str, path: &Path, privacy: Privacy) -> Check {
    let shown = path.display().to_string();
    let elsewhere = "make it your own, or name another place with --home";
    let found = existing(path);
    let is_there = found == path;
    let meta = match std::fs::metadata(found) {
        Ok(meta) => meta,
        Err(error) => return Check::failure(name, files::explain(&error), elsewhere).about(shown),
    };
    let check = if !meta.is_dir() {
        let text = format!("there is a file in the way: {}", found.display());
        Check::failure(name, text, elsewhere)
    } else if access(found, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let text = format!("{} cannot be written", found.display());
        Check::failure(name, text, elsewhere)
    } else if !is_there {
        Check::ok(name, "is made by the first session")
    } else if meta.uid() != rustix::process::geteuid().as_raw() {
        let text = "it belongs to another user";
        match privacy {
            Privacy::Needed => Check::failure(name, text, elsewhere),
            Privacy::Wanted => Check::warning(name, text, elsewhere),
        }
    } else if meta.mode() & OTHERS != 0 {
        let text = format!("it is open to other users (mode {:o})", meta.mode() & 0o777);
        let remedy = format!("run chmod 700 {shown}");
        match privacy {
            Privacy::Needed => Check::failure(name, text, remedy),
            Privacy::Wanted => Check::warning(name, text, remedy),
        }
    } else {
        Check::ok(name, format!("mode {:o}", meta.mode() & 0o777))
    };
    check.about(shown)
}

fn disk(path: &Path) -> Check {
    let found = existing(path);
    match statvfs(found) {
        Ok(facts) => judge_disk(facts.f_bavail.saturating_mul(facts.f_frsize)),
        Err(error) => Check::warning(
            "disk",
            format!(
                "the free space of {} is not known: {error}",
                found.display()
            ),
            "look at it yourself (df)",
        ),
    }
}

fn judge_disk(free: u64) -> Check {
    let mib = free >> 20;
    let text = format!("{mib} MiB free for journals and logs");
    let remedy = "free some space, or name another disk with --home";
    if free < DISK_FAIL {
        Check::failure("disk", text, remedy)
    } else if free < DISK_WARN {
        Check::warning("disk", text, remedy)
    } else {
        Check::ok("disk", text)
    }
}

/// What is known about the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalFacts {
    /// Columns and rows; `None` without a terminal.
    pub size: Option<(u16, u16)>,
    /// Colours.
    pub depth: Depth,
    /// Whether colours are off because somebody asked for it.
    pub wants_no_color: bool,
    /// Whether the locale says that text is UTF-8.
    pub is_utf8: bool,
    /// `TERM`.
    pub term: String,
    /// Whether it runs inside tmux.
    pub in_tmux: bool,
}

/// Judges the terminal: its size, its colours, its characters.
#[must_use]
pub fn terminal(facts: &TerminalFacts, settings: &Settings) -> Vec<Check> {
    let Some((columns, rows)) = facts.size else {
        let why = "there is no terminal here: the console needs one, run --no-tui does not";
        return vec![Check::skipped("terminal", why)];
    };
    let inside = if facts.in_tmux { ", in tmux" } else { "" };
    let text = format!("{columns} x {rows}{inside}");
    let remedy = format!("make it {} x {} or larger", WHOLE.0, WHOLE.1);
    let size = if columns < LEAST.0 || rows < LEAST.1 {
        Check::warning("terminal", format!("{text}: too small to read"), remedy)
    } else if columns < WHOLE.0 || rows < WHOLE.1 {
        let text = format!("{text}: only the most important lines fit");
        Check::warning("terminal", text, remedy)
    } else {
        Check::ok("terminal", text)
    };
    let depth = match facts.depth {
        Depth::True => "24 bits",
        Depth::C256 => "256 colours",
        Depth::C16 => "16 colours",
        Depth::Mono => "no colours",
    };
    let colours = if facts.depth == Depth::Mono && !facts.wants_no_color {
        Check::warning(
            "colours",
            format!("TERM={} shows no colours", facts.term),
            "use another terminal, or set TERM to what it is",
        )
    } else {
        Check::ok("colours", depth)
    };
    let is_ascii = settings.ui.symbols == SymbolSet::Ascii;
    let characters = if is_ascii {
        Check::ok("characters", "ASCII, as set")
    } else if facts.is_utf8 {
        Check::ok("characters", "UTF-8")
    } else {
        Check::warning(
            "characters",
            "the locale is not UTF-8, so lines and blocks may come out wrong",
            "set LANG to a UTF-8 locale, or ui.symbols = \"ascii\"",
        )
    };
    vec![size, colours, characters]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::app::doctor::Verdict::{self, Failure, Ok as Fine, Skipped, Warning};

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_enter_is_told_with_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state");
        let missing = folder("state-folder", &path, Privacy::Needed);
        assert_eq!(missing.verdict, Fine, "{missing:?}");
        std::fs::create_dir(&path).unwrap();
        for (mode, needed, wanted) in [
            (0o700, Fine, Fine),
            (0o750, Failure, Warning),
            (0o701, Failure, Warning),
        ] {
            set_mode(&path, mode);
            let check = folder("state-folder", &path, Privacy::Needed);
            assert_eq!(check.verdict, needed, "{check:?}");
            assert!(check.detail.contains(&format!("{mode:o}")), "{check:?}");
            assert_eq!(check.remedy.contains("chmod 700"), needed == Failure);
            let check = folder("log-folder", &path, Privacy::Wanted);
            assert_eq!(check.verdict, wanted, "{check:?}");
        }
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        let check = folder("state-folder", &file.join("below"), Privacy::Needed);
        assert_eq!(check.verdict, Failure);
        assert!(check.detail.contains("in the way"), "{check:?}");
    }

    #[test]
    fn a_settings_file_for_everybody_is_warned_about() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("run.toml");
        assert_eq!(config_file(&path).verdict, Failure);
        std::fs::write(&path, "").unwrap();
        for (mode, verdict) in [(0o644, Fine), (0o664, Fine), (0o666, Warning)] {
            set_mode(&path, mode);
            assert_eq!(config_file(&path).verdict, verdict, "{mode:o}");
        }
    }

    #[test]
    fn disk_space_has_two_thresholds() {
        for (free, verdict) in [
            (0, Failure),
            (DISK_FAIL - 1, Failure),
            (DISK_FAIL, Warning),
            (DISK_WARN - 1, Warning),
            (DISK_WARN, Fine),
        ] {
            assert_eq!(judge_disk(free).verdict, verdict, "{free}");
        }
    }

    #[test]
    fn terminals_get_their_verdicts() {
        let good = TerminalFacts {
            size: Some((120, 40)),
            depth: Depth::True,
            wants_no_color: false,
            is_utf8: true,
            term: "xterm-256color".to_owned(),
            in_tmux: true,
        };
        let settings = Settings::default();
        let verdicts = |facts: &TerminalFacts, settings: &Settings| -> Vec<Verdict> {
            let checks = terminal(facts, settings);
            checks.iter().map(|check| check.verdict).collect()
        };
        assert_eq!(verdicts(&good, &settings), [Fine, Fine, Fine]);
        let with = |change: fn(&mut TerminalFacts)| {
            let mut facts = good.clone();
            change(&mut facts);
            facts
        };
        let none = with(|facts| facts.size = None);
        assert_eq!(verdicts(&none, &settings), [Skipped]);
        for size in [(79, 24), (80, 23), (39, 30), (200, 9)] {
            let mut facts = good.clone();
            facts.size = Some(size);
            assert_eq!(
                verdicts(&facts, &settings),
                [Warning, Fine, Fine],
                "{size:?}"
            );
        }
        let dumb = with(|facts| facts.depth = Depth::Mono);
        assert_eq!(verdicts(&dumb, &settings), [Fine, Warning, Fine]);
        let asked = with(|facts| (facts.depth, facts.wants_no_color) = (Depth::Mono, true));
        assert_eq!(verdicts(&asked, &settings), [Fine, Fine, Fine]);
        let latin = with(|facts| facts.is_utf8 = false);
        assert_eq!(verdicts(&latin, &settings), [Fine, Fine, Warning]);
        let mut ascii = Settings::default();
        ascii.ui.symbols = SymbolSet::Ascii;
        assert_eq!(verdicts(&latin, &ascii), [Fine, Fine, Fine]);
    }
}
