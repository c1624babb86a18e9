//! What a key may do and how an account is set up, judged before anything is sent.
//!
//! Pure: facts in, findings out; who asks the venue (`GET /v5/user/query-api`,
//! `/v5/account/info`, `/v5/position/list`) is not known here. A key that can withdraw is refused
//! without a way round, any other right beyond the needed ones has to be named in the settings,
//! and a difference between account and settings is told exactly (F34).

mod account;
mod key;

use crate::cli::Exit;
use crate::domain::{Mode, Money};

pub use account::{AccountFacts, AccountMargin, AccountPolicy, SymbolFacts, check_account};
pub use key::{KeyFacts, KeyPolicy, check_key, last_digits};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; trading goes on.
    Warning,
    /// No session with this.
    Refuse,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The right to withdraw.
    Withdrawal,
    /// Rights that trading needs.
    NeededRights,
    /// Rights that trading does not need.
    ExtraRights,
    /// A key that can only look.
    ReadOnly,
    /// Addresses the key is bound to.
    Ips,
    /// End of the key's life.
    Expiry,
    /// Unified or classic account.
    AccountType,
    /// Master or sub-account.
    Master,
    /// Whose key it is.
    User,
    /// How margin is shared.
    MarginMode,
    /// One-way or hedge.
    PositionMode,
    /// Leverage of a symbol.
    Leverage,
    /// The account's money against the settings.
    Equity,
}

impl Topic {
    /// Name as written in JSON, such as `extra-rights`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Topic::Withdrawal => "withdrawal",
            Topic::NeededRights => "needed-rights",
            Topic::ExtraRights => "extra-rights",
            Topic::ReadOnly => "read-only",
            Topic::Ips => "ips",
            Topic::Expiry => "expiry",
            Topic::AccountType => "account-type",
            Topic::Master => "master",
            Topic::User => "user",
            Topic::MarginMode => "margin-mode",
            Topic::PositionMode => "position-mode",
            Topic::Leverage => "leverage",
            Topic::Equity => "equity",
        }
    }

    /// Exit code of a session that is refused for this: the key, or account against settings.
    #[must_use]
    pub const fn exit(self) -> Exit {
        match self {
            Topic::MarginMode | Topic::PositionMode | Topic::Leverage | Topic::Equity => {
                Exit::Config
            }
            _ => Exit::Credentials,
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in one line.
    pub text: String,
    /// What to do; empty when nothing is.
    pub remedy: String,
}

impl Finding {
    fn ok(topic: Topic, text: impl Into<String>) -> Self {
        Self::new(topic, Severity::Ok, text, "")
    }

    fn new(
        topic: Topic,
        severity: Severity,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            topic,
            severity,
            text: text.into(),
            remedy: remedy.into(),
        }
    }
}

/// The worst of `findings`; ok when there are none.
#[must_use]
pub fn worst(findings: &[Finding]) -> Severity {
    findings
        .iter()
        .map(|finding| finding.severity)
        .max()
        .unwrap_or(Severity::Ok)
}

/// What live refuses and only a warning is where no real money is.
const fn live_refuses(mode: Mode) -> Severity {
    match mode {
        Mode::Live => Severity::Refuse,
        _ => Severity::Warning,
    }
}

/// Everything that was found out about key and account before a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReport {
    /// `userID` as text.
    pub user_id: String,
    /// Whether the key can only look.
    pub read_only: bool,
    /// Equity in the account's coin.
    pub equity: Option<Money>,
    /// Findings about key and account, in this order.
    pub findings: Vec<Finding>,
}

impl AccountReport {
    /// Judges key and account together.
    #[must_use]
    pub fn new(
        key: (&KeyFacts, &KeyPolicy<'_>),
        account: (&AccountFacts, &AccountPolicy<'_>),
    ) -> Self {
        let mut findings = check_key(key.0, key.1);
        findings.extend(check_account(account.0, account.1));
        Self {
            user_id: key.0.user_id.clone(),
            read_only: key.0.read_only,
            equity: account.0.equity,
            findings,
        }
    }

    /// The worst finding.
    #[must_use]
    pub fn worst(&self) -> Severity {
        worst(&self.findings)
    }
}

#[cfg(test)]
mod tests;
