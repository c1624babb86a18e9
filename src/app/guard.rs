//! The live guard: whether a session may start, as a pure decision.
//!
//! Live trading needs all of: `mode = "live"` in a file, `--live` on the command line, a key of
//! its own, a passed check of key and account, and a typed phrase or `--confirm-live UID4:CAP`.
//! Whatever is missing refuses with reason and remedy; nothing falls back to another mode, and no
//! environment variable can stand for any of it. Asking the venue, asking the person and counting
//! what was typed is the caller's work: it comes back with more facts and gets a decision again.

mod confirm;

use super::permissions::{AccountReport, Finding, Severity, last_digits};
use crate::cli::Exit;
use crate::config::keys::{KeyError, needs_key};
use crate::config::{FeedKind, Loaded, Settings};
use crate::domain::{Mode, Money, Rate};

pub use confirm::{ConfirmError, ConfirmLive};

/// Phrases that a person may get wrong; after these the start is over.
pub const MAX_ATTEMPTS: usize = 3;

/// What is known about key and account so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountCheck<'a> {
    /// The venue was not asked yet.
    Missing,
    /// The venue did not answer; the text says how.
    Unreachable(&'a str),
    /// The venue does not take the key; the text says its answer.
    Rejected(&'a str),
    /// Key and account were judged.
    Done(&'a AccountReport),
}

/// Everything a decision is made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartRequest<'a> {
    /// The settings, with where each came from.
    pub loaded: &'a Loaded,
    /// Whether `--live` was given.
    pub live: bool,
    /// `--confirm-live`.
    pub confirm: Option<&'a ConfirmLive>,
    /// Key and account.
    pub check: AccountCheck<'a>,
    /// Whether a person can be asked: there is a terminal and no `--no-input`.
    pub can_ask: bool,
    /// What the person typed so far, the latest last.
    pub typed: &'a [String],
}

/// Proof that a session may start. Only this module makes one; the wiring of a broker that can
/// lose money asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    mode: Mode,
    max_exposure: Money,
    observes_only: bool,
}

impl Clearance {
    /// The mode that was cleared, and no other.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Largest value of all positions that was confirmed.
    #[must_use]
    pub const fn max_exposure(&self) -> Money {
        self.max_exposure
    }

    /// Whether the key can only look: no order may be sent.
    #[must_use]
    pub const fn observes_only(&self) -> bool {
        self.observes_only
    }
}

/// Why a session may not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {remedy}")]
pub struct Refusal {
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
    /// Exit code of the process.
    pub exit: Exit,
}

impl Refusal {
    fn new(exit: Exit, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
            exit,
        }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::new(Exit::Credentials, error.reason, error.remedy)
    }
}

/// The guard's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The session may start.
    Go(Clearance),
    /// The session may start once a person has typed `phrase`.
    NeedsPhrase {
        /// What has to be typed, exactly.
        phrase: String,
        /// What it is about, as lines of a label and a text.
        summary: Vec<(&'static str, String)>,
        /// Phrases that may still be wrong.
        attempts_left: usize,
    },
    /// The session may not start.
    Refused(Refusal),
}

/// Largest value of all positions under `settings`, in the account's coin: what is confirmed.
#[must_use]
pub fn max_exposure(settings: &Settings) -> Money {
    settings.account.capital * settings.risk.max_exposure_pct
}

/// What can be refused before a key is read or a host is named.
///
/// # Errors
///
/// The first thing that is missing or contradicts another.
pub fn preflight(
    loaded: &Loaded,
    live: bool,
    confirm: Option<&ConfirmLive>,
) -> Result<(), Refusal> {
    let settings = &loaded.settings;
    if settings.mode != Mode::Live {
        return not_live(loaded, live, confirm);
    }
    if loaded.live_file().is_none() {
        return Err(Refusal::new(
            Exit::Config,
            format!(
                "no file says mode = \"live\", it came from {}",
                loaded.origin("mode")
            ),
            "write mode = \"live\" into a file and name it with --config",
        ));
    }
    // The settings were checked, but not by everybody who can make them.
    let venue = &settings.venue;
    let overridden = venue.rest_url.is_some() || venue.ws_url.is_some() || venue.tls_root.is_some();
    if overridden || settings.feed.kind != FeedKind::Bybit {
        return Err(Refusal::new(
            Exit::Config,
            "live trading is for Bybit's own hosts and its own data",
            "set feed.kind = \"bybit\" and remove venue.rest_url, venue.ws_url and venue.tls_root",
        ));
    }
    if !live {
        return Err(Refusal::new(
            Exit::Unconfirmed,
            format!(
                "{} says mode = \"live\", and --live is missing",
                loaded.live_file().unwrap_or_default()
            ),
            "add --live to trade with real money, or --mode paper to trade without",
        ));
    }
    confirm.map_or(Ok(()), |confirm| cap(settings, confirm))
}

/// Flags of live trading without its mode: the person means something that would not happen.
fn not_live(loaded: &Loaded, live: bool, confirm: Option<&ConfirmLive>) -> Result<(), Refusal> {
    let flag = match (live, confirm) {
        (true, _) => "--live",
        (false, Some(_)) => "--confirm-live",
        (false, None) => return Ok(()),
    };
    let mode = loaded.settings.mode;
    let origin = loaded.origin("mode");
    let remedy = match origin.strip_prefix("env ") {
        Some(name) => format!("unset {name}, or drop {flag}"),
        None => format!("name a file with mode = \"live\" by --config, or drop {flag}"),
    };
    Err(Refusal::new(
        Exit::Config,
        format!("{flag} is given and the mode is {mode} (from {origin})"),
        remedy,
    ))
}

/// Whether the confirmed risk is the configured one.
fn cap(settings: &Settings, confirm: &ConfirmLive) -> Result<(), Refusal> {
    let configured = max_exposure(settings);
    if confirm.cap == configured {
        return Ok(());
    }
    let (capital, coin) = (settings.account.capital, &settings.account.coin);
    let reason = if capital < confirm.cap {
        format!(
            "--confirm-live has the cap {}, above account.capital {capital} {coin}",
            confirm.cap
        )
    } else {
        format!(
            "--confirm-live has the cap {}, and the settings allow {configured} {coin} \
             (account.capital {capital} times risk.max_exposure_pct {})",
            confirm.cap, settings.risk.max_exposure_pct
        )
    };
    Err(Refusal::new(
        Exit::Unconfirmed,
        reason,
        format!("confirm {configured}, or change the settings"),
    ))
}

/// Whether a session may start.
#[must_use]
pub fn decide(request: &StartRequest<'_>) -> Decision {
    match cleared(request) {
        Ok(decision) => decision,
        Err(refusal) => Decision::Refused(refusal),
    }
}

fn cleared(request: &StartRequest<'_>) -> Result<Decision, Refusal> {
    preflight(request.loaded, request.live, request.confirm)?;
    let settings = &request.loaded.settings;
    let go = |observes_only| {
        Decision::Go(Clearance {
            mode: settings.mode,
            max_exposure: max_exposure(settings),
            observes_only,
        })
    };
    if !needs_key(settings.mode) {
        return Ok(go(false));
    }
    let report = passed(request.check)?;
    if settings.mode != Mode::Live {
        return Ok(go(report.read_only));
    }
    let Some(user) = last_digits(&report.user_id) else {
        return Err(Refusal::new(
            Exit::Credentials,
            "the venue does not say whose key it is, so nobody can confirm it",
            "make a new key, or ask the venue",
        ));
    };
    let wanted = ConfirmLive {
        user: user.to_owned(),
        cap: max_exposure(settings),
    };
    if let Some(confirm) = request.confirm {
        if confirm.user != wanted.user {
            return Err(Refusal::new(
                Exit::Unconfirmed,
                format!(
                    "--confirm-live is for user \u{2026}{}, and the key belongs to user \u{2026}{user}",
                    confirm.user
                ),
                "give the key of the account you mean, or confirm the one it is for",
            ));
        }
        return Ok(go(report.read_only));
    }
    if !request.can_ask {
        return Err(Refusal::new(
            Exit::Unconfirmed,
            "live trading has to be confirmed, and there is nobody to ask",
            format!(
                "add --confirm-live {wanted} if user \u{2026}{user} and this exposure are meant"
            ),
        ));
    }
    ask(request, &wanted, report).map(|question| question.unwrap_or_else(|| go(report.read_only)))
}

/// The question, or nothing once it was answered.
fn ask(
    request: &StartRequest<'_>,
    wanted: &ConfirmLive,
    report: &AccountReport,
) -> Result<Option<Decision>, Refusal> {
    let phrase = format!("LIVE {} {}", wanted.user, wanted.cap);
    let is_right = |text: &String| text.trim() == phrase;
    let wrong = request.typed.iter().filter(|text| !is_right(text)).count();
    if MAX_ATTEMPTS <= wrong {
        return Err(Refusal::new(
            Exit::Unconfirmed,
            format!("the phrase was wrong {wrong} times"),
            format!("start again and type {phrase}, or trade with --mode paper"),
        ));
    }
    if request.typed.last().is_some_and(is_right) {
        return Ok(None);
    }
    Ok(Some(Decision::NeedsPhrase {
        phrase,
        summary: summary(request.loaded, report),
        attempts_left: MAX_ATTEMPTS - wrong,
    }))
}

/// The report, if key and account may be used.
fn passed(check: AccountCheck<'_>) -> Result<&AccountReport, Refusal> {
    let report = match check {
        AccountCheck::Done(report) => report,
        AccountCheck::Missing => {
            return Err(Refusal::new(
                Exit::Credentials,
                "key and account were not checked",
                "run tradeterm doctor --account",
            ));
        }
        AccountCheck::Unreachable(how) => {
            return Err(Refusal::new(
                Exit::Feed,
                format!("key and account cannot be checked: {how}"),
                "check the network and start again",
            ));
        }
        AccountCheck::Rejected(answer) => {
            return Err(Refusal::new(
                Exit::Credentials,
                format!("the venue does not take the key: {answer}"),
                "check that key, secret and mode belong together",
            ));
        }
    };
    let refused: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Refuse)
        .collect();
    let Some(first) = refused.first() else {
        return Ok(report);
    };
    let more = match refused.len() - 1 {
        0 => String::new(),
        n => format!("; {n} more in tradeterm doctor --account"),
    };
    Err(Refusal::new(
        first.topic.exit(),
        first.text.clone(),
        format!("{}{more}", first.remedy),
    ))
}

/// What a person should know before typing the phrase.
fn summary(loaded: &Loaded, report: &AccountReport) -> Vec<(&'static str, String)> {
    let settings = &loaded.settings;
    let (capital, coin) = (settings.account.capital, &settings.account.coin);
    let risk = &settings.risk;
    let loss = |part: Rate| format!("-{} {coin}", capital * part);
    let user = last_digits(&report.user_id).unwrap_or("?");
    let mut lines = vec![
        (
            "account",
            format!("user \u{2026}{user} ({})", settings.venue.account),
        ),
        (
            "equity",
            report
                .equity
                .map_or_else(|| "-".to_owned(), |equity| format!("{equity} {coin}")),
        ),
        (
            "settings",
            format!(
                "{} ({})",
                loaded.live_file().unwrap_or("-"),
                &settings.hash()[..12]
            ),
        ),
        (
            "limits",
            format!(
                "day {}, week {}, drawdown {}",
                loss(risk.day_loss_pct),
                loss(risk.week_loss_pct),
                loss(risk.max_drawdown_pct)
            ),
        ),
        (
            "exposure",
            format!(
                "at most {} {coin}, one position {} {coin}",
                max_exposure(settings),
                capital * risk.max_position_pct
            ),
        ),
        (
            "worst case",
            format!("one day: {} and slippage", loss(risk.day_loss_pct)),
        ),
    ];
    for finding in &report.findings {
        let label = match finding.severity {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Refuse => "refused",
        };
        lines.push((label, finding.text.clone()));
    }
    lines
}

#[cfg(test)]
mod tests;
