//! How key and account are set up: asked for, and set where the settings want it.
//!
//! Facts are told as the venue gives them; whether a session may begin with them is judged
//! elsewhere. Only a symbol in hedge mode stops here, because no order would be right.
//! Sources: Bybit v5, apikey-info, account-info, set-margin-mode, position list, set-leverage,
//! fee-rate.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::ask;
use super::words::{of_code, plain};
use crate::domain::{Category, Instruments, Money, Rate, Symbol, Timestamp};
use crate::venue::broker::AskError;
use crate::venue::bybit::codes::{AnswerClass, class_of_write};
use crate::venue::bybit::limits::Lane;
use crate::venue::bybit::rest::{Answer, Query, RestClient};
use crate::venue::bybit::wire::account::{
    AccountInfo, FeeRate, KeyInfo, MarginModeAnswer, SetMarginMode, Wallet,
};
use crate::venue::bybit::wire::from_json;
use crate::venue::bybit::wire::names::{MarginMode, PositionIdx};
use crate::venue::bybit::wire::position::{Position, SetLeverage};

/// Code of a margin mode that cannot change; its result says why.
const MARGIN_REFUSED: i64 = 3_400_045;

/// What should be set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// How margin should be shared; `None` leaves it.
    pub margin_mode: Option<MarginMode>,
    /// Leverage of every traded contract; `None` leaves it.
    pub leverage: Option<Decimal>,
    /// Whether fees are asked for; demo cannot tell them.
    pub fee_rates: bool,
}

/// What a key says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFacts {
    /// It can look and nothing else.
    pub read_only: bool,
    /// Rights by area, as the venue spells them.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Addresses it works from; empty or `*` is any.
    pub ips: Vec<String>,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
    /// Days until it ends; negative is "not applicable".
    pub deadline_day: Option<i64>,
    /// Whether its account is unified.
    pub unified: bool,
    /// Whether it belongs to a main account.
    pub is_master: bool,
    /// Number of the account; empty when it is not told.
    pub user_id: String,
}

/// How one contract is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolFacts {
    /// The symbol.
    pub symbol: Symbol,
    /// Whether there is a position of its own for each side.
    pub is_hedged: bool,
    /// Leverage of each of its positions; empty when the venue says none.
    pub leverage: Vec<Rate>,
}

/// Fees of one symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolFees {
    /// The symbol.
    pub symbol: Symbol,
    /// Its market.
    pub category: Category,
    /// Fee of an order that takes.
    pub taker: Rate,
    /// Fee of an order that rests; negative is a rebate.
    pub maker: Rate,
}

/// How an account is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// How margin is shared; `None` when the venue does not say.
    pub margin_mode: Option<MarginMode>,
    /// Whether this is a unified account.
    pub is_unified: bool,
    /// Traded contracts, in the order of the session's table.
    pub symbols: Vec<SymbolFacts>,
    /// Equity in the account's coin; `None` when the venue says none.
    pub equity: Option<Money>,
    /// Fees, where they were asked for.
    pub fees: Vec<SymbolFees>,
    /// What was changed, in words.
    pub changes: Vec<String>,
}

/// Why the account is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A question has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Every order would have to name one of two positions.
    #[error(
        "{symbol} is in hedge mode at the venue and has to be one-way: \
             close its positions and orders and switch it on the venue's page"
    )]
    HedgeMode {
        /// The symbol.
        symbol: Symbol,
    },
    /// Margin cannot be shared as wanted.
    #[error("margin is {found} and cannot be set to {wanted}: {reasons}")]
    MarginMode {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: MarginMode,
        /// What the venue says.
        reasons: String,
    },
    /// The leverage of a symbol cannot be set.
    #[error("leverage of {symbol} cannot be set to {wanted}: {reason}")]
    Leverage {
        /// The symbol.
        symbol: Symbol,
        /// What it should be.
        wanted: Decimal,
        /// What the venue says.
        reason: String,
    },
}

/// Asks what the key may do: the right first question after a login.
///
/// # Errors
///
/// [`AskError`] without a whole answer.
pub async fn key_facts(rest: &RestClient) -> Result<KeyFacts, AskError> {
    let info: KeyInfo = ask::one(rest, "/v5/user/query-api", &Query::new()).await?;
    Ok(KeyFacts {
        read_only: !info.can_write(),
        expires: info.expires(),
        permissions: info.permissions,
        ips: info.ips,
        deadline_day: info.deadline_day,
        unified: info.uta == Some(1),
        is_master: info.is_master.unwrap_or_default(),
        user_id: info.user_id.map(|id| id.to_string()).unwrap_or_default(),
    })
}

/// Asks how the account is set up and changes nothing. A symbol in hedge mode is a fact.
///
/// # Errors
///
/// [`AskError`] without a whole answer to each question.
pub async fn account_facts(
    rest: &RestClient,
    instruments: &Instruments,
    coin: &str,
    with_fees: bool,
) -> Result<AccountFacts, AskError> {
    let info = account_info(rest).await?;
    let mut symbols = Vec::new();
    for symbol in contracts(instruments) {
        symbols.push(symbol_facts(rest, symbol).await?);
    }
    let fees = if with_fees {
        fees(rest, instruments).await?
    } else {
        Vec::new()
    };
    Ok(AccountFacts {
        is_unified: info.is_unified(),
        margin_mode: info.margin_mode,
        symbols,
        equity: equity(rest, coin).await?,
        fees,
        changes: Vec::new(),
    })
}

/// Sets margin mode and leverage where they differ from `wanted`, and tells how the account is
/// set up after that, as the venue says it.
///
/// # Errors
///
/// [`SetupError`]; what was changed before it stays changed.
pub async fn set_up(
    rest: &RestClient,
    instruments: &Instruments,
    coin: &str,
    wanted: &Wanted,
) -> Result<AccountFacts, SetupError> {
    let mut changes = Vec::new();
    if let Some(mode) = &wanted.margin_mode {
        changes.extend(set_margin_mode(rest, mode).await?);
    }
    for symbol in contracts(instruments) {
        let facts = symbol_facts(rest, symbol).await?;
        if facts.is_hedged {
            let symbol = symbol.clone();
            return Err(SetupError::HedgeMode { symbol });
        }
        if let Some(leverage) = wanted.leverage {
            changes.extend(set_leverage(rest, &facts, leverage).await?);
        }
    }
    let facts = account_facts(rest, instruments, coin, wanted.fee_rates).await?;
    Ok(AccountFacts { changes, ..facts })
}

fn contracts(instruments: &Instruments) -> impl Iterator<Item = &Symbol> {
    let all = instruments.iter().map(|(_, known)| known);
    all.filter(|known| known.category == Category::Linear)
        .map(|known| &known.symbol)
}

async fn account_info(rest: &RestClient) -> Result<AccountInfo, AskError> {
    ask::one(rest, "/v5/account/info", &Query::new()).await
}

async fn set_margin_mode(
    rest: &RestClient,
    wanted: &MarginMode,
) -> Result<Option<String>, SetupError> {
    let found = account_info(rest).await?.margin_mode;
    if found.as_ref() == Some(wanted) {
        return Ok(None);
    }
    let found = found.map_or("unknown".to_owned(), |mode| plain(mode.as_str()));
    let body = SetMarginMode {
        set_margin_mode: wanted.clone(),
    };
    let answer = change(rest, "/v5/account/set-margin-mode", &body).await?;
    if is_done(&answer) {
        return Ok(Some(format!("margin was {found} and is {wanted}")));
    }
    let reasons = match from_json::<MarginModeAnswer>(answer.result.get()) {
        Ok(said) if answer.code == MARGIN_REFUSED && !said.reasons.is_empty() => said
            .reasons
            .iter()
            .map(|reason| {
                let text = reason.reason_msg.as_deref().unwrap_or_default();
                of_code(reason.reason_code, text)
            })
            .collect::<Vec<_>>()
            .join("; "),
        _ => of_code(answer.code, &answer.message),
    };
    Err(SetupError::MarginMode {
        found,
        wanted: wanted.clone(),
        reasons,
    })
}

async fn set_leverage(
    rest: &RestClient,
    facts: &SymbolFacts,
    wanted: Decimal,
) -> Result<Option<String>, SetupError> {
    let is_there = |found: &Rate| found.to_decimal() == wanted;
    if !facts.leverage.is_empty() && facts.leverage.iter().all(is_there) {
        return Ok(None);
    }
    let symbol = facts.symbol.clone();
    let body = SetLeverage::both(symbol.clone(), wanted);
    let answer = change(rest, "/v5/position/set-leverage", &body).await?;
    match class_of_write(answer.code) {
        AnswerClass::Accepted => Ok(Some(format!("leverage of {symbol} is {wanted} now"))),
        AnswerClass::Unchanged => Ok(None),
        _ => Err(SetupError::Leverage {
            symbol,
            wanted,
            reason: of_code(answer.code, &answer.message),
        }),
    }
}

fn is_done(answer: &Answer) -> bool {
    let class = class_of_write(answer.code);
    matches!(class, AnswerClass::Accepted | AnswerClass::Unchanged)
}

/// Sends one change of a setting, and once more when only its timestamp was wrong.
async fn change(rest: &RestClient, path: &str, body: &impl Serialize) -> Result<Answer, AskError> {
    let body =
        serde_json::to_string(body).map_err(|error| AskError::NoAnswer(error.to_string()))?;
    let send = || rest.post(path, body.clone(), Lane::Normal);
    let failed = |error| ask::of_error(rest, &error);
    let answer = send().await.map_err(failed)?;
    if class_of_write(answer.code) != AnswerClass::Clock {
        return Ok(answer);
    }
    rest.sync_clock().await.map_err(failed)?;
    send().await.map_err(failed)
}

async fn symbol_facts(rest: &RestClient, symbol: &Symbol) -> Result<SymbolFacts, AskError> {
    let path = "/v5/position/list";
    let query = Query::from(&[("category", "linear"), ("symbol", symbol.as_str())]);
    let rows: Vec<Position> = ask::list(rest, path, Some(Category::Linear), &query).await?;
    let mine: Vec<&Position> = rows.iter().filter(|row| row.symbol == *symbol).collect();
    if mine.is_empty() {
        // With a symbol in the question there are rows even for a flat one.
        let text = format!("{path}: the answer says nothing about {symbol}");
        return Err(AskError::NoAnswer(text));
    }
    let leverage = mine.iter().filter_map(|row| row.leverage);
    Ok(SymbolFacts {
        symbol: symbol.clone(),
        is_hedged: mine
            .iter()
            .any(|row| row.position_idx != PositionIdx::OneWay),
        leverage: leverage
            .filter_map(|leverage| Rate::from_decimal(leverage).ok())
            .collect(),
    })
}

async fn equity(rest: &RestClient, coin: &str) -> Result<Option<Money>, AskError> {
    let path = "/v5/account/wallet-balance";
    let query = Query::from(&[("accountType", "UNIFIED")]);
    let wallets: Vec<Wallet> = ask::list(rest, path, None, &query).await?;
    let balance = wallets.iter().find_map(|wallet| wallet.coin(coin));
    let equity = balance.and_then(|balance| balance.equity);
    Ok(equity.and_then(|equity| Money::from_decimal(equity.round_dp(Money::DIGITS)).ok()))
}

async fn fees(rest: &RestClient, instruments: &Instruments) -> Result<Vec<SymbolFees>, AskError> {
    let path = "/v5/account/fee-rate";
    let mut fees = Vec::new();
    for (_, known) in instruments.iter() {
        let (category, symbol) = (known.category, known.symbol.clone());
        let query = Query::new()
            .with("category", &category.to_string())
            .with("symbol", symbol.as_str());
        let rows: Vec<FeeRate> = ask::list(rest, path, Some(category), &query).await?;
        let row = rows.iter().find(|row| row.symbol.as_ref() == Some(&symbol));
        let row = row.ok_or_else(|| {
            AskError::NoAnswer(format!("{path}: the answer says nothing about {symbol}"))
        })?;
        fees.push(SymbolFees {
            symbol,
            category,
            taker: row.taker_fee_rate,
            maker: row.maker_fee_rate,
        });
    }
    Ok(fees)
}
