//! What a key says about itself, against what a session asks of it.

use std::collections::BTreeMap;

use super::{Finding, Severity, Topic, live_refuses};
use crate::config::Settings;
use crate::domain::{Category, Mode, Timestamp};

/// Milliseconds of one day.
const DAY_MS: i64 = 86_400_000;
/// Days before its end from which a key is warned about.
const WARN_DAYS: i64 = 14;
/// Days before its end from which a key is refused.
const REFUSE_DAYS: i64 = 1;

/// A key's own description (Bybit v5, user/query-api).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFacts {
    /// `readOnly` is 1: the key can look and nothing else.
    pub read_only: bool,
    /// `permissions`: rights by group, as the venue spells them.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// `ips`: addresses the key works from; empty or `*` is any.
    pub ips: Vec<String>,
    /// `expiredAt`; the epoch itself, as in the venue's sample, means "not applicable".
    pub expires: Option<Timestamp>,
    /// `deadlineDay`: days left; negative means "not applicable".
    pub deadline_day: Option<i64>,
    /// `uta` is 1: a unified account.
    pub unified: bool,
    /// `isMaster`.
    pub is_master: bool,
    /// `userID` as text; empty or `0` is unknown.
    pub user_id: String,
}

/// What is asked of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy<'a> {
    /// Mode of the session; live is the strictest.
    pub mode: Mode,
    /// Markets that are traded.
    pub categories: &'a [Category],
    /// Rights that are accepted by name, such as `Wallet.AccountTransfer`.
    pub allow_permissions: &'a [String],
    /// Whether live takes a key that works from everywhere.
    pub accept_unbound_ip: bool,
    /// User of the first session with this account; `None` before it.
    pub pinned_user: Option<&'a str>,
    /// The present, by the venue's clock.
    pub now: Timestamp,
}

impl<'a> KeyPolicy<'a> {
    /// What `settings` ask of a key.
    #[must_use]
    pub fn new(settings: &'a Settings, pinned_user: Option<&'a str>, now: Timestamp) -> Self {
        Self {
            mode: settings.mode,
            categories: std::slice::from_ref(&settings.feed.category),
            allow_permissions: &settings.venue.allow_permissions,
            accept_unbound_ip: settings.venue.accept_unbound_ip,
            pinned_user,
            now,
        }
    }
}

/// Judges a key.
#[must_use]
pub fn check_key(facts: &KeyFacts, policy: &KeyPolicy<'_>) -> Vec<Finding> {
    let mut findings = vec![withdrawal(facts)];
    findings.extend(extra_rights(facts, policy));
    findings.extend(needed_rights(facts, policy));
    findings.push(ips(facts, policy));
    findings.push(expiry(facts, policy.now));
    findings.push(account_type(facts));
    findings.push(master(facts));
    findings.push(user(facts, policy));
    findings
}

/// Rights of a key as `Group.Right`, in the venue's spelling.
fn rights(facts: &KeyFacts) -> impl Iterator<Item = (&str, &str)> {
    facts.permissions.iter().flat_map(|(group, rights)| {
        rights
            .iter()
            .map(move |right| (group.as_str(), right.as_str()))
    })
}

fn is_withdrawal(right: &str) -> bool {
    right.to_ascii_lowercase().contains("withdraw")
}

fn withdrawal(facts: &KeyFacts) -> Finding {
    match rights(facts).find(|(_, right)| is_withdrawal(right)) {
        Some((group, right)) => Finding::new(
            Topic::Withdrawal,
            Severity::Refuse,
            format!("the key can withdraw ({group}.{right})"),
            "make a key without that right; no setting accepts it",
        ),
        None => Finding::ok(Topic::Withdrawal, "the key cannot withdraw"),
    }
}

/// Rights that a market needs, as groups with rights.
const fn needed(category: Category) -> &'static [(&'static str, &'static str)] {
    match category {
        Category::Linear => &[("ContractTrade", "Order"), ("ContractTrade", "Position")],
        Category::Spot => &[("Spot", "SpotTrade")],
    }
}

/// Rights that come along with the needed ones: unified keys may show them too.
const fn companions(category: Category) -> &'static [(&'static str, &'static str)] {
    match category {
        Category::Linear => &[("Derivatives", "DerivativesTrade")],
        Category::Spot => &[],
    }
}

fn extra_rights(facts: &KeyFacts, policy: &KeyPolicy<'_>) -> Option<Finding> {
    let is_expected = |pair: (&str, &str)| {
        policy.categories.iter().any(|category| {
            needed(*category)
                .iter()
                .chain(companions(*category))
                .any(|known| *known == pair)
        })
    };
    let extra: Vec<String> = rights(facts)
        .filter(|(_, right)| !is_withdrawal(right))
        .filter(|pair| !is_expected(*pair))
        .map(|(group, right)| format!("{group}.{right}"))
        .collect();
    let (accepted, refused): (Vec<String>, Vec<String>) = extra
        .into_iter()
        .partition(|name| policy.allow_permissions.contains(name));
    if !refused.is_empty() {
        return Some(Finding::new(
            Topic::ExtraRights,
            live_refuses(policy.mode),
            format!("the key can do more than trade: {}", refused.join(", ")),
            "take these rights from the key, or name each in venue.allow_permissions",
        ));
    }
    (!accepted.is_empty()).then(|| {
        Finding::new(
            Topic::ExtraRights,
            Severity::Warning,
            format!("rights accepted by name: {}", accepted.join(", ")),
            "take them from the key when they are not needed",
        )
    })
}

fn needed_rights(facts: &KeyFacts, policy: &KeyPolicy<'_>) -> Vec<Finding> {
    if facts.read_only {
        return vec![Finding::new(
            Topic::ReadOnly,
            Severity::Warning,
            "the key is read-only: this session only looks, it sends no order",
            "give a key that can trade, if it should",
        )];
    }
    let check = |category: &Category| {
        let missing: Vec<String> = needed(*category)
            .iter()
            .filter(|pair| !rights(facts).any(|found| found == **pair))
            .map(|(group, right)| format!("{group}.{right}"))
            .collect();
        if missing.is_empty() {
            Finding::ok(Topic::NeededRights, format!("the key can trade {category}"))
        } else {
            Finding::new(
                Topic::NeededRights,
                Severity::Refuse,
                format!(
                    "the key cannot trade {category}: {} missing",
                    missing.join(", ")
                ),
                "add these rights to the key on the venue's page",
            )
        }
    };
    policy.categories.iter().map(check).collect()
}

fn ips(facts: &KeyFacts, policy: &KeyPolicy<'_>) -> Finding {
    let is_open = |ip: &String| matches!(ip.trim(), "" | "*" | "0.0.0.0" | "0.0.0.0/0" | "::/0");
    if !facts.ips.is_empty() && !facts.ips.iter().any(is_open) {
        let n = facts.ips.len();
        return Finding::ok(Topic::Ips, format!("the key is bound to {n} addresses"));
    }
    let text = "the key works from every address, so whoever finds it can use it, and it ends \
                after 90 days";
    let severity = match policy.mode {
        Mode::Live if !policy.accept_unbound_ip => Severity::Refuse,
        _ => Severity::Warning,
    };
    let remedy = match severity {
        Severity::Refuse => {
            "bind it to this machine's address, or set venue.accept_unbound_ip = true"
        }
        _ => "bind it to this machine's address",
    };
    Finding::new(Topic::Ips, severity, text, remedy)
}

/// Days left, rounded down, negative when it is over; `None` when the key does not end.
fn days_left(facts: &KeyFacts, now: Timestamp) -> Option<i64> {
    // The venue's sample has 1970 and -2 for keys without an end.
    let by_date = facts
        .expires
        .filter(|at| 0 < at.millis())
        .map(|at| at.since(now).div_euclid(DAY_MS));
    let by_days = facts.deadline_day.filter(|days| 0 <= *days);
    match (by_date, by_days) {
        (Some(date), Some(days)) => Some(date.min(days)),
        (date, days) => date.or(days),
    }
}

fn expiry(facts: &KeyFacts, now: Timestamp) -> Finding {
    let Some(days) = days_left(facts, now) else {
        return Finding::ok(Topic::Expiry, "the key has no end");
    };
    let remedy = "make a new key, or renew this one on the venue's page";
    let (severity, text) = match days {
        ..=-1 => (Severity::Refuse, "the key is over".to_owned()),
        0..=REFUSE_DAYS => (
            Severity::Refuse,
            format!("the key ends in less than {} days", days + 1),
        ),
        2..=WARN_DAYS => (Severity::Warning, format!("the key ends in {days} days")),
        _ => return Finding::ok(Topic::Expiry, format!("the key ends in {days} days")),
    };
    Finding::new(Topic::Expiry, severity, text, remedy)
}

fn account_type(facts: &KeyFacts) -> Finding {
    if facts.unified {
        return Finding::ok(Topic::AccountType, "the account is a unified one");
    }
    Finding::new(
        Topic::AccountType,
        Severity::Refuse,
        "the account is no unified trading account",
        "upgrade it on the venue's page, or use another account",
    )
}

fn master(facts: &KeyFacts) -> Finding {
    if !facts.is_master {
        return Finding::ok(Topic::Master, "the account is a sub-account");
    }
    Finding::new(
        Topic::Master,
        Severity::Warning,
        "the key belongs to a master account, with everything that is in it",
        "make one sub-account for each machine that trades",
    )
}

fn user(facts: &KeyFacts, policy: &KeyPolicy<'_>) -> Finding {
    let Some(tail) = last_digits(&facts.user_id) else {
        return Finding::new(
            Topic::User,
            live_refuses(policy.mode),
            "the venue does not say whose key it is",
            "make a new key, or ask the venue",
        );
    };
    match policy.pinned_user {
        Some(pinned) if pinned != facts.user_id => Finding::new(
            Topic::User,
            Severity::Refuse,
            format!(
                "the key belongs to user \u{2026}{tail}, and this state to user \u{2026}{}",
                last_digits(pinned).unwrap_or("?")
            ),
            "give the key of that user, or start with another --home",
        ),
        _ => Finding::ok(
            Topic::User,
            format!("the key belongs to user \u{2026}{tail}"),
        ),
    }
}

/// The last four digits of a user's number; `None` when it has none.
#[must_use]
pub fn last_digits(user_id: &str) -> Option<&str> {
    let is_number = 4 <= user_id.len() && user_id.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| &user_id[user_id.len() - 4..])
}
