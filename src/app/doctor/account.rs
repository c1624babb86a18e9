//! Checks of key and account by what the venue says about them. Everything here is a question;
//! nothing is changed.

use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::access::{Trouble, result_of};
use super::check::Check;
use super::models::Leg;
use super::venue::{Venue, failed};
use crate::app::permissions::{
    AccountFacts, AccountMargin, AccountPolicy, Finding, KeyFacts, KeyPolicy, Severity,
    SymbolFacts, check_account, check_key,
};
use crate::cli::Exit;
use crate::config::{PositionMode, Settings};
use crate::domain::{Category, Mode, Money, Rate, Symbol};
use crate::venue::bybit::codes::{ReadClass, class_of_read, describe};
use crate::venue::bybit::limits::LimitHeaders;
use crate::venue::bybit::rest::{Access, PageEnd, Query, RestError};
use crate::venue::bybit::wire::account::{AccountInfo, DcpInfo, KeyInfo, Wallet};
use crate::venue::bybit::wire::names::PositionIdx;
use crate::venue::bybit::wire::order::Order;
use crate::venue::bybit::wire::position::Position;
use crate::venue::bybit::wire::{Page, from_json};

/// Most pages of positions or orders that are read.
const PAGES: usize = 20;
/// Positions or orders that a detail names.
const SHOWN: usize = 5;

/// Asks for everything that is signed.
pub(super) struct Examiner<'a> {
    venue: &'a Venue,
    settings: &'a Settings,
    /// Budgets that answers told of, by endpoint.
    pub(super) budgets: Vec<(&'static str, LimitHeaders)>,
}

impl<'a> Examiner<'a> {
    pub(super) const fn new(venue: &'a Venue, settings: &'a Settings) -> Self {
        Self {
            venue,
            settings,
            budgets: Vec::new(),
        }
    }

    /// Every check of key and account.
    pub(super) async fn examine(&mut self, legs: &[Leg]) -> Vec<Check> {
        // Any key may ask about itself: what fails here fails everywhere.
        let key: KeyInfo = match self.ask("/v5/user/query-api", &Query::new()).await {
            Ok(key) => key,
            Err(trouble) => {
                let skipped = Check::skipped("account", "the venue does not take the key");
                return vec![refused("key-info", &trouble), skipped];
            }
        };
        let info: Result<AccountInfo, Trouble> = self.ask("/v5/account/info", &Query::new()).await;
        let is_unified = info.as_ref().is_ok_and(AccountInfo::is_unified);
        let facts = key_facts(&key, is_unified);
        let policy = KeyPolicy::new(self.settings, None, self.venue.account.venue_now());
        let mut checks = to_checks(check_key(&facts, &policy));
        match info {
            Ok(info) => checks.extend(self.account(&info, legs).await),
            Err(trouble) => checks.push(refused("account-info", &trouble)),
        }
        checks.push(self.positions().await);
        checks.push(self.orders().await);
        checks.push(self.dcp().await);
        checks
    }

    /// Margin mode, position mode, leverage and money against the settings.
    async fn account(&mut self, info: &AccountInfo, legs: &[Leg]) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut symbols: Vec<Symbol> = Vec::new();
        for leg in legs {
            if !symbols.contains(&leg.symbol) {
                symbols.push(leg.symbol.clone());
            }
        }
        let mut found = Vec::new();
        if self.settings.feed.category == Category::Linear {
            for symbol in &symbols {
                match self.symbol(symbol).await {
                    Ok(facts) => found.push(facts),
                    Err(trouble) => {
                        checks.push(refused("position-mode", &trouble).about(symbol.as_str()));
                    }
                }
            }
        }
        let known: Vec<Symbol> = found.iter().map(|facts| facts.symbol.clone()).collect();
        let equity = match self.equity().await {
            Ok(equity) => equity,
            Err(trouble) => {
                checks.push(refused("wallet", &trouble));
                None
            }
        };
        let margin = info.margin_mode.as_ref().map_or("", |mode| mode.as_str());
        let facts = AccountFacts {
            margin_mode: AccountMargin::from_venue(margin),
            symbols: found,
            equity,
        };
        let policy = AccountPolicy::new(self.settings, &known);
        checks.extend(to_checks(check_account(&facts, &policy)));
        checks
    }

    async fn symbol(&mut self, symbol: &Symbol) -> Result<SymbolFacts, Trouble> {
        let query = Query::from(&[("category", "linear"), ("symbol", symbol.as_str())]);
        let page: Page<Position> = self.ask("/v5/position/list", &query).await?;
        let rows = page.list.iter().filter(|row| row.symbol == *symbol);
        let (mut is_hedge, mut leverage) = (false, Vec::new());
        for row in rows {
            is_hedge |= row.position_idx != PositionIdx::OneWay;
            let rate = row
                .leverage
                .and_then(|value| Rate::from_decimal(value).ok());
            leverage.extend(rate);
        }
        Ok(SymbolFacts {
            symbol: symbol.clone(),
            position_mode: if is_hedge {
                PositionMode::Hedge
            } else {
                PositionMode::OneWay
            },
            leverage,
        })
    }

    async fn equity(&mut self) -> Result<Option<Money>, Trouble> {
        let coin = &self.settings.account.coin;
        let query = Query::from(&[("accountType", "UNIFIED"), ("coin", coin.as_str())]);
        let page: Page<Wallet> = self.ask("/v5/account/wallet-balance", &query).await?;
        let row = page.list.first().and_then(|wallet| wallet.coin(coin));
        let equity = row.and_then(|row| row.equity.or(row.wallet_balance));
        Ok(equity.and_then(|equity| Money::from_decimal(equity).ok()))
    }

    /// Positions that are open at the venue.
    async fn positions(&mut self) -> Check {
        if self.settings.feed.category == Category::Spot {
            return Check::skipped("open-positions", "spot holds coins, not positions");
        }
        let coin = self.settings.account.coin.clone();
        let query = Query::from(&[
            ("category", "linear"),
            ("settleCoin", &coin),
            ("limit", "200"),
        ]);
        let rows: Vec<Position> = match self.all("/v5/position/list", &query).await {
            Ok(rows) => rows,
            Err(trouble) => return refused("open-positions", &trouble),
        };
        let open = rows.iter().filter(|row| !row.is_flat());
        let names: Vec<String> = open
            .map(|row| match row.signed_size() {
                Some(size) => format!("{} {size}", row.symbol),
                None => row.symbol.to_string(),
            })
            .collect();
        standing("open-positions", "position", &names)
    }

    /// Orders that are open at the venue.
    async fn orders(&mut self) -> Check {
        let coin = self.settings.account.coin.clone();
        let query = match self.settings.feed.category {
            Category::Linear => Query::from(&[("category", "linear"), ("settleCoin", &coin)]),
            Category::Spot => Query::from(&[("category", "spot")]),
        };
        let query = query.with("limit", "50");
        let rows: Vec<Order> = match self.all("/v5/order/realtime", &query).await {
            Ok(rows) => rows,
            Err(trouble) => return refused("open-orders", &trouble),
        };
        let names: Vec<String> = rows
            .iter()
            .map(|row| format!("{} {}", row.symbol, row.side))
            .collect();
        standing("open-orders", "order", &names)
    }

    /// Cancel on disconnect: a service for institutions, so its absence is no fault.
    async fn dcp(&mut self) -> Check {
        if self.settings.mode == Mode::Demo {
            return Check::skipped("dcp", "the demo account has none");
        }
        let asked: Result<DcpInfo, Trouble> =
            self.ask("/v5/account/query-dcp-info", &Query::new()).await;
        match asked {
            Ok(info) => {
                let armed: Vec<String> = info
                    .products
                    .iter()
                    .filter(|product| product.is_on())
                    .map(|product| match product.time_window {
                        Some(seconds) => format!("{} after {seconds} s", product.product),
                        None => product.product.clone(),
                    })
                    .collect();
                if armed.is_empty() {
                    let text = "off: the venue does not cancel orders when the connection is lost";
                    Check::ok("dcp", text)
                } else {
                    Check::ok("dcp", format!("on: {}", armed.join(", ")))
                }
            }
            Err(Trouble::Refused { code, .. }) => {
                let text = format!("not served to this account (code {code})");
                Check::skipped("dcp", text)
            }
            Err(trouble) => refused("dcp", &trouble),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        path: &'static str,
        query: &Query,
    ) -> Result<T, Trouble> {
        let answer = self.venue.account.get_signed(path, query).await?;
        self.note(path, answer.limit);
        result_of(&answer)
    }

    /// Every row of a list.
    async fn all<T: DeserializeOwned>(
        &mut self,
        path: &'static str,
        query: &Query,
    ) -> Result<Vec<T>, Trouble> {
        let (mut rows, mut broken, mut heads) = (Vec::new(), None, LimitHeaders::default());
        let each = |answer: crate::venue::bybit::rest::Answer| {
            heads = answer.limit;
            match from_json::<Page<T>>(answer.result.get()) {
                Ok(page) => {
                    rows.extend(page.list);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    broken = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let client = &self.venue.account;
        let end = client
            .pages(Access::Signed, path, query, PAGES, each)
            .await?;
        self.note(path, heads);
        match (end, broken) {
            (_, Some(error)) => Err(Trouble::Shape(error)),
            (PageEnd::Refused(answer), None) => Err(Trouble::Refused {
                code: answer.code,
                message: answer.message,
            }),
            _ => Ok(rows),
        }
    }

    /// Remembers the tightest budget of each endpoint.
    fn note(&mut self, path: &'static str, heads: LimitHeaders) {
        let name = path.strip_prefix("/v5/").unwrap_or(path);
        let Some(left) = heads.left else { return };
        match self.budgets.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) if old.left.is_none_or(|old| left < old) => *old = heads,
            Some(_) => {}
            None => self.budgets.push((name, heads)),
        }
    }
}

fn key_facts(key: &KeyInfo, is_unified: bool) -> KeyFacts {
    KeyFacts {
        read_only: !key.can_write(),
        permissions: key.permissions.clone(),
        ips: key.ips.clone(),
        expires: key.expires(),
        deadline_day: key.deadline_day,
        unified: key.uta == Some(1) || is_unified,
        is_master: key.is_master.unwrap_or(false),
        user_id: key.user_id.map_or_else(String::new, |id| id.to_string()),
    }
}

fn to_checks(findings: Vec<Finding>) -> Vec<Check> {
    let check = |finding: Finding| {
        let name = finding.topic.name();
        let exit = match finding.topic.exit() {
            // Account against settings is what a doctor is for; only the key has a code of its own.
            Exit::Credentials => Exit::Credentials,
            _ => Exit::Failures,
        };
        match finding.severity {
            Severity::Ok => Check::ok(name, finding.text),
            Severity::Warning => Check::warning(name, finding.text, finding.remedy),
            Severity::Refuse => Check::failure(name, finding.text, finding.remedy).exits(exit),
        }
    };
    findings.into_iter().map(check).collect()
}

/// A signed question that failed: the key's fault, the clock's, or the venue's.
fn refused(name: &'static str, trouble: &Trouble) -> Check {
    match trouble {
        Trouble::Refused { code, .. } => {
            let remedy = describe(*code).unwrap_or("look the code up in the venue's documentation");
            let check = Check::failure(name, trouble.to_string(), remedy);
            match class_of_read(*code) {
                ReadClass::Authority => check.exits(Exit::Credentials),
                _ => check,
            }
        }
        Trouble::Rest(RestError::Http { status: 401, .. }) => {
            let remedy = "check that key, secret and mode belong together";
            Check::failure(name, trouble.to_string(), remedy).exits(Exit::Credentials)
        }
        other => failed(name, other),
    }
}

/// What stands at the venue before a session.
fn standing(name: &'static str, word: &str, names: &[String]) -> Check {
    if names.is_empty() {
        return Check::ok(name, "none");
    }
    let n = names.len();
    let plural = if n == 1 { "" } else { "s" };
    let mut shown = names[..n.min(SHOWN)].join(", ");
    if SHOWN < n {
        shown += ", ...";
    }
    Check::warning(
        name,
        format!("{n} {word}{plural} at the venue: {shown}"),
        "if no session of this program holds them, close or cancel them, or see venue.unattended",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict::{Ok as Fine, Warning};

    #[test]
    fn what_stands_at_the_venue_is_counted_and_the_first_are_named() {
        assert_eq!(standing("open-orders", "order", &[]).verdict, Fine);
        let names: Vec<String> = (1..=7).map(|n| format!("S{n}")).collect();
        let check = standing("open-orders", "order", &names[..1]);
        assert_eq!(check.verdict, Warning);
        assert_eq!(check.detail, "1 order at the venue: S1");
        let check = standing("open-orders", "order", &names);
        assert_eq!(
            check.detail,
            "7 orders at the venue: S1, S2, S3, S4, S5, ..."
        );
    }
}
