//! The newest positions and balances that were told.

use std::collections::BTreeMap;

use crate::domain::{Symbol, Timestamp};
use crate::venue::bybit::wire::account::{CoinBalance, Wallet};
use crate::venue::bybit::wire::names::PositionIdx;
use crate::venue::bybit::wire::position::Position;

#[derive(Debug, Default)]
pub(super) struct Latest {
    positions: BTreeMap<(Symbol, PositionIdx), Position>,
    wallet: Wallet,
    /// When the venue made the newest message about balances.
    told_at: Option<Timestamp>,
}

impl Latest {
    /// Takes a position unless a newer one is known: `seq` counts first, and of two with one
    /// `seq` (leverage and stops change none) the later.
    pub(super) fn take(&mut self, row: &Position) {
        let key = (row.symbol.clone(), row.position_idx);
        let place = |row: &Position| (row.seq, row.updated_time);
        let is_old = self
            .positions
            .get(&key)
            .is_some_and(|known| place(row) < place(known));
        if !is_old {
            self.positions.insert(key, row.clone());
        }
    }

    pub(super) fn position(&self, symbol: &Symbol, idx: PositionIdx) -> Option<&Position> {
        self.positions.get(&(symbol.clone(), idx))
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = &Position> {
        self.positions.values()
    }

    pub(super) const fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// Takes over what a message says; what it does not say stays. An older message than the
    /// newest one says nothing.
    pub(super) fn merge(&mut self, row: &Wallet, created: Option<Timestamp>) {
        if created.is_some_and(|at| self.told_at.is_some_and(|newest| at < newest)) {
            return;
        }
        self.told_at = created.or(self.told_at);
        let wallet = &mut self.wallet;
        let Wallet {
            account_type,
            total_equity,
            total_wallet_balance,
            total_margin_balance,
            total_available_balance,
            total_perp_upl,
            total_initial_margin,
            total_maintenance_margin,
            account_im_rate,
            account_mm_rate,
            coin,
        } = row;
        update(&mut wallet.account_type, account_type.as_ref());
        update(&mut wallet.total_equity, total_equity.as_ref());
        update(
            &mut wallet.total_wallet_balance,
            total_wallet_balance.as_ref(),
        );
        update(
            &mut wallet.total_margin_balance,
            total_margin_balance.as_ref(),
        );
        update(
            &mut wallet.total_available_balance,
            total_available_balance.as_ref(),
        );
        update(&mut wallet.total_perp_upl, total_perp_upl.as_ref());
        update(
            &mut wallet.total_initial_margin,
            total_initial_margin.as_ref(),
        );
        update(
            &mut wallet.total_maintenance_margin,
            total_maintenance_margin.as_ref(),
        );
        update(&mut wallet.account_im_rate, account_im_rate.as_ref());
        update(&mut wallet.account_mm_rate, account_mm_rate.as_ref());
        for balance in coin {
            match wallet.coin.iter_mut().find(|c| c.coin == balance.coin) {
                Some(known) => merge_coin(known, balance),
                None => wallet.coin.push(balance.clone()),
            }
        }
    }
}

fn merge_coin(known: &mut CoinBalance, row: &CoinBalance) {
    let CoinBalance {
        coin: _,
        wallet_balance,
        equity,
        usd_value,
        locked,
        borrow_amount,
        accrued_interest,
        total_order_im,
        total_position_im,
        total_position_mm,
        unrealised_pnl,
        cum_realised_pnl,
        bonus,
        margin_collateral,
        collateral_switch,
    } = row;
    update(&mut known.wallet_balance, wallet_balance.as_ref());
    update(&mut known.equity, equity.as_ref());
    update(&mut known.usd_value, usd_value.as_ref());
    update(&mut known.locked, locked.as_ref());
    update(&mut known.borrow_amount, borrow_amount.as_ref());
    update(&mut known.accrued_interest, accrued_interest.as_ref());
    update(&mut known.total_order_im, total_order_im.as_ref());
    update(&mut known.total_position_im, total_position_im.as_ref());
    update(&mut known.total_position_mm, total_position_mm.as_ref());
    update(&mut known.unrealised_pnl, unrealised_pnl.as_ref());
    update(&mut known.cum_realised_pnl, cum_realised_pnl.as_ref());
    update(&mut known.bonus, bonus.as_ref());
    update(&mut known.margin_collateral, margin_collateral.as_ref());
    update(&mut known.collateral_switch, collateral_switch.as_ref());
}

fn update<T: Clone>(known: &mut Option<T>, row: Option<&T>) {
    if let Some(row) = row {
        *known = Some(row.clone());
    }
}
