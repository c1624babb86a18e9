//! Exit codes: what a supervisor or a script learns from the end of the process.

use std::process::ExitCode;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Finished, flat or as asked.
    Done = 0,
    /// Something unexpected went wrong.
    Unexpected = 1,
    /// The command line makes no sense, or there is no terminal and no `--no-tui`.
    Usage = 2,
    /// The configuration, a theme or a key map is invalid.
    Config = 3,
    /// Credentials are missing, wrong or too powerful.
    Credentials = 4,
    /// Exchange, feed or recording cannot be reached or read.
    Feed = 5,
    /// Our state and the exchange's, or a journal and its replay, disagree.
    Disagree = 6,
    /// The model does not match its feature statistics, its symbol or its bundle.
    Model = 7,
    /// Stopped by a person's kill, flat or as asked.
    Killed = 10,
    /// Stopped by a risk limit.
    Limit = 11,
    /// Stopped with positions or orders still open.
    Open = 12,
    /// Live trading was not confirmed.
    Unconfirmed = 13,
    /// Another instance owns the state.
    Locked = 14,
    /// A check found things to look at.
    Warnings = 20,
    /// A check found things that fail.
    Failures = 21,
    /// Ended in order after SIGINT.
    Interrupted = 130,
    /// Ended in order after SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Done,
        Self::Unexpected,
        Self::Usage,
        Self::Config,
        Self::Credentials,
        Self::Feed,
        Self::Disagree,
        Self::Model,
        Self::Killed,
        Self::Limit,
        Self::Open,
        Self::Unconfirmed,
        Self::Locked,
        Self::Warnings,
        Self::Failures,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Number that the system sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Meaning in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "finished, flat or as asked",
            Exit::Unexpected => "unexpected error",
            Exit::Usage => "usage, or no terminal and no --no-tui",
            Exit::Config => "configuration, theme or key map invalid",
            Exit::Credentials => "credentials missing, wrong or too powerful",
            Exit::Feed => "exchange, feed or recording cannot be reached or read",
            Exit::Disagree => "two records of the same thing disagree",
            Exit::Model => "model does not match its statistics, symbol or bundle",
            Exit::Killed => "stopped by a manual kill, flat or as asked",
            Exit::Limit => "stopped by a risk limit",
            Exit::Open => "stopped with positions or orders still open",
            Exit::Unconfirmed => "live trading not confirmed",
            Exit::Locked => "another instance owns this mode's state",
            Exit::Warnings => "check: warnings",
            Exit::Failures => "check: failures",
            Exit::Interrupted => "SIGINT, after a graceful stop",
            Exit::Terminated => "SIGTERM, after a graceful stop",
        }
    }

    /// Code of a session that ended for this reason: whether risk is left comes first.
    ///
    /// Only a kill, a limit or a signal gives way; an error stays the error it is.
    #[must_use]
    pub const fn with_open_risk(self, is_open: bool) -> Self {
        match self {
            Exit::Killed | Exit::Limit | Exit::Interrupted | Exit::Terminated if is_open => {
                Exit::Open
            }
            other => other,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_documented_ones() {
        let codes: Vec<_> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        let documented = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 20, 21, 130, 143];
        assert_eq!(codes, documented);
    }

    #[test]
    fn open_risk_wins_over_kill_limit_and_signals_only() {
        for exit in Exit::ALL {
            let gives_way = matches!(exit.code(), 10 | 11 | 130 | 143);
            let expected = if gives_way { Exit::Open } else { exit };
            assert_eq!(exit.with_open_risk(true), expected);
            assert_eq!(exit.with_open_risk(false), exit);
        }
    }
}
