//! The account: balances, settings, fees, the key itself, cancel on disconnect.
//!
//! Amounts are decimals: a balance may have more places than any order has.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::names::MarginMode;
use super::number::{flag, int, int_opt, need, opt, or_default, seen_opt};
use crate::domain::{Rate, Symbol, Timestamp};

/// Balances, from `/v5/account/wallet-balance` or the `wallet` stream.
///
/// A stream's message has the coins that changed: merge, absence is not zero. Totals are in USD
/// and none where the margin mode has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wallet {
    /// Kind of account, such as `UNIFIED`.
    #[serde(default, with = "opt")]
    pub account_type: Option<String>,
    /// Equity.
    #[serde(default, with = "seen_opt")]
    pub total_equity: Option<Decimal>,
    /// Balance.
    #[serde(default, with = "seen_opt")]
    pub total_wallet_balance: Option<Decimal>,
    /// Balance with unrealised profit.
    #[serde(default, with = "seen_opt")]
    pub total_margin_balance: Option<Decimal>,
    /// Free for orders under cross and portfolio margin.
    #[serde(default, with = "seen_opt")]
    pub total_available_balance: Option<Decimal>,
    /// Unrealised profit of contracts.
    #[serde(
        default,
        with = "seen_opt",
        rename = "totalPerpUPL",
        alias = "totalPerpUpl"
    )]
    pub total_perp_upl: Option<Decimal>,
    /// Initial margin in use.
    #[serde(default, with = "seen_opt")]
    pub total_initial_margin: Option<Decimal>,
    /// Maintenance margin in use.
    #[serde(default, with = "seen_opt")]
    pub total_maintenance_margin: Option<Decimal>,
    /// Initial margin as a part of the margin balance.
    #[serde(default, with = "seen_opt", rename = "accountIMRate")]
    pub account_im_rate: Option<Decimal>,
    /// Maintenance margin as a part of the margin balance; liquidation begins at 1.
    #[serde(default, with = "seen_opt", rename = "accountMMRate")]
    pub account_mm_rate: Option<Decimal>,
    /// Coins.
    #[serde(default, deserialize_with = "or_default")]
    pub coin: Vec<CoinBalance>,
}

impl Wallet {
    /// Balance of one coin, if the message has it.
    #[must_use]
    pub fn coin(&self, name: &str) -> Option<&CoinBalance> {
        self.coin.iter().find(|balance| balance.coin == name)
    }
}

/// Balance of one coin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoinBalance {
    /// Coin.
    #[serde(with = "need")]
    pub coin: String,
    /// Balance, without unrealised profit.
    #[serde(default, with = "seen_opt")]
    pub wallet_balance: Option<Decimal>,
    /// Balance with unrealised profit.
    #[serde(default, with = "seen_opt")]
    pub equity: Option<Decimal>,
    /// Value in USD.
    #[serde(default, with = "seen_opt")]
    pub usd_value: Option<Decimal>,
    /// Held by spot orders.
    #[serde(default, with = "seen_opt")]
    pub locked: Option<Decimal>,
    /// Borrowed.
    #[serde(default, with = "seen_opt")]
    pub borrow_amount: Option<Decimal>,
    /// Interest owed.
    #[serde(default, with = "seen_opt")]
    pub accrued_interest: Option<Decimal>,
    /// Initial margin of orders; none under portfolio margin.
    #[serde(default, with = "seen_opt", rename = "totalOrderIM")]
    pub total_order_im: Option<Decimal>,
    /// Initial margin of positions; none under portfolio margin.
    #[serde(default, with = "seen_opt", rename = "totalPositionIM")]
    pub total_position_im: Option<Decimal>,
    /// Maintenance margin of positions; none under portfolio margin.
    #[serde(default, with = "seen_opt", rename = "totalPositionMM")]
    pub total_position_mm: Option<Decimal>,
    /// Unrealised profit.
    #[serde(default, with = "seen_opt")]
    pub unrealised_pnl: Option<Decimal>,
    /// Realised profit of all time.
    #[serde(default, with = "seen_opt")]
    pub cum_realised_pnl: Option<Decimal>,
    /// Bonus: backs positions, cannot be withdrawn.
    #[serde(default, with = "seen_opt")]
    pub bonus: Option<Decimal>,
    /// Whether the venue takes the coin as collateral.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub margin_collateral: Option<bool>,
    /// Whether the account uses the coin as collateral.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub collateral_switch: Option<bool>,
}

impl CoinBalance {
    /// Free for contracts under isolated margin: balance less margins, locked amounts and bonus.
    /// `None` without a balance; parts that are none do not count (Bybit v5, "wallet balance").
    #[must_use]
    pub fn free_isolated(&self) -> Option<Decimal> {
        let used = [
            self.total_position_im,
            self.total_order_im,
            self.locked,
            self.bonus,
        ];
        used.iter()
            .flatten()
            .try_fold(self.wallet_balance?, |free, part| free.checked_sub(*part))
    }
}

/// Settings of the account (`/v5/account/info`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// How margin is shared.
    #[serde(default, with = "opt")]
    pub margin_mode: Option<MarginMode>,
    /// 5 and 6 are unified accounts of the second generation, 3 and 4 of the first, 1 is classic.
    #[serde(with = "int")]
    pub unified_margin_status: i64,
    /// `ON` while spot holdings offset contracts.
    #[serde(default, with = "opt")]
    pub spot_hedging_status: Option<String>,
    /// When the settings last changed.
    #[serde(default, with = "opt")]
    pub updated_time: Option<Timestamp>,
}

impl AccountInfo {
    /// Whether this is a unified account, the only kind that this program trades on.
    #[must_use]
    pub const fn is_unified(&self) -> bool {
        matches!(self.unified_margin_status, 3..=6)
    }
}

/// Fees of one symbol (`/v5/account/fee-rate`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeRate {
    /// Symbol.
    #[serde(default, with = "opt")]
    pub symbol: Option<Symbol>,
    /// Fee of an order that takes.
    #[serde(with = "need")]
    pub taker_fee_rate: Rate,
    /// Fee of an order that rests; negative is a rebate.
    #[serde(with = "need")]
    pub maker_fee_rate: Rate,
}

/// Whether the venue moves or refuses limit prices outside of the band
/// (`/v5/account/user-setting-config`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSettings {
    /// Spot: moved instead of refused.
    #[serde(default, with = "flag")]
    pub lpa_spot: Option<bool>,
    /// Contracts: refused instead of moved.
    #[serde(default, with = "flag")]
    pub lpa_perp: Option<bool>,
}

/// What a key may do (`/v5/user/query-api`): the right first question after login.
///
/// The key itself, which the answer repeats, is not read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyInfo {
    /// The owner's note about the key.
    #[serde(default, with = "opt")]
    pub note: Option<String>,
    /// 0 may trade, 1 may only read.
    #[serde(with = "int")]
    pub read_only: i64,
    /// Rights, by area.
    #[serde(default, deserialize_with = "or_default")]
    pub permissions: BTreeMap<String, Vec<String>>,
    /// Addresses it is bound to; `*` or none when it is not.
    #[serde(default, deserialize_with = "or_default")]
    pub ips: Vec<String>,
    /// When it ends, as ISO 8601; the year 1970 is never.
    #[serde(default, with = "opt")]
    pub expired_at: Option<String>,
    /// Days until it ends, where it does.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub deadline_day: Option<i64>,
    /// 1 when the account is unified.
    #[serde(default, with = "int_opt", skip_serializing_if = "Option::is_none")]
    pub uta: Option<i64>,
    /// Number of the account.
    #[serde(default, with = "int_opt", rename = "userID")]
    pub user_id: Option<i64>,
    /// Tier of the account.
    #[serde(default, with = "opt")]
    pub vip_level: Option<String>,
    /// Whether it belongs to a main account.
    #[serde(default, with = "flag", skip_serializing_if = "Option::is_none")]
    pub is_master: Option<bool>,
}

impl KeyInfo {
    /// Whether the key may send orders at all.
    #[must_use]
    pub const fn can_write(&self) -> bool {
        self.read_only == 0
    }

    /// Whether the key may send spot orders.
    #[must_use]
    pub fn can_trade_spot(&self) -> bool {
        self.can_write() && self.has("Spot", "SpotTrade")
    }

    /// Whether the key may send orders of contracts and change positions.
    #[must_use]
    pub fn can_trade_contracts(&self) -> bool {
        let classic = self.has("ContractTrade", "Order") && self.has("ContractTrade", "Position");
        self.can_write() && (classic || self.has("Derivatives", "DerivativesTrade"))
    }

    /// Whether the key may move money out of the account: such a key is not for trading.
    #[must_use]
    pub fn can_withdraw(&self) -> bool {
        let rights = self.permissions.values().flatten();
        rights
            .map(|right| right.to_ascii_lowercase())
            .any(|right| right.contains("withdraw"))
    }

    /// When the key ends; `None` when it does not, or when the venue's text is no time.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        let instant: jiff::Timestamp = self.expired_at.as_deref()?.parse().ok()?;
        let ms = instant.as_millisecond();
        (0 < ms).then(|| Timestamp::from_millis(ms))
    }

    fn has(&self, area: &str, right: &str) -> bool {
        let rights = self.permissions.get(area);
        rights.is_some_and(|rights| rights.iter().any(|known| known == right))
    }
}

/// Without note, addresses and number of the account, which name a person.
impl fmt::Debug for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyInfo")
            .field("read_only", &self.read_only)
            .field("permissions", &self.permissions)
            .field("n_ips", &self.ips.len())
            .field("expired_at", &self.expired_at)
            .field("uta", &self.uta)
            .finish_non_exhaustive()
    }
}

/// Body of `/v5/account/set-margin-mode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetMarginMode {
    /// Wanted mode.
    pub set_margin_mode: MarginMode,
}

/// Answer to [`SetMarginMode`]: why it was refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MarginModeAnswer {
    /// Reasons; none when it worked.
    #[serde(default, deserialize_with = "or_default")]
    pub reasons: Vec<MarginModeReason>,
}

/// One reason why the margin mode cannot change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarginModeReason {
    /// Code.
    #[serde(with = "need")]
    pub reason_code: i64,
    /// Text.
    #[serde(default, with = "opt")]
    pub reason_msg: Option<String>,
}

/// Answer of `/v5/account/query-dcp-info`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DcpInfo {
    /// Products for which it was set.
    #[serde(default, rename = "dcpInfos", deserialize_with = "or_default")]
    pub products: Vec<DcpProduct>,
}

/// Cancel on disconnect of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DcpProduct {
    /// `SPOT`, `DERIVATIVES` or `OPTIONS`.
    #[serde(with = "need")]
    pub product: String,
    /// `ON` when it is armed.
    #[serde(default, with = "opt")]
    pub dcp_status: Option<String>,
    /// Seconds without any connection after which orders are cancelled.
    #[serde(default, with = "opt")]
    pub time_window: Option<i64>,
}

impl DcpProduct {
    /// Whether it is armed.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.dcp_status.as_deref() == Some("ON")
    }
}

/// Body of `/v5/order/disconnected-cancel-all`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetDcp {
    /// `SPOT`, `DERIVATIVES` or `OPTIONS`; the venue's default is options.
    #[serde(default, with = "opt", skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Seconds, 3 to 300.
    #[serde(with = "int")]
    pub time_window: i64,
}
