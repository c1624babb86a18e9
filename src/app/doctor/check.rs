//! What a check found, and what all of them together mean.

use serde_json::{Value, json};

use crate::cli::Exit;
use crate::domain::Mode;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There was nothing to look at; the detail says why.
    Skipped,
    /// As it should be.
    Ok,
    /// Worth looking at; a session would start.
    Warning,
    /// A session would not start, or not trade.
    Failure,
}

impl Verdict {
    /// Name as written in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Skipped => "skipped",
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Failure => "failure",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What kind of thing, such as `clock`; the same from run to run.
    pub name: &'static str,
    /// Which one of several, such as a symbol.
    pub subject: Option<String>,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found, in one line.
    pub detail: String,
    /// What to do about it; empty when nothing is.
    pub remedy: String,
    /// Exit code of the process when this fails and nothing more telling does.
    exit: Exit,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, detail: &str, remedy: &str) -> Self {
        Self {
            name,
            subject: None,
            verdict,
            detail: one_line(detail),
            remedy: one_line(remedy),
            exit: Exit::Failures,
        }
    }

    /// All is well.
    pub fn ok(name: &'static str, detail: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Ok, detail.as_ref(), "")
    }

    /// There was nothing to look at.
    pub fn skipped(name: &'static str, why: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Skipped, why.as_ref(), "")
    }

    /// Worth looking at.
    pub fn warning(name: &'static str, detail: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Warning, detail.as_ref(), remedy.as_ref())
    }

    /// In the way of a session.
    pub fn failure(name: &'static str, detail: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Failure, detail.as_ref(), remedy.as_ref())
    }

    /// Says which one of several it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says which code a failure of this ends the process with.
    #[must_use]
    pub const fn exits(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Name and subject, for people.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{} {subject}", self.name),
            None => self.name.to_owned(),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "subject": self.subject,
            "verdict": self.verdict.name(),
            "detail": self.detail,
            "remedy": Some(&self.remedy).filter(|text| !text.is_empty()),
        })
    }
}

/// Text without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// All checks of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Mode that was looked at; `None` when the settings cannot be read.
    pub mode: Option<Mode>,
    /// Whether key and account were asked for.
    pub account: bool,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl Report {
    /// Number of checks with that verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let with = self.checks.iter().filter(|check| check.verdict == verdict);
        with.count()
    }

    /// The worst verdict; ok when nothing was looked at.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        let verdicts = self.checks.iter().map(|check| check.verdict);
        verdicts.max().unwrap_or(Verdict::Ok).max(Verdict::Ok)
    }

    /// Exit code: of several failures the key's comes first (4), then settings that cannot be
    /// read (3), then a venue that cannot be reached (5), then any other (21); warnings are 20.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.worst() {
            Verdict::Skipped | Verdict::Ok => return Exit::Done,
            Verdict::Warning => return Exit::Warnings,
            Verdict::Failure => {}
        }
        let failed = |exit: Exit| {
            let mut failures = self.checks.iter().filter(|c| c.verdict == Verdict::Failure);
            failures.any(|check| check.exit == exit)
        };
        [Exit::Credentials, Exit::Config, Exit::Feed]
            .into_iter()
            .find(|exit| failed(*exit))
            .unwrap_or(Exit::Failures)
    }

    /// The report as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let checks: Vec<Value> = self.checks.iter().map(Check::to_json).collect();
        json!({
            "v": 1,
            "mode": self.mode.map(Mode::name),
            "account": self.account,
            "verdict": self.worst().name(),
            "exit": self.exit().code(),
            "counts": {
                "ok": self.count(Verdict::Ok),
                "warning": self.count(Verdict::Warning),
                "failure": self.count(Verdict::Failure),
                "skipped": self.count(Verdict::Skipped),
            },
            "checks": checks,
        })
    }

    /// The report as a table for people: verdict, name, what was found, and what to do.
    #[must_use]
    pub fn to_text(&self) -> String {
        let widest = self
            .checks
            .iter()
            .map(|check| check.title().chars().count());
        let width = widest.max().unwrap_or(0).min(44);
        let mut lines = Vec::new();
        for check in &self.checks {
            let verdict = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::Skipped => "-",
                Verdict::Warning => "WARNING",
                Verdict::Failure => "FAILURE",
            };
            let title = check.title();
            lines.push(format!("{verdict:<7}  {title:<width$}  {}\n", check.detail));
            if !check.remedy.is_empty() {
                lines.push(format!("{:<7}  {:<width$}  -> {}\n", "", "", check.remedy));
            }
        }
        let plural = |n: usize, word: &str| match n {
            1 => format!("1 {word}"),
            n => format!("{n} {word}s"),
        };
        lines.push(format!(
            "{} ok, {}, {}, {} skipped\n",
            self.count(Verdict::Ok),
            plural(self.count(Verdict::Warning), "warning"),
            plural(self.count(Verdict::Failure), "failure"),
            self.count(Verdict::Skipped)
        ));
        lines.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: Vec<Check>) -> Report {
        Report {
            mode: Some(Mode::Paper),
            account: false,
            checks,
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_most_telling_failure() {
        let ok = || Check::ok("a", "");
        let skipped = || Check::skipped("b", "");
        let warning = || Check::warning("c", "", "");
        let failure = |exit| Check::failure("d", "", "").exits(exit);
        for (checks, exit) in [
            (vec![], 0),
            (vec![skipped()], 0),
            (vec![ok(), skipped()], 0),
            (vec![ok(), warning(), skipped()], 20),
            (vec![warning().exits(Exit::Credentials)], 20),
            (vec![warning(), failure(Exit::Failures)], 21),
            (vec![failure(Exit::Feed), failure(Exit::Failures)], 5),
            (vec![failure(Exit::Feed), failure(Exit::Credentials)], 4),
            (vec![failure(Exit::Config), ok()], 3),
            (vec![failure(Exit::Model)], 21),
        ] {
            assert_eq!(report(checks.clone()).exit().code(), exit, "{checks:?}");
        }
    }

    #[test]
    fn people_see_every_check_with_its_remedy_on_lines_of_their_own() {
        let all = report(vec![
            Check::ok("clock", "+3 ms"),
            Check::warning("rules", "tick\n0.1\u{1b}[2J", "update").about("BTCUSDT"),
        ]);
        assert_eq!(
            all.to_text(),
            "ok       clock          +3 ms\n\
             WARNING  rules BTCUSDT  tick 0.1 [2J\n\
             \u{20}                       -> update\n\
             1 ok, 1 warning, 0 failures, 0 skipped\n"
        );
    }
}
