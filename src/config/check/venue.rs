//! Whether mode, feed and venue fit together, and whether the venue's settings can work.

use super::Findings;
use crate::config::settings::{FeedKind, FeedSettings, Settings};
use crate::config::venue::{OrderEntry, PositionMode, VenueSettings, loopback_problem};
use crate::domain::Mode;

/// Depths of order books that the venue serves (Bybit v5, public topics).
const DEPTHS: [u32; 4] = [1, 50, 200, 1_000];
/// The venue repeats an unchanged best price after 3 s: less silence than that means nothing.
const MIN_STALE_MS: u32 = 3_500;

/// Findings about mode, venue and the venue's feed. `is_set` says whether anybody set a key.
pub(super) fn check(settings: &Settings, is_set: &dyn Fn(&str) -> bool, findings: &mut Findings) {
    mode(settings, findings);
    feed(&settings.feed, findings);
    let venue = &settings.venue;
    urls(settings.mode, venue, findings);
    numbers(venue, findings);
    permissions(&venue.allow_permissions, findings);
    let is_name = |text: &str| {
        (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if !is_name(&venue.account) {
        findings.add(
            "venue.account",
            "use 1 to 32 letters, digits, dashes or underscores, such as bot-1",
        );
    }
    if venue.position_mode == PositionMode::Hedge {
        findings.add(
            "venue.position_mode",
            "a symbol has one position here: use one-way, and switch the account to it",
        );
    }
    if settings.mode == Mode::Demo
        && venue.order_entry == OrderEntry::Socket
        && is_set("venue.order_entry")
    {
        findings.add(
            "venue.order_entry",
            "the demo account takes orders by REST only: use rest, or remove it",
        );
    }
}

fn mode(settings: &Settings, findings: &mut Findings) {
    let is_live_data = settings.feed.kind == FeedKind::Bybit;
    match settings.mode {
        Mode::Replay if is_live_data => findings.add(
            "feed.kind",
            "mode \"replay\" plays recordings: set mode = \"paper\" for a simulated account on \
             live public data, or name another feed",
        ),
        Mode::Replay => {}
        mode if !is_live_data => findings.add(
            "mode",
            format!(
                "{mode} trades on live data: set feed.kind = \"bybit\", or use replay for \
                 recorded and made-up markets"
            ),
        ),
        _ => {}
    }
}

fn feed(feed: &FeedSettings, findings: &mut Findings) {
    if !DEPTHS.contains(&feed.depth) {
        findings.add("feed.depth", "the venue serves 1, 50, 200 or 1000 levels");
    }
    findings.range("feed.history_bars", feed.history_bars, 1, 10_000);
    findings.range("feed.stale_ms", feed.stale_ms, MIN_STALE_MS, 600_000);
    findings.range("feed.fallback_poll_ms", feed.fallback_poll_ms, 250, 60_000);
}

fn urls(mode: Mode, venue: &VenueSettings, findings: &mut Findings) {
    let rest = venue.rest_url.as_deref();
    let ws = venue.ws_url.as_deref();
    if mode == Mode::Live {
        for (key, is_given) in [
            ("venue.rest_url", rest.is_some()),
            ("venue.ws_url", ws.is_some()),
            ("venue.tls_root", venue.tls_root.is_some()),
        ] {
            if is_given {
                findings.add(
                    key,
                    "live trading talks to Bybit's own hosts only: remove it, or use mode = \
                     \"testnet\" for a local venue",
                );
            }
        }
        return;
    }
    for (key, url, schemes) in [
        ("venue.rest_url", rest, ["http", "https"]),
        ("venue.ws_url", ws, ["ws", "wss"]),
    ] {
        if let Some(problem) = url.and_then(|url| loopback_problem(url, schemes)) {
            findings.add(key, problem);
        }
    }
    let other = "orders would go to one venue and answers come from another: give both \
                 venue.rest_url and venue.ws_url, or neither";
    match (rest, ws) {
        (Some(_), None) => findings.add("venue.ws_url", format!("it is missing, {other}")),
        (None, Some(_)) => findings.add("venue.rest_url", format!("it is missing, {other}")),
        _ => {}
    }
    let is_secure = |url: Option<&str>, scheme: &str| url.is_some_and(|u| u.starts_with(scheme));
    if venue.tls_root.is_some() && !(is_secure(rest, "https://") && is_secure(ws, "wss://")) {
        findings.add(
            "venue.tls_root",
            "it belongs to a local venue with TLS: set venue.rest_url to an https:// and \
             venue.ws_url to a wss:// address of this machine, or remove it",
        );
    }
}

fn numbers(venue: &VenueSettings, findings: &mut Findings) {
    findings.range("venue.recv_window_ms", venue.recv_window_ms, 500, 5_000);
    findings.range("venue.ack_deadline_ms", venue.ack_deadline_ms, 50, 30_000);
    findings.range(
        "venue.visibility_lag_ms",
        venue.visibility_lag_ms,
        0,
        600_000,
    );
    findings.range("venue.leverage", venue.leverage, 1, 100);
    findings.range("venue.reconcile_fast_s", venue.reconcile_fast_s, 1, 600);
    findings.range("venue.reconcile_full_s", venue.reconcile_full_s, 1, 3_600);
    if venue.reconcile_full_s < venue.reconcile_fast_s {
        findings.add(
            "venue.reconcile_fast_s",
            format!(
                "it may not be above venue.reconcile_full_s, which is {}",
                venue.reconcile_full_s
            ),
        );
    }
}

fn permissions(names: &[String], findings: &mut Findings) {
    for (n, name) in names.iter().enumerate() {
        let key = format!("venue.allow_permissions.{n}");
        if name.to_ascii_lowercase().contains("withdraw") {
            findings.add(
                key,
                "a key that can withdraw is never used: make another key, without that right",
            );
            continue;
        }
        let is_right = name.split_once('.').is_some_and(|(group, right)| {
            [group, right]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        });
        if !is_right {
            findings.add(
                key,
                "name group and right as the venue does, such as Wallet.AccountTransfer; there \
                 is no name for all of them",
            );
        }
    }
}
