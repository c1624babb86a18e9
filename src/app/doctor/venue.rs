//! Checks of the venue that need no key: hosts, TLS, clock, sockets, instruments, sizes, budget.

use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::client_async;

use super::access::{self, INSTRUMENTS, Listed, Trouble, listed, result_of};
use super::check::Check;
use super::models::Leg;
use super::rules::{self, Sizes};
use crate::cli::Exit;
use crate::config::keys::needs_key;
use crate::config::{OrderEntry, Settings};
use crate::domain::{Category, Mode, Price, Symbol};
use crate::venue::bybit::clock::{SKEW_STOP_MS, SKEW_WARN_MS, ServerClock, SkewVerdict};
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::hosts::Hosts;
use crate::venue::bybit::limits::LimitHeaders;
use crate::venue::bybit::rest::{RestClient, RestError, Step};
use crate::venue::bybit::socket::connector::{Connector, Dial};
use crate::venue::bybit::wire::Page;
use crate::venue::bybit::wire::market::Ticker;
use crate::venue::sim::instruments::shipped;

/// How long a socket may take to open.
const SOCKET_PATIENCE: Duration = Duration::from_secs(8);

/// The venue, once it has answered.
pub(super) struct Venue {
    /// Client of the account's host.
    pub(super) account: RestClient,
    /// Client of the market data's host, where that is another one.
    market: Option<RestClient>,
    hosts: Hosts,
    market_hosts: Hosts,
    root: Option<String>,
}

impl Venue {
    /// The clients that the settings lead to; nothing is sent yet.
    pub(super) fn open(
        settings: &Settings,
        credentials: Option<Arc<Credentials>>,
    ) -> Result<Self, access::AccessError> {
        let hosts = access::account_hosts(settings)?;
        let market_hosts = access::market_hosts(settings)?;
        let market = if market_hosts.rest() == hosts.rest() {
            None
        } else {
            Some(access::client(settings, market_hosts.clone(), None)?)
        };
        Ok(Self {
            account: access::client(settings, hosts.clone(), credentials)?,
            market,
            market_hosts,
            hosts,
            root: access::extra_root(settings)?,
        })
    }

    fn market(&self) -> &RestClient {
        self.market.as_ref().unwrap_or(&self.account)
    }

    /// Asks every REST host for the time. Gives its checks, and whether all have answered.
    pub(super) async fn reach(&self) -> (Vec<Check>, bool) {
        let mut checks = Vec::new();
        let mut is_reached = true;
        for (client, hosts) in [
            (Some(&self.account), &self.hosts),
            (self.market.as_ref(), &self.market_hosts),
        ] {
            let Some(client) = client else { continue };
            match client.sync_clock().await {
                Ok(clock) => {
                    checks.push(Check::ok("host", "answers").about(client.host()));
                    checks.push(self.tls(hosts).about(client.host()));
                    checks.push(clock_check(&clock).about(client.host()));
                }
                Err(error) => {
                    is_reached = false;
                    checks.push(unreachable(&error).about(client.host()));
                }
            }
        }
        (checks, is_reached)
    }

    fn tls(&self, hosts: &Hosts) -> Check {
        let is_secure = hosts.rest().starts_with("https://");
        match (is_secure, &self.root) {
            (true, None) => Check::ok("tls", "its certificate is good (bundled roots)"),
            (true, Some(_)) => Check::ok("tls", "its certificate is good (venue.tls_root)"),
            (false, _) => Check::skipped("tls", "a venue on this machine, without TLS"),
        }
    }

    /// Opens every socket that a session would open, and closes it again.
    pub(super) async fn sockets(&self, settings: &Settings) -> Vec<Check> {
        let public = self.market_hosts.public_ws_of(settings.feed.category);
        let mut urls = vec![("public", public)];
        if needs_key(settings.mode) {
            urls.push(("private", self.hosts.private_ws().to_owned()));
            let by_socket = settings.venue.order_entry_in(settings.mode) == OrderEntry::Socket;
            if let Some(url) = self.hosts.trade_ws().filter(|_| by_socket) {
                urls.push(("orders", url.to_owned()));
            }
        }
        let mut checks = Vec::new();
        for (name, url) in urls {
            let check = match shake(&url, self.root.as_deref()).await {
                Ok(()) => Check::ok("socket", format!("{url} opens")),
                Err(problem) => Check::failure(
                    "socket",
                    format!("{url} does not open: {problem}"),
                    "check the network and what stands between here and the venue",
                )
                .exits(Exit::Feed),
            };
            checks.push(check.about(name));
        }
        checks
    }

    /// The legs' instruments: whether they trade, their rules, and the legs' sizes.
    pub(super) async fn instruments(&self, settings: &Settings, legs: &[Leg]) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut seen: Vec<&Symbol> = Vec::new();
        for leg in legs {
            let symbol = &leg.symbol;
            let is_new = !seen.contains(&symbol);
            let found = match self.listed(settings.feed.category, symbol).await {
                Ok(found) => found,
                Err(trouble) if is_new => {
                    seen.push(symbol);
                    checks.push(untradable(&trouble).about(symbol.as_str()));
                    continue;
                }
                Err(_) => continue,
            };
            if is_new {
                seen.push(symbol);
                checks.extend(instrument_checks(settings, &found));
            }
            checks.push(self.size(settings, leg, &found).await);
        }
        if legs.is_empty() {
            checks.push(Check::skipped("instrument", "no leg has a symbol"));
        }
        checks
    }

    async fn listed(&self, category: Category, symbol: &Symbol) -> Result<Listed, Trouble> {
        let name = category.to_string();
        let query = &[("category", name.as_str()), ("symbol", symbol.as_str())];
        let answer = self.market().get(INSTRUMENTS, query).await?;
        listed(&answer, category, symbol)
    }

    async fn size(&self, settings: &Settings, leg: &Leg, found: &Listed) -> Check {
        match self.price(settings.feed.category, &leg.symbol).await {
            Ok(Some(price)) => {
                let sizes = Sizes {
                    full: leg.full,
                    min_trade: settings.risk.min_trade,
                    price,
                };
                rules::sizes(&found.instrument, &sizes)
            }
            Ok(None) => {
                Check::skipped("size", "the venue has no last price").about(leg.symbol.as_str())
            }
            Err(trouble) => failed("size", &trouble).about(leg.symbol.as_str()),
        }
    }

    async fn price(&self, category: Category, symbol: &Symbol) -> Result<Option<Price>, Trouble> {
        let name = category.to_string();
        let query = &[("category", name.as_str()), ("symbol", symbol.as_str())];
        let answer = self.market().get("/v5/market/tickers", query).await?;
        let page: Page<Ticker> = result_of(&answer)?;
        let mut rows = page.list.iter();
        let row = rows.find(|row| row.symbol == *symbol);
        Ok(row.and_then(|row| row.last_price.value().copied()))
    }

    /// What is left of the budgets: by the venue's own heads where it sent some.
    pub(super) fn budget(&self, seen: &[(&'static str, LimitHeaders)]) -> Check {
        let own = self.account.budgets();
        let address = own.iter().find(|budget| budget.name == "address");
        let ours = address.map_or_else(String::new, |budget| {
            format!(
                "{} of our {} requests in 5 s are left",
                budget.left, budget.limit
            )
        });
        budget_check(&ours, seen)
    }
}

fn instrument_checks(settings: &Settings, found: &Listed) -> Vec<Check> {
    let rules_here = shipped();
    let category = found.instrument.category;
    let ours = rules_here
        .find(found.instrument.symbol.as_str(), category)
        .ok()
        .map(|id| rules_here.get(id));
    let mut checks = vec![
        rules::status(found),
        rules::bundled(ours, &found.instrument),
    ];
    if rules::has_leverage(category) && settings.mode != Mode::Paper {
        checks.extend(rules::leverage(settings.venue.leverage, found));
    }
    checks
}

/// Judges the budgets: `ours` says what this program has left, `seen` what the venue has said.
fn budget_check(ours: &str, seen: &[(&'static str, LimitHeaders)]) -> Check {
    let mut said = Vec::new();
    let mut is_low = false;
    for (path, heads) in seen {
        if let (Some(limit), Some(left)) = (heads.limit, heads.left) {
            said.push(format!("{path} {left} of {limit}"));
            is_low |= left * 10 < limit;
        }
    }
    if said.is_empty() {
        return Check::ok("rate-budget", format!("{ours}; no limit heads were sent"));
    }
    let text = format!("{ours}; the venue says {}", said.join(", "));
    if is_low {
        let remedy = "another program uses this account: stop it, or give each a sub-account";
        return Check::warning("rate-budget", text, remedy);
    }
    Check::ok("rate-budget", text)
}

/// Judges the distance of the clocks.
fn clock_check(clock: &ServerClock) -> Check {
    let (Some(offset), Some(bound)) = (clock.offset_ms(), clock.error_bound_ms()) else {
        return Check::skipped("clock", "the venue's time is not known");
    };
    let text = format!("the venue's clock is {offset:+} ms from ours, give or take {bound} ms");
    let remedy = "synchronise this machine's clock (NTP), and look for a slow link";
    match clock.verdict() {
        SkewVerdict::Unknown | SkewVerdict::Fine => Check::ok("clock", text),
        SkewVerdict::Warn => {
            let text = format!("{text}: {SKEW_WARN_MS} ms or more");
            Check::warning("clock", text, remedy)
        }
        SkewVerdict::Stop => {
            let text = format!("{text}: {SKEW_STOP_MS} ms or more, nothing new would be entered");
            Check::failure("clock", text, remedy)
        }
    }
}

/// A host without an answer.
fn unreachable(error: &RestError) -> Check {
    let name = match error {
        RestError::NotSent {
            step: Step::Secure, ..
        } => "tls",
        _ => "host",
    };
    Check::failure(name, error.to_string(), "").exits(Exit::Feed)
}

fn untradable(trouble: &Trouble) -> Check {
    match trouble {
        Trouble::Unlisted { .. } => Check::failure(
            "instrument",
            trouble.to_string(),
            "check the symbol and feed.category",
        ),
        other => failed("instrument", other),
    }
}

/// A question that failed, for whatever it was asked.
pub(super) fn failed(name: &'static str, trouble: &Trouble) -> Check {
    let check = Check::failure(name, trouble.to_string(), "");
    match trouble {
        Trouble::Rest(_) => check.exits(Exit::Feed),
        _ => check,
    }
}

/// Opens a socket and makes its handshake.
async fn shake(url: &str, root: Option<&str>) -> Result<(), String> {
    let connector = Connector::new(url, root.map(str::as_bytes)).map_err(|e| e.to_string())?;
    let opening = async {
        let stream = connector.dial().await.map_err(|e| e.to_string())?;
        client_async(url, stream).await.map_err(|e| e.to_string())
    };
    match tokio::time::timeout(SOCKET_PATIENCE, opening).await {
        Ok(opened) => opened.map(drop),
        Err(_) => Err(format!(
            "nothing happened for {} s",
            SOCKET_PATIENCE.as_secs()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict::{Failure, Ok as Fine, Skipped, Warning};
    use crate::domain::Timestamp;

    #[test]
    fn the_clock_has_two_thresholds_on_both_sides() {
        let at = |offset: i64| {
            let mut clock = ServerClock::default();
            let ms = Timestamp::from_millis;
            clock.observe(ms(10_000), ms(10_020), ms(10_010 + offset));
            clock_check(&clock)
        };
        for (offset, verdict) in [
            (0, Fine),
            (-238, Fine),
            (239, Warning),
            (-700, Warning),
            (739, Failure),
            (-5_000, Failure),
        ] {
            let check = at(offset);
            assert_eq!(check.verdict, verdict, "{check:?}");
            assert!(
                check.detail.contains(&format!("{offset:+} ms")),
                "{check:?}"
            );
        }
        let unknown = clock_check(&ServerClock::default());
        assert_eq!(unknown.verdict, Skipped);
    }

    #[test]
    fn a_budget_that_others_use_up_is_a_warning() {
        let heads = |left| LimitHeaders {
            limit: Some(50),
            left: Some(left),
            reset: None,
        };
        for (seen, verdict, part) in [
            (vec![], Fine, "no limit heads"),
            (
                vec![("position/list", heads(49))],
                Fine,
                "position/list 49 of 50",
            ),
            (
                vec![("a", heads(49)), ("b", heads(4))],
                Warning,
                "b 4 of 50",
            ),
            (vec![("a", LimitHeaders::default())], Fine, "no limit heads"),
        ] {
            let check = budget_check("10 left", &seen);
            assert_eq!(check.verdict, verdict, "{check:?}");
            assert!(check.detail.contains(part), "{check:?}");
        }
    }
}
