//! The broker ports: what a session needs from a venue.
//!
//! [`Broker`] is a simulated venue, without sockets and without `await`. [`RemoteBroker`] is one
//! elsewhere: each call is one question over a network that may lose the answer. The file sends
//! nothing, keeps no belief of its own, and decides nothing: approval is the business of `risk`.

use std::future::Future;

use crate::domain::{
    AccountEvent, AccountReport, ClientOrderId, InstrumentId, MarketEvent, Money, OrderSpec, Price,
    Qty, RejectReason, SignedQty, Timestamp,
};
use crate::risk::Approved;

/// Takes approved orders and answers with account events, each with the moment it happened.
///
/// `at` and `to` never run backwards between two calls.
pub trait Broker {
    /// Hands over an order at `at`. The answer comes out of a later [`Broker::advance`] or
    /// [`Broker::on_market`].
    fn submit(&mut self, at: Timestamp, order: Approved);

    /// Hands over a cancel at `at`.
    fn cancel(&mut self, at: Timestamp, order: ClientOrderId);

    /// Shows the broker one market event. A broker with a market of its own ignores it.
    fn on_market(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
        out: &mut Vec<(Timestamp, AccountEvent)>,
    );

    /// Lets everything happen that is due up to and including `to`.
    fn advance(&mut self, to: Timestamp, out: &mut Vec<(Timestamp, AccountEvent)>);

    /// When something is due next; `None` when nothing is on its way.
    fn next_due(&self) -> Option<Timestamp>;

    /// The venue's own truth about the account, as of the last call.
    ///
    /// It knows nothing of orders that are still on their way to the venue: a flat certificate
    /// needs [`AccountSnapshot::is_flat`] *and* no [`Broker::next_due`].
    fn account(&self) -> AccountSnapshot;

    /// While muted it takes orders and sends nothing: an interrupted session repeats what it did,
    /// and a venue elsewhere has heard it once. A simulated venue repeats it too.
    fn mute(&mut self, _is_muted: bool) {}

    /// Takes up the orders of an interrupted session. A simulated venue has repeated them itself.
    fn resume(&mut self, _orders: Vec<(KnownOrder, Standing)>) {}

    /// Whether what it says comes from elsewhere and drives turns of its own; a simulated venue
    /// says only what follows from the session's other events.
    fn accounts_are_sources(&self) -> bool {
        false
    }
}

/// An order that the venue holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOrder {
    /// Name of the order.
    pub id: ClientOrderId,
    /// The order as it was sent.
    pub spec: OrderSpec,
    /// Amount that has traded.
    pub filled: Qty,
    /// Amount that still may trade; less than sent minus filled once a reduce-only order shrank.
    pub remaining: Qty,
    /// Whether a conditional order has woken up; `false` for every other kind.
    pub triggered: bool,
}

/// A position that the venue holds for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenPosition {
    /// Instrument.
    pub instrument: InstrumentId,
    /// Size and direction; never zero. On spot: the balance of the base coin.
    pub qty: SignedQty,
    /// Average entry price, truncated to the grid of [`Price`].
    pub entry: Price,
}

/// What the venue says we have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountSnapshot {
    /// Orders it holds, by instrument, oldest first.
    pub orders: Vec<OpenOrder>,
    /// Positions it holds, by instrument.
    pub positions: Vec<OpenPosition>,
    /// Cash in the settlement coin, without unrealised profit.
    pub cash: Money,
    /// Whether something may have happened that is not in here: never a flat certificate then.
    pub is_uncertain: bool,
}

impl AccountSnapshot {
    /// Whether there is neither an order nor a position.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        !self.is_uncertain && self.orders.is_empty() && self.positions.is_empty()
    }
}

/// What became of an order that was sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The venue has taken the request; its fate comes with the account's own events.
    Accepted,
    /// The venue refused it for certain: nothing rests, nothing will trade.
    Rejected(RejectReason),
    /// The venue knows the name: an earlier attempt has arrived.
    Exists,
    /// The request certainly never left.
    NotSent(String),
    /// The venue's own limiter refused it; it may try again at that moment.
    Limited {
        /// Earliest moment.
        until: Timestamp,
    },
    /// The venue refuses us altogether: key, permission, region.
    Refused(String),
    /// Nobody knows. Never to be read as any of the others.
    Unknown(String),
}

/// What became of a cancel that was sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelSent {
    /// The venue has taken the request.
    Accepted,
    /// The trading engine itself does not know an open order of that name: over, or never there.
    Gone,
    /// The request certainly never left, or was refused by a limiter.
    NotSent(String),
    /// The venue refuses us altogether.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
}

/// What the venue knows of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has it, or had it: what happened to it, oldest first, fills included as far as they
    /// are known.
    Events(Vec<AccountEvent>),
    /// Every place that was asked answered, and none knows the name. This proves nothing before
    /// the receive window is over.
    Nowhere,
}

/// Why a question has no answer. Never the same as an empty answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No answer, or one that cannot be read.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// A limiter: ours, or the venue's.
    #[error("held back by a limit until {until}")]
    Limited {
        /// Earliest moment.
        until: Timestamp,
    },
    /// The venue refuses us altogether.
    #[error("the venue refuses us: {0}")]
    Refused(String),
}

/// An order that was sent before, by this process or the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOrder {
    /// Its name.
    pub id: ClientOrderId,
    /// The order as it was sent.
    pub spec: OrderSpec,
    /// Last known price when it was sent: what its fills are measured against.
    pub expected: Option<Price>,
}

/// What an interrupted session believed of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Over; it may still be heard of.
    Over,
    /// The venue had shown that it has it.
    Working,
    /// Nobody knows whether the venue has it.
    Open,
}

/// A venue elsewhere. No call is ever repeated by an implementation.
pub trait RemoteBroker: Send + Sync + 'static {
    /// Takes note of an order, so that what is heard of it later can be told in our words.
    fn remember(&self, order: KnownOrder);

    /// Sends one approved order, once. `expected` is the last known price.
    fn submit(
        &self,
        order: &Approved,
        expected: Option<Price>,
    ) -> impl Future<Output = Submitted> + Send;

    /// Sends one cancel, once.
    fn cancel(
        &self,
        order: ClientOrderId,
        instrument: InstrumentId,
    ) -> impl Future<Output = CancelSent> + Send;

    /// Asks for one order by its name, in every place that may know it.
    fn find(
        &self,
        order: ClientOrderId,
        instrument: InstrumentId,
    ) -> impl Future<Output = Result<Found, AskError>> + Send;

    /// Fills, funding and closures since a venue time, all pages, oldest first.
    fn executions(
        &self,
        since: Timestamp,
    ) -> impl Future<Output = Result<Vec<AccountEvent>, AskError>> + Send;

    /// Open orders, positions and wallet, all pages. `asked_at` is stamped on the report.
    fn report(
        &self,
        asked_at: Timestamp,
    ) -> impl Future<Output = Result<AccountReport, AskError>> + Send;
}
