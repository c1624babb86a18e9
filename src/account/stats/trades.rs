//! Statistics over closed trades.

use std::cmp::Ordering;

use crate::account::ClosedTrade;
use crate::domain::Money;

/// Statistics over closed trades; every figure is after fees and funding unless it says so.
///
/// A trade with a net of exactly zero is neither a win nor a loss.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeStats {
    n_trades: u64,
    n_wins: u64,
    n_losses: u64,
    profit: Money,
    loss: Money,
    fees: Money,
    funding: Money,
    slippage: Money,
    largest_win: Option<Money>,
    largest_loss: Option<Money>,
    losses_in_a_row: u64,
    most_losses_in_a_row: u64,
    held_ms: i128,
    held_range: Option<(i64, i64)>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of trades stay far below 2^53; ratios are opinions"
)]
impl TradeStats {
    /// Counts one closed trade.
    pub fn record(&mut self, trade: &ClosedTrade) {
        self.n_trades += 1;
        match trade.net.cmp(&Money::ZERO) {
            Ordering::Greater => {
                self.n_wins += 1;
                self.profit += trade.net;
                self.largest_win = self.largest_win.max(Some(trade.net));
                self.losses_in_a_row = 0;
            }
            Ordering::Less => {
                self.n_losses += 1;
                self.loss -= trade.net;
                let largest = self.largest_loss.map_or(trade.net, |l| l.min(trade.net));
                self.largest_loss = Some(largest);
                self.losses_in_a_row += 1;
                self.most_losses_in_a_row = self.most_losses_in_a_row.max(self.losses_in_a_row);
            }
            Ordering::Equal => self.losses_in_a_row = 0,
        }
        self.fees += trade.fees;
        self.funding += trade.funding;
        self.slippage += trade.slippage;
        let held = trade.held_ms();
        self.held_ms += i128::from(held);
        let (min, max) = self.held_range.unwrap_or((held, held));
        self.held_range = Some((min.min(held), max.max(held)));
    }

    /// Closed trades.
    #[must_use]
    pub const fn n_trades(&self) -> u64 {
        self.n_trades
    }

    /// Closed with a profit.
    #[must_use]
    pub const fn n_wins(&self) -> u64 {
        self.n_wins
    }

    /// Closed with a loss.
    #[must_use]
    pub const fn n_losses(&self) -> u64 {
        self.n_losses
    }

    /// Wins over trades, 0 to 1; `None` without trades.
    #[must_use]
    pub fn win_rate(&self) -> Option<f64> {
        (self.n_trades > 0).then(|| self.n_wins as f64 / self.n_trades as f64)
    }

    /// Profit of all closed trades.
    #[must_use]
    pub fn net(&self) -> Money {
        self.profit - self.loss
    }

    /// Sum of the wins.
    #[must_use]
    pub const fn gross_profit(&self) -> Money {
        self.profit
    }

    /// Sum of the losses, as a positive amount.
    #[must_use]
    pub const fn gross_loss(&self) -> Money {
        self.loss
    }

    /// Sum of the wins over the sum of the losses; `None` without a loss.
    #[must_use]
    pub fn profit_factor(&self) -> Option<f64> {
        (!self.loss.is_zero()).then(|| self.profit.to_f64() / self.loss.to_f64())
    }

    /// Mean profit of a trade, in the settlement coin; `None` without trades.
    #[must_use]
    pub fn expectancy(&self) -> Option<f64> {
        (self.n_trades > 0).then(|| self.net().to_f64() / self.n_trades as f64)
    }

    /// Mean of the wins, in the settlement coin.
    #[must_use]
    pub fn mean_win(&self) -> Option<f64> {
        (self.n_wins > 0).then(|| self.profit.to_f64() / self.n_wins as f64)
    }

    /// Mean of the losses, negative, in the settlement coin.
    #[must_use]
    pub fn mean_loss(&self) -> Option<f64> {
        (self.n_losses > 0).then(|| -self.loss.to_f64() / self.n_losses as f64)
    }

    /// Best trade with a profit.
    #[must_use]
    pub const fn largest_win(&self) -> Option<Money> {
        self.largest_win
    }

    /// Worst trade with a loss; negative.
    #[must_use]
    pub const fn largest_loss(&self) -> Option<Money> {
        self.largest_loss
    }

    /// Losses since the last trade that was none.
    #[must_use]
    pub const fn losses_in_a_row(&self) -> u64 {
        self.losses_in_a_row
    }

    /// Longest run of losses.
    #[must_use]
    pub const fn most_losses_in_a_row(&self) -> u64 {
        self.most_losses_in_a_row
    }

    /// Mean time a trade was held, in milliseconds, truncated.
    #[must_use]
    pub fn mean_holding_ms(&self) -> Option<i64> {
        let n = i128::from(self.n_trades);
        i64::try_from(self.held_ms.checked_div(n)?).ok()
    }

    /// Shortest and longest time a trade was held, in milliseconds.
    #[must_use]
    pub const fn holding_range_ms(&self) -> Option<(i64, i64)> {
        self.held_range
    }

    /// Fees of closed trades; negative after rebates.
    #[must_use]
    pub const fn fees(&self) -> Money {
        self.fees
    }

    /// Funding of closed trades; negative when received.
    #[must_use]
    pub const fn funding(&self) -> Money {
        self.funding
    }

    /// Slippage of closed trades, against the prices expected at decision time.
    #[must_use]
    pub const fn slippage(&self) -> Money {
        self.slippage
    }
}
