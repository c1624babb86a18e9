//! The venue's picture of the account: open orders, positions, balance. All of it, or none.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::BybitBroker;
use super::ask;
use super::fill::find;
use super::words::plain;
use crate::domain::{
    AccountReport, Category, Money, Qty, ReportedOrder, ReportedPosition, SignedQty, Timestamp,
};
use crate::venue::broker::AskError;
use crate::venue::bybit::rest::Query;
use crate::venue::bybit::wire::account::Wallet;
use crate::venue::bybit::wire::names::{OrderFilter, OrderStatus, PositionIdx};
use crate::venue::bybit::wire::order::Order;
use crate::venue::bybit::wire::position::Position;

/// Kinds of orders that are asked for one by one, besides a question without a kind.
const KINDS: [OrderFilter; 2] = [OrderFilter::Stop, OrderFilter::Tpsl];

impl BybitBroker {
    pub(super) async fn whole_report(
        &self,
        asked_at: Timestamp,
    ) -> Result<AccountReport, AskError> {
        let mut orders = Vec::new();
        for category in self.categories() {
            orders.extend(self.open_orders(category).await?);
        }
        let mut positions = self.contract_positions().await?;
        let wallet = self.wallet().await?;
        positions.extend(self.spot_positions(&wallet)?);
        let cash = wallet
            .coin(&self.coin)
            .and_then(|balance| balance.wallet_balance)
            .and_then(|balance| Money::from_decimal(balance.round_dp(Money::DIGITS)).ok());
        Ok(AccountReport {
            asked_at,
            orders,
            positions,
            cash,
        })
    }

    /// Open orders of one market, of every kind, in the order of their names at the venue.
    async fn open_orders(&self, category: Category) -> Result<Vec<ReportedOrder>, AskError> {
        let all = Query::new()
            .with("category", &category.to_string())
            .with("openOnly", "0")
            .with("limit", "50");
        let scopes: Vec<Query> = match category {
            Category::Spot => vec![all],
            Category::Linear => self
                .settle_coins()
                .map(|coin| all.clone().with("settleCoin", coin))
                .collect(),
        };
        let mut rows: BTreeMap<String, Order> = BTreeMap::new();
        for scope in &scopes {
            // Contracts that watch a price are all of one kind.
            let n_kinds = if category == Category::Spot { 2 } else { 1 };
            let kinds = KINDS.iter().take(n_kinds);
            let kinds = kinds.map(|kind| scope.clone().with("orderFilter", kind.as_str()));
            for query in std::iter::once(scope.clone()).chain(kinds) {
                let path = "/v5/order/realtime";
                let found: Vec<Order> = ask::list(&self.rest, path, Some(category), &query).await?;
                for row in found {
                    let is_newer = rows
                        .get(&row.order_id)
                        .is_none_or(|known| known.updated_time <= row.updated_time);
                    if is_newer {
                        rows.insert(row.order_id.clone(), row);
                    }
                }
            }
        }
        rows.values()
            // A state that nobody knows may be open.
            .filter(|row| !row.order_status.is_final())
            .map(|row| self.reported_order(row, category))
            .collect()
    }

    fn reported_order(&self, row: &Order, category: Category) -> Result<ReportedOrder, AskError> {
        let bad = |what: &str| {
            let id = plain(&row.order_id);
            AskError::NoAnswer(format!("order {id} of {} has no {what}", row.symbol))
        };
        let is_fresh = matches!(
            row.order_status,
            OrderStatus::New | OrderStatus::Untriggered | OrderStatus::Triggered
        );
        let filled = row.cum_exec_qty.or(is_fresh.then_some(Qty::ZERO));
        let known = find(&self.instruments, row.symbol.as_str(), category);
        let link = row.order_link_id.as_deref();
        Ok(ReportedOrder {
            order: self.roster.reported_name(link, &row.order_id),
            venue_id: plain(&row.order_id),
            instrument: known.map(|(id, _)| id),
            symbol: row.symbol.to_string(),
            side: row.side.to_domain().ok_or_else(|| bad("side"))?,
            qty: row.qty.ok_or_else(|| bad("quantity"))?,
            filled: filled.ok_or_else(|| bad("traded quantity"))?,
        })
    }

    /// Positions of contracts; those of a traded symbol must be in one-way mode.
    async fn contract_positions(&self) -> Result<Vec<ReportedPosition>, AskError> {
        let category = Category::Linear;
        let mut rows: BTreeMap<(String, PositionIdx), Position> = BTreeMap::new();
        for coin in self.settle_coins() {
            let query = Query::new()
                .with("category", &category.to_string())
                .with("settleCoin", coin)
                .with("limit", "200");
            let path = "/v5/position/list";
            let found: Vec<Position> = ask::list(&self.rest, path, Some(category), &query).await?;
            for row in found {
                let key = (row.symbol.to_string(), row.position_idx);
                let is_newer = rows.get(&key).is_none_or(|known| {
                    (known.seq, known.updated_time) <= (row.seq, row.updated_time)
                });
                if is_newer {
                    rows.insert(key, row);
                }
            }
        }
        let mut positions = Vec::new();
        for ((symbol, idx), row) in &rows {
            let known = find(&self.instruments, symbol, category).map(|(id, _)| id);
            if known.is_some() && *idx != PositionIdx::OneWay {
                return Err(AskError::NoAnswer(format!(
                    "{symbol} is in hedge mode at the venue (positionIdx {}): \
                     close its positions and orders and switch it to one-way",
                    idx.number()
                )));
            }
            let size = row.signed_size().ok_or_else(|| {
                AskError::NoAnswer(format!("the position of {symbol} has no direction"))
            })?;
            if !size.is_zero() {
                positions.push(ReportedPosition {
                    instrument: known,
                    symbol: symbol.clone(),
                    size,
                    entry: row.entry(),
                });
            }
        }
        Ok(positions)
    }

    /// The unified account's balances. Without a coin in the question the answer has every coin
    /// that is not zero (Bybit v5, wallet-balance).
    async fn wallet(&self) -> Result<Wallet, AskError> {
        let path = "/v5/account/wallet-balance";
        let query = Query::from(&[("accountType", "UNIFIED")]);
        let wallets: Vec<Wallet> = ask::list(&self.rest, path, None, &query).await?;
        let is_it = |wallet: &Wallet| wallet.account_type.as_deref() == Some("UNIFIED");
        wallets
            .into_iter()
            .find(is_it)
            .ok_or_else(|| AskError::NoAnswer(format!("{path}: the answer has no unified account")))
    }

    /// Balances of the base coins of what is traded on spot.
    fn spot_positions(&self, wallet: &Wallet) -> Result<Vec<ReportedPosition>, AskError> {
        let mut positions = Vec::new();
        let spot = |category| category == Category::Spot;
        for (id, rules) in self.instruments.iter().filter(|(_, i)| spot(i.category)) {
            let Some(balance) = wallet.coin(&rules.base) else {
                continue;
            };
            let size = balance
                .wallet_balance
                .and_then(amount)
                .ok_or_else(|| AskError::NoAnswer(format!("{} has no balance", rules.base)))?;
            if !size.is_zero() {
                positions.push(ReportedPosition {
                    instrument: Some(id),
                    symbol: rules.symbol.to_string(),
                    size,
                    entry: None,
                });
            }
        }
        Ok(positions)
    }
}

/// An amount, without the digits that no order can have.
fn amount(balance: Decimal) -> Option<SignedQty> {
    SignedQty::from_decimal(balance.trunc_with_scale(SignedQty::DIGITS)).ok()
}
