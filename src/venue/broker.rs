//! The broker port: what a session needs from a venue, without sockets and without `await`.
//!
//! It defines the trait and the venue's report about our account. It does not send anything,
//! keeps no belief of its own, and decides nothing: approval is the business of `risk`.

use crate::domain::{
    AccountEvent, ClientOrderId, InstrumentId, MarketEvent, Money, OrderSpec, Price, Qty,
    SignedQty, Timestamp,
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
}

impl AccountSnapshot {
    /// Whether there is neither an order nor a position.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.orders.is_empty() && self.positions.is_empty()
    }
}
