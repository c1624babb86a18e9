//! The log of the process: a rolling file, never the terminal.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::{Exit, Failure};
use crate::config::{LogFormat, LogSettings};

/// Log files that are kept.
const KEPT: usize = 14;

/// Starts the log. Lines that come faster than the disk takes them are dropped, not waited for;
/// the guard writes what is left when it is dropped.
pub(super) fn start(settings: &LogSettings, folder: &Path) -> Result<WorkerGuard, Failure> {
    let dir = settings.dir.as_deref().unwrap_or(folder);
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("tradeterm")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(dir)
        .map_err(|error| {
            let text = format!(
                "cannot log to {}: {error}; name another folder with log.dir",
                dir.display()
            );
            Failure::new(Exit::Config, text)
        })?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    let filter = EnvFilter::new(format!("warn,tradeterm={}", settings.level.name()));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .with_span_events(FmtSpan::NONE);
    let started = match settings.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| Failure::new(Exit::Unexpected, error.to_string()))?;
    Ok(guard)
}
