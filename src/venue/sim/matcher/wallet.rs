//! Cash and positions of the simulated account, to the last digit.
//!
//! It books what it is told; whether a trade may happen is decided elsewhere.

use crate::domain::{Category, Money, Price, Qty, Side, SignedQty, Timestamp};

/// Sums since the start; every one is exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Profit of closed parts of positions, before fees.
    pub realised: Money,
    /// Fees paid, less rebates.
    pub fees: Money,
    /// Funding paid, less funding received.
    pub funding: Money,
}

/// A position in one instrument; on spot the balance of the base coin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::venue::sim) struct Position {
    /// Size and direction.
    pub(in crate::venue::sim) qty: SignedQty,
    /// What the open part cost: price times signed quantity, so a short has a negative cost.
    pub(in crate::venue::sim) cost: Money,
    /// When it last grew.
    pub(in crate::venue::sim) grown_at: Timestamp,
}

impl Position {
    /// Average entry price; `None` when flat.
    pub(in crate::venue::sim) fn entry(&self) -> Option<Price> {
        self.cost.abs().price_of(self.qty.abs())
    }

    /// Profit that closing at `price` would realise.
    pub(in crate::venue::sim) fn unrealised(&self, price: Price) -> Money {
        price * self.qty - self.cost
    }

    /// Adds to the amount without changing what it cost, as a fee in the base coin does.
    pub(in crate::venue::sim) fn adjust(&mut self, by: SignedQty) {
        self.qty += by;
        if self.qty.is_zero() {
            self.cost = Money::ZERO;
        }
    }

    /// Amount that an order on `side` could close.
    pub(in crate::venue::sim) fn reducible(&self, side: Side) -> Qty {
        if self.qty.side() == Some(side.opposite()) {
            self.qty.abs()
        } else {
            Qty::ZERO
        }
    }

    /// Books a trade and returns the profit it realised.
    pub(in crate::venue::sim) fn trade(
        &mut self,
        at: Timestamp,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> Money {
        let closing = self.reducible(side).min(qty);
        let mut realised = Money::ZERO;
        if !closing.is_zero() {
            let released = self.cost_of(closing);
            realised = -(price * closing.signed(side)) - released;
            self.cost -= released;
            self.qty += closing.signed(side);
        }
        let opening = qty.saturating_sub(closing).signed(side);
        if !opening.is_zero() {
            self.cost += price * opening;
            self.qty += opening;
            self.grown_at = at;
        }
        realised
    }

    /// Cost of a part of the position. The last part takes what is left, so that nothing is lost
    /// to the truncated average.
    fn cost_of(&self, part: Qty) -> Money {
        match self.entry() {
            Some(average) if part < self.qty.abs() => {
                let cost = average * part;
                if self.qty.side() == Some(Side::Sell) {
                    -cost
                } else {
                    cost
                }
            }
            _ => self.cost,
        }
    }
}

/// One trade to be booked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trade {
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) qty: Qty,
    pub(super) fee: Money,
}

/// Cash with its sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wallet {
    pub(super) cash: Money,
    pub(super) totals: Totals,
}

impl Wallet {
    /// Books a trade into `position`. On linear, cash changes by profit and fee; on spot, the
    /// whole value changes hands.
    pub(super) fn trade(
        &mut self,
        at: Timestamp,
        category: Category,
        position: &mut Position,
        trade: Trade,
    ) {
        let Trade {
            side,
            price,
            qty,
            fee,
        } = trade;
        let realised = position.trade(at, side, price, qty);
        self.totals.realised += realised;
        self.totals.fees += fee;
        self.cash += match category {
            Category::Linear => realised,
            Category::Spot => -(price * qty.signed(side)),
        };
        self.cash -= fee;
    }

    /// Books a funding payment.
    pub(super) fn fund(&mut self, paid: Money) {
        self.totals.funding += paid;
        self.cash -= paid;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn trade(side: Side, price: &str, qty: &str) -> Trade {
        Trade {
            side,
            price: price.parse().unwrap(),
            qty: qty.parse().unwrap(),
            fee: Money::ZERO,
        }
    }

    #[test]
    fn nothing_is_lost_to_an_average_that_does_not_divide() {
        let (mut wallet, mut position) = (Wallet::default(), Position::default());
        let mut book = |t| wallet.trade(Timestamp::default(), Category::Linear, &mut position, t);
        book(trade(Side::Buy, "100", "1"));
        book(trade(Side::Buy, "101", "2"));
        book(trade(Side::Sell, "102", "1"));
        book(trade(Side::Sell, "102", "2"));
        assert_eq!(wallet.cash, money("4"));
        assert_eq!(position.cost, Money::ZERO);
        assert!(position.qty.is_zero());
    }

    #[test]
    fn a_flip_realises_the_old_side_and_opens_the_new_one() {
        let (mut wallet, mut position) = (Wallet::default(), Position::default());
        let mut book = |t| wallet.trade(Timestamp::default(), Category::Linear, &mut position, t);
        book(trade(Side::Sell, "100", "1"));
        book(trade(Side::Buy, "90", "3"));
        assert_eq!(wallet.totals.realised, money("10"));
        assert_eq!(position.qty, "2".parse().unwrap());
        assert_eq!(position.entry(), Some("90".parse().unwrap()));
        assert_eq!(position.unrealised("95".parse().unwrap()), money("10"));
    }

    #[test]
    fn spot_exchanges_the_whole_value() {
        let (mut wallet, mut position) = (Wallet::default(), Position::default());
        let mut book = |t| wallet.trade(Timestamp::default(), Category::Spot, &mut position, t);
        book(trade(Side::Buy, "100", "2"));
        book(trade(Side::Sell, "110", "1"));
        assert_eq!(wallet.cash, money("-90"));
        assert_eq!(wallet.totals.realised, money("10"));
    }
}
