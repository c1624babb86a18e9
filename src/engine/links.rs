//! The way to the venue, and what the venue says we have: whether anything may be opened.
//!
//! A session without a venue hears nothing of this and is always ready.

use super::core::Engine;
use super::event::Effect;
use crate::account::{Difference, differences};
use crate::control::NoticeLevel;
use crate::domain::{AccountReport, FeedLink, Fill, FillKind, InstrumentId, LinkEvent, Timestamp};

/// What is known about the way to the venue.
#[derive(Debug, Default)]
pub(super) struct Links {
    feeds: Vec<FeedLink>,
    account: Option<String>,
    clock: Option<String>,
    refused: Option<String>,
    /// What the newest report differs in.
    pub(super) differences: Vec<Difference>,
    /// The newest report.
    pub(super) report: Option<AccountReport>,
    /// When it was compared.
    pub(super) compared_at: Option<Timestamp>,
}

impl Links {
    pub(super) fn new(n_instruments: usize) -> Self {
        Self {
            feeds: vec![FeedLink::Live; n_instruments],
            ..Self::default()
        }
    }

    /// What an instrument lacks before anything may be opened in it.
    pub(super) fn lacks(&self, id: InstrumentId) -> Option<String> {
        if let Some(reason) = &self.refused {
            return Some(format!("the venue refuses us: {reason}"));
        }
        if let Some(lacks) = &self.account {
            return Some(format!("account: {lacks}"));
        }
        if let Some(differs) = &self.clock {
            return Some(format!("clock: {differs}"));
        }
        if let Some(difference) = self.differences.first() {
            let more = self.differences.len() - 1;
            return Some(format!("{difference} (and {more} more)"));
        }
        match self.feeds.get(id.index()) {
            None | Some(FeedLink::Live) => None,
            Some(state) => Some(format!("feed is {}", state.name())),
        }
    }

    /// State of an instrument's feed.
    pub(super) fn feed(&self, id: InstrumentId) -> FeedLink {
        self.feeds
            .get(id.index())
            .copied()
            .unwrap_or(FeedLink::Live)
    }

    /// A person has resumed: what the venue refused then it may allow now.
    pub(super) fn forgive(&mut self) {
        self.refused = None;
    }
}

impl Engine {
    pub(super) fn on_link(&mut self, event: &LinkEvent, effects: &mut Vec<Effect>) {
        match event {
            LinkEvent::Feed { instrument, state } => self.on_feed(*instrument, *state, effects),
            LinkEvent::Account { lacks } => {
                if self.links.account == *lacks {
                    return;
                }
                let (level, text) = match lacks {
                    Some(lacks) => (NoticeLevel::Warn, format!("account: {lacks}; no entries")),
                    None => (NoticeLevel::Info, "account: connected and read".to_owned()),
                };
                self.links.account.clone_from(lacks);
                self.notice(level, "exec", text, effects);
            }
            LinkEvent::Clock { differs } => {
                if self.links.clock == *differs {
                    return;
                }
                let (level, text) = match differs {
                    Some(differs) => (NoticeLevel::Error, format!("clock: {differs}; no entries")),
                    None => (
                        NoticeLevel::Info,
                        "clock: agrees with the venue's".to_owned(),
                    ),
                };
                self.links.clock.clone_from(differs);
                self.notice(level, "session", text, effects);
            }
            LinkEvent::Refused { reason } => {
                if self.links.refused.as_ref() == Some(reason) {
                    return;
                }
                let text = format!("the venue refuses us: {reason}; no entries until resumed");
                self.links.refused = Some(reason.clone());
                self.notice(NoticeLevel::Error, "exec", text, effects);
            }
        }
    }

    fn on_feed(&mut self, id: InstrumentId, state: FeedLink, effects: &mut Vec<Effect>) {
        let Some(known) = self.links.feeds.get_mut(id.index()) else {
            return;
        };
        if *known == state {
            return;
        }
        *known = state;
        let symbol = &self.instruments.get(id).symbol;
        let (level, text) = if state == FeedLink::Live {
            (NoticeLevel::Info, format!("{symbol} feed is live"))
        } else {
            let text = format!("{symbol} feed is {}: no entries", state.name());
            (NoticeLevel::Warn, text)
        };
        self.notice(level, "feed", text, effects);
    }

    /// Compares the venue's picture with ours. What differs is told once and holds entries back
    /// until it is gone.
    pub(super) fn on_report(&mut self, report: &AccountReport, effects: &mut Vec<Effect>) {
        let found = differences(&self.orders, &self.ledger, &self.instruments, report);
        for difference in &found {
            if !self.links.differences.contains(difference) {
                let text = format!("{difference}: {}", difference.repair());
                self.notice(NoticeLevel::Error, "exec", text, effects);
            }
        }
        if found.is_empty() && !self.links.differences.is_empty() {
            let text = "orders and positions agree with the venue again".to_owned();
            self.notice(NoticeLevel::Info, "exec", text, effects);
        }
        self.links.differences = found;
        self.links.compared_at = Some(self.now);
        self.links.report = Some(report.clone());
    }

    /// Takes over the venue's position, because a person says that it is ours.
    pub(super) fn adopt(&mut self, id: InstrumentId, effects: &mut Vec<Effect>) {
        let Some(report) = &self.links.report else {
            let text = "nothing to adopt: the venue has not reported yet".to_owned();
            return self.notice(NoticeLevel::Warn, "exec", text, effects);
        };
        let theirs = report.positions.iter().find(|p| p.instrument == Some(id));
        let size = theirs.map(|p| p.size).unwrap_or_default();
        let entry = theirs.and_then(|p| p.entry);
        let price = entry.or_else(|| self.markets[id.index()].valuation());
        let symbol = self.instruments.get(id).symbol.clone();
        let Some(price) = price else {
            let text = format!("{symbol} cannot be adopted: no price is known yet");
            return self.notice(NoticeLevel::Warn, "exec", text, effects);
        };
        let leg = self.routes[id.index()];
        self.ledger.adopt(id, size, price, self.now, leg);
        self.links
            .differences
            .retain(|d| !(d.instrument() == Some(id) && matches!(d, Difference::Position { .. })));
        let text = format!("adopted the venue's position of {size} {symbol} at {price}");
        self.notice(NoticeLevel::Warn, "exec", text, effects);
        if let Some(leg) = leg {
            self.legs[leg.index()].calm = None;
            self.protect(leg, effects);
        }
        self.look_at_losses(effects);
    }

    /// A fill that no order of ours asked for: it counts, and its instrument trades on only when
    /// a person says so.
    pub(super) fn on_strange_fill(&mut self, fill: &Fill, effects: &mut Vec<Effect>) {
        let symbol = &self.instruments.get(fill.instrument).symbol;
        let (side, qty, price) = (fill.side, fill.qty, fill.price);
        let who = match fill.kind {
            FillKind::Liquidation => "the venue has liquidated",
            FillKind::Adl => "the venue has auto-deleveraged",
            FillKind::Settlement => "the venue has settled",
            FillKind::Trade | FillKind::Foreign => "somebody else has traded",
        };
        let text = format!("{who} {side} {qty} {symbol} @ {price}: the strategy is stopped there");
        self.notice(NoticeLevel::Error, "exec", text, effects);
        if let Some(leg) = self.routes[fill.instrument.index()] {
            self.set_stopped(leg, true, effects);
        }
    }
}
