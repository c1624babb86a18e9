//! The private stream in our words.
//!
//! Pure: frames in, events out. Orders are guarded against repeated and late messages, positions
//! and balances are kept as the newest that was told and make no events. Nothing is replayed by
//! the venue and nothing is invented here: after a loss of the connection the account has to be
//! asked for over REST. Source: Bybit v5, private topics.

mod latest;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use rust_decimal::Decimal;

use super::Roster;
use super::fill::{Teller, find};
use super::strange::{StrangeEvent, StrangeKind};
use super::words::plain;
use crate::domain::{AccountEvent, Category, InstrumentId, Instruments, SignedQty, Timestamp};
use crate::venue::bybit::wire::account::Wallet;
use crate::venue::bybit::wire::execution::Execution;
use crate::venue::bybit::wire::names::{OrderStatus, PositionIdx, WireCategory};
use crate::venue::bybit::wire::order::Order;
use crate::venue::bybit::wire::position::Position;
use crate::venue::bybit::wire::{PrivateFrame, Push, WireError, parse_private};

use latest::Latest;
use watch::{Seen, Watch};

/// What one frame tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Events of the account, in the order of the frame.
    pub events: Vec<AccountEvent>,
    /// What is no event and somebody must look at.
    pub strange: Vec<StrangeEvent>,
    /// Whether something traded whose execution is still to come (`execution.fast`).
    pub has_traded: bool,
}

/// Translates the frames of one account's private socket.
#[derive(Debug)]
pub struct PrivateStream {
    instruments: Instruments,
    roster: Arc<Roster>,
    watch: Watch,
    latest: Latest,
}

impl PrivateStream {
    /// A stream that has heard nothing. `roster` is the broker's.
    #[must_use]
    pub fn new(instruments: Instruments, roster: Arc<Roster>) -> Self {
        Self {
            instruments,
            roster,
            watch: Watch::default(),
            latest: Latest::default(),
        }
    }

    /// Reads one frame.
    ///
    /// # Errors
    ///
    /// When it cannot be read: then nothing of it was used, and the account has to be asked for.
    pub fn read(&mut self, text: &str) -> Result<Heard, WireError> {
        parse_private(text).map(|frame| self.fold(&frame))
    }

    /// Takes one frame that was read already.
    pub fn fold(&mut self, frame: &PrivateFrame) -> Heard {
        let mut heard = Heard::default();
        match frame {
            PrivateFrame::Orders(push) => {
                for row in &push.rows {
                    self.on_order(row, push.created, &mut heard);
                }
            }
            PrivateFrame::Executions(push) => {
                let category = category_of(push);
                for row in &push.rows {
                    self.on_execution(row, category.as_ref(), &mut heard);
                }
            }
            PrivateFrame::FastExecutions(push) => heard.has_traded = !push.rows.is_empty(),
            PrivateFrame::Positions(push) => {
                let category = category_of(push);
                for row in &push.rows {
                    self.on_position(row, category.as_ref(), &mut heard);
                }
            }
            PrivateFrame::Wallet(push) => {
                for row in &push.rows {
                    self.latest.merge(row, push.created);
                }
            }
            PrivateFrame::Dcp { .. } | PrivateFrame::Control(_) | PrivateFrame::Other { .. } => {}
        }
        heard
    }

    /// Forgets positions and balances, which may have moved unheard, after the connection was
    /// lost. What is known of orders stays: a final state never reopens.
    pub fn disconnected(&mut self) {
        self.latest = Latest::default();
    }

    /// The newest position that was told of a contract, for a cross-check; `None` when none was
    /// told since the connection began, and for one without a direction.
    #[must_use]
    pub fn position_of(&self, instrument: InstrumentId) -> Option<SignedQty> {
        if self.instruments.len() <= instrument.index() {
            return None;
        }
        let rules = self.instruments.get(instrument);
        (rules.category == Category::Linear)
            .then(|| self.latest.position(&rules.symbol, PositionIdx::OneWay))?
            .and_then(Position::signed_size)
    }

    /// The newest position of each contract and side that was told, by symbol.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        self.latest.positions()
    }

    /// The balances as far as they were told since the connection began; a coin that is not
    /// there is unknown, not zero.
    #[must_use]
    pub const fn wallet(&self) -> &Wallet {
        self.latest.wallet()
    }

    /// The balance of one coin, without unrealised profit.
    #[must_use]
    pub fn balance_of(&self, coin: &str) -> Option<Decimal> {
        self.latest.wallet().coin(coin)?.wallet_balance
    }

    fn on_order(&mut self, row: &Order, created: Option<Timestamp>, heard: &mut Heard) {
        let link = row.order_link_id.as_deref();
        // Orders of somebody else are shown by the report; their executions are told.
        let Some(order) = self.roster.name_of(link, Some(&row.order_id)) else {
            return;
        };
        self.roster.met(&order, &row.order_id);
        if let OrderStatus::Unknown(status) = &row.order_status {
            let name = format!("{}/{status}", row.order_id);
            if self.roster.is_news(&name) {
                heard.strange.push(self.unknown_status(row, status));
            }
            return;
        }
        let spec = self.roster.spec(&order);
        let seen = Seen {
            order,
            row,
            at: row.updated_time.or(row.created_time).or(created),
            is_conditional: spec.is_some_and(|spec| spec.kind.trigger().is_some()),
        };
        let events = self.watch.fold(&seen);
        for event in &events {
            if matches!(event, AccountEvent::Triggered { .. }) {
                self.roster.triggered(&order);
            }
        }
        if row.order_status.is_final() {
            self.roster.ended(&order);
        }
        heard.events.extend(events);
    }

    fn unknown_status(&self, row: &Order, status: &str) -> StrangeEvent {
        let category = row.category.as_ref().and_then(WireCategory::to_domain);
        let known = category.and_then(|c| find(&self.instruments, row.symbol.as_str(), c));
        let link = row.order_link_id.as_deref().unwrap_or("no name");
        StrangeEvent {
            kind: StrangeKind::OrderStatus,
            instrument: known.map(|(id, _)| id),
            symbol: row.symbol.to_string(),
            text: plain(&format!("order {link} is in the unknown state {status}")),
            at: row.updated_time,
        }
    }

    fn on_execution(&self, row: &Execution, category: Option<&WireCategory>, heard: &mut Heard) {
        let teller = Teller {
            instruments: &self.instruments,
            roster: &self.roster,
        };
        let told = teller.tell(row, category);
        heard.events.extend(told.event);
        heard.strange.extend(told.strange);
    }

    fn on_position(&mut self, row: &Position, category: Option<&WireCategory>, heard: &mut Heard) {
        let category = row.category.as_ref().or(category);
        // Contracts only; a message without a market is about the only one that is read.
        if category.is_some_and(|category| *category != WireCategory::Linear) {
            return;
        }
        let known = find(&self.instruments, row.symbol.as_str(), Category::Linear);
        if let Some((id, _)) = known
            && row.position_idx != PositionIdx::OneWay
            && self.roster.is_news(&format!("hedge/{}", row.symbol))
        {
            heard.strange.push(StrangeEvent {
                kind: StrangeKind::HedgeMode,
                instrument: Some(id),
                symbol: row.symbol.to_string(),
                text: format!(
                    "{} is in hedge mode at the venue (positionIdx {}) and has to be one-way",
                    row.symbol,
                    row.position_idx.number()
                ),
                at: row.updated_time,
            });
        }
        self.latest.take(row);
    }
}

/// Market of a topic that names one, as in `execution.linear`.
fn category_of<T>(push: &Push<T>) -> Option<WireCategory> {
    let (_, name) = push.topic.rsplit_once('.')?;
    Some(WireCategory::from(name))
}
