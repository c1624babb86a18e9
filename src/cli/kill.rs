//! `tradeterm kill`, `resume` and `status`: the latch from the shell.

use std::io::Write;

use super::args::{Cli, KillArgs, ResumeArgs, StatusArgs};
use super::run::LATCH;
use super::{Exit, Failure, Outcome, load};
use crate::config::Folders;
use crate::control::clean_reason;
use crate::domain::{KillLevel, Mode};
use crate::runtime::clock::Clock;
use crate::runtime::process::KILL_FILE;
use crate::store::{LatchFile, LatchRecord, Lock, LockError, files};

/// Stops trading: a running session sees the file within 250 ms; without one the latch itself is
/// set, so that the next start is stopped.
pub(super) fn kill(cli: &Cli, args: &KillArgs) -> Outcome {
    let (loaded, folders) = load(cli)?;
    folders.create()?;
    let level = KillLevel::from(args.level);
    let reason = args.reason.as_deref().map(clean_reason);
    let reason = reason
        .filter(|reason| !reason.is_empty())
        .unwrap_or_else(|| "tradeterm kill".to_owned());
    let mode = loaded.settings.mode;
    let mut out = std::io::stdout().lock();
    match Lock::acquire(&folders.state_of(mode)) {
        Ok(_lock) => {
            let latch = latch(&folders, mode);
            let record = read(&latch)?;
            let before = record
                .as_ref()
                .map_or(KillLevel::Active, |record| record.level);
            save(
                &latch,
                &LatchRecord {
                    level: before.max(level),
                    reason,
                    at_ms: now_ms(),
                    // A release that no session has seen yet stays one: this step replaces the
                    // one before it, not the one in the journal.
                    released: record.as_ref().is_some_and(|record| record.released),
                    // A step that held already stays the limit's.
                    by_limit: level <= before && record.is_some_and(|record| record.by_limit),
                },
            )?;
            writeln!(
                out,
                "no session runs; the next one starts at {}",
                before.max(level)
            )?;
        }
        Err(LockError::Held { pid, .. }) => {
            let path = folders.runtime.join(KILL_FILE);
            files::replace(&path, format!("{} {reason}\n", level.name()).as_bytes()).map_err(
                |error| {
                    let text = format!(
                        "cannot write {}: {}",
                        path.display(),
                        files::explain(&error)
                    );
                    Failure::new(Exit::Config, text)
                },
            )?;
            let pid = pid.map_or_else(
                || "the running session".to_owned(),
                |p| format!("process {p}"),
            );
            writeln!(out, "{level} asked of {pid}")?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Done)
}

/// Releases the latch for the next session. A session that runs is resumed in its own console,
/// where the person sees what is open.
pub(super) fn resume(cli: &Cli, args: &ResumeArgs) -> Outcome {
    let (loaded, folders) = load(cli)?;
    folders.create()?;
    let mode = loaded.settings.mode;
    let _lock = Lock::acquire(&folders.state_of(mode)).map_err(|error| match error {
        LockError::Held { pid, .. } => {
            let (who, how) = pid.map_or_else(
                || ("another process".to_owned(), "stop it".to_owned()),
                |p| (format!("process {p}"), format!("stop it (kill {p})")),
            );
            let text = format!(
                "{who} is trading: resume in its console with `:resume <reason>`, or {how} first"
            );
            Failure::new(Exit::Locked, text)
        }
        other @ LockError::Io { .. } => other.into(),
    })?;
    let latch = latch(&folders, mode);
    let before = read(&latch)?.map_or(KillLevel::Active, |record| record.level);
    save(
        &latch,
        &LatchRecord {
            level: KillLevel::Active,
            reason: format!("resumed: {}", args.reason),
            at_ms: now_ms(),
            released: true,
            by_limit: false,
        },
    )?;
    // A kill file that the crashed session had obeyed but not yet taken away would undo this.
    match std::fs::remove_file(folders.runtime.join(KILL_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    writeln!(std::io::stdout(), "released from {before}: {}", args.reason)?;
    Ok(Exit::Done)
}

/// Prints the latch and whether a session runs.
pub(super) fn status(cli: &Cli, _: &StatusArgs) -> Outcome {
    let (loaded, folders) = load(cli)?;
    let mode = loaded.settings.mode;
    let state = folders.state_of(mode);
    let record = read(&latch(&folders, mode))?;
    let level = record
        .as_ref()
        .map_or(KillLevel::Active, |record| record.level);
    // Looking must not make folders, and must not keep a session from starting for long.
    let running = state.is_dir() && matches!(Lock::acquire(&state), Err(LockError::Held { .. }));
    let reason = record.map(|record| record.reason);
    let mut out = std::io::stdout().lock();
    if cli.is_json() {
        let value = serde_json::json!({
            "v": 1, "mode": mode.name(), "running": running, "level": level.name(),
            "reason": reason,
        });
        writeln!(out, "{value}")?;
    } else {
        let running = if running { "running" } else { "not running" };
        let reason = reason.unwrap_or_else(|| "-".to_owned());
        writeln!(out, "{mode}: {running}, {level} ({reason})")?;
    }
    Ok(Exit::Done)
}

fn latch(folders: &Folders, mode: Mode) -> LatchFile {
    LatchFile::new(folders.state_of(mode).join(LATCH))
}

fn read(latch: &LatchFile) -> Result<Option<LatchRecord>, Failure> {
    latch
        .load()
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

fn save(latch: &LatchFile, record: &LatchRecord) -> Result<(), Failure> {
    latch
        .save(record)
        .map_err(|error| Failure::new(Exit::Config, error.to_string()))
}

fn now_ms() -> i64 {
    Clock::start().wall().millis()
}
