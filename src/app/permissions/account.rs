//! How an account is set up, against what the settings say.

use super::{Finding, Severity, Topic, live_refuses};
use crate::config::{MarginMode, PositionMode, Settings};
use crate::domain::{Category, Mode, Money, Rate, Symbol};

/// How margin is shared, as the venue says it (Bybit v5, account/info).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountMargin {
    /// `ISOLATED_MARGIN`.
    Isolated,
    /// `REGULAR_MARGIN`.
    Cross,
    /// `PORTFOLIO_MARGIN`.
    Portfolio,
    /// Anything else, verbatim.
    Other(String),
}

impl AccountMargin {
    /// Reads the venue's word.
    #[must_use]
    pub fn from_venue(text: &str) -> Self {
        match text {
            "ISOLATED_MARGIN" => Self::Isolated,
            "REGULAR_MARGIN" => Self::Cross,
            "PORTFOLIO_MARGIN" => Self::Portfolio,
            other => Self::Other(other.to_owned()),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Isolated => "isolated",
            Self::Cross => "cross",
            Self::Portfolio => "portfolio",
            Self::Other(text) => text,
        }
    }
}

/// How one symbol is set up (Bybit v5, position/list with the symbol named).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolFacts {
    /// The symbol.
    pub symbol: Symbol,
    /// One-way or hedge; two rows of the venue are hedge.
    pub position_mode: PositionMode,
    /// Leverage of each row; empty when the venue says none.
    pub leverage: Vec<Rate>,
}

/// How an account is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// How margin is shared.
    pub margin_mode: AccountMargin,
    /// The symbols that were asked about.
    pub symbols: Vec<SymbolFacts>,
    /// Equity in the account's coin; `None` when the venue says none.
    pub equity: Option<Money>,
}

/// What is asked of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPolicy<'a> {
    /// Mode of the session; live is the strictest.
    pub mode: Mode,
    /// Market that is traded; a spot account has no leverage and no position mode.
    pub category: Category,
    /// Symbols that are traded.
    pub symbols: &'a [Symbol],
    /// How margin should be shared.
    pub margin_mode: MarginMode,
    /// Leverage that each symbol should have.
    pub leverage: u16,
    /// Money that the limits are parts of.
    pub capital: Money,
    /// Coin of `capital` and equity.
    pub coin: &'a str,
}

impl<'a> AccountPolicy<'a> {
    /// What `settings` ask of an account that trades `symbols`.
    #[must_use]
    pub fn new(settings: &'a Settings, symbols: &'a [Symbol]) -> Self {
        Self {
            mode: settings.mode,
            category: settings.feed.category,
            symbols,
            margin_mode: settings.venue.margin_mode,
            leverage: settings.venue.leverage,
            capital: settings.account.capital,
            coin: &settings.account.coin,
        }
    }
}

/// Judges an account, after the settings were applied to it where that is possible.
#[must_use]
pub fn check_account(facts: &AccountFacts, policy: &AccountPolicy<'_>) -> Vec<Finding> {
    let mut findings = vec![margin(&facts.margin_mode, policy)];
    if policy.category == Category::Linear {
        for symbol in policy.symbols {
            findings.extend(symbol_findings(symbol, facts, policy));
        }
    }
    findings.push(equity(facts.equity, policy));
    findings
}

fn margin(found: &AccountMargin, policy: &AccountPolicy<'_>) -> Finding {
    let wanted = policy.margin_mode.name();
    let name = found.name();
    if name == wanted {
        return Finding::ok(Topic::MarginMode, format!("margin is {name}"));
    }
    let remedy = match found {
        AccountMargin::Isolated | AccountMargin::Cross => {
            format!("switch the account on the venue's page, or set venue.margin_mode = \"{name}\"")
        }
        _ => format!("switch the account to {wanted} on the venue's page"),
    };
    Finding::new(
        Topic::MarginMode,
        live_refuses(policy.mode),
        format!("margin is {name} at the venue and venue.margin_mode is {wanted}"),
        remedy,
    )
}

fn symbol_findings(
    symbol: &Symbol,
    facts: &AccountFacts,
    policy: &AccountPolicy<'_>,
) -> Vec<Finding> {
    let Some(found) = facts.symbols.iter().find(|known| known.symbol == *symbol) else {
        return vec![Finding::new(
            Topic::PositionMode,
            Severity::Refuse,
            format!("{symbol}: the venue says nothing about its position mode and leverage"),
            "check that the account can trade it",
        )];
    };
    let mode = if found.position_mode == PositionMode::OneWay {
        Finding::ok(Topic::PositionMode, format!("{symbol} is in one-way mode"))
    } else {
        // Every order names a position by its mode: with the other one none would be right.
        Finding::new(
            Topic::PositionMode,
            Severity::Refuse,
            format!(
                "{symbol} is in hedge mode at the venue and venue.position_mode is {}",
                PositionMode::OneWay.name()
            ),
            "close its positions and orders and switch it to one-way on the venue's page",
        )
    };
    vec![mode, leverage(found, policy)]
}

fn leverage(found: &SymbolFacts, policy: &AccountPolicy<'_>) -> Finding {
    let symbol = &found.symbol;
    let wanted = Rate::from_bps(i64::from(policy.leverage) * 10_000);
    let differing: Vec<String> = found
        .leverage
        .iter()
        .filter(|leverage| **leverage != wanted)
        .map(ToString::to_string)
        .collect();
    let text = if found.leverage.is_empty() {
        format!("{symbol}: the venue does not say its leverage")
    } else if differing.is_empty() {
        return Finding::ok(Topic::Leverage, format!("{symbol} has leverage {wanted}"));
    } else {
        format!(
            "{symbol} has leverage {} at the venue and venue.leverage is {wanted}",
            differing.join(" and ")
        )
    };
    Finding::new(
        Topic::Leverage,
        live_refuses(policy.mode),
        text,
        "set it on the venue's page, or set venue.leverage to the same",
    )
}

fn equity(found: Option<Money>, policy: &AccountPolicy<'_>) -> Finding {
    let (capital, coin) = (policy.capital, policy.coin);
    match found {
        Some(equity) if capital <= equity => Finding::ok(
            Topic::Equity,
            format!("equity is {equity} {coin}, of which {capital} are traded with"),
        ),
        Some(equity) => Finding::new(
            Topic::Equity,
            live_refuses(policy.mode),
            format!("account.capital is {capital} and the account has {equity} {coin}"),
            format!("lower account.capital to at most {equity}"),
        ),
        None => Finding::new(
            Topic::Equity,
            live_refuses(policy.mode),
            format!("the venue does not say how much {coin} the account has"),
            "check account.coin and the account",
        ),
    }
}
