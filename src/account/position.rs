//! One open position and the exact arithmetic of adding to it and closing parts of it.
//!
//! It knows neither cash nor marks; [`super::Ledger`] does.

use crate::domain::{
    ClientOrderId, Fill, FillKind, InstrumentId, LegId, Money, Price, Qty, Side, SignedQty,
    Timestamp,
};

/// An open position, from the fill that left flat until the fill that returns to it.
///
/// Invariant: `size` is never zero, and its cost basis has the sign of `size`. What a close
/// releases from the cost basis and what stays add up to what was there, to the last digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Signed size.
    pub size: SignedQty,
    /// Average entry price, truncated to the price grid of the type. A partial close leaves it.
    pub entry: Price,
    /// Venue time of the fill that opened it.
    pub opened: Timestamp,
    /// Leg that opened it; `None` when nobody of ours did.
    pub leg: Option<LegId>,
    /// Profit of the parts closed so far, before fees and funding.
    pub realised: Money,
    /// Fees paid for it so far; negative after rebates.
    pub fees: Money,
    /// Funding paid for it so far; negative when received.
    pub funding: Money,
    /// Paid against the prices expected at decision time; negative is better than expected.
    pub slippage: Money,
    /// Largest size it has had.
    pub max_qty: Qty,
    /// Fills it is made of.
    pub n_fills: u32,
    /// Cost of what is still held: positive when long, negative when short.
    cost: Money,
    /// Amount and value of everything that was added.
    entered: (Qty, Money),
    /// Amount and value of everything that was closed.
    exited: (Qty, Money),
}

/// A trade from flat to flat, or to the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedTrade {
    /// Instrument traded.
    pub instrument: InstrumentId,
    /// Leg that opened it; `None` when nobody of ours did.
    pub leg: Option<LegId>,
    /// Side of the position.
    pub side: Side,
    /// Largest size.
    pub qty: Qty,
    /// Average price of everything that was added, truncated.
    pub entry: Price,
    /// Average price of everything that was closed, truncated.
    pub exit: Price,
    /// Venue time of the opening fill.
    pub opened: Timestamp,
    /// Venue time of the closing fill.
    pub closed: Timestamp,
    /// Profit before fees and funding.
    pub gross: Money,
    /// Profit after fees and funding.
    pub net: Money,
    /// Fees paid; negative after rebates.
    pub fees: Money,
    /// Funding paid; negative when received.
    pub funding: Money,
    /// Paid against the prices expected at decision time.
    pub slippage: Money,
    /// Fills it was made of; a fill that turned it around counts here and in the next trade.
    pub n_fills: u32,
    /// Order of the closing fill.
    pub order: ClientOrderId,
    /// Whether the venue closed it.
    pub liquidated: bool,
}

impl ClosedTrade {
    /// Time it was held, in milliseconds; zero when the venue's times contradict each other.
    #[must_use]
    pub fn held_ms(&self) -> i64 {
        self.closed.since(self.opened).max(0)
    }
}

impl Position {
    /// Position of the first `qty` of a fill; `qty` is not zero.
    pub(super) fn open(fill: &Fill, qty: Qty, fee: Money, leg: Option<LegId>) -> Self {
        let mut position = Self {
            size: SignedQty::ZERO,
            entry: fill.price,
            opened: fill.at,
            leg,
            realised: Money::ZERO,
            fees: Money::ZERO,
            funding: Money::ZERO,
            slippage: Money::ZERO,
            max_qty: Qty::ZERO,
            n_fills: 0,
            cost: Money::ZERO,
            entered: (Qty::ZERO, Money::ZERO),
            exited: (Qty::ZERO, Money::ZERO),
        };
        position.add(fill, qty, fee);
        position
    }

    /// A position that no fill of ours explains; `None` when flat.
    pub(super) fn adopted(
        size: SignedQty,
        entry: Price,
        at: Timestamp,
        leg: Option<LegId>,
    ) -> Option<Self> {
        let cost = entry * size;
        size.side().map(|_| Self {
            size,
            entry,
            opened: at,
            leg,
            realised: Money::ZERO,
            fees: Money::ZERO,
            funding: Money::ZERO,
            slippage: Money::ZERO,
            max_qty: size.abs(),
            n_fills: 0,
            cost,
            entered: (size.abs(), cost.abs()),
            exited: (Qty::ZERO, Money::ZERO),
        })
    }

    /// Adds `qty` of a fill on the position's own side.
    pub(super) fn add(&mut self, fill: &Fill, qty: Qty, fee: Money) {
        // What the venue kept of a purchase was paid for all the same.
        self.size += qty.saturating_sub(fill.withheld).signed(fill.side);
        self.cost += fill.price * qty.signed(fill.side);
        self.entry = self
            .cost
            .abs()
            .price_of(self.size.abs())
            .unwrap_or_default();
        self.entered.0 += qty;
        self.entered.1 += fill.price * qty;
        self.max_qty = self.max_qty.max(self.size.abs());
        self.count(fill, qty, fee);
    }

    /// Closes `qty` of the position, at most all of it, and returns the profit of that part
    /// before fees.
    pub(super) fn reduce(&mut self, fill: &Fill, qty: Qty, fee: Money) -> Money {
        let released = if qty == self.size.abs() {
            self.cost.abs()
        } else {
            self.entry * qty
        };
        let proceeds = fill.price * qty;
        let realised = match fill.side {
            Side::Sell => {
                self.cost -= released;
                proceeds - released
            }
            Side::Buy => {
                self.cost += released;
                released - proceeds
            }
        };
        self.size += qty.signed(fill.side);
        self.realised += realised;
        self.exited.0 += qty;
        self.exited.1 += proceeds;
        self.count(fill, qty, fee);
        realised
    }

    fn count(&mut self, fill: &Fill, qty: Qty, fee: Money) {
        self.fees += fee;
        self.slippage += slippage(fill, qty);
        self.n_fills += 1;
    }

    /// The finished trade; `side` is the side it had before `fill` closed it.
    pub(super) fn into_trade(self, fill: &Fill, side: Side) -> ClosedTrade {
        let average = |(qty, value): (Qty, Money)| value.price_of(qty).unwrap_or_default();
        ClosedTrade {
            instrument: fill.instrument,
            leg: self.leg,
            side,
            qty: self.max_qty,
            entry: average(self.entered),
            exit: average(self.exited),
            opened: self.opened,
            closed: fill.at,
            gross: self.realised,
            net: self.realised - self.fees - self.funding,
            fees: self.fees,
            funding: self.funding,
            slippage: self.slippage,
            n_fills: self.n_fills,
            order: fill.order,
            liquidated: fill.kind == FillKind::Liquidation,
        }
    }

    /// Cost of what is still held: positive when long, negative when short.
    #[must_use]
    pub const fn cost(&self) -> Money {
        self.cost
    }
}

/// What `qty` of a fill cost more than expected; zero where no price was expected.
#[must_use]
pub fn slippage(fill: &Fill, qty: Qty) -> Money {
    if fill.expected.is_zero() {
        return Money::ZERO;
    }
    let (paid, expected) = (fill.price * qty, fill.expected * qty);
    match fill.side {
        Side::Buy => paid - expected,
        Side::Sell => expected - paid,
    }
}
